//! Priorities of rules: S3 wants each number once in a configuration, whatever the destination.

use std::collections::{BTreeMap, BTreeSet};

use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::SideModel;

use Attr::{Known, Null, Unknown};

/// Gives every rule without a priority the lowest free number, in the order of keys and of rules' names. A written
/// number counts first, then one that a rule has already; what may be taken by a number that is not known yet is
/// unknown. `taken_by_others` are numbers of rules that are not ours.
pub(crate) fn number(
    destinations: &mut BTreeMap<String, Attr<SideModel>>,
    config: &BTreeMap<String, Attr<SideModel>>,
    taken_by_others: &Attr<BTreeSet<i64>>,
) {
    let mut any_is_possible = false;
    let mut taken: BTreeSet<i64> = BTreeSet::new();
    let mut unwritten: Vec<&mut Attr<i64>> = Vec::new();
    for (key, destination) in destinations {
        let written = config.get(key).and_then(Attr::known);
        let (Known(side), Some(written)) = (destination, written) else {
            any_is_possible |= config.get(key).is_some_and(Attr::is_unknown);
            continue;
        };
        any_is_possible |= is_partly_unknown(side);
        for (written, priority) in priorities(side, written) {
            match written {
                Known(number) => {
                    taken.insert(number);
                }
                Unknown => any_is_possible = true,
                Null => unwritten.push(priority),
            }
        }
    }
    for priority in &mut unwritten {
        if any_is_possible {
            **priority = Unknown;
        } else if let Known(stored) = **priority
            && !taken.insert(stored)
        {
            **priority = Null;
        }
    }
    let all_known = !unwritten.iter().any(|priority| priority.is_unknown())
        && taken_by_others.known().is_some();
    taken.extend(taken_by_others.known().into_iter().flatten());
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

/// Whether a destination may have rules of which nothing is known.
fn is_partly_unknown(side: &SideModel) -> bool {
    match &side.rules {
        Unknown => true,
        Known(rules) => rules.values().any(Attr::is_unknown),
        Null => false,
    }
}

/// The priorities of a destination's rules, as far as these are known, each with what is written of it.
fn priorities<'a>(
    side: &'a mut SideModel,
    written: &SideModel,
) -> Vec<(Attr<i64>, &'a mut Attr<i64>)> {
    let rules = match &mut side.rules {
        Unknown => return Vec::new(),
        Null => return vec![(written.priority.clone(), &mut side.priority)],
        Known(rules) => rules,
    };
    rules
        .iter_mut()
        .filter_map(|(name, rule)| match rule {
            Known(rule) => {
                let written = written.rules.known().and_then(|rules| rules.get(name));
                let written = written.and_then(Attr::known);
                let written = written.map_or(Null, |rule| rule.priority.clone());
                Some((written, &mut rule.priority))
            }
            Unknown | Null => None,
        })
        .collect()
}
