//! A job that plays its states: each look at it is one step.

use super::request::Element;
use super::{Refused, Report, escaped};

/// How a job goes.
#[derive(Debug, Clone)]
pub struct Play {
    /// How many versions of objects it finds.
    pub objects: u64,
    /// How many of them fail, by reason.
    pub failing: Vec<(&'static str, u64)>,
    /// Looks for which it is active.
    pub active_looks: u64,
    /// The code and words with which it fails as a whole.
    pub broken: Option<(&'static str, &'static str)>,
    /// Whether it stays active until somebody cancels it.
    pub endless: bool,
}

impl Default for Play {
    fn default() -> Self {
        Self {
            objects: 0,
            failing: Vec::new(),
            active_looks: 4,
            broken: None,
            endless: false,
        }
    }
}

/// Where a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) account: String,
    pub(super) region: String,
}

/// A job.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) place: Place,
    pub(super) request: Element,
    play: Play,
    number: usize,
    status: &'static str,
    /// Looks since it became active.
    active: u64,
}

impl Job {
    pub(super) fn new(number: usize, place: Place, request: Element, play: Play) -> Self {
        Self {
            id: format!("00000000-0000-4000-8000-{number:012}"),
            place,
            request,
            play,
            number,
            status: "New",
            active: 0,
        }
    }

    pub(super) fn status(&self) -> &'static str {
        self.status
    }

    /// One step on; what it writes when it completes.
    pub(super) fn look(&mut self) -> Vec<Report> {
        let play = &self.play;
        self.status = match self.status {
            "New" => "Preparing",
            "Preparing" if play.broken.is_some() || play.objects == 0 => "Failed",
            "Preparing" => "Ready",
            "Ready" => "Active",
            "Active" if play.endless => "Active",
            "Active" if self.active < play.active_looks => "Active",
            "Active" => "Completing",
            "Completing" => "Complete",
            "Cancelling" => "Cancelled",
            _ => return Vec::new(),
        };
        if self.status == "Active" {
            self.active += 1;
        }
        match self.status {
            "Complete" | "Cancelled" => self.reports(),
            _ => Vec::new(),
        }
    }

    pub(super) fn cancel(&mut self) -> Result<(), Refused> {
        let ends = [
            "Cancelling",
            "Cancelled",
            "Completing",
            "Complete",
            "Failed",
        ];
        if ends.contains(&self.status) {
            let why = format!("the job is {}", self.status);
            return Err(Refused(400, "JobStatusException", why));
        }
        self.status = "Cancelling";
        Ok(())
    }

    /// Total, succeeded and failed tasks.
    fn counts(&self) -> (u64, u64, u64) {
        let play = &self.play;
        let total = match self.status {
            "New" | "Preparing" | "Failed" => 0,
            _ => play.objects,
        };
        let done = match self.status {
            "Completing" | "Complete" => total,
            _ => total * self.active / (play.active_looks + 1),
        };
        let failing: u64 = play.failing.iter().map(|(_, count)| count).sum();
        let failed = failing.min(done);
        (total, done - failed, failed)
    }

    /// What the report consists of; nothing where none is asked for, or nothing failed.
    fn reports(&self) -> Vec<Report> {
        let request = &self.request;
        let failed = usize::try_from(self.counts().2).unwrap_or(usize::MAX);
        if request.text("Report.Enabled") != "true" || failed == 0 {
            return Vec::new();
        }
        let bucket = request.text("Report.Bucket");
        let bucket = bucket.rsplit(':').next().unwrap_or_default().to_owned();
        let folder = format!("{}/job-{}", request.text("Report.Prefix"), self.id);
        let results = format!("{folder}/results/failed.csv");
        let source = request.text("ManifestGenerator.S3JobManifestGenerator.SourceBucket");
        let source = source.rsplit(':').next().unwrap_or_default();
        let lines: String = self
            .play
            .failing
            .iter()
            .flat_map(|(reason, count)| {
                (0..*count).map(move |n| {
                    format!("{source},{reason}/{n},v{n},failed,400,{reason},\"Not replicated, {reason}\"\n")
                })
            })
            .take(failed)
            .collect();
        let manifest = format!(
            r#"{{"Format":"Report_CSV_20180820","ReportSchema":"Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage","Results":[{{"TaskExecutionStatus":"failed","Bucket":"{bucket}","MD5Checksum":"","Key":"{results}"}}]}}"#
        );
        vec![
            (bucket.clone(), results, lines),
            (bucket, format!("{folder}/manifest.json"), manifest),
        ]
    }

    pub(super) fn described(&self) -> String {
        let broken = self.play.broken.unwrap_or((
            "ManifestGenerationFailed",
            "Manifest generation found no keys matching the filter criteria",
        ));
        let failures = match self.status {
            "Failed" => format!(
                "<FailureReasons><member><FailureCode>{}</FailureCode><FailureReason>{}</FailureReason></member></FailureReasons>",
                broken.0,
                escaped(broken.1)
            ),
            _ => String::new(),
        };
        format!("<Job>{}{failures}</Job>", self.members())
    }

    pub(super) fn listed(&self) -> String {
        let members = self.members();
        format!("<member>{members}<Operation>S3ReplicateObject</Operation></member>")
    }

    fn members(&self) -> String {
        let (total, succeeded, failed) = self.counts();
        format!(
            "<JobId>{}</JobId><Description>{}</Description><Priority>{}</Priority><Status>{}</Status>\
             <CreationTime>2026-11-22T00:{:02}:{:02}Z</CreationTime>\
             <ProgressSummary><TotalNumberOfTasks>{total}</TotalNumberOfTasks>\
             <NumberOfTasksSucceeded>{succeeded}</NumberOfTasksSucceeded>\
             <NumberOfTasksFailed>{failed}</NumberOfTasksFailed></ProgressSummary>",
            self.id,
            escaped(self.request.text("Description")),
            self.request.text("Priority"),
            self.status,
            self.number / 60 % 60,
            self.number % 60
        )
    }
}
