//! Terraform's side of the connection, and a plugin in this process for it to talk to.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P521_SHA512,
};
use rustls::crypto::aws_lc_rs;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use terraform_provider_replicated::framework::server::Server;
use terraform_provider_replicated::framework::value::{Type, Value};
use terraform_provider_replicated::plugin::generated::tfplugin6 as wire;
use terraform_provider_replicated::plugin::generated::tfplugin6::provider_client::ProviderClient;
use terraform_provider_replicated::plugin::handshake::Environment;
use terraform_provider_replicated::plugin::lifetime::{End, Plugin};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use tonic::codegen::http::Uri;
use tonic::transport::{Channel, Endpoint};

use crate::provider::{TestProvider, Witness};

/// A client's certificate, made exactly as Terraform makes it.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    der: CertificateDer<'static>,
    key: KeyPair,
    params: CertificateParams,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).expect("a key");
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyAgreement,
            KeyUsagePurpose::KeyCertSign,
        ];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        let mut name = DistinguishedName::new();
        name.push(DnType::OrganizationName, "HashiCorp");
        name.push(DnType::CommonName, "localhost");
        params.distinguished_name = name;
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            key,
            params,
        }
    }

    /// One that this one has signed, as an authority would.
    pub(crate) fn issue(&self) -> Self {
        let mut issued = Self::new();
        let issuer = Issuer::from_params(&self.params, &self.key);
        let signed = issued.params.signed_by(&issued.key, &issuer);
        let signed = signed.expect("a certificate");
        issued.pem = signed.pem();
        issued.der = signed.der().clone();
        issued
    }

    /// This certificate in the hands of somebody who has another key.
    pub(crate) fn stolen(&self) -> Self {
        Self {
            pem: self.pem.clone(),
            der: self.der.clone(),
            key: Self::new().key,
            params: self.params.clone(),
        }
    }
}

/// The handshake line in its parts.
pub(crate) struct Line {
    pub(crate) network: String,
    pub(crate) address: String,
    pub(crate) certificate: Vec<u8>,
}

impl Line {
    /// Reads the line as Terraform does.
    pub(crate) fn parse(line: &str) -> Self {
        let fields: Vec<&str> = line.split('|').collect();
        let [core, protocol, network, address, kind, certificate] = fields.as_slice() else {
            panic!("not six fields: {line}");
        };
        assert_eq!((*core, *protocol, *kind), ("1", "6", "grpc"), "{line}");
        Self {
            network: (*network).to_owned(),
            address: (*address).to_owned(),
            certificate: STANDARD_NO_PAD
                .decode(certificate)
                .expect("base64 without padding"),
        }
    }

    /// Connects as the client with this certificate; without one, plainly.
    pub(crate) async fn connect(
        &self,
        certificate: Option<&Certificate>,
    ) -> Result<Channel, tonic::transport::Error> {
        let config = certificate.map(|own| self.tls(Some(own), rustls::ALL_VERSIONS));
        self.channel(config).await
    }

    /// Connects with the TLS settings given.
    pub(crate) async fn channel(
        &self,
        tls: Option<ClientConfig>,
    ) -> Result<Channel, tonic::transport::Error> {
        let connector = Connector {
            network: self.network.clone(),
            address: self.address.clone(),
            tls: tls.map(|config| TlsConnector::from(Arc::new(config))),
        };
        Endpoint::from_static("http://localhost")
            .connect_with_connector(connector)
            .await
    }

    /// Trusts the server's certificate from the line and nothing else.
    pub(crate) fn tls(
        &self,
        own: Option<&Certificate>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(self.certificate.clone()))
            .expect("a certificate in the line");
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match own {
            Some(own) => {
                let key = PrivateKeyDer::try_from(own.key.serialize_der()).expect("a key");
                let key = aws_lc_rs::sign::any_supported_type(&key).expect("a key");
                // Nobody looks whether the key is that of the certificate.
                let own = CertifiedKey::new(vec![own.der.clone()], key);
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own)))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens connections for tonic.
struct Connector {
    network: String,
    address: String,
    tls: Option<TlsConnector>,
}

impl tonic::codegen::Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Stream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (network, address, tls) =
            (self.network.clone(), self.address.clone(), self.tls.clone());
        Box::pin(async move {
            let stream: Box<dyn Stream> = match network.as_str() {
                "unix" => Box::new(UnixStream::connect(address).await?),
                _ => Box::new(TcpStream::connect(address).await?),
            };
            let Some(tls) = tls else {
                return Ok(TokioIo::new(stream));
            };
            let name = ServerName::try_from("localhost").expect("a name");
            let stream: Box<dyn Stream> = Box::new(tls.connect(name, stream).await?);
            Ok(TokioIo::new(stream))
        })
    }
}

/// A plugin that runs in this process.
pub(crate) struct Running {
    pub(crate) line: Line,
    pub(crate) certificate: Certificate,
    pub(crate) interrupt: CancellationToken,
    pub(crate) witness: Arc<Witness>,
    end: JoinHandle<End>,
    directory: tempfile::TempDir,
}

impl Running {
    /// Starts a plugin with mutual TLS on a socket, as Terraform does.
    pub(crate) async fn start() -> Self {
        Self::start_with(|plugin| plugin).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(Plugin) -> Plugin) -> Self {
        let certificate = Certificate::new();
        let directory = tempfile::tempdir().expect("a directory");
        let environment = Environment {
            client_certificate: Some(certificate.pem.clone()),
            socket_directory: Some(directory.path().to_owned()),
            ..Environment::default()
        };
        let plugin = change(Plugin::listen(&environment).await.expect("a plugin"));
        Self::run(plugin, certificate, directory)
    }

    pub(crate) fn run(
        plugin: Plugin,
        certificate: Certificate,
        directory: tempfile::TempDir,
    ) -> Self {
        let line = Line::parse(&plugin.handshake_line().to_string());
        let witness = Arc::new(Witness::default());
        let server = Arc::new(Server::new(TestProvider::seen_by(&witness)));
        let interrupt = CancellationToken::new();
        let interrupted = interrupt.clone().cancelled_owned();
        let end = tokio::spawn(async move {
            let end = plugin.run(server, interrupted).await;
            end.expect("a clean end")
        });
        Self {
            line,
            certificate,
            interrupt,
            witness,
            end,
            directory,
        }
    }

    pub(crate) async fn channel(&self) -> Channel {
        let channel = self.line.connect(Some(&self.certificate)).await;
        channel.expect("a connection")
    }

    pub(crate) async fn client(&self) -> ProviderClient<Channel> {
        ProviderClient::new(self.channel().await)
    }

    /// Waits for the end, and tells it with what the socket's directory still holds.
    pub(crate) async fn ended(self) -> (End, Vec<PathBuf>) {
        let end = self.end.await.expect("no panic");
        let left = std::fs::read_dir(self.directory.path()).expect("readable");
        (
            end,
            left.map(|entry| entry.expect("an entry").path()).collect(),
        )
    }
}

/// A value as Terraform sends it.
pub(crate) fn encoded(value: &Value, ty: &Type) -> Option<wire::DynamicValue> {
    Some(wire::DynamicValue {
        msgpack: value.to_msgpack(ty).expect("a value of the type"),
        json: Vec::new(),
    })
}

/// A value as Terraform receives it.
pub(crate) fn decoded(encoded: Option<&wire::DynamicValue>, ty: &Type) -> Value {
    let encoded = encoded.expect("a value");
    Value::from_msgpack(&encoded.msgpack, ty).expect("a value of the type")
}

/// An identity as Terraform sends it.
pub(crate) fn encoded_identity(value: &Value, ty: &Type) -> Option<wire::ResourceIdentityData> {
    Some(wire::ResourceIdentityData {
        identity_data: encoded(value, ty),
    })
}

/// Bytes that are no value of any type.
pub(crate) fn garbage() -> Option<wire::DynamicValue> {
    Some(wire::DynamicValue {
        msgpack: vec![0xc1, 0xff, 0x00],
        json: Vec::new(),
    })
}

/// The summaries of messages.
pub(crate) fn summaries(diagnostics: &[wire::Diagnostic]) -> Vec<&str> {
    diagnostics.iter().map(|d| d.summary.as_str()).collect()
}
