//! Settings of buckets of ours, and whole buckets.

use std::collections::BTreeMap;

use terraform_provider_replicated::replication::operation::{
    BucketEncryption, DefaultRetention, Expiration, Input, LifecycleRule, Moment, Noncurrent,
    ObjectLock, PublicAccessBlock, RetentionPeriod,
};

use super::configs::{
    locked, whole, with_blocked_encryption, with_lifecycle_rules, without_default_retention,
};
use super::{BACKUP, SOURCE, bucket, key_arn};
use crate::configs::ABROAD;
use crate::fake::State;
use crate::random::existing_key;

fn encryption(aws: &mut State) -> &mut BucketEncryption {
    &mut bucket(aws, BACKUP).encryption
}

fn public_access(aws: &mut State) -> &mut PublicAccessBlock {
    bucket(aws, SOURCE).public_access_block.as_mut().unwrap()
}

fn lifecycle_rule<'a>(aws: &'a mut State, id: &str) -> &'a mut LifecycleRule {
    let rules = &mut bucket(aws, BACKUP).lifecycle.as_mut().unwrap().rules;
    rules.get_mut(id).unwrap()
}

/// A rule that would empty the archive.
fn expire_all(aws: &mut State) {
    let rule = LifecycleRule {
        enabled: true,
        expiration: Some(Expiration::At(Moment::Days(1))),
        ..LifecycleRule::default()
    };
    let lifecycle = bucket(aws, BACKUP).lifecycle.get_or_insert_default();
    lifecycle.rules.insert("by-hand".to_owned(), rule);
}

fn retention(aws: &mut State) -> &mut DefaultRetention {
    let lock = bucket(aws, BACKUP).object_lock.as_mut().unwrap();
    lock.default_retention.as_mut().unwrap()
}

fn tags<'a>(aws: &'a mut State, name: &str) -> &'a mut BTreeMap<String, String> {
    &mut bucket(aws, name).tags
}

/// As if somebody had deleted it and made it again, with nothing written.
fn make_again(aws: &mut State, name: &str) {
    let bucket = bucket(aws, name);
    bucket.tags.clear();
    bucket.versioning = None;
    bucket.encryption = crate::existing::plain();
    bucket.policy = None;
    bucket.replication = None;
    bucket.keys_used.clear();
}

differences! {
    versioning_of_the_source_is_suspended: whole,
        |aws| bucket(aws, SOURCE).versioning = Some("Suspended".to_owned()),
        shows ["components.source/bucket: (versioning suspended)"],
        repaired by ["PutBucketVersioning acme-archive"];

    versioning_of_the_destination_is_suspended: whole,
        |aws| bucket(aws, BACKUP).versioning = Some("Suspended".to_owned()),
        shows ["components.destination/backup/bucket: (versioning suspended)"],
        repaired by ["PutBucketVersioning acme-archive-backup"];

    default_encryption_is_sse_s3_again: whole,
        |aws| *encryption(aws) = crate::existing::plain(),
        shows [
            "destinations.backup.encryption.bucket_key_enabled: false -> true",
            "destinations.backup.encryption.sse_algorithm: AES256 -> aws:kms",
        ],
        repaired by ["PutBucketEncryption acme-archive-backup"];

    default_encryption_has_another_key: whole,
        |aws| encryption(aws).kms_key = Some(Input::Known(existing_key((ABROAD, "us-west-2"), 0))),
        shows [
            "destinations.backup.encryption.kms_key_arn: arn:aws:kms:us-west-2:222222222222:key/00000000-0000-4000-8000-000000000000 -> null",
        ],
        repaired by ["PutBucketEncryption acme-archive-backup"];

    default_encryption_has_the_key_that_aws_makes: whole,
        |aws| encryption(aws).kms_key = None,
        shows ["components.destination/backup/bucket: (default encryption under AWS's own key)"],
        repaired by ["PutBucketEncryption acme-archive-backup"];

    default_encryption_names_the_key_by_its_alias: whole,
        |aws| encryption(aws).kms_key = Some(Input::Known("alias/acme-archive-backup".to_owned())),
        shows ["destinations.backup.encryption.kms_key_arn: alias/acme-archive-backup -> null"],
        repaired by ["PutBucketEncryption acme-archive-backup"];

    default_encryption_is_in_two_layers: whole,
        |aws| {
            encryption(aws).sse_algorithm = "aws:kms:dsse".to_owned();
            encryption(aws).bucket_key_enabled = false;
        },
        shows [
            "destinations.backup.encryption.bucket_key_enabled: false -> true",
            "destinations.backup.encryption.sse_algorithm: aws:kms:dsse -> aws:kms",
        ],
        repaired by ["PutBucketEncryption acme-archive-backup"];

    bucket_keys_are_off: whole,
        |aws| encryption(aws).bucket_key_enabled = false,
        shows ["destinations.backup.encryption.bucket_key_enabled: false -> true"],
        repaired by ["PutBucketEncryption acme-archive-backup"];

    further_encryption_is_blocked: with_blocked_encryption,
        |aws| encryption(aws).blocked_encryption_types = vec!["SSE-C".to_owned(), "SSE-KMS".to_owned()],
        shows ["destinations.backup.encryption.blocked_encryption_types: [SSE-C, SSE-KMS] -> [SSE-C]"],
        repaired by ["PutBucketEncryption acme-archive-backup"];

    no_encryption_is_blocked_any_more: with_blocked_encryption,
        |aws| encryption(aws).blocked_encryption_types.clear(),
        shows ["destinations.backup.encryption.blocked_encryption_types: [NONE] -> [SSE-C]"],
        repaired by ["PutBucketEncryption acme-archive-backup"];

    public_acls_are_not_blocked: whole,
        |aws| public_access(aws).block_public_acls = false,
        shows ["source.public_access_block.block_public_acls: false -> true"],
        repaired by ["PutPublicAccessBlock acme-archive"];

    public_policies_are_not_blocked: whole,
        |aws| public_access(aws).block_public_policy = false,
        shows ["source.public_access_block.block_public_policy: false -> true"],
        repaired by ["PutPublicAccessBlock acme-archive"];

    public_acls_are_not_ignored: whole,
        |aws| public_access(aws).ignore_public_acls = false,
        shows ["source.public_access_block.ignore_public_acls: false -> true"],
        repaired by ["PutPublicAccessBlock acme-archive"];

    public_buckets_are_not_restricted: whole,
        |aws| public_access(aws).restrict_public_buckets = false,
        shows ["source.public_access_block.restrict_public_buckets: false -> true"],
        repaired by ["PutPublicAccessBlock acme-archive"];

    the_public_access_block_is_gone: whole,
        |aws| bucket(aws, BACKUP).public_access_block = None,
        shows [
            "destinations.backup.public_access_block.block_public_acls: false -> true",
            "destinations.backup.public_access_block.block_public_policy: false -> true",
            "destinations.backup.public_access_block.ignore_public_acls: false -> true",
            "destinations.backup.public_access_block.restrict_public_buckets: false -> true",
        ],
        repaired by ["PutPublicAccessBlock acme-archive-backup"];

    object_ownership_is_another: whole,
        |aws| bucket(aws, BACKUP).ownership = "ObjectWriter".to_owned(),
        shows ["destinations.backup.object_ownership: ObjectWriter -> BucketOwnerEnforced"],
        repaired by ["PutBucketOwnershipControls acme-archive-backup"];

    a_tag_of_a_bucket_is_changed: whole,
        |aws| drop(tags(aws, BACKUP).insert("side".to_owned(), "other".to_owned())),
        shows [
            "destinations.backup.tags.side: other -> backup",
            "destinations.backup.tags_all.side: other -> backup",
        ],
        repaired by ["PutBucketTagging acme-archive-backup"];

    an_inherited_tag_of_a_bucket_is_changed: whole,
        |aws| drop(tags(aws, SOURCE).insert("team".to_owned(), "other".to_owned())),
        shows ["source.tags: { team = other } -> null", "source.tags_all.team: other -> archive"],
        repaired by ["PutBucketTagging acme-archive"];

    a_tag_of_a_bucket_is_added: whole,
        |aws| drop(tags(aws, BACKUP).insert("by".to_owned(), "hand".to_owned())),
        shows ["destinations.backup.tags.by: hand -> null", "destinations.backup.tags_all.by: hand -> null"],
        repaired by ["PutBucketTagging acme-archive-backup"];

    a_tag_of_a_bucket_is_removed: whole,
        |aws| drop(tags(aws, BACKUP).remove("side")),
        shows [
            "destinations.backup.tags.side: null -> backup",
            "destinations.backup.tags_all.side: null -> backup",
        ],
        repaired by ["PutBucketTagging acme-archive-backup"];

    an_inherited_tag_of_a_bucket_is_removed: whole,
        |aws| drop(tags(aws, BACKUP).remove("team")),
        shows ["destinations.backup.tags_all.team: null -> archive"],
        repaired by ["PutBucketTagging acme-archive-backup"];

    all_tags_of_a_bucket_are_gone: whole,
        |aws| tags(aws, BACKUP).retain(|key, _| key == "replicated:created"),
        shows [
            "destinations.backup.tags.side: null -> backup",
            "destinations.backup.tags_all.side: null -> backup",
            "destinations.backup.tags_all.team: null -> archive",
        ],
        repaired by ["PutBucketTagging acme-archive-backup"];

    a_lifecycle_rule_is_added: with_lifecycle_rules,
        expire_all,
        shows [
            "destinations.backup.lifecycle_rules.by-hand: { enabled = true, expiration = { days = 1 }, whole_bucket = true } -> null",
        ],
        repaired by ["PutBucketLifecycleConfiguration acme-archive-backup"];

    a_lifecycle_rule_is_added_where_there_are_none: whole,
        expire_all,
        shows [
            "destinations.backup.lifecycle_rules: { by-hand = { enabled = true, expiration = { days = 1 }, whole_bucket = true } } -> null",
            "destinations.backup.lifecycle_transition_default_minimum_object_size: all_storage_classes_128K -> null",
        ],
        repaired by ["DeleteBucketLifecycle acme-archive-backup"];

    a_lifecycle_rule_is_gone: with_lifecycle_rules,
        |aws| drop(bucket(aws, BACKUP).lifecycle.as_mut().unwrap().rules.remove("logs")),
        shows ["destinations.backup.lifecycle_rules.logs: null -> { ... }"],
        repaired by ["PutBucketLifecycleConfiguration acme-archive-backup"];

    all_lifecycle_rules_are_gone: with_lifecycle_rules,
        |aws| bucket(aws, BACKUP).lifecycle = None,
        shows [
            "destinations.backup.lifecycle_rules: null -> { ... }",
            "destinations.backup.lifecycle_transition_default_minimum_object_size: null -> all_storage_classes_128K",
        ],
        repaired by ["PutBucketLifecycleConfiguration acme-archive-backup"];

    a_lifecycle_rule_is_off: with_lifecycle_rules,
        |aws| lifecycle_rule(aws, "logs").enabled = false,
        shows ["destinations.backup.lifecycle_rules.logs.enabled: false -> true"],
        repaired by ["PutBucketLifecycleConfiguration acme-archive-backup"];

    a_lifecycle_rule_has_another_prefix: with_lifecycle_rules,
        |aws| lifecycle_rule(aws, "logs").scope.prefix = Some("data/".to_owned()),
        shows ["destinations.backup.lifecycle_rules.logs.prefix: data/ -> logs/"],
        repaired by ["PutBucketLifecycleConfiguration acme-archive-backup"];

    a_lifecycle_rule_is_about_other_tags: with_lifecycle_rules,
        |aws| drop(lifecycle_rule(aws, "logs").scope.tags.insert("kind".to_owned(), "data".to_owned())),
        shows ["destinations.backup.lifecycle_rules.logs.tags.kind: data -> log"],
        repaired by ["PutBucketLifecycleConfiguration acme-archive-backup"];

    a_lifecycle_rule_is_about_larger_objects: with_lifecycle_rules,
        |aws| {
            lifecycle_rule(aws, "logs").scope.object_size_greater_than = Some(2000);
            lifecycle_rule(aws, "logs").scope.object_size_less_than = None;
        },
        shows [
            "destinations.backup.lifecycle_rules.logs.object_size_greater_than: 2000 -> 1000",
            "destinations.backup.lifecycle_rules.logs.object_size_less_than: null -> 1000000",
        ],
        repaired by ["PutBucketLifecycleConfiguration acme-archive-backup"];

    objects_expire_sooner: with_lifecycle_rules,
        |aws| lifecycle_rule(aws, "logs").expiration = Some(Expiration::At(Moment::Days(40))),
        shows ["destinations.backup.lifecycle_rules.logs.expiration.days: 40 -> 400"],
        repaired by ["PutBucketLifecycleConfiguration acme-archive-backup"];

    noncurrent_versions_expire_sooner: with_lifecycle_rules,
        |aws| {
            let sooner = Noncurrent { days: 40, newer_versions: Some(1) };
            lifecycle_rule(aws, "logs").noncurrent_version_expiration = Some(sooner);
        },
        shows [
            "destinations.backup.lifecycle_rules.logs.noncurrent_version_expiration.newer_noncurrent_versions: 1 -> 3",
            "destinations.backup.lifecycle_rules.logs.noncurrent_version_expiration.noncurrent_days: 40 -> 100",
        ],
        repaired by ["PutBucketLifecycleConfiguration acme-archive-backup"];

    objects_move_to_another_class: with_lifecycle_rules,
        |aws| lifecycle_rule(aws, "logs").transitions = BTreeMap::from([("DEEP_ARCHIVE".to_owned(), Moment::Days(30))]),
        shows [
            "destinations.backup.lifecycle_rules.logs.transitions: [{ days = 30, storage_class = DEEP_ARCHIVE }] -> [{ days = 30, storage_class = GLACIER }]",
        ],
        repaired by ["PutBucketLifecycleConfiguration acme-archive-backup"];

    noncurrent_versions_move_no_more: with_lifecycle_rules,
        |aws| lifecycle_rule(aws, "logs").noncurrent_version_transitions.clear(),
        shows [
            "destinations.backup.lifecycle_rules.logs.noncurrent_version_transitions: null -> [{ noncurrent_days = 30, storage_class = GLACIER }]",
        ],
        repaired by ["PutBucketLifecycleConfiguration acme-archive-backup"];

    uploads_are_given_up_later: with_lifecycle_rules,
        |aws| lifecycle_rule(aws, "uploads").abort_incomplete_multipart_upload_days = Some(70),
        shows ["destinations.backup.lifecycle_rules.uploads.abort_incomplete_multipart_upload_days: 70 -> 7"],
        repaired by ["PutBucketLifecycleConfiguration acme-archive-backup"];

    small_objects_transition_too: with_lifecycle_rules,
        |aws| {
            let lifecycle = bucket(aws, BACKUP).lifecycle.as_mut().unwrap();
            lifecycle.transition_default_minimum_object_size = Some("varies_by_storage_class".to_owned());
        },
        shows [
            "destinations.backup.lifecycle_transition_default_minimum_object_size: varies_by_storage_class -> all_storage_classes_128K",
        ],
        repaired by ["PutBucketLifecycleConfiguration acme-archive-backup"];

    default_retention_has_another_mode: locked,
        |aws| retention(aws).mode = "COMPLIANCE".to_owned(),
        shows ["destinations.backup.object_lock.mode: COMPLIANCE -> GOVERNANCE"],
        repaired by ["PutObjectLockConfiguration acme-archive-backup"];

    default_retention_is_shorter: locked,
        |aws| retention(aws).period = RetentionPeriod::Days(1),
        shows ["destinations.backup.object_lock.days: 1 -> 30"],
        repaired by ["PutObjectLockConfiguration acme-archive-backup"];

    default_retention_is_in_years: locked,
        |aws| retention(aws).period = RetentionPeriod::Years(1),
        shows [
            "destinations.backup.object_lock.days: null -> 30",
            "destinations.backup.object_lock.years: 1 -> null",
        ],
        repaired by ["PutObjectLockConfiguration acme-archive-backup"];

    default_retention_is_gone: locked,
        |aws| bucket(aws, BACKUP).object_lock = Some(ObjectLock::default()),
        shows [
            "destinations.backup.object_lock.days: null -> 30",
            "destinations.backup.object_lock.mode: null -> GOVERNANCE",
        ],
        repaired by ["PutObjectLockConfiguration acme-archive-backup"];

    a_default_retention_is_there: without_default_retention,
        |aws| {
            let retention = DefaultRetention { mode: "GOVERNANCE".to_owned(), period: RetentionPeriod::Days(1) };
            bucket(aws, BACKUP).object_lock = Some(ObjectLock { default_retention: Some(retention) });
        },
        shows [
            "destinations.backup.object_lock.days: 1 -> null",
            "destinations.backup.object_lock.mode: GOVERNANCE -> null",
        ],
        repaired by ["PutObjectLockConfiguration acme-archive-backup"];

    the_source_is_gone: whole,
        |aws| drop(aws.buckets.remove(SOURCE)),
        shows [
            "components.source/bucket: (missing)",
            "components.source/replication: (missing)",
        ],
        repaired by [
            "CreateBucket acme-archive",
            "PutBucketEncryption acme-archive",
            "PutBucketReplication acme-archive",
            "PutBucketVersioning acme-archive",
            "PutPublicAccessBlock acme-archive",
        ];

    the_destination_is_gone: whole,
        |aws| drop(aws.buckets.remove(BACKUP)),
        shows [
            "components.destination/backup/bucket: (missing)",
            "components.destination/backup/bucket_policy: (statements missing)",
        ],
        repaired by [
            "CreateBucket acme-archive-backup",
            "PutBucketEncryption acme-archive-backup",
            "PutBucketPolicy acme-archive-backup",
            "PutBucketVersioning acme-archive-backup",
            "PutPublicAccessBlock acme-archive-backup",
        ];

    a_locked_destination_is_gone: locked,
        |aws| drop(aws.buckets.remove(BACKUP)),
        shows [
            "components.destination/backup/bucket: (missing)",
            "components.destination/backup/bucket_policy: (statements missing)",
        ],
        repaired by [
            "CreateBucket acme-archive-backup",
            "PutBucketEncryption acme-archive-backup",
            "PutBucketPolicy acme-archive-backup",
            "PutObjectLockConfiguration acme-archive-backup",
            "PutPublicAccessBlock acme-archive-backup",
        ];

    the_destination_and_its_key_are_gone: whole,
        |aws| {
            let arn = key_arn(aws, BACKUP);
            aws.keys.remove(&arn);
            aws.aliases.retain(|_, target| *target != arn);
            aws.buckets.remove(BACKUP);
        },
        shows [
            "components.destination/backup/alias: (missing)",
            "components.destination/backup/bucket: (missing)",
            "components.destination/backup/bucket_policy: (statements missing)",
            "components.destination/backup/key: <key of acme-archive-backup> (missing) -> (known after apply)",
            "destinations.backup.kms_key_arn: null -> (known after apply)",
            "destinations.backup.kms_key_id: null -> (known after apply)",
            "role.policy_json: <ReadSourceBucket, ReadSourceObjects, DecryptSourceObjects, WriteReplicas, EncryptReplicasAndBucketKeysInUsWest2> -> (known after apply)",
        ],
        repaired by [
            "CreateAlias alias/acme-archive-backup",
            "CreateBucket acme-archive-backup",
            "CreateKey new key \"Encrypts the objects of S3 bucket acme-archive-backup\"",
            "EnableKeyRotation <key of acme-archive-backup>",
            "PutBucketEncryption acme-archive-backup",
            "PutBucketPolicy acme-archive-backup",
            "PutBucketReplication acme-archive",
            "PutBucketVersioning acme-archive-backup",
            "PutPublicAccessBlock acme-archive-backup",
            "PutRolePolicy replication-acme-archive",
        ];

    the_source_was_made_again: whole,
        |aws| make_again(aws, SOURCE),
        shows [
            "components.source/bucket: (versioning off)",
            "components.source/replication: (missing)",
            "source.encryption.bucket_key_enabled: false -> true",
            "source.encryption.sse_algorithm: AES256 -> aws:kms",
            "source.tags_all.team: null -> archive",
        ],
        repaired by [
            "PutBucketEncryption acme-archive",
            "PutBucketReplication acme-archive",
            "PutBucketTagging acme-archive",
            "PutBucketVersioning acme-archive",
        ];

    the_destination_was_made_again: whole,
        |aws| make_again(aws, BACKUP),
        shows [
            "components.destination/backup/bucket: (versioning off)",
            "components.destination/backup/bucket_policy: (statements missing)",
            "destinations.backup.encryption.bucket_key_enabled: false -> true",
            "destinations.backup.encryption.sse_algorithm: AES256 -> aws:kms",
            "destinations.backup.tags.side: null -> backup",
            "destinations.backup.tags_all.side: null -> backup",
            "destinations.backup.tags_all.team: null -> archive",
        ],
        repaired by [
            "PutBucketEncryption acme-archive-backup",
            "PutBucketPolicy acme-archive-backup",
            "PutBucketTagging acme-archive-backup",
            "PutBucketVersioning acme-archive-backup",
        ];
}
