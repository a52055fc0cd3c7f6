//! The plugin server: Terraform's plugin protocol over gRPC, for any provider of [`crate::framework`].
//!
//! Reusable: it knows no provider. It is the only user of tonic and prost. Ephemeral resources and state
//! stores are deliberately absent.
//!
//! The entry point is [`cli::run`], which a provider's `main` calls; below it stands [`serve()`], which speaks
//! to Terraform, and below that [`lifetime::Plugin`], which tests use directly. In reading order:
//! - [`cli`]: the command line; [`action_command`]: actions on it; [`mod@serve`]: the process, with its environment
//!   and signals.
//! - [`handshake`], [`listener`], [`tls`]: how the two processes meet.
//! - [`lifetime`]: from the first connection to the end.
//! - `services`, `service`, `calls`, `from_proto`, `to_proto`: the protocol itself, call by call.
//! - `go_plugin`: the services around it.
//! - [`logging`]: log lines and panics as Terraform reads them; [`schema_json`]: schemas for tools.

pub mod action_command;
pub mod address;
mod calls;
pub mod cli;
mod connection;
mod from_proto;
pub mod generated;
mod go_plugin;
pub mod handshake;
pub mod lifetime;
pub mod listener;
pub mod logging;
pub mod schema_json;
pub mod serve;
mod service;
pub mod services;
#[cfg(unix)]
pub mod socket;
pub mod tls;
mod to_proto;

pub use self::action_command::{ActionCommand, run_action};
pub use self::cli::{Command, Program, print, run};
pub use self::serve::{Identity, debug, serve, write_error};
