//! From differences to steps in a safe order.
//!
//! The rules of order, each with its reason:
//! 1. Writes of one bucket follow one another: S3 refuses concurrent changes with `OperationAborted`.
//! 2. A bucket is made before its key, so that a key can be found again through its bucket.
//! 3. A document that names the role is written after the role is there: AWS resolves the principal.
//! 4. Rules are written after every grant that they need, and after versioning shows on both sides.
//! 5. Grants are narrowed, and what goes is taken down, after the rules that used them have changed.
//!
//! Who needs whose output gives the other edges (see [`StepGraph::push`]).

use std::collections::BTreeMap;

use super::component::{ComponentId, Part, Side};
use super::desired::{Desired, DesiredBucket};
use super::diff::{
    Difference, Form, Shows, bucket_differences, grant_differences, replication_difference,
    role_differences,
};
use super::graph::{Action, Condition, StepGraph, StepId};
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
    planner.role();
    let put_rules = replication_difference(desired, observed);
    // Without a change of the rules there is no moment in which old and new ones are live together.
    let form = if put_rules.is_some() {
        Form::Wider
    } else {
        Form::Exact
    };
    planner.grants_and_buckets(form);
    let mut rules = Vec::new();
    if let Some(difference) = put_rules {
        rules = planner.replication(difference);
        planner.narrow(&rules);
    }
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
    if let Some((spec, seen)) = &going.role {
        take_down_role(&mut graph, spec, seen, &rules);
    }
    graph
}

struct Planner<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    graph: StepGraph,
    /// The last write of each bucket (rule 1).
    last: BTreeMap<Side, StepId>,
    /// What the rules wait for (rule 4).
    ready: Vec<StepId>,
}

impl<'a> Planner<'a> {
    fn new(desired: &'a Desired, observed: &'a Observed) -> Self {
        Self {
            desired,
            observed,
            graph: StepGraph::default(),
            last: BTreeMap::new(),
            ready: Vec::new(),
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

    fn grants_and_buckets(&mut self, form: Form) {
        let mut policies: BTreeMap<Side, Difference> = BTreeMap::new();
        let mut role_policy = None;
        for difference in grant_differences(self.desired, self.observed, form) {
            match &difference.component {
                ComponentId::Of(side, _) => {
                    policies.insert(side.clone(), difference);
                }
                _ => role_policy = Some(difference),
            }
        }
        for (side, bucket) in &self.desired.buckets {
            self.bucket(side, bucket, policies.remove(side));
        }
        if let Some(difference) = role_policy {
            let made = self.graph.maker_of(&ComponentId::Role);
            let id = self.add(difference, made);
            self.ready.push(id);
        }
    }

    fn bucket(&mut self, side: &Side, desired: &DesiredBucket, policy: Option<Difference>) {
        let seen = self.observed.buckets.get(side).cloned().unwrap_or_default();
        let (own, key): (Vec<_>, Vec<_>) =
            bucket_differences(self.desired, side, desired, &seen, self.observed)
                .into_iter()
                .partition(|d| matches!(d.component, ComponentId::Of(_, Part::Bucket)));
        // The policy goes in right after versioning: the rules wait for both, not for the rest.
        let (first, rest): (Vec<_>, Vec<_>) = own.into_iter().partition(|d| {
            matches!(
                d.repair,
                Action::Call(
                    Operation::CreateBucket { .. }
                        | Operation::PutBucketOwnershipControls { .. }
                        | Operation::EnableBucketVersioning { .. }
                )
            )
        });
        for difference in first {
            let versioning = matches!(
                difference.repair,
                Action::Call(Operation::EnableBucketVersioning { .. })
            );
            let id = self.bucket_write(side, difference);
            if versioning {
                self.await_versioning(side, desired, id);
            }
        }
        if let Some(difference) = policy {
            let id = self.bucket_write(side, difference);
            self.ready.push(id);
        }
        self.key(side, key);
        for difference in rest {
            self.bucket_write(side, difference);
        }
    }

    /// A write of a bucket: after the one before (rule 1), and after the role where it names it (rule 3).
    fn bucket_write(&mut self, side: &Side, difference: Difference) -> StepId {
        let mut after: Vec<StepId> = self.last.get(side).copied().into_iter().collect();
        if matches!(difference.repair, Action::EditBucketPolicy { .. }) {
            after.extend(self.graph.maker_of(&ComponentId::Role));
        }
        let id = self.add(difference, after);
        self.last.insert(side.clone(), id);
        id
    }

    fn await_versioning(&mut self, side: &Side, desired: &DesiredBucket, enabled: StepId) {
        let id = self.graph.push(
            ComponentId::Of(side.clone(), Part::Bucket),
            desired.location.clone(),
            Action::Await {
                query: Query::GetBucketVersioning {
                    bucket: desired.name.clone(),
                },
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

    /// Takes away what only the old rules needed (rule 5).
    fn narrow(&mut self, rules: &[StepId]) {
        if let Some(grants) = &self.desired.role.grants
            && grants.wider != grants.exact
        {
            let operation = Operation::PutRolePolicy {
                role: self.desired.role.name.clone(),
                policy: super::names::ROLE_POLICY_NAME.to_owned(),
                document: grants.exact.clone(),
            };
            self.graph.push(
                ComponentId::RolePolicy,
                self.desired.role.location.clone(),
                Action::Call(operation),
                rules.to_vec(),
            );
        }
        for (side, bucket) in &self.desired.buckets {
            if bucket.policy.wider == bucket.policy.exact {
                continue;
            }
            let mut after = rules.to_vec();
            after.extend(self.last.get(side));
            let edit = super::graph::PolicyEdit {
                owner: self.desired.owner.clone(),
                statements: bucket.policy.exact.clone(),
                fresh: false,
                rewrite: false,
            };
            let id = self.graph.push(
                ComponentId::Of(side.clone(), Part::BucketPolicy),
                bucket.location.clone(),
                Action::EditBucketPolicy {
                    bucket: bucket.name.clone(),
                    edit,
                },
                after,
            );
            self.last.insert(side.clone(), id);
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

/// Whether a plan has anything to do that a person would see; ownership tags alone are no reason to act.
pub fn worth_acting(differences: &[Difference]) -> bool {
    differences.iter().any(|d| d.shows != Shows::Nowhere)
}
