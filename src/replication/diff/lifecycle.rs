//! Lifecycle rules: the whole configuration is ours, so a rule that somebody added goes.

use crate::replication::observed::Presence;
use crate::replication::operation::{LifecycleConfiguration, Operation};

/// The write that brings a bucket's lifecycle rules to what is wanted.
pub(super) fn lifecycle_repair(
    bucket: &str,
    wanted: &LifecycleConfiguration,
    seen: &Presence<LifecycleConfiguration>,
) -> Option<Operation> {
    let none = LifecycleConfiguration::default();
    if wanted.means_the_same(seen.present().unwrap_or(&none)) {
        return None;
    }
    let bucket = bucket.to_owned();
    Some(if wanted.rules.is_empty() {
        // S3 takes no configuration without a rule.
        Operation::DeleteBucketLifecycle { bucket }
    } else {
        Operation::PutBucketLifecycleConfiguration {
            bucket,
            lifecycle: wanted.clone(),
        }
    })
}
