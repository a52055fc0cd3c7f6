//! `moved` blocks from hashicorp/aws, from states as its versions 5 and 6 store them.

use serde_json::{Value as Json, json};

use crate::configs::{HOME, kms_abroad, with};
use crate::terraform::{Said, Terraform};

const AWS: &str = "registry.terraform.io/hashicorp/aws";
const BUCKET: &str = "aws_s3_bucket";
const REPLICATION: &str = "aws_s3_bucket_replication_configuration";

/// A resource as a state file has it.
fn stored(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

/// The same bucket, as either resource of either version.
fn states() -> [Json; 4] {
    [
        stored(include_str!("../support/states/aws_5_bucket.json")),
        stored(include_str!(
            "../support/states/aws_5_bucket_replication_configuration.json"
        )),
        stored(include_str!("../support/states/aws_6_bucket.json")),
        stored(include_str!(
            "../support/states/aws_6_bucket_replication_configuration.json"
        )),
    ]
}

/// What stands under the name of the stored states, and the configuration of it.
async fn world() -> (Terraform, Json) {
    let (account, way_in) = crate::updates::account(crate::configs::ABROAD);
    let mut first = Terraform::new();
    first.settings.accounts.insert(account, way_in);
    let config = with(
        &crate::configs::without(&kms_abroad(), "destinations.backup.assume_role"),
        "destinations.backup.account_id",
        json!(crate::configs::ABROAD),
    );
    first.converge(&config).await;
    (first, config)
}

fn beside(first: &Terraform) -> Terraform {
    let mut second = Terraform::over(first.cloud.clone());
    second.settings = first.settings.clone();
    second
}

#[tokio::test(start_paused = true)]
async fn the_refresh_after_a_move_finds_what_an_import_finds() {
    let (first, config) = world().await;
    let mut by_import = beside(&first);
    by_import.import("acme-archive").await;
    for state in states() {
        let ty = state["type"].as_str().unwrap();
        let mut moved = beside(&first);
        // The region is the bucket's own, whatever the provider's.
        assert_eq!(moved.move_here(AWS, ty, &state).await, Said::default());
        let plan = moved.plan(&config).await;
        assert_eq!(plan.said, Said::default(), "{ty}");
        assert!(plan.is_empty, "{ty}");
        assert_eq!(moved.shown(), by_import.shown(), "{ty}");
        assert!(moved.identity.same(&by_import.identity), "{ty}");
        moved.assert_settled(&config).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_plan_after_a_move_shows_only_what_differs() {
    let (first, config) = world().await;
    let colder = with(
        &config,
        "destinations.backup.storage_class",
        json!("GLACIER"),
    );
    for state in states() {
        let mut moved = beside(&first);
        let ty = state["type"].as_str().unwrap();
        moved.move_here(AWS, ty, &state).await;
        let plan = moved.plan(&colder).await;
        assert_eq!(
            crate::terraform::differences(&moved.state, &plan.planned),
            ["destinations.backup.storage_class: null -> GLACIER"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_move_needs_no_provider_configuration_and_nothing_but_the_name() {
    let mut moved = Terraform::new();
    let bare = json!({ "attributes": { "id": "acme-archive" } });
    let tofu = "registry.opentofu.org/hashicorp/aws";
    assert_eq!(
        moved.move_here(tofu, REPLICATION, &bare).await,
        Said::default()
    );
    assert_eq!(moved.at("/source/bucket"), json!("acme-archive"));
    assert!(moved.cloud.take_queries().is_empty());
    let said = moved.refresh().await;
    assert_eq!(said.errors, ["Bucket acme-archive does not exist"]);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_the_old_identity_tells_is_a_guard() {
    let (first, _) = world().await;
    let [.., mut state, _] = states();
    state["identity"]["account_id"] = json!("333333333333");
    let mut moved = beside(&first);
    moved.move_here(AWS, BUCKET, &state).await;
    let said = moved.refresh().await;
    assert_eq!(said.errors, ["No way into account 333333333333"]);
    assert_ne!(HOME, "333333333333");
}

#[tokio::test(start_paused = true)]
async fn what_was_not_looked_at_is_neither_planned_nor_destroyed() {
    let (first, config) = world().await;
    let [state, ..] = states();
    let mut moved = beside(&first);
    moved.move_here(AWS, BUCKET, &state).await;
    moved.refreshing = false;
    let plan = moved.plan(&config).await;
    let unseen = ["The bucket was moved here and not looked at yet"];
    assert_eq!(plan.said.errors, unseen);
    assert_eq!(moved.destroy_unseen().await.errors, unseen);
    let aws = first.cloud.aws.state();
    assert_eq!(aws.buckets.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn any_other_resource_is_refused_in_words() {
    let [state, ..] = states();
    for (provider, ty, stored, error) in [
        (AWS, "aws_s3_object", &state, "Move is not supported"),
        (
            "registry.terraform.io/acme/aws",
            BUCKET,
            &state,
            "Move is not supported",
        ),
        (
            "registry.terraform.io/hashicorp/awscc",
            BUCKET,
            &state,
            "Move is not supported",
        ),
        (
            AWS,
            BUCKET,
            &json!({ "attributes": { "bucket": 7 } }),
            "The state names no bucket",
        ),
        (
            AWS,
            REPLICATION,
            &json!({ "attributes": { "bucket": "UPPER" } }),
            "The state names no bucket",
        ),
    ] {
        let mut moved = Terraform::new();
        let said = moved.move_here(provider, ty, stored).await;
        assert_eq!(said.errors, [error], "{provider} {ty}");
        assert!(said.details[0].contains(ty), "{:?}", said.details);
        assert!(moved.state.is_null());
    }
}
