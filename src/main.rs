//! The plugin's executable.

use std::process::ExitCode;
use std::sync::Arc;

use terraform_provider_replicated::plugin::{Command, Identity, Program, print, run, write_error};
use terraform_provider_replicated::provider::{ADDRESS, ReplicatedProvider, documentation};

fn main() -> ExitCode {
    run(&Program {
        identity: Identity {
            address: ADDRESS,
            version: env!("CARGO_PKG_VERSION"),
        },
        provider: || Arc::new(ReplicatedProvider::new()),
        commands: &[Command {
            name: "docs",
            summary: "write docs/ of the repository from the schemas; --check only compares",
            run: docs,
        }],
    })
}

fn docs(program: &Program, arguments: &[String]) -> ExitCode {
    match documentation::run((program.provider)(), arguments) {
        Ok(done) => print(&done),
        Err(why) => {
            write_error(&why);
            ExitCode::FAILURE
        }
    }
}
