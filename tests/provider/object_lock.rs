//! `object_lock`: what is refused, made, changed, found again, imported, and what a destroy does not get around.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::{
    DefaultRetention, ObjectLock, Retention, RetentionPeriod,
};

use crate::configs::{UNKNOWN, kms_abroad, with};
use crate::fake::Bucket;
use crate::terraform::{Terraform, differences};

const BACKUP: &str = "acme-archive-backup";
const ON_SOURCE: &str = "source.object_lock";
const ON_BACKUP: &str = "destinations.backup.object_lock";

fn locked(source: Json, backup: Json) -> Json {
    with(&with(&kms_abroad(), ON_SOURCE, source), ON_BACKUP, backup)
}

fn backup_locked(lock: Json) -> Json {
    with(&kms_abroad(), ON_BACKUP, lock)
}

/// Every lock of the setup with two destinations.
pub const LOCKED: [&str; 3] = [ON_SOURCE, ON_BACKUP, "destinations.near.object_lock"];

/// A lock with a retention that some may bypass.
pub fn governed() -> Json {
    json!({ "mode": "GOVERNANCE", "days": 30 })
}

/// Changes of buckets that are locked before and after: a lock never comes off.
pub fn changes() -> Vec<(&'static str, Json)> {
    vec![
        ("source.object_lock.mode", json!("COMPLIANCE")),
        ("source.object_lock.days", json!(2)),
        (
            "source.object_lock.bypass_governance_on_destroy",
            json!(true),
        ),
        ("source.object_lock.enabled", json!(false)),
        (ON_SOURCE, json!({ "mode": "GOVERNANCE", "years": 1 })),
        ("destinations.backup.object_lock.mode", json!("COMPLIANCE")),
        (ON_BACKUP, json!({ "mode": "GOVERNANCE", "years": 1 })),
    ]
}

fn nothing() -> Vec<String> {
    Vec::new()
}

fn lock_of(terraform: &Terraform, bucket: &str) -> Option<ObjectLock> {
    terraform.cloud.aws.state().buckets[bucket]
        .object_lock
        .clone()
}

fn change(terraform: &Terraform, bucket: &str, change: impl FnOnce(&mut Bucket)) {
    change(terraform.cloud.aws.state().buckets.get_mut(bucket).unwrap());
}

#[tokio::test(start_paused = true)]
async fn mistakes_are_told_at_the_attribute() {
    let terraform = Terraform::new();
    for (lock, at) in [
        (json!({}), ""),
        (json!({ "mode": "GOVERNANCE" }), ".mode"),
        (json!({ "days": 1 }), ".days"),
        (json!({ "years": 1 }), ".years"),
        (
            json!({ "mode": "GOVERNANCE", "days": 1, "years": 1 }),
            ".years",
        ),
        (json!({ "mode": "governance", "days": 1 }), ".mode"),
        (json!({ "mode": "GOVERNANCE", "days": 0 }), ".days"),
        (
            json!({ "enabled": false, "mode": "GOVERNANCE", "days": 1 }),
            ".mode",
        ),
        (
            json!({ "enabled": false, "bypass_governance_on_destroy": true }),
            ".bypass_governance_on_destroy",
        ),
    ] {
        let said = terraform.validate(&backup_locked(lock.clone())).await;
        let path = format!("destinations[\"backup\"].object_lock{at}: ");
        assert!(
            said.errors[0].starts_with(&path),
            "{lock}: {:?}",
            said.errors
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_locked_source_needs_locked_destinations() {
    let mut terraform = Terraform::new();
    let alone = with(&kms_abroad(), ON_SOURCE, governed());
    let refused =
        ["destinations[\"backup\"].object_lock: The source is locked and this destination is not"];
    assert_eq!(terraform.plan(&alone).await.said.errors, refused);
    assert_eq!(
        terraform
            .plan(&locked(governed(), json!({ "enabled": false })))
            .await
            .said
            .errors,
        refused
    );
    terraform
        .converge(&backup_locked(json!({ "enabled": true })))
        .await;
    terraform
        .converge(&locked(governed(), json!({ "enabled": true })))
        .await;
}

#[tokio::test(start_paused = true)]
async fn buckets_are_locked_when_they_are_made_and_the_role_reads_retention() {
    let mut terraform = Terraform::new();
    terraform
        .converge(&locked(governed(), json!({ "enabled": true })))
        .await;
    let default = lock_of(&terraform, "acme-archive")
        .unwrap()
        .default_retention;
    let period = RetentionPeriod::Days(30);
    assert_eq!(
        default,
        Some(DefaultRetention {
            mode: "GOVERNANCE".to_owned(),
            period
        })
    );
    assert_eq!(lock_of(&terraform, BACKUP), Some(ObjectLock::default()));
    let policy = terraform.at("/role/policy_json").to_string();
    assert!(policy.contains("s3:GetObjectRetention") && policy.contains("s3:GetObjectLegalHold"));
    {
        let aws = terraform.cloud.aws.state();
        let versioning: Vec<&String> = aws
            .writes
            .iter()
            .filter(|w| w.starts_with("PutBucketVersioning"))
            .collect();
        assert_eq!(versioning, Vec::<&String>::new());
    }
    assert_eq!(terraform.destroy().await.errors, nothing());
}

#[tokio::test(start_paused = true)]
async fn a_lock_comes_later_and_changes_in_place_and_never_goes() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    for (source, backup) in [
        (json!({ "enabled": true }), json!({ "enabled": true })),
        (governed(), governed()),
        (json!({ "mode": "GOVERNANCE", "years": 7 }), governed()),
        (
            json!({ "mode": "COMPLIANCE", "years": 7 }),
            json!({ "mode": "GOVERNANCE", "days": 30, "bypass_governance_on_destroy": true }),
        ),
        (
            json!({ "enabled": true }),
            json!({ "bypass_governance_on_destroy": true }),
        ),
    ] {
        let before = (
            lock_of(&terraform, "acme-archive"),
            lock_of(&terraform, BACKUP),
        );
        let config = locked(source, backup);
        terraform.converge(&config).await;
        assert_ne!(
            before,
            (
                lock_of(&terraform, "acme-archive"),
                lock_of(&terraform, BACKUP)
            ),
            "{config}"
        );
    }
    assert_eq!(terraform.cloud.aws.state().overlaps, nothing());
    for config in [
        kms_abroad(),
        locked(json!({ "enabled": true }), json!({ "enabled": false })),
    ] {
        let said = terraform.plan(&config).await.said;
        assert!(
            said.errors.contains(
                &"destinations[\"backup\"].object_lock: Object Lock cannot be switched off"
                    .to_owned()
            ),
            "{:?}",
            said.errors
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_is_locked_after_its_destinations_and_its_grants() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    terraform.cloud.aws.state().writes.clear();
    terraform.converge(&locked(governed(), governed())).await;
    let aws = terraform.cloud.aws.state();
    assert_eq!(
        aws.writes.last().map(String::as_str),
        Some("PutObjectLockConfiguration acme-archive")
    );
    assert_eq!(aws.writes.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_changes_shows_at_its_attribute_and_is_mended() {
    let config = backup_locked(governed());
    let retention = |mode: &str, period| {
        Some(ObjectLock {
            default_retention: Some(DefaultRetention {
                mode: mode.to_owned(),
                period,
            }),
        })
    };
    for (by_hand, shown) in [
        (
            retention("GOVERNANCE", RetentionPeriod::Days(1)),
            vec![".days: 1 -> 30"],
        ),
        (
            retention("COMPLIANCE", RetentionPeriod::Days(30)),
            vec![".mode: COMPLIANCE -> GOVERNANCE"],
        ),
        (
            retention("GOVERNANCE", RetentionPeriod::Years(3)),
            vec![".days: null -> 30", ".years: 3 -> null"],
        ),
        (
            Some(ObjectLock::default()),
            vec![".days: null -> 30", ".mode: null -> GOVERNANCE"],
        ),
    ] {
        let mut terraform = Terraform::new();
        terraform.converge(&config).await;
        change(&terraform, BACKUP, |bucket| bucket.object_lock = by_hand);
        let plan = terraform.plan(&config).await;
        let expected: Vec<String> = shown
            .iter()
            .map(|line| format!("{ON_BACKUP}{line}"))
            .collect();
        assert_eq!(differences(&terraform.state, &plan.planned), expected);
        terraform.converge(&config).await;
        assert_eq!(
            lock_of(&terraform, BACKUP),
            retention("GOVERNANCE", RetentionPeriod::Days(30))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_somebody_put_on_is_told_with_the_way_out() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    change(&terraform, BACKUP, |bucket| {
        bucket.object_lock = Some(ObjectLock::default())
    });
    let said = terraform.plan(&kms_abroad()).await.said;
    assert_eq!(
        said.errors,
        ["destinations[\"backup\"].object_lock: Object Lock cannot be switched off"]
    );
    terraform
        .converge(&backup_locked(json!({ "enabled": true })))
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_lock_imports_and_stays_while_none_is_written() {
    let mut first = Terraform::new();
    let config = locked(governed(), json!({ "enabled": true }));
    first.converge(&config).await;
    let id = first.at("/import_id");
    for config in [config, kms_abroad()] {
        let mut second = Terraform::over(first.cloud.clone());
        let said = second.import(id.as_str().unwrap()).await;
        assert_eq!(said.errors, nothing());
        second.assert_settled(&config).await;
    }
}

/// What a bucket holds when it is to be destroyed.
type Fill<'a> = &'a dyn Fn(&mut Bucket);

#[tokio::test(start_paused = true)]
async fn a_destroy_that_a_lock_would_stop_does_not_begin() {
    let hold = |bucket: &mut Bucket| {
        bucket.put_object("deed");
        bucket.held.insert("v0".to_owned());
    };
    let retain = |bucket: &mut Bucket| {
        bucket.put_object("deed");
        let retention = Retention {
            mode: "GOVERNANCE".to_owned(),
            until: "2999-01-01T00:00:00Z".to_owned(),
        };
        bucket.retained.insert("v0".to_owned(), retention);
    };
    let object = |bucket: &mut Bucket| bucket.put_object("deed");
    let bypass =
        |mode: &str| json!({ "mode": mode, "days": 1, "bypass_governance_on_destroy": true });
    let cases: [(Json, Fill<'_>, bool); 7] = [
        (json!({ "enabled": true }), &object, true),
        (json!({ "enabled": true }), &hold, false),
        (json!({ "enabled": true }), &retain, false),
        (
            json!({ "bypass_governance_on_destroy": true }),
            &retain,
            true,
        ),
        (governed(), &object, false),
        (bypass("GOVERNANCE"), &object, true),
        (bypass("COMPLIANCE"), &object, false),
    ];
    for (lock, put, goes) in cases {
        let mut terraform = Terraform::new();
        let config = with(
            &backup_locked(lock.clone()),
            "destinations.backup.force_destroy",
            json!(true),
        );
        terraform.converge(&config).await;
        change(&terraform, BACKUP, put);
        terraform.cloud.aws.state().writes.clear();
        let said = terraform.destroy().await;
        if goes {
            assert_eq!(said.errors, nothing(), "{lock}");
            continue;
        }
        let kept = format!("destinations[\"backup\"]: Object Lock keeps bucket {BACKUP}");
        assert_eq!(said.errors, [kept], "{lock}");
        assert_eq!(terraform.cloud.aws.state().writes, nothing());
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_on_the_last_of_many_versions_is_told_before_anything_is_deleted() {
    let config = with(
        &backup_locked(json!({ "bypass_governance_on_destroy": true })),
        "destinations.backup.force_destroy",
        json!(true),
    );
    let mut terraform = Terraform::new();
    terraform.converge(&config).await;
    change(&terraform, BACKUP, |bucket| {
        for number in 0..2_500 {
            bucket.put_object(&format!("deed {number}"));
            let retention = Retention {
                mode: "GOVERNANCE".to_owned(),
                until: "2999-01-01T00:00:00Z".to_owned(),
            };
            bucket.retained.insert(format!("v{number}"), retention);
        }
    });
    terraform.cloud.aws.state().writes.clear();
    change(&terraform, BACKUP, |bucket| {
        bucket.retained.get_mut("v2499").unwrap().mode = "COMPLIANCE".to_owned();
    });
    let by_retention = terraform.destroy().await;
    change(&terraform, BACKUP, |bucket| {
        bucket.retained.get_mut("v2499").unwrap().mode = "GOVERNANCE".to_owned();
        bucket.held.insert("v2499".to_owned());
    });
    let by_hold = terraform.destroy().await;
    for said in [&by_retention, &by_hold] {
        let kept = format!("destinations[\"backup\"]: Object Lock keeps bucket {BACKUP}");
        assert_eq!(said.errors, [kept]);
        assert!(said.details[0].contains("deed 2499"), "{said:?}");
    }
    assert_eq!(terraform.cloud.aws.state().writes, nothing());
    change(&terraform, BACKUP, |bucket| bucket.held.clear());
    assert_eq!(terraform.destroy().await.errors, nothing());
}

#[tokio::test(start_paused = true)]
async fn unknown_values_anywhere_plan_cleanly() {
    let known = locked(
        json!({ "enabled": true, "mode": "GOVERNANCE", "days": 1 }),
        json!({ "enabled": true }),
    );
    for path in ["", ".enabled", ".mode", ".days"] {
        let mut terraform = Terraform::new();
        let veiled = with(&known, &format!("{ON_SOURCE}{path}"), json!(UNKNOWN));
        let said = terraform.apply_later(&veiled, &known).await;
        assert_eq!(said.errors, nothing(), "{path}");
        terraform.assert_settled(&known).await;
    }
}
