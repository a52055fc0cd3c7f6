//! S3's calls about Object Lock.

use aws_sdk_s3::types::{
    DefaultRetention as SdkDefault, ObjectLockConfiguration, ObjectLockEnabled,
    ObjectLockRetentionMode, ObjectLockRule,
};
use aws_smithy_types::date_time::Format;

use super::call::At;
use crate::execution::cloud::CallError;
use crate::replication::operation::{
    Answer, DefaultRetention, ObjectLock, ObjectVersion, Output, Retention, RetentionPeriod,
};

pub(super) async fn get_object_lock_configuration(
    at: &At<'_>,
    bucket: &str,
) -> Result<Answer, CallError> {
    let call = at.read("s3:GetObjectLockConfiguration", bucket);
    let request = at.clients.s3.get_object_lock_configuration().bucket(bucket);
    let output = call
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    let configuration = output
        .object_lock_configuration
        .ok_or_else(|| call.incomplete("the configuration"))?;
    Ok(Answer::ObjectLock(from_sdk(configuration)))
}

pub(super) async fn put_object_lock_configuration(
    at: &At<'_>,
    bucket: &str,
    object_lock: &ObjectLock,
) -> Result<Output, CallError> {
    let request = at.clients.s3.put_object_lock_configuration().bucket(bucket);
    at.write("s3:PutObjectLockConfiguration", bucket)
        .run(
            request
                .expected_bucket_owner(at.account())
                .object_lock_configuration(to_sdk(object_lock))
                .send(),
        )
        .await?;
    Ok(Output::Done)
}

pub(super) async fn get_object_retention(
    at: &At<'_>,
    bucket: &str,
    version: &ObjectVersion,
) -> Result<Answer, CallError> {
    let call = at.read("s3:GetObjectRetention", bucket);
    let request = at.clients.s3.get_object_retention().bucket(bucket);
    let output = call
        .run(
            request
                .expected_bucket_owner(at.account())
                .key(&version.key)
                .version_id(&version.version_id)
                .send(),
        )
        .await?;
    let retention = output
        .retention
        .ok_or_else(|| call.incomplete("the retention"))?;
    let until = retention
        .retain_until_date
        .and_then(|until| until.fmt(Format::DateTime).ok())
        .ok_or_else(|| call.incomplete("the end of the retention"))?;
    Ok(Answer::Retention(Retention {
        mode: retention
            .mode
            .map(|mode| mode.as_str().to_owned())
            .unwrap_or_default(),
        until,
    }))
}

pub(super) async fn get_object_legal_hold(
    at: &At<'_>,
    bucket: &str,
    version: &ObjectVersion,
) -> Result<Answer, CallError> {
    let request = at.clients.s3.get_object_legal_hold().bucket(bucket);
    let output = at
        .read("s3:GetObjectLegalHold", bucket)
        .run(
            request
                .expected_bucket_owner(at.account())
                .key(&version.key)
                .version_id(&version.version_id)
                .send(),
        )
        .await?;
    let status = output.legal_hold.and_then(|hold| hold.status);
    Ok(Answer::Text(
        status
            .map(|status| status.as_str().to_owned())
            .unwrap_or_default(),
    ))
}

fn to_sdk(lock: &ObjectLock) -> ObjectLockConfiguration {
    let rule = lock.default_retention.as_ref().map(|retention| {
        let (days, years) = match retention.period {
            RetentionPeriod::Days(days) => (Some(days), None),
            RetentionPeriod::Years(years) => (None, Some(years)),
        };
        let default = SdkDefault::builder()
            .mode(ObjectLockRetentionMode::from(retention.mode.as_str()))
            .set_days(days)
            .set_years(years)
            .build();
        ObjectLockRule::builder().default_retention(default).build()
    });
    ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .set_rule(rule)
        .build()
}

fn from_sdk(configuration: ObjectLockConfiguration) -> ObjectLock {
    let default = configuration.rule.and_then(|rule| rule.default_retention);
    ObjectLock {
        default_retention: default.and_then(|default| {
            let years = default.years.map(RetentionPeriod::Years);
            Some(DefaultRetention {
                mode: default.mode?.as_str().to_owned(),
                period: default.days.map(RetentionPeriod::Days).or(years)?,
            })
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_survives_the_way_there_and_back() {
        let lock = |period| ObjectLock {
            default_retention: Some(DefaultRetention {
                mode: "GOVERNANCE".to_owned(),
                period,
            }),
        };
        for lock in [
            ObjectLock::default(),
            lock(RetentionPeriod::Days(30)),
            lock(RetentionPeriod::Years(7)),
        ] {
            assert_eq!(from_sdk(to_sdk(&lock)), lock);
        }
    }
}
