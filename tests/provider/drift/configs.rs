//! What is applied before somebody changes something by hand.

use serde_json::{Value as Json, json};

use crate::configs::{ABROAD, deploy, document, kms_abroad, with};
use crate::object_lock::governed;

const BACKUP: &str = "destinations.backup";
pub const BOUNDARY: &str = "arn:aws:iam::111111111111:policy/Boundary";

/// Keys on both sides in two accounts, with tags everywhere, so that every map of tags can be told apart.
pub fn whole() -> Json {
    let mut config = kms_abroad();
    config["tags"] = json!({ "team": "archive" });
    config["destinations"]["backup"]["tags"] = json!({ "side": "backup" });
    config["role"] = json!({ "description": "Copies" });
    config
}

fn on_backup(attribute: &str, value: Json) -> Json {
    with(&whole(), &format!("{BACKUP}.{attribute}"), value)
}

pub fn with_blocked_encryption() -> Json {
    on_backup(
        "encryption",
        json!({ "sse_algorithm": "aws:kms", "blocked_encryption_types": ["SSE-C"] }),
    )
}

pub fn with_nothing_blocked() -> Json {
    on_backup(
        "encryption",
        json!({ "sse_algorithm": "aws:kms", "blocked_encryption_types": ["NONE"] }),
    )
}

pub fn with_lifecycle_rules() -> Json {
    let rules = json!({
        "logs": {
            "prefix": "logs/",
            "tags": { "kind": "log" },
            "object_size_greater_than": 1000,
            "object_size_less_than": 1_000_000,
            "expiration": { "days": 400 },
            "noncurrent_version_expiration": { "noncurrent_days": 100, "newer_noncurrent_versions": 3 },
            "transitions": [{ "days": 30, "storage_class": "GLACIER" }],
            "noncurrent_version_transitions": [{ "noncurrent_days": 30, "storage_class": "GLACIER" }],
        },
        "uploads": { "abort_incomplete_multipart_upload_days": 7 },
    });
    on_backup("lifecycle_rules", rules)
}

pub fn locked() -> Json {
    let config = on_backup("object_lock", governed());
    with(&config, "source.object_lock", governed())
}

pub fn without_default_retention() -> Json {
    on_backup("object_lock", json!({ "enabled": true }))
}

pub fn with_boundary() -> Json {
    with(&whole(), "role.permissions_boundary", json!(BOUNDARY))
}

pub fn with_tags_of_the_role() -> Json {
    with(&whole(), "role.tags", json!({ "kind": "role" }))
}

/// Rotated every 90 days, described, and tagged by itself.
pub fn with_settings_of_the_key() -> Json {
    let key = json!({ "description": "Encrypts the objects of S3 bucket acme-archive-backup", "rotation_period_in_days": 90, "tags": { "kind": "key" } });
    on_backup(
        "encryption",
        json!({ "sse_algorithm": "aws:kms", "key": key }),
    )
}

pub fn with_a_disabled_key() -> Json {
    on_backup(
        "encryption",
        json!({ "sse_algorithm": "aws:kms", "key": { "enabled": false } }),
    )
}

pub fn without_rotation() -> Json {
    on_backup(
        "encryption",
        json!({ "sse_algorithm": "aws:kms", "key": { "enable_key_rotation": false } }),
    )
}

fn statement(sid: &str, action: &str, resource: &str) -> Json {
    json!({ "Sid": sid, "Effect": "Allow", "Principal": { "AWS": "333333333333" }, "Action": action, "Resource": resource })
}

/// The user's own statements in both buckets and in both keys, and plain HTTP denied.
pub fn with_policies() -> Json {
    let mut config = whole();
    for (place, name) in [("source", "acme-archive"), (BACKUP, "acme-archive-backup")] {
        let arn = format!("arn:aws:s3:::{name}");
        let bucket = document(&[
            statement("Read", "s3:GetObject", &format!("{arn}/*")),
            statement("List", "s3:ListBucket", &arn),
        ]);
        let key = document(&[statement("Look", "kms:DescribeKey", "*")]);
        config = with(&config, &format!("{place}.policy"), json!(bucket));
        config = with(&config, &format!("{place}.require_tls"), json!(true));
        let encryption = json!({ "sse_algorithm": "aws:kms", "key": { "policy": key } });
        config = with(&config, &format!("{place}.encryption"), encryption);
    }
    config
}

/// Policies in which only what this configuration says may stand.
pub fn with_exclusive_policies() -> Json {
    let config = with(&with_policies(), "source.exclusive_policy", json!(true));
    with(&config, "destinations.backup.exclusive_policy", json!(true))
}

/// An existing key at the destination whose policy is ours to complete.
pub fn with_an_existing_key() -> Json {
    let key = crate::random::existing_key((ABROAD, "us-west-2"), 0);
    let config = on_backup(
        "encryption",
        json!({ "sse_algorithm": "aws:kms", "kms_key_arn": key }),
    );
    with(
        &config,
        "destinations.backup.manage_key_policy",
        json!(true),
    )
}

/// A role of somebody else's that gets our grants.
pub fn with_an_existing_role() -> Json {
    let role = json!({ "existing_arn": crate::existing::THEIR_ROLE });
    with(&whole(), "role", role)
}

/// Every setting of a rule.
pub fn with_a_whole_rule() -> Json {
    let mut config = whole();
    let backup = &mut config["destinations"]["backup"];
    for (attribute, value) in [
        ("priority", json!(4)),
        (
            "filter",
            json!({ "prefix": "data/", "tags": { "keep": "yes" } }),
        ),
        ("storage_class", json!("STANDARD_IA")),
        ("replica_modification_sync", json!(true)),
        ("replication_time_control", json!(true)),
        ("owner_override", json!(true)),
        ("object_ownership", json!("BucketOwnerPreferred")),
    ] {
        backup[attribute] = value;
    }
    config
}

pub fn with_a_paused_rule() -> Json {
    on_backup("enabled", json!(false))
}

pub fn with_two_rules() -> Json {
    on_backup(
        "rules",
        json!({
            "all": { "filter": { "prefix": "" } },
            "logs": { "filter": { "prefix": "logs/" }, "priority": 7 },
        }),
    )
}

/// Two rules under a destination that is paused.
pub fn with_a_paused_destination() -> Json {
    with(
        &with_two_rules(),
        "destinations.backup.enabled",
        json!(false),
    )
}

pub fn two_way() -> Json {
    on_backup("two_way", json!(true))
}

/// So many destinations that the role's grants take more than one document.
pub fn many() -> Json {
    let regions = ["us-east-1", "us-west-2", "eu-central-1", "eu-west-1"];
    let destinations: serde_json::Map<String, Json> = (0..36)
        .map(|number| {
            let account = format!("2222222222{:02}", number % 10);
            let destination =
                json!({ "region": regions[number % 4], "assume_role": deploy(&account) });
            (
                format!("copy-whose-name-is-as-long-as-a-name-may-be-{number:02}"),
                destination,
            )
        })
        .collect();
    json!({
        "source": { "bucket": "acme-archive", "encryption": { "sse_algorithm": "aws:kms" } },
        "destinations": destinations,
    })
}

/// Buckets of somebody else's, with versioning and their policies ours to complete.
pub fn theirs() -> Json {
    with(
        &crate::existing::config(),
        "role",
        json!({ "existing_arn": crate::existing::THEIR_ROLE }),
    )
}
