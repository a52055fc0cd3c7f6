//! A small strict CloudWatch on loopback, because the emulator's does not speak the protocol that the SDK does.
//!
//! It knows one operation, `GetMetricData`, in its one form (Smithy RPC v2 in CBOR, as the service's model has it), refuses what
//! CloudWatch refuses of it, and answers with one metric on each page.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use aws_smithy_cbor::data::Type;
use aws_smithy_cbor::{Decoder, Encoder};
use aws_smithy_types::DateTime;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use serde_json::{Value, json};

use crate::proxy::{Scope, scope};
use crate::server::{Server, lock};
use crate::{Failure, Outcome};

/// The one operation's path.
const PATH: &str = "/service/GraniteServiceVersion20100801/operation/GetMetricData";

/// A running CloudWatch. It stops when this is dropped.
#[derive(Debug)]
pub struct CloudWatch {
    shared: Arc<Mutex<State>>,
    server: Server,
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Who signed it, and for where.
    pub scope: Option<Scope>,
    /// Its `user-agent`.
    pub user_agent: String,
    /// Its body, with moments as seconds since 1970.
    pub body: Value,
}

#[derive(Debug, Default)]
struct State {
    asked: Vec<Asked>,
    /// Values by region, metric and rule, each with how many seconds ago it was measured.
    measured: BTreeMap<(String, String, String), Vec<(i64, f64)>>,
    /// The code with which everything is refused.
    refusal: Option<String>,
    /// The status that every result has, instead of `Complete`.
    result_status: Option<String>,
}

impl CloudWatch {
    /// Starts one that has measured nothing, on a free loopback port.
    pub async fn start() -> Outcome<Self> {
        let shared = Arc::<Mutex<State>>::default();
        let asked = Arc::clone(&shared);
        let server = Server::start(move |request| answer(request, Arc::clone(&asked))).await?;
        Ok(Self { shared, server })
    }

    /// Its endpoint.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Has measured a metric of a rule in a region, so many seconds before the end of what is asked for.
    pub fn measure(&self, region: &str, metric: &str, rule_id: &str, points: &[(i64, f64)]) {
        let key = (region.to_owned(), metric.to_owned(), rule_id.to_owned());
        lock(&self.shared).measured.insert(key, points.to_vec());
    }

    /// Refuses everything from now on.
    pub fn refuse(&self, code: &str) {
        lock(&self.shared).refusal = Some(code.to_owned());
    }

    /// Answers, from now on, that every single metric has failed.
    pub fn fail_results(&self, status: &str) {
        lock(&self.shared).result_status = Some(status.to_owned());
    }

    /// Takes the requests so far.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut lock(&self.shared).asked)
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
    let is_named = head.uri.path() == PATH && header("smithy-protocol") == "rpc-v2-cbor";
    let body = body.collect().await.map(|body| body.to_bytes());
    let body = body.unwrap_or_default();
    let read = read(&mut Decoder::new(&body)).map_err(|error| error.to_string());
    let mut state = lock(&shared);
    let told = match (is_named, read) {
        (true, Ok(body)) => {
            let scope = scope(header("authorization"));
            let region = scope.as_ref().map_or("", |scope| &scope.region).to_owned();
            state.asked.push(Asked {
                scope,
                user_agent: header("user-agent").to_owned(),
                body: body.clone(),
            });
            match state.refusal.clone() {
                Some(code) => Err((code, "refused as the test asked".to_owned())),
                None => state
                    .told(&region, &body)
                    .map_err(|why| ("ValidationError".to_owned(), why)),
            }
        }
        (false, _) => Err(("UnknownOperationException".to_owned(), String::new())),
        (true, Err(why)) => Err(("SerializationException".to_owned(), why)),
    };
    let (status, body) = match told {
        Ok(body) => (200, body),
        Err((code, message)) => {
            let mut body = Encoder::new(Vec::new());
            body.begin_map();
            body.str("__type").str(&code);
            body.str("message").str(&message).end();
            (400, body.into_writer())
        }
    };
    let response = Response::builder()
        .status(status)
        .header("smithy-protocol", "rpc-v2-cbor")
        .header("content-type", "application/cbor")
        .header("x-amzn-requestid", "scripted-request");
    let response = response.body(Full::new(Bytes::from(body)));
    Ok(response.unwrap_or_default())
}

impl State {
    /// The answer to a request, or what is wrong with it.
    fn told(&self, region: &str, body: &Value) -> Result<Vec<u8>, String> {
        let (Some(from), Some(until)) = (body["StartTime"].as_i64(), body["EndTime"].as_i64())
        else {
            return Err("StartTime and EndTime are needed".to_owned());
        };
        if from >= until {
            return Err("StartTime must be less than EndTime".to_owned());
        }
        let queries = body["MetricDataQueries"].as_array();
        let queries = queries.ok_or("MetricDataQueries are needed")?;
        let page = match body["NextToken"].as_str() {
            None => 0,
            Some(token) => token.parse::<usize>().map_err(|error| error.to_string())?,
        };
        let mut answer = Encoder::new(Vec::new());
        answer.begin_map().str("MetricDataResults").begin_array();
        for (index, query) in queries.iter().enumerate() {
            let (id, key) = checked(region, query)?;
            if index != page {
                continue;
            }
            let points = self.measured.get(&key).into_iter().flatten();
            let points = points.map(|(ago, value)| (until - ago, *value));
            let mut points: Vec<_> = points.filter(|(at, _)| *at >= from).collect();
            points.sort_by_key(|(at, _)| *at);
            if body["ScanBy"] == "TimestampDescending" {
                points.reverse();
            }
            answer.begin_map().str("Id").str(id).str("Label").str(id);
            answer.str("Timestamps").begin_array();
            for (at, _) in &points {
                answer.timestamp(&DateTime::from_secs(*at));
            }
            answer.end().str("Values").begin_array();
            for (_, value) in &points {
                answer.double(*value);
            }
            let status = self.result_status.as_deref().unwrap_or("Complete");
            answer.end().str("StatusCode").str(status).end();
        }
        answer.end();
        if page + 1 < queries.len() {
            answer.str("NextToken").str(&(page + 1).to_string());
        }
        answer.end();
        Ok(answer.into_writer())
    }
}

/// The ID of a query, and what it asks for.
fn checked<'a>(
    region: &str,
    query: &'a Value,
) -> Result<(&'a str, (String, String, String)), String> {
    let id = query["Id"].as_str().unwrap_or_default();
    let is_legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !id.starts_with(|c: char| c.is_ascii_lowercase()) || !id.chars().all(is_legal) {
        return Err(format!("the ID {id:?} is not legal"));
    }
    let stat = &query["MetricStat"];
    let metric = &stat["Metric"];
    if metric["Namespace"] != "AWS/S3" || stat["Period"].as_i64() != Some(60) {
        return Err(format!("{stat} is not measured in minutes by S3"));
    }
    let dimensions = metric["Dimensions"].as_array().into_iter().flatten();
    let dimensions: BTreeMap<&str, &str> = dimensions
        .filter_map(|one| Some((one["Name"].as_str()?, one["Value"].as_str()?)))
        .collect();
    let names: Vec<&str> = dimensions.keys().copied().collect();
    if names != ["DestinationBucket", "RuleId", "SourceBucket"] {
        return Err(format!("S3 publishes no metric by {names:?}"));
    }
    let name = metric["MetricName"].as_str().unwrap_or_default().to_owned();
    let rule = dimensions["RuleId"].to_owned();
    Ok((id, (region.to_owned(), name, rule)))
}

/// A CBOR value as JSON.
fn read(decoder: &mut Decoder<'_>) -> Outcome<Value> {
    Ok(match decoder.datatype()? {
        Type::Map | Type::MapIndef => {
            let mut map = serde_json::Map::new();
            let length = decoder.map()?;
            while more(decoder, length, map.len())? {
                let name = decoder.string()?;
                map.insert(name, read(decoder)?);
            }
            Value::Object(map)
        }
        Type::Array | Type::ArrayIndef => {
            let mut list = Vec::new();
            let length = decoder.list()?;
            while more(decoder, length, list.len())? {
                list.push(read(decoder)?);
            }
            Value::Array(list)
        }
        Type::String | Type::StringIndef => json!(decoder.string()?),
        Type::Tag => json!(decoder.timestamp()?.secs()),
        Type::Bool => json!(decoder.boolean()?),
        Type::F32 => json!(decoder.float()?),
        Type::F64 => json!(decoder.double()?),
        _ => json!(decoder.long()?),
    })
}

/// Whether a map or list goes on.
fn more(decoder: &mut Decoder<'_>, length: Option<u64>, read: usize) -> Result<bool, Failure> {
    if let Some(length) = length {
        return Ok(u64::try_from(read)? < length);
    }
    let is_over = decoder.datatype()? == Type::Break;
    if is_over {
        decoder.skip()?;
    }
    Ok(!is_over)
}
