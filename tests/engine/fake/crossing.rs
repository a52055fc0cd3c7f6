//! Objects on their way: S3 takes them up by the rules that it knows by then, and is done some time later.

use std::time::Duration;

use terraform_provider_replicated::execution::cloud::CallErrorKind as Kind;
use terraform_provider_replicated::replication::operation::{
    Input, NewObject, ObjectDescription, ReplicationRule, Tags,
};
use tokio::time::Instant;

use super::{Refused, State, refuse};

/// How long an object takes.
const TAKES: Duration = Duration::from_secs(3);

/// An object that was put with what is known of it; by its bucket and key.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) object: NewObject,
    pub(crate) description: ObjectDescription,
    /// Stands for the canonical ID.
    pub(crate) owner: String,
}

/// An object that some rule has taken up, with what of it is not done yet.
#[derive(Debug, Clone)]
pub(crate) struct Crossing {
    source: String,
    key: String,
    due: Vec<(ReplicationRule, Instant)>,
    has_failed: bool,
}

/// What S3 does wrong with replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoilt {
    /// They never come.
    Never,
    /// They come under another key.
    Key,
    /// They come into another storage class.
    Class,
    /// They come without their tags.
    Tags,
    /// They belong to the source's account.
    Owner,
    /// They come under a key of somebody else's.
    Encryption,
}

impl State {
    pub(super) fn put_object(&mut self, name: &str, object: &NewObject) -> Result<(), Refused> {
        let bucket = &self.buckets[name];
        if bucket.is_shut {
            return refuse(Kind::AccessDenied, "AccessDenied", "not you");
        }
        let is_plain = object.sse_algorithm.is_some() || bucket.encryption.kms_key.is_none();
        let rules = self.rules_shown(bucket).map(|shown| shown.rules.clone());
        let mut taken: Vec<ReplicationRule> = Vec::new();
        for rule in rules.unwrap_or_default() {
            let Some(filter) = rule.filter.as_ref().filter(|_| rule.enabled) else {
                continue;
            };
            let asks_for = filter.tags.iter();
            let applies = object.key.starts_with(filter.prefix())
                && asks_for
                    .into_iter()
                    .all(|(key, value)| object.tags.get(key) == Some(value))
                && (is_plain || rule.sse_kms_encrypted_objects == Some(true));
            match taken.iter_mut().find(|t| t.bucket_arn == rule.bucket_arn) {
                _ if !applies => {}
                Some(other) if other.priority < rule.priority => *other = rule,
                Some(_) => {}
                None => taken.push(rule),
            }
        }
        let owner = bucket.account.clone();
        let default = bucket.encryption.kms_key.as_ref();
        let key = default.filter(|_| object.sse_algorithm.is_none());
        let key = key.and_then(Input::known).cloned();
        let status = (!taken.is_empty()).then(|| "PENDING".to_owned());
        self.store(name, object.clone(), status, None, key, owner);
        if !taken.is_empty() {
            let due = |rule: ReplicationRule| {
                let slow = rule.bucket_arn.rsplit(':').next();
                let slow = slow.and_then(|bucket| self.slow.get(bucket));
                (rule, Instant::now() + slow.copied().unwrap_or(TAKES))
            };
            let due = taken.into_iter().map(due).collect();
            self.crossings.push(Crossing {
                source: name.to_owned(),
                key: object.key.clone(),
                due,
                has_failed: false,
            });
        }
        Ok(())
    }

    /// An object that no rule takes up.
    pub(crate) fn put_for_good(&mut self, name: &str, object: NewObject) {
        let owner = self.buckets[name].account.clone();
        self.store(name, object, None, None, None, owner);
    }

    fn store(
        &mut self,
        name: &str,
        object: NewObject,
        replication_status: Option<String>,
        storage_class: Option<String>,
        kms_key_arn: Option<String>,
        owner: String,
    ) {
        let bucket = self.buckets.get_mut(name).unwrap();
        bucket.put_object(&object.key);
        let description = ObjectDescription {
            version_id: bucket.versions.last().map(|v| v.version_id.clone()),
            replication_status,
            storage_class,
            sse_algorithm: Some(
                if kms_key_arn.is_some() {
                    "aws:kms"
                } else {
                    "AES256"
                }
                .to_owned(),
            ),
            kms_key_arn,
            metadata: object.metadata.clone(),
        };
        let stored = Stored {
            object,
            description,
            owner,
        };
        let key = stored.object.key.clone();
        bucket.objects.insert(key, stored);
    }

    /// What is due has come, or has failed. An object has failed with the first destination that it fails to get to, and
    /// is completed with the last.
    pub(super) fn settle(&mut self) {
        let now = Instant::now();
        for mut crossing in std::mem::take(&mut self.crossings) {
            let (due, open) = std::mem::take(&mut crossing.due)
                .into_iter()
                .partition::<Vec<_>, _>(|(_, due)| *due <= now);
            crossing.due = open;
            if due.is_empty() {
                self.crossings.push(crossing);
                continue;
            }
            let is_there = |s: &State| {
                let bucket = s.buckets.get(&crossing.source)?;
                let here = bucket.versions.iter().any(|v| v.key == crossing.key);
                bucket.objects.get(&crossing.key).filter(|_| here).cloned()
            };
            let Some(stored) = is_there(self) else {
                continue;
            };
            if self.spoilt == Some(Spoilt::Never) {
                continue;
            }
            for (rule, _) in &due {
                if !self.cross(&crossing, rule, &stored.object) {
                    crossing.has_failed = true;
                }
            }
            let status = match (crossing.has_failed, crossing.due.is_empty()) {
                (true, _) => "FAILED",
                (false, true) => "COMPLETED",
                (false, false) => "PENDING",
            };
            self.crossed += usize::from(status == "COMPLETED");
            let source = self.buckets.get_mut(&crossing.source).unwrap();
            if let Some(stored) = source.objects.get_mut(&crossing.key) {
                stored.description.replication_status = Some(status.to_owned());
            }
            if !crossing.due.is_empty() {
                self.crossings.push(crossing);
            }
        }
    }

    fn cross(&mut self, crossing: &Crossing, rule: &ReplicationRule, object: &NewObject) -> bool {
        let mut source = self.buckets[&crossing.source].clone();
        // What other objects are under does not matter to this one.
        let default = source.encryption.kms_key.as_ref();
        let key = default.filter(|_| object.sse_algorithm.is_none());
        source.keys_used = key.and_then(Input::known).cloned().into_iter().collect();
        if object.sse_algorithm.is_some() {
            source.encryption.kms_key = None;
        }
        let role = source.replication.as_ref().map(|r| r.role.clone());
        let Some(role) = role.and_then(|role| self.role_by_arn(&role)) else {
            return false;
        };
        if !role
            .description
            .trust_policy
            .contains("\"s3.amazonaws.com\"")
        {
            return false;
        }
        if !self
            .rule_lacks(&crossing.source, &source, role, rule)
            .is_empty()
        {
            return false;
        }
        let name = rule.bucket_arn.rsplit(':').next().unwrap().to_owned();
        let destination = &self.buckets[&name];
        if !self.is_versioned(destination) {
            return false;
        }
        let enforced = destination.ownership == "BucketOwnerEnforced";
        let owner = match enforced || rule.owner_override {
            true => destination.account.clone(),
            false => source.account.clone(),
        };
        let mut object = object.clone();
        let (mut class, mut owner) = (rule.storage_class.clone(), owner);
        let key = rule.replica_kms_key.as_ref().and_then(Input::known);
        let mut key = key.filter(|_| !source.keys_used.is_empty()).cloned();
        match self.spoilt {
            Some(Spoilt::Key) => object.key.push('~'),
            Some(Spoilt::Class) => class = Some("GLACIER".to_owned()),
            Some(Spoilt::Tags) => object.tags = Tags::new(),
            Some(Spoilt::Owner) => owner.clone_from(&source.account),
            Some(Spoilt::Encryption) => key = key.map(|key| format!("{key}-of-another")),
            Some(Spoilt::Never) | None => {}
        }
        self.store(&name, object, Some("REPLICA".to_owned()), class, key, owner);
        true
    }
}
