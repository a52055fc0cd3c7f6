//! Random documents, and random respellings that leave the meaning as it is.
//!
//! Alphabets are small, so that equal statements, equal Sids and duplicates come up often.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

use super::document::{Condition, Effect, Element, PolicyDocument, Principals, Statement};
use super::sid::sid;
use crate::replication::operation::Input;

/// Two owners whose statements appear in random documents.
pub(super) const OWNERS: [&str; 2] = ["111111111111/acme-archive", "222222222222/acme-logs"];

/// Any document.
pub(super) fn documents() -> impl Strategy<Value = PolicyDocument> {
    let version = select(vec!["2012-10-17", "2008-10-17"]);
    let id = option::of(select(vec!["", "Shared"]).prop_map(str::to_owned));
    (version, id, vec(statements(), 0..5)).prop_map(|(version, id, statements)| PolicyDocument {
        version: version.to_owned(),
        id,
        statements,
    })
}

/// Any statement: foreign, nameless, or of one of the owners.
pub(super) fn statements() -> impl Strategy<Value = Statement> {
    let sids = [
        None,
        Some(String::new()),
        Some("Theirs".to_owned()),
        Some("Other".to_owned()),
    ]
    .into_iter()
    .chain(OWNERS.into_iter().flat_map(|owner| {
        ["a", "b"].map(|destination| Some(sid("Objects", owner, Some(destination))))
    }))
    .collect::<Vec<_>>();
    statements_named(sids)
}

/// Statements of one owner, each Sid once.
pub(super) fn statements_of(owner: &'static str) -> impl Strategy<Value = Vec<Statement>> {
    let named =
        |destination| statements_named(vec![Some(sid("Objects", owner, Some(destination)))]);
    (
        option::of(named("a")),
        option::of(named("b")),
        option::of(named("c")),
    )
        .prop_map(|(a, b, c)| [a, b, c].into_iter().flatten().collect())
}

fn statements_named(sids: Vec<Option<String>>) -> impl Strategy<Value = Statement> {
    let effect = select(vec![Effect::Allow, Effect::Deny]);
    let action = elements(lists(&["s3:GetObject", "s3:PutObject", "kms:*"]));
    let resource = elements(lists(&["*", "arn:aws:s3:::a", "arn:aws:s3:::a/*"]))
        .prop_map(|element| element.map(|list| list.iter().cloned().map(Input::Known).collect()));
    let other = btree_map(
        select(vec!["Extra", "Comment"]).prop_map(str::to_owned),
        select(vec![Value::Bool(true), Value::from("text")]),
        0..2,
    );
    (
        select(sids),
        effect,
        option::of(elements(principals())),
        option::of(action),
        option::of(resource),
        conditions(),
        other,
    )
        .prop_map(
            |(sid, effect, principal, action, resource, condition, other)| Statement {
                sid,
                effect,
                principal,
                action,
                resource,
                condition,
                other,
            },
        )
}

fn elements<T: std::fmt::Debug>(
    inner: impl Strategy<Value = T>,
) -> impl Strategy<Value = Element<T>> {
    (inner, any::<bool>()).prop_map(|(inner, is)| {
        if is {
            Element::Is(inner)
        } else {
            Element::Not(inner)
        }
    })
}

fn lists(texts: &[&'static str]) -> impl Strategy<Value = Vec<String>> + use<> {
    vec(select(texts.to_vec()).prop_map(str::to_owned), 0..3)
}

fn principals() -> impl Strategy<Value = Principals> {
    let kinds = select(vec!["AWS", "Service"]).prop_map(str::to_owned);
    let ids = lists(&[
        "*",
        "111111111111",
        "arn:aws:iam::222222222222:root",
        "arn:aws:iam::111111111111:role/Deploy",
        "AROAEXAMPLE",
    ]);
    prop_oneof![
        Just(Principals::Everyone),
        btree_map(kinds, ids, 0..3).prop_map(Principals::Of),
    ]
}

fn conditions() -> impl Strategy<Value = Condition> {
    let operators = select(vec!["StringLike", "Bool"]).prop_map(str::to_owned);
    let keys = select(vec!["aws:SecureTransport", "aws:PrincipalArn"]).prop_map(str::to_owned);
    btree_map(
        operators,
        btree_map(keys, lists(&["true", "false", "7"]), 0..3),
        0..3,
    )
}

/// Spells a policy's JSON differently. `choices` decides at each place what is done.
pub(super) fn respell(json: &Value, choices: &mut impl Iterator<Item = u8>) -> Value {
    let mut members = members(json);
    if let Some(statements) = members.get_mut("Statement") {
        let respelled = list(statements)
            .into_iter()
            .map(|s| respell_statement(&s, choices));
        *statements = respell_list(respelled.collect(), choices);
    }
    Value::Object(members)
}

fn respell_statement(json: &Value, choices: &mut impl Iterator<Item = u8>) -> Value {
    let mut members = members(json);
    for (name, value) in &mut members {
        match name.as_str() {
            "Principal" | "NotPrincipal" => *value = respell_principals(value, choices),
            "Action" | "NotAction" => {
                let cased = list(value).iter().map(|a| recase(a, choices)).collect();
                *value = respell_list(cased, choices);
            }
            "Resource" | "NotResource" => *value = respell_list(list(value), choices),
            "Condition" => {
                for keys in value.as_object_mut().unwrap().values_mut() {
                    *keys = respell_condition_keys(keys, choices);
                }
            }
            _ => {}
        }
    }
    Value::Object(members)
}

fn respell_principals(json: &Value, choices: &mut impl Iterator<Item = u8>) -> Value {
    let Value::Object(kinds) = json else {
        let everyone = serde_json::json!({ "AWS": "*" });
        return if choose(choices, 2) == 0 {
            everyone
        } else {
            json.clone()
        };
    };
    let respelled = kinds.iter().map(|(kind, ids)| {
        let ids = list(ids).into_iter().map(|id| match id.as_str().unwrap() {
            "111111111111" if kind == "AWS" && choose(choices, 2) == 0 => {
                Value::from("arn:aws:iam::111111111111:root")
            }
            "arn:aws:iam::222222222222:root" if kind == "AWS" && choose(choices, 2) == 0 => {
                Value::from("222222222222")
            }
            other => Value::from(other),
        });
        let ids = ids.collect();
        (kind.clone(), respell_list(ids, choices))
    });
    Value::Object(respelled.collect())
}

fn respell_condition_keys(json: &Value, choices: &mut impl Iterator<Item = u8>) -> Value {
    let respelled = members(json).into_iter().map(|(key, values)| {
        let values = list(&values)
            .into_iter()
            .map(|value| match value.as_str().unwrap() {
                "true" if choose(choices, 2) == 0 => Value::Bool(true),
                "7" if choose(choices, 2) == 0 => Value::from(7),
                _ => value,
            })
            .collect();
        (key.to_uppercase(), respell_list(values, choices))
    });
    Value::Object(respelled.collect())
}

/// Rotates the list, says one of its values twice, and takes a list of one apart.
fn respell_list(mut values: Vec<Value>, choices: &mut impl Iterator<Item = u8>) -> Value {
    if !values.is_empty() {
        let by = choose(choices, values.len());
        values.rotate_left(by);
        if choose(choices, 3) == 0 {
            values.push(values[0].clone());
        }
    }
    match &values[..] {
        [single] if choose(choices, 2) == 0 => single.clone(),
        _ => Value::Array(values),
    }
}

fn recase(json: &Value, choices: &mut impl Iterator<Item = u8>) -> Value {
    let text = json.as_str().unwrap();
    Value::from(match choose(choices, 3) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        _ => text.to_owned(),
    })
}

fn choose(choices: &mut impl Iterator<Item = u8>, among: usize) -> usize {
    usize::from(choices.next().unwrap()) % among
}

fn members(json: &Value) -> Map<String, Value> {
    json.as_object().unwrap().clone()
}

fn list(json: &Value) -> Vec<Value> {
    json.as_array()
        .cloned()
        .unwrap_or_else(|| vec![json.clone()])
}
