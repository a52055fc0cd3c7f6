//! Where the plugin listens: a socket in a directory of its own, or a port on the loopback interface.
//!
//! [`Listener::bind`] opens what the client's environment asks for; what comes out are connections that are
//! ready to speak HTTP/2. The socket and its directory go away with the [`Listener`].

use std::io;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tracing::debug;

use super::address::Address;
use super::connection::{ByteStream, Clients, Connection};
use super::handshake::Environment;
#[cfg(unix)]
use super::socket::{Socket, SocketError};

/// How long a client may take to finish the TLS handshake.
const TLS_HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// How many clients may be in the TLS handshake at once. There is one client in practice.
const TLS_HANDSHAKES_AT_ONCE: usize = 16;

/// The pause after a failure to accept, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the plugin cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The socket could not be made.
    #[cfg(unix)]
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// No port was free.
    #[error("no port from {} to {} on 127.0.0.1 can be used", ports.start(), ports.end())]
    Port {
        /// The ports tried.
        ports: RangeInclusive<u16>,
        /// What the last one said.
        #[source]
        source: io::Error,
    },
}

/// A place that accepts connections.
#[derive(Debug)]
pub struct Listener {
    address: Address,
    accepting: Accepting,
}

#[derive(Debug)]
enum Accepting {
    #[cfg(unix)]
    Unix(Socket),
    Tcp(TcpListener),
}

impl Listener {
    /// Opens a socket as the client's environment asks for. Needs a tokio runtime.
    #[cfg(unix)]
    pub async fn bind(environment: &Environment) -> Result<Self, ListenError> {
        let socket = Socket::bind(
            environment.socket_directory.as_deref(),
            environment.socket_group.as_deref(),
        )?;
        Ok(Self {
            address: Address::Unix(socket.path().to_owned()),
            accepting: Accepting::Unix(socket),
        })
    }

    /// Opens a port as the client's environment asks for.
    #[cfg(not(unix))]
    pub async fn bind(environment: &Environment) -> Result<Self, ListenError> {
        Self::bind_tcp(environment.ports.clone()).await
    }

    /// Opens the first free port of the range on the loopback interface; without one, any.
    pub async fn bind_tcp(ports: Option<RangeInclusive<u16>>) -> Result<Self, ListenError> {
        let ports = ports.unwrap_or(0..=0);
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for port in ports.clone() {
            let bound = async {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
                Ok((listener.local_addr()?, listener))
            };
            match bound.await {
                Ok((address, listener)) => {
                    return Ok(Self {
                        address: Address::Tcp(address),
                        accepting: Accepting::Tcp(listener),
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(ListenError::Port {
            ports,
            source: last,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Connections of clients, with TLS where given. A client that fails the handshake is left out.
    pub(super) fn incoming(
        self,
        tls: Option<Arc<ServerConfig>>,
        clients: Arc<Clients>,
    ) -> impl Stream<Item = io::Result<Connection>> + Send {
        let acceptor = tls.map(TlsAcceptor::from);
        let accepted = stream::unfold(self.accepting, async |accepting| {
            loop {
                match accepting.accept().await {
                    Ok(stream) => return Some((stream, accepting)),
                    Err(error) => {
                        debug!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        });
        accepted
            .map(move |stream| secure(stream, acceptor.clone()))
            .buffer_unordered(TLS_HANDSHAKES_AT_ONCE)
            .filter_map(move |secured| {
                let connection = match secured {
                    Ok(stream) => Some(Ok(Connection::new(stream, Arc::clone(&clients)))),
                    Err(error) => {
                        debug!(%error, "a client failed the TLS handshake");
                        None
                    }
                };
                std::future::ready(connection)
            })
    }
}

impl Accepting {
    async fn accept(&self) -> io::Result<Box<dyn ByteStream>> {
        match self {
            #[cfg(unix)]
            Self::Unix(socket) => Ok(Box::new(socket.accept().await?)),
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
        }
    }
}

async fn secure(
    stream: Box<dyn ByteStream>,
    acceptor: Option<TlsAcceptor>,
) -> io::Result<Box<dyn ByteStream>> {
    let Some(acceptor) = acceptor else {
        return Ok(stream);
    };
    let stream = tokio::time::timeout(TLS_HANDSHAKE_LIMIT, acceptor.accept(stream)).await??;
    Ok(Box::new(stream))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_passed_over() {
        let taken = Listener::bind_tcp(None).await.expect("any port");
        let Address::Tcp(address) = taken.address() else {
            panic!("not TCP: {}", taken.address());
        };
        let port = address.port();
        let error = Listener::bind_tcp(Some(port..=port))
            .await
            .expect_err("taken");
        assert_eq!(
            error.to_string(),
            format!("no port from {port} to {port} on 127.0.0.1 can be used")
        );
        let next = Listener::bind_tcp(Some(port..=u16::MAX))
            .await
            .expect("a later port");
        assert_ne!(next.address(), taken.address());
    }
}
