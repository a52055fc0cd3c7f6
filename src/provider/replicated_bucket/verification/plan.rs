//! What would keep canaries from being written or removed, asked before anything is changed.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::Asker;
use crate::execution::cloud::{CallErrorKind, Identity};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::AttributePath;
use crate::provider::replicated_bucket::model::BucketModel;
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::settings::Session;
use crate::replication::caller::request;
use crate::replication::canary::{Canary, Replica, canaries, rules_of_others};
use crate::replication::component::Side;
use crate::replication::operation::{Answer, Notification, Query, ReplicationConfiguration};
use crate::replication::policy::{PolicyDocument, Request, denial};
use crate::replication::spec::{BucketSpec, Spec, VerificationSpec};

/// Looks at what would keep canaries; only where the apply is to send any. Rules that the apply takes away keep none.
pub(crate) async fn check(
    session: &Session,
    spec: &Spec,
    prior: Option<&Spec>,
    model: &BucketModel,
    diagnostics: &mut Diagnostics,
) {
    let Some(how) = spec.verification.as_ref().filter(|how| how.enabled) else {
        return;
    };
    let mut sides = model.sides().into_iter();
    if !sides.any(|(_, side)| side.verified_at.is_unknown()) {
        return;
    }
    let specs = (spec, prior);
    refuse_obstacles(session, specs, how, Asker::Resource, diagnostics).await;
}

/// Refuses what would keep canaries of a setup, and warns of whom they would wake. Beside the setup stands what it was
/// until now, where it is about to change.
pub(in crate::provider) async fn refuse_obstacles(
    session: &Session,
    (spec, prior): (&Spec, Option<&Spec>),
    how: &VerificationSpec,
    asker: Asker,
    diagnostics: &mut Diagnostics,
) {
    let canaries = canaries(spec, &how.key_prefix);
    for (side, bucket) in spec.buckets().filter(|(_, bucket)| !bucket.is_reachable()) {
        diagnostics.error_at(
            asker.path(side_path(&side)),
            "Canaries could not be removed",
            format!("Canaries are compared in each destination and deleted there again, and the account of bucket {} cannot be entered. Nothing was changed.", bucket.name),
        );
    }
    let buckets = spec.buckets().filter(|(_, bucket)| bucket.is_reachable());
    let looks = join_all(buckets.map(|(side, bucket)| async move {
        let seen = look(session, bucket).await;
        (side, bucket, seen)
    }));
    for (side, bucket, seen) in looks.await {
        let here: Vec<&Canary> = canaries
            .iter()
            .filter(|canary| {
                canary
                    .places()
                    .any(|(_, name)| name == bucket.name.as_str())
            })
            .collect();
        if here.is_empty() {
            continue;
        }
        let place = Place {
            asker,
            spec,
            prior,
            side: &side,
            bucket,
            canaries: &here,
            seen: &seen,
        };
        place.refuse_retention(diagnostics);
        place.refuse_mfa_delete(diagnostics);
        place.refuse_denials(diagnostics);
        place.refuse_rules_of_others(diagnostics);
        place.warn_of_notifications(diagnostics);
        place.warn_of_unseen(diagnostics);
    }
}

/// What a bucket shows; nothing where it is still to be made, or may not be looked at.
#[derive(Default)]
struct Seen {
    caller: Option<Identity>,
    policy: Option<String>,
    retains: bool,
    mfa_delete: bool,
    replication: Option<ReplicationConfiguration>,
    notified: Vec<Notification>,
    /// Calls that were refused.
    unseen: Vec<&'static str>,
}

async fn look(session: &Session, bucket: &BucketSpec) -> Seen {
    let (at, name) = (&bucket.location, || bucket.name.to_string());
    let ask = async |query: Query| match session.cloud.query(at, &query).await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind == CallErrorKind::AccessDenied => Err(query.call()),
        // What is missing, or goes wrong otherwise, is told where it is needed for more than this.
        Err(error) => {
            let absent = error.kind == CallErrorKind::NotFound;
            tracing::debug!(%error, absent, "not looked at for the verification");
            Ok(None)
        }
    };
    let (caller, policy, lock, mfa_delete, rules, notified) = futures::join!(
        session.enter(&at.way_in, &at.region, None),
        ask(Query::GetBucketPolicy { bucket: name() }),
        ask(Query::GetObjectLockConfiguration { bucket: name() }),
        ask(Query::GetBucketMfaDelete { bucket: name() }),
        ask(Query::GetBucketReplication { bucket: name() }),
        ask(Query::GetBucketNotificationConfiguration { bucket: name() }),
    );
    let asked = [&policy, &lock, &mfa_delete, &rules, &notified];
    Seen {
        caller: caller.ok(),
        unseen: asked
            .iter()
            .filter_map(|asked| asked.as_ref().err().copied())
            .collect(),
        policy: match policy {
            Ok(Some(Answer::Text(text))) => Some(text),
            _ => None,
        },
        retains: matches!(lock, Ok(Some(Answer::ObjectLock(lock))) if lock.default_retention.is_some()),
        mfa_delete: matches!(mfa_delete, Ok(Some(Answer::Text(status))) if status == "Enabled"),
        replication: match rules {
            Ok(Some(Answer::Replication(rules))) => Some(rules),
            _ => None,
        },
        notified: match notified {
            Ok(Some(Answer::Notifications(notified))) => notified,
            _ => Vec::new(),
        },
    }
}

/// A bucket that canaries come into, and what it shows.
struct Place<'a> {
    asker: Asker,
    spec: &'a Spec,
    prior: Option<&'a Spec>,
    side: &'a Side,
    bucket: &'a BucketSpec,
    canaries: &'a [&'a Canary],
    seen: &'a Seen,
}

impl Place<'_> {
    /// Where something about an attribute of this side is told.
    fn path(&self, attribute: &str) -> AttributePath {
        self.asker.path(side_path(self.side).attribute(attribute))
    }

    fn refuse_retention(&self, diagnostics: &mut Diagnostics) {
        let written = self.bucket.settings().map(|settings| {
            let lock = settings.object_lock.as_ref();
            lock.is_some_and(|lock| lock.default_retention.is_some())
        });
        if !written.unwrap_or(self.seen.retains) {
            return;
        }
        diagnostics.error_at(
            self.path("object_lock"),
            "Canaries could not be removed",
            format!("Bucket {} has a default retention, so a canary in it could not be deleted before its time. {} Nothing was changed.", self.bucket.name, self.asker.way_out("Take the default retention off")),
        );
    }

    fn refuse_mfa_delete(&self, diagnostics: &mut Diagnostics) {
        if self.seen.mfa_delete {
            diagnostics.error_at(
                self.path("bucket"),
                "Canaries could not be removed",
                format!("Bucket {} has MFA Delete, so a version of a canary in it would go only with a code of its owner's device. {} Nothing was changed.", self.bucket.name, self.asker.way_out("Have the root user of its account turn it off")),
            );
        }
    }

    fn refuse_denials(&self, diagnostics: &mut Diagnostics) {
        let (bucket, seen) = (self.bucket, self.seen);
        let Some(caller) = &seen.caller else { return };
        let mut documents = vec![PolicyDocument::new(bucket.policy.statements.clone())];
        let is_ours_alone = bucket.policy.exclusive && bucket.settings().is_some();
        if let Some(policy) = seen.policy.as_ref().filter(|_| !is_ours_alone) {
            documents.extend(PolicyDocument::parse(policy).ok());
        }
        for canary in self.canaries {
            for request in calls(canary, self.side, bucket, &caller.arn) {
                let action = &request.action;
                let denied = documents.iter().find_map(|document| {
                    let denial = denial(document, &request)?;
                    denial
                        .certain
                        .then(|| denial.statement.name().map(str::to_owned))
                });
                if let Some(sid) = denied {
                    let statement = sid.map_or_else(
                        || "A statement without a Sid".to_owned(),
                        |sid| format!("Statement {sid}"),
                    );
                    let exempt = format!("Exempt that identity on {}*", canary.prefix);
                    diagnostics.error_at(
                        self.path("policy"),
                        "Canaries could not be written or removed",
                        format!("{statement} in the policy of bucket {} denies {action} to {}, on whose behalf canaries are written and removed. {} Nothing was changed.", bucket.name, caller.arn, self.asker.way_out(&exempt)),
                    );
                    return;
                }
            }
        }
    }

    fn refuse_rules_of_others(&self, diagnostics: &mut Diagnostics) {
        let (Some(rules), Some(direction), None) = (
            &self.seen.replication,
            self.spec.direction(self.side),
            self.bucket.settings(),
        ) else {
            return;
        };
        let directions = self.prior.into_iter().flat_map(Spec::directions);
        let before = directions.filter(|before| before.bucket.name == self.bucket.name);
        let ours = before.chain([direction]).flat_map(|direction| {
            let rules = direction.to.into_iter().flat_map(|to| to.rules);
            rules.map(|rule| rule.id).collect::<Vec<_>>()
        });
        let ours: BTreeSet<String> = ours.collect();
        let mut others: Vec<&str> = self
            .written()
            .flat_map(|canary| rules_of_others(canary, rules, &ours))
            .map(|rule| rule.id.as_str())
            .collect();
        others.sort_unstable();
        others.dedup();
        if !others.is_empty() {
            let way_out = self
                .asker
                .way_out("Have these rules pass over the prefix of canaries");
            diagnostics.error_at(
                self.asker.path(AttributePath::root("verification")),
                "Canaries could not be removed",
                format!("Rules of others replicate canaries from bucket {} as well, to where they would stay: {}. {way_out} Nothing was changed.", self.bucket.name, others.join(", ")),
            );
        }
    }

    /// The canaries that are written here.
    fn written(&self) -> impl Iterator<Item = &Canary> {
        let all = self.canaries.iter().copied();
        all.filter(|canary| canary.from == *self.side)
    }

    fn warn_of_notifications(&self, diagnostics: &mut Diagnostics) {
        let owner = self.spec.owner();
        let is_told = |notification: &&Notification| {
            let mut canaries = self.canaries.iter();
            canaries.any(|canary| notification.tells_of(&canary.keys_begin(&owner)))
        };
        let told = self.seen.notified.iter().filter(is_told);
        let mut targets: Vec<&str> = told.map(|told| told.target.as_str()).collect();
        targets.sort_unstable();
        targets.dedup();
        if targets.is_empty() {
            return;
        }
        diagnostics.warning_at(
            self.path("bucket"),
            "Canaries send notifications",
            format!("Bucket {} tells {} of its objects. Each canary comes and goes there like any other object. Have them pass over the prefix of canaries, where that matters.", self.bucket.name, targets.join(", ")),
        );
    }

    fn warn_of_unseen(&self, diagnostics: &mut Diagnostics) {
        let mut calls = self.seen.unseen.clone();
        calls.dedup();
        if calls.is_empty() {
            return;
        }
        let (bucket, at) = (&self.bucket.name, &self.bucket.location);
        diagnostics.warning_at(
            self.path("bucket"),
            "What canaries meet could not be looked at",
            format!("{} is not allowed on bucket {bucket} in account {}, region {}, so a default retention, MFA Delete, a policy, rules of others or notifications there may keep canaries, or be woken by them, without being told here. Allow it for the identity that enters this account.", calls.join(", "), at.account, at.region),
        );
    }
}

/// What is asked of S3 about a canary in one of its buckets, on behalf of whoever runs Terraform.
fn calls(canary: &Canary, side: &Side, bucket: &BucketSpec, caller: &str) -> Vec<Request> {
    let object = format!("{}/{}canary", bucket.arn(), canary.prefix);
    let is_written = canary.from == *side;
    let arrives = |replica: &&Replica| replica.side == *side;
    let mut owners = canary.replicas.iter().filter(|r| is_written || arrives(r));
    let asks_for_owner = owners.any(|replica| replica.same_owner.is_some());
    let has_tags = !canary.tags.is_empty();
    let mut calls = Vec::new();
    let mut call = |action, resource| calls.push(request(bucket, caller, action, resource));
    if is_written {
        call("s3:PutObject", &object);
        if has_tags {
            call("s3:PutObjectTagging", &object);
        }
    }
    call("s3:GetObject", &object);
    if has_tags && !is_written {
        call("s3:GetObjectTagging", &object);
    }
    if asks_for_owner {
        call("s3:GetObjectAcl", &object);
    }
    call("s3:DeleteObjectVersion", &object);
    call("s3:ListBucketVersions", &bucket.arn());
    for request in calls
        .iter_mut()
        .filter(|r| r.action.starts_with("s3:PutObject"))
    {
        request.context.extend(headers(canary));
    }
    calls
}

/// What a canary is written with, as policies ask for it, and what it is written without.
fn headers(canary: &Canary) -> BTreeMap<String, Vec<String>> {
    let tags = canary.tags.iter();
    let tags = tags.map(|(key, value)| (format!("s3:RequestObjectTag/{key}"), vec![value.clone()]));
    let keys = canary.tags.keys().cloned().collect();
    let encryption = canary.sse_algorithm.iter().cloned().collect();
    let absent = [
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:x-amz-server-side-encryption-customer-algorithm",
        "s3:x-amz-acl",
        "s3:x-amz-storage-class",
        "s3:object-lock-mode",
    ];
    let absent = absent.map(|key| (key.to_owned(), Vec::new()));
    [
        ("s3:RequestObjectTagKeys".to_owned(), keys),
        ("s3:x-amz-server-side-encryption".to_owned(), encryption),
    ]
    .into_iter()
    .chain(absent)
    .chain(tags)
    .collect()
}
