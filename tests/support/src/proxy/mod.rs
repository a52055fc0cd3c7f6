//! A proxy between a provider and the emulator: it writes down every call, and plays the network's and
//! AWS's faults by rule.
//!
//! Flow of one call: read the whole request, name it ([`operation`]), look for a [`Rule`] that matches,
//! wait the latency, forward, write it into the [`log`](Proxy::log), answer. Host header, path, query and
//! body pass unchanged, because the signature covers them. There is no TLS and no pooling of connections
//! to the emulator: each call has one of its own, so that a cut never touches another call.

mod log;
mod operation;
mod rule;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::http::request::Parts;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use log::Sessions;
pub use log::{Call, Log};
pub use operation::{Scope, operation_name, scope};
pub use rule::{Action, Fault, Rule};

use crate::server::{lock, serve};
use crate::{Failure, Outcome};

type Body = BoxBody<Bytes, Failure>;

/// A running proxy. It stops, with every connection through it, when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Mutex<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    began: Instant,
    state: Mutex<State>,
    refusing: tokio::sync::watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    latency: Duration,
    rules: Vec<Rule>,
    log: Log,
    calls: u64,
    sessions: Sessions,
}

impl Proxy {
    /// Starts a proxy in front of this address, on a free loopback port.
    pub async fn start(upstream: SocketAddr) -> Outcome<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream,
            began: Instant::now(),
            state: Mutex::default(),
            refusing: tokio::sync::watch::Sender::new(false),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            listener: Mutex::new(task),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Delays every call from now on by this much, before it is forwarded.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.state().latency = latency;
    }

    /// Adds a rule. Where several match one call, the first that was added acts.
    pub fn add_rule(&self, rule: Rule) {
        self.shared.state().rules.push(rule);
    }

    /// Forgets all rules, and the latency.
    pub fn clear_rules(&self) {
        let mut state = self.shared.state();
        state.rules.clear();
        state.latency = Duration::ZERO;
    }

    /// Listens again after [`Fault::Refuse`], on the same port.
    pub async fn reopen(&self) -> Outcome {
        let listener = TcpListener::bind(self.address).await?;
        self.shared.refusing.send_replace(false);
        let task = tokio::spawn(accept(listener, Arc::clone(&self.shared)));
        *lock(&self.listener) = task;
        Ok(())
    }

    /// The calls so far, in the order in which they began.
    pub fn log(&self) -> Log {
        self.shared.state().log.clone()
    }

    /// Takes the calls so far out of the log.
    pub fn take_log(&self) -> Log {
        std::mem::take(&mut self.shared.state().log)
    }

    /// Tells the account of an access key whose session was made past this proxy.
    pub fn know(&self, access_key: &str, account: &str) {
        self.shared.state().sessions.know(access_key, account);
    }

    /// Access keys, secret keys and tokens of the sessions that were made through this proxy.
    pub fn secrets(&self) -> Vec<String> {
        self.shared.state().sessions.secrets().to_vec()
    }

    /// How many calls of this API operation were made, attempts counted one by one.
    pub fn count(&self, operation: &str) -> usize {
        self.shared.state().log.count(operation)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The task owns the connections, so they end with it.
        lock(&self.listener).abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Serves connections until told to refuse them; then drops the listening socket with all of them.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut refusing = shared.refusing.subscribe();
    let serving = serve(listener, move |request| {
        answer(request, Arc::clone(&shared))
    });
    tokio::select! {
        never = serving => match never {},
        _ = refusing.wait_for(|refusing| *refusing) => {}
    }
}

/// Answers one call. An error closes the connection without an answer.
async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Body>, Failure> {
    let began = shared.began.elapsed();
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let (serial, fault, latency) = shared.state().begin(&head, &body, began);
    let result = play(&shared, fault, latency, Request::from_parts(head, body)).await;
    let ended = shared.began.elapsed();
    let mut state = shared.state();
    let status = result.as_ref().ok().map(|reply| reply.head.status.as_u16());
    state.log.end(serial, ended, status);
    let reply = result?;
    state.sessions.learn(&reply.body);
    reply.into_response()
}

impl State {
    /// Writes a call down, and tells which fault it gets.
    fn begin(
        &mut self,
        head: &Parts,
        body: &Bytes,
        began: Duration,
    ) -> (u64, Option<Fault>, Duration) {
        self.calls += 1;
        let mut call = Call::new(self.calls, head, body, began);
        let access_key = call.scope.as_ref().map(|scope| scope.access_key.as_str());
        call.account = access_key.and_then(|key| self.sessions.account_of(key));
        let fault = Rule::first_fault(&mut self.rules, &call.line());
        self.log.begin(call);
        (self.calls, fault, self.latency)
    }
}

/// What goes back to the caller.
struct Reply {
    head: hyper::http::response::Parts,
    body: Bytes,
    cut_short: bool,
}

impl Reply {
    fn into_response(mut self) -> Outcome<Response<Body>> {
        if !self.cut_short {
            let body = Full::new(self.body).map_err(|never: Infallible| match never {});
            return Ok(Response::from_parts(self.head, body.boxed()));
        }
        // The length that was announced stays, half of it comes, then the connection breaks.
        let length = self.body.len();
        self.head
            .headers
            .insert(hyper::header::CONTENT_LENGTH, length.max(1).into());
        let half = self.body.slice(..length / 2);
        let frames = futures::stream::iter([
            Ok(Frame::data(half)),
            Err(Failure::from("cut short by rule")),
        ]);
        // The first half has to leave before the error closes the connection.
        let frames = frames.then(|frame| async move {
            tokio::task::yield_now().await;
            frame
        });
        Ok(Response::from_parts(
            self.head,
            BoxBody::new(StreamBody::new(frames)),
        ))
    }
}

async fn play(
    shared: &Shared,
    fault: Option<Fault>,
    latency: Duration,
    request: Request<Bytes>,
) -> Outcome<Reply> {
    tokio::time::sleep(latency).await;
    match &fault {
        Some(Fault::Delay(delay)) => tokio::time::sleep(*delay).await,
        Some(Fault::Status(status, body)) => return scripted(*status, body),
        Some(Fault::CutBefore) => return Err("cut by rule before forwarding".into()),
        Some(Fault::Hang) => return std::future::pending().await,
        Some(Fault::Refuse) => {
            shared.refusing.send_replace(true);
            return Err("refused by rule".into());
        }
        Some(Fault::RunBefore(action)) => {
            action.run();
            return Err("cut by rule after its action".into());
        }
        _ => {}
    }
    let mut reply = forward(shared.upstream, request).await?;
    match fault {
        Some(Fault::CutAfter) => Err("cut by rule after forwarding".into()),
        Some(Fault::RunAfter(action)) => {
            action.run();
            Err("cut by rule after its action".into())
        }
        Some(Fault::Truncate) => {
            reply.cut_short = true;
            Ok(reply)
        }
        Some(Fault::Garble) => {
            reply.body = Bytes::from(vec![b'%'; reply.body.len()]);
            Ok(reply)
        }
        _ => Ok(reply),
    }
}

fn scripted(status: u16, body: &str) -> Outcome<Reply> {
    // Clients look at the body, not at the type; this one is right for both kinds.
    let kind = if body.starts_with('{') {
        "application/x-amz-json-1.1"
    } else {
        "application/xml"
    };
    let response = Response::builder()
        .status(status)
        .header(hyper::header::CONTENT_TYPE, kind)
        .body(())?;
    Ok(Reply {
        head: response.into_parts().0,
        body: Bytes::from(body.to_owned()),
        cut_short: false,
    })
}

async fn forward(upstream: SocketAddr, request: Request<Bytes>) -> Outcome<Reply> {
    let stream = TcpStream::connect(upstream).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let (mut head, body) = request.into_parts();
    // Hop by hop: the body is here in full and goes on with its length.
    head.headers.remove(hyper::header::CONNECTION);
    head.headers.remove(hyper::header::EXPECT);
    head.headers.remove(hyper::header::TRANSFER_ENCODING);
    // Who takes this for an HTTP proxy sends the whole URL.
    if let Some(path) = head.uri.path_and_query().cloned() {
        head.uri = path.into();
    }
    let is_head = head.method == hyper::Method::HEAD;
    let request = Request::from_parts(head, Full::new(body));
    let exchange = async move {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok::<_, Failure>((head, body))
    };
    // The connection is driven here and not in a task of its own, so that nothing outlives this call.
    let connection = async move {
        let _ = connection.await;
        std::future::pending::<Infallible>().await
    };
    let (mut head, body) = tokio::select! {
        answered = exchange => answered?,
        never = connection => match never {},
    };
    head.headers.remove(hyper::header::CONNECTION);
    head.headers.remove(hyper::header::TRANSFER_ENCODING);
    if !is_head {
        head.headers.remove(hyper::header::CONTENT_LENGTH);
    }
    Ok(Reply {
        head,
        body,
        cut_short: false,
    })
}
