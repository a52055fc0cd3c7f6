//! The JSON form of types and of stored values.
//!
//! Stored state is read in two ways: [`Value::from_json`] refuses attributes that the type does not have,
//! [`Value::from_stored_json`] drops them, as a state written by an older provider needs.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{AttributePath, CodecError, MAX_DEPTH, Number, Type, Value};

impl Type {
    /// Reads a type from its JSON.
    pub fn from_json(json: &Json) -> Result<Self, CodecError> {
        type_from_json(json, 0)
    }

    /// The type's JSON.
    pub fn to_json(&self) -> Json {
        let collection = |kind: &str, inner: Json| Json::Array(vec![kind.into(), inner]);
        match self {
            Self::String => "string".into(),
            Self::Number => "number".into(),
            Self::Bool => "bool".into(),
            Self::Dynamic => "dynamic".into(),
            Self::List(element) => collection("list", element.to_json()),
            Self::Set(element) => collection("set", element.to_json()),
            Self::Map(element) => collection("map", element.to_json()),
            Self::Object(attributes) => collection(
                "object",
                attributes
                    .iter()
                    .map(|(name, ty)| (name.clone(), ty.to_json()))
                    .collect::<Map<_, _>>()
                    .into(),
            ),
            Self::Tuple(elements) => collection(
                "tuple",
                elements
                    .iter()
                    .map(Self::to_json)
                    .collect::<Vec<_>>()
                    .into(),
            ),
        }
    }
}

impl Value {
    /// Reads a stored value of a type; unknown attributes are errors, missing ones null.
    pub fn from_json(json: &Json, ty: &Type) -> Result<Self, CodecError> {
        let reader = Reader {
            extra: Extra::Refuse,
        };
        reader.read(json, ty, &AttributePath::default(), 0)
    }

    /// Reads a stored value of a type; unknown attributes are dropped, missing ones null.
    pub fn from_stored_json(json: &Json, ty: &Type) -> Result<Self, CodecError> {
        let reader = Reader { extra: Extra::Drop };
        reader.read(json, ty, &AttributePath::default(), 0)
    }

    /// The value's JSON; unknown values have none.
    pub fn to_json(&self, ty: &Type) -> Result<Json, CodecError> {
        self.clone()
            .into_type(ty)
            .and_then(|value| write(&value, &AttributePath::default()))
    }
}

fn type_from_json(json: &Json, depth: usize) -> Result<Type, CodecError> {
    let invalid = || CodecError("the JSON is not a type".to_owned());
    if depth > MAX_DEPTH {
        return Err(CodecError("the type is nested too deeply".to_owned()));
    }
    let inner = |json: &Json| type_from_json(json, depth + 1);
    match json {
        Json::String(name) => match name.as_str() {
            "string" => Ok(Type::String),
            "number" => Ok(Type::Number),
            "bool" => Ok(Type::Bool),
            "dynamic" => Ok(Type::Dynamic),
            _ => Err(invalid()),
        },
        Json::Array(parts) => match parts.as_slice() {
            [Json::String(kind), of] => match (kind.as_str(), of) {
                ("list", of) => Ok(Type::list(inner(of)?)),
                ("set", of) => Ok(Type::set(inner(of)?)),
                ("map", of) => Ok(Type::map(inner(of)?)),
                ("object", Json::Object(attributes)) => object_from_json(attributes, inner),
                ("tuple", Json::Array(elements)) => elements
                    .iter()
                    .map(inner)
                    .collect::<Result<_, _>>()
                    .map(Type::Tuple),
                _ => Err(invalid()),
            },
            // The names of optional attributes; they matter only to conversions, which are Terraform's.
            [Json::String(kind), Json::Object(attributes), Json::Array(_)] if kind == "object" => {
                object_from_json(attributes, inner)
            }
            _ => Err(invalid()),
        },
        _ => Err(invalid()),
    }
}

fn object_from_json(
    attributes: &Map<String, Json>,
    inner: impl Fn(&Json) -> Result<Type, CodecError>,
) -> Result<Type, CodecError> {
    attributes
        .iter()
        .map(|(name, json)| Ok((name.clone(), inner(json)?)))
        .collect::<Result<BTreeMap<_, _>, _>>()
        .map(Type::Object)
}

/// What to do with attributes that the type does not have.
#[derive(Clone, Copy)]
enum Extra {
    Refuse,
    Drop,
}

struct Reader {
    extra: Extra,
}

impl Reader {
    fn read(
        &self,
        json: &Json,
        ty: &Type,
        path: &AttributePath,
        depth: usize,
    ) -> Result<Value, CodecError> {
        if depth > MAX_DEPTH {
            return Err(CodecError::at(path, "the value is nested too deeply"));
        }
        let depth = depth + 1;
        match (ty, json) {
            (_, Json::Null) => Ok(Value::Null),
            (Type::String, Json::String(text)) => Ok(Value::string(text.as_str())),
            (Type::String, Json::Number(number)) => {
                read_number(number.as_str(), path).map(|number| Value::String(number.to_string()))
            }
            (Type::String, Json::Bool(truth)) => Ok(Value::String(truth.to_string())),
            (Type::Number, Json::Number(number)) => {
                read_number(number.as_str(), path).map(Value::Number)
            }
            (Type::Number, Json::String(text)) => read_number(text, path).map(Value::Number),
            (Type::Bool, Json::Bool(truth)) => Ok(Value::Bool(*truth)),
            (Type::Bool, Json::String(text)) if text == "true" => Ok(Value::Bool(true)),
            (Type::Bool, Json::String(text)) if text == "false" => Ok(Value::Bool(false)),
            (Type::List(element), Json::Array(items)) => (0..)
                .zip(items)
                .map(|(index, item)| self.read(item, element, &path.index(index), depth))
                .collect::<Result<_, _>>()
                .map(Value::List),
            (Type::Set(element), Json::Array(items)) => items
                .iter()
                .map(|item| self.read(item, element, path, depth))
                .collect::<Result<Vec<_>, _>>()
                .map(Value::set),
            (Type::Tuple(elements), Json::Array(items)) if items.len() == elements.len() => (0..)
                .zip(items.iter().zip(elements))
                .map(|(index, (item, element))| self.read(item, element, &path.index(index), depth))
                .collect::<Result<_, _>>()
                .map(Value::List),
            (Type::Map(element), Json::Object(entries)) => entries
                .iter()
                .map(|(key, item)| {
                    let value = self.read(item, element, &path.key(key), depth)?;
                    Ok((super::normalised(key.clone()), value))
                })
                .collect::<Result<_, _>>()
                .map(Value::Map),
            (Type::Object(types), Json::Object(entries)) => {
                self.read_object(entries, types, path, depth)
            }
            (Type::Dynamic, Json::Object(wrapper)) => {
                match (wrapper.get("type"), wrapper.get("value")) {
                    (Some(ty), Some(value)) if wrapper.len() == 2 => {
                        let ty = Type::from_json(ty).map_err(|e| CodecError::at(path, e))?;
                        let value = self.read(value, &ty, path, depth)?;
                        Ok(Value::Dynamic(Box::new((ty, value))))
                    }
                    _ => Err(CodecError::at(path, "expected an object of value and type")),
                }
            }
            (ty, json) => Err(CodecError::at(
                path,
                format!("expected {}, found {}", ty.noun(), json_noun(json)),
            )),
        }
    }

    fn read_object(
        &self,
        entries: &Map<String, Json>,
        types: &BTreeMap<String, Type>,
        path: &AttributePath,
        depth: usize,
    ) -> Result<Value, CodecError> {
        if let Extra::Refuse = self.extra
            && let Some(extra) = entries.keys().find(|name| !types.contains_key(*name))
        {
            return Err(CodecError::at(
                &path.attribute(extra),
                "the type has no such attribute",
            ));
        }
        types
            .iter()
            .map(|(name, ty)| {
                let json = entries.get(name).unwrap_or(&Json::Null);
                let value = self.read(json, ty, &path.attribute(name), depth)?;
                Ok((name.clone(), value))
            })
            .collect::<Result<_, _>>()
            .map(Value::Object)
    }
}

fn read_number(text: &str, path: &AttributePath) -> Result<Number, CodecError> {
    text.parse().map_err(|e| CodecError::at(path, e))
}

/// Writes a value that has the shape of its type already.
fn write(value: &Value, path: &AttributePath) -> Result<Json, CodecError> {
    match value {
        Value::Null => Ok(Json::Null),
        Value::Unknown => Err(CodecError::at(
            path,
            "a value that is not known yet cannot be stored",
        )),
        Value::String(text) => Ok(Json::String(text.clone())),
        Value::Number(number) => number
            .to_string()
            .parse::<serde_json::Number>()
            .map(Json::Number)
            .map_err(|e| CodecError::at(path, e)),
        Value::Bool(truth) => Ok(Json::Bool(*truth)),
        Value::List(items) => (0..)
            .zip(items)
            .map(|(index, item)| write(item, &path.index(index)))
            .collect::<Result<_, _>>()
            .map(Json::Array),
        Value::Set(items) => items
            .iter()
            .map(|item| write(item, path))
            .collect::<Result<_, _>>()
            .map(Json::Array),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| Ok((key.clone(), write(value, &path.key(key))?)))
            .collect::<Result<_, _>>()
            .map(Json::Object),
        Value::Object(attributes) => attributes
            .iter()
            .map(|(name, value)| Ok((name.clone(), write(value, &path.attribute(name))?)))
            .collect::<Result<_, _>>()
            .map(Json::Object),
        Value::Dynamic(typed) => {
            let mut wrapper = Map::new();
            wrapper.insert("type".to_owned(), typed.0.to_json());
            wrapper.insert("value".to_owned(), write(&typed.1, path)?);
            Ok(Json::Object(wrapper))
        }
    }
}

fn json_noun(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a bool",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_round_trip() {
        let json = json!([
            "object",
            {
                "a": ["list", ["set", "string"]],
                "b": ["map", ["tuple", ["number", "bool", "dynamic"]]],
            }
        ]);
        let ty = Type::from_json(&json).unwrap();
        assert_eq!(ty.to_json(), json);
    }

    #[test]
    fn the_list_of_optional_attributes_is_accepted() {
        let ty = Type::from_json(&json!(["object", {"a": "string"}, ["a"]])).unwrap();
        assert_eq!(ty, Type::object([("a", Type::String)]));
    }

    #[test]
    fn json_that_is_no_type_is_refused() {
        for json in [
            json!("text"),
            json!(["list"]),
            json!(["list", "string", "string"]),
            json!(["object", ["a"]]),
            json!({}),
            json!(null),
        ] {
            assert!(Type::from_json(&json).is_err(), "{json}");
        }
    }

    #[test]
    fn deep_types_are_refused() {
        let deep = (0..2 * MAX_DEPTH).fold(json!("string"), |inner, _| {
            Json::Array(vec!["list".into(), inner])
        });
        assert_eq!(
            Type::from_json(&deep).unwrap_err().0,
            "the type is nested too deeply"
        );
    }

    #[test]
    fn numbers_are_exact() {
        let text = r#"{"big": 123456789012345678901234567890.5, "small": 0.1}"#;
        let ty = Type::map(Type::Number);
        let value = Value::from_json(&serde_json::from_str(text).unwrap(), &ty).unwrap();
        let json = value.to_json(&ty).unwrap();
        assert_eq!(
            json.to_string(),
            r#"{"big":123456789012345678901234567890.5,"small":0.1}"#
        );
    }

    #[test]
    fn missing_attributes_are_null_and_unknown_ones_refused_or_dropped() {
        let ty = Type::object([
            ("a", Type::String),
            ("b", Type::object([("c", Type::Bool)])),
        ]);
        let json = json!({"b": {"c": true, "d": 1}});
        let error = Value::from_json(&json, &ty).unwrap_err();
        assert_eq!(error.0, "b.d: the type has no such attribute");
        assert_eq!(
            Value::from_stored_json(&json, &ty).unwrap(),
            Value::object([
                ("a", Value::Null),
                ("b", Value::object([("c", Value::Bool(true))])),
            ])
        );
    }

    #[test]
    fn simple_values_stored_as_another_simple_type_are_read() {
        let ty = Type::Tuple(vec![Type::Number, Type::Bool, Type::String, Type::String]);
        let value = Value::from_json(&json!(["1.50", "true", 2.5, false]), &ty).unwrap();
        assert_eq!(
            value.to_json(&ty).unwrap(),
            json!([1.5, true, "2.5", "false"])
        );
    }

    #[test]
    fn dynamic_values_carry_their_type() {
        let json = json!({"value": ["a"], "type": ["list", "string"]});
        let value = Value::from_json(&json, &Type::Dynamic).unwrap();
        assert_eq!(value.to_json(&Type::Dynamic).unwrap(), json);
        assert!(Value::from_json(&json!({"value": 1}), &Type::Dynamic).is_err());
        assert!(Value::from_json(&json!("a"), &Type::Dynamic).is_err());
    }

    #[test]
    fn unknown_values_cannot_be_stored() {
        let error = Value::List(vec![Value::Unknown])
            .to_json(&Type::list(Type::String))
            .unwrap_err();
        assert_eq!(
            error.0,
            "[0]: a value that is not known yet cannot be stored"
        );
    }
}
