//! `ignore_changes`: a plan gets the configuration with what it had before in place of what is ignored, and an apply
//! gets it as it is written. A provider that works a configuration out again needs the former.

use std::collections::BTreeMap;

use crate::framework::schema::{Attribute, AttributeType, Nesting};
use crate::framework::value::{NULL, Value};

/// The configuration of an update as its plan saw it. What a practitioner writes is planned as it is written, so a
/// known planned value tells what the plan saw, but for what the provider computes.
pub(super) fn as_planned(attributes: &[Attribute], config: &Value, planned: &Value) -> Value {
    let (Value::Object(written), Value::Object(_)) = (config, planned) else {
        return config.clone();
    };
    let mut seen = written.clone();
    for attribute in attributes {
        let name = attribute.name.as_str();
        let value =
            attribute_as_planned(attribute, config.attribute(name), planned.attribute(name));
        seen.insert(name.to_owned(), value);
    }
    Value::Object(seen)
}

fn attribute_as_planned(attribute: &Attribute, config: &Value, planned: &Value) -> Value {
    let computed = config.is_null() && attribute.computed();
    if planned.is_unknown() || computed || attribute.write_only || !attribute.configurable() {
        return config.clone();
    }
    match (&attribute.ty, config, planned) {
        (AttributeType::Nested(Nesting::Single, inner), config, Value::Object(_)) => {
            element_as_planned(inner, config, planned)
        }
        (AttributeType::Nested(Nesting::Map, inner), config, Value::Map(elements)) => {
            let none = BTreeMap::new();
            let written = match config {
                Value::Map(written) => written,
                _ => &none,
            };
            let seen = elements.iter().map(|(key, planned)| {
                let config = written.get(key).unwrap_or(&NULL);
                (key.clone(), element_as_planned(inner, config, planned))
            });
            Value::Map(seen.collect())
        }
        _ if planned.is_wholly_known() => planned.clone(),
        _ => config.clone(),
    }
}

/// An object that may not be written any more: then it is what it was, without what only the provider sets.
fn element_as_planned(inner: &[Attribute], config: &Value, planned: &Value) -> Value {
    if !config.is_null() || planned.is_null() || planned.is_unknown() {
        return as_planned(inner, config, planned);
    }
    let nothing = Value::object(inner.iter().map(|a| (a.name.clone(), Value::Null)));
    as_planned(inner, &nothing, planned)
}

/// What an update goes from: the state, what was planned, and what its configuration was worked out to again.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// The state before.
    pub prior: &'a Value,
    /// What the plan promised.
    pub planned: &'a Value,
    /// What the configuration comes to.
    pub worked_out: &'a Value,
}

impl<'a> Update<'a> {
    fn each(self, of: impl Fn(&'a Value) -> &'a Value) -> Self {
        Self {
            prior: of(self.prior),
            planned: of(self.planned),
            worked_out: of(self.worked_out),
        }
    }

    /// Whether a value that nobody wrote stays as it was, and would be another one if it were worked out.
    fn is_kept(self) -> bool {
        self.prior == self.planned
            && self.planned != self.worked_out
            && self.planned.is_wholly_known()
            && self.worked_out.is_wholly_known()
    }
}

/// The configuration with what is ignored of values that nobody wrote: there the plan saw what was before, and nothing
/// but what comes of it tells that.
pub fn with_kept(attributes: &[Attribute], config: &Value, update: Update<'_>) -> Value {
    let Value::Object(written) = config else {
        return config.clone();
    };
    let mut kept = written.clone();
    for attribute in attributes
        .iter()
        .filter(|a| a.configurable() && !a.write_only)
    {
        let name = attribute.name.as_str();
        let update = update.each(|value| value.attribute(name));
        let value = attribute_with_kept(attribute, config.attribute(name), update);
        kept.insert(name.to_owned(), value);
    }
    Value::Object(kept)
}

fn attribute_with_kept(attribute: &Attribute, config: &Value, update: Update<'_>) -> Value {
    match (&attribute.ty, config) {
        (AttributeType::Nested(Nesting::Single, inner), Value::Object(_)) => {
            with_kept(inner, config, update)
        }
        (AttributeType::Nested(Nesting::Map, inner), Value::Map(elements)) => {
            let elements = elements.iter().map(|(key, config)| {
                let update = update.each(|value| match value {
                    Value::Map(elements) => elements.get(key).unwrap_or(&NULL),
                    _ => &NULL,
                });
                (key.clone(), with_kept(inner, config, update))
            });
            Value::Map(elements.collect())
        }
        (AttributeType::Nested(..), _) => config.clone(),
        (_, Value::Null) if attribute.computed() && update.is_kept() => update.planned.clone(),
        _ => config.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::schema::Setter;

    fn attributes() -> Vec<Attribute> {
        let plain = |name: &str, setter| Attribute::string(name, setter, "An attribute.");
        let inner = || {
            vec![
                plain("written", Setter::Optional),
                plain("worked_out", Setter::OptionalComputed),
                plain("found", Setter::Computed),
            ]
        };
        vec![
            plain("written", Setter::Optional),
            plain("worked_out", Setter::OptionalComputed),
            Attribute::string_map("tags", Setter::Optional, "Tags."),
            Attribute::nested("one", Nesting::Single, inner(), Setter::Optional, "One."),
            Attribute::nested("many", Nesting::Map, inner(), Setter::Required, "Many."),
        ]
    }

    fn text(text: &str) -> Value {
        Value::string(text)
    }

    fn inner(written: Value, worked_out: Value, found: Value) -> Value {
        Value::object([
            ("written", written),
            ("worked_out", worked_out),
            ("found", found),
        ])
    }

    fn object(values: [Value; 5]) -> Value {
        let names = ["written", "worked_out", "tags", "one", "many"];
        Value::object(names.into_iter().zip(values))
    }

    fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
        Value::Map(entries.map(|(key, value)| (key.to_owned(), value)).into())
    }

    fn seen(config: [Value; 5], planned: [Value; 5]) -> Value {
        as_planned(&attributes(), &object(config), &object(planned))
    }

    #[test]
    fn what_is_ignored_is_as_it_was() {
        let found = || inner(text("old"), text("ours"), text("found"));
        let config = [
            text("new"),
            text("new"),
            map([("team", text("new"))]),
            Value::Null,
            map([
                ("kept", inner(text("new"), Value::Null, Value::Null)),
                ("come", inner(text("new"), Value::Null, Value::Null)),
            ]),
        ];
        let planned = [
            text("old"),
            text("old"),
            Value::Null,
            found(),
            map([("kept", found()), ("gone", found())]),
        ];
        let expected = object([
            text("old"),
            text("old"),
            Value::Null,
            inner(text("old"), Value::Null, Value::Null),
            map([
                ("kept", inner(text("old"), Value::Null, Value::Null)),
                ("gone", inner(text("old"), Value::Null, Value::Null)),
            ]),
        ]);
        assert_eq!(seen(config, planned), expected);
    }

    #[test]
    fn what_nobody_wrote_is_kept_where_it_would_become_something_else() {
        let config = object([
            text("a"),
            Value::Null,
            Value::Null,
            Value::Null,
            map([("kept", inner(Value::Null, Value::Null, Value::Null))]),
        ]);
        let state = |worked_out: &str, many: &str, found: &str| {
            let kept = inner(Value::Null, text(many), text(found));
            object([
                text("a"),
                text(worked_out),
                Value::Null,
                Value::Null,
                map([("kept", kept)]),
            ])
        };
        let kept = |planned: &Value, worked_out: &Value| {
            let prior = &state("old", "old", "old");
            let update = Update {
                prior,
                planned,
                worked_out,
            };
            with_kept(&attributes(), &config, update)
        };
        let planned = state("old", "old", "old");
        let expected = object([
            text("a"),
            Value::Null,
            Value::Null,
            Value::Null,
            map([("kept", inner(Value::Null, text("old"), Value::Null))]),
        ]);
        assert_eq!(kept(&planned, &state("old", "new", "new")), expected);
        // What is to change is not ignored.
        let planned = state("planned", "planned", "old");
        assert_eq!(kept(&planned, &state("planned", "new", "old")), config);
    }

    #[test]
    fn what_was_unknown_or_is_worked_out_is_as_it_is_written() {
        let config = [
            text("known by now"),
            Value::Null,
            map([("team", text("known by now"))]),
            inner(text("known by now"), Value::Null, Value::Null),
            map([("new", inner(text("a"), text("b"), Value::Null))]),
        ];
        let planned = [
            Value::Unknown,
            text("worked out"),
            map([("team", Value::Unknown)]),
            inner(Value::Unknown, text("worked out"), Value::Unknown),
            Value::Unknown,
        ];
        assert_eq!(seen(config.clone(), planned), object(config));
    }
}
