//! Everything that a setup has at AWS, as one text without accidental ids.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use support::Outcome;
use support::emulator::Clients;

use crate::setup::Setup;

pub(super) async fn everything(setup: &Setup) -> Outcome<String> {
    let mut text = String::new();
    let state = setup.state().await?;
    let role = setup.role_name();
    for (clients, bucket, side) in [
        (setup.at_source(), setup.bucket.clone(), &state["source"]),
        (
            setup.at_destination(),
            setup.replica_bucket(),
            &state["destinations"]["backup"],
        ),
    ] {
        of_bucket(&clients, &bucket, &mut text).await?;
        let key = side["kms_key_arn"].as_str().unwrap_or_default();
        of_key(&clients, key, &mut text).await?;
    }
    of_role(&setup.at_source(), &role, &mut text).await?;
    Ok(text)
}

/// What was asked for, or in its place why it was not given.
macro_rules! told {
    ($text:expr, $($answer:expr),+ $(,)?) => {$(
        match $answer {
            Ok(told) => writeln!($text, "{told}")?,
            Err(error) => writeln!($text, "{:?}", aws_sdk_s3::error::ProvideErrorMetadata::code(&error))?,
        }
    )+};
}

async fn of_bucket(clients: &Clients, bucket: &str, text: &mut String) -> Outcome {
    let s3 = &clients.s3;
    writeln!(text, "bucket {bucket}")?;
    told!(
        text,
        s3.get_bucket_versioning()
            .bucket(bucket)
            .send()
            .await
            .map(|found| format!("{:?}", found.status())),
        s3.get_public_access_block()
            .bucket(bucket)
            .send()
            .await
            .map(|found| format!("{:?}", found.public_access_block_configuration())),
        s3.get_bucket_ownership_controls()
            .bucket(bucket)
            .send()
            .await
            .map(|found| format!("{:?}", found.ownership_controls())),
        s3.get_bucket_encryption()
            .bucket(bucket)
            .send()
            .await
            .map(|found| format!("{:?}", found.server_side_encryption_configuration())),
        s3.get_bucket_lifecycle_configuration()
            .bucket(bucket)
            .send()
            .await
            .map(|found| format!("{:?}", found.rules())),
        s3.get_bucket_replication()
            .bucket(bucket)
            .send()
            .await
            .map(|found| format!("{:?}", found.replication_configuration())),
        s3.get_bucket_tagging()
            .bucket(bucket)
            .send()
            .await
            .map(|found| {
                let tags = found.tag_set().iter();
                tagged(tags.map(|tag| (tag.key().to_owned(), tag.value().to_owned())))
            }),
        s3.get_bucket_policy()
            .bucket(bucket)
            .send()
            .await
            .map(|found| format!("{:?}", found.policy())),
    );
    Ok(())
}

async fn of_key(clients: &Clients, key: &str, text: &mut String) -> Outcome {
    let kms = &clients.kms;
    writeln!(text, "key {key}")?;
    told!(
        text,
        kms.describe_key().key_id(key).send().await.map(|found| {
            let key = found.key_metadata();
            format!(
                "{:?} {:?}",
                key.and_then(|key| key.key_state()),
                key.and_then(|key| key.description())
            )
        }),
        kms.get_key_rotation_status()
            .key_id(key)
            .send()
            .await
            .map(|found| format!("{:?}", found.key_rotation_enabled())),
        kms.get_key_policy()
            .key_id(key)
            .send()
            .await
            .map(|found| format!("{:?}", found.policy())),
        kms.list_resource_tags()
            .key_id(key)
            .send()
            .await
            .map(|found| {
                let tags = found.tags().iter();
                tagged(tags.map(|tag| (tag.tag_key().to_owned(), tag.tag_value().to_owned())))
            }),
    );
    writeln!(text, "{:?}", clients.aliases(key).await?)?;
    Ok(())
}

async fn of_role(clients: &Clients, role: &str, text: &mut String) -> Outcome {
    let iam = &clients.iam;
    writeln!(text, "role {role}")?;
    told!(
        text,
        iam.get_role()
            .role_name(role)
            .send()
            .await
            .map(|found| match found.role() {
                Some(role) => {
                    let tags = role.tags().iter();
                    let tags =
                        tagged(tags.map(|tag| (tag.key().to_owned(), tag.value().to_owned())));
                    format!(
                        "{:?} {:?} {tags}",
                        role.description(),
                        role.assume_role_policy_document()
                    )
                }
                None => String::new(),
            }),
        iam.get_role_policy()
            .role_name(role)
            .policy_name("replication")
            .send()
            .await
            .map(|found| found.policy_document().to_owned()),
    );
    Ok(())
}

/// Tags in the order of their keys; when a part was made is its own affair.
fn tagged(tags: impl Iterator<Item = (String, String)>) -> String {
    let mut tags: BTreeMap<String, String> = tags.collect();
    tags.remove("replicated:created");
    format!("{tags:?}")
}
