//! The AWS in memory as the evaluator of the test support sees an AWS.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use support::evaluator::{Bucket, Encryption, Key, Picture, Replication, Role, Rule};
use terraform_provider_replicated::replication::operation::{
    Input, ReplicationConfiguration, ReplicationRule,
};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::fake::{self, State};

const OWNER_TAG: &str = "replicated:owner";
const COMPONENT_TAG: &str = "replicated:component";

/// Everything that there is.
pub(crate) fn picture(aws: &State) -> Picture {
    let shown = |document: &PolicyDocument| json_of(&aws.shown(document).render().unwrap());
    let buckets = aws.buckets.iter();
    let keys = aws
        .keys
        .iter()
        .filter(|(_, key)| key.state != "PendingDeletion");
    Picture {
        buckets: buckets
            .map(|(name, bucket)| {
                let policy = bucket.policy.as_ref().map_or(Json::Null, shown);
                (name.clone(), bucket_of(name, bucket, policy))
            })
            .collect(),
        roles: aws
            .roles
            .values()
            .map(|role| (role.description.arn.clone(), role_of(aws, role)))
            .collect(),
        keys: keys
            .map(|(arn, key)| (arn.clone(), key_of(arn, key, shown(&key.policy))))
            .collect(),
    }
}

fn bucket_of(name: &str, bucket: &fake::Bucket, policy: Json) -> Bucket {
    let encryption = &bucket.encryption;
    Bucket {
        arn: format!("arn:aws:s3:::{name}"),
        account: bucket.account.clone(),
        region: bucket.region.clone(),
        policy,
        versioned: bucket.versioning.as_deref() == Some("Enabled"),
        object_lock: bucket.object_lock.is_some(),
        owner_enforced: bucket.ownership == "BucketOwnerEnforced",
        encryption: Encryption {
            kms: encryption.sse_algorithm.starts_with("aws:kms"),
            key: encryption.kms_key.as_ref().and_then(known),
            bucket_key: encryption.bucket_key_enabled,
        },
        object_keys: BTreeSet::new(),
        plain_objects: false,
        replication: bucket.replication.as_ref().map(replication_of),
    }
}

fn replication_of(configuration: &ReplicationConfiguration) -> Replication {
    Replication {
        role: configuration.role.clone(),
        rules: configuration.rules.iter().map(rule_of).collect(),
    }
}

fn rule_of(rule: &ReplicationRule) -> Rule {
    let filter = rule.filter.as_ref();
    Rule {
        id: rule.id.clone(),
        prefix: filter
            .and_then(|filter| filter.prefix.clone())
            .unwrap_or_default(),
        kms_objects: rule.sse_kms_encrypted_objects == Some(true),
        delete_markers: rule.delete_marker_replication == Some(true),
        bucket: rule
            .bucket_arn
            .rsplit(':')
            .next()
            .unwrap_or_default()
            .to_owned(),
        account: rule.account.clone(),
        owner_override: rule.owner_override,
        replica_key: rule.replica_kms_key.as_ref().and_then(known),
    }
}

fn role_of(aws: &State, role: &fake::Role) -> Role {
    let description = &role.description;
    let inline = role
        .policies
        .iter()
        .map(|(name, document)| (name.clone(), document));
    let attached = role.attached.iter();
    let managed = attached.map(|arn| (arn.clone(), aws.managed_policies[arn].document()));
    Role {
        account: description
            .arn
            .split(':')
            .nth(4)
            .unwrap_or_default()
            .to_owned(),
        ours: description.tags.contains_key(OWNER_TAG),
        trust: json_of(&description.trust_policy),
        policies: inline
            .chain(managed)
            .map(|(name, document)| (name, json_of(&document.render().unwrap())))
            .collect(),
    }
}

fn key_of(arn: &str, key: &fake::Key, policy: Json) -> Key {
    let mut parts = arn.split(':').skip(3).map(str::to_owned);
    Key {
        region: parts.next().unwrap_or_default(),
        account: parts.next().unwrap_or_default(),
        enabled: key.state == "Enabled",
        policy,
        owner: key.tags.get(OWNER_TAG).cloned(),
        component: key.tags.get(COMPONENT_TAG).cloned(),
    }
}

fn known(input: &Input<String>) -> Option<String> {
    input.known().cloned()
}

fn json_of(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|error| json!({ "invalid": error.to_string() }))
}
