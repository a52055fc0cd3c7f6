//! What keeps objects: Object Lock and MFA Delete.

use futures::{StreamExt, TryStreamExt, stream, try_join};

use super::{CallError, CallErrorKind, Look, Setting, text};
use crate::replication::observed::{KeptVersion, ObservedBucket, Presence};
use crate::replication::obstacle::remember_kept;
use crate::replication::operation::{Answer, ObjectLock, ObjectVersion, Query};
use crate::replication::spec::BucketSpec;

/// How many versions a page has.
pub(super) const PAGE: i32 = 1000;
/// How many of them are looked at together.
const READS: usize = 32;

impl Look<'_> {
    /// Object Lock of a bucket, where it is of interest.
    pub(super) async fn object_lock(
        &self,
        bucket: &str,
        wanted: bool,
    ) -> Result<Setting<ObjectLock>, CallError> {
        if !wanted {
            return Ok(Setting::Of(Presence::Unasked));
        }
        let query = Query::GetObjectLockConfiguration {
            bucket: bucket.to_owned(),
        };
        self.setting(query, |answer| match answer {
            Answer::ObjectLock(lock) => Some(lock),
            _ => None,
        })
        .await
    }

    /// Adds what keeps the objects of a bucket that is about to be emptied.
    pub(super) async fn what_is_kept(
        &self,
        bucket: &BucketSpec,
        mut seen: ObservedBucket,
    ) -> Result<ObservedBucket, CallError> {
        let locked = bucket.settings().is_some_and(|s| s.object_lock.is_some());
        let emptied = bucket.may_be_emptied() && !bucket.stays();
        if !emptied || seen.empty != Presence::Present(false) {
            return Ok(seen);
        }
        let name = bucket.name.as_str();
        let query = Query::GetBucketMfaDelete {
            bucket: name.to_owned(),
        };
        seen.mfa_delete = match self.read(query, text).await {
            // Who may not know it may delete all the same.
            Err(error) if error.kind == CallErrorKind::AccessDenied => false,
            answer => answer?.present().map(String::as_str) == Some("Enabled"),
        };
        if !locked {
            return Ok(seen);
        }
        seen.object_lock = self.object_lock(name, true).await?.presence();
        let lock = seen.object_lock.present();
        let retains = lock.is_some_and(|lock| lock.default_retention.is_some());
        let bypasses = bucket
            .settings()
            .is_some_and(|s| s.bypass_governance_on_destroy);
        // A default retention refuses by itself; the first page only tells of what.
        let pages = if retains && !bypasses { 1 } else { usize::MAX };
        seen.kept_versions = self.kept_versions(name, pages).await?;
        Ok(seen)
    }

    /// Looks at every version of so many pages, and keeps those that tell whether all of them can be deleted. A hold ends the search:
    /// nothing gets around it.
    async fn kept_versions(
        &self,
        bucket: &str,
        pages: usize,
    ) -> Result<Vec<KeptVersion>, CallError> {
        let mut kept = Vec::new();
        let mut after = None;
        for page in 1..=pages {
            tracing::info!(bucket, page, "looking for what Object Lock keeps");
            let query = Query::ListObjectVersions {
                bucket: bucket.to_owned(),
                prefix: String::new(),
                max_keys: PAGE,
                after,
            };
            let listed = self
                .read(query, |answer| match answer {
                    Answer::Versions { versions, next } => Some((versions, next)),
                    _ => None,
                })
                .await?;
            let (versions, next) = listed.present().cloned().unwrap_or_default();
            // Delete markers cannot be retained.
            let versions = versions
                .into_iter()
                .filter(|version| !version.delete_marker);
            let mut looks = stream::iter(versions)
                .map(|version| self.kept(bucket, version))
                .buffered(READS);
            while let Some(version) = looks.try_next().await? {
                remember_kept(&mut kept, version);
            }
            after = next;
            if after.is_none() || kept.iter().any(|version| version.legal_hold) {
                break;
            }
        }
        Ok(kept)
    }

    async fn kept(&self, bucket: &str, version: ObjectVersion) -> Result<KeptVersion, CallError> {
        let retention = Query::GetObjectRetention {
            bucket: bucket.to_owned(),
            version: version.clone(),
        };
        let hold = Query::GetObjectLegalHold {
            bucket: bucket.to_owned(),
            version: version.clone(),
        };
        let (retention, hold) = try_join!(
            self.read(retention, |answer| match answer {
                Answer::Retention(retention) => Some(retention),
                _ => None,
            }),
            self.read(hold, text),
        )?;
        Ok(KeptVersion {
            version,
            retention: retention.present().cloned(),
            legal_hold: hold.present().map(String::as_str) == Some("ON"),
        })
    }
}
