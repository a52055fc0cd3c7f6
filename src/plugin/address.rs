//! Where a plugin listens, as the handshake tells it.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where a plugin listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The path of a socket.
    Unix(PathBuf),
    /// A loopback address.
    Tcp(SocketAddr),
}

impl Address {
    /// The network's name in the handshake line.
    pub fn network(&self) -> &'static str {
        match self {
            Self::Unix(_) => "unix",
            Self::Tcp(_) => "tcp",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Tcp(address) => address.fmt(f),
        }
    }
}
