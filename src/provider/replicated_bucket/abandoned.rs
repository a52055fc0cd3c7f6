//! Parts in accounts that are gone: they leave the state without a call, and are listed.

use super::model::{BucketModel, SideModel};
use super::values::expand::way_in;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, known_entries};
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::settings::Settings;
use crate::replication::component::Side;
use crate::replication::ids::{AccountId, Arn};

/// A side of the configuration cannot be in an account that is gone.
pub(crate) fn refuse_abandoned(
    model: &BucketModel,
    settings: &Settings,
    diagnostics: &mut Diagnostics,
) {
    for (this, side) in model.sides() {
        let Some(account) = leads_to_abandoned(side, settings) else {
            continue;
        };
        let way_out = match this {
            Side::Source => "Destroy the resource, or name a source in another account,",
            Side::Destination(_) => "Take the destination out of the configuration,",
        };
        diagnostics.error_at(
            side_path(&this),
            format!("Account {account} is abandoned"),
            format!("{this} is in account {account}, of which the provider's `account` block says that it is gone. {way_out} or take `abandoned` out of the block. Nothing was changed."),
        );
    }
}

/// The state without the destinations in accounts that are gone; each is listed in a warning. A source that is gone
/// stays in the state as long as any destination does.
pub(crate) fn without_abandoned(
    state: &BucketModel,
    settings: &Settings,
    diagnostics: &mut Diagnostics,
) -> BucketModel {
    let mut left = state.clone();
    for (this, side) in state.sides() {
        if !is_abandoned(side, settings) {
            continue;
        }
        warn_abandoned(state, &this, diagnostics);
        let Side::Destination(key) = &this else {
            continue;
        };
        if let Attr::Known(destinations) = &mut left.destinations {
            destinations.remove(key);
        }
        if let Attr::Known(components) = &mut left.components {
            components.retain(|component, _| !is_part(component, &this));
        }
    }
    left
}

/// Lists what of a side leaves the state without a call, where its account is gone.
pub(crate) fn warn_if_abandoned(
    state: &BucketModel,
    this: &Side,
    settings: &Settings,
    diagnostics: &mut Diagnostics,
) -> bool {
    let abandoned = state
        .side(this)
        .is_some_and(|side| is_abandoned(side, settings));
    if abandoned {
        warn_abandoned(state, this, diagnostics);
    }
    abandoned
}

fn warn_abandoned(state: &BucketModel, this: &Side, diagnostics: &mut Diagnostics) {
    let account = state.side(this).and_then(|side| side.account_id.known());
    let account = account.map(String::as_str).unwrap_or_default();
    let parts: Vec<String> = known_entries(&state.components)
        .into_iter()
        .filter(|(component, _)| is_part(component, this))
        .map(|(component, line)| format!("  {component}: {line}"))
        .collect();
    diagnostics.warning_at(
        side_path(this),
        format!("Account {account} is abandoned"),
        format!("The provider's `account` block says that it is gone, so these parts leave the state without a call:\n\n{}", parts.join("\n")),
    );
}

/// Whether a component is on a side; the role is on the source's.
fn is_part(component: &str, this: &Side) -> bool {
    let side = this.to_string();
    let of_side = component
        .strip_prefix(&side)
        .is_some_and(|rest| rest.starts_with('/'));
    let is_role = component == "role" || component.starts_with("role/");
    of_side || (is_role && *this == Side::Source)
}

fn is_abandoned(side: &SideModel, settings: &Settings) -> bool {
    let account = side.account_id.known();
    account.is_some_and(|id| contains(settings, id))
}

/// The abandoned account that a side names, or whose role it would assume.
fn leads_to_abandoned(side: &SideModel, settings: &Settings) -> Option<String> {
    let way = way_in(side, settings);
    let last = way.assume_role.last();
    let of_role = last.and_then(|role| Arn::parse_role(&role.role_arn).ok());
    let accounts = [
        side.account_id.known().cloned(),
        of_role.map(|arn| arn.account),
    ];
    let mut accounts = accounts.into_iter().flatten();
    accounts.find(|id| contains(settings, id))
}

fn contains(settings: &Settings, id: &str) -> bool {
    AccountId::parse(id).is_ok_and(|id| settings.abandoned.contains(&id))
}
