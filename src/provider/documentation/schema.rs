//! A schema as the registry shows it: required, optional and read-only members, then each nested schema in a
//! section of its own.

use crate::framework::schema::{
    Attribute, AttributeType, Block, BlockNesting, NestedBlock, Nesting, Setter,
};
use crate::framework::value::Type;

/// The section "Schema" with everything below it. Members stand in the order of the schema.
pub(super) fn sections(block: &Block) -> String {
    let root = members(&block.attributes, &block.blocks, "");
    let mut sections = vec!["## Schema".to_owned()];
    sections.extend(groups(&root, |title| format!("### {title}")));
    for member in &root {
        nested(member, &mut sections);
    }
    sections.join("\n\n")
}

/// An attribute or a block.
struct Member<'a> {
    name: &'a str,
    /// `destinations.assume_role`.
    path: String,
    group: Group,
    /// What stands in brackets: the type, and what else is to be known.
    kind: String,
    description: &'a str,
    deprecation: Option<&'a str>,
    /// What it holds, where that needs a section of its own, with the word that its anchor begins with.
    inside: Option<(&'static str, Vec<Member<'a>>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Required,
    Optional,
    ReadOnly,
}

const GROUPS: [(Group, &str); 3] = [
    (Group::Required, "Required"),
    (Group::Optional, "Optional"),
    (Group::ReadOnly, "Read-Only"),
];

fn members<'a>(
    attributes: &'a [Attribute],
    blocks: &'a [NestedBlock],
    below: &str,
) -> Vec<Member<'a>> {
    let attributes = attributes.iter().map(|it| from_attribute(it, below));
    let blocks = blocks.iter().map(|it| from_block(it, below));
    attributes.chain(blocks).collect()
}

fn from_attribute<'a>(attribute: &'a Attribute, below: &str) -> Member<'a> {
    let path = join(below, &attribute.name);
    let (mut kind, inside) = match &attribute.ty {
        AttributeType::Plain(ty) => (type_name(ty), None),
        AttributeType::Nested(nesting, attributes) => {
            let kind = match nesting {
                Nesting::Single => "Attributes",
                Nesting::List => "Attributes List",
                Nesting::Set => "Attributes Set",
                Nesting::Map => "Attributes Map",
            };
            let inside = members(attributes, &[], &path);
            (kind.to_owned(), Some(("nestedatt", inside)))
        }
    };
    for (set, word) in [
        (attribute.sensitive, ", Sensitive"),
        (attribute.write_only, ", Write-only"),
        (attribute.deprecation.is_some(), ", Deprecated"),
    ] {
        if set {
            kind.push_str(word);
        }
    }
    Member {
        name: &attribute.name,
        path,
        group: match attribute.setter {
            Setter::Required => Group::Required,
            Setter::Optional | Setter::OptionalComputed => Group::Optional,
            Setter::Computed => Group::ReadOnly,
        },
        kind,
        description: &attribute.description,
        deprecation: attribute.deprecation.as_deref(),
        inside,
    }
}

fn from_block<'a>(nested: &'a NestedBlock, below: &str) -> Member<'a> {
    let path = join(below, &nested.name);
    let mut kind = match nested.nesting {
        BlockNesting::Single | BlockNesting::Group => "Block",
        BlockNesting::List => "Block List",
        BlockNesting::Set => "Block Set",
        BlockNesting::Map => "Block Map",
    }
    .to_owned();
    for (count, word) in [(nested.min_items, "Min"), (nested.max_items, "Max")] {
        if count > 0 {
            kind.push_str(&format!(", {word}: {count}"));
        }
    }
    let block = &nested.block;
    let inside = members(&block.attributes, &block.blocks, &path);
    Member {
        name: &nested.name,
        path,
        group: if nested.min_items > 0 {
            Group::Required
        } else {
            Group::Optional
        },
        kind,
        description: &block.description,
        deprecation: block.deprecation.as_deref(),
        inside: Some(("nestedblock", inside)),
    }
}

/// One list for each group that has members.
fn groups(members: &[Member<'_>], title: impl Fn(&str) -> String) -> Vec<String> {
    GROUPS
        .iter()
        .filter_map(|(group, name)| {
            let lines: Vec<String> = members
                .iter()
                .filter(|member| member.group == *group)
                .map(Member::line)
                .collect();
            (!lines.is_empty()).then(|| format!("{}\n\n{}", title(name), lines.join("\n")))
        })
        .collect()
}

/// The section of what a member holds, and those below it.
fn nested(member: &Member<'_>, sections: &mut Vec<String>) {
    let Some((_, inside)) = &member.inside else {
        return;
    };
    sections.push(format!(
        "<a id=\"{}\"></a>\n### Nested Schema for `{}`",
        member.anchor(),
        member.path
    ));
    sections.extend(groups(inside, |title| format!("{title}:")));
    for deeper in inside {
        nested(deeper, sections);
    }
}

impl Member<'_> {
    fn line(&self) -> String {
        let mut line = format!("- `{}` ({}) {}", self.name, self.kind, self.description);
        if let Some(reason) = self.deprecation {
            line.push_str(&format!(" Deprecated: {reason}"));
        }
        if self.inside.is_some() {
            line.push_str(&format!(
                " (see [below for nested schema](#{}))",
                self.anchor()
            ));
        }
        line
    }

    fn anchor(&self) -> String {
        let word = self.inside.as_ref().map_or("", |(word, _)| word);
        format!("{word}--{}", self.path.replace('.', "--"))
    }
}

fn join(below: &str, name: &str) -> String {
    if below.is_empty() {
        name.to_owned()
    } else {
        format!("{below}.{name}")
    }
}

fn type_name(ty: &Type) -> String {
    match ty {
        Type::String => "String".to_owned(),
        Type::Bool => "Boolean".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::Dynamic => "Dynamic".to_owned(),
        Type::List(element) => format!("List of {}", type_name(element)),
        Type::Set(element) => format!("Set of {}", type_name(element)),
        Type::Map(element) => format!("Map of {}", type_name(element)),
        Type::Object(_) => "Object".to_owned(),
        Type::Tuple(_) => "Tuple".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::schema::Schema;

    #[test]
    fn members_stand_in_their_groups_and_nested_ones_in_sections_of_their_own() {
        let key = vec![
            Attribute::string("alias", Setter::OptionalComputed, "Alias of the key."),
            Attribute::string("arn", Setter::Computed, "ARN of the key."),
        ];
        let destination = vec![
            Attribute::string("bucket", Setter::Required, "Name of the bucket."),
            Attribute::nested("key", Nesting::Single, key, Setter::Optional, "The key."),
        ];
        let mut schema = Schema::new(
            "A thing.",
            vec![
                Attribute::string("id", Setter::Computed, "Its name."),
                Attribute::nested(
                    "destinations",
                    Nesting::Map,
                    destination,
                    Setter::Required,
                    "Where to.",
                ),
                Attribute::string("token", Setter::Optional, "A secret.").sensitive(),
                Attribute::string("old", Setter::Optional, "Gone soon.").deprecated("Use token."),
            ],
        );
        schema.block.blocks.push(NestedBlock {
            name: "retry".to_owned(),
            nesting: BlockNesting::List,
            block: Block {
                attributes: vec![Attribute::number("most", Setter::Required, "How often.")],
                description: "Whether to try again.".to_owned(),
                ..Block::default()
            },
            min_items: 0,
            max_items: 1,
        });
        insta::assert_snapshot!(sections(&schema.block), @r##"
        ## Schema

        ### Required

        - `destinations` (Attributes Map) Where to. (see [below for nested schema](#nestedatt--destinations))

        ### Optional

        - `token` (String, Sensitive) A secret.
        - `old` (String, Deprecated) Gone soon. Deprecated: Use token.
        - `retry` (Block List, Max: 1) Whether to try again. (see [below for nested schema](#nestedblock--retry))

        ### Read-Only

        - `id` (String) Its name.

        <a id="nestedatt--destinations"></a>
        ### Nested Schema for `destinations`

        Required:

        - `bucket` (String) Name of the bucket.

        Optional:

        - `key` (Attributes) The key. (see [below for nested schema](#nestedatt--destinations--key))

        <a id="nestedatt--destinations--key"></a>
        ### Nested Schema for `destinations.key`

        Optional:

        - `alias` (String) Alias of the key.

        Read-Only:

        - `arn` (String) ARN of the key.

        <a id="nestedblock--retry"></a>
        ### Nested Schema for `retry`

        Required:

        - `most` (Number) How often.
        "##);
    }
}
