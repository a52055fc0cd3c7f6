//! `moved` blocks from hashicorp/aws: its states are taken over, and its provider is asked for nothing but schemas.

use std::path::Path;

use serde_json::{Value, json};
use support::Outcome;
use support::python;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{RESOURCE, Setup};

on_each_client!(
    a_bucket_moves_from_version_5 needs Moves,
    a_replication_configuration_moves_from_version_6 needs Moves,
);

async fn a_bucket_moves_from_version_5(client: Client) -> Outcome {
    moves(client, "aws_5_bucket").await
}

async fn a_replication_configuration_moves_from_version_6(client: Client) -> Outcome {
    moves(client, "aws_6_bucket_replication_configuration").await
}

const ACCOUNT_BLOCK: &str = r#"
account {
  account_id = "<destination>"
  assume_role { role_arn = "<role>" }
}"#;

/// The configuration that made the setup, with another class for its replicas: the one real difference.
async fn moves(client: Client, state: &str) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.provider(ACCOUNT_BLOCK)?;
    let body = |class: &str| {
        format!(
            r#"
  source       = {{ bucket = "<bucket>" }}
  destinations = {{ backup = {{ account_id = "<destination>", region = "us-west-2", storage_class = "{class}" }} }}
"#
        )
    };
    setup.resource(&body("STANDARD_IA"))?;
    setup.apply().await?;
    let remove = ["state", "rm", RESOURCE];
    setup.workspace.run(&remove).await?.success()?;

    let old = stored(&setup, state)?;
    let ty = old["type"].as_str().ok_or("it has no type")?.to_owned();
    let mut file: Value = serde_json::from_str(
        &setup
            .workspace
            .run(&["state", "pull"])
            .await?
            .success()?
            .stdout,
    )?;
    file["resources"] = json!([{
        "mode": "managed",
        "type": ty,
        "name": "old",
        "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
        "instances": [{ "schema_version": old["schema_version"], "attributes": old["attributes"] }],
    }]);
    file["serial"] = json!(file["serial"].as_u64().unwrap_or_default() + 1);
    setup.workspace.write("old.json", &file.to_string())?;
    setup
        .workspace
        .run(&["state", "push", "old.json"])
        .await?
        .success()?;
    // Terraform asks every provider of the state for its schemas; that there is one for the old type it does not ask.
    setup.workspace.stand_in_for("hashicorp/aws")?;

    let resource = format!(
        "resource \"replicated_bucket\" \"archive\" {{\n{}\n}}\n",
        body("GLACIER_IR")
    );
    setup.main(&format!(
        "moved {{\n  from = {ty}.old\n  to   = {RESOURCE}\n}}\n{resource}"
    ))?;
    let run = setup.workspace.plan().await?.with_code(2)?;
    let text = run.text();
    assert!(
        text.contains("0 to add, 1 to change, 0 to destroy"),
        "{run}"
    );
    assert!(text.contains("\"STANDARD_IA\" -> \"GLACIER_IR\""), "{run}");
    assert_eq!(text.matches(" -> ").count(), 1, "{run}");
    setup.apply().await?;
    setup.destroy().await
}

/// A stored state of the old provider, for the setup's bucket.
fn stored(setup: &Setup, name: &str) -> Outcome<Value> {
    let states = python::repository().join(Path::new("tests/support/states"));
    let text = std::fs::read_to_string(states.join(format!("{name}.json")))?;
    let text = text.replace("acme-archive", &setup.bucket);
    let text = text.replace("eu-west-1", crate::setup::SOURCE_REGION);
    Ok(serde_json::from_str(&text)?)
}
