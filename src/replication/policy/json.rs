//! Policy documents as JSON: reads what any person or tool may have written, writes one form.
//!
//! Reading accepts every spelling that AWS accepts (a string for a list of one, a statement without a list)
//! and refuses what is no policy, with the statement and the element named. A document that cannot be read is
//! an error and never replaced, so nothing is ever dropped silently: unknown members of a statement are kept,
//! unknown members of the document are refused.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::document::{
    CURRENT_VERSION, Condition, Effect, Element, OLDEST_VERSION, PolicyDocument, Principals,
    Statement, Unresolved,
};
use super::unique_json;
use crate::replication::operation::Input;

/// Why a text is not a policy document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// There is nothing in it.
    #[error("the policy is empty")]
    Empty,
    /// It is not JSON.
    #[error("the policy is not JSON: {0}")]
    NotJson(String),
    /// It is JSON but not a policy document.
    #[error("the JSON is not a policy document: {0}")]
    NotPolicy(String),
}

impl PolicyDocument {
    /// Reads a document that anybody may have written.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.trim().is_empty() {
            return Err(PolicyError::Empty);
        }
        let json =
            unique_json::parse(text).map_err(|error| PolicyError::NotJson(error.to_string()))?;
        read_document(json).map_err(PolicyError::NotPolicy)
    }

    /// The document as compact JSON, members in the order in which AWS's own documentation writes them.
    pub fn render(&self) -> Result<String, Unresolved> {
        // Maps with text keys always have a JSON form, so the empty text never shows.
        Ok(serde_json::to_string(&self.text()?).unwrap_or_default())
    }

    /// The document for people, on as many lines as it takes: [`render`](Self::render) with what is not known
    /// yet in angle brackets.
    pub fn pretty(&self) -> String {
        let readable = self.readable();
        let text = readable
            .text()
            .map(|text| serde_json::to_string_pretty(&text));
        text.map_or_else(|_| String::new(), Result::unwrap_or_default)
    }

    fn text(&self) -> Result<DocumentText<'_>, Unresolved> {
        let statements = self
            .statements
            .iter()
            .map(StatementText::of)
            .collect::<Result<_, _>>()?;
        Ok(DocumentText {
            version: &self.version,
            id: self.id.as_deref(),
            statement: statements,
        })
    }

    fn readable(&self) -> Self {
        let mut readable = self.clone();
        for resource in readable.resources_mut() {
            *resource = Input::Known(resource.to_string());
        }
        readable
    }
}

/// The document for people: as [`render`](PolicyDocument::render) writes it, with what is not known yet in
/// angle brackets.
impl fmt::Display for PolicyDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.readable().render().unwrap_or_default())
    }
}

/// An object whose members are taken out one by one; what is left is unknown.
type Members = Map<String, Value>;

fn read_document(json: Value) -> Result<PolicyDocument, String> {
    let Value::Object(mut members) = json else {
        return Err(format!("it is {}, not an object", kind_of(&json)));
    };
    let version = take_text(&mut members, "Version")?.unwrap_or_else(|| OLDEST_VERSION.to_owned());
    if version != OLDEST_VERSION && version != CURRENT_VERSION {
        return Err(format!(
            "its Version is {version:?}; there are {CURRENT_VERSION} and {OLDEST_VERSION}"
        ));
    }
    let id = take_text(&mut members, "Id")?;
    let statements = match members.remove("Statement") {
        None => return Err("it has no Statement".to_owned()),
        Some(Value::Array(list)) => list,
        Some(single) => vec![single],
    };
    if let Some(unknown) = members.keys().next() {
        return Err(format!(
            "it has the member {unknown:?}; a policy has only Version, Id and Statement"
        ));
    }
    let statements = statements
        .into_iter()
        .enumerate()
        .map(|(index, json)| {
            read_statement(json).map_err(|why| format!("statement {}: {why}", index + 1))
        })
        .collect::<Result<_, _>>()?;
    Ok(PolicyDocument {
        version,
        id,
        statements,
    })
}

fn read_statement(json: Value) -> Result<Statement, String> {
    let Value::Object(mut members) = json else {
        return Err(format!("it is {}, not an object", kind_of(&json)));
    };
    let sid = take_text(&mut members, "Sid")?;
    let effect = match take_text(&mut members, "Effect")?.as_deref() {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        Some(other) => return Err(format!("Effect is {other:?}, not Allow or Deny")),
        None => return Err("it has no Effect".to_owned()),
    };
    let principal = take_element(&mut members, "Principal", read_principals)?;
    let action = take_element(&mut members, "Action", read_texts)?;
    let resource = take_element(&mut members, "Resource", |json| {
        Ok(read_texts(json)?.into_iter().map(Input::Known).collect())
    })?;
    let condition = members
        .remove("Condition")
        .map_or(Ok(Condition::new()), read_condition)
        .map_err(|why| format!("Condition: {why}"))?;
    Ok(Statement {
        sid,
        effect,
        principal,
        action,
        resource,
        condition,
        other: members.into_iter().collect(),
    })
}

/// Takes out `name` or its opposite, `Not` and `name`.
fn take_element<T>(
    members: &mut Members,
    name: &str,
    read: impl FnOnce(Value) -> Result<T, String>,
) -> Result<Option<Element<T>>, String> {
    let opposite = format!("Not{name}");
    match (members.remove(name), members.remove(&opposite)) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(format!("it has both {name} and {opposite}")),
        (Some(json), None) => match read(json) {
            Ok(value) => Ok(Some(Element::Is(value))),
            Err(why) => Err(format!("{name}: {why}")),
        },
        (None, Some(json)) => match read(json) {
            Ok(value) => Ok(Some(Element::Not(value))),
            Err(why) => Err(format!("{opposite}: {why}")),
        },
    }
}

fn take_text(members: &mut Members, name: &str) -> Result<Option<String>, String> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("{name} is {}, not a string", kind_of(&other))),
    }
}

fn read_principals(json: Value) -> Result<Principals, String> {
    match json {
        Value::String(text) if text == "*" => Ok(Principals::Everyone),
        Value::String(text) => Err(format!(
            "{text:?} stands alone; only \"*\" may, others are written as {{\"AWS\": ...}}"
        )),
        Value::Object(kinds) => kinds
            .into_iter()
            .map(|(kind, ids)| match read_texts(ids) {
                Ok(ids) => Ok((kind, ids)),
                Err(why) => Err(format!("{kind}: {why}")),
            })
            .collect::<Result<_, _>>()
            .map(Principals::Of),
        other => Err(format!("it is {}, not \"*\" or an object", kind_of(&other))),
    }
}

fn read_condition(json: Value) -> Result<Condition, String> {
    read_members(json)?
        .into_iter()
        .map(|(operator, keys)| {
            let keys = read_members(keys)
                .map_err(|why| format!("{operator}: {why}"))?
                .into_iter()
                .map(|(key, values)| match read_scalars(values) {
                    Ok(values) => Ok((key, values)),
                    Err(why) => Err(format!("{operator}, {key}: {why}")),
                })
                .collect::<Result<BTreeMap<_, _>, String>>()?;
            Ok((operator, keys))
        })
        .collect()
}

fn read_members(json: Value) -> Result<Members, String> {
    match json {
        Value::Object(members) => Ok(members),
        other => Err(format!("it is {}, not an object", kind_of(&other))),
    }
}

fn read_texts(json: Value) -> Result<Vec<String>, String> {
    one_or_many(json)
        .into_iter()
        .map(|json| match json {
            Value::String(text) => Ok(text),
            other => Err(format!("it holds {}, not a string", kind_of(&other))),
        })
        .collect()
}

fn read_scalars(json: Value) -> Result<Vec<String>, String> {
    one_or_many(json)
        .into_iter()
        .map(|json| match json {
            Value::String(text) => Ok(text),
            Value::Bool(value) => Ok(value.to_string()),
            Value::Number(number) => Ok(number.to_string()),
            other => Err(format!(
                "it holds {}, not a string, a number or a boolean",
                kind_of(&other)
            )),
        })
        .collect()
}

fn one_or_many(json: Value) -> Vec<Value> {
    match json {
        Value::Array(list) => list,
        single => vec![single],
    }
}

fn kind_of(json: &Value) -> &'static str {
    match json {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The written form: the order of these fields is the order in the text.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DocumentText<'a> {
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    statement: Vec<StatementText<'a>>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StatementText<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    effect: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<PrincipalsText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_principal: Option<PrincipalsText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<OneOrMany<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_action: Option<OneOrMany<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<OneOrMany<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_resource: Option<OneOrMany<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    condition: BTreeMap<&'a str, BTreeMap<&'a str, OneOrMany<'a>>>,
    #[serde(flatten)]
    other: BTreeMap<&'a str, &'a Value>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum PrincipalsText<'a> {
    Everyone(&'a str),
    Of(BTreeMap<&'a str, OneOrMany<'a>>),
}

/// One text alone, as AWS itself writes it, or a list.
#[derive(Serialize)]
#[serde(untagged)]
enum OneOrMany<'a> {
    One(&'a str),
    Many(Vec<&'a str>),
}

impl<'a> StatementText<'a> {
    fn of(statement: &'a Statement) -> Result<Self, Unresolved> {
        let mut text = Self {
            sid: statement.sid.as_deref(),
            effect: match statement.effect {
                Effect::Allow => "Allow",
                Effect::Deny => "Deny",
            },
            condition: statement
                .condition
                .iter()
                .map(|(operator, keys)| (operator.as_str(), texts_by_name(keys)))
                .collect(),
            other: statement
                .other
                .iter()
                .map(|(k, v)| (k.as_str(), v))
                .collect(),
            ..Self::default()
        };
        match &statement.principal {
            Some(Element::Is(principals)) => text.principal = Some(PrincipalsText::of(principals)),
            Some(Element::Not(principals)) => {
                text.not_principal = Some(PrincipalsText::of(principals));
            }
            None => {}
        }
        match &statement.action {
            Some(Element::Is(actions)) => text.action = Some(OneOrMany::of(actions)),
            Some(Element::Not(actions)) => text.not_action = Some(OneOrMany::of(actions)),
            None => {}
        }
        match &statement.resource {
            Some(Element::Is(resources)) => text.resource = Some(known_resources(resources)?),
            Some(Element::Not(resources)) => text.not_resource = Some(known_resources(resources)?),
            None => {}
        }
        Ok(text)
    }
}

impl<'a> PrincipalsText<'a> {
    fn of(principals: &'a Principals) -> Self {
        match principals {
            Principals::Everyone => Self::Everyone("*"),
            Principals::Of(kinds) => Self::Of(texts_by_name(kinds)),
        }
    }
}

impl<'a> OneOrMany<'a> {
    fn of(list: impl IntoIterator<Item = &'a String>) -> Self {
        let list: Vec<&str> = list.into_iter().map(String::as_str).collect();
        match list[..] {
            [single] => Self::One(single),
            _ => Self::Many(list),
        }
    }
}

fn texts_by_name(lists: &BTreeMap<String, Vec<String>>) -> BTreeMap<&str, OneOrMany<'_>> {
    lists
        .iter()
        .map(|(name, list)| (name.as_str(), OneOrMany::of(list)))
        .collect()
}

fn known_resources(resources: &[Input<String>]) -> Result<OneOrMany<'_>, Unresolved> {
    let known = resources
        .iter()
        .map(|resource| match resource {
            Input::Known(value) => Ok(value),
            Input::OutputOf(component) => Err(Unresolved::Component(component.clone())),
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(OneOrMany::of(known))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::arbitrary::documents;
    use super::*;
    use crate::replication::component::{ComponentId, Part, Side};

    fn refusal(text: &str) -> String {
        PolicyDocument::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_document_is_written_in_the_customary_order_whatever_order_it_was_read_in() {
        let document = PolicyDocument::parse(
            r#"{ "Statement": { "Condition": {"Bool": {"aws:SecureTransport": false}}, "Resource": ["*"],
                 "NotAction": ["s3:A", "s3:B"], "Principal": {"Service": "x", "AWS": ["1", "2"]},
                 "Effect": "Deny", "Sid": "One" }, "Id": "Shared", "Version": "2012-10-17" }"#,
        );
        insta::assert_snapshot!(document.unwrap().render().unwrap(), @r#"{"Version":"2012-10-17","Id":"Shared","Statement":[{"Sid":"One","Effect":"Deny","Principal":{"AWS":["1","2"],"Service":"x"},"NotAction":["s3:A","s3:B"],"Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#);
    }

    #[test]
    fn unknown_members_of_a_statement_are_written_back() {
        let text =
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Future":{"a":[1,null]}}]}"#;
        assert_eq!(PolicyDocument::parse(text).unwrap().render().unwrap(), text);
    }

    #[test]
    fn what_is_no_policy_is_refused_with_the_place_and_the_reason() {
        let statement = |members: &str| {
            refusal(&format!(
                r#"{{"Statement":[{{"Effect":"Allow"}},{{{members}}}]}}"#
            ))
        };
        let refusals = [
            refusal(" \n"),
            refusal("{"),
            refusal("[]"),
            refusal("{}"),
            refusal(r#"{"Statements":[],"Statement":[]}"#),
            refusal(r#"{"Version":2012,"Statement":[]}"#),
            refusal(r#"{"Statement":["Allow"]}"#),
            statement(""),
            statement(r#""Effect":"allow""#),
            statement(r#""Effect":"Allow","Action":"a","NotAction":"b""#),
            statement(r#""Effect":"Allow","Action":["a",1]"#),
            statement(r#""Effect":"Allow","Principal":"111111111111""#),
            statement(r#""Effect":"Allow","Principal":{"AWS":[null]}"#),
            statement(r#""Effect":"Allow","Condition":[]"#),
            statement(r#""Effect":"Allow","Condition":{"Bool":{"aws:SecureTransport":{}}}"#),
        ];
        insta::assert_snapshot!(refusals.join("\n"), @r#"
        the policy is empty
        the policy is not JSON: EOF while parsing an object at line 1 column 1
        the JSON is not a policy document: it is a list, not an object
        the JSON is not a policy document: it has no Statement
        the JSON is not a policy document: it has the member "Statements"; a policy has only Version, Id and Statement
        the JSON is not a policy document: Version is a number, not a string
        the JSON is not a policy document: statement 1: it is a string, not an object
        the JSON is not a policy document: statement 2: it has no Effect
        the JSON is not a policy document: statement 2: Effect is "allow", not Allow or Deny
        the JSON is not a policy document: statement 2: it has both Action and NotAction
        the JSON is not a policy document: statement 2: Action: it holds a number, not a string
        the JSON is not a policy document: statement 2: Principal: "111111111111" stands alone; only "*" may, others are written as {"AWS": ...}
        the JSON is not a policy document: statement 2: Principal: AWS: it holds null, not a string
        the JSON is not a policy document: statement 2: Condition: it is a list, not an object
        the JSON is not a policy document: statement 2: Condition: Bool, aws:SecureTransport: it holds an object, not a string, a number or a boolean
        "#);
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let text = format!(
            "{}{}",
            r#"{"Statement":"#.repeat(10_000),
            "}".repeat(10_000)
        );
        assert!(matches!(
            PolicyDocument::parse(&text),
            Err(PolicyError::NotJson(_))
        ));
    }

    #[test]
    fn a_key_still_to_be_made_is_named() {
        let with = |resource| {
            let statement = Statement::allow("Decrypt").on([resource]);
            PolicyDocument::new(vec![statement]).render()
        };
        let key = ComponentId::Of(Side::Destination("backup".into()), Part::Key);
        let error = with(Input::OutputOf(key.clone())).unwrap_err();
        assert_eq!(error, Unresolved::Component(key));
        insta::assert_snapshot!(error, @"the policy names destination/backup/key, which is not made yet");
    }

    #[test]
    fn people_see_what_is_not_known_yet_in_angle_brackets() {
        let key = ComponentId::Of(Side::Source, Part::Key);
        let statement = Statement::allow("Decrypt").on([Input::OutputOf(key)]);
        insta::assert_snapshot!(PolicyDocument::new(vec![statement]), @r#"{"Version":"2012-10-17","Statement":[{"Sid":"Decrypt","Effect":"Allow","Resource":"<source/key>"}]}"#);
    }

    proptest! {
        #[test]
        fn every_document_comes_back_as_it_was_written(document in documents()) {
            let text = document.render().unwrap();
            prop_assert_eq!(PolicyDocument::parse(&text).unwrap(), document);
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC*") {
            let _ = PolicyDocument::parse(&text);
            let _ = PolicyDocument::parse(&format!(r#"{{"Statement":{text}}}"#));
        }
    }
}
