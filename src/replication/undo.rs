//! Undoing a create that failed: the steps that take away what its own calls made, last first.
//!
//! Nothing is written back from memory: a document loses our statements by Sid, a bucket its configuration.
//! A bucket that holds an object refuses to go, and then everything that depends on its going stays too.

use std::collections::BTreeMap;

use super::component::{ComponentId, Part, Side};
use super::graph::{Action, Condition, PolicyEdit, Step, StepGraph, StepId};
use super::operation::{Input, Operation, Output, Query};

/// Shortest time that KMS lets pass before a key ends; a key that nothing ever used needs no longer one.
const UNDO_WINDOW_DAYS: i32 = 7;

/// The steps that undo what `done` did.
pub fn undo(graph: &StepGraph, done: &BTreeMap<StepId, Output>) -> StepGraph {
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
    let mut gone: BTreeMap<Side, StepId> = BTreeMap::new();
    for (_, step) in finished() {
        let (Action::Call(Operation::CreateBucket { bucket, .. }), ComponentId::Of(side, _)) =
            (&step.action, &step.component)
        else {
            continue;
        };
        let deleted = call(
            &mut back,
            step,
            Operation::DeleteBucket {
                bucket: bucket.clone(),
            },
            &quiet,
        );
        let query = Query::HeadBucket {
            bucket: bucket.clone(),
        };
        gone.insert(side.clone(), await_gone(&mut back, step, query, deleted));
    }
    for (id, step) in finished() {
        let after: Vec<StepId> = match &step.component {
            ComponentId::Of(side, Part::Key | Part::Alias) => {
                gone.get(side).copied().into_iter().collect()
            }
            _ => quiet.clone(),
        };
        match &step.action {
            Action::Call(Operation::CreateKey { .. }) => {
                if let Some(Output::Text(arn)) = done.get(&id) {
                    let operation = Operation::ScheduleKeyDeletion {
                        key: Input::Known(arn.clone()),
                        window_days: UNDO_WINDOW_DAYS,
                    };
                    call(&mut back, step, operation, &after);
                }
            }
            Action::Call(Operation::CreateAlias { alias, .. }) => {
                let operation = Operation::DeleteAlias {
                    alias: alias.clone(),
                };
                call(&mut back, step, operation, &after);
            }
            Action::EditBucketPolicy { bucket, edit } if !edit.fresh => {
                let action = Action::EditBucketPolicy {
                    bucket: bucket.clone(),
                    edit: without_statements(edit),
                };
                back.push(
                    step.component.clone(),
                    step.at.clone(),
                    action,
                    quiet.clone(),
                );
            }
            Action::EditKeyPolicy { key, edit } => {
                let action = Action::EditKeyPolicy {
                    key: key.clone(),
                    edit: without_statements(edit),
                };
                back.push(
                    step.component.clone(),
                    step.at.clone(),
                    action,
                    quiet.clone(),
                );
            }
            _ => {}
        }
    }
    undo_role(
        &mut back,
        &finished().map(|(_, step)| step).collect::<Vec<_>>(),
        &quiet,
    );
    back
}

fn undo_role(back: &mut StepGraph, finished: &[&Step], quiet: &[StepId]) {
    let mut emptied = quiet.to_vec();
    for step in finished {
        if let Action::Call(Operation::PutRolePolicy { role, policy, .. }) = &step.action {
            let operation = Operation::DeleteRolePolicy {
                role: role.clone(),
                policy: policy.clone(),
            };
            emptied.push(call(back, step, operation, quiet));
        }
    }
    for step in finished {
        if let Action::Call(Operation::CreateRole { role, .. }) = &step.action {
            let operation = Operation::DeleteRole { role: role.clone() };
            call(back, step, operation, &emptied);
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
        statements: Vec::new(),
        fresh: false,
        ..edit.clone()
    }
}
