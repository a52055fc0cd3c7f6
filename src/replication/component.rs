//! The things that one `replicated_bucket` owns, each with a stable name.

use std::fmt;

/// One of the two ends of replication.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The bucket that objects are written to.
    Source,
    /// The bucket that receives replicas, by its key in `destinations`.
    Destination(String),
}

impl Side {
    /// The destination's key; none for the source.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Source => None,
            Self::Destination(key) => Some(key),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source => f.write_str("source"),
            Self::Destination(key) => write!(f, "destination/{key}"),
        }
    }
}

/// What a component on one side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The bucket with its settings.
    Bucket,
    /// Our statements in the bucket's policy.
    BucketPolicy,
    /// The customer managed key that we made for the bucket.
    Key,
    /// The key's alias.
    Alias,
    /// The replication configuration on this bucket.
    Replication,
}

/// The name of a component: the key of `components`, of log lines and of error messages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComponentId {
    /// A part on one side.
    Of(Side, Part),
    /// A key of ours, by its ID, that a side's bucket used before: objects are still under it.
    RetiredKey(Side, String),
    /// The role that S3 assumes to replicate out of this side's bucket.
    Role(Side),
    /// That role's inline policy.
    RolePolicy(Side),
    /// A managed policy of that role, by its number, which begins with one.
    ManagedPolicy(Side, usize),
}

/// Part of a component's name for a key that is kept for objects under it.
const RETIRED_KEY: &str = "retired_key";

impl ComponentId {
    /// A key that a side's bucket used before, by its ARN.
    pub fn retired_key(side: &Side, arn: &str) -> Self {
        let id = arn.rsplit('/').next().unwrap_or_default();
        Self::RetiredKey(side.clone(), id.to_owned())
    }

    /// The side that it belongs to.
    pub fn side(&self) -> &Side {
        match self {
            Self::Of(side, _)
            | Self::RetiredKey(side, _)
            | Self::Role(side)
            | Self::RolePolicy(side)
            | Self::ManagedPolicy(side, _) => side,
        }
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(side, part) => {
                let part = match part {
                    Part::Bucket => "bucket",
                    Part::BucketPolicy => "bucket_policy",
                    Part::Key => "key",
                    Part::Alias => "alias",
                    Part::Replication => "replication",
                };
                write!(f, "{side}/{part}")
            }
            Self::RetiredKey(side, id) => write!(f, "{side}/{RETIRED_KEY}/{id}"),
            // The source's is the one that every configuration has.
            Self::Role(Side::Source) => f.write_str("role"),
            Self::RolePolicy(Side::Source) => f.write_str("role/policy"),
            Self::Role(side) => write!(f, "{side}/role"),
            Self::RolePolicy(side) => write!(f, "{side}/role/policy"),
            Self::ManagedPolicy(side, number) => {
                write!(f, "{}/{number}", Self::RolePolicy(side.clone()))
            }
        }
    }
}
