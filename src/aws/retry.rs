//! Which failed attempts are repeated, and which must not be.
//!
//! The SDK's standard retry does the repeating, with two limits added here. A call that is safe only once
//! is repeated only after an answer that proves that nothing was done. And a KMS quota is not throttling,
//! though AWS gives both errors similar names: waiting does not help.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use aws_smithy_runtime::client::retries::{RetryPartition, TokenBucket};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;

use super::config::ConfigError;
use super::environment::variable;
use super::unreachable::UnreachableHost;

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

/// How often a call is repeated where nobody says otherwise; `hashicorp/aws` has the same number.
const DEFAULT_RETRIES: u32 = 25;

/// How retries are attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryMode {
    /// Pauses that double.
    Standard,
    /// The same, and fewer requests after throttling.
    Adaptive,
}

impl RetryMode {
    /// Reads `standard` or `adaptive`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "standard" => Some(Self::Standard),
            "adaptive" => Some(Self::Adaptive),
            _ => None,
        }
    }
}

/// What one place says about retries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RetryChoice {
    /// Repetitions after the first attempt.
    pub(super) retries: Option<u32>,
    /// The mode.
    pub(super) mode: Option<RetryMode>,
}

impl RetryChoice {
    /// Reads a number of *attempts* and a mode, as the environment and the shared files spell them.
    pub(super) fn parse(
        attempts: Option<&str>,
        mode: Option<&str>,
        named: [&'static str; 2],
    ) -> Result<Self, ConfigError> {
        let attempts = attempts
            .map(|text| match text.parse::<u32>() {
                Ok(number) if number > 0 => Ok(number),
                _ => Err(ConfigError::Retries {
                    name: named[0],
                    expected: "a number of attempts, 1 or more",
                }),
            })
            .transpose()?;
        let mode = mode
            .map(|text| {
                RetryMode::parse(text).ok_or(ConfigError::Retries {
                    name: named[1],
                    expected: "standard or adaptive",
                })
            })
            .transpose()?;
        Ok(Self {
            retries: attempts.map(|attempts| attempts - 1),
            mode,
        })
    }

    /// What the environment says.
    pub(super) fn of_environment() -> Result<Self, ConfigError> {
        const NAMES: [&str; 2] = ["AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"];
        let [attempts, mode] = NAMES.map(|name| variable(&[name]));
        Self::parse(attempts.as_deref(), mode.as_deref(), NAMES)
    }

    /// This choice, and another one where it says nothing.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            retries: self.retries.or(other.retries),
            mode: self.mode.or(other.mode),
        }
    }

    /// The SDK's form of it.
    pub(super) fn config(self, initial_backoff: Duration) -> RetryConfig {
        let config = match self.mode {
            None | Some(RetryMode::Standard) => RetryConfig::standard(),
            Some(RetryMode::Adaptive) => RetryConfig::adaptive(),
        };
        let retries = self.retries.unwrap_or(DEFAULT_RETRIES);
        config
            .with_max_attempts(retries.saturating_add(1))
            .with_initial_backoff(initial_backoff)
            .with_max_backoff(initial_backoff.saturating_mul(20))
    }
}

/// Retries without the SDK's quota, unless one is configured: an apply that makes hundreds of buckets is throttled
/// for minutes, and giving up early would undo all of it. The number of attempts is the limit, as in
/// `hashicorp/aws`.
pub(super) fn retry_partition(capacity: Option<usize>) -> RetryPartition {
    let bucket = match capacity {
        Some(capacity) => TokenBucket::builder().capacity(capacity).build(),
        None => TokenBucket::unlimited(),
    };
    RetryPartition::custom("replicated")
        .token_bucket(bucket)
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
        if error.is::<UnreachableHost>()
            || error
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(attempts: &str, mode: &str) -> Result<RetryChoice, ConfigError> {
        RetryChoice::parse(Some(attempts), Some(mode), ["ATTEMPTS", "MODE"])
    }

    #[test]
    fn attempts_count_the_first_one_and_retries_do_not() {
        let choice = parsed("4", "adaptive").unwrap();
        assert_eq!(choice.retries, Some(3));
        let config = choice.config(Duration::from_secs(1));
        assert_eq!(config.max_attempts(), 4);
        assert_eq!(config.mode(), aws_smithy_types::retry::RetryMode::Adaptive);
    }

    #[test]
    fn nothing_said_is_twenty_five_retries_in_standard_mode() {
        let config = RetryChoice::default().config(Duration::from_secs(1));
        assert_eq!(config.max_attempts(), 26);
        assert_eq!(config.mode(), aws_smithy_types::retry::RetryMode::Standard);
    }

    #[test]
    fn the_first_place_that_says_something_wins() {
        let (near, far) = (RetryChoice::default(), parsed("2", "adaptive").unwrap());
        assert_eq!(near.or(far), far);
        let near = parsed("9", "standard").unwrap();
        assert_eq!(near.or(far), near);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_its_name() {
        for (attempts, mode, named) in [
            ("0", "standard", "ATTEMPTS"),
            ("many", "standard", "ATTEMPTS"),
            ("3", "legacy", "MODE"),
        ] {
            let error = parsed(attempts, mode).unwrap_err().to_string();
            assert!(error.starts_with(named), "{error}");
        }
    }
}
