//! A change of a bucket's tags, in both forms in which S3 takes one.
//!
//! S3 replaces the whole set at once (`PutBucketTagging`), unless attribute-based access control (ABAC) is on for
//! the bucket: then it takes tags key by key only (`TagResource`, `UntagResource`), and what others have written
//! meanwhile stays. See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/buckets-tagging-enable-abac.html>.

use super::operation::{Operation, Tags};

/// How many tags a bucket may have, beside those of AWS itself:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_TagResource.html>.
const MOST_TAGS: usize = 50;

/// From the tags that were seen to those that are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagChange {
    whole: Tags,
    set: Tags,
    unset: Vec<String>,
}

impl TagChange {
    /// What turns the tags `seen` into the `whole` set; `None` where they are the same.
    pub fn between(seen: &Tags, whole: Tags) -> Option<Self> {
        let set: Tags = whole
            .iter()
            .filter(|(key, value)| seen.get(*key) != Some(value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let unset: Vec<String> = seen
            .keys()
            .filter(|key| !whole.contains_key(*key))
            .cloned()
            .collect();
        let differs = !set.is_empty() || !unset.is_empty();
        differs.then_some(Self { whole, set, unset })
    }

    /// From what this change leaves to the same with `more`; `None` where all of that is there.
    pub fn then_with(&self, more: Tags) -> Option<Self> {
        let mut whole = self.whole.clone();
        whole.extend(more);
        Self::between(&self.whole, whole)
    }

    /// What is new or has another value.
    pub fn set(&self) -> &Tags {
        &self.set
    }

    /// The keys that go.
    pub fn unset(&self) -> &[String] {
        &self.unset
    }

    /// The change as one write of the whole set.
    pub fn at_once(&self, bucket: &str) -> Operation {
        Operation::PutBucketTagging {
            bucket: bucket.to_owned(),
            tags: self.whole.clone(),
        }
    }

    /// The change as writes of single tags. What goes stays until the rest is there, because access to the bucket
    /// may hang on it, unless there is no room for both.
    pub fn key_by_key(&self, bucket: &str) -> Vec<Operation> {
        let set = (!self.set.is_empty()).then(|| Operation::TagBucket {
            bucket: bucket.to_owned(),
            tags: self.set.clone(),
        });
        let unset = (!self.unset.is_empty()).then(|| Operation::UntagBucket {
            bucket: bucket.to_owned(),
            tag_keys: self.unset.clone(),
        });
        let ours = self.whole.keys().filter(|key| !key.starts_with("aws:"));
        let both = ours.count() + self.unset.len();
        let order = if both <= MOST_TAGS {
            [set, unset]
        } else {
            [unset, set]
        };
        order.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags<const N: usize>(pairs: [(&str, &str); N]) -> Tags {
        pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    }

    fn numbered(count: usize) -> Tags {
        let pairs = (0..count).map(|n| (format!("tag-{n}"), "1".to_owned()));
        pairs.collect()
    }

    fn change(seen: &Tags, whole: &Tags) -> TagChange {
        TagChange::between(seen, whole.clone()).unwrap()
    }

    #[test]
    fn the_same_tags_are_no_change() {
        let seen = tags([("team", "ops")]);
        assert_eq!(TagChange::between(&seen, seen.clone()), None);
    }

    #[test]
    fn only_what_differs_is_written_key_by_key() {
        let seen = tags([
            ("aws:stack", "s"),
            ("old", "1"),
            ("same", "1"),
            ("team", "a"),
        ]);
        let whole = tags([
            ("aws:stack", "s"),
            ("new", "1"),
            ("same", "1"),
            ("team", "b"),
        ]);
        let bucket = || "acme".to_owned();
        assert_eq!(
            change(&seen, &whole).key_by_key("acme"),
            [
                Operation::TagBucket {
                    bucket: bucket(),
                    tags: tags([("new", "1"), ("team", "b")]),
                },
                Operation::UntagBucket {
                    bucket: bucket(),
                    tag_keys: vec!["old".to_owned()],
                },
            ]
        );
        assert_eq!(
            change(&seen, &whole).at_once("acme"),
            Operation::PutBucketTagging {
                bucket: bucket(),
                tags: whole,
            }
        );
    }

    #[test]
    fn a_change_that_only_adds_or_only_takes_away_is_one_write() {
        let (few, more) = (numbered(2), numbered(3));
        for (seen, whole, call) in [
            (&few, &more, "s3:TagResource"),
            (&more, &few, "s3:UntagResource"),
        ] {
            let writes = change(seen, whole).key_by_key("acme");
            let calls: Vec<&str> = writes.iter().map(Operation::call).collect();
            assert_eq!(calls, [call]);
        }
    }

    #[test]
    fn a_full_bucket_loses_what_goes_before_it_gets_the_rest() {
        for (count, first) in [(49, "s3:TagResource"), (50, "s3:UntagResource")] {
            let mut seen = numbered(count);
            seen.insert("aws:stack".to_owned(), "s".to_owned());
            let mut whole = seen.clone();
            whole.remove("tag-0");
            whole.insert("new".to_owned(), "1".to_owned());
            let writes = change(&seen, &whole).key_by_key("acme");
            assert_eq!(writes.len(), 2);
            assert_eq!(writes[0].call(), first, "{count}");
        }
    }
}
