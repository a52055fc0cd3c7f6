//! S3's calls about lifecycle rules, and the way from the SDK's rules to ours.
//!
//! AWS answers with defaults written out (`ExpiredObjectDeleteMarker` as `false`, an empty prefix, dates as moments);
//! they end here, so that above only meanings are compared.

use std::collections::BTreeMap;

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus,
    LifecycleExpiration, LifecycleRule as SdkRule, LifecycleRuleAndOperator, LifecycleRuleFilter,
    NoncurrentVersionExpiration, NoncurrentVersionTransition, Tag, Transition,
    TransitionDefaultMinimumObjectSize, TransitionStorageClass,
};
use aws_smithy_types::DateTime;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use super::call::At;
use crate::execution::cloud::CallError;
use crate::replication::operation::{
    Answer, Expiration, LifecycleConfiguration, LifecycleRule, LifecycleScope, Moment, Noncurrent,
    Output,
};

pub(super) async fn get_bucket_lifecycle_configuration(
    at: &At<'_>,
    bucket: &str,
) -> Result<Answer, CallError> {
    let request = at
        .clients
        .s3
        .get_bucket_lifecycle_configuration()
        .bucket(bucket);
    let output = at
        .read("s3:GetBucketLifecycleConfiguration", bucket)
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    let rules = output.rules.unwrap_or_default().into_iter();
    Ok(Answer::Lifecycle(LifecycleConfiguration {
        rules: rules.map(from_sdk).collect(),
        transition_default_minimum_object_size: output
            .transition_default_minimum_object_size
            .map(|size| size.as_str().to_owned()),
    }))
}

pub(super) async fn put_bucket_lifecycle_configuration(
    at: &At<'_>,
    bucket: &str,
    lifecycle: &LifecycleConfiguration,
) -> Result<Output, CallError> {
    let call = at.write("s3:PutBucketLifecycleConfiguration", bucket);
    let rules = lifecycle
        .rules
        .iter()
        .map(|(id, rule)| to_sdk(id, rule))
        .collect::<Result<Vec<_>, _>>()
        .and_then(|rules| {
            Ok(BucketLifecycleConfiguration::builder()
                .set_rules(Some(rules))
                .build()?)
        })
        .map_err(|error| call.invalid(error.to_string()))?;
    let request = at
        .clients
        .s3
        .put_bucket_lifecycle_configuration()
        .bucket(bucket);
    call.run(
        request
            .expected_bucket_owner(at.account())
            .transition_default_minimum_object_size(TransitionDefaultMinimumObjectSize::from(
                lifecycle.transition_minimum(),
            ))
            .lifecycle_configuration(rules)
            .send(),
    )
    .await?;
    Ok(Output::Done)
}

pub(super) async fn delete_bucket_lifecycle(
    at: &At<'_>,
    bucket: &str,
) -> Result<Output, CallError> {
    let request = at.clients.s3.delete_bucket_lifecycle().bucket(bucket);
    at.write("s3:DeleteBucketLifecycle", bucket)
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    Ok(Output::Done)
}

/// Why a rule cannot be sent.
#[derive(Debug, thiserror::Error)]
enum Unsendable {
    #[error("{0}")]
    Build(#[from] BuildError),
    #[error("{0:?} is not a date like 2030-01-31")]
    Date(String),
}

fn to_sdk(id: &str, rule: &LifecycleRule) -> Result<SdkRule, Unsendable> {
    let transitions = rule
        .transitions
        .iter()
        .map(|(class, moment)| {
            let (days, date) = days_or_date(moment)?;
            Ok(Transition::builder()
                .storage_class(TransitionStorageClass::from(class.as_str()))
                .set_days(days)
                .set_date(date)
                .build())
        })
        .collect::<Result<Vec<_>, Unsendable>>()?;
    let noncurrent_transitions = rule.noncurrent_version_transitions.iter();
    let noncurrent_transitions: Vec<_> = noncurrent_transitions
        .map(|(class, when)| {
            NoncurrentVersionTransition::builder()
                .storage_class(TransitionStorageClass::from(class.as_str()))
                .noncurrent_days(when.days)
                .set_newer_noncurrent_versions(when.newer_versions)
                .build()
        })
        .collect();
    let expiration = match &rule.expiration {
        None => None,
        Some(Expiration::ExpiredObjectDeleteMarker) => Some(
            LifecycleExpiration::builder()
                .expired_object_delete_marker(true)
                .build(),
        ),
        Some(Expiration::At(moment)) => {
            let (days, date) = days_or_date(moment)?;
            let expiration = LifecycleExpiration::builder();
            Some(expiration.set_days(days).set_date(date).build())
        }
    };
    let noncurrent_expiration = rule.noncurrent_version_expiration.as_ref().map(|when| {
        NoncurrentVersionExpiration::builder()
            .noncurrent_days(when.days)
            .set_newer_noncurrent_versions(when.newer_versions)
            .build()
    });
    let uploads = rule.abort_incomplete_multipart_upload_days.map(|days| {
        AbortIncompleteMultipartUpload::builder()
            .days_after_initiation(days)
            .build()
    });
    Ok(SdkRule::builder()
        .id(id)
        .status(if rule.enabled {
            ExpirationStatus::Enabled
        } else {
            ExpirationStatus::Disabled
        })
        .filter(filter(&rule.scope)?)
        .set_expiration(expiration)
        .set_noncurrent_version_expiration(noncurrent_expiration)
        .set_transitions((!transitions.is_empty()).then_some(transitions))
        .set_noncurrent_version_transitions(
            (!noncurrent_transitions.is_empty()).then_some(noncurrent_transitions),
        )
        .set_abort_incomplete_multipart_upload(uploads)
        .build()?)
}

/// S3 takes exactly one predicate, or several inside `And`; the whole bucket is an empty prefix.
fn filter(scope: &LifecycleScope) -> Result<LifecycleRuleFilter, BuildError> {
    let mut tags = scope
        .tags
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<Vec<_>, _>>()?;
    let predicates = tags.len()
        + usize::from(scope.prefix.is_some())
        + usize::from(scope.object_size_greater_than.is_some())
        + usize::from(scope.object_size_less_than.is_some());
    let filter = LifecycleRuleFilter::builder();
    if predicates > 1 {
        let all = LifecycleRuleAndOperator::builder()
            .set_prefix(scope.prefix.clone())
            .set_tags((!tags.is_empty()).then_some(tags))
            .set_object_size_greater_than(scope.object_size_greater_than)
            .set_object_size_less_than(scope.object_size_less_than)
            .build();
        return Ok(filter.and(all).build());
    }
    let whole_bucket = (predicates == 0).then(String::new);
    Ok(filter
        .set_prefix(scope.prefix.clone().or(whole_bucket))
        .set_tag(tags.pop())
        .set_object_size_greater_than(scope.object_size_greater_than)
        .set_object_size_less_than(scope.object_size_less_than)
        .build())
}

fn days_or_date(moment: &Moment) -> Result<(Option<i32>, Option<DateTime>), Unsendable> {
    match moment {
        Moment::Days(days) => Ok((Some(*days), None)),
        Moment::Date(text) => {
            let date = Date::parse(text, format_description!("[year]-[month]-[day]"))
                .map_err(|_| Unsendable::Date(text.clone()))?;
            let midnight = date.midnight().assume_utc().unix_timestamp();
            Ok((None, Some(DateTime::from_secs(midnight))))
        }
    }
}

fn from_sdk(rule: SdkRule) -> (String, LifecycleRule) {
    #[expect(
        deprecated,
        reason = "rules of old have their prefix there, and AWS still answers with it"
    )]
    let old_prefix = rule.prefix;
    let expiration =
        rule.expiration.and_then(
            |expiration| match moment(expiration.days, expiration.date) {
                Some(moment) => Some(Expiration::At(moment)),
                None => expiration
                    .expired_object_delete_marker
                    .filter(|on| *on)
                    .map(|_| Expiration::ExpiredObjectDeleteMarker),
            },
        );
    let class = |class: Option<TransitionStorageClass>| {
        class.map_or_else(String::new, |class| class.as_str().to_owned())
    };
    let transitions: BTreeMap<String, Moment> = rule
        .transitions
        .unwrap_or_default()
        .into_iter()
        // AWS leaves out zero days.
        .map(|to| {
            let moment = moment(to.days, to.date).unwrap_or(Moment::Days(0));
            (class(to.storage_class), moment)
        })
        .collect();
    let noncurrent = |days: Option<i32>, newer_versions| Noncurrent {
        days: days.unwrap_or(0),
        newer_versions,
    };
    let noncurrent_version_transitions = rule
        .noncurrent_version_transitions
        .unwrap_or_default()
        .into_iter()
        .map(|to| {
            let when = noncurrent(to.noncurrent_days, to.newer_noncurrent_versions);
            (class(to.storage_class), when)
        })
        .collect();
    let ours = LifecycleRule {
        enabled: rule.status == ExpirationStatus::Enabled,
        scope: scope(rule.filter, old_prefix),
        expiration,
        noncurrent_version_expiration: rule
            .noncurrent_version_expiration
            .map(|e| noncurrent(e.noncurrent_days, e.newer_noncurrent_versions)),
        transitions,
        noncurrent_version_transitions,
        abort_incomplete_multipart_upload_days: rule
            .abort_incomplete_multipart_upload
            .and_then(|uploads| uploads.days_after_initiation),
    };
    (rule.id.unwrap_or_default(), ours)
}

fn scope(filter: Option<LifecycleRuleFilter>, old_prefix: Option<String>) -> LifecycleScope {
    let filter = filter.unwrap_or_else(|| LifecycleRuleFilter::builder().build());
    let all = filter
        .and
        .unwrap_or_else(|| LifecycleRuleAndOperator::builder().build());
    let tags = all.tags.unwrap_or_default().into_iter().chain(filter.tag);
    LifecycleScope {
        prefix: filter
            .prefix
            .or(all.prefix)
            .or(old_prefix)
            .filter(|prefix| !prefix.is_empty()),
        tags: tags.map(|tag| (tag.key, tag.value)).collect(),
        object_size_greater_than: filter
            .object_size_greater_than
            .or(all.object_size_greater_than),
        object_size_less_than: filter.object_size_less_than.or(all.object_size_less_than),
    }
}

fn moment(days: Option<i32>, date: Option<DateTime>) -> Option<Moment> {
    let date = date.and_then(|date| {
        let date = OffsetDateTime::from_unix_timestamp(date.secs()).ok()?;
        date.format(format_description!("[year]-[month]-[day]"))
            .ok()
    });
    date.map(Moment::Date).or(days.map(Moment::Days))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(rule: &LifecycleRule) -> (String, LifecycleRule) {
        from_sdk(to_sdk("old", rule).unwrap())
    }

    #[test]
    fn every_rule_survives_the_way_there_and_back() {
        let noncurrent = |days, newer_versions| Noncurrent {
            days,
            newer_versions,
        };
        let full = LifecycleRule {
            enabled: true,
            scope: LifecycleScope {
                prefix: Some("logs/".to_owned()),
                tags: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
                object_size_greater_than: Some(0),
                object_size_less_than: Some(1_000_000),
            },
            expiration: Some(Expiration::At(Moment::Days(365))),
            noncurrent_version_expiration: Some(noncurrent(21, Some(3))),
            transitions: BTreeMap::from([
                ("GLACIER".to_owned(), Moment::Days(0)),
                ("DEEP_ARCHIVE".to_owned(), Moment::Days(180)),
            ]),
            noncurrent_version_transitions: BTreeMap::from([(
                "STANDARD_IA".to_owned(),
                noncurrent(30, None),
            )]),
            abort_incomplete_multipart_upload_days: Some(7),
        };
        let dated = LifecycleRule {
            expiration: Some(Expiration::At(Moment::Date("2030-01-31".to_owned()))),
            transitions: BTreeMap::new(),
            ..full.clone()
        };
        let markers = LifecycleRule {
            expiration: Some(Expiration::ExpiredObjectDeleteMarker),
            ..LifecycleRule::default()
        };
        for rule in [full, dated, markers] {
            assert_eq!(there_and_back(&rule), ("old".to_owned(), rule));
        }
    }

    #[test]
    fn one_predicate_stands_alone_and_several_together() {
        let of = |scope: &LifecycleScope| filter(scope).unwrap();
        let whole_bucket = of(&LifecycleScope::default());
        assert_eq!(whole_bucket.prefix.as_deref(), Some(""));
        let mut scope = LifecycleScope {
            tags: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            ..LifecycleScope::default()
        };
        let one = of(&scope);
        assert!(one.tag.is_some() && one.and.is_none() && one.prefix.is_none());
        scope.object_size_less_than = Some(5);
        let two = of(&scope);
        assert!(two.tag.is_none() && two.object_size_less_than.is_none());
        assert_eq!(two.and.unwrap().object_size_less_than, Some(5));
    }

    #[test]
    fn what_aws_writes_out_means_nothing() {
        let mut rule = to_sdk("old", &LifecycleRule::default()).unwrap();
        rule.expiration = Some(
            LifecycleExpiration::builder()
                .expired_object_delete_marker(false)
                .build(),
        );
        assert_eq!(from_sdk(rule).1, LifecycleRule::default());
    }

    #[test]
    fn a_date_that_is_none_is_refused() {
        let rule = LifecycleRule {
            expiration: Some(Expiration::At(Moment::Date("tomorrow".to_owned()))),
            ..LifecycleRule::default()
        };
        assert!(to_sdk("old", &rule).is_err());
    }
}
