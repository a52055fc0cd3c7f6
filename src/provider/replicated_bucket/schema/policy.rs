//! What may be written of the policies of buckets and keys.

use crate::framework::schema::{Attribute, Setter};

use Setter::{Optional, OptionalComputed};

/// `policy` of a side.
pub(crate) fn policy() -> Attribute {
    Attribute::string(
        "policy",
        Optional,
        "Your own statements in the bucket's policy, as a JSON document; they stand beside those that replication needs, and beside those that others wrote. Statements are known by their Sid, so give each one. Compared by meaning: another spelling is no change.",
    )
}

/// `require_tls` of a side.
pub(crate) fn require_tls() -> Attribute {
    Attribute::bool(
        "require_tls",
        OptionalComputed,
        "Whether the bucket's policy denies every request over plain HTTP. Default: `false`.",
    )
}

/// `exclusive_policy` of a side.
pub(crate) fn exclusive_policy() -> Attribute {
    Attribute::bool(
        "exclusive_policy",
        OptionalComputed,
        "Whether statements that are neither this resource's nor in `policy` are drift, which the next apply removes: from the bucket's policy, and from the policy of the key that this resource makes. Default: `false`; what others wrote is left alone.",
    )
}

/// `encryption.key.policy`.
pub(crate) fn key_policy() -> Attribute {
    Attribute::string(
        "policy",
        Optional,
        "Your own statements in the key's policy, as a JSON document. The statement that gives the key to its account and what replication needs stand beside them, so leave both out.",
    )
}

/// `manage_key_policy` of a side.
pub(crate) fn manage_key_policy() -> Attribute {
    Attribute::bool(
        "manage_key_policy",
        OptionalComputed,
        "With `encryption.kms_key_arn`: whether what the replication role needs is merged into that key's policy, and taken out of it again with the bucket. `false` leaves the key alone, and a warning shows the statement that its policy lacks. Default: `false`.",
    )
}
