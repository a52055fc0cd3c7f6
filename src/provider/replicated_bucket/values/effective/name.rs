//! Names of buckets that follow from a prefix.
//!
//! The bucket that state has under a prefix keeps its name; any other one gets its name from what an apply has
//! drawn, and a plan does not know it.

use super::Ground;
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::{BucketModel, SideModel};
use crate::provider::replicated_bucket::values::previous::{fits_prefix, same_place};
use crate::provider::replicated_bucket::values::setting::Get;
use crate::replication::component::Side;

use Attr::{Known, Null, Unknown};

/// The configuration with the names that follow from prefixes.
pub(crate) fn named(config: &BucketModel, ground: &Ground<'_>) -> BucketModel {
    let mut named = config.clone();
    for (this, side) in named.sides_mut() {
        if side.bucket.is_null() && !side.bucket_prefix.is_null() {
            side.bucket = name(&this, side, config, ground);
        }
    }
    named
}

fn name(this: &Side, side: &SideModel, config: &BucketModel, ground: &Ground<'_>) -> Attr<String> {
    let kept = match (ground.prior, this) {
        (None, _) => Null,
        (Some(prior), Side::Source) => kept_source(prior, side),
        (Some(prior), Side::Destination(key)) => kept_destination(prior, key, side, config),
    };
    let end = ground.drawn.and_then(|drawn| drawn.get(this));
    let drawn = || match (&side.bucket_prefix, end) {
        (Known(prefix), Some(end)) => Known(format!("{prefix}{end}")),
        _ => Unknown,
    };
    kept.get(|kept| &kept.bucket).map(String::clone).or(drawn)
}

/// The state's source, where it stays. A place that is not known yet is taken for the same one, as under a written
/// name: that cannot turn into a replacement any more.
fn kept_source<'a>(prior: &'a BucketModel, config: &SideModel) -> Attr<&'a SideModel> {
    let Some(source) = prior.source.known() else {
        return Null;
    };
    match fits(&source.0, config) {
        Unknown if config.bucket_prefix.known().is_some() => Known(&source.0),
        fit => fit,
    }
}

/// The state's destination under the same key; else the one that has got another key, where no other is meant.
fn kept_destination<'a>(
    prior: &'a BucketModel,
    key: &str,
    config: &SideModel,
    whole: &BucketModel,
) -> Attr<&'a SideModel> {
    let own = fits_own(prior, key, config);
    let (Some(before), Some(now)) = (prior.destinations.known(), whole.destinations.known()) else {
        return own;
    };
    if !own.is_null() {
        return own;
    }
    let mut left = before
        .iter()
        .filter(|(key, _)| !now.contains_key(*key))
        .filter_map(|(_, side)| side.known())
        .filter(|side| !fits(side, config).is_null());
    let (Some(one), None) = (left.next(), left.next()) else {
        return Null;
    };
    let is_wanted_by = |other: &String, side: &Attr<SideModel>| match side {
        Unknown => true,
        Null => false,
        Known(side) => match &side.bucket {
            Unknown => true,
            Known(_) => side.bucket == one.bucket,
            Null => {
                !side.bucket_prefix.is_null()
                    && fits_own(prior, other, side).known().is_none()
                    && !fits(one, side).is_null()
            }
        },
    };
    if now
        .iter()
        .any(|(other, side)| other != key && is_wanted_by(other, side))
    {
        return Null;
    }
    fits(one, config)
}

fn fits_own<'a>(prior: &'a BucketModel, key: &str, config: &SideModel) -> Attr<&'a SideModel> {
    let own = prior.side(&Side::Destination(key.to_owned()));
    own.map_or(Null, |own| fits(own, config))
}

/// The state's side, where it is what the configuration means by its prefix; unknown where that is not known yet.
fn fits<'a>(prior: &'a SideModel, config: &SideModel) -> Attr<&'a SideModel> {
    match fits_prefix(prior, &config.bucket_prefix) {
        Known(true) => same_place(prior, config),
        Unknown if !same_place(prior, config).is_null() => Unknown,
        _ => Null,
    }
}
