//! AWS's eventual consistency, row by row: what is tried again, until when, and what is said when it does not help; and
//! beside each row what looks like it and is told at once.
//!
//! By which message a row is known is shown at the edge (`src/aws/error/tests.rs`), and so is what passes within the
//! retries of single calls (`tests/edge/faults.rs`).
//!
//! | call | answer | tests |
//! |---|---|---|
//! | CreateBucket | OperationAborted: the name was deleted | `a_name_that_was_just_deleted_is_waited_for`, `each_row_...` |
//! | CreateBucket | taken by somebody | `what_no_wait_helps_against_is_told_at_once` |
//! | CreateBucket | taken by ourselves, whose answer was lost | `what_was_made_and_shows_late_is_not_taken_for_somebody_elses` |
//! | after CreateBucket, CreateRole, CreateKey | not found | `what_was_made_is_not_found_for_a_while_and_all_is_well` |
//! | after CreateBucket | 301, 307 | `a_bucket_whose_name_leads_elsewhere_...`, `src/aws/error/tests.rs` |
//! | their deletion by an undo | not found | `an_undo_waits_for_what_does_not_show_yet` |
//! | any write of a bucket | OperationAborted | `each_row_...` |
//! | PutBucketPolicy of a policy that is there | the same two | `a_policy_that_is_there_already_...` |
//! | PutBucketPolicy, CreateKey | invalid principal | `each_row_...`; otherwise malformed: `what_no_wait_...` |
//! | DeleteRole | DeleteConflict | `a_role_whose_policies_seem_to_be_there_still_is_deleted` |
//! | PutBucketReplication | versioning not shown, on either side | `each_row_...` |
//! | PutBucketReplication | AccessDenied | with a new role `each_row_...`, with an old one `a_role_that_is_not_new_...` |
//! | EnableBucketVersioning | InvalidBucketState | `each_row_...` |
//! | GetBucketReplication | not found after PUT, found after DELETE | `rules_are_waited_for_until_they_show_and_until_they_are_gone` |
//! | GetBucketReplication | the rules of before, after PUT | `the_old_rules_keep_their_role_and_grants_until_the_new_ones_show` |
//! | GetBucketReplication | the rules of before, after our part of somebody else's left | `rules_that_leave_somebody_elses_...` |
//! | GetBucketPolicy | the policy of before, after PUT | `an_edit_waits_until_what_the_edit_before_has_written_shows` |
//! | any | AccessDenied, malformed, expired | `what_no_wait_helps_against_is_told_at_once` |

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use terraform_provider_replicated::execution::DocumentLocks;
use terraform_provider_replicated::execution::cloud::{
    CallError, CallErrorKind as Kind, Cloud, Identity,
};
use terraform_provider_replicated::execution::executor;
use terraform_provider_replicated::replication::component::{ComponentId, Part, Side};
use terraform_provider_replicated::replication::desired::desire;
use terraform_provider_replicated::replication::graph::{Action, PolicyEdit, StepGraph};
use terraform_provider_replicated::replication::ids::{Location, Region, WayIn};
use terraform_provider_replicated::replication::operation::{Answer, Operation, Output, Query};
use terraform_provider_replicated::replication::policy::{PolicyDocument, PolicyShare, sid};

use crate::fake::{Delays, FakeCloud};
use crate::faulty::{Fault, FaultyCloud};
use crate::picture::{keys, picture};
use crate::scenario::{
    FIRST, Failed, LATER, backup, create, destroy, drift_words, kms_abroad, no_stop, plan_create,
    rule_of, try_update, update,
};

/// Shorter than the shortest wait for what is new.
const LATE: Duration = Duration::from_secs(8);

/// A cloud that always gives the same answer to one call.
struct Refusing<'a> {
    inner: &'a FakeCloud,
    call: &'a str,
    kind: Kind,
    code: Option<&'a str>,
    /// How often it was asked.
    asked: AtomicUsize,
}

impl<'a> Refusing<'a> {
    fn new(inner: &'a FakeCloud, call: &'a str, kind: Kind) -> Self {
        Self {
            inner,
            call,
            kind,
            code: None,
            asked: AtomicUsize::new(0),
        }
    }
}

#[async_trait]
impl Cloud for Refusing<'_> {
    async fn enter(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError> {
        self.inner.enter(way_in, region).await
    }

    async fn query(&self, at: &Location, query: &Query) -> Result<Answer, CallError> {
        self.inner.query(at, query).await
    }

    async fn perform(&self, at: &Location, operation: &Operation) -> Result<Output, CallError> {
        if operation.call() != self.call {
            return self.inner.perform(at, operation).await;
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        Err(CallError {
            kind: self.kind,
            call: operation.call().to_owned(),
            subject: operation.subject(),
            account: Some(at.account.clone()),
            region: Some(at.region.clone()),
            code: self.code.map(str::to_owned),
            message: "no".to_owned(),
            request_id: None,
        })
    }
}

/// How often a create makes a call that is always answered so, for each bucket that it is about, and what is said.
async fn created_against(call: &str, kind: Kind) -> (usize, String) {
    let cloud = FakeCloud::new();
    let (_, graph) = plan_create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let refusing = Refusing::new(&cloud, call, kind);
    let outcome = executor::run(&refusing, &DocumentLocks::default(), &no_stop(), &graph).await;
    let (_, error) = &outcome.failed[0];
    let asked = refusing.asked.into_inner();
    (asked / outcome.failed.len(), error.message.clone())
}

#[tokio::test(start_paused = true)]
async fn each_row_is_tried_again_for_its_time_and_says_what_was_waited_for() {
    for (call, kind, said) in [
        (
            "s3:CreateBucket",
            Kind::Conflict,
            "waited 1200 seconds for S3 to release the bucket's name; one that was deleted a short while ago can take an hour or more",
        ),
        (
            "s3:PutBucketEncryption",
            Kind::Conflict,
            "waited 120 seconds for another change of the same thing to end",
        ),
        (
            "s3:PutBucketPolicy",
            Kind::NotReady,
            "waited 120 seconds for AWS to see every principal that the policy names; one may not exist",
        ),
        (
            "kms:CreateKey",
            Kind::NotReady,
            "waited 120 seconds for AWS to see every principal that the policy names; one may not exist",
        ),
        (
            "s3:PutBucketVersioning",
            Kind::NotReady,
            "waited 120 seconds for AWS to see what was just made",
        ),
        (
            "s3:PutBucketVersioning",
            Kind::InvalidState,
            "waited 900 seconds for the bucket to be free for a change of versioning",
        ),
        (
            "s3:PutBucketVersioning",
            Kind::NotFound,
            "waited 120 seconds for AWS to see what was just made",
        ),
        (
            "iam:PutRolePolicy",
            Kind::Conflict,
            "waited 120 seconds for another change of the same thing to end",
        ),
        (
            "s3:PutBucketReplication",
            Kind::NotReady,
            "waited 180 seconds for versioning to show on both buckets",
        ),
        (
            "s3:PutBucketReplication",
            Kind::AccessDenied,
            "waited 30 seconds for the new role to be usable (or iam:PassRole is missing)",
        ),
    ] {
        let (asked, message) = created_against(call, kind).await;
        assert!(asked > 5, "{call} {kind:?} was asked {asked} times");
        assert!(message.contains(said), "{call} {kind:?}: {message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_whose_name_leads_elsewhere_is_waited_for_while_it_is_young() {
    let redirecting = |inner| Refusing {
        code: Some("PermanentRedirect"),
        ..Refusing::new(inner, "s3:PutBucketEncryption", Kind::Invalid)
    };
    let cloud = FakeCloud::new();
    let (_, graph) = plan_create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let young = redirecting(&cloud);
    let outcome = executor::run(&young, &DocumentLocks::default(), &no_stop(), &graph).await;
    let (_, error) = &outcome.failed[0];
    let said = "waited 120 seconds for AWS to see what was just made";
    assert!(error.message.contains(said), "{error}");

    let cloud = FakeCloud::new();
    let before = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let mut wanted = before.clone();
    backup(&mut wanted).bucket.encryption.bucket_key_enabled = false;
    let old = redirecting(&cloud);
    assert_eq!(
        try_update(&old, &before, &wanted).await.unwrap_err().len(),
        1
    );
    assert_eq!(old.asked.into_inner(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_there_already_is_written_again_for_the_same_time() {
    for (kind, said) in [
        (
            Kind::Conflict,
            "waited 120 seconds for another change of the same thing to end",
        ),
        (
            Kind::NotReady,
            "waited 120 seconds for AWS to see every principal that the policy names; one may not exist",
        ),
    ] {
        let cloud = FakeCloud::new();
        let before = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
        let mut wanted = before.clone();
        rule_of(backup(&mut wanted)).delete_marker_replication = true;
        let refusing = Refusing::new(&cloud, "s3:PutBucketPolicy", kind);
        let errors = try_update(&refusing, &before, &wanted).await.unwrap_err();
        assert!(
            errors[0].message.ends_with(&format!("({said})")),
            "{}",
            errors[0]
        );
        assert!(refusing.asked.into_inner() > 5, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_wait_helps_against_is_told_at_once() {
    for (call, kind) in [
        ("s3:CreateBucket", Kind::AlreadyExists),
        ("s3:CreateBucket", Kind::AccessDenied),
        ("s3:PutBucketPolicy", Kind::Invalid),
        ("s3:PutBucketPolicy", Kind::AccessDenied),
        ("kms:CreateKey", Kind::Invalid),
        ("kms:CreateKey", Kind::AccessDenied),
        ("iam:CreateRole", Kind::Invalid),
        ("iam:CreateRole", Kind::AlreadyExists),
        ("s3:PutBucketReplication", Kind::Invalid),
        ("s3:PutBucketReplication", Kind::Credentials),
        ("s3:PutBucketEncryption", Kind::InvalidState),
    ] {
        let (asked, message) = created_against(call, kind).await;
        assert_eq!((asked, message.as_str()), (1, "no"), "{call} {kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_not_new_is_not_waited_for() {
    let cloud = FakeCloud::new();
    create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    cloud
        .state()
        .buckets
        .get_mut("acme-archive")
        .unwrap()
        .replication = None;
    let (_, graph) = plan_create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    for kind in [Kind::AccessDenied, Kind::NotFound] {
        let refusing = Refusing::new(&cloud, "s3:PutBucketReplication", kind);
        let outcome = executor::run(&refusing, &DocumentLocks::default(), &no_stop(), &graph).await;
        assert_eq!(outcome.failed[0].1.message, "no");
        assert_eq!(refusing.asked.into_inner(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_was_just_deleted_is_waited_for() {
    let cloud = FakeCloud::with_delays(Delays {
        deleted_names: Duration::from_secs(600),
        ..Delays::default()
    });
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let made = picture(&cloud.state());
    assert!(destroy(&cloud, &spec).await.is_success());
    create(&cloud, &kms_abroad(), LATER).await.unwrap();
    assert_eq!(picture(&cloud.state()), made);
}

#[tokio::test(start_paused = true)]
async fn what_was_made_is_not_found_for_a_while_and_all_is_well() {
    let cloud = FakeCloud::with_delays(Delays {
        what_is_new: LATE,
        ..Delays::default()
    });
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    tokio::time::sleep(LATE).await;
    assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
    assert_eq!(cloud.state().overlaps, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_was_made_and_shows_late_is_not_taken_for_somebody_elses() {
    for at in 1.. {
        let cloud = FakeCloud::with_delays(Delays {
            what_is_new: LATE,
            lists_of_keys: LATE,
            ..Delays::default()
        });
        let faulty = FaultyCloud::new(&cloud, at, Fault::AnswerLost);
        create(&faulty, &kms_abroad(), FIRST).await.unwrap();
        assert_eq!(keys(&cloud.state()), (2, 0), "write {at}");
        if !faulty.has_struck() {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_waits_for_what_does_not_show_yet() {
    for at in 1..8 {
        let cloud = FakeCloud::with_delays(Delays {
            what_is_new: LATE,
            ..Delays::default()
        });
        let faulty = FaultyCloud::new(&cloud, at, Fault::Refused(Kind::AccessDenied));
        let Err(Failed::Undone { undo, .. }) = create(&faulty, &kms_abroad(), FIRST).await else {
            panic!("write {at} should have failed");
        };
        assert!(undo.is_success(), "write {at}: {undo:?}");
        assert_eq!(picture(&cloud.state()), "", "write {at}");
        assert_eq!(keys(&cloud.state()).0, 0, "write {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_whose_policies_seem_to_be_there_still_is_deleted() {
    let cloud = FakeCloud::with_delays(Delays {
        role_policies: LATE,
        ..Delays::default()
    });
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    assert!(destroy(&cloud, &spec).await.is_success());
    assert_eq!(picture(&cloud.state()), "");
}

#[tokio::test(start_paused = true)]
async fn rules_are_waited_for_until_they_show_and_until_they_are_gone() {
    let cloud = FakeCloud::with_delays(Delays {
        rules: LATE,
        ..Delays::default()
    });
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
    let writes = cloud.state().writes.len();
    assert!(destroy(&cloud, &spec).await.is_success());
    assert_eq!(picture(&cloud.state()), "");
    let first = &cloud.state().writes[writes];
    assert_eq!(first, "DeleteBucketReplication acme-archive");
}

#[tokio::test(start_paused = true)]
async fn the_old_rules_keep_their_role_and_grants_until_the_new_ones_show() {
    let cloud = FakeCloud::with_delays(Delays {
        rules: LATE,
        ..Delays::default()
    });
    let prior = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let mut wanted = prior.clone();
    wanted.role.name = "another-role".to_owned();
    let spec = update(&cloud, &prior, &wanted).await;
    assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
    assert_eq!(cloud.state().ungranted, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn rules_that_leave_somebody_elses_configuration_are_taken_out_once_and_waited_for() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    {
        let mut state = cloud.state();
        state.delays.rules = Duration::from_secs(300);
        let source = state.buckets.get_mut("acme-archive").unwrap();
        source.replication_before = None;
    }
    let desired = desire(&spec, Some(&spec), LATER);
    let side = Side::Source;
    let mut graph = StepGraph::default();
    graph.push(
        ComponentId::Of(side.clone(), Part::Replication),
        spec.source.location.clone(),
        Action::EditBucketReplication {
            bucket: spec.source.name.to_string(),
            share: desired.directions[&side].replication.withdrawn(),
        },
        [],
    );
    cloud.state().writes.clear();
    let outcome = executor::run(&cloud, &DocumentLocks::default(), &no_stop(), &graph).await;
    assert!(outcome.is_success(), "{outcome:?}");
    let writes = cloud.state().writes.clone();
    assert_eq!(writes, ["DeleteBucketReplication acme-archive"]);
}

/// Edits the policy of the destination's bucket for an owner, in a process that has these locks.
async fn grant(cloud: &FakeCloud, locks: &DocumentLocks, owner: &str, fresh: bool) {
    let spec = kms_abroad();
    let (side, bucket) = (
        Side::Destination("backup".to_owned()),
        &spec.destinations["backup"].bucket,
    );
    let (sid, resource) = (sid("Bucket", owner, None), format!("{}/*", bucket.arn()));
    let ours = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"{sid}","Effect":"Allow",
        "Principal":{{"AWS":"arn:aws:iam::222222222222:root"}},"Action":"s3:GetObject","Resource":"{resource}"}}]}}"#
    );
    let share = PolicyShare {
        ours: PolicyDocument::parse(&ours).unwrap().statements,
        ..PolicyShare::nothing_of(owner)
    };
    let mut graph = StepGraph::default();
    graph.push(
        ComponentId::Of(side, Part::BucketPolicy),
        bucket.location.clone(),
        Action::EditBucketPolicy {
            bucket: bucket.name.to_string(),
            edit: PolicyEdit {
                share,
                fresh,
                rewrite: false,
            },
        },
        [],
    );
    let outcome = executor::run(cloud, locks, &no_stop(), &graph).await;
    assert!(outcome.is_success(), "{outcome:?}");
}

/// A new bucket without a policy, whose policies show late.
async fn with_late_policies() -> FakeCloud {
    let cloud = FakeCloud::new();
    create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    {
        let mut state = cloud.state();
        let backup = state.buckets.get_mut("acme-archive-backup").unwrap();
        backup.policy = None;
        backup.policy_before = None;
        state.is_unaudited = true;
        state.delays.policies = LATE;
    }
    cloud
}

fn statements(cloud: &FakeCloud) -> usize {
    let policy = cloud.state().buckets["acme-archive-backup"].policy.clone();
    policy.map_or(0, |policy| policy.statements.len())
}

#[tokio::test(start_paused = true)]
async fn an_edit_waits_until_what_the_edit_before_has_written_shows() {
    let cloud = with_late_policies().await;
    let locks = DocumentLocks::default();
    grant(&cloud, &locks, "111111111111/first", true).await;
    grant(&cloud, &locks, "111111111111/second", false).await;
    assert_eq!(statements(&cloud), 2);
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_before_that_goes_on_showing_is_taken_for_somebody_elses_doing() {
    let cloud = with_late_policies().await;
    let locks = DocumentLocks::default();
    grant(&cloud, &locks, "111111111111/first", true).await;
    let taken_out = |cloud: &FakeCloud| {
        let mut state = cloud.state();
        let backup = state.buckets.get_mut("acme-archive-backup").unwrap();
        backup.policy = None;
        backup.policy_before = None;
    };
    taken_out(&cloud);
    let since = tokio::time::Instant::now();
    grant(&cloud, &locks, "111111111111/second", false).await;
    assert!(since.elapsed() < Duration::from_secs(120));
    assert_eq!(statements(&cloud), 1);
}
