//! What the acceptance tests, the demo and the bench share.
//!
//! - [`closing`]: what a suite says of itself at its end.
//! - [`cloud_watch`]: a small strict CloudWatch.
//! - [`dice`]: chance that can be had again.
//! - [`diagnostic`]: what a run said is wrong, and where.
//! - [`emulator`]: an emulated AWS on loopback, its accounts, and clients to look at what is there.
//! - [`evaluator`]: whether the documents allow what replication needs, and nothing more.
//! - [`examples`]: how much of a configuration is the setup itself.
//! - [`proxy`]: stands between a provider and the emulator, writes down every call and plays faults.
//! - [`s3_control`]: a small strict S3 Control, for jobs of S3 Batch Operations.
//! - [`server`]: what the servers of tests stand on.
//! - [`terraform`]: runs the Terraform of `PATH` or the one from PyPI in a directory of its own.
//!
//! Nothing here knows the provider's code: it is only ever run as Terraform runs it. Nothing here reads
//! the AWS configuration of the machine, nor its Terraform configuration.

pub mod closing;
pub mod cloud_watch;
pub mod diagnostic;
pub mod dice;
pub mod emulator;
pub mod evaluator;
pub mod examples;
pub mod features;
mod looking;
pub mod proxy;
pub mod python;
pub mod s3_control;
pub mod server;
pub mod terraform;

/// What goes wrong here goes to a person, never to a program.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A result whose error is for a person.
pub type Outcome<T = ()> = Result<T, Failure>;
