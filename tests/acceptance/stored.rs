//! States that other versions of the provider stored: earlier ones go on as they are, newer ones are refused in words.
//!
//! The files in `states` are states as the provider of version 0 of the schema left them, with words for the names and
//! numbers of the run, and their private state readable. The objects of each are made by the provider of today.

use base64::Engine as _;
use serde_json::Value;
use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::Setup;

on_each_client!(
    what_was_created_under_version_0_plans_empty,
    what_was_imported_under_version_0_keeps_what_was_found,
    a_state_of_a_newer_version_is_refused_in_words,
    a_state_that_does_not_fit_says_where,
);

const STATE: &str = "terraform.tfstate";

/// The resource, with lines of its own at the source, at the destination `near` and at the end.
fn body(source: &str, near: &str, end: &str) -> String {
    format!(
        r#"
  source = {{
    bucket     = "<bucket>"
    encryption = {{ sse_algorithm = "aws:kms" }}
    {source}
  }}
  destinations = {{
    backup = {{
      region        = "us-west-2"
      assume_role   = {{ role_arn = "<role>" }}
      storage_class = "STANDARD_IA"
    }}
    near = {{
      region = "ap-southeast-4"
      {near}
    }}
  }}
  {end}
"#
    )
}

const FOUND: &str = r#"object_ownership = "BucketOwnerPreferred""#;

async fn what_was_created_under_version_0_plans_empty(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.provider(r#"default_tags { tags = { owner = "ops" } }"#)?;
    let tags = r#"tags = { team = "storage" }"#;
    setup.resource(&body(FOUND, r#"tags = { place = "near" }"#, tags))?;
    setup.apply().await?;
    let told = setup.state().await?;
    take_over(&setup, include_str!("states/created_by_version_0.json")).await?;
    goes_on(&setup).await?;
    assert_eq!(setup.state().await?, told);
    setup.destroy().await
}

async fn what_was_imported_under_version_0_keeps_what_was_found(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.resource(&body(FOUND, "", ""))?;
    setup.apply().await?;
    // What the import found is written nowhere from here on: only the private state knows it.
    setup.resource(&body("", "", ""))?;
    take_over(&setup, include_str!("states/imported_by_version_0.json")).await?;
    goes_on(&setup).await?;
    // As the provider of today wrote it.
    goes_on(&setup).await?;
    let state = setup.state().await?;
    assert_eq!(state["source"]["object_ownership"], "BucketOwnerPreferred");
    setup.destroy().await
}

async fn a_state_of_a_newer_version_is_refused_in_words(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    let kept = edit(&setup, |instance| instance["schema_version"] = 1000.into())?;
    let run = setup.workspace.plan().await?.with_code(1)?;
    // Terraform itself refuses it, before it asks the provider.
    assert!(
        run.text().contains("newer provider version"),
        "it is not said that the provider is older: {run}"
    );
    assert!(run.text().contains("replicated-bucket/replicated"), "{run}");
    setup.workspace.write(STATE, &kept)?;

    let newer = base64::engine::general_purpose::STANDARD.encode(r#"{"version":1000}"#);
    let kept = edit(&setup, |instance| instance["private"] = newer.into())?;
    let run = setup.workspace.plan().await?.with_code(1)?;
    let said = "The state was written by a newer version of the provider";
    assert!(run.text().contains(said), "{run}");
    setup.workspace.write(STATE, &kept)?;
    setup.workspace.plan().await?.success()?;
    Ok(())
}

async fn a_state_that_does_not_fit_says_where(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    let kept = edit(&setup, |instance| {
        instance["attributes"]["destinations"]["backup"]["encryption"] = "aws:kms".into();
    })?;
    let run = setup.workspace.plan().await?.with_code(1)?;
    let place = r#"destinations["backup"].encryption: expected an object, found a string"#;
    assert!(run.text().contains(place), "{run}");
    setup.workspace.write(STATE, &kept)?;
    setup.workspace.plan().await?.success()?;
    Ok(())
}

/// Puts a stored state in the place of the one that today's provider wrote, with its names and numbers.
async fn take_over(setup: &Setup, stored: &str) -> Outcome {
    let live = setup.state().await?;
    let text = |path: &str| {
        let found = live.pointer(path).and_then(Value::as_str);
        found.ok_or_else(|| format!("the state has no {path}"))
    };
    let statements = text("/components/destination~1backup~1bucket_policy")?;
    let hash = statements
        .strip_prefix("ReplicatedObjects")
        .and_then(|rest| rest.split(',').next())
        .ok_or("the statements have other names")?;
    let mut stored = stored.to_owned();
    for (word, name) in [
        ("<bucket>", setup.bucket.as_str()),
        ("<source>", setup.source.id()),
        ("<destination>", setup.destination.id()),
        ("<source-key>", text("/source/kms_key_id")?),
        ("<backup-key>", text("/destinations/backup/kms_key_id")?),
        ("<near-key>", text("/destinations/near/kms_key_id")?),
        ("<role-id>", text("/role/unique_id")?),
        ("<hash>", hash),
    ] {
        stored = stored.replace(word, name);
    }
    setup.workspace.write(STATE, &stored)?;
    edit(setup, |instance| {
        assert_eq!(instance["schema_version"], 0);
        let private = instance["private"].to_string();
        instance["private"] = base64::engine::general_purpose::STANDARD
            .encode(private)
            .into();
    })?;
    Ok(())
}

/// Changes the stored resource; answers with the state as it was.
fn edit(setup: &Setup, change: impl FnOnce(&mut Value)) -> Outcome<String> {
    let kept = std::fs::read_to_string(setup.workspace.path().join(STATE))?;
    let mut state: Value = serde_json::from_str(&kept)?;
    change(&mut state["resources"][0]["instances"][0]);
    setup.workspace.write(STATE, &state.to_string())?;
    Ok(kept)
}

/// Plan and apply find nothing to do; the apply stores what was read in the form of today.
async fn goes_on(setup: &Setup) -> Outcome {
    setup.proxy.take_log();
    setup.workspace.plan().await?.success()?;
    setup.workspace.apply().await?.success()?;
    let log = setup.proxy.log();
    assert_eq!(log.writes().count(), 0, "{log}");
    Ok(())
}
