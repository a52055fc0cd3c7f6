//! What would keep canaries from being written or removed is told at plan, and whom they would wake.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::{
    DefaultRetention, Notification, ObjectLock, RetentionPeriod,
};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use super::{BACKUP, SOURCE, VERIFIED_AT, verified};
use crate::configs::{ABROAD, HOME, THIRD, UNKNOWN, document, kms_abroad, with, without};
use crate::existing::stands;
use crate::terraform::Terraform;

#[tokio::test(start_paused = true)]
async fn whether_the_destination_can_be_entered_may_hang_on_an_unknown_enabled() {
    let terraform = Terraform::new();
    let config = with(
        &verified(&kms_abroad()),
        "destinations.backup",
        json!({ "bucket": "theirs", "existing": true, "reachable": false, "account_id": ABROAD, "region": "us-west-2", "encryption": { "sse_algorithm": "AES256" } }),
    );
    let config = with(&config, "verification.enabled", json!(UNKNOWN));
    assert!(terraform.validate(&config).await.is_fine());
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_exempts_the_role_that_terraform_enters_by_is_no_obstacle() {
    for (exempt, errors) in [("Deploy", 0), ("Another", 1)] {
        let mut terraform = Terraform::new();
        terraform.cloud.aws.state().callers_are_sessions = true;
        let statement = json!({ "Sid": "Keep", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObjectVersion", "Resource": format!("arn:aws:s3:::{BACKUP}/*"), "Condition": { "ArnNotEquals": { "aws:PrincipalArn": format!("arn:aws:iam::{ABROAD}:role/{exempt}") } } });
        let config = with(
            &verified(&kms_abroad()),
            "destinations.backup.policy",
            json!(document(&[statement])),
        );
        let plan = terraform.plan(&config).await;
        assert_eq!(plan.said.errors.len(), errors, "{exempt}: {:?}", plan.said);
    }
}

#[tokio::test(start_paused = true)]
async fn a_default_retention_is_refused_at_plan_on_either_side() {
    let mut terraform = Terraform::new();
    let lock = json!({ "mode": "GOVERNANCE", "days": 1 });
    let config = with(
        &verified(&kms_abroad()),
        "destinations.backup.object_lock",
        lock,
    );
    let plan = terraform.plan(&config).await;
    let at = "destinations[\"backup\"].object_lock: Canaries could not be removed";
    assert_eq!(plan.said.errors, [at]);
    let config = with(&config, "verification.enabled", json!(false));
    assert!(terraform.plan(&config).await.said.is_fine());
}

/// A setup out of a bucket of somebody else's.
async fn theirs(terraform: &Terraform) -> Json {
    stands(terraform, HOME, "eu-west-1", SOURCE).await;
    let source = json!({ "bucket": SOURCE, "existing": true, "region": "eu-west-1" });
    let config = with(&verified(&kms_abroad()), "source", source);
    with(
        &config,
        "destinations.backup.encryption",
        json!({ "sse_algorithm": "AES256" }),
    )
}

#[tokio::test(start_paused = true)]
async fn an_existing_bucket_is_verified_and_what_keeps_canaries_there_is_told_at_plan() {
    let mut terraform = Terraform::new();
    let config = theirs(&terraform).await;
    terraform.converge(&config).await;
    assert!(terraform.at(VERIFIED_AT).is_string());
    let again = with(
        &config,
        "destinations.backup.storage_class",
        json!("GLACIER"),
    );
    {
        let mut state = terraform.cloud.aws.state();
        let bucket = state.buckets.get_mut(SOURCE).unwrap();
        bucket.object_lock = Some(ObjectLock {
            default_retention: Some(DefaultRetention {
                mode: "GOVERNANCE".to_owned(),
                period: RetentionPeriod::Days(1),
            }),
        });
    }
    let plan = terraform.plan(&again).await;
    let at = "source.object_lock: Canaries could not be removed".to_owned();
    assert!(plan.said.errors.contains(&at), "{:?}", plan.said);
    {
        let mut state = terraform.cloud.aws.state();
        let bucket = state.buckets.get_mut(SOURCE).unwrap();
        bucket.object_lock = None;
        let mut rule = bucket.replication.as_ref().unwrap().rules[0].clone();
        (rule.id, rule.priority) = ("theirs".to_owned(), Some(77));
        rule.bucket_arn = format!("arn:aws:s3:::{THIRD}-theirs");
        bucket.replication.as_mut().unwrap().rules.push(rule);
    }
    let plan = terraform.plan(&again).await;
    assert_eq!(
        plan.said.errors,
        ["verification: Canaries could not be removed"]
    );
    assert!(plan.said.details[0].contains("theirs"), "{:?}", plan.said);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_denies_canaries_is_refused_at_plan_and_notifications_are_a_warning() {
    let mut terraform = Terraform::new();
    let config = theirs(&terraform).await;
    let statement = json!({ "Sid": "Keep", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObjectVersion", "Resource": format!("arn:aws:s3:::{SOURCE}/*") });
    {
        let mut state = terraform.cloud.aws.state();
        let bucket = state.buckets.get_mut(SOURCE).unwrap();
        bucket.policy = Some(PolicyDocument::parse(&document(&[statement])).unwrap());
        bucket.notified = vec![Notification {
            target: "arn:aws:sqs:eu-west-1:111111111111:q".to_owned(),
            ..Notification::default()
        }];
    }
    let plan = terraform.plan(&config).await;
    assert_eq!(
        plan.said.errors,
        ["source.policy: Canaries could not be written or removed"]
    );
    assert!(
        plan.said.details[0].contains("Statement Keep"),
        "{:?}",
        plan.said
    );
    assert!(
        plan.said
            .warnings
            .contains(&"source.bucket: Canaries send notifications".to_owned())
    );
    assert!(
        terraform
            .plan(&without(&config, "verification"))
            .await
            .said
            .is_fine()
    );
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_asks_for_what_canaries_do_not_have_is_refused_at_plan() {
    let tagged = with(
        &verified(&kms_abroad()),
        "destinations.backup.filter",
        json!({ "tags": { "team": "archive" } }),
    );
    let header = |key: &str, is_absent: &str| json!({ "Null": { key: is_absent } });
    let unlike = |value: &str| json!({ "StringNotEquals": { "s3:RequestObjectTag/team": value } });
    let encrypted = "s3:x-amz-server-side-encryption";
    for (action, condition, is_refused) in [
        ("s3:PutObject", header(encrypted, "true"), true),
        ("s3:PutObject", header(encrypted, "false"), false),
        ("s3:PutObject", header("s3:x-amz-acl", "true"), true),
        ("s3:PutObject", unlike("backup"), true),
        ("s3:PutObject", unlike("archive"), false),
        ("s3:PutObjectTagging", json!({}), true),
    ] {
        let statement = json!({ "Sid": "No", "Effect": "Deny", "Principal": "*", "Action": action, "Resource": format!("arn:aws:s3:::{SOURCE}/*"), "Condition": condition });
        let config = with(&tagged, "source.policy", json!(document(&[statement])));
        let plan = Terraform::new().plan(&config).await;
        let expected = ["source.policy: Canaries could not be written or removed"];
        let expected = if is_refused { &expected[..] } else { &[] };
        assert_eq!(plan.said.errors, expected, "{action} {condition}");
    }
}

#[tokio::test(start_paused = true)]
async fn mfa_delete_on_either_side_is_refused_at_plan() {
    let mut terraform = Terraform::new();
    let config = theirs(&terraform).await;
    terraform.converge(&config).await;
    let again = with(
        &config,
        "destinations.backup.storage_class",
        json!("GLACIER"),
    );
    for (bucket, at) in [(SOURCE, "source"), (BACKUP, "destinations[\"backup\"]")] {
        let set = |on: bool| {
            let mut state = terraform.cloud.aws.state();
            state.buckets.get_mut(bucket).unwrap().mfa_delete = on;
        };
        set(true);
        let mut other = Terraform::over(terraform.cloud.clone());
        (other.state, other.private) = (terraform.state.clone(), terraform.private.clone());
        other.identity = terraform.identity.clone();
        let plan = other.plan(&again).await;
        let told = format!("{at}.bucket: Canaries could not be removed");
        assert_eq!(plan.said.errors, [told]);
        assert!(plan.said.details[0].contains("MFA Delete"), "{bucket}");
        let silent = without(&again, "verification");
        assert!(other.plan(&silent).await.said.is_fine());
        set(false);
        assert!(other.plan(&again).await.said.is_fine());
    }
}

#[tokio::test(start_paused = true)]
async fn only_whom_a_canary_wakes_is_warned_of() {
    let mut terraform = Terraform::new();
    let config = with(
        &theirs(&terraform).await,
        "destinations.backup.filter",
        json!({ "prefix": "deeds/" }),
    );
    for (event, prefix, suffix, warned) in [
        ("s3:ObjectCreated:*", "", "", true),
        ("s3:ObjectRemoved:Delete", "deeds/", "", true),
        ("s3:Replication:*", "deeds/.replicated-ver", "", true),
        ("s3:ObjectRemoved:DeleteMarkerCreated", "", "", false),
        ("s3:ObjectRestore:*", "", "", false),
        ("s3:ObjectCreated:*", "logs/", "", false),
        ("s3:ObjectCreated:*", "", ".jpg", false),
    ] {
        {
            let mut state = terraform.cloud.aws.state();
            state.buckets.get_mut(SOURCE).unwrap().notified = vec![Notification {
                target: "arn:aws:sqs:eu-west-1:111111111111:q".to_owned(),
                events: vec![event.to_owned()],
                prefix: prefix.to_owned(),
                suffix: suffix.to_owned(),
            }];
        }
        let plan = terraform.plan(&config).await;
        assert!(plan.said.is_fine(), "{:?}", plan.said);
        let told = "source.bucket: Canaries send notifications".to_owned();
        let is_warned = plan.said.warnings.contains(&told);
        assert_eq!(is_warned, warned, "{event} {prefix} {suffix}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_looked_at_is_a_warning() {
    let mut terraform = Terraform::new();
    let config = theirs(&terraform).await;
    terraform
        .cloud
        .refuse(&format!("GetBucketNotificationConfiguration {SOURCE}"));
    let plan = terraform.plan(&config).await;
    assert!(plan.said.is_fine(), "{:?}", plan.said);
    let told = "source.bucket: What canaries meet could not be looked at";
    let at = plan
        .said
        .warnings
        .iter()
        .position(|warning| warning == told);
    let detail = &plan.said.warning_details[at.unwrap()];
    let words = "s3:GetBucketNotificationConfiguration is not allowed on bucket acme-archive in account 111111111111, region eu-west-1";
    assert!(detail.starts_with(words), "{detail}");
    let silent = without(&config, "verification");
    let plan = terraform.plan(&silent).await;
    assert!(!plan.said.warnings.contains(&told.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_the_apply_takes_away_is_nobody_elses() {
    let mut terraform = Terraform::new();
    let config = theirs(&terraform).await;
    terraform.converge(&config).await;
    let rule = json!({ "id": "own", "storage_class": "GLACIER" });
    for rules in [
        json!({ "own": rule }),
        json!({ "another": { "enabled": true } }),
    ] {
        let config = with(&config, "destinations.backup.rules", rules);
        terraform.converge(&config).await;
        assert!(terraform.at(VERIFIED_AT).is_string());
    }
}
