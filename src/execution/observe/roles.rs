//! Roles, and the policies in and at them.

use futures::future::try_join_all;
use futures::try_join;
use tracing::Instrument as _;

use super::{CallError, Look, Purpose, names, reading, text};
use crate::replication::component::ComponentId;
use crate::replication::direction::Direction;
use crate::replication::grants::managed_policy_count;
use crate::replication::observed::{
    ManagedPolicies, ObservedManagedPolicy, ObservedRole, Presence,
};
use crate::replication::operation::{Answer, Query};
use crate::replication::policy::ATTACHED_POLICIES;
use crate::replication::spec::RoleOwnership;

impl Look<'_> {
    /// The role of a direction.
    pub(super) async fn role(
        &self,
        direction: &Direction<'_>,
        known: &(dyn Fn(&ComponentId) -> bool + Sync),
    ) -> Result<Presence<ObservedRole>, CallError> {
        let component = ComponentId::Role(direction.from.clone());
        let span = reading(&component);
        self.role_itself(direction, known).instrument(span).await
    }

    async fn role_itself(
        &self,
        direction: &Direction<'_>,
        known: &(dyn Fn(&ComponentId) -> bool + Sync),
    ) -> Result<Presence<ObservedRole>, CallError> {
        let role = direction.role.name.clone();
        let existing = matches!(direction.role.ownership, RoleOwnership::Existing { .. });
        let get_role = || {
            self.read(
                Query::GetRole { role: role.clone() },
                |answer| match answer {
                    Answer::Role(role) => Some(role),
                    _ => None,
                },
            )
        };
        let first = if existing || known(&ComponentId::Role(direction.from.clone())) {
            None
        } else {
            match get_role().await? {
                Presence::Present(description) => Some(description),
                _ => return Ok(Presence::Absent),
            }
        };
        let description = async {
            match first {
                Some(description) => Ok(Presence::Present(description)),
                None => get_role().await,
            }
        };
        let policy = async {
            if self.purpose == Purpose::Destroy {
                return Ok(Presence::Unasked);
            }
            self.read(
                Query::GetRolePolicy {
                    role: role.clone(),
                    policy: direction.role_policy_name(),
                },
                text,
            )
            .await
        };
        let (description, policy, inline_policies, attached_policies) = try_join!(
            description,
            policy,
            self.read(Query::ListRolePolicies { role: role.clone() }, names),
            self.read(
                Query::ListAttachedRolePolicies { role: role.clone() },
                names
            ),
        )?;
        let Presence::Present(description) = description else {
            return Ok(Presence::Absent);
        };
        let attached = attached_policies.present().map_or(&[][..], Vec::as_slice);
        let managed_policies = self.managed_policies(direction, attached, known).await?;
        Ok(Presence::Present(ObservedRole {
            description,
            policy,
            inline_policies,
            attached_policies,
            managed_policies,
        }))
    }

    /// The managed policies of ours: those that the role should have, those that are attached to it under names of
    /// ours, and those that state knows: one may have been detached and not deleted when a process died.
    pub(super) async fn managed_policies(
        &self,
        direction: &Direction<'_>,
        attached: &[String],
        known: &(dyn Fn(&ComponentId) -> bool + Sync),
    ) -> Result<ManagedPolicies, CallError> {
        if !matches!(direction.role.ownership, RoleOwnership::Owned { .. }) {
            return Ok(ManagedPolicies::new());
        }
        let wanted = managed_policy_count(direction);
        let candidates = (1..=ATTACHED_POLICIES).filter_map(|number| {
            let arn = direction.managed_policy_arn(number);
            let is_attached = attached.contains(&arn);
            let component = ComponentId::ManagedPolicy(direction.from.clone(), number);
            let may_be_there = number <= wanted || is_attached || known(&component);
            may_be_there.then_some((number, component, arn, is_attached))
        });
        let seen = try_join_all(
            candidates.map(|(number, component, arn, attached)| async move {
                let look = self.managed_policy(arn, attached);
                let seen = look.instrument(reading(&component)).await?;
                Ok::<_, CallError>(seen.map(|seen| (number, seen)))
            }),
        )
        .await?;
        Ok(seen.into_iter().flatten().collect())
    }

    async fn managed_policy(
        &self,
        policy_arn: String,
        attached: bool,
    ) -> Result<Option<ObservedManagedPolicy>, CallError> {
        let query = Query::GetPolicy {
            policy_arn: policy_arn.clone(),
        };
        let description = self
            .read(query, |answer| match answer {
                Answer::ManagedPolicy(policy) => Some(policy),
                _ => None,
            })
            .await?;
        let Presence::Present(description) = description else {
            return Ok(None);
        };
        let version = Query::GetPolicyVersion {
            policy_arn: policy_arn.clone(),
            version: description.default_version.clone(),
        };
        let versions = Query::ListPolicyVersions { policy_arn };
        let (document, versions) = try_join!(self.read(version, text), self.read(versions, names))?;
        let mut older_versions = versions.present().cloned().unwrap_or_default();
        older_versions.retain(|version| *version != description.default_version);
        Ok(Some(ObservedManagedPolicy {
            attached,
            document: document.present().cloned().unwrap_or_default(),
            default_version: description.default_version,
            older_versions,
            tags: description.tags,
        }))
    }
}
