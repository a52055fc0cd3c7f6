//! What AWS never checks when rules are written and every object meets: does the rule have its grants?

use std::collections::BTreeMap;

use terraform_provider_replicated::replication::ids::Arn;
use terraform_provider_replicated::replication::operation::{Input, ReplicationRule};
use terraform_provider_replicated::replication::policy::{
    Decision, PolicyDocument, Request, evaluate,
};

use super::{Bucket, NOWHERE, Role, State};

impl State {
    /// What the live rules of all buckets lack right now.
    pub(crate) fn audit(&self) -> Vec<String> {
        let mut lacking = Vec::new();
        for (name, source) in &self.buckets {
            let written = source.replication.as_ref();
            // As long as the old rules show, they may act.
            let old = self.rules_shown(source).filter(|old| Some(*old) != written);
            for configuration in written.into_iter().chain(old) {
                let Some(role) = self.role_by_arn(&configuration.role) else {
                    lacking.push(format!("{name}: no role {}", configuration.role));
                    continue;
                };
                for rule in configuration.rules.iter().filter(|r| r.enabled) {
                    let lacks = self.rule_lacks(name, source, role, rule);
                    lacking.extend(lacks.into_iter().map(|what| format!("{name}: {what}")));
                }
            }
        }
        lacking
    }

    pub(super) fn rule_lacks(
        &self,
        name: &str,
        source: &Bucket,
        role: &Role,
        rule: &ReplicationRule,
    ) -> Vec<String> {
        let destination_name = rule.bucket_arn.rsplit(':').next().unwrap();
        let Some(destination) = self.buckets.get(destination_name) else {
            return vec![format!("no bucket {destination_name}")];
        };
        let mut lacking = Vec::new();
        if source.encryption.kms_key.is_some() && rule.sse_kms_encrypted_objects != Some(true) {
            lacking.push("the rule passes over objects under KMS keys".to_owned());
        }
        // A rule that passes over objects under KMS keys never meets their keys.
        let read_keys: &[String] = match rule.sse_kms_encrypted_objects {
            Some(true) => &source.keys_used,
            _ => &[],
        };
        let replica_key = rule.replica_kms_key.as_ref().and_then(Input::known);
        let replica_key = replica_key.map(|named| self.key_named(named));
        let keys = read_keys.iter().chain(&replica_key);
        for arn in keys {
            if self.keys.get(arn).map(|key| key.state.as_str()) != Some("Enabled") {
                lacking.push(format!("{arn} cannot be used"));
            }
        }
        if rule.account.as_ref() != Some(&destination.account) {
            lacking.push(format!("{destination_name} is not in the rule's account"));
        }
        let mut check = |action: &str,
                         arn: &str,
                         owner: &str,
                         policy: Option<&PolicyDocument>,
                         via: &Bucket,
                         bucket: &str| {
            let request = Request {
                principal: role.description.arn.clone(),
                bounded: false,
                action: action.to_owned(),
                resource: arn.to_owned(),
                context: BTreeMap::from([
                    (
                        "kms:ViaService".to_owned(),
                        vec![format!("s3.{}.amazonaws.com", via.region)],
                    ),
                    (
                        "kms:EncryptionContext:aws:s3:arn".to_owned(),
                        vec![format!("arn:aws:s3:::{bucket}/any/object")],
                    ),
                ]),
            };
            let inline = role.policies.values();
            let managed = role.attached.iter();
            let managed =
                managed.filter_map(|arn| Some(self.managed_policies.get(arn)?.document()));
            let identity: Vec<&PolicyDocument> = inline.chain(managed).collect();
            if evaluate(&identity, &request) != Decision::Allowed {
                lacking.push(format!("the role may not {action} on {arn}"));
            }
            let shown = policy.map(|p| self.shown(p));
            let decision = evaluate(&shown.iter().collect::<Vec<_>>(), &request);
            if decision == Decision::ExplicitDeny
                || (decision != Decision::Allowed && owner != source.account)
            {
                lacking.push(format!("{arn} does not let the role {action}"));
            }
        };
        let read = format!("arn:aws:s3:::{name}/any/object");
        for action in [
            "s3:GetObjectVersionForReplication",
            "s3:GetObjectVersionTagging",
        ] {
            check(
                action,
                &read,
                &source.account,
                source.policy.as_ref(),
                source,
                name,
            );
        }
        let mut writes = vec!["s3:ReplicateObject", "s3:ReplicateTags"];
        if rule.delete_marker_replication == Some(true) {
            writes.push("s3:ReplicateDelete");
        }
        if rule.owner_override {
            writes.push("s3:ObjectOwnerOverrideToBucketOwner");
        }
        let written = format!("{}/any/object", rule.bucket_arn);
        for action in writes {
            let policy = destination.policy.as_ref();
            check(
                action,
                &written,
                &destination.account,
                policy,
                destination,
                destination_name,
            );
        }
        let decrypt = read_keys
            .iter()
            .map(|key| (key, "kms:Decrypt", source, name));
        let encrypt = replica_key.iter();
        let encrypt = encrypt.map(|key| (key, "kms:Encrypt", destination, destination_name));
        for (arn, action, via, bucket) in decrypt.chain(encrypt) {
            let owner = Arn::parse_key(arn).map_or_else(|_| NOWHERE.to_owned(), |arn| arn.account);
            let policy = self.keys.get(arn).map(|key| &key.policy);
            check(action, arn, &owner, policy, via, bucket);
        }
        lacking
    }

    /// The key that S3 uses where a rule names it by its ARN, or by that of an alias.
    fn key_named(&self, named: &str) -> String {
        let alias = Arn::parse(named).ok();
        let alias = alias.filter(|arn| arn.resource.starts_with("alias/"));
        let key = alias.and_then(|arn| self.aliases.get(&(arn.account, arn.region, arn.resource)));
        key.cloned().unwrap_or_else(|| named.to_owned())
    }
}
