//! Common validators of configured values. Each sees only known values that are not null; what is still
//! unknown inside a collection it lets pass.
//!
//! No message repeats the value: it may be secret, and Terraform shows the line of the configuration.
//! A check of one's own is a function in a [`Check`].

use std::fmt;

use super::diagnostics::Diagnostics;
use super::schema::Validator;
use super::value::{AttributePath, Number, Value};

/// Every element of a list or set, of which there has to be one at least.
pub fn each(element: impl Validator) -> impl Validator {
    Each {
        element,
        may_be_empty: false,
    }
}

/// Every element of a list or set, which may also be empty: that says something else than to leave it out.
pub fn each_if_any(element: impl Validator) -> impl Validator {
    Each {
        element,
        may_be_empty: true,
    }
}

#[derive(Debug)]
struct Each<V> {
    element: V,
    may_be_empty: bool,
}

impl<V: Validator> Validator for Each<V> {
    fn validate(&self, path: &AttributePath, value: &Value, diagnostics: &mut Diagnostics) {
        let (Value::List(items) | Value::Set(items)) = value else {
            return;
        };
        if items.is_empty() && !self.may_be_empty {
            not_empty().validate(path, value, diagnostics);
        }
        for (at, item) in (0..).zip(items) {
            let path = path.index(at);
            match item {
                Value::Null => diagnostics.error_at(
                    path.clone(),
                    "Invalid attribute value",
                    format!("{path} must not be null."),
                ),
                Value::Unknown => {}
                known => self.element.validate(&path, known, diagnostics),
            }
        }
    }
}

/// A validator from a function that tells what is wrong with a value, in words that follow the
/// attribute's name: "must be ...".
pub struct Check<F>(F);

impl<F: Fn(&Value) -> Result<(), String> + Send + Sync> Check<F> {
    /// Wraps the function.
    pub fn new(check: F) -> Self {
        Self(check)
    }
}

impl<F> fmt::Debug for Check<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Check")
    }
}

impl<F: Fn(&Value) -> Result<(), String> + Send + Sync> Validator for Check<F> {
    fn validate(&self, path: &AttributePath, value: &Value, diagnostics: &mut Diagnostics) {
        if let Err(wrong) = (self.0)(value) {
            diagnostics.error_at(
                path.clone(),
                "Invalid attribute value",
                format!("{path} {wrong}"),
            );
        }
    }
}

/// One of a few texts.
pub fn one_of(allowed: &'static [&'static str]) -> impl Validator {
    text(move |text| {
        if allowed.contains(&text) {
            Ok(())
        } else {
            let listed: Vec<_> = allowed.iter().map(|a| format!("{a:?}")).collect();
            Err(format!("must be one of {}.", listed.join(", ")))
        }
    })
}

/// Text with a number of characters between two bounds, both included.
pub fn length(least: usize, most: usize) -> impl Validator {
    text(move |text| match text.chars().count() {
        count if (least..=most).contains(&count) => Ok(()),
        count => Err(format!(
            "must have {least} to {most} characters, and has {count}."
        )),
    })
}

/// Text, or a collection, with something in it.
pub fn not_empty() -> impl Validator {
    Check::new(|value: &Value| {
        let empty = match value {
            Value::String(text) => text.is_empty(),
            Value::List(items) | Value::Set(items) => items.is_empty(),
            Value::Map(entries) => entries.is_empty(),
            _ => false,
        };
        if empty {
            Err("must not be empty.".to_owned())
        } else {
            Ok(())
        }
    })
}

/// Text that passes a function; the error says what is wrong, in words that follow the attribute's name.
pub fn text(check: impl Fn(&str) -> Result<(), String> + Send + Sync) -> impl Validator {
    Check::new(move |value: &Value| value.as_str().map_or(Ok(()), &check))
}

/// Text of a form; `expected` describes it in words that follow "must be".
pub fn pattern(matches: fn(&str) -> bool, expected: &'static str) -> impl Validator {
    text(move |text| {
        if matches(text) {
            Ok(())
        } else {
            Err(format!("must be {expected}."))
        }
    })
}

/// A number between two bounds, both included.
pub fn between(least: i64, most: i64) -> impl Validator {
    Check::new(move |value: &Value| match value {
        Value::Number(number) if *number < Number::from(least) || *number > Number::from(most) => {
            Err(format!("must be between {least} and {most}."))
        }
        _ => Ok(()),
    })
}

/// A number without a fraction.
pub fn whole_number() -> impl Validator {
    Check::new(|value: &Value| match value {
        Value::Number(number) if number.to_i64().is_none() => {
            Err("must be a whole number.".to_owned())
        }
        _ => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(validator: impl Validator, value: Value) -> Vec<String> {
        let mut diagnostics = Diagnostics::new();
        validator.validate(&AttributePath::root("a"), &value, &mut diagnostics);
        diagnostics.iter().map(|d| d.detail.clone()).collect()
    }

    #[test]
    fn what_is_allowed_passes() {
        for complaints in [
            complaints(one_of(&["x", "y"]), Value::string("y")),
            complaints(length(1, 2), Value::string("\u{e9}\u{e9}")),
            complaints(not_empty(), Value::List(vec![Value::Unknown])),
            complaints(each_if_any(not_empty()), Value::List(Vec::new())),
            complaints(each(not_empty()), Value::List(vec![Value::string("x")])),
            complaints(between(1, 5), Value::number(5)),
            complaints(whole_number(), Value::number(5)),
            complaints(pattern(|t| t == "x", "an x"), Value::string("x")),
        ] {
            assert_eq!(complaints, Vec::<String>::new());
        }
    }

    #[test]
    fn what_is_not_allowed_is_told_by_name() {
        let half = Value::Number("1.5".parse().unwrap());
        for (complaints, expected) in [
            (
                complaints(one_of(&["x", "y"]), Value::string("z")),
                "a must be one of \"x\", \"y\".",
            ),
            (
                complaints(length(1, 2), Value::string("abc")),
                "a must have 1 to 2 characters, and has 3.",
            ),
            (
                complaints(not_empty(), Value::string("")),
                "a must not be empty.",
            ),
            (
                complaints(each(not_empty()), Value::List(Vec::new())),
                "a must not be empty.",
            ),
            (
                complaints(
                    each_if_any(not_empty()),
                    Value::List(vec![Value::string("")]),
                ),
                "a[0] must not be empty.",
            ),
            (
                complaints(between(1, 5), Value::number(6)),
                "a must be between 1 and 5.",
            ),
            (
                complaints(whole_number(), half),
                "a must be a whole number.",
            ),
            (
                complaints(pattern(|t| t == "x", "an x"), Value::string("y")),
                "a must be an x.",
            ),
        ] {
            assert_eq!(complaints, [expected]);
        }
    }
}
