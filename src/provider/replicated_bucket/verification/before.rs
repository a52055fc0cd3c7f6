//! Canaries that a killed verification of the state before may have left where this one sends none.

use std::collections::BTreeSet;

use crate::replication::canary::{Canary, canaries};
use crate::replication::spec::Spec;

/// What the setup before may have sent into buckets that are still in this one. What goes is emptied, or stays its
/// owner's.
pub(in crate::provider::replicated_bucket) fn sent_before(
    prior: &Spec,
    spec: &Spec,
) -> Vec<Canary> {
    let Some(how) = &prior.verification else {
        return Vec::new();
    };
    let mut sent = canaries(prior, &how.key_prefix);
    let now = |name: &str| {
        let mut buckets = spec.buckets().map(|(_, bucket)| bucket);
        buckets.find(|bucket| bucket.name.as_str() == name && bucket.is_reachable())
    };
    sent.retain_mut(|canary| {
        canary.replicas.retain_mut(|replica| {
            let found = now(&replica.bucket);
            // The way into an account may be another one by now.
            replica.at = found.map_or_else(|| replica.at.clone(), |b| b.location.clone());
            found.is_some()
        });
        let found = now(&canary.bucket);
        canary.at = found.map_or_else(|| canary.at.clone(), |b| b.location.clone());
        found.is_some()
    });
    sent
}

/// Those of them under prefixes that nobody will look under again.
pub(super) fn forgotten(before: &[Canary], spec: &Spec) -> Vec<Canary> {
    let now = spec.verification.as_ref().filter(|how| how.enabled);
    let now = now.map(|how| canaries(spec, &how.key_prefix));
    let places = |canary: &Canary| -> BTreeSet<(String, String)> {
        let buckets = canary.places().map(|(_, bucket)| bucket.to_owned());
        buckets
            .map(|bucket| (bucket, canary.prefix.clone()))
            .collect()
    };
    let looked_at: BTreeSet<_> = now.iter().flatten().flat_map(places).collect();
    let is_forgotten = |canary: &&Canary| !places(canary).is_subset(&looked_at);
    before.iter().filter(is_forgotten).cloned().collect()
}
