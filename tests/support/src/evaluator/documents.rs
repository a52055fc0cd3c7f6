//! Policy documents as IAM reads them: who, what, on what, and under which conditions.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::Outcome;

/// Keys of the request context, such as `kms:ViaService`, with their values.
pub(super) type Context = BTreeMap<String, String>;

/// Who makes a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asker {
    /// A session of a role.
    Role { arn: String, account: String },
    /// A service of AWS, such as `s3.amazonaws.com`.
    Service(String),
}

/// A call to be judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) asker: &'a Asker,
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    pub(super) context: &'a Context,
}

/// What a document says about a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    /// The Sid of a statement that denies it.
    pub(super) denied: Option<String>,
    /// A statement allows it to the asker, or names no principal because the document is the asker's own.
    pub(super) direct: bool,
    /// A statement allows it to the asker's whole account, which leaves it to that account's own policies.
    pub(super) account: bool,
}

/// One action on one resource for one principal, as a statement allows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant<'a> {
    sid: &'a str,
    /// Kind and name; two empty texts in a policy without principals.
    pub(super) principal: (&'a str, &'a str),
    pub(super) action: &'a str,
    /// `*` where the statement names none, as in a trust policy.
    pub(super) resource: &'a str,
    conditions: &'a Value,
}

pub(super) fn judge(document: &Value, call: &Call<'_>) -> Outcome<Judgement> {
    let mut judgement = Judgement::default();
    for statement in statements(document) {
        let principal = principal_of(statement, call.asker)?;
        if principal == Named::Nobody
            || !names(statement, "Action", call.action, matches_ignoring_case)?
            || !names(statement, "Resource", call.resource, matches)?
            || !conditions_hold(&statement["Condition"], call.context)?
        {
            continue;
        }
        if statement["Effect"] == "Deny" {
            judgement.denied = Some(statement["Sid"].as_str().unwrap_or_default().to_owned());
        } else {
            judgement.direct |= principal == Named::Asker;
            judgement.account |= principal == Named::Account;
        }
    }
    Ok(judgement)
}

/// The statements of a document; none where it is null.
pub(super) fn statements(document: &Value) -> Vec<&Value> {
    one_or_many(&document["Statement"])
}

/// Every single grant in a document.
pub(super) fn grants(document: &Value) -> Vec<Grant<'_>> {
    let mut grants = Vec::new();
    for statement in statements(document) {
        if statement["Effect"] == "Deny" {
            continue;
        }
        let resources = match texts(&statement["Resource"]) {
            none if none.is_empty() => vec!["*"],
            some => some,
        };
        let conditions = statement.get("Condition").unwrap_or(&Value::Null);
        for action in texts(&statement["Action"]) {
            for &resource in &resources {
                for principal in principals(&statement["Principal"]) {
                    grants.push(Grant {
                        sid: statement["Sid"].as_str().unwrap_or_default(),
                        principal,
                        action,
                        resource,
                        conditions,
                    });
                }
            }
        }
    }
    grants
}

impl Grant<'_> {
    pub(super) fn conditions_hold(&self, call: &Call<'_>) -> Outcome<bool> {
        conditions_hold(self.conditions, call.context)
    }
}

impl fmt::Display for Grant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)?;
        if !self.principal.1.is_empty() {
            write!(f, " for {}", self.principal.1)?;
        }
        write!(f, " (statement {})", self.sid)
    }
}

/// How a statement names an asker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Nobody,
    Account,
    Asker,
}

fn principal_of(statement: &Value, asker: &Asker) -> Outcome<Named> {
    if !statement["NotPrincipal"].is_null() {
        return Err(unknown("NotPrincipal"));
    }
    let mut named = Named::Nobody;
    for (kind, name) in principals(&statement["Principal"]) {
        let found = match asker {
            // The document belongs to the asker.
            Asker::Role { .. } if kind.is_empty() => Named::Asker,
            Asker::Role { arn, .. } if kind == "AWS" && (name == "*" || name == arn) => {
                Named::Asker
            }
            Asker::Role { account, .. } if kind == "AWS" && is_account(name, account) => {
                Named::Account
            }
            Asker::Service(service) if kind == "Service" && name == service => Named::Asker,
            _ => Named::Nobody,
        };
        if found != Named::Nobody && named != Named::Asker {
            named = found;
        }
    }
    Ok(named)
}

fn is_account(name: &str, account: &str) -> bool {
    let root = format!(":iam::{account}:root");
    name == account || (name.starts_with("arn:") && name.ends_with(&root))
}

/// Kinds and names; one pair of empty texts where there is no such element.
fn principals(principal: &Value) -> Vec<(&str, &str)> {
    match principal {
        Value::Null => vec![("", "")],
        Value::String(name) => vec![("AWS", name)],
        kinds => kinds
            .as_object()
            .into_iter()
            .flatten()
            .flat_map(|(kind, names)| {
                texts(names)
                    .into_iter()
                    .map(move |name| (kind.as_str(), name))
            })
            .collect(),
    }
}

/// Whether `Action` or `Resource`, or its negation, covers a value. A statement without either covers all.
fn names(
    statement: &Value,
    element: &str,
    value: &str,
    matches: fn(&str, &str) -> bool,
) -> Outcome<bool> {
    let negated = format!("Not{element}");
    for pattern in texts(&statement[element])
        .iter()
        .chain(&texts(&statement[&negated]))
    {
        if pattern.contains("${") {
            return Err(unknown(pattern));
        }
    }
    let covered = |name: &str| {
        let mut patterns = texts(&statement[name]).into_iter();
        patterns.any(|pattern| matches(pattern, value))
    };
    Ok(
        match (statement[element].is_null(), statement[&negated].is_null()) {
            (false, _) => covered(element),
            (true, false) => !covered(&negated),
            (true, true) => true,
        },
    )
}

fn conditions_hold(conditions: &Value, context: &Context) -> Outcome<bool> {
    for (operator, keys) in conditions.as_object().into_iter().flatten() {
        for (key, wanted) in keys.as_object().into_iter().flatten() {
            // Keys of the context are compared without regard to case.
            let found = context
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(key));
            let found = found.map(|(_, value)| value.as_str());
            if !condition_holds(operator, &texts_of_any(wanted), found)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn condition_holds(operator: &str, wanted: &[String], found: Option<&str>) -> Outcome<bool> {
    let (base, if_exists) = match operator.strip_suffix("IfExists") {
        Some(base) => (base, true),
        None => (operator, false),
    };
    let (test, negated): (fn(&str, &str) -> bool, bool) = match base {
        "StringEquals" => (str::eq, false),
        "StringNotEquals" => (str::eq, true),
        "StringEqualsIgnoreCase" | "Bool" => (str::eq_ignore_ascii_case, false),
        "StringLike" | "ArnLike" | "ArnEquals" => (matches, false),
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => (matches, true),
        "Null" => {
            let absent = found.is_none().to_string();
            return Ok(wanted.contains(&absent));
        }
        _ => return Err(unknown(operator)),
    };
    Ok(match found {
        Some(value) => wanted.iter().any(|pattern| test(pattern, value)) != negated,
        None => if_exists || negated,
    })
}

fn unknown(what: &str) -> crate::Failure {
    format!("a document says {what:?}, which the evaluator does not know").into()
}

/// `*` stands for any text, `?` for one character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    // Which beginnings of the text the pattern so far can stand for.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for letter in pattern {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            next[at] = match letter {
                '*' => reached[at] || (at > 0 && next[at - 1]),
                '?' => at > 0 && reached[at - 1],
                _ => at > 0 && reached[at - 1] && text[at - 1] == letter,
            };
        }
        reached = next;
    }
    reached[text.len()]
}

fn matches_ignoring_case(pattern: &str, text: &str) -> bool {
    matches(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase())
}

fn one_or_many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(many) => many.iter().collect(),
        one => vec![one],
    }
}

fn texts(value: &Value) -> Vec<&str> {
    one_or_many(value)
        .into_iter()
        .filter_map(Value::as_str)
        .collect()
}

/// Conditions may also hold booleans, written without quotes.
fn texts_of_any(value: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    one_or_many(value).into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ROLE: &str = "arn:aws:iam::111111111111:role/replication";

    fn judged(statement: Value, context: &[(&str, &str)]) -> Judgement {
        let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let call = Call {
            asker: &Asker::Role {
                arn: ROLE.to_owned(),
                account: "111111111111".to_owned(),
            },
            action: "s3:ReplicateObject",
            resource: "arn:aws:s3:::copy/letter.txt",
            context: &context.iter().map(pair).collect(),
        };
        judge(&json!({ "Statement": statement }), &call).unwrap()
    }

    fn allowed(statement: Value, context: &[(&str, &str)]) -> bool {
        judged(statement, context).direct
    }

    #[test]
    fn actions_and_resources_match_by_wildcards() {
        for (action, resource, expected) in [
            ("s3:ReplicateObject", "arn:aws:s3:::copy/*", true),
            ("S3:replicate*", "arn:aws:s3:::c?py/*.txt", true),
            ("s3:ReplicateDelete", "arn:aws:s3:::copy/*", false),
            ("s3:*", "arn:aws:s3:::copy", false),
            ("*", "*", true),
        ] {
            let statement = json!({ "Effect": "Allow", "Action": action, "Resource": resource });
            assert_eq!(allowed(statement, &[]), expected, "{action} on {resource}");
        }
    }

    #[test]
    fn what_is_excepted_is_not_covered() {
        let statement = |action, resource| json!({ "Effect": "Allow", "NotAction": action, "NotResource": resource });
        assert!(!allowed(
            statement("s3:Replicate*", "arn:aws:s3:::other/*"),
            &[]
        ));
        assert!(!allowed(statement("s3:Get*", "arn:aws:s3:::copy/*"), &[]));
        assert!(allowed(statement("s3:Get*", "arn:aws:s3:::other/*"), &[]));
    }

    #[test]
    fn a_role_is_named_by_itself_by_its_account_or_not_at_all() {
        let judged_for = |principal: Value| {
            judged(
                json!({ "Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*" }),
                &[],
            )
        };
        let direct = Judgement {
            direct: true,
            ..Judgement::default()
        };
        let account = Judgement {
            account: true,
            ..Judgement::default()
        };
        for (principal, expected) in [
            (json!({ "AWS": ROLE }), &direct),
            (json!("*"), &direct),
            (
                json!({ "AWS": ["arn:aws:iam::111111111111:root"] }),
                &account,
            ),
            (json!({ "AWS": "111111111111" }), &account),
            (
                json!({ "AWS": "arn:aws:iam::222222222222:root" }),
                &Judgement::default(),
            ),
            (json!({ "AWS": "AROAEXAMPLE" }), &Judgement::default()),
            (
                json!({ "Service": "s3.amazonaws.com" }),
                &Judgement::default(),
            ),
        ] {
            assert_eq!(&judged_for(principal.clone()), expected, "{principal}");
        }
    }

    #[test]
    fn conditions_are_met_by_the_context_of_the_request() {
        let secure = [("aws:SecureTransport", "true")];
        for (condition, context, expected) in [
            (
                json!({ "Bool": { "aws:securetransport": true } }),
                &secure[..],
                true,
            ),
            (
                json!({ "Bool": { "aws:SecureTransport": "false" } }),
                &secure[..],
                false,
            ),
            (
                json!({ "Bool": { "aws:SecureTransport": "true" } }),
                &[],
                false,
            ),
            (
                json!({ "BoolIfExists": { "aws:SecureTransport": "true" } }),
                &[],
                true,
            ),
            (
                json!({ "Null": { "aws:SecureTransport": "true" } }),
                &secure[..],
                false,
            ),
            (
                json!({ "StringLike": { "a": ["x*", "y*"] } }),
                &[("a", "yes")],
                true,
            ),
            (
                json!({ "StringLike": { "a": "x*", "b": "*" } }),
                &[("a", "x")],
                false,
            ),
            (json!({ "StringNotEquals": { "a": "x" } }), &[], true),
            (
                json!({ "StringNotLike": { "a": ["x*", "y*"] } }),
                &[("a", "yes")],
                false,
            ),
            (
                json!({ "ArnEquals": { "a": "arn:aws:s3:::b" } }),
                &[("a", "arn:aws:s3:::c")],
                false,
            ),
        ] {
            let statement = json!({
                "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition,
            });
            assert_eq!(allowed(statement, context), expected, "{condition}");
        }
    }

    #[test]
    fn a_deny_is_told_by_its_sid() {
        let statement = json!({ "Sid": "Never", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*" });
        assert_eq!(judged(statement, &[]).denied.as_deref(), Some("Never"));
    }

    #[test]
    fn what_is_not_known_is_never_guessed() {
        let call = Call {
            asker: &Asker::Service("s3.amazonaws.com".to_owned()),
            action: "sts:AssumeRole",
            resource: ROLE,
            context: &Context::new(),
        };
        let principal = json!({ "Service": "s3.amazonaws.com" });
        for (element, value) in [
            (
                "Condition",
                json!({ "ForAllValues:StringEquals": { "a": "b" } }),
            ),
            ("NotPrincipal", json!({ "AWS": "111111111111" })),
            ("Resource", json!("arn:aws:s3:::${aws:username}/*")),
        ] {
            let mut statement = json!({ "Effect": "Allow", "Principal": principal, "Action": "*" });
            statement[element] = value;
            let refused = judge(&json!({ "Statement": [statement] }), &call);
            assert!(refused.is_err(), "{element}: {refused:?}");
        }
    }
}
