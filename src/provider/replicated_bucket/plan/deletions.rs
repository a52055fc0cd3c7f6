//! What becomes of buckets and keys that go, told before it happens: Terraform's `prevent_destroy` sees neither.

use crate::framework::diagnostics::Diagnostics;
use crate::provider::replicated_bucket::model::BucketModel;
use crate::provider::replicated_bucket::paths::side_path;
use crate::replication::component::Side;
use crate::replication::observed::ObservedBucket;
use crate::replication::spec::BucketSpec;
use crate::replication::teardown::{KeyEnd, ends_of_keys};

/// Warns of a bucket that an update deletes, and of each of its keys, whether it goes or stays.
pub(crate) fn warn_of_leaving(
    owner: &str,
    side: &Side,
    bucket: &BucketSpec,
    seen: &ObservedBucket,
    model: &BucketModel,
    diagnostics: &mut Diagnostics,
) {
    if !bucket.stays() && seen.region.present().is_some() {
        diagnostics.warning_at(
            side_path(side),
            format!("Bucket {} will be deleted", bucket.name),
            format!(
                "{}. Its bucket {} in {} is deleted{}.",
                why_it_goes(side, model),
                bucket.name,
                bucket.location,
                if bucket.may_be_emptied() {
                    " with every object in it, because force_destroy is set"
                } else {
                    ""
                }
            ),
        );
    }
    for (key, end) in ends_of_keys(owner, bucket, seen) {
        let arn = &key.description.arn;
        if end == KeyEnd::Deleted {
            diagnostics.warning_at(
                side_path(side),
                format!("Key {arn} will be deleted"),
                format!(
                    "The key of bucket {} is scheduled for deletion once the bucket is gone.",
                    bucket.name
                ),
            );
        }
    }
    warn_of_keys_that_stay(owner, side, bucket, seen, diagnostics);
}

/// Warns of each key that is there after its bucket has gone from the state.
pub(crate) fn warn_of_keys_that_stay(
    owner: &str,
    side: &Side,
    bucket: &BucketSpec,
    seen: &ObservedBucket,
    diagnostics: &mut Diagnostics,
) {
    for (key, end) in ends_of_keys(owner, bucket, seen) {
        let why = match end {
            KeyEnd::Deleted => continue,
            KeyEnd::StaysWithBucket => format!(
                "Bucket {} stays, because {}, and its objects need the key.",
                bucket.name,
                if bucket.existing().is_some() {
                    "it belongs to somebody else"
                } else {
                    "retain_on_destroy is set"
                }
            ),
            KeyEnd::UsedByOthers => {
                "Its policy holds statements of another owner, so somebody else uses it.".to_owned()
            }
        };
        let arn = &key.description.arn;
        diagnostics.warning_at(side_path(side), format!("Key {arn} stays"), why);
    }
}

/// Why a destination's bucket goes, as the beginning of a sentence: the destination goes, or gets another one.
pub(crate) fn why_it_goes(side: &Side, model: &BucketModel) -> String {
    match model.side(side).map(|now| now.bucket.known()) {
        None => format!("{side} is no longer in the configuration"),
        Some(Some(bucket)) => format!("{side} has bucket {bucket} from now on"),
        Some(None) => format!("{side} has another bucket from now on"),
    }
}
