//! `terraform-provider-replicated`: one block declares S3 replication across accounts, regions and keys.
//!
//! Modules in reading order, lower ones know nothing of higher ones:
//! - [`replication`]: the pure middle. What is wanted, what is there, the difference, the steps.
//! - [`execution`]: runs steps and queries against a port.
//! - [`aws`]: the port's AWS side.
//! - [`framework`]: schemas, values, and Terraform's rules; reusable.
//! - [`plugin`]: Terraform's plugin protocol over gRPC; reusable.
//! - [`provider`]: the composition of them all.

pub mod aws;
pub mod execution;
pub mod framework;
pub mod plugin;
pub mod provider;
pub mod replication;
