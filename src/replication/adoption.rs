//! Buckets of somebody else's that become ours: whose they are, and what they lose by it.
//!
//! From then on every setting of the resource counts there. What their owner set and the configuration does not say
//! shows in no attribute before the adoption, so it is told here.

use super::component::{ComponentId, Part, Side};
use super::desired::{Desired, DesiredBucket, DesiredCustody, DesiredSettings, desire};
use super::diff::{bucket_differences, tag_changes};
use super::graph::Action;
use super::names::{OWNER_TAG, is_ownership_tag};
use super::observed::{Observed, ObservedBucket};
use super::operation::{Operation, Tags};
use super::policy::PolicyDocument;
use super::rules_share::same_rule;
use super::spec::Spec;

/// A bucket that becomes ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// The side where it is from now on.
    pub side: Side,
    /// Its name.
    pub bucket: String,
    /// The owner in its tags, where that is another one: then it is not adopted.
    pub other_owner: Option<String>,
    /// What its owner set and the adoption takes away or changes, in words.
    pub losses: Vec<String>,
}

/// The buckets that belonged to somebody else in `prior` and are ours in `spec`, as far as they were looked at.
pub fn adoptions(spec: &Spec, prior: &Spec, observed: &Observed) -> Vec<Adoption> {
    let owner = spec.owner();
    let desired = desire(spec, Some(prior), "");
    let mut adoptions = Vec::new();
    for (side, bucket) in spec.buckets() {
        let before = prior.bucket_named(&bucket.name);
        let is_adopted =
            bucket.settings().is_some() && before.is_some_and(|b| b.existing().is_some());
        let seen = observed.buckets.get(&side);
        let Some(seen) = seen.filter(|seen| is_adopted && seen.region.present().is_some()) else {
            continue;
        };
        let tagged = seen.tags.present().and_then(|tags| tags.get(OWNER_TAG));
        adoptions.push(Adoption {
            bucket: bucket.name.to_string(),
            other_owner: tagged.filter(|tagged| **tagged != owner).cloned(),
            losses: losses(&desired, &side, seen),
            side,
        });
    }
    adoptions
}

fn losses(desired: &Desired, side: &Side, seen: &ObservedBucket) -> Vec<String> {
    let Some(bucket) = desired.buckets.get(side) else {
        return Vec::new();
    };
    let mut losses = Vec::new();
    if let DesiredCustody::Ours(settings) = &bucket.custody {
        losses.extend(settings_lost(side, bucket, settings, seen));
        losses.extend(lifecycle_rules_lost(settings, seen));
        losses.extend(tags_lost(settings, seen));
    }
    losses.extend(statements_lost(bucket, seen));
    losses.extend(replication_rules_lost(desired, side, seen));
    losses
}

/// Settings that stand as a whole.
fn settings_lost(
    side: &Side,
    bucket: &DesiredBucket,
    settings: &DesiredSettings,
    seen: &ObservedBucket,
) -> Vec<String> {
    let component = ComponentId::Of(side.clone(), Part::Bucket);
    let differences = bucket_differences(side, bucket, seen).into_iter();
    let of_bucket = differences.filter(|difference| difference.component == component);
    of_bucket
        .filter_map(|difference| match difference.repair {
            Action::Call(Operation::PutBucketOwnershipControls { .. }) => {
                let now = &settings.object_ownership;
                Some(match seen.object_ownership.present() {
                    Some(before) => format!("object ownership: {before} becomes {now}"),
                    None => format!("object ownership: becomes {now}"),
                })
            }
            Action::Call(Operation::PutPublicAccessBlock { .. }) => {
                Some("public access block: becomes that of `public_access_block`".to_owned())
            }
            Action::Call(Operation::PutBucketEncryption { encryption, .. }) => {
                let before = seen.encryption.present().map(|e| e.sse_algorithm.as_str());
                let (before, now) = (before.unwrap_or("AES256"), &encryption.sse_algorithm);
                Some(if before == now {
                    format!("default encryption: {now} changes its key or the use of bucket keys")
                } else {
                    format!("default encryption: {before} becomes {now}")
                })
            }
            Action::Call(Operation::PutObjectLockConfiguration { .. }) => {
                let retention = seen.object_lock.present()?.default_retention.as_ref()?;
                Some(format!(
                    "default retention of Object Lock: {} changes",
                    retention.mode
                ))
            }
            _ => None,
        })
        .collect()
}

fn lifecycle_rules_lost(settings: &DesiredSettings, seen: &ObservedBucket) -> Vec<String> {
    let seen = seen.lifecycle.present().map(|lifecycle| &lifecycle.rules);
    changed(
        "lifecycle rule",
        seen.into_iter().flatten(),
        |id| settings.lifecycle.rules.get(id),
        |wanted, seen| wanted.means_the_same(seen),
    )
}

/// Tags of ours are no loss of anybody's.
fn tags_lost(settings: &DesiredSettings, seen: &ObservedBucket) -> Vec<String> {
    let nothing = Tags::new();
    let seen = seen.tags.present().unwrap_or(&nothing);
    let (_, set, unset) = tag_changes(&settings.tags, &settings.ignored_tags, seen);
    let lost = seen.iter().filter(|(key, _)| !is_ownership_tag(key));
    lost.filter_map(|(key, _)| {
        if unset.contains(key) {
            Some(format!("tag {key}: goes"))
        } else {
            set.contains_key(key).then(|| format!("tag {key}: changes"))
        }
    })
    .collect()
}

/// Statements of others, where the policy is to hold none.
fn statements_lost(bucket: &DesiredBucket, seen: &ObservedBucket) -> Vec<String> {
    let text = seen.policy.present().filter(|_| bucket.policy.exclusive);
    let Some(Ok(document)) = text.map(|text| PolicyDocument::parse(text)) else {
        return Vec::new();
    };
    let foreign = bucket.policy.foreign(&document).into_iter();
    foreign
        .map(|statement| {
            let name = statement.name().unwrap_or("without a Sid");
            format!("policy statement {name}: goes")
        })
        .collect()
}

/// Rules of others in a bucket whose replication configuration is ours alone from now on.
fn replication_rules_lost(desired: &Desired, side: &Side, seen: &ObservedBucket) -> Vec<String> {
    let wanted = desired.directions.get(side).map(|d| &d.replication);
    let Some((wanted, seen)) = wanted.zip(seen.replication.present()) else {
        return Vec::new();
    };
    let theirs = seen
        .rules
        .iter()
        .filter(|rule| !wanted.before.contains(&rule.id));
    changed(
        "replication rule",
        theirs.map(|rule| (&rule.id, rule)),
        |id| wanted.rules.iter().find(|rule| rule.id == *id),
        same_rule,
    )
}

/// What goes of a kind of thing, and what changes.
fn changed<'a, T: 'a>(
    kind: &str,
    seen: impl Iterator<Item = (&'a String, &'a T)>,
    wanted: impl Fn(&String) -> Option<&'a T>,
    same: impl Fn(&T, &T) -> bool,
) -> Vec<String> {
    seen.filter_map(|(id, seen)| match wanted(id) {
        None => Some(format!("{kind} {id}: goes")),
        Some(wanted) => (!same(wanted, seen)).then(|| format!("{kind} {id}: changes")),
    })
    .collect()
}
