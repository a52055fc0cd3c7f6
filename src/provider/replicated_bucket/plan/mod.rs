//! Plans: what a configuration amounts to, whether it can be done, and what will happen that a person must know.

pub(crate) mod deletions;
mod either_way;
pub(crate) mod found;
pub(crate) mod going;
mod gone;
pub(crate) mod release;
pub(crate) mod target;

use self::deletions::{
    if_renamed, warn_of_leaving, warn_of_plain_http, warn_of_released, why_it_goes,
};
use self::going::{Leaving, leaving};
use self::target::{For, enter_anew, target};
use super::abandoned::warn_if_abandoned;
use super::attributes::{object_lock, policies};
use super::model::BucketModel;
use super::preflight::{permissions, role_size, roles};
use super::private::Private;
use super::validate::warn;
use super::values::computed::import_id;
use super::values::expand::expand;
use super::{ReplicatedBucket, decode, encode, moved, preflight, report, verification};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::provider::{PlanRequest, PlanResponse};
use crate::framework::value::{AttributePath, Value};
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::settings::{NoSession, Session, Shared};
use crate::replication::observed::Observed;
use crate::replication::spec::Spec;

impl ReplicatedBucket {
    /// Plans a create, an update, a replacement or a destroy.
    pub(crate) async fn plan_change(&self, request: PlanRequest) -> PlanResponse {
        let mut response = PlanResponse {
            planned_state: Value::Null,
            requires_replace: Vec::new(),
            planned_private: request.prior_private.clone(),
            planned_identity: request.prior_identity.clone(),
            diagnostics: Diagnostics::new(),
            deferred: self.shared.deferral(&request.client),
        };
        if request.proposed_new_state.is_null() {
            let state = decode::<BucketModel>(&request.prior_state, &mut response.diagnostics);
            if let Some(Attr::Known(state)) = state {
                warn_of_plain_http(&state, &mut response.diagnostics);
            }
            return response;
        }
        let config: BucketModel = match decode(&request.config, &mut response.diagnostics) {
            Some(Attr::Known(config)) => config,
            _ => return response,
        };
        let prior = match decode::<BucketModel>(&request.prior_state, &mut response.diagnostics) {
            Some(prior) => prior,
            None => return response,
        };
        let Some(mut private) = Private::read(&request.prior_private, &mut response.diagnostics)
        else {
            return response;
        };
        if private.moved {
            moved::refuse_unseen(&mut response.diagnostics);
            return response;
        }
        let session = match self.shared.session() {
            Ok(session) => Some(session),
            Err(NoSession::Unknown) => None,
            Err(why @ NoSession::Unconfigured) => {
                why.tell(&mut response.diagnostics);
                return response;
            }
        };
        // The second plan of a replacement is that of a create with the private state of what goes.
        let anew = request.prior_state.is_null() && !request.prior_private.is_empty();
        let asked_for = anew && !private.replacing;
        private.replacing |= anew;
        let planner = Planner {
            shared: &self.shared,
            session: session.as_deref(),
            config: &config,
            prior: prior.known(),
            private,
            asked_for,
        };
        planner
            .plan(request.prior_state.clone(), &mut response)
            .await;
        response
    }
}

struct Planner<'a> {
    shared: &'a Shared,
    session: Option<&'a Session>,
    config: &'a BucketModel,
    prior: Option<&'a BucketModel>,
    private: Private,
    /// Whether a person asks for a replacement that nothing in the configuration makes necessary (`-replace`).
    asked_for: bool,
}

impl Planner<'_> {
    async fn plan(mut self, prior_state: Value, response: &mut PlanResponse) {
        let diagnostics = &mut response.diagnostics;
        let target = target(
            self.session,
            self.config,
            self.prior,
            &self.private,
            For::Plan,
            diagnostics,
        )
        .await;
        if diagnostics.has_error() {
            return;
        }
        let locked = &self.private.locked;
        object_lock::refuse(&target.model, self.prior, locked, diagnostics);
        if diagnostics.has_error() {
            return;
        }
        warn(self.config, &target.as_found, diagnostics);
        super::attributes::encryption::warn(&target.as_found, self.prior, diagnostics);
        response.planned_state = encode(&target.model);
        if let Some(prior) = self.prior {
            if target.model == *prior {
                response.planned_state = prior_state;
                return;
            }
            response.requires_replace = replaced_by(prior, self.config, &target.model);
            if response.requires_replace.is_empty() {
                refuse_moves(prior, &target.model, diagnostics);
            }
            if diagnostics.has_error() {
                return;
            }
        }
        let replacing = !response.requires_replace.is_empty();
        if let Some(session) = self.session {
            if replacing {
                // The second plan of a replacement is a create; it finds this mark in its private state.
                self.private.replacing = true;
                self.check_replacement(session, diagnostics).await;
            } else {
                let spec = target.spec.as_ref();
                if let Some(spec) = spec.filter(|spec| self.is_in_state(spec)) {
                    report::in_state(&spec.source.name, diagnostics);
                    return;
                }
                if let Some(spec) = spec.filter(|_| self.asked_for) {
                    refuse_to_empty(session, spec, ASKED_FOR, diagnostics).await;
                } else if let Some(spec) = spec.filter(|spec| self.is_left(spec)) {
                    refuse_to_empty(session, spec, LEFT, diagnostics).await;
                }
                self.check(session, spec, &target.model, diagnostics).await;
            }
        }
        if self.prior.is_some() && !replacing {
            self.private.replacing = false;
        }
        // Where this replaces something tainted, Terraform hands what a plan of something new stores to the destroy of
        // that; and a failed create made it, so that destroy never empties a bucket. A create takes the mark off. Of any
        // other replacement the mark is `replacing`.
        self.private.remainder |= self.prior.is_none() && !self.private.replacing;
        response.planned_private = self.private.write();
    }

    /// Everything that can be known before an apply about whether it will work.
    async fn check(
        &self,
        session: &Session,
        spec: Option<&Spec>,
        model: &BucketModel,
        diagnostics: &mut Diagnostics,
    ) {
        enter_anew(session, model, &self.private, diagnostics).await;
        if diagnostics.has_error() {
            return;
        }
        let prior_spec = self
            .prior
            .and_then(|prior| expand(prior, &session.settings).ok())
            .map(|spec| self.private.recall(spec));
        let refused = prior_spec
            .as_ref()
            .zip(spec)
            .is_some_and(|(prior, spec)| roles::refuse_another_path(prior, spec, diagnostics));
        if let Some(spec) = spec
            && !self.makes_anew(spec)
            && !refused
        {
            let (prior, prior_spec) = (self.prior, prior_spec.as_ref());
            preflight::check(session, spec, model, prior, prior_spec, diagnostics).await;
        } else if let Some(spec) = spec {
            let nothing = Observed::default();
            permissions::tell_new(spec, prior_spec.as_ref(), &nothing, diagnostics);
        }
        if let Some(spec) = spec {
            role_size::check(session, spec, prior_spec.as_ref(), diagnostics).await;
            policies::check_lock_out(session, spec, prior_spec.as_ref(), diagnostics).await;
            let prior = prior_spec.as_ref();
            Box::pin(verification::plan::check(
                session,
                spec,
                prior,
                model,
                diagnostics,
            ))
            .await;
        }
        let Some((prior, prior_spec)) = self.prior.zip(prior_spec) else {
            return;
        };
        let Leaving { going, kept } =
            match leaving(session, prior, &prior_spec, model, &self.private, None).await {
                Ok(leaving) => leaving,
                Err(errors) => {
                    super::report::read_errors(&errors, diagnostics);
                    return;
                }
            };
        gone::warn(prior, model, diagnostics);
        warn_of_released(&prior_spec, model, diagnostics);
        let owner = prior_spec.owner();
        for (side, bucket, seen) in &going.buckets {
            if !warn_if_abandoned(prior, side, &session.settings, diagnostics) {
                warn_of_leaving(&owner, side, bucket, seen, prior, model, diagnostics);
            }
        }
        for obstacle in kept {
            diagnostics.error_at(
                side_path(&obstacle.side),
                obstacle.summary(),
                format!(
                    "{}, but {obstacle}. {} Then make this change.{} Nothing was changed.",
                    why_it_goes(&obstacle.side, model),
                    obstacle.why.way_out(),
                    if_renamed(prior, &obstacle.side, &obstacle.bucket, model)
                ),
            );
        }
    }

    /// Whether this is the second half of a replacement: what is there now will be gone by then.
    fn makes_anew(&self, spec: &Spec) -> bool {
        self.is_left(spec) || (self.prior.is_none() && self.private.replacing)
    }

    /// Whether this makes anew what a failed create left.
    fn is_left(&self, spec: &Spec) -> bool {
        self.prior.is_none() && self.shared.is_remainder(&spec.owner())
    }

    /// Whether this makes anew what is in the state, and nobody asks for a replacement.
    fn is_in_state(&self, spec: &Spec) -> bool {
        self.prior.is_none() && !self.makes_anew(spec) && self.shared.is_in_state(&spec.owner())
    }

    /// Looks at what a replacement that the configuration makes necessary deletes.
    async fn check_replacement(&self, session: &Session, diagnostics: &mut Diagnostics) {
        let Some(prior) = self.prior else { return };
        let Ok(spec) = expand(prior, &session.settings) else {
            return;
        };
        let why = format!(
            "The source's name, account or region changed, so the resource {} would be deleted and made anew. A replacement never empties a bucket, whatever force_destroy says. Keep the old configuration and add a second resource, or empty <bucket> first",
            import_id(prior, &spec)
        );
        refuse_to_empty(session, &spec, &why, diagnostics).await;
    }
}

const ASKED_FOR: &str = "The resource is to be replaced, so it would be deleted and made anew. A replacement never empties a bucket, whatever force_destroy says. Plan without `-replace`, or empty <bucket> first";

const LEFT: &str = "This is what a failed create left, and objects have come into it since. Neither a replacement nor a destroy of that empties a bucket, whatever force_destroy says. Empty it by hand, or run `terraform untaint ADDRESS`: the next apply then finishes what is there";

/// A replacement deletes every bucket and never empties one, so each must be empty already. `why` has `<bucket>` for
/// its name.
async fn refuse_to_empty(session: &Session, spec: &Spec, why: &str, diagnostics: &mut Diagnostics) {
    match preflight::filled_buckets(session, spec).await {
        Err(errors) => super::report::read_errors(&errors, diagnostics),
        Ok(filled) => {
            for (side, bucket) in filled {
                diagnostics.error_at(
                    side_path(&side).attribute("bucket"),
                    format!("Replacement would delete bucket {bucket}, which holds objects"),
                    format!("{}. Nothing was changed.", why.replace("<bucket>", &bucket)),
                );
            }
        }
    }
}

/// What in the configuration replaces the resource: only the source bucket's own name, account or region.
fn replaced_by(
    prior: &BucketModel,
    config: &BucketModel,
    model: &BucketModel,
) -> Vec<AttributePath> {
    let [Some(prior), Some(config), Some(model)] =
        [prior, config, model].map(|sides| sides.source.known())
    else {
        return Vec::new();
    };
    let source = AttributePath::root("source");
    let changed =
        |written: &Attr<String>, was: &Attr<String>| written.known().is_some() && written != was;
    [
        // A name that is not known yet is most likely a new one, and an apply cannot turn into a replacement.
        ("bucket", model.bucket != prior.bucket),
        ("account_id", changed(&config.account_id, &prior.account_id)),
        ("region", changed(&config.region, &prior.region)),
    ]
    .into_iter()
    .filter(|(_, changed)| *changed)
    .map(|(name, _)| source.attribute(name))
    .collect()
}

/// A destination elsewhere is another bucket, made before the old one goes; and a bucket's name is one for all of
/// AWS, so it needs another name.
fn refuse_moves(prior: &BucketModel, model: &BucketModel, diagnostics: &mut Diagnostics) {
    for (this, side) in model.sides() {
        let Some(bucket) = side.bucket.known() else {
            continue;
        };
        let Some((_, was)) = prior.side_of_bucket(bucket) else {
            continue;
        };
        for (name, was, is) in [
            ("account_id", &was.account_id, &side.account_id),
            ("region", &was.region, &side.region),
        ] {
            if let (Some(was), Some(is)) = (was.known(), is.known())
                && was != is
            {
                diagnostics.error_at(
                    side_path(&this).attribute(name),
                    format!("Bucket {bucket} cannot move"),
                    format!("{bucket} is in {was}, and the configuration says {is}. A bucket stays where it was made, and its name is taken as long as it is there: write another `bucket` as well, and a new bucket takes its place; or go back to {was}. Nothing was changed."),
                );
            }
        }
    }
}
