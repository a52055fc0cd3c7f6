//! The opening example: apply, an object crosses, plan is empty, destroy leaves nothing.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ReplicationStatus;
use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{DESTINATION_REGION, RESOURCE, SOURCE_REGION, Setup};

on_each_client!(
    an_object_crosses,
    the_plan_after_apply_is_empty,
    destroy_leaves_nothing,
    every_call_is_signed_for_its_own_account_and_region,
    a_prefix_begins_names_that_stay_until_it_changes,
);

async fn an_object_crosses(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure("", r#"storage_class = "STANDARD_IA""#)?;
    setup.workspace.apply().await?.success()?;

    let source = setup.at_source().s3;
    source
        .put_object()
        .bucket(&setup.bucket)
        .key("letter.txt")
        .body(ByteStream::from_static(b"Dear archive"))
        .send()
        .await?;

    let original = source
        .head_object()
        .bucket(&setup.bucket)
        .key("letter.txt")
        .send()
        .await?;
    assert_eq!(
        original.replication_status(),
        Some(&ReplicationStatus::Completed)
    );
    let replica = setup
        .at_destination()
        .s3
        .get_object()
        .bucket(setup.replica_bucket())
        .key("letter.txt")
        .send()
        .await?;
    assert_eq!(
        replica.replication_status(),
        Some(&ReplicationStatus::Replica)
    );
    assert_eq!(
        replica.storage_class().map(|class| class.as_str()),
        Some("STANDARD_IA")
    );
    assert_eq!(
        replica.body.collect().await?.into_bytes().as_ref(),
        b"Dear archive"
    );
    Ok(())
}

async fn the_plan_after_apply_is_empty(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    setup.proxy.take_log();
    setup.workspace.plan().await?.success()?;
    let log = setup.proxy.log();
    assert_eq!(log.writes().count(), 0, "a plan writes nothing:\n{log}");
    let state = setup.workspace.resource(RESOURCE).await?;
    assert_eq!(state["id"], setup.bucket.as_str());
    Ok(())
}

async fn destroy_leaves_nothing(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    assert_ne!(setup.remains().await?, Vec::<String>::new());
    setup.workspace.destroy().await?.success()?;
    assert_eq!(setup.remains().await?, Vec::<String>::new());
    assert!(setup.workspace.resource(RESOURCE).await?.is_null());
    Ok(())
}

async fn every_call_is_signed_for_its_own_account_and_region(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    let log = setup.proxy.log();
    let places = [
        (setup.source.id(), SOURCE_REGION),
        (setup.destination.id(), DESTINATION_REGION),
    ];
    let mut checked = 0;
    for call in log.calls() {
        let Some(scope) = &call.scope else { continue };
        // IAM and STS are not bound to the region of a bucket.
        if scope.service == "s3" || scope.service == "kms" {
            let place = (
                call.account.as_deref().unwrap_or("unknown"),
                scope.region.as_str(),
            );
            assert!(places.contains(&place), "{call}\n\nall calls:\n{log}");
            checked += 1;
        }
    }
    assert_ne!(checked, 0, "no call of S3 or KMS was seen:\n{log}");
    Ok(())
}

async fn a_prefix_begins_names_that_stay_until_it_changes(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    let configure = |prefix: &str, tags: &str| {
        setup.resource(&format!(
            r#"
  source = {{
    bucket_prefix = "<bucket>-"
    encryption    = {{ sse_algorithm = "aws:kms" }}
  }}
  destinations = {{
    near = {{ region = "{SOURCE_REGION}" }}
    backup = {{
      bucket_prefix = "{prefix}<bucket>-"
      region        = "{DESTINATION_REGION}"
      assume_role   = {{ role_arn = "<role>" }}
    }}
  }}
  tags = {{ {tags} }}
"#
        ))
    };
    configure("a-", "")?;
    setup.apply().await?;
    let first = setup.state().await?;
    let source = first["source"]["bucket"].as_str().unwrap_or_default();
    let backup = first["destinations"]["backup"]["bucket"].as_str();
    assert!(
        source.starts_with(&format!("{}-", setup.bucket)),
        "{source}"
    );
    assert_eq!(source.len(), setup.bucket.len() + 27);
    assert_eq!(
        first["destinations"]["near"]["bucket"],
        format!("{source}-near")
    );

    configure("a-", r#"team = "storage""#)?;
    setup.apply().await?;
    let second = setup.state().await?;
    assert_eq!(second["source"]["bucket"], source);
    assert_eq!(second["destinations"]["backup"]["bucket"].as_str(), backup);

    configure("b-", "")?;
    setup.apply().await?;
    let third = setup.state().await?;
    assert_eq!(third["source"]["bucket"], source);
    let other = third["destinations"]["backup"]["bucket"].as_str();
    let begins = format!("b-{}-", setup.bucket);
    assert!(other.is_some_and(|other| other.starts_with(&begins)));
    setup.destroy().await
}
