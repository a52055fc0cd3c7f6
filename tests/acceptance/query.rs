//! Buckets are imported by identity, found by `terraform query`, and described by configurations that Terraform
//! writes itself. Identities came with Terraform 1.12, queries with 1.14: an older client is left out by name.

use serde_json::{Value, json};
use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{RESOURCE, SOURCE_REGION, Setup};

on_each_client!(
    an_import_by_identity_gets_a_configuration_that_plans_empty needs Identity,
    an_import_by_id_gets_a_configuration_that_plans_empty needs Identity,
    an_identity_that_does_not_fit_is_an_error needs Identity,
    a_query_finds_what_replicates_and_writes_a_configuration_that_plans_empty needs List,
    a_stored_identity_of_an_earlier_version_is_read_and_completed needs Identity,
);

const ACCOUNT_BLOCK: &str = r#"
account {
  account_id = "<destination>"
  assume_role { role_arn = "<role>" }
}"#;

const ARCHIVE: &str = r#"
  source = {
    bucket     = "<bucket>"
    encryption = { sse_algorithm = "aws:kms" }
    tags       = { team = "storage" }
  }
  destinations = {
    backup = { account_id = "<destination>", region = "us-west-2", storage_class = "STANDARD_IA" }
    near = {
      region = "eu-west-1"
      rules = {
        letters = { filter = { prefix = "letters/" }, delete_marker_replication = true }
        bills   = { filter = { prefix = "bills/", tags = { kind = "paid" } }, enabled = false }
      }
    }
  }
  role = { path = "/service-role/", description = "" }
"#;

/// A setup that is there, and a workspace that knows nothing of it but the provider.
async fn forgotten(client: Client) -> Outcome<Setup> {
    let setup = Setup::new(client).await?;
    setup.provider(ACCOUNT_BLOCK)?;
    setup.resource(ARCHIVE)?;
    setup.apply().await?;
    let made = identity(&setup, RESOURCE).await?;
    assert_eq!(made["account_id"], setup.source.id());
    assert_eq!(made["region"], SOURCE_REGION);
    assert_eq!(made["bucket"], setup.bucket.as_str());
    let remove = ["state", "rm", RESOURCE];
    setup.workspace.run(&remove).await?.success()?;
    setup.main("")?;
    Ok(setup)
}

/// The identity that is stored beside a resource.
async fn identity(setup: &Setup, address: &str) -> Outcome<Value> {
    let run = setup.workspace.run(&["state", "pull"]).await?.success()?;
    let state: Value = serde_json::from_str(&run.stdout)?;
    let resources = state["resources"].as_array().into_iter().flatten();
    let name = |resource: &Value| {
        let [ty, name] = ["type", "name"].map(|part| resource[part].as_str().unwrap_or_default());
        format!("{ty}.{name}")
    };
    let mut found = resources.filter(|resource| name(resource) == address);
    let resource = found.next().ok_or("it is not in the state")?;
    Ok(resource["instances"][0]["identity"].clone())
}

/// What is planned with the files that are there is an import, and nothing else.
async fn assert_imports(setup: &Setup, address: &str) -> Outcome {
    let run = setup.workspace.plan().await?.with_code(2)?;
    let told = "1 to import, 0 to add, 0 to change, 0 to destroy";
    assert!(run.text().contains(told), "{run}");
    setup.proxy.take_log();
    setup.workspace.apply().await?.success()?;
    let log = setup.proxy.log();
    assert_eq!(log.writes().count(), 0, "{log}");
    setup.workspace.plan().await?.success()?;
    let stored = identity(setup, address).await?;
    assert_eq!(stored["bucket"], setup.bucket.as_str());
    Ok(())
}

async fn generated_for(client: Client, import: &str) -> Outcome {
    let setup = forgotten(client).await?;
    let import = import.replace("<place>", &format!("{}@{SOURCE_REGION}", setup.bucket));
    setup.main(&format!("import {{\n  to = {RESOURCE}\n  {import}\n}}\n"))?;
    let generate = ["plan", "-no-color", "-generate-config-out=generated.tf"];
    setup.workspace.run(&generate).await?.success()?;
    let written = std::fs::read_to_string(setup.workspace.path().join("generated.tf"))?;
    assert!(!written.contains("= \"\""), "{written}");
    assert_imports(&setup, RESOURCE).await?;
    setup.destroy().await
}

async fn an_import_by_identity_gets_a_configuration_that_plans_empty(client: Client) -> Outcome {
    generated_for(client, r#"identity = { bucket = "<bucket>" }"#).await
}

async fn an_import_by_id_gets_a_configuration_that_plans_empty(client: Client) -> Outcome {
    generated_for(client, r#"id = "<place>""#).await
}

async fn an_identity_that_does_not_fit_is_an_error(client: Client) -> Outcome {
    let setup = forgotten(client).await?;
    setup.main(&format!(
        "import {{\n  to = {RESOURCE}\n  identity = {{ bucket = \"<bucket>\", region = \"eu-west-1\" }}\n}}\nresource \"replicated_bucket\" \"archive\" {{\n{ARCHIVE}\n}}\n"
    ))?;
    let run = setup.workspace.plan().await?.with_code(1)?;
    let told = "The identity does not fit the bucket";
    assert!(run.text().contains(told), "{run}");
    Ok(())
}

async fn a_query_finds_what_replicates_and_writes_a_configuration_that_plans_empty(
    client: Client,
) -> Outcome {
    let setup = forgotten(client).await?;
    let alone = format!("{}-alone", setup.bucket);
    let region = SOURCE_REGION.parse()?;
    let here = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(region);
    let create = setup.at_source().s3.create_bucket().bucket(&alone);
    create
        .create_bucket_configuration(here.build())
        .send()
        .await?;
    let list = |more: &str| {
        format!(
            "list \"replicated_bucket\" \"found\" {{\n  provider = replicated\n  {more}\n  config {{ prefix = \"{}\" }}\n}}\n",
            setup.bucket
        )
    };
    setup.workspace.write("found.tfquery.hcl", &list(""))?;
    let run = setup.workspace.run(&["query", "-no-color"]).await?;
    let run = run.success()?;
    let text = run.text();
    assert!(text.contains("list.replicated_bucket.found"), "{run}");
    assert!(text.contains(&format!("bucket={}", setup.bucket)), "{run}");
    assert!(!text.contains(&alone), "{run}");

    let generate = ["query", "-no-color", "-generate-config-out=found.tf"];
    setup.workspace.run(&generate).await?.success()?;
    assert_imports(&setup, "replicated_bucket.found_0").await?;
    setup
        .at_source()
        .s3
        .delete_bucket()
        .bucket(&alone)
        .send()
        .await?;
    setup.destroy().await
}

async fn a_stored_identity_of_an_earlier_version_is_read_and_completed(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    let stored = identity(&setup, RESOURCE).await?;
    let run = setup.workspace.run(&["state", "pull"]).await?.success()?;
    let mut state: Value = serde_json::from_str(&run.stdout)?;
    let instance = &mut state["resources"][0]["instances"][0];
    instance["identity_schema_version"] = json!(0);
    instance["identity"] = json!({ "bucket": setup.bucket });
    state["serial"] = json!(state["serial"].as_u64().unwrap_or_default() + 1);
    setup.workspace.write("old.json", &state.to_string())?;
    let push = ["state", "push", "old.json"];
    setup.workspace.run(&push).await?.success()?;
    setup.workspace.plan().await?.success()?;
    let refresh = ["apply", "-refresh-only", "-auto-approve", "-no-color"];
    setup.workspace.run(&refresh).await?.success()?;
    assert_eq!(identity(&setup, RESOURCE).await?, stored);
    Ok(())
}
