//! Equality of policies by what they mean to AWS.
//!
//! AWS reorders lists, turns account ids into ARNs and lists of one into strings; none of that is drift. Two
//! documents mean the same when their canonical forms are equal. Labels (`Id`, `Sid`) count, because
//! ownership goes by them. What looks alike and is not: a bare `AROA...` or `AIDA...` id, which is what is
//! left of a principal that was deleted, never equals an ARN.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Effect, Element, PolicyDocument, Principals, Statement};
use crate::replication::ids::{AccountId, Arn};
use crate::replication::operation::Input;

/// Whether two documents mean the same.
pub fn same_meaning(a: &PolicyDocument, b: &PolicyDocument) -> bool {
    a.version == b.version
        && label(a.id.as_deref()) == label(b.id.as_deref())
        && statements(a) == statements(b)
}

/// Whether two texts are policies that mean the same. Texts that are no policies must be equal as they are.
pub fn same_meaning_text(a: &str, b: &str) -> bool {
    match (PolicyDocument::parse(a), PolicyDocument::parse(b)) {
        (Ok(a), Ok(b)) => same_meaning(&a, &b),
        _ => a == b,
    }
}

/// Whether two statements mean the same.
pub fn same_statement(a: &Statement, b: &Statement) -> bool {
    Meaning::of(a) == Meaning::of(b)
}

fn statements(document: &PolicyDocument) -> BTreeSet<Meaning<'_>> {
    document.statements.iter().map(Meaning::of).collect()
}

/// A statement in the form that all spellings of one meaning share.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Meaning<'a> {
    sid: Option<&'a str>,
    effect: Effect,
    principal: Option<Element<BTreeSet<(&'a str, &'a str)>>>,
    action: Option<Element<BTreeSet<String>>>,
    resource: Option<Element<BTreeSet<&'a Input<String>>>>,
    condition: BTreeSet<(&'a str, String, BTreeSet<String>)>,
    other: BTreeMap<&'a str, String>,
}

impl<'a> Meaning<'a> {
    fn of(statement: &'a Statement) -> Self {
        Self {
            sid: label(statement.sid.as_deref()),
            effect: statement.effect,
            principal: statement
                .principal
                .as_ref()
                .map(|element| element.map(principals)),
            action: statement.action.as_ref().map(|element| {
                element.map(|actions| actions.iter().map(|action| action.to_lowercase()).collect())
            }),
            resource: statement
                .resource
                .as_ref()
                .map(|element| element.map(|resources| resources.iter().collect())),
            condition: condition(statement),
            other: statement
                .other
                .iter()
                .map(|(name, json)| (name.as_str(), json.to_string()))
                .collect(),
        }
    }
}

/// A label that is written and empty is as good as none.
fn label(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// Pairs of kind and id. `"*"` and `{"AWS": "*"}` are the same to AWS, and so are an account's id and the
/// ARN of its root.
fn principals(principals: &Principals) -> BTreeSet<(&str, &str)> {
    match principals {
        Principals::Everyone => BTreeSet::from([("AWS", "*")]),
        Principals::Of(kinds) => kinds
            .iter()
            .flat_map(|(kind, ids)| ids.iter().map(move |id| (kind.as_str(), id.as_str())))
            .map(|(kind, id)| match account_of_root(id) {
                Some(account) if kind == "AWS" => (kind, account),
                _ => (kind, id),
            })
            .collect(),
    }
}

/// The account's id within the ARN of its root.
pub(super) fn account_of_root(principal: &str) -> Option<&str> {
    let arn = Arn::parse(principal).ok()?;
    let account = principal.rsplit(':').nth(1)?;
    let is_root = arn.service == "iam" && arn.resource == "root";
    (is_root && AccountId::parse(account).is_ok()).then_some(account)
}

/// Triples of operator, key and values. Keys are compared without regard to case, as AWS does, and stay
/// separate triples where two spellings stand side by side, because both must hold.
fn condition(statement: &Statement) -> BTreeSet<(&str, String, BTreeSet<String>)> {
    statement
        .condition
        .iter()
        .flat_map(|(operator, keys)| {
            keys.iter()
                .map(move |(key, values)| (operator, key, values))
        })
        .map(|(operator, key, values)| {
            let values = values
                .iter()
                .map(|value| condition_value(operator, value))
                .collect();
            (operator.as_str(), key.to_lowercase(), values)
        })
        .collect()
}

/// Operators that compare truth values do not look at case.
fn condition_value(operator: &str, value: &str) -> String {
    let compares_truth = matches!(operator, "Bool" | "BoolIfExists" | "Null");
    if compares_truth {
        value.to_lowercase()
    } else {
        value.to_owned()
    }
}
