//! Changing a bucket's tags, in the form that the bucket takes.
//!
//! Once attribute-based access control (ABAC) is on, S3 refuses `PutBucketTagging`; tags then change key by key.
//! AWS documents that it refuses, and not with which error
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/buckets-tagging-enable-abac.html>). So the whole set is
//! tried first, which costs an ordinary bucket no further call and its operator no further permission; and a bucket
//! that refused it is asked whether ABAC is on (`GetBucketAbac`), whatever the error said. Reading stays the
//! same: `GetBucketTagging` goes on working.

use super::cloud::{CallError, CallErrorKind};
use super::retry::Setting;
use super::run::Run;
use crate::replication::ids::Location;
use crate::replication::operation::{Answer, Query};
use crate::replication::tag_change::TagChange;

/// Makes a change of tags.
pub(super) async fn edit(
    run: &Run<'_>,
    at: &Location,
    bucket: &str,
    change: &TagChange,
    setting: Setting,
) -> Result<(), CallError> {
    let refusal = match run.call(at, &change.at_once(bucket), setting).await {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    if !may_be_for_abac(refusal.kind) || !has_abac(run, at, bucket, &refusal).await? {
        return Err(refusal);
    }
    tracing::debug!(bucket, "ABAC is on: tags change key by key");
    for operation in change.key_by_key(bucket) {
        run.call(at, &operation, setting).await?;
    }
    Ok(())
}

/// Whether AWS has refused the write for a reason that may be ABAC: neither is the bucket missing, nor did the call
/// fail on its way.
fn may_be_for_abac(kind: CallErrorKind) -> bool {
    matches!(
        kind,
        CallErrorKind::AccessDenied
            | CallErrorKind::Invalid
            | CallErrorKind::InvalidState
            | CallErrorKind::Conflict
    )
}

/// Whether ABAC is on. Where that cannot be found out, the refusal itself is what is told.
async fn has_abac(
    run: &Run<'_>,
    at: &Location,
    bucket: &str,
    refusal: &CallError,
) -> Result<bool, CallError> {
    let query = Query::GetBucketAbac {
        bucket: bucket.to_owned(),
    };
    match run.cloud.query(at, &query).await {
        Ok(answer) => Ok(answer == Answer::Text("Enabled".to_owned())),
        Err(look) => Err(CallError {
            message: format!(
                "{}; whether that is because ABAC is on for the bucket could not be found out: {look}",
                refusal.message
            ),
            ..refusal.clone()
        }),
    }
}
