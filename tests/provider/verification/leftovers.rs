//! Canaries that a killed verification left.

use std::time::Duration;

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::canary::is_canary;

use super::{SOURCE, VERIFIED_AT, canaries_put, held, verified};
use crate::configs::{HOME, kms_abroad, with, without};
use crate::fake::Spoilt;
use crate::terraform::Terraform;

#[tokio::test(start_paused = true)]
async fn canaries_that_a_killed_apply_left_keep_no_bucket() {
    let mut terraform = Terraform::new();
    let config = verified(&kms_abroad());
    terraform.cloud.aws.state().spoilt = Some(Spoilt::Never);
    let plan = terraform.plan(&config).await;
    let killed = tokio::time::timeout(Duration::from_secs(60), terraform.carry_out(plan, &config));
    assert!(killed.await.is_err());
    let owner = format!("{HOME}/{SOURCE}");
    {
        let mut state = terraform.cloud.aws.state();
        let versions = &state.buckets[SOURCE].versions;
        assert!(!versions.is_empty() && versions.iter().all(|v| is_canary(&owner, &v.key)));
        state.spoilt = None;
        state.age_objects();
    }
    let mut next = Terraform::over(terraform.cloud.clone());
    next.converge(&config).await;
    assert!(next.at(VERIFIED_AT).is_string());
    assert_eq!(held(&next.cloud.aws.state()), 0);
}

/// A setup whose update was killed while its canary was under way, three hours ago.
async fn killed(config: &Json, change: &Json) -> Terraform {
    let mut terraform = Terraform::new();
    terraform.converge(config).await;
    terraform.cloud.aws.state().spoilt = Some(Spoilt::Never);
    let plan = terraform.plan(change).await;
    let killed = tokio::time::timeout(Duration::from_secs(60), terraform.carry_out(plan, change));
    assert!(killed.await.is_err());
    let mut aws = terraform.cloud.aws.state();
    assert_ne!(held(&aws), 0);
    aws.spoilt = None;
    aws.age_objects();
    drop(aws);
    terraform
}

#[tokio::test(start_paused = true)]
async fn an_update_that_moves_their_prefix_or_ends_verification_takes_them_along() {
    let config = verified(&kms_abroad());
    let change = with(
        &config,
        "destinations.backup.storage_class",
        json!("GLACIER"),
    );
    let filtered = json!({ "prefix": "deeds/" });
    for (way, next) in [
        (
            "another key_prefix",
            with(&change, "verification.key_prefix", json!(".canaries/")),
        ),
        (
            "another prefix of the rule",
            with(&change, "destinations.backup.filter", filtered),
        ),
        (
            "no verification",
            with(&change, "verification.enabled", json!(false)),
        ),
        ("nothing written", without(&change, "verification")),
        (
            "a paused rule",
            with(&change, "destinations.backup.enabled", json!(false)),
        ),
    ] {
        let mut terraform = killed(&config, &change).await;
        terraform.converge(&next).await;
        assert_eq!(held(&terraform.cloud.aws.state()), 0, "{way}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_prefix_that_stays_costs_an_update_no_look_and_one_that_goes_puts_no_canary() {
    let config = verified(&kms_abroad());
    for (path, value, looks) in [
        ("tags", json!({ "team": "archive" }), 0),
        ("verification.timeout", json!("5m"), 0),
        // Both buckets, once.
        ("verification.key_prefix", json!(".canaries/"), 2),
    ] {
        let mut terraform = Terraform::new();
        terraform.converge(&config).await;
        let next = with(&config, path, value);
        let plan = terraform.plan(&next).await;
        let sent = canaries_put(&terraform);
        terraform.cloud.take_queries();
        let said = terraform.carry_out(plan, &next).await;
        assert!(said.is_fine() && said.warnings.is_empty(), "{said:?}");
        let queries = terraform.cloud.take_queries();
        let listed = queries
            .iter()
            .filter(|(_, query)| query.starts_with("ListObjectVersions "));
        assert_eq!(listed.count(), looks, "{path}: {queries:?}");
        assert_eq!(canaries_put(&terraform), sent, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_may_not_look_for_them_any_more_is_not_bothered() {
    let mut terraform = Terraform::new();
    let config = verified(&kms_abroad());
    terraform.converge(&config).await;
    let plan = terraform.plan(&kms_abroad()).await;
    terraform
        .cloud
        .refuse(&format!("ListObjectVersions {SOURCE}"));
    let said = terraform.carry_out(plan, &kms_abroad()).await;
    assert!(said.is_fine() && said.warnings.is_empty(), "{said:?}");
}
