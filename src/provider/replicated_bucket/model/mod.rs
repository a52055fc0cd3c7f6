//! The typed mirror of the schema of `replicated_bucket`.

pub mod lifecycle;

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use self::lifecycle::RulesModel;
use crate::framework::model::{Attr, FromValue, ModelError, TextMap, ToValue};
use crate::framework::value::Value;
use crate::model;
use crate::provider::assume_role::AssumeRoleModel;
use crate::replication::component::Side;
use crate::replication::names::DEFAULT_RULE;

model! {
    /// `replicated_bucket`.
    BucketModel {
        /// The source bucket's name.
        id: String,
        /// The source bucket's ARN.
        arn: String,
        /// The ID with which exactly this setup imports.
        import_id: String,
        /// The bucket that objects are written to.
        source: SourceModel,
        /// The buckets that receive replicas.
        destinations: BTreeMap<String, Attr<SideModel>>,
        /// The role that S3 assumes.
        role: RoleModel,
        /// Tags on every component.
        tags: TextMap,
        /// The same with what comes from further out.
        tags_all: TextMap,
        /// Whether canaries show that objects cross.
        verification: VerificationModel,
        /// How long operations may take.
        timeouts: TimeoutsModel,
        /// One line for each AWS object.
        components: TextMap,
    }
}

model! {
    /// `verification`.
    VerificationModel {
        /// Whether canaries are sent.
        enabled: bool,
        /// What their keys begin with.
        key_prefix: String,
        /// How long they may take.
        timeout: String,
    }
}

model! {
    /// `timeouts`.
    TimeoutsModel {
        /// Of a create.
        create: String,
        /// Of a refresh.
        read: String,
        /// Of an update.
        update: String,
        /// Of a destroy.
        delete: String,
    }
}

model! {
    /// A bucket on either side; attributes that only destinations have are null on the source.
    SideModel {
        /// Name of the bucket.
        bucket: String,
        /// Beginning of its name.
        bucket_prefix: String,
        /// Account that it belongs to.
        account_id: String,
        /// Region that it lives in.
        region: String,
        /// Profile by which the account is entered.
        profile: String,
        /// Role by which the account is entered.
        assume_role: AssumeRoleModel,
        /// Whether it belongs to somebody else.
        existing: bool,
        /// Whether versioning of somebody else's bucket is turned on.
        enable_versioning: bool,
        /// Whether the default encryption of somebody else's source is written.
        enable_encryption: bool,
        /// Whether our statements are written into its policy.
        manage_bucket_policy: bool,
        /// Whether a destroy may empty it.
        force_destroy: bool,
        /// Whether a destroy leaves it.
        retain_on_destroy: bool,
        /// Default encryption.
        encryption: EncryptionModel,
        /// Public access block.
        public_access_block: PublicAccessBlockModel,
        /// Object ownership.
        object_ownership: String,
        /// The user's own statements in the bucket's policy, JSON.
        policy: String,
        /// Whether our statements are merged into the policy of an existing key.
        manage_key_policy: bool,
        /// Whether plain HTTP is denied.
        require_tls: bool,
        /// Whether statements of others are taken out.
        exclusive_policy: bool,
        /// Object Lock.
        object_lock: ObjectLockModel,
        /// Lifecycle rules by ID.
        lifecycle_rules: RulesModel,
        /// The smallest object that transitions.
        lifecycle_transition_default_minimum_object_size: String,
        /// Tags of this side.
        tags: TextMap,
        /// The same with what comes from further out.
        tags_all: TextMap,
        /// ARN of the bucket.
        arn: String,
        /// Global domain name.
        bucket_domain_name: String,
        /// Regional domain name.
        bucket_regional_domain_name: String,
        /// Route 53 hosted zone of the region's S3 endpoint.
        hosted_zone_id: String,
        /// ARN of the key in use.
        kms_key_arn: String,
        /// Id of the key in use.
        kms_key_id: String,
        /// Statements that this resource writes into the bucket's policy.
        policy_json: String,
        /// Statements that this resource writes into the key's policy.
        kms_key_policy_json: String,
        /// Whether its account is entered.
        reachable: bool,
        /// Statements that the owner of its bucket must add.
        required_bucket_policy_json: String,
        /// Statements that the owner of its key must add.
        required_key_policy_json: String,
        /// Whether the destination's rules replicate.
        enabled: bool,
        /// Priority of its rule.
        priority: i64,
        /// Storage class of replicas.
        storage_class: String,
        /// Which objects its rule is about.
        filter: FilterModel,
        /// Whether delete markers replicate.
        delete_marker_replication: bool,
        /// Whether changes of replicas' metadata replicate.
        replica_modification_sync: bool,
        /// Replication within 15 minutes.
        replication_time_control: bool,
        /// Counts of what is pending and what failed.
        metrics: bool,
        /// Whether replicas are given to the destination's owner.
        owner_override: bool,
        /// Whether objects under KMS keys replicate.
        replicate_encrypted_objects: bool,
        /// Several rules in the place of one.
        rules: BTreeMap<String, Attr<RuleModel>>,
        /// IDs of its rules.
        rule_ids: TextMap,
        /// Whether it replicates back.
        two_way: bool,
        /// The role that replicates back.
        two_way_role: RoleModel,
        /// That role's ARN.
        replication_role_arn: String,
        /// When its canaries last crossed.
        verified_at: String,
    }
}

/// Attributes that only a destination has.
pub const DESTINATION_ONLY: [&str; 19] = [
    "reachable",
    "required_bucket_policy_json",
    "required_key_policy_json",
    "enabled",
    "priority",
    "storage_class",
    "delete_marker_replication",
    "rule_ids",
    "filter",
    "replica_modification_sync",
    "replication_time_control",
    "metrics",
    "owner_override",
    "replicate_encrypted_objects",
    "rules",
    "two_way",
    "two_way_role",
    "replication_role_arn",
    "verified_at",
];

model! {
    /// One rule of `rules`.
    RuleModel {
        /// Its ID.
        id: String,
        /// Whether it replicates.
        enabled: bool,
        /// Its priority.
        priority: i64,
        /// Which objects it is about.
        filter: FilterModel,
        /// Storage class of replicas.
        storage_class: String,
        /// Whether delete markers replicate.
        delete_marker_replication: bool,
        /// Whether changes of replicas' metadata replicate.
        replica_modification_sync: bool,
        /// Replication within 15 minutes.
        replication_time_control: bool,
        /// Counts of what is pending and what failed.
        metrics: bool,
        /// Whether replicas are given to the destination's owner.
        owner_override: bool,
        /// Whether objects under KMS keys replicate.
        replicate_encrypted_objects: bool,
        /// Another key for replicas than the destination bucket's.
        replica_kms_key_arn: String,
    }
}

model! {
    /// `filter`.
    FilterModel {
        /// What objects' keys begin with.
        prefix: String,
        /// Tags that objects carry, all of them.
        tags: TextMap,
    }
}

model! {
    /// `encryption`.
    EncryptionModel {
        /// Algorithm.
        sse_algorithm: String,
        /// An existing key.
        kms_key_arn: String,
        /// Whether S3 Bucket Keys are used.
        bucket_key_enabled: bool,
        /// Encryption that writers may not ask for.
        blocked_encryption_types: Vec<Attr<String>>,
        /// Keys that writers use besides.
        additional_kms_key_arns: Vec<Attr<String>>,
        /// The key that we make.
        key: KeyModel,
    }
}

model! {
    /// `encryption.key`.
    KeyModel {
        /// Alias.
        alias: String,
        /// Description.
        description: String,
        /// Deletion window in days.
        deletion_window_in_days: i64,
        /// Whether it rotates.
        enable_key_rotation: bool,
        /// Rotation period in days.
        rotation_period_in_days: i64,
        /// Whether it is a multi-Region key.
        multi_region: bool,
        /// Whether it can be used.
        enabled: bool,
        /// The user's own statements in its policy, JSON.
        policy: String,
        /// Tags.
        tags: TextMap,
        /// The same with what comes from further out.
        tags_all: TextMap,
    }
}

model! {
    /// `object_lock`.
    ObjectLockModel {
        /// Whether it is locked.
        enabled: bool,
        /// `GOVERNANCE` or `COMPLIANCE`.
        mode: String,
        /// Days.
        days: i64,
        /// Or years.
        years: i64,
        /// Whether a destroy bypasses governance.
        bypass_governance_on_destroy: bool,
    }
}

model! {
    /// `public_access_block`.
    PublicAccessBlockModel {
        /// `BlockPublicAcls`.
        block_public_acls: bool,
        /// `BlockPublicPolicy`.
        block_public_policy: bool,
        /// `IgnorePublicAcls`.
        ignore_public_acls: bool,
        /// `RestrictPublicBuckets`.
        restrict_public_buckets: bool,
    }
}

model! {
    /// `role`.
    RoleModel {
        /// Name.
        name: String,
        /// Prefix of the name.
        name_prefix: String,
        /// Path.
        path: String,
        /// Description.
        description: String,
        /// Permissions boundary.
        permissions_boundary: String,
        /// Tags.
        tags: TextMap,
        /// The same with what comes from further out.
        tags_all: TextMap,
        /// An existing role.
        existing_arn: String,
        /// Whether our policy is written into an existing role.
        manage_policy: bool,
        /// ARN.
        arn: String,
        /// Unique id.
        unique_id: String,
        /// The policy.
        policy_json: String,
    }
}

/// The source: a [`SideModel`] without the attributes of destinations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SourceModel(pub SideModel);

impl Deref for SourceModel {
    type Target = SideModel;

    fn deref(&self) -> &SideModel {
        &self.0
    }
}

impl DerefMut for SourceModel {
    fn deref_mut(&mut self) -> &mut SideModel {
        &mut self.0
    }
}

impl FromValue for SourceModel {
    fn from_known(value: &Value) -> Result<Self, ModelError> {
        SideModel::from_known(value).map(Self)
    }
}

impl ToValue for SourceModel {
    fn to_known(&self) -> Value {
        match self.0.to_known() {
            Value::Object(mut attributes) => {
                attributes.retain(|name, _| !DESTINATION_ONLY.contains(&name.as_str()));
                Value::Object(attributes)
            }
            other => other,
        }
    }
}

impl SideModel {
    /// Whether it is a bucket in an account that is never entered. Whose it is may not be known yet; one of ours is
    /// refused.
    pub fn is_unreachable(&self) -> bool {
        self.reachable == Attr::Known(false)
    }

    /// A destination's rules by name, as they stand: those of `rules`, or the one that its own attributes make.
    /// None where `rules` is not known.
    pub fn stated_rules(&self) -> Option<BTreeMap<String, Attr<RuleModel>>> {
        match &self.rules {
            Attr::Unknown => None,
            Attr::Known(rules) => Some(rules.clone()),
            Attr::Null => {
                let rule = Attr::Known(self.own_rule());
                Some(BTreeMap::from([(DEFAULT_RULE.to_owned(), rule)]))
            }
        }
    }

    /// What a destination's own attributes say of its rule, or of its rules where these say nothing.
    pub fn own_rule(&self) -> RuleModel {
        RuleModel {
            id: Attr::Null,
            enabled: self.enabled.clone(),
            priority: self.priority.clone(),
            filter: self.filter.clone(),
            storage_class: self.storage_class.clone(),
            delete_marker_replication: self.delete_marker_replication.clone(),
            replica_modification_sync: self.replica_modification_sync.clone(),
            replication_time_control: self.replication_time_control.clone(),
            metrics: self.metrics.clone(),
            owner_override: self.owner_override.clone(),
            replicate_encrypted_objects: self.replicate_encrypted_objects.clone(),
            replica_kms_key_arn: Attr::Null,
        }
    }

    /// The other way round.
    pub fn set_own_rule(&mut self, rule: RuleModel) {
        self.enabled = rule.enabled;
        self.priority = rule.priority;
        self.filter = rule.filter;
        self.storage_class = rule.storage_class;
        self.delete_marker_replication = rule.delete_marker_replication;
        self.replica_modification_sync = rule.replica_modification_sync;
        self.replication_time_control = rule.replication_time_control;
        self.metrics = rule.metrics;
        self.owner_override = rule.owner_override;
        self.replicate_encrypted_objects = rule.replicate_encrypted_objects;
    }
}

impl BucketModel {
    /// Known sides in order, the source first.
    pub fn sides(&self) -> Vec<(Side, &SideModel)> {
        let source = self.source.known().map(|s| (Side::Source, &s.0));
        let destinations = self.destinations.known().into_iter().flatten();
        source
            .into_iter()
            .chain(
                destinations.filter_map(|(key, side)| {
                    Some((Side::Destination(key.clone()), side.known()?))
                }),
            )
            .collect()
    }

    /// The same, to be changed.
    pub fn sides_mut(&mut self) -> Vec<(Side, &mut SideModel)> {
        let source = match &mut self.source {
            Attr::Known(source) => Some((Side::Source, &mut source.0)),
            _ => None,
        };
        let destinations = match &mut self.destinations {
            Attr::Known(destinations) => Some(destinations),
            _ => None,
        };
        source
            .into_iter()
            .chain(
                destinations
                    .into_iter()
                    .flatten()
                    .filter_map(|(key, side)| match side {
                        Attr::Known(side) => Some((Side::Destination(key.clone()), side)),
                        _ => None,
                    }),
            )
            .collect()
    }

    /// One side, where it is known.
    pub fn side(&self, side: &Side) -> Option<&SideModel> {
        match side {
            Side::Source => self.source.known().map(|s| &s.0),
            Side::Destination(key) => self.destinations.known()?.get(key)?.known(),
        }
    }

    /// The known roles, by the side that they replicate out of.
    pub fn roles(&self) -> Vec<(Side, &RoleModel)> {
        let source = self.role.known().map(|role| (Side::Source, role));
        let sides = self.sides().into_iter();
        let back = sides.filter_map(|(this, side)| Some((this, side.two_way_role.known()?)));
        source.into_iter().chain(back).collect()
    }

    /// The same, to be changed.
    pub fn roles_mut(&mut self) -> Vec<(Side, &mut RoleModel)> {
        let destinations = match &mut self.destinations {
            Attr::Known(destinations) => Some(destinations),
            _ => None,
        };
        let back = destinations.into_iter().flatten();
        let back = back.filter_map(|(key, side)| match side {
            Attr::Known(side) => Some((key, &mut side.two_way_role)),
            _ => None,
        });
        let back = back.map(|(key, role)| (Side::Destination(key.clone()), role));
        std::iter::once((Side::Source, &mut self.role))
            .chain(back)
            .filter_map(|(this, role)| match role {
                Attr::Known(role) => Some((this, role)),
                _ => None,
            })
            .collect()
    }

    /// The side with a bucket of this name, whatever its key.
    pub fn side_of_bucket(&self, bucket: &str) -> Option<(Side, &SideModel)> {
        self.sides()
            .into_iter()
            .find(|(_, side)| side.bucket.known().map(String::as_str) == Some(bucket))
    }
}
