//! x
mod connection;
pub mod generated;
pub mod handshake;
pub mod tls;
pub mod listener;
#[cfg(unix)]
pub mod socket;
