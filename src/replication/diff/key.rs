//! Keys of ours: their state, settings and alias. Their policies are among the grants.

use super::tags::tag_changes;
use super::{Difference, Found, MARKED, Shows};
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::desired::DesiredKey;
use crate::replication::graph::Action;
use crate::replication::ids::Location;
use crate::replication::names::RETAINED_TAG;
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
    let rotation = rotation_repair(desired, &key, seen);
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
            if desired.enabled {
                let shows = Shows::Attribute;
                let component = found.component.clone();
                found
                    .list
                    .extend(state_differences(component, at, seen, shows));
            } else {
                if let Some(what) = pending_deletion(seen) {
                    let operation = Operation::CancelKeyDeletion { key: key.clone() };
                    found.component(&what, operation);
                }
                if rotation.is_some() && seen.description.state != "Enabled" {
                    // KMS changes the rotation of an enabled key only.
                    found.attribute("rotation", Operation::EnableKey { key: key.clone() });
                }
            }
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
            if tags.contains_key(RETAINED_TAG) {
                let operation = Operation::UntagKey {
                    key: key.clone(),
                    tag_keys: vec![RETAINED_TAG.to_owned()],
                };
                found.component(MARKED, operation);
            }
        }
    }
    let mut passes_through_enabled = seen.is_none();
    if let Some(operation) = rotation {
        passes_through_enabled = true;
        found.attribute("rotation", operation);
    }
    let in_use = seen.is_some_and(|seen| seen.description.state == "Enabled");
    if !desired.enabled && (in_use || passes_through_enabled) {
        found.attribute("enabled", Operation::DisableKey { key: key.clone() });
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
        let what = match bucket.alias_target.present() {
            Some(target) => format!("leads to {target}"),
            None => "missing".to_owned(),
        };
        alias.component(&what, operation);
    }
    found.list.extend(alias.list);
    found.list
}

/// The write that brings the rotation of a key's material to what is wanted.
fn rotation_repair(
    desired: &DesiredKey,
    key: &Input<String>,
    seen: Option<&ObservedKey>,
) -> Option<Operation> {
    let rotation = seen.and_then(|s| s.rotation.present()).copied();
    let key = key.clone();
    match (desired.rotation, rotation) {
        (None, Some((false, _)) | None) => None,
        (None, Some((true, _))) => Some(Operation::DisableKeyRotation { key }),
        (Some(wanted), Some((true, seen))) => {
            let wanted = wanted.unwrap_or(DEFAULT_ROTATION_DAYS);
            let differs = wanted != seen.unwrap_or(DEFAULT_ROTATION_DAYS);
            // Written out, because KMS keeps the period that there is when none is named.
            let period_days = Some(wanted);
            differs.then_some(Operation::EnableKeyRotation { key, period_days })
        }
        (Some(period_days), _) => Some(Operation::EnableKeyRotation { key, period_days }),
    }
}

/// That a key is about to be deleted, and when, in words.
fn pending_deletion(seen: &ObservedKey) -> Option<String> {
    let key = &seen.description;
    let date = key.deletion_date.as_deref().unwrap_or("soon");
    key.is_pending_deletion()
        .then(|| format!("deletion scheduled for {date}"))
}

/// What brings a key that is disabled or about to be deleted back into use, and how it shows that it is disabled.
pub(super) fn state_differences(
    component: ComponentId,
    at: &Location,
    seen: &ObservedKey,
    shows: Shows,
) -> Vec<Difference> {
    let mut found = Found::new(component, at);
    let key = Input::Known(seen.description.arn.clone());
    if let Some(what) = pending_deletion(seen) {
        found.component(&what, Operation::CancelKeyDeletion { key: key.clone() });
        // KMS leaves a rescued key disabled.
        found.component(&what, Operation::EnableKey { key });
    } else if seen.description.state == "Disabled" {
        found.add(
            "disabled",
            shows,
            Action::Call(Operation::EnableKey { key }),
        );
    }
    found.list
}
