//! Whether canaries show that objects cross.

use crate::framework::schema::{Attribute, Nesting, Setter};
use crate::provider::checks;
use crate::provider::replicated_bucket::attributes::verification::DEFAULT_TIMEOUT;
use crate::replication::canary::DEFAULT_KEY_PREFIX;

use Setter::{Computed, Optional, OptionalComputed};

pub(crate) fn verification() -> Attribute {
    Attribute::nested(
        "verification",
        Nesting::Single,
        vec![
            Attribute::bool("enabled", OptionalComputed, "Whether canaries are sent. Default: `true`, where `verification` is written."),
            key_prefix(OptionalComputed),
            Attribute::string(
                "timeout",
                OptionalComputed,
                &format!("How long canaries may take to cross, as a Go duration, within the time of the create or update. One that is still pending then is a warning, and the next plan proposes to verify again. Default: `{DEFAULT_TIMEOUT}`."),
            )
            .validate(checks::duration()),
        ],
        Optional,
        "Shows by real objects that replication works: after a create, and after each update that could change it, a small object is written for each enabled rule, followed until its replica is in the destination with the right owner, storage class and tags, and every version of it is deleted again. A failure is an error that names what S3 was most likely refused; a create is then undone. Default: off.",
    )
}

/// What the keys of canaries begin with.
pub(crate) fn key_prefix(setter: Setter) -> Attribute {
    Attribute::string(
        "key_prefix",
        setter,
        &format!("What the keys of canaries begin with, behind the prefix of their rule. Default: `{DEFAULT_KEY_PREFIX}`."),
    )
    .validate(checks::text(|text| {
        let odd = |c: char| c.is_control() || "*?$".contains(c);
        if text.is_empty() || text.len() > 512 || text.chars().any(odd) {
            return Err("a prefix of canaries is 1 to 512 bytes long, without *, ?, $ and control characters, which mean something else in policies.".to_owned());
        }
        Ok(())
    }))
}

/// When the destination was last seen to receive.
pub(crate) fn verified_at() -> Attribute {
    Attribute::string(
        "verified_at",
        Computed,
        "When canaries of all rules of this destination last crossed as they should, RFC 3339; null where none has since the last change that could matter.",
    )
}
