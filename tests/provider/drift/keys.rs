//! Keys of ours and their aliases. Their policies are among the policies.

use serde_json::{Value as Json, json};

use super::configs::{whole, with_a_disabled_key, with_settings_of_the_key, without_rotation};
use super::{BACKUP, SOURCE, bucket, key, key_arn};
use crate::as_text::picture;
use crate::configs::{ABROAD, with};
use crate::fake::State;
use crate::random::existing_key;
use crate::terraform::{Terraform, differences};

fn schedule_deletion(aws: &mut State, bucket: &str) {
    let key = key(aws, bucket);
    key.state = "PendingDeletion".to_owned();
    key.window_days = Some(30);
}

fn alias<'a>(aws: &'a mut State, name: &str) -> &'a mut String {
    let mut aliases = aws.aliases.iter_mut();
    aliases.find(|((_, _, alias), _)| alias == name).unwrap().1
}

differences! {
    the_key_of_the_source_is_disabled: whole,
        |aws| key(aws, SOURCE).state = "Disabled".to_owned(),
        shows ["source.encryption.key.enabled: false -> true"],
        repaired by ["EnableKey <key of acme-archive>"];

    the_key_of_the_destination_is_disabled: whole,
        |aws| key(aws, BACKUP).state = "Disabled".to_owned(),
        shows [
            "destinations.backup.encryption.key.enabled: false -> true",
        ],
        repaired by ["EnableKey <key of acme-archive-backup>"];

    a_key_that_is_meant_to_be_disabled_is_enabled: with_a_disabled_key,
        |aws| key(aws, BACKUP).state = "Enabled".to_owned(),
        shows ["destinations.backup.encryption.key.enabled: true -> false"],
        repaired by ["DisableKey <key of acme-archive-backup>"];

    the_key_of_the_source_is_about_to_be_deleted: whole,
        |aws| schedule_deletion(aws, SOURCE),
        shows ["components.source/key: (deletion scheduled for 2026-12-21T00:00:00Z)"],
        repaired by [
            "CancelKeyDeletion <key of acme-archive>",
            "EnableKey <key of acme-archive>",
            "EnableKeyRotation <key of acme-archive>",
        ];

    the_key_of_the_destination_is_about_to_be_deleted: whole,
        |aws| schedule_deletion(aws, BACKUP),
        shows ["components.destination/backup/key: (deletion scheduled for 2026-12-21T00:00:00Z)"],
        repaired by [
            "CancelKeyDeletion <key of acme-archive-backup>",
            "EnableKey <key of acme-archive-backup>",
            "EnableKeyRotation <key of acme-archive-backup>",
        ];

    a_key_that_is_meant_to_be_disabled_is_about_to_be_deleted: with_a_disabled_key,
        |aws| schedule_deletion(aws, BACKUP),
        shows ["components.destination/backup/key: (deletion scheduled for 2026-12-21T00:00:00Z)"],
        repaired by [
            "CancelKeyDeletion <key of acme-archive-backup>",
            "DisableKey <key of acme-archive-backup>",
            "EnableKey <key of acme-archive-backup>",
            "EnableKeyRotation <key of acme-archive-backup>",
        ];

    the_key_of_the_source_is_gone: whole,
        |aws| {
            let arn = key_arn(aws, SOURCE);
            aws.keys.remove(&arn);
            // As if no object were under it: those would be lost.
            bucket(aws, SOURCE).keys_used.clear();
            aws.aliases.retain(|_, target| *target != arn);
        },
        shows [
            "components.source/alias: (missing)",
            "components.source/key: <key of acme-archive> (missing) -> (known after apply)",
            "role.policy_json: <ReadSourceBucket, ReadSourceObjects, DecryptSourceObjects, WriteReplicas, EncryptReplicasAndBucketKeysInUsWest2> -> (known after apply)",
            "source.kms_key_arn: null -> (known after apply)",
            "source.kms_key_id: null -> (known after apply)",
        ],
        repaired by [
            "CreateAlias alias/acme-archive",
            "CreateKey new key \"Encrypts the objects of S3 bucket acme-archive\"",
            "EnableKeyRotation <key of acme-archive>",
            "PutBucketEncryption acme-archive",
            "PutRolePolicy replication-acme-archive",
        ];

    the_key_of_the_destination_is_gone: whole,
        |aws| {
            let arn = key_arn(aws, BACKUP);
            aws.keys.remove(&arn);
            aws.aliases.retain(|_, target| *target != arn);
        },
        shows [
            "components.destination/backup/alias: (missing)",
            "components.destination/backup/key: <key of acme-archive-backup> (missing) -> (known after apply)",
            "destinations.backup.kms_key_arn: null -> (known after apply)",
            "destinations.backup.kms_key_id: null -> (known after apply)",
            "role.policy_json: <ReadSourceBucket, ReadSourceObjects, DecryptSourceObjects, WriteReplicas, EncryptReplicasAndBucketKeysInUsWest2> -> (known after apply)",
        ],
        repaired by [
            "CreateAlias alias/acme-archive-backup",
            "CreateKey new key \"Encrypts the objects of S3 bucket acme-archive-backup\"",
            "EnableKeyRotation <key of acme-archive-backup>",
            "PutBucketEncryption acme-archive-backup",
            "PutBucketReplication acme-archive",
            "PutRolePolicy replication-acme-archive",
        ];

    a_key_is_not_rotated: whole,
        |aws| key(aws, BACKUP).rotation = None,
        shows ["destinations.backup.encryption.key.enable_key_rotation: false -> true"],
        repaired by ["EnableKeyRotation <key of acme-archive-backup>"];

    a_key_is_rotated_that_is_not_to_be: without_rotation,
        |aws| key(aws, BACKUP).rotation = Some(365),
        shows [
            "destinations.backup.encryption.key.enable_key_rotation: true -> false",
            "destinations.backup.encryption.key.rotation_period_in_days: 365 -> null",
        ],
        repaired by ["DisableKeyRotation <key of acme-archive-backup>"];

    a_key_is_rotated_more_often: whole,
        |aws| key(aws, BACKUP).rotation = Some(90),
        shows ["destinations.backup.encryption.key.rotation_period_in_days: 90 -> 365"],
        repaired by ["EnableKeyRotation <key of acme-archive-backup>"];

    a_key_is_rotated_less_often: with_settings_of_the_key,
        |aws| key(aws, BACKUP).rotation = Some(365),
        shows ["destinations.backup.encryption.key.rotation_period_in_days: 365 -> 90"],
        repaired by ["EnableKeyRotation <key of acme-archive-backup>"];

    a_disabled_key_that_is_not_rotated: whole,
        |aws| {
            key(aws, BACKUP).rotation = None;
            key(aws, BACKUP).state = "Disabled".to_owned();
        },
        shows [
            "destinations.backup.encryption.key.enable_key_rotation: false -> true",
            "destinations.backup.encryption.key.enabled: false -> true",
        ],
        repaired by [
            "EnableKey <key of acme-archive-backup>",
            "EnableKeyRotation <key of acme-archive-backup>",
        ];

    a_key_is_described_otherwise: whole,
        |aws| key(aws, BACKUP).description = "by hand".to_owned(),
        shows [
            "destinations.backup.encryption.key.description: by hand -> Encrypts the objects of S3 bucket acme-archive-backup",
        ],
        repaired by ["UpdateKeyDescription <key of acme-archive-backup>"];

    a_key_has_lost_its_description: with_settings_of_the_key,
        |aws| key(aws, BACKUP).description.clear(),
        shows [
            "destinations.backup.encryption.key.description:  -> Encrypts the objects of S3 bucket acme-archive-backup",
        ],
        repaired by ["UpdateKeyDescription <key of acme-archive-backup>"];

    a_tag_of_a_key_is_changed: with_settings_of_the_key,
        |aws| drop(key(aws, BACKUP).tags.insert("kind".to_owned(), "other".to_owned())),
        shows [
            "destinations.backup.encryption.key.tags.kind: other -> key",
            "destinations.backup.encryption.key.tags_all.kind: other -> key",
        ],
        repaired by ["TagResource <key of acme-archive-backup>"];

    a_tag_of_a_key_is_added: whole,
        |aws| drop(key(aws, BACKUP).tags.insert("by".to_owned(), "hand".to_owned())),
        shows [
            "destinations.backup.encryption.key.tags: { by = hand } -> null",
            "destinations.backup.encryption.key.tags_all.by: hand -> null",
        ],
        repaired by ["UntagResource <key of acme-archive-backup>"];

    a_tag_of_a_key_is_removed: with_settings_of_the_key,
        |aws| drop(key(aws, BACKUP).tags.remove("kind")),
        shows [
            "destinations.backup.encryption.key.tags.kind: null -> key",
            "destinations.backup.encryption.key.tags_all.kind: null -> key",
        ],
        repaired by ["TagResource <key of acme-archive-backup>"];

    an_inherited_tag_of_a_key_is_removed: whole,
        |aws| drop(key(aws, BACKUP).tags.remove("side")),
        shows ["destinations.backup.encryption.key.tags_all.side: null -> backup"],
        repaired by ["TagResource <key of acme-archive-backup>"];

    an_alias_is_gone: whole,
        |aws| aws.aliases.retain(|(_, _, alias), _| alias != "alias/acme-archive"),
        shows ["components.source/alias: (missing)"],
        repaired by ["CreateAlias alias/acme-archive"];

    an_alias_leads_to_the_key_of_somebody_else: whole,
        |aws| *alias(aws, "alias/acme-archive-backup") = existing_key((ABROAD, "us-west-2"), 0),
        shows [
            "components.destination/backup/alias: (leads to arn:aws:kms:us-west-2:222222222222:key/00000000-0000-4000-8000-000000000000)",
        ],
        repaired by ["UpdateAlias alias/acme-archive-backup"];
}

/// A source that has been under two keys; and the first one.
async fn under_another_key() -> (Terraform, Json, String) {
    let mut terraform = Terraform::new();
    terraform.converge(&whole()).await;
    let arn = key_arn(&terraform.cloud.aws.state(), SOURCE);
    let key = json!({ "multi_region": true });
    let config = with(&whole(), "source.encryption.key", key);
    terraform.converge(&config).await;
    (terraform, config, arn)
}

#[tokio::test(start_paused = true)]
async fn a_key_of_before_that_is_about_to_be_deleted_shows_under_its_own_name_and_is_brought_back()
{
    let (mut terraform, config, arn) = under_another_key().await;
    {
        let mut aws = terraform.cloud.aws.state();
        let key = aws.keys.get_mut(&arn).unwrap();
        key.state = "PendingDeletion".to_owned();
        key.window_days = Some(30);
    }
    let plan = terraform.plan(&config).await;
    let id = arn.rsplit('/').next().unwrap();
    assert_eq!(
        differences(&terraform.state, &plan.planned),
        [format!(
            "components.source/retired_key/{id}: {arn} (deletion scheduled for 2026-12-21T00:00:00Z) -> {arn}"
        )]
    );
    terraform.converge(&config).await;
    assert_eq!(terraform.cloud.aws.state().keys[&arn].state, "Enabled");
}

#[tokio::test(start_paused = true)]
async fn a_key_of_before_that_is_gone_is_told_and_leaves_the_state() {
    let (mut terraform, config, arn) = under_another_key().await;
    {
        let mut aws = terraform.cloud.aws.state();
        aws.keys.remove(&arn);
        bucket(&mut aws, SOURCE).keys_used.clear();
    }
    let said = terraform.refresh().await;
    assert_eq!(said.warnings, ["source: A key of source is gone"]);
    assert!(said.warning_details[0].contains(&arn));
    assert!(!terraform.at("/components").to_string().contains(&arn));
    // The role's policy does not name it any more.
    terraform.converge(&config).await;
    assert!(!picture(&terraform.cloud.aws.state()).contains(&arn));
}
