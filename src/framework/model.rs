//! Typed models: structs that mirror a schema, to and from [`Value`].
//!
//! A model's fields are [`Attr`]s, which keep null and unknown apart from a known value. The
//! [`model!`](crate::model) macro writes the conversions; a field's name is the attribute's name. Nested
//! attributes are models in an [`Attr`], alone or in a `Vec` or `BTreeMap` of [`Attr`]s.

use std::collections::BTreeMap;
use std::fmt;

use super::value::{Number, Value};

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

impl<T> From<T> for Attr<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
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
    // What it is, never what it says: it may be secret.
    Err(ModelError(format!(
        "expected {wanted}, found {}",
        value.noun()
    )))
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

impl FromValue for Number {
    fn from_known(value: &Value) -> Result<Self, ModelError> {
        match value {
            Value::Number(number) => Ok(number.clone()),
            other => unexpected("a number", other),
        }
    }
}

impl ToValue for Number {
    fn to_known(&self) -> Value {
        Value::Number(self.clone())
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

/// Makes a list. For a set attribute that is as good: the server brings every answer into the exact form
/// of its type.
impl<T: ToValue> ToValue for Vec<Attr<T>> {
    fn to_known(&self) -> Value {
        Value::List(self.iter().map(Attr::to_value).collect())
    }
}

/// A known text of a sensitive attribute. Its `Debug` form says nothing, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Sensitive(String);

impl Sensitive {
    /// The text, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(sensitive)")
    }
}

impl FromValue for Sensitive {
    fn from_known(value: &Value) -> Result<Self, ModelError> {
        String::from_known(value).map(Self)
    }
}

impl ToValue for Sensitive {
    fn to_known(&self) -> Value {
        self.0.to_known()
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
                        "expected an object for {}, found {}",
                        stringify!($name),
                        value.noun(),
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

/// A map of text attributes, such as tags.
pub type TextMap = BTreeMap<String, Attr<String>>;

/// A text map of known entries.
pub fn text_map(entries: impl IntoIterator<Item = (String, String)>) -> TextMap {
    entries
        .into_iter()
        .map(|(key, value)| (key, Attr::Known(value)))
        .collect()
}

/// The known entries of a text map.
pub fn known_entries(map: &Attr<TextMap>) -> BTreeMap<String, String> {
    map.known()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.known()?.clone())))
        .collect()
}

/// The known items of a text list.
pub fn known_items(list: &Attr<Vec<Attr<String>>>) -> Vec<String> {
    list.known()
        .into_iter()
        .flatten()
        .filter_map(|item| item.known().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::schema::{Attribute, Nesting, Schema, Setter};
    use crate::framework::value::Type;

    model! {
        /// One rule.
        #[expect(unreachable_pub, reason = "models are public wherever they stand")]
        Rule {
            /// Text.
            id: String,
            /// A count.
            days: i64,
        }
    }

    model! {
        /// A bucket with every kind of field.
        #[expect(unreachable_pub, reason = "models are public wherever they stand")]
        Bucket {
            /// Text.
            name: String,
            /// Truth.
            on: bool,
            /// A list.
            hosts: Vec<Attr<String>>,
            /// A set.
            zones: Vec<Attr<String>>,
            /// A map of models.
            rules: BTreeMap<String, Attr<Rule>>,
            /// A model.
            first: Rule,
        }
    }

    fn schema() -> Schema {
        let rule = || {
            vec![
                Attribute::string("id", Setter::Optional, ""),
                Attribute::number("days", Setter::Optional, ""),
            ]
        };
        let text = || Box::new(Type::String);
        Schema::new(
            "",
            vec![
                Attribute::string("name", Setter::Required, ""),
                Attribute::bool("on", Setter::Optional, ""),
                Attribute::new("hosts", Type::List(text()), Setter::Optional, ""),
                Attribute::new("zones", Type::Set(text()), Setter::Optional, ""),
                Attribute::nested("rules", Nesting::Map, rule(), Setter::Optional, ""),
                Attribute::nested("first", Nesting::Single, rule(), Setter::Optional, ""),
            ],
        )
    }

    #[test]
    fn a_model_comes_back_through_its_schema() {
        let rule = Rule {
            id: Attr::Unknown,
            days: Attr::Known(7),
        };
        let bucket = Bucket {
            name: Attr::Known("b".to_owned()),
            on: Attr::Null,
            hosts: Attr::Known(vec![Attr::Known("h".to_owned()), Attr::Null]),
            zones: Attr::Known(vec![Attr::Known("a".to_owned())]),
            rules: Attr::Known(BTreeMap::from([
                ("x".to_owned(), Attr::Known(rule.clone())),
                ("y".to_owned(), Attr::Unknown),
            ])),
            first: Attr::Known(rule),
        };
        let value = bucket.to_known().into_type(&schema().block.ty()).unwrap();
        assert_eq!(Bucket::from_known(&value).unwrap(), bucket);
    }

    #[test]
    fn an_empty_object_is_an_empty_model() {
        assert_eq!(
            Bucket::from_known(&schema().empty()).unwrap(),
            Bucket::default()
        );
    }

    #[test]
    fn what_does_not_fit_is_named_without_its_contents() {
        let value = Value::object([(
            "rules",
            Value::map([("x", Value::object([("days", Value::string("secret"))]))]),
        )]);
        assert_eq!(
            Bucket::from_known(&value).unwrap_err().0,
            "rules: days: expected a number, found a string"
        );
        let half = Value::object([("days", Value::Number("1.5".parse().unwrap()))]);
        assert_eq!(
            Rule::from_known(&half).unwrap_err().0,
            "days: 1.5 is not a whole number"
        );
    }
}
