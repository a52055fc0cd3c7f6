//! The end of buckets that hold very many versions, some that nobody may delete, and some that come late.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use terraform_provider_replicated::execution::cloud::{CallError, CallErrorKind, Cloud, Identity};
use terraform_provider_replicated::execution::executor::Outcome;
use terraform_provider_replicated::replication::ids::{Location, Region, WayIn};
use terraform_provider_replicated::replication::operation::{Answer, Operation, Output, Query};
use terraform_provider_replicated::replication::spec::Spec;
use tracing_subscriber::layer::{Context, SubscriberExt};

use crate::fake::{Bucket, FakeCloud};
use crate::picture::picture;
use crate::scenario::{FIRST, create, destroy, plain_at_home, settings};

const SOURCE: &str = "acme-plain";

/// A setup whose source may be emptied, with so many versions in it.
async fn holding(versions: usize) -> (FakeCloud, Spec) {
    let cloud = FakeCloud::new();
    let mut spec = create(&cloud, &plain_at_home(), FIRST).await.unwrap();
    settings(&mut spec.source).force_destroy = true;
    change(&cloud, |bucket| {
        for number in 0..versions {
            bucket.put_object(&format!("object {number}"));
        }
    });
    (cloud, spec)
}

fn change(cloud: &FakeCloud, change: impl FnOnce(&mut Bucket)) {
    change(cloud.state().buckets.get_mut(SOURCE).unwrap());
}

fn left(cloud: &FakeCloud) -> usize {
    cloud.state().buckets[SOURCE].versions.len()
}

/// How often a write was carried out.
fn count(cloud: &FakeCloud, write: &str) -> usize {
    let state = cloud.state();
    state.writes.iter().filter(|line| *line == write).count()
}

/// The one failure of a run.
fn failure(outcome: &Outcome) -> &CallError {
    let [(_, error)] = &outcome.failed[..] else {
        panic!("{:?}", outcome.failed);
    };
    error
}

/// A cloud that takes its time over deletions, counts how many there are at once, and puts what was still on its way
/// into the bucket after each of them.
struct Slow<'a> {
    inner: &'a FakeCloud,
    under_way: AtomicUsize,
    most: AtomicUsize,
    arriving: AtomicUsize,
}

impl<'a> Slow<'a> {
    fn new(inner: &'a FakeCloud, arriving: usize) -> Self {
        Self {
            inner,
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            arriving: AtomicUsize::new(arriving),
        }
    }
}

#[async_trait]
impl Cloud for Slow<'_> {
    async fn enter(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError> {
        self.inner.enter(way_in, region).await
    }

    async fn query(&self, at: &Location, query: &Query) -> Result<Answer, CallError> {
        self.inner.query(at, query).await
    }

    async fn perform(&self, at: &Location, operation: &Operation) -> Result<Output, CallError> {
        if !matches!(operation, Operation::DeleteObjects { .. }) {
            return self.inner.perform(at, operation).await;
        }
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(under_way, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let output = self.inner.perform(at, operation).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let one_less = |left: usize| left.checked_sub(1);
        let arriving = &self.arriving;
        if arriving
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
            .is_ok()
        {
            change(self.inner, |bucket| bucket.put_object("replica"));
        }
        output
    }
}

/// Writes down how far the log says that the emptying is.
struct Log(Arc<Mutex<Vec<u64>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Log {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut told = Told(None);
        if event.metadata().target().ends_with("execution::emptying") {
            event.record(&mut told);
        }
        self.0.lock().unwrap().extend(told.0);
    }
}

struct Told(Option<u64>);

impl tracing::field::Visit for Told {
    fn record_u64(&mut self, field: &tracing::field::Field, value: u64) {
        if field.name() == "deleted" {
            self.0 = Some(value);
        }
    }

    fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn fmt::Debug) {}
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_versions_go_page_by_page_several_at_a_time_and_the_log_tells_how_far_it_is()
 {
    // With one subscriber alone, an event that another test's thread meets first is switched off for good.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let told = Arc::new(Mutex::new(Vec::new()));
    let subscriber = tracing_subscriber::registry().with(Log(Arc::clone(&told)));
    let _guard = tracing::subscriber::set_default(subscriber);
    let (cloud, spec) = holding(100_000).await;
    let slow = Slow::new(&cloud, 0);
    let outcome = destroy(&slow, &spec).await;
    assert!(outcome.is_success(), "{outcome:?}");
    assert_eq!(picture(&cloud.state()), "");
    assert_eq!(count(&cloud, "DeleteObjects acme-plain"), 100);
    assert_eq!(slow.most.load(Ordering::SeqCst), 8);
    let told = told.lock().unwrap().clone();
    let mut steps: Vec<u64> = (1..=10).map(|step| step * 10_000).collect();
    steps.push(100_000);
    assert_eq!(told, steps);
}

#[tokio::test(start_paused = true)]
async fn one_object_that_may_not_be_deleted_is_named_and_ends_it() {
    let (cloud, spec) = holding(20_000).await;
    change(&cloud, |bucket| {
        bucket.denied.insert("object 1500".to_owned());
    });
    let outcome = destroy(&cloud, &spec).await;
    let error = failure(&outcome);
    assert_eq!(
        (error.kind, error.call.as_str()),
        (CallErrorKind::InvalidState, "s3:DeleteObjects")
    );
    let told = "and 1 could not be: object 1500 (version v1500): AccessDenied: not you";
    assert!(error.message.ends_with(told), "{error}");
    // No page was begun after that one, and the error counts what is gone.
    let gone = 20_000 - left(&cloud);
    assert!((1_999..20_000).contains(&gone), "{gone}");
    assert!(
        error
            .message
            .starts_with(&format!("{gone} object versions were deleted")),
        "{error}"
    );
    // Once it may be deleted, the next run goes on from there.
    change(&cloud, |bucket| bucket.denied.clear());
    cloud.state().writes.clear();
    assert!(destroy(&cloud, &spec).await.is_success());
    let pages = (20_000_usize - gone).div_ceil(1000);
    assert_eq!(count(&cloud, "DeleteObjects acme-plain"), pages);
    assert_eq!(picture(&cloud.state()), "");
}

#[tokio::test(start_paused = true)]
async fn of_many_that_may_not_be_deleted_some_are_named_and_all_are_counted() {
    let (cloud, spec) = holding(1_000).await;
    change(&cloud, |bucket| {
        let denied = (0..40).map(|number| format!("object {number}"));
        bucket.denied.extend(denied);
    });
    let outcome = destroy(&cloud, &spec).await;
    let message = &failure(&outcome).message;
    assert!(
        message.starts_with("960 object versions were deleted, and 40 could not be: "),
        "{message}"
    );
    assert_eq!(message.matches("AccessDenied").count(), 5, "{message}");
    assert!(message.ends_with("; and 35 more"), "{message}");
    assert_eq!(left(&cloud), 40);
}

#[tokio::test(start_paused = true)]
async fn what_s3_fails_to_delete_is_sent_again_by_itself() {
    let (cloud, spec) = holding(2_000).await;
    change(&cloud, |bucket| {
        bucket.failing.extend(["v3".to_owned(), "v1700".to_owned()]);
    });
    assert!(destroy(&cloud, &spec).await.is_success());
    assert_eq!(count(&cloud, "DeleteObjects acme-plain"), 4);
    assert_eq!(picture(&cloud.state()), "");
}

#[tokio::test(start_paused = true)]
async fn replicas_that_arrive_while_it_is_emptied_go_as_well() {
    let (cloud, spec) = holding(3_000).await;
    let slow = Slow::new(&cloud, 50);
    let outcome = destroy(&slow, &spec).await;
    assert!(outcome.is_success(), "{outcome:?}");
    assert_eq!(slow.arriving.load(Ordering::SeqCst), 0);
    assert_eq!(picture(&cloud.state()), "");
}

#[tokio::test(start_paused = true)]
async fn unfinished_uploads_go_however_many_there_are() {
    let (cloud, spec) = holding(1).await;
    change(&cloud, |bucket| {
        let uploads = (0..2_500).map(|number| ("half".to_owned(), format!("upload {number}")));
        bucket.uploads.extend(uploads);
    });
    assert!(destroy(&cloud, &spec).await.is_success());
    assert_eq!(count(&cloud, "AbortMultipartUpload acme-plain"), 2_500);
    assert_eq!(picture(&cloud.state()), "");
}
