//! What others wrote that bears on replication and that nobody else reads: further policies of roles, what bounds
//! them, and keys that are left to their owners. What may not be read stays unknown.

use std::collections::BTreeSet;

use futures::future::join_all;

use super::preflight::existing_keys;
use super::role_policies;
use crate::framework::diagnostics::Diagnostics;
use crate::provider::settings::Session;
use crate::replication::component::Side;
use crate::replication::direction::Direction;
use crate::replication::observed::{FurtherPolicies, Observed};
use crate::replication::permission::further_policies;
use crate::replication::spec::{RoleOwnership, Spec};

/// Looks at all of it, for a setup that is there. What stands against keys is said besides.
pub(crate) async fn look(
    session: &Session,
    spec: &Spec,
    observed: &mut Observed,
    diagnostics: &mut Diagnostics,
) {
    let (roles, keys) = futures::join!(
        roles(session, spec, observed, &|_| true, true),
        existing_keys::look_closely(session, spec, diagnostics)
    );
    roles.tell(observed);
    observed.theirs.keys = keys;
}

/// Looks at the policies of those roles that are chosen. Managed ones that somebody attached to a role of ours, and
/// what bounds it by hand, are left out: whoever plans need not be allowed to read these.
pub(crate) async fn look_at_roles(
    session: &Session,
    spec: &Spec,
    observed: &mut Observed,
    chosen: &(dyn Fn(&Direction<'_>) -> bool + Sync),
) {
    roles(session, spec, observed, chosen, false)
        .await
        .tell(observed);
}

/// What was read of roles.
struct Roles {
    policies: Vec<(Side, FurtherPolicies)>,
    boundaries: Vec<(String, String)>,
}

impl Roles {
    fn tell(self, observed: &mut Observed) {
        observed.theirs.role_policies.extend(self.policies);
        observed.theirs.boundaries.extend(self.boundaries);
    }
}

async fn roles(
    session: &Session,
    spec: &Spec,
    observed: &Observed,
    chosen: &(dyn Fn(&Direction<'_>) -> bool + Sync),
    everything: bool,
) -> Roles {
    let directions: Vec<Direction<'_>> = spec
        .directions()
        .filter(|direction| chosen(direction))
        .collect();
    let policies = join_all(directions.iter().filter_map(|direction| {
        let seen = observed.role(&direction.from).present()?;
        let mut names = further_policies(direction, seen).peekable();
        names.peek()?;
        let (mut attached, inline): (Vec<_>, Vec<_>) =
            names.partition(|name| name.starts_with("arn:"));
        let mut unread = Vec::new();
        if !everything && is_ours(direction) {
            let not_looked_at = attached
                .drain(..)
                .map(|arn| format!("nobody looked at {arn}"));
            unread.extend(not_looked_at);
        }
        Some(async move {
            let (at, role) = (&direction.bucket.location, &direction.role.name);
            let (inline, attached) = (inline.into_iter(), attached.into_iter());
            let mut read = role_policies::read(session, at, role, inline, attached).await;
            read.unread.extend(unread);
            (direction.from.clone(), read)
        })
    }));
    let bounds: BTreeSet<_> = directions
        .iter()
        .flat_map(|direction| {
            let seen = observed.role(&direction.from).present();
            let seen = seen.filter(|_| everything || !is_ours(direction));
            let seen = seen.and_then(|seen| seen.description.permissions_boundary.as_ref());
            let wanted = match &direction.role.ownership {
                RoleOwnership::Owned {
                    permissions_boundary,
                    ..
                } => permissions_boundary.as_ref(),
                RoleOwnership::Existing { .. } => None,
            };
            let at = &direction.bucket.location;
            seen.into_iter().chain(wanted).map(move |arn| (arn, at))
        })
        .map(|(arn, at)| (arn.clone(), at.clone()))
        .collect();
    let boundaries = join_all(bounds.into_iter().map(|(arn, at)| async move {
        let text = role_policies::managed(session, &at, &arn).await.ok()??;
        Some((arn, text))
    }));
    let (policies, boundaries) = futures::join!(policies, boundaries);
    Roles {
        policies,
        boundaries: boundaries.into_iter().flatten().collect(),
    }
}

fn is_ours(direction: &Direction<'_>) -> bool {
    matches!(direction.role.ownership, RoleOwnership::Owned { .. })
}
