//! Editing a document that others write to as well.
//!
//! A bucket's or a key's policy may hold statements of its owner, of other tools and of other
//! `replicated_bucket`s. Ours are known by their Sids (see [`sid`](super::sid())); all others come through
//! unchanged and in their order. Nothing is remembered between two edits, so edits of different owners may
//! come in any order.

use std::collections::BTreeSet;

use super::document::{PolicyDocument, Statement};
use super::meaning::same_statement;

/// The document with exactly `wanted` as our statements.
///
/// Statements that `owned` recognises by their Sid are replaced where they stand, or removed when they are no
/// longer wanted; new ones go to the end. A wanted statement without a Sid is added unless the document says
/// the same already. With nothing wanted use [`remove_ours`], which tells when the whole policy goes.
pub fn merge(
    existing: Option<&PolicyDocument>,
    wanted: &[Statement],
    owned: impl Fn(&str) -> bool,
) -> PolicyDocument {
    let mut merged = PolicyDocument {
        statements: Vec::new(),
        ..existing.cloned().unwrap_or_default()
    };
    let mut placed = BTreeSet::new();
    for statement in existing.map_or(&[][..], |document| &document.statements) {
        let sid = statement.sid.as_deref();
        let replacement = sid.and_then(|sid| wanted_by_sid(wanted, sid));
        match (sid, replacement) {
            (Some(sid), Some(replacement)) => {
                if placed.insert(sid) {
                    merged.statements.push(replacement.clone());
                }
            }
            (Some(sid), None) if owned(sid) => {}
            _ => merged.statements.push(statement.clone()),
        }
    }
    for statement in wanted {
        let there = match statement.sid.as_deref() {
            Some(sid) => !placed.insert(sid),
            None => merged
                .statements
                .iter()
                .any(|s| same_statement(s, statement)),
        };
        if !there {
            merged.statements.push(statement.clone());
        }
    }
    merged
}

/// The document without our statements; `None` when nothing is left and the policy itself can go.
pub fn remove_ours(
    existing: &PolicyDocument,
    owned: impl Fn(&str) -> bool,
) -> Option<PolicyDocument> {
    let rest = merge(Some(existing), &[], owned);
    (!rest.statements.is_empty()).then_some(rest)
}

/// Our statements in the document.
pub fn ours(document: &PolicyDocument, owned: impl Fn(&str) -> bool) -> Vec<&Statement> {
    let is_ours = |s: &&Statement| s.sid.as_deref().is_some_and(&owned);
    document.statements.iter().filter(is_ours).collect()
}

/// What others wrote in the document.
pub fn foreign(document: &PolicyDocument, owned: impl Fn(&str) -> bool) -> Vec<&Statement> {
    let is_ours = |s: &&Statement| s.sid.as_deref().is_some_and(&owned);
    document.statements.iter().filter(|s| !is_ours(s)).collect()
}

fn wanted_by_sid<'a>(wanted: &'a [Statement], sid: &str) -> Option<&'a Statement> {
    wanted.iter().find(|s| s.sid.as_deref() == Some(sid))
}
