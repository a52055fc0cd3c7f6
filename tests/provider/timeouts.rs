//! `timeouts`: what happens when an operation's time is over. Time is paused, so nothing here waits.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::configs::{UNKNOWN, kms_abroad, two_destinations, with};
use crate::terraform::{Said, Terraform};

const BACKUP: &str = "acme-archive-backup";
const OUT_OF_TIME: &str = "timeouts: Out of time";

fn with_time(operation: &str, time: &str) -> Json {
    with(&kms_abroad(), "timeouts", json!({ operation: time }))
}

/// The one error, which says all of this.
fn assert_told(said: &Said, error: &str, says: &[&str]) {
    assert_eq!(said.errors, [error], "{said:?}");
    for words in says {
        assert!(said.details[0].contains(words), "{words}: {said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn mistakes_are_told_at_the_attribute() {
    let terraform = Terraform::new();
    for (timeouts, at) in [
        (json!({}), "timeouts: "),
        (json!({ "create": "0s" }), "timeouts.create: "),
        (json!({ "read": "soon" }), "timeouts.read: "),
        (json!({ "update": "-5m" }), "timeouts.update: "),
        (json!({ "delete": "60" }), "timeouts.delete: "),
    ] {
        let config = with(&kms_abroad(), "timeouts", timeouts);
        let said = terraform.validate(&config).await;
        assert_eq!(said.errors.len(), 1, "{config}: {said:?}");
        assert!(said.errors[0].starts_with(at), "{config}: {said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_out_of_time_tells_what_it_waited_for_and_undoes_itself() {
    let mut terraform = Terraform::new();
    let config = with_time("create", "30s");
    let write = "PutBucketReplication acme-archive";
    terraform.cloud.keep_busy(write);
    let said = terraform.apply(&config).await;
    let says = [
        "within 30s (timeouts.create)",
        "source/replication: s3:PutBucketReplication on acme-archive",
        "OperationAborted: somebody is at it",
        "waiting for another change of the same thing to end",
        "taken away again; nothing is left",
    ];
    assert_told(&said, OUT_OF_TIME, &says);
    assert!(terraform.state.is_null());
    assert!(terraform.cloud.aws.state().buckets.is_empty());
    terraform.cloud.recover();
    terraform.converge(&config).await;
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_is_out_of_time_tells_what_it_did_not_come_to() {
    let mut terraform = Terraform::new();
    let config = with(&kms_abroad(), "verification", json!({ "enabled": true }));
    let cloud = terraform.cloud.clone();
    let question = "GetBucketReplication acme-archive";
    terraform.cloud.meddle(move |write, state| {
        if write == "PutBucketReplication acme-archive" {
            // No canary can be put.
            state.buckets.get_mut("acme-archive").unwrap().is_shut = true;
        }
        if write == "DeleteBucketReplication acme-archive" {
            cloud.silence(question, 0);
        }
    });
    let cloud = terraform.cloud.clone();
    let recovers = async move {
        tokio::time::sleep(Duration::from_secs(4 * 60)).await;
        cloud.recover();
    };
    let (said, ()) = tokio::join!(terraform.apply(&config), recovers);
    let canary = "destinations[\"backup\"]: A canary could not be followed";
    let undo = "source: s3:GetBucketReplication failed for source/replication";
    assert_eq!(said.errors, [canary, undo], "{said:?}");
    let detail = &said.details[1];
    assert!(
        detail.contains("within the five minutes of an undo"),
        "{detail}"
    );
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert!(terraform.cloud.aws.state().buckets.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_create_that_does_not_get_to_know_what_is_there_makes_nothing() {
    let mut terraform = Terraform::new();
    let config = with_time("create", "45s");
    terraform.cloud.take_queries();
    let plan = terraform.plan(&config).await;
    let question = "GetRole replication-acme-archive";
    let asked = terraform.cloud.take_queries().into_iter();
    let asked = asked.filter(|(_, asked)| asked == question).count();
    // The plan was made twice. It is made once more before the apply, whose own look has no end.
    terraform.cloud.silence(question, asked / 2);
    let said = terraform.carry_out(plan, &config).await;
    assert_eq!(said.errors.len(), 1, "{said:?}");
    let detail = &said.details[0];
    assert!(
        detail.contains("iam:GetRole") && detail.contains("within 45s (timeouts.create)"),
        "{detail}"
    );
    assert_eq!(terraform.cloud.aws.state().writes, Vec::<String>::new());
    assert!(terraform.state.is_null());
}

#[tokio::test(start_paused = true)]
async fn after_an_update_that_is_out_of_time_the_state_tells_what_is_there() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let path = "destinations.backup.tags";
    let slow = with(&with_time("update", "1m"), path, json!({ "team": "x" }));
    let slow = with(&slow, "destinations.backup.storage_class", json!("GLACIER"));
    terraform
        .cloud
        .keep_busy("PutBucketReplication acme-archive");
    let said = terraform.apply(&slow).await;
    let says = ["within 1m (timeouts.update)", "s3:PutBucketReplication"];
    assert_told(&said, OUT_OF_TIME, &says);
    let at = |path| terraform.at(path);
    assert_eq!(at("/destinations/backup/tags"), json!({ "team": "x" }));
    assert_eq!(at("/destinations/backup/storage_class"), Json::Null);
    terraform.cloud.recover();
    terraform.converge(&slow).await;
}

#[tokio::test(start_paused = true)]
async fn steps_that_were_not_begun_are_told_as_well() {
    let mut terraform = Terraform::new();
    let config = with(&two_destinations(), "timeouts", json!({ "create": "10s" }));
    terraform.cloud.keep_busy("CreateBucket acme-archive");
    let said = terraform.apply(&config).await;
    let says = [
        "source/bucket: s3:CreateBucket on acme-archive",
        "  source/replication: not begun",
    ];
    assert_told(&said, OUT_OF_TIME, &says);
    assert!(terraform.cloud.aws.state().buckets.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_is_out_of_time_tells_what_was_not_answered_and_keeps_the_state() {
    for (config, time) in [
        (kms_abroad(), "20m (timeouts.read)"),
        (with_time("read", "30s"), "30s (timeouts.read)"),
    ] {
        let mut terraform = Terraform::new();
        terraform.converge(&config).await;
        let before = terraform.shown();
        terraform
            .cloud
            .silence(&format!("GetBucketPolicy {BACKUP}"), 0);
        let said = terraform.refresh().await;
        let says = [
            "s3:GetBucketPolicy on acme-archive-backup in account 222222222222, region us-west-2",
            time,
        ];
        assert_told(&said, "Cannot read acme-archive-backup", &says);
        assert_eq!(said.warnings, Vec::<String>::new());
        assert_eq!(terraform.shown(), before);
        terraform.cloud.recover();
        terraform.assert_settled(&config).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_that_is_out_of_time_goes_on_the_next_time() {
    let mut terraform = Terraform::new();
    terraform.converge(&with_time("delete", "10s")).await;
    terraform.cloud.keep_busy(&format!("DeleteBucket {BACKUP}"));
    let said = terraform.destroy().await;
    let says = [
        "within 10s (timeouts.delete)",
        "s3:DeleteBucket on acme-archive-backup",
    ];
    assert_told(&said, OUT_OF_TIME, &says);
    assert!(!terraform.state.is_null());
    terraform.cloud.recover();
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert!(terraform.cloud.aws.state().buckets.is_empty());
}

#[tokio::test(start_paused = true)]
async fn times_change_without_a_call_and_import_at_their_defaults() {
    let mut first = Terraform::new();
    first.converge(&with_time("create", "1h")).await;
    let mut second = Terraform::over(first.cloud.clone());
    let id = first.at("/import_id");
    let said = second.import(id.as_str().unwrap()).await;
    assert_eq!(said.errors, Vec::<String>::new());
    assert_eq!(second.at("/timeouts"), Json::Null);
    second.assert_settled(&kms_abroad()).await;
    second.cloud.aws.state().writes.clear();
    second.converge(&with_time("create", "1h")).await;
    assert_eq!(second.cloud.aws.state().writes, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_time_that_is_not_known_yet_plans_cleanly() {
    for path in ["timeouts", "timeouts.create"] {
        let mut terraform = Terraform::new();
        let known = with_time("create", "1h");
        let said = terraform
            .apply_later(&with(&known, path, json!(UNKNOWN)), &known)
            .await;
        assert_eq!(said.errors, Vec::<String>::new());
        terraform.assert_settled(&known).await;
    }
}
