//! A replacement that a person asks for with `-replace`, where nothing in the configuration makes it necessary.

use serde_json::json;

use crate::configs::{kms_abroad, with};
use crate::provider_block::tag_sets;
use crate::terraform::Terraform;

fn nothing() -> Vec<String> {
    Vec::new()
}

/// Everything was made long ago: no create would take it over.
fn age(terraform: &Terraform) {
    let mut aws = terraform.cloud.aws.state();
    for tags in tag_sets(&mut aws) {
        if let Some(created) = tags.get_mut("replicated:created") {
            *created = "2020-01-01T00:00:00Z".to_owned();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn everything_is_deleted_and_made_anew() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    age(&terraform);
    let key = terraform.at("/source/kms_key_id");
    terraform.replacing = true;
    let plan = terraform.plan(&kms_abroad()).await;
    assert_eq!(plan.said.errors, nothing());
    assert_eq!(plan.said.warnings, nothing());
    let said = terraform.carry_out(plan, &kms_abroad()).await;
    assert_eq!(said.errors, nothing());
    terraform.replacing = false;
    assert_ne!(terraform.at("/source/kms_key_id"), key);
    terraform.assert_settled(&kms_abroad()).await;
    // The mark of the replacement is gone: what may be emptied may be emptied again.
    let forced = with(&kms_abroad(), "source.force_destroy", json!(true));
    terraform.converge(&forced).await;
    {
        let mut aws = terraform.cloud.aws.state();
        let source = aws.buckets.get_mut("acme-archive").unwrap();
        source.put_object("letter");
    }
    assert_eq!(terraform.destroy().await.errors, nothing());
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_holds_objects_is_never_emptied() {
    let mut terraform = Terraform::new();
    let forced = with(&kms_abroad(), "source.force_destroy", json!(true));
    terraform.converge(&forced).await;
    terraform.replacing = true;
    let empty = terraform.plan(&forced).await;
    assert_eq!(empty.said.errors, nothing());
    {
        let mut aws = terraform.cloud.aws.state();
        let source = aws.buckets.get_mut("acme-archive").unwrap();
        source.put_object("late");
    }
    let filled = terraform.plan(&forced).await;
    assert_eq!(
        filled.said.errors,
        ["source.bucket: Replacement would delete bucket acme-archive, which holds objects"]
    );
    let said = terraform.carry_out(empty, &forced).await;
    assert_eq!(said.errors, ["source: Bucket acme-archive holds objects"]);
    terraform.replacing = false;
    terraform.assert_settled(&forced).await;
    // Nothing is left of the replacement: a plain destroy empties what it may.
    assert_eq!(terraform.destroy().await.errors, nothing());
}

#[tokio::test(start_paused = true)]
async fn the_new_cannot_come_first_under_the_same_names() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    age(&terraform);
    terraform.create_before_destroy = true;
    terraform.replacing = true;
    let before = terraform.cloud.aws.state().writes.clone();
    // Terraform tells no provider of create_before_destroy, so no plan can know.
    let plan = terraform.plan(&kms_abroad()).await;
    assert_eq!(plan.said.errors, nothing());
    let (state, private) = (terraform.state.clone(), terraform.private.clone());
    let said = terraform.carry_out(plan, &kms_abroad()).await;
    assert_eq!(
        said.errors[0],
        "source.bucket: Bucket acme-archive is there already"
    );
    let way_out = "take create_before_destroy out of the `lifecycle` block";
    assert!(said.details[0].contains(way_out), "{}", said.details[0]);
    assert_eq!(terraform.cloud.aws.state().writes, before);
    // Terraform keeps the old object beside the new one that did not come.
    (terraform.state, terraform.private) = (state, private);
    terraform.create_before_destroy = false;
    terraform.replacing = false;
    terraform.assert_settled(&kms_abroad()).await;
}

#[tokio::test(start_paused = true)]
async fn the_old_does_not_take_along_what_the_new_took_over() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    terraform.create_before_destroy = true;
    terraform.replacing = true;
    let said = terraform.apply(&kms_abroad()).await;
    assert_eq!(said.errors, nothing());
    let told = "Nothing of source acme-archive is deleted".to_owned();
    assert!(said.warnings.contains(&told), "{:?}", said.warnings);
    terraform.create_before_destroy = false;
    terraform.replacing = false;
    terraform.assert_settled(&kms_abroad()).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_tainted_is_not_taken_for_something_new() {
    for is_old in [true, false] {
        let mut terraform = Terraform::new();
        let forced = with(&kms_abroad(), "source.force_destroy", json!(true));
        terraform.converge(&forced).await;
        if is_old {
            age(&terraform);
        }
        terraform.tainted = true;
        let plan = terraform.plan(&forced).await;
        assert_eq!(
            plan.said.errors,
            ["source.bucket: Bucket acme-archive is in the state already"]
        );
        assert_eq!(plan.said.warnings, nothing());
        assert!(plan.said.details[0].contains("terraform untaint"));
        terraform.tainted = false;
        terraform.assert_settled(&forced).await;
    }
}
