//! Ways into accounts: a data source of a provider alias, `account` blocks, roles of the provider.

use serde_json::json;
use support::Outcome;
use support::emulator::unique_name;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{DESTINATION_REGION, SOURCE_REGION, Setup};

on_each_client!(
    the_location_of_a_provider_alias_makes_a_destination,
    an_account_block_tells_the_way_once,
    a_chain_of_roles_leads_to_the_source,
    a_way_in_that_changes_alone_is_an_update_without_a_write,
    a_destination_goes_together_with_its_account_block,
    names_of_regional_namespaces_lead_to_where_they_say,
);

/// The resource with this destination.
fn with_destination(destination: &str) -> String {
    format!(
        r#"
resource "replicated_bucket" "archive" {{
  source = {{
    bucket     = "<bucket>"
    encryption = {{ sse_algorithm = "aws:kms" }}
  }}
  destinations = {{ backup = {destination} }}
}}
"#
    )
}

const BY_ACCOUNT: &str = r#"{ account_id = "<destination>", region = "us-west-2" }"#;

const BY_ROLE: &str = r#"{ region = "us-west-2", assume_role = { role_arn = "<role>" } }"#;

const ACCOUNT_BLOCK: &str = r#"
account {
  account_id = "<destination>"
  assume_role { role_arn = "<role>" }
}"#;

async fn an_object_crosses(setup: &Setup) -> Outcome {
    let (source, there) = (setup.at_source(), setup.at_destination());
    source
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;
    let replica = setup.replica_bucket();
    assert_eq!(there.text(&replica, "letter.txt").await?, "Dear archive");
    source.empty_bucket(&setup.bucket).await?;
    there.empty_bucket(&replica).await
}

async fn the_location_of_a_provider_alias_makes_a_destination(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    let alias = r#"
provider "replicated" {
  alias  = "dr"
  region = "us-west-2"
  assume_role { role_arn = "<role>" }
}

data "replicated_account" "dr" { provider = replicated.dr }

output "location" { value = data.replicated_account.dr.location }
"#;
    let merged = r#"merge(data.replicated_account.dr.location, { bucket = "<bucket>-backup" })"#;
    setup.main(&(alias.to_owned() + &with_destination(merged)))?;
    setup.apply().await?;

    let state = setup.workspace.state_json().await?;
    let location = &state["values"]["outputs"]["location"]["value"];
    assert_eq!(location["account_id"], setup.destination.id());
    assert_eq!(location["region"], "us-west-2");
    assert_eq!(location["profile"], serde_json::Value::Null);
    assert_eq!(
        location["assume_role"]["role_arn"],
        setup.destination.deploy_role_arn()
    );
    let state = setup.state().await?;
    assert_eq!(
        state["destinations"]["backup"]["account_id"],
        setup.destination.id()
    );
    an_object_crosses(&setup).await?;
    setup.destroy().await
}

async fn an_account_block_tells_the_way_once(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.provider(ACCOUNT_BLOCK)?;
    setup.main(&with_destination(BY_ACCOUNT))?;
    setup.apply().await?;
    let state = setup.state().await?;
    let side = &state["destinations"]["backup"];
    assert_eq!(side["account_id"], setup.destination.id());
    assert_eq!(side["assume_role"], serde_json::Value::Null);
    an_object_crosses(&setup).await?;
    setup.destroy().await
}

async fn a_chain_of_roles_leads_to_the_source(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    // From the session in the source's account through the other account and back into it.
    let name = unique_name("Back");
    let iam = setup.at_source().iam;
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": setup.destination.deploy_role_arn() },
            "Action": "sts:AssumeRole",
        }],
    });
    let made = iam.create_role().role_name(&name);
    made.assume_role_policy_document(trust.to_string())
        .send()
        .await?;
    let grants = setup.at_source().role_policy("Deploy", "deploy").await?;
    let put = iam.put_role_policy().role_name(&name).policy_name("deploy");
    put.policy_document(grants.to_string()).send().await?;
    let id = setup.source.id();
    setup.provider(&format!(
        "assume_role {{ role_arn = \"<role>\" }}\n\
         assume_role {{ role_arn = \"arn:aws:iam::{id}:role/{name}\" }}"
    ))?;
    // A destination's own role is assumed with the base credentials, not at the end of the chain.
    setup.main(&with_destination(BY_ROLE))?;
    setup.apply().await?;

    assert_eq!(setup.state().await?["source"]["account_id"], id);
    let log = setup.proxy.log();
    assert!(log.count("AssumeRole") >= 3, "{log}");
    an_object_crosses(&setup).await?;
    setup.workspace.destroy().await?.success()?;
    assert_eq!(setup.remains().await?, [format!("role {name}")]);
    Ok(())
}

async fn a_way_in_that_changes_alone_is_an_update_without_a_write(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.provider(ACCOUNT_BLOCK)?;
    setup.main(&with_destination(BY_ACCOUNT))?;
    setup.apply().await?;
    setup.main(&with_destination(BY_ROLE))?;
    assert_eq!(setup.planned().await?["actions"], json!(["update"]));
    setup.proxy.take_log();
    setup.apply().await?;
    let log = setup.proxy.log();
    assert_eq!(log.writes().count(), 0, "{log}");
    Ok(())
}

async fn a_destination_goes_together_with_its_account_block(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.provider(ACCOUNT_BLOCK)?;
    let both = |more: &str| {
        with_destination(BY_ROLE).replace(
            "destinations = {",
            &format!("destinations = {{\n home = {{ region = \"eu-west-1\" }}\n{more}\n"),
        )
    };
    let away = r#"away = { account_id = "<destination>", region = "eu-west-1" }"#;
    setup.main(&both(away))?;
    setup.apply().await?;
    let (there, bucket) = (setup.at_destination(), format!("{}-away", setup.bucket));
    assert!(there.has_bucket(&bucket).await?);

    setup.provider("")?;
    setup.main(&both(""))?;
    setup.apply().await?;

    assert!(!there.has_bucket(&bucket).await?);
    let elsewhere = setup.destination.clients("eu-west-1").remains().await?;
    assert!(
        !elsewhere.iter().any(|line| line.starts_with("key")),
        "{elsewhere:?}"
    );
    Ok(())
}

/// That such a bucket is asked for in its namespace is for `tests/edge`: the emulator has only the global one.
async fn names_of_regional_namespaces_lead_to_where_they_say(client: Client) -> Outcome {
    let mut setup = Setup::new(client).await?;
    let beginning = setup.bucket.clone();
    let name = |account: &str, region: &str| format!("{beginning}-{account}-{region}-an");
    setup.bucket = name(setup.source.id(), SOURCE_REGION);
    let copy = name(setup.destination.id(), DESTINATION_REGION);
    let to = |bucket: &str| {
        let at = format!("bucket = \"{bucket}\", region = \"{DESTINATION_REGION}\"");
        with_destination(&format!(
            "{{ {at}, assume_role = {{ role_arn = \"<role>\" }} }}"
        ))
    };
    setup.main(&to(&name(setup.source.id(), DESTINATION_REGION)))?;
    let refused = setup.workspace.plan().await?.with_code(1)?;
    assert!(
        refused
            .text()
            .contains("belongs to another account or region"),
        "{refused}"
    );

    setup.main(&to(&copy))?;
    setup.apply().await?;
    let (source, there) = (setup.at_source(), setup.at_destination());
    source
        .put_text(&setup.bucket, "letter.txt", "Dear archive")
        .await?;
    assert_eq!(there.text(&copy, "letter.txt").await?, "Dear archive");
    source.empty_bucket(&setup.bucket).await?;
    there.empty_bucket(&copy).await?;
    setup.destroy().await
}
