//! A host that cannot be connected to is given up early, and named.
//!
//! A region that was mistyped makes a host name that does not exist. Twenty-five retries would take minutes to
//! say so. As `hashicorp/aws` does, a call gives up after a few attempts where the name is not found or the
//! connection is refused; every other failure of the network has all its retries.

use std::error::Error;
use std::fmt;
use std::io;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use aws_smithy_types::retry::ErrorKind;

use super::retry::is_unsent;

/// How many attempts a host gets that is not found or refuses connections.
const ATTEMPTS: u32 = 9;

/// No connection to a host could be made.
#[derive(Debug, thiserror::Error)]
#[error("host {host} {reason}")]
pub(super) struct UnreachableHost {
    /// The host of the request.
    host: String,
    /// Why.
    reason: Reason,
}

/// Ends the retries of a call whose host cannot be reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct GiveUpUnreachable;

#[dyn_dispatch_hint]
impl Intercept for GiveUpUnreachable {
    fn name(&self) -> &'static str {
        "GiveUpUnreachable"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Transmitting takes the request away, so its host is written down here.
        if let Some(host) = host_of(context.request().uri()) {
            config.interceptor_state().store_put(Host(host));
        }
        Ok(())
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let attempts = config
            .load::<RequestAttempts>()
            .map_or(1, RequestAttempts::attempts);
        let Some(Host(host)) = config.load::<Host>().cloned() else {
            return Ok(());
        };
        let Some(result) = context.output_or_error_mut() else {
            return Ok(());
        };
        let reason = match result {
            Err(error) => error.as_connector_error().and_then(reason),
            Ok(_) => None,
        };
        if let Some(reason) = reason {
            // A connector's error of no kind is not tried again.
            let kind = (attempts < ATTEMPTS).then_some(ErrorKind::TransientError);
            let error = ConnectorError::other(UnreachableHost { host, reason }.into(), kind);
            *result = Err(OrchestratorError::connector(error));
        }
        Ok(())
    }
}

/// The host of the request under way.
#[derive(Debug, Clone)]
struct Host(String);

impl Storable for Host {
    type Storer = StoreReplace<Self>;
}

/// Why nothing answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// The name means nothing.
    Unknown,
    /// Nobody listens.
    Refused,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "does not exist; is the region, or the endpoint, mistyped?",
            Self::Refused => "refuses connections; is the endpoint right?",
        })
    }
}

fn reason(error: &ConnectorError) -> Option<Reason> {
    if !is_unsent(error) {
        return None;
    }
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        // The client's own type for this is private, so that its words have to do.
        if error.to_string() == "dns error" {
            return Some(Reason::Unknown);
        }
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return Some(Reason::Refused);
        }
        next = error.source();
    }
    None
}

/// The host of a URL, with its port where that is written.
fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?']).next().map(str::to_owned)
}
