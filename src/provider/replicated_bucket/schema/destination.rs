//! What only destinations have.

use super::rule;
use super::side::side;
use super::two_way::two_way;
use super::verification::verified_at;
use crate::framework::schema::{Attribute, Setter};
use crate::provider::checks;

use Setter::{Computed, OptionalComputed};

pub(crate) fn destination() -> Vec<Attribute> {
    let mut attributes = vec![
        Attribute::string(
            "bucket",
            OptionalComputed,
            "Name of the destination bucket. Default, without `bucket_prefix`: `<source bucket>-<destination key>`, shortened with a hash where it would be longer than 63 characters. A name that ends in `-<account>-<region>-an` is made in that account's regional namespace.",
        )
        .validate(checks::bucket_name()),
    ];
    attributes.extend(side("default: the source's algorithm"));
    attributes.extend([
        Attribute::bool(
            "reachable",
            OptionalComputed,
            "Whether the account of an `existing` bucket is entered. With `false` no call is made there: `account_id`, `region` and, for KMS, `encryption.kms_key_arn` must be written, and the owner adds the statements in `required_bucket_policy_json` and `required_key_policy_json`. Default: `true`.",
        ),
        Attribute::string("required_bucket_policy_json", Computed, "The statements that the owner of the bucket must have in its policy, where this resource does not write them (`reachable` or `manage_bucket_policy` is `false`); null otherwise."),
        Attribute::string("required_key_policy_json", Computed, "The statements that the owner of the key must have in its policy, where `reachable` is `false`; null otherwise."),
    ]);
    attributes.extend(rule::of_destination());
    attributes.extend(two_way());
    attributes.push(verified_at());
    attributes
}
