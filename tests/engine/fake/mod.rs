//! A strict AWS in memory, with any number of accounts.
//!
//! Strict means: it refuses what AWS refuses, above all what emulators let through. A policy may not name a
//! role that does not exist, rules need versioned buckets on both ends, a key that is about to be deleted
//! takes no changes, nobody gets at another account's things or through the wrong region's endpoint.
//! Every call takes a moment of (paused) time, so that calls that ought not to overlap are caught at it.

mod audit;
mod batch_job;
mod cloud_watch;
mod crossing;
mod delays;
mod iam;
mod kms;
mod lifecycle;
mod managed_policy;
mod principals;
mod replication;
mod s3;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use terraform_provider_replicated::execution::cloud::{CallError, CallErrorKind, Cloud, Identity};
use terraform_provider_replicated::replication::ids::{
    AccountId, Arn, Location, Partition, Region, WayIn,
};
use terraform_provider_replicated::replication::operation::{Answer, Operation, Output, Query};

pub(crate) use crossing::Spoilt;
pub(crate) use delays::Delays;
pub(crate) use iam::Role;
pub(crate) use kms::Key;
pub(crate) use managed_policy::ManagedPolicy;
pub(crate) use s3::Bucket;

/// The account that is entered without any role.
pub(crate) const HOME: &str = "111111111111";
/// Where a text leads that is no role's ARN: an account in which there is nothing, and which nobody is told of.
const NOWHERE: &str = "000000000000";
/// How long one call takes.
const LATENCY: Duration = Duration::from_millis(20);

/// An AWS in memory.
#[derive(Default)]
pub(crate) struct FakeCloud {
    state: Mutex<State>,
}

/// Everything that is there, open to tests: they look, and they play the person who changes things by hand.
#[derive(Clone, Default)]
pub(crate) struct State {
    /// Buckets by name.
    pub(crate) buckets: BTreeMap<String, Bucket>,
    /// Keys by ARN.
    pub(crate) keys: BTreeMap<String, Key>,
    /// Aliases by account, region and name; each leads to a key's ARN.
    pub(crate) aliases: BTreeMap<(String, String, String), String>,
    /// Roles by account and name in lower case.
    pub(crate) roles: BTreeMap<(String, String), Role>,
    /// Customer managed policies by ARN.
    pub(crate) managed_policies: BTreeMap<String, ManagedPolicy>,
    /// What CloudWatch has measured.
    pub(crate) measurements: cloud_watch::Measurements,
    /// Jobs of S3 Batch Operations.
    pub(crate) jobs: batch_job::Jobs,
    /// Every write that was carried out, in order: `PutBucketPolicy acme-archive`.
    pub(crate) writes: Vec<String>,
    /// When writes were started.
    pub(crate) started: Vec<Instant>,
    /// Writes of one bucket that ran at the same time.
    pub(crate) overlaps: Vec<String>,
    /// What live rules lacked, after which write.
    pub(crate) ungranted: Vec<String>,
    /// Whether nobody looks what live rules lack: with many of them, after every write, that takes long.
    pub(crate) is_unaudited: bool,
    /// Policies in a form that nobody here knows, as they are shown, by the bucket's name or the key's ARN.
    pub(crate) policy_texts: BTreeMap<String, String>,
    /// A bucket that somebody writes an object into as soon as it has versioning.
    pub(crate) objects_arrive_in: Option<String>,
    /// Objects on their way.
    crossings: Vec<crossing::Crossing>,
    /// How many objects arrived everywhere.
    pub(crate) crossed: usize,
    /// What S3 does wrong with replicas.
    pub(crate) spoilt: Option<Spoilt>,
    /// How long objects take on their way to these buckets, where they take longer than others.
    pub(crate) slow: BTreeMap<String, Duration>,
    /// Whether the organisation lets nobody make a role without a permissions boundary.
    pub(crate) requires_boundaries: bool,
    /// Whether callers show as STS shows sessions of a role.
    pub(crate) callers_are_sessions: bool,
    busy: BTreeSet<String>,
    serial: u32,
    /// How long AWS takes to show what was done.
    pub(crate) delays: Delays,
    /// When buckets were made.
    made: BTreeMap<String, Instant>,
    /// When names of buckets became free.
    released: BTreeMap<String, Instant>,
}

/// A refusal: AWS's code and message, and what kind the edge makes of it.
#[derive(Debug)]
pub(crate) struct Refused {
    kind: CallErrorKind,
    code: &'static str,
    message: String,
}

fn refuse<T>(
    kind: CallErrorKind,
    code: &'static str,
    message: impl Into<String>,
) -> Result<T, Refused> {
    Err(Refused {
        kind,
        code,
        message: message.into(),
    })
}

impl FakeCloud {
    /// Nothing is there, and everything shows at once.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// What is there already.
    pub(crate) fn holding(state: State) -> Self {
        Self {
            state: Mutex::new(state),
        }
    }

    /// New roles and versioning show to others only after `lag`, and so do new keys in lists.
    pub(crate) fn with_lag(lag: Duration) -> Self {
        Self::with_delays(Delays {
            principals: lag,
            versioning: lag,
            lists_of_keys: lag,
            ..Delays::default()
        })
    }

    /// What is done shows late.
    pub(crate) fn with_delays(delays: Delays) -> Self {
        Self::holding(State {
            delays,
            ..State::default()
        })
    }

    /// What is there.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn error(at: &Location, call: &str, subject: String, refused: Refused) -> CallError {
        CallError {
            kind: refused.kind,
            call: call.to_owned(),
            subject,
            account: Some(at.account.clone()),
            region: Some(at.region.clone()),
            code: Some(refused.code.to_owned()),
            message: refused.message,
            request_id: Some("fake".to_owned()),
        }
    }
}

#[async_trait]
impl Cloud for FakeCloud {
    async fn enter(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError> {
        let account = account_behind(way_in);
        let arn = match self.state().callers_are_sessions {
            true => format!("arn:aws:sts::{account}:assumed-role/Deploy/terraform"),
            false => format!("arn:aws:iam::{account}:role/Deploy"),
        };
        Ok(Identity {
            arn,
            account: AccountId::parse(&account).unwrap(),
            partition: region.partition(),
        })
    }

    async fn query(&self, at: &Location, query: &Query) -> Result<Answer, CallError> {
        tokio::time::sleep(LATENCY).await;
        let mut state = self.state();
        state.settle();
        enter(at)
            .and_then(|()| state.query(at, query))
            .map_err(|refused| Self::error(at, query.call(), query.subject().to_owned(), refused))
    }

    async fn perform(&self, at: &Location, operation: &Operation) -> Result<Output, CallError> {
        let subject = operation.subject();
        // Objects are not the bucket's settings: any number of them may go at once.
        let of_objects = matches!(
            operation,
            Operation::PutObject { .. }
                | Operation::DeleteObjects { .. }
                | Operation::AbortMultipartUpload { .. }
        );
        let of_jobs = matches!(operation, Operation::BatchJob(_));
        let of_bucket = operation.call().starts_with("s3:") && !of_objects && !of_jobs;
        let busy = of_bucket.then(|| subject.clone());
        self.state().started.push(Instant::now());
        if let Some(bucket) = &busy {
            let mut state = self.state();
            if !state.busy.insert(bucket.clone()) {
                state.overlaps.push(operation.to_string());
            }
        }
        let _free = Free { cloud: self, busy };
        tokio::time::sleep(LATENCY).await;
        let mut state = self.state();
        state.settle();
        let result = enter(at).and_then(|()| state.perform(at, operation));
        state.jobs_lose_roles();
        if result.is_ok() {
            state.writes.push(operation.to_string());
            let lacking = match state.is_unaudited {
                true => Vec::new(),
                false => state.audit(),
            };
            let told = lacking
                .into_iter()
                .map(|what| format!("{what} (after {operation})"));
            state.ungranted.extend(told);
        }
        result.map_err(|refused| Self::error(at, operation.call(), subject, refused))
    }
}

/// Marks a bucket as free again, also when the call was dropped half-way.
struct Free<'a> {
    cloud: &'a FakeCloud,
    busy: Option<String>,
}

impl Drop for Free<'_> {
    fn drop(&mut self) {
        if let Some(bucket) = &self.busy {
            self.cloud.state().busy.remove(bucket);
        }
    }
}

impl State {
    fn query(&self, at: &Location, query: &Query) -> Result<Answer, Refused> {
        if let Some(answer) = self.query_batch_job(at, query) {
            return answer;
        }
        match query.call().split_once(':') {
            Some(("s3", _)) => self.query_s3(at, query),
            Some(("kms", _)) => self.query_kms(at, query),
            Some(("cloudwatch", _)) => self.query_cloud_watch(at, query),
            _ => self.query_iam(at, query),
        }
    }

    fn perform(&mut self, at: &Location, operation: &Operation) -> Result<Output, Refused> {
        if let Operation::BatchJob(operation) = operation {
            return self.perform_batch_job(at, operation);
        }
        match operation.call().split_once(':') {
            Some(("s3", _)) => self.perform_s3(at, operation),
            Some(("kms", _)) => self.perform_kms(at, operation),
            _ => self.perform_iam(at, operation),
        }
    }

    fn next_serial(&mut self) -> u32 {
        self.serial += 1;
        self.serial
    }
}

/// Whether the way in leads where the location says.
fn enter(at: &Location) -> Result<(), Refused> {
    if account_behind(&at.way_in) == at.account.as_str()
        && at.partition == Partition::parse("aws").unwrap()
    {
        Ok(())
    } else {
        refuse(CallErrorKind::AccessDenied, "AccessDenied", "wrong account")
    }
}

fn account_behind(way_in: &WayIn) -> String {
    way_in.assume_role.last().map_or_else(
        || HOME.to_owned(),
        |role| {
            Arn::parse_role(&role.role_arn).map_or_else(|_| NOWHERE.to_owned(), |arn| arn.account)
        },
    )
}
