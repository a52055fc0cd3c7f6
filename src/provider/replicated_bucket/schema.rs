//! The schema of `replicated_bucket`: its attributes with the sentences that become the documentation.

use crate::framework::schema::{Attribute, Block, Nesting, Schema, Setter};
use crate::framework::value::Type;
use crate::provider::checks;

use Setter::{Computed, Optional, OptionalComputed, Required};

/// The schema.
pub fn schema() -> Schema {
    Schema {
        version: 0,
        block: Block {
            attributes: vec![
                Attribute::string("id", Computed, "Name of the source bucket."),
                Attribute::string("arn", Computed, "ARN of the source bucket."),
                Attribute::string(
                    "import_id",
                    Computed,
                    "The ID with which exactly this setup imports: `<account>/<bucket>@<region>`, followed by the role of each further account that is entered by one.",
                ),
                Attribute::nested(
                    "source",
                    Nesting::Single,
                    source(),
                    Required,
                    "The bucket that objects are written to.",
                ),
                Attribute::nested(
                    "destinations",
                    Nesting::Map,
                    destination(),
                    Required,
                    "The buckets that receive replicas. The key names the destination in plans, rule IDs and tags; the destination itself is its bucket, so the same bucket under another key is a rename and deletes nothing.",
                )
                .validate(checks::destination_keys()),
                Attribute::nested(
                    "role",
                    Nesting::Single,
                    role(),
                    OptionalComputed,
                    "The IAM role that S3 assumes to replicate, made in the source's account unless `existing_arn` names one.",
                ),
                tags("Tags on every bucket, key and role that this resource makes, over the provider's `default_tags`."),
                Attribute::string_map(
                    "components",
                    Computed,
                    "One line for each AWS object that this resource keeps. What differs from the configuration and has no attribute of its own is told here in brackets, so that a plan shows it.",
                ),
            ],
            description: "A bucket and its replicas: one block makes and owns everything that S3 replication needs across accounts and regions. That is the buckets, keys and aliases, the role and its policy, the destinations' bucket and key policies, and the rules.".to_owned(),
            ..Block::default()
        },
    }
}

fn source() -> Vec<Attribute> {
    let mut attributes = vec![
        Attribute::string(
            "bucket",
            Required,
            "Name of the source bucket. Changing it replaces the resource.",
        )
        .validate(checks::bucket_name()),
    ];
    attributes.extend(side(
        "the source's algorithm is the default of every destination",
    ));
    attributes
}

fn destination() -> Vec<Attribute> {
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

fn side(algorithm_default: &str) -> Vec<Attribute> {
    vec![
        Attribute::string(
            "account_id",
            OptionalComputed,
            "Account that the bucket belongs to. Written, it is a guard: arriving in another account is an error before anything is changed. Where the provider has an `account` block for it, that block tells how to get there.",
        )
        .validate(checks::account_id()),
        Attribute::string(
            "region",
            OptionalComputed,
            "Region of the bucket. Default: the provider's region when the bucket is made, and from then on the region that it is in.",
        )
        .validate(checks::region()),
        Attribute::string("profile", Optional, "Profile of the shared configuration files with which this bucket's account is entered."),
        Attribute::nested(
            "assume_role",
            Nesting::Single,
            assume_role(),
            Optional,
            "Role with which this bucket's account is entered. It is assumed with the provider's base credentials, before the provider's own `assume_role`; with `profile`, with the profile's.",
        ),
        Attribute::bool(
            "force_destroy",
            OptionalComputed,
            "Whether a destroy may delete the objects in this bucket. It counts as it stands in the state before the destroy: set it and apply first. Default: `false`.",
        ),
        Attribute::bool(
            "retain_on_destroy",
            OptionalComputed,
            "Whether a destroy leaves this bucket with its key and alias; only the wiring is taken away. The same configuration applied again takes them back. Default: `false`.",
        ),
        Attribute::nested(
            "encryption",
            Nesting::Single,
            encryption(algorithm_default),
            OptionalComputed,
            "Default encryption of the bucket.",
        ),
        Attribute::nested(
            "public_access_block",
            Nesting::Single,
            ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"]
                .into_iter()
                .map(|name| Attribute::bool(name, OptionalComputed, "One of the four switches of S3 Block Public Access. Default: `true`."))
                .collect(),
            OptionalComputed,
            "S3 Block Public Access of the bucket. Default: all four switches on.",
        ),
        Attribute::string(
            "object_ownership",
            OptionalComputed,
            "Who owns objects, and whether ACLs count: `BucketOwnerEnforced` (default: no ACLs), `BucketOwnerPreferred` or `ObjectWriter`.",
        )
        .validate(checks::one_of(&["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"])),
        tags("Tags of this bucket, over the resource's `tags`."),
        Attribute::string("arn", Computed, "ARN of the bucket."),
        Attribute::string("bucket_domain_name", Computed, "The bucket's domain name, `<bucket>.s3.<DNS suffix>`."),
        Attribute::string("bucket_regional_domain_name", Computed, "The bucket's regional domain name, `<bucket>.s3.<region>.<DNS suffix>`."),
        Attribute::string("hosted_zone_id", Computed, "Route 53 hosted zone ID of S3's website endpoint in the bucket's region."),
        Attribute::string("kms_key_arn", Computed, "ARN of the key that new objects are encrypted under; null without KMS."),
        Attribute::string("kms_key_id", Computed, "ID of that key."),
        Attribute::string("policy_json", Computed, "The statements that this resource writes into the bucket's policy; null where none are needed."),
        Attribute::string("kms_key_policy_json", Computed, "The policy that this resource writes for the key that it makes; null where it makes none."),
    ]
}

fn encryption(algorithm_default: &str) -> Vec<Attribute> {
    vec![
        Attribute::string(
            "sse_algorithm",
            OptionalComputed,
            &format!("`AES256` (S3's own keys) or `aws:kms` (a customer managed key); {algorithm_default}. With nothing written anywhere: `AES256`."),
        )
        .validate(checks::one_of(&["AES256", "aws:kms"])),
        Attribute::string(
            "kms_key_arn",
            Optional,
            "ARN of an existing key in the bucket's region, never an alias. Left out with `aws:kms`, a key is made (see `key`).",
        )
        .validate(checks::key_arn()),
        Attribute::bool("bucket_key_enabled", OptionalComputed, "Whether S3 Bucket Keys are used, which spares almost all KMS requests. Default: `true` with `aws:kms`."),
        Attribute::nested(
            "key",
            Nesting::Single,
            vec![
                Attribute::string("alias", OptionalComputed, "Alias of the key. Default: `alias/<bucket>` with `.` as `_`.")
                    .validate(checks::alias()),
                Attribute::string("description", OptionalComputed, "Description of the key."),
                Attribute::number("deletion_window_in_days", OptionalComputed, "Days between the destroy of the bucket and the end of the key, 7 to 30. Default: 30.")
                    .validate(checks::whole_number(7, 30)),
                Attribute::bool("enable_key_rotation", OptionalComputed, "Whether the key's material is rotated. Default: `true`."),
                Attribute::number("rotation_period_in_days", OptionalComputed, "Days between rotations, 90 to 2560. Default: AWS's own period, 365, where the key is rotated.")
                    .validate(checks::whole_number(90, 2560)),
                Attribute::bool("multi_region", OptionalComputed, "Whether it is a multi-Region key. Changing it makes a new key and keeps the old one for the objects under it. Default: `false`."),
                tags("Tags of the key, over those of its bucket."),
            ],
            OptionalComputed,
            "The customer managed key that this resource makes for the bucket; null when `kms_key_arn` is written or KMS is not used.",
        ),
    ]
}

fn role() -> Vec<Attribute> {
    vec![
        Attribute::string("name", OptionalComputed, "Name of the role. Default: `replication-<source bucket>`, shortened with a hash to 64 characters.")
            .validate(checks::role_name(64)),
        Attribute::string("name_prefix", Optional, "Beginning of the role's name; the rest follows from the source bucket.")
            .validate(checks::role_name(48)),
        Attribute::string("path", OptionalComputed, "Path of the role, with slashes at both ends. Default: `/`.")
            .validate(checks::role_path()),
        Attribute::string("description", OptionalComputed, "Description of the role."),
        Attribute::string("permissions_boundary", Optional, "ARN of the policy that bounds the role's permissions.")
            .validate(checks::policy_arn()),
        tags("Tags of the role, over the resource's `tags`."),
        Attribute::string("existing_arn", Optional, "ARN of an existing role to use instead of making one.")
            .validate(checks::role_arn()),
        Attribute::bool(
            "manage_policy",
            OptionalComputed,
            "With `existing_arn`: whether the grants are written into that role, as one inline policy of our own. `false` leaves the role alone, and a warning shows the document that it needs. Default: `true`.",
        ),
        Attribute::string("arn", Computed, "ARN of the role."),
        Attribute::string("unique_id", Computed, "The role's unique ID (`AROA...`)."),
        Attribute::string("policy_json", Computed, "The grants that replication needs, as they are written into the role."),
    ]
}

/// `assume_role` of a location.
pub fn assume_role() -> Vec<Attribute> {
    let strings = || Type::List(Box::new(Type::String));
    vec![
        Attribute::string("role_arn", Required, "ARN of the role to assume.").validate(checks::role_arn()),
        Attribute::string("session_name", Optional, "Name of the session. Default: one name for the whole run, the same in every account.")
            .validate(checks::session_name()),
        Attribute::string("external_id", Optional, "External ID that the role's trust policy asks for."),
        Attribute::string("duration", Optional, "Length of the session as a Go duration, such as `1h` or `90m`; 15 minutes to 12 hours.")
            .validate(checks::session_duration()),
        Attribute::string("policy", Optional, "Session policy (JSON) that narrows what the session may do."),
        Attribute::new("policy_arns", strings(), Optional, "Managed policies that narrow what the session may do."),
        Attribute::string("source_identity", Optional, "Source identity of the session."),
        Attribute::string_map("tags", Optional, "Session tags."),
        Attribute::new("transitive_tag_keys", strings(), Optional, "Session tags that are passed on to sessions assumed from this one."),
    ]
}

fn tags(description: &str) -> Attribute {
    Attribute::string_map("tags", Optional, description).validate(checks::tags())
}
