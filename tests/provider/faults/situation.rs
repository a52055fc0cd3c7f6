//! All that there is at one moment: AWS, and what Terraform has stored.

use std::collections::BTreeMap;

use regex::Regex;
use terraform_provider_replicated::framework::value::Value;

use crate::as_text;
use crate::fake::State;
use crate::terraform::Terraform;
use crate::unreliable::UnreliableCloud;

/// A moment that one can come back to.
#[derive(Clone)]
pub struct Situation {
    pub aws: State,
    state: Value,
    private: Vec<u8>,
    identity: Value,
    tainted: bool,
}

impl Situation {
    pub fn of(terraform: &Terraform) -> Self {
        Self {
            aws: terraform.cloud.aws.state().clone(),
            state: terraform.state.clone(),
            private: terraform.private.clone(),
            identity: terraform.identity.clone(),
            tainted: terraform.tainted,
        }
    }

    /// Goes on from here.
    pub fn resume(&self) -> Terraform {
        let mut terraform = Terraform::over(UnreliableCloud::holding(self.aws.clone()));
        terraform.planning_twice = false;
        self.store_in(&mut terraform);
        terraform
    }

    fn store_in(&self, terraform: &mut Terraform) {
        terraform.state = self.state.clone();
        terraform.private = self.private.clone();
        terraform.identity = self.identity.clone();
        terraform.tainted = self.tainted;
    }

    pub fn has_state(&self) -> bool {
        !self.state.is_null()
    }

    /// What is at AWS, without accidental names.
    pub fn at_aws(&self) -> String {
        as_text::picture(&self.aws)
    }

    /// What is stored, without accidental names.
    pub fn stored(&self) -> String {
        let shown = self.resume().shown();
        self.without_accidents(&format!("{shown:#} tainted: {}", self.tainted))
    }

    /// The same without what the components say of differences: they are told against what was wanted, which a failed
    /// update and the refresh after it do not mean alike.
    pub fn values(&self) -> String {
        let told = Regex::new(r#"(?m)^(    "[a-z_/]+": ".*?) \(.*\)(",?)$"#).unwrap();
        told.replace_all(&self.stored(), "$1$2").into_owned()
    }

    /// All of it. From two moments that are told alike, things go on alike.
    pub fn told(&self) -> String {
        let private = self.without_accidents(&String::from_utf8_lossy(&self.private));
        let keys = as_text::keys(&self.aws);
        format!("{}\n{}\n{private}\n{keys:?}", self.at_aws(), self.stored())
    }

    /// Objects of ours at AWS that Terraform's state does not name, nor its private part.
    pub fn unnamed(&self) -> Vec<String> {
        let private = String::from_utf8_lossy(&self.private);
        let state = format!("{}{private}", self.resume().shown());
        let named = |name: &str| state.contains(name);
        let buckets = self.aws.buckets.keys().cloned();
        let keys = self.aws.keys.iter();
        let keys = keys.filter(|(_, key)| key.state != "PendingDeletion");
        let aliases = self.aws.aliases.keys().map(|(_, _, name)| name.clone());
        let roles = self.aws.roles.values();
        let all = buckets
            .chain(keys.map(|(arn, _)| arn.clone()))
            .chain(aliases)
            .chain(
                roles.filter_map(|role| role.description.arn.rsplit('/').next().map(str::to_owned)),
            );
        all.filter(|name| !named(name)).collect()
    }

    /// Ids that AWS draws, by what they are ids of; and moments.
    fn without_accidents(&self, text: &str) -> String {
        let moment = Regex::new(r#""verified_at": ".*""#).unwrap();
        let mut text = moment
            .replace_all(text, "\"verified_at\": <moment>")
            .into_owned();
        let keys = self.aws.keys.iter();
        let mut ids: BTreeMap<&str, String> = keys
            .filter_map(|(arn, key)| Some((arn.rsplit('/').next()?, key.description.clone())))
            .collect();
        for role in self.aws.roles.values() {
            let role = &role.description;
            ids.insert(&role.unique_id, format!("id of {}", role.arn));
        }
        for (id, of) in ids {
            text = text.replace(id, &format!("<{of}>"));
        }
        text
    }
}
