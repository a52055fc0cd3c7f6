//! `terraform query`: which buckets are listed, what of each, and what becomes of those that cannot be looked at.

use serde_json::{Value as Json, json};

use crate::configs::{ABROAD, HOME, kms_abroad, with, without};
use crate::existing::stands;
use crate::terraform::{Listed, Terraform};

/// Three buckets that replicate and one that does not in the provider's region, one that does elsewhere, and
/// somebody else's account.
async fn world() -> Terraform {
    let mut terraform = Terraform::new();
    let (account, way_in) = crate::updates::account(ABROAD);
    terraform.settings.accounts.insert(account, way_in);
    let config = with(
        &without(&kms_abroad(), "destinations.backup.assume_role"),
        "destinations.backup.account_id",
        json!(ABROAD),
    );
    for (bucket, region) in [
        ("acme-archive", "eu-west-1"),
        ("acme-books", "eu-west-1"),
        ("other-books", "eu-west-1"),
        ("acme-far", "us-east-1"),
    ] {
        let config = with(&config, "source.bucket", json!(bucket));
        let config = with(&config, "source.region", json!(region));
        let mut one = Terraform::over(terraform.cloud.clone());
        one.settings = terraform.settings.clone();
        one.converge(&config).await;
    }
    stands(&terraform, HOME, "eu-west-1", "acme-alone").await;
    stands(&terraform, ABROAD, "eu-west-1", "acme-theirs").await;
    terraform.cloud.take_queries();
    terraform
}

fn names(listed: &[Listed]) -> Vec<&str> {
    listed.iter().map(|one| one.name.as_str()).collect()
}

async fn listed(terraform: &Terraform, config: Json) -> Vec<Listed> {
    let listed = terraform.list(&config, false, 100).await;
    assert!(listed.iter().all(|one| one.said.is_fine()));
    listed
}

#[tokio::test(start_paused = true)]
async fn buckets_of_the_account_and_region_that_replicate_are_listed_with_their_identities() {
    let terraform = world().await;
    let all = listed(&terraform, json!({})).await;
    assert_eq!(names(&all), ["acme-archive", "acme-books", "other-books"]);
    let identity = json!({ "account_id": HOME, "region": "eu-west-1", "bucket": "acme-archive" });
    assert_eq!(all[0].identity, identity);
    assert!(all.iter().all(|one| one.object.is_none()));
    // Nothing is asked beyond who replicates.
    let asked = terraform.cloud.take_queries();
    let beyond = asked.iter().filter(|(_, query)| {
        !query.starts_with("ListBuckets") && !query.starts_with("GetBucketReplication")
    });
    assert_eq!(beyond.count(), 0, "{asked:?}");
    for (config, expected) in [
        (
            json!({ "prefix": "acme-" }),
            vec!["acme-archive", "acme-books"],
        ),
        (json!({ "prefix": "nobody" }), vec![]),
        (json!({ "region": "us-east-1" }), vec!["acme-far"]),
        (json!({ "region": "us-east-1", "prefix": "other" }), vec![]),
    ] {
        assert_eq!(names(&listed(&terraform, config).await), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_listed_imports_as_the_object_that_was_listed() {
    let terraform = world().await;
    let all = terraform.list(&json!({}), true, 100).await;
    assert_eq!(names(&all), ["acme-archive", "acme-books", "other-books"]);
    for one in all {
        assert_eq!(one.said.warnings, Vec::<String>::new());
        let mut imported = Terraform::over(terraform.cloud.clone());
        imported.settings = terraform.settings.clone();
        let said = imported.import_by_identity(&one.identity).await;
        assert!(said.is_fine(), "{said:?}");
        assert!(imported.state.same(&one.object.unwrap()), "{}", one.name);
        imported.assert_generated_settles().await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_is_listed_or_asked_than_was_wanted() {
    let terraform = world().await;
    for number in 0..40 {
        stands(&terraform, HOME, "eu-west-1", &format!("zzz-{number}")).await;
    }
    let one = terraform.list(&json!({}), false, 1).await;
    assert_eq!(names(&one), ["acme-archive"]);
    let asked = terraform.cloud.take_queries().len();
    assert!(asked < 20, "{asked} questions for one bucket");
    assert!(terraform.list(&json!({}), false, 0).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_cannot_be_looked_at_is_a_warning_and_not_the_end() {
    let terraform = world().await;
    terraform.cloud.refuse("GetBucketReplication acme-books");
    for with_objects in [false, true] {
        let all = terraform.list(&json!({}), with_objects, 2).await;
        assert_eq!(names(&all), ["acme-archive", "", "other-books"]);
        assert_eq!(all[1].identity, Json::Null);
        assert_eq!(all[1].said.errors, Vec::<String>::new());
        assert_eq!(all[1].said.warnings, ["acme-books: Cannot read acme-books"]);
    }
    terraform.cloud.recover();
    // A destination that nobody gets at is listed as an import finds it, which is told of.
    terraform.cloud.close(ABROAD);
    assert_eq!(terraform.list(&json!({}), false, 100).await.len(), 3);
    let all = terraform.list(&json!({}), true, 100).await;
    assert_eq!(all.len(), 3);
    for one in all {
        assert!(one.object.is_some());
        let shut = format!("{}: Account {ABROAD} cannot be entered", one.name);
        assert!(one.said.warnings.contains(&shut), "{:?}", one.said);
    }
}

#[tokio::test(start_paused = true)]
async fn what_keeps_the_whole_list_from_beginning_is_an_error() {
    let mut terraform = world().await;
    terraform.cloud.refuse("ListBuckets all buckets");
    let all = terraform.list(&json!({}), false, 100).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].said.errors, ["Cannot read all buckets"]);
    terraform.cloud.recover();
    terraform.settings.region = None;
    let all = terraform.list(&json!({}), false, 100).await;
    assert_eq!(all[0].said.errors, ["No region"]);
    let there = terraform
        .list(&json!({ "region": "us-east-1" }), false, 100)
        .await;
    assert_eq!(names(&there), ["acme-far"]);
    terraform.settings.region = None;
    terraform.cloud.close(HOME);
    let all = terraform
        .list(&json!({ "region": "us-east-1" }), false, 100)
        .await;
    assert_eq!(all[0].said.errors, ["No way into the account"]);
}
