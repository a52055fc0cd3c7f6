//! How one provider block configures its access to AWS. Names and meanings are those of `hashicorp/aws`.
//!
//! Environment variables are read later, when credentials and regions are first needed; what is written here
//! wins over them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::retry::RetryMode;
use crate::replication::ids::{AssumeRole, Region, WayIn, WebIdentity};

/// Everything that a provider block says about access to AWS.
#[derive(Debug, Clone)]
pub struct CloudConfig {
    /// The default region.
    pub region: Option<Region>,
    /// The profile of the base credentials. Wins over credentials in the environment.
    pub profile: Option<String>,
    /// Access key id of the base credentials.
    pub access_key: Option<String>,
    /// Secret key of the base credentials.
    pub secret_key: Option<Secret>,
    /// Session token of the base credentials.
    pub token: Option<Secret>,
    /// Configuration files instead of `~/.aws/config`.
    pub shared_config_files: Vec<PathBuf>,
    /// Credentials files instead of `~/.aws/credentials`.
    pub shared_credentials_files: Vec<PathBuf>,
    /// A web identity that takes the place of the base credentials.
    pub web_identity: Option<WebIdentity>,
    /// Tokens of web identities that have no token file, by the role that they assume.
    pub web_identity_tokens: BTreeMap<String, Secret>,
    /// The provider's own chain of roles.
    pub assume_role: Vec<AssumeRole>,
    /// Session name where an `assume_role` says none: the run's own.
    pub session_name: String,
    /// Endpoints to use instead of AWS's.
    pub endpoints: Endpoints,
    /// Region of the STS endpoint; the provider's region when left out.
    pub sts_region: Option<Region>,
    /// Whether bucket names go in the path rather than in the host name.
    pub s3_use_path_style: bool,
    /// Whether FIPS endpoints are used; the environment decides when left out.
    pub use_fips_endpoint: Option<bool>,
    /// Whether dual-stack endpoints are used; the environment decides when left out.
    pub use_dualstack_endpoint: Option<bool>,
    /// PEM file with the certificates to trust instead of the system's; else `AWS_CA_BUNDLE`.
    pub custom_ca_bundle: Option<PathBuf>,
    /// Proxy for HTTP requests; else `HTTP_PROXY`. Empty is none. Also for HTTPS requests where nothing names a
    /// proxy for those.
    pub http_proxy: Option<Secret>,
    /// Proxy for HTTPS requests, which is all that AWS's own endpoints speak; else `HTTPS_PROXY`. Empty is none.
    pub https_proxy: Option<Secret>,
    /// Hosts that are reached without a proxy, separated by commas; else `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// How often a call is repeated at most; else `AWS_MAX_ATTEMPTS`, the profile's `max_attempts`, or 25.
    pub max_retries: Option<u32>,
    /// How calls are repeated; else `AWS_RETRY_MODE` or the profile's `retry_mode`.
    pub retry_mode: Option<RetryMode>,
    /// Capacity of the quota on retries; there is none when left out.
    pub retry_quota: Option<usize>,
    /// The first pause between two attempts; it doubles each time, up to twenty times its
    /// length, and is shortened at random.
    pub initial_backoff: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long one attempt may take.
    pub attempt_timeout: Duration,
    /// What follows the SDK's own words in the user agent.
    pub user_agent: Option<String>,
}

impl CloudConfig {
    /// The provider's own credentials as a way in.
    pub(super) fn own_way_in(&self) -> WayIn {
        WayIn {
            profile: None,
            web_identity: None,
            assume_role: self.assume_role.clone(),
        }
    }
}

impl Default for CloudConfig {
    fn default() -> Self {
        Self {
            region: None,
            profile: None,
            access_key: None,
            secret_key: None,
            token: None,
            shared_config_files: Vec::new(),
            shared_credentials_files: Vec::new(),
            web_identity: None,
            web_identity_tokens: BTreeMap::new(),
            assume_role: Vec::new(),
            session_name: "terraform-replicated".to_owned(),
            endpoints: Endpoints::default(),
            sts_region: None,
            s3_use_path_style: false,
            use_fips_endpoint: None,
            use_dualstack_endpoint: None,
            custom_ca_bundle: None,
            http_proxy: None,
            https_proxy: None,
            no_proxy: None,
            max_retries: None,
            retry_mode: None,
            retry_quota: None,
            initial_backoff: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(60),
            user_agent: None,
        }
    }
}

/// Endpoints by service, as URLs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is a service's own name")]
pub struct Endpoints {
    pub s3: Option<String>,
    pub s3control: Option<String>,
    pub kms: Option<String>,
    pub iam: Option<String>,
    pub sts: Option<String>,
    pub cloudwatch: Option<String>,
}

/// A text that must reach no log: its `Debug` form says nothing, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Why a configuration cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// One half of a pair of keys is missing.
    #[error("access_key and secret_key must be given together")]
    HalfAKeyPair,
    /// A token alone is no credential.
    #[error("token is of use only together with access_key and secret_key")]
    TokenAlone,
    /// The certificates to trust cannot be read.
    #[error("the CA bundle {path} cannot be used: {why}")]
    CaBundle {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A number of attempts or a retry mode cannot be meant.
    #[error("{name} must be {expected}")]
    Retries {
        /// The variable or setting.
        name: &'static str,
        /// What is possible.
        expected: &'static str,
    },
    /// A token file in the environment, and no role to assume with it.
    #[error("AWS_WEB_IDENTITY_TOKEN_FILE is of use only together with AWS_ROLE_ARN")]
    TokenFileAlone,
    /// A proxy's address is none.
    #[error("{argument} is not the address of a proxy: {why}")]
    Proxy {
        /// The argument.
        argument: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_prints_without_its_secrets() {
        let config = CloudConfig {
            access_key: Some("AKIDVISIBLE".to_owned()),
            secret_key: Some(Secret::new("hidden-one")),
            token: Some(Secret::new("hidden-two")),
            http_proxy: Some(Secret::new("http://person:hidden-four@proxy")),
            web_identity_tokens: BTreeMap::from([(
                "arn:aws:iam::111111111111:role/R".to_owned(),
                Secret::new("hidden-three"),
            )]),
            ..CloudConfig::default()
        };
        let printed = format!("{config:?}");
        assert!(printed.contains("AKIDVISIBLE"));
        assert!(!printed.contains("hidden"), "{printed}");
    }
}
