//! Documents that somebody else writes at the same time, and keys that somebody planted.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use terraform_provider_replicated::execution::DocumentLocks;
use terraform_provider_replicated::execution::cloud::{CallError, CallErrorKind, Cloud, Identity};
use terraform_provider_replicated::execution::executor;
use terraform_provider_replicated::execution::observe::{Purpose, observe};
use terraform_provider_replicated::replication::desired::desire;
use terraform_provider_replicated::replication::ids::{Location, Region, WayIn};
use terraform_provider_replicated::replication::operation::{Answer, Operation, Output, Query};
use terraform_provider_replicated::replication::ownership::{Trust, claims, distrust_policies};
use terraform_provider_replicated::replication::plan::{Going, plan};
use terraform_provider_replicated::replication::policy::PolicyDocument;
use terraform_provider_replicated::replication::spec::Spec;

use crate::fake::{FakeCloud, HOME};
use crate::faulty::{Fault, FaultyCloud};
use crate::scenario::{
    FIRST, LATER, backup, bucket, create, destination, drift_words, kms_abroad, location, moment,
    no_stop, rule_of, settings, spec, try_update, update,
};

const BACKUP: &str = "acme-archive-backup";

/// What is there, as it was asked for, and a change of a rule that changes the policies of the destination's bucket.
async fn with_another_rule() -> (FakeCloud, Spec, Spec) {
    let cloud = FakeCloud::new();
    let prior = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let mut wanted = prior.clone();
    rule_of(backup(&mut wanted)).delete_marker_replication = true;
    (cloud, prior, wanted)
}

/// The policy of the destination's bucket.
fn policy_of_backup(cloud: &FakeCloud) -> Option<PolicyDocument> {
    cloud.state().buckets[BACKUP].policy.clone()
}

/// Another process, which puts the bucket's old policy back right after each of our first writes.
struct Rival<'a> {
    inner: &'a FakeCloud,
    policy: Option<PolicyDocument>,
    times: AtomicUsize,
}

#[async_trait]
impl Cloud for Rival<'_> {
    async fn enter(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError> {
        self.inner.enter(way_in, region).await
    }

    async fn query(&self, at: &Location, query: &Query) -> Result<Answer, CallError> {
        self.inner.query(at, query).await
    }

    async fn perform(&self, at: &Location, operation: &Operation) -> Result<Output, CallError> {
        let output = self.inner.perform(at, operation).await;
        let again = |left: usize| left.checked_sub(1);
        if operation.call() == "s3:PutBucketPolicy"
            && self
                .times
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, again)
                .is_ok()
        {
            let mut state = self.inner.state();
            state
                .buckets
                .get_mut(BACKUP)
                .unwrap()
                .policy
                .clone_from(&self.policy);
        }
        output
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_another_process_undid_is_made_again() {
    let (cloud, prior, wanted) = with_another_rule().await;
    let rival = Rival {
        inner: &cloud,
        policy: policy_of_backup(&cloud),
        times: AtomicUsize::new(3),
    };
    try_update(&rival, &prior, &wanted).await.unwrap();
    assert_eq!(drift_words(&cloud, &wanted).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_is_undone_again_and_again_fails_before_any_rule_changes() {
    let (cloud, prior, wanted) = with_another_rule().await;
    let rival = Rival {
        inner: &cloud,
        policy: policy_of_backup(&cloud),
        times: AtomicUsize::new(usize::MAX),
    };
    let errors = try_update(&rival, &prior, &wanted).await.unwrap_err();
    assert_eq!(errors[0].kind, CallErrorKind::Conflict);
    assert_eq!(cloud.state().ungranted, Vec::<String>::new());
}

/// AWS that does not see our role for a while, and a neighbour who writes into the new bucket's policy meanwhile.
struct Neighbour<'a> {
    inner: &'a FakeCloud,
    refusals: AtomicUsize,
}

#[async_trait]
impl Cloud for Neighbour<'_> {
    async fn enter(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError> {
        self.inner.enter(way_in, region).await
    }

    async fn query(&self, at: &Location, query: &Query) -> Result<Answer, CallError> {
        self.inner.query(at, query).await
    }

    async fn perform(&self, at: &Location, operation: &Operation) -> Result<Output, CallError> {
        let refusal = |left: usize| left.checked_sub(1);
        if operation.call() == "s3:PutBucketPolicy"
            && self
                .refusals
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, refusal)
                .is_ok()
        {
            let theirs = PolicyDocument::parse(THEIRS).unwrap();
            let mut state = self.inner.state();
            state.buckets.get_mut(BACKUP).unwrap().policy = Some(theirs);
            return Err(CallError {
                kind: CallErrorKind::NotReady,
                call: operation.call().to_owned(),
                subject: BACKUP.to_owned(),
                account: None,
                region: None,
                code: Some("MalformedPolicy".to_owned()),
                message: "Invalid principal in policy".to_owned(),
                request_id: None,
            });
        }
        self.inner.perform(at, operation).await
    }
}

const THEIRS: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Theirs","Effect":"Allow",
    "Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":"s3:GetObject",
    "Resource":"arn:aws:s3:::acme-archive-backup/*"}]}"#;

#[tokio::test(start_paused = true)]
async fn what_a_neighbour_writes_into_a_new_bucket_while_aws_is_waited_for_stays() {
    let cloud = FakeCloud::new();
    let neighbour = Neighbour {
        inner: &cloud,
        refusals: AtomicUsize::new(8),
    };
    let wanted = create(&neighbour, &kms_abroad(), FIRST).await.unwrap();
    let policy = policy_of_backup(&cloud).unwrap();
    let theirs = policy.statements.iter();
    let theirs = theirs.filter(|s| s.sid.as_deref() == Some("Theirs"));
    assert_eq!(theirs.count(), 1);
    assert_eq!(drift_words(&cloud, &wanted).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn two_owners_share_one_destination_bucket() {
    let cloud = FakeCloud::new();
    let first = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    // The other block knows the bucket as its own too, as after an import.
    let source = bucket("acme-other", location(HOME, "eu-west-1"));
    let mut shared = first.destinations["backup"].clone();
    shared.rules = destination("backup", 0, shared.bucket.clone()).rules;
    let other = spec(source, vec![]);
    let mut with_shared = other.clone();
    with_shared.destinations.insert("backup".to_owned(), shared);
    let plain = bucket("acme-other-backup", location(HOME, "eu-west-1"));
    let mut before = other;
    before
        .destinations
        .insert("plain".to_owned(), destination("plain", 1, plain));
    let before = create(&cloud, &before, FIRST).await.unwrap();
    with_shared.destinations.extend(before.destinations.clone());
    let graph = {
        let seen = observe(&cloud, &with_shared, Purpose::Refresh, &|_| true)
            .await
            .unwrap();
        plan(
            &desire(&with_shared, Some(&before), LATER),
            &seen,
            &Going::default(),
        )
    };
    let locks = DocumentLocks::default();
    let outcome = executor::run(&cloud, &locks, &no_stop(), &graph).await;
    assert!(outcome.is_success(), "{outcome:?}");
    let state = cloud.state();
    assert_eq!(
        state.buckets[BACKUP]
            .policy
            .as_ref()
            .unwrap()
            .statements
            .len(),
        4
    );
    assert_eq!(state.ungranted, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_cannot_be_read_is_never_replaced() {
    let (cloud, prior, wanted) = with_another_rule().await;
    let before = policy_of_backup(&cloud);
    let garbled = Garbled(&cloud);
    let errors = try_update(&garbled, &prior, &wanted).await.unwrap_err();
    assert!(errors[0].message.contains("left as it is"), "{}", errors[0]);
    assert_eq!(cloud.state().buckets[BACKUP].policy, before);
}

/// Another process, which read the bucket's policy before our edit and writes it back after our check.
struct Latecomer<'a> {
    inner: &'a FakeCloud,
    policy: Option<PolicyDocument>,
    written: AtomicBool,
    /// Whether nobody may read the policy from then on.
    shuts: bool,
}

#[async_trait]
impl Cloud for Latecomer<'_> {
    async fn enter(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError> {
        self.inner.enter(way_in, region).await
    }

    async fn query(&self, at: &Location, query: &Query) -> Result<Answer, CallError> {
        let is_shut = self.shuts && self.written.load(Ordering::SeqCst);
        if is_shut && matches!(query, Query::GetBucketPolicy { .. }) {
            return Err(CallError {
                kind: CallErrorKind::AccessDenied,
                call: query.call().to_owned(),
                subject: query.subject().to_owned(),
                account: None,
                region: None,
                code: None,
                message: "denied".to_owned(),
                request_id: None,
            });
        }
        self.inner.query(at, query).await
    }

    async fn perform(&self, at: &Location, operation: &Operation) -> Result<Output, CallError> {
        // The rules are the last write of an update.
        if operation.call() == "s3:PutBucketReplication"
            && !self.written.swap(true, Ordering::SeqCst)
        {
            let mut state = self.inner.state();
            let backup = state.buckets.get_mut(BACKUP).unwrap();
            backup.policy.clone_from(&self.policy);
        }
        self.inner.perform(at, operation).await
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_another_process_undid_later_in_the_run_is_made_again() {
    let (cloud, prior, wanted) = with_another_rule().await;
    let latecomer = Latecomer {
        inner: &cloud,
        policy: policy_of_backup(&cloud),
        written: AtomicBool::new(false),
        shuts: false,
    };
    try_update(&latecomer, &prior, &wanted).await.unwrap();
    assert!(latecomer.written.load(Ordering::SeqCst));
    assert_eq!(drift_words(&cloud, &wanted).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_cannot_be_looked_at_again_is_a_failure_of_what_was_done() {
    let (cloud, prior, wanted) = with_another_rule().await;
    let latecomer = Latecomer {
        inner: &cloud,
        policy: policy_of_backup(&cloud),
        written: AtomicBool::new(false),
        shuts: true,
    };
    let seen = observe(&cloud, &wanted, Purpose::Refresh, &|_| true).await;
    let desired = desire(&wanted, Some(&prior), LATER);
    let graph = plan(&desired, &seen.unwrap(), &Going::default());
    let locks = DocumentLocks::default();
    let outcome = executor::run(&latecomer, &locks, &no_stop(), &graph).await;
    assert_eq!(outcome.done.len(), graph.steps().count());
    let [(step, error)] = &outcome.failed[..] else {
        panic!("{:?}", outcome.failed);
    };
    assert!(outcome.done.contains_key(step));
    assert_eq!(error.call, "s3:GetBucketPolicy");
}

/// Shows a bucket policy in a form that nobody knows.
struct Garbled<'a>(&'a FakeCloud);

#[async_trait]
impl Cloud for Garbled<'_> {
    async fn enter(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError> {
        self.0.enter(way_in, region).await
    }

    async fn query(&self, at: &Location, query: &Query) -> Result<Answer, CallError> {
        match query {
            Query::GetBucketPolicy { .. } => Ok(Answer::Text("<policy/>".to_owned())),
            _ => self.0.query(at, query).await,
        }
    }

    async fn perform(&self, at: &Location, operation: &Operation) -> Result<Output, CallError> {
        self.0.perform(at, operation).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_taken_over_has_its_whole_policy_replaced() {
    let cloud = FakeCloud::new();
    let wanted = kms_abroad();
    let faulty = FaultyCloud::new(&cloud, 8, Fault::KilledAfter);
    tokio::select! {
        _ = create(&faulty, &wanted, FIRST) => panic!("it should have been killed"),
        () = faulty.died.notified() => {}
    }
    let planted = PolicyDocument::parse(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
        "Principal":{"AWS":"333333333333"},"Action":"kms:*","Resource":"*"}]}"#,
    );
    let planted = planted.unwrap().statements.remove(0);
    for key in cloud.state().keys.values_mut() {
        key.policy.statements.push(planted.clone());
    }
    let mut seen = observe(&cloud, &wanted, Purpose::Create, &|_| false)
        .await
        .unwrap();
    let taken = claims(&wanted, &seen, &|_| false, Trust::Recent(moment(LATER)));
    assert!(taken.iter().all(|claim| claim.verdict.is_ok()));
    distrust_policies(&mut seen, &taken);
    let mut spec = wanted.clone();
    spec.learn_keys(&seen);
    let graph = plan(&desire(&spec, None, LATER), &seen, &Going::default());
    let locks = DocumentLocks::default();
    assert!(
        executor::run(&cloud, &locks, &no_stop(), &graph)
            .await
            .is_success()
    );
    let state = cloud.state();
    assert_eq!(state.keys.len(), 2);
    assert!(
        state
            .keys
            .values()
            .all(|key| !key.policy.statements.contains(&planted))
    );
}

#[tokio::test(start_paused = true)]
async fn a_bucket_of_that_name_in_another_region_is_an_error_that_names_the_region() {
    let cloud = FakeCloud::new();
    let wanted = kms_abroad();
    create(&cloud, &wanted, FIRST).await.unwrap();
    cloud.state().buckets.get_mut(BACKUP).unwrap().region = "eu-west-3".to_owned();
    let errors = observe(&cloud, &wanted, Purpose::Create, &|_| false)
        .await
        .unwrap_err();
    assert!(errors[0].to_string().contains("eu-west-3"), "{}", errors[0]);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_is_an_error_and_not_absent() {
    let cloud = FakeCloud::new();
    let wanted = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    cloud.state().buckets.get_mut(BACKUP).unwrap().account = "999999999999".to_owned();
    let errors = observe(&cloud, &wanted, Purpose::Refresh, &|_| true)
        .await
        .unwrap_err();
    assert_eq!(errors[0].kind, CallErrorKind::AccessDenied);
    let errors = observe(&cloud, &wanted, Purpose::Destroy, &|_| true)
        .await
        .unwrap_err();
    assert_eq!(errors[0].kind, CallErrorKind::AccessDenied);
}

#[tokio::test(start_paused = true)]
async fn an_alias_of_somebody_elses_key_is_not_taken() {
    let cloud = FakeCloud::new();
    let first = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let mut wanted = first.clone();
    settings(&mut wanted.source)
        .tags
        .insert("a".to_owned(), "b".to_owned());
    let first = update(&cloud, &first, &wanted).await;
    for key in cloud.state().keys.values_mut() {
        key.tags
            .insert("replicated:owner".to_owned(), "somebody".to_owned());
    }
    let seen = observe(&cloud, &first, Purpose::Create, &|_| false)
        .await
        .unwrap();
    let refused = claims(&kms_abroad(), &seen, &|_| false, Trust::Tags);
    let things: Vec<&str> = refused
        .iter()
        .filter(|claim| claim.verdict.is_err())
        .map(|claim| claim.thing.split(' ').next().unwrap())
        .collect();
    assert_eq!(things.len(), 2, "{refused:?}");
}
