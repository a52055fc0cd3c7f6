//! Checks of rules: each by itself, and all of one configuration together.

use std::collections::BTreeMap;

use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::value::AttributePath;
use crate::provider::checks::not_empty;
use crate::provider::replicated_bucket::model::{BucketModel, RuleModel, SideModel};
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::replicated_bucket::values::expand::filter;
use crate::replication::component::Side;
use crate::replication::ids::{Arn, Region};
use crate::replication::operation::RuleFilter;

use Attr::Known;

/// The most rules that S3 takes in one configuration.
const MOST_RULES: usize = 1000;

/// Refuses what was written in a wrong way, whatever it amounts to.
pub(crate) fn check_written(this: &Side, side: &SideModel, diagnostics: &mut Diagnostics) {
    let path = side_path(this);
    if let Some(filter) = side.filter.known() {
        not_empty(&path.attribute("filter"), filter, diagnostics);
    }
    let Some(rules) = side.rules.known() else {
        return;
    };
    if side.priority.known().is_some() {
        diagnostics.error_at(
            path.attribute("priority"),
            "A priority beside rules",
            format!("S3 wants another priority for each rule, and {this} has {} in `rules`. Write `priority` in these, or leave it out: each gets the lowest free number.", count(rules.len(), "rule")),
        );
    }
    for (name, rule) in rules {
        let path = path.attribute("rules").key(name);
        let Some(rule) = rule.known() else { continue };
        not_empty(&path, rule, diagnostics);
        if let Some(filter) = rule.filter.known() {
            not_empty(&path.attribute("filter"), filter, diagnostics);
        }
    }
}

/// Refuses what S3 would refuse of worked-out rules, as far as they are known.
pub(crate) fn check_worked_out(model: &BucketModel, diagnostics: &mut Diagnostics) {
    let rules = rules(model);
    let mut ids: BTreeMap<&str, &AttributePath> = BTreeMap::new();
    let mut priorities: BTreeMap<i64, &AttributePath> = BTreeMap::new();
    for Rule {
        side, path, rule, ..
    } in &rules
    {
        check_rule(side, path, rule, diagnostics);
        if let Some(id) = rule.id.known()
            && let Some(other) = ids.insert(id, path)
        {
            diagnostics.error_at(
                path.attribute("id"),
                "One ID for two rules",
                format!("The rule at {other} has the ID {id} already; S3 tells rules apart by their IDs. Write another one, or leave `id` out."),
            );
        }
        if let Some(priority) = rule.priority.known()
            && let Some(other) = priorities.insert(*priority, path)
        {
            diagnostics.error_at(
                path.attribute("priority"),
                "One priority for two rules",
                format!("The rule at {other} has priority {priority} already, and S3 wants each number once, whatever the destination. Write another one, or leave `priority` out."),
            );
        }
    }
    if rules.len() > MOST_RULES {
        diagnostics.error_at(
            AttributePath::root("destinations"),
            "Too many rules",
            format!("There are {} rules, and S3 takes {MOST_RULES} for one source bucket. Use fewer, wider filters, or spread the objects over several source buckets.", rules.len()),
        );
    }
}

fn check_rule(
    side: &SideModel,
    path: &AttributePath,
    rule: &RuleModel,
    diagnostics: &mut Diagnostics,
) {
    let tags = rule.filter.known().and_then(|filter| filter.tags.known());
    if rule.delete_marker_replication == Known(true) && tags.is_some_and(|tags| !tags.is_empty()) {
        diagnostics.error_at(
            path.attribute("delete_marker_replication"),
            "Delete markers and tags in one rule",
            format!("S3 does not replicate delete markers by a rule whose filter has tags, because a delete marker has none. Write delete_marker_replication = false for {path}, or filter by prefix only."),
        );
    }
    if rule.replication_time_control == Known(true) && rule.metrics == Known(false) {
        diagnostics.error_at(
            path.attribute("metrics"),
            "Replication time control does not go without metrics",
            "S3 takes replication_time_control = true only together with metrics. Leave `metrics` out, or write replication_time_control = false.",
        );
    }
    let algorithm = side
        .encryption
        .known()
        .and_then(|e| e.sse_algorithm.known());
    let bucket_has_key = algorithm.map(|algorithm| algorithm.starts_with("aws:kms"));
    match &rule.replica_kms_key_arn {
        Attr::Null
            if rule.replicate_encrypted_objects == Known(true) && bucket_has_key == Some(false) =>
        {
            diagnostics.error_at(
                path.attribute("replicate_encrypted_objects"),
                "No key for the replicas",
                "S3 replicates objects under KMS keys only with a key for the replicas, and the destination encrypts with AES256. Write sse_algorithm = \"aws:kms\" in its `encryption`, or name a key for the rule (replica_kms_key_arn in `rules`), or leave `replicate_encrypted_objects` out.",
            );
        }
        Known(_) if rule.replicate_encrypted_objects == Known(false) => {
            diagnostics.error_at(
                path.attribute("replica_kms_key_arn"),
                "A key that no replica uses",
                format!("The rule at {path} does not replicate objects under KMS keys, and S3 takes a key only with these. Write replicate_encrypted_objects = true in the rule, or leave `replica_kms_key_arn` out."),
            );
        }
        Known(arn) => check_key_region(side, path, arn, diagnostics),
        _ => {}
    }
}

fn check_key_region(
    side: &SideModel,
    path: &AttributePath,
    arn: &str,
    diagnostics: &mut Diagnostics,
) {
    if let (Ok(key), Some(Ok(region))) = (
        Arn::parse_key(arn),
        side.region.known().map(|region| Region::parse(region)),
    ) && key.region != region.as_str()
    {
        diagnostics.error_at(
            path.attribute("replica_kms_key_arn"),
            "The key is in another region",
            format!("The destination bucket is in {region} and the key in {}: S3 encrypts replicas only under keys of their bucket's region. Name a key there.", key.region),
        );
    }
}

/// Warns of rules of one destination that stand in each other's way: S3 applies only one of them to an object.
pub(crate) fn warn_overlaps(
    config: &BucketModel,
    model: &BucketModel,
    diagnostics: &mut Diagnostics,
) {
    let rules = rules(model);
    let live: Vec<Live<'_>> = rules
        .iter()
        .filter_map(|rule| Live::of(rule, config))
        .collect();
    for (at, one) in live.iter().enumerate() {
        for two in &live[at + 1..] {
            if one.rule.this != two.rule.this || !one.filter.overlaps(&two.filter) {
                continue;
            }
            let (high, low) = if one.priority > two.priority {
                (one, two)
            } else {
                (two, one)
            };
            let [high_path, low_path] = [high, low].map(|live| &live.rule.path);
            if high.settings == low.settings {
                continue;
            }
            if high.filter.covers(&low.filter) {
                diagnostics.warning_at(
                    low_path.clone(),
                    "A rule that never takes effect",
                    format!("Each object that the rule at {low_path} is about is also one of the rule at {high_path}, which has the higher priority, and S3 applies only that one. Give {low_path} the higher priority, or narrow the filter of the other."),
                );
            } else if !(low.filter.covers(&high.filter) || one.is_ordered && two.is_ordered) {
                diagnostics.warning_at(
                    low_path.clone(),
                    "Two rules for some objects",
                    format!("Some objects can pass the filters of both {low_path} and {high_path}, which say different things. S3 then applies only {high_path}, because its priority is higher. Write `priority` in both to say that this is meant."),
                );
            }
        }
    }
}

/// A rule that replicates, with what decides whether it meets another one.
struct Live<'a> {
    rule: &'a Rule<'a>,
    filter: RuleFilter,
    priority: i64,
    /// Whether the priority is written.
    is_ordered: bool,
    /// What it does with the objects.
    settings: RuleModel,
}

impl<'a> Live<'a> {
    fn of(rule: &'a Rule<'a>, config: &BucketModel) -> Option<Self> {
        let enabled = rule.rule.enabled == Known(true) && rule.side.enabled != Known(false);
        let written = config.side(&rule.this).and_then(|side| match &rule.name {
            None => side.priority.known(),
            Some(name) => side.rules.known()?.get(name)?.known()?.priority.known(),
        });
        enabled.then_some(Self {
            rule,
            filter: filter(&rule.rule.filter).ok()?,
            priority: *rule.rule.priority.known()?,
            is_ordered: written.is_some(),
            settings: RuleModel {
                id: Attr::Null,
                priority: Attr::Null,
                filter: Attr::Null,
                ..rule.rule.clone()
            },
        })
    }
}

/// Warns of keys for replicas that no replica will use.
pub(crate) fn warn_keys(
    source_uses_kms: Option<bool>,
    model: &BucketModel,
    diagnostics: &mut Diagnostics,
) {
    if source_uses_kms != Some(false) {
        return;
    }
    for Rule { path, rule, .. } in rules(model) {
        if rule.replica_kms_key_arn.known().is_some() {
            diagnostics.warning_at(
                path.attribute("replica_kms_key_arn"),
                "Replicas keep the source's kind of encryption",
                format!("The rule at {path} has a KMS key, but the source encrypts with AES256, and replicas keep the source's type of encryption: they will not be under the key. Write sse_algorithm = \"aws:kms\" on the source as well."),
            );
        }
    }
}

/// Whether a destination leaves objects under KMS keys out without having been told to.
pub(crate) fn passes_over_unasked(written: Option<&SideModel>, side: &SideModel) -> bool {
    let told = |rule: Option<&RuleModel>| {
        rule.is_some_and(|rule| !rule.replicate_encrypted_objects.is_null())
    };
    let own = written.map(SideModel::own_rule);
    let rules = written.and_then(|side| side.rules.known());
    let stated = side.stated_rules().unwrap_or_default();
    stated.into_iter().any(|(name, rule)| {
        let written = rules.and_then(|rules| rules.get(&name)?.known());
        let passes = rule.known().map(|rule| &rule.replicate_encrypted_objects);
        passes == Some(&Known(false)) && !told(own.as_ref()) && !told(written)
    })
}

/// One rule of a worked-out model.
struct Rule<'a> {
    this: Side,
    side: &'a SideModel,
    /// Its name, where the destination has `rules`.
    name: Option<String>,
    path: AttributePath,
    rule: RuleModel,
}

fn rules(model: &BucketModel) -> Vec<Rule<'_>> {
    let mut rules = Vec::new();
    for (this, side) in model.sides() {
        if this == Side::Source {
            continue;
        }
        let path = side_path(&this);
        for (name, rule) in side.stated_rules().unwrap_or_default() {
            let Known(mut rule) = rule else { continue };
            if rule.id.is_null() {
                let ids = side.rule_ids.known();
                rule.id = ids
                    .and_then(|ids| ids.get(&name))
                    .cloned()
                    .unwrap_or_default();
            }
            let named = side.rules.known().is_some();
            rules.push(Rule {
                this: this.clone(),
                side,
                path: if named {
                    path.attribute("rules").key(&name)
                } else {
                    path.clone()
                },
                name: named.then_some(name),
                rule,
            });
        }
    }
    rules
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
