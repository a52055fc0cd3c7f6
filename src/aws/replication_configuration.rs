//! Replication configurations, to the SDK's types and back, without loss.
//!
//! The filter decides the document's version: an empty one is kept as such, and only a rule without one is
//! V1. `ExistingObjectReplication` is not carried: AWS accepts it no longer.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    AccessControlTranslation, DeleteMarkerReplication, DeleteMarkerReplicationStatus, Destination,
    EncryptionConfiguration, Metrics, MetricsStatus, OwnerOverride, ReplicaModifications,
    ReplicaModificationsStatus, ReplicationConfiguration as SdkConfiguration,
    ReplicationRule as SdkRule, ReplicationRuleAndOperator, ReplicationRuleFilter,
    ReplicationRuleStatus, ReplicationTime, ReplicationTimeStatus, ReplicationTimeValue,
    SourceSelectionCriteria, SseKmsEncryptedObjects, SseKmsEncryptedObjectsStatus, StorageClass,
    Tag,
};

use crate::replication::operation::{
    Input, ReplicationConfiguration, ReplicationRule, RuleFilter, Tags,
};

/// Why a configuration cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsendable {
    #[error("rule {0} needs the ARN of a key that is not known yet")]
    UnknownKey(String),
    #[error(transparent)]
    Incomplete(#[from] BuildError),
}

pub(super) fn to_sdk(
    configuration: &ReplicationConfiguration,
) -> Result<SdkConfiguration, Unsendable> {
    let rules = configuration
        .rules
        .iter()
        .map(rule_to_sdk)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(SdkConfiguration::builder()
        .role(&configuration.role)
        .set_rules(Some(rules))
        .build()?)
}

pub(super) fn from_sdk(configuration: SdkConfiguration) -> ReplicationConfiguration {
    ReplicationConfiguration {
        role: configuration.role,
        rules: configuration.rules.into_iter().map(rule_from_sdk).collect(),
    }
}

/// One of the SDK's many types that are either enabled or disabled.
macro_rules! status {
    ($type:ty, $enabled:expr) => {
        if $enabled {
            <$type>::Enabled
        } else {
            <$type>::Disabled
        }
    };
}

fn rule_to_sdk(rule: &ReplicationRule) -> Result<SdkRule, Unsendable> {
    #[expect(
        deprecated,
        reason = "V1 rules of other owners must be written back as they are"
    )]
    let builder = SdkRule::builder()
        .id(&rule.id)
        .set_priority(rule.priority)
        .set_prefix(rule.v1_prefix.clone())
        .status(status!(ReplicationRuleStatus, rule.enabled))
        .set_filter(rule.filter.as_ref().map(filter_to_sdk).transpose()?)
        .set_delete_marker_replication(rule.delete_marker_replication.map(|enabled| {
            DeleteMarkerReplication::builder()
                .status(status!(DeleteMarkerReplicationStatus, enabled))
                .build()
        }))
        .set_source_selection_criteria(criteria_to_sdk(rule)?)
        .destination(destination_to_sdk(rule)?);
    Ok(builder.build()?)
}

/// A filter with one predicate names it; with more, they stand under `And`, as AWS demands. An empty prefix beside
/// tags asks for nothing, and AWS does not count it.
fn filter_to_sdk(filter: &RuleFilter) -> Result<ReplicationRuleFilter, BuildError> {
    let mut tags = filter
        .tags
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<Vec<_>, _>>()?;
    let prefix = filter.prefix.clone();
    let prefix = prefix.filter(|prefix| !prefix.is_empty() || tags.is_empty());
    let builder = ReplicationRuleFilter::builder();
    let predicates = tags.len() + usize::from(prefix.is_some());
    Ok(if predicates > 1 {
        let and = ReplicationRuleAndOperator::builder()
            .set_prefix(prefix)
            .set_tags(Some(tags))
            .build();
        builder.and(and)
    } else {
        builder.set_prefix(prefix).set_tag(tags.pop())
    }
    .build())
}

/// The element must not be there empty.
fn criteria_to_sdk(rule: &ReplicationRule) -> Result<Option<SourceSelectionCriteria>, BuildError> {
    if rule.sse_kms_encrypted_objects.is_none() && rule.replica_modifications.is_none() {
        return Ok(None);
    }
    let encrypted = rule
        .sse_kms_encrypted_objects
        .map(|enabled| {
            SseKmsEncryptedObjects::builder()
                .status(status!(SseKmsEncryptedObjectsStatus, enabled))
                .build()
        })
        .transpose()?;
    let modifications = rule
        .replica_modifications
        .map(|enabled| {
            ReplicaModifications::builder()
                .status(status!(ReplicaModificationsStatus, enabled))
                .build()
        })
        .transpose()?;
    Ok(Some(
        SourceSelectionCriteria::builder()
            .set_sse_kms_encrypted_objects(encrypted)
            .set_replica_modifications(modifications)
            .build(),
    ))
}

fn destination_to_sdk(rule: &ReplicationRule) -> Result<Destination, Unsendable> {
    let key = match &rule.replica_kms_key {
        None => None,
        Some(Input::Known(key)) => Some(key),
        Some(_) => return Err(Unsendable::UnknownKey(rule.id.clone())),
    };
    let translation = rule
        .owner_override
        .then(|| {
            AccessControlTranslation::builder()
                .owner(OwnerOverride::Destination)
                .build()
        })
        .transpose()?;
    let time = rule
        .replication_time
        .map(|(enabled, after)| {
            ReplicationTime::builder()
                .status(status!(ReplicationTimeStatus, enabled))
                .time(minutes(after))
                .build()
        })
        .transpose()?;
    let metrics = rule
        .metrics
        .map(|(enabled, threshold)| {
            Metrics::builder()
                .status(status!(MetricsStatus, enabled))
                .set_event_threshold(threshold.map(minutes))
                .build()
        })
        .transpose()?;
    Ok(Destination::builder()
        .bucket(&rule.bucket_arn)
        .set_account(rule.account.clone())
        .set_storage_class(rule.storage_class.as_deref().map(StorageClass::from))
        .set_access_control_translation(translation)
        .set_encryption_configuration(key.map(|key| {
            EncryptionConfiguration::builder()
                .replica_kms_key_id(key)
                .build()
        }))
        .set_replication_time(time)
        .set_metrics(metrics)
        .build()?)
}

fn minutes(minutes: i32) -> ReplicationTimeValue {
    ReplicationTimeValue::builder().minutes(minutes).build()
}

fn rule_from_sdk(rule: SdkRule) -> ReplicationRule {
    #[expect(deprecated, reason = "V1 rules of other owners are read as they are")]
    let v1_prefix = rule.prefix;
    let criteria = rule.source_selection_criteria;
    let encrypted = criteria
        .as_ref()
        .and_then(|c| c.sse_kms_encrypted_objects());
    let modifications = criteria.as_ref().and_then(|c| c.replica_modifications());
    let destination = rule.destination;
    let destination = destination.as_ref();
    ReplicationRule {
        id: rule.id.unwrap_or_default(),
        priority: rule.priority,
        enabled: rule.status == ReplicationRuleStatus::Enabled,
        filter: rule.filter.map(filter_from_sdk),
        v1_prefix,
        delete_marker_replication: rule
            .delete_marker_replication
            .and_then(|markers| markers.status)
            .map(|status| status == DeleteMarkerReplicationStatus::Enabled),
        sse_kms_encrypted_objects: encrypted
            .map(|objects| *objects.status() == SseKmsEncryptedObjectsStatus::Enabled),
        replica_modifications: modifications
            .map(|replicas| *replicas.status() == ReplicaModificationsStatus::Enabled),
        bucket_arn: destination
            .map(|d| d.bucket().to_owned())
            .unwrap_or_default(),
        account: destination.and_then(|d| d.account()).map(str::to_owned),
        storage_class: destination
            .and_then(|d| d.storage_class())
            .map(|class| class.as_str().to_owned()),
        owner_override: destination.is_some_and(|d| d.access_control_translation().is_some()),
        replica_kms_key: destination
            .and_then(|d| d.encryption_configuration())
            .and_then(|encryption| encryption.replica_kms_key_id())
            .map(|key| Input::Known(key.to_owned())),
        replication_time: destination.and_then(|d| d.replication_time()).map(|time| {
            (
                *time.status() == ReplicationTimeStatus::Enabled,
                time.time().and_then(|t| t.minutes()).unwrap_or_default(),
            )
        }),
        metrics: destination.and_then(|d| d.metrics()).map(|metrics| {
            (
                *metrics.status() == MetricsStatus::Enabled,
                metrics.event_threshold().and_then(|t| t.minutes()),
            )
        }),
    }
}

fn filter_from_sdk(filter: ReplicationRuleFilter) -> RuleFilter {
    let mut prefix = filter.prefix;
    let mut tags: Tags = filter
        .tag
        .into_iter()
        .map(|tag| (tag.key, tag.value))
        .collect();
    if let Some(and) = filter.and {
        prefix = prefix.or(and.prefix);
        let more = and.tags.unwrap_or_default();
        tags.extend(more.into_iter().map(|tag| (tag.key, tag.value)));
    }
    RuleFilter { prefix, tags }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::component::{ComponentId, Part, Side};

    fn rule() -> ReplicationRule {
        ReplicationRule {
            id: "backup-default".to_owned(),
            priority: Some(3),
            enabled: true,
            filter: Some(RuleFilter::default()),
            v1_prefix: None,
            delete_marker_replication: Some(false),
            sse_kms_encrypted_objects: None,
            replica_modifications: None,
            bucket_arn: "arn:aws:s3:::acme-archive-backup".to_owned(),
            account: Some("222222222222".to_owned()),
            storage_class: None,
            owner_override: false,
            replica_kms_key: None,
            replication_time: None,
            metrics: None,
        }
    }

    fn full_rule() -> ReplicationRule {
        ReplicationRule {
            filter: Some(RuleFilter {
                prefix: Some("logs/".to_owned()),
                tags: Tags::from([
                    ("a".to_owned(), "1".to_owned()),
                    ("b".to_owned(), String::new()),
                ]),
            }),
            enabled: false,
            delete_marker_replication: Some(true),
            sse_kms_encrypted_objects: Some(true),
            replica_modifications: Some(false),
            storage_class: Some("GLACIER_IR".to_owned()),
            owner_override: true,
            replica_kms_key: Some(Input::Known("arn:aws:kms:eu-west-1:2:key/1".to_owned())),
            replication_time: Some((true, 15)),
            metrics: Some((true, Some(15))),
            ..rule()
        }
    }

    fn there_and_back(rule: &ReplicationRule) -> ReplicationRule {
        rule_from_sdk(rule_to_sdk(rule).unwrap())
    }

    #[test]
    fn every_field_of_a_rule_survives_the_way_there_and_back() {
        assert_eq!(there_and_back(&rule()), rule());
        assert_eq!(there_and_back(&full_rule()), full_rule());
    }

    #[test]
    fn each_shape_of_filter_survives() {
        let tag = |key: &str| (key.to_owned(), "v".to_owned());
        for (prefix, tags) in [
            (None, Tags::new()),
            (Some(""), Tags::new()),
            (Some("p/"), Tags::new()),
            (None, Tags::from([tag("a")])),
            (None, Tags::from([tag("a"), tag("b")])),
            (Some("p/"), Tags::from([tag("a")])),
        ] {
            let filter = RuleFilter {
                prefix: prefix.map(str::to_owned),
                tags,
            };
            let rule = ReplicationRule {
                filter: Some(filter),
                ..rule()
            };
            assert_eq!(there_and_back(&rule), rule);
        }
    }

    #[test]
    fn an_empty_prefix_beside_a_tag_is_no_predicate() {
        let filter = RuleFilter {
            prefix: Some(String::new()),
            tags: Tags::from([("a".to_owned(), "v".to_owned())]),
        };
        let sent = filter_to_sdk(&filter).unwrap();
        assert_eq!(sent.and, None);
        assert_eq!(sent.prefix, None);
        assert_eq!(sent.tag.unwrap().key, "a");
    }

    #[test]
    fn an_empty_filter_stays_there_and_empty() {
        let sent = rule_to_sdk(&rule()).unwrap();
        assert_eq!(
            sent.filter,
            Some(ReplicationRuleFilter::builder().build()),
            "without a filter AWS reads the whole document as V1"
        );
    }

    #[test]
    fn a_v1_rule_stays_v1() {
        let rule = ReplicationRule {
            priority: None,
            filter: None,
            v1_prefix: Some("old/".to_owned()),
            delete_marker_replication: None,
            ..rule()
        };
        assert_eq!(there_and_back(&rule), rule);
    }

    #[test]
    fn source_selection_criteria_are_left_out_rather_than_sent_empty() {
        assert_eq!(
            rule_to_sdk(&rule()).unwrap().source_selection_criteria,
            None
        );
    }

    #[test]
    fn a_rule_whose_key_is_not_known_is_not_sent() {
        let configuration = ReplicationConfiguration {
            role: "arn:aws:iam::111111111111:role/r".to_owned(),
            rules: vec![ReplicationRule {
                replica_kms_key: Some(Input::OutputOf(ComponentId::Of(Side::Source, Part::Key))),
                ..rule()
            }],
        };
        let error = to_sdk(&configuration).unwrap_err();
        assert!(error.to_string().contains("backup-default"), "{error}");
    }
}
