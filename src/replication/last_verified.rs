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
use super::observed::Observed;
use super::operation::{Operation, Tags};
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

/// What is remembered of each destination.
pub fn remembered(spec: &Spec, observed: &Observed) -> BTreeMap<Side, String> {
    let Some(tags) = tags_of_ours(spec, observed) else {
        return BTreeMap::new();
    };
    spec.buckets()
        .filter_map(|(side, bucket)| Some((side, tags.get(&tag(&bucket.name))?.clone())))
        .collect()
}

/// Whether moments may be written to the role that was found: it says itself that it belongs to this setup.
pub fn is_ours(spec: &Spec, observed: &Observed) -> bool {
    tags_of_ours(spec, observed).is_some()
}

fn tags_of_ours<'a>(spec: &Spec, observed: &'a Observed) -> Option<&'a Tags> {
    let tags = &observed.role(&Side::Source).present()?.description.tags;
    (tags.get(OWNER_TAG) == Some(&spec.owner())).then_some(tags)
}

fn tag(bucket: &BucketName) -> String {
    format!("{VERIFIED_TAGS}{bucket}")
}
