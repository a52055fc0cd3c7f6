//! The end of a bucket: everything in it goes, then the bucket.

use std::time::Duration;

use super::cloud::{CallError, CallErrorKind};
use super::retry;
use super::retry::Setting;
use super::run::Run;
use crate::replication::ids::Location;
use crate::replication::operation::{Answer, Operation, Output, Query};

impl Run<'_> {
    /// Deletes a bucket; while it is not empty, empties it and tries again, because replicas may still arrive.
    pub(super) async fn empty_and_delete(
        &self,
        at: &Location,
        bucket: &str,
        bypass: bool,
    ) -> Result<Output, CallError> {
        let delete = Operation::DeleteBucket {
            bucket: bucket.to_owned(),
        };
        let mut waits = retry::backoff(Duration::from_secs(120));
        loop {
            let error = match self.call(at, &delete, Setting::default()).await {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };
            if error.kind != CallErrorKind::InvalidState {
                return Err(error);
            }
            let deleted = self.empty(at, bucket, bypass).await?;
            tracing::info!(bucket, deleted, "emptied");
            if deleted == 0 {
                match waits.next() {
                    Some(wait) if self.pause(wait).await => {}
                    Some(_) => return Err(self.stopped(at, delete.call(), bucket)),
                    None => return Err(error),
                }
            }
        }
    }

    /// Deletes every version and delete marker, page by page, and every unfinished upload.
    async fn empty(
        &self,
        at: &Location,
        bucket: &str,
        bypass_governance_retention: bool,
    ) -> Result<usize, CallError> {
        let mut deleted = 0;
        loop {
            let query = Query::ListObjectVersions {
                bucket: bucket.to_owned(),
                max_keys: 1000,
            };
            if self.stop.is_cancelled() {
                return Err(self.stopped(at, query.call(), bucket));
            }
            let Answer::Versions {
                versions,
                truncated,
            } = self.cloud.query(at, &query).await?
            else {
                break;
            };
            if versions.is_empty() {
                break;
            }
            let count = versions.len();
            let operation = Operation::DeleteObjects {
                bucket: bucket.to_owned(),
                versions,
                bypass_governance_retention,
            };
            if let Output::NotDeleted(refused) =
                self.call(at, &operation, Setting::default()).await?
                && let Some((key, version, why)) = refused.first()
            {
                let message = format!(
                    "{} of {count} object versions could not be deleted; the first is {key} (version {version}): {why}",
                    refused.len()
                );
                let kind = CallErrorKind::InvalidState;
                return Err(self.local_error(at, kind, operation.call(), bucket, &message));
            }
            deleted += count;
            if !truncated {
                break;
            }
        }
        let query = Query::ListMultipartUploads {
            bucket: bucket.to_owned(),
        };
        if let Answer::Uploads(uploads) = self.cloud.query(at, &query).await? {
            for (key, upload_id) in uploads {
                let operation = Operation::AbortMultipartUpload {
                    bucket: bucket.to_owned(),
                    key,
                    upload_id,
                };
                self.call(at, &operation, Setting::default()).await?;
            }
        }
        Ok(deleted)
    }
}
