//! The way to AWS: which host is asked, through which proxy, whose certificate is trusted, how often.

use std::sync::Arc;
use std::time::Duration;

use terraform_provider_replicated::aws::{AwsCloud, CloudConfig, Endpoints, RetryMode, Secret};
use terraform_provider_replicated::execution::cloud::{CallErrorKind, Cloud};
use terraform_provider_replicated::replication::ids::WayIn;
use terraform_provider_replicated::replication::operation::{Operation, Query};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::TlsAcceptor;

use crate::server::{Reply, Server};
use crate::setting::{ACCOUNT, BUCKET, at, config, region, tags};

/// A proxy that lets nobody through; it is asked for each host once.
async fn proxy() -> Server {
    Server::start(|_, _| Reply::ok("").with_status(502)).await
}

/// AWS's own endpoints, through this proxy.
fn behind(proxy: &Server) -> CloudConfig {
    CloudConfig {
        endpoints: Endpoints::default(),
        https_proxy: Some(Secret::new(&*proxy.url)),
        s3_use_path_style: false,
        max_retries: Some(0),
        ..config("")
    }
}

/// The hosts that a call to each service asks the proxy for.
async fn hosts(proxy: &Server, config: CloudConfig) -> Vec<String> {
    let cloud = AwsCloud::new(config).unwrap();
    let place = at("us-west-2");
    let role = || "replication".to_owned();
    cloud
        .enter(&WayIn::default(), &place.region)
        .await
        .unwrap_err();
    for query in [
        Query::HeadBucket {
            bucket: BUCKET.to_owned(),
        },
        Query::ListKeys,
        Query::GetRole { role: role() },
    ] {
        cloud.query(&place, &query).await.unwrap_err();
    }
    let tag = Operation::TagBucket {
        bucket: BUCKET.to_owned(),
        tags: tags(),
    };
    cloud.perform(&place, &tag).await.unwrap_err();
    let asked = proxy.received().into_iter().map(|asked| asked.operation);
    asked
        .map(|line| line.replace("CONNECT ", "").replace(":443", ""))
        .collect()
}

#[tokio::test]
async fn endpoints_follow_region_fips_and_dual_stack() {
    for (fips, dualstack, expected) in [
        (
            false,
            false,
            [
                "sts.eu-west-1.amazonaws.com",
                "acme-archive.s3.us-west-2.amazonaws.com",
                "kms.us-west-2.amazonaws.com",
                "iam.amazonaws.com",
                "111111111111.s3-control.us-west-2.amazonaws.com",
            ],
        ),
        (
            true,
            false,
            [
                "sts-fips.eu-west-1.amazonaws.com",
                "acme-archive.s3-fips.us-west-2.amazonaws.com",
                "kms-fips.us-west-2.amazonaws.com",
                "iam-fips.amazonaws.com",
                "111111111111.s3-control-fips.us-west-2.amazonaws.com",
            ],
        ),
        (
            false,
            true,
            [
                "sts.eu-west-1.api.aws",
                "acme-archive.s3.dualstack.us-west-2.amazonaws.com",
                "kms.us-west-2.api.aws",
                "iam.global.api.aws",
                "111111111111.s3-control.dualstack.us-west-2.amazonaws.com",
            ],
        ),
    ] {
        let proxy = proxy().await;
        let mut config = behind(&proxy);
        config.use_fips_endpoint = Some(fips);
        config.use_dualstack_endpoint = Some(dualstack);
        assert_eq!(hosts(&proxy, config).await, expected);
    }
}

#[tokio::test]
async fn sts_has_a_region_of_its_own_where_one_is_written() {
    let proxy = proxy().await;
    let mut config = behind(&proxy);
    config.sts_region = Some(region("us-east-2"));
    let hosts = hosts(&proxy, config).await;
    assert_eq!(hosts[0], "sts.us-east-2.amazonaws.com");
}

#[tokio::test]
async fn an_endpoint_that_is_written_out_is_taken_as_it_is_under_fips() {
    let server = Server::start(|_, _| Reply::ok("{}")).await;
    let mut config = config(&server.url);
    config.use_fips_endpoint = Some(true);
    let cloud = AwsCloud::new(config).unwrap();
    cloud
        .query(&at("us-west-2"), &Query::ListKeys)
        .await
        .unwrap();
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn each_scheme_has_its_proxy_and_some_hosts_have_none() {
    let some = |server: &Server| Some(Secret::new(&*server.url));
    let none = || Some(Secret::new(""));
    // Whether a call to this endpoint reaches the first or the second proxy.
    for (endpoint, http, https, no_proxy, reached) in [
        ("http://aws.invalid", true, true, "", [true, false]),
        ("https://aws.invalid", true, true, "", [false, true]),
        ("http://aws.invalid", false, true, "", [false, false]),
        ("https://aws.invalid", true, false, "", [false, false]),
        (
            "http://aws.invalid",
            true,
            true,
            "other.invalid,aws.invalid",
            [false, false],
        ),
        ("http://127.0.0.1:1", true, true, "", [false, false]),
    ] {
        let proxies = [proxy().await, proxy().await];
        let config = CloudConfig {
            http_proxy: if http { some(&proxies[0]) } else { none() },
            https_proxy: if https { some(&proxies[1]) } else { none() },
            no_proxy: Some(no_proxy.to_owned()),
            max_retries: Some(0),
            ..config(endpoint)
        };
        let cloud = AwsCloud::new(config).unwrap();
        cloud
            .query(&at("us-west-2"), &Query::ListKeys)
            .await
            .unwrap_err();
        let seen = proxies.map(|proxy| !proxy.received().is_empty());
        assert_eq!(seen, reached, "{endpoint} {http} {https} {no_proxy}");
    }
}

#[tokio::test]
async fn an_http_proxy_alone_is_for_https_too() {
    let proxy = proxy().await;
    let config = CloudConfig {
        http_proxy: Some(Secret::new(&*proxy.url)),
        https_proxy: None,
        ..behind(&proxy)
    };
    let hosts = hosts(&proxy, config).await;
    assert_eq!(hosts[0], "sts.eu-west-1.amazonaws.com");
}

#[tokio::test]
async fn only_a_certificate_of_the_bundle_is_trusted() {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let url = tls_server(&signed).await;
    let bundle = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(bundle.path(), signed.cert.pem()).unwrap();
    let trusting = |path: Option<std::path::PathBuf>| CloudConfig {
        custom_ca_bundle: path,
        max_retries: Some(0),
        ..config(&url)
    };
    let ask = async |config| {
        let cloud = AwsCloud::new(config).unwrap();
        cloud.enter(&WayIn::default(), &region("eu-west-1")).await
    };
    let identity = ask(trusting(Some(bundle.path().to_owned()))).await.unwrap();
    assert_eq!(identity.account.as_str(), ACCOUNT);

    let error = ask(trusting(None)).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Transport);
    assert!(error.message.contains("certificate"), "{error}");
}

/// A server with this certificate that tells everybody who they are.
pub(crate) async fn tls_server(signed: &rcgen::CertifiedKey<rcgen::KeyPair>) -> String {
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der());
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Who does not trust us breaks off.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let _ = stream.read(&mut [0; 16_384]).await;
            let body = format!(
                "<GetCallerIdentityResponse><GetCallerIdentityResult>\
                 <Arn>arn:aws:iam::{ACCOUNT}:user/operator</Arn><UserId>AIDA1</UserId>\
                 <Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
            );
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all((head + &body).as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    format!("https://localhost:{port}")
}

/// So many retries that a call which made them all would not end while anybody waits.
fn patient(endpoint: &str) -> CloudConfig {
    CloudConfig {
        max_retries: Some(100_000),
        initial_backoff: Duration::from_millis(2),
        ..config(endpoint)
    }
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_given_up_and_named_with_its_region() {
    let cloud = AwsCloud::new(patient("http://kms.eu-wst-9.invalid")).unwrap();
    let error = cloud
        .query(&at("eu-wst-9"), &Query::ListKeys)
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Transport);
    let told = error.to_string();
    for part in [
        "region eu-wst-9",
        "host kms.eu-wst-9.invalid does not exist",
        "is the region, or the endpoint, mistyped?",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[tokio::test]
async fn a_host_that_refuses_connections_is_given_up_and_named() {
    // A port that is taken, so that no other test gets it, and on which nobody listens.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = taken.local_addr().unwrap();
    let cloud = AwsCloud::new(patient(&format!("http://{address}"))).unwrap();
    let error = cloud
        .enter(&WayIn::default(), &region("eu-west-1"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Transport);
    let told = format!("host {address} refuses connections");
    assert!(error.to_string().contains(&told), "{error}");
}

#[tokio::test]
async fn a_quota_on_retries_ends_them_before_their_number_does() {
    let server = Server::start(|_, _| Reply::kms_error(500, "KMSInternalException")).await;
    // A retry after a failure of AWS takes ten tokens.
    for (quota, attempts) in [(Some(20), 3), (None, 9)] {
        let before = server.received().len();
        let mut config = config(&server.url);
        config.retry_quota = quota;
        config.max_retries = Some(8);
        let cloud = AwsCloud::new(config).unwrap();
        cloud
            .query(&at("eu-west-1"), &Query::ListKeys)
            .await
            .unwrap_err();
        assert_eq!(server.received().len() - before, attempts, "{quota:?}");
    }
}

#[tokio::test]
async fn both_retry_modes_go_on_after_throttling() {
    for mode in [RetryMode::Standard, RetryMode::Adaptive] {
        let server = Server::start(|_, earlier| match earlier {
            0 => Reply::kms_error(400, "ThrottlingException"),
            _ => Reply::ok("{}"),
        })
        .await;
        let mut config = config(&server.url);
        config.retry_mode = Some(mode);
        let cloud = AwsCloud::new(config).unwrap();
        cloud
            .query(&at("eu-west-1"), &Query::ListKeys)
            .await
            .unwrap();
        assert_eq!(server.received().len(), 2, "{mode:?}");
    }
}
