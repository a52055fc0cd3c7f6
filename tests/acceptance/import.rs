//! What is there can be taken into state.

use serde_json::Value;
use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{RESOURCE, SOURCE_REGION, Setup};

on_each_client!(
    the_plan_after_an_import_is_empty,
    a_bucket_imports_by_its_name_where_account_blocks_tell_the_way,
    a_bucket_of_another_region_imports_by_name_and_region,
    several_destinations_import_under_their_keys_with_their_priorities,
    what_lives_only_in_terraform_is_set_again_without_a_write,
    a_bucket_that_is_missing_is_a_clear_error_and_one_that_does_not_replicate_imports,
);

async fn the_plan_after_an_import_is_empty(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    let made = setup.workspace.resource(RESOURCE).await?;
    let id = made["import_id"].as_str().ok_or("no import_id in state")?;
    setup
        .workspace
        .run(&["state", "rm", RESOURCE])
        .await?
        .success()?;

    setup.workspace.import(RESOURCE, id).await?.success()?;

    let imported = setup.workspace.resource(RESOURCE).await?;
    assert_eq!(imported["components"], made["components"]);
    setup.workspace.plan().await?.success()?;
    Ok(())
}

/// Takes the resource out of the state, imports it by this ID, and sees to it that nothing is to be done.
async fn import_again(setup: &Setup, id: &str) -> Outcome<Value> {
    let made = setup.state().await?;
    let remove = ["state", "rm", RESOURCE];
    setup.workspace.run(&remove).await?.success()?;
    setup.workspace.import(RESOURCE, id).await?.success()?;
    setup.workspace.plan().await?.success()?;
    let imported = setup.state().await?;
    assert_eq!(imported["components"], made["components"]);
    assert_eq!(imported["import_id"], made["import_id"]);
    Ok(imported)
}

const ACCOUNT_BLOCK: &str = r#"
account {
  account_id = "<destination>"
  assume_role { role_arn = "<role>" }
}"#;

async fn a_bucket_imports_by_its_name_where_account_blocks_tell_the_way(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.provider(ACCOUNT_BLOCK)?;
    setup.resource(
        r#"
  source = {
    bucket     = "<bucket>"
    encryption = { sse_algorithm = "aws:kms" }
  }
  destinations = { backup = { account_id = "<destination>", region = "us-west-2" } }
"#,
    )?;
    setup.apply().await?;
    let place = format!("{}@{SOURCE_REGION}", setup.bucket);
    for id in [
        setup.bucket.clone(),
        place.clone(),
        format!("{}/{place}", setup.source.id()),
    ] {
        import_again(&setup, &id).await?;
    }
    Ok(())
}

async fn a_bucket_of_another_region_imports_by_name_and_region(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.resource(
        r#"
  source = {
    bucket = "<bucket>"
    region = "eu-west-1"
  }
  destinations = { copy = { region = "us-west-2" } }
"#,
    )?;
    setup.apply().await?;
    import_again(&setup, &format!("{}@eu-west-1", setup.bucket)).await?;
    Ok(())
}

async fn several_destinations_import_under_their_keys_with_their_priorities(
    client: Client,
) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.resource(
        r#"
  source = {
    bucket     = "<bucket>"
    encryption = { sse_algorithm = "aws:kms" }
  }
  destinations = {
    away = {
      bucket        = "letters-of-<bucket>"
      region        = "us-west-2"
      storage_class = "GLACIER_IR"
      priority      = 5
      assume_role   = { role_arn = "<role>" }
    }
    home = {
      region                    = "eu-west-1"
      enabled                   = false
      delete_marker_replication = true
    }
  }
  role = { path = "/service-role/", description = "Carries letters" }
"#,
    )?;
    setup.apply().await?;
    let made = setup.state().await?;
    let id = made["import_id"].as_str().ok_or("no import_id")?;
    let imported = import_again(&setup, id).await?;
    assert_eq!(imported["destinations"], made["destinations"]);
    assert_eq!(imported["role"], made["role"]);
    Ok(())
}

async fn what_lives_only_in_terraform_is_set_again_without_a_write(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure("force_destroy = true", "retain_on_destroy = true")?;
    setup.apply().await?;
    let made = setup.state().await?;
    let id = made["import_id"].as_str().ok_or("no import_id")?;
    let remove = ["state", "rm", RESOURCE];
    setup.workspace.run(&remove).await?.success()?;
    setup.workspace.import(RESOURCE, id).await?.success()?;
    let imported = setup.state().await?;
    assert_eq!(imported["source"]["force_destroy"], false);

    setup.workspace.plan().await?.with_code(2)?;
    setup.proxy.take_log();
    setup.apply().await?;
    let log = setup.proxy.log();
    assert_eq!(log.writes().count(), 0, "{log}");
    assert_eq!(setup.state().await?, made);
    Ok(())
}

async fn a_bucket_that_is_missing_is_a_clear_error_and_one_that_does_not_replicate_imports(
    client: Client,
) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure("", "")?;
    let run = setup.workspace.import(RESOURCE, &setup.bucket).await?;
    let run = run.with_code(1)?;
    let told = format!("Bucket {} does not exist", setup.bucket);
    assert!(run.text().contains(&told), "{run}");
    let region = SOURCE_REGION.parse()?;
    let here = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(region);
    let create = setup.at_source().s3.create_bucket().bucket(&setup.bucket);
    create
        .create_bucket_configuration(here.build())
        .send()
        .await?;
    let run = setup.workspace.import(RESOURCE, &setup.bucket).await?;
    run.success()?;
    assert_eq!(setup.state().await?["destinations"], serde_json::json!({}));
    Ok(())
}
