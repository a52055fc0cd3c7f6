//! Jobs of S3 Batch Operations that replicate objects.

use std::collections::BTreeSet;

/// A write about jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are named as the API's own parameters")]
pub enum BatchJobOperation {
    /// `CreateJob`, which starts without being confirmed. Answers [`Output::Text`](super::Output::Text), the job's ID.
    /// One that is sent again with the same token answers the ID of the first.
    Create(Box<BatchJob>),
    /// `UpdateJobStatus` with `Cancelled`.
    Cancel { job_id: String },
}

impl BatchJobOperation {
    /// The call as IAM names it.
    pub fn call(&self) -> &'static str {
        match self {
            Self::Create(_) => "s3:CreateJob",
            Self::Cancel { .. } => "s3:UpdateJobStatus",
        }
    }

    /// The source bucket of a new job, the ID of one that is there.
    pub fn subject(&self) -> &str {
        match self {
            Self::Create(job) => &job.source_bucket,
            Self::Cancel { job_id } => job_id,
        }
    }
}

/// What a job is made of. S3 finds the objects itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchJob {
    /// The bucket whose rules it carries out.
    pub source_bucket: String,
    /// What makes the same request again the same job.
    pub token: String,
    /// How people and we know it again.
    pub description: String,
    /// Higher goes first.
    pub priority: i32,
    /// The role that it runs as.
    pub role_arn: String,
    /// Which objects.
    pub filter: BatchJobFilter,
    /// Where it writes why objects failed.
    pub report: Option<BatchJobReport>,
}

/// Which versions of objects a job takes, among those that a rule covers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchJobFilter {
    /// Their replication statuses: `NONE`, `FAILED`, `COMPLETED`, `REPLICA`.
    pub replication_statuses: BTreeSet<String>,
    /// Made after this moment, in seconds since 1970.
    pub created_after: Option<i64>,
    /// Made before it.
    pub created_before: Option<i64>,
    /// Whose key begins with any of these; empty takes all.
    pub prefixes: BTreeSet<String>,
    /// Larger than so many bytes.
    pub size_greater_than: Option<i64>,
    /// Smaller than so many bytes.
    pub size_less_than: Option<i64>,
}

/// Where a job writes its completion report: the failed tasks only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchJobReport {
    /// The bucket's name.
    pub bucket: String,
    /// What the keys of the report begin with.
    pub prefix: String,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BatchJobStatus {
    /// Accepted.
    New,
    /// S3 looks for the objects.
    Preparing,
    /// It waits to be confirmed.
    Suspended,
    /// It waits for its turn.
    Ready,
    /// It works.
    Active,
    /// It is about to pause.
    Pausing,
    /// Another job goes first.
    Paused,
    /// Its report is written.
    Completing,
    /// Every task was tried.
    Complete,
    /// It is about to be cancelled.
    Cancelling,
    /// Cancelled.
    Cancelled,
    /// It is about to fail.
    Failing,
    /// It could not go on.
    Failed,
}

impl BatchJobStatus {
    /// Every status.
    pub const ALL: [Self; 13] = [
        Self::New,
        Self::Preparing,
        Self::Suspended,
        Self::Ready,
        Self::Active,
        Self::Pausing,
        Self::Paused,
        Self::Completing,
        Self::Complete,
        Self::Cancelling,
        Self::Cancelled,
        Self::Failing,
        Self::Failed,
    ];

    /// As AWS names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Preparing => "Preparing",
            Self::Suspended => "Suspended",
            Self::Ready => "Ready",
            Self::Active => "Active",
            Self::Pausing => "Pausing",
            Self::Paused => "Paused",
            Self::Completing => "Completing",
            Self::Complete => "Complete",
            Self::Cancelling => "Cancelling",
            Self::Cancelled => "Cancelled",
            Self::Failing => "Failing",
            Self::Failed => "Failed",
        }
    }

    /// The status of that name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    /// Whether nothing more will come.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Complete | Self::Cancelled | Self::Failed)
    }
}

/// A job that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchJobDescription {
    /// Its ID.
    pub id: String,
    /// Its description.
    pub description: String,
    /// Where it stands.
    pub status: BatchJobStatus,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// How many tasks it has, as far as S3 has counted: one for each version of an object.
    pub total: u64,
    /// How many went well.
    pub succeeded: u64,
    /// How many did not.
    pub failed: u64,
    /// Why it cannot go on; a list of jobs tells none.
    pub failures: Vec<BatchJobFailure>,
}

/// Why a job as a whole failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchJobFailure {
    /// What it means.
    pub kind: BatchJobFailureKind,
    /// AWS's code.
    pub code: String,
    /// AWS's words.
    pub reason: String,
}

/// What the failure of a job means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchJobFailureKind {
    /// No object is left to do.
    NothingFound,
    /// The role cannot be assumed, or not yet.
    RoleNotUsable,
    /// The source has no rules, or they do not show yet.
    RulesNotSeen,
    /// Anything else.
    Other,
}

impl BatchJobDescription {
    /// Tasks that are over, whichever way.
    pub fn done(&self) -> u64 {
        self.succeeded.saturating_add(self.failed)
    }

    /// Whether it failed before any of its tasks as it does while its role, or the role's policy, is too young for S3 to
    /// see.
    pub fn may_lack_role(&self) -> bool {
        let denied = |failure: &BatchJobFailure| failure.code == "AccessDenied";
        self.failed_for(BatchJobFailureKind::RoleNotUsable)
            || self.status == BatchJobStatus::Failed
                && self.done() == 0
                && self.failures.iter().any(denied)
    }

    /// Whether it failed for this before any of its tasks.
    pub fn failed_for(&self, kind: BatchJobFailureKind) -> bool {
        self.status == BatchJobStatus::Failed
            && self.done() == 0
            && self.failures.iter().any(|failure| failure.kind == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_name_of_its_own_and_is_read_by_it() {
        for status in BatchJobStatus::ALL {
            assert_eq!(BatchJobStatus::parse(status.word()), Some(status));
        }
        assert_eq!(BatchJobStatus::parse("Resting"), None);
    }
}
