//! Which failed attempts are repeated, and which must not be.
//!
//! The SDK's standard retry does the repeating, with two limits added here. A call that is safe only once
//! is repeated only after an answer that proves that nothing was done. And a KMS quota is not throttling,
//! though AWS gives both errors similar names: waiting does not help.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;

use aws_smithy_runtime::client::retries::{RetryPartition, TokenBucket};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;

use super::config::CloudConfig;

/// What a repeated or a lost request would mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing is changed: repeat at will.
    Read,
    /// A write whose repetition changes nothing more.
    Repeatable,
    /// A write that must not be carried out twice, or that answers differently the second time.
    Once,
}

/// The standard retry with the configured number of attempts.
pub(super) fn retry_config(config: &CloudConfig) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(config.max_retries.saturating_add(1))
        .with_initial_backoff(config.initial_backoff)
        .with_max_backoff(config.initial_backoff.saturating_mul(20))
}

/// Retries without the SDK's quota: an apply that makes hundreds of buckets is throttled for minutes, and
/// giving up early would undo all of it. The number of attempts is the limit, as in `hashicorp/aws`.
pub(super) fn unlimited_retries() -> RetryPartition {
    RetryPartition::custom("replicated")
        .token_bucket(TokenBucket::unlimited())
        .build()
}

/// Codes with which AWS turns a request away at the door. `ServiceUnavailable` is not one: AWS describes it as
/// a failure of the server, which may strike at any moment.
const TURNED_AWAY: [&str; 8] = [
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
];

/// Whether a code of AWS proves that the request was turned away unread.
pub(super) fn is_turned_away(code: &str) -> bool {
    TURNED_AWAY.contains(&code)
}

/// Whether a failure below HTTP happened before anything was sent.
pub(super) fn is_unsent(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error
            .downcast_ref::<hyper_util::client::legacy::Error>()
            .is_some_and(hyper_util::client::legacy::Error::is_connect)
        {
            return true;
        }
        next = error.source();
    }
    false
}

/// Forbids to repeat a call with [`Effect::Once`] unless it was certainly not carried out. `E` is the error
/// type of the operation.
pub(super) struct OnlyIfNotCarriedOut<E>(PhantomData<fn() -> E>);

impl<E> OnlyIfNotCarriedOut<E> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<E> fmt::Debug for OnlyIfNotCarriedOut<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnlyIfNotCarriedOut")
    }
}

impl<E> ClassifyRetry for OnlyIfNotCarriedOut<E>
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else {
            return RetryAction::NoActionIndicated;
        };
        let turned_away = error
            .as_operation_error()
            .and_then(|error| error.downcast_ref::<E>())
            .and_then(ProvideErrorMetadata::code)
            .is_some_and(is_turned_away);
        let unsent = error
            .as_connector_error()
            .is_some_and(|error| is_unsent(error));
        if turned_away || unsent {
            RetryAction::NoActionIndicated
        } else {
            RetryAction::RetryForbidden
        }
    }

    fn name(&self) -> &'static str {
        "only if not carried out"
    }
}

/// Forbids to repeat a KMS call that met a quota, which the SDK takes for throttling.
#[derive(Debug)]
pub(super) struct QuotaIsNotThrottling;

impl ClassifyRetry for QuotaIsNotThrottling {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        const QUOTA: &[u8] = b"LimitExceededException";
        let met_a_quota = context
            .response()
            .filter(|response| response.status().is_client_error())
            .and_then(|response| response.body().bytes())
            .is_some_and(|body| body.windows(QUOTA.len()).any(|window| window == QUOTA));
        if met_a_quota {
            RetryAction::RetryForbidden
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "a quota is not throttling"
    }
}
