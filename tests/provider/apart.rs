//! What a change is not about stays as it is: other destinations get no call but reads, other rules are sent as
//! they were.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::ReplicationRule;

use crate::configs::{ABROAD, HOME, THIRD, deploy, two_destinations, with, without};
use crate::terraform::{Terraform, differences};
use crate::unreliable::Write;
use crate::updates::of_a_rule;

/// Three destinations, each at a place of its own.
fn three() -> Json {
    let config = with(
        &two_destinations(),
        "destinations.far",
        json!({ "region": "eu-central-1", "assume_role": deploy(THIRD) }),
    );
    with(
        &config,
        "destinations.near.rules",
        json!({
            "logs": { "filter": { "prefix": "logs/" }, "delete_marker_replication": true },
            "rest": { "metrics": true },
        }),
    )
}

/// Where a destination of these configurations is.
fn place(key: &str) -> (&'static str, &'static str) {
    match key {
        "backup" => (ABROAD, "us-west-2"),
        "near" => (HOME, "us-east-1"),
        "far" => (THIRD, "eu-central-1"),
        other => panic!("no destination {other}"),
    }
}

/// No call that changes something went to where one of these destinations is.
pub fn assert_no_write_for(keys: &[&str], writes: &[Write], change: &str) {
    for key in keys {
        let (account, region) = place(key);
        for write in writes {
            let there = write.account == account && write.region == region;
            assert!(!there, "{change} led to {} for {key}", write.what);
        }
    }
}

/// The rules of the source that lead to none of the backup's buckets.
fn rules_of_others(terraform: &Terraform) -> Vec<ReplicationRule> {
    let mut rules = rules(terraform);
    rules.retain(|rule| rule.bucket_arn.ends_with("-near") || rule.bucket_arn.ends_with("-far"));
    rules
}

fn rules(terraform: &Terraform) -> Vec<ReplicationRule> {
    let aws = terraform.cloud.aws.state();
    let configuration = aws.buckets["acme-archive"].replication.clone();
    configuration.unwrap().rules
}

/// What a live rule lacked at any moment, but for what the configuration itself keeps out.
fn ungranted(terraform: &Terraform) -> Vec<String> {
    let mut lacking = terraform.cloud.aws.state().ungranted.clone();
    lacking.retain(|what| !what.contains("passes over objects under KMS keys"));
    lacking
}

#[tokio::test(start_paused = true)]
async fn a_change_of_one_destination_makes_no_call_for_the_others_but_the_reads() {
    let elsewhere = json!({
        "bucket": "acme-elsewhere", "region": "us-east-2", "assume_role": deploy(ABROAD),
    });
    let backup = three()["destinations"]["backup"].clone();
    let renamed = without(&three(), "destinations.backup");
    let renamed = with(&renamed, "destinations.saved", backup);
    let of_backup =
        |path: &str, value: Json| with(&three(), &format!("destinations.backup{path}"), value);
    let rules = json!({
        "a": { "filter": { "prefix": "a/" }, "replication_time_control": true },
        "b": { "enabled": true },
    });
    for (change, config) in [
        (
            "taken out and put back",
            without(&three(), "destinations.backup"),
        ),
        ("under another key", renamed),
        ("another bucket elsewhere", of_backup("", elsewhere)),
        ("paused", of_backup(".enabled", json!(false))),
        ("several rules", of_backup(".rules", rules)),
        (
            "without KMS",
            of_backup(".encryption", json!({ "sse_algorithm": "AES256" })),
        ),
        ("two-way", of_backup(".two_way", json!(true))),
    ] {
        let mut terraform = Terraform::new();
        terraform.converge(&three()).await;
        let before = rules_of_others(&terraform);
        assert_eq!(before.len(), 3);
        for config in [&config, &three()] {
            terraform.cloud.take_writes();
            let plan = terraform.plan(config).await;
            for line in differences(&terraform.state, &plan.planned) {
                let others = [
                    "destinations.near",
                    "destinations.far",
                    "components.destination/near",
                    "components.destination/far",
                ];
                assert!(
                    !others.iter().any(|path| line.starts_with(path)),
                    "{change}: {line}"
                );
            }
            terraform.converge(config).await;
            let writes = terraform.cloud.take_writes();
            assert!(!writes.is_empty(), "{change} was made without a write");
            assert_no_write_for(&["near", "far"], &writes, change);
            assert_eq!(rules_of_others(&terraform), before, "{change}");
        }
        assert_eq!(ungranted(&terraform), Vec::<String>::new(), "{change}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_one_rule_sends_the_others_as_they_were() {
    let id = "replicated-backup/logs";
    let changes = of_a_rule();
    let changes = changes
        .iter()
        .filter(|change| change.path.contains(".logs."));
    assert_eq!(changes.clone().count(), 13);
    for change in changes {
        let mut terraform = Terraform::new();
        crate::random::surroundings(&terraform);
        terraform.converge(&change.before()).await;
        let before = rules(&terraform);
        let at = before.iter().position(|rule| rule.id == id).unwrap();
        let after = with(&change.before(), change.path, change.value.clone());
        terraform.converge(&after).await;
        let now = rules(&terraform);
        assert_eq!(now.len(), before.len());
        for (place, (was, is)) in before.iter().zip(&now).enumerate() {
            assert_eq!(was == is, place != at, "{}: {is:?}", change.path);
        }
        terraform.converge(&change.before()).await;
        // An ID and a priority stay when they are no longer written.
        let mut last = rules(&terraform);
        last[at].id.clone_from(&before[at].id);
        last[at].priority = before[at].priority;
        assert_eq!(last, before, "{}", change.path);
        assert_eq!(
            ungranted(&terraform),
            Vec::<String>::new(),
            "{}",
            change.path
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_comes_or_goes_leaves_the_others_as_they_were() {
    let mut terraform = Terraform::new();
    terraform.converge(&three()).await;
    let before = rules(&terraform);
    // By its name it would come first.
    let more = with(
        &three(),
        "destinations.near.rules.archive",
        json!({ "filter": { "prefix": "archive/" }, "storage_class": "GLACIER" }),
    );
    terraform.converge(&more).await;
    let mut now = rules(&terraform);
    assert_eq!(now.len(), before.len() + 1);
    now.retain(|rule| rule.id != "replicated-near/archive");
    assert_eq!(now, before);
    let fewer = without(&more, "destinations.near.rules.logs");
    terraform.converge(&fewer).await;
    let gone = before
        .iter()
        .filter(|rule| !rules(&terraform).contains(rule));
    assert_eq!(
        gone.map(|rule| rule.id.as_str()).collect::<Vec<_>>(),
        ["replicated-near/logs"]
    );
    assert_eq!(ungranted(&terraform), Vec::<String>::new());
}
