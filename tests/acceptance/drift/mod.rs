//! What a person changed by hand shows in the plan, and apply repairs it.
//!
//! A sample of `tests/provider/drift`, which has every difference: here they are made with AWS's own SDK, many at
//! once, so that none of them may hide another.

mod by_hand;
mod everything;

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use serde_json::Value;
use support::Outcome;
use support::closing::say;
use support::terraform::Client;

use self::everything::everything;
use crate::on_each_client;
use crate::setup::{DESTINATION_REGION, Setup};

on_each_client!(
    a_removed_bucket_policy_is_put_back,
    settings_of_every_component_show_at_once,
    what_is_gone_is_made_again,
    a_policy_spelled_otherwise_is_no_difference,
);

/// Something that a person does, and the paths of the plan at which it shows.
struct Difference {
    name: &'static str,
    make: for<'a> fn(&'a Setup) -> BoxFuture<'a, Outcome>,
    shows: &'static [&'static str],
}

macro_rules! difference {
    ($name:ident, [$($path:literal),+ $(,)?]) => {
        Difference {
            name: stringify!($name),
            make: |setup| Box::pin(by_hand::$name(setup)),
            shows: &[$($path),+],
        }
    };
}

/// Tags, rules and statements of every kind.
async fn whole(client: Client) -> Outcome<Setup> {
    let setup = Setup::new(client).await?;
    setup.resource(&format!(
        r#"
  tags   = {{ team = "archive" }}
  role   = {{ description = "Copies" }}
  source = {{
    bucket     = "<bucket>"
    encryption = {{ sse_algorithm = "aws:kms" }}
    policy = jsonencode({{
      Version = "2012-10-17"
      Statement = [{{
        Sid       = "List"
        Effect    = "Allow"
        Principal = {{ AWS = "<destination>" }}
        Action    = "s3:ListBucket"
        Resource  = "arn:aws:s3:::<bucket>"
      }}]
    }})
  }}
  destinations = {{
    backup = {{
      bucket      = "<bucket>-backup"
      region      = "{DESTINATION_REGION}"
      assume_role = {{ role_arn = "<role>" }}
      tags        = {{ side = "backup" }}
      policy = jsonencode({{
        Version = "2012-10-17"
        Statement = [{{
          Sid       = "Read"
          Effect    = "Allow"
          Principal = {{ AWS = "<source>" }}
          Action    = ["s3:GetObject", "s3:GetObjectVersion"]
          Resource  = "arn:aws:s3:::<bucket>-backup/*"
        }}]
      }})
      lifecycle_rules = {{
        old = {{ noncurrent_version_expiration = {{ noncurrent_days = 90 }} }}
      }}
    }}
  }}
"#
    ))?;
    setup.apply().await?;
    Ok(setup)
}

/// Makes all differences: the plan shows each at its paths and nothing else, and an apply repairs them all.
async fn check(setup: &Setup, case: &str, differences: &[Difference]) -> Outcome {
    let before = everything(setup).await?;
    for difference in differences {
        let made = (difference.make)(setup).await;
        made.map_err(|error| format!("{}: {error}", difference.name))?;
    }
    assert_ne!(everything(setup).await?, before);
    let planned = setup.planned().await?;
    assert_eq!(planned["actions"], serde_json::json!(["update"]));
    let shown = shown(&planned);
    let of = |difference: &Difference| difference.shows.iter().all(|path| shown.contains(*path));
    let detected = differences.iter().filter(|d| of(d)).count();
    let expected = differences.iter().flat_map(|d| d.shows);
    let expected: BTreeSet<String> = expected.map(|path| (*path).to_owned()).collect();
    assert_eq!(shown, expected);

    let run = setup.workspace.run(&["apply", "-no-color", "tfplan"]);
    run.await?.success()?;
    setup.workspace.plan().await?.success()?;
    assert_eq!(everything(setup).await?, before);
    let total = differences.len();
    let line = format!(
        "drift: under Terraform, {case}: {total} differences: {detected} detected, {total} repaired"
    );
    say(&line);
    Ok(())
}

/// The paths of a planned change at which something differs.
pub(crate) fn shown(planned: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    compare("", &planned["before"], &planned["after"], &mut found);
    unknown("", &planned["after_unknown"], &mut found);
    found
}

fn compare(path: &str, old: &Value, new: &Value, found: &mut BTreeSet<String>) {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            for name in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                let none = &Value::Null;
                let of = |values: &serde_json::Map<String, Value>| {
                    values.get(name).unwrap_or(none).clone()
                };
                compare(&format!("{path}.{name}"), &of(a), &of(b), found);
            }
        }
        _ if old == new => {}
        _ => {
            found.insert(path.trim_start_matches('.').to_owned());
        }
    }
}

fn unknown(path: &str, marks: &Value, found: &mut BTreeSet<String>) {
    match marks {
        Value::Bool(true) => {
            found.insert(path.trim_start_matches('.').to_owned());
        }
        Value::Object(marks) => {
            for (name, marks) in marks {
                unknown(&format!("{path}.{name}"), marks, found);
            }
        }
        _ => {}
    }
}

async fn settings_of_every_component_show_at_once(client: Client) -> Outcome {
    let setup = whole(client).await?;
    let differences = [
        // S3 takes rules only while both buckets are versioned.
        difference!(change_the_rule, ["destinations.backup.storage_class"]),
        difference!(suspend_versioning, ["components.destination/backup/bucket"]),
        difference!(
            let_public_acls_in,
            ["source.public_access_block.block_public_acls"]
        ),
        difference!(own_objects_otherwise, ["source.object_ownership"]),
        difference!(
            tag_a_bucket,
            [
                "destinations.backup.tags.by",
                "destinations.backup.tags_all.by"
            ]
        ),
        difference!(
            encrypt_otherwise,
            [
                "destinations.backup.encryption.sse_algorithm",
                "destinations.backup.encryption.bucket_key_enabled",
            ]
        ),
        difference!(
            expire_everything,
            [
                "destinations.backup.lifecycle_rules.by-hand",
                "destinations.backup.lifecycle_rules.old"
            ]
        ),
        difference!(
            change_our_statement,
            ["components.destination/backup/bucket_policy"]
        ),
        difference!(withdraw_the_policy, ["source.policy"]),
        difference!(stop_rotation, ["source.encryption.key.enable_key_rotation"]),
        difference!(
            describe_a_key,
            ["destinations.backup.encryption.key.description"]
        ),
        difference!(
            tag_a_key,
            [
                "source.encryption.key.tags",
                "source.encryption.key.tags_all.by"
            ]
        ),
        difference!(close_a_key, ["components.destination/backup/key"]),
        difference!(delete_the_alias_of_the_source, ["components.source/alias"]),
        difference!(describe_the_role, ["role.description"]),
        difference!(tag_the_role, ["role.tags", "role.tags_all.by"]),
        difference!(trust_somebody_else, ["components.role"]),
        difference!(empty_the_grants, ["components.role/policy"]),
    ];
    check(&setup, "settings", &differences).await?;
    setup.destroy().await
}

async fn what_is_gone_is_made_again(client: Client) -> Outcome {
    let setup = whole(client).await?;
    let differences = [
        difference!(
            delete_the_role,
            [
                "components.role",
                "components.role/policy",
                "role.unique_id",
                "components.destination/backup/bucket_policy",
                "components.destination/backup/key"
            ]
        ),
        difference!(delete_the_rules, ["components.source/replication"]),
        difference!(delete_an_alias, ["components.destination/backup/alias"]),
        difference!(delete_a_key, ["components.source/key"]),
        difference!(
            delete_the_public_access_block,
            [
                "source.public_access_block.block_public_acls",
                "source.public_access_block.block_public_policy",
                "source.public_access_block.ignore_public_acls",
                "source.public_access_block.restrict_public_buckets",
            ]
        ),
        difference!(delete_all_tags, ["source.tags_all.team"]),
        difference!(
            delete_the_destination,
            ["components.destination/backup/bucket"]
        ),
    ];
    check(&setup, "parts that are gone", &differences).await?;
    setup.destroy().await
}

/// What AWS's users may do to a policy without changing what it says, and beside it.
async fn a_policy_spelled_otherwise_is_no_difference(client: Client) -> Outcome {
    let setup = whole(client).await?;
    let at = setup.at_destination();
    let bucket = setup.replica_bucket();
    let mut policy = at.bucket_policy(&bucket).await?;
    by_hand::spell_otherwise(&mut policy);
    at.put_bucket_policy(&bucket, &policy).await?;
    setup.workspace.plan().await?.success()?;
    assert_eq!(at.bucket_policy(&bucket).await?, policy);

    // The role is made again, and AWS shows the id of the one that is gone.
    let id = by_hand::make_the_role_again(&setup).await?;
    let role = format!(
        "arn:aws:iam::{}:role/{}",
        setup.source.id(),
        setup.role_name()
    );
    let stale = |document: &Value| -> Outcome<Value> {
        Ok(serde_json::from_str(
            &document.to_string().replace(&role, &id),
        )?)
    };
    at.put_bucket_policy(&bucket, &stale(&policy)?).await?;
    let key = setup.state().await?["destinations"]["backup"]["kms_key_arn"].clone();
    let key = key.as_str().unwrap_or_default();
    let of_key = at.key_policy(key).await?;
    at.put_key_policy(key, &stale(&of_key)?).await?;
    let planned = shown(&setup.planned().await?);
    let expected = [
        "components.destination/backup/bucket_policy",
        "components.destination/backup/key",
    ];
    assert_eq!(planned, expected.map(str::to_owned).into());
    setup.apply().await?;
    for document in [at.bucket_policy(&bucket).await?, at.key_policy(key).await?] {
        let text = document.to_string();
        assert!(text.contains(&role) && !text.contains(&id), "{text}");
    }
    assert!(
        at.bucket_policy(&bucket)
            .await?
            .to_string()
            .contains("Theirs")
    );
    setup.destroy().await
}

async fn a_removed_bucket_policy_is_put_back(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    let s3 = setup.at_destination().s3;
    let replica = setup.replica_bucket();
    let before = s3.get_bucket_policy().bucket(&replica).send().await?;
    s3.delete_bucket_policy().bucket(&replica).send().await?;

    setup.workspace.plan().await?.with_code(2)?;
    setup.workspace.apply().await?.success()?;

    let after = s3.get_bucket_policy().bucket(&replica).send().await?;
    let meaning = |policy: Option<&str>| -> Outcome<serde_json::Value> {
        Ok(serde_json::from_str(policy.ok_or("no policy")?)?)
    };
    assert_eq!(meaning(after.policy())?, meaning(before.policy())?);
    setup.workspace.plan().await?.success()?;
    Ok(())
}
