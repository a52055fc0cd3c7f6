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

impl Query {
    /// The call as IAM names it.
    pub fn call(&self) -> &'static str {
        match self {
            Self::HeadBucket { .. } => "s3:HeadBucket",
            Self::GetBucketVersioning { .. } => "s3:GetBucketVersioning",
            Self::GetBucketEncryption { .. } => "s3:GetBucketEncryption",
            Self::GetPublicAccessBlock { .. } => "s3:GetPublicAccessBlock",
            Self::GetBucketOwnershipControls { .. } => "s3:GetBucketOwnershipControls",
            Self::GetBucketTagging { .. } => "s3:GetBucketTagging",
            Self::GetBucketPolicy { .. } => "s3:GetBucketPolicy",
            Self::GetBucketReplication { .. } => "s3:GetBucketReplication",
            Self::ListObjectVersions { .. } => "s3:ListObjectVersions",
            Self::ListMultipartUploads { .. } => "s3:ListMultipartUploads",
            Self::DescribeKey { .. } => "kms:DescribeKey",
            Self::GetKeyPolicy { .. } => "kms:GetKeyPolicy",
            Self::GetKeyRotationStatus { .. } => "kms:GetKeyRotationStatus",
            Self::ListKeyTags { .. } => "kms:ListResourceTags",
            Self::ListAliases { .. } => "kms:ListAliases",
            Self::ListKeys => "kms:ListKeys",
            Self::GetRole { .. } => "iam:GetRole",
            Self::ListRolePolicies { .. } => "iam:ListRolePolicies",
            Self::ListAttachedRolePolicies { .. } => "iam:ListAttachedRolePolicies",
            Self::GetRolePolicy { .. } => "iam:GetRolePolicy",
        }
    }

    /// What it looks at.
    pub fn subject(&self) -> &str {
        match self {
            Self::HeadBucket { bucket }
            | Self::GetBucketVersioning { bucket }
            | Self::GetBucketEncryption { bucket }
            | Self::GetPublicAccessBlock { bucket }
            | Self::GetBucketOwnershipControls { bucket }
            | Self::GetBucketTagging { bucket }
            | Self::GetBucketPolicy { bucket }
            | Self::GetBucketReplication { bucket }
            | Self::ListObjectVersions { bucket, .. }
            | Self::ListMultipartUploads { bucket } => bucket,
            Self::DescribeKey { key }
            | Self::GetKeyPolicy { key }
            | Self::GetKeyRotationStatus { key }
            | Self::ListKeyTags { key }
            | Self::ListAliases { key } => key,
            Self::ListKeys => "all keys",
            Self::GetRole { role }
            | Self::ListRolePolicies { role }
            | Self::ListAttachedRolePolicies { role }
            | Self::GetRolePolicy { role, .. } => role,
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.call().split_once(':').map_or("", |(_, name)| name);
        write!(f, "{call} {}", self.subject())
    }
}

impl Operation {
    /// The call as IAM names it.
    pub fn call(&self) -> &'static str {
        match self {
            Self::CreateBucket { .. } => "s3:CreateBucket",
            Self::DeleteBucket { .. } => "s3:DeleteBucket",
            Self::EnableBucketVersioning { .. } => "s3:PutBucketVersioning",
            Self::PutBucketEncryption { .. } => "s3:PutBucketEncryption",
            Self::PutPublicAccessBlock { .. } => "s3:PutPublicAccessBlock",
            Self::PutBucketOwnershipControls { .. } => "s3:PutBucketOwnershipControls",
            Self::PutBucketTagging { .. } => "s3:PutBucketTagging",
            Self::PutBucketPolicy { .. } => "s3:PutBucketPolicy",
            Self::DeleteBucketPolicy { .. } => "s3:DeleteBucketPolicy",
            Self::PutBucketReplication { .. } => "s3:PutBucketReplication",
            Self::DeleteBucketReplication { .. } => "s3:DeleteBucketReplication",
            Self::DeleteObjects { .. } => "s3:DeleteObjects",
            Self::AbortMultipartUpload { .. } => "s3:AbortMultipartUpload",
            Self::CreateKey { .. } => "kms:CreateKey",
            Self::PutKeyPolicy { .. } => "kms:PutKeyPolicy",
            Self::UpdateKeyDescription { .. } => "kms:UpdateKeyDescription",
            Self::EnableKeyRotation { .. } => "kms:EnableKeyRotation",
            Self::DisableKeyRotation { .. } => "kms:DisableKeyRotation",
            Self::EnableKey { .. } => "kms:EnableKey",
            Self::DisableKey { .. } => "kms:DisableKey",
            Self::TagKey { .. } => "kms:TagResource",
            Self::UntagKey { .. } => "kms:UntagResource",
            Self::CreateAlias { .. } => "kms:CreateAlias",
            Self::UpdateAlias { .. } => "kms:UpdateAlias",
            Self::DeleteAlias { .. } => "kms:DeleteAlias",
            Self::ScheduleKeyDeletion { .. } => "kms:ScheduleKeyDeletion",
            Self::CancelKeyDeletion { .. } => "kms:CancelKeyDeletion",
            Self::CreateRole { .. } => "iam:CreateRole",
            Self::DeleteRole { .. } => "iam:DeleteRole",
            Self::UpdateRole { .. } => "iam:UpdateRole",
            Self::UpdateAssumeRolePolicy { .. } => "iam:UpdateAssumeRolePolicy",
            Self::PutRolePermissionsBoundary { .. } => "iam:PutRolePermissionsBoundary",
            Self::DeleteRolePermissionsBoundary { .. } => "iam:DeleteRolePermissionsBoundary",
            Self::PutRolePolicy { .. } => "iam:PutRolePolicy",
            Self::DeleteRolePolicy { .. } => "iam:DeleteRolePolicy",
            Self::DetachRolePolicy { .. } => "iam:DetachRolePolicy",
            Self::TagRole { .. } => "iam:TagRole",
            Self::UntagRole { .. } => "iam:UntagRole",
        }
    }

    /// What it changes: a bucket's or role's name, a key's ARN, an alias.
    pub fn subject(&self) -> String {
        match self {
            Self::CreateBucket { bucket, .. }
            | Self::DeleteBucket { bucket }
            | Self::EnableBucketVersioning { bucket }
            | Self::PutBucketEncryption { bucket, .. }
            | Self::PutPublicAccessBlock { bucket, .. }
            | Self::PutBucketOwnershipControls { bucket, .. }
            | Self::PutBucketTagging { bucket, .. }
            | Self::PutBucketPolicy { bucket, .. }
            | Self::DeleteBucketPolicy { bucket }
            | Self::PutBucketReplication { bucket, .. }
            | Self::DeleteBucketReplication { bucket }
            | Self::DeleteObjects { bucket, .. }
            | Self::AbortMultipartUpload { bucket, .. } => bucket.clone(),
            Self::CreateKey { description, .. } => format!("new key \"{description}\""),
            Self::PutKeyPolicy { key, .. }
            | Self::UpdateKeyDescription { key, .. }
            | Self::EnableKeyRotation { key, .. }
            | Self::DisableKeyRotation { key }
            | Self::EnableKey { key }
            | Self::DisableKey { key }
            | Self::TagKey { key, .. }
            | Self::UntagKey { key, .. }
            | Self::ScheduleKeyDeletion { key, .. }
            | Self::CancelKeyDeletion { key } => key.to_string(),
            Self::CreateAlias { alias, .. }
            | Self::UpdateAlias { alias, .. }
            | Self::DeleteAlias { alias } => alias.clone(),
            Self::CreateRole { role, .. }
            | Self::DeleteRole { role }
            | Self::UpdateRole { role, .. }
            | Self::UpdateAssumeRolePolicy { role, .. }
            | Self::PutRolePermissionsBoundary { role, .. }
            | Self::DeleteRolePermissionsBoundary { role }
            | Self::PutRolePolicy { role, .. }
            | Self::DeleteRolePolicy { role, .. }
            | Self::DetachRolePolicy { role, .. }
            | Self::TagRole { role, .. }
            | Self::UntagRole { role, .. } => role.clone(),
        }
    }

    /// Every input that may still have to be made.
    pub fn inputs(&self) -> Vec<&Input<String>> {
        match self {
            Self::PutBucketEncryption { encryption, .. } => encryption.kms_key.iter().collect(),
            Self::PutBucketReplication { configuration, .. } => configuration
                .rules
                .iter()
                .filter_map(|rule| rule.replica_kms_key.as_ref())
                .collect(),
            Self::PutKeyPolicy { key, .. }
            | Self::UpdateKeyDescription { key, .. }
            | Self::EnableKeyRotation { key, .. }
            | Self::DisableKeyRotation { key }
            | Self::EnableKey { key }
            | Self::DisableKey { key }
            | Self::TagKey { key, .. }
            | Self::UntagKey { key, .. }
            | Self::CreateAlias { key, .. }
            | Self::UpdateAlias { key, .. }
            | Self::ScheduleKeyDeletion { key, .. }
            | Self::CancelKeyDeletion { key } => vec![key],
            Self::PutRolePolicy { document, .. } => document.inputs(),
            _ => Vec::new(),
        }
    }

    /// The same operation with every input filled in by `output`; the component that has no output yet
    /// otherwise.
    pub fn resolve(
        mut self,
        output: &dyn Fn(&ComponentId) -> Option<String>,
    ) -> Result<Self, ComponentId> {
        let fill = |input: &mut Input<String>| {
            if let Input::OutputOf(component) = input {
                let value = output(component).ok_or_else(|| component.clone())?;
                *input = Input::Known(value);
            }
            Ok(())
        };
        match &mut self {
            Self::PutBucketEncryption { encryption, .. } => {
                encryption.kms_key.as_mut().map_or(Ok(()), fill)?;
            }
            Self::PutBucketReplication { configuration, .. } => configuration
                .rules
                .iter_mut()
                .filter_map(|rule| rule.replica_kms_key.as_mut())
                .try_for_each(fill)?,
            Self::PutKeyPolicy { key, .. }
            | Self::UpdateKeyDescription { key, .. }
            | Self::EnableKeyRotation { key, .. }
            | Self::DisableKeyRotation { key }
            | Self::EnableKey { key }
            | Self::DisableKey { key }
            | Self::TagKey { key, .. }
            | Self::UntagKey { key, .. }
            | Self::CreateAlias { key, .. }
            | Self::UpdateAlias { key, .. }
            | Self::ScheduleKeyDeletion { key, .. }
            | Self::CancelKeyDeletion { key } => fill(key)?,
            Self::PutRolePolicy { document, .. } => {
                *document = document.resolve(output);
                if let Some(Input::OutputOf(component)) =
                    document.inputs().into_iter().find(|i| i.known().is_none())
                {
                    return Err(component.clone());
                }
            }
            _ => {}
        }
        Ok(self)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.call().split_once(':').map_or("", |(_, name)| name);
        write!(f, "{call} {}", self.subject())?;
        for input in self.inputs() {
            if input.known().is_none() && !self.subject().contains(&input.to_string()) {
                write!(f, " with {input}")?;
            }
        }
        Ok(())
    }
}
