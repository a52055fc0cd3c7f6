//! What histories came to.

use std::sync::Mutex;
use support::closing::say;

/// What happened in histories.
#[derive(Default, Clone, Copy)]
pub struct Counts {
    pub applies: usize,
    pub destroys: usize,
    pub imports: usize,
    /// Faults that struck.
    pub faults: usize,
}

/// The sum of all histories.
#[derive(Default)]
pub struct Tally(Mutex<(usize, Counts)>);

impl Tally {
    /// One more history has ended well.
    pub fn add(&self, counts: Counts) {
        let mut sum = self.0.lock().unwrap();
        sum.0 += 1;
        sum.1.applies += counts.applies;
        sum.1.destroys += counts.destroys;
        sum.1.imports += counts.imports;
        sum.1.faults += counts.faults;
    }

    pub fn print(&self, seed: u64) {
        let (histories, counts) = *self.0.lock().unwrap();
        let Counts {
            applies,
            destroys,
            imports,
            faults,
        } = counts;
        let line = format!(
            "histories: {histories} histories, {applies} applies, {destroys} destroys, {imports} imports, {faults} faults: each ended as a fresh create (seed {seed})"
        );
        say(&line);
    }
}
