//! What `terraform plan` tells of each setup, word for word: of the create, of a change of one destination, and of one
//! difference that somebody made by hand. Nothing is known after apply that could be known, and what does not change
//! does not show.
//!
//! The texts are those of the runs that the setups go through anyway, and of Terraform 1.15, for another version words
//! them otherwise.

use std::path::Path;

use aws_sdk_s3::types::{ReplicationConfiguration, ReplicationRule};
use serde_json::Value;
use support::Outcome;
use support::emulator::Clients;
use support::terraform::{Client, Run};

use super::Example;
use crate::stand_ins::StandIns;

impl Example {
    /// Compares what the first apply told of its plan.
    pub(crate) fn tells_its_create(&self, applied: &Run) -> Outcome {
        self.tells("create", &applied.stdout)
    }

    /// Compares what the saved plan tells, which changes one destination.
    pub(crate) async fn tells_its_update(&self) -> Outcome {
        let run = self.workspace.run(&["show", "-no-color", "tfplan"]).await?;
        self.tells("update", &run.success()?.stdout)
    }

    /// Compares what a plan tells of what somebody changed by hand.
    pub(crate) async fn tells_its_drift(&self) -> Outcome {
        let plan = self.workspace.plan().await?.with_code(2)?;
        self.tells("drift", &plan.stdout)
    }

    fn tells(&self, what: &str, text: &str) -> Outcome {
        if self.client != Client::from_python()? {
            return Ok(());
        }
        let told = self.stand_ins()?.plan(text)?;
        insta::assert_snapshot!(format!("{}_{what}", self.folder), told);
        Ok(())
    }

    fn stand_ins(&self) -> Outcome<StandIns> {
        let mut stand_ins = StandIns::default();
        stand_ins.add_key(&self.other_key, "other-key");
        // Keys that are there already are named by variables such as `backup_key_arn`.
        for (variable, value) in self.workspace.environment() {
            let (variable, value) = (variable.to_string_lossy(), value.to_string_lossy());
            if let Some(name) = variable
                .strip_prefix("TF_VAR_")
                .filter(|_| value.starts_with("arn:aws:kms:"))
            {
                let word = name.trim_end_matches("_arn").replace('_', "-");
                stand_ins.add_key(&value, &word);
            }
        }
        for (name, attributes) in resources(self.workspace.path())? {
            let name = name.replace(&format!("{}-", self.bucket), "");
            stand_ins.add_state(&attributes, &name);
        }
        stand_ins.add(self.home.id(), "111111111111");
        stand_ins.add(self.away.id(), "222222222222");
        stand_ins.add(&self.bucket, "acme");
        Ok(stand_ins)
    }
}

/// Our resources in the state that is there, each with the name it has among several.
fn resources(workspace: &Path) -> Outcome<Vec<(String, Value)>> {
    let Ok(state) = std::fs::read(workspace.join("terraform.tfstate")) else {
        return Ok(Vec::new());
    };
    let state: Value = serde_json::from_slice(&state)?;
    let resources = state["resources"].as_array().into_iter().flatten();
    let ours = resources.filter(|resource| resource["type"] == "replicated_bucket");
    let instances =
        ours.flat_map(|resource| resource["instances"].as_array().into_iter().flatten());
    let named = instances.map(|instance| {
        let of = instance["index_key"].as_str();
        let of = of.map_or_else(String::new, |key| format!("{key}-"));
        (of, instance["attributes"].clone())
    });
    Ok(named.collect())
}

/// Changes the replication rules of a bucket by hand.
pub(crate) async fn edit_rules(
    clients: &Clients,
    bucket: &str,
    edit: impl FnOnce(&mut Vec<ReplicationRule>),
) -> Outcome {
    let found = clients.s3.get_bucket_replication().bucket(bucket);
    let found = found.send().await?;
    let found = found.replication_configuration().ok_or("no rules")?;
    let mut rules = found.rules().to_vec();
    edit(&mut rules);
    let configuration = ReplicationConfiguration::builder()
        .role(found.role())
        .set_rules(Some(rules));
    let put = clients.s3.put_bucket_replication().bucket(bucket);
    let put = put.replication_configuration(configuration.build()?);
    put.send().await?;
    Ok(())
}
