//! What S3 will be refused when it replicates.
//!
//! AWS takes whatever rules, roles and policies it is given, and then replicates nothing. So every request that S3 makes
//! for every rule (`request`) is answered here as IAM answers it (`deciding`): by the policies of the role, the
//! policy that bounds it, and that of the bucket or key, across accounts by both, with an explicit Deny above all.
//!
//! What is not known (a policy that may not be read, a condition on the network) is never taken for a refusal that is
//! certain. Deliberately absent: session and service control policies, which nobody but their owners can read.

mod deciding;
mod documents;
mod judge;
mod keyed;
mod refusal;
mod request;

use std::collections::{BTreeSet, HashSet};

pub use self::deciding::{Deciding, Objection, Policies, Voice};
use self::documents::Documents;
pub use self::keyed::once;
pub use self::refusal::{Document, Refusal, Why, by_document, statements};
use self::request::Guard;
use super::component::Side;
use super::direction::Direction;
use super::observed::{Observed, ObservedRole};
use super::policy::Statement;
use super::spec::Spec;

/// What S3 is refused by the documents that are at AWS now.
pub fn refusals(spec: &Spec, observed: &Observed) -> Vec<Refusal> {
    judge::refusals(spec, &Documents::as_they_are(spec, observed))
}

/// What S3 will be refused by the documents that an apply leaves. `prior` is what was in force until now.
pub fn refusals_after(spec: &Spec, prior: Option<&Spec>, observed: &Observed) -> Vec<Refusal> {
    judge::refusals(spec, &Documents::as_they_will_be(spec, prior, observed))
}

/// Whom S3 asks for more than before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AskedAnew {
    /// Sides whose objects leave by a role that it asks as, or that is another or looked after otherwise than before.
    pub roles: BTreeSet<Side>,
    /// Sides whose bucket it asks for.
    pub buckets: BTreeSet<Side>,
    /// Sides whose bucket has a key that it asks for.
    pub keys: BTreeSet<Side>,
}

/// What S3 asks for by a spec, and did not by the one before, if there was one.
pub fn asked_anew(spec: &Spec, prior: Option<&Spec>) -> AskedAnew {
    let mut anew = AskedAnew::default();
    if prior == Some(spec) {
        return anew;
    }
    for direction in spec.directions() {
        let before = prior.and_then(|prior| direction.in_spec(prior));
        // What of it we write may change, too.
        if before.as_ref().is_none_or(|b| b.role != direction.role) {
            anew.roles.insert(direction.from.clone());
        }
        let before = before.iter().flat_map(request::requests);
        let before: HashSet<_> = before.map(|asked| asked.request).collect();
        let asked = request::requests(&direction).into_iter();
        for asked in asked.filter(|asked| !before.contains(&asked.request)) {
            anew.roles.insert(direction.from.clone());
            match asked.guard {
                Guard::Trust => {}
                Guard::Bucket(side) | Guard::BucketAlone(side) => {
                    anew.buckets.insert(side);
                }
                Guard::Key(side) => {
                    anew.keys.insert(side);
                }
            }
        }
    }
    anew
}

/// Whether a key is the one of ours that a side's bucket uses, made already or not.
pub fn is_owned_key(spec: &Spec, side: &Side, arn: &str) -> bool {
    let bucket = spec.bucket(side).filter(|b| b.owned_key().is_some());
    bucket.is_some_and(|bucket| {
        let in_use = bucket.key(side);
        in_use.is_some_and(|key| request::key_arn(&key, &bucket.location) == arn)
    })
}

/// A statement for the role of a direction with the action with which S3 reads its objects just as well; none where
/// nothing of the statement is as good in another form.
pub fn with_plain_read(statement: &Statement, direction: &Direction<'_>) -> Option<Statement> {
    request::with_plain_read(statement, direction.bucket)
}

/// Sides whose role has policies that could not be read and may grant what the others do not.
pub fn undecided(spec: &Spec, observed: &Observed) -> BTreeSet<Side> {
    let mut as_if_read = Documents::as_they_are(spec, observed);
    for role in as_if_read.roles.values_mut() {
        role.policies.unread = false;
    }
    let lacks = judge::refusals(spec, &as_if_read).into_iter();
    let lacks =
        lacks.filter(|refusal| (&refusal.document, &refusal.why) == LACKING && refusal.certain);
    let told: HashSet<Refusal> = refusals(spec, observed).into_iter().collect();
    lacks
        .filter(|refusal| !told.contains(refusal))
        .map(|refusal| refusal.side)
        .collect()
}

const LACKING: (&Document, &Why) = (&Document::RolePolicies, &Why::NotAllowed);

/// The names of inline policies and the ARNs of managed ones that are in and at a role beside ours.
pub fn further_policies<'a>(
    direction: &Direction<'_>,
    seen: &'a ObservedRole,
) -> impl Iterator<Item = &'a String> {
    documents::further_policies(direction, seen)
}
