//! Checks across attributes, without credentials and with unknown values anywhere.
//!
//! What AWS would refuse in the middle of an apply, or accept and then not do, is said here at the attribute.

mod rule;

use std::collections::{BTreeMap, BTreeSet};

use super::attributes::{bucket_prefix, lifecycle, object_lock, policies, timeouts, verification};
use super::model::{BucketModel, EncryptionModel, RoleModel, SideModel};
use super::values::effective::{Ground, effective};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::value::AttributePath;
use crate::provider::checks::not_empty;
use crate::provider::replicated_bucket::paths::{role_path, side_path};
use crate::replication::component::Side;
use crate::replication::ids::{Arn, Region};

/// Checks what the practitioner wrote.
pub(crate) fn validate(config: &BucketModel) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for (this, side) in config.sides() {
        check_side(&this, side, &mut diagnostics);
        rule::check_written(&this, side, &mut diagnostics);
    }
    for (from, role) in config.roles() {
        check_role(&role_path(&from), role, &mut diagnostics);
    }
    check_two_way(config, &mut diagnostics);
    super::attributes::existing::check(config, &mut diagnostics);
    bucket_prefix::check(config, &mut diagnostics);
    timeouts::check(config, &mut diagnostics);
    verification::check(config, &mut diagnostics);
    check_whole(config, &mut diagnostics);
    diagnostics
}

pub(crate) use rule::check_worked_out;

/// Checks the worked-out model: setups that AWS accepts and that do not do what they say get a warning.
pub(crate) fn warn(config: &BucketModel, model: &BucketModel, diagnostics: &mut Diagnostics) {
    let Some(source) = model.source.known() else {
        return;
    };
    let kms = |side: &SideModel| {
        side.encryption
            .known()
            .and_then(|e| e.sse_algorithm.known())
            .map(|a| a.starts_with("aws:kms"))
    };
    rule::warn_overlaps(config, model, diagnostics);
    rule::warn_keys(kms(&source.0), model, diagnostics);
    warn_of_several_ways_back(model, diagnostics);
    for (this, side) in model.sides() {
        if this == Side::Source {
            continue;
        }
        let path = side_path(&this);
        lifecycle::warn(&path, side, diagnostics);
        if side.two_way == Attr::Known(true)
            && kms(side) == Some(true)
            && kms(&source.0) == Some(false)
        {
            diagnostics.warning_at(
                path.attribute("two_way"),
                "Objects under KMS are not replicated back",
                format!("{this} encrypts with a KMS key and the source with AES256. S3 replicates objects under a KMS key only to a bucket that has a key for the replicas, so of the objects written to {this} none with its default encryption arrives at the source. Write sse_algorithm = \"aws:kms\" on the source, or AES256 here."),
            );
        }
        match (kms(&source.0), kms(side)) {
            (Some(true), Some(false)) if rule::passes_over_unasked(config.side(&this), side) => diagnostics.warning_at(
                path.attribute("encryption"),
                "Objects under KMS are not replicated",
                format!("The source encrypts with aws:kms and {this} with AES256. S3 replicates objects under a KMS key only to a destination that has a key for the replicas, so of the objects with the source's default encryption none arrives. Leave `encryption` out on the destination, or write sse_algorithm = \"aws:kms\"."),
            ),
            // Nobody has asked for it: an import found it so.
            (Some(true), Some(true)) if rule::passes_over_unasked(config.side(&this), side) => diagnostics.warning_at(
                path.attribute("replicate_encrypted_objects"),
                "Objects under KMS are not replicated",
                format!("The source encrypts with aws:kms, and a rule to {this} passes over objects under a KMS key, as an import found it: none of the objects with the source's default encryption arrives. Write replicate_encrypted_objects = true, and the role is granted the keys; or false, where that is meant."),
            ),
            (Some(false), Some(true)) => diagnostics.warning_at(
                path.attribute("encryption"),
                "Replicas keep the source's kind of encryption",
                format!("{this} has a KMS key, but the source encrypts with AES256, and replicas keep the source's type of encryption: they will not be under the key. Write sse_algorithm = \"aws:kms\" on the source as well."),
            ),
            _ => {}
        }
        let names_location = config.side(&this).is_none_or(|c| {
            !(c.account_id.is_null()
                && c.region.is_null()
                && c.profile.is_null()
                && c.assume_role.is_null())
        });
        if !names_location
            && side.account_id.known().is_some()
            && side.account_id == source.account_id
            && side.region == source.region
        {
            diagnostics.warning_at(
                path,
                "The destination is in the source's own account and region",
                format!("{this} names no location, so it is made next to the source. If that is meant, write `region` to say so."),
            );
        }
    }
}

/// S3 does not replicate replicas, so two destinations never have each other's objects.
fn warn_of_several_ways_back(model: &BucketModel, diagnostics: &mut Diagnostics) {
    let sides = model.sides();
    let mut two_way = sides
        .iter()
        .filter(|(_, side)| side.two_way == Attr::Known(true));
    let first = two_way.next();
    for (this, _) in two_way {
        if let Some((first, _)) = first {
            diagnostics.warning_at(
                side_path(this).attribute("two_way"),
                "Replicas are not replicated on",
                format!("{first} and {this} both replicate back to the source, but S3 does not replicate a replica: what is written to one of them arrives at the source and not at the other. Only what is written to the source arrives everywhere."),
            );
        }
    }
}

fn check_side(this: &Side, side: &SideModel, diagnostics: &mut Diagnostics) {
    let path = side_path(this);
    if let Some(block) = side.public_access_block.known() {
        not_empty(&path.attribute("public_access_block"), block, diagnostics);
    }
    object_lock::check(&path, side, diagnostics);
    lifecycle::check(&path, side, diagnostics);
    let Some(encryption) = side.encryption.known() else {
        return;
    };
    let path = path.attribute("encryption");
    not_empty(&path, encryption, diagnostics);
    super::attributes::encryption::check(this, side, encryption, diagnostics);
    check_encryption(&path, side, encryption, diagnostics);
}

fn check_encryption(
    path: &AttributePath,
    side: &SideModel,
    encryption: &EncryptionModel,
    diagnostics: &mut Diagnostics,
) {
    if let Some(key) = encryption.key.known() {
        not_empty(&path.attribute("key"), key, diagnostics);
        if encryption.kms_key_arn.known().is_some() {
            diagnostics.error_at(
                path.attribute("key"),
                "Two keys for one bucket",
                "`kms_key_arn` names an existing key and `key` describes one to be made; write one of them.",
            );
        }
    }
    if encryption.sse_algorithm.known().map(String::as_str) == Some("AES256") {
        for (name, written) in [
            ("kms_key_arn", encryption.kms_key_arn.known().is_some()),
            ("key", encryption.key.known().is_some()),
            (
                "bucket_key_enabled",
                encryption.bucket_key_enabled == Attr::Known(true),
            ),
        ] {
            if written {
                diagnostics.error_at(
                    path.attribute(name),
                    "Not possible with AES256",
                    format!("`{name}` belongs to KMS. Write sse_algorithm = \"aws:kms\", or leave `{name}` out."),
                );
            }
        }
    }
    check_key_region(path, side, encryption, diagnostics);
}

/// An existing key must be in its bucket's region. Without effect where one of them is not known.
pub(crate) fn check_key_region(
    path: &AttributePath,
    side: &SideModel,
    encryption: &EncryptionModel,
    diagnostics: &mut Diagnostics,
) {
    if let (Some(arn), Some(region)) = (encryption.kms_key_arn.known(), side.region.known())
        && let (Ok(arn), Ok(region)) = (Arn::parse_key(arn), Region::parse(region))
        && arn.region != region.as_str()
    {
        diagnostics.error_at(
            path.attribute("kms_key_arn"),
            "The key is in another region",
            format!("The bucket is in {region} and the key in {}: S3 uses only keys of the bucket's own region. Name a key there, or leave `kms_key_arn` out, and one is made.", arn.region),
        );
    }
}

/// A role back is of use only with a way back.
pub(crate) fn check_two_way(model: &BucketModel, diagnostics: &mut Diagnostics) {
    for (this, side) in model.sides() {
        let one_way = !matches!(side.two_way, Attr::Known(true) | Attr::Unknown);
        if one_way && side.two_way_role.known().is_some() {
            diagnostics.error_at(
                side_path(&this).attribute("two_way_role"),
                "Only with two_way",
                format!("`two_way_role` is the role by which {this} replicates back to the source. Write `two_way = true` as well, or leave the role out."),
            );
        }
    }
}

fn check_role(path: &AttributePath, role: &RoleModel, diagnostics: &mut Diagnostics) {
    not_empty(path, role, diagnostics);
    if role.name.known().is_some() && role.name_prefix.known().is_some() {
        diagnostics.error_at(
            path.attribute("name_prefix"),
            "Two names for one role",
            "`name` and `name_prefix` exclude each other.",
        );
    }
    if role.existing_arn.is_null() {
        if role.manage_policy.known().is_some() {
            diagnostics.error_at(
                path.attribute("manage_policy"),
                "Only with an existing role",
                "`manage_policy` says what happens to the role that `existing_arn` names; the role that this resource makes always has its policy.",
            );
        }
        return;
    }
    if role.existing_arn.is_unknown() {
        return;
    }
    for (name, written) in [
        ("name", role.name.known().is_some()),
        ("name_prefix", role.name_prefix.known().is_some()),
        ("path", role.path.known().is_some()),
        ("description", role.description.known().is_some()),
        (
            "permissions_boundary",
            role.permissions_boundary.known().is_some(),
        ),
        ("tags", role.tags.known().is_some()),
    ] {
        if written {
            diagnostics.error_at(
                path.attribute(name),
                "Not with an existing role",
                format!("`{name}` describes a role to be made, and `existing_arn` names one that belongs to somebody else."),
            );
        }
    }
}

fn check_whole(config: &BucketModel, diagnostics: &mut Diagnostics) {
    let accounts = BTreeMap::new();
    let names = effective(
        config,
        &Ground {
            prior: None,
            kept: None,
            region: Attr::Unknown,
            accounts: &accounts,
            own_encryption: &BTreeSet::new(),
            found: None,
            drawn: None,
        },
    );
    policies::validate(&names, diagnostics);
    check_distinct(&names, diagnostics);
    rule::check_worked_out(&names, diagnostics);
}

/// A destination is its bucket, so each bucket stands once.
pub(crate) fn check_distinct(model: &BucketModel, diagnostics: &mut Diagnostics) {
    let mut buckets: BTreeMap<String, Side> = BTreeMap::new();
    for (this, side) in model.sides() {
        let path = side_path(&this);
        if let Some(bucket) = side.bucket.known() {
            match buckets.get(bucket) {
                Some(Side::Source) => diagnostics.error_at(
                    path.attribute("bucket"),
                    "Source and destination are the same bucket",
                    format!("S3 does not replicate a bucket into itself: {bucket} is the source. Write another name, or leave `bucket` out for one that follows from the source's."),
                ),
                Some(other) => diagnostics.error_at(
                    path.attribute("bucket"),
                    "One bucket under two keys",
                    format!("{bucket} is {other} already; a destination is its bucket, so it stands once."),
                ),
                None => {
                    buckets.insert(bucket.clone(), this.clone());
                }
            }
        }
    }
}
