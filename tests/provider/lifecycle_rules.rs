//! `lifecycle_rules`: what is refused, made, changed, found again and imported.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::{
    Expiration, LifecycleConfiguration, LifecycleRule, Moment,
};

use crate::configs::{UNKNOWN, kms_abroad, with, without};
use crate::fake::Bucket;
use crate::terraform::{Terraform, differences};

const RULES: &str = "destinations.backup.lifecycle_rules";

/// The backup with one rule, `old`.
fn ruled(rule: Json) -> Json {
    with(&kms_abroad(), RULES, json!({ "old": rule }))
}

/// A rule that says everything that goes together.
fn full() -> Json {
    json!({
        "prefix": "logs/",
        "tags": { "kind": "log" },
        "object_size_greater_than": 1000,
        "object_size_less_than": 1_000_000,
        "expiration": { "days": 400 },
        "noncurrent_version_expiration": { "noncurrent_days": 100, "newer_noncurrent_versions": 3 },
        "transitions": [
            { "days": 30, "storage_class": "STANDARD_IA" },
            { "days": 90, "storage_class": "GLACIER" },
        ],
        "noncurrent_version_transitions": [{ "noncurrent_days": 30, "storage_class": "STANDARD_IA" }],
    })
}

fn lifecycle(terraform: &Terraform, bucket: &str) -> LifecycleConfiguration {
    let aws = terraform.cloud.aws.state();
    aws.buckets[bucket].lifecycle.clone().unwrap_or_default()
}

fn of_backup(terraform: &Terraform) -> LifecycleConfiguration {
    lifecycle(terraform, "acme-archive-backup")
}

#[tokio::test(start_paused = true)]
async fn mistakes_are_told_at_the_attribute() {
    let terraform = Terraform::new();
    let expire = json!({ "days": 10 });
    for (rule, at) in [
        (json!({}), ""),
        (json!({ "prefix": "logs/" }), ""),
        (json!({ "transitions": [], "prefix": "logs/" }), ""),
        (json!({ "expiration": expire }), ""),
        (json!({ "expiration": expire, "tags": {} }), ""),
        (
            json!({ "transitions": [{ "days": 1, "storage_class": "GLACIER" }] }),
            "",
        ),
        (
            json!({ "expiration": expire, "whole_bucket": false }),
            ".whole_bucket",
        ),
        (
            json!({ "expiration": expire, "whole_bucket": true, "prefix": "a" }),
            ".whole_bucket",
        ),
        (json!({ "expiration": expire, "prefix": "" }), ".prefix"),
        (
            json!({ "expiration": {}, "whole_bucket": true }),
            ".expiration",
        ),
        (
            json!({ "expiration": { "expired_object_delete_marker": false } }),
            ".expiration",
        ),
        (
            json!({ "expiration": { "days": 0 }, "whole_bucket": true }),
            ".expiration.days",
        ),
        (
            json!({ "expiration": { "days": 1, "date": "2030-01-31" }, "whole_bucket": true }),
            ".expiration.date",
        ),
        (
            json!({ "expiration": { "days": 1, "expired_object_delete_marker": true }, "whole_bucket": true }),
            ".expiration.expired_object_delete_marker",
        ),
        (
            json!({ "expiration": { "date": "2030-01-31T08:00:00Z" }, "whole_bucket": true }),
            ".expiration.date",
        ),
        (
            json!({ "expiration": { "expired_object_delete_marker": true }, "tags": { "a": "b" } }),
            ".expiration.expired_object_delete_marker",
        ),
        (
            json!({ "abort_incomplete_multipart_upload_days": 7, "object_size_less_than": 9 }),
            ".abort_incomplete_multipart_upload_days",
        ),
        (
            json!({ "abort_incomplete_multipart_upload_days": 0 }),
            ".abort_incomplete_multipart_upload_days",
        ),
        (
            json!({ "expiration": expire, "object_size_greater_than": 9, "object_size_less_than": 9 }),
            ".object_size_less_than",
        ),
        (
            json!({ "noncurrent_version_expiration": { "noncurrent_days": 0 } }),
            ".noncurrent_version_expiration.noncurrent_days",
        ),
        (
            json!({ "noncurrent_version_expiration": { "noncurrent_days": 5, "newer_noncurrent_versions": 101 } }),
            ".noncurrent_version_expiration.newer_noncurrent_versions",
        ),
        (
            json!({
                "noncurrent_version_expiration": { "noncurrent_days": 5 },
                "noncurrent_version_transitions": [{ "noncurrent_days": 5, "storage_class": "GLACIER" }],
            }),
            ".noncurrent_version_expiration.noncurrent_days",
        ),
        (
            json!({ "transitions": [{ "storage_class": "GLACIER" }], "prefix": "a" }),
            ".transitions[0]",
        ),
        (
            json!({ "transitions": [{ "days": 1, "date": "2030-01-31", "storage_class": "GLACIER" }], "prefix": "a" }),
            ".transitions[0]",
        ),
        (
            json!({ "transitions": [Json::Null], "prefix": "a" }),
            ".transitions",
        ),
        (
            json!({ "transitions": [{ "days": 29, "storage_class": "ONEZONE_IA" }], "prefix": "a" }),
            ".transitions[0]",
        ),
        (
            json!({ "transitions": [{ "days": 29, "storage_class": "STANDARD" }], "prefix": "a" }),
            ".transitions[0].storage_class",
        ),
        (
            json!({
                "transitions": [
                    { "days": 1, "storage_class": "GLACIER" },
                    { "days": 2, "storage_class": "GLACIER" },
                ],
                "prefix": "a",
            }),
            ".transitions[1]",
        ),
        (
            json!({
                "transitions": [
                    { "days": 40, "storage_class": "GLACIER" },
                    { "days": 30, "storage_class": "STANDARD_IA" },
                ],
                "prefix": "a",
            }),
            ".transitions[0]",
        ),
        (
            json!({
                "noncurrent_version_transitions": [
                    { "noncurrent_days": 9, "storage_class": "GLACIER" },
                    { "noncurrent_days": 8, "storage_class": "DEEP_ARCHIVE" },
                ],
            }),
            ".noncurrent_version_transitions[1]",
        ),
        (
            json!({ "transitions": [{ "days": 10, "storage_class": "GLACIER" }], "expiration": expire, "prefix": "a" }),
            ".expiration.days",
        ),
        (
            json!({
                "transitions": [{ "date": "2030-01-31", "storage_class": "GLACIER" }],
                "expiration": { "date": "2030-01-31" },
                "prefix": "a",
            }),
            ".expiration.date",
        ),
        (
            json!({ "transitions": [{ "date": "2030-01-31", "storage_class": "GLACIER" }], "expiration": expire, "prefix": "a" }),
            "",
        ),
        (
            json!({ "expiration": expire, "tags": { "": "x" } }),
            ".tags",
        ),
    ] {
        let said = terraform.validate(&ruled(rule.clone())).await;
        let path = format!("destinations[\"backup\"].lifecycle_rules[\"old\"]{at}: ");
        assert!(
            said.errors
                .first()
                .is_some_and(|line| line.starts_with(&path)),
            "{rule}: {:?}",
            said.errors
        );
    }
    for (rules, at) in [
        (json!({ "old": Json::Null }), ".lifecycle_rules"),
        (json!({ "": full() }), ".lifecycle_rules"),
    ] {
        let said = terraform.validate(&with(&kms_abroad(), RULES, rules)).await;
        assert!(said.errors[0].contains(at), "{:?}", said.errors);
    }
    let alone = with(
        &kms_abroad(),
        "source.lifecycle_transition_default_minimum_object_size",
        json!("varies_by_storage_class"),
    );
    let said = terraform.validate(&alone).await;
    assert_eq!(
        said.errors,
        ["source.lifecycle_transition_default_minimum_object_size: Nothing transitions here"]
    );
}

#[tokio::test(start_paused = true)]
async fn each_attribute_changes_in_place_and_plans_empty() {
    let mut terraform = Terraform::new();
    let mut config = ruled(full());
    terraform.converge(&config).await;
    let mut before = of_backup(&terraform);
    let rule = format!("{RULES}.old");
    for (path, value) in [
        ("enabled", json!(false)),
        ("prefix", json!("trace/")),
        ("tags", json!({ "kind": "trace" })),
        ("object_size_greater_than", json!(0)),
        ("object_size_less_than", json!(2_000_000)),
        ("expiration", json!({ "days": 401 })),
        ("noncurrent_version_expiration.noncurrent_days", json!(101)),
        (
            "noncurrent_version_expiration.newer_noncurrent_versions",
            json!(4),
        ),
        (
            "transitions",
            json!([{ "days": 1, "storage_class": "GLACIER" }]),
        ),
        (
            "noncurrent_version_transitions",
            json!([{ "noncurrent_days": 30, "newer_noncurrent_versions": 2, "storage_class": "STANDARD_IA" }]),
        ),
        ("noncurrent_version_transitions", Json::Null),
        (
            "transitions",
            json!([{ "date": "2030-01-31T00:00:00Z", "storage_class": "GLACIER" }]),
        ),
        ("expiration", json!({ "date": "2031-01-31" })),
    ] {
        // A rule has either days or dates.
        if value.to_string().contains("2030") {
            config = without(&config, &format!("{rule}.expiration"));
        }
        config = with(&config, &format!("{rule}.{path}"), value);
        terraform.converge(&config).await;
        let after = of_backup(&terraform);
        assert_ne!(after, before, "{path}");
        before = after;
    }
    let uploads = json!({ "abort_incomplete_multipart_upload_days": 7, "expiration": { "expired_object_delete_marker": true } });
    for (config, rules) in [
        (
            with(&config, RULES, json!({ "new": full(), "uploads": uploads })),
            2,
        ),
        (with(&config, RULES, json!({})), 0),
        (with(&config, RULES, json!({ "uploads": uploads })), 1),
        (kms_abroad(), 0),
    ] {
        terraform.converge(&config).await;
        assert_eq!(of_backup(&terraform).rules.len(), rules);
    }
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_smallest_object_that_transitions_changes_alone() {
    let mut terraform = Terraform::new();
    let config = ruled(full());
    terraform.converge(&config).await;
    let path = "destinations.backup.lifecycle_transition_default_minimum_object_size";
    assert_eq!(
        terraform.at("/destinations/backup/lifecycle_transition_default_minimum_object_size"),
        json!("all_storage_classes_128K")
    );
    let varies = with(&config, path, json!("varies_by_storage_class"));
    let plan = terraform.plan(&varies).await;
    assert_eq!(
        differences(&terraform.state, &plan.planned),
        [format!(
            "{path}: all_storage_classes_128K -> varies_by_storage_class"
        )]
    );
    terraform.converge(&varies).await;
    assert_eq!(
        of_backup(&terraform).transition_minimum(),
        "varies_by_storage_class"
    );
    terraform.converge(&config).await;
    assert_eq!(
        of_backup(&terraform).transition_minimum(),
        "all_storage_classes_128K"
    );
}

/// Changes the backup's rules by hand: the plan says exactly this, and an apply mends it.
async fn drift(config: Json, change: impl FnOnce(&mut Bucket), expected: &[&str]) {
    let mut terraform = Terraform::new();
    terraform.converge(&config).await;
    let before = of_backup(&terraform);
    change(
        terraform
            .cloud
            .aws
            .state()
            .buckets
            .get_mut("acme-archive-backup")
            .unwrap(),
    );
    let plan = terraform.plan(&config).await;
    let shown = differences(&terraform.state, &plan.planned);
    let begins = |line: &&String| {
        expected
            .iter()
            .any(|path| line.starts_with(&format!("{RULES}{path}")))
    };
    assert_eq!(
        shown.iter().filter(begins).count(),
        shown.len(),
        "{shown:#?}"
    );
    assert_eq!(shown.len(), expected.len(), "{shown:#?}");
    terraform.converge(&config).await;
    assert!(of_backup(&terraform).means_the_same(&before));
}

fn old(bucket: &mut Bucket) -> &mut LifecycleRule {
    let rules = &mut bucket.lifecycle.as_mut().unwrap().rules;
    rules.get_mut("old").unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_a_person_changes_shows_at_its_attribute_and_is_mended() {
    drift(
        ruled(full()),
        |b| old(b).enabled = false,
        &[".old.enabled: false -> true"],
    )
    .await;
    drift(
        ruled(full()),
        |b| old(b).expiration = Some(Expiration::At(Moment::Days(399))),
        &[".old.expiration.days: 399 -> 400"],
    )
    .await;
    drift(
        ruled(full()),
        |b| old(b).noncurrent_version_expiration = None,
        &[".old.noncurrent_version_expiration: "],
    )
    .await;
    drift(
        ruled(full()),
        |b| drop(old(b).transitions.remove("GLACIER")),
        &[".old.transitions: "],
    )
    .await;
    drift(
        ruled(full()),
        |b| old(b).scope.prefix = None,
        &[".old.prefix: null -> logs/"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_would_empty_the_archive_shows_even_where_none_is_written() {
    let by_hand = |bucket: &mut Bucket| {
        let rule = LifecycleRule {
            enabled: true,
            expiration: Some(Expiration::At(Moment::Days(1))),
            ..LifecycleRule::default()
        };
        let lifecycle = bucket.lifecycle.get_or_insert_default();
        lifecycle.rules.insert("by-hand".to_owned(), rule);
    };
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    by_hand(
        terraform
            .cloud
            .aws
            .state()
            .buckets
            .get_mut("acme-archive-backup")
            .unwrap(),
    );
    let plan = terraform.plan(&kms_abroad()).await;
    let shown = differences(&terraform.state, &plan.planned);
    assert!(
        shown
            .iter()
            .any(|line| line.starts_with(&format!("{RULES}: "))),
        "{shown:?}"
    );
    terraform.converge(&kms_abroad()).await;
    assert!(of_backup(&terraform).rules.is_empty());
    drift(ruled(full()), by_hand, &[".by-hand: "]).await;
    terraform.converge(&ruled(full())).await;
    terraform
        .cloud
        .aws
        .state()
        .buckets
        .get_mut("acme-archive-backup")
        .unwrap()
        .lifecycle = None;
    let plan = terraform.plan(&ruled(full())).await;
    let shown = differences(&terraform.state, &plan.planned);
    assert!(
        shown[0].starts_with(&format!("{RULES}: null -> ")),
        "{shown:?}"
    );
    terraform.converge(&ruled(full())).await;
    assert_eq!(of_backup(&terraform).rules.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn rules_that_an_import_finds_stay_until_others_are_written() {
    let mut first = Terraform::new();
    let config = ruled(full());
    first.converge(&config).await;
    let id = first.at("/import_id");
    for (config, rules) in [
        (config, 1),
        (kms_abroad(), 1),
        (with(&kms_abroad(), RULES, json!({})), 0),
    ] {
        let mut second = Terraform::over(first.cloud.clone());
        let said = second.import(id.as_str().unwrap()).await;
        assert_eq!(said.errors, Vec::<String>::new());
        if rules == 1 {
            second.assert_settled(&config).await;
        } else {
            second.converge(&config).await;
        }
        assert_eq!(of_backup(&second).rules.len(), rules);
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_values_anywhere_plan_cleanly() {
    let known = ruled(full());
    for path in [
        "",
        ".old",
        ".old.prefix",
        ".old.tags",
        ".old.enabled",
        ".old.expiration",
        ".old.expiration.days",
        ".old.transitions",
        ".old.noncurrent_version_expiration.noncurrent_days",
    ] {
        let mut terraform = Terraform::new();
        let veiled = with(&known, &format!("{RULES}{path}"), json!(UNKNOWN));
        let said = terraform.apply_later(&veiled, &known).await;
        assert_eq!(said.errors, Vec::<String>::new(), "{path}");
        terraform.assert_settled(&known).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_replicated_deletion_that_becomes_final_is_warned_of() {
    let mut terraform = Terraform::new();
    let config = ruled(json!({ "noncurrent_version_expiration": { "noncurrent_days": 21 } }));
    assert_eq!(
        terraform.plan(&config).await.said.warnings,
        Vec::<String>::new()
    );
    let path = "destinations.backup.delete_marker_replication";
    let plan = terraform.plan(&with(&config, path, json!(true))).await;
    assert_eq!(
        plan.said.warnings,
        [
            "destinations[\"backup\"].delete_marker_replication: A deletion at the source is final here after 21 days"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn of_several_rules_those_are_warned_of_whose_deleted_objects_expire() {
    let lifecycle = json!({
        "logs": { "prefix": "logs/", "noncurrent_version_expiration": { "noncurrent_days": 7 } },
        "soon": { "prefix": "logs/a/", "noncurrent_version_expiration": { "noncurrent_days": 3 } },
        "off": {
            "enabled": false,
            "prefix": "data/",
            "noncurrent_version_expiration": { "noncurrent_days": 1 },
        },
    });
    let rule =
        |prefix: &str| json!({ "filter": { "prefix": prefix }, "delete_marker_replication": true });
    let mut paused = rule("logs/c/");
    paused["enabled"] = json!(false);
    let rules =
        json!({ "a": rule("logs/b/"), "b": rule("data/"), "c": paused, "d": rule("logs/") });
    let config = with(&kms_abroad(), RULES, lifecycle);
    let mut config = with(&config, "destinations.backup.rules", rules);
    let said = Terraform::new().plan(&config).await.said;
    let told = |rule: &str, days: u8| {
        format!(
            "destinations[\"backup\"].rules[\"{rule}\"].delete_marker_replication: A deletion at the source is final here after {days} days"
        )
    };
    assert_eq!(said.errors, Vec::<String>::new());
    assert_eq!(said.warnings, [told("a", 7), told("d", 3)]);
    config["destinations"]["backup"]["enabled"] = json!(false);
    let said = Terraform::new().plan(&config).await.said;
    assert_eq!(said.warnings, Vec::<String>::new());
}
