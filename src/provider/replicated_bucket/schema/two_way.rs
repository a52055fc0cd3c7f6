//! Replication back from a destination.

use super::role::role;
use crate::framework::schema::{Attribute, Nesting, Setter};

use Setter::{Computed, OptionalComputed};

pub(crate) fn two_way() -> Vec<Attribute> {
    vec![
        Attribute::bool(
            "two_way",
            OptionalComputed,
            "Whether objects written to this bucket are replicated back to the source: with a role in this bucket's account, mirrored rules and policies, and replica modification sync on both sides. Replicas are not replicated on, so with more than one such destination none has the other's objects. Default: `false`.",
        ),
        Attribute::nested(
            "two_way_role",
            Nesting::Single,
            role("destination bucket"),
            OptionalComputed,
            "With `two_way`: the IAM role that S3 assumes to replicate back, made in this bucket's account unless `existing_arn` names one. It needs an account that may be written to by IAM, so the way into it must allow that.",
        ),
        Attribute::string(
            "replication_role_arn",
            Computed,
            "ARN of the role that replicates back; null without `two_way`.",
        ),
    ]
}
