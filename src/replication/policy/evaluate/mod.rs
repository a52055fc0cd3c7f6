//! What policy documents allow: a small evaluator with the rules that replication meets.
//!
//! It answers for documents that speak for one side. For a request across accounts both sides must allow, so
//! callers evaluate the role's policies and the bucket's or key's policy separately. A statement for a whole
//! account hands the decision to that account's own policies, and counts as an allow here.
//!
//! What cannot be judged (an operator outside the list in [`Operator::parse`], a policy variable, an ARN that
//! is not known yet) is taken for the worse: it never allows and always denies.
//!
//! Deliberately absent: permissions boundaries, but for [`Request::bounded`], session policies and service control
//! policies.

mod conditions;
mod principal;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::conditions::{arn_matches, condition_holds, matches_some_of, wildcard_matches};
use self::principal::{is_named, principal_matches};
use super::any_object::ANY_OBJECT;
use super::document::{Effect, Element, PolicyDocument, Statement, is_variable};
use crate::replication::operation::Input;

/// One request, as AWS would judge it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// Who asks: a role's ARN, or a service's name.
    pub principal: String,
    /// Whether a permissions boundary bounds whoever asks: no `NotPrincipal` of a Deny leaves that out.
    pub bounded: bool,
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
        let reading = Reading::of(document);
        for statement in &document.statements {
            let applies = applies(statement, request, reading);
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

/// Whether statements deny a request of which only part of the context is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial<'a> {
    /// The statement.
    pub statement: &'a Statement,
    /// Whether it certainly denies; else that hangs on what is not known of the request.
    pub certain: bool,
}

/// What a document says about a request of which only part of the context is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The statements that deny it, certain ones first.
    pub denials: Vec<Denial<'a>>,
    /// Whether a statement allows it to whoever asks, by name or to everybody.
    pub direct: Truth,
    /// Whether a statement allows it to the account of whoever asks, which leaves it to that account's own policies.
    pub account: Truth,
}

/// Judges a request by one document. A condition key without an entry in the request's context may have any value,
/// unlike in [`evaluate`]; one with an empty entry is known to be absent.
pub fn verdict<'a>(document: &'a PolicyDocument, request: &Request) -> Verdict<'a> {
    let reading = Reading {
        open: true,
        ..Reading::of(document)
    };
    let allows = |named: fn(&Statement, &Request) -> Truth| {
        let allows = document
            .statements
            .iter()
            .filter(|s| s.effect == Effect::Allow)
            .map(|s| Truth::all([named(s, request), covers(s, request, reading)]));
        Truth::any(allows)
    };
    Verdict {
        denials: denials(document, request),
        direct: allows(|s, request| is_named(s, request, false)),
        account: allows(|s, request| is_named(s, request, true)),
    }
}

/// A statement that denies a request, a certain one first.
pub fn denial<'a>(document: &'a PolicyDocument, request: &Request) -> Option<Denial<'a>> {
    denials(document, request).into_iter().next()
}

/// Every statement that denies a request, certain ones first.
fn denials<'a>(document: &'a PolicyDocument, request: &Request) -> Vec<Denial<'a>> {
    let reading = Reading {
        open: true,
        ..Reading::of(document)
    };
    let denies = document
        .statements
        .iter()
        .filter(|s| s.effect == Effect::Deny);
    let mut found: Vec<Denial<'a>> = denies
        .filter_map(|statement| match applies(statement, request, reading) {
            Truth::No => None,
            truth => Some(Denial {
                statement,
                certain: truth == Truth::Yes,
            }),
        })
        .collect();
    found.sort_by_key(|denial| !denial.certain);
    found
}

/// How the statements of a document are read.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// Whether the document's version knows policy variables.
    variables: bool,
    /// Whether the request may have condition keys that nobody told.
    open: bool,
}

impl Reading {
    fn of(document: &PolicyDocument) -> Self {
        Self {
            variables: !document.is_older(),
            open: false,
        }
    }
}

/// Whether something holds, as far as it can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// That hangs on what nobody told.
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

    /// Whether all of it holds.
    pub fn all(truths: impl IntoIterator<Item = Self>) -> Self {
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

    /// Whether some of it holds.
    pub fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        Self::all(truths.into_iter().map(Self::not)).not()
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

fn applies(statement: &Statement, request: &Request, reading: Reading) -> Truth {
    Truth::all([
        principal_matches(statement, request),
        covers(statement, request, reading),
    ])
}

/// Whether a statement is about a request, whoever asks.
fn covers(statement: &Statement, request: &Request, reading: Reading) -> Truth {
    Truth::all([
        action_matches(statement, request),
        resource_matches(statement, request, reading.variables),
        condition_holds(&statement.condition, &request.context, reading),
    ])
}

fn of_element<T>(element: &Element<T>, matches: impl FnOnce(&T) -> Truth) -> Truth {
    match element {
        Element::Is(named) => matches(named),
        Element::Not(named) => matches(named).not(),
    }
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

/// Only trust policies, which are about the role that they stand on, do without a resource. A Deny of some of the
/// objects that a request stands for may hit it.
fn resource_matches(statement: &Statement, request: &Request, variables: bool) -> Truth {
    let Some(element) = &statement.resource else {
        return request.action.to_lowercase().starts_with("sts:").into();
    };
    let matched = of_element(element, |resources| {
        Truth::any(resources.iter().map(|resource| match resource {
            Input::Known(pattern) if variables && is_variable(pattern) => Truth::Unknown,
            Input::Known(pattern) => arn_matches(pattern, &request.resource).into(),
            Input::OutputOf(_) => Truth::Unknown,
        }))
    });
    let names_some = |resources: &[Input<String>]| {
        let stem = request.resource.split_once(ANY_OBJECT);
        let mut patterns = resources.iter().filter_map(Input::known);
        stem.is_some_and(|(stem, _)| patterns.any(|pattern| matches_some_of(pattern, stem)))
    };
    match element {
        Element::Not(some) if matched == Truth::Yes && names_some(some) => Truth::Unknown,
        Element::Is(some)
            if matched == Truth::No && statement.effect == Effect::Deny && names_some(some) =>
        {
            Truth::Unknown
        }
        _ => matched,
    }
}
