//! What only destinations have.

use super::rule;
use super::side::side;
use super::two_way::two_way;
use crate::framework::schema::{Attribute, Setter};
use crate::provider::checks;

use Setter::OptionalComputed;

pub(super) fn destination() -> Vec<Attribute> {
    let mut attributes = vec![
        Attribute::string(
            "bucket",
            OptionalComputed,
            "Name of the destination bucket. Default: `<source bucket>-<destination key>`, shortened with a hash where it would be longer than 63 characters.",
        )
        .validate(checks::bucket_name()),
    ];
    attributes.extend(side("default: the source's algorithm"));
    attributes.extend(rule::of_destination());
    attributes.extend(two_way());
    attributes
}
