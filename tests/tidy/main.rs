//! The rules of the repository itself, held as tests: who may use whom, what stays out of which layer, how long
//! files are, and that documents and examples say what the code says.
//!
//! `ARCHITECTURE.md` gives the reasons. [`source`] reads Rust as tokens, so comments and texts are never taken
//! for code; findings name file and line.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod documents;
mod examples;
mod files;
mod layers;
mod source;

use std::path::{Path, PathBuf};

/// The repository's root.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder of the repository, by its path from the root, in order.
fn files_below(folder: &str) -> Vec<PathBuf> {
    fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') {
                // What Terraform and others leave behind, such as `.terraform`, is not the repository's.
                continue;
            }
            if path.is_dir() {
                collect(&path, found);
            } else {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    found.sort();
    found
}

/// The text of a file of the repository.
fn text(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Fails with every finding, one a line.
#[track_caller]
fn assert_none(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}
