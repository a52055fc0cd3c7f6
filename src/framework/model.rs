//! Typed models: structs that mirror a schema, to and from [`Value`].
//!
//! A model's fields are [`Attr`]s, which keep null and unknown apart from a known value. The [`model!`]
//! macro writes the conversions; a field's name is the attribute's name.

use std::collections::BTreeMap;

use super::value::Value;

/// An attribute of a model: null, unknown, or known.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Attr<T> {
    /// Not written, or nothing there.
    #[default]
    Null,
    /// Not known before apply.
    Unknown,
    /// A value.
    Known(T),
}

/// Why a value does not fit a model. Only a schema that differs from its model can cause it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ModelError(pub String);

/// A type that a known [`Value`] can become.
pub trait FromValue: Sized {
    /// Takes a value that is neither null nor unknown.
    fn from_known(value: &Value) -> Result<Self, ModelError>;
}

/// A type that can become a known [`Value`].
pub trait ToValue {
    /// Makes the value.
    fn to_known(&self) -> Value;
}

impl<T> Attr<T> {
    /// The value, where it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is unknown.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Known for `Some`, null for `None`.
    pub fn from_option(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Known)
    }

    /// The same state with the known value changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Attr<U> {
        match self {
            Self::Null => Attr::Null,
            Self::Unknown => Attr::Unknown,
            Self::Known(value) => Attr::Known(change(value)),
        }
    }

    /// Itself unless null; else `other`.
    #[must_use]
    pub fn or(self, other: impl FnOnce() -> Self) -> Self {
        if self.is_null() { other() } else { self }
    }

    /// Borrows.
    pub fn as_ref(&self) -> Attr<&T> {
        match self {
            Self::Null => Attr::Null,
            Self::Unknown => Attr::Unknown,
            Self::Known(value) => Attr::Known(value),
        }
    }
}

impl<T: FromValue> Attr<T> {
    /// Reads any value.
    pub fn from_value(value: &Value) -> Result<Self, ModelError> {
        match value {
            Value::Null => Ok(Self::Null),
            Value::Unknown => Ok(Self::Unknown),
            known => T::from_known(known).map(Self::Known),
        }
    }
}

impl<T: ToValue> Attr<T> {
    /// Makes a value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Unknown => Value::Unknown,
            Self::Known(value) => value.to_known(),
        }
    }
}

fn unexpected<T>(wanted: &str, value: &Value) -> Result<T, ModelError> {
    Err(ModelError(format!("expected {wanted}, found {value:?}")))
}

impl FromValue for String {
    fn from_known(value: &Value) -> Result<Self, ModelError> {
        match value {
            Value::String(text) => Ok(text.clone()),
            other => unexpected("a string", other),
        }
    }
}

impl ToValue for String {
    fn to_known(&self) -> Value {
        Value::String(self.clone())
    }
}

impl FromValue for bool {
    fn from_known(value: &Value) -> Result<Self, ModelError> {
        match value {
            Value::Bool(truth) => Ok(*truth),
            other => unexpected("a bool", other),
        }
    }
}

impl ToValue for bool {
    fn to_known(&self) -> Value {
        Value::Bool(*self)
    }
}

impl FromValue for i64 {
    fn from_known(value: &Value) -> Result<Self, ModelError> {
        match value {
            Value::Number(number) => number
                .to_i64()
                .ok_or_else(|| ModelError(format!("{number} is not a whole number"))),
            other => unexpected("a number", other),
        }
    }
}

impl ToValue for i64 {
    fn to_known(&self) -> Value {
        Value::Number((*self).into())
    }
}

impl<T: FromValue> FromValue for BTreeMap<String, Attr<T>> {
    fn from_known(value: &Value) -> Result<Self, ModelError> {
        match value {
            Value::Map(entries) => entries
                .iter()
                .map(|(key, value)| Ok((key.clone(), Attr::from_value(value)?)))
                .collect(),
            other => unexpected("a map", other),
        }
    }
}

impl<T: ToValue> ToValue for BTreeMap<String, Attr<T>> {
    fn to_known(&self) -> Value {
        Value::Map(
            self.iter()
                .map(|(key, value)| (key.clone(), value.to_value()))
                .collect(),
        )
    }
}

impl<T: FromValue> FromValue for Vec<Attr<T>> {
    fn from_known(value: &Value) -> Result<Self, ModelError> {
        match value {
            Value::List(items) | Value::Set(items) => items.iter().map(Attr::from_value).collect(),
            other => unexpected("a list", other),
        }
    }
}

impl<T: ToValue> ToValue for Vec<Attr<T>> {
    fn to_known(&self) -> Value {
        Value::List(self.iter().map(Attr::to_value).collect())
    }
}

/// Declares a model: a struct whose public fields are [`Attr`]s named as the schema's attributes.
#[macro_export]
macro_rules! model {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident : $ty:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $crate::framework::model::Attr<$ty>,)*
        }

        impl $crate::framework::model::FromValue for $name {
            fn from_known(
                value: &$crate::framework::value::Value,
            ) -> Result<Self, $crate::framework::model::ModelError> {
                let $crate::framework::value::Value::Object(attributes) = value else {
                    return Err($crate::framework::model::ModelError(format!(
                        "expected an object for {}, found {value:?}",
                        stringify!($name)
                    )));
                };
                Ok(Self {
                    $($field: $crate::framework::model::Attr::from_value(
                        attributes
                            .get(stringify!($field))
                            .unwrap_or(&$crate::framework::value::Value::Null),
                    )
                    .map_err(|e| $crate::framework::model::ModelError(
                        format!("{}: {e}", stringify!($field)),
                    ))?,)*
                })
            }
        }

        impl $crate::framework::model::ToValue for $name {
            fn to_known(&self) -> $crate::framework::value::Value {
                $crate::framework::value::Value::Object(std::collections::BTreeMap::from([
                    $((stringify!($field).to_owned(), self.$field.to_value()),)*
                ]))
            }
        }
    };
}
