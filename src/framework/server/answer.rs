//! What every answer with a state in it goes through before it leaves.

use super::guard::BUG;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::schema::{Block, BlockNesting, Schema, Shape, traverse};
use crate::framework::value::{CodecError, NULL, Type, Value};

/// Brings a provider's object into the exact form that Terraform expects: the schema's type, write-only
/// attributes null, collections of blocks empty rather than null.
pub(super) fn settled(schema: &Schema, ty: &Type, value: Value) -> Result<Value, CodecError> {
    let mut value = value;
    fill_blocks(Shape::of(&schema.block), &mut value);
    let mut value = value.into_type(ty)?;
    null_write_only(&schema.block, &mut value);
    Ok(value)
}

/// Sets every write-only attribute to null.
pub(super) fn null_write_only(block: &Block, value: &mut Value) {
    traverse(
        block,
        &NULL,
        &NULL,
        value,
        &mut |attribute, _, _, _, value| {
            if attribute.write_only {
                *value = Value::Null;
            }
            true
        },
    );
}

/// An error for an answer that breaks a rule of Terraform's: a fault of the provider.
pub(super) fn bug(diagnostics: &mut Diagnostics, summary: &str, detail: impl std::fmt::Display) {
    diagnostics.error(summary, format!("{detail}\n\n{BUG}"));
}

/// Takes an object that must be wholly known; what is not is told and becomes null.
pub(super) fn known(value: Value, operation: &str, diagnostics: &mut Diagnostics) -> Value {
    if value.is_wholly_known() {
        return value;
    }
    let paths: Vec<_> = value
        .unknown_paths()
        .iter()
        .map(ToString::to_string)
        .collect();
    bug(
        diagnostics,
        "The provider returned unknown values",
        format!(
            "After {operation} these values must be known and are not: {}.",
            paths.join(", ")
        ),
    );
    value.with_unknown_as_null()
}

/// Null collections of blocks become empty, in every block that is there.
fn fill_blocks(shape: Shape<'_>, value: &mut Value) {
    let Value::Object(values) = value else {
        return;
    };
    for nested in shape.blocks {
        let Some(value) = values.get_mut(&nested.name) else {
            continue;
        };
        if value.is_null() && nested.nesting != BlockNesting::Single {
            *value = nested.empty();
        }
        let inner = Shape::of(&nested.block);
        match value {
            Value::List(items) | Value::Set(items) => {
                items.iter_mut().for_each(|item| fill_blocks(inner, item));
            }
            Value::Map(entries) => entries
                .values_mut()
                .for_each(|item| fill_blocks(inner, item)),
            single => fill_blocks(inner, single),
        }
    }
}
