//! Replication rules: what a destination says of its rule, and `rules` where it has several.

use super::{Attribute, Nesting};
use crate::framework::schema::Setter;
use crate::framework::validators;
use crate::provider::checks;

use Setter::{Computed, Optional, OptionalComputed};

/// What a destination says of its rule, and `rules`.
pub(crate) fn of_destination() -> Vec<Attribute> {
    let mut attributes = vec![
        Attribute::bool(
            "enabled",
            OptionalComputed,
            "Whether objects are replicated to this destination; `false` pauses all its rules. Default: `true`.",
        ),
        priority(
            "Priority of the destination's rule; with `rules`, each has its own. Default: the lowest free number, in the order of the destinations' keys and of their rules' names; once given, a number stays.",
        ),
    ];
    attributes.extend(settings(""));
    attributes.extend([
        Attribute::nested(
            "rules",
            Nesting::Map,
            rule(),
            OptionalComputed,
            "Several rules in the place of one, by name. What a rule leaves out comes from what the destination writes, then from the default worked out for that rule. S3 applies one rule of a destination to an object: of those whose filters fit, the one with the highest priority.",
        )
        .validate(checks::rule_names()),
        Attribute::string_map(
            "rule_ids",
            Computed,
            "IDs of the destination's replication rules, by rule name; `default` without rules of its own.",
        ),
    ]);
    attributes
}

fn rule() -> Vec<Attribute> {
    let mut attributes = vec![
        Attribute::string(
            "id",
            OptionalComputed,
            "ID of the rule at S3, at most 255 characters. Default: one that follows from the destination's key and the rule's name; once given, it stays.",
        )
        .validate(validators::length(1, 255)),
        Attribute::bool("enabled", OptionalComputed, "Whether the rule replicates; `false` pauses it. Default: `true`. A destination with `enabled = false` pauses all its rules, whatever they say."),
        priority("Priority of the rule: among the rules of its destination, the higher number wins. Default: the lowest free number, in the order of the destinations' keys and of their rules' names; once given, a number stays."),
    ];
    attributes.extend(settings(" Left out, the destination's counts."));
    attributes.push(
        Attribute::string(
            "replica_kms_key_arn",
            Optional,
            "ARN of an existing key in the destination's region, under which this rule's replicas are encrypted, never an alias. Default: the key of the destination bucket.",
        )
        .validate(checks::key_arn()),
    );
    attributes
}

/// What both levels have; the sentence ends each description.
fn settings(inherited: &str) -> Vec<Attribute> {
    let told = |text: &str| format!("{text}{inherited}");
    let switch = |name: &str, text: &str| Attribute::bool(name, OptionalComputed, &told(text));
    vec![
        Attribute::nested(
            "filter",
            Nesting::Single,
            filter(),
            OptionalComputed,
            &told(
                "Which objects are replicated: those that have the prefix and all the tags. Default: the whole bucket; `prefix = \"\"`, written out, is the whole bucket, too.",
            ),
        ),
        Attribute::string(
            "storage_class",
            OptionalComputed,
            &told(
                "Storage class of the replicas. Default: each replica has the class of its object.",
            ),
        )
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
        switch(
            "delete_marker_replication",
            "Whether delete markers are replicated, so that an object deleted at the source disappears here too. Not possible with tags in the filter. Default: `false`, as AWS has it: a deletion at the source does not reach the backup unasked; with `two_way` `true`, where the filter has no tags.",
        ),
        switch(
            "replica_modification_sync",
            "Whether changes of tags, ACLs and Object Lock settings are replicated that somebody makes to objects which are replicas themselves. Needs a rule in the other direction to be of use. Default: `true` with `two_way`, else `false`.",
        ),
        switch(
            "replication_time_control",
            "Whether S3 Replication Time Control is on: S3 replicates within 15 minutes, for a price per GB, and `metrics` comes with it. Default: `false`.",
        ),
        switch(
            "metrics",
            "Whether S3 publishes CloudWatch metrics of the rule: operations and bytes that are pending, latency, failures. Default: `true` with `replication_time_control`, else `false`.",
        ),
        switch(
            "owner_override",
            "Whether replicas are given to the destination bucket's owner. Default: `true` for a bucket in another account whose `object_ownership` is not `BucketOwnerEnforced`, which gives them to the owner anyway; else `false`.",
        ),
        switch(
            "replicate_encrypted_objects",
            "Whether objects under KMS keys are replicated; S3 needs a key for the replicas. Default: `true` where the destination bucket, or the rule, has a KMS key.",
        ),
    ]
}

fn filter() -> Vec<Attribute> {
    vec![
        Attribute::string(
            "prefix",
            Optional,
            "What the objects' keys begin with, at most 1024 bytes.",
        )
        .validate(checks::prefix()),
        Attribute::string_map(
            "tags",
            Optional,
            "Tags that the objects carry, each with this very value; at most 10, because an object has no more.",
        )
        .validate(checks::object_tags()),
    ]
}

fn priority(description: &str) -> Attribute {
    Attribute::number("priority", OptionalComputed, description)
        .validate(checks::whole_number(0, i64::from(i32::MAX)))
}
