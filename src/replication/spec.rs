//! What the practitioner asked for, with every default worked out: the input of the whole middle.
//!
//! A [`Spec`] is complete. It comes from the planned state at apply and from the stored state at read, so
//! that both speak of the same thing. Only keys may still have to be made.

use std::collections::BTreeMap;
use std::time::Duration;

use super::component::{ComponentId, Part, Side};
use super::ids::{BucketName, Location};
use super::ignored_tags::IgnoredTags;
use super::leftovers::BucketLeftovers;
use super::observed::{Observed, Presence};
use super::operation::{
    BucketEncryption, Input, LifecycleConfiguration, ObjectLock, PublicAccessBlock, RuleFilter,
    Tags,
};
use super::policy::Statement;

/// One `replicated_bucket`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The bucket that objects are written to.
    pub source: BucketSpec,
    /// The buckets that receive replicas, by their key in the configuration.
    pub destinations: BTreeMap<String, DestinationSpec>,
    /// The role that S3 assumes.
    pub role: RoleSpec,
    /// Whether canaries show that it replicates, where anybody says so.
    pub verification: Option<VerificationSpec>,
    /// Tags that somebody else keeps on all of it.
    pub ignored_tags: IgnoredTags,
    /// Keys of others that our statements were to leave when an update failed: their ARNs, with where their policies
    /// are written.
    pub keys_left: BTreeMap<String, Location>,
}

/// How it is shown that objects cross.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationSpec {
    /// Whether it is shown at all.
    pub enabled: bool,
    /// What the keys of canaries begin with, behind the prefix of their rule.
    pub key_prefix: String,
    /// How long canaries may take to cross.
    pub timeout: Duration,
}

/// One bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSpec {
    /// The bucket's name.
    pub name: BucketName,
    /// Where it lives and how its account is entered.
    pub location: Location,
    /// Whose it is.
    pub custody: Custody,
    /// Default encryption; of somebody else's destination, how replicas arrive there.
    pub encryption: EncryptionSpec,
    /// Keys of ours that the bucket used before; kept while the bucket lives (ARNs).
    pub retired_keys: Vec<String>,
    /// What the user wants in its policies.
    pub policy: PolicySpec,
    /// What was to go when an update failed.
    pub leftovers: BucketLeftovers,
    /// The keys that its live rules name for replicas, by the rules' IDs, once a spec that was in force has been told:
    /// see [`Spec::learn_live_keys`].
    pub live_keys: BTreeMap<String, String>,
}

/// Whose a bucket is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Custody {
    /// We make and delete it, and every setting of it is ours.
    Ours(BucketSettings),
    /// It belongs to somebody else, and only what replication itself needs is written.
    Existing(ExistingBucket),
}

/// Settings of a bucket of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSettings {
    /// `BucketOwnerEnforced`, `BucketOwnerPreferred` or `ObjectWriter`.
    pub object_ownership: String,
    /// The four switches.
    pub public_access_block: PublicAccessBlock,
    /// What becomes of objects as they age.
    pub lifecycle: LifecycleConfiguration,
    /// Its Object Lock, where it has one.
    pub object_lock: Option<ObjectLock>,
    /// Whether a destroy that may empty it may also delete versions under governance retention.
    pub bypass_governance_on_destroy: bool,
    /// The user's tags, provider defaults included, ours not.
    pub tags: Tags,
    /// Whether a destroy may empty the bucket.
    pub force_destroy: bool,
    /// Whether a destroy leaves the bucket and its keys.
    pub retain_on_destroy: bool,
}

/// What the user wants in the policies of a bucket and its key, beside what replication needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicySpec {
    /// The user's own statements in the bucket's policy.
    pub statements: Vec<Statement>,
    /// Whether requests over plain HTTP are denied.
    pub require_tls: bool,
    /// Whether statements of others are taken out, of the policy of a key of ours as well.
    pub exclusive: bool,
}

/// What may be done to a bucket that belongs to somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingBucket {
    /// Whether versioning is turned on where it is not.
    pub enable_versioning: bool,
    /// Whether the default encryption of a source is written.
    pub enable_encryption: bool,
    /// Whether our statements are written into its policy.
    pub manage_bucket_policy: bool,
    /// Whether its account is entered at all.
    pub reachable: bool,
    /// Whether it has Object Lock; `None` while nobody has looked.
    pub object_lock: Option<bool>,
    /// The default encryption that was there before we wrote ours; a release puts it back.
    pub encryption_found: Option<BucketEncryption>,
}

/// Default encryption of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionSpec {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub sse_algorithm: String,
    /// Whether S3 Bucket Keys are used.
    pub bucket_key_enabled: bool,
    /// Encryption that writers may not ask for; empty where that is left as it is.
    pub blocked_encryption_types: Vec<String>,
    /// ARNs of further keys that objects are under.
    pub additional_keys: Vec<String>,
    /// The key, with KMS.
    pub key: Option<KeyChoice>,
}

/// Which key a bucket uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChoice {
    /// A key that exists already and belongs to somebody else.
    Existing(ExistingKey),
    /// A key that we make and own.
    Owned(KeySpec),
}

/// A key of somebody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingKey {
    /// Its ARN.
    pub arn: String,
    /// Where its account is entered, where a way there is known.
    pub location: Option<Location>,
    /// Whether our statements are merged into its policy.
    pub manage_policy: bool,
}

/// A customer managed key of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySpec {
    /// Its ARN, where it is known to exist.
    pub arn: Option<String>,
    /// Its alias, with `alias/`.
    pub alias: String,
    /// Its description.
    pub description: String,
    /// Days between scheduling its deletion and its end (7 to 30).
    pub deletion_window_in_days: i32,
    /// Whether it is rotated.
    pub enable_key_rotation: bool,
    /// Days between rotations; AWS's own period (365) when left out.
    pub rotation_period_in_days: Option<i32>,
    /// Whether it is a multi-Region key.
    pub multi_region: bool,
    /// Whether it can be used.
    pub enabled: bool,
    /// The user's own statements in its policy.
    pub policy: Vec<Statement>,
    /// The user's tags.
    pub tags: Tags,
}

/// A destination: its bucket, and how it receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationSpec {
    /// The bucket.
    pub bucket: BucketSpec,
    /// Its rules by name; one of the name `default` where the configuration names none.
    pub rules: BTreeMap<String, RuleSpec>,
    /// The role by which it replicates back to the source, where it does.
    pub two_way: Option<RoleSpec>,
}

/// One replication rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSpec {
    /// Its ID.
    pub id: String,
    /// Its priority.
    pub priority: i32,
    /// Whether it replicates.
    pub enabled: bool,
    /// Which objects it is about.
    pub filter: RuleFilter,
    /// Storage class of the replicas; the object's own when left out.
    pub storage_class: Option<String>,
    /// Whether delete markers replicate.
    pub delete_marker_replication: bool,
    /// Whether changes of metadata that somebody makes to a replica replicate, too.
    pub replica_modification_sync: bool,
    /// Whether S3 promises to replicate within 15 minutes; brings metrics.
    pub replication_time_control: bool,
    /// Whether S3 counts what is pending and what failed.
    pub metrics: bool,
    /// Whether replicas are given to the destination's owner.
    pub owner_override: bool,
    /// Whether objects under KMS keys replicate.
    pub replicate_encrypted_objects: bool,
    /// Key for the replicas of such objects (ARN), where it is not the destination bucket's own.
    pub replica_kms_key: Option<String>,
}

/// The role that S3 assumes to replicate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSpec {
    /// Its name.
    pub name: String,
    /// Its path, with slashes at both ends.
    pub path: String,
    /// Whose it is.
    pub ownership: RoleOwnership,
}

/// Whether we made the role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleOwnership {
    /// We make and delete it.
    Owned {
        /// Its description.
        description: String,
        /// ARN of its permissions boundary.
        permissions_boundary: Option<String>,
        /// The user's tags.
        tags: Tags,
    },
    /// It belongs to somebody else.
    Existing {
        /// Whether our grants are written into it, as one inline policy of our own.
        manage_policy: bool,
    },
}

impl RuleSpec {
    /// Whether S3 publishes metrics of it.
    pub fn is_measured(&self) -> bool {
        self.metrics || self.replication_time_control
    }
}

impl Spec {
    /// The value of our owner tag: `<source account>/<source bucket>`.
    pub fn owner(&self) -> String {
        format!("{}/{}", self.source.location.account, self.source.name)
    }

    /// Which existing buckets have Object Lock, by name, as far as that is known.
    pub fn locks(&self) -> BTreeMap<String, bool> {
        self.buckets()
            .filter_map(|(_, bucket)| {
                Some((bucket.name.to_string(), bucket.existing()?.object_lock?))
            })
            .collect()
    }

    /// Tells which existing buckets have Object Lock, by name.
    pub fn tell_locks(&mut self, locked: &BTreeMap<String, bool>) {
        for bucket in self.buckets_mut() {
            let told = locked.get(bucket.name.as_str());
            if let Custody::Existing(existing) = &mut bucket.custody {
                existing.object_lock = told.copied().or(existing.object_lock);
            }
        }
    }

    /// Every bucket with its side, the source first.
    pub fn buckets(&self) -> impl Iterator<Item = (Side, &BucketSpec)> {
        std::iter::once((Side::Source, &self.source)).chain(
            self.destinations
                .iter()
                .map(|(key, d)| (Side::Destination(key.clone()), &d.bucket)),
        )
    }

    /// Every bucket to write into, the source first.
    pub fn buckets_mut(&mut self) -> impl Iterator<Item = &mut BucketSpec> {
        let destinations = self.destinations.values_mut().map(|d| &mut d.bucket);
        std::iter::once(&mut self.source).chain(destinations)
    }

    /// Takes back the leave to empty any bucket.
    pub fn never_empty(&mut self) {
        self.buckets_mut().for_each(BucketSpec::never_empty);
    }

    /// The bucket on a side.
    pub fn bucket(&self, side: &Side) -> Option<&BucketSpec> {
        match side {
            Side::Source => Some(&self.source),
            Side::Destination(key) => self.destinations.get(key).map(|d| &d.bucket),
        }
    }

    /// The bucket of this name, on whatever side.
    pub fn bucket_named(&self, name: &BucketName) -> Option<&BucketSpec> {
        self.buckets()
            .map(|(_, bucket)| bucket)
            .find(|b| b.name == *name)
    }

    /// The same, to be changed.
    pub fn bucket_mut(&mut self, side: &Side) -> Option<&mut BucketSpec> {
        match side {
            Side::Source => Some(&mut self.source),
            Side::Destination(key) => self.destinations.get_mut(key).map(|d| &mut d.bucket),
        }
    }

    /// Has another role serve what leaves a side.
    pub fn set_role(&mut self, from: &Side, role: RoleSpec) {
        match from {
            Side::Source => self.role = role,
            Side::Destination(key) => {
                if let Some(destination) = self.destinations.get_mut(key) {
                    destination.two_way = Some(role);
                }
            }
        }
    }

    /// Takes note of which of our keys are there: found ones by their ARN, and none where the one in state is
    /// gone, so that what names it waits for the new one. Call it between observing and [`desire`].
    ///
    /// [`desire`]: super::desired::desire
    pub fn learn_keys(&mut self, observed: &Observed) {
        for (side, seen) in &observed.buckets {
            let bucket = self.bucket_mut(side);
            let Some(KeyChoice::Owned(key)) = bucket.and_then(|b| b.encryption.key.as_mut()) else {
                continue;
            };
            match &seen.key {
                Presence::Unasked => {}
                Presence::Absent => key.arn = None,
                Presence::Present(found) => key.arn = Some(found.description.arn.clone()),
            }
        }
    }

    /// Tells a spec that was in force which keys the live rules name: after an update that failed these may still be
    /// the ones of before, which the spec has under no bucket any more. `now` is the spec by which `observed` was
    /// looked at.
    pub fn learn_live_keys(&mut self, now: &Self, observed: &Observed) {
        // Where a key of ours is gone, a rule may still name it, and nothing needs to be granted on it.
        let is_without_key = |bucket: &BucketSpec| {
            let key = bucket.owned_key();
            key.is_some_and(|key| key.arn.is_none())
        };
        let one_is_gone = self.buckets().any(|(_, bucket)| is_without_key(bucket));
        for bucket in self.buckets_mut() {
            let side = now.buckets().find(|(_, other)| other.name == bucket.name);
            let seen = side.and_then(|(side, _)| observed.buckets.get(&side));
            let live = seen.and_then(|seen| seen.replication.present());
            let rules = live.into_iter().flat_map(|live| &live.rules);
            let named = rules.filter_map(|rule| {
                let key = rule.replica_kms_key.as_ref()?.known()?;
                let counts = !one_is_gone || observed.has_key(key);
                counts.then(|| (rule.id.clone(), key.clone()))
            });
            bucket.live_keys = named.collect();
        }
    }
}

impl BucketSpec {
    /// The bucket's ARN.
    pub fn arn(&self) -> String {
        self.name.arn(&self.location.partition)
    }

    /// The settings of a bucket of ours.
    pub fn settings(&self) -> Option<&BucketSettings> {
        match &self.custody {
            Custody::Ours(settings) => Some(settings),
            Custody::Existing(_) => None,
        }
    }

    /// The same, to be changed.
    pub fn settings_mut(&mut self) -> Option<&mut BucketSettings> {
        match &mut self.custody {
            Custody::Ours(settings) => Some(settings),
            Custody::Existing(_) => None,
        }
    }

    /// What may be done to it, where it belongs to somebody else.
    pub fn existing(&self) -> Option<&ExistingBucket> {
        match &self.custody {
            Custody::Ours(_) => None,
            Custody::Existing(existing) => Some(existing),
        }
    }

    /// Whether it has Object Lock, as far as that is known.
    pub fn is_locked(&self) -> bool {
        match &self.custody {
            Custody::Ours(settings) => settings.object_lock.is_some(),
            Custody::Existing(existing) => existing.object_lock == Some(true),
        }
    }

    /// Whether its account is entered.
    pub fn is_reachable(&self) -> bool {
        self.existing().is_none_or(|existing| existing.reachable)
    }

    /// Whether its policy is ours to write into.
    pub fn policy_is_managed(&self) -> bool {
        self.existing()
            .is_none_or(|existing| existing.reachable && existing.manage_bucket_policy)
    }

    /// Whether it was ours `before` and is left to its owner from now on.
    pub fn is_released_from(&self, before: &Self) -> bool {
        self.existing().is_some() && before.settings().is_some()
    }

    /// Whether it is still there after a destroy.
    pub fn stays(&self) -> bool {
        self.settings().is_none_or(|s| s.retain_on_destroy)
    }

    /// Whether a destroy may empty it.
    pub fn may_be_emptied(&self) -> bool {
        self.settings().is_some_and(|s| s.force_destroy)
    }

    /// Takes the leave to empty it away.
    pub fn never_empty(&mut self) {
        if let Some(settings) = self.settings_mut() {
            settings.force_destroy = false;
        }
    }

    /// The key that the bucket's new objects are encrypted under, with KMS.
    pub fn key(&self, side: &Side) -> Option<Input<String>> {
        Some(match self.encryption.key.as_ref()? {
            KeyChoice::Existing(key) => Input::Known(key.arn.clone()),
            KeyChoice::Owned(key) => match &key.arn {
                Some(arn) => Input::Known(arn.clone()),
                None => Input::OutputOf(ComponentId::Of(side.clone(), Part::Key)),
            },
        })
    }

    /// Whether new objects are under a key unless their writers say otherwise.
    pub fn is_under_key(&self) -> bool {
        self.encryption.key.is_some() || self.encryption.sse_algorithm != "AES256"
    }

    /// Whether some objects are under a key, or may be.
    pub fn may_have_keys(&self) -> bool {
        self.is_under_key()
            || !self.encryption.additional_keys.is_empty()
            || !self.retired_keys.is_empty()
    }

    /// The key of ours, where the bucket uses one.
    pub fn owned_key(&self) -> Option<&KeySpec> {
        match &self.encryption.key {
            Some(KeyChoice::Owned(key)) => Some(key),
            _ => None,
        }
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
