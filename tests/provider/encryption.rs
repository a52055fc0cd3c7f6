//! What `encryption` says beside algorithm and key: two layers, blocked encryption, further keys, a disabled key.

use serde_json::{Value as Json, json};

use crate::configs::{ABROAD, HOME, THIRD, UNKNOWN, kms_abroad, with};
use crate::fake::{Bucket, Key};
use crate::terraform::{Terraform, differences};

const BACKUP: &str = "acme-archive-backup";
const DSSE: &str = "aws:kms:dsse";

fn source(attribute: &str, value: Json) -> Json {
    with(
        &kms_abroad(),
        &format!("source.encryption.{attribute}"),
        value,
    )
}

fn key_in(account: &str, region: &str) -> String {
    format!("arn:aws:kms:{region}:{account}:key/00000000-0000-4000-8000-000000000000")
}

fn surrounded() -> Terraform {
    let terraform = Terraform::new();
    crate::random::surroundings(&terraform);
    terraform
}

fn bucket<T>(terraform: &Terraform, name: &str, look: impl FnOnce(&mut Bucket) -> T) -> T {
    look(terraform.cloud.aws.state().buckets.get_mut(name).unwrap())
}

/// The key of a bucket.
fn key<T>(terraform: &Terraform, bucket: &str, look: impl FnOnce(&mut Key) -> T) -> T {
    let mut aws = terraform.cloud.aws.state();
    let mut keys = aws.keys.values_mut();
    let ends = format!(" {bucket}");
    look(keys.find(|key| key.description.ends_with(&ends)).unwrap())
}

fn nothing() -> Vec<String> {
    Vec::new()
}

#[tokio::test(start_paused = true)]
async fn mistakes_are_told_at_the_attribute() {
    let terraform = Terraform::new();
    let on_backup = |attribute: &str, value| {
        with(
            &kms_abroad(),
            &format!("destinations.backup.encryption.{attribute}"),
            value,
        )
    };
    let here = key_in(HOME, "eu-west-1");
    let located = |config: Json| with(&config, "source.region", json!("eu-west-1"));
    for (config, at) in [
        (
            with(
                &source("sse_algorithm", json!(DSSE)),
                "source.encryption.bucket_key_enabled",
                json!(true),
            ),
            "source.encryption.bucket_key_enabled: ",
        ),
        (
            source("blocked_encryption_types", json!(["SSE-C", "NONE"])),
            "source.encryption.blocked_encryption_types: ",
        ),
        (
            source("blocked_encryption_types", json!(["SSE-S3"])),
            "source.encryption.blocked_encryption_types[0]: ",
        ),
        (
            source("blocked_encryption_types", json!([])),
            "source.encryption.blocked_encryption_types: ",
        ),
        (
            source("additional_kms_key_arns", json!([here, "alias/mine"])),
            "source.encryption.additional_kms_key_arns[1]: ",
        ),
        (
            located(source(
                "additional_kms_key_arns",
                json!([key_in(HOME, "us-east-1")]),
            )),
            "source.encryption.additional_kms_key_arns[0]: ",
        ),
        (
            on_backup("additional_kms_key_arns", json!([here])),
            "destinations[\"backup\"].encryption.additional_kms_key_arns: ",
        ),
    ] {
        let said = terraform.validate(&config).await;
        assert_eq!(said.errors.len(), 1, "{config}: {said:?}");
        assert!(said.errors[0].starts_with(at), "{config}: {said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_layers_come_and_go_in_place_under_the_same_key_and_without_bucket_keys() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let first = terraform.at("/source/kms_key_arn");
    terraform
        .converge(&source("sse_algorithm", json!(DSSE)))
        .await;
    assert_eq!(terraform.at("/source/kms_key_arn"), first);
    // A destination that says nothing follows the source.
    for name in ["acme-archive", BACKUP] {
        let encryption = bucket(&terraform, name, |b| b.encryption.clone());
        assert_eq!(encryption.sse_algorithm, DSSE);
        assert!(!encryption.bucket_key_enabled);
    }
    let mut second = Terraform::over(terraform.cloud.clone());
    let id = terraform.at("/import_id");
    let said = second.import(id.as_str().unwrap()).await;
    assert_eq!(said.errors, nothing());
    second
        .assert_settled(&source("sse_algorithm", json!(DSSE)))
        .await;
    terraform.converge(&kms_abroad()).await;
    assert_eq!(terraform.destroy().await.errors, nothing());
}

#[tokio::test(start_paused = true)]
async fn blocked_encryption_is_ours_only_where_it_is_written() {
    let blocked = |terraform: &Terraform| {
        bucket(terraform, "acme-archive", |b| {
            b.encryption.blocked_encryption_types.clone()
        })
    };
    let by_hand = |terraform: &Terraform, types: &[&str]| {
        bucket(terraform, "acme-archive", |b| {
            b.encryption.blocked_encryption_types = types.iter().map(ToString::to_string).collect();
        });
    };
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    by_hand(&terraform, &["SSE-C"]);
    terraform.assert_settled(&kms_abroad()).await;
    let path = "source.encryption.bucket_key_enabled";
    terraform
        .converge(&with(&kms_abroad(), path, json!(false)))
        .await;
    // A write of the encryption carries over what it does not say.
    assert_eq!(blocked(&terraform), ["SSE-C"]);
    by_hand(&terraform, &[]);
    terraform.converge(&kms_abroad()).await;
    assert_eq!(blocked(&terraform), nothing());

    let written = source("blocked_encryption_types", json!(["SSE-C"]));
    terraform.converge(&written).await;
    assert_eq!(blocked(&terraform), ["SSE-C"]);
    by_hand(&terraform, &[]);
    let plan = terraform.plan(&written).await;
    assert_eq!(
        differences(&terraform.state, &plan.planned),
        ["source.encryption.blocked_encryption_types: [NONE] -> [SSE-C]"]
    );
    terraform.converge(&written).await;
    let open = source("blocked_encryption_types", json!(["NONE"]));
    terraform.converge(&open).await;
    // AWS may tell an open bucket in either way.
    by_hand(&terraform, &[]);
    terraform.assert_settled(&open).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_new_bucket_blocks_gives_way_to_what_is_written() {
    let mut terraform = Terraform::new();
    let plain = with(
        &kms_abroad(),
        "source.encryption",
        json!({ "sse_algorithm": "AES256", "blocked_encryption_types": ["NONE"] }),
    );
    terraform.converge(&plain).await;
    let blocked = bucket(&terraform, "acme-archive", |b| {
        b.encryption.blocked_encryption_types.clone()
    });
    assert_eq!(blocked, ["NONE"]);
    let mut second = Terraform::over(terraform.cloud.clone());
    let id = terraform.at("/import_id");
    let said = second.import(id.as_str().unwrap()).await;
    assert_eq!(said.errors, nothing());
    second.assert_settled(&plain).await;
}

#[tokio::test(start_paused = true)]
async fn the_role_may_decrypt_under_further_keys() {
    let mut terraform = surrounded();
    let further = key_in(HOME, "eu-west-1");
    let policy = |terraform: &Terraform| terraform.at("/role/policy_json").to_string();
    terraform.converge(&kms_abroad()).await;
    assert!(!policy(&terraform).contains(&further));
    let config = source("additional_kms_key_arns", json!([further]));
    terraform.converge(&config).await;
    assert!(policy(&terraform).contains(&further));
    terraform.converge(&kms_abroad()).await;
    assert!(!policy(&terraform).contains(&further));
    let abroad = source(
        "additional_kms_key_arns",
        json!([key_in(THIRD, "eu-west-1")]),
    );
    let said = terraform.plan(&abroad).await.said;
    assert_eq!(
        said.warnings,
        ["source.encryption.additional_kms_key_arns[0]: The key's policy must let the role in"]
    );
    let missing = source(
        "additional_kms_key_arns",
        json!([key_in(HOME, "eu-west-1").replace("000000000000", "999999999999")]),
    );
    let said = terraform.plan(&missing).await.said;
    assert_eq!(
        said.errors,
        ["source.encryption.additional_kms_key_arns[0]: The key does not exist"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_that_leaves_an_existing_key_is_told_what_it_loses() {
    let (first, second) = (key_in(HOME, "eu-west-1"), key_in(HOME, "eu-west-1"));
    let second = second.replace("8000-000000000000", "8000-000000000001");
    let under = |key: &str| {
        with(
            &kms_abroad(),
            "source.encryption",
            json!({ "kms_key_arn": key }),
        )
    };
    let mut terraform = surrounded();
    terraform.converge(&under(&first)).await;
    let said = terraform.plan(&under(&second)).await.said;
    assert_eq!(
        said.warnings,
        ["source.encryption.kms_key_arn: Objects under the old key are not replicated any more"]
    );
    let kept = with(
        &under(&second),
        "source.encryption.additional_kms_key_arns",
        json!([first]),
    );
    assert_eq!(terraform.plan(&kept).await.said.warnings, nothing());
    terraform.converge(&kept).await;
    let policy = terraform.at("/role/policy_json").to_string();
    assert!(policy.contains(&first) && policy.contains(&second));
}

#[tokio::test(start_paused = true)]
async fn a_key_is_disabled_and_enabled_in_place() {
    let mut terraform = Terraform::new();
    let disabled = source("key.enabled", json!(false));
    let said = terraform.plan(&disabled).await.said;
    assert_eq!(
        said.warnings,
        ["source.encryption.key.enabled: Objects under a disabled key are not replicated"]
    );
    // Made and disabled, with its rotation.
    terraform.converge(&disabled).await;
    let state = |terraform: &Terraform| key(terraform, "acme-archive", |k| k.state.clone());
    assert_eq!(state(&terraform), "Disabled");
    assert_eq!(key(&terraform, "acme-archive", |k| k.rotation), Some(365));
    terraform.converge(&kms_abroad()).await;
    assert_eq!(state(&terraform), "Enabled");
    terraform.converge(&disabled).await;
    assert_eq!(state(&terraform), "Disabled");
    // Rotation changes only while it is enabled, which it is for that moment.
    let rotated = with(
        &disabled,
        "source.encryption.key.rotation_period_in_days",
        json!(90),
    );
    terraform.converge(&rotated).await;
    assert_eq!(state(&terraform), "Disabled");
    assert_eq!(key(&terraform, "acme-archive", |k| k.rotation), Some(90));
    assert_eq!(terraform.destroy().await.errors, nothing());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_somebody_enables_or_disables_shows_both_ways() {
    let disabled = source("key.enabled", json!(false));
    for (config, by_hand, shown) in [
        (
            kms_abroad(),
            "Disabled",
            "source.encryption.key.enabled: false -> true",
        ),
        (
            disabled.clone(),
            "Enabled",
            "source.encryption.key.enabled: true -> false",
        ),
        (disabled, "PendingDeletion", "components.source/key: "),
    ] {
        let mut terraform = Terraform::new();
        terraform.converge(&config).await;
        let before = key(&terraform, "acme-archive", |k| k.state.clone());
        key(&terraform, "acme-archive", |k| k.state = by_hand.to_owned());
        let plan = terraform.plan(&config).await;
        let differences = differences(&terraform.state, &plan.planned);
        let there = differences.iter().any(|line| line.starts_with(shown));
        assert!(there, "{by_hand}: {differences:?}");
        terraform.converge(&config).await;
        assert_eq!(key(&terraform, "acme-archive", |k| k.state.clone()), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_disabled_key_imports_as_it_is() {
    let mut first = Terraform::new();
    let disabled = source("key.enabled", json!(false));
    first.converge(&disabled).await;
    let id = first.at("/import_id");
    for config in [disabled, kms_abroad()] {
        let mut second = Terraform::over(first.cloud.clone());
        let said = second.import(id.as_str().unwrap()).await;
        assert_eq!(said.errors, nothing());
        second.assert_settled(&config).await;
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_values_anywhere_plan_cleanly() {
    let known = with(
        &source(
            "additional_kms_key_arns",
            json!([key_in(HOME, "eu-west-1")]),
        ),
        "source.encryption.blocked_encryption_types",
        json!(["SSE-C"]),
    );
    for path in ["additional_kms_key_arns", "blocked_encryption_types"] {
        for veiled in [json!(UNKNOWN), json!([UNKNOWN])] {
            let mut terraform = surrounded();
            let path = format!("source.encryption.{path}");
            let said = terraform
                .apply_later(&with(&known, &path, veiled), &known)
                .await;
            assert_eq!(said.errors, nothing());
            terraform.assert_settled(&known).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_replicates_back_may_have_further_keys_too() {
    let mut terraform = surrounded();
    let further = key_in(ABROAD, "us-west-2");
    let back = with(&kms_abroad(), "destinations.backup.two_way", json!(true));
    let config = with(
        &back,
        "destinations.backup.encryption.additional_kms_key_arns",
        json!([further]),
    );
    terraform.converge(&config).await;
    let policy = terraform.at("/destinations/backup/two_way_role/policy_json");
    assert!(policy.to_string().contains(&further), "{policy}");
}

#[tokio::test(start_paused = true)]
async fn only_an_existing_keys_policy_can_be_managed() {
    let config = with(&kms_abroad(), "source.manage_key_policy", json!(true));
    let said = Terraform::new().validate(&config).await;
    assert_eq!(
        said.errors,
        ["source.manage_key_policy: Only with an existing key"]
    );
}
