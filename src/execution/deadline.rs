//! An end to the time of an operation: no answer is waited for beyond it, and what waits to try again gives up.
//!
//! A write that is under way is never cut off, because nobody would know whether it was carried out.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::DocumentLocks;
use super::cloud::{CallError, CallErrorKind, Cloud, Identity};
use super::executor::{self, Outcome};
use crate::replication::graph::StepGraph;
use crate::replication::ids::{Location, Region, WayIn};
use crate::replication::operation::{Answer, Operation, Output, Query};

/// When an operation has to be done.
#[derive(Debug, Clone)]
pub struct Deadline {
    ends: Instant,
    told: String,
}

impl Deadline {
    /// An end after `total` from now. `told` names it to people: `20m (timeouts.create)`.
    pub fn after(total: Duration, told: String) -> Self {
        Self {
            ends: Instant::now() + total,
            told,
        }
    }

    /// How much time there is still.
    pub fn remaining(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// The cloud on which no answer to a question is waited for beyond the deadline.
    pub fn bound(&self, cloud: Arc<dyn Cloud>) -> Arc<dyn Cloud> {
        Arc::new(Bounded {
            cloud,
            deadline: self.clone(),
        })
    }

    /// Runs a graph as [`executor::run`] does. At the deadline it is stopped as if Terraform had asked for it.
    pub async fn run(
        &self,
        cloud: &dyn Cloud,
        locks: &DocumentLocks,
        stop: &CancellationToken,
        graph: &StepGraph,
    ) -> Outcome {
        let either = stop.child_token();
        let run = executor::run(cloud, locks, &either, graph);
        self.stopping(&either, stop, run).await
    }

    /// Runs a graph as [`executor::run_undo`] does, and nothing but the deadline stops it: the calls under way end, and
    /// what they came to is told.
    pub async fn run_undo(
        &self,
        cloud: &dyn Cloud,
        locks: &DocumentLocks,
        graph: &StepGraph,
    ) -> Outcome {
        let stop = CancellationToken::new();
        let run = executor::run_undo(cloud, locks, &stop, graph);
        self.stopping(&stop, &stop, run).await
    }

    /// Waits for a run, which is stopped at the deadline, unless Terraform had `asked` before.
    async fn stopping(
        &self,
        stop: &CancellationToken,
        asked: &CancellationToken,
        run: impl Future<Output = Outcome>,
    ) -> Outcome {
        let mut run = std::pin::pin!(run);
        tokio::select! {
            biased;
            outcome = &mut run => return outcome,
            () = sleep_until(self.ends) => {}
        }
        let asked = asked.is_cancelled();
        stop.cancel();
        let outcome = run.await;
        Outcome {
            out_of_time: (outcome.stopped && !asked).then(|| self.told.clone()),
            ..outcome
        }
    }
}

struct Bounded {
    cloud: Arc<dyn Cloud>,
    deadline: Deadline,
}

impl Bounded {
    fn no_answer(&self, call: &str, subject: &str, region: &Region) -> CallError {
        CallError {
            kind: CallErrorKind::TimedOut,
            call: call.to_owned(),
            subject: subject.to_owned(),
            account: None,
            region: Some(region.clone()),
            code: None,
            message: format!("no answer came within {}", self.deadline.told),
            request_id: None,
        }
    }
}

#[async_trait]
impl Cloud for Bounded {
    async fn enter(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError> {
        let answer = timeout_at(self.deadline.ends, self.cloud.enter(way_in, region)).await;
        answer.unwrap_or_else(|_| {
            Err(self.no_answer("credentials", "the way into the account", region))
        })
    }

    async fn query(&self, at: &Location, query: &Query) -> Result<Answer, CallError> {
        let answer = timeout_at(self.deadline.ends, self.cloud.query(at, query)).await;
        answer.unwrap_or_else(|_| {
            Err(CallError {
                account: Some(at.account.clone()),
                ..self.no_answer(query.call(), query.subject(), &at.region)
            })
        })
    }

    async fn perform(&self, at: &Location, operation: &Operation) -> Result<Output, CallError> {
        self.cloud.perform(at, operation).await
    }
}
