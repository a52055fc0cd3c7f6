//! Whether the policies of roles that are left to their owners (`manage_policy = false`) grant what replication needs.

use crate::execution::cloud::CallError;
use crate::execution::observe::{Purpose, observe_role};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::BucketModel;
use crate::provider::replicated_bucket::paths::role_path;
use crate::provider::replicated_bucket::role_policies;
use crate::provider::settings::Session;
use crate::replication::direction::Direction;
use crate::replication::grants::role_document;
use crate::replication::observed::{FurtherPolicies, Observed, ObservedRole, Presence};
use crate::replication::policy::{PolicyDocument, missing_grants_among};
use crate::replication::spec::{RoleOwnership, Spec};

/// Looks at every such role of which more is asked than state knows.
pub(crate) async fn check(
    session: &Session,
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
        let leaving = was_managed.then(|| direction.role_policy_name());
        let seen = role(session, &direction, observed).await;
        let look = match &seen {
            Ok(Presence::Present(seen)) => {
                documents(session, &direction, seen, leaving.as_ref()).await
            }
            // A role that is not there is told of elsewhere.
            Ok(_) => continue,
            Err(error) => FurtherPolicies {
                documents: Vec::new(),
                unread: vec![error.to_string()],
            },
        };
        warn(&look, &direction, diagnostics);
    }
}

/// Looks again at every such role of the state: what it granted once may be gone. What cannot be read was told of
/// when it came.
pub(crate) async fn look_again(
    session: &Session,
    spec: &Spec,
    observed: &Observed,
    diagnostics: &mut Diagnostics,
) {
    for direction in untouched(spec) {
        let Some(seen) = observed.role(&direction.from).present() else {
            continue;
        };
        let look = documents(session, &direction, seen, None).await;
        if look.unread.is_empty() {
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

/// The role as it was seen already, or as it is now.
async fn role(
    session: &Session,
    direction: &Direction<'_>,
    observed: &Observed,
) -> Result<Presence<ObservedRole>, CallError> {
    match observed.role(&direction.from) {
        Presence::Unasked => observe_role(&*session.cloud, direction, Purpose::Destroy).await,
        seen => Ok(seen.clone()),
    }
}

/// The policies in and at a role, without the inline one that is `leaving`.
async fn documents(
    session: &Session,
    direction: &Direction<'_>,
    seen: &ObservedRole,
    leaving: Option<&String>,
) -> FurtherPolicies {
    let at = &direction.bucket.location;
    let inline = seen.inline_policies.present().into_iter().flatten();
    let inline = inline.filter(|name| Some(*name) != leaving);
    let attached = seen.attached_policies.present().into_iter().flatten();
    role_policies::read(session, at, &direction.role.name, inline, attached).await
}

/// Warns of the statements that no policy of the role grants.
fn warn(seen: &FurtherPolicies, direction: &Direction<'_>, diagnostics: &mut Diagnostics) {
    let wanted = role_document(direction).statements;
    let missing = missing_grants_among(&seen.documents, &wanted);
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
