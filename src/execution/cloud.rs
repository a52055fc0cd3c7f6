//! The port through which everything is read and written.
//!
//! [`Cloud`] is implemented by the AWS edge, by the strict in-memory cloud of the tests, and by wrappers
//! that inject faults. An error says what was tried, where, and what AWS answered; its kind alone decides
//! what happens next, and only the edge looks at codes and messages to choose the kind.

use std::fmt;

use async_trait::async_trait;

use crate::replication::ids::{AccountId, Location, Partition, Region, WayIn};
use crate::replication::operation::{Answer, Operation, Output, Query};

/// Reads and writes AWS, one call at a time. Implementations are shared by every task of the process.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// Enters an account and tells whose it is. Answers come from a cache after the first success.
    async fn enter(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError>;

    /// Reads one thing. "Not there" is [`CallErrorKind::NotFound`].
    async fn query(&self, at: &Location, query: &Query) -> Result<Answer, CallError>;

    /// Makes one write. All its inputs are known by then.
    async fn perform(&self, at: &Location, operation: &Operation) -> Result<Output, CallError>;
}

/// Who we are behind a way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// The partition.
    pub partition: Partition,
    /// The caller's ARN, for messages and for the KMS lock-out check.
    pub arn: String,
}

/// What kind of failure a call met; this alone decides what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallErrorKind {
    /// The thing is not there.
    NotFound,
    /// Something of that name is there already.
    AlreadyExists,
    /// Not allowed. Never read as "absent".
    AccessDenied,
    /// Too many requests; the edge has retried already.
    Throttled,
    /// AWS does not see yet what was just made (a principal, a versioned bucket, a name just deleted).
    NotReady,
    /// Another change of the same thing is under way (`OperationAborted`, `ConcurrentModification`).
    Conflict,
    /// AWS refuses the request as such.
    Invalid,
    /// The thing is in a state that forbids the call (a bucket that is not empty, a key pending deletion).
    InvalidState,
    /// The request may have been carried out: the answer was lost. Look before doing it again.
    Ambiguous,
    /// The request was certainly not carried out: no connection, or a passing failure of AWS.
    Transport,
    /// Credentials are missing, wrong or expired.
    Credentials,
    /// No answer came before the operation's time was over (`timeouts`).
    TimedOut,
    /// Stopped by Terraform before it was sent.
    Cancelled,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct CallError {
    /// What kind of failure it is.
    pub kind: CallErrorKind,
    /// The API call, as IAM names it: `s3:PutBucketReplication`.
    pub call: String,
    /// What it was about: a bucket's name, a key's ARN, a role's name.
    pub subject: String,
    /// The account, where known.
    pub account: Option<AccountId>,
    /// The region of the endpoint.
    pub region: Option<Region>,
    /// AWS's error code.
    pub code: Option<String>,
    /// AWS's message, or the transport's, without secrets.
    pub message: String,
    /// AWS's request id.
    pub request_id: Option<String>,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.call, self.subject)?;
        if let Some(account) = &self.account {
            write!(f, " in account {account}")?;
        }
        if let Some(region) = &self.region {
            write!(f, ", region {region}")?;
        }
        f.write_str(": ")?;
        if let Some(code) = &self.code {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(id) = &self.request_id {
            write!(f, " (request id {id})")?;
        }
        Ok(())
    }
}
