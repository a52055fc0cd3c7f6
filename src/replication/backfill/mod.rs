//! A backfill: the job of S3 Batch Operations that replicates the objects which were there before the rules.
//!
//! A job is known again by its description, which follows from the source bucket and from what is asked for. So is its
//! token: the same request after the same earlier job is the same job, whoever sends it and however often, and once that
//! job is over the next request is a new one.
//!
//! [`progress`] words where it stands, [`report`] reads why objects failed, and [`reasons`] knows what to do about each.

pub mod progress;
pub mod reasons;
pub mod report;

use sha2::{Digest, Sha256};

use super::diff::same_trust;
use super::ids::{BucketName, Location};
use super::names::{COMPONENT_TAG, CREATED_TAG, OWNER_TAG, backfill_role_name};
use super::operation::{
    BatchJob, BatchJobDescription, BatchJobFilter, BatchJobReport, Operation, RoleDescription, Tags,
};
use super::policy::{PolicyDocument, ReportGrant, backfill_role_policy, backfill_trust_policy};

/// Name of our inline policy in the role of a job.
pub const ROLE_POLICY_NAME: &str = "backfill";
/// What the role's component tag says.
const ROLE_COMPONENT: &str = "backfill/role";

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backfill {
    /// The source bucket.
    pub bucket: BucketName,
    /// Where it is: jobs run in its account and region.
    pub at: Location,
    /// Which objects.
    pub filter: BatchJobFilter,
    /// The role that is given; without one a role is made, and removed after the job.
    pub role_arn: Option<String>,
    /// Higher goes first, among the jobs of the account and region.
    pub priority: i32,
    /// Where the job writes why objects failed.
    pub report: Option<BatchJobReport>,
    /// Tags that a role which is made carries beside ours.
    pub tags: Tags,
    /// ARN of the policy that bounds a role which is made.
    pub permissions_boundary: Option<String>,
}

impl Backfill {
    /// Whose job it is, as our tags name owners.
    pub fn owner(&self) -> String {
        format!("{}/{}", self.at.account, self.bucket)
    }

    /// The job's description.
    pub fn description(&self) -> String {
        format!("{}{}", self.describes(), hex(&self.request(), 16))
    }

    /// What is asked for, written out: values in an order that no version may change, or a run of one version does not
    /// find the job that another has begun.
    fn request(&self) -> String {
        let filter = &self.filter;
        let report = self.report.as_ref();
        serde_json::json!([
            filter.replication_statuses,
            filter.created_after,
            filter.created_before,
            filter.prefixes,
            filter.size_greater_than,
            filter.size_less_than,
            self.role_arn,
            self.priority,
            report.map(|report| [&report.bucket, &report.prefix]),
        ])
        .to_string()
    }

    /// What the descriptions of all backfills of this bucket begin with.
    fn describes(&self) -> String {
        format!(
            "Backfill of {} by replicated_bucket, request ",
            self.owner()
        )
    }

    /// The job of the same request that runs, and that of another one.
    pub fn running<'a>(&self, jobs: &'a [BatchJobDescription]) -> Running<'a> {
        let mut ours = jobs
            .iter()
            .filter(|job| !job.status.is_final() && job.description.starts_with(&self.describes()));
        let description = self.description();
        match ours.clone().find(|job| job.description == description) {
            Some(job) => Running::Same(job),
            None => ours.next().map_or(Running::None, Running::Other),
        }
    }

    /// The job, after whichever one of the same request was the last.
    pub fn job(&self, jobs: &[BatchJobDescription]) -> BatchJob {
        let description = self.description();
        let same = jobs.iter().filter(|job| job.description == description);
        let last = same.max_by_key(|job| (job.created, &job.id));
        let last = last.map_or("", |job| job.id.as_str());
        BatchJob {
            source_bucket: self.bucket.to_string(),
            token: hex(&format!("{description} after {last}"), 64),
            description,
            priority: self.priority,
            role_arn: self.job_role_arn(),
            filter: self.filter.clone(),
            report: self.report.clone(),
        }
    }

    /// The ARN of the role that the job runs as: the one that is given, or the one that is made.
    pub fn job_role_arn(&self) -> String {
        let made = || {
            let (partition, account) = (&self.at.partition, &self.at.account);
            format!("arn:{partition}:iam::{account}:role/{}", self.role_name())
        };
        self.role_arn.clone().unwrap_or_else(made)
    }

    /// The name of the role that is made.
    pub fn role_name(&self) -> String {
        backfill_role_name(self.bucket.as_str())
    }

    /// Its tags.
    pub fn role_tags(&self, created: &str) -> Tags {
        let mut tags = self.tags.clone();
        tags.extend([
            (OWNER_TAG.to_owned(), self.owner()),
            (COMPONENT_TAG.to_owned(), ROLE_COMPONENT.to_owned()),
            (CREATED_TAG.to_owned(), created.to_owned()),
        ]);
        tags
    }

    /// What makes a role that an earlier run left one that this run can use. A boundary that somebody else put on it
    /// stays.
    pub fn role_repairs(&self, seen: &RoleDescription) -> Vec<Operation> {
        let role = self.role_name();
        let mut repairs = Vec::new();
        let trust = backfill_trust_policy();
        if !same_trust(&seen.trust_policy, &trust) {
            repairs.push(Operation::UpdateAssumeRolePolicy {
                role: role.clone(),
                trust_policy: trust.render().unwrap_or_default(),
            });
        }
        if let Some(boundary) = &self.permissions_boundary
            && seen.permissions_boundary.as_ref() != Some(boundary)
        {
            repairs.push(Operation::PutRolePermissionsBoundary {
                role,
                boundary: boundary.clone(),
            });
        }
        repairs
    }

    /// Whether a role with these tags was made for backfills of this bucket.
    pub fn owns_role(&self, tags: &Tags) -> bool {
        tags.get(OWNER_TAG) == Some(&self.owner())
            && tags.get(COMPONENT_TAG).map(String::as_str) == Some(ROLE_COMPONENT)
    }

    /// Its policy.
    pub fn role_policy(&self) -> PolicyDocument {
        let bucket = self.report.as_ref().map(|report| &report.bucket);
        let bucket = bucket.and_then(|name| BucketName::parse(name).ok());
        let report = self.report.as_ref().zip(bucket.as_ref());
        let grant = report.map(|(report, bucket)| ReportGrant {
            bucket,
            prefix: &report.prefix,
        });
        backfill_role_policy(&self.bucket, grant, &self.at.partition)
    }
}

/// Which backfill of a bucket is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Running<'a> {
    /// None.
    None,
    /// One that was asked for in the same words.
    Same(&'a BatchJobDescription),
    /// One that was asked for otherwise.
    Other(&'a BatchJobDescription),
}

fn hex(text: &str, digits: usize) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.chars().take(digits).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::ids::{AccountId, Region, WayIn};
    use super::super::operation::BatchJobStatus;
    use super::*;

    pub(super) fn asked() -> Backfill {
        let region = Region::parse("eu-west-1").unwrap();
        Backfill {
            bucket: BucketName::parse(&"a".repeat(63)).unwrap(),
            at: Location {
                account: AccountId::parse("111111111111").unwrap(),
                partition: region.partition(),
                region,
                way_in: Arc::new(WayIn::default()),
            },
            filter: BatchJobFilter::default(),
            role_arn: None,
            priority: 10,
            report: None,
            tags: Tags::new(),
            permissions_boundary: None,
        }
    }

    fn job(
        id: &str,
        backfill: &Backfill,
        status: BatchJobStatus,
        created: i64,
    ) -> BatchJobDescription {
        BatchJobDescription {
            id: id.to_owned(),
            description: backfill.description(),
            status,
            created,
            total: 0,
            succeeded: 0,
            failed: 0,
            failures: Vec::new(),
        }
    }

    #[test]
    fn the_longest_names_fit_what_aws_takes() {
        let job = asked().job(&[]);
        assert!(job.description.len() <= 256, "{}", job.description);
        assert_eq!(job.token.len(), 64);
        assert!(asked().role_name().len() <= 64);
    }

    #[test]
    fn the_description_and_the_token_of_a_request_are_those_of_every_version() {
        let plain = asked().job(&[]);
        insta::assert_snapshot!(asked().request(), @"[[],null,null,[],null,null,null,10,null]");
        insta::assert_snapshot!(plain.description, @"Backfill of 111111111111/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa by replicated_bucket, request c9b974516688e165");
        insta::assert_snapshot!(plain.token, @"6c379177c3518b28576dbf8cb38af93c58956b2034b9b48a711056c4d42af99d");
        let mut whole = asked();
        whole.filter = BatchJobFilter {
            replication_statuses: ["FAILED".to_owned(), "NONE".to_owned()].into(),
            created_after: Some(1),
            created_before: Some(2),
            prefixes: ["a/".to_owned(), "\"b\"".to_owned()].into(),
            size_greater_than: Some(3),
            size_less_than: Some(4),
        };
        whole.role_arn = Some("arn:aws:iam::111111111111:role/Backfill".to_owned());
        whole.report = Some(BatchJobReport {
            bucket: "acme-reports".to_owned(),
            prefix: "why".to_owned(),
        });
        insta::assert_snapshot!(whole.request(), @r#"[["FAILED","NONE"],1,2,["\"b\"","a/"],3,4,"arn:aws:iam::111111111111:role/Backfill",10,["acme-reports","why"]]"#);
        insta::assert_snapshot!(whole.job(&[]).token, @"b7cb9cb2f9703057980fe173a32bfc06cc98232d03fed67081b799e6e1da40dd");
        // How its role is made is no part of what is asked for.
        let bounded = Backfill {
            tags: Tags::from([("team".to_owned(), "archive".to_owned())]),
            permissions_boundary: Some("arn:aws:iam::111111111111:policy/Boundary".to_owned()),
            ..asked()
        };
        assert_eq!(bounded.job(&[]), plain);
    }

    #[test]
    fn the_same_request_is_the_same_job_until_that_is_over() {
        let (one, mut other) = (asked(), asked());
        other.filter.created_after = Some(1);
        let first = one.job(&[]);
        assert_eq!(first, one.job(&[]));
        assert_ne!(first.token, other.job(&[]).token);
        let over = [
            job("a", &one, BatchJobStatus::Complete, 2),
            job("b", &one, BatchJobStatus::Failed, 1),
            job("c", &other, BatchJobStatus::Complete, 3),
        ];
        let second = one.job(&over);
        assert_ne!(second.token, first.token);
        assert_eq!(
            second.token,
            one.job(&over[..1]).token,
            "the last one counts"
        );
        assert_eq!(one.running(&over), Running::None);
    }

    #[test]
    fn a_job_that_runs_is_known_by_its_request_and_another_one_by_its_bucket() {
        let (one, mut other, mut elsewhere) = (asked(), asked(), asked());
        other.priority = 11;
        elsewhere.bucket = BucketName::parse("acme-archive").unwrap();
        let jobs = [
            job("a", &elsewhere, BatchJobStatus::Active, 1),
            job("b", &other, BatchJobStatus::Active, 1),
        ];
        assert_eq!(one.running(&jobs), Running::Other(&jobs[1]));
        assert_eq!(other.running(&jobs), Running::Same(&jobs[1]));
        assert_eq!(one.running(&jobs[..1]), Running::None);
    }
}
