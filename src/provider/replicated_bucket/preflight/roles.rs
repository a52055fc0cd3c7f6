//! What is asked of roles before anything is made: that they exist, fit, and are in the right account.

use crate::framework::diagnostics::Diagnostics;
use crate::provider::replicated_bucket::model::BucketModel;
use crate::provider::replicated_bucket::paths::role_path;
use crate::replication::component::Side;
use crate::replication::direction::{Direction, superseded};
use crate::replication::ids::Arn;
use crate::replication::observed::Observed;
use crate::replication::spec::{RoleOwnership, Spec};

/// An existing role must be in the account of the bucket that it replicates out of; both may follow from the
/// provider, so validation cannot tell.
pub(crate) fn check_accounts(model: &BucketModel, diagnostics: &mut Diagnostics) {
    for (from, role) in model.roles() {
        let account = model.side(&from).and_then(|side| side.account_id.known());
        if let (Some(arn), Some(account)) = (role.existing_arn.known(), account)
            && let Ok(role) = Arn::parse_role(arn)
            && role.account != *account
        {
            let bucket = match &from {
                Side::Source => "source bucket".to_owned(),
                Side::Destination(key) => format!("bucket of destination {key}"),
            };
            diagnostics.error_at(
                role_path(&from).attribute("existing_arn"),
                "The role is in another account",
                format!(
                    "The {bucket} is in account {account} and the role in {}: S3 assumes only a role of the account of the bucket that it replicates out of. Name one of {account}, or leave `existing_arn` out, and one is made. Nothing was changed.",
                    role.account
                ),
            );
        }
    }
}

/// Existing roles must exist; whether one does not. S3 accepts rules with a role that is not there, and then
/// replicates nothing.
pub(crate) fn missing(spec: &Spec, observed: &Observed, diagnostics: &mut Diagnostics) -> bool {
    let mut missing = false;
    for direction in spec.directions() {
        let existing = matches!(direction.role.ownership, RoleOwnership::Existing { .. });
        if existing && observed.role(&direction.from).is_absent() {
            missing = true;
            let path = role_path(&direction.from).attribute("existing_arn");
            diagnostics.error_at(
                path.clone(),
                "The existing role does not exist",
                format!("There is no role {}. Correct {path}, or leave it out: then a role is made. Nothing was changed.", direction.role_arn()),
            );
        }
    }
    missing
}

/// IAM has one role of a name, whatever its path and the case of its letters, so a role that moves under its name
/// could only be made after the old one is gone, and meanwhile nothing would replicate. Whether one does.
pub(crate) fn refuse_another_path(
    prior: &Spec,
    spec: &Spec,
    diagnostics: &mut Diagnostics,
) -> bool {
    let mut refused = false;
    for (before, _) in superseded(prior, spec) {
        let mut directions = spec.directions();
        let now =
            directions.find(|now| is_owned(now) && is_owned(&before) && same_name(now, &before));
        let Some(now) = now.filter(|now| now.role_arn() != before.role_arn()) else {
            continue;
        };
        refused = true;
        let path = role_path(&now.from);
        diagnostics.error_at(
            path.attribute("path"),
            "A role's path cannot be changed alone",
            format!("The role is {} and would become {}, but an account has only one role of a name, so the new one cannot be made before the old one goes. Write another {path}.name as well, or keep the path ({:?}) and name ({:?}). Nothing was changed.", before.role_arn(), now.role_arn(), before.role.path, before.role.name),
        );
    }
    refused
}

/// A role of ours serves one direction: its policy, its tags and its end are that direction's.
pub(crate) fn refuse_shared(spec: &Spec, diagnostics: &mut Diagnostics) {
    let directions: Vec<Direction<'_>> = spec.directions().filter(is_owned).collect();
    for (position, direction) in directions.iter().enumerate() {
        let mut others = directions.iter().take(position);
        if let Some(other) = others.find(|other| same_name(direction, other)) {
            diagnostics.error_at(
                role_path(&direction.from).attribute("name"),
                "One role for two directions",
                format!("{} is the name of {} already, in the same account {}. Each direction has a role of its own: write another name, or leave it out.", direction.role.name, role_path(&other.from), direction.bucket.location.account),
            );
        }
    }
}

fn is_owned(direction: &Direction<'_>) -> bool {
    matches!(direction.role.ownership, RoleOwnership::Owned { .. })
}

fn same_name(one: &Direction<'_>, other: &Direction<'_>) -> bool {
    one.bucket.location.account == other.bucket.location.account
        && one.role.name.eq_ignore_ascii_case(&other.role.name)
}
