//! Documents say what the code says: pages are as the schemas have them, commands and links exist.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use regex::Regex;
use terraform_provider_replicated::framework::schema::{Attribute, AttributeType, Block};
use terraform_provider_replicated::framework::server::Server;
use terraform_provider_replicated::provider::{ReplicatedProvider, documentation};

use crate::{assert_none, files_below, root, text};

#[test]
fn the_pages_are_as_the_schemas_and_examples_say() {
    let arguments = ["--check".to_owned(), root().display().to_string()];
    let checked = documentation::run(Arc::new(ReplicatedProvider::new()), &arguments);
    assert!(checked.is_ok(), "{}", checked.unwrap_err());
}

#[test]
fn every_attribute_and_block_is_described_by_sentences() {
    let server = Server::new(Arc::new(ReplicatedProvider::new()));
    let schemas = server.schemas();
    let mut findings = Vec::new();
    describe("provider", &schemas.provider.block, &mut findings);
    for (name, resource) in &schemas.resources {
        describe(name, &resource.entry.schema.block, &mut findings);
    }
    for (name, data_source) in &schemas.data_sources {
        describe(name, &data_source.schema.block, &mut findings);
    }
    for (name, list) in &schemas.list_resources {
        describe(name, &list.schema.block, &mut findings);
    }
    assert_none(findings);
}

fn describe(path: &str, block: &Block, findings: &mut Vec<String>) {
    sentence(path, &block.description, findings);
    describe_attributes(path, &block.attributes, findings);
    for nested in &block.blocks {
        describe(&format!("{path}.{}", nested.name), &nested.block, findings);
    }
}

fn describe_attributes(path: &str, attributes: &[Attribute], findings: &mut Vec<String>) {
    for attribute in attributes {
        let path = format!("{path}.{}", attribute.name);
        sentence(&path, &attribute.description, findings);
        if let AttributeType::Nested(_, inner) = &attribute.ty {
            describe_attributes(&path, inner, findings);
        }
    }
}

fn sentence(path: &str, description: &str, findings: &mut Vec<String>) {
    let begins = description
        .chars()
        .next()
        .is_some_and(|letter| letter.is_uppercase() || letter.is_ascii_digit() || letter == '`');
    if !begins || !description.ends_with('.') || description.contains('\n') {
        findings.push(format!(
            "{path}: {description:?} is no sentence on one line"
        ));
    }
}

/// Every document written for people, by hand or not.
fn documents() -> Vec<PathBuf> {
    let mut documents: Vec<PathBuf> = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ]
    .map(PathBuf::from)
    .into();
    for folder in ["docs", "examples", "proto"] {
        documents.extend(files_below(folder));
    }
    documents.retain(|path| path.extension().is_some_and(|kind| kind == "md"));
    documents
}

#[test]
fn every_link_to_a_file_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)#\s]+)(#[^)]*)?\)").unwrap();
    let mut findings = Vec::new();
    for document in documents() {
        let folder = root().join(document.parent().unwrap_or(Path::new("")));
        for found in link.captures_iter(&text(&document)) {
            let target = &found[1];
            if !target.contains("://") && !folder.join(target).exists() {
                findings.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert_none(findings);
}

#[test]
fn every_make_target_and_test_that_a_document_names_exists() {
    let make = Regex::new(r"(?:`|\$ |^)make ([a-z]+)").unwrap();
    let suite = Regex::new(r"cargo test --test ([a-z]+)").unwrap();
    let (makefile, manifest) = (text("GNUmakefile"), text("Cargo.toml"));
    let mut findings = Vec::new();
    let mut seen = 0;
    for document in documents() {
        let text = text(&document);
        let targets = make.captures_iter(&text).map(|found| {
            let known = makefile.contains(&format!("\n{}:", &found[1]));
            (found[0].to_owned(), known)
        });
        let suites = suite.captures_iter(&text).map(|found| {
            let known = manifest.contains(&format!("[[test]]\nname = \"{}\"", &found[1]))
                || root()
                    .join("tests")
                    .join(&found[1])
                    .join("main.rs")
                    .exists();
            (found[0].to_owned(), known)
        });
        for (command, known) in targets.chain(suites) {
            seen += 1;
            if !known {
                findings.push(format!("{}: {command}", document.display()));
            }
        }
    }
    assert!(seen > 5, "only {seen} commands were found in the documents");
    assert_none(findings);
}

#[test]
fn decisions_are_numbered_one_after_the_other_and_fit_on_a_page() {
    let decisions: Vec<PathBuf> = files_below("docs/decisions")
        .into_iter()
        .filter(|path| !path.ends_with("README.md"))
        .collect();
    let mut findings = Vec::new();
    for (number, path) in (1..).zip(&decisions) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let decision = text(path);
        if !name.starts_with(&format!("{number:04}-")) {
            findings.push(format!("{name} is number {number}"));
        }
        if decision.lines().count() > 60 {
            findings.push(format!("{name} is longer than a page"));
        }
        for heading in ["\n## Question\n", "\n## Options\n", "\n## Choice\n"] {
            if !decision.contains(heading) {
                findings.push(format!("{name} has no heading {heading:?}"));
            }
        }
    }
    assert!(!decisions.is_empty(), "there are no decisions");
    assert_none(findings);
}
