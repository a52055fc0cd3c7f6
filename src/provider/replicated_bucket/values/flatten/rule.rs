//! The rules of a destination, as S3 has them.

use crate::framework::model::{Attr, known_entries, text_map};
use crate::provider::replicated_bucket::model::{FilterModel, RuleModel, SideModel};
use crate::provider::replicated_bucket::values::expand::filter;
use crate::replication::ids::Arn;
use crate::replication::names::DEFAULT_RULE;
use crate::replication::operation::{Input, ReplicationRule, RuleFilter};

use Attr::{Known, Null};

/// What was seen of a destination's rules, over the state. `bucket_key` is the key that the state's rules use where
/// they name none. A rule that is gone keeps its attributes.
pub(crate) fn flatten_rules(
    side: &mut SideModel,
    bucket_key: Option<&String>,
    seen: &[ReplicationRule],
) {
    let ids = known_entries(&side.rule_ids);
    let find = |name: &str| seen.iter().find(|rule| ids.get(name) == Some(&rule.id));
    let paused = side.enabled == Known(false);
    let Known(rules) = &mut side.rules else {
        if let Some(seen) = find(DEFAULT_RULE) {
            side.set_own_rule(seen_over(&side.own_rule(), seen, bucket_key));
        }
        return;
    };
    for (name, rule) in rules {
        if let (Some(seen), Known(stated)) = (find(name), &*rule) {
            let mut now = seen_over(stated, seen, bucket_key);
            if paused && !seen.enabled {
                // It is its destination that pauses it.
                now.enabled = stated.enabled.clone();
            }
            *rule = Known(now);
        }
    }
}

/// A rule as an import finds it, with a prefix that is there and empty: somebody may have written it so.
pub fn found_rule(seen: &ReplicationRule, bucket_key: Option<&String>) -> RuleModel {
    let mut found = seen_over(&RuleModel::default(), seen, bucket_key);
    let prefix = seen
        .filter
        .as_ref()
        .and_then(|filter| filter.prefix.clone());
    if let (Null, Some(prefix)) = (&found.filter, prefix) {
        found.filter = Known(FilterModel {
            prefix: Known(prefix),
            tags: Null,
        });
    }
    found
}

fn seen_over(stated: &RuleModel, seen: &ReplicationRule, bucket_key: Option<&String>) -> RuleModel {
    let encrypted = seen.sse_kms_encrypted_objects == Some(true);
    let replica_key = seen.replica_kms_key.as_ref().and_then(Input::known);
    RuleModel {
        id: Known(seen.id.clone()),
        enabled: Known(seen.enabled),
        // A number that nobody wrote is remembered here only, so another one shows at the component.
        priority: stated
            .priority
            .clone()
            .or(|| Known(i64::from(seen.priority.unwrap_or(0)))),
        filter: flatten_filter(&stated.filter, seen),
        storage_class: Attr::from_option(seen.storage_class.clone()),
        delete_marker_replication: Known(seen.delete_marker_replication.unwrap_or(true)),
        replica_modification_sync: Known(seen.replica_modifications == Some(true)),
        replication_time_control: Known(seen.replication_time.is_some_and(|(on, _)| on)),
        metrics: Known(seen.metrics.is_some_and(|(on, _)| on)),
        owner_override: Known(seen.owner_override),
        replicate_encrypted_objects: Known(encrypted),
        // An alias is no ARN of a key and grants nothing; it shows at the component, and an apply writes the ARN.
        replica_kms_key_arn: if !encrypted
            || replica_key == stated.replica_kms_key_arn.known()
            || replica_key.is_some_and(|key| Arn::parse_key(key).is_err())
        {
            stated.replica_kms_key_arn.clone()
        } else {
            Attr::from_option(replica_key.filter(|key| Some(*key) != bucket_key).cloned())
        },
    }
}

/// The user's spelling where it means the same.
fn flatten_filter(stated: &Attr<FilterModel>, seen: &ReplicationRule) -> Attr<FilterModel> {
    let seen = match (&seen.filter, &seen.v1_prefix) {
        (Some(filter), _) => filter.clone(),
        (None, prefix) => RuleFilter {
            prefix: prefix.clone(),
            ..RuleFilter::default()
        },
    };
    if filter(stated).is_ok_and(|stated| stated.same(&seen)) {
        return stated.clone();
    }
    if seen.is_whole_bucket() {
        return Null;
    }
    Known(FilterModel {
        prefix: Attr::from_option(seen.prefix),
        tags: if seen.tags.is_empty() {
            Null
        } else {
            Known(text_map(seen.tags))
        },
    })
}
