//! The configuration that describes a state (`-generate-config-out`): what can be written of it, with one of each
//! pair of alternatives.
//!
//! The framework has taken out already what nobody may write, and empty strings.

use super::encode;
use super::model::{BucketModel, RoleModel, SideModel};
use crate::framework::model::Attr;
use crate::framework::value::Value;
use crate::replication::component::Side;

use Attr::{Known, Null};

/// Takes out what excludes something else that is there, and what says nothing.
pub(crate) fn configuration(mut config: BucketModel) -> Value {
    for (this, side) in config.sides_mut() {
        choose_name(side);
        choose_encryption(&this, side);
    }
    for (_, role) in config.roles_mut() {
        choose_role(role);
    }
    let mut config = encode(&config);
    drop_what_is_silent(&mut config);
    config
}

/// A name that was drawn stays as long as its prefix does.
fn choose_name(side: &mut SideModel) {
    if !side.bucket_prefix.is_null() {
        side.bucket = Null;
    }
}

/// What a bucket of somebody else's has by itself is its owner's to say: only a key that replication uses is told.
fn choose_encryption(this: &Side, side: &mut SideModel) {
    let is_written = *this == Side::Source && side.enable_encryption == Known(true);
    if side.existing != Known(true) || is_written {
        return;
    }
    let names_a_key = side
        .encryption
        .known()
        .is_some_and(|e| !e.kms_key_arn.is_null() || !e.key.is_null());
    if !names_a_key {
        side.encryption = Null;
    }
}

/// A role that exists is named by its ARN alone, one that is made by its name or by the beginning of it.
fn choose_role(role: &mut RoleModel) {
    if !role.existing_arn.is_null() {
        *role = RoleModel {
            existing_arn: role.existing_arn.clone(),
            manage_policy: role.manage_policy.clone(),
            ..RoleModel::default()
        };
    } else if !role.name_prefix.is_null() {
        role.name = Null;
    }
}

/// An object that is written and says nothing is refused.
fn drop_what_is_silent(value: &mut Value) {
    match value {
        Value::Object(attributes) => {
            for attribute in attributes.values_mut() {
                drop_what_is_silent(attribute);
                if let Value::Object(inner) = attribute
                    && inner.values().all(Value::is_null)
                {
                    *attribute = Value::Null;
                }
            }
        }
        Value::Map(entries) => entries.values_mut().for_each(drop_what_is_silent),
        _ => {}
    }
}
