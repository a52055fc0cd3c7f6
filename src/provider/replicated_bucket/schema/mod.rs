//! The schema of `replicated_bucket`: its attributes with the sentences that become the documentation.

mod destination;
mod encryption;
mod lifecycle;
mod object_lock;
mod policy;
mod role;
mod rule;
mod side;
mod timeouts;
mod two_way;
pub(crate) mod verification;

use crate::framework::schema::{Attribute, Block, Nesting, Schema, Setter};
use crate::provider::checks;
use crate::provider::replicated_bucket::upgrade;

use Setter::{Computed, Optional, OptionalComputed, Required};

/// The schema.
pub fn schema() -> Schema {
    Schema {
        version: upgrade::STATE.current(),
        block: Block {
            attributes: vec![
                Attribute::string("id", Computed, "Name of the source bucket."),
                Attribute::string("arn", Computed, "ARN of the source bucket."),
                Attribute::string(
                    "import_id",
                    Computed,
                    "The ID with which exactly this setup imports: `<account>/<bucket>@<region>`, followed by the role of each account for which the configuration writes one.",
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
                    destination::destination(),
                    Required,
                    "The buckets that receive replicas. The key names the destination in plans, rule IDs and tags; the destination itself is its bucket, so the same bucket under another key is a rename and deletes nothing.",
                )
                .validate(checks::destination_keys()),
                Attribute::nested(
                    "role",
                    Nesting::Single,
                    role::role("source bucket"),
                    OptionalComputed,
                    "The IAM role that S3 assumes to replicate, made in the source's account unless `existing_arn` names one.",
                ),
                tags("Tags on every bucket, key and role that this resource makes, over the provider's `default_tags`."),
                tags_all("The resource's `tags` with the provider's `default_tags`."),
                verification::verification(),
                timeouts::timeouts(),
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
            OptionalComputed,
            "Name of the source bucket. This or `bucket_prefix` must be written. Changing it replaces the resource. A name that ends in `-<account>-<region>-an` is made in that account's regional namespace.",
        )
        .validate(checks::bucket_name()),
    ];
    attributes.extend(side::side(
        "the source's algorithm is the default of every destination",
    ));
    attributes
}

fn tags(description: &str) -> Attribute {
    Attribute::string_map("tags", Optional, description).validate(checks::tags())
}

fn tags_all(description: &str) -> Attribute {
    Attribute::string_map("tags_all", Computed, description)
}
