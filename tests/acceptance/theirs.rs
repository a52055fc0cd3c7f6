//! Buckets that belong to somebody else: made past Terraform, and looked at as their owner sees them.

use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration,
    DeleteMarkerReplication, DeleteMarkerReplicationStatus, Destination, ReplicationConfiguration,
    ReplicationRule, ReplicationRuleFilter, ReplicationRuleStatus, Tag, Tagging,
    VersioningConfiguration,
};
use serde_json::{Value, json};
use support::Outcome;
use support::emulator::Clients;

/// Makes a bucket with a tag and an object of its owner's, without versioning.
pub(crate) async fn create(clients: &Clients, region: &str, bucket: &str) -> Outcome {
    let location = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(region))
        .build();
    let create = clients.s3.create_bucket().bucket(bucket);
    create.create_bucket_configuration(location).send().await?;
    let tag = Tag::builder().key("team").value("theirs").build()?;
    let tags = Tagging::builder().tag_set(tag).build()?;
    let put = clients.s3.put_bucket_tagging().bucket(bucket);
    put.tagging(tags).send().await?;
    clients.put_text(bucket, "before.txt", "Long ago").await
}

/// Turns versioning on.
pub(crate) async fn enable_versioning(clients: &Clients, bucket: &str) -> Outcome {
    let enabled = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    let put = clients.s3.put_bucket_versioning().bucket(bucket);
    put.versioning_configuration(enabled).send().await?;
    Ok(())
}

/// A policy with one statement of the bucket owner's.
pub(crate) fn policy(account: &str, bucket: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "Team",
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
            "Action": "s3:GetObject",
            "Resource": format!("arn:aws:s3:::{bucket}/*"),
        }],
    })
}

/// Everything about a bucket that is its owner's: tags, policy, rules, default encryption, settings, objects.
pub(crate) async fn seen(clients: &Clients, bucket: &str) -> Outcome<Value> {
    let s3 = &clients.s3;
    let tags = s3.get_bucket_tagging().bucket(bucket).send().await?;
    let acl = s3.get_bucket_acl().bucket(bucket).send().await?;
    let listed = s3.list_object_versions().bucket(bucket).send().await?;
    let objects = listed.versions().iter().map(|version| {
        json!([
            version.key(),
            version.version_id(),
            version.e_tag(),
            version.size()
        ])
    });
    let block = s3.get_public_access_block().bucket(bucket).send().await;
    let ownership = s3.get_bucket_ownership_controls().bucket(bucket).send();
    let lifecycle = s3.get_bucket_lifecycle_configuration().bucket(bucket);
    Ok(json!({
        "tags": format!("{:?}", tags.tag_set()),
        "policy": clients.bucket_policy(bucket).await?,
        "rules": format!("{:?}", clients.rules(bucket).await?),
        "encryption": format!("{:?}", clients.encryption(bucket).await.ok()),
        "acl": format!("{:?}", acl.grants()),
        "public_access_block": block.is_ok(),
        "ownership_controls": ownership.await.is_ok(),
        "lifecycle": lifecycle.send().await.is_ok(),
        "objects": objects.collect::<Vec<Value>>(),
    }))
}

/// A role of somebody else's, which S3 may assume.
pub(crate) async fn role(clients: &Clients) -> Outcome<String> {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "s3.amazonaws.com" },
            "Action": "sts:AssumeRole",
        }],
    });
    let create = clients.iam.create_role().role_name("theirs");
    let made = create.assume_role_policy_document(trust.to_string());
    let made = made.send().await?;
    Ok(made.role().ok_or("no role")?.arn().to_owned())
}

/// A rule of somebody else's, to a bucket of the same account.
pub(crate) async fn put_rule(clients: &Clients, bucket: &str, role: &str, to: &str) -> Outcome {
    let off = DeleteMarkerReplication::builder()
        .status(DeleteMarkerReplicationStatus::Disabled)
        .build();
    let destination = Destination::builder().bucket(format!("arn:aws:s3:::{to}"));
    let rule = ReplicationRule::builder()
        .id("theirs")
        .priority(7)
        .status(ReplicationRuleStatus::Enabled)
        .filter(ReplicationRuleFilter::builder().prefix("theirs/").build())
        .delete_marker_replication(off)
        .destination(destination.build()?)
        .build()?;
    let configuration = ReplicationConfiguration::builder().role(role).rules(rule);
    let put = clients.s3.put_bucket_replication().bucket(bucket);
    put.replication_configuration(configuration.build()?)
        .send()
        .await?;
    Ok(())
}
