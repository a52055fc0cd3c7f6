//! One run of the built program: a process with an environment of its own, asked as Terraform asks it, among servers
//! that play AWS, proxies and endpoints.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value as Json, json};
use terraform_provider_replicated::framework::provider::Provider;
use terraform_provider_replicated::framework::value::{Type, Value};
use terraform_provider_replicated::plugin::generated::tfplugin6 as wire;
use terraform_provider_replicated::plugin::generated::tfplugin6::provider_client::ProviderClient;
use terraform_provider_replicated::provider::ReplicatedProvider;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tonic::transport::{Channel, Endpoint};

use super::row::Script;
use crate::connection::tls_server;
use crate::server::{Received, Reply, Server};
use crate::setting::{ACCOUNT, assumed};

/// What Terraform says its version is.
pub(super) const TERRAFORM: &str = "1.9.0";
const LASTING: &str = "2099-01-01T00:00:00Z";

/// What a run is made of. Texts may name what is there only once it runs: `{aws}`, `{first}`, `{second}`, `{third}`
/// and `{secure}` are the addresses of servers, `{home}` is the home folder.
#[derive(Clone)]
pub(super) struct Setting {
    /// The provider block.
    pub(super) block: Json,
    /// The environment beside what every run has; an empty text takes a variable out.
    pub(super) variables: Vec<(String, String)>,
    /// Files below the home folder.
    pub(super) files: Vec<(String, String)>,
    /// How AWS answers.
    pub(super) script: Script,
    /// The resource to plan after the provider is configured; without one, the account is read.
    pub(super) planned: Option<Json>,
}

/// What a run showed.
pub(super) struct Run {
    /// What Terraform was told, one line for each message.
    pub(super) said: Vec<String>,
    /// The planned resource.
    pub(super) planned: Value,
    /// Every request in the order of the servers, with the name of the server that got it.
    pub(super) requests: Vec<(&'static str, Received)>,
    /// How many requests AWS had got when the provider was configured.
    pub(super) while_configuring: usize,
}

impl Run {
    /// Carries a setting out.
    pub(super) async fn of(setting: Setting) -> Self {
        let home = tempfile::tempdir().unwrap();
        let script = setting.script;
        let mut servers = Vec::new();
        for name in ["aws", "first", "second", "third"] {
            let play = move |received: &Received, earlier| script.reply(received, earlier);
            servers.push((name, Server::start(play).await));
        }
        let mut places: BTreeMap<_, _> = servers
            .iter()
            .map(|(name, server)| (*name, server.url.clone()))
            .collect();
        let home_path = home.path().to_str().unwrap().to_owned();
        places.insert("home", home_path.clone());
        places.insert("secure", secure_server(home.path()).await);
        let in_place = |text: &str| {
            let placed = |text: String, (name, place): (&&str, &String)| {
                text.replace(&format!("{{{name}}}"), place)
            };
            places.iter().fold(text.to_owned(), placed)
        };

        for (path, content) in &setting.files {
            let path = home.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, in_place(content)).unwrap();
        }
        let mut environment: BTreeMap<String, String> = [
            ("HOME", home_path.as_str()),
            ("TMPDIR", home_path.as_str()),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_ENDPOINT_URL", "{aws}"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDVARIABLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret-of-variable"),
        ]
        .map(|(name, value)| (name.to_owned(), in_place(value)))
        .into();
        for (name, value) in &setting.variables {
            match value.is_empty() {
                true => environment.remove(name),
                false => environment.insert(name.clone(), in_place(value)),
            };
        }

        let mut program = Program::start(&environment).await;
        let block = serde_json::from_str(&in_place(&setting.block.to_string())).unwrap();
        let mut said = program.configure(&block).await;
        let while_configuring = servers[0].1.received().len();
        let mut planned = Value::Null;
        if said.is_empty() {
            let more;
            (planned, more) = match &setting.planned {
                Some(resource) => program.plan(resource).await,
                None => program.read_account().await,
            };
            said.extend(more);
        }
        Self {
            said,
            planned,
            requests: servers
                .iter()
                .flat_map(|(name, server)| server.received().into_iter().map(|got| (*name, got)))
                .collect(),
            while_configuring,
        }
    }

    /// The requests of one operation.
    pub(super) fn all(&self, operation: &str) -> Vec<&Received> {
        let requests = self.requests.iter().map(|(_, received)| received);
        requests
            .filter(|received| received.operation == operation)
            .collect()
    }
}

/// A server whose certificate is in the home folder as `trusted.pem`, next to somebody else's.
async fn secure_server(home: &Path) -> String {
    let certificate = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let own = certificate();
    std::fs::write(home.join("trusted.pem"), own.cert.pem()).unwrap();
    std::fs::write(home.join("other.pem"), certificate().cert.pem()).unwrap();
    tls_server(&own).await
}

impl Script {
    fn reply(self, received: &Received, earlier: usize) -> Reply {
        match self {
            Self::Open => open(received),
            Self::Failing => Reply::query_error(503, "ServiceUnavailable"),
            Self::ThrottlingFirst if earlier == 0 => Reply::query_error(400, "Throttling"),
            Self::ThrottlingFirst => open(received),
        }
    }
}

/// An AWS in which every role can be assumed, and in which there is nothing; to a tunnel it says no.
fn open(received: &Received) -> Reply {
    let service = received.scope().get(3).cloned().unwrap_or_default();
    match received.operation.as_str() {
        "GetCallerIdentity" => Reply::ok(&format!(
            "<GetCallerIdentityResponse><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::{ACCOUNT}:user/operator</Arn><UserId>AIDA1</UserId>\
             <Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        )),
        "AssumeRole" => Reply::ok(&session(received)),
        "AssumeRoleWithWebIdentity" => {
            Reply::ok(&session(received).replace("AssumeRoleRes", "AssumeRoleWithWebIdentityRes"))
        }
        // The metadata of an instance.
        "PUT /latest/api/token" => {
            let lifetime = ("x-aws-ec2-metadata-token-ttl-seconds", "21600".to_owned());
            Reply::Answer(200, vec![lifetime], "token".to_owned())
        }
        "GET /latest/meta-data/placement/region" => Reply::ok("sa-east-1"),
        line if line.contains("/security-credentials") => match line.ends_with('/') {
            true => Reply::ok("Instance"),
            false => Reply::ok(
                &json!({
                    "Code": "Success",
                    "Type": "AWS-HMAC",
                    "AccessKeyId": "AKIDINSTANCE",
                    "SecretAccessKey": "s",
                    "Token": "t",
                    "LastUpdated": "2020-01-01T00:00:00Z",
                    "Expiration": LASTING,
                })
                .to_string(),
            ),
        },
        line if line.starts_with("CONNECT ") => Reply::ok("").with_status(502),
        line if line.starts_with("HEAD ") => Reply::ok("").with_status(404),
        _ if service == "s3" => Reply::s3_error(404, "NoSuchBucket"),
        _ if service == "iam" => Reply::query_error(404, "NoSuchEntity"),
        "DescribeKey" => Reply::kms_error(400, "NotFoundException"),
        _ => Reply::ok("{}"),
    }
}

/// A session of the role that was asked for, in that role's account.
fn session(received: &Received) -> String {
    let arn = field(received, "RoleArn").unwrap();
    let (account, role) = arn
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.split_once(":role/"))
        .unwrap();
    assumed(role, LASTING).replace(ACCOUNT, account)
}

/// A field of a request's form.
pub(super) fn field(received: &Received, name: &str) -> Option<String> {
    let fields = received
        .body
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    let mut values = fields
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    let value = values.next()?.replace('+', " ");
    let value = percent_encoding::percent_decode_str(&value).decode_utf8();
    Some(value.unwrap().into_owned())
}

/// The program, ended when this is dropped.
struct Program {
    client: ProviderClient<Channel>,
    _child: Child,
    _stdout: Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// Starts the program to be attached to, with this environment and nothing else.
    async fn start(environment: &BTreeMap<String, String>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_terraform-provider-replicated"))
            .arg("-debug")
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = stdout.next_line().await.unwrap().expect("a line");
        let attach = line
            .strip_prefix("TF_REATTACH_PROVIDERS='")
            .and_then(|rest| rest.strip_suffix('\''))
            .expect("an assignment for a shell");
        let attach: Json = serde_json::from_str(attach).unwrap();
        let (_, attach) = attach.as_object().unwrap().iter().next().unwrap();
        let socket = attach["Addr"]["String"].as_str().unwrap();
        let endpoint = Endpoint::from_shared(format!("unix://{socket}")).unwrap();
        Self {
            client: ProviderClient::new(endpoint.connect().await.unwrap()),
            _child: child,
            _stdout: stdout,
        }
    }

    async fn configure(&mut self, block: &Json) -> Vec<String> {
        let ty = ReplicatedProvider::new().schema().block.ty();
        let request = wire::configure_provider::Request {
            terraform_version: TERRAFORM.to_owned(),
            config: encoded(block, &ty),
            ..Default::default()
        };
        let answer = self.client.configure_provider(request).await.unwrap();
        said(&answer.into_inner().diagnostics)
    }

    async fn read_account(&mut self) -> (Value, Vec<String>) {
        let sources = ReplicatedProvider::new().data_sources();
        let source = &sources[0];
        let request = wire::read_data_source::Request {
            type_name: source.type_name().to_owned(),
            config: encoded(&json!({}), &source.schema().block.ty()),
            ..Default::default()
        };
        let answer = self.client.read_data_source(request).await.unwrap();
        (Value::Null, said(&answer.into_inner().diagnostics))
    }

    async fn plan(&mut self, resource: &Json) -> (Value, Vec<String>) {
        let resources = ReplicatedProvider::new().resources();
        let ty = resources[0].schema().block.ty();
        let request = wire::plan_resource_change::Request {
            type_name: resources[0].type_name().to_owned(),
            prior_state: encoded(&Json::Null, &ty),
            proposed_new_state: encoded(resource, &ty),
            config: encoded(resource, &ty),
            ..Default::default()
        };
        let answer = self.client.plan_resource_change(request).await.unwrap();
        let answer = answer.into_inner();
        let planned = answer.planned_state.map_or(Value::Null, |state| {
            Value::from_msgpack(&state.msgpack, &ty).unwrap()
        });
        (planned, said(&answer.diagnostics))
    }
}

fn said(diagnostics: &[wire::Diagnostic]) -> Vec<String> {
    let lines = diagnostics.iter();
    lines
        .map(|d| format!("{}: {}", d.summary, d.detail))
        .collect()
}

/// A value as Terraform sends it, with null for what is left out.
fn encoded(json: &Json, ty: &Type) -> Option<wire::DynamicValue> {
    Some(wire::DynamicValue {
        msgpack: value(json, ty).to_msgpack(ty).unwrap(),
        json: Vec::new(),
    })
}

fn value(json: &Json, ty: &Type) -> Value {
    match (json, ty) {
        (Json::Null, _) => Value::Null,
        (Json::Object(given), Type::Object(attributes)) => {
            for name in given.keys() {
                assert!(attributes.contains_key(name), "no attribute {name}");
            }
            Value::object(attributes.iter().map(|(name, ty)| {
                let given = given.get(name).unwrap_or(&Json::Null);
                (name.clone(), value(given, ty))
            }))
        }
        (Json::Object(given), Type::Map(element)) => Value::Map(
            given
                .iter()
                .map(|(key, json)| (key.clone(), value(json, element)))
                .collect(),
        ),
        (Json::Array(given), Type::List(element)) => {
            Value::List(given.iter().map(|json| value(json, element)).collect())
        }
        (scalar, ty) => Value::from_json(scalar, ty).unwrap(),
    }
}
