//! Terraform's diagnostics as its `-json` output tells them: what they say, and at which line.

use std::fmt;

use serde_json::Value;

use crate::terraform::Run;

/// An error or a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// `error` or `warning`.
    pub severity: String,
    /// The one line.
    pub summary: String,
    /// What happened, and what to do.
    pub detail: String,
    /// Where in the configuration: the line itself, without its indentation. Empty where none was told.
    pub line: String,
}

impl Run {
    /// The diagnostics of a command that ran with `-json`.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        self.stdout
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter_map(|message| message.get("diagnostic").map(Diagnostic::new))
            .collect()
    }

    /// The errors of a command that ran with `-json`.
    pub fn errors(&self) -> Vec<Diagnostic> {
        let mut found = self.diagnostics();
        found.retain(|diagnostic| diagnostic.severity == "error");
        found
    }
}

impl Diagnostic {
    fn new(message: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            severity: text(&message["severity"]),
            summary: text(&message["summary"]),
            detail: text(&message["detail"]),
            line: text(&message["snippet"]["code"]).trim().to_owned(),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            severity,
            summary,
            detail,
            line,
        } = self;
        write!(f, "{severity}: {summary}\n  at: {line}\n  {detail}")
    }
}
