//! Several rules into another account of the same region, under keys that were there before.

use aws_sdk_s3::types::ReplicationRule;
use serde_json::{Value, json};
use support::Outcome;
use support::emulator::Clients;
use support::terraform::Client;

use super::Example;
use super::texts::edit_rules;
use crate::on_each_client;

on_each_client!(objects_cross_by_the_rule_that_covers_them);

const REGION: &str = "eu-central-1";

fn rule<'a>(rules: &'a [ReplicationRule], name: &str) -> Outcome<&'a ReplicationRule> {
    let ends = format!("/{name}");
    let found = rules
        .iter()
        .find(|rule| rule.id().is_some_and(|id| id.ends_with(&ends)));
    Ok(found.ok_or_else(|| format!("no rule {name} in {rules:?}"))?)
}

async fn put(clients: &Clients, bucket: &str, key: &str, tags: &str) -> Outcome {
    let put = clients.s3.put_object().bucket(bucket).key(key);
    put.tagging(tags).send().await?;
    Ok(())
}

/// The class of an object; `None` where there is no such object.
async fn class(clients: &Clients, bucket: &str, key: &str) -> Option<String> {
    let head = clients
        .s3
        .head_object()
        .bucket(bucket)
        .key(key)
        .send()
        .await;
    let class = head
        .ok()?
        .storage_class()
        .map(|class| class.as_str().to_owned());
    Some(class.unwrap_or("STANDARD".to_owned()))
}

async fn objects_cross_by_the_rule_that_covers_them(client: Client) -> Outcome {
    let mut example = Example::new(client, "rules").await?;
    let key = example.home.clients(REGION).create_key().await?;
    let partner_key = example.away.clients(REGION).create_key().await?;
    let policies = [
        example.home.clients(REGION).key_policy(&key).await?,
        example
            .away
            .clients(REGION)
            .key_policy(&partner_key)
            .await?,
    ];
    example.set("partner_role_arn", example.away.deploy_role_arn());
    example.set("key_arn", &key);
    example.set("partner_key_arn", &partner_key);
    example.tells_its_create(&example.apply().await?)?;
    example.verifies(3).await?;

    let (home, partner) = (example.home.clients(REGION), example.away.clients(REGION));
    let copy = format!("{}-partner", example.bucket);
    let rules = home.rules(&example.bucket).await?;
    let seen = |name| -> Outcome<Value> {
        let rule = rule(&rules, name)?;
        let markers = rule
            .delete_marker_replication()
            .and_then(|found| found.status());
        Ok(json!([
            rule.priority(),
            rule.status().as_str(),
            markers.map(|status| status.as_str())
        ]))
    };
    assert_eq!(rules.len(), 4);
    assert_eq!(seen("invoices")?, json!([30, "Enabled", "Enabled"]));
    assert_eq!(seen("legal")?, json!([20, "Enabled", "Disabled"]));
    assert_eq!(seen("records")?, json!([10, "Enabled", "Disabled"]));
    assert_eq!(seen("drafts")?, json!([0, "Disabled", "Disabled"]));

    for (key, tags) in [
        ("invoices/1", ""),
        ("records/1", ""),
        ("records/contract", "kind=legal"),
        ("drafts/1", ""),
        ("other/1", ""),
    ] {
        put(&home, &example.bucket, key, tags).await?;
    }
    assert_eq!(
        class(&partner, &copy, "invoices/1").await.as_deref(),
        Some("STANDARD")
    );
    assert_eq!(
        class(&partner, &copy, "records/1").await.as_deref(),
        Some("GLACIER_IR")
    );
    assert_eq!(
        class(&partner, &copy, "records/contract").await.as_deref(),
        Some("STANDARD")
    );
    assert_eq!(class(&partner, &copy, "drafts/1").await, None);
    assert_eq!(class(&partner, &copy, "other/1").await, None);
    for key in ["invoices/1", "records/1"] {
        home.s3
            .delete_object()
            .bucket(&example.bucket)
            .key(key)
            .send()
            .await?;
    }
    assert_eq!(class(&partner, &copy, "invoices/1").await, None);
    assert!(class(&partner, &copy, "records/1").await.is_some());

    example.other_key = partner.create_key().await?;
    let other_policy = partner.key_policy(&example.other_key).await?;
    example.make_changes().await?;
    assert_eq!(partner.key_policy(&partner_key).await?, policies[1]);

    edit_rules(&home, &example.bucket, |rules| {
        rules.retain(|rule| !rule.id().is_some_and(|id| id.ends_with("/legal")));
    })
    .await?;
    example.tells_its_drift().await?;

    example.empty().await?;
    example.workspace.destroy().await?.success()?;
    // Their keys stay, with their policies as they were.
    let kept = [&key, &partner_key, &example.other_key]
        .map(|arn| format!("key {}", arn.rsplit('/').next().unwrap_or_default()));
    let mut kept = kept.to_vec();
    kept.sort();
    assert_eq!(example.remains().await?, kept);
    assert_eq!(home.key_policy(&key).await?, policies[0]);
    assert_eq!(partner.key_policy(&partner_key).await?, policies[1]);
    assert_eq!(partner.key_policy(&example.other_key).await?, other_policy);
    Ok(())
}
