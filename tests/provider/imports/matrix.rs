//! Every origin in every form: what the plan after an import changes, and that nothing is lost by it.

use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use serde_json::{Value as Json, json};
use support::closing::say;

use super::origins::{ORIGINS, UNREPLICATED, origin};
use crate::configs::{ABROAD, HOME, deploy, with, without};
use crate::fake::State;
use crate::terraform::{Terraform, differences};

/// Names of the resource at home.
const IDS: [&str; 3] = [
    "acme-archive",
    "acme-archive@eu-west-1",
    "111111111111/acme-archive@eu-west-1",
];

/// An ID or identity, and whether the ID itself tells the way abroad.
fn forms() -> Vec<(Json, bool)> {
    let role = format!(",arn:aws:iam::{ABROAD}:role/Deploy");
    let plain = IDS.map(|id| (json!(id), false));
    let with_role = IDS.map(|id| (json!(format!("{id}{role}")), true));
    let bucket = "acme-archive";
    let identities = [
        json!({ "bucket": bucket }),
        json!({ "bucket": bucket, "region": "eu-west-1" }),
        json!({ "bucket": bucket, "region": "eu-west-1", "account_id": HOME }),
    ]
    .map(|identity| (identity, false));
    plain
        .into_iter()
        .chain(with_role)
        .chain(identities)
        .collect()
}

/// The configuration with a role of its own in the place of the `account` block.
fn by_role(config: &Json) -> Json {
    let mut config = config.clone();
    for (key, side) in config["destinations"].clone().as_object().unwrap() {
        if side["account_id"] == json!(ABROAD) && side["reachable"].is_null() {
            let path = format!("destinations.{key}");
            config = without(&config, &format!("{path}.account_id"));
            config = with(&config, &format!("{path}.assume_role"), deploy(ABROAD));
        }
    }
    config
}

/// A new state over the same AWS, with the bucket imported in this form; what was warned of.
async fn imported(world: &Terraform, form: &Json, told: bool) -> (Terraform, Vec<String>) {
    let mut terraform = Terraform::over(world.cloud.clone());
    if !told {
        terraform.settings = world.settings.clone();
    }
    let said = match form.as_str() {
        Some(id) => terraform.import(id).await,
        None => terraform.import_by_identity(form).await,
    };
    assert_eq!(said.errors, Vec::<String>::new(), "{form}");
    (terraform, said.warnings)
}

/// What a plan changes.
async fn changes(terraform: &mut Terraform, config: &Json) -> Vec<String> {
    let plan = terraform.plan(config).await;
    assert_eq!(plan.said.errors, Vec::<String>::new());
    assert_eq!(plan.replaced_by, Vec::<String>::new());
    differences(&terraform.state, &plan.planned)
}

/// What others wrote and keep: statements, rules' objects, policies and keys.
fn assert_nothing_is_lost(before: &State, after: &State) {
    for (name, bucket) in &before.buckets {
        let now = &after.buckets[name];
        assert_eq!(now.versions.len(), bucket.versions.len(), "{name}");
        assert_eq!(now.encryption, bucket.encryption, "{name}");
        let statements = |policy: &crate::fake::Bucket| {
            let document = policy.policy.as_ref().map(|policy| after.shown(policy));
            document.map_or_else(Vec::new, |document| document.statements)
        };
        let kept = statements(now);
        for statement in statements(bucket) {
            assert!(kept.contains(&statement), "{name} lost {statement:?}");
        }
    }
    for (id, role) in &before.roles {
        let now = &after.roles[id];
        assert_eq!(now.description.arn, role.description.arn);
        assert_eq!(now.description.unique_id, role.description.unique_id);
        assert_eq!(now.attached, role.attached);
        for policy in &role.policies {
            assert_eq!(now.policies.get(policy.0), Some(policy.1), "{id:?}");
        }
    }
    for (arn, key) in &before.keys {
        assert_eq!(after.keys[arn].state, key.state);
        assert_eq!(after.keys[arn].policy, key.policy, "{arn}");
    }
    let parts_made = |state: &State| (state.keys.len(), state.managed_policies.len());
    if before.buckets.len() == after.buckets.len() {
        assert_eq!(parts_made(after), parts_made(before));
        assert_eq!(after.roles.len(), before.roles.len());
    }
}

/// Applies, sees to it that nothing was lost and that every live rule has its grants; what was written.
async fn applied(terraform: &mut Terraform, config: &Json) -> Vec<String> {
    let before = terraform.cloud.aws.state().clone();
    terraform.converge(config).await;
    let after = terraform.cloud.aws.state();
    assert_nothing_is_lost(&before, &after);
    // What the setup lacked as it was found is no fault of the update that mends it.
    let lacked = before.audit();
    let mut ungranted = after.ungranted.clone();
    ungranted.retain(|what| !lacked.iter().any(|found| what.starts_with(found)));
    assert_eq!(ungranted, Vec::<String>::new());
    after.writes.clone()
}

fn lines(text: &mut String, what: &str, lines: &[String]) {
    writeln!(text, "  {what}").unwrap();
    for line in lines {
        writeln!(text, "    {line}").unwrap();
    }
    if lines.is_empty() {
        writeln!(text, "    nothing").unwrap();
    }
}

/// What imports of one origin came to.
#[derive(Default)]
struct Outcome {
    /// For each import, whether its plan was empty.
    empty: Vec<bool>,
    text: String,
}

/// One origin in every form, then applied; and once more with the configuration that Terraform generates.
async fn row(name: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let (world, config) = origin(name).await;
    let mut shown: Option<Vec<String>> = None;
    let mut last = None;
    for (form, told) in forms() {
        if told && name == UNREPLICATED {
            // No rule leads into the account that the ID has a role of.
            continue;
        }
        let written = if told {
            by_role(&config)
        } else {
            config.clone()
        };
        let (mut terraform, warned) = imported(&world, &form, told).await;
        let changes = changes(&mut terraform, &written).await;
        let first = shown.get_or_insert_with(|| changes.clone());
        assert_eq!(changes, *first, "{name}: {form}");
        outcome.empty.push(changes.is_empty());
        last = Some((terraform, written, warned));
    }
    let (mut terraform, written, warned) = last.unwrap();
    let text = &mut outcome.text;
    writeln!(text, "{name}").unwrap();
    lines(text, "an import warns of", &warned);
    lines(text, "the plan changes", &shown.unwrap());
    let writes = applied(&mut terraform, &written).await;
    lines(text, "the apply writes", &writes);
    if name == UNREPLICATED {
        // Where it is to replicate is for its owner to write.
        return outcome;
    }
    let (world, _) = origin(name).await;
    let (mut terraform, _) = imported(&world, &json!(IDS[0]), false).await;
    let generated = terraform.generated().await;
    let changes = changes(&mut terraform, &generated).await;
    lines(text, "with what Terraform generates", &changes);
    applied(&mut terraform, &generated).await;
    outcome.empty.push(changes.is_empty());
    outcome
}

#[tokio::test(start_paused = true)]
async fn each_origin_in_each_form_plans_no_more_than_it_must_and_loses_nothing() {
    let mut text = String::new();
    let (mut empty, mut failed) = (Vec::new(), Vec::new());
    for name in ORIGINS {
        match AssertUnwindSafe(row(name)).catch_unwind().await {
            Ok(outcome) => {
                empty.extend(outcome.empty);
                text.push_str(&outcome.text);
            }
            Err(_) => failed.push(name),
        }
    }
    let nothing = empty.iter().filter(|is_empty| **is_empty).count();
    let line = format!(
        "imports: {} of {} origins: {nothing} plan empty, {} with honest differences, {} origins failed",
        empty.len(),
        ORIGINS.len(),
        empty.len() - nothing,
        failed.len(),
    );
    say(&line);
    assert_eq!(failed, Vec::<&str>::new());
    insta::assert_snapshot!(text);
}
