//! Where histories happen, and what they are held against.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use terraform_provider_replicated::replication::policy::{Element, PolicyDocument};

use super::by_hand::FOREIGN;
use super::setup::Setup;
use crate::configs::{ABROAD, THIRD};
use crate::drift::everything;
use crate::existing::stands;
use crate::fake::State;
use crate::random::surroundings;
use crate::terraform::Terraform;

pub const OWNER_TAG: &str = "replicated:owner";
/// What somebody else allows in the policy of the bucket that is theirs.
const THEIR_STATEMENT: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Team","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::their-target/*"}]}"#;

/// Both accounts before anything of ours is there: keys, roles and a bucket of others, which another resource of
/// this kind looks after.
pub async fn world() -> Terraform {
    let mut terraform = Terraform::new();
    terraform.planning_twice = false;
    // An import finds its way into the other accounts by the provider block.
    let accounts = [ABROAD, THIRD].map(crate::updates::account);
    terraform.settings.accounts.extend(accounts);
    surroundings(&terraform);
    stands(&terraform, ABROAD, "us-west-2", "their-target").await;
    let mut aws = terraform.cloud.aws.state();
    let target = aws.buckets.get_mut("their-target").unwrap();
    target.policy = Some(PolicyDocument::parse(THEIR_STATEMENT).unwrap());
    let owner = "444444444444/their-source".to_owned();
    target.tags.insert(OWNER_TAG.to_owned(), owner);
    drop(aws);
    terraform
}

/// What a fresh create of a configuration makes.
pub async fn expected(setup: &Setup) -> String {
    static SEEN: Mutex<Option<HashMap<Setup, String>>> = Mutex::new(None);
    let seen = SEEN
        .lock()
        .unwrap()
        .as_ref()
        .and_then(|seen| seen.get(setup).cloned());
    if let Some(seen) = seen {
        return seen;
    }
    let mut terraform = world().await;
    let said = terraform.apply(&setup.config()).await;
    assert_eq!(
        said.errors,
        Vec::<String>::new(),
        "a fresh create: {:?}",
        said.details
    );
    let made = lasting(&terraform);
    let mut seen = SEEN.lock().unwrap();
    seen.get_or_insert_default()
        .insert(setup.clone(), made.clone());
    made
}

/// What there is at AWS, without what may be left of the past: keys that buckets have retired, and what somebody
/// else has added meanwhile.
pub fn lasting(terraform: &Terraform) -> String {
    let mut aws = terraform.cloud.aws.state().clone();
    for arn in retired(terraform, &aws) {
        aws.keys.remove(&arn);
        for role in aws.roles.values_mut() {
            role.policies
                .values_mut()
                .for_each(|policy| without_resource(policy, &arn));
        }
    }
    for bucket in aws.buckets.values_mut() {
        if let Some(policy) = &mut bucket.policy {
            policy
                .statements
                .retain(|statement| statement.name() != Some(FOREIGN));
        }
        bucket.policy = bucket
            .policy
            .take()
            .filter(|policy| !policy.statements.is_empty());
    }
    everything(&aws)
}

/// Keys that the state names as retired.
fn retired(terraform: &Terraform, aws: &State) -> BTreeSet<String> {
    let components = terraform.at("/components");
    let names = components.as_object().into_iter().flatten();
    let ids: Vec<&str> = names
        .filter_map(|(name, _)| name.split_once("/retired_key/").map(|(_, id)| id))
        .collect();
    let arns = aws.keys.keys();
    arns.filter(|arn| ids.iter().any(|id| arn.ends_with(&format!("key/{id}"))))
        .cloned()
        .collect()
}

fn without_resource(policy: &mut PolicyDocument, arn: &str) {
    for statement in &mut policy.statements {
        if let Some(Element::Is(resources)) = &mut statement.resource {
            resources.retain(|resource| resource.known().map(String::as_str) != Some(arn));
        }
    }
    policy.statements.retain(|statement| {
        !matches!(&statement.resource, Some(Element::Is(resources)) if resources.is_empty())
    });
}
