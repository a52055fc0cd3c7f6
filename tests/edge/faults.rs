//! What is sent again, what never is, and what is said when nobody knows.

use std::time::Duration;

use terraform_provider_replicated::aws::AwsCloud;
use terraform_provider_replicated::execution::cloud::{CallErrorKind, Cloud};
use terraform_provider_replicated::replication::component::{ComponentId, Part, Side};
use terraform_provider_replicated::replication::operation::{
    Answer, Input, Operation, Output, Query,
};

use crate::server::{Reply, Server};
use crate::setting::{
    BUCKET, KEY, at, cloud, config, create_bucket, create_key, create_role, put_key_policy,
    s3_operations, s3_queries,
};

const KEY_MADE: &str = r#"{"KeyMetadata":{"KeyId":"1234abcd","Arn":"arn:aws:kms:eu-west-1:111111111111:key/1234abcd"}}"#;

fn key() -> Input<String> {
    Input::Known(KEY.to_owned())
}

/// Every operation that must not be carried out twice.
fn sent_once() -> Vec<Operation> {
    vec![
        create_key(),
        create_bucket(BUCKET),
        create_role("replication"),
        Operation::CreateAlias {
            alias: "alias/acme".to_owned(),
            key: key(),
        },
        Operation::ScheduleKeyDeletion {
            key: key(),
            window_days: 30,
        },
        Operation::CancelKeyDeletion { key: key() },
    ]
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_ambiguous_and_was_sent_once() {
    for operation in sent_once() {
        let server = Server::start(|_, _| Reply::Cut).await;
        let error = cloud(&server.url)
            .perform(&at("eu-west-1"), &operation)
            .await
            .unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Ambiguous, "{error}");
        assert_eq!(server.received().len(), 1, "{operation:?}");
    }
}

#[tokio::test]
async fn a_create_that_may_have_been_done_is_ambiguous_however_the_answer_got_lost() {
    for reply in [
        Reply::Truncated(KEY_MADE.to_owned()),
        Reply::kms_error(500, "KMSInternalException"),
        Reply::kms_error(503, "DependencyTimeoutException"),
        Reply::kms_error(503, "ServiceUnavailable"),
        Reply::Answer(502, Vec::new(), "<html>Bad gateway</html>".to_owned()),
        Reply::ok("{not json"),
        Reply::ok("{}"),
    ] {
        let script = reply.clone();
        let server = Server::start(move |_, _| script.clone()).await;
        let error = cloud(&server.url)
            .perform(&at("eu-west-1"), &create_key())
            .await
            .unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Ambiguous, "{reply:?}: {error}");
        assert_eq!(server.count("CreateKey"), 1, "{reply:?}");
    }
}

#[tokio::test]
async fn a_create_that_is_never_answered_is_ambiguous_and_was_sent_once() {
    let server = Server::start(|_, _| Reply::Silence).await;
    let mut config = config(&server.url);
    config.attempt_timeout = Duration::from_secs(1);
    let error = AwsCloud::new(config)
        .unwrap()
        .perform(&at("eu-west-1"), &create_key())
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Ambiguous, "{error}");
    assert_eq!(server.count("CreateKey"), 1);
}

#[tokio::test]
async fn a_create_that_was_turned_away_is_sent_again() {
    let server = Server::start(
        |received, earlier| match (earlier, received.operation.as_str()) {
            (2.., "CreateKey") => Reply::ok(KEY_MADE),
            (2.., _) => Reply::ok(""),
            (_, "CreateKey") => Reply::kms_error(400, "ThrottlingException"),
            _ => Reply::s3_error(503, "SlowDown"),
        },
    )
    .await;
    let cloud = cloud(&server.url);
    let output = cloud.perform(&at("eu-west-1"), &create_key()).await;
    assert_eq!(output, Ok(Output::Text(KEY.to_owned())));
    assert_eq!(server.count("CreateKey"), 3);

    let output = cloud
        .perform(&at("eu-west-1"), &create_bucket(BUCKET))
        .await;
    assert_eq!(output, Ok(Output::Done));
    assert_eq!(server.received().len(), 6);
}

#[tokio::test]
async fn a_refused_connection_is_certainly_not_carried_out() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut config = config(&url);
    config.max_retries = Some(2);
    let error = AwsCloud::new(config)
        .unwrap()
        .perform(&at("eu-west-1"), &create_key())
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Transport, "{error}");
}

#[tokio::test]
async fn a_read_goes_on_through_passing_failures() {
    let server = Server::start(|_, earlier| match earlier {
        0 => Reply::s3_error(503, "SlowDown"),
        1 => Reply::s3_error(503, "ServiceUnavailable"),
        2 => Reply::s3_error(500, "InternalError"),
        3 => Reply::Cut,
        4 => Reply::Truncated("{".to_owned()),
        _ => Reply::ok("{}"),
    })
    .await;
    let answer = cloud(&server.url)
        .query(
            &at("eu-west-1"),
            &Query::GetBucketPolicy {
                bucket: BUCKET.to_owned(),
            },
        )
        .await;
    assert_eq!(answer, Ok(Answer::Text("{}".to_owned())));
    assert_eq!(server.received().len(), 6);
}

#[tokio::test]
async fn a_write_that_changes_nothing_more_the_second_time_is_sent_again() {
    for operation in s3_operations() {
        let server = Server::start(|_, earlier| match earlier {
            0 => Reply::Cut,
            _ => Reply::ok("<DeleteResult/>"),
        })
        .await;
        let output = cloud(&server.url)
            .perform(&at("eu-west-1"), &operation)
            .await;
        assert!(output.is_ok(), "{operation:?}: {output:?}");
        assert_eq!(server.received().len(), 2, "{operation:?}");
    }
}

#[tokio::test]
async fn retries_end_with_the_configured_number_and_say_why() {
    let server = Server::start(|_, _| Reply::s3_error(503, "SlowDown")).await;
    let mut config = config(&server.url);
    config.max_retries = Some(4);
    let cloud = AwsCloud::new(config).unwrap();
    let error = cloud
        .query(&at("eu-west-1"), &s3_queries()[1])
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Throttled);
    assert_eq!(error.code.as_deref(), Some("SlowDown"));
    assert_eq!(server.received().len(), 5);
}

#[tokio::test]
async fn no_quota_ends_retries_early() {
    let server = Server::start(|_, earlier| match earlier {
        0..250 => Reply::s3_error(503, "SlowDown"),
        _ => Reply::ok("{}"),
    })
    .await;
    let mut config = config(&server.url);
    config.max_retries = Some(300);
    config.initial_backoff = Duration::from_nanos(1);
    let answer = AwsCloud::new(config)
        .unwrap()
        .query(
            &at("eu-west-1"),
            &Query::GetBucketPolicy {
                bucket: BUCKET.to_owned(),
            },
        )
        .await;
    assert_eq!(answer, Ok(Answer::Text("{}".to_owned())));
}

#[tokio::test]
async fn a_quota_of_kms_is_not_taken_for_throttling() {
    let server = Server::start(|_, _| Reply::kms_error(400, "LimitExceededException")).await;
    for operation in [create_key(), put_key_policy()] {
        let error = cloud(&server.url)
            .perform(&at("eu-west-1"), &operation)
            .await
            .unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Invalid, "{error}");
    }
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn a_key_that_is_not_made_yet_is_not_asked_for() {
    let server = Server::start(|_, _| Reply::ok("{}")).await;
    let error = cloud(&server.url)
        .perform(
            &at("eu-west-1"),
            &Operation::EnableKey {
                key: Input::OutputOf(ComponentId::Of(Side::Source, Part::Key)),
            },
        )
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Invalid);
    assert_eq!(server.received().len(), 0);
}
