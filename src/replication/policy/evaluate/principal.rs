//! Whom a statement is about.

use super::{Request, Truth};
use crate::replication::ids::{AccountId, Arn};
use crate::replication::policy::document::{Effect, Element, Principals, Statement};
use crate::replication::policy::meaning::account_of_root;

/// Whether a statement names whoever asks by the account, or in another way.
pub(super) fn is_named(statement: &Statement, request: &Request, by_account: bool) -> Truth {
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

/// An identity policy names no principal: it speaks for the one that it is attached to.
pub(super) fn principal_matches(statement: &Statement, request: &Request) -> Truth {
    match &statement.principal {
        None => Truth::Yes,
        Some(Element::Is(principals)) => names(principals, &request.principal).into(),
        Some(Element::Not(_)) if statement.effect == Effect::Deny && request.bounded => Truth::Yes,
        Some(Element::Not(principals)) => is_left_out(principals, &request.principal).not(),
    }
}

fn names(principals: &Principals, principal: &str) -> bool {
    match principals {
        Principals::Everyone => true,
        Principals::Of(kinds) => kinds
            .iter()
            .flat_map(|(kind, ids)| ids.iter().map(move |id| (kind.as_str(), id.as_str())))
            .any(|(kind, id)| is_principal(kind, id, principal)),
    }
}

/// Whether `NotPrincipal` leaves somebody out. AWS wants all of it listed: for a session of a role the session, the
/// role and their account, for a user the user and the account. What a part of that comes to is not certain. Of a role
/// any session counts, because the names of those in which S3 replicates are nowhere promised.
fn is_left_out(principals: &Principals, principal: &str) -> Truth {
    let kinds = match principals {
        Principals::Of(kinds) if Arn::parse(principal).is_ok() => kinds,
        _ => return names(principals, principal).into(),
    };
    let ids = kinds.get("AWS").map_or(&[][..], Vec::as_slice);
    if ids.iter().any(|id| id == "*") {
        return Truth::Yes;
    }
    let is_listed = |layer: Layer| ids.iter().any(|id| layer.is(id, principal));
    let listed: Vec<bool> = layers(principal).iter().copied().map(is_listed).collect();
    match (listed.contains(&true), listed.contains(&false)) {
        (true, false) => Truth::Yes,
        (false, _) => Truth::No,
        (true, true) => Truth::Unknown,
    }
}

/// Something that somebody is.
#[derive(Clone, Copy)]
enum Layer {
    Account,
    /// A role or a user.
    Identity,
    Session,
}

fn layers(principal: &str) -> &'static [Layer] {
    match Arn::parse(principal).map(|arn| arn.resource) {
        Ok(resource) if resource == "root" => &[Layer::Account],
        Ok(resource) if resource.starts_with("user/") => &[Layer::Account, Layer::Identity],
        _ => &[Layer::Account, Layer::Identity, Layer::Session],
    }
}

impl Layer {
    /// Whether that is what an ID in a list of principals names.
    fn is(self, id: &str, principal: &str) -> bool {
        let Ok(asking) = Arn::parse(principal) else {
            return false;
        };
        match self {
            Self::Account => {
                let account = account_of_root(id).unwrap_or(id);
                AccountId::parse(account).is_ok_and(|account| account.as_str() == asking.account)
            }
            Self::Identity => {
                (id == principal && asking.service == "iam") || is_role_of(id, &asking)
            }
            Self::Session if asking.service == "sts" => id == principal,
            Self::Session => Arn::parse(id).is_ok_and(|session| is_role_of(principal, &session)),
        }
    }
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
