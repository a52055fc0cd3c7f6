//! Configurations as a practitioner writes them, as JSON.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use terraform_provider_replicated::framework::value::{Type, Value};

/// Stands in a configuration for a value that is not known yet.
pub const UNKNOWN: &str = "<unknown>";

pub const HOME: &str = "111111111111";
pub const ABROAD: &str = "222222222222";
pub const THIRD: &str = "333333333333";

/// The way into an account.
pub fn deploy(account: &str) -> Json {
    json!({ "role_arn": format!("arn:aws:iam::{account}:role/Deploy") })
}

/// The whole case: another account, another region, keys on both sides.
pub fn kms_abroad() -> Json {
    json!({
        "source": {
            "bucket": "acme-archive",
            "encryption": { "sse_algorithm": "aws:kms" },
        },
        "destinations": {
            "backup": { "region": "us-west-2", "assume_role": deploy(ABROAD) },
        },
    })
}

/// Two destinations, the second in the source's account.
pub fn two_destinations() -> Json {
    with(
        &kms_abroad(),
        "destinations.near",
        json!({ "region": "us-east-1" }),
    )
}

/// A policy with one statement, which allows an account something.
pub fn policy(action: &str, resource: &str) -> Json {
    let statement = json!({
        "Sid": "Mine",
        "Effect": "Allow",
        "Principal": { "AWS": THIRD },
        "Action": action,
        "Resource": resource,
    });
    json!(document(&[statement]))
}

/// A policy document, as text.
pub fn document(statements: &[Json]) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// The configuration with one value set; `path` has dots between its steps.
pub fn with(config: &Json, path: &str, value: Json) -> Json {
    let mut changed = config.clone();
    let mut place = &mut changed;
    for step in path.split('.') {
        if place.is_null() {
            *place = Json::Object(Map::new());
        }
        place = place
            .as_object_mut()
            .unwrap()
            .entry(step)
            .or_insert(Json::Null);
    }
    *place = value;
    changed
}

/// The configuration without what is at a path.
pub fn without(config: &Json, path: &str) -> Json {
    let mut changed = config.clone();
    let (parent, last) = path.rsplit_once('.').unwrap_or(("", path));
    let pointer: String = parent
        .split('.')
        .filter(|step| !step.is_empty())
        .map(|step| format!("/{step}"))
        .collect();
    let parent = changed.pointer_mut(&pointer).unwrap();
    parent.as_object_mut().unwrap().remove(last).unwrap();
    changed
}

/// The value of a type: what is left out is null, and a name that the type does not have is a mistake of the test.
pub fn value(json: &Json, ty: &Type) -> Value {
    match (json, ty) {
        (Json::Null, _) => Value::Null,
        (Json::String(text), _) if text == UNKNOWN => Value::Unknown,
        (Json::Object(given), Type::Object(attributes)) => {
            for name in given.keys() {
                assert!(attributes.contains_key(name), "no attribute {name}");
            }
            Value::object(attributes.iter().map(|(name, ty)| {
                let given = given.get(name).unwrap_or(&Json::Null);
                (name.clone(), value(given, ty))
            }))
        }
        (Json::Object(given), Type::Map(element)) => Value::Map(
            given
                .iter()
                .map(|(key, json)| (key.clone(), value(json, element)))
                .collect::<BTreeMap<_, _>>(),
        ),
        (Json::Array(given), Type::List(element)) => {
            Value::List(given.iter().map(|json| value(json, element)).collect())
        }
        (scalar, ty) => Value::from_json(scalar, ty).unwrap(),
    }
}
