//! Import, and what the configuration then changes.

mod keys;
mod matrix;
pub mod origins;
mod roles;
mod shut;

use serde_json::json;

use crate::configs::{ABROAD, HOME, deploy, kms_abroad, two_destinations, with, without};
use crate::terraform::{Terraform, differences};

/// Applies a configuration under one state and imports it into another.
async fn imported(config: &serde_json::Value) -> Terraform {
    let mut first = Terraform::new();
    first.converge(config).await;
    let mut second = Terraform::over(first.cloud.clone());
    let id = first.at("/import_id");
    let said = second.import(id.as_str().unwrap()).await;
    assert_eq!(said.errors, Vec::<String>::new());
    second
}

#[tokio::test(start_paused = true)]
async fn what_this_resource_made_imports_and_plans_empty() {
    for config in [
        kms_abroad(),
        two_destinations(),
        with(
            &kms_abroad(),
            "source.encryption",
            json!({ "sse_algorithm": "AES256" }),
        ),
        with(&kms_abroad(), "role", json!({ "name": "copier" })),
        with(
            &kms_abroad(),
            "destinations.backup.filter",
            json!({ "prefix": "" }),
        ),
    ] {
        let mut terraform = imported(&config).await;
        // The roles of the import ID are in the state, as the configuration has them.
        terraform.assert_settled(&config).await;
        assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
        let aws = terraform.cloud.aws.state();
        assert!(aws.buckets.is_empty() && aws.roles.is_empty() && aws.aliases.is_empty());
        assert!(aws.keys.values().all(|key| key.state == "PendingDeletion"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_unwritten_setting_keeps_what_an_import_found_until_it_is_written() {
    let mut rotating = kms_abroad();
    rotating["source"]["object_ownership"] = json!("BucketOwnerPreferred");
    rotating["source"]["encryption"]["key"] =
        json!({ "enable_key_rotation": false, "description": "Found" });
    rotating["role"] = json!({ "name": "copier", "description": "Copies" });
    rotating["destinations"]["backup"]["delete_marker_replication"] = json!(true);
    let mut terraform = imported(&rotating).await;
    terraform.assert_settled(&kms_abroad()).await;
    {
        let mut aws = terraform.cloud.aws.state();
        aws.buckets.get_mut("acme-archive").unwrap().ownership = "ObjectWriter".to_owned();
    }
    let plan = terraform.plan(&kms_abroad()).await;
    assert_eq!(
        differences(&terraform.state, &plan.planned),
        ["source.object_ownership: ObjectWriter -> BucketOwnerPreferred"]
    );
    terraform.converge(&kms_abroad()).await;
    let enforced = with(
        &kms_abroad(),
        "source.object_ownership",
        json!("BucketOwnerEnforced"),
    );
    terraform.converge(&enforced).await;
}

#[tokio::test(start_paused = true)]
async fn the_import_id_holds_every_way_in_that_is_written_and_no_other() {
    let own = kms_abroad();
    let from_a_role = with(&own, "source.assume_role", deploy(HOME));
    let by_a_block = with(
        &without(&own, "destinations.backup.assume_role"),
        "destinations.backup.account_id",
        json!(ABROAD),
    );
    let both = with(&by_a_block, "source.assume_role", deploy(HOME));
    let near = with(&from_a_role, "destinations.near.region", json!("us-east-1"));
    let near = with(&near, "destinations.near.assume_role", deploy(HOME));
    let place = format!("{HOME}/acme-archive@eu-west-1");
    let home = format!(",arn:aws:iam::{HOME}:role/Deploy");
    let abroad = format!(",arn:aws:iam::{ABROAD}:role/Deploy");
    for (config, id) in [
        (own, format!("{place}{abroad}")),
        (from_a_role, format!("{place}{home}{abroad}")),
        (by_a_block, place.clone()),
        (both, format!("{place}{home}")),
        (near, format!("{place}{home}{abroad}")),
    ] {
        let mut first = Terraform::new();
        let (account, way_in) = crate::updates::account(ABROAD);
        first.settings.accounts.insert(account, way_in);
        first.converge(&config).await;
        assert_eq!(first.at("/import_id"), json!(id));
        let mut second = Terraform::over(first.cloud.clone());
        second.settings = first.settings.clone();
        assert_eq!(second.import(&id).await.errors, Vec::<String>::new());
        second.assert_settled(&config).await;
    }
}

/// Rules of every kind on one destination, a filter on the other.
fn with_rules() -> serde_json::Value {
    let config = with(
        &two_destinations(),
        "destinations.backup.rules",
        json!({
            "archive": {
                "filter": { "prefix": "archive/", "tags": { "keep": "yes" } },
                "priority": 10,
                "storage_class": "DEEP_ARCHIVE",
                "replication_time_control": true,
                "owner_override": true,
            },
            "deletions": {
                "filter": { "prefix": "data/" },
                "delete_marker_replication": true,
                "replica_modification_sync": true,
                "metrics": true,
            },
            "named": { "filter": { "prefix": "named/" }, "id": "their-own-id", "enabled": false },
            "plain": { "filter": { "prefix": "plain/" }, "replicate_encrypted_objects": false },
        }),
    );
    with(
        &config,
        "destinations.near.filter",
        json!({ "prefix": "near/" }),
    )
}

#[tokio::test(start_paused = true)]
async fn several_rules_of_a_destination_import_under_their_names() {
    let mut config = with_rules();
    // A name that is not in the ID is made of it.
    let rules = config["destinations"]["backup"]["rules"]
        .as_object_mut()
        .unwrap();
    let named = rules.remove("named").unwrap();
    rules.insert("their-own-id".to_owned(), named);
    let mut terraform = imported(&config).await;
    terraform.assert_settled(&config).await;
    assert_eq!(
        terraform.at("/destinations/backup/rule_ids/their-own-id"),
        json!("their-own-id")
    );
    // One rule is the destination's own, with or without a filter.
    assert_eq!(terraform.at("/destinations/near/rules"), json!(null));
}

#[tokio::test(start_paused = true)]
async fn rules_that_nobody_writes_after_an_import_stay_as_they_were_found() {
    let mut terraform = imported(&with_rules()).await;
    let before = terraform.shown();
    terraform.assert_settled(&two_destinations()).await;
    assert_eq!(terraform.shown(), before);
    // What is written then counts.
    let written = with(
        &two_destinations(),
        "destinations.backup.rules",
        json!({ "archive": { "filter": { "prefix": "" } } }),
    );
    terraform.converge(&written).await;
    let rule =
        |attribute: &str| terraform.at(&format!("/destinations/backup/rules/archive/{attribute}"));
    assert_eq!(rule("priority"), json!(10));
    assert_eq!(rule("storage_class"), json!("DEEP_ARCHIVE"));
    assert_eq!(rule("filter"), json!({ "prefix": "", "tags": null }));
}

#[tokio::test(start_paused = true)]
async fn an_import_of_what_is_not_there_says_so() {
    let mut terraform = Terraform::new();
    let said = terraform.import("acme-nothing").await;
    assert_eq!(said.errors, ["Bucket acme-nothing does not exist"]);
    let said = terraform.import("Not a bucket").await;
    assert_eq!(said.errors, ["This is no import ID"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_generated_for_a_bucket_alone_is_refused_with_what_to_write() {
    let (mut terraform, _) = origins::origin(origins::UNREPLICATED).await;
    let said = terraform.import("acme-archive").await;
    assert_eq!(said.errors, Vec::<String>::new());
    let generated = terraform.generated().await;
    assert_eq!(generated["destinations"], json!({}));
    let said = terraform.validate(&generated).await;
    assert_eq!(said.errors, ["destinations: Invalid attribute value"]);
    let to_write = "destinations = { backup = { region = \"us-west-2\" } }";
    assert!(said.details[0].contains(to_write), "{:?}", said.details);
    let written = json!({ "backup": { "region": "us-west-2" } });
    terraform
        .converge(&with(&generated, "destinations", written))
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_destination_may_be_written_under_another_key_than_the_import_gives_it() {
    let (mut terraform, config) = origins::origin("CloudFormation").await;
    let said = terraform.import("acme-archive").await;
    assert_eq!(said.errors, Vec::<String>::new());
    let side = config["destinations"]["backup"].clone();
    let renamed = with(
        &without(&config, "destinations.backup"),
        "destinations.dr",
        side,
    );
    let plan = terraform.plan(&renamed).await;
    let changes = differences(&terraform.state, &plan.planned);
    let of_components: Vec<&String> = changes
        .iter()
        .filter(|change| change.starts_with("components.source"))
        .collect();
    assert_eq!(of_components, Vec::<&String>::new());
    let before = terraform.cloud.aws.state().buckets.clone();
    terraform.converge(&renamed).await;
    let aws = terraform.cloud.aws.state();
    let rules = |bucket: &crate::fake::Bucket| bucket.replication.clone();
    assert_eq!(
        rules(&aws.buckets["acme-archive"]),
        rules(&before["acme-archive"])
    );
    assert_eq!(aws.buckets.len(), before.len());
}
