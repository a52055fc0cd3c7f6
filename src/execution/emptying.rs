//! The end of a bucket: everything in it goes, then the bucket.
//!
//! A bucket may hold millions of versions. They are listed page by page and several pages are deleted at the same time;
//! nothing is kept of them, and a run that was stopped or failed goes on where it ended, because what is gone is no
//! longer listed.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;

use super::cloud::{CallError, CallErrorKind};
use super::retry;
use super::retry::Setting;
use super::run::Run;
use crate::replication::ids::Location;
use crate::replication::operation::{
    Answer, ObjectVersion, Operation, Output, PageMarker, Query, Undeleted,
};

/// How many versions `DeleteObjects` takes.
const PAGE: i32 = 1000;
/// How many pages, or unfinished uploads, are deleted at the same time.
const AT_ONCE: usize = 8;
/// After how many versions the log tells how far it is.
const TOLD_EVERY: usize = 10_000;
/// How many of the versions that cannot be deleted an error names.
const NAMED: usize = 5;
/// How long versions that S3 fails to delete are sent again.
const PASSING: Duration = Duration::from_secs(60);
/// How long a bucket that lists nothing may say that it is not empty: replicas may still arrive.
const ARRIVING: Duration = Duration::from_secs(120);

/// Where a bucket is, and what may be got around there.
#[derive(Clone, Copy)]
struct Place<'a> {
    at: &'a Location,
    bucket: &'a str,
    bypass_governance_retention: bool,
}

/// What came of a page, or of all of them.
#[derive(Default)]
struct Emptied {
    deleted: usize,
    left: Vec<Undeleted>,
}

impl Run<'_> {
    /// Deletes a bucket; while it is not empty, empties it and tries again, because replicas may still arrive.
    pub(super) async fn empty_and_delete(
        &self,
        at: &Location,
        bucket: &str,
        bypass_governance_retention: bool,
    ) -> Result<Output, CallError> {
        let delete = Operation::DeleteBucket {
            bucket: bucket.to_owned(),
        };
        let place = Place {
            at,
            bucket,
            bypass_governance_retention,
        };
        let mut waits = retry::backoff(ARRIVING);
        loop {
            let error = match self.call(at, &delete, Setting::default()).await {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };
            if error.kind != CallErrorKind::InvalidState {
                return Err(error);
            }
            let deleted = self.delete_versions(place).await?;
            self.abort_uploads(place).await?;
            tracing::info!(bucket, deleted, "emptied");
            if deleted > 0 {
                waits = retry::backoff(ARRIVING);
                continue;
            }
            match waits.next() {
                Some(wait) if self.pause(wait).await => {}
                Some(_) => return Err(self.stopped(at, delete.call(), bucket)),
                None => return Err(error),
            }
        }
    }

    /// Deletes every version and delete marker. After the first failure no further page is begun, and those under way
    /// end.
    async fn delete_versions(&self, place: Place<'_>) -> Result<usize, CallError> {
        let (mut all, mut told, mut failed) = (Emptied::default(), 0, None);
        let mut listing = Some(Box::pin(self.page(place, None)));
        let mut under_way = FuturesUnordered::new();
        loop {
            let may_list = listing.is_some() && under_way.len() < AT_ONCE;
            let next = async {
                match &mut listing {
                    Some(listing) => listing.await,
                    None => std::future::pending().await,
                }
            };
            let result = tokio::select! {
                Some(result) = under_way.next() => result,
                page = next, if may_list => {
                    listing = None;
                    match page {
                        Ok((versions, after)) => {
                            under_way.push(self.delete_page(place, versions));
                            listing = after.map(|after| Box::pin(self.page(place, Some(after))));
                            continue;
                        }
                        Err(error) => Err(error),
                    }
                }
                else => break,
            };
            match result {
                Ok(page) => {
                    all.deleted += page.deleted;
                    all.left.extend(page.left);
                }
                Err(error) => failed = failed.or(Some(error)),
            }
            if failed.is_some() || !all.left.is_empty() {
                listing = None;
            }
            if all.deleted / TOLD_EVERY > told {
                told = all.deleted / TOLD_EVERY;
                let (bucket, deleted) = (place.bucket, all.deleted);
                tracing::info!(bucket, deleted, "deleting every object version");
            }
        }
        match failed {
            _ if !all.left.is_empty() => Err(self.not_deleted(place, &all)),
            Some(error) => Err(error),
            None => Ok(all.deleted),
        }
    }

    /// One page of versions, and where the next one begins.
    async fn page(
        &self,
        place: Place<'_>,
        after: Option<PageMarker>,
    ) -> Result<(Vec<ObjectVersion>, Option<PageMarker>), CallError> {
        let query = Query::ListObjectVersions {
            bucket: place.bucket.to_owned(),
            prefix: String::new(),
            max_keys: PAGE,
            after,
        };
        if self.stop.is_cancelled() {
            return Err(self.stopped(place.at, query.call(), place.bucket));
        }
        match self.cloud.query(place.at, &query).await? {
            Answer::Versions { versions, next } => Ok((versions, next)),
            _ => Ok((Vec::new(), None)),
        }
    }

    /// Deletes a page of versions. What S3 fails at is sent again; what it refuses is told.
    async fn delete_page(
        &self,
        place: Place<'_>,
        versions: Vec<ObjectVersion>,
    ) -> Result<Emptied, CallError> {
        let mut emptied = Emptied::default();
        let mut open = versions;
        let mut waits = retry::backoff(PASSING);
        while !open.is_empty() {
            let operation = Operation::DeleteObjects {
                bucket: place.bucket.to_owned(),
                versions: open.clone(),
                bypass_governance_retention: place.bypass_governance_retention,
            };
            let refused = match self.call(place.at, &operation, Setting::default()).await? {
                Output::NotDeleted(refused) => refused,
                _ => Vec::new(),
            };
            emptied.deleted += open.len() - refused.len().min(open.len());
            let (passing, lasting): (Vec<_>, Vec<_>) =
                refused.into_iter().partition(|left| left.passing);
            emptied.left.extend(lasting);
            if passing.is_empty() {
                break;
            }
            let again = |version: &ObjectVersion| passing.iter().any(|left| left.is(version));
            open.retain(again);
            match waits.next() {
                Some(wait) if self.pause(wait).await => {}
                Some(_) => return Err(self.stopped(place.at, operation.call(), place.bucket)),
                None => {
                    emptied.left.extend(passing);
                    break;
                }
            }
        }
        Ok(emptied)
    }

    fn not_deleted(&self, place: Place<'_>, all: &Emptied) -> CallError {
        let mut named: Vec<String> = all
            .left
            .iter()
            .take(NAMED)
            .map(ToString::to_string)
            .collect();
        if all.left.len() > NAMED {
            named.push(format!("and {} more", all.left.len() - NAMED));
        }
        let message = format!(
            "{} object versions were deleted, and {} could not be: {}",
            all.deleted,
            all.left.len(),
            named.join("; ")
        );
        let kind = CallErrorKind::InvalidState;
        self.local_error(place.at, kind, "s3:DeleteObjects", place.bucket, &message)
    }

    /// Aborts every unfinished upload, page by page: an aborted one is no longer listed.
    async fn abort_uploads(&self, place: Place<'_>) -> Result<(), CallError> {
        let query = Query::ListMultipartUploads {
            bucket: place.bucket.to_owned(),
        };
        let mut aborted = BTreeSet::new();
        loop {
            if self.stop.is_cancelled() {
                return Err(self.stopped(place.at, query.call(), place.bucket));
            }
            let Answer::Uploads(uploads) = self.cloud.query(place.at, &query).await? else {
                return Ok(());
            };
            let mut new = uploads;
            // S3 may list one for a while that is gone already.
            new.retain(|upload| !aborted.contains(upload));
            if new.is_empty() {
                return Ok(());
            }
            for some in new.chunks(AT_ONCE) {
                let aborts = some.iter().map(|(key, upload_id)| async move {
                    let operation = Operation::AbortMultipartUpload {
                        bucket: place.bucket.to_owned(),
                        key: key.clone(),
                        upload_id: upload_id.clone(),
                    };
                    self.call(place.at, &operation, Setting::default()).await
                });
                let results = join_all(aborts).await.into_iter();
                results.collect::<Result<Vec<_>, _>>()?;
            }
            aborted.extend(new);
        }
    }
}
