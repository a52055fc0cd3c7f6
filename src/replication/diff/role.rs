//! The role of ours; its policy is among the grants.

use super::tags::tag_changes;
use super::{Difference, Found};
use crate::replication::component::{ComponentId, Side};
use crate::replication::desired::DesiredRole;
use crate::replication::graph::Action;
use crate::replication::observed::{ObservedRole, Presence};
use crate::replication::operation::Operation;
use crate::replication::policy::{PolicyDocument, same_meaning};

/// The role itself.
pub fn role_differences(
    side: &Side,
    desired: &DesiredRole,
    seen: &Presence<ObservedRole>,
) -> Vec<Difference> {
    let Some(owned) = &desired.owned else {
        return Vec::new();
    };
    let role = desired.name.clone();
    let mut found = Found::new(ComponentId::Role(side.clone()), &desired.location);
    let Some(seen) = seen.present() else {
        let trust_policy = owned.trust.render().unwrap_or_default();
        found.component(
            "missing",
            Operation::CreateRole {
                role,
                path: desired.path.clone(),
                description: owned.description.clone(),
                permissions_boundary: owned.permissions_boundary.clone(),
                trust_policy,
                tags: owned.tags.clone(),
            },
        );
        return found.list;
    };
    let seen = &seen.description;
    if !same_trust(&seen.trust_policy, &owned.trust) {
        let trust_policy = owned.trust.render().unwrap_or_default();
        found.component(
            "trust policy changed",
            Operation::UpdateAssumeRolePolicy {
                role: role.clone(),
                trust_policy,
            },
        );
    }
    if seen.description != owned.description {
        found.attribute(
            "description",
            Operation::UpdateRole {
                role: role.clone(),
                description: owned.description.clone(),
            },
        );
    }
    if seen.permissions_boundary != owned.permissions_boundary {
        let operation = match &owned.permissions_boundary {
            Some(boundary) => Operation::PutRolePermissionsBoundary {
                role: role.clone(),
                boundary: boundary.clone(),
            },
            None => Operation::DeleteRolePermissionsBoundary { role: role.clone() },
        };
        found.attribute("permissions boundary", operation);
    }
    let (shows, set, unset) = tag_changes(&owned.tags, &owned.ignored_tags, &seen.tags);
    if !set.is_empty() {
        let operation = Operation::TagRole {
            role: role.clone(),
            tags: set,
        };
        found.add("tags differ", shows, Action::Call(operation));
    }
    if !unset.is_empty() {
        found.attribute(
            "tags differ",
            Operation::UntagRole {
                role,
                tag_keys: unset,
            },
        );
    }
    found.list
}

/// Whether a role lets in whom it should, and nobody else. Nothing is looked up there by Sid, so that of a role that
/// somebody else made may stay.
pub(in crate::replication) fn same_trust(text: &str, wanted: &PolicyDocument) -> bool {
    let unnamed = |mut document: PolicyDocument| {
        for statement in &mut document.statements {
            statement.sid = None;
        }
        document
    };
    PolicyDocument::parse(text)
        .is_ok_and(|seen| same_meaning(&unnamed(seen), &unnamed(wanted.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::policy::trust_policy;

    fn same(statement: &str) -> bool {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
        same_trust(&text, &trust_policy())
    }

    #[test]
    fn a_trust_policy_is_the_same_under_any_name_and_not_with_anybody_else_in_it() {
        let plain = r#"{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:AssumeRole"}"#;
        assert!(same(plain));
        assert!(same(&plain.replacen('{', r#"{"Sid":"","#, 1)));
        assert!(same(&plain.replacen('{', r#"{"Sid":"Theirs","#, 1)));
        let batch = r#"["s3.amazonaws.com","batchoperations.s3.amazonaws.com"]"#;
        assert!(!same(&plain.replace(r#""s3.amazonaws.com""#, batch)));
        assert!(!same(&plain.replace("Allow", "Deny")));
        assert!(!same("[]"));
    }
}
