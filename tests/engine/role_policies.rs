//! A role's policy that is too long for one document: managed policies take the rest.

use std::collections::BTreeMap;

use terraform_provider_replicated::execution::cloud::CallErrorKind;
use terraform_provider_replicated::replication::grants::has_too_many_destinations;
use terraform_provider_replicated::replication::policy::PolicyDocument;
use terraform_provider_replicated::replication::spec::{DestinationSpec, RoleOwnership, Spec};

use crate::fake::{FakeCloud, HOME, State};
use crate::faulty::{Fault, FaultyCloud};
use crate::picture::picture;
use crate::scenario::{
    FIRST, Failed, LATER, bucket, create, destination, destroy, drift_words, location, repair,
    spec, try_update, update, with_key,
};

const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "us-west-2"];

/// A source with destinations under keys, by their numbers.
fn wanted(numbers: impl IntoIterator<Item = usize>) -> Spec {
    let source = with_key(bucket("acme-archive", location(HOME, "eu-west-1")));
    let destinations: BTreeMap<String, DestinationSpec> = numbers
        .into_iter()
        .map(|number| {
            let name =
                format!("acme-archive-with-a-name-that-is-as-long-as-s3-lets-a-name-b{number:03}");
            let at = location(HOME, REGIONS[number % REGIONS.len()]);
            let priority = i32::try_from(number).unwrap();
            let key = format!("d{number:03}");
            let made = destination(&key, priority, with_key(bucket(&name, at)));
            (key, made)
        })
        .collect();
    Spec {
        destinations,
        ..spec(source, vec![])
    }
}

/// How many managed policies are there; all of them are attached, and none has versions without end.
fn managed(state: &State) -> usize {
    let role = state.roles.values().next().unwrap();
    for (arn, policy) in &state.managed_policies {
        assert!(role.attached.contains(arn), "{arn} is not attached");
        assert!(policy.versions.len() <= 3, "{arn}: {:?}", policy.versions);
    }
    state.managed_policies.len()
}

#[tokio::test(start_paused = true)]
async fn it_is_split_and_written_before_the_rules_and_goes_with_the_role() {
    let cloud = FakeCloud::new();
    let made = create(&cloud, &wanted(0..32), FIRST).await.unwrap();
    assert_eq!(drift_words(&cloud, &made).await, Vec::<String>::new());
    assert_eq!(managed(&cloud.state()), 2);
    assert_eq!(cloud.state().ungranted, Vec::<String>::new());
    let destroyed = destroy(&cloud, &made).await;
    assert!(destroyed.is_success(), "{destroyed:?}");
    assert_eq!(picture(&cloud.state()), "");
}

#[tokio::test(start_paused = true)]
async fn no_live_rule_lacks_a_grant_while_destinations_come_and_go() {
    let cloud = FakeCloud::new();
    let mut now = create(&cloud, &wanted(10..38), FIRST).await.unwrap();
    // In front and in the middle; others for some; fewer than one document takes; many again.
    let numbers: [Vec<usize>; 4] = [
        (0..40).filter(|number| number % 4 != 0).collect(),
        (0..40).filter(|number| number % 4 != 1).collect(),
        (30..36).collect(),
        (5..35).collect(),
    ];
    for numbers in numbers {
        let mut next = wanted(numbers);
        for (key, destination) in &mut next.destinations {
            if let Some(before) = now.destinations.get(key) {
                destination.bucket.clone_from(&before.bucket);
            }
        }
        next.source.clone_from(&now.source);
        now = update(&cloud, &now, &next).await;
        assert_eq!(cloud.state().ungranted, Vec::<String>::new());
        assert_eq!(drift_words(&cloud, &now).await, Vec::<String>::new());
        let is_split = now.destinations.len() > 6;
        assert_eq!(managed(&cloud.state()) > 0, is_split);
    }
    let destroyed = destroy(&cloud, &now).await;
    assert!(destroyed.is_success(), "{destroyed:?}");
    assert_eq!(cloud.state().managed_policies.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_does_to_a_managed_policy_is_found_and_mended() {
    type Change = fn(&mut State, &str);
    let changes: [(Change, &[&str]); 5] = [
        (
            |state, arn| {
                state
                    .roles
                    .values_mut()
                    .next()
                    .unwrap()
                    .attached
                    .retain(|a| a != arn)
            },
            &["role/policy/1: not attached"],
        ),
        (
            |state, arn| {
                let policy = state.managed_policies.get_mut(arn).unwrap();
                policy.versions.last_mut().unwrap().1 = PolicyDocument::default();
            },
            &["role/policy/1: changed"],
        ),
        (
            |state, arn| {
                state.managed_policies.remove(arn);
                state
                    .roles
                    .values_mut()
                    .next()
                    .unwrap()
                    .attached
                    .retain(|a| a != arn);
            },
            &["role/policy/1: missing", "role/policy/1: missing"],
        ),
        (
            |state, arn| {
                let tags = &mut state.managed_policies.get_mut(arn).unwrap().tags;
                tags.insert("by".to_owned(), "hand".to_owned());
            },
            &["role/policy/1: tags differ"],
        ),
        (
            |state, arn| {
                let mut version = state.managed_policies[arn].clone();
                let policy = state.managed_policies.get_mut(arn).unwrap();
                let last = policy.versions.pop().unwrap();
                policy
                    .versions
                    .push(("v7".to_owned(), version.versions.remove(0).1));
                policy.versions.push(("v8".to_owned(), last.1));
            },
            &[],
        ),
    ];
    for (change, expected) in changes {
        let cloud = FakeCloud::new();
        let made = create(&cloud, &wanted(0..32), FIRST).await.unwrap();
        let arn = cloud
            .state()
            .managed_policies
            .keys()
            .next()
            .unwrap()
            .clone();
        change(&mut cloud.state(), &arn);
        assert_eq!(drift_words(&cloud, &made).await, expected);
        let made = repair(&cloud, &made).await;
        assert_eq!(drift_words(&cloud, &made).await, Vec::<String>::new());
        assert_eq!(managed(&cloud.state()), 2);
        assert_eq!(cloud.state().audit(), Vec::<String>::new());
        assert!(destroy(&cloud, &made).await.is_success());
        assert_eq!(picture(&cloud.state()), "");
    }
}

#[tokio::test(start_paused = true)]
async fn policies_that_a_deleted_role_left_behind_are_used_again() {
    let cloud = FakeCloud::new();
    let made = create(&cloud, &wanted(0..32), FIRST).await.unwrap();
    cloud.state().roles.clear();
    let made = repair(&cloud, &made).await;
    assert_eq!(managed(&cloud.state()), 2);
    cloud.state().roles.clear();
    assert!(destroy(&cloud, &made).await.is_success());
    assert_eq!(cloud.state().managed_policies.len(), 0);
}

/// The positions of the writes of managed policies in a create.
async fn writes_of_policies(spec: &Spec) -> Vec<usize> {
    let cloud = FakeCloud::new();
    create(&cloud, spec, FIRST).await.unwrap();
    let state = cloud.state();
    let writes = state.writes.iter().enumerate();
    let of_policies = writes.filter(|(_, write)| {
        write.starts_with("CreatePolicy ") || write.starts_with("AttachRolePolicy ")
    });
    of_policies.map(|(at, _)| at + 1).collect()
}

#[tokio::test(start_paused = true)]
async fn a_create_that_fails_or_dies_at_a_managed_policy_leaves_nothing_or_is_finished() {
    let wanted = wanted(0..32);
    let writes = writes_of_policies(&wanted).await;
    assert_eq!(writes.len(), 4);
    let expected = {
        let cloud = FakeCloud::new();
        create(&cloud, &wanted, FIRST).await.unwrap();
        picture(&cloud.state())
    };
    for at in writes {
        let cloud = FakeCloud::new();
        let refused = FaultyCloud::new(&cloud, at, Fault::Refused(CallErrorKind::Invalid));
        let Err(Failed::Undone { undo, .. }) = create(&refused, &wanted, FIRST).await else {
            panic!("the create went on");
        };
        assert!(undo.is_success(), "{undo:?}");
        assert_eq!(picture(&cloud.state()), "", "after write {at}");

        let cloud = FakeCloud::new();
        let lost = FaultyCloud::new(&cloud, at, Fault::AnswerLost);
        create(&lost, &wanted, FIRST).await.unwrap();
        assert_eq!(picture(&cloud.state()), expected, "write {at}");

        let cloud = FakeCloud::new();
        let killed = FaultyCloud::new(&cloud, at, Fault::KilledAfter);
        tokio::select! {
            _ = create(&killed, &wanted, FIRST) => panic!("it should have been killed"),
            () = killed.died.notified() => {}
        }
        create(&cloud, &wanted, LATER).await.unwrap();
        assert_eq!(picture(&cloud.state()), expected, "killed at write {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_somebody_elses_under_that_name_is_never_taken() {
    let cloud = FakeCloud::new();
    let made = create(&cloud, &wanted(0..32), FIRST).await.unwrap();
    let (arn, mut theirs) = {
        let state = cloud.state();
        let (arn, policy) = state.managed_policies.iter().next().unwrap();
        (arn.clone(), policy.clone())
    };
    theirs.tags.clear();
    let cloud = FakeCloud::new();
    cloud.state().managed_policies.insert(arn, theirs);
    let Err(Failed::Taken(claims)) = create(&cloud, &wanted(0..32), FIRST).await else {
        panic!("it was taken");
    };
    let refused = claims.iter().find(|claim| claim.verdict.is_err()).unwrap();
    assert_eq!(refused.component.to_string(), "role/policy/1");
    assert_eq!(made.destinations.len(), 32);
}

#[tokio::test(start_paused = true)]
async fn a_renamed_role_has_policies_of_its_own_and_the_old_ones_go() {
    let cloud = FakeCloud::new();
    let prior = create(&cloud, &wanted(0..32), FIRST).await.unwrap();
    let mut renamed = prior.clone();
    renamed.role.name = "postman".to_owned();
    let now = update(&cloud, &prior, &renamed).await;
    assert_eq!(cloud.state().ungranted, Vec::<String>::new());
    assert_eq!(drift_words(&cloud, &now).await, Vec::<String>::new());
    assert_eq!(managed(&cloud.state()), 2);
    let arns: Vec<String> = cloud.state().managed_policies.keys().cloned().collect();
    assert_eq!(
        arns,
        [1, 2].map(|number| format!("arn:aws:iam::{HOME}:policy/postman-{number}"))
    );
}

#[tokio::test(start_paused = true)]
async fn tags_of_the_role_are_tags_of_its_policies() {
    let cloud = FakeCloud::new();
    let mut spec = create(&cloud, &wanted(0..32), FIRST).await.unwrap();
    for team in [Some("storage"), Some("records"), None] {
        let prior = spec.clone();
        let RoleOwnership::Owned { tags, .. } = &mut spec.role.ownership else {
            panic!("the role is ours");
        };
        tags.clear();
        tags.extend(team.map(|team| ("team".to_owned(), team.to_owned())));
        spec = update(&cloud, &prior, &spec).await;
        for (arn, policy) in &cloud.state().managed_policies {
            let seen = policy.tags.get("team").map(String::as_str);
            assert_eq!(seen, team, "{arn}");
        }
    }
}

/// Positions of the writes of managed policies in an update.
async fn writes_of_policies_in(state: &State, prior: &Spec, spec: &Spec) -> (Vec<usize>, String) {
    let cloud = FakeCloud::holding(state.clone());
    let before = cloud.state().writes.len();
    update(&cloud, prior, spec).await;
    let state = cloud.state();
    let writes = state.writes.iter().skip(before).enumerate();
    let of_policies = writes.filter(|(_, write)| {
        let call = write.split(' ').next().unwrap();
        call.contains("Policy") && (write.contains(":policy/") || call.ends_with("RolePolicy"))
    });
    let positions = of_policies.map(|(at, _)| at + 1).collect();
    drop(state);
    let end = picture(&cloud.state());
    (positions, end)
}

#[tokio::test(start_paused = true)]
async fn an_update_that_meets_a_fault_at_any_policy_of_the_role_is_finished_by_the_next() {
    // Destinations go until one document is enough, and come until one is not enough any more.
    for (from, to) in [(0..29, 0..26), (0..26, 0..29)] {
        let cloud = FakeCloud::new();
        let prior = create(&cloud, &wanted(from), FIRST).await.unwrap();
        let state = cloud.state().clone();
        let mut after = wanted(to);
        after.source.clone_from(&prior.source);
        for (key, destination) in &mut after.destinations {
            if let Some(before) = prior.destinations.get(key) {
                destination.clone_from(before);
            }
        }
        let (writes, expected) = writes_of_policies_in(&state, &prior, &after).await;
        // The inline policy in two forms, and what makes the managed one or takes it down.
        assert!(writes.len() >= 3, "{writes:?}");
        for at in writes {
            for fault in [Fault::AnswerLost, Fault::KilledAfter] {
                let cloud = FakeCloud::holding(state.clone());
                let faulty = FaultyCloud::new(&cloud, at, fault);
                tokio::select! {
                    _ = try_update(&faulty, &prior, &after) => {}
                    () = faulty.died.notified() => {}
                }
                let now = try_update(&cloud, &prior, &after).await.unwrap();
                assert_eq!(picture(&cloud.state()), expected, "{fault:?} at {at}");
                managed(&cloud.state());
                assert_eq!(cloud.state().ungranted, Vec::<String>::new());
                assert_eq!(drift_words(&cloud, &now).await, Vec::<String>::new());
            }
        }
    }
}

#[test]
fn a_role_must_do_for_the_destinations_of_before_as_well() {
    let (before, now) = (wanted(0..120), wanted(120..240));
    let outward = |spec: &'_ Spec| has_too_many_destinations(&spec.outward(), None);
    assert!(!outward(&before) && !outward(&now));
    assert!(has_too_many_destinations(
        &now.outward(),
        Some(&before.outward())
    ));
    let some = wanted(60..150);
    assert!(!has_too_many_destinations(
        &some.outward(),
        Some(&before.outward())
    ));
}
