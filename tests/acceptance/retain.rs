//! What stays after a destroy, and what other owners wrote into the documents that we share with them.

use serde_json::{Value, json};
use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{RESOURCE, Setup};

on_each_client!(
    retained_buckets_stay_with_keys_aliases_and_tags_and_lose_the_wiring,
    retained_buckets_with_objects_are_taken_back_by_the_same_configuration,
    a_retained_bucket_is_not_taken_over_without_its_mark,
    statements_of_others_survive_every_edit,
    a_key_that_somebody_else_uses_stays,
);

const RETAIN: &str = r#"retain_on_destroy = true
tags = { team = "archive" }"#;

async fn retained(client: Client) -> Outcome<Setup> {
    let setup = Setup::new(client).await?;
    setup.configure(RETAIN, RETAIN)?;
    setup.apply().await?;
    Ok(setup)
}

fn without_roles(mut lines: Vec<String>) -> Vec<String> {
    lines.retain(|line| !line.starts_with("role "));
    lines
}

/// Key of the destination.
fn replica_key(state: &Value) -> Outcome<String> {
    let arn = state["destinations"]["backup"]["kms_key_arn"].as_str();
    Ok(arn.ok_or("no key in state")?.to_owned())
}

async fn retained_buckets_stay_with_keys_aliases_and_tags_and_lose_the_wiring(
    client: Client,
) -> Outcome {
    let setup = retained(client).await?;
    let key = replica_key(&setup.state().await?)?;
    let before = setup.remains().await?;
    setup
        .at_source()
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;

    let run = setup.workspace.destroy().await?.success()?;

    assert!(
        run.text()
            .contains("stays, because retain_on_destroy is set"),
        "{run}"
    );
    assert!(setup.state().await?.is_null());
    assert_ne!(before, without_roles(before.clone()));
    assert_eq!(setup.remains().await?, without_roles(before));
    let (source, there) = (setup.at_source(), setup.at_destination());
    let replica = setup.replica_bucket();
    assert_eq!(source.rules(&setup.bucket).await?, []);
    assert_eq!(there.bucket_policy(&replica).await?, Value::Null);
    let policy = there.key_policy(&key).await?;
    assert_eq!(
        policy["Statement"].as_array().map(Vec::len),
        Some(1),
        "{policy}"
    );
    for (clients, bucket) in [(&source, &setup.bucket), (&there, &replica)] {
        assert_eq!(clients.text(bucket, "letter.txt").await?, "Dear archive");
        assert_eq!(
            clients.bucket_tag(bucket, "team").await?.as_deref(),
            Some("archive")
        );
        assert_ne!(clients.bucket_tag(bucket, "replicated:owner").await?, None);
    }
    assert_eq!(
        there.key_tag(&key, "team").await?.as_deref(),
        Some("archive")
    );
    Ok(())
}

async fn retained_buckets_with_objects_are_taken_back_by_the_same_configuration(
    client: Client,
) -> Outcome {
    let setup = retained(client).await?;
    let made = setup.state().await?;
    let remains = setup.remains().await?;
    let source = setup.at_source();
    source
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;
    setup.workspace.destroy().await?.success()?;
    let mark = source.bucket_tag(&setup.bucket, "replicated:retained");
    assert_eq!(mark.await?.as_deref(), Some("true"));

    let plan = setup.workspace.plan().await?.with_code(2)?;
    let told = format!("Taking over bucket {}", setup.bucket);
    assert!(plan.text().contains(&told), "{plan}");
    setup.apply().await?;

    let again = setup.state().await?;
    assert_eq!(
        again["source"]["kms_key_arn"],
        made["source"]["kms_key_arn"]
    );
    assert_eq!(replica_key(&again)?, replica_key(&made)?);
    assert_eq!(setup.remains().await?, remains);
    let mark = source.bucket_tag(&setup.bucket, "replicated:retained");
    assert_eq!(mark.await?, None, "what is managed again is not marked");
    assert_eq!(
        source.text(&setup.bucket, "letter.txt").await?,
        "Dear archive"
    );
    Ok(())
}

async fn a_retained_bucket_is_not_taken_over_without_its_mark(client: Client) -> Outcome {
    let setup = retained(client).await?;
    let made = setup.state().await?;
    let import_id = made["import_id"].as_str().ok_or("no import_id")?;
    setup
        .at_source()
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;
    // Another state that manages the same buckets: forgotten here, and still in use there.
    let forget = setup.workspace.run(&["state", "rm", RESOURCE]).await?;
    forget.success()?;
    setup.proxy.take_log();

    let plan = setup.workspace.plan().await?.with_code(1)?;

    let import = format!("terraform import replicated_bucket.NAME {import_id}");
    assert!(
        plan.text().contains("holds objects, so it is in use"),
        "{plan}"
    );
    assert!(plan.text().contains(&import), "{plan}");
    let log = setup.proxy.log();
    assert_eq!(log.writes().count(), 0, "{log}");
    Ok(())
}

/// A statement of the bucket's own team.
fn theirs(setup: &Setup, resource: &str, action: &str) -> Value {
    json!({
        "Sid": "TeamReads",
        "Effect": "Allow",
        "Principal": { "AWS": [format!("arn:aws:iam::{}:root", setup.destination.id())] },
        "Action": [action],
        "Resource": resource,
        "Condition": { "StringLike": { "aws:userid": ["AROA*:ann", "AROA*:bob"] } },
    })
}

fn add(policy: &mut Value, statement: &Value) -> Outcome {
    let statements = policy["Statement"].as_array_mut().ok_or("no statements")?;
    statements.insert(0, statement.clone());
    Ok(())
}

/// The same without regard to whether one text stands alone or in a list, which AWS rewrites, too.
fn meaning(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.len() == 1 => meaning(&items[0]),
        Value::Array(items) => items.iter().map(meaning).collect(),
        Value::Object(members) => {
            let members = members.iter();
            Value::Object(members.map(|(k, v)| (k.clone(), meaning(v))).collect())
        }
        other => other.clone(),
    }
}

fn holds(policy: &Value, statement: &Value) -> bool {
    let mut statements = policy["Statement"].as_array().into_iter().flatten();
    statements.any(|found| meaning(found) == meaning(statement))
}

async fn statements_of_others_survive_every_edit(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    let there = setup.at_destination();
    let replica = setup.replica_bucket();
    let key = replica_key(&setup.state().await?)?;
    let objects = format!("arn:aws:s3:::{replica}/*");
    let of_bucket = theirs(&setup, &objects, "s3:GetObject");
    let of_key = theirs(&setup, "*", "kms:Decrypt");
    let mut policy = there.bucket_policy(&replica).await?;
    add(&mut policy, &of_bucket)?;
    there.put_bucket_policy(&replica, &policy).await?;
    let mut policy = there.key_policy(&key).await?;
    add(&mut policy, &of_key)?;
    there.put_key_policy(&key, &policy).await?;

    // Neither is drift.
    setup.workspace.plan().await?.success()?;
    for lines in [
        // Both documents are written again: another action, another role.
        "delete_marker_replication = true",
        "delete_marker_replication = false\nretain_on_destroy = true",
    ] {
        setup.configure("", lines)?;
        setup.apply().await?;
        let policy = there.bucket_policy(&replica).await?;
        assert!(holds(&policy, &of_bucket), "{policy}");
    }
    setup.configure("", "retain_on_destroy = true")?;
    let with_role = std::fs::read_to_string(setup.workspace.path().join("main.tf"))?.replacen(
        "source = {",
        "role = { name = \"second\" }\nsource = {",
        1,
    );
    setup.main(&with_role)?;
    setup.apply().await?;
    let policy = there.key_policy(&key).await?;
    assert!(holds(&policy, &of_key), "{policy}");
    assert!(policy.to_string().contains(":role/second"), "{policy}");

    setup.workspace.destroy().await?.success()?;
    let policy = there.bucket_policy(&replica).await?;
    assert_eq!(meaning(&policy["Statement"]), meaning(&of_bucket));
    let policy = there.key_policy(&key).await?;
    assert!(holds(&policy, &of_key), "{policy}");
    assert!(!policy.to_string().contains("Replicated"), "{policy}");
    Ok(())
}

async fn a_key_that_somebody_else_uses_stays(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    let there = setup.at_destination();
    let key = replica_key(&setup.state().await?)?;
    let mut policy = there.key_policy(&key).await?;
    add(&mut policy, &theirs(&setup, "*", "kms:Decrypt"))?;
    there.put_key_policy(&key, &policy).await?;

    let run = setup.workspace.destroy().await?.success()?;

    assert!(run.text().contains("statements of another owner"), "{run}");
    assert_eq!(there.key_state(&key).await?, "Enabled");
    let remains = there.remains().await?;
    assert!(
        !remains.iter().any(|line| line.starts_with("bucket")),
        "{remains:?}"
    );
    assert!(setup.workspace.resource(RESOURCE).await?.is_null());
    Ok(())
}
