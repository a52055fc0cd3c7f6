//! Questions asked before anything is made: names free or ours, keys usable. No call of these changes anything,
//! and no answer fills an attribute.

pub(crate) mod acls;
pub(crate) mod adoption;
pub(crate) mod existing_keys;
pub(crate) mod lost_grants;
pub(crate) mod others;
pub(crate) mod permissions;
pub(crate) mod policy_room;
pub(crate) mod policy_sizes;
pub(crate) mod role_grants;
pub(crate) mod role_size;
pub(crate) mod roles;
mod taken_over;

use std::collections::BTreeMap;

use futures::future::join_all;

use super::attributes::existing;
use super::model::BucketModel;
use super::report;
use super::values::previous::{in_state, replicates_in_state};
use crate::execution::cloud::{CallError, CallErrorKind};
use crate::execution::observe::{
    Purpose, known_to_state, observe, observe_bucket, observe_role, observe_rules,
};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::value::AttributePath;
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::settings::Session;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::grants::managed_policy_count;
use crate::replication::observed::{Observed, ObservedBucket};
use crate::replication::ownership::{Trust, claims};
use crate::replication::permission::asked_anew;
use crate::replication::rules::rules_share;
use crate::replication::rules_size;
use crate::replication::spec::{BucketSpec, Spec};
use time::OffsetDateTime;

/// Checks everything about `spec` that is not in state yet.
pub(crate) async fn check(
    session: &Session,
    spec: &Spec,
    model: &BucketModel,
    prior: Option<&BucketModel>,
    prior_spec: Option<&Spec>,
    diagnostics: &mut Diagnostics,
) {
    roles::refuse_shared(spec, diagnostics);
    rules_size(spec, diagnostics);
    let new: Vec<(Side, &BucketSpec)> = spec
        .buckets()
        .filter(|(_, bucket)| bucket.is_reachable())
        .filter(|(side, _)| {
            !in_state(prior, side, model)
                || prior.is_some_and(|prior| existing::is_to_be_looked_at(prior, model, side))
        })
        .collect();
    let mut of_keys = Diagnostics::new();
    let (observed, keys, acls) = futures::join!(
        observe_new(session, spec, model, prior, &new),
        existing_keys::check(session, spec, model, prior, &mut of_keys),
        acls::foreign_grants(session, spec, prior, model),
    );
    diagnostics.extend(of_keys);
    diagnostics.extend(acls);
    match observed {
        Ok(observed) => {
            let trust = trust(prior);
            let found = claims(
                spec,
                &observed,
                &|component| is_known(prior, spec, model, component),
                trust,
            );
            report::claims(model, spec, &found, diagnostics);
            taken_over::warn(spec, &observed, &found, diagnostics);
            roles::missing(spec, &observed, diagnostics);
            existing::refuse(spec, prior_spec, &observed, false, diagnostics);
            let before = prior.zip(prior_spec);
            let mut observed = observed;
            let anew = asked_anew(spec, prior_spec);
            policy_room::check(session, spec, before, &anew, &mut observed, diagnostics).await;
            if let Some(prior_spec) = prior_spec {
                adoption::check(spec, prior_spec, &observed, diagnostics);
            }
            observed.theirs.keys = keys;
            permissions::check(session, spec, before, &anew, observed, diagnostics).await;
        }
        Err(errors) => new_errors(&errors, spec, diagnostics),
    }
}

/// How far taking over may go: a resource with its source in state knows its own parts by their tags.
pub(crate) fn trust(prior: Option<&BucketModel>) -> Trust {
    if prior.is_some() {
        Trust::Tags
    } else {
        Trust::Recent(OffsetDateTime::now_utc())
    }
}

/// Whether state knows a component.
pub(crate) fn is_known(
    prior: Option<&BucketModel>,
    spec: &Spec,
    model: &BucketModel,
    component: &ComponentId,
) -> bool {
    match component {
        ComponentId::Of(side, Part::Key) => spec
            .bucket(side)
            .and_then(BucketSpec::owned_key)
            .is_some_and(|key| key.arn.is_some()),
        ComponentId::Of(side, Part::Alias) => {
            let wanted = spec.bucket(side).and_then(BucketSpec::owned_key);
            has_line(prior, component, wanted.map(|key| key.alias.as_str()))
        }
        ComponentId::Of(side, Part::Replication) => replicates_in_state(prior, side, model),
        ComponentId::Of(side, _) => in_state(prior, side, model),
        ComponentId::RetiredKey(..) => true,
        ComponentId::ManagedPolicy(side, number) => {
            let wanted = spec.direction(side).map(|d| d.managed_policy_arn(*number));
            has_line(prior, component, wanted.as_deref())
        }
        ComponentId::Role(side) | ComponentId::RolePolicy(side) => {
            let wanted = spec.direction(side).map(|d| d.role_arn().to_string());
            let mut before = prior.into_iter().flat_map(BucketModel::roles);
            before
                .any(|(_, role)| role.arn.known().is_some() && role.arn.known() == wanted.as_ref())
        }
    }
}

/// Whether the line of a component in state is about this thing; behind it may stand what differs.
fn has_line(prior: Option<&BucketModel>, component: &ComponentId, name: Option<&str>) -> bool {
    let lines = prior.and_then(|prior| prior.components.known());
    let line = lines.and_then(|lines| lines.get(&component.to_string()));
    let rest = line.and_then(Attr::known).zip(name);
    rest.and_then(|(line, name)| line.strip_prefix(name))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// Buckets of a spec that hold anything.
pub(crate) async fn filled_buckets(
    session: &Session,
    spec: &Spec,
) -> Result<Vec<(Side, String)>, Vec<CallError>> {
    let mut untouched = spec.clone();
    untouched.never_empty();
    let observed = observe(
        &*session.cloud,
        &untouched,
        Purpose::Destroy,
        &known_to_state,
    )
    .await?;
    Ok(spec
        .buckets()
        .filter(|(_, bucket)| !bucket.stays())
        .filter(|(side, _)| {
            observed
                .buckets
                .get(side)
                .is_some_and(|seen| seen.empty.present() == Some(&false))
        })
        .map(|(side, bucket)| (side, bucket.name.to_string()))
        .collect())
}

/// Looks at what state does not know: everything for a create, else new buckets, roles and ways back.
async fn observe_new(
    session: &Session,
    spec: &Spec,
    model: &BucketModel,
    prior: Option<&BucketModel>,
    new: &[(Side, &BucketSpec)],
) -> Result<Observed, Vec<CallError>> {
    let cloud = &*session.cloud;
    if prior.is_none() {
        return observe(cloud, spec, Purpose::Create, &|_| false).await;
    }
    let known = |component: ComponentId| is_known(prior, spec, model, &component);
    let is_new = |side: &Side| new.iter().any(|(new, _)| new == side);
    let buckets = join_all(new.iter().map(|(side, bucket)| async move {
        let seen = observe_bucket(cloud, spec, side, bucket, Purpose::Create, false).await?;
        Ok((side.clone(), seen))
    }));
    let roles = spec.directions();
    let roles = roles.filter(|direction| {
        let from = &direction.from;
        let mut policies = 1..=managed_policy_count(direction);
        !known(ComponentId::Role(from.clone()))
            || policies.any(|number| !known(ComponentId::ManagedPolicy(from.clone(), number)))
    });
    let roles = join_all(roles.map(|direction| async move {
        let seen = observe_role(cloud, &direction, Purpose::Create).await?;
        Ok((direction.from, seen))
    }));
    let rules = spec.directions().filter(|direction| {
        let from = direction.from.clone();
        !is_new(&from) && !known(ComponentId::Of(from, Part::Replication))
    });
    let rules = join_all(rules.map(|direction| async move {
        let replication = observe_rules(cloud, &direction).await?;
        let seen = ObservedBucket {
            replication,
            ..ObservedBucket::default()
        };
        Ok((direction.from, seen))
    }));
    let (buckets, roles, rules) = futures::join!(buckets, roles, rules);
    let mut errors = Vec::new();
    let buckets = buckets.into_iter().chain(rules);
    let observed = Observed {
        buckets: found(buckets, &mut errors),
        roles: found(roles, &mut errors),
        ..Observed::default()
    };
    if errors.is_empty() {
        Ok(observed)
    } else {
        Err(errors)
    }
}

/// What was seen on each side; what failed goes to `errors`.
fn found<T>(
    looks: impl IntoIterator<Item = Result<(Side, T), CallError>>,
    errors: &mut Vec<CallError>,
) -> BTreeMap<Side, T> {
    let looks = looks.into_iter();
    looks
        .filter_map(|look| look.map_err(|error| errors.push(error)).ok())
        .collect()
}

/// Errors of the first look at names: "forbidden" means that somebody else has the name.
pub(crate) fn new_errors(errors: &[CallError], spec: &Spec, diagnostics: &mut Diagnostics) {
    let (taken, other): (Vec<_>, Vec<_>) = errors
        .iter()
        .cloned()
        .partition(|e| e.call == "s3:HeadBucket" && e.kind == CallErrorKind::AccessDenied);
    let path = |error: &CallError, attribute: &str| {
        let mut buckets = spec.buckets();
        let named = buckets.find(|(_, b)| b.name.as_str() == error.subject);
        named.map_or_else(
            || AttributePath::root("source"),
            |(side, _)| side_path(&side).attribute(attribute),
        )
    };
    for error in taken {
        report::name_taken(path(&error, "bucket"), &error, diagnostics);
    }
    let (elsewhere, other): (Vec<_>, Vec<_>) = other
        .into_iter()
        .partition(|e| e.call == "s3:HeadBucket" && e.kind == CallErrorKind::AlreadyExists);
    for error in elsewhere {
        diagnostics.error_at(
            path(&error, "region"),
            format!("Bucket {} is in another region", error.subject),
            format!("{error}. Write that region, or choose another name. Nothing was changed."),
        );
    }
    report::read_errors(&other, diagnostics);
}

/// S3 takes 2 MB in a replication configuration.
fn rules_size(spec: &Spec, diagnostics: &mut Diagnostics) {
    for direction in spec.directions() {
        let configuration = rules_share(&direction, None).alone();
        let size = rules_size::size(&configuration);
        if size > rules_size::LONGEST {
            diagnostics.error_at(
                AttributePath::root("destinations"),
                "The rules are too long",
                format!(
                    "The {} rules of bucket {} would have {size} bytes, and S3 takes {}. Use fewer rules, with shorter filters. Nothing was changed.",
                    configuration.rules.len(),
                    direction.bucket.name,
                    rules_size::LONGEST
                ),
            );
        }
    }
}
