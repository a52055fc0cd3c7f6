//! What was seen at AWS.
//!
//! [`Presence`] keeps "not there" apart from "not looked at", so nothing that was left out of an observation
//! is ever taken for absent. A part that could not be read is not in here at all: observing fails instead.

use std::collections::BTreeMap;

use super::component::Side;
use super::operation::{
    BucketEncryption, Input, KeyDescription, LifecycleConfiguration, ObjectLock, ObjectVersion,
    PublicAccessBlock, ReplicationConfiguration, Retention, RoleDescription, Tags,
};
use super::policy::PolicyDocument;

/// Whether something is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Presence<T> {
    /// Nobody looked.
    #[default]
    Unasked,
    /// It is not there.
    Absent,
    /// It is there.
    Present(T),
}

impl<T> Presence<T> {
    /// What is there.
    pub fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            _ => None,
        }
    }

    /// Whether somebody looked and found nothing.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// Everything that was seen of one `replicated_bucket`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// The buckets with what belongs to them.
    pub buckets: BTreeMap<Side, ObservedBucket>,
    /// The role of each direction, by the side that it leaves.
    pub roles: BTreeMap<Side, Presence<ObservedRole>>,
    /// Managed policies of ours that a role left which is gone, by the side of its direction.
    pub orphaned_policies: BTreeMap<Side, ManagedPolicies>,
    /// The texts of the policies of others' keys that are ours to complete, by the key's ARN.
    pub managed_keys: BTreeMap<String, Presence<String>>,
    /// What others wrote that bears on replication.
    pub theirs: Theirs,
}

/// Policies and keys of others that bear on replication, as far as somebody asked and they may be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Theirs {
    /// The policies in and at a role beside ours, by the side of its direction.
    pub role_policies: BTreeMap<Side, FurtherPolicies>,
    /// The texts of the policies that bound roles, by their ARNs.
    pub boundaries: BTreeMap<String, String>,
    /// Keys whose policies are left to their owners, by their ARNs.
    pub keys: BTreeMap<String, ObservedForeignKey>,
}

/// Policies of a role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FurtherPolicies {
    /// Those that could be read.
    pub documents: Vec<PolicyDocument>,
    /// What went wrong with those that could not be read.
    pub unread: Vec<String>,
}

/// A key of somebody else's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedForeignKey {
    /// `Enabled`, `Disabled`, `PendingDeletion` and so on.
    pub state: Presence<String>,
    /// The policy document's text.
    pub policy: Presence<String>,
}

impl Observed {
    /// Whether a key of ours is there, in use or kept for old objects.
    pub fn has_key(&self, arn: &str) -> bool {
        self.buckets.values().any(|bucket| {
            let retired = bucket.retired_keys.values();
            let mut keys = retired.chain([&bucket.key]).filter_map(Presence::present);
            keys.any(|key| key.description.arn == arn)
        })
    }

    /// The role by which a side's bucket replicates.
    pub fn role(&self, side: &Side) -> &Presence<ObservedRole> {
        self.roles.get(side).unwrap_or(&Presence::Unasked)
    }

    /// The managed policies under the names that ours have.
    pub fn managed_policies(&self, side: &Side) -> &ManagedPolicies {
        const NONE: &ManagedPolicies = &ManagedPolicies::new();
        match self.role(side).present() {
            Some(role) => &role.managed_policies,
            None => self.orphaned_policies.get(side).unwrap_or(NONE),
        }
    }
}

/// One bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedBucket {
    /// The bucket itself: the region that it is in.
    pub region: Presence<String>,
    /// `Enabled`, `Suspended`; absent when never set.
    pub versioning: Presence<String>,
    /// Default encryption.
    pub encryption: Presence<BucketEncryption>,
    /// The ARN of the default encryption's key, where that is named in another way or not at all; looked up where the
    /// key is somebody else's.
    pub default_key: Presence<String>,
    /// Public access block.
    pub public_access_block: Presence<PublicAccessBlock>,
    /// Object ownership.
    pub object_ownership: Presence<String>,
    /// Lifecycle rules; absent when there is none.
    pub lifecycle: Presence<LifecycleConfiguration>,
    /// Object Lock; absent when it is off.
    pub object_lock: Presence<ObjectLock>,
    /// Versions of a locked bucket that a destroy is going to delete, and what keeps them: a first look, not all.
    pub kept_versions: Vec<KeptVersion>,
    /// Whether versions go only with an MFA device; looked at only where a destroy is going to delete some.
    pub mfa_delete: bool,
    /// All tags, ours included.
    pub tags: Presence<Tags>,
    /// The policy document's text.
    pub policy: Presence<String>,
    /// The replication configuration; looked at only where objects leave.
    pub replication: Presence<ReplicationConfiguration>,
    /// Whether it holds no object version and no delete marker; looked at only where it matters.
    pub empty: Presence<bool>,
    /// The key of ours in use.
    pub key: Presence<ObservedKey>,
    /// The key that the wanted alias points to, where that was looked up.
    pub alias_target: Presence<String>,
    /// Keys of ours that the bucket used before, by ARN.
    pub retired_keys: BTreeMap<String, Presence<ObservedKey>>,
}

impl ObservedBucket {
    /// Whether it is there, and not without replication rules as far as anybody looked.
    pub fn may_have_rules(&self) -> bool {
        self.region.present().is_some() && self.replication != Presence::Absent
    }

    /// Whether an alias leads to a key of ours that the bucket uses or used before.
    pub fn has_alias(&self, alias: &String) -> bool {
        let keys = self.retired_keys.values().chain([&self.key]);
        let mut aliases = keys.filter_map(|key| key.present()?.aliases.present());
        aliases.any(|aliases| aliases.contains(alias))
    }

    /// The ARN of the default encryption's key, in whatever way it is named there.
    pub fn default_key(&self) -> Option<&String> {
        let encryption = self.encryption.present()?;
        match encryption.key_to_look_up() {
            Some(_) => self.default_key.present(),
            None => encryption.kms_key.as_ref().and_then(Input::known),
        }
    }

    /// The key of the default encryption: by its ARN where that was looked up, else as it is named.
    pub fn key_in_use(&self) -> Option<Input<String>> {
        let looked_up = self.default_key().cloned().map(Input::Known);
        looked_up.or_else(|| self.encryption.present()?.kms_key.clone())
    }
}

/// A version that Object Lock keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptVersion {
    /// The version.
    pub version: ObjectVersion,
    /// Its retention, whether over or not.
    pub retention: Option<Retention>,
    /// Whether it is under a legal hold.
    pub legal_hold: bool,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedKey {
    /// What `DescribeKey` tells.
    pub description: KeyDescription,
    /// The policy document's text.
    pub policy: Presence<String>,
    /// Whether it is rotated, and the period in days.
    pub rotation: Presence<(bool, Option<i32>)>,
    /// All tags, ours included.
    pub tags: Presence<Tags>,
    /// Names of its aliases.
    pub aliases: Presence<Vec<String>>,
}

/// The replication role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedRole {
    /// What `GetRole` tells.
    pub description: RoleDescription,
    /// The text of our inline policy.
    pub policy: Presence<String>,
    /// Names of all inline policies.
    pub inline_policies: Presence<Vec<String>>,
    /// ARNs of attached managed policies.
    pub attached_policies: Presence<Vec<String>>,
    /// Managed policies under the names that ours have, by their numbers; looked at only on a role of ours.
    pub managed_policies: ManagedPolicies,
}

/// Customer managed policies of ours on one role, by their numbers.
pub type ManagedPolicies = BTreeMap<usize, ObservedManagedPolicy>;

/// A customer managed policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedManagedPolicy {
    /// Whether it is attached to the role.
    pub attached: bool,
    /// The text of its default version.
    pub document: String,
    /// The id of that version.
    pub default_version: String,
    /// The ids of its other versions.
    pub older_versions: Vec<String>,
    /// All tags, ours included.
    pub tags: Tags,
}
