//! Every argument of the provider block takes effect, and what the block says wins over the environment.
//!
//! One client runs these: the provider is handed its block in the same form by each.

use std::fmt::Write as _;

use aws_credential_types::Credentials;
use serde_json::Value;
use support::Outcome;
use support::emulator::Emulator;
use support::proxy::{Fault, Log, Proxy, Rule};
use support::terraform::Client;

use crate::setup::{DESTINATION_REGION, SOURCE_REGION, Setup, provider_file};

async fn setup() -> Outcome<Setup> {
    Setup::new(Client::from_python()?).await
}

/// A resource whose source says nothing of where it is, and whose destination is in a region of its own.
fn write_resource(setup: &Setup, destination: &str) -> Outcome {
    let text = format!(
        r#"resource "replicated_bucket" "archive" {{
  source = {{
    bucket     = "{}"
    encryption = {{ sse_algorithm = "aws:kms" }}
  }}
  destinations = {{
    backup = {{
      region = "{DESTINATION_REGION}"
      {destination}
    }}
  }}
}}
"#,
        setup.bucket
    );
    setup.workspace.write("main.tf", &text)
}

/// Writes the provider block with these lines, plans, and tells the planned values of the resource.
async fn planned(setup: &Setup, provider: &str) -> Outcome<Value> {
    setup
        .workspace
        .write("provider.tf", &provider_file(provider))?;
    let plan = setup.workspace.plan_json().await?;
    Ok(plan["resource_changes"][0]["change"]["after"].clone())
}

/// The one error of an apply that changes nothing.
async fn refused(setup: &Setup, provider: &str) -> Outcome<(String, String)> {
    setup
        .workspace
        .write("provider.tf", &provider_file(provider))?;
    let run = setup.workspace.apply_json().await?.with_code(1)?;
    let log = setup.proxy.log();
    assert_eq!(log.writes().count(), 0, "{log}");
    let errors = run.errors();
    let first = errors.first().ok_or_else(|| format!("no error in {run}"))?;
    let told = errors
        .iter()
        .map(|error| format!("{}: {}\n", error.summary, error.detail));
    Ok((first.line.clone(), told.collect()))
}

fn keys_of(credentials: &Credentials) -> String {
    format!(
        "access_key = \"{}\"\nsecret_key = \"{}\"\ntoken = \"{}\"",
        credentials.access_key_id(),
        credentials.secret_access_key(),
        credentials.session_token().unwrap_or_default()
    )
}

#[tokio::test]
async fn the_blocks_region_and_keys_win_over_the_environment() -> Outcome {
    let mut setup = setup().await?;
    write_resource(&setup, "")?;
    setup.workspace.set("AWS_REGION", "eu-north-1");
    setup.workspace.set("AWS_ACCESS_KEY_ID", "AKIANOBODY");
    let session = setup.source.deploy_session().await?;

    let lines = format!("region = \"{SOURCE_REGION}\"\n{}", keys_of(&session));
    let values = planned(&setup, &lines).await?;

    assert_eq!(values["source"]["region"], SOURCE_REGION);
    assert_eq!(values["source"]["account_id"], setup.source.id());
    let log = setup.proxy.log();
    for call in log.calls() {
        let signer = call.scope.as_ref().map(|scope| scope.access_key.as_str());
        assert_eq!(signer, Some(session.access_key_id()), "{log}");
    }
    Ok(())
}

#[tokio::test]
async fn without_a_word_in_the_block_the_environment_tells_the_region() -> Outcome {
    let mut setup = setup().await?;
    write_resource(&setup, "")?;
    setup.workspace.set("AWS_REGION", "eu-north-1");
    let values = planned(&setup, "").await?;
    assert_eq!(values["source"]["region"], "eu-north-1");
    Ok(())
}

#[tokio::test]
async fn half_a_key_pair_is_refused() -> Outcome {
    let setup = setup().await?;
    write_resource(&setup, "")?;
    let (_, told) = refused(&setup, r#"access_key = "AKIANOBODY""#).await?;
    assert!(
        told.contains("access_key and secret_key must be given together"),
        "{told}"
    );
    Ok(())
}

#[tokio::test]
async fn a_profile_of_the_shared_files_wins_over_keys_in_the_environment() -> Outcome {
    let mut setup = setup().await?;
    write_resource(&setup, "")?;
    let other = Emulator::shared()?.new_account();
    other.create_deploy_role(&other).await?;
    let mut files = String::new();
    for (heading, account) in [("default", &setup.source), ("profile other", &other)] {
        let session = account.deploy_session().await?;
        write!(
            files,
            "[{heading}]\nregion = eu-north-1\naws_access_key_id = {}\naws_secret_access_key = {}\n\
             aws_session_token = {}\n",
            session.access_key_id(),
            session.secret_access_key(),
            session.session_token().unwrap_or_default()
        )?;
    }
    setup.workspace.write("aws-config", &files)?;
    setup
        .workspace
        .set("AWS_CONFIG_FILE", setup.workspace.path().join("aws-config"));

    let values = planned(&setup, r#"profile = "other""#).await?;

    assert_eq!(values["source"]["account_id"], other.id());
    assert_eq!(
        values["source"]["region"], "eu-north-1",
        "the profile's own"
    );
    Ok(())
}

#[tokio::test]
async fn a_chain_of_roles_is_assumed_one_after_the_other() -> Outcome {
    let setup = setup().await?;
    write_resource(&setup, "")?;
    // The last role trusts only the account in the middle.
    let last = Emulator::shared()?.new_account();
    last.create_deploy_role(&setup.destination).await?;
    let lines = format!(
        r#"region = "{SOURCE_REGION}"
  assume_role {{
    role_arn     = "{}"
    session_name = "first-hop"
  }}
  assume_role {{
    role_arn = "{}"
    duration = "30m"
  }}"#,
        setup.destination.deploy_role_arn(),
        last.deploy_role_arn()
    );

    let values = planned(&setup, &lines).await?;

    assert_eq!(values["source"]["account_id"], last.id());
    let log = setup.proxy.log();
    let callers: Vec<_> = log
        .of("AssumeRole")
        .map(|call| call.account.clone())
        .collect();
    assert_eq!(
        callers.len() % 2,
        0,
        "each run of the provider assumes both: {log}"
    );
    let of_middle = callers
        .iter()
        .filter(|account| account.as_deref() == Some(setup.destination.id()));
    assert_eq!(of_middle.count(), callers.len() / 2, "{log}");
    Ok(())
}

#[tokio::test]
async fn each_endpoint_of_the_block_wins_over_the_environments() -> Outcome {
    let mut setup = setup().await?;
    write_resource(&setup, "")?;
    let proxies = proxies().await?;
    setup
        .workspace
        .set("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    setup
        .workspace
        .set("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1");
    let mut lines = format!("region = \"{SOURCE_REGION}\"\n  endpoints {{\n");
    for (service, proxy) in &proxies {
        writeln!(lines, "    {service} = \"http://{}\"", proxy.address())?;
    }
    planned(&setup, &(lines + "  }")).await?;
    assert_each_has_its_own(&proxies);
    Ok(())
}

#[tokio::test]
async fn each_service_has_an_endpoint_variable_of_its_own() -> Outcome {
    let mut setup = setup().await?;
    write_resource(&setup, "")?;
    let proxies = proxies().await?;
    setup
        .workspace
        .set("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    for (service, proxy) in &proxies {
        let name = format!("AWS_ENDPOINT_URL_{}", service.to_uppercase());
        setup
            .workspace
            .set(&name, format!("http://{}", proxy.address()));
    }
    planned(&setup, &format!("region = \"{SOURCE_REGION}\"")).await?;
    assert_each_has_its_own(&proxies);
    Ok(())
}

async fn proxies() -> Outcome<Vec<(&'static str, Proxy)>> {
    let mut proxies = Vec::new();
    for service in ["s3", "kms", "iam", "sts"] {
        proxies.push((service, Proxy::start(Emulator::shared()?.address()).await?));
    }
    Ok(proxies)
}

fn assert_each_has_its_own(proxies: &[(&str, Proxy)]) {
    for (service, proxy) in proxies {
        let log = proxy.log();
        assert!(!log.is_empty(), "no call reached the endpoint of {service}");
        for call in log.calls() {
            let signed_for = call.scope.as_ref().map(|scope| scope.service.as_str());
            assert_eq!(signed_for, Some(*service), "{log}");
        }
    }
}

#[tokio::test]
async fn path_style_puts_bucket_names_into_the_path() -> Outcome {
    let setup = setup().await?;
    write_resource(&setup, "")?;
    // Behind an address of numbers the SDK never makes a host name of a bucket; behind a name it does.
    let lines = |style: bool| {
        format!(
            "region = \"{SOURCE_REGION}\"\n  max_retries = 0\n  s3_use_path_style = {style}\n  \
             endpoints {{ s3 = \"http://localhost:{}\" }}",
            setup.proxy.address().port()
        )
    };
    let path = format!("/{}", setup.bucket);
    let in_path = |log: &Log| {
        log.of("HeadBucket")
            .any(|call| call.path.starts_with(&path))
    };

    planned(&setup, &lines(true)).await?;
    let log = setup.proxy.take_log();
    assert!(in_path(&log), "{log}");

    setup
        .workspace
        .write("provider.tf", &provider_file(&lines(false)))?;
    setup.workspace.plan().await?;
    let log = setup.proxy.take_log();
    assert!(!in_path(&log), "{log}");
    Ok(())
}

#[tokio::test]
async fn max_retries_bounds_the_attempts_of_one_call() -> Outcome {
    let setup = setup().await?;
    write_resource(&setup, "")?;
    setup
        .proxy
        .add_rule(Rule::on(" HeadBucket$", Fault::Status(503, String::new()))?);
    for retries in [0, 2] {
        setup.proxy.take_log();
        let lines = format!("region = \"{SOURCE_REGION}\"\n  max_retries = {retries}");
        let (_, told) = refused(&setup, &lines).await?;
        assert!(told.contains("run the same command again"), "{told}");
        let log = setup.proxy.log();
        let last = log.of("HeadBucket").map(|call| call.attempt).max();
        assert_eq!(last, Some(retries + 1), "{log}");
    }
    Ok(())
}

#[tokio::test]
async fn the_account_guards_hold_for_the_providers_own_credentials() -> Outcome {
    let setup = setup().await?;
    let way_in = format!(
        "assume_role = {{ role_arn = \"{}\" }}",
        setup.destination.deploy_role_arn()
    );
    write_resource(&setup, &way_in)?;
    let own = setup.source.id();
    let region = format!("region = \"{SOURCE_REGION}\"");

    let allowed = format!("{region}\n  allowed_account_ids = [\"222222222222\"]");
    let (line, told) = refused(&setup, &allowed).await?;
    assert!(line.starts_with("allowed_account_ids ="), "{line}");
    assert!(
        told.contains("not among its allowed_account_ids (222222222222)"),
        "{told}"
    );
    assert!(
        told.contains(own) && told.contains("Use other credentials, or correct the list"),
        "{told}"
    );

    let forbidden = format!("{region}\n  forbidden_account_ids = [\"{own}\"]");
    let (_, told) = refused(&setup, &forbidden).await?;
    assert!(told.contains("which forbidden_account_ids names"), "{told}");

    let both = format!("{forbidden}\n  allowed_account_ids = [\"{own}\"]");
    let (line, told) = refused(&setup, &both).await?;
    assert!(line.starts_with("forbidden_account_ids ="), "{line}");
    assert!(told.contains("exclude each other"), "{told}");

    // The destination's account is another one, and no guard's business.
    planned(
        &setup,
        &format!("{region}\n  allowed_account_ids = [\"{own}\"]"),
    )
    .await?;
    planned(
        &setup,
        &format!("{region}\n  forbidden_account_ids = [\"222222222222\"]"),
    )
    .await?;
    Ok(())
}

#[tokio::test]
async fn default_tags_are_on_everything_that_takes_tags() -> Outcome {
    let setup = setup().await?;
    setup.configure(r#"tags = { team = "archive" }"#, "")?;
    let lines = format!(
        "region = \"{SOURCE_REGION}\"\n  default_tags {{\n    tags = {{ team = \"ops\", cost = \"7\" }}\n  }}"
    );
    setup
        .workspace
        .write("provider.tf", &provider_file(&lines))?;
    setup.workspace.apply().await?.success()?;

    let (here, there) = (setup.at_source(), setup.at_destination());
    assert_eq!(
        here.bucket_tag(&setup.bucket, "cost").await?.as_deref(),
        Some("7")
    );
    assert_eq!(
        here.bucket_tag(&setup.bucket, "team").await?.as_deref(),
        Some("archive")
    );
    assert_eq!(
        there
            .bucket_tag(&setup.replica_bucket(), "team")
            .await?
            .as_deref(),
        Some("ops")
    );
    let role = format!("replication-{}", setup.bucket);
    let tags = here.iam.list_role_tags().role_name(role).send().await?;
    assert!(
        tags.tags()
            .iter()
            .any(|tag| (tag.key(), tag.value()) == ("team", "ops")),
        "{tags:?}"
    );
    let alias = format!("alias/{}", setup.replica_bucket());
    let key = there.kms.describe_key().key_id(alias).send().await?;
    let key = key.key_metadata().ok_or("no key")?.key_id().to_owned();
    let tags = there.kms.list_resource_tags().key_id(key).send().await?;
    let of_key = |tag: &aws_sdk_kms::types::Tag| (tag.tag_key(), tag.tag_value()) == ("cost", "7");
    assert!(tags.tags().iter().any(of_key), "{tags:?}");
    setup.workspace.plan().await?.success()?;
    Ok(())
}

#[tokio::test]
async fn an_account_block_is_the_way_into_its_account() -> Outcome {
    let setup = setup().await?;
    let id = setup.destination.id();
    write_resource(&setup, &format!("account_id = \"{id}\""))?;
    let block = format!(
        "account {{\n    account_id = \"{id}\"\n    assume_role {{\n      role_arn = \"{}\"\n    }}\n  }}",
        setup.destination.deploy_role_arn()
    );
    let region = format!("region = \"{SOURCE_REGION}\"");

    let (line, told) = refused(&setup, &format!("{region}\n  {block}\n  {block}")).await?;
    assert!(line.starts_with("account_id ="), "{line}");
    assert!(
        told.contains(&format!("an `account` block for {id} already")),
        "{told}"
    );

    let empty = format!("account {{\n    account_id = \"{id}\"\n  }}");
    let (_, told) = refused(&setup, &format!("{region}\n  {empty}")).await?;
    assert!(
        told.contains("write a `profile`, an `assume_role` block, or both"),
        "{told}"
    );

    let lines = format!("{region}\n  {block}");
    setup
        .workspace
        .write("provider.tf", &provider_file(&lines))?;
    setup.workspace.apply().await?.success()?;
    let remains = setup.at_destination().remains().await?;
    assert!(
        remains.contains(&format!("bucket {}", setup.replica_bucket())),
        "{remains:?}"
    );
    setup.workspace.plan().await?.success()?;
    setup.workspace.destroy().await?.success()?;
    assert_eq!(setup.remains().await?, Vec::<String>::new());
    Ok(())
}
