//! Taking down, and what has to stay.

use std::collections::BTreeMap;

use terraform_provider_replicated::execution::observe::{Purpose, observe};
use terraform_provider_replicated::replication::component::Side;
use terraform_provider_replicated::replication::desired::desire;
use terraform_provider_replicated::replication::observed::ObservedBucket;
use terraform_provider_replicated::replication::obstacle::obstacles;
use terraform_provider_replicated::replication::ownership::{Refusal, Trust, claims};
use terraform_provider_replicated::replication::plan::{Going, GoingDirection, plan};
use terraform_provider_replicated::replication::policy::PolicyDocument;
use terraform_provider_replicated::replication::spec::Spec;

use crate::fake::FakeCloud;
use crate::picture::{keys, picture};
use crate::scenario::{
    FIRST, LATER, backup, create, destroy, drift_words, kms_abroad, plain_at_home, plan_to_destroy,
    settings,
};

const BACKUP: &str = "acme-archive-backup";

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_destroy() {
    let cloud = FakeCloud::new();
    let mut spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    settings(&mut spec.source).force_destroy = true;
    insta::assert_snapshot!(plan_to_destroy(&cloud, &spec).await);
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_destroy_that_retains_the_backup() {
    let cloud = FakeCloud::new();
    let mut spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    settings(&mut backup(&mut spec).bucket).retain_on_destroy = true;
    insta::assert_snapshot!(plan_to_destroy(&cloud, &spec).await);
    assert!(destroy(&cloud, &spec).await.is_success());
    let state = cloud.state();
    assert_eq!(state.buckets.keys().collect::<Vec<_>>(), [BACKUP]);
    assert_eq!(state.buckets[BACKUP].policy, None);
    for tag in ["replicated:owner", "replicated:retained"] {
        assert!(state.buckets[BACKUP].tags.contains_key(tag), "{tag}");
    }
    let live = state
        .keys
        .values()
        .find(|key| key.state == "Enabled")
        .unwrap();
    assert_eq!(live.policy.statements.len(), 1);
    assert_eq!((keys(&state), state.aliases.len()), ((1, 1), 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_already_needs_no_step() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    assert!(destroy(&cloud, &spec).await.is_success());
    assert_eq!(plan_to_destroy(&cloud, &spec).await.to_string(), "");
}

#[tokio::test(start_paused = true)]
async fn a_key_outlives_a_bucket_that_cannot_be_deleted() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let graph = plan_to_destroy(&cloud, &spec).await;
    // The object comes after everybody has looked.
    cloud
        .state()
        .buckets
        .get_mut(BACKUP)
        .unwrap()
        .put_object("late");
    let locks = terraform_provider_replicated::execution::DocumentLocks::default();
    let outcome = terraform_provider_replicated::execution::executor::run_undo(
        &cloud,
        &locks,
        &crate::scenario::no_stop(),
        &graph,
    )
    .await;
    assert_eq!(outcome.failed.len(), 1);
    assert_eq!(keys(&cloud.state()), (1, 1));
    assert_eq!(cloud.state().buckets.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_may_be_emptied_is_emptied_to_the_last_version_and_upload() {
    let cloud = FakeCloud::new();
    let mut spec = create(&cloud, &plain_at_home(), FIRST).await.unwrap();
    settings(&mut spec.source).force_destroy = true;
    {
        let mut state = cloud.state();
        let bucket = state.buckets.get_mut("acme-plain").unwrap();
        for number in 0..2500 {
            bucket.put_object(&format!("object {number}"));
        }
        bucket
            .uploads
            .push(("half".to_owned(), "upload".to_owned()));
    }
    let outcome = destroy(&cloud, &spec).await;
    assert!(outcome.is_success(), "{outcome:?}");
    assert_eq!(picture(&cloud.state()), "");
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_holds_objects_and_may_not_be_emptied_is_an_obstacle() {
    let cloud = FakeCloud::new();
    let mut spec = create(&cloud, &plain_at_home(), FIRST).await.unwrap();
    let in_the_way = async |spec: &Spec| {
        let seen = observe(&cloud, spec, Purpose::Destroy, &|_| true)
            .await
            .unwrap();
        let buckets: Vec<_> = spec.buckets().collect();
        let all: Vec<(&Side, _, &ObservedBucket)> = buckets
            .iter()
            .map(|(side, bucket)| (side, *bucket, &seen.buckets[side]))
            .collect();
        let callers = BTreeMap::new();
        obstacles(&spec.owner(), all, &callers, crate::scenario::moment(LATER))
            .into_iter()
            .map(|o| o.bucket)
            .collect::<Vec<_>>()
    };
    assert_eq!(in_the_way(&spec).await, Vec::<String>::new());
    cloud
        .state()
        .buckets
        .get_mut("acme-plain")
        .unwrap()
        .put_object("archive");
    assert_eq!(in_the_way(&spec).await, ["acme-plain"]);
    settings(&mut spec.source).force_destroy = true;
    assert_eq!(in_the_way(&spec).await, Vec::<String>::new());
    settings(&mut spec.source).force_destroy = false;
    settings(&mut spec.source).retain_on_destroy = true;
    assert_eq!(in_the_way(&spec).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_somebody_else_uses_stays_without_our_statements() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let theirs = PolicyDocument::parse(
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"Theirs","Effect":"Allow",
        "Principal":{"AWS":"333333333333"},"Action":"kms:Decrypt","Resource":"*"}]}"#,
    );
    let theirs = theirs.unwrap().statements.remove(0);
    for key in cloud.state().keys.values_mut() {
        if key.description.ends_with(BACKUP) {
            key.policy.statements.push(theirs.clone());
        }
    }
    let outcome = destroy(&cloud, &spec).await;
    assert!(outcome.is_success(), "{outcome:?}");
    let state = cloud.state();
    assert_eq!(keys(&state), (1, 1));
    let key = state
        .keys
        .values()
        .find(|key| key.state == "Enabled")
        .unwrap();
    let sids: Vec<_> = key
        .policy
        .statements
        .iter()
        .map(|s| s.sid.as_deref())
        .collect();
    assert_eq!(sids, [Some("EnableIAMUserPermissions"), Some("Theirs")]);
    assert_eq!(state.aliases.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_role_of_ours_goes_with_what_others_put_into_it() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &plain_at_home(), FIRST).await.unwrap();
    for role in cloud.state().roles.values_mut() {
        let policy = role.policies["replication"].clone();
        role.policies.insert("by-hand".to_owned(), policy);
        role.attached
            .push("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned());
    }
    assert!(destroy(&cloud, &spec).await.is_success());
    assert!(cloud.state().roles.is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_a_destroy_the_same_names_can_be_used_again() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    assert!(destroy(&cloud, &spec).await.is_success());
    let again = create(&cloud, &kms_abroad(), LATER).await.unwrap();
    assert_eq!(drift_words(&cloud, &again).await, Vec::<String>::new());
    assert_eq!(keys(&cloud.state()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_role_under_another_path_and_the_same_name_is_refused_and_never_taken_down_in_use() {
    let cloud = FakeCloud::new();
    let prior = create(&cloud, &plain_at_home(), FIRST).await.unwrap();
    let mut wanted = prior.clone();
    wanted.role.path = "/service-role/".to_owned();
    let seen = observe(&cloud, &wanted, Purpose::Refresh, &|_| true)
        .await
        .unwrap();
    let found = claims(&wanted, &seen, &|_| true, Trust::Tags);
    let arn = prior.outward().role_arn().to_string();
    assert_eq!(found[0].verdict, Err(Refusal::AnotherPath(arn)));

    let role = seen.role(&Side::Source).present().unwrap();
    let going = Going {
        directions: vec![GoingDirection {
            spec: prior.clone(),
            from: Side::Source,
            rules: false,
            role: Some(role.clone()),
        }],
        ..Going::default()
    };
    let graph = plan(&desire(&wanted, Some(&prior), LATER), &seen, &going);
    assert!(!graph.to_string().contains("DeleteRole"));
}
