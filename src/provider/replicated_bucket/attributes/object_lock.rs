//! `object_lock`: what is written, what it comes to, and what is refused.

use std::collections::BTreeMap;

use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::value::AttributePath;
use crate::provider::checks::not_empty;
use crate::provider::replicated_bucket::model::{BucketModel, ObjectLockModel, SideModel};
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::replicated_bucket::values::previous::previous;
use crate::provider::replicated_bucket::values::setting::{Get, setting};
use crate::replication::component::Side;
use crate::replication::observed::Presence;
use crate::replication::operation::{DefaultRetention, ObjectLock, RetentionPeriod};

use Attr::{Known, Null, Unknown};

/// Works the attribute out.
pub(crate) fn effective(
    written: &Attr<ObjectLockModel>,
    kept: &Attr<&SideModel>,
) -> Attr<ObjectLockModel> {
    match written {
        Unknown => Unknown,
        Null => kept.get(|kept| &kept.object_lock).map(Clone::clone),
        Known(lock) => Known(ObjectLockModel {
            enabled: setting(&lock.enabled, Null, || Known(true)),
            bypass_governance_on_destroy: setting(&lock.bypass_governance_on_destroy, Null, || {
                Known(false)
            }),
            ..lock.clone()
        }),
    }
}

/// The domain's form: the lock, and whether governance may be bypassed. `None` while something is not known.
pub(crate) fn expand(lock: &Attr<ObjectLockModel>) -> Option<(Option<ObjectLock>, bool)> {
    let lock = match lock {
        Unknown => return None,
        Null => return Some((None, false)),
        Known(lock) => lock,
    };
    let known = |number: &Attr<i64>| match number {
        Unknown => None,
        number => Some(number.known().and_then(|n| i32::try_from(*n).ok())),
    };
    let (days, years) = (known(&lock.days)?, known(&lock.years)?);
    let mode = match &lock.mode {
        Unknown => return None,
        mode => mode.known().cloned(),
    };
    let period = days
        .map(RetentionPeriod::Days)
        .or(years.map(RetentionPeriod::Years));
    let default_retention = mode
        .zip(period)
        .map(|(mode, period)| DefaultRetention { mode, period });
    let enabled = *lock.enabled.known()?;
    let bypass = *lock.bypass_governance_on_destroy.known()?;
    Some((enabled.then_some(ObjectLock { default_retention }), bypass))
}

/// Takes over what was seen.
pub(crate) fn flatten(side: &mut SideModel, seen: &Presence<ObjectLock>) {
    let seen = match seen {
        Presence::Unasked => return,
        Presence::Absent => None,
        Presence::Present(lock) => Some(lock),
    };
    if expand(&side.object_lock).is_some_and(|(lock, _)| lock.as_ref() == seen) {
        return;
    }
    let before = side.object_lock.known().cloned().unwrap_or_default();
    let retention = seen.and_then(|lock| lock.default_retention.as_ref());
    let (days, years) = match retention.map(|retention| retention.period) {
        Some(RetentionPeriod::Days(days)) => (Known(i64::from(days)), Null),
        Some(RetentionPeriod::Years(years)) => (Null, Known(i64::from(years))),
        None => (Null, Null),
    };
    side.object_lock = Known(ObjectLockModel {
        enabled: Known(seen.is_some()),
        mode: Attr::from_option(retention.map(|retention| retention.mode.clone())),
        days,
        years,
        bypass_governance_on_destroy: before.bypass_governance_on_destroy.or(|| Known(false)),
    });
}

/// Checks what is written for a side.
pub(crate) fn check(path: &AttributePath, side: &SideModel, diagnostics: &mut Diagnostics) {
    let Known(lock) = &side.object_lock else {
        return;
    };
    let path = path.attribute("object_lock");
    not_empty(&path, lock, diagnostics);
    if lock.enabled == Known(false) {
        for (name, written) in [
            ("mode", lock.mode.known().is_some()),
            ("days", lock.days.known().is_some()),
            ("years", lock.years.known().is_some()),
            (
                "bypass_governance_on_destroy",
                lock.bypass_governance_on_destroy == Known(true),
            ),
        ] {
            if written {
                diagnostics.error_at(
                    path.attribute(name),
                    "The bucket is not locked",
                    format!("`{name}` says what Object Lock does, and `enabled` is false. Leave one of them out."),
                );
            }
        }
        return;
    }
    if lock.days.known().is_some() && lock.years.known().is_some() {
        diagnostics.error_at(
            path.attribute("years"),
            "Two periods for one retention",
            "`days` and `years` exclude each other; write one of them.",
        );
    }
    let period = !lock.days.is_null() || !lock.years.is_null();
    let unknown = lock.days.is_unknown() || lock.years.is_unknown();
    if lock.mode.known().is_some() && !period {
        diagnostics.error_at(
            path.attribute("mode"),
            "A retention without a period",
            "`mode` and one of `days` and `years` go together: they are the retention of every new version. Write a period, or leave `mode` out for a lock without default retention.",
        );
    }
    if lock.mode.is_null() && period && !unknown {
        let name = if lock.days.is_null() { "years" } else { "days" };
        diagnostics.error_at(
            path.attribute(name),
            "A retention without a mode",
            "A period goes together with `mode`: GOVERNANCE, which some may bypass, or COMPLIANCE, which nobody can.",
        );
    }
}

/// Refuses what AWS cannot do, or does without a word: of the worked-out model. `locked` tells of buckets that were
/// somebody else's.
pub(crate) fn refuse(
    model: &BucketModel,
    prior: Option<&BucketModel>,
    locked: &BTreeMap<String, bool>,
    diagnostics: &mut Diagnostics,
) {
    let is_locked = |side: &SideModel| match &side.object_lock {
        Unknown => None,
        Null => Some(false),
        Known(lock) => lock.enabled.known().copied(),
    };
    let source_is_locked = model.side(&Side::Source).and_then(is_locked) == Some(true);
    for (this, side) in model.sides() {
        let path = side_path(&this).attribute("object_lock");
        let bucket = side.bucket.known().cloned().unwrap_or_default();
        let was_locked = prior.and_then(|prior| {
            let before = previous(prior, &this, side).known().copied()?;
            if before.existing == Known(true) {
                locked.get(&bucket).copied()
            } else {
                is_locked(before)
            }
        });
        // What is somebody else's is left as it is.
        if side.existing != Known(false) {
            continue;
        }
        if was_locked == Some(true) && is_locked(side) == Some(false) {
            diagnostics.error_at(
                path,
                "Object Lock cannot be switched off",
                format!("Bucket {bucket} ({this}) is locked, and AWS never takes a lock off a bucket. Write object_lock = {{ enabled = true }}; without `mode`, new versions are not retained. Nothing was changed."),
            );
        } else if source_is_locked && is_locked(side) == Some(false) && this != Side::Source {
            diagnostics.error_at(
                path,
                "The source is locked and this destination is not",
                format!("S3 replicates objects of a locked bucket only into locked buckets, and says so only for each object that fails. Write object_lock = {{ enabled = true }} for {this} as well. Nothing was changed."),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(mode: &str, days: i64) -> ObjectLockModel {
        ObjectLockModel {
            enabled: Known(true),
            mode: Known(mode.to_owned()),
            days: Known(days),
            years: Null,
            bypass_governance_on_destroy: Known(true),
        }
    }

    #[test]
    fn what_was_seen_comes_back_as_it_could_be_written() {
        let mut side = SideModel {
            object_lock: Known(lock("GOVERNANCE", 1)),
            ..SideModel::default()
        };
        let (found, bypass) = expand(&Known(lock("COMPLIANCE", 30))).unwrap();
        assert!(bypass);
        flatten(&mut side, &Presence::Present(found.unwrap()));
        assert_eq!(side.object_lock, Known(lock("COMPLIANCE", 30)));
        flatten(&mut side, &Presence::Absent);
        assert_eq!(expand(&side.object_lock), Some((None, true)));
        let off = side.clone();
        flatten(&mut side, &Presence::Absent);
        assert_eq!(side, off);
        let mut none = SideModel::default();
        flatten(&mut none, &Presence::Absent);
        assert_eq!(none, SideModel::default());
    }

    #[test]
    fn an_empty_hand_is_a_lock_without_retention() {
        let written = Known(ObjectLockModel {
            enabled: Known(true),
            ..ObjectLockModel::default()
        });
        let model = effective(&written, &Null);
        assert_eq!(expand(&model), Some((Some(ObjectLock::default()), false)));
        assert_eq!(effective(&Null, &Null), Null);
        assert_eq!(expand(&Unknown), None);
    }
}
