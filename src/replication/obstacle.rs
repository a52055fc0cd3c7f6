//! What keeps a bucket from being taken down. Nothing is touched while there is any.

use std::collections::BTreeMap;
use std::fmt;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::caller::request;
use super::component::Side;
use super::ids::Arn;
use super::names::OWNER_TAG;
use super::observed::{KeptVersion, ObservedBucket, Presence};
use super::operation::Retention;
use super::ownership::other_owner;
use super::policy::{ANY_OBJECT, PolicyDocument, denial};
use super::spec::{BucketSettings, BucketSpec};

/// Something that keeps a bucket from being taken down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The side whose bucket it is.
    pub side: Side,
    /// The bucket.
    pub bucket: String,
    /// What it is.
    pub why: Why,
}

/// What keeps a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Its tags name another owner, so it is not the bucket that the state has.
    AnotherOwner(String),
    /// It holds objects and may not be emptied.
    HoldsObjects,
    /// Versions come into it under retention, and that may not be bypassed.
    DefaultRetention,
    /// A version is retained.
    Retained {
        /// The object's key.
        key: String,
        /// The retention.
        retention: Retention,
    },
    /// A version is under a legal hold, which nothing here ever lifts.
    LegalHold {
        /// The object's key.
        key: String,
    },
    /// It holds objects, whose versions go only with an MFA device.
    MfaDelete,
    /// Its policy denies what takes it down.
    Denied {
        /// The statement's Sid.
        statement: Option<String>,
        /// What it denies.
        action: &'static str,
        /// ARN of whoever it is denied to.
        caller: String,
    },
}

/// What stands in the way of taking these buckets of an owner down at the moment `now`. `callers` are the ARNs of those
/// on whose behalf it is done, where they are known.
pub fn obstacles<'a>(
    owner: &str,
    buckets: impl IntoIterator<Item = (&'a Side, &'a BucketSpec, &'a ObservedBucket)>,
    callers: &BTreeMap<Side, String>,
    now: OffsetDateTime,
) -> Vec<Obstacle> {
    buckets
        .into_iter()
        .filter_map(|(side, bucket, seen)| {
            let settings = bucket.settings()?;
            let tags = seen.tags.present();
            let why = match tags.and_then(|tags| other_owner(owner, tags)) {
                Some(other) => Why::AnotherOwner(other.to_owned()),
                None if bucket.stays() => return None,
                None => {
                    let filled = seen.empty == Presence::Present(false);
                    let kept = filled.then(|| why(settings, seen, now)).flatten();
                    let denied = || denied(bucket, seen, filled, callers.get(side)?);
                    kept.or_else(denied)?
                }
            };
            Some(Obstacle {
                side: side.clone(),
                bucket: bucket.name.to_string(),
                why,
            })
        })
        .collect()
}

fn why(settings: &BucketSettings, seen: &ObservedBucket, now: OffsetDateTime) -> Option<Why> {
    if !settings.force_destroy {
        return Some(Why::HoldsObjects);
    }
    if let Some(why) = locked(settings, seen, now) {
        return Some(why);
    }
    seen.mfa_delete.then_some(Why::MfaDelete)
}

fn locked(settings: &BucketSettings, seen: &ObservedBucket, now: OffsetDateTime) -> Option<Why> {
    let lock = seen.object_lock.present()?;
    let bypass = settings.bypass_governance_on_destroy;
    // A hold counts first: no setting gets around it.
    let held = seen.kept_versions.iter().find(|kept| kept.legal_hold);
    if let Some(kept) = held {
        return Some(Why::LegalHold {
            key: kept.version.key.clone(),
        });
    }
    let retained = |kept: &KeptVersion| {
        let retention = kept.retention.as_ref()?;
        let over = OffsetDateTime::parse(&retention.until, &Rfc3339).is_ok_and(|end| end <= now);
        let bypassed = bypass && retention.mode == "GOVERNANCE";
        (!over && !bypassed).then(|| Why::Retained {
            key: kept.version.key.clone(),
            retention: retention.clone(),
        })
    };
    if let Some(why) = seen.kept_versions.iter().find_map(retained) {
        return Some(why);
    }
    (lock.default_retention.is_some() && !bypass).then_some(Why::DefaultRetention)
}

/// What the bucket's policy certainly denies of that which takes it down. Nothing of the policy goes before the bucket.
fn denied(bucket: &BucketSpec, seen: &ObservedBucket, filled: bool, caller: &str) -> Option<Why> {
    // Whose name nobody knows may be exempted by it.
    Arn::parse(caller).ok()?;
    let policy = PolicyDocument::parse(seen.policy.present()?).ok()?;
    let objects = format!("{}/{ANY_OBJECT}", bucket.arn());
    let of_objects = filled.then_some(("s3:DeleteObjectVersion", objects));
    let of_bucket = ("s3:DeleteBucket", bucket.arn());
    let mut calls = of_objects.into_iter().chain([of_bucket]);
    calls.find_map(|(action, resource)| {
        let request = request(bucket, caller, action, &resource);
        let denial = denial(&policy, &request).filter(|denial| denial.certain)?;
        Some(Why::Denied {
            statement: denial.statement.name().map(str::to_owned),
            action,
            caller: caller.to_owned(),
        })
    })
}

/// Adds a version to those that tell whether a bucket can be emptied: the first that is held, and of each mode the one
/// that is retained for longest. There may be millions of others.
pub fn remember_kept(kept: &mut Vec<KeptVersion>, version: KeptVersion) {
    let end = |version: &KeptVersion| {
        let until = version.retention.as_ref().map(|r| r.until.as_str());
        until.and_then(|until| OffsetDateTime::parse(until, &Rfc3339).ok())
    };
    let mode = |version: &KeptVersion| version.retention.as_ref().map(|r| r.mode.clone());
    if version.legal_hold {
        if !kept.iter().any(|other| other.legal_hold) {
            kept.push(version);
        }
        return;
    }
    if version.retention.is_none() {
        return;
    }
    let same = |other: &&mut KeptVersion| !other.legal_hold && mode(other) == mode(&version);
    match kept.iter_mut().find(same) {
        Some(other) if end(&version) > end(other) => *other = version,
        Some(_) => {}
        None => kept.push(version),
    }
}

impl Obstacle {
    /// What it is, in a few words.
    pub fn summary(&self) -> String {
        match &self.why {
            Why::AnotherOwner(_) => {
                format!(
                    "Bucket {} belongs to another replicated_bucket now",
                    self.bucket
                )
            }
            Why::HoldsObjects => format!("Bucket {} holds objects", self.bucket),
            Why::MfaDelete => format!("MFA Delete keeps bucket {}", self.bucket),
            Why::Denied { .. } => format!("Its policy keeps bucket {}", self.bucket),
            _ => format!("Object Lock keeps bucket {}", self.bucket),
        }
    }
}

impl fmt::Display for Obstacle {
    /// A sentence's beginning: what is in the way.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { side, bucket, why } = self;
        write!(f, "bucket {bucket} ({side}) ")?;
        match why {
            Why::AnotherOwner(owner) => write!(
                f,
                "belongs to {owner} by its tag {OWNER_TAG}: the bucket that the state has was deleted, and another one made under its name"
            ),
            Why::HoldsObjects => {
                f.write_str("is not empty, and force_destroy is not set in the state")
            }
            Why::DefaultRetention => f.write_str(
                "holds objects and has a default retention, and object_lock.bypass_governance_on_destroy is not set in the state",
            ),
            Why::Retained { key, retention } => write!(
                f,
                "holds object {key}, which is retained in {} mode until {}",
                retention.mode, retention.until
            ),
            Why::LegalHold { key } => {
                write!(f, "holds object {key}, which is under a legal hold")
            }
            Why::MfaDelete => f.write_str(
                "holds objects, and MFA Delete is on: S3 deletes a version only with the code of the root user's device",
            ),
            Why::Denied {
                statement,
                action,
                caller,
            } => {
                let statement = statement.as_deref().map_or_else(
                    || "a statement without a Sid".to_owned(),
                    |sid| format!("statement {sid}"),
                );
                write!(
                    f,
                    "has a policy in which {statement} denies {action} to {caller}, who enters its account"
                )
            }
        }
    }
}

impl Why {
    /// What a person can do about it.
    pub fn way_out(&self) -> &'static str {
        match self {
            Self::AnotherOwner(_) => {
                "If it is this resource's after all, delete that tag. If not, take it out of the state: `terraform state rm` the resource, and import it without this bucket."
            }
            Self::HoldsObjects => {
                "Empty it, or set force_destroy (or retain_on_destroy) on it and apply first: it counts as it stands in the state."
            }
            Self::DefaultRetention => {
                "Set object_lock.bypass_governance_on_destroy (or retain_on_destroy) on it and apply first: it counts as it stands in the state."
            }
            Self::Retained { retention, .. } if retention.mode == "GOVERNANCE" => {
                "Wait until then; or set object_lock.bypass_governance_on_destroy (or retain_on_destroy) on it and apply first."
            }
            Self::Retained { .. } => {
                "Nobody can delete it before then. Wait, or set retain_on_destroy on the bucket and apply first."
            }
            Self::LegalHold { .. } => {
                "A destroy never lifts a legal hold. Have it lifted by whoever set it, or set retain_on_destroy on the bucket and apply first."
            }
            Self::MfaDelete => {
                "Have the root user of its account turn MFA Delete off (`aws s3api put-bucket-versioning` with `--mfa`), or set retain_on_destroy on the bucket and apply first."
            }
            Self::Denied { .. } => {
                "Take that statement out, or exempt this identity from it, by an apply where it stands in `policy`; or set retain_on_destroy on the bucket and apply first."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::operation::{
        DefaultRetention, LifecycleConfiguration, ObjectLock, ObjectVersion, PublicAccessBlock,
        RetentionPeriod, Tags,
    };

    const NOW: &str = "2026-11-21T08:00:00Z";

    fn settings(bypass: bool) -> BucketSettings {
        BucketSettings {
            object_ownership: "BucketOwnerEnforced".to_owned(),
            public_access_block: PublicAccessBlock {
                block_public_acls: true,
                block_public_policy: true,
                ignore_public_acls: true,
                restrict_public_buckets: true,
            },
            lifecycle: LifecycleConfiguration::default(),
            object_lock: Some(ObjectLock::default()),
            bypass_governance_on_destroy: bypass,
            tags: Tags::new(),
            force_destroy: true,
            retain_on_destroy: false,
        }
    }

    fn kept(mode: &str, until: &str, legal_hold: bool) -> KeptVersion {
        KeptVersion {
            version: ObjectVersion {
                key: "deed".to_owned(),
                version_id: "1".to_owned(),
                delete_marker: false,
                last_modified: None,
            },
            retention: Some(Retention {
                mode: mode.to_owned(),
                until: until.to_owned(),
            }),
            legal_hold,
        }
    }

    fn found(bypass: bool, kept: Vec<KeptVersion>, mode: Option<&str>) -> Option<&'static str> {
        let seen = ObservedBucket {
            object_lock: Presence::Present(ObjectLock {
                default_retention: mode.map(|mode| DefaultRetention {
                    mode: mode.to_owned(),
                    period: RetentionPeriod::Days(1),
                }),
            }),
            kept_versions: kept,
            ..ObservedBucket::default()
        };
        let now = OffsetDateTime::parse(NOW, &Rfc3339).unwrap();
        why(&settings(bypass), &seen, now).map(|why| match why {
            Why::AnotherOwner(_) => "another owner",
            Why::HoldsObjects => "objects",
            Why::DefaultRetention => "default",
            Why::Retained { .. } => "retained",
            Why::LegalHold { .. } => "hold",
            Why::MfaDelete => "mfa",
            Why::Denied { .. } => "denied",
        })
    }

    #[test]
    fn a_lock_stands_in_the_way_as_far_as_nothing_gets_around_it() {
        let later = "2027-01-01T00:00:00Z";
        let governed = || vec![kept("GOVERNANCE", later, false)];
        let over = || vec![kept("COMPLIANCE", "2026-11-21T07:59:59Z", false)];
        assert_eq!(found(false, governed(), None), Some("retained"));
        assert_eq!(found(true, governed(), None), None);
        assert_eq!(
            found(true, vec![kept("COMPLIANCE", later, false)], None),
            Some("retained")
        );
        assert_eq!(found(false, over(), None), None);
        assert_eq!(found(false, over(), Some("GOVERNANCE")), Some("default"));
        assert_eq!(found(true, over(), Some("GOVERNANCE")), None);
        assert_eq!(
            found(true, vec![kept("GOVERNANCE", later, true)], None),
            Some("hold")
        );
        assert_eq!(found(false, Vec::new(), None), None);
    }
}
