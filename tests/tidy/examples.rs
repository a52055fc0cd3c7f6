//! Examples are short, explained, and accepted by a real Terraform.

use std::path::{Path, PathBuf};

use support::Outcome;
use support::examples::{blocks, lines_of_blocks};
use support::terraform::{Client, PROVIDER_ADDRESS, Workspace};

use crate::{assert_none, files_below, root, text};

/// Folders with the parts that the documentation pages show; each other folder is an example of its own.
const PARTS: [&str; 6] = [
    "provider",
    "resources",
    "data-sources",
    "list-resources",
    "functions",
    "actions",
];

/// Lines of a README that fit on one screen.
const SCREEN: usize = 45;
/// Lines that are left of `provider` and `resource` blocks: one block is what this product is about.
const MOST_LINES: usize = 25;

fn example_folders() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(root().join("examples")).expect("there are examples");
    let mut found: Vec<PathBuf> = folders
        .map(|entry| entry.expect("the entry can be read").path())
        .filter(|path| !PARTS.iter().any(|part| path.ends_with(part)))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "there is no example");
    found
}

#[test]
fn the_source_address_is_the_providers_everywhere() {
    let short = terraform_provider_replicated::provider::ADDRESS
        .strip_prefix("registry.terraform.io/")
        .unwrap();
    assert_eq!(PROVIDER_ADDRESS, short);
    for file in [
        "tools/python/install.py",
        "examples/cross-account-kms/main.tf",
    ] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        assert!(text.contains(&format!("\"{short}\"")), "{file}");
    }
}

#[test]
fn every_example_is_explained_on_one_screen_and_is_one_block() {
    let mut findings = Vec::new();
    for folder in example_folders() {
        let name = folder.display();
        match std::fs::read_to_string(folder.join("README.md")) {
            Ok(readme) if readme.lines().count() <= SCREEN => {}
            Ok(_) => findings.push(format!("{name}: the README is longer than a screen")),
            Err(error) => findings.push(format!("{name}/README.md: {error}")),
        }
        for directory in directories_of(&folder) {
            let configuration = text(directory.join("main.tf"));
            let lines = lines_of_blocks(&configuration);
            if !(1..=MOST_LINES).contains(&lines) {
                let name = directory.display();
                findings.push(format!("{name}: {lines} lines of provider and resources"));
            }
        }
    }
    assert_none(findings);
}

/// The directories of an example that Terraform can run in, or that it takes for modules.
fn directories_of(example: &Path) -> Vec<PathBuf> {
    let below = example.strip_prefix(root()).unwrap().to_str().unwrap();
    let mut found: Vec<PathBuf> = files_below(below)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|kind| kind == "tf"))
        .filter_map(|file| file.parent().map(Path::to_owned))
        .collect();
    found.dedup();
    assert!(!found.is_empty(), "{below} has no configuration");
    found
}

#[test]
fn every_example_has_a_guide_that_shows_it() {
    let mut findings = Vec::new();
    for folder in example_folders() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let guide = text(format!("docs/guides/{name}.md"));
        for block in blocks(&text(folder.join("main.tf"))) {
            if !guide.contains(&block) {
                findings.push(format!("docs/guides/{name}.md does not show\n{block}"));
            }
        }
    }
    assert_none(findings);
}

#[test]
fn the_readme_shows_the_resource_of_the_first_example() {
    // What a person reads first is what `make demo` runs, but for names and variables.
    let readme = text("README.md");
    let shown = readme
        .split("```hcl\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let shown = shown.expect("the README shows a configuration");
    let example = text("examples/cross-account-kms/main.tf");
    let names = |configuration: &str| -> Vec<String> {
        let resource = configuration
            .split_once("resource \"")
            .expect("a resource")
            .1;
        let end = resource.find("\n}").unwrap_or(resource.len());
        resource[..end]
            .lines()
            .skip(1)
            .filter_map(|line| Some(line.split_once('=')?.0.trim().to_owned()))
            .collect()
    };
    let example = names(&example);
    for name in names(shown) {
        assert!(example.contains(&name), "{name} is not in the example");
    }
}

#[tokio::test]
async fn every_configuration_is_accepted_by_terraform() -> Outcome {
    let client = match Client::on_path() {
        Some(client) => client,
        None => Client::from_python()?,
    };
    let provider = Path::new(env!("CARGO_BIN_EXE_terraform-provider-replicated"));
    for part in PARTS {
        let files = files_below(&format!("examples/{part}"));
        let mut files = files.iter().filter(|path| {
            let kind = path.extension();
            kind.is_some_and(|kind| kind == "tf" || kind == "hcl")
        });
        assert!(
            files.clone().next().is_some(),
            "there is nothing in examples/{part}"
        );
        for path in &mut files {
            // Identities, queries and actions are newer than the client of PATH may be.
            let is_query = part == "list-resources";
            let is_new = is_query || part == "actions";
            let client = match is_new || path.ends_with("import-by-identity.tf") {
                true => Client::from_python()?,
                false => client.clone(),
            };
            let workspace = Workspace::new(client, provider)?;
            let name = match is_query {
                true => "main.tfquery.hcl",
                false => "main.tf",
            };
            workspace.write(name, &text(path))?;
            if !text(path).contains("required_providers") {
                workspace.write(
                "versions.tf",
                &format!(
                    "terraform {{\n  required_providers {{\n    replicated = {{ source = \"{PROVIDER_ADDRESS}\" }}\n  }}\n}}\n"
                ),
            )?;
            }
            assert_accepted(&workspace, path).await?;
            if is_query {
                let run = workspace.run(&["validate", "-query", "-no-color"]).await?;
                assert_eq!(run.code, Some(0), "{}: {run}", path.display());
            }
        }
    }
    for example in example_folders() {
        for directory in directories_of(&example) {
            let has_actions = text(directory.join("main.tf")).contains("\naction \"");
            let client = match has_actions {
                true => Client::from_python()?,
                false => client.clone(),
            };
            let mut workspace = Workspace::new(client, provider)?;
            workspace.copy(&example)?;
            workspace.enter(root().join(&directory).strip_prefix(&example)?);
            workspace.run(&["get", "-no-color"]).await?.success()?;
            assert_accepted(&workspace, &directory).await?;
        }
    }
    Ok(())
}

async fn assert_accepted(workspace: &Workspace, path: &Path) -> Outcome {
    for arguments in [&["validate", "-no-color"][..], &["fmt", "-check", "-diff"]] {
        let run = workspace.run(arguments).await?;
        assert_eq!(run.code, Some(0), "{}: {run}", path.display());
    }
    Ok(())
}

#[test]
fn no_example_has_a_key_that_the_schema_does_not_know() {
    // Terraform drops such a key without a word.
    for directory in example_folders()
        .iter()
        .flat_map(|example| directories_of(example))
    {
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_terraform-provider-replicated"))
            .arg("check")
            .arg(root().join(&directory))
            .output()
            .unwrap();
        assert!(run.status.success(), "{}: {run:?}", directory.display());
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(!said.contains("0 files"), "{}: {said}", directory.display());
    }
}
