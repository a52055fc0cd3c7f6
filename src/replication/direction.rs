//! Replication out of one bucket: S3 gives a bucket one replication configuration, and that one role.
//!
//! A [`Spec`] has the direction from its source to every destination, and one from each two-way destination
//! back to the source. Everything that a direction needs follows from this view of it, whichever bucket it
//! leaves.

use super::component::Side;
use super::ids::Arn;
use super::names;
use super::spec::{BucketSpec, Custody, DestinationSpec, RoleOwnership, RoleSpec, RuleSpec, Spec};

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
        let destinations = self.destinations.iter();
        let back = destinations.filter_map(|(key, destination)| {
            let role = destination.two_way.as_ref()?;
            Some(self.back(key, destination, role))
        });
        std::iter::once(self.outward()).chain(back)
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
            rules: self.source.live(destination.rules.values().cloned()),
            key: key.clone(),
        });
        Direction {
            from: Side::Source,
            bucket: &self.source,
            role: &self.role,
            to: arrivals.collect(),
        }
    }

    /// From a two-way destination to the source.
    fn back<'a>(
        &'a self,
        key: &str,
        destination: &'a DestinationSpec,
        role: &'a RoleSpec,
    ) -> Direction<'a> {
        let rules = destination.rules.values();
        let arrival = Arrival {
            side: Side::Source,
            bucket: &self.source,
            rules: destination
                .bucket
                .live(rules.map(|rule| self.mirrored(rule, destination))),
            // One key may serve both buckets, and its policy then holds statements of both directions.
            key: format!("{key}/back"),
        };
        Direction {
            from: Side::Destination(key.to_owned()),
            bucket: &destination.bucket,
            role,
            to: vec![arrival],
        }
    }

    /// A rule the other way round. Storage class and key are a matter of the bucket that receives.
    fn mirrored(&self, rule: &RuleSpec, from: &DestinationSpec) -> RuleSpec {
        RuleSpec {
            storage_class: None,
            owner_override: owner_override(&from.bucket, &self.source),
            replica_kms_key: None,
            ..rule.clone()
        }
    }
}

impl BucketSpec {
    /// Rules out of this bucket, with the keys that the live ones name.
    fn live(&self, rules: impl Iterator<Item = RuleSpec>) -> Vec<RuleSpec> {
        let with_key = |rule: RuleSpec| match self.live_keys.get(&rule.id) {
            Some(key) => RuleSpec {
                replica_kms_key: Some(key.clone()),
                ..rule
            },
            None => rule,
        };
        rules.map(with_key).collect()
    }
}

/// Directions of before that end, or whose role another one replaces, or takes our policy no longer; each with whether
/// its rules go.
pub fn superseded<'a>(prior: &'a Spec, spec: &Spec) -> Vec<(Direction<'a>, bool)> {
    prior
        .directions()
        .filter_map(|before| {
            // A destination under another key is the same bucket.
            let mut directions = spec.directions();
            let now = directions.find(|now| now.bucket.name == before.bucket.name);
            let replaced = now.as_ref().is_some_and(|now| {
                now.role_arn() != before.role_arn() || gives_up_policy(&before, now)
            });
            (replaced || now.is_none()).then_some((before, now.is_none()))
        })
        .collect()
}

/// Whether a role of somebody else's was ours to write a policy into, and no longer is.
fn gives_up_policy(before: &Direction<'_>, now: &Direction<'_>) -> bool {
    let writes = |direction: &Direction<'_>| match direction.role.ownership {
        RoleOwnership::Existing { manage_policy } => Some(manage_policy),
        RoleOwnership::Owned { .. } => None,
    };
    writes(before) == Some(true) && writes(now) == Some(false)
}

/// Whether replicas are given to the owner of the bucket that they arrive in, where nobody says otherwise. Without
/// ACLs they are that owner's anyway.
fn owner_override(from: &BucketSpec, to: &BucketSpec) -> bool {
    let enforced = match &to.custody {
        Custody::Ours(settings) => settings.object_ownership == "BucketOwnerEnforced",
        Custody::Existing(_) => false,
    };
    from.location.account != to.location.account && !enforced
}

impl Direction<'_> {
    /// The direction out of the same bucket in another spec; a destination under another key is the same bucket.
    pub fn in_spec<'s>(&self, spec: &'s Spec) -> Option<Direction<'s>> {
        let mut directions = spec.directions();
        directions.find(|other| other.bucket.name == self.bucket.name)
    }

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

    /// The ARN of a managed policy of ours, by its number.
    pub fn managed_policy_arn(&self, number: usize) -> String {
        let (at, role) = (&self.bucket.location, self.role);
        names::managed_policy_arn(at, &role.path, &role.name, number)
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
