//! Values that are not known at plan, one by one: where a random configuration seldom gets.

use serde_json::{Value as Json, json};

use crate::configs::{ABROAD, UNKNOWN, kms_abroad, two_destinations, with, without};
use crate::terraform::Terraform;

/// Plans `first` over what `before` made, applies it as `last`, and nothing is left to do.
async fn check(before: Option<&Json>, first: &Json, last: &Json) {
    let mut terraform = Terraform::new();
    crate::random::surroundings(&terraform);
    if let Some(before) = before {
        terraform.converge(before).await;
    }
    let said = terraform.apply_later(first, last).await;
    assert_eq!(said.errors, Vec::<String>::new(), "{first}");
    terraform.assert_settled(last).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_is_unknown_is_applied_as_planned() {
    for path in [
        "source",
        "source.bucket",
        "source.encryption",
        "source.encryption.sse_algorithm",
        "destinations",
        "destinations.backup",
        "destinations.backup.region",
        "destinations.backup.assume_role",
        "destinations.backup.assume_role.role_arn",
    ] {
        let guarded = with(
            &kms_abroad(),
            "destinations.backup.account_id",
            json!(ABROAD),
        );
        let first = with(&guarded, path, json!(UNKNOWN));
        check(None, &first, &guarded).await;
        let elsewhere = with(&two_destinations(), "tags", json!({ "team": "archive" }));
        check(
            Some(&elsewhere),
            &with(&elsewhere, path, json!(UNKNOWN)),
            &elsewhere,
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_unknown_may_turn_out_to_be_null() {
    for path in [
        "source.region",
        "source.profile",
        "source.tags",
        "source.encryption.key",
        "source.encryption.kms_key_arn",
        "source.public_access_block",
        "destinations.backup.bucket",
        "destinations.backup.account_id",
        "destinations.backup.priority",
        "destinations.backup.storage_class",
        "role",
        "role.name",
        "role.manage_policy",
        "role.existing_arn",
        "tags",
    ] {
        let described = with(&kms_abroad(), "role.description", json!("Copies"));
        let first = with(&described, path, json!(UNKNOWN));
        let last = with(&described, path, Json::Null);
        check(None, &first, &last).await;
        check(Some(&kms_abroad()), &first, &last).await;
    }
}

/// Two rules that say everything, on a destination that says something too.
fn ruled() -> Json {
    let config = with(
        &two_destinations(),
        "destinations.backup.rules",
        json!({
            "logs": {
                "id": "own-logs",
                "enabled": true,
                "priority": 10,
                "filter": { "prefix": "logs/", "tags": { "keep": "yes" } },
                "storage_class": "GLACIER",
                "delete_marker_replication": false,
                "replica_modification_sync": true,
                "replication_time_control": true,
                "metrics": true,
                "owner_override": true,
                "replicate_encrypted_objects": true,
                "replica_kms_key_arn": crate::random::existing_key((ABROAD, "us-west-2"), 0),
            },
            "rest": { "enabled": true },
        }),
    );
    let config = with(&config, "destinations.backup.two_way", json!(true));
    with(
        &config,
        "destinations.backup.two_way_role",
        json!({ "name": "copier", "path": "/back/", "description": "Copies back" }),
    )
}

#[tokio::test(start_paused = true)]
async fn whatever_is_unknown_of_rules_and_ways_back_is_applied_as_planned() {
    let rule = [
        "id",
        "enabled",
        "priority",
        "filter",
        "filter.prefix",
        "filter.tags",
        "filter.tags.keep",
        "storage_class",
        "delete_marker_replication",
        "replica_modification_sync",
        "replication_time_control",
        "metrics",
        "owner_override",
        "replicate_encrypted_objects",
        "replica_kms_key_arn",
    ]
    .map(|attribute| format!("rules.logs.{attribute}"));
    let others = [
        "enabled",
        "encryption",
        "object_ownership",
        "rules",
        "rules.logs",
        "rules.rest",
        "two_way",
        "two_way_role",
        "two_way_role.name",
        "two_way_role.path",
        "two_way_role.description",
    ];
    for path in rule.iter().map(String::as_str).chain(others) {
        let path = format!("destinations.backup.{path}");
        let last = ruled();
        let first = with(&last, &path, json!(UNKNOWN));
        check(None, &first, &last).await;
        check(Some(&two_destinations()), &first, &last).await;
        check(Some(&last), &first, &last).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_unknown_of_rules_and_ways_back_may_turn_out_to_be_null() {
    for path in [
        "rules",
        "rules.logs.id",
        "rules.logs.enabled",
        "rules.logs.priority",
        "rules.logs.filter",
        "rules.logs.filter.tags",
        "rules.logs.storage_class",
        "rules.logs.delete_marker_replication",
        "rules.logs.replica_modification_sync",
        "rules.logs.replication_time_control",
        "rules.logs.metrics",
        "rules.logs.owner_override",
        "rules.logs.replicate_encrypted_objects",
        "rules.logs.replica_kms_key_arn",
        "two_way_role",
        "two_way_role.name",
    ] {
        let path = format!("destinations.backup.{path}");
        let first = with(&ruled(), &path, json!(UNKNOWN));
        let last = with(&ruled(), &path, Json::Null);
        check(None, &first, &last).await;
        check(Some(&two_destinations()), &first, &last).await;
        check(Some(&ruled()), &first, &last).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_described_may_stand_beside_an_unknown_one_that_is_not() {
    let described = with(
        &kms_abroad(),
        "source.encryption.key",
        json!({ "description": "Ours" }),
    );
    let first = with(&described, "source.encryption.kms_key_arn", json!(UNKNOWN));
    check(None, &first, &described).await;
}

#[tokio::test(start_paused = true)]
async fn a_priority_that_depends_on_an_unknown_bucket_is_known_after_apply() {
    let three = with(
        &two_destinations(),
        "destinations.other",
        json!({ "region": "eu-central-1" }),
    );
    // The bucket may be the one that has a priority already, or a new one.
    let two = without(&three, "destinations.near");
    let first = with(&two, "destinations.other.bucket", json!(UNKNOWN));
    check(Some(&three), &first, &two).await;
    let last = with(&two, "destinations.other.bucket", json!("acme-new"));
    check(Some(&three), &first, &last).await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_region_of_a_destination_may_move_it() {
    let named = with(
        &kms_abroad(),
        "destinations.backup.bucket",
        json!("acme-one"),
    );
    let first = with(&named, "destinations.backup.region", json!(UNKNOWN));
    check(Some(&named), &first, &named).await;
    let first = with(&first, "destinations.backup.bucket", json!(UNKNOWN));
    let mut moved = named.clone();
    moved["destinations"]["backup"]["bucket"] = json!("acme-two");
    moved["destinations"]["backup"]["region"] = json!("eu-central-1");
    check(Some(&named), &first, &moved).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_unknown_in_a_configuration_is_refused() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    for path in [
        "source.account_id",
        "source.region",
        "destinations.backup.account_id",
    ] {
        let first = with(&kms_abroad(), path, json!(UNKNOWN));
        let plan = terraform.plan(&first).await;
        assert_eq!(plan.said.errors, Vec::<String>::new(), "{path}");
        assert_eq!(plan.said.warnings, Vec::<String>::new(), "{path}");
        let said = terraform.carry_out(plan, &kms_abroad()).await;
        assert_eq!(said.errors, Vec::<String>::new(), "{path}");
        terraform.assert_settled(&kms_abroad()).await;
    }
}
