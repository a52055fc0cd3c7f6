//! Mutual TLS between two processes that have nothing but each other's certificate.
//!
//! No certificate authority and no name plays a part: the client hands over its certificate when it starts
//! the process, the server answers with its own in the handshake line, and each accepts exactly that one.
//! The entry point is [`mutual`]. Keys live as long as the process and never touch a disk.

use std::sync::Arc;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName as Name, Error, ServerConfig,
    SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

/// The name that clients verify the server's certificate for.
const SERVER_NAME: &str = "localhost";

/// The server's side of the connection.
#[derive(Debug, Clone)]
pub struct MutualTls {
    /// The server's certificate in DER, for the handshake line.
    pub certificate: Vec<u8>,
    /// What to accept connections with.
    pub config: Arc<ServerConfig>,
}

/// Why there is no encrypted connection.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The client's certificate is not PEM.
    #[error("PLUGIN_CLIENT_CERT holds no certificate in PEM")]
    ClientCertificate(#[source] rustls_pki_types::pem::Error),
    /// No certificate could be made.
    #[error("the server's certificate could not be made")]
    ServerCertificate(#[source] rcgen::Error),
    /// The parts do not fit.
    #[error("TLS could not be set up")]
    Setup(#[source] Error),
}

/// Makes a fresh server certificate and accepts only the client whose certificate is given in PEM.
pub fn mutual(client_certificate: &str) -> Result<MutualTls, TlsError> {
    let client = CertificateDer::from_pem_slice(client_certificate.as_bytes())
        .map_err(TlsError::ClientCertificate)?;
    let (certificate, key) = server_certificate().map_err(TlsError::ServerCertificate)?;
    // aws-lc-rs verifies the P-521 signatures of Terraform's certificates; not every implementation can.
    let crypto = Arc::new(aws_lc_rs::default_provider());
    let verifier = PinnedClient {
        certificate: client,
        algorithms: crypto.signature_verification_algorithms,
    };
    let mut config = ServerConfig::builder_with_provider(crypto)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsError::Setup)?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(vec![certificate.clone()], key)
        .map_err(TlsError::Setup)?;
    // Newer clients refuse a connection that did not agree on HTTP/2.
    config.alpn_protocols = vec![b"h2".to_vec()];
    // There is one client with one connection: nothing to resume.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(MutualTls {
        certificate: certificate.to_vec(),
        config: Arc::new(config),
    })
}

fn server_certificate() -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(vec![SERVER_NAME.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, SERVER_NAME);
    // Good for this server alone: nobody who trusts it trusts what else its key may sign.
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::try_from(key.serialize_der())
        .map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
    Ok((certificate.der().clone(), key))
}

/// Accepts one certificate, byte for byte.
///
/// The usual verifier cannot be used: the client's certificate is marked as an authority of its own, which a
/// chain check refuses as a leaf.
#[derive(Debug)]
struct PinnedClient {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for PinnedClient {
    fn root_hint_subjects(&self) -> &[Name] {
        // No hint: clients then offer whatever they have.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if end_entity.as_ref() == self.certificate.as_ref() {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_certificate_is_refused() {
        let error = mutual("hello").expect_err("not PEM");
        assert_eq!(
            error.to_string(),
            "PLUGIN_CLIENT_CERT holds no certificate in PEM"
        );
    }

    #[test]
    fn p521_signatures_are_offered_because_terraform_signs_with_nothing_else() {
        let verifier = PinnedClient {
            certificate: CertificateDer::from(vec![1, 2, 3]),
            algorithms: aws_lc_rs::default_provider().signature_verification_algorithms,
        };
        assert!(
            verifier
                .supported_verify_schemes()
                .contains(&SignatureScheme::ECDSA_NISTP521_SHA512)
        );
        assert!(verifier.client_auth_mandatory());
    }

    #[test]
    fn the_servers_certificate_is_good_for_one_server_and_nothing_else() {
        let (certificate, _) = server_certificate().expect("a certificate");
        let holds = |der: &[u8]| certificate.windows(der.len()).any(|bytes| bytes == der);
        const BASIC_CONSTRAINTS: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x13];
        const IS_AN_AUTHORITY: &[u8] = &[0x30, 0x03, 0x01, 0x01, 0xff];
        const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
        const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
        assert!(holds(BASIC_CONSTRAINTS) && !holds(IS_AN_AUTHORITY));
        assert!(holds(SERVER_AUTH) && !holds(CLIENT_AUTH));
        assert!(holds(SERVER_NAME.as_bytes()));
    }

    #[test]
    fn every_process_has_a_certificate_of_its_own() {
        let (first, _) = server_certificate().expect("a certificate");
        let (second, _) = server_certificate().expect("a certificate");
        assert_ne!(first, second);
    }
}
