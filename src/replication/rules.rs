//! The rules of a replication configuration, and what they need to be granted.

use super::component::Side;
use super::operation::{Input, ReplicationRule};
use super::policy::DestinationGrant;
use super::spec::{BucketSpec, DestinationSpec, RuleSpec, Spec};

/// Every rule of a spec.
pub(super) fn all(spec: &Spec) -> Vec<ReplicationRule> {
    let destinations = spec.destinations.iter();
    destinations
        .flat_map(|(key, destination)| {
            let side = Side::Destination(key.clone());
            let rules = destination.rules.values();
            rules.map(move |rule| rule_to(rule, &side, &destination.bucket))
        })
        .collect()
}

/// What the role needs at a destination: whatever some rule to it needs.
pub(super) fn destination_grant(
    spec: &Spec,
    key: &str,
    destination: &DestinationSpec,
) -> DestinationGrant {
    let side = Side::Destination(key.to_owned());
    let bucket = &destination.bucket;
    let any = |needs: fn(&RuleSpec) -> bool| destination.rules.values().any(needs);
    let mut replica_keys = Vec::new();
    for rule in destination.rules.values() {
        if let Some(replica_key) = replica_key(rule, &side, bucket)
            && !replica_keys.contains(&replica_key)
        {
            replica_keys.push(replica_key);
        }
    }
    DestinationGrant {
        key: key.to_owned(),
        bucket: bucket.name.clone(),
        region: bucket.location.region.clone(),
        replica_keys,
        plain_objects_into_kms: bucket.encryption.key.is_some()
            && spec.source.encryption.key.is_none(),
        bucket_key_enabled: bucket.encryption.bucket_key_enabled
            || spec.source.encryption.bucket_key_enabled,
        delete_markers: any(|rule| rule.delete_marker_replication),
        owner_override: any(|rule| rule.owner_override),
    }
}

/// One rule to a bucket on a side. Always in the second version of the form, which the filter makes it.
fn rule_to(rule: &RuleSpec, side: &Side, bucket: &BucketSpec) -> ReplicationRule {
    let replica_kms_key = replica_key(rule, side, bucket);
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
fn replica_key(rule: &RuleSpec, side: &Side, bucket: &BucketSpec) -> Option<Input<String>> {
    if !rule.replicate_encrypted_objects {
        return None;
    }
    match &rule.replica_kms_key {
        Some(arn) => Some(Input::Known(arn.clone())),
        None => bucket.key(side),
    }
}
