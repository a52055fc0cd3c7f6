//! Buckets of the state that are not there any more, and that an update makes again.

use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, known_entries};
use crate::provider::replicated_bucket::model::BucketModel;
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::replicated_bucket::values::components::is_missing;
use crate::replication::component::{ComponentId, Part, Side};

/// Warns of each bucket that comes back without its objects.
pub(crate) fn warn(prior: &BucketModel, model: &BucketModel, diagnostics: &mut Diagnostics) {
    let lines = known_entries(&prior.components);
    for (this, side) in model.sides() {
        let Some(bucket) = side
            .bucket
            .known()
            .filter(|_| side.existing != Attr::Known(true))
        else {
            continue;
        };
        // The state may have the same bucket under another key.
        let Some((before, _)) = prior.side_of_bucket(bucket) else {
            continue;
        };
        let component = ComponentId::Of(before, Part::Bucket).to_string();
        if !lines.get(&component).is_some_and(|line| is_missing(line)) {
            continue;
        }
        let copies = match &this {
            Side::Source => {
                "What it held is in the destinations, as far as it was replicated, and does not come back from there by itself: copy it back"
            }
            Side::Destination(_) => {
                "Only what is written to the source from then on is replicated into it: for what the source holds already, use S3 Batch Replication"
            }
        };
        diagnostics.warning_at(
            side_path(&this).attribute("bucket"),
            format!("Bucket {bucket} is made again, empty"),
            format!("Bucket {bucket} is in the state and not there any more: somebody deleted it. An apply makes an empty one of its name. {copies}. If it is not to be there any more, take it out of the configuration."),
        );
    }
}
