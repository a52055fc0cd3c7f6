//! The list resource: buckets that replicate, for `terraform query`.
//!
//! A bucket that cannot be looked at is a warning in its place: an error would end the list for all that follow.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use tokio_util::sync::CancellationToken;

use super::import::{ImportId, import};
use super::{ReplicatedBucket, TYPE_NAME, decode, encode, identity};
use crate::execution::cloud::CallErrorKind;
use crate::framework::diagnostics::{Diagnostics, Severity};
use crate::framework::model::Attr;
use crate::framework::provider::{
    ClientCapabilities, ListEvent, ListRequest, ListResource, ReadRequest,
};
use crate::framework::schema::{Attribute, Schema, Setter};
use crate::framework::value::Value;
use crate::model;
use crate::provider::checks;
use crate::provider::settings::{EnterError, NoSession, Session, Shared};
use crate::replication::ids::{Location, Region};
use crate::replication::operation::{Answer, Query};

/// So many buckets are looked at together.
const AT_ONCE: usize = 8;

model! {
    /// The `config` block.
    ListModel {
        /// Where the buckets are.
        region: String,
        /// What their names begin with.
        prefix: String,
    }
}

/// The list resource.
pub struct ReplicatedBuckets {
    shared: Arc<Shared>,
}

impl ReplicatedBuckets {
    /// A list that uses the process's session.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

#[async_trait]
impl ListResource for ReplicatedBuckets {
    fn type_name(&self) -> &str {
        TYPE_NAME
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "Buckets of the provider's account that have a replication configuration, whoever wrote it, for `terraform query` (Terraform 1.14 and later). Each comes with its identity and, with `include_resource`, as an import would find it; destinations in further accounts are then entered by the provider's `account` blocks.",
            vec![
                Attribute::string(
                    "region",
                    Setter::Optional,
                    "Region of the buckets. Default: the provider's.",
                )
                .validate(checks::region()),
                Attribute::string(
                    "prefix",
                    Setter::Optional,
                    "What the names of the buckets begin with. Default: any name.",
                ),
            ],
        )
    }

    async fn list(&self, request: ListRequest) -> BoxStream<'static, ListEvent> {
        let mut diagnostics = Diagnostics::new();
        let Some((listing, names)) = self.begin(request, &mut diagnostics).await else {
            return stream::iter([nothing(diagnostics)]).boxed();
        };
        let stop = listing.stop.clone();
        let listing = Arc::new(listing);
        stream::iter(names)
            .map(move |bucket| listing.clone().event(bucket))
            .buffered(AT_ONCE)
            .filter_map(std::future::ready)
            .take_until(stop.cancelled_owned())
            .boxed()
    }
}

impl ReplicatedBuckets {
    /// The names of all buckets that may be listed.
    async fn begin(
        &self,
        request: ListRequest,
        diagnostics: &mut Diagnostics,
    ) -> Option<(Listing, Vec<String>)> {
        let config = match decode::<ListModel>(&request.config, diagnostics)? {
            Attr::Known(config) => config,
            _ => ListModel::default(),
        };
        let session = match self.shared.session() {
            Ok(session) => session,
            Err(NoSession::Unknown) => {
                diagnostics.error(
                    "The provider is not configured",
                    "Its configuration has values that are not known, so nothing can be listed. Write them out.",
                );
                return None;
            }
            Err(why @ NoSession::Unconfigured) => {
                why.tell(diagnostics);
                return None;
            }
        };
        let at = place(&session, config.region.known(), diagnostics).await?;
        let query = Query::ListBuckets {
            prefix: config.prefix.known().cloned().unwrap_or_default(),
        };
        let names = match session.cloud.query(&at, &query).await {
            Ok(Answer::Names(names)) => names,
            Ok(_) => return None,
            Err(error) => {
                super::report::read_errors(&[error], diagnostics);
                return None;
            }
        };
        let listing = Listing {
            resource: ReplicatedBucket::new(self.shared.clone()),
            session,
            at,
            with_object: request.include_resource_object,
            stop: request.stop,
        };
        Some((listing, names))
    }
}

/// The provider's own account, in a region.
async fn place(
    session: &Session,
    region: Option<&String>,
    diagnostics: &mut Diagnostics,
) -> Option<Location> {
    let written = region.and_then(|code| Region::parse(code).ok());
    let Some(region) = written.or_else(|| session.settings.region.clone()) else {
        diagnostics.error(
            "No region",
            "Nothing says in which region buckets are looked for: write `region` in the `config` block, or set the provider's.",
        );
        return None;
    };
    let way = session.settings.own_way_in.clone();
    match session.enter(&way, &region, None).await {
        Ok(identity) => Some(Location {
            account: identity.account,
            partition: identity.partition,
            region,
            way_in: Arc::new(way),
        }),
        Err(error) => {
            let way_out = match error {
                EnterError::Untold => " Leave skip_requesting_account_id out.",
                EnterError::Call(_) | EnterError::Guard(_) => "",
            };
            diagnostics.error("No way into the account", format!("{error}.{way_out}"));
            None
        }
    }
}

/// A list that has begun.
struct Listing {
    resource: ReplicatedBucket,
    session: Arc<Session>,
    at: Location,
    with_object: bool,
    stop: CancellationToken,
}

impl Listing {
    /// What is told of a bucket; none where it does not replicate.
    async fn event(self: Arc<Self>, bucket: String) -> Option<ListEvent> {
        let query = Query::GetBucketReplication {
            bucket: bucket.clone(),
        };
        match self.session.cloud.query(&self.at, &query).await {
            Ok(_) => {}
            Err(error) if error.kind == CallErrorKind::NotFound => return None,
            Err(error) => {
                let mut diagnostics = Diagnostics::new();
                super::report::read_errors(&[error], &mut diagnostics);
                return Some(nothing(warnings(&bucket, diagnostics)));
            }
        }
        let mut diagnostics = Diagnostics::new();
        let state = self.state(&bucket, &mut diagnostics).await;
        let diagnostics = warnings(&bucket, diagnostics);
        Some(match state {
            None => nothing(diagnostics),
            Some(state) => ListEvent {
                identity: identity::of(&state),
                display_name: bucket,
                resource_object: self.with_object.then_some(state),
                diagnostics,
            },
        })
    }

    /// The bucket as an import and the read that follows it find it; without that, where it is.
    async fn state(&self, bucket: &str, diagnostics: &mut Diagnostics) -> Option<Value> {
        let (account, region) = (self.at.account.as_str(), self.at.region.as_str());
        let id = ImportId::of_place(bucket, Some(account), Some(region))?;
        if !self.with_object {
            return Some(encode(&id.place()));
        }
        let (model, private) = import(&self.session, id, diagnostics).await?;
        let request = ReadRequest {
            current_state: encode(&model),
            private: private.write(),
            identity: Value::Null,
            client: ClientCapabilities::default(),
            stop: self.stop.clone(),
        };
        let read = self.resource.refresh(request).await;
        let whole = !read.diagnostics.has_error() && !read.new_state.is_null();
        diagnostics.extend(read.diagnostics);
        whole.then_some(read.new_state)
    }
}

/// An event without a bucket.
fn nothing(diagnostics: Diagnostics) -> ListEvent {
    ListEvent {
        identity: Value::Null,
        display_name: String::new(),
        resource_object: None,
        diagnostics,
    }
}

/// What is said of one bucket, as warnings: an error would be the end of the list.
fn warnings(bucket: &str, said: Diagnostics) -> Diagnostics {
    let mut warnings = Diagnostics::new();
    for diagnostic in said {
        let left_out = match diagnostic.severity {
            Severity::Error => "\n\nThe bucket is left out of the list.",
            Severity::Warning => "",
        };
        warnings.warning(
            format!("{bucket}: {}", diagnostic.summary),
            format!("{}{left_out}", diagnostic.detail),
        );
    }
    warnings
}
