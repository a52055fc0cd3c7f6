//! Calls within a run: each tried again while a short wait helps, and ended when Terraform asks to stop.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backon::ExponentialBackoff;
use tokio_util::sync::CancellationToken;

use super::cloud::{CallError, CallErrorKind, Cloud};
use super::locks::DocumentLocks;
use super::retry::Setting;
use super::{made, retry};
use crate::replication::ids::Location;
use crate::replication::operation::{Operation, Output};

/// What every step of a run needs.
pub(super) struct Run<'a> {
    pub(super) cloud: &'a dyn Cloud,
    pub(super) locks: &'a DocumentLocks,
    pub(super) stop: &'a CancellationToken,
    /// Whether this takes away what was made a moment ago, which AWS may not see yet.
    pub(super) undoes: bool,
    /// Set by the first write of a step that AWS carried out, or may have.
    pub(super) wrote: &'a AtomicBool,
}

/// What the tries of one write have waited for already.
pub(super) struct Tries {
    /// Each thing that is waited for has a time of its own.
    waits: BTreeMap<&'static str, ExponentialBackoff>,
    unseen: ExponentialBackoff,
    was_unheard: bool,
}

impl Default for Tries {
    fn default() -> Self {
        Self {
            waits: BTreeMap::new(),
            unseen: retry::backoff(retry::UNSEEN),
            was_unheard: false,
        }
    }
}

impl Run<'_> {
    /// One write, tried again while a short wait helps.
    pub(super) async fn call(
        &self,
        at: &Location,
        operation: &Operation,
        setting: Setting,
    ) -> Result<Output, CallError> {
        let mut tries = Tries::default();
        loop {
            let tried = self.attempt(at, operation, setting, &mut tries).await?;
            if let Some(output) = tried {
                return Ok(output);
            }
        }
    }

    /// One try of a write; `None` after the wait that may turn its refusal into success. Whoever sends what others write
    /// too looks again before the next one.
    pub(super) async fn attempt(
        &self,
        at: &Location,
        operation: &Operation,
        setting: Setting,
        tries: &mut Tries,
    ) -> Result<Option<Output>, CallError> {
        let result = self.cloud.perform(at, operation).await;
        if !matches!(&result, Err(error) if error.kind != CallErrorKind::Ambiguous) {
            self.wrote.store(true, Ordering::Relaxed);
        }
        let error = match result {
            Ok(output) => return Ok(Some(output)),
            Err(error) => error,
        };
        if error.kind == CallErrorKind::NotFound && retry::takes_away(operation) {
            match tries.unseen.next().filter(|_| self.undoes) {
                Some(wait) if self.pause(wait).await => return Ok(None),
                _ => return Ok(Some(Output::Done)),
            }
        }
        if made::may_be_made(operation, error.kind)
            && let Some(output) = self
                .look_for_made(at, operation, &error, tries.was_unheard)
                .await?
        {
            return Ok(Some(output));
        }
        tries.was_unheard |= error.kind == CallErrorKind::Ambiguous;
        let Some((total, what)) = retry::patience(operation, &error, setting) else {
            return Err(error);
        };
        let of_this = tries.waits.entry(what);
        let Some(wait) = of_this.or_insert_with(|| retry::backoff(total)).next() else {
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
        Ok(None)
    }

    /// Looks whether a call that seems to have failed was carried out after all.
    async fn look_for_made(
        &self,
        at: &Location,
        operation: &Operation,
        error: &CallError,
        was_unheard: bool,
    ) -> Result<Option<Output>, CallError> {
        let within = made::shows_within(operation, error.kind, was_unheard);
        let mut waits = retry::backoff(within);
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
