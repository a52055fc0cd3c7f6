//! What S3 would be refused, said by a plan under real Terraform before anything is made. The documents that refuse are
//! made in the emulator; how IAM answers is held against a second evaluator in `tests/engine/permission.rs`, because no
//! emulator answers for the requests that S3 itself makes.

use serde_json::json;
use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{DESTINATION_REGION, Setup};

on_each_client!(
    a_statement_of_the_users_own_that_denies_replication_is_refused_at_plan,
    a_boundary_that_lacks_the_keys_is_warned_of_until_its_owner_adds_them,
);

async fn a_statement_of_the_users_own_that_denies_replication_is_refused_at_plan(
    client: Client,
) -> Outcome {
    let setup = Setup::new(client).await?;
    let policy = r#"policy = jsonencode({
        Version = "2012-10-17"
        Statement = [{
          Sid       = "NoReplicas"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:ReplicateObject"
          Resource  = "arn:aws:s3:::<bucket>-backup/*"
        }]
      })"#;
    setup.configure("", policy)?;
    let plan = setup.workspace.plan().await?.with_code(1)?;
    let text = plan.text();
    assert!(text.contains("A policy denies replication"), "{plan}");
    assert!(text.contains("NoReplicas"), "{plan}");
    assert_eq!(setup.proxy.log().writes().count(), 0);
    Ok(())
}

async fn a_boundary_that_lacks_the_keys_is_warned_of_until_its_owner_adds_them(
    client: Client,
) -> Outcome {
    let setup = Setup::new(client).await?;
    let document = |actions: &[&str]| {
        let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
        json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
    };
    let iam = setup.at_source().iam;
    let made = iam
        .create_policy()
        .policy_name("boundary")
        .policy_document(document(&["s3:*"]))
        .send()
        .await?;
    let arn = made
        .policy()
        .and_then(|policy| policy.arn())
        .ok_or("no ARN")?;
    setup.resource(&format!(
        r#"
  source = {{
    bucket     = "<bucket>"
    encryption = {{ sse_algorithm = "aws:kms" }}
  }}
  destinations = {{
    backup = {{
      region      = "{DESTINATION_REGION}"
      assume_role = {{ role_arn = "<role>" }}
    }}
  }}
  role = {{ permissions_boundary = "{arn}" }}
"#
    ))?;
    let alarm = "The permissions boundary refuses replication";
    let plan = setup.workspace.plan().await?.with_code(2)?;
    assert!(plan.text().contains(alarm), "{plan}");
    iam.create_policy_version()
        .policy_arn(arn)
        .policy_document(document(&["s3:*", "kms:*"]))
        .set_as_default(true)
        .send()
        .await?;
    let plan = setup.workspace.plan().await?.with_code(2)?;
    assert!(!plan.text().contains(alarm), "{plan}");
    Ok(())
}
