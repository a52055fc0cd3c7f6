//! A provider whose configuration follows from a resource of the same apply.

use serde_json::json;
use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{SOURCE_REGION, Setup, provider_file};

on_each_client!(
    an_unknown_region_and_role_plan_without_a_call_and_apply,
    an_unknown_account_block_applies,
);

/// What the provider block takes its values from.
const PLACE: &str = r#"
resource "terraform_data" "place" {
  input = {
    region  = "<region>"
    role    = "<own>"
    account = "<destination>"
    deploy  = "<role>"
  }
}
"#;

fn write(setup: &Setup, provider: &str, destination: &str) -> Outcome {
    setup
        .workspace
        .write("provider.tf", &provider_file(provider))?;
    let place = PLACE
        .replace("<region>", SOURCE_REGION)
        .replace("<own>", &setup.source.deploy_role_arn());
    setup.main(&format!(
        r#"{place}
resource "replicated_bucket" "archive" {{
  source       = {{ bucket = "<bucket>", encryption = {{ sse_algorithm = "aws:kms" }} }}
  destinations = {{ backup = {{ region = "us-west-2", {destination} }} }}
}}
"#
    ))
}

async fn an_unknown_region_and_role_plan_without_a_call_and_apply(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    let provider = r#"region = terraform_data.place.output.region
  assume_role { role_arn = terraform_data.place.output.role }"#;
    write(&setup, provider, r#"assume_role = { role_arn = "<role>" }"#)?;
    let planned = setup.planned().await?;
    assert_eq!(planned["actions"], json!(["create"]));
    let unknown = &planned["after_unknown"];
    for attribute in ["account_id", "region", "arn", "kms_key_arn"] {
        assert_eq!(unknown["source"][attribute], true, "{attribute}: {unknown}");
    }
    assert_eq!(planned["after"]["source"]["bucket"], setup.bucket);
    let log = setup.proxy.log();
    assert!(log.is_empty(), "{log}");

    setup.apply().await?;
    let state = setup.state().await?;
    assert_eq!(state["source"]["region"], SOURCE_REGION);
    assert_eq!(state["source"]["account_id"], setup.source.id());
    setup.destroy().await
}

async fn an_unknown_account_block_applies(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    let provider = format!(
        r#"region = "{SOURCE_REGION}"
  account {{
    account_id = terraform_data.place.output.account
    assume_role {{ role_arn = terraform_data.place.output.deploy }}
  }}"#
    );
    write(&setup, &provider, r#"account_id = "<destination>""#)?;
    setup.planned().await?;
    let log = setup.proxy.log();
    assert!(log.is_empty(), "{log}");
    setup.apply().await?;
    let state = setup.state().await?;
    let backup = &state["destinations"]["backup"];
    assert_eq!(backup["account_id"], setup.destination.id());
    setup.destroy().await
}
