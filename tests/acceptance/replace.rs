//! Only the source's own name, account or region replaces the resource, and never at the cost of an object.

use serde_json::json;
use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{SOURCE_REGION, Setup};

on_each_client!(
    a_source_of_another_name_replaces_empty_buckets,
    a_source_in_another_region_replaces_the_resource,
    a_replacement_that_would_lose_objects_fails_at_plan,
    a_destination_of_another_name_is_an_update,
);

/// The resource with these names of source and destination.
fn named(setup: &Setup, source: &str, destination: &str) -> Outcome {
    setup.resource(&format!(
        r#"
  source = {{
    bucket        = "{source}"
    force_destroy = true
    encryption    = {{ sse_algorithm = "aws:kms" }}
  }}
  destinations = {{
    backup = {{
      bucket        = "{destination}"
      region        = "us-west-2"
      force_destroy = true
      assume_role   = {{ role_arn = "<role>" }}
    }}
  }}
"#
    ))
}

async fn a_source_of_another_name_replaces_empty_buckets(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    named(&setup, "<bucket>", "<bucket>-backup")?;
    setup.apply().await?;
    // The destination keeps its name: the old one has to be gone before the new one is made.
    named(&setup, "<bucket>-new", "<bucket>-backup")?;
    let planned = setup.planned().await?;
    assert_eq!(planned["actions"], json!(["delete", "create"]));
    assert_eq!(planned["replace_paths"], json!([["source", "bucket"]]));
    setup.apply().await?;

    let (source, there) = (setup.at_source(), setup.at_destination());
    assert!(!source.has_bucket(&setup.bucket).await?);
    let bucket = format!("{}-new", setup.bucket);
    source
        .put_text(&bucket, "letter.txt", "Dear archive")
        .await?;
    let replica = setup.replica_bucket();
    assert_eq!(there.text(&replica, "letter.txt").await?, "Dear archive");
    setup.destroy().await
}

async fn a_source_in_another_region_replaces_the_resource(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure(&format!("region = \"{SOURCE_REGION}\""), "")?;
    setup.apply().await?;
    setup.configure(r#"region = "eu-west-1""#, "")?;
    let planned = setup.planned().await?;
    assert_eq!(planned["actions"], json!(["delete", "create"]));
    assert_eq!(planned["replace_paths"], json!([["source", "region"]]));
    Ok(())
}

async fn a_replacement_that_would_lose_objects_fails_at_plan(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    named(&setup, "<bucket>", "<bucket>-backup")?;
    setup.apply().await?;
    setup
        .at_source()
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;
    setup.proxy.take_log();
    named(&setup, "<bucket>-new", "<bucket>-new-backup")?;

    let plan = setup.workspace.plan().await?.with_code(1)?;

    for bucket in [setup.bucket.clone(), setup.replica_bucket()] {
        let told = format!("Replacement would delete bucket {bucket}, which holds objects");
        assert!(plan.text().contains(&told), "{plan}");
    }
    let log = setup.proxy.log();
    assert_eq!(log.writes().count(), 0, "{log}");
    Ok(())
}

async fn a_destination_of_another_name_is_an_update(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    named(&setup, "<bucket>", "<bucket>-backup")?;
    setup.apply().await?;
    named(&setup, "<bucket>", "<bucket>-vault")?;
    assert_eq!(setup.planned().await?["actions"], json!(["update"]));
    setup.proxy.take_log();
    setup.apply().await?;

    let log = setup.proxy.log();
    let writes: Vec<_> = log.writes().map(|call| call.operation.as_str()).collect();
    let at = |operation: &str| writes.iter().position(|write| *write == operation);
    assert!(at("CreateBucket") < at("PutBucketReplication"), "{log}");
    assert!(at("PutBucketReplication") < at("DeleteBucket"), "{log}");
    let there = setup.at_destination();
    assert!(!there.has_bucket(&setup.replica_bucket()).await?);
    setup
        .at_source()
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;
    let vault = format!("{}-vault", setup.bucket);
    assert_eq!(there.text(&vault, "letter.txt").await?, "Dear archive");
    setup.destroy().await
}
