//! Creating from nothing.

use terraform_provider_replicated::replication::component::Side;

use crate::fake::FakeCloud;
use crate::scenario::{
    FIRST, create, destroy, drift_words, kms_abroad, plain_at_home, plan_create,
};

#[tokio::test(start_paused = true)]
async fn the_steps_across_accounts_with_keys() {
    let (_, graph) = plan_create(&FakeCloud::new(), &kms_abroad(), FIRST)
        .await
        .unwrap();
    insta::assert_snapshot!(graph);
    assert_eq!((graph.len(), graph.depth()), (21, 6));
}

#[tokio::test(start_paused = true)]
async fn the_steps_in_one_account_without_keys() {
    let (_, graph) = plan_create(&FakeCloud::new(), &plain_at_home(), FIRST)
        .await
        .unwrap();
    insta::assert_snapshot!(graph);
}

#[tokio::test(start_paused = true)]
async fn after_a_create_nothing_differs() {
    for wanted in [kms_abroad(), plain_at_home()] {
        let cloud = FakeCloud::new();
        let spec = create(&cloud, &wanted, FIRST).await.unwrap();
        assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
        let state = cloud.state();
        assert_eq!(state.overlaps, Vec::<String>::new());
        assert_eq!(state.ungranted, Vec::<String>::new());
        assert!(
            state.buckets[spec.source.name.as_str()]
                .replication
                .is_some()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_destroy_only_keys_that_await_their_end_are_left() {
    for wanted in [kms_abroad(), plain_at_home()] {
        let cloud = FakeCloud::new();
        let spec = create(&cloud, &wanted, FIRST).await.unwrap();
        let outcome = destroy(&cloud, &spec).await;
        assert!(outcome.is_success(), "{outcome:?}");
        let state = cloud.state();
        assert!(state.buckets.is_empty() && state.roles.is_empty() && state.aliases.is_empty());
        assert!(
            state
                .keys
                .values()
                .all(|key| key.state == "PendingDeletion")
        );
        let keys = wanted.buckets().filter(|(_, b)| b.owned_key().is_some());
        assert_eq!(state.keys.len(), keys.count());
        assert_eq!(wanted.bucket(&Side::Source), Some(&wanted.source));
    }
}
