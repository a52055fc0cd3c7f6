//! Replication both ways, between two accounts.

use serde_json::Value;
use support::Outcome;
use support::evaluator::{Picture, evaluate};
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{DESTINATION_REGION, RESOURCE, SOURCE_REGION, Setup};

on_each_client!(
    objects_cross_both_ways_after_one_apply_until_it_is_turned_off,
    a_lost_way_back_shows_and_is_mended,
    the_way_back_imports,
);

/// The two accounts by provider aliases.
const ALIASES: &str = r#"
provider "replicated" {
  alias  = "dr"
  region = "us-west-2"
  assume_role { role_arn = "<role>" }
}

data "replicated_account" "dr" { provider = replicated.dr }
"#;

fn configure(setup: &Setup, destination: &str) -> Outcome {
    setup.main(&format!(
        r#"{ALIASES}
resource "replicated_bucket" "archive" {{
  source = {{
    bucket     = "<bucket>"
    encryption = {{ sse_algorithm = "aws:kms" }}
  }}
  destinations = {{
    backup = merge(data.replicated_account.dr.location, {{
      bucket = "<bucket>-backup"
      {destination}
    }})
  }}
}}
"#
    ))
}

/// Applies, sees to it that nothing is left to do, and that S3 may do all that it needs and nothing more. Without
/// objects only: the emulator's replicas stay under the key of the bucket that they come from.
async fn apply_exactly(setup: &Setup) -> Outcome {
    setup.apply().await?;
    let accounts = [&setup.source, &setup.destination];
    let picture = Picture::read(&accounts, &[SOURCE_REGION, DESTINATION_REGION]).await?;
    let findings = evaluate(&picture)?.findings();
    assert_eq!(findings, Vec::<String>::new());
    Ok(())
}

async fn objects_cross_both_ways_after_one_apply_until_it_is_turned_off(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    configure(&setup, "two_way = true")?;
    apply_exactly(&setup).await?;
    let (source, there) = (setup.at_source(), setup.at_destination());
    let (bucket, replica) = (setup.bucket.clone(), setup.replica_bucket());
    source.put_text(&bucket, "there.txt", "Dear backup").await?;
    assert_eq!(there.text(&replica, "there.txt").await?, "Dear backup");
    there.put_text(&replica, "back.txt", "Dear archive").await?;
    assert_eq!(source.text(&bucket, "back.txt").await?, "Dear archive");
    let status = there.replication_status(&replica, "back.txt").await?;
    assert_eq!(status, "COMPLETED");
    let role = &setup.state().await?["destinations"]["backup"]["replication_role_arn"];
    let arn = format!(
        "arn:aws:iam::{}:role/replication-{replica}",
        setup.destination.id()
    );
    assert_eq!(role, &arn);

    configure(&setup, "")?;
    setup.apply().await?;
    assert!(there.rules(&replica).await?.is_empty());
    assert_eq!(source.bucket_policy(&bucket).await?, Value::Null);
    there.put_text(&replica, "stays.txt", "Here").await?;
    assert!(source.text(&bucket, "stays.txt").await.is_err());
    source.put_text(&bucket, "goes.txt", "There").await?;
    assert_eq!(there.text(&replica, "goes.txt").await?, "There");

    configure(&setup, "two_way = true")?;
    setup.apply().await?;
    there.put_text(&replica, "again.txt", "Back").await?;
    assert_eq!(source.text(&bucket, "again.txt").await?, "Back");

    source.empty_bucket(&bucket).await?;
    there.empty_bucket(&replica).await?;
    setup.destroy().await
}

async fn a_lost_way_back_shows_and_is_mended(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    configure(&setup, "two_way = true")?;
    apply_exactly(&setup).await?;
    let (source, there) = (setup.at_source(), setup.at_destination());
    let replica = setup.replica_bucket();
    there
        .s3
        .delete_bucket_replication()
        .bucket(&replica)
        .send()
        .await?;
    source
        .s3
        .delete_bucket_policy()
        .bucket(&setup.bucket)
        .send()
        .await?;
    let plan = setup.workspace.plan().await?.with_code(2)?;
    let told = "replicated-backup (missing)";
    assert!(plan.text().contains(told), "{plan}");
    apply_exactly(&setup).await?;
    assert_eq!(there.rules(&replica).await?.len(), 1);

    // Of the way back nothing stays behind once it is turned off.
    configure(&setup, "")?;
    apply_exactly(&setup).await?;
    let roles = there.remains().await?;
    let roles = roles.iter().filter(|line| line.starts_with("role"));
    assert_eq!(roles.collect::<Vec<_>>(), Vec::<&String>::new());
    setup.destroy().await
}

async fn the_way_back_imports(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    let lines =
        r#"two_way = true, two_way_role = { name = "<bucket>-back", path = "/replication/" }"#;
    configure(&setup, &lines.replace("true,", "true\n"))?;
    apply_exactly(&setup).await?;
    let state = setup.state().await?;
    let id = state["import_id"].as_str().ok_or("no import ID")?;
    let run = ["state", "rm", RESOURCE];
    setup.workspace.run(&run).await?.success()?;
    setup.workspace.import(RESOURCE, id).await?.success()?;
    setup.workspace.plan().await?.success()?;
    setup.destroy().await
}
