//! Buckets with objects in them, replicated into another account under a key that exists there.

use support::Outcome;
use support::terraform::Client;

use super::Example;
use crate::{on_each_client, theirs};

on_each_client!(what_is_new_crosses_and_nothing_of_theirs_is_lost);

const HOME: &str = "ap-southeast-2";
const AWAY: &str = "us-west-2";

async fn what_is_new_crosses_and_nothing_of_theirs_is_lost(client: Client) -> Outcome {
    let mut example = Example::new(client, "existing-buckets").await?;
    let (home, away) = (example.home.clients(HOME), example.away.clients(AWAY));
    let names = ["invoices", "letters"].map(|name| format!("{}-{name}", example.bucket));
    let mut before = Vec::new();
    for name in &names {
        theirs::create(&home, HOME, name).await?;
        let policy = theirs::policy(example.home.id(), name);
        home.put_bucket_policy(name, &policy).await?;
        before.push(theirs::seen(&home, name).await?);
    }
    let key = home.create_key().await?;
    let backup_key = away.create_key().await?;
    let key_policies = [
        home.key_policy(&key).await?,
        away.key_policy(&backup_key).await?,
    ];
    example.set("buckets", serde_json::json!(names).to_string());
    example.set("key_arn", &key);
    example.set("backup_key_arn", &backup_key);
    example.set("backup_role_arn", example.away.deploy_role_arn());
    example.tells_its_create(&example.apply().await?)?;
    example.verifies(2).await?;

    // Their own objects were there before, and stay where they are.
    for name in &names {
        let copy = format!("{name}-backup");
        home.put_text(name, "letter.txt", "Dear archive").await?;
        assert_eq!(away.text(&copy, "letter.txt").await?, "Dear archive");
        assert!(away.text(&copy, "before.txt").await.is_err());
        let default = home.encryption(name).await?;
        assert_eq!(default, ("aws:kms".to_owned(), Some(key.clone()), true));
    }

    example.theirs = names.to_vec();
    example.other_key = away.create_key().await?;
    let other_policy = away.key_policy(&example.other_key).await?;
    example.make_changes().await?;

    let theirs = &names[0];
    home.s3
        .delete_bucket_encryption()
        .bucket(theirs)
        .send()
        .await?;
    example.tells_its_drift().await?;
    // Replicas that there are stay readable without us; what nobody replicates under any more is as it was.
    assert_eq!(away.key_policy(&backup_key).await?, key_policies[1]);

    // One bucket is left out.
    let [kept, left] = &names;
    example.empty().await?;
    example.set("buckets", serde_json::json!([kept]).to_string());
    example.apply().await?;
    assert_eq!(home.rules(left).await?, []);
    home.put_text(kept, "note.txt", "Dear archive").await?;
    let copy = format!("{kept}-backup");
    assert_eq!(away.text(&copy, "note.txt").await?, "Dear archive");

    example.empty().await?;
    example.workspace.destroy().await?.success()?;
    for (name, before) in names.iter().zip(before) {
        let mut after = theirs::seen(&home, name).await?;
        // What was written while the rule was there.
        let objects = after["objects"].as_array_mut().ok_or("no objects")?;
        objects.retain(|object| object[0] == "before.txt");
        assert_eq!(after, before);
        assert_eq!(home.text(name, "letter.txt").await?, "Dear archive");
    }
    assert_eq!(home.key_policy(&key).await?, key_policies[0]);
    assert_eq!(away.key_policy(&backup_key).await?, key_policies[1]);
    assert_eq!(away.key_policy(&example.other_key).await?, other_policy);
    let id = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
    let mut kept = vec![
        format!("key {}", id(&key)),
        format!("key {}", id(&backup_key)),
        format!("key {}", id(&example.other_key)),
    ];
    kept.extend(names.iter().map(|name| format!("bucket {name}")));
    kept.sort();
    assert_eq!(example.remains().await?, kept);
    Ok(())
}
