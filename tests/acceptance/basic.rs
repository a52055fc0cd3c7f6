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
