//! What a plan knows, what it does not ask, and what it bears: unknown values, modules, no credentials.

use std::path::Path;

use serde_json::Value;
use support::Outcome;
use support::terraform::{Client, Workspace};

use crate::on_each_client;
use crate::setup::{PROVIDER, Setup, provider_block};

on_each_client!(
    a_plan_knows_everything_but_what_aws_decides,
    a_plan_with_keys_to_be_made_knows_the_rest,
    validation_needs_no_credentials,
    a_plan_without_refresh_asks_nothing_of_what_is_unchanged,
    a_module_with_destinations_from_a_for_expression_bears_unknown_names,
    a_whole_map_of_destinations_may_be_unknown,
);

/// The paths of everything that is unknown.
fn unknown(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Bool(true) => found.push(path.trim_start_matches('.').to_owned()),
        Value::Object(attributes) => {
            for (name, value) in attributes {
                unknown(value, &format!("{path}.{name}"), found);
            }
        }
        Value::Array(items) => {
            for item in items {
                unknown(item, path, found);
            }
        }
        _ => {}
    }
}

fn unknowns(planned: &Value) -> Vec<String> {
    let mut found = Vec::new();
    unknown(&planned["after_unknown"], "", &mut found);
    found.sort();
    found
}

async fn a_plan_knows_everything_but_what_aws_decides(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.resource(
        r#"
  source = { bucket = "<bucket>" }
  destinations = {
    backup = {
      region        = "us-west-2"
      assume_role   = { role_arn = "<role>" }
      storage_class = "STANDARD_IA"
    }
  }
"#,
    )?;
    let planned = setup.planned().await?;
    assert_eq!(unknowns(&planned), ["role.unique_id"]);
    let after = &planned["after"];
    let side = &after["destinations"]["backup"];
    assert_eq!(side["storage_class"], "STANDARD_IA");
    assert_eq!(side["priority"], 0);
    assert_eq!(side["account_id"], setup.destination.id());
    let role = format!(
        "arn:aws:iam::{}:role/{}",
        setup.source.id(),
        setup.role_name()
    );
    assert_eq!(after["role"]["arn"], role.as_str());
    for document in [&after["role"]["policy_json"], &side["policy_json"]] {
        let document: Value = serde_json::from_str(document.as_str().ok_or("no document")?)?;
        assert_ne!(document["Statement"], Value::Null);
    }
    setup.apply().await?;
    let made = setup.state().await?;
    assert_eq!(made["role"]["policy_json"], after["role"]["policy_json"]);
    assert_eq!(made["destinations"], after["destinations"]);
    Ok(())
}

async fn a_plan_with_keys_to_be_made_knows_the_rest(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure("", "")?;
    let planned = setup.planned().await?;
    assert_eq!(
        unknowns(&planned),
        [
            "components.destination/backup/key",
            "components.source/key",
            "destinations.backup.kms_key_arn",
            "destinations.backup.kms_key_id",
            "role.policy_json",
            "role.unique_id",
            "source.kms_key_arn",
            "source.kms_key_id",
        ]
    );
    Ok(())
}

async fn validation_needs_no_credentials(client: Client) -> Outcome {
    let mut workspace = Workspace::new(client, Path::new(PROVIDER))?;
    workspace.write("provider.tf", &provider_block(""))?;
    let resource = |class: &str| {
        format!(
            r#"resource "replicated_bucket" "archive" {{
  source       = {{ bucket = "acme-archive" }}
  destinations = {{ backup = {{ region = "us-west-2", storage_class = "{class}" }} }}
}}
"#
        )
    };
    workspace.write("main.tf", &resource("STANDARD_IA"))?;
    workspace.run(&["validate", "-no-color"]).await?.success()?;
    workspace.write("main.tf", &resource("STANDARD_AI"))?;
    let run = workspace
        .run(&["validate", "-no-color"])
        .await?
        .with_code(1)?;
    assert!(run.text().contains("storage_class must be one of"), "{run}");

    // Not even a home folder or a place for temporary files.
    for name in ["HOME", "TMPDIR", "AWS_EC2_METADATA_DISABLED", "NO_PROXY"] {
        workspace.unset(name);
    }
    workspace.write("main.tf", &resource("STANDARD_IA"))?;
    workspace.run(&["validate", "-no-color"]).await?.success()?;
    Ok(())
}

async fn a_plan_without_refresh_asks_nothing_of_what_is_unchanged(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    setup.proxy.take_log();
    let arguments = ["plan", "-refresh=false", "-detailed-exitcode", "-no-color"];
    setup.workspace.run(&arguments).await?.success()?;
    let log = setup.proxy.log();
    let asked = log.calls().iter().find(|call| {
        call.scope
            .as_ref()
            .is_none_or(|scope| scope.service != "sts")
    });
    assert_eq!(asked, None, "{log}");
    Ok(())
}

/// A team's module: destinations from a variable, everything from values that are known only after apply.
const MODULE: &str = r#"
terraform {
  required_providers {
    replicated = { source = "replicated-bucket/replicated" }
  }
}

variable "bucket" { type = string }

variable "places" {
  type = map(object({
    region        = string
    role          = optional(string)
    storage_class = optional(string)
  }))
}

resource "replicated_bucket" "archive" {
  source = { bucket = var.bucket }
  destinations = {
    for key, place in var.places : key => {
      bucket        = "${var.bucket}-${key}"
      region        = place.region
      storage_class = place.storage_class
      assume_role   = place.role == null ? null : { role_arn = place.role }
    }
  }
}

output "arns" {
  value = { for key, side in replicated_bucket.archive.destinations : key => side.arn }
}
"#;

async fn a_module_with_destinations_from_a_for_expression_bears_unknown_names(
    client: Client,
) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.workspace.write("replicas/main.tf", MODULE)?;
    setup.main(
        r#"
resource "terraform_data" "name" {
  for_each = toset(["letters", "parcels"])
  input    = "<bucket>-${each.key}"
}

module "archive" {
  source   = "./replicas"
  for_each = terraform_data.name
  bucket   = each.value.output
  places = {
    away = { region = "us-west-2", role = "<role>", storage_class = "STANDARD_IA" }
    home = { region = "eu-west-1" }
  }
}

output "arns" { value = module.archive["letters"].arns }
"#,
    )?;
    setup.workspace.run(&["get"]).await?.success()?;
    setup.workspace.plan().await?.with_code(2)?;
    setup.apply().await?;

    let state = setup.workspace.state_json().await?;
    let arns = &state["values"]["outputs"]["arns"]["value"];
    for key in ["away", "home"] {
        let arn = format!("arn:aws:s3:::{}-letters-{key}", setup.bucket);
        assert_eq!(arns[key], arn.as_str());
    }
    setup.destroy().await
}

async fn a_whole_map_of_destinations_may_be_unknown(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.main(
        r#"
resource "terraform_data" "regions" { input = { one = "us-west-2", two = "eu-west-1" } }

resource "replicated_bucket" "archive" {
  source       = { bucket = "<bucket>" }
  destinations = { for key, region in terraform_data.regions.output : key => { region = region } }
}
"#,
    )?;
    let planned = setup.planned().await?;
    assert!(
        unknowns(&planned).contains(&"destinations".to_owned()),
        "{planned}"
    );
    setup.apply().await?;
    let state = setup.state().await?;
    assert_eq!(state["destinations"]["two"]["region"], "eu-west-1");
    assert_eq!(state["destinations"]["two"]["priority"], 1);
    setup.destroy().await
}
