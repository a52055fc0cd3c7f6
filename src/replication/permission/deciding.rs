//! How the documents that decide about one request decide together.
//!
//! Within one account the role's policies are enough, or the policy of the bucket or key by itself; only that a key's
//! policy decides whether the policies of its account count at all. Across accounts both sides have to allow it. What
//! bounds the role has to allow everything. A Deny anywhere stands above all of that.

use crate::replication::policy::{PolicyDocument, Request, Statement, Truth, verdict};

/// Policies that speak together.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    /// What is known of them.
    pub documents: Vec<PolicyDocument>,
    /// Whether there are more that nobody could read.
    pub unread: bool,
}

/// The policies that decide about a request on a bucket, its objects or a key.
#[derive(Debug, Clone, Copy)]
pub struct Deciding<'a> {
    /// Those of the role that asks.
    pub role: &'a Policies,
    /// What bounds that role.
    pub boundary: Option<&'a Policies>,
    /// The policy of the bucket or key.
    pub resource: &'a Policies,
    /// Whether that belongs to another account than the role.
    pub abroad: bool,
    /// Whether it is a key, whose policy has to allow everything at home, too.
    pub is_key: bool,
}

/// One of the sides that decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// The policies of the role.
    Role,
    /// What bounds the role.
    Boundary,
    /// The policy of the bucket or key.
    Resource,
}

/// What a side says against a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// This statement denies it.
    Denied {
        /// The statement.
        statement: Statement,
        /// Whether it certainly does; else that hangs on what is not known of the request.
        certain: bool,
    },
    /// Nothing allows it there. What hangs on a policy that nobody read is no objection.
    NotAllowed,
}

impl Policies {
    /// Nothing of them is known.
    pub fn unknown() -> Self {
        Self {
            documents: Vec::new(),
            unread: true,
        }
    }

    /// One that is known.
    pub fn of(document: PolicyDocument) -> Self {
        Self {
            documents: vec![document],
            unread: false,
        }
    }

    fn answer(&self, request: &Request) -> Answer {
        let verdicts: Vec<_> = self.documents.iter().map(|d| verdict(d, request)).collect();
        // A policy that nobody could read may allow what the others do not.
        let unread = self.unread.then_some(Truth::Unknown);
        let any = |of: Vec<Truth>| Truth::any(of.into_iter().chain(unread));
        let direct = any(verdicts.iter().map(|v| v.direct).collect());
        let account = any(verdicts.iter().map(|v| v.account).collect());
        let denials = verdicts.into_iter().flat_map(|verdict| verdict.denials);
        Answer {
            denials: denials
                .map(|denial| Objection::Denied {
                    statement: denial.statement.clone(),
                    certain: denial.certain,
                })
                .collect(),
            direct,
            account,
        }
    }

    /// What they say against a request that they have to allow by themselves.
    pub(super) fn objections(&self, request: &Request) -> Vec<Objection> {
        let answer = self.answer(request);
        let allowed = answer.allowed();
        answer.unless(allowed).collect()
    }
}

/// What several policies say together.
struct Answer {
    denials: Vec<Objection>,
    direct: Truth,
    account: Truth,
}

impl Answer {
    fn allowed(&self) -> Truth {
        Truth::any([self.direct, self.account])
    }

    fn unless(self, allowed: Truth) -> impl Iterator<Item = Objection> {
        let lack = (allowed == Truth::No).then_some(Objection::NotAllowed);
        self.denials.into_iter().chain(lack)
    }
}

impl Deciding<'_> {
    /// Everything that stands against a request, and where; nothing where it is allowed, as far as that is known.
    pub fn objections(&self, request: &Request) -> Vec<(Voice, Objection)> {
        let request = &Request {
            bounded: self.boundary.is_some(),
            ..request.clone()
        };
        let of_role = self.role.answer(request);
        let of_resource = self.resource.answer(request);
        // Within one account, what lets the role in by name is enough.
        let by_role = match self.abroad {
            true => of_role.direct,
            false => Truth::any([of_role.direct, of_resource.direct]),
        };
        let by_resource = match self.abroad || self.is_key {
            true => of_resource.allowed(),
            false => Truth::Yes,
        };
        let of_role = of_role.unless(by_role).map(|said| (Voice::Role, said));
        let of_boundary = self.boundary.into_iter();
        let of_boundary = of_boundary
            .flat_map(|boundary| boundary.objections(request))
            .map(|said| (Voice::Boundary, said));
        let of_resource = of_resource.unless(by_resource);
        of_role
            .chain(of_boundary)
            .chain(of_resource.map(|said| (Voice::Resource, said)))
            .collect()
    }
}
