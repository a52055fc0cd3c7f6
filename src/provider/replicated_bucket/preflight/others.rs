//! What others wrote that bears on replication: statements that deny it, and policies on a role of ours.

use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::AttributePath;
use crate::provider::replicated_bucket::paths::{component_path, side_path};
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::denials::Denied;
use crate::replication::observed::Observed;
use crate::replication::policy::PolicyDocument;
use crate::replication::spec::{BucketSpec, RoleOwnership, Spec};

/// Warns of statements that deny the replication role what it needs.
pub(crate) fn warn_of_denials(spec: &Spec, denials: Vec<Denied>, diagnostics: &mut Diagnostics) {
    for denied in denials {
        let (path, whose) = place(spec, &denied.component);
        warn_of_denial(path, &whose, denied, diagnostics);
    }
}

/// Warns of one such statement; `whose` policy it stands in.
pub(crate) fn warn_of_denial(
    path: AttributePath,
    whose: &str,
    denied: Denied,
    diagnostics: &mut Diagnostics,
) {
    let name = denied.statement.name().map_or_else(
        || "A statement without a Sid".to_owned(),
        |sid| format!("Statement {sid}"),
    );
    let (summary, how) = if denied.certain {
        ("A policy denies replication", "denies")
    } else {
        (
            "A policy may deny replication",
            "denies, depending on what is not known here,",
        )
    };
    let actions = denied.actions.join(", ");
    let text = PolicyDocument::new(vec![denied.statement]).pretty();
    diagnostics.warning_at(
        path,
        summary,
        format!("{name} in the policy of {whose} {how} {actions} to {}, the role that S3 replicates with. AWS accepts that, and objects then fail to replicate. Exempt the role, for example by a condition on aws:PrincipalArn.\n\n{text}", denied.role),
    );
}

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

/// Where a policy is configured, and whose it is.
fn place(spec: &Spec, component: &ComponentId) -> (AttributePath, String) {
    let ComponentId::Of(side, part) = component else {
        return (component_path(component), component.to_string());
    };
    let bucket = spec.bucket(side);
    let name = bucket.map_or_else(String::new, |b| b.name.to_string());
    match part {
        Part::Key => {
            let arn = key_of(side, bucket).unwrap_or_default();
            (
                side_path(side).attribute("encryption"),
                format!("key {arn}"),
            )
        }
        _ => (side_path(side), format!("bucket {name}")),
    }
}

fn key_of(side: &Side, bucket: Option<&BucketSpec>) -> Option<String> {
    bucket?.key(side).map(|key| key.to_string())
}
