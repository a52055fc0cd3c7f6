//! AWS without the accounts that are gone: nothing is there, and nobody is asked.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use crate::execution::cloud::{CallError, CallErrorKind, Cloud, Identity};
use crate::replication::ids::{AccountId, Location, Region, WayIn};
use crate::replication::operation::{Answer, Operation, Output, Query};

/// A cloud in which abandoned accounts are empty.
pub(super) struct WithoutAbandoned {
    pub(super) cloud: Arc<dyn Cloud>,
    pub(super) accounts: BTreeSet<AccountId>,
}

impl WithoutAbandoned {
    fn nothing_there(
        &self,
        at: &Location,
        call: &str,
        subject: impl Into<String>,
    ) -> Option<CallError> {
        self.accounts.contains(&at.account).then(|| CallError {
            kind: CallErrorKind::NotFound,
            call: call.to_owned(),
            subject: subject.into(),
            account: Some(at.account.clone()),
            region: Some(at.region.clone()),
            // As S3 has it, whose other codes for "not found" speak of one setting of a bucket.
            code: call.starts_with("s3:").then(|| "NoSuchBucket".to_owned()),
            message: "the provider's `account` block says that the account is abandoned".to_owned(),
            request_id: None,
        })
    }
}

#[async_trait]
impl Cloud for WithoutAbandoned {
    async fn enter(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError> {
        self.cloud.enter(way_in, region).await
    }

    async fn query(&self, at: &Location, query: &Query) -> Result<Answer, CallError> {
        match self.nothing_there(at, query.call(), query.subject()) {
            Some(_) if matches!(query, Query::ListKeys | Query::ListBuckets { .. }) => {
                Ok(Answer::Names(Vec::new()))
            }
            Some(error) => Err(error),
            None => self.cloud.query(at, query).await,
        }
    }

    async fn perform(&self, at: &Location, operation: &Operation) -> Result<Output, CallError> {
        match self.nothing_there(at, operation.call(), operation.subject()) {
            Some(error) => Err(error),
            None => self.cloud.perform(at, operation).await,
        }
    }
}
