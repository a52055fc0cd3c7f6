//! What an update leaves behind: destinations, a role and aliases that the configuration no longer has.

use futures::future::{join_all, try_join_all};

use super::release::given_up;
use crate::execution::cloud::{CallError, CallErrorKind};
use crate::execution::observe::{Purpose, observe_bucket, observe_role};
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::BucketModel;
use crate::provider::replicated_bucket::private::Private;
use crate::provider::replicated_bucket::values::previous::previous_destination;
use crate::provider::settings::{EnterError, Session};
use crate::replication::component::{ComponentId, Side};
use crate::replication::direction::superseded;
use crate::replication::observed::Presence;
use crate::replication::obstacle::{Obstacle, obstacles};
use crate::replication::ownership::{Trust, judge, other_owner};
use crate::replication::plan::{Going, GoingDirection};
use crate::replication::spec::{BucketSpec, RoleOwnership, Spec};
use crate::replication::unfinished::roles_left;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What goes, and what cannot.
pub(crate) struct Leaving {
    /// What is taken down.
    pub(crate) going: Going,
    /// Buckets that hold objects and may not be emptied.
    pub(crate) kept: Vec<Obstacle>,
}

/// Looks at what the new model no longer has. Without its `spec`, only what decides
/// whether it can go is looked at.
pub(crate) async fn leaving(
    session: &Session,
    prior: &BucketModel,
    prior_spec: &Spec,
    model: &BucketModel,
    private: &Private,
    spec: Option<&Spec>,
) -> Result<Leaving, Vec<CallError>> {
    let mut going = Going::default();
    let mut errors = Vec::new();
    let gone: Vec<(Side, BucketSpec)> = prior_spec
        .destinations
        .iter()
        .filter(|(key, _)| !stays(prior, key, model))
        .map(|(key, destination)| {
            let mut bucket = destination.bucket.clone();
            if private.remainder {
                bucket.never_empty();
            }
            (Side::Destination(key.clone()), bucket)
        })
        .collect();
    let seen = join_all(gone.iter().map(|(side, bucket)| async {
        let bucket = enterable(session, private, bucket).await;
        let look = observe_bucket(
            &*session.cloud,
            prior_spec,
            side,
            &bucket,
            Purpose::Destroy,
            true,
        );
        look.await.map(|seen| (bucket, seen))
    }))
    .await;
    for ((side, _), seen) in gone.into_iter().zip(seen) {
        match seen {
            Ok((bucket, seen)) => going.buckets.push((side, bucket, seen)),
            Err(error) => errors.push(error),
        }
    }
    if let Some(spec) = spec {
        match old_directions(session, private, prior_spec, spec).await {
            Ok(directions) => going.directions = directions,
            Err(error) => errors.push(error),
        }
        match directions_left(session, private, prior_spec).await {
            Ok(directions) => going.directions.extend(directions),
            Err(error) => errors.push(error),
        }
        old_aliases(prior_spec, model, &mut going);
        match given_up(session, prior_spec, model).await {
            Ok(given_up) => going.given_up = given_up,
            Err(more) => errors.extend(more),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let buckets = || going.buckets.iter();
    let leave = buckets().map(|(side, bucket, _)| (side.clone(), bucket));
    let callers = callers(session, leave).await;
    let kept = obstacles(
        &prior_spec.owner(),
        buckets().map(|(side, bucket, seen)| (side, bucket, seen)),
        &callers,
        time::OffsetDateTime::now_utc(),
    );
    Ok(Leaving { going, kept })
}

/// Who enters the accounts of buckets that go, as far as that is known.
pub(crate) async fn callers<'a>(
    session: &Session,
    buckets: impl Iterator<Item = (Side, &'a BucketSpec)>,
) -> BTreeMap<Side, String> {
    let go = buckets.filter(|(_, bucket)| !bucket.stays());
    let entered = join_all(go.map(|(side, bucket)| async {
        let at = &bucket.location;
        if session.settings.abandoned.contains(&at.account) {
            return None;
        }
        // A location that cannot be entered is told by the calls there.
        let caller = session.enter(&at.way_in, &at.region, None).await.ok()?;
        Some((side, caller.arn))
    }));
    entered.await.into_iter().flatten().collect()
}

/// The spec with ways in that work.
pub(crate) async fn reachable(session: &Session, private: &Private, mut spec: Spec) -> Spec {
    join_all(spec.buckets_mut().map(|bucket| async {
        *bucket = enterable(session, private, bucket).await;
    }))
    .await;
    spec
}

/// The bucket with a way in that works, or as it is where none does: the call that follows tells why.
pub(crate) async fn enterable(
    session: &Session,
    private: &Private,
    bucket: &BucketSpec,
) -> BucketSpec {
    entered(session, private, bucket)
        .await
        .unwrap_or_else(|| bucket.clone())
}

/// The bucket with a way in that works: the one in state, else the one that was resolved before, else that of
/// the provider's `account` block.
pub(crate) async fn entered(
    session: &Session,
    private: &Private,
    bucket: &BucketSpec,
) -> Option<BucketSpec> {
    if !bucket.is_reachable() {
        return Some(bucket.clone());
    }
    let at = &bucket.location;
    let account = at.account.as_str();
    if session.settings.abandoned.contains(&at.account) {
        // Nobody goes there.
        return Some(bucket.clone());
    }
    let stored = private.ways.get(account).map(|way| Arc::new(way.into()));
    let block = session.settings.accounts.get(account).cloned();
    let ways = [Some(at.way_in.clone()), stored, block.map(Arc::new)];
    for way_in in ways.into_iter().flatten() {
        let entered = session.enter(&way_in, &at.region, Some(account)).await;
        if let Err(EnterError::Call(error)) = &entered
            && error.kind == CallErrorKind::TimedOut
        {
            // Nobody knows whether it works, and there is no time left to find out.
            return Some(bucket.clone());
        }
        if entered.is_ok_and(|identity| identity.account == at.account) {
            let mut bucket = bucket.clone();
            bucket.location.way_in = way_in;
            return Some(bucket);
        }
    }
    None
}

fn stays(prior: &BucketModel, key: &str, model: &BucketModel) -> bool {
    let Some(before) = prior.side(&Side::Destination(key.to_owned())) else {
        return false;
    };
    model.destinations.known().is_none_or(|destinations| {
        destinations.values().any(|side| match side.known() {
            Some(now) => match previous_destination(prior, now) {
                Attr::Known(previous) => std::ptr::eq(previous, before),
                Attr::Unknown => true,
                Attr::Null => false,
            },
            // What is unknown yet may be this very bucket.
            None => true,
        })
    })
}

/// Directions that end or get another role, with what was seen of their roles.
async fn old_directions(
    session: &Session,
    private: &Private,
    prior_spec: &Spec,
    spec: &Spec,
) -> Result<Vec<GoingDirection>, CallError> {
    // In a role of somebody else's there is at most our policy to take away.
    let untouched = &RoleOwnership::Existing {
        manage_policy: false,
    };
    let superseded = superseded(prior_spec, spec);
    try_join_all(superseded.into_iter().map(|(direction, rules)| async move {
        let from = direction.from.clone();
        let mut before = prior_spec.clone();
        let bucket = enterable(session, private, direction.bucket).await;
        if let Some(before) = before.bucket_mut(&from) {
            *before = bucket;
        }
        let role = match before.direction(&from) {
            Some(direction) if direction.role.ownership != *untouched => {
                observe_role(&*session.cloud, &direction, Purpose::Destroy).await?
            }
            _ => Presence::Absent,
        };
        // A role that another resource made under the name is not the one that goes.
        let owner = prior_spec.owner();
        let role = role.present();
        let role = role.filter(|role| other_owner(&owner, &role.description.tags).is_none());
        let role = role.cloned();
        Ok(GoingDirection {
            spec: before,
            from,
            rules,
            role,
        })
    }))
    .await
}

/// Roles that failed updates made and nothing uses, as far as they are still there and ours.
pub(crate) async fn directions_left(
    session: &Session,
    private: &Private,
    prior_spec: &Spec,
) -> Result<Vec<GoingDirection>, CallError> {
    let owner = prior_spec.owner();
    let left = roles_left(prior_spec).into_iter();
    let looks = left.map(|(from, role)| async {
        let mut spec = prior_spec.clone();
        if let Some(bucket) = spec.bucket_mut(&from) {
            *bucket = enterable(session, private, bucket).await;
        }
        spec.set_role(&from, role);
        let Some(direction) = spec.direction(&from) else {
            return Ok(None);
        };
        let role = observe_role(&*session.cloud, &direction, Purpose::Destroy).await?;
        let ours = role.present().filter(|role| {
            let component = ComponentId::Role(from.clone());
            judge(&owner, &component, &role.description.tags, Trust::Tags).is_ok()
        });
        let role = ours.cloned();
        Ok(role.map(|role| GoingDirection {
            from,
            rules: false,
            role: Some(role),
            spec,
        }))
    });
    let found = try_join_all(looks).await?;
    Ok(found.into_iter().flatten().collect())
}

/// Aliases that keys had until now, and those that were to go before.
fn old_aliases(prior_spec: &Spec, model: &BucketModel, going: &mut Going) {
    for (side, bucket) in prior_spec.buckets() {
        let mut old = bucket.leftovers.aliases.clone();
        // Under whatever key the bucket now stands; a bucket that goes takes its alias with it.
        if let Some((_, now)) = model.side_of_bucket(bucket.name.as_str()) {
            // A bucket that is left to its owner keeps everything.
            let released = bucket.settings().is_some() && now.existing == Attr::Known(true);
            let before = bucket
                .owned_key()
                .filter(|key| key.arn.is_some() && !released);
            old.extend(before.map(|key| key.alias.clone()));
            let encryption = now.encryption.known();
            let key = encryption.and_then(|encryption| encryption.key.known());
            if let Some(alias) = key.and_then(|key| key.alias.known()) {
                old.remove(alias);
            }
        }
        let old = old.into_iter();
        going
            .aliases
            .extend(old.map(|alias| (side.clone(), bucket.clone(), alias)));
    }
}
