//! The rules for identities: right type, known, and the same for the life of an object.

use super::ResourceEntry;
use super::answer::bug;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::Value;

/// Whether an identity may still change or be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The plan of a new object, or of one that will be replaced.
    PlannedNew,
    /// An object that is there.
    Settled,
}

/// Checks a provider's identity against the one that Terraform has. On a fault the answer carries the
/// identity that Terraform has.
pub(super) fn checked(
    resource: &ResourceEntry,
    before: &Value,
    now: Value,
    stage: Stage,
    diagnostics: &mut Diagnostics,
) -> Value {
    const SUMMARY: &str = "The provider returned an invalid identity";
    if now.is_null() {
        // Terraform would forget the identity of an object whose answer leaves it out.
        return match stage {
            Stage::PlannedNew => now,
            Stage::Settled => before.clone(),
        };
    }
    if resource.identity.is_none() {
        bug(diagnostics, SUMMARY, "The resource has no identity schema.");
        return Value::Null;
    }
    let now = match now.into_type(&resource.identity_ty()) {
        Ok(now) => now,
        Err(error) => {
            bug(
                diagnostics,
                SUMMARY,
                format!("It does not fit its schema: {error}."),
            );
            return before.clone();
        }
    };
    if stage == Stage::PlannedNew {
        return now;
    }
    if !now.is_wholly_known() {
        bug(diagnostics, SUMMARY, "It is not wholly known.");
        return before.clone();
    }
    if let Some(changed) = changed_attribute(before, &now) {
        bug(
            diagnostics,
            "The provider changed the identity of an object",
            format!(
                "{changed} differs from before. An identity stays the same for the life of an object."
            ),
        );
        return before.clone();
    }
    now
}

/// The first attribute that was told before and is another now. What was null or unknown may be filled
/// in: an import by identity may leave out what is optional.
fn changed_attribute<'a>(before: &'a Value, now: &Value) -> Option<&'a str> {
    let Value::Object(attributes) = before else {
        return None;
    };
    attributes
        .iter()
        .find(|(name, old)| {
            !old.is_null() && old.is_wholly_known() && !old.same(now.attribute(name))
        })
        .map(|(name, _)| name.as_str())
}
