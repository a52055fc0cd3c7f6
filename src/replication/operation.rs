//! The calls that this provider makes, as plain data: [`Query`] reads, [`Operation`] writes.
//!
//! Because a call is a value, a plan prints as text, and fault injection, logging and counting are one
//! wrapper each. What a call answers is an [`Answer`]; all shapes are ours, none is the AWS SDK's.

use std::collections::BTreeMap;
use std::fmt;

use super::component::ComponentId;
use super::policy::PolicyDocument;

/// Tags as AWS stores them: a map, because a key stands once.
pub type Tags = BTreeMap<String, String>;

/// A value that a step needs: known already, made by an earlier step, or unknown until apply.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input<T> {
    /// Known now.
    Known(T),
    /// What the step that makes this component will answer (a key's ARN).
    OutputOf(ComponentId),
    /// Unknown in the configuration: a plan may hold it, the executor refuses it.
    Later,
}

impl<T> Input<T> {
    /// The value, where it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }
}

impl<T: fmt::Display> fmt::Display for Input<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value) => value.fmt(f),
            Self::OutputOf(component) => write!(f, "<{component}>"),
            Self::Later => f.write_str("<known after apply>"),
        }
    }
}

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
}

/// A read. Every query names the one thing that it looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are named as the API's own parameters")]
pub enum Query {
    /// Does the bucket exist, is it ours, where is it? Answers [`Answer::BucketRegion`].
    HeadBucket { bucket: String },
    /// Answers [`Answer::Text`]: `Enabled`, `Suspended`, or absent when never set.
    GetBucketVersioning { bucket: String },
    /// Answers [`Answer::Encryption`].
    GetBucketEncryption { bucket: String },
    /// Answers [`Answer::PublicAccessBlock`].
    GetPublicAccessBlock { bucket: String },
    /// Answers [`Answer::Text`]: `BucketOwnerEnforced` and so on.
    GetBucketOwnershipControls { bucket: String },
    /// Answers [`Answer::Tags`].
    GetBucketTagging { bucket: String },
    /// Answers [`Answer::Text`]: the policy document.
    GetBucketPolicy { bucket: String },
    /// Answers [`Answer::Replication`].
    GetBucketReplication { bucket: String },
    /// One page of versions and delete markers. Answers [`Answer::Versions`].
    ListObjectVersions {
        bucket: String,
        /// At most so many (1 to 1000).
        max_keys: i32,
    },
    /// One page of unfinished uploads. Answers [`Answer::Uploads`].
    ListMultipartUploads { bucket: String },
    /// By key id, key ARN or alias name. Answers [`Answer::Key`].
    DescribeKey { key: String },
    /// Answers [`Answer::Text`].
    GetKeyPolicy { key: String },
    /// Answers [`Answer::Rotation`].
    GetKeyRotationStatus { key: String },
    /// Answers [`Answer::Tags`].
    ListKeyTags { key: String },
    /// Aliases of one key (all pages). Answers [`Answer::Names`].
    ListAliases { key: String },
    /// Ids of every key of the account and region (all pages). Answers [`Answer::Names`].
    ListKeys,
    /// Answers [`Answer::Role`].
    GetRole { role: String },
    /// Names of the role's inline policies (all pages). Answers [`Answer::Names`].
    ListRolePolicies { role: String },
    /// ARNs of the managed policies attached to the role (all pages). Answers [`Answer::Names`].
    ListAttachedRolePolicies { role: String },
    /// Answers [`Answer::Text`]: the document, percent-decoded.
    GetRolePolicy { role: String, policy: String },
}

/// What a query found. "Not there" is not an answer but [`CallErrorKind::NotFound`](crate::execution::cloud::CallErrorKind).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The region that the bucket is in.
    BucketRegion(String),
    /// A text; empty when AWS has none.
    Text(String),
    /// A bucket's default encryption.
    Encryption(BucketEncryption),
    /// A bucket's public access block.
    PublicAccessBlock(PublicAccessBlock),
    /// Tags.
    Tags(Tags),
    /// A replication configuration.
    Replication(ReplicationConfiguration),
    /// Versions and delete markers, and whether there are more.
    Versions {
        /// This page.
        versions: Vec<ObjectVersion>,
        /// Whether further pages follow.
        truncated: bool,
    },
    /// Unfinished uploads: object key and upload id.
    Uploads(Vec<(String, String)>),
    /// A key.
    Key(KeyDescription),
    /// Rotation: on or off, and the period in days.
    Rotation {
        /// Whether rotation is on.
        enabled: bool,
        /// The period in days, where AWS tells it.
        period_days: Option<i32>,
    },
    /// Names, ids or ARNs.
    Names(Vec<String>),
    /// A role.
    Role(RoleDescription),
}

/// A write. Each is made once by one step; what it answers, if anything, is the component's output.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are named as the API's own parameters")]
pub enum Operation {
    /// `CreateBucket` with ownership and tags in the same call.
    CreateBucket {
        bucket: String,
        object_ownership: String,
        tags: Tags,
    },
    /// `DeleteBucket`; AWS refuses while anything is in it.
    DeleteBucket { bucket: String },
    /// `PutBucketVersioning` with `Enabled`.
    EnableBucketVersioning { bucket: String },
    /// `PutBucketEncryption`.
    PutBucketEncryption {
        bucket: String,
        encryption: BucketEncryption,
    },
    /// `PutPublicAccessBlock`.
    PutPublicAccessBlock {
        bucket: String,
        block: PublicAccessBlock,
    },
    /// `PutBucketOwnershipControls`.
    PutBucketOwnershipControls {
        bucket: String,
        object_ownership: String,
    },
    /// `PutBucketTagging`: the whole set.
    PutBucketTagging { bucket: String, tags: Tags },
    /// `PutBucketPolicy`: the whole document.
    PutBucketPolicy { bucket: String, policy: String },
    /// `DeleteBucketPolicy`.
    DeleteBucketPolicy { bucket: String },
    /// `PutBucketReplication`: the whole configuration.
    PutBucketReplication {
        bucket: String,
        configuration: ReplicationConfiguration,
    },
    /// `DeleteBucketReplication`.
    DeleteBucketReplication { bucket: String },
    /// `DeleteObjects` by version id, at most 1000.
    DeleteObjects {
        bucket: String,
        versions: Vec<ObjectVersion>,
    },
    /// `AbortMultipartUpload`.
    AbortMultipartUpload {
        bucket: String,
        key: String,
        upload_id: String,
    },
    /// `CreateKey`, symmetric. Answers [`Output::Text`], the key's ARN. Never sent twice: an answer that was
    /// lost is [`CallErrorKind::Ambiguous`](crate::execution::cloud::CallErrorKind).
    CreateKey {
        description: String,
        multi_region: bool,
        policy: String,
        tags: Tags,
    },
    /// `PutKeyPolicy`, never bypassing the lock-out check.
    PutKeyPolicy { key: Input<String>, policy: String },
    /// `UpdateKeyDescription`.
    UpdateKeyDescription {
        key: Input<String>,
        description: String,
    },
    /// `EnableKeyRotation`.
    EnableKeyRotation {
        key: Input<String>,
        period_days: Option<i32>,
    },
    /// `DisableKeyRotation`.
    DisableKeyRotation { key: Input<String> },
    /// `EnableKey`.
    EnableKey { key: Input<String> },
    /// `DisableKey`.
    DisableKey { key: Input<String> },
    /// KMS `TagResource`.
    TagKey { key: Input<String>, tags: Tags },
    /// KMS `UntagResource`.
    UntagKey {
        key: Input<String>,
        tag_keys: Vec<String>,
    },
    /// `CreateAlias`.
    CreateAlias { alias: String, key: Input<String> },
    /// `UpdateAlias`.
    UpdateAlias { alias: String, key: Input<String> },
    /// `DeleteAlias`.
    DeleteAlias { alias: String },
    /// `ScheduleKeyDeletion`.
    ScheduleKeyDeletion {
        key: Input<String>,
        window_days: i32,
    },
    /// `CancelKeyDeletion`; the key is disabled afterwards.
    CancelKeyDeletion { key: Input<String> },
    /// `CreateRole`. Answers [`Output::Role`].
    CreateRole {
        role: String,
        path: String,
        description: String,
        permissions_boundary: Option<String>,
        trust_policy: String,
        tags: Tags,
    },
    /// `DeleteRole`.
    DeleteRole { role: String },
    /// `UpdateRole`: the description.
    UpdateRole { role: String, description: String },
    /// `UpdateAssumeRolePolicy`.
    UpdateAssumeRolePolicy { role: String, trust_policy: String },
    /// `PutRolePermissionsBoundary`.
    PutRolePermissionsBoundary { role: String, boundary: String },
    /// `DeleteRolePermissionsBoundary`.
    DeleteRolePermissionsBoundary { role: String },
    /// `PutRolePolicy`, inline.
    PutRolePolicy {
        role: String,
        policy: String,
        document: PolicyDocument,
    },
    /// `DeleteRolePolicy`.
    DeleteRolePolicy { role: String, policy: String },
    /// `DetachRolePolicy`.
    DetachRolePolicy { role: String, policy_arn: String },
    /// `TagRole`.
    TagRole { role: String, tags: Tags },
    /// `UntagRole`.
    UntagRole { role: String, tag_keys: Vec<String> },
}

/// What an operation answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Nothing that anybody needs.
    Done,
    /// A key's ARN.
    Text(String),
    /// A role: ARN and unique id.
    Role {
        /// ARN with path.
        arn: String,
        /// `AROA...`.
        unique_id: String,
    },
    /// Objects that `DeleteObjects` could not delete: object key, version id, code and message.
    NotDeleted(Vec<(String, String, String)>),
}
