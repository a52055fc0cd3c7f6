//! Writes down when canaries crossed, for whoever asks without the state.

use super::Proof;
use crate::framework::diagnostics::Diagnostics;
use crate::provider::settings::Session;
use crate::replication::last_verified::remembering;
use crate::replication::spec::Spec;

/// Remembers the moments of a verification at AWS, where the role is ours. Nothing depends on it, so that what keeps it
/// from being written is a warning.
pub(in crate::provider) async fn remember(
    session: &Session,
    spec: &Spec,
    proof: &Proof,
    diagnostics: &mut Diagnostics,
) {
    let Some(operation) = remembering(spec, &proof.moments()) else {
        return;
    };
    let at = &spec.source.location;
    if let Err(error) = session.cloud.perform(at, &operation).await {
        diagnostics.warning(
            "The verification could not be written down",
            format!("{error}. When canaries last crossed is kept in tags of the role, for the data source replicated_bucket_status, which goes on telling what it told before. Nothing else depends on it."),
        );
    }
}
