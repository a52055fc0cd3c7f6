//! `verification`: when canaries are sent, and what their end means for the apply and the next plan. Time is paused, so
//! nothing here waits.

mod leftovers;
mod obstacles;
mod setups;

use std::time::Duration;

use serde_json::{Value as Json, json};
use support::closing::say;
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::configs::{ABROAD, HOME, UNKNOWN, document, kms_abroad, two_destinations, with};
use crate::fake::{Spoilt, State};
use crate::terraform::{Said, Terraform};

const SOURCE: &str = "acme-archive";
const BACKUP: &str = "acme-archive-backup";
const VERIFIED_AT: &str = "/destinations/backup/verified_at";
const TROUBLE: &str = "destinations[\"backup\"]: Objects do not cross as they should";

fn verified(config: &Json) -> Json {
    with(config, "verification", json!({ "enabled": true }))
}

fn held(state: &State) -> usize {
    state.buckets.values().map(|b| b.versions.len()).sum()
}

fn canaries_put(terraform: &Terraform) -> usize {
    let state = terraform.cloud.aws.state();
    let puts = state.writes.iter().filter(|w| w.starts_with("PutObject "));
    puts.count()
}

/// What follows when a person does this between two applies: the update's words.
async fn broken(change: fn(&mut State)) -> (Terraform, Said) {
    let mut terraform = Terraform::new();
    let config = verified(&kms_abroad());
    terraform.converge(&config).await;
    // Something changes with each canary, so that no refresh sees it and no apply repairs it.
    terraform.cloud.meddle(move |write, state| {
        if write.starts_with("PutObject ") {
            change(state);
        }
    });
    let config = with(
        &config,
        "destinations.backup.storage_class",
        json!("GLACIER"),
    );
    let said = terraform.apply(&config).await;
    (terraform, said)
}

#[tokio::test(start_paused = true)]
async fn mistakes_are_told_at_the_attribute() {
    let terraform = Terraform::new();
    for (verification, at) in [
        (json!({}), "verification: "),
        (json!({ "timeout": "soon" }), "verification.timeout: "),
        (json!({ "timeout": "0s" }), "verification.timeout: "),
        (json!({ "key_prefix": "" }), "verification.key_prefix: "),
        (json!({ "key_prefix": "a*" }), "verification.key_prefix: "),
        (
            json!({ "key_prefix": "x".repeat(513) }),
            "verification.key_prefix: ",
        ),
    ] {
        let config = with(&kms_abroad(), "verification", verification);
        let said = terraform.validate(&config).await;
        assert_eq!(said.errors.len(), 1, "{config}: {said:?}");
        assert!(said.errors[0].starts_with(at), "{config}: {said:?}");
    }
    let config = with(
        &verified(&kms_abroad()),
        "destinations.backup",
        json!({ "bucket": "theirs", "existing": true, "reachable": false, "account_id": ABROAD, "region": "us-west-2", "encryption": { "sse_algorithm": "AES256" } }),
    );
    let said = terraform.validate(&config).await;
    let at = "destinations[\"backup\"].reachable: Canaries could not be removed";
    assert_eq!(said.errors, [at]);
    let config = with(&config, "verification.enabled", json!(false));
    assert!(terraform.validate(&config).await.is_fine());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_would_be_too_long_is_told_at_plan() {
    let mut terraform = Terraform::new();
    let config = with(
        &verified(&kms_abroad()),
        "destinations.backup.filter",
        json!({ "prefix": "p".repeat(940) }),
    );
    let plan = terraform.plan(&config).await;
    let at = "verification.key_prefix: The keys of canaries would be too long";
    assert_eq!(plan.said.errors, [at]);
}

#[tokio::test(start_paused = true)]
async fn off_unless_written_no_object_is_ever_put() {
    let mut terraform = Terraform::new();
    for config in [
        kms_abroad(),
        with(&kms_abroad(), "verification", json!({ "enabled": false })),
        with(
            &kms_abroad(),
            "destinations.backup.storage_class",
            json!("GLACIER"),
        ),
    ] {
        terraform.converge(&config).await;
        assert_eq!(terraform.at(VERIFIED_AT), Json::Null);
    }
    assert_eq!(canaries_put(&terraform), 0);
}

#[tokio::test(start_paused = true)]
async fn written_without_more_it_has_its_defaults_in_the_plan() {
    let mut terraform = Terraform::new();
    let config = with(&kms_abroad(), "verification", json!({ "timeout": "5m" }));
    terraform.converge(&config).await;
    assert_eq!(
        terraform.at("/verification"),
        json!({ "enabled": true, "key_prefix": ".replicated-verification/", "timeout": "5m" })
    );
}

#[tokio::test(start_paused = true)]
async fn a_create_verifies_and_leaves_no_object() {
    let mut terraform = Terraform::new();
    terraform.converge(&verified(&kms_abroad())).await;
    assert!(terraform.at(VERIFIED_AT).is_string());
    assert_eq!(canaries_put(&terraform), 1);
    assert_eq!(held(&terraform.cloud.aws.state()), 0);
}

#[tokio::test(start_paused = true)]
async fn turned_on_later_it_verifies_and_turned_off_what_was_seen_stays() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    terraform.converge(&verified(&kms_abroad())).await;
    let moment = terraform.at(VERIFIED_AT);
    assert!(moment.is_string());
    terraform.converge(&kms_abroad()).await;
    assert_eq!(terraform.at(VERIFIED_AT), moment);
    let config = with(
        &kms_abroad(),
        "destinations.backup.storage_class",
        json!("GLACIER"),
    );
    terraform.converge(&config).await;
    assert_eq!(
        terraform.at(VERIFIED_AT),
        Json::Null,
        "it no longer speaks of this setup"
    );
    assert_eq!(canaries_put(&terraform), 1);
}

#[tokio::test(start_paused = true)]
async fn an_update_verifies_where_it_could_matter_and_only_there() {
    let mut terraform = Terraform::new();
    let base = verified(&kms_abroad());
    terraform.converge(&base).await;
    let mut config = base;
    for (path, value, verifies) in [
        ("tags", json!({ "team": "archive" }), 0),
        ("timeouts", json!({ "create": "1h" }), 0),
        ("verification.timeout", json!("5m"), 0),
        ("verification.key_prefix", json!(".canaries/"), 0),
        ("source.force_destroy", json!(true), 0),
        ("destinations.backup.retain_on_destroy", json!(true), 0),
        (
            "destinations.backup.lifecycle_rules",
            json!({ "old": { "noncurrent_version_expiration": { "noncurrent_days": 7 } } }),
            0,
        ),
        ("source.encryption.key", json!({ "description": "ours" }), 0),
        ("role", json!({ "description": "ours" }), 0),
        ("destinations.backup.storage_class", json!("STANDARD_IA"), 1),
        (
            "destinations.backup.filter",
            json!({ "prefix": "deeds/" }),
            1,
        ),
        (
            "destinations.backup.delete_marker_replication",
            json!(true),
            1,
        ),
        ("source.encryption.bucket_key_enabled", json!(false), 1),
        ("destinations.backup.require_tls", json!(true), 1),
        ("source.object_ownership", json!("BucketOwnerPreferred"), 1),
        ("role", json!({ "name": "another" }), 1),
        ("destinations.backup.two_way", json!(true), 2),
    ] {
        config = with(&config, path, value);
        let before = canaries_put(&terraform);
        terraform.converge(&config).await;
        let sent = canaries_put(&terraform) - before;
        assert_eq!(sent, verifies, "{path}");
        assert!(terraform.at(VERIFIED_AT).is_string(), "{path}");
        assert_eq!(held(&terraform.cloud.aws.state()), 0, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_person_broke_is_repaired_and_verified() {
    let mut terraform = Terraform::new();
    let config = verified(&kms_abroad());
    terraform.converge(&config).await;
    terraform
        .cloud
        .aws
        .state()
        .buckets
        .get_mut(BACKUP)
        .unwrap()
        .policy = None;
    terraform.converge(&config).await;
    assert_eq!(canaries_put(&terraform), 2);
}

#[tokio::test(start_paused = true)]
async fn a_paused_destination_has_no_canary_and_leaves_nothing_to_do() {
    let paused = with(
        &verified(&two_destinations()),
        "destinations.near.enabled",
        json!(false),
    );
    // What a destination pauses, no rule of it can begin again.
    let all = json!({ "all": { "enabled": true } });
    let with_rules = with(&paused, "destinations.near.rules", all);
    for config in [paused, with_rules] {
        let mut terraform = Terraform::new();
        terraform.converge(&config).await;
        assert!(terraform.at(VERIFIED_AT).is_string());
        assert_eq!(terraform.at("/destinations/near/verified_at"), Json::Null);
        assert_eq!(canaries_put(&terraform), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_values_plan_and_come_out_as_they_will_be() {
    let mut terraform = Terraform::new();
    let config = verified(&kms_abroad());
    for path in [
        "verification",
        "verification.enabled",
        "verification.timeout",
    ] {
        let first = with(&config, path, json!(UNKNOWN));
        let last = match path {
            "verification.timeout" => with(&config, path, json!("9m")),
            _ => config.clone(),
        };
        let said = terraform.apply_later(&first, &last).await;
        assert!(said.is_fine(), "{path}: {said:?}");
        terraform.assert_settled(&last).await;
        assert!(terraform.at(VERIFIED_AT).is_string(), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_import_knows_nothing_of_it_and_the_next_apply_verifies() {
    let mut terraform = Terraform::new();
    let config = verified(&kms_abroad());
    terraform.converge(&config).await;
    let id = terraform.at("/import_id");
    let said = terraform.import(id.as_str().unwrap()).await;
    assert!(said.is_fine(), "{said:?}");
    assert_eq!(terraform.at("/verification"), Json::Null);
    assert_eq!(terraform.at(VERIFIED_AT), Json::Null);
    terraform.converge(&config).await;
    assert_eq!(canaries_put(&terraform), 2);
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_canary_fails_is_undone_and_says_why() {
    let mut terraform = Terraform::new();
    terraform.cloud.meddle(|write, state| {
        if write.starts_with("PutObject ") {
            state.buckets.get_mut(BACKUP).unwrap().policy = None;
        }
    });
    let said = terraform.apply(&verified(&kms_abroad())).await;
    assert_eq!(said.errors, [TROUBLE]);
    for words in [
        "Rule replicated-backup from acme-archive to acme-archive-backup",
        "S3 failed to replicate its canary",
        "destination/backup/bucket_policy",
        "s3:ReplicateObject",
        "taken away again; nothing is left",
    ] {
        assert!(said.details[0].contains(words), "{words}: {said:?}");
    }
    assert!(terraform.state.is_null());
    assert!(terraform.cloud.aws.state().buckets.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_update_whose_canary_fails_is_an_error_and_the_next_plan_verifies_again() {
    let (mut terraform, said) = broken(|state| {
        state.buckets.get_mut(BACKUP).unwrap().policy = None;
    })
    .await;
    assert_eq!(said.errors, [TROUBLE]);
    assert!(
        said.details[0].contains("proposes to verify again"),
        "{said:?}"
    );
    assert_eq!(terraform.at(VERIFIED_AT), Json::Null);
    assert_eq!(held(&terraform.cloud.aws.state()), 0);
    terraform.cloud.meddle(|_, _| {});
    let config = with(
        &verified(&kms_abroad()),
        "destinations.backup.storage_class",
        json!("GLACIER"),
    );
    terraform.converge(&config).await;
    assert!(terraform.at(VERIFIED_AT).is_string());
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_takes_too_long_is_a_warning_and_the_next_plan_verifies_again() {
    let mut terraform = Terraform::new();
    let config = verified(&kms_abroad());
    terraform.cloud.aws.state().spoilt = Some(Spoilt::Never);
    let said = terraform.apply(&config).await;
    assert!(said.is_fine(), "{said:?}");
    assert_eq!(
        said.warnings,
        ["destinations[\"backup\"]: Objects were not seen to cross yet"]
    );
    assert_eq!(terraform.at(VERIFIED_AT), Json::Null);
    assert_eq!(held(&terraform.cloud.aws.state()), 0);
    let plan = terraform.plan(&config).await;
    assert!(!plan.is_empty);
    terraform.cloud.aws.state().spoilt = None;
    terraform.converge(&config).await;
    assert!(terraform.at(VERIFIED_AT).is_string());
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_cannot_be_put_is_told_with_the_permission_and_the_create_is_undone() {
    let mut terraform = Terraform::new();
    terraform.cloud.meddle(|write, state| {
        if write.starts_with("PutBucketReplication") {
            state.buckets.get_mut(SOURCE).unwrap().is_shut = true;
        }
    });
    let said = terraform.apply(&verified(&kms_abroad())).await;
    assert_eq!(
        said.errors,
        ["destinations[\"backup\"]: A canary could not be followed"]
    );
    assert!(said.details[0].contains("s3:PutObject"), "{said:?}");
    assert!(terraform.state.is_null());
    assert!(terraform.cloud.aws.state().buckets.is_empty());
}

/// A way to break a setup: its name, what a person does, and the line that explains it then.
type Way = (&'static str, fn(&mut State), &'static str);

/// Ten ways to break a setup by hand, and what the failure names.
const WAYS: [Way; 10] = [
    (
        "the destination's policy is deleted",
        |state| state.buckets.get_mut(BACKUP).unwrap().policy = None,
        "destination/backup/bucket_policy: statements missing (the role needs s3:ReplicateObject on the objects of this bucket)",
    ),
    (
        "the destination's policy denies the role",
        |state| {
            let statement = json!({ "Sid": "Never", "Effect": "Deny", "Principal": "*", "Action": "s3:ReplicateObject", "Resource": format!("arn:aws:s3:::{BACKUP}/*") });
            let document = PolicyDocument::parse(&document(&[statement])).unwrap();
            let policy = &mut state.buckets.get_mut(BACKUP).unwrap().policy;
            let statements = &mut policy.as_mut().unwrap().statements;
            if !statements.iter().any(|s| s.name() == Some("Never")) {
                statements.extend(document.statements);
            }
        },
        "destination/backup/bucket_policy: statement Never denies s3:ReplicateObject",
    ),
    (
        "versioning is suspended at the destination",
        |state| state.buckets.get_mut(BACKUP).unwrap().versioning = Some("Suspended".to_owned()),
        "destination/backup/bucket: versioning suspended (S3 replicates only between buckets that are there, with versioning)",
    ),
    (
        "the destination's key is disabled",
        |state| disable(state, ABROAD),
        "destination/backup/key: disabled (the role needs kms:Decrypt on the source's key and kms:Encrypt on the destination's, and both have to be enabled)",
    ),
    (
        "the source's key is disabled",
        |state| disable(state, HOME),
        "source/key: disabled (the role needs kms:Decrypt on the source's key and kms:Encrypt on the destination's, and both have to be enabled)",
    ),
    (
        "the destination's key is about to be deleted",
        |state| {
            for (arn, key) in &mut state.keys {
                if arn.contains(ABROAD) {
                    key.state = "PendingDeletion".to_owned();
                    key.window_days = Some(30);
                }
            }
        },
        "destination/backup/key: deletion scheduled for 2026-12-21T00:00:00Z (the role needs kms:Decrypt on the source's key and kms:Encrypt on the destination's, and both have to be enabled)",
    ),
    (
        "the destination's key lets the role in no more",
        |state| {
            for (arn, key) in &mut state.keys {
                if arn.contains(ABROAD) {
                    key.policy.statements.truncate(1);
                }
            }
        },
        "destination/backup/key: statements missing (the role needs kms:Decrypt on the source's key and kms:Encrypt on the destination's, and both have to be enabled)",
    ),
    (
        "the role is deleted",
        |state| state.roles.clear(),
        "role: missing (S3 has to be able to assume it: sts:AssumeRole)",
    ),
    (
        "the role's policy is deleted",
        |state| {
            for role in state.roles.values_mut() {
                role.policies.clear();
            }
        },
        "role/policy: does not grant kms:Decrypt, kms:Encrypt, s3:GetObjectVersionAcl, s3:GetObjectVersionForReplication, s3:GetObjectVersionTagging, s3:GetReplicationConfiguration, s3:ListBucket, s3:ReplicateObject",
    ),
    (
        "the role trusts S3 no more",
        |state| {
            for role in state.roles.values_mut() {
                role.description.trust_policy =
                    r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned();
            }
        },
        "role: trust policy changed (S3 has to be able to assume it: sts:AssumeRole)",
    ),
];

fn disable(state: &mut State, account: &str) {
    for (arn, key) in &mut state.keys {
        if arn.contains(account) {
            key.state = "Disabled".to_owned();
        }
    }
}

#[expect(
    clippy::print_stdout,
    reason = "The whole table is for whoever asks the test runner for what a case prints."
)]
#[tokio::test(start_paused = true)]
async fn each_of_ten_ways_to_break_a_setup_by_hand_is_explained() {
    let (mut sent, mut crossed, mut explained, mut left) = (0, 0, 0, 0);
    let mut unexplained = Vec::new();
    for (way, change, names) in WAYS {
        let (terraform, said) = broken(change).await;
        let words = said.details.first().cloned().unwrap_or_default();
        let line = words.lines().find(|line| line.trim() == names);
        println!("{way:48} {}", line.unwrap_or(&words).trim());
        assert_eq!(said.errors, [TROUBLE], "{way}: {said:?}");
        unexplained.extend(line.is_none().then(|| format!("{way}: {words}")));
        sent += canaries_put(&terraform);
        explained += usize::from(line.is_some());
        let aws = terraform.cloud.aws.state();
        crossed += aws.crossed;
        left += held(&aws);
    }
    let ways = WAYS.len();
    say(&format!(
        "verification: {sent} canaries sent, {crossed} crossed before, {explained} of {ways} failures explained, {left} objects left behind"
    ));
    assert_eq!(unexplained, Vec::<String>::new());
    // Each setup was verified before it was broken, and nothing crossed afterwards.
    assert_eq!((crossed, explained, left), (ways, ways, 0));
    assert!(sent > 2 * ways, "a failure is believed of a second canary");
}

#[tokio::test(start_paused = true)]
async fn of_several_destinations_the_broken_one_is_blamed_and_the_others_are_verified() {
    let mut terraform = Terraform::new();
    let config = verified(&two_destinations());
    terraform.converge(&config).await;
    terraform.cloud.meddle(|write, state| {
        if write.starts_with("PutObject ") {
            state.buckets.get_mut(BACKUP).unwrap().policy = None;
        }
    });
    let config = with(
        &config,
        "destinations.backup.storage_class",
        json!("GLACIER"),
    );
    let said = terraform.apply(&config).await;
    assert_eq!(said.errors, [TROUBLE]);
    assert_eq!(terraform.at(VERIFIED_AT), Json::Null);
    assert!(terraform.at("/destinations/near/verified_at").is_string());
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_only_slow_is_not_blamed_beside_one_that_is_broken() {
    let mut terraform = Terraform::new();
    let config = verified(&two_destinations());
    terraform.converge(&config).await;
    terraform.cloud.meddle(|write, state| {
        if write.starts_with("PutObject ") {
            state.buckets.get_mut(BACKUP).unwrap().policy = None;
            let slow = Duration::from_secs(3600);
            state.slow.insert("acme-archive-near".to_owned(), slow);
        }
    });
    let config = with(
        &config,
        "destinations.backup.storage_class",
        json!("GLACIER"),
    );
    let said = terraform.apply(&config).await;
    assert_eq!(said.errors, [TROUBLE]);
    assert_eq!(
        said.warnings,
        ["destinations[\"near\"]: Objects were not seen to cross yet"]
    );
    let told = &said.warning_details[0];
    assert!(told.contains("Nothing stands against this"), "{told}");
    assert_eq!(terraform.at(VERIFIED_AT), Json::Null);
    assert_eq!(terraform.at("/destinations/near/verified_at"), Json::Null);
}
