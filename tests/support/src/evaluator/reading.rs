//! Draws a [`Picture`] of what there is, with the clients of each account.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::types::{
    BucketVersioningStatus, DeleteMarkerReplicationStatus, ObjectOwnership, ReplicationRule,
    ReplicationRuleFilter, ReplicationStatus, SseKmsEncryptedObjectsStatus,
};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::picture::{Bucket, Encryption, Key, Picture, Replication, Role, Rule, bucket_name};
use crate::Outcome;
use crate::emulator::{Account, Clients};

const OWNER_TAG: &str = "replicated:owner";
const COMPONENT_TAG: &str = "replicated:component";

impl Picture {
    /// Reads everything in these accounts, keys in these regions.
    pub async fn read(accounts: &[&Account], regions: &[&str]) -> Outcome<Self> {
        let mut picture = Self::default();
        for account in accounts {
            let anywhere = account.clients("us-east-1");
            let listed = anywhere.s3.list_buckets().send().await?;
            for name in listed.buckets().iter().filter_map(|bucket| bucket.name()) {
                let bucket = read_bucket(account, name).await?;
                picture.buckets.insert(name.to_owned(), bucket);
            }
            for region in regions {
                read_keys(account, region, &mut picture.keys).await?;
            }
        }
        let named = picture
            .buckets
            .values()
            .filter_map(|bucket| bucket.replication.as_ref());
        let named: BTreeSet<String> = named.map(|replication| replication.role.clone()).collect();
        for arn in named {
            let account = accounts
                .iter()
                .find(|account| arn.contains(&format!(":{}:", account.id())));
            let account = account.ok_or_else(|| format!("{arn} is in none of the accounts"))?;
            if let Some(role) = read_role(account, &arn).await? {
                picture.roles.insert(arn, role);
            }
        }
        picture.name_keys_by_arn();
        Ok(picture)
    }

    /// A bucket may name the key of its default by the id alone, and the emulator shows its objects so, too.
    fn name_keys_by_arn(&mut self) {
        let arns: Vec<&String> = self.keys.keys().collect();
        let arn_of = |named: String| {
            let mut arns = arns.iter();
            let found = arns.find(|arn| arn.rsplit('/').next() == Some(named.as_str()));
            found.map_or(named, |arn| (*arn).clone())
        };
        for bucket in self.buckets.values_mut() {
            bucket.encryption.key = bucket.encryption.key.take().map(arn_of);
            let keys = std::mem::take(&mut bucket.object_keys).into_iter();
            bucket.object_keys = keys.map(arn_of).collect();
        }
    }
}

async fn read_bucket(account: &Account, name: &str) -> Outcome<Bucket> {
    let located = account.clients("us-east-1").s3;
    let located = located.get_bucket_location().bucket(name).send().await?;
    let region = located
        .location_constraint()
        .map(|found| found.as_str().to_owned());
    // What has no location is in the oldest region.
    let region = region
        .filter(|region| !region.is_empty())
        .unwrap_or("us-east-1".to_owned());
    let clients = account.clients(&region);
    let (algorithm, key, bucket_key) = clients.encryption(name).await?;
    let versioning = clients
        .s3
        .get_bucket_versioning()
        .bucket(name)
        .send()
        .await?;
    let (object_keys, plain_objects) = keys_of_objects(&clients, name).await?;
    Ok(Bucket {
        arn: format!("arn:aws:s3:::{name}"),
        account: account.id().to_owned(),
        region,
        policy: clients.bucket_policy(name).await?,
        versioned: versioning.status() == Some(&BucketVersioningStatus::Enabled),
        object_lock: has_object_lock(&clients, name).await?,
        owner_enforced: is_owner_enforced(&clients, name).await?,
        encryption: Encryption {
            kms: algorithm.starts_with("aws:kms"),
            key,
            bucket_key,
        },
        object_keys,
        plain_objects,
        replication: read_replication(&clients, name).await?,
    })
}

async fn has_object_lock(clients: &Clients, name: &str) -> Outcome<bool> {
    match clients
        .s3
        .get_object_lock_configuration()
        .bucket(name)
        .send()
        .await
    {
        Ok(found) => Ok(found
            .object_lock_configuration()
            .is_some_and(|lock| lock.object_lock_enabled().is_some())),
        Err(error) if error.code() == Some("ObjectLockConfigurationNotFoundError") => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn is_owner_enforced(clients: &Clients, name: &str) -> Outcome<bool> {
    match clients
        .s3
        .get_bucket_ownership_controls()
        .bucket(name)
        .send()
        .await
    {
        Ok(found) => Ok(found.ownership_controls().is_some_and(|controls| {
            let mut rules = controls.rules().iter();
            rules.any(|rule| rule.object_ownership() == &ObjectOwnership::BucketOwnerEnforced)
        })),
        Err(error) if error.code() == Some("OwnershipControlsNotFoundError") => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The keys that object versions are under, and whether some are under none. S3 does not replicate replicas.
async fn keys_of_objects(clients: &Clients, bucket: &str) -> Outcome<(BTreeSet<String>, bool)> {
    let (mut keys, mut plain) = (BTreeSet::new(), false);
    let listed = clients
        .s3
        .list_object_versions()
        .bucket(bucket)
        .send()
        .await?;
    for version in listed.versions() {
        let head = clients
            .s3
            .head_object()
            .bucket(bucket)
            .set_key(version.key().map(str::to_owned))
            .set_version_id(version.version_id().map(str::to_owned))
            .send()
            .await?;
        if head.replication_status() == Some(&ReplicationStatus::Replica) {
            continue;
        }
        match head.ssekms_key_id() {
            Some(key) => {
                keys.insert(key.to_owned());
            }
            None => plain = true,
        }
    }
    Ok((keys, plain))
}

async fn read_replication(clients: &Clients, bucket: &str) -> Outcome<Option<Replication>> {
    let answer = match clients
        .s3
        .get_bucket_replication()
        .bucket(bucket)
        .send()
        .await
    {
        Ok(answer) => answer,
        Err(error) if error.code() == Some("ReplicationConfigurationNotFoundError") => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let found = answer
        .replication_configuration()
        .ok_or("an empty answer")?;
    let rules = found.rules().iter().map(read_rule);
    Ok(Some(Replication {
        role: found.role().to_owned(),
        rules: rules.collect::<Outcome<Vec<Rule>>>()?,
    }))
}

fn read_rule(rule: &ReplicationRule) -> Outcome<Rule> {
    let id = rule.id().unwrap_or_default();
    let to = rule
        .destination()
        .ok_or_else(|| format!("rule {id} has no destination"))?;
    let bucket = bucket_name(to.bucket());
    let kms = rule
        .source_selection_criteria()
        .and_then(|c| c.sse_kms_encrypted_objects());
    let markers = rule
        .delete_marker_replication()
        .and_then(|found| found.status());
    let prefix = rule.filter().and_then(prefix_of);
    Ok(Rule {
        id: id.to_owned(),
        prefix: prefix.unwrap_or_default().to_owned(),
        kms_objects: kms.is_some_and(|kms| kms.status() == &SseKmsEncryptedObjectsStatus::Enabled),
        delete_markers: markers == Some(&DeleteMarkerReplicationStatus::Enabled),
        bucket: bucket
            .ok_or_else(|| format!("rule {id} names no bucket"))?
            .to_owned(),
        account: to.account().map(str::to_owned),
        owner_override: to.access_control_translation().is_some(),
        replica_key: to
            .encryption_configuration()
            .and_then(|found| found.replica_kms_key_id())
            .map(str::to_owned),
    })
}

fn prefix_of(filter: &ReplicationRuleFilter) -> Option<&str> {
    filter.prefix().or_else(|| filter.and()?.prefix())
}

/// A role that is not there leaves every request unanswered, which is for the evaluation to say.
async fn read_role(account: &Account, arn: &str) -> Outcome<Option<Role>> {
    let clients = account.clients("us-east-1");
    let name = arn.rsplit('/').next().unwrap_or_default();
    let found = match clients.iam.get_role().role_name(name).send().await {
        Ok(found) => found,
        Err(error) if error.code() == Some("NoSuchEntity") => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some(found) = found.role().filter(|found| found.arn() == arn) else {
        return Ok(None);
    };
    let mut policies = BTreeMap::new();
    for policy in clients.role_policies(name).await? {
        let document = clients.role_policy(name, &policy).await?;
        policies.insert(policy, document);
    }
    let attached = clients
        .iam
        .list_attached_role_policies()
        .role_name(name)
        .send()
        .await?;
    for policy in attached.attached_policies() {
        let arn = policy.policy_arn().unwrap_or_default();
        policies.insert(arn.to_owned(), managed_policy(&clients, arn).await?);
    }
    let ours = found.tags().iter().any(|tag| tag.key() == OWNER_TAG);
    Ok(Some(Role {
        account: account.id().to_owned(),
        ours,
        trust: decoded(found.assume_role_policy_document().unwrap_or_default())?,
        policies,
    }))
}

async fn managed_policy(clients: &Clients, arn: &str) -> Outcome<Value> {
    let policy = clients.iam.get_policy().policy_arn(arn).send().await?;
    let version = policy
        .policy()
        .and_then(|policy| policy.default_version_id());
    let get = clients.iam.get_policy_version().policy_arn(arn);
    let answer = get
        .set_version_id(version.map(str::to_owned))
        .send()
        .await?;
    let document = answer
        .policy_version()
        .and_then(|version| version.document());
    decoded(document.ok_or("a policy without a document")?)
}

/// IAM answers with documents that are encoded as in a URL.
fn decoded(document: &str) -> Outcome<Value> {
    let text = percent_decode_str(document).decode_utf8()?;
    Ok(serde_json::from_str(&text)?)
}

async fn read_keys(account: &Account, region: &str, keys: &mut BTreeMap<String, Key>) -> Outcome {
    let clients = account.clients(region);
    for listed in clients.kms.list_keys().send().await?.keys() {
        let (Some(id), Some(arn)) = (listed.key_id(), listed.key_arn()) else {
            continue;
        };
        let state = clients.key_state(id).await?;
        if state.starts_with("Pending") {
            continue;
        }
        let key = Key {
            account: account.id().to_owned(),
            region: region.to_owned(),
            enabled: state == "Enabled",
            policy: clients.key_policy(id).await?,
            owner: clients.key_tag(id, OWNER_TAG).await?,
            component: clients.key_tag(id, COMPONENT_TAG).await?,
        };
        keys.insert(arn.to_owned(), key);
    }
    Ok(())
}
