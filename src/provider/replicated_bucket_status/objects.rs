//! Single objects on every side: whether they are there, in which version, and with what replication status.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::model::{CopyModel, ObjectStatusModel};
use super::{AT_ONCE, known};
use crate::execution::cloud::{CallError, CallErrorKind};
use crate::framework::model::Attr;
use crate::provider::settings::Session;
use crate::replication::component::Side;
use crate::replication::operation::{Answer, Query};
use crate::replication::spec::Spec;

/// Looks for objects, on every side that can be entered.
pub(super) async fn ask(
    session: &Session,
    spec: &Spec,
    keys: &[String],
) -> Result<BTreeMap<String, ObjectStatusModel>, CallError> {
    let keys: BTreeSet<&String> = keys.iter().collect();
    let mut asked = Vec::new();
    for (side, _) in spec.buckets().filter(|(_, bucket)| bucket.is_reachable()) {
        asked.extend(keys.iter().map(|key| (String::clone(key), side.clone())));
    }
    let copies: BTreeMap<(String, Side), CopyModel> = stream::iter(asked)
        .map(|(key, side)| async move {
            let copy = copy(session, spec, &side, &key).await?;
            Ok::<_, CallError>(((key, side), copy))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let of = |key: &String, side: Side| {
        copies
            .get(&(key.clone(), side))
            .cloned()
            .unwrap_or_default()
    };
    let objects = keys.into_iter().map(|key| {
        let destinations = spec.destinations.keys();
        let destinations = destinations
            .map(|name| (name.clone(), of(key, Side::Destination(name.clone()))))
            .collect();
        let object = ObjectStatusModel {
            source: Attr::Known(of(key, Side::Source)),
            destinations: known(destinations),
        };
        (key.clone(), object)
    });
    Ok(objects.collect())
}

async fn copy(
    session: &Session,
    spec: &Spec,
    side: &Side,
    key: &str,
) -> Result<CopyModel, CallError> {
    let Some(bucket) = spec.bucket(side) else {
        return Ok(CopyModel::default());
    };
    let query = Query::HeadObject {
        bucket: bucket.name.to_string(),
        key: key.to_owned(),
    };
    match session.cloud.query(&bucket.location, &query).await {
        Ok(Answer::Object(object)) => Ok(CopyModel {
            present: Attr::Known(true),
            version_id: Attr::from_option(object.version_id),
            replication_status: Attr::from_option(object.replication_status),
        }),
        Ok(_) => Ok(CopyModel::default()),
        Err(error) if error.kind == CallErrorKind::NotFound => Ok(CopyModel {
            present: Attr::Known(false),
            ..CopyModel::default()
        }),
        // S3 describes an object under a key of its owner's own only to who sends that key.
        Err(error) if error.kind == CallErrorKind::Invalid => Ok(CopyModel::default()),
        Err(error) => Err(error),
    }
}
