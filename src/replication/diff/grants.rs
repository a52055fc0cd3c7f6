//! The documents that grant something: the role's policy, and our statements in buckets' and keys' policies.

use super::form::Form;
use super::role_policies::{role_policy_differences, role_policy_narrowing};
use super::{Difference, Shows};
use crate::replication::component::{ComponentId, Part};
use crate::replication::desired::{Desired, DesiredBucket};
use crate::replication::graph::{Action, PolicyEdit};
use crate::replication::ids::Location;
use crate::replication::observed::{Observed, ObservedBucket};
use crate::replication::operation::{Input, Operation};
use crate::replication::policy::{
    self, Effect, Element, PolicyDocument, PolicyShare, Principals, Statement,
};

/// What is said of a document in which nothing can be found.
pub const NO_POLICY: &str = "not a policy document";
const NAMES_NOBODY: &str = "statements name a role that is gone";

/// What is missing or wrong in the role's policy and in the policies of buckets and our keys.
pub fn grant_differences(desired: &Desired, observed: &Observed, form: Form) -> Vec<Difference> {
    let stale = roles_made_again(desired, observed);
    let roles = desired.directions.iter().flat_map(|(side, direction)| {
        role_policy_differences(side, &direction.role, observed, form)
    });
    let shared = shared_documents(desired, observed);
    let shared = shared.filter_map(|document| document.difference(form, &stale));
    roles.chain(shared).collect()
}

/// What leads from the wider form of every document to the exact one.
pub fn narrowing(desired: &Desired, observed: &Observed) -> Vec<Difference> {
    let roles = desired
        .directions
        .iter()
        .flat_map(|(side, direction)| role_policy_narrowing(side, &direction.role, observed));
    let shared = shared_documents(desired, observed)
        .filter(|d| d.share(Form::Wider).ours != d.exact.ours)
        .map(|d| {
            let edit = edit(d.exact.clone());
            d.mended_by("grants more than is needed", Shows::Component, edit)
        });
    roles.chain(shared).collect()
}

/// A document that others write to as well, with what we want in it.
struct Shared<'a> {
    component: ComponentId,
    at: &'a Location,
    place: Place,
    exact: PolicyShare,
    seen: Option<&'a str>,
}

enum Place {
    /// The policy of a bucket; `fresh` when the bucket is made in this very run.
    Bucket { name: String, fresh: bool },
    /// The policy of a key of ours that is there.
    Key(String),
    /// The policy of somebody else's key.
    ManagedKey(String),
}

/// The policies of buckets, and those of our keys that are there: a new key gets its policy with
/// the creating call.
fn shared_documents<'a>(
    desired: &'a Desired,
    observed: &'a Observed,
) -> impl Iterator<Item = Shared<'a>> {
    let managed = desired.managed_keys.iter().map(|(arn, key)| Shared {
        component: ComponentId::Of(key.side.clone(), Part::Key),
        at: &key.location,
        place: Place::ManagedKey(arn.clone()),
        exact: key.policy.clone(),
        seen: observed
            .managed_keys
            .get(arn)
            .and_then(|seen| seen.present())
            .map(String::as_str),
    });
    let of_buckets = desired.buckets.iter().flat_map(|(side, bucket)| {
        let seen = observed.buckets.get(side);
        let at = &bucket.location;
        let policy = bucket.policy_is_managed().then(|| Shared {
            component: ComponentId::Of(side.clone(), Part::BucketPolicy),
            at,
            place: Place::Bucket {
                name: bucket.name.clone(),
                fresh: seen.and_then(|s| s.region.present()).is_none(),
            },
            exact: wanted_in_policy(bucket, seen),
            seen: seen.and_then(|s| s.policy.present()).map(String::as_str),
        });
        let seen = seen.and_then(|s| s.key.present());
        let key = bucket.key.as_ref().zip(seen).map(|(key, seen)| Shared {
            component: ComponentId::Of(side.clone(), Part::Key),
            at,
            place: Place::Key(seen.description.arn.clone()),
            exact: key.policy.clone(),
            seen: seen.policy.present().map(String::as_str),
        });
        policy.into_iter().chain(key)
    });
    of_buckets.chain(managed)
}

/// What we want in a bucket's policy. What others grant there already is not written beside it, so that a bucket of
/// somebody else's is left alone, and one that was replicated before this resource imported it keeps its statements.
fn wanted_in_policy(bucket: &DesiredBucket, seen: Option<&ObservedBucket>) -> PolicyShare {
    let mut share = bucket.policy.clone();
    let text = seen.and_then(|seen| seen.policy.present());
    let document = text.and_then(|text| PolicyDocument::parse(text).ok());
    // Statements that are about to go grant nothing for long.
    if let Some(document) = document.filter(|_| !share.exclusive) {
        let is_there = |wanted: &Statement| {
            let sid = wanted.name();
            sid.is_some() && document.statements.iter().any(|s| s.name() == sid)
        };
        let foreign = share.foreign(&document).into_iter().cloned().collect();
        let missing = policy::missing_grants(&PolicyDocument::new(foreign), &share.ours);
        share.ours.retain(|s| is_there(s) || missing.contains(s));
    }
    share
}

impl Shared<'_> {
    fn difference(&self, form: Form, stale: &[&str]) -> Option<Difference> {
        if let (Place::Key(key), None) = (&self.place, self.seen) {
            return Some(self.replaced(key));
        }
        let share = self.share(form);
        let stale = share.statements().iter().any(|s| s.names_any(stale));
        let (what, shows) = self.what_differs(&share, stale)?;
        let edit = PolicyEdit {
            rewrite: stale,
            ..edit(share)
        };
        Some(self.mended_by(&what, shows, edit))
    }

    fn share(&self, form: Form) -> PolicyShare {
        let mut share = self.exact.clone();
        if let (Form::Wider, Some(Ok(seen))) = (form, self.seen.map(PolicyDocument::parse)) {
            share.ours = with_what_is_there(&share.ours, &seen, &share.owner);
        }
        share
    }

    /// Whether the document lacks statements, has them changed, or holds some that should be gone. What is the
    /// user's own shows at its attribute.
    fn what_differs(&self, wanted: &PolicyShare, stale: bool) -> Option<(String, Shows)> {
        let at_component = |what: &str| Some((what.to_owned(), Shows::Component));
        let Some(text) = self.seen else {
            return match (wanted.ours.is_empty(), wanted.is_empty()) {
                (_, true) => None,
                (false, false) => at_component("statements missing"),
                (true, false) => Some(("user's statements".to_owned(), Shows::Attribute)),
            };
        };
        if stale {
            return at_component(NAMES_NOBODY);
        }
        let Ok(document) = PolicyDocument::parse(text) else {
            return at_component(NO_POLICY);
        };
        let mut what = Vec::new();
        if !wanted.ours_match(&document) {
            let ours = policy::ours(&document, |sid| policy::is_ours(sid, &wanted.owner));
            let words = if ours.is_empty() {
                "statements missing"
            } else if ours.iter().any(|statement| names_a_bare_id(statement)) {
                NAMES_NOBODY
            } else {
                "statements changed"
            };
            what.push(words.to_owned());
        }
        if !wanted.base_match(&document) {
            what.push("the account's own statement missing".to_owned());
        }
        let foreign = wanted.foreign(&document);
        if wanted.exclusive && !foreign.is_empty() {
            let names = foreign
                .iter()
                .map(|s| s.name().unwrap_or("one without a Sid"));
            let names: Vec<&str> = names.collect();
            what.push(format!("foreign statements: {}", names.join(", ")));
        }
        match (what.is_empty(), wanted.written_match(&document)) {
            (true, true) => None,
            (true, false) => Some(("user's statements".to_owned(), Shows::Attribute)),
            (false, _) => Some((what.join("; "), Shows::Component)),
        }
    }

    fn mended_by(&self, what: &str, shows: Shows, edit: PolicyEdit) -> Difference {
        let repair = match &self.place {
            Place::Bucket { name, fresh } => Action::EditBucketPolicy {
                bucket: name.clone(),
                edit: PolicyEdit {
                    fresh: *fresh,
                    ..edit
                },
            },
            Place::Key(arn) | Place::ManagedKey(arn) => Action::EditKeyPolicy {
                key: Input::Known(arn.clone()),
                edit,
            },
        };
        self.shown(what, shows, repair)
    }

    /// Nothing in the key's policy is to be trusted (see `ownership::distrust_policies`).
    fn replaced(&self, key: &str) -> Difference {
        let statements = self.exact.statements();
        let whole = policy::key_policy(&self.at.account, &self.at.partition, statements);
        let operation = Operation::PutKeyPolicy {
            key: Input::Known(key.to_owned()),
            policy: whole.render().unwrap_or_default(),
        };
        let repair = Action::Call(operation);
        self.shown("policy not ours yet", Shows::Component, repair)
    }

    fn shown(&self, what: &str, shows: Shows, repair: Action) -> Difference {
        Difference {
            component: self.component.clone(),
            at: self.at.clone(),
            what: what.to_owned(),
            shows,
            repair,
        }
    }
}

fn edit(share: PolicyShare) -> PolicyEdit {
    PolicyEdit {
        share,
        fresh: false,
        rewrite: false,
    }
}

/// Our statements with what those in the document grant besides. A role that is gone is left out: AWS shows
/// its bare id, and takes no document that names it.
fn with_what_is_there(exact: &[Statement], seen: &PolicyDocument, owner: &str) -> Vec<Statement> {
    let mut wider = exact.to_vec();
    for seen in policy::ours(seen, |sid| policy::is_ours(sid, owner)) {
        let mut seen = seen.clone();
        let alive = aws_principals(&mut seen).is_some_and(|ids| {
            ids.retain(|id| id.starts_with("arn:"));
            !ids.is_empty()
        });
        if seen.effect != Effect::Allow || !alive {
            continue;
        }
        match wider.iter_mut().find(|s| s.sid == seen.sid) {
            None => wider.push(seen),
            Some(ours) => {
                if let (Some(ids), Some(more)) = (aws_principals(ours), aws_principals(&mut seen)) {
                    add_missing(ids, more.clone());
                }
                if let (Some(Element::Is(actions)), Some(Element::Is(more))) =
                    (&mut ours.action, seen.action)
                {
                    add_missing(actions, more);
                }
            }
        }
    }
    wider
}

fn aws_principals(statement: &mut Statement) -> Option<&mut Vec<String>> {
    match &mut statement.principal {
        Some(Element::Is(Principals::Of(kinds))) => kinds.get_mut("AWS"),
        _ => None,
    }
}

/// Whether a statement names a role by its bare id: AWS shows that in the place of the ARN once the role is gone, also
/// when somebody has made one of the same name since.
fn names_a_bare_id(statement: &Statement) -> bool {
    aws_principals(&mut statement.clone())
        .is_some_and(|ids| ids.iter().any(|id| id.starts_with("AROA")))
}

fn add_missing(list: &mut Vec<String>, more: Vec<String>) {
    for item in more {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}

/// Roles that have to be made (again). Documents that name one by its ARN then hold the id of a role that is
/// gone, which grants nothing, whatever they show; so they are written again.
fn roles_made_again<'a>(desired: &'a Desired, observed: &Observed) -> Vec<&'a str> {
    let directions = desired.directions.iter();
    directions
        .filter(|(side, d)| d.role.owned.is_some() && observed.role(side).is_absent())
        .map(|(_, direction)| direction.role.arn.as_str())
        .collect()
}
