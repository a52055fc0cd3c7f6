//! What is in the state after something failed.

use std::time::Duration;

use serde_json::json;

use crate::configs::{ABROAD, HOME, THIRD, deploy, kms_abroad, two_destinations, with, without};
use crate::existing;
use crate::faults::fault::Fault;
use crate::faults::trap::Position;
use crate::terraform::{Said, Terraform};

/// Longer than any apply waits.
const LATE: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test(start_paused = true)]
async fn a_create_that_fails_leaves_nothing_at_aws_and_nothing_in_the_state() {
    let mut terraform = Terraform::new();
    terraform.cloud.refuse("PutBucketReplication acme-archive");
    let said = terraform.apply(&kms_abroad()).await;
    assert_eq!(said.errors.len(), 1, "{said:?}");
    assert!(terraform.state.is_null());
    assert!(terraform.cloud.aws.state().buckets.is_empty());
    terraform.cloud.recover();
    terraform.converge(&kms_abroad()).await;
}

/// Applies `second` over `first` with one write refused, and then once more without.
async fn interrupted(
    first: serde_json::Value,
    second: serde_json::Value,
    write: &str,
) -> Terraform {
    let mut terraform = Terraform::new();
    terraform.converge(&first).await;
    terraform.cloud.refuse(write);
    let said = terraform.apply(&second).await;
    assert_eq!(said.errors.len(), 1, "{said:?}");
    terraform.cloud.recover();
    assert!(terraform.refresh().await.is_fine());
    assert_ne!(terraform.at("/source/kms_key_arn"), json!(null));
    terraform.converge(&second).await;
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    terraform
}

fn assert_no_trace(terraform: &Terraform) {
    let aws = terraform.cloud.aws.state();
    assert!(aws.buckets.is_empty() && aws.roles.is_empty() && aws.aliases.is_empty());
    assert!(aws.keys.values().all(|k| k.state == "PendingDeletion"));
}

#[tokio::test(start_paused = true)]
async fn an_update_that_fails_keeps_every_key_in_the_state() {
    let multi_region = with(
        &kms_abroad(),
        "source.encryption.key",
        json!({ "multi_region": true }),
    );
    let second = with(
        &multi_region,
        "destinations.near",
        json!({ "region": "us-east-1" }),
    );
    let write = "PutBucketReplication acme-archive";
    assert_no_trace(&interrupted(kms_abroad(), second, write).await);
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_could_not_be_made_is_finished_by_the_next_update() {
    let write = "CreateBucket acme-archive-near";
    assert_no_trace(&interrupted(kms_abroad(), two_destinations(), write).await);
}

/// From now on AWS shows nothing for so long after it was made that nobody waits for it.
fn show_late(terraform: &Terraform) {
    terraform.cloud.aws.state().delays.what_is_new = LATE;
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_was_made_and_does_not_show_yet_is_in_the_state() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    tokio::time::sleep(LATE).await;
    show_late(&terraform);
    let said = terraform.apply(&two_destinations()).await;
    assert!(!said.is_fine());
    let there = |name: &str| terraform.cloud.aws.state().buckets.contains_key(name);
    assert!(there("acme-archive-near"));
    assert_ne!(terraform.at("/destinations/near"), json!(null));
    tokio::time::sleep(LATE).await;
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert_no_trace(&terraform);
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_create_made_and_does_not_show_yet_is_in_the_state() {
    let mut terraform = Terraform::new();
    show_late(&terraform);
    let said = terraform.apply(&kms_abroad()).await;
    assert!(!said.is_fine());
    assert!(!terraform.cloud.aws.state().buckets.is_empty());
    assert_ne!(terraform.at("/destinations/backup"), json!(null));
    tokio::time::sleep(LATE).await;
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert_no_trace(&terraform);
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_could_not_go_stays_in_the_state_beside_its_successor() {
    let moved = with(
        &kms_abroad(),
        "destinations.backup",
        json!({ "bucket": "acme-third", "region": "eu-central-1", "assume_role": deploy(THIRD) }),
    );
    let write = "DeleteBucket acme-archive-backup";
    assert_no_trace(&interrupted(kms_abroad(), moved, write).await);
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_could_not_come_or_go_is_finished_by_the_next_update() {
    let two_way = with(&kms_abroad(), "destinations.backup.two_way", json!(true));
    for write in [
        "CreateRole replication-acme-archive-backup",
        "PutRolePolicy replication-acme-archive-backup",
        "PutBucketPolicy acme-archive",
        "PutBucketReplication acme-archive-backup",
    ] {
        assert_no_trace(&interrupted(kms_abroad(), two_way.clone(), write).await);
    }
    for write in [
        "DeleteBucketReplication acme-archive-backup",
        "DeleteBucketPolicy acme-archive",
        "DeleteRolePolicy replication-acme-archive-backup",
        "DeleteRole replication-acme-archive-backup",
    ] {
        assert_no_trace(&interrupted(two_way.clone(), kms_abroad(), write).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_could_not_go_with_its_bucket_keeps_the_resource_in_the_state_until_it_does() {
    let key = json!({ "multi_region": true });
    let swapped = with(&kms_abroad(), "source.encryption.key", key);
    // The source's key, the one before it, and the destination's.
    for number in 0..3 {
        let mut terraform = Terraform::new();
        terraform.converge(&kms_abroad()).await;
        terraform.converge(&swapped).await;
        let all: Vec<String> = terraform.cloud.aws.state().keys.keys().cloned().collect();
        assert_eq!(all.len(), 3);
        let write = format!("ScheduleKeyDeletion {}", all[number]);
        terraform.cloud.refuse(&write);
        assert_eq!(terraform.destroy().await.errors.len(), 1, "{write}");
        terraform.cloud.recover();
        terraform.refresh().await;
        assert!(!terraform.state.is_null(), "{write}");
        assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
        let aws = terraform.cloud.aws.state();
        let left = aws.keys.iter().filter(|(_, key)| key.state == "Enabled");
        assert_eq!(left.count(), 0, "{write}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_could_not_go_keeps_the_keys_that_it_had_before() {
    let key = json!({ "sse_algorithm": "aws:kms", "key": { "multi_region": true } });
    let swapped = with(&two_destinations(), "destinations.backup.encryption", key);
    let mut terraform = Terraform::new();
    terraform.converge(&two_destinations()).await;
    terraform.converge(&swapped).await;
    terraform.cloud.refuse("PutBucketReplication acme-archive");
    let alone = without(&two_destinations(), "destinations.backup");
    assert_eq!(terraform.apply(&alone).await.errors.len(), 1);
    terraform.cloud.recover();
    terraform.converge(&alone).await;
    let aws = terraform.cloud.aws.state();
    let of_backup = |key: &&crate::fake::Key| key.description.ends_with("acme-archive-backup");
    let keys: Vec<_> = aws.keys.values().filter(of_backup).collect();
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().all(|key| key.state == "PendingDeletion"));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_could_not_go_stays_in_the_state_until_it_does() {
    let renamed =
        |config: &serde_json::Value, path: &str| with(config, path, json!({ "name": "copier" }));
    let write = "DeleteRole replication-acme-archive";
    let second = renamed(&kms_abroad(), "role");
    assert_no_trace(&interrupted(kms_abroad(), second, write).await);
    let two_way = with(&kms_abroad(), "destinations.backup.two_way", json!(true));
    let second = renamed(&two_way, "destinations.backup.two_way_role");
    let write = "DeleteRole replication-acme-archive-backup";
    assert_no_trace(&interrupted(two_way, second, write).await);
}

#[tokio::test(start_paused = true)]
async fn a_destination_whose_account_is_closed_is_left_as_it_is_with_a_warning() {
    let mut terraform = Terraform::new();
    terraform.converge(&two_destinations()).await;
    let before = terraform.shown();
    terraform.cloud.close(ABROAD);
    let said = terraform.refresh().await;
    assert_eq!(said.errors, Vec::<String>::new());
    assert_eq!(said.warnings.len(), 1, "{said:?}");
    assert_eq!(terraform.shown(), before);
    let plan = terraform.plan(&two_destinations()).await;
    assert_eq!(
        plan.said.errors,
        ["destinations[\"backup\"].assume_role.role_arn: Cannot assume the role"]
    );
    let gone = without(&two_destinations(), "destinations.backup");
    let plan = terraform.plan(&gone).await;
    assert!(!plan.said.is_fine());
    terraform.cloud.recover();
    terraform.assert_settled(&two_destinations()).await;
}

#[tokio::test(start_paused = true)]
async fn a_bucket_whose_acl_grants_others_something_is_not_closed_to_acls() {
    let mut terraform = Terraform::new();
    let open = with(
        &kms_abroad(),
        "source.object_ownership",
        json!("BucketOwnerPreferred"),
    );
    terraform.converge(&open).await;
    let grant = "READ for http://acs.amazonaws.com/groups/global/AllUsers";
    let acl = |terraform: &Terraform, grants: &[&str]| {
        let mut aws = terraform.cloud.aws.state();
        let source = aws.buckets.get_mut("acme-archive").unwrap();
        source.acl_grants = grants.iter().map(ToString::to_string).collect();
    };
    acl(&terraform, &[grant]);
    let plan = terraform.plan(&kms_abroad()).await;
    let refused = "source.object_ownership: The ACL of bucket acme-archive grants others something";
    assert_eq!(plan.said.errors, [refused]);
    terraform.assert_settled(&open).await;

    acl(&terraform, &[]);
    terraform.converge(&kms_abroad()).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_of_which_nobody_heard_is_found_again_by_its_bucket() {
    let (_, calls) = {
        let mut terraform = Terraform::new();
        terraform.converge(&kms_abroad()).await;
        terraform.cloud.trap.take()
    };
    let creates: Vec<_> = calls
        .iter()
        .filter(|position| position.call.starts_with("CreateKey"))
        .collect();
    assert_eq!(creates.len(), 2, "{calls:?}");
    for position in creates {
        for applies_again in [false, true] {
            let mut terraform = Terraform::new();
            terraform.cloud.trap.set(position, Fault::AnswerLost);
            terraform.cloud.refuse("ListKeys all keys");
            let said = terraform.apply(&kms_abroad()).await;
            assert!(!said.is_fine(), "{position}");
            assert_eq!(terraform.cloud.aws.state().buckets.len(), 1, "{position}");
            terraform.cloud.trap.take();
            terraform.cloud.recover();
            if applies_again {
                terraform.converge(&kms_abroad()).await;
                let keys = terraform.cloud.aws.state().keys.clone();
                let live = keys.values().filter(|key| key.state == "Enabled");
                assert_eq!(live.count(), 2, "{position}");
            }
            let said = terraform.destroy().await;
            assert_eq!(said.errors, Vec::<String>::new(), "{position}");
            assert_no_trace(&terraform);
        }
    }
}

/// Applies `config`, and from the first time that `write` is made nothing can be done or looked at any more.
async fn cut_off(
    terraform: &mut Terraform,
    config: &serde_json::Value,
    write: &str,
    fault: Fault,
) -> Said {
    let position = Position {
        call: format!("{write} in {HOME}"),
        nth: 1,
        writes: true,
    };
    terraform.cloud.trap.set(&position, fault);
    let said = terraform.apply(config).await;
    assert!(terraform.cloud.trap.take().0, "{write} was not made");
    assert!(!said.is_fine());
    said
}

#[tokio::test(start_paused = true)]
async fn an_update_after_which_nobody_can_look_leaves_in_the_state_what_was_there_before() {
    let path = "destinations.backup.storage_class";
    let changed = with(&kms_abroad(), path, json!("GLACIER_IR"));
    for fault in [Fault::Expired, Fault::Unreachable] {
        let mut terraform = Terraform::new();
        terraform.converge(&kms_abroad()).await;
        let write = "PutBucketReplication acme-archive";
        let said = cut_off(&mut terraform, &changed, write, fault).await;
        let told = &said.details[0];
        assert!(told.contains("could not be looked at"), "{told}");
        assert!(!told.contains("what is there now"), "{told}");
        let class = terraform.at("/destinations/backup/storage_class");
        assert_eq!(class, json!(null), "{fault:?}");

        // Without a refresh, too, the next apply goes on from here.
        terraform.refreshing = false;
        let said = terraform.apply(&changed).await;
        assert_eq!(said.errors, Vec::<String>::new());
        terraform.refreshing = true;
        terraform.assert_settled(&changed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_update_made_is_in_the_state_although_nobody_could_look_afterwards() {
    let swapped = with(
        &two_destinations(),
        "source.encryption.key",
        json!({ "multi_region": true }),
    );
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let write = "PutBucketReplication acme-archive";
    cut_off(&mut terraform, &swapped, write, Fault::Unreachable).await;
    let keys: Vec<String> = terraform.cloud.aws.state().keys.keys().cloned().collect();
    assert_eq!(keys.len(), 4);
    let shown = terraform.shown().to_string();
    for key in keys {
        assert!(shown.contains(&key), "{key}: {shown}");
    }
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert_no_trace(&terraform);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_of_others_in_which_an_update_had_begun_to_write_is_in_the_state() {
    let mut terraform = existing::world().await;
    let cloud = terraform.cloud.clone();
    let policy = || cloud.aws.state().buckets[existing::TARGET].policy.clone();
    let theirs = policy();
    terraform.converge(&kms_abroad()).await;
    let archive = existing::config()["destinations"]["archive"].clone();
    let more = with(&kms_abroad(), "destinations.archive", archive);
    let write = "PutBucketReplication acme-archive";
    cut_off(&mut terraform, &more, write, Fault::Unreachable).await;
    assert_ne!(policy(), theirs);
    assert_eq!(terraform.at("/destinations/archive/existing"), json!(true));

    terraform.converge(&kms_abroad()).await;
    assert_eq!(policy(), theirs);
    terraform.assert_settled(&kms_abroad()).await;
}
