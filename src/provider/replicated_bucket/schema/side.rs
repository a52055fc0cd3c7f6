//! What both sides have.

use super::encryption::encryption;
use super::lifecycle::lifecycle;
use super::object_lock::object_lock;
use super::{policy, tags, tags_all};
use crate::framework::schema::{Attribute, Nesting, Setter};
use crate::provider::{assume_role, checks};

use Setter::{Computed, Optional, OptionalComputed};

pub(crate) fn side(algorithm_default: &str) -> Vec<Attribute> {
    let mut attributes = vec![
        Attribute::string(
            "bucket_prefix",
            Optional,
            "Beginning of the bucket's name, in the place of `bucket`; the rest, 26 digits, is drawn when the bucket is made, and the name stays as long as the prefix does. At most 37 characters. Such a bucket is always a new one of its own, outside the regional namespaces of accounts: nothing is ever taken over under a prefix, so it is not for an `existing` bucket. Another prefix is another bucket.",
        )
        .validate(checks::bucket_prefix()),
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
            assume_role::attributes(),
            Optional,
            "Role with which this bucket's account is entered. It is assumed with the provider's base credentials, before the provider's own `assume_role`; with `profile`, with the profile's.",
        ),
        Attribute::bool(
            "existing",
            OptionalComputed,
            "Whether the bucket belongs to somebody else. Then only what replication itself needs is written: our rules in its replication configuration and our statements in its policy; what others wrote there stays, and a destroy takes away ours alone. A bucket that is not there yet at plan is looked at again at apply. Changing it releases the bucket, which keeps what it has, or adopts it: then all settings here count, and the plan lists what its owner set and the bucket loses. Default: `false`.",
        ),
        Attribute::bool(
            "enable_versioning",
            OptionalComputed,
            "Whether versioning is turned on in an `existing` bucket that does not have it; it stays on afterwards. With `false` such a bucket is an error. Default: `false` there; a bucket that this resource makes always has versioning, and nothing is said of it.",
        ),
        Attribute::bool(
            "enable_encryption",
            OptionalComputed,
            "Whether `encryption` is written as the default encryption of an `existing` source; a destroy puts back what was found. Default: `false` there, and nothing on any other bucket.",
        ),
        Attribute::bool(
            "manage_bucket_policy",
            OptionalComputed,
            "Whether our statements are written into the policy of an `existing` bucket, as far as it does not grant the same already. With `false` nothing is written, and what is missing there is an error that shows the statements. Default: `true`.",
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
            "Default encryption of the bucket. Default on an `existing` side: its own. On an `existing` destination it says under which key replicas arrive; nothing of the bucket is changed for it.",
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
    ];
    attributes.push(object_lock());
    attributes.extend(lifecycle());
    attributes.extend([
        policy::policy(),
        policy::manage_key_policy(),
        policy::require_tls(),
        policy::exclusive_policy(),
        tags("Tags of this bucket, over the resource's `tags`."),
        tags_all("All tags of the bucket, but those with which this provider knows its own."),
        Attribute::string("arn", Computed, "ARN of the bucket."),
        Attribute::string("bucket_domain_name", Computed, "The bucket's domain name, `<bucket>.s3.<DNS suffix>`."),
        Attribute::string("bucket_regional_domain_name", Computed, "The bucket's regional domain name, `<bucket>.s3.<region>.<DNS suffix>`."),
        Attribute::string("hosted_zone_id", Computed, "Route 53 hosted zone ID of S3's website endpoint in the bucket's region."),
        Attribute::string("kms_key_arn", Computed, "ARN of the key that new objects are encrypted under; null without KMS."),
        Attribute::string("kms_key_id", Computed, "ID of that key."),
        Attribute::string("policy_json", Computed, "The statements that this resource writes into the bucket's policy, those of `policy` among them; null where there are none."),
        Attribute::string("kms_key_policy_json", Computed, "The statements that this resource writes into the policy of the bucket's key; null where there are none."),
    ]);
    attributes
}
