//! Editing policy documents that others edit too.
//!
//! An edit reads the document right before each write, also before one that is sent again because AWS refused it or its
//! answer was lost, and reads it again afterwards: AWS has no conditional write for policies, so the only way to notice
//! that a concurrent writer won is to look. Edits of one document are one after the other within the process, and wait
//! until AWS shows what the one before has written; other processes are noticed by the second read. A replication
//! configuration that is somebody else's is such a document as well.

use std::time::Duration;

use super::cloud::{CallError, CallErrorKind};
use super::locks::OLD_SHOWS_FOR;
use super::retry::{self, Setting};
use super::run::{Run, Tries};
use super::step::GONE_WITHIN;
use crate::replication::graph::PolicyEdit;
use crate::replication::ids::Location;
use crate::replication::operation::{Answer, Input, Operation, Query, ReplicationConfiguration};
use crate::replication::policy::{self, PolicyDocument, PolicyKind};
use crate::replication::rules_share::RulesShare;
use crate::replication::rules_share::same_rule;

/// A policy that several owners share.
#[derive(Debug, Clone)]
pub(super) enum Document {
    /// A bucket's policy.
    Bucket(String),
    /// A key's policy, by the key's ARN.
    Key(String),
}

impl Document {
    fn name(&self) -> &str {
        match self {
            Self::Bucket(name) | Self::Key(name) => name,
        }
    }

    fn kind(&self) -> PolicyKind {
        match self {
            Self::Bucket(_) => PolicyKind::Bucket,
            Self::Key(_) => PolicyKind::Key,
        }
    }

    fn query(&self) -> Query {
        match self {
            Self::Bucket(bucket) => Query::GetBucketPolicy {
                bucket: bucket.clone(),
            },
            Self::Key(key) => Query::GetKeyPolicy { key: key.clone() },
        }
    }

    /// The write; a bucket's policy may go altogether, a key always has one.
    fn write(&self, document: Option<&PolicyDocument>) -> Result<Operation, String> {
        let policy = document
            .map(|d| d.render().map_err(|e| e.to_string()))
            .transpose()?;
        if let Some(text) = &policy {
            policy::check_size(self.kind(), text).map_err(|e| e.to_string())?;
        }
        Ok(match (self, policy) {
            (Self::Bucket(bucket), Some(policy)) => Operation::PutBucketPolicy {
                bucket: bucket.clone(),
                policy,
            },
            (Self::Bucket(bucket), None) => Operation::DeleteBucketPolicy {
                bucket: bucket.clone(),
            },
            (Self::Key(key), policy) => Operation::PutKeyPolicy {
                key: Input::Known(key.clone()),
                policy: policy.ok_or("a key cannot be left without a policy")?,
            },
        })
    }
}

/// Puts an owner's share into a document and leaves everybody else's as they are.
pub(super) async fn edit(
    run: &Run<'_>,
    at: &Location,
    document: &Document,
    edit: &PolicyEdit,
) -> Result<(), CallError> {
    let lock = run.locks.of(document.name());
    let mut turn = lock.lock().await;
    turn.begin();
    let mut tries = Tries::default();
    if edit.fresh {
        // Nobody else can have written into what was made a moment ago; later, while AWS is waited for, they can.
        let merged = edit.share.merged_into(None);
        if write(run, at, document, Some(&merged), &mut tries).await? {
            turn.put(None, Some(merged));
            return Ok(());
        }
    }
    let mut waits = retry::backoff(Duration::from_secs(60));
    let mut old_shows = retry::backoff(OLD_SHOWS_FOR);
    // What was sent last, while nobody knows whether AWS took it.
    let mut sent = None;
    loop {
        let current = match read(run, at, document).await {
            // What is gone holds nothing of ours.
            Err(error) if error.kind == CallErrorKind::NotFound && edit.share.is_empty() => {
                return Ok(());
            }
            // What is young may not show yet, and shows a document of somebody else's when it does.
            Err(error) if edit.fresh && is_unseen(&error) => None,
            current => current?,
        };
        if turn.is_old(current.as_ref())
            && let Some(wait) = old_shows.next()
        {
            if run.pause(wait).await {
                continue;
            }
            return Err(run.stopped(at, document.query().call(), document.name()));
        }
        let merged = edit.share.merged_into(current.as_ref());
        let nothing_left = merged.statements.is_empty();
        let unchanged = match &current {
            Some(current) => policy::same_meaning(current, &merged) && !edit.rewrite,
            None => nothing_left,
        };
        if unchanged {
            if let Some((before, now)) = sent {
                turn.put(before, now);
            }
            return Ok(());
        }
        let merged = (!nothing_left).then_some(merged);
        match write(run, at, document, merged.as_ref(), &mut tries).await {
            // A key that is about to be deleted takes no change, and takes our statements along.
            Err(error) if error.kind == CallErrorKind::InvalidState && edit.share.is_empty() => {
                return Ok(());
            }
            Err(error) => return Err(error),
            // Whatever was waited for, others may have written meanwhile: also what was in the way may be gone.
            Ok(false) => {
                sent = Some((current, merged));
                continue;
            }
            Ok(true) => turn.put(current, merged),
        }
        let seen = read(run, at, document).await?;
        let landed = match &seen {
            Some(seen) => {
                let share = &edit.share;
                share.ours_match(seen) && share.written_match(seen) && share.base_match(seen)
            }
            None => nothing_left,
        };
        if landed {
            return Ok(());
        }
        match waits.next() {
            Some(wait) if run.pause(wait).await => {}
            Some(_) => {
                return Err(run.stopped(at, document.query().call(), document.name()));
            }
            None => {
                return Err(run.local_error(
                    at,
                    CallErrorKind::Conflict,
                    document.query().call(),
                    document.name(),
                    "what was written did not show within a minute: another writer keeps replacing the policy, \
                     or AWS is slow to show it",
                ));
            }
        }
    }
}

/// Puts an owner's rules into a replication configuration and leaves everybody else's as they are.
pub(super) async fn edit_rules(
    run: &Run<'_>,
    at: &Location,
    bucket: &str,
    share: &RulesShare,
    setting: Setting,
) -> Result<(), CallError> {
    let lock = run.locks.of(&format!("rules of {bucket}"));
    let _turn = lock.lock().await;
    let query = Query::GetBucketReplication {
        bucket: bucket.to_owned(),
    };
    let total = if share.takes_away() {
        GONE_WITHIN
    } else {
        Duration::from_secs(60)
    };
    let mut waits = retry::backoff(total);
    let mut tries = Tries::default();
    // What our last write took the place of.
    let mut replaced: Option<Option<ReplicationConfiguration>> = None;
    loop {
        let current = match run.cloud.query(at, &query).await {
            Ok(Answer::Replication(configuration)) => Some(configuration),
            Ok(_) => None,
            Err(error) if error.kind == CallErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if let Some(conflict) = share.conflicts(current.as_ref()).first() {
            let message = format!("nothing was written: {conflict}");
            let (kind, call) = (CallErrorKind::Invalid, "s3:PutBucketReplication");
            return Err(run.local_error(at, kind, call, bucket, &message));
        }
        let wanted = share.merged_into(current.as_ref());
        if same_rules(current.as_ref(), wanted.as_ref()) {
            return Ok(());
        }
        let is_first = replaced.is_none();
        // As long as that shows, S3 is slow; anything else was put there by another writer.
        let is_late = |old: &Option<_>| same_rules(current.as_ref(), old.as_ref());
        if !replaced.as_ref().is_some_and(is_late) {
            let bucket = bucket.to_owned();
            let operation = match wanted {
                Some(configuration) => Operation::PutBucketReplication {
                    bucket,
                    configuration,
                },
                None => Operation::DeleteBucketReplication { bucket },
            };
            let written = run.attempt(at, &operation, setting, &mut tries).await?;
            if written.is_none() {
                // Whatever was waited for, others may have written meanwhile.
                continue;
            }
            replaced = Some(current);
        }
        if is_first {
            continue;
        }
        match waits.next() {
            Some(wait) if run.pause(wait).await => {}
            Some(_) => return Err(run.stopped(at, query.call(), bucket)),
            None => {
                let message = format!(
                    "what was written did not show within {} seconds: another writer keeps replacing the rules, \
                     or AWS is slow to show it",
                    total.as_secs()
                );
                let kind = CallErrorKind::Conflict;
                return Err(run.local_error(at, kind, query.call(), bucket, &message));
            }
        }
    }
}

/// Whether two configurations have the same role and rules; their order means nothing.
pub(super) fn same_rules(
    a: Option<&ReplicationConfiguration>,
    b: Option<&ReplicationConfiguration>,
) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a.role == b.role
                && a.rules.len() == b.rules.len()
                && a.rules
                    .iter()
                    .all(|rule| b.rules.iter().any(|other| same_rule(rule, other)))
        }
        _ => false,
    }
}

async fn read(
    run: &Run<'_>,
    at: &Location,
    document: &Document,
) -> Result<Option<PolicyDocument>, CallError> {
    let query = document.query();
    let text = match run.cloud.query(at, &query).await {
        Ok(Answer::Text(text)) => text,
        Ok(_) => String::new(),
        Err(error) if error.code.as_deref() == Some("NoSuchBucketPolicy") => return Ok(None),
        Err(error) => return Err(error),
    };
    PolicyDocument::parse(&text).map(Some).map_err(|error| {
        let message =
            format!("the policy that is there cannot be read, so it is left as it is: {error}");
        run.local_error(
            at,
            CallErrorKind::Invalid,
            query.call(),
            document.name(),
            &message,
        )
    })
}

/// Sends a document once. Whether AWS took it; if not, a wait may have changed that, and what others wrote as well.
async fn write(
    run: &Run<'_>,
    at: &Location,
    document: &Document,
    policy: Option<&PolicyDocument>,
    tries: &mut Tries,
) -> Result<bool, CallError> {
    let operation = document.write(policy).map_err(|message| {
        let call = document.query().call();
        run.local_error(at, CallErrorKind::Invalid, call, document.name(), &message)
    })?;
    let setting = Setting {
        fresh: true,
        fresh_role: false,
    };
    let written = run.attempt(at, &operation, setting, tries).await?;
    Ok(written.is_some())
}

/// Whether AWS does not see, or not where it is, what was made a moment ago.
fn is_unseen(error: &CallError) -> bool {
    matches!(
        error.kind,
        CallErrorKind::NotFound | CallErrorKind::NotReady
    ) || retry::is_redirect(error)
}
