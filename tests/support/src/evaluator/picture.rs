//! What there is in some accounts, as far as replication stands on it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::Outcome;

/// Buckets by name, roles and keys by ARN.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// Every bucket.
    pub buckets: BTreeMap<String, Bucket>,
    /// The roles that replication configurations name.
    pub roles: BTreeMap<String, Role>,
    /// Every key that is not about to be deleted.
    pub keys: BTreeMap<String, Key>,
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its ARN.
    pub arn: String,
    /// The account that it belongs to.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its policy; null where it has none.
    pub policy: Value,
    /// Whether versioning is enabled.
    pub versioned: bool,
    /// Whether it has Object Lock.
    pub object_lock: bool,
    /// Whether ACLs are off, so that every object is its owner's.
    pub owner_enforced: bool,
    /// Its default encryption.
    pub encryption: Encryption,
    /// The keys that the object versions in it are under.
    pub object_keys: BTreeSet<String>,
    /// Whether it holds object versions without KMS encryption.
    pub plain_objects: bool,
    /// Its replication configuration.
    pub replication: Option<Replication>,
}

/// Default encryption of a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encryption {
    /// Whether it is under KMS, once or twice.
    pub kms: bool,
    /// ARN of the key.
    pub key: Option<String>,
    /// Whether bucket keys are used.
    pub bucket_key: bool,
}

/// A replication configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replication {
    /// ARN of the role.
    pub role: String,
    /// The rules; paused ones, too.
    pub rules: Vec<Rule>,
}

/// A replication rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its ID.
    pub id: String,
    /// The prefix in its filter; empty without.
    pub prefix: String,
    /// Whether objects under KMS are replicated.
    pub kms_objects: bool,
    /// Whether delete markers are replicated.
    pub delete_markers: bool,
    /// Name of the destination bucket.
    pub bucket: String,
    /// The account that it is said to be in.
    pub account: Option<String>,
    /// Whether replicas are given to the destination's owner.
    pub owner_override: bool,
    /// ARN of the key that replicas are encrypted under.
    pub replica_key: Option<String>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The account that it belongs to.
    pub account: String,
    /// Whether its tags say that a `replicated_bucket` made it.
    pub ours: bool,
    /// Its trust policy.
    pub trust: Value,
    /// Its policies by name.
    pub policies: BTreeMap<String, Value>,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The account that it belongs to.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Whether it can be used.
    pub enabled: bool,
    /// Its policy.
    pub policy: Value,
    /// The source that made it, as its tags say it: `<account>/<bucket>`.
    pub owner: Option<String>,
    /// What it is among that source's components.
    pub component: Option<String>,
}

impl Role {
    /// All its policies as one document: IAM reads them together.
    pub(super) fn grants(&self) -> Value {
        let documents = self.policies.values();
        let statements: Vec<&Value> = documents.flat_map(super::documents::statements).collect();
        json!({ "Statement": statements })
    }
}

impl Picture {
    pub(super) fn role(&self, arn: &str) -> Outcome<&Role> {
        let role = self.roles.get(arn);
        Ok(role.ok_or_else(|| format!("there is no role {arn}"))?)
    }

    pub(super) fn bucket(&self, name: &str) -> Outcome<&Bucket> {
        let bucket = self.buckets.get(name);
        Ok(bucket.ok_or_else(|| format!("there is no bucket {name}"))?)
    }

    pub(super) fn key(&self, arn: &str) -> Outcome<&Key> {
        let key = self.keys.get(arn);
        Ok(key.ok_or_else(|| format!("there is no key {arn}"))?)
    }

    /// The policy of the bucket or key that a resource is or belongs to, with its name for people.
    pub(super) fn resource_policy(&self, resource: &str) -> Outcome<(String, &Value)> {
        let policy = match bucket_name(resource) {
            Some(name) => (
                format!("the policy of bucket {name}"),
                &self.bucket(name)?.policy,
            ),
            None => (
                format!("the policy of {resource}"),
                &self.key(resource)?.policy,
            ),
        };
        Ok(policy)
    }

    /// The account of the bucket or key that a resource is or belongs to.
    pub(super) fn owner_of(&self, resource: &str) -> Outcome<&str> {
        Ok(match bucket_name(resource) {
            Some(name) => &self.bucket(name)?.account,
            None => &self.key(resource)?.account,
        })
    }
}

/// The bucket in the ARN of a bucket or of objects.
pub(super) fn bucket_name(arn: &str) -> Option<&str> {
    let (_, path) = arn.split_once(":s3:::")?;
    path.split('/').next()
}
