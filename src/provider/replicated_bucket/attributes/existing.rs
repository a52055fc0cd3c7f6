//! Buckets that belong to somebody else: what may be written beside `existing`, and what such a bucket must have.
//!
//! A bucket that is not there yet at plan is no error, because another resource of the same apply may make it. What
//! is there is looked at by the plan already, and by every apply.

use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, ToValue};
use crate::framework::value::{AttributePath, Value};
use crate::provider::replicated_bucket::model::{BucketModel, EncryptionModel, SideModel};
use crate::provider::replicated_bucket::paths::{role_path, side_path};
use crate::provider::replicated_bucket::values::previous::previous;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::existing::{Lack, lacks, unlocked};
use crate::replication::observed::Observed;
use crate::replication::operation::Input;
use crate::replication::policy::PolicyDocument;
use crate::replication::rules_share::RulesConflict;
use crate::replication::spec::Spec;

use Attr::{Known, Null};

/// Attributes that say how a bucket of ours should be.
const OF_OURS: [&str; 11] = [
    "bucket_prefix",
    "exclusive_policy",
    "force_destroy",
    "lifecycle_rules",
    "lifecycle_transition_default_minimum_object_size",
    "object_lock",
    "object_ownership",
    "policy",
    "public_access_block",
    "require_tls",
    "tags",
];

/// Checks what is written about whose a bucket is.
pub(crate) fn check(config: &BucketModel, diagnostics: &mut Diagnostics) {
    for (this, side) in config.sides() {
        let path = side_path(&this);
        match side.existing {
            Known(true) => {
                check_existing(&this, &path, side, diagnostics);
                if side.reachable == Known(false) {
                    check_unreachable(&path, side, diagnostics);
                }
            }
            Known(false) | Null => check_ours(&path, side, diagnostics),
            Attr::Unknown => {}
        }
    }
}

fn check_existing(
    this: &Side,
    path: &AttributePath,
    side: &SideModel,
    diagnostics: &mut Diagnostics,
) {
    for name in OF_OURS {
        if is_written(side, name) {
            diagnostics.error_at(
                path.attribute(name),
                "Not with an existing bucket",
                format!("`{name}` says how a bucket of this resource's own should be, and {this} belongs to somebody else (existing = true). Leave `{name}` out, or leave `existing` out if the bucket is to be managed here."),
            );
        }
    }
    if side.bucket.is_null() {
        diagnostics.error_at(
            path.attribute("bucket"),
            "Which bucket?",
            format!("{this} is an existing bucket; write its name."),
        );
    }
    let told = side.encryption.known();
    if *this == Side::Source
        && matches!(side.enable_encryption, Known(false) | Null)
        && let Some(encryption) = told
        && (!encryption.key.is_null() || names_no_key(encryption))
    {
        diagnostics.error_at(
            path.attribute("encryption"),
            "Which key?",
            "Without enable_encryption the default encryption of an existing source is its owner's, and no key is made for it. Leave `encryption` out, or name the bucket's own key in `kms_key_arn`; or write enable_encryption = true: then a key is made, and `encryption` becomes the bucket's default.",
        );
    }
    if side.enable_encryption != Known(true) {
        return;
    }
    if *this != Side::Source {
        diagnostics.error_at(
            path.attribute("enable_encryption"),
            "Only on an existing source",
            "On an existing destination `encryption` alone says under which key replicas arrive; nothing of the bucket is changed for it. Leave `enable_encryption` out.",
        );
    } else if side.encryption.is_null() {
        diagnostics.error_at(
            path.attribute("enable_encryption"),
            "Which encryption?",
            "`enable_encryption` writes what `encryption` says, and there is none. Write it, such as encryption = { sse_algorithm = \"aws:kms\" }.",
        );
    }
}

fn check_unreachable(path: &AttributePath, side: &SideModel, diagnostics: &mut Diagnostics) {
    for (name, told) in [
        ("account_id", !side.account_id.is_null()),
        ("region", !side.region.is_null()),
    ] {
        if !told {
            diagnostics.error_at(
                path.attribute(name),
                "It cannot be found out",
                format!("With reachable = false no call is made in the bucket's account, so `{name}` must be written."),
            );
        }
    }
    for (name, written) in [
        ("profile", !side.profile.is_null()),
        ("assume_role", !side.assume_role.is_null()),
        ("enable_versioning", side.enable_versioning == Known(true)),
        (
            "manage_bucket_policy",
            side.manage_bucket_policy == Known(true),
        ),
        ("manage_key_policy", is_true(side, "manage_key_policy")),
        ("two_way", is_true(side, "two_way")),
    ] {
        if written {
            diagnostics.error_at(
                path.attribute(name),
                "Not possible with reachable = false",
                format!("No call is made in the bucket's account, so `{name}` could have no effect. Leave it out, or leave `reachable` out."),
            );
        }
    }
    if let Some(encryption) = side.encryption.known()
        && (!encryption.key.is_null() || names_no_key(encryption))
    {
        diagnostics.error_at(
            path.attribute("encryption").attribute("kms_key_arn"),
            "Which key?",
            "With reachable = false no key can be made in the bucket's account. Write the ARN of the one under which replicas are to arrive.",
        );
    }
}

fn check_ours(path: &AttributePath, side: &SideModel, diagnostics: &mut Diagnostics) {
    for (name, written) in [
        ("enable_versioning", side.enable_versioning == Known(true)),
        ("enable_encryption", side.enable_encryption == Known(true)),
        (
            "manage_bucket_policy",
            side.manage_bucket_policy == Known(false),
        ),
        ("reachable", side.reachable == Known(false)),
    ] {
        if written {
            diagnostics.error_at(
                path.attribute(name),
                "Only with an existing bucket",
                format!("`{name}` is about a bucket of somebody else's; one that this resource makes always has versioning, its encryption and its policy. Write existing = true, or leave `{name}` out."),
            );
        }
    }
}

/// Whether KMS is written without a key that exists.
fn names_no_key(encryption: &EncryptionModel) -> bool {
    let algorithm = encryption.sse_algorithm.known();
    algorithm.is_some_and(|algorithm| algorithm.starts_with("aws:kms"))
        && encryption.kms_key_arn.is_null()
}

/// Whether an attribute is written, whatever this resource makes of it; an unknown one may turn out to be null.
fn is_written(side: &SideModel, name: &str) -> bool {
    match side.to_known() {
        Value::Object(attributes) => attributes
            .get(name)
            .is_some_and(|value| !matches!(value, Value::Null | Value::Unknown)),
        _ => false,
    }
}

fn is_true(side: &SideModel, name: &str) -> bool {
    match side.to_known() {
        Value::Object(attributes) => attributes.get(name) == Some(&Value::Bool(true)),
        _ => false,
    }
}

/// Whether a plan has to look at an existing bucket that state knows: where the configuration now says something
/// else of it, first of all that it is ours, and where the refresh found it changed. At a source the rules of others
/// may have changed as well.
pub(crate) fn is_to_be_looked_at(prior: &BucketModel, model: &BucketModel, this: &Side) -> bool {
    let Some(now) = model.side(this) else {
        return false;
    };
    let Known(before) = previous(prior, this, now) else {
        return false;
    };
    if now.existing != Known(true) {
        return before.existing == Known(true) && now.existing == Known(false);
    }
    let drifted = || {
        let lines = prior.components.known().into_iter().flatten();
        let of_this = format!("{this}/");
        lines.into_iter().any(|(component, line)| {
            component.starts_with(&of_this) && line.known().is_some_and(|line| line.contains(" ("))
        })
    };
    let locks = |model: &BucketModel| model.side(&Side::Source).map(|s| s.object_lock.clone());
    *this == Side::Source || before != now || locks(prior) != locks(model) || drifted()
}

/// Refuses what an existing bucket lacks; whether there is anything. At plan a bucket may still be missing.
pub(crate) fn refuse(
    spec: &Spec,
    prior: Option<&Spec>,
    observed: &Observed,
    applying: bool,
    diagnostics: &mut Diagnostics,
) -> bool {
    let mut spec = spec.clone();
    spec.learn_keys(observed);
    let mut refused = false;
    for (this, lack) in lacks(&spec, prior, observed) {
        if lack == Lack::Bucket && !applying {
            continue;
        }
        refused = true;
        tell(&spec, &this, lack, diagnostics);
    }
    for this in unlocked(&spec) {
        refused = true;
        let (summary, whose) = match this {
            Side::Source => (
                "A destination is locked and the source is not",
                "a destination that replicates back and has Object Lock",
            ),
            Side::Destination(_) => (
                "The source is locked and this destination is not",
                "a source that has Object Lock",
            ),
        };
        diagnostics.error_at(
            side_path(&this).attribute("object_lock"),
            summary,
            format!("{this} gets objects of {whose}. S3 replicates them only into locked buckets, and says so only for each object that fails. Write object_lock = {{ enabled = true }} there. Nothing was changed."),
        );
    }
    refused
}

/// An existing bucket that is not there when it is needed.
pub(crate) fn missing_bucket(this: &Side, side: &SideModel, diagnostics: &mut Diagnostics) {
    let text = |value: &Attr<String>| value.known().cloned().unwrap_or_default();
    let (account, region) = (text(&side.account_id), text(&side.region));
    tell_missing(this, &text(&side.bucket), &account, &region, diagnostics);
}

fn tell_missing(
    this: &Side,
    name: &str,
    account: &str,
    region: &str,
    diagnostics: &mut Diagnostics,
) {
    diagnostics.error_at(
        side_path(this).attribute("bucket"),
        format!("Bucket {name} does not exist"),
        format!("{this} is an existing bucket, and there is none of the name {name} in account {account}, region {region}. Correct the name or the region, or leave `existing` out: then the bucket is made. Nothing was changed."),
    );
}

fn tell(spec: &Spec, this: &Side, lack: Lack, diagnostics: &mut Diagnostics) {
    let path = side_path(this);
    let Some(bucket) = spec.bucket(this) else {
        return;
    };
    let (name, at) = (&bucket.name, &bucket.location);
    match lack {
        Lack::Bucket => {
            let (account, region) = (at.account.as_str(), at.region.as_str());
            tell_missing(this, name.as_str(), account, region, diagnostics);
        }
        Lack::Versioning(how) => diagnostics.error_at(
            path.attribute("enable_versioning"),
            format!("Bucket {name} has no versioning"),
            format!("S3 replicates only between buckets with versioning, and that of {name} in {at} is not on ({how}). Either its owner turns it on, or write enable_versioning = true here: it is turned on, and stays on after a destroy. Nothing was changed."),
        ),
        Lack::Encryption(found) => {
            let key = found.kms_key.as_ref().and_then(Input::known);
            let key = key.map_or_else(String::new, |key| format!(" under {key}"));
            diagnostics.error_at(
                path.attribute("encryption"),
                format!("Bucket {name} is encrypted otherwise"),
                format!("The default encryption of {name} is {}{key}, bucket keys {}, and it is its owner's. Leave `encryption` out, or write enable_encryption = true: then the one written here becomes its default, and a destroy puts back what was found. Nothing was changed.", found.sse_algorithm, if found.bucket_key_enabled { "on" } else { "off" }),
            );
        }
        Lack::ObjectLock => diagnostics.error_at(
            path.attribute("bucket"),
            format!("Bucket {name} has no Object Lock"),
            format!("S3 replicates objects of a locked bucket only into locked buckets, and says so only for each object that fails. Its owner can turn Object Lock on for {name} in {at}, for good. Nothing was changed."),
        ),
        Lack::Grants(missing) => diagnostics.error_at(
            path.attribute("manage_bucket_policy"),
            format!("The policy of bucket {name} does not let the role in"),
            format!("manage_bucket_policy is false, so the policy of {name} in {at} is left to its owner. It lacks:\n\n{}\n\nEither its owner adds this, or leave manage_bucket_policy out. Nothing was changed.", PolicyDocument::new(missing)),
        ),
        Lack::Rules(conflict) => tell_conflict(this, name.as_str(), &conflict, diagnostics),
    }
}

fn tell_conflict(this: &Side, name: &str, conflict: &RulesConflict, diagnostics: &mut Diagnostics) {
    let path = side_path(this);
    let told = format!("Of bucket {name}, {conflict}.");
    let name_of_role = match this {
        Side::Source => "role",
        Side::Destination(_) => "two_way_role",
    };
    match conflict {
        RulesConflict::OldRule { id, rewritten } => diagnostics.error_at(
            path.attribute("bucket"),
            format!("Rule {id} of bucket {name} is of the first version"),
            format!("{told} Its owner can write it in the second version, in which it does the same:\n\n{rewritten}\n\nNothing was changed."),
        ),
        RulesConflict::AnotherRole { role, .. } => diagnostics.error_at(
            role_path(this).attribute("existing_arn"),
            format!("The rules of bucket {name} have another role"),
            format!("{told} Write {name_of_role} = {{ existing_arn = \"{role}\" }}: then that role gets the grants that are needed here, too. Nothing was changed."),
        ),
        RulesConflict::AnotherBlock { rules } => diagnostics.error_at(
            path.attribute("bucket"),
            format!("Bucket {name} is the source of another replicated_bucket"),
            format!("{told} A source belongs to one block: add the destinations there, or destroy that one first. Where no configuration has these rules any more, because an earlier create was killed, delete them and apply again: {}. Nothing was changed.", rules.join(", ")),
        ),
        RulesConflict::PriorityTaken { .. } => diagnostics.error_at(
            path.attribute("bucket"),
            format!("A priority is taken in bucket {name}"),
            format!("{told} Write another `priority`, or leave it out: then the next free number is taken. Nothing was changed."),
        ),
    }
}

/// What a refresh tells of existing buckets at their components, because no write of ours would mend it.
pub(crate) fn notes(spec: &Spec, observed: &Observed) -> Vec<(ComponentId, &'static str)> {
    lacks(spec, Some(spec), observed)
        .into_iter()
        .filter_map(|(side, lack)| {
            let (part, what) = match lack {
                Lack::Bucket => (Part::Bucket, "missing"),
                Lack::Versioning(how) => (Part::Bucket, how),
                Lack::ObjectLock => (Part::Bucket, "not locked"),
                Lack::Grants(_) => (Part::BucketPolicy, "statements missing"),
                Lack::Rules(RulesConflict::OldRule { .. }) => {
                    (Part::Replication, "rule of the first version")
                }
                Lack::Rules(RulesConflict::PriorityTaken { .. }) => {
                    (Part::Replication, "priority taken")
                }
                Lack::Rules(_) => (Part::Replication, "rules of others in the way"),
                // It shows at its attribute.
                Lack::Encryption(_) => return None,
            };
            Some((ComponentId::Of(side, part), what))
        })
        .collect()
}
