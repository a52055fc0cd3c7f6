//! Whom a bucket tells of its objects.

use super::call::At;
use crate::execution::cloud::CallError;
use crate::replication::operation::Answer;

pub(super) async fn get_bucket_notification_configuration(
    at: &At<'_>,
    bucket: &str,
) -> Result<Answer, CallError> {
    let request = at
        .clients
        .s3
        .get_bucket_notification_configuration()
        .bucket(bucket);
    let output = at
        .read("s3:GetBucketNotificationConfiguration", bucket)
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    let topics = output.topic_configurations.unwrap_or_default().into_iter();
    let queues = output.queue_configurations.unwrap_or_default().into_iter();
    let functions = output.lambda_function_configurations.unwrap_or_default();
    let functions = functions.into_iter();
    let event_bridge = output.event_bridge_configuration.map(|_| EVENT_BRIDGE);
    Ok(Answer::Names(
        topics
            .map(|topic| topic.topic_arn)
            .chain(queues.map(|queue| queue.queue_arn))
            .chain(functions.map(|function| function.lambda_function_arn))
            .chain(event_bridge.map(str::to_owned))
            .collect(),
    ))
}

/// It has no ARN in the configuration: it is told of everything.
const EVENT_BRIDGE: &str = "Amazon EventBridge";
