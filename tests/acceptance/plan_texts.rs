//! What `terraform plan` says for typical changes, word for word: it names what changes and nothing else.
//!
//! One setup is applied, and each change is planned against it. Names, accounts and ids of the run are replaced, so
//! that the texts can be read and compared; Terraform 1.15 prints them.

use serde_json::Value;
use support::Outcome;
use support::terraform::Client;

use crate::keys::{foreign_key, id};
use crate::setup::{DESTINATION_REGION, RESOURCE, SOURCE_REGION, Setup};
use crate::stand_ins::StandIns;

/// The setup, with lines that a change adds to the source, to the destination `backup`, and to the resource.
fn body(source: &str, backup: &str, more: &str) -> String {
    format!(
        r#"
  source = {{
    bucket     = "<bucket>"
    encryption = {{ sse_algorithm = "aws:kms" }}
    {source}
  }}
  destinations = {{
    backup = {{
      region      = "{DESTINATION_REGION}"
      assume_role = {{ role_arn = "<role>" }}
      {backup}
    }}
    near = {{ region = "ap-southeast-4" }}
    {more}
  }}
"#
    )
}

/// Changes by name: the whole body of the resource.
fn changes() -> Vec<(&'static str, String)> {
    vec![
        (
            "a_destination_comes",
            body("", "", r#"far = { region = "eu-west-1" }"#),
        ),
        (
            "a_destination_goes",
            body("", "", "").replace("near = {", "# {"),
        ),
        ("a_destination_is_paused", body("", "enabled = false", "")),
        (
            "another_storage_class",
            body("", r#"storage_class = "GLACIER_IR""#, ""),
        ),
        (
            "delete_markers_replicate",
            body("", "delete_marker_replication = true", ""),
        ),
        (
            "a_bucket_gets_tags",
            body("", r#"tags = { team = "storage" }"#, ""),
        ),
        (
            "the_key_is_swapped_for_an_existing_one",
            body("", "", "").replace(
                r#"encryption = { sse_algorithm = "aws:kms" }"#,
                r#"encryption = { kms_key_arn = "<key>" }"#,
            ),
        ),
        (
            "a_bucket_may_be_emptied",
            body("", "force_destroy = true", ""),
        ),
    ]
}

/// What stands for the names, accounts and ids of this run.
fn stand_ins(setup: &Setup, state: &Value) -> StandIns {
    let mut stand_ins = StandIns::default();
    stand_ins.add_state(state, "");
    stand_ins.add(setup.source.id(), "111111111111");
    stand_ins.add(setup.destination.id(), "222222222222");
    stand_ins.add(&setup.bucket, "acme-archive");
    stand_ins
}

#[tokio::test]
async fn each_plan_names_what_changes_and_nothing_else() -> Outcome {
    let setup = Setup::new(Client::from_python()?).await?;
    setup.resource(&body("", "", ""))?;
    let planned = setup.workspace.run(&["plan", "-no-color"]).await?;
    let told = stand_ins(&setup, &Value::Null).plan(&planned.success()?.stdout)?;
    insta::assert_snapshot!("everything_is_made", told);
    setup.apply().await?;
    let state = setup.state().await?;

    let key = foreign_key(&setup.source, SOURCE_REGION).await?;
    let key_id = id(&key);
    let mut stand_ins = stand_ins(&setup, &state);
    stand_ins.add_key(&key, "existing-key");
    for (name, body) in changes() {
        setup.resource(&body.replace("<key>", &key))?;
        let run = setup.workspace.run(&["plan", "-no-color"]).await?;
        let told = stand_ins.plan(&run.success()?.stdout)?;
        insta::assert_snapshot!(name, told);
    }

    setup.resource(&body("", "", ""))?;
    let s3 = setup.at_destination().s3;
    let suspended = aws_sdk_s3::types::VersioningConfiguration::builder()
        .status(aws_sdk_s3::types::BucketVersioningStatus::Suspended)
        .build();
    s3.put_bucket_versioning()
        .bucket(setup.replica_bucket())
        .versioning_configuration(suspended)
        .send()
        .await?;
    let run = setup.workspace.run(&["plan", "-no-color"]).await?;
    let told = stand_ins.plan(&run.success()?.stdout)?;
    insta::assert_snapshot!("somebody_suspended_versioning", told);
    setup.apply().await?;

    setup.workspace.run(&["taint", RESOURCE]).await?.success()?;
    let run = setup.workspace.run(&["plan", "-no-color"]).await?;
    let told = stand_ins.told(&run.with_code(1)?.stderr)?;
    insta::assert_snapshot!("somebody_tainted_it", told);
    let untaint = ["untaint", RESOURCE];
    setup.workspace.run(&untaint).await?.success()?;
    setup.workspace.destroy().await?.success()?;
    assert_eq!(setup.remains().await?, [format!("key {key_id}")]);
    Ok(())
}
