//! How long AWS takes to show what was done: nothing of it is an error, and all of it is answered with one.

use std::time::Duration;

use tokio::time::Instant;

/// A delay for each thing that shows late.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Delays {
    /// A new role as a principal of policies.
    pub(crate) principals: Duration,
    /// Versioning of a bucket, to the check of replication rules.
    pub(crate) versioning: Duration,
    /// A new key in the list of keys.
    pub(crate) lists_of_keys: Duration,
    /// A new bucket, role or key, to every call about it.
    pub(crate) what_is_new: Duration,
    /// The name of a deleted bucket, to whoever makes another.
    pub(crate) deleted_names: Duration,
    /// Rules that were written or deleted, to whoever reads them; and their end, to a change of versioning.
    pub(crate) rules: Duration,
    /// Policies of buckets that were written or deleted, to whoever reads them.
    pub(crate) policies: Duration,
    /// The end of a role's policies, to the deletion of the role.
    pub(crate) role_policies: Duration,
}

/// Whether something that happened at `since` shows by now.
pub(super) fn shows(since: Instant, delay: Duration) -> bool {
    since.elapsed() >= delay
}
