//! The documents that decide what S3 may do: as they are, or as an apply will leave them.

use std::collections::BTreeMap;

use crate::replication::component::{ComponentId, Side};
use crate::replication::desired::{Desired, DesiredDirection, desire};
use crate::replication::direction::Direction;
use crate::replication::existing_keys::ManagedKey;
use crate::replication::observed::{Observed, ObservedBucket, ObservedRole, Presence};
use crate::replication::operation::Input;
use crate::replication::policy::{self, PolicyDocument, PolicyShare};
use crate::replication::spec::{RoleOwnership, Spec};

use super::deciding::Policies;
use super::request::key_arn;

/// Everything that bears on replication, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Documents {
    /// By the side of the direction.
    pub(super) roles: BTreeMap<Side, RoleDocuments>,
    /// The policies of buckets.
    pub(super) buckets: BTreeMap<Side, Policies>,
    /// Keys by their ARNs.
    pub(super) keys: BTreeMap<String, KeyDocuments>,
}

/// What speaks for a role.
#[derive(Debug)]
pub(super) struct RoleDocuments {
    /// Whether there is no such role.
    pub(super) missing: bool,
    /// Its trust policy.
    pub(super) trust: Policies,
    /// Its policies.
    pub(super) policies: Policies,
    /// The ARN of the policy that bounds it, and what that says.
    pub(super) boundary: Option<(String, Policies)>,
}

impl RoleDocuments {
    /// Those of a role that nobody looked at.
    pub(super) fn unknown() -> Self {
        Self {
            missing: false,
            trust: Policies::unknown(),
            policies: Policies::unknown(),
            boundary: None,
        }
    }
}

/// A key and its policy.
#[derive(Debug, Default)]
pub(super) struct KeyDocuments {
    /// `Enabled`, `Disabled` and so on.
    pub(super) state: Option<String>,
    /// Its policy.
    pub(super) policy: Policies,
}

impl Policies {
    /// A text that was looked for; what is no policy cannot be judged.
    fn seen(text: &Presence<String>) -> Self {
        match text {
            Presence::Unasked => Self::unknown(),
            Presence::Absent => Self::default(),
            Presence::Present(text) => Self::text(text),
        }
    }

    fn text(text: &str) -> Self {
        PolicyDocument::parse(text).map_or_else(|_| Self::unknown(), Self::of)
    }

    fn with(mut self, other: Self) -> Self {
        self.documents.extend(other.documents);
        self.unread |= other.unread;
        self
    }

    /// These with a share merged into them.
    fn with_share(self, share: &PolicyShare) -> Self {
        let Self { documents, unread } = self;
        Self {
            documents: vec![share.merged_into(documents.first())],
            unread: unread && !share.exclusive,
        }
    }
}

impl Documents {
    /// Those that are at AWS now.
    pub(super) fn as_they_are(spec: &Spec, observed: &Observed) -> Self {
        let mut documents = Self::keys_seen(observed);
        for (side, seen) in &observed.buckets {
            let policy = Policies::seen(&seen.policy);
            documents.buckets.insert(side.clone(), policy);
        }
        for direction in spec.directions() {
            let role = match observed.role(&direction.from) {
                Presence::Unasked => continue,
                Presence::Absent => RoleDocuments {
                    missing: true,
                    ..RoleDocuments::unknown()
                },
                Presence::Present(seen) => {
                    let all = own_policies(seen).with(further(&direction, seen, observed));
                    role_seen(seen, observed, all)
                }
            };
            documents.roles.insert(direction.from, role);
        }
        documents
    }

    /// Those that an apply leaves. `prior` is what was in force until now.
    pub(super) fn as_they_will_be(spec: &Spec, prior: Option<&Spec>, observed: &Observed) -> Self {
        let desired = desire(spec, prior, "");
        let mut documents = Self::keys_seen(observed);
        for (side, bucket) in &desired.buckets {
            let seen = observed.buckets.get(side);
            let there = seen.map_or_else(Policies::unknown, |seen| Policies::seen(&seen.policy));
            let policy = match bucket.policy_is_managed() {
                true => there.with_share(&bucket.policy),
                false => without_ours(there, spec, prior, side),
            };
            documents.buckets.insert(side.clone(), policy);
        }
        documents.write_keys(spec, &desired, observed);
        for direction in spec.directions() {
            let wanted = desired.directions.get(&direction.from);
            let role = wanted.and_then(|wanted| role_wanted(&direction, wanted, prior, observed));
            documents
                .roles
                .extend(role.map(|role| (direction.from.clone(), role)));
        }
        for policies in documents.policies_mut() {
            policies.resolve(spec);
        }
        documents
    }

    fn keys_seen(observed: &Observed) -> Self {
        let mut documents = Self::default();
        for seen in observed.buckets.values() {
            let retired = seen.retired_keys.values();
            for key in retired.chain([&seen.key]).filter_map(Presence::present) {
                let documents_of_key = KeyDocuments {
                    state: Some(key.description.state.clone()),
                    policy: Policies::seen(&key.policy),
                };
                let arn = key.description.arn.clone();
                documents.keys.insert(arn, documents_of_key);
            }
        }
        for (arn, seen) in &observed.theirs.keys {
            let key = documents.keys.entry(arn.clone()).or_default();
            key.state = seen.state.present().cloned();
            key.policy = Policies::seen(&seen.policy);
        }
        for (arn, policy) in &observed.managed_keys {
            let key = documents.keys.entry(arn.clone()).or_default();
            key.policy = Policies::seen(policy);
        }
        documents
    }

    fn write_keys(&mut self, spec: &Spec, desired: &Desired, observed: &Observed) {
        for (side, bucket) in spec.buckets() {
            let wanted = desired
                .buckets
                .get(&side)
                .and_then(|bucket| bucket.key.as_ref());
            let (Some(arn), Some(wanted)) = (bucket.key(&side), wanted) else {
                continue;
            };
            let there = match seen_key(observed.buckets.get(&side), &arn) {
                // A key that is made anew has what it is made with.
                _ if arn.known().is_none() => Policies::default(),
                Some(policy) => Policies::seen(policy),
                None => Policies::unknown(),
            };
            let key = KeyDocuments {
                state: Some(
                    if wanted.enabled {
                        "Enabled"
                    } else {
                        "Disabled"
                    }
                    .to_owned(),
                ),
                policy: there.with_share(&wanted.policy),
            };
            self.keys.insert(key_arn(&arn, &bucket.location), key);
        }
        for (arn, ManagedKey { policy, .. }) in &desired.managed_keys {
            let key = self
                .keys
                .entry(arn.clone())
                .or_insert_with(|| KeyDocuments {
                    state: None,
                    policy: Policies::unknown(),
                });
            key.policy = std::mem::take(&mut key.policy).with_share(policy);
        }
    }

    fn policies_mut(&mut self) -> impl Iterator<Item = &mut Policies> {
        let roles = self.roles.values_mut().map(|role| &mut role.policies);
        let keys = self.keys.values_mut().map(|key| &mut key.policy);
        roles.chain(keys).chain(self.buckets.values_mut())
    }
}

impl Policies {
    /// Fills in the ARNs that keys which are still to be made have here.
    fn resolve(&mut self, spec: &Spec) {
        let arn_of = |component: &ComponentId| {
            let ComponentId::Of(side, _) = component else {
                return None;
            };
            let key = Input::OutputOf(component.clone());
            Some(key_arn(&key, &spec.bucket(side)?.location))
        };
        for document in &mut self.documents {
            *document = document.resolve(&arn_of);
        }
    }
}

/// The policy of the key of ours in use, where it was looked at.
fn seen_key<'a>(
    seen: Option<&'a ObservedBucket>,
    arn: &Input<String>,
) -> Option<&'a Presence<String>> {
    let key = seen?.key.present()?;
    (arn.known() == Some(&key.description.arn)).then_some(&key.policy)
}

/// A policy that is left to its owner. What was ours to write there until now goes.
fn without_ours(there: Policies, spec: &Spec, prior: Option<&Spec>, side: &Side) -> Policies {
    let before = prior
        .zip(spec.bucket(side))
        .and_then(|(prior, bucket)| prior.bucket_named(&bucket.name));
    let goes = before.is_some_and(|b| b.policy_is_managed() || b.leftovers.ours_in_policy);
    let mut there = there;
    for document in there.documents.iter_mut().filter(|_| goes) {
        let owner = spec.owner();
        let stays = |sid: Option<&str>| !sid.is_some_and(|sid| policy::is_ours(sid, &owner));
        document.statements.retain(|s| stays(s.name()));
    }
    there
}

/// The policies under names of ours in and at a role.
fn own_policies(seen: &ObservedRole) -> Policies {
    let managed = seen.managed_policies.values().filter(|p| p.attached);
    let managed = managed.map(|policy| Policies::text(&policy.document));
    managed.fold(Policies::seen(&seen.policy), Policies::with)
}

/// The policies in and at a role beside ours.
fn further(direction: &Direction<'_>, seen: &ObservedRole, observed: &Observed) -> Policies {
    if further_policies(direction, seen).next().is_none() {
        return Policies::default();
    }
    match observed.theirs.role_policies.get(&direction.from) {
        None => Policies::unknown(),
        Some(read) => Policies {
            documents: read.documents.clone(),
            unread: !read.unread.is_empty(),
        },
    }
}

/// The names of inline policies and the ARNs of managed ones that are in and at a role beside ours.
pub(super) fn further_policies<'a>(
    direction: &Direction<'_>,
    seen: &'a ObservedRole,
) -> impl Iterator<Item = &'a String> {
    let ours = direction.role_policy_name();
    let managed: Vec<String> = match direction.role.ownership {
        RoleOwnership::Owned { .. } => {
            let numbers = seen.managed_policies.keys();
            numbers.map(|n| direction.managed_policy_arn(*n)).collect()
        }
        RoleOwnership::Existing { .. } => Vec::new(),
    };
    let inline = seen.inline_policies.present().into_iter().flatten();
    let attached = seen.attached_policies.present().into_iter().flatten();
    inline
        .filter(move |name| **name != ours)
        .chain(attached.filter(move |arn| !managed.contains(arn)))
}

fn role_seen(seen: &ObservedRole, observed: &Observed, policies: Policies) -> RoleDocuments {
    let boundary = seen.description.permissions_boundary.as_ref();
    RoleDocuments {
        missing: false,
        trust: Policies::text(&seen.description.trust_policy),
        policies,
        boundary: boundary.map(|arn| bounded(arn, observed)),
    }
}

fn bounded(arn: &str, observed: &Observed) -> (String, Policies) {
    let text = observed.theirs.boundaries.get(arn);
    let policies = text.map_or_else(Policies::unknown, |text| Policies::text(text));
    (arn.to_owned(), policies)
}

/// A role as it will be; nothing of one of somebody else's that nobody looked at, or that is not there.
fn role_wanted(
    direction: &Direction<'_>,
    wanted: &DesiredDirection,
    prior: Option<&Spec>,
    observed: &Observed,
) -> Option<RoleDocuments> {
    let presence = observed.role(&direction.from);
    let seen = presence.present();
    let role = &wanted.role;
    let ours = match &role.grants {
        Some(grants) => {
            let managed = grants.exact.managed.iter();
            let all = managed.chain([&grants.exact.inline]).cloned();
            all.map(Policies::of)
                .fold(Policies::default(), Policies::with)
        }
        // What we wrote until now goes.
        None if writes_policy(direction, prior) => Policies::default(),
        None => Policies::seen(&seen?.policy),
    };
    let theirs = match presence {
        Presence::Unasked => Policies::unknown(),
        Presence::Absent => Policies::default(),
        Presence::Present(seen) => further(direction, seen, observed),
    };
    let policies = ours.with(theirs);
    Some(match &role.owned {
        Some(owned) => RoleDocuments {
            missing: false,
            trust: Policies::of(owned.trust.clone()),
            policies,
            boundary: owned
                .permissions_boundary
                .as_ref()
                .map(|arn| bounded(arn, observed)),
        },
        None => role_seen(seen?, observed, policies),
    })
}

/// Whether the role of a direction had our policy until now.
fn writes_policy(direction: &Direction<'_>, prior: Option<&Spec>) -> bool {
    let before = prior.and_then(|prior| direction.in_spec(prior));
    before.is_some_and(|before| {
        let leaves_it = RoleOwnership::Existing {
            manage_policy: false,
        };
        before.role_arn() == direction.role_arn() && before.role.ownership != leaves_it
    })
}
