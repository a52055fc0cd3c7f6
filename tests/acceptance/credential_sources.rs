//! Credentials from wherever they may come reach no output, no log and no file, whatever becomes of the run.
//!
//! Each source lives through a plan, a create that fails, a create, an update and a destroy, with everything logged that
//! can be; afterwards everything that was written anywhere is searched. One client runs these: what it is handed by the
//! provider is the same for each.

use aws_credential_types::Credentials;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use support::Outcome;
use support::emulator::DEPLOY_ROLE;
use support::proxy::{Fault, Rule};
use support::terraform::{Client, Run};

use crate::secrets::{assert_without, texts_of_plan};
use crate::setup::{SOURCE_REGION, Setup, provider_file};

const LOG: &str = "trace.log";

/// A run with one source of credentials, and the texts that may show nowhere.
struct Case {
    setup: Setup,
    secrets: Vec<String>,
}

impl Case {
    /// A workspace without any credentials in the environment.
    async fn new() -> Outcome<(Self, Credentials)> {
        let mut setup = Setup::new(Client::from_python()?).await?;
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
        ] {
            setup.workspace.unset(name);
        }
        setup.workspace.set("TF_LOG", "TRACE");
        setup
            .workspace
            .set("TF_LOG_PATH", setup.workspace.path().join(LOG));
        setup.configure("", "")?;
        let session = setup.source.deploy_session().await?;
        let secrets = [
            session.secret_access_key(),
            session.session_token().unwrap_or_default(),
        ];
        let secrets = secrets.map(str::to_owned).to_vec();
        Ok((Self { setup, secrets }, session))
    }

    /// Writes the provider block with these lines.
    fn provider(&self, lines: &str) -> Outcome {
        let lines = format!("region = \"{SOURCE_REGION}\"\n{lines}");
        self.setup
            .workspace
            .write("provider.tf", &provider_file(&lines))
    }

    /// Writes a file beside the configuration, and tells its path.
    fn file(&self, name: &str, text: &str) -> Outcome<String> {
        let path = self.setup.workspace.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    /// A create that fails, a create, an update and a destroy, none of which says a secret.
    async fn lives(mut self) -> Outcome {
        self.setup.workspace.plan_json().await?;
        let plan = texts_of_plan(self.setup.workspace.path())?;
        assert!(
            plan.contains(&self.setup.bucket),
            "the plan's text was not found"
        );
        self.secrets.extend(self.setup.proxy.secrets());
        assert!(
            self.secrets.len() >= 4,
            "the session in the other account was not seen"
        );
        assert_without(&self.secrets, "the plan file", &plan);

        let denied = Fault::Status(403, "<Error><Code>AccessDenied</Code></Error>".to_owned());
        let rule = Rule::on(" PutBucketReplication$", denied)?;
        self.setup.proxy.add_rule(rule);
        self.apply(1).await?;
        self.setup.proxy.clear_rules();
        self.apply(0).await?;
        self.setup
            .configure("force_destroy = true", r#"storage_class = "GLACIER_IR""#)?;
        self.apply(0).await?;
        self.holds("terraform.tfstate")?;
        let run = self.setup.workspace.destroy().await?.success()?;
        self.says_nothing(&run);
        self.holds("terraform.tfstate.backup")?;
        let log = std::fs::read_to_string(self.setup.workspace.path().join(LOG))?;
        for call in ["s3:CreateBucket", "sts:AssumeRole", "iam:DeleteRole"] {
            assert!(
                log.contains(call),
                "the provider's own log is missing {call}"
            );
        }
        assert_without(&self.secrets, "the log", &log);
        Ok(())
    }

    async fn apply(&mut self, code: i32) -> Outcome {
        let run = self.setup.workspace.apply().await?.with_code(code)?;
        self.says_nothing(&run);
        Ok(())
    }

    fn says_nothing(&mut self, run: &Run) {
        // Every command has a session of its own in the other account.
        self.secrets.extend(self.setup.proxy.secrets());
        let said = format!("{}{}", run.stdout, run.stderr);
        assert_without(&self.secrets, "what Terraform printed", &said);
    }

    /// Searches a state, and what the provider keeps beside it.
    fn holds(&self, file: &str) -> Outcome {
        let text = std::fs::read_to_string(self.setup.workspace.path().join(file))?;
        assert_without(&self.secrets, file, &text);
        let state: Value = serde_json::from_str(&text)?;
        let private = state["resources"][0]["instances"][0]["private"].as_str();
        let private = STANDARD.decode(private.ok_or("nothing is kept beside the state")?)?;
        let private = String::from_utf8(private)?;
        assert!(private.contains("ways"), "{private}");
        assert_without(&self.secrets, "what is kept beside the state", &private);
        Ok(())
    }
}

#[tokio::test]
async fn a_profile_and_a_chain_of_roles() -> Outcome {
    let (mut case, session) = Case::new().await?;
    let external_id = "external-id-5d81f3";
    let iam = case.setup.source.clients(SOURCE_REGION).iam;
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": { "AWS": format!("arn:aws:iam::{}:root", case.setup.source.id()) },
        "Action": "sts:AssumeRole",
        "Condition": { "StringEquals": { "sts:ExternalId": external_id } },
    }] });
    let inner = iam
        .create_role()
        .role_name("Inner")
        .assume_role_policy_document(trust.to_string())
        .send()
        .await?;
    let inner = inner.role().ok_or("no role")?.arn().to_owned();
    let granted = iam
        .get_role_policy()
        .role_name(DEPLOY_ROLE)
        .policy_name("deploy")
        .send()
        .await?;
    let granted = percent_encoding::percent_decode_str(granted.policy_document())
        .decode_utf8()?
        .into_owned();
    iam.put_role_policy()
        .role_name("Inner")
        .policy_name("deploy")
        .policy_document(granted)
        .send()
        .await?;
    let file = case.file("credentials", &profile(&session))?;
    case.provider(&format!(
        "shared_credentials_files = [\"{file}\"]\nprofile = \"deployer\"\nassume_role {{\nrole_arn = \"{inner}\"\nexternal_id = \"{external_id}\"\n}}"
    ))?;
    // It is no credential, and kept beside the state, which is how a destroy gets in; said it is nowhere.
    let run = case.setup.workspace.apply().await?.success()?;
    assert_without(
        &[external_id.to_owned()],
        "what apply printed",
        &format!("{}{}", run.stdout, run.stderr),
    );
    let log = std::fs::read_to_string(case.setup.workspace.path().join(LOG))?;
    assert_without(&[external_id.to_owned()], "the log", &log);
    let run = case.setup.workspace.destroy().await?.success()?;
    case.says_nothing(&run);
    case.lives().await
}

fn profile(session: &Credentials) -> String {
    format!(
        "[deployer]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
        session.access_key_id(),
        session.secret_access_key(),
        session.session_token().unwrap_or_default()
    )
}

#[tokio::test]
async fn a_program_that_tells_credentials() -> Outcome {
    let (mut case, session) = Case::new().await?;
    let told = json!({
        "Version": 1,
        "AccessKeyId": session.access_key_id(),
        "SecretAccessKey": session.secret_access_key(),
        "SessionToken": session.session_token(),
    });
    let told = case.file("told.json", &told.to_string())?;
    let password = "process-password-7c21";
    case.secrets.push(password.to_owned());
    let program =
        |file: &str| format!("[profile deployer]\ncredential_process = cat {file} # {password}\n");
    let config = case.file("config", &program(&told))?;
    case.provider(&format!(
        "shared_config_files = [\"{config}\"]\nprofile = \"deployer\""
    ))?;

    // What it tells is cut off, so that it cannot be read.
    let cut = std::fs::read_to_string(&told)?;
    let cut = case.file("cut.json", &cut[..cut.len() - 3])?;
    case.file("config", &program(&cut))?;
    let run = case.setup.workspace.plan().await?.with_code(1)?;
    assert!(run.text().contains("No valid credentials"), "{run}");
    case.says_nothing(&run);
    case.file("config", &program(&told))?;
    case.lives().await
}

#[tokio::test]
async fn a_web_identity() -> Outcome {
    let (mut case, _) = Case::new().await?;
    let issuer = "accounts.google.com";
    let claims = json!({ "iss": format!("https://{issuer}"), "aud": "case", "sub": "case" });
    let parts = [
        json!({ "alg": "none" }).to_string(),
        claims.to_string(),
        "signature".to_owned(),
    ];
    let token = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": { "Federated": issuer },
        "Action": "sts:AssumeRoleWithWebIdentity",
    }] });
    let iam = case.setup.source.clients(SOURCE_REGION).iam;
    let update = iam.update_assume_role_policy().role_name(DEPLOY_ROLE);
    update.policy_document(trust.to_string()).send().await?;
    let file = case.file("token", &token)?;
    case.secrets = vec![token];
    let role = case.setup.source.deploy_role_arn();
    case.provider(&format!(
        "assume_role_with_web_identity {{\nrole_arn = \"{role}\"\nweb_identity_token_file = \"{file}\"\n}}"
    ))?;
    case.lives().await
}

/// A file that somebody edited by hand: the token on a line of its own, and a line without a name.
#[tokio::test]
async fn a_credentials_file_with_mistakes() -> Outcome {
    let (mut case, session) = Case::new().await?;
    let token = session.session_token().unwrap_or_default();
    let secret = session.secret_access_key();
    for mistake in [
        format!("aws_secret_access_key = {secret}\naws_session_token =\n  {token}\n"),
        format!("aws_secret_access_key =\n  {secret}\naws_session_token = {token}\n"),
        format!("{secret}\naws_session_token = {token}\n"),
    ] {
        let id = session.access_key_id();
        let file = case.file(
            "credentials",
            &format!("[deployer]\naws_access_key_id = {id}\n{mistake}"),
        )?;
        case.provider(&format!(
            "shared_credentials_files = [\"{file}\"]\nprofile = \"deployer\""
        ))?;
        let run = case.setup.workspace.plan().await?.with_code(1)?;
        case.says_nothing(&run);
    }
    let log = std::fs::read_to_string(case.setup.workspace.path().join(LOG))?;
    assert!(
        log.contains("may repeat secrets"),
        "no warning of a library was seen"
    );
    assert_without(&case.secrets, "the log", &log);
    Ok(())
}

/// The proxy is not there, so the failure is about it.
#[tokio::test]
async fn the_password_of_a_proxy() -> Outcome {
    let (mut case, session) = Case::new().await?;
    case.secrets.push("proxy-password-90ab".to_owned());
    let file = case.file("credentials", &profile(&session))?;
    case.setup
        .workspace
        .set("AWS_ENDPOINT_URL", "http://aws.invalid");
    case.setup.workspace.unset("NO_PROXY");
    case.provider(&format!(
        "shared_credentials_files = [\"{file}\"]\nprofile = \"deployer\"\nmax_retries = 0\nhttp_proxy = \"http://person:proxy-password-90ab@127.0.0.1:1\""
    ))?;
    let run = case.setup.workspace.plan().await?.with_code(1)?;
    case.says_nothing(&run);
    let log = std::fs::read_to_string(case.setup.workspace.path().join(LOG))?;
    assert_without(&case.secrets, "the log", &log);
    Ok(())
}
