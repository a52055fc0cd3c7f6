//! What others wrote that bears on replication: policies on a role of ours.

use crate::framework::diagnostics::Diagnostics;
use crate::provider::replicated_bucket::paths::component_path;
use crate::replication::component::ComponentId;
use crate::replication::observed::Observed;
use crate::replication::spec::{RoleOwnership, Spec};

/// Warns of policies on our roles that are not ours: they grant or deny what nobody looks at here.
pub(crate) fn warn_of_role_policies(
    spec: &Spec,
    observed: &Observed,
    diagnostics: &mut Diagnostics,
) {
    for direction in spec.directions() {
        let Some(seen) = observed.role(&direction.from).present() else {
            continue;
        };
        if !matches!(direction.role.ownership, RoleOwnership::Owned { .. }) {
            continue;
        }
        let ours = direction.role_policy_name();
        let inline = seen.inline_policies.present().into_iter().flatten();
        let attached = seen.attached_policies.present().into_iter().flatten();
        let numbers = seen.managed_policies.keys();
        let managed: Vec<String> = numbers.map(|n| direction.managed_policy_arn(*n)).collect();
        let foreign: Vec<&str> = inline
            .filter(|name| **name != ours)
            .chain(attached.filter(|arn| !managed.contains(arn)))
            .map(String::as_str)
            .collect();
        if !foreign.is_empty() {
            diagnostics.warning_at(
                component_path(&ComponentId::Role(direction.from.clone())),
                "The role has further policies",
                format!("{} is a role of this resource, and somebody gave it more than replication needs: {}. They are left as they are, and go with the role. Take them off, or use a role of your own with role.existing_arn.", direction.role_arn(), foreign.join(", ")),
            );
        }
    }
}
