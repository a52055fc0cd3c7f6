//! What an update that failed may have left of what it was to take away, and how the next one is told of it.

use std::collections::BTreeSet;

use super::component::{ComponentId, Part, Side};
use super::direction::Direction;
use super::existing_keys::{ManagedKey, keys_given_up, managed_keys};
use super::leftovers::{BucketLeftovers, Leftovers, ReplacedEncryption, RoleName};
use super::operation::Tags;
use super::plan::Going;
use super::policy::Statement;
use super::rules::rule_ids;
use super::spec::{BucketSpec, RoleOwnership, RoleSpec, Spec, default_encryption};

/// An update that failed.
pub struct Failed<'a> {
    /// What was wanted.
    pub spec: &'a Spec,
    /// What was in force before.
    pub prior: &'a Spec,
    /// What was to go.
    pub going: &'a Going,
    /// Whether every step of a component was carried out.
    pub is_settled: &'a dyn Fn(&ComponentId) -> bool,
    /// Whether any step of a component was begun.
    pub is_begun: &'a dyn Fn(&ComponentId) -> bool,
}

impl Failed<'_> {
    /// What it may have left.
    pub fn leftovers(&self) -> Leftovers {
        let mut left = Leftovers::default();
        for (side, before) in self.prior.buckets() {
            let of_bucket = self.of_bucket(&side, before);
            if of_bucket != BucketLeftovers::default() {
                left.buckets.insert(before.name.to_string(), of_bucket);
            }
        }
        let keys = keys_given_up(self.spec, self.prior).into_iter();
        let given_up = keys.filter(|(_, key)| self.is_open(&key.side, Part::Key));
        left.keys = given_up
            .chain(self.new_keys())
            .map(|(arn, key)| (arn, key.location))
            .collect();
        left
    }

    /// Keys of others that may have our statements already, although the state goes on to name what their buckets were
    /// encrypted under before.
    fn new_keys(&self) -> impl Iterator<Item = (String, ManagedKey)> {
        let before = managed_keys(self.prior);
        let is_begun = |key: &ManagedKey| {
            let component = ComponentId::Of(key.side.clone(), Part::Key);
            (self.is_begun)(&component)
        };
        let new = managed_keys(self.spec).into_iter();
        new.filter(move |(arn, key)| !before.contains_key(arn) && is_begun(key))
    }

    fn is_open(&self, side: &Side, part: Part) -> bool {
        !(self.is_settled)(&ComponentId::Of(side.clone(), part))
    }

    fn of_bucket(&self, before_side: &Side, before: &BucketSpec) -> BucketLeftovers {
        let earlier = before.leftovers.clone();
        let mut buckets = self.spec.buckets();
        let Some((side, now)) = buckets.find(|(_, now)| now.name == before.name) else {
            // The bucket itself stays in the state, with all that it had.
            return earlier;
        };
        let policy = self.is_open(&side, Part::BucketPolicy);
        let settings = self.is_open(&side, Part::Bucket);
        let is_released = now.existing().is_some() && now.is_reachable();
        let is_written = now.existing().is_some_and(|e| e.enable_encryption);
        let replaced = ReplacedEncryption::of(before_side, before).or(earlier.encryption);
        let is_withdrawn = policy && now.policy_is_managed();
        let written: &[Statement] = if now.is_released_from(before) {
            &[]
        } else {
            &before.policy.statements
        };
        BucketLeftovers {
            statements: given_up(
                is_withdrawn,
                [written, &earlier.statements],
                &now.policy.statements,
            ),
            key_statements: given_up(
                self.is_open(&side, Part::Key),
                [key_statements(before), &earlier.key_statements],
                key_statements(now),
            ),
            rules: self.rules(&side, before),
            aliases: self.aliases(&side, before),
            roles: self.roles(before),
            ours_in_policy: policy
                && is_released
                && !now.policy_is_managed()
                && (before.policy_is_managed() || earlier.ours_in_policy),
            ownership_tags: settings
                && is_released
                && (before.settings().is_some() || earlier.ownership_tags),
            encryption: replaced.filter(|_| settings && is_released && !is_written),
        }
    }

    fn rules(&self, side: &Side, before: &BucketSpec) -> BTreeSet<String> {
        let ids = |spec: &Spec| {
            let mut directions = spec.directions();
            let direction = directions.find(|direction| direction.bucket.name == before.name);
            direction.map_or_else(BTreeSet::new, |direction| rule_ids(&direction))
        };
        if self.is_open(side, Part::Replication) {
            &ids(self.prior) - &ids(self.spec)
        } else {
            BTreeSet::new()
        }
    }

    /// Roles that take over from the one that the state goes on to name; a role that was there before is not in it.
    fn roles(&self, before: &BucketSpec) -> BTreeSet<RoleName> {
        let is_of = |direction: &Direction<'_>| direction.bucket.name == before.name;
        let role_of = |spec: &Spec| {
            let direction = spec.directions().find(is_of)?;
            let owned = matches!(direction.role.ownership, RoleOwnership::Owned { .. });
            owned.then(|| role_name(direction.role))
        };
        let mut left = before.leftovers.roles.clone();
        left.extend(role_of(self.spec));
        let kept = self.prior.directions().find(is_of);
        left.retain(|role| {
            kept.as_ref()
                .is_none_or(|kept| role_name(kept.role) != *role)
        });
        // Without a direction before, the state names what is wanted now.
        if kept.is_none() {
            let now = self.spec.directions().find(is_of);
            left.retain(|role| now.as_ref().is_none_or(|now| role_name(now.role) != *role));
        }
        left
    }

    /// Aliases that were to go, and one that was to lead to another key and may lead to the old one still.
    fn aliases(&self, side: &Side, before: &BucketSpec) -> BTreeSet<String> {
        let going = self.going.aliases.iter();
        let going = going
            .filter(|(side, of, _)| of.name == before.name && self.is_open(side, Part::Alias))
            .map(|(_, _, alias)| alias.clone());
        let had = before.owned_key().filter(|key| key.arn.is_some());
        let moving = had.filter(|_| self.is_open(side, Part::Alias));
        going.chain(moving.map(|key| key.alias.clone())).collect()
    }
}

/// What a role is found by.
fn role_name(role: &RoleSpec) -> RoleName {
    RoleName {
        path: role.path.clone(),
        name: role.name.clone(),
    }
}

/// Statements that are no longer written, where they may still be there.
fn given_up(
    may_be_there: bool,
    before: [&[Statement]; 2],
    written: &[Statement],
) -> Vec<Statement> {
    let mut given_up: Vec<Statement> = Vec::new();
    for statement in before.into_iter().flatten().filter(|_| may_be_there) {
        if !written.contains(statement) && !given_up.contains(statement) {
            given_up.push(statement.clone());
        }
    }
    given_up
}

/// The user's statements in the policy of a bucket's key.
fn key_statements(bucket: &BucketSpec) -> &[Statement] {
    bucket.owned_key().map_or(&[], |key| &key.policy)
}

impl ReplacedEncryption {
    /// What a bucket has of ours, where that is to go with it.
    pub fn of(side: &Side, bucket: &BucketSpec) -> Option<Self> {
        let existing = bucket.existing().filter(|e| e.enable_encryption)?;
        Some(Self {
            ours: default_encryption(side, bucket),
            found: existing.encryption_found.clone()?,
        })
    }
}

impl Leftovers {
    /// Tells a spec of them.
    pub fn recall(mut self, spec: &mut Spec) {
        for bucket in spec.buckets_mut() {
            let of_bucket = self.buckets.remove(bucket.name.as_str());
            bucket.leftovers = of_bucket.unwrap_or_default();
        }
        spec.keys_left = self.keys;
    }
}

/// The roles of a spec that nothing uses any more, each with the side that its objects were to leave.
pub fn roles_left(spec: &Spec) -> Vec<(Side, RoleSpec)> {
    let mut left = Vec::new();
    for (side, bucket) in spec.buckets() {
        left.extend(bucket.leftovers.roles.iter().map(|role| {
            let role = RoleSpec {
                name: role.name.clone(),
                path: role.path.clone(),
                ownership: RoleOwnership::Owned {
                    description: String::new(),
                    permissions_boundary: None,
                    tags: Tags::new(),
                },
            };
            (side.clone(), role)
        }));
    }
    left
}

/// The components of a spec at which something is left, with what a person reads there.
pub fn told(spec: &Spec) -> Vec<(ComponentId, &'static str)> {
    let mut told = Vec::new();
    for (side, bucket) in spec.buckets() {
        let left = &bucket.leftovers;
        let parts = [
            (
                Part::BucketPolicy,
                !left.statements.is_empty() || left.ours_in_policy,
            ),
            (Part::Key, !left.key_statements.is_empty()),
            (Part::Replication, !left.rules.is_empty()),
            (Part::Alias, !left.aliases.is_empty()),
            (
                Part::Bucket,
                left.ownership_tags || left.encryption.is_some(),
            ),
        ];
        if !left.roles.is_empty() {
            told.push((ComponentId::Role(side.clone()), LEFT));
        }
        let parts = parts.into_iter().filter(|(_, is_left)| *is_left);
        told.extend(parts.map(|(part, _)| (ComponentId::Of(side.clone(), part), LEFT)));
    }
    if !spec.keys_left.is_empty() {
        told.push((ComponentId::Of(Side::Source, Part::Bucket), LEFT_IN_KEYS));
    }
    told
}

/// What a component says of which something is left.
const LEFT: &str = "not all taken away that was to go";
/// What the source says as long as something is left in keys that it may have nothing to do with.
const LEFT_IN_KEYS: &str = "statements left in keys of others";
