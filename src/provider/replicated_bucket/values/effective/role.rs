//! The roles that S3 assumes.

use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::{RoleModel, SideModel};
use crate::provider::replicated_bucket::values::setting::{Get, setting};
use crate::replication::ids::Arn;
use crate::replication::names;

use Attr::{Known, Null, Unknown};

/// The role that replicates out of `from`, whose other settings are worked out already.
pub(crate) fn role(
    written: &RoleModel,
    kept: &Attr<&RoleModel>,
    from: Option<&SideModel>,
) -> RoleModel {
    let bucket = from.map_or(Unknown, |side| side.bucket.clone());
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
                (Null, Known(prefix)) => match (from.map(|side| &side.account_id), &bucket) {
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
