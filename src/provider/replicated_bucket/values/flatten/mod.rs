//! From the domain to the model: what was seen at AWS goes over the state, attribute by attribute.
//!
//! An attribute shows what AWS shows, in the user's own spelling where both mean the same. What is gone
//! altogether keeps its attributes and is told at its component.

mod rule;

use std::collections::{BTreeMap, BTreeSet};

use crate::framework::model::{Attr, TextMap, known_entries, text_map};
use crate::provider::replicated_bucket::attributes::{lifecycle, object_lock, policies};
use crate::provider::replicated_bucket::model::{
    BucketModel, EncryptionModel, KeyModel, PublicAccessBlockModel, RoleModel, SideModel,
};
use crate::replication::component::Side;
use crate::replication::names;
use crate::replication::observed::{Observed, ObservedBucket, ObservedKey, ObservedRole, Presence};
use crate::replication::operation::{BucketEncryption, Input, ReplicationRule, Tags};

pub use rule::found_rule;

use Attr::{Known, Null};

/// What was seen, over the state. `inherited` are the tags that come from the provider and the resource.
pub fn flatten(
    state: &BucketModel,
    observed: &Observed,
    inherited: &Tags,
    own_encryption: &BTreeSet<String>,
) -> BucketModel {
    let mut model = state.clone();
    let owner = owner(state);
    let rules: Vec<ReplicationRule> = observed
        .buckets
        .get(&Side::Source)
        .and_then(|b| b.replication.present())
        .map(|configuration| configuration.rules.clone())
        .unwrap_or_default();
    for (this, side) in model.sides_mut() {
        let Some(seen) = observed.buckets.get(&this) else {
            continue;
        };
        let before = state.side(&this);
        if seen.region.present().is_some() && side.existing == Known(true) {
            flatten_existing(&this, side, seen, inherited, own_encryption);
        } else if seen.region.present().is_some() {
            if let Some(owner) = &owner {
                side.require_tls = policies::requires_tls(owner, &this, &side.require_tls, seen);
            }
            flatten_bucket(side, seen, inherited);
        } else {
            // The bucket is gone; its key may be there, with differences of its own.
            let bucket_tags = tags_of_bucket(side, inherited);
            flatten_own_key(side, seen, &bucket_tags);
        }
        if this != Side::Source {
            let bucket_key = before.and_then(|side| side.kms_key_arn.known());
            rule::flatten_rules(side, bucket_key, &rules);
        }
    }
    for (from, role) in model.roles_mut() {
        match observed.role(&from) {
            Presence::Present(seen) => flatten_role(role, seen, inherited),
            Presence::Absent => role.unique_id = Null,
            Presence::Unasked => {}
        }
    }
    model
}

/// The value of the owner tag.
fn owner(state: &BucketModel) -> Option<String> {
    let source = state.source.known()?;
    let account = source.account_id.known()?;
    Some(format!("{account}/{}", source.bucket.known()?))
}

/// Of somebody else's bucket only its default encryption is an attribute: where it is its own, and where we write it.
fn flatten_existing(
    this: &Side,
    side: &mut SideModel,
    seen: &ObservedBucket,
    inherited: &Tags,
    own_encryption: &BTreeSet<String>,
) {
    let is_source = *this == Side::Source;
    let written_by_us = is_source && side.enable_encryption == Known(true);
    let is_own = side
        .bucket
        .known()
        .is_some_and(|b| own_encryption.contains(b));
    if written_by_us {
        flatten_encryption(side, seen, inherited);
    } else if (is_own || is_source)
        && let Some(found) = seen.encryption.present()
    {
        side.encryption = Known(EncryptionModel {
            sse_algorithm: Known(found.sse_algorithm.clone()),
            kms_key_arn: Attr::from_option(seen.default_key().cloned()),
            bucket_key_enabled: Known(found.bucket_key_enabled),
            ..EncryptionModel::default()
        });
    } else {
        flatten_own_key(side, seen, inherited);
    }
}

fn flatten_bucket(side: &mut SideModel, seen: &ObservedBucket, inherited: &Tags) {
    side.object_ownership = match &seen.object_ownership {
        Presence::Present(ownership) => Known(ownership.clone()),
        // A bucket without the setting behaves as buckets did before there was one.
        Presence::Absent => Known("ObjectWriter".to_owned()),
        Presence::Unasked => side.object_ownership.clone(),
    };
    side.public_access_block = match &seen.public_access_block {
        Presence::Unasked => side.public_access_block.clone(),
        found => {
            let on = |switch: fn(&crate::replication::operation::PublicAccessBlock) -> bool| {
                Known(found.present().is_some_and(switch))
            };
            Known(PublicAccessBlockModel {
                block_public_acls: on(|b| b.block_public_acls),
                block_public_policy: on(|b| b.block_public_policy),
                ignore_public_acls: on(|b| b.ignore_public_acls),
                restrict_public_buckets: on(|b| b.restrict_public_buckets),
            })
        }
    };
    object_lock::flatten(side, &seen.object_lock);
    lifecycle::flatten(side, &seen.lifecycle);
    let bucket_tags = tags_of_bucket(side, inherited);
    let nothing = Tags::new();
    if let Some(tags) = match &seen.tags {
        Presence::Present(tags) => Some(tags),
        Presence::Absent => Some(&nothing),
        Presence::Unasked => None,
    } {
        flatten_tags(&mut side.tags, &mut side.tags_all, inherited, tags);
    }
    side.policy = policies::seen(&side.policy, &seen.policy);
    flatten_encryption(side, seen, &bucket_tags);
}

/// What a key inherits: the tags that its bucket should have, whatever it has.
fn tags_of_bucket(side: &SideModel, inherited: &Tags) -> Tags {
    let mut tags = inherited.clone();
    tags.extend(known_entries(&side.tags));
    tags
}

fn flatten_encryption(side: &mut SideModel, seen: &ObservedBucket, bucket_tags: &Tags) {
    let Some(found) = seen.encryption.present() else {
        return;
    };
    let mut encryption = side.encryption.known().cloned().unwrap_or_default();
    let owned = encryption.key.known().is_some();
    encryption.sse_algorithm = Known(found.sse_algorithm.clone());
    encryption.bucket_key_enabled = Known(found.bucket_key_enabled);
    flatten_blocked(&mut encryption.blocked_encryption_types, found);
    let in_use = seen.key_in_use();
    let in_use = in_use.as_ref().and_then(Input::known);
    let our_key = side.kms_key_arn.known().filter(|_| owned);
    if our_key != in_use {
        // Somebody put another key, or none, in the place of the one in state.
        encryption.kms_key_arn = Attr::from_option(in_use.cloned());
    } else if owned {
        encryption.kms_key_arn = Null;
    }
    side.encryption = Known(encryption);
    flatten_own_key(side, seen, bucket_tags);
}

fn flatten_own_key(side: &mut SideModel, seen: &ObservedBucket, bucket_tags: &Tags) {
    let Known(EncryptionModel {
        key: Known(key), ..
    }) = &mut side.encryption
    else {
        return;
    };
    match &seen.key {
        Presence::Present(seen) => flatten_key(key, seen, bucket_tags),
        Presence::Absent => {
            side.kms_key_arn = Null;
            side.kms_key_id = Null;
        }
        Presence::Unasked => {}
    }
}

/// What writers may not ask for, where somebody has said so here.
fn flatten_blocked(written: &mut Attr<Vec<Attr<String>>>, found: &BucketEncryption) {
    let Known(before) = &*written else {
        return;
    };
    let meaning = |types: &[String]| -> BTreeSet<String> {
        let types = types.iter().filter(|kind| *kind != "NONE");
        types.cloned().collect()
    };
    let before: Vec<String> = before.iter().filter_map(|t| t.known().cloned()).collect();
    if meaning(&before) != meaning(&found.blocked_encryption_types) {
        *written = blocked(found);
    }
}

fn blocked(found: &BucketEncryption) -> Attr<Vec<Attr<String>>> {
    let types = &found.blocked_encryption_types;
    Known(match types.is_empty() {
        true => vec![Known("NONE".to_owned())],
        false => types.iter().cloned().map(Known).collect(),
    })
}

fn flatten_key(model: &mut KeyModel, seen: &ObservedKey, bucket_tags: &Tags) {
    match seen.description.state.as_str() {
        "Enabled" => model.enabled = Known(true),
        "Disabled" => model.enabled = Known(false),
        // About to be deleted: its component tells.
        _ => {}
    }
    model.description = Known(seen.description.description.clone());
    model.multi_region = Known(seen.description.multi_region);
    model.policy = policies::seen(&model.policy, &seen.policy);
    if model.alias.is_null() {
        let alias = seen.aliases.present().and_then(|aliases| aliases.first());
        model.alias = Attr::from_option(alias.cloned());
    }
    if let Some((enabled, period)) = seen.rotation.present() {
        model.enable_key_rotation = Known(*enabled);
        if let (true, Some(period)) = (*enabled, period) {
            model.rotation_period_in_days = Known(i64::from(*period));
        }
    }
    if let Some(tags) = seen.tags.present() {
        flatten_tags(&mut model.tags, &mut model.tags_all, bucket_tags, tags);
    }
}

fn flatten_role(role: &mut RoleModel, seen: &ObservedRole, inherited: &Tags) {
    role.unique_id = Known(seen.description.unique_id.clone());
    if role.existing_arn.known().is_some() {
        return;
    }
    role.path = Known(seen.description.path.clone());
    role.description = Known(seen.description.description.clone());
    role.permissions_boundary = Attr::from_option(seen.description.permissions_boundary.clone());
    let tags = &seen.description.tags;
    flatten_tags(&mut role.tags, &mut role.tags_all, inherited, tags);
}

/// Every tag seen, and what of them does not come from further out, in the user's own map.
fn flatten_tags(
    written: &mut Attr<TextMap>,
    all: &mut Attr<TextMap>,
    inherited: &Tags,
    seen: &Tags,
) {
    let own = known_entries(written);
    let seen: BTreeMap<String, String> = seen
        .iter()
        .filter(|(key, _)| !names::is_ownership_tag(key) && !key.starts_with("aws:"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    *all = Known(text_map(seen.clone()));
    let mut expected = inherited.clone();
    expected.extend(own.clone());
    if seen == expected {
        return;
    }
    let differing: BTreeMap<String, String> = seen
        .into_iter()
        .filter(|(key, value)| own.contains_key(key) || inherited.get(key) != Some(value))
        .collect();
    *written = if differing.is_empty() && written.is_null() {
        Null
    } else {
        Known(text_map(differing))
    };
}

/// The encryption of a bucket that an import found, where `our_key` is a key with our tags.
pub fn imported_encryption(
    seen: &ObservedBucket,
    our_key: Option<&ObservedKey>,
) -> EncryptionModel {
    let found = seen.encryption.present();
    let in_use = found
        .and_then(|e| e.kms_key.as_ref())
        .and_then(Input::known);
    let owned = our_key.filter(|key| Some(&key.description.arn) == in_use);
    EncryptionModel {
        sse_algorithm: Known(found.map_or("AES256".to_owned(), |e| e.sse_algorithm.clone())),
        kms_key_arn: match (owned, in_use) {
            (None, Some(arn)) => Known(arn.clone()),
            _ => Null,
        },
        bucket_key_enabled: Known(found.is_some_and(|e| e.bucket_key_enabled)),
        blocked_encryption_types: found.map_or(Null, |found| {
            match found.blocked_encryption_types[..] {
                [] => Null,
                _ => blocked(found),
            }
        }),
        additional_kms_key_arns: Null,
        key: owned.map_or(Null, |_| {
            Known(KeyModel {
                deletion_window_in_days: Known(30),
                ..KeyModel::default()
            })
        }),
    }
}
