//! Statements that deny the replication role what it needs, in the policies of buckets and keys.
//!
//! What the role is granted is what S3 asks for on its behalf, so the requests follow from the role's own policy. A
//! Deny counts when it hits every object: one on some prefix may be meant.

use std::collections::BTreeMap;

use super::component::{ComponentId, Part, Side};
use super::direction::Direction;
use super::grants::role_document;
use super::observed::Observed;
use super::operation::Input;
use super::policy::{PolicyDocument, Request, Statement, denial};
use super::spec::Spec;

/// A statement that stops replication, or may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// Whose policy it stands in: that of a bucket, or of a key.
    pub component: ComponentId,
    /// The statement.
    pub statement: Statement,
    /// What it denies, in order.
    pub actions: Vec<String>,
    /// ARN of the role that it denies this to.
    pub role: String,
    /// Whether it certainly does; else that hangs on what is not known of S3's requests.
    pub certain: bool,
}

/// The denials in the policies that were seen.
pub fn denials_seen(spec: &Spec, observed: &Observed) -> Vec<Denied> {
    denials(spec, &|component| {
        let ComponentId::Of(side, part) = component else {
            return None;
        };
        let seen = observed.buckets.get(side)?;
        let managed = || {
            let arn = spec.bucket(side)?.key(side)?;
            observed.managed_keys.get(arn.known()?)?.present()
        };
        let text = match part {
            Part::BucketPolicy => seen.policy.present(),
            Part::Key => {
                let ours = seen.key.present().and_then(|key| key.policy.present());
                ours.or_else(managed)
            }
            _ => None,
        };
        PolicyDocument::parse(text?).ok()
    })
}

/// The denials among the user's own statements of those buckets that `looked_at` picks.
pub fn denials_written(spec: &Spec, looked_at: &dyn Fn(&Side) -> bool) -> Vec<Denied> {
    denials(spec, &|component| {
        let ComponentId::Of(side, part) = component else {
            return None;
        };
        let bucket = spec.bucket(side).filter(|_| looked_at(side))?;
        let statements = match part {
            Part::BucketPolicy => bucket.policy.statements.clone(),
            Part::Key => bucket.owned_key()?.policy.clone(),
            _ => return None,
        };
        Some(PolicyDocument::new(statements))
    })
}

/// The denials in the policy of a key of somebody else's; `side` is the one that uses it.
pub fn denials_in_key(
    spec: &Spec,
    side: &Side,
    key: &str,
    document: &PolicyDocument,
) -> Vec<Denied> {
    let mut found = Vec::new();
    let component = ComponentId::Of(side.clone(), Part::Key);
    for direction in spec.directions() {
        let asked = requests(&direction).into_iter();
        for request in asked.filter(|request| request.resource == key) {
            note(&mut found, component.clone(), request, document);
        }
    }
    found
}

fn denials(spec: &Spec, policy_of: &dyn Fn(&ComponentId) -> Option<PolicyDocument>) -> Vec<Denied> {
    let mut found = Vec::new();
    for direction in spec.directions() {
        for request in requests(&direction) {
            for component in guards(&direction, &request.resource) {
                if let Some(document) = policy_of(&component) {
                    note(&mut found, component, request.clone(), &document);
                }
            }
        }
    }
    found
}

/// Adds the statement that denies a request, where one does, to what was found already.
fn note(
    found: &mut Vec<Denied>,
    component: ComponentId,
    request: Request,
    document: &PolicyDocument,
) {
    let Some(denial) = denial(document, &request) else {
        return;
    };
    let same = found.iter_mut().find(|other| {
        other.component == component
            && other.role == request.principal
            && other.statement == *denial.statement
            && other.certain == denial.certain
    });
    match same {
        Some(same) if same.actions.contains(&request.action) => {}
        Some(same) => same.actions.push(request.action),
        None => found.push(Denied {
            component,
            statement: denial.statement.clone(),
            actions: vec![request.action],
            role: request.principal,
            certain: denial.certain,
        }),
    }
}

/// The policies that may deny what is asked of a resource: those of the buckets and keys of a direction.
fn guards(direction: &Direction<'_>, resource: &str) -> Vec<ComponentId> {
    let own = std::iter::once((&direction.from, direction.bucket));
    let sides: Vec<_> = own
        .chain(direction.to.iter().map(|to| (&to.side, to.bucket)))
        .collect();
    let of_bucket = sides.iter().filter(|(_, bucket)| {
        let rest = resource.strip_prefix(&bucket.arn());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let of_key = sides.iter().filter(|(side, bucket)| {
        let key = bucket.key(side);
        key.as_ref().and_then(Input::known).map(String::as_str) == Some(resource)
    });
    let policy = of_bucket.map(|(side, _)| ComponentId::Of((*side).clone(), Part::BucketPolicy));
    let key = of_key.map(|(side, _)| ComponentId::Of((*side).clone(), Part::Key));
    policy.chain(key).collect()
}

/// What S3 asks for in a direction.
fn requests(direction: &Direction<'_>) -> Vec<Request> {
    let role = direction.role_arn().to_string();
    let mut requests = Vec::new();
    for statement in &role_document(direction).statements {
        for resource in statement.resources() {
            for action in statement.actions_named() {
                requests.push(Request {
                    principal: role.clone(),
                    action: action.clone(),
                    resource: resource.to_owned(),
                    context: context(direction, statement),
                });
            }
        }
    }
    requests
}

/// What is known of S3's requests: they come over TLS, as the role, and through nobody's network.
fn context(direction: &Direction<'_>, statement: &Statement) -> BTreeMap<String, Vec<String>> {
    let role = direction.role_arn();
    let mut context = BTreeMap::from([
        ("aws:PrincipalArn".to_owned(), vec![role.to_string()]),
        ("aws:PrincipalAccount".to_owned(), vec![role.account]),
        ("aws:SecureTransport".to_owned(), vec!["true".to_owned()]),
        ("aws:SourceVpc".to_owned(), vec![]),
        ("aws:SourceVpce".to_owned(), vec![]),
    ]);
    let conditions = statement.condition.values().flatten();
    for (key, values) in conditions {
        context.insert(key.clone(), values.iter().take(1).cloned().collect());
    }
    context
}
