//! Whose the parts are that an import finds. Nothing of somebody else's may end up as ours: a destroy would delete
//! it.

use std::collections::BTreeMap;

use super::{Importer, Setup};
use crate::execution::cloud::CallErrorKind;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::SideModel;
use crate::provider::replicated_bucket::report;
use crate::replication::ids::{Arn, Location};
use crate::replication::names::{OWNER_TAG, named_by_rule_id, shared_role_policy_name};
use crate::replication::operation::{
    Answer, BucketEncryption, Input, Query, ReplicationRule, Tags,
};
use crate::replication::policy::{
    self, Decision, Effect, Element, PolicyDocument, Principals, Request,
};

/// Whether a rule has an ID of ours.
pub(crate) fn is_our_rule(rule: &ReplicationRule) -> bool {
    named_by_rule_id(&rule.id).is_some()
}

/// What the tags of a part say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tagged {
    /// Made by this very resource.
    Ours,
    /// Made by another one.
    Others,
    /// Neither.
    Nobody,
}

pub(crate) fn tagged(tags: &Tags, owner: &str) -> Tagged {
    match tags.get(OWNER_TAG) {
        Some(found) if found == owner => Tagged::Ours,
        Some(_) => Tagged::Others,
        None => Tagged::Nobody,
    }
}

impl Importer<'_> {
    /// What the tags of a bucket say; `wired` tells that this resource has replicated by it already. A bucket whose
    /// tags nobody lets us read is then not taken for ours.
    pub(crate) async fn tags_of(
        &self,
        owner: &str,
        bucket: &str,
        at: &Location,
        wired: bool,
        diagnostics: &mut Diagnostics,
    ) -> Option<Tagged> {
        let query = Query::GetBucketTagging {
            bucket: bucket.to_owned(),
        };
        match self.session.cloud.query(at, &query).await {
            Ok(Answer::Tags(tags)) => Some(tagged(&tags, owner)),
            Ok(_) => Some(Tagged::Nobody),
            Err(error) if error.kind == CallErrorKind::NotFound => Some(Tagged::Nobody),
            Err(error) if error.kind == CallErrorKind::AccessDenied && wired => {
                Some(Tagged::Nobody)
            }
            Err(error) => {
                report::read_errors(&[error], diagnostics);
                None
            }
        }
    }

    /// Whether a destination is not this source's alone: this resource has written into it as into somebody else's, or
    /// its policy lets other roles replicate into it. Where that is nowhere told, it is taken for ours.
    pub(super) async fn is_shared(
        &self,
        setup: &Setup,
        role: Option<&str>,
        bucket: &str,
        at: &Location,
        diagnostics: &mut Diagnostics,
    ) -> Option<bool> {
        let query = Query::GetBucketPolicy {
            bucket: bucket.to_owned(),
        };
        let text = match self.session.cloud.query(at, &query).await {
            Ok(Answer::Text(text)) => text,
            Ok(_) => return Some(false),
            Err(error) if error.kind == CallErrorKind::NotFound => return Some(false),
            Err(error) => {
                report::read_errors(&[error], diagnostics);
                return None;
            }
        };
        Some(PolicyDocument::parse(&text).is_ok_and(|document| {
            let ours = policy::ours(&document, |sid| policy::is_ours(sid, &setup.owner));
            let objects = format!("arn:{}:s3:::{bucket}/*", at.partition);
            !ours.is_empty() || lets_others_replicate(&document, &objects, role, &setup.source)
        }))
    }

    /// Whether the policy of a bucket or key holds statements of ours.
    pub(crate) async fn holds_ours(&self, owner: &str, at: &Location, query: &Query) -> bool {
        let Ok(Answer::Text(text)) = self.session.cloud.query(at, query).await else {
            return false;
        };
        PolicyDocument::parse(&text).is_ok_and(|document| {
            !policy::ours(&document, |sid| policy::is_ours(sid, owner)).is_empty()
        })
    }

    /// Whether a role holds the policy that we put into roles of somebody else's.
    pub(crate) async fn holds_our_policy(
        &self,
        role: &str,
        bucket: &str,
        at: &Location,
        diagnostics: &mut Diagnostics,
    ) -> Option<bool> {
        let query = Query::ListRolePolicies {
            role: role.to_owned(),
        };
        match self.session.cloud.query(at, &query).await {
            Ok(Answer::Names(names)) => Some(names.contains(&shared_role_policy_name(bucket))),
            Ok(_) => Some(false),
            Err(error) if error.kind == CallErrorKind::NotFound => Some(false),
            Err(error) => {
                report::read_errors(&[error], diagnostics);
                None
            }
        }
    }
}

/// Whether a bucket's policy lets roles replicate into it that are not the source's. The account of the source as a
/// whole may mean its role.
fn lets_others_replicate(
    document: &PolicyDocument,
    objects: &str,
    role: Option<&str>,
    source: &Location,
) -> bool {
    let allowing = document
        .statements
        .iter()
        .filter(|s| s.effect == Effect::Allow);
    let principals = allowing.flat_map(|statement| match &statement.principal {
        Some(Element::Is(Principals::Of(kinds))) => kinds.get("AWS").map_or(&[][..], Vec::as_slice),
        _ => &[],
    });
    let others = principals.filter(|id| {
        // The bare id of a role that is gone lets nobody in.
        let place = Arn::parse_role(id).ok();
        place.is_some() && Some(id.as_str()) != role
            || id.ends_with(":root") && !id.contains(&format!("::{}:", source.account))
    });
    others.into_iter().any(|principal| {
        let request = Request {
            principal: principal.clone(),
            action: "s3:ReplicateObject".to_owned(),
            resource: objects.to_owned(),
            context: BTreeMap::new(),
        };
        policy::evaluate(&[document], &request) == Decision::Allowed
    })
}

/// Makes a side somebody else's: nothing is said of how its bucket should be.
pub(crate) fn leave(side: &mut SideModel) {
    side.existing = Attr::Known(true);
    side.force_destroy = Attr::Null;
    side.require_tls = Attr::Null;
    side.exclusive_policy = Attr::Null;
    side.object_ownership = Attr::Null;
    side.public_access_block = Attr::Null;
}

/// The key that replicas arrive under in somebody else's bucket, where that is not the bucket's own; each rule names
/// it.
pub(crate) fn arrival_key<'a>(
    rules: &[&'a ReplicationRule],
    own: Option<&String>,
) -> Option<&'a String> {
    let mut keys = rules
        .iter()
        .filter_map(|rule| rule.replica_kms_key.as_ref().and_then(Input::known));
    let first = keys.next()?;
    (Some(first) != own && keys.all(|key| key == first)).then_some(first)
}

/// How replicas arrive under such a key.
pub(crate) fn arriving_under(key: &str) -> BucketEncryption {
    BucketEncryption {
        sse_algorithm: "aws:kms".to_owned(),
        kms_key: Some(Input::Known(key.to_owned())),
        bucket_key_enabled: true,
        blocked_encryption_types: Vec::new(),
    }
}
