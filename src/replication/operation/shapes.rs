//! What buckets, keys and roles look like in answers and writes.

use std::collections::BTreeMap;
use std::fmt;

use super::Input;
use crate::replication::component::ComponentId;
use crate::replication::ids::Arn;

/// Tags as AWS stores them: a map, because a key stands once.
pub type Tags = BTreeMap<String, String>;

/// The default encryption of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketEncryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub sse_algorithm: String,
    /// The key, as written at AWS: normally a key ARN.
    pub kms_key: Option<Input<String>>,
    /// Whether S3 Bucket Keys are used.
    pub bucket_key_enabled: bool,
    /// `BlockedEncryptionTypes`, where AWS reports any; carried over by a write.
    pub blocked_encryption_types: Vec<String>,
}

impl BucketEncryption {
    /// What KMS has to be asked for to learn the ARN of the key: a name that is no ARN, or, where none is named, the
    /// alias of the key that AWS manages for S3, which S3 takes then.
    pub fn key_to_look_up(&self) -> Option<&str> {
        let is_kms = self.sse_algorithm.starts_with("aws:kms");
        match self.kms_key.as_ref().and_then(Input::known) {
            Some(named) => Arn::parse_key(named).is_err().then_some(named),
            None => is_kms.then_some(AWS_MANAGED_KEY),
        }
    }
}

/// The alias of the key that AWS manages for S3 in each account and region.
const AWS_MANAGED_KEY: &str = "alias/aws/s3";

/// The four switches of S3 Block Public Access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicAccessBlock {
    /// `BlockPublicAcls`.
    pub block_public_acls: bool,
    /// `BlockPublicPolicy`.
    pub block_public_policy: bool,
    /// `IgnorePublicAcls`.
    pub ignore_public_acls: bool,
    /// `RestrictPublicBuckets`.
    pub restrict_public_buckets: bool,
}

/// A replication configuration (V2; a V1 rule is recognised by [`ReplicationRule::v1_prefix`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationConfiguration {
    /// ARN of the role that S3 assumes.
    pub role: String,
    /// The rules; their order means nothing.
    pub rules: Vec<ReplicationRule>,
}

impl ReplicationConfiguration {
    /// Fills every key in by `output`; the component that has none yet otherwise.
    pub fn resolve(
        &mut self,
        output: &dyn Fn(&ComponentId) -> Option<String>,
    ) -> Result<(), ComponentId> {
        let rules = self.rules.iter_mut();
        let mut keys = rules.filter_map(|rule| rule.replica_kms_key.as_mut());
        keys.try_for_each(|key| key.fill(output))
    }
}

/// One rule of a replication configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationRule {
    /// The rule's ID, unique in the configuration.
    pub id: String,
    /// Higher wins among rules with the same destination bucket; `None` only in V1 documents.
    pub priority: Option<i32>,
    /// Whether the rule is `Enabled`.
    pub enabled: bool,
    /// The filter; `None` makes the rule V1.
    pub filter: Option<RuleFilter>,
    /// The deprecated prefix of a V1 rule.
    pub v1_prefix: Option<String>,
    /// `DeleteMarkerReplication`; `None` only in V1 documents.
    pub delete_marker_replication: Option<bool>,
    /// `SourceSelectionCriteria.SseKmsEncryptedObjects`.
    pub sse_kms_encrypted_objects: Option<bool>,
    /// `SourceSelectionCriteria.ReplicaModifications`.
    pub replica_modifications: Option<bool>,
    /// ARN of the destination bucket.
    pub bucket_arn: String,
    /// Account that must own the destination bucket.
    pub account: Option<String>,
    /// Storage class of the replicas; the object's own when left out.
    pub storage_class: Option<String>,
    /// `AccessControlTranslation` with `Owner=Destination`.
    pub owner_override: bool,
    /// Key under which replicas are encrypted.
    pub replica_kms_key: Option<Input<String>>,
    /// `ReplicationTime`: enabled or not, with its minutes.
    pub replication_time: Option<(bool, i32)>,
    /// `Metrics`: enabled or not, with the event threshold in minutes.
    pub metrics: Option<(bool, Option<i32>)>,
}

/// The filter of a V2 rule; empty means the whole bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleFilter {
    /// Key prefix.
    pub prefix: Option<String>,
    /// Tags that an object must all carry.
    pub tags: Tags,
}

impl RuleFilter {
    /// Whether it lets every object pass.
    pub fn is_whole_bucket(&self) -> bool {
        self.prefix().is_empty() && self.tags.is_empty()
    }

    /// Whether both let the same objects pass.
    pub fn same(&self, other: &Self) -> bool {
        self.prefix() == other.prefix() && self.tags == other.tags
    }

    /// Whether it lets every object pass that the other does.
    pub fn covers(&self, other: &Self) -> bool {
        other.prefix().starts_with(self.prefix())
            && self
                .tags
                .iter()
                .all(|(key, value)| other.tags.get(key) == Some(value))
    }

    /// Whether some object could pass both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (this, that) = (self.prefix(), other.prefix());
        (this.starts_with(that) || that.starts_with(this))
            && self
                .tags
                .iter()
                .all(|(key, value)| other.tags.get(key).is_none_or(|theirs| theirs == value))
    }

    /// The prefix; an empty one and none are the same to S3.
    pub fn prefix(&self) -> &str {
        self.prefix.as_deref().unwrap_or_default()
    }
}

/// What `DescribeKey` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDescription {
    /// The key's ARN.
    pub arn: String,
    /// The key's description.
    pub description: String,
    /// `Enabled`, `Disabled`, `PendingDeletion` and so on.
    pub state: String,
    /// Date of deletion, RFC 3339, where one is set.
    pub deletion_date: Option<String>,
    /// `SYMMETRIC_DEFAULT` for keys that S3 can use.
    pub key_spec: String,
    /// `ENCRYPT_DECRYPT` for keys that S3 can use.
    pub key_usage: String,
    /// Whether it is a multi-Region key.
    pub multi_region: bool,
    /// `CUSTOMER` or `AWS`.
    pub manager: String,
    /// When the key was made, RFC 3339.
    pub created: Option<String>,
}

impl KeyDescription {
    /// Whether the key is about to be deleted; a primary key of several regions waits for its replicas first.
    pub fn is_pending_deletion(&self) -> bool {
        matches!(
            self.state.as_str(),
            "PendingDeletion" | "PendingReplicaDeletion"
        )
    }
}

/// What `GetPolicy` tells of a customer managed policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedPolicyDescription {
    /// The id of its default version.
    pub default_version: String,
    /// The policy's tags.
    pub tags: Tags,
}

/// What `GetRole` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDescription {
    /// ARN with path.
    pub arn: String,
    /// `AROA...`.
    pub unique_id: String,
    /// The path, `/` by default.
    pub path: String,
    /// The description; empty when none.
    pub description: String,
    /// The trust policy, JSON (already percent-decoded).
    pub trust_policy: String,
    /// ARN of the permissions boundary.
    pub permissions_boundary: Option<String>,
    /// The role's tags.
    pub tags: Tags,
    /// When the role was made, RFC 3339.
    pub created: Option<String>,
}

/// One version or delete marker of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectVersion {
    /// The object's key.
    pub key: String,
    /// The version's id.
    pub version_id: String,
    /// Whether this is a delete marker.
    pub delete_marker: bool,
    /// When it came, in seconds since 1970.
    pub last_modified: Option<i64>,
}

/// Where the next page of a list of versions begins: behind this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageMarker {
    /// The object's key.
    pub key: String,
    /// The version's id, where it is told.
    pub version_id: Option<String>,
}

/// A version that `DeleteObjects` could not delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undeleted {
    /// The object's key.
    pub key: String,
    /// The version's id.
    pub version_id: String,
    /// AWS's code and message.
    pub why: String,
    /// Whether the same request may succeed in a moment.
    pub passing: bool,
}

impl Undeleted {
    /// Whether it is this version.
    pub fn is(&self, version: &ObjectVersion) -> bool {
        self.key == version.key && self.version_id == version.version_id
    }
}

impl fmt::Display for Undeleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (version {}): {}",
            self.key, self.version_id, self.why
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(prefix: &str, tags: &[(&str, &str)]) -> RuleFilter {
        let tags = tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        RuleFilter {
            prefix: Some(prefix.to_owned()),
            tags: tags.collect(),
        }
    }

    #[test]
    fn an_empty_prefix_is_the_whole_bucket_like_none() {
        assert!(filter("", &[]).same(&RuleFilter::default()));
        assert!(filter("", &[]).is_whole_bucket());
        assert!(!filter("a", &[]).is_whole_bucket());
        assert!(!filter("", &[("a", "1")]).is_whole_bucket());
    }

    #[test]
    fn a_filter_covers_what_asks_for_more() {
        let logs = filter("logs/", &[]);
        let kept = filter("logs/2026/", &[("keep", "yes")]);
        assert!(logs.covers(&kept) && !kept.covers(&logs));
        assert!(RuleFilter::default().covers(&logs));
        assert!(!filter("", &[("keep", "no")]).covers(&kept));
    }

    #[test]
    fn filters_overlap_unless_no_object_fits_both() {
        let logs = filter("logs/", &[]);
        let kept = filter("", &[("keep", "yes")]);
        assert!(logs.overlaps(&kept) && kept.overlaps(&logs));
        assert!(!logs.covers(&kept) && !kept.covers(&logs));
        assert!(!logs.overlaps(&filter("data/", &[])));
        assert!(!kept.overlaps(&filter("", &[("keep", "no")])));
    }
}
