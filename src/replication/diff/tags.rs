//! Tags. Ours alone are no difference that a person needs to see.

use super::Shows;
use crate::replication::graph::Action;
use crate::replication::ignored_tags::IgnoredTags;
use crate::replication::names;
use crate::replication::observed::Presence;
use crate::replication::operation::{Operation, Tags};
use crate::replication::tag_change::TagChange;

/// What to change of a bucket's tags, where those seen differ. The mark of a retained bucket stays: see
/// [`without_mark`].
pub(super) fn tag_difference(
    wanted: &Tags,
    ignored: &IgnoredTags,
    seen: &Presence<Tags>,
) -> Option<(Shows, TagChange)> {
    let nothing = Tags::new();
    let seen = seen.present().unwrap_or(&nothing);
    let (shows, set, unset) = tag_changes(wanted, ignored, seen);
    if set.is_empty() && unset.is_empty() {
        return None;
    }
    let tags = whole(wanted, ignored, seen);
    let shows = if unset.is_empty() {
        shows
    } else {
        Shows::Attribute
    };
    TagChange::between(seen, tags).map(|change| (shows, change))
}

/// The tags that a bucket is to have, with those that stay. The moment of creation does, and the mark of a retained
/// bucket; what somebody else keeps there is carried over, and S3 refuses a set without the tags that AWS itself has put
/// there.
fn whole(wanted: &Tags, ignored: &IgnoredTags, seen: &Tags) -> Tags {
    let kept = seen.iter().filter(|(key, _)| {
        [names::CREATED_TAG, names::RETAINED_TAG].contains(&key.as_str())
            || key.starts_with("aws:")
            || ignored.contains(key)
    });
    let kept = kept.map(|(key, value)| (key.clone(), value.clone()));
    wanted.clone().into_iter().chain(kept).collect()
}

/// What takes the mark off a bucket that is managed again, once its other tags are as they should be.
pub(super) fn without_mark(
    wanted: &Tags,
    ignored: &IgnoredTags,
    seen: &Presence<Tags>,
) -> Option<TagChange> {
    let marked = whole(wanted, ignored, seen.present()?);
    let mut unmarked = marked.clone();
    unmarked.remove(names::RETAINED_TAG);
    TagChange::between(&marked, unmarked)
}

/// Whether a step says that a part which a destroy retained is managed again. As long as none has, the same create,
/// run again, takes everything back, however old and full it is.
pub(in crate::replication) fn takes_mark_off(action: &Action) -> bool {
    match action {
        Action::EditBucketTags { change, .. } => {
            change.set().is_empty() && change.unset() == [names::RETAINED_TAG]
        }
        Action::Call(Operation::UntagKey { tag_keys, .. }) => *tag_keys == [names::RETAINED_TAG],
        _ => false,
    }
}

/// Tags to set and to take away. The moment of creation stays as it is, and so does the mark of a retained part; AWS's own
/// tags and those that somebody else keeps are not ours.
pub(in crate::replication) fn tag_changes(
    wanted: &Tags,
    ignored: &IgnoredTags,
    seen: &Tags,
) -> (Shows, Tags, Vec<String>) {
    let set: Tags = wanted
        .iter()
        .filter(|(key, value)| {
            seen.get(*key) != Some(value)
                && !ignored.contains(key)
                && !(*key == names::CREATED_TAG && seen.contains_key(names::CREATED_TAG))
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let unset = seen
        .keys()
        .filter(|key| {
            !wanted.contains_key(*key)
                && !key.starts_with("aws:")
                && !ignored.contains(key)
                && !names::is_ownership_tag(key)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tags<const N: usize>(pairs: [(&str, &str); N]) -> Tags {
        pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    }

    fn ignored() -> IgnoredTags {
        IgnoredTags {
            key_prefixes: ["scanner:".to_owned()].into(),
            ..IgnoredTags::default()
        }
    }

    #[test]
    fn a_tag_of_somebody_else_is_no_difference_and_is_carried_over() {
        let wanted = tags([("team", "archive")]);
        let seen = tags([("team", "archive"), ("scanner:run", "7")]);
        let present = Presence::Present(seen);
        assert_eq!(tag_difference(&wanted, &ignored(), &present), None);

        let wanted = tags([("team", "ops")]);
        let (_, change) = tag_difference(&wanted, &ignored(), &present).unwrap();
        let written = tags([("team", "ops"), ("scanner:run", "7")]);
        assert_eq!(
            change.at_once("acme"),
            Operation::PutBucketTagging {
                bucket: "acme".to_owned(),
                tags: written,
            }
        );
        assert_eq!(*change.set(), wanted);
        assert_eq!(change.unset(), [""; 0]);
    }

    #[test]
    fn a_tag_of_somebody_else_is_neither_set_nor_taken_away_key_by_key() {
        let wanted = tags([("scanner:owner", "us"), ("team", "ops")]);
        let seen = tags([
            ("scanner:owner", "them"),
            ("scanner:run", "7"),
            ("old", "1"),
        ]);
        let (_, set, unset) = tag_changes(&wanted, &ignored(), &seen);
        assert_eq!(set, tags([("team", "ops")]));
        assert_eq!(unset, ["old"]);
    }
}
