//! The writes of customer managed policies.

use super::Tags;
use crate::replication::policy::PolicyDocument;

/// A write of a managed policy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are named as the API's own parameters")]
pub enum ManagedPolicyOperation {
    /// `CreatePolicy`; its ARN follows from account, path and name.
    Create {
        policy_arn: String,
        path: String,
        document: PolicyDocument,
        tags: Tags,
    },
    /// `CreatePolicyVersion`, which becomes the default. IAM keeps five versions at the most.
    CreateVersion {
        policy_arn: String,
        document: PolicyDocument,
    },
    /// `DeletePolicyVersion`; never the default one.
    DeleteVersion { policy_arn: String, version: String },
    /// `DeletePolicy`; it must be attached nowhere and have no version but the default.
    Delete { policy_arn: String },
    /// `AttachRolePolicy`.
    Attach { role: String, policy_arn: String },
    /// `TagPolicy`.
    Tag { policy_arn: String, tags: Tags },
    /// `UntagPolicy`.
    Untag {
        policy_arn: String,
        tag_keys: Vec<String>,
    },
}

impl ManagedPolicyOperation {
    /// The call as IAM names it.
    pub fn call(&self) -> &'static str {
        match self {
            Self::Create { .. } => "iam:CreatePolicy",
            Self::CreateVersion { .. } => "iam:CreatePolicyVersion",
            Self::DeleteVersion { .. } => "iam:DeletePolicyVersion",
            Self::Delete { .. } => "iam:DeletePolicy",
            Self::Attach { .. } => "iam:AttachRolePolicy",
            Self::Tag { .. } => "iam:TagPolicy",
            Self::Untag { .. } => "iam:UntagPolicy",
        }
    }

    /// The policy's ARN.
    pub fn policy_arn(&self) -> &str {
        match self {
            Self::Create { policy_arn, .. }
            | Self::CreateVersion { policy_arn, .. }
            | Self::DeleteVersion { policy_arn, .. }
            | Self::Delete { policy_arn }
            | Self::Attach { policy_arn, .. }
            | Self::Tag { policy_arn, .. }
            | Self::Untag { policy_arn, .. } => policy_arn,
        }
    }

    /// The document that it writes, if it writes one.
    pub fn document(&self) -> Option<&PolicyDocument> {
        match self {
            Self::Create { document, .. } | Self::CreateVersion { document, .. } => Some(document),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub fn document_mut(&mut self) -> Option<&mut PolicyDocument> {
        match self {
            Self::Create { document, .. } | Self::CreateVersion { document, .. } => Some(document),
            _ => None,
        }
    }
}
