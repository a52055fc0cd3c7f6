//! Buckets.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use time::OffsetDateTime;

use terraform_provider_replicated::execution::cloud::CallErrorKind as Kind;
use terraform_provider_replicated::replication::ids::{Arn, BucketName, Location};
use terraform_provider_replicated::replication::operation::{
    Answer, BucketEncryption, Input, LifecycleConfiguration, Notification, ObjectDescription,
    ObjectLock, ObjectVersion, Operation, Output, PageMarker, PublicAccessBlock, Query,
    ReplicationConfiguration, Retention, Tags, Undeleted,
};
use terraform_provider_replicated::replication::policy::{PolicyDocument, PolicyKind, check_size};
use tokio::time::Instant;

use super::crossing::Stored;
use super::delays::shows;
use super::{Refused, State, lifecycle, refuse};

/// A bucket.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) ownership: String,
    /// Whom its ACL grants anything, beside its owner.
    pub(crate) acl_grants: Vec<String>,
    pub(crate) tags: Tags,
    /// With attribute-based access control (ABAC) on, how it refuses a whole set of tags. AWS documents that it
    /// does, and not with which error.
    pub(crate) abac: Option<(Kind, &'static str)>,
    pub(crate) versioning: Option<String>,
    pub(crate) versioned: Option<Instant>,
    pub(crate) encryption: BucketEncryption,
    pub(crate) public_access_block: Option<PublicAccessBlock>,
    pub(crate) lifecycle: Option<LifecycleConfiguration>,
    pub(crate) object_lock: Option<ObjectLock>,
    /// Retention by version id; it never ends here.
    pub(crate) retained: BTreeMap<String, Retention>,
    /// Versions under a legal hold.
    pub(crate) held: BTreeSet<String>,
    /// Objects that nobody may delete, by their keys.
    pub(crate) denied: BTreeSet<String>,
    /// Versions that S3 fails to delete once.
    pub(crate) failing: BTreeSet<String>,
    /// With roles by their unique ids, as AWS keeps them.
    pub(crate) policy: Option<PolicyDocument>,
    /// When its policy last changed by a call, and what it was before.
    pub(crate) policy_before: Option<(Instant, Option<PolicyDocument>)>,
    /// Whether its versions go only with a device's code.
    pub(crate) mfa_delete: bool,
    pub(crate) replication: Option<ReplicationConfiguration>,
    /// When its rules last changed, and what they were before.
    pub(crate) replication_before: Option<(Instant, Option<ReplicationConfiguration>)>,
    pub(crate) versions: Vec<ObjectVersion>,
    /// What is known of objects that were put by a call, by their keys.
    pub(crate) objects: BTreeMap<String, Stored>,
    /// Whom it tells of its objects.
    pub(crate) notified: Vec<Notification>,
    /// Whether nobody may put an object into it.
    pub(crate) is_shut: bool,
    /// How many objects were ever put.
    pub(crate) put: usize,
    /// What S3 says of the replication of objects, by their keys.
    pub(crate) replication_statuses: BTreeMap<String, String>,
    /// Keys of objects under SSE-C.
    pub(crate) sse_c: BTreeSet<String>,
    pub(crate) uploads: Vec<(String, String)>,
    /// Every key that objects were ever encrypted under.
    pub(crate) keys_used: Vec<String>,
}

impl Bucket {
    /// What is known of an object that is there and was put by a call.
    fn object(&self, key: &str) -> Option<&Stored> {
        let is_there = self.versions.iter().any(|version| version.key == key);
        self.objects.get(key).filter(|_| is_there)
    }

    /// Puts an object into it.
    pub(crate) fn put_object(&mut self, key: &str) {
        let version_id = format!("v{}", self.put);
        self.put += 1;
        let lock = self.object_lock.as_ref();
        if let Some(default) = lock.and_then(|lock| lock.default_retention.as_ref()) {
            let retention = Retention {
                mode: default.mode.clone(),
                until: "2999-01-01T00:00:00Z".to_owned(),
            };
            self.retained.insert(version_id.clone(), retention);
        }
        self.versions.push(ObjectVersion {
            key: key.to_owned(),
            version_id,
            delete_marker: false,
            last_modified: Some(OffsetDateTime::now_utc().unix_timestamp()),
        });
    }
}

impl State {
    /// Lets all objects be some hours old.
    pub(crate) fn age_objects(&mut self) {
        let versions = self.buckets.values_mut().flat_map(|b| &mut b.versions);
        for version in versions {
            version.last_modified = version.last_modified.map(|came| came - 3 * 60 * 60);
        }
    }
}

impl State {
    fn bucket(&self, at: &Location, name: &str) -> Result<&Bucket, Refused> {
        let since = self.made.get(name);
        let is_shown = since.is_none_or(|since| shows(*since, self.delays.what_is_new));
        let Some(bucket) = self.buckets.get(name).filter(|_| is_shown) else {
            return refuse(Kind::NotFound, "NoSuchBucket", "no such bucket");
        };
        if bucket.account != at.account.as_str() {
            return refuse(Kind::AccessDenied, "AccessDenied", "another account's");
        }
        if bucket.region != at.region.as_str() {
            let message = format!("the bucket is in {}", bucket.region);
            return refuse(Kind::Invalid, "PermanentRedirect", message);
        }
        Ok(bucket)
    }

    fn bucket_mut(&mut self, at: &Location, name: &str) -> Result<&mut Bucket, Refused> {
        self.bucket(at, name)?;
        Ok(self.buckets.get_mut(name).unwrap())
    }

    pub(super) fn query_s3(&self, at: &Location, query: &Query) -> Result<Answer, Refused> {
        if let Query::HeadBucket { bucket } = query
            && let Some(found) = self.buckets.get(bucket)
            && (found.account == at.account.as_str() || found.region != at.region.as_str())
        {
            // AWS names the right region even at the wrong endpoint, and there before it asks who wants to know.
            return Ok(Answer::BucketRegion(found.region.clone()));
        }
        if let Query::ListBuckets { prefix } = query {
            let buckets = self.buckets.iter().filter(|(name, bucket)| {
                bucket.account == at.account.as_str()
                    && bucket.region == at.region.as_str()
                    && name.starts_with(prefix)
            });
            return Ok(Answer::Names(
                buckets.map(|(name, _)| name.clone()).collect(),
            ));
        }
        let bucket = self.bucket(at, query.subject())?;
        let absent = |code| refuse(Kind::NotFound, code, "not set");
        Ok(match query {
            Query::GetBucketVersioning { .. } => {
                Answer::Text(bucket.versioning.clone().unwrap_or_default())
            }
            Query::GetBucketEncryption { .. } => Answer::Encryption(bucket.encryption.clone()),
            Query::GetPublicAccessBlock { .. } => match bucket.public_access_block {
                Some(block) => Answer::PublicAccessBlock(block),
                None => return absent("NoSuchPublicAccessBlockConfiguration"),
            },
            Query::GetBucketOwnershipControls { .. } => Answer::Text(bucket.ownership.clone()),
            Query::GetBucketAcl { .. } => Answer::Names(bucket.acl_grants.clone()),
            Query::GetBucketLifecycleConfiguration { .. } => match &bucket.lifecycle {
                Some(lifecycle) => Answer::Lifecycle(lifecycle.clone()),
                None => return absent("NoSuchLifecycleConfiguration"),
            },
            Query::GetObjectLockConfiguration { .. } => match &bucket.object_lock {
                Some(lock) => Answer::ObjectLock(lock.clone()),
                None => return absent("ObjectLockConfigurationNotFoundError"),
            },
            Query::GetObjectRetention { version, .. } => {
                match bucket.retained.get(&version.version_id) {
                    Some(retention) => Answer::Retention(retention.clone()),
                    None => return absent("NoSuchObjectLockConfiguration"),
                }
            }
            Query::GetObjectLegalHold { version, .. } => {
                if !bucket.held.contains(&version.version_id) {
                    return absent("NoSuchObjectLockConfiguration");
                }
                Answer::Text("ON".to_owned())
            }
            Query::GetBucketTagging { .. } if bucket.tags.is_empty() => {
                return absent("NoSuchTagSet");
            }
            Query::GetBucketTagging { .. } => Answer::Tags(bucket.tags.clone()),
            Query::GetBucketAbac { .. } => {
                let enabled = bucket.abac.is_some();
                let status = if enabled { "Enabled" } else { "Disabled" };
                Answer::Text(status.to_owned())
            }
            Query::GetBucketPolicy { bucket: name } if self.policy_texts.contains_key(name) => {
                Answer::Text(self.policy_texts[name].clone())
            }
            Query::GetBucketMfaDelete { .. } => {
                let status = if bucket.mfa_delete { "Enabled" } else { "" };
                Answer::Text(status.to_owned())
            }
            Query::GetBucketPolicy { .. } => match self.policy_shown(bucket) {
                Some(policy) => Answer::Text(self.shown(policy).render().unwrap()),
                None => return absent("NoSuchBucketPolicy"),
            },
            Query::GetBucketReplication { .. } => match self.rules_shown(bucket) {
                Some(configuration) => Answer::Replication(configuration.clone()),
                None => return absent("ReplicationConfigurationNotFoundError"),
            },
            Query::ListObjectVersions {
                prefix,
                max_keys,
                after,
                ..
            } => bucket.page(prefix, *max_keys, after.as_ref()),
            Query::ListMultipartUploads { .. } => {
                Answer::Uploads(bucket.uploads.iter().take(1000).cloned().collect())
            }
            Query::HeadObject { key, .. } if bucket.sse_c.contains(key) => {
                return refuse(
                    Kind::Invalid,
                    "BadRequest",
                    "HTTP status 400 without a message",
                );
            }
            Query::HeadObject { key, .. } => {
                let mut versions = bucket.versions.iter().rev();
                match versions.find(|version| version.key == *key) {
                    Some(version) if !version.delete_marker => {
                        let put = bucket.objects.get(key);
                        let by_hand = || ObjectDescription {
                            version_id: Some(version.version_id.clone()),
                            replication_status: bucket.replication_statuses.get(key).cloned(),
                            ..ObjectDescription::default()
                        };
                        Answer::Object(put.map_or_else(by_hand, |put| put.description.clone()))
                    }
                    _ => return absent("NotFound"),
                }
            }
            Query::GetBucketNotificationConfiguration { .. } => {
                Answer::Notifications(bucket.notified.clone())
            }
            Query::GetObjectTagging { key, .. } => match bucket.object(key) {
                Some(stored) => Answer::Tags(stored.object.tags.clone()),
                None => return absent("NoSuchKey"),
            },
            Query::GetObjectAcl { key, .. } => match bucket.object(key) {
                Some(stored) => Answer::Text(stored.owner.clone()),
                None => return absent("NoSuchKey"),
            },
            other => unreachable!("{other} is not a query of S3"),
        })
    }

    pub(super) fn perform_s3(
        &mut self,
        at: &Location,
        operation: &Operation,
    ) -> Result<Output, Refused> {
        if let Operation::CreateBucket {
            bucket,
            object_ownership,
            object_lock,
            tags,
        } = operation
        {
            self.create_bucket(at, bucket, object_ownership, tags)?;
            if *object_lock {
                let bucket = self.bucket_mut(at, bucket)?;
                bucket.object_lock = Some(ObjectLock::default());
                bucket.versioning = Some("Enabled".to_owned());
                bucket.versioned = Some(Instant::now());
            }
            return Ok(Output::Done);
        }
        let name = operation.subject();
        self.bucket(at, &name)?;
        match operation {
            Operation::DeleteBucket { .. } => {
                if !self.buckets[&name].versions.is_empty() {
                    let message = "You must delete all versions in the bucket.";
                    return refuse(Kind::InvalidState, "BucketNotEmpty", message);
                }
                self.buckets.remove(&name);
                self.released.insert(name, Instant::now());
            }
            Operation::PutBucketEncryption { encryption, .. } => {
                if let Some(Input::Known(key)) = &encryption.kms_key {
                    let is_here =
                        Arn::parse_key(key).is_ok_and(|arn| arn.region == at.region.as_str());
                    if !is_here || !self.keys.contains_key(key) {
                        return refuse(Kind::Invalid, "KMS.NotFoundException", "no such key here");
                    }
                    self.bucket_mut(at, &name)?.keys_used.push(key.clone());
                } else if encryption.kms_key.is_some() || encryption.sse_algorithm != "AES256" {
                    return refuse(Kind::Invalid, "MalformedXML", "no key");
                }
                if encryption.sse_algorithm == "aws:kms:dsse" && encryption.bucket_key_enabled {
                    let message = "Bucket keys are not supported for DSSE-KMS";
                    return refuse(Kind::Invalid, "InvalidArgument", message);
                }
                self.bucket_mut(at, &name)?.encryption = encryption.clone();
            }
            Operation::PutBucketPolicy { policy, .. } => {
                let document = self.bucket_policy(&name, policy)?;
                self.policy_texts.remove(&name);
                self.bucket_mut(at, &name)?.set_policy(Some(document));
            }
            Operation::PutObject { object, .. } => self.put_object(&name, object)?,
            Operation::PutBucketReplication { configuration, .. } => {
                self.check_replication(&name, configuration)?;
                let bucket = self.bucket_mut(at, &name)?;
                bucket.set_replication(Some(configuration.clone()));
            }
            Operation::EnableBucketVersioning { .. }
                if self.buckets[&name].object_lock.is_some() =>
            {
                let message = "An Object Lock configuration is present on this bucket";
                return refuse(Kind::InvalidState, "InvalidBucketState", message);
            }
            Operation::EnableBucketVersioning { .. }
                if self.buckets[&name].replication.is_none()
                    && self.rules_shown(&self.buckets[&name]).is_some() =>
            {
                let message = "A replication configuration is present on this bucket";
                return refuse(Kind::InvalidState, "InvalidBucketState", message);
            }
            Operation::EnableBucketVersioning { .. } => {
                let arrives = self.objects_arrive_in.as_ref() == Some(&name);
                let bucket = self.bucket_mut(at, &name)?;
                bucket.versioning = Some("Enabled".to_owned());
                bucket.versioned = Some(Instant::now());
                if arrives {
                    bucket.put_object("early");
                }
            }
            _ => return self.bucket_mut(at, &name)?.set(operation),
        }
        Ok(Output::Done)
    }

    fn create_bucket(
        &mut self,
        at: &Location,
        name: &str,
        ownership: &str,
        tags: &Tags,
    ) -> Result<Output, Refused> {
        if let Some(bucket) = self.buckets.get(name) {
            let code = if bucket.account == at.account.as_str() {
                "BucketAlreadyOwnedByYou"
            } else {
                "BucketAlreadyExists"
            };
            return refuse(Kind::AlreadyExists, code, "the name is taken");
        }
        let released = self.released.get(name);
        if released.is_some_and(|since| !shows(*since, self.delays.deleted_names)) {
            let message = "A conflicting conditional operation is currently in progress against this resource. Please try again.";
            return refuse(Kind::Conflict, "OperationAborted", message);
        }
        let Ok(parsed) = BucketName::parse(name) else {
            return refuse(
                Kind::Invalid,
                "InvalidBucketName",
                "The specified bucket is not valid.",
            );
        };
        if let Some(place) = parsed.regional_namespace()
            && place != (at.account.as_str(), at.region.as_str())
        {
            return refuse(Kind::Invalid, "InvalidBucketNamespace", "another's");
        }
        check_tags(tags)?;
        let bucket = Bucket {
            account: at.account.to_string(),
            region: at.region.to_string(),
            ownership: ownership.to_owned(),
            acl_grants: Vec::new(),
            tags: tags.clone(),
            abac: None,
            versioning: None,
            versioned: None,
            encryption: BucketEncryption {
                sse_algorithm: "AES256".to_owned(),
                kms_key: None,
                bucket_key_enabled: false,
                blocked_encryption_types: Vec::new(),
            },
            public_access_block: Some(PublicAccessBlock {
                block_public_acls: true,
                block_public_policy: true,
                ignore_public_acls: true,
                restrict_public_buckets: true,
            }),
            lifecycle: None,
            object_lock: None,
            retained: BTreeMap::new(),
            held: BTreeSet::new(),
            denied: BTreeSet::new(),
            failing: BTreeSet::new(),
            objects: BTreeMap::new(),
            notified: Vec::new(),
            is_shut: false,
            put: 0,
            policy: None,
            policy_before: None,
            mfa_delete: false,
            replication: None,
            replication_before: None,
            versions: Vec::new(),
            replication_statuses: BTreeMap::new(),
            sse_c: BTreeSet::new(),
            uploads: Vec::new(),
            keys_used: Vec::new(),
        };
        self.buckets.insert(name.to_owned(), bucket);
        self.made.insert(name.to_owned(), Instant::now());
        Ok(Output::Done)
    }

    fn bucket_policy(&self, bucket: &str, text: &str) -> Result<PolicyDocument, Refused> {
        let malformed = |message: String| refuse(Kind::Invalid, "MalformedPolicy", message);
        let Ok(document) = PolicyDocument::parse(text) else {
            return malformed("this policy contains invalid Json".to_owned());
        };
        if let Err(error) = check_size(PolicyKind::Bucket, text) {
            return malformed(error.to_string());
        }
        if document.statements.is_empty() {
            return malformed("missing required field Statement".to_owned());
        }
        let own = format!("arn:aws:s3:::{bucket}");
        for resource in document.inputs() {
            let fits = resource
                .known()
                .is_some_and(|r| *r == own || r.starts_with(&format!("{own}/")));
            if !fits {
                return malformed("policy has invalid resource".to_owned());
            }
        }
        self.stored(document)
    }

    pub(super) fn is_versioned(&self, bucket: &Bucket) -> bool {
        bucket.versioning.as_deref() == Some("Enabled")
            && bucket
                .versioned
                .is_none_or(|since| shows(since, self.delays.versioning))
    }

    /// The policy as a reader sees it.
    fn policy_shown<'a>(&self, bucket: &'a Bucket) -> Option<&'a PolicyDocument> {
        match &bucket.policy_before {
            Some((since, before)) if !shows(*since, self.delays.policies) => before.as_ref(),
            _ => bucket.policy.as_ref(),
        }
    }

    /// The rules as a reader sees them.
    pub(super) fn rules_shown<'a>(
        &self,
        bucket: &'a Bucket,
    ) -> Option<&'a ReplicationConfiguration> {
        match &bucket.replication_before {
            Some((since, before)) if !shows(*since, self.delays.rules) => before.as_ref(),
            _ => bucket.replication.as_ref(),
        }
    }
}

impl Bucket {
    fn set(&mut self, operation: &Operation) -> Result<Output, Refused> {
        match operation {
            Operation::PutPublicAccessBlock { block, .. } => {
                self.public_access_block = Some(*block);
            }
            Operation::PutBucketOwnershipControls {
                object_ownership, ..
            } => {
                if object_ownership == "BucketOwnerEnforced" && !self.acl_grants.is_empty() {
                    let code = "InvalidBucketAclWithObjectOwnership";
                    return refuse(Kind::Invalid, code, "the ACL grants others something");
                }
                self.ownership.clone_from(object_ownership);
            }
            Operation::PutBucketTagging { tags, .. } => {
                if let Some((kind, code)) = self.abac {
                    return refuse(kind, code, "not while ABAC is on");
                }
                let system = |tags: &Tags| -> Tags {
                    let aws = tags.iter().filter(|(key, _)| key.starts_with("aws:"));
                    aws.map(|(k, v)| (k.clone(), v.clone())).collect()
                };
                if system(tags) != system(&self.tags) {
                    let message = "System tags cannot be added, changed or removed";
                    return refuse(Kind::Invalid, "InvalidTag", message);
                }
                check_tags(tags)?;
                self.tags.clone_from(tags);
            }
            Operation::TagBucket { tags, .. } => {
                let mut all = self.tags.clone();
                all.extend(user_tags(tags)?);
                check_tags(&all)?;
                self.tags = all;
            }
            Operation::UntagBucket { tag_keys, .. } => {
                let tags = tag_keys.iter().map(|key| (key.clone(), String::new()));
                let gone = user_tags(&tags.collect())?;
                self.tags.retain(|key, _| !gone.contains_key(key));
            }
            Operation::PutBucketLifecycleConfiguration { lifecycle, .. } => {
                lifecycle::check(lifecycle)?;
                self.lifecycle = Some(lifecycle::stored(lifecycle));
            }
            Operation::DeleteBucketLifecycle { .. } => self.lifecycle = None,
            Operation::DeleteBucketPolicy { .. } => self.set_policy(None),
            Operation::DeleteBucketReplication { .. } => self.set_replication(None),
            Operation::PutObjectLockConfiguration { object_lock, .. } => {
                if self.versioning.as_deref() != Some("Enabled") {
                    let message = "Versioning must be 'Enabled' on the bucket";
                    return refuse(Kind::InvalidState, "InvalidBucketState", message);
                }
                self.object_lock = Some(object_lock.clone());
            }
            Operation::DeleteObjects {
                versions,
                bypass_governance_retention,
                ..
            } => return Ok(self.delete_objects(versions, *bypass_governance_retention)),
            Operation::AbortMultipartUpload { upload_id, .. } => {
                self.uploads.retain(|(_, id)| id != upload_id);
            }
            other => unreachable!("{other} is not a write of one bucket"),
        }
        Ok(Output::Done)
    }
}

impl Bucket {
    fn set_replication(&mut self, configuration: Option<ReplicationConfiguration>) {
        let before = std::mem::replace(&mut self.replication, configuration);
        self.replication_before = Some((Instant::now(), before));
    }

    fn set_policy(&mut self, policy: Option<PolicyDocument>) {
        let before = std::mem::replace(&mut self.policy, policy);
        self.policy_before = Some((Instant::now(), before));
    }

    /// A page of versions, in the order in which they came. S3 has them in the order of their keys.
    fn page(&self, prefix: &str, max_keys: i32, after: Option<&PageMarker>) -> Answer {
        let size = usize::try_from(max_keys).unwrap();
        let number = after.and_then(|marker| marker.version_id.as_deref().map(number_of));
        let is_behind = |version: &&ObjectVersion| {
            number.is_none_or(|number| number_of(&version.version_id) > number)
        };
        let versions = self.versions.iter();
        let mut behind = versions
            .filter(|version| version.key.starts_with(prefix))
            .filter(is_behind);
        let versions: Vec<ObjectVersion> = behind.by_ref().take(size).cloned().collect();
        let last = versions.last().filter(|_| behind.next().is_some());
        let next = last.map(|last| PageMarker {
            key: last.key.clone(),
            version_id: Some(last.version_id.clone()),
        });
        Answer::Versions { versions, next }
    }

    /// Deletes what no lock keeps and nobody forbids.
    fn delete_objects(&mut self, versions: &[ObjectVersion], bypass: bool) -> Output {
        assert!(versions.len() <= 1000, "MalformedXML");
        let is_kept = |version: &ObjectVersion| {
            let id = &version.version_id;
            let retention = self.retained.get(id);
            self.held.contains(id) || retention.is_some_and(|r| !(bypass && r.mode == "GOVERNANCE"))
        };
        let mut refused = Vec::new();
        let mut gone = HashSet::new();
        for version in versions {
            let id = &version.version_id;
            let why = if is_kept(version) {
                "AccessDenied: locked"
            } else if self.denied.contains(&version.key) {
                "AccessDenied: not you"
            } else if self.failing.remove(id) {
                "InternalError: try again"
            } else {
                gone.insert(id.as_str());
                continue;
            };
            refused.push(Undeleted {
                key: version.key.clone(),
                version_id: id.clone(),
                why: why.to_owned(),
                passing: why.starts_with("InternalError"),
            });
        }
        let is_left = |version: &ObjectVersion| !gone.contains(version.version_id.as_str());
        self.versions.retain(is_left);
        Output::NotDeleted(refused)
    }
}

/// The place of a version in the order in which they came; what a test put there by hand comes last.
fn number_of(version_id: &str) -> usize {
    let number = version_id.strip_prefix('v');
    number.and_then(|n| n.parse().ok()).unwrap_or(usize::MAX)
}

/// Tags that S3 Control is sent: none of them is AWS's own.
fn user_tags(tags: &Tags) -> Result<Tags, Refused> {
    if tags.keys().any(|key| key.starts_with("aws:")) {
        return refuse(Kind::Invalid, "InvalidTag", "aws: is AWS's own");
    }
    Ok(tags.clone())
}

/// At most fifty tags, keys of 128 and values of 256 characters.
pub(super) fn check_tags(tags: &Tags) -> Result<(), Refused> {
    let user = tags.iter().filter(|(key, _)| !key.starts_with("aws:"));
    let too_long = user.clone().any(|(key, value)| {
        key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256
    });
    if too_long || user.count() > 50 {
        return refuse(Kind::Invalid, "InvalidTag", "too many or too long tags");
    }
    Ok(())
}
