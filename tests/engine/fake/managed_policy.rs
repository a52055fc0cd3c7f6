//! Customer managed policies.

use terraform_provider_replicated::execution::cloud::CallErrorKind as Kind;
use terraform_provider_replicated::replication::ids::{Arn, Location};
use terraform_provider_replicated::replication::operation::{
    Answer, ManagedPolicyDescription, ManagedPolicyOperation as Operation, Output, Query, Tags,
};
use terraform_provider_replicated::replication::policy::{PolicyDocument, PolicyKind, check_size};

use super::iam::{check_identity_policy, role_id};
use super::s3::check_tags;
use super::{Refused, State, refuse};

/// A customer managed policy.
#[derive(Debug, Clone)]
pub(crate) struct ManagedPolicy {
    /// Versions with their ids, the default one last.
    pub(crate) versions: Vec<(String, PolicyDocument)>,
    pub(crate) tags: Tags,
    /// The number of its newest version.
    pub(crate) serial: u32,
}

impl ManagedPolicy {
    /// The document in force.
    pub(crate) fn document(&self) -> &PolicyDocument {
        &self.versions.last().unwrap().1
    }

    fn add(&mut self, document: &PolicyDocument) {
        self.serial += 1;
        let id = format!("v{}", self.serial);
        self.versions.push((id, document.clone()));
    }
}

impl State {
    /// The answer to a query about a managed policy; none for other queries.
    pub(super) fn query_managed_policy(
        &self,
        at: &Location,
        query: &Query,
    ) -> Option<Result<Answer, Refused>> {
        let (Query::GetPolicy { policy_arn }
        | Query::GetPolicyVersion { policy_arn, .. }
        | Query::ListPolicyVersions { policy_arn }) = query
        else {
            return None;
        };
        let Some(policy) = self
            .managed_policies
            .get(policy_arn)
            .filter(|_| is_of(at, policy_arn) || is_aws_own(policy_arn))
        else {
            return Some(absent());
        };
        Some(match query {
            Query::GetPolicy { .. } => Ok(Answer::ManagedPolicy(ManagedPolicyDescription {
                default_version: policy.versions.last().unwrap().0.clone(),
                tags: policy.tags.clone(),
            })),
            Query::GetPolicyVersion { version, .. } => {
                match policy.versions.iter().find(|(id, _)| id == version) {
                    Some((_, document)) => Ok(Answer::Text(document.render().unwrap())),
                    None => absent(),
                }
            }
            _ => Ok(Answer::Names(
                policy.versions.iter().map(|(id, _)| id.clone()).collect(),
            )),
        })
    }

    pub(super) fn perform_managed_policy(
        &mut self,
        at: &Location,
        operation: &Operation,
    ) -> Result<Output, Refused> {
        if let Some(document) = operation.document() {
            check_identity_policy(document)?;
            if check_size(PolicyKind::Managed, &document.render().unwrap()).is_err() {
                return refuse(Kind::Invalid, "LimitExceeded", "the policy is too long");
            }
        }
        let arn = operation.policy_arn();
        if let Operation::Create {
            path,
            document,
            tags,
            ..
        } = operation
        {
            check_tags(tags)?;
            let expected = format!("arn:aws:iam::{}:policy{path}", at.account);
            assert!(arn.starts_with(&expected), "{arn} is not under {expected}");
            if self.managed_policies.contains_key(arn) {
                return refuse(
                    Kind::AlreadyExists,
                    "EntityAlreadyExists",
                    "the name is taken",
                );
            }
            let mut policy = ManagedPolicy {
                versions: Vec::new(),
                tags: tags.clone(),
                serial: 0,
            };
            policy.add(document);
            self.managed_policies.insert(arn.to_owned(), policy);
            return Ok(Output::Done);
        }
        if !is_of(at, arn) {
            return absent();
        }
        let attached = self
            .roles
            .values()
            .any(|role| role.attached.iter().any(|a| a == arn));
        let Some(policy) = self.managed_policies.get_mut(arn) else {
            return absent();
        };
        match operation {
            Operation::Create { .. } => unreachable!("made above"),
            Operation::CreateVersion { document, .. } => {
                if policy.versions.len() == 5 {
                    return refuse(Kind::Invalid, "LimitExceeded", "five versions are there");
                }
                policy.add(document);
            }
            Operation::DeleteVersion { version, .. } => {
                if policy.versions.last().unwrap().0 == *version {
                    return refuse(Kind::InvalidState, "DeleteConflict", "the default version");
                }
                let before = policy.versions.len();
                policy.versions.retain(|(id, _)| id != version);
                if policy.versions.len() == before {
                    return absent();
                }
            }
            Operation::Delete { .. } => {
                if attached || policy.versions.len() > 1 {
                    return refuse(
                        Kind::InvalidState,
                        "DeleteConflict",
                        "attached or versioned",
                    );
                }
                self.managed_policies.remove(arn);
            }
            Operation::Attach { role, .. } => {
                let Some(role) = self.roles.get_mut(&role_id(at, role)) else {
                    return absent();
                };
                if !role.attached.iter().any(|a| a == arn) {
                    if role.attached.len() == 10 {
                        return refuse(Kind::Invalid, "LimitExceeded", "ten policies are attached");
                    }
                    role.attached.push(arn.to_owned());
                }
            }
            Operation::Tag { tags, .. } => {
                policy.tags.extend(tags.clone());
                check_tags(&policy.tags)?;
            }
            Operation::Untag { tag_keys, .. } => {
                policy.tags.retain(|key, _| !tag_keys.contains(key));
            }
        }
        Ok(Output::Done)
    }
}

fn absent<T>() -> Result<T, Refused> {
    refuse(Kind::NotFound, "NoSuchEntity", "no such policy")
}

fn is_of(at: &Location, arn: &str) -> bool {
    Arn::parse(arn).is_ok_and(|arn| arn.account == at.account.as_str())
}

/// Whether it is one that AWS keeps for everybody to read and attach.
fn is_aws_own(policy_arn: &str) -> bool {
    policy_arn.starts_with("arn:aws:iam::aws:policy/")
}
