//! Takes canaries away: every version and delete marker of them, on both sides.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;

use super::{CLEANING, End, Verification};
use crate::execution::cloud::{CallError, CallErrorKind};
use crate::execution::retry::{self, Setting};
use crate::execution::run::Run;
use crate::replication::canary::{Canary, is_canary};
use crate::replication::ids::Location;
use crate::replication::operation::{
    Answer, ObjectVersion, Operation, Output, PageMarker, Query, Undeleted,
};

/// How many versions a page has, and `DeleteObjects` takes.
const PAGE: i32 = 1000;
/// How long versions that S3 fails to delete are sent again.
const PASSING: Duration = Duration::from_secs(60);
/// When a replica may still arrive of what was under way as its source went.
const STRAGGLERS: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(7)];

/// How old a canary of another run is before it counts as left; older where runs may take longer.
const ABANDONED: Duration = Duration::from_secs(2 * 60 * 60);

/// A bucket with what keys begin with that are looked at there.
type Places<'a> = BTreeMap<(&'a str, String), &'a Location>;

/// Which of the versions found go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// Those of this run.
    Own,
    /// Those that earlier runs left.
    Leftovers,
}

/// Everywhere where canaries may be, with what their keys begin with up to a name.
fn places<'a>(canaries: impl IntoIterator<Item = &'a Canary>, name: &str) -> Places<'a> {
    let places = canaries.into_iter().flat_map(|canary| {
        let key = format!("{}{name}", canary.prefix);
        canary
            .places()
            .map(move |(at, bucket)| ((bucket, key.clone()), at))
    });
    places.collect()
}

impl Verification<'_> {
    /// Removes what runs before left that were killed.
    pub(super) async fn remove_leftovers(&self, calls: &Run<'_>) -> Vec<String> {
        let name = self.run.any_name();
        let places = places(self.canaries.iter().chain(self.before), &name);
        self.remove(calls, &places, Which::Leftovers).await
    }

    /// Removes what this run has written: first where it was written, so that no more of it arrives.
    pub(super) async fn remove_own(
        &self,
        calls: &Run<'_>,
        ends: &[End],
        sent: usize,
    ) -> Vec<String> {
        let written: Vec<&str> = self.canaries.iter().map(|c| c.bucket.as_str()).collect();
        let name = self.run.name();
        let both = places(self.canaries, &name);
        let (first, then): (Places<'_>, Places<'_>) = both
            .clone()
            .into_iter()
            .partition(|((bucket, _), _)| written.contains(bucket));
        let mut left = self.remove(calls, &first, Which::Own).await;
        left.extend(self.remove(calls, &then, Which::Own).await);
        // Beside one that crossed, one that was sent before it may still be under way.
        if sent > self.canaries.len() || ends.iter().any(|end| *end != End::Crossed) {
            for wait in STRAGGLERS {
                calls.pause(wait).await;
                left = self.remove(calls, &both, Which::Own).await;
            }
        }
        left
    }

    async fn remove(&self, calls: &Run<'_>, places: &Places<'_>, which: Which) -> Vec<String> {
        let removals = places.iter().map(|((bucket, prefix), at)| async move {
            match self.remove_from(calls, at, bucket, prefix, which).await {
                Ok(undeleted) => undeleted
                    .iter()
                    .map(|one| format!("{bucket}: {one}"))
                    .collect(),
                // Who sends none any more need not be allowed to look for those of before.
                Err(error)
                    if error.kind == CallErrorKind::AccessDenied && self.canaries.is_empty() =>
                {
                    tracing::info!(%error, "canaries of earlier runs were not looked for");
                    Vec::new()
                }
                // Nothing can be left in a bucket that is not there.
                Err(error) if error.kind == CallErrorKind::NotFound => Vec::new(),
                Err(error) => vec![error.to_string()],
            }
        });
        join_all(removals).await.concat()
    }

    async fn remove_from(
        &self,
        calls: &Run<'_>,
        at: &Location,
        bucket: &str,
        prefix: &str,
        which: Which,
    ) -> Result<Vec<Undeleted>, CallError> {
        let (mut after, mut undeleted) = (None, Vec::new());
        loop {
            let (versions, next) = page(calls, at, bucket, prefix, after).await?;
            let mut ours = Vec::new();
            for version in versions {
                if match which {
                    Which::Own => self.run.has(&version.key),
                    Which::Leftovers => self.is_leftover(at, bucket, &version).await?,
                } {
                    ours.push(version);
                }
            }
            undeleted.extend(delete(calls, at, bucket, ours).await?);
            after = next;
            if after.is_none() {
                return Ok(undeleted);
            }
        }
    }

    /// Whether no run can be under way any more that sent it: one of the same setup may run beside this one.
    fn is_abandoned(&self, version: &ObjectVersion) -> bool {
        let longest = ABANDONED.max(self.within + 2 * CLEANING).as_secs();
        let age = version
            .last_modified
            .map(|came| self.now.saturating_sub(came));
        age.and_then(|age| u64::try_from(age).ok())
            .is_some_and(|age| age > longest)
    }

    /// A key alone could be a coincidence: an object also has to say whose it is. A delete marker says nothing.
    async fn is_leftover(
        &self,
        at: &Location,
        bucket: &str,
        version: &ObjectVersion,
    ) -> Result<bool, CallError> {
        if !self.run.is_leftover(&version.key) || !self.is_abandoned(version) {
            return Ok(false);
        }
        if version.delete_marker {
            return Ok(true);
        }
        let query = Query::HeadObject {
            bucket: bucket.to_owned(),
            key: version.key.clone(),
        };
        match self.cloud.query(at, &query).await {
            Ok(Answer::Object(object)) => Ok(self.run.owns(&object)),
            // Under a delete marker of ours it is ours as well.
            Err(error) if error.kind == CallErrorKind::NotFound => Ok(true),
            Ok(_) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Run<'_> {
    /// Removes canaries of an owner from a bucket that is about to go; whether there were any.
    pub(in crate::execution) async fn remove_canaries(
        &self,
        at: &Location,
        bucket: &str,
        owner: &str,
    ) -> Result<bool, CallError> {
        let (versions, next) = page(self, at, bucket, "", None).await?;
        let is_ours = |version: &ObjectVersion| is_canary(owner, &version.key);
        if next.is_some() || versions.is_empty() || !versions.iter().all(is_ours) {
            return Ok(false);
        }
        Ok(delete(self, at, bucket, versions).await?.is_empty())
    }
}

async fn page(
    calls: &Run<'_>,
    at: &Location,
    bucket: &str,
    prefix: &str,
    after: Option<PageMarker>,
) -> Result<(Vec<ObjectVersion>, Option<PageMarker>), CallError> {
    let query = Query::ListObjectVersions {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        max_keys: PAGE,
        after,
    };
    match calls.cloud.query(at, &query).await? {
        Answer::Versions { versions, next } => Ok((versions, next)),
        _ => Ok((Vec::new(), None)),
    }
}

async fn delete(
    calls: &Run<'_>,
    at: &Location,
    bucket: &str,
    versions: Vec<ObjectVersion>,
) -> Result<Vec<Undeleted>, CallError> {
    if versions.is_empty() {
        return Ok(Vec::new());
    }
    let mut open = versions;
    let mut waits = retry::backoff(PASSING);
    loop {
        let operation = Operation::DeleteObjects {
            bucket: bucket.to_owned(),
            versions: open.clone(),
            bypass_governance_retention: false,
        };
        let undeleted = match calls.call(at, &operation, Setting::default()).await? {
            Output::NotDeleted(undeleted) => undeleted,
            _ => Vec::new(),
        };
        open.retain(|version| undeleted.iter().any(|one| one.passing && one.is(version)));
        match waits.next() {
            Some(wait) if !open.is_empty() && calls.pause(wait).await => {}
            _ => return Ok(undeleted),
        }
    }
}
