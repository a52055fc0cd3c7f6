//! The Python programs below `tools/python` and the virtual environment that they run in.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::Outcome;

/// The repository's root.
pub fn repository() -> &'static Path {
    const SUPPORT: &str = env!("CARGO_MANIFEST_DIR");
    Path::new(SUPPORT)
        .ancestors()
        .nth(2)
        .unwrap_or(Path::new(SUPPORT))
}

/// The Python of the virtual environment, which is made on first use.
pub fn interpreter() -> Outcome<PathBuf> {
    static INTERPRETER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    Ok(INTERPRETER.get_or_init(prepare).clone()?)
}

/// A program of `tools/python`.
pub fn program(name: &str) -> PathBuf {
    repository().join("tools/python").join(name)
}

fn prepare() -> Result<PathBuf, String> {
    let output = Command::new("python3")
        .arg(program("environment.py"))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("python3 is needed and cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let path = String::from_utf8_lossy(&output.stdout);
    Ok(PathBuf::from(path.trim()))
}
