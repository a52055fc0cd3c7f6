//! The configuration that Terraform writes for an import (`-generate-config-out`): it is accepted as it is, and plans
//! empty.

use serde_json::{Value as Json, json};

use crate::configs::{ABROAD, HOME, deploy, kms_abroad, two_destinations, with};
use crate::existing::{SOURCE, TARGET, THEIR_ROLE, world};
use crate::random::{existing_key, surroundings};
use crate::terraform::Terraform;

/// Applies a configuration, imports what it made, and goes on with what Terraform writes for the import.
async fn assert_generated(mut first: Terraform, config: &Json) -> Json {
    let said = first.apply(config).await;
    assert_eq!(said.errors, Vec::<String>::new());
    let mut second = Terraform::over(first.cloud.clone());
    second.settings = first.settings.clone();
    let id = first.at("/import_id");
    let said = second.import(id.as_str().unwrap()).await;
    assert_eq!(said.errors, Vec::<String>::new());
    second.assert_generated_settles().await
}

/// A destination abroad.
fn abroad(more: Json) -> Json {
    let mut side = json!({ "region": "us-west-2", "assume_role": deploy(ABROAD) });
    side.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    side
}

fn lifecycle() -> Json {
    json!({ "old": { "whole_bucket": true, "noncurrent_version_expiration": { "noncurrent_days": 21 }, "abort_incomplete_multipart_upload_days": 7 } })
}

/// The setups of `examples/`, by the names of their folders; those with buckets of others are below.
pub fn setups() -> Vec<(&'static str, Json)> {
    let locked = json!({ "enabled": true, "mode": "GOVERNANCE", "days": 30 });
    let key = |account, region| {
        let arn = existing_key((account, region), 0);
        json!({ "sse_algorithm": "aws:kms", "kms_key_arn": arn })
    };
    let rules = json!({
        "invoices": { "priority": 30, "filter": { "prefix": "invoices/" }, "delete_marker_replication": true },
        "legal": { "priority": 20, "filter": { "prefix": "records/", "tags": { "kind": "legal" } } },
        "records": { "priority": 10, "filter": { "prefix": "records/" }, "storage_class": "GLACIER_IR" },
        "drafts": { "priority": 0, "filter": { "prefix": "drafts/" }, "enabled": false },
    });
    let near = |region: &str| json!({ "region": region, "delete_marker_replication": true, "retain_on_destroy": true });
    vec![
        (
            "cross-account-kms",
            with(
                &kms_abroad(),
                "destinations.backup.storage_class",
                json!("STANDARD_IA"),
            ),
        ),
        (
            "one-to-many-regions",
            json!({
                "source": { "bucket": "acme-archive", "encryption": { "sse_algorithm": "aws:kms" }, "retain_on_destroy": true },
                "destinations": { "us-east-1": near("us-east-1"), "us-west-2": near("us-west-2") },
                "role": { "path": "/service-role/" },
            }),
        ),
        (
            "same-account-lifecycle",
            json!({
                "source": { "bucket": "acme-archive", "lifecycle_rules": lifecycle() },
                "destinations": { "copy": { "region": "us-east-1", "lifecycle_rules": lifecycle() } },
            }),
        ),
        (
            "object-lock",
            json!({
                "source": { "bucket": "acme-archive", "object_lock": locked.clone() },
                "destinations": { "copy": abroad(json!({ "object_lock": locked })) },
            }),
        ),
        (
            "two-way",
            json!({
                "source": { "bucket": "acme-archive", "encryption": { "sse_algorithm": "aws:kms" } },
                "destinations": { "dr": abroad(json!({ "two_way": true })) },
            }),
        ),
        (
            "rules",
            json!({
                "source": { "bucket": "acme-archive", "encryption": key(HOME, "eu-west-1") },
                "destinations": { "partner": abroad(json!({
                    "encryption": key(ABROAD, "us-west-2"),
                    "manage_key_policy": true,
                    "rules": rules,
                })) },
            }),
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_setup_of_the_examples_is_generated_as_a_configuration_that_plans_empty() {
    for (name, config) in setups() {
        let terraform = Terraform::new();
        surroundings(&terraform);
        let generated = assert_generated(terraform, &config).await;
        let (written, keys) = (&config["destinations"], &generated["destinations"]);
        let destinations = |of: &Json| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(destinations(keys), destinations(written), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn setups_with_buckets_of_others_are_generated_too() {
    let into_theirs = json!({ "filter": { "prefix": "billing/" }, "storage_class": "GLACIER_IR" });
    // As in `many-to-one`.
    let many_to_one = with(&kms_abroad(), "source", json!({ "bucket": "acme-logs" }));
    let mut archive = crate::existing::config()["destinations"]["archive"].clone();
    archive
        .as_object_mut()
        .unwrap()
        .extend(into_theirs.as_object().unwrap().clone());
    let many_to_one = with(&many_to_one, "destinations", json!({ "archive": archive }));
    let by_their_role = with(
        &crate::existing::config(),
        "role",
        json!({ "existing_arn": THEIR_ROLE }),
    );
    let key = |account, region| {
        let arn = existing_key((account, region), 0);
        json!({ "sse_algorithm": "aws:kms", "kms_key_arn": arn })
    };
    // As in `existing-buckets`.
    let written = json!({
        "source": {
            "bucket": SOURCE,
            "existing": true,
            "enable_versioning": true,
            "enable_encryption": true,
            "encryption": key(HOME, "eu-west-1"),
        },
        "destinations": { "backup": abroad(json!({
            "encryption": key(ABROAD, "us-west-2"),
            "manage_key_policy": true,
        })) },
    });
    for (config, theirs) in [
        (written, vec![SOURCE]),
        (crate::existing::config(), vec![SOURCE, TARGET]),
        (by_their_role, vec![SOURCE, TARGET]),
        (many_to_one, vec![TARGET]),
    ] {
        let generated = assert_generated(world().await, &config).await;
        let text = generated.to_string();
        for bucket in theirs {
            assert!(text.contains(bucket), "{text}");
        }
        assert!(text.contains("\"existing\":true"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_each_pair_of_alternatives_one_is_written_and_nothing_is_empty() {
    let config = with(
        &two_destinations(),
        "role",
        json!({ "name_prefix": "copier-", "description": "" }),
    );
    let config = with(&config, "destinations.near.filter", json!({ "prefix": "" }));
    let generated = assert_generated(Terraform::new(), &config).await;
    assert_no_empty_text("", &generated);
    let near = &generated["destinations"]["near"];
    assert_eq!(near["filter"], Json::Null);
    assert_eq!(near["rules"], Json::Null);
    assert_eq!(near["encryption"]["kms_key_arn"], Json::Null);
    assert!(near["encryption"]["key"].is_object());
    assert_eq!(generated["components"], Json::Null);
}

fn assert_no_empty_text(at: &str, json: &Json) {
    assert_ne!(*json, json!(""), "{at}");
    for (name, value) in json.as_object().into_iter().flatten() {
        let at = format!("{at}.{name}");
        if value.is_object() {
            let said = value.as_object().unwrap().values().any(|v| !v.is_null());
            assert!(
                said || value.as_object().unwrap().is_empty(),
                "{at} says nothing"
            );
        }
        assert_no_empty_text(&at, value);
    }
}
