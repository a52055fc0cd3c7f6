//! The functions under real Terraform: on the resource, and on an object alone.

use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::Setup;

on_each_client!(
    functions_tell_what_the_resource_writes needs Functions,
    functions_need_no_credentials needs OfflineFunctions,
);

const RESOURCE: &str = r#"
resource "replicated_bucket" "archive" {
  source = {
    bucket     = "<bucket>"
    encryption = { sse_algorithm = "aws:kms" }
  }
  destinations = {
    backup = {
      region      = "us-west-2"
      assume_role = { role_arn = "<role>" }
    }
  }
}

locals {
  archive = replicated_bucket.archive
  backup  = local.archive.destinations.backup
}

output "same" {
  value = [
    provider::replicated::role_policy(local.archive) == local.archive.role.policy_json,
    provider::replicated::destination_bucket_policy(local.archive).backup == local.backup.policy_json,
    provider::replicated::destination_key_policy(local.archive).backup == local.backup.kms_key_policy_json,
    jsondecode(provider::replicated::trust_policy(local.archive)).Statement[0].Action == "sts:AssumeRole",
  ]
}
"#;

async fn functions_tell_what_the_resource_writes(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.main(RESOURCE)?;
    // What a function says of a resource that is still to be made is known after apply, and Terraform waits for it.
    setup.apply().await?;
    let state = setup.workspace.state_json().await?;
    let same = &state["values"]["outputs"]["same"]["value"];
    assert_eq!(
        *same,
        serde_json::json!([true, true, true, true]),
        "{state}"
    );
    setup.destroy().await
}

const OBJECT: &str = r#"
output "grants" {
  value = length(jsondecode(provider::replicated::role_policy({
    source       = { bucket = "<bucket>", region = "eu-west-1", account_id = "111111111111" }
    destinations = { near = { region = "eu-west-2" } }
  })).Statement)
}

# Known after apply: the functions wait for it.
resource "terraform_data" "account" {
  input = "222222222222"
}

output "operators" {
  value = keys(provider::replicated::operator_policy({
    source = { bucket = "<bucket>", region = "eu-west-1", account_id = "111111111111" }
    destinations = {
      far = { assume_role = { role_arn = "arn:aws:iam::${terraform_data.account.output}:role/Deploy" }, region = "eu-west-2" }
    }
    access = "read"
  }))
}
"#;

async fn functions_need_no_credentials(client: Client) -> Outcome {
    let mut setup = Setup::new(client).await?;
    setup.main(OBJECT)?;
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ] {
        setup.workspace.unset(name);
    }
    setup.proxy.take_log();
    setup.workspace.apply().await?.success()?;
    assert_eq!(setup.proxy.log().len(), 0);
    let state = setup.workspace.state_json().await?;
    assert_eq!(state["values"]["outputs"]["grants"]["value"], 3, "{state}");
    assert_eq!(
        state["values"]["outputs"]["operators"]["value"],
        serde_json::json!(["111111111111", "222222222222"]),
        "{state}"
    );

    setup.main(&OBJECT.replace("bucket =", "buckt ="))?;
    let refused = setup.workspace.plan().await?.with_code(1)?;
    let told = refused.text();
    assert!(told.contains("Did you mean bucket?"), "{told}");
    Ok(())
}
