//! Edits of one document follow one another within the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::replication::policy::{self, PolicyDocument};

/// For how long AWS may go on showing what a write took the place of.
pub(super) const OLD_SHOWS_FOR: Duration = Duration::from_secs(60);

/// One lock for each document that somebody in this process edits.
#[derive(Debug, Default)]
pub struct DocumentLocks {
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Written>>>>,
}

impl DocumentLocks {
    /// The lock of a document, by a name that no other document has.
    pub(super) fn of(&self, document: &str) -> Arc<tokio::sync::Mutex<Written>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.entry(document.to_owned()).or_default().clone()
    }
}

/// What this process wrote of a document a moment ago. AWS may show an older one for a while, and who merged into that
/// would take out again what the edit before has put in.
#[derive(Debug, Default)]
pub(super) struct Written {
    last: Option<Option<PolicyDocument>>,
    /// What earlier edits took the place of, and until when.
    replaced: Vec<(Instant, Option<PolicyDocument>)>,
    /// The same of the edit under way.
    by_this: Vec<(Instant, Option<PolicyDocument>)>,
}

impl Written {
    /// Begins another edit.
    pub(super) fn begin(&mut self) {
        self.replaced.append(&mut self.by_this);
        self.replaced
            .retain(|(since, _)| since.elapsed() < OLD_SHOWS_FOR);
    }

    /// Remembers that a document was put in the place of another one.
    pub(super) fn put(&mut self, before: Option<PolicyDocument>, now: Option<PolicyDocument>) {
        self.by_this.push((Instant::now(), before));
        self.last = Some(now);
    }

    /// Whether a document is one that an earlier edit took the place of, so that AWS is likely to be slow. After a while
    /// it is rather somebody else who put it back.
    pub(super) fn is_old(&self, seen: Option<&PolicyDocument>) -> bool {
        let is_last = self.last.as_ref().is_some_and(|last| same(last, seen));
        let mut replaced = self.replaced.iter();
        !is_last && replaced.any(|(since, old)| since.elapsed() < OLD_SHOWS_FOR && same(old, seen))
    }
}

fn same(a: &Option<PolicyDocument>, b: Option<&PolicyDocument>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => policy::same_meaning(a, b),
        (None, None) => true,
        _ => false,
    }
}
