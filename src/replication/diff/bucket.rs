//! Buckets and their settings.

use super::key;
use super::tags::tag_difference;
use super::{Difference, Found};
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::desired::DesiredBucket;
use crate::replication::graph::Action;
use crate::replication::observed::{ObservedBucket, Presence};
use crate::replication::operation::{BucketEncryption, Operation};

/// Everything but grants and rules of one bucket and its keys.
pub fn bucket_differences(
    side: &Side,
    desired: &DesiredBucket,
    seen: &ObservedBucket,
) -> Vec<Difference> {
    let bucket = desired.name.clone();
    let mut found = Found::new(
        ComponentId::Of(side.clone(), Part::Bucket),
        &desired.location,
    );
    let missing = seen.region.present().is_none();
    if missing {
        found.component(
            "missing",
            Operation::CreateBucket {
                bucket: bucket.clone(),
                object_ownership: desired.object_ownership.clone(),
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
        if let Some((shows, tags)) = tag_difference(&desired.tags, &seen.tags) {
            let operation = Operation::PutBucketTagging {
                bucket: bucket.clone(),
                tags,
            };
            found.add("tags differ", shows, Action::Call(operation));
        }
    }
    match seen.versioning.present().map(String::as_str) {
        Some("Enabled") => {}
        state => {
            let what = if state.is_some() {
                "versioning suspended"
            } else {
                "versioning off"
            };
            found.component(
                what,
                Operation::EnableBucketVersioning {
                    bucket: bucket.clone(),
                },
            );
        }
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
    if let Some(encryption) = encryption_difference(desired, seen, missing) {
        found.attribute(
            "default encryption",
            Operation::PutBucketEncryption { bucket, encryption },
        );
    }
    let mut all = found.list;
    let at = &desired.location;
    for retired in seen.retired_keys.values().filter_map(Presence::present) {
        // Objects of old are under it, so it has to work as long as the bucket lives.
        all.extend(key::state_differences(side, at, retired));
    }
    if let Some(key) = &desired.key {
        all.extend(key::key_differences(side, at, key, seen));
    }
    all
}

fn encryption_difference(
    desired: &DesiredBucket,
    seen: &ObservedBucket,
    missing: bool,
) -> Option<BucketEncryption> {
    let fresh = BucketEncryption {
        // Since January 2023 every new bucket encrypts with SSE-S3.
        sse_algorithm: "AES256".to_owned(),
        kms_key: None,
        bucket_key_enabled: false,
        blocked_encryption_types: Vec::new(),
    };
    let seen = if missing {
        &fresh
    } else {
        seen.encryption.present().unwrap_or(&fresh)
    };
    let wanted = &desired.encryption;
    let same = seen.sse_algorithm == wanted.sse_algorithm
        && seen.kms_key == wanted.kms_key
        && seen.bucket_key_enabled == wanted.bucket_key_enabled;
    (!same).then(|| BucketEncryption {
        // Not ours to set: a write that leaves it out would reset it.
        blocked_encryption_types: seen.blocked_encryption_types.clone(),
        ..wanted.clone()
    })
}
