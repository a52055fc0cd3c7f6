//! What follows from a configuration whichever way something turns out that only an apply may see: the default
//! encryption of somebody else's bucket.
//!
//! It decides about keys and what may be done with them, and about nothing else. So everything is worked out twice, as
//! if there were no key and as if there were one; what comes to the same is known, and what does not is not.

use std::collections::BTreeMap;

use crate::framework::model::{Attr, FromValue};
use crate::framework::value::Value;
use crate::provider::replicated_bucket::encode;
use crate::provider::replicated_bucket::model::{BucketModel, EncryptionModel, SideModel};
use crate::replication::component::Side;
use crate::replication::ids::Region;

use Attr::{Known, Null, Unknown};

type Entries = BTreeMap<String, Value>;

/// The model with each open encryption settled, without a key and with one; none where more than such an encryption is
/// open. One that is written and not known yet may bring a key of ours.
pub(super) fn settled(config: &BucketModel, model: &BucketModel) -> Option<[BucketModel; 2]> {
    let sides = model.sides().into_iter();
    let mut open = sides.filter(|(_, side)| side.encryption.is_unknown());
    let is_their_own = |(this, side): (Side, &SideModel)| {
        let written = config.side(&this).map(|side| &side.encryption);
        side.existing == Known(true) && written.is_some_and(Attr::is_null)
    };
    open.all(is_their_own)
        .then(|| [false, true].map(|with_key| settle(model, with_key)))
}

fn settle(model: &BucketModel, with_key: bool) -> BucketModel {
    let mut settled = model.clone();
    for (_, side) in settled.sides_mut() {
        if side.encryption.is_unknown() {
            side.encryption = Known(encryption(side, with_key));
        }
        let mut choices = vec![&mut side.replicate_encrypted_objects];
        if let Known(rules) = &mut side.rules {
            choices.extend(rules.values_mut().filter_map(|rule| match rule {
                Known(rule) => Some(&mut rule.replicate_encrypted_objects),
                Unknown | Null => None,
            }));
        }
        for choice in choices.into_iter().filter(|choice| choice.is_unknown()) {
            *choice = Known(with_key);
        }
    }
    settled
}

/// An encryption without a key, or under one that stands for any.
fn encryption(side: &SideModel, with_key: bool) -> EncryptionModel {
    let place = || {
        let region = Region::parse(side.region.known()?).ok()?;
        let (account, partition) = (side.account_id.known()?, region.partition());
        Some(format!(
            "arn:{partition}:kms:{region}:{account}:key/00000000-0000-0000-0000-000000000000"
        ))
    };
    let key = place().filter(|_| with_key);
    EncryptionModel {
        sse_algorithm: Known(key.as_ref().map_or("AES256", |_| "aws:kms").to_owned()),
        bucket_key_enabled: Known(key.is_some()),
        kms_key_arn: Attr::from_option(key),
        ..EncryptionModel::default()
    }
}

/// What two models have in common; the rest is unknown.
pub(super) fn common(one: &BucketModel, other: &BucketModel) -> Option<BucketModel> {
    BucketModel::from_known(&agreed(encode(one), encode(other))).ok()
}

fn agreed(one: Value, other: Value) -> Value {
    match (one, other) {
        (one, other) if one == other => one,
        (Value::Object(one), Value::Object(other)) => Value::Object(each_agreed(one, other)),
        (Value::Map(one), Value::Map(other)) if one.keys().eq(other.keys()) => {
            Value::Map(each_agreed(one, other))
        }
        _ => Value::Unknown,
    }
}

/// Entries of the same names.
fn each_agreed(one: Entries, other: Entries) -> Entries {
    let pairs = one.into_iter().zip(other);
    pairs
        .map(|((name, one), (_, other))| (name, agreed(one, other)))
        .collect()
}
