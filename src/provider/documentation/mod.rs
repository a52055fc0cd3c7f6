//! The pages of `docs/`, in the layout of the Terraform registry.
//!
//! A page is made of the schema's own descriptions, of the examples under `examples/`, and of a few
//! paragraphs that stand beside this file. [`run`] is the sub-command `docs`, which writes the pages or checks
//! that they are as written; [`pages`] makes them. Decisions, and guides but the operator's permissions, are written
//! by hand and left alone.

mod function;
mod operator_permissions;
mod schema;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::framework::provider::{IdentitySchema, Provider};
use crate::framework::schema::Schema;
use crate::framework::server::{Schemas, Server};

/// What the names of resources and data sources begin with, and pages leave out.
const PREFIX: &str = "replicated_";
/// Folders of `docs/` that hold generated pages and nothing else.
const GENERATED: [&str; 5] = [
    "docs/resources",
    "docs/data-sources",
    "docs/list-resources",
    "docs/functions",
    "docs/actions",
];

/// Runs `docs [--check] [DIR]` and tells what was done. `DIR` is the repository's root, else the current
/// directory. With `--check` nothing is written, and a page that differs is an error.
pub fn run(provider: Arc<dyn Provider>, arguments: &[String]) -> Result<String, String> {
    let (flags, directories): (Vec<_>, Vec<_>) =
        arguments.iter().partition(|text| text.starts_with('-'));
    if flags.iter().any(|flag| *flag != "--check") || directories.len() > 1 {
        return Err("Usage: docs [--check] [DIR]".to_owned());
    }
    let root = Path::new(directories.first().map_or(".", |text| text.as_str()));
    let pages = pages(Server::new(provider).schemas(), root)?;
    let strangers = strangers(&pages, root)?;
    let differing: Vec<&PathBuf> = pages
        .iter()
        .filter(|(path, text)| std::fs::read_to_string(root.join(path)).ok().as_ref() != Some(text))
        .map(|(path, _)| path)
        .chain(&strangers)
        .collect();
    if flags.is_empty() {
        write(&pages, &strangers, root)?;
        return Ok(format!(
            "{} pages, {} of them changed",
            pages.len(),
            differing.len()
        ));
    }
    if differing.is_empty() {
        return Ok(format!("{} pages are as the schemas say", pages.len()));
    }
    let listed: Vec<String> = differing
        .iter()
        .map(|path| format!("  {}", path.display()))
        .collect();
    Err(format!(
        "These pages are not as the schemas and examples say; write them anew with `make docs`:\n{}",
        listed.join("\n")
    ))
}

/// Every generated page by its path below the root. Examples are read from below the root, too.
pub fn pages(schemas: &Schemas, root: &Path) -> Result<BTreeMap<PathBuf, String>, String> {
    let mut pages = BTreeMap::new();
    let index = Page {
        title: "replicated Provider".to_owned(),
        heading: "replicated Provider".to_owned(),
        example: example(root, "provider/provider.tf")?,
        notes: include_str!("provider.md"),
        schema: &schemas.provider,
        import: None,
    };
    pages.insert(PathBuf::from("docs/index.md"), index.text());
    for (name, resource) in &schemas.resources {
        let folder = format!("resources/{name}");
        let page = Page {
            title: format!("{name} Resource - replicated"),
            heading: format!("{name} (Resource)"),
            example: example(root, &format!("{folder}/resource.tf"))?,
            notes: match name.as_str() {
                "replicated_bucket" => include_str!("bucket.md"),
                _ => "",
            },
            schema: &resource.entry.schema,
            import: Some(import(root, &folder, resource.identity.as_ref())?),
        };
        pages.insert(path("resources", name), page.text());
    }
    for (name, data_source) in &schemas.data_sources {
        let page = Page {
            title: format!("{name} Data Source - replicated"),
            heading: format!("{name} (Data Source)"),
            example: example(root, &format!("data-sources/{name}/data-source.tf"))?,
            notes: match name.as_str() {
                "replicated_bucket_status" => include_str!("bucket_status.md"),
                _ => "",
            },
            schema: &data_source.schema,
            import: None,
        };
        pages.insert(path("data-sources", name), page.text());
    }
    for (name, list) in &schemas.list_resources {
        let page = Page {
            title: format!("{name} List Resource - replicated"),
            heading: format!("{name} (List Resource)"),
            example: example(
                root,
                &format!("list-resources/{name}/list-resource.tfquery.hcl"),
            )?,
            notes: match name.as_str() {
                "replicated_bucket" => include_str!("bucket_list.md"),
                _ => "",
            },
            schema: &list.schema,
            import: None,
        };
        pages.insert(path("list-resources", name), page.text());
    }
    for (name, action) in &schemas.actions {
        let page = Page {
            title: format!("{name} Action - replicated"),
            heading: format!("{name} (Action)"),
            example: example(root, &format!("actions/{name}/action.tf"))?,
            notes: match name.as_str() {
                "replicated_bucket_backfill" => include_str!("bucket_backfill.md"),
                _ => "",
            },
            schema: &action.schema,
            import: None,
        };
        pages.insert(path("actions", name), page.text());
    }
    for (name, function) in &schemas.functions {
        let example = example(root, &format!("functions/{name}/function.tf"))?;
        let text = function::page(name, &function.signature(), &example);
        pages.insert(path("functions", name), text);
    }
    let guide = PathBuf::from("docs/guides/operator-permissions.md");
    pages.insert(guide, operator_permissions::page());
    Ok(pages)
}

/// One page before it is text.
struct Page<'a> {
    title: String,
    heading: String,
    example: String,
    /// Paragraphs between the example and the schema.
    notes: &'a str,
    schema: &'a Schema,
    import: Option<String>,
}

impl Page<'_> {
    fn text(&self) -> String {
        let Self {
            title,
            heading,
            example,
            ..
        } = self;
        let description = &self.schema.block.description;
        let mut parts = vec![
            format!(
                "---\npage_title: \"{title}\"\nsubcategory: \"\"\ndescription: |-\n  {description}\n---"
            ),
            format!("# {heading}"),
            description.clone(),
            format!("## Example Usage\n\n```terraform\n{example}\n```"),
        ];
        if !self.notes.is_empty() {
            parts.push(self.notes.trim().to_owned());
        }
        parts.push(schema::sections(&self.schema.block));
        if let Some(import) = &self.import {
            parts.push(import.clone());
        }
        parts.join("\n\n") + "\n"
    }
}

fn path(folder: &str, name: &str) -> PathBuf {
    let short = name.strip_prefix(PREFIX).unwrap_or(name);
    PathBuf::from(format!("docs/{folder}/{short}.md"))
}

fn example(root: &Path, name: &str) -> Result<String, String> {
    let file = root.join("examples").join(name);
    std::fs::read_to_string(&file)
        .map(|text| text.trim_end().to_owned())
        .map_err(|error| {
            format!(
                "{}: {error}. The pages hold the examples of the repository: run this at its root, or name it.",
                file.display()
            )
        })
}

/// How a resource is imported: by its ID, and by its identity where it has one.
fn import(root: &Path, folder: &str, identity: Option<&IdentitySchema>) -> Result<String, String> {
    let by_id = example(root, &format!("{folder}/import.sh"))?;
    let mut text = format!(
        "## Import\n\nBy ID, also in an `import` block with `id`:\n\n```shell\n{by_id}\n```"
    );
    if let Some(identity) = identity {
        let by_identity = example(root, &format!("{folder}/import-by-identity.tf"))?;
        let attributes: Vec<String> = identity
            .attributes
            .iter()
            .map(|attribute| {
                let setter = match attribute.required_for_import {
                    true => "required",
                    false => "optional",
                };
                format!(
                    "- `{}` ({setter}) {}",
                    attribute.name, attribute.description
                )
            })
            .collect();
        text.push_str(&format!(
            "\n\nBy identity, with Terraform 1.12 and later:\n\n```terraform\n{by_identity}\n```\n\n{}",
            attributes.join("\n")
        ));
    }
    Ok(text)
}

/// Files in the folders of generated pages that no schema accounts for any more.
fn strangers(pages: &BTreeMap<PathBuf, String>, root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for folder in GENERATED {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else {
            // Before the first run there is no folder.
            continue;
        };
        for entry in entries {
            let entry = entry.map_err(|error| format!("{folder}: {error}"))?;
            let path = Path::new(folder).join(entry.file_name());
            if !pages.contains_key(&path) {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn write(
    pages: &BTreeMap<PathBuf, String>,
    strangers: &[PathBuf],
    root: &Path,
) -> Result<(), String> {
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    for path in strangers {
        std::fs::remove_file(root.join(path)).map_err(|error| failed(path, error))?;
    }
    for (path, text) in pages {
        let file = root.join(path);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(|error| failed(path, error))?;
        }
        std::fs::write(&file, text).map_err(|error| failed(path, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ReplicatedProvider;

    fn run_in(root: &Path, flags: &[&str]) -> Result<String, String> {
        let arguments: Vec<String> = flags
            .iter()
            .map(|flag| (*flag).to_owned())
            .chain([root.display().to_string()])
            .collect();
        run(Arc::new(ReplicatedProvider::new()), &arguments)
    }

    /// A root with the examples that the pages need.
    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let functions = ReplicatedProvider::new().functions();
        let functions = functions
            .iter()
            .map(|function| format!("functions/{}/function.tf", function.name()));
        let others = [
            "provider/provider.tf",
            "resources/replicated_bucket/resource.tf",
            "resources/replicated_bucket/import.sh",
            "resources/replicated_bucket/import-by-identity.tf",
            "data-sources/replicated_account/data-source.tf",
            "data-sources/replicated_bucket_status/data-source.tf",
            "data-sources/replicated_policies/data-source.tf",
            "list-resources/replicated_bucket/list-resource.tfquery.hcl",
            "actions/replicated_bucket_backfill/action.tf",
            "actions/replicated_bucket_verify/action.tf",
        ];
        for path in functions.chain(others.map(str::to_owned)) {
            let file = root.path().join("examples").join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "# example\n").unwrap();
        }
        root
    }

    #[test]
    fn what_was_written_passes_the_check() {
        let root = root();
        let missing = run_in(root.path(), &["--check"]).unwrap_err();
        assert!(missing.contains("docs/resources/bucket.md"), "{missing}");
        run_in(root.path(), &[]).unwrap();
        run_in(root.path(), &["--check"]).unwrap();
    }

    #[test]
    fn a_page_that_differs_or_that_nothing_accounts_for_fails_the_check_and_is_mended() {
        let root = root();
        run_in(root.path(), &[]).unwrap();
        let stranger = root.path().join("docs/resources/gone.md");
        std::fs::write(&stranger, "old").unwrap();
        std::fs::write(root.path().join("docs/index.md"), "edited").unwrap();
        let differing = run_in(root.path(), &["--check"]).unwrap_err();
        assert!(differing.contains("docs/index.md"), "{differing}");
        assert!(differing.contains("docs/resources/gone.md"), "{differing}");
        assert!(
            !differing.contains("docs/resources/bucket.md"),
            "{differing}"
        );
        run_in(root.path(), &[]).unwrap();
        assert!(!stranger.exists());
        run_in(root.path(), &["--check"]).unwrap();
    }

    #[test]
    fn outside_the_repository_the_error_names_the_example_that_is_missing() {
        let empty = tempfile::tempdir().unwrap();
        let why = run_in(empty.path(), &[]).unwrap_err();
        assert!(why.contains("provider.tf"), "{why}");
        assert!(!empty.path().join("docs").exists());
    }

    #[test]
    fn what_is_not_understood_is_refused_before_anything_is_written() {
        let root = root();
        assert!(run_in(root.path(), &["--chekc"]).is_err());
        assert!(run_in(root.path(), &["elsewhere"]).is_err());
        assert!(!root.path().join("docs").exists());
    }
}
