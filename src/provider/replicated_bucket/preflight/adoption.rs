//! Buckets that a configuration no longer leaves to their owners: whether they may be adopted, and what they lose.

use crate::framework::diagnostics::Diagnostics;
use crate::provider::replicated_bucket::paths::side_path;
use crate::replication::adoption::{Adoption, adoptions};
use crate::replication::observed::Observed;
use crate::replication::spec::Spec;

/// Refuses what is another resource's, and tells what the others lose.
pub(crate) fn check(spec: &Spec, prior: &Spec, observed: &Observed, diagnostics: &mut Diagnostics) {
    if refuse(spec, prior, observed, diagnostics) {
        return;
    }
    for Adoption {
        side,
        bucket,
        losses,
        ..
    } in adoptions(spec, prior, observed)
    {
        if losses.is_empty() {
            continue;
        }
        diagnostics.warning_at(
            side_path(&side).attribute("existing"),
            format!("Bucket {bucket} is adopted"),
            format!("{bucket} belonged to somebody else, and from now on every setting of this resource counts there, written or not. The apply takes away or changes what its owner set:\n\n  {}\n\nWrite here what is to stay, or leave existing = true.", losses.join("\n  ")),
        );
    }
}

/// Refuses buckets that another resource made and would go on with; whether there is one.
pub(crate) fn refuse(
    spec: &Spec,
    prior: &Spec,
    observed: &Observed,
    diagnostics: &mut Diagnostics,
) -> bool {
    let mut refused = false;
    for adoption in adoptions(spec, prior, observed) {
        let Some(owner) = adoption.other_owner else {
            continue;
        };
        refused = true;
        let bucket = &adoption.bucket;
        diagnostics.error_at(
            side_path(&adoption.side).attribute("existing"),
            format!("Bucket {bucket} is another resource's"),
            format!("The tags of {bucket} say that the replicated_bucket {owner} made it, so it is not adopted: both would go on changing it, and either could delete it. Write existing = true; or release it there first, by existing = true in that resource. Nothing was changed."),
        );
    }
    refused
}
