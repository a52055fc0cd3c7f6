//! The plugin server as Terraform meets it: over real sockets, with real certificates, through gRPC.
//!
//! - `provider`: a provider with one of everything, which behaves as the names in its configuration say.
//! - `client`: Terraform's side, as small as it can be.
//! - `connecting`, `lifetime`, `calls`, `process`, `deferral`: the tests.

#![expect(
    clippy::expect_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod calls;
mod client;
mod connecting;
mod deferral;
mod lifetime;
mod process;
mod provider;
