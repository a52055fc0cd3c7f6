//! The replication configuration.

use super::{Difference, Shows};
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::desired::{Desired, DesiredDirection};
use crate::replication::graph::Action;
use crate::replication::observed::Observed;
use crate::replication::operation::{Operation, ReplicationConfiguration, ReplicationRule};
use crate::replication::rules_share::{RulesShare, same_rule};

/// The replication configurations of all directions.
pub fn replication_differences(desired: &Desired, observed: &Observed) -> Vec<Difference> {
    let directions = desired.directions.iter();
    directions
        .filter_map(|(side, direction)| replication_difference(desired, observed, side, direction))
        .collect()
}

fn replication_difference(
    desired: &Desired,
    observed: &Observed,
    side: &Side,
    direction: &DesiredDirection,
) -> Option<Difference> {
    let bucket = desired.buckets.get(side)?;
    let seen = observed.buckets.get(side);
    let share = &direction.replication;
    let what = match seen.and_then(|b| b.replication.present()) {
        None => "missing".to_owned(),
        Some(seen) if bucket.is_existing() => rules_difference(share, &share.ours_in(seen))?,
        Some(seen) => rules_difference(share, seen)?,
    };
    let name = bucket.name.clone();
    Some(Difference {
        component: ComponentId::Of(side.clone(), Part::Replication),
        at: bucket.location.clone(),
        what,
        shows: Shows::Component,
        repair: if bucket.is_existing() {
            Action::EditBucketReplication {
                bucket: name,
                share: share.clone(),
            }
        } else {
            Action::Call(Operation::PutBucketReplication {
                bucket: name,
                configuration: share.alone(),
            })
        },
    })
}

/// What differs between two configurations, in words.
fn rules_difference(wanted: &RulesShare, seen: &ReplicationConfiguration) -> Option<String> {
    fn names(rules: Vec<&ReplicationRule>) -> String {
        rules
            .iter()
            .map(|r| r.id.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }
    let find = |rules: &[ReplicationRule], id: &str| rules.iter().find(|r| r.id == id).cloned();
    let absent: Vec<_> = wanted
        .rules
        .iter()
        .filter(|r| find(&seen.rules, &r.id).is_none())
        .collect();
    let foreign: Vec<_> = seen
        .rules
        .iter()
        .filter(|r| find(&wanted.rules, &r.id).is_none())
        .collect();
    let changed: Vec<_> = wanted
        .rules
        .iter()
        .filter(|r| find(&seen.rules, &r.id).is_some_and(|s| !same_rule(r, &s)))
        .collect();
    let mut words = Vec::new();
    if wanted.role != seen.role {
        words.push(format!("role is {}", seen.role));
    }
    if !absent.is_empty() {
        words.push(format!("rule missing: {}", names(absent)));
    }
    let renumbered: Vec<String> = changed
        .iter()
        .filter_map(|rule| {
            let priority = find(&seen.rules, &rule.id)?.priority?;
            (rule.priority != Some(priority))
                .then(|| format!("priority of {} is {priority}", rule.id))
        })
        .collect();
    if !changed.is_empty() {
        words.push(format!("rule changed: {}", names(changed)));
    }
    words.extend(renumbered);
    if !foreign.is_empty() {
        words.push(format!("unknown rule: {}", names(foreign)));
    }
    (!words.is_empty()).then(|| words.join("; "))
}
