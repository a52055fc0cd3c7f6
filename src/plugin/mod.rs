//! x
mod connection;
pub mod generated;
pub mod handshake;
pub mod tls;
pub mod listener;
pub mod logging;
#[cfg(unix)]
pub mod socket;
