//! Sends canaries through the setups, by the sub-command, as it does with any client.
//!
//! The emulator follows the first rule alone, so canaries of a source with several destinations cannot cross there: these
//! cross in `tests/provider/verification/setups.rs`, as do all others.

use std::collections::BTreeSet;
use std::process::Output;

use support::Outcome;
use support::closing::say;
use support::terraform::Client;
use tokio::process::Command;

use super::Example;
use crate::setup::PROVIDER;

/// What the key of every canary holds.
const PREFIX: &str = ".replicated-verification/";

impl Example {
    /// Verifies each setup of the state; so many canaries are sent and cross, and nothing of them is left.
    pub(crate) async fn verifies(&self, canaries: usize) -> Outcome {
        if self.client != Client::from_python()? {
            return Ok(());
        }
        let before = self.proxy.count("PutObject");
        let mut crossed = 0;
        for import_id in self.import_ids().await? {
            let output = self.verify(&import_id).await?;
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{told}");
            // Told as it happens and at the end.
            let lines: BTreeSet<&str> = told.lines().map(str::trim).collect();
            let of_rules = lines.iter().filter(|line| line.ends_with(": crossed"));
            crossed += of_rules.count();
        }
        let sent = self.proxy.count("PutObject") - before;
        let left = self.canaries_left().await?;
        let folder = self.folder;
        say(&format!(
            "verification: {folder} with real objects: {sent} canaries sent, {crossed} crossed, {left} objects left behind"
        ));
        assert_eq!((sent, crossed, left), (canaries, canaries, 0));
        Ok(())
    }

    /// Verifies each setup of the state, which is refused with these words before a canary is sent.
    pub(crate) async fn refuses_to_verify(&self, words: &str) -> Outcome {
        let before = self.proxy.count("PutObject");
        for import_id in self.import_ids().await? {
            let output = self.verify(&import_id).await?;
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert!(told.contains(words), "{told}");
        }
        assert_eq!(self.proxy.count("PutObject"), before);
        Ok(())
    }

    async fn verify(&self, import_id: &str) -> Outcome<Output> {
        let mut command = Command::new(PROVIDER);
        command.args(["verify", import_id, "--timeout", "20s"]);
        command.args(["--region", super::REGIONS[0]]);
        command.envs(self.workspace.environment());
        Ok(command.output().await?)
    }

    async fn import_ids(&self) -> Outcome<Vec<String>> {
        let state = self.workspace.state_json().await?;
        let resources = state["values"]["root_module"]["resources"].as_array();
        let ids = resources.into_iter().flatten().filter_map(|resource| {
            let id = &resource["values"]["import_id"];
            id.as_str().map(str::to_owned)
        });
        let ids: Vec<String> = ids.collect();
        assert_ne!(ids, Vec::<String>::new(), "{state}");
        Ok(ids)
    }

    /// How many versions and delete markers of canaries there are anywhere.
    async fn canaries_left(&self) -> Outcome<usize> {
        let picture = self.picture().await?;
        let mut left = 0;
        for bucket in picture.buckets.keys() {
            let list = self.clients_of(&picture, bucket)?.s3.list_object_versions();
            let seen = list.bucket(bucket).send().await?;
            let versions = seen.versions().iter().filter_map(|version| version.key());
            let markers = seen
                .delete_markers()
                .iter()
                .filter_map(|marker| marker.key());
            let keys = versions.chain(markers);
            left += keys.filter(|key| key.contains(PREFIX)).count();
        }
        Ok(left)
    }
}
