//! KMS's calls, each a function named as the API operation.

use aws_sdk_kms::error::BuildError;
use aws_sdk_kms::operation::cancel_key_deletion::CancelKeyDeletionError;
use aws_sdk_kms::operation::create_alias::CreateAliasError;
use aws_sdk_kms::operation::create_key::CreateKeyError;
use aws_sdk_kms::operation::schedule_key_deletion::ScheduleKeyDeletionError;
use aws_sdk_kms::types::{KeyMetadata, Tag};
use aws_smithy_types::date_time::Format;

use super::call::{At, Call};
use super::retry::OnlyIfNotCarriedOut;
use crate::execution::cloud::CallError;
use crate::replication::operation::{Answer, Input, KeyDescription, Output, Tags};

/// The only name that a key policy can have.
const POLICY_NAME: &str = "default";

/// The configuration of a request that must not be carried out twice.
macro_rules! once {
    ($error:ty) => {
        aws_sdk_kms::config::Builder::new().retry_classifier(OnlyIfNotCarriedOut::<$error>::new())
    };
}

pub(super) async fn describe_key(at: &At<'_>, key: &str) -> Result<Answer, CallError> {
    let call = at.read("kms:DescribeKey", key);
    let output = call
        .run(at.clients.kms.describe_key().key_id(key).send())
        .await?;
    let key = output
        .key_metadata
        .ok_or_else(|| call.incomplete("the key"))?;
    Ok(Answer::Key(description(&call, key)?))
}

fn description(call: &Call<'_>, key: KeyMetadata) -> Result<KeyDescription, CallError> {
    Ok(KeyDescription {
        arn: key.arn.ok_or_else(|| call.incomplete("the key's ARN"))?,
        description: key.description.unwrap_or_default(),
        state: text(key.key_state.as_ref().map(|state| state.as_str())),
        deletion_date: key.deletion_date.and_then(|d| d.fmt(Format::DateTime).ok()),
        key_spec: text(key.key_spec.as_ref().map(|spec| spec.as_str())),
        key_usage: text(key.key_usage.as_ref().map(|usage| usage.as_str())),
        multi_region: key.multi_region.unwrap_or_default(),
        manager: text(key.key_manager.as_ref().map(|manager| manager.as_str())),
        created: key.creation_date.and_then(|d| d.fmt(Format::DateTime).ok()),
    })
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

pub(super) async fn get_key_policy(at: &At<'_>, key: &str) -> Result<Answer, CallError> {
    let request = at.clients.kms.get_key_policy().key_id(key);
    let output = at
        .read("kms:GetKeyPolicy", key)
        .run(request.policy_name(POLICY_NAME).send())
        .await?;
    Ok(Answer::Text(output.policy.unwrap_or_default()))
}

pub(super) async fn get_key_rotation_status(at: &At<'_>, key: &str) -> Result<Answer, CallError> {
    let output = at
        .read("kms:GetKeyRotationStatus", key)
        .run(at.clients.kms.get_key_rotation_status().key_id(key).send())
        .await?;
    Ok(Answer::Rotation {
        enabled: output.key_rotation_enabled,
        period_days: output.rotation_period_in_days,
    })
}

pub(super) async fn list_resource_tags(at: &At<'_>, key: &str) -> Result<Answer, CallError> {
    let mut tags = Tags::new();
    let mut marker = None;
    loop {
        let request = at.clients.kms.list_resource_tags().key_id(key);
        let page = at
            .read("kms:ListResourceTags", key)
            .run(request.set_marker(marker).send())
            .await?;
        let more = page.tags.unwrap_or_default().into_iter();
        tags.extend(more.map(|tag| (tag.tag_key, tag.tag_value)));
        marker = page.next_marker.filter(|_| page.truncated);
        if marker.is_none() {
            return Ok(Answer::Tags(tags));
        }
    }
}

pub(super) async fn list_aliases(at: &At<'_>, key: &str) -> Result<Answer, CallError> {
    let mut names = Vec::new();
    let mut marker = None;
    loop {
        let request = at.clients.kms.list_aliases().key_id(key);
        let page = at
            .read("kms:ListAliases", key)
            .run(request.set_marker(marker).send())
            .await?;
        let more = page.aliases.unwrap_or_default().into_iter();
        names.extend(more.filter_map(|alias| alias.alias_name));
        marker = page.next_marker.filter(|_| page.truncated);
        if marker.is_none() {
            return Ok(Answer::Names(names));
        }
    }
}

pub(super) async fn list_keys(at: &At<'_>) -> Result<Answer, CallError> {
    let mut ids = Vec::new();
    let mut marker = None;
    loop {
        let request = at.clients.kms.list_keys().limit(1000);
        let page = at
            .read("kms:ListKeys", "all keys")
            .run(request.set_marker(marker).send())
            .await?;
        let more = page.keys.unwrap_or_default().into_iter();
        ids.extend(more.filter_map(|key| key.key_id));
        marker = page.next_marker.filter(|_| page.truncated);
        if marker.is_none() {
            return Ok(Answer::Names(ids));
        }
    }
}

/// The one call that nothing can tell apart from its repetition: KMS knows no name and no token for it.
pub(super) async fn create_key(
    at: &At<'_>,
    description: &str,
    multi_region: bool,
    policy: &str,
    tags: &Tags,
) -> Result<Output, CallError> {
    let call = at.once("kms:CreateKey", description);
    let request = at
        .clients
        .kms
        .create_key()
        .description(description)
        .multi_region(multi_region)
        .policy(policy)
        .set_tags(Some(tags_to_sdk(&call, tags)?).filter(|tags| !tags.is_empty()))
        .customize()
        .config_override(once!(CreateKeyError));
    let output = call.run(request.send()).await?;
    let arn = output.key_metadata.and_then(|key| key.arn);
    Ok(Output::Text(
        arn.ok_or_else(|| call.incomplete("the key's ARN"))?,
    ))
}

pub(super) async fn put_key_policy(
    at: &At<'_>,
    key: &Input<String>,
    policy: &str,
) -> Result<Output, CallError> {
    let key = at.key("kms:PutKeyPolicy", key)?;
    let request = at.clients.kms.put_key_policy().key_id(key);
    at.write("kms:PutKeyPolicy", key)
        .run(request.policy_name(POLICY_NAME).policy(policy).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn update_key_description(
    at: &At<'_>,
    key: &Input<String>,
    description: &str,
) -> Result<Output, CallError> {
    let key = at.key("kms:UpdateKeyDescription", key)?;
    let request = at.clients.kms.update_key_description().key_id(key);
    at.write("kms:UpdateKeyDescription", key)
        .run(request.description(description).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn enable_key_rotation(
    at: &At<'_>,
    key: &Input<String>,
    period_days: Option<i32>,
) -> Result<Output, CallError> {
    let key = at.key("kms:EnableKeyRotation", key)?;
    let request = at.clients.kms.enable_key_rotation().key_id(key);
    at.write("kms:EnableKeyRotation", key)
        .run(request.set_rotation_period_in_days(period_days).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn disable_key_rotation(
    at: &At<'_>,
    key: &Input<String>,
) -> Result<Output, CallError> {
    let key = at.key("kms:DisableKeyRotation", key)?;
    at.write("kms:DisableKeyRotation", key)
        .run(at.clients.kms.disable_key_rotation().key_id(key).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn enable_key(at: &At<'_>, key: &Input<String>) -> Result<Output, CallError> {
    let key = at.key("kms:EnableKey", key)?;
    at.write("kms:EnableKey", key)
        .run(at.clients.kms.enable_key().key_id(key).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn disable_key(at: &At<'_>, key: &Input<String>) -> Result<Output, CallError> {
    let key = at.key("kms:DisableKey", key)?;
    at.write("kms:DisableKey", key)
        .run(at.clients.kms.disable_key().key_id(key).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn tag_resource(
    at: &At<'_>,
    key: &Input<String>,
    tags: &Tags,
) -> Result<Output, CallError> {
    let key = at.key("kms:TagResource", key)?;
    let call = at.write("kms:TagResource", key);
    let tags = tags_to_sdk(&call, tags)?;
    let request = at.clients.kms.tag_resource().key_id(key);
    call.run(request.set_tags(Some(tags)).send()).await?;
    Ok(Output::Done)
}

pub(super) async fn untag_resource(
    at: &At<'_>,
    key: &Input<String>,
    tag_keys: &[String],
) -> Result<Output, CallError> {
    let key = at.key("kms:UntagResource", key)?;
    let request = at.clients.kms.untag_resource().key_id(key);
    at.write("kms:UntagResource", key)
        .run(request.set_tag_keys(Some(tag_keys.to_vec())).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn create_alias(
    at: &At<'_>,
    alias: &str,
    key: &Input<String>,
) -> Result<Output, CallError> {
    let key = at.key("kms:CreateAlias", key)?;
    let request = at
        .clients
        .kms
        .create_alias()
        .alias_name(alias)
        .target_key_id(key)
        .customize()
        .config_override(once!(CreateAliasError));
    at.once("kms:CreateAlias", alias)
        .run(request.send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn update_alias(
    at: &At<'_>,
    alias: &str,
    key: &Input<String>,
) -> Result<Output, CallError> {
    let key = at.key("kms:UpdateAlias", key)?;
    let request = at.clients.kms.update_alias().alias_name(alias);
    at.write("kms:UpdateAlias", alias)
        .run(request.target_key_id(key).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn delete_alias(at: &At<'_>, alias: &str) -> Result<Output, CallError> {
    at.write("kms:DeleteAlias", alias)
        .run(at.clients.kms.delete_alias().alias_name(alias).send())
        .await?;
    Ok(Output::Done)
}

/// Sent once, because the second time KMS says that the key is pending deletion, which is an error.
pub(super) async fn schedule_key_deletion(
    at: &At<'_>,
    key: &Input<String>,
    window_days: i32,
) -> Result<Output, CallError> {
    let key = at.key("kms:ScheduleKeyDeletion", key)?;
    let request = at
        .clients
        .kms
        .schedule_key_deletion()
        .key_id(key)
        .pending_window_in_days(window_days)
        .customize()
        .config_override(once!(ScheduleKeyDeletionError));
    at.once("kms:ScheduleKeyDeletion", key)
        .run(request.send())
        .await?;
    Ok(Output::Done)
}

/// Sent once, because the second time KMS says that the key is not pending deletion, which is an error.
pub(super) async fn cancel_key_deletion(
    at: &At<'_>,
    key: &Input<String>,
) -> Result<Output, CallError> {
    let key = at.key("kms:CancelKeyDeletion", key)?;
    let request = at
        .clients
        .kms
        .cancel_key_deletion()
        .key_id(key)
        .customize()
        .config_override(once!(CancelKeyDeletionError));
    at.once("kms:CancelKeyDeletion", key)
        .run(request.send())
        .await?;
    Ok(Output::Done)
}

fn tags_to_sdk(call: &Call<'_>, tags: &Tags) -> Result<Vec<Tag>, CallError> {
    tags.iter()
        .map(|(key, value)| Tag::builder().tag_key(key).tag_value(value).build())
        .collect::<Result<Vec<_>, BuildError>>()
        .map_err(|error| call.invalid(error.to_string()))
}
