//! Keys and aliases.

use terraform_provider_replicated::execution::cloud::CallErrorKind as Kind;
use terraform_provider_replicated::replication::ids::{Arn, Location};
use terraform_provider_replicated::replication::operation::{
    Answer, Input, KeyDescription, Operation, Output, Query, Tags,
};
use terraform_provider_replicated::replication::policy::{PolicyDocument, PolicyKind, check_size};
use tokio::time::Instant;

use super::delays::shows;
use super::s3::check_tags;
use super::{Refused, State, refuse};

/// What AWS describes the key with that it makes for S3 in each account.
const AWS_MANAGED: &str = "Default key that protects my S3 objects when no other key is defined";

/// A key.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) description: String,
    pub(crate) state: String,
    pub(crate) multi_region: bool,
    /// With roles by their unique ids, as AWS keeps them.
    pub(crate) policy: PolicyDocument,
    pub(crate) rotation: Option<i32>,
    pub(crate) tags: Tags,
    pub(crate) window_days: Option<i32>,
    pub(crate) since: Instant,
}

impl State {
    /// The ARN behind a key's id, its ARN, or an alias.
    fn key_arn(&self, at: &Location, key: &str) -> Result<String, Refused> {
        // An alias has an ARN, too.
        let own = format!("arn:aws:kms:{}:{}:", at.region, at.account);
        let key = key
            .strip_prefix(&own)
            .filter(|name| name.starts_with("alias/"))
            .unwrap_or(key);
        let arn = if key.starts_with("alias/") {
            self.aliases.get(&alias_id(at, key)).cloned()
        } else if key.starts_with("arn:") {
            Some(key.to_owned())
        } else {
            Some(arn_of(at, key))
        };
        let delay = self.delays.what_is_new;
        let is_there = |arn: &String| self.keys.get(arn).is_some_and(|k| shows(k.since, delay));
        let found = arn.filter(is_there);
        let Some(arn) = found else {
            return refuse(Kind::NotFound, "NotFoundException", format!("no key {key}"));
        };
        let place = Arn::parse_key(&arn).unwrap();
        if place.account != at.account.as_str() {
            return refuse(Kind::AccessDenied, "AccessDeniedException", "not yours");
        }
        if place.region != at.region.as_str() {
            return refuse(Kind::NotFound, "NotFoundException", "another region's");
        }
        Ok(arn)
    }

    pub(super) fn query_kms(&self, at: &Location, query: &Query) -> Result<Answer, Refused> {
        if matches!(query, Query::ListKeys) {
            let prefix = arn_of(at, "");
            let delay = self.delays.lists_of_keys;
            let listed = self.keys.iter().filter(|(_, key)| shows(key.since, delay));
            let ids = listed.filter_map(|(arn, _)| arn.strip_prefix(&prefix));
            return Ok(Answer::Names(ids.map(str::to_owned).collect()));
        }
        let arn = self.key_arn(at, query.subject())?;
        let key = &self.keys[&arn];
        Ok(match query {
            Query::DescribeKey { .. } => Answer::Key(KeyDescription {
                arn,
                description: key.description.clone(),
                state: key.state.clone(),
                deletion_date: key.window_days.map(|_| "2026-12-21T00:00:00Z".to_owned()),
                key_spec: "SYMMETRIC_DEFAULT".to_owned(),
                key_usage: "ENCRYPT_DECRYPT".to_owned(),
                multi_region: key.multi_region,
                manager: if key.description == AWS_MANAGED {
                    "AWS"
                } else {
                    "CUSTOMER"
                }
                .to_owned(),
                created: None,
            }),
            Query::GetKeyPolicy { .. } if self.policy_texts.contains_key(&arn) => {
                Answer::Text(self.policy_texts[&arn].clone())
            }
            Query::GetKeyPolicy { .. } => Answer::Text(self.shown(&key.policy).render().unwrap()),
            Query::GetKeyRotationStatus { .. } => {
                key.usable_state(&["Enabled", "Disabled"])?;
                Answer::Rotation {
                    enabled: key.rotation.is_some(),
                    period_days: key.rotation,
                }
            }
            Query::ListKeyTags { .. } => Answer::Tags(key.tags.clone()),
            Query::ListAliases { .. } => Answer::Names(
                self.aliases
                    .iter()
                    .filter(|(_, target)| **target == arn)
                    .map(|((_, _, name), _)| name.clone())
                    .collect(),
            ),
            other => unreachable!("{other} is not a query of KMS"),
        })
    }

    pub(super) fn perform_kms(
        &mut self,
        at: &Location,
        operation: &Operation,
    ) -> Result<Output, Refused> {
        if let Operation::CreateKey {
            description,
            multi_region,
            policy,
            tags,
        } = operation
        {
            check_tags(tags)?;
            let key = Key {
                description: description.clone(),
                state: "Enabled".to_owned(),
                multi_region: *multi_region,
                policy: self.key_policy(at, policy)?,
                rotation: None,
                tags: tags.clone(),
                window_days: None,
                since: Instant::now(),
            };
            let arn = arn_of(at, &format!("{:08}", self.next_serial()));
            self.keys.insert(arn.clone(), key);
            return Ok(Output::Text(arn));
        }
        if let Operation::DeleteAlias { alias } = operation {
            return match self.aliases.remove(&alias_id(at, alias)) {
                Some(_) => Ok(Output::Done),
                None => refuse(Kind::NotFound, "NotFoundException", "no such alias"),
            };
        }
        let Some(Input::Known(key)) = operation.inputs().first().copied() else {
            return refuse(Kind::Invalid, "ValidationException", "no key");
        };
        let arn = self.key_arn(at, key)?;
        match operation {
            Operation::PutKeyPolicy { policy, .. } => {
                let document = self.key_policy(at, policy)?;
                self.policy_texts.remove(&arn);
                let key = self.changeable(&arn)?;
                key.policy = document;
            }
            Operation::CreateAlias { alias, .. } => {
                self.changeable(&arn)?;
                if self.aliases.contains_key(&alias_id(at, alias)) {
                    return refuse(Kind::AlreadyExists, "AlreadyExistsException", "taken");
                }
                self.aliases.insert(alias_id(at, alias), arn);
            }
            Operation::UpdateAlias { alias, .. } => {
                self.changeable(&arn)?;
                let Some(target) = self.aliases.get_mut(&alias_id(at, alias)) else {
                    return refuse(Kind::NotFound, "NotFoundException", "no such alias");
                };
                *target = arn;
            }
            _ => self.keys.get_mut(&arn).unwrap().set(operation)?,
        }
        Ok(Output::Done)
    }

    fn changeable(&mut self, arn: &str) -> Result<&mut Key, Refused> {
        let key = self.keys.get_mut(arn).unwrap();
        key.usable_state(&["Enabled", "Disabled"])?;
        Ok(key)
    }

    fn key_policy(&self, at: &Location, text: &str) -> Result<PolicyDocument, Refused> {
        let malformed = |message: &str| {
            let code = "MalformedPolicyDocumentException";
            refuse(Kind::Invalid, code, message)
        };
        let Ok(document) = PolicyDocument::parse(text) else {
            return malformed("not a policy");
        };
        if check_size(PolicyKind::Key, text).is_err() {
            return malformed("too long");
        }
        let root = format!("arn:aws:iam::{}:root", at.account);
        let opens = document.statements.iter().any(|s| {
            let text = PolicyDocument::new(vec![s.clone()]).render().unwrap();
            text.contains(&root) && text.contains("kms:*")
        });
        if !opens {
            let message =
                "The new key policy will not allow you to update the key policy in the future.";
            return malformed(message);
        }
        self.stored(document)
    }
}

impl Key {
    fn usable_state(&self, states: &[&str]) -> Result<(), Refused> {
        if states.contains(&self.state.as_str()) {
            return Ok(());
        }
        let message = format!("the key is {}", self.state);
        refuse(Kind::InvalidState, "KMSInvalidStateException", message)
    }

    fn set(&mut self, operation: &Operation) -> Result<(), Refused> {
        let both = ["Enabled", "Disabled"];
        match operation {
            Operation::ScheduleKeyDeletion { window_days, .. } => {
                self.usable_state(&both)?;
                self.state = "PendingDeletion".to_owned();
                self.window_days = Some(*window_days);
            }
            Operation::CancelKeyDeletion { .. } => {
                self.usable_state(&["PendingDeletion"])?;
                self.state = "Disabled".to_owned();
                self.window_days = None;
            }
            Operation::EnableKey { .. } => {
                self.usable_state(&both)?;
                self.state = "Enabled".to_owned();
            }
            Operation::DisableKey { .. } => {
                self.usable_state(&both)?;
                self.state = "Disabled".to_owned();
            }
            Operation::EnableKeyRotation { period_days, .. } => {
                self.usable_state(&["Enabled"])?;
                // KMS keeps the period that there is when none is given.
                self.rotation = Some(period_days.or(self.rotation).unwrap_or(365));
            }
            Operation::DisableKeyRotation { .. } => {
                self.usable_state(&["Enabled"])?;
                self.rotation = None;
            }
            Operation::UpdateKeyDescription { description, .. } => {
                self.usable_state(&both)?;
                self.description.clone_from(description);
            }
            Operation::TagKey { tags, .. } => {
                self.usable_state(&both)?;
                let mut all = self.tags.clone();
                all.extend(tags.clone());
                check_tags(&all)?;
                self.tags = all;
            }
            Operation::UntagKey { tag_keys, .. } => {
                self.usable_state(&both)?;
                self.tags.retain(|key, _| !tag_keys.contains(key));
            }
            other => unreachable!("{other} is not a write of one key"),
        }
        Ok(())
    }
}

fn arn_of(at: &Location, id: &str) -> String {
    format!("arn:aws:kms:{}:{}:key/{id}", at.region, at.account)
}

fn alias_id(at: &Location, alias: &str) -> (String, String, String) {
    (
        at.account.to_string(),
        at.region.to_string(),
        alias.to_owned(),
    )
}
