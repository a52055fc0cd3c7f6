//! Changing what is there: the steps, and that no live rule ever lacks a grant meanwhile.

use terraform_provider_replicated::replication::component::Side;
use terraform_provider_replicated::replication::spec::{
    ExistingKey, KeyChoice, RoleOwnership, Spec,
};

use crate::fake::{FakeCloud, HOME};
use crate::picture::keys;
use crate::scenario::{
    ABROAD, FIRST, backup, bucket, create, destination, drift_words, key_of, kms_abroad, location,
    plain_at_home, plan_update, rule_of, settings, update, with_key,
};

/// Runs an update and gives its steps, after checking that it left nothing to do and no grant ever lacked.
async fn steps(prior: Spec, change: impl FnOnce(&mut Spec)) -> String {
    let cloud = FakeCloud::new();
    let prior = create(&cloud, &prior, FIRST).await.unwrap();
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

fn with_archive(spec: &mut Spec) {
    let archive = with_key(bucket(
        "acme-archive-deep",
        location("333333333333", "eu-west-1"),
    ));
    let archive = destination("deep", 1, archive);
    spec.destinations.insert("deep".to_owned(), archive);
}

fn two_destinations() -> Spec {
    let mut spec = kms_abroad();
    with_archive(&mut spec);
    spec
}

#[tokio::test(start_paused = true)]
async fn no_change_is_no_step() {
    assert_eq!(steps(two_destinations(), |_| {}).await, "");
}

#[tokio::test(start_paused = true)]
async fn another_storage_class_is_one_write() {
    let change = |spec: &mut Spec| {
        rule_of(backup(spec)).storage_class = Some("GLACIER".to_owned());
    };
    insta::assert_snapshot!(steps(kms_abroad(), change).await);
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_comes_is_granted_before_its_rule() {
    insta::assert_snapshot!(steps(kms_abroad(), with_archive).await);
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_goes_is_taken_down_after_its_rule() {
    let change = |spec: &mut Spec| {
        spec.destinations.remove("deep");
    };
    insta::assert_snapshot!(steps(two_destinations(), change).await);
}

#[tokio::test(start_paused = true)]
async fn a_destination_under_another_bucket_is_one_that_comes_and_one_that_goes() {
    let change = |spec: &mut Spec| {
        let elsewhere = bucket(
            "acme-archive-elsewhere",
            location("333333333333", "eu-west-1"),
        );
        backup(spec).bucket = with_key(elsewhere);
    };
    insta::assert_snapshot!(steps(kms_abroad(), change).await);
}

#[tokio::test(start_paused = true)]
async fn a_destination_under_another_key_keeps_its_bucket() {
    let change = |spec: &mut Spec| {
        let moved = spec.destinations.remove("backup").unwrap();
        spec.destinations.insert("vault".to_owned(), moved);
    };
    insta::assert_snapshot!(steps(kms_abroad(), change).await);
}

#[tokio::test(start_paused = true)]
async fn delete_markers_are_granted_before_the_rule_replicates_them() {
    let change = |spec: &mut Spec| rule_of(backup(spec)).delete_marker_replication = true;
    insta::assert_snapshot!(steps(kms_abroad(), change).await);
}

#[tokio::test(start_paused = true)]
async fn delete_markers_lose_their_grant_after_the_rule_has_changed() {
    let mut before = kms_abroad();
    rule_of(backup(&mut before)).delete_marker_replication = true;
    let change = |spec: &mut Spec| rule_of(backup(spec)).delete_marker_replication = false;
    insta::assert_snapshot!(steps(before, change).await);
}

#[tokio::test(start_paused = true)]
async fn key_settings_are_written_one_by_one() {
    let change = |spec: &mut Spec| {
        let key = key_of(spec, &Side::Source);
        key.description = "Another".to_owned();
        key.rotation_period_in_days = Some(90);
        key.alias = "alias/another".to_owned();
        key.tags.insert("team".to_owned(), "storage".to_owned());
    };
    insta::assert_snapshot!(steps(kms_abroad(), change).await);
}

#[tokio::test(start_paused = true)]
async fn rotation_goes_back_to_a_year_and_off() {
    let mut before = kms_abroad();
    key_of(&mut before, &Side::Source).rotation_period_in_days = Some(90);
    let to_default = |spec: &mut Spec| {
        key_of(spec, &Side::Source).rotation_period_in_days = None;
    };
    steps(before.clone(), to_default).await;
    let off = |spec: &mut Spec| key_of(spec, &Side::Source).enable_key_rotation = false;
    assert!(steps(before, off).await.contains("DisableKeyRotation"));
}

#[tokio::test(start_paused = true)]
async fn a_renamed_role_takes_over_before_the_old_one_goes() {
    let change = |spec: &mut Spec| spec.role.name = "another-role".to_owned();
    insta::assert_snapshot!(steps(two_destinations(), change).await);
}

#[tokio::test(start_paused = true)]
async fn bucket_settings_and_tags_change_alone() {
    let change = |spec: &mut Spec| {
        settings(&mut spec.source).object_ownership = "BucketOwnerPreferred".to_owned();
        settings(&mut spec.source)
            .public_access_block
            .block_public_acls = false;
        settings(&mut spec.source)
            .tags
            .insert("team".to_owned(), "storage".to_owned());
        let RoleOwnership::Owned {
            description,
            tags,
            permissions_boundary,
            ..
        } = &mut spec.role.ownership
        else {
            panic!("the role is ours");
        };
        *description = "Another".to_owned();
        tags.insert("team".to_owned(), "storage".to_owned());
        *permissions_boundary = Some("arn:aws:iam::111111111111:policy/boundary".to_owned());
    };
    insta::assert_snapshot!(steps(plain_at_home(), change).await);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_gets_a_key_is_granted_it_before_objects_come_in_under_it() {
    let change = |spec: &mut Spec| {
        spec.source = with_key(spec.source.clone());
        backup(spec).bucket = with_key(backup(spec).bucket.clone());
    };
    insta::assert_snapshot!(steps(plain_at_home(), change).await);
}

#[tokio::test(start_paused = true)]
async fn a_retired_key_stays_usable_until_its_bucket_is_gone() {
    let cloud = FakeCloud::new();
    let prior = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let mut wanted = prior.clone();
    let old = key_of(&mut wanted, &Side::Source).arn.take().unwrap();
    wanted.source.retired_keys.push(old.clone());
    let spec = update(&cloud, &prior, &wanted).await;
    assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
    assert_eq!(keys(&cloud.state()), (3, 0));
    assert_eq!(cloud.state().ungranted, Vec::<String>::new());

    cloud.state().keys.get_mut(&old).unwrap().state = "Disabled".to_owned();
    assert_eq!(
        drift_words(&cloud, &spec).await,
        ["source/retired_key/00000002: disabled"]
    );
    let spec = update(&cloud, &spec, &spec).await;

    let outcome = crate::scenario::destroy(&cloud, &spec).await;
    assert!(outcome.is_success(), "{outcome:?}");
    assert_eq!(keys(&cloud.state()), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_moves_to_somebody_elses_key_keeps_what_it_needs_to_read_old_objects() {
    let cloud = FakeCloud::new();
    let other = create(&cloud, &plain_at_home(), FIRST).await.unwrap();
    let mut keyed = other.clone();
    keyed.source = with_key(keyed.source);
    backup(&mut keyed).bucket = with_key(backup(&mut keyed).bucket.clone());
    let keyed = update(&cloud, &other, &keyed).await;
    let theirs = keyed.source.owned_key().unwrap().arn.clone().unwrap();

    let mut mine = kms_abroad();
    mine.source.location = location(HOME, "eu-west-1");
    let prior = create(&cloud, &mine, FIRST).await.unwrap();
    let mut wanted = prior.clone();
    let old = key_of(&mut wanted, &Side::Source).arn.clone().unwrap();
    wanted.source.encryption.key = Some(KeyChoice::Existing(ExistingKey {
        arn: theirs,
        location: None,
        manage_policy: false,
    }));
    wanted.source.retired_keys.push(old);
    let spec = update(&cloud, &prior, &wanted).await;
    assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
    assert_eq!(cloud.state().ungranted, Vec::<String>::new());
    assert_eq!(
        ABROAD,
        spec.destinations["backup"].bucket.location.account.as_str()
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_of_somebody_else_only_gets_our_policy_and_loses_only_that() {
    let cloud = FakeCloud::new();
    let first = create(&cloud, &plain_at_home(), FIRST).await.unwrap();
    let mut second = kms_abroad();
    second.role = first.role.clone();
    second.role.ownership = RoleOwnership::Existing {
        manage_policy: true,
    };
    let second = create(&cloud, &second, FIRST).await.unwrap();
    assert_eq!(drift_words(&cloud, &first).await, Vec::<String>::new());
    assert_eq!(drift_words(&cloud, &second).await, Vec::<String>::new());
    let outcome = crate::scenario::destroy(&cloud, &second).await;
    assert!(outcome.is_success(), "{outcome:?}");
    assert_eq!(drift_words(&cloud, &first).await, Vec::<String>::new());
    assert_eq!(cloud.state().ungranted, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_alias_of_before_that_somebody_gave_to_another_key_is_theirs() {
    let cloud = FakeCloud::new();
    let prior = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let place = {
        let mut state = cloud.state();
        let mut aliases = state.aliases.keys();
        let source = aliases.find(|(account, ..)| account == HOME);
        let place = source.unwrap().clone();
        let theirs = state.aliases[&place].replace("key/", "key/their-");
        let key = state.keys[&state.aliases[&place]].clone();
        state.keys.insert(theirs.clone(), key);
        state.aliases.insert(place.clone(), theirs);
        place
    };
    let mut wanted = prior.clone();
    key_of(&mut wanted, &Side::Source).alias = "alias/another".to_owned();
    let mut spec = update(&cloud, &prior, &wanted).await;
    assert!(cloud.state().aliases.contains_key(&place));

    spec.source.leftovers.aliases.insert(place.2.clone());
    let outcome = crate::scenario::destroy(&cloud, &spec).await;
    assert!(outcome.is_success(), "{outcome:?}");
    assert_eq!(cloud.state().aliases.keys().collect::<Vec<_>>(), [&place]);
}
