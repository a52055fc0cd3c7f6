//! The proposed new state: Terraform's merge of the prior state and the configuration.
//!
//! Terraform computes it and sends it; it is here so that plans can be made and tested without Terraform.

use super::schema::{Attribute, AttributeType, Block, BlockNesting, Schema, Shape, pair};
use super::value::{NULL, Value};

/// Merges a prior state (null for a new object) and a configuration (null for a destroyed one).
pub fn proposed_new_state(schema: &Schema, prior: &Value, config: &Value) -> Value {
    if config.is_null() {
        Value::Null
    } else {
        block(&schema.block, prior, config)
    }
}

fn block(block: &Block, prior: &Value, config: &Value) -> Value {
    object(Shape::of(block), prior, config)
}

fn object(shape: Shape<'_>, prior: &Value, config: &Value) -> Value {
    if !matches!(config, Value::Object(_)) {
        return config.clone();
    }
    let attributes = shape.attributes.iter().map(|a| {
        let merged = attribute(a, prior.attribute(&a.name), config.attribute(&a.name));
        (a.name.clone(), merged)
    });
    let blocks = shape.blocks.iter().map(|nested| {
        let prior = prior.attribute(&nested.name);
        let config = config.attribute(&nested.name);
        let inner = Shape::of(&nested.block);
        let merged = match nested.nesting {
            // A group is always there, so it is merged also when nothing of it is written.
            BlockNesting::Group if config.is_null() => {
                block(&nested.block, prior, &nested.block.empty())
            }
            _ => elements(inner, prior, config),
        };
        (nested.name.clone(), merged)
    });
    Value::Object(attributes.chain(blocks).collect())
}

fn attribute(attribute: &Attribute, prior: &Value, config: &Value) -> Value {
    if attribute.computed() && config.is_null() {
        return match &attribute.ty {
            // What the practitioner had written and now removes does not stay.
            AttributeType::Nested(_, attributes)
                if attribute.configurable() && holds_configured(attributes, prior) =>
            {
                Value::Null
            }
            _ => prior.clone(),
        };
    }
    match &attribute.ty {
        AttributeType::Nested(_, attributes) => elements(Shape::nested(attributes), prior, config),
        AttributeType::Plain(_) => config.clone(),
    }
}

/// Whether something in the prior value can only have come from a configuration.
fn holds_configured(attributes: &[Attribute], prior: &Value) -> bool {
    match prior {
        Value::Object(values) => attributes.iter().any(|attribute| {
            let value = values.get(&attribute.name).unwrap_or(&NULL);
            match &attribute.ty {
                _ if value.is_null() => false,
                AttributeType::Nested(_, inner) => {
                    !attribute.computed() || holds_configured(inner, value)
                }
                AttributeType::Plain(_) => !attribute.computed(),
            }
        }),
        Value::List(items) | Value::Set(items) => {
            items.iter().any(|item| holds_configured(attributes, item))
        }
        Value::Map(entries) => entries
            .values()
            .any(|item| holds_configured(attributes, item)),
        _ => false,
    }
}

fn elements(shape: Shape<'_>, prior: &Value, config: &Value) -> Value {
    match config {
        Value::List(items) => {
            let priors: &[Value] = match prior {
                Value::List(priors) => priors,
                _ => &[],
            };
            Value::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| object(shape, priors.get(at).unwrap_or(&NULL), item))
                    .collect(),
            )
        }
        Value::Map(entries) => {
            let prior_of = |key: &str| match prior {
                Value::Map(priors) => priors.get(key).unwrap_or(&NULL),
                _ => &NULL,
            };
            Value::map(
                entries
                    .iter()
                    .map(|(key, item)| (key.as_str(), object(shape, prior_of(key), item))),
            )
        }
        Value::Set(items) => {
            let priors: &[Value] = match prior {
                Value::Set(priors) => priors,
                _ => &[],
            };
            let pairs = pair(shape, items, priors);
            Value::set(
                items
                    .iter()
                    .zip(pairs)
                    .map(|(item, at)| object(shape, at.map_or(&NULL, |at| &priors[at]), item)),
            )
        }
        single => object(shape, prior, single),
    }
}
