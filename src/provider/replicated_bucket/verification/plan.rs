//! What would keep canaries from being written or removed, asked before anything is changed.

use std::collections::BTreeSet;

use futures::future::join_all;

use crate::execution::cloud::{CallErrorKind, Identity};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::AttributePath;
use crate::provider::replicated_bucket::model::BucketModel;
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::settings::Session;
use crate::replication::caller::request;
use crate::replication::canary::{Canary, canaries, rules_of_others};
use crate::replication::component::Side;
use crate::replication::operation::{Answer, Query, ReplicationConfiguration};
use crate::replication::policy::{PolicyDocument, denial};
use crate::replication::spec::{BucketSpec, Spec, VerificationSpec};

/// What is asked of S3 where canaries are written, and where they arrive.
const WRITES: [&str; 4] = [
    "s3:PutObject",
    "s3:GetObject",
    "s3:DeleteObjectVersion",
    "s3:ListBucketVersions",
];

/// Looks at what would keep canaries; only where the apply is to send any.
pub(crate) async fn check(
    session: &Session,
    spec: &Spec,
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
    refuse_obstacles(session, spec, how, diagnostics).await;
}

/// Refuses what would keep canaries of a setup, and warns of whom they would wake.
pub(in crate::provider) async fn refuse_obstacles(
    session: &Session,
    spec: &Spec,
    how: &VerificationSpec,
    diagnostics: &mut Diagnostics,
) {
    let canaries = canaries(spec, &how.key_prefix);
    for (side, bucket) in spec.buckets().filter(|(_, bucket)| !bucket.is_reachable()) {
        diagnostics.error_at(
            side_path(&side),
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
        refuse_retention(&side, bucket, &seen, diagnostics);
        refuse_denials(&side, bucket, &here, &seen, diagnostics);
        refuse_rules_of_others(spec, &side, bucket, &here, &seen, diagnostics);
        warn_of_notifications(&side, bucket, &seen, diagnostics);
    }
}

/// What a bucket shows; nothing where it is still to be made, or may not be looked at.
#[derive(Default)]
struct Seen {
    caller: Option<Identity>,
    policy: Option<String>,
    retains: bool,
    replication: Option<ReplicationConfiguration>,
    notified: Vec<String>,
}

async fn look(session: &Session, bucket: &BucketSpec) -> Seen {
    let (at, name) = (&bucket.location, || bucket.name.to_string());
    let ask = async |query: Query| match session.cloud.query(at, &query).await {
        Ok(answer) => Some(answer),
        // What is missing or forbidden is told where it is needed for more than this.
        Err(error) => {
            let absent = error.kind == CallErrorKind::NotFound;
            tracing::debug!(%error, absent, "not looked at for the verification");
            None
        }
    };
    let (caller, policy, lock, rules, notified) = futures::join!(
        session.enter(&at.way_in, &at.region, None),
        ask(Query::GetBucketPolicy { bucket: name() }),
        ask(Query::GetObjectLockConfiguration { bucket: name() }),
        ask(Query::GetBucketReplication { bucket: name() }),
        ask(Query::GetBucketNotificationConfiguration { bucket: name() }),
    );
    Seen {
        caller: caller.ok(),
        policy: match policy {
            Some(Answer::Text(text)) => Some(text),
            _ => None,
        },
        retains: matches!(lock, Some(Answer::ObjectLock(lock)) if lock.default_retention.is_some()),
        replication: match rules {
            Some(Answer::Replication(rules)) => Some(rules),
            _ => None,
        },
        notified: match notified {
            Some(Answer::Names(names)) => names,
            _ => Vec::new(),
        },
    }
}

fn refuse_retention(side: &Side, bucket: &BucketSpec, seen: &Seen, diagnostics: &mut Diagnostics) {
    let written = bucket.settings().map(|settings| {
        let lock = settings.object_lock.as_ref();
        lock.is_some_and(|lock| lock.default_retention.is_some())
    });
    if !written.unwrap_or(seen.retains) {
        return;
    }
    diagnostics.error_at(
        side_path(side).attribute("object_lock"),
        "Canaries could not be removed",
        format!("Bucket {} has a default retention, so a canary in it could not be deleted before its time. Leave `verification` out, or write `enabled = false` into it; or take the default retention off. Nothing was changed.", bucket.name),
    );
}

fn refuse_denials(
    side: &Side,
    bucket: &BucketSpec,
    canaries: &[&Canary],
    seen: &Seen,
    diagnostics: &mut Diagnostics,
) {
    let Some(caller) = &seen.caller else { return };
    let mut documents = vec![PolicyDocument::new(bucket.policy.statements.clone())];
    let is_ours_alone = bucket.policy.exclusive && bucket.settings().is_some();
    if let Some(policy) = seen.policy.as_ref().filter(|_| !is_ours_alone) {
        documents.extend(PolicyDocument::parse(policy).ok());
    }
    for canary in canaries {
        let writes = canary.from == *side;
        let actions = WRITES
            .iter()
            .filter(|action| writes || **action != "s3:PutObject");
        for action in actions {
            let resource = match *action {
                "s3:ListBucketVersions" => bucket.arn(),
                _ => format!("{}/{}canary", bucket.arn(), canary.prefix),
            };
            let request = request(bucket, &caller.arn, action, &resource);
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
                diagnostics.error_at(
                    side_path(side).attribute("policy"),
                    "Canaries could not be written or removed",
                    format!("{statement} in the policy of bucket {} denies {action} to {}, on whose behalf canaries are written and removed. Exempt that identity on {}*, or leave `verification` out. Nothing was changed.", bucket.name, caller.arn, canary.prefix),
                );
                return;
            }
        }
    }
}

fn refuse_rules_of_others(
    spec: &Spec,
    side: &Side,
    bucket: &BucketSpec,
    canaries: &[&Canary],
    seen: &Seen,
    diagnostics: &mut Diagnostics,
) {
    let (Some(rules), Some(direction), None) =
        (&seen.replication, spec.direction(side), bucket.settings())
    else {
        return;
    };
    let ours = direction.to.iter().flat_map(|to| &to.rules);
    let ours: BTreeSet<String> = ours.map(|rule| rule.id.clone()).collect();
    let written = canaries.iter().filter(|canary| canary.from == *side);
    let mut others: Vec<&str> = written
        .flat_map(|canary| rules_of_others(canary, rules, &ours))
        .map(|rule| rule.id.as_str())
        .collect();
    others.sort_unstable();
    others.dedup();
    if !others.is_empty() {
        diagnostics.error_at(
            AttributePath::root("verification"),
            "Canaries could not be removed",
            format!("Rules of others replicate canaries from bucket {} as well, to where they would stay: {}. Leave `verification` out, or have these rules pass over the prefix of canaries. Nothing was changed.", bucket.name, others.join(", ")),
        );
    }
}

fn warn_of_notifications(
    side: &Side,
    bucket: &BucketSpec,
    seen: &Seen,
    diagnostics: &mut Diagnostics,
) {
    if seen.notified.is_empty() {
        return;
    }
    diagnostics.warning_at(
        side_path(side).attribute("bucket"),
        "Canaries send notifications",
        format!("Bucket {} tells {} of its objects. Each canary comes and goes there like any other object. Have them pass over the prefix of canaries, where that matters.", bucket.name, seen.notified.join(", ")),
    );
}
