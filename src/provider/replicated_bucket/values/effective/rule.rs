//! Rules of a destination: what each says, what it takes from its destination, what follows.

use std::collections::BTreeMap;

use crate::framework::model::{Attr, TextMap};
use crate::provider::replicated_bucket::model::{BucketModel, FilterModel, RuleModel, SideModel};
use crate::provider::replicated_bucket::values::setting::{Get, setting};
use crate::replication::names::{self, DEFAULT_RULE};

use Attr::{Known, Null, Unknown};

/// Fills what concerns rules into `side`, whose other settings are worked out already.
pub(crate) fn rules(
    side: &mut SideModel,
    written: &SideModel,
    previous: &Attr<&SideModel>,
    kept: &Attr<&SideModel>,
    source_account: &Attr<String>,
) {
    let defaults = Defaults::of(side, source_account);
    let priority = |stated: &Attr<i64>, name: &str| {
        let stored = of_name(previous, name);
        setting(stated, stored.as_ref().get(|rule| &rule.priority), || Null)
    };
    side.rules = written_rules(written, kept);
    match side.rules.clone() {
        Null => {
            let nothing = RuleModel::default();
            let kept = of_name(kept, DEFAULT_RULE);
            let mut rule = rule(&written.own_rule(), &nothing, &kept, &defaults);
            rule.priority = priority(&written.priority, DEFAULT_RULE);
            side.set_own_rule(rule);
        }
        Known(rules) => {
            side.set_own_rule(written.own_rule());
            side.enabled = setting(&written.enabled, kept.get(|k| &k.enabled), || Known(true));
            let rules = rules.into_iter().map(|(name, stated)| {
                let value = stated.map(|stated| {
                    let kept = of_name(kept, &name);
                    let mut rule = rule(&stated, &written.own_rule(), &kept, &defaults);
                    rule.priority = priority(&stated.priority, &name);
                    rule
                });
                (name, value)
            });
            side.rules = Known(rules.collect());
        }
        Unknown => {
            // Only apply will tell whether these are its rule's settings or what its rules inherit.
            let unknown = RuleModel {
                enabled: Unknown,
                filter: Unknown,
                storage_class: Unknown,
                delete_marker_replication: Unknown,
                replica_modification_sync: Unknown,
                replication_time_control: Unknown,
                metrics: Unknown,
                owner_override: Unknown,
                replicate_encrypted_objects: Unknown,
                ..RuleModel::default()
            };
            side.set_own_rule(layered(&written.own_rule(), &unknown));
            side.priority = written.priority.clone().or(|| Unknown);
        }
    }
}

/// IDs of a destination's rules: written ones, then those that state has for this bucket, then our own. One of ours
/// names the destination's key, and changes with it; one that somebody else gave stays. Gives every rule of `rules` its
/// ID as well.
pub(crate) fn name(
    side: &mut SideModel,
    key: &str,
    prior: Option<&BucketModel>,
    previous: &Attr<&SideModel>,
) {
    let under_key = prior.and_then(|p| p.destinations.known()?.get(key)?.known());
    let stored = |name: &str| match previous {
        Unknown => Unknown,
        Null => Null,
        Known(previous) => {
            let same_key = under_key.is_some_and(|side| side.bucket == previous.bucket);
            let stays = |id: &String| same_key || names::named_by_rule_id(id).is_none();
            match previous.rule_ids.known().and_then(|ids| ids.get(name)) {
                Some(Known(id)) if stays(id) => Known(id),
                Some(Unknown) => Unknown,
                _ => Null,
            }
        }
    };
    let id = |name: &str, written: &Attr<String>| {
        setting(written, stored(name), || Known(names::rule_id(key, name)))
    };
    let mut ids = TextMap::new();
    match &mut side.rules {
        Null => {
            ids.insert(DEFAULT_RULE.to_owned(), id(DEFAULT_RULE, &Null));
        }
        Known(rules) => {
            for (name, rule) in rules {
                if let Known(rule) = rule {
                    rule.id = id(name, &rule.id);
                }
                let of_rule = rule.as_ref().get(|rule| &rule.id).map(Clone::clone);
                ids.insert(name.clone(), of_rule);
            }
        }
        Unknown => {
            side.rule_ids = Unknown;
            return;
        }
    }
    side.rule_ids = Known(ids);
}

/// The rules as written; where none are, those that an import found, unless a priority says that there is one rule.
fn written_rules(
    written: &SideModel,
    kept: &Attr<&SideModel>,
) -> Attr<BTreeMap<String, Attr<RuleModel>>> {
    let kept = if written.priority.is_null() {
        kept.get(|kept| &kept.rules)
    } else {
        Null
    };
    setting(&written.rules, kept, || Null)
}

/// What follows from the two buckets.
struct Defaults {
    /// Whether the destination bucket has a key.
    has_key: Attr<bool>,
    owner_override: Attr<bool>,
    /// Whether it replicates back: then both sides are to show the same.
    two_way: Attr<bool>,
}

impl Defaults {
    fn of(side: &SideModel, source_account: &Attr<String>) -> Self {
        let algorithm = side.encryption.as_ref().get(|e| &e.sse_algorithm);
        let enforced = side
            .object_ownership
            .as_ref()
            .map(|o| o == "BucketOwnerEnforced");
        let owner_override = match (&side.account_id, source_account, enforced) {
            (_, _, Known(true)) => Known(false),
            (Known(here), Known(there), Known(false) | Null) => Known(here != there),
            _ => Unknown,
        };
        Self {
            has_key: algorithm.map(|algorithm| algorithm.starts_with("aws:kms")),
            owner_override,
            two_way: side.two_way.clone(),
        }
    }
}

/// Whether delete markers replicate where nobody says so: two-way, as far as S3 takes it, which is without tags.
fn both_ways(filter: &Attr<FilterModel>, two_way: &Attr<bool>) -> Attr<bool> {
    let has_tags = filter.as_ref().get(|filter| &filter.tags);
    match (has_tags.map(|tags| !tags.is_empty()), two_way) {
        (Known(true), _) | (_, Known(false)) => Known(false),
        (Unknown, _) => Unknown,
        (_, two_way) => two_way.clone(),
    }
}

fn rule(
    written: &RuleModel,
    inherited: &RuleModel,
    kept: &Attr<RuleModel>,
    defaults: &Defaults,
) -> RuleModel {
    let stated = layered(written, inherited);
    let kept = kept.as_ref();
    let switch = |stated: &Attr<bool>, kept: Attr<&bool>, default: Attr<bool>| {
        setting(stated, kept, || default)
    };
    let off = || Known(false);
    let replication_time_control = switch(
        &stated.replication_time_control,
        kept.get(|k| &k.replication_time_control),
        off(),
    );
    // It is not computed: what is planned for it is what is written, also where an import has found something.
    let replica_kms_key_arn = stated.replica_kms_key_arn.clone();
    let has_key = match (&replica_kms_key_arn, &defaults.has_key) {
        (Known(_), _) => Known(true),
        (Unknown, Known(false)) => Unknown,
        (_, has_key) => has_key.clone(),
    };
    let filter = setting(&stated.filter, kept.get(|k| &k.filter), || Null);
    let markers = both_ways(&filter, &defaults.two_way);
    RuleModel {
        id: stated.id,
        enabled: switch(&stated.enabled, kept.get(|k| &k.enabled), Known(true)),
        priority: stated.priority,
        filter,
        storage_class: setting(
            &stated.storage_class,
            kept.get(|k| &k.storage_class),
            || Null,
        ),
        delete_marker_replication: switch(
            &stated.delete_marker_replication,
            kept.get(|k| &k.delete_marker_replication),
            markers,
        ),
        replica_modification_sync: switch(
            &stated.replica_modification_sync,
            kept.get(|k| &k.replica_modification_sync),
            defaults.two_way.clone(),
        ),
        // Replication time control does not go without.
        metrics: match &replication_time_control {
            Known(false) => switch(&stated.metrics, kept.get(|k| &k.metrics), off()),
            other => stated.metrics.clone().or(|| other.clone()),
        },
        replication_time_control,
        owner_override: switch(
            &stated.owner_override,
            kept.get(|k| &k.owner_override),
            defaults.owner_override.clone(),
        ),
        // Without a key there is no choice.
        replicate_encrypted_objects: match &has_key {
            Known(true) => switch(
                &stated.replicate_encrypted_objects,
                kept.get(|k| &k.replicate_encrypted_objects),
                has_key.clone(),
            ),
            other => stated
                .replicate_encrypted_objects
                .clone()
                .or(|| other.clone()),
        },
        replica_kms_key_arn,
    }
}

/// What is written in the rule, then what is written around it; a priority is the rule's own.
fn layered(rule: &RuleModel, around: &RuleModel) -> RuleModel {
    fn or<T: Clone>(rule: &Attr<T>, around: &Attr<T>) -> Attr<T> {
        rule.clone().or(|| around.clone())
    }
    RuleModel {
        id: rule.id.clone(),
        enabled: or(&rule.enabled, &around.enabled),
        priority: rule.priority.clone(),
        filter: or(&rule.filter, &around.filter),
        storage_class: or(&rule.storage_class, &around.storage_class),
        delete_marker_replication: or(
            &rule.delete_marker_replication,
            &around.delete_marker_replication,
        ),
        replica_modification_sync: or(
            &rule.replica_modification_sync,
            &around.replica_modification_sync,
        ),
        replication_time_control: or(
            &rule.replication_time_control,
            &around.replication_time_control,
        ),
        metrics: or(&rule.metrics, &around.metrics),
        owner_override: or(&rule.owner_override, &around.owner_override),
        replicate_encrypted_objects: or(
            &rule.replicate_encrypted_objects,
            &around.replicate_encrypted_objects,
        ),
        replica_kms_key_arn: or(&rule.replica_kms_key_arn, &around.replica_kms_key_arn),
    }
}

/// A side's rule of a name; null where it has none.
fn of_name(side: &Attr<&SideModel>, name: &str) -> Attr<RuleModel> {
    match side {
        Null => Null,
        Unknown => Unknown,
        Known(side) => match side.stated_rules() {
            Some(mut rules) => rules.remove(name).unwrap_or_default(),
            None => Unknown,
        },
    }
}
