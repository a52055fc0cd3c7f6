//! Object Lock of buckets of somebody else's: the role may read what S3 replicates with a locked object, and nothing
//! goes where it could not arrive.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::ObjectLock;

use super::{SOURCE, TARGET, bucket, config, refused, world};
use crate::configs::{UNKNOWN, with, without};
use crate::terraform::Terraform;

fn lock(terraform: &Terraform, name: &str) {
    bucket(&mut terraform.cloud.aws.state(), name).object_lock = Some(ObjectLock::default());
}

/// Whether the role may read retention and legal holds, as the state and as the cloud tell it.
fn reads_locks(terraform: &Terraform) -> [bool; 2] {
    let told = terraform.at("/role/policy_json");
    let told = told.as_str().unwrap().to_owned();
    let aws = terraform.cloud.aws.state();
    let mut roles = aws.roles.iter();
    let (_, role) = roles
        .find(|((_, name), _)| name == "replication-their-source")
        .unwrap();
    let written = format!("{:?}", role.policies);
    [told, written].map(|text| text.contains("s3:GetObjectRetention"))
}

fn ours_at_target() -> Json {
    without(&config(), "destinations.archive.existing")
}

#[tokio::test(start_paused = true)]
async fn the_role_reads_the_locks_of_a_locked_source_and_of_no_other() {
    let mut terraform = world().await;
    lock(&terraform, SOURCE);
    lock(&terraform, TARGET);
    let plan = terraform.plan(&config()).await;
    assert_eq!(plan.said.errors, Vec::<String>::new());
    terraform.converge(&config()).await;
    assert_eq!(reads_locks(&terraform), [true, true]);

    let mut terraform = world().await;
    let told = json!({ "sse_algorithm": "AES256" });
    let written = with(&config(), "destinations.archive.encryption", told);
    terraform.converge(&written).await;
    assert_eq!(reads_locks(&terraform), [false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_its_owner_locks_later_gets_its_grants_at_the_next_apply() {
    let mut terraform = world().await;
    terraform.converge(&config()).await;
    assert_eq!(reads_locks(&terraform), [false, false]);
    lock(&terraform, TARGET);
    terraform.assert_settled(&config()).await;
    lock(&terraform, SOURCE);
    terraform.cloud.aws.state().writes.clear();
    terraform.converge(&config()).await;
    assert_eq!(
        terraform.cloud.aws.state().writes,
        ["PutRolePolicy replication-their-source"]
    );
    assert_eq!(reads_locks(&terraform), [true, true]);
}

#[tokio::test(start_paused = true)]
async fn what_is_locked_goes_only_where_it_can_arrive() {
    let mut terraform = world().await;
    lock(&terraform, SOURCE);
    let error = "destinations[\"archive\"].bucket: Bucket their-target has no Object Lock";
    refused(&mut terraform, &config(), error).await;
    let elsewhere = with(
        &ours_at_target(),
        "destinations.archive.bucket",
        json!("our-target"),
    );
    let error =
        "destinations[\"archive\"].object_lock: The source is locked and this destination is not";
    refused(&mut terraform, &elsewhere, error).await;
    let locked = json!({ "enabled": true });
    let locked = with(&elsewhere, "destinations.archive.object_lock", locked);
    terraform.converge(&locked).await;
    assert_eq!(reads_locks(&terraform), [true, true]);
}

#[tokio::test(start_paused = true)]
async fn a_locked_source_of_ours_needs_a_locked_bucket_of_theirs() {
    let mut terraform = world().await;
    let source = json!({ "bucket": "our-source", "object_lock": { "enabled": true } });
    let ours = with(&config(), "source", source);
    let error = "destinations[\"archive\"].bucket: Bucket their-target has no Object Lock";
    refused(&mut terraform, &ours, error).await;

    let unlocked = with(&config(), "source", json!({ "bucket": "our-source" }));
    terraform.converge(&unlocked).await;
    let plan = terraform.plan(&ours).await;
    assert_eq!(plan.said.errors, [error]);
    lock(&terraform, TARGET);
    terraform.converge(&ours).await;
}

#[tokio::test(start_paused = true)]
async fn a_lock_stays_on_when_a_bucket_is_released_or_adopted() {
    let mut terraform = world().await;
    lock(&terraform, TARGET);
    terraform.converge(&config()).await;
    let plan = terraform.plan(&ours_at_target()).await;
    assert_eq!(
        plan.said.errors,
        ["destinations[\"archive\"].object_lock: Object Lock cannot be switched off"]
    );
    let locked = json!({ "enabled": true });
    let adopted = with(
        &ours_at_target(),
        "destinations.archive.object_lock",
        locked,
    );
    terraform.converge(&adopted).await;
    terraform.converge(&config()).await;
    assert!(
        terraform.cloud.aws.state().buckets[TARGET]
            .object_lock
            .is_some()
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_not_known_yet_plans_cleanly() {
    let mut terraform = world().await;
    lock(&terraform, SOURCE);
    lock(&terraform, TARGET);
    let veiled = with(&config(), "source.bucket", json!(UNKNOWN));
    let said = terraform.apply_later(&veiled, &config()).await;
    assert_eq!(said.errors, Vec::<String>::new());
    terraform.assert_settled(&config()).await;
    assert_eq!(reads_locks(&terraform), [true, true]);
}

#[tokio::test(start_paused = true)]
async fn what_replicates_back_out_of_a_locked_bucket_needs_a_locked_source() {
    let back = with(&config(), "destinations.archive.two_way", json!(true));
    let ours = |config: &Json, side: &str| match side {
        "source" => with(config, "source", json!({ "bucket": "our-source" })),
        _ => with(
            &without(config, "destinations.archive.existing"),
            "destinations.archive.bucket",
            json!("our-target"),
        ),
    };
    let locked = json!({ "enabled": true });
    let refused_at = async |config: &Json, error: &str| {
        let mut terraform = world().await;
        lock(&terraform, TARGET);
        refused(&mut terraform, config, error).await;
    };
    refused_at(
        &back,
        "source.bucket: Bucket their-source has no Object Lock",
    )
    .await;
    let unlocked = "source.object_lock: A destination is locked and the source is not";
    refused_at(&ours(&back, "source"), unlocked).await;
    let both = ours(&ours(&back, "source"), "target");
    let ours_locked = with(&both, "destinations.archive.object_lock", locked.clone());
    refused_at(&ours_locked, unlocked).await;
    let mut terraform = world().await;
    terraform
        .converge(&with(&ours_locked, "source.object_lock", locked))
        .await;
    // Turned on later, and with the destination locked only then.
    let mut terraform = world().await;
    let one_way = with(&ours_locked, "destinations.archive.two_way", json!(false));
    terraform.converge(&one_way).await;
    assert_eq!(terraform.plan(&ours_locked).await.said.errors, [unlocked]);
    let mut terraform = world().await;
    terraform.converge(&both).await;
    assert_eq!(terraform.plan(&ours_locked).await.said.errors, [unlocked]);
}
