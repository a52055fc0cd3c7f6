//! The identity: told from the first plan on, the same for life, checked, and as good as an ID for an import.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::framework::value::Value;

use crate::configs::{ABROAD, HOME, UNKNOWN, kms_abroad, value, with, without};
use crate::terraform::{Said, Terraform};

fn identity(terraform: &Terraform) -> Json {
    terraform
        .identity
        .to_json(&terraform.identity_ty())
        .unwrap()
}

fn archive(region: &str) -> Json {
    json!({ "account_id": HOME, "region": region, "bucket": "acme-archive" })
}

/// The setup without roles of its own; an `account` block tells how to get abroad.
fn by_a_block() -> Json {
    with(
        &without(&kms_abroad(), "destinations.backup.assume_role"),
        "destinations.backup.account_id",
        json!(ABROAD),
    )
}

fn with_a_block(mut terraform: Terraform) -> Terraform {
    let (account, way_in) = crate::updates::account(ABROAD);
    terraform.settings.accounts.insert(account, way_in);
    terraform
}

#[tokio::test(start_paused = true)]
async fn it_is_planned_created_read_and_kept_by_updates() {
    let mut terraform = Terraform::new();
    let plan = terraform.plan(&kms_abroad()).await;
    let ty = terraform.identity_ty();
    assert_eq!(plan.identity.to_json(&ty).unwrap(), archive("eu-west-1"));
    terraform.converge(&kms_abroad()).await;
    assert_eq!(identity(&terraform), archive("eu-west-1"));
    let changed = with(&kms_abroad(), "tags", json!({ "team": "storage" }));
    terraform.converge(&changed).await;
    assert_eq!(identity(&terraform), archive("eu-west-1"));
    terraform.destroy().await;
    assert!(terraform.identity.is_null());
}

#[tokio::test(start_paused = true)]
async fn where_a_part_is_known_after_apply_the_plan_has_none() {
    let unnamed = with(&kms_abroad(), "source.bucket", json!(UNKNOWN));
    let mut terraform = Terraform::new();
    let plan = terraform.plan(&unnamed).await;
    assert_eq!(plan.said.errors, Vec::<String>::new());
    // Terraform 1.15 shows no plan with an identity of which a part is unknown.
    assert!(plan.identity.is_null());
    let said = terraform.apply_later(&unnamed, &kms_abroad()).await;
    assert_eq!(said.errors, Vec::<String>::new());
    assert_eq!(identity(&terraform), archive("eu-west-1"));
}

#[tokio::test(start_paused = true)]
async fn a_replacement_has_another_one() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let moved = with(&kms_abroad(), "source.region", json!("eu-central-1"));
    let moved = with(&moved, "source.bucket", json!("acme-archive-2"));
    let plan = terraform.plan(&moved).await;
    assert_eq!(plan.replaced_by, ["source.bucket", "source.region"]);
    terraform.converge(&moved).await;
    let mut there = archive("eu-central-1");
    there["bucket"] = json!("acme-archive-2");
    assert_eq!(identity(&terraform), there);
}

#[tokio::test(start_paused = true)]
async fn a_state_of_a_client_without_identities_gets_one_with_the_next_read() {
    let mut terraform = Terraform::new();
    terraform.knows_identities = false;
    terraform.converge(&kms_abroad()).await;
    let changed = with(&kms_abroad(), "tags", json!({ "team": "storage" }));
    terraform.converge(&changed).await;
    assert!(terraform.identity.is_null());
    terraform.knows_identities = true;
    terraform.assert_settled(&changed).await;
    assert_eq!(identity(&terraform), archive("eu-west-1"));
}

#[tokio::test(start_paused = true)]
async fn one_of_an_earlier_version_is_read_and_completed() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let stored = json!({ "bucket": "acme-archive" });
    terraform.identity = terraform.upgrade_identity(0, stored).await.unwrap();
    let upgraded = json!({ "account_id": null, "region": null, "bucket": "acme-archive" });
    assert_eq!(identity(&terraform), upgraded);
    terraform.assert_settled(&kms_abroad()).await;
    assert_eq!(identity(&terraform), archive("eu-west-1"));
    let newer = terraform.upgrade_identity(2, json!({})).await.unwrap_err();
    assert_eq!(
        newer.errors,
        ["The stored identity is newer than the provider"]
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_fit_the_state_is_an_error_in_words() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let ty = terraform.identity_ty();
    terraform.identity = value(&archive("us-west-2"), &ty);
    let plan = terraform.plan(&kms_abroad()).await;
    assert_eq!(plan.said.errors, ["The identity does not fit the state"]);
}

/// An ID or an identity, and what comes of it.
async fn imported(first: &Terraform, by: &Json) -> (Terraform, Said) {
    let mut second = with_a_block(Terraform::over(first.cloud.clone()));
    let said = match by.as_str() {
        Some(id) => second.import(id).await,
        None => second.import_by_identity(by).await,
    };
    (second, said)
}

#[tokio::test(start_paused = true)]
async fn every_form_of_import_finds_the_same() {
    let mut first = with_a_block(Terraform::new());
    first.converge(&by_a_block()).await;
    let role = format!(",arn:aws:iam::{ABROAD}:role/Deploy");
    let ids = [
        "acme-archive".to_owned(),
        "acme-archive@eu-west-1".to_owned(),
        format!("{HOME}/acme-archive@eu-west-1"),
        format!("{HOME}/acme-archive"),
        // A region is where to ask; the bucket's own counts.
        "acme-archive@us-west-2".to_owned(),
    ];
    let full = archive("eu-west-1");
    let identities = [
        json!({ "bucket": "acme-archive" }),
        without(&full, "account_id"),
        without(&full, "region"),
        full,
    ];
    let plain = ids.iter().map(|id| (json!(id), by_a_block()));
    let by_role = ids.iter().map(|id| {
        let role_arn = json!({ "role_arn": &role[1..] });
        let config = with(&kms_abroad(), "destinations.backup.assume_role", role_arn);
        (json!(format!("{id}{role}")), config)
    });
    let by_identity = identities
        .iter()
        .map(|identity| (identity.clone(), by_a_block()));
    let mut shown = None;
    for (by, config) in plain.chain(by_role).chain(by_identity) {
        let (mut second, said) = imported(&first, &by).await;
        assert_eq!(said, Said::default(), "{by}");
        assert_eq!(identity(&second), archive("eu-west-1"), "{by}");
        second.assert_settled(&config).await;
        let has_role = by.as_str().is_some_and(|id| id.contains(&role));
        if !has_role {
            let before = shown.get_or_insert_with(|| second.shown());
            assert_eq!(*before, second.shown(), "{by}");
        }
        let backup = second.at("/destinations/backup/assume_role/role_arn");
        assert_eq!(backup.is_string(), has_role, "{by}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_imported_is_said_in_words() {
    let mut first = with_a_block(Terraform::new());
    first.converge(&by_a_block()).await;
    let with_bucket = |attribute: &str, told: &str| {
        with(&json!({ "bucket": "acme-archive" }), attribute, json!(told))
    };
    let no_id = "This is no import ID";
    let no_identity = "This is no identity of a bucket";
    for (by, error) in [
        (json!("UPPER"), no_id),
        (json!("1/acme-archive"), no_id),
        (json!("acme-archive@nowhere"), no_id),
        (json!("acme-archive@"), no_id),
        (json!("acme-archive,arn:aws:s3:::x"), no_id),
        (json!({ "bucket": "UPPER" }), no_identity),
        (json!({ "region": "eu-west-1" }), no_identity),
        (with_bucket("account_id", "1"), no_identity),
        (with_bucket("region", "nowhere"), no_identity),
        (
            with_bucket("region", "us-west-2"),
            "The identity does not fit the bucket",
        ),
        (
            with_bucket("account_id", "333333333333"),
            "No way into account 333333333333",
        ),
        (json!("acme-nothing"), "Bucket acme-nothing does not exist"),
        (
            json!({ "bucket": "acme-nothing" }),
            "Bucket acme-nothing does not exist",
        ),
    ] {
        let (second, said) = imported(&first, &by).await;
        assert_eq!(said.errors, [error], "{by}");
        assert_eq!(second.state, Value::Null, "{by}");
        if error == no_id {
            let detail = &said.details[0];
            for form in [
                "(acme-archive)",
                "acme-archive@",
                "111111111111/acme-archive@",
                ",<role ARN>",
            ] {
                assert!(detail.contains(form), "{detail}");
            }
        }
    }
}
