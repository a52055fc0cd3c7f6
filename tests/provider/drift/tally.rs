//! What the rows of a table came to, told when the last one has ended.

use std::sync::Mutex;
use support::closing::say;

/// The rows of all tables of differences.
pub static DIFFERENCES: Tally = Tally::new("differences", ["detected", "repaired"]);
/// The rows of what means nothing.
pub static HARMLESS: Tally = Tally::new("changes that mean nothing", ["unseen", "left alone"]);

/// What rows came to.
pub struct Tally {
    what: &'static str,
    steps: [&'static str; 2],
    ended: Mutex<Vec<usize>>,
}

impl Tally {
    const fn new(what: &'static str, steps: [&'static str; 2]) -> Self {
        Self {
            what,
            steps,
            ended: Mutex::new(Vec::new()),
        }
    }

    /// A row begins; there are so many.
    pub fn begin(&'static self, total: usize) -> Progress {
        Progress {
            tally: self,
            total,
            steps: 0,
        }
    }
}

/// How far a row got. It counts when it is dropped, so one that fails counts too.
pub struct Progress {
    tally: &'static Tally,
    total: usize,
    steps: usize,
}

impl Progress {
    /// The next step has succeeded.
    pub fn step(&mut self) {
        self.steps += 1;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let Tally { what, steps, ended } = self.tally;
        let mut ended = ended.lock().unwrap();
        ended.push(self.steps);
        if ended.len() != self.total {
            return;
        }
        let reached = |step: usize| ended.iter().filter(|steps| **steps >= step).count();
        let [first, second] = steps;
        let line = format!(
            "drift: {} {what}: {} {first}, {} {second}",
            ended.len(),
            reached(1),
            reached(2)
        );
        say(&line);
    }
}
