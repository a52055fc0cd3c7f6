//! Buckets that belong to somebody else.

use serde_json::{Value, json};
use support::Outcome;
use support::terraform::Client;

use crate::setup::{DESTINATION_REGION, SOURCE_REGION, Setup};
use crate::{on_each_client, theirs};

on_each_client!(
    rules_of_others_stay_beside_ours_under_the_role_that_they_have,
    a_bucket_that_the_same_apply_makes_need_not_be_there_at_plan,
    a_bucket_is_released_and_adopted_without_a_loss,
    a_bucket_out_of_reach_is_told_what_it_lacks_and_gets_no_call,
);

/// Two buckets of somebody else's, with versioning.
async fn both_are_there(setup: &Setup) -> Outcome {
    let (source, destination) = (setup.at_source(), setup.at_destination());
    theirs::create(&source, SOURCE_REGION, &setup.bucket).await?;
    theirs::enable_versioning(&source, &setup.bucket).await?;
    let copy = setup.replica_bucket();
    theirs::create(&destination, DESTINATION_REGION, &copy).await?;
    theirs::enable_versioning(&destination, &copy).await
}

/// The resource, with further lines in its source, in its destination and beside them.
fn configure(setup: &Setup, source: &str, destination: &str, beside: &str) -> Outcome {
    setup.resource(&format!(
        r#"
  source = {{
    bucket = "<bucket>"
    {source}
  }}
  destinations = {{
    backup = {{
      bucket = "<bucket>-backup"
      region = "{DESTINATION_REGION}"
      {destination}
    }}
  }}
  {beside}
"#
    ))
}

const ENTERED: &str = r#"assume_role = { role_arn = "<role>" }"#;

async fn rules_of_others_stay_beside_ours_under_the_role_that_they_have(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    both_are_there(&setup).await?;
    let at_source = setup.at_source();
    let role = theirs::role(&at_source).await?;
    let elsewhere = format!("{}-elsewhere", setup.bucket);
    theirs::create(&at_source, SOURCE_REGION, &elsewhere).await?;
    theirs::enable_versioning(&at_source, &elsewhere).await?;
    theirs::put_rule(&at_source, &setup.bucket, &role, &elsewhere).await?;
    let before = theirs::seen(&at_source, &setup.bucket).await?;

    let destination = format!("existing = true\n{ENTERED}");
    configure(&setup, "existing = true", &destination, "")?;
    let refused = setup.workspace.plan().await?.with_code(1)?.text();
    let way_out = format!("role = {{ existing_arn = \"{role}\" }}");
    assert!(refused.contains(&way_out), "{refused}");

    let under = format!(r#"role = {{ existing_arn = "{role}" }}"#);
    configure(&setup, "existing = true", &destination, &under)?;
    setup.apply().await?;
    let rules = at_source.rules(&setup.bucket).await?;
    let ids: Vec<_> = rules.iter().filter_map(|rule| rule.id()).collect();
    assert_eq!(ids, ["theirs", "replicated-backup"]);
    // Their rule is the one that the emulator follows; ours is asked of the state.
    let state = setup.state().await?;
    assert_eq!(state["destinations"]["backup"]["priority"], json!(0));
    assert_eq!(state["source"]["tags_all"], Value::Null);

    setup.workspace.destroy().await?.success()?;
    assert_eq!(theirs::seen(&at_source, &setup.bucket).await?, before);
    Ok(())
}

async fn a_bucket_that_the_same_apply_makes_need_not_be_there_at_plan(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.main(&format!(
        r#"
resource "replicated_bucket" "first" {{
  source       = {{ bucket = "<bucket>-first", force_destroy = true }}
  destinations = {{ copy = {{ bucket = "<bucket>-shared", region = "{DESTINATION_REGION}", force_destroy = true }} }}
}}

resource "replicated_bucket" "archive" {{
  source = {{ bucket = "<bucket>" }}
  destinations = {{
    shared = {{
      bucket   = replicated_bucket.first.destinations.copy.arn == "" ? "" : "<bucket>-shared"
      existing = true
      region   = "{DESTINATION_REGION}"
    }}
  }}
}}
"#
    ))?;
    setup.apply().await?;
    let at_source = setup.at_source();
    let shared = format!("{}-shared", setup.bucket);
    at_source
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;
    let there = setup.source.clients(DESTINATION_REGION);
    assert_eq!(there.text(&shared, "letter.txt").await?, "Dear archive");
    at_source.empty_bucket(&setup.bucket).await?;
    setup.destroy().await
}

async fn a_bucket_is_released_and_adopted_without_a_loss(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    both_are_there(&setup).await?;
    let (copy, there) = (setup.replica_bucket(), setup.at_destination());
    let release = format!("existing = true\n{ENTERED}");
    configure(&setup, "existing = true", &release, "")?;
    setup.apply().await?;

    let adopt = format!("tags = {{ team = \"theirs\" }}\n{ENTERED}");
    configure(&setup, "existing = true", &adopt, "")?;
    setup.apply().await?;
    let owner = there.bucket_tag(&copy, "replicated:owner").await?;
    let expected = format!("{}/{}", setup.source.id(), setup.bucket);
    assert_eq!(owner, Some(expected));
    assert_eq!(there.text(&copy, "before.txt").await?, "Long ago");

    configure(&setup, "existing = true", &release, "")?;
    setup.apply().await?;
    assert_eq!(there.bucket_tag(&copy, "replicated:owner").await?, None);
    setup
        .at_source()
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;
    assert_eq!(there.text(&copy, "letter.txt").await?, "Dear archive");
    setup.workspace.destroy().await?.success()?;
    assert_eq!(there.text(&copy, "before.txt").await?, "Long ago");
    assert_eq!(
        setup.at_source().text(&setup.bucket, "before.txt").await?,
        "Long ago"
    );
    Ok(())
}

async fn a_bucket_out_of_reach_is_told_what_it_lacks_and_gets_no_call(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    both_are_there(&setup).await?;
    let destination = "existing = true\nreachable = false\naccount_id = \"<destination>\"";
    configure(&setup, "existing = true", destination, "")?;
    setup.apply().await?;
    let state = setup.state().await?;
    let backup = &state["destinations"]["backup"];
    assert_eq!(backup["policy_json"], Value::Null);
    let required = backup["required_bucket_policy_json"].as_str();
    let required: Value = serde_json::from_str(required.ok_or("nothing is required")?)?;
    // Its owner writes that, and objects cross.
    let (copy, there) = (setup.replica_bucket(), setup.at_destination());
    there.put_bucket_policy(&copy, &required).await?;
    setup
        .at_source()
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;
    assert_eq!(there.text(&copy, "letter.txt").await?, "Dear archive");
    setup.workspace.destroy().await?.success()?;
    assert_eq!(there.bucket_policy(&copy).await?, required);

    // No call went to that account, and nobody tried to enter it.
    let log = setup.proxy.log();
    let theirs = Some(setup.destination.id());
    let mut calls = log.calls().iter();
    let call = calls.find(|call| call.account.as_deref() == theirs || call.path.contains(&copy));
    assert_eq!(call, None, "{log}");
    assert_eq!(log.count("AssumeRole"), 0, "{log}");
    Ok(())
}
