//! What is refused of buckets of somebody else's, at plan or at apply.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::ReplicationRule;

use super::{SOURCE, TARGET, beside_rules, bucket, config, refused, their_rule, world};
use crate::configs::{ABROAD, THIRD, deploy, with, without};
use crate::terraform::Terraform;

#[tokio::test(start_paused = true)]
async fn what_cannot_stand_beside_the_rules_of_others_is_refused_at_plan() {
    let (mut terraform, fitting) = beside_rules().await;
    refused(
        &mut terraform,
        &config(),
        "role.existing_arn: The rules of bucket their-source have another role",
    )
    .await;
    refused(
        &mut terraform,
        &with(&fitting, "destinations.archive.priority", json!(2)),
        "source.bucket: A priority is taken in bucket their-source",
    )
    .await;
    let change = |change: fn(&mut ReplicationRule)| {
        let mut aws = terraform.cloud.aws.state();
        let rules = bucket(&mut aws, SOURCE).replication.as_mut().unwrap();
        change(&mut rules.rules[0]);
    };
    change(|rule| rule.filter = None);
    refused(
        &mut terraform,
        &fitting,
        "source.bucket: Rule theirs of bucket their-source is of the first version",
    )
    .await;
    {
        let mut aws = terraform.cloud.aws.state();
        let rules = bucket(&mut aws, SOURCE).replication.as_mut().unwrap();
        rules.rules[0] = their_rule("replicated-elsewhere", 0);
    }
    refused(
        &mut terraform,
        &fitting,
        "source.bucket: Bucket their-source is the source of another replicated_bucket",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn versioning_is_asked_for_and_turned_on_only_where_that_is_said() {
    for bucket_name in [SOURCE, TARGET] {
        let mut terraform = world().await;
        let side = if bucket_name == SOURCE {
            "source"
        } else {
            "destinations.archive"
        };
        bucket(&mut terraform.cloud.aws.state(), bucket_name).versioning = None;
        let path = match side {
            "source" => "source.enable_versioning".to_owned(),
            _ => "destinations[\"archive\"].enable_versioning".to_owned(),
        };
        let error = format!("{path}: Bucket {bucket_name} has no versioning");
        refused(&mut terraform, &config(), &error).await;
        let enabling = with(&config(), &format!("{side}.enable_versioning"), json!(true));
        terraform.converge(&enabling).await;
        // Suspended by hand, it is turned on again; and not where that is no longer said.
        let suspend = |terraform: &Terraform| {
            let mut aws = terraform.cloud.aws.state();
            bucket(&mut aws, bucket_name).versioning = Some("Suspended".to_owned());
        };
        suspend(&terraform);
        let plan = terraform.plan(&enabling).await;
        assert_eq!(plan.said.errors, Vec::<String>::new());
        assert!(!plan.is_empty);
        terraform.converge(&enabling).await;
        terraform.converge(&config()).await;
        suspend(&terraform);
        let plan = terraform.plan(&config()).await;
        assert_eq!(plan.said.errors, [error]);
        let shown = terraform.at("/components").to_string();
        assert!(shown.contains("(versioning suspended)"), "{shown}");
        bucket(&mut terraform.cloud.aws.state(), bucket_name).versioning =
            Some("Enabled".to_owned());
        assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
        let aws = terraform.cloud.aws.state();
        assert_eq!(
            aws.buckets[bucket_name].versioning.as_deref(),
            Some("Enabled")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_not_there_yet_is_an_error_only_at_apply() {
    for name in [SOURCE, TARGET] {
        let mut terraform = world().await;
        let gone = terraform.cloud.aws.state().buckets.remove(name).unwrap();
        let plan = terraform.plan(&config()).await;
        assert_eq!(plan.said.errors, Vec::<String>::new());
        let said = terraform.carry_out(plan, &config()).await;
        let path = if name == SOURCE {
            "source.bucket"
        } else {
            "destinations[\"archive\"].bucket"
        };
        assert_eq!(
            said.errors,
            [format!("{path}: Bucket {name} does not exist")]
        );
        assert_eq!(terraform.cloud.aws.state().writes, Vec::<String>::new());
        // Another resource of the same apply makes it between plan and apply.
        let plan = terraform.plan(&config()).await;
        terraform
            .cloud
            .aws
            .state()
            .buckets
            .insert(name.to_owned(), gone);
        let said = terraform.carry_out(plan, &config()).await;
        assert_eq!(said.errors, Vec::<String>::new());
        terraform.assert_settled(&config()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_of_another_region_or_account_is_refused() {
    let mut terraform = world().await;
    let elsewhere = with(&config(), "destinations.archive.region", json!("us-east-1"));
    refused(
        &mut terraform,
        &elsewhere,
        "destinations[\"archive\"].region: Bucket their-target is in another region",
    )
    .await;
    let other_account = with(&config(), "destinations.archive.assume_role", deploy(THIRD));
    refused(
        &mut terraform,
        &other_account,
        "destinations[\"archive\"].bucket: Bucket their-target cannot be looked at",
    )
    .await;
}

#[tokio::test]
async fn what_does_not_go_with_an_existing_bucket_is_refused_at_its_attribute() {
    let terraform = Terraform::new();
    let target = "destinations[\"archive\"]";
    for (path, value, error) in [
        (
            "source.force_destroy",
            json!(false),
            "source.force_destroy: Not with an existing bucket",
        ),
        (
            "source.object_ownership",
            json!("ObjectWriter"),
            "source.object_ownership: Not with an existing bucket",
        ),
        (
            "source.public_access_block",
            json!({ "block_public_acls": true }),
            "source.public_access_block: Not with an existing bucket",
        ),
        (
            "source.tags",
            json!({}),
            "source.tags: Not with an existing bucket",
        ),
        (
            "destinations.archive.tags",
            json!({ "a": "b" }),
            "{target}.tags: Not with an existing bucket",
        ),
        (
            "destinations.archive.force_destroy",
            json!(true),
            "{target}.force_destroy: Not with an existing bucket",
        ),
        (
            "destinations.archive.bucket",
            Json::Null,
            "{target}.bucket: Which bucket?",
        ),
        (
            "destinations.archive.enable_encryption",
            json!(true),
            "{target}.enable_encryption: Only on an existing source",
        ),
        (
            "source.enable_encryption",
            json!(true),
            "source.enable_encryption: Which encryption?",
        ),
        (
            "source.encryption",
            json!({ "sse_algorithm": "aws:kms" }),
            "source.encryption: Which key?",
        ),
    ] {
        let said = terraform.validate(&with(&config(), path, value)).await;
        assert_eq!(said.errors, [error.replace("{target}", target)]);
    }
    let ours = without(
        &without(&config(), "source.existing"),
        "destinations.archive.existing",
    );
    for (path, value) in [
        ("source.enable_versioning", json!(true)),
        ("source.enable_encryption", json!(true)),
        ("source.manage_bucket_policy", json!(false)),
        ("destinations.archive.enable_versioning", json!(true)),
        ("destinations.archive.manage_bucket_policy", json!(false)),
        ("destinations.archive.reachable", json!(false)),
    ] {
        let said = terraform.validate(&with(&ours, path, value)).await;
        let told = path.replace("destinations.archive", target);
        assert_eq!(
            said.errors,
            [format!("{told}: Only with an existing bucket")]
        );
        let default = json!(path.contains("manage") || path.contains("reachable"));
        let said = terraform.validate(&with(&ours, path, default)).await;
        assert_eq!(said.errors, Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_cannot_be_found_out_of_a_bucket_out_of_reach_must_be_told() {
    let terraform = Terraform::new();
    let target = "destinations[\"archive\"]";
    let told = json!({
        "bucket": TARGET,
        "existing": true,
        "reachable": false,
        "account_id": ABROAD,
        "region": "us-west-2",
    });
    let config = with(&config(), "destinations.archive", told);
    assert!(terraform.validate(&config).await.is_fine());
    for (path, value, error) in [
        (
            "account_id",
            Json::Null,
            "account_id: It cannot be found out",
        ),
        ("region", Json::Null, "region: It cannot be found out"),
        (
            "profile",
            json!("x"),
            "profile: Not possible with reachable = false",
        ),
        (
            "assume_role",
            deploy(ABROAD),
            "assume_role: Not possible with reachable = false",
        ),
        (
            "enable_versioning",
            json!(true),
            "enable_versioning: Not possible with reachable = false",
        ),
        (
            "manage_bucket_policy",
            json!(true),
            "manage_bucket_policy: Not possible with reachable = false",
        ),
        (
            "encryption",
            json!({ "sse_algorithm": "aws:kms" }),
            "encryption.kms_key_arn: Which key?",
        ),
    ] {
        let path = format!("destinations.archive.{path}");
        let said = terraform.validate(&with(&config, &path, value)).await;
        assert_eq!(said.errors, [format!("{target}.{error}")]);
    }
}
