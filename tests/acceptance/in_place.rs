//! Every attribute that can change does so in place: the plan is an update, the next plan is empty, and AWS
//! shows the new value. One table for each kind of component.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use serde_json::Value;
use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{DESTINATION_REGION, Setup};

on_each_client!(
    attributes_of_the_rule,
    attributes_of_the_bucket,
    attributes_of_the_key,
    attributes_of_the_role,
    tags_on_every_level,
    what_only_terraform_needs_is_written_without_a_call,
);

/// Where in the configuration a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum At {
    Provider,
    Resource,
    Source,
    SourceEncryption,
    SourceKey,
    Destination,
    Role,
}

/// One change: the line that is written (instead of the one before it of the same attribute), and what AWS
/// shows afterwards.
struct Change {
    at: At,
    line: &'static str,
    look: for<'a> fn(&'a Setup) -> BoxFuture<'a, Outcome<String>>,
    shows: &'static str,
}

macro_rules! change {
    ($at:ident, $line:expr, $look:expr, $shows:expr) => {
        Change {
            at: At::$at,
            line: $line,
            look: |setup| Box::pin($look(setup)),
            shows: $shows,
        }
    };
}

/// The lines by place and attribute.
type Lines = BTreeMap<(At, String), String>;

fn write(setup: &Setup, lines: &Lines) -> Outcome {
    let at = |place: At| {
        let there = lines.iter().filter(|((at, _), _)| *at == place);
        there
            .map(|(_, line)| format!("{line}\n"))
            .collect::<String>()
    };
    let object = |name: &str, place: At, rest: &str| match at(place) + rest {
        inner if inner.is_empty() => String::new(),
        inner => format!("{name} = {{\n{inner}\n}}\n"),
    };
    setup.provider(&at(At::Provider))?;
    let key = object("key", At::SourceKey, "");
    let encryption = at(At::SourceEncryption);
    setup.resource(&format!(
        r#"
  source = {{
    bucket     = "<bucket>"
    encryption = {{
      sse_algorithm = "aws:kms"
      {encryption}
      {key}
    }}
    {source}
  }}
  destinations = {{
    backup = {{
      bucket      = "<bucket>-backup"
      region      = "{DESTINATION_REGION}"
      assume_role = {{ role_arn = "<role>" }}
      {destination}
    }}
  }}
  {role}
  {resource}
"#,
        source = at(At::Source),
        destination = at(At::Destination),
        role = object("role", At::Role, ""),
        resource = at(At::Resource),
    ))
}

/// Makes one change after the other.
async fn all(client: Client, changes: &[Change]) -> Outcome {
    let setup = Setup::new(client).await?;
    let mut lines = Lines::new();
    write(&setup, &lines)?;
    setup.apply().await?;
    for change in changes {
        let name = change.line.split_whitespace().next().unwrap_or_default();
        lines.insert((change.at, name.to_owned()), change.line.to_owned());
        write(&setup, &lines)?;
        one(&setup, change)
            .await
            .map_err(|error| format!("{:?}: {}: {error}", change.at, change.line))?;
    }
    Ok(())
}

async fn one(setup: &Setup, change: &Change) -> Outcome {
    let planned = setup.planned().await?;
    if planned["actions"] != serde_json::json!(["update"]) {
        return Err(format!("planned as {}", planned["actions"]).into());
    }
    setup
        .workspace
        .run(&["apply", "-no-color", "tfplan"])
        .await?
        .success()?;
    setup.workspace.plan().await?.success()?;
    let shows = (change.look)(setup).await?;
    if shows != change.shows {
        return Err(format!("AWS shows {shows} and not {}", change.shows).into());
    }
    Ok(())
}

async fn attributes_of_the_rule(client: Client) -> Outcome {
    all(
        client,
        &[
            change!(
                Destination,
                r#"storage_class = "STANDARD_IA""#,
                rule,
                "Enabled, priority 0, delete markers Disabled, to STANDARD_IA"
            ),
            change!(
                Destination,
                r#"storage_class = null"#,
                rule,
                "Enabled, priority 0, delete markers Disabled, to -"
            ),
            change!(
                Destination,
                "delete_marker_replication = true",
                rule,
                "Enabled, priority 0, delete markers Enabled, to -"
            ),
            change!(
                Destination,
                "priority = 7",
                rule,
                "Enabled, priority 7, delete markers Enabled, to -"
            ),
            change!(
                Destination,
                "enabled = false",
                rule,
                "Disabled, priority 7, delete markers Enabled, to -"
            ),
            change!(
                Destination,
                "enabled = true",
                may_replicate_deletions,
                "true"
            ),
            change!(
                Destination,
                "delete_marker_replication = false",
                may_replicate_deletions,
                "false"
            ),
        ],
    )
    .await
}

async fn rule(setup: &Setup) -> Outcome<String> {
    let rules = setup.at_source().rules(&setup.bucket).await?;
    let [rule] = &rules[..] else {
        return Err(format!("{} rules", rules.len()).into());
    };
    let markers = rule.delete_marker_replication().and_then(|d| d.status());
    let class = rule.destination().and_then(|d| d.storage_class());
    Ok(format!(
        "{}, priority {}, delete markers {}, to {}",
        rule.status().as_str(),
        rule.priority().unwrap_or(-1),
        markers.map_or("-", |status| status.as_str()),
        class.map_or("-", |class| class.as_str()),
    ))
}

/// Whether both the destination's policy and the role's allow delete markers to be replicated.
async fn may_replicate_deletions(setup: &Setup) -> Outcome<String> {
    let bucket = setup.replica_bucket();
    let policy = setup.at_destination().bucket_policy(&bucket).await?;
    let granted = |policy: &Value| policy.to_string().contains("s3:ReplicateDelete");
    let grants = setup.grants().await?;
    assert_eq!(granted(&policy), granted(&grants), "{policy}\n{grants}");
    Ok(granted(&policy).to_string())
}

async fn attributes_of_the_bucket(client: Client) -> Outcome {
    all(
        client,
        &[
            change!(
                Source,
                "public_access_block = { block_public_policy = false }",
                public_access,
                "true false true true"
            ),
            change!(
                Source,
                "public_access_block = null",
                public_access,
                "true true true true"
            ),
            change!(
                Source,
                r#"object_ownership = "BucketOwnerPreferred""#,
                ownership,
                "BucketOwnerPreferred"
            ),
            change!(
                Source,
                r#"object_ownership = "BucketOwnerEnforced""#,
                ownership,
                "BucketOwnerEnforced"
            ),
            change!(
                Destination,
                r#"object_ownership = "ObjectWriter""#,
                replica_owner,
                "ObjectWriter, Some(Destination)"
            ),
            change!(
                Destination,
                r#"object_ownership = null"#,
                replica_owner,
                "BucketOwnerEnforced, None"
            ),
            change!(
                SourceEncryption,
                "bucket_key_enabled = false",
                bucket_key,
                "false"
            ),
            change!(
                SourceEncryption,
                "bucket_key_enabled = true",
                bucket_key,
                "true"
            ),
        ],
    )
    .await
}

async fn public_access(setup: &Setup) -> Outcome<String> {
    let get = setup.at_source().s3.get_public_access_block();
    let answer = get.bucket(&setup.bucket).send().await?;
    let block = answer
        .public_access_block_configuration()
        .ok_or("no block")?;
    let on = |switch: Option<bool>| switch == Some(true);
    Ok(format!(
        "{} {} {} {}",
        on(block.block_public_acls()),
        on(block.block_public_policy()),
        on(block.ignore_public_acls()),
        on(block.restrict_public_buckets()),
    ))
}

async fn ownership_of(clients: &support::emulator::Clients, bucket: &str) -> Outcome<String> {
    let get = clients.s3.get_bucket_ownership_controls().bucket(bucket);
    let answer = get.send().await?;
    let rule = answer.ownership_controls().and_then(|c| c.rules().first());
    Ok(rule
        .ok_or("no rule")?
        .object_ownership()
        .as_str()
        .to_owned())
}

async fn ownership(setup: &Setup) -> Outcome<String> {
    ownership_of(&setup.at_source(), &setup.bucket).await
}

/// The destination's ownership, and whom the rule makes the owner of replicas: with ACLs it has to say so.
async fn replica_owner(setup: &Setup) -> Outcome<String> {
    let ownership = ownership_of(&setup.at_destination(), &setup.replica_bucket()).await?;
    let rules = setup.at_source().rules(&setup.bucket).await?;
    let to = rules.first().and_then(|rule| rule.destination());
    let owner = to.and_then(|to| to.access_control_translation());
    Ok(format!(
        "{ownership}, {:?}",
        owner.map(|translation| translation.owner())
    ))
}

async fn bucket_key(setup: &Setup) -> Outcome<String> {
    let (_, _, enabled) = setup.at_source().encryption(&setup.bucket).await?;
    Ok(enabled.to_string())
}

async fn attributes_of_the_key(client: Client) -> Outcome {
    all(
        client,
        &[
            change!(
                SourceKey,
                r#"description = "The archive's key""#,
                key_description,
                "The archive's key"
            ),
            change!(
                SourceKey,
                "rotation_period_in_days = 180",
                rotation,
                "every 180 days"
            ),
            change!(
                SourceKey,
                "rotation_period_in_days = null",
                rotation,
                "every 365 days"
            ),
            change!(SourceKey, "enable_key_rotation = false", rotation, "off"),
            change!(
                SourceKey,
                "enable_key_rotation = true",
                rotation,
                "every 365 days"
            ),
            change!(
                SourceKey,
                r#"alias = "alias/<bucket>-renamed""#,
                aliases,
                "alias/<bucket>-renamed"
            ),
            change!(SourceKey, "alias = null", aliases, "alias/<bucket>"),
        ],
    )
    .await
}

/// The key of the source.
async fn key(setup: &Setup) -> Outcome<String> {
    let state = setup.state().await?;
    let arn = state["source"]["kms_key_arn"].as_str();
    Ok(arn.ok_or("no key in state")?.to_owned())
}

async fn key_description(setup: &Setup) -> Outcome<String> {
    let describe = setup.at_source().kms.describe_key();
    let answer = describe.key_id(key(setup).await?).send().await?;
    let described = answer.key_metadata().and_then(|key| key.description());
    Ok(described.unwrap_or_default().to_owned())
}

async fn rotation(setup: &Setup) -> Outcome<String> {
    let get = setup.at_source().kms.get_key_rotation_status();
    let answer = get.key_id(key(setup).await?).send().await?;
    if !answer.key_rotation_enabled() {
        return Ok("off".to_owned());
    }
    let days = answer.rotation_period_in_days().unwrap_or_default();
    Ok(format!("every {days} days"))
}

async fn aliases(setup: &Setup) -> Outcome<String> {
    let names = setup.at_source().aliases(&key(setup).await?).await?;
    Ok(names.join(" ").replace(&setup.bucket, "<bucket>"))
}

async fn attributes_of_the_role(client: Client) -> Outcome {
    all(
        client,
        &[
            change!(
                Role,
                r#"description = "Carries letters""#,
                role_description,
                "Carries letters"
            ),
            change!(
                Role,
                r#"permissions_boundary = "arn:aws:iam::aws:policy/AmazonS3FullAccess""#,
                boundary,
                "arn:aws:iam::aws:policy/AmazonS3FullAccess"
            ),
            change!(Role, "permissions_boundary = null", boundary, "-"),
            change!(Role, r#"tags = { team = "post" }"#, role_tag, "post"),
            change!(Role, "tags = null", role_tag, "-"),
        ],
    )
    .await
}

async fn role(setup: &Setup) -> Outcome<aws_sdk_iam::types::Role> {
    let get = setup.at_source().iam.get_role();
    let answer = get.role_name(setup.role_name()).send().await?;
    Ok(answer.role.ok_or("no role")?)
}

async fn role_description(setup: &Setup) -> Outcome<String> {
    Ok(role(setup).await?.description.unwrap_or_default())
}

async fn boundary(setup: &Setup) -> Outcome<String> {
    let boundary = role(setup).await?.permissions_boundary;
    let arn = boundary.and_then(|boundary| boundary.permissions_boundary_arn);
    Ok(arn.unwrap_or_else(|| "-".to_owned()))
}

async fn role_tag(setup: &Setup) -> Outcome<String> {
    let role = role(setup).await?;
    let tag = role.tags().iter().find(|tag| tag.key() == "team");
    Ok(tag.map_or_else(|| "-".to_owned(), |tag| tag.value().to_owned()))
}

async fn tags_on_every_level(client: Client) -> Outcome {
    all(
        client,
        &[
            change!(
                Provider,
                r#"default_tags { tags = { team = "company" } }"#,
                team,
                "company, company, company, company"
            ),
            change!(
                Resource,
                r#"tags = { team = "resource" }"#,
                team,
                "resource, resource, resource, resource"
            ),
            change!(
                Source,
                r#"tags = { team = "source" }"#,
                team,
                "source, source, resource, resource"
            ),
            change!(
                SourceKey,
                r#"tags = { team = "key" }"#,
                team,
                "source, key, resource, resource"
            ),
            change!(
                Role,
                r#"tags = { team = "role" }"#,
                team,
                "source, key, resource, role"
            ),
            change!(
                Destination,
                r#"tags = { team = "destination" }"#,
                team,
                "source, key, destination, role"
            ),
            change!(
                Resource,
                "tags = null",
                team,
                "source, key, destination, role"
            ),
            change!(
                Source,
                "tags = null",
                team,
                "company, key, destination, role"
            ),
            change!(
                SourceKey,
                "tags = {}",
                team,
                "company, company, destination, role"
            ),
        ],
    )
    .await
}

/// The tag `team` of the source, its key, the destination and the role.
async fn team(setup: &Setup) -> Outcome<String> {
    let (source, destination) = (setup.at_source(), setup.at_destination());
    let found = [
        source.bucket_tag(&setup.bucket, "team").await?,
        source.key_tag(&key(setup).await?, "team").await?,
        destination
            .bucket_tag(&setup.replica_bucket(), "team")
            .await?,
        Some(role_tag(setup).await?),
    ];
    let found: Vec<_> = found
        .into_iter()
        .map(|tag| tag.unwrap_or_else(|| "-".to_owned()))
        .collect();
    Ok(found.join(", "))
}

async fn what_only_terraform_needs_is_written_without_a_call(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    for line in ["force_destroy = true", "retain_on_destroy = true"] {
        setup.configure(line, line)?;
        setup.proxy.take_log();
        setup.apply().await?;
        let log = setup.proxy.log();
        assert_eq!(log.writes().count(), 0, "{line}:\n{log}");
        let state = setup.state().await?;
        let name = line.split_whitespace().next().unwrap_or_default();
        assert_eq!(state["source"][name], true);
        assert_eq!(state["destinations"]["backup"][name], true);
    }
    Ok(())
}
