//! What this resource gives up of buckets that the configuration leaves to their owners from now on.
//!
//! A release deletes nothing: settings stay as they are, keys stay while the bucket lives. Our ownership tags go,
//! our statements where the policy is no longer ours to write, and a default encryption that we wrote.

use futures::future::join_all;

use crate::execution::cloud::{CallError, CallErrorKind};
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::{BucketModel, SideModel};
use crate::provider::settings::Session;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::graph::{Action, PolicyEdit};
use crate::replication::leftovers::ReplacedEncryption;
use crate::replication::names::is_ownership_tag;
use crate::replication::operation::{Answer, Operation, Query};
use crate::replication::policy::PolicyShare;
use crate::replication::spec::{BucketSpec, Spec};
use crate::replication::tag_change::TagChange;
use crate::replication::teardown::GivenUp;

/// Looks at every bucket of the prior spec that the new model has as somebody else's.
pub(crate) async fn given_up(
    session: &Session,
    prior_spec: &Spec,
    model: &BucketModel,
) -> Result<Vec<GivenUp>, Vec<CallError>> {
    let owner = prior_spec.owner();
    let released = prior_spec.buckets().filter_map(|(before_side, before)| {
        let (side, now) = model.side_of_bucket(before.name.as_str())?;
        let enterable = now.existing == Attr::Known(true) && !now.is_unreachable();
        (enterable && before.is_reachable()).then_some(Released {
            session,
            owner: &owner,
            before_side,
            before,
            side,
            now,
        })
    });
    let released: Vec<Released<'_>> = released.collect();
    let looks = join_all(released.iter().map(Released::given_up)).await;
    let mut all = Vec::new();
    let mut errors = Vec::new();
    for look in looks {
        match look {
            Ok(given_up) => all.extend(given_up),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(all)
    } else {
        Err(errors)
    }
}

struct Released<'a> {
    session: &'a Session,
    owner: &'a str,
    before_side: Side,
    before: &'a BucketSpec,
    side: Side,
    now: &'a SideModel,
}

impl Released<'_> {
    async fn given_up(&self) -> Result<Vec<GivenUp>, CallError> {
        let policy = self.statements();
        let encryption = self.encryption().await?;
        let tags = self.tags().await?;
        Ok(policy.into_iter().chain(encryption).chain(tags).collect())
    }

    /// Our statements, where they were ours to write and no longer are.
    fn statements(&self) -> Option<GivenUp> {
        let was_ours = self.before.policy_is_managed() || self.before.leftovers.ours_in_policy;
        let leaves = was_ours && self.now.manage_bucket_policy == Attr::Known(false);
        leaves.then(|| GivenUp {
            component: ComponentId::Of(self.side.clone(), Part::BucketPolicy),
            at: self.before.location.clone(),
            action: Action::EditBucketPolicy {
                bucket: self.before.name.to_string(),
                edit: PolicyEdit {
                    share: PolicyShare::nothing_of(self.owner),
                    fresh: false,
                    rewrite: false,
                },
            },
        })
    }

    /// The default encryption that was there before ours.
    async fn encryption(&self) -> Result<Option<GivenUp>, CallError> {
        let replaced = ReplacedEncryption::of(&self.before_side, self.before);
        let Some(replaced) = replaced.or_else(|| self.before.leftovers.encryption.clone()) else {
            return Ok(None);
        };
        if self.now.enable_encryption == Attr::Known(true) {
            return Ok(None);
        }
        let query = Query::GetBucketEncryption {
            bucket: self.before.name.to_string(),
        };
        let Some(Answer::Encryption(there)) = self.ask(&query).await? else {
            return Ok(None);
        };
        Ok(replaced.to_put_back(&there).map(|encryption| {
            self.give_up(Action::Call(Operation::PutBucketEncryption {
                bucket: self.before.name.to_string(),
                encryption,
            }))
        }))
    }

    /// A bucket that was ours loses the tags that said so.
    async fn tags(&self) -> Result<Option<GivenUp>, CallError> {
        if self.before.settings().is_none() && !self.before.leftovers.ownership_tags {
            return Ok(None);
        }
        let query = Query::GetBucketTagging {
            bucket: self.before.name.to_string(),
        };
        let Some(Answer::Tags(seen)) = self.ask(&query).await? else {
            return Ok(None);
        };
        let mut theirs = seen.clone();
        theirs.retain(|key, _| !is_ownership_tag(key));
        Ok(TagChange::between(&seen, theirs).map(|change| {
            self.give_up(Action::EditBucketTags {
                bucket: self.before.name.to_string(),
                change,
            })
        }))
    }

    fn give_up(&self, action: Action) -> GivenUp {
        GivenUp {
            component: ComponentId::Of(self.side.clone(), Part::Bucket),
            at: self.before.location.clone(),
            action,
        }
    }

    async fn ask(&self, query: &Query) -> Result<Option<Answer>, CallError> {
        let cloud = &self.session.cloud;
        match cloud.query(&self.before.location, query).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.kind == CallErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
