//! The data source `replicated_bucket_status` in `check` blocks, under real Terraform.

use support::Outcome;
use support::cloud_watch::CloudWatch;
use support::proxy::{Fault, Rule};
use support::terraform::{Client, Run};

use crate::on_each_client;
use crate::setup::{DESTINATION_REGION, SOURCE_REGION, Setup};

on_each_client!(
    a_check_passes_while_objects_cross_and_warns_when_they_do_not,
    a_check_warns_of_failures_that_cloud_watch_counts,
);

const CHECKED: &str = r#"
resource "replicated_bucket" "archive" {
  source = { bucket = "<bucket>" }
  destinations = {
    backup = {
      region      = "us-west-2"
      assume_role = { role_arn = "<role>" }
      <settings>
    }
  }
}

check "replication" {
  data "replicated_bucket_status" "archive" {
    import_id = replicated_bucket.archive.import_id
    keys      = ["note.txt", "never.txt"]
  }
  assert {
    condition     = data.replicated_bucket_status.archive.wired
    error_message = "Broken: ${join(", ", data.replicated_bucket_status.archive.problems)}"
  }
  assert {
    condition = alltrue(flatten([
      for destination in data.replicated_bucket_status.archive.destinations : [
        for rule in destination.rules : rule.status != "FAILING"
      ]
    ]))
    error_message = "Failed: ${coalesce(data.replicated_bucket_status.archive.destinations["backup"].rules["default"].failed, 0)}"
  }
  assert {
    condition     = data.replicated_bucket_status.archive.objects["note.txt"].destinations["backup"].present
    error_message = "The note has not arrived."
  }
  assert {
    condition     = !data.replicated_bucket_status.archive.objects["never.txt"].source.present
    error_message = "What nobody wrote is there."
  }
}
"#;

const TOLD: &str = r#"
data "replicated_bucket_status" "told" {
  import_id = replicated_bucket.archive.import_id
  keys      = ["note.txt", "never.txt"]
}
output "objects" { value = data.replicated_bucket_status.told.objects }
"#;

/// The one warning of every run is that the provider is a development build.
const OF_EVERY_RUN: usize = 1;

/// A plan of nothing but what checks read. Where that is not what the last apply stored, Terraform reads it once more in
/// the next apply and says so, which counts as a change.
async fn planned(setup: &Setup) -> Outcome<Run> {
    let run = setup.workspace.plan().await?;
    if !matches!(run.code, Some(0 | 2)) {
        return run.success();
    }
    assert!(
        !run.text().contains("replicated_bucket.archive will be"),
        "{run}"
    );
    Ok(run)
}

async fn a_check_passes_while_objects_cross_and_warns_when_they_do_not(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    let checked = CHECKED.replace("<settings>", "");
    setup.main(&checked)?;
    // Nothing has been written yet, so nothing has arrived, and that stops no apply.
    let run = setup.workspace.apply().await?.success()?;
    assert!(run.text().contains("The note has not arrived."), "{run}");
    let source = setup.at_source();
    source
        .put_text(&setup.bucket, "note.txt", "Dear archive")
        .await?;
    let plan = planned(&setup).await?;
    let warnings = plan.text().matches("Warning: ").count();
    assert_eq!(warnings, OF_EVERY_RUN, "{plan}");

    // Both sides of the object are told.
    setup.main(&format!("{checked}{TOLD}"))?;
    setup.workspace.apply().await?.success()?;
    let state = setup.workspace.state_json().await?;
    let objects = &state["values"]["outputs"]["objects"]["value"];
    let (there, here) = (
        &objects["note.txt"]["destinations"]["backup"],
        &objects["note.txt"]["source"],
    );
    assert_eq!(here["replication_status"], "COMPLETED", "{objects}");
    assert_eq!(there["replication_status"], "REPLICA", "{objects}");
    assert!(here["version_id"].is_string(), "{objects}");
    // The emulator gives replicas versions of their own.
    assert!(there["version_id"].is_string(), "{objects}");
    let never = &objects["never.txt"]["destinations"]["backup"];
    assert_eq!(never["present"], false, "{objects}");

    // Somebody takes the grant away. A check reads after the changes of its resource, and a plan that has seen the
    // difference repairs it; one that has not looked at the resource is told by the check.
    setup.main(&checked)?;
    let backup = setup.replica_bucket();
    let there = setup.at_destination();
    there
        .s3
        .delete_bucket_policy()
        .bucket(&backup)
        .send()
        .await?;
    let arguments = ["plan", "-refresh=false", "-no-color"];
    let plan = setup.workspace.run(&arguments).await?.success()?;
    let text = plan.text();
    let told = "Broken: destination/backup/bucket_policy: statements missing";
    assert!(text.contains(told), "{text}");
    let run = setup.workspace.apply().await?.success()?;
    assert!(!run.text().contains("Broken: "), "{run}");
    planned(&setup).await?;
    source.empty_bucket(&setup.bucket).await?;
    there.empty_bucket(&backup).await?;
    setup.destroy().await
}

async fn a_check_warns_of_failures_that_cloud_watch_counts(client: Client) -> Outcome {
    let mut setup = Setup::new(client).await?;
    let (block, environment) = (CloudWatch::start().await?, CloudWatch::start().await?);
    setup
        .workspace
        .set("AWS_ENDPOINT_URL_CLOUDWATCH", environment.url());
    setup.main(&CHECKED.replace("<settings>", "metrics = true"))?;
    setup.workspace.apply().await?.success()?;
    setup
        .at_source()
        .put_text(&setup.bucket, "note.txt", "Dear archive")
        .await?;
    let rule = "replicated-backup";
    for server in [&environment, &block] {
        server.take_asked();
        let failed = "OperationsFailedReplication";
        // Only the source's region has it.
        server.measure(DESTINATION_REGION, failed, rule, &[(300, 50.0)]);
    }
    let plan = planned(&setup).await?;
    let warnings = plan.text().matches("Warning: ").count();
    assert_eq!(warnings, OF_EVERY_RUN, "{plan}");

    let failed = "OperationsFailedReplication";
    environment.measure(SOURCE_REGION, failed, rule, &[(300, 2.0), (7200, 5.0)]);
    let plan = planned(&setup).await?;
    assert!(plan.text().contains("Failed: 7"), "{plan}");
    assert!(block.take_asked().is_empty());

    // The block's endpoint wins over the environment's.
    let endpoint = format!("endpoints {{ cloudwatch = \"{}\" }}", block.url());
    setup.provider(&endpoint)?;
    block.measure(SOURCE_REGION, failed, rule, &[(300, 1.0)]);
    let plan = planned(&setup).await?;
    assert!(plan.text().contains("Failed: 1"), "{plan}");
    let asked = block.take_asked();
    let regions: Vec<&str> = asked
        .iter()
        .filter_map(|asked| Some(asked.scope.as_ref()?.region.as_str()))
        .collect();
    assert!(regions.contains(&SOURCE_REGION), "{regions:?}");
    assert!(regions.contains(&DESTINATION_REGION), "{regions:?}");

    // Whoever may not ask is told so, and nothing stops.
    block.refuse("AccessDenied");
    let plan = planned(&setup).await?;
    let text = plan.text();
    assert!(text.contains("cloudwatch:GetMetricData"), "{text}");
    let denied = Fault::Status(403, "<Error><Code>AccessDenied</Code></Error>".to_owned());
    setup.proxy.add_rule(Rule::on(" HeadObject$", denied)?);
    let plan = planned(&setup).await?;
    assert!(plan.text().contains("s3:HeadObject"), "{plan}");
    Ok(())
}
