//! Undoing a create that failed: the steps that take away what its own calls made, last first.
//!
//! Nothing is written back from memory: a document loses our statements by Sid, a configuration our rules by ID.
//! Only a default encryption has no parts that could be told apart; of somebody else's bucket it is put back.
//! A bucket that holds an object, other than a canary, refuses to go, and then everything that depends on its going stays too.

use std::collections::{BTreeMap, BTreeSet};

use super::component::{ComponentId, Part, Side};
use super::diff::takes_mark_off;
use super::graph::{Action, Condition, PolicyEdit, Step, StepGraph, StepId};
use super::names::{OWNER_TAG, retained_tags};
use super::operation::{BucketEncryption, Input, ManagedPolicyOperation, Operation, Output, Query};
use super::policy::PolicyShare;

/// Shortest time that KMS lets pass before a key ends; a key that nothing ever used needs no longer one.
const UNDO_WINDOW_DAYS: i32 = 7;

/// What an undo puts back, by the side of a bucket of somebody else's: its default encryption as it was seen.
pub type Before = BTreeMap<Side, BucketEncryption>;

/// The steps that undo what `done` did for this owner; of a step that creates nothing it does not matter whether it did
/// it. The bucket stays whose key is `lost`, one that may have been made and was not found: by its bucket the key is
/// found again.
pub fn undo(
    owner: &str,
    graph: &StepGraph,
    done: &BTreeMap<StepId, Output>,
    lost: &BTreeSet<StepId>,
    before: &Before,
) -> StepGraph {
    let finished = || graph.steps().filter(|(id, _)| done.contains_key(id));
    let mut back = StepGraph::default();
    let mut quiet = Vec::new();
    for (_, step) in finished() {
        if let Action::Call(Operation::PutBucketReplication { bucket, .. }) = &step.action {
            let deleted = call(
                &mut back,
                step,
                Operation::DeleteBucketReplication {
                    bucket: bucket.clone(),
                },
                &[],
            );
            quiet.push(await_gone(
                &mut back,
                step,
                Query::GetBucketReplication {
                    bucket: bucket.clone(),
                },
                deleted,
            ));
        }
    }
    for (_, step) in finished() {
        if let Action::EditBucketReplication { bucket, share } = &step.action {
            let action = Action::EditBucketReplication {
                bucket: bucket.clone(),
                share: share.withdrawn(),
            };
            let (component, at) = (step.component.clone(), step.at.clone());
            quiet.push(back.push(component, at, action, []));
        }
    }
    put_back_encryption(&mut back, graph, done, before, &quiet);
    let mut gone = never_used(graph, done, before, &quiet);
    for (_, step) in finished() {
        let (Action::Call(Operation::CreateBucket { bucket, tags, .. }), ComponentId::Of(side, _)) =
            (&step.action, &step.component)
        else {
            continue;
        };
        let key = graph.maker_of(&ComponentId::Of(side.clone(), Part::Key));
        if key.is_some_and(|key| lost.contains(&key)) {
            continue;
        }
        let delete = Action::DeleteBucket {
            bucket: bucket.clone(),
            owner: tags.get(OWNER_TAG).cloned().unwrap_or_default(),
        };
        let (component, at) = (step.component.clone(), step.at.clone());
        let deleted = back.push(component, at, delete, quiet.iter().copied());
        let query = Query::HeadBucket {
            bucket: bucket.clone(),
        };
        let shown = await_gone(&mut back, step, query, deleted);
        gone.insert(side.clone(), vec![shown]);
    }
    let mut scheduled: BTreeMap<Side, StepId> = BTreeMap::new();
    for (id, step) in finished() {
        if let Action::Call(Operation::CreateKey { .. }) = &step.action
            && let ComponentId::Of(side, _) = &step.component
            && let Some(Output::Text(arn)) = done.get(&id)
            // A bucket that was there before keeps its new key: the next create takes both over.
            && let Some(gone) = gone.get(side)
        {
            let operation = Operation::ScheduleKeyDeletion {
                key: Input::Known(arn.clone()),
                window_days: UNDO_WINDOW_DAYS,
            };
            scheduled.insert(side.clone(), call(&mut back, step, operation, gone));
        }
    }
    for (_, step) in finished() {
        if let Action::Call(Operation::CreateAlias { alias, .. }) = &step.action
            && let ComponentId::Of(side, _) = &step.component
            && let Some(gone) = gone.get(side)
        {
            let operation = Operation::DeleteAlias {
                alias: alias.clone(),
            };
            // Last of all: by its alias the next create finds the key of an undo that was killed.
            let after: Vec<StepId> = scheduled
                .get(side)
                .into_iter()
                .chain(gone)
                .copied()
                .collect();
            call(&mut back, step, operation, &after);
        }
    }
    for (_, step) in finished() {
        let action = match &step.action {
            // What was made in this run goes as a whole.
            Action::EditBucketPolicy { bucket, edit } if !edit.fresh => Action::EditBucketPolicy {
                bucket: bucket.clone(),
                edit: without_statements(edit),
            },
            Action::EditKeyPolicy { key, edit } => Action::EditKeyPolicy {
                key: key.clone(),
                edit: without_statements(edit),
            },
            // A key that was taken over keeps the rest of the policy that it got.
            Action::Call(Operation::PutKeyPolicy { key, .. }) => Action::EditKeyPolicy {
                key: key.clone(),
                edit: PolicyEdit {
                    share: PolicyShare::nothing_of(owner),
                    fresh: false,
                    rewrite: false,
                },
            },
            _ => continue,
        };
        let (component, at) = (step.component.clone(), step.at.clone());
        back.push(component, at, action, quiet.clone());
    }
    undo_roles(&mut back, graph, done, &quiet);
    put_back_marks(&mut back, graph, done);
    back
}

/// What a destroy had retained is marked again, so that the next create takes it back. It comes last: what cannot be
/// undone stays in the state, and is no longer what a destroy has let go of.
fn put_back_marks(back: &mut StepGraph, graph: &StepGraph, done: &BTreeMap<StepId, Output>) {
    let undone: Vec<StepId> = back.steps().map(|(id, _)| id).collect();
    for (_, step) in graph.steps().filter(|(id, _)| done.contains_key(id)) {
        if !takes_mark_off(&step.action) {
            continue;
        }
        let action = match &step.action {
            Action::EditBucketTags { bucket, change } => {
                let Some(change) = change.then_with(retained_tags()) else {
                    continue;
                };
                let bucket = bucket.clone();
                Action::EditBucketTags { bucket, change }
            }
            Action::Call(Operation::UntagKey { key, .. }) => Action::Call(Operation::TagKey {
                key: key.clone(),
                tags: retained_tags(),
            }),
            _ => continue,
        };
        let (component, at) = (step.component.clone(), step.at.clone());
        back.push(component, at, action, undone.clone());
    }
}

/// Sides whose bucket is somebody else's and under whose new key no object can be: neither rules nor a default
/// encryption named it. Their key goes after `quiet`.
fn never_used(
    graph: &StepGraph,
    done: &BTreeMap<StepId, Output>,
    before: &Before,
    quiet: &[StepId],
) -> BTreeMap<Side, Vec<StepId>> {
    if !quiet.is_empty() {
        return BTreeMap::new();
    }
    let encrypts = |side: &&Side| {
        let finished = graph.steps().filter(|(id, _)| done.contains_key(id));
        let mut steps = finished.map(|(_, step)| step);
        steps.any(|step| {
            let call = &step.action;
            step.component.side() == *side
                && matches!(call, Action::Call(Operation::PutBucketEncryption { .. }))
        })
    };
    before
        .keys()
        .filter(|side| !encrypts(side))
        .map(|side| (side.clone(), Vec::new()))
        .collect()
}

/// Somebody else's bucket gets its own default encryption back. Of a bucket that goes nobody needs it.
fn put_back_encryption(
    back: &mut StepGraph,
    graph: &StepGraph,
    done: &BTreeMap<StepId, Output>,
    before: &Before,
    quiet: &[StepId],
) {
    for (_, step) in graph.steps().filter(|(id, _)| done.contains_key(id)) {
        if let Action::Call(Operation::PutBucketEncryption { bucket, .. }) = &step.action
            && let Some(encryption) = before.get(step.component.side())
        {
            let operation = Operation::PutBucketEncryption {
                bucket: bucket.clone(),
                encryption: encryption.clone(),
            };
            call(back, step, operation, quiet);
        }
    }
}

fn undo_roles(
    back: &mut StepGraph,
    graph: &StepGraph,
    done: &BTreeMap<StepId, Output>,
    quiet: &[StepId],
) {
    let made = |component: &ComponentId| {
        let maker = graph.maker_of(&ComponentId::Role(component.side().clone()));
        maker.is_some_and(|maker| done.contains_key(&maker))
    };
    let mut emptied: BTreeMap<Side, Vec<StepId>> = BTreeMap::new();
    for (id, step) in graph.steps() {
        if let Action::Call(Operation::PutRolePolicy { role, policy, .. }) = &step.action
            // In a role of ours a policy may stand although its step failed; it would keep the role.
            && (done.contains_key(&id) || made(&step.component))
        {
            let operation = Operation::DeleteRolePolicy {
                role: role.clone(),
                policy: policy.clone(),
            };
            let deleted = call(back, step, operation, quiet);
            let side = step.component.side().clone();
            emptied.entry(side).or_default().push(deleted);
        }
    }
    for (id, step) in graph.steps() {
        let Action::Call(Operation::ManagedPolicy(operation)) = &step.action else {
            continue;
        };
        let ManagedPolicyOperation::Create { policy_arn, .. } = operation else {
            continue;
        };
        let attached = |policy_arn: &str| {
            graph.steps().find_map(|(_, step)| match &step.action {
                Action::Call(Operation::ManagedPolicy(ManagedPolicyOperation::Attach {
                    role,
                    policy_arn: attached,
                })) if attached == policy_arn => Some(role.clone()),
                _ => None,
            })
        };
        if done.contains_key(&id)
            && let Some(role) = attached(policy_arn)
        {
            // Attached or not: what is not there is done.
            let policy_arn = policy_arn.clone();
            let detach = Operation::DetachRolePolicy {
                role,
                policy_arn: policy_arn.clone(),
            };
            let detached = call(back, step, detach, quiet);
            let delete = Operation::ManagedPolicy(ManagedPolicyOperation::Delete { policy_arn });
            let deleted = call(back, step, delete, &[detached]);
            let side = step.component.side().clone();
            emptied.entry(side).or_default().push(deleted);
        }
    }
    for (id, step) in graph.steps() {
        if let Action::Call(Operation::CreateRole { role, .. }) = &step.action
            && done.contains_key(&id)
        {
            let emptied = emptied.get(step.component.side());
            let after: Vec<StepId> = quiet
                .iter()
                .chain(emptied.into_iter().flatten())
                .copied()
                .collect();
            let operation = Operation::DeleteRole { role: role.clone() };
            call(back, step, operation, &after);
        }
    }
}

fn call(back: &mut StepGraph, step: &Step, operation: Operation, after: &[StepId]) -> StepId {
    back.push(
        step.component.clone(),
        step.at.clone(),
        Action::Call(operation),
        after.iter().copied(),
    )
}

fn await_gone(back: &mut StepGraph, step: &Step, query: Query, after: StepId) -> StepId {
    back.push(
        step.component.clone(),
        step.at.clone(),
        Action::Await {
            query,
            until: Condition::Gone,
        },
        [after],
    )
}

fn without_statements(edit: &PolicyEdit) -> PolicyEdit {
    PolicyEdit {
        share: PolicyShare::nothing_of(&edit.share.owner),
        fresh: false,
        ..edit.clone()
    }
}
