//! What replication needs of a bucket that belongs to somebody else, and what is missing there that we may not
//! mend.
//!
//! A bucket of ours is brought into shape; somebody else's is looked at. [`lacks`] says what keeps replication from
//! working, so that a plan can refuse it in words, an apply can refuse what changed since, and a read can tell it.

use super::component::Side;
use super::diff::versioning_off;
use super::grants::bucket_statements;
use super::observed::{Observed, ObservedBucket};
use super::operation::{BucketEncryption, Input};
use super::policy::{self, PolicyDocument, Statement, missing_grants};
use super::rules::rules_share;
use super::rules_share::RulesConflict;
use super::spec::{BucketSpec, ExistingBucket, Spec, default_encryption};
use super::undo::Before;

/// Something that a bucket of somebody else's lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// It is not there.
    Bucket,
    /// Versioning is not on (in words), and it is not ours to turn on.
    Versioning(&'static str),
    /// The source's default encryption is not the one that was told, and it is not ours to write.
    Encryption(BucketEncryption),
    /// It has no Object Lock, and what comes from a locked bucket does not arrive there.
    ObjectLock,
    /// Its policy does not grant these, and it is not ours to write.
    Grants(Vec<Statement>),
    /// Rules of others stand in the way of ours.
    Rules(RulesConflict),
}

/// What the existing buckets of a spec lack, as far as they were looked at. `prior` is what was in force until now.
pub fn lacks(spec: &Spec, prior: Option<&Spec>, observed: &Observed) -> Vec<(Side, Lack)> {
    let mut lacks = Vec::new();
    for (side, bucket) in spec.buckets() {
        let (Some(existing), Some(seen)) = (bucket.existing(), observed.buckets.get(&side)) else {
            continue;
        };
        if seen.region.is_absent() {
            lacks.push((side, Lack::Bucket));
        } else if seen.region.present().is_some() {
            let found = lacks_of(spec, prior, &side, bucket, existing, seen);
            lacks.extend(found.into_iter().map(|lack| (side.clone(), lack)));
        }
    }
    lacks
}

fn lacks_of(
    spec: &Spec,
    prior: Option<&Spec>,
    side: &Side,
    bucket: &BucketSpec,
    existing: &ExistingBucket,
    seen: &ObservedBucket,
) -> Vec<Lack> {
    let mut lacks = Vec::new();
    if !existing.enable_versioning {
        lacks.extend(versioning_off(seen).map(Lack::Versioning));
    }
    let before = prior.and_then(|prior| prior.bucket_named(&bucket.name));
    // Where we wrote it until now, its own is about to be put back.
    let was_written = before.is_some_and(|b| {
        b.leftovers.encryption.is_some() || b.existing().is_some_and(|e| e.enable_encryption)
    });
    if *side == Side::Source && !existing.enable_encryption && !was_written {
        lacks.extend(another_encryption(bucket, seen).map(Lack::Encryption));
    }
    if gets_locked_objects(spec, bucket) && seen.object_lock.is_absent() {
        lacks.push(Lack::ObjectLock);
    }
    if let Some(direction) = spec.direction(side) {
        let before = prior.and_then(|prior| direction.in_spec(prior));
        let share = rules_share(&direction, before.as_ref());
        let conflicts = share.conflicts(seen.replication.present());
        lacks.extend(conflicts.into_iter().map(Lack::Rules));
    }
    if !existing.manage_bucket_policy {
        let was_ours = before.is_some_and(|b| b.policy_is_managed() || b.leftovers.ours_in_policy);
        let missing = missing_statements(spec, side, seen, was_ours);
        if !missing.is_empty() {
            lacks.push(Lack::Grants(missing));
        }
    }
    lacks
}

/// Whether objects of a locked bucket are to arrive in this one.
fn gets_locked_objects(spec: &Spec, bucket: &BucketSpec) -> bool {
    let mut directions = spec.directions();
    directions.any(|direction| {
        let mut arrivals = direction.to.iter();
        direction.bucket.is_locked() && arrivals.any(|to| to.bucket.name == bucket.name)
    })
}

/// Sides whose bucket is ours and has no Object Lock, although what arrives there comes from a locked bucket.
pub fn unlocked(spec: &Spec) -> Vec<Side> {
    let ours = spec.buckets().filter(|(_, b)| b.settings().is_some());
    ours.filter(|(_, bucket)| !bucket.is_locked() && gets_locked_objects(spec, bucket))
        .map(|(side, _)| side)
        .collect()
}

fn another_encryption(bucket: &BucketSpec, seen: &ObservedBucket) -> Option<BucketEncryption> {
    let key = seen.default_key();
    let seen = seen.encryption.present()?;
    let told = default_encryption(&Side::Source, bucket);
    let same = seen.sse_algorithm == told.sse_algorithm
        && key == told.kms_key.as_ref().and_then(Input::known)
        && seen.bucket_key_enabled == told.bucket_key_enabled;
    (!same).then(|| seen.clone())
}

/// Of the statements that a bucket's policy needs, those that it does not grant. What we wrote there ourselves is
/// about to go and does not count.
fn missing_statements(
    spec: &Spec,
    side: &Side,
    seen: &ObservedBucket,
    was_ours: bool,
) -> Vec<Statement> {
    let wanted = bucket_statements(spec, side);
    let text = seen.policy.present();
    let Some(mut document) = text.and_then(|text| PolicyDocument::parse(text).ok()) else {
        return wanted;
    };
    if was_ours {
        let owner = spec.owner();
        let is_ours = |s: &Statement| s.name().is_some_and(|sid| policy::is_ours(sid, &owner));
        document.statements.retain(|s| !is_ours(s));
    }
    missing_grants(&document, &wanted)
}

/// What an undo of a create puts back.
pub fn before(spec: &Spec, observed: &Observed) -> Before {
    let existing = spec
        .buckets()
        .filter(|(_, bucket)| bucket.existing().is_some());
    existing
        .filter_map(|(side, _)| {
            let seen = observed.buckets.get(&side)?.encryption.present()?;
            Some((side, seen.clone()))
        })
        .collect()
}
