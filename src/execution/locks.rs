//! Edits of one document follow one another within the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// One lock for each document that somebody in this process edits.
#[derive(Debug, Default)]
pub struct DocumentLocks {
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl DocumentLocks {
    /// The lock of a document, by a name that no other document has.
    pub(super) fn of(&self, document: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.entry(document.to_owned()).or_default().clone()
    }
}
