//! What policy documents allow: a small evaluator with the rules that replication meets.
//!
//! It answers for documents that speak for one side. For a request across accounts both sides must allow, so
//! callers evaluate the role's policies and the bucket's or key's policy separately. A statement for a whole
//! account hands the decision to that account's own policies, and counts as an allow here.
//!
//! What cannot be judged (an operator outside the list in [`Operator::parse`], a policy variable, an ARN that
//! is not known yet) is taken for the worse: it never allows and always denies.
//!
//! Deliberately absent: permissions boundaries, session policies and service control policies.

use std::collections::BTreeMap;

use super::document::{
    Condition, Effect, Element, OLDEST_VERSION, PolicyDocument, Principals, Statement,
};
use super::meaning::account_of_root;
use crate::replication::ids::{AccountId, Arn};
use crate::replication::operation::Input;

/// One request, as AWS would judge it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks: a role's ARN, or a service's name.
    pub principal: String,
    /// The action, such as `s3:ReplicateObject`.
    pub action: String,
    /// The ARN of what it is about.
    pub resource: String,
    /// Condition keys and their values; a key without values counts as absent.
    pub context: BTreeMap<String, Vec<String>>,
}

/// The answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    ExplicitDeny,
    /// No statement is about it.
    ImplicitDeny,
}

/// Judges a request by all documents together: a deny anywhere wins, then an allow anywhere.
pub fn evaluate(documents: &[&PolicyDocument], request: &Request) -> Decision {
    let mut allowed = false;
    for document in documents {
        let variables = document.version != OLDEST_VERSION;
        for statement in &document.statements {
            let applies = applies(statement, request, variables);
            match statement.effect {
                Effect::Deny if applies != Truth::No => return Decision::ExplicitDeny,
                Effect::Allow if applies == Truth::Yes => allowed = true,
                _ => {}
            }
        }
    }
    if allowed {
        Decision::Allowed
    } else {
        Decision::ImplicitDeny
    }
}

/// Whether something holds, as far as it can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    Yes,
    No,
    Unknown,
}

impl Truth {
    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }

    fn all(truths: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::Yes;
        for truth in truths {
            match truth {
                Self::No => return Self::No,
                Self::Unknown => all = Self::Unknown,
                Self::Yes => {}
            }
        }
        all
    }

    fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        Self::all(truths.into_iter().map(Self::not)).not()
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// `variables`: whether the document's version knows policy variables.
fn applies(statement: &Statement, request: &Request, variables: bool) -> Truth {
    Truth::all([
        principal_matches(statement, request),
        action_matches(statement, request),
        resource_matches(statement, request, variables),
        condition_holds(&statement.condition, &request.context, variables),
    ])
}

fn of_element<T>(element: &Element<T>, matches: impl FnOnce(&T) -> Truth) -> Truth {
    match element {
        Element::Is(named) => matches(named),
        Element::Not(named) => matches(named).not(),
    }
}

/// An identity policy names no principal: it speaks for the one that it is attached to.
fn principal_matches(statement: &Statement, request: &Request) -> Truth {
    let Some(element) = &statement.principal else {
        return Truth::Yes;
    };
    of_element(element, |principals| match principals {
        Principals::Everyone => Truth::Yes,
        Principals::Of(kinds) => kinds
            .iter()
            .flat_map(|(kind, ids)| ids.iter().map(move |id| (kind.as_str(), id.as_str())))
            .any(|(kind, id)| is_principal(kind, id, &request.principal))
            .into(),
    })
}

fn is_principal(kind: &str, id: &str, principal: &str) -> bool {
    if kind != "AWS" {
        return id == principal;
    }
    let Ok(arn) = Arn::parse(principal) else {
        return id == "*";
    };
    let account = account_of_root(id).or_else(|| AccountId::parse(id).is_ok().then_some(id));
    id == "*" || id == principal || account == Some(&arn.account)
}

/// A statement without actions does nothing. Case does not count.
fn action_matches(statement: &Statement, request: &Request) -> Truth {
    let Some(element) = &statement.action else {
        return Truth::No;
    };
    let action = request.action.to_lowercase();
    of_element(element, |patterns| {
        let mut patterns = patterns.iter();
        patterns
            .any(|p| wildcard_matches(&p.to_lowercase(), &action))
            .into()
    })
}

/// Only trust policies, which are about the role that they stand on, do without a resource.
fn resource_matches(statement: &Statement, request: &Request, variables: bool) -> Truth {
    let Some(element) = &statement.resource else {
        return request.action.to_lowercase().starts_with("sts:").into();
    };
    of_element(element, |resources| {
        Truth::any(resources.iter().map(|resource| match resource {
            Input::Known(pattern) if variables && has_variable(pattern) => Truth::Unknown,
            Input::Known(pattern) => arn_matches(pattern, &request.resource).into(),
            Input::OutputOf(_) | Input::Later => Truth::Unknown,
        }))
    })
}

fn condition_holds(
    condition: &Condition,
    context: &BTreeMap<String, Vec<String>>,
    variables: bool,
) -> Truth {
    Truth::all(condition.iter().flat_map(|(name, keys)| {
        let operator = Operator::parse(name);
        keys.iter().map(move |(key, expected)| {
            let found: Vec<&str> = context
                .iter()
                .filter(|(name, _)| name.eq_ignore_ascii_case(key))
                .flat_map(|(_, values)| values.iter().map(String::as_str))
                .collect();
            match &operator {
                None => Truth::Unknown,
                Some(_) if variables && expected.iter().any(|v| has_variable(v)) => Truth::Unknown,
                Some(operator) => operator.holds(expected, &found).into(),
            }
        })
    }))
}

fn has_variable(text: &str) -> bool {
    text.contains("${")
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
}

impl Operator {
    /// Numbers, dates, addresses and binary values are not among the operators that are understood.
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
        }
    }
}

/// Compares field by field: a wildcard in one of an ARN's first five fields does not reach into the next.
fn arn_matches(pattern: &str, arn: &str) -> bool {
    let pattern_fields: Vec<&str> = pattern.splitn(6, ':').collect();
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    if pattern_fields.len() == 6 && fields.len() == 6 {
        let mut pairs = pattern_fields.iter().zip(&fields);
        pairs.all(|(pattern, field)| wildcard_matches(pattern, field))
    } else {
        pattern == "*" || pattern == arn
    }
}

/// `*` stands for any number of characters, `?` for one.
fn wildcard_matches(pattern: &str, text: &str) -> bool {
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
