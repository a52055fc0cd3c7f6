//! Destroy looks whether it can finish before it touches anything.

use aws_sdk_s3::primitives::ByteStream;
use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{RESOURCE, Setup};

on_each_client!(
    a_bucket_that_is_not_empty_is_refused_before_anything_is_touched,
    force_destroy_empties_both_buckets,
);

async fn put_letter(setup: &Setup) -> Outcome {
    setup
        .at_source()
        .s3
        .put_object()
        .bucket(&setup.bucket)
        .key("letter.txt")
        .body(ByteStream::from_static(b"Dear archive"))
        .send()
        .await?;
    Ok(())
}

async fn a_bucket_that_is_not_empty_is_refused_before_anything_is_touched(
    client: Client,
) -> Outcome {
    let setup = Setup::applied(client).await?;
    put_letter(&setup).await?;
    setup.proxy.take_log();

    let run = setup.workspace.destroy().await?.with_code(1)?;

    assert!(run.text().contains("force_destroy"), "{run}");
    let log = setup.proxy.log();
    assert_eq!(log.writes().count(), 0, "{log}");
    assert!(!setup.workspace.resource(RESOURCE).await?.is_null());
    setup.workspace.plan().await?.success()?;
    Ok(())
}

async fn force_destroy_empties_both_buckets(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure("force_destroy = true", "force_destroy = true")?;
    setup.workspace.apply().await?.success()?;
    put_letter(&setup).await?;
    setup.workspace.destroy().await?.success()?;
    assert_eq!(setup.remains().await?, Vec::<String>::new());
    Ok(())
}
