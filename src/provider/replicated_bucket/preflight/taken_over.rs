//! What is taken over, and what others wrote into it before.
//!
//! Tags are all that tells an interrupted create of ours from a bucket that somebody planted. Every setting of such a
//! bucket is written anew, and so are a key's policy and a role's trust. Statements of others in a bucket's policy
//! stay, because another resource may share the bucket by now, and so do further policies of a role; they are told.

use super::others::warn_of_role_policies;
use crate::framework::diagnostics::Diagnostics;
use crate::provider::replicated_bucket::paths::side_path;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::desired::desire;
use crate::replication::observed::Observed;
use crate::replication::ownership::Claim;
use crate::replication::policy::PolicyDocument;
use crate::replication::spec::Spec;

/// Warns of what stays in buckets and roles that are taken over.
pub(crate) fn warn(
    spec: &Spec,
    observed: &Observed,
    claims: &[Claim],
    diagnostics: &mut Diagnostics,
) {
    let taken: Vec<&Claim> = claims.iter().filter(|c| c.verdict.is_ok()).collect();
    warn_of_statements(spec, observed, &taken, diagnostics);
    let is_taken = |side: &Side| {
        let role = ComponentId::Role(side.clone());
        taken.iter().any(|claim| claim.component == role)
    };
    let roles = observed.roles.iter().filter(|(side, _)| is_taken(side));
    let seen = Observed {
        roles: roles
            .map(|(side, role)| (side.clone(), role.clone()))
            .collect(),
        ..Observed::default()
    };
    warn_of_role_policies(spec, &seen, diagnostics);
}

fn warn_of_statements(
    spec: &Spec,
    observed: &Observed,
    taken: &[&Claim],
    diagnostics: &mut Diagnostics,
) {
    let desired = desire(spec, None, "");
    for claim in taken {
        let ComponentId::Of(side, Part::Bucket) = &claim.component else {
            continue;
        };
        let wanted = desired.buckets.get(side).map(|bucket| &bucket.policy);
        let seen = observed.buckets.get(side);
        let seen = seen.and_then(|seen| PolicyDocument::parse(seen.policy.present()?).ok());
        let (Some(wanted), Some(seen)) = (wanted.filter(|wanted| !wanted.exclusive), seen) else {
            continue;
        };
        let foreign: Vec<_> = wanted.foreign(&seen).into_iter().cloned().collect();
        if foreign.is_empty() {
            continue;
        }
        diagnostics.warning_at(
            side_path(side).attribute("bucket"),
            format!("The policy of {} has statements of others", claim.thing),
            format!(
                "They were there before the {} is taken over, and they stay. If nobody whom you trust wrote them, somebody may have made the bucket for you to fill: take them out first, or set exclusive_policy.\n\n{}",
                claim.thing,
                PolicyDocument::new(foreign).pretty()
            ),
        );
    }
}
