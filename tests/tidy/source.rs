//! Rust source as tokens: the paths that a file names, each with its line.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A file of ours.
pub(crate) struct File {
    /// From the repository's root.
    pub(crate) path: PathBuf,
    /// What it names, in order.
    pub(crate) names: Vec<Name>,
}

/// A path that stands in code, or a word that stands alone: `tokio::sync::Mutex`, `crate::aws`, `async`.
///
/// `super` and `self` are resolved, and a group in braces gives one name for each of its members.
pub(crate) struct Name {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// Whether it stands in code that only tests compile.
    pub(crate) in_test: bool,
}

impl Name {
    /// The module of this crate that it begins in, where it is a path of this crate.
    pub(crate) fn layer(&self) -> Option<&str> {
        match self.segments.first()?.as_str() {
            "crate" => self.segments.get(1).map(String::as_str),
            _ => None,
        }
    }

    /// The first segment of a path that leads to another crate or to the standard library.
    pub(crate) fn foreign(&self) -> Option<&str> {
        let first = self.segments.first()?.as_str();
        (self.segments.len() > 1 && first != "crate").then_some(first)
    }

    pub(crate) fn text(&self) -> String {
        self.segments.join("::")
    }
}

/// Every Rust file of a layer.
pub(crate) fn layer(name: &str) -> Vec<File> {
    below(&format!("src/{name}"))
}

/// Every Rust file below a folder, read.
pub(crate) fn below(folder: &str) -> Vec<File> {
    crate::files_below(folder)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| read(&path))
        .collect()
}

fn read(path: &Path) -> File {
    let module = module_of(path);
    let in_test = module
        .iter()
        .any(|part| part == "tests" || part == "testing");
    let names = names_in(&crate::text(path), module, in_test);
    File {
        path: path.to_owned(),
        names,
    }
}

fn names_in(text: &str, module: Vec<String>, in_test: bool) -> Vec<Name> {
    let tokens: TokenStream = text.parse().expect("the file is Rust");
    let mut reader = Reader {
        names: Vec::new(),
        module,
        in_test,
    };
    reader.read(tokens);
    reader.names
}

/// `src/aws/s3.rs` is `aws::s3`, `src/aws/mod.rs` is `aws`.
fn module_of(path: &Path) -> Vec<String> {
    let below = path.strip_prefix("src").unwrap_or(path).with_extension("");
    let mut module: Vec<String> = below
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if matches!(
        module.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        module.pop();
    }
    module
}

struct Reader {
    names: Vec<Name>,
    /// The module that is being read.
    module: Vec<String>,
    in_test: bool,
}

impl Reader {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        // Set by `#[cfg(test)]` until the end of the item behind it.
        let mut outside = None;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Ident(_) => {
                    if let Some(name) = module_name(&tokens, at)
                        && let Some(TokenTree::Group(body)) = tokens.get(at + 2)
                    {
                        self.module.push(name);
                        self.read(body.stream());
                        self.module.pop();
                        at += 3;
                    } else {
                        at = self.path(&tokens, at, Vec::new());
                        continue;
                    }
                    if let Some(was) = outside.take() {
                        self.in_test = was;
                    }
                    continue;
                }
                TokenTree::Punct(mark) if mark.as_char() == '#' => {
                    if is_cfg_test(tokens.get(at + 1)) {
                        outside.get_or_insert(self.in_test);
                        self.in_test = true;
                    }
                    // What an attribute holds is no code.
                    let inner = matches!(tokens.get(at + 1), Some(TokenTree::Punct(_)));
                    at += if inner { 3 } else { 2 };
                    continue;
                }
                TokenTree::Punct(mark) if mark.as_char() == ';' => {
                    if let Some(was) = outside.take() {
                        self.in_test = was;
                    }
                }
                TokenTree::Group(group) => {
                    self.read(group.stream());
                    if group.delimiter() == Delimiter::Brace
                        && let Some(was) = outside.take()
                    {
                        self.in_test = was;
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Reads the path that begins at an identifier, after the segments `before` a group; answers where it ends.
    fn path(&mut self, tokens: &[TokenTree], start: usize, before: Vec<String>) -> usize {
        let mut segments = before;
        let mut at = start;
        let mut line = 0;
        while let Some(TokenTree::Ident(word)) = tokens.get(at) {
            line = word.span().start().line;
            segments.push(word.to_string().trim_start_matches("r#").to_owned());
            at += 1;
            if !is_path_mark(tokens, at) {
                break;
            }
            at += 2;
            if let Some(TokenTree::Group(group)) = tokens.get(at)
                && group.delimiter() == Delimiter::Brace
            {
                self.group(group.stream(), &segments);
                return at + 1;
            }
        }
        self.names.push(Name {
            segments: self.resolved(segments),
            line,
            in_test: self.in_test,
        });
        at.max(start + 1)
    }

    /// The members of `{a::b, c}` behind a path.
    fn group(&mut self, tokens: TokenStream, before: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = match &tokens[at] {
                TokenTree::Ident(_) => self.path(&tokens, at, before.to_vec()),
                TokenTree::Group(group) => {
                    self.group(group.stream(), before);
                    at + 1
                }
                _ => at + 1,
            };
        }
    }

    /// The path from the crate's root where it begins with `super` or `self`.
    fn resolved(&self, segments: Vec<String>) -> Vec<String> {
        let ups = segments.iter().take_while(|part| *part == "super").count();
        let begins = segments.first().map(String::as_str);
        let (kept, rest) = match begins {
            Some("super") => (self.module.len().saturating_sub(ups), &segments[ups..]),
            Some("self") if segments.len() > 1 => (self.module.len(), &segments[1..]),
            _ => return segments,
        };
        let mut path = vec!["crate".to_owned()];
        path.extend_from_slice(&self.module[..kept]);
        path.extend_from_slice(rest);
        path
    }
}

/// The name in `mod name`, where that stands here.
fn module_name(tokens: &[TokenTree], at: usize) -> Option<String> {
    match (tokens.get(at), tokens.get(at + 1)) {
        (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(name))) if *word == "mod" => {
            Some(name.to_string())
        }
        _ => None,
    }
}

fn is_path_mark(tokens: &[TokenTree], at: usize) -> bool {
    let is_colon =
        |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(mark)) if mark.as_char() == ':');
    is_colon(at) && is_colon(at + 1)
}

fn is_cfg_test(attribute: Option<&TokenTree>) -> bool {
    attribute.is_some_and(|attribute| attribute.to_string().replace(' ', "") == "[cfg(test)]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let module = vec!["aws".to_owned(), "s3".to_owned()];
        names_in(text, module, false)
            .into_iter()
            .filter(|name| name.segments.len() > 1)
            .map(|name| {
                let place = if name.in_test { " in a test" } else { "" };
                format!("{}: {}{place}", name.line, name.text())
            })
            .collect()
    }

    #[test]
    fn every_form_of_a_path_is_found() {
        let text = "use crate::{a::b, c::{d, self}};\nuse super::call::At;\nfn f() { super::super::plugin::run(); tokio::spawn(x) }";
        assert_eq!(
            found(text),
            [
                "1: crate::a::b",
                "1: crate::c::d",
                "1: crate::c::self",
                "2: crate::aws::call::At",
                "3: crate::plugin::run",
                "3: tokio::spawn",
            ]
        );
    }

    #[test]
    fn comments_texts_and_attributes_are_no_code() {
        let text = "//! tokio::x\n#![expect(clippy::x)]\n/// [`crate::aws`]\n#[doc = \"x\"]\nconst A: &str = \"tonic::y\"; // prost::z";
        assert_eq!(found(text), Vec::<String>::new());
    }

    #[test]
    fn code_of_tests_is_known_as_such_and_deeper_by_one_module() {
        let text = "#[cfg(test)]\nmod tests {\n use super::x;\n use super::super::kms;\n}\n#[cfg(test)]\nuse a::b;\nuse c::d;";
        assert_eq!(
            found(text),
            [
                "3: crate::aws::s3::x in a test",
                "4: crate::aws::kms in a test",
                "7: a::b in a test",
                "8: c::d",
            ]
        );
    }
}
