//! The reads and what they find.

use std::collections::BTreeMap;
use std::fmt;

use super::batch_job::BatchJobDescription;
use super::lifecycle::LifecycleConfiguration;
use super::metrics::{DataPoint, MeasuredRule, ReplicationMetric};
use super::notification::Notification;
use super::object::ObjectDescription;
use super::object_lock::{ObjectLock, Retention};
use super::shapes::{
    BucketEncryption, KeyDescription, ManagedPolicyDescription, ObjectVersion, PageMarker,
    PublicAccessBlock, ReplicationConfiguration, RoleDescription, Tags,
};

/// A read. Every query names the one thing that it looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are named as the API's own parameters")]
pub enum Query {
    /// Does the bucket exist, is it ours, where is it? Answers [`Answer::BucketRegion`].
    HeadBucket { bucket: String },
    /// Names of the account's buckets in the region that is asked, in their order (all pages). Answers
    /// [`Answer::Names`].
    ListBuckets {
        /// What the names begin with.
        prefix: String,
    },
    /// Answers [`Answer::Text`]: `Enabled`, `Suspended`, or absent when never set.
    GetBucketVersioning { bucket: String },
    /// Whether versions go only with an MFA device. Answers [`Answer::Text`]: `Enabled`, `Disabled`, or nothing when never
    /// set.
    GetBucketMfaDelete { bucket: String },
    /// Answers [`Answer::Encryption`].
    GetBucketEncryption { bucket: String },
    /// Answers [`Answer::PublicAccessBlock`].
    GetPublicAccessBlock { bucket: String },
    /// Answers [`Answer::Text`]: `BucketOwnerEnforced` and so on.
    GetBucketOwnershipControls { bucket: String },
    /// Whom the bucket's ACL grants anything, beside its owner. Answers [`Answer::Names`].
    GetBucketAcl { bucket: String },
    /// Answers [`Answer::Lifecycle`].
    GetBucketLifecycleConfiguration { bucket: String },
    /// Answers [`Answer::ObjectLock`].
    GetObjectLockConfiguration { bucket: String },
    /// Of one version. Answers [`Answer::Retention`].
    GetObjectRetention {
        bucket: String,
        version: ObjectVersion,
    },
    /// Of one version. Answers [`Answer::Text`]: `ON` or `OFF`.
    GetObjectLegalHold {
        bucket: String,
        version: ObjectVersion,
    },
    /// Answers [`Answer::Tags`].
    GetBucketTagging { bucket: String },
    /// Whether attribute-based access control is on. Answers [`Answer::Text`]: `Enabled` or `Disabled`.
    GetBucketAbac { bucket: String },
    /// Answers [`Answer::Text`]: the policy document.
    GetBucketPolicy { bucket: String },
    /// Answers [`Answer::Replication`].
    GetBucketReplication { bucket: String },
    /// One page of versions and delete markers. Answers [`Answer::Versions`].
    ListObjectVersions {
        bucket: String,
        /// What their keys begin with; all of them where it is empty.
        prefix: String,
        /// At most so many (1 to 1000).
        max_keys: i32,
        /// Behind the page before; without it the first page.
        after: Option<PageMarker>,
    },
    /// One page of unfinished uploads. Answers [`Answer::Uploads`].
    ListMultipartUploads { bucket: String },
    /// Of the current version; a delete marker is none. Answers [`Answer::Object`].
    HeadObject { bucket: String, key: String },
    /// The content of the current version, which is text. Answers [`Answer::Text`].
    GetObject { bucket: String, key: String },
    /// A job of S3 Batch Operations. Answers [`Answer::BatchJob`].
    DescribeJob { job_id: String },
    /// Every job of the account and region that replicates (all pages). Answers [`Answer::BatchJobs`].
    ListJobs,
    /// Whom it tells of its objects, and of which. Answers [`Answer::Notifications`].
    GetBucketNotificationConfiguration { bucket: String },
    /// Of the current version. Answers [`Answer::Tags`].
    GetObjectTagging { bucket: String, key: String },
    /// Of the current version. Answers [`Answer::Text`]: the canonical ID of its owner.
    GetObjectAcl { bucket: String, key: String },
    /// What was measured of a rule from one moment until another, in seconds since 1970, minute by minute (all pages).
    /// Answers [`Answer::Metrics`].
    GetMetricData {
        rule: MeasuredRule,
        metrics: Vec<ReplicationMetric>,
        from: i64,
        until: i64,
    },
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
    /// Answers [`Answer::ManagedPolicy`].
    GetPolicy { policy_arn: String },
    /// Answers [`Answer::Text`]: the document, percent-decoded.
    GetPolicyVersion { policy_arn: String, version: String },
    /// Ids of all versions (all pages). Answers [`Answer::Names`].
    ListPolicyVersions { policy_arn: String },
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
    /// A bucket's lifecycle rules.
    Lifecycle(LifecycleConfiguration),
    /// A locked bucket's configuration.
    ObjectLock(ObjectLock),
    /// A version's retention.
    Retention(Retention),
    /// Tags.
    Tags(Tags),
    /// A replication configuration.
    Replication(ReplicationConfiguration),
    /// Versions and delete markers.
    Versions {
        /// This page.
        versions: Vec<ObjectVersion>,
        /// Where the next one begins, where there is one.
        next: Option<PageMarker>,
    },
    /// Unfinished uploads: object key and upload id.
    Uploads(Vec<(String, String)>),
    /// An object.
    Object(ObjectDescription),
    /// A job.
    BatchJob(BatchJobDescription),
    /// Jobs.
    BatchJobs(Vec<BatchJobDescription>),
    /// What was measured, the newest first; nothing of a metric that has no data.
    Metrics(BTreeMap<ReplicationMetric, Vec<DataPoint>>),
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
    /// Whom a bucket tells of its objects.
    Notifications(Vec<Notification>),
    /// A customer managed policy.
    ManagedPolicy(ManagedPolicyDescription),
    /// A role.
    Role(RoleDescription),
}

impl Query {
    /// The call as IAM names it.
    pub fn call(&self) -> &'static str {
        match self {
            Self::HeadBucket { .. } => "s3:HeadBucket",
            Self::ListBuckets { .. } => "s3:ListBuckets",
            Self::GetBucketVersioning { .. } | Self::GetBucketMfaDelete { .. } => {
                "s3:GetBucketVersioning"
            }
            Self::GetBucketEncryption { .. } => "s3:GetBucketEncryption",
            Self::GetPublicAccessBlock { .. } => "s3:GetPublicAccessBlock",
            Self::GetBucketOwnershipControls { .. } => "s3:GetBucketOwnershipControls",
            Self::GetBucketAcl { .. } => "s3:GetBucketAcl",
            Self::GetBucketLifecycleConfiguration { .. } => "s3:GetBucketLifecycleConfiguration",
            Self::GetObjectLockConfiguration { .. } => "s3:GetObjectLockConfiguration",
            Self::GetObjectRetention { .. } => "s3:GetObjectRetention",
            Self::GetObjectLegalHold { .. } => "s3:GetObjectLegalHold",
            Self::GetBucketTagging { .. } => "s3:GetBucketTagging",
            Self::GetBucketAbac { .. } => "s3:GetBucketAbac",
            Self::GetBucketPolicy { .. } => "s3:GetBucketPolicy",
            Self::GetBucketReplication { .. } => "s3:GetBucketReplication",
            Self::ListObjectVersions { .. } => "s3:ListObjectVersions",
            Self::ListMultipartUploads { .. } => "s3:ListMultipartUploads",
            Self::HeadObject { .. } => "s3:HeadObject",
            Self::GetObject { .. } => "s3:GetObject",
            Self::DescribeJob { .. } => "s3:DescribeJob",
            Self::ListJobs => "s3:ListJobs",
            Self::GetBucketNotificationConfiguration { .. } => {
                "s3:GetBucketNotificationConfiguration"
            }
            Self::GetObjectTagging { .. } => "s3:GetObjectTagging",
            Self::GetObjectAcl { .. } => "s3:GetObjectAcl",
            Self::GetMetricData { .. } => "cloudwatch:GetMetricData",
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
            Self::GetPolicy { .. } => "iam:GetPolicy",
            Self::GetPolicyVersion { .. } => "iam:GetPolicyVersion",
            Self::ListPolicyVersions { .. } => "iam:ListPolicyVersions",
        }
    }

    /// What it looks at.
    pub fn subject(&self) -> &str {
        match self {
            Self::HeadBucket { bucket }
            | Self::GetBucketVersioning { bucket }
            | Self::GetBucketMfaDelete { bucket }
            | Self::GetBucketEncryption { bucket }
            | Self::GetPublicAccessBlock { bucket }
            | Self::GetBucketOwnershipControls { bucket }
            | Self::GetBucketAcl { bucket }
            | Self::GetBucketLifecycleConfiguration { bucket }
            | Self::GetObjectLockConfiguration { bucket }
            | Self::GetObjectRetention { bucket, .. }
            | Self::GetObjectLegalHold { bucket, .. }
            | Self::GetBucketTagging { bucket }
            | Self::GetBucketAbac { bucket }
            | Self::GetBucketPolicy { bucket }
            | Self::GetBucketReplication { bucket }
            | Self::ListObjectVersions { bucket, .. }
            | Self::ListMultipartUploads { bucket }
            | Self::HeadObject { bucket, .. }
            | Self::GetObject { bucket, .. }
            | Self::GetBucketNotificationConfiguration { bucket }
            | Self::GetObjectTagging { bucket, .. }
            | Self::GetObjectAcl { bucket, .. } => bucket,
            Self::DescribeJob { job_id } => job_id,
            Self::ListJobs => "all jobs",
            Self::GetMetricData { rule, .. } => &rule.source_bucket,
            Self::DescribeKey { key }
            | Self::GetKeyPolicy { key }
            | Self::GetKeyRotationStatus { key }
            | Self::ListKeyTags { key }
            | Self::ListAliases { key } => key,
            Self::ListBuckets { .. } => "all buckets",
            Self::ListKeys => "all keys",
            Self::GetRole { role }
            | Self::ListRolePolicies { role }
            | Self::ListAttachedRolePolicies { role }
            | Self::GetRolePolicy { role, .. } => role,
            Self::GetPolicy { policy_arn }
            | Self::GetPolicyVersion { policy_arn, .. }
            | Self::ListPolicyVersions { policy_arn } => policy_arn,
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.call().split_once(':').map_or("", |(_, name)| name);
        write!(f, "{call} {}", self.subject())
    }
}
