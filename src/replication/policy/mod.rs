//! Policy documents: built, parsed, compared by meaning and merged by Sid.

use super::operation::Input;

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyDocument {
    /// The statements in the order in which they are written.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// `Sid`.
    pub sid: String,
    /// Resources; keys may still have to be made.
    pub resources: Vec<Input<String>>,
}
