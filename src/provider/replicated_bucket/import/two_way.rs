//! Whether a destination replicates back to the source, and by which role.

use super::custody::is_our_rule;
use super::object_keys::Leaving;
use super::{Found, Importer, Intent, Setup};
use crate::execution::cloud::CallErrorKind;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::SideModel;
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::replicated_bucket::report;
use crate::replication::component::Side;
use crate::replication::ids::Location;
use crate::replication::operation::{Answer, Query};

impl Importer<'_> {
    /// Takes the way back over, where all rules of the destination's bucket lead to the source.
    pub(crate) async fn way_back(
        &self,
        setup: &Setup,
        this: &Side,
        side: &mut SideModel,
        at: &Location,
        found: &Found,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let source_bucket = self.id.bucket.as_str();
        side.two_way = Attr::Known(false);
        let bucket = side.bucket.known().cloned().unwrap_or_default();
        let query = Query::GetBucketReplication {
            bucket: bucket.clone(),
        };
        let configuration = match self.session.cloud.query(at, &query).await {
            Ok(Answer::Replication(configuration)) => configuration,
            Ok(_) => return Some(()),
            Err(error) if error.kind == CallErrorKind::NotFound => return Some(()),
            Err(error) => {
                report::read_errors(&[error], diagnostics);
                return None;
            }
        };
        let rules = &configuration.rules;
        let back = rules
            .iter()
            .filter(|rule| rule.bucket_arn.rsplit(':').next() == Some(source_bucket));
        let is_existing = side.existing == Attr::Known(true);
        let is_ours_among_others = is_existing && back.clone().any(is_our_rule);
        match back.count() {
            // It replicates onwards, which is none of this resource's business.
            0 => {}
            // In somebody else's bucket rules of theirs may stand beside ours.
            count if count == rules.len() || is_ours_among_others => {
                let (role, role_is) = self
                    .role(setup, &bucket, at, &configuration, diagnostics)
                    .await?;
                let others = found.retired_keys.values().chain(&setup.source_keys);
                let leaving = Leaving {
                    this,
                    at,
                    rules,
                    role: &role,
                    role_is,
                    others: others.cloned().collect(),
                };
                self.object_keys(&leaving, side, diagnostics).await?;
                side.replication_role_arn = role.arn.clone();
                side.two_way_role = Attr::Known(role);
                side.two_way = Attr::Known(true);
            }
            _ if self.intent == Intent::Status => {}
            _ => diagnostics.warning_at(
                side_path(this),
                format!("Bucket {bucket} replicates back, and elsewhere too"),
                format!("A bucket has one replication configuration, and with two_way it is wholly this resource's. That of {bucket} also leads to other buckets than {source_bucket}, so {this} is imported without two_way, and its rules stay as they are."),
            ),
        }
        Some(())
    }
}
