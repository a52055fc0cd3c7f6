//! Accounts that an import cannot enter: a destination in one comes as somebody else's, and anything else is an error.

use serde_json::json;

use super::origins::origin;
use crate::configs::{ABROAD, HOME};
use crate::random::existing_key;
use crate::terraform::{Said, Terraform};

const PLAIN: &str = "CloudFormation";
const UNDER_KEYS: &str = "the console";
const WARNING: &str = "destinations[\"backup\"]: Account 222222222222 cannot be entered";

async fn import(world: &Terraform, id: &str) -> (Terraform, Said) {
    let mut terraform = Terraform::over(world.cloud.clone());
    let said = terraform.import(id).await;
    (terraform, said)
}

fn assert_left_alone(terraform: &Terraform, said: &Said) {
    assert_eq!(said.errors, Vec::<String>::new());
    assert!(said.warnings.contains(&WARNING.to_owned()), "{said:?}");
    let side = terraform.at("/destinations/backup");
    assert_eq!(side["existing"], json!(true));
    assert_eq!(side["reachable"], json!(false));
    assert_eq!(side["manage_bucket_policy"], json!(false));
    assert_eq!(side["assume_role"], json!(null));
    assert_eq!(side["account_id"], json!(ABROAD));
    assert_eq!(side["region"], json!("us-west-2"));
    assert!(side["required_bucket_policy_json"].is_string());
}

#[tokio::test(start_paused = true)]
async fn the_region_of_a_bucket_nobody_may_look_at_is_what_s3_tells_everybody() {
    let (world, _) = origin(PLAIN).await;
    world.cloud.close(ABROAD);
    let role = format!(",arn:aws:iam::{ABROAD}:role/Deploy");
    for id in ["acme-archive", &format!("acme-archive{role}")] {
        let (terraform, said) = import(&world, id).await;
        assert_left_alone(&terraform, &said);
        assert_eq!(
            terraform.at("/destinations/backup/required_key_policy_json"),
            json!(null)
        );
    }
    let asked = world.cloud.take_queries();
    let from_outside = (HOME.to_owned(), "HeadBucket acme-archive-backup".to_owned());
    assert!(asked.contains(&from_outside), "{asked:?}");
    assert!(asked.iter().all(|(account, _)| account != ABROAD));
}

#[tokio::test(start_paused = true)]
async fn the_key_of_the_replicas_tells_the_region_and_what_its_owner_must_grant() {
    let (world, _) = origin(UNDER_KEYS).await;
    world.cloud.close(ABROAD);
    world.cloud.take_queries();
    let (terraform, said) = import(&world, "acme-archive").await;
    assert_left_alone(&terraform, &said);
    let side = terraform.at("/destinations/backup");
    let key = existing_key((ABROAD, "us-west-2"), 0);
    assert_eq!(side["encryption"]["kms_key_arn"], json!(key));
    assert!(side["required_key_policy_json"].is_string());
    let asked = world.cloud.take_queries();
    assert!(
        asked
            .iter()
            .all(|(_, what)| !what.contains("acme-archive-backup"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_tells_nobody_of_itself_is_taken_to_be_where_the_source_is() {
    let (world, _) = origin(PLAIN).await;
    world.cloud.close(ABROAD);
    world.cloud.refuse("HeadBucket acme-archive-backup");
    let (terraform, said) = import(&world, "acme-archive").await;
    assert_eq!(said.errors, Vec::<String>::new());
    assert_eq!(
        terraform.at("/destinations/backup/region"),
        json!("eu-west-1")
    );
}

#[tokio::test(start_paused = true)]
async fn credentials_that_lead_elsewhere_leave_the_destination_alone_and_say_how_to_get_in() {
    let (world, _) = origin(PLAIN).await;
    let (terraform, said) = import(&world, "acme-archive").await;
    assert_left_alone(&terraform, &said);
    let at = said.warnings.iter().position(|line| line == WARNING);
    let told = &said.warning_details[at.unwrap()];
    for words in [HOME, "`,<role ARN>`", "`account` block", "import again"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    // With the way in told, the same bucket is ours.
    let id = format!("acme-archive,arn:aws:iam::{ABROAD}:role/Deploy");
    let (terraform, said) = import(&world, &id).await;
    assert!(!said.warnings.contains(&WARNING.to_owned()));
    assert_eq!(terraform.at("/destinations/backup/existing"), json!(false));
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_gone_in_such_an_account_is_an_error() {
    let (world, _) = origin(PLAIN).await;
    world.cloud.close(ABROAD);
    let aws = &world.cloud.aws;
    aws.state().buckets.remove("acme-archive-backup");
    let (terraform, said) = import(&world, "acme-archive").await;
    assert_eq!(said.errors.len(), 1, "{said:?}");
    assert!(said.details[0].contains("acme-archive-backup"), "{said:?}");
    assert!(terraform.state.is_null());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_imported_where_the_account_of_the_source_is_shut() {
    let (world, _) = origin(PLAIN).await;
    let elsewhere = format!("{ABROAD}/acme-archive");
    let (terraform, said) = import(&world, &elsewhere).await;
    assert_eq!(said.errors, ["No way into account 222222222222"]);
    assert!(terraform.state.is_null());
    world.cloud.close(HOME);
    let (terraform, said) = import(&world, "acme-archive").await;
    assert_eq!(said.errors.len(), 1, "{said:?}");
    assert!(said.errors[0].starts_with("source"), "{said:?}");
    assert!(terraform.state.is_null());
}
