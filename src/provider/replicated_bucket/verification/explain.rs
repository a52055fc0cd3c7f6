//! What S3 was most likely refused, by a look at the setup as it is after a canary failed.

use crate::execution::observe::{Purpose, known_to_state, observe};
use crate::provider::replicated_bucket::status;
use crate::provider::settings::Session;
use crate::replication::canary::Canary;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::spec::Spec;
use crate::replication::wiring::{Flaw, FlawKind};

/// What the look found.
pub(super) struct Look(Result<Vec<Flaw>, String>);

/// Looks at everything that S3 needs.
pub(super) async fn look(session: &Session, spec: &Spec) -> Look {
    match observe(&*session.cloud, spec, Purpose::Refresh, &known_to_state).await {
        Ok(mut observed) => {
            let (flaws, _) = status::flaws_of(session, spec, &mut observed).await;
            Look(Ok(flaws))
        }
        Err(errors) => {
            let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Look(Err(told.join("; ")))
        }
    }
}

/// What S3 is most likely refused while something is wrong; nothing where the flaw itself names the actions.
fn refused(flaw: &Flaw) -> String {
    if flaw.kind != FlawKind::Differs {
        return String::new();
    }
    let what = match &flaw.component {
        ComponentId::Of(_, Part::BucketPolicy) => {
            "the role needs s3:ReplicateObject on the objects of this bucket"
        }
        ComponentId::Of(_, Part::Key) | ComponentId::RetiredKey(..) => {
            "the role needs kms:Decrypt on the source's key and kms:Encrypt on the destination's, and both have to be enabled"
        }
        ComponentId::Of(_, Part::Replication) => "this is what S3 replicates by",
        ComponentId::Of(..) => "S3 replicates only between buckets that are there, with versioning",
        ComponentId::Role(_) => "S3 has to be able to assume it: sts:AssumeRole",
        ComponentId::RolePolicy(_) | ComponentId::ManagedPolicy(..) => {
            "the role needs what this grants"
        }
    };
    format!(" ({what})")
}

impl Look {
    /// Whether anything that could be looked at stands against a canary's way to a side.
    pub(super) fn stands_against(&self, canary: &Canary, to: &Side) -> bool {
        self.against(canary, to).next().is_some()
    }

    fn against<'a>(&'a self, canary: &'a Canary, to: &'a Side) -> impl Iterator<Item = &'a Flaw> {
        let flaws = self.0.iter().flatten();
        flaws.filter(|flaw| flaw.concerns(&canary.from, to))
    }

    /// Why a canary most likely did not get somewhere, in sentences.
    pub(super) fn why(&self, spec: &Spec, canary: &Canary, to: &Side) -> String {
        if let Err(why) = &self.0 {
            return format!("What keeps it could not be looked at: {why}.");
        }
        let against: Vec<String> = self
            .against(canary, to)
            .map(|flaw| format!("  {flaw}{}", refused(flaw)))
            .collect();
        if !against.is_empty() {
            return format!(
                "This is what stands against it now:\n\n{}\n\nAn object that failed is never taken up again by itself; S3 Batch Replication takes it up.",
                against.join("\n")
            );
        }
        let role = spec.direction(&canary.from).map(|d| d.role_arn());
        let role = role.map(|role| role.to_string()).unwrap_or_default();
        format!(
            "Everything that can be looked at from here is as it should be. So S3 was most likely refused by what cannot: a service or resource control policy of the organisation, or what was changed a moment ago does not count everywhere yet. CloudTrail of both accounts tells the call that was refused; it was made by {role}, in a session named s3-replication."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_s3_is_refused_is_told_where_the_flaw_itself_names_no_action() {
        // The kind decides: a name may hold what an action looks like.
        let policy = ComponentId::Of(Side::Source, Part::BucketPolicy);
        let differs = Flaw::new(policy, "statement s3:mine missing");
        assert_eq!(
            refused(&differs),
            " (the role needs s3:ReplicateObject on the objects of this bucket)"
        );
        for kind in [FlawKind::NotGranted, FlawKind::Denied] {
            let named = Flaw {
                kind,
                ..differs.clone()
            };
            assert_eq!(refused(&named), "");
        }
    }
}
