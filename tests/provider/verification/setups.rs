//! The eight setups of `examples/`: canaries cross in each, what is broken there is explained, and nothing is left.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use support::closing::say;
use terraform_provider_replicated::framework::diagnostics::Diagnostics;
use terraform_provider_replicated::replication::canary::is_canary;

use super::{canaries_put, verified};
use crate::configs::{HOME, with};
use crate::fake::State;
use crate::terraform::Terraform;
use crate::verify_action::invoke;
use crate::{generated, operator_policy, random};

/// What a setup is given in the examples, and how many canaries it takes.
struct Setup {
    name: &'static str,
    config: Json,
    canaries: usize,
}

fn setups() -> Vec<Setup> {
    let mut configs: BTreeMap<&str, Json> = generated::setups().into_iter().collect();
    let with_buckets_of_others = operator_policy::setups().into_iter();
    configs.extend(
        with_buckets_of_others
            .filter(|(name, _)| ["existing-buckets", "many-to-one"].contains(name)),
    );
    let names: Vec<&str> = configs.keys().copied().collect();
    assert_eq!(names, operator_policy::EXAMPLES);
    let setups = configs.into_iter().map(|(name, config)| Setup {
        name,
        config,
        canaries: match name {
            // One is paused.
            "rules" => 3,
            "two-way" | "one-to-many-regions" => 2,
            _ => 1,
        },
    });
    setups.collect()
}

async fn world(config: &Json) -> Terraform {
    if config.pointer("/destinations/backup").is_some() {
        return operator_policy::world(config).await;
    }
    let terraform = Terraform::new();
    random::surroundings(&terraform);
    terraform
}

/// How many canaries are in any bucket.
fn left(state: &State, config: &Json) -> usize {
    let source = config["source"]["bucket"].as_str().unwrap();
    let owner = format!("{HOME}/{source}");
    let versions = state.buckets.values().flat_map(|bucket| &bucket.versions);
    versions
        .filter(|version| is_canary(&owner, &version.key))
        .count()
}

/// How many canaries failed, and of how many of them it is told what stands against them.
fn explained(said: &Diagnostics, (what, why): (&str, &str)) -> (usize, usize) {
    let failed: Vec<&str> = said
        .iter()
        .filter(|d| d.summary == "Objects do not cross as they should")
        .map(|d| d.detail.as_str())
        .collect();
    let is_explained = |detail: &&&str| {
        let mut lines = detail.lines();
        detail.contains("S3 failed to replicate its canary.")
            && lines.any(|line| line.contains(what) && line.ends_with(why))
    };
    (failed.len(), failed.iter().filter(is_explained).count())
}

/// A way to break any of them, and the line that is told then: what is in it, and how it ends.
type Way = (&'static str, fn(&mut State), (&'static str, &'static str));
const WAYS: [Way; 2] = [
    (
        "the roles are deleted",
        |state| state.roles.clear(),
        (
            "role: missing ",
            "(S3 has to be able to assume it: sts:AssumeRole)",
        ),
    ),
    (
        "the roles' policies are emptied",
        |state| {
            for role in state.roles.values_mut() {
                role.policies.clear();
            }
        },
        ("role/policy: does not grant ", " s3:ReplicateObject"),
    ),
];

#[expect(
    clippy::print_stdout,
    reason = "The whole table is for whoever asks the test runner for what a case prints."
)]
#[tokio::test(start_paused = true)]
async fn in_each_of_the_eight_setups_canaries_cross_failures_are_explained_and_nothing_is_left() {
    let (mut sent, mut crossed, mut failures, mut told, mut remains) = (0, 0, 0, 0, 0);
    for Setup {
        name,
        config,
        canaries,
    } in setups()
    {
        let mut terraform = world(&config).await;
        let mut config = verified(&config);
        if name == "object-lock" {
            config = without_default_retention(&config).await;
        }
        let said = terraform.apply(&config).await;
        assert_eq!(said.details, Vec::<String>::new(), "{name}");
        let destinations = terraform.at("/destinations");
        for (key, side) in destinations.as_object().unwrap() {
            assert!(side["verified_at"].is_string(), "{name}: {key}");
        }
        let (put, arrived) = (
            canaries_put(&terraform),
            terraform.cloud.aws.state().crossed,
        );
        assert_eq!((put, arrived), (canaries, canaries), "{name}");
        println!("{name:24} {put} sent, {arrived} crossed");
        sent += put;
        crossed += arrived;

        let action = json!({ "import_id": terraform.at("/import_id") });
        let (lines, said) = invoke(&terraform, &action).await;
        let by_action = lines.iter().filter(|line| line.ends_with(": crossed"));
        assert_eq!(by_action.count(), canaries, "{name}: {said:?}");
        sent += canaries_put(&terraform) - put;
        crossed += terraform.cloud.aws.state().crossed - arrived;

        for (way, change, what) in WAYS {
            let (roles, before) = {
                let mut state = terraform.cloud.aws.state();
                let roles = state.roles.clone();
                change(&mut state);
                (roles, state.crossed)
            };
            let (_, said) = invoke(&terraform, &action).await;
            let (failed, explained) = explained(&said, what);
            println!("{name:24} {failed} failed, {explained} explained: {way}");
            assert_eq!(
                (failed, explained),
                (canaries, canaries),
                "{name}: {way}: {said:#?}"
            );
            failures += failed;
            told += explained;
            let mut state = terraform.cloud.aws.state();
            assert_eq!(state.crossed, before, "{name}: {way}");
            state.roles = roles;
        }
        remains += left(&terraform.cloud.aws.state(), &config);
    }
    say(&format!(
        "verification: the eight setups: {sent} canaries sent, {crossed} crossed; broken, {told} of {failures} failures explained; {remains} objects left behind"
    ));
    assert_eq!((crossed, told, remains), (sent, failures, 0));
}

/// As it is in the examples it is refused at plan; a canary could not be deleted again.
async fn without_default_retention(config: &Json) -> Json {
    let mut terraform = Terraform::new();
    let plan = terraform.plan(config).await;
    let at = |side: &str| format!("{side}.object_lock: Canaries could not be removed");
    assert_eq!(
        plan.said.errors,
        [at("source"), at("destinations[\"copy\"]")]
    );
    assert_eq!(canaries_put(&terraform), 0);
    let mut config = config.clone();
    for side in ["source", "destinations.copy"] {
        let locked = json!({ "enabled": true });
        config = with(&config, &format!("{side}.object_lock"), locked);
    }
    config
}
