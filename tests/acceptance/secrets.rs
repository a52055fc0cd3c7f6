//! What the provider block keeps secret reaches no file, no log and no message; and what the log does say.

use std::path::Path;
use std::process::Command;

use aws_credential_types::Credentials;
use support::Outcome;
use support::proxy::{Fault, Rule};
use support::terraform::{Client, Run};

use crate::on_each_client;
use crate::setup::{RESOURCE, SOURCE_REGION, Setup, provider_file};

on_each_client!(
    credentials_reach_neither_state_nor_plan_nor_log needs Ephemeral,
    refused_credentials_are_not_repeated needs Ephemeral,
    each_call_is_in_the_log_with_its_component_place_and_duration,
);

/// Written with variables that Terraform itself keeps nowhere: a literal would be in its plan file.
const VARIABLES: &str = r#"
variable "access_key" {
  type      = string
  ephemeral = true
}

variable "secret_key" {
  type      = string
  ephemeral = true
}

variable "token" {
  type      = string
  ephemeral = true
}
"#;

/// A workspace whose only credentials are in the provider block, with everything that can be logged going to a
/// file or, without one, to standard error.
async fn setup(
    client: Client,
    credentials: Option<Credentials>,
    log: Option<&str>,
) -> Outcome<(Setup, Vec<String>)> {
    let mut setup = Setup::new(client).await?;
    let credentials = match credentials {
        Some(credentials) => credentials,
        None => setup.source.deploy_session().await?,
    };
    let secrets = [
        ("access_key", credentials.access_key_id()),
        ("secret_key", credentials.secret_access_key()),
        ("token", credentials.session_token().unwrap_or_default()),
    ];
    let mut lines = format!("region = \"{SOURCE_REGION}\"");
    for (name, value) in secrets {
        lines.push_str(&format!("\n  {name} = var.{name}"));
        setup.workspace.set(&format!("TF_VAR_{name}"), value);
    }
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ] {
        setup.workspace.unset(name);
    }
    setup
        .workspace
        .write("provider.tf", &(provider_file(&lines) + VARIABLES))?;
    setup.workspace.set("TF_LOG", "TRACE");
    if let Some(file) = log {
        setup
            .workspace
            .set("TF_LOG_PATH", setup.workspace.path().join(file));
    }
    setup.configure("", "")?;
    let values = secrets
        .iter()
        .map(|(_, value)| (*value).to_owned())
        .collect();
    Ok((setup, values))
}

pub(crate) fn assert_without(secrets: &[String], place: &str, text: &str) {
    for secret in secrets {
        // The text itself is not shown: it would be the leak.
        assert!(
            !text.contains(secret.as_str()),
            "a credential is in {place}"
        );
    }
}

/// Every text of Terraform's plan file, which is a zip archive.
pub(crate) fn texts_of_plan(workspace: &Path) -> Outcome<String> {
    let directory = workspace.join("plan-parts");
    let unpacked = Command::new("python3")
        .args(["-m", "zipfile", "-e", "tfplan", "plan-parts"])
        .current_dir(workspace)
        .status()?;
    assert!(unpacked.success());
    let part = std::fs::read(directory.join("tfplan"))?;
    let state = std::fs::read(directory.join("tfstate"))?;
    Ok([part, state]
        .iter()
        .map(|bytes| String::from_utf8_lossy(bytes))
        .collect())
}

async fn credentials_reach_neither_state_nor_plan_nor_log(client: Client) -> Outcome {
    let (setup, mut secrets) = setup(client, None, Some("trace.log")).await?;
    let workspace = &setup.workspace;

    let plan = workspace.plan_json().await?;
    learn_sessions(&setup, &mut secrets);
    assert_eq!(plan["resource_changes"][0]["address"], RESOURCE);
    assert_without(&secrets, "the plan as JSON", &plan.to_string());
    let parts = texts_of_plan(workspace.path())?;
    assert!(
        parts.contains(&setup.bucket),
        "the plan's text was not found"
    );
    assert_without(&secrets, "the plan file", &parts);

    let refused = "<Error><Code>AccessDenied</Code><Message>not today</Message></Error>";
    let refused = Fault::Status(403, refused.to_owned());
    let rule = Rule::on(" PutBucketVersioning$", refused)?;
    setup.proxy.add_rule(rule.times(1));
    let run = workspace.apply().await?.with_code(1)?;
    learn_sessions(&setup, &mut secrets);
    assert!(run.text().contains("not today"), "the error is missing");
    assert_without(&secrets, "the error", &run.to_string());

    let run = workspace.apply().await?.success()?;
    learn_sessions(&setup, &mut secrets);
    assert_without(&secrets, "what apply printed", &run.to_string());
    let state = std::fs::read_to_string(workspace.path().join("terraform.tfstate"))?;
    assert!(
        state.contains(&setup.bucket),
        "the state's text was not found"
    );
    assert_without(&secrets, "the state", &state);

    let log = std::fs::read_to_string(workspace.path().join("trace.log"))?;
    assert!(
        log.contains("s3:CreateBucket"),
        "the provider's own log is missing"
    );
    assert_without(&secrets, "the log", &log);
    Ok(())
}

/// Those of the sessions that the provider has begun meanwhile in the destination's account.
fn learn_sessions(setup: &Setup, secrets: &mut Vec<String>) {
    let learned = setup.proxy.secrets();
    let assumed = setup.proxy.count("AssumeRole");
    // A session has an access key, a secret key and a token.
    assert_eq!(learned.len(), 3 * assumed, "of {assumed} sessions");
    assert!(assumed > 0, "no role was assumed");
    secrets.extend(learned);
    secrets.sort_unstable();
    secrets.dedup();
}

async fn refused_credentials_are_not_repeated(client: Client) -> Outcome {
    let wrong = Credentials::new(
        "AKIAWRONGWRONGWRONG1",
        "wrong-secret-4d2b",
        Some("wrong-token-77aa".to_owned()),
        None,
        "test",
    );
    let (setup, secrets) = setup(client, Some(wrong), None).await?;
    let run = setup.workspace.apply().await?.with_code(1)?;
    assert_refused(&run, &secrets);

    // The right key with a wrong secret: what AWS says of signatures repeats headers.
    let session = setup.source.deploy_session().await?;
    let mut setup = setup;
    setup
        .workspace
        .set("TF_VAR_access_key", session.access_key_id());
    setup
        .workspace
        .set("TF_VAR_token", session.session_token().unwrap_or_default());
    let run = setup.workspace.apply().await?.with_code(1)?;
    let secrets = [
        "wrong-secret-4d2b",
        session.access_key_id(),
        session.session_token().unwrap_or_default(),
    ];
    assert_refused(&run, &secrets.map(str::to_owned));
    Ok(())
}

fn assert_refused(run: &Run, secrets: &[String]) {
    assert!(
        run.text().contains("No valid credentials"),
        "the refusal was not told"
    );
    assert!(
        run.stderr.contains("sts:GetCallerIdentity"),
        "the log is missing"
    );
    assert_without(
        secrets,
        "messages and log",
        &format!("{}{}", run.stdout, run.stderr),
    );
}

async fn each_call_is_in_the_log_with_its_component_place_and_duration(client: Client) -> Outcome {
    let mut setup = Setup::new(client).await?;
    setup.workspace.set("TF_LOG_PROVIDER", "DEBUG");
    setup
        .workspace
        .set("TF_LOG_PATH", setup.workspace.path().join("debug.log"));
    setup.configure("", "")?;
    setup.workspace.apply().await?.success()?;
    setup.workspace.plan().await?.success()?;

    let log = std::fs::read_to_string(setup.workspace.path().join("debug.log"))?;
    let calls: Vec<_> = log
        .lines()
        .filter(|line| line.contains("call to AWS"))
        .collect();
    let sent = setup.proxy.log();
    // A repeated attempt is the same call.
    let sent = sent.calls().iter().filter(|call| call.attempt == 1).count();
    assert_eq!(calls.len(), sent, "each call is logged once:\n{log}");
    for line in calls {
        assert!(
            line.contains("duration_ms=") && line.contains("region="),
            "{line}"
        );
        // Who enters an account does not do it for one component.
        if !line.contains("call=sts:") {
            assert!(
                line.contains("component=") && line.contains("account="),
                "{line}"
            );
        }
    }
    let policy = log.lines().find(|line| line.contains("s3:PutBucketPolicy"));
    let policy = policy.ok_or("no policy was written")?;
    assert!(
        policy.contains("component=destination/backup/bucket_policy"),
        "{policy}"
    );
    assert!(
        policy.contains(&format!("account={}", setup.destination.id())),
        "{policy}"
    );
    Ok(())
}
