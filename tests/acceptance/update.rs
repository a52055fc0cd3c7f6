//! Changes in place: only what differs is written, and nothing is replaced.

use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{RESOURCE, Setup};

on_each_client!(
    a_storage_class_changes_the_rule_alone,
    tags_reach_the_buckets,
    force_destroy_changes_state_without_a_write,
);

async fn a_storage_class_changes_the_rule_alone(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    setup.configure("", r#"storage_class = "GLACIER_IR""#)?;
    let plan = setup.workspace.plan_json().await?;
    assert_eq!(
        plan["resource_changes"][0]["change"]["actions"][0],
        "update"
    );
    setup.proxy.take_log();
    setup.workspace.apply().await?.success()?;

    let log = setup.proxy.log();
    let writes: Vec<_> = log.writes().map(|call| call.operation.as_str()).collect();
    assert_eq!(writes, ["PutBucketReplication"], "{log}");
    let rules = setup
        .at_source()
        .s3
        .get_bucket_replication()
        .bucket(&setup.bucket)
        .send()
        .await?;
    let class = rules
        .replication_configuration()
        .and_then(|configuration| configuration.rules().first())
        .and_then(|rule| rule.destination())
        .and_then(|destination| destination.storage_class())
        .map(|class| class.as_str().to_owned());
    assert_eq!(class.as_deref(), Some("GLACIER_IR"));
    setup.workspace.plan().await?.success()?;
    Ok(())
}

async fn tags_reach_the_buckets(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    setup.configure(
        r#"tags = { team = "archive" }"#,
        r#"tags = { team = "backup" }"#,
    )?;
    setup.workspace.apply().await?.success()?;
    let source = setup.at_source().bucket_tag(&setup.bucket, "team").await?;
    let replica = setup
        .at_destination()
        .bucket_tag(&setup.replica_bucket(), "team")
        .await?;
    assert_eq!(source.as_deref(), Some("archive"));
    assert_eq!(replica.as_deref(), Some("backup"));
    setup.workspace.plan().await?.success()?;
    Ok(())
}

async fn force_destroy_changes_state_without_a_write(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    setup.configure("force_destroy = true", "")?;
    setup.proxy.take_log();
    setup.workspace.apply().await?.success()?;
    let log = setup.proxy.log();
    assert_eq!(log.writes().count(), 0, "{log}");
    let state = setup.workspace.resource(RESOURCE).await?;
    assert_eq!(state["source"]["force_destroy"], true);
    Ok(())
}
