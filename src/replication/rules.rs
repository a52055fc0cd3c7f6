//! The rules of a replication configuration, and what they need to be granted.

use std::collections::BTreeSet;

use super::direction::{Arrival, Direction};
use super::operation::{Input, ReplicationRule};
use super::policy::DestinationGrant;
use super::rules_share::RulesShare;
use super::spec::RuleSpec;

/// Every rule of a direction.
pub(super) fn rules(direction: &Direction<'_>) -> Vec<ReplicationRule> {
    let arrivals = direction.to.iter();
    arrivals
        .flat_map(|to| to.rules.iter().map(|rule| rule_to(rule, to)))
        .collect()
}

/// What the role needs at a destination: whatever some rule to it needs.
pub(super) fn destination_grant(direction: &Direction<'_>, to: &Arrival<'_>) -> DestinationGrant {
    let (from, bucket) = (direction.bucket, to.bucket);
    let any = |needs: fn(&RuleSpec) -> bool| to.rules.iter().any(needs);
    let mut replica_keys = Vec::new();
    for rule in &to.rules {
        if let Some(replica_key) = replica_key(rule, to)
            && !replica_keys.contains(&replica_key)
        {
            replica_keys.push(replica_key);
        }
    }
    DestinationGrant {
        key: to.key.clone(),
        bucket: bucket.name.clone(),
        region: bucket.location.region.clone(),
        replica_keys,
        plain_object_keys: match &from.encryption.key {
            None => bucket.key(&to.side).into_iter().collect(),
            Some(_) => Vec::new(),
        },
        bucket_key_enabled: bucket.encryption.bucket_key_enabled
            || from.encryption.bucket_key_enabled,
        delete_markers: any(|rule| rule.delete_marker_replication),
        owner_override: any(|rule| rule.owner_override),
    }
}

/// One rule. Always in the second version of the form, which the filter makes it.
fn rule_to(rule: &RuleSpec, to: &Arrival<'_>) -> ReplicationRule {
    let bucket = to.bucket;
    let replica_kms_key = replica_key(rule, to);
    ReplicationRule {
        id: rule.id.clone(),
        priority: Some(rule.priority),
        enabled: rule.enabled,
        filter: Some(rule.filter.clone()),
        v1_prefix: None,
        delete_marker_replication: Some(rule.delete_marker_replication),
        // S3 takes the replica key and the criterion only together.
        sse_kms_encrypted_objects: replica_kms_key.as_ref().map(|_| true),
        replica_modifications: rule.replica_modification_sync.then_some(true),
        bucket_arn: bucket.arn(),
        account: Some(bucket.location.account.to_string()),
        storage_class: rule.storage_class.clone(),
        owner_override: rule.owner_override,
        replica_kms_key,
        replication_time: rule
            .replication_time_control
            .then_some((true, REPLICATION_TIME_MINUTES)),
        // S3 takes the threshold with replication time control, and only then.
        metrics: rule.metrics.then_some((
            true,
            rule.replication_time_control
                .then_some(REPLICATION_TIME_MINUTES),
        )),
    }
}

/// The only time that S3 offers.
const REPLICATION_TIME_MINUTES: i32 = 15;

/// The key for replicas of objects under KMS keys, where the rule replicates these.
pub(super) fn replica_key(rule: &RuleSpec, to: &Arrival<'_>) -> Option<Input<String>> {
    if !rule.replicate_encrypted_objects {
        return None;
    }
    match &rule.replica_kms_key {
        Some(arn) => Some(Input::Known(arn.clone())),
        None => to.bucket.key(&to.side),
    }
}

/// A direction's rules in the replication configuration of its bucket. `before` is the direction as it was wanted
/// until now.
pub fn rules_share(direction: &Direction<'_>, before: Option<&Direction<'_>>) -> RulesShare {
    let mut ids = before.map(rule_ids).unwrap_or_default();
    ids.extend(direction.bucket.leftovers.rules.iter().cloned());
    RulesShare {
        role: direction.role_arn().to_string(),
        rules: rules(direction),
        before: ids,
        is_new: before.is_none(),
    }
}

/// IDs of the rules that a direction has, and may still have.
pub(super) fn rule_ids(direction: &Direction<'_>) -> BTreeSet<String> {
    let wanted = rules(direction).into_iter().map(|rule| rule.id);
    wanted
        .chain(direction.bucket.leftovers.rules.iter().cloned())
        .collect()
}
