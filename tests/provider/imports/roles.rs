//! Roles that others made and that become this resource's: what their policies lose is told before.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use super::origins::origin;
use crate::configs::document;
use crate::fake::Role;
use crate::terraform::{Said, Terraform};

const POLICY: &str = "role: The role's policy replication will be replaced";
const TRUST: &str = "role: The role's trust policy will be replaced";

/// A setup by hand, with its role changed.
async fn by_hand(change: impl FnOnce(&mut Role)) -> (Terraform, Json) {
    let (mut terraform, config) = origin("the console").await;
    {
        let mut aws = terraform.cloud.aws.state();
        let mut roles = aws.roles.values_mut();
        let role = roles.find(|role| role.description.path == "/service-role/");
        change(role.unwrap());
    }
    let said = terraform.import("acme-archive").await;
    assert_eq!(said.errors, Vec::<String>::new());
    (terraform, config)
}

fn inline(role: &mut Role, statements: &[Json]) {
    let policy = PolicyDocument::parse(&document(statements)).unwrap();
    role.policies.insert("replication".to_owned(), policy);
}

fn told<'a>(said: &'a Said, warning: &str) -> Option<&'a String> {
    let at = said.warnings.iter().position(|line| line == warning)?;
    said.warning_details.get(at)
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_has_the_name_of_ours_is_replaced_with_what_goes_told_at_plan() {
    let read = json!({
        "Effect": "Allow",
        "Action": ["s3:GetReplicationConfiguration", "s3:ListBucket"],
        "Resource": "arn:aws:s3:::acme-archive",
    });
    let publish =
        json!({ "Sid": "Tell", "Effect": "Allow", "Action": "sns:Publish", "Resource": "*" });
    let deny =
        json!({ "Sid": "Never", "Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*" });
    let statements = [read, publish, deny];
    let (mut terraform, config) = by_hand(|role| inline(role, &statements)).await;
    let said = terraform.plan(&config).await.said;
    let text = told(&said, POLICY).expect("nothing is told of the policy");
    for (part, goes) in [
        ("sns:Publish", true),
        ("Never", true),
        ("s3:ListBucket", false),
    ] {
        assert_eq!(text.contains(part), goes, "{text}");
    }
    assert!(text.contains("s3crr_role_for_acme-archive"), "{text}");
    assert_eq!(told(&said, TRUST), None);

    terraform.converge(&config).await;
    let settled = terraform.plan(&config).await.said;
    assert_eq!(told(&settled, POLICY), None);
    // It is ours from now on, and what a person changes in it is drift.
    for role in terraform.cloud.aws.state().roles.values_mut() {
        if role.policies.contains_key("replication") {
            inline(role, &statements);
        }
    }
    let drifted = terraform.plan(&config).await;
    assert!(!drifted.is_empty);
    assert_eq!(told(&drifted.said, POLICY), None);
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_that_name_that_grants_no_more_than_ours_is_replaced_without_a_word() {
    let read = json!({
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::acme-archive",
    });
    let (mut terraform, config) = by_hand(|role| inline(role, &[read])).await;
    let plan = terraform.plan(&config).await;
    assert!(!plan.is_empty);
    assert_eq!(told(&plan.said, POLICY), None);
    terraform.converge(&config).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_else_may_assume_the_role_is_told_of_before_they_may_not() {
    let trust = |services: Json| {
        document(&[json!({
            "Effect": "Allow",
            "Principal": { "Service": services },
            "Action": "sts:AssumeRole",
        })])
    };
    let both = trust(json!([
        "s3.amazonaws.com",
        "batchoperations.s3.amazonaws.com"
    ]));
    let (mut terraform, config) = by_hand(|role| role.description.trust_policy = both).await;
    let said = terraform.plan(&config).await.said;
    let text = told(&said, TRUST).expect("nothing is told of the trust policy");
    assert!(text.contains("batchoperations.s3.amazonaws.com"), "{text}");
    assert!(text.contains("role.existing_arn"), "{text}");
    terraform.converge(&config).await;
    let settled = terraform.plan(&config).await.said;
    assert_eq!(told(&settled, TRUST), None);

    let alone = trust(json!(["s3.amazonaws.com"]));
    let (mut terraform, config) = by_hand(|role| role.description.trust_policy = alone).await;
    let plan = terraform.plan(&config).await;
    assert_eq!(told(&plan.said, TRUST), None);
}
