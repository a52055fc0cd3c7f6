//! An action as a sub-command, for clients of Terraform that have no actions.
//!
//! `terraform-provider-<name> <command> <operand> [flags]` configures the provider as an empty provider block would
//! (from the environment and the shared files), with flags over it, and then checks, plans and invokes the action as
//! Terraform does. The flags follow from the schemas, so an action has no command line of its own. Progress and
//! messages go to standard error. Ctrl-C asks the action to stop, as Terraform does; a second one ends the process.

mod flags;
mod screen;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use futures::stream::{BoxStream, StreamExt};

use self::flags::{Asked, Flags};
use self::screen::Screen;
use super::cli::{Program, USAGE_ERROR, on_runtime, print};
use super::serve::{signals, write_error};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::{ActionEvent, ClientCapabilities, ConfigureRequest};
use crate::framework::server::Server;
use crate::framework::value::Value;

/// Exit code of a process that a second Ctrl-C ended, as shells have it.
const INTERRUPTED: u8 = 130;

/// An action that is a sub-command, too.
#[derive(Debug, Clone, Copy)]
pub struct ActionCommand {
    /// The word on the command line.
    pub name: &'static str,
    /// The action's type name.
    pub action: &'static str,
    /// The attribute that the first argument is, without a flag.
    pub operand: &'static str,
}

/// Runs an action with the arguments behind its name.
pub fn run_action(program: &Program, command: ActionCommand, arguments: &[String]) -> ExitCode {
    let server = Arc::new(Server::new((program.provider)()));
    let Some(entry) = server.schemas().actions.get(command.action) else {
        write_error(&format!("This version has no action {}.", command.action));
        return ExitCode::FAILURE;
    };
    let flags = Flags {
        action: &entry.schema.block,
        provider: &server.schemas().provider.block,
        command,
    };
    let asked = match flags.parse(arguments) {
        Ok(Asked::Run { action, provider }) => (action, provider),
        Ok(Asked::Help) => return print(flags.usage(program.identity.name()).trim_end()),
        Err(why) => {
            write_error(&format!(
                "{why}\n\n{}",
                flags.usage(program.identity.name())
            ));
            return ExitCode::from(USAGE_ERROR);
        }
    };
    let (action, provider) = asked;
    let screen = Screen::new(io::stderr(), io::stderr().is_terminal());
    let server = Arc::clone(&server);
    on_runtime(move || async move {
        let interrupts = match signals::interrupts() {
            Ok(interrupts) => interrupts,
            Err(error) => {
                write_error(&format!("Ctrl-C cannot be heard: {error}"));
                return ExitCode::FAILURE;
            }
        };
        let outcome = invoke(
            &server,
            command.action,
            provider,
            action,
            screen,
            interrupts,
        )
        .await;
        match outcome {
            Outcome::Done => ExitCode::SUCCESS,
            Outcome::Failed => ExitCode::FAILURE,
            Outcome::Left => ExitCode::from(INTERRUPTED),
        }
    })
}

/// How an action ended.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Failed,
    /// Left while it ran.
    Left,
}

/// What Terraform does with an action, told to a person.
async fn invoke<W: Write>(
    server: &Server,
    action: &str,
    provider: Value,
    config: Value,
    mut screen: Screen<W>,
    mut interrupts: BoxStream<'static, ()>,
) -> Outcome {
    let client = ClientCapabilities::default();
    let mut said = server.validate_provider_config(&provider).await;
    said.extend(server.validate_action_config(action, &config).await);
    if !said.has_error() {
        let request = ConfigureRequest {
            terraform_version: "none".to_owned(),
            config: provider,
            client,
        };
        said.extend(server.configure_provider(request).await);
    }
    if !said.has_error() {
        said.extend(server.plan_action(action, &config, client).await);
    }
    screen.tell(&said);
    if said.has_error() {
        return Outcome::Failed;
    }
    let mut events = server.invoke_action(action, config).await;
    let mut is_stopping = false;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            Some(()) = interrupts.next() => {
                if is_stopping {
                    return Outcome::Left;
                }
                is_stopping = true;
                screen.say("Stopping: what is under way is ended in good order. Press Ctrl-C again to leave at once.");
                server.stop();
                continue;
            }
        };
        match event {
            Some(ActionEvent::Progress(line)) => screen.say(&line),
            Some(ActionEvent::Advance {
                message,
                done,
                total,
            }) => screen.advance(&message, done, total),
            Some(ActionEvent::Completed(said)) => return ended(&said, &mut screen),
            None => return ended(&Diagnostics::new(), &mut screen),
        }
    }
}

fn ended<W: Write>(said: &Diagnostics, screen: &mut Screen<W>) -> Outcome {
    screen.tell(said);
    match said.has_error() {
        true => Outcome::Failed,
        false => Outcome::Done,
    }
}

#[cfg(test)]
mod tests;
