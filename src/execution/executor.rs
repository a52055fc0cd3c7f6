//! Runs a [`StepGraph`]: independent steps at once, dependent ones in order.
//!
//! Guarantees: a step starts only after all steps before it have succeeded, and at most once; after the first
//! failure ([`run`]), or when Terraform asks to stop, nothing new starts, and the calls under way end. A step
//! that waits to try again gives up when Terraform asks to stop, and counts as not reached. The executor
//! chooses nothing: it has no idea what a bucket is for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::cloud::{CallError, CallErrorKind, Cloud};
use super::documents::{self, Document, DocumentLocks};
use super::retry::Setting;
use super::{bucket_tags, made, retry};
use crate::replication::component::{ComponentId, Part};
use crate::replication::graph::{Action, Condition, Step, StepGraph, StepId};
use crate::replication::ids::Location;
use crate::replication::operation::{Answer, Input, Operation, Output, Query};

/// How many steps run at once. S3 and KMS take far more; IAM throttles above about this.
const CONCURRENCY: usize = 32;
/// How long a write is given to show.
const SHOW_WITHIN: Duration = Duration::from_secs(180);
/// How long a deletion is given to show.
const GONE_WITHIN: Duration = Duration::from_secs(15 * 60);

/// How a run ended.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Outcome {
    /// Steps that succeeded, with what they answered.
    pub done: BTreeMap<StepId, Output>,
    /// Steps that failed.
    pub failed: Vec<(StepId, CallError)>,
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
}

/// Runs every step of a graph.
pub async fn run(
    cloud: &dyn Cloud,
    locks: &DocumentLocks,
    stop: &CancellationToken,
    graph: &StepGraph,
) -> Outcome {
    drive(&Run { cloud, locks, stop }, graph, OnFailure::StartNothing).await
}

/// Runs the steps of an undo or a teardown as far as they go: a step that fails keeps back only those that
/// come after it, so that a bucket that has to stay keeps nothing else behind.
pub async fn run_undo(
    cloud: &dyn Cloud,
    locks: &DocumentLocks,
    stop: &CancellationToken,
    graph: &StepGraph,
) -> Outcome {
    drive(&Run { cloud, locks, stop }, graph, OnFailure::GoOn).await
}

/// What a failed step keeps from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnFailure {
    /// Everything.
    StartNothing,
    /// The steps after it.
    GoOn,
}

async fn drive(run: &Run<'_>, graph: &StepGraph, on_failure: OnFailure) -> Outcome {
    let mut outcome = Outcome::default();
    let mut waiting: BTreeSet<StepId> = graph.steps().map(|(id, _)| id).collect();
    let mut running = FuturesUnordered::new();
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
            if run.stop.is_cancelled() && !ready.is_empty() {
                outcome.stopped = true;
                continue;
            }
            for id in ready {
                waiting.remove(&id);
                if let Some(step) = graph.step(id) {
                    let inputs = outputs(graph, &outcome);
                    running.push(async move { (id, run.step(graph, step, &inputs).await) });
                }
            }
        }
        match running.next().await {
            Some((id, Ok(output))) => {
                outcome.done.insert(id, output);
            }
            Some((id, Err(error))) if error.kind == CallErrorKind::Cancelled => {
                outcome.stopped = true;
                outcome.waiting.push((id, error));
            }
            Some((id, Err(error))) => outcome.failed.push((id, error)),
            None => break,
        }
    }
    outcome
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

/// What every step of a run needs.
pub(super) struct Run<'a> {
    pub(super) cloud: &'a dyn Cloud,
    pub(super) locks: &'a DocumentLocks,
    pub(super) stop: &'a CancellationToken,
}

impl Run<'_> {
    async fn step(
        &self,
        graph: &StepGraph,
        step: &Step,
        outputs: &BTreeMap<ComponentId, String>,
    ) -> Result<Output, CallError> {
        let span = tracing::debug_span!("step", component = %step.component);
        let setting = setting(graph, step);
        let action = async {
            match &step.action {
                Action::Call(operation) => {
                    let operation = operation
                        .clone()
                        .resolve(&|component| outputs.get(component).cloned())
                        .map_err(|missing| self.unresolved(step, operation, &missing))?;
                    self.call(&step.at, &operation, setting).await
                }
                Action::EditBucketPolicy { bucket, edit } => {
                    let document = Document::Bucket(bucket.clone());
                    documents::edit(self, &step.at, &document, edit).await?;
                    Ok(Output::Done)
                }
                Action::EditKeyPolicy { key, edit } => {
                    let key = match key {
                        Input::Known(arn) => Some(arn.clone()),
                        Input::OutputOf(component) => outputs.get(component).cloned(),
                    };
                    let Some(key) = key else {
                        return Err(self.local_error(
                            &step.at,
                            CallErrorKind::Invalid,
                            "kms:PutKeyPolicy",
                            &step.component.to_string(),
                            "the key is not known; this is a bug in the provider",
                        ));
                    };
                    documents::edit(self, &step.at, &Document::Key(key), edit).await?;
                    Ok(Output::Done)
                }
                Action::EditBucketReplication { bucket, share } => {
                    let share = share
                        .clone()
                        .resolve(&|component| outputs.get(component).cloned())
                        .map_err(|missing| {
                            let message =
                                format!("{missing} is not known; this is a bug in the provider");
                            let call = "s3:PutBucketReplication";
                            self.local_error(
                                &step.at,
                                CallErrorKind::Invalid,
                                call,
                                bucket,
                                &message,
                            )
                        })?;
                    documents::edit_rules(self, &step.at, bucket, &share, setting).await?;
                    Ok(Output::Done)
                }
                Action::EditBucketTags { bucket, change } => {
                    bucket_tags::edit(self, &step.at, bucket, change, setting).await?;
                    Ok(Output::Done)
                }
                Action::Await { query, until } => self.wait(&step.at, query, *until).await,
                Action::EmptyAndDeleteBucket {
                    bucket,
                    bypass_governance_retention,
                } => {
                    self.empty_and_delete(&step.at, bucket, *bypass_governance_retention)
                        .await
                }
            }
        };
        action.instrument(span).await
    }

    /// One write, tried again while a short wait helps.
    pub(super) async fn call(
        &self,
        at: &Location,
        operation: &Operation,
        setting: Setting,
    ) -> Result<Output, CallError> {
        let mut waits = None;
        loop {
            let error = match self.cloud.perform(at, operation).await {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };
            if error.kind == CallErrorKind::NotFound && retry::takes_away(operation) {
                return Ok(Output::Done);
            }
            if made::may_be_made(operation, error.kind)
                && let Some(output) = self.look_for_made(at, operation, &error).await?
            {
                return Ok(output);
            }
            let Some((total, what)) = retry::patience(operation, &error, setting) else {
                return Err(error);
            };
            let next = waits.get_or_insert_with(|| retry::backoff(total)).next();
            let Some(wait) = next else {
                return Err(CallError {
                    message: format!(
                        "{} (waited {} seconds for {what})",
                        error.message,
                        total.as_secs()
                    ),
                    ..error
                });
            };
            tracing::debug!(call = operation.call(), subject = operation.subject(), %error, "waiting for {what}");
            if !self.pause(wait).await {
                // A call that may have been carried out is a failure that must be told.
                let kind = match error.kind {
                    CallErrorKind::Ambiguous => CallErrorKind::Ambiguous,
                    _ => CallErrorKind::Cancelled,
                };
                return Err(CallError {
                    kind,
                    message: format!("{} (it was waiting for {what})", error.message),
                    ..error
                });
            }
        }
    }

    /// Looks whether a call that seems to have failed was carried out after all.
    async fn look_for_made(
        &self,
        at: &Location,
        operation: &Operation,
        error: &CallError,
    ) -> Result<Option<Output>, CallError> {
        let mut waits = retry::backoff(made::shows_within(operation, error.kind));
        loop {
            let found = made::find_made(self.cloud, at, operation).await;
            let found = found.map_err(|look| CallError {
                message: format!(
                    "{}; whether it was carried out could not be found out: {look}",
                    error.message
                ),
                ..error.clone()
            })?;
            if found.is_some() {
                return Ok(found);
            }
            match waits.next() {
                Some(wait) if self.pause(wait).await => {}
                _ => return Ok(None),
            }
        }
    }

    /// Waits before another try. False when Terraform asks to stop: then there is none.
    pub(super) async fn pause(&self, wait: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            () = tokio::time::sleep(wait) => true,
        }
    }

    /// Reads until what was written shows.
    async fn wait(
        &self,
        at: &Location,
        query: &Query,
        until: Condition,
    ) -> Result<Output, CallError> {
        let total = match until {
            Condition::Shows(_) => SHOW_WITHIN,
            Condition::Gone => GONE_WITHIN,
        };
        let mut waits = retry::backoff(total);
        loop {
            let answer = match self.cloud.query(at, query).await {
                Ok(answer) => Some(answer),
                Err(error) if error.kind == CallErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            let met = match (until, &answer) {
                (Condition::Gone, None) | (Condition::Shows(None), Some(_)) => true,
                (Condition::Shows(Some(wanted)), Some(Answer::Text(text))) => text == wanted,
                _ => false,
            };
            if met {
                return Ok(Output::Done);
            }
            let Some(wait) = waits.next() else {
                let state = match until {
                    Condition::Gone => "to be gone".to_owned(),
                    Condition::Shows(Some(text)) => format!("to show {text}"),
                    Condition::Shows(None) => "to show".to_owned(),
                };
                let message = format!("waited {} seconds for it {state}", total.as_secs());
                let kind = CallErrorKind::NotReady;
                return Err(self.local_error(at, kind, query.call(), query.subject(), &message));
            };
            if !self.pause(wait).await {
                return Err(self.stopped(at, query.call(), query.subject()));
            }
        }
    }

    /// Deletes a bucket; while it is not empty, empties it and tries again, because replicas may still arrive.
    async fn empty_and_delete(
        &self,
        at: &Location,
        bucket: &str,
        bypass: bool,
    ) -> Result<Output, CallError> {
        let delete = Operation::DeleteBucket {
            bucket: bucket.to_owned(),
        };
        let mut waits = retry::backoff(Duration::from_secs(120));
        loop {
            let error = match self.call(at, &delete, Setting::default()).await {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };
            if error.kind != CallErrorKind::InvalidState {
                return Err(error);
            }
            let deleted = self.empty(at, bucket, bypass).await?;
            tracing::info!(bucket, deleted, "emptied");
            if deleted == 0 {
                match waits.next() {
                    Some(wait) if self.pause(wait).await => {}
                    Some(_) => return Err(self.stopped(at, delete.call(), bucket)),
                    None => return Err(error),
                }
            }
        }
    }

    /// Deletes every version and delete marker, page by page, and every unfinished upload.
    async fn empty(
        &self,
        at: &Location,
        bucket: &str,
        bypass_governance_retention: bool,
    ) -> Result<usize, CallError> {
        let mut deleted = 0;
        loop {
            let query = Query::ListObjectVersions {
                bucket: bucket.to_owned(),
                max_keys: 1000,
            };
            if self.stop.is_cancelled() {
                return Err(self.stopped(at, query.call(), bucket));
            }
            let Answer::Versions {
                versions,
                truncated,
            } = self.cloud.query(at, &query).await?
            else {
                break;
            };
            if versions.is_empty() {
                break;
            }
            let count = versions.len();
            let operation = Operation::DeleteObjects {
                bucket: bucket.to_owned(),
                versions,
                bypass_governance_retention,
            };
            if let Output::NotDeleted(refused) =
                self.call(at, &operation, Setting::default()).await?
                && let Some((key, version, why)) = refused.first()
            {
                let message = format!(
                    "{} of {count} object versions could not be deleted; the first is {key} (version {version}): {why}",
                    refused.len()
                );
                let kind = CallErrorKind::InvalidState;
                return Err(self.local_error(at, kind, operation.call(), bucket, &message));
            }
            deleted += count;
            if !truncated {
                break;
            }
        }
        let query = Query::ListMultipartUploads {
            bucket: bucket.to_owned(),
        };
        if let Answer::Uploads(uploads) = self.cloud.query(at, &query).await? {
            for (key, upload_id) in uploads {
                let operation = Operation::AbortMultipartUpload {
                    bucket: bucket.to_owned(),
                    key,
                    upload_id,
                };
                self.call(at, &operation, Setting::default()).await?;
            }
        }
        Ok(deleted)
    }

    fn unresolved(&self, step: &Step, operation: &Operation, missing: &ComponentId) -> CallError {
        let message = format!("{missing} is not known; this is a bug in the provider");
        let subject = operation.subject();
        self.local_error(
            &step.at,
            CallErrorKind::Invalid,
            operation.call(),
            &subject,
            &message,
        )
    }

    /// Terraform asked to stop between two calls.
    pub(super) fn stopped(&self, at: &Location, call: &str, subject: &str) -> CallError {
        let kind = CallErrorKind::Cancelled;
        self.local_error(at, kind, call, subject, "stopped before it was done")
    }

    /// An error that is ours and not AWS's.
    pub(super) fn local_error(
        &self,
        at: &Location,
        kind: CallErrorKind,
        call: &str,
        subject: &str,
        message: &str,
    ) -> CallError {
        CallError {
            kind,
            call: call.to_owned(),
            subject: subject.to_owned(),
            account: Some(at.account.clone()),
            region: Some(at.region.clone()),
            code: None,
            message: message.to_owned(),
            request_id: None,
        }
    }
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
        ComponentId::Of(side, _) => made(&ComponentId::Of(side.clone(), Part::Bucket)),
        ComponentId::Role(_) | ComponentId::RolePolicy(_) => fresh_role,
        policy @ ComponentId::ManagedPolicy(..) => fresh_role || made(policy),
    };
    Setting {
        fresh: fresh_thing || graph.steps().any(makes_role),
        fresh_role,
    }
}
