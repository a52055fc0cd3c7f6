//! What is there already under a name that we want: ours to take over, or somebody's.
//!
//! A create that was killed left parts behind and no state. The same create, run again, finds them by name and
//! by our tags and goes on with them. Everything else is an error: taking over a bucket that another state
//! manages would sooner or later delete somebody's archive.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::component::{ComponentId, Part, Side};
use super::direction::Direction;
use super::names::{COMPONENT_TAG, CREATED_TAG, OWNER_TAG, RETAINED_TAG};
use super::observed::{Observed, ObservedBucket, Presence};
use super::operation::Tags;
use super::spec::{RoleOwnership, Spec};

/// How old a part may be that a create takes over.
const TAKE_OVER_WITHIN: Duration = Duration::hours(24);

/// What is to become of a part that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The component.
    pub component: ComponentId,
    /// What it is, for messages: `bucket acme-archive`.
    pub thing: String,
    /// Taken over, or why not.
    pub verdict: Result<(), Refusal>,
}

/// Why a part is not taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It carries no tags of ours, or another owner's.
    Foreign(Option<String>),
    /// Our tags, but a complete setup of some age: another state manages it.
    Settled,
    /// Our tags, but it holds objects.
    HoldsObjects,
    /// The role of that name has another path, so it is not the one that the rules would name (ARN).
    AnotherPath(String),
    /// The bucket replicates already, with another role (ARN), and has only one configuration.
    Replicates(String),
}

/// How far taking over may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// A create: tags, age and emptiness must fit.
    Recent(OffsetDateTime),
    /// An update of a resource that has its source in state: tags are enough.
    Tags,
}

/// Looks at every part that is there and that state does not know: `known` tells which it does.
pub fn claims(
    spec: &Spec,
    observed: &Observed,
    known: &dyn Fn(&ComponentId) -> bool,
    trust: Trust,
) -> Vec<Claim> {
    let owner = spec.owner();
    let mut claims = Vec::new();
    let nothing = Tags::new();
    for (side, bucket) in spec.buckets() {
        let Some(seen) = observed.buckets.get(&side) else {
            continue;
        };
        let component = ComponentId::Of(side.clone(), Part::Bucket);
        // Whose somebody else's bucket is, needs no looking into.
        let ours = bucket.settings().is_some();
        if ours && seen.region.present().is_some() && !known(&component) {
            let tags = seen.tags.present().unwrap_or(&nothing);
            let verdict = judge(&owner, &component, tags, trust).and_then(|()| match trust {
                Trust::Recent(_) if !tags.contains_key(RETAINED_TAG) => empty(seen),
                _ => Ok(()),
            });
            claims.push(Claim {
                thing: format!("bucket {}", bucket.name),
                component,
                verdict,
            });
        }
        claims.extend(key_claim(spec, &side, seen, known, trust));
    }
    for direction in spec.directions() {
        claims.extend(rules_claim(&direction, observed, known));
        claims.extend(role_claim(&owner, &direction, observed, known, trust));
        claims.extend(policy_claims(&owner, &direction, observed, known, trust));
    }
    claims
}

/// A bucket of ours that is to replicate back from now on may be the source of somebody else's replication.
fn rules_claim(
    direction: &Direction<'_>,
    observed: &Observed,
    known: &dyn Fn(&ComponentId) -> bool,
) -> Option<Claim> {
    let component = ComponentId::Of(direction.from.clone(), Part::Replication);
    // In somebody else's bucket their rules may stand beside ours.
    let theirs = direction.bucket.existing().is_some();
    if direction.from == Side::Source || theirs || known(&component) {
        return None;
    }
    let seen = observed.buckets.get(&direction.from)?;
    let role = &seen.replication.present()?.role;
    (*role != direction.role_arn().to_string()).then(|| Claim {
        component,
        thing: format!("replication of bucket {}", direction.bucket.name),
        verdict: Err(Refusal::Replicates(role.clone())),
    })
}

/// A role is looked at by its name, which stands for one role whatever its path is.
fn role_claim(
    owner: &str,
    direction: &Direction<'_>,
    observed: &Observed,
    known: &dyn Fn(&ComponentId) -> bool,
    trust: Trust,
) -> Option<Claim> {
    let seen = &observed.role(&direction.from).present()?.description;
    let component = ComponentId::Role(direction.from.clone());
    let ours = matches!(direction.role.ownership, RoleOwnership::Owned { .. });
    let is_new = ours && !known(&component);
    let right_path = seen.arn == direction.role_arn().to_string();
    let verdict = match (is_new, right_path) {
        (false, true) => return None,
        (true, true) => judge(owner, &component, &seen.tags, trust),
        (_, false) => Err(Refusal::AnotherPath(seen.arn.clone())),
    };
    Some(Claim {
        component,
        thing: format!("role {}", seen.arn),
        verdict,
    })
}

/// Managed policies under the names that ours have; only a role of ours has any.
fn policy_claims(
    owner: &str,
    direction: &Direction<'_>,
    observed: &Observed,
    known: &dyn Fn(&ComponentId) -> bool,
    trust: Trust,
) -> Vec<Claim> {
    let policies = observed.managed_policies(&direction.from).iter();
    policies
        .filter_map(|(number, policy)| {
            let component = ComponentId::ManagedPolicy(direction.from.clone(), *number);
            (!known(&component)).then(|| Claim {
                verdict: judge(owner, &component, &policy.tags, trust),
                thing: format!("policy {}", direction.managed_policy_arn(*number)),
                component,
            })
        })
        .collect()
}

fn key_claim(
    spec: &Spec,
    side: &Side,
    seen: &ObservedBucket,
    known: &dyn Fn(&ComponentId) -> bool,
    trust: Trust,
) -> Option<Claim> {
    let wanted = spec.bucket(side)?.owned_key()?;
    let component = ComponentId::Of(side.clone(), Part::Key);
    if known(&component) {
        // The key is in state; an alias that is not may still be somebody else's.
        if known(&ComponentId::Of(side.clone(), Part::Alias)) {
            return None;
        }
        let target = seen.alias_target.present()?;
        if seen
            .key
            .present()
            .is_some_and(|k| k.description.arn == *target)
            || seen.retired_keys.contains_key(target)
        {
            return None;
        }
        return Some(Claim {
            component: ComponentId::Of(side.clone(), Part::Alias),
            thing: format!("key {target} under {}", wanted.alias),
            verdict: Err(Refusal::Foreign(None)),
        });
    }
    let key = seen.key.present()?;
    let nothing = Tags::new();
    let tags = key.tags.present().unwrap_or(&nothing);
    Some(Claim {
        thing: match seen.alias_target.present() {
            Some(target) => format!("key {target} under {}", wanted.alias),
            None => format!("key {}", key.description.arn),
        },
        verdict: judge(&spec.owner(), &component, tags, trust),
        component,
    })
}

/// Forgets the policies of keys that a create takes over: whoever planted a key with our tags may have planted
/// its policy too, so it is replaced as a whole and not merged into.
pub fn distrust_policies(observed: &mut Observed, taken: &[Claim]) {
    for claim in taken {
        if let ComponentId::Of(side, Part::Key) = &claim.component
            && let Some(bucket) = observed.buckets.get_mut(side)
            && let Presence::Present(key) = &mut bucket.key
        {
            key.policy = Presence::Absent;
        }
    }
}

/// The other owner that tags name. Tags that name none pass: an import finds parts without.
pub fn other_owner<'a>(owner: &str, tags: &'a Tags) -> Option<&'a str> {
    let named = tags.get(OWNER_TAG).map(String::as_str);
    named.filter(|named| *named != owner)
}

/// Buckets and roles that are ours by `prior`, with the other owners that their tags name by now: somebody deleted
/// ours, and another resource made its own under the name.
pub fn taken_away(spec: &Spec, prior: &Spec, observed: &Observed) -> Vec<(ComponentId, String)> {
    let owner = spec.owner();
    let named = |tags: &Tags| other_owner(&owner, tags).map(str::to_owned);
    let buckets = spec.buckets().filter_map(|(side, bucket)| {
        let before = prior.bucket_named(&bucket.name)?;
        let is_ours = bucket.settings().is_some() && before.settings().is_some();
        let tags = observed.buckets.get(&side)?.tags.present()?;
        let named = named(tags).filter(|_| is_ours)?;
        Some((ComponentId::Of(side, Part::Bucket), named))
    });
    let is_ours =
        |direction: &Direction<'_>| matches!(direction.role.ownership, RoleOwnership::Owned { .. });
    let roles = spec.directions().filter_map(|direction| {
        let mut before = prior.directions();
        let was = before.find(|before| before.role_arn() == direction.role_arn())?;
        let role = observed.role(&direction.from).present()?;
        let named =
            named(&role.description.tags).filter(|_| is_ours(&direction) && is_ours(&was))?;
        Some((ComponentId::Role(direction.from), named))
    });
    buckets.chain(roles).collect()
}

/// Whether tags say that this is our own part.
pub fn judge(
    owner: &str,
    component: &ComponentId,
    tags: &Tags,
    trust: Trust,
) -> Result<(), Refusal> {
    let owned_by = tags.get(OWNER_TAG);
    if owned_by.map(String::as_str) != Some(owner)
        || tags.get(COMPONENT_TAG) != Some(&component.to_string())
    {
        return Err(Refusal::Foreign(owned_by.cloned()));
    }
    let Trust::Recent(now) = trust else {
        return Ok(());
    };
    if tags.contains_key(RETAINED_TAG) {
        // A destroy kept it and let go of it, so no other state manages it, however old and full it is.
        return Ok(());
    }
    let created = tags
        .get(CREATED_TAG)
        .and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    match created {
        // Two machines' clocks may differ, so a little in the future is recent too.
        Some(created) if (now - created).abs() < TAKE_OVER_WITHIN => Ok(()),
        _ => Err(Refusal::Settled),
    }
}

fn empty(seen: &ObservedBucket) -> Result<(), Refusal> {
    if seen.empty == Presence::Present(false) {
        Err(Refusal::HoldsObjects)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::names::ownership_tags;

    const OWNER: &str = "111111111111/acme-archive";

    fn now() -> OffsetDateTime {
        OffsetDateTime::parse("2026-11-21T12:00:00Z", &Rfc3339).unwrap()
    }

    fn role() -> ComponentId {
        ComponentId::Role(Side::Source)
    }

    fn role_tags(owner: &str, created: &str) -> Tags {
        ownership_tags(owner, &role(), created)
    }

    #[test]
    fn a_recent_part_of_ours_is_taken_over() {
        let tags = role_tags(OWNER, "2026-11-21T11:00:00.5Z");
        assert_eq!(judge(OWNER, &role(), &tags, Trust::Recent(now())), Ok(()));
    }

    #[test]
    fn a_settled_part_of_ours_belongs_to_another_state() {
        let tags = role_tags(OWNER, "2026-11-20T11:00:00Z");
        let verdict = judge(OWNER, &role(), &tags, Trust::Recent(now()));
        assert_eq!(verdict, Err(Refusal::Settled));
        assert_eq!(judge(OWNER, &role(), &tags, Trust::Tags), Ok(()));
    }

    #[test]
    fn a_part_planted_with_a_date_far_ahead_is_not_taken_over() {
        let tags = role_tags(OWNER, "2099-01-01T00:00:00Z");
        let verdict = judge(OWNER, &role(), &tags, Trust::Recent(now()));
        assert_eq!(verdict, Err(Refusal::Settled));
    }

    #[test]
    fn a_part_that_a_destroy_retained_is_taken_back_by_its_owner_alone() {
        let mut tags = role_tags(OWNER, "2020-01-01T00:00:00Z");
        tags.insert(RETAINED_TAG.to_owned(), "true".to_owned());
        let trust = Trust::Recent(now());
        assert_eq!(judge(OWNER, &role(), &tags, trust), Ok(()));
        let other = judge("111111111111/other", &role(), &tags, trust);
        assert_eq!(other, Err(Refusal::Foreign(Some(OWNER.to_owned()))));
    }

    #[test]
    fn a_part_of_another_owner_or_component_is_foreign() {
        let tags = role_tags("111111111111/other", "2026-11-21T11:00:00Z");
        let verdict = judge(OWNER, &role(), &tags, Trust::Tags);
        assert_eq!(
            verdict,
            Err(Refusal::Foreign(Some("111111111111/other".to_owned())))
        );
        let tags = role_tags(OWNER, "2026-11-21T11:00:00Z");
        let key = ComponentId::Of(Side::Source, Part::Key);
        assert!(judge(OWNER, &key, &tags, Trust::Tags).is_err());
    }

    #[test]
    fn a_planted_part_without_a_date_is_not_taken_over() {
        let mut tags = role_tags(OWNER, "yesterday");
        let verdict = judge(OWNER, &role(), &tags, Trust::Recent(now()));
        assert_eq!(verdict, Err(Refusal::Settled));
        tags.remove(CREATED_TAG);
        let verdict = judge(OWNER, &role(), &tags, Trust::Recent(now()));
        assert_eq!(verdict, Err(Refusal::Settled));
    }
}
