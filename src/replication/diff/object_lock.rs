//! Object Lock: put on where it is missing, and its default retention as it is wanted. It never comes off.

use crate::replication::observed::ObservedBucket;
use crate::replication::operation::{ObjectLock, Operation};

/// The write that brings a bucket's Object Lock to what is wanted.
pub(super) fn object_lock_repair(
    bucket: &str,
    wanted: Option<&ObjectLock>,
    seen: &ObservedBucket,
) -> Option<Operation> {
    let wanted = wanted?;
    let missing = seen.region.present().is_none();
    // The creating call has locked it already, without a default retention.
    let made = ObjectLock::default();
    let there = if missing {
        Some(&made)
    } else {
        seen.object_lock.present()
    };
    (there != Some(wanted)).then(|| Operation::PutObjectLockConfiguration {
        bucket: bucket.to_owned(),
        object_lock: wanted.clone(),
    })
}
