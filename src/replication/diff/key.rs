//! Keys of ours: their state, settings and alias. Their policies are among the grants.

use super::tags::tag_changes;
use super::{Difference, Found};
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::desired::DesiredKey;
use crate::replication::graph::Action;
use crate::replication::ids::Location;
use crate::replication::observed::{ObservedBucket, ObservedKey};
use crate::replication::operation::{Input, Operation, Tags};
use crate::replication::policy;

/// Days between two rotations where nobody says otherwise.
const DEFAULT_ROTATION_DAYS: i32 = 365;

pub(super) fn key_differences(
    side: &Side,
    at: &Location,
    desired: &DesiredKey,
    bucket: &ObservedBucket,
) -> Vec<Difference> {
    let component = ComponentId::Of(side.clone(), Part::Key);
    let mut found = Found::new(component.clone(), at);
    let mut alias = Found::new(ComponentId::Of(side.clone(), Part::Alias), at);
    let seen: Option<&ObservedKey> = bucket.key.present();
    let key = match seen {
        Some(seen) => Input::Known(seen.description.arn.clone()),
        None => Input::OutputOf(component),
    };
    match seen {
        None => {
            let statements = desired.policy.statements();
            let policy = policy::key_policy(&at.account, &at.partition, statements);
            found.component(
                "missing",
                Operation::CreateKey {
                    description: desired.description.clone(),
                    multi_region: desired.multi_region,
                    policy: policy.render().unwrap_or_default(),
                    tags: desired.tags.clone(),
                },
            );
        }
        Some(seen) => {
            found.list.extend(state_differences(side, at, seen));
            if seen.description.description != desired.description {
                found.attribute(
                    "description",
                    Operation::UpdateKeyDescription {
                        key: key.clone(),
                        description: desired.description.clone(),
                    },
                );
            }
            let nothing = Tags::new();
            let tags = seen.tags.present().unwrap_or(&nothing);
            let (shows, set, unset) = tag_changes(&desired.tags, &desired.ignored_tags, tags);
            if !set.is_empty() {
                let operation = Operation::TagKey {
                    key: key.clone(),
                    tags: set,
                };
                found.add("tags differ", shows, Action::Call(operation));
            }
            if !unset.is_empty() {
                let operation = Operation::UntagKey {
                    key: key.clone(),
                    tag_keys: unset,
                };
                found.attribute("tags differ", operation);
            }
        }
    }
    let rotation = seen.and_then(|s| s.rotation.present()).copied();
    match (desired.rotation, rotation) {
        (None, Some((false, _)) | None) => {}
        (None, Some((true, _))) => found.attribute(
            "rotation",
            Operation::DisableKeyRotation { key: key.clone() },
        ),
        (Some(wanted), Some((true, seen))) => {
            let wanted = wanted.unwrap_or(DEFAULT_ROTATION_DAYS);
            if wanted != seen.unwrap_or(DEFAULT_ROTATION_DAYS) {
                // Written out, because KMS keeps the period that there is when none is named.
                found.attribute(
                    "rotation",
                    Operation::EnableKeyRotation {
                        key: key.clone(),
                        period_days: Some(wanted),
                    },
                );
            }
        }
        (Some(period_days), _) => found.attribute(
            "rotation",
            Operation::EnableKeyRotation {
                key: key.clone(),
                period_days,
            },
        ),
    }
    let has_alias = seen
        .and_then(|s| s.aliases.present())
        .is_some_and(|aliases| aliases.contains(&desired.alias));
    if !has_alias {
        let name = desired.alias.clone();
        let operation = if bucket.alias_target.present().is_some() {
            Operation::UpdateAlias { alias: name, key }
        } else {
            Operation::CreateAlias { alias: name, key }
        };
        alias.component("missing", operation);
    }
    found.list.extend(alias.list);
    found.list
}

/// What brings a key that is disabled or about to be deleted back into use.
pub(super) fn state_differences(side: &Side, at: &Location, seen: &ObservedKey) -> Vec<Difference> {
    let mut found = Found::new(ComponentId::Of(side.clone(), Part::Key), at);
    let key = Input::Known(seen.description.arn.clone());
    match seen.description.state.as_str() {
        "PendingDeletion" | "PendingReplicaDeletion" => {
            let date = seen.description.deletion_date.as_deref().unwrap_or("soon");
            let what = format!("deletion scheduled for {date}");
            found.component(&what, Operation::CancelKeyDeletion { key: key.clone() });
            // KMS leaves a rescued key disabled.
            found.component(&what, Operation::EnableKey { key: key.clone() });
        }
        "Disabled" => found.component("disabled", Operation::EnableKey { key }),
        _ => {}
    }
    found.list
}
