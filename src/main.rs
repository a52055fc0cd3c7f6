//! The plugin's executable.

use std::process::ExitCode;
use std::sync::Arc;

use terraform_provider_replicated::plugin::{Identity, Program, run};
use terraform_provider_replicated::provider::{ADDRESS, ReplicatedProvider};

fn main() -> ExitCode {
    run(&Program {
        identity: Identity {
            address: ADDRESS,
            version: env!("CARGO_PKG_VERSION"),
        },
        provider: || Arc::new(ReplicatedProvider::new()),
        commands: &[],
    })
}
