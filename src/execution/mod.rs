//! Runs the pure middle's queries and steps against a [`cloud::Cloud`]. Knows no AWS SDK and no Terraform.
//!
//! [`observe`] fills an `Observed`, [`executor`] runs a `StepGraph`, [`verify`] follows canaries, [`backfill`] follows a
//! job. All are structured: everything that they start has ended when they return.

pub mod backfill;
mod bucket_tags;
pub mod cloud;
pub mod deadline;
mod documents;
mod emptying;
pub mod executor;
mod locks;
mod made;
pub mod observe;
mod retry;
mod run;
mod step;
pub mod verify;

pub use locks::DocumentLocks;
