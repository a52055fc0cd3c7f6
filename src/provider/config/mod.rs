//! The provider block: its schema, and what it becomes.
//!
//! Names, meanings and precedence are those of `provider "aws"`, so that the body of that block can be copied:
//! what is written wins over the environment, and that over the shared files.

mod check;
mod environment;
mod schema;
#[cfg(test)]
mod tests;
mod web_identity;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::assume_role;
use super::settings::Settings;
use crate::aws::{CloudConfig, Endpoints, RetryMode, Secret};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, Sensitive, TextMap, known_entries, known_items};
use crate::framework::value::AttributePath;
use crate::model;
use crate::provider::assume_role::AssumeRoleModel;
use crate::replication::ids::{AccountId, AssumeRole, Region, WayIn};
use crate::replication::ignored_tags::IgnoredTags;

pub use self::environment::Environment;
pub use self::schema::schema;
use self::web_identity::WebIdentityModel;

model! {
    /// The provider block.
    ProviderModel {
        /// Default region.
        region: String,
        /// Profile of the base credentials.
        profile: String,
        /// Access key.
        access_key: String,
        /// Secret key.
        secret_key: Sensitive,
        /// Session token.
        token: Sensitive,
        /// Configuration files.
        shared_config_files: Vec<Attr<String>>,
        /// Credentials files.
        shared_credentials_files: Vec<Attr<String>>,
        /// Whether bucket names go into the path.
        s3_use_path_style: bool,
        /// How often a call is repeated at most.
        max_retries: i64,
        /// How a call is repeated.
        retry_mode: String,
        /// Capacity of the quota on retries.
        token_bucket_rate_limiter_capacity: i64,
        /// Whether FIPS endpoints are used.
        use_fips_endpoint: bool,
        /// Whether dual-stack endpoints are used.
        use_dualstack_endpoint: bool,
        /// Certificates to trust.
        custom_ca_bundle: String,
        /// Proxy for HTTP.
        http_proxy: Sensitive,
        /// Proxy for HTTPS.
        https_proxy: Sensitive,
        /// Hosts without a proxy.
        no_proxy: String,
        /// Region of STS.
        sts_region: String,
        /// Products in the user agent.
        user_agent: Vec<Attr<String>>,
        /// Whether the credentials are not checked.
        skip_credentials_validation: bool,
        /// Whether nobody asks for the account.
        skip_requesting_account_id: bool,
        /// Whether any region is taken.
        skip_region_validation: bool,
        /// Accounts that the credentials may lead to.
        allowed_account_ids: Vec<Attr<String>>,
        /// Accounts that the credentials may not lead to.
        forbidden_account_ids: Vec<Attr<String>>,
        /// Chain of roles.
        assume_role: Vec<Attr<AssumeRoleModel>>,
        /// A web identity instead of base credentials.
        assume_role_with_web_identity: Vec<Attr<WebIdentityModel>>,
        /// Endpoints instead of AWS's.
        endpoints: Vec<Attr<EndpointsModel>>,
        /// Tags on everything.
        default_tags: Vec<Attr<DefaultTagsModel>>,
        /// Tags that are somebody else's.
        ignore_tags: Vec<Attr<IgnoreTagsModel>>,
        /// Ways into other accounts.
        account: Vec<Attr<AccountModel>>,
    }
}

model! {
    /// `endpoints`.
    EndpointsModel {
        /// S3.
        s3: String,
        /// S3 Control.
        s3control: String,
        /// KMS.
        kms: String,
        /// IAM.
        iam: String,
        /// STS.
        sts: String,
        /// CloudWatch.
        cloudwatch: String,
    }
}

model! {
    /// `default_tags`.
    DefaultTagsModel {
        /// The tags.
        tags: TextMap,
    }
}

model! {
    /// `ignore_tags`.
    IgnoreTagsModel {
        /// Whole keys.
        keys: Vec<Attr<String>>,
        /// What keys begin with.
        key_prefixes: Vec<Attr<String>>,
    }
}

model! {
    /// `account`.
    AccountModel {
        /// The account.
        account_id: String,
        /// A profile.
        profile: String,
        /// Chain of roles.
        assume_role: Vec<Attr<AssumeRoleModel>>,
        /// Whether the account is gone.
        abandoned: bool,
        /// A web identity to start from.
        assume_role_with_web_identity: Vec<Attr<WebIdentityModel>>,
    }
}

/// A provider block together with the environment that fills its gaps.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    model: ProviderModel,
    environment: Environment,
}

impl ProviderConfig {
    /// Reads a block in an environment.
    pub fn new(model: ProviderModel, environment: Environment) -> Self {
        Self { model, environment }
    }

    /// Whether the provider's own credentials are to be checked before anything else.
    pub fn checks_credentials(&self) -> bool {
        self.model.skip_credentials_validation.known() != Some(&true)
    }

    /// What of the block tells whose the provider's own credentials are.
    pub fn credentials_path(&self) -> AttributePath {
        let model = &self.model;
        let written = [
            ("assume_role", first(&model.assume_role).is_some()),
            (
                "assume_role_with_web_identity",
                first(&model.assume_role_with_web_identity).is_some(),
            ),
            ("access_key", model.access_key.known().is_some()),
            ("profile", model.profile.known().is_some()),
        ];
        let name = written.iter().find(|(_, written)| *written);
        name.map_or_else(AttributePath::default, |(name, _)| {
            AttributePath::root(name)
        })
    }

    /// What one attribute cannot tell alone.
    pub fn check(&self, diagnostics: &mut Diagnostics) {
        check::check(&self.model, &self.environment, diagnostics);
        let ignored = self.ignored_tags();
        for key in self
            .default_tags()
            .keys()
            .filter(|key| ignored.contains(key))
        {
            diagnostics.error_at(
                AttributePath::root("default_tags"),
                "A default tag that is ignored",
                format!("ignore_tags leaves every tag {key} to somebody else, so it cannot be a default tag, too. Take it out of one of them (TF_AWS_DEFAULT_TAGS_ and TF_AWS_IGNORE_TAGS_ variables count as well)."),
            );
        }
    }

    /// What the AWS edge needs. `user_agent` is this program's own.
    pub fn cloud_config(&self, session_name: String, user_agent: String) -> CloudConfig {
        let model = &self.model;
        let text = |attribute: &Attr<String>| attribute.known().cloned();
        let secret = |attribute: &Attr<Sensitive>| Some(Secret::new(attribute.known()?.reveal()));
        let region = |attribute: &Attr<String>| Region::parse(attribute.known()?).ok();
        let own = self.own_web_identity();
        CloudConfig {
            region: region(&model.region),
            profile: text(&model.profile),
            access_key: text(&model.access_key),
            secret_key: secret(&model.secret_key),
            token: secret(&model.token),
            shared_config_files: self.files(&model.shared_config_files),
            shared_credentials_files: self.files(&model.shared_credentials_files),
            web_identity_tokens: self.web_identity_tokens(),
            web_identity: own.map(|own| own.identity),
            assume_role: chain(&model.assume_role),
            session_name,
            endpoints: first(&model.endpoints).map_or_else(Endpoints::default, |e| Endpoints {
                s3: text(&e.s3),
                s3control: text(&e.s3control),
                kms: text(&e.kms),
                iam: text(&e.iam),
                sts: text(&e.sts),
                cloudwatch: text(&e.cloudwatch),
            }),
            sts_region: region(&model.sts_region),
            s3_use_path_style: model.s3_use_path_style.known().copied().unwrap_or_default(),
            use_fips_endpoint: model.use_fips_endpoint.known().copied(),
            use_dualstack_endpoint: model.use_dualstack_endpoint.known().copied(),
            custom_ca_bundle: text(&model.custom_ca_bundle)
                .map(|path| self.environment.expand_path(&path).into()),
            http_proxy: secret(&model.http_proxy),
            https_proxy: secret(&model.https_proxy),
            no_proxy: text(&model.no_proxy),
            max_retries: model
                .max_retries
                .known()
                .and_then(|n| u32::try_from(*n).ok()),
            retry_mode: model
                .retry_mode
                .known()
                .and_then(|mode| RetryMode::parse(mode)),
            retry_quota: model
                .token_bucket_rate_limiter_capacity
                .known()
                .and_then(|n| usize::try_from(*n).ok()),
            user_agent: Some(self.user_agent(user_agent)),
            ..CloudConfig::default()
        }
    }

    /// What resources need; the region and the provider's own way in are the edge's to tell.
    pub fn settings(&self, region: Option<Region>, own_way_in: WayIn) -> Settings {
        let model = &self.model;
        Settings {
            region,
            own_way_in,
            accounts: self.accounts(),
            abandoned: self.abandoned(),
            default_tags: self.default_tags(),
            ignored_tags: self.ignored_tags(),
            allowed_account_ids: known_items(&model.allowed_account_ids),
            forbidden_account_ids: known_items(&model.forbidden_account_ids),
            skip_requesting_account_id: check::asks_nobody(model) && self.base_is_not_a_role(),
            skip_region_validation: model.skip_region_validation.known() == Some(&true),
            profile: model.profile.known().cloned(),
            not_shareable: self.not_shareable(),
        }
    }

    /// What a location has no words for, so that the way in cannot be handed over to another provider block.
    fn not_shareable(&self) -> Option<&'static str> {
        let model = &self.model;
        let files = [&model.shared_config_files, &model.shared_credentials_files];
        if model.access_key.known().is_some() {
            Some("credentials of its own")
        } else if first(&model.assume_role_with_web_identity).is_some() {
            Some("a web identity of its own")
        } else if files.iter().any(|files| files.known().is_some()) {
            Some("shared files of its own")
        } else if model
            .assume_role
            .known()
            .is_some_and(|roles| roles.len() > 1)
        {
            Some("a chain of roles")
        } else {
            None
        }
    }

    /// A web identity's session tells whose it is without being asked.
    fn base_is_not_a_role(&self) -> bool {
        first(&self.model.assume_role_with_web_identity).is_none()
    }

    fn abandoned(&self) -> BTreeSet<AccountId> {
        known_blocks(&self.model.account)
            .filter(|block| block.abandoned.known() == Some(&true))
            .filter_map(|block| AccountId::parse(block.account_id.known()?).ok())
            .collect()
    }

    fn accounts(&self) -> BTreeMap<String, WayIn> {
        let blocks = known_blocks(&self.model.account);
        blocks
            .filter_map(|block| {
                let web = first(&block.assume_role_with_web_identity);
                let web = web.map(|web| web_identity::expand(web, false, &self.environment));
                let way_in = WayIn {
                    profile: block.profile.known().cloned(),
                    web_identity: web.map(|web| web.identity),
                    assume_role: chain(&block.assume_role),
                };
                Some((block.account_id.known()?.clone(), way_in))
            })
            .collect()
    }

    fn own_web_identity(&self) -> Option<web_identity::Expanded> {
        let block = first(&self.model.assume_role_with_web_identity)?;
        Some(web_identity::expand(block, true, &self.environment))
    }

    /// Tokens that are written out, by the role that they are for.
    fn web_identity_tokens(&self) -> BTreeMap<String, Secret> {
        let of_accounts = known_blocks(&self.model.account)
            .filter_map(|account| first(&account.assume_role_with_web_identity))
            .map(|block| web_identity::expand(block, false, &self.environment));
        of_accounts
            .chain(self.own_web_identity())
            .filter_map(|web| Some((web.identity.role_arn, web.token?)))
            .collect()
    }

    fn files(&self, paths: &Attr<Vec<Attr<String>>>) -> Vec<PathBuf> {
        let paths = known_items(paths).into_iter();
        paths
            .map(|path| self.environment.expand_path(&path).into())
            .collect()
    }

    /// Tags of the environment, and those of the block over them.
    fn default_tags(&self) -> BTreeMap<String, String> {
        let mut tags = self.environment.with_prefix("TF_AWS_DEFAULT_TAGS_");
        if let Some(block) = first(&self.model.default_tags) {
            tags.extend(known_entries(&block.tags));
        }
        tags
    }

    /// Those of the block and those of the environment together.
    fn ignored_tags(&self) -> IgnoredTags {
        let of_environment = |name| {
            let listed = self.environment.get(name).unwrap_or_default();
            let items = listed.split(',').map(|item| item.trim().to_owned());
            items.filter(|item| !item.is_empty()).collect::<Vec<_>>()
        };
        let mut keys = of_environment("TF_AWS_IGNORE_TAGS_KEYS");
        let mut prefixes = of_environment("TF_AWS_IGNORE_TAGS_KEY_PREFIXES");
        if let Some(block) = first(&self.model.ignore_tags) {
            keys.extend(known_items(&block.keys));
            prefixes.extend(known_items(&block.key_prefixes));
        }
        IgnoredTags {
            keys: keys.into_iter().collect(),
            key_prefixes: prefixes.into_iter().collect(),
        }
    }

    fn user_agent(&self, own: String) -> String {
        let mut words = vec![own];
        words.extend(known_items(&self.model.user_agent));
        words.extend(self.environment.get("TF_APPEND_USER_AGENT"));
        words.join(" ")
    }
}

fn chain(roles: &Attr<Vec<Attr<AssumeRoleModel>>>) -> Vec<AssumeRole> {
    known_blocks(roles).map(assume_role::expand).collect()
}

/// The blocks of one kind.
fn known_blocks<T>(blocks: &Attr<Vec<Attr<T>>>) -> impl Iterator<Item = &T> {
    blocks.known().into_iter().flatten().filter_map(Attr::known)
}

/// The one block of a kind that may stand once.
fn first<T>(blocks: &Attr<Vec<Attr<T>>>) -> Option<&T> {
    known_blocks(blocks).next()
}
