//! Replication back from a destination: the steps, and that neither direction ever lacks a grant.

use terraform_provider_replicated::execution::observe::Purpose;
use terraform_provider_replicated::replication::component::{ComponentId, Part, Side};
use terraform_provider_replicated::replication::operation::ReplicationConfiguration;
use terraform_provider_replicated::replication::ownership::{Refusal, Trust, claims};
use terraform_provider_replicated::replication::spec::Spec;

use crate::fake::{FakeCloud, State};
use crate::picture::picture;
use crate::scenario::{
    ABROAD, FIRST, backup, bucket, create, destination, destroy, drift_words, kms_abroad, location,
    look, plan_create, plan_to_destroy, plan_update, repair, rule_of, turn_one_way, turn_two_way,
    two_way_abroad, update, with_key,
};

const SOURCE: &str = "acme-archive";
const BACKUP: &str = "acme-archive-backup";
const ROLE_BACK: &str = "replication-acme-archive-backup";

/// Runs an update and gives its steps, after checking that it left nothing to do and no grant ever lacked.
async fn steps(before: Spec, change: impl FnOnce(&mut Spec)) -> String {
    let cloud = FakeCloud::new();
    let prior = create(&cloud, &before, FIRST).await.unwrap();
    let mut wanted = prior.clone();
    change(&mut wanted);
    let (_, graph) = plan_update(&cloud, &prior, &wanted).await;
    let spec = update(&cloud, &prior, &wanted).await;
    assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
    let state = cloud.state();
    assert_eq!(state.ungranted, Vec::<String>::new());
    assert_eq!(state.overlaps, Vec::<String>::new());
    graph.to_string()
}

fn role_back() -> (String, String) {
    (ABROAD.to_owned(), ROLE_BACK.to_owned())
}

fn rules_of<'a>(state: &'a State, bucket: &str) -> Option<&'a ReplicationConfiguration> {
    state.buckets[bucket].replication.as_ref()
}

#[tokio::test(start_paused = true)]
async fn both_directions_are_granted_before_either_has_rules() {
    let (_, graph) = plan_create(&FakeCloud::new(), &two_way_abroad(), FIRST)
        .await
        .unwrap();
    insta::assert_snapshot!(graph);
}

#[tokio::test(start_paused = true)]
async fn the_rule_back_mirrors_the_rule_there_but_for_class_and_key() {
    let cloud = FakeCloud::new();
    let mut wanted = two_way_abroad();
    let rule = rule_of(backup(&mut wanted));
    rule.filter.prefix = Some("logs/".to_owned());
    rule.replication_time_control = true;
    rule.metrics = true;
    let spec = create(&cloud, &wanted, FIRST).await.unwrap();
    assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
    let state = cloud.state();
    assert_eq!(state.ungranted, Vec::<String>::new());
    let there = &rules_of(&state, SOURCE).unwrap().rules[0];
    let back = rules_of(&state, BACKUP).unwrap();
    assert_eq!(back.role, format!("arn:aws:iam::{ABROAD}:role/{ROLE_BACK}"));
    let back = &back.rules[0];
    assert_eq!(there.replica_modifications, Some(true));
    assert_eq!(there.storage_class.as_deref(), Some("STANDARD_IA"));
    let source_key = spec.source.key(&Side::Source).unwrap();
    let mut expected = there.clone();
    expected.bucket_arn = "arn:aws:s3:::acme-archive".to_owned();
    expected.account = Some(spec.source.location.account.to_string());
    expected.storage_class = None;
    expected.replica_kms_key = Some(source_key);
    assert_eq!(*back, expected);
}

#[tokio::test(start_paused = true)]
async fn turned_on_it_comes_without_a_change_to_what_is_there() {
    let change = |spec: &mut Spec| turn_two_way(backup(spec));
    insta::assert_snapshot!(steps(kms_abroad(), change).await);
}

#[tokio::test(start_paused = true)]
async fn turned_off_the_rules_go_first_and_then_the_grants_and_the_role() {
    let change = |spec: &mut Spec| turn_one_way(backup(spec));
    insta::assert_snapshot!(steps(two_way_abroad(), change).await);
}

#[tokio::test(start_paused = true)]
async fn off_leaves_exactly_what_was_there_before_it_was_on() {
    let cloud = FakeCloud::new();
    let first = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let before = picture(&cloud.state());
    let mut on = first.clone();
    turn_two_way(backup(&mut on));
    let on = update(&cloud, &first, &on).await;
    assert_ne!(picture(&cloud.state()), before);
    let mut off = on.clone();
    turn_one_way(backup(&mut off));
    update(&cloud, &on, &off).await;
    assert_eq!(picture(&cloud.state()), before);
    assert_eq!(cloud.state().ungranted, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_destroy_ends_both_directions_before_it_touches_a_bucket() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &two_way_abroad(), FIRST).await.unwrap();
    insta::assert_snapshot!(plan_to_destroy(&cloud, &spec).await);
    let outcome = destroy(&cloud, &spec).await;
    assert!(outcome.is_success(), "{outcome:?}");
    assert_eq!(picture(&cloud.state()), "");
    assert_eq!(cloud.state().ungranted, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_two_way_destination_that_goes_stops_to_replicate_back_before_its_bucket_goes() {
    let two = || {
        let mut spec = kms_abroad();
        let second = with_key(bucket("acme-archive-two", location(ABROAD, "eu-west-1")));
        let mut second = destination("two", 1, second);
        turn_two_way(&mut second);
        spec.destinations.insert("two".to_owned(), second);
        spec
    };
    let change = |spec: &mut Spec| {
        spec.destinations.remove("two");
    };
    insta::assert_snapshot!(steps(two(), change).await);
}

#[tokio::test(start_paused = true)]
async fn renamed_and_turned_off_at_once_it_ends_under_its_old_key() {
    let change = |spec: &mut Spec| {
        turn_one_way(backup(spec));
        let moved = spec.destinations.remove("backup").unwrap();
        spec.destinations.insert("vault".to_owned(), moved);
    };
    let steps = steps(two_way_abroad(), change).await;
    let first = steps.lines().next().unwrap();
    assert!(
        first.ends_with(
            "destination/backup/replication: DeleteBucketReplication acme-archive-backup"
        ),
        "{steps}"
    );
    assert!(
        steps.contains("destination/backup/role: DeleteRole"),
        "{steps}"
    );
}

#[tokio::test(start_paused = true)]
async fn under_another_key_it_goes_on_replicating_back() {
    let change = |spec: &mut Spec| {
        let moved = spec.destinations.remove("backup").unwrap();
        spec.destinations.insert("vault".to_owned(), moved);
    };
    let steps = steps(two_way_abroad(), change).await;
    assert!(!steps.contains("Delete"), "{steps}");
    assert!(!steps.contains("CreateRole"), "{steps}");
}

#[tokio::test(start_paused = true)]
async fn another_role_back_takes_the_place_of_the_first_without_a_gap() {
    let change = |spec: &mut Spec| {
        let role = backup(spec).two_way.as_mut().unwrap();
        role.name = "another-role".to_owned();
    };
    let steps = steps(two_way_abroad(), change).await;
    assert!(
        steps.contains("destination/backup/role: DeleteRole replication-acme-archive-backup"),
        "{steps}"
    );
    assert!(!steps.contains("DeleteBucketReplication"), "{steps}");
}

#[tokio::test(start_paused = true)]
async fn everything_of_the_way_back_that_goes_is_drift_and_comes_again() {
    type Damage = fn(&mut State);
    let damages: [(Damage, &[&str]); 5] = [
        (
            |state| state.buckets.get_mut(BACKUP).unwrap().replication = None,
            &["destination/backup/replication: missing"],
        ),
        (
            |state| state.buckets.get_mut(SOURCE).unwrap().policy = None,
            &["source/bucket_policy: statements missing"],
        ),
        (
            |state| {
                let mut keys = state.keys.values_mut();
                let key = keys.find(|key| key.description.ends_with(SOURCE)).unwrap();
                key.policy.statements.truncate(1);
            },
            &["source/key: statements missing"],
        ),
        (
            |state| {
                let role = state.roles.get_mut(&role_back()).unwrap();
                role.policies.clear();
            },
            &["destination/backup/role/policy: missing"],
        ),
        (
            |state| {
                state.roles.remove(&role_back());
            },
            &[
                "destination/backup/role: missing",
                "source/bucket_policy: statements name a role that is gone",
                "source/key: statements name a role that is gone",
                "destination/backup/role/policy: missing",
            ],
        ),
    ];
    for (damage, told) in damages {
        let cloud = FakeCloud::new();
        let spec = create(&cloud, &two_way_abroad(), FIRST).await.unwrap();
        let whole = picture(&cloud.state());
        damage(&mut cloud.state());
        let mut words = drift_words(&cloud, &spec).await;
        words.sort();
        let mut told = told.to_vec();
        told.sort_unstable();
        assert_eq!(words, told);
        repair(&cloud, &spec).await;
        assert_eq!(picture(&cloud.state()), whole);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_replicates_for_somebody_else_is_not_made_two_way() {
    let cloud = FakeCloud::new();
    let prior = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let theirs = ReplicationConfiguration {
        role: format!("arn:aws:iam::{ABROAD}:role/theirs"),
        rules: Vec::new(),
    };
    cloud.state().buckets.get_mut(BACKUP).unwrap().replication = Some(theirs.clone());
    let mut wanted = prior.clone();
    turn_two_way(backup(&mut wanted));
    let seen = look(&cloud, &wanted, Purpose::Refresh, true).await;
    let side = Side::Destination("backup".to_owned());
    let rules = ComponentId::Of(side, Part::Replication);
    let found = claims(
        &wanted,
        &seen,
        &|component| *component != rules,
        Trust::Tags,
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].component, rules);
    assert_eq!(found[0].verdict, Err(Refusal::Replicates(theirs.role)));
    let known = claims(&wanted, &seen, &|_| true, Trust::Tags);
    assert_eq!(known, Vec::new());
}
