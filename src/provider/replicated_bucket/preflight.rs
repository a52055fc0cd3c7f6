//! Questions asked before anything is made: names free or ours, keys usable. No call of these changes anything,
//! and no answer fills an attribute.

use futures::future::join_all;

use super::acls;
use super::expand::side_path;
use super::model::BucketModel;
use super::others;
use super::plan::in_state;
use super::report;
use crate::execution::cloud::{CallError, CallErrorKind};
use crate::execution::observe::{Purpose, observe, observe_bucket};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::AttributePath;
use crate::provider::settings::Session;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::denials::denials_seen;
use crate::replication::desired::{key_statements, role_document};
use crate::replication::observed::{Observed, ObservedBucket};
use crate::replication::operation::{Answer, Query};
use crate::replication::ownership::{Trust, claims};
use crate::replication::policy::{self, PolicyDocument, PolicyKind};
use crate::replication::spec::{BucketSpec, ExistingKey, KeyChoice, RoleOwnership, Spec};
use time::OffsetDateTime;

/// Checks everything about `spec` that is not in state yet.
pub(super) async fn check(
    session: &Session,
    spec: &Spec,
    model: &BucketModel,
    prior: Option<&BucketModel>,
    diagnostics: &mut Diagnostics,
) {
    existing_role(spec, prior, diagnostics);
    role_policy_size(spec, diagnostics);
    let new: Vec<(Side, &BucketSpec)> = spec
        .buckets()
        .filter(|(side, _)| !in_state(prior, side, model))
        .collect();
    let mut of_keys = Diagnostics::new();
    let (observed, (), acls) = futures::join!(
        observe_new(session, spec, prior, &new),
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
            missing_role(spec, &observed, diagnostics);
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
        ComponentId::Of(side, _) => in_state(prior, side, model),
        ComponentId::Role(side) | ComponentId::RolePolicy(side) => {
            let role = prior.and_then(|p| p.role.known());
            let direction = spec.direction(side);
            role.zip(direction).is_some_and(|(role, direction)| {
                role.arn.known() == Some(&direction.role_arn().to_string())
            })
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

async fn observe_new(
    session: &Session,
    spec: &Spec,
    prior: Option<&BucketModel>,
    new: &[(Side, &BucketSpec)],
) -> Result<Observed, Vec<CallError>> {
    if prior.is_none() {
        return observe(&*session.cloud, spec, Purpose::Create, &|_| false).await;
    }
    let seen = join_all(new.iter().map(|(side, bucket)| {
        observe_bucket(&*session.cloud, spec, side, bucket, Purpose::Create, false)
    }))
    .await;
    let mut observed = Observed::default();
    let mut errors = Vec::new();
    for ((side, _), seen) in new.iter().zip(seen) {
        match seen {
            Ok(seen) => {
                observed.buckets.insert(side.clone(), seen);
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(observed)
    } else {
        Err(errors)
    }
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

/// An existing role whose policy is not ours to write gets a warning with the document that it needs.
fn existing_role(spec: &Spec, prior: Option<&BucketModel>, diagnostics: &mut Diagnostics) {
    let RoleOwnership::Existing { manage_policy } = spec.role.ownership else {
        return;
    };
    let outward = spec.outward();
    let arn = outward.role_arn();
    let path = AttributePath::root("role").attribute("existing_arn");
    if manage_policy {
        return;
    }
    let document = role_document(&outward);
    let told = prior
        .and_then(|p| p.role.known())
        .is_some_and(|role| role.policy_json.known() == document.render().ok().as_ref());
    if !told {
        diagnostics.warning_at(
            path,
            "The existing role must grant this",
            format!("manage_policy is false, so {arn} is left as it is. For replication it needs:\n\n{}", document.pretty()),
        );
    }
}

/// An existing role must exist; whether it does not. S3 accepts rules with a role that is not there, and then
/// replicates nothing.
pub(super) fn missing_role(
    spec: &Spec,
    observed: &Observed,
    diagnostics: &mut Diagnostics,
) -> bool {
    let missing = matches!(spec.role.ownership, RoleOwnership::Existing { .. })
        && observed.role(&Side::Source).is_absent();
    if missing {
        diagnostics.error_at(
            AttributePath::root("role").attribute("existing_arn"),
            "The existing role does not exist",
            format!("There is no role {}. Correct role.existing_arn, or leave it out: then a role is made. Nothing was changed.", spec.outward().role_arn()),
        );
    }
    missing
}

/// IAM takes 10,240 characters in a role's inline policies.
fn role_policy_size(spec: &Spec, diagnostics: &mut Diagnostics) {
    let text = role_document(&spec.outward()).to_string();
    if let Err(error) = policy::check_size(PolicyKind::RoleInline, &text) {
        diagnostics.error_at(
            AttributePath::root("destinations"),
            "Too many destinations for one role",
            format!("{error}. Spread the destinations over several source buckets."),
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
