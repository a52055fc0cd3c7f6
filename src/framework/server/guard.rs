//! Panics of a provider, caught at the call and told to the practitioner.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::FutureExt;

use crate::framework::crash;
use crate::framework::diagnostics::Diagnostics;

/// Awaits a provider's answer; a panic becomes an error that names the operation.
///
/// The provider's own state may be half changed after a panic. That is accepted: the process lives on
/// only to tell Terraform what it knows, which is worth more than a clean end.
pub(super) async fn guarded<T>(
    operation: &str,
    call: impl Future<Output = T>,
) -> Result<T, Diagnostics> {
    AssertUnwindSafe(call)
        .catch_unwind()
        .await
        .map_err(|panic| panicked(operation, panic.as_ref()))
}

/// Calls a function of the provider that does not wait; a panic becomes an error.
pub(super) fn guarded_sync<T>(operation: &str, call: impl FnOnce() -> T) -> Result<T, Diagnostics> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| panicked(operation, panic.as_ref()))
}

/// The error for a panic during an operation.
pub(super) fn panicked(operation: &str, panic: &(dyn Any + Send)) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    diagnostics.error("The provider crashed", crash::report(operation, panic));
    diagnostics
}

/// What to do about a fault of the provider itself.
pub(super) const BUG: &str = "This is a bug in the provider. Please report it to the provider's developers, with the configuration, but for its secrets, and the steps that led here.";
