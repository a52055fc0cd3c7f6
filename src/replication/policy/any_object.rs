//! The object that stands for all of a rule.

/// Stands, in the ARN that a request is about, for whatever key an object has: nobody names one so, and only a wildcard
/// matches it.
pub const ANY_OBJECT: &str = "\u{e000}\u{e000}\u{e000}\u{e000}\u{e000}\u{e000}\u{e000}\u{e000}";

/// Whether a pattern is about some of the objects that a request stands for, and not about all of them.
pub(super) fn names_some_of(pattern: &str, resource: &str) -> bool {
    let Some((stem, _)) = resource.split_once(ANY_OBJECT) else {
        return false;
    };
    let literal = pattern.split(['*', '?']).next().unwrap_or_default();
    literal.len() > stem.len() && literal.starts_with(stem)
}
