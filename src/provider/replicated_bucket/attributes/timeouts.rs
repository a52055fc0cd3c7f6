//! `timeouts`: how long each operation may take.

use crate::execution::deadline::Deadline;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::value::AttributePath;
use crate::provider::checks::not_empty;
use crate::provider::duration::parse_duration;
use crate::provider::replicated_bucket::model::{BucketModel, TimeoutsModel};

/// What takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Create,
    Read,
    Update,
    Delete,
}

impl Deed {
    /// The attribute that says how long it may take.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// How long it may take where nobody says so; as `hashicorp/aws` has it for buckets.
    pub(crate) fn default_time(self) -> &'static str {
        match self {
            Self::Create | Self::Read | Self::Update => "20m",
            Self::Delete => "60m",
        }
    }

    fn written(self, timeouts: &TimeoutsModel) -> &Attr<String> {
        match self {
            Self::Create => &timeouts.create,
            Self::Read => &timeouts.read,
            Self::Update => &timeouts.update,
            Self::Delete => &timeouts.delete,
        }
    }
}

/// When something that begins now has to be done.
pub(crate) fn deadline(deed: Deed, model: &BucketModel) -> Deadline {
    let timeouts = model.timeouts.known();
    let written = timeouts.and_then(|timeouts| deed.written(timeouts).known());
    let time = written.map_or(deed.default_time(), String::as_str);
    // A state that somebody edited by hand may hold anything.
    let total = parse_duration(time).or_else(|_| parse_duration(deed.default_time()));
    let told = format!("{time} (timeouts.{})", deed.attribute());
    Deadline::after(total.unwrap_or_default(), told)
}

/// Checks what is written.
pub(crate) fn check(config: &BucketModel, diagnostics: &mut Diagnostics) {
    if let Some(timeouts) = config.timeouts.known() {
        not_empty(&AttributePath::root("timeouts"), timeouts, diagnostics);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_time() {
        for deed in [Deed::Create, Deed::Read, Deed::Update, Deed::Delete] {
            let time = parse_duration(deed.default_time()).unwrap();
            assert!(!time.is_zero(), "{deed:?}");
        }
    }
}
