//! The one HTTP client that every call shares, with its pool of connections, trusted certificates and proxy.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::config::{CloudConfig, ConfigError, Secret};
use super::environment;

/// Builds the client. Nothing is connected yet.
pub(super) fn http_client(config: &CloudConfig) -> Result<SharedHttpClient, ConfigError> {
    let trust = trusted_certificates(config)?;
    let proxies = Proxies::of(config)?;
    // The SDK asks for a connector with the time limits of the caller: those of our calls, and the short
    // ones of the instance metadata service. Each pair of limits has its own pool.
    let connectors: Mutex<HashMap<TimeLimits, SharedHttpConnector>> = Mutex::new(HashMap::new());
    Ok(http_client_fn(move |settings, components| {
        let mut connectors = connectors.lock().unwrap_or_else(PoisonError::into_inner);
        connectors
            .entry(time_limits(settings))
            .or_insert_with(|| {
                let connector = |proxy: &ProxyConfig| {
                    let mut builder = Connector::builder()
                        .connector_settings(settings.clone())
                        .proxy_config(proxy.clone())
                        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                        .tls_context(trust.clone());
                    builder.set_sleep_impl(components.sleep_impl());
                    SharedHttpConnector::new(builder.build())
                };
                SharedHttpConnector::new(ByAddress {
                    direct: connector(&ProxyConfig::disabled()),
                    http: connector(&proxies.http),
                    https: connector(&proxies.https),
                })
            })
            .clone()
    }))
}

/// One connector for each kind of address.
#[derive(Debug)]
struct ByAddress {
    direct: SharedHttpConnector,
    http: SharedHttpConnector,
    https: SharedHttpConnector,
}

impl HttpConnector for ByAddress {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let url = request.uri();
        let connector = if is_this_machine(url) {
            &self.direct
        } else if url.starts_with("https:") {
            &self.https
        } else {
            &self.http
        };
        connector.call(request)
    }
}

/// Whether an address is on this machine, where no proxy is ever asked, as Go has it.
fn is_this_machine(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => authority.split(':').next(),
    };
    let host = host.unwrap_or_default();
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// The limits for connecting and for reading.
type TimeLimits = (Option<Duration>, Option<Duration>);

fn time_limits(settings: &HttpConnectorSettings) -> TimeLimits {
    (settings.connect_timeout(), settings.read_timeout())
}

/// The system's certificates, or exactly those of the bundle.
fn trusted_certificates(config: &CloudConfig) -> Result<TlsContext, ConfigError> {
    let bundle = config
        .custom_ca_bundle
        .clone()
        .or_else(|| environment::variable(&["AWS_CA_BUNDLE"]).map(PathBuf::from))
        .filter(|path| !path.as_os_str().is_empty());
    let Some(path) = bundle else {
        return Ok(TlsContext::default());
    };
    let refuse = |why: String| ConfigError::CaBundle {
        path: path.display().to_string(),
        why,
    };
    let pem = std::fs::read(&path).map_err(|error| refuse(error.to_string()))?;
    check_certificates(&pem).map_err(refuse)?;
    TlsContext::builder()
        .with_trust_store(TrustStore::empty().with_pem_certificate(pem))
        .build()
        .map_err(|error| refuse(error.to_string()))
}

/// The SDK takes certificates unread and panics on a bad one when it first connects, so they are read here.
fn check_certificates(pem: &[u8]) -> Result<(), String> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("it holds no certificate in PEM form".to_owned());
    }
    Ok(())
}

/// The proxies by the scheme of the request.
struct Proxies {
    http: ProxyConfig,
    https: ProxyConfig,
}

impl Proxies {
    fn of(config: &CloudConfig) -> Result<Self, ConfigError> {
        let written = |argument, address: &Option<Secret>| {
            let address = address.as_ref()?;
            Some((argument, address.reveal().to_owned()))
        };
        let variable = |names: [&'static str; 2]| {
            environment::variable(&names).map(|address| (names[0], address))
        };
        let http = written("http_proxy", &config.http_proxy);
        let https = written("https_proxy", &config.https_proxy)
            .or_else(|| variable(["HTTPS_PROXY", "https_proxy"]))
            .or_else(|| http.clone());
        let http = http.or_else(|| variable(["HTTP_PROXY", "http_proxy"]));
        let except = config
            .no_proxy
            .clone()
            .or_else(|| environment::variable(&["NO_PROXY", "no_proxy"]));
        Ok(Self {
            http: proxy(http, except.as_deref())?,
            https: proxy(https, except.as_deref())?,
        })
    }
}

/// A proxy, named by the argument or variable that gives its address; an empty address is none.
fn proxy(
    named: Option<(&'static str, String)>,
    except: Option<&str>,
) -> Result<ProxyConfig, ConfigError> {
    let Some((argument, address)) = named.filter(|(_, address)| !address.is_empty()) else {
        return Ok(ProxyConfig::disabled());
    };
    // The address may hold a password, so the error does not repeat it.
    let proxy = ProxyConfig::all(address.as_str()).map_err(|error| ConfigError::Proxy {
        argument,
        why: error.to_string(),
    })?;
    Ok(match except {
        Some(hosts) => proxy.no_proxy(hosts),
        None => proxy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_with_bundle(content: &str) -> Result<SharedHttpClient, ConfigError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        http_client(&CloudConfig {
            custom_ca_bundle: Some(file.path().to_owned()),
            ..CloudConfig::default()
        })
    }

    #[test]
    fn a_bundle_without_certificates_is_refused() {
        let error = client_with_bundle("not a certificate").unwrap_err();
        assert!(error.to_string().contains("no certificate"), "{error}");
    }

    #[test]
    fn a_bundle_with_a_broken_certificate_is_refused() {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(
            client_with_bundle(pem).unwrap_err(),
            ConfigError::CaBundle { .. }
        ));
    }

    #[test]
    fn a_bundle_with_a_certificate_is_taken() {
        let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        client_with_bundle(&certificate.cert.pem()).unwrap();
    }

    #[test]
    fn a_missing_bundle_is_refused_by_its_name() {
        let error = http_client(&CloudConfig {
            custom_ca_bundle: Some("/nowhere/roots.pem".into()),
            ..CloudConfig::default()
        })
        .unwrap_err();
        assert!(error.to_string().contains("/nowhere/roots.pem"), "{error}");
    }

    #[test]
    fn a_proxy_must_be_an_address() {
        let error = http_client(&CloudConfig {
            https_proxy: Some(Secret::new("http://[broken")),
            ..CloudConfig::default()
        })
        .unwrap_err();
        assert!(error.to_string().starts_with("https_proxy"), "{error}");
    }

    #[test]
    fn no_proxy_is_asked_for_this_machine() {
        for (url, here) in [
            ("http://localhost:4566/bucket", true),
            ("http://127.0.0.1/", true),
            ("https://[::1]:8443?list-type=2", true),
            ("https://s3.eu-west-1.amazonaws.com/bucket", false),
            ("http://localhost.example.com/", false),
            ("http://169.254.169.254/latest", false),
        ] {
            assert_eq!(is_this_machine(url), here, "{url}");
        }
    }
}
