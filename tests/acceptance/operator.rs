//! The least operator: deploy roles that may do what `operator_policy` says, and nothing else, under an AWS that refuses
//! the rest.
//!
//! What the emulator judges otherwise than AWS is granted beside that, by name, in [`EMULATOR_ALONE`]; every call of a
//! run is held against the documents themselves, by our own evaluator, in `tests/provider/operator_policy.rs`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::emulator::{Account, DEPLOY_ROLE};
use support::s3_control::Play;
use support::terraform::Client;
use support::{Outcome, python};

use crate::backfill::{command, control};
use crate::on_each_client;
use crate::setup::{DESTINATION_REGION, SOURCE_REGION, Setup};

on_each_client!(
    a_setup_lives_and_dies_with_exactly_the_documented_actions needs OfflineFunctions,
    a_plan_takes_no_more_than_read_access needs OfflineFunctions,
);

/// What the emulator judges by an alias, or by nothing that has a name, and AWS by the key behind it and its tags; and
/// versions of canaries, for whose deletion it asks for `s3:DeleteObject` where AWS asks for `s3:DeleteObjectVersion`.
const EMULATOR_ALONE: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "arn:aws:kms:*:*:alias/*" },
    { "Effect": "Allow", "Action": ["kms:CreateAlias", "kms:DeleteAlias"], "Resource": "*" },
    { "Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::*/.replicated-verification/*" }
  ]
}"#;

/// The setup, as the resource and the function take it.
const SETUP: &str = r#"
locals {
  setup = {
    source = {
      bucket     = "<bucket>"
      region     = "<region>"
      account_id = "<source>"
      encryption = { sse_algorithm = "aws:kms" }
    }
    destinations = {
      backup = {
        bucket        = "<bucket>-backup"
        region        = "<away>"
        assume_role   = { role_arn = "<role>" }
        storage_class = "<class>"
        lifecycle_rules = {
          old = { noncurrent_version_expiration = { noncurrent_days = <days> } }
        }
      }
    }
    tags         = { team = "<team>" }
    verification = { timeout = "20s" }
  }
}
"#;

const RESOURCE: &str = r#"
resource "replicated_bucket" "archive" {
  source       = local.setup.source
  destinations = local.setup.destinations
  tags         = local.setup.tags
  verification = local.setup.verification
}
"#;

const POLICIES: &str = r#"
output "operators" {
  value = {
    for access in ["read", "write"] :
    access => provider::replicated::operator_policy(merge(local.setup, { access = access }))
  }
}
"#;

fn text(team: &str, class: &str, days: u8) -> String {
    SETUP
        .replace("<region>", SOURCE_REGION)
        .replace("<away>", DESTINATION_REGION)
        .replace("<team>", team)
        .replace("<class>", class)
        .replace("<days>", &days.to_string())
}

/// The documents by access and account.
type Documents = BTreeMap<String, BTreeMap<String, String>>;

/// Accounts whose deploy roles may do nothing yet, and what they are to be allowed.
async fn setup(client: Client) -> Outcome<(Setup, Documents)> {
    let setup = Setup::new(client).await?;
    setup.main(&(text("archive", "STANDARD_IA", 30) + POLICIES))?;
    setup.workspace.apply().await?.success()?;
    let state = setup.workspace.state_json().await?;
    let documents: Documents =
        serde_json::from_value(state["values"]["outputs"]["operators"]["value"].clone())?;
    for documents in documents.values() {
        let accounts: Vec<&str> = documents.keys().map(String::as_str).collect();
        let mut expected = [setup.source.id(), setup.destination.id()];
        expected.sort_unstable();
        assert_eq!(accounts, expected);
    }
    std::fs::remove_file(setup.workspace.path().join("terraform.tfstate"))?;
    setup.main(&(text("archive", "STANDARD_IA", 30) + RESOURCE))?;
    setup.proxy.take_log();
    Ok((setup, documents))
}

/// From now on the deploy roles of both accounts may do this and nothing else.
async fn grant(setup: &Setup, documents: &BTreeMap<String, String>) -> Outcome {
    for account in [&setup.source, &setup.destination] {
        allow(account, "deploy", &documents[account.id()]).await?;
        allow(account, "emulator", EMULATOR_ALONE).await?;
    }
    Ok(())
}

async fn allow(account: &Account, name: &str, document: &str) -> Outcome {
    let iam = account.clients(SOURCE_REGION).iam;
    let put = iam
        .put_role_policy()
        .role_name(DEPLOY_ROLE)
        .policy_name(name);
    put.policy_document(document).send().await?;
    Ok(())
}

/// The calls that were refused for want of a permission.
fn refused(setup: &Setup) -> Vec<String> {
    let log = setup.proxy.take_log();
    let refused = log.calls().iter().filter(|call| call.status == Some(403));
    refused.map(|call| call.operation.clone()).collect()
}

async fn a_setup_lives_and_dies_with_exactly_the_documented_actions(client: Client) -> Outcome {
    let (setup, documents) = setup(client).await?;
    grant(&setup, &documents["write"]).await?;
    setup.workspace.plan().await?.with_code(2)?;
    setup.apply().await?;
    for change in [
        text("letters", "STANDARD_IA", 30),
        text("letters", "GLACIER_IR", 60),
    ] {
        setup.main(&(change + RESOURCE))?;
        setup.workspace.plan().await?.with_code(2)?;
        setup.apply().await?;
    }
    // One of the create, and one of the change of the class.
    assert_eq!(setup.proxy.count("PutObject"), 2);
    assert_eq!(objects(&setup).await?, Vec::<String>::new());
    setup
        .at_source()
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;
    setup
        .at_destination()
        .empty_bucket(&setup.replica_bucket())
        .await?;
    setup.at_source().empty_bucket(&setup.bucket).await?;
    setup.destroy().await?;
    assert_eq!(refused(&setup), Vec::<String>::new());
    Ok(())
}

async fn a_plan_takes_no_more_than_read_access(client: Client) -> Outcome {
    let (setup, documents) = setup(client).await?;
    grant(&setup, &documents["read"]).await?;
    setup.workspace.plan().await?.with_code(2)?;
    assert_eq!(refused(&setup), Vec::<String>::new());
    let run = setup.workspace.apply().await?.with_code(1)?;
    assert!(run.text().contains("AccessDenied"), "{run}");
    assert_eq!(setup.remains().await?, Vec::<String>::new());

    grant(&setup, &documents["write"]).await?;
    setup.apply().await?;
    grant(&setup, &documents["read"]).await?;
    refused(&setup);
    setup.workspace.plan().await?.success()?;
    assert_eq!(refused(&setup), Vec::<String>::new());
    Ok(())
}

/// What the page "What the operator needs" has of backfills, on the resources of a setup.
fn rows_of_a_backfill(setup: &Setup) -> Outcome<String> {
    let account = setup.source.id();
    let page = python::repository().join("docs/guides/operator-permissions.md");
    let page = std::fs::read_to_string(page)?;
    let rows = page
        .lines()
        .filter(|row| row.contains("`replicated_bucket_backfill`"));
    let mut statements = Vec::new();
    for row in rows.filter(|row| row.starts_with('|') && !row.contains("report_bucket")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (action, on) = (cells[2].trim_matches('`'), cells[3]);
        let resource = match on.split(',').next().unwrap_or_default() {
            "`*`" => "*".to_owned(),
            "jobs of the account and region" => {
                format!("arn:aws:s3:{SOURCE_REGION}:{account}:job/*")
            }
            "the backfill's role" => {
                format!("arn:aws:iam::{account}:role/backfill-{}", setup.bucket)
            }
            other => return Err(format!("nobody knows what {other:?} is").into()),
        };
        let mut statement = json!({ "Effect": "Allow", "Action": action, "Resource": resource });
        if on.contains("passed to") {
            let service = "batchoperations.s3.amazonaws.com";
            statement["Condition"] = json!({ "StringEquals": { "iam:PassedToService": service } });
        }
        statements.push(statement);
    }
    assert!(statements.len() > 10, "{statements:?}");
    Ok(json!({ "Version": "2012-10-17", "Statement": statements }).to_string())
}

#[tokio::test]
async fn a_backfill_takes_no_more_than_read_access_and_its_rows() -> Outcome {
    let (mut setup, documents) = setup(Client::from_python()?).await?;
    grant(&setup, &documents["write"]).await?;
    setup.apply().await?;
    let import_id = setup.state().await?["import_id"].clone();
    let import_id = import_id.as_str().ok_or("no import ID")?;
    grant(&setup, &documents["read"]).await?;
    let play = Play {
        objects: 10,
        ..Play::default()
    };
    let control = control(&mut setup.workspace, play).await?;
    let region = format!("--region={SOURCE_REGION}");
    let rows = rows_of_a_backfill(&setup)?;

    let fewer = without(&rows, "iam:PutRolePolicy")?;
    allow(&setup.source, "backfill", &fewer).await?;
    let run = command(&setup, &[import_id, &region]).output().await?;
    let told = String::from_utf8(run.stderr)?;
    assert_eq!(run.status.code(), Some(1), "{told}");
    assert!(told.contains("iam:PutRolePolicy"), "{told}");
    assert!(control.statuses().is_empty());

    allow(&setup.source, "backfill", &rows).await?;
    refused(&setup);
    let run = command(&setup, &[import_id, &region]).output().await?;
    let told = String::from_utf8(run.stderr)?;
    assert_eq!(run.status.code(), Some(0), "{told}");
    assert_eq!(control.statuses(), ["Complete"]);
    assert_eq!(refused(&setup), Vec::<String>::new());
    let remains = setup.at_source().remains().await?;
    let roles = remains.iter().filter(|line| line.contains("backfill-"));
    assert_eq!(roles.count(), 0, "{remains:?}");
    Ok(())
}

/// The keys of every version in both buckets.
async fn objects(setup: &Setup) -> Outcome<Vec<String>> {
    let mut keys = Vec::new();
    for (clients, bucket) in [
        (setup.at_source(), setup.bucket.clone()),
        (setup.at_destination(), setup.replica_bucket()),
    ] {
        let list = clients.s3.list_object_versions().bucket(bucket);
        let seen = list.send().await?;
        let versions = seen.versions().iter().filter_map(|version| version.key());
        keys.extend(versions.map(str::to_owned));
    }
    Ok(keys)
}

/// The document without one action.
fn without(document: &str, action: &str) -> Outcome<String> {
    let mut document: Value = serde_json::from_str(document)?;
    for statement in document["Statement"].as_array_mut().into_iter().flatten() {
        match &mut statement["Action"] {
            Value::Array(actions) => actions.retain(|granted| granted != action),
            alone if alone == action => *alone = json!("s3:Nothing"),
            _ => {}
        }
    }
    Ok(document.to_string())
}

#[tokio::test]
async fn a_right_that_was_taken_away_is_named_and_nothing_is_left() -> Outcome {
    let (setup, documents) = setup(Client::from_python()?).await?;
    for (account, action, call) in [
        (
            &setup.source,
            "s3:PutReplicationConfiguration",
            "s3:PutBucketReplication",
        ),
        (
            &setup.destination,
            "s3:PutEncryptionConfiguration",
            "s3:PutBucketEncryption",
        ),
        (
            &setup.destination,
            "kms:EnableKeyRotation",
            "kms:EnableKeyRotation",
        ),
        (&setup.source, "iam:PutRolePolicy", "iam:PutRolePolicy"),
    ] {
        let mut fewer = documents["write"].clone();
        let document = fewer.get_mut(account.id()).ok_or("no document")?;
        *document = without(document, action)?;
        grant(&setup, &fewer).await?;
        let run = setup.workspace.apply().await?.with_code(1)?;
        let told = run.text();
        assert!(
            told.contains(call) && told.contains("AccessDenied"),
            "{action}: {run}"
        );
        assert_eq!(setup.remains().await?, Vec::<String>::new(), "{action}");
    }
    Ok(())
}
