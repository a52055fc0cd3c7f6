//! Somebody deletes a part of ours by hand, and another resource makes its own under the name.

use serde_json::{Value as Json, json};

use crate::configs::{kms_abroad, two_destinations, with};
use crate::terraform::Terraform;

const SOURCE: &str = "acme-archive";
const NEAR: &str = "acme-archive-near";
const OTHER: &str = "111111111111/other";

/// A setup whose bucket or role is another resource's by now, with an object in the bucket.
async fn taken(config: &Json, bucket: Option<&str>) -> Terraform {
    let mut terraform = Terraform::new();
    terraform.converge(config).await;
    {
        let mut aws = terraform.cloud.aws.state();
        let tags = match bucket {
            Some(name) => {
                let bucket = aws.buckets.get_mut(name).unwrap();
                bucket.put_object("theirs");
                &mut bucket.tags
            }
            None => {
                let role = aws.roles.values_mut().next().unwrap();
                &mut role.description.tags
            }
        };
        tags.insert("replicated:owner".to_owned(), OTHER.to_owned());
        aws.writes.clear();
    }
    terraform
}

fn assert_untouched(terraform: &Terraform) {
    assert_eq!(terraform.cloud.aws.state().writes, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_bucket_of_another_owner_is_neither_emptied_nor_changed() {
    let forced = with(&kms_abroad(), "source.force_destroy", json!(true));
    let mut terraform = taken(&forced, Some(SOURCE)).await;
    let said = terraform.destroy().await;
    assert_eq!(
        said.errors,
        ["source: Bucket acme-archive belongs to another replicated_bucket now"]
    );
    assert!(said.details[0].contains(OTHER), "{:?}", said.details);
    let changed = with(&forced, "tags", json!({ "team": "storage" }));
    let refreshed = terraform.refresh().await;
    assert_eq!(
        refreshed.warnings,
        ["source.bucket: Bucket acme-archive belongs to another replicated_bucket now"]
    );
    let said = terraform.apply(&changed).await;
    assert_eq!(
        said.errors,
        ["source.bucket: Bucket acme-archive belongs to another replicated_bucket now"]
    );
    assert_untouched(&terraform);
}

#[tokio::test(start_paused = true)]
async fn a_destination_of_another_owner_is_not_taken_down_with_its_block() {
    let near = "destinations.near.force_destroy";
    let forced = with(&two_destinations(), near, json!(true));
    let mut terraform = taken(&forced, Some(NEAR)).await;
    let said = terraform.apply(&kms_abroad()).await;
    assert_eq!(
        said.errors,
        [
            "destinations[\"near\"]: Bucket acme-archive-near belongs to another replicated_bucket now"
        ]
    );
    assert_untouched(&terraform);
}

#[tokio::test(start_paused = true)]
async fn a_role_of_another_owner_is_neither_changed_nor_deleted() {
    let mut terraform = taken(&kms_abroad(), None).await;
    let refused = ["role: Role replication-acme-archive belongs to another replicated_bucket now"];
    assert_eq!(terraform.destroy().await.errors, refused);
    let changed = with(&kms_abroad(), "tags", json!({ "team": "storage" }));
    assert_eq!(terraform.refresh().await.warnings, refused);
    assert_eq!(terraform.apply(&changed).await.errors, refused);
    assert_untouched(&terraform);
}
