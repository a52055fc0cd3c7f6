//! The folders of `examples/`, each applied as it is, used, changed and destroyed.
//!
//! What the emulator replicates is looked at as objects: it follows the first rule alone, and copies under the
//! source's key. Everything else is asked of the evaluator: whether the documents that were written allow what S3
//! does in that setup, and nothing more. Its table is what a case prints; its last line also ends `.ci/run`.

mod changes;
mod changing;
mod cross_account_kms;
mod existing_buckets;
mod many_to_one;
mod object_lock;
mod one_to_many_regions;
mod rules;
mod same_account_lifecycle;
pub(crate) mod texts;
mod two_way;
mod verifying;

use std::ffi::OsString;
use std::path::Path;

use support::closing::say;
use support::emulator::{Account, Clients, Emulator, unique_name};
use support::evaluator::{Picture, evaluate};
use support::proxy::Proxy;
use support::terraform::{Client, Run, Workspace};
use support::{Outcome, python};

use crate::setup::PROVIDER;

/// Regions in which examples have their buckets.
const REGIONS: [&str; 4] = ["ap-southeast-2", "us-west-2", "eu-west-1", "eu-central-1"];

/// A folder of `examples/` in a workspace, with two accounts of its own.
pub(crate) struct Example {
    folder: &'static str,
    client: Client,
    /// The account of the credentials.
    pub(crate) home: Account,
    /// Another account, with a deploy role that the first may assume.
    pub(crate) away: Account,
    pub(crate) proxy: Proxy,
    pub(crate) workspace: Workspace,
    /// Name of the source bucket, and the beginning of all others.
    pub(crate) bucket: String,
    /// Buckets that are somebody else's.
    pub(crate) theirs: Vec<String>,
    /// What stands for `<other key>` in a change.
    pub(crate) other_key: String,
}

impl Example {
    /// The whole folder, with the variable `bucket` set.
    pub(crate) async fn new(client: Client, folder: &'static str) -> Outcome<Self> {
        let emulator = Emulator::shared()?;
        let (home, away) = (emulator.new_account(), emulator.new_account());
        home.create_deploy_role(&home).await?;
        away.create_deploy_role(&home).await?;
        Self::within(client, folder, home, away).await
    }

    /// The same folder once more, as another configuration in the same accounts, with another `bucket`.
    pub(crate) async fn another(&self, client: Client) -> Outcome<Self> {
        Self::within(client, self.folder, self.home.clone(), self.away.clone()).await
    }

    async fn within(
        client: Client,
        folder: &'static str,
        home: Account,
        away: Account,
    ) -> Outcome<Self> {
        let proxy = Proxy::start(Emulator::shared()?.address()).await?;
        let mut workspace = Workspace::new(client.clone(), Path::new(PROVIDER))?;
        let session = home.deploy_session().await?;
        proxy.know(session.access_key_id(), home.id());
        workspace.use_aws(proxy.address(), &session);
        workspace.copy(&python::repository().join("examples").join(folder))?;
        let bucket = unique_name("acme");
        let mut example = Self {
            folder,
            client,
            home,
            away,
            proxy,
            workspace,
            bucket: bucket.clone(),
            theirs: Vec::new(),
            other_key: String::new(),
        };
        example.set("bucket", bucket);
        Ok(example)
    }

    /// Sets a variable of the configuration.
    pub(crate) fn set(&mut self, variable: &str, value: impl Into<OsString>) {
        self.workspace.set(&format!("TF_VAR_{variable}"), value);
    }

    /// Changes the text of `main.tf`, in which the old text stands once.
    pub(crate) fn change(&self, old: &str, new: &str) -> Outcome {
        let file = self.workspace.path().join("main.tf");
        let text = std::fs::read_to_string(&file)?;
        if text.matches(old).count() != 1 {
            return Err(format!("{old:?} does not stand once in\n{text}").into());
        }
        self.workspace.write("main.tf", &text.replace(old, new))
    }

    /// Applies without a warning, sees to it that nothing is left to do, and that S3 may do all that it needs and nothing more.
    pub(crate) async fn apply(&self) -> Outcome<Run> {
        let run = self.workspace.apply().await?.success()?;
        // That the provider is a development build is the one warning of every run.
        assert_eq!(run.text().matches("Warning: ").count(), 1, "{run}");
        self.settled().await?;
        Ok(run)
    }

    /// Sees to it that nothing is left to do, and that S3 may do all that it needs and nothing more.
    pub(crate) async fn settled(&self) -> Outcome<Picture> {
        let plan = self.workspace.plan().await?.success()?;
        assert_eq!(plan.text().matches("Warning: ").count(), 1, "{plan}");
        let picture = self.picture().await?;
        self.evaluate(&picture)?;
        Ok(picture)
    }

    #[expect(
        clippy::print_stdout,
        reason = "The whole table is for whoever asks the test runner for what a case prints."
    )]
    fn evaluate(&self, picture: &Picture) -> Outcome {
        let evaluation = evaluate(picture)?;
        let folder = self.folder;
        println!("{folder}\n{evaluation}");
        assert_eq!(
            evaluation.findings(),
            Vec::<String>::new(),
            "\n{evaluation}"
        );
        assert_ne!(evaluation.answers, Vec::new(), "nothing replicates");
        say(&format!("evaluated: {folder}: {}", evaluation.summary()));
        Ok(())
    }

    /// Everything that there is in both accounts.
    pub(crate) async fn picture(&self) -> Outcome<Picture> {
        Picture::read(&[&self.home, &self.away], &REGIONS).await
    }

    /// Clients where a bucket is.
    pub(crate) fn clients_of(&self, picture: &Picture, bucket: &str) -> Outcome<Clients> {
        let found = picture.buckets.get(bucket);
        let found = found.ok_or_else(|| format!("there is no bucket {bucket}"))?;
        let is_home = found.account == self.home.id();
        let account = if is_home { &self.home } else { &self.away };
        Ok(account.clients(&found.region))
    }

    /// Takes every object out of the buckets that the setup has made.
    pub(crate) async fn empty(&self) -> Outcome {
        let picture = self.picture().await?;
        for bucket in picture
            .buckets
            .keys()
            .filter(|name| !self.theirs.contains(name))
        {
            self.clients_of(&picture, bucket)?
                .empty_bucket(bucket)
                .await?;
        }
        Ok(())
    }

    /// Destroys, and sees to it that nothing is left.
    pub(crate) async fn destroy(&self) -> Outcome {
        self.workspace.destroy().await?.success()?;
        assert_eq!(self.remains().await?, Vec::<String>::new());
        Ok(())
    }

    /// What there is in both accounts, one line each.
    pub(crate) async fn remains(&self) -> Outcome<Vec<String>> {
        let mut remains = Vec::new();
        for account in [&self.home, &self.away] {
            for region in REGIONS {
                remains.extend(account.clients(region).remains().await?);
            }
        }
        // Buckets and roles are found in every region.
        remains.sort();
        remains.dedup();
        Ok(remains)
    }
}
