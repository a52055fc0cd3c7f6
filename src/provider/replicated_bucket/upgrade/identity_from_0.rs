//! The identity from version 0 to 1.

use serde_json::{Value as Json, json};

/// Version 0 is the bucket's name alone, which is enough to find it; account and region come with the next read. No
/// release wrote it: it keeps the way from one version to the next in use.
pub(super) fn upgrade(identity: Json) -> Result<Json, String> {
    let bucket = identity.get("bucket").and_then(Json::as_str);
    let bucket = bucket.ok_or("It names no bucket.")?;
    Ok(json!({ "account_id": null, "region": null, "bucket": bucket }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_and_region_are_left_to_the_next_read() {
        assert_eq!(
            upgrade(json!({ "bucket": "acme" })),
            Ok(json!({ "account_id": null, "region": null, "bucket": "acme" }))
        );
        assert!(upgrade(json!({ "name": "acme" })).is_err());
    }
}
