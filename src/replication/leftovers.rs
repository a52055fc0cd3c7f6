//! What an update that failed had to take away and did not, and the roles that it made.
//!
//! What goes follows from what was wanted before and no longer is. After a failure the state has what is wanted now,
//! so the rest of it is remembered here; of a role the state keeps the one before. The next update goes on with it, and
//! so does a destroy.

use std::collections::{BTreeMap, BTreeSet};

use super::ids::Location;
use super::operation::BucketEncryption;
use super::policy::Statement;

/// What may still be there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// By the name of the bucket.
    pub buckets: BTreeMap<String, BucketLeftovers>,
    /// ARNs of keys of others that our statements were to leave, with where their policies are written.
    pub keys: BTreeMap<String, Location>,
}

/// What may still be there of one bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BucketLeftovers {
    /// Statements of the user's in its policy.
    pub statements: Vec<Statement>,
    /// Statements of the user's in the policy of its key.
    pub key_statements: Vec<Statement>,
    /// IDs of rules of ours in its replication configuration.
    pub rules: BTreeSet<String>,
    /// Aliases of its key.
    pub aliases: BTreeSet<String>,
    /// Roles of ours with which its objects were to leave, and which nothing uses.
    pub roles: BTreeSet<RoleName>,
    /// Our statements, in a policy that is its owner's again.
    pub ours_in_policy: bool,
    /// Our tags, on a bucket that is its owner's again.
    pub ownership_tags: bool,
    /// Our default encryption, on a bucket that is to have its owner's again.
    pub encryption: Option<ReplacedEncryption>,
}

/// What a role is found by, in the account of its bucket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleName {
    /// Its path, with slashes at both ends.
    pub path: String,
    /// Its name.
    pub name: String,
}

/// A default encryption that we wrote over another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplacedEncryption {
    /// What we wrote.
    pub ours: BucketEncryption,
    /// What was there before.
    pub found: BucketEncryption,
}

impl Leftovers {
    /// Takes in what else may be there, but for roles.
    pub fn extend_but_roles(&mut self, other: Self) {
        for (bucket, more) in other.buckets {
            let left = self.buckets.entry(bucket).or_default();
            left.statements.extend(more.statements);
            left.key_statements.extend(more.key_statements);
            left.rules.extend(more.rules);
            left.aliases.extend(more.aliases);
            left.ours_in_policy |= more.ours_in_policy;
            left.ownership_tags |= more.ownership_tags;
            left.encryption = left.encryption.take().or(more.encryption);
        }
        self.keys.extend(other.keys);
    }
}

impl ReplacedEncryption {
    /// What is to be put back where ours is still there.
    pub fn to_put_back(&self, there: &BucketEncryption) -> Option<BucketEncryption> {
        let is_ours =
            there.sse_algorithm == self.ours.sse_algorithm && there.kms_key == self.ours.kms_key;
        (is_ours && *there != self.found).then(|| self.found.clone())
    }
}
