//! A backfill from its role to its end: the job is made, followed, cancelled when Terraform asks to stop, and its role
//! removed after it.
//!
//! Flow: look for a job of the same request; else make the role and the job. Follow it. Then read the report of what
//! failed, and remove the role where one was made. A run that was killed leaves a job that goes on and its role: the
//! next run of the same request finds both, and ends what is left to end.
//!
//! Guarantees: one request has one job at a time, however often its answer is lost or the request repeated; a bucket has
//! one at a time in this process, because all of its backfills run as one role. A role is removed whenever its job is
//! known to be over, or not to be there, and no other run has begun one by it. Where that is not known, it stays, because
//! a job without its role fails.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::cloud::{CallError, CallErrorKind, Cloud};
use super::locks::DocumentLocks;
use super::retry::{self, Setting};
use super::run::Run;
use crate::replication::backfill::progress::Pace;
use crate::replication::backfill::report::{Failures, manifest_key, result_keys};
use crate::replication::backfill::{Backfill, ROLE_POLICY_NAME, Running};
use crate::replication::names::default_role_description;
use crate::replication::operation::{
    Answer, BatchJobDescription, BatchJobFailureKind, BatchJobOperation, BatchJobStatus, Operation,
    Output, Query,
};
use crate::replication::policy::backfill_trust_policy;

/// How long a job that was told to stop is given to do so.
const CANCEL_WITHIN: Duration = Duration::from_secs(120);
/// How long questions about a job may fail in a row before nobody watches it any more.
const UNHEARD: Duration = Duration::from_secs(300);
/// How long a role that was just made may seem unusable.
const ROLE_SHOWS_WITHIN: Duration = Duration::from_secs(120);
/// How long one waits for what a job does not see yet, the first time. Each try is a job of its own, so there are few.
const TRY_AFTER: Duration = Duration::from_secs(10);
/// How many jobs may miss rules that are there, and how many may find nothing by new rules.
const RULES_MISSED: usize = 3;
const NOTHING_FOUND: usize = 1;
/// How often one looks at a job: soon at first, then as often as a person would.
const LOOK_FIRST: Duration = Duration::from_secs(1);
const LOOK_LATER: Duration = Duration::from_secs(30);

/// What a run needs beside the request.
pub struct Surroundings<'a> {
    /// AWS.
    pub cloud: &'a dyn Cloud,
    /// Locks of the process.
    pub locks: &'a DocumentLocks,
    /// Set when Terraform asks to stop.
    pub stop: &'a CancellationToken,
    /// Whether the job goes on then.
    pub detach: bool,
    /// Whether the rules were written a short while ago, over objects that were there before.
    pub rules_are_new: bool,
    /// The moment, RFC 3339, for the role's tags.
    pub now: &'a str,
    /// Takes what there is to tell.
    pub tell: &'a (dyn Fn(Told) + Sync),
}

/// What is told while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A step.
    Line(String),
    /// Where the job stands.
    Progress {
        /// In words.
        line: String,
        /// Tasks that are over.
        done: u64,
        /// All tasks.
        total: u64,
    },
}

/// How a backfill ended.
#[derive(Debug)]
pub struct Ended {
    /// What became of it.
    pub end: Result<End, BackfillError>,
    /// Why a role that was made is still there, where it is.
    pub role_left: Option<String>,
}

/// What became of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It was asked to stop before there was one.
    NotStarted,
    /// No object was left to do.
    NothingToDo(BatchJobDescription),
    /// Every task was tried. What failed is told by reason, where there is a report.
    Complete(BatchJobDescription, Option<Result<Failures, String>>),
    /// The job could not go on; and what failed until then, where there is a report.
    Failed(BatchJobDescription, Option<Result<Failures, String>>),
    /// It was cancelled, by us or by somebody else; and what failed until then.
    Cancelled(BatchJobDescription, Option<Result<Failures, String>>),
    /// It was asked to stop, and does not show that it has.
    Cancelling(BatchJobDescription),
    /// Nobody watches it any more, as asked for.
    Detached(BatchJobDescription),
}

impl End {
    /// The job, where there was one.
    pub fn job(&self) -> Option<&BatchJobDescription> {
        match self {
            Self::NotStarted => None,
            Self::NothingToDo(job)
            | Self::Complete(job, _)
            | Self::Failed(job, _)
            | Self::Cancelled(job, _)
            | Self::Cancelling(job)
            | Self::Detached(job) => Some(job),
        }
    }
}

/// Why a backfill was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackfillError {
    /// A call failed before there was a job.
    Call(CallError),
    /// Another backfill of the bucket runs.
    Another(BatchJobDescription),
    /// A role of the name is there and is not ours.
    RoleTaken(String),
    /// Nobody can tell any more where the job stands.
    Unheard(String, CallError),
}

impl From<CallError> for BackfillError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// Runs a backfill to its end.
pub async fn run(backfill: &Backfill, around: &Surroundings<'_>) -> Ended {
    let wrote = AtomicBool::new(false);
    let mut job = Job {
        backfill,
        around,
        run: Run {
            cloud: around.cloud,
            locks: around.locks,
            stop: around.stop,
            undoes: false,
            wrote: &wrote,
        },
        role_since: None,
        has_role: false,
        found_cancelling: false,
        started: Instant::now(),
    };
    let end = job.run_to_end().await;
    let is_over = !matches!(
        end,
        Ok(End::Cancelling(_) | End::Detached(_))
            | Err(BackfillError::Another(_) | BackfillError::Unheard(..))
    );
    let role_left = match (job.has_role, is_over) {
        (false, _) => None,
        (true, false) => Some("the job may still need it".to_owned()),
        (true, true) => {
            let removed = job.remove_role(end.as_ref().ok().and_then(End::job)).await;
            removed.err().map(|error| error.to_string())
        }
    };
    Ended { end, role_left }
}

struct Job<'a> {
    backfill: &'a Backfill,
    around: &'a Surroundings<'a>,
    run: Run<'a>,
    /// When this run made the role.
    role_since: Option<Instant>,
    /// Whether there is a role of ours, or may be.
    has_role: bool,
    /// Whether the job that was found was being cancelled.
    found_cancelling: bool,
    started: Instant,
}

impl Job<'_> {
    async fn run_to_end(&mut self) -> Result<End, BackfillError> {
        let (mut wait, mut tries, mut before) = (TRY_AFTER, 0, None);
        loop {
            let Some(job) = self.take_up(before).await? else {
                return Ok(End::NotStarted);
            };
            let end = self.follow(job).await?;
            let Some((over, why)) = self.not_yet_over(&end, tries) else {
                return Ok(end);
            };
            self.line(format!("{why}: the job is begun again in a moment."));
            if !self.run.pause(wait).await {
                return Ok(end);
            }
            (wait, tries) = (wait * 2, tries + 1);
            before = Some(over.clone());
        }
    }

    /// The job of this request: one that runs, or else a new one after the one before. None where Terraform asks to stop
    /// before it is made.
    async fn take_up(
        &mut self,
        before: Option<BatchJobDescription>,
    ) -> Result<Option<BatchJobDescription>, BackfillError> {
        let lock = self.around.locks.of(&self.backfill.job_role_arn());
        // Until the job is there, and seen by whoever asks for another one.
        let _turn = lock.lock().await;
        let mut jobs = self.jobs().await?;
        if let Some(before) = before {
            // The list may not show how it ended.
            jobs.retain(|job| job.id != before.id);
            jobs.push(before);
        }
        match self.backfill.running(&jobs) {
            Running::Other(job) => Err(BackfillError::Another(job.clone())),
            Running::Same(job) => {
                self.has_role = self.backfill.role_arn.is_none();
                self.found_cancelling = job.status == BatchJobStatus::Cancelling;
                self.line(format!(
                    "Going on with job {}, which was begun before.",
                    job.id
                ));
                Ok(Some(job.clone()))
            }
            Running::None => {
                if self.backfill.role_arn.is_none() {
                    self.make_role().await?;
                }
                self.create(&jobs).await
            }
        }
    }

    /// The job that ended, where that is not the end of this run, and why not: something new did not show to it yet, or
    /// an earlier run had cancelled it.
    fn not_yet_over<'e>(
        &self,
        end: &'e End,
        tries: usize,
    ) -> Option<(&'e BatchJobDescription, &'static str)> {
        match end {
            End::Failed(job, _) if job.failed_for(BatchJobFailureKind::RulesNotSeen) => {
                let why = "S3 does not see the rules yet";
                (tries < RULES_MISSED).then_some((job, why))
            }
            End::Failed(job, _) if job.may_lack_role() => {
                let since = self.role_since?;
                let why = "The new role is not usable yet";
                (since.elapsed() < ROLE_SHOWS_WITHIN).then_some((job, why))
            }
            End::Cancelled(job, _) if self.found_cancelling => {
                (tries == 0).then_some((job, "An earlier run had it cancelled"))
            }
            // By rules that it does not see, S3 finds no object, as where there is none.
            End::NothingToDo(job) if self.around.rules_are_new => {
                let why = "S3 found nothing by the new rules, which it may not see yet";
                (tries < NOTHING_FOUND).then_some((job, why))
            }
            _ => None,
        }
    }

    async fn jobs(&self) -> Result<Vec<BatchJobDescription>, CallError> {
        let query = Query::ListJobs;
        match self.ask(&query).await? {
            Answer::BatchJobs(jobs) => Ok(jobs),
            _ => Err(self.about_something_else(query.call(), query.subject())),
        }
    }

    /// The job's first look, or none when Terraform asks to stop before it is made.
    async fn create(
        &self,
        jobs: &[BatchJobDescription],
    ) -> Result<Option<BatchJobDescription>, BackfillError> {
        if self.around.stop.is_cancelled() {
            return Ok(None);
        }
        let job = self.backfill.job(jobs);
        let description = job.description.clone();
        let setting = Setting {
            fresh: false,
            fresh_role: self.role_since.is_some(),
        };
        let operation = Operation::BatchJob(BatchJobOperation::Create(Box::new(job)));
        let called = match self.call(&operation, setting).await {
            Ok(Output::Text(id)) => Ok(id),
            Ok(_) => Err(CallError {
                kind: CallErrorKind::Ambiguous,
                ..self.about_something_else(operation.call(), &operation.subject())
            }),
            Err(error) => Err(error),
        };
        let id = match called {
            Ok(id) => id,
            // It may have been made all the same: then it is followed.
            Err(error) if error.kind == CallErrorKind::Ambiguous => {
                let unheard =
                    |looked| BackfillError::Unheard("that was asked for".to_owned(), looked);
                let jobs = self.jobs().await.map_err(unheard)?;
                return match self.backfill.running(&jobs) {
                    Running::Same(job) => Ok(Some(job.clone())),
                    // It may show late, and would need its role.
                    _ => Err(unheard(error)),
                };
            }
            Err(error) if error.kind == CallErrorKind::Cancelled => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        self.line(format!("Job {id} was created."));
        Ok(Some(BatchJobDescription {
            id,
            description,
            status: BatchJobStatus::New,
            created: 0,
            total: 0,
            succeeded: 0,
            failed: 0,
            failures: Vec::new(),
        }))
    }

    /// Looks at a job until it is over, or until Terraform asks to stop.
    async fn follow(&self, mut job: BatchJobDescription) -> Result<End, BackfillError> {
        let mut pace = Pace::default();
        let mut told = String::new();
        let mut wait = LOOK_FIRST;
        let mut heard = Instant::now();
        loop {
            match self.describe(&job.id).await {
                Ok(seen) => {
                    job = seen;
                    heard = Instant::now();
                }
                Err(error) if !is_passing(&error) || heard.elapsed() > UNHEARD => {
                    return Err(BackfillError::Unheard(job.id, error));
                }
                Err(error) => tracing::debug!(%error, job = job.id, "looking again"),
            }
            let line = pace.line(&job, self.started.elapsed().as_secs());
            if line != told {
                (self.around.tell)(Told::Progress {
                    line: line.clone(),
                    done: job.done(),
                    total: job.total,
                });
                told = line;
            }
            if job.status.is_final() {
                return Ok(self.over(job).await);
            }
            if !self.run.pause(wait).await {
                return match self.around.detach {
                    true => Ok(End::Detached(job)),
                    false => self.cancel(job).await,
                };
            }
            wait = wait.mul_f32(1.5).min(LOOK_LATER);
        }
    }

    async fn over(&self, job: BatchJobDescription) -> End {
        let failures = match job.failed {
            0 => None,
            _ => self.failures(&job).await,
        };
        match job.status {
            BatchJobStatus::Cancelled => End::Cancelled(job, failures),
            BatchJobStatus::Failed if job.failed_for(BatchJobFailureKind::NothingFound) => {
                End::NothingToDo(job)
            }
            BatchJobStatus::Failed => End::Failed(job, failures),
            _ if job.total == 0 => End::NothingToDo(job),
            _ => End::Complete(job, failures),
        }
    }

    /// Cancels a job and waits until that shows.
    async fn cancel(&self, mut job: BatchJobDescription) -> Result<End, BackfillError> {
        self.line(format!("Cancelling job {}.", job.id));
        let operation = Operation::BatchJob(BatchJobOperation::Cancel {
            job_id: job.id.clone(),
        });
        let run = self.after_stop();
        let mut waits = retry::backoff(CANCEL_WITHIN);
        let mut is_asked = false;
        loop {
            // A job that is about to end, or that does not show yet, refuses it for a while.
            if !is_asked {
                let asked = run.call(&self.backfill.at, &operation, Setting::default());
                match asked.await {
                    Ok(_) => is_asked = true,
                    Err(error) if error.kind == CallErrorKind::AccessDenied => {
                        return Err(BackfillError::Unheard(job.id, error));
                    }
                    Err(error) => tracing::debug!(%error, job = job.id, "cancelling again"),
                }
            }
            match self.describe(&job.id).await {
                Ok(seen) => job = seen,
                Err(error) if !is_passing(&error) => {
                    return Err(BackfillError::Unheard(job.id, error));
                }
                Err(_) => {}
            }
            if job.status.is_final() {
                return Ok(self.over(job).await);
            }
            match waits.next() {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Ok(End::Cancelling(job)),
            }
        }
    }

    async fn describe(&self, job_id: &str) -> Result<BatchJobDescription, CallError> {
        let query = Query::DescribeJob {
            job_id: job_id.to_owned(),
        };
        match self.ask(&query).await? {
            Answer::BatchJob(job) => Ok(job),
            _ => Err(self.about_something_else(query.call(), query.subject())),
        }
    }

    /// What the report says of the tasks that failed; nothing where no report was asked for.
    async fn failures(&self, job: &BatchJobDescription) -> Option<Result<Failures, String>> {
        let report = self.backfill.report.as_ref()?;
        let key = manifest_key(&report.prefix, &job.id);
        Some(self.read_report(&report.bucket, key).await)
    }

    async fn read_report(&self, bucket: &str, manifest: String) -> Result<Failures, String> {
        let read = async |key: String| {
            let query = Query::GetObject {
                bucket: bucket.to_owned(),
                key,
            };
            match self.ask(&query).await {
                Ok(Answer::Text(text)) => Ok(text),
                Ok(_) => Err("the answer is about something else".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        };
        let mut failures = Failures::default();
        for key in result_keys(&read(manifest).await?)? {
            failures.add(&read(key).await?);
        }
        Ok(failures)
    }

    /// Makes the role, or takes the one that an earlier run of ours left.
    async fn make_role(&mut self) -> Result<(), BackfillError> {
        let role = self.backfill.role_name();
        let query = Query::GetRole { role: role.clone() };
        match self.ask(&query).await {
            Ok(Answer::Role(found)) if self.backfill.owns_role(&found.tags) => {
                self.has_role = true;
                // The run that left it may have made it a moment ago.
                self.role_since.get_or_insert_with(Instant::now);
                for repair in self.backfill.role_repairs(&found) {
                    self.call(&repair, FRESH).await?;
                }
            }
            Ok(Answer::Role(_)) => return Err(BackfillError::RoleTaken(role)),
            Ok(_) => {
                let error = self.about_something_else(query.call(), query.subject());
                return Err(error.into());
            }
            Err(error) if error.kind == CallErrorKind::NotFound => {
                let trust_policy = backfill_trust_policy().render();
                let operation = Operation::CreateRole {
                    role: role.clone(),
                    path: "/".to_owned(),
                    description: format!(
                        "{}, existing objects",
                        default_role_description(self.backfill.bucket.as_str())
                    ),
                    permissions_boundary: self.backfill.permissions_boundary.clone(),
                    trust_policy: trust_policy.unwrap_or_default(),
                    tags: self.backfill.role_tags(self.around.now),
                };
                self.line(format!("Creating role {role}."));
                let made = self.call(&operation, Setting::default()).await;
                // After a lost answer it may be there.
                self.has_role =
                    !matches!(&made, Err(error) if error.kind != CallErrorKind::Ambiguous);
                made?;
                self.role_since = Some(Instant::now());
            }
            Err(error) => return Err(error.into()),
        }
        let operation = Operation::PutRolePolicy {
            role,
            policy: ROLE_POLICY_NAME.to_owned(),
            document: self.backfill.role_policy(),
        };
        self.call(&operation, FRESH).await?;
        Ok(())
    }

    /// Removes the role, also when Terraform has asked to stop. What is not there is removed; what another run has begun
    /// a job by is left to that run. The list may not show yet how `ended` ended.
    async fn remove_role(&self, ended: Option<&BatchJobDescription>) -> Result<(), CallError> {
        let role = self.backfill.role_name();
        let lock = self.around.locks.of(&self.backfill.job_role_arn());
        let _turn = lock.lock().await;
        let mut jobs = self.jobs().await?;
        jobs.retain(|job| ended.is_none_or(|ended| ended.id != job.id));
        if let Running::Same(job) | Running::Other(job) = self.backfill.running(&jobs) {
            self.line(format!(
                "Role {role} stays: job {} has begun by it and takes it along.",
                job.id
            ));
            return Ok(());
        }
        self.line(format!("Removing role {role}."));
        let run = Run {
            undoes: self.role_since.is_some(),
            ..self.after_stop()
        };
        let policy = Operation::DeleteRolePolicy {
            role: role.clone(),
            policy: ROLE_POLICY_NAME.to_owned(),
        };
        let at = &self.backfill.at;
        run.call(at, &policy, Setting::default()).await?;
        run.call(at, &Operation::DeleteRole { role }, Setting::default())
            .await?;
        Ok(())
    }

    /// Calls that are made although Terraform has asked to stop.
    fn after_stop(&self) -> Run<'_> {
        Run {
            cloud: self.around.cloud,
            locks: self.around.locks,
            stop: NEVER.get_or_init(CancellationToken::new),
            undoes: false,
            wrote: self.run.wrote,
        }
    }

    async fn call(&self, operation: &Operation, setting: Setting) -> Result<Output, CallError> {
        self.run.call(&self.backfill.at, operation, setting).await
    }

    async fn ask(&self, query: &Query) -> Result<Answer, CallError> {
        self.around.cloud.query(&self.backfill.at, query).await
    }

    fn about_something_else(&self, call: &str, subject: &str) -> CallError {
        let (at, kind) = (&self.backfill.at, CallErrorKind::Invalid);
        let message = "the answer is about something else";
        self.run.local_error(at, kind, call, subject, message)
    }

    fn line(&self, line: String) {
        (self.around.tell)(Told::Line(line));
    }
}

/// About a role that was made a moment ago, by this run or by the one before.
const FRESH: Setting = Setting {
    fresh: true,
    fresh_role: true,
};

/// A token that nobody cancels.
static NEVER: std::sync::OnceLock<CancellationToken> = std::sync::OnceLock::new();

/// Whether the same question may be answered in a moment. A new job shows late.
fn is_passing(error: &CallError) -> bool {
    matches!(
        error.kind,
        CallErrorKind::NotFound
            | CallErrorKind::NotReady
            | CallErrorKind::Throttled
            | CallErrorKind::Transport
            | CallErrorKind::TimedOut
            | CallErrorKind::Conflict
    )
}
