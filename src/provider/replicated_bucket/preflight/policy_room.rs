//! Whether what we want fits into policies that others write into as well, before anything is written.

use crate::execution::cloud::{CallError, CallErrorKind};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::known_entries;
use crate::framework::value::AttributePath;
use crate::provider::replicated_bucket::model::BucketModel;
use crate::provider::replicated_bucket::paths::{bucket_policy_path, key_policy_path, side_path};
use crate::provider::replicated_bucket::report;
use crate::provider::settings::Session;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::desired::{Desired, desire};
use crate::replication::diff::NO_POLICY;
use crate::replication::existing_keys::managed_keys;
use crate::replication::grants::{bucket_policy, key_policy_of};
use crate::replication::graph::{Action, StepGraph};
use crate::replication::ids::Location;
use crate::replication::observed::{Observed, ObservedKey, Presence};
use crate::replication::operation::{Answer, Input, Query};
use crate::replication::permission::AskedAnew;
use crate::replication::policy::{PolicyDocument, PolicyError};
use crate::replication::policy_room::{NoRoom, WhyNot, without_room};
use crate::replication::spec::{BucketSpec, Spec};

/// Refuses what does not fit into a document together with what others wrote there. Documents that state knows are read
/// where something else is wanted in them than before, where S3 asks for more by them, and where the refresh could not
/// make anything of them; from then on `observed` has them.
pub(crate) async fn check(
    session: &Session,
    spec: &Spec,
    prior: Option<(&BucketModel, &Spec)>,
    anew: &AskedAnew,
    observed: &mut Observed,
    diagnostics: &mut Diagnostics,
) {
    if let Err(error) = read_documents(session, spec, prior, anew, observed).await {
        report::read_errors(&[error], diagnostics);
        return;
    }
    let mut spec = spec.clone();
    spec.learn_keys(observed);
    let desired = desire(&spec, prior.map(|(_, prior)| prior), "");
    refuse(&spec, &desired, observed, diagnostics);
}

/// Refuses the documents that were looked at, would have to change, and cannot; whether there is one.
pub(crate) fn refuse(
    spec: &Spec,
    desired: &Desired,
    observed: &Observed,
    diagnostics: &mut Diagnostics,
) -> bool {
    let found = without_room(desired, observed);
    for NoRoom { component, of, why } in &found {
        let side = component.side();
        let bucket = spec.bucket(side);
        let writes_policy = bucket.is_some_and(|b| !b.policy.statements.is_empty());
        let owned_key = bucket.and_then(BucketSpec::owned_key);
        let (thing, path) = match component {
            ComponentId::Of(_, Part::BucketPolicy) if writes_policy => {
                ("bucket", bucket_policy_path(side))
            }
            ComponentId::Of(_, Part::BucketPolicy) => {
                ("bucket", side_path(side).attribute("bucket"))
            }
            _ if owned_key.is_some_and(|key| !key.policy.is_empty()) => {
                ("key", key_policy_path(side))
            }
            _ => ("key", side_path(side).attribute("encryption")),
        };
        match why {
            WhyNot::TooLong(why) => diagnostics.error_at(
                path,
                format!("The policy of {thing} {of} has no room"),
                format!("The statements of this resource cannot be written into the policy of {of} beside those that others wrote there: {why}. Shorten what is written here, or let somebody shorten theirs. Nothing was changed."),
            ),
            WhyNot::Unreadable(why) => {
                unreadable(path, &format!("{thing} {of}"), why, diagnostics);
            }
        }
    }
    !found.is_empty()
}

/// Refuses policies that stay and that our statements cannot be taken out of, because nobody here can read them.
pub(crate) fn refuse_unreadable(
    graph: &StepGraph,
    observed: &Observed,
    diagnostics: &mut Diagnostics,
) -> bool {
    let mut refused = false;
    for (_, step) in graph.steps() {
        let side = step.component.side();
        let seen = observed.buckets.get(side);
        let (thing, text) = match &step.action {
            Action::EditBucketPolicy { bucket, .. } => {
                let text = seen.and_then(|seen| seen.policy.present());
                (format!("bucket {bucket}"), text)
            }
            Action::EditKeyPolicy {
                key: Input::Known(arn),
                ..
            } => {
                let text = observed.managed_keys.get(arn);
                (format!("key {arn}"), text.and_then(Presence::present))
            }
            _ => continue,
        };
        if let Some(Err(why)) = text.map(|text| PolicyDocument::parse(text)) {
            refused = true;
            unreadable(side_path(side), &thing, &why, diagnostics);
        }
    }
    refused
}

/// A document in which our statements can neither be found nor written.
fn unreadable(path: AttributePath, thing: &str, why: &PolicyError, diagnostics: &mut Diagnostics) {
    diagnostics.error_at(
        path,
        format!("The policy of {thing} cannot be read"),
        format!("What others wrote there would be lost if it were written anew, so it is left as it is: {why}. Correct it, or let its owner do so. Nothing was changed."),
    );
}

/// Reads the documents that are to change, or by which S3 asks for more, and that were not looked at yet.
async fn read_documents(
    session: &Session,
    spec: &Spec,
    prior: Option<(&BucketModel, &Spec)>,
    anew: &AskedAnew,
    observed: &mut Observed,
) -> Result<(), CallError> {
    let Some((state, prior)) = prior else {
        // A create has looked at everything.
        return Ok(());
    };
    let lines = known_entries(&state.components);
    let is_unreadable = |side: &Side, part: Part| {
        let line = lines.get(&ComponentId::Of(side.clone(), part).to_string());
        line.is_some_and(|line| line.contains(NO_POLICY))
    };
    for (side, bucket) in spec.buckets() {
        let Some((before, _)) = prior.buckets().find(|(_, b)| b.name == bucket.name) else {
            continue;
        };
        if !bucket.is_reachable() {
            continue;
        }
        let at = &bucket.location;
        let seen = observed.buckets.entry(side.clone()).or_default();
        let is_new = bucket_policy(spec, &side) != bucket_policy(prior, &before)
            || is_unreadable(&before, Part::BucketPolicy)
            || anew.buckets.contains(&side);
        if is_new && bucket.policy_is_managed() && seen.policy == Presence::Unasked {
            let bucket = bucket.name.to_string();
            seen.policy = text(session, at, Query::GetBucketPolicy { bucket }).await?;
        }
        let key = bucket.owned_key().and_then(|key| key.arn.clone());
        if let Some(key) = key
            && (key_policy_of(spec, &side) != key_policy_of(prior, &before)
                || is_unreadable(&before, Part::Key)
                || anew.keys.contains(&side))
            && seen.key == Presence::Unasked
        {
            seen.key = own_key(session, at, key).await?;
        }
    }
    let before = managed_keys(prior);
    for (arn, key) in managed_keys(spec) {
        let is_new = before
            .get(&arn)
            .is_none_or(|before| before.policy != key.policy)
            || is_unreadable(&key.side, Part::Key);
        if is_new && !observed.managed_keys.contains_key(&arn) {
            let query = Query::GetKeyPolicy { key: arn.clone() };
            let policy = text(session, &key.location, query).await?;
            observed.managed_keys.insert(arn, policy);
        }
    }
    Ok(())
}

async fn own_key(
    session: &Session,
    at: &Location,
    key: String,
) -> Result<Presence<ObservedKey>, CallError> {
    let describe = Query::DescribeKey { key: key.clone() };
    let description = match session.cloud.query(at, &describe).await {
        Ok(Answer::Key(description)) => description,
        Ok(_) => return Ok(Presence::Unasked),
        Err(error) if error.kind == CallErrorKind::NotFound => return Ok(Presence::Absent),
        Err(error) => return Err(error),
    };
    Ok(Presence::Present(ObservedKey {
        description,
        policy: text(session, at, Query::GetKeyPolicy { key }).await?,
        rotation: Presence::Unasked,
        tags: Presence::Unasked,
        aliases: Presence::Unasked,
    }))
}

async fn text(
    session: &Session,
    at: &Location,
    query: Query,
) -> Result<Presence<String>, CallError> {
    match session.cloud.query(at, &query).await {
        Ok(Answer::Text(text)) => Ok(Presence::Present(text)),
        Ok(_) => Ok(Presence::Unasked),
        Err(error) if error.kind == CallErrorKind::NotFound => Ok(Presence::Absent),
        Err(error) => Err(error),
    }
}
