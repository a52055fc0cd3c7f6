//! What is there, as text without accidental names: two runs that came to the same end give the same text.

use std::fmt::Write;

use terraform_provider_replicated::replication::canary::DEFAULT_KEY_PREFIX;
use terraform_provider_replicated::replication::names::{CREATED_TAG, VERIFIED_TAGS};
use terraform_provider_replicated::replication::operation::Tags;

use crate::fake::State;

/// Everything but keys that await their end.
pub(crate) fn picture(state: &State) -> String {
    let mut text = String::new();
    for (name, bucket) in &state.buckets {
        let policy = bucket
            .policy
            .as_ref()
            .map(|p| state.shown(p).render().unwrap());
        writeln!(
            text,
            "bucket {name} {} {} {} {:?} {:?}\n  {:?}\n  {:?}\n  {:?} {:?}\n  policy {policy:?}\n  {:?}",
            bucket.account,
            bucket.region,
            bucket.ownership,
            bucket.versioning,
            bucket.public_access_block,
            lasting(&bucket.tags),
            bucket.encryption,
            bucket.lifecycle,
            bucket.object_lock,
            bucket.replication,
        )
        .unwrap();
        let versions = bucket.versions.iter();
        // A canary of a run that died stays until a later run sweeps it.
        for version in versions.filter(|version| !version.key.contains(DEFAULT_KEY_PREFIX)) {
            let (key, id, marker) = (&version.key, &version.version_id, version.delete_marker);
            writeln!(
                text,
                "  holds {key} {id} of {name}, delete marker: {marker}"
            )
            .unwrap();
        }
        for (key, id) in &bucket.uploads {
            writeln!(text, "  is sent {key} {id} to {name}").unwrap();
        }
    }
    let mut keys: Vec<String> = state
        .keys
        .values()
        .filter(|key| key.state != "PendingDeletion")
        .map(|key| {
            format!(
                "key {} {} {:?} {:?} {}\n",
                key.description,
                key.state,
                key.rotation,
                lasting(&key.tags),
                state.shown(&key.policy).render().unwrap()
            )
        })
        .collect();
    keys.sort();
    text.extend(keys);
    for ((account, region, alias), arn) in &state.aliases {
        writeln!(text, "{alias} in {account} {region} of {arn}").unwrap();
    }
    for (arn, policy) in &state.managed_policies {
        let document = policy.document().render().unwrap();
        writeln!(text, "policy {arn} {:?} {document}", lasting(&policy.tags)).unwrap();
    }
    for role in state.roles.values() {
        let policies: Vec<String> = role
            .policies
            .iter()
            .map(|(name, document)| format!("{name}: {}", document.render().unwrap()))
            .collect();
        let attached = &role.attached;
        let role = &role.description;
        writeln!(
            text,
            "{} {} {:?} {:?}\n  {:?}\n  {}\n  {:?}",
            role.arn,
            role.description,
            role.permissions_boundary,
            lasting(&role.tags),
            policies,
            role.trust_policy,
            attached
        )
        .unwrap();
    }
    for (arn, key) in &state.keys {
        text = text.replace(arn.as_str(), &format!("<{}>", key.description));
    }
    text
}

/// How many keys do and how many do not await their end.
pub(crate) fn keys(state: &State) -> (usize, usize) {
    let pending = state
        .keys
        .values()
        .filter(|key| key.state == "PendingDeletion");
    let pending = pending.count();
    (state.keys.len() - pending, pending)
}

fn lasting(tags: &Tags) -> Tags {
    let mut tags = tags.clone();
    if tags.contains_key(CREATED_TAG) {
        tags.insert(CREATED_TAG.to_owned(), "once".to_owned());
    }
    // Moments of verifications are no part of what is asked for.
    tags.retain(|key, _| !key.starts_with(VERIFIED_TAGS));
    tags
}
