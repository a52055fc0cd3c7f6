//! Terraform's own checks of a plan and of a result, as pure functions.
//!
//! A provider whose answers pass here never makes Terraform say "Provider produced invalid plan" or
//! "Provider produced inconsistent result after apply". The server runs them in debug builds, the tests
//! everywhere. Entry points: [`assert_plan_valid`], [`assert_object_compatible`],
//! [`assert_replace_paths`], and [`proposed_new_state`] to make plans without Terraform.

mod compatible;
mod plan;

use std::fmt;

pub use self::compatible::assert_object_compatible;
pub use self::plan::{assert_plan_valid, assert_replace_paths};
pub(crate) use self::plan::{changes, is_write_only};
pub use super::proposed::proposed_new_state;
use super::value::AttributePath;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub path: AttributePath,
    /// Which rule.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.0.is_empty() {
            write!(f, "{}", self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// The findings as lines of text.
pub(crate) fn list(findings: &[Finding]) -> String {
    let lines: Vec<_> = findings.iter().map(|f| format!("  - {f}")).collect();
    lines.join("\n")
}

/// Collects findings.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, path: &AttributePath, message: impl Into<String>) {
        self.0.push(Finding {
            path: path.clone(),
            message: message.into(),
        });
    }
}
