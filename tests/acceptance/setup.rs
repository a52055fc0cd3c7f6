//! What a case begins with: two accounts of its own, a proxy, and a workspace with the configuration.

use std::path::Path;

use serde_json::Value;
use support::Outcome;
use support::closing::say;
use support::emulator::{Account, Clients, Emulator, unique_name};
use support::features::Feature;
use support::proxy::Proxy;
use support::terraform::{Client, PROVIDER_ADDRESS, Run, Workspace};

/// The provider's executable, as cargo just built it.
pub(crate) const PROVIDER: &str = env!("CARGO_BIN_EXE_terraform-provider-replicated");

/// The source's region.
pub(crate) const SOURCE_REGION: &str = "ap-southeast-2";

/// The destination's region.
pub(crate) const DESTINATION_REGION: &str = "us-west-2";

/// Address of the resource in every configuration.
pub(crate) const RESOURCE: &str = "replicated_bucket.archive";

/// Two accounts with deploy roles, one proxy, one workspace.
pub(crate) struct Setup {
    pub(crate) source: Account,
    pub(crate) destination: Account,
    pub(crate) proxy: Proxy,
    pub(crate) workspace: Workspace,
    /// Name of the source bucket.
    pub(crate) bucket: String,
}

impl Setup {
    /// Accounts and workspace, with no configuration of the resource yet.
    pub(crate) async fn new(client: Client) -> Outcome<Self> {
        let emulator = Emulator::shared()?;
        let source = emulator.new_account();
        let destination = emulator.new_account();
        source.create_deploy_role(&source).await?;
        destination.create_deploy_role(&source).await?;
        let proxy = Proxy::start(emulator.address()).await?;
        let mut workspace = Workspace::new(client, Path::new(PROVIDER))?;
        let session = source.deploy_session().await?;
        proxy.know(session.access_key_id(), source.id());
        workspace.use_aws(proxy.address(), &session);
        let setup = Self {
            source,
            destination,
            proxy,
            workspace,
            bucket: unique_name("archive"),
        };
        setup.provider("")?;
        Ok(setup)
    }

    /// As [`Setup::new`], with the cross-account KMS case applied.
    pub(crate) async fn applied(client: Client) -> Outcome<Self> {
        let setup = Self::new(client).await?;
        setup.configure("", "")?;
        setup.workspace.apply().await?.success()?;
        Ok(setup)
    }

    /// Name of the destination bucket.
    pub(crate) fn replica_bucket(&self) -> String {
        format!("{}-backup", self.bucket)
    }

    /// Writes the cross-account KMS case, with further lines in its source and in its destination.
    pub(crate) fn configure(&self, source: &str, destination: &str) -> Outcome {
        self.resource(&format!(
            r#"
  source = {{
    bucket     = "<bucket>"
    encryption = {{ sse_algorithm = "aws:kms" }}
    {source}
  }}
  destinations = {{
    backup = {{
      bucket      = "<bucket>-backup"
      region      = "{DESTINATION_REGION}"
      assume_role = {{ role_arn = "<role>" }}
      {destination}
    }}
  }}
"#
        ))
    }

    /// Writes the resource, its body with the words of [`Setup::main`].
    pub(crate) fn resource(&self, body: &str) -> Outcome {
        self.main(&format!(
            "resource \"replicated_bucket\" \"archive\" {{\n{body}\n}}\n"
        ))
    }

    /// Writes `main.tf`, in which `<bucket>` is the source bucket, `<source>` and `<destination>` are the
    /// accounts, and `<role>` is the role that leads into the destination's.
    pub(crate) fn main(&self, text: &str) -> Outcome {
        let text = self.with_names(text);
        self.workspace.write("main.tf", &text)
    }

    /// Writes the provider's block with further lines in it, with the words of [`Setup::main`].
    pub(crate) fn provider(&self, lines: &str) -> Outcome {
        let text = self.with_names(&provider_block(lines));
        self.workspace.write("provider.tf", &text)
    }

    fn with_names(&self, text: &str) -> String {
        text.replace("<bucket>", &self.bucket)
            .replace("<source>", self.source.id())
            .replace("<destination>", self.destination.id())
            .replace("<role>", &self.destination.deploy_role_arn())
    }

    /// Applies, and sees to it that nothing is left to do.
    pub(crate) async fn apply(&self) -> Outcome<Run> {
        let run = self.workspace.apply().await?.success()?;
        self.workspace.plan().await?.success()?;
        Ok(run)
    }

    /// What is planned for the resource: `actions`, `before`, `after`, `after_unknown`.
    pub(crate) async fn planned(&self) -> Outcome<Value> {
        let mut plan = self.workspace.plan_json().await?;
        let changes = plan["resource_changes"].as_array_mut();
        let mut changes = changes.into_iter().flatten();
        let change = changes.find(|change| change["address"] == RESOURCE);
        Ok(change.map_or(Value::Null, |change| change["change"].take()))
    }

    /// Name of the role that the resource makes unless it is told another one.
    pub(crate) fn role_name(&self) -> String {
        format!("replication-{}", self.bucket)
    }

    /// The grants in that role.
    pub(crate) async fn grants(&self) -> Outcome<Value> {
        let role = self.role_name();
        self.at_source().role_policy(&role, "replication").await
    }

    /// The resource in the state.
    pub(crate) async fn state(&self) -> Outcome<Value> {
        self.workspace.resource(RESOURCE).await
    }

    /// Destroys, and sees to it that nothing is left in both accounts.
    pub(crate) async fn destroy(&self) -> Outcome {
        self.workspace.destroy().await?.success()?;
        let remains = self.remains().await?;
        if remains.is_empty() {
            return Ok(());
        }
        Err(format!("the destroy left {remains:?}").into())
    }

    /// Clients in the source's account and region, past the proxy.
    pub(crate) fn at_source(&self) -> Clients {
        self.source.clients(SOURCE_REGION)
    }

    /// Clients in the destination's account and region, past the proxy.
    pub(crate) fn at_destination(&self) -> Clients {
        self.destination.clients(DESTINATION_REGION)
    }

    /// What is left in both accounts: buckets, keys that are not to be deleted, roles but the deploy role.
    pub(crate) async fn remains(&self) -> Outcome<Vec<String>> {
        let mut remains = self.at_source().remains().await?;
        remains.extend(self.at_destination().remains().await?);
        Ok(remains)
    }
}

/// The file that names the provider and configures it with the source's region and these lines.
pub(crate) fn provider_block(lines: &str) -> String {
    provider_file(&format!("region = \"{SOURCE_REGION}\"\n  {lines}"))
}

/// The file that names the provider and configures it with these lines alone.
pub(crate) fn provider_file(lines: &str) -> String {
    format!(
        r#"terraform {{
  required_providers {{
    replicated = {{ source = "{PROVIDER_ADDRESS}" }}
  }}
}}

provider "replicated" {{
  {lines}
}}
"#
    )
}

/// The client of `PATH`. Where there is none, or it lacks what the case needs, the case says so past the capture of the
/// test runner.
pub(crate) fn client_on_path(case: &str, needs: &[Feature]) -> Outcome<Option<Client>> {
    let Some(client) = Client::on_path() else {
        say(&format!(
            "skipped: {case}: neither terraform nor tofu is on PATH"
        ));
        return Ok(None);
    };
    for feature in needs {
        let version = client.version()?;
        if !version.has(*feature) {
            say(&format!(
                "left out: {feature}: {case}: {version} does not have it"
            ));
            return Ok(None);
        }
    }
    Ok(Some(client))
}
