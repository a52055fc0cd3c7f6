//! The data source `replicated_policies` under real Terraform.

use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::Setup;

on_each_client!(policies_are_told_at_plan_and_wait_for_what_is_unknown);

const SETUP: &str = r#"
locals {
  setup = {
    source = { bucket = <name>, encryption = { sse_algorithm = "AES256" } }
    destinations = {
      backup = {
        bucket      = "<bucket>-backup"
        region      = "us-west-2"
        assume_role = { role_arn = "<role>" }
      }
    }
  }
}

resource "terraform_data" "name" { input = "<bucket>" }

data "replicated_policies" "archive" {
  source       = local.setup.source
  destinations = local.setup.destinations
}

output "role_policy" { value = data.replicated_policies.archive.role_policy }
"#;

const RESOURCE: &str = r#"
output "same" {
  value = (
    data.replicated_policies.archive.role_policy == replicated_bucket.archive.role.policy_json &&
    data.replicated_policies.archive.destination_bucket_policy["backup"] ==
    replicated_bucket.archive.destinations["backup"].policy_json
  )
}

resource "replicated_bucket" "archive" {
  source       = local.setup.source
  destinations = local.setup.destinations
}
"#;

async fn policies_are_told_at_plan_and_wait_for_what_is_unknown(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    // With names that are known the policies are known at plan, before there is a bucket.
    let known = SETUP.replace("<name>", "\"<bucket>\"");
    setup.main(&format!("{known}{RESOURCE}"))?;
    let plan = setup.workspace.plan().await?.with_code(2)?;
    let text = plan.text();
    assert!(text.replace(' ', "").contains("+same=true"), "{text}");
    setup.workspace.apply().await?.success()?;
    let state = setup.workspace.state_json().await?;
    assert_eq!(state["values"]["outputs"]["same"]["value"], true, "{state}");
    let told = state["values"]["outputs"]["role_policy"]["value"].clone();
    setup.destroy().await?;

    // With a name that another resource tells, they are read during the apply; the plan can be shown all the same.
    let unknown = SETUP.replace("<name>", "terraform_data.name.output");
    setup.main(&format!("{unknown}{RESOURCE}"))?;
    let plan = setup.workspace.plan().await?.with_code(2)?;
    let text = plan.text();
    assert!(
        text.contains("data.replicated_policies.archive will be read during apply"),
        "{text}"
    );
    setup.workspace.apply().await?.success()?;
    let state = setup.workspace.state_json().await?;
    let later = &state["values"]["outputs"]["role_policy"]["value"];
    assert_eq!(*later, told, "{state}");
    setup.destroy().await
}
