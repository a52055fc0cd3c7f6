//! The two forms of a granting document, and when a document is as wanted.

use crate::replication::policy::{self, PolicyDocument};

/// Which of the two forms of a granting document is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// While old and new rules may both be live: whatever a rule of either needs.
    Wider,
    /// What the new rules need.
    Exact,
}

/// Whether the text of a document means what is wanted. What names a key that is still to be made is never there.
pub(super) fn same_document(text: &str, wanted: &PolicyDocument) -> bool {
    wanted.is_resolved()
        && PolicyDocument::parse(text).is_ok_and(|seen| policy::same_meaning(&seen, wanted))
}
