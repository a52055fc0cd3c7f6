//! Who may use whom. Lower layers know nothing of higher ones, and each crate has one layer that uses it.

use crate::source::{File, Name, below, layer};
use crate::{assert_none, text};

/// The layers, each with those of ours that it may name. `lib.rs` and `main.rs` stand above them all.
const LAYERS: [(&str, &[&str]); 6] = [
    ("replication", &[]),
    ("execution", &["replication"]),
    ("aws", &["execution", "replication"]),
    ("framework", &[]),
    ("plugin", &["framework"]),
    (
        "provider",
        &["aws", "execution", "framework", "replication"],
    ),
];

/// Every name of a layer that a rule refuses, as `file:line: name`.
fn refused(files: &[File], rule: impl Fn(&Name) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for name in file.names.iter().filter(|name| rule(name)) {
            found.push(format!(
                "{}:{}: {}",
                file.path.display(),
                name.line,
                name.text()
            ));
        }
    }
    found
}

/// Whether a name leads to a crate whose name begins so. `aws_lc_rs` is cryptography, whoever made it.
fn begins(name: &Name, prefixes: &[&str]) -> bool {
    name.foreign().is_some_and(|first| {
        first != "aws_lc_rs" && prefixes.iter().any(|prefix| first.starts_with(prefix))
    })
}

#[test]
fn a_layer_names_only_layers_below_it() {
    let layers = LAYERS.map(|(name, _)| name);
    for (name, below) in LAYERS {
        assert_none(refused(&layer(name), |path| {
            path.layer().is_some_and(|other| {
                layers.contains(&other) && other != name && !below.contains(&other)
            })
        }));
    }
}

#[test]
fn every_folder_of_the_source_is_a_layer_with_a_rule() {
    let layers = LAYERS.map(|(name, _)| name);
    for path in crate::files_below("src") {
        let parts: Vec<_> = path.iter().skip(1).collect();
        if let [folder, _, ..] = parts.as_slice() {
            let folder = folder.to_string_lossy();
            assert!(layers.contains(&folder.as_ref()), "{folder} has no rule");
        }
    }
}

#[test]
fn the_pure_middle_neither_awaits_nor_calls_nor_reads_a_clock() {
    let files = layer("replication");
    assert_none(refused(&files, |name| {
        let last = name.segments.last().map_or("", String::as_str);
        begins(name, &["aws_", "tokio", "futures", "tonic", "prost"])
            || [
                "async",
                "await",
                "SystemTime",
                "Instant",
                "now_utc",
                "now_local",
            ]
            .contains(&last)
    }));
    assert_none(refused(&files, |name| {
        !name.in_test
            && name.foreign() == Some("std")
            && ["env", "fs", "io", "net", "process", "thread"].contains(&name.segments[1].as_str())
    }));
}

#[test]
fn the_framework_knows_neither_a_runtime_nor_a_wire_nor_aws() {
    assert_none(refused(&layer("framework"), |name| {
        // The token by which Terraform's wish to stop reaches a provider belongs to no runtime.
        let is_stop_token = name.text() == "tokio_util::sync::CancellationToken";
        begins(name, &["aws_", "tokio", "tonic", "prost", "hyper"])
            && !is_stop_token
            && !name.in_test
    }));
}

#[test]
fn execution_knows_no_sdk() {
    assert_none(refused(&layer("execution"), |name| {
        begins(name, &["aws_", "hyper", "tonic", "prost"])
    }));
}

#[test]
fn each_protocol_has_one_layer_that_speaks_it() {
    for (crates, speaker) in [(&["tonic", "prost"][..], "plugin"), (&["aws_"][..], "aws")] {
        for (name, _) in LAYERS {
            if name != speaker {
                assert_none(refused(&layer(name), |path| begins(path, crates)));
            }
        }
        let spoken = refused(&layer(speaker), |path| begins(path, crates));
        assert!(!spoken.is_empty(), "{speaker} no longer speaks {crates:?}");
    }
}

#[test]
fn terraforms_values_and_replication_meet_only_in_the_provider() {
    let both = |file: &File| {
        let uses = |layer| file.names.iter().any(|name| name.layer() == Some(layer));
        uses("framework") && uses("replication")
    };
    for file in below("src").iter().filter(|file| both(file)) {
        assert!(
            file.path.starts_with("src/provider"),
            "{} joins framework and replication",
            file.path.display()
        );
    }
}

#[test]
fn standard_output_belongs_to_the_handshake() {
    let writers = refused(&below("src"), |name| {
        let macros = ["println", "eprintln", "eprint", "dbg"];
        name.text().ends_with("io::stdout") || macros.contains(&name.text().as_str())
    });
    assert!(!writers.is_empty(), "the handshake is written somewhere");
    for writer in writers {
        assert!(writer.starts_with("src/plugin/serve.rs:"), "{writer}");
    }
}

#[test]
fn the_architecture_names_every_layer_and_says_what_each_does_not_know() {
    let document = text("ARCHITECTURE.md");
    let document: Vec<&str> = document.split_whitespace().collect();
    let document = document.join(" ");
    for (name, _) in LAYERS {
        assert!(
            document.contains(&format!("`src/{name}/`")),
            "ARCHITECTURE.md does not name src/{name}/"
        );
    }
    let invariants = document.matches("Does not know").count();
    assert!(
        invariants >= LAYERS.len(),
        "ARCHITECTURE.md says of {invariants} layers what they do not know"
    );
}
