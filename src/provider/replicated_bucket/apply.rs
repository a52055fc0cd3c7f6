//! Create and update: observe, work out the difference, run the steps, and tell what is true now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_util::sync::CancellationToken;

use super::abandoned::warn_if_abandoned;
use super::aftermath::Made;
use super::attributes::timeouts::{Deed, deadline};
use super::attributes::{bucket_prefix, existing};
use super::model::BucketModel;
use super::plan::going::{Leaving, leaving};
use super::plan::target::{For, target};
use super::preflight::{self, adoption, is_known, policy_room, roles, trust};
use super::private::Private;
use super::read::{stored_spec, ways};
use super::retired_keys::remember_retained;
use super::values::computed::fill;
use super::values::expand::{Incomplete, expand};
use super::verification::memory::remember;
use super::verification::{Asker, Proof, sent_before, sweep, verify};
use super::{ReplicatedBucket, decode, encode, report};
use crate::execution::deadline::Deadline;
use crate::execution::executor::Outcome;
use crate::execution::observe::{Purpose, observe};
use crate::framework::contract;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::ignored::{Update, with_kept};
use crate::framework::model::Attr;
use crate::framework::provider::{ApplyRequest, ApplyResponse};
use crate::framework::value::Value;
use crate::provider::replicated_bucket::attributes::bucket_prefix::Drawn;
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::settings::Session;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::desired::desire;
use crate::replication::existing::before;
use crate::replication::graph::StepGraph;
use crate::replication::leftovers::Leftovers;
use crate::replication::observed::{Observed, Presence};
use crate::replication::operation::Output;
use crate::replication::ownership::{claims, distrust_policies, taken_away};
use crate::replication::plan::{Going, plan};
use crate::replication::spec::{BucketSpec, KeyChoice, Spec};
use crate::replication::undo::undo;

/// How long an undo may take. The calls under way then end.
const UNDO_WITHIN: Duration = Duration::from_secs(5 * 60);

impl ReplicatedBucket {
    /// Makes everything, or nothing.
    pub(crate) async fn apply_create(&self, request: ApplyRequest) -> ApplyResponse {
        let mut response = answer(&request, Value::Null);
        let Some(run) = self.prepare(&request, &mut response).await else {
            return response;
        };
        let owner = run.spec.owner();
        if !self.shared.claim(owner.clone()) {
            report::two_blocks(&run.spec.source.name, &mut response.diagnostics);
            return response;
        }
        Box::pin(run.create(&mut response)).await;
        if !response.diagnostics.has_error() {
            self.shared.remember_made(owner);
        } else if response.new_state.is_null() {
            self.shared.release(&owner);
        }
        response
    }

    /// Makes what differs as it should be.
    pub(crate) async fn apply_update(&self, request: ApplyRequest) -> ApplyResponse {
        let mut response = answer(&request, request.prior_state.clone());
        let Some(run) = self.prepare(&request, &mut response).await else {
            return response;
        };
        Box::pin(run.update(&mut response)).await;
        tell_surprises(&request.planned_state, &mut response);
        response
    }

    /// Works the configuration out again, now that everything is known.
    async fn prepare(&self, request: &ApplyRequest, response: &mut ApplyResponse) -> Option<Run> {
        let diagnostics = &mut response.diagnostics;
        let mut config: BucketModel = match decode(&request.config, diagnostics)? {
            Attr::Known(config) => config,
            _ => return None,
        };
        let prior: Option<BucketModel> = match decode(&request.prior_state, diagnostics)? {
            Attr::Known(prior) => Some(prior),
            _ => None,
        };
        let session = self.shared.session_or_tell(diagnostics)?;
        let private = Private::read(&request.planned_private, diagnostics)?;
        let deed = match prior {
            None => Deed::Create,
            Some(_) => Deed::Update,
        };
        let deadline = deadline(deed, &config);
        let in_time = session.until(&deadline);
        let drawn = bucket_prefix::draw(&config);
        let work_out = async |config: &BucketModel, diagnostics: &mut Diagnostics| {
            let (session, purpose) = (Some(&in_time), For::Apply(&drawn));
            let prior = prior.as_ref();
            target(session, config, prior, &private, purpose, diagnostics).await
        };
        let mut target = work_out(&config, diagnostics).await;
        if diagnostics.has_error() {
            return None;
        }
        if let Some(kept) = kept_config(request, &target.model) {
            config = decode::<BucketModel>(&kept, diagnostics)?.known()?.clone();
            target = work_out(&config, diagnostics).await;
            if diagnostics.has_error() {
                return None;
            }
        }
        let Some(spec) = target.spec else {
            diagnostics.error(
                "Something is still unknown",
                "The configuration has values that are not known at apply. This is a bug in the provider; please report it.",
            );
            return None;
        };
        let mut private = remember_own_encryption(private, &config, &target.model);
        private.locked = spec.locks();
        Some(Run {
            session,
            deadline,
            in_time,
            model: target.model,
            drawn,
            spec,
            prior,
            private,
            taken_over: Vec::new(),
            stop: request.stop.clone(),
        })
    }
}

/// The configuration of an update with what `ignore_changes` keeps of values that nobody wrote, if there is any.
fn kept_config(request: &ApplyRequest, model: &BucketModel) -> Option<Value> {
    if request.prior_state.is_null() {
        return None;
    }
    let update = Update {
        prior: &request.prior_state,
        planned: &request.planned_state,
        worked_out: &encode(model),
    };
    let kept = with_kept(
        &super::schema::schema().block.attributes,
        &request.config,
        update,
    );
    (kept != request.config).then_some(kept)
}

/// The answer before anything was done.
pub(crate) fn answer(request: &ApplyRequest, state: Value) -> ApplyResponse {
    ApplyResponse {
        new_state: state,
        private: request.planned_private.clone(),
        identity: request.planned_identity.clone(),
        diagnostics: Diagnostics::new(),
    }
}

/// Says in words when something that the plan promised has changed since, such as a role that somebody deleted
/// and the update made again.
fn tell_surprises(planned: &Value, response: &mut ApplyResponse) {
    if response.diagnostics.has_error() {
        return;
    }
    let schema = super::schema::schema();
    let surprises = contract::assert_object_compatible(&schema, planned, &response.new_state);
    if !surprises.is_empty() {
        response.diagnostics.error(
            "AWS changed between plan and apply",
            format!("Everything was done, but not with the result that was planned:\n\n{}\n\nThe state tells what is there now; plan again to see whether anything is left to do.", contract::list(&surprises)),
        );
    }
}

pub(super) struct Run {
    pub(super) session: Arc<Session>,
    deadline: Deadline,
    /// The session as long as there is time; what comes after a failure needs its own.
    in_time: Session,
    pub(super) model: BucketModel,
    /// What new buckets have behind their prefix.
    drawn: Drawn,
    pub(super) spec: Spec,
    pub(super) prior: Option<BucketModel>,
    pub(super) private: Private,
    /// What was there already and is taken over, in words: `bucket acme-archive`.
    taken_over: Vec<String>,
    stop: CancellationToken,
}

impl Run {
    async fn create(mut self, response: &mut ApplyResponse) {
        let Some(observed) = self.observe(&mut response.diagnostics).await else {
            return;
        };
        let (session, diagnostics) = (&self.in_time, &mut response.diagnostics);
        let private = &mut self.private;
        remember_retained(session, &self.spec, &observed, private, diagnostics).await;
        let desired = desire(&self.spec, None, &now());
        if policy_room::refuse(&self.spec, &desired, &observed, diagnostics) {
            return;
        }
        let graph = plan(&desired, &observed, &Going::default());
        let outcome = self.run(&graph).await;
        let mut proof = None;
        if outcome.is_success() {
            let spec = self.learned(&graph, &outcome);
            proof = self.verify(&spec, &mut response.diagnostics).await;
            if !proof.as_ref().is_some_and(Proof::has_failed) {
                let made = (&graph, &outcome, &observed);
                self.succeed(&spec, made, proof.as_ref(), response);
                return;
            }
        }
        let back = undo(
            &self.spec.owner(),
            &graph,
            &outcome.to_take_back(&graph),
            &outcome.may_have_made(&graph),
            &before(&self.spec, &observed),
        );
        let undone = self.run_undo(&back).await;
        if undone.is_success() && outcome.may_have_made(&graph).is_empty() {
            let told = report::undone(&self.taken_over);
            report::run_errors(&graph, &outcome, &told, &mut response.diagnostics);
            tell_proof(proof.as_ref(), &told, &mut response.diagnostics);
            let owner = self.spec.owner();
            report::keys_kept(&owner, &graph, &outcome, &back, &mut response.diagnostics);
            return;
        }
        let told = if undone.is_success() {
            "Everything else that this apply had made was taken away again. Whether this was carried out is not known, so it is in the state: destroy, and it is looked for and taken away."
        } else {
            "What this apply had made could not be taken away completely; what is left is in the state."
        };
        report::run_errors(&graph, &outcome, told, &mut response.diagnostics);
        tell_proof(proof.as_ref(), told, &mut response.diagnostics);
        report::run_errors(
            &back,
            &undone,
            "It stays, with everything that it needs.",
            &mut response.diagnostics,
        );
        self.learn(&graph, &outcome);
        self.private.remainder = true;
        let made = Made::by(&self.spec, &graph, &outcome, |component| {
            let mut taken_back = back
                .steps()
                .filter(|(_, step)| step.component == *component);
            taken_back.any(|(id, _)| undone.done.contains_key(&id))
        });
        let back = self.look_back().await;
        self.tell_truth(back, &made, response).await;
    }

    async fn update(mut self, response: &mut ApplyResponse) {
        let diagnostics = &mut response.diagnostics;
        let Some(prior) = self.prior.clone() else {
            return;
        };
        let Some(prior_spec) = stored_spec(&prior, &self.session, diagnostics) else {
            return;
        };
        let mut prior_spec = self.private.recall(prior_spec);
        let (leaving, observed) = futures::join!(
            leaving(
                &self.in_time,
                &prior,
                &prior_spec,
                &self.model,
                &self.private,
                Some(&self.spec)
            ),
            self.look(),
        );
        let (Leaving { going, kept }, mut observed) = match (leaving, observed) {
            (Ok(leaving), Ok(observed)) => (leaving, observed),
            (leaving, observed) => {
                report::read_errors(&leaving.err().unwrap_or_default(), diagnostics);
                preflight::new_errors(&observed.err().unwrap_or_default(), &self.spec, diagnostics);
                return;
            }
        };
        for (side, _, _) in &going.buckets {
            warn_if_abandoned(&prior, side, &self.session.settings, diagnostics);
        }
        for obstacle in &kept {
            diagnostics.error_at(
                side_path(&obstacle.side),
                obstacle.summary(),
                format!(
                    "{} is no longer in the configuration, but {obstacle}. Nothing was changed.",
                    obstacle.side
                ),
            );
        }
        if !kept.is_empty() || !self.accept(&mut observed, diagnostics) {
            return;
        }
        let (session, private) = (&self.in_time, &mut self.private);
        remember_retained(session, &self.spec, &observed, private, diagnostics).await;
        prior_spec.learn_live_keys(&self.spec, &observed);
        let desired = desire(&self.spec, Some(&prior_spec), &now());
        if policy_room::refuse(&self.spec, &desired, &observed, diagnostics) {
            return;
        }
        let graph = plan(&desired, &observed, &going);
        let mut seen = observed.clone();
        for (side, _, goes) in &going.buckets {
            let goes = || goes.clone();
            seen.buckets.entry(side.clone()).or_insert_with(goes);
        }
        if policy_room::refuse_unreadable(&graph, &seen, diagnostics) {
            return;
        }
        let outcome = self.run(&graph).await;
        if outcome.is_success() {
            let spec = self.learned(&graph, &outcome);
            let proof = self.verify(&spec, diagnostics).await;
            let made = (&graph, &outcome, &observed);
            self.succeed(&spec, made, proof.as_ref(), response);
            return;
        }
        self.remember_leftovers(&prior_spec, &going, &graph, &outcome);
        self.learn(&graph, &outcome);
        self.restore_going(&prior, &going);
        let back = self.look_back().await;
        if !back.has_seen() {
            self.remember_begun(&prior_spec, &graph, &outcome);
        }
        report::run_errors(&graph, &outcome, back.told(), &mut response.diagnostics);
        let made = Made::by(&self.spec, &graph, &outcome, |_| false);
        self.tell_truth(back, &made, response).await;
    }

    /// Looks at everything and refuses what is not ours.
    async fn observe(&mut self, diagnostics: &mut Diagnostics) -> Option<Observed> {
        match self.look().await {
            Ok(mut observed) => self.accept(&mut observed, diagnostics).then_some(observed),
            Err(errors) => {
                preflight::new_errors(&errors, &self.spec, diagnostics);
                None
            }
        }
    }

    async fn look(&self) -> Result<Observed, Vec<crate::execution::cloud::CallError>> {
        let known = |component: &ComponentId| {
            is_known(self.prior.as_ref(), &self.spec, &self.model, component)
        };
        let purpose = if self.prior.is_some() {
            Purpose::Refresh
        } else {
            Purpose::Create
        };
        observe(&*self.in_time.cloud, &self.spec, purpose, &known).await
    }

    /// A new key is looked for by its tags, and a key that state has for another bucket may carry the same ones: it
    /// was tagged before its destination got another name. It is not taken for the new one.
    fn forget_known_keys(&self, observed: &mut Observed) {
        let prior = self.prior.as_ref();
        let Some(prior) = prior.and_then(|prior| expand(prior, &self.session.settings).ok()) else {
            return;
        };
        let known: BTreeSet<&String> = prior
            .buckets()
            .flat_map(|(_, bucket)| {
                let current = bucket.owned_key().and_then(|key| key.arn.as_ref());
                bucket.retired_keys.iter().chain(current)
            })
            .collect();
        for (side, seen) in &mut observed.buckets {
            let wanted = self.spec.bucket(side).and_then(BucketSpec::owned_key);
            if let Presence::Present(key) = &seen.key
                && wanted.is_some_and(|wanted| wanted.arn.is_none())
                && known.contains(&key.description.arn)
                && seen.alias_target.present() != Some(&key.description.arn)
            {
                seen.key = Presence::Absent;
            }
        }
    }

    /// Whether everything that is there may be used; keys that were found are taken into the spec.
    fn accept(&mut self, observed: &mut Observed, diagnostics: &mut Diagnostics) -> bool {
        if bucket_prefix::refuse_taken(&self.model, &self.drawn, observed, diagnostics) {
            return false;
        }
        self.forget_known_keys(observed);
        let known = |component: &ComponentId| {
            is_known(self.prior.as_ref(), &self.spec, &self.model, component)
        };
        let found = claims(&self.spec, observed, &known, trust(self.prior.as_ref()));
        report::claims(&self.model, &self.spec, &found, diagnostics);
        let refused = found.iter().any(|claim| claim.verdict.is_err());
        let prior = self.prior.as_ref();
        let prior = prior.and_then(|prior| expand(prior, &self.session.settings).ok());
        let prior = prior.map(|prior| self.private.recall(prior));
        let refuses_adoption = prior
            .as_ref()
            .is_some_and(|prior| adoption::refuse(&self.spec, prior, observed, diagnostics));
        let taken = prior
            .as_ref()
            .map(|prior| taken_away(&self.spec, prior, observed))
            .unwrap_or_default();
        report::taken_away(&self.spec, &taken, diagnostics);
        if !taken.is_empty()
            || roles::missing(&self.spec, observed, diagnostics)
            || existing::refuse(&self.spec, prior.as_ref(), observed, true, diagnostics)
            || refuses_adoption
            || refused
        {
            return false;
        }
        self.remember_encryption(prior.as_ref(), observed);
        distrust_policies(observed, &found);
        self.taken_over = found.into_iter().map(|claim| claim.thing).collect();
        self.spec.learn_keys(observed);
        true
    }

    /// Writes down the default encryption of existing buckets before ours takes its place.
    fn remember_encryption(&mut self, prior: Option<&Spec>, observed: &Observed) {
        let mut found = BTreeMap::new();
        for (side, bucket) in self.spec.buckets() {
            let writes =
                |bucket: &BucketSpec| bucket.existing().is_some_and(|e| e.enable_encryption);
            let before = prior.and_then(|prior| prior.bucket_named(&bucket.name));
            let name = bucket.name.to_string();
            if !writes(bucket) {
                continue;
            }
            if let Some(left) = before.and_then(|before| before.leftovers.encryption.as_ref()) {
                found.insert(name, (&left.found).into());
                continue;
            }
            if let Some(stored) = self.private.encryption_found.get(&name)
                && before.is_some_and(writes)
            {
                found.insert(name, stored.clone());
            } else if let Some(seen) = observed.buckets.get(&side)
                && let Some(encryption) = seen.encryption.present()
            {
                found.insert(name, encryption.into());
            }
        }
        self.private.encryption_found = found;
    }

    fn key_mut(&mut self, side: &Side) -> Option<&mut KeyChoice> {
        let bucket = match side {
            Side::Source => &mut self.spec.source,
            Side::Destination(key) => &mut self.spec.destinations.get_mut(key)?.bucket,
        };
        bucket.encryption.key.as_mut()
    }

    async fn run(&self, graph: &StepGraph) -> Outcome {
        tracing::debug!(steps = graph.len(), depth = graph.depth(), "run\n{graph}");
        let (cloud, locks) = (&*self.in_time.cloud, &self.session.locks);
        self.deadline.run(cloud, locks, &self.stop, graph).await
    }

    async fn run_undo(&self, graph: &StepGraph) -> Outcome {
        tracing::debug!(steps = graph.len(), depth = graph.depth(), "undo\n{graph}");
        let deadline = Deadline::after(UNDO_WITHIN, "the five minutes of an undo".to_owned());
        let cloud = deadline.bound(self.session.cloud.clone());
        let locks = &self.session.locks;
        deadline.run_undo(&*cloud, locks, graph).await
    }

    /// Takes the ARNs of keys that were made into the spec and the model.
    fn learn(&mut self, graph: &StepGraph, outcome: &Outcome) {
        for (id, output) in &outcome.done {
            let Some(step) = graph.step(*id) else {
                continue;
            };
            if let (Output::Text(arn), ComponentId::Of(side, Part::Key)) = (output, &step.component)
                && let Some(KeyChoice::Owned(key)) = self.key_mut(side)
            {
                key.arn = Some(arn.clone());
            }
        }
        for (side, model) in self.model.sides_mut() {
            if let Some(arn) = self
                .spec
                .bucket(&side)
                .and_then(|b| b.owned_key())
                .and_then(|key| key.arn.clone())
            {
                model.kms_key_arn = Attr::Known(arn);
            }
        }
    }

    /// The setup with the keys that were made.
    fn learned(&mut self, graph: &StepGraph, outcome: &Outcome) -> Spec {
        self.learn(graph, outcome);
        match expand(&self.model, &self.session.settings) {
            Ok(spec) => self.private.recall(spec),
            Err(Incomplete::Unknown | Incomplete::Invalid(..)) => self.spec.clone(),
        }
    }

    /// Sends canaries where the plan said so; else removes what was left where nobody will look again.
    async fn verify(&self, spec: &Spec, diagnostics: &mut Diagnostics) -> Option<Proof> {
        let (session, stop) = (&self.session, &self.stop);
        let prior = self.prior.as_ref();
        let prior = prior.and_then(|prior| expand(prior, &session.settings).ok());
        let before = prior.map(|prior| sent_before(&prior, spec));
        let before = before.unwrap_or_default();
        let mut sides = self.model.sides().into_iter();
        let is_planned = sides.any(|(_, side)| side.verified_at.is_unknown());
        let how = spec.verification.as_ref().filter(|how| how.enabled);
        let remaining = self.deadline.remaining();
        let Some(how) = how.filter(|_| is_planned) else {
            return Box::pin(sweep(session, spec, &before, remaining, stop)).await;
        };
        let within = how.timeout.min(remaining);
        let tell = |line: String| tracing::info!("{line}");
        // On the heap: beside all that an apply holds it would be much for a thread's stack.
        let proof = Box::pin(verify(session, spec, how, within, stop, &tell, &before)).await;
        // A create that failed is taken back, role and all.
        if self.prior.is_some() || !proof.has_failed() {
            remember(session, spec, &proof, diagnostics).await;
        }
        Some(proof)
    }

    fn succeed(
        mut self,
        spec: &Spec,
        (graph, outcome, observed): (&StepGraph, &Outcome, &Observed),
        proof: Option<&Proof>,
        response: &mut ApplyResponse,
    ) {
        fill(&mut self.model, self.prior.as_ref(), Some(spec));
        for (from, role) in self.model.roles_mut() {
            let id = unique_id(&from, graph, outcome, observed);
            role.unique_id = Attr::from_option(id);
        }
        let moments = proof.map(Proof::moments).unwrap_or_default();
        for (side, model) in self.model.sides_mut() {
            if model.verified_at.is_unknown() {
                model.verified_at = Attr::from_option(moments.get(&side).cloned());
            }
        }
        let told = "Everything is made as it was asked for, and stays. The next plan proposes to verify again.";
        tell_proof(proof, told, &mut response.diagnostics);
        self.private.replacing = false;
        self.private.remainder = false;
        self.private.unseen.clear();
        self.private.remember_leftovers(&Leftovers::default());
        self.private.ways = ways(spec);
        response.new_state = encode(&self.model);
        response.private = self.private.write();
    }
}

/// What a verification has to say, where there was one.
fn tell_proof(proof: Option<&Proof>, done: &str, diagnostics: &mut Diagnostics) {
    if let Some(proof) = proof {
        let later = "`verified_at` stays null, and the next plan proposes to verify again.";
        proof.tell(Asker::Resource, (done, later), diagnostics);
    }
}

/// The id of a direction's role, which this run made or found.
fn unique_id(
    side: &Side,
    graph: &StepGraph,
    outcome: &Outcome,
    observed: &Observed,
) -> Option<String> {
    let made = graph.maker_of(&ComponentId::Role(side.clone()));
    match made.and_then(|maker| outcome.done.get(&maker)) {
        Some(Output::Role { unique_id, .. }) => Some(unique_id.clone()),
        _ => {
            let seen = observed.role(side).present();
            seen.map(|role| role.description.unique_id.clone())
        }
    }
}

/// Which existing buckets have their own default encryption in the new state.
fn remember_own_encryption(
    mut private: Private,
    config: &BucketModel,
    model: &BucketModel,
) -> Private {
    let own = model.sides().into_iter().filter(|(this, side)| {
        let written = config.side(this).is_some_and(|c| !c.encryption.is_null());
        side.existing == Attr::Known(true) && !written && !side.is_unreachable()
    });
    private.own_encryption = own
        .filter_map(|(_, side)| side.bucket.known().cloned())
        .collect();
    private
}

fn now() -> String {
    OffsetDateTime::now_utc()
        .format(&Rfc3339)
        .unwrap_or_default()
}
