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

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::any_object::names_some_of;
use super::document::{
    Condition, Effect, Element, PolicyDocument, Principals, Statement, is_variable,
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
    /// The statement that denies it.
    pub denial: Option<Denial<'a>>,
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
        denial: denial(document, request),
        direct: allows(|s, request| is_named(s, request, false)),
        account: allows(|s, request| is_named(s, request, true)),
    }
}

/// The statement that denies a request, a certain one first.
pub fn denial<'a>(document: &'a PolicyDocument, request: &Request) -> Option<Denial<'a>> {
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
    found.into_iter().next()
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

/// Whether a statement names whoever asks by the account, or in another way.
fn is_named(statement: &Statement, request: &Request, by_account: bool) -> Truth {
    let Some(Element::Is(Principals::Of(kinds))) = &statement.principal else {
        return Truth::all([principal_matches(statement, request), (!by_account).into()]);
    };
    let is_account = |kind: &str, id: &str| {
        kind == "AWS" && AccountId::parse(account_of_root(id).unwrap_or(id)).is_ok()
    };
    kinds
        .iter()
        .flat_map(|(kind, ids)| ids.iter().map(move |id| (kind.as_str(), id.as_str())))
        .any(|(kind, id)| {
            is_account(kind, id) == by_account && is_principal(kind, id, &request.principal)
        })
        .into()
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
    id == "*" || id == principal || account == Some(&arn.account) || is_role_of(id, &arn)
}

/// Whether a role is the one behind a session. A session's ARN leaves the role's path out, and an account has one
/// role of a name, whatever its path.
fn is_role_of(role: &str, session: &Arn) -> bool {
    let mut parts = session.resource.split('/');
    session.service == "sts"
        && parts.next() == Some("assumed-role")
        && Arn::parse_role(role)
            .is_ok_and(|role| role.account == session.account && Some(role.name()) == parts.next())
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
    let matched = of_element(element, |resources| {
        Truth::any(resources.iter().map(|resource| match resource {
            Input::Known(pattern) if variables && is_variable(pattern) => Truth::Unknown,
            Input::Known(pattern) => arn_matches(pattern, &request.resource).into(),
            Input::OutputOf(_) => Truth::Unknown,
        }))
    });
    let is_cut = |pattern: &Input<String>| {
        pattern
            .known()
            .is_some_and(|pattern| names_some_of(pattern, &request.resource))
    };
    match element {
        Element::Not(resources) if matched == Truth::Yes && resources.iter().any(is_cut) => {
            Truth::Unknown
        }
        _ => matched,
    }
}

fn condition_holds(
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
    Number(Ordering),
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
            "NumericEquals" => (Comparison::Number(Ordering::Equal), false),
            "NumericNotEquals" => (Comparison::Number(Ordering::Equal), true),
            "NumericLessThan" => (Comparison::Number(Ordering::Less), false),
            "NumericGreaterThanEquals" => (Comparison::Number(Ordering::Less), true),
            "NumericGreaterThan" => (Comparison::Number(Ordering::Greater), false),
            "NumericLessThanEquals" => (Comparison::Number(Ordering::Greater), true),
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
            Comparison::Number(ordering) => {
                let number = |text: &str| text.parse::<f64>().ok();
                let ordered = number(value).zip(number(pattern));
                ordered.and_then(|(value, pattern)| value.partial_cmp(&pattern)) == Some(ordering)
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::component::{ComponentId, Part, Side};

    const ROLE: &str = "arn:aws:iam::111111111111:role/replication";

    fn request(context: &[(&str, &[&str])]) -> Request {
        Request {
            principal: ROLE.into(),
            action: "s3:ReplicateObject".into(),
            resource: "arn:aws:s3:::a/key".into(),
            context: context
                .iter()
                .map(|(key, values)| {
                    let values = values.iter().map(ToString::to_string).collect();
                    (key.to_string(), values)
                })
                .collect(),
        }
    }

    /// Judges the request by one statement with these further members.
    fn decide(effect: &str, members: &str, request: &Request) -> Decision {
        let text =
            format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}",{members}}}}}"#);
        evaluate(&[&PolicyDocument::parse(&text).unwrap()], request)
    }

    fn allows(members: &str, request: &Request) -> bool {
        decide("Allow", members, request) == Decision::Allowed
    }

    fn when(condition: &str) -> String {
        format!(r#""Action":"*","Resource":"*","Condition":{{{condition}}}"#)
    }

    #[test]
    fn a_deny_wins_over_every_allow() {
        let everything = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:Replicate*",
            "Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        let document = PolicyDocument::parse(everything).unwrap();
        let mut request = request(&[]);
        assert_eq!(evaluate(&[&document], &request), Decision::ExplicitDeny);
        request.action = "s3:GetObject".into();
        assert_eq!(evaluate(&[&document], &request), Decision::Allowed);
        assert_eq!(evaluate(&[], &request), Decision::ImplicitDeny);
    }

    #[test]
    fn principals_match_by_arn_by_account_and_by_everyone() {
        let cases = [
            (r#""Principal":"*""#, true),
            (r#""Principal":{"AWS":"*"}"#, true),
            (
                r#""Principal":{"AWS":["x","arn:aws:iam::111111111111:role/replication"]}"#,
                true,
            ),
            (r#""Principal":{"AWS":"111111111111"}"#, true),
            (
                r#""Principal":{"AWS":"arn:aws:iam::111111111111:root"}"#,
                true,
            ),
            (
                r#""Principal":{"AWS":"arn:aws:iam::222222222222:root"}"#,
                false,
            ),
            (
                r#""Principal":{"AWS":"arn:aws:iam::111111111111:role/*"}"#,
                false,
            ),
            (r#""Principal":{"AWS":"AROAEXAMPLE"}"#, false),
            (r#""Principal":{"Service":"*"}"#, false),
            (r#""NotPrincipal":{"AWS":"222222222222"}"#, true),
            (r#""NotPrincipal":{"AWS":"111111111111"}"#, false),
        ];
        for (principal, expected) in cases {
            let members = format!(r#"{principal},"Action":"*","Resource":"*""#);
            assert_eq!(allows(&members, &request(&[])), expected, "{principal}");
        }
    }

    #[test]
    fn actions_match_by_wildcard_and_without_case() {
        let cases = [
            (r#""Action":"S3:replicate*""#, true),
            (r#""Action":"s3:ReplicateObjec?""#, true),
            (r#""Action":"s3:ReplicateObject?""#, false),
            (r#""Action":"*Object""#, true),
            (r#""Action":"s3:*T*s""#, false),
            (r#""Action":[]"#, false),
            (r#""NotAction":"s3:Get*""#, true),
            (r#""NotAction":"s3:Replicate*""#, false),
            (r#""Sid":"NoActionAtAll""#, false),
        ];
        for (action, expected) in cases {
            let members = format!(r#"{action},"Resource":"*""#);
            assert_eq!(allows(&members, &request(&[])), expected, "{action}");
        }
    }

    #[test]
    fn resources_match_field_by_field() {
        let cases = [
            (r#""Resource":"*""#, true),
            (r#""Resource":"arn:aws:s3:::a/*""#, true),
            (r#""Resource":"arn:*:s3:::?/k*y""#, true),
            (r#""Resource":"arn:aws:s3:::a""#, false),
            (r#""Resource":"arn:aws:s3:::A/*""#, false),
            (r#""Resource":"arn:*:a/key""#, false),
            (r#""NotResource":"arn:aws:s3:::b/*""#, true),
            (r#""NotResource":"arn:aws:s3:::a/*""#, false),
            (r#""Sid":"NoResourceAtAll""#, false),
        ];
        for (resource, expected) in cases {
            let members = format!(r#"{resource},"Action":"*""#);
            assert_eq!(allows(&members, &request(&[])), expected, "{resource}");
        }
    }

    #[test]
    fn operators_hold_as_aws_documents_them() {
        let absent: &[&str] = &[];
        let cases: [(&str, &[&str], bool); 33] = [
            (r#""StringEquals":{"k":["x","y"]}"#, &["y"], true),
            (r#""StringEquals":{"k":"x"}"#, &["X"], false),
            (r#""StringEquals":{"k":"*"}"#, &["x"], false),
            (r#""StringEquals":{"k":"x"}"#, absent, false),
            (r#""StringEqualsIfExists":{"k":"x"}"#, absent, true),
            (r#""StringEqualsIfExists":{"k":"x"}"#, &["y"], false),
            (r#""StringEqualsIgnoreCase":{"k":"x"}"#, &["X"], true),
            (r#""StringNotEqualsIgnoreCase":{"k":"x"}"#, &["X"], false),
            (r#""StringNotEquals":{"k":["x","y"]}"#, &["z"], true),
            (r#""StringNotEquals":{"k":["x","y"]}"#, &["y"], false),
            (r#""StringNotEquals":{"k":"x"}"#, absent, true),
            (r#""StringLike":{"k":"a*c"}"#, &["abbc"], true),
            (r#""StringLike":{"K":"a*c"}"#, &["abb"], false),
            (r#""StringNotLike":{"k":"a*"}"#, &["b"], true),
            (r#""StringNotLike":{"k":"a*"}"#, &["ab"], false),
            (r#""ArnLike":{"k":"arn:aws:iam::*:role/*"}"#, &[ROLE], true),
            (
                r#""ArnEquals":{"k":"arn:aws:iam:*:role/*"}"#,
                &[ROLE],
                false,
            ),
            (
                r#""ArnNotLike":{"k":"arn:aws:iam::*:role/*"}"#,
                &[ROLE],
                false,
            ),
            (
                r#""ArnNotEquals":{"k":"arn:aws:iam::*:user/*"}"#,
                &[ROLE],
                true,
            ),
            (r#""Bool":{"k":false}"#, &["false"], true),
            (r#""Bool":{"k":"False"}"#, &["false"], true),
            (r#""Bool":{"k":"true"}"#, &["false"], false),
            (r#""BoolIfExists":{"k":"true"}"#, absent, true),
            (r#""Null":{"k":"true"}"#, absent, true),
            (r#""Null":{"k":true}"#, &["x"], false),
            (r#""Null":{"k":"false"}"#, &["x"], true),
            (r#""ForAnyValue:StringEquals":{"k":"x"}"#, &["y", "x"], true),
            (r#""ForAnyValue:StringEquals":{"k":"x"}"#, absent, false),
            (
                r#""ForAnyValue:StringNotEquals":{"k":"x"}"#,
                &["y", "x"],
                true,
            ),
            (
                r#""ForAllValues:StringEquals":{"k":"x"}"#,
                &["y", "x"],
                false,
            ),
            (
                r#""ForAllValues:StringLike":{"k":["x","y*"]}"#,
                &["yy", "x"],
                true,
            ),
            (r#""ForAllValues:StringEquals":{"k":"x"}"#, absent, true),
            (
                r#""StringLike":{"k":"x"},"Bool":{"k":"x"},"StringEquals":{"k":"y"}"#,
                &["x"],
                false,
            ),
        ];
        for (condition, values, expected) in cases {
            let decision = allows(&when(condition), &request(&[("k", values)]));
            assert_eq!(decision, expected, "{condition} with {values:?}");
        }
    }

    #[test]
    fn what_cannot_be_judged_never_allows_and_always_denies() {
        let unknown = [
            when(r#""DateLessThan":{"k":"5"}"#),
            when(r#""IpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#),
            when(r#""ForSomeValues:StringLike":{"k":"1"}"#),
            when(r#""StringLike":{"k":"${aws:username}"}"#),
            r#""Action":"*","Resource":"arn:aws:s3:::a/${aws:username}""#.to_owned(),
            r#""Action":"*","NotResource":"arn:aws:s3:::a/${aws:username}""#.to_owned(),
        ];
        for members in unknown {
            let request = request(&[("k", &["1"])]);
            assert_eq!(
                decide("Allow", &members, &request),
                Decision::ImplicitDeny,
                "{members}"
            );
            assert_eq!(
                decide("Deny", &members, &request),
                Decision::ExplicitDeny,
                "{members}"
            );
        }
    }

    #[test]
    fn what_fails_for_sure_outweighs_what_cannot_be_judged() {
        let condition = when(r#""NumericLessThan":{"k":"5"},"StringEquals":{"k":"other"}"#);
        let decision = decide("Deny", &condition, &request(&[("k", &["1"])]));
        assert_eq!(decision, Decision::ImplicitDeny);
    }

    #[test]
    fn documents_of_the_oldest_version_have_no_variables() {
        let text =
            r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${x}/*"}}"#;
        let mut request = request(&[]);
        request.resource = "arn:aws:s3:::${x}/key".into();
        let document = PolicyDocument::parse(text).unwrap();
        assert_eq!(evaluate(&[&document], &request), Decision::Allowed);
    }

    #[test]
    fn a_key_still_to_be_made_allows_nothing() {
        let key = ComponentId::Of(Side::Source, Part::Key);
        let statement = Statement::allow("Any").actions(&["*"]);
        let mut document = PolicyDocument::new(vec![statement.on([Input::OutputOf(key)])]);
        assert_eq!(
            evaluate(&[&document], &request(&[])),
            Decision::ImplicitDeny
        );
        document.statements[0] = document.statements[0].clone().resource("*");
        assert_eq!(evaluate(&[&document], &request(&[])), Decision::Allowed);
    }

    fn denied(members: &str, request: &Request) -> Option<bool> {
        let text =
            format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny",{members}}}}}"#);
        let document = PolicyDocument::parse(&text).unwrap();
        denial(&document, request).map(|denial| denial.certain)
    }

    #[test]
    fn a_denial_is_certain_only_where_all_that_it_asks_about_is_known() {
        let known = request(&[
            ("aws:PrincipalAccount", &["111111111111"]),
            ("aws:SourceVpce", &[]),
        ]);
        let everyone = r#""Principal":"*","Action":"s3:*","Resource":"*""#;
        let cases = [
            ("", Some(true)),
            (
                r#","Condition":{"StringEquals":{"aws:PrincipalAccount":"222222222222"}}"#,
                None,
            ),
            (
                r#","Condition":{"StringNotEquals":{"aws:principalaccount":"222222222222"}}"#,
                Some(true),
            ),
            (
                r#","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}"#,
                Some(true),
            ),
            (
                r#","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}}"#,
                Some(false),
            ),
            (
                r#","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
                Some(false),
            ),
        ];
        for (condition, expected) in cases {
            let members = format!("{everyone}{condition}");
            assert_eq!(denied(&members, &known), expected, "{condition}");
        }
    }

    #[test]
    fn a_session_is_its_role_whatever_the_roles_path() {
        let session = Request {
            principal: "arn:aws:sts::111111111111:assumed-role/Deploy/terraform".into(),
            ..request(&[])
        };
        let cases = [
            ("arn:aws:iam::111111111111:role/Deploy", Some(true)),
            ("arn:aws:iam::111111111111:role/team/Deploy", Some(true)),
            ("arn:aws:iam::111111111111:role/Deploy2", None),
            ("arn:aws:iam::222222222222:role/Deploy", None),
            ("arn:aws:iam::111111111111:user/Deploy", None),
        ];
        for (principal, expected) in cases {
            let members =
                format!(r#""Principal":{{"AWS":"{principal}"}},"Action":"*","Resource":"*""#);
            assert_eq!(denied(&members, &session), expected, "{principal}");
        }
    }
}
