//! Whether a document that somebody else wrote grants already what one of our statements would.

use std::collections::BTreeMap;

use super::document::{Effect, Element, PolicyDocument, Principals, Statement};
use super::evaluate::{Decision, Request, evaluate};
use super::meaning::same_grant;
use crate::replication::operation::Input;

/// The statements of `wanted` that the document does not grant.
///
/// One that says the same counts, and so do several that together allow every single request, under whatever
/// names: `s3:Replicate*` for the role's whole account, for example. What denies is not looked at: a grant of ours
/// could do nothing against it.
pub fn missing_grants(document: &PolicyDocument, wanted: &[Statement]) -> Vec<Statement> {
    missing_grants_among(std::slice::from_ref(document), wanted)
}

/// The statements of `wanted` that several documents together do not grant, such as the policies of one role.
pub fn missing_grants_among(documents: &[PolicyDocument], wanted: &[Statement]) -> Vec<Statement> {
    let allowing = |document: &PolicyDocument| {
        let mut document = document.clone();
        document.statements.retain(|s| s.effect == Effect::Allow);
        document
    };
    let allows: Vec<PolicyDocument> = documents.iter().map(allowing).collect();
    let allows: Vec<&PolicyDocument> = allows.iter().collect();
    let granted = |wanted: &Statement| {
        let mut there = allows.iter().flat_map(|document| &document.statements);
        there.any(|there| same_grant(there, wanted))
            || requests(wanted).is_some_and(|requests| {
                requests
                    .iter()
                    .all(|request| evaluate(&allows, request) == Decision::Allowed)
            })
    };
    wanted.iter().filter(|s| !granted(s)).cloned().collect()
}

/// Every request that a statement of ours allows; `None` for one that cannot be counted out. A resource that ends
/// in a wildcard stands for itself: only a pattern that is as wide matches it.
fn requests(statement: &Statement) -> Option<Vec<Request>> {
    let nobody = vec![String::new()];
    let principals = match &statement.principal {
        // An identity policy speaks for the one that it is attached to.
        None => &nobody,
        Some(Element::Is(Principals::Of(kinds))) => kinds.get("AWS")?,
        Some(_) => return None,
    };
    let (Some(Element::Is(actions)), Some(Element::Is(resources))) =
        (&statement.action, &statement.resource)
    else {
        return None;
    };
    let context = contexts(statement)?;
    let mut requests = Vec::new();
    for principal in principals {
        for action in actions {
            for resource in resources {
                let Input::Known(resource) = resource else {
                    return None;
                };
                requests.extend(context.iter().map(|context| Request {
                    principal: principal.clone(),
                    bounded: false,
                    action: action.clone(),
                    resource: resource.clone(),
                    context: context.clone(),
                }));
            }
        }
    }
    Some(requests)
}

/// One context for each combination of values that the statement's conditions take; S3 always comes over TLS.
fn contexts(statement: &Statement) -> Option<Vec<BTreeMap<String, Vec<String>>>> {
    let tls = ("aws:SecureTransport".to_owned(), vec!["true".to_owned()]);
    let mut contexts = vec![BTreeMap::from([tls])];
    for (operator, keys) in &statement.condition {
        if !matches!(operator.as_str(), "StringEquals" | "StringLike") {
            return None;
        }
        for (key, values) in keys {
            contexts = contexts
                .iter()
                .flat_map(|context| {
                    values.iter().map(|value| {
                        let mut context = context.clone();
                        context.insert(key.clone(), vec![value.clone()]);
                        context
                    })
                })
                .collect();
        }
    }
    Some(contexts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111111111111:role/replication";

    fn wanted() -> Vec<Statement> {
        vec![
            Statement::allow("Objects")
                .principal("AWS", ROLE)
                .actions(&["s3:ReplicateObject", "s3:ReplicateTags"])
                .resource("arn:aws:s3:::b/*"),
            Statement::allow("Bucket")
                .principal("AWS", ROLE)
                .actions(&["s3:GetBucketVersioning"])
                .resource("arn:aws:s3:::b"),
        ]
    }

    fn missing(text: &str) -> Vec<String> {
        let document = PolicyDocument::parse(text).unwrap();
        let missing = missing_grants(&document, &wanted());
        missing.into_iter().filter_map(|s| s.sid).collect()
    }

    #[test]
    fn the_same_grants_under_other_names_are_enough() {
        let text = PolicyDocument::new(wanted()).render().unwrap();
        let renamed = text
            .replace("\"Objects\"", "\"A\"")
            .replace("\"Bucket\"", "\"B\"");
        assert_eq!(missing(&renamed), Vec::<String>::new());
    }

    #[test]
    fn wider_grants_are_enough_and_narrower_ones_are_not() {
        let wide = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":["s3:Replicate*","s3:GetBucket*"],"Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}}"#;
        assert_eq!(missing(wide), Vec::<String>::new());
        assert_eq!(missing(&wide.replace("b/*", "b/logs/*")), ["Objects"]);
        assert_eq!(
            missing(&wide.replace("s3:GetBucket*", "s3:List*")),
            ["Bucket"]
        );
        assert_eq!(
            missing(&wide.replace("111111111111", "333333333333")),
            ["Objects", "Bucket"]
        );
    }

    #[test]
    fn a_grant_under_a_condition_that_may_not_hold_is_none() {
        let limited = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}}"#;
        assert_eq!(missing(limited), ["Objects", "Bucket"]);
        let tls = limited.replace(
            r#""IpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#,
            r#""Bool":{"aws:SecureTransport":"true"}"#,
        );
        assert_eq!(missing(&tls), Vec::<String>::new());
    }

    #[test]
    fn what_denies_takes_no_grant_away() {
        let denied = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}"#;
        assert_eq!(missing(denied), Vec::<String>::new());
    }

    #[test]
    fn the_policies_of_a_role_grant_together() {
        let wanted: Vec<Statement> = wanted()
            .into_iter()
            .map(|statement| Statement {
                principal: None,
                ..statement
            })
            .collect();
        let policy = |action: &str, resource: &str| {
            PolicyDocument::parse(&format!(
                r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}}}"#
            ))
            .unwrap()
        };
        let missing = |documents: &[PolicyDocument]| -> Vec<String> {
            let missing = missing_grants_among(documents, &wanted);
            missing.into_iter().filter_map(|s| s.sid).collect()
        };
        let objects = policy("s3:ReplicateObject", "arn:aws:s3:::b/*");
        assert_eq!(missing(&[]), ["Objects", "Bucket"]);
        assert_eq!(
            missing(std::slice::from_ref(&objects)),
            ["Objects", "Bucket"]
        );
        let tags = policy("s3:ReplicateTags", "*");
        assert_eq!(missing(&[objects.clone(), tags.clone()]), ["Bucket"]);
        let bucket = policy("s3:Get*", "arn:aws:s3:::b");
        assert!(missing(&[objects, tags, bucket]).is_empty());
    }
}
