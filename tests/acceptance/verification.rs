//! `verification`, its action and its sub-command under real Terraform, with real objects that cross.
//!
//! The emulator copies during the write, by the destination's bucket policy and its versioning alone, so what fails here
//! fails by these. Every other end of a canary is in `tests/engine/verify.rs` and `tests/provider/verification.rs`.

use std::collections::BTreeSet;
use std::process::Output;

use support::Outcome;
use support::closing::say;
use support::terraform::Client;
use tokio::process::Command;

use crate::on_each_client;
use crate::setup::{DESTINATION_REGION, PROVIDER, Setup};
use crate::setups::Example;

on_each_client!(
    an_apply_ends_when_an_object_has_crossed_and_nothing_of_it_is_left,
    the_example_is_verified,
    the_action_verifies_after_each_change needs Actions,
);

const RESOURCE: &str = r#"
resource "replicated_bucket" "archive" {
  source = { bucket = "<bucket>", encryption = { sse_algorithm = "aws:kms" } }
  destinations = {
    backup = {
      bucket        = "<bucket>-backup"
      region        = "<region>"
      assume_role   = { role_arn = "<role>" }
      storage_class = "<class>"
      filter        = { prefix = "deeds/", tags = { keep = "yes" } }
    }
  }
  <more>
}
"#;

const ACTION: &str = r#"
action "replicated_bucket_verify" "archive" {
  config {
    import_id = replicated_bucket.archive.import_id
    timeout   = "20s"
  }
}
"#;

const TRIGGER: &str = r"
  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.replicated_bucket_verify.archive]
    }
  }
";

fn resource(class: &str, more: &str) -> String {
    RESOURCE
        .replace("<region>", DESTINATION_REGION)
        .replace("<class>", class)
        .replace("<more>", more)
}

async fn an_apply_ends_when_an_object_has_crossed_and_nothing_of_it_is_left(
    client: Client,
) -> Outcome {
    let setup = Setup::new(client).await?;
    let verified = r#"verification = { timeout = "20s" }"#;
    let mut moments = BTreeSet::new();
    for (class, sent) in [("STANDARD_IA", 1), ("GLACIER_IR", 2)] {
        setup.main(&resource(class, verified))?;
        setup.apply().await?;
        assert_eq!(setup.proxy.count("PutObject"), sent);
        let state = setup.state().await?;
        let moment = &state["destinations"]["backup"]["verified_at"];
        moments.insert(moment.as_str().ok_or("not verified")?.to_owned());
    }
    let (sent, left) = (setup.proxy.count("PutObject"), left_behind(&setup).await?);
    say(&format!(
        "verification: under Terraform: {sent} canaries sent, {} crossed, {left} objects left behind",
        moments.len()
    ));
    assert_eq!((moments.len(), left), (2, 0));
    setup.destroy().await
}

async fn the_example_is_verified(client: Client) -> Outcome {
    let example = Example::new(client, "is-it-really-replicating").await?;
    let run = example.apply().await?;
    assert!(run.text().contains("verified_at = \"20"), "{run}");
    assert_eq!(example.proxy.count("PutObject"), 1);
    example.destroy().await
}

async fn the_action_verifies_after_each_change(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    for (class, sent) in [("STANDARD_IA", 1), ("GLACIER_IR", 2)] {
        setup.main(&(resource(class, TRIGGER) + ACTION))?;
        let run = setup.apply().await?;
        assert_eq!(setup.proxy.count("PutObject"), sent, "{run}");
        assert!(run.text().contains("was written"), "{run}");
        assert!(run.text().contains(": crossed"), "{run}");
    }
    setup.destroy().await
}

/// How many versions and delete markers there are in both buckets.
async fn left_behind(setup: &Setup) -> Outcome<usize> {
    let mut left = 0;
    for (clients, bucket) in [
        (setup.at_source(), setup.bucket.clone()),
        (setup.at_destination(), setup.replica_bucket()),
    ] {
        let seen = clients
            .s3
            .list_object_versions()
            .bucket(bucket)
            .send()
            .await?;
        left += seen.versions().len() + seen.delete_markers().len();
    }
    Ok(left)
}

/// Runs the sub-command as a person does.
async fn verify(setup: &Setup, import_id: &str) -> Outcome<Output> {
    let mut command = Command::new(PROVIDER);
    command.args(["verify", import_id, "--timeout", "3s", "--region"]);
    command.arg(crate::setup::SOURCE_REGION);
    Ok(command.envs(setup.workspace.environment()).output().await?)
}

#[tokio::test]
async fn the_sub_command_tells_each_rule_and_what_a_person_broke() -> Outcome {
    let setup = Setup::new(Client::from_python()?).await?;
    setup.main(&resource("STANDARD_IA", ""))?;
    setup.apply().await?;
    let state = setup.state().await?;
    let import_id = state["import_id"].as_str().ok_or("no import_id")?;
    let fine = verify(&setup, import_id).await?;
    let told = String::from_utf8_lossy(&fine.stderr).into_owned();
    assert!(fine.status.success(), "{told}");
    assert!(told.contains("backup: crossed"), "{told}");
    // Told as it happens and at the end.
    let lines: BTreeSet<&str> = told.lines().map(str::trim).collect();
    let crossed = lines
        .iter()
        .filter(|line| line.ends_with("backup: crossed"));
    let crossed = crossed.count();

    let away = setup.at_destination();
    let replica = setup.replica_bucket();
    let policy = away.s3.get_bucket_policy().bucket(&replica).send().await?;
    away.s3
        .delete_bucket_policy()
        .bucket(&replica)
        .send()
        .await?;
    let broken = verify(&setup, import_id).await?;
    let told = String::from_utf8_lossy(&broken.stderr).into_owned();
    assert_eq!(broken.status.code(), Some(1), "{told}");
    assert!(told.contains("bucket_policy"), "{told}");
    let mut explained = usize::from(told.contains("s3:ReplicateObject"));
    let put = away.s3.put_bucket_policy().bucket(&replica);
    let policy = policy.policy().unwrap_or_default();
    put.policy(policy).send().await?;

    let suspended = aws_sdk_s3::types::VersioningConfiguration::builder()
        .status(aws_sdk_s3::types::BucketVersioningStatus::Suspended)
        .build();
    let put = away.s3.put_bucket_versioning().bucket(&replica);
    put.versioning_configuration(suspended).send().await?;
    let broken = verify(&setup, import_id).await?;
    let told = String::from_utf8_lossy(&broken.stderr).into_owned();
    assert_eq!(broken.status.code(), Some(1), "{told}");
    explained += usize::from(told.contains("versioning suspended"));
    let (sent, left) = (setup.proxy.count("PutObject"), left_behind(&setup).await?);
    say(&format!(
        "verification: by the sub-command: {sent} canaries sent, {crossed} crossed, {explained} failures explained, {left} objects left behind"
    ));
    assert_eq!((crossed, explained, left), (1, 2, 0), "{told}");
    setup.destroy().await
}
