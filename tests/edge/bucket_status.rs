//! What the status of a replication asks: CloudWatch about rules, and S3 about single objects.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use support::cloud_watch::CloudWatch;
use terraform_provider_replicated::aws::{AwsCloud, CloudConfig, Endpoints};
use terraform_provider_replicated::execution::cloud::{CallErrorKind, Cloud};
use terraform_provider_replicated::replication::operation::{
    Answer, DataPoint, MeasuredRule, ObjectDescription, Query, ReplicationMetric,
};

use crate::server::{Reply, Server};
use crate::setting::{ACCOUNT, BUCKET, at, cloud, config};

const RULE: &str = "replicated-backup";
const UNTIL: i64 = 1_800_000_000;

fn rule_metrics(metrics: &[ReplicationMetric]) -> Query {
    Query::GetMetricData {
        rule: MeasuredRule {
            source_bucket: BUCKET.to_owned(),
            destination_bucket: "acme-backup".to_owned(),
            rule_id: RULE.to_owned(),
        },
        metrics: metrics.to_vec(),
        from: UNTIL - 3600,
        until: UNTIL,
    }
}

fn watching(server: &CloudWatch) -> AwsCloud {
    let endpoints = Endpoints {
        cloudwatch: Some(server.url()),
        ..Endpoints::default()
    };
    AwsCloud::new(CloudConfig {
        endpoints,
        use_fips_endpoint: Some(true),
        user_agent: Some("our-words/1".to_owned()),
        ..config("")
    })
    .unwrap()
}

/// What is asked of one metric.
fn asked(id: &str, name: &str, statistic: &str) -> Json {
    json!({
        "Id": id,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/S3",
                "MetricName": name,
                "Dimensions": [
                    { "Name": "SourceBucket", "Value": BUCKET },
                    { "Name": "DestinationBucket", "Value": "acme-backup" },
                    { "Name": "RuleId", "Value": RULE },
                ],
            },
            "Period": 60,
            "Stat": statistic,
        },
    })
}

#[tokio::test]
async fn metrics_of_a_rule_are_asked_for_by_its_dimensions_and_read_from_every_page() {
    let server = CloudWatch::start().await.unwrap();
    let far = "us-west-2";
    let waiting = "OperationsPendingReplication";
    server.measure(far, waiting, RULE, &[(120, 3.0), (60, 0.0), (7200, 9.0)]);
    server.measure(far, "ReplicationLatency", RULE, &[(60, 41.6)]);
    // Neither of another region nor of another rule.
    server.measure("eu-west-1", "BytesPendingReplication", RULE, &[(60, 1.0)]);
    server.measure(far, "BytesPendingReplication", "other", &[(60, 1.0)]);
    let query = rule_metrics(&ReplicationMetric::AT_THE_DESTINATION);
    let answer = watching(&server).query(&at(far), &query).await;
    let point = |ago: i64, value| DataPoint {
        at: UNTIL - ago,
        value,
    };
    let expected = BTreeMap::from([
        (
            ReplicationMetric::OperationsPending,
            vec![point(60, 0), point(120, 3)],
        ),
        (ReplicationMetric::Latency, vec![point(60, 42)]),
    ]);
    assert_eq!(answer, Ok(Answer::Metrics(expected)));
    let requests = server.take_asked();
    assert_eq!(requests.len(), 3, "one metric on each page");
    for (page, request) in requests.iter().enumerate() {
        let mut body = json!({
            "MetricDataQueries": [
                asked("operations_pending", waiting, "Maximum"),
                asked("bytes_pending", "BytesPendingReplication", "Maximum"),
                asked("latency", "ReplicationLatency", "Maximum"),
            ],
            "StartTime": UNTIL - 3600,
            "EndTime": UNTIL,
            "ScanBy": "TimestampDescending",
        });
        if page > 0 {
            body["NextToken"] = json!(page.to_string());
        }
        assert_eq!(request.body, body);
        let scope = request.scope.as_ref().unwrap();
        assert_eq!(scope.region, far);
        assert_eq!(scope.service, "monitoring");
        assert!(request.user_agent.ends_with("our-words/1"), "{request:?}");
    }
}

#[tokio::test]
async fn failures_are_summed_by_cloud_watch_for_each_minute() {
    let server = CloudWatch::start().await.unwrap();
    let name = "OperationsFailedReplication";
    server.measure("eu-west-1", name, RULE, &[(60, 2.0)]);
    let query = rule_metrics(&ReplicationMetric::AT_THE_SOURCE);
    let answer = watching(&server).query(&at("eu-west-1"), &query).await;
    let Ok(Answer::Metrics(found)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(found[&ReplicationMetric::OperationsFailed][0].value, 2);
    let request = server.take_asked().remove(0);
    let queries = &request.body["MetricDataQueries"];
    assert_eq!(*queries, json!([asked("operations_failed", name, "Sum")]));
}

#[tokio::test]
async fn what_cloud_watch_refuses_as_a_whole_or_for_one_metric_is_an_error_of_its_kind() {
    let query = rule_metrics(&ReplicationMetric::AT_THE_SOURCE);
    for (code, kind) in [
        ("AccessDeniedException", CallErrorKind::AccessDenied),
        ("AccessDenied", CallErrorKind::AccessDenied),
        ("InvalidNextToken", CallErrorKind::Invalid),
    ] {
        let server = CloudWatch::start().await.unwrap();
        server.refuse(code);
        let answer = watching(&server).query(&at("eu-west-1"), &query).await;
        let error = answer.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert_eq!(error.code.as_deref(), Some(code), "{error}");
        assert_eq!(error.call, "cloudwatch:GetMetricData");
        assert_eq!(error.subject, BUCKET);
    }
    for (status, kind) in [
        ("Forbidden", CallErrorKind::AccessDenied),
        ("InternalError", CallErrorKind::Transport),
    ] {
        let server = CloudWatch::start().await.unwrap();
        server.fail_results(status);
        let answer = watching(&server).query(&at("eu-west-1"), &query).await;
        assert_eq!(answer.unwrap_err().kind, kind);
    }
}

fn head_object() -> Query {
    Query::HeadObject {
        bucket: BUCKET.to_owned(),
        key: "a b/ü?.txt".to_owned(),
    }
}

#[tokio::test]
async fn an_object_tells_its_version_and_replication_status_in_one_spelling() {
    for (said, told) in [
        ("PENDING", "PENDING"),
        ("COMPLETED", "COMPLETED"),
        ("COMPLETE", "COMPLETED"),
        ("FAILED", "FAILED"),
        ("REPLICA", "REPLICA"),
    ] {
        let server = Server::start(move |_, _| {
            let headers = vec![
                ("x-amz-version-id", "v1".to_owned()),
                ("x-amz-replication-status", said.to_owned()),
            ];
            Reply::Answer(200, headers, String::new())
        })
        .await;
        let answer = cloud(&server.url)
            .query(&at("eu-west-1"), &head_object())
            .await;
        let expected = ObjectDescription {
            version_id: Some("v1".to_owned()),
            replication_status: Some(told.to_owned()),
            ..ObjectDescription::default()
        };
        assert_eq!(answer, Ok(Answer::Object(expected)));
        let request = server.received().remove(0);
        assert_eq!(
            request.operation,
            format!("HEAD /{BUCKET}/a%20b/%C3%BC%3F.txt")
        );
        assert_eq!(request.header("x-amz-expected-bucket-owner"), ACCOUNT);
        // With it S3 would ask for the right to decrypt.
        assert_eq!(request.header("x-amz-checksum-mode"), "");
    }
}

#[tokio::test]
async fn an_object_without_rules_has_no_status_and_one_that_is_not_there_is_not_found() {
    let server = Server::start(|_, earlier| match earlier {
        0 => Reply::ok(""),
        1 => Reply::Answer(404, Vec::new(), String::new()),
        // A delete marker.
        2 => Reply::Answer(
            404,
            vec![("x-amz-delete-marker", "true".to_owned())],
            String::new(),
        ),
        _ => Reply::Answer(403, Vec::new(), String::new()),
    })
    .await;
    let cloud = cloud(&server.url);
    let ask = async || cloud.query(&at("eu-west-1"), &head_object()).await;
    let expected = ObjectDescription::default();
    assert_eq!(ask().await, Ok(Answer::Object(expected)));
    assert_eq!(ask().await.unwrap_err().kind, CallErrorKind::NotFound);
    assert_eq!(ask().await.unwrap_err().kind, CallErrorKind::NotFound);
    let refused = ask().await.unwrap_err();
    assert_eq!(refused.kind, CallErrorKind::AccessDenied);
    assert!(refused.message.contains("s3:GetObject"), "{refused}");
}
