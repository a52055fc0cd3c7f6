//! What is tried again, for how long, and why: AWS's eventual consistency, row by row.
//!
//! Passing failures of the network and of AWS are retried below, in the edge, which also tells by AWS's messages what is
//! only not ready yet. Here stand only answers that a short wait turns into success because something that was just made
//! is not visible everywhere yet. `tests/engine/consistency.rs` has the rows with their tests.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use super::cloud::{CallError, CallErrorKind};
use crate::replication::operation::{BatchJobOperation, ManagedPolicyOperation, Operation};

/// How long AWS is given to see a new principal, bucket or version, as the AWS provider has it.
const PROPAGATION: Duration = Duration::from_secs(120);
/// Destination buckets in other regions take longer to show as versioned.
const CROSS_REGION: Duration = Duration::from_secs(180);
/// A deleted name stays locked for a while.
const NAME_RELEASE: Duration = Duration::from_secs(20 * 60);
/// A role that is seconds old may not be passed yet; a missing `iam:PassRole` looks the same.
const PASS_ROLE: Duration = Duration::from_secs(30);
/// A policy names principals that AWS does not see.
const PRINCIPALS: (Duration, &str) = (
    PROPAGATION,
    "AWS to see every principal that the policy names; one may not exist",
);
/// How often the same answer may get lost.
const HEAR_AGAIN: Duration = Duration::from_secs(60);
/// Versioning stays locked after its replication configuration is gone.
const STATE_RELEASE: Duration = Duration::from_secs(15 * 60);

/// How long what this very run has made may be "not found" before it counts as gone.
pub(super) const UNSEEN: Duration = Duration::from_secs(30);

/// What is known about the surroundings of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Setting {
    /// Something that the call names was made in this very run.
    pub(super) fresh: bool,
    /// The role of its direction was made in this very run.
    pub(super) fresh_role: bool,
}

/// What S3 says where a name leads elsewhere.
const REDIRECT: &str = "PermanentRedirect";

/// How long a failed call is tried again, and what is waited for; `None` when it is not.
pub(super) fn patience(
    operation: &Operation,
    error: &CallError,
    setting: Setting,
) -> Option<(Duration, &'static str)> {
    use CallErrorKind::{
        AccessDenied, Ambiguous, Conflict, Invalid, InvalidState, NotFound, NotReady,
    };
    match (operation, error.kind) {
        (Operation::CreateBucket { .. }, Conflict) => Some((
            NAME_RELEASE,
            "S3 to release the bucket's name; one that was deleted a short while ago can take an hour or more, and the same command then goes on",
        )),
        (_, Conflict) => Some((PROPAGATION, "another change of the same thing to end")),
        (Operation::PutBucketReplication { .. }, NotReady) => {
            Some((CROSS_REGION, "versioning to show on both buckets"))
        }
        (Operation::BatchJob(BatchJobOperation::Create(_)), NotReady | NotFound) => {
            Some((PROPAGATION, "the rules of the source to show"))
        }
        // Every write but the creating ones may be sent twice, and those have been looked for before.
        (_, Ambiguous) => Some((HEAR_AGAIN, "AWS to answer")),
        (operation, NotReady) if names_principals(operation) => Some(PRINCIPALS),
        (_, NotReady) => Some((PROPAGATION, "AWS to see what was just made")),
        // The name of a young bucket may lead to no region yet, or to another one.
        (_, Invalid) if setting.fresh && is_redirect(error) => {
            Some((PROPAGATION, "AWS to see what was just made"))
        }
        (
            Operation::PutBucketReplication { .. }
            | Operation::BatchJob(BatchJobOperation::Create(_)),
            AccessDenied,
        ) if setting.fresh_role => Some((
            PASS_ROLE,
            "the new role to be usable (or iam:PassRole is missing)",
        )),
        (operation, NotFound) if setting.fresh && !takes_away(operation) => {
            Some((PROPAGATION, "AWS to see what was just made"))
        }
        (Operation::DeleteRole { .. }, InvalidState) => {
            Some((PROPAGATION, "the role's policies to be gone"))
        }
        (Operation::ManagedPolicy(ManagedPolicyOperation::Delete { .. }), InvalidState) => Some((
            PROPAGATION,
            "the policy to be detached and its old versions to be gone",
        )),
        (Operation::EnableBucketVersioning { .. }, InvalidState) => Some((
            STATE_RELEASE,
            "the bucket to be free for a change of versioning",
        )),
        _ => None,
    }
}

/// Whether S3 says that a name leads elsewhere, as it does of a young bucket for a while.
pub(super) fn is_redirect(error: &CallError) -> bool {
    error.kind == CallErrorKind::Invalid && error.code.as_deref() == Some(REDIRECT)
}

/// Whether AWS looks for the principals of a document that the operation brings.
fn names_principals(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::PutBucketPolicy { .. }
            | Operation::CreateKey { .. }
            | Operation::PutKeyPolicy { .. }
            | Operation::CreateRole { .. }
            | Operation::UpdateAssumeRolePolicy { .. }
    )
}

/// Whether "not found" means that the operation is done.
pub(super) fn takes_away(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::DeleteBucket { .. }
            | Operation::DeleteBucketPolicy { .. }
            | Operation::DeleteBucketReplication { .. }
            | Operation::DeleteBucketLifecycle { .. }
            | Operation::DeleteObjects { .. }
            | Operation::AbortMultipartUpload { .. }
            | Operation::DeleteAlias { .. }
            | Operation::ScheduleKeyDeletion { .. }
            | Operation::DeleteRole { .. }
            | Operation::DeleteRolePolicy { .. }
            | Operation::DetachRolePolicy { .. }
            | Operation::DeleteRolePermissionsBoundary { .. }
            | Operation::UntagRole { .. }
            | Operation::UntagKey { .. }
            | Operation::UntagBucket { .. }
            | Operation::ManagedPolicy(
                ManagedPolicyOperation::Delete { .. }
                    | ManagedPolicyOperation::DeleteVersion { .. }
                    | ManagedPolicyOperation::Untag { .. }
            )
    )
}

/// Waits between tries: from a fifth of a second to ten seconds, with jitter, for `total` at the most.
pub(super) fn backoff(total: Duration) -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(10))
        .with_factor(2.0)
        .with_jitter()
        .with_total_delay(Some(total))
        .without_max_times()
        .build()
}
