//! The replication configuration: each field of a rule, rules that come and go, and its role.

use terraform_provider_replicated::replication::operation::{Input, ReplicationRule, RuleFilter};

use super::configs::{
    whole, with_a_paused_destination, with_a_paused_rule, with_a_whole_rule, with_two_rules,
};
use super::{SOURCE, bucket, replication, rule};
use crate::configs::ABROAD;
use crate::fake::State;
use crate::random::{existing_key, existing_role};

/// The rule `logs` of two.
fn logs(aws: &mut State) -> &mut ReplicationRule {
    let mut rules = replication(aws, SOURCE).rules.iter_mut();
    rules.find(|rule| rule.id.ends_with("/logs")).unwrap()
}

fn filter(rule: &mut ReplicationRule) -> &mut RuleFilter {
    rule.filter.as_mut().unwrap()
}

fn another_key() -> Option<Input<String>> {
    Some(Input::Known(existing_key((ABROAD, "us-west-2"), 0)))
}

/// A rule beside ours, as somebody writes it.
fn beside(aws: &mut State) -> ReplicationRule {
    ReplicationRule {
        id: "by-hand".to_owned(),
        priority: Some(50),
        ..rule(aws).clone()
    }
}

differences! {
    the_rule_is_paused: whole,
        |aws| rule(aws).enabled = false,
        shows [
            "destinations.backup.enabled: false -> true",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    a_paused_rule_is_enabled: with_a_paused_rule,
        |aws| rule(aws).enabled = true,
        shows [
            "destinations.backup.enabled: true -> false",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    a_rule_of_a_paused_destination_is_enabled: with_a_paused_destination,
        |aws| logs(aws).enabled = true,
        shows [
            "components.source/replication: (rule changed: replicated-backup/logs)",
            "destinations.backup.rules.logs.enabled: true -> false",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_has_another_priority: whole,
        |aws| rule(aws).priority = Some(99),
        shows [
            "components.source/replication: (rule changed: replicated-backup; priority of replicated-backup is 99)",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_has_another_priority_than_was_written: with_a_whole_rule,
        |aws| rule(aws).priority = Some(99),
        shows [
            "components.source/replication: (rule changed: replicated-backup; priority of replicated-backup is 99)",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_has_a_prefix: whole,
        |aws| filter(rule(aws)).prefix = Some("theirs/".to_owned()),
        shows [
            "destinations.backup.filter: { prefix = theirs/ } -> null",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_has_another_prefix: with_a_whole_rule,
        |aws| filter(rule(aws)).prefix = Some("theirs/".to_owned()),
        shows [
            "destinations.backup.filter.prefix: theirs/ -> data/",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_has_a_tag_filter: whole,
        |aws| drop(filter(rule(aws)).tags.insert("by".to_owned(), "hand".to_owned())),
        shows [
            "destinations.backup.filter: { tags = { by = hand } } -> null",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_has_lost_its_tag_filter: with_a_whole_rule,
        |aws| filter(rule(aws)).tags.clear(),
        shows [
            "destinations.backup.filter.tags: null -> { keep = yes }",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_has_lost_its_filter: with_a_whole_rule,
        |aws| *filter(rule(aws)) = RuleFilter::default(),
        shows [
            "destinations.backup.filter: null -> { prefix = data/, tags = { keep = yes } }",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_replicates_delete_markers: whole,
        |aws| rule(aws).delete_marker_replication = Some(true),
        shows [
            "destinations.backup.delete_marker_replication: true -> false",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_syncs_replica_modifications: whole,
        |aws| rule(aws).replica_modifications = Some(true),
        shows [
            "destinations.backup.replica_modification_sync: true -> false",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_syncs_no_replica_modifications: with_a_whole_rule,
        |aws| rule(aws).replica_modifications = None,
        shows [
            "destinations.backup.replica_modification_sync: false -> true",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_has_replication_time_control: whole,
        |aws| {
            rule(aws).replication_time = Some((true, 15));
            rule(aws).metrics = Some((true, Some(15)));
        },
        shows [
            "destinations.backup.metrics: true -> false",
            "destinations.backup.replication_time_control: true -> false",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_has_lost_replication_time_control: with_a_whole_rule,
        |aws| {
            rule(aws).replication_time = None;
            rule(aws).metrics = None;
        },
        shows [
            "destinations.backup.metrics: false -> true",
            "destinations.backup.replication_time_control: false -> true",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_has_lost_replication_time_control_and_not_metrics: with_a_whole_rule,
        |aws| {
            rule(aws).replication_time = None;
            rule(aws).metrics = Some((true, None));
        },
        shows [
            "destinations.backup.replication_time_control: false -> true",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_has_metrics: whole,
        |aws| rule(aws).metrics = Some((true, None)),
        shows [
            "destinations.backup.metrics: true -> false",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_has_a_storage_class: whole,
        |aws| rule(aws).storage_class = Some("GLACIER".to_owned()),
        shows [
            "destinations.backup.storage_class: GLACIER -> null",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_has_another_storage_class: with_a_whole_rule,
        |aws| rule(aws).storage_class = Some("GLACIER".to_owned()),
        shows [
            "destinations.backup.storage_class: GLACIER -> STANDARD_IA",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_overrides_the_owner: whole,
        |aws| rule(aws).owner_override = true,
        shows [
            "destinations.backup.owner_override: true -> false",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_leaves_the_owner: with_a_whole_rule,
        |aws| rule(aws).owner_override = false,
        shows [
            "destinations.backup.owner_override: false -> true",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_names_no_account: whole,
        |aws| rule(aws).account = None,
        shows [
            "components.source/replication: (rule changed: replicated-backup; account of replicated-backup is none)",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_leads_to_another_bucket: whole,
        |aws| rule(aws).bucket_arn = "arn:aws:s3:::acme-elsewhere".to_owned(),
        shows [
            "components.source/replication: (rule changed: replicated-backup; bucket of replicated-backup is arn:aws:s3:::acme-elsewhere)",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_passes_over_encrypted_objects: whole,
        |aws| {
            rule(aws).sse_kms_encrypted_objects = None;
            rule(aws).replica_kms_key = None;
        },
        shows [
            "destinations.backup.replicate_encrypted_objects: false -> true",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_has_another_key: whole,
        |aws| rule(aws).replica_kms_key = another_key(),
        shows [
            "components.source/replication: (rule changed: replicated-backup; key of replicated-backup is arn:aws:kms:us-west-2:222222222222:key/00000000-0000-4000-8000-000000000000)",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    the_rule_is_of_the_first_version: whole,
        |aws| {
            let rule = rule(aws);
            rule.filter = None;
            rule.v1_prefix = Some(String::new());
            rule.priority = None;
            rule.delete_marker_replication = None;
        },
        shows [
            "components.source/replication: (rule changed: replicated-backup)",
            "destinations.backup.delete_marker_replication: true -> false",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    one_of_several_rules_is_paused: with_two_rules,
        |aws| logs(aws).enabled = false,
        shows [
            "destinations.backup.rules.logs.enabled: false -> true",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    one_of_several_rules_has_another_priority: with_two_rules,
        |aws| logs(aws).priority = Some(99),
        shows [
            "components.source/replication: (rule changed: replicated-backup/logs; priority of replicated-backup/logs is 99)",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    one_of_several_rules_has_another_filter: with_two_rules,
        |aws| filter(logs(aws)).prefix = Some("theirs/".to_owned()),
        shows [
            "destinations.backup.rules.logs.filter.prefix: theirs/ -> logs/",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    one_of_several_rules_replicates_delete_markers: with_two_rules,
        |aws| logs(aws).delete_marker_replication = Some(true),
        shows [
            "destinations.backup.rules.logs.delete_marker_replication: true -> false",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    one_of_several_rules_syncs_replica_modifications: with_two_rules,
        |aws| logs(aws).replica_modifications = Some(true),
        shows [
            "destinations.backup.rules.logs.replica_modification_sync: true -> false",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    one_of_several_rules_has_replication_time_control: with_two_rules,
        |aws| {
            logs(aws).replication_time = Some((true, 15));
            logs(aws).metrics = Some((true, Some(15)));
        },
        shows [
            "destinations.backup.rules.logs.metrics: true -> false",
            "destinations.backup.rules.logs.replication_time_control: true -> false",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    one_of_several_rules_has_metrics: with_two_rules,
        |aws| logs(aws).metrics = Some((true, None)),
        shows [
            "destinations.backup.rules.logs.metrics: true -> false",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    one_of_several_rules_has_a_storage_class: with_two_rules,
        |aws| logs(aws).storage_class = Some("GLACIER".to_owned()),
        shows [
            "destinations.backup.rules.logs.storage_class: GLACIER -> null",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    one_of_several_rules_overrides_the_owner: with_two_rules,
        |aws| logs(aws).owner_override = true,
        shows [
            "destinations.backup.rules.logs.owner_override: true -> false",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    one_of_several_rules_passes_over_encrypted_objects: with_two_rules,
        |aws| {
            logs(aws).sse_kms_encrypted_objects = None;
            logs(aws).replica_kms_key = None;
        },
        shows [
            "destinations.backup.rules.logs.replicate_encrypted_objects: false -> true",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    one_of_several_rules_has_another_key: with_two_rules,
        |aws| logs(aws).replica_kms_key = another_key(),
        shows [
            "destinations.backup.rules.logs.replica_kms_key_arn: arn:aws:kms:us-west-2:222222222222:key/00000000-0000-4000-8000-000000000000 -> null",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    one_of_several_rules_is_gone: with_two_rules,
        |aws| replication(aws, SOURCE).rules.retain(|rule| rule.id.ends_with("/all")),
        shows ["components.source/replication: (rule missing: replicated-backup/logs)"],
        repaired by ["PutBucketReplication acme-archive"];

    one_of_several_rules_has_another_id: with_two_rules,
        |aws| logs(aws).id = "by-hand".to_owned(),
        shows [
            "components.source/replication: (rule missing: replicated-backup/logs; unknown rule: by-hand)",
        ],
        repaired by ["PutBucketReplication acme-archive"];

    a_rule_is_added: whole,
        |aws| {
            let theirs = beside(aws);
            replication(aws, SOURCE).rules.push(theirs);
        },
        shows ["components.source/replication: (unknown rule: by-hand)"],
        repaired by ["PutBucketReplication acme-archive"];

    a_rule_stands_in_the_place_of_ours: whole,
        |aws| replication(aws, SOURCE).rules = vec![beside(aws)],
        shows ["components.source/replication: (rule missing: replicated-backup; unknown rule: by-hand)"],
        repaired by ["PutBucketReplication acme-archive"];

    the_replication_configuration_is_gone: whole,
        |aws| bucket(aws, SOURCE).replication = None,
        shows ["components.source/replication: (missing)"],
        repaired by ["PutBucketReplication acme-archive"];

    the_replication_configuration_has_another_role: whole,
        |aws| replication(aws, SOURCE).role = existing_role("111111111111"),
        shows ["components.source/replication: (role is arn:aws:iam::111111111111:role/service/Existing)"],
        repaired by ["PutBucketReplication acme-archive"];
}
