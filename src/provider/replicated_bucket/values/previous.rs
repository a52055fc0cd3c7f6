//! Which side of the state is the same bucket as a side of the configuration.

use std::collections::BTreeMap;

use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::{BucketModel, SideModel};
use crate::replication::component::Side;

use Attr::{Known, Null, Unknown};

/// The state's side that is the same bucket as a worked-out side of the model.
pub(crate) fn previous<'a>(
    prior: &'a BucketModel,
    this: &Side,
    now: &SideModel,
) -> Attr<&'a SideModel> {
    match this {
        Side::Source => previous_source(prior, now),
        Side::Destination(_) => previous_destination(prior, now),
    }
}

/// The state's source, where the configuration still means the same bucket; unknown where that is not known yet.
pub(crate) fn previous_source<'a>(
    prior: &'a BucketModel,
    config: &SideModel,
) -> Attr<&'a SideModel> {
    match prior.source.known() {
        Some(source) => same_place(&source.0, config),
        None => Null,
    }
}

/// The state's destination that is the same bucket, under whatever key; unknown where that is not known yet.
/// `config` has its bucket's name worked out.
pub(crate) fn previous_destination<'a>(
    prior: &'a BucketModel,
    config: &SideModel,
) -> Attr<&'a SideModel> {
    prior
        .destinations
        .known()
        .into_iter()
        .flat_map(BTreeMap::values)
        .filter_map(Attr::known)
        .map(|side| same_place(side, config))
        .find(|previous| !previous.is_null())
        .unwrap_or(Null)
}

/// The state's side, where it stands at the place that the configuration names.
pub(crate) fn same_place<'a>(prior: &'a SideModel, config: &SideModel) -> Attr<&'a SideModel> {
    if config.bucket.is_unknown() && fits_prefix(prior, &config.bucket_prefix) == Known(false) {
        return Null;
    }
    let places = [
        (&config.bucket, &prior.bucket),
        (&config.account_id, &prior.account_id),
        (&config.region, &prior.region),
    ];
    if places
        .iter()
        .any(|(written, was)| written.known().is_some() && written != was)
    {
        Null
    } else if places.iter().any(|(written, _)| written.is_unknown()) {
        Unknown
    } else {
        Known(prior)
    }
}

/// Whether a side of the state may have its name from this prefix. Somebody else's bucket never has.
pub(crate) fn fits_prefix(prior: &SideModel, prefix: &Attr<String>) -> Attr<bool> {
    prefix.as_ref().map(|prefix| match &prior.bucket_prefix {
        Known(was) => was == prefix,
        _ => {
            let bucket = prior.bucket.known();
            prior.existing != Known(true) && bucket.is_some_and(|name| name.starts_with(prefix))
        }
    })
}

/// Whether a side of the model is one that state has, so that nothing is there to be claimed.
pub(crate) fn in_state(prior: Option<&BucketModel>, side: &Side, model: &BucketModel) -> bool {
    let (Some(prior), Some(now)) = (prior, model.side(side)) else {
        return false;
    };
    previous(prior, side, now).known().is_some()
}

/// Whether state has replication out of a side's bucket.
pub(crate) fn replicates_in_state(
    prior: Option<&BucketModel>,
    side: &Side,
    model: &BucketModel,
) -> bool {
    let (Some(prior), Some(now)) = (prior, model.side(side)) else {
        return false;
    };
    let before = previous(prior, side, now);
    *side == Side::Source && before.known().is_some()
        || before
            .known()
            .is_some_and(|side| side.two_way == Attr::Known(true))
}
