//! What becomes of buckets and keys that go, told before it happens: Terraform's `prevent_destroy` sees neither.

use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::BucketModel;
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::replicated_bucket::report::capitalised;
use crate::replication::component::Side;
use crate::replication::observed::ObservedBucket;
use crate::replication::spec::{BucketSpec, Spec};
use crate::replication::teardown::{KeyEnd, ends_of_keys};

/// Warns of a bucket that an update deletes, and of each of its keys, whether it goes or stays.
pub(crate) fn warn_of_leaving(
    owner: &str,
    side: &Side,
    bucket: &BucketSpec,
    seen: &ObservedBucket,
    prior: &BucketModel,
    model: &BucketModel,
    diagnostics: &mut Diagnostics,
) {
    if !bucket.stays() && seen.region.present().is_some() {
        diagnostics.warning_at(
            side_path(side),
            format!("Bucket {} will be deleted", bucket.name),
            format!(
                "{}. Its bucket {} in {} is deleted{}.{}",
                why_it_goes(side, model),
                bucket.name,
                bucket.location,
                if bucket.may_be_emptied() {
                    " with every object in it, because force_destroy is set"
                } else {
                    ""
                },
                if_renamed(prior, side, bucket.name.as_str(), model)
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
    if bucket.policy.require_tls && bucket.stays() {
        plain_http(side, bucket.name.as_str(), STAYS, diagnostics);
    }
}

/// Warns of each bucket that a destroy leaves, and leaves open to plain HTTP: the statement against it is ours.
pub(crate) fn warn_of_plain_http(state: &BucketModel, diagnostics: &mut Diagnostics) {
    for (this, side) in state.sides() {
        let denies = side.require_tls == Attr::Known(true);
        if denies
            && side.retain_on_destroy == Attr::Known(true)
            && let Attr::Known(bucket) = &side.bucket
        {
            plain_http(&this, bucket, STAYS, diagnostics);
        }
    }
}

/// Warns of each bucket that an update leaves to its owner, and leaves open to plain HTTP.
pub(crate) fn warn_of_released(prior: &Spec, model: &BucketModel, diagnostics: &mut Diagnostics) {
    let denying = prior.buckets().filter(|(_, b)| b.policy.require_tls);
    for (_, before) in denying {
        if let Some((this, now)) = model.side_of_bucket(before.name.as_str())
            && now.existing == Attr::Known(true)
        {
            plain_http(&this, before.name.as_str(), RELEASED, diagnostics);
        }
    }
}

const STAYS: &str = "retain_on_destroy keeps the bucket";
const RELEASED: &str = "the bucket is left to its owner";

fn plain_http(this: &Side, bucket: &str, why: &str, diagnostics: &mut Diagnostics) {
    diagnostics.warning_at(
        side_path(this).attribute("require_tls"),
        format!("Bucket {bucket} will take plain HTTP"),
        format!("{}, and the statement that denies requests over plain HTTP is this resource's, so it goes from the policy of {bucket}. To keep it, write it into `policy` as well, and apply that first: what is written there stays.", capitalised(why)),
    );
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

/// What to write where a destination that goes may be one that comes: a default name follows from the key. Begins with
/// a space, or is empty.
pub(crate) fn if_renamed(
    prior: &BucketModel,
    side: &Side,
    bucket: &str,
    model: &BucketModel,
) -> String {
    let mut sides = model.sides().into_iter();
    let new = sides.find(|(this, _)| prior.side(this).is_none());
    match new.filter(|_| model.side(side).is_none()) {
        Some((new, _)) => format!(
            " If {side} is only called {new} now, write bucket = \"{bucket}\" there, and it keeps its bucket."
        ),
        None => String::new(),
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
