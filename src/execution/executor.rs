//! Runs a [`StepGraph`]: independent steps at once, dependent ones in order.
//!
//! Guarantees: a step starts only after all steps before it have succeeded, and at most once; after the first
//! failure ([`run`]), or when Terraform asks to stop, nothing new starts, and the calls under way end. A step
//! that waits to try again gives up when Terraform asks to stop, and counts as not reached. At the end each edit of a
//! document that others write too is made again where it does not show any more. The executor chooses nothing: it has
//! no idea what a bucket is for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use super::cloud::{CallError, CallErrorKind, Cloud};
use super::locks::DocumentLocks;
use super::retry::Setting;
use super::run::Run;
use crate::replication::component::{ComponentId, Part};
use crate::replication::graph::{Action, Step, StepGraph, StepId};
use crate::replication::operation::{Operation, Output};

/// How many steps run at once. S3 and KMS take far more; IAM throttles above about this.
const CONCURRENCY: usize = 32;

/// How a run ended.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Outcome {
    /// Steps that succeeded, with what they answered. One whose second look failed is among the failed as well.
    pub done: BTreeMap<StepId, Output>,
    /// Steps that failed.
    pub failed: Vec<(StepId, CallError)>,
    /// Those of the failed and the waiting ones that have written something, or may have.
    pub half_done: BTreeSet<StepId>,
    /// Whether Terraform asked to stop, or time was over, before everything was done.
    pub stopped: bool,
    /// Steps that were waiting at that moment, with what they had heard last.
    pub waiting: Vec<(StepId, CallError)>,
    /// The time that was over, in words.
    pub out_of_time: Option<String>,
}

impl Outcome {
    /// Whether every step was done.
    pub fn is_success(&self) -> bool {
        self.failed.is_empty() && !self.stopped
    }

    /// What is to be taken back: every step that was done, and of those half done the ones that made nothing new, which
    /// can be taken back whether they did anything or not.
    pub fn to_take_back(&self, graph: &StepGraph) -> BTreeMap<StepId, Output> {
        let creates = |id: &StepId| graph.step(*id).is_some_and(|step| step.action.creates());
        let half_done = self.half_done.iter().filter(|id| !creates(id));
        let mut steps = self.done.clone();
        steps.extend(half_done.map(|id| (*id, Output::Done)));
        steps
    }

    /// Steps of which nobody can say whether they made something: the answer was lost, and so was the look.
    pub fn may_have_made(&self, graph: &StepGraph) -> BTreeSet<StepId> {
        let lost = self.failed.iter();
        let lost = lost.filter(|(_, error)| error.kind == CallErrorKind::Ambiguous);
        let creates = |id: &StepId| graph.step(*id).is_some_and(|step| step.action.creates());
        lost.map(|(id, _)| *id).filter(creates).collect()
    }
}

/// Runs every step of a graph.
pub async fn run(
    cloud: &dyn Cloud,
    locks: &DocumentLocks,
    stop: &CancellationToken,
    graph: &StepGraph,
) -> Outcome {
    let access = Access {
        cloud,
        locks,
        stop,
        undoes: false,
    };
    drive(access, graph, OnFailure::StartNothing).await
}

/// Runs the steps of an undo or a teardown as far as they go: a step that fails keeps back only those that
/// come after it, so that a bucket that has to stay keeps nothing else behind.
pub async fn run_undo(
    cloud: &dyn Cloud,
    locks: &DocumentLocks,
    stop: &CancellationToken,
    graph: &StepGraph,
) -> Outcome {
    let access = Access {
        cloud,
        locks,
        stop,
        undoes: true,
    };
    drive(access, graph, OnFailure::GoOn).await
}

/// What every run needs.
#[derive(Clone, Copy)]
struct Access<'a> {
    cloud: &'a dyn Cloud,
    locks: &'a DocumentLocks,
    stop: &'a CancellationToken,
    undoes: bool,
}

impl Access<'_> {
    /// Takes one step. Whether it has written anything is told as well, for one that fails half-way.
    async fn take(
        &self,
        step: &Step,
        inputs: &BTreeMap<ComponentId, String>,
        setting: Setting,
    ) -> (Result<Output, CallError>, bool) {
        let wrote = AtomicBool::new(false);
        let run = Run {
            cloud: self.cloud,
            locks: self.locks,
            stop: self.stop,
            undoes: self.undoes,
            wrote: &wrote,
        };
        let result = run.step(step, inputs, setting).await;
        (result, wrote.into_inner())
    }
}

/// What a failed step keeps from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnFailure {
    /// Everything.
    StartNothing,
    /// The steps after it.
    GoOn,
}

async fn drive(access: Access<'_>, graph: &StepGraph, on_failure: OnFailure) -> Outcome {
    let mut outcome = Outcome::default();
    let mut waiting: BTreeSet<StepId> = graph.steps().map(|(id, _)| id).collect();
    let mut running = FuturesUnordered::new();
    let mut in_order = Vec::new();
    loop {
        let may_start = outcome.failed.is_empty() || on_failure == OnFailure::GoOn;
        if may_start && !outcome.stopped {
            let ready: Vec<StepId> = waiting
                .iter()
                .copied()
                .filter(|id| {
                    graph
                        .step(*id)
                        .is_some_and(|s| s.after.iter().all(|b| outcome.done.contains_key(b)))
                })
                .take(CONCURRENCY.saturating_sub(running.len()))
                .collect();
            if access.stop.is_cancelled() && !ready.is_empty() {
                outcome.stopped = true;
                continue;
            }
            for id in ready {
                waiting.remove(&id);
                if let Some(step) = graph.step(id) {
                    let inputs = outputs(graph, &outcome);
                    let setting = setting(graph, step);
                    running.push(async move { (id, access.take(step, &inputs, setting).await) });
                }
            }
        }
        let Some((id, (result, wrote))) = running.next().await else {
            break;
        };
        if result.is_err() && wrote {
            outcome.half_done.insert(id);
        }
        match result {
            Ok(output) => {
                outcome.done.insert(id, output);
                in_order.push(id);
            }
            Err(error) if error.kind == CallErrorKind::Cancelled => {
                outcome.stopped = true;
                outcome.waiting.push((id, error));
            }
            Err(error) => outcome.failed.push((id, error)),
        }
    }
    if outcome.is_success() || (on_failure == OnFailure::GoOn && !outcome.stopped) {
        look_again(access, graph, &in_order, &mut outcome).await;
    }
    outcome
}

/// Looks at every document of several writers once more: a writer that had read it before our edit and wrote after our
/// check has taken ours away, and nobody else would notice.
async fn look_again(
    access: Access<'_>,
    graph: &StepGraph,
    in_order: &[StepId],
    outcome: &mut Outcome,
) {
    let inputs = &outputs(graph, outcome);
    let done: Vec<(StepId, &Step)> = in_order
        .iter()
        .filter_map(|id| Some((*id, graph.step(*id)?)))
        .collect();
    let looks = done.iter().enumerate().filter_map(|(n, (id, step))| {
        // The first edit of a document may name what the last one took out.
        let is_last = |(_, later): &(StepId, &Step)| !later.action.edits_same(&step.action);
        let action = step.action.again()?;
        let step = Step {
            action,
            ..(*step).clone()
        };
        let setting = setting(graph, &step);
        let look = async move { (*id, access.take(&step, inputs, setting).await.0) };
        done[n + 1..].iter().all(is_last).then_some(look)
    });
    let looks: Vec<_> = futures::stream::iter(looks.collect::<Vec<_>>())
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    for (id, look) in looks {
        if let Err(error) = look {
            // The step stays among those that were done: whoever takes the run back has to take it back, too.
            match error.kind {
                CallErrorKind::Cancelled => {
                    outcome.stopped = true;
                    outcome.waiting.push((id, error));
                }
                _ => outcome.failed.push((id, error)),
            }
        }
    }
}

/// What components have answered so far: a key's ARN, a role's ARN.
fn outputs(graph: &StepGraph, outcome: &Outcome) -> BTreeMap<ComponentId, String> {
    outcome
        .done
        .iter()
        .filter_map(|(id, output)| {
            let component = graph.step(*id)?.component.clone();
            match output {
                Output::Text(text) => Some((component, text.clone())),
                Output::Role { arn, .. } => Some((component, arn.clone())),
                _ => None,
            }
        })
        .collect()
}

/// Whether this very run makes the component that a step is about, or a role that its documents may name.
fn setting(graph: &StepGraph, step: &Step) -> Setting {
    let made = |component: &ComponentId| graph.maker_of(component).is_some();
    let makes_role = |(_, step): (StepId, &Step)| {
        matches!(step.action, Action::Call(Operation::CreateRole { .. }))
    };
    let fresh_role = made(&ComponentId::Role(step.component.side().clone()));
    let fresh_thing = match &step.component {
        ComponentId::Of(side, Part::Key | Part::Alias) => {
            made(&ComponentId::Of(side.clone(), Part::Key))
        }
        ComponentId::RetiredKey(..) => false,
        ComponentId::Of(side, _) => made(&ComponentId::Of(side.clone(), Part::Bucket)),
        ComponentId::Role(_) | ComponentId::RolePolicy(_) => fresh_role,
        policy @ ComponentId::ManagedPolicy(..) => fresh_role || made(policy),
    };
    Setting {
        fresh: fresh_thing || graph.steps().any(makes_role),
        fresh_role,
    }
}
