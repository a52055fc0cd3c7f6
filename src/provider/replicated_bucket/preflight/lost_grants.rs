//! What a role that somebody else made loses when its trust policy and its policy `replication` become ours.

use crate::framework::diagnostics::Diagnostics;
use crate::provider::replicated_bucket::paths::role_path;
use crate::replication::direction::Direction;
use crate::replication::grants::role_document;
use crate::replication::names::OWNER_TAG;
use crate::replication::observed::{Observed, ObservedRole};
use crate::replication::policy::{
    Effect, Element, PolicyDocument, Principals, Statement, missing_grants, same_grant,
    trust_policy,
};
use crate::replication::spec::{RoleOwnership, Spec};

/// Warns of the statements that go. A role that carries our tags had these two policies from us, and what a person
/// changed in them is drift.
pub(crate) fn warn(spec: &Spec, observed: &Observed, diagnostics: &mut Diagnostics) {
    let owner = spec.owner();
    for direction in spec.directions() {
        let Some(seen) = observed.role(&direction.from).present() else {
            continue;
        };
        let is_owned = matches!(direction.role.ownership, RoleOwnership::Owned { .. });
        if !is_owned || seen.description.tags.get(OWNER_TAG) == Some(&owner) {
            continue;
        }
        warn_of(
            &direction,
            "trust policy",
            lost_trust(seen),
            TRUST,
            diagnostics,
        );
        let policy = format!("policy {}", direction.role_policy_name());
        let lost = lost_grants(&direction, seen);
        warn_of(&direction, &policy, lost, POLICY, diagnostics);
    }
}

const TRUST: &str = "A role of this resource lets in S3 replication and nobody else. Where something else assumes it, such as S3 Batch Operations, give that a role of its own before, or keep this one out of the resource with role.existing_arn.";

const POLICY: &str = "That is the name of the policy that this resource writes. Where something else needs these statements, put them into a policy of another name before: further policies are left as they are.";

fn warn_of(
    direction: &Direction<'_>,
    what: &str,
    lost: Vec<Statement>,
    remedy: &str,
    diagnostics: &mut Diagnostics,
) {
    if lost.is_empty() {
        return;
    }
    let role = direction.role_arn();
    let text = PolicyDocument::new(lost).pretty();
    diagnostics.warning_at(
        role_path(&direction.from),
        format!("The role's {what} will be replaced"),
        format!("{role} was made by somebody else and becomes this resource's. The next update writes its {what} anew, without this:\n\n{text}\n\n{remedy}"),
    );
}

/// Statements of the trust policy that let in anybody but S3 itself.
fn lost_trust(seen: &ObservedRole) -> Vec<Statement> {
    let mut statements = parsed(&seen.description.trust_policy);
    statements.retain(|statement| {
        let Some(Element::Is(Principals::Of(kinds))) = &statement.principal else {
            return true;
        };
        let ours = trust_policy()
            .statements
            .into_iter()
            .find_map(|s| s.principal);
        statement.effect == Effect::Deny || ours != Some(Element::Is(Principals::Of(kinds.clone())))
    });
    statements
}

/// Statements of the policy under our name that say something that ours does not.
fn lost_grants(direction: &Direction<'_>, seen: &ObservedRole) -> Vec<Statement> {
    let ours = role_document(direction);
    let mut statements = seen
        .policy
        .present()
        .map_or_else(Vec::new, |text| parsed(text));
    statements.retain(|statement| match statement.effect {
        Effect::Allow => !missing_grants(&ours, std::slice::from_ref(statement)).is_empty(),
        Effect::Deny => !ours.statements.iter().any(|s| same_grant(s, statement)),
    });
    statements
}

fn parsed(text: &str) -> Vec<Statement> {
    PolicyDocument::parse(text).map_or_else(|_| Vec::new(), |document| document.statements)
}
