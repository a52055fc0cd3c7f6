//! The process around a plugin: its environment, its signals, its two standard streams.
//!
//! [`serve()`] is what Terraform starts; [`debug`] is what a developer starts to attach Terraform to. Standard
//! output carries one line, after that nothing: Terraform would read it and throw it away.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;

use crate::framework::provider::Provider;
use crate::framework::server::Server;

use super::address::Address;
use super::handshake::{Environment, HandshakeError, PROTOCOL_VERSION};
use super::lifetime::{End, Plugin};
use super::logging;

/// How a provider is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The full source address: host, namespace and name.
    pub address: &'static str,
    /// The provider's version.
    pub version: &'static str,
}

impl Identity {
    /// The name that configurations and log variables use: the last part of the address.
    pub fn name(&self) -> &'static str {
        self.address.rsplit('/').next().unwrap_or(self.address)
    }

    /// The executable's name and version.
    fn program(&self) -> String {
        format!("terraform-provider-{} {}", self.name(), self.version)
    }
}

/// Serves the one client that started this process, until that client ends it or is gone.
///
/// Ctrl-C reaches the whole process group and is Terraform's to decide upon, so it is ignored.
pub async fn serve(provider: Arc<dyn Provider>, identity: &Identity) -> ExitCode {
    let environment = match Environment::read(|name| std::env::var_os(name)) {
        Ok(environment) => environment,
        Err(error @ HandshakeError::NotAPlugin) => return say_and_fail(&error.to_string()),
        Err(error) => return fail(&error),
    };
    log(identity);
    exit_code(serve_client(provider, &environment).await)
}

/// Serves any client that is told where, until a signal ends the process.
///
/// Prints the variable that tells Terraform where. There is no encryption: the socket is for its owner only.
pub async fn debug(provider: Arc<dyn Provider>, identity: &Identity) -> ExitCode {
    log(identity);
    exit_code(serve_any_client(provider, identity).await)
}

fn log(identity: &Identity) {
    let level = logging::level(identity.name(), |name| std::env::var_os(name));
    logging::init(level, identity.program());
}

async fn serve_client(
    provider: Arc<dyn Provider>,
    environment: &Environment,
) -> Result<End, Box<dyn Error>> {
    let terminated = signals::terminated_ignoring_interrupts()?;
    let plugin = Plugin::listen(environment).await?;
    print_line(&plugin.handshake_line().to_string())?;
    let server = Arc::new(Server::new(provider));
    Ok(plugin.run(server, terminated).await?)
}

async fn serve_any_client(
    provider: Arc<dyn Provider>,
    identity: &Identity,
) -> Result<End, Box<dyn Error>> {
    let ended = signals::interrupted_or_terminated()?;
    let plugin = Plugin::listen(&Environment::default())
        .await?
        .for_any_client();
    let reattach = reattach(identity, plugin.address());
    write_error("Set this variable where Terraform runs; end this process with Ctrl-C.");
    print_line(&format!("TF_REATTACH_PROVIDERS='{reattach}'"))?;
    let server = Arc::new(Server::new(provider));
    Ok(plugin.run(server, ended).await?)
}

/// The value of the variable by which Terraform attaches to a process that it has not started.
fn reattach(identity: &Identity, address: &Address) -> serde_json::Value {
    json!({
        identity.address: {
            "Protocol": "grpc",
            "ProtocolVersion": PROTOCOL_VERSION,
            "Pid": std::process::id(),
            // Terraform then leaves the process alone at the end of its run.
            "Test": true,
            "Addr": { "Network": address.network(), "String": address.to_string() },
        }
    })
}

fn exit_code(end: Result<End, Box<dyn Error>>) -> ExitCode {
    match end {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => fail(error.as_ref()),
    }
}

/// Says what is wrong with all its causes.
fn fail(error: &dyn Error) -> ExitCode {
    let mut text = format!("The provider cannot start: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    say_and_fail(&text)
}

fn say_and_fail(text: &str) -> ExitCode {
    write_error(text);
    ExitCode::FAILURE
}

/// Writes a line to standard error. If nobody listens there, nobody can be told.
pub fn write_error(line: &str) {
    let _unheard = writeln!(io::stderr().lock(), "{line}");
}

/// Writes a line to standard output at once.
pub(super) fn print_line(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

#[cfg(unix)]
pub(super) mod signals {
    use std::io;

    use futures::stream::{self, BoxStream, StreamExt};
    use tokio::signal::unix::{SignalKind, signal};

    /// Ends when the process is asked to terminate. From now on interrupts are ignored.
    pub(super) fn terminated_ignoring_interrupts() -> io::Result<impl Future<Output = ()> + Send> {
        // A handler that was installed once replaces the default for good.
        let _installed = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            terminate.recv().await;
        })
    }

    /// Ends at Ctrl-C or when the process is asked to terminate.
    pub(super) fn interrupted_or_terminated() -> io::Result<impl Future<Output = ()> + Send> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }

    /// Each Ctrl-C, and each request to terminate.
    pub(in crate::plugin) fn interrupts() -> io::Result<BoxStream<'static, ()>> {
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        let heard = stream::unfold((interrupt, terminate), |mut signals| async {
            tokio::select! {
                _ = signals.0.recv() => {}
                _ = signals.1.recv() => {}
            }
            Some(((), signals))
        });
        Ok(heard.boxed())
    }
}

#[cfg(not(unix))]
pub(super) mod signals {
    use std::io;

    use futures::stream::{self, BoxStream, StreamExt};

    /// Never ends: this system has no request to terminate. From now on interrupts are ignored.
    pub(super) fn terminated_ignoring_interrupts() -> io::Result<impl Future<Output = ()> + Send> {
        Ok(async {
            // Each round takes one interrupt; a system that cannot tell of them needs no ignoring.
            while tokio::signal::ctrl_c().await.is_ok() {}
            std::future::pending().await
        })
    }

    /// Ends at Ctrl-C.
    pub(super) fn interrupted_or_terminated() -> io::Result<impl Future<Output = ()> + Send> {
        Ok(async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }

    /// Each Ctrl-C.
    pub(in crate::plugin) fn interrupts() -> io::Result<BoxStream<'static, ()>> {
        let heard = stream::unfold((), |()| async {
            tokio::signal::ctrl_c().await.ok().map(|()| ((), ()))
        });
        Ok(heard.chain(stream::pending()).boxed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: Identity = Identity {
        address: "example.com/acme/thing",
        version: "1.2.3",
    };

    #[test]
    fn the_name_is_the_last_part_of_the_address() {
        assert_eq!(IDENTITY.name(), "thing");
    }

    #[test]
    fn reattaching_names_the_place_and_the_process() {
        let value = reattach(&IDENTITY, &Address::Unix("/tmp/p.sock".into()));
        assert_eq!(
            value,
            json!({
                "example.com/acme/thing": {
                    "Protocol": "grpc",
                    "ProtocolVersion": 6,
                    "Pid": std::process::id(),
                    "Test": true,
                    "Addr": { "Network": "unix", "String": "/tmp/p.sock" },
                }
            })
        );
    }
}
