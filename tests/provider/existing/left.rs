//! Default encryption and policies of somebody else's: followed, written on request, and otherwise left alone.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::{BucketEncryption, Input};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use super::{SOURCE, TARGET, THEIR_ROLE, THEIR_STATEMENT, bucket, config, plain, refused, world};
use crate::configs::{ABROAD, HOME, with};
use crate::terraform::{SOMEBODYS_KEY, Terraform};

#[tokio::test(start_paused = true)]
async fn the_default_encryption_of_their_buckets_is_read_and_followed() {
    let mut terraform = world().await;
    let key = |number: usize| {
        format!("arn:aws:kms:us-west-2:{ABROAD}:{SOMEBODYS_KEY}00000000000{number}")
    };
    let under = |number: usize| BucketEncryption {
        sse_algorithm: "aws:kms".to_owned(),
        kms_key: Some(Input::Known(key(number))),
        bucket_key_enabled: true,
        blocked_encryption_types: Vec::new(),
    };
    bucket(&mut terraform.cloud.aws.state(), TARGET).encryption = under(0);
    let plan = terraform.plan(&config()).await;
    assert_eq!(plan.said.errors, Vec::<String>::new());
    terraform.converge(&config()).await;
    let arn = "/destinations/archive/kms_key_arn";
    assert_eq!(terraform.at(arn), json!(key(0)));
    // Their owner takes another key, and the rules follow.
    bucket(&mut terraform.cloud.aws.state(), TARGET).encryption = under(1);
    terraform.converge(&config()).await;
    assert_eq!(terraform.at(arn), json!(key(1)));
    let aws = terraform.cloud.aws.state();
    let rules = &aws.buckets[SOURCE].replication.as_ref().unwrap().rules;
    assert_eq!(rules[0].replica_kms_key, Some(Input::Known(key(1))));
    assert_eq!(aws.buckets[TARGET].encryption, under(1));
}

#[tokio::test(start_paused = true)]
async fn replicas_arrive_under_the_key_that_is_written_and_the_bucket_keeps_its_own_default() {
    let mut terraform = world().await;
    let key = format!("arn:aws:kms:us-west-2:{ABROAD}:{SOMEBODYS_KEY}000000000000");
    let theirs = with(
        &config(),
        "destinations.archive.encryption",
        json!({ "kms_key_arn": key }),
    );
    terraform.converge(&theirs).await;
    let ours = with(
        &config(),
        "destinations.archive.encryption",
        json!({ "sse_algorithm": "aws:kms" }),
    );
    terraform.converge(&ours).await;
    let made = terraform.at("/destinations/archive/kms_key_arn");
    assert_ne!(made, json!(key));
    {
        let aws = terraform.cloud.aws.state();
        assert_eq!(aws.buckets[TARGET].encryption, plain());
        assert_eq!(aws.keys[made.as_str().unwrap()].state, "Enabled");
    }
    // What we made for it lives as long as it.
    let said = terraform.destroy().await;
    assert_eq!(said.errors, Vec::<String>::new());
    let stays = format!(
        "destinations[\"archive\"]: Key {} stays",
        made.as_str().unwrap()
    );
    assert!(said.warnings.contains(&stays), "{:?}", said.warnings);
    let aws = terraform.cloud.aws.state();
    assert_eq!(aws.keys[made.as_str().unwrap()].state, "Enabled");
}

#[tokio::test(start_paused = true)]
async fn the_default_encryption_of_a_source_is_written_only_when_told_and_put_back() {
    let enabling = with(
        &with(
            &config(),
            "source.encryption",
            json!({ "sse_algorithm": "aws:kms" }),
        ),
        "source.enable_encryption",
        json!(true),
    );
    let found = BucketEncryption {
        blocked_encryption_types: vec!["SSE-C".to_owned()],
        ..plain()
    };
    for released in [false, true] {
        let mut terraform = world().await;
        bucket(&mut terraform.cloud.aws.state(), SOURCE).encryption = found.clone();
        let told = with(&enabling, "source.enable_encryption", json!(false));
        let key = format!("arn:aws:kms:eu-west-1:{HOME}:{SOMEBODYS_KEY}000000000000");
        let told = with(&told, "source.encryption.kms_key_arn", json!(key));
        refused(
            &mut terraform,
            &told,
            "source.encryption: Bucket their-source is encrypted otherwise",
        )
        .await;
        terraform.converge(&enabling).await;
        {
            let mut aws = terraform.cloud.aws.state();
            let source = bucket(&mut aws, SOURCE);
            assert_eq!(source.encryption.sse_algorithm, "aws:kms");
            assert_eq!(source.encryption.blocked_encryption_types, ["SSE-C"]);
            // Somebody takes it back, and the apply mends it.
            source.encryption = found.clone();
        }
        let plan = terraform.plan(&enabling).await;
        assert!(!plan.is_empty);
        terraform.converge(&enabling).await;
        if released {
            terraform.converge(&config()).await;
        } else {
            assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
        }
        let aws = terraform.cloud.aws.state();
        assert_eq!(aws.buckets[SOURCE].encryption, found);
        assert!(aws.keys.values().all(|key| key.state == "Enabled"));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_that_their_policy_grants_already() {
    let mut terraform = world().await;
    let role = |config: &Json| with(config, "role", json!({ "existing_arn": THEIR_ROLE }));
    let wide = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Wide","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":["s3:Replicate*","s3:ObjectOwnerOverrideToBucketOwner","s3:GetBucketVersioning","s3:List*"],"Resource":["arn:aws:s3:::their-target","arn:aws:s3:::their-target/*"]}]}"#;
    bucket(&mut terraform.cloud.aws.state(), TARGET).policy =
        Some(PolicyDocument::parse(wide).unwrap());
    let config = role(&config());
    terraform.converge(&config).await;
    let policies = |terraform: &Terraform| {
        let aws = terraform.cloud.aws.state();
        let writes = aws.writes.iter();
        writes.filter(|w| w.contains("BucketPolicy")).count()
    };
    assert_eq!(policies(&terraform), 0);
    // Once the grant is gone, ours takes its place, and stays when theirs comes back.
    bucket(&mut terraform.cloud.aws.state(), TARGET).policy = None;
    terraform.converge(&config).await;
    assert_eq!(policies(&terraform), 1);
    let mut both = PolicyDocument::parse(wide).unwrap();
    let ours = terraform.cloud.aws.state().buckets[TARGET]
        .policy
        .clone()
        .unwrap();
    both.statements.extend(ours.statements);
    bucket(&mut terraform.cloud.aws.state(), TARGET).policy = Some(both);
    terraform.assert_settled(&config).await;
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_left_to_its_owner_is_evaluated_and_never_written() {
    let mut terraform = world().await;
    let role = json!({ "existing_arn": THEIR_ROLE });
    let managed = with(&config(), "role", role);
    let left = with(
        &managed,
        "destinations.archive.manage_bucket_policy",
        json!(false),
    );
    let error = "destinations[\"archive\"].manage_bucket_policy: The policy of bucket their-target does not let the role in";
    refused(&mut terraform, &left, error).await;
    // Its owner adds what is told, under its own names.
    terraform.converge(&managed).await;
    let required = terraform.at("/destinations/archive/policy_json");
    assert_eq!(
        terraform.at("/destinations/archive/required_bucket_policy_json"),
        Json::Null
    );
    let plan = terraform.plan(&left).await;
    assert_eq!(plan.said.errors, [error], "ours are about to go");
    let mut document = PolicyDocument::parse(THEIR_STATEMENT).unwrap();
    let added = PolicyDocument::parse(required.as_str().unwrap()).unwrap();
    document
        .statements
        .extend(
            added
                .statements
                .into_iter()
                .enumerate()
                .map(|(number, statement)| {
                    let mut statement = statement;
                    statement.sid = Some(format!("Own{number}"));
                    statement
                }),
        );
    let ours = terraform.cloud.aws.state().buckets[TARGET]
        .policy
        .clone()
        .unwrap();
    let mut both = ours;
    both.statements
        .extend(document.statements.iter().skip(1).cloned());
    bucket(&mut terraform.cloud.aws.state(), TARGET).policy = Some(both);
    terraform.converge(&left).await;
    let policy = |terraform: &Terraform| {
        let aws = terraform.cloud.aws.state();
        let policy = aws.buckets[TARGET].policy.as_ref().unwrap();
        policy
            .statements
            .iter()
            .filter_map(|s| s.sid.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(policy(&terraform), ["Team", "Own0", "Own1"]);
    assert_eq!(
        terraform.at("/destinations/archive/policy_json"),
        Json::Null
    );
    assert_ne!(
        terraform.at("/destinations/archive/required_bucket_policy_json"),
        Json::Null
    );
    // Somebody takes a grant away: it shows, and is an error again.
    bucket(&mut terraform.cloud.aws.state(), TARGET)
        .policy
        .as_mut()
        .unwrap()
        .statements
        .pop();
    let plan = terraform.plan(&left).await;
    assert_eq!(plan.said.errors, [error]);
    let shown = terraform.at("/components").to_string();
    assert!(shown.contains("(statements missing)"), "{shown}");
    terraform.cloud.aws.state().writes.clear();
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert_eq!(policy(&terraform), ["Team", "Own0"]);
}
