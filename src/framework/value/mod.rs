//! Terraform's type system: types, values with null and unknown, exact numbers, paths and their codecs.

mod json;
mod msgpack;
mod number;
mod path;

use std::collections::BTreeMap;

pub use self::number::Number;
pub use self::path::{AttributePath, PathStep};

/// A Terraform type.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq)]
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

/// Bytes or JSON that are not a value of the type asked for, with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(pub String);
