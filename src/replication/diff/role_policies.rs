//! The role's grants: one inline document and, where it would be too long, managed policies.
//!
//! While documents grow they are written from the last to the first, and while they shrink from the first to the
//! last: so a grant that moves from one to another is never missing (see `policy::role_policies`).

use super::form::{Form, same_document};
use super::tags::tag_changes;
use super::{Difference, Found, Shows};
use crate::replication::component::{ComponentId, Side};
use crate::replication::desired::{DesiredRole, Grants};
use crate::replication::graph::Action;
use crate::replication::observed::{Observed, ObservedManagedPolicy};
use crate::replication::operation::{ManagedPolicyOperation as Managed, Operation};
use crate::replication::policy::PolicyDocument;

/// What is missing or wrong in the grants of one role. Policies too many go last.
pub(super) fn role_policy_differences(
    side: &Side,
    role: &DesiredRole,
    observed: &Observed,
    form: Form,
) -> Vec<Difference> {
    let Some(grants) = &role.grants else {
        return Vec::new();
    };
    let documents = match form {
        Form::Wider if is_exact(side, grants, observed) => return Vec::new(),
        Form::Wider => &grants.wider,
        Form::Exact => &grants.exact,
    };
    let roles = Documents { side, role, grants };
    let policies = observed.managed_policies(side);
    let mut all: Vec<Difference> = Vec::new();
    for (number, document) in documents.managed.iter().enumerate().rev() {
        let number = number + 1;
        all.extend(roles.managed(number, document, policies.get(&number)));
    }
    let seen = observed.role(side).present();
    let inline = seen.and_then(|role| role.policy.present());
    if !inline.is_some_and(|text| same_document(text, &documents.inline)) {
        let what = if inline.is_some() {
            "changed"
        } else {
            "missing"
        };
        all.push(roles.put_inline(what, &documents.inline));
    }
    for (number, policy) in policies {
        if *number > documents.managed.len() {
            all.extend(roles.taken_down(*number, &policy.older_versions));
        }
    }
    all
}

/// What leads from the wider form of one role's grants to the exact one.
pub(super) fn role_policy_narrowing(
    side: &Side,
    role: &DesiredRole,
    observed: &Observed,
) -> Vec<Difference> {
    let Some(grants) = &role.grants else {
        return Vec::new();
    };
    if is_exact(side, grants, observed) {
        return Vec::new();
    }
    const WHAT: &str = "grants more than is needed";
    let roles = Documents { side, role, grants };
    let (wider, exact) = (&grants.wider, &grants.exact);
    let mut all = Vec::new();
    if wider.inline != exact.inline {
        all.push(roles.put_inline(WHAT, &exact.inline));
    }
    for (number, (wider, exact)) in wider.managed.iter().zip(&exact.managed).enumerate() {
        if wider != exact {
            let mut found = roles.found(number + 1);
            let policy_arn = role.managed_policy_arn(number + 1);
            let document = exact.clone();
            let operation = Managed::CreateVersion {
                policy_arn,
                document,
            };
            found.component(WHAT, Operation::ManagedPolicy(operation));
            all.extend(found.list);
        }
    }
    for number in exact.managed.len() + 1..=wider.managed.len() {
        // What this very run made has the one version; else the wider document stands beside the one that was seen.
        let there = observed.managed_policies(side).get(&number);
        let versions = there.map_or_else(Vec::new, |there| {
            let replaced = !same_document(&there.document, &wider.managed[number - 1]);
            let before = replaced.then(|| there.default_version.clone());
            there.older_versions.iter().cloned().chain(before).collect()
        });
        all.extend(roles.taken_down(number, &versions));
    }
    all
}

/// Whether the role grants what it should, and no more. Then it is left alone from the beginning: a rule that somebody
/// changed by hand never had more, and an old rule that needs more has been without it.
fn is_exact(side: &Side, grants: &Grants, observed: &Observed) -> bool {
    let Grants { exact, .. } = grants;
    let seen = observed.role(side).present();
    let inline = seen.and_then(|role| role.policy.present());
    let managed = observed.managed_policies(side);
    inline.is_some_and(|text| same_document(text, &exact.inline))
        && managed.len() == exact.managed.len()
        && exact.managed.iter().enumerate().all(|(index, document)| {
            let there = managed.get(&(index + 1));
            there.is_some_and(|there| there.attached && same_document(&there.document, document))
        })
}

struct Documents<'a> {
    side: &'a Side,
    role: &'a DesiredRole,
    grants: &'a Grants,
}

impl Documents<'_> {
    fn found(&self, number: usize) -> Found {
        let component = ComponentId::ManagedPolicy(self.side.clone(), number);
        Found::new(component, &self.role.location)
    }

    fn put_inline(&self, what: &str, document: &PolicyDocument) -> Difference {
        Difference {
            component: ComponentId::RolePolicy(self.side.clone()),
            at: self.role.location.clone(),
            what: what.to_owned(),
            shows: Shows::Component,
            repair: Action::Call(Operation::PutRolePolicy {
                role: self.role.name.clone(),
                policy: self.role.policy_name.clone(),
                document: document.clone(),
            }),
        }
    }

    fn managed(
        &self,
        number: usize,
        document: &PolicyDocument,
        seen: Option<&ObservedManagedPolicy>,
    ) -> Vec<Difference> {
        let mut found = self.found(number);
        let policy_arn = self.role.managed_policy_arn(number);
        let tags = self.grants.tags(number);
        let call = Operation::ManagedPolicy;
        match seen {
            None => {
                let operation = Managed::Create {
                    policy_arn: policy_arn.clone(),
                    path: self.role.path.clone(),
                    document: document.clone(),
                    tags,
                };
                found.component("missing", call(operation));
            }
            Some(seen) => {
                if !same_document(&seen.document, document) {
                    self.drop_versions(&mut found, number, &seen.older_versions, "changed");
                    let operation = Managed::CreateVersion {
                        policy_arn: policy_arn.clone(),
                        document: document.clone(),
                    };
                    found.component("changed", call(operation));
                }
                let (shows, set, unset) = tag_changes(&tags, &self.grants.ignored_tags, &seen.tags);
                if !set.is_empty() {
                    let operation = Managed::Tag {
                        policy_arn: policy_arn.clone(),
                        tags: set,
                    };
                    // Tags of policies have no attribute of their own.
                    let shows = match shows {
                        Shows::Attribute => Shows::Component,
                        shows => shows,
                    };
                    found.add("tags differ", shows, Action::Call(call(operation)));
                }
                if !unset.is_empty() {
                    let operation = Managed::Untag {
                        policy_arn: policy_arn.clone(),
                        tag_keys: unset,
                    };
                    found.component("tags differ", call(operation));
                }
            }
        }
        if !seen.is_some_and(|seen| seen.attached) {
            let role = self.role.name.clone();
            let operation = Managed::Attach { role, policy_arn };
            let what = if seen.is_some() {
                "not attached"
            } else {
                "missing"
            };
            found.component(what, call(operation));
        }
        found.list
    }

    fn taken_down(&self, number: usize, versions: &[String]) -> Vec<Difference> {
        const WHAT: &str = "not needed";
        let mut found = self.found(number);
        let policy_arn = self.role.managed_policy_arn(number);
        let detach = Operation::DetachRolePolicy {
            role: self.role.name.clone(),
            policy_arn: policy_arn.clone(),
        };
        found.component(WHAT, detach);
        self.drop_versions(&mut found, number, versions, WHAT);
        let delete = Managed::Delete { policy_arn };
        found.component(WHAT, Operation::ManagedPolicy(delete));
        found.list
    }

    /// Takes away the versions that serve nothing any more: IAM keeps five, and deletes no policy with several.
    fn drop_versions(&self, found: &mut Found, number: usize, versions: &[String], what: &str) {
        for version in versions {
            let operation = Managed::DeleteVersion {
                policy_arn: self.role.managed_policy_arn(number),
                version: version.clone(),
            };
            found.component(what, Operation::ManagedPolicy(operation));
        }
    }
}
