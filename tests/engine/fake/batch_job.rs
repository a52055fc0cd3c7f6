//! Jobs of S3 Batch Operations that replicate objects. A job goes on with time, as long as its role is there.

use std::collections::BTreeMap;
use std::time::Duration;

use terraform_provider_replicated::execution::cloud::CallErrorKind as Kind;
use terraform_provider_replicated::replication::ids::Location;
use terraform_provider_replicated::replication::operation::{
    Answer, BatchJob, BatchJobDescription, BatchJobFailure, BatchJobFailureKind, BatchJobOperation,
    BatchJobStatus, Output, Query,
};
use terraform_provider_replicated::replication::policy::PolicyDocument;
use tokio::time::Instant;

use super::delays::shows;
use super::{Refused, State, refuse};

/// How long a job waits before it works, how long it works, and how long it writes its report.
const WAITS: Duration = Duration::from_secs(30);
const WORKS: Duration = Duration::from_secs(100);
const COMPLETES: Duration = Duration::from_secs(5);
/// How long a job takes to stop.
const STOPS: Duration = Duration::from_secs(3);

/// Every job, and what those to come will find.
#[derive(Debug, Clone, Default)]
pub(crate) struct Jobs {
    pub(crate) made: Vec<Job>,
    /// How many versions of objects a new job finds.
    pub(crate) objects: u64,
    /// How many of them fail, by reason.
    pub(crate) failing: BTreeMap<String, u64>,
    /// Whether jobs take for ever.
    pub(crate) endless: bool,
    /// What new jobs fail with as a whole.
    pub(crate) broken: Option<(String, String)>,
    /// Until when S3 Batch Operations does not see the rules, and what new jobs fail for by then; without a kind they are
    /// not made.
    pub(crate) late_rules: Option<(Instant, Option<BatchJobFailureKind>)>,
}

/// A job.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) request: BatchJob,
    account: String,
    region: String,
    since: Instant,
    cancelled: Option<Instant>,
    endless: bool,
    objects: u64,
    failing: BTreeMap<String, u64>,
    failure: Option<BatchJobFailure>,
    /// When its role went while it worked.
    pub(crate) lost_role: Option<Instant>,
}

impl Job {
    fn described(&self) -> BatchJobDescription {
        let failing: u64 = self.failing.values().sum();
        let (status, done) = self.stands();
        let done = u64::try_from(u128::from(self.objects) * done / 100).unwrap();
        let failed = failing.min(done);
        let failures = match status {
            BatchJobStatus::Failed => self.failure.clone().into_iter().collect(),
            _ => Vec::new(),
        };
        let counted = !matches!(status, BatchJobStatus::New | BatchJobStatus::Preparing);
        BatchJobDescription {
            id: self.id.clone(),
            description: self.request.description.clone(),
            status,
            created: self.id.trim_start_matches("job-").parse().unwrap(),
            total: if counted && self.failure.is_none() {
                self.objects
            } else {
                0
            },
            succeeded: done - failed,
            failed,
            failures,
        }
    }

    /// Its status, and how much of a hundred is done.
    fn stands(&self) -> (BatchJobStatus, u128) {
        use BatchJobStatus as S;
        let worked = |at: Instant| {
            let elapsed = at.duration_since(self.since).saturating_sub(WAITS);
            (elapsed.as_millis() * 100 / WORKS.as_millis()).min(100)
        };
        if let Some(lost) = self.lost_role {
            return (S::Failed, worked(lost));
        }
        if let Some(cancelled) = self.cancelled {
            let status = match shows(cancelled, STOPS) {
                true => S::Cancelled,
                false => S::Cancelling,
            };
            return (status, worked(cancelled).min(50));
        }
        let elapsed = self.since.elapsed();
        if elapsed < WAITS / 3 {
            return (S::New, 0);
        }
        if elapsed < WAITS / 3 * 2 {
            return (S::Preparing, 0);
        }
        if self.failure.is_some() {
            return (S::Failed, 0);
        }
        if elapsed < WAITS {
            return (S::Ready, 0);
        }
        let done = worked(Instant::now());
        if done < 100 || self.endless {
            return (S::Active, done.min(99));
        }
        match elapsed < WAITS + WORKS + COMPLETES {
            true => (S::Completing, 100),
            false => (S::Complete, 100),
        }
    }

    /// The text of one file of its report.
    fn report(&self, key: &str) -> Option<String> {
        let report = self.request.report.as_ref()?;
        let folder = format!("{}/job-{}", report.prefix.trim_end_matches('/'), self.id);
        if !self.stands().0.is_final() {
            return None;
        }
        if key == format!("{folder}/manifest.json") {
            let results = format!("{folder}/results/1.csv");
            return Some(format!(
                r#"{{"Results":[{{"TaskExecutionStatus":"failed","Key":"{results}"}}]}}"#
            ));
        }
        let failed = usize::try_from(self.described().failed).unwrap();
        let lines = self.failing.iter().flat_map(|(reason, count)| {
            let bucket = &self.request.source_bucket;
            (0..*count).map(move |n| format!("{bucket},{reason}-{n},v,failed,400,{reason},\n"))
        });
        (key == format!("{folder}/results/1.csv")).then(|| lines.take(failed).collect())
    }
}

impl State {
    /// The answer to a query about jobs or their reports; none for other queries.
    pub(super) fn query_batch_job(
        &self,
        at: &Location,
        query: &Query,
    ) -> Option<Result<Answer, Refused>> {
        let here =
            |job: &&Job| job.account == at.account.as_str() && job.region == at.region.as_str();
        let jobs = self.jobs.made.iter().filter(here);
        Some(match query {
            Query::ListJobs => Ok(Answer::BatchJobs(jobs.map(Job::described).collect())),
            Query::DescribeJob { job_id } => {
                let mut jobs = jobs.filter(|job| job.id == *job_id);
                match jobs.next() {
                    Some(job) => Ok(Answer::BatchJob(job.described())),
                    None => refuse(Kind::NotFound, "NotFoundException", "no such job"),
                }
            }
            Query::GetObject { bucket, key } => {
                let mut texts = jobs
                    .filter(|job| {
                        job.request
                            .report
                            .as_ref()
                            .is_some_and(|r| r.bucket == *bucket)
                    })
                    .filter_map(|job| job.report(key));
                match texts.next() {
                    Some(text) => Ok(Answer::Text(text)),
                    None => refuse(Kind::NotFound, "NoSuchKey", "no such object"),
                }
            }
            _ => return None,
        })
    }

    pub(super) fn perform_batch_job(
        &mut self,
        at: &Location,
        operation: &BatchJobOperation,
    ) -> Result<Output, Refused> {
        match operation {
            BatchJobOperation::Create(request) => self.create_job(at, request),
            BatchJobOperation::Cancel { job_id } => {
                let mut jobs = self.jobs.made.iter_mut();
                let Some(job) = jobs.find(|job| job.id == *job_id) else {
                    return refuse(Kind::NotFound, "NotFoundException", "no such job");
                };
                let status = job.stands().0;
                let ends = [BatchJobStatus::Completing, BatchJobStatus::Cancelling];
                if status.is_final() || ends.contains(&status) {
                    let message = format!("the job is {}", status.word());
                    return refuse(Kind::Invalid, "JobStatusException", message);
                }
                job.cancelled = Some(Instant::now());
                Ok(Output::Done)
            }
        }
    }

    fn create_job(&mut self, at: &Location, request: &BatchJob) -> Result<Output, Refused> {
        if let Some(job) = self
            .jobs
            .made
            .iter()
            .find(|job| job.request.token == request.token)
        {
            return match job.request == *request {
                true => Ok(Output::Text(job.id.clone())),
                false => refuse(Kind::Invalid, "IdempotencyException", "another request"),
            };
        }
        let bad = |message: &str| refuse(Kind::Invalid, "BadRequestException", message);
        let known = ["NONE", "FAILED", "COMPLETED", "REPLICA"];
        let statuses = &request.filter.replication_statuses;
        let is_well_formed = (1..=64).contains(&request.token.len())
            && (1..=256).contains(&request.description.len())
            && request.priority >= 0
            && !statuses.is_empty()
            && statuses
                .iter()
                .all(|status| known.contains(&status.as_str()));
        if !is_well_formed {
            return bad("a member is malformed");
        }
        let is_here = |name: &str| {
            let bucket = self.buckets.get(name);
            bucket
                .is_some_and(|b| b.account == at.account.as_str() && b.region == at.region.as_str())
        };
        if !is_here(&request.source_bucket) {
            return bad("the source is not here");
        }
        let late = self.jobs.late_rules;
        let late = late.and_then(|(until, how)| (Instant::now() < until).then_some(how));
        let has_rules = self.buckets[&request.source_bucket].replication.is_some();
        if !has_rules || late == Some(None) {
            let message = "the source has no replication configuration";
            return refuse(Kind::NotReady, "BadRequestException", message);
        }
        if request
            .report
            .as_ref()
            .is_some_and(|report| !is_here(&report.bucket))
        {
            return bad("the report's bucket is not here");
        }
        let role = self.role_by_arn(&request.role_arn);
        let Some(role) = role.filter(|role| shows(role.since, self.delays.what_is_new)) else {
            return refuse(
                Kind::AccessDenied,
                "AccessDenied",
                "the role cannot be passed",
            );
        };
        let usable = shows(role.since, self.delays.principals)
            && role
                .description
                .trust_policy
                .contains("batchoperations.s3.amazonaws.com");
        let granted = role.policies.values().any(|policy| starts(policy, request));
        let failure = |kind, code: &str, reason: &str| BatchJobFailure {
            kind,
            code: code.to_owned(),
            reason: reason.to_owned(),
        };
        let failure = match &self.jobs.broken {
            Some((code, reason)) => Some(failure(BatchJobFailureKind::Other, code, reason)),
            None if !usable => Some(failure(
                BatchJobFailureKind::RoleNotUsable,
                "RoleNotAssumable",
                "the role cannot be assumed",
            )),
            None if !granted => Some(failure(
                BatchJobFailureKind::Other,
                "AccessDenied",
                "not granted",
            )),
            None if late == Some(Some(BatchJobFailureKind::RulesNotSeen)) => Some(failure(
                BatchJobFailureKind::RulesNotSeen,
                "ReplicationConfigurationNotFoundError",
                "no replication configuration",
            )),
            None if self.jobs.objects == 0 || late.is_some() => Some(failure(
                BatchJobFailureKind::NothingFound,
                "ManifestEmpty",
                "found no keys matching",
            )),
            None => None,
        };
        let id = format!("job-{}", self.next_serial());
        self.jobs.made.push(Job {
            id: id.clone(),
            request: request.clone(),
            account: at.account.to_string(),
            region: at.region.to_string(),
            since: Instant::now(),
            cancelled: None,
            endless: self.jobs.endless,
            objects: self.jobs.objects,
            failing: self.jobs.failing.clone(),
            failure,
            lost_role: None,
        });
        Ok(Output::Text(id))
    }

    /// Jobs fail as soon as their role is gone.
    pub(super) fn jobs_lose_roles(&mut self) {
        let gone: Vec<usize> = (0..self.jobs.made.len())
            .filter(|at| {
                let job = &self.jobs.made[*at];
                !job.stands().0.is_final() && self.role_by_arn(&job.request.role_arn).is_none()
            })
            .collect();
        for at in gone {
            self.jobs.made[at].lost_role = Some(Instant::now());
        }
    }
}

/// Whether a policy lets the job have its objects listed and started.
fn starts(policy: &PolicyDocument, request: &BatchJob) -> bool {
    let source = format!("arn:aws:s3:::{}", request.source_bucket);
    let report = request.report.as_ref().map(|report| {
        (
            "s3:PutObject",
            format!("arn:aws:s3:::{}/{}*", report.bucket, report.prefix),
        )
    });
    let needed = [
        ("s3:GetReplicationConfiguration", source.clone()),
        ("s3:PutInventoryConfiguration", source.clone()),
        ("s3:InitiateReplication", format!("{source}/*")),
    ];
    needed.into_iter().chain(report).all(|(action, resource)| {
        policy.statements.iter().any(|statement| {
            statement
                .actions_named()
                .iter()
                .any(|named| named == action)
                && statement.resources().any(|named| named == resource)
        })
    })
}
