//! Who may connect, and how.

use terraform_provider_replicated::plugin::generated::tfplugin6 as wire;
use terraform_provider_replicated::plugin::generated::tfplugin6::provider_client::ProviderClient;
use terraform_provider_replicated::plugin::handshake::Environment;
use terraform_provider_replicated::plugin::lifetime::Plugin;
use terraform_provider_replicated::plugin::listener::Listener;
use tonic::transport::Channel;

use crate::client::{Certificate, Running};

/// Whether a call is answered over the channel.
async fn answers(channel: Result<Channel, tonic::transport::Error>) -> bool {
    let Ok(channel) = channel else {
        return false;
    };
    let mut client = ProviderClient::new(channel);
    let answer = client.get_provider_schema(wire::get_provider_schema::Request {});
    answer.await.is_ok()
}

#[tokio::test]
async fn terraforms_p521_certificate_is_accepted_with_both_versions_of_tls() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let plugin = Running::start().await;
        assert_eq!(plugin.line.network, "unix");
        let config = plugin.line.tls(Some(&plugin.certificate), &[version]);
        assert!(
            answers(plugin.line.channel(Some(config)).await).await,
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn strangers_are_refused_and_do_no_harm() {
    let plugin = Running::start().await;
    let own = &plugin.certificate;
    let strangers = [
        ("a foreign certificate", Some(Certificate::new())),
        ("one that the client's has signed", Some(own.issue())),
        ("the client's without its key", Some(own.stolen())),
        ("no certificate", None),
    ];
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for (stranger, certificate) in &strangers {
            let tls = plugin.line.tls(certificate.as_ref(), &[version]);
            let channel = plugin.line.channel(Some(tls)).await;
            assert!(!answers(channel).await, "{stranger}, {version:?}");
        }
    }
    assert!(!answers(plugin.line.connect(None).await).await, "no TLS");
    assert!(
        answers(plugin.line.connect(Some(&plugin.certificate)).await).await,
        "the right one, after all of these"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn the_socket_is_for_its_owner_only() {
    use std::os::unix::fs::MetadataExt as _;

    let plugin = Running::start().await;
    let socket = std::path::Path::new(&plugin.line.address);
    for (path, mode) in [
        (socket.parent().expect("a directory"), 0o700),
        (socket, 0o600),
    ] {
        let metadata = std::fs::metadata(path).expect("it is there");
        assert_eq!(metadata.mode() & 0o777, mode, "{}", path.display());
    }
}

#[tokio::test]
async fn http_2_is_agreed_upon() {
    let plugin = Running::start().await;
    let stream = tokio::net::UnixStream::connect(&plugin.line.address)
        .await
        .expect("a connection");
    let config = plugin
        .line
        .tls(Some(&plugin.certificate), rustls::ALL_VERSIONS);
    let name = rustls_pki_types::ServerName::try_from("localhost").expect("a name");
    let stream = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config))
        .connect(name, stream)
        .await
        .expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
}

#[tokio::test]
async fn a_client_without_a_certificate_is_served_plainly() {
    let directory = tempfile::tempdir().expect("a directory");
    let environment = Environment {
        socket_directory: Some(directory.path().to_owned()),
        ..Environment::default()
    };
    let plugin = Plugin::listen(&environment).await.expect("a plugin");
    let plugin = Running::run(plugin, Certificate::new(), directory);
    assert!(plugin.line.certificate.is_empty());
    assert!(answers(plugin.line.connect(None).await).await);
}

#[tokio::test]
async fn a_port_serves_where_there_are_no_sockets() {
    let certificate = Certificate::new();
    let environment = Environment {
        client_certificate: Some(certificate.pem.clone()),
        ..Environment::default()
    };
    let listener = Listener::bind_tcp(Some(10_000..=25_000))
        .await
        .expect("a port");
    let plugin = Plugin::listen_on(listener, &environment).expect("a plugin");
    let plugin = Running::run(
        plugin,
        certificate,
        tempfile::tempdir().expect("a directory"),
    );
    assert_eq!(plugin.line.network, "tcp");
    assert!(
        plugin.line.address.starts_with("127.0.0.1:1")
            || plugin.line.address.starts_with("127.0.0.1:2")
    );
    assert!(answers(plugin.line.connect(Some(&plugin.certificate)).await).await);
}
