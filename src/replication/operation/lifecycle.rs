//! Lifecycle configurations: what a bucket does with its objects as they age.

use std::collections::BTreeMap;

use super::Tags;

/// The smallest object that transitions where nobody says otherwise: S3's own default.
pub const DEFAULT_TRANSITION_MINIMUM: &str = "all_storage_classes_128K";

/// All lifecycle rules of a bucket; none is the same as no configuration.
///
/// It compares by meaning: AWS answers the same rules in another order and with defaults written out, and the edge
/// takes both away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LifecycleConfiguration {
    /// The rules by ID.
    pub rules: BTreeMap<String, LifecycleRule>,
    /// `TransitionDefaultMinimumObjectSize`; none is [`DEFAULT_TRANSITION_MINIMUM`].
    pub transition_default_minimum_object_size: Option<String>,
}

/// One rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LifecycleRule {
    /// Whether it acts.
    pub enabled: bool,
    /// The objects that it acts on.
    pub scope: LifecycleScope,
    /// When current versions expire, or delete markers that nothing is left behind go.
    pub expiration: Option<Expiration>,
    /// When noncurrent versions are deleted.
    pub noncurrent_version_expiration: Option<Noncurrent>,
    /// When current versions move to a storage class.
    pub transitions: BTreeMap<String, Moment>,
    /// When noncurrent versions move to a storage class.
    pub noncurrent_version_transitions: BTreeMap<String, Noncurrent>,
    /// After how many days an unfinished upload is given up.
    pub abort_incomplete_multipart_upload_days: Option<i32>,
}

/// The objects of a rule; empty is the whole bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LifecycleScope {
    /// Key prefix.
    pub prefix: Option<String>,
    /// Tags that an object must all carry.
    pub tags: Tags,
    /// Larger than so many bytes.
    pub object_size_greater_than: Option<i64>,
    /// Smaller than so many bytes.
    pub object_size_less_than: Option<i64>,
}

/// What `Expiration` says; the three exclude one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expiration {
    /// Current versions expire.
    At(Moment),
    /// A delete marker goes once it is the only version left.
    ExpiredObjectDeleteMarker,
}

/// When something happens to a current version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// So many days after it was made.
    Days(i32),
    /// At the midnight (UTC) with which this day begins, `2030-01-31`.
    Date(String),
}

/// When something happens to a noncurrent version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noncurrent {
    /// So many days after it became noncurrent.
    pub days: i32,
    /// Only where there are more than so many newer noncurrent versions.
    pub newer_versions: Option<i32>,
}

impl LifecycleConfiguration {
    /// The size that counts, written or not.
    pub fn transition_minimum(&self) -> &str {
        self.transition_default_minimum_object_size
            .as_deref()
            .unwrap_or(DEFAULT_TRANSITION_MINIMUM)
    }

    /// Whether another one means the same. Without rules the size says nothing.
    pub fn means_the_same(&self, other: &Self) -> bool {
        let same_rule = |(id, rule): (&String, &LifecycleRule)| {
            let other = other.rules.get(id);
            other.is_some_and(|other| rule.means_the_same(other))
        };
        self.rules.len() == other.rules.len()
            && self.rules.iter().all(same_rule)
            && (self.rules.is_empty() || self.transition_minimum() == other.transition_minimum())
    }
}

impl LifecycleRule {
    /// Whether another one means the same.
    pub fn means_the_same(&self, other: &Self) -> bool {
        let of = |rule: &Self| Self {
            scope: rule.scope.plain(),
            ..rule.clone()
        };
        of(self) == of(other)
    }
}

impl LifecycleScope {
    /// Without what AWS writes out where nothing was written: objects of more than no bytes.
    #[must_use]
    pub fn plain(&self) -> Self {
        Self {
            object_size_greater_than: self.object_size_greater_than.filter(|size| *size > 0),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_that_is_written_out_means_the_same() {
        let rules = BTreeMap::from([("old".to_owned(), LifecycleRule::default())]);
        let of = |size: Option<&str>, rules: &BTreeMap<_, _>| LifecycleConfiguration {
            rules: rules.clone(),
            transition_default_minimum_object_size: size.map(str::to_owned),
        };
        let written = of(Some(DEFAULT_TRANSITION_MINIMUM), &rules);
        let other = of(Some("varies_by_storage_class"), &rules);
        assert!(of(None, &rules).means_the_same(&written));
        let mut with_zero = written.clone();
        for rule in with_zero.rules.values_mut() {
            rule.scope.object_size_greater_than = Some(0);
        }
        assert!(written.means_the_same(&with_zero));
        assert!(!of(None, &rules).means_the_same(&other));
        assert!(!written.means_the_same(&LifecycleConfiguration::default()));
        let none = BTreeMap::new();
        assert!(of(None, &none).means_the_same(&of(Some("varies_by_storage_class"), &none)));
    }
}
