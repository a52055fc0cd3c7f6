//! Diagnostics: the only form in which an error or a warning reaches a person.

use super::value::AttributePath;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Terraform goes on.
    Warning,
    /// Terraform stops.
    Error,
}

/// One message to the practitioner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// One line.
    pub summary: String,
    /// What happened, where, and what to do next.
    pub detail: String,
    /// The attribute it is about; none for the whole resource.
    pub path: Option<AttributePath>,
}

/// Messages in the order they came up, without repeats.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// No messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a message, unless the same one is there already.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if !self.0.contains(&diagnostic) {
            self.0.push(diagnostic);
        }
    }

    /// Adds an error about the whole object.
    pub fn error(&mut self, summary: impl Into<String>, detail: impl Into<String>) {
        self.add(Severity::Error, None, summary.into(), detail.into());
    }

    /// Adds an error at an attribute.
    pub fn error_at(
        &mut self,
        path: AttributePath,
        summary: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.add(Severity::Error, Some(path), summary.into(), detail.into());
    }

    /// Adds a warning about the whole object.
    pub fn warning(&mut self, summary: impl Into<String>, detail: impl Into<String>) {
        self.add(Severity::Warning, None, summary.into(), detail.into());
    }

    /// Adds a warning at an attribute.
    pub fn warning_at(
        &mut self,
        path: AttributePath,
        summary: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.add(Severity::Warning, Some(path), summary.into(), detail.into());
    }

    /// Adds all messages of another list.
    pub fn extend(&mut self, other: Diagnostics) {
        for diagnostic in other.0 {
            self.push(diagnostic);
        }
    }

    /// Whether Terraform will stop.
    pub fn has_error(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    fn add(
        &mut self,
        severity: Severity,
        path: Option<AttributePath>,
        summary: String,
        detail: String,
    ) {
        self.push(Diagnostic {
            severity,
            summary,
            detail,
            path,
        });
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_message_is_told_once() {
        let mut diagnostics = Diagnostics::new();
        for name in ["a", "a", "b"] {
            diagnostics.error_at(AttributePath::root(name), "Invalid", "No.");
        }
        let mut more = Diagnostics::new();
        more.warning("Note", "Well.");
        more.error_at(AttributePath::root("b"), "Invalid", "No.");
        diagnostics.extend(more);
        assert_eq!(diagnostics.iter().count(), 3);
    }

    #[test]
    fn warnings_do_not_stop_terraform() {
        let mut diagnostics = Diagnostics::new();
        diagnostics.warning("Note", "Well.");
        assert!(!diagnostics.has_error());
        diagnostics.error("Invalid", "No.");
        assert!(diagnostics.has_error());
    }
}
