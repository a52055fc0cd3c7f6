//! Schemas, signatures and capabilities as messages.
//!
//! Terraform crashes where a block, a type or a function's result is left out, so all of them are always set.

use crate::framework::provider::{FunctionSignature, IdentitySchema, Parameter};
use crate::framework::schema::{
    Attribute, AttributeType, Block, BlockNesting, NestedBlock, Nesting, Schema, Setter,
};
use crate::framework::value::Type;

use super::super::generated::tfplugin6 as wire;

/// Descriptions are written in Markdown throughout.
const DESCRIPTION_KIND: i32 = wire::StringKind::Markdown as i32;

/// What this server can do for every provider.
pub(in crate::plugin) fn capabilities() -> wire::ServerCapabilities {
    wire::ServerCapabilities {
        plan_destroy: true,
        get_provider_schema_optional: true,
        move_resource_state: true,
        generate_resource_config: true,
    }
}

/// Writes a schema.
pub(in crate::plugin) fn schema(schema: &Schema) -> wire::Schema {
    wire::Schema {
        version: schema.version,
        block: Some(block(&schema.block)),
    }
}

/// Writes an action's schema.
pub(in crate::plugin) fn action(schema: &Schema) -> wire::ActionSchema {
    wire::ActionSchema {
        schema: Some(self::schema(schema)),
    }
}

/// Writes an identity's schema.
pub(in crate::plugin) fn identity(identity: &IdentitySchema) -> wire::ResourceIdentitySchema {
    use wire::resource_identity_schema::IdentityAttribute;
    let attributes = identity
        .attributes
        .iter()
        .map(|attribute| IdentityAttribute {
            name: attribute.name.clone(),
            r#type: ty(&attribute.ty),
            required_for_import: attribute.required_for_import,
            optional_for_import: !attribute.required_for_import,
            description: attribute.description.clone(),
        });
    wire::ResourceIdentitySchema {
        version: identity.version,
        identity_attributes: attributes.collect(),
    }
}

/// Writes a function's signature.
pub(in crate::plugin) fn function(signature: &FunctionSignature) -> wire::Function {
    wire::Function {
        parameters: signature.parameters.iter().map(parameter).collect(),
        variadic_parameter: signature.variadic.as_ref().map(parameter),
        r#return: Some(wire::function::Return {
            r#type: ty(&signature.result),
        }),
        summary: signature.summary.clone(),
        description: signature.description.clone(),
        description_kind: DESCRIPTION_KIND,
        deprecation_message: String::new(),
    }
}

fn parameter(parameter: &Parameter) -> wire::function::Parameter {
    wire::function::Parameter {
        name: parameter.name.clone(),
        r#type: ty(&parameter.ty),
        allow_null_value: parameter.allow_null,
        allow_unknown_values: parameter.allow_unknown,
        description: parameter.description.clone(),
        description_kind: DESCRIPTION_KIND,
    }
}

fn block(block: &Block) -> wire::schema::Block {
    wire::schema::Block {
        // Clients ignore it; the schema's version counts.
        version: 0,
        attributes: block.attributes.iter().map(attribute).collect(),
        block_types: block.blocks.iter().map(nested_block).collect(),
        description: block.description.clone(),
        description_kind: DESCRIPTION_KIND,
        deprecated: block.deprecation.is_some(),
        deprecation_message: block.deprecation.clone().unwrap_or_default(),
        computed: false,
    }
}

fn nested_block(nested: &NestedBlock) -> wire::schema::NestedBlock {
    use wire::schema::nested_block::NestingMode;
    let nesting = match nested.nesting {
        BlockNesting::Single => NestingMode::Single,
        BlockNesting::List => NestingMode::List,
        BlockNesting::Set => NestingMode::Set,
        BlockNesting::Map => NestingMode::Map,
        BlockNesting::Group => NestingMode::Group,
    };
    wire::schema::NestedBlock {
        type_name: nested.name.clone(),
        block: Some(block(&nested.block)),
        nesting: nesting.into(),
        min_items: nested.min_items,
        max_items: nested.max_items,
    }
}

fn attribute(attribute: &Attribute) -> wire::schema::Attribute {
    let (r#type, nested_type) = match &attribute.ty {
        AttributeType::Plain(plain) => (ty(plain), None),
        AttributeType::Nested(nesting, attributes) => {
            (Vec::new(), Some(object(*nesting, attributes)))
        }
    };
    wire::schema::Attribute {
        name: attribute.name.clone(),
        r#type,
        description: attribute.description.clone(),
        required: attribute.setter == Setter::Required,
        optional: matches!(
            attribute.setter,
            Setter::Optional | Setter::OptionalComputed
        ),
        computed: attribute.computed(),
        sensitive: attribute.sensitive,
        description_kind: DESCRIPTION_KIND,
        deprecated: attribute.deprecation.is_some(),
        nested_type,
        write_only: attribute.write_only,
        deprecation_message: attribute.deprecation.clone().unwrap_or_default(),
    }
}

fn object(nesting: Nesting, attributes: &[Attribute]) -> wire::schema::Object {
    use wire::schema::object::NestingMode;
    let nesting = match nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    wire::schema::Object {
        attributes: attributes.iter().map(attribute).collect(),
        nesting: nesting.into(),
        ..Default::default()
    }
}

/// A type as JSON in bytes.
fn ty(ty: &Type) -> Vec<u8> {
    ty.to_json().to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Schema {
        Schema {
            version: 3,
            block: Block {
                attributes: vec![
                    Attribute::string("name", Setter::Required, "The name.").sensitive(),
                    Attribute::nested(
                        "rules",
                        Nesting::Map,
                        vec![Attribute::number("days", Setter::OptionalComputed, "Days.")],
                        Setter::Optional,
                        "The rules.",
                    ),
                ],
                blocks: vec![NestedBlock {
                    name: "timeouts".into(),
                    nesting: BlockNesting::Single,
                    block: Block::default(),
                    min_items: 0,
                    max_items: 1,
                }],
                description: "A thing.".into(),
                deprecation: Some("Use another.".into()),
            },
        }
    }

    #[test]
    fn blocks_are_always_there_at_every_depth() {
        let written = schema(&sample());
        assert_eq!(written.version, 3);
        let block = written.block.expect("a block");
        assert!(block.deprecated);
        assert_eq!(block.deprecation_message, "Use another.");
        assert!(block.block_types[0].block.is_some());
        assert!(schema(&Schema::default()).block.is_some());
        let action = action(&Schema::default());
        assert!(action.schema.expect("a schema").block.is_some());
    }

    #[test]
    fn an_attribute_has_either_a_type_or_a_nested_type() {
        let block = schema(&sample()).block.expect("a block");
        let [name, rules] = block.attributes.as_slice() else {
            panic!("two attributes");
        };
        assert_eq!(name.r#type, b"\"string\"");
        assert!(name.nested_type.is_none() && name.required && name.sensitive);
        assert!(!name.optional && !name.computed);
        assert!(rules.r#type.is_empty() && rules.optional);
        let object = rules.nested_type.as_ref().expect("a nested type");
        assert_eq!(object.nesting(), wire::schema::object::NestingMode::Map);
        let days = &object.attributes[0];
        assert!(days.optional && days.computed && !days.required);
        assert_eq!(days.r#type, b"\"number\"");
    }

    #[test]
    fn an_identity_attribute_is_required_or_optional_for_import() {
        use crate::framework::provider::IdentityAttribute;
        let attribute = |name: &str, required_for_import| IdentityAttribute {
            name: name.into(),
            ty: Type::String,
            required_for_import,
            description: String::new(),
        };
        let written = identity(&IdentitySchema {
            version: 1,
            attributes: vec![attribute("bucket", true), attribute("region", false)],
        });
        let flags: Vec<_> = written
            .identity_attributes
            .iter()
            .map(|a| (a.required_for_import, a.optional_for_import))
            .collect();
        assert_eq!(flags, [(true, false), (false, true)]);
    }
}
