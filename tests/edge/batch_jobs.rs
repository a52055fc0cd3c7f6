//! Jobs of S3 Batch Operations, over a strict S3 Control.

use std::collections::BTreeSet;

use support::s3_control::{Play, S3Control};
use terraform_provider_replicated::aws::{AwsCloud, CloudConfig, Endpoints, Secret};
use terraform_provider_replicated::execution::cloud::{CallErrorKind, Cloud};
use terraform_provider_replicated::replication::operation::{
    Answer, BatchJob, BatchJobDescription, BatchJobFailureKind, BatchJobFilter, BatchJobOperation,
    BatchJobReport, BatchJobStatus, Operation, Output, Query,
};

use crate::server::{Reply, Server};
use crate::setting::{ACCOUNT, BUCKET, at, cloud, config};

const REGION: &str = "eu-west-1";

fn control(server: &S3Control) -> AwsCloud {
    AwsCloud::new(CloudConfig {
        endpoints: Endpoints {
            s3control: Some("http://control.invalid".to_owned()),
            ..Endpoints::default()
        },
        http_proxy: Some(Secret::new(&*server.url())),
        ..config("")
    })
    .unwrap()
}

fn words<const N: usize>(words: [&str; N]) -> BTreeSet<String> {
    words.map(str::to_owned).into()
}

fn job(token: &str) -> BatchJob {
    BatchJob {
        source_bucket: BUCKET.to_owned(),
        token: token.to_owned(),
        description: "Backfill <of> & more".to_owned(),
        priority: 7,
        role_arn: format!("arn:aws:iam::{ACCOUNT}:role/backfill"),
        filter: BatchJobFilter {
            replication_statuses: words(["NONE", "FAILED"]),
            ..BatchJobFilter::default()
        },
        report: None,
    }
}

fn create(job: BatchJob) -> Operation {
    Operation::BatchJob(BatchJobOperation::Create(Box::new(job)))
}

async fn created(cloud: &AwsCloud, job: BatchJob) -> String {
    match cloud.perform(&at(REGION), &create(job)).await {
        Ok(Output::Text(id)) => id,
        other => panic!("{other:?}"),
    }
}

async fn described(cloud: &AwsCloud, id: &str) -> BatchJobDescription {
    let query = Query::DescribeJob {
        job_id: id.to_owned(),
    };
    match cloud.query(&at(REGION), &query).await {
        Ok(Answer::BatchJob(job)) => job,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_member_of_a_job_is_sent_in_its_documented_form() {
    let server = S3Control::start().await.unwrap();
    let cloud = control(&server);
    let mut whole = job("token");
    whole.filter = BatchJobFilter {
        created_after: Some(1_767_225_600),
        created_before: Some(1_769_904_000),
        prefixes: words(["a/", "b&c"]),
        size_greater_than: Some(0),
        size_less_than: Some(5),
        ..whole.filter
    };
    whole.report = Some(BatchJobReport {
        bucket: "acme-reports".to_owned(),
        prefix: "why/".to_owned(),
    });
    created(&cloud, whole).await;
    created(&cloud, job("another")).await;
    let asked = server.take_asked();
    assert_eq!(asked[0].operation, "CreateJob");
    assert_eq!(asked[0].host, format!("{ACCOUNT}.control.invalid"));
    assert_eq!(asked[0].path, "/v20180820/jobs");
    assert_eq!(asked[0].region, REGION);
    let common = |report: &str, token: &str, filter: &str| {
        format!(
            "<CreateJobRequest xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\">\
             <ClientRequestToken>{token}</ClientRequestToken>\
             <ConfirmationRequired>false</ConfirmationRequired>\
             <Description>Backfill &lt;of&gt; &amp; more</Description>\
             <ManifestGenerator><S3JobManifestGenerator>\
             <ExpectedBucketOwner>{ACCOUNT}</ExpectedBucketOwner>\
             <SourceBucket>arn:aws:s3:::{BUCKET}</SourceBucket>\
             <Filter><EligibleForReplication>true</EligibleForReplication>{filter}</Filter>\
             <EnableManifestOutput>false</EnableManifestOutput>\
             </S3JobManifestGenerator></ManifestGenerator>\
             <Operation><S3ReplicateObject></S3ReplicateObject></Operation>\
             <Priority>7</Priority>{report}\
             <RoleArn>arn:aws:iam::{ACCOUNT}:role/backfill</RoleArn></CreateJobRequest>"
        )
    };
    let statuses = "<ObjectReplicationStatuses><member>FAILED</member><member>NONE</member></ObjectReplicationStatuses>";
    let filter = format!(
        "<CreatedAfter>2026-01-01T00:00:00Z</CreatedAfter><CreatedBefore>2026-02-01T00:00:00Z</CreatedBefore>{statuses}\
         <KeyNameConstraint><MatchAnyPrefix><member>a/</member><member>b&amp;c</member></MatchAnyPrefix></KeyNameConstraint>\
         <ObjectSizeGreaterThanBytes>0</ObjectSizeGreaterThanBytes><ObjectSizeLessThanBytes>5</ObjectSizeLessThanBytes>"
    );
    let report = format!(
        "<Report><Bucket>arn:aws:s3:::acme-reports</Bucket><Format>Report_CSV_20180820</Format><Enabled>true</Enabled>\
         <Prefix>why</Prefix><ReportScope>FailedTasksOnly</ReportScope>\
         <ExpectedBucketOwner>{ACCOUNT}</ExpectedBucketOwner></Report>"
    );
    assert_eq!(asked[0].body, common(&report, "token", &filter));
    let report = "<Report><Enabled>false</Enabled></Report>";
    assert_eq!(asked[1].body, common(report, "another", statuses));
}

#[tokio::test]
async fn a_job_is_described_in_every_state_and_made_once_for_each_token() {
    let server = S3Control::start().await.unwrap();
    server.play(Play {
        objects: 1000,
        failing: vec![("DstBucketUnversioned", 10)],
        active_looks: 1,
        ..Play::default()
    });
    let cloud = control(&server);
    let id = created(&cloud, job("token")).await;
    assert_eq!(created(&cloud, job("token")).await, id);
    let mut seen = Vec::new();
    loop {
        let job = described(&cloud, &id).await;
        seen.push((job.status.word(), job.total, job.succeeded, job.failed));
        if job.status.is_final() {
            assert_eq!(job.description, "Backfill <of> & more");
            assert_eq!(job.created, 1_795_305_600);
            break;
        }
    }
    assert_eq!(
        seen,
        [
            ("Preparing", 0, 0, 0),
            ("Ready", 1000, 0, 0),
            ("Active", 1000, 490, 10),
            ("Completing", 1000, 990, 10),
            ("Complete", 1000, 990, 10),
        ]
    );
    // The same token with something else in it.
    let mut other = job("token");
    other.priority = 8;
    let error = cloud
        .perform(&at(REGION), &create(other))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Invalid);
    assert_eq!(error.code.as_deref(), Some("IdempotencyException"));
}

#[tokio::test]
async fn a_report_that_the_server_of_the_tests_cannot_write_is_no_success() {
    let server = S3Control::start().await.unwrap();
    server.play(Play {
        objects: 10,
        failing: vec![("DstBucketUnversioned", 1)],
        active_looks: 1,
        ..Play::default()
    });
    let cloud = control(&server);
    let mut reporting = job("token");
    reporting.report = Some(BatchJobReport {
        bucket: "acme-reports".to_owned(),
        prefix: "why".to_owned(),
    });
    let query = Query::DescribeJob {
        job_id: created(&cloud, reporting).await,
    };
    for _ in 0..4 {
        cloud.query(&at(REGION), &query).await.unwrap();
    }
    let error = cloud.query(&at(REGION), &query).await.unwrap_err();
    assert!(error.message.contains("report_to"), "{error}");
}

#[tokio::test]
async fn jobs_are_listed_from_every_page_of_their_account_and_region() {
    let server = S3Control::start().await.unwrap();
    let cloud = control(&server);
    let mut made = Vec::new();
    for token in ["a", "b", "c", "d", "e"] {
        made.push(created(&cloud, job(token)).await);
    }
    let listed = |answer| match answer {
        Ok(Answer::BatchJobs(jobs)) => jobs
            .into_iter()
            .map(|job: BatchJobDescription| job.id)
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    server.take_asked();
    assert_eq!(
        listed(cloud.query(&at(REGION), &Query::ListJobs).await),
        made
    );
    assert_eq!(server.take_asked().len(), 3);
    assert!(listed(cloud.query(&at("us-west-2"), &Query::ListJobs).await).is_empty());
}

#[tokio::test]
async fn the_failure_of_a_job_is_told_by_what_it_means() {
    for (broken, kind) in [
        (None, BatchJobFailureKind::NothingFound),
        (
            Some(("RoleError", "The role could not be assumed")),
            BatchJobFailureKind::RoleNotUsable,
        ),
        (
            Some((
                "ManifestGenerationFailed",
                "The source bucket has no replication configuration",
            )),
            BatchJobFailureKind::RulesNotSeen,
        ),
        (
            Some(("AccessDenied", "Not allowed.")),
            BatchJobFailureKind::Other,
        ),
    ] {
        let server = S3Control::start().await.unwrap();
        server.play(Play {
            broken,
            ..Play::default()
        });
        let cloud = control(&server);
        let id = created(&cloud, job("token")).await;
        described(&cloud, &id).await;
        let job = described(&cloud, &id).await;
        assert_eq!(job.status, BatchJobStatus::Failed);
        assert!(job.failed_for(kind), "{job:?}");
        assert!(!job.failures[0].reason.ends_with('.'), "{job:?}");
    }
}

#[tokio::test]
async fn a_job_is_cancelled_until_it_is_over() {
    let server = S3Control::start().await.unwrap();
    let cloud = control(&server);
    let id = created(&cloud, job("token")).await;
    server.take_asked();
    let cancel = Operation::BatchJob(BatchJobOperation::Cancel { job_id: id.clone() });
    assert_eq!(cloud.perform(&at(REGION), &cancel).await, Ok(Output::Done));
    let asked = server.take_asked().remove(0);
    let path = format!("/v20180820/jobs/{id}/status?requestedJobStatus=Cancelled");
    assert_eq!(asked.path, path);
    assert_eq!(
        described(&cloud, &id).await.status,
        BatchJobStatus::Cancelled
    );
    let error = cloud.perform(&at(REGION), &cancel).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Invalid);
    assert_eq!(error.call, "s3:UpdateJobStatus");
    let lost = Query::DescribeJob {
        job_id: "nobody".to_owned(),
    };
    let error = cloud.query(&at(REGION), &lost).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::NotFound);
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_does_not_has_its_kind() {
    let server = S3Control::start().await.unwrap();
    let cloud = control(&server);
    for (status, code) in [
        (400, "TooManyRequestsException"),
        (500, "InternalServiceException"),
    ] {
        server.refuse("CreateJob", 2, status, code);
        created(&cloud, job(code)).await;
        let made = server.take_asked();
        let tried = made
            .iter()
            .filter(|asked| asked.operation == "CreateJob")
            .count();
        assert_eq!(tried, 3, "{code}");
    }
    for (status, code, kind) in [
        (403, "AccessDenied", CallErrorKind::AccessDenied),
        (400, "BadRequestException", CallErrorKind::Invalid),
    ] {
        server.refuse("ListJobs", 1, status, code);
        let error = cloud
            .query(&at(REGION), &Query::ListJobs)
            .await
            .unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (kind, Some(code)));
    }
}

#[tokio::test]
async fn the_content_of_an_object_is_read_as_text() {
    let server = Server::start(|_, earlier| match earlier {
        0 => Reply::ok("a,b\n"),
        1 => Reply::s3_error(404, "NoSuchKey"),
        _ => Reply::Truncated("a".to_owned()),
    })
    .await;
    let cloud = cloud(&server.url);
    let query = Query::GetObject {
        bucket: BUCKET.to_owned(),
        key: "why/job-1/manifest.json".to_owned(),
    };
    let ask = async || cloud.query(&at(REGION), &query).await;
    assert_eq!(ask().await, Ok(Answer::Text("a,b\n".to_owned())));
    assert_eq!(ask().await.unwrap_err().kind, CallErrorKind::NotFound);
    let broken = ask().await.unwrap_err();
    assert_eq!(broken.kind, CallErrorKind::Transport, "{broken}");
    let asked = server.received().remove(0);
    assert!(
        asked
            .operation
            .starts_with(&format!("GET /{BUCKET}/why/job-1/manifest.json")),
        "{}",
        asked.operation
    );
    assert_eq!(asked.header("x-amz-expected-bucket-owner"), ACCOUNT);
}
