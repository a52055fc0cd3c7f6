//! From differences to steps in a safe order.
//!
//! The rules of order, each with its reason:
//! 1. Writes of one bucket follow one another: S3 refuses concurrent changes with `OperationAborted`.
//! 2. A bucket is made before its key, so that a key can be found again through its bucket.
//! 3. A document that names a role is written after the role is there: AWS resolves the principal.
//! 4. Rules are written after every grant that they need, and after versioning shows on both sides.
//! 5. Rules that nothing takes the place of go first. Grants are narrowed, and what goes is taken down, after the rules that used them have changed.
//! 6. A bucket with live rules moves to KMS after the rules that replicate KMS objects are in force.
//! 7. The mark of a retained part goes after everything else: until then a create that fails can be repeated.
//!
//! Who needs whose output gives the other edges (see [`StepGraph::push`]).

use std::collections::BTreeMap;

use super::component::{ComponentId, Part, Side};
use super::desired::{Desired, DesiredRole};
use super::diff::{
    Difference, Form, bucket_differences, grant_differences, narrowing, replication_differences,
    role_differences, takes_mark_off,
};
use super::direction::Direction;
use super::graph::{Action, Condition, StepGraph, StepId};
use super::ids::Location;
use super::observed::{Observed, ObservedBucket, ObservedRole};
use super::operation::{Operation, Query};
use super::policy::PolicyShare;
use super::spec::{BucketSpec, RoleOwnership, Spec};
use super::teardown::{
    GivenUp, Until, edits_of_policies, take_down_bucket, take_down_role, take_down_rules,
    withdraw_from_keys,
};

/// What an update leaves behind: it is wired off and taken down once no rule uses it.
#[derive(Debug, Clone, Default)]
pub struct Going {
    /// Destinations that are no longer wanted, with what was seen of them.
    pub buckets: Vec<(Side, BucketSpec, ObservedBucket)>,
    /// Directions that end, or that another role serves from now on.
    pub directions: Vec<GoingDirection>,
    /// Aliases of ours that are no longer wanted.
    pub aliases: Vec<(Side, BucketSpec, String)>,
    /// What is given up of buckets that stay, once the rules are settled.
    pub given_up: Vec<GivenUp>,
}

/// A direction of before.
#[derive(Debug, Clone)]
pub struct GoingDirection {
    /// The spec that had it.
    pub spec: Spec,
    /// The side that it leaves there.
    pub from: Side,
    /// Whether its rules go; otherwise they live on with another role.
    pub rules: bool,
    /// What was seen of its role.
    pub role: Option<ObservedRole>,
}

/// The steps that bring AWS from what was seen to what is wanted.
pub fn plan(desired: &Desired, observed: &Observed, going: &Going) -> StepGraph {
    let mut planner = Planner::new(desired, observed);
    let put_rules = replication_differences(desired, observed);
    let mut differences: BTreeMap<Side, Vec<Difference>> = desired
        .buckets
        .iter()
        .map(|(side, bucket)| {
            let seen = observed.buckets.get(side).cloned().unwrap_or_default();
            (side.clone(), bucket_differences(side, bucket, &seen))
        })
        .collect();
    let mut marks = Vec::new();
    for of_side in differences.values_mut() {
        marks.extend(of_side.extract_if(.., |difference| takes_mark_off(&difference.repair)));
    }
    // Where neither rules nor keys change, there is no moment in which the old ones are needed as well.
    let rules_change = !put_rules.is_empty() || going.directions.iter().any(|d| d.rules);
    let form = if rules_change || differences.values().flatten().any(is_encryption) {
        Form::Wider
    } else {
        Form::Exact
    };
    let mut rules = planner.end_directions(&going.directions);
    planner.roles();
    planner.buckets(differences, grant_differences(desired, observed, form));
    rules.extend(planner.replication(put_rules));
    planner.move_to_kms(&rules);
    planner.narrow(form, &rules);
    for (side, bucket, alias) in &going.aliases {
        if !leads_to_ours(desired, observed, going, bucket, alias) {
            continue;
        }
        planner.graph.push(
            ComponentId::Of(side.clone(), Part::Alias),
            bucket.location.clone(),
            Action::Call(Operation::DeleteAlias {
                alias: alias.clone(),
            }),
            [],
        );
    }
    for given_up in &going.given_up {
        planner.give_up(given_up, &rules);
    }
    let mut graph = planner.graph;
    withdraw_from_keys(&mut graph, &desired.keys_given_up, &rules);
    for (side, bucket, seen) in &going.buckets {
        take_down_bucket(&mut graph, &desired.owner, side, bucket, seen, &rules);
    }
    let mut unused = rules.clone();
    unused.extend(edits_of_policies(&graph));
    for before in &going.directions {
        if let (Some(direction), Some(seen)) = (before.spec.direction(&before.from), &before.role)
            && !is_in_use(desired, &direction)
        {
            take_down_role(&mut graph, &direction, seen, &unused);
        }
    }
    let everything: Vec<StepId> = graph.steps().map(|(id, _)| id).collect();
    for mark in marks {
        let after = everything.iter().copied();
        graph.push(mark.component, mark.at, mark.repair, after);
    }
    graph
}

/// Whether an alias of before leads to a key of ours still: somebody may have given its name to another key.
fn leads_to_ours(
    desired: &Desired,
    observed: &Observed,
    going: &Going,
    bucket: &BucketSpec,
    alias: &String,
) -> bool {
    let name = bucket.name.as_str();
    let mut staying = desired.buckets.iter();
    let stays = staying.find(|(_, wanted)| wanted.name == name);
    let goes = going
        .buckets
        .iter()
        .find(|(_, of, _)| of.name == bucket.name);
    let seen = stays.and_then(|(side, _)| observed.buckets.get(side));
    let seen = seen.or(goes.map(|(_, _, seen)| seen));
    seen.is_some_and(|seen| seen.has_alias(alias))
}

/// Whether a direction's role is still wanted, with what we write into it. The path of a role is no part of its name.
fn is_in_use(desired: &Desired, direction: &Direction<'_>) -> bool {
    desired.directions.values().any(|wanted| {
        wanted.role.location.account == direction.bucket.location.account
            && wanted.role.name.eq_ignore_ascii_case(&direction.role.name)
            && !gives_up_policy(direction, &wanted.role)
    })
}

/// Whether our policy goes and the role stays: it is somebody else's, who writes its policies from now on.
fn gives_up_policy(before: &Direction<'_>, wanted: &DesiredRole) -> bool {
    let theirs = matches!(before.role.ownership, RoleOwnership::Existing { .. });
    theirs && wanted.owned.is_none() && wanted.grants.is_none()
}

fn moves_to_kms(difference: &Difference) -> bool {
    matches!(
        &difference.repair,
        Action::Call(Operation::PutBucketEncryption { encryption, .. }) if encryption.kms_key.is_some()
    )
}

fn is_encryption(difference: &Difference) -> bool {
    matches!(
        difference.repair,
        Action::Call(Operation::PutBucketEncryption { .. })
    )
}

fn is_lock(difference: &Difference) -> bool {
    matches!(
        difference.repair,
        Action::Call(Operation::PutObjectLockConfiguration { .. })
    )
}

struct Planner<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    graph: StepGraph,
    /// The last write of each bucket (rule 1).
    last: BTreeMap<Side, StepId>,
    /// What the rules wait for (rule 4).
    ready: Vec<StepId>,
    /// What waits for the rules (rule 6).
    after_rules: Vec<(Side, Difference)>,
}

impl<'a> Planner<'a> {
    fn new(desired: &'a Desired, observed: &'a Observed) -> Self {
        Self {
            desired,
            observed,
            graph: StepGraph::default(),
            last: BTreeMap::new(),
            ready: Vec::new(),
            after_rules: Vec::new(),
        }
    }

    /// Takes the rules of directions away that end; the steps after which they are gone. It comes first: nothing else
    /// about the bucket that they leave may change while they are live and no longer looked after.
    fn end_directions(&mut self, going: &[GoingDirection]) -> Vec<StepId> {
        let mut gone = Vec::new();
        for before in going.iter().filter(|before| before.rules) {
            let Some(direction) = before.spec.direction(&before.from) else {
                continue;
            };
            let id = take_down_rules(&mut self.graph, &direction, Until::Gone);
            gone.push(id);
            // The bucket may stand under another key now.
            let name = direction.bucket.name.as_str();
            let mut buckets = self.desired.buckets.iter();
            if let Some((side, _)) = buckets.find(|(_, bucket)| bucket.name == name) {
                self.last.insert(side.clone(), id);
            }
        }
        gone
    }

    fn roles(&mut self) {
        let (desired, observed) = (self.desired, self.observed);
        for (side, direction) in &desired.directions {
            let mut last: Option<StepId> = None;
            for difference in role_differences(side, &direction.role, observed.role(side)) {
                let id = self.add(difference, last);
                self.ready.push(id);
                last = Some(id);
            }
        }
    }

    fn buckets(&mut self, differences: BTreeMap<Side, Vec<Difference>>, grants: Vec<Difference>) {
        let mut later = Vec::new();
        for (side, differences) in differences {
            // Policies go in right after versioning: the rules wait for both, not for the other settings.
            let (own, mut keys): (Vec<_>, Vec<_>) = differences
                .into_iter()
                .partition(|d| matches!(d.component, ComponentId::Of(_, Part::Bucket)));
            let (first, rest): (Vec<_>, Vec<_>) = own.into_iter().partition(comes_first);
            for difference in first {
                self.bucket_write(&side, difference);
            }
            for grant in &grants {
                match &grant.component {
                    ComponentId::Of(of, Part::BucketPolicy) if *of == side => {
                        let id = self.bucket_write(&side, grant.clone());
                        self.ready.push(id);
                    }
                    ComponentId::Of(of, Part::Key) if *of == side => keys.push(grant.clone()),
                    _ => {}
                }
            }
            self.key(&side, keys);
            later.extend(
                rest.into_iter()
                    .map(|difference| (side.clone(), difference)),
            );
        }
        let mut role_policies = Vec::new();
        let mut last: BTreeMap<Side, StepId> = BTreeMap::new();
        for grant in grants {
            if let ComponentId::RolePolicy(side) | ComponentId::ManagedPolicy(side, _) =
                &grant.component
            {
                let side = side.clone();
                let role = self.graph.maker_of(&ComponentId::Role(side.clone()));
                // Documents of one role follow one another: a grant may move from one to the next.
                let before = last.get(&side).copied();
                let id = self.add(grant, role.into_iter().chain(before));
                last.insert(side, id);
                role_policies.push(id);
            }
        }
        self.ready.extend(&role_policies);
        // Versions retained at the source go only into destinations that are locked as well.
        let (locks_source, later): (Vec<_>, Vec<_>) = later
            .into_iter()
            .partition(|(side, difference)| *side == Side::Source && is_lock(difference));
        let mut locked = role_policies.clone();
        for (side, difference) in later {
            let seen = self.observed.buckets.get(&side);
            let live = seen.is_some_and(|bucket| bucket.replication.present().is_some());
            if live && moves_to_kms(&difference) {
                self.after_rules.push((side, difference));
                continue;
            }
            // Objects come in under the new key at once, and a live rule has to be able to read them.
            let after = if is_encryption(&difference) {
                role_policies.clone()
            } else {
                Vec::new()
            };
            let locks = is_lock(&difference);
            let id = self.bucket_write_after(&side, difference, after);
            if locks {
                self.ready.push(id);
                locked.push(id);
            }
        }
        for (side, difference) in locks_source {
            self.bucket_write_after(&side, difference, locked.clone());
        }
    }

    /// A write of a bucket: after the one before (rule 1), and after the roles that it names (rule 3).
    fn bucket_write(&mut self, side: &Side, difference: Difference) -> StepId {
        let roles = match &difference.repair {
            Action::EditBucketPolicy { edit, .. } => self.makers_of_roles(&edit.share),
            _ => Vec::new(),
        };
        self.bucket_write_after(side, difference, roles)
    }

    /// The steps that make the roles which a share names.
    fn makers_of_roles(&self, share: &PolicyShare) -> Vec<StepId> {
        let statements = share.statements();
        let directions = self.desired.directions.iter();
        let named = directions.filter(|(_, direction)| {
            let role = [direction.role.arn.as_str()];
            statements
                .iter()
                .any(|statement| statement.names_any(&role))
        });
        named
            .filter_map(|(side, _)| self.graph.maker_of(&ComponentId::Role(side.clone())))
            .collect()
    }

    fn bucket_write_after(
        &mut self,
        side: &Side,
        difference: Difference,
        after: Vec<StepId>,
    ) -> StepId {
        let shown = match &difference.repair {
            Action::Call(
                Operation::EnableBucketVersioning { bucket }
                | Operation::CreateBucket {
                    bucket,
                    object_lock: true,
                    ..
                },
            ) => Some((difference.at.clone(), bucket.clone())),
            _ => None,
        };
        let after = after.into_iter().chain(self.last.get(side).copied());
        let id = self.add(difference, after.collect::<Vec<_>>());
        self.last.insert(side.clone(), id);
        if let Some((at, bucket)) = shown {
            self.await_versioning(side, at, bucket, id);
        }
        id
    }

    fn await_versioning(&mut self, side: &Side, at: Location, bucket: String, enabled: StepId) {
        let id = self.graph.push(
            ComponentId::Of(side.clone(), Part::Bucket),
            at,
            Action::Await {
                query: Query::GetBucketVersioning { bucket },
                until: Condition::Shows("Enabled"),
            },
            [enabled],
        );
        self.ready.push(id);
    }

    fn key(&mut self, side: &Side, differences: Vec<Difference>) {
        let bucket = self
            .graph
            .maker_of(&ComponentId::Of(side.clone(), Part::Bucket));
        let mut last: Vec<StepId> = Vec::new();
        let mut all: Vec<StepId> = Vec::new();
        for difference in differences {
            let mut after = last.clone();
            after.extend(bucket);
            match &difference.repair {
                Action::Call(Operation::CreateKey { .. }) => {
                    let desired = self.desired;
                    let key = desired.buckets.get(side).and_then(|b| b.key.as_ref());
                    after.extend(key.map_or_else(Vec::new, |k| self.makers_of_roles(&k.policy)));
                }
                Action::EditKeyPolicy { edit, .. } => {
                    after.extend(self.makers_of_roles(&edit.share));
                }
                // A disabled key refuses some changes.
                Action::Call(Operation::DisableKey { .. }) => after.extend(&all),
                _ => {}
            }
            let state = matches!(
                difference.repair,
                Action::Call(Operation::CancelKeyDeletion { .. } | Operation::EnableKey { .. })
            );
            let grant = matches!(difference.repair, Action::EditKeyPolicy { .. });
            let id = self.add(difference, after);
            all.push(id);
            if state {
                // A key in another state refuses every other change.
                last = vec![id];
            }
            if state || grant {
                self.ready.push(id);
            }
        }
    }

    /// Writes the rules of every direction; the steps after which they show.
    fn replication(&mut self, differences: Vec<Difference>) -> Vec<StepId> {
        let mut shown = Vec::new();
        for difference in differences {
            let component = difference.component.clone();
            let side = component.side().clone();
            let at = difference.at.clone();
            let wait = match &difference.repair {
                Action::Call(Operation::PutBucketReplication {
                    bucket,
                    configuration,
                }) => Some(Action::Await {
                    query: Query::GetBucketReplication {
                        bucket: bucket.clone(),
                    },
                    until: Condition::ShowsRules(configuration.clone()),
                }),
                // An edit looks itself whether it shows.
                _ => None,
            };
            let mut after = self.ready.clone();
            after.extend(self.last.get(&side));
            let put = self.add(difference, after);
            self.last.insert(side, put);
            shown.push(match wait {
                Some(wait) => self.graph.push(component, at, wait, [put]),
                None => put,
            });
        }
        shown
    }

    fn move_to_kms(&mut self, rules: &[StepId]) {
        for (side, difference) in std::mem::take(&mut self.after_rules) {
            // Without new rules there are still the grants that the live ones need under the new key.
            let mut after = self.ready.clone();
            after.extend(rules);
            after.extend(self.last.get(&side));
            let id = self.add(difference, after);
            self.last.insert(side, id);
        }
    }

    /// Takes away what only the old rules and keys needed (rule 5).
    fn narrow(&mut self, form: Form, rules: &[StepId]) {
        if form == Form::Exact {
            return;
        }
        let mut settled = rules.to_vec();
        settled.extend(self.graph.steps().filter_map(|(id, step)| {
            let encrypts = matches!(
                step.action,
                Action::Call(Operation::PutBucketEncryption { .. })
            );
            encrypts.then_some(id)
        }));
        let mut documents: BTreeMap<Side, StepId> = BTreeMap::new();
        for grant in narrowing(self.desired, self.observed) {
            let mut after = settled.clone();
            if let ComponentId::RolePolicy(side) | ComponentId::ManagedPolicy(side, _) =
                &grant.component
            {
                let side = side.clone();
                after.extend(documents.get(&side));
                let id = self.add(grant, after);
                documents.insert(side, id);
                continue;
            }
            if let ComponentId::Of(side, Part::BucketPolicy) = &grant.component {
                after.extend(self.last.get(side));
                let side = side.clone();
                let id = self.add(grant, after);
                self.last.insert(side, id);
            } else {
                self.add(grant, after);
            }
        }
    }

    /// Writes of a bucket follow one another (rule 1), and the old rules may have needed what goes (rule 5).
    fn give_up(&mut self, given_up: &GivenUp, rules: &[StepId]) {
        let mut after = rules.to_vec();
        let side = given_up.component.side().clone();
        after.extend(self.last.get(&side));
        let id = self.graph.push(
            given_up.component.clone(),
            given_up.at.clone(),
            given_up.action.clone(),
            after,
        );
        self.last.insert(side, id);
    }

    fn add(&mut self, difference: Difference, after: impl IntoIterator<Item = StepId>) -> StepId {
        self.graph.push(
            difference.component,
            difference.at,
            difference.repair,
            after,
        )
    }
}

/// What opens or keeps a bucket usable, before its other settings.
fn comes_first(difference: &Difference) -> bool {
    matches!(
        difference.repair,
        Action::Call(
            Operation::CreateBucket { .. }
                | Operation::PutBucketOwnershipControls { .. }
                | Operation::EnableBucketVersioning { .. }
        )
    ) || opens_to_public_policies(difference)
}

/// S3 refuses a policy that opens a bucket to the public as long as this switch is on.
fn opens_to_public_policies(difference: &Difference) -> bool {
    matches!(
        &difference.repair,
        Action::Call(Operation::PutPublicAccessBlock { block, .. }) if !block.block_public_policy
    )
}
