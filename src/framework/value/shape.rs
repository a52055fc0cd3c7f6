//! Whether a value has the shape of a type, and bringing one that means the right thing into it.

use std::collections::BTreeMap;

use super::{AttributePath, CodecError, MAX_DEPTH, Type, Value, normalised};

impl Value {
    /// Checks that the value is one of the type: every part of the right kind, every attribute of an
    /// object there and no other.
    pub fn conforms(&self, ty: &Type) -> Result<(), CodecError> {
        self.clone().into_type(ty).map(drop)
    }

    /// The value in the exact form of the type: a list given for a set becomes the set, sets lose
    /// duplicates, text becomes NFC, and a plain value given for a dynamic one is an error (it would have
    /// to bring its type).
    pub fn into_type(self, ty: &Type) -> Result<Self, CodecError> {
        shaped(self, ty, &AttributePath::default(), 0)
    }
}

fn shaped(
    value: Value,
    ty: &Type,
    path: &AttributePath,
    depth: usize,
) -> Result<Value, CodecError> {
    if depth > MAX_DEPTH {
        return Err(CodecError::at(path, "the value is nested too deeply"));
    }
    let depth = depth + 1;
    match (value, ty) {
        (value @ (Value::Null | Value::Unknown), _) => Ok(value),
        (Value::String(text), Type::String) => Ok(Value::String(normalised(text))),
        (value @ Value::Number(_), Type::Number) | (value @ Value::Bool(_), Type::Bool) => {
            Ok(value)
        }
        (Value::Dynamic(typed), Type::Dynamic) => {
            let (inner, value) = *typed;
            let value = shaped(value, &inner, path, depth)?;
            Ok(Value::Dynamic(Box::new((inner, value))))
        }
        (Value::List(items), Type::List(element)) => (0..)
            .zip(items)
            .map(|(index, item)| shaped(item, element, &path.index(index), depth))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Value::List(items) | Value::Set(items), Type::Set(element)) => items
            .into_iter()
            .map(|item| shaped(item, element, path, depth))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::set),
        (Value::List(items), Type::Tuple(elements)) => {
            if items.len() != elements.len() {
                return Err(CodecError::at(
                    path,
                    format!(
                        "expected a tuple of {}, found {}",
                        elements.len(),
                        items.len()
                    ),
                ));
            }
            (0..)
                .zip(items.into_iter().zip(elements))
                .map(|(index, (item, element))| shaped(item, element, &path.index(index), depth))
                .collect::<Result<_, _>>()
                .map(Value::List)
        }
        (Value::Map(entries), Type::Map(element)) => entries
            .into_iter()
            .map(|(key, value)| {
                let value = shaped(value, element, &path.key(&key), depth)?;
                Ok((normalised(key), value))
            })
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Value::Object(attributes), Type::Object(types)) => {
            shaped_object(attributes, types, path, depth)
        }
        (value, ty) => Err(CodecError::at(
            path,
            format!("expected {}, found {}", ty.noun(), value.noun()),
        )),
    }
}

fn shaped_object(
    mut attributes: BTreeMap<String, Value>,
    types: &BTreeMap<String, Type>,
    path: &AttributePath,
    depth: usize,
) -> Result<Value, CodecError> {
    let mut shaped_attributes = BTreeMap::new();
    for (name, ty) in types {
        let here = path.attribute(name);
        let value = attributes
            .remove(name)
            .ok_or_else(|| CodecError::at(&here, "the attribute is missing"))?;
        shaped_attributes.insert(name.clone(), shaped(value, ty, &here, depth)?);
    }
    match attributes.keys().next() {
        None => Ok(Value::Object(shaped_attributes)),
        Some(extra) => Err(CodecError::at(
            &path.attribute(extra),
            "the type has no such attribute",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_given_for_a_set_becomes_the_set() {
        let ty = Type::object([("tags", Type::set(Type::String))]);
        let list = Value::List(vec![
            Value::string("b"),
            Value::string("a"),
            Value::string("b"),
        ]);
        let shaped = Value::object([("tags", list)]).into_type(&ty).unwrap();
        let set = Value::Set(vec![Value::string("a"), Value::string("b")]);
        assert_eq!(shaped, Value::object([("tags", set)]));
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_place() {
        let ty = Type::object([("rules", Type::map(Type::object([("n", Type::Number)])))]);
        let rules = |rule| Value::object([("rules", Value::map([("a", rule)]))]);
        for (value, message) in [
            (
                rules(Value::object([("n", Value::string("secret"))])),
                "rules[\"a\"].n: expected a number, found a string",
            ),
            (
                rules(Value::object::<&str>([])),
                "rules[\"a\"].n: the attribute is missing",
            ),
            (
                rules(Value::object([("n", Value::Null), ("m", Value::Null)])),
                "rules[\"a\"].m: the type has no such attribute",
            ),
            (Value::List(vec![]), "expected an object, found a list"),
        ] {
            assert_eq!(value.conforms(&ty).unwrap_err().0, message);
        }
    }

    #[test]
    fn null_and_unknown_fit_everywhere() {
        for value in [Value::Null, Value::Unknown] {
            value.conforms(&Type::Dynamic).unwrap();
            value.conforms(&Type::list(Type::Bool)).unwrap();
        }
    }

    #[test]
    fn a_tuple_has_exactly_its_positions() {
        let ty = Type::Tuple(vec![Type::String, Type::Bool]);
        Value::List(vec![Value::string("a"), Value::Bool(true)])
            .conforms(&ty)
            .unwrap();
        assert!(Value::List(vec![Value::string("a")]).conforms(&ty).is_err());
    }
}
