//! What follows from a spec: names, ARNs, documents, and one line for each component.
//!
//! The same functions fill a plan, in which keys may still have to be made, and a result, in which everything is
//! known; so the two never disagree.

use std::collections::BTreeMap;

use super::components::components;
use crate::framework::model::{Attr, known_entries, text_map};
use crate::provider::regions::hosted_zone_id;
use crate::provider::replicated_bucket::model::{BucketModel, RoleModel, SideModel};
use crate::provider::replicated_bucket::values::components::retired_keys;
use crate::provider::replicated_bucket::values::previous::previous;
use crate::replication::component::{ComponentId, Side};
use crate::replication::direction::Direction;
use crate::replication::grants::{bucket_policy, key_policy_of, key_statements, role_document};
use crate::replication::ids::{AccountId, Arn, BucketName, Region};
use crate::replication::operation::Input;
use crate::replication::policy::PolicyDocument;
use crate::replication::spec::Spec;

use Attr::{Known, Null, Unknown};

/// Carries the keys of the state over to the new model: a key that stays in use keeps its ARN, and one that does
/// not is retired, because objects are still encrypted under it.
pub(crate) fn carry_keys(model: &mut BucketModel, prior: &BucketModel) {
    let mut retired: BTreeMap<String, String> = BTreeMap::new();
    let prior_sides = prior.sides();
    for (this, side) in model.sides_mut() {
        let Known(before) = previous(prior, &this, side) else {
            continue;
        };
        let was = prior_sides
            .iter()
            .find(|(_, candidate)| std::ptr::eq(*candidate, before))
            .map(|(side, _)| side);
        for arn in was.map(|was| retired_keys(prior, was)).unwrap_or_default() {
            retired.insert(ComponentId::retired_key(&this, &arn).to_string(), arn);
        }
        let Some(arn) = owned_key(before) else {
            if let Some(arn) = key_to_take_back(before, side)
                && retired
                    .remove(&ComponentId::retired_key(&this, arn).to_string())
                    .is_some()
            {
                side.kms_key_arn = Known(arn.clone());
            }
            continue;
        };
        let same = match (multi_region(before), multi_region(side)) {
            (Some(before), Some(now)) => before == now,
            _ => false,
        };
        if same {
            side.kms_key_arn = Known(arn);
        } else {
            retired.insert(ComponentId::retired_key(&this, &arn).to_string(), arn);
        }
    }
    model.components = Known(text_map(retired));
}

/// The key that a bucket of ours has again which was left to its owner for a while: its default, where it is of the
/// kind that is wanted. The ID of a multi-Region key tells that it is one.
fn key_to_take_back<'a>(before: &'a SideModel, now: &SideModel) -> Option<&'a String> {
    let arn = before.kms_key_arn.known()?;
    let is_multi_region = arn.contains(":key/mrk-");
    let is_adopted = before.existing == Known(true) && now.existing == Known(false);
    (is_adopted && multi_region(now) == Some(is_multi_region)).then_some(arn)
}

/// Fills every computed attribute. Without a spec, because something is unknown, they are unknown.
pub(crate) fn fill(model: &mut BucketModel, prior: Option<&BucketModel>, spec: Option<&Spec>) {
    let retired = known_entries(&model.components);
    model.id = model.source.known().map_or(Unknown, |s| s.bucket.clone());
    let Some(spec) = spec else {
        blank(model, prior);
        return;
    };
    model.arn = Known(spec.source.arn());
    model.import_id = Known(import_id(model, spec));
    for (this, side) in model.sides_mut() {
        fill_side(&this, side, spec);
    }
    for (from, role) in model.roles_mut() {
        if let Some(direction) = spec.direction(&from) {
            fill_role(role, &direction, prior);
        }
    }
    model.components = Known(components(spec, &retired));
}

/// The ID with which this setup imports: the source's place, and the roles that the configuration writes, one for
/// each account. What the provider's credentials or its `account` blocks lead to, an import finds by itself.
pub(crate) fn import_id(model: &BucketModel, spec: &Spec) -> String {
    let source = &spec.source.location;
    let mut id = format!("{}/{}@{}", source.account, spec.source.name, source.region);
    let mut told = Vec::new();
    for (this, side) in model.sides() {
        let Some(account) = spec.bucket(&this).map(|bucket| &bucket.location.account) else {
            continue;
        };
        // The first of an account decides: every other one is imported by the same way.
        if told.contains(&account) {
            continue;
        }
        told.push(account);
        let role = side.assume_role.known().and_then(|r| r.role_arn.known());
        if let Some(role) = role
            && Arn::parse_role(role).is_ok_and(|arn| arn.account == account.as_str())
        {
            id.push(',');
            id.push_str(role);
        }
    }
    id
}

fn fill_side(this: &Side, side: &mut SideModel, spec: &Spec) {
    let Some(bucket) = spec.bucket(this) else {
        return;
    };
    let location = &bucket.location;
    fill_names(side, &bucket.name, &location.region);
    (side.kms_key_arn, side.kms_key_id) = match bucket.key(this) {
        None => (Null, Null),
        Some(Input::Known(arn)) => {
            let id = arn.rsplit('/').next().unwrap_or_default().to_owned();
            (Known(arn), Known(id))
        }
        Some(_) => (Unknown, Unknown),
    };
    let unknown = side.policy.is_unknown();
    let document = bucket_policy(spec, this);
    let document = if unknown {
        Unknown
    } else if document.statements.is_empty() {
        Null
    } else {
        rendered(&document)
    };
    let back = spec.direction(this).filter(|_| *this != Side::Source);
    side.replication_role_arn = Attr::from_option(back.map(|back| back.role_arn().to_string()));
    (side.policy_json, side.required_bucket_policy_json) = if bucket.policy_is_managed() {
        (document, Null)
    } else {
        (Null, document)
    };
    side.required_key_policy_json = match key_statements(spec, this) {
        statements if bucket.is_reachable() || statements.is_empty() => Null,
        statements => rendered(&PolicyDocument::new(statements)),
    };
    side.kms_key_policy_json = match key_policy_of(spec, this) {
        Some(_) if key_policy_is_unknown(side) => Unknown,
        Some(document) => rendered(&document),
        None => Null,
    };
}

fn key_policy_is_unknown(side: &SideModel) -> bool {
    let key = side.encryption.known().and_then(|e| e.key.known());
    key.is_some_and(|key| key.policy.is_unknown())
}

fn fill_role(role: &mut RoleModel, direction: &Direction<'_>, prior: Option<&BucketModel>) {
    role.arn = Known(direction.role_arn().to_string());
    role.unique_id = unique_id_in_state(role, prior);
    let existing = direction.bucket.existing();
    role.policy_json = if existing.is_some_and(|e| e.reachable && e.object_lock.is_none()) {
        // What S3 reads of its objects depends on whether they may be locked.
        Unknown
    } else {
        rendered(&role_document(direction))
    };
}

/// What follows from a bucket's name and region alone.
fn fill_names(side: &mut SideModel, bucket: &BucketName, region: &Region) {
    let partition = region.partition();
    let suffix = partition.dns_suffix();
    side.arn = Known(bucket.arn(&partition));
    side.bucket_domain_name = Known(format!("{bucket}.s3.{suffix}"));
    side.bucket_regional_domain_name = Known(format!("{bucket}.s3.{region}.{suffix}"));
    side.hosted_zone_id = Attr::from_option(hosted_zone_id(region).map(str::to_owned));
}

/// Makes every computed attribute unknown that would otherwise be null.
fn blank(model: &mut BucketModel, prior: Option<&BucketModel>) {
    let same_bucket = |p: &&BucketModel| p.id == model.id;
    let arn = prior.filter(same_bucket).map_or(Unknown, |p| p.arn.clone());
    model.arn = arn;
    model.import_id = Unknown;
    model.components = Unknown;
    for (_, side) in model.sides_mut() {
        let uses_kms = side
            .encryption
            .known()
            .is_none_or(|e| e.kms_key_arn != Null || e.key != Null);
        for attribute in [
            &mut side.arn,
            &mut side.bucket_domain_name,
            &mut side.bucket_regional_domain_name,
            &mut side.hosted_zone_id,
            &mut side.policy_json,
        ] {
            *attribute = Unknown;
        }
        let name = side.bucket.known().and_then(|b| BucketName::parse(b).ok());
        let region = side.region.known().and_then(|r| Region::parse(r).ok());
        if let (Some(name), Some(region)) = (name, region) {
            fill_names(side, &name, &region);
        }
        let ours = side.existing == Known(false);
        let of_owner = if ours { Null } else { Unknown };
        side.required_bucket_policy_json = of_owner.clone();
        side.required_key_policy_json = of_owner;
        let of_key = if uses_kms { Unknown } else { Null };
        side.kms_key_arn = of_key.clone();
        side.kms_key_id = of_key.clone();
        side.kms_key_policy_json = of_key;
        side.replication_role_arn = match side.two_way {
            Known(false) | Null => Null,
            _ => Unknown,
        };
    }
    let homes: BTreeMap<Side, (AccountId, Region)> = model
        .sides()
        .into_iter()
        .filter_map(|(this, side)| {
            let account = AccountId::parse(side.account_id.known()?).ok()?;
            Some((this, (account, Region::parse(side.region.known()?).ok()?)))
        })
        .collect();
    for (from, role) in model.roles_mut() {
        role.arn = match (homes.get(&from), &role.path, &role.name) {
            (Some((account, region)), Known(path), Known(name)) => {
                let partition = region.partition();
                Known(format!("arn:{partition}:iam::{account}:role{path}{name}"))
            }
            _ => Unknown,
        };
        role.unique_id = unique_id_in_state(role, prior);
        role.policy_json = Unknown;
    }
}

/// The unique ID of the same role, under whatever key its bucket stood in state.
fn unique_id_in_state(role: &RoleModel, prior: Option<&BucketModel>) -> Attr<String> {
    let before = prior.into_iter().flat_map(BucketModel::roles);
    let mut same = before.filter(|(_, before)| before.arn == role.arn);
    same.next()
        .map_or(Unknown, |(_, before)| before.unique_id.clone())
        .or(|| Unknown)
}

fn rendered(document: &PolicyDocument) -> Attr<String> {
    document.render().map_or(Unknown, Known)
}

/// The ARN of the key of ours that a side uses.
fn owned_key(side: &SideModel) -> Option<String> {
    side.encryption.known()?.key.known()?;
    side.kms_key_arn.known().cloned()
}

/// Whether a side's own key is a multi-Region key; none when it has no key of its own.
fn multi_region(side: &SideModel) -> Option<bool> {
    side.encryption
        .known()?
        .key
        .known()?
        .multi_region
        .known()
        .copied()
}
