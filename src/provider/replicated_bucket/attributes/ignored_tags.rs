//! Tags that the provider leaves to somebody else cannot be written as well.

use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, TextMap};
use crate::framework::value::AttributePath;
use crate::provider::replicated_bucket::model::BucketModel;
use crate::provider::replicated_bucket::paths::{role_path, side_path};
use crate::replication::ignored_tags::IgnoredTags;

/// Refuses every tag of the configuration that the provider ignores.
pub(crate) fn refuse_ignored(
    config: &BucketModel,
    ignored: &IgnoredTags,
    diagnostics: &mut Diagnostics,
) {
    let mut refuse = |owner: AttributePath, tags: &Attr<TextMap>| {
        let keys = tags.known().into_iter().flatten().map(|(key, _)| key);
        for key in keys.filter(|key| ignored.contains(key)) {
            diagnostics.error_at(
                owner.attribute("tags").key(key),
                "A tag that is ignored",
                format!("The provider's ignore_tags leaves every tag {key} to somebody else, so it would never be written. Take it out here, or there."),
            );
        }
    };
    refuse(AttributePath::default(), &config.tags);
    for (from, role) in config.roles() {
        refuse(role_path(&from), &role.tags);
    }
    for (this, side) in config.sides() {
        let path = side_path(&this);
        refuse(path.clone(), &side.tags);
        if let Some(key) = side.encryption.known().and_then(|e| e.key.known()) {
            refuse(path.attribute("encryption").attribute("key"), &key.tags);
        }
    }
}
