//! A fault that strikes at one call, named by what the call is and the how-manieth of its kind it is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use terraform_provider_replicated::execution::cloud::{CallError, CallErrorKind};
use terraform_provider_replicated::replication::ids::{AccountId, Region};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::fault::{Fault, Lasts};

/// Longer than any operation has.
const BEYOND_ANY_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// A call as the trap sees it.
pub struct Passing<'a> {
    /// The API call, as IAM names it.
    pub call: &'a str,
    /// What it is about.
    pub subject: String,
    /// As a person tells it: `CreateBucket acme-archive`.
    pub words: String,
    pub account: AccountId,
    pub region: Region,
    /// Whether it changes anything.
    pub writes: bool,
}

/// Where a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The call with its account: `CreateBucket acme-archive in 111111111111`.
    pub call: String,
    /// The how-manieth call of these words, counted from one.
    pub nth: usize,
    /// Whether it changes anything.
    pub writes: bool,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.call, self.nth)
    }
}

/// At which call a fault strikes.
#[derive(Debug, Clone)]
enum Where {
    At(Position),
    /// At the how-manieth call of all, counted from one.
    Call(usize),
    /// At the how-manieth that changes anything.
    Write(usize),
}

/// What every call passes. Where nothing is set it only counts.
#[derive(Default)]
pub struct Trap {
    inner: Mutex<Inner>,
    /// Told when the process dies.
    pub died: Notify,
}

#[derive(Default)]
struct Inner {
    set: Option<(Where, Fault)>,
    /// Where it has struck, and in which account.
    struck: Option<(Position, AccountId)>,
    calls: BTreeMap<String, usize>,
    positions: Vec<Position>,
    processes: Vec<CancellationToken>,
}

impl Trap {
    /// From now on this strikes there; calls are counted from here.
    pub fn set(&self, position: &Position, fault: Fault) {
        self.set_at(Where::At(position.clone()), fault);
    }

    /// The same at the how-manieth call, or at the how-manieth that `writes`.
    pub fn set_nth(&self, nth: usize, writes: bool, fault: Fault) {
        let at = if writes { Where::Write } else { Where::Call };
        self.set_at(at(nth), fault);
    }

    fn set_at(&self, at: Where, fault: Fault) {
        let mut inner = self.inner();
        *inner = Inner {
            set: Some((at, fault)),
            ..Inner::default()
        };
    }

    /// Nothing strikes any more. Whether it did; and every call since the last time.
    pub fn take(&self) -> (bool, Vec<Position>) {
        let inner = std::mem::take(&mut *self.inner());
        (inner.struck.is_some(), inner.positions)
    }

    /// A process of the provider begins; this is how it is asked to stop.
    pub fn begins(&self, stop: CancellationToken) {
        self.inner().processes.push(stop);
    }

    /// Whether Terraform was asked to stop.
    pub fn is_interrupted(&self) -> bool {
        let processes = &self.inner().processes;
        processes.iter().any(CancellationToken::is_cancelled)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Counts a call. What befalls it.
    fn meet(&self, passing: &Passing<'_>) -> Option<Fault> {
        let mut inner = self.inner();
        let call = format!("{} in {}", passing.words, passing.account);
        let nth = inner.calls.entry(call.clone()).or_default();
        *nth += 1;
        let here = Position {
            call,
            nth: *nth,
            writes: passing.writes,
        };
        inner.positions.push(here.clone());
        let (at, fault) = inner.set.clone()?;
        let is_here = match at {
            Where::At(position) => here == position,
            Where::Call(nth) => inner.positions.len() == nth,
            Where::Write(nth) => {
                let writes = inner.positions.iter().filter(|call| call.writes);
                here.writes && writes.count() == nth
            }
        };
        if is_here {
            inner.struck = Some((here, passing.account.clone()));
            return Some(fault);
        }
        let (position, account) = inner.struck.clone()?;
        let strikes = match fault.lasts() {
            Lasts::Once => false,
            Lasts::ForThisCall => here.call == position.call,
            Lasts::ForTheAccount => passing.account == account,
            Lasts::ForEverything => true,
        };
        strikes.then_some(fault)
    }

    /// Lets a call through, or not.
    pub async fn pass<T>(
        &self,
        passing: Passing<'_>,
        carried_out: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let failed = |kind| Err(passing.failed(kind));
        let in_doubt = match passing.writes {
            true => CallErrorKind::Ambiguous,
            false => CallErrorKind::Transport,
        };
        let is_first = self.inner().struck.is_none();
        match self.meet(&passing) {
            None => carried_out.await,
            Some(Fault::Refused(kind) | Fault::RefusedLasting(kind)) => failed(kind),
            Some(Fault::Failed | Fault::FailedLasting) => failed(in_doubt),
            Some(Fault::AnswerLost | Fault::AnswerLostLasting) => {
                let _lost = carried_out.await;
                failed(in_doubt)
            }
            Some(Fault::Unreachable) => failed(CallErrorKind::Transport),
            Some(Fault::Expired) => failed(CallErrorKind::Credentials),
            Some(Fault::Hangs) => {
                // A write is given up by the edge alone, which then says that nobody knows.
                tokio::time::sleep(BEYOND_ANY_TIMEOUT).await;
                failed(in_doubt)
            }
            Some(fault @ (Fault::Killed | Fault::KilledAfter)) => {
                if fault == Fault::KilledAfter && is_first {
                    let _lost = carried_out.await;
                }
                self.died.notify_one();
                std::future::pending().await
            }
            Some(Fault::Interrupted) => {
                let processes = self.inner().processes.clone();
                processes.iter().for_each(CancellationToken::cancel);
                carried_out.await
            }
        }
    }
}

impl Passing<'_> {
    fn failed(&self, kind: CallErrorKind) -> CallError {
        CallError {
            kind,
            call: self.call.to_owned(),
            subject: self.subject.clone(),
            account: Some(self.account.clone()),
            region: Some(self.region.clone()),
            code: None,
            message: "injected".to_owned(),
            request_id: None,
        }
    }
}
