//! What is ours in buckets of somebody else's.

use terraform_provider_replicated::replication::operation::ReplicationRule;

use super::configs::theirs;
use super::{bucket, replication, without_statement};
use crate::existing::{SOURCE, TARGET};
use crate::fake::State;

fn ours(aws: &mut State) -> &mut ReplicationRule {
    let mut rules = replication(aws, SOURCE).rules.iter_mut();
    rules.find(|rule| rule.id == "replicated-archive").unwrap()
}

differences! {
    our_rule_beside_theirs_is_paused: theirs,
        |aws| ours(aws).enabled = false,
        shows [
            "destinations.archive.enabled: false -> true",
        ],
        repaired by ["PutBucketReplication their-source"];

    our_rule_beside_theirs_has_another_class: theirs,
        |aws| ours(aws).storage_class = Some("GLACIER".to_owned()),
        shows [
            "destinations.archive.storage_class: GLACIER -> null",
        ],
        repaired by ["PutBucketReplication their-source"];

    our_rule_beside_theirs_is_gone: theirs,
        |aws| replication(aws, SOURCE).rules.retain(|rule| rule.id != "replicated-archive"),
        shows ["components.source/replication: (rule missing: replicated-archive)"],
        repaired by ["PutBucketReplication their-source"];

    our_statement_beside_theirs_is_gone: theirs,
        |aws| without_statement(bucket(aws, TARGET).policy.as_mut().unwrap(), "ReplicatedObjects"),
        shows ["components.destination/archive/bucket_policy: (statements changed)"],
        repaired by ["PutBucketPolicy their-target"];
}
