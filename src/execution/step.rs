//! What one step does: a call, an edit of a document, a wait, or the end of a bucket.

use std::collections::BTreeMap;
use std::time::Duration;

use tracing::Instrument;

use super::bucket_tags;
use super::cloud::{CallError, CallErrorKind};
use super::documents::{self, Document, same_rules};
use super::retry;
use super::retry::Setting;
use super::run::Run;
use crate::replication::component::ComponentId;
use crate::replication::graph::{Action, Condition, Step};
use crate::replication::ids::Location;
use crate::replication::operation::{Answer, Input, Operation, Output, Query};

/// How long a write is given to show.
const SHOW_WITHIN: Duration = Duration::from_secs(180);
/// How long a deletion is given to show.
pub(super) const GONE_WITHIN: Duration = Duration::from_secs(15 * 60);

impl Run<'_> {
    /// Takes one step. `outputs` are what the steps before it have answered, `setting` what this run makes beside it.
    pub(super) async fn step(
        &self,
        step: &Step,
        outputs: &BTreeMap<ComponentId, String>,
        setting: Setting,
    ) -> Result<Output, CallError> {
        let span = tracing::debug_span!("step", component = %step.component);
        let action = async {
            match &step.action {
                Action::Call(operation) => {
                    let operation = operation
                        .clone()
                        .resolve(&|component| outputs.get(component).cloned())
                        .map_err(|missing| {
                            self.unresolved(step, operation.call(), &operation.subject(), &missing)
                        })?;
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
                            self.unresolved(step, "s3:PutBucketReplication", bucket, &missing)
                        })?;
                    documents::edit_rules(self, &step.at, bucket, &share, setting).await?;
                    Ok(Output::Done)
                }
                Action::EditBucketTags { bucket, change } => {
                    bucket_tags::edit(self, &step.at, bucket, change, setting).await?;
                    Ok(Output::Done)
                }
                Action::Await { query, until } => {
                    let mut until = until.clone();
                    if let Condition::ShowsRules(rules) = &mut until {
                        rules
                            .resolve(&|component| outputs.get(component).cloned())
                            .map_err(|missing| {
                                self.unresolved(step, query.call(), query.subject(), &missing)
                            })?;
                    }
                    self.wait(&step.at, query, &until).await
                }
                Action::DeleteBucket { bucket, owner } => {
                    self.delete_bucket(&step.at, bucket, owner, setting).await
                }
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

    /// Deletes a bucket, and canaries that keep it.
    async fn delete_bucket(
        &self,
        at: &Location,
        bucket: &str,
        owner: &str,
        setting: Setting,
    ) -> Result<Output, CallError> {
        let delete = Operation::DeleteBucket {
            bucket: bucket.to_owned(),
        };
        let mut waits = retry::backoff(SHOW_WITHIN);
        loop {
            let error = match self.call(at, &delete, setting).await {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };
            let is_filled = error.kind == CallErrorKind::InvalidState;
            // What keeps the bucket is told by the refusal, whatever became of a look into it.
            if !is_filled || !matches!(self.remove_canaries(at, bucket, owner).await, Ok(true)) {
                return Err(error);
            }
            // Replicas of canaries that were under way may still arrive.
            match waits.next() {
                Some(wait) if self.pause(wait).await => {}
                _ => return Err(error),
            }
        }
    }

    /// Reads until what was written shows.
    async fn wait(
        &self,
        at: &Location,
        query: &Query,
        until: &Condition,
    ) -> Result<Output, CallError> {
        let total = match until {
            Condition::Shows(_) | Condition::ShowsRules(_) => SHOW_WITHIN,
            Condition::Gone => GONE_WITHIN,
        };
        let mut waits = retry::backoff(total);
        loop {
            let met = match (until, self.cloud.query(at, query).await) {
                (Condition::Shows(wanted), Ok(Answer::Text(text))) => text == *wanted,
                (Condition::ShowsRules(wanted), Ok(Answer::Replication(rules))) => {
                    same_rules(Some(&rules), Some(wanted))
                }
                (_, Ok(_)) => false,
                (until, Err(error)) => match error.kind {
                    CallErrorKind::NotFound => *until == Condition::Gone,
                    // The name of a young bucket does not lead to its region yet.
                    CallErrorKind::NotReady => false,
                    _ => return Err(error),
                },
            };
            if met {
                return Ok(Output::Done);
            }
            let Some(wait) = waits.next() else {
                let state = match until {
                    Condition::Gone => "to be gone".to_owned(),
                    Condition::Shows(text) => format!("to show {text}"),
                    Condition::ShowsRules(_) => "to show the rules that were written".to_owned(),
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

    fn unresolved(
        &self,
        step: &Step,
        call: &str,
        subject: &str,
        missing: &ComponentId,
    ) -> CallError {
        let message = format!("{missing} is not known; this is a bug in the provider");
        self.local_error(&step.at, CallErrorKind::Invalid, call, subject, &message)
    }
}
