//! Tags key by key, as S3 Control takes them, and whether a bucket takes them only so.

use std::collections::BTreeMap;

use terraform_provider_replicated::aws::{AwsCloud, CloudConfig, Endpoints, Secret};
use terraform_provider_replicated::execution::cloud::{CallErrorKind, Cloud};
use terraform_provider_replicated::replication::operation::{Answer, Operation, Output, Query};

use crate::server::{Reply, Server};
use crate::setting::{ACCOUNT, BUCKET, at, config};

/// S3 Control at an endpoint that is written out, so it is taken as it is under FIPS, too. Nothing resolves the account's host name below it, so the server stands
/// in for it as a proxy.
fn control(server: &Server) -> CloudConfig {
    CloudConfig {
        endpoints: Endpoints {
            s3control: Some("http://control.invalid:8080".to_owned()),
            ..Endpoints::default()
        },
        http_proxy: Some(Secret::new(&*server.url)),
        use_fips_endpoint: Some(true),
        user_agent: Some("our-words/1".to_owned()),
        ..config("")
    }
}

fn tag() -> Operation {
    Operation::TagBucket {
        bucket: BUCKET.to_owned(),
        tags: BTreeMap::from([
            ("a&b".to_owned(), "<1>".to_owned()),
            ("team".to_owned(), "ops".to_owned()),
        ]),
    }
}

fn untag() -> Operation {
    Operation::UntagBucket {
        bucket: BUCKET.to_owned(),
        tag_keys: vec!["old one".to_owned(), "team".to_owned()],
    }
}

#[tokio::test]
async fn tags_are_set_and_taken_away_by_key_on_the_accounts_own_host() {
    let server = Server::start(|_, _| Reply::ok("").with_status(204)).await;
    let cloud = AwsCloud::new(control(&server)).unwrap();
    for operation in [tag(), untag()] {
        let output = cloud.perform(&at("eu-west-1"), &operation).await;
        assert_eq!(output, Ok(Output::Done));
    }
    let received = server.received();
    let lines: Vec<&str> = received.iter().map(|r| r.operation.as_str()).collect();
    let path = format!(
        "http://{ACCOUNT}.control.invalid:8080/v20180820/tags/arn%3Aaws%3As3%3A%3A%3A{BUCKET}"
    );
    assert_eq!(
        lines,
        [
            format!("POST {path}"),
            format!("DELETE {path}?tagKeys=old%20one&tagKeys=team"),
        ]
    );
    for request in &received {
        assert_eq!(request.header("x-amz-account-id"), ACCOUNT);
        assert_eq!(request.scope()[2..4], ["eu-west-1", "s3"]);
        let agent = request.header("user-agent");
        assert!(agent.ends_with("our-words/1"), "{agent}");
    }
    assert_eq!(
        received[0].body,
        "<TagResourceRequest xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\"><Tags>\
         <Tag><Key>a&amp;b</Key><Value>&lt;1&gt;</Value></Tag>\
         <Tag><Key>team</Key><Value>ops</Value></Tag>\
         </Tags></TagResourceRequest>"
    );
}

#[tokio::test]
async fn a_change_of_single_tags_is_sent_again_when_its_answer_is_lost() {
    for operation in [tag(), untag()] {
        let server = Server::start(|_, earlier| match earlier {
            0 => Reply::Cut,
            _ => Reply::ok("").with_status(204),
        })
        .await;
        let cloud = AwsCloud::new(control(&server)).unwrap();
        let output = cloud.perform(&at("eu-west-1"), &operation).await;
        assert_eq!(output, Ok(Output::Done), "{operation}");
        assert_eq!(server.received().len(), 2, "{operation}");
    }
}

#[tokio::test]
async fn what_s3_control_refuses_has_its_kind_and_code() {
    for (status, code, kind) in [
        (404, "NoSuchResource", CallErrorKind::NotFound),
        (400, "TooManyTags", CallErrorKind::Invalid),
        (400, "TagPolicyException", CallErrorKind::Invalid),
        (403, "AccessDenied", CallErrorKind::AccessDenied),
    ] {
        let server = Server::start(move |_, _| Reply::query_error(status, code)).await;
        let cloud = AwsCloud::new(control(&server)).unwrap();
        let error = cloud.perform(&at("eu-west-1"), &tag()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert_eq!(error.code.as_deref(), Some(code), "{error}");
        assert_eq!(error.call, "s3:TagResource");
        assert_eq!(error.subject, BUCKET);
    }
}

#[tokio::test]
async fn a_bucket_tells_whether_abac_is_on() {
    for status in ["Enabled", "Disabled"] {
        let server = Server::start(move |_, _| {
            Reply::ok(&format!(
                "<AbacStatus xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>{status}</Status></AbacStatus>"
            ))
        })
        .await;
        let query = Query::GetBucketAbac {
            bucket: BUCKET.to_owned(),
        };
        let cloud = AwsCloud::new(config(&server.url)).unwrap();
        let answer = cloud.query(&at("eu-west-1"), &query).await;
        assert_eq!(answer, Ok(Answer::Text(status.to_owned())));
        let request = server.received().remove(0);
        assert_eq!(request.operation, format!("GET /{BUCKET}/?abac"));
        assert_eq!(request.header("x-amz-expected-bucket-owner"), ACCOUNT);
    }
}

#[tokio::test]
async fn a_server_that_knows_nothing_of_abac_has_not_said_that_it_is_on() {
    // Such a server overlooks the question and lists the bucket.
    let list = "<ListBucketResult><Name>acme-archive</Name></ListBucketResult>";
    let server = Server::start(move |_, _| Reply::ok(list)).await;
    let query = Query::GetBucketAbac {
        bucket: BUCKET.to_owned(),
    };
    let cloud = AwsCloud::new(config(&server.url)).unwrap();
    let answer = cloud.query(&at("eu-west-1"), &query).await;
    assert!(answer.is_err(), "{answer:?}");
}
