//! How a backfill ended, in words: what is true now, and what to do.

use crate::execution::backfill::{BackfillError, End, Ended};
use crate::execution::cloud::CallErrorKind;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::AttributePath;
use crate::replication::backfill::Backfill;
use crate::replication::backfill::progress::grouped;
use crate::replication::backfill::reasons::advice;
use crate::replication::backfill::report::Failures;
use crate::replication::operation::BatchJobDescription;

/// So many reasons are told each by itself.
const REASONS_TOLD: usize = 12;

/// The last line of one that went well, and what else is to be said.
pub(super) fn ended(backfill: &Backfill, ended: Ended, said: &mut Diagnostics) -> Option<String> {
    let bucket = &backfill.bucket;
    let last = match ended.end {
        Ok(end) => end_of(backfill, end, said),
        Err(error) => {
            refused(backfill, error, said);
            None
        }
    };
    if let Some(why) = ended.role_left {
        said.warning(
            "The role of the backfill is still there",
            format!(
                "Role {} in account {} was made for this backfill of {bucket} and is still there: {why}. The next backfill of the bucket takes it up and removes it; or delete it by hand once no job uses it.",
                backfill.role_name(),
                backfill.at.account
            ),
        );
    }
    last
}

fn end_of(backfill: &Backfill, end: End, said: &mut Diagnostics) -> Option<String> {
    let bucket = &backfill.bucket;
    match end {
        End::NothingToDo(job) => {
            return Some(format!("Nothing to do: job {} found no object of {bucket} that it would have to replicate.", job.id));
        }
        End::Complete(job, _) if job.failed == 0 => {
            let was = if job.succeeded == 1 { "was" } else { "were" };
            return Some(format!("Done: {} of {bucket} {was} replicated.", objects(job.succeeded)));
        }
        End::Complete(job, failures) => said.error(
            "Objects were not replicated",
            format!(
                "{} is complete. {}{}",
                named(backfill, &job),
                share(&job),
                failed_objects(backfill, &job, failures)
            ),
        ),
        End::Failed(job, failures) => {
            let reasons: Vec<String> = job
                .failures
                .iter()
                .map(|failure| format!("{}: {}.", failure.code, failure.reason))
                .collect();
            let reasons = match reasons.is_empty() {
                true => "S3 tells no reason.".to_owned(),
                false => reasons.join("\n"),
            };
            said.error(
                "The backfill failed",
                format!(
                    "{} could not go on. {}\n\n{reasons}{}\n\nMend that and run it again: {}.{}",
                    named(backfill, &job),
                    share(&job),
                    failed_objects(backfill, &job, failures),
                    tried_again(backfill),
                    role_hint(backfill)
                ),
            );
        }
        End::NotStarted => said.error(
            "The backfill was stopped",
            format!("It was stopped before there was a job, so no object of {bucket} was touched. Run it again to begin."),
        ),
        End::Cancelled(job, failures) => said.error(
            "The backfill was cancelled",
            format!(
                "{} was cancelled. {}{}\n\nRun it again to replicate what is left.",
                named(backfill, &job),
                share(&job),
                failed_objects(backfill, &job, failures)
            ),
        ),
        End::Cancelling(job) => said.error(
            "The backfill is being cancelled",
            format!(
                "{} was asked to stop and has not stopped yet. {} Run it again when it has, to replicate what is left.",
                named(backfill, &job),
                share(&job)
            ),
        ),
        End::Detached(job) => said.warning(
            "The backfill goes on by itself",
            format!(
                "{} goes on at S3, because `detach` is set. {} Run the same backfill again to go on watching it.",
                named(backfill, &job),
                share(&job)
            ),
        ),
    }
    None
}

/// Objects that did not cross, by reason.
fn failed_objects(
    backfill: &Backfill,
    job: &BatchJobDescription,
    failures: Option<Result<Failures, String>>,
) -> String {
    let mut text = String::new();
    if job.failed == 0 {
        return text;
    }
    match failures {
        None => text.push_str(&format!("\n\nWhy cannot be told without a report. Run it again with `report_bucket`, and the reasons are told: {}.", tried_again(backfill))),
        Some(Err(why)) => text.push_str(&format!("\n\nWhy is in its report, which cannot be read: {why}. The report is in bucket {}.", report_bucket(backfill))),
        Some(Ok(failures)) => {
            let mut reasons: Vec<_> = failures.0.into_iter().collect();
            reasons.sort_by_key(|(reason, failed)| (std::cmp::Reverse(failed.count), reason.clone()));
            for (reason, failed) in reasons.iter().take(REASONS_TOLD) {
                let what_to_do = advice(reason).unwrap_or("This version does not know this reason; the report has what S3 said of each object.");
                text.push_str(&format!(
                    "\n\n  {}: {reason} (such as {})\n    {what_to_do}",
                    objects(failed.count),
                    failed.example
                ));
            }
            let rest = reasons.len().saturating_sub(REASONS_TOLD);
            if rest > 0 {
                text.push_str(&format!("\n\n  {rest} more reasons are in the report in bucket {}.", report_bucket(backfill)));
            }
            text.push_str(&format!("\n\nThen run it again: {}.", tried_again(backfill)));
        }
    }
    text
}

/// What the same request takes the next time.
fn tried_again(backfill: &Backfill) -> &'static str {
    let statuses = &backfill.filter.replication_statuses;
    let crossed = ["COMPLETED", "REPLICA"].iter();
    if crossed.into_iter().any(|status| statuses.contains(*status)) {
        "leave `object_replication_statuses` out then, or what has crossed is copied once more"
    } else {
        "only what has not crossed is tried again"
    }
}

fn refused(backfill: &Backfill, error: BackfillError, said: &mut Diagnostics) {
    let bucket = &backfill.bucket;
    match error {
        BackfillError::Another(job) => said.error(
            "Another backfill is under way",
            format!(
                "{} replicates objects of {bucket} already, with other settings. {} Wait until it is over or cancel it, and run this one again; or ask for the same settings to go on with it.",
                named(backfill, &job),
                share(&job)
            ),
        ),
        BackfillError::RoleTaken(role) => said.error_at(
            AttributePath::root("role_arn"),
            "The role of the backfill is somebody else's",
            format!(
                "Role {role} in account {} is there, and was not made for backfills of {bucket}: it has not their tags. Write the ARN of a role that the job may run as into `role_arn`, or rename that role. Nothing was changed.",
                backfill.at.account
            ),
        ),
        BackfillError::Unheard(job, error) => said.error(
            "Nobody can tell where the backfill stands",
            format!(
                "The job {job} in {} may go on at S3, but it cannot be watched any more. {error}.\n\nRun the same backfill again to go on watching it.",
                backfill.at
            ),
        ),
        BackfillError::Call(error) => {
            let hint = match error.kind {
                CallErrorKind::AccessDenied => " The guide \"What the operator needs\" lists what a backfill takes.",
                CallErrorKind::Throttled | CallErrorKind::Transport => " Run it again.",
                _ => "",
            };
            said.error(
                "The backfill was not begun",
                format!("{error}. No object of {bucket} was touched.{hint}"),
            );
        }
    }
}

fn named(backfill: &Backfill, job: &BatchJobDescription) -> String {
    format!("Job {} in {}", job.id, backfill.at)
}

/// How far a job has come.
fn share(job: &BatchJobDescription) -> String {
    if job.total == 0 {
        return "No object was replicated yet.".to_owned();
    }
    format!(
        "Of {}, {} crossed and {} failed.",
        objects(job.total),
        grouped(job.succeeded),
        grouped(job.failed)
    )
}

fn objects(count: u64) -> String {
    match count {
        1 => "1 object".to_owned(),
        count => format!("{} objects", grouped(count)),
    }
}

fn role_hint(backfill: &Backfill) -> String {
    match (&backfill.role_arn, &backfill.permissions_boundary) {
        (Some(_), _) => " The job runs as the role of `role_arn`; the guide \"Moving the objects you already have\" has what that role needs.".to_owned(),
        (None, Some(boundary)) => format!(" The job runs as a role that is bounded as the replication role is, by {boundary}; what that policy has to allow is in the guide \"Moving the objects you already have\"."),
        (None, None) => String::new(),
    }
}

fn report_bucket(backfill: &Backfill) -> &str {
    let report = backfill.report.as_ref();
    report.map_or("", |report| report.bucket.as_str())
}
