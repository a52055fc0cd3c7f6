//! The schema of the provider block, with the sentences that become the documentation.

use super::web_identity;
use crate::framework::schema::{Attribute, Block, BlockNesting, NestedBlock, Schema, Setter};
use crate::framework::value::Type;
use crate::provider::{assume_role, checks};

use Setter::{Optional, Required};

/// The schema of the provider block.
pub fn schema() -> Schema {
    Schema {
        version: 0,
        block: Block {
            attributes: [credentials(), connection(), guards()].concat(),
            blocks: blocks(),
            description: "The provider `replicated` makes S3 replication whole with one resource. Its arguments are those of the AWS provider.".to_owned(),
            deprecation: None,
        },
    }
}

fn credentials() -> Vec<Attribute> {
    vec![
        Attribute::string("region", Optional, "Region of buckets that name none. Else `AWS_REGION`, `AWS_DEFAULT_REGION`, or the profile's; on an instance that gives the credentials, at last its own.")
            .validate(checks::region()),
        Attribute::string("profile", Optional, "Profile of the shared configuration files. Else `AWS_PROFILE` or `AWS_DEFAULT_PROFILE`."),
        Attribute::string("access_key", Optional, "Access key ID. Else `AWS_ACCESS_KEY_ID`.").sensitive(),
        Attribute::string("secret_key", Optional, "Secret access key. Else `AWS_SECRET_ACCESS_KEY`.").sensitive(),
        Attribute::string("token", Optional, "Session token. Else `AWS_SESSION_TOKEN`.").sensitive(),
        Attribute::new("shared_config_files", texts(), Optional, "Configuration files to read profiles from, instead of the one that `AWS_CONFIG_FILE` names, or `~/.aws/config`."),
        Attribute::new("shared_credentials_files", texts(), Optional, "Credentials files to read profiles from, instead of the one that `AWS_SHARED_CREDENTIALS_FILE` names, or `~/.aws/credentials`."),
    ]
}

fn connection() -> Vec<Attribute> {
    vec![
        Attribute::bool("s3_use_path_style", Optional, "Whether bucket names go into the path of S3 URLs instead of the host name."),
        Attribute::number("max_retries", Optional, "How often a call is repeated at most when AWS is throttling or failing. Else `AWS_MAX_ATTEMPTS`, which counts the first attempt too, or the profile's `max_attempts`. Default: 25.")
            .validate(checks::whole_number(0, 1000)),
        Attribute::string("retry_mode", Optional, "How calls are repeated: `standard`, or `adaptive`, which also sends fewer requests after throttling. Else `AWS_RETRY_MODE` or the profile's `retry_mode`. Default: `standard`.")
            .validate(checks::one_of(&["standard", "adaptive"])),
        Attribute::number("token_bucket_rate_limiter_capacity", Optional, "Tokens in the quota on retries, which all calls share. Left out, there is no quota: `max_retries` is the only limit.")
            .validate(checks::whole_number(1, 1_000_000)),
        Attribute::bool("use_fips_endpoint", Optional, "Whether FIPS endpoints are used, but for services with an endpoint of their own in `endpoints`. Else `AWS_USE_FIPS_ENDPOINT` or the profile's `use_fips_endpoint`."),
        Attribute::bool("use_dualstack_endpoint", Optional, "Whether endpoints that also speak IPv6 are used. Else `AWS_USE_DUALSTACK_ENDPOINT` or the profile's `use_dualstack_endpoint`."),
        Attribute::string("custom_ca_bundle", Optional, "File with the certificates to trust, in PEM form, instead of the system's. Else `AWS_CA_BUNDLE`."),
        Attribute::string("http_proxy", Optional, "URL of the proxy for HTTP requests, and for HTTPS requests where nothing names a proxy for those. Else `HTTP_PROXY`. An empty text is no proxy; for this machine itself none is ever used."),
        Attribute::string("https_proxy", Optional, "URL of the proxy for HTTPS requests. Else `HTTPS_PROXY`. An empty text is no proxy."),
        Attribute::string("no_proxy", Optional, "Hosts that are reached without a proxy, separated by commas. Else `NO_PROXY`."),
        Attribute::string("sts_region", Optional, "Region whose STS is asked for sessions. Left out, it is the provider's region.")
            .validate(checks::region()),
        Attribute::new("user_agent", texts(), Optional, "Products to name in the user agent of every call, each as `product/version (comment)`. `TF_APPEND_USER_AGENT` comes after them."),
    ]
}

fn guards() -> Vec<Attribute> {
    vec![
        Attribute::bool(
            "skip_credentials_validation",
            Optional,
            "Whether the provider's own credentials are not checked with STS before anything else. They are checked in the provider's region, so without one this happens when a bucket's account is entered.",
        ),
        Attribute::bool(
            "skip_requesting_account_id",
            Optional,
            "Whether STS is not asked whose the provider's credentials are, for an AWS-like service that has no such call. It takes effect together with `skip_credentials_validation`, because the validation tells the account. Each bucket that is entered without a role must then write its `account_id`.",
        ),
        Attribute::bool(
            "skip_region_validation",
            Optional,
            "Whether regions that this version of the provider does not know are taken as they are, such as one that AWS has added since.",
        ),
        Attribute::new(
            "allowed_account_ids",
            text_set(),
            Optional,
            "The only accounts that the provider's own credentials may belong to. Not together with `forbidden_account_ids`.",
        ),
        Attribute::new(
            "forbidden_account_ids",
            text_set(),
            Optional,
            "Accounts that the provider's own credentials may not belong to.",
        ),
    ]
}

fn blocks() -> Vec<NestedBlock> {
    let url = |service: &str| {
        let name = match service {
            "s3control" => "S3 Control, which changes the tags of buckets with ABAC. The account's number and a dot are put in front of its host name. Else `AWS_ENDPOINT_URL_S3_CONTROL`".to_owned(),
            "cloudwatch" => "CloudWatch, which the data source `replicated_bucket_status` asks for metrics".to_owned(),
            _ => service.to_uppercase(),
        };
        let description = format!("URL to use instead of AWS's endpoint for {name}.");
        Attribute::string(service, Optional, &description)
    };
    vec![
        block(
            "assume_role",
            BlockNesting::List,
            0,
            assume_role::attributes(),
            vec![],
            "Role to assume with the base credentials. Several blocks are a chain: each role is assumed with the session of the one before.",
        ),
        block(
            "assume_role_with_web_identity",
            BlockNesting::List,
            1,
            web_identity::attributes(),
            vec![],
            "Role to assume with the token of an identity provider (OIDC), in the place of any other base credentials. Not together with `access_key` and `secret_key`.",
        ),
        block(
            "endpoints",
            BlockNesting::List,
            1,
            ["s3", "s3control", "kms", "iam", "sts", "cloudwatch"]
                .map(url)
                .into(),
            vec![],
            "Endpoints to use instead of AWS's. Else `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL`, or the profile's `services` and `endpoint_url`.",
        ),
        block(
            "default_tags",
            BlockNesting::List,
            1,
            vec![Attribute::string_map("tags", Optional, "The tags.").validate(checks::tags())],
            vec![],
            "Tags on everything that the provider makes. They win over those of `TF_AWS_DEFAULT_TAGS_<key>`.",
        ),
        block(
            "ignore_tags",
            BlockNesting::List,
            1,
            vec![
                Attribute::new("keys", text_set(), Optional, "Keys of such tags. Those of `TF_AWS_IGNORE_TAGS_KEYS` (separated by commas) are added.")
                    .validate(checks::foreign_tag_keys()),
                Attribute::new("key_prefixes", text_set(), Optional, "What keys of such tags begin with. Those of `TF_AWS_IGNORE_TAGS_KEY_PREFIXES` (separated by commas) are added.")
                    .validate(checks::foreign_tag_prefixes()),
            ],
            vec![],
            "Tags that somebody else keeps on what the provider makes: they are never shown, taken away or overwritten.",
        ),
        block(
            "account",
            BlockNesting::List,
            0,
            account(),
            ways_in(),
            "How to get into another account, told once. A destination then says only its `account_id`.",
        ),
    ]
}

fn account() -> Vec<Attribute> {
    vec![
        Attribute::string(
            "account_id",
            Required,
            "The account that this block leads to.",
        )
        .validate(checks::account_id()),
        Attribute::string(
            "profile",
            Optional,
            "Profile of the shared configuration files to start from.",
        ),
        Attribute::bool(
            "abandoned",
            Optional,
            "Whether the account is gone for good. What a resource has there leaves the state without a call, listed in a warning, and nothing can be configured there.",
        ),
    ]
}

fn ways_in() -> Vec<NestedBlock> {
    vec![
        block(
            "assume_role",
            BlockNesting::List,
            0,
            assume_role::attributes(),
            vec![],
            "Role to assume, with the profile's or else the provider's base credentials. Several blocks are a chain.",
        ),
        block(
            "assume_role_with_web_identity",
            BlockNesting::List,
            1,
            web_identity::attributes(),
            vec![],
            "Role to assume with the token of an identity provider (OIDC), instead of starting from any credentials. Not together with `profile`.",
        ),
    ]
}

fn text_set() -> Type {
    Type::Set(Box::new(Type::String))
}

fn texts() -> Type {
    Type::List(Box::new(Type::String))
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
