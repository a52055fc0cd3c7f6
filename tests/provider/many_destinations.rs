//! Many destinations: every document stays within its limit, grants what S3 asks for, and nothing more.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use support::evaluator::evaluate;
use terraform_provider_replicated::replication::policy::{
    PolicyDocument, PolicyKind, check_size, size,
};
use tokio::time::Instant;

use crate::configs::{HOME, deploy, document, with, without};
use crate::fake::Key;
use crate::picture::picture;
use crate::random::{existing_role, surroundings};
use crate::terraform::Terraform;

/// A long name, as names in which a company, a team and a stage stand are.
const SOURCE: &str = "example-company-records-archive-production";
const REGIONS: [&str; 5] = [
    "ap-southeast-2",
    "eu-central-1",
    "eu-west-1",
    "us-east-1",
    "us-west-2",
];

/// A source under KMS, and destinations one after the other in ten accounts and five regions.
fn config(count: usize, further: &Json) -> Json {
    let destinations: BTreeMap<String, Json> = (0..count)
        .map(|number| {
            let account = format!("2222222222{:02}", number % 10);
            let mut destination = json!({
                "region": REGIONS[number % REGIONS.len()],
                "assume_role": deploy(&account),
                "delete_marker_replication": number % 3 == 0,
            });
            let all = destination.as_object_mut().unwrap();
            all.extend(further.as_object().unwrap().clone());
            (format!("copy-{number:03}"), destination)
        })
        .collect();
    json!({
        "source": { "bucket": SOURCE, "encryption": { "sse_algorithm": "aws:kms" } },
        "destinations": destinations,
    })
}

/// Holds what is there against the requests of S3, and every document against AWS's limits.
fn check(terraform: &Terraform) {
    let aws = terraform.cloud.aws.state();
    let evaluation = evaluate(&picture(&aws)).unwrap();
    assert_eq!(
        evaluation.findings(),
        Vec::<String>::new(),
        "\n{evaluation}"
    );
    for role in aws.roles.values() {
        let inline: String = role
            .policies
            .values()
            .map(|d| d.render().unwrap())
            .collect();
        assert_eq!(check_size(PolicyKind::RoleInline, &inline), Ok(()));
        assert!(role.attached.len() <= 10, "{:?}", role.attached);
    }
    for policy in aws.managed_policies.values() {
        let text = policy.document().render().unwrap();
        assert_eq!(check_size(PolicyKind::Managed, &text), Ok(()));
    }
    for bucket in aws.buckets.values() {
        let text = bucket
            .policy
            .as_ref()
            .map_or_else(String::new, |p| aws.shown(p).render().unwrap());
        assert_eq!(check_size(PolicyKind::Bucket, &text), Ok(()));
    }
    for key in aws.keys.values() {
        let text = aws.shown(&key.policy).render().unwrap();
        assert_eq!(check_size(PolicyKind::Key, &text), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn sixty_destinations_in_ten_accounts_have_what_they_need_and_nothing_more() {
    let mut terraform = Terraform::new();
    let sixty = config(60, &json!({}));
    terraform.converge(&sixty).await;
    check(&terraform);
    assert_eq!(terraform.cloud.aws.state().managed_policies.len(), 4);
    let whole = terraform.at("/role/policy_json");
    let length = size(PolicyKind::RoleInline, whole.as_str().unwrap());
    assert!(length > 10_240, "{length}");
    let components = terraform.at("/components");
    assert_eq!(
        components["role/policy/1"],
        json!(format!(
            "arn:aws:iam::111111111111:policy/replication-{SOURCE}-1"
        ))
    );

    // The order of documents begins with this one, so every other one moves.
    let other = without(&sixty, "destinations.copy-000");
    terraform.converge(&other).await;
    check(&terraform);
    assert_eq!(
        terraform.cloud.aws.state().ungranted,
        Vec::<String>::new(),
        "no live rule ever lacked a grant"
    );

    let mut imported = Terraform::over(terraform.cloud.clone());
    let id = terraform.at("/import_id");
    let said = imported.import(id.as_str().unwrap()).await;
    assert_eq!(said.errors, Vec::<String>::new());
    imported.assert_settled(&other).await;
    assert_eq!(imported.at("/components"), terraform.at("/components"));
}

#[tokio::test(start_paused = true)]
async fn a_source_takes_replicas_from_as_many_as_its_policy_has_room_for() {
    let two_way = json!({ "two_way": true });
    let mut terraform = Terraform::new();
    terraform.converge(&config(24, &two_way)).await;
    check(&terraform);
    let refused = terraform.plan(&config(40, &two_way)).await.said.errors;
    assert_eq!(
        refused,
        ["destinations: Too many destinations replicate back"]
    );
}

/// Destinations in one account and region, all under one existing key.
fn under_one_key(count: usize, key: &str) -> Json {
    let account = "222222222200";
    let further = json!({
        "region": "us-west-2",
        "assume_role": deploy(account),
        "encryption": { "sse_algorithm": "aws:kms", "kms_key_arn": key },
        "manage_key_policy": true,
    });
    config(count, &further)
}

#[tokio::test(start_paused = true)]
async fn one_existing_key_serves_as_many_buckets_as_its_policy_has_room_for() {
    let key = "arn:aws:kms:us-west-2:222222222200:key/00000000-0000-4000-8000-000000000001";
    let mut terraform = Terraform::new();
    let of_its_account = document(&[
        json!({ "Effect": "Allow", "Action": "kms:*", "Resource": "*",
        "Principal": { "AWS": "arn:aws:iam::222222222200:root" } }),
    ]);
    let existing = Key {
        description: "somebody's".to_owned(),
        state: "Enabled".to_owned(),
        multi_region: false,
        policy: PolicyDocument::parse(&of_its_account).unwrap(),
        rotation: None,
        tags: BTreeMap::new(),
        window_days: None,
        since: Instant::now(),
    };
    terraform
        .cloud
        .aws
        .state()
        .keys
        .insert(key.to_owned(), existing);
    terraform.converge(&under_one_key(30, key)).await;
    check(&terraform);
    let refused = terraform.plan(&under_one_key(80, key)).await.said.errors;
    assert_eq!(
        refused,
        ["destinations[\"copy-000\"].manage_key_policy: Too many buckets under one key"]
    );
}

#[tokio::test(start_paused = true)]
async fn more_than_a_role_can_be_told_of_is_refused_at_plan() {
    let said = Terraform::new().plan(&config(400, &json!({}))).await.said;
    assert_eq!(
        said.errors,
        ["destinations: Too many destinations for one role"]
    );
}

#[tokio::test(start_paused = true)]
async fn in_somebody_elses_role_the_policies_of_others_count() {
    let mut terraform = Terraform::new();
    surroundings(&terraform);
    let existing = json!({ "existing_arn": existing_role(HOME) });
    let some = with(&config(16, &json!({})), "role", existing);
    terraform.converge(&some).await;
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());

    let long = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
        "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::theirs/{}", "x".repeat(5_000)) }] });
    let theirs = PolicyDocument::parse(&long.to_string()).unwrap();
    {
        let mut aws = terraform.cloud.aws.state();
        let role = aws
            .roles
            .get_mut(&(HOME.to_owned(), "existing".to_owned()))
            .unwrap();
        role.policies.insert("theirs".to_owned(), theirs);
    }
    let said = terraform.plan(&some).await.said;
    assert_eq!(
        said.errors,
        ["role.existing_arn: Too many destinations for one role"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_managed_policies_of_a_long_role_policy_are_imported_and_go_with_it() {
    let config = config(30, &json!({}));
    let mut first = Terraform::new();
    let said = first.apply(&config).await;
    assert_eq!(said.errors, Vec::<String>::new());
    assert!(!first.cloud.aws.state().managed_policies.is_empty());
    let mut second = Terraform::over(first.cloud.clone());
    let id = first.at("/import_id");
    let said = second.import(id.as_str().unwrap()).await;
    assert_eq!(said.errors, Vec::<String>::new());
    assert_eq!(second.at("/components"), first.at("/components"));
    assert!(second.plan(&config).await.is_empty);
    assert_eq!(second.destroy().await.errors, Vec::<String>::new());
    let aws = second.cloud.aws.state();
    assert!(aws.managed_policies.is_empty() && aws.roles.is_empty());
}
