//! From differences to steps in a safe order.
//!
//! The rules of order, each with its reason:
//! 1. Writes of one bucket follow one another: S3 refuses concurrent changes with `OperationAborted`.
//! 2. A bucket is made before its key, so that a key can be found again through its bucket.
//! 3. A document that names the role is written after the role is there: AWS resolves the principal.
//! 4. Rules are written after every grant that they need, and after versioning shows on both sides.
//! 5. Grants are narrowed, and what goes is taken down, after the rules that used them have changed.
//! 6. A source under live rules moves to KMS after the rules that replicate KMS objects are in force.
//!
//! Who needs whose output gives the other edges (see [`StepGraph::push`]).

use std::collections::BTreeMap;

use super::component::{ComponentId, Part, Side};
use super::desired::Desired;
use super::diff::{
    Difference, Form, Shows, bucket_differences, grant_differences, narrowing,
    replication_difference, role_differences,
};
use super::graph::{Action, Condition, StepGraph, StepId};
use super::ids::Location;
use super::observed::{Observed, ObservedBucket, ObservedRole};
use super::operation::{Operation, Query};
use super::spec::{BucketSpec, Spec};
use super::teardown::{take_down_bucket, take_down_role};

/// What an update leaves behind: it is wired off and taken down once no rule uses it.
#[derive(Debug, Clone, Default)]
pub struct Going {
    /// Destinations that are no longer wanted, with what was seen of them.
    pub buckets: Vec<(Side, BucketSpec, ObservedBucket)>,
    /// The role that was used before, where it was ours and another one takes its place.
    pub role: Option<(Spec, ObservedRole)>,
    /// Aliases of ours that are no longer wanted.
    pub aliases: Vec<(Side, BucketSpec, String)>,
}

/// The steps that bring AWS from what was seen to what is wanted.
pub fn plan(desired: &Desired, observed: &Observed, going: &Going) -> StepGraph {
    let mut planner = Planner::new(desired, observed);
    let put_rules = replication_difference(desired, observed);
    let differences: BTreeMap<Side, Vec<Difference>> = desired
        .buckets
        .iter()
        .map(|(side, bucket)| {
            let seen = observed.buckets.get(side).cloned().unwrap_or_default();
            (side.clone(), bucket_differences(side, bucket, &seen))
        })
        .collect();
    // Where neither rules nor keys change, there is no moment in which the old ones are needed as well.
    let form = if put_rules.is_some() || differences.values().flatten().any(is_encryption) {
        Form::Wider
    } else {
        Form::Exact
    };
    planner.role();
    planner.buckets(differences, grant_differences(desired, observed, form));
    let rules = put_rules.map_or_else(Vec::new, |difference| planner.replication(difference));
    planner.move_source_to_kms(&rules);
    planner.narrow(form, &rules);
    for (side, bucket, alias) in &going.aliases {
        planner.graph.push(
            ComponentId::Of(side.clone(), Part::Alias),
            bucket.location.clone(),
            Action::Call(Operation::DeleteAlias {
                alias: alias.clone(),
            }),
            [],
        );
    }
    let mut graph = planner.graph;
    for (side, bucket, seen) in &going.buckets {
        take_down_bucket(&mut graph, &desired.owner, side, bucket, seen, &rules);
    }
    if let Some((spec, seen)) = &going.role
        // The path of a role is no part of its name: this one is still in use.
        && !spec.role.name.eq_ignore_ascii_case(&desired.role.name)
    {
        take_down_role(&mut graph, spec, seen, &rules);
    }
    graph
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

struct Planner<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    graph: StepGraph,
    /// The last write of each bucket (rule 1).
    last: BTreeMap<Side, StepId>,
    /// What the rules wait for (rule 4).
    ready: Vec<StepId>,
    /// What waits for the rules (rule 6).
    after_rules: Vec<Difference>,
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

    fn role(&mut self) {
        let mut last: Option<StepId> = None;
        for difference in role_differences(&self.desired.role, &self.observed.role) {
            let id = self.add(difference, last);
            self.ready.push(id);
            last = Some(id);
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
        let role_policy = grants
            .into_iter()
            .find(|d| d.component == ComponentId::RolePolicy)
            .map(|difference| {
                let made = self.graph.maker_of(&ComponentId::Role);
                self.add(difference, made)
            });
        self.ready.extend(role_policy);
        let live = self.observed.buckets.get(&Side::Source);
        let live = live.is_some_and(|source| source.replication.present().is_some());
        for (side, difference) in later {
            if live && side == Side::Source && moves_to_kms(&difference) {
                self.after_rules.push(difference);
                continue;
            }
            // Objects come in under the new key at once, and a live rule has to be able to read them.
            let after = role_policy.filter(|_| is_encryption(&difference));
            self.bucket_write_after(&side, difference, after);
        }
    }

    /// A write of a bucket: after the one before (rule 1), and after the role where it names it (rule 3).
    fn bucket_write(&mut self, side: &Side, difference: Difference) -> StepId {
        let names_role = matches!(difference.repair, Action::EditBucketPolicy { .. });
        let role = self.graph.maker_of(&ComponentId::Role);
        self.bucket_write_after(side, difference, role.filter(|_| names_role))
    }

    fn bucket_write_after(
        &mut self,
        side: &Side,
        difference: Difference,
        after: Option<StepId>,
    ) -> StepId {
        let shown = match &difference.repair {
            Action::Call(Operation::EnableBucketVersioning { bucket }) => {
                Some((difference.at.clone(), bucket.clone()))
            }
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
                until: Condition::Shows(Some("Enabled")),
            },
            [enabled],
        );
        self.ready.push(id);
    }

    fn key(&mut self, side: &Side, differences: Vec<Difference>) {
        let bucket = self
            .graph
            .maker_of(&ComponentId::Of(side.clone(), Part::Bucket));
        let role = self.graph.maker_of(&ComponentId::Role);
        let mut last: Vec<StepId> = Vec::new();
        for difference in differences {
            let mut after = last.clone();
            after.extend(bucket);
            if matches!(
                difference.repair,
                Action::Call(Operation::CreateKey { .. }) | Action::EditKeyPolicy { .. }
            ) {
                after.extend(role);
            }
            let state = matches!(
                difference.repair,
                Action::Call(Operation::CancelKeyDeletion { .. } | Operation::EnableKey { .. })
            );
            let grant = matches!(difference.repair, Action::EditKeyPolicy { .. });
            let id = self.add(difference, after);
            if state {
                // A key in another state refuses every other change.
                last = vec![id];
            }
            if state || grant {
                self.ready.push(id);
            }
        }
    }

    fn replication(&mut self, difference: Difference) -> Vec<StepId> {
        let mut after = self.ready.clone();
        after.extend(self.last.get(&Side::Source));
        let component = difference.component.clone();
        let at = difference.at.clone();
        let bucket = match &difference.repair {
            Action::Call(operation) => operation.subject(),
            _ => return Vec::new(),
        };
        let put = self.add(difference, after);
        let shown = self.graph.push(
            component,
            at,
            Action::Await {
                query: Query::GetBucketReplication { bucket },
                until: Condition::Shows(None),
            },
            [put],
        );
        self.last.insert(Side::Source, put);
        vec![shown]
    }

    fn move_source_to_kms(&mut self, rules: &[StepId]) {
        for difference in std::mem::take(&mut self.after_rules) {
            // Without new rules there are still the grants that the live ones need under the new key.
            let mut after = self.ready.clone();
            after.extend(rules);
            after.extend(self.last.get(&Side::Source));
            let id = self.add(difference, after);
            self.last.insert(Side::Source, id);
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
        for grant in narrowing(self.desired, self.observed) {
            let mut after = settled.clone();
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

/// Whether a plan has anything to do that a person would see; ownership tags alone are no reason to act.
pub fn worth_acting(differences: &[Difference]) -> bool {
    differences.iter().any(|d| d.shows != Shows::Nowhere)
}
