//! Tags. Ours alone are no difference that a person needs to see.

use super::Shows;
use crate::replication::names;
use crate::replication::observed::Presence;
use crate::replication::operation::Tags;

/// The whole tag set to write, where the one seen differs.
pub(super) fn tag_difference(wanted: &Tags, seen: &Presence<Tags>) -> Option<(Shows, Tags)> {
    let nothing = Tags::new();
    let seen = seen.present().unwrap_or(&nothing);
    let (shows, set, unset) = tag_changes(wanted, seen);
    if set.is_empty() && unset.is_empty() {
        return None;
    }
    let mut tags = wanted.clone();
    // The moment of creation stays, and S3 refuses a set without the tags that AWS itself has put there.
    let kept = seen
        .iter()
        .filter(|(key, _)| key.as_str() == names::CREATED_TAG || key.starts_with("aws:"));
    tags.extend(kept.map(|(key, value)| (key.clone(), value.clone())));
    let shows = if unset.is_empty() {
        shows
    } else {
        Shows::Attribute
    };
    Some((shows, tags))
}

/// Tags to set and to take away. The moment of creation stays as it is, and AWS's own tags are not ours.
pub(super) fn tag_changes(wanted: &Tags, seen: &Tags) -> (Shows, Tags, Vec<String>) {
    let set: Tags = wanted
        .iter()
        .filter(|(key, value)| {
            seen.get(*key) != Some(value)
                && !(*key == names::CREATED_TAG && seen.contains_key(names::CREATED_TAG))
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let unset = seen
        .keys()
        .filter(|key| {
            // The mark of a retained part goes once it is managed again.
            key.as_str() == names::RETAINED_TAG
                || (!wanted.contains_key(*key)
                    && !key.starts_with("aws:")
                    && !names::is_ownership_tag(key))
        })
        .cloned()
        .collect();
    let only_ours = set.keys().all(|key| names::is_ownership_tag(key));
    let shows = if only_ours {
        Shows::Nowhere
    } else {
        Shows::Attribute
    };
    (shows, set, unset)
}
