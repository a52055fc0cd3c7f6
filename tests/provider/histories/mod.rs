//! Histories: what people, faults and time may do to a setup, one after the other, at random.
//!
//! A history is a few applies of any configurations, destroys and imports, some of them with a fault, and changes by
//! hand. Whatever happened before, the configuration that is applied last alone decides what is there at the end: exactly
//! what a fresh create of it makes beside the same things of others. What others wrote is still there, planning what
//! was just applied is empty, and no run makes a call again that has succeeded.
//!
//! `HISTORIES` in the environment says how many are played, `HISTORIES_SEED` which; a history that fails prints the seed
//! that plays it alone.

mod by_hand;
mod setup;
mod step;
mod tally;
mod walk;
mod world;

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt as _;
use proptest::strategy::Strategy as _;
use proptest::test_runner::{
    Config, RngAlgorithm, TestCaseError, TestCaseResult, TestError, TestRng, TestRunner,
};

use step::{History, histories};
use support::closing::number;
use tally::Tally;
use walk::Walk;

/// How many histories are played where nobody says otherwise.
const HISTORIES: usize = 2000;
/// The first of them; the others have the numbers after it.
const SEED: u64 = 1;
/// After so many failures no further history is begun.
const ENOUGH: usize = 2;

#[test]
fn whatever_happened_before_the_last_configuration_alone_decides_what_is_there() {
    let (histories, seed) = (
        number("HISTORIES").unwrap_or(HISTORIES),
        number("HISTORIES_SEED").unwrap_or(SEED),
    );
    let next = AtomicUsize::new(0);
    let (tally, failed) = (Tally::default(), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        let play = || loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= histories || failed.lock().unwrap().len() >= ENOUGH {
                return;
            }
            let played = played(seed + n as u64, &tally);
            failed.lock().unwrap().extend(played.err());
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(play);
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    tally.print(seed);
}

/// Plays the history of a seed. Where it fails, a shorter one that fails as well is looked for and told.
fn played(seed: u64, tally: &Tally) -> Result<(), String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        max_shrink_iters: 400,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let history = histories()
        .new_tree(&mut runner)
        .map_err(|reason| reason.to_string())?;
    match runner.run_one(history, |history| play(&history, tally)) {
        Ok(_) => Ok(()),
        Err(TestError::Fail(wrong, history)) => Err(format!(
            "{wrong}\nin this history, which HISTORIES_SEED={seed} HISTORIES=1 plays before it is made shorter:\n{history:?}"
        )),
        Err(TestError::Abort(reason)) => Err(reason.to_string()),
    }
}

fn play(history: &History, tally: &Tally) -> TestCaseResult {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let played = runtime.block_on(async {
        let mut walk = Walk::new().await;
        let played = AssertUnwindSafe(walk.play(history)).catch_unwind().await;
        (played, walk.counts)
    });
    match played {
        (Ok(Ok(())), counts) => {
            tally.add(counts);
            Ok(())
        }
        (Ok(Err(wrong)), _) => Err(TestCaseError::fail(wrong)),
        (Err(panic), _) => {
            let words = panic.downcast_ref::<String>().cloned();
            Err(TestCaseError::fail(words.unwrap_or_else(|| {
                format!("{:?}", panic.downcast_ref::<&str>())
            })))
        }
    }
}
