//! The replication configuration.

use super::{Difference, Shows};
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::desired::{Desired, DesiredDirection};
use crate::replication::graph::Action;
use crate::replication::observed::Observed;
use crate::replication::operation::{Input, Operation, ReplicationConfiguration, ReplicationRule};
use crate::replication::rules_share::{RulesShare, same_rule};

/// The replication configurations of all directions.
pub fn replication_differences(desired: &Desired, observed: &Observed) -> Vec<Difference> {
    let directions = desired.directions.iter();
    directions
        .filter_map(|(side, direction)| {
            replication_difference(desired, None, observed, side, direction)
        })
        .collect()
}

/// The same without what attributes show already: `shown` is what the resource would want if it wanted what a refresh
/// has put into its attributes.
pub fn replication_drift(
    desired: &Desired,
    shown: &Desired,
    observed: &Observed,
) -> Vec<Difference> {
    let directions = desired.directions.iter();
    directions
        .filter_map(|(side, direction)| {
            let shown = shown.directions.get(side);
            let shown = shown.map(|direction| &direction.replication);
            replication_difference(desired, shown, observed, side, direction)
        })
        .collect()
}

fn replication_difference(
    desired: &Desired,
    shown: Option<&RulesShare>,
    observed: &Observed,
    side: &Side,
    direction: &DesiredDirection,
) -> Option<Difference> {
    let bucket = desired.buckets.get(side)?;
    let seen = observed.buckets.get(side);
    let share = &direction.replication;
    let what = match seen.and_then(|b| b.replication.present()) {
        None => "missing".to_owned(),
        Some(seen) if bucket.is_existing() => rules_difference(share, shown, &share.ours_in(seen))?,
        Some(seen) => rules_difference(share, shown, seen)?,
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

/// What differs between two configurations, in words; but for rules that are as they are `shown`.
fn rules_difference(
    wanted: &RulesShare,
    shown: Option<&RulesShare>,
    seen: &ReplicationConfiguration,
) -> Option<String> {
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
        .filter(|r| {
            let shown = shown.and_then(|shown| find(&shown.rules, &r.id));
            let is_shown = |s: &ReplicationRule| shown.is_some_and(|shown| same_rule(&shown, s));
            find(&seen.rules, &r.id).is_some_and(|s| !same_rule(r, &s) && !is_shown(&s))
        })
        .collect();
    let mut words = Vec::new();
    if wanted.role != seen.role {
        words.push(format!("role is {}", seen.role));
    }
    if !absent.is_empty() {
        words.push(format!("rule missing: {}", names(absent)));
    }
    let without_attribute: Vec<String> = changed
        .iter()
        .filter_map(|rule| Some(without_attribute(rule, &find(&seen.rules, &rule.id)?)))
        .flatten()
        .collect();
    if !changed.is_empty() {
        words.push(format!("rule changed: {}", names(changed)));
    }
    words.extend(without_attribute);
    if !foreign.is_empty() {
        words.push(format!("unknown rule: {}", names(foreign)));
    }
    (!words.is_empty()).then(|| words.join("; "))
}

/// What of a rule may show nowhere else: its number, where its replicas go, and under which key.
fn without_attribute(wanted: &ReplicationRule, seen: &ReplicationRule) -> Vec<String> {
    let key = |rule: &ReplicationRule| {
        let key = rule.replica_kms_key.as_ref().and_then(Input::known);
        key.filter(|_| rule.sse_kms_encrypted_objects == Some(true))
            .cloned()
    };
    let priority = |rule: &ReplicationRule| rule.priority.map(|number| number.to_string());
    let bucket = |rule: &ReplicationRule| Some(rule.bucket_arn.clone());
    let account = |rule: &ReplicationRule| Some(rule.account.clone().unwrap_or("none".to_owned()));
    let differing = |what: &str, wanted: Option<String>, seen: Option<String>, id: &str| {
        let seen = seen.filter(|seen| wanted.as_ref() != Some(seen))?;
        Some(format!("{what} of {id} is {seen}"))
    };
    [
        differing("priority", priority(wanted), priority(seen), &wanted.id),
        differing("bucket", bucket(wanted), bucket(seen), &wanted.id),
        differing("account", account(wanted), account(seen), &wanted.id),
        differing("key", key(wanted), key(seen), &wanted.id),
    ]
    .into_iter()
    .flatten()
    .collect()
}
