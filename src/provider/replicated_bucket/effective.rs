//! Works out every value that the practitioner left to us.
//!
//! A planned value follows only from the configuration, the refreshed state and the account ids of the
//! locations, so plan and apply arrive at the same ones. What is unknown stays unknown, and so does whatever
//! follows from it.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{
    BucketModel, EncryptionModel, KeyModel, PublicAccessBlockModel, RoleModel, SideModel,
    SourceModel, TextMap, text_map,
};
use crate::framework::model::Attr;
use crate::replication::component::Side;
use crate::replication::ids::Arn;
use crate::replication::names;

use Attr::{Known, Null, Unknown};

/// AWS's own period between rotations.
const ROTATION_PERIOD_IN_DAYS: i64 = 365;

/// What defaults follow from, beside the configuration.
#[derive(Debug, Clone)]
pub struct Ground<'a> {
    /// The state, after a refresh.
    pub prior: Option<&'a BucketModel>,
    /// Settings found by an import; unwritten ones keep these values.
    pub kept: Option<&'a BucketModel>,
    /// The provider's region.
    pub region: Attr<String>,
    /// Accounts that locations were found to lead to.
    pub accounts: &'a BTreeMap<Side, String>,
}

/// The configuration with every default worked out; attributes that AWS decides are left null.
pub fn effective(config: &BucketModel, ground: &Ground<'_>) -> BucketModel {
    let mut model = BucketModel {
        tags: config.tags.clone(),
        ..BucketModel::default()
    };
    model.source = match &config.source {
        Known(source) => {
            let previous = ground
                .prior
                .map_or(Null, |prior| previous_source(prior, &source.0));
            Known(SourceModel(side(
                &Side::Source,
                &source.0,
                &previous,
                &Known("AES256".to_owned()),
                ground,
            )))
        }
        Unknown => Unknown,
        Null => Null,
    };
    model.destinations = match &config.destinations {
        Known(destinations) => Known(self::destinations(destinations, &model, ground)),
        Unknown => Unknown,
        Null => Null,
    };
    model.role = match &config.role {
        Unknown => Unknown,
        Known(role) => Known(self::role(role, &model, ground)),
        Null => Known(self::role(&RoleModel::default(), &model, ground)),
    };
    model
}

/// The state's source, where the configuration still means the same bucket; unknown where that is not known yet.
pub fn previous_source<'a>(prior: &'a BucketModel, config: &SideModel) -> Attr<&'a SideModel> {
    match prior.source.known() {
        Some(source) => same_place(&source.0, config),
        None => Null,
    }
}

/// The state's destination that is the same bucket, under whatever key; unknown where that is not known yet.
/// `config` has its bucket's name worked out.
pub fn previous_destination<'a>(prior: &'a BucketModel, config: &SideModel) -> Attr<&'a SideModel> {
    prior
        .destinations
        .known()
        .into_iter()
        .flat_map(BTreeMap::values)
        .filter_map(Attr::known)
        .map(|side| same_place(side, config))
        .find(|previous| !previous.is_null())
        .unwrap_or(Null)
}

/// The state's side that is the same bucket as a worked-out side of the model.
pub fn previous<'a>(prior: &'a BucketModel, this: &Side, now: &SideModel) -> Attr<&'a SideModel> {
    match this {
        Side::Source => previous_source(prior, now),
        Side::Destination(_) => previous_destination(prior, now),
    }
}

fn same_place<'a>(prior: &'a SideModel, config: &SideModel) -> Attr<&'a SideModel> {
    let places = [
        (&config.bucket, &prior.bucket),
        (&config.account_id, &prior.account_id),
        (&config.region, &prior.region),
    ];
    if places
        .iter()
        .any(|(written, was)| written.known().is_some() && written != was)
    {
        Null
    } else if places.iter().any(|(written, _)| written.is_unknown()) {
        Unknown
    } else {
        Known(prior)
    }
}

fn destinations(
    config: &BTreeMap<String, Attr<SideModel>>,
    model: &BucketModel,
    ground: &Ground<'_>,
) -> BTreeMap<String, Attr<SideModel>> {
    let source = model.source.known();
    let source_bucket = source.map_or(Unknown, |s| s.bucket.clone());
    let algorithm = source.map_or(Unknown, |s| match &s.encryption {
        Known(encryption) => encryption.sse_algorithm.clone(),
        _ => Unknown,
    });
    let mut worked_out = BTreeMap::new();
    for (key, destination) in config {
        let value = match destination {
            Known(written) => {
                let mut written = written.clone();
                written.bucket = written.bucket.or(|| {
                    source_bucket
                        .clone()
                        .map(|source| names::default_destination_bucket(&source, key))
                });
                let previous = ground
                    .prior
                    .map_or(Null, |prior| previous_destination(prior, &written));
                let this = Side::Destination(key.clone());
                let mut side = side(&this, &written, &previous, &algorithm, ground);
                let kept = kept_side(ground, &written.bucket);
                side.enabled = setting(&written.enabled, kept.get(|k| &k.enabled), || Known(true));
                side.storage_class = written.storage_class.clone();
                side.delete_marker_replication = setting(
                    &written.delete_marker_replication,
                    kept.get(|k| &k.delete_marker_replication),
                    || Known(false),
                );
                side.priority = setting(&written.priority, previous.get(|p| &p.priority), || Null);
                side.rule_ids = rule_ids(key, ground.prior, &previous);
                Known(side)
            }
            Unknown => Unknown,
            Null => Null,
        };
        worked_out.insert(key.clone(), value);
    }
    number(&mut worked_out, config);
    worked_out
}

/// Gives every destination without a priority the lowest free number, in the order of keys. A written number counts
/// first, then one that a destination has already; what may be taken by a number that is not known yet is unknown.
fn number(
    destinations: &mut BTreeMap<String, Attr<SideModel>>,
    config: &BTreeMap<String, Attr<SideModel>>,
) {
    let written = |key: &String| match config.get(key) {
        Some(Known(side)) => side.priority.clone(),
        Some(Unknown) => Unknown,
        Some(Null) | None => Null,
    };
    let mut taken: BTreeSet<i64> = BTreeSet::new();
    let mut any_is_possible = false;
    for key in config.keys() {
        match written(key) {
            Known(priority) => {
                taken.insert(priority);
            }
            Unknown => any_is_possible = true,
            Null => {}
        }
    }
    let mut unwritten: Vec<&mut Attr<i64>> = destinations
        .iter_mut()
        .filter(|(key, _)| written(key).is_null())
        .filter_map(|(_, side)| match side {
            Known(side) => Some(&mut side.priority),
            Unknown | Null => None,
        })
        .collect();
    for priority in &mut unwritten {
        if any_is_possible {
            **priority = Unknown;
        } else if let Known(stored) = **priority
            && !taken.insert(stored)
        {
            **priority = Null;
        }
    }
    let all_known = !unwritten.iter().any(|priority| priority.is_unknown());
    for priority in unwritten.into_iter().filter(|priority| priority.is_null()) {
        *priority = if all_known {
            let free = (0..).find(|n| !taken.contains(n)).unwrap_or(0);
            taken.insert(free);
            Known(free)
        } else {
            Unknown
        };
    }
}

/// The IDs that state has for a destination of this key and bucket; else our own.
fn rule_ids(key: &str, prior: Option<&BucketModel>, previous: &Attr<&SideModel>) -> Attr<TextMap> {
    let under_key = prior.and_then(|p| p.destinations.known()?.get(key)?.known());
    match (previous, under_key) {
        (Unknown, _) => Unknown,
        (Known(previous), Some(under_key)) if previous.bucket == under_key.bucket => {
            previous.rule_ids.clone()
        }
        _ => Known(text_map([("default".to_owned(), names::rule_id(key))])),
    }
}

fn side(
    this: &Side,
    written: &SideModel,
    previous: &Attr<&SideModel>,
    algorithm: &Attr<String>,
    ground: &Ground<'_>,
) -> SideModel {
    let kept = &kept_side(ground, &written.bucket);
    SideModel {
        bucket: written.bucket.clone(),
        account_id: setting(&written.account_id, previous.get(|p| &p.account_id), || {
            ground.accounts.get(this).cloned().map_or(Unknown, Known)
        }),
        region: setting(&written.region, previous.get(|p| &p.region), || {
            ground.region.clone()
        }),
        profile: written.profile.clone(),
        assume_role: written.assume_role.clone(),
        force_destroy: written.force_destroy.clone().or(|| Known(false)),
        retain_on_destroy: written.retain_on_destroy.clone().or(|| Known(false)),
        encryption: match &written.encryption {
            Unknown => Unknown,
            Known(encryption) => Known(self::encryption(
                encryption,
                kept,
                &written.bucket,
                algorithm,
            )),
            Null => {
                let nothing = EncryptionModel::default();
                Known(self::encryption(&nothing, kept, &written.bucket, algorithm))
            }
        },
        public_access_block: match &written.public_access_block {
            Unknown => Unknown,
            Known(block) => Known(self::public_access_block(block, kept)),
            Null => Known(self::public_access_block(
                &PublicAccessBlockModel::default(),
                kept,
            )),
        },
        object_ownership: setting(
            &written.object_ownership,
            kept.get(|k| &k.object_ownership),
            || Known("BucketOwnerEnforced".to_owned()),
        ),
        tags: written.tags.clone(),
        ..SideModel::default()
    }
}

fn encryption(
    written: &EncryptionModel,
    kept: &Attr<&SideModel>,
    bucket: &Attr<String>,
    algorithm: &Attr<String>,
) -> EncryptionModel {
    let kept = &kept.get(|k| &k.encryption);
    let sse_algorithm = setting(
        &written.sse_algorithm,
        kept.get(|k| &k.sse_algorithm),
        || {
            match &written.kms_key_arn {
                // Naming a key says KMS.
                Known(_) => Known("aws:kms".to_owned()),
                Unknown => Unknown,
                Null => algorithm.clone(),
            }
        },
    );
    let kms = sse_algorithm.as_ref().map(|a| a.starts_with("aws:kms"));
    let bucket_key_enabled = setting(
        &written.bucket_key_enabled,
        kept.get(|k| &k.bucket_key_enabled),
        || kms.clone(),
    );
    let key = match (&written.key, &kms, &written.kms_key_arn) {
        (Unknown, ..) => Unknown,
        (Known(key), ..) => Known(self::key(key, kept, bucket)),
        (Null, Known(false), _) | (Null, _, Known(_)) => Null,
        (Null, Known(true), Null) => Known(self::key(&KeyModel::default(), kept, bucket)),
        (Null, ..) => Unknown,
    };
    EncryptionModel {
        sse_algorithm,
        kms_key_arn: written.kms_key_arn.clone(),
        bucket_key_enabled,
        key,
    }
}

fn key(written: &KeyModel, kept: &Attr<&EncryptionModel>, bucket: &Attr<String>) -> KeyModel {
    let kept = &kept.get(|k| &k.key);
    let enable_key_rotation = setting(
        &written.enable_key_rotation,
        kept.get(|k| &k.enable_key_rotation),
        || Known(true),
    );
    KeyModel {
        alias: setting(&written.alias, kept.get(|k| &k.alias), || {
            bucket.clone().map(|name| names::default_alias(&name))
        }),
        description: setting(&written.description, kept.get(|k| &k.description), || {
            bucket
                .clone()
                .map(|name| names::default_key_description(&name))
        }),
        deletion_window_in_days: written.deletion_window_in_days.clone().or(|| Known(30)),
        rotation_period_in_days: setting(
            &written.rotation_period_in_days,
            kept.get(|k| &k.rotation_period_in_days),
            || match &enable_key_rotation {
                Known(true) => Known(ROTATION_PERIOD_IN_DAYS),
                Known(false) | Null => Null,
                Unknown => Unknown,
            },
        ),
        enable_key_rotation,
        multi_region: setting(&written.multi_region, kept.get(|k| &k.multi_region), || {
            Known(false)
        }),
        tags: written.tags.clone(),
    }
}

fn public_access_block(
    written: &PublicAccessBlockModel,
    kept: &Attr<&SideModel>,
) -> PublicAccessBlockModel {
    let kept = &kept.get(|k| &k.public_access_block);
    let switch = |written: &Attr<bool>, kept: Attr<&bool>| setting(written, kept, || Known(true));
    PublicAccessBlockModel {
        block_public_acls: switch(
            &written.block_public_acls,
            kept.get(|k| &k.block_public_acls),
        ),
        block_public_policy: switch(
            &written.block_public_policy,
            kept.get(|k| &k.block_public_policy),
        ),
        ignore_public_acls: switch(
            &written.ignore_public_acls,
            kept.get(|k| &k.ignore_public_acls),
        ),
        restrict_public_buckets: switch(
            &written.restrict_public_buckets,
            kept.get(|k| &k.restrict_public_buckets),
        ),
    }
}

fn role(written: &RoleModel, model: &BucketModel, ground: &Ground<'_>) -> RoleModel {
    let kept = &ground.kept.map_or(Null, |k| k.role.as_ref());
    let source = model.source.known();
    let bucket = source.map_or(Unknown, |s| s.bucket.clone());
    let mut role = RoleModel {
        name_prefix: written.name_prefix.clone(),
        permissions_boundary: written.permissions_boundary.clone(),
        tags: written.tags.clone(),
        existing_arn: written.existing_arn.clone(),
        ..RoleModel::default()
    };
    match &written.existing_arn {
        Unknown => {
            role.name = written.name.clone().or(|| Unknown);
            role.path = written.path.clone().or(|| Unknown);
            role.description = written.description.clone().or(|| Unknown);
            role.manage_policy = written.manage_policy.clone().or(|| Unknown);
        }
        Known(arn) => {
            if let Ok(arn) = Arn::parse_role(arn) {
                let (path, name) = path_and_name(&arn);
                // Written, they are refused; unknown, they may turn out to be null.
                role.name = written.name.clone().or(|| Known(name));
                role.path = written.path.clone().or(|| Known(path));
            }
            role.description = written.description.clone();
            role.manage_policy = written.manage_policy.clone().or(|| Known(true));
        }
        Null => {
            role.manage_policy = written.manage_policy.clone();
            role.name = match (&written.name, &written.name_prefix) {
                (Null, Known(prefix)) => match (source.map(|s| &s.account_id), &bucket) {
                    (Some(Known(account)), Known(bucket)) => Known(names::prefixed_role_name(
                        prefix,
                        &format!("{account}/{bucket}"),
                    )),
                    _ => Unknown,
                },
                (Null, Unknown) => Unknown,
                (name, _) => setting(name, kept.get(|k| &k.name), || {
                    bucket
                        .clone()
                        .map(|bucket| names::default_role_name(&bucket))
                }),
            };
            role.path = setting(&written.path, kept.get(|k| &k.path), || {
                Known("/".to_owned())
            });
            role.description = setting(&written.description, kept.get(|k| &k.description), || {
                bucket.map(|bucket| names::default_role_description(&bucket))
            });
        }
    }
    role
}

/// A role's path and name, from its ARN.
pub fn path_and_name(role: &Arn) -> (String, String) {
    let resource = role.resource.strip_prefix("role").unwrap_or(&role.resource);
    match resource.rfind('/') {
        Some(end) => (resource[..=end].to_owned(), resource[end + 1..].to_owned()),
        None => ("/".to_owned(), resource.to_owned()),
    }
}

/// What an import found of a bucket; unknown while the name is.
fn kept_side<'a>(ground: &Ground<'a>, bucket: &Attr<String>) -> Attr<&'a SideModel> {
    match (ground.kept, bucket) {
        (Some(_), Unknown) => Unknown,
        (Some(kept), Known(bucket)) => {
            Attr::from_option(kept.side_of_bucket(bucket).map(|(_, side)| side))
        }
        _ => Null,
    }
}

/// The written value; else the one that was there before; else the default. While it is not known whether there
/// was one before, the value is unknown, too.
fn setting<T: Clone>(
    written: &Attr<T>,
    before: Attr<&T>,
    default: impl FnOnce() -> Attr<T>,
) -> Attr<T> {
    written.clone().or(|| before.map(T::clone).or(default))
}

/// An attribute of something that may not be there, or not be known.
trait Get<'a, T: 'a> {
    fn get<U>(&self, attribute: impl FnOnce(&'a T) -> &'a Attr<U>) -> Attr<&'a U>;
}

impl<'a, T: 'a> Get<'a, T> for Attr<&'a T> {
    fn get<U>(&self, attribute: impl FnOnce(&'a T) -> &'a Attr<U>) -> Attr<&'a U> {
        match self {
            Null => Null,
            Unknown => Unknown,
            Known(object) => attribute(object).as_ref(),
        }
    }
}

#[cfg(test)]
mod tests;
