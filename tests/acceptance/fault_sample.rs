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
    lives(client, &CROSS_ACCOUNT).await
}

async fn a_two_way_life_with_faults(client: Client) -> Outcome {
    lives(client, &TWO_WAY).await
}

/// What is done in a life, in this order, each with how many calls it makes at the least.
const COMMANDS: [(Command, usize); 5] = [
    (Command::Create, 40),
    (Command::Read, 30),
    (Command::Update, 75),
    (Command::Import, 50),
    (Command::Delete, 55),
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
const STRIKES: [(&str, usize, Strike); 15] = [
    ("throttling", 1, |_| Fault::StatusFor(throttling)),
    ("throttling, lasting", usize::MAX, |_| {
        Fault::StatusFor(throttling)
    }),
    ("500", 1, |_| Fault::StatusFor(internal)),
    ("500, lasting", usize::MAX, |_| Fault::StatusFor(internal)),
    ("AccessDenied", 1, |_| Fault::StatusFor(denied)),
    ("OperationAborted", 1, |_| Fault::StatusFor(aborted)),
    ("expired session", usize::MAX, |_| Fault::StatusFor(expired)),
    ("hang beyond the time-out", 1, |_| Fault::Hang),
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

/// In so many lives each fault strikes once.
const ROUND: usize = STRIKES.len() / COMMANDS.len();

fn throttling(call: &str) -> (u16, String) {
    said(
        call,
        [
            (503, "SlowDown"),
            (400, "ThrottlingException"),
            (400, "Throttling"),
        ],
    )
}

fn internal(call: &str) -> (u16, String) {
    said(
        call,
        [
            (500, "InternalError"),
            (500, "KMSInternalException"),
            (500, "ServiceFailure"),
        ],
    )
}

fn denied(call: &str) -> (u16, String) {
    said(
        call,
        [
            (403, "AccessDenied"),
            (400, "AccessDeniedException"),
            (403, "AccessDenied"),
        ],
    )
}

/// What comes next to it where a service does not have it.
fn aborted(call: &str) -> (u16, String) {
    said(
        call,
        [
            (409, "OperationAborted"),
            (500, "DependencyTimeoutException"),
            (409, "ConcurrentModification"),
        ],
    )
}

fn expired(call: &str) -> (u16, String) {
    said(
        call,
        [
            (400, "ExpiredToken"),
            (400, "ExpiredTokenException"),
            (403, "ExpiredToken"),
        ],
    )
}

/// What S3, KMS, and IAM or STS say, each in its own form.
fn said(call: &str, [s3, kms, query]: [(u16, &str); 3]) -> (u16, String) {
    let operation = call.strip_prefix("POST / ");
    let is_kms = |name: &str| {
        ["Key", "Alias", "ResourceTags"]
            .iter()
            .any(|of| name.contains(of))
    };
    match operation {
        None => {
            let (status, code) = s3;
            let body = format!("<Error><Code>{code}</Code><Message>not now</Message></Error>");
            (status, body)
        }
        Some(name) if is_kms(name) => {
            let (status, code) = kms;
            let body = format!(r#"{{"__type": "{code}", "message": "not now"}}"#);
            (status, body)
        }
        Some(_) => {
            let (status, code) = query;
            let error = format!("<Error><Code>{code}</Code><Message>not now</Message></Error>");
            let body = format!("<ErrorResponse>{error}<RequestId>r-1</RequestId></ErrorResponse>");
            (status, body)
        }
    }
}

/// The faults of a life. Those of a round have each fault once, at a command that chance chooses.
fn dealt(seed: u64, turn: u64) -> Vec<(&'static str, usize, Strike)> {
    let round = ROUND as u64;
    let mut dice = Dice::of(seed, "deck", turn / round);
    let mut deck = STRIKES.to_vec();
    for last in (1..deck.len()).rev() {
        deck.swap(last, dice.below(last + 1));
    }
    let first = COMMANDS.len() * (turn % round) as usize;
    deck[first..first + COMMANDS.len()].to_vec()
}

#[test]
fn each_fault_of_the_sample_strikes_in_the_lives_of_one_run() {
    for seed in 1..=20 {
        let turns = CROSS_ACCOUNT.turns().chain(TWO_WAY.turns());
        let mut struck: Vec<&str> = turns
            .flat_map(|turn| dealt(seed, turn))
            .map(|(name, ..)| name)
            .collect();
        let mut all = STRIKES.map(|(name, ..)| name);
        struck.sort_unstable();
        all.sort_unstable();
        assert_eq!(struck, all);
    }
}

/// A life that is lived several times.
struct Kind {
    name: &'static str,
    /// What the destination says, before the update and after it.
    destinations: [&'static str; 2],
    /// Which hands of the deck it is dealt where nobody asks for more lives.
    first: u64,
    lives: u64,
}

/// Together as many lives as a round has.
const CROSS_ACCOUNT: Kind = Kind {
    name: "cross-account-kms",
    destinations: ["", "two_way = true"],
    first: 0,
    lives: 2,
};

const TWO_WAY: Kind = Kind {
    name: "two_way",
    destinations: ["two_way = true", ""],
    first: 2,
    lives: 1,
};

impl Kind {
    fn turns(&self) -> std::ops::Range<u64> {
        let lives = number("FAULT_LIVES").unwrap_or(self.lives);
        self.first..self.first + lives
    }
}

async fn lives(client: Client, kind: &Kind) -> Outcome {
    let seed = number("FAULT_SEED").unwrap_or(1);
    let name = kind.name;
    for turn in kind.turns() {
        let setup = Setup::new(client.clone()).await?;
        setup.workspace.write("provider.tf", &hasty_provider())?;
        let mut life = Life {
            setup,
            destinations: kind.destinations,
            dice: Dice::of(seed, name, turn),
            told: Vec::new(),
            struck: 0,
        };
        let lived = life.live(dealt(seed, turn)).await;
        let told = life.told.join("; ");
        let line = format!("fault sample: {name}, seed {seed}: {told}");
        say(&line);
        lived.map_err(|error| format!("{told}: {error}"))?;
        assert_eq!(
            life.struck,
            COMMANDS.len(),
            "a command makes fewer calls than is said: {told}"
        );
    }
    Ok(())
}

struct Life {
    setup: Setup,
    destinations: [&'static str; 2],
    dice: Dice,
    told: Vec<String>,
    /// How many faults were met.
    struck: usize,
}

impl Life {
    async fn live(&mut self, dealt: Vec<(&'static str, usize, Strike)>) -> Outcome {
        for ((command, calls), strike) in COMMANDS.into_iter().zip(dealt) {
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
        self.told
            .push(format!("{command:?} {name} {place} {nth} of {calls}"));
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
