//! What the rows came to, as the closing lines tell it: a line for each row, a table of each row and each fault, and with
//! the last row what each fault came to in all of them.

use std::fmt;
use std::iter::Sum;
use std::sync::Mutex;

use support::closing::say;

use super::ROWS;
use super::fault::FAULTS;

/// What some faults came to: how many were tried, and how many ended how.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub tried: usize,
    pub converged: usize,
    pub orphans: usize,
    pub wrong_states: usize,
}

/// What a row came to.
#[derive(Default)]
pub struct Tally {
    /// By the place in the list of faults.
    by_fault: [Counts; FAULTS.len()],
    pub findings: Vec<String>,
}

impl Tally {
    pub fn count(&mut self, fault: &str, counts: Counts) {
        let place = FAULTS.iter().position(|(name, _)| *name == fault);
        let cell = &mut self.by_fault[place.unwrap()];
        *cell = [*cell, counts].into_iter().sum();
    }

    /// Says what the row of this name came to, at so many calls.
    pub fn print(&self, name: &str, calls: usize) {
        static ENDED: Mutex<Vec<[Counts; FAULTS.len()]>> = Mutex::new(Vec::new());
        let all: Counts = self.by_fault.into_iter().sum();
        let faults = FAULTS.len();
        say(&format!(
            "faults: {name}: {faults} faults at {calls} calls: {all}"
        ));
        say(&head());
        say(&table_row(name, &self.by_fault));
        let mut ended = ENDED.lock().unwrap();
        ended.push(self.by_fault);
        if ended.len() == ROWS {
            for (place, (fault, _)) in FAULTS.iter().enumerate() {
                let of_fault: Counts = ended.iter().map(|row| row[place]).sum();
                say(&format!("faults: of all {ROWS} rows: {fault}: {of_fault}"));
            }
        }
    }
}

/// The head of the table. Closing lines are sorted, and the spaces keep it above the rows.
fn head() -> String {
    let names = FAULTS.map(|(_, fault)| format!("{:>COLUMN$}", fault.short()));
    let what = "tried/converged/orphans/wrong states";
    format!("fault table:  {what:<NAME$}{}", names.concat())
}

fn table_row(name: &str, cells: &[Counts]) -> String {
    let cells: String = cells
        .iter()
        .map(|of| {
            let numbers = [of.tried, of.converged, of.orphans, of.wrong_states];
            format!("{:>COLUMN$}", numbers.map(|n| n.to_string()).join("/"))
        })
        .collect();
    format!("fault table: {name:<width$}{cells}", width = NAME + 1)
}

const NAME: usize = 55;
const COLUMN: usize = 14;

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} tried, {} converged, {} orphans, {} wrong states",
            self.tried, self.converged, self.orphans, self.wrong_states
        )
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, more| Self {
            tried: sum.tried + more.tried,
            converged: sum.converged + more.converged,
            orphans: sum.orphans + more.orphans,
            wrong_states: sum.wrong_states + more.wrong_states,
        })
    }
}

#[test]
fn a_row_of_the_table_tells_each_fault_in_its_column() {
    let mut tally = Tally::default();
    let [(first, _), .., (last, _)] = FAULTS;
    let one = Counts {
        tried: 1,
        converged: 1,
        ..Counts::default()
    };
    tally.count(first, one);
    tally.count(first, one);
    let orphaned = Counts {
        tried: 1,
        orphans: 1,
        ..Counts::default()
    };
    tally.count(last, orphaned);
    let row = table_row("create", &tally.by_fault);
    let (head, cells) = (head(), |line: &str| {
        let cells = line.get("fault table: ".len() + NAME + 1..).unwrap();
        cells
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    assert_eq!(cells(&head).len(), FAULTS.len());
    let cells = cells(&row);
    assert_eq!(cells.len(), FAULTS.len());
    assert_eq!(
        (cells[0].as_str(), cells[1].as_str()),
        ("2/2/0/0", "0/0/0/0")
    );
    assert_eq!(cells.last().unwrap(), "1/0/1/0");
    assert!(head < row, "sorted, the head stands above");
}
