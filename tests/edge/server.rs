//! A scripted AWS on loopback: it writes down each request and answers as the test says.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, StreamBody, combinators::BoxBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::{Request, Response, StatusCode};

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Operation: `CreateKey`, or method and path where the request does not name one.
    pub(crate) operation: String,
    /// All headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: String,
}

impl Received {
    /// A header's text; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The credential scope: access key, date, region, service.
    pub(crate) fn scope(&self) -> Vec<String> {
        let (_, rest) = self
            .header("authorization")
            .split_once("Credential=")
            .unwrap_or_default();
        let scope = rest.split(',').next().unwrap_or_default();
        scope.split('/').map(str::to_owned).collect()
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Answers.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Closes the connection without a word.
    Cut,
    /// Answers, and closes the connection in the middle of the body.
    Truncated(String),
    /// Never answers.
    Silence,
}

impl Reply {
    /// Success with a body.
    pub(crate) fn ok(body: &str) -> Self {
        Self::Answer(200, Vec::new(), body.to_owned())
    }

    /// The same answer with another status.
    pub(crate) fn with_status(self, status: u16) -> Self {
        match self {
            Self::Answer(_, headers, body) => Self::Answer(status, headers, body),
            other => other,
        }
    }

    /// An error as S3 writes it.
    pub(crate) fn s3_error(status: u16, code: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>scripted</Message></Error>");
        Self::Answer(status, Vec::new(), body)
    }

    /// An error as KMS writes it.
    pub(crate) fn kms_error(status: u16, code: &str) -> Self {
        let body = format!("{{\"__type\":\"{code}\",\"message\":\"scripted\"}}");
        Self::Answer(status, Vec::new(), body)
    }

    /// An error as IAM and STS write it.
    pub(crate) fn query_error(status: u16, code: &str) -> Self {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>scripted</Message></Error><RequestId>r</RequestId></ErrorResponse>"
        );
        Self::Answer(status, Vec::new(), body)
    }
}

type Script = dyn Fn(&Received, usize) -> Reply + Send + Sync;

/// A running server. It ends when this is dropped.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) url: String,
    log: Arc<Mutex<Vec<Received>>>,
    _running: support::server::Server,
}

impl Server {
    /// Starts a server whose script is told the request, and how many of that operation came before it.
    pub(crate) async fn start(
        script: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Script> = Arc::new(script);
        let written = Arc::clone(&log);
        let running = support::server::Server::start(move |request| {
            answer(request, Arc::clone(&written), Arc::clone(&script))
        })
        .await
        .unwrap();
        Self {
            url: running.url(),
            log,
            _running: running,
        }
    }

    /// Every request so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.log.lock().unwrap().clone()
    }

    /// How many requests of each operation came.
    pub(crate) fn counts(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for received in self.received() {
            *counts.entry(received.operation).or_default() += 1;
        }
        counts
    }

    /// How many requests of one operation came.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.counts().get(operation).copied().unwrap_or_default()
    }
}

/// Why the server breaks a connection off.
#[derive(Debug)]
struct BrokenOff;

impl std::fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken off by the script")
    }
}

impl std::error::Error for BrokenOff {}

async fn answer(
    request: Request<Incoming>,
    log: Arc<Mutex<Vec<Received>>>,
    script: Arc<Script>,
) -> Result<Response<BoxBody<Bytes, BrokenOff>>, BrokenOff> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| BrokenOff)?.to_bytes();
    let received = received(&head, &body);
    let earlier = {
        let mut log = log.lock().unwrap();
        let same = |earlier: &&Received| earlier.operation == received.operation;
        let earlier = log.iter().filter(same).count();
        log.push(received.clone());
        earlier
    };
    match script(&received, earlier) {
        Reply::Answer(status, headers, body) => {
            let mut response = Response::builder()
                .status(StatusCode::from_u16(status).unwrap())
                .header("x-amzn-requestid", "scripted-request");
            for (name, value) in headers {
                response = response.header(name, value);
            }
            let body = http_body_util::Full::new(Bytes::from(body)).map_err(never);
            Ok(response.body(body.boxed()).unwrap())
        }
        Reply::Cut => Err(BrokenOff),
        Reply::Truncated(body) => {
            let frames = [Ok(Frame::data(Bytes::from(body))), Err(BrokenOff)];
            let body = StreamBody::new(futures::stream::iter(frames));
            Ok(Response::builder()
                .header("content-length", "100000")
                .body(BodyExt::boxed(body))
                .unwrap())
        }
        Reply::Silence => pending().await,
    }
}

fn never(never: Infallible) -> BrokenOff {
    match never {}
}

fn received(head: &hyper::http::request::Parts, body: &Bytes) -> Received {
    let body = String::from_utf8_lossy(body).into_owned();
    let path = head.uri.to_string();
    let target = head
        .headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .and_then(|target| target.split_once('.'))
        .map(|(_, operation)| operation.to_owned());
    let action = body
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="))
        .map(str::to_owned);
    Received {
        operation: target
            .or(action)
            .unwrap_or_else(|| format!("{} {path}", head.method)),
        headers: head.headers.clone(),
        body,
    }
}
