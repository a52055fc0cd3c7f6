//! The object that stands for all of a rule.

/// Stands, in the ARN that a request is about, for whatever key an object has: nobody names one so, and only a wildcard
/// matches it.
pub const ANY_OBJECT: &str = "\u{e000}\u{e000}\u{e000}\u{e000}\u{e000}\u{e000}\u{e000}\u{e000}";
