//! What only destinations have.

use super::side::side;
use crate::framework::schema::{Attribute, Setter};
use crate::provider::checks;

use Setter::{Computed, Optional, OptionalComputed};

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
    attributes.extend([
        Attribute::bool("enabled", OptionalComputed, "Whether objects are replicated to this destination; `false` pauses it. Default: `true`."),
        Attribute::number(
            "priority",
            OptionalComputed,
            "Priority of the destination's rule. Default: the lowest free number, in the order of the destinations' keys; once given, a number stays.",
        )
        .validate(checks::whole_number(0, i64::from(i32::MAX))),
        Attribute::string("storage_class", Optional, "Storage class of the replicas. Left out, each replica has the class of its object.")
            .validate(checks::one_of(&[
                "STANDARD",
                "REDUCED_REDUNDANCY",
                "STANDARD_IA",
                "ONEZONE_IA",
                "INTELLIGENT_TIERING",
                "GLACIER",
                "GLACIER_IR",
                "DEEP_ARCHIVE",
            ])),
        Attribute::bool(
            "delete_marker_replication",
            OptionalComputed,
            "Whether delete markers are replicated, so that an object deleted at the source disappears here too. Default: `false`, as AWS has it: a deletion at the source does not reach the backup unasked.",
        ),
        Attribute::string_map("rule_ids", Computed, "IDs of the destination's replication rules, by rule name; `default` without rules of its own."),
    ]);
    attributes
}
