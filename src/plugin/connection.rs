//! One client's connection, whatever carries it, and the count of those that are there.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

/// A two-way stream of bytes: a socket, a port, or TLS over either.
pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// Tells when the last client has left.
#[derive(Debug, Default)]
pub(super) struct Clients {
    here: AtomicUsize,
    gone: CancellationToken,
}

impl Clients {
    /// Waits until there were clients and there are none any more.
    pub(super) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    fn arrive(&self) {
        self.here.fetch_add(1, Ordering::SeqCst);
    }

    fn leave(&self) {
        if self.here.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.gone.cancel();
        }
    }
}

/// A connection that is ready to speak HTTP/2.
pub(super) struct Connection {
    stream: Box<dyn ByteStream>,
    clients: Arc<Clients>,
    spoke: bool,
}

impl Connection {
    pub(super) fn new(stream: Box<dyn ByteStream>, clients: Arc<Clients>) -> Self {
        Self {
            stream,
            clients,
            spoke: false,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.spoke {
            self.clients.leave();
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        // A probe that connects and says nothing is not a client: its leaving must not end the process.
        if !self.spoke && buffer.filled().len() > before {
            self.spoke = true;
            self.clients.arrive();
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn the_last_client_that_spoke_and_left_is_noticed() {
        let clients = Arc::new(Clients::default());
        let connect = || {
            let (near, far) = tokio::io::duplex(64);
            (Connection::new(Box::new(near), Arc::clone(&clients)), far)
        };

        let (silent, _far) = connect();
        drop(silent);
        assert!(!clients.gone.is_cancelled(), "a probe is not a client");

        let (mut first, mut first_far) = connect();
        let (mut second, mut second_far) = connect();
        for (near, far) in [(&mut first, &mut first_far), (&mut second, &mut second_far)] {
            far.write_all(b"x").await.expect("written");
            near.read_u8().await.expect("read");
        }
        drop(first);
        assert!(!clients.gone.is_cancelled(), "one is still there");
        drop(second);
        clients.gone().await;
    }
}
