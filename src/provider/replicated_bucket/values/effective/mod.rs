//! Works out every value that the practitioner left to us.
//!
//! A planned value follows only from the configuration, the refreshed state and the account ids of the
//! locations, so plan and apply arrive at the same ones. What is unknown stays unknown, and so does whatever
//! follows from it.

mod destination;
mod encryption;
mod existing;
mod name;
mod priority;
mod role;
mod rule;
mod side;
mod two_way;

use std::collections::{BTreeMap, BTreeSet};

use crate::framework::model::Attr;
use crate::provider::replicated_bucket::attributes::bucket_prefix::Drawn;
use crate::provider::replicated_bucket::attributes::verification;
use crate::provider::replicated_bucket::model::{BucketModel, RoleModel, SideModel, SourceModel};
use crate::provider::replicated_bucket::values::previous::previous_source;
use crate::replication::component::Side;

use Attr::{Known, Null, Unknown};

/// What defaults follow from, beside the configuration.
#[derive(Debug, Clone)]
pub struct Ground<'a> {
    /// The state, after a refresh.
    pub prior: Option<&'a BucketModel>,
    /// Settings found by an import; unwritten ones keep these values.
    pub kept: Option<&'a BucketModel>,
    /// The provider's region.
    pub region: Attr<String>,
    /// Accounts that locations were found to lead to.
    pub accounts: &'a BTreeMap<Side, String>,
    /// Names of existing buckets whose encryption in state is their own and was not written.
    pub own_encryption: &'a BTreeSet<String>,
    /// What existing buckets show; only an apply may plan with it.
    pub found: Option<&'a Found>,
    /// What an apply has drawn for the names of new buckets that begin with a prefix; a plan does not know them.
    pub drawn: Option<&'a Drawn>,
}

impl<'a> Ground<'a> {
    /// What the state has at the very place of a side.
    fn at(&self, side: &Side) -> Attr<&'a SideModel> {
        Attr::from_option(self.prior.and_then(|prior| prior.side(side)))
    }
}

/// The configuration with every default worked out; attributes that AWS decides are left null.
pub fn effective(config: &BucketModel, ground: &Ground<'_>) -> BucketModel {
    let config = &name::named(config, ground);
    let mut model = BucketModel {
        tags: config.tags.clone(),
        verification: verification::effective(&config.verification),
        timeouts: config.timeouts.clone(),
        ..BucketModel::default()
    };
    model.source = match &config.source {
        Known(source) => {
            let previous = ground
                .prior
                .map_or(Null, |prior| previous_source(prior, &source.0));
            Known(SourceModel(side::side(
                &Side::Source,
                &source.0,
                &previous,
                &Known("AES256".to_owned()),
                ground,
            )))
        }
        Unknown => Unknown,
        Null => Null,
    };
    model.destinations = match &config.destinations {
        Known(destinations) => Known(destination::destinations(destinations, &model, ground)),
        Unknown => Unknown,
        Null => Null,
    };
    let kept = ground.kept.map_or(Null, |kept| kept.role.as_ref());
    let from = model.source.known().map(|source| &source.0);
    let work_out = |written: &RoleModel| Known(role::role(written, &kept, from));
    model.role = match &config.role {
        Unknown => Unknown,
        Known(role) => work_out(role),
        Null => work_out(&RoleModel::default()),
    };
    model
}

pub use existing::Found;
pub use role::path_and_name;

/// What an import found of a bucket; unknown while the name is.
fn kept_side<'a>(ground: &Ground<'a>, bucket: &Attr<String>) -> Attr<&'a SideModel> {
    match (ground.kept, bucket) {
        (Some(_), Unknown) => Unknown,
        (Some(kept), Known(bucket)) => {
            Attr::from_option(kept.side_of_bucket(bucket).map(|(_, side)| side))
        }
        _ => Null,
    }
}

#[cfg(test)]
mod tests;
