//! Tags of buckets, with attribute-based access control (ABAC) on and off.

use terraform_provider_replicated::execution::DocumentLocks;
use terraform_provider_replicated::execution::cloud::CallErrorKind;
use terraform_provider_replicated::execution::executor;
use terraform_provider_replicated::replication::spec::Spec;

use crate::fake::FakeCloud;
use crate::scenario::{
    FIRST, create, drift_words, no_stop, plain_at_home, plan_update, settings, update,
};

const SOURCE: &str = "acme-plain";

/// The source with these tags.
fn tagged(tags: &[(&str, &str)]) -> Spec {
    let mut spec = plain_at_home();
    let tags = tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    settings(&mut spec.source).tags = tags.collect();
    spec
}

/// Writes that have to do with tags.
fn tag_writes(cloud: &FakeCloud) -> Vec<String> {
    let writes = cloud.state().writes.clone().into_iter();
    writes
        .filter(|write| write.to_lowercase().contains("tag"))
        .collect()
}

fn with_abac(cloud: &FakeCloud, refusal: (CallErrorKind, &'static str)) {
    let mut state = cloud.state();
    state.buckets.get_mut(SOURCE).unwrap().abac = Some(refusal);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_takes_all_its_tags_at_once() {
    let cloud = FakeCloud::new();
    let prior = create(&cloud, &tagged(&[("old", "1")]), FIRST)
        .await
        .unwrap();
    update(&cloud, &prior, &tagged(&[("new", "1")])).await;
    assert_eq!(tag_writes(&cloud), ["PutBucketTagging acme-plain"]);
}

#[tokio::test(start_paused = true)]
async fn with_abac_tags_change_key_by_key_whatever_the_refusal_says() {
    for refusal in [
        (CallErrorKind::Invalid, "MethodNotAllowed"),
        (CallErrorKind::InvalidState, "InvalidBucketState"),
        (CallErrorKind::AccessDenied, "AccessDenied"),
        (CallErrorKind::Conflict, "OperationAborted"),
    ] {
        let cloud = FakeCloud::new();
        let prior = tagged(&[("old", "1"), ("same", "1"), ("team", "a")]);
        let prior = create(&cloud, &prior, FIRST).await.unwrap();
        with_abac(&cloud, refusal);
        let wanted = tagged(&[("new", "1"), ("same", "1"), ("team", "b")]);
        let spec = update(&cloud, &prior, &wanted).await;
        assert_eq!(
            tag_writes(&cloud),
            ["TagResource acme-plain", "UntagResource acme-plain"],
            "{refusal:?}"
        );
        assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn with_abac_a_tag_that_somebody_writes_after_we_have_looked_stays() {
    let cloud = FakeCloud::new();
    let prior = create(&cloud, &tagged(&[("team", "a")]), FIRST)
        .await
        .unwrap();
    with_abac(&cloud, (CallErrorKind::Invalid, "MethodNotAllowed"));
    let (_, graph) = plan_update(&cloud, &prior, &tagged(&[("team", "b")])).await;
    insta::assert_snapshot!(graph.to_string(), @" 0 source/bucket: EditBucketTags acme-plain: +team");
    let tags_of = || cloud.state().buckets[SOURCE].tags.clone();
    let mut expected = tags_of();
    expected.insert("team".to_owned(), "b".to_owned());
    expected.insert("scan".to_owned(), "clean".to_owned());
    {
        let mut state = cloud.state();
        let tags = &mut state.buckets.get_mut(SOURCE).unwrap().tags;
        tags.insert("scan".to_owned(), "clean".to_owned());
    }
    let outcome = executor::run(&cloud, &DocumentLocks::default(), &no_stop(), &graph).await;
    assert!(outcome.is_success());
    assert_eq!(tags_of(), expected);
}
