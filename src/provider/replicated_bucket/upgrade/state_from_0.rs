//! The state from version 0 to 1.
//!
//! In version 0 a configuration could not choose what it can choose since: every bucket was the resource's own, and had
//! one rule. Version 1 has attributes for these choices, and this step fills in what was done without them. What only
//! AWS can tell, such as tags with those of the provider, is filled in by the read that follows.

use serde_json::{Map, Value as Json};

/// What was true of every bucket.
const BUCKET: [(&str, bool); 5] = [
    ("existing", false),
    ("exclusive_policy", false),
    ("manage_bucket_policy", true),
    ("manage_key_policy", false),
    ("require_tls", false),
];

/// What was true of every destination.
const DESTINATION: [(&str, bool); 6] = [
    ("metrics", false),
    ("owner_override", false),
    ("reachable", true),
    ("replica_modification_sync", false),
    ("replication_time_control", false),
    ("two_way", false),
];

/// Fills in what version 0 could not say.
pub(super) fn upgrade(mut state: Json) -> Result<Json, String> {
    if let Some(source) = object(&mut state, "source") {
        own_bucket(source);
    }
    let destinations = object(&mut state, "destinations");
    let destinations = destinations.into_iter().flat_map(Map::values_mut);
    for destination in destinations.filter_map(Json::as_object_mut) {
        own_bucket(destination);
        fill(destination, &DESTINATION);
        // The rule took objects under KMS keys along where it had a key for their replicas.
        let has_key = destination.get("kms_key_arn").is_some_and(Json::is_string);
        destination.insert("replicate_encrypted_objects".to_owned(), has_key.into());
    }
    Ok(state)
}

fn own_bucket(bucket: &mut Map<String, Json>) {
    fill(bucket, &BUCKET);
    let key = bucket.get_mut("encryption").and_then(|e| object(e, "key"));
    if let Some(key) = key {
        fill(key, &[("enabled", true)]);
    }
}

fn fill(object: &mut Map<String, Json>, values: &[(&str, bool)]) {
    let values = values.iter();
    object.extend(values.map(|(name, value)| ((*name).to_owned(), (*value).into())));
}

fn object<'a>(parent: &'a mut Json, name: &str) -> Option<&'a mut Map<String, Json>> {
    parent.get_mut(name)?.as_object_mut()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_bucket_says_what_was_done_without_a_choice() {
        let state = json!({
            "id": "acme",
            "source": { "bucket": "acme", "encryption": { "key": { "alias": "alias/acme" } } },
            "destinations": {
                "backup": { "kms_key_arn": "arn:aws:kms:us-west-2:222222222222:key/k", "encryption": null },
                "near": { "kms_key_arn": null, "encryption": { "key": null } },
            },
        });
        let bucket = json!({
            "existing": false,
            "exclusive_policy": false,
            "manage_bucket_policy": true,
            "manage_key_policy": false,
            "require_tls": false,
        });
        let destination = json!({
            "metrics": false,
            "owner_override": false,
            "reachable": true,
            "replica_modification_sync": false,
            "replication_time_control": false,
            "two_way": false,
        });
        let with = |parts: [&Json; 3]| -> Json {
            let parts = parts.into_iter().filter_map(Json::as_object);
            let all = parts.flat_map(|part| part.iter().map(|(k, v)| (k.clone(), v.clone())));
            Json::Object(all.collect())
        };
        let key = json!({ "alias": "alias/acme", "enabled": true });
        let source = json!({ "bucket": "acme", "encryption": { "key": key } });
        let backup = json!({
            "kms_key_arn": "arn:aws:kms:us-west-2:222222222222:key/k",
            "encryption": null,
            "replicate_encrypted_objects": true,
        });
        let near = json!({
            "kms_key_arn": null,
            "encryption": { "key": null },
            "replicate_encrypted_objects": false,
        });
        assert_eq!(
            upgrade(state),
            Ok(json!({
                "id": "acme",
                "source": with([&bucket, &source, &json!({})]),
                "destinations": {
                    "backup": with([&bucket, &destination, &backup]),
                    "near": with([&bucket, &destination, &near]),
                },
            }))
        );
    }

    #[test]
    fn what_is_no_state_stays_for_the_decoding_to_say_where() {
        for json in [
            json!(7),
            json!({ "source": "acme", "destinations": ["backup"] }),
            json!({ "destinations": { "backup": 7 } }),
        ] {
            assert_eq!(upgrade(json.clone()), Ok(json));
        }
    }
}
