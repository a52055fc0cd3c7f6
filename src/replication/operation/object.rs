//! Single objects in writes and answers.

use std::collections::BTreeMap;

use super::Tags;

/// An object to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewObject {
    /// Its key.
    pub key: String,
    /// What is in it.
    pub content: String,
    /// Its tags.
    pub tags: Tags,
    /// Its own metadata, by names in lower case.
    pub metadata: BTreeMap<String, String>,
    /// Its encryption, where that is not the bucket's default: `AES256`.
    pub sse_algorithm: Option<String>,
}

/// What `HeadObject` tells of an object's current version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectDescription {
    /// The version's id; none in a bucket that never had versioning.
    pub version_id: Option<String>,
    /// `PENDING`, `COMPLETED`, `FAILED` or `REPLICA`; none where no rule has anything to do with it.
    pub replication_status: Option<String>,
    /// Its storage class; S3 names none of an object in `STANDARD`.
    pub storage_class: Option<String>,
    /// Its encryption: `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub sse_algorithm: Option<String>,
    /// ARN of the key that it is under.
    pub kms_key_arn: Option<String>,
    /// Its own metadata.
    pub metadata: BTreeMap<String, String>,
}
