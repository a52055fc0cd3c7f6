//! S3 Control's calls about jobs of S3 Batch Operations, each a function named as the API operation.

use aws_sdk_s3control::types::{
    JobFailure, JobListDescriptor, JobManifestGenerator, JobManifestGeneratorFilter, JobOperation,
    JobProgressSummary, JobReport, JobReportFormat, JobReportScope, JobStatus, KeyNameConstraint,
    OperationName, ReplicationStatus, RequestedJobStatus, S3JobManifestGenerator,
    S3ReplicateObjectOperation,
};
use aws_smithy_types::DateTime;

use super::call::{At, Call};
use crate::execution::cloud::CallError;
use crate::replication::operation::{
    Answer, BatchJob, BatchJobDescription, BatchJobFailure, BatchJobFailureKind, BatchJobFilter,
    BatchJobOperation, BatchJobReport, BatchJobStatus, Output,
};

pub(super) async fn perform(
    at: &At<'_>,
    operation: &BatchJobOperation,
) -> Result<Output, CallError> {
    match operation {
        BatchJobOperation::Create(job) => create_job(at, job).await,
        BatchJobOperation::Cancel { job_id } => update_job_status(at, job_id).await,
    }
}

/// The token makes it safe to send it again.
async fn create_job(at: &At<'_>, job: &BatchJob) -> Result<Output, CallError> {
    let call = at.write("s3:CreateJob", &job.source_bucket);
    let objects = S3JobManifestGenerator::builder()
        .source_bucket(at.bucket_arn(&job.source_bucket))
        .expected_bucket_owner(at.account())
        .enable_manifest_output(false)
        .filter(filter(&job.filter))
        .build()
        .map_err(|error| call.invalid(error.to_string()))?;
    let replicate = S3ReplicateObjectOperation::builder().build();
    let request = at.clients.s3control.create_job();
    let request = request
        .account_id(at.account())
        .confirmation_required(false)
        .operation(
            JobOperation::builder()
                .s3_replicate_object(replicate)
                .build(),
        )
        .report(report(at, job.report.as_ref()))
        .client_request_token(&job.token)
        .description(&job.description)
        .priority(job.priority)
        .role_arn(&job.role_arn)
        .manifest_generator(JobManifestGenerator::S3JobManifestGenerator(objects));
    let output = call.run(request.send()).await?;
    output
        .job_id
        .map(Output::Text)
        .ok_or_else(|| call.incomplete("the job's ID"))
}

fn filter(filter: &BatchJobFilter) -> JobManifestGeneratorFilter {
    let moment = |seconds: Option<i64>| seconds.map(DateTime::from_secs);
    let statuses = filter.replication_statuses.iter();
    let statuses = statuses.map(|status| ReplicationStatus::from(status.as_str()));
    let prefixes: Vec<String> = filter.prefixes.iter().cloned().collect();
    let keys = (!prefixes.is_empty()).then(|| {
        KeyNameConstraint::builder()
            .set_match_any_prefix(Some(prefixes))
            .build()
    });
    JobManifestGeneratorFilter::builder()
        .eligible_for_replication(true)
        .set_object_replication_statuses(Some(statuses.collect()))
        .set_created_after(moment(filter.created_after))
        .set_created_before(moment(filter.created_before))
        .set_key_name_constraint(keys)
        .set_object_size_greater_than_bytes(filter.size_greater_than)
        .set_object_size_less_than_bytes(filter.size_less_than)
        .build()
}

fn report(at: &At<'_>, report: Option<&BatchJobReport>) -> JobReport {
    let Some(report) = report else {
        return JobReport::builder().enabled(false).build();
    };
    JobReport::builder()
        .enabled(true)
        .bucket(at.bucket_arn(&report.bucket))
        // A slash stands between it and the rest of a key.
        .prefix(report.prefix.trim_end_matches('/'))
        .expected_bucket_owner(at.account())
        .format(JobReportFormat::ReportCsv20180820)
        .report_scope(JobReportScope::FailedTasksOnly)
        .build()
}

async fn update_job_status(at: &At<'_>, job_id: &str) -> Result<Output, CallError> {
    let request = at.clients.s3control.update_job_status();
    at.write("s3:UpdateJobStatus", job_id)
        .run(
            request
                .account_id(at.account())
                .job_id(job_id)
                .requested_job_status(RequestedJobStatus::Cancelled)
                .send(),
        )
        .await?;
    Ok(Output::Done)
}

pub(super) async fn describe_job(at: &At<'_>, job_id: &str) -> Result<Answer, CallError> {
    let call = at.read("s3:DescribeJob", job_id);
    let request = at.clients.s3control.describe_job();
    let request = request.account_id(at.account()).job_id(job_id);
    let output = call.run(request.send()).await?;
    let job = output.job.ok_or_else(|| call.incomplete("the job"))?;
    let failures = job.failure_reasons.unwrap_or_default().into_iter();
    let described = BatchJobDescription {
        id: job.job_id.unwrap_or_else(|| job_id.to_owned()),
        description: job.description.unwrap_or_default(),
        status: status(&call, job.status.as_ref())?,
        created: job.creation_time.map_or(0, |moment| moment.secs()),
        total: 0,
        succeeded: 0,
        failed: 0,
        failures: failures.map(failure).collect(),
    };
    Ok(Answer::BatchJob(counted(described, job.progress_summary)))
}

pub(super) async fn list_jobs(at: &At<'_>) -> Result<Answer, CallError> {
    let call = at.read("s3:ListJobs", "all jobs");
    let mut jobs = Vec::new();
    let mut token = None;
    loop {
        let request = at.clients.s3control.list_jobs().account_id(at.account());
        let page = call.run(request.set_next_token(token).send()).await?;
        let listed = page.jobs.unwrap_or_default().into_iter();
        for job in listed.filter(|job| job.operation == Some(OperationName::S3ReplicateObject)) {
            jobs.push(listed_job(&call, job)?);
        }
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(Answer::BatchJobs(jobs));
        }
    }
}

fn listed_job(call: &Call<'_>, job: JobListDescriptor) -> Result<BatchJobDescription, CallError> {
    let described = BatchJobDescription {
        id: job.job_id.ok_or_else(|| call.incomplete("a job's ID"))?,
        description: job.description.unwrap_or_default(),
        status: status(call, job.status.as_ref())?,
        created: job.creation_time.map_or(0, |moment| moment.secs()),
        total: 0,
        succeeded: 0,
        failed: 0,
        failures: Vec::new(),
    };
    Ok(counted(described, job.progress_summary))
}

fn status(call: &Call<'_>, status: Option<&JobStatus>) -> Result<BatchJobStatus, CallError> {
    let word = status.map_or("", JobStatus::as_str);
    BatchJobStatus::parse(word).ok_or_else(|| call.incomplete("a status that this version knows"))
}

fn counted(job: BatchJobDescription, summary: Option<JobProgressSummary>) -> BatchJobDescription {
    let Some(summary) = summary else {
        return job;
    };
    let number = |number: Option<i64>| number.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    BatchJobDescription {
        total: number(summary.total_number_of_tasks),
        succeeded: number(summary.number_of_tasks_succeeded),
        failed: number(summary.number_of_tasks_failed),
        ..job
    }
}

/// S3 tells causes by a code and by a sentence; AWS documents neither in full, so both are looked at.
fn failure(failure: JobFailure) -> BatchJobFailure {
    let code = failure.failure_code.unwrap_or_default();
    let reason = failure.failure_reason.unwrap_or_default();
    let said = format!("{code} {reason}").to_ascii_lowercase();
    let kind = if said.contains("found no keys matching") {
        BatchJobFailureKind::NothingFound
    } else if said.contains("assum") && said.contains("role") {
        BatchJobFailureKind::RoleNotUsable
    } else if said.contains("replicationconfiguration")
        || said.contains("replication configuration")
    {
        BatchJobFailureKind::RulesNotSeen
    } else {
        BatchJobFailureKind::Other
    };
    let reason = reason.trim().trim_end_matches('.').to_owned();
    BatchJobFailure { kind, code, reason }
}
