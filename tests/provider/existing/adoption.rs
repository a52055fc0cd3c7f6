//! Buckets of somebody else's that become this resource's own: whose they are is looked at first, and what they lose
//! is told.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::{
    LifecycleConfiguration, LifecycleRule,
};

use super::{SOURCE, TARGET, bucket, config, refused, their_rules, world};
use crate::configs::{kms_abroad, policy, with, without};
use crate::terraform::Terraform;

fn adopted() -> Json {
    without(&config(), "destinations.archive.existing")
}

fn warning_of<'a>(warnings: &'a [String], details: &'a [String], what: &str) -> &'a str {
    let at = warnings.iter().position(|line| line == what);
    at.map_or("", |at| details[at].as_str())
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_another_resource_made_is_not_adopted() {
    let mut terraform = world().await;
    terraform.converge(&config()).await;
    let tags = [
        ("replicated:owner", "111111111111/other"),
        ("replicated:component", "destination/x/bucket"),
    ];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    {
        let mut aws = terraform.cloud.aws.state();
        bucket(&mut aws, TARGET).tags.extend(tags.clone());
        aws.writes.clear();
    }
    let error = "destinations[\"archive\"].existing: Bucket their-target is another resource's";
    refused(&mut terraform, &adopted(), error).await;
    // Tagged between plan and apply, it is refused as well.
    bucket(&mut terraform.cloud.aws.state(), TARGET)
        .tags
        .retain(|key, _| !key.starts_with("replicated:"));
    let plan = terraform.plan(&adopted()).await;
    assert_eq!(plan.said.errors, Vec::<String>::new());
    terraform
        .cloud
        .aws
        .state()
        .buckets
        .get_mut(TARGET)
        .unwrap()
        .tags
        .extend(tags);
    let said = terraform.carry_out(plan, &adopted()).await;
    assert_eq!(said.errors, [error]);
    assert_eq!(terraform.cloud.aws.state().writes, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_adopts_a_bucket_lists_what_it_will_lose() {
    let mut terraform = world().await;
    terraform.converge(&config()).await;
    {
        let mut aws = terraform.cloud.aws.state();
        let target = bucket(&mut aws, TARGET);
        target.public_access_block = None;
        target.lifecycle = Some(LifecycleConfiguration {
            rules: BTreeMap::from([("keep-a-year".to_owned(), LifecycleRule::default())]),
            ..LifecycleConfiguration::default()
        });
    }
    let plan = terraform.plan(&adopted()).await;
    assert_eq!(plan.said.errors, Vec::<String>::new());
    let told = warning_of(
        &plan.said.warnings,
        &plan.said.warning_details,
        "destinations[\"archive\"].existing: Bucket their-target is adopted",
    );
    for what in [
        "lifecycle rule keep-a-year",
        "tag team",
        "object ownership",
        "public access block",
    ] {
        assert!(told.contains(what), "{what}: {:?} {told}", plan.said);
    }
    terraform.converge(&adopted()).await;
    // It is told once.
    let changed = with(&adopted(), "destinations.archive.tags", json!({ "a": "b" }));
    let plan = terraform.plan(&changed).await;
    assert_eq!(plan.said.warnings, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_adopted_is_told_to_lose_the_rules_of_others() {
    let mut terraform = world().await;
    bucket(&mut terraform.cloud.aws.state(), SOURCE).replication = Some(their_rules());
    let existing = with(
        &config(),
        "role",
        json!({ "existing_arn": super::THEIR_ROLE }),
    );
    terraform.converge(&existing).await;
    let adopted = without(&existing, "source.existing");
    let plan = terraform.plan(&adopted).await;
    assert_eq!(plan.said.errors, Vec::<String>::new());
    let told = warning_of(
        &plan.said.warnings,
        &plan.said.warning_details,
        "source.existing: Bucket their-source is adopted",
    );
    assert!(told.contains("replication rule theirs"), "{:?}", plan.said);
    assert!(told.contains("replication rule theirs-too"), "{told}");
    terraform.converge(&adopted).await;
}

#[tokio::test(start_paused = true)]
async fn a_bucket_of_ours_that_comes_back_has_its_old_key_again() {
    let mut terraform = Terraform::new();
    let ours = with(
        &kms_abroad(),
        "destinations.backup.bucket",
        json!("acme-archive-backup"),
    );
    terraform.converge(&ours).await;
    let key = terraform.at("/destinations/backup/kms_key_arn");
    let released = with(&ours, "destinations.backup.existing", json!(true));
    terraform.converge(&released).await;
    terraform.cloud.aws.state().writes.clear();
    terraform.converge(&ours).await;
    assert_eq!(terraform.at("/destinations/backup/kms_key_arn"), key);
    let lines = terraform.at("/components").to_string();
    assert!(!lines.contains("retired_key"), "{lines}");
    let writes = terraform.cloud.aws.state().writes.clone();
    assert!(
        !writes.iter().any(|write| write.contains("CreateKey")),
        "{writes:?}"
    );
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    let aws = terraform.cloud.aws.state();
    assert_eq!(aws.keys[key.as_str().unwrap()].state, "PendingDeletion");
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_released_keeps_the_users_statements() {
    let mut terraform = Terraform::new();
    let arn = "arn:aws:s3:::acme-archive-backup";
    let named = with(
        &kms_abroad(),
        "destinations.backup.bucket",
        json!("acme-archive-backup"),
    );
    let ours = with(
        &with(
            &named,
            "destinations.backup.policy",
            policy("s3:ListBucket", arn),
        ),
        "destinations.backup.require_tls",
        json!(true),
    );
    terraform.converge(&ours).await;
    let released = with(&named, "destinations.backup.existing", json!(true));
    let plan = terraform.plan(&released).await;
    assert_eq!(plan.said.errors, Vec::<String>::new());
    let told =
        "destinations[\"backup\"].require_tls: Bucket acme-archive-backup will take plain HTTP";
    assert!(
        plan.said.warnings.contains(&told.to_owned()),
        "{:?}",
        plan.said.warnings
    );
    terraform.converge(&released).await;
    let aws = terraform.cloud.aws.state();
    let policy = aws.buckets["acme-archive-backup"].policy.clone().unwrap();
    let sids: Vec<_> = policy.statements.iter().filter_map(|s| s.name()).collect();
    let [objects, whole, mine] = sids[..] else {
        panic!("{sids:?}");
    };
    assert!(objects.starts_with("ReplicatedObjects"), "{objects}");
    assert!(whole.starts_with("ReplicatedBucket"), "{whole}");
    assert_eq!(mine, "Mine");
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_released_with_its_policy_keeps_nothing_of_ours_in_it() {
    let mut terraform = Terraform::new();
    let ours = with(
        &kms_abroad(),
        "destinations.backup.bucket",
        json!("acme-archive-backup"),
    );
    terraform.converge(&ours).await;
    let released = with(&ours, "destinations.backup.existing", json!(true));
    let released = with(
        &released,
        "destinations.backup.owner_override",
        json!(false),
    );
    let left = with(
        &released,
        "destinations.backup.manage_bucket_policy",
        json!(false),
    );
    let plan = terraform.plan(&left).await;
    let error = "destinations[\"backup\"].manage_bucket_policy: The policy of bucket acme-archive-backup does not let the role in";
    assert_eq!(plan.said.errors, [error], "ours are about to go");
    {
        // Its new owner grants the same by statements of their own.
        let mut aws = terraform.cloud.aws.state();
        let policy = bucket(&mut aws, "acme-archive-backup")
            .policy
            .as_mut()
            .unwrap();
        let theirs = policy.statements.clone().into_iter().enumerate();
        let theirs = theirs.map(|(number, mut statement)| {
            statement.sid = Some(format!("Own{number}"));
            statement
        });
        let theirs: Vec<_> = theirs.collect();
        policy.statements.extend(theirs);
    }
    terraform.converge(&left).await;
    let aws = terraform.cloud.aws.state();
    let policy = aws.buckets["acme-archive-backup"].policy.clone().unwrap();
    let sids: Vec<_> = policy.statements.iter().filter_map(|s| s.name()).collect();
    assert_eq!(sids, ["Own0", "Own1"]);
}
