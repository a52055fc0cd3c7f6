//! `make bench`: what the cross-account KMS case costs when every call of an API takes 100 ms longer.
//!
//! Usage: `bench PROVIDER`. Prints what it measures beside what `hashicorp/aws` takes for the same objects,
//! and beside the ceilings that this provider is held to; then how many lines of HCL each setup takes. It judges
//! nothing.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use support::emulator::Emulator;
use support::examples::lines_of_blocks;
use support::proxy::Proxy;
use support::terraform::{Client, Workspace, provider_processes};
use support::{Outcome, python};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

const LATENCY: Duration = Duration::from_millis(100);

/// Starts of which the fastest counts: the others have waited for the machine.
const STARTS: usize = 5;

/// What go-plugin's clients put into the environment, so that a person's start is told from theirs.
const MAGIC_COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// A line of the table: what, what `hashicorp/aws` 5.31 takes, and the ceiling.
struct Measure {
    what: &'static str,
    aws: &'static str,
    ceiling: &'static str,
}

const APPLY: Measure = Measure {
    what: "terraform apply",
    aws: "16.5 s, 108 calls",
    ceiling: "2.0 s, 45 calls",
};
const PLAN: Measure = Measure {
    what: "terraform plan, of what is there",
    aws: "7.6 s, 63 calls",
    ceiling: "0.8 s, 40 calls",
};
const DESTROY: Measure = Measure {
    what: "terraform destroy",
    aws: "12 s, 97 calls",
    ceiling: "1.8 s, 60 calls",
};
const MEMORY: Measure = Measure {
    what: "peak memory of the provider",
    aws: "345 MB",
    ceiling: "40 MB",
};
const SIZE: Measure = Measure {
    what: "size of the executable, stripped",
    aws: "398 MB",
    ceiling: "30 MB",
};
const START: Measure = Measure {
    what: "start to answered GetProviderSchema",
    aws: "1.2 s",
    ceiling: "60 ms",
};

/// Lines of HCL that `hashicorp/aws` takes for the same setups, without variables and outputs.
const LINES: [(&str, &str); 8] = [
    ("one-to-many-regions", "177"),
    ("same-account-lifecycle", "113"),
    ("cross-account-kms", "173"),
    ("existing-buckets", "160"),
    ("rules", "172"),
    ("two-way", "not counted"),
    ("many-to-one", "not counted"),
    ("object-lock", "not counted"),
];

#[tokio::main]
async fn main() -> ExitCode {
    match bench().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "{failure}");
            ExitCode::FAILURE
        }
    }
}

async fn bench() -> Outcome {
    let provider = std::env::args().nth(1).ok_or("usage: bench PROVIDER")?;
    let provider = PathBuf::from(provider).canonicalize()?;
    let client = match Client::on_path() {
        Some(client) => client,
        None => Client::from_python()?,
    };
    say(&format!(
        "The cross-account KMS case; {} ms on every API call; {client}\n",
        LATENCY.as_millis()
    ))?;
    say(&format!(
        "{:<38}{:<34}{:<20}{}",
        "", "measured", "hashicorp/aws 5.31", "ceiling"
    ))?;

    let emulator = Emulator::start()?;
    let source = emulator.account("111111111111");
    let backup = emulator.account("222222222222");
    source.create_deploy_role(&source).await?;
    backup.create_deploy_role(&source).await?;
    let proxy = Proxy::start(emulator.address()).await?;
    proxy.set_latency(LATENCY);
    let mut workspace = Workspace::new(client, &provider)?;
    let example = python::repository().join("examples/cross-account-kms/main.tf");
    workspace.write("main.tf", &std::fs::read_to_string(example)?)?;
    workspace.use_aws(proxy.address(), &source.deploy_session().await?);

    let mut peak = 0;
    for (measure, arguments) in [
        (APPLY, ["apply", "-auto-approve", "-no-color"]),
        (PLAN, ["plan", "-detailed-exitcode", "-no-color"]),
        (DESTROY, ["destroy", "-auto-approve", "-no-color"]),
    ] {
        let (elapsed, memory) = run_terraform(&workspace, &arguments).await?;
        peak = peak.max(memory);
        let log = proxy.take_log();
        measure.print(&format!(
            "{:.1} s, {} calls, {} in sequence",
            elapsed.as_secs_f64(),
            log.len(),
            log.critical_path()
        ))?;
    }
    MEMORY.print(&megabytes(peak))?;
    SIZE.print(&megabytes(std::fs::metadata(&provider)?.len()))?;
    let mut fastest = Duration::MAX;
    for _ in 0..STARTS {
        fastest = fastest.min(start_to_schema(&provider).await?);
    }
    START.print(&format!("{} ms", fastest.as_millis()))?;
    say("\nLines of HCL in provider and resource blocks\n")?;
    for (setup, aws) in LINES {
        let example = python::repository().join("examples").join(setup);
        let lines = lines_of_blocks(&std::fs::read_to_string(example.join("main.tf"))?);
        say(&format!("{setup:<38}{lines:<34}{aws}"))?;
    }
    Ok(())
}

/// Runs a command; tells how long it took and the peak memory of its providers in bytes.
async fn run_terraform(workspace: &Workspace, arguments: &[&str]) -> Outcome<(Duration, u64)> {
    let began = Instant::now();
    let running = workspace.start(arguments)?;
    let process_id = running.process_id().ok_or("Terraform ended at once")?;
    let mut peak = 0;
    let sample = async {
        let mut interval = tokio::time::interval(Duration::from_millis(10));
        loop {
            interval.tick().await;
            for provider in provider_processes(process_id)? {
                peak = peak.max(peak_memory(provider).unwrap_or(0));
            }
        }
    };
    let run = tokio::select! {
        run = running.finish() => run?,
        failure = sample => return failure,
    };
    run.success()?;
    Ok((began.elapsed(), peak))
}

/// The kernel's own high-water mark, so no sample has to hit the moment of the peak.
fn peak_memory(process_id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process_id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Starts the provider as Terraform does, but without TLS, and asks it for its schema.
async fn start_to_schema(provider: &Path) -> Outcome<Duration> {
    let began = Instant::now();
    let mut child = Command::new(provider)
        .env_clear()
        .env("TF_PLUGIN_MAGIC_COOKIE", MAGIC_COOKIE)
        .env("PLUGIN_PROTOCOL_VERSIONS", "6")
        .env("TMPDIR", std::env::temp_dir())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().ok_or("no standard output")?;
    let mut handshake = String::new();
    BufReader::new(stdout).read_line(&mut handshake).await?;
    let socket = handshake
        .split('|')
        .nth(3)
        .ok_or_else(|| format!("the provider's handshake is {handshake:?}"))?;
    let stream = tokio::net::UnixStream::connect(socket).await?;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    // A message without fields: not compressed, no bytes.
    let empty_message = Bytes::from_static(&[0; 5]);
    let request = hyper::Request::post("http://unused/tfplugin6.Provider/GetProviderSchema")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(empty_message))?;
    let answer = sender
        .send_request(request)
        .await?
        .into_body()
        .collect()
        .await?;
    let elapsed = began.elapsed();
    let status = answer
        .trailers()
        .and_then(|trailers| trailers.get("grpc-status")?.to_str().ok());
    if status != Some("0") {
        return Err(format!("GetProviderSchema was answered with status {status:?}").into());
    }
    connection.abort();
    child.kill().await?;
    Ok(elapsed)
}

impl Measure {
    fn print(&self, measured: &str) -> Outcome {
        say(&format!(
            "{:<38}{measured:<34}{:<20}{}",
            self.what, self.aws, self.ceiling
        ))
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn say(line: &str) -> Outcome {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
