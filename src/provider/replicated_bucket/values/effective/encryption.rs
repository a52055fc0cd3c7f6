//! Default encryption and the key that we make for it.

use crate::framework::model::Attr;
use crate::provider::replicated_bucket::attributes::policies;
use crate::provider::replicated_bucket::model::{EncryptionModel, KeyModel, SideModel};
use crate::provider::replicated_bucket::values::setting::{Get, setting};
use crate::replication::names;

use Attr::{Known, Null, Unknown};

/// AWS's own period between rotations.
const ROTATION_PERIOD_IN_DAYS: i64 = 365;

pub(crate) fn encryption(
    written: &EncryptionModel,
    kept: &Attr<&SideModel>,
    before: &Attr<&EncryptionModel>,
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
        // With two layers of encryption there are no bucket keys.
        || sse_algorithm.clone().map(|a| a == "aws:kms"),
    );
    let blocked_encryption_types = setting(
        &written.blocked_encryption_types,
        kept.get(|k| &k.blocked_encryption_types),
        || Null,
    );
    let key = match (&written.key, &kms, &written.kms_key_arn) {
        (Unknown, ..) => Unknown,
        (Known(key), ..) => Known(self::key(key, kept, before, bucket)),
        (Null, Known(false), _) | (Null, _, Known(_)) => Null,
        (Null, Known(true), Null) => Known(self::key(&KeyModel::default(), kept, before, bucket)),
        (Null, ..) => Unknown,
    };
    EncryptionModel {
        sse_algorithm,
        kms_key_arn: written.kms_key_arn.clone(),
        bucket_key_enabled,
        blocked_encryption_types,
        additional_kms_key_arns: setting(
            &written.additional_kms_key_arns,
            kept.get(|k| &k.additional_kms_key_arns),
            || Null,
        ),
        key,
    }
}

fn key(
    written: &KeyModel,
    kept: &Attr<&EncryptionModel>,
    before: &Attr<&EncryptionModel>,
    bucket: &Attr<String>,
) -> KeyModel {
    let before = before.get(|b| &b.key);
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
        enabled: setting(&written.enabled, kept.get(|k| &k.enabled), || Known(true)),
        multi_region: setting(&written.multi_region, kept.get(|k| &k.multi_region), || {
            Known(false)
        }),
        policy: policies::spelled(&written.policy, before.get(|b| &b.policy)),
        tags: written.tags.clone(),
        tags_all: Null,
    }
}
