//! What a suite says of itself at its end, and the numbers that a person gives it.

use std::io::Write;
use std::str::FromStr;

/// Says a line past the capture of the test runner, in one write, so that no line of its own comes between.
pub fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// A number from the environment.
///
/// # Panics
///
/// Where the variable says something else: a run with another seed than was asked for would mislead.
pub fn number<T: FromStr>(variable: &str) -> Option<T> {
    let text = std::env::var(variable).ok()?;
    let number = text.parse().ok();
    Some(number.unwrap_or_else(|| panic!("{variable} is {text:?}, which is not a number")))
}
