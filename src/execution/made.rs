//! Whether a call whose answer was lost has made something.
//!
//! Sending `CreateKey` again would leave a second key behind that nobody knows. So after a lost answer, or an
//! "already exists" that may be our own first attempt, one looks: what carries our tags with the moment of this
//! very create was made by it.

use super::cloud::{CallError, CallErrorKind, Cloud};
use super::observe::find_key;
use crate::replication::ids::Location;
use crate::replication::names::{COMPONENT_TAG, CREATED_TAG, OWNER_TAG};
use crate::replication::operation::{Answer, Operation, Output, Query, Tags};

/// The output of a creating call that was carried out although its answer did not say so; `None` when it was
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
        _ => Ok(None),
    }
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
