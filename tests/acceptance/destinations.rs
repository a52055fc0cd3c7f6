//! Destinations that stand side by side, come, go, and change their keys.

use serde_json::Value;
use support::Outcome;
use support::proxy::Log;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{DESTINATION_REGION, Setup};

on_each_client!(
    one_account_with_amazons_keys_needs_neither_policy_nor_key,
    each_destination_has_a_rule_and_a_priority_of_its_own,
    a_destination_that_comes_leaves_the_others_alone,
    an_empty_destination_goes_with_its_key_and_alias,
    a_destination_that_holds_objects_goes_only_after_force_destroy_was_applied,
    a_destination_under_another_key_is_the_same_bucket,
);

const SOURCE: &str = r#"source = {
  bucket     = "<bucket>"
  encryption = { sse_algorithm = "aws:kms" }
}"#;

/// In the other account.
const AWAY: &str = r#"
away = {
  bucket      = "<bucket>-away"
  region      = "us-west-2"
  assume_role = { role_arn = "<role>" }
}"#;

/// In the source's account, another region.
const HOME: &str = r#"
home = {
  bucket = "<bucket>-home"
  region = "us-west-2"
}"#;

/// A third one, whose key comes before the others.
const ALSO: &str = r#"
also = {
  bucket      = "<bucket>-also"
  region      = "eu-west-1"
  assume_role = { role_arn = "<role>" }
}"#;

fn destinations(setup: &Setup, destinations: &[&str]) -> Outcome {
    let all = destinations.concat();
    setup.resource(&format!("{SOURCE}\ndestinations = {{\n{all}\n}}"))
}

/// Rule IDs with their priorities, as AWS has them.
async fn priorities(setup: &Setup) -> Outcome<Vec<(String, i32)>> {
    let rules = setup.at_source().rules(&setup.bucket).await?;
    let mut found: Vec<_> = rules
        .iter()
        .map(|rule| {
            let id = rule.id().unwrap_or_default().to_owned();
            (id, rule.priority().unwrap_or(-1))
        })
        .collect();
    found.sort();
    Ok(found)
}

fn writes_at<'a>(log: &'a Log, bucket: &str) -> Vec<&'a str> {
    let path = format!("/{bucket}");
    let at = |called: &str| {
        called
            .split(['?', '#'])
            .next()
            .map(|p| p.trim_end_matches('/').to_owned())
    };
    log.writes()
        .filter(|call| at(&call.path).as_deref() == Some(&path))
        .map(|call| call.operation.as_str())
        .collect()
}

async fn one_account_with_amazons_keys_needs_neither_policy_nor_key(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.resource(
        r#"
  source       = { bucket = "<bucket>" }
  destinations = { copy = { region = "us-west-2" } }
"#,
    )?;
    setup.apply().await?;

    let source = setup.at_source();
    source
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;
    let status = source
        .replication_status(&setup.bucket, "letter.txt")
        .await?;
    assert_eq!(status, "COMPLETED");
    let copy = format!("{}-copy", setup.bucket);
    let there = setup.source.clients(DESTINATION_REGION);
    assert_eq!(there.text(&copy, "letter.txt").await?, "Dear archive");
    assert_eq!(there.bucket_policy(&copy).await?, Value::Null);
    for clients in [&source, &there] {
        let remains = clients.remains().await?;
        let without_key = |line: &String| !line.starts_with("key") && !line.starts_with("alias");
        assert!(remains.iter().all(without_key), "{remains:?}");
    }

    let state = setup.state().await?;
    let side = &state["destinations"]["copy"];
    for name in ["policy_json", "kms_key_arn", "kms_key_policy_json"] {
        assert_eq!(side[name], Value::Null, "{name}");
    }
    assert_eq!(side["account_id"], setup.source.id());
    assert_eq!(side["encryption"]["sse_algorithm"], "AES256");
    Ok(())
}

async fn each_destination_has_a_rule_and_a_priority_of_its_own(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    destinations(&setup, &[AWAY, HOME])?;
    setup.apply().await?;
    assert_eq!(
        priorities(&setup).await?,
        [
            ("replicated-away".to_owned(), 0),
            ("replicated-home".to_owned(), 1)
        ]
    );
    let state = setup.state().await?;
    for rule in setup.at_source().rules(&setup.bucket).await? {
        let key = rule.id().unwrap_or_default().replace("replicated-", "");
        let side = &state["destinations"][&key];
        let to = rule.destination().ok_or("no destination")?;
        assert_eq!(side["arn"], to.bucket());
        assert_eq!(side["account_id"], to.account().unwrap_or_default());
        let encryption = to.encryption_configuration();
        let replica_key = encryption.and_then(|e| e.replica_kms_key_id());
        assert_eq!(side["kms_key_arn"], replica_key.unwrap_or_default());
    }
    setup.destroy().await?;
    let home = setup.source.clients(DESTINATION_REGION).remains().await?;
    assert_eq!(home, Vec::<String>::new());
    Ok(())
}

async fn a_destination_that_comes_leaves_the_others_alone(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    destinations(&setup, &[AWAY, HOME])?;
    setup.apply().await?;
    let before = setup.state().await?;

    destinations(&setup, &[AWAY, HOME, ALSO])?;
    let planned = setup.planned().await?;
    assert_eq!(planned["actions"], serde_json::json!(["update"]));
    for key in ["away", "home"] {
        let untouched = &planned["after"]["destinations"][key];
        assert_eq!(untouched, &before["destinations"][key]);
    }
    setup.proxy.take_log();
    setup.apply().await?;

    let log = setup.proxy.log();
    for others in ["away", "home"] {
        let bucket = format!("{}-{others}", setup.bucket);
        assert_eq!(writes_at(&log, &bucket), Vec::<&str>::new(), "{log}");
    }
    assert_eq!(
        writes_at(&log, &setup.bucket),
        ["PutBucketReplication"],
        "{log}"
    );
    assert_eq!(log.count("CreateKey"), 1, "{log}");
    assert_eq!(log.count("PutKeyPolicy"), 0, "{log}");
    assert_eq!(
        priorities(&setup).await?,
        [
            ("replicated-also".to_owned(), 2),
            ("replicated-away".to_owned(), 0),
            ("replicated-home".to_owned(), 1),
        ]
    );
    Ok(())
}

async fn an_empty_destination_goes_with_its_key_and_alias(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    destinations(&setup, &[AWAY, HOME])?;
    setup.apply().await?;
    assert_ne!(
        setup.at_destination().remains().await?,
        Vec::<String>::new()
    );
    let before = setup.at_source().remains().await?;

    destinations(&setup, &[HOME])?;
    let plan = setup.workspace.plan().await?.with_code(2)?;
    let told = format!("Bucket {}-away will be deleted", setup.bucket);
    assert!(plan.text().contains(&told), "{plan}");
    setup.proxy.take_log();
    setup.apply().await?;

    assert_eq!(
        setup.at_destination().remains().await?,
        Vec::<String>::new()
    );
    assert_eq!(setup.at_source().remains().await?, before);
    let log = setup.proxy.log();
    let home = format!("{}-home", setup.bucket);
    assert_eq!(writes_at(&log, &home), Vec::<&str>::new(), "{log}");
    assert_eq!(
        priorities(&setup).await?,
        [("replicated-home".to_owned(), 1)]
    );
    let policy = setup.grants().await?.to_string();
    assert!(!policy.contains("-away"), "{policy}");
    Ok(())
}

async fn a_destination_that_holds_objects_goes_only_after_force_destroy_was_applied(
    client: Client,
) -> Outcome {
    let setup = Setup::new(client).await?;
    destinations(&setup, &[AWAY, HOME])?;
    setup.apply().await?;
    let away = format!("{}-away", setup.bucket);
    setup
        .at_source()
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;
    assert_eq!(
        setup.at_destination().text(&away, "letter.txt").await?,
        "Dear archive"
    );

    destinations(&setup, &[HOME])?;
    setup.proxy.take_log();
    let plan = setup.workspace.plan().await?.with_code(1)?;
    let told = format!("Bucket {away} holds objects");
    assert!(plan.text().contains(&told), "{plan}");
    setup.workspace.apply().await?.with_code(1)?;
    let log = setup.proxy.log();
    assert_eq!(log.writes().count(), 0, "{log}");

    let forced = AWAY.replace("region ", "force_destroy = true\nregion ");
    destinations(&setup, &[&forced, HOME])?;
    setup.apply().await?;
    destinations(&setup, &[HOME])?;
    setup.apply().await?;
    assert_eq!(
        setup.at_destination().remains().await?,
        Vec::<String>::new()
    );
    Ok(())
}

// The new key comes before `home` as the old one did: the emulator replicates by the first rule alone.
async fn a_destination_under_another_key_is_the_same_bucket(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    destinations(&setup, &[AWAY, HOME])?;
    setup.apply().await?;
    let before = setup.state().await?;
    let remains = setup.remains().await?;

    destinations(&setup, &[&AWAY.replace("away =", "attic ="), HOME])?;
    let planned = setup.planned().await?;
    assert_eq!(planned["actions"], serde_json::json!(["update"]));
    setup.proxy.take_log();
    setup.apply().await?;

    let log = setup.proxy.log();
    let gone = ["Delete", "Create", "Schedule", "Untag"];
    let forbidden = log
        .writes()
        .find(|call| gone.iter().any(|verb| call.operation.starts_with(verb)));
    assert_eq!(forbidden, None, "{log}");
    assert_eq!(setup.remains().await?, remains);
    let state = setup.state().await?;
    let (now, was) = (
        &state["destinations"]["attic"],
        &before["destinations"]["away"],
    );
    for name in ["bucket", "arn", "kms_key_arn", "priority"] {
        assert_eq!(now[name], was[name], "{name}");
    }
    assert_eq!(state["destinations"]["away"], Value::Null);
    setup
        .at_source()
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;
    let attic = format!("{}-away", setup.bucket);
    let there = setup.at_destination();
    assert_eq!(there.text(&attic, "letter.txt").await?, "Dear archive");
    Ok(())
}
