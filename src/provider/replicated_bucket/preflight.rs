//! Questions asked before anything is made: names free or ours, keys usable. No call of these changes anything,
//! and no answer fills an attribute.

use std::collections::BTreeMap;

use futures::future::join_all;

use super::acls;
use super::expand::side_path;
use super::model::BucketModel;
use super::others;
use super::plan::{in_state, replicates_in_state};
use super::{report, roles};
use crate::execution::cloud::{CallError, CallErrorKind};
use crate::execution::observe::{Purpose, observe, observe_bucket, observe_role, observe_rules};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::AttributePath;
use crate::provider::settings::Session;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::denials::denials_seen;
use crate::replication::desired::key_statements;
use crate::replication::observed::{Observed, ObservedBucket};
use crate::replication::operation::{Answer, Query};
use crate::replication::ownership::{Trust, claims};
use crate::replication::policy::{self, PolicyDocument};
use crate::replication::spec::{BucketSpec, ExistingKey, KeyChoice, Spec};
use time::OffsetDateTime;

/// Checks everything about `spec` that is not in state yet.
pub(super) async fn check(
    session: &Session,
    spec: &Spec,
    model: &BucketModel,
    prior: Option<&BucketModel>,
    diagnostics: &mut Diagnostics,
) {
    roles::check(spec, prior, diagnostics);
    let new: Vec<(Side, &BucketSpec)> = spec
        .buckets()
        .filter(|(side, _)| !in_state(prior, side, model))
        .collect();
    let mut of_keys = Diagnostics::new();
    let (observed, (), acls) = futures::join!(
        observe_new(session, spec, model, prior, &new),
        existing_keys(session, spec, prior, model, &mut of_keys),
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
            report::claims(spec, &found, diagnostics);
            roles::missing(spec, &observed, diagnostics);
            // What is in state was looked at by the refresh.
            others::warn_of_denials(spec, denials_seen(spec, &observed), diagnostics);
            for (side, bucket) in &new {
                if let Some(seen) = observed.buckets.get(side) {
                    region_of(side, bucket, seen, diagnostics);
                }
            }
        }
        Err(errors) => new_errors(&errors, spec, diagnostics),
    }
}

/// How far taking over may go: a resource with its source in state knows its own parts by their tags.
pub(super) fn trust(prior: Option<&BucketModel>) -> Trust {
    if prior.is_some() {
        Trust::Tags
    } else {
        Trust::Recent(OffsetDateTime::now_utc())
    }
}

/// Whether state knows a component.
pub(super) fn is_known(
    prior: Option<&BucketModel>,
    spec: &Spec,
    model: &BucketModel,
    component: &ComponentId,
) -> bool {
    match component {
        ComponentId::Of(side, Part::Key | Part::Alias) => spec
            .bucket(side)
            .and_then(BucketSpec::owned_key)
            .is_some_and(|key| key.arn.is_some()),
        ComponentId::Of(side, Part::Replication) => replicates_in_state(prior, side, model),
        ComponentId::Of(side, _) => in_state(prior, side, model),
        ComponentId::Role(side) | ComponentId::RolePolicy(side) => {
            let wanted = spec.direction(side).map(|d| d.role_arn().to_string());
            let mut before = prior.into_iter().flat_map(BucketModel::roles);
            before
                .any(|(_, role)| role.arn.known().is_some() && role.arn.known() == wanted.as_ref())
        }
    }
}

/// Buckets of a spec that hold anything.
pub(super) async fn filled_buckets(
    session: &Session,
    spec: &Spec,
) -> Result<Vec<(Side, String)>, Vec<CallError>> {
    let observed = observe(&*session.cloud, spec, Purpose::Destroy, &|_| true).await?;
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
    let roles = roles.filter(|direction| !known(ComponentId::Role(direction.from.clone())));
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
pub(super) fn new_errors(errors: &[CallError], spec: &Spec, diagnostics: &mut Diagnostics) {
    let (taken, other): (Vec<_>, Vec<_>) = errors
        .iter()
        .cloned()
        .partition(|e| e.call == "s3:HeadBucket" && e.kind == CallErrorKind::AccessDenied);
    for error in taken {
        let named = spec
            .buckets()
            .find(|(_, b)| b.name.as_str() == error.subject);
        let path = named.map_or_else(
            || AttributePath::root("source"),
            |(side, _)| side_path(&side).attribute("bucket"),
        );
        diagnostics.error_at(
            path,
            format!("Bucket {} cannot be looked at", error.subject),
            format!("{error}.\n\nEither the name belongs to another account (bucket names are one name space for all of AWS): choose another name. Or the identity that enters this account lacks s3:ListBucket on it. Nothing was changed."),
        );
    }
    report::read_errors(&other, diagnostics);
}

fn region_of(
    side: &Side,
    bucket: &BucketSpec,
    seen: &ObservedBucket,
    diagnostics: &mut Diagnostics,
) {
    if let Some(region) = seen.region.present()
        && *region != bucket.location.region.as_str()
    {
        diagnostics.error_at(
            side_path(side).attribute("region"),
            format!("Bucket {} is in another region", bucket.name),
            format!(
                "{} exists already, in {region} and not in {}.",
                bucket.name, bucket.location.region
            ),
        );
    }
}

/// Existing keys must be usable, and a destination's must let the role in.
async fn existing_keys(
    session: &Session,
    spec: &Spec,
    prior: Option<&BucketModel>,
    model: &BucketModel,
    diagnostics: &mut Diagnostics,
) {
    let new: Vec<(Side, &BucketSpec, &ExistingKey)> = spec
        .buckets()
        .filter_map(|(side, bucket)| match &bucket.encryption.key {
            Some(KeyChoice::Existing(key)) => Some((side, bucket, key)),
            _ => None,
        })
        .filter(|(side, _, key)| {
            let before = model.side(side).and_then(|now| {
                let prior = prior?;
                prior
                    .side_of_bucket(now.bucket.known()?)
                    .map(|(_, side)| side)
            });
            before.and_then(|b| b.kms_key_arn.known()) != Some(&key.arn)
        })
        .collect();
    let answers = join_all(new.iter().map(|(_, bucket, key)| async {
        let arn = &key.arn;
        let at = key.location.as_ref().unwrap_or(&bucket.location);
        let (describe, read) = (
            Query::DescribeKey { key: arn.clone() },
            Query::GetKeyPolicy { key: arn.clone() },
        );
        futures::join!(
            session.cloud.query(at, &describe),
            session.cloud.query(at, &read)
        )
    }))
    .await;
    for ((side, bucket, existing), (description, document)) in new.into_iter().zip(answers) {
        let arn = &existing.arn;
        let path = side_path(&side)
            .attribute("encryption")
            .attribute("kms_key_arn");
        let foreign = existing.location.is_none();
        match description {
            Ok(Answer::Key(key)) => {
                let wrong = if key.state != "Enabled" {
                    Some(format!("its state is {}", key.state))
                } else if key.key_spec != "SYMMETRIC_DEFAULT" || key.key_usage != "ENCRYPT_DECRYPT"
                {
                    Some(format!(
                        "it is a {} key for {}",
                        key.key_spec, key.key_usage
                    ))
                } else {
                    None
                };
                if let Some(wrong) = wrong {
                    diagnostics.error_at(
                        path.clone(),
                        "The key cannot be used",
                        format!("S3 needs an enabled symmetric encryption key; of {arn} {wrong}."),
                    );
                }
            }
            Err(error) if error.kind == CallErrorKind::NotFound && !foreign => {
                diagnostics.error_at(path.clone(), "The key does not exist", format!("{error}."));
            }
            // A key of a third account, or one that may be used and not described, cannot be judged from here.
            _ => {}
        }
        let statements = key_statements(spec, &side);
        if statements.is_empty() || existing.manage_policy {
            continue;
        }
        let granted = matches!(&document, Ok(Answer::Text(text)) if grants(text, &statements));
        if !granted {
            let needed = PolicyDocument::new(statements);
            diagnostics.warning_at(
                path,
                "The key's policy must let the role in",
                format!("Objects in {} are encrypted under {arn}, whose policy does not hold this statement (or could not be read):\n\n{}\n\nUntil its owner adds it, objects fail to replicate. With manage_key_policy = true it is merged into the policy.", bucket.name, needed.pretty()),
            );
        }
    }
}

fn grants(text: &str, statements: &[policy::Statement]) -> bool {
    PolicyDocument::parse(text).is_ok_and(|document| {
        statements.iter().all(|wanted| {
            document
                .statements
                .iter()
                .any(|there| policy::same_grant(there, wanted))
        })
    })
}
