//! What a person changes by hand shows in the plan at its attribute or component, and the apply mends it.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::{
    BucketEncryption, Input, ReplicationRule,
};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::configs::kms_abroad;
use crate::fake::{Bucket, Key, State};
use crate::terraform::{Terraform, differences};

const SOURCE: &str = "acme-archive";
const BACKUP: &str = "acme-archive-backup";

fn bucket<'a>(aws: &'a mut State, name: &str) -> &'a mut Bucket {
    aws.buckets.get_mut(name).unwrap()
}

fn key<'a>(aws: &'a mut State, bucket: &str) -> &'a mut Key {
    let mut keys = aws.keys.values_mut();
    keys.find(|key| key.description.ends_with(&format!(" {bucket}")))
        .unwrap()
}

/// The configuration with tags everywhere, so that every map of tags can be told apart.
fn config() -> Json {
    let mut config = kms_abroad();
    config["tags"] = json!({ "team": "archive" });
    config["destinations"]["backup"]["tags"] = json!({ "side": "backup" });
    config["role"] = json!({ "description": "Copies" });
    config
}

/// Changes AWS by hand: a plan changes exactly what begins with one of `expected`, and an apply mends it.
async fn check(change: impl FnOnce(&mut State), expected: &[&str]) {
    let mut terraform = Terraform::new();
    terraform.converge(&config()).await;
    let keys = terraform.cloud.aws.state().keys.len();
    change(&mut terraform.cloud.aws.state());
    let plan = terraform.plan(&config()).await;
    assert_eq!(plan.said.errors, Vec::<String>::new());
    let shown = differences(&terraform.state, &plan.planned);
    assert_eq!(plan.is_empty, expected.is_empty(), "{shown:?}");
    let begins = |line: &String| expected.iter().any(|path| line.starts_with(path));
    assert!(shown.iter().all(begins), "{shown:#?}");
    for path in expected {
        assert!(
            shown.iter().any(|line| line.starts_with(path)),
            "{path}: {shown:#?}"
        );
    }
    terraform.converge(&config()).await;
    let said = terraform.destroy().await;
    assert_eq!(said.errors, Vec::<String>::new());
    let aws = terraform.cloud.aws.state();
    assert!(aws.keys.len() >= keys);
    assert!(aws.keys.values().all(|key| key.state == "PendingDeletion"));
    assert!(aws.roles.is_empty() && aws.buckets.is_empty() && aws.aliases.is_empty());
}

#[tokio::test(start_paused = true)]
async fn settings_of_buckets() {
    check(
        |aws| bucket(aws, BACKUP).ownership = "ObjectWriter".to_owned(),
        &["destinations.backup.object_ownership: ObjectWriter -> BucketOwnerEnforced"],
    )
    .await;
    check(
        |aws| bucket(aws, SOURCE).public_access_block = None,
        &["source.public_access_block."],
    )
    .await;
    check(
        |aws| bucket(aws, SOURCE).versioning = Some("Suspended".to_owned()),
        &["components.source/bucket: arn:aws:s3:::acme-archive (versioning suspended) -> arn:aws:s3:::acme-archive"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn default_encryption() {
    let encryption = |key: Option<String>| BucketEncryption {
        sse_algorithm: if key.is_some() { "aws:kms" } else { "AES256" }.to_owned(),
        kms_key: key.map(Input::Known),
        bucket_key_enabled: true,
        blocked_encryption_types: Vec::new(),
    };
    check(
        |aws| bucket(aws, BACKUP).encryption = encryption(None),
        &["destinations.backup.encryption.sse_algorithm: AES256 -> aws:kms"],
    )
    .await;
    let other = "arn:aws:kms:us-west-2:222222222222:key/another";
    check(
        |aws| bucket(aws, BACKUP).encryption = encryption(Some(other.to_owned())),
        &["destinations.backup.encryption.kms_key_arn: arn:aws:kms:us-west-2:222222222222:key/another -> null"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn tags() {
    check(
        |aws| {
            let tags = &mut bucket(aws, BACKUP).tags;
            tags.insert("by".to_owned(), "hand".to_owned());
            tags.insert("side".to_owned(), "other".to_owned());
        },
        &[
            "destinations.backup.tags.by: hand -> null",
            "destinations.backup.tags.side: other -> backup",
            "destinations.backup.tags_all.by: hand -> null",
            "destinations.backup.tags_all.side: other -> backup",
        ],
    )
    .await;
    check(
        |aws| {
            bucket(aws, SOURCE).tags.remove("team");
        },
        &["source.tags_all.team: null -> archive"],
    )
    .await;
    check(
        |aws| {
            key(aws, BACKUP)
                .tags
                .insert("by".to_owned(), "hand".to_owned());
        },
        &[
            "destinations.backup.encryption.key.tags: ",
            "destinations.backup.encryption.key.tags_all.by: hand -> null",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn keys_and_aliases() {
    check(
        |aws| key(aws, BACKUP).rotation = None,
        &["destinations.backup.encryption.key.enable_key_rotation: false -> true"],
    )
    .await;
    check(
        |aws| key(aws, BACKUP).state = "Disabled".to_owned(),
        &[
            "components.destination/backup/key: ",
            "destinations.backup.encryption.key.enabled: false -> true",
        ],
    )
    .await;
    check(
        |aws| {
            let key = key(aws, SOURCE);
            key.state = "PendingDeletion".to_owned();
            key.window_days = Some(30);
        },
        &["components.source/key: "],
    )
    .await;
    check(
        |aws| aws.aliases.clear(),
        &[
            "components.source/alias: alias/acme-archive (missing) -> ",
            "components.destination/backup/alias: ",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_role_and_its_policy() {
    let role = |aws: &mut State, change: fn(&mut crate::fake::Role)| {
        change(aws.roles.values_mut().next().unwrap());
    };
    check(
        |aws| role(aws, |role| role.description.description = "?".to_owned()),
        &["role.description: ? -> Copies"],
    )
    .await;
    check(
        |aws| role(aws, |role| role.policies.clear()),
        &["components.role/policy: replication (missing) -> replication"],
    )
    .await;
    check(
        |aws| aws.roles.clear(),
        &[
            "role.unique_id: null -> (known after apply)",
            "components.role: ",
            "components.role/policy: ",
            "components.destination/backup/",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn policies_and_rules() {
    check(
        |aws| bucket(aws, BACKUP).policy = None,
        &["components.destination/backup/bucket_policy: "],
    )
    .await;
    check(
        |aws| bucket(aws, SOURCE).replication = None,
        &["components.source/replication: replicated-backup (missing) -> replicated-backup"],
    )
    .await;
    check(
        |aws| {
            let replication = bucket(aws, SOURCE).replication.as_mut().unwrap();
            replication.rules[0].storage_class = Some("GLACIER".to_owned());
            replication.rules[0].enabled = false;
        },
        &[
            "destinations.backup.storage_class: GLACIER -> null",
            "destinations.backup.enabled: false -> true",
            "components.source/replication: ",
        ],
    )
    .await;
}

/// What somebody changes of a rule.
type OfRule = fn(&mut ReplicationRule);

/// Each field of a rule, changed by hand, and how it shows: at the attribute of this name.
const FIELDS: &[(OfRule, &str)] = &[
    (|r| r.enabled = false, "enabled: false -> true"),
    (
        |r| r.filter.as_mut().unwrap().prefix = Some("theirs/".to_owned()),
        "filter",
    ),
    (
        |r| {
            let tags = &mut r.filter.as_mut().unwrap().tags;
            tags.insert("by".to_owned(), "hand".to_owned());
        },
        "filter",
    ),
    (
        |r| r.storage_class = Some("GLACIER".to_owned()),
        "storage_class: GLACIER -> ",
    ),
    (
        |r| r.delete_marker_replication = Some(true),
        "delete_marker_replication: true -> false",
    ),
    (
        |r| r.replica_modifications = Some(true),
        "replica_modification_sync: true -> false",
    ),
    (
        |r| {
            r.replication_time = Some((true, 15));
            r.metrics = Some((true, Some(15)));
        },
        "replication_time_control: true -> false",
    ),
    (|r| r.metrics = Some((true, None)), "metrics: true -> false"),
    (|r| r.owner_override = true, "owner_override: true -> false"),
    (
        |r| {
            r.sse_kms_encrypted_objects = None;
            r.replica_kms_key = None;
        },
        "replicate_encrypted_objects: false -> true",
    ),
];

const RULES: &str = "components.source/replication: ";
/// What follows from the attributes above, and is planned with them.
const BESIDE: [&str; 2] = ["metrics: true -> false", "filter"];

/// Changes one rule by hand: the plan shows it at the attribute that begins so and at the component, and the apply
/// mends it.
async fn check_rule(config: &Json, id: &str, at: &str, change: OfRule, shows: &str) {
    let mut terraform = Terraform::new();
    terraform.converge(config).await;
    let before = terraform.shown();
    {
        let mut aws = terraform.cloud.aws.state();
        let replication = bucket(&mut aws, SOURCE).replication.as_mut().unwrap();
        let mut rules = replication.rules.iter_mut();
        change(rules.find(|rule| rule.id == id).unwrap());
        // Their order says nothing.
        replication.rules.reverse();
    }
    let plan = terraform.plan(config).await;
    assert_eq!(plan.said.errors, Vec::<String>::new());
    let shown = differences(&terraform.state, &plan.planned);
    let wanted = format!("{at}.{shows}");
    assert!(
        shown.iter().any(|line| line.starts_with(&wanted)),
        "{shows}: {shown:#?}"
    );
    let expected = |line: &String| {
        line.starts_with(&wanted)
            || line.starts_with(RULES)
            || BESIDE
                .iter()
                .any(|beside| line.starts_with(&format!("{at}.{beside}")))
    };
    assert!(shown.iter().all(expected), "{shows}: {shown:#?}");
    terraform.converge(config).await;
    assert_eq!(terraform.shown(), before);
}

#[tokio::test(start_paused = true)]
async fn every_field_of_the_rule_of_a_destination() {
    for (change, shows) in FIELDS {
        let at = "destinations.backup";
        check_rule(&config(), "replicated-backup", at, *change, shows).await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_field_of_one_of_several_rules() {
    let mut config = config();
    config["destinations"]["backup"]["rules"] = json!({
        "all": { "filter": { "prefix": "" } },
        "logs": { "filter": { "prefix": "logs/" } },
    });
    for (change, shows) in FIELDS {
        let at = "destinations.backup.rules.logs";
        check_rule(&config, "replicated-backup/logs", at, *change, shows).await;
    }
    let theirs: OfRule = |r| {
        let key = "arn:aws:kms:us-west-2:222222222222:key/another";
        r.replica_kms_key = Some(Input::Known(key.to_owned()));
    };
    let at = "destinations.backup.rules.logs";
    let shows = "replica_kms_key_arn: arn:aws:kms:us-west-2:222222222222:key/another -> null";
    check_rule(&config, "replicated-backup/logs", at, theirs, shows).await;
}

#[tokio::test(start_paused = true)]
async fn another_priority_shows_at_the_rules_whether_it_was_written_or_not() {
    for written in [json!(null), json!(4)] {
        let mut config = config();
        config["destinations"]["backup"]["priority"] = written;
        let mut terraform = Terraform::new();
        terraform.converge(&config).await;
        let before = terraform.at("/destinations/backup/priority");
        {
            let mut aws = terraform.cloud.aws.state();
            let replication = bucket(&mut aws, SOURCE).replication.as_mut().unwrap();
            replication.rules[0].priority = Some(99);
        }
        let plan = terraform.plan(&config).await;
        assert_eq!(
            differences(&terraform.state, &plan.planned),
            [
                "components.source/replication: replicated-backup (rule changed: replicated-backup; priority of replicated-backup is 99) -> replicated-backup"
            ]
        );
        terraform.converge(&config).await;
        assert_eq!(terraform.at("/destinations/backup/priority"), before);
        let aws = terraform.cloud.aws.state();
        let rules = &aws.buckets[SOURCE].replication.as_ref().unwrap().rules;
        assert_eq!(rules[0].priority.map(i64::from), before.as_i64());
    }
}

#[tokio::test(start_paused = true)]
async fn rules_that_are_missing_and_rules_of_others() {
    let mut config = config();
    config["destinations"]["backup"]["rules"] = json!({
        "all": { "filter": { "prefix": "" } },
        "logs": { "filter": { "prefix": "logs/" } },
    });
    let mut terraform = Terraform::new();
    terraform.converge(&config).await;
    {
        let mut aws = terraform.cloud.aws.state();
        let replication = bucket(&mut aws, SOURCE).replication.as_mut().unwrap();
        replication.rules.retain(|rule| rule.id.ends_with("logs"));
        let mut theirs = replication.rules[0].clone();
        theirs.id = "by-hand".to_owned();
        theirs.priority = Some(50);
        replication.rules.push(theirs);
    }
    let plan = terraform.plan(&config).await;
    assert_eq!(
        differences(&terraform.state, &plan.planned),
        [
            "components.source/replication: replicated-backup/all, replicated-backup/logs (rule missing: replicated-backup/all; unknown rule: by-hand) -> replicated-backup/all, replicated-backup/logs"
        ]
    );
    terraform.converge(&config).await;
}

#[tokio::test(start_paused = true)]
async fn what_s3_keeps_as_disabled_is_no_difference() {
    check(
        |aws| {
            let replication = bucket(aws, SOURCE).replication.as_mut().unwrap();
            let rule = &mut replication.rules[0];
            rule.replica_modifications = Some(false);
            rule.replication_time = Some((false, 15));
            rule.metrics = Some((false, None));
            rule.filter.as_mut().unwrap().prefix = Some(String::new());
        },
        &[],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_somebody_wakes_while_its_destination_is_paused() {
    let mut config = config();
    config["destinations"]["backup"]["enabled"] = json!(false);
    config["destinations"]["backup"]["rules"] = json!({ "all": { "enabled": true } });
    let mut terraform = Terraform::new();
    terraform.converge(&config).await;
    {
        let mut aws = terraform.cloud.aws.state();
        let replication = bucket(&mut aws, SOURCE).replication.as_mut().unwrap();
        replication.rules[0].enabled = true;
    }
    let plan = terraform.plan(&config).await;
    assert_eq!(
        differences(&terraform.state, &plan.planned),
        [
            "components.source/replication: replicated-backup/all (rule changed: replicated-backup/all) -> replicated-backup/all"
        ]
    );
    terraform.converge(&config).await;
    let aws = terraform.cloud.aws.state();
    let replication = aws.buckets[SOURCE].replication.as_ref().unwrap();
    assert!(!replication.rules[0].enabled);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_destination_is_made_again() {
    check(
        |aws| {
            aws.buckets.remove(BACKUP);
        },
        &["components.destination/backup/"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_resource_is_gone_when_every_bucket_is() {
    let mut terraform = Terraform::new();
    terraform.converge(&config()).await;
    terraform.cloud.aws.state().buckets.clear();
    assert!(terraform.refresh().await.is_fine());
    assert!(terraform.state.is_null());
}

#[tokio::test(start_paused = true)]
async fn statements_and_tags_of_others_never_show() {
    let foreign = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Theirs","Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-archive-backup/private/*"}]}"#;
    check(
        |aws| {
            let theirs = PolicyDocument::parse(foreign).unwrap().statements;
            let backup = bucket(aws, BACKUP);
            backup.policy.as_mut().unwrap().statements.extend(theirs);
            backup
                .tags
                .insert("aws:cloudformation:stack".to_owned(), "x".to_owned());
        },
        &[],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn drift_that_is_undone_by_hand_is_forgotten() {
    let mut terraform = Terraform::new();
    terraform.converge(&config()).await;
    let before = terraform.shown();
    let right = bucket(&mut terraform.cloud.aws.state(), BACKUP).clone();
    {
        let mut aws = terraform.cloud.aws.state();
        let backup = bucket(&mut aws, BACKUP);
        backup.versioning = None;
        backup.encryption.kms_key = Some(Input::Known(
            "arn:aws:kms:us-west-2:222222222222:key/another".to_owned(),
        ));
    }
    assert!(terraform.refresh().await.is_fine());
    assert_ne!(terraform.shown(), before);
    *bucket(&mut terraform.cloud.aws.state(), BACKUP) = right;
    assert!(terraform.refresh().await.is_fine());
    assert_eq!(terraform.shown(), before);
}
