//! Buckets for which somebody has put attribute-based access control (ABAC) on: S3 takes their tags key by key.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use terraform_provider_replicated::execution::cloud::CallErrorKind;

use crate::configs::{ABROAD, deploy, kms_abroad, with};
use crate::terraform::Terraform;

const SOURCE: &str = "acme-archive";
const BACKUP: &str = "acme-archive-backup";

fn tagged(tags: Json) -> Json {
    with(&kms_abroad(), "source.tags", tags)
}

/// Everything is there, and ABAC is on for both buckets.
async fn with_abac() -> Terraform {
    let mut terraform = Terraform::new();
    terraform
        .converge(&tagged(json!({ "old": "1", "team": "a" })))
        .await;
    for bucket in terraform.cloud.aws.state().buckets.values_mut() {
        bucket.abac = Some((CallErrorKind::Invalid, "MethodNotAllowed"));
    }
    calls(&terraform);
    terraform
}

/// Writes to buckets that were tried and questions about ABAC, since the last time.
fn calls(terraform: &Terraform) -> Vec<String> {
    let queries = terraform.cloud.take_queries().into_iter();
    let asked = queries.map(|(_, query)| query);
    let abac = asked.filter(|query| query.starts_with("GetBucketAbac"));
    let writes = terraform.cloud.take_writes().into_iter();
    let buckets = writes
        .map(|write| write.what)
        .filter(|what| !what.contains(":kms:"));
    buckets.chain(abac).collect()
}

fn tags(terraform: &Terraform, bucket: &str) -> BTreeMap<String, String> {
    terraform.cloud.aws.state().buckets[bucket].tags.clone()
}

#[tokio::test(start_paused = true)]
async fn a_change_of_tags_touches_the_changed_keys_only() {
    let mut terraform = with_abac().await;
    let mut expected = tags(&terraform, SOURCE);
    expected.remove("old");
    expected.insert("team".to_owned(), "b".to_owned());
    let said = terraform.apply(&tagged(json!({ "team": "b" }))).await;
    assert_eq!(said.errors, Vec::<String>::new());
    assert_eq!(
        calls(&terraform),
        [
            "PutBucketTagging acme-archive",
            "TagResource acme-archive",
            "UntagResource acme-archive",
            "GetBucketAbac acme-archive",
        ]
    );
    assert_eq!(tags(&terraform, SOURCE), expected);
    terraform.converge(&tagged(json!({ "team": "b" }))).await;
    assert_eq!(calls(&terraform), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn drift_is_seen_and_mended() {
    let mut terraform = with_abac().await;
    let config = tagged(json!({ "old": "1", "team": "a" }));
    let before = tags(&terraform, SOURCE);
    {
        let mut state = terraform.cloud.aws.state();
        let tags = &mut state.buckets.get_mut(SOURCE).unwrap().tags;
        tags.insert("by".to_owned(), "hand".to_owned());
        tags.remove("team");
    }
    assert!(!terraform.plan(&config).await.is_empty);
    assert_eq!(calls(&terraform), Vec::<String>::new());
    terraform.converge(&config).await;
    assert_eq!(tags(&terraform, SOURCE), before);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_left_to_its_owner_loses_our_tags_and_keeps_theirs() {
    let mut terraform = with_abac().await;
    let config = with(
        &tagged(json!({ "old": "1", "team": "a" })),
        "destinations.backup.tags",
        json!({ "side": "backup" }),
    );
    terraform.converge(&config).await;
    let existing = with(
        &tagged(json!({ "old": "1", "team": "a" })),
        "destinations.backup",
        json!({ "bucket": BACKUP, "existing": true, "region": "us-west-2", "assume_role": deploy(ABROAD) }),
    );
    let said = terraform.apply(&existing).await;
    assert_eq!(said.errors, Vec::<String>::new());
    let theirs = BTreeMap::from([("side".to_owned(), "backup".to_owned())]);
    assert_eq!(tags(&terraform, BACKUP), theirs);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_retained_is_marked() {
    let mut terraform = with_abac().await;
    let config = with(
        &tagged(json!({ "old": "1", "team": "a" })),
        "destinations.backup.retain_on_destroy",
        json!(true),
    );
    terraform.converge(&config).await;
    let mut expected = tags(&terraform, BACKUP);
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    expected.insert("replicated:retained".to_owned(), "true".to_owned());
    assert_eq!(tags(&terraform, BACKUP), expected);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_has_nothing_to_do_with_abac_is_told_as_it_is() {
    let mut terraform = Terraform::new();
    terraform.converge(&tagged(json!({ "team": "a" }))).await;
    calls(&terraform);
    terraform.cloud.refuse("PutBucketTagging acme-archive");
    let said = terraform.apply(&tagged(json!({ "team": "b" }))).await;
    assert_eq!(said.errors.len(), 1, "{said:?}");
    assert!(said.details[0].contains("no way in"), "{said:?}");
    assert!(!said.details[0].contains("ABAC"), "{said:?}");
    assert_eq!(
        calls(&terraform),
        [
            "PutBucketTagging acme-archive",
            "GetBucketAbac acme-archive"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn where_nobody_may_ask_about_abac_the_refusal_is_told_with_that() {
    let mut terraform = with_abac().await;
    terraform.cloud.refuse("GetBucketAbac acme-archive");
    let said = terraform.apply(&tagged(json!({ "team": "b" }))).await;
    assert_eq!(said.errors.len(), 1, "{said:?}");
    for part in [
        "s3:PutBucketTagging",
        "not while ABAC is on",
        "could not be found out",
        "s3:GetBucketAbac",
    ] {
        assert!(said.details[0].contains(part), "{part}: {said:?}");
    }
    terraform.cloud.recover();
    terraform.converge(&tagged(json!({ "team": "b" }))).await;
}
