//! `components`: one line for each AWS object, with what differs and has no attribute of its own in brackets.
//!
//! A key that a bucket of ours used before has its line too, and is remembered by it: objects are still encrypted
//! under that key.

use std::collections::BTreeMap;

use crate::framework::model::{Attr, TextMap, known_entries, text_map};
use crate::provider::replicated_bucket::model::BucketModel;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::desired::{DesiredDirection, desire};
use crate::replication::diff::{Difference, Shows};
use crate::replication::spec::Spec;

use Attr::{Known, Unknown};

/// The line of each component, and those of retired keys.
pub(crate) fn components(spec: &Spec, retired: &BTreeMap<String, String>) -> TextMap {
    let desired = desire(spec, None, "");
    let mut lines: TextMap = text_map(retired.clone());
    let mut put = |component: ComponentId, line: Attr<String>| {
        lines.insert(component.to_string(), line);
    };
    for (arn, key) in &desired.managed_keys {
        if !key.policy.is_empty() {
            put(
                ComponentId::Of(key.side.clone(), Part::Key),
                Known(arn.clone()),
            );
        }
    }
    for (side, bucket) in &desired.buckets {
        let of = |part| ComponentId::Of(side.clone(), part);
        put(of(Part::Bucket), Known(bucket.arn.clone()));
        // The user's statements are told by their own attribute.
        let ours = &bucket.policy.ours;
        let sids: Vec<&str> = ours.iter().filter_map(|s| s.name()).collect();
        if !sids.is_empty() && bucket.policy_is_managed() {
            put(of(Part::BucketPolicy), Known(sids.join(", ")));
        }
        if let Some(key) = &bucket.key {
            put(of(Part::Key), key.arn.clone().map_or(Unknown, Known));
            put(of(Part::Alias), Known(key.alias.clone()));
        }
    }
    for (side, DesiredDirection { role, replication }) in &desired.directions {
        let rules: Vec<&str> = replication.rules.iter().map(|r| r.id.as_str()).collect();
        put(
            ComponentId::Of(side.clone(), Part::Replication),
            Known(rules.join(", ")),
        );
        put(ComponentId::Role(side.clone()), Known(role.arn.clone()));
        let managed = role.grants.iter().flat_map(|grants| &grants.exact.managed);
        for (index, _) in managed.enumerate() {
            let arn = role.managed_policy_arn(index + 1);
            put(
                ComponentId::ManagedPolicy(side.clone(), index + 1),
                Known(arn),
            );
        }
        if role.grants.is_some() {
            put(
                ComponentId::RolePolicy(side.clone()),
                Known(role.policy_name.clone()),
            );
        }
    }
    lines
}

/// The components' lines, with what differs told in brackets: components and words.
pub(crate) fn with_drift<'a>(
    components: &Attr<TextMap>,
    differences: impl IntoIterator<Item = (&'a ComponentId, &'a str)>,
) -> Attr<TextMap> {
    let Known(lines) = components else {
        return components.clone();
    };
    let mut lines = lines.clone();
    let mut told: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (component, what) in differences {
        let words = told.entry(component.to_string()).or_default();
        if !words.contains(&what) {
            words.push(what);
        }
    }
    for (component, words) in told {
        let line = lines.get(&component).and_then(Attr::known);
        let line = line.cloned().unwrap_or_else(|| component.clone());
        lines.insert(component, Known(format!("{line} ({})", words.join(", "))));
    }
    Known(lines)
}

/// A component's line without what is told in brackets.
pub(crate) fn without_drift(line: &str) -> &str {
    line.split(" (").next().unwrap_or(line)
}

/// Whether a component's line says that it is not there.
pub(crate) fn is_missing(line: &str) -> bool {
    line.ends_with(" (missing)")
}

/// What has no attribute of its own to show it.
pub(crate) fn told_at_components(
    differences: &[Difference],
) -> impl Iterator<Item = (&ComponentId, &str)> {
    differences
        .iter()
        .filter(|d| d.shows == Shows::Component)
        .map(|d| (&d.component, d.what.as_str()))
}

/// Keys of ours that a side used before, as the components remember them.
pub(crate) fn retired_keys(model: &BucketModel, side: &Side) -> Vec<String> {
    let prefix = ComponentId::retired_key(side, "").to_string();
    known_entries(&model.components)
        .into_iter()
        .filter(|(component, _)| component.starts_with(&prefix))
        .map(|(_, arn)| without_drift(&arn).to_owned())
        .collect()
}
