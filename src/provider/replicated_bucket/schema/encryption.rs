//! Default encryption and the key that we make for it.

use super::{policy, tags, tags_all};
use crate::framework::schema::{Attribute, Nesting, Setter};
use crate::framework::value::Type;
use crate::provider::checks;

use Setter::{Optional, OptionalComputed};

pub(crate) fn encryption(algorithm_default: &str) -> Vec<Attribute> {
    vec![
        Attribute::string(
            "sse_algorithm",
            OptionalComputed,
            &format!("`AES256` (S3's own keys), `aws:kms` (a customer managed key) or `aws:kms:dsse` (the same in two layers); {algorithm_default}. With nothing written anywhere: `AES256`."),
        )
        .validate(checks::one_of(&["AES256", "aws:kms", "aws:kms:dsse"])),
        Attribute::string(
            "kms_key_arn",
            Optional,
            "ARN of an existing key in the bucket's region, never an alias. Left out with KMS, a key is made (see `key`).",
        )
        .validate(checks::key_arn()),
        Attribute::bool("bucket_key_enabled", OptionalComputed, "Whether S3 Bucket Keys are used, which spares almost all KMS requests. Default: `true` with `aws:kms`. There are none with `aws:kms:dsse`."),
        Attribute::new(
            "blocked_encryption_types",
            Type::list(Type::String),
            OptionalComputed,
            "Encryption that nobody may ask for when writing an object: `SSE-C` (keys that writers bring along, which AWS blocks in new buckets), or `NONE` to block nothing. Left out, what the bucket has stays as it is, and is no difference.",
        )
        .validate(checks::each(checks::one_of(&["SSE-C", "NONE"]))),
        Attribute::new(
            "additional_kms_key_arns",
            Type::list(Type::String),
            OptionalComputed,
            "Keys in the bucket's region under which there are objects besides: writers may name a key of their own, and a bucket may have had another one before. The replication role may decrypt objects under them. An import finds those that the role may decrypt with, and they are kept unless this is written, `[]` for none. Only where objects are replicated from: on the source, and on a destination with `two_way`.",
        )
        .validate(checks::each_if_any(checks::key_arn())),
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
                Attribute::bool("enabled", OptionalComputed, "Whether the key can be used. While it is disabled nobody reads or writes objects under it, and they are not replicated. Default: `true`."),
                policy::key_policy(),
                tags("Tags of the key, over those of its bucket."),
                tags_all("All tags of the key, but those with which this provider knows its own."),
            ],
            OptionalComputed,
            "The customer managed key that this resource makes for the bucket; null when `kms_key_arn` is written or KMS is not used.",
        ),
    ]
}
