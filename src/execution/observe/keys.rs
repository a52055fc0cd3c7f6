//! KMS keys: ours by alias or by tag, and the policies of others.

use futures::{StreamExt, TryStreamExt, join, stream, try_join};

use super::{CallError, CallErrorKind, Cloud, Look, Purpose, names, tags, text, unexpected_answer};
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::ids::Location;
use crate::replication::names::{COMPONENT_TAG, OWNER_TAG};
use crate::replication::observed::{ObservedKey, Presence};
use crate::replication::operation::{Answer, BucketEncryption, KeyDescription, Query, Tags};
use crate::replication::spec::BucketSpec;

/// How many keys' tags are read at once; KMS throttles an account's calls together.
const TAG_READS: usize = 16;

impl Look<'_> {
    /// The key of ours with what its alias points to.
    pub(super) async fn key(
        &self,
        bucket: &BucketSpec,
    ) -> Result<(Presence<ObservedKey>, Presence<String>), CallError> {
        let Some(wanted) = bucket.owned_key() else {
            return Ok((Presence::Unasked, Presence::Unasked));
        };
        if let Some(arn) = &wanted.arn {
            if self.purpose == Purpose::Destroy && bucket.leftovers.aliases.is_empty() {
                let key = self.aliased_key(arn, &wanted.alias).await?;
                return Ok((key, Presence::Unasked));
            }
            let key = self.key_by_arn(arn).await?;
            let aliased = key
                .present()
                .and_then(|k| k.aliases.present())
                .is_some_and(|aliases| aliases.contains(&wanted.alias));
            let target = if aliased || self.purpose == Purpose::Destroy {
                Presence::Unasked
            } else {
                self.key_behind(&wanted.alias).await?
            };
            return Ok((key, target));
        }
        if self.purpose == Purpose::Destroy {
            return Ok((Presence::Absent, Presence::Unasked));
        }
        let target = self.key_behind(&wanted.alias).await?;
        let key = match target.present() {
            // An alias still on a key that was retired is moved, not taken for the new key.
            Some(arn) if !bucket.retired_keys.contains(arn) => self.key_by_arn(arn).await?,
            _ => Presence::Absent,
        };
        Ok((key, target))
    }

    /// A key to take down with its alias. Asked for by the alias, KMS tells in one answer whether that still leads to
    /// the key, and how the key is; where it does not, both are asked for.
    async fn aliased_key(
        &self,
        arn: &str,
        alias: &str,
    ) -> Result<Presence<ObservedKey>, CallError> {
        let named = Query::DescribeKey {
            key: alias.to_owned(),
        };
        let key = arn.to_owned();
        let (named, policy) = join!(
            self.cloud.query(self.at, &named),
            self.read(Query::GetKeyPolicy { key }, text)
        );
        match named {
            Ok(Answer::Key(description)) if description.arn == arn => {
                let policy = policy?;
                Ok(Presence::Present(ObservedKey {
                    description,
                    policy,
                    rotation: Presence::Unasked,
                    tags: Presence::Unasked,
                    aliases: Presence::Present(vec![alias.to_owned()]),
                }))
            }
            _ => self.key_by_arn(arn).await,
        }
    }

    /// The key of a default encryption that does not tell its ARN; to leave a bucket, nobody has to know.
    pub(super) async fn default_key(
        &self,
        encryption: Option<&BucketEncryption>,
    ) -> Result<Presence<String>, CallError> {
        let named = encryption.and_then(BucketEncryption::key_to_look_up);
        match named.filter(|_| self.purpose != Purpose::Destroy) {
            Some(named) => self.key_behind(named).await,
            None => Ok(Presence::Unasked),
        }
    }

    /// The ARN of the key behind an alias or another name of it.
    async fn key_behind(&self, name: &str) -> Result<Presence<String>, CallError> {
        self.read(
            Query::DescribeKey {
                key: name.to_owned(),
            },
            |answer| match answer {
                Answer::Key(key) => Some(key.arn),
                _ => None,
            },
        )
        .await
    }

    /// The policy of somebody else's key.
    pub(super) async fn managed_key(&self, arn: &str) -> Result<Presence<String>, CallError> {
        let key = arn.to_owned();
        self.read(Query::GetKeyPolicy { key }, text).await
    }

    pub(super) async fn key_by_arn(&self, arn: &str) -> Result<Presence<ObservedKey>, CallError> {
        let key = arn.to_owned();
        let description = self.read(
            Query::DescribeKey { key: key.clone() },
            |answer| match answer {
                Answer::Key(key) => Some(key),
                _ => None,
            },
        );
        let policy = self.read(Query::GetKeyPolicy { key: key.clone() }, text);
        let aliases = self.read(Query::ListAliases { key: key.clone() }, names);
        if self.purpose == Purpose::Destroy {
            let (description, policy, aliases) = try_join!(description, policy, aliases)?;
            return Ok(present_key(description, |description| ObservedKey {
                description,
                policy,
                rotation: Presence::Unasked,
                tags: Presence::Unasked,
                aliases,
            }));
        }
        let rotation = async {
            let query = Query::GetKeyRotationStatus { key: key.clone() };
            match self
                .read(query, |answer| match answer {
                    Answer::Rotation {
                        enabled,
                        period_days,
                    } => Some((enabled, period_days)),
                    _ => None,
                })
                .await
            {
                // KMS does not tell the rotation of a key that is about to be deleted.
                Err(error) if error.kind == CallErrorKind::InvalidState => Ok(Presence::Unasked),
                other => other,
            }
        };
        let tags = self.read(Query::ListKeyTags { key: key.clone() }, tags);
        let (description, policy, aliases, rotation, tags) =
            try_join!(description, policy, aliases, rotation, tags)?;
        Ok(present_key(description, |description| ObservedKey {
            description,
            policy,
            rotation,
            tags,
            aliases,
        }))
    }

    /// Looks through the keys of the account for one that a killed run made and did not get to name.
    pub(super) async fn key_by_tag(
        &self,
        owner: &str,
        side: &Side,
        bucket: &BucketSpec,
    ) -> Result<Presence<ObservedKey>, CallError> {
        let component = ComponentId::Of(side.clone(), Part::Key).to_string();
        let arn = find_key(
            self.cloud,
            self.at,
            &|tags| {
                tags.get(OWNER_TAG).map(String::as_str) == Some(owner)
                    && tags.get(COMPONENT_TAG) == Some(&component)
            },
            &bucket.retired_keys,
        )
        .await?;
        match arn {
            Some(arn) => self.key_by_arn(&arn).await,
            None => Ok(Presence::Absent),
        }
    }
}

/// A key whose tags fit, among all keys of the account and region but `except`.
pub(in crate::execution) async fn find_key(
    cloud: &dyn Cloud,
    at: &Location,
    fits: &(dyn Fn(&Tags) -> bool + Sync),
    except: &[String],
) -> Result<Option<String>, CallError> {
    let found = find_keys(cloud, at, fits, except).await?;
    Ok(found.into_iter().next())
}

/// All keys whose tags fit, of the account and region but `except` (ARNs).
pub async fn find_keys(
    cloud: &dyn Cloud,
    at: &Location,
    fits: &(dyn Fn(&Tags) -> bool + Sync),
    except: &[String],
) -> Result<Vec<String>, CallError> {
    let Answer::Names(keys) = cloud.query(at, &Query::ListKeys).await? else {
        return Err(unexpected_answer(at, &Query::ListKeys));
    };
    let tagged: Vec<Option<String>> = stream::iter(keys)
        .map(|key| async move {
            let query = Query::ListKeyTags { key: key.clone() };
            match cloud.query(at, &query).await {
                Ok(Answer::Tags(tags)) => Ok(fits(&tags).then_some(key)),
                Ok(_) => Err(unexpected_answer(at, &query)),
                // Keys that may not be read are AWS's own or somebody else's; or the key has just ended.
                Err(error)
                    if matches!(
                        error.kind,
                        CallErrorKind::AccessDenied
                            | CallErrorKind::NotFound
                            | CallErrorKind::InvalidState
                    ) =>
                {
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        })
        .buffered(TAG_READS)
        .try_collect()
        .await?;
    let mut found = Vec::new();
    for key in tagged.into_iter().flatten() {
        let query = Query::DescribeKey { key };
        if let Answer::Key(description) = cloud.query(at, &query).await?
            && !except.contains(&description.arn)
            // A key that was given up is as good as gone.
            && !description.is_pending_deletion()
        {
            found.push(description.arn);
        }
    }
    Ok(found)
}

fn present_key(
    description: Presence<KeyDescription>,
    make: impl FnOnce(KeyDescription) -> ObservedKey,
) -> Presence<ObservedKey> {
    match description {
        Presence::Present(description) => Presence::Present(make(description)),
        _ => Presence::Absent,
    }
}
