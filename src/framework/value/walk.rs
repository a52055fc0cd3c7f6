//! Reaching into values: by path, and all of them.

use super::{AttributePath, CodecError, PathStep, UNKNOWN, Value};

impl Value {
    /// What stands at a path. Inside something unknown everything is unknown; inside null, and under a
    /// name, key or index that is not there, is nothing.
    pub fn get(&self, path: &AttributePath) -> Option<&Value> {
        let mut value = self;
        for step in &path.0 {
            while let Value::Dynamic(typed) = value {
                value = &typed.1;
            }
            value = match (value, step) {
                (Value::Unknown, _) => return Some(&UNKNOWN),
                (Value::Object(attributes), PathStep::Attribute(name)) => attributes.get(name)?,
                (Value::Map(entries), PathStep::Key(key)) => entries.get(key)?,
                (Value::List(items), PathStep::Index(index)) => {
                    items.get(usize::try_from(*index).ok()?)?
                }
                _ => return None,
            };
        }
        Some(value)
    }

    /// Puts a value at a path. Everything on the way must be there; the last step may add a key to a map.
    pub fn set_at(&mut self, path: &AttributePath, new: Value) -> Result<(), CodecError> {
        let Some((last, way)) = path.0.split_last() else {
            *self = new;
            return Ok(());
        };
        let missing = || CodecError::at(path, "there is no such place in the value");
        let mut value = self;
        for step in way {
            value = value.child_mut(step).ok_or_else(missing)?;
        }
        if let (Value::Map(entries), PathStep::Key(key)) = (&mut *value, last) {
            entries.insert(key.clone(), new);
        } else {
            *value.child_mut(last).ok_or_else(missing)? = new;
        }
        Ok(())
    }

    /// Visits the value and everything in it, outer values first. The elements of a set have no path of
    /// their own: they are visited at the path of the set.
    pub fn walk(&self, visit: &mut dyn FnMut(&AttributePath, &Value)) {
        self.walk_from(&AttributePath::default(), visit);
    }

    /// The paths of everything that is unknown.
    pub fn unknown_paths(&self) -> Vec<AttributePath> {
        let mut paths = Vec::new();
        self.walk(&mut |path, value| {
            if matches!(value, Value::Unknown) && !paths.contains(path) {
                paths.push(path.clone());
            }
        });
        paths
    }

    /// The same value with null in place of everything unknown.
    #[must_use]
    pub fn with_unknown_as_null(self) -> Self {
        let entries = |entries: std::collections::BTreeMap<String, Value>| {
            entries
                .into_iter()
                .map(|(key, value)| (key, value.with_unknown_as_null()))
                .collect()
        };
        match self {
            Self::Unknown => Self::Null,
            Self::List(items) => {
                Self::List(items.into_iter().map(Self::with_unknown_as_null).collect())
            }
            Self::Set(items) => Self::set(items.into_iter().map(Self::with_unknown_as_null)),
            Self::Map(map) => Self::Map(entries(map)),
            Self::Object(attributes) => Self::Object(entries(attributes)),
            Self::Dynamic(typed) => {
                Self::Dynamic(Box::new((typed.0, typed.1.with_unknown_as_null())))
            }
            known => known,
        }
    }

    fn child_mut(&mut self, step: &PathStep) -> Option<&mut Value> {
        match (self, step) {
            (Value::Dynamic(typed), step) => typed.1.child_mut(step),
            (Value::Object(attributes), PathStep::Attribute(name)) => attributes.get_mut(name),
            (Value::Map(entries), PathStep::Key(key)) => entries.get_mut(key),
            (Value::List(items), PathStep::Index(index)) => {
                items.get_mut(usize::try_from(*index).ok()?)
            }
            _ => None,
        }
    }

    fn walk_from(&self, path: &AttributePath, visit: &mut dyn FnMut(&AttributePath, &Value)) {
        visit(path, self);
        match self {
            Value::Object(attributes) => {
                for (name, value) in attributes {
                    value.walk_from(&path.attribute(name), visit);
                }
            }
            Value::Map(entries) => {
                for (key, value) in entries {
                    value.walk_from(&path.key(key), visit);
                }
            }
            Value::List(items) => {
                for (index, value) in (0..).zip(items) {
                    value.walk_from(&path.index(index), visit);
                }
            }
            Value::Set(elements) => {
                for value in elements {
                    value.walk_from(path, visit);
                }
            }
            Value::Dynamic(typed) => typed.1.walk_from(path, visit),
            Value::Null | Value::Unknown | Value::String(_) | Value::Number(_) | Value::Bool(_) => {
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Value {
        Value::object([
            ("name", Value::string("x")),
            ("later", Value::Unknown),
            (
                "rules",
                Value::map([("a", Value::List(vec![Value::number(1), Value::Unknown]))]),
            ),
            ("set", Value::set([Value::Unknown])),
            ("gone", Value::Null),
        ])
    }

    #[test]
    fn a_path_reaches_into_objects_maps_and_lists() {
        let path = AttributePath::root("rules").key("a").index(0);
        assert_eq!(example().get(&path), Some(&Value::number(1)));
        assert_eq!(example().get(&AttributePath::root("rules").key("b")), None);
        assert_eq!(example().get(&AttributePath::root("gone").key("b")), None);
        assert_eq!(
            example().get(&AttributePath::root("rules").key("a").index(-1)),
            None
        );
    }

    #[test]
    fn everything_inside_unknown_is_unknown() {
        let path = AttributePath::root("later").attribute("deep").index(3);
        assert_eq!(example().get(&path), Some(&Value::Unknown));
    }

    #[test]
    fn a_value_is_replaced_in_place() {
        let mut value = example();
        let path = AttributePath::root("rules").key("a").index(1);
        value.set_at(&path, Value::number(2)).unwrap();
        assert_eq!(value.get(&path), Some(&Value::number(2)));
        let error = value
            .set_at(&AttributePath::root("gone").key("a"), Value::Null)
            .unwrap_err();
        assert_eq!(error.0, "gone[\"a\"]: there is no such place in the value");
    }

    #[test]
    fn unknown_places_are_named() {
        let paths: Vec<_> = example()
            .unknown_paths()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(paths, ["later", "rules[\"a\"][1]", "set"]);
        assert!(example().with_unknown_as_null().is_wholly_known());
    }
}
