//! The folders of `examples/`: what of a configuration counts as the setup itself.

/// The `provider`, `locals`, `data` and `resource` blocks of a configuration: the setup without its variables and
/// outputs. Blocks end at a brace in the first column.
pub fn blocks(configuration: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block = String::new();
    for line in configuration.lines() {
        let begins = ["provider ", "locals ", "data ", "resource "]
            .iter()
            .any(|word| line.starts_with(word));
        if begins || !block.is_empty() {
            block.push_str(line);
            block.push('\n');
        }
        // A block may also be written on one line.
        if line.starts_with('}') || (begins && line.ends_with('}')) {
            blocks.extend((!block.is_empty()).then(|| std::mem::take(&mut block)));
        }
    }
    blocks
}

/// Lines with something on them in `provider` and `resource` blocks, and in the `locals` that they are written with.
pub fn lines_of_blocks(configuration: &str) -> usize {
    let counted = blocks(configuration)
        .into_iter()
        .filter(|block| !block.starts_with("data "));
    counted
        .map(|block| block.lines().filter(|line| !line.trim().is_empty()).count())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIGURATION: &str = r#"variable "bucket" {
  default = "acme"
}

provider "replicated" {
  region = "eu-west-1"
}

data "replicated_account" "dr" {}

resource "replicated_bucket" "archive" {
  source = { bucket = var.bucket }

  destinations = {
    copy = {}
  }
}

output "arn" {
  value = replicated_bucket.archive.arn
}
"#;

    #[test]
    fn a_setup_is_its_blocks_without_variables_and_outputs() {
        let blocks = blocks(CONFIGURATION);
        assert_eq!(blocks.len(), 3, "{blocks:#?}");
        assert_eq!(
            blocks[0],
            "provider \"replicated\" {\n  region = \"eu-west-1\"\n}\n"
        );
        assert_eq!(blocks[1], "data \"replicated_account\" \"dr\" {}\n");
        assert!(
            blocks[2].ends_with("    copy = {}\n  }\n}\n"),
            "{}",
            blocks[2]
        );
    }

    #[test]
    fn its_lines_are_those_with_something_on_them() {
        assert_eq!(lines_of_blocks(CONFIGURATION), 9);
    }
}
