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
    a.version == b.version && label(a) == label(b) && statements(a) == statements(b)
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

/// Whether two statements grant or deny the same, whatever they are called.
pub fn same_grant(a: &Statement, b: &Statement) -> bool {
    let unnamed = |statement| Meaning {
        sid: None,
        ..Meaning::of(statement)
    };
    unnamed(a) == unnamed(b)
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
            sid: statement.name(),
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

/// The `Id`; one that is written and empty labels nothing.
fn label(document: &PolicyDocument) -> Option<&str> {
    document.id.as_deref().filter(|id| !id.is_empty())
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::arbitrary::{documents, respell};
    use super::*;

    /// A document with one statement, changed in one member.
    fn with(name: &str, value: Value) -> String {
        let mut statement = json!({
            "Sid": "One",
            "Effect": "Allow",
            "Principal": { "AWS": "arn:aws:iam::111111111111:role/Deploy" },
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::a/*",
            "Condition": { "StringLike": { "aws:PrincipalArn": "x" } },
        });
        statement[name] = value;
        json!({ "Version": "2012-10-17", "Statement": statement }).to_string()
    }

    #[track_caller]
    fn assert_same(name: &str, a: Value, b: Value) {
        assert!(same_meaning_text(&with(name, a), &with(name, b)));
    }

    #[track_caller]
    fn assert_different(name: &str, a: Value, b: Value) {
        assert!(!same_meaning_text(&with(name, a), &with(name, b)));
    }

    #[test]
    fn an_account_and_its_root_are_one_principal_in_every_partition() {
        for root in [
            "arn:aws:iam::111111111111:root",
            "arn:aws-cn:iam::111111111111:root",
        ] {
            assert_same(
                "Principal",
                json!({"AWS": "111111111111"}),
                json!({"AWS": root}),
            );
        }
        assert_different(
            "Principal",
            json!({"AWS": "111111111111"}),
            json!({"AWS": "arn:aws:iam::222222222222:root"}),
        );
    }

    #[test]
    fn what_is_left_of_a_deleted_role_is_not_the_role() {
        for remainder in ["AROAEXAMPLEID", "AIDAEXAMPLEID"] {
            assert_different(
                "Principal",
                json!({"AWS": "arn:aws:iam::111111111111:role/Deploy"}),
                json!({"AWS": remainder}),
            );
        }
    }

    #[test]
    fn everyone_is_everyone_in_both_spellings_but_not_every_service() {
        assert_same("Principal", json!("*"), json!({"AWS": "*"}));
        assert_different("Principal", json!("*"), json!({"Service": "*"}));
    }

    #[test]
    fn actions_ignore_case_and_resources_do_not() {
        assert_same("Action", json!("s3:GetObject"), json!("S3:getobject"));
        assert_different(
            "Resource",
            json!("arn:aws:s3:::a/x"),
            json!("arn:aws:s3:::a/X"),
        );
    }

    #[test]
    fn condition_keys_ignore_case_and_values_do_not() {
        assert_same(
            "Condition",
            json!({"StringLike": {"aws:PrincipalArn": "x"}}),
            json!({"StringLike": {"AWS:principalarn": ["x", "x"]}}),
        );
        assert_different(
            "Condition",
            json!({"StringLike": {"aws:PrincipalArn": "x"}}),
            json!({"StringLike": {"aws:PrincipalArn": "X"}}),
        );
    }

    #[test]
    fn truth_values_ignore_spelling() {
        for spelling in [
            json!(false),
            json!("false"),
            json!("False"),
            json!(["false"]),
        ] {
            assert_same(
                "Condition",
                json!({"Bool": {"aws:SecureTransport": "false"}}),
                json!({"Bool": {"aws:SecureTransport": spelling}}),
            );
        }
        assert_different(
            "Condition",
            json!({"Bool": {"aws:SecureTransport": "false"}}),
            json!({"Bool": {"aws:SecureTransport": "true"}}),
        );
    }

    #[test]
    fn every_element_counts() {
        assert_different("Sid", json!("One"), json!("Two"));
        assert_different("Effect", json!("Allow"), json!("Deny"));
        assert_different(
            "Action",
            json!("s3:GetObject"),
            json!(["s3:GetObject", "s3:PutObject"]),
        );
        assert_different(
            "Condition",
            json!({}),
            json!({"Bool": {"aws:SecureTransport": "true"}}),
        );
        assert_different("Extra", json!(1), json!(2));
    }

    #[test]
    fn an_element_is_not_its_opposite() {
        let document = |name: &str| json!({"Statement": {"Effect": "Deny", name: "s3:*"}});
        assert!(!same_meaning_text(
            &document("Action").to_string(),
            &document("NotAction").to_string(),
        ));
    }

    #[test]
    fn the_version_counts_and_none_is_the_oldest() {
        let text = |version: &str| format!(r#"{{{version}"Statement":[]}}"#);
        assert!(same_meaning_text(
            &text(""),
            &text(r#""Version":"2008-10-17","#)
        ));
        assert!(!same_meaning_text(
            &text(""),
            &text(r#""Version":"2012-10-17","#)
        ));
    }

    #[test]
    fn texts_that_are_no_policies_are_compared_as_they_are() {
        assert!(same_meaning_text("", ""));
        assert!(!same_meaning_text("", "{}"));
        assert!(!same_meaning_text("{}", "{ }"));
    }

    proptest! {
        #[test]
        fn a_document_means_what_its_respelling_means(
            document in documents(), choices in prop::collection::vec(any::<u8>(), 1..64),
        ) {
            let text = document.render().unwrap();
            let json = serde_json::from_str(&text).unwrap();
            let respelled = respell(&json, &mut choices.into_iter().cycle()).to_string();
            prop_assert!(same_meaning_text(&text, &respelled), "{text}\n{respelled}");
            prop_assert!(same_meaning_text(&respelled, &text));
        }

        #[test]
        fn sameness_goes_both_ways(a in documents(), b in documents()) {
            prop_assert!(same_meaning(&a, &a));
            prop_assert_eq!(same_meaning(&a, &b), same_meaning(&b, &a));
        }

        #[test]
        fn a_statement_more_or_less_is_a_difference(document in documents()) {
            let all = &document.statements;
            for (index, statement) in all.iter().enumerate() {
                let others = || all.iter().enumerate().filter(|(i, _)| *i != index).map(|(_, s)| s);
                let mut shorter = document.clone();
                shorter.statements = others().cloned().collect();
                let said_twice = others().any(|other| same_statement(other, statement));
                prop_assert_eq!(same_meaning(&document, &shorter), said_twice);
            }
        }
    }
}
