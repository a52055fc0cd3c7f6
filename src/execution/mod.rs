//! Runs the pure middle's queries and steps against a [`cloud::Cloud`]. Knows no AWS SDK and no Terraform.
//!
//! [`observe`] fills an `Observed`, [`executor`] runs a `StepGraph`. Both are structured: everything that they
//! start has ended when they return.

mod bucket_tags;
pub mod cloud;
pub mod deadline;
mod documents;
pub mod executor;
mod made;
pub mod observe;
mod retry;

pub use documents::DocumentLocks;
