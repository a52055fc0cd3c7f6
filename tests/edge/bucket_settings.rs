//! Settings of a bucket against an emulated AWS, each written and read back as it was meant.

use std::collections::BTreeMap;

use support::emulator::unique_name;
use terraform_provider_replicated::replication::operation::{
    Answer, DefaultRetention, Expiration, LifecycleConfiguration, LifecycleRule, LifecycleScope,
    Moment, Noncurrent, ObjectLock, Operation, Query, RetentionPeriod,
};

use crate::emulator::Emulated;
use crate::setting::create_bucket;

#[tokio::test]
async fn lifecycle_rules_read_back_as_they_were_written() {
    let aws = Emulated::new("eu-west-1").await;
    let bucket = unique_name("edge");
    let b = || bucket.clone();
    aws.done(create_bucket(&bucket)).await;
    let query = || Query::GetBucketLifecycleConfiguration { bucket: b() };
    aws.absent(query(), "NoSuchLifecycleConfiguration").await;
    let noncurrent = |days, newer_versions| Noncurrent {
        days,
        newer_versions,
    };
    let logs = LifecycleRule {
        enabled: true,
        scope: LifecycleScope {
            prefix: Some("logs/<&>".to_owned()),
            tags: BTreeMap::from([("kind".to_owned(), "log".to_owned())]),
            object_size_greater_than: Some(1000),
            object_size_less_than: Some(1_000_000),
        },
        expiration: Some(Expiration::At(Moment::Days(400))),
        noncurrent_version_expiration: Some(noncurrent(100, Some(3))),
        transitions: BTreeMap::from([
            ("STANDARD_IA".to_owned(), Moment::Days(30)),
            ("GLACIER".to_owned(), Moment::Days(90)),
        ]),
        noncurrent_version_transitions: BTreeMap::from([(
            "STANDARD_IA".to_owned(),
            noncurrent(30, None),
        )]),
        ..LifecycleRule::default()
    };
    let everything = LifecycleRule {
        expiration: Some(Expiration::At(Moment::Date("2040-01-31".to_owned()))),
        abort_incomplete_multipart_upload_days: Some(7),
        ..LifecycleRule::default()
    };
    let lifecycle = LifecycleConfiguration {
        rules: BTreeMap::from([
            ("logs".to_owned(), logs),
            ("everything".to_owned(), everything),
        ]),
        ..LifecycleConfiguration::default()
    };
    aws.done(Operation::PutBucketLifecycleConfiguration {
        bucket: b(),
        lifecycle: lifecycle.clone(),
    })
    .await;
    match aws.see(query()).await {
        Answer::Lifecycle(seen) => assert_eq!(seen.rules, lifecycle.rules),
        other => panic!("{other:?}"),
    }
    aws.done(Operation::DeleteBucketLifecycle { bucket: b() })
        .await;
    aws.absent(query(), "NoSuchLifecycleConfiguration").await;
}

#[tokio::test]
async fn a_bucket_is_locked_as_it_is_made_and_later() {
    let aws = Emulated::new("eu-west-1").await;
    let retention = |mode: &str, period| ObjectLock {
        default_retention: Some(DefaultRetention {
            mode: mode.to_owned(),
            period,
        }),
    };
    for at_once in [true, false] {
        let bucket = unique_name("edge");
        let b = || bucket.clone();
        let mut create = create_bucket(&bucket);
        if let Operation::CreateBucket { object_lock, .. } = &mut create {
            *object_lock = at_once;
        }
        aws.done(create).await;
        let query = || Query::GetObjectLockConfiguration { bucket: b() };
        if at_once {
            let versioning = aws.see(Query::GetBucketVersioning { bucket: b() }).await;
            assert_eq!(versioning, Answer::Text("Enabled".to_owned()));
            assert_eq!(
                aws.see(query()).await,
                Answer::ObjectLock(ObjectLock::default())
            );
        } else {
            aws.absent(query(), "ObjectLockConfigurationNotFoundError")
                .await;
            aws.done(Operation::EnableBucketVersioning { bucket: b() })
                .await;
        }
        for object_lock in [
            ObjectLock::default(),
            retention("GOVERNANCE", RetentionPeriod::Days(1)),
            retention("COMPLIANCE", RetentionPeriod::Years(1)),
        ] {
            aws.done(Operation::PutObjectLockConfiguration {
                bucket: b(),
                object_lock: object_lock.clone(),
            })
            .await;
            assert_eq!(aws.see(query()).await, Answer::ObjectLock(object_lock));
        }
    }
}
