//! What `terraform plan` says for typical changes, word for word: it names what changes and nothing else.
//!
//! One setup is applied, and each change is planned against it. Names, accounts and ids of the run are replaced, so
//! that the texts can be read and compared; Terraform 1.15 prints them.

use serde_json::Value;
use support::Outcome;
use support::terraform::Client;

use crate::keys::{foreign_key, id};
use crate::setup::{DESTINATION_REGION, SOURCE_REGION, Setup};

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

/// What a person reads between Terraform's preamble and its closing note.
fn plan_text(text: &str, setup: &Setup, state: &Value) -> Outcome<String> {
    let begin = text.find("Terraform will perform").unwrap_or_default();
    let end = text.find("\n─").unwrap_or(text.len());
    let mut told = text[begin..end].trim_end().to_owned();
    let ids = [
        ("source-key", &state["source"]["kms_key_id"]),
        ("backup-key", &state["destinations"]["backup"]["kms_key_id"]),
        ("near-key", &state["destinations"]["near"]["kms_key_id"]),
        ("AROA0000", &state["role"]["unique_id"]),
    ];
    for (name, id) in ids {
        told = told.replace(id.as_str().unwrap_or(name), name);
    }
    told = told
        .replace(setup.source.id(), "111111111111")
        .replace(setup.destination.id(), "222222222222")
        .replace(&setup.bucket, "acme-archive");
    // The rest of a Sid is a hash of names of this run; how much is left out of a text is Terraform's affair.
    let sid = r"(Replicated[A-Z][A-Za-z]*?)[0-9a-f]{14}\b";
    let told = replaced(&told, sid, "${1}0000")?;
    let told = replaced(&told, r"# \(\d+ unchanged", "# (unchanged")?;
    let mut lines: Vec<&str> = told.lines().map(str::trim_end).collect();
    // Keys in one list are ordered by their ids, which are random.
    for keys in lines.chunk_by_mut(|one, next| is_key(one) && is_key(next)) {
        keys.sort_unstable();
    }
    Ok(lines.join("\n"))
}

fn is_key(line: &str) -> bool {
    line.contains("\"arn:aws:kms:") && line.ends_with("\",")
}

fn replaced(text: &str, pattern: &str, with: &str) -> Outcome<String> {
    let pattern = regex::Regex::new(pattern)?;
    Ok(pattern.replace_all(text, with).into_owned())
}

#[tokio::test]
async fn each_plan_names_what_changes_and_nothing_else() -> Outcome {
    let setup = Setup::new(Client::from_python()?).await?;
    setup.resource(&body("", "", ""))?;
    let planned = setup.workspace.run(&["plan", "-no-color"]).await?;
    let nothing = Value::Null;
    let told = plan_text(&planned.success()?.stdout, &setup, &nothing)?;
    insta::assert_snapshot!("everything_is_made", told);
    setup.apply().await?;
    let state = setup.state().await?;

    let key = foreign_key(&setup.source, SOURCE_REGION).await?;
    let key_id = id(&key);
    for (name, body) in changes() {
        setup.resource(&body.replace("<key>", &key))?;
        let run = setup.workspace.run(&["plan", "-no-color"]).await?;
        let told = plan_text(&run.success()?.stdout, &setup, &state)?;
        let told = told.replace(key_id, "existing-key");
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
    let told = plan_text(&run.success()?.stdout, &setup, &state)?;
    insta::assert_snapshot!("somebody_suspended_versioning", told);
    setup.apply().await?;
    setup.workspace.destroy().await?.success()?;
    assert_eq!(setup.remains().await?, [format!("key {key_id}")]);
    Ok(())
}
