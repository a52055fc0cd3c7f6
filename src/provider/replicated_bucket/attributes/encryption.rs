//! `encryption`: what does not go together, and what a plan should say of it.

use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::value::AttributePath;
use crate::provider::replicated_bucket::model::{BucketModel, EncryptionModel, SideModel};
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::replicated_bucket::values::previous::previous_source;
use crate::replication::component::Side;
use crate::replication::ids::{Arn, Region};

use Attr::{Known, Null};

/// Two layers of encryption under KMS.
const DSSE: &str = "aws:kms:dsse";

/// Checks what is written for a side, beside what belongs to KMS only.
pub(crate) fn check(
    this: &Side,
    side: &SideModel,
    encryption: &EncryptionModel,
    diagnostics: &mut Diagnostics,
) {
    let path = side_path(this).attribute("encryption");
    let dsse = encryption.sse_algorithm.known().map(String::as_str) == Some(DSSE);
    if dsse && encryption.bucket_key_enabled == Known(true) {
        diagnostics.error_at(
            path.attribute("bucket_key_enabled"),
            "No bucket keys with aws:kms:dsse",
            "S3 has no Bucket Keys for encryption in two layers. Leave `bucket_key_enabled` out, or write sse_algorithm = \"aws:kms\".",
        );
    }
    if let Some(blocked) = encryption.blocked_encryption_types.known()
        && blocked.len() > 1
        && blocked.contains(&Known("NONE".to_owned()))
    {
        diagnostics.error_at(
            path.attribute("blocked_encryption_types"),
            "NONE and something",
            "`NONE` blocks nothing, so it stands alone.",
        );
    }
    if encryption.additional_kms_key_arns.known().is_none() {
        return;
    }
    let additional = path.attribute("additional_kms_key_arns");
    if *this != Side::Source && matches!(side.two_way, Null | Known(false)) {
        diagnostics.error_at(
            additional,
            "Only where objects are replicated from",
            format!("These keys are for the role that reads objects, and nothing is replicated from {this}. Leave them out, or write `two_way = true`."),
        );
        return;
    }
    for (at, arn) in (0..).zip(additional_keys(encryption)) {
        if let (Ok(key), Some(Ok(region))) = (
            Arn::parse_key(arn),
            side.region.known().map(|r| Region::parse(r)),
        ) && key.region != region.as_str()
        {
            diagnostics.error_at(
                additional.index(at),
                "The key is in another region",
                format!("The bucket is in {region} and the key in {}: S3 uses only keys of the bucket's own region.", key.region),
            );
        }
    }
}

/// Setups that AWS accepts and that do not do what they say.
pub(crate) fn warn(
    model: &BucketModel,
    prior: Option<&BucketModel>,
    diagnostics: &mut Diagnostics,
) {
    for (this, side) in model.sides() {
        let key = side.encryption.known().and_then(|e| e.key.known());
        if key.is_some_and(|key| key.enabled == Known(false)) {
            let path = side_path(&this).attribute("encryption").attribute("key");
            diagnostics.warning_at(
                path.attribute("enabled"),
                "Objects under a disabled key are not replicated",
                format!("While the key of {this} is disabled, nobody reads or writes objects under it, and S3 fails to replicate them. Failed objects are not tried again by themselves."),
            );
        }
    }
    let (Some(source), Some(prior)) = (model.source.known(), prior) else {
        return;
    };
    let (Known(before), Some(encryption)) =
        (previous_source(prior, &source.0), source.encryption.known())
    else {
        return;
    };
    let was_existing = before.encryption.known().filter(|was| was.key.is_null());
    let Some(old) = was_existing.and_then(|was| was.kms_key_arn.known()) else {
        return;
    };
    let in_use = encryption.kms_key_arn.is_unknown() || encryption.kms_key_arn.known() == Some(old);
    let listed = encryption.additional_kms_key_arns.is_unknown()
        || additional_keys(encryption).any(|arn| arn == old);
    if !in_use && !listed {
        diagnostics.warning_at(
            AttributePath::root("source").attribute("encryption").attribute("kms_key_arn"),
            "Objects under the old key are not replicated any more",
            format!("The source leaves key {old}, and the replication role may no longer decrypt with it: objects that are still to be replicated, or whose metadata changes, fail. Where that matters, write additional_kms_key_arns = [\"{old}\"]."),
        );
    }
}

fn additional_keys(encryption: &EncryptionModel) -> impl Iterator<Item = &String> {
    let keys = encryption.additional_kms_key_arns.known();
    keys.into_iter().flatten().filter_map(Attr::known)
}
