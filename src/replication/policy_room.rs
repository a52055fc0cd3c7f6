//! Whether policies that others write into as well can be read, and have room for what we want in them.

use super::component::ComponentId;
use super::desired::Desired;
use super::diff::{Form, grant_differences};
use super::graph::{Action, PolicyEdit};
use super::observed::{Observed, ObservedBucket, ObservedKey, Presence};
use super::operation::Input;
use super::policy::{PolicyDocument, PolicyError, PolicyKind, TooLarge, check_size};

/// A policy into which our statements cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoRoom {
    /// Whose policy it is.
    pub component: ComponentId,
    /// The bucket's name, or the key's ARN.
    pub of: String,
    /// What keeps them out.
    pub why: WhyNot,
}

/// What keeps our statements out of a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhyNot {
    /// It would be too long.
    #[error("{0}")]
    TooLong(TooLarge),
    /// It is in no form that is known here, so it is left as it is.
    #[error("{0}")]
    Unreadable(PolicyError),
}

/// The policies of buckets and keys that were looked at, would have to change, and cannot.
pub fn without_room(desired: &Desired, observed: &Observed) -> Vec<NoRoom> {
    let differences = grant_differences(desired, observed, Form::Wider).into_iter();
    differences
        .filter_map(|difference| {
            let seen = observed.buckets.get(difference.component.side());
            let (kind, of, text, edit) = match difference.repair {
                Action::EditBucketPolicy { bucket, edit } => {
                    let policy = |seen: &ObservedBucket| seen.policy.present().cloned();
                    (PolicyKind::Bucket, bucket, seen.and_then(policy), edit)
                }
                Action::EditKeyPolicy {
                    key: Input::Known(arn),
                    edit,
                } => {
                    let text = key_policy(&arn, seen, observed);
                    (PolicyKind::Key, arn, text, edit)
                }
                _ => return None,
            };
            Some(NoRoom {
                component: difference.component,
                of,
                why: why_not(kind, &text?, &edit)?,
            })
        })
        .collect()
}

fn key_policy(arn: &str, seen: Option<&ObservedBucket>, observed: &Observed) -> Option<String> {
    let is_it = |key: &&ObservedKey| key.description.arn == arn;
    let ours = seen.and_then(|seen| seen.key.present()).filter(is_it);
    let policy = match ours {
        Some(key) => key.policy.present(),
        None => observed.managed_keys.get(arn).and_then(Presence::present),
    };
    policy.cloned()
}

fn why_not(kind: PolicyKind, text: &str, edit: &PolicyEdit) -> Option<WhyNot> {
    match PolicyDocument::parse(text) {
        Ok(document) => {
            let merged = edit.share.merged_into(Some(&document));
            let error = check_size(kind, &merged.to_string()).err()?;
            Some(WhyNot::TooLong(error))
        }
        Err(error) => Some(WhyNot::Unreadable(error)),
    }
}
