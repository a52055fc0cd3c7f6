//! What a person changes by hand shows in the plan at its attribute or component, and the apply mends it.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::{BucketEncryption, Input};
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
        &["components.destination/backup/key: "],
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
