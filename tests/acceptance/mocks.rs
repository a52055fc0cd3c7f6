//! `terraform test`: modules of others with this resource in them, mocked without an AWS and for real.

use std::path::Path;

use support::Outcome;
use support::terraform::{Client, Workspace};

use crate::on_each_client;
use crate::setup::{PROVIDER, Setup, provider_block};

on_each_client!(
    a_module_is_tested_with_the_resource_mocked needs NestedMocks,
    a_module_is_tested_with_real_buckets_that_are_gone_afterwards,
);

const MODULE: &str = r#"
variable "bucket" { type = string }

variable "destinations" {
  type = map(object({
    region      = string
    assume_role = optional(object({ role_arn = string }))
  }))
}

resource "replicated_bucket" "archive" {
  source       = { bucket = var.bucket, encryption = { sse_algorithm = "aws:kms" } }
  destinations = var.destinations
}

output "key" { value = replicated_bucket.archive.source.kms_key_arn }
output "arns" {
  value = { for key, side in replicated_bucket.archive.destinations : key => side.arn }
}
output "arn" { value = replicated_bucket.archive.arn }
output "regions" {
  value = { for key, side in replicated_bucket.archive.destinations : key => side.region }
}
"#;

const MOCKED: &str = r#"
mock_provider "replicated" {
  mock_resource "replicated_bucket" {
    defaults = { arn = "arn:aws:s3:::mocked" }
  }
}

variables {
  bucket       = "acme-archive"
  destinations = { backup = { region = "us-west-2" }, near = { region = "eu-west-1" } }
}

run "planned" {
  command = plan
  assert {
    condition     = output.regions.backup == "us-west-2" && output.regions.near == "eu-west-1"
    error_message = "the regions are not those of the variable"
  }
}

run "applied" {
  assert {
    condition     = output.arn == "arn:aws:s3:::mocked"
    error_message = "the ARN is not the mock's"
  }
  assert {
    condition     = length(output.key) > 0 && length(output.arns.near) > 0
    error_message = "what is computed is empty"
  }
}

run "another_destination" {
  variables { destinations = { backup = { region = "us-west-2" } } }
  assert {
    condition     = keys(output.arns) == ["backup"]
    error_message = "a destination is left"
  }
}
"#;

async fn a_module_is_tested_with_the_resource_mocked(client: Client) -> Outcome {
    let workspace = Workspace::new(client, Path::new(PROVIDER))?;
    workspace.write("provider.tf", &provider_block(""))?;
    workspace.write("main.tf", MODULE)?;
    workspace.write("tests/mocked.tftest.hcl", MOCKED)?;
    let run = workspace.run(&["test", "-no-color"]).await?.success()?;
    assert!(run.text().contains("3 passed, 0 failed"), "{run}");
    Ok(())
}

async fn a_module_is_tested_with_real_buckets_that_are_gone_afterwards(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.main(MODULE)?;
    let test = r#"
variables {
  bucket = "<bucket>"
  destinations = {
    backup = { region = "us-west-2", assume_role = { role_arn = "<role>" } }
  }
}

run "made" {
  assert {
    condition     = output.arns.backup == "arn:aws:s3:::<bucket>-backup"
    error_message = "the destination has another name"
  }
}
"#;
    let test = test
        .replace("<bucket>", &setup.bucket)
        .replace("<role>", &setup.destination.deploy_role_arn());
    setup.workspace.write("tests/real.tftest.hcl", &test)?;
    let run = setup.workspace.run(&["test", "-no-color"]).await?;
    let run = run.success()?;
    assert!(run.text().contains("1 passed, 0 failed"), "{run}");
    assert_eq!(setup.proxy.log().count("CreateBucket"), 2);
    assert_eq!(setup.remains().await?, Vec::<String>::new());
    Ok(())
}
