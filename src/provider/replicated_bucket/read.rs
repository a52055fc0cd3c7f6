//! Refresh: what is at AWS, attribute by attribute, and what differs without having one.

use std::collections::BTreeMap;

use super::abandoned::without_abandoned;
use super::attributes::existing;
use super::attributes::tags_all::{fill_tags_all, of_resource};
use super::attributes::timeouts::{Deed, deadline};
use super::model::BucketModel;
use super::plan::going::{directions_left, entered};
use super::preflight::{existing_keys, lost_grants, others, permissions, role_grants};
use super::private::{Private, StoredWay};
use super::retired_keys::{with_remembered, without_gone};
use super::values::computed::fill;
use super::values::expand::{Incomplete, expand};
use super::values::flatten::flatten;
use super::{ReplicatedBucket, decode, encode, moved, report, theirs};
use crate::execution::cloud::CallError;
use crate::execution::observe::{Purpose, known_to_state, observe};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, TextMap, known_entries};
use crate::framework::provider::{ReadRequest, ReadResponse};
use crate::framework::value::Value;
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::replicated_bucket::values::components::{
    told_at_components, with_drift, without_drift,
};
use crate::provider::settings::{NoSession, Session};
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::desired::desire;
use crate::replication::diff::{diff, replication_drift};
use crate::replication::observed::{Observed, ObservedBucket, Presence};
use crate::replication::ownership::taken_away;
use crate::replication::ownership::{Trust, judge};
use crate::replication::spec::{BucketSpec, KeySpec, RoleOwnership, Spec};
use crate::replication::unfinished;

impl ReplicatedBucket {
    /// Looks at everything; null when the source and every destination are gone.
    pub(crate) async fn refresh(&self, request: ReadRequest) -> ReadResponse {
        let mut response = ReadResponse {
            new_state: request.current_state.clone(),
            private: request.private.clone(),
            identity: request.identity,
            diagnostics: Diagnostics::new(),
            deferred: self.shared.deferral(&request.client),
        };
        let Some(Attr::Known(mut state)) =
            decode::<BucketModel>(&request.current_state, &mut response.diagnostics)
        else {
            return response;
        };
        let session = match self.shared.session() {
            Ok(session) => session,
            // Without a configuration nothing can be looked at; what is in state stands.
            Err(NoSession::Unknown) => return response,
            Err(why @ NoSession::Unconfigured) => {
                why.tell(&mut response.diagnostics);
                return response;
            }
        };
        let session = session.until(&deadline(Deed::Read, &state));
        let Some(mut private) = Private::read(&request.private, &mut response.diagnostics) else {
            return response;
        };
        if private.moved {
            match moved::imported(&session, &state, &mut response.diagnostics).await {
                Some(found) => (state, private) = found,
                None => return response,
            }
        }
        // What is stored of a replacement that failed was meant for its destroy alone.
        private.replacing = false;
        if private.remainder
            && let Ok(spec) = expand(&state, &session.settings)
        {
            self.shared.remember_remainder(spec.owner());
        }
        match refreshed(&session, &state, &mut private, &mut response.diagnostics).await {
            Some(Some(model)) => {
                if let Ok(spec) = expand(&model, &session.settings) {
                    self.shared.remember_in_state(spec.owner());
                }
                response.new_state = encode(&model);
            }
            Some(None) => response.new_state = Value::Null,
            None => {}
        }
        response.private = private.write();
        response
    }
}

/// The state as it is now; `Some(None)` when everything is gone, `None` after errors.
async fn refreshed(
    session: &Session,
    state: &BucketModel,
    private: &mut Private,
    diagnostics: &mut Diagnostics,
) -> Option<Option<BucketModel>> {
    let state = &without_abandoned(state, &session.settings, diagnostics);
    let state = &with_remembered(state, private);
    let mut spec = private.recall(stored_spec(state, session, diagnostics)?);
    let observed = match look(session, private, &mut spec, diagnostics).await {
        Ok(Some(observed)) => observed,
        Ok(None) => return Some(Some(state.clone())),
        Err(errors) => {
            report::read_errors(&errors, diagnostics);
            return None;
        }
    };
    let state = &without_gone(state, &mut spec, &observed, diagnostics);
    private.retired.clear();
    remember_locks(private, &mut spec, &observed);
    let gone = |seen: &ObservedBucket| seen.region.is_absent();
    let without_buckets = private.unseen.is_empty() && observed.buckets.values().all(gone);
    // Of a role and keys that a create or a destroy left half-way, the state is the only memory.
    if without_buckets && !something_is_left(&spec, &observed) {
        match directions_left(session, private, &spec).await {
            Ok(left) if left.is_empty() => return Some(None),
            Ok(_) => {}
            Err(error) => {
                report::read_errors(&[error], diagnostics);
                return None;
            }
        }
    }
    others::warn_of_role_policies(&spec, &observed, diagnostics);
    let mut observed = observed;
    if !private.importing {
        report::warn_of_taken_away(&spec, &taken_away(&spec, &spec, &observed), diagnostics);
        theirs::look_at_roles(session, &spec, &mut observed, &|_| true).await;
        role_grants::look_again(&spec, &observed, diagnostics);
        observed.theirs.keys = existing_keys::look_again(session, &spec, diagnostics).await;
    }
    permissions::tell_all(&spec, &observed, diagnostics);
    let mut model = seen_over(session, state, &spec, &observed, private);
    // No AWS object shows it. A state has it, unless an earlier version of the provider stored it.
    if model.tags_all == Attr::Null {
        model.tags_all = of_resource(&model, Some(&session.settings.default_tags));
    }
    if private.importing {
        private.importing = false;
        spec = private.recall(stored_spec(&model, session, diagnostics)?);
        let found = model.clone();
        fill(&mut model, Some(&found), Some(&spec));
        for (_, role) in model.roles_mut() {
            // One that is still to be made has none.
            role.unique_id = role
                .unique_id
                .known()
                .cloned()
                .map_or(Attr::Null, Attr::Known);
        }
        fill_tags_all(&mut model, Some(&session.settings.default_tags));
        let differences = diff(&desire(&spec, None, ""), &observed);
        model.components = with_drift(&model.components, told_at_components(&differences));
        let ty = super::schema::schema().block.ty();
        private.kept = encode(&model).to_json(&ty).ok();
    }
    lost_grants::warn(&spec, &observed, diagnostics);
    Some(Some(model))
}

/// Remembers which existing buckets are locked.
pub(crate) fn remember_locks(private: &mut Private, spec: &mut Spec, observed: &Observed) {
    for (side, bucket) in spec.buckets().filter(|(_, b)| b.existing().is_some()) {
        let seen = observed.buckets.get(&side).map(|seen| &seen.object_lock);
        let name = bucket.name.to_string();
        match seen {
            Some(Presence::Present(_)) => private.locked.insert(name, true),
            Some(Presence::Absent) => private.locked.insert(name, false),
            Some(Presence::Unasked) | None => None,
        };
    }
    spec.tell_locks(&private.locked);
}

/// Looks at every side that can be entered, by the way in state or by another one that is known. A side that cannot
/// be entered is left as it is, with a warning; without the source nothing is looked at.
async fn look(
    session: &Session,
    private: &mut Private,
    spec: &mut Spec,
    diagnostics: &mut Diagnostics,
) -> Result<Option<Observed>, Vec<CallError>> {
    private.unseen.clear();
    let errors = match observe(&*session.cloud, spec, Purpose::Refresh, &known_to_state).await {
        Ok(observed) => {
            private.ways = ways(spec);
            return Ok(Some(observed));
        }
        // An import has nothing yet that could stand as it is.
        Err(errors) if private.importing => return Err(errors),
        Err(errors) => errors,
    };
    let before = spec.clone();
    let mut visible = spec.clone();
    for (side, bucket) in before.buckets() {
        match (entered(session, private, bucket).await, &side) {
            (Some(bucket), Side::Source) => visible.source = bucket,
            (Some(bucket), Side::Destination(key)) => {
                if let Some(destination) = visible.destinations.get_mut(key) {
                    destination.bucket = bucket;
                }
            }
            (None, _) => {
                private.unseen.insert(bucket.name.to_string());
                diagnostics.warning_at(
                    side_path(&side),
                    format!("{side} cannot be entered"),
                    format!("No way into account {} works: not the one in the state, not the one used before, and no `account` block of the provider. What is in the state of bucket {} stands as it is; a plan needs a way in that works.", bucket.location.account, bucket.name),
                );
                if let Side::Destination(key) = &side {
                    visible.destinations.remove(key);
                }
            }
        }
    }
    if private.unseen.contains(before.source.name.as_str()) {
        return Ok(None);
    }
    if visible == before {
        return Err(errors);
    }
    let observed = observe(&*session.cloud, &visible, Purpose::Refresh, &known_to_state).await?;
    private.ways.extend(ways(&visible));
    spec.source = visible.source;
    spec.destinations.extend(visible.destinations);
    Ok(Some(observed))
}

/// Whether there is a role of ours or a policy of it, a key that is not about to be deleted, or the alias of one that is.
fn something_is_left(spec: &Spec, observed: &Observed) -> bool {
    let mut directions = spec.directions();
    let has_role = directions.any(|direction| {
        matches!(direction.role.ownership, RoleOwnership::Owned { .. })
            && (observed.role(&direction.from).present().is_some()
                || !observed.managed_policies(&direction.from).is_empty())
    });
    has_role
        || observed.buckets.iter().any(|(side, seen)| {
            let keys = std::iter::once(&seen.key).chain(seen.retired_keys.values());
            let mut keys = keys.filter_map(Presence::present);
            let alias = spec
                .bucket(side)
                .and_then(|bucket| Some(&bucket.owned_key()?.alias));
            keys.any(|key| !key.description.is_pending_deletion())
                || alias.is_some_and(|alias| seen.has_alias(alias))
        })
}

/// What was seen, over what is in state, with drift told at the components.
pub(crate) fn seen_over(
    session: &Session,
    state: &BucketModel,
    spec: &Spec,
    observed: &Observed,
    private: &Private,
) -> BucketModel {
    let mut inherited = session.settings.default_tags.clone();
    inherited.extend(known_entries(&state.tags));
    let state = &recall_keys(state, spec, observed);
    let recalled = expand(state, &session.settings).unwrap_or_else(|_| spec.clone());
    let spec = &private.recall(recalled);
    let shown = session.settings.ignored_tags.taken_out(observed);
    let mut model = flatten(state, &shown, &inherited, &private.own_encryption);
    let existing = existing::notes(spec, observed);
    let left = unfinished::told(spec);
    let desired = desire(spec, None, "");
    let mut differences = diff(&desired, observed);
    if let Ok(shown) = expand(&model, &session.settings) {
        let shown = desire(&private.recall(shown), None, "");
        differences.retain(|d| !matches!(d.component, ComponentId::Of(_, Part::Replication)));
        differences.extend(replication_drift(&desired, &shown, observed));
    }
    // Nothing is told of a side that could not be looked at.
    let told = told_at_components(&differences)
        .filter(|(component, _)| observed.buckets.contains_key(component.side()))
        .chain(
            existing
                .iter()
                .chain(&left)
                .map(|(component, what)| (component, *what)),
        );
    model.components = with_drift(&without_old_drift(&state.components), told);
    model
}

/// A key whose ARN a failed run did not get to write down is known again by its tags. Left alone it would be taken
/// for somebody else's, and stay behind.
fn recall_keys(state: &BucketModel, spec: &Spec, observed: &Observed) -> BucketModel {
    let owner = spec.owner();
    let mut state = state.clone();
    for (this, side) in state.sides_mut() {
        let wanted = spec.bucket(&this).and_then(BucketSpec::owned_key);
        let seen = observed.buckets.get(&this).and_then(|b| b.key.present());
        let (Some(KeySpec { arn: None, .. }), Some(seen)) = (wanted, seen) else {
            continue;
        };
        let component = ComponentId::Of(this, Part::Key);
        let ours = seen
            .tags
            .present()
            .is_some_and(|tags| judge(&owner, &component, tags, Trust::Tags).is_ok());
        if ours {
            let arn = seen.description.arn.clone();
            side.kms_key_id = Attr::Known(arn.rsplit('/').next().unwrap_or_default().to_owned());
            side.kms_key_arn = Attr::Known(arn);
        }
    }
    state
}

/// The ways into accounts, to be remembered.
pub(crate) fn ways(spec: &Spec) -> BTreeMap<String, StoredWay> {
    spec.buckets()
        .map(|(_, bucket)| &bucket.location)
        .map(|at| (at.account.to_string(), at.way_in.as_ref().into()))
        .collect()
}

/// The spec of a stored state. A state that has none was not written by us.
pub(crate) fn stored_spec(
    state: &BucketModel,
    session: &Session,
    diagnostics: &mut Diagnostics,
) -> Option<Spec> {
    match expand(state, &session.settings) {
        Ok(spec) => Some(spec),
        Err(error) => {
            let why = match error {
                Incomplete::Unknown => "something in it is missing".to_owned(),
                Incomplete::Invalid(path, why) => format!("{path}: {why}"),
            };
            diagnostics.error(
                "The state cannot be used",
                format!("The stored state of this resource is not complete: {why}. Was it edited by hand? Remove it with `terraform state rm` and import the bucket."),
            );
            None
        }
    }
}

fn without_old_drift(components: &Attr<TextMap>) -> Attr<TextMap> {
    components.clone().map(|lines| {
        lines
            .into_iter()
            .map(|(component, line)| {
                let line = line.map(|line| without_drift(&line).to_owned());
                (component, line)
            })
            .collect()
    })
}
