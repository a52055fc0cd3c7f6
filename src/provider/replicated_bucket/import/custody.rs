//! Whose the parts are that an import finds. Nothing of somebody else's may end up as ours: a destroy would delete
//! it.

use std::collections::BTreeMap;

use super::{Importer, Setup};
use crate::execution::cloud::{CallError, CallErrorKind};
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
                diagnostics.warning(
                    format!("Whose bucket {bucket} is cannot be told"),
                    format!("{error}. So it is taken for somebody else's, with existing = true: only what replication needs is written there, and a destroy leaves the bucket. Where it is this resource's own, allow s3:GetBucketTagging on it and begin again, before anything is applied."),
                );
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

    /// Whether the policy of a bucket or key holds statements of ours. One that may not be read holds none: they came
    /// there by reading it.
    pub(crate) async fn holds_ours(
        &self,
        owner: &str,
        at: &Location,
        query: &Query,
    ) -> Result<bool, CallError> {
        match self.session.cloud.query(at, query).await {
            Ok(Answer::Text(text)) => Ok(PolicyDocument::parse(&text).is_ok_and(|document| {
                !policy::ours(&document, |sid| policy::is_ours(sid, owner)).is_empty()
            })),
            Ok(_) => Ok(false),
            Err(error) if is_shut_or_gone(error.kind) => Ok(false),
            Err(error) => Err(error),
        }
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

/// Whether there is nothing to be seen, however often one looks.
pub(super) fn is_shut_or_gone(kind: CallErrorKind) -> bool {
    matches!(kind, CallErrorKind::AccessDenied | CallErrorKind::NotFound)
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
            bounded: false,
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
    side.enable_versioning = Attr::Known(false);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::replication::ids::{AccountId, Region, WayIn};
    use crate::replication::operation::RuleFilter;

    const OWNER: &str = "111111111111/acme";
    const ROLE: &str = "arn:aws:iam::111111111111:role/crr";

    #[test]
    fn tags_say_whose_a_part_is_by_the_owner_alone() {
        let tags = |owner: &str| Tags::from([(OWNER_TAG.to_owned(), owner.to_owned())]);
        assert_eq!(tagged(&tags(OWNER), OWNER), Tagged::Ours);
        assert_eq!(tagged(&tags("111111111111/other"), OWNER), Tagged::Others);
        let team = Tags::from([("team".to_owned(), OWNER.to_owned())]);
        assert_eq!(tagged(&team, OWNER), Tagged::Nobody);
    }

    fn others_replicate(statement: &str) -> bool {
        let region = Region::parse("eu-west-1").unwrap();
        let source = Location {
            account: AccountId::parse("111111111111").unwrap(),
            partition: region.partition(),
            region,
            way_in: Arc::new(WayIn::default()),
        };
        let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
        let document = PolicyDocument::parse(&text).unwrap();
        lets_others_replicate(&document, "arn:aws:s3:::backup/*", Some(ROLE), &source)
    }

    #[test]
    fn a_bucket_is_shared_where_another_role_or_account_may_replicate_into_it() {
        let statement = |principal: &str| {
            format!(
                r#"{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"s3:Replicate*","Resource":"arn:aws:s3:::backup/*"}}"#
            )
        };
        for (principal, shared) in [
            (ROLE, false),
            ("arn:aws:iam::111111111111:role/another", true),
            // The account of the source may mean its role.
            ("arn:aws:iam::111111111111:root", false),
            ("arn:aws:iam::333333333333:root", true),
            // A role that is gone.
            ("AROAEXAMPLEID", false),
        ] {
            let statement = statement(principal);
            assert_eq!(others_replicate(&statement), shared, "{principal}");
        }
        let another = statement("arn:aws:iam::111111111111:role/another");
        assert!(!others_replicate(
            &another.replace("Replicate*", "GetObject")
        ));
        assert!(!others_replicate(
            &another.replace("backup/*", "elsewhere/*")
        ));
        let denied = format!("[{another},{}]", another.replace("Allow", "Deny"));
        assert!(!others_replicate(&denied));
    }

    fn rule(key: Option<&str>) -> ReplicationRule {
        ReplicationRule {
            id: "r".to_owned(),
            priority: Some(0),
            enabled: true,
            filter: Some(RuleFilter::default()),
            v1_prefix: None,
            delete_marker_replication: Some(false),
            sse_kms_encrypted_objects: key.map(|_| true),
            replica_modifications: None,
            bucket_arn: "arn:aws:s3:::backup".to_owned(),
            account: None,
            storage_class: None,
            owner_override: false,
            replica_kms_key: key.map(|key| Input::Known(key.to_owned())),
            replication_time: None,
            metrics: None,
        }
    }

    #[test]
    fn replicas_arrive_under_a_key_that_all_rules_name_and_the_bucket_does_not() {
        let (one, other) = ("key/one", "key/other");
        let arrives = |keys: &[Option<&str>], own: Option<&str>| {
            let rules: Vec<_> = keys.iter().map(|key| rule(*key)).collect();
            let rules: Vec<_> = rules.iter().collect();
            let own = own.map(str::to_owned);
            arrival_key(&rules, own.as_ref()).cloned()
        };
        assert_eq!(arrives(&[Some(one), Some(one)], None).as_deref(), Some(one));
        assert_eq!(
            arrives(&[Some(one), None], Some(other)).as_deref(),
            Some(one)
        );
        assert_eq!(arrives(&[Some(one)], Some(one)), None);
        assert_eq!(arrives(&[Some(one), Some(other)], None), None);
        assert_eq!(arrives(&[None], None), None);
    }

    #[test]
    fn of_somebody_elses_bucket_nothing_is_said_that_a_destroy_or_an_update_could_act_on() {
        let mut side = SideModel {
            existing: Attr::Known(false),
            force_destroy: Attr::Known(true),
            require_tls: Attr::Known(true),
            exclusive_policy: Attr::Known(true),
            object_ownership: Attr::Known("BucketOwnerEnforced".to_owned()),
            ..SideModel::default()
        };
        leave(&mut side);
        let left = SideModel {
            existing: Attr::Known(true),
            enable_versioning: Attr::Known(false),
            ..SideModel::default()
        };
        assert_eq!(side, left);
    }
}
