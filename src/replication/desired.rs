//! What AWS should show when a [`Spec`] is in force: every component with every attribute.
//!
//! The role's policy stands here twice. The *wider* form covers the rules that are live now and those that
//! will be; it is written before the replication configuration changes. The final form covers only what will
//! be; it is written afterwards. So no live rule ever lacks a grant. Documents that others write to as well
//! get their wider form from what is in them ([`super::diff`]).

use std::collections::BTreeMap;

use super::component::{ComponentId, Part, Side};
use super::direction::{Arrival, Direction};
use super::existing::rules_share;
use super::existing_keys::{ManagedKey, keys_given_up, managed_keys};
use super::ids::Location;
use super::ignored_tags::IgnoredTags;
use super::names::{self, ownership_tags};
use super::operation::{
    BucketEncryption, Input, LifecycleConfiguration, ObjectLock, PublicAccessBlock, Tags,
};
use super::policy::{
    PolicyDocument, PolicyShare, RoleGrants, SourceGrant, Statement, destination_key_statement,
    destination_statements, key_policy, require_tls_statement, role_policies, role_policy,
    source_key_statement, trust_policy,
};
use super::rules::destination_grant;
use super::rules_share::RulesShare;
use super::spec::{BucketSpec, Custody, KeyChoice, RoleOwnership, Spec};

/// Everything that one `replicated_bucket` should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Value of our owner tag.
    pub owner: String,
    /// The buckets with what belongs to them.
    pub buckets: BTreeMap<Side, DesiredBucket>,
    /// What leaves each bucket that replicates, by the side of that bucket.
    pub directions: BTreeMap<Side, DesiredDirection>,
    /// Keys of others whose policies are ours to complete, by their ARN.
    pub managed_keys: BTreeMap<String, ManagedKey>,
    /// Keys of others that our statements leave.
    pub keys_given_up: BTreeMap<String, ManagedKey>,
}

/// Replication out of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredDirection {
    /// The role with its grants.
    pub role: DesiredRole,
    /// Our rules in the bucket's replication configuration.
    pub replication: RulesShare,
}

/// One bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredBucket {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Where it lives.
    pub location: Location,
    /// Whose it is.
    pub custody: DesiredCustody,
    /// What we want in its policy.
    pub policy: PolicyShare,
    /// The key of ours.
    pub key: Option<DesiredKey>,
}

/// Whose a bucket is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DesiredCustody {
    /// Ours, with every setting.
    Ours(DesiredSettings),
    /// Somebody else's, with what may be done to it.
    Existing(DesiredExisting),
}

/// Settings of a bucket of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredSettings {
    /// Object ownership.
    pub object_ownership: String,
    /// Public access block.
    pub public_access_block: PublicAccessBlock,
    /// Default encryption.
    pub encryption: BucketEncryption,
    /// Lifecycle rules.
    pub lifecycle: LifecycleConfiguration,
    /// Object Lock; a bucket that should have none and has one is refused by the plan.
    pub object_lock: Option<ObjectLock>,
    /// All tags, ours included.
    pub tags: Tags,
    /// Tags that somebody else keeps on it.
    pub ignored_tags: IgnoredTags,
}

/// What is written to a bucket of somebody else's, beside rules and policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredExisting {
    /// Whether anything is looked at or written at all.
    pub reachable: bool,
    /// Whether versioning is turned on where it is not.
    pub enable_versioning: bool,
    /// Whether our statements are written into its policy.
    pub manage_bucket_policy: bool,
    /// The default encryption, where it is ours to write.
    pub encryption: Option<BucketEncryption>,
}

/// A key of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredKey {
    /// Its ARN, where it is known to exist.
    pub arn: Option<String>,
    /// Its alias.
    pub alias: String,
    /// Its description.
    pub description: String,
    /// Whether it is rotated, and the period in days.
    pub rotation: Option<Option<i32>>,
    /// Whether it is a multi-Region key.
    pub multi_region: bool,
    /// Whether it can be used.
    pub enabled: bool,
    /// All tags, ours included.
    pub tags: Tags,
    /// Tags that somebody else keeps on it.
    pub ignored_tags: IgnoredTags,
    /// What we want in its policy, beside the account's own statement.
    pub policy: PolicyShare,
}

/// The replication role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredRole {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Its ARN.
    pub arn: String,
    /// Where IAM is called.
    pub location: Location,
    /// What we keep of it, where it is ours.
    pub owned: Option<OwnedRole>,
    /// Our inline policy; none where the role's owner writes it.
    pub grants: Option<Grants>,
    /// The name of that policy.
    pub policy_name: String,
}

/// Settings of a role of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedRole {
    /// Its description.
    pub description: String,
    /// ARN of its permissions boundary.
    pub permissions_boundary: Option<String>,
    /// Its trust policy.
    pub trust: PolicyDocument,
    /// All tags, ours included.
    pub tags: Tags,
    /// Tags that somebody else keeps on it.
    pub ignored_tags: IgnoredTags,
}

/// The role's policy before and after the replication configuration changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// Covers the rules of now and of later.
    pub wider: RoleDocuments,
    /// Covers the rules of later.
    pub exact: RoleDocuments,
    /// All tags of each managed policy, ours included.
    pub policy_tags: Vec<Tags>,
    /// Tags that somebody else keeps.
    pub ignored_tags: IgnoredTags,
}

/// The role's policy in as many documents as it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDocuments {
    /// The inline policy.
    pub inline: PolicyDocument,
    /// Managed policies, for what is too long for one document.
    pub managed: Vec<PolicyDocument>,
}

impl Grants {
    /// The tags of a managed policy.
    pub fn tags(&self, number: usize) -> Tags {
        let tags = self.policy_tags.get(number.saturating_sub(1));
        tags.cloned().unwrap_or_default()
    }
}

impl DesiredRole {
    /// The ARN of a managed policy of ours, by its number.
    pub fn managed_policy_arn(&self, number: usize) -> String {
        names::managed_policy_arn(&self.location, &self.path, &self.name, number)
    }
}

impl DesiredBucket {
    /// Whether the bucket is somebody else's.
    pub fn is_existing(&self) -> bool {
        matches!(self.custody, DesiredCustody::Existing(_))
    }

    /// Whether its policy is ours to write into.
    pub fn policy_is_managed(&self) -> bool {
        match &self.custody {
            DesiredCustody::Ours(_) => true,
            DesiredCustody::Existing(existing) => {
                existing.reachable && existing.manage_bucket_policy
            }
        }
    }
}

/// Works out what AWS should show.
///
/// `prior` is what was in force until now; `created` marks what this run makes (RFC 3339).
pub fn desire(spec: &Spec, prior: Option<&Spec>, created: &str) -> Desired {
    let owner = spec.owner();
    let buckets = spec
        .buckets()
        .map(|(side, bucket)| {
            let before = Before::of(bucket, prior);
            let desired = desire_bucket(spec, &side, bucket, &before, created);
            (side, desired)
        })
        .collect();
    let directions = spec
        .directions()
        .map(|direction| {
            let before = prior.and_then(|prior| direction.in_spec(prior));
            let desired = DesiredDirection {
                role: desire_role(spec, &direction, before.as_ref(), created),
                replication: rules_share(&direction, before.as_ref()),
            };
            (direction.from, desired)
        })
        .collect();
    Desired {
        buckets,
        directions,
        managed_keys: managed_keys(spec),
        keys_given_up: prior.map_or_else(BTreeMap::new, |prior| keys_given_up(spec, prior)),
        owner,
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

/// The policy of a direction's role in as many documents as it takes. A role of somebody else's has one of ours.
fn role_documents(direction: &Direction<'_>, grants: &RoleGrants) -> RoleDocuments {
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

/// Everything that is written into a bucket's policy: our statements and the user's.
pub fn bucket_policy(spec: &Spec, side: &Side) -> PolicyDocument {
    let mut statements = bucket_statements(spec, side);
    let written = spec.bucket(side).map(|b| b.policy.statements.clone());
    statements.extend(written.unwrap_or_default());
    PolicyDocument::new(statements)
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

/// The account in a key's ARN.
fn account_of(key: &str) -> &str {
    key.split(':').nth(4).unwrap_or_default()
}

/// The user's statements in a bucket's policies until now, and those that were to go before and may not have.
#[derive(Default)]
struct Before {
    in_policy: Vec<Statement>,
    in_key_policy: Vec<Statement>,
}

impl Before {
    fn of(bucket: &BucketSpec, prior: Option<&Spec>) -> Self {
        let Some(before) = prior.and_then(|prior| prior.bucket_named(&bucket.name)) else {
            return Self::default();
        };
        let left = &before.leftovers;
        let in_policy = before.policy.statements.iter();
        let of_key = before.owned_key().into_iter().flat_map(|key| &key.policy);
        Self {
            in_policy: in_policy.chain(&left.statements).cloned().collect(),
            in_key_policy: of_key.chain(&left.key_statements).cloned().collect(),
        }
    }
}

fn desire_bucket(
    spec: &Spec,
    side: &Side,
    bucket: &BucketSpec,
    before: &Before,
    created: &str,
) -> DesiredBucket {
    let owner = spec.owner();
    let tags_of = |part, user: &Tags| {
        let component = ComponentId::Of(side.clone(), part);
        with_ours(user, ownership_tags(&owner, &component, created))
    };
    let key = bucket.owned_key().map(|key| DesiredKey {
        arn: key.arn.clone(),
        alias: key.alias.clone(),
        description: key.description.clone(),
        rotation: key
            .enable_key_rotation
            .then_some(key.rotation_period_in_days),
        multi_region: key.multi_region,
        enabled: key.enabled,
        tags: tags_of(Part::Key, &key.tags),
        ignored_tags: spec.ignored_tags.clone(),
        policy: key_share(spec, side, bucket, before),
    });
    DesiredBucket {
        name: bucket.name.to_string(),
        arn: bucket.arn(),
        location: bucket.location.clone(),
        custody: match &bucket.custody {
            Custody::Ours(settings) => DesiredCustody::Ours(DesiredSettings {
                object_ownership: settings.object_ownership.clone(),
                public_access_block: settings.public_access_block,
                encryption: default_encryption(side, bucket),
                lifecycle: settings.lifecycle.clone(),
                object_lock: settings.object_lock.clone(),
                tags: tags_of(Part::Bucket, &settings.tags),
                ignored_tags: spec.ignored_tags.clone(),
            }),
            Custody::Existing(existing) => DesiredCustody::Existing(DesiredExisting {
                reachable: existing.reachable,
                enable_versioning: existing.enable_versioning,
                manage_bucket_policy: existing.manage_bucket_policy,
                encryption: existing
                    .enable_encryption
                    .then(|| default_encryption(side, bucket)),
            }),
        },
        policy: bucket_share(spec, side, bucket, before),
        key,
    }
}

/// What goes into a bucket's policy.
fn bucket_share(spec: &Spec, side: &Side, bucket: &BucketSpec, before: &Before) -> PolicyShare {
    PolicyShare {
        ours: bucket_statements(spec, side),
        written: bucket.policy.statements.clone(),
        withdrawn: before.in_policy.clone(),
        exclusive: bucket.policy.exclusive,
        ..PolicyShare::nothing_of(&spec.owner())
    }
}

/// What goes into the policy of a key of ours.
fn key_share(spec: &Spec, side: &Side, bucket: &BucketSpec, before: &Before) -> PolicyShare {
    let at = &bucket.location;
    let written = bucket.owned_key().map(|key| key.policy.clone());
    PolicyShare {
        ours: key_statements(spec, side),
        written: written.unwrap_or_default(),
        withdrawn: before.in_key_policy.clone(),
        base: key_policy(&at.account, &at.partition, []).statements,
        exclusive: bucket.policy.exclusive,
        ..PolicyShare::nothing_of(&spec.owner())
    }
}

/// The default encryption that a spec says a bucket has.
pub(super) fn default_encryption(side: &Side, bucket: &BucketSpec) -> BucketEncryption {
    BucketEncryption {
        sse_algorithm: bucket.encryption.sse_algorithm.clone(),
        kms_key: bucket.key(side),
        bucket_key_enabled: bucket.encryption.bucket_key_enabled,
        blocked_encryption_types: bucket.encryption.blocked_encryption_types.clone(),
    }
}

fn desire_role(
    spec: &Spec,
    direction: &Direction<'_>,
    before: Option<&Direction<'_>>,
    created: &str,
) -> DesiredRole {
    let owner = spec.owner();
    let (wider, exact) = (
        role_documents(direction, &wider_grants(direction, before)),
        role_documents(direction, &role_grants(direction)),
    );
    let (owned, writes_policy) = match &direction.role.ownership {
        RoleOwnership::Owned {
            description,
            permissions_boundary,
            tags,
        } => (
            Some(OwnedRole {
                description: description.clone(),
                permissions_boundary: permissions_boundary.clone(),
                trust: trust_policy(),
                tags: with_ours(
                    tags,
                    ownership_tags(&owner, &ComponentId::Role(direction.from.clone()), created),
                ),
                ignored_tags: spec.ignored_tags.clone(),
            }),
            true,
        ),
        RoleOwnership::Existing { manage_policy } => (None, *manage_policy),
    };
    let count = wider.managed.len().max(exact.managed.len());
    let policy_tags = (1..=count).map(|number| match &direction.role.ownership {
        RoleOwnership::Owned { tags, .. } => {
            let component = ComponentId::ManagedPolicy(direction.from.clone(), number);
            with_ours(tags, ownership_tags(&owner, &component, created))
        }
        RoleOwnership::Existing { .. } => Tags::new(),
    });
    let grants = Grants {
        wider,
        exact,
        policy_tags: policy_tags.collect(),
        ignored_tags: spec.ignored_tags.clone(),
    };
    DesiredRole {
        name: direction.role.name.clone(),
        path: direction.role.path.clone(),
        arn: direction.role_arn().to_string(),
        location: direction.bucket.location.clone(),
        owned,
        grants: writes_policy.then_some(grants),
        policy_name: direction.role_policy_name(),
    }
}

fn role_grants(direction: &Direction<'_>) -> RoleGrants {
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
fn wider_grants(direction: &Direction<'_>, before: Option<&Direction<'_>>) -> RoleGrants {
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

/// The user's tags with ours over them.
fn with_ours(user: &Tags, ours: Tags) -> Tags {
    let mut tags: Tags = user
        .iter()
        .filter(|(key, _)| !names::is_ownership_tag(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    tags.extend(ours);
    tags
}
