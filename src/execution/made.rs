//! Whether a call whose answer was lost has made something.
//!
//! Sending `CreateKey` again would leave a second key behind that nobody knows. So after a lost answer, or an
//! "already exists" that may be our own first attempt, one looks: what carries our tags with the moment of this
//! very create was made by it. The deletion of a key is looked at too, because KMS refuses to schedule or to
//! cancel it a second time; and so is a new version of a policy, of which IAM keeps only five.

use std::time::Duration;

use super::cloud::{CallError, CallErrorKind, Cloud};
use super::observe::find_key;
use crate::replication::ids::Location;
use crate::replication::names::{COMPONENT_TAG, CREATED_TAG, OWNER_TAG};
use crate::replication::operation::{
    Answer, ManagedPolicyOperation, Operation, Output, Query, Tags,
};
use crate::replication::policy::{PolicyDocument, same_meaning};

/// How long AWS is given to show what was made; KMS to list a new key, before the creating call is sent again.
const SHOWS_WITHIN: Duration = Duration::from_secs(30);

/// Whether such an answer leaves open what happened.
pub(super) fn may_be_made(operation: &Operation, answer: CallErrorKind) -> bool {
    match operation {
        Operation::CreateBucket { .. }
        | Operation::CreateKey { .. }
        | Operation::CreateAlias { .. }
        | Operation::CreateRole { .. }
        | Operation::ManagedPolicy(ManagedPolicyOperation::Create { .. }) => {
            matches!(
                answer,
                CallErrorKind::Ambiguous | CallErrorKind::AlreadyExists
            )
        }
        Operation::ManagedPolicy(ManagedPolicyOperation::CreateVersion { .. }) => {
            answer == CallErrorKind::Ambiguous
        }
        Operation::ScheduleKeyDeletion { .. } | Operation::CancelKeyDeletion { .. } => {
            answer == CallErrorKind::InvalidState
        }
        _ => false,
    }
}

/// How long one looks. Only a key can be made twice; a name that is taken is noticed. One that is taken after an answer
/// was lost was most likely taken by ourselves, and what was made may show late.
pub(super) fn shows_within(
    operation: &Operation,
    answer: CallErrorKind,
    was_unheard: bool,
) -> Duration {
    match (operation, answer) {
        (Operation::CreateKey { .. }, CallErrorKind::Ambiguous) => SHOWS_WITHIN,
        (_, CallErrorKind::AlreadyExists) if was_unheard => SHOWS_WITHIN,
        _ => Duration::ZERO,
    }
}

/// The output of a call that was carried out although its answer did not say so; `None` when it was
/// not carried out.
pub(super) async fn find_made(
    cloud: &dyn Cloud,
    at: &Location,
    operation: &Operation,
) -> Result<Option<Output>, CallError> {
    match operation {
        Operation::CreateBucket { bucket, tags, .. } => {
            let query = Query::GetBucketTagging {
                bucket: bucket.clone(),
            };
            let seen = optional(cloud.query(at, &query).await)?;
            Ok(match seen {
                Some(Answer::Tags(seen)) if same_create(&seen, tags) => Some(Output::Done),
                _ => None,
            })
        }
        Operation::CreateKey { tags, .. } => {
            let arn = find_key(cloud, at, &|seen| same_create(seen, tags), &[]).await?;
            Ok(arn.map(Output::Text))
        }
        Operation::CreateAlias { alias, key } => {
            let query = Query::DescribeKey { key: alias.clone() };
            let seen = optional(cloud.query(at, &query).await)?;
            Ok(match seen {
                Some(Answer::Key(seen)) if Some(&seen.arn) == key.known() => Some(Output::Done),
                _ => None,
            })
        }
        Operation::CreateRole { role, tags, .. } => {
            let query = Query::GetRole { role: role.clone() };
            let seen = optional(cloud.query(at, &query).await)?;
            Ok(match seen {
                Some(Answer::Role(seen)) if same_create(&seen.tags, tags) => Some(Output::Role {
                    arn: seen.arn,
                    unique_id: seen.unique_id,
                }),
                _ => None,
            })
        }
        Operation::ManagedPolicy(ManagedPolicyOperation::Create {
            policy_arn, tags, ..
        }) => {
            let policy_arn = policy_arn.clone();
            let seen = optional(cloud.query(at, &Query::GetPolicy { policy_arn }).await)?;
            Ok(match seen {
                Some(Answer::ManagedPolicy(seen)) if same_create(&seen.tags, tags) => {
                    Some(Output::Done)
                }
                _ => None,
            })
        }
        Operation::ManagedPolicy(ManagedPolicyOperation::CreateVersion {
            policy_arn,
            document,
        }) => {
            let default = default_version(cloud, at, policy_arn).await?;
            let parsed = default.and_then(|text| PolicyDocument::parse(&text).ok());
            let is_there = parsed.is_some_and(|seen| same_meaning(&seen, document));
            Ok(is_there.then_some(Output::Done))
        }
        Operation::ScheduleKeyDeletion { key, .. } | Operation::CancelKeyDeletion { key } => {
            let wants_pending = matches!(operation, Operation::ScheduleKeyDeletion { .. });
            let query = Query::DescribeKey {
                key: key.known().cloned().unwrap_or_default(),
            };
            let seen = optional(cloud.query(at, &query).await)?;
            Ok(match seen {
                Some(Answer::Key(seen)) if seen.is_pending_deletion() == wants_pending => {
                    Some(Output::Done)
                }
                _ => None,
            })
        }
        _ => Ok(None),
    }
}

/// The text of a managed policy's default version.
async fn default_version(
    cloud: &dyn Cloud,
    at: &Location,
    policy_arn: &str,
) -> Result<Option<String>, CallError> {
    let policy_arn = policy_arn.to_owned();
    let query = Query::GetPolicy {
        policy_arn: policy_arn.clone(),
    };
    let Some(Answer::ManagedPolicy(policy)) = optional(cloud.query(at, &query).await)? else {
        return Ok(None);
    };
    let query = Query::GetPolicyVersion {
        policy_arn,
        version: policy.default_version,
    };
    Ok(match optional(cloud.query(at, &query).await)? {
        Some(Answer::Text(text)) => Some(text),
        _ => None,
    })
}

fn same_create(seen: &Tags, sent: &Tags) -> bool {
    [OWNER_TAG, COMPONENT_TAG, CREATED_TAG]
        .into_iter()
        .all(|key| sent.contains_key(key) && seen.get(key) == sent.get(key))
}

fn optional(answer: Result<Answer, CallError>) -> Result<Option<Answer>, CallError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind == CallErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
