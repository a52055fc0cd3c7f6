//! Terraform asks to stop, and AWS takes its time.

use std::collections::BTreeSet;
use std::time::Duration;

use terraform_provider_replicated::execution::DocumentLocks;
use terraform_provider_replicated::execution::cloud::CallErrorKind;
use terraform_provider_replicated::execution::deadline::Deadline;
use terraform_provider_replicated::execution::executor;
use terraform_provider_replicated::replication::undo::{Before, undo};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fake::FakeCloud;
use crate::picture::picture;
use crate::scenario::{
    FIRST, create, destroy, drift_words, kms_abroad, no_stop, plan_create, plan_to_destroy,
    settings,
};

#[tokio::test(start_paused = true)]
async fn after_a_stop_nothing_starts_and_what_is_under_way_ends() {
    for moment in (0..140).step_by(5).map(Duration::from_millis) {
        let cloud = FakeCloud::new();
        let (spec, graph) = plan_create(&cloud, &kms_abroad(), FIRST).await.unwrap();
        let (stop, locks, start) = (
            CancellationToken::new(),
            DocumentLocks::default(),
            Instant::now(),
        );
        let asks = async {
            tokio::time::sleep(moment).await;
            stop.cancel();
            Instant::now()
        };
        let (outcome, asked) = tokio::join!(executor::run(&cloud, &locks, &stop, &graph), asks);
        assert!(outcome.failed.is_empty());
        assert_eq!(
            outcome.stopped,
            outcome.done.len() < graph.len(),
            "{moment:?}"
        );
        let (started, written) = {
            let state = cloud.state();
            (state.started.clone(), state.writes.len())
        };
        assert!(
            started.iter().all(|at| *at <= asked),
            "{moment:?} after {start:?}"
        );
        assert_eq!(started.len(), written, "a call under way was cut off");
        let back = undo(
            &spec.owner(),
            &graph,
            &outcome.to_take_back(&graph),
            &outcome.may_have_made(&graph),
            &Before::new(),
        );
        let undone = executor::run_undo(&cloud, &locks, &no_stop(), &back).await;
        assert!(undone.is_success(), "{undone:?}");
        assert_eq!(picture(&cloud.state()), "");
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_whose_time_is_over_lets_the_calls_under_way_end_and_tells_what_was_done() {
    let mut stopped = 0;
    for moment in (0..100).step_by(5).map(Duration::from_millis) {
        let (cloud, locks) = (FakeCloud::new(), DocumentLocks::default());
        let (spec, graph) = plan_create(&cloud, &kms_abroad(), FIRST).await.unwrap();
        let outcome = executor::run(&cloud, &locks, &no_stop(), &graph).await;
        let done = outcome.to_take_back(&graph);
        let back = undo(
            &spec.owner(),
            &graph,
            &done,
            &BTreeSet::new(),
            &Before::new(),
        );
        let deadline = Deadline::after(moment, "the time of an undo".to_owned());
        let undone = deadline.run_undo(&cloud, &locks, &back).await;
        let (started, written) = {
            let state = cloud.state();
            (state.started.len(), state.writes.len())
        };
        assert_eq!(started, written, "a call under way was cut off");
        assert_eq!(undone.stopped, undone.done.len() < back.len(), "{moment:?}");
        assert_eq!(undone.stopped, undone.out_of_time.is_some(), "{moment:?}");
        stopped += usize::from(undone.stopped);
        // The rest of it goes on from there.
        let rest = executor::run_undo(&cloud, &locks, &no_stop(), &back).await;
        assert!(rest.is_success(), "{rest:?}");
        assert_eq!(picture(&cloud.state()), "");
    }
    assert!(stopped > 0);
}

#[tokio::test(start_paused = true)]
async fn what_shows_late_is_waited_for() {
    let cloud = FakeCloud::with_lag(Duration::from_secs(45));
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
    assert_eq!(cloud.state().overlaps, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_never_shows_fails_with_what_was_waited_for() {
    let cloud = FakeCloud::with_lag(Duration::from_secs(3600));
    let (_, graph) = plan_create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let outcome = executor::run(&cloud, &DocumentLocks::default(), &no_stop(), &graph).await;
    let (_, error) = &outcome.failed[0];
    assert_eq!(error.kind, CallErrorKind::NotReady);
    assert!(
        error
            .message
            .contains("waited 120 seconds for AWS to see every principal that the policy names")
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_a_wait() {
    let cloud = FakeCloud::with_lag(Duration::from_secs(60));
    let (_, graph) = plan_create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let (stop, locks, start) = (
        CancellationToken::new(),
        DocumentLocks::default(),
        Instant::now(),
    );
    let asks = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        stop.cancel();
    };
    let (outcome, ()) = tokio::join!(executor::run(&cloud, &locks, &stop, &graph), asks);
    assert!(outcome.stopped && outcome.failed.is_empty(), "{outcome:?}");
    assert!(start.elapsed() < Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_emptying_of_a_bucket_between_two_pages() {
    let cloud = FakeCloud::new();
    let mut spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    settings(&mut spec.source).force_destroy = true;
    for number in 0..20_000 {
        let mut state = cloud.state();
        let bucket = state.buckets.get_mut("acme-archive").unwrap();
        bucket.put_object(&format!("object {number}"));
    }
    let graph = plan_to_destroy(&cloud, &spec).await;
    let (stop, locks) = (CancellationToken::new(), DocumentLocks::default());
    let asks = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        stop.cancel();
    };
    let (outcome, ()) = tokio::join!(executor::run(&cloud, &locks, &stop, &graph), asks);
    assert!(outcome.stopped && outcome.failed.is_empty(), "{outcome:?}");
    let left = cloud.state().buckets["acme-archive"].versions.len();
    assert!((1..20_000).contains(&left), "{left}");
    assert!(destroy(&cloud, &spec).await.is_success());
}
