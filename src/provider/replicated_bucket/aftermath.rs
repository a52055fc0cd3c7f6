//! After a run that failed: what is there now, as far as it can be looked at, and what state remembers of it.

use std::collections::{BTreeMap, BTreeSet};

use super::apply::Run;
use super::model::{BucketModel, SideModel, SourceModel};
use super::plan::going::reachable;
use super::read::{seen_over, ways};
use super::values::components::retired_keys;
use super::values::computed::fill;
use super::values::expand::expand;
use super::values::previous::{in_state, previous};
use super::{encode, report};
use crate::execution::cloud::CallError;
use crate::execution::executor::Outcome;
use crate::execution::observe::{Purpose, observe};
use crate::framework::model::{Attr, TextMap};
use crate::framework::provider::ApplyResponse;
use crate::framework::value::AttributePath;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::graph::{StepGraph, StepId};
use crate::replication::observed::Observed;
use crate::replication::plan::Going;
use crate::replication::spec::Spec;
use crate::replication::unfinished::Failed;

/// A look at everything after a failure.
pub(super) struct LookBack {
    spec: Spec,
    seen: Result<Observed, Vec<CallError>>,
}

impl LookBack {
    /// Whether everything could be looked at.
    pub(super) fn has_seen(&self) -> bool {
        self.seen.is_ok()
    }

    /// What the state is worth after it, in a sentence.
    pub(super) fn told(&self) -> &'static str {
        match self.seen {
            Ok(_) => "The state tells what is there now; the same command goes on from here.",
            Err(_) => {
                "What is there now could not be looked at: the state tells what was there before and what this apply made, and the next refresh finds the rest. The same command goes on from here."
            }
        }
    }
}

/// What is from a run that failed.
pub(super) struct Made {
    /// What it made, or may have made, and nobody took back.
    components: BTreeSet<ComponentId>,
    /// Buckets that were there already, where it had begun to write: their policies and keys may have our statements.
    begun: BTreeSet<Side>,
}

impl Run {
    /// Looks at everything once more.
    pub(super) async fn look_back(&self) -> LookBack {
        let spec = match expand(&self.model, &self.session.settings) {
            Ok(spec) => self.private.recall(spec),
            Err(_) => self.spec.clone(),
        };
        let spec = reachable(&self.session, &self.private, spec).await;
        let seen = observe(&*self.session.cloud, &spec, Purpose::Create, &|_| false).await;
        LookBack { spec, seen }
    }

    /// What had to go and may still be there is not forgotten: the state says from now on what is wanted.
    pub(super) fn remember_leftovers(
        &mut self,
        prior: &Spec,
        going: &Going,
        graph: &StepGraph,
        outcome: &Outcome,
    ) {
        let is_settled = |component: &ComponentId| {
            let mut steps = graph
                .steps()
                .filter(|(_, step)| step.component == *component);
            let is_open = |id: &StepId| {
                let mut open = outcome.failed.iter().chain(&outcome.waiting);
                open.any(|(of, _)| of == id)
            };
            steps.all(|(id, _)| outcome.done.contains_key(&id) && !is_open(&id))
        };
        let failed = Failed {
            spec: &self.spec,
            prior,
            going,
            is_settled: &is_settled,
            is_begun: &|component| is_begun(graph, outcome, |of| of == component),
        };
        self.private.remember_leftovers(&failed.leftovers());
    }

    /// Nor is what was begun to be written, where the state says what was before.
    pub(super) fn remember_begun(&mut self, prior: &Spec, graph: &StepGraph, outcome: &Outcome) {
        let failed = Failed {
            spec: prior,
            prior: &self.spec,
            going: &Going::default(),
            is_settled: &|component| !is_begun(graph, outcome, |of| of == component),
            is_begun: &|_| false,
        };
        let mut left = self.private.leftovers();
        left.extend_but_roles(failed.leftovers());
        self.private.remember_leftovers(&left);
    }

    /// Destinations that could not be taken down stay in the state; where another bucket has taken over the key,
    /// under a key of their own.
    pub(super) fn restore_going(&mut self, prior: &BucketModel, going: &Going) {
        self.restore_roles(prior, going);
        let model = &mut self.model;
        let (Attr::Known(destinations), Attr::Known(components)) =
            (&mut model.destinations, &mut model.components)
        else {
            return;
        };
        for (side, _, _) in &going.buckets {
            if let Side::Destination(key) = side
                && let Some(before) = prior.side(side)
            {
                let mut free = key.clone();
                while destinations.contains_key(&free) {
                    free.push_str("-old");
                }
                // The components are what remembers its keys of before.
                let this = Side::Destination(free.clone());
                let retired = retired_keys(prior, side).into_iter();
                components.extend(retired.map(|arn| {
                    let component = ComponentId::retired_key(&this, &arn).to_string();
                    (component, Attr::Known(arn))
                }));
                destinations.insert(free, Attr::Known(before.clone()));
            }
        }
    }

    /// A direction whose end, or whose old role's end, was not reached stays in the state as it was: the next update
    /// ends it.
    fn restore_roles(&mut self, prior: &BucketModel, going: &Going) {
        for before in &going.directions {
            let name = before.spec.bucket(&before.from).map(|b| b.name.to_string());
            if before.from == Side::Source {
                self.model.role = prior.role.clone();
            } else if let Some(before) = prior.side(&before.from) {
                let mut sides = self.model.sides_mut().into_iter();
                if let Some((_, side)) =
                    sides.find(|(_, side)| side.bucket.known() == name.as_ref())
                {
                    side.two_way = before.two_way.clone();
                    side.two_way_role = before.two_way_role.clone();
                }
            }
        }
    }

    /// Writes down what is there, by a look back or without one.
    pub(super) async fn tell_truth(
        mut self,
        back: LookBack,
        made: &Made,
        response: &mut ApplyResponse,
    ) {
        let LookBack { mut spec, seen } = back;
        if let Err(errors) = &seen {
            report::read_errors(errors, &mut response.diagnostics);
        }
        if let Ok(observed) = &seen {
            self.drop_what_never_was(observed, made);
            let left = expand(&self.model, &self.session.settings);
            spec = left.map_or(spec, |left| self.private.recall(left));
            spec = reachable(&self.session, &self.private, spec).await;
        }
        fill(&mut self.model, self.prior.as_ref(), Some(&spec));
        match (&seen, &self.prior) {
            (Ok(observed), _) => {
                self.model = seen_over(&self.session, &self.model, &spec, observed, &self.private);
            }
            (Err(_), Some(prior)) => self.model = as_before(prior, &self.model, made),
            (Err(_), None) => {}
        }
        settle(&mut self.model);
        let components = self.model.components.known().into_iter().flatten();
        let left: Vec<String> = components
            .filter_map(|(name, line)| Some(format!("  {name}: {}", line.known()?)))
            .collect();
        if self.private.remainder {
            let unseen = match seen {
                Ok(_) => "",
                Err(_) => "\n\nWhat is there now could not be looked at; the next refresh does.",
            };
            response.diagnostics.warning_at(
                AttributePath::root("components"),
                "What is left",
                format!("These parts are in the state. A destroy takes them away, and never empties a bucket of them:\n\n{}{unseen}", left.join("\n")),
            );
        }
        self.private.ways = ways(&spec);
        response.new_state = encode(&self.model);
        response.private = self.private.write();
    }

    /// New destinations of which nothing was made are not in the state. One that was made may not show yet.
    fn drop_what_never_was(&mut self, observed: &Observed, made: &Made) {
        let known: Vec<String> = self
            .model
            .sides()
            .into_iter()
            .filter(|(side, _)| in_state(self.prior.as_ref(), side, &self.model))
            .map(|(side, _)| side.to_string())
            .collect();
        if let Attr::Known(destinations) = &mut self.model.destinations {
            destinations.retain(|key, _| {
                let side = Side::Destination(key.clone());
                known.contains(&side.to_string())
                    || made.has_touched(&side)
                    || observed
                        .buckets
                        .get(&side)
                        .is_none_or(|seen| seen.region.present().is_some())
            });
        }
    }
}

/// Whether any step of such a component was begun.
fn is_begun(graph: &StepGraph, outcome: &Outcome, is_such: impl Fn(&ComponentId) -> bool) -> bool {
    let open = outcome.failed.iter().chain(&outcome.waiting);
    let mut begun = outcome.done.keys().chain(open.map(|(id, _)| id));
    begun.any(|id| graph.step(*id).is_some_and(|s| is_such(&s.component)))
}

/// The state of before, with what was made since. Nobody could look, so nobody knows which changes were carried out: as
/// long as the state says what was, the next plan proposes them all again, with or without a refresh.
fn as_before(prior: &BucketModel, planned: &BucketModel, made: &Made) -> BucketModel {
    let mut model = prior.clone();
    let mut lines = known_lines(prior);
    let mut destinations = BTreeMap::new();
    for (side, now) in planned.sides() {
        if let Side::Destination(key) = &side
            && made.has_touched(&side)
            && !in_state(Some(prior), &side, planned)
        {
            destinations.insert(key.clone(), Attr::Known(now.clone()));
        }
    }
    let new: Vec<String> = destinations.keys().cloned().collect();
    for (side, before) in prior.sides() {
        let mut this = side.clone();
        if let Side::Destination(key) = &mut this {
            while destinations.contains_key(key) {
                key.push_str("-old");
            }
        }
        rename(&mut lines, &side, &this);
        let mut before = before.clone();
        let mut sides = planned.sides().into_iter();
        if let Some((of, now)) = sides.find(|(of, now)| is_same(prior, of, now, &side)) {
            let mut new_lines = if now.existing == before.existing {
                take_made(&mut before, now, &of, made);
                lines_made(planned, &of, made)
            } else {
                // Half an adoption or a release is neither: what was asked for says alone what a destroy leaves.
                before = now.clone();
                lines.retain(|name, _| part_of(&this, name).is_none());
                let mut of_side = known_lines(planned);
                of_side.retain(|name, _| part_of(&of, name).is_some());
                of_side
            };
            rename(&mut new_lines, &of, &this);
            lines.extend(new_lines);
        }
        match this {
            Side::Source => model.source = Attr::Known(SourceModel(before)),
            Side::Destination(key) => {
                destinations.insert(key, Attr::Known(before));
            }
        }
    }
    for key in new {
        lines.extend(lines_made(planned, &Side::Destination(key), made));
    }
    model.destinations = Attr::Known(destinations);
    model.components = Attr::Known(lines);
    model
}

/// What of a side a line is about; none where it is about another side.
fn part_of<'a>(side: &Side, name: &'a str) -> Option<&'a str> {
    name.strip_prefix(&side.to_string())?.strip_prefix('/')
}

/// Whether a planned side is the bucket of this side of the state.
fn is_same(prior: &BucketModel, of: &Side, now: &SideModel, side: &Side) -> bool {
    let before = prior.side(side);
    match (previous(prior, of, now), before) {
        (Attr::Known(previous), Some(before)) => std::ptr::eq(previous, before),
        _ => false,
    }
}

/// Takes over what names a key, an alias or a role that was made: without it nobody would find them again.
fn take_made(before: &mut SideModel, now: &SideModel, of: &Side, made: &Made) {
    if made
        .components
        .contains(&ComponentId::Of(of.clone(), Part::Key))
    {
        before.encryption = now.encryption.clone();
        before.kms_key_arn = now.kms_key_arn.clone();
        before.kms_key_id = now.kms_key_id.clone();
        before.kms_key_policy_json = now.kms_key_policy_json.clone();
    } else if made
        .components
        .contains(&ComponentId::Of(of.clone(), Part::Alias))
        && let Attr::Known(encryption) = &mut before.encryption
        && let Attr::Known(key) = &mut encryption.key
        && let Some(now) = now.encryption.known().and_then(|e| e.key.known())
    {
        key.alias = now.alias.clone();
    }
    let back = ComponentId::Role(of.clone());
    // A role in the place of another is among the leftovers.
    if *of != Side::Source && made.components.contains(&back) && before.two_way != Attr::Known(true)
    {
        before.two_way = now.two_way.clone();
        before.two_way_role = now.two_way_role.clone();
        before.replication_role_arn = now.replication_role_arn.clone();
    }
}

fn known_lines(model: &BucketModel) -> TextMap {
    model.components.known().cloned().unwrap_or_default()
}

/// The lines of what was made of a side. With a new key goes the line of the one before it.
fn lines_made(planned: &BucketModel, of: &Side, made: &Made) -> TextMap {
    let retired = ComponentId::retired_key(of, "").to_string();
    let made = &made.components;
    let has_new_key = made.contains(&ComponentId::Of(of.clone(), Part::Key));
    let of_side = made.iter().filter(|component| component.side() == of);
    let names: BTreeSet<String> = of_side.map(ToString::to_string).collect();
    let is_meant =
        |name: &String| names.contains(name) || (has_new_key && name.starts_with(&retired));
    let lines = known_lines(planned).into_iter();
    lines.filter(|(name, _)| is_meant(name)).collect()
}

/// The lines of one side under the name of another. The source's has only one.
fn rename(lines: &mut TextMap, side: &Side, this: &Side) {
    if side == this {
        return;
    }
    let new_name = |name: &String| Some(format!("{this}/{}", part_of(side, name)?));
    let found: Vec<(String, String)> = lines
        .keys()
        .filter_map(|name| Some((name.clone(), new_name(name)?)))
        .collect();
    for (name, new) in found {
        if let Some(line) = lines.remove(&name) {
            lines.insert(new, line);
        }
    }
}

impl Made {
    /// What a run left of its graph, where some of what it made was taken back.
    pub(super) fn by(
        spec: &Spec,
        graph: &StepGraph,
        outcome: &Outcome,
        is_taken_back: impl Fn(&ComponentId) -> bool,
    ) -> Self {
        let ends = outcome.done.keys().map(|id| (*id, true));
        let lost = outcome.may_have_made(graph);
        let components = ends
            .chain(lost.into_iter().map(|id| (id, false)))
            .filter_map(|(id, is_certain)| Some((graph.step(id)?, is_certain)))
            .filter(|(step, is_certain)| {
                step.action.creates() && !(*is_certain && is_taken_back(&step.component))
            })
            .map(|(step, _)| step.component.clone())
            .collect();
        let existing = spec.buckets().filter(|(_, b)| b.existing().is_some());
        let begun = existing
            .map(|(side, _)| side)
            .filter(|side| is_begun(graph, outcome, |component| component.side() == side))
            .collect();
        Self { components, begun }
    }

    /// Whether anything of a bucket is from this run.
    fn has_touched(&self, side: &Side) -> bool {
        self.begun.contains(side) || self.components.iter().any(|c| c.side() == side)
    }
}

/// Nothing in a state may be unknown.
fn settle(model: &mut BucketModel) {
    let value = encode(model).with_unknown_as_null();
    if let Ok(Attr::Known(settled)) = Attr::from_value(&value) {
        *model = settled;
    }
}
