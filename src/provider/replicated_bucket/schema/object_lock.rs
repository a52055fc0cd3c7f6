//! Object Lock of a bucket.

use crate::framework::schema::{Attribute, Nesting, Setter};
use crate::provider::checks;

use Setter::{Optional, OptionalComputed};

pub(crate) fn object_lock() -> Attribute {
    Attribute::nested(
        "object_lock",
        Nesting::Single,
        vec![
            Attribute::bool("enabled", OptionalComputed, "Whether the bucket is locked. A lock is never taken off again. Default: `true`, where `object_lock` is written."),
            Attribute::string("mode", Optional, "How new versions are retained: `GOVERNANCE`, which may be bypassed by those who are allowed to, or `COMPLIANCE`, which nobody can bypass. Goes together with `days` or `years`.")
                .validate(checks::one_of(&["GOVERNANCE", "COMPLIANCE"])),
            Attribute::number("days", Optional, "Days for which new versions are retained.")
                .validate(checks::whole_number(1, 36_500)),
            Attribute::number("years", Optional, "Years for which new versions are retained; instead of `days`.")
                .validate(checks::whole_number(1, 100)),
            Attribute::bool(
                "bypass_governance_on_destroy",
                OptionalComputed,
                "Whether a destroy with `force_destroy` also deletes versions that are retained in governance mode. It counts as it stands in the state before the destroy. Default: `false`.",
            ),
        ],
        OptionalComputed,
        "Object Lock of the bucket, put on when the bucket is made, or later. A locked source needs locked destinations. Default: none.",
    )
}
