//! Tags that somebody else keeps on what is ours: never shown, never taken away, never overwritten.

use std::collections::BTreeSet;

use super::observed::{Observed, Presence};
use super::operation::Tags;

/// Which tags are somebody else's, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoredTags {
    /// Whole keys.
    pub keys: BTreeSet<String>,
    /// What keys begin with.
    pub key_prefixes: BTreeSet<String>,
}

impl IgnoredTags {
    /// Whether a tag with this key is somebody else's.
    pub fn contains(&self, key: &str) -> bool {
        self.keys.contains(key) || self.key_prefixes.iter().any(|p| key.starts_with(p))
    }

    /// What was seen, as if these tags were not there.
    pub fn taken_out(&self, observed: &Observed) -> Observed {
        let mut observed = observed.clone();
        let take_out = |tags: &mut Tags| tags.retain(|key, _| !self.contains(key));
        for bucket in observed.buckets.values_mut() {
            let retired = bucket.retired_keys.values_mut();
            let keys = retired
                .chain([&mut bucket.key])
                .filter_map(|key| match key {
                    Presence::Present(key) => Some(&mut key.tags),
                    _ => None,
                });
            for tags in keys.chain([&mut bucket.tags]) {
                if let Presence::Present(tags) = tags {
                    take_out(tags);
                }
            }
        }
        for role in observed.roles.values_mut() {
            if let Presence::Present(role) = role {
                take_out(&mut role.description.tags);
            }
        }
        observed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_meant_whole_and_prefixes_as_beginnings() {
        let ignored = IgnoredTags {
            keys: BTreeSet::from(["cost".to_owned()]),
            key_prefixes: BTreeSet::from(["scanner:".to_owned()]),
        };
        for (key, is_ignored) in [
            ("cost", true),
            ("cost-centre", false),
            ("Cost", false),
            ("scanner:last-run", true),
            ("my-scanner:x", false),
        ] {
            assert_eq!(ignored.contains(key), is_ignored, "{key}");
        }
    }
}
