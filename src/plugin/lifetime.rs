//! A plugin from its first connection to its end.
//!
//! [`Plugin::listen`] opens the place to connect to and knows the handshake line; [`Plugin::run`] answers until
//! one of three things happens: the client asks to end, the client is gone, or `interrupted` ends.
//! Then the provider is told to stop, calls under way get some time to end, the rest is dropped, and the
//! socket is removed.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use rustls::ServerConfig;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::Server as GrpcServer;
use tracing::{debug, warn};

use crate::framework::server::Server;

use super::address::Address;
use super::connection::Clients;
use super::go_plugin::Closing;
use super::handshake::{Environment, HandshakeLine};
use super::listener::{ListenError, Listener};
use super::service::Service;
use super::services::Services;
use super::tls::{self, TlsError};

/// Terraform kills a process that has not ended two seconds after it was asked to.
const TIME_AFTER_SHUTDOWN: Duration = Duration::from_millis(1500);

/// Nobody waits for the end of a process without a client, so calls under way may finish their step.
const TIME_WITHOUT_CLIENT: Duration = Duration::from_secs(30);

/// Answers on their way get this long; a client that then still holds its connection is left.
const TIME_FOR_LAST_WORDS: Duration = Duration::from_millis(250);

/// A plugin that listens and has not answered yet.
#[derive(Debug)]
pub struct Plugin {
    listener: Listener,
    tls: Option<Arc<ServerConfig>>,
    line: HandshakeLine,
    client: Client,
}

/// Whose plugin it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    /// One client started it; without that client there is no use for it.
    Single,
    /// Clients come and go.
    Any,
}

/// Why a plugin cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It cannot listen.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// It cannot encrypt.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Why a plugin ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The client asked for it.
    Shutdown,
    /// The client is gone.
    ClientGone,
    /// The process is to end.
    Interrupted,
}

impl End {
    fn grace(self) -> Duration {
        match self {
            Self::Shutdown => TIME_AFTER_SHUTDOWN,
            Self::ClientGone | Self::Interrupted => TIME_WITHOUT_CLIENT,
        }
    }
}

impl Plugin {
    /// Listens as the client's environment asks for. Needs a tokio runtime.
    pub async fn listen(environment: &Environment) -> Result<Self, StartError> {
        let listener = Listener::bind(environment).await?;
        Self::listen_on(listener, environment)
    }

    /// Listens at a place that is open already.
    pub fn listen_on(listener: Listener, environment: &Environment) -> Result<Self, StartError> {
        let tls = match &environment.client_certificate {
            Some(certificate) => Some(tls::mutual(certificate)?),
            None => None,
        };
        let (config, certificate) = tls.map(|tls| (tls.config, tls.certificate)).unzip();
        let line = HandshakeLine {
            address: listener.address().clone(),
            certificate,
            multiplex_asked: environment.multiplex,
        };
        Ok(Self {
            listener,
            tls: config,
            line,
            client: Client::Single,
        })
    }

    /// Stays when a client leaves, for the next one.
    #[must_use]
    pub fn for_any_client(mut self) -> Self {
        self.client = Client::Any;
        self
    }

    /// What the client must be told.
    pub fn handshake_line(&self) -> &HandshakeLine {
        &self.line
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        self.listener.address()
    }

    /// Answers until the end, and says which end it was.
    pub async fn run(
        self,
        server: Arc<Server>,
        interrupted: impl Future<Output = ()> + Send,
    ) -> Result<End, tonic::transport::Error> {
        let clients = Arc::new(Clients::default());
        let closing = Closing(CancellationToken::new());
        let calls = TaskTracker::new();

        let end = {
            let (asked, clients, client) = (closing.0.clone(), Arc::clone(&clients), self.client);
            async move {
                tokio::select! {
                    () = asked.cancelled() => End::Shutdown,
                    () = clients.gone(), if client == Client::Single => End::ClientGone,
                    () = interrupted => End::Interrupted,
                }
            }
            .shared()
        };
        let service = Service::new(Arc::clone(&server), calls.clone());
        let serving = GrpcServer::builder().serve_with_incoming_shutdown(
            Services::new(service, &closing),
            self.listener.incoming(self.tls, clients),
            end.clone().map(|_| ()),
        );
        let leaving = async {
            let end = end.await;
            debug!(?end, "the plugin ends");
            server.stop();
            closing.0.cancel();
            calls.close();
            if timeout(end.grace(), calls.wait()).await.is_err() {
                warn!(calls = calls.len(), "calls under way did not end in time");
            }
            end
        }
        .shared();
        let last_words = async {
            leaving.clone().await;
            sleep(TIME_FOR_LAST_WORDS).await;
        };
        let served = async {
            tokio::select! {
                result = serving => {
                    // Should serving end by itself, the rest ends too.
                    closing.0.cancel();
                    result
                }
                () = last_words => Ok(()),
            }
        };
        let (served, end) = tokio::join!(served, leaving.clone());
        served.map(|()| end)
    }
}
