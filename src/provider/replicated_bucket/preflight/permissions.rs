//! What S3 will be refused once everything is as it was asked for: an error where the documents are ours, and a
//! warning with what their owners have to add where they are not.

use std::collections::{BTreeMap, HashSet};

use super::role_grants;
use crate::execution::observe::{Purpose, observe_role};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::AttributePath;
use crate::provider::replicated_bucket::model::BucketModel;
use crate::provider::replicated_bucket::paths::{
    bucket_policy_path, component_path, key_policy_path, role_path, side_path,
};
use crate::provider::replicated_bucket::theirs;
use crate::provider::settings::Session;
use crate::replication::component::Side;
use crate::replication::direction::Direction;
use crate::replication::observed::{FurtherPolicies, Observed, Presence};
use crate::replication::permission::{
    AskedAnew, Document, Refusal, Why, by_document, is_owned_key, once, refusals_after, statements,
};
use crate::replication::policy::{Element, Statement, same_statement};
use crate::replication::spec::{KeyChoice, RoleOwnership, Spec};

/// Tells of what the change brings: the refresh told of what the state has. `observed` need not hold what state knows.
pub(crate) async fn check(
    session: &Session,
    spec: &Spec,
    before: Option<(&BucketModel, &Spec)>,
    anew: &AskedAnew,
    mut observed: Observed,
    diagnostics: &mut Diagnostics,
) {
    let prior = before.map(|(_, prior)| prior);
    let asks_more = |direction: &Direction<'_>| anew.roles.contains(&direction.from);
    look_at_known_roles(session, spec, &asks_more, &mut observed).await;
    theirs::look_at_roles(session, spec, &mut observed, &asks_more).await;
    role_grants::check(spec, before.map(|(prior, _)| prior), &observed, diagnostics);
    if prior != Some(spec) {
        tell_new(spec, prior, &observed, diagnostics);
    }
}

/// Tells of what a change brings, as far as that follows from what was observed.
pub(crate) fn tell_new(
    spec: &Spec,
    prior: Option<&Spec>,
    observed: &Observed,
    diagnostics: &mut Diagnostics,
) {
    let mut refusals = refusals_after(spec, prior, observed);
    if refusals.is_empty() {
        return;
    }
    let was = prior.map_or_else(Vec::new, |prior| {
        refusals_after(prior, Some(prior), observed)
    });
    let mut known = HashSet::new();
    for (was, prior) in was.iter().filter_map(|was| Some((was, prior?))) {
        for rule in &was.rules {
            known.insert((told_as(prior, was), rule, was.certain));
            // What was certain is no news as a doubt.
            known.insert((told_as(prior, was), rule, false));
        }
    }
    refusals.retain(|refusal| {
        let mut rules = refusal.rules.iter();
        rules.any(|rule| !known.contains(&(told_as(spec, refusal), rule, refusal.certain)))
    });
    tell(spec, &refusals, true, diagnostics);
}

/// What a refusal brings that is new: a Deny that is worded otherwise does not, but the user's own beside another's does.
fn told_as<'a>(
    spec: &Spec,
    refusal: &'a Refusal,
) -> (&'a Document, &'a str, &'a str, Option<&'a Why>, bool) {
    let (why, is_own) = match &refusal.why {
        Why::Denied(statement) => (None, written_at(spec, refusal, statement).is_some()),
        why => (Some(why), false),
    };
    let (role, action) = (&refusal.role, &refusal.action);
    (&refusal.document, role, action, why, is_own)
}

/// Tells of everything that is refused to what is in the state, once drift is mended. No refresh fails for it.
pub(crate) fn tell_all(spec: &Spec, observed: &Observed, diagnostics: &mut Diagnostics) {
    let refusals = refusals_after(spec, Some(spec), observed);
    tell(spec, &refusals, false, diagnostics);
}

/// Looks at roles that state knows, of which more is asked now.
async fn look_at_known_roles(
    session: &Session,
    spec: &Spec,
    chosen: &(dyn Fn(&Direction<'_>) -> bool + Sync),
    observed: &mut Observed,
) {
    for direction in spec.directions().filter(|direction| chosen(direction)) {
        if *observed.role(&direction.from) != Presence::Unasked {
            continue;
        }
        match observe_role(&*session.cloud, &direction, Purpose::Create).await {
            Ok(seen) => drop(observed.roles.insert(direction.from, seen)),
            Err(error) => {
                let unread = FurtherPolicies {
                    documents: Vec::new(),
                    unread: vec![error.to_string()],
                };
                observed.theirs.role_policies.insert(direction.from, unread);
            }
        }
    }
}

fn tell(spec: &Spec, refusals: &[Refusal], refuse: bool, diagnostics: &mut Diagnostics) {
    let mut refusals = refusals.to_vec();
    refusals.retain(|refusal| !is_merely_listed(refusal) && !is_a_guess(spec, refusal));
    for group in by_document(&refusals) {
        let Some(refusal) = group.first().copied() else {
            continue;
        };
        match &refusal.why {
            Why::Denied(statement) => tell_denial(spec, &group, statement, refuse, diagnostics),
            Why::NotAllowed => tell_lack(spec, &group, refuse, diagnostics),
            // A key that cannot be used, or a role that is not there, is told where it is chosen.
            Why::KeyState(_) | Why::NoRole => {}
        }
    }
}

/// Whether it is about the destination bucket itself: AWS lists such actions for its policy, and S3 is not known to
/// ask for any.
fn is_merely_listed(refusal: &Refusal) -> bool {
    matches!(refusal.document, Document::BucketPolicy(_))
        && refusal.side != refusal.from
        && !refusal.resource.contains('/')
}

/// What S3 may do without, or what hangs on what nobody sees from here, whoever wrote the statement: on the organisation,
/// on the sessions that `NotPrincipal` would have to list, on names of services that AWS documents nowhere. A warning
/// about it would stand in every plan of setups that are right.
fn is_a_guess(spec: &Spec, refusal: &Refusal) -> bool {
    let is_documented = || {
        let bucket = spec.bucket(&refusal.side);
        bucket.is_none_or(|bucket| bucket.location.partition.has_documented_names())
    };
    let is_unseen = |key: &String| {
        let key = key.to_ascii_lowercase();
        key.starts_with("aws:principalorg")
            || key.starts_with("aws:resourceorg")
            || (key == "kms:viaservice" && !is_documented())
    };
    let hangs_on_it = match &refusal.why {
        Why::NotAllowed => true,
        Why::Denied(statement) => {
            let mut keys = statement.condition.values().flat_map(BTreeMap::keys);
            matches!(statement.principal, Some(Element::Not(_))) || keys.any(is_unseen)
        }
        Why::KeyState(_) | Why::NoRole => false,
    };
    !refusal.certain && hangs_on_it
}

fn tell_denial(
    spec: &Spec,
    group: &[&Refusal],
    statement: &Statement,
    refuse: bool,
    diagnostics: &mut Diagnostics,
) {
    let Some(refusal) = group.first() else { return };
    let name = match statement.name() {
        Some(sid) => format!("Statement {sid}"),
        None => "A statement without a Sid".to_owned(),
    };
    let certain = group.iter().any(|refusal| refusal.certain);
    let (summary, how) = if certain {
        ("A policy denies replication", "denies")
    } else {
        (
            "A policy may deny replication",
            "denies, for some objects or depending on what is not known here,",
        )
    };
    let written = written_at(spec, refusal, statement);
    let is_refused = certain && refuse && written.is_some();
    let path = written.unwrap_or_else(|| path(spec, refusal));
    let detail = format!(
        "{name} in {} ({}, account {}) {how} {} to {}, the role that S3 replicates with. AWS accepts that, and objects of {} then fail to replicate. Exempt the role; the statement then reads:\n\n{}",
        place(refusal),
        refusal.side,
        refusal.account,
        actions(group),
        refusal.role,
        rules(group),
        statements(group).pretty(),
    );
    if is_refused {
        diagnostics.error_at(path, summary, format!("{detail}\n\nNothing was changed."));
    } else {
        diagnostics.warning_at(path, summary, detail);
    }
}

/// What its owner has to be asked for is told elsewhere of roles, buckets and keys that are left to their owners.
fn tell_lack(spec: &Spec, group: &[&Refusal], refuse: bool, diagnostics: &mut Diagnostics) {
    let Some(refusal) = group.first() else { return };
    let direction = spec.direction(&refusal.from);
    let is_left = |direction: &Direction<'_>| {
        let left = RoleOwnership::Existing {
            manage_policy: false,
        };
        direction.role.ownership == left
    };
    let bucket = spec.bucket(&refusal.side);
    let is_owned = |arn: &String| is_owned_key(spec, &refusal.side, arn);
    match &refusal.document {
        Document::RolePolicies if direction.as_ref().is_some_and(is_left) => return,
        Document::BucketPolicy(_) if bucket.is_some_and(|b| !b.policy_is_managed()) => return,
        Document::Key(arn) if !is_owned(arn) && asks_its_owner(direction.as_ref(), arn) => return,
        _ => {}
    }
    let certain = group.iter().any(|refusal| refusal.certain);
    let ours = matches!(&refusal.document, Document::Key(arn) if is_owned(arn));
    let summary = match (&refusal.document, certain) {
        (Document::Trust, _) => "The role's trust policy must let S3 in",
        (Document::Boundary(_), true) => "The permissions boundary refuses replication",
        (Document::Boundary(_), false) => "The permissions boundary may refuse replication",
        (_, true) => "A policy does not allow replication",
        (_, false) => "A policy may not allow replication",
    };
    let detail = format!(
        "{} ({}, account {}) does not allow {} to {}. AWS accepts that, and objects of {} then fail to replicate. It must also say:\n\n{}",
        first_upper(&place(refusal)),
        refusal.side,
        refusal.account,
        actions(group),
        match refusal.document {
            Document::Trust => "S3",
            _ => &refusal.role,
        },
        rules(group),
        statements(group).pretty(),
    );
    if ours && certain && refuse {
        let path = key_policy_path(&refusal.side);
        diagnostics.error_at(path, summary, format!("{detail}\n\nNothing was changed."));
    } else {
        diagnostics.warning_at(path(spec, refusal), summary, detail);
    }
}

/// Whether the owner of a key is asked for a statement: in the role's own account the key's own is enough.
fn asks_its_owner(direction: Option<&Direction<'_>>, key: &str) -> bool {
    let account = key.split(':').nth(4);
    direction.is_none_or(|direction| account != Some(direction.bucket.location.account.as_str()))
}

/// Where the user wrote a statement.
fn written_at(spec: &Spec, refusal: &Refusal, statement: &Statement) -> Option<AttributePath> {
    let bucket = spec.bucket(&refusal.side)?;
    let (written, path) = match &refusal.document {
        Document::BucketPolicy(_) => (&bucket.policy.statements, bucket_policy_path(&refusal.side)),
        Document::Key(arn) if is_owned_key(spec, &refusal.side, arn) => {
            (&bucket.owned_key()?.policy, key_policy_path(&refusal.side))
        }
        _ => return None,
    };
    let is_written = written
        .iter()
        .any(|written| same_statement(written, statement));
    is_written.then_some(path)
}

/// Where a document of somebody else's is chosen.
fn path(spec: &Spec, refusal: &Refusal) -> AttributePath {
    match &refusal.document {
        Document::BucketPolicy(_) => side_path(&refusal.side),
        Document::Key(arn) => key_path(spec, &refusal.side, arn),
        document => {
            let direction = spec.direction(&refusal.from);
            let is_theirs = direction.is_some_and(|direction| {
                matches!(direction.role.ownership, RoleOwnership::Existing { .. })
            });
            let role = role_path(&refusal.from);
            match document {
                _ if is_theirs => role.attribute("existing_arn"),
                Document::Boundary(_) => role.attribute("permissions_boundary"),
                _ => component_path(&refusal.component()),
            }
        }
    }
}

/// Where a key is named.
fn key_path(spec: &Spec, side: &Side, arn: &str) -> AttributePath {
    let encryption = side_path(side).attribute("encryption");
    let Some(bucket) = spec.bucket(side) else {
        return encryption;
    };
    if let Some(KeyChoice::Existing(key)) = &bucket.encryption.key
        && key.arn == arn
    {
        return match key.manage_policy {
            true => encryption,
            false => encryption.attribute("kms_key_arn"),
        };
    }
    let mut additional = (0..).zip(&bucket.encryption.additional_keys);
    if let Some((at, _)) = additional.find(|(_, key)| *key == arn) {
        return encryption.attribute("additional_kms_key_arns").index(at);
    }
    let to = side.key().and_then(|key| spec.destinations.get(key));
    let mut rules = to.into_iter().flat_map(|to| &to.rules);
    let named = rules.find(|(_, rule)| rule.replica_kms_key.as_deref() == Some(arn));
    match named {
        Some((name, _)) => side_path(side)
            .attribute("rules")
            .key(name)
            .attribute("replica_kms_key_arn"),
        None => encryption,
    }
}

/// The document, in words.
fn place(refusal: &Refusal) -> String {
    match &refusal.document {
        Document::Trust => format!("the trust policy of role {}", refusal.role),
        Document::RolePolicies => format!("the policies of role {}", refusal.role),
        Document::Boundary(arn) => format!("the permissions boundary {arn}"),
        Document::BucketPolicy(bucket) => format!("the policy of bucket {bucket}"),
        Document::Key(arn) => format!("the policy of key {arn}"),
    }
}

fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn actions(group: &[&Refusal]) -> String {
    listed(group.iter().map(|refusal| refusal.action.as_str()))
}

fn rules(group: &[&Refusal]) -> String {
    let rules = group.iter().flat_map(|refusal| &refusal.rules);
    let rules = listed(rules.map(String::as_str));
    match rules.contains(',') {
        true => format!("rules {rules}"),
        false => format!("rule {rules}"),
    }
}

/// Each once, in the order in which they come.
fn listed<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    once(texts).join(", ")
}
