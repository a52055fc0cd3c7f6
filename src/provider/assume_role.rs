//! `assume_role`: a role to enter an account with, in locations and in the provider block.

use crate::framework::model::{Attr, TextMap, known_entries, known_items, text_map};
use crate::framework::schema::{Attribute, Setter};
use crate::framework::value::Type;
use crate::model;
use crate::provider::checks;
use crate::provider::duration::session_seconds;
use crate::replication::ids::AssumeRole;

use Setter::{Optional, Required};

model! {
    /// `assume_role`.
    AssumeRoleModel {
        /// The role.
        role_arn: String,
        /// Session name.
        session_name: String,
        /// External id.
        external_id: String,
        /// Duration, Go syntax.
        duration: String,
        /// Session policy.
        policy: String,
        /// Managed session policies.
        policy_arns: Vec<Attr<String>>,
        /// Source identity.
        source_identity: String,
        /// Session tags.
        tags: TextMap,
        /// Transitive tag keys.
        transitive_tag_keys: Vec<Attr<String>>,
    }
}

/// `assume_role` of a location.
pub(crate) fn attributes() -> Vec<Attribute> {
    let strings = || Type::List(Box::new(Type::String));
    vec![
        Attribute::string("role_arn", Required, "ARN of the role to assume.").validate(checks::role_arn()),
        Attribute::string("session_name", Optional, "Name of the session. Default: one name for the whole run, the same in every account.")
            .validate(checks::session_name()),
        Attribute::string("external_id", Optional, "External ID that the role's trust policy asks for."),
        Attribute::string("duration", Optional, "Length of the session as a Go duration, such as `1h` or `90m`; 15 minutes to 12 hours.")
            .validate(checks::session_duration()),
        Attribute::string("policy", Optional, "Session policy (JSON) that narrows what the session may do."),
        Attribute::new("policy_arns", strings(), Optional, "Managed policies that narrow what the session may do."),
        Attribute::string("source_identity", Optional, "Source identity of the session."),
        Attribute::string_map("tags", Optional, "Session tags."),
        Attribute::new("transitive_tag_keys", strings(), Optional, "Session tags that are passed on to sessions assumed from this one."),
    ]
}

/// The domain's form of an `assume_role` object.
pub(crate) fn expand(model: &AssumeRoleModel) -> AssumeRole {
    AssumeRole {
        role_arn: model.role_arn.known().cloned().unwrap_or_default(),
        session_name: model.session_name.known().cloned(),
        external_id: model.external_id.known().cloned(),
        duration_seconds: session_seconds(model.duration.known()),
        policy: model.policy.known().cloned(),
        policy_arns: known_items(&model.policy_arns),
        source_identity: model.source_identity.known().cloned(),
        tags: known_entries(&model.tags),
        transitive_tag_keys: known_items(&model.transitive_tag_keys),
    }
}

pub(crate) fn flatten(role: &AssumeRole) -> AssumeRoleModel {
    let list = |items: &[String]| {
        if items.is_empty() {
            Attr::Null
        } else {
            Attr::Known(items.iter().cloned().map(Attr::Known).collect())
        }
    };
    AssumeRoleModel {
        role_arn: Attr::Known(role.role_arn.clone()),
        session_name: Attr::from_option(role.session_name.clone()),
        external_id: Attr::from_option(role.external_id.clone()),
        duration: Attr::from_option(role.duration_seconds.map(|seconds| format!("{seconds}s"))),
        policy: Attr::from_option(role.policy.clone()),
        policy_arns: list(&role.policy_arns),
        source_identity: Attr::from_option(role.source_identity.clone()),
        tags: if role.tags.is_empty() {
            Attr::Null
        } else {
            Attr::Known(text_map(role.tags.clone()))
        },
        transitive_tag_keys: list(&role.transitive_tag_keys),
    }
}
