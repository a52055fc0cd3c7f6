//! Canaries: every way in which one ends, and that nothing of any is left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use terraform_provider_replicated::execution::cloud::{CallError, CallErrorKind, Cloud, Identity};
use terraform_provider_replicated::execution::verify::{End, Trouble, Verification, Verified};
use terraform_provider_replicated::replication::canary::{
    Canary, CanaryRun, DEFAULT_KEY_PREFIX, ReplicaSeen, canaries, is_canary,
};
use terraform_provider_replicated::replication::component::Side;
use terraform_provider_replicated::replication::ids::{Location, Region, WayIn};
use terraform_provider_replicated::replication::operation::{
    Answer, ObjectDescription, Operation, Output, Query, RuleFilter,
};
use terraform_provider_replicated::replication::spec::Spec;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::fake::{Delays, FakeCloud, HOME, Spoilt, State};
use crate::faulty::{Fault, FaultyCloud};
use crate::scenario::{
    FIRST, LATER, backup, bucket, create, destination, destroy, kms_abroad, location, no_stop,
    plain_at_home, plan_create, rule_of, settings, two_way_abroad,
};

const MINUTES: Duration = Duration::from_secs(60);
const SOURCE: &str = "acme-archive";
const BACKUP: &str = "acme-archive-backup";

async fn verify_within(
    cloud: &dyn Cloud,
    spec: &Spec,
    id: &str,
    within: Duration,
    stop: &CancellationToken,
) -> Verified {
    let all = canaries(spec, DEFAULT_KEY_PREFIX);
    verify_after(cloud, spec, (&all, &[]), id, within, stop).await
}

/// Sends the first of these, and looks for leftovers of the second as well.
async fn verify_after(
    cloud: &dyn Cloud,
    spec: &Spec,
    (canaries, before): (&[Canary], &[Canary]),
    id: &str,
    within: Duration,
    stop: &CancellationToken,
) -> Verified {
    let verification = Verification {
        cloud,
        run: &CanaryRun::new(&spec.owner(), id),
        canaries,
        before,
        now: OffsetDateTime::now_utc().unix_timestamp(),
        within,
        stop,
        tell: &|_| {},
    };
    verification.run().await
}

async fn verify(cloud: &dyn Cloud, spec: &Spec) -> Verified {
    verify_within(cloud, spec, "this", 15 * MINUTES, &no_stop()).await
}

/// Every version that is in any bucket.
fn held(state: &State) -> Vec<String> {
    let buckets = state.buckets.iter();
    let keys = buckets.flat_map(|(name, bucket)| {
        let versions = bucket.versions.iter();
        versions.map(move |version| format!("{name}/{}", version.key))
    });
    keys.collect()
}

fn nothing_is_left(cloud: &FakeCloud, verified: &Verified) {
    assert_eq!(verified.left_behind, Vec::<String>::new());
    assert_eq!(held(&cloud.state()), Vec::<String>::new());
}

/// The end of a canary that S3 failed to bring to the backup.
fn failed() -> End {
    End::Trouble([(to_backup(), Trouble::Failed)].into())
}

fn to_backup() -> Side {
    Side::Destination("backup".to_owned())
}

/// Takes the destination's policy away, as a person might.
fn drop_policy(cloud: &FakeCloud) {
    cloud.state().buckets.get_mut(BACKUP).unwrap().policy = None;
}

#[tokio::test(start_paused = true)]
async fn a_canary_of_each_rule_crosses_and_goes() {
    for (wanted, count) in [
        (plain_at_home(), 1),
        (kms_abroad(), 1),
        (two_way_abroad(), 2),
    ] {
        let cloud = FakeCloud::new();
        let spec = create(&cloud, &wanted, FIRST).await.unwrap();
        let verified = verify(&cloud, &spec).await;
        assert_eq!(verified.ends, vec![End::Crossed; count]);
        assert_eq!(verified.sent, count);
        nothing_is_left(&cloud, &verified);
    }
}

#[tokio::test(start_paused = true)]
async fn prefix_and_tags_of_a_rule_are_the_canarys_and_a_paused_rule_has_none() {
    let cloud = FakeCloud::new();
    let mut wanted = kms_abroad();
    let rule = rule_of(backup(&mut wanted));
    rule.filter = RuleFilter {
        prefix: Some("deeds/".to_owned()),
        tags: [("keep".to_owned(), "yes".to_owned())].into(),
    };
    let mut paused = rule.clone();
    (paused.enabled, paused.priority) = (false, 1);
    "replicated-backup/paused".clone_into(&mut paused.id);
    let rules = &mut backup(&mut wanted).rules;
    rules.insert("paused".to_owned(), paused);
    let spec = create(&cloud, &wanted, FIRST).await.unwrap();
    let all = canaries(&spec, DEFAULT_KEY_PREFIX);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].prefix, "deeds/.replicated-verification/");
    let verified = verify(&cloud, &spec).await;
    assert_eq!(verified.ends, [End::Crossed]);
    nothing_is_left(&cloud, &verified);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_passes_over_encrypted_objects_gets_a_plain_canary() {
    let cloud = FakeCloud::new();
    let mut wanted = kms_abroad();
    rule_of(backup(&mut wanted)).replicate_encrypted_objects = false;
    let spec = create(&cloud, &wanted, FIRST).await.unwrap();
    let all = canaries(&spec, DEFAULT_KEY_PREFIX);
    assert_eq!(all[0].sse_algorithm.as_deref(), Some("AES256"));
    let verified = verify(&cloud, &spec).await;
    assert_eq!(verified.ends, [End::Crossed]);
    nothing_is_left(&cloud, &verified);
}

#[tokio::test(start_paused = true)]
async fn of_two_rules_to_one_bucket_the_higher_priority_says_what_arrives() {
    let mut wanted = kms_abroad();
    let mut all = rule_of(backup(&mut wanted)).clone();
    (all.priority, all.storage_class) = (9, Some("GLACIER".to_owned()));
    "replicated-backup/all".clone_into(&mut all.id);
    backup(&mut wanted).rules.insert("all".to_owned(), all);
    for canary in canaries(&wanted, DEFAULT_KEY_PREFIX) {
        assert_eq!(canary.replicas.len(), 1);
        assert_eq!(canary.replicas[0].storage_class, "GLACIER");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_not_as_asked_for_is_told() {
    for (spoilt, told) in [
        (Spoilt::Class, "has storage class GLACIER"),
        (Spoilt::Tags, "has lost its tags"),
        (Spoilt::Owner, "belongs to the source's account"),
        (Spoilt::Encryption, "is under arn:aws:kms:"),
        (Spoilt::Key, ""),
    ] {
        let cloud = FakeCloud::new();
        let mut wanted = kms_abroad();
        let filter = &mut rule_of(backup(&mut wanted)).filter;
        filter.tags.insert("keep".to_owned(), "yes".to_owned());
        let spec = create(&cloud, &wanted, FIRST).await.unwrap();
        cloud.state().spoilt = Some(spoilt);
        let verified = verify(&cloud, &spec).await;
        let End::Trouble(befell) = &verified.ends[0] else {
            panic!("{spoilt:?}: {:?}", verified.ends);
        };
        match &befell[&to_backup()] {
            Trouble::Differs { bucket, what } => {
                assert_eq!(bucket, BACKUP);
                assert!(what.iter().any(|w| w.starts_with(told)), "{what:?}");
                nothing_is_left(&cloud, &verified);
            }
            Trouble::Missing { key, bucket } => {
                assert_eq!((spoilt, bucket.as_str()), (Spoilt::Key, BACKUP));
                assert!(is_canary(&spec.owner(), key));
                // What came under keys that nobody asked for is no canary of anybody's.
                assert!(held(&cloud.state()).iter().all(|key| key.ends_with('~')));
            }
            Trouble::Failed => panic!("{spoilt:?}: {:?}", verified.ends),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_fresh_rules_pass_over_is_followed_by_new_ones() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    {
        let mut state = cloud.state();
        state.delays = Delays {
            rules: Duration::from_secs(60),
            ..Delays::default()
        };
        let bucket = state.buckets.get_mut(SOURCE).unwrap();
        bucket.replication_before = Some((tokio::time::Instant::now(), None));
    }
    let verified = verify(&cloud, &spec).await;
    assert_eq!(verified.ends, [End::Crossed]);
    assert!(verified.sent > 1, "{}", verified.sent);
    nothing_is_left(&cloud, &verified);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_believed_once_everything_must_have_settled() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    drop_policy(&cloud);
    let begun = tokio::time::Instant::now();
    let verified = verify(&cloud, &spec).await;
    assert_eq!(verified.ends, [failed()]);
    let took = begun.elapsed();
    assert!((2 * MINUTES..5 * MINUTES).contains(&took), "{took:?}");
    nothing_is_left(&cloud, &verified);
}

#[tokio::test(start_paused = true)]
async fn a_failure_before_that_is_tried_again_with_new_objects() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let policy = cloud.state().buckets[BACKUP].policy.clone();
    drop_policy(&cloud);
    let mends = async {
        tokio::time::sleep(Duration::from_secs(40)).await;
        cloud.state().buckets.get_mut(BACKUP).unwrap().policy = policy;
    };
    let (verified, ()) = tokio::join!(verify(&cloud, &spec), mends);
    assert_eq!(verified.ends, [End::Crossed]);
    assert!(verified.sent > 1);
    nothing_is_left(&cloud, &verified);
}

#[tokio::test(start_paused = true)]
async fn when_time_is_over_a_failure_counts_and_what_is_pending_is_late() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    cloud.state().spoilt = Some(Spoilt::Never);
    let late = verify_within(&cloud, &spec, "one", 5 * MINUTES, &no_stop()).await;
    assert_eq!(late.ends, [End::Late(Some("PENDING".to_owned()))]);
    assert!(late.sent > 1);
    nothing_is_left(&cloud, &late);
    cloud.state().spoilt = None;
    drop_policy(&cloud);
    // Whether a new object is under way by then is a matter of luck: both come.
    let pending = || End::Late(Some("PENDING".to_owned()));
    let (mut failures, mut late) = (0, 0);
    for seconds in 4..40 {
        let id = seconds.to_string();
        let soon = Duration::from_secs(seconds);
        let ended = verify_within(&cloud, &spec, &id, soon, &no_stop()).await;
        failures += usize::from(ended.ends == [failed()]);
        late += usize::from(ended.ends == [pending()] || ended.ends == [End::Late(None)]);
        nothing_is_left(&cloud, &ended);
    }
    assert!(failures > 0 && late > 0, "{failures} failed, {late} late");
    assert_eq!(failures + late, 36);
}

#[tokio::test(start_paused = true)]
async fn an_early_failure_says_nothing_of_what_was_sent_after_it() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    drop_policy(&cloud);
    let is_put = |write: &&String| write.starts_with("PutObject ");
    let stalls = async {
        while cloud.state().writes.iter().filter(is_put).count() < 2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        cloud.state().spoilt = Some(Spoilt::Never);
    };
    let never = no_stop();
    let verifies = verify_within(&cloud, &spec, "this", MINUTES, &never);
    let (verified, ()) = tokio::join!(verifies, stalls);
    assert_eq!(verified.ends, [End::Late(Some("PENDING".to_owned()))]);
    nothing_is_left(&cloud, &verified);
}

#[tokio::test(start_paused = true)]
async fn when_time_is_over_a_replica_that_was_not_seen_yet_is_late_and_not_missing() {
    for asks in [false, true] {
        let cloud = FakeCloud::new();
        let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
        cloud.state().spoilt = Some(Spoilt::Key);
        let stop = CancellationToken::new();
        let stops = async {
            tokio::time::sleep(Duration::from_secs(7)).await;
            if asks {
                stop.cancel();
            }
        };
        let within = Duration::from_secs(if asks { 600 } else { 7 });
        let verifies = verify_within(&cloud, &spec, "this", within, &stop);
        let (verified, ()) = tokio::join!(verifies, stops);
        let late = End::Late(Some("COMPLETED".to_owned()));
        assert_eq!(verified.ends, [if asks { End::Stopped } else { late }]);
    }
}

/// The source replicates to a second destination as well.
fn and_near(mut wanted: Spec) -> Spec {
    let near = bucket("acme-archive-near", location(HOME, "eu-west-1"));
    let near = destination("near", 1, near);
    wanted.destinations.insert("near".to_owned(), near);
    wanted
}

#[tokio::test(start_paused = true)]
async fn of_several_destinations_only_the_one_that_is_broken_is_blamed() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &and_near(kms_abroad()), FIRST)
        .await
        .unwrap();
    let crossed = verify(&cloud, &spec).await;
    assert_eq!(crossed.ends, [End::Crossed, End::Crossed]);
    drop_policy(&cloud);
    let verified = verify_within(&cloud, &spec, "next", 15 * MINUTES, &no_stop()).await;
    assert_eq!(verified.ends, [failed(), failed()]);
    nothing_is_left(&cloud, &verified);
}

#[test]
fn a_replica_may_have_more_tags_but_none_less() {
    let mut wanted = kms_abroad();
    let filter = &mut rule_of(backup(&mut wanted)).filter;
    filter.tags.insert("keep".to_owned(), "yes".to_owned());
    let canary = canaries(&wanted, DEFAULT_KEY_PREFIX).remove(0);
    let run = CanaryRun::new(&wanted.owner(), "this");
    let lost = |tags: &[&str]| {
        let tags = tags.iter().map(|key| ((*key).to_owned(), "yes".to_owned()));
        let seen = ReplicaSeen {
            tags: Some(tags.collect()),
            ..ReplicaSeen::default()
        };
        let told =
            canary.replicas[0].differences(&canary, &run, &ObjectDescription::default(), &seen);
        told.contains(&"has lost its tags".to_owned())
    };
    assert!(!lost(&["keep"]) && !lost(&["keep", "scanned"]));
    assert!(lost(&[]) && lost(&["scanned"]));
}

#[test]
fn a_replica_whose_metadata_are_synchronised_is_one_whatever_became_of_that() {
    let wanted = two_way_abroad();
    let canary = canaries(&wanted, DEFAULT_KEY_PREFIX).remove(0);
    let run = CanaryRun::new(&wanted.owner(), "this");
    let replica = &canary.replicas[0];
    let told = |status: Option<&str>| {
        let object = ObjectDescription {
            replication_status: status.map(str::to_owned),
            storage_class: Some(replica.storage_class.clone()),
            metadata: canary.object(&run, 0).metadata,
            ..ObjectDescription::default()
        };
        let seen = ReplicaSeen {
            object,
            ..ReplicaSeen::default()
        };
        replica.differences(&canary, &run, &ObjectDescription::default(), &seen)
    };
    for status in ["REPLICA", "PENDING", "COMPLETED", "FAILED"] {
        assert_eq!(told(Some(status)), Vec::<String>::new(), "{status}");
    }
    assert_eq!(told(None), ["is not marked as one"]);
}

#[tokio::test(start_paused = true)]
async fn slow_canaries_keep_no_place_from_others() {
    let cloud = FakeCloud::new();
    let mut wanted = kms_abroad();
    let first = rule_of(backup(&mut wanted)).clone();
    for priority in 1..40 {
        let mut rule = first.clone();
        rule.priority = priority;
        rule.id = format!("replicated-backup/{priority}");
        rule.filter.prefix = Some(format!("{priority}/"));
        backup(&mut wanted).rules.insert(priority.to_string(), rule);
    }
    let spec = create(&cloud, &wanted, FIRST).await.unwrap();
    cloud.state().spoilt = Some(Spoilt::Never);
    let verified = verify_within(&cloud, &spec, "this", MINUTES, &no_stop()).await;
    let pending = End::Late(Some("PENDING".to_owned()));
    assert_eq!(verified.ends, vec![pending; 40]);
    assert_eq!(verified.sent, 40);
    nothing_is_left(&cloud, &verified);
}

/// What passes at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passing {
    /// The destination's name leads elsewhere.
    Redirect,
    /// The tags of a replica are not there yet.
    Tags,
    /// Lists are not answered, once.
    List,
    /// Nothing: the replica is not of the account that it is in, and stays unreadable.
    Unreadable,
}

/// AWS in its first minute.
struct Young<'a> {
    inner: &'a FakeCloud,
    passing: Passing,
    since: tokio::time::Instant,
    hung: AtomicBool,
}

impl<'a> Young<'a> {
    fn new(inner: &'a FakeCloud, passing: Passing) -> Self {
        Self {
            inner,
            passing,
            since: tokio::time::Instant::now(),
            hung: AtomicBool::new(false),
        }
    }
}

#[async_trait]
impl Cloud for Young<'_> {
    async fn enter(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError> {
        self.inner.enter(way_in, region).await
    }

    async fn query(&self, at: &Location, query: &Query) -> Result<Answer, CallError> {
        let is_young = self.since.elapsed() < MINUTES;
        let fails = |kind, code: &str| CallError {
            kind,
            call: query.call().to_owned(),
            subject: query.subject().to_owned(),
            account: None,
            region: None,
            code: Some(code.to_owned()),
            message: "in a while".to_owned(),
            request_id: None,
        };
        match (self.passing, query) {
            (Passing::Redirect, Query::HeadObject { bucket, .. })
                if is_young && bucket == BACKUP =>
            {
                Err(fails(CallErrorKind::Invalid, "PermanentRedirect"))
            }
            (Passing::Unreadable, Query::HeadObject { bucket, .. }) if bucket == BACKUP => {
                Err(fails(CallErrorKind::AccessDenied, "AccessDenied"))
            }
            (Passing::Tags, Query::GetObjectTagging { .. })
                if self.since.elapsed() < Duration::from_secs(6) =>
            {
                Err(fails(CallErrorKind::NotFound, "NoSuchKey"))
            }
            (Passing::List, Query::ListObjectVersions { .. })
                if !self.hung.swap(true, Ordering::SeqCst) =>
            {
                std::future::pending().await
            }
            _ => self.inner.query(at, query).await,
        }
    }

    async fn perform(&self, at: &Location, operation: &Operation) -> Result<Output, CallError> {
        self.inner.perform(at, operation).await
    }
}

async fn while_young(passing: Passing, within: Duration) -> (FakeCloud, Verified) {
    let cloud = FakeCloud::new();
    let mut wanted = kms_abroad();
    let filter = &mut rule_of(backup(&mut wanted)).filter;
    filter.tags.insert("keep".to_owned(), "yes".to_owned());
    let spec = create(&cloud, &wanted, FIRST).await.unwrap();
    let young = Young::new(&cloud, passing);
    let verified = verify_within(&young, &spec, "this", within, &no_stop()).await;
    (cloud, verified)
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_stays_the_sources_own_need_not_be_readable() {
    let cloud = FakeCloud::new();
    let mut wanted = kms_abroad();
    let ownership = &mut settings(&mut backup(&mut wanted).bucket).object_ownership;
    "ObjectWriter".clone_into(ownership);
    rule_of(backup(&mut wanted)).owner_override = false;
    let spec = create(&cloud, &wanted, FIRST).await.unwrap();
    let unreadable = Young::new(&cloud, Passing::Unreadable);
    let verified = verify(&unreadable, &spec).await;
    assert_eq!(verified.ends, [End::Crossed]);
    nothing_is_left(&cloud, &verified);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_its_own_account_may_not_read_most_likely_belongs_to_the_sources() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let unreadable = Young::new(&cloud, Passing::Unreadable);
    let verified = verify(&unreadable, &spec).await;
    let End::Trouble(befell) = &verified.ends[0] else {
        panic!("{:?}", verified.ends);
    };
    let Trouble::Differs { bucket, what } = &befell[&to_backup()] else {
        panic!("{befell:?}");
    };
    assert_eq!(bucket, BACKUP);
    assert!(
        what[0].starts_with("cannot be read there (s3:HeadObject on "),
        "{what:?}"
    );
    assert!(
        what[0].contains("may still belong to the source's account"),
        "{what:?}"
    );
    nothing_is_left(&cloud, &verified);
}

#[tokio::test(start_paused = true)]
async fn answers_that_pass_are_waited_out() {
    for passing in [Passing::Redirect, Passing::Tags] {
        let (cloud, verified) = while_young(passing, 15 * MINUTES).await;
        assert_eq!(verified.ends, [End::Crossed], "{passing:?}");
        assert_eq!(verified.sent, 1, "{passing:?}");
        nothing_is_left(&cloud, &verified);
    }
}

#[tokio::test(start_paused = true)]
async fn what_earlier_runs_left_is_looked_for_within_the_time_and_that_it_was_not_is_told() {
    let begun = tokio::time::Instant::now();
    let (cloud, verified) = while_young(Passing::List, MINUTES).await;
    assert!(begun.elapsed() < 2 * MINUTES);
    assert_eq!(verified.ends, [End::Unsent]);
    assert_eq!(verified.left_behind.len(), 1);
    assert_eq!(held(&cloud.state()), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_it_and_what_was_sent_goes_all_the_same() {
    for moment in (0..4000).step_by(250).map(Duration::from_millis) {
        let cloud = FakeCloud::new();
        let spec = create(&cloud, &two_way_abroad(), FIRST).await.unwrap();
        let stop = CancellationToken::new();
        let asks = async {
            tokio::time::sleep(moment).await;
            stop.cancel();
        };
        let verifies = verify_within(&cloud, &spec, "this", 15 * MINUTES, &stop);
        let (verified, ()) = tokio::join!(verifies, asks);
        let ended = |end: &End| matches!(end, End::Stopped | End::Crossed);
        assert!(verified.ends.iter().all(ended), "{moment:?}: {verified:?}");
        nothing_is_left(&cloud, &verified);
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_call_fails_nothing_is_left_or_it_is_told_and_the_next_one_removes_it() {
    use CallErrorKind::{AccessDenied, Ambiguous, Transport};
    let faults = [AccessDenied, Ambiguous, Transport].map(Fault::Refused);
    let faults = faults.into_iter().chain([
        Fault::AnswerLost,
        Fault::NeverAnswered,
        Fault::Killed,
        Fault::KilledAfter,
    ]);
    let (mut met, mut told) = (0, 0);
    for fault in faults {
        for at in 1.. {
            let cloud = FakeCloud::new();
            let spec = create(&cloud, &two_way_abroad(), FIRST).await.unwrap();
            let faulty = FaultyCloud::new(&cloud, at, fault);
            let never = no_stop();
            let verifies = verify_within(&faulty, &spec, "first", 15 * MINUTES, &never);
            let verified = tokio::select! {
                verified = verifies => Some(verified),
                () = faulty.died.notified() => None,
            };
            if !faulty.has_struck() {
                assert!(at > 4, "there are writes and deletions on both sides");
                break;
            }
            met += 1;
            if let Some(verified) = &verified {
                let left = held(&cloud.state());
                assert!(
                    left.is_empty() || !verified.left_behind.is_empty(),
                    "{fault:?} at {at}: {left:?} is left, and nobody says so"
                );
                told += usize::from(!left.is_empty());
            }
            cloud.state().age_objects();
            let next = verify_within(&cloud, &spec, "second", 15 * MINUTES, &never).await;
            assert_eq!(next.ends, [End::Crossed, End::Crossed]);
            nothing_is_left(&cloud, &next);
        }
    }
    assert!(met > 20 && told > 0, "{met} met, {told} told");
}

#[tokio::test(start_paused = true)]
async fn nothing_but_canaries_of_this_owner_is_ever_removed() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let other = CanaryRun::new("999999999999/other", "x").name();
    let ours = CanaryRun::new(&spec.owner(), "x").name();
    let keys = [
        format!("{DEFAULT_KEY_PREFIX}readme"),
        format!("{DEFAULT_KEY_PREFIX}{other}0"),
        // A key of ours on an object that does not say so.
        format!("{DEFAULT_KEY_PREFIX}{ours}0"),
        format!("{DEFAULT_KEY_PREFIX}{ours}"),
    ];
    for key in &keys {
        let mut state = cloud.state();
        state.buckets.get_mut(SOURCE).unwrap().put_object(key);
    }
    let verified = verify(&cloud, &spec).await;
    assert_eq!(verified.ends, [End::Crossed]);
    let left = keys.map(|key| format!("{SOURCE}/{key}"));
    assert_eq!(held(&cloud.state()), left);
}

/// A canary of a run that was killed.
fn leave_canary(cloud: &FakeCloud, spec: &Spec, bucket: &str) {
    let name = CanaryRun::new(&spec.owner(), "killed").name();
    let mut state = cloud.state();
    let bucket = state.buckets.get_mut(bucket).unwrap();
    bucket.put_object(&format!("{DEFAULT_KEY_PREFIX}{name}0"));
}

#[tokio::test(start_paused = true)]
async fn what_was_left_under_another_prefix_goes_too_and_without_a_canary_nothing_is_put() {
    let never = no_stop();
    for sends in [true, false] {
        let cloud = FakeCloud::new();
        let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
        let before = canaries(&spec, "before/");
        let name = CanaryRun::new(&spec.owner(), "killed").name();
        let killed = CanaryRun::new(&spec.owner(), "killed");
        for bucket in [SOURCE, BACKUP] {
            let object = before[0].object(&killed, 0);
            assert_eq!(object.key, format!("before/{name}0"));
            cloud.state().put_for_good(bucket, object);
        }
        cloud.state().age_objects();
        let now = canaries(&spec, DEFAULT_KEY_PREFIX);
        let now = &now[..usize::from(sends)];
        let verified =
            verify_after(&cloud, &spec, (now, &before), "this", 15 * MINUTES, &never).await;
        assert_eq!(verified.ends, vec![End::Crossed; now.len()]);
        assert_eq!(verified.sent, now.len());
        nothing_is_left(&cloud, &verified);
    }
}

#[tokio::test(start_paused = true)]
async fn two_verifications_at_once_leave_each_other_alone() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let never = no_stop();
    let first = verify_within(&cloud, &spec, "first", 15 * MINUTES, &never);
    let second = async {
        // The first one's canary is under way by then.
        while held(&cloud.state()).is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        verify_within(&cloud, &spec, "second", 15 * MINUTES, &never).await
    };
    let (first, second) = tokio::join!(first, second);
    for verified in [first, second] {
        assert_eq!(
            (&verified.ends[..], verified.sent),
            (&[End::Crossed][..], 1)
        );
        nothing_is_left(&cloud, &verified);
    }
}

#[tokio::test(start_paused = true)]
async fn buckets_that_hold_nothing_but_canaries_are_taken_over_and_taken_down() {
    let cloud = FakeCloud::new();
    let wanted = kms_abroad();
    let spec = create(&cloud, &wanted, FIRST).await.unwrap();
    leave_canary(&cloud, &spec, SOURCE);
    leave_canary(&cloud, &spec, BACKUP);
    assert!(plan_create(&cloud, &wanted, LATER).await.is_ok());
    let destroyed = destroy(&cloud, &spec).await;
    assert!(destroyed.is_success(), "{destroyed:?}");
    assert!(cloud.state().buckets.is_empty());
}

#[tokio::test(start_paused = true)]
async fn beside_an_object_a_canary_stays_and_so_does_its_bucket() {
    let cloud = FakeCloud::new();
    let wanted = kms_abroad();
    let mut spec = create(&cloud, &wanted, FIRST).await.unwrap();
    leave_canary(&cloud, &spec, SOURCE);
    {
        let mut state = cloud.state();
        state.buckets.get_mut(SOURCE).unwrap().put_object("deed");
    }
    assert!(plan_create(&cloud, &wanted, LATER).await.is_err());
    settings(&mut spec.source).force_destroy = false;
    assert!(!destroy(&cloud, &spec).await.is_success());
    assert_eq!(held(&cloud.state()).len(), 2);
}
