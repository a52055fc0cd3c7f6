//! A locked archive in one account, and its locked copy in another.

use aws_sdk_s3::types::{
    DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode,
    ObjectLockRule,
};
use support::Outcome;
use support::emulator::Clients;
use support::terraform::Client;

use super::Example;
use crate::on_each_client;

on_each_client!(an_archive_and_its_copy_keep_what_is_retained);

const HOME: &str = "ap-southeast-2";
const COPY: &str = "us-west-2";

/// The default retention of a bucket.
async fn retention(clients: &Clients, bucket: &str) -> Outcome<String> {
    let get = clients.s3.get_object_lock_configuration();
    let found = get.bucket(bucket).send().await?;
    let rule = found.object_lock_configuration().and_then(|c| c.rule());
    let retention = rule.and_then(|rule| rule.default_retention());
    let retention = retention.ok_or_else(|| format!("{bucket} has no default retention"))?;
    let mode = retention.mode().map_or("no mode", |mode| mode.as_str());
    Ok(format!("{mode} {}", retention.days().unwrap_or(0)))
}

/// The ID of the one object version that there is; delete markers are none.
async fn version(clients: &Clients, bucket: &str) -> Outcome<String> {
    let list = clients.s3.list_object_versions().bucket(bucket);
    let found = list.send().await?;
    let [version] = found.versions() else {
        return Err(format!("not one version: {found:?}").into());
    };
    Ok(version.version_id().unwrap_or_default().to_owned())
}

async fn an_archive_and_its_copy_keep_what_is_retained(client: Client) -> Outcome {
    let mut example = Example::new(client, "object-lock").await?;
    example.set("copy_role_arn", example.away.deploy_role_arn());
    example.tells_its_create(&example.apply().await?)?;
    example
        .refuses_to_verify("Canaries could not be removed")
        .await?;
    let copy = format!("{}-copy", example.bucket);
    let (home, away) = (example.home.clients(HOME), example.away.clients(COPY));
    for (clients, bucket) in [(&home, &example.bucket), (&away, &copy)] {
        assert_eq!(retention(clients, bucket).await?, "GOVERNANCE 365");
    }

    home.put_text(&example.bucket, "deed.txt", "Dear archive")
        .await?;
    assert_eq!(away.text(&copy, "deed.txt").await?, "Dear archive");
    // A deletion hides the object at home, takes no version away, and stays there.
    let delete = home.s3.delete_object().bucket(&example.bucket);
    delete.key("deed.txt").send().await?;
    assert!(home.text(&example.bucket, "deed.txt").await.is_err());
    assert_eq!(away.text(&copy, "deed.txt").await?, "Dear archive");
    let version = version(&home, &example.bucket).await?;
    let delete = home.s3.delete_object().bucket(&example.bucket);
    let delete = delete.key("deed.txt").version_id(version);
    assert!(delete.clone().send().await.is_err(), "it is retained");

    example.change("GOVERNANCE\", days = 365", "GOVERNANCE\", days = 730")?;
    example.proxy.take_log();
    example.apply().await?;
    let log = example.proxy.log();
    let written: Vec<&str> = log.writes().map(|call| call.operation.as_str()).collect();
    assert_eq!(written, ["PutObjectLockConfiguration"; 2], "{log}");
    assert_eq!(retention(&away, &copy).await?, "GOVERNANCE 730");

    example.proxy.take_log();
    let refused = example.workspace.destroy().await?;
    assert!(refused.text().contains("holds objects"), "{refused}");
    assert_eq!(example.proxy.log().writes().count(), 0);
    example.make_changes().await?;

    let short = DefaultRetention::builder()
        .mode(ObjectLockRetentionMode::Governance)
        .days(1)
        .build();
    let rule = ObjectLockRule::builder().default_retention(short).build();
    let configuration = ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .rule(rule)
        .build();
    let put = away.s3.put_object_lock_configuration().bucket(&copy);
    put.object_lock_configuration(configuration).send().await?;
    example.tells_its_drift().await?;
    example.empty().await?;
    example.destroy().await
}
