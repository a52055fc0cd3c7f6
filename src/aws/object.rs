//! S3's calls about single objects.

use super::call::At;
use super::error::call_error;
use crate::execution::cloud::{CallError, CallErrorKind};
use crate::replication::operation::{Answer, ObjectDescription};

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
