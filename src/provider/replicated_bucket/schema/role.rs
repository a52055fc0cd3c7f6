//! The role that S3 assumes to replicate out of a bucket.

use super::{tags, tags_all};
use crate::framework::schema::{Attribute, Setter};
use crate::provider::checks;

use Setter::{Computed, Optional, OptionalComputed};

/// `bucket` is which bucket it replicates out of: `source bucket`.
pub(crate) fn role(bucket: &str) -> Vec<Attribute> {
    vec![
        Attribute::string("name", OptionalComputed, &format!("Name of the role. Default: `replication-<{bucket}>`, shortened with a hash to 64 characters."))
            .validate(checks::role_name(64)),
        Attribute::string("name_prefix", Optional, &format!("Beginning of the role's name; the rest follows from the {bucket}."))
            .validate(checks::role_name(48)),
        Attribute::string("path", OptionalComputed, "Path of the role, with slashes at both ends. Default: `/`.")
            .validate(checks::role_path()),
        Attribute::string("description", OptionalComputed, "Description of the role."),
        Attribute::string("permissions_boundary", Optional, "ARN of the policy that bounds the role's permissions.")
            .validate(checks::policy_arn()),
        tags("Tags of the role and of its managed policies, over the resource's `tags`."),
        tags_all("All tags of the role, but those with which this provider knows its own."),
        Attribute::string("existing_arn", Optional, "ARN of an existing role to use instead of making one.")
            .validate(checks::role_arn()),
        Attribute::bool(
            "manage_policy",
            OptionalComputed,
            "With `existing_arn`: whether the grants are written into that role, as one inline policy of our own. `false` leaves the role alone, without that policy, and a warning shows the document that it needs. Default: `true`.",
        ),
        Attribute::string("arn", Computed, "ARN of the role."),
        Attribute::string("unique_id", Computed, "The role's unique ID (`AROA...`)."),
        Attribute::string("policy_json", Computed, "The grants that replication needs, as one document. Where it is too long for an inline policy of the role, its statements stand in managed policies as well."),
    ]
}
