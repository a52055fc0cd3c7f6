//! Buckets and their settings.

use std::collections::BTreeSet;

use super::lifecycle::lifecycle_repair;
use super::object_lock::object_lock_repair;
use super::tags::{tag_difference, without_mark};
use super::{Difference, Found, MARKED, Shows, key};
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::desired::{
    DesiredBucket, DesiredCustody, DesiredExisting, DesiredSettings,
};
use crate::replication::graph::Action;
use crate::replication::observed::{ObservedBucket, Presence};
use crate::replication::operation::{BucketEncryption, Operation};

/// Everything but grants and rules of one bucket and its keys.
pub fn bucket_differences(
    side: &Side,
    desired: &DesiredBucket,
    seen: &ObservedBucket,
) -> Vec<Difference> {
    let component = ComponentId::Of(side.clone(), Part::Bucket);
    let mut found = Found::new(component, &desired.location);
    match &desired.custody {
        DesiredCustody::Ours(settings) => {
            let has_own_key = desired.key.is_some();
            ours(&mut found, &desired.name, settings, has_own_key, seen);
        }
        DesiredCustody::Existing(existing) if existing.reachable => {
            theirs(&mut found, &desired.name, existing, seen);
        }
        DesiredCustody::Existing(_) => return Vec::new(),
    }
    let mut all = found.list;
    let at = &desired.location;
    for retired in seen.retired_keys.values().filter_map(Presence::present) {
        // Objects of old are under it, so it has to work as long as the bucket lives.
        let component = ComponentId::retired_key(side, &retired.description.arn);
        let shows = Shows::Component;
        all.extend(key::state_differences(component, at, retired, shows));
    }
    if let Some(key) = &desired.key {
        all.extend(key::key_differences(side, at, key, seen));
    }
    all
}

/// A bucket of ours is made where it is missing, and every setting of it counts.
fn ours(
    found: &mut Found,
    name: &str,
    desired: &DesiredSettings,
    has_own_key: bool,
    seen: &ObservedBucket,
) {
    let bucket = name.to_owned();
    let missing = seen.region.present().is_none();
    if missing {
        found.component(
            "missing",
            Operation::CreateBucket {
                bucket: bucket.clone(),
                object_ownership: desired.object_ownership.clone(),
                object_lock: desired.object_lock.is_some(),
                tags: desired.tags.clone(),
            },
        );
    } else {
        if seen.object_ownership.present() != Some(&desired.object_ownership) {
            found.attribute(
                "object ownership",
                Operation::PutBucketOwnershipControls {
                    bucket: bucket.clone(),
                    object_ownership: desired.object_ownership.clone(),
                },
            );
        }
        if let Some((shows, change)) =
            tag_difference(&desired.tags, &desired.ignored_tags, &seen.tags)
        {
            let bucket = bucket.clone();
            let repair = Action::EditBucketTags { bucket, change };
            found.add("tags differ", shows, repair);
        }
        if let Some(change) = without_mark(&desired.tags, &desired.ignored_tags, &seen.tags) {
            let bucket = bucket.clone();
            let repair = Action::EditBucketTags { bucket, change };
            found.add(MARKED, Shows::Component, repair);
        }
    }
    // A bucket that is made with a lock is versioned from the beginning.
    let made_versioned = missing && desired.object_lock.is_some();
    if let Some(what) = versioning_off(seen).filter(|_| !made_versioned) {
        let operation = Operation::EnableBucketVersioning {
            bucket: bucket.clone(),
        };
        // Of a bucket that is missing nothing more needs to be said.
        let shows = if missing {
            Shows::Nowhere
        } else {
            Shows::Component
        };
        found.add(what, shows, Action::Call(operation));
    }
    if seen.public_access_block.present() != Some(&desired.public_access_block) {
        found.attribute(
            "public access block",
            Operation::PutPublicAccessBlock {
                bucket: bucket.clone(),
                block: desired.public_access_block,
            },
        );
    }
    encryption(
        found,
        bucket.clone(),
        &desired.encryption,
        has_own_key,
        seen,
    );
    if let Some(operation) = object_lock_repair(&bucket, desired.object_lock.as_ref(), seen) {
        found.attribute("Object Lock", operation);
    }
    if let Some(operation) = lifecycle_repair(&bucket, &desired.lifecycle, &seen.lifecycle) {
        found.attribute("lifecycle rules", operation);
    }
}

/// Of somebody else's bucket only what we were told to write counts. What may not be mended is no difference here
/// but a [`Lack`](crate::replication::existing::Lack).
fn theirs(found: &mut Found, name: &str, desired: &DesiredExisting, seen: &ObservedBucket) {
    if seen.region.present().is_none() {
        return;
    }
    if desired.enable_versioning
        && let Some(what) = versioning_off(seen)
    {
        let operation = Operation::EnableBucketVersioning {
            bucket: name.to_owned(),
        };
        found.component(what, operation);
    }
    if let Some(wanted) = &desired.encryption {
        encryption(found, name.to_owned(), wanted, false, seen);
    }
}

fn encryption(
    found: &mut Found,
    bucket: String,
    wanted: &BucketEncryption,
    has_own_key: bool,
    seen: &ObservedBucket,
) {
    let Some(encryption) = encryption_difference(wanted, seen) else {
        return;
    };
    let operation = Operation::PutBucketEncryption { bucket, encryption };
    let there = seen.encryption.present();
    let without_key = there
        .is_some_and(|seen| seen.kms_key.is_none() && seen.sse_algorithm == wanted.sse_algorithm);
    if has_own_key && without_key {
        // No attribute names our own key: the one that says which key stands in its place is null here as well.
        found.component("default encryption under AWS's own key", operation);
    } else {
        found.attribute("default encryption", operation);
    }
}

/// How versioning is not on, in words.
pub(in crate::replication) fn versioning_off(seen: &ObservedBucket) -> Option<&'static str> {
    match seen.versioning.present().map(String::as_str) {
        Some("Enabled") => None,
        Some(_) => Some("versioning suspended"),
        None => Some("versioning off"),
    }
}

fn encryption_difference(
    wanted: &BucketEncryption,
    seen: &ObservedBucket,
) -> Option<BucketEncryption> {
    let fresh = BucketEncryption {
        // Since January 2023 every new bucket encrypts with SSE-S3.
        sse_algorithm: "AES256".to_owned(),
        kms_key: None,
        bucket_key_enabled: false,
        blocked_encryption_types: Vec::new(),
    };
    let found = seen.encryption.present();
    let key_in_use = seen.key_in_use();
    let seen = found.unwrap_or(&fresh);
    let left_alone = wanted.blocked_encryption_types.is_empty();
    // What a new bucket blocks is AWS's choice.
    let same_blocks = left_alone || (found.is_some() && blocked(seen) == blocked(wanted));
    let same = seen.sse_algorithm == wanted.sse_algorithm
        && key_in_use == wanted.kms_key
        && seen.bucket_key_enabled == wanted.bucket_key_enabled
        && same_blocks;
    (!same).then(|| BucketEncryption {
        // A write that leaves out what is not ours to set would reset it.
        blocked_encryption_types: if left_alone {
            seen.blocked_encryption_types.clone()
        } else {
            wanted.blocked_encryption_types.clone()
        },
        ..wanted.clone()
    })
}

/// What is blocked; `NONE` says nothing else than an empty list.
fn blocked(encryption: &BucketEncryption) -> BTreeSet<&str> {
    let types = encryption.blocked_encryption_types.iter();
    types
        .map(String::as_str)
        .filter(|kind| *kind != "NONE")
        .collect()
}
