//! Destinations: what follows from the source.

use std::collections::{BTreeMap, BTreeSet};

use super::side::side;
use super::two_way::two_way;
use super::{Ground, kept_side, priority, rule};
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::{BucketModel, SideModel, SourceModel};
use crate::provider::replicated_bucket::values::previous::previous_destination;
use crate::replication::component::Side;
use crate::replication::names;

use Attr::{Known, Null, Unknown};

pub(crate) fn destinations(
    config: &BTreeMap<String, Attr<SideModel>>,
    model: &BucketModel,
    ground: &Ground<'_>,
) -> BTreeMap<String, Attr<SideModel>> {
    let source = model.source.known();
    let source_bucket = source.map_or(Unknown, |s| s.bucket.clone());
    let source_account = source.map_or(Unknown, |s| s.account_id.clone());
    let algorithm = source.map_or(Unknown, |s| match &s.encryption {
        Known(encryption) => encryption.sse_algorithm.clone(),
        _ => Unknown,
    });
    let mut worked_out = BTreeMap::new();
    for (key, destination) in config {
        let value = match destination {
            Known(written) => {
                let mut written = written.clone();
                written.bucket = written.bucket.or(|| {
                    source_bucket
                        .clone()
                        .map(|source| names::default_destination_bucket(&source, key))
                });
                let previous = ground
                    .prior
                    .map_or(Null, |prior| previous_destination(prior, &written));
                let this = Side::Destination(key.clone());
                let mut side = side(&this, &written, &previous, &algorithm, ground);
                let kept = kept_side(ground, &written.bucket);
                two_way(&mut side, &written, &kept);
                rule::rules(&mut side, &written, &previous, &kept, &source_account);
                rule::name(&mut side, key, ground.prior, &previous);
                Known(side)
            }
            Unknown => Unknown,
            Null => Null,
        };
        worked_out.insert(key.clone(), value);
    }
    priority::number(&mut worked_out, config, &taken_at(source, ground));
    worked_out
}

/// Priorities that nobody may get because rules of others have them: at somebody else's source, and known only once
/// that was looked at.
fn taken_at(source: Option<&SourceModel>, ground: &Ground<'_>) -> Attr<BTreeSet<i64>> {
    match source.map_or(&Unknown, |source| &source.existing) {
        Known(true) => ground.found.map_or(Unknown, |f| Known(f.taken.clone())),
        Unknown => Unknown,
        _ => Known(BTreeSet::new()),
    }
}
