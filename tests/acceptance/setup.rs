//! What a case begins with: two accounts of its own, a proxy, and a workspace with the configuration.

use std::io::Write as _;
use std::path::Path;

use support::Outcome;
use support::emulator::{Account, Clients, Emulator, unique_name};
use support::proxy::Proxy;
use support::terraform::{Client, PROVIDER_ADDRESS, Workspace};

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
        workspace.use_aws(proxy.address(), &source.deploy_session().await?);
        workspace.write(
            "provider.tf",
            &provider_block(&format!("region = \"{SOURCE_REGION}\"")),
        )?;
        Ok(Self {
            source,
            destination,
            proxy,
            workspace,
            bucket: unique_name("archive"),
        })
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
        let bucket = &self.bucket;
        let replica = self.replica_bucket();
        let role = self.destination.deploy_role_arn();
        self.workspace.write(
            "main.tf",
            &format!(
                r#"resource "replicated_bucket" "archive" {{
  source = {{
    bucket     = "{bucket}"
    encryption = {{ sse_algorithm = "aws:kms" }}
    {source}
  }}
  destinations = {{
    backup = {{
      bucket        = "{replica}"
      region        = "{DESTINATION_REGION}"
      assume_role   = {{ role_arn = "{role}" }}
      {destination}
    }}
  }}
}}
"#
            ),
        )
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

/// The file that names the provider and configures it with these lines.
pub(crate) fn provider_block(lines: &str) -> String {
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

/// The client of `PATH`. Where there is none, the case says so past the capture of the test runner.
pub(crate) fn client_on_path(case: &str) -> Option<Client> {
    let client = Client::on_path();
    if client.is_none() {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: {case}: neither terraform nor tofu is on PATH"
        );
    }
    client
}
