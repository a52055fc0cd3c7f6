//! Roles.

use std::collections::BTreeMap;

use terraform_provider_replicated::execution::cloud::CallErrorKind as Kind;
use terraform_provider_replicated::replication::ids::Location;
use terraform_provider_replicated::replication::operation::{
    Answer, Operation, Output, Query, RoleDescription, Tags,
};
use terraform_provider_replicated::replication::policy::{PolicyDocument, PolicyKind, check_size};
use tokio::time::Instant;

use super::delays::shows;
use super::s3::check_tags;
use super::{Refused, State, refuse};

/// A role.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub(crate) description: RoleDescription,
    pub(crate) policies: BTreeMap<String, PolicyDocument>,
    pub(crate) attached: Vec<String>,
    pub(crate) since: Instant,
    /// When it lost a policy.
    pub(crate) lost_policy: Option<Instant>,
}

impl State {
    pub(super) fn role_by_arn(&self, arn: &str) -> Option<&Role> {
        self.roles.values().find(|r| r.description.arn == arn)
    }

    pub(super) fn query_iam(&self, at: &Location, query: &Query) -> Result<Answer, Refused> {
        if let Some(answer) = self.query_managed_policy(at, query) {
            return answer;
        }
        let role = self.roles.get(&role_id(at, query.subject()));
        let Some(role) = role.filter(|role| shows(role.since, self.delays.what_is_new)) else {
            return refuse(Kind::NotFound, "NoSuchEntity", "no such role");
        };
        Ok(match query {
            Query::GetRole { .. } => Answer::Role(role.description.clone()),
            Query::ListRolePolicies { .. } => {
                Answer::Names(role.policies.keys().cloned().collect())
            }
            Query::ListAttachedRolePolicies { .. } => Answer::Names(role.attached.clone()),
            Query::GetRolePolicy { policy, .. } => match role.policies.get(policy) {
                Some(document) => Answer::Text(document.render().unwrap()),
                None => return refuse(Kind::NotFound, "NoSuchEntity", "no such policy"),
            },
            other => unreachable!("{other} is not a query of IAM"),
        })
    }

    pub(super) fn perform_iam(
        &mut self,
        at: &Location,
        operation: &Operation,
    ) -> Result<Output, Refused> {
        if let Operation::ManagedPolicy(operation) = operation {
            return self.perform_managed_policy(at, operation);
        }
        let id = role_id(at, &operation.subject());
        if let Operation::CreateRole { role, .. } = operation
            && self.roles.contains_key(&id)
        {
            let message = format!("role {role} exists");
            return refuse(Kind::AlreadyExists, "EntityAlreadyExists", message);
        }
        if let Operation::CreateRole {
            permissions_boundary: None,
            ..
        } = operation
            && self.requires_boundaries
        {
            let message = "with an explicit deny in a service control policy";
            return refuse(Kind::AccessDenied, "AccessDenied", message);
        }
        if let Operation::CreateRole { .. } = operation {
            let serial = self.next_serial();
            let made = Role::made(at, operation, serial)?;
            let output = Output::Role {
                arn: made.description.arn.clone(),
                unique_id: made.description.unique_id.clone(),
            };
            self.roles.insert(id, made);
            return Ok(output);
        }
        let delays = self.delays;
        let role = self.roles.get_mut(&id);
        let Some(role) = role.filter(|role| shows(role.since, delays.what_is_new)) else {
            return refuse(Kind::NotFound, "NoSuchEntity", "no such role");
        };
        if let Operation::DeleteRole { .. } = operation {
            let is_late = |lost: Instant| !shows(lost, delays.role_policies);
            let seems_to_have = role.lost_policy.is_some_and(is_late);
            if seems_to_have || !role.policies.is_empty() || !role.attached.is_empty() {
                return refuse(Kind::InvalidState, "DeleteConflict", "has policies");
            }
            self.roles.remove(&id);
            return Ok(Output::Done);
        }
        role.set(operation)?;
        Ok(Output::Done)
    }
}

impl Role {
    fn made(at: &Location, operation: &Operation, serial: u32) -> Result<Self, Refused> {
        let Operation::CreateRole {
            role,
            path,
            description,
            permissions_boundary,
            trust_policy,
            tags,
        } = operation
        else {
            unreachable!("only CreateRole makes a role");
        };
        check_tags(tags)?;
        let valid = (1..=64).contains(&role.len())
            && path.starts_with('/')
            && path.ends_with('/')
            && PolicyDocument::parse(trust_policy).is_ok();
        if !valid {
            return refuse(
                Kind::Invalid,
                "ValidationError",
                "name, path or trust policy",
            );
        }
        Ok(Self {
            description: RoleDescription {
                arn: format!("arn:aws:iam::{}:role{path}{role}", at.account),
                unique_id: format!("AROAFAKE{serial:08}"),
                path: path.clone(),
                description: description.clone(),
                trust_policy: trust_policy.clone(),
                permissions_boundary: permissions_boundary.clone(),
                tags: tags.clone(),
                created: None,
            },
            policies: BTreeMap::new(),
            attached: Vec::new(),
            since: Instant::now(),
            lost_policy: None,
        })
    }

    fn set(&mut self, operation: &Operation) -> Result<(), Refused> {
        let absent = || refuse(Kind::NotFound, "NoSuchEntity", "no such policy");
        let role = &mut self.description;
        match operation {
            Operation::UpdateRole { description, .. } => role.description.clone_from(description),
            Operation::UpdateAssumeRolePolicy { trust_policy, .. } => {
                if PolicyDocument::parse(trust_policy).is_err() {
                    return refuse(Kind::Invalid, "MalformedPolicyDocument", "not a policy");
                }
                role.trust_policy.clone_from(trust_policy);
            }
            Operation::PutRolePermissionsBoundary { boundary, .. } => {
                role.permissions_boundary = Some(boundary.clone());
            }
            Operation::DeleteRolePermissionsBoundary { .. } => role.permissions_boundary = None,
            Operation::TagRole { tags, .. } => {
                let mut all: Tags = role.tags.clone();
                all.extend(tags.clone());
                check_tags(&all)?;
                role.tags = all;
            }
            Operation::UntagRole { tag_keys, .. } => {
                role.tags.retain(|key, _| !tag_keys.contains(key));
            }
            Operation::PutRolePolicy {
                policy, document, ..
            } => {
                check_identity_policy(document)?;
                let mut all = self.policies.clone();
                all.insert(policy.clone(), document.clone());
                let text: String = all.values().map(|d| d.render().unwrap()).collect();
                if check_size(PolicyKind::RoleInline, &text).is_err() {
                    return refuse(Kind::Invalid, "LimitExceeded", "inline policies too long");
                }
                self.policies = all;
            }
            Operation::DeleteRolePolicy { policy, .. } => {
                if self.policies.remove(policy).is_none() {
                    return absent();
                }
                self.lost_policy = Some(Instant::now());
            }
            Operation::DetachRolePolicy { policy_arn, .. } => {
                let before = self.attached.len();
                self.attached.retain(|arn| arn != policy_arn);
                if self.attached.len() == before {
                    return absent();
                }
            }
            other => unreachable!("{other} is not a write of one role"),
        }
        Ok(())
    }
}

pub(super) fn check_identity_policy(document: &PolicyDocument) -> Result<(), Refused> {
    let malformed = |message: &str| refuse(Kind::Invalid, "MalformedPolicyDocument", message);
    if !document.is_resolved() {
        return malformed("a resource is not known");
    }
    for (index, statement) in document.statements.iter().enumerate() {
        if statement.principal.is_some() || statement.resource.is_none() {
            return malformed("an identity policy names resources and no principals");
        }
        let same_name = |s: &&terraform_provider_replicated::replication::policy::Statement| {
            s.sid.is_some() && s.sid == statement.sid
        };
        if document.statements[..index].iter().any(|s| same_name(&s)) {
            return malformed("Statement IDs (SID) in a single policy must be unique.");
        }
    }
    Ok(())
}

/// Names of roles are unique without regard to case.
pub(super) fn role_id(at: &Location, name: &str) -> (String, String) {
    (at.account.to_string(), name.to_lowercase())
}
