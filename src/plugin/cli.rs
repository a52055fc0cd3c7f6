//! The command line of a provider: nothing for Terraform, a few words for people.
//!
//! [`run`] is all that a provider's `main` calls. Further sub-commands are entries of a table in [`Program`].

use std::ffi::OsString;
use std::fmt::Write;
use std::process::ExitCode;
use std::sync::Arc;

use crate::framework::provider::Provider;
use crate::framework::server::Server;

use super::schema_json;
use super::serve::{self, Identity, print_line, write_error};

/// Exit code of a command line that is not understood.
pub(super) const USAGE_ERROR: u8 = 2;

/// What a thread may take for its stack, as much as the process's first one has. Debug builds keep everything that a long
/// `async` function could need on the stack at once, and the two megabytes that threads have otherwise are then too few.
const STACK: usize = 8 * 1024 * 1024;

/// A provider as a program.
pub struct Program {
    /// What the provider is called.
    pub identity: Identity,
    /// Makes the provider.
    pub provider: fn() -> Arc<dyn Provider>,
    /// Sub-commands next to the built-in ones.
    pub commands: &'static [Command],
}

/// A sub-command.
pub struct Command {
    /// Its word on the command line.
    pub name: &'static str,
    /// One line for the usage text.
    pub summary: &'static str,
    /// Runs it with the arguments behind its name.
    pub run: fn(&Program, &[String]) -> ExitCode,
}

/// The sub-commands that every provider has.
const BUILT_IN: &[Command] = &[Command {
    name: "schema",
    summary: "print the schemas as JSON, as \"terraform providers schema -json\" does",
    run: print_schema,
}];

/// Does what the process's arguments ask for; without arguments, serves Terraform.
pub fn run(program: &Program) -> ExitCode {
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument: OsString| argument.to_string_lossy().into_owned())
        .collect();
    match Invocation::parse(&arguments, program.commands) {
        Invocation::Serve => on_runtime(|| serve::serve((program.provider)(), &program.identity)),
        Invocation::Debug => on_runtime(|| serve::debug((program.provider)(), &program.identity)),
        Invocation::Version => print(&format!(
            "terraform-provider-{} {}",
            program.identity.name(),
            program.identity.version
        )),
        Invocation::Help => print(usage(program).trim_end()),
        Invocation::Command(command, rest) => (command.run)(program, rest),
        Invocation::Unknown(argument) => {
            write_error(&format!(
                "Unknown argument: {argument}\n\n{}",
                usage(program)
            ));
            ExitCode::from(USAGE_ERROR)
        }
    }
}

/// What a command line asks for.
enum Invocation<'a> {
    Serve,
    Debug,
    Version,
    Help,
    Command(&'a Command, &'a [String]),
    Unknown(&'a str),
}

impl<'a> Invocation<'a> {
    fn parse(arguments: &'a [String], commands: &'a [Command]) -> Self {
        let Some((first, rest)) = arguments.split_first() else {
            return Self::Serve;
        };
        let mut all = BUILT_IN.iter().chain(commands);
        if let Some(command) = all.find(|command| command.name == first.as_str()) {
            return Self::Command(command, rest);
        }
        match (first.as_str(), rest.first()) {
            ("-debug" | "--debug", None) => Self::Debug,
            ("-version" | "--version", None) => Self::Version,
            ("-help" | "--help" | "-h", None) => Self::Help,
            (
                "-debug" | "--debug" | "-version" | "--version" | "-help" | "--help" | "-h",
                Some(more),
            ) => Self::Unknown(more),
            (unknown, _) => Self::Unknown(unknown),
        }
    }
}

fn usage(program: &Program) -> String {
    let mut text = format!(
        "Terraform starts this program by itself. People can say:\n\n  \
         terraform-provider-{} ARGUMENT\n\n",
        program.identity.name()
    );
    let flags = [
        ("--version", "print the version"),
        ("--debug", "stay up, and print how to attach Terraform"),
        ("--help", "print this text"),
    ];
    let commands = BUILT_IN.iter().chain(program.commands);
    for (name, summary) in commands.map(|c| (c.name, c.summary)).chain(flags) {
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "  {name:<12} {summary}");
    }
    text
}

/// Prints what a sub-command has to say; fails when nobody takes it.
pub fn print(text: &str) -> ExitCode {
    match print_line(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn print_schema(program: &Program, rest: &[String]) -> ExitCode {
    if let Some(argument) = rest.first() {
        write_error(&format!(
            "Unknown argument: {argument}\n\n{}",
            usage(program)
        ));
        return ExitCode::from(USAGE_ERROR);
    }
    let server = Server::new((program.provider)());
    let document = schema_json::document(program.identity.address, server.schemas());
    print(&format!("{document:#}"))
}

/// Runs to the end, and leaves without waiting for what is still open.
pub(super) fn on_runtime<F: Future<Output = ExitCode>>(main: impl FnOnce() -> F) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(STACK)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            write_error(&format!("The provider cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async { main().await });
    runtime.shutdown_background();
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTRA: &[Command] = &[Command {
        name: "policy",
        summary: "print a policy",
        run: |_, rest| ExitCode::from(u8::try_from(rest.len()).expect("a few")),
    }];

    fn parsed(arguments: &[&str]) -> String {
        let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
        match Invocation::parse(&arguments, EXTRA) {
            Invocation::Serve => "serve".into(),
            Invocation::Debug => "debug".into(),
            Invocation::Version => "version".into(),
            Invocation::Help => "help".into(),
            Invocation::Command(command, rest) => format!("{} {rest:?}", command.name),
            Invocation::Unknown(argument) => format!("unknown {argument}"),
        }
    }

    #[test]
    fn every_command_line_has_one_meaning() {
        for (arguments, meaning) in [
            (&[][..], "serve"),
            (&["-debug"], "debug"),
            (&["--debug"], "debug"),
            (&["--version"], "version"),
            (&["-h"], "help"),
            (&["schema"], "schema []"),
            (&["policy", "--of", "role"], "policy [\"--of\", \"role\"]"),
            (&["--debug", "now"], "unknown now"),
            (&["apply"], "unknown apply"),
            (&[""], "unknown "),
        ] {
            assert_eq!(parsed(arguments), meaning, "{arguments:?}");
        }
    }
}
