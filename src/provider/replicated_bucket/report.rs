//! Errors for people: what was tried, where, on what, what AWS said, what is there already, what to do next.

use super::expand::side_path;
use crate::execution::cloud::{CallError, CallErrorKind};
use crate::execution::executor::Outcome;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::AttributePath;
use crate::provider::settings::EnterError;
use crate::replication::component::{ComponentId, Side};
use crate::replication::graph::StepGraph;
use crate::replication::ownership::{Claim, Refusal};
use crate::replication::spec::Spec;

/// The path at which a component is configured.
pub(super) fn component_path(component: &ComponentId) -> AttributePath {
    match component {
        ComponentId::Of(side, _) => side_path(side),
        ComponentId::Role | ComponentId::RolePolicy => AttributePath::root("role"),
    }
}

/// A location that could not be entered.
pub(super) fn enter_error(side: &Side, error: &EnterError, diagnostics: &mut Diagnostics) {
    let path = side_path(side);
    match error {
        EnterError::Guard(text) => {
            diagnostics.error_at(path, "The account is not allowed", text.clone());
        }
        EnterError::Call(error) => {
            let role = error.call.contains("AssumeRole");
            let summary = match (error.kind, role) {
                (_, true) => "Cannot assume the role",
                (CallErrorKind::Credentials, _) => "No valid credentials",
                _ => "Cannot reach AWS",
            };
            diagnostics.error_at(
                path,
                summary,
                format!("For {side}: {error}.\n\n{}", enter_hint(error, role)),
            );
        }
    }
}

fn enter_hint(error: &CallError, role: bool) -> &'static str {
    match error.kind {
        CallErrorKind::AccessDenied if role => {
            "The role's trust policy must allow the caller (and its external ID, if it asks for one), and the caller needs sts:AssumeRole on it. Nothing was changed."
        }
        CallErrorKind::Credentials => {
            "Credentials come from the provider block (access_key, profile), from AWS_* variables, or from the shared configuration files; check that they are there and not expired. Nothing was changed."
        }
        CallErrorKind::Transport | CallErrorKind::Ambiguous => {
            "Check the network, the region and, where one is configured, the endpoint. Nothing was changed."
        }
        _ => "Nothing was changed.",
    }
}

/// A read that failed.
pub(super) fn read_errors(errors: &[CallError], diagnostics: &mut Diagnostics) {
    for error in errors {
        diagnostics.error(
            format!("Cannot read {}", error.subject),
            format!(
                "{error}.\n\nWhat cannot be read is not taken for absent, so nothing is planned or changed on it. {}",
                hint(error)
            ),
        );
    }
}

/// A run that did not end well: each step that failed, and what was done before.
pub(super) fn run_errors(
    graph: &StepGraph,
    outcome: &Outcome,
    done: &str,
    diagnostics: &mut Diagnostics,
) {
    for (id, error) in &outcome.failed {
        let Some(step) = graph.step(*id) else {
            continue;
        };
        diagnostics.error_at(
            component_path(&step.component),
            format!("{} failed for {}", error.call, step.component),
            format!("{error}.\n\n{} {done}", hint(error)),
        );
    }
    if outcome.stopped && outcome.failed.is_empty() {
        diagnostics.error(
            "Stopped",
            format!(
                "Terraform asked to stop after {} of {} steps. {done}",
                outcome.done.len(),
                graph.len()
            ),
        );
    }
}

/// What to do about a failed call.
fn hint(error: &CallError) -> String {
    match error.kind {
        CallErrorKind::AccessDenied if error.call == "s3:PutBucketReplication" => {
            "The caller needs s3:PutReplicationConfiguration on the bucket and iam:PassRole on the replication role.".to_owned()
        }
        CallErrorKind::AccessDenied => format!(
            "Allow {} for the identity that enters this account, or correct the way in.",
            error.call
        ),
        CallErrorKind::AlreadyExists if error.call == "s3:CreateBucket" => {
            "Bucket names are one name space across all accounts: choose another name, or import the bucket if it is yours.".to_owned()
        }
        CallErrorKind::Credentials => {
            "The session has ended or is not valid: renew the credentials and run the same command again.".to_owned()
        }
        CallErrorKind::Throttled | CallErrorKind::Transport | CallErrorKind::Ambiguous => {
            "This may pass: run the same command again.".to_owned()
        }
        CallErrorKind::InvalidState if error.code.as_deref() == Some("BucketNotEmpty") => {
            "The bucket holds objects. Empty it, or set force_destroy on it and apply before the destroy.".to_owned()
        }
        _ => "Correct the cause and run the same command again.".to_owned(),
    }
}

/// Parts that are there already: taken over with a warning, or refused with an error.
pub(super) fn claims(spec: &Spec, claims: &[Claim], diagnostics: &mut Diagnostics) {
    for claim in claims {
        let path = component_path(&claim.component);
        let thing = &claim.thing;
        match &claim.verdict {
            Ok(()) => diagnostics.warning_at(
                path,
                format!("Taking over {thing}"),
                format!(
                    "{} is there already, with the tags of this very resource and from the last 24 hours: an earlier create was interrupted. It is taken over.",
                    capitalised(thing)
                ),
            ),
            Err(refusal) => diagnostics.error_at(
                path,
                format!("{} is there already", capitalised(thing)),
                refusal_detail(spec, claim, refusal),
            ),
        }
    }
}

fn refusal_detail(spec: &Spec, claim: &Claim, refusal: &Refusal) -> String {
    let source = &spec.source;
    let import = format!(
        "terraform import <address> {}/{}@{}",
        source.location.account, source.name, source.location.region
    );
    let thing = &claim.thing;
    match refusal {
        Refusal::Foreign(Some(owner)) => format!(
            "{} belongs to another replicated_bucket: {owner}. Choose another name.",
            capitalised(thing)
        ),
        Refusal::Foreign(None) => match claim.component {
            ComponentId::Role => format!(
                "{} was not made by this provider. Choose another role.name, or use it with role.existing_arn.",
                capitalised(thing)
            ),
            _ => format!(
                "{} was not made by this provider, and it is not taken over. Choose another name, or bring what exists into this state:\n\n  {import}",
                capitalised(thing)
            ),
        },
        Refusal::AnotherPath(arn) => format!(
            "The role of that name is {arn}, and a role's path cannot be changed. Write its path, or choose another role.name."
        ),
        Refusal::Settled => format!(
            "{} carries this resource's own tags and is more than a day old, so another state manages it. If it is to be managed here:\n\n  {import}",
            capitalised(thing)
        ),
        Refusal::HoldsObjects => format!(
            "{} carries this resource's own tags and holds objects, so it is in use. If it is to be managed here:\n\n  {import}",
            capitalised(thing)
        ),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
