//! Replication out of one bucket: S3 gives a bucket one replication configuration, and that one role.
//!
//! A [`Spec`] has the direction from its source to every destination. Everything that a direction needs
//! follows from this view of it, whichever bucket it leaves.

use super::component::Side;
use super::ids::Arn;
use super::names;
use super::spec::{BucketSpec, RoleOwnership, RoleSpec, RuleSpec, Spec};

/// What leaves one bucket.
#[derive(Debug, Clone)]
pub struct Direction<'a> {
    /// The side whose bucket objects leave; that bucket holds the replication configuration.
    pub from: Side,
    /// That bucket.
    pub bucket: &'a BucketSpec,
    /// The role that S3 assumes, in that bucket's account.
    pub role: &'a RoleSpec,
    /// Where objects arrive.
    pub to: Vec<Arrival<'a>>,
}

/// Where objects of a direction arrive.
#[derive(Debug, Clone)]
pub struct Arrival<'a> {
    /// The side whose bucket receives.
    pub side: Side,
    /// That bucket.
    pub bucket: &'a BucketSpec,
    /// The rules that lead there.
    pub rules: Vec<RuleSpec>,
    /// What tells it from other arrivals in Sids.
    pub key: String,
}

impl Spec {
    /// Every direction, the one out of the source first.
    pub fn directions(&self) -> impl Iterator<Item = Direction<'_>> {
        std::iter::once(self.outward())
    }

    /// The direction out of a side's bucket.
    pub fn direction(&self, from: &Side) -> Option<Direction<'_>> {
        self.directions().find(|direction| direction.from == *from)
    }

    /// From the source to every destination.
    pub fn outward(&self) -> Direction<'_> {
        let arrivals = self.destinations.iter().map(|(key, destination)| Arrival {
            side: Side::Destination(key.clone()),
            bucket: &destination.bucket,
            rules: destination.rules.values().cloned().collect(),
            key: key.clone(),
        });
        Direction {
            from: Side::Source,
            bucket: &self.source,
            role: &self.role,
            to: arrivals.collect(),
        }
    }
}

impl Direction<'_> {
    /// The role's ARN; it follows from account, path and name.
    pub fn role_arn(&self) -> Arn {
        let at = &self.bucket.location;
        Arn {
            partition: at.partition.clone(),
            service: "iam".to_owned(),
            region: String::new(),
            account: at.account.to_string(),
            resource: format!("role{}{}", self.role.path, self.role.name),
        }
    }

    /// The name of our inline policy. A role of somebody else's may hold the policies of several owners.
    pub fn role_policy_name(&self) -> String {
        match self.role.ownership {
            RoleOwnership::Owned { .. } => names::ROLE_POLICY_NAME.to_owned(),
            RoleOwnership::Existing { .. } => {
                names::shared_role_policy_name(self.bucket.name.as_str())
            }
        }
    }
}
