//! S3's calls about single objects.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::call::At;
use super::error::call_error;
use crate::execution::cloud::{CallError, CallErrorKind};
use crate::replication::operation::{Answer, NewObject, ObjectDescription, Output, Tags};

pub(super) async fn head_object(at: &At<'_>, bucket: &str, key: &str) -> Result<Answer, CallError> {
    let request = at.clients.s3.head_object().bucket(bucket).key(key);
    let request = request.expected_bucket_owner(at.account());
    let output = at
        .read("s3:HeadObject", bucket)
        .run_with(request.send(), |call, error| {
            let mut error = call_error(call, &error);
            // An answer to HEAD has no body, hence neither code nor message.
            if error.kind == CallErrorKind::AccessDenied {
                error.message = format!(
                    "s3:GetObject is not allowed on {key}; or there is no such object, and s3:ListBucket is not allowed"
                );
            }
            Err(error)
        })
        .await?;
    let status = output.replication_status;
    Ok(Answer::Object(ObjectDescription {
        version_id: output.version_id,
        replication_status: status.map(|status| spelled(status.as_str()).to_owned()),
        storage_class: output.storage_class.map(|class| class.as_str().to_owned()),
        sse_algorithm: output
            .server_side_encryption
            .map(|algorithm| algorithm.as_str().to_owned()),
        kms_key_arn: output.ssekms_key_id,
        metadata: output.metadata.unwrap_or_default().into_iter().collect(),
    }))
}

pub(super) async fn get_object(at: &At<'_>, bucket: &str, key: &str) -> Result<Answer, CallError> {
    let call = at.read("s3:GetObject", bucket);
    let request = at.clients.s3.get_object().bucket(bucket).key(key);
    let request = request.expected_bucket_owner(at.account());
    let output = call.run(request.send()).await?;
    let body = output.body.collect().await;
    let body = body.map_err(|error| {
        call.error(
            CallErrorKind::Transport,
            format!("the content of {key} broke off: {error}"),
        )
    })?;
    String::from_utf8(body.to_vec())
        .map(Answer::Text)
        .map_err(|_| call.incomplete("a text in UTF-8"))
}

/// S3 documents one spelling and its model has another one, too.
fn spelled(status: &str) -> &str {
    match status {
        "COMPLETE" => "COMPLETED",
        status => status,
    }
}

pub(super) async fn get_object_tagging(
    at: &At<'_>,
    bucket: &str,
    key: &str,
) -> Result<Answer, CallError> {
    let request = at.clients.s3.get_object_tagging().bucket(bucket).key(key);
    let output = at
        .read("s3:GetObjectTagging", bucket)
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    let tags = output.tag_set.into_iter().map(|tag| (tag.key, tag.value));
    Ok(Answer::Tags(tags.collect()))
}

pub(super) async fn get_object_acl(
    at: &At<'_>,
    bucket: &str,
    key: &str,
) -> Result<Answer, CallError> {
    let request = at.clients.s3.get_object_acl().bucket(bucket).key(key);
    let call = at.read("s3:GetObjectAcl", bucket);
    let output = call
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    let owner = output.owner.and_then(|owner| owner.id);
    owner
        .map(Answer::Text)
        .ok_or_else(|| call.incomplete("the object's owner"))
}

pub(super) async fn put_object(
    at: &At<'_>,
    bucket: &str,
    object: &NewObject,
) -> Result<Output, CallError> {
    let request = at
        .clients
        .s3
        .put_object()
        .bucket(bucket)
        .key(&object.key)
        .body(ByteStream::from(object.content.clone().into_bytes()))
        .set_tagging(tagging(&object.tags))
        .set_metadata(Some(object.metadata.clone().into_iter().collect()))
        .set_server_side_encryption(
            object
                .sse_algorithm
                .as_deref()
                .map(ServerSideEncryption::from),
        );
    at.write("s3:PutObject", bucket)
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    Ok(Output::Done)
}

/// Tags as the header has them: parameters of a URL.
fn tagging(tags: &Tags) -> Option<String> {
    let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let pairs = tags
        .iter()
        .map(|(key, value)| format!("{}={}", encoded(key), encoded(value)));
    let all = pairs.collect::<Vec<_>>().join("&");
    (!all.is_empty()).then_some(all)
}
