//! One call: where it goes, what it is about, how its end is reported.

use std::error::Error;
use std::time::Instant;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::clients::ClientSet;
use super::error::call_error;
use super::retry::Effect;
use crate::execution::cloud::{CallError, CallErrorKind};
use crate::replication::ids::{AccountId, Location, Region};
use crate::replication::operation::Input;

/// A location together with its clients.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    location: &'a Location,
    /// The clients that sign with the location's credentials, for its region.
    pub(super) clients: &'a ClientSet,
}

impl<'a> At<'a> {
    pub(super) fn new(location: &'a Location, clients: &'a ClientSet) -> Self {
        Self { location, clients }
    }

    /// The account that must own what the call is about.
    pub(super) fn account(&self) -> &'a str {
        self.location.account.as_str()
    }

    /// The region of the endpoint.
    pub(super) fn region(&self) -> &'a Region {
        &self.location.region
    }

    /// The ARN of a bucket of the location.
    pub(super) fn bucket_arn(&self, bucket: &str) -> String {
        format!("arn:{}:s3:::{bucket}", self.location.partition)
    }

    /// A call that reads.
    pub(super) fn read(&self, name: &'static str, subject: &'a str) -> Call<'a> {
        self.call(name, subject, Effect::Read)
    }

    /// A write that may be repeated.
    pub(super) fn write(&self, name: &'static str, subject: &'a str) -> Call<'a> {
        self.call(name, subject, Effect::Repeatable)
    }

    /// A write that must not be repeated once it may have been carried out. Its request needs
    /// [`OnlyIfNotCarriedOut`](super::retry::OnlyIfNotCarriedOut) too.
    pub(super) fn once(&self, name: &'static str, subject: &'a str) -> Call<'a> {
        self.call(name, subject, Effect::Once)
    }

    /// A key that must be known by now.
    pub(super) fn key(
        &self,
        name: &'static str,
        key: &'a Input<String>,
    ) -> Result<&'a str, CallError> {
        key.known().map(String::as_str).ok_or_else(|| {
            self.write(name, "a key that is not made yet")
                .invalid("the key's ARN is not known, so the call was not made".to_owned())
        })
    }

    fn call(&self, name: &'static str, subject: &'a str, effect: Effect) -> Call<'a> {
        Call {
            name,
            subject,
            account: Some(&self.location.account),
            region: &self.location.region,
            effect,
        }
    }
}

/// One call to AWS.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    /// Service and operation, as in `s3:PutBucketPolicy`.
    pub(super) name: &'static str,
    /// What it is about.
    pub(super) subject: &'a str,
    /// The account, where it is known already.
    pub(super) account: Option<&'a AccountId>,
    /// The region of the endpoint.
    pub(super) region: &'a Region,
    /// What a repetition would mean.
    pub(super) effect: Effect,
}

impl Call<'_> {
    /// Waits for the answer, and reports how the call ended.
    pub(super) async fn run<T, E>(
        &self,
        answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, CallError>
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        self.run_with(answer, |call, error| Err(call_error(call, &error)))
            .await
    }

    /// As [`run`](Self::run), for calls in which some failures are answers.
    pub(super) async fn run_with<T, E>(
        &self,
        answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        on_error: impl FnOnce(&Self, SdkError<E, HttpResponse>) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let start = Instant::now();
        let result = match answer.await {
            Ok(output) => Ok(output),
            Err(error) => on_error(self, error),
        };
        self.report(start, result.as_ref().err());
        result
    }

    fn report(&self, start: Instant, error: Option<&CallError>) {
        tracing::debug!(
            call = self.name,
            subject = self.subject,
            account = self.account.map(AccountId::as_str).unwrap_or_default(),
            region = self.region.as_str(),
            duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            outcome = error.map_or_else(|| "Ok".to_owned(), |error| format!("{:?}", error.kind)),
            code = error
                .and_then(|error| error.code.as_deref())
                .unwrap_or_default(),
            "call to AWS"
        );
    }

    /// An error of a given kind, without anything from AWS.
    pub(super) fn error(&self, kind: CallErrorKind, message: String) -> CallError {
        CallError {
            kind,
            call: self.name.to_owned(),
            subject: self.subject.to_owned(),
            account: self.account.cloned(),
            region: Some(self.region.clone()),
            code: None,
            message,
            request_id: None,
        }
    }

    /// The request is refused before it is sent.
    pub(super) fn invalid(&self, message: String) -> CallError {
        self.error(CallErrorKind::Invalid, message)
    }

    /// AWS answered, but without what the call was for.
    pub(super) fn incomplete(&self, missing: &str) -> CallError {
        self.error(
            super::error::uncertain(self.effect),
            format!("AWS's answer lacks {missing}"),
        )
    }
}
