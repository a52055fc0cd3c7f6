//! Buckets of somebody else's: what may be done to them, and their own default encryption.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ground, encryption};
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::{EncryptionModel, SideModel};
use crate::provider::replicated_bucket::values::setting::Get;
use crate::replication::component::Side;

use Attr::{Known, Null, Unknown};

/// What existing buckets show of the values that a configuration leaves open.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Their own default encryption.
    pub encryption: BTreeMap<Side, EncryptionModel>,
    /// Priorities that rules of others have at the source.
    pub taken: BTreeSet<i64>,
    /// Which of them have Object Lock, by name.
    pub locked: BTreeMap<String, bool>,
    /// Sides whose bucket is not there.
    pub missing: BTreeSet<Side>,
}

/// The attributes of a side that say whose its bucket is, and what follows from it.
pub(crate) fn custody(
    this: &Side,
    written: &SideModel,
    previous: &Attr<&SideModel>,
    algorithm: &Attr<String>,
    ground: &Ground<'_>,
    ours: SideModel,
) -> SideModel {
    let existing = written.existing.clone().or(|| Known(false));
    let reachable = match this {
        Side::Source => Null,
        Side::Destination(_) => written.reachable.clone().or(|| Known(true)),
    };
    let side = SideModel {
        enable_versioning: written.enable_versioning.clone().or(|| off(&existing)),
        enable_encryption: match this {
            Side::Source => written.enable_encryption.clone().or(|| off(&existing)),
            Side::Destination(_) => written.enable_encryption.clone(),
        },
        // Where no call is made, nothing is written.
        manage_bucket_policy: written.manage_bucket_policy.clone().or(|| {
            if reachable.is_null() {
                Known(true)
            } else {
                reachable.clone()
            }
        }),
        reachable,
        existing,
        ..ours
    };
    match side.existing {
        Known(true) => SideModel {
            force_destroy: written.force_destroy.clone(),
            public_access_block: written.public_access_block.clone(),
            object_ownership: written.object_ownership.clone(),
            object_lock: written.object_lock.clone(),
            encryption: own_encryption(this, written, previous, algorithm, ground),
            lifecycle_rules: written.lifecycle_rules.clone(),
            lifecycle_transition_default_minimum_object_size: written
                .lifecycle_transition_default_minimum_object_size
                .clone(),
            require_tls: written.require_tls.clone(),
            exclusive_policy: written.exclusive_policy.clone(),
            ..side
        },
        Unknown => SideModel {
            force_destroy: if_ours(&written.force_destroy, &side.force_destroy),
            public_access_block: if_ours(&written.public_access_block, &side.public_access_block),
            object_ownership: if_ours(&written.object_ownership, &side.object_ownership),
            object_lock: if_ours(&written.object_lock, &side.object_lock),
            encryption: match (&side.encryption, &written.encryption) {
                (Known(ours), Known(_)) => {
                    let own = own_encryption(this, written, previous, algorithm, ground);
                    own.map(|own| agreed(ours, own))
                }
                _ => Unknown,
            },
            lifecycle_rules: if_ours(&written.lifecycle_rules, &side.lifecycle_rules),
            lifecycle_transition_default_minimum_object_size: if_ours(
                &written.lifecycle_transition_default_minimum_object_size,
                &side.lifecycle_transition_default_minimum_object_size,
            ),
            require_tls: if_ours(&written.require_tls, &side.require_tls),
            exclusive_policy: if_ours(&written.exclusive_policy, &side.exclusive_policy),
            ..side
        },
        _ => side,
    }
}

/// A switch that only a bucket of somebody else's has. A bucket of ours always has versioning and its encryption, and
/// `false` would say that it had not.
fn off(existing: &Attr<bool>) -> Attr<bool> {
    match existing {
        Known(true) => Known(false),
        Unknown => Unknown,
        Known(false) | Null => Null,
    }
}

/// What a setting comes to while nobody knows whose the bucket is. One that is written is that of a bucket of ours,
/// because beside somebody else's it is refused.
fn if_ours<T: Clone>(written: &Attr<T>, ours: &Attr<T>) -> Attr<T> {
    match written {
        Known(_) => ours.clone(),
        Null | Unknown => Unknown,
    }
}

/// What an encryption comes to whoever owns the bucket.
fn agreed(ours: &EncryptionModel, own: EncryptionModel) -> EncryptionModel {
    fn either<T: PartialEq>(ours: &Attr<T>, own: Attr<T>) -> Attr<T> {
        if *ours == own { own } else { Unknown }
    }
    EncryptionModel {
        sse_algorithm: either(&ours.sse_algorithm, own.sse_algorithm),
        kms_key_arn: either(&ours.kms_key_arn, own.kms_key_arn),
        bucket_key_enabled: either(&ours.bucket_key_enabled, own.bucket_key_enabled),
        key: either(&ours.key, own.key),
        blocked_encryption_types: either(
            &ours.blocked_encryption_types,
            own.blocked_encryption_types,
        ),
        additional_kms_key_arns: either(&ours.additional_kms_key_arns, own.additional_kms_key_arns),
    }
}

/// What is written; else what the bucket has. State tells that only where it was not written before either.
fn own_encryption(
    this: &Side,
    written: &SideModel,
    previous: &Attr<&SideModel>,
    algorithm: &Attr<String>,
    ground: &Ground<'_>,
) -> Attr<EncryptionModel> {
    let bucket = &written.bucket;
    let spelled = ground.at(this).get(|before| &before.encryption);
    let worked_out = |written: &EncryptionModel| {
        Known(encryption::encryption(
            written, &Null, &spelled, bucket, algorithm,
        ))
    };
    match (&written.encryption, &written.reachable) {
        (Unknown, _) => return Unknown,
        (Known(encryption), _) => return worked_out(encryption),
        (Null, Known(false)) => {
            // Nobody told a key.
            return worked_out(&EncryptionModel {
                sse_algorithm: Known("AES256".to_owned()),
                ..EncryptionModel::default()
            });
        }
        (Null, Unknown) => return Unknown,
        (Null, _) => {}
    }
    let in_state = bucket
        .known()
        .is_some_and(|bucket| ground.own_encryption.contains(bucket));
    let before = previous.get(|p| &p.encryption);
    match (before, previous) {
        (Known(before), _) if in_state => Known(before.clone()),
        (Known(before), Known(previous)) if previous.existing == Known(false) => {
            Known(left(before, previous))
        }
        _ => ground
            .found
            .and_then(|found| found.encryption.get(this))
            .map_or(Unknown, |found| Known(found.clone())),
    }
}

/// The default encryption of a bucket that was ours until now, and keeps it.
fn left(before: &EncryptionModel, previous: &SideModel) -> EncryptionModel {
    let key = before.kms_key_arn.clone();
    EncryptionModel {
        sse_algorithm: before.sse_algorithm.clone(),
        kms_key_arn: key.or(|| previous.kms_key_arn.clone()),
        bucket_key_enabled: before.bucket_key_enabled.clone(),
        ..EncryptionModel::default()
    }
}
