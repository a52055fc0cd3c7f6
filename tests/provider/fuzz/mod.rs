//! Input that nobody should send: valid input, damaged in many ways, and whatever is made of it must not make the
//! provider panic, nor go on with something other than it understood.
//!
//! Every run tries something else; its seed stands in the closing line `fuzz:` and in the message of whatever fails.
//! `FUZZ_SEED=<seed>` tries the same again, `FUZZ_TIMES=100` a hundred times as much.

mod damage;
mod hostile;
mod in_process;
mod messages;
mod parsers;

use std::hash::{BuildHasher as _, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, OnceLock};

use support::closing::{number, say};
use support::dice::Dice;

/// Executions of a target of parsers, and of one of whole messages.
const PARSED: u64 = 30_000;
const ANSWERED: u64 = 2_000;

macro_rules! targets {
    ($($name:ident: $times:expr, $target:expr;)*) => {
        const TARGETS: usize = [$(stringify!($name)),*].len();

        $(#[test]
        fn $name() {
            fuzz(stringify!($name), $times, $target);
        })*
    };
}

targets! {
    values_in_messagepack: PARSED, parsers::values_in_messagepack();
    the_resource_in_messagepack: PARSED / 5, parsers::the_resource_in_messagepack();
    values_in_json: PARSED, parsers::values_in_json();
    types_in_json: PARSED, parsers::types_in_json();
    numbers: PARSED, parsers::numbers();
    names_and_arns: PARSED, parsers::names_and_arns();
    policies: PARSED, parsers::policies();
    import_ids: ANSWERED, messages::import_ids();
    private_states: ANSWERED, messages::private_states();
    stored_states: ANSWERED, messages::stored_states();
    messages_to_a_provider_without_configuration: ANSWERED, messages::without_configuration();
    messages_to_a_configured_provider: ANSWERED, messages::configured();
}

/// Tries a target often. Each execution has dice of its own, so that it can be had again without those before it.
fn fuzz(name: &'static str, times: u64, mut target: impl FnMut(&mut Dice)) {
    let mut tally = Tally::default();
    for execution in 0..times * number("FUZZ_TIMES").unwrap_or(1) {
        let mut dice = Dice::of(seed(), name, execution);
        let ended = catch_unwind(AssertUnwindSafe(|| target(&mut dice)));
        tally.executions += 1;
        if let Err(panic) = ended {
            tally.panics = 1;
            let seed = seed();
            say(&format!(
                "{name}: execution {execution} failed; FUZZ_SEED={seed} tries it again"
            ));
            drop(tally);
            resume_unwind(panic);
        }
    }
}

/// The seed of this run.
fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let chance = || RandomState::new().hash_one(0) & 0xffff_ffff;
        number("FUZZ_SEED").unwrap_or_else(chance)
    })
}

/// What one target came to; the last to end tells of all.
#[derive(Default)]
struct Tally {
    executions: u64,
    panics: u64,
}

impl Drop for Tally {
    fn drop(&mut self) {
        static ENDED: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());
        let mut ended = ENDED.lock().unwrap();
        ended.push((self.executions, self.panics));
        if ended.len() == TARGETS {
            let executions: u64 = ended.iter().map(|(executions, _)| executions).sum();
            let panics: u64 = ended.iter().map(|(_, panics)| panics).sum();
            say(&format!(
                "fuzz: {TARGETS} targets, {executions} executions, {panics} panics, seed {}",
                seed()
            ));
        }
    }
}
