//! What existing buckets show of the values that a configuration leaves open: their own default encryption, and the
//! priorities that rules of others have. And whether they have Object Lock, on which the role's grants depend.
//!
//! A planned value follows only from the configuration, the refreshed state and the accounts. So at plan these are
//! unknown, and what is found serves for the checks alone; an apply fills them in.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use crate::execution::cloud::{CallError, CallErrorKind};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, known_entries};
use crate::provider::replicated_bucket::attributes::object_lock;
use crate::provider::replicated_bucket::default_key;
use crate::provider::replicated_bucket::model::{BucketModel, EncryptionModel, SideModel};
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::replicated_bucket::private::Private;
use crate::provider::replicated_bucket::report;
use crate::provider::replicated_bucket::values::effective::Found;
use crate::provider::replicated_bucket::values::expand::location;
use crate::provider::replicated_bucket::values::previous::previous;
use crate::provider::settings::Session;
use crate::replication::component::Side;
use crate::replication::ids::Location;
use crate::replication::operation::{Answer, BucketEncryption, Input, Query};

/// Looks at every existing bucket of which something is open. What is not there yet is left out.
pub(crate) async fn find(
    session: &Session,
    model: &BucketModel,
    prior: Option<&BucketModel>,
    private: &Private,
    diagnostics: &mut Diagnostics,
) -> Found {
    let locked = locks(model, prior, private);
    let open: Vec<(Side, &SideModel, Location)> = model
        .sides()
        .into_iter()
        .filter(|(side, bucket)| is_open(model, side, bucket, &locked))
        .filter_map(|(side, bucket)| {
            let at = location(&side, bucket, &session.settings).ok()?;
            Some((side, bucket, at))
        })
        .collect();
    let looks = open.iter().map(|(side, bucket, at)| async move {
        let name = bucket.bucket.known()?;
        let mut looked = look(session, side, name, at).await;
        if let Ok(Look::At(seen)) = &mut looked
            && let Some(back) = put_back(side, bucket, prior, private, &seen.encryption)
        {
            match shown(session, at, back).await {
                Ok(back) => seen.encryption = back,
                Err(error) => looked = Err(error),
            }
        }
        Some(looked)
    });
    let answers = join_all(looks).await;
    let ours = our_rules(model, prior, private);
    let mut found = Found::default();
    for ((side, bucket, _), answer) in open.iter().zip(answers) {
        match answer {
            None => {}
            Some(Ok(Look::Nothing)) => {
                found.missing.insert(side.clone());
            }
            Some(Ok(Look::In(region))) => {
                let name = bucket.bucket.known().map_or("", String::as_str);
                let path = side_path(side).attribute("region");
                report::another_region(path, name, &region, diagnostics);
            }
            Some(Ok(Look::At(seen))) => {
                found.encryption.insert(side.clone(), seen.encryption);
                let name = bucket.bucket.known().cloned().unwrap_or_default();
                found.locked.insert(name, seen.locked);
                let foreign = seen.priorities.into_iter();
                let foreign = foreign.filter(|(id, _)| !ours.contains(id));
                found.taken.extend(foreign.map(|(_, priority)| priority));
            }
            Some(Err(error)) => tell(side, &error, diagnostics),
        }
    }
    found
}

/// Whether the model leaves something open that the bucket itself shows.
fn is_open(
    model: &BucketModel,
    side: &Side,
    bucket: &SideModel,
    locked: &BTreeMap<String, bool>,
) -> bool {
    let unnumbered = |model: &BucketModel| {
        let sides = model.sides().into_iter();
        let mut rules = sides
            .filter(|(side, _)| *side != Side::Source)
            .filter_map(|(_, destination)| destination.stated_rules())
            .flat_map(BTreeMap::into_values);
        rules.any(|rule| rule.known().is_some_and(|rule| rule.priority.is_unknown()))
    };
    bucket.existing == Attr::Known(true)
        && !bucket.is_unreachable()
        && !bucket.reachable.is_unknown()
        && (bucket.encryption.is_unknown()
            || (*side == Side::Source && unnumbered(model))
            || (replicates(side, bucket)
                && bucket
                    .bucket
                    .known()
                    .is_some_and(|name| !locked.contains_key(name))))
}

/// Whether objects leave a side's bucket.
fn replicates(side: &Side, bucket: &SideModel) -> bool {
    *side == Side::Source || !matches!(bucket.two_way, Attr::Known(false) | Attr::Null)
}

/// Which existing buckets have Object Lock, by name, as the state and what a refresh left beside it tell.
pub(crate) fn locks(
    model: &BucketModel,
    prior: Option<&BucketModel>,
    private: &Private,
) -> BTreeMap<String, bool> {
    let mut locks = private.locked.clone();
    for (side, bucket) in model.sides() {
        let before = prior.and_then(|prior| previous(prior, &side, bucket).known().copied());
        // A bucket that was ours until now.
        if let Some(before) = before.filter(|before| before.existing == Attr::Known(false))
            && let Some((lock, _)) = object_lock::expand(&before.object_lock)
            && let Attr::Known(name) = &bucket.bucket
        {
            locks.insert(name.clone(), lock.is_some());
        }
    }
    locks
}

/// What a look came to.
enum Look {
    /// There is no such bucket.
    Nothing,
    /// It is in another region.
    In(String),
    /// It is there.
    At(Box<Seen>),
}

struct Seen {
    encryption: EncryptionModel,
    locked: bool,
    /// Rule IDs with their priorities.
    priorities: Vec<(String, i64)>,
}

/// Looks at one bucket.
async fn look(
    session: &Session,
    side: &Side,
    name: &str,
    at: &Location,
) -> Result<Look, CallError> {
    let bucket = || name.to_owned();
    let ask = async |query: Query| match session.cloud.query(at, &query).await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind == CallErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let Some(Answer::BucketRegion(region)) = ask(Query::HeadBucket { bucket: bucket() }).await?
    else {
        return Ok(Look::Nothing);
    };
    if region != at.region.as_str() {
        return Ok(Look::In(region));
    }
    let encryption = match ask(Query::GetBucketEncryption { bucket: bucket() }).await? {
        Some(Answer::Encryption(encryption)) => shown(session, at, encryption).await?,
        _ => EncryptionModel {
            sse_algorithm: Attr::Known("AES256".to_owned()),
            bucket_key_enabled: Attr::Known(false),
            ..EncryptionModel::default()
        },
    };
    let lock = ask(Query::GetObjectLockConfiguration { bucket: bucket() }).await?;
    let configuration = if *side == Side::Source {
        ask(Query::GetBucketReplication { bucket: bucket() }).await?
    } else {
        None
    };
    let priorities = match configuration {
        Some(Answer::Replication(configuration)) => configuration
            .rules
            .into_iter()
            .filter_map(|rule| Some((rule.id, i64::from(rule.priority?))))
            .collect(),
        _ => Vec::new(),
    };
    Ok(Look::At(Box::new(Seen {
        encryption,
        locked: lock.is_some(),
        priorities,
    })))
}

/// With the key's ARN, in whatever way the bucket names it.
async fn shown(
    session: &Session,
    at: &Location,
    encryption: BucketEncryption,
) -> Result<EncryptionModel, CallError> {
    let mut model = worked_out(&encryption);
    if encryption.key_to_look_up().is_some() {
        let looked_up = default_key::look_up(session, at, &encryption).await?;
        model.kms_key_arn = Attr::from_option(looked_up);
    }
    Ok(model)
}

fn worked_out(encryption: &BucketEncryption) -> EncryptionModel {
    let key = encryption.kms_key.as_ref().and_then(Input::known);
    EncryptionModel {
        sse_algorithm: Attr::Known(encryption.sse_algorithm.clone()),
        kms_key_arn: Attr::from_option(key.cloned()),
        bucket_key_enabled: Attr::Known(encryption.bucket_key_enabled),
        ..EncryptionModel::default()
    }
}

/// The default encryption that the bucket gets back in this very update, because ours is no longer wanted there.
fn put_back(
    side: &Side,
    bucket: &SideModel,
    prior: Option<&BucketModel>,
    private: &Private,
    there: &EncryptionModel,
) -> Option<BucketEncryption> {
    let before = prior.and_then(|prior| previous(prior, side, bucket).known().copied())?;
    let name = bucket.bucket.known()?;
    let is_there = |algorithm: &Attr<String>, key: Option<&String>| {
        there.sse_algorithm == *algorithm && there.kms_key_arn.known() == key
    };
    if before.enable_encryption == Attr::Known(true) {
        let ours = before.encryption.known()?;
        let stored = private.encryption_found.get(name)?;
        return is_there(&ours.sse_algorithm, before.kms_key_arn.known()).then(|| stored.into());
    }
    let left = private.leftovers().buckets.remove(name)?.encryption?;
    let ours = worked_out(&left.ours);
    is_there(&ours.sse_algorithm, ours.kms_key_arn.known()).then_some(left.found)
}

/// IDs of rules that are ours, now or until now, and of those that were to go before.
fn our_rules(
    model: &BucketModel,
    prior: Option<&BucketModel>,
    private: &Private,
) -> BTreeSet<String> {
    let left = private.leftovers().buckets.into_values();
    let models = std::iter::once(model).chain(prior);
    models
        .flat_map(BucketModel::sides)
        .flat_map(|(_, side)| known_entries(&side.rule_ids).into_values())
        .chain(left.flat_map(|left| left.rules))
        .collect()
}

fn tell(side: &Side, error: &CallError, diagnostics: &mut Diagnostics) {
    if error.kind == CallErrorKind::AccessDenied && error.call == "s3:HeadBucket" {
        report::name_taken(side_path(side).attribute("bucket"), error, diagnostics);
    } else {
        report::read_errors(std::slice::from_ref(error), diagnostics);
    }
}
