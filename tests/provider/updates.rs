//! Every attribute's change: what the plan shows, what is written, and the way back.
//!
//! One row for each attribute that a practitioner may write; a test holds the rows against the schema, so an
//! attribute without a row is a failure. The snapshot is the list of promises: `plan` is what a person reads,
//! `writes` are the calls that the change takes, and `back` those that take it back.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use terraform_provider_replicated::framework::schema::{Attribute, AttributeType, Nesting};
use terraform_provider_replicated::provider::replicated_bucket::schema::schema;
use terraform_provider_replicated::replication::ids::{AssumeRole, WayIn};

use crate::apart::assert_no_write_for;
use crate::configs::{ABROAD, HOME, THIRD, deploy, policy, two_destinations, with};
use crate::existing::stands;
use crate::terraform::{Terraform, differences};

/// A change: the attribute, its new value, and what else has to be written from the beginning.
pub struct Change {
    pub path: &'static str,
    pub value: Json,
    base: Vec<(&'static str, Json)>,
}

fn change(path: &'static str, value: Json) -> Change {
    Change {
        path,
        value,
        base: Vec::new(),
    }
}

/// A change of a side whose bucket belongs to somebody else.
fn theirs(path: &'static str, value: Json) -> Change {
    let change = change(path, value);
    if path.starts_with("source.") {
        let source = json!({ "bucket": "acme-archive", "existing": true });
        change.beside("source", source)
    } else {
        change
            .beside("destinations.near.bucket", json!("acme-archive-near"))
            .beside("destinations.near.existing", json!(true))
    }
}

impl Change {
    /// What has to be there before and after.
    fn beside(mut self, path: &'static str, value: Json) -> Self {
        self.base.push((path, value));
        self
    }

    pub fn before(&self) -> Json {
        let base = self.base.iter();
        base.fold(two_destinations(), |config, (path, value)| {
            with(&config, path, value.clone())
        })
    }

    pub fn after(&self) -> Json {
        with(&self.before(), self.path, self.value.clone())
    }

    /// What is there of others when the change comes.
    pub async fn surroundings(&self) -> Terraform {
        let mut terraform = Terraform::new();
        terraform.settings.accounts = [HOME, ABROAD, THIRD].map(account).into();
        crate::random::surroundings(&terraform);
        let before = self.before();
        for (side, region) in [("source", "eu-west-1"), ("destinations/near", "us-east-1")] {
            let side = before.pointer(&format!("/{side}")).unwrap();
            if side["existing"] == json!(true) {
                stands(&terraform, HOME, region, side["bucket"].as_str().unwrap()).await;
            }
        }
        terraform
    }
}

const BOUNDARY: &str = "arn:aws:iam::111111111111:policy/Boundary";
const BOUNDARY_ABROAD: &str = "arn:aws:iam::222222222222:policy/Boundary";
const EXISTING_ROLE_ABROAD: &str = "arn:aws:iam::222222222222:role/service/Existing";
const EXISTING_ROLE: &str = "arn:aws:iam::111111111111:role/service/Existing";

fn key_of(account: &str, region: &str) -> Json {
    json!(format!(
        "arn:aws:kms:{region}:{account}:key/00000000-0000-4000-8000-000000000000"
    ))
}

/// What is the same on both sides, for one of them.
macro_rules! on_side {
    ($side:literal, $account:expr, $region:literal) => {
        vec![
            change(concat!($side, ".profile"), json!("deploy")),
            change(concat!($side, ".force_destroy"), json!(true)),
            change(concat!($side, ".retain_on_destroy"), json!(true)),
            change(
                concat!($side, ".encryption.sse_algorithm"),
                json!("AES256"),
            ),
            change(
                concat!($side, ".encryption.kms_key_arn"),
                key_of($account, $region),
            ),
            change(
                concat!($side, ".encryption.bucket_key_enabled"),
                json!(false),
            ),
            change(
                concat!($side, ".encryption.blocked_encryption_types"),
                json!(["NONE"]),
            ),
            change(concat!($side, ".encryption.key.enabled"), json!(false)),
            change(
                concat!($side, ".encryption.key.alias"),
                json!("alias/another"),
            ),
            change(
                concat!($side, ".encryption.key.description"),
                json!("another"),
            ),
            change(
                concat!($side, ".encryption.key.deletion_window_in_days"),
                json!(7),
            ),
            change(
                concat!($side, ".encryption.key.enable_key_rotation"),
                json!(false),
            ),
            change(
                concat!($side, ".encryption.key.rotation_period_in_days"),
                json!(90),
            ),
            change(
                concat!($side, ".encryption.key.multi_region"),
                json!(true),
            ),
            change(
                concat!($side, ".encryption.key.tags"),
                json!({ "team": "keys" }),
            ),
            change(
                concat!($side, ".public_access_block.block_public_acls"),
                json!(false),
            ),
            change(
                concat!($side, ".public_access_block.block_public_policy"),
                json!(false),
            ),
            change(
                concat!($side, ".public_access_block.ignore_public_acls"),
                json!(false),
            ),
            change(
                concat!($side, ".public_access_block.restrict_public_buckets"),
                json!(false),
            ),
            change(
                concat!($side, ".object_ownership"),
                json!("BucketOwnerPreferred"),
            ),
            change(concat!($side, ".require_tls"), json!(true)),
            change(concat!($side, ".exclusive_policy"), json!(true)),
            change(
                concat!($side, ".encryption.key.policy"),
                policy("kms:DescribeKey", "*"),
            ),
            change(
                concat!($side, ".lifecycle_rules"),
                json!({ "old": { "noncurrent_version_expiration": { "noncurrent_days": 21 } } }),
            ),
            change(
                concat!($side, ".lifecycle_transition_default_minimum_object_size"),
                json!("varies_by_storage_class"),
            )
            .beside(
                concat!($side, ".lifecycle_rules.cold"),
                json!({
                    "transitions": [{ "days": 1, "storage_class": "GLACIER" }],
                    "whole_bucket": true,
                }),
            ),
            change(concat!($side, ".tags"), json!({ "team": "storage" })),
        ]
    };
}

pub fn changes() -> Vec<Change> {
    let mut changes = on_side!("source", HOME, "eu-west-1");
    changes.extend(on_side!("destinations.backup", ABROAD, "us-west-2"));
    changes.extend(of_a_rule());
    changes.extend(
        crate::object_lock::changes()
            .into_iter()
            .map(|(path, value)| {
                crate::object_lock::LOCKED
                    .into_iter()
                    .fold(change(path, value), |change, place| {
                        change.beside(place, crate::object_lock::governed())
                    })
            }),
    );
    changes.extend([
        change(
            "source.encryption.additional_kms_key_arns",
            json!([key_of(HOME, "eu-west-1")]),
        ),
        change(
            "destinations.backup.encryption.additional_kms_key_arns",
            json!([key_of(ABROAD, "us-west-2")]),
        )
        .beside("destinations.backup.two_way", json!(true)),
        change("source.manage_key_policy", json!(true)).beside(
            "source.encryption",
            json!({ "kms_key_arn": key_of(HOME, "eu-west-1") }),
        ),
        change("destinations.backup.manage_key_policy", json!(true)).beside(
            "destinations.backup.encryption",
            json!({ "kms_key_arn": key_of(ABROAD, "us-west-2") }),
        ),
        change(
            "source.policy",
            policy("s3:ListBucket", "arn:aws:s3:::acme-archive"),
        ),
        change(
            "destinations.backup.policy",
            policy("s3:ListBucket", "arn:aws:s3:::acme-archive-backup"),
        ),
        change("source.existing", json!(true))
            .beside("source", json!({ "bucket": "acme-archive" })),
        theirs("source.enable_versioning", json!(true)),
        theirs("source.enable_encryption", json!(true))
            .beside("source.encryption", json!({ "sse_algorithm": "AES256" })),
        theirs("source.manage_bucket_policy", json!(false)),
        change("destinations.near.existing", json!(true))
            .beside("destinations.near.bucket", json!("acme-archive-near")),
        theirs("destinations.near.enable_versioning", json!(true)),
        theirs("destinations.near.enable_encryption", json!(false)),
        theirs("destinations.near.manage_bucket_policy", json!(false)),
        theirs("destinations.near.reachable", json!(false))
            .beside("destinations.near.account_id", json!(HOME)),
        change("source.bucket", json!("acme-other")),
        change("source.bucket_prefix", json!("other-")).beside(
            "source",
            json!({ "bucket_prefix": "acme-", "encryption": { "sse_algorithm": "aws:kms" } }),
        ),
        change("destinations.backup.bucket_prefix", json!("copies-")),
        change("source.account_id", json!(ABROAD)),
        change("source.region", json!("eu-central-1")),
        change("source.assume_role", deploy(HOME)),
        change("destinations.backup.bucket", json!("acme-elsewhere")),
        change("destinations.near.account_id", json!(THIRD)),
        change("destinations.backup.region", json!("us-east-2")),
        change(
            "destinations.backup",
            json!({ "bucket": "acme-moved", "account_id": THIRD, "region": "us-east-2" }),
        ),
        change(
            "destinations.near.assume_role",
            json!({ "role_arn": format!("arn:aws:iam::{HOME}:role/Deploy") }),
        ),
        change("destinations.backup.enabled", json!(false)),
        change("destinations.backup.priority", json!(7)),
        change("destinations.backup.storage_class", json!("GLACIER")),
        change("destinations.backup.delete_marker_replication", json!(true)),
        change("destinations.backup.filter.prefix", json!("logs/")),
        change("destinations.backup.filter.tags", json!({ "keep": "yes" })),
        change("destinations.backup.replica_modification_sync", json!(true)),
        change("destinations.backup.replication_time_control", json!(true)),
        change("destinations.backup.metrics", json!(true)),
        change("destinations.backup.owner_override", json!(true)),
        change(
            "destinations.backup.replicate_encrypted_objects",
            json!(false),
        ),
        change("role.name", json!("another")),
        change("role.name_prefix", json!("another-")),
        change("role.path", json!("/service-role/")).beside("role.name", json!("moved")),
        change("role.description", json!("another")),
        change("role.permissions_boundary", json!(BOUNDARY)),
        change("role.tags", json!({ "team": "identity" })),
        change("role.existing_arn", json!(EXISTING_ROLE)),
        change("role.manage_policy", json!(false))
            .beside("role.existing_arn", json!(EXISTING_ROLE)),
        change("tags", json!({ "team": "all" })),
        change("verification.enabled", json!(true)),
        change("verification.key_prefix", json!(".canaries/")),
        change("verification.timeout", json!("10m")),
        change("timeouts.create", json!("1h")),
        change("timeouts.read", json!("90s")),
        change("timeouts.update", json!("1h30m")),
        change("timeouts.delete", json!("2h")),
        change("destinations.backup.two_way", json!(true)),
    ]);
    changes.extend(changes_of_the_role_back());
    changes
}

/// Of the first of two rules, and that a second one comes.
pub fn of_a_rule() -> Vec<Change> {
    let rules = || {
        json!({
            "logs": { "filter": { "prefix": "logs/" } },
            "rest": { "enabled": true },
        })
    };
    [
        ("id", json!("their-name-for-it")),
        ("enabled", json!(false)),
        ("priority", json!(7)),
        ("filter.prefix", json!("traces/")),
        ("filter.tags", json!({ "keep": "yes" })),
        ("storage_class", json!("GLACIER")),
        ("delete_marker_replication", json!(true)),
        ("replica_modification_sync", json!(true)),
        ("replication_time_control", json!(true)),
        ("metrics", json!(true)),
        ("owner_override", json!(true)),
        ("replicate_encrypted_objects", json!(false)),
        ("replica_kms_key_arn", key_of(ABROAD, "us-west-2")),
    ]
    .into_iter()
    .map(|(attribute, value)| {
        let path = format!("destinations.backup.rules.logs.{attribute}");
        change(path.leak(), value).beside("destinations.backup.rules", rules())
    })
    .chain([change("destinations.backup.rules", rules())])
    .collect()
}

fn changes_of_the_role_back() -> Vec<Change> {
    let back = |path, value| change(path, value).beside("destinations.backup.two_way", json!(true));
    const NAME: &str = "destinations.backup.two_way_role.name";
    const EXISTING: &str = "destinations.backup.two_way_role.existing_arn";
    vec![
        back(NAME, json!("another")),
        back(
            "destinations.backup.two_way_role.name_prefix",
            json!("another-"),
        ),
        back(
            "destinations.backup.two_way_role.path",
            json!("/service-role/"),
        )
        .beside(NAME, json!("moved")),
        back(
            "destinations.backup.two_way_role.description",
            json!("another"),
        ),
        back(
            "destinations.backup.two_way_role.permissions_boundary",
            json!(BOUNDARY_ABROAD),
        ),
        back(
            "destinations.backup.two_way_role.tags",
            json!({ "team": "identity" }),
        ),
        back(EXISTING, json!(EXISTING_ROLE_ABROAD)),
        back(
            "destinations.backup.two_way_role.manage_policy",
            json!(false),
        )
        .beside(EXISTING, json!(EXISTING_ROLE_ABROAD)),
    ]
}

/// An `account` block of the provider.
pub fn account(id: &str) -> (String, WayIn) {
    let role = AssumeRole {
        role_arn: format!("arn:aws:iam::{id}:role/Deploy"),
        ..AssumeRole::default()
    };
    let way_in = WayIn {
        assume_role: vec![role],
        ..WayIn::default()
    };
    (id.to_owned(), way_in)
}

/// One change, there and back, as text.
async fn told(change: &Change) -> String {
    let mut terraform = change.surroundings().await;
    let (before, after) = (change.before(), change.after());
    let mut text = String::new();
    let _ = writeln!(text, "{}", change.path);
    terraform.converge(&before).await;
    take_writes(&terraform);
    let plan = terraform.plan(&after).await;
    for warning in &plan.said.warnings {
        let _ = writeln!(text, "  warning: {}", undrawn(warning));
    }
    if !plan.said.is_fine() {
        for error in &plan.said.errors {
            let _ = writeln!(text, "  error: {error}");
        }
        assert_eq!(take_writes(&terraform), Vec::<String>::new());
        return text;
    }
    for path in &plan.replaced_by {
        let _ = writeln!(text, "  replaced by: {path}");
    }
    if plan.replaced_by.is_empty() {
        for difference in differences(&terraform.state, &plan.planned) {
            let _ = writeln!(text, "  plan: {}", short(&difference));
        }
    }
    terraform.cloud.take_writes();
    if change.path.ends_with("manage_policy") {
        their_roles_grant_the_same(&terraform);
    }
    terraform.converge(&after).await;
    for write in take_writes(&terraform) {
        let _ = writeln!(text, "  writes: {write}");
    }
    if !plan.replaced_by.is_empty() {
        return text;
    }
    terraform.converge(&before).await;
    if change.path.starts_with("destinations.backup") {
        assert_no_write_for(&["near"], &terraform.cloud.take_writes(), change.path);
    }
    for write in take_writes(&terraform) {
        let _ = writeln!(text, "  back: {write}");
    }
    text
}

/// The owners of existing roles do as the warning says, before ours goes.
fn their_roles_grant_the_same(terraform: &Terraform) {
    let mut aws = terraform.cloud.aws.state();
    let theirs = aws
        .roles
        .iter_mut()
        .filter(|((_, name), _)| name == "existing");
    for (_, role) in theirs {
        let ours = role.policies.clone().into_iter();
        let same = ours.map(|(name, document)| (format!("theirs-{name}"), document));
        role.policies.extend(same);
    }
}

fn take_writes(terraform: &Terraform) -> Vec<String> {
    let writes = std::mem::take(&mut terraform.cloud.aws.state().writes);
    writes.iter().map(|write| undrawn(write)).collect()
}

/// The text with a word for what an apply drew for a name: 26 digits, others each time.
fn undrawn(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c: char| !c.is_ascii_digit());
        let (digits, after) = from.split_at(end.unwrap_or(from.len()));
        shown.push_str(before);
        shown.push_str(if digits.len() == 26 {
            "<drawn>"
        } else {
            digits
        });
        rest = after;
    }
    shown + rest
}

/// Whole documents are told by their beginning; that they are right is the business of other tests.
fn short(text: &str) -> String {
    let text = &undrawn(text);
    let mut shown: String = text.chars().take(150).collect();
    if shown.len() < text.len() {
        shown.push_str(" ...");
    }
    shown
}

#[tokio::test(start_paused = true)]
async fn each_change_is_planned_written_and_taken_back_as_it_stands_here() {
    let mut text = String::new();
    for change in changes() {
        text.push_str(&told(&change).await);
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_attribute_that_can_be_written_has_its_change() {
    let mut wanted = BTreeSet::new();
    leaves("", &schema().block.attributes, &mut wanted);
    let mut told: BTreeSet<String> = changes().iter().map(|c| pattern(c.path)).collect();
    // A whole destination says nothing of the attributes in it.
    told.remove("destinations.*");
    let missing: Vec<&String> = wanted
        .iter()
        .filter(|leaf| {
            !told
                .iter()
                .any(|path| path == *leaf || leaf.starts_with(&format!("{path}.")))
        })
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
}

/// Every attribute without attributes of its own; the key of a map is a star.
fn leaves(path: &str, attributes: &[Attribute], found: &mut BTreeSet<String>) {
    for attribute in attributes.iter().filter(|a| a.configurable()) {
        let here = if path.is_empty() {
            attribute.name.clone()
        } else {
            format!("{path}.{}", attribute.name)
        };
        match &attribute.ty {
            AttributeType::Nested(Nesting::Single, inner) => leaves(&here, inner, found),
            AttributeType::Nested(Nesting::Map, inner) => {
                leaves(&format!("{here}.*"), inner, found);
            }
            _ => {
                found.insert(here);
            }
        }
    }
}

/// The path of an attribute in the schema: keys of maps become stars.
fn pattern(path: &str) -> String {
    let mut steps: Vec<&str> = path.split('.').collect();
    for at in 1..steps.len() {
        if ["destinations", "rules", "lifecycle_rules"].contains(&steps[at - 1]) {
            steps[at] = "*";
        }
    }
    steps.join(".")
}
