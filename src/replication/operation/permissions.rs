//! Which IAM permissions each call takes: one table, from which the operator's policies and their page are made.
//!
//! AWS names many actions differently from the calls that need them (`GetBucketEncryption` takes
//! `s3:GetEncryptionConfiguration`), and some calls take several: the options of `CreateBucket`, the role that
//! `PutBucketReplication` hands to S3, the alias *and* the key of `CreateAlias`.

use std::fmt;

/// What whoever runs Terraform may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Plan: look at everything.
    Read,
    /// Apply and destroy as well.
    Write,
}

/// One IAM action that a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// The call, as [`Operation::call`](super::Operation::call) and [`Query::call`](super::Query::call) tell it.
    pub call: &'static str,
    /// What is granted.
    pub action: &'static str,
    /// On what.
    pub on: On,
    /// For which setups the call is made.
    pub when: When,
    /// Whether a plan makes the call already.
    pub access: Access,
}

/// What an action is granted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum On {
    /// The bucket.
    Bucket,
    /// The objects in it.
    Objects,
    /// The canaries in it.
    Canaries,
    /// The role that the bucket replicates by.
    Role,
    /// That role, there or not.
    SoughtRole,
    /// That role, to be handed to S3.
    PassedRole,
    /// The role that a backfill runs as.
    BackfillRole,
    /// That role, to be handed to S3 Batch Operations.
    PassedBackfillRole,
    /// Jobs of S3 Batch Operations.
    Jobs,
    /// The report of a backfill.
    Report,
    /// Managed policies of ours on that role.
    ManagedPolicies,
    /// Managed policies of others, whichever are attached to the role.
    AttachedPolicies,
    /// The policy that bounds the role.
    Boundary,
    /// Keys that carry our tag for this setup.
    Keys,
    /// A key that is being made with that tag.
    NewKey,
    /// The tags of a key that is being made, ours among them.
    NewKeyTags,
    /// The alias of the bucket's key.
    Alias,
    /// The keys of others that the setup names.
    NamedKeys,
    /// Those of them whose policies are completed.
    ManagedKeys,
    /// IAM knows nothing narrower than the whole account.
    Account,
    /// The role by which KMS keeps multi-Region keys the same.
    MultiRegionRole,
    /// The roles by which other accounts are entered.
    Deployers,
}

/// Which setups have a call made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum When {
    /// For no setup: for `terraform query`, which looks for setups.
    Listed,
    /// For no setup: for the data source `replicated_bucket_status` with `keys`, which reads these objects.
    KeysWatched,
    /// For no setup: for the action `replicated_bucket_backfill`.
    Backfilled,
    /// For no setup: for a backfill that makes its role.
    BackfilledByOurRole,
    /// For one that makes its role where the replication role has a permissions boundary.
    BackfilledByBoundedRole,
    /// For no setup: for a backfill with a report.
    BackfillReported,
    /// For no bucket as long as nobody verifies: for every bucket that canaries are in.
    Verified,
    /// For those of them that canaries are written to.
    VerifiedFrom,
    /// For one of these with a rule that asks for tags.
    VerifiedFromByTags,
    /// For those where canaries of such rules arrive.
    VerifiedToByTags,
    /// For a bucket that canaries are written to, with a key of ours.
    VerifiedOwnKey,
    /// For one whose canaries are under a key of somebody else's.
    VerifiedNamedKey,
    /// For every bucket whose account is entered.
    Entered,
    /// For a bucket of ours.
    Ours,
    /// For a bucket of ours that may be emptied.
    Emptied,
    /// For a bucket of ours with Object Lock.
    Locked,
    /// For one with Object Lock that may be emptied.
    LockedAndEmptied,
    /// For one of these whose governance retention may be bypassed.
    Bypassed,
    /// For a bucket with a replication configuration: the source, and a two-way destination.
    Sends,
    /// For such a bucket with a rule that has metrics.
    Measured,
    /// For a bucket whose policy is written.
    PolicyWritten,
    /// For a bucket whose last statement may go before the bucket does.
    PolicyEmptied,
    /// For a bucket whose versioning is turned on.
    Versioned,
    /// For a bucket whose default encryption is written.
    Encrypted,
    /// For a key of ours.
    OwnKey,
    /// For a key of ours whose policy does more than give it to its account.
    GrantedKey,
    /// For a key of ours that is rotated.
    RotatedKey,
    /// For a key of ours that is not.
    UnrotatedKey,
    /// For a key of ours that is kept disabled.
    DisabledKey,
    /// For a multi-Region key of ours.
    MultiRegionKey,
    /// For keys of somebody else's that the setup names.
    NamedKey,
    /// For those of them with `manage_key_policy`.
    ManagedKey,
    /// For a role of ours.
    OwnRole,
    /// For a role of ours with a permissions boundary.
    BoundedRole,
    /// For a role of ours without one.
    UnboundedRole,
    /// For a role that our policy is written into.
    GrantedRole,
    /// For a role of somebody else's.
    OthersRole,
    /// For a role whose policy is too long for one inline policy.
    LongPolicy,
    /// For a role that is assumed to enter another account.
    Assumed,
    /// The same with session tags.
    AssumedWithTags,
    /// The same with a source identity.
    AssumedWithSourceIdentity,
}

/// Every permission of every call.
pub const PERMISSIONS: &[Permission] = &[
    read(
        "s3:ListBuckets",
        "s3:ListAllMyBuckets",
        On::Account,
        When::Listed,
    ),
    read("s3:HeadBucket", "s3:ListBucket", On::Bucket, When::Entered),
    same_read("s3:GetBucketVersioning", On::Bucket, When::Entered),
    read(
        "s3:GetBucketEncryption",
        "s3:GetEncryptionConfiguration",
        On::Bucket,
        When::Entered,
    ),
    read(
        "s3:GetPublicAccessBlock",
        "s3:GetBucketPublicAccessBlock",
        On::Bucket,
        When::Ours,
    ),
    same_read("s3:GetBucketOwnershipControls", On::Bucket, When::Ours),
    same_read("s3:GetBucketAcl", On::Bucket, When::Ours),
    read(
        "s3:GetBucketLifecycleConfiguration",
        "s3:GetLifecycleConfiguration",
        On::Bucket,
        When::Ours,
    ),
    read(
        "s3:GetObjectLockConfiguration",
        "s3:GetBucketObjectLockConfiguration",
        On::Bucket,
        When::Entered,
    ),
    same_read("s3:GetObjectRetention", On::Objects, When::LockedAndEmptied),
    same_read("s3:GetObjectLegalHold", On::Objects, When::LockedAndEmptied),
    same_read("s3:GetBucketTagging", On::Bucket, When::Ours),
    same_write("s3:GetBucketAbac", On::Bucket, When::Ours),
    same_read("s3:GetBucketPolicy", On::Bucket, When::Entered),
    read(
        "s3:GetBucketReplication",
        "s3:GetReplicationConfiguration",
        On::Bucket,
        // A status and an import look for what replicates back.
        When::Entered,
    ),
    read(
        "s3:ListObjectVersions",
        "s3:ListBucketVersions",
        On::Bucket,
        When::Ours,
    ),
    write(
        "s3:ListMultipartUploads",
        "s3:ListBucketMultipartUploads",
        On::Bucket,
        When::Emptied,
    ),
    read(
        "s3:HeadObject",
        "s3:GetObject",
        On::Objects,
        When::KeysWatched,
    ),
    same_write("s3:ListJobs", On::Account, When::Backfilled),
    same_write("s3:DescribeJob", On::Jobs, When::Backfilled),
    same_write("s3:GetObject", On::Report, When::BackfillReported),
    write(
        "s3:HeadObject",
        "s3:GetObject",
        On::Canaries,
        When::Verified,
    ),
    read(
        "s3:GetBucketNotificationConfiguration",
        "s3:GetBucketNotification",
        On::Bucket,
        When::Verified,
    ),
    same_write("s3:GetObjectTagging", On::Canaries, When::VerifiedToByTags),
    same_write("s3:GetObjectAcl", On::Canaries, When::Verified),
    write(
        "s3:ListObjectVersions",
        "s3:ListBucketVersions",
        On::Bucket,
        When::Verified,
    ),
    same_write("s3:PutObject", On::Canaries, When::VerifiedFrom),
    write(
        "s3:PutObject",
        "s3:PutObjectTagging",
        On::Canaries,
        When::VerifiedFromByTags,
    ),
    write(
        "s3:PutObject",
        "kms:GenerateDataKey",
        On::Keys,
        When::VerifiedOwnKey,
    ),
    write(
        "s3:PutObject",
        "kms:GenerateDataKey",
        On::NamedKeys,
        When::VerifiedNamedKey,
    ),
    write(
        "s3:DeleteObjects",
        "s3:DeleteObjectVersion",
        On::Canaries,
        When::Verified,
    ),
    same_read("cloudwatch:GetMetricData", On::Account, When::Measured),
    same_read("kms:DescribeKey", On::Keys, When::OwnKey),
    same_read("kms:DescribeKey", On::NamedKeys, When::NamedKey),
    same_read("kms:GetKeyPolicy", On::Keys, When::OwnKey),
    same_read("kms:GetKeyPolicy", On::NamedKeys, When::NamedKey),
    same_read("kms:GetKeyRotationStatus", On::Keys, When::OwnKey),
    same_read("kms:ListResourceTags", On::Keys, When::OwnKey),
    same_read("kms:ListAliases", On::Account, When::OwnKey),
    same_read("kms:ListKeys", On::Account, When::OwnKey),
    same_read("iam:GetRole", On::SoughtRole, When::Sends),
    same_read("iam:ListRolePolicies", On::SoughtRole, When::Sends),
    same_read("iam:ListAttachedRolePolicies", On::SoughtRole, When::Sends),
    same_read("iam:GetRolePolicy", On::SoughtRole, When::Sends),
    same_read("iam:GetPolicy", On::ManagedPolicies, When::LongPolicy),
    same_read("iam:GetPolicy", On::AttachedPolicies, When::OthersRole),
    same_read("iam:GetPolicy", On::Boundary, When::BoundedRole),
    same_read(
        "iam:GetPolicyVersion",
        On::ManagedPolicies,
        When::LongPolicy,
    ),
    same_read(
        "iam:GetPolicyVersion",
        On::AttachedPolicies,
        When::OthersRole,
    ),
    same_read("iam:GetPolicyVersion", On::Boundary, When::BoundedRole),
    same_read(
        "iam:ListPolicyVersions",
        On::ManagedPolicies,
        When::LongPolicy,
    ),
    same_read("sts:AssumeRole", On::Deployers, When::Assumed),
    read(
        "sts:AssumeRole",
        "sts:TagSession",
        On::Deployers,
        When::AssumedWithTags,
    ),
    read(
        "sts:AssumeRole",
        "sts:SetSourceIdentity",
        On::Deployers,
        When::AssumedWithSourceIdentity,
    ),
    same_write("s3:CreateBucket", On::Bucket, When::Ours),
    write(
        "s3:CreateBucket",
        "s3:PutBucketOwnershipControls",
        On::Bucket,
        When::Ours,
    ),
    write("s3:CreateBucket", "s3:TagResource", On::Bucket, When::Ours),
    write(
        "s3:CreateBucket",
        "s3:PutBucketObjectLockConfiguration",
        On::Bucket,
        When::Locked,
    ),
    write(
        "s3:CreateBucket",
        "s3:PutBucketVersioning",
        On::Bucket,
        When::Locked,
    ),
    same_write("s3:DeleteBucket", On::Bucket, When::Ours),
    same_write("s3:PutBucketVersioning", On::Bucket, When::Versioned),
    write(
        "s3:PutBucketEncryption",
        "s3:PutEncryptionConfiguration",
        On::Bucket,
        When::Encrypted,
    ),
    write(
        "s3:PutPublicAccessBlock",
        "s3:PutBucketPublicAccessBlock",
        On::Bucket,
        When::Ours,
    ),
    same_write("s3:PutBucketOwnershipControls", On::Bucket, When::Ours),
    write(
        "s3:PutBucketLifecycleConfiguration",
        "s3:PutLifecycleConfiguration",
        On::Bucket,
        When::Ours,
    ),
    write(
        "s3:DeleteBucketLifecycle",
        "s3:PutLifecycleConfiguration",
        On::Bucket,
        When::Ours,
    ),
    write(
        "s3:PutObjectLockConfiguration",
        "s3:PutBucketObjectLockConfiguration",
        On::Bucket,
        When::Locked,
    ),
    same_write("s3:PutBucketTagging", On::Bucket, When::Ours),
    same_write("s3:TagResource", On::Bucket, When::Ours),
    same_write("s3:UntagResource", On::Bucket, When::Ours),
    same_write("s3:PutBucketPolicy", On::Bucket, When::PolicyWritten),
    same_write("s3:DeleteBucketPolicy", On::Bucket, When::PolicyEmptied),
    write(
        "s3:PutBucketReplication",
        "s3:PutReplicationConfiguration",
        On::Bucket,
        When::Sends,
    ),
    write(
        "s3:PutBucketReplication",
        "iam:PassRole",
        On::PassedRole,
        When::Sends,
    ),
    write(
        "s3:DeleteBucketReplication",
        "s3:PutReplicationConfiguration",
        On::Bucket,
        When::Sends,
    ),
    write(
        "s3:DeleteObjects",
        "s3:DeleteObjectVersion",
        On::Objects,
        When::Emptied,
    ),
    write(
        "s3:DeleteObjects",
        "s3:BypassGovernanceRetention",
        On::Objects,
        When::Bypassed,
    ),
    same_write("s3:AbortMultipartUpload", On::Objects, When::Emptied),
    same_write("kms:CreateKey", On::NewKey, When::OwnKey),
    write(
        "kms:CreateKey",
        "kms:TagResource",
        On::NewKeyTags,
        When::OwnKey,
    ),
    write(
        "kms:CreateKey",
        "iam:CreateServiceLinkedRole",
        On::MultiRegionRole,
        When::MultiRegionKey,
    ),
    same_write("kms:PutKeyPolicy", On::Keys, When::GrantedKey),
    same_write("kms:PutKeyPolicy", On::ManagedKeys, When::ManagedKey),
    same_write("kms:UpdateKeyDescription", On::Keys, When::OwnKey),
    same_write("kms:EnableKeyRotation", On::Keys, When::RotatedKey),
    same_write("kms:DisableKeyRotation", On::Keys, When::UnrotatedKey),
    same_write("kms:EnableKey", On::Keys, When::OwnKey),
    same_write("kms:DisableKey", On::Keys, When::DisabledKey),
    same_write("kms:TagResource", On::Keys, When::OwnKey),
    same_write("kms:UntagResource", On::Keys, When::OwnKey),
    same_write("kms:CreateAlias", On::Alias, When::OwnKey),
    same_write("kms:CreateAlias", On::Keys, When::OwnKey),
    same_write("kms:UpdateAlias", On::Alias, When::OwnKey),
    same_write("kms:UpdateAlias", On::Keys, When::OwnKey),
    same_write("kms:DeleteAlias", On::Alias, When::OwnKey),
    same_write("kms:DeleteAlias", On::Keys, When::OwnKey),
    same_write("kms:ScheduleKeyDeletion", On::Keys, When::OwnKey),
    same_write("kms:CancelKeyDeletion", On::Keys, When::OwnKey),
    same_write("iam:CreateRole", On::Role, When::OwnRole),
    write("iam:CreateRole", "iam:TagRole", On::Role, When::OwnRole),
    same_write("iam:DeleteRole", On::Role, When::OwnRole),
    same_write("iam:UpdateRole", On::Role, When::OwnRole),
    same_write("iam:UpdateAssumeRolePolicy", On::Role, When::OwnRole),
    same_write(
        "iam:PutRolePermissionsBoundary",
        On::Role,
        When::BoundedRole,
    ),
    same_write(
        "iam:DeleteRolePermissionsBoundary",
        On::Role,
        When::UnboundedRole,
    ),
    same_write("iam:PutRolePolicy", On::Role, When::GrantedRole),
    same_write("iam:DeleteRolePolicy", On::Role, When::GrantedRole),
    same_write("iam:AttachRolePolicy", On::Role, When::LongPolicy),
    same_write("iam:DetachRolePolicy", On::Role, When::OwnRole),
    same_write("iam:CreatePolicy", On::ManagedPolicies, When::LongPolicy),
    write(
        "iam:CreatePolicy",
        "iam:TagPolicy",
        On::ManagedPolicies,
        When::LongPolicy,
    ),
    same_write(
        "iam:CreatePolicyVersion",
        On::ManagedPolicies,
        When::LongPolicy,
    ),
    same_write(
        "iam:DeletePolicyVersion",
        On::ManagedPolicies,
        When::LongPolicy,
    ),
    same_write("iam:DeletePolicy", On::ManagedPolicies, When::LongPolicy),
    same_write("iam:TagPolicy", On::ManagedPolicies, When::LongPolicy),
    same_write("iam:UntagPolicy", On::ManagedPolicies, When::LongPolicy),
    same_write("s3:CreateJob", On::Account, When::Backfilled),
    write(
        "s3:CreateJob",
        "iam:PassRole",
        On::PassedBackfillRole,
        When::Backfilled,
    ),
    same_write("s3:UpdateJobStatus", On::Jobs, When::Backfilled),
    same_write("iam:GetRole", On::BackfillRole, When::BackfilledByOurRole),
    same_write(
        "iam:CreateRole",
        On::BackfillRole,
        When::BackfilledByOurRole,
    ),
    write(
        "iam:CreateRole",
        "iam:TagRole",
        On::BackfillRole,
        When::BackfilledByOurRole,
    ),
    same_write(
        "iam:PutRolePolicy",
        On::BackfillRole,
        When::BackfilledByOurRole,
    ),
    same_write(
        "iam:DeleteRolePolicy",
        On::BackfillRole,
        When::BackfilledByOurRole,
    ),
    same_write(
        "iam:DeleteRole",
        On::BackfillRole,
        When::BackfilledByOurRole,
    ),
    same_write(
        "iam:UpdateAssumeRolePolicy",
        On::BackfillRole,
        When::BackfilledByOurRole,
    ),
    same_write(
        "iam:PutRolePermissionsBoundary",
        On::BackfillRole,
        When::BackfilledByBoundedRole,
    ),
    same_write("iam:TagRole", On::Role, When::OwnRole),
    same_write("iam:UntagRole", On::Role, When::OwnRole),
];

const fn read(call: &'static str, action: &'static str, on: On, when: When) -> Permission {
    Permission {
        call,
        action,
        on,
        when,
        access: Access::Read,
    }
}

const fn write(call: &'static str, action: &'static str, on: On, when: When) -> Permission {
    Permission {
        access: Access::Write,
        ..read(call, action, on, when)
    }
}

/// A call whose action has its name.
const fn same_read(call: &'static str, on: On, when: When) -> Permission {
    read(call, call, on, when)
}

const fn same_write(call: &'static str, on: On, when: When) -> Permission {
    write(call, call, on, when)
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bucket => "the bucket",
            Self::Objects => "its objects",
            Self::Canaries => "its canaries",
            Self::Role | Self::SoughtRole => "the replication role",
            Self::PassedRole => "the replication role, passed to S3 only",
            Self::BackfillRole => "the backfill's role",
            Self::PassedBackfillRole => {
                "the backfill's role, passed to `batchoperations.s3.amazonaws.com` only"
            }
            Self::Jobs => "jobs of the account and region",
            Self::Report => "the report's objects",
            Self::ManagedPolicies => "the role's managed policies",
            Self::AttachedPolicies => {
                "every managed policy, because any may be attached to the role"
            }
            Self::Boundary => "the policy that bounds the role",
            Self::Keys => "keys with the setup's `replicated:owner` tag",
            Self::NewKey => "a key that is made with that tag",
            Self::NewKeyTags => "a key, together with that tag",
            Self::Alias => "the alias",
            Self::NamedKeys | Self::ManagedKeys => "the key",
            Self::Account => "`*`",
            Self::MultiRegionRole => "the service-linked role of multi-Region keys",
            Self::Deployers => "the role in the other account",
        })
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Listed => "`terraform query`",
            Self::KeysWatched => "`keys` of `replicated_bucket_status`",
            Self::Backfilled => "`replicated_bucket_backfill`",
            Self::BackfilledByOurRole => "`replicated_bucket_backfill` without `role_arn`",
            Self::BackfilledByBoundedRole => {
                "`replicated_bucket_backfill` without `role_arn`, where the replication role has a `permissions_boundary`"
            }
            Self::BackfillReported => "`report_bucket` of `replicated_bucket_backfill`",
            Self::Verified => "`verification`",
            Self::VerifiedFrom => "`verification`: the source, and a destination with `two_way`",
            Self::VerifiedFromByTags => {
                "the same, where a rule has tags in its filter"
            }
            Self::VerifiedToByTags => {
                "`verification`: where a rule with tags in its filter leads"
            }
            Self::VerifiedOwnKey => "`verification`, with a key that the resource makes",
            Self::VerifiedNamedKey => "`verification`, with a key that is named by its ARN",
            Self::Entered => "every bucket, unless `reachable = false`",
            Self::Ours => "a bucket without `existing`",
            Self::Emptied => "`force_destroy`",
            Self::Locked => "`object_lock`",
            Self::LockedAndEmptied => "`object_lock` and `force_destroy`",
            Self::Bypassed => "`force_destroy` and `object_lock.bypass_governance_on_destroy`",
            Self::Sends => "the source, and a destination with `two_way`",
            Self::Measured => {
                "`replicated_bucket_status`, where a rule has `metrics` or `replication_time_control`"
            }
            Self::PolicyWritten => {
                "a bucket whose policy gets a statement, or with `exclusive_policy`"
            }
            Self::PolicyEmptied => "a bucket whose policy gets a statement and that stays on destroy; `exclusive_policy` where it gets none",
            Self::Versioned => "a bucket without `existing`, or with `enable_versioning`",
            Self::Encrypted => "a bucket without `existing`, or with `enable_encryption`",
            Self::OwnKey => "a key that the resource makes",
            Self::GrantedKey => "a key that the resource makes, used from another account or with statements of the user's",
            Self::RotatedKey => "a key that the resource makes, rotated",
            Self::UnrotatedKey => "`encryption.key.enable_key_rotation = false`",
            Self::DisabledKey => "`encryption.key.enabled = false`",
            Self::MultiRegionKey => "`encryption.key.multi_region`",
            Self::NamedKey => "a key that is named by its ARN",
            Self::ManagedKey => "a key with `manage_key_policy`",
            Self::OwnRole => "a role that the resource makes",
            Self::BoundedRole => "`role.permissions_boundary`",
            Self::UnboundedRole => "a role that the resource makes, without a boundary",
            Self::GrantedRole => "a role, unless `role.manage_policy = false`",
            Self::OthersRole => "`role.existing_arn`",
            Self::LongPolicy => "a role whose policy is too long for one",
            Self::Assumed => "an account that is entered by `assume_role`",
            Self::AssumedWithTags => "`assume_role.tags`",
            Self::AssumedWithSourceIdentity => "`assume_role.source_identity`",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The names that the `match` of every variant tells; the compiler sees that none is left out of it.
    fn calls() -> BTreeSet<String> {
        let sources = [
            include_str!("mod.rs"),
            include_str!("query.rs"),
            include_str!("managed_policy.rs"),
            include_str!("batch_job.rs"),
        ];
        let call =
            regex::Regex::new(r#"=>(?: \{\s+)? ?"((?:s3|kms|iam|cloudwatch):[A-Za-z]+)""#).unwrap();
        let found = sources.iter().flat_map(|source| call.captures_iter(source));
        found.map(|found| found[1].to_owned()).collect()
    }

    #[test]
    fn every_operation_and_every_query_has_its_permissions() {
        let told: BTreeSet<String> = PERMISSIONS
            .iter()
            .map(|permission| permission.call.to_owned())
            .filter(|call| !call.starts_with("sts:"))
            .collect();
        assert!(told.len() > 70, "{told:?}");
        assert_eq!(told, calls());
    }

    #[test]
    fn no_action_is_a_pattern_and_no_row_stands_twice() {
        for (at, permission) in PERMISSIONS.iter().enumerate() {
            let (service, action) = permission.action.split_once(':').unwrap();
            assert!(["s3", "kms", "iam", "sts", "cloudwatch"].contains(&service));
            assert!(action.chars().all(|c| c.is_ascii_alphabetic()), "{action}");
            assert!(!PERMISSIONS[..at].contains(permission), "{permission:?}");
        }
    }

    #[test]
    fn only_what_iam_cannot_narrow_is_granted_on_the_account() {
        let wide: BTreeSet<&str> = PERMISSIONS
            .iter()
            .filter(|permission| permission.on == On::Account)
            .map(|permission| permission.action)
            .collect();
        let all = [
            "cloudwatch:GetMetricData",
            "kms:ListAliases",
            "kms:ListKeys",
            "s3:CreateJob",
            "s3:ListAllMyBuckets",
            "s3:ListJobs",
        ];
        assert_eq!(wide, BTreeSet::from(all));
    }
}
