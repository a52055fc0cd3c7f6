//! The calls that this provider makes, as plain data: [`Query`] reads, [`Operation`] writes.
//!
//! Because a call is a value, a plan prints as text, and fault injection, logging and counting are one
//! wrapper each. What a query finds is an [`Answer`], what an operation makes an [`Output`]; all shapes are
//! ours, none is the AWS SDK's.

mod batch_job;
mod lifecycle;
mod managed_policy;
mod metrics;
mod notification;
mod object;
mod object_lock;
pub mod permissions;
mod query;
mod shapes;

use std::fmt;

use super::component::ComponentId;
use super::policy::PolicyDocument;

pub use batch_job::{
    BatchJob, BatchJobDescription, BatchJobFailure, BatchJobFailureKind, BatchJobFilter,
    BatchJobOperation, BatchJobReport, BatchJobStatus,
};
pub use lifecycle::{
    DEFAULT_TRANSITION_MINIMUM, Expiration, LifecycleConfiguration, LifecycleRule, LifecycleScope,
    Moment, Noncurrent,
};
pub use managed_policy::ManagedPolicyOperation;
pub use metrics::{DataPoint, MeasuredRule, ReplicationMetric};
pub use notification::Notification;
pub use object::{NewObject, ObjectDescription};
pub use object_lock::{DefaultRetention, ObjectLock, Retention, RetentionPeriod};
pub use query::{Answer, Query};
pub use shapes::{
    BucketEncryption, KeyDescription, ManagedPolicyDescription, ObjectVersion, PageMarker,
    PublicAccessBlock, ReplicationConfiguration, ReplicationRule, RoleDescription, RuleFilter,
    Tags, Undeleted,
};

/// A write. Each is made once by one step; what it answers, if anything, is the component's output.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are named as the API's own parameters")]
pub enum Operation {
    /// `CreateBucket` with ownership, Object Lock and tags in the same call. A locked bucket is versioned.
    CreateBucket {
        bucket: String,
        object_ownership: String,
        object_lock: bool,
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
    /// `PutBucketLifecycleConfiguration`: all rules, of which there is at least one.
    PutBucketLifecycleConfiguration {
        bucket: String,
        lifecycle: LifecycleConfiguration,
    },
    /// `PutObjectLockConfiguration`: locks a versioned bucket, and says what new versions get.
    PutObjectLockConfiguration {
        bucket: String,
        object_lock: ObjectLock,
    },
    /// `DeleteBucketLifecycle`.
    DeleteBucketLifecycle { bucket: String },
    /// `PutBucketTagging`: the whole set. Refused once ABAC is on for the bucket.
    PutBucketTagging { bucket: String, tags: Tags },
    /// S3 Control's `TagResource`: these tags, and no others.
    TagBucket { bucket: String, tags: Tags },
    /// S3 Control's `UntagResource`.
    UntagBucket {
        bucket: String,
        tag_keys: Vec<String>,
    },
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
    /// `PutObject`: a small one. Sent twice it leaves two versions under one key.
    PutObject { bucket: String, object: NewObject },
    /// `DeleteObjects` by version id, at most 1000.
    DeleteObjects {
        bucket: String,
        versions: Vec<ObjectVersion>,
        /// Whether retention in governance mode is no obstacle.
        bypass_governance_retention: bool,
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
    /// A write of a customer managed policy.
    ManagedPolicy(ManagedPolicyOperation),
    /// A write about jobs of S3 Batch Operations.
    BatchJob(BatchJobOperation),
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
    /// A key's ARN, a job's ID.
    Text(String),
    /// A role: ARN and unique id.
    Role {
        /// ARN with path.
        arn: String,
        /// `AROA...`.
        unique_id: String,
    },
    /// What `DeleteObjects` could not delete.
    NotDeleted(Vec<Undeleted>),
}

/// A value that a step needs: known already, or made by an earlier step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input<T> {
    /// Known now.
    Known(T),
    /// What the step that makes this component will answer (a key's ARN).
    OutputOf(ComponentId),
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

impl Input<String> {
    /// Puts in what `output` has of the component; the component where it has nothing yet.
    pub(super) fn fill(
        &mut self,
        output: &dyn Fn(&ComponentId) -> Option<String>,
    ) -> Result<(), ComponentId> {
        if let Self::OutputOf(component) = self {
            *self = Self::Known(output(component).ok_or_else(|| component.clone())?);
        }
        Ok(())
    }
}

impl<T: fmt::Display> fmt::Display for Input<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value) => value.fmt(f),
            Self::OutputOf(component) => write!(f, "<{component}>"),
        }
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
            Self::PutBucketLifecycleConfiguration { .. } => "s3:PutBucketLifecycleConfiguration",
            Self::PutObjectLockConfiguration { .. } => "s3:PutObjectLockConfiguration",
            Self::DeleteBucketLifecycle { .. } => "s3:DeleteBucketLifecycle",
            Self::PutBucketTagging { .. } => "s3:PutBucketTagging",
            Self::TagBucket { .. } => "s3:TagResource",
            Self::UntagBucket { .. } => "s3:UntagResource",
            Self::PutBucketPolicy { .. } => "s3:PutBucketPolicy",
            Self::DeleteBucketPolicy { .. } => "s3:DeleteBucketPolicy",
            Self::PutBucketReplication { .. } => "s3:PutBucketReplication",
            Self::DeleteBucketReplication { .. } => "s3:DeleteBucketReplication",
            Self::PutObject { .. } => "s3:PutObject",
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
            Self::ManagedPolicy(operation) => operation.call(),
            Self::BatchJob(operation) => operation.call(),
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
            | Self::PutBucketLifecycleConfiguration { bucket, .. }
            | Self::PutObjectLockConfiguration { bucket, .. }
            | Self::DeleteBucketLifecycle { bucket }
            | Self::PutBucketTagging { bucket, .. }
            | Self::TagBucket { bucket, .. }
            | Self::UntagBucket { bucket, .. }
            | Self::PutBucketPolicy { bucket, .. }
            | Self::DeleteBucketPolicy { bucket }
            | Self::PutBucketReplication { bucket, .. }
            | Self::DeleteBucketReplication { bucket }
            | Self::PutObject { bucket, .. }
            | Self::DeleteObjects { bucket, .. }
            | Self::AbortMultipartUpload { bucket, .. } => bucket.clone(),
            Self::ManagedPolicy(operation) => operation.policy_arn().to_owned(),
            Self::BatchJob(operation) => operation.subject().to_owned(),
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
            Self::ManagedPolicy(operation) => operation
                .document()
                .map_or_else(Vec::new, PolicyDocument::inputs),
            _ => Vec::new(),
        }
    }

    /// The same operation with every input filled in by `output`; the component that has no output yet
    /// otherwise.
    pub fn resolve(
        mut self,
        output: &dyn Fn(&ComponentId) -> Option<String>,
    ) -> Result<Self, ComponentId> {
        let fill = |input: &mut Input<String>| input.fill(output);
        match &mut self {
            Self::PutBucketEncryption { encryption, .. } => {
                encryption.kms_key.as_mut().map_or(Ok(()), fill)?;
            }
            Self::PutBucketReplication { configuration, .. } => configuration.resolve(output)?,
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
            Self::PutRolePolicy { document, .. } => fill_document(document, output)?,
            Self::ManagedPolicy(operation) => {
                if let Some(document) = operation.document_mut() {
                    fill_document(document, output)?;
                }
            }
            _ => {}
        }
        Ok(self)
    }
}

fn fill_document(
    document: &mut PolicyDocument,
    output: &dyn Fn(&ComponentId) -> Option<String>,
) -> Result<(), ComponentId> {
    *document = document.resolve(output);
    match document.inputs().into_iter().find(|i| i.known().is_none()) {
        Some(Input::OutputOf(component)) => Err(component.clone()),
        _ => Ok(()),
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
