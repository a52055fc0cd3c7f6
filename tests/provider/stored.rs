//! What other versions of the provider stored: states of every version, refused in words where they cannot be read.

use serde_json::json;

use crate::configs::kms_abroad;
use crate::terraform::Terraform;

/// The settings that version 0 of the state did not have; it had no way to choose them.
const CHOICES: [&str; 8] = [
    "existing",
    "enable_encryption",
    "enable_versioning",
    "exclusive_policy",
    "manage_bucket_policy",
    "manage_key_policy",
    "require_tls",
    "tags_all",
];

#[tokio::test(start_paused = true)]
async fn a_state_without_the_choices_of_today_goes_on_without_a_change() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let now = terraform.state.clone();
    let mut stored = now.to_json(&terraform.ty()).unwrap();
    for side in ["/source", "/destinations/backup"] {
        let side = stored
            .pointer_mut(side)
            .and_then(|side| side.as_object_mut());
        let side = side.expect("a side");
        for name in CHOICES {
            side.remove(name).expect(name);
        }
    }
    stored.as_object_mut().unwrap().remove("tags_all");
    terraform.state = terraform.upgrade_state(0, stored).await.unwrap();
    assert_ne!(terraform.state, now, "what AWS tells is not read yet");
    assert!(terraform.refresh().await.is_fine());
    assert_eq!(terraform.state, now);
    terraform.assert_settled(&kms_abroad()).await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_refused_in_words() {
    let terraform = Terraform::new();
    let newer = terraform.upgrade_state(1000, json!({})).await.unwrap_err();
    assert_eq!(
        newer.errors,
        ["The stored state is newer than the provider"]
    );
    assert_eq!(
        newer.details,
        [format!(
            "The state of replicated_bucket has version 1000; version {} of the provider \"replicated\" knows versions up to 1. Use the version of \"replicated\" that wrote it, or a newer one. Nothing was changed.",
            env!("CARGO_PKG_VERSION")
        )]
    );
    for version in [0, 1] {
        let damaged = json!({ "source": { "bucket": "acme", "tags": ["team"] } });
        let damaged = terraform.upgrade_state(version, damaged).await.unwrap_err();
        assert_eq!(damaged.errors, ["The stored state cannot be read"]);
        let place = "source.tags: expected a map, found";
        assert!(damaged.details[0].contains(place), "{damaged:?}");
    }
    let never = terraform.upgrade_state(-1, json!({})).await.unwrap_err();
    assert_eq!(never.errors, ["The stored state cannot be upgraded"]);
}
