//! Terraform's own arguments and options: `lifecycle` blocks, `-target`, `-replace`, `-refresh=false`.

use aws_sdk_s3::types::ReplicationRuleStatus;
use serde_json::json;
use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{RESOURCE, Setup};
use crate::setups::texts::edit_rules;

on_each_client!(
    a_plan_without_refresh_contacts_only_the_destination_that_it_changes,
    a_target_is_planned_and_applied_alone,
    a_replacement_that_is_asked_for_makes_everything_anew,
    the_new_buckets_may_come_before_the_old_ones_go,
    the_new_takes_over_what_the_old_has_under_the_same_names,
    what_is_tainted_is_not_taken_for_something_new,
    what_must_not_be_destroyed_is_not_replaced_and_changes_in_place,
    ignored_changes_of_nested_attributes_are_neither_planned_nor_taken_back,
    an_ignored_change_of_a_rule_stays_as_somebody_made_it,
);

/// The resource with these names and this `lifecycle` block.
fn with_lifecycle(setup: &Setup, source: &str, destination: &str, lifecycle: &str) -> Outcome {
    setup.resource(&format!(
        r#"
  source       = {{ bucket = "{source}" }}
  destinations = {{
    backup = {{
      region      = "us-west-2"
      assume_role = {{ role_arn = "<role>" }}
      {destination}
    }}
  }}
  lifecycle {{
    {lifecycle}
  }}
"#
    ))
}

/// A destination in another account and one in another region, with these lines in the latter.
fn two_destinations(near: &str) -> String {
    format!(
        r#"
  source       = {{ bucket = "<bucket>" }}
  destinations = {{
    backup = {{ region = "us-west-2", assume_role = {{ role_arn = "<role>" }} }}
    near   = {{
      region = "eu-west-1"
      {near}
    }}
  }}
"#
    )
}

async fn a_plan_without_refresh_contacts_only_the_destination_that_it_changes(
    client: Client,
) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.resource(&two_destinations(""))?;
    setup.apply().await?;
    for change in [
        r#"tags = { team = "near" }"#,
        r#"storage_class = "GLACIER""#,
        "force_destroy = true",
    ] {
        setup.resource(&two_destinations(change))?;
        setup.proxy.take_log();
        let arguments = ["plan", "-refresh=false", "-detailed-exitcode", "-no-color"];
        let plan = setup.workspace.run(&arguments).await?.with_code(2)?;
        assert!(plan.text().contains("1 to change"), "{plan}");
        let log = setup.proxy.log();
        let backup = log.calls().iter().find(|call| {
            let scope = call.scope.as_ref();
            scope.is_none_or(|scope| scope.service != "sts" && scope.region == "us-west-2")
        });
        assert_eq!(backup, None, "{change}: {log}");
    }
    Ok(())
}

async fn a_target_is_planned_and_applied_alone(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    let letters = r#"
resource "replicated_bucket" "letters" {
  source       = { bucket = "<bucket>-letters" }
  destinations = { near = { region = "eu-west-1" } }
}
"#;
    let archive = format!(
        "resource \"replicated_bucket\" \"archive\" {{{}}}\n{letters}",
        two_destinations("")
    );
    setup.main(&archive)?;
    let target = format!("-target={RESOURCE}");
    let arguments = ["apply", "-auto-approve", "-no-color", &target];
    setup.workspace.run(&arguments).await?.success()?;
    let letters = format!("{}-letters", setup.bucket);
    assert!(setup.at_source().has_bucket(&setup.bucket).await?);
    assert!(!setup.at_source().has_bucket(&letters).await?);

    setup.apply().await?;
    assert!(setup.at_source().has_bucket(&letters).await?);
    let arguments = ["destroy", "-auto-approve", "-no-color", &target];
    setup.workspace.run(&arguments).await?.success()?;
    assert!(!setup.at_source().has_bucket(&setup.bucket).await?);
    assert!(setup.at_source().has_bucket(&letters).await?);
    setup.destroy().await
}

async fn a_replacement_that_is_asked_for_makes_everything_anew(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure("", "")?;
    setup.apply().await?;
    let before = setup.state().await?;
    let replace = format!("-replace={RESOURCE}");
    let arguments = ["apply", "-auto-approve", "-no-color", &replace];
    let run = setup.workspace.run(&arguments).await?.success()?;
    assert!(
        run.text().contains("1 added, 0 changed, 1 destroyed"),
        "{run}"
    );
    // Nothing is taken over that goes before: the client warns of its settings alone.
    assert_eq!(run.text().matches("Warning:").count(), 1, "{run}");
    setup.workspace.plan().await?.success()?;
    let after = setup.state().await?;
    assert_ne!(
        before["source"]["kms_key_id"],
        after["source"]["kms_key_id"]
    );

    setup
        .at_source()
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;
    let run = setup.workspace.run(&arguments).await?.with_code(1)?;
    let refused = format!("Replacement would delete bucket {}", setup.bucket);
    assert!(run.text().contains(&refused), "{run}");
    Ok(())
}

async fn the_new_buckets_may_come_before_the_old_ones_go(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    let lifecycle = "create_before_destroy = true";
    with_lifecycle(&setup, "<bucket>", "", lifecycle)?;
    setup.apply().await?;
    with_lifecycle(&setup, "<bucket>-new", "", lifecycle)?;
    assert_eq!(
        setup.planned().await?["actions"],
        json!(["create", "delete"])
    );
    setup.proxy.take_log();
    setup.apply().await?;
    let log = setup.proxy.log();
    let writes: Vec<_> = log.writes().map(|call| call.operation.as_str()).collect();
    let made = writes.iter().rposition(|write| *write == "CreateBucket");
    let deleted = writes.iter().position(|write| *write == "DeleteBucket");
    assert!(made < deleted, "{log}");
    assert!(!setup.at_source().has_bucket(&setup.bucket).await?);
    setup.destroy().await
}

async fn the_new_takes_over_what_the_old_has_under_the_same_names(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    with_lifecycle(&setup, "<bucket>", "", "create_before_destroy = true")?;
    setup.apply().await?;
    let replace = format!("-replace={RESOURCE}");
    let arguments = ["apply", "-auto-approve", "-no-color", &replace];
    let run = setup.workspace.run(&arguments).await?.success()?;
    let told = format!("Nothing of source {} is deleted", setup.bucket);
    assert!(run.text().contains(&told), "{run}");
    setup.workspace.plan().await?.success()?;

    // What holds an object is not taken over.
    let source = setup.at_source();
    source
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;
    setup.proxy.take_log();
    setup.workspace.run(&arguments).await?.with_code(1)?;
    assert_eq!(setup.proxy.log().writes().count(), 0);
    source.empty_bucket(&setup.bucket).await?;
    let there = setup.at_destination();
    there.empty_bucket(&setup.replica_bucket()).await?;
    setup.destroy().await
}

async fn what_is_tainted_is_not_taken_for_something_new(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure("", "")?;
    setup.apply().await?;
    setup.workspace.run(&["taint", RESOURCE]).await?.success()?;
    let plan = setup.workspace.plan().await?.with_code(1)?;
    let refused = format!("Bucket {} is in the state already", setup.bucket);
    assert!(plan.text().contains(&refused), "{plan}");
    assert!(plan.text().contains("terraform untaint"), "{plan}");
    let untaint = ["untaint", RESOURCE];
    setup.workspace.run(&untaint).await?.success()?;
    setup.workspace.plan().await?.success()?;
    setup.destroy().await
}

async fn what_must_not_be_destroyed_is_not_replaced_and_changes_in_place(
    client: Client,
) -> Outcome {
    let setup = Setup::new(client).await?;
    let lifecycle = "prevent_destroy = true";
    with_lifecycle(&setup, "<bucket>", "", lifecycle)?;
    setup.apply().await?;
    with_lifecycle(&setup, "<bucket>-new", "", lifecycle)?;
    let plan = setup.workspace.plan().await?.with_code(1)?;
    assert!(
        plan.text().contains("Instance cannot be destroyed"),
        "{plan}"
    );

    // A destination is part of an update, which Terraform does not prevent: so a plan warns.
    let vault = r#"bucket = "<bucket>-vault""#;
    with_lifecycle(&setup, "<bucket>", vault, lifecycle)?;
    let plan = setup.workspace.plan().await?.with_code(2)?;
    let warning = format!("Bucket {} will be deleted", setup.replica_bucket());
    assert!(plan.text().contains(&warning), "{plan}");
    setup.apply().await?;
    setup.workspace.destroy().await?.with_code(1)?;
    assert!(setup.at_source().has_bucket(&setup.bucket).await?);
    Ok(())
}

/// The resource with what `ignore_changes` names, each with this word in it.
fn ignoring(setup: &Setup, word: &str, days: u32) -> Outcome {
    setup.resource(&format!(
        r#"
  source = {{
    bucket = "<bucket>"
    lifecycle_rules = {{
      old = {{ noncurrent_version_expiration = {{ noncurrent_days = {days} }} }}
    }}
  }}
  destinations = {{
    backup = {{
      region      = "us-west-2"
      assume_role = {{ role_arn = "<role>" }}
      tags        = {{ team = "{word}" }}
    }}
  }}
  role = {{ description = "{word}" }}
  lifecycle {{
    ignore_changes = [
      source.lifecycle_rules,
      destinations["backup"].tags,
      role.description,
    ]
  }}
"#
    ))
}

async fn ignored_changes_of_nested_attributes_are_neither_planned_nor_taken_back(
    client: Client,
) -> Outcome {
    let setup = Setup::new(client).await?;
    ignoring(&setup, "archive", 21)?;
    setup.apply().await?;
    ignoring(&setup, "letters", 90)?;
    setup.workspace.plan().await?.success()?;

    // By hand, at AWS.
    let iam = setup.at_source().iam;
    let role = iam.update_role_description().role_name(setup.role_name());
    role.description("by hand").send().await?;
    setup
        .at_source()
        .s3
        .delete_bucket_lifecycle()
        .bucket(&setup.bucket)
        .send()
        .await?;
    setup.workspace.plan().await?.success()?;

    // Another change leaves them alone.
    let main = setup.workspace.path().join("main.tf");
    let text = std::fs::read_to_string(&main)?;
    let class = "us-west-2\"\n      storage_class = \"GLACIER\"";
    std::fs::write(&main, text.replace("us-west-2\"", class))?;
    setup.proxy.take_log();
    setup.apply().await?;
    let log = setup.proxy.log();
    let writes: Vec<_> = log.writes().map(|call| call.operation.as_str()).collect();
    assert_eq!(writes, ["PutBucketReplication"], "{log}");
    let replica = setup.replica_bucket();
    let team = setup.at_destination().bucket_tag(&replica, "team").await?;
    assert_eq!(team.as_deref(), Some("archive"));
    let state = setup.state().await?;
    assert_eq!(state["role"]["description"], "by hand");
    setup.destroy().await
}

async fn an_ignored_change_of_a_rule_stays_as_somebody_made_it(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    let ignored = r#"ignore_changes = [destinations["backup"].enabled]"#;
    with_lifecycle(&setup, "<bucket>", "", ignored)?;
    setup.apply().await?;
    let source = setup.at_source();
    edit_rules(&source, &setup.bucket, |rules| {
        for rule in rules {
            rule.status = ReplicationRuleStatus::Disabled;
        }
    })
    .await?;
    setup.workspace.plan().await?.success()?;

    // Another change of the same rule leaves it paused.
    let class = r#"storage_class = "GLACIER""#;
    with_lifecycle(&setup, "<bucket>", class, ignored)?;
    setup.apply().await?;
    let rules = source.rules(&setup.bucket).await?;
    let status = rules.iter().map(|rule| rule.status().as_str());
    assert_eq!(status.collect::<Vec<_>>(), ["Disabled"]);
    setup.destroy().await
}
