//! A small strict S3 Control on loopback, for jobs of S3 Batch Operations that replicate objects. The emulator has none.
//!
//! It is reached as a proxy, because nothing resolves the account's host name below an endpoint. Requests are held
//! against the shapes of the service's model ([`request`]), jobs play their states look by look ([`job`]), and reports of
//! failed tasks are written as objects to wherever the job says.

mod job;
mod request;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use tokio::sync::Notify;

pub use self::job::Play;
use self::job::{Job, Place};
use crate::Outcome;
use crate::emulator::Clients;
use crate::proxy::scope;
use crate::server::{Server, lock};

const JOBS: &str = "/v20180820/jobs";
/// Jobs on one page of a list.
const PAGE: usize = 2;

/// A running S3 Control. It stops when this is dropped.
#[derive(Debug)]
pub struct S3Control {
    shared: Arc<Mutex<State>>,
    /// Told after each request.
    heard: Arc<Notify>,
    server: Server,
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The API operation.
    pub operation: &'static str,
    /// The host that it was meant for.
    pub host: String,
    /// The region that it was signed for.
    pub region: String,
    /// Path and query.
    pub path: String,
    /// Its body.
    pub body: String,
}

#[derive(Debug, Default)]
struct State {
    asked: Vec<Asked>,
    jobs: Vec<Job>,
    /// How jobs to come go.
    play: Play,
    /// Where reports are written.
    reports: Option<Clients>,
    /// How often an operation is still refused, and with which status and code.
    refusals: BTreeMap<&'static str, (usize, u16, &'static str)>,
}

/// A refusal: the status, AWS's code, and why.
#[derive(Debug)]
pub(crate) struct Refused(u16, &'static str, String);

impl S3Control {
    /// Starts one without jobs, on a free loopback port.
    pub async fn start() -> Outcome<Self> {
        let shared = Arc::<Mutex<State>>::default();
        let heard = Arc::<Notify>::default();
        let (asked, told) = (Arc::clone(&shared), Arc::clone(&heard));
        let server = Server::start(move |request| {
            let (asked, told) = (Arc::clone(&asked), Arc::clone(&told));
            async move {
                let response = answer(request, asked).await;
                told.notify_waiters();
                response
            }
        })
        .await?;
        Ok(Self {
            shared,
            heard,
            server,
        })
    }

    /// Its address as a proxy.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// How jobs go that are made from now on.
    pub fn play(&self, play: Play) {
        lock(&self.shared).play = play;
    }

    /// With whose eyes reports are written from now on.
    pub fn report_to(&self, clients: Clients) {
        lock(&self.shared).reports = Some(clients);
    }

    /// Refuses the next so many requests of an operation.
    pub fn refuse(&self, operation: &'static str, times: usize, status: u16, code: &'static str) {
        lock(&self.shared)
            .refusals
            .insert(operation, (times, status, code));
    }

    /// Takes the requests so far.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut lock(&self.shared).asked)
    }

    /// Waits until the newest job has a status.
    pub async fn until(&self, status: &str) {
        loop {
            let mut heard = std::pin::pin!(self.heard.notified());
            heard.as_mut().enable();
            if self.statuses().last() == Some(&status) {
                return;
            }
            heard.await;
        }
    }

    /// The status of each job, in the order in which they were made.
    pub fn statuses(&self) -> Vec<&'static str> {
        let state = lock(&self.shared);
        state.jobs.iter().map(|job| job.status()).collect()
    }
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let header = |name: &str| {
        let value = head.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    };
    let body = body.collect().await.map(|body| body.to_bytes());
    let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
    let scope = scope(header("authorization"));
    let path = head.uri.path_and_query().map_or("", |path| path.as_str());
    let asked = Asked {
        operation: operation(head.method.as_str(), head.uri.path()),
        host: head.uri.host().unwrap_or(header("host")).to_owned(),
        region: scope.as_ref().map_or("", |scope| &scope.region).to_owned(),
        path: path.to_owned(),
        body,
    };
    let service = scope.map(|scope| scope.service).unwrap_or_default();
    let account = header("x-amz-account-id").to_owned();
    let told = State::told(&shared, asked, &service, &account);
    // What a job has to write is there before anybody hears that it is complete.
    let told = match told {
        Ok((body, reports, Some(clients))) => {
            let mut failed = None;
            for (bucket, key, text) in reports {
                if let Err(why) = clients.put_text(&bucket, &key, &text).await {
                    failed = Some(Refused(500, "InternalServiceException", why.to_string()));
                }
            }
            failed.map_or(Ok(body), Err)
        }
        Ok((body, reports, None)) if reports.is_empty() => Ok(body),
        Ok(_) => {
            let why = "a report is to be written, and the test did not say by whom (report_to)";
            Err(Refused(400, "BadRequestException", why.to_owned()))
        }
        Err(refused) => Err(refused),
    };
    let (status, body) = match told {
        Ok(body) => (200, body),
        Err(Refused(status, code, why)) => {
            let why = escaped(&why);
            let error = format!("<Error><Code>{code}</Code><Message>{why}</Message></Error>");
            (
                status,
                format!("<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>"),
            )
        }
    };
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/xml")
        .header("x-amz-request-id", "scripted-request");
    let response = response.body(Full::new(Bytes::from(body)));
    Ok(response.unwrap_or_default())
}

/// The API operation of a method and a path.
fn operation(method: &str, path: &str) -> &'static str {
    let rest = path.strip_prefix(JOBS).unwrap_or("no job");
    match (method, rest.matches('/').count(), rest.ends_with("/status")) {
        ("POST", 0, false) if rest.is_empty() => "CreateJob",
        ("GET", 0, false) if rest.is_empty() => "ListJobs",
        ("GET", 1, false) => "DescribeJob",
        ("POST", 2, true) => "UpdateJobStatus",
        _ => "Unknown",
    }
}

/// An object to write: bucket, key and text.
type Report = (String, String, String);

impl State {
    /// The answer to a request, with the objects that have to be written before it is given.
    fn told(
        shared: &Mutex<Self>,
        asked: Asked,
        service: &str,
        account: &str,
    ) -> Result<(String, Vec<Report>, Option<Clients>), Refused> {
        let mut state = lock(shared);
        state.asked.push(asked.clone());
        let bad = |why: String| Err(Refused(400, "BadRequestException", why));
        if account.len() != 12 || !asked.host.starts_with(&format!("{account}.")) {
            return bad(format!("{} is no host of account {account}", asked.host));
        }
        if service != "s3" {
            return Err(Refused(403, "SignatureDoesNotMatch", service.to_owned()));
        }
        if let Some((times, status, code)) = state.refusals.get_mut(asked.operation)
            && *times > 0
        {
            *times -= 1;
            return Err(Refused(
                *status,
                code,
                "refused as the test asked".to_owned(),
            ));
        }
        let place = Place {
            account: account.to_owned(),
            region: asked.region.clone(),
        };
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let id = path.trim_start_matches(JOBS).trim_start_matches('/');
        let id = id.split('/').next().unwrap_or_default();
        let mut reports = Vec::new();
        let body = match asked.operation {
            "CreateJob" => state.create(place, &asked.body)?,
            "ListJobs" => state.list(&place, query)?,
            "DescribeJob" => {
                let job = state.job(&place, id)?;
                reports = job.look();
                format!("<DescribeJobResult>{}</DescribeJobResult>", job.described())
            }
            "UpdateJobStatus" => {
                if query != "requestedJobStatus=Cancelled" {
                    return bad(format!("{query} is not what is asked of these jobs"));
                }
                let job = state.job(&place, id)?;
                job.cancel()?;
                format!(
                    "<UpdateJobStatusResult><JobId>{id}</JobId><Status>Cancelling</Status></UpdateJobStatusResult>"
                )
            }
            _ => return bad(format!("{} is no operation of this server", asked.path)),
        };
        Ok((body, reports, state.reports.clone()))
    }

    fn create(&mut self, place: Place, body: &str) -> Result<String, Refused> {
        let request =
            request::read(body).map_err(|why| Refused(400, "BadRequestException", why))?;
        let token = request.text("ClientRequestToken").to_owned();
        let mut same = self.jobs.iter().filter(|job| job.place == place);
        let id = match same.find(|job| job.request.text("ClientRequestToken") == token) {
            Some(job) if job.request == request => job.id.clone(),
            Some(_) => {
                let why = "the token belongs to another request".to_owned();
                return Err(Refused(400, "IdempotencyException", why));
            }
            None => {
                let job = Job::new(self.jobs.len(), place, request, self.play.clone());
                let id = job.id.clone();
                self.jobs.push(job);
                id
            }
        };
        Ok(format!(
            "<CreateJobResult><JobId>{id}</JobId></CreateJobResult>"
        ))
    }

    fn list(&self, place: &Place, query: &str) -> Result<String, Refused> {
        let begin = match query.strip_prefix("nextToken=") {
            None if query.is_empty() => 0,
            token => token
                .and_then(|token| token.parse().ok())
                .ok_or_else(|| Refused(400, "InvalidNextTokenException", query.to_owned()))?,
        };
        let here: Vec<&Job> = self.jobs.iter().filter(|job| job.place == *place).collect();
        let page = here.iter().skip(begin).take(PAGE);
        let members: String = page.map(|job| job.listed()).collect();
        let next = match begin + PAGE < here.len() {
            true => format!("<NextToken>{}</NextToken>", begin + PAGE),
            false => String::new(),
        };
        Ok(format!(
            "<ListJobsResult>{next}<Jobs>{members}</Jobs></ListJobsResult>"
        ))
    }

    fn job(&mut self, place: &Place, id: &str) -> Result<&mut Job, Refused> {
        let mut jobs = self.jobs.iter_mut();
        jobs.find(|job| job.id == id && job.place == *place)
            .ok_or_else(|| Refused(404, "NotFoundException", format!("no job {id}")))
    }
}

/// Text as XML has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
