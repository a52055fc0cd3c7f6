//! Destinations: names that follow from the source, priorities, rule IDs.

use std::collections::{BTreeMap, BTreeSet};

use super::side::side;
use super::{Get, Ground, kept_side, previous_destination, setting};
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::{BucketModel, SideModel, TextMap, text_map};
use crate::replication::component::Side;
use crate::replication::names;

use Attr::{Known, Null, Unknown};

pub(super) fn destinations(
    config: &BTreeMap<String, Attr<SideModel>>,
    model: &BucketModel,
    ground: &Ground<'_>,
) -> BTreeMap<String, Attr<SideModel>> {
    let source = model.source.known();
    let source_bucket = source.map_or(Unknown, |s| s.bucket.clone());
    let algorithm = source.map_or(Unknown, |s| match &s.encryption {
        Known(encryption) => encryption.sse_algorithm.clone(),
        _ => Unknown,
    });
    let mut worked_out = BTreeMap::new();
    for (key, destination) in config {
        let value = match destination {
            Known(written) => {
                let mut written = written.clone();
                written.bucket = written.bucket.or(|| {
                    source_bucket
                        .clone()
                        .map(|source| names::default_destination_bucket(&source, key))
                });
                let previous = ground
                    .prior
                    .map_or(Null, |prior| previous_destination(prior, &written));
                let this = Side::Destination(key.clone());
                let mut side = side(&this, &written, &previous, &algorithm, ground);
                let kept = kept_side(ground, &written.bucket);
                side.enabled = setting(&written.enabled, kept.get(|k| &k.enabled), || Known(true));
                side.storage_class = written.storage_class.clone();
                side.delete_marker_replication = setting(
                    &written.delete_marker_replication,
                    kept.get(|k| &k.delete_marker_replication),
                    || Known(false),
                );
                side.priority = setting(&written.priority, previous.get(|p| &p.priority), || Null);
                side.rule_ids = rule_ids(key, ground.prior, &previous);
                Known(side)
            }
            Unknown => Unknown,
            Null => Null,
        };
        worked_out.insert(key.clone(), value);
    }
    number(&mut worked_out, config);
    worked_out
}

/// Gives every destination without a priority the lowest free number, in the order of keys. A written number counts
/// first, then one that a destination has already; what may be taken by a number that is not known yet is unknown.
fn number(
    destinations: &mut BTreeMap<String, Attr<SideModel>>,
    config: &BTreeMap<String, Attr<SideModel>>,
) {
    let written = |key: &String| match config.get(key) {
        Some(Known(side)) => side.priority.clone(),
        Some(Unknown) => Unknown,
        Some(Null) | None => Null,
    };
    let mut taken: BTreeSet<i64> = BTreeSet::new();
    let mut any_is_possible = false;
    for key in config.keys() {
        match written(key) {
            Known(priority) => {
                taken.insert(priority);
            }
            Unknown => any_is_possible = true,
            Null => {}
        }
    }
    let mut unwritten: Vec<&mut Attr<i64>> = destinations
        .iter_mut()
        .filter(|(key, _)| written(key).is_null())
        .filter_map(|(_, side)| match side {
            Known(side) => Some(&mut side.priority),
            Unknown | Null => None,
        })
        .collect();
    for priority in &mut unwritten {
        if any_is_possible {
            **priority = Unknown;
        } else if let Known(stored) = **priority
            && !taken.insert(stored)
        {
            **priority = Null;
        }
    }
    let all_known = !unwritten.iter().any(|priority| priority.is_unknown());
    for priority in unwritten.into_iter().filter(|priority| priority.is_null()) {
        *priority = if all_known {
            let free = (0..).find(|n| !taken.contains(n)).unwrap_or(0);
            taken.insert(free);
            Known(free)
        } else {
            Unknown
        };
    }
}

/// The IDs that state has for a destination of this key and bucket; else our own.
fn rule_ids(key: &str, prior: Option<&BucketModel>, previous: &Attr<&SideModel>) -> Attr<TextMap> {
    let under_key = prior.and_then(|p| p.destinations.known()?.get(key)?.known());
    match (previous, under_key) {
        (Unknown, _) => Unknown,
        (Known(previous), Some(under_key)) if previous.bucket == under_key.bucket => {
            previous.rule_ids.clone()
        }
        _ => Known(text_map([(
            names::DEFAULT_RULE.to_owned(),
            names::rule_id(key, names::DEFAULT_RULE),
        )])),
    }
}
