//! Every request of S3, held against the documents that decide about it.

use std::collections::HashSet;

use super::deciding::{Deciding, Objection, Policies, Voice};
use super::documents::{Documents, RoleDocuments};
use super::keyed::Keyed;
use super::refusal::{Document, Refusal, Why};
use super::request::{Asked, Guard, requests};
use crate::replication::component::Side;
use crate::replication::direction::Direction;
use crate::replication::policy::Request;
use crate::replication::spec::Spec;

/// Everything that these documents refuse.
pub(super) fn refusals(spec: &Spec, documents: &Documents) -> Vec<Refusal> {
    let mut found = Found::new();
    for direction in spec.directions() {
        let unknown = RoleDocuments::unknown();
        let role = documents.roles.get(&direction.from).unwrap_or(&unknown);
        for asked in requests(&direction) {
            let judge = Judge {
                spec,
                direction: &direction,
                asked: &asked,
                role,
                documents,
            };
            for refusal in judge.refusals() {
                found.note(refusal);
            }
        }
    }
    found.0.into_values().into_iter().map(|(r, _)| r).collect()
}

/// Refusals, each with its rules; one action may be refused in several contexts.
struct Found(Keyed<Same, (Refusal, HashSet<String>)>);

/// What makes two refusals one: document, side, role, action, resource and what stands against it.
type Same = (Document, Side, String, String, String, Why);

impl Found {
    fn new() -> Self {
        Self(Keyed::new())
    }

    fn note(&mut self, mut refusal: Refusal) {
        let rules = std::mem::take(&mut refusal.rules);
        let same = (
            refusal.document.clone(),
            refusal.side.clone(),
            refusal.role.clone(),
            refusal.action.clone(),
            refusal.resource.clone(),
            refusal.why.clone(),
        );
        let certain = refusal.certain;
        let (noted, known) = self.0.under(same, || (refusal, HashSet::new()));
        noted.certain |= certain;
        let new = rules.into_iter().filter(|rule| known.insert(rule.clone()));
        noted.rules.extend(new);
    }
}

struct Judge<'a> {
    spec: &'a Spec,
    direction: &'a Direction<'a>,
    asked: &'a Asked,
    role: &'a RoleDocuments,
    documents: &'a Documents,
}

impl Judge<'_> {
    /// What is refused of what is asked. Where S3 can do with something else instead, and gets that, only a doubt is
    /// left, or nothing.
    fn refusals(&self) -> Vec<Refusal> {
        let mut found = self.refusals_of(&self.asked.request);
        let Some(instead) = &self.asked.instead else {
            return found;
        };
        if !found.is_empty() && self.refusals_of(&instead.request).is_empty() {
            found.retain(|refusal| !(instead.is_enough && refusal.why == Why::NotAllowed));
            for refusal in &mut found {
                refusal.certain = false;
            }
        }
        found
    }

    fn refusals_of(&self, request: &Request) -> Vec<Refusal> {
        let unread = &Policies::unknown();
        match &self.asked.guard {
            Guard::Trust => self.by_trust(request),
            _ if self.role.missing => Vec::new(),
            Guard::Bucket(side) => {
                let policy = self.documents.buckets.get(side).unwrap_or(unread);
                let owner = self.spec.bucket(side).map(|b| &b.location.account);
                let deciding = Deciding {
                    abroad: owner != Some(&self.direction.bucket.location.account),
                    is_key: false,
                    ..self.deciding(policy)
                };
                self.by_both(&self.bucket_policy(side), side, &deciding, request)
            }
            Guard::BucketAlone(side) => {
                let policy = self.documents.buckets.get(side).unwrap_or(unread);
                let request = Request {
                    bounded: self.role.boundary.is_some(),
                    ..request.clone()
                };
                let document = self.bucket_policy(side);
                let objections = policy.objections(&request).into_iter();
                objections
                    .map(|said| self.refusal(&document, side, said))
                    .collect()
            }
            Guard::Key(side) => {
                let arn = &request.resource;
                let document = Document::Key(arn.clone());
                let key = self.documents.keys.get(arn);
                let deciding = Deciding {
                    abroad: account_of(arn) != account_of(&request.principal),
                    is_key: true,
                    ..self.deciding(key.map_or(unread, |key| &key.policy))
                };
                let mut found = self.by_both(&document, side, &deciding, request);
                let state = key.and_then(|key| key.state.as_ref());
                found.extend(state.filter(|state| *state != "Enabled").map(|state| {
                    let why = Why::KeyState(state.clone());
                    self.refused(&document, side, why, self.asked.denial_counts)
                }));
                found
            }
        }
    }

    fn by_trust(&self, request: &Request) -> Vec<Refusal> {
        let from = &self.direction.from;
        if self.role.missing {
            return vec![self.refused(&Document::Trust, from, Why::NoRole, true)];
        }
        let objections = self.role.trust.objections(request).into_iter();
        objections
            .map(|said| self.refusal(&Document::Trust, from, said))
            .collect()
    }

    /// The role's side with the policy of a bucket or key.
    fn deciding<'p>(&'p self, resource: &'p Policies) -> Deciding<'p> {
        Deciding {
            role: &self.role.policies,
            boundary: self.role.boundary.as_ref().map(|(_, policies)| policies),
            resource,
            abroad: false,
            is_key: false,
        }
    }

    /// What the role's side and the resource's refuse.
    fn by_both(
        &self,
        document: &Document,
        side: &Side,
        deciding: &Deciding<'_>,
        request: &Request,
    ) -> Vec<Refusal> {
        let from = &self.direction.from;
        let boundary = self.role.boundary.as_ref();
        let boundary = boundary.map(|(arn, _)| Document::Boundary(arn.clone()));
        let objections = deciding.objections(request).into_iter();
        objections
            .filter_map(|(voice, said)| {
                Some(match voice {
                    Voice::Role => self.refusal(&Document::RolePolicies, from, said),
                    Voice::Boundary => self.refusal(boundary.as_ref()?, from, said),
                    Voice::Resource => self.refusal(document, side, said),
                })
            })
            .collect()
    }

    fn bucket_policy(&self, side: &Side) -> Document {
        let bucket = self.spec.bucket(side);
        Document::BucketPolicy(bucket.map_or_else(String::new, |b| b.name.to_string()))
    }

    fn refusal(&self, document: &Document, side: &Side, said: Objection) -> Refusal {
        match said {
            Objection::Denied { statement, certain } => {
                let certain = certain && self.asked.denial_counts;
                self.refused(document, side, Why::Denied(statement), certain)
            }
            Objection::NotAllowed => {
                self.refused(document, side, Why::NotAllowed, self.asked.lack_counts)
            }
        }
    }

    fn refused(&self, document: &Document, side: &Side, why: Why, certain: bool) -> Refusal {
        let account = match document {
            Document::Key(arn) => account_of(arn).to_owned(),
            Document::BucketPolicy(_) => {
                let bucket = self.spec.bucket(side);
                bucket.map_or_else(String::new, |b| b.location.account.to_string())
            }
            _ => self.direction.role_arn().account,
        };
        Refusal {
            rules: self.asked.rules.clone(),
            from: self.direction.from.clone(),
            side: side.clone(),
            account,
            document: document.clone(),
            role: self.direction.role_arn().to_string(),
            action: self.asked.request.action.clone(),
            resource: self.asked.scope.clone(),
            why,
            certain,
            condition: self.asked.condition.clone(),
        }
    }
}

/// The account in an ARN.
fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}
