//! What is somebody else's is imported as somebody else's: a destroy must not delete it.

use serde_json::{Value as Json, json};

use super::{SOURCE, TARGET, THEIR_ROLE, bucket, config, world};
use crate::configs::{ABROAD, kms_abroad, two_destinations, with};
use crate::terraform::{SOMEBODYS_KEY, Terraform};

/// Applies a configuration and imports it into another state.
async fn imported(first: &mut Terraform, config: &Json) -> Terraform {
    let said = first.apply(config).await;
    assert_eq!(said.errors, Vec::<String>::new());
    again(first).await
}

/// Imports what is there into another state.
async fn again(first: &Terraform) -> Terraform {
    let mut second = Terraform::over(first.cloud.clone());
    second.settings = first.settings.clone();
    let id = first.at("/import_id");
    let said = second.import(id.as_str().unwrap()).await;
    assert_eq!(said.errors, Vec::<String>::new());
    second
}

fn their_key() -> String {
    format!("arn:aws:kms:us-west-2:{ABROAD}:{SOMEBODYS_KEY}000000000000")
}

#[tokio::test(start_paused = true)]
async fn buckets_and_roles_of_others_import_as_theirs_and_plan_empty() {
    let key = json!({ "kms_key_arn": their_key() });
    let under = "destinations.archive.encryption";
    let by_role = with(&config(), "role", json!({ "existing_arn": THEIR_ROLE }));
    let encrypted = with(&by_role, under, key.clone());
    let managed = with(
        &encrypted,
        "destinations.archive.manage_key_policy",
        json!(true),
    );
    let made = with(&config(), under, json!({ "sse_algorithm": "aws:kms" }));
    let two_way = with(&config(), "destinations.archive.two_way", json!(true));
    for config in [config(), by_role, encrypted, managed, made, two_way] {
        let mut first = world().await;
        let mut second = imported(&mut first, &config).await;
        second.assert_settled(&config).await;
        assert_eq!(second.destroy().await.errors, Vec::<String>::new());
        let mut aws = second.cloud.aws.state();
        for name in [SOURCE, TARGET] {
            assert_eq!(bucket(&mut aws, name).tags.len(), 1);
            assert_eq!(bucket(&mut aws, name).versions.len(), 1);
        }
        assert!(
            aws.roles
                .values()
                .any(|role| role.description.arn == THEIR_ROLE)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn rules_of_others_on_an_existing_source_are_not_imported() {
    let mut first = world().await;
    bucket(&mut first.cloud.aws.state(), SOURCE).replication = Some(super::their_rules());
    let config = with(&config(), "role", json!({ "existing_arn": THEIR_ROLE }));
    let mut second = imported(&mut first, &config).await;
    second.assert_settled(&config).await;
    assert_eq!(second.destroy().await.errors, Vec::<String>::new());
    let aws = second.cloud.aws.state();
    assert_eq!(aws.buckets[SOURCE].replication, Some(super::their_rules()));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_left_to_its_owner_imports_so() {
    let role = json!({ "existing_arn": THEIR_ROLE, "manage_policy": false });
    let config = with(&config(), "role", role);
    let mut first = world().await;
    let second = imported(&mut first, &config).await;
    assert_eq!(second.at("/role/existing_arn"), json!(THEIR_ROLE));
    assert_eq!(second.at("/role/manage_policy"), json!(false));
}

#[tokio::test(start_paused = true)]
async fn a_bucket_and_a_role_with_another_owners_tags_import_as_theirs() {
    let mut first = Terraform::new();
    first.converge(&two_destinations()).await;
    let other = "333333333333/somebodys";
    {
        let mut aws = first.cloud.aws.state();
        let tags = &mut bucket(&mut aws, "acme-archive-near").tags;
        tags.insert("replicated:owner".to_owned(), other.to_owned());
        let role = aws.roles.values_mut().next().unwrap();
        let tags = &mut role.description.tags;
        tags.insert("replicated:owner".to_owned(), other.to_owned());
    }
    let mut second = again(&first).await;
    assert_eq!(second.at("/destinations/near/existing"), json!(true));
    assert_eq!(second.at("/destinations/backup/existing"), json!(false));
    assert_eq!(second.at("/role/existing_arn"), second.at("/role/arn"));
    assert_eq!(second.destroy().await.errors, Vec::<String>::new());
    let aws = second.cloud.aws.state();
    let left: Vec<&String> = aws.buckets.keys().collect();
    assert_eq!(left, ["acme-archive-near"]);
    assert_eq!(aws.roles.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn retired_keys_are_imported_and_go_with_their_bucket() {
    let mut first = Terraform::new();
    first.converge(&kms_abroad()).await;
    let key = json!({ "key": { "multi_region": true } });
    let config = with(&kms_abroad(), "destinations.backup.encryption", key);
    let plain = json!({ "sse_algorithm": "AES256" });
    let config = with(&config, "source.encryption", plain);
    let mut second = imported(&mut first, &config).await;
    assert_eq!(second.at("/components"), first.at("/components"));
    second.assert_settled(&config).await;
    assert_eq!(second.destroy().await.errors, Vec::<String>::new());
    let aws = second.cloud.aws.state();
    let states: Vec<&str> = aws.keys.values().map(|key| key.state.as_str()).collect();
    assert_eq!(states, ["PendingDeletion"; 3]);
}

#[tokio::test(start_paused = true)]
async fn keys_that_may_not_be_looked_through_are_told_of() {
    let mut first = Terraform::new();
    first.converge(&kms_abroad()).await;
    first.cloud.refuse("ListKeys all keys");
    let mut second = Terraform::over(first.cloud.clone());
    let id = first.at("/import_id");
    let said = second.import(id.as_str().unwrap()).await;
    assert_eq!(said.errors, Vec::<String>::new());
    assert_eq!(
        said.warnings,
        ["source", "destinations[\"backup\"]"]
            .map(|side| format!("{side}: Keys cannot be looked through"))
    );
}
