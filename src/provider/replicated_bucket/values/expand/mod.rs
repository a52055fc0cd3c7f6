//! From the model to the domain: a worked-out [`BucketModel`] becomes a [`Spec`].

mod rule;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::framework::model::{Attr, known_entries};
use crate::framework::value::AttributePath;
use crate::provider::assume_role;
use crate::provider::replicated_bucket::attributes::verification;
use crate::provider::replicated_bucket::model::{
    BucketModel, EncryptionModel, RoleModel, SideModel,
};
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::replicated_bucket::values::components::retired_keys;
use crate::provider::settings::Settings;
use crate::replication::component::Side;
use crate::replication::ids::{AccountId, Arn, BucketName, Location, Region, WayIn};
use crate::replication::leftovers::BucketLeftovers;
use crate::replication::operation::{PublicAccessBlock, Tags};
use crate::replication::policy::{PolicyDocument, Statement};
use crate::replication::spec::{
    BucketSettings, BucketSpec, Custody, DestinationSpec, EncryptionSpec, ExistingBucket,
    ExistingKey, KeyChoice, KeySpec, PolicySpec, RoleOwnership, RoleSpec, Spec,
};

pub use rule::filter;

/// Why a model is no spec yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incomplete {
    /// Something that decides over names or documents is known only after apply.
    Unknown,
    /// A value that validation should have refused; where, and why.
    Invalid(AttributePath, String),
}

/// Makes the spec of a worked-out model. Tags whose values are unknown are left out: no document depends on them.
pub fn expand(model: &BucketModel, settings: &Settings) -> Result<Spec, Incomplete> {
    let common = {
        let mut tags = settings.default_tags.clone();
        tags.extend(known_entries(&model.tags));
        tags
    };
    let source_side = &model.source.known().ok_or(Incomplete::Unknown)?.0;
    let source = bucket(model, &Side::Source, source_side, &common, settings)?;
    let mut destinations = BTreeMap::new();
    for (key, side) in model.destinations.known().ok_or(Incomplete::Unknown)? {
        let side = side.known().ok_or(Incomplete::Unknown)?;
        let this = Side::Destination(key.clone());
        destinations.insert(
            key.clone(),
            DestinationSpec {
                rules: rule::rules(side)?,
                two_way: two_way(side, &common)?,
                bucket: bucket(model, &this, side, &common, settings)?,
            },
        );
    }
    let role = role(model.role.known().ok_or(Incomplete::Unknown)?, &common)?;
    Ok(Spec {
        source,
        destinations,
        role,
        verification: verification::expand(&model.verification),
        ignored_tags: settings.ignored_tags.clone(),
        keys_left: BTreeMap::new(),
    })
}

/// How a side's account is entered, as written; `account_id` counts where the provider has a block for it.
pub fn way_in(side: &SideModel, settings: &Settings) -> WayIn {
    let own = side.profile.known().is_some() || side.assume_role.known().is_some();
    if !own {
        let block = side
            .account_id
            .known()
            .and_then(|id| settings.accounts.get(id));
        return block.unwrap_or(&settings.own_way_in).clone();
    }
    WayIn {
        profile: side.profile.known().cloned(),
        assume_role: side
            .assume_role
            .known()
            .map(assume_role::expand)
            .into_iter()
            .collect(),
        ..WayIn::default()
    }
}

/// Whether everything is known that says how a side's account is entered.
pub fn way_is_known(side: &SideModel) -> bool {
    !side.profile.is_unknown() && side.assume_role.to_value().is_wholly_known()
}

fn bucket(
    model: &BucketModel,
    this: &Side,
    side: &SideModel,
    common: &Tags,
    settings: &Settings,
) -> Result<BucketSpec, Incomplete> {
    let location = location(this, side, settings)?;
    let mut tags = common.clone();
    tags.extend(known_entries(&side.tags));
    let place = Place {
        model,
        settings,
        location: &location,
    };
    let encryption = encryption(
        this,
        side,
        side.encryption.known().ok_or(Incomplete::Unknown)?,
        &tags,
        &place,
    )?;
    Ok(BucketSpec {
        name: BucketName::parse(known(&side.bucket)?).map_err(invalid(this, "bucket"))?,
        location,
        encryption,
        retired_keys: retired_keys(model, this),
        leftovers: BucketLeftovers::default(),
        live_keys: BTreeMap::new(),
        policy: PolicySpec {
            statements: statements(&side.policy, &|| side_path(this).attribute("policy"))?,
            require_tls: switch(&side.require_tls)?,
            exclusive: switch(&side.exclusive_policy)?,
        },
        custody: if *known(&side.existing)? {
            Custody::Existing(existing_bucket(side)?)
        } else {
            Custody::Ours(bucket_settings(side, tags)?)
        },
    })
}

/// Where a side's bucket is, and how its account is entered.
pub(crate) fn location(
    this: &Side,
    side: &SideModel,
    settings: &Settings,
) -> Result<Location, Incomplete> {
    if !way_is_known(side) {
        return Err(Incomplete::Unknown);
    }
    let region = Region::parse(known(&side.region)?).map_err(invalid(this, "region"))?;
    Ok(Location {
        account: AccountId::parse(known(&side.account_id)?).map_err(invalid(this, "account_id"))?,
        partition: region.partition(),
        region,
        way_in: Arc::new(way_in(side, settings)),
    })
}

fn invalid(
    this: &Side,
    attribute: &str,
) -> impl FnOnce(crate::replication::ids::InvalidId) -> Incomplete {
    let path = side_path(this).attribute(attribute);
    move |why| Incomplete::Invalid(path, why.to_string())
}

/// What may be done to a bucket of somebody else's. What it had before is in private state.
fn existing_bucket(side: &SideModel) -> Result<ExistingBucket, Incomplete> {
    Ok(ExistingBucket {
        enable_versioning: switch(&side.enable_versioning)?,
        enable_encryption: switch(&side.enable_encryption)?,
        manage_bucket_policy: *known(&side.manage_bucket_policy)?,
        reachable: match &side.reachable {
            Attr::Unknown => return Err(Incomplete::Unknown),
            reachable => *reachable != Attr::Known(false),
        },
        object_lock: None,
        encryption_found: None,
    })
}

fn bucket_settings(side: &SideModel, tags: Tags) -> Result<BucketSettings, Incomplete> {
    let block = side
        .public_access_block
        .known()
        .ok_or(Incomplete::Unknown)?;
    let (object_lock, bypass_governance_on_destroy) =
        crate::provider::replicated_bucket::attributes::object_lock::expand(&side.object_lock)
            .ok_or(Incomplete::Unknown)?;
    Ok(BucketSettings {
        object_ownership: known(&side.object_ownership)?.clone(),
        public_access_block: PublicAccessBlock {
            block_public_acls: *known(&block.block_public_acls)?,
            block_public_policy: *known(&block.block_public_policy)?,
            ignore_public_acls: *known(&block.ignore_public_acls)?,
            restrict_public_buckets: *known(&block.restrict_public_buckets)?,
        },
        lifecycle: crate::provider::replicated_bucket::attributes::lifecycle::expand(side),
        object_lock,
        bypass_governance_on_destroy,
        tags,
        force_destroy: *known(&side.force_destroy)?,
        retain_on_destroy: *known(&side.retain_on_destroy)?,
    })
}

/// What decides how an account is entered.
struct Place<'a> {
    model: &'a BucketModel,
    settings: &'a Settings,
    /// Where the bucket is.
    location: &'a Location,
}

/// Where the account of an existing key is entered: as the bucket's, by the provider's `account` block, or as
/// another side of the resource in that account is.
fn key_location(place: &Place<'_>, arn: &str) -> Option<Location> {
    let arn = Arn::parse_key(arn).ok()?;
    let at = place.location;
    if arn.account == at.account.as_str() {
        return Some(at.clone());
    }
    let block = place.settings.accounts.get(&arn.account).cloned();
    let sides = place.model.sides();
    let way = block.or_else(|| {
        let there = |side: &&SideModel| side.account_id.known() == Some(&arn.account);
        let side = sides.iter().map(|(_, side)| *side).find(there)?;
        way_is_known(side).then(|| way_in(side, place.settings))
    });
    Some(Location {
        account: AccountId::parse(&arn.account).ok()?,
        region: Region::parse(&arn.region).ok()?,
        partition: arn.partition.clone(),
        way_in: Arc::new(way?),
    })
}

fn encryption(
    this: &Side,
    side: &SideModel,
    model: &EncryptionModel,
    bucket_tags: &Tags,
    place: &Place<'_>,
) -> Result<EncryptionSpec, Incomplete> {
    let key = match (&model.kms_key_arn, &model.key) {
        (Attr::Unknown, _) | (_, Attr::Unknown) => return Err(Incomplete::Unknown),
        (Attr::Null, Attr::Null) => None,
        (Attr::Known(arn), Attr::Null) => Some(KeyChoice::Existing(ExistingKey {
            location: key_location(place, arn),
            arn: arn.clone(),
            manage_policy: switch(&side.manage_key_policy)?,
        })),
        // A refresh shows both where somebody put another key in the place of ours, which is still ours to keep.
        (_, Attr::Known(key)) => {
            let mut tags = bucket_tags.clone();
            tags.extend(known_entries(&key.tags));
            Some(KeyChoice::Owned(KeySpec {
                arn: side.kms_key_arn.known().cloned(),
                alias: known(&key.alias)?.clone(),
                description: known(&key.description)?.clone(),
                deletion_window_in_days: small(known(&key.deletion_window_in_days)?),
                enable_key_rotation: *known(&key.enable_key_rotation)?,
                rotation_period_in_days: match &key.rotation_period_in_days {
                    Attr::Unknown => return Err(Incomplete::Unknown),
                    period => period.known().map(small),
                },
                multi_region: *known(&key.multi_region)?,
                enabled: *known(&key.enabled)?,
                policy: statements(&key.policy, &|| {
                    let encryption = side_path(this).attribute("encryption");
                    encryption.attribute("key").attribute("policy")
                })?,
                tags,
            }))
        }
    };
    Ok(EncryptionSpec {
        sse_algorithm: known(&model.sse_algorithm)?.clone(),
        bucket_key_enabled: *known(&model.bucket_key_enabled)?,
        blocked_encryption_types: texts(&model.blocked_encryption_types)?,
        additional_keys: texts(&model.additional_kms_key_arns)?,
        key,
    })
}

/// The texts of a list; none where it is left out.
fn texts(list: &Attr<Vec<Attr<String>>>) -> Result<Vec<String>, Incomplete> {
    match list {
        Attr::Unknown => Err(Incomplete::Unknown),
        Attr::Null => Ok(Vec::new()),
        Attr::Known(list) => list.iter().map(|text| known(text).cloned()).collect(),
    }
}

/// The statements of a document that the user wrote. An unknown one is left out: nothing else depends on it.
fn statements(
    text: &Attr<String>,
    path: &dyn Fn() -> AttributePath,
) -> Result<Vec<Statement>, Incomplete> {
    let Some(text) = text.known() else {
        return Ok(Vec::new());
    };
    match PolicyDocument::parse(text) {
        Ok(document) => Ok(document.statements),
        Err(error) => Err(Incomplete::Invalid(path(), error.to_string())),
    }
}

/// A switch that is off where nothing is written.
fn switch(value: &Attr<bool>) -> Result<bool, Incomplete> {
    match value {
        Attr::Unknown => Err(Incomplete::Unknown),
        value => Ok(value.known().copied().unwrap_or(false)),
    }
}

fn two_way(side: &SideModel, common: &Tags) -> Result<Option<RoleSpec>, Incomplete> {
    if !switch(&side.two_way)? {
        return Ok(None);
    }
    let model = side.two_way_role.known().ok_or(Incomplete::Unknown)?;
    role(model, common).map(Some)
}

fn role(model: &RoleModel, common: &Tags) -> Result<RoleSpec, Incomplete> {
    let ownership = match &model.existing_arn {
        Attr::Unknown => return Err(Incomplete::Unknown),
        Attr::Known(_) => RoleOwnership::Existing {
            manage_policy: *known(&model.manage_policy)?,
        },
        Attr::Null => {
            let mut tags = common.clone();
            tags.extend(known_entries(&model.tags));
            RoleOwnership::Owned {
                description: known(&model.description)?.clone(),
                permissions_boundary: model.permissions_boundary.known().cloned(),
                tags,
            }
        }
    };
    Ok(RoleSpec {
        name: known(&model.name)?.clone(),
        path: known(&model.path)?.clone(),
        ownership,
    })
}

/// What may be left out.
fn optional<T: Clone>(value: &Attr<T>) -> Result<Option<T>, Incomplete> {
    match value {
        Attr::Unknown => Err(Incomplete::Unknown),
        Attr::Null => Ok(None),
        Attr::Known(value) => Ok(Some(value.clone())),
    }
}

fn known<T>(value: &Attr<T>) -> Result<&T, Incomplete> {
    value.known().ok_or(Incomplete::Unknown)
}

/// A number that validation keeps within 32 bits.
fn small(number: &i64) -> i32 {
    i32::try_from(*number).unwrap_or(i32::MAX)
}
