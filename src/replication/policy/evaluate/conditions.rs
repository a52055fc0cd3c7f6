//! Whether conditions hold, and how patterns match.

use std::cmp::Ordering::{self, Equal, Greater, Less};
use std::collections::BTreeMap;

use super::{Reading, Truth};
use crate::replication::policy::document::{Condition, is_variable};

/// Whether all of a statement's conditions hold for a request.
pub(super) fn condition_holds(
    condition: &Condition,
    context: &BTreeMap<String, Vec<String>>,
    reading: Reading,
) -> Truth {
    Truth::all(condition.iter().flat_map(|(name, keys)| {
        let operator = Operator::parse(name);
        keys.iter().map(move |(key, expected)| {
            let found: Vec<&str> = context
                .iter()
                .filter(|(name, _)| name.eq_ignore_ascii_case(key))
                .flat_map(|(_, values)| values.iter().map(String::as_str))
                .collect();
            let told = context.keys().any(|name| name.eq_ignore_ascii_case(key));
            match &operator {
                None => Truth::Unknown,
                Some(_) if reading.open && !told => Truth::Unknown,
                Some(_) if reading.variables && expected.iter().any(|v| is_variable(v)) => {
                    Truth::Unknown
                }
                Some(operator) => operator.holds(expected, &found).into(),
            }
        })
    }))
}

/// A condition operator, taken apart.
struct Operator {
    comparison: Comparison,
    negated: bool,
    if_exists: bool,
    set: SetOperator,
}

/// How a list of values in the request is judged.
#[derive(PartialEq)]
enum SetOperator {
    None,
    ForAnyValue,
    ForAllValues,
}

enum Comparison {
    Equals,
    EqualsIgnoreCase,
    Like,
    ArnLike,
    Bool,
    Null,
    /// A number that stands to the expected one in one of these ways.
    Number(&'static [Ordering]),
}

impl Operator {
    /// Dates, addresses and binary values are not among the operators that are understood.
    fn parse(name: &str) -> Option<Self> {
        let (set, name) = match name.split_once(':') {
            None => (SetOperator::None, name),
            Some(("ForAnyValue", name)) => (SetOperator::ForAnyValue, name),
            Some(("ForAllValues", name)) => (SetOperator::ForAllValues, name),
            Some(_) => return None,
        };
        let (if_exists, name) = match name.strip_suffix("IfExists") {
            Some(name) => (true, name),
            None => (false, name),
        };
        let (comparison, negated) = match name {
            "StringEquals" => (Comparison::Equals, false),
            "StringNotEquals" => (Comparison::Equals, true),
            "StringEqualsIgnoreCase" => (Comparison::EqualsIgnoreCase, false),
            "StringNotEqualsIgnoreCase" => (Comparison::EqualsIgnoreCase, true),
            "StringLike" => (Comparison::Like, false),
            "StringNotLike" => (Comparison::Like, true),
            "ArnEquals" | "ArnLike" => (Comparison::ArnLike, false),
            "ArnNotEquals" | "ArnNotLike" => (Comparison::ArnLike, true),
            "Bool" => (Comparison::Bool, false),
            "NumericEquals" => (Comparison::Number(&[Equal]), false),
            "NumericNotEquals" => (Comparison::Number(&[Equal]), true),
            "NumericLessThan" => (Comparison::Number(&[Less]), false),
            "NumericGreaterThanEquals" => (Comparison::Number(&[Greater, Equal]), false),
            "NumericGreaterThan" => (Comparison::Number(&[Greater]), false),
            "NumericLessThanEquals" => (Comparison::Number(&[Less, Equal]), false),
            "Null" if !if_exists && set == SetOperator::None => (Comparison::Null, false),
            _ => return None,
        };
        Some(Self {
            comparison,
            negated,
            if_exists,
            set,
        })
    }

    fn holds(&self, expected: &[String], found: &[&str]) -> bool {
        if matches!(self.comparison, Comparison::Null) {
            let absent = found.is_empty().to_string();
            return expected
                .iter()
                .any(|value| value.eq_ignore_ascii_case(&absent));
        }
        let is_expected = |value: &&str| {
            let among = expected.iter().any(|pattern| self.compare(pattern, value));
            among != self.negated
        };
        match self.set {
            _ if self.if_exists && found.is_empty() => true,
            SetOperator::ForAnyValue => found.iter().any(is_expected),
            SetOperator::ForAllValues => found.iter().all(is_expected),
            // A negated operator holds without the key, and for several values none may be among the expected.
            SetOperator::None if self.negated => found.iter().all(is_expected),
            SetOperator::None => found.iter().any(is_expected),
        }
    }

    fn compare(&self, pattern: &str, value: &str) -> bool {
        match self.comparison {
            Comparison::Equals => pattern == value,
            Comparison::EqualsIgnoreCase | Comparison::Bool => {
                pattern.to_lowercase() == value.to_lowercase()
            }
            Comparison::Like => wildcard_matches(pattern, value),
            Comparison::ArnLike => arn_matches(pattern, value),
            Comparison::Null => false,
            Comparison::Number(ways) => {
                let number = |text: &str| text.parse::<f64>().ok();
                let both = number(value).zip(number(pattern));
                let way = both.and_then(|(value, pattern)| value.partial_cmp(&pattern));
                way.is_some_and(|way| ways.contains(&way))
            }
        }
    }
}

/// Compares field by field: a wildcard in one of an ARN's first five fields does not reach into the next.
pub(super) fn arn_matches(pattern: &str, arn: &str) -> bool {
    let pattern_fields: Vec<&str> = pattern.splitn(6, ':').collect();
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    if pattern_fields.len() == 6 && fields.len() == 6 {
        let mut pairs = pattern_fields.iter().zip(&fields);
        pairs.all(|(pattern, field)| wildcard_matches(pattern, field))
    } else {
        pattern == "*" || pattern == arn
    }
}

/// Whether a pattern matches some ARN that begins so.
pub(super) fn matches_some_of(pattern: &str, stem: &str) -> bool {
    let pattern_fields: Vec<&str> = pattern.splitn(6, ':').collect();
    let fields: Vec<&str> = stem.splitn(6, ':').collect();
    let ([.., last_pattern], [.., last]) = (&pattern_fields[..], &fields[..]) else {
        return false;
    };
    if pattern_fields.len() != 6 || fields.len() != 6 {
        return pattern == "*";
    }
    let mut pairs = pattern_fields.iter().zip(&fields).take(5);
    pairs.all(|(pattern, field)| wildcard_matches(pattern, field))
        && wildcard_begins(last_pattern, last)
}

/// Whether a pattern matches some text that begins so: from its first `*` on, anything goes.
fn wildcard_begins(pattern: &str, stem: &str) -> bool {
    let mut pattern = pattern.chars();
    for c in stem.chars() {
        match pattern.next() {
            Some('*') => return true,
            Some(p) if p == '?' || p == c => {}
            _ => return false,
        }
    }
    true
}

/// `*` stands for any number of characters, `?` for one.
pub(super) fn wildcard_matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on when the characters after the last `*` turn out not to match: that star takes one more.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                p += 1;
                retry = Some((p, t));
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after_star, taken)) => {
                    retry = Some((after_star, taken + 1));
                    (p, t) = (after_star, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}
