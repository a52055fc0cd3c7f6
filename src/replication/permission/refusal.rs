//! What is refused, by which document, and what has to be added there.

use std::collections::BTreeMap;
use std::fmt;

use super::keyed::{Keyed, once};
use super::request::S3;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::operation::Input;
use crate::replication::policy::{
    Condition, Effect, Element, PolicyDocument, Principals, Statement,
};

/// A request of S3 that a document refuses, or may refuse.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Refusal {
    /// IDs of the replication rules whose objects it stops.
    pub rules: Vec<String>,
    /// The side whose bucket these objects leave.
    pub from: Side,
    /// The side that the document belongs to; for those of a role the side whose bucket replicates by it.
    pub side: Side,
    /// The account that the document belongs to.
    pub account: String,
    /// The document.
    pub document: Document,
    /// ARN of the role that S3 replicates as.
    pub role: String,
    /// The action, such as `kms:Decrypt`.
    pub action: String,
    /// What it is about, as a grant names it.
    pub resource: String,
    /// What stands against it there.
    pub why: Why,
    /// Whether replication certainly fails for it; else that hangs on what is not known of the request.
    pub certain: bool,
    /// The conditions of a least grant.
    pub(super) condition: Condition,
}

/// A document that decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Document {
    /// The role's trust policy.
    Trust,
    /// The role's policies.
    RolePolicies,
    /// The policy that bounds the role's permissions, by its ARN.
    Boundary(String),
    /// The policy of a bucket, by its name.
    BucketPolicy(String),
    /// The policy of a key, or the key itself, by its ARN.
    Key(String),
}

/// What stands against a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Why {
    /// No statement allows it.
    NotAllowed,
    /// This statement denies it.
    Denied(Statement),
    /// The key is in this state.
    KeyState(String),
    /// There is no such role.
    NoRole,
}

impl Refusal {
    /// Whether it stops objects of a rule.
    pub fn concerns(&self, rule: &str) -> bool {
        self.rules.iter().any(|id| id == rule)
    }

    /// What it shows at.
    pub fn component(&self) -> ComponentId {
        match &self.document {
            Document::Trust | Document::Boundary(_) => ComponentId::Role(self.side.clone()),
            Document::RolePolicies => ComponentId::RolePolicy(self.side.clone()),
            Document::BucketPolicy(_) => ComponentId::Of(self.side.clone(), Part::BucketPolicy),
            Document::Key(_) => ComponentId::Of(self.side.clone(), Part::Key),
        }
    }

    /// The statement that has to be added; for one that denies, how that has to read to let the role through. None
    /// where no statement would help.
    pub fn statement(&self) -> Option<Statement> {
        match &self.why {
            Why::NotAllowed => Some(self.grant()),
            Why::Denied(statement) => Some(self.exempted(statement)),
            Why::KeyState(_) | Why::NoRole => None,
        }
    }

    fn grant(&self) -> Statement {
        let (principal, resource) = match &self.document {
            Document::Trust => (Some(("Service", S3.to_owned())), None),
            Document::RolePolicies | Document::Boundary(_) => (None, Some(self.resource.clone())),
            Document::BucketPolicy(_) => (
                Some(("AWS", self.role.clone())),
                Some(self.resource.clone()),
            ),
            Document::Key(_) => (Some(("AWS", self.role.clone())), Some("*".to_owned())),
        };
        Statement {
            sid: None,
            effect: Effect::Allow,
            principal: principal.map(|(kind, id)| {
                Element::Is(Principals::Of(BTreeMap::from([(
                    kind.to_owned(),
                    vec![id],
                )])))
            }),
            action: Some(Element::Is(vec![self.action.clone()])),
            resource: resource.map(|resource| Element::Is(vec![Input::Known(resource)])),
            condition: self.condition.clone(),
            other: BTreeMap::new(),
        }
    }

    fn exempted(&self, statement: &Statement) -> Statement {
        let mut statement = statement.clone();
        let (operator, key, value) = match self.document {
            Document::Trust => ("StringNotEquals", "aws:PrincipalServiceName", S3),
            _ => ("ArnNotEquals", "aws:PrincipalArn", self.role.as_str()),
        };
        let keys = statement.condition.entry(operator.to_owned()).or_default();
        keys.entry(key.to_owned())
            .or_default()
            .push(value.to_owned());
        statement
    }
}

/// The refusals of each document by what stands against them there, in the order in which they come.
pub fn by_document(refusals: &[Refusal]) -> Vec<Vec<&Refusal>> {
    let mut groups = Keyed::new();
    for refusal in refusals {
        let same = (&refusal.document, &refusal.why, &refusal.role);
        groups.under(same, Vec::new).push(refusal);
    }
    groups.into_values()
}

/// What has to be added for several refusals of one document, with as few statements as say it.
pub fn statements(refusals: &[&Refusal]) -> PolicyDocument {
    let mut statements = Keyed::new();
    for mut statement in refusals.iter().filter_map(|refusal| refusal.statement()) {
        let actions = match &mut statement.action {
            Some(Element::Is(actions)) => std::mem::take(actions),
            _ => Vec::new(),
        };
        let (_, all) = statements.under(statement.clone(), || (statement, Vec::new()));
        all.extend(actions);
    }
    let statements = statements.into_values().into_iter();
    let statements = statements.map(|(mut statement, all)| {
        if let Some(Element::Is(actions)) = &mut statement.action {
            *actions = once(all);
        }
        statement
    });
    PolicyDocument::new(statements.collect())
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = match self.rules.as_slice() {
            [rule] => format!("rule {rule}"),
            rules => format!("rules {}", rules.join(", ")),
        };
        let refused = if self.certain { "is" } else { "may be" };
        let Self {
            action,
            resource,
            document,
            side,
            account,
            role,
            why,
            ..
        } = self;
        write!(
            f,
            "{rules}: {action} on {resource} by {role} {refused} refused: {document} ({side}, account {account}) {why}"
        )
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trust => f.write_str("the role's trust policy"),
            Self::RolePolicies => f.write_str("the role's policies"),
            Self::Boundary(arn) => write!(f, "the role's permissions boundary {arn}"),
            Self::BucketPolicy(bucket) => write!(f, "the policy of bucket {bucket}"),
            Self::Key(arn) => write!(f, "key {arn}"),
        }
    }
}

/// Words that follow the document's name.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAllowed => f.write_str("does not allow it"),
            Self::Denied(statement) => match statement.name() {
                Some(sid) => write!(f, "denies it by statement {sid}"),
                None => f.write_str("denies it by a statement without a Sid"),
            },
            Self::KeyState(state) => write!(f, "is not enabled but in state {state}"),
            Self::NoRole => f.write_str("is missing, because there is no such role"),
        }
    }
}
