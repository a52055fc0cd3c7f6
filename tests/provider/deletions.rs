//! What an update deletes, and what of it stays: a person reads it in the plan, because `prevent_destroy` does not
//! see it.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::configs::{THIRD, deploy, kms_abroad, policy, two_destinations, with, without};
use crate::terraform::{Plan, Terraform};

/// Two destinations, the one abroad with a key that its bucket no longer uses.
async fn with_a_retired_key() -> (Terraform, String, String) {
    let mut terraform = Terraform::new();
    terraform.converge(&two_destinations()).await;
    let key = |terraform: &Terraform| {
        let arn = terraform.at("/destinations/backup/kms_key_arn");
        arn.as_str().unwrap().to_owned()
    };
    let old = key(&terraform);
    terraform.converge(&multi_region(&two_destinations())).await;
    let new = key(&terraform);
    assert_ne!(old, new);
    (terraform, old, new)
}

fn multi_region(config: &Json) -> Json {
    let key = json!({ "key": { "multi_region": true } });
    with(config, "destinations.backup.encryption", key)
}

fn is_used_by_others(terraform: &Terraform, key: &str) {
    let theirs = PolicyDocument::parse(policy("kms:Decrypt", "*").as_str().unwrap()).unwrap();
    let mut aws = terraform.cloud.aws.state();
    let document = &mut aws.keys.get_mut(key).unwrap().policy;
    document.statements.extend(theirs.statements);
}

/// The plan's warnings about the bucket abroad, sorted.
fn told(plan: &Plan) -> Vec<String> {
    let mut told: Vec<String> = plan
        .said
        .warnings
        .iter()
        .filter_map(|line| line.strip_prefix("destinations[\"backup\"]: "))
        .map(str::to_owned)
        .collect();
    told.sort();
    told
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[tokio::test(start_paused = true)]
async fn every_key_of_a_bucket_that_goes_is_told_retired_ones_as_well() {
    let (mut terraform, old, new) = with_a_retired_key().await;
    let gone = without(&two_destinations(), "destinations.backup");
    let plan = terraform.plan(&gone).await;
    let expected = vec![
        "Bucket acme-archive-backup will be deleted".to_owned(),
        format!("Key {old} will be deleted"),
        format!("Key {new} will be deleted"),
    ];
    assert_eq!(told(&plan), sorted(expected));
    terraform.converge(&gone).await;
    let aws = terraform.cloud.aws.state();
    assert_eq!(aws.keys[&old].state, "PendingDeletion");
    assert_eq!(aws.keys[&new].state, "PendingDeletion");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_somebody_else_uses_stays_and_is_told_to_stay() {
    let (mut terraform, old, new) = with_a_retired_key().await;
    is_used_by_others(&terraform, &old);
    let gone = without(&two_destinations(), "destinations.backup");
    let plan = terraform.plan(&gone).await;
    let expected = vec![
        "Bucket acme-archive-backup will be deleted".to_owned(),
        format!("Key {old} stays"),
        format!("Key {new} will be deleted"),
    ];
    assert_eq!(told(&plan), sorted(expected));
    terraform.converge(&gone).await;
    let aws = terraform.cloud.aws.state();
    assert_eq!(aws.keys[&old].state, "Enabled");
    assert_eq!(aws.keys[&new].state, "PendingDeletion");
}

#[tokio::test(start_paused = true)]
async fn the_keys_of_a_bucket_that_is_retained_are_told_to_stay() {
    let (mut terraform, old, new) = with_a_retired_key().await;
    let retain = "destinations.backup.retain_on_destroy";
    let retained = with(&multi_region(&two_destinations()), retain, json!(true));
    terraform.converge(&retained).await;
    let stay = sorted(vec![format!("Key {old} stays"), format!("Key {new} stays")]);
    let gone = without(&two_destinations(), "destinations.backup");
    assert_eq!(told(&terraform.plan(&gone).await), stay);
    // A destroy says the same.
    let said = terraform.destroy().await;
    let mut keys = said.warnings;
    keys.retain(|line| line.contains(&old) || line.contains(&new));
    keys = keys
        .iter()
        .filter_map(|line| line.strip_prefix("destinations[\"backup\"]: "))
        .map(str::to_owned)
        .collect();
    assert_eq!(sorted(keys), stay);
    let aws = terraform.cloud.aws.state();
    assert!(aws.buckets.contains_key("acme-archive-backup"));
    for key in [old, new] {
        assert_eq!(aws.keys[&key].state, "Enabled");
        assert_eq!(aws.keys[&key].tags["replicated:retained"], "true");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_and_a_key_that_are_gone_already_are_not_told_to_go() {
    let mut terraform = Terraform::new();
    terraform.converge(&two_destinations()).await;
    {
        let mut aws = terraform.cloud.aws.state();
        aws.buckets.remove("acme-archive-backup");
        let key = terraform.at("/destinations/backup/kms_key_arn");
        let key = aws.keys.get_mut(key.as_str().unwrap()).unwrap();
        key.state = "PendingDeletion".to_owned();
    }
    let gone = without(&two_destinations(), "destinations.backup");
    assert_eq!(told(&terraform.plan(&gone).await), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_warning_tells_why_the_bucket_goes() {
    let mut terraform = Terraform::new();
    terraform.converge(&two_destinations()).await;
    let why = |plan: &Plan| {
        let warnings = plan.said.warnings.iter().zip(&plan.said.warning_details);
        let mut of_bucket = warnings.filter(|(line, _)| line.ends_with("will be deleted"));
        of_bucket.next().map(|(_, detail)| detail.clone()).unwrap()
    };
    let gone = without(&two_destinations(), "destinations.backup");
    let told = why(&terraform.plan(&gone).await);
    assert!(
        told.starts_with("destination/backup is no longer in the configuration."),
        "{told}"
    );
    let moved = with(
        &kms_abroad(),
        "destinations.backup",
        json!({ "bucket": "acme-third", "region": "eu-central-1", "assume_role": deploy(THIRD) }),
    );
    let told = why(&terraform.plan(&moved).await);
    assert!(
        told.starts_with("destination/backup has bucket acme-third from now on."),
        "{told}"
    );
    // What cannot go is told in the same way.
    {
        let mut aws = terraform.cloud.aws.state();
        let bucket = aws.buckets.get_mut("acme-archive-backup").unwrap();
        bucket.put_object("old");
    }
    let plan = terraform.plan(&moved).await;
    let told = &plan.said.details[0];
    assert!(
        told.starts_with("destination/backup has bucket acme-third from now on, but"),
        "{told}"
    );
}
