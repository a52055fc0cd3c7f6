//! Whether the policies of roles that are left to their owners (`manage_policy = false`) grant what replication needs.

use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::BucketModel;
use crate::provider::replicated_bucket::paths::role_path;
use crate::replication::direction::Direction;
use crate::replication::grants::role_document;
use crate::replication::observed::{FurtherPolicies, Observed, Presence};
use crate::replication::permission::with_plain_read;
use crate::replication::policy::{PolicyDocument, missing_grants_among};
use crate::replication::spec::{RoleOwnership, Spec};

/// Looks at every such role of which more is asked than state knows.
pub(crate) fn check(
    spec: &Spec,
    prior: Option<&BucketModel>,
    observed: &Observed,
    diagnostics: &mut Diagnostics,
) {
    for direction in untouched(spec) {
        let before = prior.into_iter().flat_map(BucketModel::roles);
        let arn = direction.role_arn().to_string();
        let mut same = before.filter(|(_, role)| role.arn.known() == Some(&arn));
        let before = same.next().map(|(_, role)| role);
        let was_managed = before.is_some_and(|role| role.manage_policy == Attr::Known(true));
        let needed = role_document(&direction).render().ok();
        let is_known = before.is_some_and(|role| role.policy_json.known() == needed.as_ref());
        if is_known && !was_managed {
            // The refresh has looked at it.
            continue;
        }
        // What we wrote goes with this very update.
        let look = policies(&direction, observed, !was_managed);
        if let Some(look) = look {
            warn(&look, &direction, diagnostics);
        }
    }
}

/// Looks again at every such role of the state: what it granted once may be gone. What cannot be read was told of
/// when it came.
pub(crate) fn look_again(spec: &Spec, observed: &Observed, diagnostics: &mut Diagnostics) {
    for direction in untouched(spec) {
        let look = policies(&direction, observed, true);
        if let Some(look) = look.filter(|look| look.unread.is_empty()) {
            warn(&look, &direction, diagnostics);
        }
    }
}

fn untouched(spec: &Spec) -> impl Iterator<Item = Direction<'_>> {
    let theirs = RoleOwnership::Existing {
        manage_policy: false,
    };
    spec.directions()
        .filter(move |direction| direction.role.ownership == theirs)
}

/// The policies in and at a role, with the one under our name where that stays; none of a role that is not there,
/// which is told of elsewhere.
fn policies(
    direction: &Direction<'_>,
    observed: &Observed,
    with_ours: bool,
) -> Option<FurtherPolicies> {
    let role = observed.role(&direction.from);
    let further = observed.theirs.role_policies.get(&direction.from);
    let mut all = match role {
        Presence::Absent => return None,
        Presence::Unasked => further?.clone(),
        Presence::Present(_) => further.cloned().unwrap_or_default(),
    };
    let ours = role.present().and_then(|seen| seen.policy.present());
    if let Some(text) = ours.filter(|_| with_ours) {
        match PolicyDocument::parse(text) {
            Ok(document) => all.documents.push(document),
            Err(error) => all.unread.push(error.to_string()),
        }
    }
    Some(all)
}

/// Warns of the statements that no policy of the role grants.
fn warn(seen: &FurtherPolicies, direction: &Direction<'_>, diagnostics: &mut Diagnostics) {
    let wanted = role_document(direction).statements;
    let mut missing = missing_grants_among(&seen.documents, &wanted);
    missing.retain(|statement| {
        let as_good = with_plain_read(statement, direction);
        as_good.is_none_or(|as_good| !missing_grants_among(&seen.documents, &[as_good]).is_empty())
    });
    if missing.is_empty() {
        return;
    }
    let unread = match seen.unread.as_slice() {
        [] => String::new(),
        errors => format!(
            "\n\nNot all of its policies could be read: {}.",
            errors.join("; ")
        ),
    };
    diagnostics.warning_at(
        role_path(&direction.from).attribute("existing_arn"),
        "The existing role must grant this",
        format!(
            "manage_policy is false, so {} is left as it is. For replication it lacks:\n\n{}{unread}",
            direction.role_arn(),
            PolicyDocument::new(missing).pretty()
        ),
    );
}
