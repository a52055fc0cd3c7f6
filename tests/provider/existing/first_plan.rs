//! The first plan over existing buckets: what they show is checked before anything is written, and fills nothing.

use serde_json::json;
use terraform_provider_replicated::replication::operation::{BucketEncryption, Input};
use terraform_provider_replicated::replication::policy::PolicyDocument;
use tokio::time::Instant;

use super::{SOURCE, TARGET, bucket, config, plain, refused, world};
use crate::configs::{ABROAD, HOME, document, kms_abroad, with};
use crate::fake::Key;
use crate::terraform::{SOMEBODYS_KEY, Terraform};

/// The key that AWS makes for S3 in each account.
fn aws_managed_key(terraform: &Terraform, account: &str, region: &str) -> String {
    let id = "00000000-0000-4000-8000-0000000000aa";
    let arn = format!("arn:aws:kms:{region}:{account}:key/{id}");
    let mut aws = terraform.cloud.aws.state();
    let anyone = format!(
        r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":["arn:aws:iam::{account}:root","*"]}},"Action":"kms:*","Resource":"*"}}}}"#
    );
    aws.keys.insert(
        arn.clone(),
        Key {
            description: "Default key that protects my S3 objects when no other key is defined"
                .to_owned(),
            state: "Enabled".to_owned(),
            multi_region: false,
            policy: PolicyDocument::parse(&anyone).unwrap(),
            rotation: None,
            tags: [].into(),
            window_days: None,
            since: Instant::now(),
        },
    );
    let alias = (
        account.to_owned(),
        region.to_owned(),
        "alias/aws/s3".to_owned(),
    );
    aws.aliases.insert(alias, arn.clone());
    arn
}

/// A default that names no key: S3 takes the one that AWS manages.
fn under_no_named_key() -> BucketEncryption {
    BucketEncryption {
        sse_algorithm: "aws:kms".to_owned(),
        bucket_key_enabled: true,
        ..plain()
    }
}

const CROSSES: &str = "AWS's own key does not reach another account";

#[tokio::test(start_paused = true)]
async fn a_default_that_names_no_key_is_the_one_that_aws_manages() {
    let mut terraform = world().await;
    let source = aws_managed_key(&terraform, HOME, "eu-west-1");
    let target = aws_managed_key(&terraform, ABROAD, "us-west-2");
    for name in [SOURCE, TARGET] {
        bucket(&mut terraform.cloud.aws.state(), name).encryption = under_no_named_key();
    }
    let plan = terraform.plan(&config()).await;
    assert_eq!(plan.said.errors, Vec::<String>::new());
    let crossing = |warnings: &[String]| {
        let told = warnings.iter().filter(|line| line.ends_with(CROSSES));
        told.cloned().collect::<Vec<_>>()
    };
    assert_eq!(
        crossing(&plan.said.warnings),
        [
            format!("source.encryption.kms_key_arn: {CROSSES}"),
            format!("destinations[\"archive\"].encryption.kms_key_arn: {CROSSES}"),
        ]
    );
    terraform.converge(&config()).await;
    assert_eq!(terraform.at("/source/kms_key_arn"), json!(source));
    assert_eq!(
        terraform.at("/destinations/archive/kms_key_arn"),
        json!(target)
    );
    let granted = terraform.at("/role/policy_json").to_string();
    assert!(granted.contains("kms:Decrypt"), "{granted}");
    assert!(granted.contains(&source), "{granted}");
    let aws = terraform.cloud.aws.state();
    let rules = &aws.buckets[SOURCE].replication.as_ref().unwrap().rules;
    assert_eq!(rules[0].replica_kms_key, Some(Input::Known(target)));
    assert_eq!(aws.buckets[SOURCE].encryption, under_no_named_key());
}

#[tokio::test(start_paused = true)]
async fn a_bucket_whose_owner_leaves_the_key_out_later_is_followed() {
    let mut terraform = world().await;
    let target = aws_managed_key(&terraform, ABROAD, "us-west-2");
    let key = format!("arn:aws:kms:us-west-2:{ABROAD}:{SOMEBODYS_KEY}000000000000");
    bucket(&mut terraform.cloud.aws.state(), TARGET).encryption = BucketEncryption {
        kms_key: Some(Input::Known(key.clone())),
        ..under_no_named_key()
    };
    terraform.converge(&config()).await;
    let arn = "/destinations/archive/kms_key_arn";
    assert_eq!(terraform.at(arn), json!(key));
    bucket(&mut terraform.cloud.aws.state(), TARGET).encryption = under_no_named_key();
    terraform.converge(&config()).await;
    assert_eq!(terraform.at(arn), json!(target));
}

#[tokio::test(start_paused = true)]
async fn a_rule_for_encrypted_objects_needs_a_key_in_the_existing_bucket() {
    let mut terraform = world().await;
    let encrypted = with(
        &config(),
        "destinations.archive.replicate_encrypted_objects",
        json!(true),
    );
    refused(
        &mut terraform,
        &encrypted,
        "destinations[\"archive\"].replicate_encrypted_objects: No key for the replicas",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_kms_bucket_of_theirs_under_a_plain_source_is_warned_of_by_the_first_plan() {
    let mut terraform = world().await;
    let key = format!("arn:aws:kms:us-west-2:{ABROAD}:{SOMEBODYS_KEY}000000000000");
    bucket(&mut terraform.cloud.aws.state(), TARGET).encryption = BucketEncryption {
        kms_key: Some(Input::Known(key)),
        ..under_no_named_key()
    };
    let warning =
        "destinations[\"archive\"].encryption: Replicas keep the source's kind of encryption";
    let plan = terraform.plan(&config()).await;
    assert!(
        plan.said.warnings.contains(&warning.to_owned()),
        "{:?}",
        plan.said.warnings
    );
}

/// A statement of the owner's that makes a policy so many bytes long.
pub fn fill_up(policy: &mut PolicyDocument, arn: &str, size: usize) {
    let statement = |length: usize| {
        let statement = json!({
            "Sid": "Filling",
            "Effect": "Allow",
            "Principal": { "AWS": "arn:aws:iam::222222222222:root" },
            "Action": "s3:GetObject",
            "Resource": format!("{arn}/{}", "x".repeat(length)),
        });
        let document = PolicyDocument::parse(&document(&[statement])).unwrap();
        document.statements
    };
    let mut without = policy.clone();
    without.statements.extend(statement(0));
    let length = size - without.render().unwrap().len();
    policy.statements.extend(statement(length));
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_theirs_that_leaves_no_room_for_our_statements_is_refused_at_plan() {
    let mut terraform = world().await;
    {
        let mut aws = terraform.cloud.aws.state();
        let policy = bucket(&mut aws, TARGET).policy.as_mut().unwrap();
        fill_up(policy, "arn:aws:s3:::their-target", 20_400);
    }
    let error = "destinations[\"archive\"].bucket: The policy of bucket their-target has no room";
    refused(&mut terraform, &config(), error).await;
}

#[tokio::test(start_paused = true)]
async fn what_an_update_adds_to_a_policy_that_is_there_is_measured_at_plan() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let name = "acme-archive-backup";
    {
        let mut aws = terraform.cloud.aws.state();
        let policy = bucket(&mut aws, name).policy.as_mut().unwrap();
        fill_up(policy, "arn:aws:s3:::acme-archive-backup", 20_000);
    }
    terraform.assert_settled(&kms_abroad()).await;
    let more = json!({
        "Sid": "Mine",
        "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::222222222222:root" },
        "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{name}/{}", "y".repeat(900)),
    });
    let longer = with(
        &kms_abroad(),
        "destinations.backup.policy",
        json!(document(&[more])),
    );
    terraform.cloud.aws.state().writes.clear();
    refused(
        &mut terraform,
        &longer,
        "destinations[\"backup\"].policy: The policy of bucket acme-archive-backup has no room",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_key_policy_of_theirs_without_room_is_refused_where_ours_is_to_be_merged_in() {
    let mut terraform = world().await;
    let key = format!("arn:aws:kms:us-west-2:{ABROAD}:{SOMEBODYS_KEY}000000000000");
    let under = |manages: bool| {
        let told = with(
            &config(),
            "source",
            json!({ "bucket": "our-source", "encryption": { "sse_algorithm": "aws:kms" } }),
        );
        let told = with(
            &told,
            "destinations.archive.encryption",
            json!({ "kms_key_arn": key }),
        );
        with(
            &told,
            "destinations.archive.manage_key_policy",
            json!(manages),
        )
    };
    terraform.converge(&under(false)).await;
    {
        let mut aws = terraform.cloud.aws.state();
        let policy = &mut aws.keys.get_mut(&key).unwrap().policy;
        fill_up(policy, "*", 32_700);
        aws.writes.clear();
    }
    refused(
        &mut terraform,
        &under(true),
        &format!("destinations[\"archive\"].encryption: The policy of key {key} has no room"),
    )
    .await;
}
