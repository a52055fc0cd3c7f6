//! When canaries last crossed, written where everybody finds it who looks at a setup without its state: in tags of the
//! source's role.
//!
//! The role is the one part of every setup that is ours and takes tags key by key, so that a moment is one call which
//! touches nothing else. A tag is named after the bucket that received, because a destination is its bucket: another
//! bucket under the same key has received nothing yet. As our own tags these are no difference in any plan.

use std::collections::BTreeMap;

use super::component::Side;
use super::ids::BucketName;
use super::names::{OWNER_TAG, VERIFIED_TAGS};
use super::operation::{Operation, RoleDescription, Tags};
use super::spec::{RoleOwnership, Spec};

/// The write that remembers moments (RFC 3339) of destinations; none where there is nothing to remember, or where the
/// role belongs to somebody else.
pub fn remembering(spec: &Spec, moments: &BTreeMap<Side, String>) -> Option<Operation> {
    if matches!(spec.role.ownership, RoleOwnership::Existing { .. }) {
        return None;
    }
    let tags: Tags = spec
        .buckets()
        .filter(|(side, _)| *side != Side::Source)
        .filter_map(|(side, bucket)| Some((tag(&bucket.name), moments.get(&side)?.clone())))
        .collect();
    (!tags.is_empty()).then(|| Operation::TagRole {
        role: spec.role.name.clone(),
        tags,
    })
}

/// What the role that was found remembers of a destination's bucket.
pub fn remembered(spec: &Spec, role: &RoleDescription, bucket: &BucketName) -> Option<String> {
    let moment = role.tags.get(&tag(bucket))?;
    is_ours(spec, role).then(|| moment.clone())
}

/// Whether moments may be written to the role that was found: it says itself that it belongs to this setup.
pub fn is_ours(spec: &Spec, role: &RoleDescription) -> bool {
    role.tags.get(OWNER_TAG) == Some(&spec.owner())
}

fn tag(bucket: &BucketName) -> String {
    format!("{VERIFIED_TAGS}{bucket}")
}
