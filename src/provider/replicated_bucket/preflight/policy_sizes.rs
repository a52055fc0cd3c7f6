//! Whether S3 and KMS take the policies of buckets and keys: AWS limits the length of each.

use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::AttributePath;
use crate::provider::replicated_bucket::paths::{bucket_policy_path, key_policy_path, side_path};
use crate::replication::existing_keys::managed_keys;
use crate::replication::grants::{bucket_policy, key_policy_of};
use crate::replication::policy::{PolicyDocument, PolicyKind, TooLarge, check_size};
use crate::replication::spec::{BucketSpec, KeyChoice, Spec};

/// Refuses what is too long by itself.
pub(crate) fn check(spec: &Spec, diagnostics: &mut Diagnostics) {
    for (this, bucket) in spec.buckets() {
        let document = bucket_policy(spec, &this);
        if bucket.policy_is_managed()
            && let Err(error) = length(PolicyKind::Bucket, &document)
        {
            let thing = format!("policy of {}", bucket.name);
            let written = (!bucket.policy.statements.is_empty()).then(|| bucket_policy_path(&this));
            refuse(&error, &thing, written, diagnostics);
        }
        let Some(key) = bucket.owned_key() else {
            continue;
        };
        let document = key_policy_of(spec, &this).unwrap_or_default();
        if let Err(error) = length(PolicyKind::Key, &document) {
            let thing = format!("policy of the key of {}", bucket.name);
            let written = (!key.policy.is_empty()).then(|| key_policy_path(&this));
            refuse(&error, &thing, written, diagnostics);
        }
    }
    for (arn, key) in managed_keys(spec) {
        let document = PolicyDocument::new(key.policy.ours);
        if let Err(error) = length(PolicyKind::Key, &document) {
            let users = spec.buckets().filter(|(_, bucket)| uses(bucket, &arn));
            let count = users.count();
            diagnostics.error_at(
                side_path(&key.side).attribute("manage_key_policy"),
                "Too many buckets under one key",
                format!("{count} buckets are encrypted under {arn}, and with the statements that it needs for them {error}. Use several keys, or leave kms_key_arn out, and each bucket gets one of its own."),
            );
        }
    }
}

fn uses(bucket: &BucketSpec, arn: &str) -> bool {
    matches!(&bucket.encryption.key, Some(KeyChoice::Existing(key)) if key.arn == arn)
}

fn length(kind: PolicyKind, document: &PolicyDocument) -> Result<(), TooLarge> {
    check_size(kind, &document.to_string())
}

/// Our statements alone are too long only where many destinations replicate back into one source.
fn refuse(
    error: &TooLarge,
    thing: &str,
    written: Option<AttributePath>,
    diagnostics: &mut Diagnostics,
) {
    match written {
        Some(path) => diagnostics.error_at(
            path,
            "The policy is too long",
            format!("Together with the statements that replication needs, {error}. Shorten it."),
        ),
        None => diagnostics.error_at(
            AttributePath::root("destinations"),
            "Too many destinations replicate back",
            format!("Each destination with two_way in another account takes statements in the {thing}: {error}. Let fewer destinations replicate back."),
        ),
    }
}
