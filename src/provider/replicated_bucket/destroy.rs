//! Destroy: first whether it can finish, then everything in a safe order.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::abandoned::warn_if_abandoned;
use super::apply::answer;
use super::attributes::timeouts::{Deed, deadline};
use super::model::BucketModel;
use super::plan::deletions::warn_of_keys_that_stay;
use super::plan::going::{callers, directions_left, reachable};
use super::plan::release::given_up;
use super::preflight::policy_room::refuse_unreadable;
use super::private::Private;
use super::read::stored_spec;
use super::retired_keys::with_remembered;
use super::{ReplicatedBucket, decode, moved, report};
use crate::execution::observe::{Purpose, known_to_state, observe};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::provider::{ApplyRequest, ApplyResponse};
use crate::framework::value::Value;
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::settings::Session;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::graph::StepGraph;
use crate::replication::names::OWNER_TAG;
use crate::replication::observed::Observed;
use crate::replication::obstacle::{Why, obstacles};
use crate::replication::ownership::taken_away;
use crate::replication::plan::GoingDirection;
use crate::replication::spec::Spec;
use crate::replication::teardown::{edits_of_policies, plan_destroy, take_down_role};

impl ReplicatedBucket {
    /// Takes everything down that is ours, or nothing.
    pub(crate) async fn apply_delete(&self, request: ApplyRequest) -> ApplyResponse {
        let mut response = answer(&request, request.prior_state.clone());
        let diagnostics = &mut response.diagnostics;
        let Some(Attr::Known(state)) = decode::<BucketModel>(&request.prior_state, diagnostics)
        else {
            return response;
        };
        let Some(session) = self.shared.session_or_tell(diagnostics) else {
            return response;
        };
        let deadline = deadline(Deed::Delete, &state);
        let session = session.until(&deadline);
        let Some(private) = Private::read(&request.planned_private, diagnostics) else {
            return response;
        };
        if private.moved {
            moved::refuse_unseen(diagnostics);
            return response;
        }
        let state = with_remembered(&state, &private);
        let Some(spec) = stored_spec(&state, &session, diagnostics) else {
            return response;
        };
        if self.shared.is_made(&spec.owner()) {
            tell_of_successor(&spec, diagnostics);
            response.new_state = Value::Null;
            return response;
        }
        let spec = private.recall(spec);
        let spec = destroyable(&session, &private, spec).await;
        let cloud = &*session.cloud;
        let (observed, given_up, left, callers) = futures::join!(
            observe(cloud, &spec, Purpose::Destroy, &known_to_state),
            given_up(&session, &spec, &state),
            directions_left(&session, &private, &spec),
            callers(&session, spec.buckets()),
        );
        let (observed, given_up, left) = match (observed, given_up, left) {
            (Ok(observed), Ok(given_up), Ok(left)) => (observed, given_up, left),
            (observed, given_up, left) => {
                let left = left.err().map(|error| vec![error]);
                let errors = [observed.err(), given_up.err(), left];
                for errors in errors.into_iter().flatten() {
                    report::read_errors(&errors, diagnostics);
                }
                return response;
            }
        };
        if refuse(&spec, &observed, &callers, &private, diagnostics) {
            return response;
        }
        let mut graph = plan_destroy(&spec, &observed, &given_up);
        if refuse_unreadable(&graph, &observed, diagnostics) {
            return response;
        }
        for (side, _) in spec.buckets() {
            warn_if_abandoned(&state, &side, &session.settings, diagnostics);
        }
        tell_what_stays(&spec, &observed, diagnostics);
        take_down_roles(&mut graph, &left);
        tracing::debug!(
            steps = graph.len(),
            depth = graph.depth(),
            "destroy\n{graph}"
        );
        let outcome = deadline
            .run(&*session.cloud, &session.locks, &request.stop, &graph)
            .await;
        if outcome.is_success() {
            response.new_state = Value::Null;
            self.shared.forget_remainder(&spec.owner());
        } else {
            let told = "What is gone stays gone; destroy again to go on.";
            report::run_errors(&graph, &outcome, told, diagnostics);
        }
        response
    }
}

/// The new half of a replacement that came first has taken over what is there, as a create takes over what an
/// interrupted one made not long ago. Deleted, it would be missing there.
fn tell_of_successor(spec: &Spec, diagnostics: &mut Diagnostics) {
    let (bucket, owner) = (&spec.source.name, spec.owner());
    diagnostics.warning(
        format!("Nothing of source {bucket} is deleted"),
        format!("A resource with this source was made in this very run, before this one was to be destroyed, and took over what this one had. So this one leaves the state without a call, and what the other one has no use for stays: it has the tag {OWNER_TAG} = {owner}. With create_before_destroy there cannot be two of a name: take it out of the `lifecycle` block, or write `bucket_prefix` in the place of `bucket`."),
    );
}

/// Takes down roles that failed updates left, once the rules of their buckets are gone.
fn take_down_roles(graph: &mut StepGraph, left: &[GoingDirection]) {
    for left in left {
        let rules = ComponentId::Of(left.from.clone(), Part::Replication);
        let steps = graph.steps().filter(|(_, step)| step.component == rules);
        let mut quiet: Vec<_> = steps.map(|(id, _)| id).collect();
        quiet.extend(edits_of_policies(graph));
        if let (Some(direction), Some(role)) = (left.spec.direction(&left.from), &left.role) {
            take_down_role(graph, &direction, role, &quiet);
        }
    }
}

/// The spec with ways in that work, and without leave to empty anything where that was never given for this.
async fn destroyable(session: &Session, private: &Private, spec: Spec) -> Spec {
    let mut spec = reachable(session, private, spec).await;
    if private.remainder || private.replacing {
        spec.never_empty();
    }
    spec
}

fn refuse(
    spec: &Spec,
    observed: &Observed,
    callers: &BTreeMap<Side, String>,
    private: &Private,
    diagnostics: &mut Diagnostics,
) -> bool {
    let sides: Vec<(Side, _)> = spec.buckets().collect();
    let taken = taken_away(spec, spec, observed).into_iter();
    let roles: Vec<_> = taken
        .filter(|(component, _)| matches!(component, ComponentId::Role(_)))
        .collect();
    report::taken_away(spec, &roles, diagnostics);
    let found = obstacles(
        &spec.owner(),
        sides
            .iter()
            .filter_map(|(side, bucket)| Some((side, *bucket, observed.buckets.get(side)?))),
        callers,
        OffsetDateTime::now_utc(),
    );
    for obstacle in &found {
        let way_out = if let Why::AnotherOwner(_) | Why::Denied { .. } = obstacle.why {
            obstacle.why.way_out()
        } else if private.replacing {
            "A replacement never empties a bucket."
        } else if private.remainder {
            "It is what a failed create left, and a destroy of that never empties a bucket. Empty it by hand, and destroy again."
        } else {
            obstacle.why.way_out()
        };
        diagnostics.error_at(
            side_path(&obstacle.side),
            obstacle.summary(),
            format!("The destroy cannot finish, so it did not begin: {obstacle}. {way_out} Nothing was changed."),
        );
    }
    !found.is_empty() || !roles.is_empty()
}

fn tell_what_stays(spec: &Spec, observed: &Observed, diagnostics: &mut Diagnostics) {
    let owner = spec.owner();
    for (side, bucket) in spec.buckets() {
        if let Some(seen) = observed.buckets.get(&side) {
            warn_of_keys_that_stay(&owner, &side, bucket, seen, diagnostics);
        }
    }
}
