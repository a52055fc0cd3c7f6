//! Errors for people: what was tried, where, on what, what AWS said, what is there already, what to do next.

use super::model::{BucketModel, SideModel};
use super::paths::component_path;
use super::values::computed::import_id;
use crate::execution::cloud::{CallError, CallErrorKind};
use crate::execution::executor::Outcome;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::AttributePath;
use crate::provider::replicated_bucket::paths::{role_path, side_path};
use crate::provider::settings::EnterError;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::graph::{Action, StepGraph, StepId};
use crate::replication::ids::BucketName;
use crate::replication::names::{COMPONENT_TAG, OWNER_TAG};
use crate::replication::operation::{Operation, Output};
use crate::replication::ownership::{Claim, Refusal};
use crate::replication::spec::Spec;

/// The call of which most ways into an account consist.
const ASSUME_ROLE: &str = "sts:AssumeRole";

/// A location that could not be entered, at the attribute that tells the way in.
pub(crate) fn enter_error(
    this: &Side,
    side: &SideModel,
    error: &EnterError,
    diagnostics: &mut Diagnostics,
) {
    let path = side_path(this);
    let error = match error {
        EnterError::Guard(text) => {
            diagnostics.error_at(path, "The account is not allowed", text.clone());
            return;
        }
        EnterError::Untold => {
            diagnostics.error_at(
                path.attribute("account_id"),
                "The account is not told",
                format!("The provider's skip_requesting_account_id is set, so AWS is not asked whose its credentials are. Write the `account_id` of {this}, or take the argument off."),
            );
            return;
        }
        EnterError::Call(error) => error,
    };
    let path = if !side.assume_role.is_null() && error.call == ASSUME_ROLE {
        path.attribute("assume_role").attribute("role_arn")
    } else if !side.profile.is_null() {
        path.attribute("profile")
    } else {
        path
    };
    diagnostics.error_at(
        path,
        entering(error),
        format!(
            "The account of {this} cannot be entered. {}.\n\n{} Nothing was changed.",
            told(error),
            hint(error)
        ),
    );
}

/// The provider's own credentials that do not work, at what of its block tells them.
pub(in crate::provider) fn own_credentials(
    path: AttributePath,
    error: &CallError,
    diagnostics: &mut Diagnostics,
) {
    diagnostics.error_at(
        path,
        entering(error),
        format!(
            "The provider's own credentials do not work. {}.\n\n{}",
            told(error),
            hint(error)
        ),
    );
}

/// What could not be done, of an error on the way into an account.
fn entering(error: &CallError) -> &'static str {
    match error.kind {
        _ if error.call == ASSUME_ROLE => "Cannot assume the role",
        CallErrorKind::Credentials => "No valid credentials",
        _ => "Cannot reach AWS",
    }
}

/// An error in a sentence without its full stop. Where no call was made at all there is no place to tell.
fn told(error: &CallError) -> String {
    if error.call == "credentials" {
        format!("{}: {}", capitalised(&error.subject), error.message)
    } else {
        error.to_string()
    }
}

/// A read that failed.
pub(crate) fn read_errors(errors: &[CallError], diagnostics: &mut Diagnostics) {
    for error in errors {
        let summary = match error.kind {
            CallErrorKind::Credentials => entering(error).to_owned(),
            _ => format!("Cannot read {}", error.subject),
        };
        diagnostics.error(
            summary,
            format!(
                "{}.\n\nWhat cannot be read is not taken for absent, so nothing is planned or changed on it. {}",
                told(error),
                hint(error)
            ),
        );
    }
}

/// A call of a verification that failed. `of` names the rule and its way.
pub(crate) fn verification_error(
    path: AttributePath,
    of: &str,
    error: &CallError,
    done: &str,
    diagnostics: &mut Diagnostics,
) {
    diagnostics.error_at(
        path,
        "A canary could not be followed",
        format!("{of}: {}.\n\n{} {done}", told(error), hint(error)),
    );
}

/// A run that did not end well: each step that failed, and what was done before.
pub(crate) fn run_errors(
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
            format!("{}.\n\n{} {done}", told(error), hint(error)),
        );
    }
    if let Some(time) = &outcome.out_of_time {
        out_of_time(graph, outcome, time, done, diagnostics);
    } else if outcome.stopped && outcome.failed.is_empty() {
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

/// What a create that was undone leaves, after a failure: nothing but what it had taken over.
pub(crate) fn undone(taken_over: &[String]) -> String {
    if taken_over.is_empty() {
        return "What this apply had made was taken away again; nothing is left.".to_owned();
    }
    let parts: Vec<String> = taken_over
        .iter()
        .map(|thing| format!("  {thing}"))
        .collect();
    format!(
        "What this apply had made was taken away again. What it had found and taken over stays, and is in no state:\n\n{}\n\nThe same configuration, applied again, takes it over once more: what an earlier create left for 24 hours from when it was made, what a destroy retained at any time. Otherwise import it, or delete it.",
        parts.join("\n")
    )
}

/// A bucket that is there, and not where it should be.
pub(crate) fn another_region(
    path: AttributePath,
    bucket: &str,
    region: &str,
    diagnostics: &mut Diagnostics,
) {
    diagnostics.error_at(
        path,
        format!("Bucket {bucket} is in another region"),
        format!("{bucket} is there already, in region {region}. Write that region, or another name. Nothing was changed."),
    );
}

/// A name that may not be looked at.
pub(crate) fn name_taken(path: AttributePath, error: &CallError, diagnostics: &mut Diagnostics) {
    diagnostics.error_at(
        path,
        format!("Bucket {} cannot be looked at", error.subject),
        format!("{error}.\n\nEither the name belongs to another account (bucket names are one name space for all of AWS): choose another name. Or the identity that enters this account lacks s3:ListBucket on it. Nothing was changed."),
    );
}

/// Keys that an undo leaves: the bucket was there before, and objects may be under its new key by now.
pub(crate) fn keys_kept(
    owner: &str,
    graph: &StepGraph,
    outcome: &Outcome,
    back: &StepGraph,
    diagnostics: &mut Diagnostics,
) {
    let goes = |arn: &String| {
        back.steps().any(|(_, step)| {
            matches!(&step.action, Action::Call(Operation::ScheduleKeyDeletion { key, .. }) if key.known() == Some(arn))
        })
    };
    for (id, output) in &outcome.done {
        if let Some(step) = graph.step(*id)
            && matches!(step.action, Action::Call(Operation::CreateKey { .. }))
            && let Output::Text(arn) = output
            && !goes(arn)
        {
            diagnostics.warning_at(
                component_path(&step.component),
                format!("Key {arn} stays"),
                format!("The bucket was there before and stays, and objects in it may be under this new key by now. The key is in no state; its tags are {OWNER_TAG} = {owner} and {COMPONENT_TAG} = {}. The same configuration, applied again within 24 hours, finds it by them and takes it over. After that use it by encryption.kms_key_arn, or delete it if no object is under it.", step.component),
            );
        }
    }
}

/// A run that `timeouts` ended: what it was waiting for, and what it did not come to.
fn out_of_time(
    graph: &StepGraph,
    outcome: &Outcome,
    time: &str,
    done: &str,
    diagnostics: &mut Diagnostics,
) {
    let component = |id: &StepId| graph.step(*id).map(|step| step.component.to_string());
    let waiting = outcome.waiting.iter();
    let waiting = waiting.filter_map(|(id, error)| Some(format!("  {}: {error}", component(id)?)));
    let ended = |id: &StepId| {
        let among = |steps: &[(StepId, CallError)]| steps.iter().any(|(step, _)| step == id);
        outcome.done.contains_key(id) || among(&outcome.failed) || among(&outcome.waiting)
    };
    let mut not_begun: Vec<String> = graph
        .steps()
        .filter(|(id, _)| !ended(id))
        .filter_map(|(id, _)| Some(format!("  {}: not begun", component(&id)?)))
        .collect();
    not_begun.dedup();
    let left: Vec<String> = waiting.chain(not_begun).collect();
    let detail = format!(
        "{} of {} steps were done within {time}. These were not:\n\n{}\n\n{done}",
        outcome.done.len(),
        graph.len(),
        left.join("\n")
    );
    // The time of an undo is not for people to write.
    if time.contains(TIMEOUTS) {
        diagnostics.error_at(
            AttributePath::root(TIMEOUTS),
            "Out of time",
            format!("{detail} If AWS needs longer, write a longer time into timeouts."),
        );
    } else {
        diagnostics.error("Out of time", detail);
    }
}

/// The attribute that says how long operations may take.
const TIMEOUTS: &str = "timeouts";

/// What to do about a failed call.
fn hint(error: &CallError) -> String {
    match error.kind {
        CallErrorKind::Credentials if error.call == ASSUME_ROLE && !is_expired(error) => {
            "The role must exist (AWS answers the same where it does not), its trust policy must allow this caller, with exactly the external ID that it asks for, and the caller's own policies must allow sts:AssumeRole on it.".to_owned()
        }
        CallErrorKind::Credentials if error.call == "credentials" => {
            "Credentials come from the provider block (access_key and secret_key, or profile), from AWS_* variables, or from the shared configuration files. Check that the ones meant are there; `aws sts get-caller-identity` shows whether they work.".to_owned()
        }
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
            "AWS does not accept the credentials: they are wrong, or their session has ended. Renew them and run the same command again.".to_owned()
        }
        CallErrorKind::TimedOut => {
            "If AWS needs longer, write a longer time into timeouts. Otherwise run the same command again.".to_owned()
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

/// Whether AWS refused the caller's own session, and not the role that it asked for.
fn is_expired(error: &CallError) -> bool {
    error
        .code
        .as_deref()
        .is_some_and(|code| code != "AccessDenied")
}

/// Parts that are there already: taken over with a warning, or refused with an error.
pub(crate) fn claims(
    model: &BucketModel,
    spec: &Spec,
    claims: &[Claim],
    diagnostics: &mut Diagnostics,
) {
    for claim in claims {
        let path = match &claim.component {
            ComponentId::Of(side, Part::Bucket) => side_path(side).attribute("bucket"),
            ComponentId::Of(side, Part::Replication) => side_path(side).attribute("two_way"),
            other => component_path(other),
        };
        let thing = &claim.thing;
        match &claim.verdict {
            Ok(()) => diagnostics.warning_at(
                path,
                format!("Taking over {thing}"),
                format!(
                    "{} is there already, with the tags of this very resource: an earlier create was interrupted, or a destroy retained it. It is taken over. If another state or workspace has it, do not apply: two of them would go on changing one archive, and a destroy of either would delete it.",
                    capitalised(thing)
                ),
            ),
            Err(refusal) => diagnostics.error_at(
                path,
                format!("{} is there already", capitalised(thing)),
                refusal_detail(&import_id(model, spec), claim, refusal),
            ),
        }
    }
}

/// Refuses parts of the state under whose names another resource made its own.
pub(crate) fn taken_away(
    spec: &Spec,
    taken: &[(ComponentId, String)],
    diagnostics: &mut Diagnostics,
) {
    for (path, summary, detail) in told_of_taken_away(spec, taken) {
        let detail = format!("{detail} Nothing was changed.");
        diagnostics.error_at(path, summary, detail);
    }
}

/// Tells a refresh of them: an apply that changes anything will refuse them.
pub(crate) fn warn_of_taken_away(
    spec: &Spec,
    taken: &[(ComponentId, String)],
    diagnostics: &mut Diagnostics,
) {
    for (path, summary, detail) in told_of_taken_away(spec, taken) {
        let detail = format!("{detail} Until then no apply changes anything.");
        diagnostics.warning_at(path, summary, detail);
    }
}

fn told_of_taken_away(
    spec: &Spec,
    taken: &[(ComponentId, String)],
) -> impl Iterator<Item = (AttributePath, String, String)> {
    taken.iter().map(|(component, owner)| {
        let (path, thing) = match component {
            ComponentId::Role(side) => {
                let direction = spec.direction(side);
                let name = direction.map(|d| d.role.name.clone()).unwrap_or_default();
                (component_path(component), format!("Role {name}"))
            }
            other => {
                let side = other.side();
                let name = spec.bucket(side).map(|bucket| bucket.name.to_string());
                let thing = format!("Bucket {}", name.unwrap_or_default());
                (side_path(side).attribute("bucket"), thing)
            }
        };
        (
            path,
            format!("{thing} belongs to another replicated_bucket now"),
            format!("Its tag {OWNER_TAG} names {owner}: what the state has was deleted, and another one made under its name. It is neither changed nor deleted from here. If it is this resource's after all, delete that tag; if not, choose another name here."),
        )
    })
}

/// A resource that is to be made, and has its source in the state.
pub(crate) fn in_state(bucket: &BucketName, diagnostics: &mut Diagnostics) {
    diagnostics.error_at(
        side_path(&Side::Source).attribute("bucket"),
        format!("Bucket {bucket} is in the state already"),
        format!("This plan would make the resource, and the state has one with the source {bucket}.\n\nIf it is tainted, by `terraform taint` or by a provisioner that failed, run `terraform untaint ADDRESS`: an archive is not deleted for that. To delete and make it anew, plan with `-replace=ADDRESS` afterwards.\n\nIf its block has another name now, write a `moved` block.\n\nIf two blocks have this source, write the destinations of both into one.\n\nNothing was changed."),
    );
}

/// A second create of one run with the same source.
pub(crate) fn two_blocks(bucket: &BucketName, diagnostics: &mut Diagnostics) {
    diagnostics.error_at(
        side_path(&Side::Source).attribute("bucket"),
        format!("Two blocks have the source {bucket}"),
        format!("Another block of this run makes the source {bucket} already, and a source belongs to one block: each would go on changing what the other one wrote, and a destroy of either would delete it. Write the destinations of both into one block, and delete the other. This block has made nothing."),
    );
}

/// Terraform tells no provider of `create_before_destroy`.
const NOT_FIRST: &str = "In a replacement with create_before_destroy it is what is to be replaced, and there cannot be two of a name: take create_before_destroy out of the `lifecycle` block, or write `bucket_prefix` in the place of `bucket`.";

fn refusal_detail(import_id: &str, claim: &Claim, refusal: &Refusal) -> String {
    let import = format!("terraform import replicated_bucket.NAME {import_id}");
    let thing = capitalised(&claim.thing);
    match refusal {
        Refusal::Foreign(owner) => {
            let whose = match owner {
                Some(owner) => format!("belongs to another replicated_bucket, {owner}"),
                None => "was not made by this provider".to_owned(),
            };
            let way_out = match &claim.component {
                ComponentId::ManagedPolicy(side, _) => {
                    format!("Choose another {}.name: the policies of this resource are named after its role.", role_path(side))
                }
                ComponentId::Role(side) => {
                    let role = role_path(side);
                    format!("Choose another {role}.name, or use this role with {role}.existing_arn.")
                }
                ComponentId::Of(_, Part::Key | Part::Alias) => {
                    "Choose another encryption.key.alias, or use this key with encryption.kms_key_arn.".to_owned()
                }
                _ => "Choose another name.".to_owned(),
            };
            format!(
                "{thing} {whose}, so it is not taken over. {way_out} If the source bucket with what belongs to it is to be managed here, import it:\n\n  {import}\n\nNothing was changed."
            )
        }
        Refusal::AnotherPath(arn) => format!(
            "The role of that name is {arn}, and a role's path cannot be changed. Write its path, or choose another name. Nothing was changed."
        ),
        Refusal::Replicates(role) => format!(
            "The bucket has replication rules already, which use the role {role}, and a bucket has only one role for all of its rules. Take its replication configuration away, or leave two_way out. Nothing was changed."
        ),
        Refusal::Settled => format!(
            "{thing} carries this resource's own tags and is more than a day old, so another state manages it. {NOT_FIRST} If it is to be managed here, import it:\n\n  {import}\n\nNothing was changed."
        ),
        Refusal::HoldsObjects => format!(
            "{thing} carries this resource's own tags and holds objects, so it is in use. {NOT_FIRST} If it is to be managed here, import it:\n\n  {import}\n\nNothing was changed."
        ),
    }
}

pub(crate) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
