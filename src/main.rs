//! The plugin's executable.

use std::process::ExitCode;
use std::sync::Arc;

use terraform_provider_replicated::plugin::{
    ActionCommand, Command, Identity, Program, print, run, run_action, write_error,
};
use terraform_provider_replicated::provider::{
    ADDRESS, ReplicatedProvider, documentation, mistyped,
};

const BACKFILL: ActionCommand = ActionCommand {
    name: "backfill",
    action: "replicated_bucket_backfill",
    operand: "import_id",
};

const VERIFY: ActionCommand = ActionCommand {
    name: "verify",
    action: "replicated_bucket_verify",
    operand: "import_id",
};

fn main() -> ExitCode {
    run(&Program {
        identity: Identity {
            address: ADDRESS,
            version: env!("CARGO_PKG_VERSION"),
        },
        provider: || Arc::new(ReplicatedProvider::new()),
        commands: &[
            Command {
                name: "check",
                summary: "find keys in .tf files that the schemas do not know: check [DIR]",
                run: |program, arguments| tell(mistyped::run(&*(program.provider)(), arguments)),
            },
            Command {
                name: "backfill",
                summary: "replicate the objects that were there before: backfill IMPORT_ID [FLAGS]",
                run: |program, arguments| run_action(program, BACKFILL, arguments),
            },
            Command {
                name: "verify",
                summary: "show by real objects that a setup replicates: verify IMPORT_ID [FLAGS]",
                run: |program, arguments| run_action(program, VERIFY, arguments),
            },
            Command {
                name: "docs",
                summary: "write docs/ of the repository from the schemas: docs [--check] [DIR]",
                run: |program, arguments| tell(documentation::run((program.provider)(), arguments)),
            },
        ],
    })
}

/// What a command has to say, or why it failed.
fn tell(outcome: Result<String, String>) -> ExitCode {
    match outcome {
        Ok(done) => print(&done),
        Err(why) => {
            write_error(&why);
            ExitCode::FAILURE
        }
    }
}
