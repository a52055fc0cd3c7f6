//! Whom a bucket tells of its objects.

use aws_sdk_s3::types::{Event, FilterRuleName, NotificationConfigurationFilter};

use super::call::At;
use crate::execution::cloud::CallError;
use crate::replication::operation::{Answer, Notification};

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
    let event_bridge = output.event_bridge_configuration.map(|_| Notification {
        target: EVENT_BRIDGE.to_owned(),
        ..Notification::default()
    });
    Ok(Answer::Notifications(
        topics
            .map(|told| notification(told.topic_arn, &told.events, told.filter))
            .chain(queues.map(|told| notification(told.queue_arn, &told.events, told.filter)))
            .chain(
                functions
                    .map(|told| notification(told.lambda_function_arn, &told.events, told.filter)),
            )
            .chain(event_bridge)
            .collect(),
    ))
}

/// It has no ARN in the configuration: it is told of everything.
const EVENT_BRIDGE: &str = "Amazon EventBridge";

fn notification(
    target: String,
    events: &[Event],
    filter: Option<NotificationConfigurationFilter>,
) -> Notification {
    let mut told = Notification {
        target,
        events: events.iter().map(|e| e.as_str().to_owned()).collect(),
        ..Notification::default()
    };
    let key = filter.and_then(|filter| filter.key);
    for rule in key.and_then(|key| key.filter_rules).unwrap_or_default() {
        let value = rule.value.unwrap_or_default();
        // S3 takes them as its model has them, and answers with a capital letter.
        let name = rule.name.as_ref().map(FilterRuleName::as_str);
        match name.map(str::to_ascii_lowercase).as_deref() {
            Some("prefix") => told.prefix = value,
            Some("suffix") => told.suffix = value,
            _ => {}
        }
    }
    told
}
