//! Rules of one destination among several: each is changed, found and imported by itself.

use serde_json::{Value, json};
use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{RESOURCE, Setup};

on_each_client!(
    a_change_of_one_rule_is_one_call_and_leaves_the_others,
    several_rules_import_under_their_names,
    a_rule_that_somebody_changed_shows_at_its_attribute,
);

/// One rule with much to say beside a plain one, and a destination that has but one rule.
fn configure(setup: &Setup, logs: &str) -> Outcome {
    setup.resource(&format!(
        r#"
  source = {{
    bucket     = "<bucket>"
    encryption = {{ sse_algorithm = "aws:kms" }}
  }}
  destinations = {{
    away = {{
      bucket      = "<bucket>-away"
      region      = "us-west-2"
      assume_role = {{ role_arn = "<role>" }}
      rules = {{
        logs = {{
          filter = {{ prefix = "logs/", tags = {{ keep = "yes" }} }}
          {logs}
        }}
        rest = {{ metrics = true, delete_marker_replication = true }}
      }}
    }}
    home = {{
      region = "eu-west-1"
      filter = {{ prefix = "" }}
    }}
  }}
"#
    ))
}

async fn a_change_of_one_rule_is_one_call_and_leaves_the_others(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    configure(&setup, r#"storage_class = "GLACIER_IR""#)?;
    setup.apply().await?;
    let before = setup.at_source().rules(&setup.bucket).await?;
    for line in [
        r#"storage_class = "DEEP_ARCHIVE""#,
        "replication_time_control = true",
        "replica_modification_sync = true",
        "enabled = false",
    ] {
        configure(&setup, line)?;
        setup.proxy.take_log();
        setup.workspace.apply().await?.success()?;
        let log = setup.proxy.take_log();
        let writes: Vec<_> = log.writes().map(|call| call.operation.clone()).collect();
        assert_eq!(writes, ["PutBucketReplication"], "{line}");
        setup.workspace.plan().await?.success()?;
        let now = setup.at_source().rules(&setup.bucket).await?;
        let same = before.iter().filter(|rule| now.contains(rule));
        let same: Vec<_> = same.filter_map(|rule| rule.id()).collect();
        assert_eq!(
            same,
            ["replicated-away/rest", "replicated-home"],
            "{line}: {now:?}"
        );
    }
    setup.destroy().await
}

async fn several_rules_import_under_their_names(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    configure(
        &setup,
        "replication_time_control = true\npriority = 7\nowner_override = true",
    )?;
    setup.apply().await?;
    let made = setup.state().await?;
    let id = made["import_id"].as_str().ok_or("no import ID")?;
    let remove = ["state", "rm", RESOURCE];
    setup.workspace.run(&remove).await?.success()?;
    setup.workspace.import(RESOURCE, id).await?.success()?;
    setup.workspace.plan().await?.success()?;
    let imported = setup.state().await?;
    for value in ["rules", "rule_ids", "filter"] {
        for destination in ["away", "home"] {
            let of = |state: &Value| state["destinations"][destination][value].clone();
            assert_eq!(of(&imported), of(&made), "{value} of {destination}");
        }
    }
    setup.destroy().await
}

async fn a_rule_that_somebody_changed_shows_at_its_attribute(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    configure(&setup, r#"storage_class = "GLACIER_IR""#)?;
    setup.apply().await?;
    let s3 = setup.at_source().s3;
    let answer = s3
        .get_bucket_replication()
        .bucket(&setup.bucket)
        .send()
        .await?;
    let mut configuration = answer.replication_configuration.ok_or("no rules")?;
    let mut rules = configuration.rules.iter_mut();
    let rest = rules.find(|rule| rule.id() == Some("replicated-away/rest"));
    rest.ok_or("no rule rest")?.status = aws_sdk_s3::types::ReplicationRuleStatus::Disabled;
    s3.put_bucket_replication()
        .bucket(&setup.bucket)
        .replication_configuration(configuration)
        .send()
        .await?;
    let planned = setup.planned().await?;
    let rule =
        |when: &str, name: &str| planned[when]["destinations"]["away"]["rules"][name].clone();
    assert_eq!(rule("before", "rest")["enabled"], json!(false));
    assert_eq!(rule("after", "rest")["enabled"], json!(true));
    assert_eq!(rule("before", "logs"), rule("after", "logs"));
    setup.apply().await?;
    setup.destroy().await
}
