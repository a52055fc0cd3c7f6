//! Buckets whose names begin with a prefix and end in what an apply draws.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::framework::value::{AttributePath, Value};

use crate::configs::{UNKNOWN, kms_abroad, two_destinations, with, without};
use crate::terraform::Terraform;

/// The source and one destination under prefixes; the other destination's name follows from the source's.
fn prefixed() -> Json {
    let config = without(&two_destinations(), "source.bucket");
    let config = with(&config, "source.bucket_prefix", json!("acme-"));
    with(
        &config,
        "destinations.backup.bucket_prefix",
        json!("replicas."),
    )
}

const SOURCE: &str = "/source/bucket";
const BACKUP: &str = "/destinations/backup/bucket";

fn name(terraform: &Terraform, pointer: &str) -> String {
    let name = terraform.at(pointer);
    name.as_str().unwrap().to_owned()
}

fn assert_drawn(name: &str, prefix: &str) {
    let end = name.strip_prefix(prefix).unwrap();
    assert_eq!(end.len(), 26, "{name}");
    assert!(end.bytes().all(|b| b.is_ascii_digit()), "{name}");
}

fn buckets(terraform: &Terraform) -> Vec<String> {
    terraform
        .cloud
        .aws
        .state()
        .buckets
        .keys()
        .cloned()
        .collect()
}

fn planned(plan: &Value, side: &str) -> Value {
    let path = match side {
        "source" => AttributePath::root("source"),
        key => AttributePath::root("destinations").key(key),
    };
    plan.get(&path.attribute("bucket")).unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_name_is_known_after_apply_and_stays() {
    let mut terraform = Terraform::new();
    let plan = terraform.plan(&prefixed()).await;
    assert_eq!(plan.said.errors, Vec::<String>::new());
    for side in ["source", "backup", "near"] {
        assert_eq!(planned(&plan.planned, side), Value::Unknown, "{side}");
    }
    terraform.converge(&prefixed()).await;
    let source = name(&terraform, SOURCE);
    let backup = name(&terraform, BACKUP);
    assert_drawn(&source, "acme-");
    assert_drawn(&backup, "replicas.");
    assert_eq!(
        terraform.at("/destinations/near/bucket"),
        format!("{source}-near")
    );
    assert_eq!(terraform.at("/id"), source);
    assert_eq!(terraform.at("/role/name"), format!("replication-{source}"));
    let before = buckets(&terraform);
    let tagged = with(&prefixed(), "source.tags", json!({ "team": "storage" }));
    let plan = terraform.plan(&tagged).await;
    assert_eq!(planned(&plan.planned, "source"), Value::string(&source));
    terraform.converge(&tagged).await;
    assert_eq!(buckets(&terraform), before);
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert_eq!(buckets(&terraform), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_somebody_deleted_is_made_again_under_its_name() {
    let mut terraform = Terraform::new();
    terraform.converge(&prefixed()).await;
    let backup = name(&terraform, BACKUP);
    terraform.cloud.aws.state().buckets.remove(&backup);
    terraform.converge(&prefixed()).await;
    assert_eq!(name(&terraform, BACKUP), backup);
}

#[tokio::test(start_paused = true)]
async fn two_buckets_under_one_prefix_have_two_names() {
    let mut terraform = Terraform::new();
    let config = with(
        &prefixed(),
        "destinations.backup.bucket_prefix",
        json!("acme-"),
    );
    let config = with(&config, "destinations.near.bucket_prefix", json!("acme-"));
    terraform.converge(&config).await;
    assert_eq!(buckets(&terraform).len(), 3);
    let more = with(
        &config,
        "destinations.far",
        json!({ "bucket_prefix": "acme-", "region": "us-east-2" }),
    );
    let before = buckets(&terraform);
    terraform.converge(&more).await;
    let after = buckets(&terraform);
    assert_eq!(after.len(), 4);
    assert!(before.iter().all(|name| after.contains(name)));
}

#[tokio::test(start_paused = true)]
async fn another_prefix_of_the_source_replaces_and_the_whole_name_does_not() {
    let mut terraform = Terraform::new();
    terraform.converge(&prefixed()).await;
    let source = name(&terraform, SOURCE);
    let whole = with(
        &with(&prefixed(), "source.bucket_prefix", Json::Null),
        "source.bucket",
        json!(source),
    );
    for config in [&whole, &prefixed()] {
        let plan = terraform.plan(config).await;
        assert_eq!(plan.replaced_by, Vec::<String>::new());
        terraform.converge(config).await;
        assert_eq!(name(&terraform, SOURCE), source);
    }
    // Not even where the name begins with it as well.
    for (prefix, region) in [("acme-2", "eu-west-1"), ("acme-", "eu-central-1")] {
        let source = name(&terraform, SOURCE);
        let other = with(&prefixed(), "source.bucket_prefix", json!(prefix));
        let other = with(&other, "source.region", json!(region));
        let plan = terraform.plan(&other).await;
        assert!(plan.replaced_by.contains(&"source.bucket".to_owned()));
        terraform.converge(&other).await;
        assert_drawn(&name(&terraform, SOURCE), prefix);
        assert!(!buckets(&terraform).contains(&source));
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_under_another_prefix_or_elsewhere_is_another_bucket() {
    for (path, value) in [
        ("destinations.backup.bucket_prefix", json!("copies-")),
        ("destinations.backup.region", json!("us-east-2")),
    ] {
        let mut terraform = Terraform::new();
        terraform.converge(&prefixed()).await;
        let (source, backup) = (name(&terraform, SOURCE), name(&terraform, BACKUP));
        let other = with(&prefixed(), path, value);
        let plan = terraform.plan(&other).await;
        assert_eq!(plan.replaced_by, Vec::<String>::new());
        assert_eq!(planned(&plan.planned, "backup"), Value::Unknown);
        let told = plan.said.warnings.iter().any(|w| w.contains(&backup));
        assert!(told, "{:?}", plan.said.warnings);
        terraform.converge(&other).await;
        assert_eq!(name(&terraform, SOURCE), source);
        assert_ne!(name(&terraform, BACKUP), backup);
        assert!(!buckets(&terraform).contains(&backup));
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_under_another_key_keeps_its_bucket() {
    let mut terraform = Terraform::new();
    terraform.converge(&prefixed()).await;
    let backup = name(&terraform, BACKUP);
    let moved = prefixed()["destinations"]["backup"].clone();
    let renamed = without(&prefixed(), "destinations.backup");
    let renamed = with(&renamed, "destinations.copy", moved.clone());
    terraform.converge(&renamed).await;
    assert_eq!(name(&terraform, "/destinations/copy/bucket"), backup);
    // Where two may be meant, none is.
    let two = with(
        &without(&renamed, "destinations.copy"),
        "destinations.one",
        moved.clone(),
    );
    let two = with(&two, "destinations.two", moved);
    terraform.converge(&two).await;
    assert!(!buckets(&terraform).contains(&backup));
}

#[tokio::test(start_paused = true)]
async fn a_prefix_with_which_a_name_begins_changes_nothing_after_an_import() {
    let mut first = Terraform::new();
    first.converge(&prefixed()).await;
    let mut second = Terraform::over(first.cloud.clone());
    let id = first.at("/import_id");
    let said = second.import(id.as_str().unwrap()).await;
    assert_eq!(said.errors, Vec::<String>::new());
    assert_eq!(second.at("/source/bucket_prefix"), Json::Null);
    second.cloud.aws.state().writes.clear();
    second.converge(&prefixed()).await;
    assert_eq!(second.cloud.aws.state().writes, Vec::<String>::new());
    assert_eq!(second.at(SOURCE), first.at(SOURCE));
    assert_eq!(second.at(BACKUP), first.at(BACKUP));
}

#[tokio::test(start_paused = true)]
async fn a_prefix_that_is_not_known_yet_is_applied_as_planned() {
    for (path, replaces) in [
        ("source.bucket_prefix", true),
        ("source.account_id", false),
        ("source.region", false),
        ("destinations.backup.bucket_prefix", false),
        ("destinations.backup.region", false),
        ("destinations.backup", false),
        ("destinations", false),
    ] {
        let first = with(&prefixed(), path, json!(UNKNOWN));
        let mut terraform = Terraform::new();
        let said = terraform.apply_later(&first, &prefixed()).await;
        assert_eq!(said.errors, Vec::<String>::new(), "{path}");
        terraform.assert_settled(&prefixed()).await;
        let source = name(&terraform, SOURCE);
        let plan = terraform.plan(&first).await;
        assert_eq!(!plan.replaced_by.is_empty(), replaces, "{path}");
        let said = terraform.apply_later(&first, &prefixed()).await;
        assert_eq!(said.errors, Vec::<String>::new(), "{path}");
        terraform.assert_settled(&prefixed()).await;
        assert_eq!(name(&terraform, SOURCE) != source, replaces, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_prefix_stands_alone_and_may_begin_a_name() {
    let terraform = Terraform::new();
    let long = "a".repeat(38);
    for (path, value, expected) in [
        (
            "source.bucket",
            json!("acme-archive"),
            "source.bucket_prefix: Two names for one bucket",
        ),
        (
            "source.bucket_prefix",
            Json::Null,
            "source: The source has no name",
        ),
        (
            "destinations.backup.bucket",
            json!("acme-backup"),
            "destinations[\"backup\"].bucket_prefix: Two names for one bucket",
        ),
        (
            "source.existing",
            json!(true),
            "source.bucket_prefix: Not with an existing bucket",
        ),
    ] {
        let said = terraform.validate(&with(&prefixed(), path, value)).await;
        assert_eq!(
            said.errors.first().map(String::as_str),
            Some(expected),
            "{:?}",
            said.errors
        );
    }
    for (prefix, why) in [
        ("", "1 to 37"),
        (long.as_str(), "1 to 37"),
        ("Acme-", "'A'"),
        ("-acme", "must begin"),
        ("a..b", "two dots"),
        ("xn--a", "reserves"),
        ("a--x-s3", "directory bucket"),
        ("10.0.0.", "IP address"),
    ] {
        for path in ["source.bucket_prefix", "destinations.backup.bucket_prefix"] {
            let said = terraform
                .validate(&with(&prefixed(), path, json!(prefix)))
                .await;
            let [detail] = &said.details[..] else {
                panic!("{prefix}: {said:?}");
            };
            assert!(detail.contains(why), "{detail}");
            assert!(!detail.contains("000"), "{detail}");
        }
    }
    let longest = with(&prefixed(), "source.bucket_prefix", json!("a".repeat(37)));
    assert_eq!(
        terraform.validate(&longest).await.errors,
        Vec::<String>::new()
    );
}

#[tokio::test(start_paused = true)]
async fn the_functions_take_the_resource_itself() {
    let mut terraform = Terraform::new();
    let config = with(
        &without(&kms_abroad(), "source.bucket"),
        "source.bucket_prefix",
        json!("acme-"),
    );
    terraform.converge(&config).await;
    let told = terraform
        .call("role_policy", terraform.state.clone(), terraform.ty())
        .await;
    assert_eq!(
        told.unwrap().as_str(),
        terraform.at("/role/policy_json").as_str()
    );
}
