//! The action `replicated_bucket_verify` as Terraform invokes it. Time is paused, so nothing here waits.

use futures::StreamExt as _;
use serde_json::{Value as Json, json};
use terraform_provider_replicated::framework::diagnostics::Diagnostics;
use terraform_provider_replicated::framework::provider::{ActionEvent, ClientCapabilities};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::configs::{UNKNOWN, document, kms_abroad, value, with};
use crate::fake::{Spoilt, State};
use crate::terraform::Terraform;

const NAME: &str = "replicated_bucket_verify";
const SOURCE: &str = "acme-archive";
const BACKUP: &str = "acme-archive-backup";

/// Checks, plans and invokes, as Terraform does: the lines of progress, and what was said.
pub async fn invoke(terraform: &Terraform, config: &Json) -> (Vec<String>, Diagnostics) {
    let server = terraform.server();
    let config = value(config, &server.schemas().actions[NAME].schema.block.ty());
    let client = ClientCapabilities::default();
    let mut said = server.validate_action_config(NAME, &config).await;
    said.extend(server.plan_action(NAME, &config, client).await);
    let mut lines = Vec::new();
    if said.has_error() || !config.is_wholly_known() {
        return (lines, said);
    }
    let mut events = server.invoke_action(NAME, config).await;
    while let Some(event) = events.next().await {
        match event {
            ActionEvent::Progress(line) => lines.push(line),
            ActionEvent::Advance { message, .. } => lines.push(message),
            ActionEvent::Completed(more) => said.extend(more),
        }
    }
    (lines, said)
}

/// Where each message is told; nothing for one that is told of no attribute.
fn paths(said: &Diagnostics) -> Vec<String> {
    let paths = said.iter().map(|d| d.path.as_ref());
    paths
        .map(|path| path.map(ToString::to_string).unwrap_or_default())
        .collect()
}

pub fn words(said: &Diagnostics) -> Vec<String> {
    let said = said.iter();
    said.map(|d| format!("{}: {}", d.summary, d.detail))
        .collect()
}

async fn made(config: &Json) -> (Terraform, Json) {
    let mut terraform = Terraform::new();
    terraform.converge(config).await;
    let action = json!({ "import_id": terraform.at("/import_id") });
    (terraform, action)
}

fn assert_nothing_is_left(terraform: &Terraform) {
    let state = terraform.cloud.aws.state();
    assert!(state.buckets.values().all(|b| b.versions.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn mistakes_are_told_and_unknown_values_plan() {
    let terraform = Terraform::new();
    for (config, at) in [
        (json!({ "import_id": "A_" }), "import_id"),
        (
            json!({ "import_id": "acme-archive", "timeout": "0s" }),
            "timeout",
        ),
        (
            json!({ "import_id": "acme-archive", "key_prefix": "" }),
            "key_prefix",
        ),
    ] {
        let (_, said) = invoke(&terraform, &config).await;
        let paths = said.iter().filter_map(|d| d.path.as_ref());
        let paths: Vec<String> = paths.map(ToString::to_string).collect();
        assert_eq!(paths, [at], "{:?}", words(&said));
    }
    let (_, said) = invoke(&terraform, &json!({ "import_id": UNKNOWN })).await;
    assert!(!said.has_error(), "{:?}", words(&said));
}

#[tokio::test(start_paused = true)]
async fn each_rule_tells_how_its_canary_went_and_nothing_is_left() {
    let two_way = with(&kms_abroad(), "destinations.backup.two_way", json!(true));
    for (config, rules) in [(kms_abroad(), 1), (two_way, 2)] {
        let (terraform, action) = made(&config).await;
        let (lines, said) = invoke(&terraform, &action).await;
        assert!(!said.has_error(), "{:?}", words(&said));
        let crossed = lines.iter().filter(|line| line.ends_with(": crossed"));
        assert_eq!(crossed.count(), rules, "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("was written")));
        assert_nothing_is_left(&terraform);
    }
}

#[tokio::test(start_paused = true)]
async fn what_keeps_objects_from_crossing_is_an_error_that_names_it() {
    let (terraform, action) = made(&kms_abroad()).await;
    {
        let mut state = terraform.cloud.aws.state();
        state.buckets.get_mut(BACKUP).unwrap().policy = None;
    }
    let (lines, said) = invoke(&terraform, &action).await;
    let told = "Rule replicated-backup from acme-archive to acme-archive-backup: S3 failed to replicate its canary. This is what stands against it now:\n\n  destination/backup/bucket_policy: statements missing (the role needs s3:ReplicateObject on the objects of this bucket)\n\nAn object that failed is never taken up again by itself; S3 Batch Replication takes it up.";
    assert_eq!(
        words(&said),
        [format!(
            "Objects do not cross as they should: {told}\n\nNothing was changed."
        )]
    );
    assert_eq!(paths(&said), ["import_id"]);
    assert_eq!(
        lines.iter().filter(|line| *line == told).count(),
        1,
        "{lines:#?}"
    );
    assert_nothing_is_left(&terraform);
}

/// A destination whose canaries nobody could remove.
fn obstructed(state: &mut State) {
    let denies = json!({ "Sid": "Keep", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObjectVersion", "Resource": format!("arn:aws:s3:::{BACKUP}/*") });
    let bucket = state.buckets.get_mut(BACKUP).unwrap();
    let policy = bucket.policy.as_mut().unwrap();
    let denial = PolicyDocument::parse(&document(&[denies])).unwrap();
    policy.statements.extend(denial.statements);
    bucket.mfa_delete = true;
}

#[tokio::test(start_paused = true)]
async fn everything_is_told_at_an_attribute_that_the_action_has() {
    let two_way = with(&kms_abroad(), "destinations.backup.two_way", json!(true));
    let (terraform, action) = made(&two_way).await;
    let change = async |change: fn(&mut State)| {
        change(&mut terraform.cloud.aws.state());
        let (_, said) = invoke(&terraform, &with(&action, "timeout", json!("5m"))).await;
        assert!(said.has_error());
        let paths = paths(&said);
        assert!(
            paths
                .iter()
                .all(|path| path == "import_id" || path == "timeout"),
            "{paths:?} {:#?}",
            words(&said)
        );
        words(&said).join("\n")
    };
    // Both ways, each with its rule.
    let told = change(|state| {
        for role in state.roles.values_mut() {
            role.policies.clear();
        }
    })
    .await;
    for way in [
        "Rule replicated-backup from acme-archive to acme-archive-backup: S3 failed",
        "from acme-archive-backup to acme-archive: S3 failed",
    ] {
        assert!(told.contains(way), "{told}");
    }
    // A canary that cannot be put names its rule.
    let told = change(|state| state.buckets.get_mut(SOURCE).unwrap().is_shut = true).await;
    let name = "A canary could not be followed: Rule replicated-backup from acme-archive to acme-archive-backup: ";
    assert!(told.contains(name), "{told}");
    let told = change(obstructed).await;
    for words in [
        "Have the root user of its account turn it off. Nothing was changed.",
        "Exempt that identity on .replicated-verification/*. Nothing was changed.",
    ] {
        assert!(told.contains(words), "{told}");
    }
    assert!(!told.contains("`verification`"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_late_is_an_error_of_the_action() {
    let (terraform, action) = made(&kms_abroad()).await;
    terraform.cloud.aws.state().spoilt = Some(Spoilt::Never);
    let (_, said) = invoke(&terraform, &with(&action, "timeout", json!("30s"))).await;
    let words = words(&said);
    assert_eq!(paths(&said), ["import_id", "timeout"]);
    assert!(
        words[1].starts_with("Not every canary crossed: "),
        "{words:#?}"
    );
    assert_nothing_is_left(&terraform);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_without_live_rules_has_nothing_to_verify() {
    let paused = with(&kms_abroad(), "destinations.backup.enabled", json!(false));
    let (terraform, action) = made(&paused).await;
    let (_, said) = invoke(&terraform, &action).await;
    let words = words(&said);
    assert!(words[0].starts_with("Nothing replicates"), "{words:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_would_keep_canaries_is_told_before_any_is_sent() {
    let lock = json!({ "mode": "GOVERNANCE", "days": 1 });
    let locked = with(&kms_abroad(), "destinations.backup.object_lock", lock);
    let deep = json!({ "prefix": "p".repeat(600) });
    let deep = with(&kms_abroad(), "destinations.backup.filter", deep);
    for (config, key_prefix, told) in [
        (
            locked,
            "canary/".to_owned(),
            "Canaries could not be removed",
        ),
        (
            deep,
            "c".repeat(400),
            "The keys of canaries would be too long",
        ),
    ] {
        let (terraform, mut action) = made(&config).await;
        action["key_prefix"] = json!(key_prefix);
        let (_, said) = invoke(&terraform, &action).await;
        let words = words(&said);
        assert!(words[0].starts_with(told), "{words:#?}");
        let state = terraform.cloud.aws.state();
        let put = |write: &&String| write.starts_with("PutObject ");
        assert_eq!(state.writes.iter().find(put), None);
    }
}
