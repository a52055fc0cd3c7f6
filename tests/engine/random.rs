//! Specs that nobody thought of.

use proptest::prelude::*;
use terraform_provider_replicated::replication::names;
use terraform_provider_replicated::replication::operation::{RuleFilter, Tags};
use terraform_provider_replicated::replication::spec::{BucketSpec, RuleSpec, Spec};

use crate::fake::FakeCloud;
use crate::picture::{keys, picture};
use crate::scenario::{
    FIRST, bucket, create, destination, destroy, drift_words, location, rule, settings, spec,
    turn_two_way, update, with_key,
};

const ACCOUNTS: [&str; 3] = ["111111111111", "222222222222", "333333333333"];
const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "ap-southeast-2"];

fn tags() -> impl Strategy<Value = Tags> {
    proptest::collection::btree_map("[a-z]{1,3}", "[a-z ]{0,3}", 0..3)
}

/// Settings of a bucket at the given place; with KMS or without.
fn any_bucket(name: String, account: &'static str, kms: bool) -> impl Strategy<Value = BucketSpec> {
    let ownership = prop::sample::select(vec!["BucketOwnerEnforced", "BucketOwnerPreferred"]);
    let choices = (
        prop::sample::select(&REGIONS[..]),
        ownership,
        any::<[bool; 4]>(),
        tags(),
        tags(),
        proptest::option::of(90..2560_i32),
    );
    choices.prop_map(
        move |(
            region,
            ownership,
            [bucket_key, rotation, public, multi_region],
            user,
            key_tags,
            period,
        )| {
            let mut made = bucket(&name, location(account, region));
            settings(&mut made).object_ownership = ownership.to_owned();
            settings(&mut made).public_access_block.block_public_acls = public;
            settings(&mut made).tags = user;
            if kms {
                made = with_key(made);
                made.encryption.bucket_key_enabled = bucket_key;
                if let Some(terraform_provider_replicated::replication::spec::KeyChoice::Owned(
                    key,
                )) = &mut made.encryption.key
                {
                    key.enable_key_rotation = rotation;
                    key.rotation_period_in_days = period;
                    key.multi_region = multi_region;
                    key.tags = key_tags;
                }
            }
            made
        },
    )
}

fn any_destination(
    kms: bool,
) -> impl Strategy<Value = (usize, (BucketSpec, bool, [Option<RuleSpec>; 2]))> {
    (0..4_usize, 0..ACCOUNTS.len()).prop_flat_map(move |(number, account)| {
        // A bucket of another account is another bucket, so a destination can move.
        let name = format!("acme-{number}-{account}");
        let bucket = any_bucket(name, ACCOUNTS[account], kms);
        let first = any_rule(number, names::DEFAULT_RULE, 0).prop_map(Some);
        let second = proptest::option::of(any_rule(number, "logs", 1));
        let rules = (first, second).prop_map(|(first, second)| [first, second]);
        (Just(number), (bucket, any::<bool>(), rules))
    })
}

/// The rule of a name at a destination of a number; `place` sets it apart from its siblings.
fn any_rule(number: usize, name: &'static str, place: i32) -> impl Strategy<Value = RuleSpec> {
    let class = prop::sample::select(vec!["STANDARD_IA", "GLACIER", "DEEP_ARCHIVE"]);
    let class = proptest::option::of(class);
    (any::<[bool; 6]>(), class).prop_map(
        move |([enabled, markers, owner, passing, timed, sync], class)| RuleSpec {
            id: names::rule_id(&format!("to-{number}"), name),
            enabled,
            filter: RuleFilter {
                prefix: (place > 0).then(|| "logs/".to_owned()),
                tags: Tags::new(),
            },
            storage_class: class.map(str::to_owned),
            delete_marker_replication: markers,
            owner_override: owner,
            replicate_encrypted_objects: !passing,
            replication_time_control: timed,
            metrics: timed,
            replica_modification_sync: sync,
            ..rule("", 2 * i32::try_from(number).unwrap() + place)
        },
    )
}

fn any_spec(kms: bool) -> impl Strategy<Value = Spec> {
    let source = any_bucket("acme-source".to_owned(), ACCOUNTS[0], kms).prop_map(|mut source| {
        // A source that moves is another resource.
        source.location = location(ACCOUNTS[0], REGIONS[0]);
        source
    });
    let destinations = proptest::collection::vec(any_destination(kms), 1..4);
    (source, destinations).prop_map(|(source, destinations)| {
        let mut made = spec(source, Vec::new());
        for (number, (bucket, two_way, rules)) in destinations {
            let key = format!("to-{number}");
            let mut to = destination(&key, 0, bucket);
            let named = [names::DEFAULT_RULE, "logs"].map(str::to_owned);
            let rules = named.into_iter().zip(rules);
            to.rules = rules
                .filter_map(|(name, rule)| Some((name, rule?)))
                .collect();
            if two_way {
                turn_two_way(&mut to);
            }
            made.destinations.insert(key, to);
        }
        made
    })
}

fn any_two() -> impl Strategy<Value = (Spec, Spec)> {
    any::<[bool; 2]>().prop_flat_map(|[before, after]| (any_spec(before), any_spec(after)))
}

/// The second spec as an update of the first: what is immutable, or known already, comes from the first.
fn continued(first: &Spec, mut second: Spec) -> Spec {
    let carry = |to: &mut BucketSpec, from: &BucketSpec| {
        use terraform_provider_replicated::replication::spec::KeyChoice::Owned;
        to.location = from.location.clone();
        if let (Some(Owned(to)), Some(Owned(from))) = (&mut to.encryption.key, &from.encryption.key)
        {
            to.arn.clone_from(&from.arn);
            to.multi_region = from.multi_region;
        } else if let Some(Owned(from)) = &from.encryption.key {
            to.retired_keys.extend(from.arn.clone());
        }
    };
    carry(&mut second.source, &first.source);
    for to in second.destinations.values_mut() {
        let same = first
            .buckets()
            .find(|(_, from)| from.name == to.bucket.name);
        if let Some((_, from)) = same {
            carry(&mut to.bucket, from);
        }
    }
    second
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn create_update_and_destroy_end_where_they_should((first, second) in any_two()) {
        run(async {
            let cloud = FakeCloud::new();
            let first = create(&cloud, &first, FIRST).await.unwrap();
            prop_assert_eq!(drift_words(&cloud, &first).await, Vec::<String>::new());

            let second = continued(&first, second);
            let second = update(&cloud, &first, &second).await;
            prop_assert_eq!(drift_words(&cloud, &second).await, Vec::<String>::new());
            let buckets = cloud.state().buckets.len();
            prop_assert_eq!(buckets, second.buckets().count());
            let live = keys(&cloud.state()).0;
            let retired: usize = second.buckets().map(|(_, b)| b.retired_keys.len()).sum();
            let owned = second.buckets().filter(|(_, b)| b.owned_key().is_some()).count();
            prop_assert_eq!(live, owned + retired);

            let outcome = destroy(&cloud, &second).await;
            prop_assert!(outcome.is_success(), "{:?}", outcome);
            let state = cloud.state();
            prop_assert_eq!(picture(&state), "");
            let passing = [&first, &second].iter().any(|spec| {
                let mut rules = spec.destinations.values().flat_map(|to| to.rules.values());
                rules.any(|rule| !rule.replicate_encrypted_objects)
            });
            let mut ungranted = state.ungranted.clone();
            if passing {
                // Some rule was told to pass over objects under KMS keys.
                ungranted.retain(|what| !what.contains("passes over"));
            }
            prop_assert_eq!(&ungranted, &Vec::<String>::new());
            prop_assert_eq!(&state.overlaps, &Vec::<String>::new());
            Ok(())
        })?;
    }
}
