//! What AWS should show when a [`Spec`] is in force: every component with every attribute.
//!
//! The role's policy stands here twice. The *wider* form covers the rules that are live now and those that
//! will be; it is written before the replication configuration changes. The final form covers only what will
//! be; it is written afterwards. So no live rule ever lacks a grant. Documents that others write to as well
//! get their wider form from what is in them ([`super::diff`]).

use std::collections::BTreeMap;

use super::component::{ComponentId, Part, Side};
use super::direction::Direction;
use super::existing_keys::{ManagedKey, keys_given_up, managed_keys};
use super::grants::{
    RoleDocuments, bucket_statements, key_statements, role_documents, role_grants, wider_grants,
};
use super::ids::Location;
use super::ignored_tags::IgnoredTags;
use super::names::{self, ownership_tags};
use super::operation::{
    BucketEncryption, LifecycleConfiguration, ObjectLock, PublicAccessBlock, Tags,
};
use super::policy::{PolicyDocument, PolicyShare, Statement, key_policy, trust_policy};
use super::rules::rules_share;
use super::rules_share::RulesShare;
use super::spec::{BucketSpec, Custody, RoleOwnership, Spec, default_encryption};

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
        // What a release leaves to the bucket's owner is theirs to take away.
        let released = bucket.is_released_from(before);
        let in_policy = before.policy.statements.iter().filter(|_| !released);
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
