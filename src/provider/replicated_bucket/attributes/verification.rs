//! `verification`: what is written, what it comes to, and when a plan proposes to verify.
//!
//! `verified_at` of a destination holds until something changes that could keep objects from crossing. It lives in the
//! state alone, so nothing at AWS makes it drift.

use std::time::Duration;

use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, ToValue};
use crate::framework::value::AttributePath;
use crate::provider::checks::not_empty;
use crate::provider::duration::parse_duration;
use crate::provider::replicated_bucket::model::{BucketModel, SideModel, VerificationModel};
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::replicated_bucket::values::previous::previous_destination;
use crate::provider::replicated_bucket::values::setting::setting;
use crate::replication::canary::{DEFAULT_KEY_PREFIX, NAME_LENGTH, canaries};
use crate::replication::component::Side;
use crate::replication::spec::{Spec, VerificationSpec};

use Attr::{Known, Null, Unknown};

/// How long canaries may take where nobody says so.
pub(crate) const DEFAULT_TIMEOUT: &str = "15m";

/// How long a key of S3 is at the most.
const LONGEST_KEY: usize = 1024;

/// Works the attribute out.
pub(crate) fn effective(written: &Attr<VerificationModel>) -> Attr<VerificationModel> {
    match written {
        Known(written) => Known(VerificationModel {
            enabled: setting(&written.enabled, Null, || Known(true)),
            key_prefix: setting(&written.key_prefix, Null, || {
                Known(DEFAULT_KEY_PREFIX.to_owned())
            }),
            timeout: setting(&written.timeout, Null, || Known(DEFAULT_TIMEOUT.to_owned())),
        }),
        other => other.clone(),
    }
}

/// The domain's form; none where nothing is written. What is not known yet changes nothing about the setup itself.
pub(crate) fn expand(verification: &Attr<VerificationModel>) -> Option<VerificationSpec> {
    let written = effective(verification);
    let written = written.known()?;
    Some(VerificationSpec {
        enabled: *written.enabled.known()?,
        key_prefix: written.key_prefix.known()?.clone(),
        timeout: time(written.timeout.known()?),
    })
}

/// A time that validation has passed; a state that somebody edited by hand may hold anything.
pub(crate) fn time(text: &str) -> Duration {
    let default = || parse_duration(DEFAULT_TIMEOUT).unwrap_or_default();
    parse_duration(text).unwrap_or_else(|_| default())
}

/// Checks what is written.
pub(crate) fn check(config: &BucketModel, diagnostics: &mut Diagnostics) {
    let path = AttributePath::root("verification");
    let Known(verification) = &config.verification else {
        return;
    };
    not_empty(&path, verification, diagnostics);
    if matches!(verification.enabled, Known(false) | Unknown) {
        return;
    }
    for (this, side) in config.sides() {
        if side.is_unreachable() {
            diagnostics.error_at(
                side_path(&this).attribute("reachable"),
                "Canaries could not be removed",
                format!("With `verification` a canary is written for each rule, compared in the destination and deleted there again, and the account of {this} is not entered. Write `enabled = false` into `verification`, or let the account be entered."),
            );
        }
    }
}

/// Checks what needs the setup worked out: the keys of canaries.
pub(crate) fn check_keys(spec: &Spec, diagnostics: &mut Diagnostics) {
    if let Some(verification) = spec.verification.as_ref().filter(|v| v.enabled) {
        let path = AttributePath::root("verification").attribute("key_prefix");
        refuse_long_keys(spec, &verification.key_prefix, &path, diagnostics);
    }
}

/// Refuses what S3 takes for no key; `path` is where the prefix of canaries is written.
pub(crate) fn refuse_long_keys(
    spec: &Spec,
    key_prefix: &str,
    path: &AttributePath,
    diagnostics: &mut Diagnostics,
) {
    for canary in canaries(spec, key_prefix) {
        if canary.prefix.len() + NAME_LENGTH > LONGEST_KEY {
            diagnostics.error_at(
                path.clone(),
                "The keys of canaries would be too long",
                format!("The key of a canary is the prefix of its rule, `key_prefix` and {NAME_LENGTH} characters more, and S3 takes {LONGEST_KEY} bytes. For rule {} that would be {}. Write a shorter prefix. Nothing was changed.", canary.rule, canary.prefix.len() + NAME_LENGTH),
            );
        }
    }
}

/// Plans `verified_at` of every destination: unknown where the apply is to verify, null where it no longer speaks of
/// the setup.
pub(crate) fn plan_moments(model: &mut BucketModel, prior: Option<&BucketModel>) {
    let enabled = match &model.verification {
        Unknown => Unknown,
        Null => Known(false),
        Known(verification) => verification.enabled.clone(),
    };
    let changed = prior.is_none_or(|prior| essence(prior) != essence(model));
    let open = changed && !essence(model).to_known().is_wholly_known();
    for (this, side) in model.sides_mut() {
        if this == Side::Source {
            continue;
        }
        let before = prior.map_or(Null, |prior| previous_destination(prior, side));
        let before = match before {
            Known(before) => before.verified_at.clone(),
            Unknown => Unknown,
            Null => Null,
        };
        side.verified_at = match (&enabled, replicates(side)) {
            (_, Known(false)) => Null,
            (Known(true), Known(_)) if changed || before.is_null() => Unknown,
            (Unknown, _) | (_, Unknown) if changed || before.is_null() => Unknown,
            (Known(false), _) if before.is_null() => Null,
            (Known(false), _) if changed && open => Unknown,
            (Known(false), _) if changed => Null,
            _ => before,
        };
    }
}

/// Whether a destination has a rule that is not paused, neither itself nor by the destination.
fn replicates(side: &SideModel) -> Attr<bool> {
    if side.enabled == Known(false) {
        return Known(false);
    }
    let Some(rules) = side.stated_rules() else {
        return Unknown;
    };
    let mut all = Known(false);
    for rule in rules.values() {
        match rule.known().map(|rule| &rule.enabled) {
            Some(Known(true)) if !side.enabled.is_unknown() => return Known(true),
            Some(Known(false) | Null) => {}
            Some(Known(true) | Unknown) | None => all = Unknown,
        }
    }
    all
}

/// The model without what cannot keep objects from crossing.
fn essence(model: &BucketModel) -> BucketModel {
    let mut model = model.clone();
    (model.tags, model.tags_all, model.timeouts) = (Null, Null, Null);
    (model.verification, model.import_id) = (Null, Null);
    if let Known(components) = &mut model.components {
        components.retain(|name, _| !name.ends_with("/alias"));
    }
    for (_, role) in model.roles_mut() {
        (role.description, role.tags, role.tags_all) = (Null, Null, Null);
    }
    for (_, side) in model.sides_mut() {
        (side.profile, side.assume_role, side.verified_at) = (Null, Null, Null);
        (side.force_destroy, side.retain_on_destroy) = (Null, Null);
        (side.tags, side.tags_all) = (Null, Null);
        (side.lifecycle_rules, side.public_access_block) = (Null, Null);
        side.lifecycle_transition_default_minimum_object_size = Null;
        if let Known(encryption) = &mut side.encryption
            && let Known(key) = &mut encryption.key
        {
            (key.alias, key.description) = (Null, Null);
            (key.deletion_window_in_days, key.rotation_period_in_days) = (Null, Null);
            (key.enable_key_rotation, key.tags, key.tags_all) = (Null, Null, Null);
        }
    }
    model
}
