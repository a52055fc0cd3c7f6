//! Blocks as they are written, and what becomes of them.

use serde_json::{Value as Json, json};

use super::*;
use crate::framework::value::Value;
use crate::provider::checks;
use crate::replication::ids::WebIdentity;

const ROLE: &str = "arn:aws:iam::222222222222:role/Deploy";

/// A block of these attributes in an environment.
fn provider(block: Json, environment: Environment) -> ProviderConfig {
    let value = Value::from_json(&whole(&block), &schema().block.ty()).unwrap();
    let Attr::Known(model) = Attr::from_value(&value).unwrap() else {
        panic!("{value:?}");
    };
    ProviderConfig::new(model, environment)
}

/// The block with null for what is left out.
fn whole(block: &Json) -> Json {
    fn fill(ty: &crate::framework::value::Type, json: &Json) -> Json {
        use crate::framework::value::Type;
        match (ty, json) {
            (Type::Object(attributes), Json::Object(given)) => {
                for name in given.keys() {
                    assert!(attributes.contains_key(name), "no attribute {name}");
                }
                let filled = attributes.iter().map(|(name, ty)| {
                    let given = given.get(name).unwrap_or(&Json::Null);
                    (name.clone(), fill(ty, given))
                });
                Json::Object(filled.collect())
            }
            (Type::List(item) | Type::Set(item), Json::Array(items)) => {
                items.iter().map(|json| fill(item, json)).collect()
            }
            _ => json.clone(),
        }
    }
    fill(&schema().block.ty(), block)
}

fn cloud_config(block: Json, environment: Environment) -> CloudConfig {
    provider(block, environment).cloud_config("session".to_owned(), "own/1".to_owned())
}

fn settings(block: Json, environment: Environment) -> Settings {
    provider(block, environment).settings(None, WayIn::default())
}

/// Diagnostics of the whole block as `path: summary`.
fn refused(block: Json) -> Vec<String> {
    let mut diagnostics = Diagnostics::new();
    provider(block, Environment::default()).check(&mut diagnostics);
    diagnostics
        .iter()
        .map(|d| format!("{}: {}", d.path.as_ref().unwrap(), d.summary))
        .collect()
}

#[test]
fn each_argument_reaches_the_edge() {
    let some = |text: &str| Some(text.to_owned());
    let home = || Environment::from([("HOME", "/home/ann")]);
    let config = cloud_config(
        json!({
            "region": "eu-west-1",
            "profile": "team",
            "access_key": "AKID",
            "secret_key": "secret",
            "token": "token",
            "shared_config_files": ["~/config", "/etc/config"],
            "shared_credentials_files": ["$HOME/credentials"],
            "s3_use_path_style": true,
            "max_retries": 3,
            "retry_mode": "adaptive",
            "token_bucket_rate_limiter_capacity": 50,
            "use_fips_endpoint": true,
            "use_dualstack_endpoint": false,
            "custom_ca_bundle": "~/roots.pem",
            "http_proxy": "http://a",
            "https_proxy": "http://b",
            "no_proxy": "c",
            "sts_region": "us-east-1",
            "endpoints": [{ "s3": "http://s3", "s3control": "http://s3control", "kms": "http://kms", "iam": "http://iam", "sts": "http://sts", "cloudwatch": "http://cloudwatch" }],
            "assume_role": [{ "role_arn": ROLE, "duration": "1h" }],
        }),
        home(),
    );
    assert_eq!(config.region, Region::parse("eu-west-1").ok());
    assert_eq!(config.profile, some("team"));
    assert_eq!(config.access_key, some("AKID"));
    assert_eq!(config.secret_key, Some(Secret::new("secret")));
    assert_eq!(config.token, Some(Secret::new("token")));
    assert_eq!(
        config.shared_config_files,
        [
            PathBuf::from("/home/ann/config"),
            PathBuf::from("/etc/config")
        ]
    );
    assert_eq!(
        config.shared_credentials_files,
        [PathBuf::from("/home/ann/credentials")]
    );
    assert!(config.s3_use_path_style);
    assert_eq!(config.max_retries, Some(3));
    assert_eq!(config.retry_mode, Some(RetryMode::Adaptive));
    assert_eq!(config.retry_quota, Some(50));
    assert_eq!(config.use_fips_endpoint, Some(true));
    assert_eq!(config.use_dualstack_endpoint, Some(false));
    assert_eq!(
        config.custom_ca_bundle,
        Some(PathBuf::from("/home/ann/roots.pem"))
    );
    assert_eq!(config.http_proxy, Some(Secret::new("http://a")));
    assert_eq!(config.https_proxy, Some(Secret::new("http://b")));
    assert_eq!(config.no_proxy, some("c"));
    assert_eq!(config.sts_region, Region::parse("us-east-1").ok());
    assert_eq!(
        config.endpoints,
        Endpoints {
            s3: some("http://s3"),
            s3control: some("http://s3control"),
            kms: some("http://kms"),
            iam: some("http://iam"),
            sts: some("http://sts"),
            cloudwatch: some("http://cloudwatch"),
        }
    );
    assert_eq!(config.assume_role.len(), 1);
    assert_eq!(config.assume_role[0].role_arn, ROLE);
    assert_eq!(config.assume_role[0].duration_seconds, Some(3600));
}

#[test]
fn a_block_and_an_environment_print_without_their_secrets() {
    let token = json!([{ "role_arn": ROLE, "web_identity_token": "hidden-token" }]);
    let block = json!({
        "region": "eu-west-1",
        "secret_key": "hidden-key",
        "token": "hidden-token",
        "http_proxy": "http://person:hidden@proxy",
        "https_proxy": "http://person:hidden@proxy",
        "assume_role_with_web_identity": token,
    });
    let environment = Environment::from([("AWS_SECRET_ACCESS_KEY", "hidden-variable")]);
    let printed = format!("{:?}", provider(block, environment));
    assert!(printed.contains("eu-west-1") && printed.contains("AWS_SECRET_ACCESS_KEY"));
    assert!(!printed.contains("hidden"), "{printed}");
}

#[test]
fn nothing_written_leaves_everything_to_environment_and_defaults() {
    let config = cloud_config(json!({}), Environment::default());
    assert_eq!(config.max_retries, None);
    assert_eq!(config.retry_mode, None);
    assert_eq!(config.use_fips_endpoint, None);
    assert_eq!(config.http_proxy, None);
    assert_eq!(config.web_identity, None);
    assert_eq!(config.user_agent, Some("own/1".to_owned()));
}

#[test]
fn the_user_agent_names_products_of_block_and_environment_in_turn() {
    let environment = Environment::from([("TF_APPEND_USER_AGENT", "env/3")]);
    let config = cloud_config(json!({ "user_agent": ["a/1", "b/2 (x)"] }), environment);
    let words = config.user_agent.unwrap();
    assert_eq!(words, "own/1 a/1 b/2 (x) env/3");
}

#[test]
fn default_tags_of_the_block_win_over_those_of_the_environment() {
    let environment = Environment::from([
        ("TF_AWS_DEFAULT_TAGS_team", "env"),
        ("TF_AWS_DEFAULT_TAGS_Cost_Centre", "7"),
        ("TF_AWS_DEFAULT_TAGS_", "nameless"),
    ]);
    let block = json!({ "default_tags": [{ "tags": { "team": "block" } }] });
    let tags = settings(block, environment).default_tags;
    let tags: Vec<_> = tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(tags, [("Cost_Centre", "7"), ("team", "block")]);
}

#[test]
fn a_web_identity_is_read_from_the_block_and_then_from_the_environment() {
    let pod = || {
        Environment::from([
            ("AWS_ROLE_ARN", "arn:aws:iam::111111111111:role/Pod"),
            ("AWS_ROLE_SESSION_NAME", "pod"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/run/token"),
        ])
    };
    let block = |block: Json| json!({ "assume_role_with_web_identity": [block] });
    let identity = |json, environment| cloud_config(block(json), environment).web_identity.unwrap();

    let written = identity(
        json!({
            "role_arn": ROLE,
            "session_name": "mine",
            "duration": "15m",
            "policy": "{}",
            "policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            "web_identity_token_file": "/mine/token",
        }),
        pod(),
    );
    assert_eq!(
        written,
        WebIdentity {
            role_arn: ROLE.to_owned(),
            session_name: Some("mine".to_owned()),
            duration_seconds: Some(900),
            policy: Some("{}".to_owned()),
            policy_arns: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()],
            token_file: Some("/mine/token".to_owned()),
        }
    );
    let of_pod = identity(json!({}), pod());
    assert_eq!(of_pod.role_arn, "arn:aws:iam::111111111111:role/Pod");
    assert_eq!(of_pod.session_name.as_deref(), Some("pod"));
    assert_eq!(of_pod.token_file.as_deref(), Some("/run/token"));
    // A token that is written wins over a file of the environment.
    let config = cloud_config(
        block(json!({ "role_arn": ROLE, "web_identity_token": "oidc" })),
        pod(),
    );
    assert_eq!(config.web_identity.unwrap().token_file, None);
    assert_eq!(config.web_identity_tokens[ROLE], Secret::new("oidc"));
}

#[test]
fn account_blocks_are_ways_in_and_a_pods_role_is_not_theirs() {
    let environment = Environment::from([
        ("AWS_ROLE_SESSION_NAME", "pod"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/run/token"),
    ]);
    let settings = settings(
        json!({ "account": [
            { "account_id": "222222222222", "profile": "backup", "assume_role": [{ "role_arn": ROLE }, { "role_arn": ROLE }] },
            { "account_id": "333333333333", "assume_role_with_web_identity": [{ "role_arn": ROLE }] },
        ]}),
        environment,
    );
    let second = &settings.accounts["222222222222"];
    assert_eq!(second.profile.as_deref(), Some("backup"));
    assert_eq!(second.assume_role.len(), 2);
    let web = settings.accounts["333333333333"].web_identity.as_ref();
    let web = web.unwrap();
    assert_eq!(web.session_name, None);
    assert_eq!(web.token_file.as_deref(), Some("/run/token"));
}

#[test]
fn what_a_location_has_no_words_for_cannot_be_handed_over() {
    let role = json!({ "role_arn": ROLE });
    for (block, what) in [
        (json!({}), None),
        (json!({ "profile": "team", "assume_role": [role] }), None),
        (
            json!({ "access_key": "a", "secret_key": "s" }),
            Some("credentials of its own"),
        ),
        (
            json!({ "assume_role": [role, role] }),
            Some("a chain of roles"),
        ),
        (
            json!({ "assume_role_with_web_identity": [{ "role_arn": ROLE, "web_identity_token": "t" }] }),
            Some("a web identity of its own"),
        ),
        (
            json!({ "shared_config_files": ["x"] }),
            Some("shared files of its own"),
        ),
        (
            json!({ "shared_credentials_files": ["x"] }),
            Some("shared files of its own"),
        ),
    ] {
        let told = settings(block.clone(), Environment::default()).not_shareable;
        assert_eq!(told, what, "{block}");
    }
}

#[test]
fn contradictions_are_refused_where_they_are_written() {
    let account = |block: Json| json!({ "account": [block] });
    let web = json!({ "role_arn": ROLE, "web_identity_token": "t" });
    let id = "222222222222";
    for (block, told) in [
        (
            json!({ "allowed_account_ids": [id], "forbidden_account_ids": [id] }),
            "forbidden_account_ids: Two account guards",
        ),
        (
            account(json!({ "account_id": id })),
            "account[0]: No way in",
        ),
        (
            account(
                json!({ "account_id": id, "profile": "p", "assume_role_with_web_identity": [web] }),
            ),
            "account[0].profile: Two ways to start",
        ),
        (
            json!({ "account": [{ "account_id": id, "profile": "a" }, { "account_id": id, "profile": "b" }] }),
            "account[1].account_id: One account twice",
        ),
        (
            json!({ "access_key": "a", "secret_key": "s", "assume_role_with_web_identity": [web] }),
            "assume_role_with_web_identity: Two base credentials",
        ),
        (
            json!({ "skip_requesting_account_id": true, "skip_credentials_validation": true, "allowed_account_ids": [id] }),
            "skip_requesting_account_id: Nobody would ask for the account that is guarded",
        ),
        (
            json!({ "assume_role_with_web_identity": [{ "web_identity_token": "t" }] }),
            "assume_role_with_web_identity[0].role_arn: No role",
        ),
        (
            json!({ "assume_role_with_web_identity": [{ "role_arn": ROLE }] }),
            "assume_role_with_web_identity[0]: No token",
        ),
        (
            json!({ "assume_role_with_web_identity": [{ "role_arn": ROLE, "web_identity_token": "t", "web_identity_token_file": "f" }] }),
            "assume_role_with_web_identity[0].web_identity_token_file: Two tokens",
        ),
    ] {
        assert_eq!(refused(block), [told]);
    }
}

#[test]
fn ignored_tags_of_block_and_environment_count_together() {
    let environment = Environment::from([
        ("TF_AWS_IGNORE_TAGS_KEYS", "a, b,"),
        ("TF_AWS_IGNORE_TAGS_KEY_PREFIXES", "scanner:"),
    ]);
    let block = json!({ "ignore_tags": [{ "keys": ["c"], "key_prefixes": ["x-"] }] });
    let ignored = settings(block, environment).ignored_tags;
    for key in ["a", "b", "c", "scanner:1", "x-1"] {
        assert!(ignored.contains(key), "{key}");
    }
    assert!(!ignored.contains("d") && !ignored.contains(""));
}

#[test]
fn a_default_tag_that_is_ignored_is_refused() {
    let block = json!({
        "default_tags": [{ "tags": { "cost": "7" } }],
        "ignore_tags": [{ "keys": ["cost"] }],
    });
    assert_eq!(
        refused(block),
        ["default_tags: A default tag that is ignored"]
    );
}

#[test]
fn our_own_tags_cannot_be_ignored() {
    use crate::framework::schema::Validator;
    fn is_refused(check: &dyn Validator, text: &str) -> bool {
        let mut diagnostics = Diagnostics::new();
        let texts = Value::Set(vec![Value::String(text.to_owned())]);
        check.validate(&AttributePath::root("keys"), &texts, &mut diagnostics);
        diagnostics.has_error()
    }
    for (text, as_key, as_prefix) in [
        ("cost", false, false),
        ("replica", false, true),
        ("replicated:owner", true, true),
        ("", true, true),
    ] {
        let (keys, prefixes) = (checks::foreign_tag_keys(), checks::foreign_tag_prefixes());
        assert_eq!(is_refused(&keys, text), as_key, "{text}");
        assert_eq!(is_refused(&prefixes, text), as_prefix, "{text}");
    }
}
