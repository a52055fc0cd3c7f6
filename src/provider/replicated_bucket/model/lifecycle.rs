//! The typed mirror of `lifecycle_rules`.

use std::collections::BTreeMap;

use crate::framework::model::{Attr, TextMap};
use crate::model;

/// Lifecycle rules by ID.
pub type RulesModel = BTreeMap<String, Attr<LifecycleRuleModel>>;

model! {
    /// One of `lifecycle_rules`.
    LifecycleRuleModel {
        /// Whether it acts.
        enabled: bool,
        /// Key prefix.
        prefix: String,
        /// Tags of objects.
        tags: TextMap,
        /// Larger than so many bytes.
        object_size_greater_than: i64,
        /// Smaller than so many bytes.
        object_size_less_than: i64,
        /// Whether it is for every object.
        whole_bucket: bool,
        /// When current versions expire.
        expiration: ExpirationModel,
        /// When noncurrent versions are deleted.
        noncurrent_version_expiration: NoncurrentExpirationModel,
        /// When current versions move.
        transitions: Vec<Attr<TransitionModel>>,
        /// When noncurrent versions move.
        noncurrent_version_transitions: Vec<Attr<NoncurrentTransitionModel>>,
        /// When unfinished uploads are given up.
        abort_incomplete_multipart_upload_days: i64,
    }
}

model! {
    /// `expiration`.
    ExpirationModel {
        /// Days.
        days: i64,
        /// Or a date.
        date: String,
        /// Or lonely delete markers.
        expired_object_delete_marker: bool,
    }
}

model! {
    /// `noncurrent_version_expiration`.
    NoncurrentExpirationModel {
        /// Days.
        noncurrent_days: i64,
        /// Newer noncurrent versions that stay.
        newer_noncurrent_versions: i64,
    }
}

model! {
    /// One of `transitions`.
    TransitionModel {
        /// Days.
        days: i64,
        /// Or a date.
        date: String,
        /// Where to.
        storage_class: String,
    }
}

model! {
    /// One of `noncurrent_version_transitions`.
    NoncurrentTransitionModel {
        /// Days.
        noncurrent_days: i64,
        /// Newer noncurrent versions that stay.
        newer_noncurrent_versions: i64,
        /// Where to.
        storage_class: String,
    }
}
