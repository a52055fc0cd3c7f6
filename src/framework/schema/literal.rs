//! Object literals: a value whose type is its own, brought into the form of a schema.

use std::collections::BTreeMap;

use super::{Attribute, AttributeType, Nesting};
use crate::framework::value::{AttributePath, Type, Value};

/// Why a value is no object of a schema's attributes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// It has an attribute that the schema does not know.
    #[error("{place} has no attribute {name}")]
    Unknown {
        /// Where it stands.
        place: String,
        /// Its name.
        name: String,
        /// The names that would be right there.
        names: Vec<String>,
    },
    /// It is of another kind: where, and what is wrong.
    #[error("{0}: {1}")]
    Kind(AttributePath, String),
}

/// The object with every attribute of the schema; those that it leaves out are null.
///
/// As in a configuration, an object may stand for a map, a tuple for a list or a set, and a name that the schema
/// does not know is an error.
pub fn complete(value: Value, attributes: &[Attribute]) -> Result<Value, Misfit> {
    object(value, attributes, &AttributePath::default())
}

fn object(value: Value, attributes: &[Attribute], path: &AttributePath) -> Result<Value, Misfit> {
    let mut written = match value {
        Value::Null | Value::Unknown => return Ok(value),
        value => entries(value, path)?,
    };
    let mut whole = BTreeMap::new();
    for attribute in attributes {
        let value = match written.remove(&attribute.name) {
            Some(value) => nested(value, &attribute.ty, &path.attribute(&attribute.name))?,
            None => Value::Null,
        };
        whole.insert(attribute.name.clone(), value);
    }
    match written.into_keys().next() {
        None => Ok(Value::Object(whole)),
        Some(name) => Err(Misfit::Unknown {
            place: place(path),
            name,
            names: attributes.iter().map(|a| a.name.clone()).collect(),
        }),
    }
}

fn nested(value: Value, ty: &AttributeType, path: &AttributePath) -> Result<Value, Misfit> {
    match ty {
        AttributeType::Plain(ty) => plain(value, ty, path),
        AttributeType::Nested(Nesting::Single, attributes) => object(value, attributes, path),
        AttributeType::Nested(Nesting::Map, attributes) => {
            collection(value, path, &|value, path| object(value, attributes, path))
        }
        AttributeType::Nested(Nesting::List | Nesting::Set, attributes) => {
            sequence(value, path, &|value, path| object(value, attributes, path))
        }
    }
    .map(|value| match (ty, value) {
        (AttributeType::Nested(Nesting::Set, _), Value::List(items)) => Value::set(items),
        (_, value) => value,
    })
}

fn plain(value: Value, ty: &Type, path: &AttributePath) -> Result<Value, Misfit> {
    let value = match ty {
        Type::Map(element) => {
            return collection(value, path, &|value, path| plain(value, element, path));
        }
        Type::List(element) | Type::Set(element) => {
            sequence(value, path, &|value, path| plain(value, element, path))?
        }
        _ => value,
    };
    value
        .into_type(ty)
        .map_err(|error| Misfit::Kind(path.clone(), error.to_string()))
}

type Element<'a> = &'a dyn Fn(Value, &AttributePath) -> Result<Value, Misfit>;

fn collection(value: Value, path: &AttributePath, element: Element<'_>) -> Result<Value, Misfit> {
    if matches!(value, Value::Null | Value::Unknown) {
        return Ok(value);
    }
    entries(value, path)?
        .into_iter()
        .map(|(key, value)| {
            let value = element(value, &path.key(&key))?;
            Ok((key, value))
        })
        .collect::<Result<_, _>>()
        .map(Value::Map)
}

fn sequence(value: Value, path: &AttributePath, element: Element<'_>) -> Result<Value, Misfit> {
    match value {
        Value::Null | Value::Unknown => Ok(value),
        Value::List(items) | Value::Set(items) => (0..)
            .zip(items)
            .map(|(index, item)| element(item, &path.index(index)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        other => Err(kind(path, "a list", &other)),
    }
}

fn entries(value: Value, path: &AttributePath) -> Result<BTreeMap<String, Value>, Misfit> {
    match value {
        Value::Object(entries) | Value::Map(entries) => Ok(entries),
        other => Err(kind(path, "an object", &other)),
    }
}

fn kind(path: &AttributePath, expected: &str, found: &Value) -> Misfit {
    Misfit::Kind(
        path.clone(),
        format!("expected {expected}, found {}", found.noun()),
    )
}

fn place(path: &AttributePath) -> String {
    if path.0.is_empty() {
        "The object".to_owned()
    } else {
        path.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::schema::Setter;

    fn attributes() -> Vec<Attribute> {
        let text = |name| Attribute::string(name, Setter::Optional, "Text.");
        vec![
            text("bucket"),
            Attribute::string_map("tags", Setter::Optional, "Tags."),
            Attribute::nested(
                "rules",
                Nesting::Map,
                vec![text("prefix")],
                Setter::Optional,
                "Rules.",
            ),
        ]
    }

    #[test]
    fn what_is_left_out_is_null_and_objects_stand_for_maps() {
        let rule = Value::object([("prefix", Value::string("logs/"))]);
        let written = Value::object([
            ("tags", Value::object([("team", Value::string("archive"))])),
            ("rules", Value::object([("logs", rule.clone())])),
        ]);
        let whole = complete(written, &attributes()).unwrap();
        assert_eq!(
            whole,
            Value::object([
                ("bucket", Value::Null),
                ("tags", Value::map([("team", Value::string("archive"))])),
                ("rules", Value::map([("logs", rule)])),
            ])
        );
    }

    #[test]
    fn a_name_or_a_kind_that_does_not_fit_is_told_with_its_place() {
        let cases = [
            (
                Value::object([(
                    "rules",
                    Value::object([("a", Value::object([("prefx", Value::Null)]))]),
                )]),
                "rules[\"a\"] has no attribute prefx",
            ),
            (
                Value::object([("buckt", Value::Null)]),
                "The object has no attribute buckt",
            ),
            (
                Value::object([("bucket", Value::Bool(true))]),
                "bucket: expected a string, found a bool",
            ),
            (
                Value::object([("rules", Value::string("all"))]),
                "rules: expected an object, found a string",
            ),
        ];
        for (written, told) in cases {
            let misfit = complete(written, &attributes()).unwrap_err();
            assert_eq!(misfit.to_string(), told);
        }
    }
}
