//! Schemas as a JSON document for tools: the form of `terraform providers schema -json`, without Terraform.
//!
//! Its entry point is [`document`]. What is false or empty is left out, as Terraform does.

use serde_json::{Map, Value, json};

use crate::framework::provider::{FunctionSignature, IdentitySchema, Parameter};
use crate::framework::schema::{
    Attribute, AttributeType, Block, BlockNesting, NestedBlock, Nesting, Schema, Setter,
};
use crate::framework::server::Schemas;

/// The version of the document's form.
const FORMAT_VERSION: &str = "1.0";

/// The schemas of the provider with this address.
pub fn document(address: &str, schemas: &Schemas) -> Value {
    json!({
        "format_version": FORMAT_VERSION,
        "provider_schemas": { address: provider(schemas) },
    })
}

fn provider(schemas: &Schemas) -> Value {
    let resources = schemas.resources.iter();
    let identities = resources
        .clone()
        .filter_map(|(name, resource)| Some((name, identity(resource.identity.as_ref()?))));
    let mut entry = Map::new();
    entry.insert("provider".into(), schema(&schemas.provider));
    for (key, part) in [
        (
            "resource_schemas",
            object(resources.map(|(name, resource)| (name, schema(&resource.entry.schema)))),
        ),
        (
            "data_source_schemas",
            object(
                schemas
                    .data_sources
                    .iter()
                    .map(|(name, entry)| (name, schema(&entry.schema))),
            ),
        ),
        (
            "list_resource_schemas",
            object(
                schemas
                    .list_resources
                    .iter()
                    .map(|(name, entry)| (name, schema(&entry.schema))),
            ),
        ),
        (
            "action_schemas",
            object(
                schemas
                    .actions
                    .iter()
                    .map(|(name, entry)| (name, json!({ "block": block(&entry.schema.block) }))),
            ),
        ),
        (
            "functions",
            object(
                schemas
                    .functions
                    .iter()
                    .map(|(name, item)| (name, function(&item.signature()))),
            ),
        ),
        ("resource_identity_schemas", object(identities)),
    ] {
        if !part.is_empty() {
            entry.insert(key.into(), Value::Object(part));
        }
    }
    Value::Object(entry)
}

fn schema(schema: &Schema) -> Value {
    json!({ "version": schema.version, "block": block(&schema.block) })
}

fn block(block: &Block) -> Value {
    let mut entry = described(&block.description);
    if !block.attributes.is_empty() {
        entry.insert("attributes".into(), attributes(&block.attributes));
    }
    if !block.blocks.is_empty() {
        let blocks = object(
            block
                .blocks
                .iter()
                .map(|nested| (&nested.name, nested_block(nested))),
        );
        entry.insert("block_types".into(), Value::Object(blocks));
    }
    deprecate(&mut entry, block.deprecation.as_deref());
    Value::Object(entry)
}

fn nested_block(nested: &NestedBlock) -> Value {
    let nesting = match nested.nesting {
        BlockNesting::Single => "single",
        BlockNesting::List => "list",
        BlockNesting::Set => "set",
        BlockNesting::Map => "map",
        BlockNesting::Group => "group",
    };
    let mut entry = Map::new();
    entry.insert("nesting_mode".into(), nesting.into());
    entry.insert("block".into(), block(&nested.block));
    for (key, count) in [
        ("min_items", nested.min_items),
        ("max_items", nested.max_items),
    ] {
        if count != 0 {
            entry.insert(key.into(), count.into());
        }
    }
    Value::Object(entry)
}

fn attributes(attributes: &[Attribute]) -> Value {
    Value::Object(object(attributes.iter().map(|a| (&a.name, attribute(a)))))
}

fn attribute(attribute: &Attribute) -> Value {
    let mut entry = described(&attribute.description);
    match &attribute.ty {
        AttributeType::Plain(ty) => entry.insert("type".into(), ty.to_json()),
        AttributeType::Nested(nesting, inner) => {
            let nesting = match nesting {
                Nesting::Single => "single",
                Nesting::List => "list",
                Nesting::Set => "set",
                Nesting::Map => "map",
            };
            let nested = json!({ "attributes": attributes(inner), "nesting_mode": nesting });
            entry.insert("nested_type".into(), nested)
        }
    };
    for (key, set) in [
        ("required", attribute.setter == Setter::Required),
        (
            "optional",
            matches!(
                attribute.setter,
                Setter::Optional | Setter::OptionalComputed
            ),
        ),
        ("computed", attribute.computed()),
        ("sensitive", attribute.sensitive),
        ("write_only", attribute.write_only),
    ] {
        if set {
            entry.insert(key.into(), true.into());
        }
    }
    deprecate(&mut entry, attribute.deprecation.as_deref());
    Value::Object(entry)
}

fn identity(identity: &IdentitySchema) -> Value {
    let attributes = identity.attributes.iter().map(|attribute| {
        let import = if attribute.required_for_import {
            "required_for_import"
        } else {
            "optional_for_import"
        };
        let entry = json!({
            "type": attribute.ty.to_json(),
            "description": attribute.description,
            import: true,
        });
        (&attribute.name, entry)
    });
    json!({ "version": identity.version, "attributes": object(attributes) })
}

fn function(signature: &FunctionSignature) -> Value {
    let mut entry = Map::new();
    entry.insert("description".into(), signature.description.as_str().into());
    entry.insert("summary".into(), signature.summary.as_str().into());
    entry.insert("return_type".into(), signature.result.to_json());
    if !signature.parameters.is_empty() {
        let parameters = signature.parameters.iter().map(parameter).collect();
        entry.insert("parameters".into(), Value::Array(parameters));
    }
    if let Some(variadic) = &signature.variadic {
        entry.insert("variadic_parameter".into(), parameter(variadic));
    }
    Value::Object(entry)
}

fn parameter(parameter: &Parameter) -> Value {
    let mut entry = Map::new();
    entry.insert("name".into(), parameter.name.as_str().into());
    entry.insert("description".into(), parameter.description.as_str().into());
    entry.insert("type".into(), parameter.ty.to_json());
    if parameter.allow_null {
        entry.insert("is_nullable".into(), true.into());
    }
    Value::Object(entry)
}

fn described(description: &str) -> Map<String, Value> {
    let mut entry = Map::new();
    if !description.is_empty() {
        entry.insert("description".into(), description.into());
    }
    entry.insert("description_kind".into(), "markdown".into());
    entry
}

fn deprecate(entry: &mut Map<String, Value>, reason: Option<&str>) {
    if let Some(reason) = reason {
        entry.insert("deprecated".into(), true.into());
        entry.insert("deprecation_message".into(), reason.into());
    }
}

fn object<'a>(entries: impl Iterator<Item = (&'a String, Value)>) -> Map<String, Value> {
    entries.map(|(name, value)| (name.clone(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_has_terraforms_keys_and_no_empty_ones() {
        let mut old = Attribute::bool("old", Setter::Optional, "Old.");
        old.deprecation = Some("Use `rules`.".into());
        let rules = Attribute::nested(
            "rules",
            Nesting::Map,
            vec![Attribute::number("days", Setter::Computed, "")],
            Setter::Required,
            "Rules.",
        );
        let written = schema(&Schema {
            version: 2,
            block: Block {
                attributes: vec![old, rules],
                blocks: vec![NestedBlock {
                    name: "timeouts".into(),
                    nesting: BlockNesting::Single,
                    block: Block::default(),
                    min_items: 0,
                    max_items: 1,
                }],
                ..Block::default()
            },
        });
        assert_eq!(
            written,
            json!({
                "version": 2,
                "block": {
                    "attributes": {
                        "old": {
                            "type": "bool",
                            "description": "Old.",
                            "description_kind": "markdown",
                            "optional": true,
                            "deprecated": true,
                            "deprecation_message": "Use `rules`.",
                        },
                        "rules": {
                            "nested_type": {
                                "attributes": {
                                    "days": {
                                        "type": "number",
                                        "description_kind": "markdown",
                                        "computed": true,
                                    },
                                },
                                "nesting_mode": "map",
                            },
                            "description": "Rules.",
                            "description_kind": "markdown",
                            "required": true,
                        },
                    },
                    "block_types": {
                        "timeouts": {
                            "nesting_mode": "single",
                            "block": { "description_kind": "markdown" },
                            "max_items": 1,
                        },
                    },
                    "description_kind": "markdown",
                },
            })
        );
    }
}
