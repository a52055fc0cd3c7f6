//! What both sides have: location, public access, ownership, the ways of a destroy.

use super::{Ground, encryption, existing, kept_side};
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::attributes::{lifecycle, object_lock, policies};
use crate::provider::replicated_bucket::model::{
    EncryptionModel, PublicAccessBlockModel, SideModel,
};
use crate::provider::replicated_bucket::values::setting::{Get, setting};
use crate::replication::component::Side;

use Attr::{Known, Null, Unknown};

pub(crate) fn side(
    this: &Side,
    written: &SideModel,
    previous: &Attr<&SideModel>,
    algorithm: &Attr<String>,
    ground: &Ground<'_>,
) -> SideModel {
    let kept = &kept_side(ground, &written.bucket);
    let before = ground.at(this);
    let mut side = SideModel {
        bucket: written.bucket.clone(),
        bucket_prefix: written.bucket_prefix.clone(),
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
            Known(encryption) => Known(encryption::encryption(
                encryption,
                kept,
                &before.get(|b| &b.encryption),
                &written.bucket,
                algorithm,
            )),
            Null => {
                let nothing = EncryptionModel::default();
                Known(encryption::encryption(
                    &nothing,
                    kept,
                    &before.get(|b| &b.encryption),
                    &written.bucket,
                    algorithm,
                ))
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
        object_lock: object_lock::effective(&written.object_lock, kept),
        policy: policies::spelled(&written.policy, before.get(|p| &p.policy)),
        require_tls: setting(&written.require_tls, kept.get(|k| &k.require_tls), || {
            Known(false)
        }),
        manage_key_policy: written.manage_key_policy.clone().or(|| Known(false)),
        exclusive_policy: written.exclusive_policy.clone().or(|| Known(false)),
        tags: written.tags.clone(),
        ..SideModel::default()
    };
    lifecycle::effective(written, kept, &mut side);
    existing::custody(this, written, previous, algorithm, ground, side)
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
