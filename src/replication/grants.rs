//! What each policy document says when a [`Spec`] is in force: the role's, those of buckets, and those of keys.
//!
//! The role's policy has two forms. The *exact* one covers what will be; the *wider* one also the rules that are
//! live until then.

use super::component::Side;
use super::direction::{Arrival, Direction};
use super::operation::Input;
use super::policy::{
    PolicyDocument, RoleGrants, SourceGrant, Statement, destination_key_statement,
    destination_statements, key_policy, require_tls_statement, role_policies, role_policy,
    source_key_statement,
};
use super::rules::destination_grant;
use super::spec::{BucketSpec, KeyChoice, RoleOwnership, Spec};

/// The role's policy in as many documents as it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDocuments {
    /// The inline policy.
    pub inline: PolicyDocument,
    /// Managed policies, for what is too long for one document.
    pub managed: Vec<PolicyDocument>,
}

/// The policy of a direction's role, without regard to what was before.
pub fn role_document(direction: &Direction<'_>) -> PolicyDocument {
    role_policy(&role_grants(direction))
}

/// That policy while an update changes the rules.
pub fn wider_role_document(
    direction: &Direction<'_>,
    before: Option<&Direction<'_>>,
) -> PolicyDocument {
    role_policy(&wider_grants(direction, before))
}

/// The policy of a direction's role in as many documents as it takes. A role of somebody else's has one of ours.
pub(super) fn role_documents(direction: &Direction<'_>, grants: &RoleGrants) -> RoleDocuments {
    let ours = matches!(direction.role.ownership, RoleOwnership::Owned { .. });
    let mut documents = match role_policies(grants) {
        Ok(documents) if ours => documents,
        // A plan has refused what is too long.
        _ => vec![role_policy(grants)],
    };
    let managed = documents.split_off(1);
    RoleDocuments {
        inline: documents.remove(0),
        managed,
    }
}

/// How many managed policies a direction's role takes beside its inline policy.
pub fn managed_policy_count(direction: &Direction<'_>) -> usize {
    role_documents(direction, &role_grants(direction))
        .managed
        .len()
}

/// Whether the policy of a role of ours is longer than AWS takes, however it is split. While an update changes the
/// rules it holds what was needed `before` as well.
pub fn has_too_many_destinations(
    direction: &Direction<'_>,
    before: Option<&Direction<'_>>,
) -> bool {
    role_policies(&wider_grants(direction, before)).is_err()
}

/// Everything that is written into a bucket's policy: our statements and the user's.
pub fn bucket_policy(spec: &Spec, side: &Side) -> PolicyDocument {
    let mut statements = bucket_statements(spec, side);
    let written = spec.bucket(side).map(|b| b.policy.statements.clone());
    statements.extend(written.unwrap_or_default());
    PolicyDocument::new(statements)
}

/// Our statements in a bucket's policy, without regard to what was before.
pub fn bucket_statements(spec: &Spec, side: &Side) -> Vec<Statement> {
    let owner = spec.owner();
    let arrivals = arrivals(spec, side);
    let mut statements: Vec<Statement> = arrivals
        .iter()
        // Inside one account the role's own policy is enough.
        .filter(|(direction, to)| to.bucket.location.account != direction.bucket.location.account)
        .flat_map(|(direction, to)| {
            let grant = destination_grant(direction, to);
            destination_statements(&owner, &direction.role_arn(), &grant)
        })
        .collect();
    let bucket = spec.bucket(side).filter(|b| b.policy.require_tls);
    statements.extend(bucket.map(|bucket| {
        let partition = &bucket.location.partition;
        require_tls_statement(&owner, side.key(), &bucket.name, partition)
    }));
    statements
}

/// What is written into the policy of a bucket's key: the whole of it for a key of ours.
pub fn key_policy_of(spec: &Spec, side: &Side) -> Option<PolicyDocument> {
    let bucket = spec.bucket(side)?;
    let at = &bucket.location;
    let mut statements = key_statements(spec, side);
    match bucket.encryption.key.as_ref()? {
        KeyChoice::Owned(key) => {
            statements.extend(key.policy.clone());
            Some(key_policy(&at.account, &at.partition, statements))
        }
        KeyChoice::Existing(key) => {
            let writes = key.manage_policy && !statements.is_empty();
            writes.then(|| PolicyDocument::new(statements))
        }
    }
}

/// The statements that a bucket's key needs in its policy, whoever owns it: for what arrives there, and for what
/// leaves from there. None where no rule has to do with it.
pub fn key_statements(spec: &Spec, side: &Side) -> Vec<Statement> {
    let owner = spec.owner();
    let arrivals = arrivals(spec, side);
    let mut statements: Vec<Statement> = arrivals
        .iter()
        .filter_map(|(direction, to)| {
            let in_use = to.bucket.key(&to.side)?;
            replica_key_statement(&owner, direction, to, &in_use, key_account(to.bucket)?)
        })
        .collect();
    statements.extend(spec.direction(side).and_then(|direction| {
        let in_use = direction.bucket.key(side)?;
        let grants = role_grants(&direction).source;
        let is_foreign = is_foreign(key_account(direction.bucket)?, &direction);
        (is_foreign && grants.keys.contains(&in_use))
            .then(|| source_key_statement(&owner, side.key(), &direction.role_arn(), &grants))
    }));
    statements
}

/// The statement that a further key of a bucket's objects needs, where it needs one.
pub fn additional_key_statement(spec: &Spec, side: &Side, key: &str) -> Option<Statement> {
    let direction = spec.direction(side)?;
    let grants = role_grants(&direction).source;
    let used = grants.keys.contains(&Input::Known(key.to_owned()));
    (used && is_foreign(account_of(key), &direction))
        .then(|| source_key_statement(&spec.owner(), side.key(), &direction.role_arn(), &grants))
}

/// The statement that a key needs which a rule to a side names itself, where it needs one.
pub fn rules_key_statement(spec: &Spec, side: &Side, key: &str) -> Option<Statement> {
    let arrivals = arrivals(spec, side);
    let (direction, to) = arrivals.first()?;
    let in_use = Input::Known(key.to_owned());
    replica_key_statement(&spec.owner(), direction, to, &in_use, account_of(key))
}

fn replica_key_statement(
    owner: &str,
    direction: &Direction<'_>,
    to: &Arrival<'_>,
    in_use: &Input<String>,
    account: &str,
) -> Option<Statement> {
    if !is_foreign(account, direction) {
        return None;
    }
    let grant = destination_grant(direction, to);
    let used = grant.replica_keys.contains(in_use) || grant.plain_object_keys.contains(in_use);
    used.then(|| destination_key_statement(owner, &direction.role_arn(), &grant))
}

/// Everything that arrives in a side's bucket, with the direction that it comes by.
fn arrivals<'a>(spec: &'a Spec, side: &Side) -> Vec<(Direction<'a>, Arrival<'a>)> {
    spec.directions()
        .filter_map(|direction| {
            let arrival = direction.to.iter().find(|to| to.side == *side)?.clone();
            Some((direction, arrival))
        })
        .collect()
}

/// Whether an account's key has to let a direction's role in: in the role's own account the key's default statement
/// and the role's policy are enough.
fn is_foreign(key_account: &str, direction: &Direction<'_>) -> bool {
    key_account != direction.bucket.location.account.as_str()
}

/// The account of the key that a bucket uses.
fn key_account(bucket: &BucketSpec) -> Option<&str> {
    match bucket.encryption.key.as_ref()? {
        KeyChoice::Existing(key) => Some(account_of(&key.arn)),
        KeyChoice::Owned(_) => Some(bucket.location.account.as_str()),
    }
}

/// The account in a key's ARN.
fn account_of(key: &str) -> &str {
    key.split(':').nth(4).unwrap_or_default()
}

/// What a role must be granted for a direction, without regard to what was before.
pub(super) fn role_grants(direction: &Direction<'_>) -> RoleGrants {
    let source = direction.bucket;
    let destinations: Vec<_> = direction
        .to
        .iter()
        .map(|to| destination_grant(direction, to))
        .collect();
    let encrypted = destinations.iter().any(|to| !to.replica_keys.is_empty());
    let keys = source
        .key(&direction.from)
        .filter(|_| encrypted)
        .into_iter()
        .chain(source.retired_keys.iter().cloned().map(Input::Known));
    let mut keys: Vec<_> = keys.collect();
    if encrypted {
        let additional = source.encryption.additional_keys.iter().cloned();
        let mut additional: Vec<_> = additional.map(Input::Known).collect();
        additional.retain(|key| !keys.contains(key));
        keys.append(&mut additional);
    }
    RoleGrants {
        partition: source.location.partition.clone(),
        source: SourceGrant {
            bucket: source.name.clone(),
            region: source.location.region.clone(),
            keys,
            object_lock: source.is_locked(),
        },
        destinations,
    }
}

/// What a role must be granted for the rules of before and of later.
pub(super) fn wider_grants(
    direction: &Direction<'_>,
    before: Option<&Direction<'_>>,
) -> RoleGrants {
    let exact = role_grants(direction);
    match before {
        Some(before) => widen(exact, role_grants(before)),
        None => exact,
    }
}

/// Whatever either of two grants covers.
fn widen(mut new: RoleGrants, mut old: RoleGrants) -> RoleGrants {
    fn add(keys: &mut Vec<Input<String>>, more: Vec<Input<String>>) {
        for key in more {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    // A key that was never made has no live rule, so the old side never needs it.
    let old_destinations = old.destinations.iter_mut();
    let old_keys = old_destinations.flat_map(|d| [&mut d.replica_keys, &mut d.plain_object_keys]);
    for keys in old_keys.chain([&mut old.source.keys]) {
        keys.retain(|key| key.known().is_some());
    }
    if new.source.bucket == old.source.bucket {
        add(&mut new.source.keys, old.source.keys);
    }
    for old in old.destinations {
        match new.destinations.iter_mut().find(|d| d.bucket == old.bucket) {
            None => new.destinations.push(old),
            Some(same) => {
                add(&mut same.replica_keys, old.replica_keys);
                add(&mut same.plain_object_keys, old.plain_object_keys);
                same.bucket_key_enabled |= old.bucket_key_enabled;
                same.delete_markers |= old.delete_markers;
                same.owner_override |= old.owner_override;
            }
        }
    }
    new
}
