//! When canaries last crossed is remembered at AWS, by whatever sent them, and is never a difference.

use serde_json::{Value as Json, json};

use crate::configs::{HOME, kms_abroad, two_destinations, with};
use crate::fake::Spoilt;
use crate::random::surroundings;
use crate::terraform::Terraform;
use crate::verify_action::{invoke, words};

const ROLE: &str = "replication-acme-archive";
const OWNER: &str = "replicated:owner";
const TAG: &str = "replicated:verified/acme-archive-backup";
const VERIFY: &str = "TagRole replication-acme-archive";
const NOT_WRITTEN: &str = "The verification could not be written down";

/// What the data source tells of a destination.
async fn told(terraform: &Terraform, destination: &str) -> Json {
    let config = json!({ "import_id": terraform.at("/import_id") });
    let status = terraform.data("replicated_bucket_status", &config).await;
    let status = status.unwrap_or_else(|said| panic!("{said:?}"));
    status["destinations"][destination]["verified_at"].clone()
}

fn tag(terraform: &Terraform) -> Option<String> {
    let state = terraform.cloud.aws.state();
    let role = state.roles.iter().find(|((_, name), _)| name == ROLE);
    role.unwrap().1.description.tags.get(TAG).cloned()
}

fn verified(config: &Json) -> Json {
    with(config, "verification", json!({ "enabled": true }))
}

async fn applied(config: &Json) -> Terraform {
    let mut terraform = Terraform::new();
    surroundings(&terraform);
    terraform.converge(config).await;
    terraform
}

async fn invoked(terraform: &Terraform) -> Vec<String> {
    let action = json!({ "import_id": terraform.at("/import_id") });
    let (_, said) = invoke(terraform, &action).await;
    words(&said)
}

#[tokio::test(start_paused = true)]
async fn the_status_tells_the_moment_that_an_apply_verified() {
    let mut terraform = applied(&verified(&kms_abroad())).await;
    let moment = terraform.at("/destinations/backup/verified_at");
    assert!(moment.is_string());
    assert_eq!(told(&terraform, "backup").await, moment);
    // Whoever imports it is told as well, and has nothing to change.
    let config = kms_abroad();
    terraform.converge(&config).await;
    assert_eq!(told(&terraform, "backup").await, moment);
    assert_eq!(terraform.at("/role/tags_all"), json!({}));
}

#[tokio::test(start_paused = true)]
async fn the_action_leaves_its_moment_and_the_next_plan_is_empty() {
    let config = two_destinations();
    let mut terraform = applied(&config).await;
    assert_eq!(told(&terraform, "backup").await, Json::Null);
    assert_eq!(invoked(&terraform).await, [""; 0]);
    for destination in ["backup", "near"] {
        assert!(told(&terraform, destination).await.is_string());
    }
    let plan = terraform.plan(&config).await;
    assert!(plan.is_empty, "{:?}", plan.said);
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_did_not_cross_leaves_the_moment_of_before() {
    let terraform = applied(&verified(&kms_abroad())).await;
    let moment = told(&terraform, "backup").await;
    terraform.cloud.aws.state().spoilt = Some(Spoilt::Never);
    assert!(!invoked(&terraform).await.is_empty());
    assert_eq!(told(&terraform, "backup").await, moment);
}

#[tokio::test(start_paused = true)]
async fn another_bucket_under_the_same_key_has_received_nothing_yet() {
    let mut terraform = applied(&verified(&kms_abroad())).await;
    assert!(told(&terraform, "backup").await.is_string());
    let other = with(
        &with(
            &kms_abroad(),
            "destinations.backup.bucket",
            json!("acme-other"),
        ),
        "destinations.backup.force_destroy",
        json!(true),
    );
    terraform.converge(&other).await;
    assert_eq!(told(&terraform, "backup").await, Json::Null);
}

#[tokio::test(start_paused = true)]
async fn a_moment_that_cannot_be_written_down_is_a_warning() {
    let mut terraform = Terraform::new();
    terraform.cloud.refuse(VERIFY);
    let said = terraform.apply(&verified(&kms_abroad())).await;
    assert!(said.is_fine(), "{said:?}");
    assert_eq!(said.warnings, [NOT_WRITTEN]);
    assert!(said.warning_details.concat().contains(HOME), "{said:?}");
    assert!(terraform.at("/destinations/backup/verified_at").is_string());
    assert_eq!(told(&terraform, "backup").await, Json::Null);
    let words = invoked(&terraform).await;
    assert_eq!(words.len(), 1, "{words:?}");
    assert!(words[0].starts_with(NOT_WRITTEN), "{words:?}");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_does_not_say_that_it_is_ours_is_not_written_to() {
    let terraform = applied(&kms_abroad()).await;
    {
        let mut state = terraform.cloud.aws.state();
        let mut roles = state.roles.iter_mut();
        let (_, role) = roles.find(|((_, name), _)| name == ROLE).unwrap();
        let tags = &mut role.description.tags;
        tags.insert(OWNER.to_owned(), "999999999999/another".to_owned());
    }
    invoked(&terraform).await;
    assert_eq!(tag(&terraform), None);
    assert_eq!(told(&terraform, "backup").await, Json::Null);
}
