//! Every fault at every call of a backfill, questions included.

use terraform_provider_replicated::execution::backfill::{BackfillError, End, Ended};
use terraform_provider_replicated::execution::cloud::{CallErrorKind, Cloud as _};
use terraform_provider_replicated::replication::backfill::Backfill;
use terraform_provider_replicated::replication::operation::{
    Answer, BatchJobReport, BatchJobStatus, Query,
};

use super::{asked, backfilled, completed, has_role, holding, interrupted, jobs, make_reports};
use crate::fake::FakeCloud;
use crate::faulty::{Fault, FaultyCloud};

const FAULTS: [Fault; 7] = [
    Fault::Refused(CallErrorKind::Invalid),
    Fault::Refused(CallErrorKind::AccessDenied),
    Fault::Refused(CallErrorKind::Throttled),
    Fault::Refused(CallErrorKind::Transport),
    Fault::Refused(CallErrorKind::Conflict),
    Fault::AnswerLost,
    Fault::Misanswered,
];

/// A copy of a cloud, which costs less than to make another.
fn copy(cloud: &FakeCloud) -> FakeCloud {
    FakeCloud::holding(cloud.state().clone())
}

/// Where every job stands.
async fn statuses(cloud: &FakeCloud) -> Vec<BatchJobStatus> {
    match cloud.query(&asked().at, &Query::ListJobs).await {
        Ok(Answer::BatchJobs(jobs)) => jobs.iter().map(|job| job.status).collect(),
        other => panic!("{other:?}"),
    }
}

/// Whether what a run said of its job and its role is so.
async fn holds(cloud: &FakeCloud, ended: &Ended, at: &str) {
    let made: Vec<String> = {
        let state = cloud.state();
        let lost = state.jobs.made.iter().find(|job| job.lost_role.is_some());
        assert!(lost.is_none(), "{at}: {lost:?}");
        state.jobs.made.iter().map(|job| job.id.clone()).collect()
    };
    assert_eq!(
        ended.role_left.is_some(),
        has_role(cloud),
        "{at}: {ended:?}"
    );
    let statuses = statuses(cloud).await;
    match &ended.end {
        Ok(End::Complete(..) | End::Cancelled(..)) => {
            assert!(statuses.iter().all(|status| status.is_final()), "{at}");
        }
        Ok(End::NotStarted) | Err(BackfillError::Call(_)) => {
            assert!(made.is_empty(), "{at}: {ended:?}");
        }
        Err(BackfillError::Unheard(job, _)) => {
            assert_eq!(std::slice::from_ref(job), made, "{at}");
            assert!(has_role(cloud), "{at}");
        }
        other => panic!("{at}: {other:?}"),
    }
}

/// Runs the same again, which finishes what is left.
async fn finished(cloud: &FakeCloud, at: &str) {
    let statuses = statuses(cloud).await.into_iter();
    let is_over =
        |status: &BatchJobStatus| status.is_final() || *status == BatchJobStatus::Cancelling;
    let over = statuses.filter(is_over).count();
    completed(&backfilled(cloud, &asked()).await, 10);
    assert!(!has_role(cloud), "{at}");
    assert_eq!(jobs(cloud), over + 1, "{at}");
}

#[tokio::test(start_paused = true)]
async fn whichever_call_fails_the_job_is_followed_or_named_and_the_next_run_finishes_it() {
    let whole = holding(10).await;
    for fault in FAULTS {
        let mut unheard = 0;
        for at in 1.. {
            let cloud = copy(&whole);
            let faulty = FaultyCloud::at_any_call(&cloud, at, fault);
            let ended = backfilled(&faulty, &asked()).await;
            let place = format!("{fault:?} at call {at}");
            if !faulty.has_struck() {
                assert!(at > 10, "{place}");
                break;
            }
            holds(&cloud, &ended, &place).await;
            unheard += usize::from(matches!(ended.end, Err(BackfillError::Unheard(..))));
            finished(&cloud, &place).await;
        }
        let passes = [
            Fault::Refused(CallErrorKind::Throttled),
            Fault::Refused(CallErrorKind::Transport),
            Fault::Refused(CallErrorKind::Conflict),
            Fault::AnswerLost,
        ];
        assert_eq!(
            unheard > 3,
            !passes.contains(&fault),
            "{fault:?}: {unheard}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_call_fails_around_an_interrupt_the_role_stays_as_long_as_the_job_does() {
    let whole = holding(10).await;
    for fault in FAULTS {
        for at in 1.. {
            let cloud = copy(&whole);
            let faulty = FaultyCloud::at_any_call(&cloud, at, fault);
            let ended = interrupted(&faulty, 60, false).await;
            let place = format!("{fault:?} at call {at}");
            if !faulty.has_struck() {
                assert!(at > 10, "{place}");
                break;
            }
            holds(&cloud, &ended, &place).await;
            finished(&cloud, &place).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_that_cannot_be_read_is_told_and_the_role_goes_all_the_same() {
    let whole = holding(10).await;
    make_reports(&whole);
    whole.state().jobs.failing = [("DstBucketUnversioned".to_owned(), 3)].into();
    for fault in [
        Fault::Refused(CallErrorKind::AccessDenied),
        Fault::Misanswered,
    ] {
        let mut unread = 0;
        for at in 1.. {
            let cloud = copy(&whole);
            let reporting = Backfill {
                report: Some(BatchJobReport {
                    bucket: super::REPORTS.to_owned(),
                    prefix: "reports/".to_owned(),
                }),
                ..asked()
            };
            let faulty = FaultyCloud::at_any_call(&cloud, at, fault);
            let ended = backfilled(&faulty, &reporting).await;
            if !faulty.has_struck() {
                break;
            }
            if matches!(ended.end, Ok(End::Complete(_, Some(Err(_))))) {
                unread += 1;
                assert!(!has_role(&cloud), "{fault:?} at call {at}");
            }
        }
        assert_eq!(unread, 2, "{fault:?}: the manifest and its file");
    }
}

#[tokio::test(start_paused = true)]
async fn a_backfill_that_loses_any_answer_ends_as_if_nothing_had_happened() {
    let whole = holding(10).await;
    for fault in [Fault::AnswerLost, Fault::Refused(CallErrorKind::Conflict)] {
        for at in 1.. {
            let cloud = copy(&whole);
            let faulty = FaultyCloud::new(&cloud, at, fault);
            completed(&backfilled(&faulty, &asked()).await, 10);
            assert!(
                !has_role(&cloud) && jobs(&cloud) == 1,
                "{fault:?} at write {at}"
            );
            if !faulty.has_struck() {
                assert!(at > 5);
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_backfill_that_is_killed_anywhere_is_finished_by_the_next() {
    let whole = holding(10).await;
    for fault in [Fault::Killed, Fault::KilledAfter] {
        for at in 1.. {
            let cloud = copy(&whole);
            let faulty = FaultyCloud::at_any_call(&cloud, at, fault);
            let request = asked();
            tokio::select! {
                () = faulty.died.notified() => {}
                ended = backfilled(&faulty, &request) => {
                    completed(&ended, 10);
                    assert!(at > 10);
                    break;
                }
            }
            finished(&cloud, &format!("{fault:?} at call {at}")).await;
        }
    }
}
