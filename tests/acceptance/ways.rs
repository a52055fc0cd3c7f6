//! Deploy roles that are renamed and destinations that are given up, with sessions that are really entered.

use serde_json::json;
use support::Outcome;
use support::emulator::{DEPLOY_ROLE, Emulator};
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{RESOURCE, Setup};

on_each_client!(
    a_deploy_role_under_another_name_is_an_update_without_a_write,
    an_account_block_takes_the_place_of_a_role_that_is_gone,
    an_account_that_is_given_up_leaves_the_state_without_a_call,
    own_credentials_of_another_account_change_nothing,
);

/// Another deploy role takes the place of the one in the destination's account; tells its ARN.
async fn renamed(setup: &Setup) -> Outcome<String> {
    const NAME: &str = "Deployer";
    let iam = setup.at_destination().iam;
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{}:root", setup.source.id()) },
            "Action": "sts:AssumeRole",
        }],
    });
    let grants = setup.at_destination();
    let grants = grants.role_policy(DEPLOY_ROLE, "deploy").await?;
    let made = iam.create_role().role_name(NAME);
    made.assume_role_policy_document(trust.to_string())
        .send()
        .await?;
    let put = iam.put_role_policy().role_name(NAME).policy_name("deploy");
    put.policy_document(grants.to_string()).send().await?;
    // The emulator lets everybody enter a role that is not there.
    let nobody = trust
        .to_string()
        .replace(setup.source.id(), setup.destination.id());
    let shut = iam.update_assume_role_policy().role_name(DEPLOY_ROLE);
    shut.policy_document(nobody).send().await?;
    Ok(format!(
        "arn:aws:iam::{}:role/{NAME}",
        setup.destination.id()
    ))
}

/// The provider's `account` block for the destination's account.
fn block(setup: &Setup, role: &str) -> Outcome {
    setup.provider(&format!(
        "account {{\n account_id = \"<destination>\"\n assume_role {{ role_arn = \"{role}\" }}\n}}"
    ))
}

/// What is left of both accounts but the renamed deploy role.
async fn remains(setup: &Setup) -> Outcome<Vec<String>> {
    let mut remains = setup.remains().await?;
    remains.retain(|line| line != "role Deployer");
    Ok(remains)
}

async fn a_deploy_role_under_another_name_is_an_update_without_a_write(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    let role = renamed(&setup).await?;
    let plan = setup.workspace.plan().await?.with_code(1)?;
    assert!(plan.text().contains("cannot be entered"), "{plan}");
    assert!(plan.text().contains("Cannot assume the role"), "{plan}");

    let main = setup.workspace.path().join("main.tf");
    let text = std::fs::read_to_string(&main)?;
    let old = setup.destination.deploy_role_arn();
    std::fs::write(&main, text.replace(&old, &role))?;
    let planned = setup.planned().await?;
    assert_eq!(planned["actions"], json!(["update"]));
    setup.proxy.take_log();
    setup.apply().await?;
    let log = setup.proxy.log();
    assert_eq!(log.writes().count(), 0, "{log}");
    let plan = setup.workspace.plan().await?.success()?;
    // The client warns of its settings alone.
    assert_eq!(plan.text().matches("Warning:").count(), 1, "{plan}");

    // The role is now in the state alone.
    setup.workspace.write("main.tf", "")?;
    setup.workspace.apply().await?.success()?;
    assert_eq!(remains(&setup).await?, Vec::<String>::new());
    Ok(())
}

async fn an_account_block_takes_the_place_of_a_role_that_is_gone(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    let role = renamed(&setup).await?;
    block(&setup, &role)?;
    // Nothing changes, and what is there can be seen by the block.
    let plan = setup.workspace.plan().await?.success()?;
    // The client warns of its settings alone.
    assert_eq!(plan.text().matches("Warning:").count(), 1, "{plan}");
    // What is to change is entered as it is written.
    setup.configure("", r#"tags = { team = "archive" }"#)?;
    let plan = setup.workspace.plan().await?.with_code(1)?;
    assert!(plan.text().contains("Cannot assume the role"), "{plan}");

    // A destroy begins with a plan of what is written.
    setup.configure("", "")?;
    setup.workspace.destroy().await?.success()?;
    assert_eq!(remains(&setup).await?, Vec::<String>::new());
    Ok(())
}

async fn an_account_that_is_given_up_leaves_the_state_without_a_call(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    let resource = |backup: &str| {
        setup.resource(&format!(
            r#"
  source       = {{ bucket = "<bucket>" }}
  destinations = {{
    near = {{ region = "eu-west-1" }}
    {backup}
  }}
"#
        ))
    };
    resource(r#"backup = { region = "us-west-2", assume_role = { role_arn = "<role>" } }"#)?;
    setup.apply().await?;
    setup.provider("account {\n account_id = \"<destination>\"\n abandoned = true\n}")?;
    let plan = setup.workspace.plan().await?.with_code(1)?;
    assert!(plan.text().contains("is abandoned"), "{plan}");

    resource("")?;
    setup.proxy.take_log();
    let apply = setup.apply().await?;
    assert!(
        apply.text().contains("leave the state without a call"),
        "{apply}"
    );
    let log = setup.proxy.log();
    let there = log.calls().iter().find(|call| {
        let account = call.account.as_deref();
        account == Some(setup.destination.id()) || call.operation == "AssumeRole"
    });
    assert_eq!(there, None, "{log}");
    let state = setup.workspace.resource(RESOURCE).await?;
    assert_eq!(state["destinations"]["backup"], json!(null));
    assert_eq!(
        setup.at_destination().remains().await?,
        [format!("bucket {}", setup.replica_bucket())]
    );
    Ok(())
}

async fn own_credentials_of_another_account_change_nothing(client: Client) -> Outcome {
    let mut setup = Setup::applied(client).await?;
    let before = setup.state().await?;
    let stranger = Emulator::shared()?.new_account();
    stranger.create_deploy_role(&stranger).await?;
    let session = stranger.deploy_session().await?;
    setup.proxy.know(session.access_key_id(), stranger.id());
    setup.workspace.use_aws(setup.proxy.address(), &session);
    setup.proxy.take_log();
    let plan = setup.workspace.plan().await?.with_code(1)?;
    let told = "The way in leads to another account";
    assert!(plan.text().contains(told), "{plan}");
    setup.workspace.destroy().await?.with_code(1)?;
    let log = setup.proxy.log();
    assert_eq!(log.writes().count(), 0, "{log}");
    assert_eq!(setup.state().await?, before);
    Ok(())
}
