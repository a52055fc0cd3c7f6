//! How IAM answers what S3 asks for.
//!
//! Within one account the role's policies are enough, or the policy of the bucket or key by itself; only that a key's
//! policy decides whether the policies of its account count at all. Across accounts both sides have to allow it. What
//! bounds the role has to allow everything. A Deny anywhere stands above all of that.

use super::documents::{Documents, Policies, RoleDocuments};
use super::refusal::{Document, Refusal, Why};
use super::request::{Asked, Guard, requests};
use crate::replication::component::Side;
use crate::replication::direction::Direction;
use crate::replication::policy::{Request, Statement, Truth, verdict};
use crate::replication::spec::Spec;

/// Everything that these documents refuse.
pub(super) fn refusals(spec: &Spec, documents: &Documents) -> Vec<Refusal> {
    let mut found = Vec::new();
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
                note(&mut found, refusal);
            }
        }
    }
    found
}

/// One action may be refused in several contexts.
fn note(found: &mut Vec<Refusal>, refusal: Refusal) {
    let same = found.iter_mut().find(|other| {
        (&other.document, &other.side, &other.role)
            == (&refusal.document, &refusal.side, &refusal.role)
            && (&other.action, &other.resource, &other.why)
                == (&refusal.action, &refusal.resource, &refusal.why)
    });
    match same {
        None => found.push(refusal),
        Some(same) => {
            same.certain |= refusal.certain;
            for rule in refusal.rules {
                if !same.rules.contains(&rule) {
                    same.rules.push(rule);
                }
            }
        }
    }
}

struct Judge<'a> {
    spec: &'a Spec,
    direction: &'a Direction<'a>,
    asked: &'a Asked,
    role: &'a RoleDocuments,
    documents: &'a Documents,
}

/// What several policies say together.
struct Answer {
    denial: Option<(Statement, bool)>,
    direct: Truth,
    account: Truth,
}

impl Policies {
    fn answer(&self, request: &Request) -> Answer {
        let verdicts: Vec<_> = self.documents.iter().map(|d| verdict(d, request)).collect();
        // A policy that nobody could read may allow what the others do not.
        let unread = self.unread.then_some(Truth::Unknown);
        let any = |of: Vec<Truth>| Truth::any(of.into_iter().chain(unread));
        let denials = verdicts.iter().filter_map(|v| v.denial.as_ref());
        let denial = denials.min_by_key(|denial| !denial.certain);
        Answer {
            denial: denial.map(|denial| (denial.statement.clone(), denial.certain)),
            direct: any(verdicts.iter().map(|v| v.direct).collect()),
            account: any(verdicts.iter().map(|v| v.account).collect()),
        }
    }
}

impl Answer {
    fn allowed(&self) -> Truth {
        Truth::any([self.direct, self.account])
    }
}

impl Judge<'_> {
    fn refusals(&self) -> Vec<Refusal> {
        let unread = &Policies::unknown();
        let request = &self.asked.request;
        match &self.asked.guard {
            Guard::Trust => self.by_trust(),
            _ if self.role.missing => Vec::new(),
            Guard::Bucket(side) => {
                let policy = self.documents.buckets.get(side).unwrap_or(unread);
                let owner = self.spec.bucket(side).map(|b| &b.location.account);
                let abroad = owner != Some(&self.direction.bucket.location.account);
                let document = self.bucket_policy(side);
                self.by_both(&document, side, &policy.answer(request), abroad, abroad)
            }
            Guard::BucketAlone(side) => {
                let policy = self.documents.buckets.get(side).unwrap_or(unread);
                self.by_one(&self.bucket_policy(side), side, &policy.answer(request))
            }
            Guard::Key(side) => {
                let arn = &request.resource;
                let document = Document::Key(arn.clone());
                let key = self.documents.keys.get(arn);
                let policy = key.map_or(unread, |key| &key.policy).answer(request);
                let abroad = account_of(arn) != account_of(&request.principal);
                let mut found = self.by_both(&document, side, &policy, abroad, true);
                let state = key.and_then(|key| key.state.as_ref());
                found.extend(state.filter(|state| *state != "Enabled").map(|state| {
                    let why = Why::KeyState(state.clone());
                    self.refusal(&document, side, why, self.asked.denial_counts)
                }));
                found
            }
        }
    }

    fn by_trust(&self) -> Vec<Refusal> {
        let from = &self.direction.from;
        if self.role.missing {
            return vec![self.refusal(&Document::Trust, from, Why::NoRole, true)];
        }
        let answer = self.role.trust.answer(&self.asked.request);
        self.by_one(&Document::Trust, from, &answer)
    }

    /// What the role's side and the resource's refuse; `needed` says whether the resource's has to allow it in any case.
    fn by_both(
        &self,
        document: &Document,
        side: &Side,
        of_resource: &Answer,
        abroad: bool,
        needed: bool,
    ) -> Vec<Refusal> {
        let from = &self.direction.from;
        let request = &self.asked.request;
        let of_role = self.role.policies.answer(request);
        // Within one account, what lets the role in by name is enough.
        let by_role = match abroad {
            true => of_role.direct,
            false => Truth::any([of_role.direct, of_resource.direct]),
        };
        let by_resource = match needed {
            true => of_resource.allowed(),
            false => Truth::Yes,
        };
        let mut found = Vec::new();
        self.note(&Document::RolePolicies, from, &of_role, by_role, &mut found);
        if let Some((arn, boundary)) = &self.role.boundary {
            let boundary = boundary.answer(request);
            found.extend(self.by_one(&Document::Boundary(arn.clone()), from, &boundary));
        }
        self.note(document, side, of_resource, by_resource, &mut found);
        found
    }

    /// What a document refuses that has to allow it by itself.
    fn by_one(&self, document: &Document, side: &Side, answer: &Answer) -> Vec<Refusal> {
        let mut found = Vec::new();
        self.note(document, side, answer, answer.allowed(), &mut found);
        found
    }

    /// Adds that a document denies it, or that nothing allows it there. What hangs on a document that nobody read is
    /// no refusal.
    fn note(
        &self,
        document: &Document,
        side: &Side,
        answer: &Answer,
        allowed: Truth,
        found: &mut Vec<Refusal>,
    ) {
        if let Some((statement, certain)) = answer.denial.clone() {
            let certain = certain && self.asked.denial_counts;
            found.push(self.refusal(document, side, Why::Denied(statement), certain));
        }
        if allowed == Truth::No {
            let certain = self.asked.lack_counts;
            found.push(self.refusal(document, side, Why::NotAllowed, certain));
        }
    }

    fn bucket_policy(&self, side: &Side) -> Document {
        let bucket = self.spec.bucket(side);
        Document::BucketPolicy(bucket.map_or_else(String::new, |b| b.name.to_string()))
    }

    fn refusal(&self, document: &Document, side: &Side, why: Why, certain: bool) -> Refusal {
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
