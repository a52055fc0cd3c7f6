//! Every write of a run fails, loses its answer, or is the last that the process does.

use std::time::Duration;

use terraform_provider_replicated::execution::cloud::CallErrorKind;
use terraform_provider_replicated::replication::spec::Spec;

use crate::fake::FakeCloud;
use crate::faulty::{Fault, FaultyCloud};
use crate::picture::{keys, picture};
use crate::scenario::{
    FIRST, Failed, LATER, backup, bucket, create, destination, destroy, drift_words, kms_abroad,
    location, plain_at_home, rule_of, try_update, turn_one_way, turn_two_way, two_way_abroad,
    with_key,
};

const REFUSED: Fault = Fault::Refused(CallErrorKind::Invalid);

/// The state of a cloud in which a spec was created without any fault.
async fn undisturbed(wanted: &Spec) -> String {
    let cloud = FakeCloud::new();
    create(&cloud, wanted, FIRST).await.unwrap();
    picture(&cloud.state())
}

fn owned_keys(spec: &Spec) -> usize {
    spec.buckets()
        .filter(|(_, b)| b.owned_key().is_some())
        .count()
}

/// Runs `work` against a cloud that dies at the `at`-th write. Whether it died.
async fn dies<T>(faulty: &FaultyCloud<'_>, work: impl Future<Output = T>) -> bool {
    tokio::select! {
        biased;
        () = faulty.died.notified() => true,
        _ = work => false,
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_fails_anywhere_leaves_nothing() {
    for wanted in [kms_abroad(), two_way_abroad(), plain_at_home()] {
        for at in 1.. {
            let cloud = FakeCloud::new();
            let faulty = FaultyCloud::new(&cloud, at, REFUSED);
            let result = create(&faulty, &wanted, FIRST).await;
            if !faulty.has_struck() {
                assert!(result.is_ok() && at > 9);
                break;
            }
            let Err(Failed::Undone { errors, undo }) = result else {
                panic!("the create went on after write {at} had failed");
            };
            assert_eq!(errors.len(), 1);
            assert!(undo.is_success(), "{undo:?}");
            assert_eq!(picture(&cloud.state()), "", "after write {at}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_loses_any_answer_ends_as_if_nothing_had_happened() {
    for wanted in [kms_abroad(), two_way_abroad(), plain_at_home()] {
        let expected = undisturbed(&wanted).await;
        for at in 1.. {
            let cloud = FakeCloud::new();
            let faulty = FaultyCloud::new(&cloud, at, Fault::AnswerLost);
            create(&faulty, &wanted, FIRST).await.unwrap();
            assert_eq!(picture(&cloud.state()), expected, "write {at}");
            assert_eq!(keys(&cloud.state()), (owned_keys(&wanted), 0), "write {at}");
            if !faulty.has_struck() {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_killed_anywhere_is_finished_by_the_next() {
    for wanted in [kms_abroad(), two_way_abroad(), plain_at_home()] {
        let expected = undisturbed(&wanted).await;
        for fault in [Fault::Killed, Fault::KilledAfter] {
            for at in 1.. {
                let cloud = FakeCloud::new();
                let faulty = FaultyCloud::new(&cloud, at, fault);
                let died = dies(&faulty, create(&faulty, &wanted, FIRST)).await;
                let spec = create(&cloud, &wanted, LATER).await;
                if !died {
                    break;
                }
                let spec = spec.unwrap();
                assert_eq!(picture(&cloud.state()), expected, "{fault:?} at write {at}");
                assert_eq!(
                    keys(&cloud.state()),
                    (owned_keys(&wanted), 0),
                    "{fault:?} at {at}"
                );
                assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_killed_and_then_fails_anywhere_can_still_be_finished() {
    let wanted = kms_abroad();
    let expected = undisturbed(&wanted).await;
    for (killed_at, failed_at) in (1..20).flat_map(|a| (1..20).map(move |b| (a, b))) {
        let cloud = FakeCloud::new();
        let faulty = FaultyCloud::new(&cloud, killed_at, Fault::KilledAfter);
        dies(&faulty, create(&faulty, &wanted, FIRST)).await;
        let faulty = FaultyCloud::new(&cloud, failed_at, REFUSED);
        // What it leaves is what the killed run had made; a live key never loses its bucket or the other way.
        let _undone = create(&faulty, &wanted, LATER).await;
        let again = "2026-11-21T09:30:00Z";
        create(&cloud, &wanted, again).await.unwrap();
        let context = format!("killed at {killed_at}, failed at {failed_at}");
        assert_eq!(picture(&cloud.state()), expected, "{context}");
        assert_eq!(keys(&cloud.state()).0, 2, "{context}");
    }
}

/// Why a create was refused, once for each part.
async fn refusals(cloud: &FakeCloud, wanted: &Spec, now: &str) -> Vec<String> {
    let Err(Failed::Taken(claims)) = create(cloud, wanted, now).await else {
        panic!("the create was not refused");
    };
    let refused = claims.iter().filter(|c| c.verdict.is_err());
    refused
        .map(|c| format!("{}: {:?}", c.component, c.verdict))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_finished_create_is_not_taken_over_a_day_later_or_with_objects_in_it() {
    let cloud = FakeCloud::new();
    let wanted = plain_at_home();
    create(&cloud, &wanted, FIRST).await.unwrap();
    assert_eq!(
        refusals(&cloud, &wanted, "2026-11-22T09:00:00Z").await,
        [
            "source/bucket: Err(Settled)",
            "destination/backup/bucket: Err(Settled)",
            "role: Err(Settled)"
        ]
    );
    let name = wanted.source.name.as_str();
    cloud
        .state()
        .buckets
        .get_mut(name)
        .unwrap()
        .put_object("archive");
    assert_eq!(
        refusals(&cloud, &wanted, LATER).await,
        ["source/bucket: Err(HoldsObjects)"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_given_up_is_not_found_again_by_a_create_that_is_killed() {
    let wanted = kms_abroad();
    for at in 1..19 {
        let cloud = FakeCloud::new();
        let spec = create(&cloud, &wanted, FIRST).await.unwrap();
        assert!(destroy(&cloud, &spec).await.is_success());
        let faulty = FaultyCloud::new(&cloud, at, Fault::Killed);
        let days_later = "2026-11-25T08:00:00Z";
        assert!(dies(&faulty, create(&faulty, &wanted, days_later)).await);
        create(&cloud, &wanted, days_later).await.unwrap();
        assert_eq!(keys(&cloud.state()), (2, 2), "write {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_whose_creation_was_not_heard_of_is_waited_for_and_not_made_twice() {
    let wanted = kms_abroad();
    for at in 1..20 {
        let cloud = FakeCloud::with_lag(Duration::from_secs(12));
        let faulty = FaultyCloud::new(&cloud, at, Fault::AnswerLost);
        create(&faulty, &wanted, FIRST).await.unwrap();
        assert_eq!(keys(&cloud.state()), (2, 0), "write {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_write_is_never_answered_ends_well_or_leaves_nothing() {
    let (mut ended, mut undone) = (0, 0);
    for at in 1.. {
        let cloud = FakeCloud::new();
        let faulty = FaultyCloud::new(&cloud, at, Fault::NeverAnswered);
        let result = create(&faulty, &kms_abroad(), FIRST).await;
        if !faulty.has_struck() {
            break;
        }
        match result {
            Ok(_) => ended += 1,
            Err(Failed::Undone { undo, .. }) => {
                undone += 1;
                assert!(undo.is_success(), "write {at}: {undo:?}");
                assert_eq!(picture(&cloud.state()), "", "write {at}");
            }
            Err(Failed::Taken(claims)) => panic!("{claims:?}"),
        }
    }
    // What creates is found although nobody answered; what sets is given up.
    assert_eq!((ended, undone), (7, 11));
}

#[tokio::test(start_paused = true)]
async fn an_undo_leaves_a_bucket_that_holds_an_object_with_its_key_and_nothing_else() {
    let cloud = FakeCloud::new();
    let wanted = kms_abroad();
    let rules = count_writes(&wanted).await;
    let faulty = FaultyCloud::new(&cloud, rules, REFUSED);
    cloud.state().objects_arrive_in = Some("acme-archive-backup".to_owned());
    let Err(Failed::Undone { undo, .. }) = create(&faulty, &wanted, FIRST).await else {
        panic!("the create should have failed");
    };
    let failed: Vec<&str> = undo.failed.iter().map(|(_, e)| e.call.as_str()).collect();
    assert_eq!(failed, ["s3:DeleteBucket"]);
    let state = cloud.state();
    assert_eq!(
        state.buckets.keys().collect::<Vec<_>>(),
        ["acme-archive-backup"]
    );
    assert_eq!(keys(&state), (1, 1));
    assert_eq!(state.aliases.len(), 1);
    assert!(state.roles.is_empty());
}

async fn count_writes(wanted: &Spec) -> usize {
    let cloud = FakeCloud::new();
    create(&cloud, wanted, FIRST).await.unwrap();
    cloud.state().writes.len()
}

/// An update with what it starts from, and the keys that it leaves: live ones and such as await their end.
struct Change {
    before: Spec,
    apply: fn(&mut Spec),
    keys: (usize, usize),
}

/// Adds a destination, changes one and removes one, with delete markers switched and another role; makes one
/// two-way; makes it one-way again.
fn changes() -> [Change; 3] {
    let mut before = kms_abroad();
    let going = with_key(bucket(
        "acme-archive-going",
        location("333333333333", "eu-west-1"),
    ));
    let mut going = destination("going", 1, going);
    rule_of(&mut going).delete_marker_replication = true;
    before.destinations.insert("going".to_owned(), going);
    let come_and_go = |spec: &mut Spec| {
        spec.destinations.remove("going");
        let coming = with_key(bucket(
            "acme-archive-coming",
            location("333333333333", "eu-west-1"),
        ));
        spec.destinations
            .insert("coming".to_owned(), destination("coming", 2, coming));
        rule_of(backup(spec)).delete_marker_replication = true;
        spec.role.name = "another-role".to_owned();
    };
    [
        Change {
            before,
            apply: come_and_go,
            keys: (3, 1),
        },
        Change {
            before: kms_abroad(),
            apply: |spec| turn_two_way(backup(spec)),
            keys: (2, 0),
        },
        Change {
            before: two_way_abroad(),
            apply: |spec| turn_one_way(backup(spec)),
            keys: (2, 0),
        },
    ]
}

/// Runs every update under a fault, then once more from the old state; it must come to the same end.
async fn check_updates(fault: Fault, ends_well: bool) {
    for change in changes() {
        check_update(&change, fault, ends_well).await;
    }
}

async fn check_update(change: &Change, fault: Fault, ends_well: bool) {
    let before = &change.before;
    let changed = |prior: &Spec| {
        let mut after = prior.clone();
        (change.apply)(&mut after);
        after
    };
    let cloud = FakeCloud::new();
    let prior = create(&cloud, before, FIRST).await.unwrap();
    try_update(&cloud, &prior, &changed(&prior)).await.unwrap();
    let expected = picture(&cloud.state());
    for at in 1.. {
        let cloud = FakeCloud::new();
        let prior = create(&cloud, before, FIRST).await.unwrap();
        let after = changed(&prior);
        let faulty = FaultyCloud::new(&cloud, at, fault);
        let mut result = None;
        let died = dies(&faulty, async {
            result = Some(try_update(&faulty, &prior, &after).await);
        })
        .await;
        if !faulty.has_struck() {
            assert!(at > 7);
            break;
        }
        let ended_well = matches!(result, Some(Ok(_)));
        assert!(
            died || ended_well == ends_well,
            "{fault:?} at {at}: {result:?}"
        );
        let spec = try_update(&cloud, &prior, &after).await.unwrap();
        let state = || cloud.state();
        assert_eq!(picture(&state()), expected, "{fault:?} at {at}");
        assert_eq!(keys(&state()), change.keys, "{fault:?} at {at}");
        assert_eq!(state().ungranted, Vec::<String>::new(), "{fault:?} at {at}");
        assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_fails_anywhere_is_finished_by_the_next() {
    check_updates(REFUSED, false).await;
}

#[tokio::test(start_paused = true)]
async fn an_update_that_loses_any_answer_ends_as_if_nothing_had_happened() {
    check_updates(Fault::AnswerLost, true).await;
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_killed_anywhere_is_finished_by_the_next() {
    check_updates(Fault::Killed, true).await;
    check_updates(Fault::KilledAfter, true).await;
}

#[tokio::test(start_paused = true)]
async fn a_destroy_that_meets_any_fault_is_finished_by_the_next() {
    for wanted in [kms_abroad(), two_way_abroad()] {
        check_destroy(&wanted).await;
    }
}

async fn check_destroy(wanted: &Spec) {
    for fault in [
        REFUSED,
        Fault::AnswerLost,
        Fault::Killed,
        Fault::KilledAfter,
    ] {
        for at in 1.. {
            let cloud = FakeCloud::new();
            let spec = create(&cloud, wanted, FIRST).await.unwrap();
            let faulty = FaultyCloud::new(&cloud, at, fault);
            let mut first = None;
            dies(&faulty, async {
                first = Some(destroy(&faulty, &spec).await)
            })
            .await;
            if fault == Fault::AnswerLost {
                assert!(first.unwrap().is_success(), "write {at}");
            } else {
                let outcome = destroy(&cloud, &spec).await;
                assert!(outcome.is_success(), "{fault:?} at {at}: {outcome:?}");
            }
            assert_eq!(picture(&cloud.state()), "", "{fault:?} at {at}");
            assert_eq!(keys(&cloud.state()), (0, 2), "{fault:?} at {at}");
            assert_eq!(cloud.state().ungranted, Vec::<String>::new());
            if !faulty.has_struck() {
                assert!(at > 5);
                break;
            }
        }
    }
}
