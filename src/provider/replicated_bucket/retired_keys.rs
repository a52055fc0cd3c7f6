//! Keys of ours that a bucket used before: where no state remembers them, they are found by their tags.

use std::collections::{BTreeMap, BTreeSet};

use super::model::BucketModel;
use super::paths::side_path;
use super::private::Private;
use super::report;
use crate::execution::cloud::CallErrorKind;
use crate::execution::observe::find_keys;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, text_map};
use crate::provider::settings::Session;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::ids::Location;
use crate::replication::names::{COMPONENT_TAG, OWNER_TAG, RETAINED_TAG};
use crate::replication::observed::Observed;
use crate::replication::operation::Tags;
use crate::replication::spec::Spec;

/// Whether tags name this owner and component.
pub(crate) fn is_ours(tags: &Tags, owner: &str, component: &ComponentId) -> bool {
    tags.get(OWNER_TAG).map(String::as_str) == Some(owner)
        && tags.get(COMPONENT_TAG) == Some(&component.to_string())
}

/// The keys of a side beside those in use (ARNs); none after an error.
pub(crate) async fn find(
    session: &Session,
    owner: &str,
    this: &Side,
    in_use: &[String],
    at: &Location,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<String>> {
    let component = ComponentId::Of(this.clone(), Part::Key);
    let fits = |tags: &Tags| is_ours(tags, owner, &component);
    match find_keys(&*session.cloud, at, &fits, in_use).await {
        Ok(keys) => Some(keys),
        Err(error) if error.kind == CallErrorKind::AccessDenied => {
            diagnostics.warning_at(
                side_path(this),
                "Keys cannot be looked through",
                format!("{error}. Keys that the bucket used before, if there are any, are not taken into the state: they stay when it goes."),
            );
            Some(Vec::new())
        }
        Err(error) => {
            report::read_errors(&[error], diagnostics);
            None
        }
    }
}

/// Looks for the keys of buckets that a destroy retained and a create takes back. The plan of that create could not
/// know them, so the next refresh takes them into the state.
pub(crate) async fn remember_retained(
    session: &Session,
    spec: &Spec,
    observed: &Observed,
    private: &mut Private,
    diagnostics: &mut Diagnostics,
) {
    for (side, bucket) in spec.buckets().filter(|(_, b)| b.settings().is_some()) {
        let Some(seen) = observed.buckets.get(&side) else {
            continue;
        };
        let tags = seen.tags.present();
        if !tags.is_some_and(|tags| tags.contains_key(RETAINED_TAG)) {
            continue;
        }
        let in_use = seen.key.present().filter(|_| bucket.owned_key().is_some());
        let in_use: Vec<String> = in_use
            .map(|key| key.description.arn.clone())
            .into_iter()
            .collect();
        let at = &bucket.location;
        let keys = find(session, &spec.owner(), &side, &in_use, at, diagnostics).await;
        let keys: BTreeSet<String> = keys.into_iter().flatten().collect();
        if !keys.is_empty() {
            private.retired.insert(bucket.name.to_string(), keys);
        }
    }
}

/// The state, and its spec, without keys of before that are gone for good: nothing brings them back, nor what is under
/// them.
pub(crate) fn without_gone(
    state: &BucketModel,
    spec: &mut Spec,
    observed: &Observed,
    diagnostics: &mut Diagnostics,
) -> BucketModel {
    let mut state = state.clone();
    for (this, seen) in &observed.buckets {
        let keys = seen.retired_keys.iter();
        for (arn, _) in keys.filter(|(_, key)| key.is_absent()) {
            diagnostics.warning_at(
                side_path(this),
                format!("A key of {this} is gone"),
                format!("The bucket was under key {arn} before, and the key was kept for the objects under it. Somebody has deleted it: what is still encrypted under it cannot be read or replicated any more, by anyone. It leaves the state."),
            );
            if let Attr::Known(components) = &mut state.components {
                components.remove(&ComponentId::retired_key(this, arn).to_string());
            }
            if let Some(bucket) = spec.bucket_mut(this) {
                bucket.retired_keys.retain(|key| key != arn);
            }
        }
    }
    state
}

/// The state with the keys that its buckets turned out to have used before.
pub(crate) fn with_remembered(state: &BucketModel, private: &Private) -> BucketModel {
    let mut state = state.clone();
    let mut lines = BTreeMap::new();
    for (this, side) in state.sides() {
        let keys = side
            .bucket
            .known()
            .and_then(|name| private.retired.get(name));
        for arn in keys.into_iter().flatten() {
            lines.insert(
                ComponentId::retired_key(&this, arn).to_string(),
                arn.clone(),
            );
        }
    }
    if let Attr::Known(components) = &mut state.components {
        components.extend(text_map(lines));
    }
    state
}
