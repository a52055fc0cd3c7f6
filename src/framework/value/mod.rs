//! Terraform's type system: types, values with null and unknown, exact numbers, paths and their codecs.
//!
//! A [`Value`] does not carry its type: the schema's [`Type`] is told to every codec. Two values are
//! compared with [`Value::same`], which knows that the order of a set means nothing. There is no
//! conversion between types here beyond what the wire and the stored state need.

mod json;
mod msgpack;
mod number;
mod path;
mod shape;
mod walk;

use std::collections::BTreeMap;

pub use self::number::Number;
pub use self::path::{AttributePath, PathStep};

/// A Terraform type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// Text.
    String,
    /// An exact number.
    Number,
    /// A truth value.
    Bool,
    /// A value that brings its own type.
    Dynamic,
    /// An ordered collection of one type.
    List(Box<Type>),
    /// An unordered collection of distinct values of one type.
    Set(Box<Type>),
    /// Values of one type by key.
    Map(Box<Type>),
    /// Named attributes, each of its own type.
    Object(BTreeMap<String, Type>),
    /// Positions, each of its own type.
    Tuple(Vec<Type>),
}

/// A Terraform value. It does not carry its type: every codec is told the type by the schema.
///
/// `==` compares the representation, in which the order of a set counts; [`Value::same`] compares the
/// meaning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Null of any type.
    Null,
    /// Not known before apply. Refinements are dropped on reading.
    Unknown,
    /// Text, in Unicode NFC.
    String(String),
    /// A number.
    Number(Number),
    /// A truth value.
    Bool(bool),
    /// A list or a tuple.
    List(Vec<Value>),
    /// A set; order means nothing (see [`Value::same`]).
    Set(Vec<Value>),
    /// A map.
    Map(BTreeMap<String, Value>),
    /// An object: holds every attribute of its type.
    Object(BTreeMap<String, Value>),
    /// A value of type [`Type::Dynamic`] with the type that it brought.
    Dynamic(Box<(Type, Value)>),
}

/// Null with a lifetime of its own, for what is absent.
pub(crate) static NULL: Value = Value::Null;
/// Unknown with a lifetime of its own, for what is inside something unknown.
pub(crate) static UNKNOWN: Value = Value::Unknown;

/// Types and values deeper than this are refused, so that hostile input cannot exhaust the stack.
pub(crate) const MAX_DEPTH: usize = 128;

/// Bytes or JSON that are not a value of the type asked for, with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(pub String);

impl CodecError {
    /// An error at a place; an empty path is the whole value.
    pub(crate) fn at(path: &AttributePath, message: impl std::fmt::Display) -> Self {
        if path.0.is_empty() {
            Self(message.to_string())
        } else {
            Self(format!("{path}: {message}"))
        }
    }
}

impl Type {
    /// A list of this type.
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of this type.
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map of this type.
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object type.
    pub fn object<const N: usize>(attributes: [(&str, Type); N]) -> Self {
        Self::Object(
            attributes
                .into_iter()
                .map(|(name, ty)| (name.to_owned(), ty))
                .collect(),
        )
    }

    /// Whether a value of this type brings a part of its type itself.
    pub fn has_dynamic(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::String | Self::Number | Self::Bool => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_dynamic(),
            Self::Object(attributes) => attributes.values().any(Self::has_dynamic),
            Self::Tuple(elements) => elements.iter().any(Self::has_dynamic),
        }
    }

    /// The type's name for error messages.
    pub(crate) fn noun(&self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Number => "a number",
            Self::Bool => "a bool",
            Self::Dynamic => "a value with its type",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
            Self::Tuple(_) => "a tuple",
        }
    }
}

impl Value {
    /// Text, normalised to Unicode NFC as Terraform does.
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(normalised(text.into()))
    }

    /// A whole number.
    pub fn number(number: i64) -> Self {
        Self::Number(number.into())
    }

    /// A set: sorted, without duplicates.
    pub fn set(elements: impl IntoIterator<Item = Value>) -> Self {
        let mut elements: Vec<_> = elements.into_iter().map(|e| e.canonical()).collect();
        elements.sort_unstable();
        elements.dedup();
        Self::Set(elements)
    }

    /// A map.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Map(entries.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    /// An object; the caller gives every attribute of the type.
    pub fn object<K: Into<String>>(attributes: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Object(attributes.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    /// Whether it is null, also when it brings its type.
    pub fn is_null(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Dynamic(typed) => typed.1.is_null(),
            _ => false,
        }
    }

    /// Whether it is unknown as a whole, also when it brings its type.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Dynamic(typed) => typed.1.is_unknown(),
            _ => false,
        }
    }

    /// Whether nothing in it is unknown.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Null | Self::String(_) | Self::Number(_) | Self::Bool(_) => true,
            Self::List(items) | Self::Set(items) => items.iter().all(Self::is_wholly_known),
            Self::Map(entries) | Self::Object(entries) => {
                entries.values().all(Self::is_wholly_known)
            }
            Self::Dynamic(typed) => typed.1.is_wholly_known(),
        }
    }

    /// The text, where it is a known string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Dynamic(typed) => typed.1.as_str(),
            _ => None,
        }
    }

    /// An attribute of an object. A null object has null attributes, an unknown one unknown ones.
    pub fn attribute(&self, name: &str) -> &Value {
        match self {
            Self::Object(attributes) => attributes.get(name).unwrap_or(&NULL),
            Self::Unknown => &UNKNOWN,
            _ => &NULL,
        }
    }

    /// Whether both mean the same: sets are compared without order and repeats. Unknown is the same
    /// only as unknown.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Set(_), Self::Set(_)) => self.canonical() == other.canonical(),
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            (Self::Map(a), Self::Map(b)) | (Self::Object(a), Self::Object(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .zip(b)
                        .all(|((ka, a), (kb, b))| ka == kb && a.same(b))
            }
            (Self::Dynamic(a), Self::Dynamic(b)) => a.0 == b.0 && a.1.same(&b.1),
            (a, b) => a == b,
        }
    }

    /// The same value with every set in it sorted and without duplicates.
    fn canonical(&self) -> Self {
        match self {
            Self::Set(elements) => Self::set(elements.iter().cloned()),
            Self::List(items) => Self::List(items.iter().map(Self::canonical).collect()),
            Self::Map(entries) => Self::Map(canonical_entries(entries)),
            Self::Object(attributes) => Self::Object(canonical_entries(attributes)),
            Self::Dynamic(typed) => Self::Dynamic(Box::new((typed.0.clone(), typed.1.canonical()))),
            simple => simple.clone(),
        }
    }

    /// What it is, for error messages. Never its contents: they may be secret.
    pub(crate) fn noun(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unknown => "an unknown value",
            Self::String(_) => "a string",
            Self::Number(_) => "a number",
            Self::Bool(_) => "a bool",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
            Self::Dynamic(_) => "a value with its type",
        }
    }
}

fn canonical_entries(entries: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    entries
        .iter()
        .map(|(key, value)| (key.clone(), value.canonical()))
        .collect()
}

/// Unicode NFC, without a copy where the text has it already.
pub(crate) fn normalised(text: String) -> String {
    use unicode_normalization::{UnicodeNormalization, is_nfc};
    if is_nfc(&text) {
        text
    } else {
        text.nfc().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_the_same_in_any_order_and_with_repeats() {
        let inner = |a: &str, b: &str| Value::Set(vec![Value::string(a), Value::string(b)]);
        let one = Value::Set(vec![inner("a", "b"), inner("c", "d"), inner("b", "a")]);
        let other = Value::Set(vec![inner("d", "c"), inner("b", "a")]);
        assert_ne!(one, other);
        assert!(one.same(&other));
        assert!(!one.same(&Value::Set(vec![inner("a", "b")])));
    }

    #[test]
    fn lists_are_the_same_only_in_order() {
        let list = |a, b| Value::List(vec![Value::number(a), Value::number(b)]);
        assert!(list(1, 2).same(&list(1, 2)));
        assert!(!list(1, 2).same(&list(2, 1)));
    }

    #[test]
    fn sets_deep_inside_are_compared_by_meaning() {
        let deep = |items: [i64; 2]| {
            Value::map([(
                "k",
                Value::List(vec![Value::Set(items.map(Value::number).into())]),
            )])
        };
        assert!(deep([1, 2]).same(&deep([2, 1])));
        assert!(!deep([1, 2]).same(&deep([2, 3])));
    }

    #[test]
    fn one_unknown_leaf_makes_a_value_not_wholly_known() {
        let object = |leaf| Value::object([("a", Value::List(vec![Value::map([("k", leaf)])]))]);
        assert!(object(Value::Null).is_wholly_known());
        assert!(!object(Value::Unknown).is_wholly_known());
        assert!(!object(Value::Unknown).is_unknown());
    }

    #[test]
    fn text_is_normalised_to_nfc() {
        assert_eq!(
            Value::string("e\u{301}"),
            Value::String("\u{e9}".to_owned())
        );
    }
}
