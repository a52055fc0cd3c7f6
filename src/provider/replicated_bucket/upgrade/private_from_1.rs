//! The private state from version 1 to 2.

use serde_json::Value as Json;

use super::state_from_0;

/// What an import found is a state of version 0 in it. What version 2 remembers beside that had no need to be remembered
/// before: there were no buckets of somebody else's, and a failed update left nothing that the next one did not find.
pub(super) fn upgrade(mut private: Json) -> Result<Json, String> {
    if let Some(kept) = private.get_mut("kept") {
        *kept = state_from_0::upgrade(kept.take())?;
    }
    Ok(private)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_import_found_is_a_state_and_goes_its_way() {
        let found = json!({ "source": { "bucket": "acme" } });
        let upgraded = upgrade(json!({ "ways": {}, "kept": found.clone() }));
        let kept = state_from_0::upgrade(found).unwrap();
        assert_eq!(kept["source"]["existing"], json!(false));
        assert_eq!(upgraded, Ok(json!({ "ways": {}, "kept": kept })));
    }

    #[test]
    fn without_an_import_nothing_changes() {
        let private = json!({ "remainder": true, "ways": { "222222222222": {} } });
        assert_eq!(upgrade(private.clone()), Ok(private));
    }
}
