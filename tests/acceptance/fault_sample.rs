//! A sample of the table of faults under real Terraform: a life of a resource, from its create to its delete, in which
//! every command meets a fault somewhere. The whole table is in `tests/provider/faults`.
//!
//! The line `fault sample:` tells what was played. `FAULT_SEED=<seed>` plays other faults at other calls, `FAULT_LIVES=20`
//! twenty lives each. Calls of one moment may come in another order the next time, so a position may then be another
//! call of that moment.

use support::Outcome;
use support::closing::{number, say};
use support::dice::Dice;
use support::proxy::{Action, Fault, Rule};
use support::terraform::{Client, Run, interrupt_group, kill_providers};

use crate::faults::{assert_state_has_what_is_left, hasty_provider};
use crate::on_each_client;
use crate::setup::{RESOURCE, Setup};

on_each_client!(a_cross_account_life_with_faults, a_two_way_life_with_faults,);

async fn a_cross_account_life_with_faults(client: Client) -> Outcome {
    lives(client, "cross-account-kms", ["", "two_way = true"]).await
}

async fn a_two_way_life_with_faults(client: Client) -> Outcome {
    lives(client, "two_way", ["two_way = true", ""]).await
}

/// What is done in a life, in this order, each with about how many calls it makes.
const COMMANDS: [(Command, usize); 5] = [
    (Command::Create, 42),
    (Command::Read, 32),
    (Command::Update, 80),
    (Command::Import, 50),
    (Command::Delete, 80),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Create,
    Read,
    Update,
    Import,
    Delete,
}

/// What may befall a command, and of how many calls.
const STRIKES: [(&str, usize, Strike); 13] = [
    ("503", 1, |_| status(503, "SlowDown")),
    ("503, lasting", usize::MAX, |_| status(503, "SlowDown")),
    ("500", 1, |_| status(500, "InternalError")),
    ("500, lasting", usize::MAX, |_| status(500, "InternalError")),
    ("AccessDenied", 1, |_| status(403, "AccessDenied")),
    ("OperationAborted", 1, |_| status(409, "OperationAborted")),
    ("cut before", 1, |_| Fault::CutBefore),
    ("cut after", 1, |_| Fault::CutAfter),
    ("truncated", 1, |_| Fault::Truncate),
    ("garbled", 1, |_| Fault::Garble),
    ("connection refused", 1, |_| Fault::Refuse),
    ("SIGKILL", 1, |process_id| {
        Fault::RunAfter(Action::new(move || drop(kill_providers(process_id))))
    }),
    ("SIGINT", 1, |process_id| {
        Fault::RunBefore(Action::new(move || drop(interrupt_group(process_id))))
    }),
];

/// A fault for calls of the Terraform with this process ID.
type Strike = fn(u32) -> Fault;

fn status(status: u16, code: &str) -> Fault {
    let body = format!("<Error><Code>{code}</Code><Message>not now</Message></Error>");
    Fault::Status(status, body)
}

async fn lives(client: Client, name: &str, destinations: [&str; 2]) -> Outcome {
    let seed = number("FAULT_SEED").unwrap_or(1);
    for life in 0..number("FAULT_LIVES").unwrap_or(1) {
        let setup = Setup::new(client.clone()).await?;
        setup.workspace.write("provider.tf", &hasty_provider())?;
        let mut life = Life {
            setup,
            destinations,
            dice: Dice::of(seed, name, life),
            told: Vec::new(),
            struck: 0,
        };
        let lived = life.live().await;
        let told = life.told.join("; ");
        let line = format!("fault sample: {name}, seed {seed}: {told}");
        say(&line);
        lived.map_err(|error| format!("{told}: {error}"))?;
        assert!(
            life.struck > 2,
            "the commands make fewer calls than is said: {told}"
        );
    }
    Ok(())
}

struct Life<'a> {
    setup: Setup,
    /// What the destination says, before the update and after it.
    destinations: [&'a str; 2],
    dice: Dice,
    told: Vec<String>,
    /// How many faults were met.
    struck: usize,
}

impl Life<'_> {
    async fn live(&mut self) -> Outcome {
        for (command, calls) in COMMANDS {
            let strike = *self.dice.one_of(&STRIKES);
            let nth = self.dice.below(calls) + 1;
            self.suffer(command, strike, nth).await?;
        }
        Ok(())
    }

    /// A command with a fault at its `nth` call, and the same command again until it succeeds, which it has to at once.
    async fn suffer(
        &mut self,
        command: Command,
        (name, times, strike): (&str, usize, Strike),
        nth: usize,
    ) -> Outcome {
        let (setup, proxy) = (&self.setup, &self.setup.proxy);
        let id = self.prepare(command).await?;
        let arguments = arguments(command, &id);
        proxy.take_log();
        let running = setup.workspace.start(&arguments)?;
        let process_id = running.process_id().ok_or("Terraform ended at once")?;
        proxy.add_rule(Rule::on("", strike(process_id))?.nth(nth).times(times));
        let run = running.finish().await?;
        let calls = proxy.log().len();
        let struck = calls >= nth;
        let place = if struck {
            "at call"
        } else {
            "not reached, call"
        };
        self.told.push(format!("{command:?} {name} {place} {nth}"));
        proxy.clear_rules();
        self.struck += usize::from(struck);
        if struck && name == "connection refused" {
            proxy.reopen().await?;
        }
        if command == Command::Create && run.code != Some(0) && name != "SIGKILL" {
            assert_state_has_what_is_left(setup).await?;
        }
        if !self.is_done(command, &run).await? {
            setup.workspace.run(&arguments).await?.success()?;
        }
        self.check(command).await
    }

    /// What Terraform needs before the command. The ID to import with.
    async fn prepare(&self, command: Command) -> Outcome<String> {
        let [before, after] = self.destinations;
        match command {
            Command::Create => self.setup.configure("", before)?,
            Command::Update => self.setup.configure("", after)?,
            Command::Import => {
                let id = self.setup.state().await?["import_id"].clone();
                self.forget().await?;
                return Ok(id.as_str().ok_or("no import ID")?.to_owned());
            }
            Command::Read | Command::Delete => {}
        }
        Ok(String::new())
    }

    /// Takes the resource out of the state, as a person does who means to import it.
    async fn forget(&self) -> Outcome {
        let forget = ["state", "rm", RESOURCE];
        self.setup.workspace.run(&forget).await?.success()?;
        Ok(())
    }

    /// Whether nothing is left to do. What was imported cannot be imported again, unless a person lets go of it, because
    /// it was told not to be whole.
    async fn is_done(&self, command: Command, run: &Run) -> Outcome<bool> {
        if command != Command::Import {
            return Ok(run.code == Some(0));
        }
        let is_there = !self.setup.state().await?.is_null();
        let warnings = ["cannot be told", "cannot be entered"];
        let is_whole = !warnings.iter().any(|warning| run.text().contains(warning));
        if is_there && !is_whole {
            self.forget().await?;
        }
        Ok(is_there && is_whole)
    }

    /// Exactly what belongs to the configuration is there, and nothing is left to do.
    async fn check(&self, command: Command) -> Outcome {
        let setup = &self.setup;
        if command == Command::Delete {
            assert_eq!(setup.remains().await?, Vec::<String>::new());
            return Ok(());
        }
        setup.workspace.plan().await?.success()?;
        let is_updated = matches!(command, Command::Update | Command::Import);
        let is_two_way = !self.destinations[usize::from(is_updated)].is_empty();
        let abroad: &[&str] = match is_two_way {
            true => &["alias", "bucket", "key", "role"],
            false => &["alias", "bucket", "key"],
        };
        for (clients, kinds) in [
            (setup.at_source(), &["alias", "bucket", "key", "role"][..]),
            (setup.at_destination(), abroad),
        ] {
            let remains = clients.remains().await?;
            let found = remains.iter().filter_map(|line| line.split(' ').next());
            let found: Vec<_> = found.collect();
            assert_eq!(found, kinds, "{remains:?}");
        }
        Ok(())
    }
}

fn arguments(command: Command, id: &str) -> Vec<&str> {
    match command {
        Command::Create | Command::Update => vec!["apply", "-auto-approve", "-no-color"],
        Command::Read => vec!["plan", "-detailed-exitcode", "-no-color"],
        Command::Import => vec!["import", "-no-color", RESOURCE, id],
        Command::Delete => vec!["destroy", "-auto-approve", "-no-color"],
    }
}
