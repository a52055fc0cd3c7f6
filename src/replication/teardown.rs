//! Taking things down: the steps of a destroy, and of a destination that goes.
//!
//! Order, and why: rules first, so that no replica arrives in a bucket that is being emptied; then buckets;
//! a key only after its bucket is confirmed gone, because every object under a key that is scheduled for
//! deletion is unreadable at once.

use std::collections::BTreeMap;

use super::component::{ComponentId, Part, Side};
use super::direction::Direction;
use super::existing_keys::{ManagedKey, keys_with_statements};
use super::graph::{Action, Condition, PolicyEdit, StepGraph, StepId};
use super::ids::Location;
use super::leftovers::ReplacedEncryption;
use super::names::retained_tags;
use super::observed::{
    ManagedPolicies, Observed, ObservedBucket, ObservedKey, ObservedRole, Presence,
};
use super::operation::{BucketEncryption, Input, ManagedPolicyOperation, Operation, Query, Tags};
use super::policy::{self, PolicyDocument, PolicyShare, Statement};
use super::rules::rules_share;
use super::spec::{BucketSpec, RoleOwnership, Spec};
use super::tag_change::TagChange;

/// Something of ours that a bucket loses because it is somebody else's from now on, or more so than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// What of it.
    pub component: ComponentId,
    /// Where it is.
    pub at: Location,
    /// The write that takes it away.
    pub action: Action,
}

/// The steps of a destroy. `given_up` is what buckets that belong to somebody else should have lost before.
pub fn plan_destroy(spec: &Spec, observed: &Observed, given_up: &[GivenUp]) -> StepGraph {
    let mut graph = StepGraph::default();
    let owner = spec.owner();
    let nothing = ObservedBucket::default();
    // Where every bucket goes, and only if it is empty, a replica that arrives late keeps its bucket, and nobody misses
    // one that does not arrive.
    let mut buckets = spec.buckets();
    let until = match buckets.any(|(_, bucket)| bucket.may_be_emptied() || bucket.stays()) {
        true => Until::Gone,
        false => Until::Deleted,
    };
    let quiet: Vec<StepId> = spec
        .directions()
        .filter(|direction| {
            let seen = observed.buckets.get(&direction.from);
            seen.is_some_and(|bucket| bucket.may_have_rules())
        })
        .map(|direction| take_down_rules(&mut graph, &direction, until))
        .collect();
    for (side, bucket) in spec.buckets() {
        let seen = observed.buckets.get(&side).unwrap_or(&nothing);
        delete_left_aliases(&mut graph, &side, bucket, seen);
        take_down_bucket(&mut graph, &owner, &side, bucket, seen, &quiet);
    }
    for given_up in given_up {
        let side = given_up.component.side();
        let steps = graph.steps();
        // Writes of one bucket follow one another.
        let of_side: Vec<StepId> = steps
            .filter(|(_, step)| step.component.side() == side)
            .map(|(id, _)| id)
            .collect();
        let (component, at) = (given_up.component.clone(), given_up.at.clone());
        graph.push(component, at, given_up.action.clone(), of_side);
    }
    withdraw_from_keys(&mut graph, &keys_with_statements(spec), &quiet);
    let mut unused = quiet.clone();
    unused.extend(edits_of_policies(&graph));
    for direction in spec.directions() {
        if let Some(seen) = observed.role(&direction.from).present() {
            take_down_role(&mut graph, &direction, seen, &unused);
        } else {
            let policies = observed.managed_policies(&direction.from);
            take_down_policies(&mut graph, &direction, policies, &quiet);
        }
    }
    graph
}

/// Deletes aliases that an update should have deleted, and that still lead to a key of ours.
fn delete_left_aliases(
    graph: &mut StepGraph,
    side: &Side,
    bucket: &BucketSpec,
    seen: &ObservedBucket,
) {
    let in_use = bucket.owned_key().map(|key| &key.alias);
    for alias in &bucket.leftovers.aliases {
        if in_use != Some(alias) && seen.has_alias(alias) {
            graph.push(
                ComponentId::Of(side.clone(), Part::Alias),
                bucket.location.clone(),
                Action::Call(Operation::DeleteAlias {
                    alias: alias.clone(),
                }),
                [],
            );
        }
    }
}

/// Takes our statements out of the policies of others' keys. Whether any are there shows when the step is run.
pub fn withdraw_from_keys(
    graph: &mut StepGraph,
    keys: &BTreeMap<String, ManagedKey>,
    after: &[StepId],
) {
    for (arn, key) in keys {
        graph.push(
            ComponentId::Of(key.side.clone(), Part::Key),
            key.location.clone(),
            Action::EditKeyPolicy {
                key: Input::Known(arn.clone()),
                edit: withdrawal(&key.policy.owner, &[]),
            },
            after.to_vec(),
        );
    }
}

/// How long what follows on rules waits for their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Until AWS has taken the call.
    Deleted,
    /// Until they do not show any more.
    Gone,
}

/// Takes a direction's rules away; the step after which the rest may follow.
pub(super) fn take_down_rules(
    graph: &mut StepGraph,
    direction: &Direction<'_>,
    until: Until,
) -> StepId {
    let component = ComponentId::Of(direction.from.clone(), Part::Replication);
    let at = &direction.bucket.location;
    let bucket = direction.bucket.name.to_string();
    if direction.bucket.existing().is_some() {
        // The edit itself looks whether they are gone; those of others are not waited for.
        let share = rules_share(direction, None).withdrawn();
        let action = Action::EditBucketReplication { bucket, share };
        return graph.push(component, at.clone(), action, []);
    }
    let deleted = graph.push(
        component.clone(),
        at.clone(),
        Action::Call(Operation::DeleteBucketReplication {
            bucket: bucket.clone(),
        }),
        [],
    );
    if until == Until::Deleted {
        return deleted;
    }
    graph.push(
        component,
        at.clone(),
        Action::Await {
            query: Query::GetBucketReplication { bucket },
            until: Condition::Gone,
        },
        [deleted],
    )
}

/// Takes down one bucket with its keys, or, where it stays, our part in it.
pub fn take_down_bucket(
    graph: &mut StepGraph,
    owner: &str,
    side: &Side,
    bucket: &BucketSpec,
    seen: &ObservedBucket,
    after: &[StepId],
) {
    if bucket.stays() {
        withdraw(graph, owner, side, bucket, seen, after);
        return;
    }
    let of = |part| ComponentId::Of(side.clone(), part);
    let at = || bucket.location.clone();
    let name = bucket.name.to_string();
    let mut gone = after.to_vec();
    if seen.region.present().is_some() {
        let action = if bucket.may_be_emptied() {
            let settings = bucket.settings();
            Action::EmptyAndDeleteBucket {
                bucket: name.clone(),
                bypass_governance_retention: settings
                    .is_some_and(|s| s.bypass_governance_on_destroy),
            }
        } else {
            Action::DeleteBucket {
                bucket: name.clone(),
                owner: owner.to_owned(),
            }
        };
        let deleted = graph.push(of(Part::Bucket), at(), action, after.to_vec());
        gone = vec![graph.push(
            of(Part::Bucket),
            at(),
            Action::Await {
                query: Query::HeadBucket { bucket: name },
                until: Condition::Gone,
            },
            [deleted],
        )];
    }
    // The alias of a key that is about to be deleted would keep its name from others until then.
    let pending = seen.key.present();
    if let Some(key) = pending.filter(|key| key.description.is_pending_deletion()) {
        take_down_alias(graph, side, bucket, key, &gone);
    }
    for (key, end) in ends_of_keys(owner, bucket, seen) {
        match end {
            KeyEnd::Deleted => take_down_key(graph, side, bucket, key, &gone),
            KeyEnd::UsedByOthers | KeyEnd::StaysWithBucket => {
                withdraw_from_key(graph, owner, side, bucket, key, &gone);
            }
        }
    }
}

/// What becomes of a key when its bucket leaves the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEnd {
    /// It is scheduled for deletion.
    Deleted,
    /// The bucket stays, and its objects need the key.
    StaysWithBucket,
    /// The bucket goes, and somebody else uses the key; it loses only our statements.
    UsedByOthers,
}

/// What becomes of a bucket's keys, retired ones first. One that is about to be deleted already is left out.
pub fn ends_of_keys<'a>(
    owner: &str,
    bucket: &BucketSpec,
    seen: &'a ObservedBucket,
) -> Vec<(&'a ObservedKey, KeyEnd)> {
    let in_use = seen.key.present().filter(|_| bucket.owned_key().is_some());
    let end = |key: &ObservedKey| {
        if bucket.stays() {
            KeyEnd::StaysWithBucket
        } else if has_foreign_statements(owner, bucket, key) {
            KeyEnd::UsedByOthers
        } else {
            KeyEnd::Deleted
        }
    };
    let keys = retired_keys(seen).into_iter().chain(in_use);
    keys.filter(|key| !key.description.is_pending_deletion())
        .map(|key| (key, end(key)))
        .collect()
}

/// Schedules a key's deletion, after its alias is free for others.
fn take_down_key(
    graph: &mut StepGraph,
    side: &Side,
    bucket: &BucketSpec,
    key: &ObservedKey,
    gone: &[StepId],
) {
    let mut after = gone.to_vec();
    after.extend(take_down_alias(graph, side, bucket, key, gone));
    let window_days = bucket.owned_key().map_or(30, |k| k.deletion_window_in_days);
    graph.push(
        ComponentId::Of(side.clone(), Part::Key),
        bucket.location.clone(),
        Action::Call(Operation::ScheduleKeyDeletion {
            key: Input::Known(key.description.arn.clone()),
            window_days,
        }),
        after,
    );
}

/// Deletes the alias of a bucket where it leads to this key.
fn take_down_alias(
    graph: &mut StepGraph,
    side: &Side,
    bucket: &BucketSpec,
    key: &ObservedKey,
    gone: &[StepId],
) -> Option<StepId> {
    let alias = bucket.owned_key().map(|wanted| wanted.alias.clone())?;
    key.aliases.present()?.contains(&alias).then(|| {
        graph.push(
            ComponentId::Of(side.clone(), Part::Alias),
            bucket.location.clone(),
            Action::Call(Operation::DeleteAlias { alias }),
            gone.to_vec(),
        )
    })
}

/// Takes down the role, where it is ours, or our policy in somebody else's.
pub fn take_down_role(
    graph: &mut StepGraph,
    direction: &Direction<'_>,
    seen: &ObservedRole,
    after: &[StepId],
) {
    let at = || direction.bucket.location.clone();
    let role = direction.role.name.clone();
    let owned = matches!(direction.role.ownership, RoleOwnership::Owned { .. });
    let ours = direction.role_policy_name();
    let nothing = Vec::new();
    let inline = seen.inline_policies.present().unwrap_or(&nothing);
    let mut emptied = after.to_vec();
    for policy in inline {
        if owned || *policy == ours {
            emptied.push(graph.push(
                ComponentId::RolePolicy(direction.from.clone()),
                at(),
                Action::Call(Operation::DeleteRolePolicy {
                    role: role.clone(),
                    policy: policy.clone(),
                }),
                after.to_vec(),
            ));
        }
    }
    if !owned {
        return;
    }
    let mut detached = after.to_vec();
    for policy_arn in seen.attached_policies.present().unwrap_or(&nothing) {
        detached.push(graph.push(
            ComponentId::RolePolicy(direction.from.clone()),
            at(),
            Action::Call(Operation::DetachRolePolicy {
                role: role.clone(),
                policy_arn: policy_arn.clone(),
            }),
            after.to_vec(),
        ));
    }
    take_down_policies(graph, direction, &seen.managed_policies, &detached);
    emptied.extend(detached);
    graph.push(
        ComponentId::Role(direction.from.clone()),
        at(),
        Action::Call(Operation::DeleteRole { role }),
        emptied,
    );
}

/// Deletes managed policies of ours, which are attached nowhere any more.
fn take_down_policies(
    graph: &mut StepGraph,
    direction: &Direction<'_>,
    policies: &ManagedPolicies,
    after: &[StepId],
) {
    let at = &direction.bucket.location;
    for (number, policy) in policies {
        let policy_arn = direction.managed_policy_arn(*number);
        let component = ComponentId::ManagedPolicy(direction.from.clone(), *number);
        let versions =
            policy
                .older_versions
                .iter()
                .map(|version| ManagedPolicyOperation::DeleteVersion {
                    policy_arn: policy_arn.clone(),
                    version: version.clone(),
                });
        let delete = ManagedPolicyOperation::Delete {
            policy_arn: policy_arn.clone(),
        };
        let mut before = after.to_vec();
        for operation in versions.chain([delete]) {
            let action = Action::Call(Operation::ManagedPolicy(operation));
            before = vec![graph.push(component.clone(), at.clone(), action, before)];
        }
    }
}

/// Whether a key's policy holds statements that are neither the account's own nor this owner's: then somebody
/// else still uses the key, and it stays.
fn has_foreign_statements(owner: &str, bucket: &BucketSpec, key: &ObservedKey) -> bool {
    let Some(text) = key.policy.present() else {
        // What was not looked at may hold anything.
        return true;
    };
    match PolicyDocument::parse(text) {
        Ok(document) => {
            let at = &bucket.location;
            let share = PolicyShare {
                written: bucket
                    .owned_key()
                    .map_or_else(Vec::new, |k| k.policy.clone()),
                withdrawn: bucket.leftovers.key_statements.clone(),
                base: policy::key_policy(&at.account, &at.partition, []).statements,
                ..PolicyShare::nothing_of(owner)
            };
            !share.foreign(&document).is_empty()
        }
        // A document that cannot be read may hold anything.
        Err(_) => true,
    }
}

/// Removes our statements from a bucket, and its keys, that stay.
fn withdraw(
    graph: &mut StepGraph,
    owner: &str,
    side: &Side,
    bucket: &BucketSpec,
    seen: &ObservedBucket,
    after: &[StepId],
) {
    if !bucket.is_reachable() {
        return;
    }
    let mut after_policy = after.to_vec();
    let left = &bucket.leftovers.statements;
    let text = seen.policy.present();
    // A document that cannot be read may hold ours.
    let is_unreadable = text.is_some_and(|text| PolicyDocument::parse(text).is_err());
    let is_to_go = !left.is_empty() || is_unreadable || has_ours(owner, text);
    if bucket.policy_is_managed() && is_to_go {
        after_policy.push(graph.push(
            ComponentId::Of(side.clone(), Part::BucketPolicy),
            bucket.location.clone(),
            Action::EditBucketPolicy {
                bucket: bucket.name.to_string(),
                edit: withdrawal(owner, left),
            },
            after.to_vec(),
        ));
    }
    if let Some(encryption) = encryption_to_put_back(side, bucket, seen) {
        let operation = Operation::PutBucketEncryption {
            bucket: bucket.name.to_string(),
            encryption,
        };
        after_policy = vec![graph.push(
            ComponentId::Of(side.clone(), Part::Bucket),
            bucket.location.clone(),
            Action::Call(operation),
            after_policy,
        )];
    }
    let marked = |tags: &Tags| {
        let whole = tags.clone().into_iter().chain(retained_tags()).collect();
        TagChange::between(tags, whole)
    };
    if let Some(change) = seen.tags.present().and_then(marked) {
        graph.push(
            ComponentId::Of(side.clone(), Part::Bucket),
            bucket.location.clone(),
            Action::EditBucketTags {
                bucket: bucket.name.to_string(),
                change,
            },
            after_policy,
        );
    }
    for (key, _) in ends_of_keys(owner, bucket, seen) {
        withdraw_from_key(graph, owner, side, bucket, key, after);
        let operation = Operation::TagKey {
            key: Input::Known(key.description.arn.clone()),
            tags: retained_tags(),
        };
        graph.push(
            ComponentId::Of(side.clone(), Part::Key),
            bucket.location.clone(),
            Action::Call(operation),
            after.to_vec(),
        );
    }
}

/// The default encryption that an existing bucket had before we wrote ours, where ours is still there.
fn encryption_to_put_back(
    side: &Side,
    bucket: &BucketSpec,
    seen: &ObservedBucket,
) -> Option<BucketEncryption> {
    ReplacedEncryption::of(side, bucket)?.to_put_back(seen.encryption.present()?)
}

fn withdraw_from_key(
    graph: &mut StepGraph,
    owner: &str,
    side: &Side,
    bucket: &BucketSpec,
    key: &ObservedKey,
    after: &[StepId],
) {
    let left = &bucket.leftovers.key_statements;
    if !left.is_empty() || has_ours(owner, key.policy.present()) {
        graph.push(
            ComponentId::Of(side.clone(), Part::Key),
            bucket.location.clone(),
            Action::EditKeyPolicy {
                key: Input::Known(key.description.arn.clone()),
                edit: withdrawal(owner, left),
            },
            after.to_vec(),
        );
    }
}

/// The edit that takes this owner's statements out, and those of the user's that were to go before.
fn withdrawal(owner: &str, left: &[Statement]) -> PolicyEdit {
    PolicyEdit {
        share: PolicyShare {
            withdrawn: left.to_vec(),
            ..PolicyShare::nothing_of(owner)
        },
        fresh: false,
        rewrite: false,
    }
}

fn has_ours(owner: &str, text: Option<&String>) -> bool {
    text.and_then(|t| PolicyDocument::parse(t).ok())
        .is_some_and(|d| !policy::ours(&d, |sid| policy::is_ours(sid, owner)).is_empty())
}

/// The steps that take statements out of policies, or put them in. A role goes after them: a document that still names
/// one that is gone takes no change of anybody's.
pub fn edits_of_policies(graph: &StepGraph) -> Vec<StepId> {
    let is_edit = |action: &Action| {
        matches!(
            action,
            Action::EditBucketPolicy { .. } | Action::EditKeyPolicy { .. }
        )
    };
    let edits = graph.steps().filter(|(_, step)| is_edit(&step.action));
    edits.map(|(id, _)| id).collect()
}

fn retired_keys(seen: &ObservedBucket) -> Vec<&ObservedKey> {
    seen.retired_keys
        .values()
        .filter_map(Presence::present)
        .collect()
}
