//! Backfills: one request is one job, the role goes when the job is over, and whatever happens between, the next run
//! finds what is left. Every fault at every call stands in [`faults`].

mod faults;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use terraform_provider_replicated::execution::DocumentLocks;
use terraform_provider_replicated::execution::backfill::{
    BackfillError, End, Ended, Surroundings, Told, run,
};
use terraform_provider_replicated::execution::cloud::{CallErrorKind, Cloud};
use terraform_provider_replicated::replication::backfill::Backfill;
use terraform_provider_replicated::replication::backfill::report::Failed;
use terraform_provider_replicated::replication::operation::permissions::{PERMISSIONS, When};
use terraform_provider_replicated::replication::operation::{
    BatchJobFailureKind, BatchJobFilter, BatchJobReport, BatchJobStatus, RoleDescription, Tags,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fake::{Delays, FakeCloud, HOME};
use crate::faulty::{Fault, FaultyCloud};
use crate::scenario::{FIRST, create, location, plain_at_home};

const ROLE: &str = "backfill-acme-plain";
const BOUNDARY: &str = "arn:aws:iam::111111111111:policy/Boundary";
const REPORTS: &str = "acme-plain-backup";

/// What a run was told to do.
struct Asked {
    stop: CancellationToken,
    detach: bool,
    rules_are_new: bool,
    told: Mutex<Vec<Told>>,
}

impl Asked {
    fn new() -> Self {
        Self {
            stop: CancellationToken::new(),
            detach: false,
            rules_are_new: false,
            told: Mutex::default(),
        }
    }

    async fn run(&self, cloud: &dyn Cloud, backfill: &Backfill) -> Ended {
        let around = Surroundings {
            cloud,
            locks: &DocumentLocks::default(),
            stop: &self.stop,
            detach: self.detach,
            rules_are_new: self.rules_are_new,
            now: FIRST,
            tell: &|told| self.told.lock().unwrap().push(told),
        };
        run(backfill, &around).await
    }

    fn lines(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let lines = told.iter().map(|told| match told {
            Told::Line(line) | Told::Progress { line, .. } => line.clone(),
        });
        lines.collect()
    }
}

fn asked() -> Backfill {
    Backfill {
        bucket: plain_at_home().source.name,
        at: plain_at_home().source.location,
        filter: BatchJobFilter {
            replication_statuses: BTreeSet::from(["NONE".to_owned()]),
            ..BatchJobFilter::default()
        },
        role_arn: None,
        priority: 10,
        report: None,
        tags: Tags::from([("team".to_owned(), "archive".to_owned())]),
        permissions_boundary: None,
    }
}

/// A setup whose source has so many objects of before.
async fn holding(objects: u64) -> FakeCloud {
    holding_with(objects, Delays::default()).await
}

async fn holding_with(objects: u64, delays: Delays) -> FakeCloud {
    let cloud = FakeCloud::with_delays(delays);
    create(&cloud, &plain_at_home(), FIRST).await.unwrap();
    cloud.state().jobs.objects = objects;
    cloud.state().writes.clear();
    cloud
}

async fn backfilled(cloud: &dyn Cloud, backfill: &Backfill) -> Ended {
    Asked::new().run(cloud, backfill).await
}

fn has_role(cloud: &FakeCloud) -> bool {
    let id = (HOME.to_owned(), ROLE.to_owned());
    cloud.state().roles.contains_key(&id)
}

/// Runs a backfill until somebody kills it at a write.
async fn killed_at(cloud: &FakeCloud, write: usize, request: &Backfill) {
    let faulty = FaultyCloud::new(cloud, write, Fault::Killed);
    tokio::select! {
        () = faulty.died.notified() => {}
        ended = backfilled(&faulty, request) => panic!("{ended:?}"),
    }
}

/// The role of backfills, as it is and to be changed by hand.
fn role(cloud: &FakeCloud, change: impl FnOnce(&mut RoleDescription)) -> RoleDescription {
    let id = (HOME.to_owned(), ROLE.to_owned());
    let mut state = cloud.state();
    let role = state.roles.get_mut(&id).unwrap();
    change(&mut role.description);
    role.description.clone()
}

fn jobs(cloud: &FakeCloud) -> usize {
    cloud.state().jobs.made.len()
}

/// Moves the bucket for reports to the source's region, where it has to be.
fn make_reports(cloud: &FakeCloud) {
    let mut state = cloud.state();
    let bucket = state.buckets.get_mut(REPORTS).unwrap();
    bucket.region = asked().at.region.to_string();
}

#[track_caller]
fn completed(ended: &Ended, succeeded: u64) {
    let Ok(End::Complete(job, None)) = &ended.end else {
        panic!("{ended:?}");
    };
    assert_eq!((job.succeeded, job.failed), (succeeded, 0));
    assert_eq!(ended.role_left, None);
}

#[tokio::test(start_paused = true)]
async fn a_backfill_makes_its_role_follows_its_job_and_removes_the_role() {
    let cloud = holding(10_000).await;
    let asked_for = Asked::new();
    let ended = asked_for.run(&cloud, &asked()).await;
    completed(&ended, 10_000);
    assert_eq!(
        cloud.state().writes,
        [
            format!("CreateRole {ROLE}"),
            format!("PutRolePolicy {ROLE}"),
            "CreateJob acme-plain".to_owned(),
            format!("DeleteRolePolicy {ROLE}"),
            format!("DeleteRole {ROLE}"),
        ]
    );
    let lines = asked_for.lines();
    assert_eq!(lines.first().unwrap(), &format!("Creating role {ROLE}."));
    assert_eq!(lines.last().unwrap(), &format!("Removing role {ROLE}."));
    let is_told = |status: BatchJobStatus| lines.iter().any(|line| line.starts_with(status.word()));
    assert!(
        is_told(BatchJobStatus::New) && is_told(BatchJobStatus::Active),
        "{lines:?}"
    );
    let with_pace = lines
        .iter()
        .filter(|line| line.contains(" a second, about "))
        .count();
    assert!(with_pace > 1, "{lines:?}");
    for pair in lines.windows(2) {
        assert_ne!(pair[0], pair[1], "a line stands twice");
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_left_a_backfill_succeeds_and_so_it_does_again() {
    let cloud = holding(0).await;
    for _ in 0..2 {
        let ended = backfilled(&cloud, &asked()).await;
        assert!(matches!(ended.end, Ok(End::NothingToDo(_))), "{ended:?}");
        assert!(!has_role(&cloud));
    }
    assert_eq!(jobs(&cloud), 2, "the second one is a job of its own");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_given_is_used_and_left_as_it_is() {
    let cloud = holding(10).await;
    // Of an earlier run that was killed; whoever gives a role has one like it.
    killed_at(&cloud, 3, &asked()).await;
    cloud.state().writes.clear();
    let arn = format!("arn:aws:iam::{HOME}:role/{ROLE}");
    let given = Backfill {
        role_arn: Some(arn),
        ..asked()
    };
    completed(&backfilled(&cloud, &given).await, 10);
    assert_eq!(cloud.state().writes, ["CreateJob acme-plain"]);
    assert!(has_role(&cloud));
}

#[tokio::test(start_paused = true)]
async fn a_role_of_that_name_that_is_not_ours_is_left_alone() {
    let cloud = holding(10).await;
    backfilled(
        &FaultyCloud::new(&cloud, 5, Fault::Refused(CallErrorKind::Invalid)),
        &asked(),
    )
    .await;
    role(&cloud, |role| role.tags.clear());
    cloud.state().writes.clear();
    let ended = backfilled(&cloud, &asked()).await;
    assert!(
        matches!(ended.end, Err(BackfillError::RoleTaken(_))),
        "{ended:?}"
    );
    assert!(cloud.state().writes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_made_has_the_tags_and_the_boundary_that_the_organisation_asks_for() {
    let cloud = holding(10).await;
    cloud.state().requires_boundaries = true;
    let refused = backfilled(&cloud, &asked()).await;
    assert!(
        matches!(&refused.end, Err(BackfillError::Call(error)) if error.kind == CallErrorKind::AccessDenied),
        "{refused:?}"
    );
    let bounded = Backfill {
        permissions_boundary: Some(BOUNDARY.to_owned()),
        ..asked()
    };
    killed_at(&cloud, 3, &bounded).await;
    let made = role(&cloud, |_| {});
    assert_eq!(made.permissions_boundary.as_deref(), Some(BOUNDARY));
    assert_eq!(made.tags["team"], "archive");
    assert!(bounded.owns_role(&made.tags), "{:?}", made.tags);
    completed(&backfilled(&cloud, &bounded).await, 10);
    assert!(!has_role(&cloud));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_taken_up_gets_back_the_trust_and_the_boundary_that_it_lacks() {
    let bounded = Backfill {
        permissions_boundary: Some(BOUNDARY.to_owned()),
        ..asked()
    };
    for (request, somebodys, expected) in [
        (asked(), None, &["UpdateAssumeRolePolicy"][..]),
        (
            bounded,
            None,
            &["UpdateAssumeRolePolicy", "PutRolePermissionsBoundary"],
        ),
        // One that an organisation put on it stays.
        (asked(), Some(BOUNDARY), &["UpdateAssumeRolePolicy"]),
    ] {
        let cloud = holding(10).await;
        killed_at(&cloud, 3, &asked()).await;
        role(&cloud, |role| {
            role.trust_policy = role.trust_policy.replace("batchoperations.s3", "s3");
            role.permissions_boundary = somebodys.map(str::to_owned);
        });
        cloud.state().writes.clear();
        completed(&backfilled(&cloud, &request).await, 10);
        let expected: Vec<_> = expected
            .iter()
            .map(|call| format!("{call} {ROLE}"))
            .collect();
        let writes = cloud.state().writes.clone();
        assert_eq!(writes[..expected.len()], expected);
        assert_eq!(writes[expected.len()], format!("PutRolePolicy {ROLE}"));
        assert_eq!(jobs(&cloud), 1, "the trust is mended before there is a job");
    }
    let cloud = holding(10).await;
    killed_at(&cloud, 3, &asked()).await;
    cloud.state().writes.clear();
    completed(&backfilled(&cloud, &asked()).await, 10);
    assert_eq!(cloud.state().writes[0], format!("PutRolePolicy {ROLE}"));
}

#[tokio::test(start_paused = true)]
async fn a_young_role_is_waited_for_and_its_job_is_begun_again() {
    let slow = Duration::from_secs(25);
    for delays in [
        Delays {
            principals: slow,
            ..Delays::default()
        },
        Delays {
            what_is_new: slow,
            ..Delays::default()
        },
    ] {
        let cloud = holding(10).await;
        cloud.state().delays = delays;
        completed(&backfilled(&cloud, &asked()).await, 10);
        assert!(!has_role(&cloud));
        assert!(jobs(&cloud) <= 3, "{} jobs", jobs(&cloud));
    }
    // One that stays unusable is told after a while.
    let cloud = holding(10).await;
    cloud.state().delays.principals = Duration::from_secs(3600);
    let ended = backfilled(&cloud, &asked()).await;
    assert!(matches!(ended.end, Ok(End::Failed(..))), "{ended:?}");
    assert!(
        !has_role(&cloud) && jobs(&cloud) <= 5,
        "{} jobs",
        jobs(&cloud)
    );
}

#[tokio::test(start_paused = true)]
async fn failures_are_told_by_reason_where_there_is_a_report() {
    let failing = [("DstBucketUnversioned", 3), ("SrcObjectNotEligible", 1)];
    let failing: BTreeMap<String, u64> = failing.map(|(reason, n)| (reason.to_owned(), n)).into();
    let cloud = holding(10).await;
    cloud.state().jobs.failing = failing;
    let ended = backfilled(&cloud, &asked()).await;
    assert!(matches!(ended.end, Ok(End::Complete(job, None)) if job.failed == 4));
    let mut reporting = asked();
    reporting.report = Some(BatchJobReport {
        bucket: REPORTS.to_owned(),
        prefix: "reports/".to_owned(),
    });
    make_reports(&cloud);
    let ended = backfilled(&cloud, &reporting).await;
    let Ok(End::Complete(_, Some(Ok(failures)))) = ended.end else {
        panic!("{ended:?}");
    };
    let expected = |count, example: &str| Failed {
        count,
        example: example.to_owned(),
    };
    assert_eq!(
        failures.0["DstBucketUnversioned"],
        expected(3, "DstBucketUnversioned-0")
    );
    assert_eq!(
        failures.0["SrcObjectNotEligible"],
        expected(1, "SrcObjectNotEligible-0")
    );
    assert!(!has_role(&cloud));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_as_a_whole_is_told_and_its_role_removed() {
    let cloud = holding(10).await;
    cloud.state().jobs.broken = Some(("Strange".to_owned(), "Something broke".to_owned()));
    let ended = backfilled(&cloud, &asked()).await;
    assert!(
        matches!(&ended.end, Ok(End::Failed(job, None)) if job.failures[0].code == "Strange"),
        "{ended:?}"
    );
    assert!(!has_role(&cloud) && jobs(&cloud) == 1);
}

/// Runs a backfill that is interrupted after a while.
async fn interrupted(cloud: &dyn Cloud, after: u64, detach: bool) -> Ended {
    let asked_for = Asked {
        detach,
        ..Asked::new()
    };
    let interrupt = async {
        tokio::time::sleep(Duration::from_secs(after)).await;
        asked_for.stop.cancel();
        std::future::pending().await
    };
    let backfill = asked();
    tokio::select! {
        ended = asked_for.run(cloud, &backfill) => ended,
        () = interrupt => unreachable!("it never ends"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_cancels_the_job_and_removes_the_role() {
    for after in [0, 5, 60, 134] {
        let cloud = holding(10).await;
        cloud.state().jobs.endless = after < 100;
        let ended = interrupted(&cloud, after, false).await;
        match (after, &ended.end) {
            (0, Ok(End::NotStarted | End::Cancelled(..))) => {}
            (134, Ok(End::Cancelled(..) | End::Complete(..))) => {}
            (5 | 60, Ok(End::Cancelled(..))) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(ended.role_left, None);
        assert!(!has_role(&cloud), "after {after} seconds");
        let state = cloud.state();
        assert!(state.jobs.made.iter().all(|job| job.lost_role.is_none()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_detached_job_goes_on_and_the_next_run_goes_on_with_it() {
    let cloud = holding(10).await;
    let ended = interrupted(&cloud, 60, true).await;
    assert!(matches!(ended.end, Ok(End::Detached(_))), "{ended:?}");
    assert!(ended.role_left.is_some() && has_role(&cloud));
    // Another request has to wait.
    let mut other = asked();
    other.filter.created_after = Some(1);
    let refused = backfilled(&cloud, &other).await;
    assert!(
        matches!(refused.end, Err(BackfillError::Another(_))),
        "{refused:?}"
    );
    assert!(has_role(&cloud));
    completed(&backfilled(&cloud, &asked()).await, 10);
    assert!(!has_role(&cloud) && jobs(&cloud) == 1);
}

#[tokio::test(start_paused = true)]
async fn two_runs_of_one_request_share_its_job() {
    let cloud = holding(10).await;
    let (request, again) = (asked(), asked());
    let (one, other) = tokio::join!(backfilled(&cloud, &request), async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        backfilled(&cloud, &again).await
    });
    completed(&one, 10);
    completed(&other, 10);
    assert!(!has_role(&cloud) && jobs(&cloud) == 1);
}

#[tokio::test(start_paused = true)]
async fn a_role_by_which_another_run_has_begun_a_job_is_left_to_that_run() {
    for second in 1..20 {
        let cloud = holding(10).await;
        let (request, mut other) = (asked(), asked());
        other.filter.created_after = Some(1);
        let later = async {
            tokio::time::sleep(Duration::from_secs(second)).await;
            backfilled(&cloud, &request).await
        };
        let another = async {
            loop {
                tokio::time::sleep(Duration::from_millis(300)).await;
                let ended = backfilled(&cloud, &other).await;
                if !matches!(ended.end, Err(BackfillError::Another(_))) {
                    return ended;
                }
            }
        };
        let (one, two, three) = tokio::join!(backfilled(&cloud, &request), later, another);
        for ended in [one, two, three] {
            let is_fine = matches!(
                ended.end,
                Ok(End::Complete(..) | End::NothingToDo(_)) | Err(BackfillError::Another(_))
            );
            assert!(is_fine && ended.role_left.is_none(), "{second}: {ended:?}");
        }
        assert!(!has_role(&cloud), "{second}");
    }
}

#[tokio::test(start_paused = true)]
async fn rules_that_show_late_are_waited_for_however_that_shows() {
    for (late, seconds, least, most) in [
        (None, 60, 1, 1),
        (Some(BatchJobFailureKind::RulesNotSeen), 60, 2, 3),
        (Some(BatchJobFailureKind::NothingFound), 15, 2, 2),
    ] {
        let cloud = holding(10).await;
        let until = Instant::now() + Duration::from_secs(seconds);
        cloud.state().jobs.late_rules = Some((until, late));
        let asked_for = Asked {
            rules_are_new: true,
            ..Asked::new()
        };
        completed(&asked_for.run(&cloud, &asked()).await, 10);
        let made = jobs(&cloud);
        assert!((least..=most).contains(&made), "{late:?}: {made} jobs");
        assert!(!has_role(&cloud));
    }
}

#[tokio::test(start_paused = true)]
async fn rules_that_never_show_are_told_after_a_while() {
    let year = Duration::from_secs(365 * 86_400);
    let (failing, unmatched) = (
        BatchJobFailureKind::RulesNotSeen,
        BatchJobFailureKind::NothingFound,
    );
    for late in [None, Some(failing), Some(unmatched)] {
        let cloud = holding(10).await;
        cloud.state().jobs.late_rules = Some((Instant::now() + year, late));
        let began = Instant::now();
        let asked_for = Asked {
            rules_are_new: true,
            ..Asked::new()
        };
        let ended = asked_for.run(&cloud, &asked()).await;
        match (late, &ended.end) {
            (None, Err(BackfillError::Call(error))) => {
                let waited = "waited 120 seconds for the rules of the source to show";
                assert!(error.message.contains(waited), "{error}");
            }
            (Some(BatchJobFailureKind::RulesNotSeen), Ok(End::Failed(..))) => {
                assert_eq!(jobs(&cloud), 4)
            }
            (Some(BatchJobFailureKind::NothingFound), Ok(End::NothingToDo(_))) => {
                assert_eq!(jobs(&cloud), 2)
            }
            other => panic!("{other:?}"),
        }
        assert!(began.elapsed() < Duration::from_secs(300), "{late:?}");
        assert!(!has_role(&cloud));
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_without_rules_has_no_job() {
    let cloud = holding(10).await;
    cloud
        .state()
        .buckets
        .get_mut("acme-plain")
        .unwrap()
        .replication = None;
    let ended = backfilled(&cloud, &asked()).await;
    assert!(
        matches!(ended.end, Err(BackfillError::Call(_))),
        "{ended:?}"
    );
    assert!(!has_role(&cloud));
    assert_eq!(asked().at, location(HOME, asked().at.region.as_str()));
}

#[tokio::test(start_paused = true)]
async fn every_write_of_a_backfill_has_its_row_among_the_permissions() {
    let cloud = holding(10).await;
    cloud.state().jobs.endless = true;
    let _cancelled = interrupted(&cloud, 60, false).await;
    let bounded = Backfill {
        permissions_boundary: Some(BOUNDARY.to_owned()),
        ..asked()
    };
    cloud.state().jobs.endless = false;
    killed_at(&cloud, 3, &asked()).await;
    role(&cloud, |role| role.trust_policy.clear());
    completed(&backfilled(&cloud, &bounded).await, 10);
    let writes = cloud.state().writes.clone();
    let rows = PERMISSIONS.iter().filter(|row| {
        let ours = When::BackfilledByOurRole;
        row.when == When::Backfilled
            || row.when == ours
            || row.when == When::BackfilledByBoundedRole
    });
    let calls: BTreeSet<&str> = rows.filter_map(|row| row.call.split(':').nth(1)).collect();
    let made: BTreeSet<&str> = writes
        .iter()
        .filter_map(|write| write.split(' ').next())
        .collect();
    assert!(made.is_subset(&calls), "{made:?} and {calls:?}");
    assert!(
        made.contains("UpdateJobStatus") && made.contains("PutRolePermissionsBoundary"),
        "{made:?}"
    );
}
