//! What the provider block means for a resource: ignored tags, abandoned accounts, what is skipped.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::ids::AccountId;
use terraform_provider_replicated::replication::ignored_tags::IgnoredTags;
use terraform_provider_replicated::replication::operation::Tags;

use crate::configs::{ABROAD, HOME, kms_abroad, two_destinations, with, without};
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
pub fn tag_sets(aws: &mut State) -> Vec<&mut Tags> {
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
    let backup = "destinations.backup";
    let two_way = with(&kms_abroad(), &format!("{backup}.two_way"), json!(true));
    let role = json!({ "tags": { "cost": "8" } });
    let config = with(&two_way, &format!("{backup}.two_way_role"), role);
    let plan = terraform.plan(&config).await;
    assert_eq!(
        plan.said.errors,
        ["destinations[\"backup\"].two_way_role.tags[\"cost\"]: A tag that is ignored"]
    );
}

/// The account of the destination `backup` is gone.
fn abandon(terraform: &mut Terraform) {
    let gone = AccountId::parse(ABROAD).unwrap();
    terraform.settings.abandoned.insert(gone);
    terraform.cloud.close(ABROAD);
    terraform.cloud.take_queries();
}

fn asked_abroad(terraform: &Terraform) -> bool {
    let queries = terraform.cloud.take_queries();
    queries.iter().any(|(account, _)| account == ABROAD)
}

const ABANDONED: &str = "destinations[\"backup\"]: Account 222222222222 is abandoned";

#[tokio::test(start_paused = true)]
async fn a_destination_in_an_abandoned_account_leaves_the_state_at_refresh_without_a_call() {
    let mut terraform = Terraform::new();
    terraform.converge(&two_destinations()).await;
    abandon(&mut terraform);
    let said = terraform.refresh().await;
    assert_eq!(said.errors, nothing());
    assert_eq!(said.warnings, [ABANDONED]);
    assert_eq!(terraform.at("/destinations/backup"), Json::Null);
    assert!(terraform.at("/destinations/near").is_object());
    let left = terraform.shown()["components"].to_string();
    assert!(!left.contains("destination/backup"), "{left}");

    let only_near = without(&two_destinations(), "destinations.backup");
    let warnings = terraform.converge(&only_near).await;
    assert_eq!(warnings, nothing());
    assert!(!asked_abroad(&terraform));
    assert_eq!(terraform.destroy().await.errors, nothing());
    assert!(!asked_abroad(&terraform));
}

#[tokio::test(start_paused = true)]
async fn without_a_refresh_the_plan_and_the_apply_list_what_is_left_behind() {
    let mut terraform = Terraform::new();
    terraform.converge(&two_destinations()).await;
    abandon(&mut terraform);
    terraform.refreshing = false;
    let only_near = without(&two_destinations(), "destinations.backup");
    let plan = terraform.plan(&only_near).await;
    assert_eq!(plan.said.errors, nothing());
    assert_eq!(plan.said.warnings, [ABANDONED]);
    let said = terraform.carry_out(plan, &only_near).await;
    assert_eq!(said.errors, nothing());
    assert_eq!(said.warnings.last().unwrap(), ABANDONED);
    assert!(!asked_abroad(&terraform));
    terraform.refreshing = true;
    terraform.assert_settled(&only_near).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_can_be_configured_in_an_abandoned_account() {
    let mut terraform = Terraform::new();
    terraform.converge(&two_destinations()).await;
    abandon(&mut terraform);
    let plan = terraform.plan(&two_destinations()).await;
    assert_eq!(plan.said.errors, [ABANDONED]);
    assert!(!asked_abroad(&terraform));
}

#[tokio::test(start_paused = true)]
async fn a_destroy_passes_over_an_abandoned_account() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    abandon(&mut terraform);
    terraform.refreshing = false;
    let said = terraform.destroy().await;
    assert_eq!(said.errors, nothing());
    assert!(said.warnings.contains(&ABANDONED.to_owned()), "{said:?}");
    assert!(terraform.state.is_null());
    assert!(!asked_abroad(&terraform));
    let aws = terraform.cloud.aws.state();
    let left: Vec<&String> = aws.buckets.keys().collect();
    assert_eq!(left, ["acme-archive-backup"]);
}

#[tokio::test(start_paused = true)]
async fn where_the_sources_account_is_abandoned_a_destroy_takes_the_rest_down() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let gone = AccountId::parse(HOME).unwrap();
    terraform.settings.abandoned.insert(gone);
    terraform.cloud.take_queries();
    let plan = terraform.plan(&kms_abroad()).await;
    assert_eq!(
        plan.said.errors,
        ["source: Account 111111111111 is abandoned"]
    );
    let said = terraform.destroy().await;
    assert_eq!(said.errors, nothing());
    assert!(terraform.state.is_null());
    let queries = terraform.cloud.take_queries();
    assert!(!queries.is_empty() && queries.iter().all(|(account, _)| account == ABROAD));
    let aws = terraform.cloud.aws.state();
    let left: Vec<&String> = aws.buckets.keys().collect();
    assert_eq!(left, ["acme-archive"]);
    assert!(!aws.roles.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_resource_leaves_the_state_when_all_its_accounts_are_abandoned() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    for id in [HOME, ABROAD] {
        let gone = AccountId::parse(id).unwrap();
        terraform.settings.abandoned.insert(gone);
    }
    let said = terraform.refresh().await;
    assert_eq!(said.errors, nothing());
    assert_eq!(said.warnings.len(), 2, "{said:?}");
    assert!(terraform.state.is_null());
}

#[tokio::test(start_paused = true)]
async fn an_account_that_nobody_asks_for_is_the_one_that_is_written() {
    let mut terraform = Terraform::new();
    terraform.settings.skip_requesting_account_id = true;
    let plan = terraform.plan(&kms_abroad()).await;
    assert_eq!(
        plan.said.errors,
        ["source.account_id: The account is not told"]
    );
    // A role tells itself whose it is.
    let told = with(&kms_abroad(), "source.account_id", json!(HOME));
    terraform.converge(&told).await;
    assert_eq!(terraform.destroy().await.errors, nothing());
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_not_known_is_an_error_unless_that_is_skipped() {
    let mut terraform = Terraform::new();
    let mistyped = with(
        &kms_abroad(),
        "destinations.backup.region",
        json!("us-wset-2"),
    );
    let plan = terraform.plan(&mistyped).await;
    assert_eq!(
        plan.said.errors,
        ["destinations[\"backup\"].region: No such region"]
    );
    terraform.settings.skip_region_validation = true;
    terraform.converge(&mistyped).await;
}
