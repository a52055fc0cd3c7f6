//! Names of buckets that say where they belong.

use serde_json::json;

use crate::configs::{ABROAD, HOME, kms_abroad, with};
use crate::terraform::Terraform;

#[tokio::test(start_paused = true)]
async fn a_name_of_a_regional_namespace_belongs_to_its_account_and_region() {
    let mut terraform = Terraform::new();
    let named = |account: &str, region: &str| {
        let name = format!("acme-{account}-{region}-an");
        with(&kms_abroad(), "destinations.backup.bucket", json!(name))
    };
    for config in [named(HOME, "us-west-2"), named(ABROAD, "us-east-1")] {
        let said = terraform.plan(&config).await.said;
        assert_eq!(
            said.errors,
            ["destinations[\"backup\"].bucket: The name belongs to another account or region"]
        );
    }
    terraform.converge(&named(ABROAD, "us-west-2")).await;
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_directory_bucket_is_refused_by_that_word() {
    let terraform = Terraform::new();
    let name = json!("acme--usw2-az1--x-s3");
    for path in ["source.bucket", "destinations.backup.bucket"] {
        let said = terraform
            .validate(&with(&kms_abroad(), path, name.clone()))
            .await;
        let [detail] = &said.details[..] else {
            panic!("{said:?}");
        };
        assert!(detail.contains("directory bucket"), "{detail}");
    }
}
