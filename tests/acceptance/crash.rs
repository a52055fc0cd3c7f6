//! A create that was killed in the middle is finished by the next apply: no duplicate, no orphan.

use support::Outcome;
use support::proxy::{Action, Fault, Rule};
use support::terraform::{Client, kill_group, kill_providers};

use crate::on_each_client;
use crate::setup::Setup;

on_each_client!(
    terraform_killed_after_a_key_was_made,
    the_provider_killed_after_a_key_was_made,
    the_provider_killed_before_the_rule_is_written,
    the_provider_killed_after_a_bucket_was_made,
    the_provider_killed_after_the_role_was_made,
);

async fn terraform_killed_after_a_key_was_made(client: Client) -> Outcome {
    killed_then_finished(client, |process_id| {
        let kill = Action::new(move || drop(kill_group(process_id)));
        Rule::on(" CreateKey$", Fault::RunAfter(kill))
    })
    .await
}

async fn the_provider_killed_after_a_key_was_made(client: Client) -> Outcome {
    killed_then_finished(client, |process_id| {
        let kill = Action::new(move || drop(kill_providers(process_id)));
        Rule::on(" CreateKey$", Fault::RunAfter(kill))
    })
    .await
}

async fn the_provider_killed_before_the_rule_is_written(client: Client) -> Outcome {
    killed_then_finished(client, |process_id| {
        let kill = Action::new(move || drop(kill_providers(process_id)));
        Rule::on(" PutBucketReplication$", Fault::RunBefore(kill))
    })
    .await
}

async fn the_provider_killed_after_a_bucket_was_made(client: Client) -> Outcome {
    killed_then_finished(client, |process_id| {
        let kill = Action::new(move || drop(kill_providers(process_id)));
        Rule::on(" CreateBucket$", Fault::RunAfter(kill))
    })
    .await
}

async fn the_provider_killed_after_the_role_was_made(client: Client) -> Outcome {
    killed_then_finished(client, |process_id| {
        let kill = Action::new(move || drop(kill_providers(process_id)));
        Rule::on(" CreateRole$", Fault::RunAfter(kill))
    })
    .await
}

/// Applies with a rule that kills, applies again, and compares with an undisturbed setup.
async fn killed_then_finished(client: Client, rule: impl FnOnce(u32) -> Outcome<Rule>) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure("", "")?;
    let running = setup
        .workspace
        .start(&["apply", "-auto-approve", "-no-color"])?;
    let process_id = running.process_id().ok_or("Terraform ended at once")?;
    setup.proxy.add_rule(rule(process_id)?.times(1));
    let killed = running.finish().await?;
    assert_ne!(killed.code, Some(0), "the fault did not strike: {killed}");
    setup.proxy.clear_rules();

    setup.workspace.apply().await?.success()?;

    setup.workspace.plan().await?.success()?;
    for clients in [setup.at_source(), setup.at_destination()] {
        let remains = clients.remains().await?;
        let keys = remains.iter().filter(|line| line.starts_with("key "));
        assert_eq!(keys.count(), 1, "one key on each side: {remains:?}");
    }
    setup.workspace.destroy().await?.success()?;
    assert_eq!(setup.remains().await?, Vec::<String>::new());
    Ok(())
}
