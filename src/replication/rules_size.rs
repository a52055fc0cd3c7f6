//! How long a replication configuration is, as S3 counts: in bytes of its XML.

use super::operation::{Input, ReplicationConfiguration, ReplicationRule, RuleFilter};

/// The longest document that S3 takes.
pub const LONGEST: usize = 2 * 1024 * 1024;

/// The bytes of a configuration's XML. A key that is still to be made counts as nothing.
pub fn size(configuration: &ReplicationConfiguration) -> usize {
    let role = text("Role", &configuration.role);
    let rules: usize = configuration.rules.iter().map(rule).sum();
    element("ReplicationConfiguration", NAMESPACE.len() + role + rules)
}

const NAMESPACE: &str = " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

fn rule(rule: &ReplicationRule) -> usize {
    let priority = rule.priority.map(|priority| priority.to_string());
    let criteria = optional(rule.sse_kms_encrypted_objects, |on| {
        element("SseKmsEncryptedObjects", status(on))
    }) + optional(rule.replica_modifications, |on| {
        element("ReplicaModifications", status(on))
    });
    element(
        "Rule",
        text("ID", &rule.id)
            + optional(priority, |priority| text("Priority", &priority))
            + optional(rule.v1_prefix.as_deref(), |prefix| text("Prefix", prefix))
            + optional(rule.filter.as_ref(), filter)
            + status(rule.enabled)
            + element("SourceSelectionCriteria", criteria)
            + optional(rule.delete_marker_replication, |on| {
                element("DeleteMarkerReplication", status(on))
            })
            + destination(rule),
    )
}

fn filter(filter: &RuleFilter) -> usize {
    let tags = filter.tags.iter();
    let tags = tags.map(|(key, value)| element("Tag", text("Key", key) + text("Value", value)));
    let prefix = optional(filter.prefix.as_deref(), |prefix| text("Prefix", prefix));
    element("Filter", element("And", prefix + tags.sum::<usize>()))
}

fn destination(rule: &ReplicationRule) -> usize {
    let key = rule.replica_kms_key.as_ref().and_then(Input::known);
    element(
        "Destination",
        text("Bucket", &rule.bucket_arn)
            + optional(rule.account.as_deref(), |account| text("Account", account))
            + optional(rule.storage_class.as_deref(), |class| {
                text("StorageClass", class)
            })
            + optional(rule.owner_override.then_some("Destination"), |owner| {
                element("AccessControlTranslation", text("Owner", owner))
            })
            + optional(key, |key| {
                element("EncryptionConfiguration", text("ReplicaKmsKeyID", key))
            })
            + optional(rule.replication_time, |(on, minutes)| {
                element("ReplicationTime", status(on) + time("Time", minutes))
            })
            + optional(rule.metrics, |(on, threshold)| {
                let threshold = optional(threshold, |minutes| time("EventThreshold", minutes));
                element("Metrics", status(on) + threshold)
            }),
    )
}

fn status(on: bool) -> usize {
    text("Status", if on { "Enabled" } else { "Disabled" })
}

fn time(name: &str, minutes: i32) -> usize {
    element(name, text("Minutes", &minutes.to_string()))
}

fn text(name: &str, text: &str) -> usize {
    let escaped = text.chars().map(|c| match c {
        '&' => "&amp;".len(),
        '<' | '>' => "&lt;".len(),
        '"' | '\'' => "&quot;".len(),
        c => c.len_utf8(),
    });
    element(name, escaped.sum())
}

/// `<name>` and `</name>` around so many bytes.
fn element(name: &str, inner: usize) -> usize {
    2 * name.len() + "<></>".len() + inner
}

fn optional<T>(value: Option<T>, size: impl FnOnce(T) -> usize) -> usize {
    value.map_or(0, size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::operation::Tags;

    #[test]
    fn a_document_is_as_long_as_its_xml() {
        let xml = concat!(
            "<ReplicationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
            "<Role>arn:aws:iam::111111111111:role/r</Role>",
            "<Rule><ID>all</ID><Priority>12</Priority>",
            "<Filter><And><Prefix>a&amp;b/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter>",
            "<Status>Enabled</Status>",
            "<SourceSelectionCriteria><SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects></SourceSelectionCriteria>",
            "<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>",
            "<Destination><Bucket>arn:aws:s3:::b</Bucket><Account>222222222222</Account>",
            "<StorageClass>GLACIER</StorageClass>",
            "<AccessControlTranslation><Owner>Destination</Owner></AccessControlTranslation>",
            "<EncryptionConfiguration><ReplicaKmsKeyID>arn</ReplicaKmsKeyID></EncryptionConfiguration>",
            "<ReplicationTime><Status>Enabled</Status><Time><Minutes>15</Minutes></Time></ReplicationTime>",
            "<Metrics><Status>Enabled</Status><EventThreshold><Minutes>15</Minutes></EventThreshold></Metrics>",
            "</Destination></Rule></ReplicationConfiguration>",
        );
        let configuration = ReplicationConfiguration {
            role: "arn:aws:iam::111111111111:role/r".to_owned(),
            rules: vec![ReplicationRule {
                id: "all".to_owned(),
                priority: Some(12),
                enabled: true,
                filter: Some(RuleFilter {
                    prefix: Some("a&b/".to_owned()),
                    tags: Tags::from([("k".to_owned(), "v".to_owned())]),
                }),
                v1_prefix: None,
                delete_marker_replication: Some(false),
                sse_kms_encrypted_objects: Some(true),
                replica_modifications: None,
                bucket_arn: "arn:aws:s3:::b".to_owned(),
                account: Some("222222222222".to_owned()),
                storage_class: Some("GLACIER".to_owned()),
                owner_override: true,
                replica_kms_key: Some(Input::Known("arn".to_owned())),
                replication_time: Some((true, 15)),
                metrics: Some((true, Some(15))),
            }],
        };
        assert_eq!(size(&configuration), xml.len());
    }
}
