//! What is there can be taken into state.

use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{RESOURCE, Setup};

on_each_client!(the_plan_after_an_import_is_empty);

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
