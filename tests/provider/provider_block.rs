//! What the provider block means for a resource: ignored tags, abandoned accounts, what is skipped.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::ignored_tags::IgnoredTags;
use terraform_provider_replicated::replication::operation::Tags;

use crate::configs::{kms_abroad, with};
use crate::fake::State;
use crate::terraform::Terraform;

fn nothing() -> Vec<String> {
    Vec::new()
}

/// A client whose provider block leaves the tags `cost` and `scanner:*` to somebody else.
fn ignoring() -> Terraform {
    let mut terraform = Terraform::new();
    terraform.settings.ignored_tags = IgnoredTags {
        keys: ["cost".to_owned()].into(),
        key_prefixes: ["scanner:".to_owned()].into(),
    };
    terraform
}

/// Every set of tags that the resource keeps.
fn tag_sets(aws: &mut State) -> Vec<&mut Tags> {
    let buckets = aws.buckets.values_mut().map(|bucket| &mut bucket.tags);
    let keys = aws.keys.values_mut().map(|key| &mut key.tags);
    let roles = aws
        .roles
        .values_mut()
        .map(|role| &mut role.description.tags);
    buckets.chain(keys).chain(roles).collect()
}

#[tokio::test(start_paused = true)]
async fn ignored_tags_of_somebody_else_stay_on_every_component_and_are_no_difference() {
    let mut terraform = ignoring();
    let config = with(&kms_abroad(), "tags", json!({ "team": "archive" }));
    terraform.converge(&config).await;
    let mut sets = 0;
    for tags in tag_sets(&mut terraform.cloud.aws.state()) {
        tags.insert("cost".to_owned(), "7".to_owned());
        tags.insert("scanner:run".to_owned(), "yesterday".to_owned());
        sets += 1;
    }
    assert_eq!(sets, 5, "two buckets, two keys, one role");
    let plan = terraform.plan(&config).await;
    assert!(plan.is_empty && plan.said.is_fine(), "{plan:?}");

    let changed = with(&config, "tags", json!({ "team": "ops" }));
    terraform.converge(&changed).await;
    for tags in tag_sets(&mut terraform.cloud.aws.state()) {
        assert_eq!(tags["cost"], "7");
        assert_eq!(tags["scanner:run"], "yesterday");
        assert_eq!(tags["team"], "ops");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_is_not_ignored_is_still_drift() {
    let mut terraform = ignoring();
    terraform.converge(&kms_abroad()).await;
    for tags in tag_sets(&mut terraform.cloud.aws.state()) {
        tags.insert("scanner".to_owned(), "manual".to_owned());
    }
    assert!(!terraform.plan(&kms_abroad()).await.is_empty);
    terraform.converge(&kms_abroad()).await;
    for tags in tag_sets(&mut terraform.cloud.aws.state()) {
        assert!(!tags.contains_key("scanner"), "{tags:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_import_does_not_see_ignored_tags() {
    let mut first = ignoring();
    first.converge(&kms_abroad()).await;
    for tags in tag_sets(&mut first.cloud.aws.state()) {
        tags.insert("scanner:run".to_owned(), "yesterday".to_owned());
    }
    let mut second = Terraform::over(first.cloud.clone());
    second.settings = first.settings.clone();
    let id = first.at("/import_id");
    let said = second.import(id.as_str().unwrap()).await;
    assert_eq!(said.errors, nothing());
    for path in ["/tags", "/source/tags", "/role/tags"] {
        assert_eq!(second.at(path), Json::Null, "{path}");
    }
    second.assert_settled(&kms_abroad()).await;
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_is_ignored_cannot_be_written() {
    let mut terraform = ignoring();
    for (path, told) in [
        ("tags", "tags[\"cost\"]"),
        ("source.tags", "source.tags[\"cost\"]"),
        ("role.tags", "role.tags[\"cost\"]"),
        (
            "destinations.backup.encryption.key.tags",
            "destinations[\"backup\"].encryption.key.tags[\"cost\"]",
        ),
    ] {
        let config = with(&kms_abroad(), path, json!({ "cost": "8" }));
        let plan = terraform.plan(&config).await;
        assert_eq!(plan.said.errors, [format!("{told}: A tag that is ignored")]);
    }
}
