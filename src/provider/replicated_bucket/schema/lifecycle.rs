//! Lifecycle rules of a bucket.

use crate::framework::schema::{Attribute, Nesting, Setter};
use crate::framework::validators;
use crate::provider::checks;
use crate::provider::replicated_bucket::attributes::lifecycle;

use Setter::{Optional, OptionalComputed, Required};

pub(crate) fn lifecycle() -> Vec<Attribute> {
    vec![
        Attribute::nested(
            "lifecycle_rules",
            Nesting::Map,
            rule(),
            OptionalComputed,
            "Lifecycle rules of the bucket, by rule ID. The map is the whole truth: a rule that somebody adds by hand shows in the plan and goes. S3 does not replicate what lifecycle rules do, so each side needs its own. Default: none.",
        )
        .validate(lifecycle::rule_ids()),
        Attribute::string(
            "lifecycle_transition_default_minimum_object_size",
            OptionalComputed,
            "The smallest object that transitions where no rule says otherwise: `all_storage_classes_128K` (default) or `varies_by_storage_class`. Null without lifecycle rules.",
        )
        .validate(checks::one_of(&["all_storage_classes_128K", "varies_by_storage_class"])),
    ]
}

fn rule() -> Vec<Attribute> {
    let days = |least| checks::whole_number(least, i64::from(i32::MAX));
    let class = || {
        Attribute::string(
            "storage_class",
            Required,
            "Storage class that versions move to.",
        )
        .validate(checks::one_of(&lifecycle::CLASSES))
    };
    let newer = || {
        Attribute::number(
            "newer_noncurrent_versions",
            Optional,
            "How many newer noncurrent versions are left alone, 1 to 100.",
        )
        .validate(checks::whole_number(1, 100))
    };
    let date = || {
        Attribute::string(
            "date",
            Optional,
            "The day (UTC) on which it happens, such as `2030-01-31`; instead of `days`.",
        )
        .validate(lifecycle::date_check())
    };
    vec![
        Attribute::bool("enabled", OptionalComputed, "Whether the rule acts. Default: `true`."),
        Attribute::string("prefix", Optional, "Only objects whose keys begin with this.")
            .validate(validators::length(1, 1024)),
        Attribute::string_map("tags", Optional, "Only objects that carry all these tags.")
            .validate(checks::object_tags()),
        Attribute::number("object_size_greater_than", Optional, "Only objects of more than so many bytes.")
            .validate(checks::whole_number(0, i64::MAX)),
        Attribute::number("object_size_less_than", Optional, "Only objects of less than so many bytes.")
            .validate(checks::whole_number(1, i64::MAX)),
        Attribute::bool(
            "whole_bucket",
            OptionalComputed,
            "Whether the rule is for every object. A rule that acts on current objects says so, or names a `prefix`, `tags` or a size, so that a mistyped scope never empties a bucket.",
        ),
        Attribute::nested(
            "expiration",
            Nesting::Single,
            vec![
                Attribute::number("days", Optional, "Days after which the current version of an object expires: it gets a delete marker.")
                    .validate(days(1)),
                date(),
                Attribute::bool("expired_object_delete_marker", Optional, "Whether a delete marker goes once it is the only version left of its object; instead of `days` and `date`."),
            ],
            Optional,
            "When current versions expire.",
        ),
        Attribute::nested(
            "noncurrent_version_expiration",
            Nesting::Single,
            vec![
                Attribute::number("noncurrent_days", Required, "Days after which a version that is no longer the current one is deleted for good.")
                    .validate(days(1)),
                newer(),
            ],
            Optional,
            "When noncurrent versions are deleted. Without it on both sides, old versions pile up.",
        ),
        Attribute::nested(
            "transitions",
            Nesting::List,
            vec![
                Attribute::number("days", Optional, "Days after which current versions move; at least 30 to `STANDARD_IA` and `ONEZONE_IA`.")
                    .validate(days(0)),
                date(),
                class(),
            ],
            Optional,
            "When current versions move to another storage class.",
        ),
        Attribute::nested(
            "noncurrent_version_transitions",
            Nesting::List,
            vec![
                Attribute::number("noncurrent_days", Required, "Days after which noncurrent versions move; at least 30 to `STANDARD_IA` and `ONEZONE_IA`.")
                    .validate(days(0)),
                newer(),
                class(),
            ],
            Optional,
            "When noncurrent versions move to another storage class.",
        ),
        Attribute::number(
            "abort_incomplete_multipart_upload_days",
            Optional,
            "Days after which an upload that was not finished is given up. Unfinished uploads cost money and show nowhere; 7 is a good number.",
        )
        .validate(days(1)),
    ]
}
