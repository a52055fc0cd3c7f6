//! Looks at AWS and fills an [`Observed`].
//!
//! All reads of all components run at the same time. A bucket, key or role that state knows is read straight
//! away; one that may not exist is looked for first, so that a create does not ask a dozen questions about
//! nothing. What AWS says is not there is absent; what may not be read is an error.

mod keys;
mod locks;
mod roles;

use futures::future::{join_all, try_join_all};
use futures::{FutureExt, join, try_join};
use tracing::Instrument as _;

pub(super) use self::keys::find_key;
pub use self::keys::find_keys;
use super::cloud::{CallError, CallErrorKind, Cloud};
use crate::replication::canary::is_canary;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::direction::Direction;
use crate::replication::existing_keys::managed_keys;
use crate::replication::ids::Location;
use crate::replication::observed::{
    ManagedPolicies, Observed, ObservedBucket, ObservedRole, Presence,
};
use crate::replication::operation::{
    Answer, BucketEncryption, LifecycleConfiguration, Query, ReplicationConfiguration, Tags,
};
use crate::replication::spec::{BucketSpec, KeyChoice, Spec};

/// What an observation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Everything, of components that state knows.
    Refresh,
    /// Everything, of components that may not exist yet.
    Create,
    /// Only what taking it down needs: what exists, whether it is empty, and who else uses keys and role.
    Destroy,
}

/// Looks at one `replicated_bucket`. `known` tells which buckets, keys and roles state knows.
pub async fn observe(
    cloud: &dyn Cloud,
    spec: &Spec,
    purpose: Purpose,
    known: &(dyn Fn(&ComponentId) -> bool + Sync),
) -> Result<Observed, Vec<CallError>> {
    let visible = spec.buckets().filter(|(_, bucket)| bucket.is_reachable());
    let buckets = join_all(visible.map(|(side, bucket)| async move {
        let look = Look {
            cloud,
            at: &bucket.location,
            purpose,
        };
        let seen = look.bucket(spec, &side, bucket, known).await;
        seen.map(|seen| (side, seen))
    }));
    let roles = join_all(spec.directions().map(|direction| async move {
        let look = Look {
            cloud,
            at: &direction.bucket.location,
            purpose,
        };
        let role = look.role(&direction, known).await?;
        let orphans = match role {
            Presence::Absent => look.managed_policies(&direction, &[], known).await?,
            _ => ManagedPolicies::new(),
        };
        Ok((direction.from, role, orphans))
    }));
    let keys = join_all(managed_keys(spec).into_iter().map(|(arn, key)| async move {
        let look = Look {
            cloud,
            at: &key.location,
            purpose,
        };
        let component = ComponentId::Of(key.side.clone(), Part::Key);
        let seen = look.managed_key(&arn).instrument(reading(&component)).await;
        seen.map(|seen| (arn, seen))
    }));
    let (buckets, roles, keys) = join!(buckets, roles, keys);
    let mut observed = Observed::default();
    let mut errors = Vec::new();
    for key in keys {
        match key {
            Ok((arn, seen)) => {
                observed.managed_keys.insert(arn, seen);
            }
            Err(error) => errors.push(error),
        }
    }
    for bucket in buckets {
        match bucket {
            Ok((side, seen)) => {
                observed.buckets.insert(side, seen);
            }
            Err(error) => errors.push(error),
        }
    }
    for role in roles {
        match role {
            Ok((side, role, orphans)) => {
                observed.orphaned_policies.insert(side.clone(), orphans);
                observed.roles.insert(side, role);
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

/// What state knows of the things in it: all that they should have. A role's managed policies beyond those are none.
pub fn known_to_state(component: &ComponentId) -> bool {
    !matches!(component, ComponentId::ManagedPolicy(..))
}

/// Looks at one bucket of a spec with its keys: one that goes, or one that state does not know yet.
pub async fn observe_bucket(
    cloud: &dyn Cloud,
    spec: &Spec,
    side: &Side,
    bucket: &BucketSpec,
    purpose: Purpose,
    known: bool,
) -> Result<ObservedBucket, CallError> {
    if !bucket.is_reachable() {
        return Ok(ObservedBucket::default());
    }
    let look = Look {
        cloud,
        at: &bucket.location,
        purpose,
    };
    look.bucket(spec, side, bucket, &|_| known).await
}

/// Looks at the rules that a direction's bucket has already.
pub async fn observe_rules(
    cloud: &dyn Cloud,
    direction: &Direction<'_>,
) -> Result<Presence<ReplicationConfiguration>, CallError> {
    let look = Look {
        cloud,
        at: &direction.bucket.location,
        purpose: Purpose::Create,
    };
    let bucket = direction.bucket.name.as_str();
    let component = ComponentId::Of(direction.from.clone(), Part::Replication);
    let rules = look.replication(bucket, true);
    rules
        .instrument(reading(&component))
        .await
        .map(Setting::presence)
}

/// Looks at the role of one direction.
pub async fn observe_role(
    cloud: &dyn Cloud,
    direction: &Direction<'_>,
    purpose: Purpose,
) -> Result<Presence<ObservedRole>, CallError> {
    let look = Look {
        cloud,
        at: &direction.bucket.location,
        purpose,
    };
    let known = |component: &ComponentId| purpose != Purpose::Create && known_to_state(component);
    look.role(direction, &known).await
}

/// In which calls are logged with the component that they are about.
fn reading(component: &ComponentId) -> tracing::Span {
    tracing::debug_span!("read", %component)
}

/// Reads at one place for one purpose.
struct Look<'a> {
    cloud: &'a dyn Cloud,
    at: &'a Location,
    purpose: Purpose,
}

impl Look<'_> {
    async fn bucket(
        &self,
        spec: &Spec,
        side: &Side,
        bucket: &BucketSpec,
        known: &(dyn Fn(&ComponentId) -> bool + Sync),
    ) -> Result<ObservedBucket, CallError> {
        let of = |part| ComponentId::Of(side.clone(), part);
        let is_known = known(&of(Part::Bucket));
        let replicates = spec.direction(side).is_some();
        let owner = spec.owner();
        let (mut seen, key, retired) = try_join!(
            self.bucket_itself(bucket, &owner, replicates, is_known)
                .instrument(reading(&of(Part::Bucket))),
            self.key(bucket).instrument(reading(&of(Part::Key))),
            try_join_all(bucket.retired_keys.iter().map(|arn| {
                self.key_by_arn(arn)
                    .map(|key| key.map(|key| (arn.clone(), key)))
                    .instrument(reading(&of(Part::Key)))
            })),
        )?;
        let (key, alias_target) = key;
        seen.key = key;
        seen.alias_target = alias_target;
        seen.retired_keys = retired.into_iter().collect();
        let key_wanted = bucket.owned_key().is_some();
        if key_wanted && seen.region.present().is_some() && seen.key.present().is_none() {
            seen.key = self
                .key_by_tag(&spec.owner(), side, bucket)
                .instrument(reading(&of(Part::Key)))
                .await?;
        }
        Ok(seen)
    }

    async fn bucket_itself(
        &self,
        bucket: &BucketSpec,
        owner: &str,
        replicates: bool,
        known: bool,
    ) -> Result<ObservedBucket, CallError> {
        let name = bucket.name.to_string();
        let mut seen = ObservedBucket::default();
        if !known {
            seen.region = self
                .read(
                    Query::HeadBucket {
                        bucket: name.clone(),
                    },
                    |answer| match answer {
                        Answer::BucketRegion(region) => Some(region),
                        _ => None,
                    },
                )
                .await?;
            match seen.region.present() {
                None => return Ok(seen),
                Some(region) if region != bucket.location.region.as_str() => {
                    return Err(self.elsewhere(&name, region));
                }
                Some(_) => {}
            }
        }
        if bucket.existing().is_some() {
            return self.existing_bucket(bucket, replicates).await;
        }
        if self.purpose == Purpose::Destroy {
            return self.bucket_for_destroy(bucket, owner).await;
        }
        let wants_emptiness = !known;
        let q = |make: fn(String) -> Query| make(name.clone());
        let (
            versioning,
            encryption,
            block,
            ownership,
            lifecycle,
            object_lock,
            tags,
            policy,
            replication,
            empty,
        ) = try_join!(
            self.setting(q(|bucket| Query::GetBucketVersioning { bucket }), text),
            self.setting(
                q(|bucket| Query::GetBucketEncryption { bucket }),
                default_encryption
            ),
            self.setting(
                q(|bucket| Query::GetPublicAccessBlock { bucket }),
                |answer| match answer {
                    Answer::PublicAccessBlock(block) => Some(block),
                    _ => None,
                }
            ),
            self.setting(
                q(|bucket| Query::GetBucketOwnershipControls { bucket }),
                text
            ),
            self.lifecycle(&name, bucket.settings().is_some()),
            self.object_lock(&name, bucket.settings().is_some()),
            self.setting(q(|bucket| Query::GetBucketTagging { bucket }), tags),
            self.setting(q(|bucket| Query::GetBucketPolicy { bucket }), text),
            self.replication(&name, replicates),
            self.emptiness(&name, owner, wants_emptiness),
        )?;
        let Setting::Of(versioning) = versioning else {
            // S3 answers this question for every bucket that is there.
            seen.region = Presence::Absent;
            return Ok(seen);
        };
        seen.region = Presence::Present(bucket.location.region.to_string());
        seen.versioning = versioning_state(versioning);
        seen.encryption = encryption.presence();
        if let Some(KeyChoice::Existing(_)) = bucket.encryption.key {
            seen.default_key = match self.default_key(seen.encryption.present()).await {
                // A key that may not be looked at is not the one that was chosen.
                Err(error) if error.kind == CallErrorKind::AccessDenied => Presence::Unasked,
                found => found?,
            };
        }
        seen.public_access_block = block.presence();
        seen.object_ownership = ownership.presence();
        seen.lifecycle = lifecycle.presence();
        seen.object_lock = object_lock.presence();
        seen.tags = tags.presence();
        seen.policy = policy.presence();
        seen.replication = replication.presence();
        seen.empty = empty;
        Ok(seen)
    }

    /// Of somebody else's bucket only what replication needs is looked at, for whatever purpose.
    async fn existing_bucket(
        &self,
        bucket: &BucketSpec,
        replicates: bool,
    ) -> Result<ObservedBucket, CallError> {
        let name = bucket.name.to_string();
        let q = |make: fn(String) -> Query| make(name.clone());
        let (versioning, encryption, object_lock, policy, replication) = try_join!(
            self.setting(q(|bucket| Query::GetBucketVersioning { bucket }), text),
            self.setting(
                q(|bucket| Query::GetBucketEncryption { bucket }),
                default_encryption
            ),
            self.object_lock(&name, self.purpose != Purpose::Destroy),
            self.setting(q(|bucket| Query::GetBucketPolicy { bucket }), text),
            self.replication(&name, replicates),
        )?;
        let encryption = encryption.presence();
        let default_key = self.default_key(encryption.present()).await?;
        let Setting::Of(versioning) = versioning else {
            return Ok(ObservedBucket {
                region: Presence::Absent,
                ..ObservedBucket::default()
            });
        };
        Ok(ObservedBucket {
            region: Presence::Present(bucket.location.region.to_string()),
            versioning: versioning_state(versioning),
            encryption,
            default_key,
            object_lock: object_lock.presence(),
            policy: policy.presence(),
            replication: replication.presence(),
            ..ObservedBucket::default()
        })
    }

    async fn bucket_for_destroy(
        &self,
        bucket: &BucketSpec,
        owner: &str,
    ) -> Result<ObservedBucket, CallError> {
        let name = bucket.name.to_string();
        let policy = async {
            let query = Query::GetBucketPolicy {
                bucket: name.clone(),
            };
            match self.setting(query, text).await {
                // Of a bucket that goes it only tells what would be denied.
                Err(error) if error.kind == CallErrorKind::AccessDenied && !bucket.stays() => {
                    Ok(Setting::Of(Presence::Unasked))
                }
                seen => seen,
            }
        };
        let whose = Query::GetBucketTagging {
            bucket: name.clone(),
        };
        let tags = self.setting(whose, tags);
        let (empty, policy, tags) = try_join!(self.emptiness(&name, owner, true), policy, tags,)?;
        let seen = ObservedBucket {
            region: match &empty {
                Presence::Present(_) => Presence::Present(bucket.location.region.to_string()),
                _ => Presence::Absent,
            },
            policy: policy.presence(),
            tags: tags.presence(),
            empty,
            ..ObservedBucket::default()
        };
        self.what_is_kept(bucket, seen).await
    }

    /// A bucket of that name is there, in another region: every further question would be refused.
    fn elsewhere(&self, bucket: &str, region: &str) -> CallError {
        CallError {
            kind: CallErrorKind::AlreadyExists,
            call: "s3:HeadBucket".to_owned(),
            subject: bucket.to_owned(),
            account: Some(self.at.account.clone()),
            region: Some(self.at.region.clone()),
            code: None,
            message: format!("the bucket is there already, in region {region}"),
            request_id: None,
        }
    }

    /// Lifecycle rules of a bucket of ours; nobody else's are looked at.
    async fn lifecycle(
        &self,
        bucket: &str,
        ours: bool,
    ) -> Result<Setting<LifecycleConfiguration>, CallError> {
        if !ours {
            return Ok(Setting::Of(Presence::Unasked));
        }
        let query = Query::GetBucketLifecycleConfiguration {
            bucket: bucket.to_owned(),
        };
        self.setting(query, |answer| match answer {
            Answer::Lifecycle(lifecycle) => Some(lifecycle),
            _ => None,
        })
        .await
    }

    async fn replication(
        &self,
        bucket: &str,
        wanted: bool,
    ) -> Result<Setting<ReplicationConfiguration>, CallError> {
        if !wanted {
            return Ok(Setting::Of(Presence::Unasked));
        }
        let query = Query::GetBucketReplication {
            bucket: bucket.to_owned(),
        };
        self.setting(query, |answer| match answer {
            Answer::Replication(configuration) => Some(configuration),
            _ => None,
        })
        .await
    }

    /// Whether the bucket holds no version but canaries of its owner; absent when there is no bucket.
    async fn emptiness(
        &self,
        bucket: &str,
        owner: &str,
        wanted: bool,
    ) -> Result<Presence<bool>, CallError> {
        if !wanted {
            return Ok(Presence::Unasked);
        }
        // One version tells enough, unless it is a canary.
        let mut max_keys = 1;
        loop {
            let query = Query::ListObjectVersions {
                bucket: bucket.to_owned(),
                prefix: String::new(),
                max_keys,
                after: None,
            };
            let listed = self
                .read(query, |answer| match answer {
                    Answer::Versions { versions, next } => Some((versions, next.is_some())),
                    _ => None,
                })
                .await?;
            let (versions, more) = match listed {
                Presence::Present(listed) => listed,
                Presence::Absent => return Ok(Presence::Absent),
                Presence::Unasked => return Ok(Presence::Unasked),
            };
            let canaries = versions.iter().all(|v| is_canary(owner, &v.key));
            if !canaries || !more || max_keys > 1 {
                return Ok(Presence::Present(canaries && !more));
            }
            max_keys = locks::PAGE;
        }
    }

    async fn setting<T>(
        &self,
        query: Query,
        extract: fn(Answer) -> Option<T>,
    ) -> Result<Setting<T>, CallError> {
        match self.read_or_error(&query, extract).await {
            Ok(value) => Ok(Setting::Of(Presence::Present(value))),
            Err(error) if error.code.as_deref() == Some("NoSuchBucket") => Ok(Setting::NoBucket),
            Err(error) if error.kind == CallErrorKind::NotFound => {
                Ok(Setting::Of(Presence::Absent))
            }
            Err(error) => Err(error),
        }
    }

    async fn read<T>(
        &self,
        query: Query,
        extract: fn(Answer) -> Option<T>,
    ) -> Result<Presence<T>, CallError> {
        match self.read_or_error(&query, extract).await {
            Ok(value) => Ok(Presence::Present(value)),
            Err(error) if error.kind == CallErrorKind::NotFound => Ok(Presence::Absent),
            Err(error) => Err(error),
        }
    }

    async fn read_or_error<T>(
        &self,
        query: &Query,
        extract: fn(Answer) -> Option<T>,
    ) -> Result<T, CallError> {
        let answer = self.cloud.query(self.at, query).await?;
        extract(answer).ok_or_else(|| unexpected_answer(self.at, query))
    }
}

/// A setting of a bucket: what it is, or that the bucket itself is not there.
enum Setting<T> {
    NoBucket,
    Of(Presence<T>),
}

impl<T> Setting<T> {
    fn presence(self) -> Presence<T> {
        match self {
            Self::NoBucket => Presence::Absent,
            Self::Of(presence) => presence,
        }
    }
}

/// S3 answers with nothing for a bucket that never had versioning.
fn versioning_state(answer: Presence<String>) -> Presence<String> {
    match answer {
        Presence::Present(state) if state.is_empty() => Presence::Absent,
        other => other,
    }
}

fn default_encryption(answer: Answer) -> Option<BucketEncryption> {
    match answer {
        Answer::Encryption(encryption) => Some(encryption),
        _ => None,
    }
}

fn text(answer: Answer) -> Option<String> {
    match answer {
        Answer::Text(text) => Some(text),
        _ => None,
    }
}

fn tags(answer: Answer) -> Option<Tags> {
    match answer {
        Answer::Tags(tags) => Some(tags),
        _ => None,
    }
}

fn names(answer: Answer) -> Option<Vec<String>> {
    match answer {
        Answer::Names(names) => Some(names),
        _ => None,
    }
}

fn unexpected_answer(at: &Location, query: &Query) -> CallError {
    CallError {
        kind: CallErrorKind::Invalid,
        call: query.call().to_owned(),
        subject: query.subject().to_owned(),
        account: Some(at.account.clone()),
        region: Some(at.region.clone()),
        code: None,
        message: "the answer is not of the kind that was asked for; this is a bug in the provider"
            .to_owned(),
        request_id: None,
    }
}
