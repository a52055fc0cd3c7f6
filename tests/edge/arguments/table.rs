//! The table: the arguments of the provider block, the ways in which each is given, and what shows then. `roles` has
//! its part about roles.
//!
//! Every run has `AWS_REGION`, a pair of keys and `AWS_ENDPOINT_URL` in its environment, unless its row says
//! otherwise.

use serde_json::{Value as Json, json};

use super::row::{Row, Script};
use super::shown;

/// An account that the credentials do not belong to.
const OTHER: &str = "222222222222";
/// The environment of an instance that has credentials of its own.
const INSTANCE: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", ""),
    ("AWS_SECRET_ACCESS_KEY", ""),
    ("AWS_EC2_METADATA_DISABLED", ""),
    ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{aws}"),
];
/// A profile that assumes a role.
const DEPLOY: &str = "[profile deploy]\nrole_arn = arn:aws:iam::111111111111:role/Deploy\nsource_profile = base\n\
                      [profile base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = s\n";

pub(super) fn rows_of_the_block() -> Vec<Row> {
    let parts = [credentials(), connection(), endpoints(), checks(), tags()];
    parts.into_iter().flatten().collect()
}

fn bucket() -> Json {
    let encryption = json!({ "sse_algorithm": "aws:kms" });
    json!({
        "source": { "bucket": "acme-archive", "encryption": encryption },
        "destinations": { "backup": { "region": "us-west-2" } },
    })
}

fn credentials() -> Vec<Row> {
    let profiles = "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = s\n\
                    [one]\naws_access_key_id = AKIDONE\naws_secret_access_key = s\n\
                    [two]\naws_access_key_id = AKIDTWO\naws_secret_access_key = s\n\
                    [three]\naws_access_key_id = AKIDTHREE\naws_secret_access_key = s\n";
    let keys = |id, secret| json!({ "access_key": id, "secret_key": secret });
    let in_profile =
        |id, secret| format!("aws_access_key_id = {id}\naws_secret_access_key = {secret}");
    let with_token =
        |token| json!({ "access_key": "AKIDBLOCK", "secret_key": "s", "token": token });
    let of_profile = in_profile("AKIDPROFILE", "secret-of-profile");
    vec![
        Row::new("region", shown::region)
            .with("AWS_REGION", "")
            .ladder(
                &["AWS_REGION", "AWS_DEFAULT_REGION"],
                Some("region"),
                ["eu-west-2", "us-west-2", "ap-south-1"],
            )
            .beside(
                json!({}),
                &[
                    ("AWS_REGION", "us-west-2"),
                    ("AWS_DEFAULT_REGION", "us-east-2"),
                ],
                "us-west-2",
            )
            // On an instance whose own credentials are used, its region is, too.
            .beside(json!({}), &INSTANCE, "sa-east-1"),
        Row::new("profile", shown::access_key)
            .without_keys()
            .with_file(".aws/credentials", profiles)
            .left_out("AKIDDEFAULT")
            .block(json!({ "profile": "one" }), "AKIDONE")
            .environment(&[("AWS_PROFILE", "two")], "AKIDTWO")
            .environment(&[("AWS_DEFAULT_PROFILE", "three")], "AKIDTHREE")
            .both(
                json!({ "profile": "one" }),
                &[("AWS_PROFILE", "two"), ("AWS_DEFAULT_PROFILE", "three")],
                "AKIDONE",
            )
            .beside(
                json!({}),
                &[("AWS_PROFILE", "two"), ("AWS_DEFAULT_PROFILE", "three")],
                "AKIDTWO",
            )
            // A profile that is written wins over keys of the environment; one of the environment does not.
            .beside(
                json!({ "profile": "one" }),
                &[
                    ("AWS_ACCESS_KEY_ID", "AKIDVARIABLE"),
                    ("AWS_SECRET_ACCESS_KEY", "s"),
                ],
                "AKIDONE",
            )
            .beside(
                json!({}),
                &[
                    ("AWS_PROFILE", "two"),
                    ("AWS_ACCESS_KEY_ID", "AKIDVARIABLE"),
                    ("AWS_SECRET_ACCESS_KEY", "s"),
                ],
                "AKIDVARIABLE",
            ),
        Row::new("access_key", shown::access_key)
            .without_keys()
            .left_out("nobody")
            .block(keys("AKIDBLOCK", "s"), "AKIDBLOCK")
            .environment(
                &[
                    ("AWS_ACCESS_KEY_ID", "AKIDVARIABLE"),
                    ("AWS_SECRET_ACCESS_KEY", "s"),
                ],
                "AKIDVARIABLE",
            )
            .both(
                keys("AKIDBLOCK", "s"),
                &[
                    ("AWS_ACCESS_KEY_ID", "AKIDVARIABLE"),
                    ("AWS_SECRET_ACCESS_KEY", "s"),
                ],
                "AKIDBLOCK",
            )
            .profile(&of_profile, "AKIDPROFILE")
            .environment_over_profile(
                &[
                    ("AWS_ACCESS_KEY_ID", "AKIDVARIABLE"),
                    ("AWS_SECRET_ACCESS_KEY", "s"),
                ],
                &of_profile,
                "AKIDVARIABLE",
            )
            // Written keys win over a written profile, which then tells everything else.
            .beside(
                json!({ "access_key": "AKIDBLOCK", "secret_key": "s", "profile": "one" }),
                &[],
                "AKIDBLOCK",
            ),
        Row::new("secret_key", shown::secret_key)
            .without_keys()
            .left_out("nobody")
            .block(keys("AKIDBLOCK", "secret-of-block"), "secret-of-block")
            .environment(
                &[
                    ("AWS_ACCESS_KEY_ID", "AKIDVARIABLE"),
                    ("AWS_SECRET_ACCESS_KEY", "secret-of-variable"),
                ],
                "secret-of-variable",
            )
            .both(
                keys("AKIDBLOCK", "secret-of-block"),
                &[
                    ("AWS_ACCESS_KEY_ID", "AKIDVARIABLE"),
                    ("AWS_SECRET_ACCESS_KEY", "secret-of-variable"),
                ],
                "secret-of-block",
            )
            .profile(&of_profile, "secret-of-profile"),
        Row::new("token", shown::token)
            .left_out("")
            .block(with_token("of-block"), "of-block")
            .environment(&[("AWS_SESSION_TOKEN", "of-variable")], "of-variable")
            .both(
                with_token("of-block"),
                &[("AWS_SESSION_TOKEN", "of-variable")],
                "of-block",
            )
            // A token belongs to its keys.
            .beside(
                keys("AKIDBLOCK", "s"),
                &[("AWS_SESSION_TOKEN", "of-variable")],
                "",
            ),
        Row::new("shared_config_files", shown::region)
            .with("AWS_REGION", "")
            .with_file(".aws/config", "[default]\nregion = eu-north-1\n")
            .with_file("one", "[default]\nregion = eu-west-2\n")
            .with_file("two", "[default]\nregion = us-west-2\n")
            .left_out("eu-north-1")
            .block(json!({ "shared_config_files": ["~/one"] }), "eu-west-2")
            .environment(&[("AWS_CONFIG_FILE", "{home}/two")], "us-west-2")
            .both(
                json!({ "shared_config_files": ["~/one"] }),
                &[("AWS_CONFIG_FILE", "{home}/two")],
                "eu-west-2",
            ),
        Row::new("shared_credentials_files", shown::access_key)
            .without_keys()
            .with_file(".aws/credentials", &format!("[default]\n{of_profile}\n"))
            .with_file(
                "one",
                &format!("[default]\n{}\n", in_profile("AKIDONE", "s")),
            )
            .with_file(
                "two",
                &format!("[default]\n{}\n", in_profile("AKIDTWO", "s")),
            )
            .left_out("AKIDPROFILE")
            .block(
                json!({ "shared_credentials_files": ["{home}/one"] }),
                "AKIDONE",
            )
            .environment(&[("AWS_SHARED_CREDENTIALS_FILE", "{home}/two")], "AKIDTWO")
            .both(
                json!({ "shared_credentials_files": ["{home}/one"] }),
                &[("AWS_SHARED_CREDENTIALS_FILE", "{home}/two")],
                "AKIDONE",
            ),
    ]
}

fn connection() -> Vec<Row> {
    let retries = |most: u32| json!({ "max_retries": most });
    let quota = |tokens: u32| json!({ "token_bucket_rate_limiter_capacity": tokens });
    vec![
        // A proxy shows the address, which would not exist otherwise.
        Row::new("s3_use_path_style", shown::bucket_address)
            .with("AWS_ENDPOINT_URL_S3", "http://s3.invalid")
            .with("HTTP_PROXY", "{first}")
            .planning(bucket())
            .left_out("http://acme-archive-backup.s3.invalid/")
            .block(
                json!({ "s3_use_path_style": true }),
                "http://s3.invalid/acme-archive-backup/",
            )
            .block(
                json!({ "s3_use_path_style": false }),
                "http://acme-archive-backup.s3.invalid/",
            ),
        // The variable and the profile count the first attempt, too.
        Row::new("max_retries", shown::attempts)
            .answered(Script::Failing)
            .block(retries(0), "1")
            .environment(&[("AWS_MAX_ATTEMPTS", "2")], "2")
            .both(retries(0), &[("AWS_MAX_ATTEMPTS", "2")], "1")
            .profile("max_attempts = 3", "3")
            .environment_over_profile(&[("AWS_MAX_ATTEMPTS", "2")], "max_attempts = 3", "2"),
        Row::new("retry_mode", shown::retry_mode)
            .left_out("standard")
            .block(json!({ "retry_mode": "adaptive" }), "adaptive")
            .environment(&[("AWS_RETRY_MODE", "adaptive")], "adaptive")
            .both(
                json!({ "retry_mode": "standard" }),
                &[("AWS_RETRY_MODE", "adaptive")],
                "standard",
            )
            .both(
                json!({ "retry_mode": "adaptive" }),
                &[("AWS_RETRY_MODE", "standard")],
                "adaptive",
            )
            .profile("retry_mode = adaptive", "adaptive")
            .environment_over_profile(
                &[("AWS_RETRY_MODE", "standard")],
                "retry_mode = adaptive",
                "standard",
            ),
        // A retry takes ten tokens.
        Row::new("token_bucket_rate_limiter_capacity", shown::attempts)
            .answered(Script::Failing)
            .with_block(retries(1))
            .left_out("2")
            .block(quota(9), "1")
            .block(quota(10), "2"),
        Row::new("use_fips_endpoint", shown::host)
            .with_file(".aws/config", DEPLOY)
            .with("AWS_ENDPOINT_URL", "")
            .with("HTTPS_PROXY", "{first}")
            .with_block(retries(0))
            .left_out("sts.eu-west-1.amazonaws.com")
            .block(
                json!({ "use_fips_endpoint": true }),
                "sts-fips.eu-west-1.amazonaws.com",
            )
            .environment(
                &[("AWS_USE_FIPS_ENDPOINT", "true")],
                "sts-fips.eu-west-1.amazonaws.com",
            )
            .both(
                json!({ "use_fips_endpoint": false }),
                &[("AWS_USE_FIPS_ENDPOINT", "true")],
                "sts.eu-west-1.amazonaws.com",
            )
            .both(
                json!({ "use_fips_endpoint": true }),
                &[("AWS_USE_FIPS_ENDPOINT", "false")],
                "sts-fips.eu-west-1.amazonaws.com",
            )
            .profile(
                "use_fips_endpoint = true",
                "sts-fips.eu-west-1.amazonaws.com",
            )
            .environment_over_profile(
                &[("AWS_USE_FIPS_ENDPOINT", "false")],
                "use_fips_endpoint = true",
                "sts.eu-west-1.amazonaws.com",
            )
            // A profile's own role is assumed by the same way.
            .beside(
                json!({ "use_fips_endpoint": true, "profile": "deploy" }),
                &[],
                "sts-fips.eu-west-1.amazonaws.com",
            )
            .beside(
                json!({ "profile": "deploy" }),
                &[("AWS_USE_FIPS_ENDPOINT", "true")],
                "sts-fips.eu-west-1.amazonaws.com",
            ),
        Row::new("use_dualstack_endpoint", shown::host)
            .with_file(".aws/config", DEPLOY)
            .with("AWS_ENDPOINT_URL", "")
            .with("HTTPS_PROXY", "{first}")
            .with_block(retries(0))
            .left_out("sts.eu-west-1.amazonaws.com")
            .block(
                json!({ "use_dualstack_endpoint": true }),
                "sts.eu-west-1.api.aws",
            )
            .environment(
                &[("AWS_USE_DUALSTACK_ENDPOINT", "true")],
                "sts.eu-west-1.api.aws",
            )
            .both(
                json!({ "use_dualstack_endpoint": false }),
                &[("AWS_USE_DUALSTACK_ENDPOINT", "true")],
                "sts.eu-west-1.amazonaws.com",
            )
            .both(
                json!({ "use_dualstack_endpoint": true }),
                &[("AWS_USE_DUALSTACK_ENDPOINT", "false")],
                "sts.eu-west-1.api.aws",
            )
            .profile("use_dualstack_endpoint = true", "sts.eu-west-1.api.aws")
            .environment_over_profile(
                &[("AWS_USE_DUALSTACK_ENDPOINT", "false")],
                "use_dualstack_endpoint = true",
                "sts.eu-west-1.amazonaws.com",
            )
            // A profile's own role is assumed by the same way.
            .beside(
                json!({ "use_dualstack_endpoint": true, "profile": "deploy" }),
                &[],
                "sts.eu-west-1.api.aws",
            )
            .beside(
                json!({ "profile": "deploy" }),
                &[("AWS_USE_DUALSTACK_ENDPOINT", "true")],
                "sts.eu-west-1.api.aws",
            ),
        Row::new("custom_ca_bundle", shown::trust)
            .with("AWS_ENDPOINT_URL", "{secure}")
            .with_block(retries(0))
            .left_out("refused")
            .block(json!({ "custom_ca_bundle": "~/trusted.pem" }), "trusted")
            .block(json!({ "custom_ca_bundle": "~/other.pem" }), "refused")
            .environment(&[("AWS_CA_BUNDLE", "{home}/trusted.pem")], "trusted")
            .both(
                json!({ "custom_ca_bundle": "~/trusted.pem" }),
                &[("AWS_CA_BUNDLE", "{home}/other.pem")],
                "trusted",
            )
            .both(
                json!({ "custom_ca_bundle": "~/other.pem" }),
                &[("AWS_CA_BUNDLE", "{home}/trusted.pem")],
                "refused",
            ),
        Row::new("http_proxy", shown::reached)
            .with("AWS_ENDPOINT_URL", "http://aws.invalid")
            .with_block(retries(0))
            .left_out("nobody")
            .block(json!({ "http_proxy": "{first}" }), "first")
            .environment(&[("HTTP_PROXY", "{second}")], "second")
            .environment(&[("http_proxy", "{second}")], "second")
            .both(
                json!({ "http_proxy": "{first}" }),
                &[("HTTP_PROXY", "{second}"), ("http_proxy", "{third}")],
                "first",
            )
            .both(
                json!({ "http_proxy": "" }),
                &[("HTTP_PROXY", "{second}")],
                "nobody",
            )
            // For HTTPS it is used where nothing names a proxy for that.
            .beside(
                json!({ "http_proxy": "{first}" }),
                &[("AWS_ENDPOINT_URL", "https://aws.invalid")],
                "first",
            )
            .beside(
                json!({ "http_proxy": "{first}" }),
                &[
                    ("AWS_ENDPOINT_URL", "https://aws.invalid"),
                    ("HTTPS_PROXY", "{second}"),
                ],
                "second",
            )
            .beside(
                json!({}),
                &[
                    ("AWS_ENDPOINT_URL", "https://aws.invalid"),
                    ("HTTP_PROXY", "{second}"),
                ],
                "nobody",
            ),
        Row::new("https_proxy", shown::reached)
            .with("AWS_ENDPOINT_URL", "https://aws.invalid")
            .with_block(retries(0))
            .left_out("nobody")
            .block(json!({ "https_proxy": "{first}" }), "first")
            .environment(&[("HTTPS_PROXY", "{second}")], "second")
            .environment(&[("https_proxy", "{second}")], "second")
            .both(
                json!({ "https_proxy": "{first}" }),
                &[("HTTPS_PROXY", "{second}"), ("https_proxy", "{third}")],
                "first",
            )
            .both(
                json!({ "https_proxy": "" }),
                &[("HTTPS_PROXY", "{second}")],
                "nobody",
            )
            .beside(
                json!({ "https_proxy": "" , "http_proxy": "{first}" }),
                &[],
                "nobody",
            )
            .beside(
                json!({ "https_proxy": "{first}" }),
                &[("AWS_ENDPOINT_URL", "http://aws.invalid")],
                "nobody",
            ),
        Row::new("no_proxy", shown::reached)
            .with("AWS_ENDPOINT_URL", "http://aws.invalid")
            .with("HTTP_PROXY", "{first}")
            .with_block(retries(0))
            .left_out("first")
            .block(json!({ "no_proxy": "other.invalid,aws.invalid" }), "nobody")
            .environment(&[("NO_PROXY", "aws.invalid")], "nobody")
            .environment(&[("no_proxy", "aws.invalid")], "nobody")
            .both(
                json!({ "no_proxy": "other.invalid" }),
                &[("NO_PROXY", "aws.invalid"), ("no_proxy", "aws.invalid")],
                "first",
            ),
        Row::new("sts_region", shown::region)
            .left_out("eu-west-1")
            .block(json!({ "sts_region": "us-east-2" }), "us-east-2"),
        // What the environment has comes after what is written.
        Row::new("user_agent", shown::products)
            .left_out("")
            .block(json!({ "user_agent": ["a/1", "b/2 (x)"] }), "a/1 b/2 (x)")
            .environment(&[("TF_APPEND_USER_AGENT", "env/3")], "env/3")
            .both(
                json!({ "user_agent": ["a/1"] }),
                &[("TF_APPEND_USER_AGENT", "env/3")],
                "a/1 env/3",
            ),
    ]
}

fn endpoints() -> Vec<Row> {
    let row = |service: &'static str| {
        let name = format!("AWS_ENDPOINT_URL_{}", service.to_uppercase());
        let own = |url: &str| json!({ "endpoints": [{ service: url }] });
        let everywhere = "endpoint_url = {aws}";
        let here = format!(
            "{everywhere}\nservices = mine\n[services mine]\n{service} =\n  endpoint_url = {{third}}"
        );
        Row::new(&format!("endpoints.{service}"), shown::reached_for(service))
            .planning(bucket())
            .with("AWS_ENDPOINT_URL", "")
            .with_file(".aws/config", &format!("[default]\n{everywhere}\n"))
            .left_out("aws")
            .block(own("{first}"), "first")
            .environment(&[(&name, "{second}")], "second")
            .environment(&[("AWS_ENDPOINT_URL", "{third}")], "third")
            .both(
                own("{first}"),
                &[(&name, "{second}"), ("AWS_ENDPOINT_URL", "{third}")],
                "first",
            )
            .beside(
                json!({}),
                &[(&name, "{second}"), ("AWS_ENDPOINT_URL", "{third}")],
                "second",
            )
            .profile(&here, "third")
            .environment_over_profile(&[(&name, "{second}")], &here, "second")
            .environment_over_profile(&[("AWS_ENDPOINT_URL", "{second}")], &here, "second")
    };
    ["s3", "kms", "iam", "sts"].map(row).into()
}

fn checks() -> Vec<Row> {
    vec![
        Row::new("skip_credentials_validation", shown::validations)
            .left_out("1")
            .block(json!({ "skip_credentials_validation": true }), "0"),
        // Who has validated the credentials knows the account, so it takes both.
        Row::new("skip_requesting_account_id", shown::account_requests)
            .with_block(json!({ "skip_credentials_validation": true }))
            .planning(json!({ "source": { "bucket": "acme-archive" } }))
            .left_out("1 requests, nothing to tell")
            .block(
                json!({ "skip_requesting_account_id": true }),
                "0 requests, The account is not told",
            )
            .beside(
                json!({ "skip_requesting_account_id": true, "skip_credentials_validation": false }),
                &[],
                "1 requests, nothing to tell",
            ),
        Row::new("skip_region_validation", shown::outcome)
            .with("AWS_REGION", "eu-wset-1")
            .left_out("No such region")
            .block(json!({ "skip_region_validation": true }), "nothing to tell"),
        Row::new("allowed_account_ids", shown::outcome)
            .left_out("nothing to tell")
            .block(
                json!({ "allowed_account_ids": ["111111111111"] }),
                "nothing to tell",
            )
            .block(
                json!({ "allowed_account_ids": [OTHER] }),
                "The account is not allowed",
            ),
        Row::new("forbidden_account_ids", shown::outcome)
            .left_out("nothing to tell")
            .block(
                json!({ "forbidden_account_ids": ["111111111111"] }),
                "The account is not allowed",
            )
            .block(
                json!({ "forbidden_account_ids": [OTHER] }),
                "nothing to tell",
            ),
    ]
}

fn tags() -> Vec<Row> {
    let source = json!({ "bucket": "acme-archive" });
    let default_tags = |tags| json!({ "default_tags": [{ "tags": tags }] });
    let ignored = |name: &str, texts: Json| json!({ "ignore_tags": [{ name: texts }] });
    let tags = json!({ "cost": "7", "owner": "ann", "scanner:run": "1", "team:name": "ops" });
    let tagged = json!({ "source": source.clone(), "tags": tags });
    vec![
        Row::new("default_tags.tags", shown::default_tags)
            .planning(json!({ "source": source }))
            .left_out("")
            .block(default_tags(json!({ "team": "block" })), "team=block")
            .environment(&[("TF_AWS_DEFAULT_TAGS_team", "variable")], "team=variable")
            .both(
                default_tags(json!({ "team": "block" })),
                &[
                    ("TF_AWS_DEFAULT_TAGS_team", "variable"),
                    ("TF_AWS_DEFAULT_TAGS_cost", "7"),
                ],
                "cost=7 team=block",
            ),
        // Those of block and environment count together.
        Row::new("ignore_tags.keys", shown::ignored_tags)
            .planning(tagged.clone())
            .left_out("")
            .block(ignored("keys", json!(["cost"])), "cost")
            .environment(&[("TF_AWS_IGNORE_TAGS_KEYS", "owner, other")], "owner")
            .both(
                ignored("keys", json!(["cost"])),
                &[("TF_AWS_IGNORE_TAGS_KEYS", "owner")],
                "cost owner",
            ),
        Row::new("ignore_tags.key_prefixes", shown::ignored_tags)
            .planning(tagged)
            .left_out("")
            .block(ignored("key_prefixes", json!(["scanner:"])), "scanner:run")
            .environment(
                &[("TF_AWS_IGNORE_TAGS_KEY_PREFIXES", "other:, team:")],
                "team:name",
            )
            .both(
                ignored("key_prefixes", json!(["scanner:"])),
                &[("TF_AWS_IGNORE_TAGS_KEY_PREFIXES", "team:")],
                "scanner:run team:name",
            ),
    ]
}
