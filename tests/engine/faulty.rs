//! Wraps a cloud and spoils one of its writes, or one of all its calls.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::sync::Notify;

use terraform_provider_replicated::execution::cloud::{CallError, CallErrorKind, Cloud, Identity};
use terraform_provider_replicated::replication::ids::{Location, Region, WayIn};
use terraform_provider_replicated::replication::operation::{Answer, Operation, Output, Query};

/// What happens at the chosen write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails and is not carried out.
    Refused(CallErrorKind),
    /// It is carried out, and the answer is lost.
    AnswerLost,
    /// It is carried out as often as it is sent, and no answer ever comes.
    NeverAnswered,
    /// It is carried out, and the answer is about something else.
    Misanswered,
    /// The process dies: neither this write nor any later call ends.
    Killed,
    /// The process dies after the write was carried out.
    KilledAfter,
}

/// A cloud that spoils its `at`-th write, or its `at`-th call, counted from one.
pub(crate) struct FaultyCloud<'a> {
    inner: &'a dyn Cloud,
    at: usize,
    fault: Fault,
    counts_reads: bool,
    counted: AtomicUsize,
    unanswered: Mutex<Option<Operation>>,
    /// Told when the process dies.
    pub(crate) died: Notify,
}

impl<'a> FaultyCloud<'a> {
    pub(crate) fn new(inner: &'a dyn Cloud, at: usize, fault: Fault) -> Self {
        Self {
            inner,
            at,
            fault,
            counts_reads: false,
            counted: AtomicUsize::new(0),
            unanswered: Mutex::new(None),
            died: Notify::new(),
        }
    }

    /// One that counts questions, too.
    pub(crate) fn at_any_call(inner: &'a dyn Cloud, at: usize, fault: Fault) -> Self {
        Self {
            counts_reads: true,
            ..Self::new(inner, at, fault)
        }
    }

    /// Whether there was a call to spoil.
    pub(crate) fn has_struck(&self) -> bool {
        self.counted.load(Ordering::SeqCst) >= self.at
    }

    fn is_next(&self) -> bool {
        self.counted.fetch_add(1, Ordering::SeqCst) + 1 == self.at
    }

    fn is_dead(&self) -> bool {
        self.has_struck() && matches!(self.fault, Fault::Killed | Fault::KilledAfter)
    }
}

#[async_trait]
impl Cloud for FaultyCloud<'_> {
    async fn enter(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError> {
        self.inner.enter(way_in, region).await
    }

    async fn query(&self, at: &Location, query: &Query) -> Result<Answer, CallError> {
        if self.is_dead() {
            return std::future::pending().await;
        }
        if !self.counts_reads || !self.is_next() {
            return self.inner.query(at, query).await;
        }
        let failed = |kind| failed(at, kind, query.call(), query.subject());
        match self.fault {
            Fault::Refused(kind) => Err(failed(kind)),
            Fault::AnswerLost | Fault::NeverAnswered => Err(failed(CallErrorKind::Transport)),
            Fault::Misanswered => Ok(Answer::Names(Vec::new())),
            Fault::Killed | Fault::KilledAfter => {
                self.died.notify_one();
                std::future::pending().await
            }
        }
    }

    async fn perform(&self, at: &Location, operation: &Operation) -> Result<Output, CallError> {
        if self.is_dead() {
            return std::future::pending().await;
        }
        let is_next = self.is_next();
        let chosen = {
            let mut unanswered = self.unanswered.lock().unwrap();
            if is_next && self.fault == Fault::NeverAnswered {
                *unanswered = Some(operation.clone());
            }
            is_next || unanswered.as_ref() == Some(operation)
        };
        if !chosen {
            return self.inner.perform(at, operation).await;
        }
        let failed = |kind| failed(at, kind, operation.call(), &operation.subject());
        match self.fault {
            Fault::Refused(kind) => Err(failed(kind)),
            Fault::AnswerLost | Fault::NeverAnswered => {
                let _lost = self.inner.perform(at, operation).await;
                Err(failed(CallErrorKind::Ambiguous))
            }
            Fault::Misanswered => {
                let _unsaid = self.inner.perform(at, operation).await;
                Ok(Output::Done)
            }
            Fault::Killed => {
                self.died.notify_one();
                std::future::pending().await
            }
            Fault::KilledAfter => {
                let _lost = self.inner.perform(at, operation).await;
                self.died.notify_one();
                std::future::pending().await
            }
        }
    }
}

fn failed(at: &Location, kind: CallErrorKind, call: &str, subject: &str) -> CallError {
    CallError {
        kind,
        call: call.to_owned(),
        subject: subject.to_owned(),
        account: Some(at.account.clone()),
        region: Some(at.region.clone()),
        code: None,
        message: "injected".to_owned(),
        request_id: None,
    }
}
