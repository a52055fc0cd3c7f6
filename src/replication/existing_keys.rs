//! Keys of somebody else's whose policies our statements are merged into.
//!
//! Several buckets of a region may be encrypted under one key, so a key's policy is edited as one document that
//! holds what every side needs.

use std::collections::BTreeMap;

use super::component::Side;
use super::grants::key_statements;
use super::ids::Location;
use super::policy::PolicyShare;
use super::spec::{ExistingKey, KeyChoice, Spec};

/// Our share in the policy of somebody else's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedKey {
    /// The first side that uses the key; what differs is told there.
    pub side: Side,
    /// Where its policy is read and written.
    pub location: Location,
    /// What we want in its policy.
    pub policy: PolicyShare,
}

/// The keys whose policies are ours to complete, by their ARN.
pub fn managed_keys(spec: &Spec) -> BTreeMap<String, ManagedKey> {
    let mut keys: BTreeMap<String, ManagedKey> = BTreeMap::new();
    for (side, bucket) in spec.buckets() {
        let Some(KeyChoice::Existing(ExistingKey {
            arn,
            location: Some(location),
            manage_policy: true,
        })) = &bucket.encryption.key
        else {
            continue;
        };
        let key = keys.entry(arn.clone()).or_insert_with(|| ManagedKey {
            side: side.clone(),
            location: location.clone(),
            policy: PolicyShare::nothing_of(&spec.owner()),
        });
        key.policy.ours.extend(key_statements(spec, &side));
    }
    keys
}

/// The same with those that were to be given up and may not have been.
pub fn keys_with_statements(spec: &Spec) -> BTreeMap<String, ManagedKey> {
    let mut keys = managed_keys(spec);
    for (arn, location) in &spec.keys_left {
        keys.entry(arn.clone()).or_insert_with(|| ManagedKey {
            side: Side::Source,
            location: location.clone(),
            policy: PolicyShare::nothing_of(&spec.owner()),
        });
    }
    keys
}

/// Keys whose policies were ours to complete and are not any more: our statements leave them.
pub fn keys_given_up(spec: &Spec, prior: &Spec) -> BTreeMap<String, ManagedKey> {
    let now = managed_keys(spec);
    let mut before = keys_with_statements(prior);
    before.retain(|arn, _| !now.contains_key(arn));
    for key in before.values_mut() {
        key.policy.ours.clear();
    }
    before
}
