//! Create, update, replacement and destroy.

use serde_json::{Value as Json, json};

use crate::configs::{ABROAD, THIRD, UNKNOWN, deploy, kms_abroad, two_destinations, with, without};
use crate::terraform::{Terraform, differences};

fn nothing() -> Vec<String> {
    Vec::new()
}

#[tokio::test(start_paused = true)]
async fn what_was_applied_plans_empty_and_is_destroyed_without_a_trace() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let said = terraform.destroy().await;
    assert_eq!(said.errors, nothing());
    assert!(terraform.state.is_null());
    let aws = terraform.cloud.aws.state();
    assert!(aws.buckets.is_empty() && aws.roles.is_empty() && aws.aliases.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_destination_under_another_key_keeps_its_bucket_its_key_and_its_retired_keys() {
    let mut terraform = Terraform::new();
    let named = with(
        &kms_abroad(),
        "destinations.backup.bucket",
        json!("acme-backup"),
    );
    terraform.converge(&named).await;
    let first_key = terraform.at("/destinations/backup/kms_key_arn");
    let multi_region = with(
        &named,
        "destinations.backup.encryption",
        json!({ "key": { "multi_region": true } }),
    );
    terraform.converge(&multi_region).await;
    let second_key = terraform.at("/destinations/backup/kms_key_arn");
    assert_ne!(first_key, second_key);

    let renamed = with(
        &without(&multi_region, "destinations.backup"),
        "destinations.copy",
        multi_region["destinations"]["backup"].clone(),
    );
    let plan = terraform.plan(&renamed).await;
    assert_eq!(plan.said.warnings, nothing());
    terraform.converge(&renamed).await;
    assert_eq!(terraform.at("/destinations/copy/kms_key_arn"), second_key);
    let id = first_key.as_str().unwrap().rsplit('/').next().unwrap();
    let retired = format!("/components/destination~1copy~1retired_key~1{id}");
    assert_eq!(terraform.at(&retired), first_key);

    assert_eq!(terraform.destroy().await.errors, nothing());
    let aws = terraform.cloud.aws.state();
    let states: Vec<&str> = aws.keys.values().map(|k| k.state.as_str()).collect();
    assert_eq!(states, ["PendingDeletion"; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_moves_between_keys_of_others_and_one_of_its_own() {
    let mut terraform = Terraform::new();
    let key = |number: u8| {
        json!({ "kms_key_arn":
            format!("arn:aws:kms:us-west-2:{ABROAD}:key/00000000-0000-4000-8000-00000000000{number}") })
    };
    crate::random::surroundings(&terraform);
    let own = kms_abroad();
    let path = "destinations.backup.encryption";
    for config in [
        with(&own, path, key(0)),
        with(&own, path, key(1)),
        own.clone(),
        with(&own, path, key(0)),
        own.clone(),
    ] {
        terraform.converge(&config).await;
    }
    assert_eq!(terraform.destroy().await.errors, nothing());
    let aws = terraform.cloud.aws.state();
    assert!(aws.aliases.is_empty());
    let ours = aws.keys.values().filter(|k| k.description != "somebody's");
    let states: Vec<&str> = ours.map(|k| k.state.as_str()).collect();
    assert_eq!(states, ["PendingDeletion"; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_never_one_that_another_bucket_retired_under_the_same_name() {
    let mut terraform = Terraform::new();
    crate::random::surroundings(&terraform);
    let kms = json!({ "sse_algorithm": "aws:kms" });
    let existing =
        format!("arn:aws:kms:us-west-2:{ABROAD}:key/00000000-0000-4000-8000-000000000000");
    let named = |bucket: &str, encryption: Json| {
        json!({
            "bucket": bucket,
            "region": "us-west-2",
            "assume_role": deploy(ABROAD),
            "encryption": encryption,
        })
    };
    let setup = |destinations: Json| json!({ "source": { "bucket": "acme-archive" }, "destinations": destinations });
    let first = named("acme-first", kms.clone());
    terraform.converge(&setup(json!({ "b": first }))).await;
    // The first bucket is renamed and gives its key up, and another one takes its name.
    let renamed = named("acme-first", json!({ "kms_key_arn": existing }));
    let second = named("acme-second", json!({ "sse_algorithm": "AES256" }));
    terraform
        .converge(&setup(json!({ "a": renamed, "b": second })))
        .await;
    let second = named("acme-second", kms);
    terraform.converge(&setup(json!({ "b": second }))).await;
}

#[tokio::test(start_paused = true)]
async fn a_destination_comes_before_another_one_goes_under_the_same_key() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let moved = with(
        &kms_abroad(),
        "destinations.backup",
        json!({ "bucket": "acme-third", "region": "eu-central-1", "assume_role": deploy(THIRD) }),
    );
    let plan = terraform.plan(&moved).await;
    assert_eq!(plan.replaced_by, nothing());
    assert_eq!(plan.said.warnings.len(), 2);
    terraform.converge(&moved).await;
    let aws = terraform.cloud.aws.state();
    assert!(!aws.buckets.contains_key("acme-archive-backup"));
}

#[tokio::test(start_paused = true)]
async fn only_the_sources_name_account_and_region_in_the_configuration_replace() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    for (path, value) in [
        ("source.region", json!("eu-west-1")),
        ("source.account_id", json!("111111111111")),
        ("source.region", Json::Null),
        ("source.region", json!(UNKNOWN)),
        ("source.account_id", json!(UNKNOWN)),
        ("destinations.backup.bucket", json!("acme-other")),
        ("destinations", json!(UNKNOWN)),
    ] {
        let config = with(&kms_abroad(), path, value);
        let plan = terraform.plan(&config).await;
        assert_eq!(plan.said.errors, nothing(), "{path}");
        assert_eq!(plan.replaced_by, nothing(), "{path}");
    }
    for (path, value) in [
        ("source.bucket", json!("acme-renamed")),
        ("source.bucket", json!(UNKNOWN)),
        ("source.region", json!("eu-central-1")),
    ] {
        let config = with(&kms_abroad(), path, value);
        let plan = terraform.plan(&config).await;
        assert_eq!(plan.said.errors, nothing(), "{path}");
        assert_eq!(plan.replaced_by, [path]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_of_the_source_that_is_not_known_yet_is_taken_for_that_of_the_state() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    for name in ["region", "account_id"] {
        let path = format!("source.{name}");
        let unknown = with(&kms_abroad(), &path, json!(UNKNOWN));
        let same = terraform.at(&format!("/source/{name}"));
        let writes = terraform.cloud.aws.state().writes.len();
        let said = terraform
            .apply_later(&unknown, &with(&kms_abroad(), &path, same))
            .await;
        assert_eq!((said.errors, said.warnings), (nothing(), nothing()));
        assert_eq!(terraform.cloud.aws.state().writes.len(), writes);
    }
}

#[tokio::test(start_paused = true)]
async fn a_replacement_may_make_the_new_before_the_old_goes() {
    let mut terraform = Terraform::new();
    terraform.create_before_destroy = true;
    terraform.converge(&kms_abroad()).await;
    let renamed = with(&kms_abroad(), "source.bucket", json!("acme-renamed"));
    terraform.converge(&renamed).await;
    let aws = terraform.cloud.aws.state();
    let buckets: Vec<&String> = aws.buckets.keys().collect();
    assert_eq!(buckets, ["acme-renamed", "acme-renamed-backup"]);
}

#[tokio::test(start_paused = true)]
async fn a_role_moves_only_together_with_its_name() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let moved = with(&kms_abroad(), "role", json!({ "path": "/replication/" }));
    let plan = terraform.plan(&moved).await;
    assert_eq!(
        plan.said.errors,
        ["role.path: A role's path cannot be changed alone"]
    );
    terraform
        .converge(&with(&moved, "role.name", json!("copier")))
        .await;
    assert_eq!(terraform.cloud.aws.state().roles.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_resource_without_a_refresh_asks_nothing_of_what_does_not_change() {
    let mut terraform = Terraform::new();
    terraform.converge(&two_destinations()).await;
    terraform.refreshing = false;
    terraform.cloud.take_queries();
    assert!(terraform.plan(&two_destinations()).await.is_empty);
    let cheaper = with(
        &two_destinations(),
        "destinations.near.storage_class",
        json!("GLACIER"),
    );
    let plan = terraform.plan(&cheaper).await;
    assert_eq!(plan.said.errors, nothing());
    let asked: Vec<(String, String)> = terraform.cloud.take_queries();
    assert_eq!(asked, []);
}

#[tokio::test(start_paused = true)]
async fn what_changed_after_an_unrefreshed_plan_is_told_and_the_state_is_true() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    terraform.refreshing = false;
    terraform.cloud.aws.state().roles.clear();
    let changed = with(&kms_abroad(), "role", json!({ "description": "Copies" }));
    let said = terraform.apply(&changed).await;
    assert_eq!(said.errors, ["AWS changed between plan and apply"]);
    terraform.refreshing = true;
    terraform.assert_settled(&changed).await;
}

#[tokio::test(start_paused = true)]
async fn a_bucket_of_the_same_name_elsewhere_is_an_error_before_anything_changes() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let before = terraform.cloud.aws.state().writes.len();
    for (path, value) in [
        ("destinations.backup.region", json!("eu-central-1")),
        ("destinations.backup.assume_role", deploy(THIRD)),
    ] {
        let moved = with(&kms_abroad(), path, value);
        let said = terraform.apply(&moved).await;
        assert_eq!(said.errors.len(), 1, "{said:?}");
    }
    assert_eq!(terraform.cloud.aws.state().writes.len(), before);
    terraform.assert_settled(&kms_abroad()).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_way_in_alone_writes_nothing() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let before = terraform.cloud.aws.state().writes.len();
    let config = with(
        &kms_abroad(),
        "destinations.backup.assume_role.session_name",
        json!("auditor"),
    );
    let plan = terraform.plan(&config).await;
    assert_eq!(
        differences(&terraform.state, &plan.planned),
        ["destinations.backup.assume_role.session_name: null -> auditor"]
    );
    terraform.converge(&config).await;
    assert_eq!(terraform.cloud.aws.state().writes.len(), before);
}

#[tokio::test(start_paused = true)]
async fn default_tags_come_change_and_go() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    for tags in [&[("team", "a")][..], &[("team", "b"), ("cost", "1")], &[]] {
        terraform.settings.default_tags = tags
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let plan = terraform.plan(&kms_abroad()).await;
        assert!(!plan.is_empty, "{tags:?}");
        terraform.converge(&kms_abroad()).await;
        let aws = terraform.cloud.aws.state();
        let on_bucket = aws.buckets["acme-archive-backup"].tags.get("team");
        assert_eq!(on_bucket.map(String::as_str), tags.first().map(|(_, v)| *v));
    }
}
