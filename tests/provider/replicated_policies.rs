//! The data source `replicated_policies`: what the resource writes is what it tells, and it writes nothing.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::Input;

use crate::configs::{ABROAD, HOME, UNKNOWN, deploy, kms_abroad, with};
use crate::existing;
use crate::random::existing_key;
use crate::terraform::Terraform;

const NAME: &str = "replicated_policies";

/// The documents that the data source tells of a configuration of the resource.
async fn told(terraform: &Terraform, config: &Json) -> Result<Json, Vec<String>> {
    terraform.cloud.take_writes();
    let told = terraform.data(NAME, config).await;
    let writes = terraform.cloud.take_writes();
    assert!(writes.is_empty(), "a data source wrote");
    told.map_err(|said| {
        let texts = said.errors.into_iter().zip(said.details);
        texts
            .map(|(line, detail)| format!("{line}: {detail}"))
            .collect()
    })
}

fn assert_same(told: &Json, terraform: &Terraform, destination: &str) {
    let of = |attribute: &str| {
        let path = format!("/destinations/{destination}/{attribute}");
        terraform.at(&path)
    };
    assert_eq!(told["role_policy"], terraform.at("/role/policy_json"));
    assert_eq!(
        told["destination_bucket_policy"][destination],
        of("policy_json")
    );
    assert_eq!(
        told["destination_key_policy"][destination],
        of("kms_key_policy_json")
    );
}

#[tokio::test(start_paused = true)]
async fn it_tells_what_the_resource_has_written_with_the_keys_that_were_made() {
    let mut terraform = Terraform::new();
    let config = kms_abroad();
    let refused = told(&terraform, &config).await.unwrap_err().join("\n");
    assert!(
        refused.contains("encryption: A key of this setup is still to be made"),
        "{refused}"
    );
    terraform.converge(&config).await;
    let documents = told(&terraform, &config).await.unwrap();
    assert_same(&documents, &terraform, "backup");
    assert!(
        documents["trust_policy"]
            .as_str()
            .unwrap()
            .contains("s3.amazonaws.com")
    );
    assert_eq!(documents["source"]["bucket"], config["source"]["bucket"]);
}

#[tokio::test(start_paused = true)]
async fn somebodys_key_under_our_alias_is_not_taken_for_ours() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    for key in terraform.cloud.aws.state().keys.values_mut() {
        key.tags.clear();
    }
    let refused = told(&terraform, &kms_abroad())
        .await
        .unwrap_err()
        .join("\n");
    assert!(refused.contains("still to be made"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn what_existing_buckets_have_is_looked_up() {
    let mut terraform = existing::world().await;
    let key = existing_key((HOME, "eu-west-1"), 0);
    {
        let mut aws = terraform.cloud.aws.state();
        let source = aws.buckets.get_mut(existing::SOURCE).unwrap();
        source.encryption.sse_algorithm = "aws:kms".to_owned();
        source.encryption.kms_key = Some(Input::Known(key.clone()));
        source.replication = None;
    }
    let config = with(
        &existing::config(),
        "role",
        json!({ "existing_arn": existing::THEIR_ROLE }),
    );
    let far = json!({ "sse_algorithm": "aws:kms", "kms_key_arn": existing_key((ABROAD, "us-west-2"), 0) });
    let config = with(&config, "destinations.archive.encryption", far);
    let documents = told(&terraform, &config).await.unwrap();
    assert!(
        documents["role_policy"].as_str().unwrap().contains(&key),
        "{documents}"
    );
    terraform.converge(&config).await;
    let documents = told(&terraform, &config).await.unwrap();
    assert_eq!(documents["role_policy"], terraform.at("/role/policy_json"));
    assert_eq!(
        documents["destination_bucket_policy"]["archive"],
        terraform.at("/destinations/archive/policy_json")
    );
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_not_there_yet_is_named() {
    let terraform = Terraform::new();
    let refused = told(&terraform, &existing::config())
        .await
        .unwrap_err()
        .join("\n");
    assert!(
        refused.contains("source.encryption: too little is told"),
        "{refused}"
    );
}

#[tokio::test(start_paused = true)]
async fn it_refuses_what_the_resource_refuses_and_waits_for_what_is_unknown() {
    let terraform = Terraform::new();
    let fine = kms_abroad();
    let cases = [
        with(
            &fine,
            "destinations.again",
            json!({ "bucket": "acme-archive" }),
        ),
        with(&fine, "destinations.backup.rules", json!({})),
        with(&fine, "destinations.backup.storage_class", json!("COLD")),
        with(&fine, "source.object_lock", json!({ "mode": "GOVERNANCE" })),
        with(
            &fine,
            "role",
            json!({ "name": "a", "existing_arn": existing::THEIR_ROLE }),
        ),
        with(
            &fine,
            "destinations.backup.assume_role",
            json!({ "role_arn": "Deploy" }),
        ),
    ];
    for config in cases {
        let resource = terraform.validate(&config).await;
        assert!(!resource.errors.is_empty(), "{config}");
        let data = terraform.validate_data(NAME, &config).await;
        assert_eq!(data.errors, resource.errors, "{config}");
    }
    for path in [
        "source.bucket",
        "destinations.backup",
        "destinations",
        "role",
        "destinations.backup.assume_role.role_arn",
    ] {
        let said = terraform
            .validate_data(NAME, &with(&fine, path, json!(UNKNOWN)))
            .await;
        assert_eq!(said.errors, Vec::<String>::new(), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_lets_nobody_in_is_told() {
    let terraform = Terraform::new();
    terraform.cloud.close(ABROAD);
    let config = with(
        &kms_abroad(),
        "destinations.backup.assume_role",
        deploy(ABROAD),
    );
    let refused = told(&terraform, &config).await.unwrap_err();
    assert!(
        refused[0].contains("destinations[\"backup\"]"),
        "{refused:?}"
    );
}
