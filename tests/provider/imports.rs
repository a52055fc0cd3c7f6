//! Import, and what the configuration then changes.

use serde_json::json;

use crate::configs::{kms_abroad, two_destinations, with};
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
async fn an_import_of_what_is_not_there_says_so() {
    let mut terraform = Terraform::new();
    let said = terraform.import("acme-nothing").await;
    assert_eq!(said.errors, ["Bucket acme-nothing does not exist"]);
    let said = terraform.import("Not a bucket").await;
    assert_eq!(said.errors, ["This is no import ID"]);
}
