//! How a location is entered.

use crate::framework::schema::{Attribute, Setter};
use crate::framework::value::Type;
use crate::provider::checks;

use Setter::{Optional, Required};

/// `assume_role` of a location.
pub fn assume_role() -> Vec<Attribute> {
    let strings = || Type::List(Box::new(Type::String));
    vec![
        Attribute::string("role_arn", Required, "ARN of the role to assume.").validate(checks::role_arn()),
        Attribute::string("session_name", Optional, "Name of the session. Default: one name for the whole run, the same in every account.")
            .validate(checks::session_name()),
        Attribute::string("external_id", Optional, "External ID that the role's trust policy asks for."),
        Attribute::string("duration", Optional, "Length of the session as a Go duration, such as `1h` or `90m`; 15 minutes to 12 hours.")
            .validate(checks::session_duration()),
        Attribute::string("policy", Optional, "Session policy (JSON) that narrows what the session may do."),
        Attribute::new("policy_arns", strings(), Optional, "Managed policies that narrow what the session may do."),
        Attribute::string("source_identity", Optional, "Source identity of the session."),
        Attribute::string_map("tags", Optional, "Session tags."),
        Attribute::new("transitive_tag_keys", strings(), Optional, "Session tags that are passed on to sessions assumed from this one."),
    ]
}
