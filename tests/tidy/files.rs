//! What holds for every file: its length, and words that stand for unfinished work.

use crate::{assert_none, files_below, text};

/// Lines of a file that is still comfortable to read.
const LONGEST: usize = 800;

/// Folders with code.
const CODE: [&str; 3] = ["src", "tests", "tools"];

#[test]
fn no_file_of_code_is_longer_than_a_reader_can_hold() {
    let mut findings = Vec::new();
    for path in CODE.into_iter().flat_map(files_below) {
        let is_code = path
            .extension()
            .is_some_and(|kind| kind == "rs" || kind == "py");
        let lines = if is_code {
            text(&path).lines().count()
        } else {
            0
        };
        if lines > LONGEST {
            findings.push(format!("{}: {lines} lines", path.display()));
        }
    }
    assert_none(findings);
}

#[test]
fn nothing_is_left_for_later() {
    let mut findings = Vec::new();
    for path in CODE.into_iter().flat_map(files_below) {
        let is_rust = path.extension().is_some_and(|kind| kind == "rs");
        // This folder names the words that it looks for, and which lints generated code meets is not known.
        let exempt = path.starts_with("tests/tidy") || path.ends_with("plugin/generated.rs");
        if !is_rust || exempt {
            continue;
        }
        for (number, line) in (1..).zip(text(&path).lines()) {
            for word in ["TODO", "FIXME", "#[ignore", "#[allow", "#![allow"] {
                if line.contains(word) {
                    findings.push(format!("{}:{number}: {word}", path.display()));
                }
            }
        }
    }
    assert_none(findings);
}

#[test]
fn a_module_with_a_folder_stands_in_it() {
    let findings = CODE
        .into_iter()
        .flat_map(files_below)
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
        .filter(|path| path.with_extension("").is_dir())
        .map(|path| format!("{} belongs into its folder, as mod.rs", path.display()))
        .collect();
    assert_none(findings);
}
