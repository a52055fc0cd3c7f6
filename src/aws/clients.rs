//! The SDK's clients: one set for each way in and region, made on first use and shared by every task.
//!
//! All of them share one HTTP client. What follows from a profile (files, endpoints, base credentials) is
//! loaded once per profile, by the SDK's own loader.

use std::borrow::Cow;
use std::sync::Arc;

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::identity::IdentityCache;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{
    self, ProfileFileCredentialsProvider, ProfileFileRegionProvider, ProfileSet,
};
use aws_config::provider_config::ProviderConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;
use aws_types::os_shim_internal::{Env, Fs};
use tokio::sync::OnceCell;

use super::config::{CloudConfig, ConfigError};
use super::credentials::{Origin, Session, SessionCredentials};
use super::environment::{has_keys, variable};
use super::http::http_client;
use super::once_map::OnceMap;
use super::retry::{QuotaIsNotThrottling, RetryChoice, retry_partition};
use super::unreachable::GiveUpUnreachable;
use crate::replication::ids::{Region, WayIn, WebIdentity};

/// The clients of one way in and region.
#[derive(Debug)]
pub(super) struct ClientSet {
    pub(super) session: Arc<Session>,
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) s3control: aws_sdk_s3control::Client,
    pub(super) kms: aws_sdk_kms::Client,
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) cloudwatch: aws_sdk_cloudwatch::Client,
}

/// All client sets of one provider block.
#[derive(Debug)]
pub(super) struct ClientSets {
    config: CloudConfig,
    http: SharedHttpClient,
    /// What configuration and environment say about retries.
    retry_choice: RetryChoice,
    retries: RetryPartition,
    default_region: OnceCell<Option<Region>>,
    /// By profile; `None` is the provider's base credentials.
    bases: OnceMap<Option<String>, SdkConfig>,
    /// By way in and the region of the STS endpoint. Chains that begin alike share their beginning.
    sessions: OnceMap<(WayIn, Region), Arc<Session>>,
    sets: OnceMap<(WayIn, Region), Arc<ClientSet>>,
}

impl ClientSets {
    pub(super) fn new(config: CloudConfig) -> Result<Self, ConfigError> {
        match (&config.access_key, &config.secret_key, &config.token) {
            (Some(_), None, _) | (None, Some(_), _) => return Err(ConfigError::HalfAKeyPair),
            (None, None, Some(_)) => return Err(ConfigError::TokenAlone),
            _ => {}
        }
        if environment_web_identity(&config).is_some_and(|web| web.role_arn.is_empty()) {
            return Err(ConfigError::TokenFileAlone);
        }
        let written = RetryChoice {
            retries: config.max_retries,
            mode: config.retry_mode,
        };
        Ok(Self {
            http: http_client(&config)?,
            retry_choice: written.or(RetryChoice::of_environment()?),
            retries: retry_partition(config.retry_quota),
            config,
            default_region: OnceCell::new(),
            bases: OnceMap::new(),
            sessions: OnceMap::new(),
            sets: OnceMap::new(),
        })
    }

    pub(super) fn own_way_in(&self) -> WayIn {
        self.config.own_way_in()
    }

    /// The clients for a way in and region.
    pub(super) async fn get(&self, way_in: &WayIn, region: &Region) -> Arc<ClientSet> {
        self.sets
            .get_or_make((way_in.clone(), region.clone()), || {
                self.make_set(way_in, region)
            })
            .await
    }

    pub(super) async fn default_region(&self) -> Option<Region> {
        self.default_region
            .get_or_init(|| async {
                if let Some(region) = &self.config.region {
                    return Some(region.clone());
                }
                let mut from_profile = ProfileFileRegionProvider::builder();
                if let Some(profile) = self.default_profile() {
                    from_profile = from_profile.profile_name(profile);
                }
                if let Some(files) = self.profile_files() {
                    from_profile = from_profile.profile_files(files);
                }
                let named =
                    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
                        .or_else(from_profile.build())
                        .region()
                        .await;
                let region = match named {
                    Some(region) => Some(region),
                    None => self.instance_region().await,
                };
                region.and_then(|region| Region::parse(region.as_ref()).ok())
            })
            .await
            .clone()
    }

    /// The region of the instance that this runs on, where nothing but that can give the base credentials.
    async fn instance_region(&self) -> Option<aws_config::Region> {
        const CONTAINER: [&str; 2] = [
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ];
        let config = &self.config;
        let are_named = config.access_key.is_some()
            || config.web_identity.is_some()
            || has_keys()
            || environment_web_identity(config).is_some()
            || self.default_profile().is_some()
            || variable(&CONTAINER).is_some();
        let files = self.shared_files(None).await;
        let is_profile = files.is_some_and(|files| files.get_profile("default").is_some());
        if are_named || is_profile {
            return None;
        }
        let surroundings = ProviderConfig::without_region().with_http_client(self.http.clone());
        let instance = ImdsRegionProvider::builder().configure(&surroundings);
        instance.build().region().await
    }

    async fn make_set(&self, way_in: &WayIn, region: &Region) -> Arc<ClientSet> {
        let session = self.session(way_in, region).await;
        let sdk = self
            .base(way_in.profile.as_deref())
            .await
            .into_builder()
            .region(sdk_region(region))
            .credentials_provider(SharedCredentialsProvider::new(SessionCredentials(
                Arc::clone(&session),
            )))
            .build();
        let endpoints = &self.config.endpoints;
        let mut s3 = aws_sdk_s3::config::Builder::from(&sdk)
            .retry_partition(self.retries.clone())
            .interceptor(GiveUpUnreachable)
            .force_path_style(self.config.s3_use_path_style);
        let mut s3control = aws_sdk_s3control::config::Builder::from(&sdk)
            .retry_partition(self.retries.clone())
            .interceptor(GiveUpUnreachable);
        let mut kms = aws_sdk_kms::config::Builder::from(&sdk)
            .retry_partition(self.retries.clone())
            .interceptor(GiveUpUnreachable)
            .retry_classifier(QuotaIsNotThrottling);
        let mut iam = aws_sdk_iam::config::Builder::from(&sdk)
            .retry_partition(self.retries.clone())
            .interceptor(GiveUpUnreachable);
        let mut cloudwatch = aws_sdk_cloudwatch::config::Builder::from(&sdk)
            .retry_partition(self.retries.clone())
            .interceptor(GiveUpUnreachable);
        // An endpoint that is written out is taken as it is, so FIPS is its owner's affair.
        if let Some(url) = &endpoints.s3 {
            s3 = s3.endpoint_url(url).use_fips(false);
        }
        if let Some(url) = &endpoints.s3control {
            s3control = s3control.endpoint_url(url).use_fips(false);
        }
        if let Some(url) = &endpoints.kms {
            kms = kms.endpoint_url(url).use_fips(false);
        }
        if let Some(url) = &endpoints.iam {
            iam = iam.endpoint_url(url).use_fips(false);
        }
        if let Some(url) = &endpoints.cloudwatch {
            cloudwatch = cloudwatch.endpoint_url(url).use_fips(false);
        }
        if let Some(words) = &self.config.user_agent {
            let words = UserAgentSuffix(words.clone());
            s3 = s3.interceptor(words.clone());
            s3control = s3control.interceptor(words.clone());
            kms = kms.interceptor(words.clone());
            iam = iam.interceptor(words.clone());
            cloudwatch = cloudwatch.interceptor(words);
        }
        Arc::new(ClientSet {
            session,
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            s3control: aws_sdk_s3control::Client::from_conf(s3control.build()),
            kms: aws_sdk_kms::Client::from_conf(kms.build()),
            iam: aws_sdk_iam::Client::from_conf(iam.build()),
            cloudwatch: aws_sdk_cloudwatch::Client::from_conf(cloudwatch.build()),
        })
    }

    /// The session behind a way in, seen from a region.
    async fn session(&self, way_in: &WayIn, region: &Region) -> Arc<Session> {
        let region = self.sts_region(region).await;
        let base = self.base(way_in.profile.as_deref()).await;
        let mut session = self
            .remembered(way_in, 0, &region, &base, || {
                self.base_origin(way_in, &base)
            })
            .await;
        for (index, role) in way_in.assume_role.iter().enumerate() {
            let from = Arc::clone(&session);
            session = self
                .remembered(way_in, index + 1, &region, &base, || Origin::Role {
                    from,
                    role: role.clone(),
                    session_name: self.session_name(role.session_name.as_ref()),
                })
                .await;
        }
        session
    }

    /// The session after the first `roles` roles of a way in.
    async fn remembered(
        &self,
        way_in: &WayIn,
        roles: usize,
        region: &Region,
        base: &SdkConfig,
        origin: impl FnOnce() -> Origin,
    ) -> Arc<Session> {
        let beginning = WayIn {
            profile: way_in.profile.clone(),
            web_identity: way_in.web_identity.clone(),
            assume_role: way_in.assume_role.iter().take(roles).cloned().collect(),
        };
        self.sessions
            .get_or_make((beginning, region.clone()), || async {
                let sts = self.sts_client(base, region);
                Arc::new(Session::new(origin(), sts, region.clone()))
            })
            .await
    }

    fn base_origin(&self, way_in: &WayIn, base: &SdkConfig) -> Origin {
        let own = || match way_in.profile {
            Some(_) => None,
            None => self
                .config
                .web_identity
                .clone()
                .or_else(|| environment_web_identity(&self.config)),
        };
        match way_in.web_identity.clone().or_else(own) {
            Some(identity) => Origin::WebIdentity {
                session_name: self.session_name(identity.session_name.as_ref()),
                token: self
                    .config
                    .web_identity_tokens
                    .get(&identity.role_arn)
                    .cloned(),
                identity,
            },
            None => Origin::Base {
                provider: base.credentials_provider(),
                profile: way_in.profile.clone().or_else(|| self.base_profile()),
            },
        }
    }

    fn session_name(&self, written: Option<&String>) -> String {
        written.unwrap_or(&self.config.session_name).clone()
    }

    fn sts_client(&self, base: &SdkConfig, region: &Region) -> aws_sdk_sts::Client {
        let sdk = base.to_builder().region(sdk_region(region)).build();
        let mut sts = aws_sdk_sts::config::Builder::from(&sdk)
            .retry_partition(self.retries.clone())
            .interceptor(GiveUpUnreachable);
        if let Some(url) = &self.config.endpoints.sts {
            sts = sts.endpoint_url(url).use_fips(false);
        }
        if let Some(words) = &self.config.user_agent {
            sts = sts.interceptor(UserAgentSuffix(words.clone()));
        }
        aws_sdk_sts::Client::from_conf(sts.build())
    }

    /// The region whose STS is asked: the configured one, else the provider's, so that the answer does not
    /// depend on which region of an account is entered first. Another partition has its own STS.
    async fn sts_region(&self, region: &Region) -> Region {
        let preferred = match &self.config.sts_region {
            Some(region) => Some(region.clone()),
            None => self.default_region().await,
        };
        preferred
            .filter(|preferred| preferred.partition() == region.partition())
            .unwrap_or_else(|| region.clone())
    }

    /// What follows from a profile.
    async fn base(&self, profile: Option<&str>) -> SdkConfig {
        self.bases
            .get_or_make(profile.map(str::to_owned), || self.load_base(profile))
            .await
    }

    async fn load_base(&self, profile: Option<&str>) -> SdkConfig {
        let region = self.default_region().await.map(|r| sdk_region(&r));
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.config.connect_timeout)
            .read_timeout(self.config.attempt_timeout)
            .operation_attempt_timeout(self.config.attempt_timeout)
            .build();
        let name = profile
            .map(str::to_owned)
            .or_else(|| self.default_profile());
        let files = self.shared_files(name.clone()).await;
        let retry_config = self.retry_config(files.as_ref());
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.http.clone())
            .retry_config(retry_config)
            .timeout_config(timeouts)
            .region(RegionProviderChain::first_try(region))
            // Sessions keep credentials themselves; a second memory could only be out of step.
            .identity_cache(IdentityCache::no_cache());
        if let Some(files) = self.profile_files() {
            loader = loader.profile_files(files);
        }
        if let Some(name) = name {
            loader = loader.profile_name(name);
        }
        if let Some(yes) = self.config.use_fips_endpoint {
            loader = loader.use_fips(yes);
        }
        if let Some(yes) = self.config.use_dualstack_endpoint {
            loader = loader.use_dual_stack(yes);
        }
        let is_written =
            self.written_keys(profile).is_some() || self.written_profile(profile).is_some();
        if !is_written
            && let Some(name) = self.base_profile()
            && files.is_some_and(|files| files.get_profile(&name).is_none())
        {
            // The SDK would go on to the instance's own role, as somebody else than was asked for.
            loader = loader.no_credentials();
        }
        let base = loader.load().await;
        match self.written_credentials(profile, &base) {
            Some(provider) => base.into_builder().credentials_provider(provider).build(),
            None => base,
        }
    }

    /// The shared files with a profile selected. Where they cannot be read they say nothing here; whoever needs
    /// credentials from them reports it.
    async fn shared_files(&self, profile: Option<String>) -> Option<ProfileSet> {
        let files = self.profile_files().unwrap_or_default();
        let (system, variables) = (Fs::real(), Env::real());
        profile::load(&system, &variables, &files, profile.map(Cow::Owned))
            .await
            .ok()
    }

    /// How calls are repeated: what is written, the environment, the profile.
    fn retry_config(&self, files: Option<&ProfileSet>) -> RetryConfig {
        const NAMES: [&str; 2] = ["max_attempts", "retry_mode"];
        let [attempts, mode] = NAMES.map(|name| files.and_then(|files| files.get(name)));
        let of_profile = RetryChoice::parse(attempts, mode, NAMES).unwrap_or_else(|error| {
            tracing::warn!(%error, "the profile's setting is passed over");
            RetryChoice::default()
        });
        self.retry_choice
            .or(of_profile)
            .config(self.config.initial_backoff)
    }

    /// The pair of keys that the configuration names; a location's own profile comes before it.
    fn written_keys(&self, profile: Option<&str>) -> Option<Credentials> {
        let (None, Some(key), Some(secret)) =
            (profile, &self.config.access_key, &self.config.secret_key)
        else {
            return None;
        };
        let token = self.config.token.as_ref().map(|t| t.reveal().to_owned());
        let name = "provider configuration";
        Some(Credentials::new(key, secret.reveal(), token, None, name))
    }

    /// The profile that the location or the configuration names.
    fn written_profile<'a>(&'a self, profile: Option<&'a str>) -> Option<&'a str> {
        profile.or(self.config.profile.as_deref())
    }

    /// Base credentials that the configuration names, so that the environment is not asked. A profile with a role
    /// asks STS the way that `base` goes.
    fn written_credentials(
        &self,
        profile: Option<&str>,
        base: &SdkConfig,
    ) -> Option<SharedCredentialsProvider> {
        if let Some(keys) = self.written_keys(profile) {
            return Some(SharedCredentialsProvider::new(keys));
        }
        let name = self.written_profile(profile)?;
        let mut surroundings = ProviderConfig::without_region()
            .with_region(base.region().cloned())
            .with_use_fips(base.use_fips())
            .with_use_dual_stack(base.use_dual_stack())
            .with_http_client(self.http.clone());
        if let Some(retries) = base.retry_config() {
            surroundings = surroundings.with_retry_config(retries.clone());
        }
        if let Some(timeouts) = base.timeout_config() {
            surroundings = surroundings.with_timeout_config(timeouts.clone());
        }
        let mut builder = ProfileFileCredentialsProvider::builder()
            .configure(&surroundings)
            .profile_name(name);
        if let Some(files) = self.profile_files() {
            builder = builder.profile_files(files);
        }
        Some(SharedCredentialsProvider::new(builder.build()))
    }

    /// The profile of the base credentials, where the SDK would not find it: it does not read
    /// `AWS_DEFAULT_PROFILE`.
    fn default_profile(&self) -> Option<String> {
        self.config
            .profile
            .clone()
            .or_else(|| variable(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]))
    }

    /// The profile that the base credentials come from, where one is named and no keys come before it.
    fn base_profile(&self) -> Option<String> {
        match &self.config.profile {
            Some(profile) => Some(profile.clone()),
            None if self.config.access_key.is_some() || has_keys() => None,
            None => self.default_profile(),
        }
    }

    /// The files named in the configuration; `None` leaves the usual ones.
    fn profile_files(&self) -> Option<EnvConfigFiles> {
        let config = &self.config.shared_config_files;
        let credentials = &self.config.shared_credentials_files;
        if config.is_empty() && credentials.is_empty() {
            return None;
        }
        let mut files = EnvConfigFiles::builder()
            .include_default_config_file(config.is_empty())
            .include_default_credentials_file(credentials.is_empty());
        for path in config {
            files = files.with_file(EnvConfigFileKind::Config, path);
        }
        for path in credentials {
            files = files.with_file(EnvConfigFileKind::Credentials, path);
        }
        Some(files.build())
    }
}

/// The web identity that the environment names, as a pod's service account does. It comes after keys and before
/// the usual profile; the SDK would take the profile first.
fn environment_web_identity(config: &CloudConfig) -> Option<WebIdentity> {
    let named = config.access_key.is_some() || config.profile.is_some();
    if named || config.web_identity.is_some() || has_keys() {
        return None;
    }
    Some(WebIdentity {
        token_file: Some(variable(&["AWS_WEB_IDENTITY_TOKEN_FILE"])?),
        role_arn: variable(&["AWS_ROLE_ARN"]).unwrap_or_default(),
        session_name: variable(&["AWS_ROLE_SESSION_NAME"]),
        ..WebIdentity::default()
    })
}

fn sdk_region(region: &Region) -> aws_config::Region {
    aws_config::Region::new(region.as_str().to_owned())
}

/// Adds words to the user agent. Signatures do not cover that header, so they can come last.
#[derive(Debug, Clone)]
struct UserAgentSuffix(String);

#[dyn_dispatch_hint]
impl Intercept for UserAgentSuffix {
    fn name(&self) -> &'static str {
        "UserAgentSuffix"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        let words = match headers.get("user-agent") {
            Some(own) => format!("{own} {}", self.0),
            None => self.0.clone(),
        };
        headers.try_insert("user-agent", words)?;
        Ok(())
    }
}
