//! The identity: which bucket, in which account and region.
//!
//! Terraform stores it beside the state (1.12 and later), imports by it and lists by it. It never changes: another
//! account, region or name is another object, and a change of them in the configuration replaces the resource. A client
//! without identities never sends one and drops those of the answers.

use super::upgrade;
use crate::framework::provider::{IdentityAttribute, IdentitySchema};
use crate::framework::value::{Type, Value};

const ATTRIBUTES: [(&str, bool, &str); 3] = [
    (
        "account_id",
        false,
        "Account of the source bucket. Default: the one that the provider's credentials belong to.",
    ),
    (
        "region",
        false,
        "Region of the source bucket. Default: the one that it is found in, asked for in the provider's region.",
    ),
    ("bucket", true, "Name of the source bucket."),
];

/// The identity's schema.
pub(crate) fn schema() -> IdentitySchema {
    IdentitySchema {
        version: upgrade::IDENTITY.current(),
        attributes: ATTRIBUTES
            .iter()
            .map(|(name, required, description)| IdentityAttribute {
                name: (*name).to_owned(),
                ty: Type::String,
                required_for_import: *required,
                description: (*description).to_owned(),
            })
            .collect(),
    }
}

/// The identity of a state or of a plan; what is not known yet is not known in it either. Null for null.
pub(crate) fn of(state: &Value) -> Value {
    if state.is_null() {
        return Value::Null;
    }
    let source = state.attribute("source");
    Value::object(ATTRIBUTES.map(|(name, ..)| (name, source.attribute(name).clone())))
}

/// How an identity contradicts a state: in which attribute, as a clause. What is null or unknown contradicts nothing.
pub(crate) fn misfit(identity: &Value, state: &Value) -> Option<String> {
    let source = state.attribute("source");
    ATTRIBUTES.iter().find_map(|(name, ..)| {
        let told = identity.attribute(name).as_str()?;
        let found = source.attribute(name).as_str()?;
        (told != found).then(|| {
            format!(
                "The identity says {name} = {told:?}, but the source bucket has {name} = {found:?}"
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(account: Value, region: Value) -> Value {
        let bucket = Value::string("acme");
        let source = [
            ("account_id", account),
            ("bucket", bucket),
            ("region", region),
        ];
        Value::object([("source", Value::object(source))])
    }

    #[test]
    fn it_names_the_source_and_tells_what_is_not_known_yet() {
        let planned = of(&state(Value::Unknown, Value::string("eu-west-1")));
        assert!(planned.attribute("account_id").is_unknown());
        assert_eq!(planned.attribute("region").as_str(), Some("eu-west-1"));
        assert_eq!(planned.attribute("bucket").as_str(), Some("acme"));
        assert!(of(&Value::Null).is_null());
        let unknown = of(&Value::object([("source", Value::Unknown)]));
        assert!(unknown.attribute("bucket").is_unknown());
    }

    #[test]
    fn only_what_is_told_on_both_sides_can_contradict() {
        let here = state(Value::string("111111111111"), Value::string("eu-west-1"));
        let there = state(Value::string("111111111111"), Value::string("us-west-2"));
        let vague = state(Value::Null, Value::Unknown);
        assert_eq!(misfit(&of(&here), &here), None);
        assert_eq!(misfit(&of(&vague), &here), None);
        assert_eq!(misfit(&of(&here), &vague), None);
        assert_eq!(misfit(&Value::Null, &here), None);
        assert_eq!(
            misfit(&of(&there), &here).unwrap(),
            "The identity says region = \"us-west-2\", but the source bucket has region = \"eu-west-1\""
        );
    }
}
