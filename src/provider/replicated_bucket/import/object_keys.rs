//! Keys besides a bucket's own that objects in it may be under. The role that was found may decrypt with them, and
//! ours has to do so after it, because objects that are still to be replicated and later changes of metadata need it.

use std::collections::BTreeSet;

use super::custody::Tagged;
use super::{Importer, Intent};
use crate::execution::cloud::CallErrorKind;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::{RoleModel, SideModel};
use crate::provider::replicated_bucket::paths::{role_path, side_path};
use crate::provider::replicated_bucket::{report, role_policies};
use crate::replication::component::Side;
use crate::replication::ids::{BucketName, Location};
use crate::replication::names::{ROLE_POLICY_NAME, managed_policy_arn, shared_role_policy_name};
use crate::replication::operation::{Answer, Query, ReplicationRule};
use crate::replication::policy::{ATTACHED_POLICIES, decryption};

/// Replication out of one bucket, as it was found.
pub(super) struct Leaving<'a> {
    pub(super) this: &'a Side,
    pub(super) at: &'a Location,
    pub(super) rules: &'a [ReplicationRule],
    pub(super) role: &'a RoleModel,
    pub(super) role_is: Tagged,
    /// Keys that are in use otherwise: those of the buckets where objects arrive, and ours of before.
    pub(super) others: Vec<String>,
}

impl Leaving<'_> {
    fn sends_encrypted_objects(&self) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| rule.sse_kms_encrypted_objects == Some(true))
    }

    /// The keys whose place is known already.
    fn known_keys(&self, side: &SideModel) -> BTreeSet<String> {
        let rules = self.rules.iter();
        let named = rules.filter_map(|rule| rule.replica_kms_key.as_ref()?.known().cloned());
        keys_of(side)
            .chain(self.others.iter().cloned())
            .chain(named)
            .collect()
    }

    /// Whether a policy in the role is one that this resource looks at: its own, and all those of a role that it takes
    /// over from whoever made it.
    fn counts_inline(&self, name: &str, bucket: &str) -> bool {
        match (self.role.existing_arn.is_null(), self.role_is) {
            (true, Tagged::Nobody) => true,
            (true, _) => name == ROLE_POLICY_NAME,
            (false, _) => name == shared_role_policy_name(bucket),
        }
    }

    /// The same of a policy at the role.
    fn counts_attached(&self, arn: &str) -> bool {
        let (Some(path), Some(name)) = (self.role.path.known(), self.role.name.known()) else {
            return false;
        };
        match (self.role.existing_arn.is_null(), self.role_is) {
            (true, Tagged::Nobody) => true,
            (true, _) => (1..=ATTACHED_POLICIES)
                .any(|number| managed_policy_arn(self.at, path, name, number) == arn),
            (false, _) => false,
        }
    }
}

impl Importer<'_> {
    /// Takes these keys over into `additional_kms_key_arns`.
    pub(super) async fn object_keys(
        &self,
        leaving: &Leaving<'_>,
        side: &mut SideModel,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        // Of somebody else's bucket nothing is written down that replication has not asked for.
        let is_described =
            side.existing != Attr::Known(true) || side.enable_encryption == Attr::Known(true);
        let bucket = side.bucket.known().and_then(|b| BucketName::parse(b).ok());
        let (Some(bucket), Some(role)) = (bucket, leaving.role.name.known()) else {
            return Some(());
        };
        // Older objects under other keys say nothing of how new ones fare.
        let is_asked = self.intent == Intent::Import;
        if !is_asked || !is_described || !leaving.sends_encrypted_objects() {
            return Some(());
        }
        let at = leaving.at;
        let inline = Query::ListRolePolicies { role: role.clone() };
        let mut inline = self.names(at, &inline, diagnostics).await?;
        inline.retain(|name| leaving.counts_inline(name, bucket.as_str()));
        let attached = Query::ListAttachedRolePolicies { role: role.clone() };
        let mut attached = self.names(at, &attached, diagnostics).await?;
        attached.retain(|arn| leaving.counts_attached(arn));
        let policies =
            role_policies::read(self.session, at, role, inline.iter(), attached.iter()).await;
        let from = leaving.this;
        if !policies.unread.is_empty() {
            diagnostics.warning_at(
                role_path(from),
                "Policies of the role could not be read",
                format!("{}. Which keys objects of {bucket} may be under is told by the policies of their role. Write keys besides the bucket's own into additional_kms_key_arns.", policies.unread.join("; ")),
            );
        }
        let found = decryption(&policies.documents, &bucket, at);
        let known = leaving.known_keys(side);
        let Attr::Known(encryption) = &mut side.encryption else {
            return Some(());
        };
        let mut keys: Vec<String> = Vec::new();
        for key in found.keys.difference(&known) {
            if self.is_there(at, key, diagnostics).await? {
                keys.push(key.clone());
            }
        }
        if !keys.is_empty() {
            encryption.additional_kms_key_arns =
                Attr::Known(keys.into_iter().map(Attr::Known).collect());
        }
        if found.any {
            diagnostics.warning_at(
                side_path(from).attribute("encryption").attribute("additional_kms_key_arns"),
                "Objects may be under keys that are told nowhere",
                format!("The policies that role {role} has may decrypt objects of {bucket} with every key of account {}. The policy that this resource writes grants the bucket's own key and additional_kms_key_arns. Before the others are taken off the role, write there the keys that objects are still under: those are not replicated otherwise when they are still to be, or when their metadata changes.", at.account),
            );
        }
        Some(())
    }

    /// A list that IAM keeps; empty where the role is gone.
    async fn names(
        &self,
        at: &Location,
        query: &Query,
        diagnostics: &mut Diagnostics,
    ) -> Option<Vec<String>> {
        match self.session.cloud.query(at, query).await {
            Ok(Answer::Names(names)) => Some(names),
            Ok(_) => Some(Vec::new()),
            Err(error) if error.kind == CallErrorKind::NotFound => Some(Vec::new()),
            Err(error) => {
                report::read_errors(&[error], diagnostics);
                None
            }
        }
    }

    /// Whether a key has not been deleted. One that may not be looked at may be there.
    async fn is_there(
        &self,
        at: &Location,
        key: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<bool> {
        let query = Query::DescribeKey {
            key: key.to_owned(),
        };
        match self.session.cloud.query(at, &query).await {
            Ok(_) => Some(true),
            Err(error) if error.kind == CallErrorKind::NotFound => Some(false),
            Err(error) if error.kind == CallErrorKind::AccessDenied => Some(true),
            Err(error) => {
                report::read_errors(&[error], diagnostics);
                None
            }
        }
    }
}

/// The keys that a side's bucket encrypts under.
pub(super) fn keys_of(side: &SideModel) -> impl Iterator<Item = String> {
    let named = side.encryption.known().map(|e| &e.kms_key_arn);
    let keys = std::iter::once(&side.kms_key_arn).chain(named);
    keys.filter_map(Attr::known).cloned()
}
