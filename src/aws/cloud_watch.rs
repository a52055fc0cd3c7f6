//! CloudWatch's calls, each a function named as the API operation.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode,
};
use aws_smithy_types::DateTime;

use super::call::{At, Call};
use crate::execution::cloud::{CallError, CallErrorKind};
use crate::replication::operation::{Answer, DataPoint, MeasuredRule, ReplicationMetric};

/// S3 measures minute by minute.
const PERIOD: i32 = 60;

pub(super) async fn get_metric_data(
    at: &At<'_>,
    rule: &MeasuredRule,
    metrics: &[ReplicationMetric],
    from: i64,
    until: i64,
) -> Result<Answer, CallError> {
    let call = at.read("cloudwatch:GetMetricData", &rule.source_bucket);
    let queries: Vec<_> = metrics.iter().map(|metric| query(rule, *metric)).collect();
    let mut found: BTreeMap<ReplicationMetric, Vec<DataPoint>> = BTreeMap::new();
    let mut token = None;
    loop {
        let request = at.clients.cloudwatch.get_metric_data();
        let request = request
            .set_metric_data_queries(Some(queries.clone()))
            .start_time(DateTime::from_secs(from))
            .end_time(DateTime::from_secs(until))
            .scan_by(ScanBy::TimestampDescending)
            .set_next_token(token);
        let page = call.run(request.send()).await?;
        for result in page.metric_data_results.unwrap_or_default() {
            check(&call, &result)?;
            let mut asked = metrics.iter();
            let metric = asked.find(|metric| result.id.as_deref() == Some(id(**metric)));
            let metric = metric.ok_or_else(|| call.incomplete("which metric it is about"))?;
            found.entry(*metric).or_default().extend(points(result));
        }
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            found.retain(|_, points| !points.is_empty());
            return Ok(Answer::Metrics(found));
        }
    }
}

/// What tells the answers of one call apart; CloudWatch wants it to begin with a small letter.
fn id(metric: ReplicationMetric) -> &'static str {
    match metric {
        ReplicationMetric::OperationsPending => "operations_pending",
        ReplicationMetric::BytesPending => "bytes_pending",
        ReplicationMetric::Latency => "latency",
        ReplicationMetric::OperationsFailed => "operations_failed",
    }
}

fn query(rule: &MeasuredRule, metric: ReplicationMetric) -> MetricDataQuery {
    let dimensions = [
        ("SourceBucket", &rule.source_bucket),
        ("DestinationBucket", &rule.destination_bucket),
        ("RuleId", &rule.rule_id),
    ];
    let dimensions =
        dimensions.map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let named = Metric::builder()
        .namespace("AWS/S3")
        .metric_name(metric.name())
        .set_dimensions(Some(dimensions.into()));
    let statistic = MetricStat::builder()
        .metric(named.build())
        .period(PERIOD)
        .stat(metric.statistic());
    MetricDataQuery::builder()
        .id(id(metric))
        .metric_stat(statistic.build())
        .build()
}

/// A call that succeeds may still have failed for one metric.
fn check(call: &Call<'_>, result: &MetricDataResult) -> Result<(), CallError> {
    let kind = match &result.status_code {
        Some(StatusCode::Forbidden) => CallErrorKind::AccessDenied,
        Some(StatusCode::InternalError) => CallErrorKind::Transport,
        _ => return Ok(()),
    };
    let messages = result.messages.iter().flatten();
    let said: Vec<&str> = messages.filter_map(|message| message.value()).collect();
    let message = if said.is_empty() {
        "CloudWatch does not tell this metric".to_owned()
    } else {
        said.join("; ")
    };
    Err(call.error(kind, message))
}

fn points(result: MetricDataResult) -> impl Iterator<Item = DataPoint> {
    let times = result.timestamps.unwrap_or_default().into_iter();
    let values = result.values.unwrap_or_default();
    times.zip(values).map(|(at, value)| DataPoint {
        at: at.secs(),
        value: value.round() as i64,
    })
}
