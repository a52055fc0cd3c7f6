//! The built program as a process.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use terraform_provider_replicated::plugin::generated::go_plugin::Empty;
use terraform_provider_replicated::plugin::generated::go_plugin::grpc_controller_client::GrpcControllerClient;
use terraform_provider_replicated::plugin::generated::tfplugin6 as wire;
use terraform_provider_replicated::plugin::generated::tfplugin6::provider_client::ProviderClient;
use terraform_provider_replicated::plugin::handshake::{COOKIE_NAME, COOKIE_VALUE};
use tonic::transport::Channel;

use crate::client::{Certificate, Line};

/// The program, with nothing in its environment that the tests' own surroundings may hold.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terraform-provider-replicated"));
    command.args(arguments).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

fn output(arguments: &[&str]) -> Output {
    program(arguments).output().expect("the program runs")
}

/// A process that is killed when a test fails before its end.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, which is what tests want.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[test]
fn started_by_hand_it_says_what_it_is() {
    let output = output(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("Terraform starts it by itself"), "{said}");
}

#[test]
fn an_unknown_argument_explains_the_known_ones() {
    let output = output(&["aply"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.starts_with("Unknown argument: aply\n"), "{said}");
    assert!(said.contains("  schema "), "{said}");
}

#[test]
fn the_version_is_the_packages() {
    let output = output(&["--version"]);
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8(output.stdout).expect("text"),
        format!(
            "terraform-provider-replicated {}\n",
            env!("CARGO_PKG_VERSION")
        )
    );
}

#[test]
fn the_schema_is_terraforms_json() {
    let output = output(&["schema"]);
    assert!(output.status.success());
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["format_version"], "1.0");
    let providers = document["provider_schemas"].as_object().expect("an object");
    let (address, provider) = providers.iter().next().expect("a provider");
    assert!(address.ends_with("/replicated"), "{address}");
    assert!(provider["provider"]["block"].is_object());
}

/// A process that serves a client, as Terraform starts it.
pub(crate) struct Served {
    process: Process,
    stdout: BufReader<ChildStdout>,
    line: Line,
    certificate: Certificate,
    directory: tempfile::TempDir,
}

impl Served {
    pub(crate) fn start() -> Self {
        let certificate = Certificate::new();
        let directory = tempfile::tempdir().expect("a directory");
        let child = program(&[])
            .env(COOKIE_NAME, COOKIE_VALUE)
            .env("PLUGIN_PROTOCOL_VERSIONS", "6,5")
            .env("PLUGIN_CLIENT_CERT", &certificate.pem)
            .env("PLUGIN_UNIX_SOCKET_DIR", directory.path())
            .env("TF_LOG", "TRACE")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut process = Process(child);
        let mut stdout = BufReader::new(process.0.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        Self {
            process,
            stdout,
            line: Line::parse(line.trim_end_matches('\n')),
            certificate,
            directory,
        }
    }

    pub(crate) async fn connect(&self) -> Channel {
        let channel = self.line.connect(Some(&self.certificate)).await;
        channel.expect("connected")
    }

    /// Waits for a clean end, and tells what the process wrote to standard error.
    fn ended(mut self) -> String {
        assert!(self.process.0.wait().expect("it ends").success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("text");
        assert_eq!(rest, "", "nothing follows the handshake");
        let left = std::fs::read_dir(self.directory.path()).expect("readable");
        assert_eq!(left.count(), 0, "the socket is removed");
        let mut said = String::new();
        let mut stderr = self.process.0.stderr.take().expect("piped");
        stderr.read_to_string(&mut said).expect("text");
        said
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.process.0.id());
        let sent = Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.expect("a shell").success());
    }
}

async fn schema_is_answered(channel: Channel) {
    let mut client = ProviderClient::new(channel);
    let request = wire::get_provider_schema::Request {};
    let schema = client.get_provider_schema(request).await.expect("answered");
    assert!(schema.into_inner().provider.is_some());
}

#[tokio::test]
async fn a_process_serves_its_client_and_leaves_nothing_behind() {
    let served = Served::start();
    let channel = served.connect().await;
    schema_is_answered(channel.clone()).await;
    let mut controller = GrpcControllerClient::new(channel);
    controller.shutdown(Empty {}).await.expect("answered");
    let log = served.ended();
    assert!(log.contains("\"tf_rpc\":\"get_provider_schema\""), "{log}");
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("a JSON object");
        for key in ["@level", "@message", "@timestamp"] {
            assert!(line[key].is_string(), "{key} in {line}");
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_is_ignored_and_a_termination_is_obeyed() {
    let served = Served::start();
    let channel = served.connect().await;
    schema_is_answered(channel.clone()).await;
    served.signal("INT");
    schema_is_answered(channel).await;
    served.signal("TERM");
    served.ended();
}

#[tokio::test]
async fn debug_mode_tells_terraform_where_to_attach() {
    let directory = tempfile::tempdir().expect("a directory");
    let child = program(&["-debug"])
        .env("TMPDIR", directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let mut process = Process(child);
    let mut stdout = BufReader::new(process.0.stdout.take().expect("piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    let value = line
        .trim_end()
        .strip_prefix("TF_REATTACH_PROVIDERS='")
        .and_then(|rest| rest.strip_suffix('\''))
        .expect("an assignment for a shell");
    let value: serde_json::Value = serde_json::from_str(value).expect("JSON");
    let (_, attach) = value
        .as_object()
        .and_then(|o| o.iter().next())
        .expect("a provider");
    assert_eq!(attach["Pid"], process.0.id());

    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let line = Line {
        network: text(&attach["Addr"]["Network"]),
        address: text(&attach["Addr"]["String"]),
        certificate: Vec::new(),
    };
    // One client after the other, as Terraform's runs come.
    for _ in 0..2 {
        let mut client = ProviderClient::new(line.connect(None).await.expect("connected"));
        let request = wire::get_provider_schema::Request {};
        client.get_provider_schema(request).await.expect("answered");
    }
}
