//! Keys: made, retired, kept for the objects under them, and never lost.

use aws_sdk_kms::types::KeyState;
use serde_json::{Value, json};
use support::Outcome;
use support::emulator::{Account, Clients};
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{DESTINATION_REGION, SOURCE_REGION, Setup};

on_each_client!(
    a_key_that_is_no_longer_used_is_retired_until_its_bucket_is_gone,
    a_multi_region_key_takes_the_place_of_one_that_is_not,
    existing_keys_are_used_and_never_touched,
    a_key_policy_that_lacks_our_statement_is_a_warning_with_its_text,
    two_layers_of_encryption_and_a_key_that_is_disabled_for_a_while,
);

fn encrypted(setup: &Setup, encryption: &str) -> Outcome {
    setup.resource(&format!(
        r#"
  source = {{
    bucket     = "<bucket>"
    encryption = {{ {encryption} }}
  }}
  destinations = {{
    backup = {{
      region      = "{DESTINATION_REGION}"
      assume_role = {{ role_arn = "<role>" }}
    }}
  }}
"#
    ))
}

/// The keys of both sides as the state has them; empty where there is none.
fn keys(state: &Value) -> [String; 2] {
    [&state["source"], &state["destinations"]["backup"]]
        .map(|side| side["kms_key_arn"].as_str().unwrap_or_default().to_owned())
}

pub(crate) fn id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

fn clients(setup: &Setup) -> [Clients; 2] {
    [setup.at_source(), setup.at_destination()]
}

async fn a_key_that_is_no_longer_used_is_retired_until_its_bucket_is_gone(
    client: Client,
) -> Outcome {
    let setup = Setup::new(client).await?;
    let mut used: [Vec<String>; 2] = Default::default();
    for algorithm in ["AES256", "aws:kms", "AES256", "aws:kms"] {
        encrypted(&setup, &format!(r#"sse_algorithm = "{algorithm}""#))?;
        setup.apply().await?;
        let state = setup.state().await?;
        for (key, used) in keys(&state).into_iter().zip(&mut used) {
            assert_eq!(key.is_empty(), algorithm == "AES256", "{state}");
            if !key.is_empty() {
                assert!(!used.contains(&key), "a retired key is not taken again");
                used.push(key);
            }
        }
        let bucket = setup.at_source().encryption(&setup.bucket).await?;
        assert_eq!(bucket.0, algorithm);
        let grants = setup.grants().await?.to_string();
        for key in &used[0] {
            assert!(grants.contains(key), "{key} is missing:\n{grants}");
        }
        for (clients, used) in clients(&setup).iter().zip(&used) {
            for key in used {
                assert_eq!(clients.key_state(key).await?, "Enabled");
            }
        }
    }
    let state = setup.state().await?;
    for (side, used) in ["source", "destination/backup"].iter().zip(&used) {
        let [retired, current] = &used[..] else {
            return Err(format!("two keys were expected: {used:?}").into());
        };
        let line = format!("{side}/retired_key/{}", id(retired));
        assert_eq!(state["components"][line], retired.as_str(), "{state}");
        assert_eq!(state["components"][format!("{side}/key")], current.as_str());
    }

    setup.destroy().await?;
    for (clients, used) in clients(&setup).iter().zip(&used) {
        for key in used {
            assert_eq!(clients.key_state(key).await?, "PendingDeletion");
        }
    }
    Ok(())
}

async fn a_multi_region_key_takes_the_place_of_one_that_is_not(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    encrypted(&setup, r#"sse_algorithm = "aws:kms""#)?;
    setup.apply().await?;
    let [before, _] = keys(&setup.state().await?);

    encrypted(
        &setup,
        r#"key = { multi_region = true }, sse_algorithm = "aws:kms""#,
    )?;
    assert_eq!(setup.planned().await?["actions"], json!(["update"]));
    setup.apply().await?;

    let state = setup.state().await?;
    let [now, _] = keys(&state);
    assert!(id(&now).starts_with("mrk-"), "{now}");
    let line = format!("source/retired_key/{}", id(&before));
    assert_eq!(state["components"][line], before.as_str());
    let source = setup.at_source();
    assert_eq!(source.key_state(&before).await?, "Enabled");
    let alias = format!("alias/{}", setup.bucket);
    assert_eq!(source.aliases(&now).await?, [alias]);
    assert_eq!(source.encryption(&setup.bucket).await?.1, Some(now));
    setup.destroy().await?;
    assert_eq!(source.key_state(&before).await?, "PendingDeletion");
    Ok(())
}

/// A key that somebody else made.
pub(crate) async fn foreign_key(account: &Account, region: &str) -> Outcome<String> {
    let created = account.clients(region).kms.create_key().send().await?;
    let arn = created.key_metadata().and_then(|key| key.arn());
    Ok(arn.ok_or("no key")?.to_owned())
}

/// Both buckets under existing keys: the state's keys, the plan's text.
async fn with_existing_keys(setup: &Setup) -> Outcome<[String; 2]> {
    let source = foreign_key(&setup.source, SOURCE_REGION).await?;
    let destination = foreign_key(&setup.destination, DESTINATION_REGION).await?;
    setup.resource(&format!(
        r#"
  source = {{
    bucket     = "<bucket>"
    encryption = {{ kms_key_arn = "{source}" }}
  }}
  destinations = {{
    backup = {{
      region      = "{DESTINATION_REGION}"
      assume_role = {{ role_arn = "<role>" }}
      encryption  = {{ kms_key_arn = "{destination}" }}
    }}
  }}
"#
    ))?;
    Ok([source, destination])
}

async fn existing_keys_are_used_and_never_touched(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    let arns = with_existing_keys(&setup).await?;
    setup.apply().await?;
    let state = setup.state().await?;
    assert_eq!(keys(&state), arns);
    assert_eq!(state["source"]["encryption"]["key"], Value::Null);
    let source = setup.at_source();
    let (algorithm, key, _) = source.encryption(&setup.bucket).await?;
    assert_eq!(
        (algorithm.as_str(), key),
        ("aws:kms", Some(arns[0].clone()))
    );

    setup.workspace.destroy().await?.success()?;
    for (clients, arn) in clients(&setup).iter().zip(&arns) {
        assert_eq!(clients.remains().await?, [format!("key {}", id(arn))]);
    }
    let log = setup.proxy.log();
    let touched = log.writes().find(|call| {
        call.scope
            .as_ref()
            .is_some_and(|scope| scope.service == "kms")
    });
    assert_eq!(touched, None, "{log}");
    Ok(())
}

async fn a_key_policy_that_lacks_our_statement_is_a_warning_with_its_text(
    client: Client,
) -> Outcome {
    let setup = Setup::new(client).await?;
    let [_, key] = with_existing_keys(&setup).await?;
    let plan = setup.workspace.plan().await?.with_code(2)?;
    assert!(
        plan.text()
            .contains("The key's policy must let the role in"),
        "{plan}"
    );

    // The statement as the warning shows it, added by the key's owner.
    let shown = plan.stdout.replace('│', " ");
    let start = shown.rfind("{\n  \"Version\"");
    let start = start.ok_or_else(|| format!("no document in {plan}"))?;
    let mut documents = serde_json::Deserializer::from_str(&shown[start..]).into_iter();
    let needed: Value = documents.next().ok_or("no document")??;
    let owner = setup.at_destination();
    let mut policy = owner.key_policy(&key).await?;
    let statements = policy["Statement"].as_array_mut().ok_or("no statements")?;
    statements.push(needed["Statement"][0].clone());
    owner.put_key_policy(&key, &policy).await?;

    let plan = setup.workspace.plan().await?.with_code(2)?;
    assert!(!plan.text().contains("must let the role in"), "{plan}");
    setup.apply().await?;
    assert_eq!(owner.key_policy(&key).await?, policy);
    Ok(())
}

async fn two_layers_of_encryption_and_a_key_that_is_disabled_for_a_while(
    client: Client,
) -> Outcome {
    let setup = Setup::new(client).await?;
    let at = setup.at_source();
    for (encryption, key_state) in [
        (r#"sse_algorithm = "aws:kms:dsse""#, KeyState::Enabled),
        (
            r#"sse_algorithm = "aws:kms:dsse", blocked_encryption_types = ["SSE-C"], key = { enabled = false }"#,
            KeyState::Disabled,
        ),
        (r#"sse_algorithm = "aws:kms:dsse""#, KeyState::Enabled),
    ] {
        encrypted(&setup, encryption)?;
        setup.apply().await?;
        let [key, _] = keys(&setup.state().await?);
        let (algorithm, in_use, bucket_key) = at.encryption(&setup.bucket).await?;
        assert_eq!(algorithm, "aws:kms:dsse");
        assert_eq!(in_use.as_ref(), Some(&key));
        assert!(!bucket_key);
        let described = at.kms.describe_key().key_id(&key).send().await?;
        let state = described.key_metadata().and_then(|key| key.key_state());
        assert_eq!(state, Some(&key_state));
    }
    setup.destroy().await
}
