//! Policy documents: built, read, compared by meaning, merged by Sid, measured and evaluated.
//!
//! Everything here is a pure function of its arguments. What is deliberately absent: any call to AWS, any
//! knowledge of plans, and any choice of *whether* a policy is needed; callers choose, this module words it.
//! A grant that names a key still to be made is a document all the same: its resources are
//! [`Input`](crate::replication::operation::Input)s, and [`PolicyDocument::resolve`] fills them in.
//!
//! Entry points: [`role_policy`], [`trust_policy`], [`destination_statements`] and [`key_policy`] build,
//! [`PolicyDocument::parse`] and [`PolicyDocument::render`] read and write JSON, [`same_meaning`] compares,
//! [`PolicyShare`] is what one owner wants in a document that others write to as well and [`merge`] edits it, and [`evaluate`] says what is allowed.

mod any_object;
mod backfill_role;
mod decryption;
mod destination_bucket;
mod document;
mod evaluate;
mod granted;
mod json;
mod key;
mod limits;
mod meaning;
mod merge;
mod replication_role;
mod require_tls;
mod share;
mod sid;
mod split;
mod trust;
mod unique_json;

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod variations;

pub use any_object::ANY_OBJECT;
pub use backfill_role::{ReportGrant, backfill_role_policy, backfill_trust_policy};
pub use decryption::{Decryption, decryption};
pub use destination_bucket::destination_statements;
pub use document::{Condition, Effect, Element, PolicyDocument, Principals, Statement, Unresolved};
pub use evaluate::{Decision, Denial, Request, Truth, Verdict, denial, evaluate, verdict};
pub use granted::{missing_grants, missing_grants_among};
pub use json::PolicyError;
pub use key::{destination_key_statement, key_policy, source_key_statement};
pub use limits::{ATTACHED_POLICIES, PolicyKind, TooLarge, TooManyDestinations, check_size, size};
pub use meaning::{same_grant, same_meaning, same_meaning_text, same_statement};
pub use merge::{foreign, merge, ours};
pub use replication_role::{DestinationGrant, RoleGrants, SourceGrant, role_policy};
pub use require_tls::{require_tls_sid, require_tls_statement};
pub use share::PolicyShare;
pub use sid::{is_ours, is_ours_for, is_replicated, sid};
pub use split::role_policies;
pub use trust::trust_policy;
