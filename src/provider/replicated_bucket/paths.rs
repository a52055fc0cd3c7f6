//! Where in the configuration each part is written.

use crate::framework::value::AttributePath;
use crate::replication::component::{ComponentId, Side};

/// The path of a side.
pub(crate) fn side_path(side: &Side) -> AttributePath {
    match side {
        Side::Source => AttributePath::root("source"),
        Side::Destination(key) => AttributePath::root("destinations").key(key),
    }
}

/// The path of a side's role.
pub(crate) fn role_path(side: &Side) -> AttributePath {
    match side {
        Side::Source => AttributePath::root("role"),
        Side::Destination(_) => side_path(side).attribute("two_way_role"),
    }
}

/// The path at which a component is configured.
pub(crate) fn component_path(component: &ComponentId) -> AttributePath {
    match component {
        ComponentId::Of(side, _) | ComponentId::RetiredKey(side, _) => side_path(side),
        ComponentId::Role(side)
        | ComponentId::RolePolicy(side)
        | ComponentId::ManagedPolicy(side, _) => role_path(side),
    }
}

/// The path of the policy that a practitioner writes for a bucket.
pub(crate) fn bucket_policy_path(this: &Side) -> AttributePath {
    side_path(this).attribute("policy")
}

/// The path of the policy that a practitioner writes for the key that we make.
pub(crate) fn key_policy_path(this: &Side) -> AttributePath {
    let encryption = side_path(this).attribute("encryption");
    encryption.attribute("key").attribute("policy")
}
