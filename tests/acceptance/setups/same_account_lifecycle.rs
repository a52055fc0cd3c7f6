//! Two buckets of one account under SSE-S3, where old versions expire on both sides.

use support::Outcome;
use support::terraform::Client;

use super::Example;
use crate::on_each_client;

on_each_client!(a_copy_keeps_what_is_deleted_and_old_versions_expire);

const HOME: &str = "ap-southeast-2";
const COPY: &str = "us-west-2";

/// Days after which old versions and unfinished uploads go, as the bucket has them.
async fn days(clients: &support::emulator::Clients, bucket: &str) -> Outcome<Vec<(i32, i32)>> {
    let found = clients.s3.get_bucket_lifecycle_configuration();
    let found = found.bucket(bucket).send().await?;
    let days = found.rules().iter().map(|rule| {
        let old = rule.noncurrent_version_expiration();
        let uploads = rule.abort_incomplete_multipart_upload();
        (
            old.and_then(|old| old.noncurrent_days()).unwrap_or(-1),
            uploads
                .and_then(|uploads| uploads.days_after_initiation())
                .unwrap_or(-1),
        )
    });
    Ok(days.collect())
}

async fn a_copy_keeps_what_is_deleted_and_old_versions_expire(client: Client) -> Outcome {
    let example = Example::new(client, "same-account-lifecycle").await?;
    example.tells_its_create(&example.apply().await?)?;
    example.verifies(1).await?;
    let copy = format!("{}-copy", example.bucket);
    let (home, away) = (example.home.clients(HOME), example.home.clients(COPY));
    for (clients, bucket) in [(&home, &example.bucket), (&away, &copy)] {
        assert_eq!(days(clients, bucket).await?, [(21, 7)], "{bucket}");
        assert_eq!(clients.encryption(bucket).await?.0, "AES256");
        assert_eq!(
            clients.bucket_policy(bucket).await?,
            serde_json::Value::Null
        );
    }

    home.put_text(&example.bucket, "letter.txt", "Dear archive")
        .await?;
    assert_eq!(away.text(&copy, "letter.txt").await?, "Dear archive");
    let delete = home.s3.delete_object().bucket(&example.bucket);
    delete.key("letter.txt").send().await?;
    assert!(home.text(&example.bucket, "letter.txt").await.is_err());
    assert_eq!(away.text(&copy, "letter.txt").await?, "Dear archive");

    example.change("noncurrent_days = 21", "noncurrent_days = 35")?;
    example.proxy.take_log();
    example.apply().await?;
    let log = example.proxy.log();
    let written: Vec<&str> = log.writes().map(|call| call.operation.as_str()).collect();
    assert_eq!(written, ["PutBucketLifecycleConfiguration"; 2], "{log}");
    assert_eq!(days(&away, &copy).await?, [(35, 7)]);

    example.make_changes().await?;

    away.s3
        .delete_bucket_lifecycle()
        .bucket(&copy)
        .send()
        .await?;
    example.tells_its_drift().await?;
    example.empty().await?;
    example.destroy().await
}
