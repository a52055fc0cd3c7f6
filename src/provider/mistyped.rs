//! The sub-command `check`: finds keys in our blocks that the schema does not know.
//!
//! Terraform drops an unknown key inside a nested attribute without a word, so `storge_class = ...` never reaches
//! a provider. This reads the `.tf` files instead: every object literal that stands where an object of our schema
//! is wanted is compared with it, also inside `for` expressions, conditionals, parentheses and `merge`. What is
//! built elsewhere (a variable, a local) is out of reach, and left to the empty-object checks of the plan.

use std::path::{Path, PathBuf};

use hcl_edit::Span;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Block as HclBlock, Body};

use crate::framework::provider::Provider;
use crate::framework::schema::{Attribute, AttributeType, Block, Nesting};
use crate::provider::spelling::did_you_mean;

/// `check [DIR]`: what was looked at, or one line for each unknown key.
pub fn run(provider: &dyn Provider, arguments: &[String]) -> Result<String, String> {
    let folder = arguments.first().map_or(".", String::as_str);
    let files = configuration_files(Path::new(folder))
        .map_err(|error| format!("cannot read {folder}: {error}"))?;
    let schemas = Schemas::of(provider);
    let mut findings = Vec::new();
    for file in &files {
        let name = file.display();
        match std::fs::read_to_string(file) {
            Ok(text) => {
                let found = schemas.check(&text);
                findings.extend(found.into_iter().map(|finding| format!("{name}:{finding}")));
            }
            Err(error) => findings.push(format!("{name}: cannot be read: {error}")),
        }
    }
    if findings.is_empty() {
        Ok(format!("{} files, no unknown keys", files.len()))
    } else {
        Err(findings.join("\n"))
    }
}

/// The `.tf` files of a folder, in the order of their names.
fn configuration_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "tf"))
        .collect();
    files.sort();
    Ok(files)
}

/// What our blocks may hold, by block type and label.
struct Schemas(Vec<(&'static str, String, Block)>);

impl Schemas {
    fn of(provider: &dyn Provider) -> Self {
        let resources = provider
            .resources()
            .into_iter()
            .map(|r| ("resource", r.type_name().to_owned(), r.schema().block));
        let data_sources = provider
            .data_sources()
            .into_iter()
            .map(|d| ("data", d.type_name().to_owned(), d.schema().block));
        Self(resources.chain(data_sources).collect())
    }

    /// The findings in one file, each as `<line>: <what>`.
    fn check(&self, text: &str) -> Vec<String> {
        let body: Body = match text.parse() {
            Ok(body) => body,
            Err(error) => {
                let error: hcl_edit::parser::Error = error;
                let line = error.location().line();
                return vec![format!(
                    "{line}: cannot be read as HCL: {}",
                    error.message()
                )];
            }
        };
        let mut check = Check {
            text,
            findings: Vec::new(),
        };
        for block in body.blocks() {
            if let Some(schema) = self.schema(block) {
                check.block(block, schema);
            }
        }
        check.findings
    }

    fn schema(&self, block: &HclBlock) -> Option<&Block> {
        let label = block.labels.first()?.as_str();
        self.0
            .iter()
            .find(|(kind, name, _)| block.has_ident(kind) && name == label)
            .map(|(_, _, schema)| schema)
    }
}

struct Check<'a> {
    text: &'a str,
    findings: Vec<String>,
}

impl Check<'_> {
    /// Attributes of the block itself are Terraform's to check; what is inside them is not.
    fn block(&mut self, block: &HclBlock, schema: &Block) {
        for written in block.body.attributes() {
            let name = written.key.as_str();
            if let Some(attribute) = schema.attributes.iter().find(|a| a.name == name) {
                self.value(name, &written.value, &attribute.ty);
            }
        }
    }

    /// A value where an attribute of this type is wanted.
    fn value(&mut self, path: &str, value: &Expression, ty: &AttributeType) {
        let AttributeType::Nested(nesting, attributes) = ty else {
            return;
        };
        match nesting {
            Nesting::Single => self.object(path, value, attributes),
            Nesting::Map => self.map(path, value, attributes),
            Nesting::List | Nesting::Set => {
                if let Expression::Array(items) = value {
                    for item in items {
                        self.object(&format!("{path}[]"), item, attributes);
                    }
                }
            }
        }
    }

    /// A map of objects: its keys are the user's own.
    fn map(&mut self, path: &str, value: &Expression, attributes: &[Attribute]) {
        each_literal(value, &mut |literal| match literal {
            Literal::Entries(object) => {
                for (key, entry) in object {
                    let path = format!("{path}[{:?}]", key_text(key).unwrap_or_default());
                    self.object(&path, entry.expr(), attributes);
                }
            }
            Literal::Projected(entry) => self.object(&format!("{path}[...]"), entry, attributes),
        });
    }

    fn object(&mut self, path: &str, value: &Expression, attributes: &[Attribute]) {
        each_literal(value, &mut |literal| {
            let Literal::Entries(object) = literal else {
                return;
            };
            for (key, entry) in object {
                let Some(name) = key_text(key) else { continue };
                match attributes.iter().find(|a| a.name == name) {
                    Some(attribute) => {
                        self.value(&format!("{path}.{name}"), entry.expr(), &attribute.ty);
                    }
                    None => self.unknown(path, name, key.span().map_or(0, |s| s.start), attributes),
                }
            }
        });
    }

    fn unknown(&mut self, path: &str, name: &str, offset: usize, attributes: &[Attribute]) {
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let hint = did_you_mean(name, attributes.iter().map(|a| a.name.as_str()));
        self.findings.push(format!(
            "{line}: {path} has no attribute {name}.{hint} Terraform would drop it silently."
        ));
    }
}

/// An object that stands literally in an expression.
enum Literal<'a> {
    /// `{ key = value }`.
    Entries(&'a hcl_edit::expr::Object),
    /// The value of `{ for ... : key => value }`.
    Projected(&'a Expression),
}

/// Every object literal that an expression may come to.
fn each_literal(value: &Expression, visit: &mut dyn FnMut(Literal<'_>)) {
    match value {
        Expression::Object(object) => visit(Literal::Entries(object)),
        Expression::Parenthesis(inner) => each_literal(inner.inner(), visit),
        Expression::Conditional(conditional) => {
            each_literal(&conditional.true_expr, visit);
            each_literal(&conditional.false_expr, visit);
        }
        Expression::FuncCall(call) if call.name.name.as_str() == "merge" => {
            for argument in call.args.iter() {
                each_literal(argument, visit);
            }
        }
        Expression::ForExpr(projection) if projection.key_expr.is_some() => {
            visit(Literal::Projected(&projection.value_expr));
        }
        _ => {}
    }
}

/// The key's text; a computed key, in parentheses, has none.
fn key_text(key: &ObjectKey) -> Option<&str> {
    match key {
        ObjectKey::Ident(name) => Some(name.as_str()),
        ObjectKey::Expression(Expression::String(text)) => Some(text.as_str()),
        ObjectKey::Expression(Expression::Variable(name)) => Some(name.as_str()),
        ObjectKey::Expression(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ReplicatedProvider;

    fn check(text: &str) -> Vec<String> {
        Schemas::of(&ReplicatedProvider::new()).check(text)
    }

    #[test]
    fn a_mistyped_key_is_found_with_its_line_and_the_nearest_name() {
        let findings = check(
            r#"
resource "replicated_bucket" "archive" {
  source = {
    bucket = "acme"
  }
  destinations = {
    backup = {
      storge_class = "GLACIER"
    }
  }
}
"#,
        );
        assert_eq!(
            findings,
            [
                "8: destinations[\"backup\"] has no attribute storge_class. Did you mean storage_class? Terraform would drop it silently."
            ]
        );
    }

    #[test]
    fn a_key_like_none_is_told_without_a_guess() {
        let findings = check(
            r#"
resource "replicated_bucket" "a" {
  destinations = { b = { rules = { logs = { lifecycle_rules = {} } } } }
}
"#,
        );
        assert_eq!(
            findings,
            [
                "3: destinations[\"b\"].rules[\"logs\"] has no attribute lifecycle_rules. Terraform would drop it silently."
            ]
        );
    }

    #[test]
    fn keys_inside_for_expressions_conditionals_and_merge_are_checked() {
        let findings = check(
            r#"
resource "replicated_bucket" "archive" {
  source = merge(local.base, { encrypton = {} })
  destinations = { for r in var.regions : r => { regoin = r } }
  role = var.named ? { nam = "x" } : null
}
"#,
        );
        let said = findings.join("\n");
        assert_eq!(findings.len(), 3, "{said}");
        for nearest in ["encryption", "region", "name"] {
            assert!(said.contains(&format!("Did you mean {nearest}?")), "{said}");
        }
    }

    #[test]
    fn what_is_right_or_not_ours_is_left_alone() {
        let findings = check(
            r#"
resource "aws_s3_bucket" "other" {
  anything = { goes = true }
}
resource "replicated_bucket" "archive" {
  source       = { bucket = "acme", encryption = { key = { alias = "alias/a" } } }
  destinations = merge(var.destinations, { "b.c" = { (var.key) = 1, tags = { any = "tag" } } })
}
"#,
        );
        assert_eq!(findings, Vec::<String>::new());
    }

    #[test]
    fn a_file_that_is_not_hcl_is_told_with_its_line() {
        let findings = check("resource \"replicated_bucket\" {\n  source = = 1\n}\n");
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0].starts_with("2: cannot be read as HCL"),
            "{findings:?}"
        );
    }
}
