//! The provider block: its schema, and what it becomes.
//!
//! Names, meanings and precedence are those of `provider "aws"`, so that the body of that block can be copied.

use std::collections::BTreeMap;

use super::checks;
use super::replicated_bucket::expand::assume_role as expand_assume_role;
use super::replicated_bucket::model::{AssumeRoleModel, TextMap, known_entries, known_items};
use super::replicated_bucket::schema::assume_role as assume_role_attributes;
use super::settings::Settings;
use crate::aws::{CloudConfig, Endpoints, Secret};
use crate::framework::model::Attr;
use crate::framework::schema::{Attribute, Block, BlockNesting, NestedBlock, Schema, Setter};
use crate::framework::value::Type;
use crate::model;
use crate::replication::ids::{AssumeRole, Region, WayIn};

use Setter::{Optional, Required};

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
        secret_key: String,
        /// Session token.
        token: String,
        /// Whether bucket names go into the path.
        s3_use_path_style: bool,
        /// How often a call is repeated at most.
        max_retries: i64,
        /// Accounts that the credentials may lead to.
        allowed_account_ids: Vec<Attr<String>>,
        /// Accounts that the credentials may not lead to.
        forbidden_account_ids: Vec<Attr<String>>,
        /// Chain of roles.
        assume_role: Vec<Attr<AssumeRoleModel>>,
        /// Endpoints instead of AWS's.
        endpoints: Vec<Attr<EndpointsModel>>,
        /// Tags on everything.
        default_tags: Vec<Attr<DefaultTagsModel>>,
        /// Ways into other accounts.
        account: Vec<Attr<AccountModel>>,
    }
}

model! {
    /// `endpoints`.
    EndpointsModel {
        /// S3.
        s3: String,
        /// KMS.
        kms: String,
        /// IAM.
        iam: String,
        /// STS.
        sts: String,
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
    /// `account`.
    AccountModel {
        /// The account.
        account_id: String,
        /// A profile.
        profile: String,
        /// Chain of roles.
        assume_role: Vec<Attr<AssumeRoleModel>>,
    }
}

/// The schema of the provider block.
pub fn schema() -> Schema {
    let ids = || Type::Set(Box::new(Type::String));
    let url = |service: &str| {
        Attribute::string(
            service,
            Optional,
            &format!(
                "URL to use instead of AWS's endpoint for {}.",
                service.to_uppercase()
            ),
        )
    };
    Schema {
        version: 0,
        block: Block {
            attributes: vec![
                Attribute::string("region", Optional, "Region of buckets that name none. Else `AWS_REGION`, `AWS_DEFAULT_REGION`, or the profile's.")
                    .validate(checks::region()),
                Attribute::string("profile", Optional, "Profile of the shared configuration files. Else `AWS_PROFILE`."),
                Attribute::string("access_key", Optional, "Access key ID. Else `AWS_ACCESS_KEY_ID`.").sensitive(),
                Attribute::string("secret_key", Optional, "Secret access key. Else `AWS_SECRET_ACCESS_KEY`.").sensitive(),
                Attribute::string("token", Optional, "Session token. Else `AWS_SESSION_TOKEN`.").sensitive(),
                Attribute::bool("s3_use_path_style", Optional, "Whether bucket names go into the path of S3 URLs instead of the host name."),
                Attribute::number("max_retries", Optional, "How often a call is repeated at most when AWS is throttling or failing. Default: 25.")
                    .validate(checks::whole_number(0, 1000)),
                Attribute::new("allowed_account_ids", ids(), Optional, "The only accounts that the provider's own credentials may belong to. Not together with `forbidden_account_ids`."),
                Attribute::new("forbidden_account_ids", ids(), Optional, "Accounts that the provider's own credentials may not belong to."),
            ],
            blocks: vec![
                block("assume_role", BlockNesting::List, 0, assume_role_attributes(), vec![],
                    "Role to assume with the base credentials. Several blocks are a chain: each role is assumed with the session of the one before."),
                block("endpoints", BlockNesting::List, 1, ["s3", "kms", "iam", "sts"].map(url).into(), vec![],
                    "Endpoints to use instead of AWS's. Else `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`."),
                block("default_tags", BlockNesting::List, 1,
                    vec![Attribute::string_map("tags", Optional, "The tags.").validate(checks::tags())], vec![],
                    "Tags on everything that the provider makes."),
                block("account", BlockNesting::List, 0,
                    vec![
                        Attribute::string("account_id", Required, "The account that this block leads to.").validate(checks::account_id()),
                        Attribute::string("profile", Optional, "Profile of the shared configuration files to start from."),
                    ],
                    vec![block("assume_role", BlockNesting::List, 0, assume_role_attributes(), vec![],
                        "Role to assume, with the profile's or else the provider's base credentials. Several blocks are a chain.")],
                    "How to get into another account, told once. A destination then says only its `account_id`."),
            ],
            description: "The provider `replicated` makes S3 replication whole with one resource. Its arguments are those of the AWS provider.".to_owned(),
            deprecation: None,
        },
    }
}

impl ProviderModel {
    /// Whether some value that access to AWS depends on is not known yet.
    pub fn has_unknown(&self) -> bool {
        let texts = [
            &self.region,
            &self.profile,
            &self.access_key,
            &self.secret_key,
            &self.token,
        ];
        let assumes = |list: &Attr<Vec<Attr<AssumeRoleModel>>>| {
            list.is_unknown()
                || list.known().into_iter().flatten().any(|role| {
                    role.known().is_none_or(|role| {
                        role.role_arn.is_unknown() || role.external_id.is_unknown()
                    })
                })
        };
        texts.iter().any(|text| text.is_unknown())
            || self.s3_use_path_style.is_unknown()
            || self.max_retries.is_unknown()
            || assumes(&self.assume_role)
            || self
                .endpoints
                .known()
                .into_iter()
                .flatten()
                .any(|endpoints| {
                    endpoints.known().is_none_or(|e| {
                        [&e.s3, &e.kms, &e.iam, &e.sts]
                            .iter()
                            .any(|url| url.is_unknown())
                    })
                })
            || self.account.is_unknown()
            || self.account.known().into_iter().flatten().any(|account| {
                account.known().is_none_or(|a| {
                    a.account_id.is_unknown() || a.profile.is_unknown() || assumes(&a.assume_role)
                })
            })
    }

    /// What the AWS edge needs.
    pub fn cloud_config(&self, session_name: String, user_agent: String) -> CloudConfig {
        let endpoints = self
            .endpoints
            .known()
            .into_iter()
            .flatten()
            .find_map(Attr::known);
        CloudConfig {
            region: self
                .region
                .known()
                .and_then(|text| Region::parse(text).ok()),
            profile: self.profile.known().cloned(),
            access_key: self.access_key.known().cloned(),
            secret_key: self.secret_key.known().map(Secret::new),
            token: self.token.known().map(Secret::new),
            assume_role: chain(&self.assume_role),
            session_name,
            endpoints: endpoints.map_or_else(Endpoints::default, |e| Endpoints {
                s3: e.s3.known().cloned(),
                kms: e.kms.known().cloned(),
                iam: e.iam.known().cloned(),
                sts: e.sts.known().cloned(),
                ..Endpoints::default()
            }),
            s3_use_path_style: self.s3_use_path_style.known().copied().unwrap_or_default(),
            max_retries: self
                .max_retries
                .known()
                .and_then(|n| u32::try_from(*n).ok())
                .unwrap_or(25),
            user_agent: Some(user_agent),
            ..CloudConfig::default()
        }
    }

    /// What resources need; the region and the provider's own way in are the edge's to tell.
    pub fn settings(&self, region: Option<Region>, own_way_in: WayIn) -> Settings {
        let accounts: BTreeMap<String, WayIn> = self
            .account
            .known()
            .into_iter()
            .flatten()
            .filter_map(Attr::known)
            .filter_map(|block| {
                let way_in = WayIn {
                    profile: block.profile.known().cloned(),
                    assume_role: chain(&block.assume_role),
                };
                Some((block.account_id.known()?.clone(), way_in))
            })
            .collect();
        let tags = self
            .default_tags
            .known()
            .into_iter()
            .flatten()
            .find_map(Attr::known);
        Settings {
            region,
            own_way_in,
            accounts,
            default_tags: tags.map(|t| known_entries(&t.tags)).unwrap_or_default(),
            allowed_account_ids: known_items(&self.allowed_account_ids),
            forbidden_account_ids: known_items(&self.forbidden_account_ids),
            profile: self.profile.known().cloned(),
            static_credentials: self.access_key.known().is_some(),
        }
    }
}

fn chain(roles: &Attr<Vec<Attr<AssumeRoleModel>>>) -> Vec<AssumeRole> {
    roles
        .known()
        .into_iter()
        .flatten()
        .filter_map(Attr::known)
        .map(expand_assume_role)
        .collect()
}

fn block(
    name: &str,
    nesting: BlockNesting,
    max_items: i64,
    attributes: Vec<Attribute>,
    blocks: Vec<NestedBlock>,
    description: &str,
) -> NestedBlock {
    NestedBlock {
        name: name.to_owned(),
        nesting,
        block: Block {
            attributes,
            blocks,
            description: description.to_owned(),
            deprecation: None,
        },
        min_items: 0,
        max_items,
    }
}
