//! Replication rules: what is refused of them and where, what is warned of, and what S3 gets.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::{
    ReplicationConfiguration, ReplicationRule,
};
use terraform_provider_replicated::replication::policy::PolicyDocument;
use tokio::time::Instant;

use crate::configs::{ABROAD, HOME, deploy, kms_abroad, two_destinations, with};
use crate::fake::Key;
use crate::terraform::{SOMEBODYS_KEY, Terraform};

const KEY: &str = "arn:aws:kms:us-west-2:222222222222:key/00000000-0000-4000-8000-000000000000";

/// What AWS describes the key with that it makes for S3 in each account.
const AWS_MANAGED: &str = "Default key that protects my S3 objects when no other key is defined";

/// What S3 refuses of a configuration, and why it is never asked to take it.
enum Never {
    /// What has to be written for it, and the error that then stands there.
    Refused(&'static [(&'static str, &'static str)], &'static str),
    /// The schema has no words for it; what shows that in the rules that are sent.
    Unspeakable(&'static str, fn(&ReplicationConfiguration) -> bool),
    /// What is written before the rules.
    After(&'static [&'static str]),
    /// No value of ours can say it; why.
    Unthinkable(&'static str),
}

use Never::{After, Refused, Unspeakable, Unthinkable};

fn every(configuration: &ReplicationConfiguration, is: fn(&ReplicationRule) -> bool) -> bool {
    configuration.rules.iter().all(is)
}

/// Every row of the fact sheet's table of what `PutBucketReplication` refuses, in its order.
fn refusals() -> Vec<(&'static str, Never)> {
    vec![
        (
            "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
            After(&["PutBucketVersioning acme-archive"]),
        ),
        (
            "Destination bucket must have versioning enabled.",
            After(&[
                "PutBucketVersioning acme-archive-backup",
                "PutBucketVersioning acme-archive-near",
            ]),
        ),
        (
            "Destination bucket must exist.",
            After(&[
                "CreateBucket acme-archive-backup",
                "CreateBucket acme-archive-near",
            ]),
        ),
        (
            "Destination bucket cannot be the same as the source bucket.",
            Refused(
                &[("destinations.backup.bucket", r#""acme-archive""#)],
                r#"destinations["backup"].bucket: Source and destination are the same bucket"#,
            ),
        ),
        (
            "Priority must be specified",
            Unspeakable("each rule gets one", |c| every(c, |r| r.priority.is_some())),
        ),
        (
            "DeleteMarkerReplication must be specified",
            Unspeakable("it is always sent", |c| {
                every(c, |r| r.delete_marker_replication.is_some())
            }),
        ),
        (
            "Priority or DeleteMarkerReplication cannot be used for this version",
            Unspeakable(
                "each rule has a filter, which makes it of the second version",
                |c| every(c, |r| r.filter.is_some() && r.v1_prefix.is_none()),
            ),
        ),
        (
            "ReplicationTime cannot be used for this version",
            Unspeakable("each rule is of the second version", |c| {
                every(c, |r| r.filter.is_some())
            }),
        ),
        (
            "Delete marker replication is not supported if any Tag filter is specified.",
            Refused(
                &[
                    ("destinations.backup.filter", r#"{ "tags": { "a": "b" } }"#),
                    ("destinations.backup.delete_marker_replication", "true"),
                ],
                r#"destinations["backup"].delete_marker_replication: Delete markers and tags in one rule"#,
            ),
        ),
        (
            "Delete marker replication is not supported if any Tag filter is specified.",
            Refused(
                &[
                    (
                        "destinations.backup.rules.a.filter",
                        r#"{ "tags": { "a": "b" } }"#,
                    ),
                    ("destinations.backup.delete_marker_replication", "true"),
                ],
                r#"destinations["backup"].rules["a"].delete_marker_replication: Delete markers and tags in one rule"#,
            ),
        ),
        (
            "Found duplicate priority",
            Refused(
                &[
                    ("destinations.backup.priority", "3"),
                    ("destinations.near.rules.a.priority", "3"),
                ],
                r#"destinations["near"].rules["a"].priority: One priority for two rules"#,
            ),
        ),
        (
            "Priority must be between 0 and 2147483647.",
            Refused(
                &[("destinations.backup.priority", "-1")],
                r#"destinations["backup"].priority: Invalid attribute value"#,
            ),
        ),
        (
            "an overflow of the priority",
            Refused(
                &[("destinations.backup.rules.a.priority", "2147483648")],
                r#"destinations["backup"].rules["a"].priority: Invalid attribute value"#,
            ),
        ),
        (
            "Rule Id must be unique",
            Refused(
                &[("destinations.near.rules.a.id", r#""replicated-backup""#)],
                r#"destinations["near"].rules["a"].id: One ID for two rules"#,
            ),
        ),
        (
            "Rule Id cannot be greater than 255",
            Refused(
                &[("destinations.backup.rules.a.id", r#""<256>""#)],
                r#"destinations["backup"].rules["a"].id: Invalid attribute value"#,
            ),
        ),
        (
            "Duplicate Tag Keys are not allowed.",
            Unthinkable("tags are a map"),
        ),
        (
            "a filter with two of Prefix, Tag and And, or And with one predicate",
            Unthinkable("the edge chooses the form by what there is"),
        ),
        (
            "a filter beside a prefix",
            Unspeakable("no rule is of the first version", |c| {
                every(c, |r| r.v1_prefix.is_none())
            }),
        ),
        (
            "no rules",
            Refused(
                &[("destinations", "{}")],
                "destinations: Invalid attribute value",
            ),
        ),
        (
            "no rules of a destination",
            Refused(
                &[("destinations.backup.rules", "{}")],
                r#"destinations["backup"].rules: Invalid attribute value"#,
            ),
        ),
        (
            "no role",
            Unspeakable("there always is one", |c| !c.role.is_empty()),
        ),
        (
            "SourceSelectionCriteria cannot be empty.",
            Unthinkable("the edge leaves it out where nothing is in it"),
        ),
        (
            "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.",
            Refused(
                &[
                    (
                        "destinations.backup.rules.a.replica_kms_key_arn",
                        "\"<key>\"",
                    ),
                    (
                        "destinations.backup.rules.a.replicate_encrypted_objects",
                        "false",
                    ),
                ],
                r#"destinations["backup"].rules["a"].replica_kms_key_arn: A key that no replica uses"#,
            ),
        ),
        (
            "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.",
            Refused(
                &[
                    ("destinations.backup.encryption.sse_algorithm", "\"AES256\""),
                    ("destinations.backup.replicate_encrypted_objects", "true"),
                ],
                r#"destinations["backup"].replicate_encrypted_objects: No key for the replicas"#,
            ),
        ),
        (
            "Invalid ReplicaKmsKeyID ARN.",
            Refused(
                &[(
                    "destinations.backup.rules.a.replica_kms_key_arn",
                    "\"alias/aws/s3\"",
                )],
                r#"destinations["backup"].rules["a"].replica_kms_key_arn: Invalid attribute value"#,
            ),
        ),
        (
            "Account must be specified if the Owner in AccessControlTranslation has a value",
            Unspeakable("each rule names the destination's account", |c| {
                every(c, |r| r.account.is_some())
            }),
        ),
        (
            "Replication destination must contain both ReplicationTime and Metrics or neither.",
            Refused(
                &[
                    ("destinations.backup.replication_time_control", "true"),
                    ("destinations.backup.metrics", "false"),
                ],
                r#"destinations["backup"].metrics: Replication time control does not go without metrics"#,
            ),
        ),
        (
            "Invalid time minute value",
            Unspeakable("there is one time, and it is sent", |c| {
                every(c, |r| {
                    r.replication_time.is_none_or(|time| time == (true, 15))
                })
            }),
        ),
        (
            "Invalid event threshold minute value",
            Unspeakable("there is one threshold, and it is sent", |c| {
                every(c, |r| {
                    r.metrics.is_none_or(|(_, t)| t.is_none_or(|t| t == 15))
                })
            }),
        ),
        (
            "ReplicationMetrics must contain an event threshold",
            Unspeakable("it goes with the time", |c| {
                every(c, |r| {
                    r.replication_time.is_none() || r.metrics == Some((true, Some(15)))
                })
            }),
        ),
        (
            "Metrics cannot contain an event threshold when ReplicationTime is not specified",
            Unspeakable("it goes with the time", |c| {
                every(c, |r| {
                    r.replication_time.is_some() || r.metrics.is_none_or(|(_, t)| t.is_none())
                })
            }),
        ),
        (
            "Invalid Role specified, or the relative id should start with role",
            Refused(
                &[("role.existing_arn", "\"arn:aws:iam::111111111111:user/u\"")],
                "role.existing_arn: Invalid attribute value",
            ),
        ),
        (
            "the role of another account",
            Refused(
                &[("role.existing_arn", "\"arn:aws:iam::222222222222:role/r\"")],
                "role.existing_arn: The role is in another account",
            ),
        ),
        (
            "Number of distinct destination bucket ARNs cannot exceed 1",
            Unspeakable("each rule is of the second version", |c| {
                every(c, |r| r.filter.is_some())
            }),
        ),
        (
            "Replication configuration cannot be applied to an Object Lock enabled bucket",
            Unthinkable("S3 said so in 2023 and does no longer"),
        ),
    ]
}

/// Everything that a rule can be at once, on both destinations.
fn everything() -> Json {
    let config = with(
        &two_destinations(),
        "destinations.backup.rules",
        json!({
            "logs": {
                "filter": { "prefix": "logs/", "tags": { "keep": "yes", "why": "law" } },
                "priority": 10,
                "storage_class": "GLACIER_IR",
                "replication_time_control": true,
                "replica_modification_sync": true,
                "owner_override": true,
                "replica_kms_key_arn": KEY,
            },
            "rest": { "priority": 2, "metrics": true, "delete_marker_replication": true },
            "tagged": { "priority": 7, "filter": { "tags": { "a": "b" } }, "enabled": false },
        }),
    );
    with(&config, "destinations.near.filter", json!({ "prefix": "" }))
}

#[expect(
    clippy::print_stdout,
    reason = "Why no configuration can say what S3 refuses is for whoever asks the test runner for it."
)]
#[tokio::test(start_paused = true)]
async fn nothing_that_s3_refuses_of_rules_ever_gets_to_it() {
    let mut applied = Terraform::new();
    crate::random::surroundings(&applied);
    applied.converge(&everything()).await;
    let sent = applied.cloud.aws.state().buckets["acme-archive"]
        .replication
        .clone()
        .unwrap();
    assert_eq!(sent.rules.len(), 4);
    let writes = applied.cloud.aws.state().writes.clone();
    let place = |write: &str| writes.iter().position(|w| w == write).unwrap();
    let rules_written = place("PutBucketReplication acme-archive");
    for (aws, never) in refusals() {
        match never {
            Unspeakable(why, shows) => assert!(shows(&sent), "{aws}: {why}"),
            Unthinkable(why) => println!("{aws}: {why}"),
            After(before) => {
                for write in before {
                    assert!(place(write) < rules_written, "{aws}: {write}");
                }
            }
            Refused(written, error) => {
                let mut config = two_destinations();
                for (path, value) in written {
                    let value = value
                        .replace("<256>", &"x".repeat(256))
                        .replace("<key>", KEY);
                    config = with(&config, path, serde_json::from_str(&value).unwrap());
                }
                let said = Terraform::new().plan(&config).await.said;
                assert_eq!(said.errors, [error], "{aws}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_of_rules_is_refused_where_it_stands() {
    let backup = r#"destinations["backup"]"#;
    for (path, value, error) in [
        ("filter", json!({}), ".filter: Nothing is written in here"),
        (
            "filter.prefix",
            json!("x".repeat(1025)),
            ".filter.prefix: Invalid attribute value",
        ),
        (
            "filter.tags",
            json!(
                (0..11)
                    .map(|n| (n.to_string(), json!("")))
                    .collect::<serde_json::Map<_, _>>()
            ),
            ".filter.tags: Invalid attribute value",
        ),
        (
            "rules",
            json!({ "a": {} }),
            r#".rules["a"]: Nothing is written in here"#,
        ),
        (
            "rules",
            json!({ "a": { "enabled": true, "filter": {} } }),
            r#".rules["a"].filter: Nothing is written in here"#,
        ),
        (
            "rules",
            json!({ "a": null }),
            ".rules: Invalid attribute value",
        ),
        (
            "rules",
            json!({ "a/b": { "enabled": true } }),
            ".rules: Invalid attribute value",
        ),
        (
            "rules.a.replica_kms_key_arn",
            json!(KEY.replace("us-west-2", "us-east-1")),
            r#".rules["a"].replica_kms_key_arn: The key is in another region"#,
        ),
    ] {
        let config = with(&kms_abroad(), &format!("destinations.backup.{path}"), value);
        let said = Terraform::new().plan(&config).await.said;
        assert_eq!(said.errors, [format!("{backup}{error}")]);
    }
    let beside = with(&kms_abroad(), "destinations.backup.priority", json!(1));
    let beside = with(&beside, "destinations.backup.rules.a.enabled", json!(true));
    let said = Terraform::new().plan(&beside).await.said;
    assert_eq!(
        said.errors,
        [format!("{backup}.priority: A priority beside rules")]
    );
}

#[tokio::test(start_paused = true)]
async fn more_rules_than_s3_takes_are_refused() {
    let rules = |count: usize, prefix: usize| {
        let rules: serde_json::Map<_, _> = (0..count)
            .map(|n| {
                let tags: serde_json::Map<_, _> = (0..9)
                    .map(|t| (format!("{t}"), json!("y".repeat(256))))
                    .collect();
                let filter =
                    json!({ "prefix": format!("{n:04}{}", "x".repeat(prefix)), "tags": tags });
                (format!("r{n}"), json!({ "filter": filter }))
            })
            .collect();
        with(
            &kms_abroad(),
            "destinations.backup.rules",
            Json::Object(rules),
        )
    };
    let said = Terraform::new().plan(&rules(1001, 1)).await.said;
    assert_eq!(said.errors, ["destinations: Too many rules"]);
    let said = Terraform::new().plan(&rules(600, 1000)).await.said;
    assert_eq!(said.errors, ["destinations: The rules are too long"]);
}

/// What a plan of these rules of one destination warns of.
async fn warned(rules: Json) -> Vec<String> {
    let config = with(&kms_abroad(), "destinations.backup.rules", rules);
    let said = Terraform::new().plan(&config).await.said;
    assert_eq!(said.errors, Vec::<String>::new());
    said.warnings
}

#[tokio::test(start_paused = true)]
async fn rules_that_stand_in_each_others_way_are_warned_of() {
    let logs = |more: Json| {
        let mut rule = json!({ "filter": { "prefix": "logs/" }, "storage_class": "GLACIER" });
        rule.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        rule
    };
    let all = json!({ "filter": { "prefix": "" } });
    let hidden = [r#"destinations["backup"].rules["a"]: A rule that never takes effect"#];
    assert_eq!(
        warned(json!({ "a": logs(json!({})), "b": all })).await,
        hidden
    );
    let fine = Vec::<String>::new();
    assert_eq!(
        warned(json!({ "a": all, "b": logs(json!({})) })).await,
        fine
    );
    let first = logs(json!({ "priority": 5 }));
    assert_eq!(warned(json!({ "a": first, "b": all })).await, fine);
    let paused = logs(json!({ "enabled": false }));
    assert_eq!(warned(json!({ "a": paused, "b": all })).await, fine);
    let same = json!({ "filter": { "prefix": "logs/" } });
    assert_eq!(warned(json!({ "a": same, "b": all })).await, fine);
    let tagged =
        |priority: Json| json!({ "filter": { "tags": { "a": "b" } }, "priority": priority });
    let some = [r#"destinations["backup"].rules["a"]: Two rules for some objects"#];
    assert_eq!(
        warned(json!({ "a": logs(json!({})), "b": tagged(Json::Null) })).await,
        some
    );
    assert_eq!(
        warned(json!({ "a": logs(json!({ "priority": 1 })), "b": tagged(json!(2)) })).await,
        fine
    );
    let other = json!({ "filter": { "prefix": "data/" } });
    assert_eq!(
        warned(json!({ "a": logs(json!({})), "b": other })).await,
        fine
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_of_a_rule_under_a_source_without_kms_is_warned_of() {
    let plain = json!({
        "source": { "bucket": "acme-archive" },
        "destinations": { "backup": {
            "region": "us-west-2",
            "assume_role": deploy(ABROAD),
            "rules": { "a": { "replica_kms_key_arn": KEY } },
        } },
    });
    let terraform = Terraform::new();
    crate::random::surroundings(&terraform);
    let said = { terraform }.plan(&plain).await.said;
    assert_eq!(said.errors, Vec::<String>::new());
    let at = r#"destinations["backup"].rules["a"].replica_kms_key_arn"#;
    assert!(
        said.warnings.contains(&format!(
            "{at}: Replicas keep the source's kind of encryption"
        )),
        "{:?}",
        said.warnings
    );
}

/// A key of somebody else's that lets in only its own account.
pub fn closed_key(terraform: &Terraform, arn: &str, description: &str) {
    let account = arn.split(':').nth(4).unwrap();
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":"kms:*","Resource":"*"}}]}}"#
    );
    let key = Key {
        description: description.to_owned(),
        state: "Enabled".to_owned(),
        multi_region: false,
        policy: PolicyDocument::parse(&policy).unwrap(),
        rotation: None,
        tags: std::collections::BTreeMap::new(),
        window_days: None,
        since: Instant::now(),
    };
    terraform.cloud.aws.state().keys.insert(arn.to_owned(), key);
}

#[tokio::test(start_paused = true)]
async fn the_key_of_a_rule_must_be_there_be_usable_and_let_the_role_in() {
    let at = r#"destinations["backup"].rules["a"].replica_kms_key_arn"#;
    let config = with(
        &kms_abroad(),
        "destinations.backup.rules",
        json!({ "a": { "replica_kms_key_arn": KEY } }),
    );
    let said = Terraform::new().plan(&config).await.said;
    assert_eq!(said.errors, [format!("{at}: The key does not exist")]);

    let mut terraform = Terraform::new();
    closed_key(&terraform, KEY, "theirs");
    let said = terraform.plan(&config).await.said;
    assert_eq!(said.errors, Vec::<String>::new());
    let closed = format!("{at}: The key's policy must let the role in");
    assert_eq!(said.warnings, [closed]);

    terraform.cloud.aws.state().keys.get_mut(KEY).unwrap().state = "Disabled".to_owned();
    let said = terraform.plan(&config).await.said;
    assert_eq!(said.errors, [format!("{at}: The key cannot be used")]);
}

#[tokio::test(start_paused = true)]
async fn the_key_that_aws_manages_is_warned_of_across_accounts_only() {
    let source_key = format!("arn:aws:kms:eu-west-1:{HOME}:{SOMEBODYS_KEY}000000000009");
    let encryption = json!({ "kms_key_arn": source_key });
    let warnings = async |config: &Json| {
        let mut terraform = Terraform::new();
        closed_key(&terraform, &source_key, AWS_MANAGED);
        let said = terraform.plan(config).await.said;
        assert_eq!(said.errors, Vec::<String>::new());
        said.warnings
    };
    let abroad = with(&kms_abroad(), "source.encryption", encryption.clone());
    assert_eq!(
        warnings(&abroad).await,
        ["source.encryption.kms_key_arn: AWS's own key does not reach another account"]
    );
    let home = json!({
        "source": { "bucket": "acme-archive", "encryption": encryption },
        "destinations": { "backup": { "region": "us-west-2" } },
    });
    assert_eq!(warnings(&home).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_rule_takes_what_it_leaves_out_from_its_destination_and_then_works_it_out() {
    let mut terraform = Terraform::new();
    crate::random::surroundings(&terraform);
    let mut config = everything();
    config["destinations"]["backup"]["storage_class"] = json!("STANDARD_IA");
    config["destinations"]["backup"]["metrics"] = json!(true);
    config["destinations"]["backup"]["encryption"] = json!({ "sse_algorithm": "AES256" });
    terraform.converge(&config).await;
    let rule = |name: &str, attribute: &str| {
        terraform.at(&format!("/destinations/backup/rules/{name}/{attribute}"))
    };
    assert_eq!(rule("logs", "storage_class"), json!("GLACIER_IR"));
    assert_eq!(rule("rest", "storage_class"), json!("STANDARD_IA"));
    assert_eq!(rule("tagged", "metrics"), json!(true));
    // The bucket has no key, and one rule has.
    assert_eq!(rule("logs", "replicate_encrypted_objects"), json!(true));
    assert_eq!(rule("rest", "replicate_encrypted_objects"), json!(false));
    // What only the rules say is not said of the destination.
    assert_eq!(terraform.at("/destinations/backup/priority"), Json::Null);
    assert_eq!(
        terraform.at("/destinations/backup/owner_override"),
        Json::Null
    );
    assert_eq!(
        terraform.at("/destinations/backup/rule_ids"),
        json!({
            "logs": "replicated-backup/logs",
            "rest": "replicated-backup/rest",
            "tagged": "replicated-backup/tagged",
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_paused_destination_pauses_every_rule_whatever_it_says() {
    let mut terraform = Terraform::new();
    crate::random::surroundings(&terraform);
    let mut config = everything();
    config["destinations"]["backup"]["enabled"] = json!(false);
    config["destinations"]["backup"]["rules"]["rest"]["enabled"] = json!(true);
    terraform.converge(&config).await;
    let live = |terraform: &Terraform| {
        let aws = terraform.cloud.aws.state();
        let rules = &aws.buckets["acme-archive"]
            .replication
            .as_ref()
            .unwrap()
            .rules;
        let live = rules.iter().filter(|rule| rule.enabled);
        live.map(|rule| rule.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(live(&terraform), ["replicated-near"]);
    assert_eq!(
        terraform.at("/destinations/backup/rules/rest/enabled"),
        json!(true)
    );
    config["destinations"]["backup"]["enabled"] = json!(true);
    terraform.converge(&config).await;
    assert_eq!(
        live(&terraform),
        [
            "replicated-backup/logs",
            "replicated-backup/rest",
            "replicated-near"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn one_rule_becomes_several_and_keeps_its_id_and_priority_under_its_name() {
    let mut terraform = Terraform::new();
    terraform.converge(&two_destinations()).await;
    let several = with(
        &two_destinations(),
        "destinations.backup.rules",
        json!({
            "archive": { "filter": { "prefix": "archive/" }, "storage_class": "GLACIER" },
            "default": { "enabled": true },
        }),
    );
    terraform.converge(&several).await;
    let priority =
        |name: &str| terraform.at(&format!("/destinations/backup/rules/{name}/priority"));
    assert_eq!(priority("default"), json!(0));
    assert_eq!(priority("archive"), json!(2));
    assert_eq!(terraform.at("/destinations/near/priority"), json!(1));
    assert_eq!(
        terraform.at("/destinations/backup/rule_ids/default"),
        json!("replicated-backup")
    );
}
