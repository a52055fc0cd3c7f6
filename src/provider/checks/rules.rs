//! Checks of what rules are made of.

use super::{collection, text};
use crate::framework::schema::Validator;
use crate::framework::value::Value;

/// What the keys of objects may begin with.
pub(crate) fn prefix() -> impl Validator {
    text(|text| match text.len() {
        0..=1024 => Ok(()),
        more => Err(format!(
            "a prefix of {more} bytes fits no object: keys have at most 1024."
        )),
    })
}

/// Keys of a destination's `rules`: they go into rule IDs.
pub(crate) fn rule_names() -> impl Validator {
    collection(|value| {
        let Value::Map(rules) = value else {
            return Ok(());
        };
        if rules.is_empty() {
            return Err(
                "it is empty, and would replicate nothing. Leave it out for one rule over the whole bucket, or write enabled = false on the destination to pause it."
                    .to_owned(),
            );
        }
        rules.iter().try_for_each(|(name, rule)| {
            if !is_key(name) {
                return Err(format!(
                    "the name \"{name}\" is not possible: 1 to 64 letters, digits, dots, hyphens and underscores are, because it goes into the rule's ID."
                ));
            }
            if *rule == Value::Null {
                return Err(format!(
                    "the rule \"{name}\" is null; leave it out, or write its attributes."
                ));
            }
            Ok(())
        })
    })
}

/// Whether a text can be a key of ours: of `destinations` or of `rules`.
pub(crate) fn is_key(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}
