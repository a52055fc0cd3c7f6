//! Lifecycle rules on both sides: made, changed, found again, and written down by an import.

use support::Outcome;
use support::emulator::Clients;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{RESOURCE, Setup};

on_each_client!(rules_are_made_changed_mended_and_imported);

const RULES: &str = r#"lifecycle_rules = {
      versions = {
        noncurrent_version_expiration          = { noncurrent_days = 21 }
        abort_incomplete_multipart_upload_days = 7
      }
      logs = {
        prefix     = "logs/"
        tags       = { kind = "log" }
        expiration = { days = 400 }
        transitions = [
          { days = 30, storage_class = "STANDARD_IA" },
          { days = 90, storage_class = "GLACIER" },
        ]
      }
    }"#;

async fn rules_are_made_changed_mended_and_imported(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure(RULES, RULES)?;
    setup.apply().await?;
    for (at, bucket) in [
        (setup.at_source(), setup.bucket.clone()),
        (setup.at_destination(), setup.replica_bucket()),
    ] {
        assert_eq!(days(&at, &bucket).await?, ["logs 400", "versions -"]);
    }

    setup.configure(&RULES.replace("400", "500"), "")?;
    setup.apply().await?;
    let source = setup.at_source();
    assert_eq!(
        days(&source, &setup.bucket).await?,
        ["logs 500", "versions -"]
    );
    let replica = setup.replica_bucket();
    assert!(days(&setup.at_destination(), &replica).await?.is_empty());

    // Somebody takes the rules away, and somebody adds some to the other side.
    let rules = source.s3.get_bucket_lifecycle_configuration();
    let rules = rules.bucket(&setup.bucket).send().await?.rules;
    let delete = source.s3.delete_bucket_lifecycle();
    delete.bucket(&setup.bucket).send().await?;
    let by_hand = aws_sdk_s3::types::BucketLifecycleConfiguration::builder();
    let put = setup
        .at_destination()
        .s3
        .put_bucket_lifecycle_configuration();
    put.bucket(&replica)
        .lifecycle_configuration(by_hand.set_rules(rules).build()?)
        .send()
        .await?;
    let planned = setup.planned().await?;
    let before = &planned["before"];
    assert!(before["source"]["lifecycle_rules"].is_null());
    let shown = &before["destinations"]["backup"]["lifecycle_rules"];
    assert_eq!(shown["logs"]["expiration"]["days"], 500);
    setup.apply().await?;
    assert!(days(&setup.at_destination(), &replica).await?.is_empty());

    let id = setup.state().await?["import_id"].clone();
    let id = id.as_str().ok_or("no import_id")?;
    let state = |arguments: &'static [&'static str]| setup.workspace.run(arguments);
    state(&["state", "rm", RESOURCE]).await?.success()?;
    let import = ["import", "-no-color", RESOURCE, id];
    setup.workspace.run(&import).await?.success()?;
    setup.workspace.plan().await?.success()?;
    setup.destroy().await
}

/// `ID days` of each rule, sorted.
async fn days(at: &Clients, bucket: &str) -> Outcome<Vec<String>> {
    let get = at.s3.get_bucket_lifecycle_configuration().bucket(bucket);
    let rules = match get.send().await {
        Ok(answer) => answer.rules.unwrap_or_default(),
        Err(error) => match error.as_service_error().map(|e| e.meta().code()) {
            Some(Some("NoSuchLifecycleConfiguration")) => Vec::new(),
            _ => return Err(error.into()),
        },
    };
    let mut words: Vec<String> = rules
        .iter()
        .map(|rule| {
            let days = rule.expiration().and_then(|e| e.days());
            let days = days.map_or("-".to_owned(), |days| days.to_string());
            format!("{} {days}", rule.id().unwrap_or_default())
        })
        .collect();
    words.sort();
    Ok(words)
}
