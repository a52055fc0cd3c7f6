//! Whether IAM takes a role's policy: inline policies have a limit, and so have managed ones.

use crate::execution::cloud::{CallError, CallErrorKind};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::AttributePath;
use crate::provider::replicated_bucket::paths::role_path;
use crate::provider::replicated_bucket::report;
use crate::provider::settings::Session;
use crate::replication::direction::Direction;
use crate::replication::grants::{has_too_many_destinations, role_document, wider_role_document};
use crate::replication::operation::{Answer, Query};
use crate::replication::policy::{self, PolicyKind, TooManyDestinations};
use crate::replication::spec::{RoleOwnership, Spec};

const SUMMARY: &str = "Too many destinations for one role";
const WAY_OUT: &str = "Spread the destinations over several source buckets.";

/// Refuses what is too long, however it is split, and what would be too long for as long as an update takes: until
/// the rules have changed, a role must do for those of before and for those of later.
pub(crate) async fn check(
    session: &Session,
    spec: &Spec,
    prior: Option<&Spec>,
    diagnostics: &mut Diagnostics,
) {
    for direction in spec.directions() {
        let before = prior.and_then(|prior| direction.in_spec(prior));
        match direction.role.ownership {
            RoleOwnership::Owned { .. } => check_ours(&direction, before.as_ref(), diagnostics),
            RoleOwnership::Existing {
                manage_policy: true,
            } => check_existing(session, &direction, before.as_ref(), diagnostics).await,
            // What its owner is told to grant is the owner's to split.
            RoleOwnership::Existing {
                manage_policy: false,
            } => {}
        }
    }
}

fn check_ours(
    direction: &Direction<'_>,
    before: Option<&Direction<'_>>,
    diagnostics: &mut Diagnostics,
) {
    let path = AttributePath::root("destinations");
    let reason = report::capitalised(&TooManyDestinations.to_string());
    if has_too_many_destinations(direction, None) {
        diagnostics.error_at(path, SUMMARY, format!("{reason}. {WAY_OUT}"));
    } else if has_too_many_destinations(direction, before) {
        diagnostics.error_at(
            path,
            "Too many destinations change at once",
            format!("{reason}: until the rules have changed, the role must do for the destinations of before and for those of later. Change them in several applies, some at a time."),
        );
    }
}

/// In a role of somebody else's there is one policy of ours, and the inline policies of others count with it.
async fn check_existing(
    session: &Session,
    direction: &Direction<'_>,
    before: Option<&Direction<'_>>,
    diagnostics: &mut Diagnostics,
) {
    let document = wider_role_document(direction, before);
    let mut texts = document.to_string();
    // They are read only where it may come to that.
    if policy::size(PolicyKind::RoleInline, &texts) > PolicyKind::RoleInline.limit() / 2 {
        match others_inline_policies(session, direction).await {
            Ok(others) => texts.push_str(&others),
            Err(error) => report::read_errors(&[error], diagnostics),
        }
    }
    let Err(error) = policy::check_size(PolicyKind::RoleInline, &texts) else {
        return;
    };
    let path = role_path(&direction.from).attribute("existing_arn");
    let way_out = if document == role_document(direction) {
        WAY_OUT
    } else {
        "Until the rules have changed, the role must do for the destinations of before and for those of later: change some at a time."
    };
    diagnostics.error_at(
        path.clone(),
        SUMMARY,
        format!("With those that {} has already, {error}. {way_out} Or leave {path} out: the policy of a role that this resource makes may be longer, because managed policies take the rest.", direction.role_arn()),
    );
}

/// The texts of what others wrote into a role's inline policies.
async fn others_inline_policies(
    session: &Session,
    direction: &Direction<'_>,
) -> Result<String, CallError> {
    let at = &direction.bucket.location;
    let role = direction.role.name.clone();
    let ours = direction.role_policy_name();
    let list = Query::ListRolePolicies { role };
    let names = match session.cloud.query(at, &list).await {
        Ok(Answer::Names(names)) => names,
        Ok(_) => Vec::new(),
        // That the role is not there is told by itself.
        Err(error) if error.kind == CallErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut texts = String::new();
    for policy in names.into_iter().filter(|name| *name != ours) {
        let role = direction.role.name.clone();
        let query = Query::GetRolePolicy { role, policy };
        if let Answer::Text(text) = session.cloud.query(at, &query).await? {
            texts.push_str(&text);
        }
    }
    Ok(texts)
}
