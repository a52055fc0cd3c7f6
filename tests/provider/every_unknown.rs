//! Every attribute of the schema that can be written, unknown at plan: one after the other, as `updates` lists them.

use serde_json::{Value as Json, json};

use crate::configs::{UNKNOWN, with};
use crate::terraform::Terraform;
use crate::updates::{Change, changes};

/// What an attribute that is unknown may turn out to be: something, or null.
fn outcomes(change: &Change) -> [Json; 2] {
    let after = change.after();
    let null = with(&after, change.path, Json::Null);
    [after, null]
}

/// The AWS that a change needs, with what `before` makes there.
async fn world(change: &Change, before: Option<&Json>) -> Terraform {
    let mut terraform = change.surroundings().await;
    if let Some(before) = before {
        assert!(terraform.apply(before).await.is_fine());
    }
    terraform
}

/// Plans with the attribute unknown and applies with what is known by then, wherever that can be planned in place.
/// Tells how many of the outcomes that was.
async fn check(change: &Change, before: Option<&Json>) -> usize {
    let mut checked = 0;
    for known in outcomes(change) {
        let mut terraform = world(change, before).await;
        let plan = terraform.plan(&known).await;
        if !plan.said.is_fine() || !plan.replaced_by.is_empty() {
            continue;
        }
        let unknown = with(&known, change.path, json!(UNKNOWN));
        let said = terraform.apply_later(&unknown, &known).await;
        if !said.is_fine() {
            // Only at apply can be told what is wrong, and that is the same without anything unknown.
            let mut terraform = world(change, before).await;
            let expected = terraform.apply(&known).await;
            assert_eq!(said.errors, expected.errors, "{}", change.path);
            continue;
        }
        let again = terraform.plan(&known).await;
        assert!(again.said.is_fine() && again.is_empty, "{}", change.path);
        checked += 1;
    }
    checked
}

#[tokio::test(start_paused = true)]
async fn every_attribute_of_a_new_resource_may_be_unknown_at_plan() {
    let changes = changes();
    let mut checked = 0;
    for change in &changes {
        checked += check(change, None).await;
    }
    assert!(checked > changes.len() * 3 / 2, "{checked}");
}

#[tokio::test(start_paused = true)]
async fn every_attribute_may_become_unknown() {
    let changes = changes();
    let mut checked = 0;
    for change in &changes {
        checked += check(change, Some(&change.before())).await;
    }
    assert!(checked > changes.len(), "{checked}");
}
