//! What the operator's policy allows, held against the calls that the provider really makes: all of them are
//! allowed, and nothing is granted that none of them takes.
//!
//! Each setup is made once in vain, made, mended after somebody has changed everything by hand, and destroyed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use terraform_provider_replicated::execution::cloud::CallErrorKind;
use terraform_provider_replicated::framework::value::{Type, Value};
use terraform_provider_replicated::replication::operation::{Expiration, LifecycleRule, Moment};
use terraform_provider_replicated::replication::policy::{Element, PolicyDocument};

use crate::configs::{ABROAD, HOME, THIRD, deploy, document, with};
use crate::existing::stands;
use crate::fake::{Bucket, ManagedPolicy, State};
use crate::functions::literal;
use crate::random::{existing_key, existing_role, surroundings};
use crate::recorded::{Asked, Recorded, asked};
use crate::terraform::Terraform;

const SOURCE: &str = "acme-archive";
pub const OWNER_TAG: &str = "replicated:owner";
const OWNER: &str = "111111111111/acme-archive";
const NEAR: (&str, &str) = (HOME, "eu-west-1");
const FAR: (&str, &str) = (ABROAD, "us-west-2");

/// A setup with what it has at one destination, `backup`, and in its source.
fn setup(source: Json, backup: Json) -> Json {
    let mut config = json!({
        "source": { "bucket": SOURCE, "region": NEAR.1, "account_id": HOME },
        "destinations": { "backup": { "region": FAR.1, "assume_role": deploy(ABROAD) } },
        "tags": { "team": "archive" },
    });
    let members = |json: Json| json.as_object().unwrap().clone();
    config["source"]
        .as_object_mut()
        .unwrap()
        .extend(members(source));
    let destination = &mut config["destinations"]["backup"];
    destination.as_object_mut().unwrap().extend(members(backup));
    config
}

/// The setups of the examples among [`setups`].
pub const EXAMPLES: [&str; 8] = [
    "cross-account-kms",
    "existing-buckets",
    "many-to-one",
    "object-lock",
    "one-to-many-regions",
    "rules",
    "same-account-lifecycle",
    "two-way",
];

/// The setups of the examples, by their folder, and some that have what these have not.
pub fn setups() -> BTreeMap<&'static str, Json> {
    let kms = json!({ "encryption": { "sse_algorithm": "aws:kms" } });
    let named =
        |place| json!({ "sse_algorithm": "aws:kms", "kms_key_arn": existing_key(place, 0) });
    let lifecycle =
        json!({ "old": { "noncurrent_version_expiration": { "noncurrent_days": 21 } } });
    let locked = json!({
        "object_lock": { "mode": "GOVERNANCE", "days": 365, "bypass_governance_on_destroy": true },
        "force_destroy": true,
    });
    let near = |config: Json| {
        with(
            &with(&config, "destinations.backup.assume_role", Json::Null),
            "destinations.backup.region",
            json!("us-east-1"),
        )
    };
    let kept = json!({ "encryption": { "sse_algorithm": "aws:kms" }, "retain_on_destroy": true });
    BTreeMap::from([
        (
            "one-to-many-regions",
            with(
                &near(setup(kept.clone(), kept)),
                "role",
                json!({ "path": "/service-role/" }),
            ),
        ),
        (
            "same-account-lifecycle",
            near(setup(
                json!({ "lifecycle_rules": lifecycle }),
                json!({ "lifecycle_rules": lifecycle, "encryption": { "sse_algorithm": "AES256" } }),
            )),
        ),
        ("cross-account-kms", setup(kms.clone(), json!({}))),
        (
            "existing-buckets",
            setup(
                json!({ "existing": true, "enable_versioning": true, "enable_encryption": true, "encryption": named(NEAR) }),
                json!({ "encryption": named(FAR), "manage_key_policy": true }),
            ),
        ),
        (
            "rules",
            setup(
                json!({ "encryption": named(NEAR) }),
                json!({
                    "encryption": named(FAR),
                    "manage_key_policy": true,
                    "rules": { "one": { "filter": { "prefix": "a/" }, "metrics": true }, "other": { "filter": { "prefix": "b/" }, "replica_kms_key_arn": existing_key(FAR, 1) } },
                }),
            ),
        ),
        ("two-way", setup(kms.clone(), json!({ "two_way": true }))),
        ("many-destinations", many(setup(kms.clone(), json!({})))),
        (
            "many-to-one",
            setup(
                json!({}),
                json!({ "bucket": "acme-logs", "existing": true, "encryption": { "sse_algorithm": "AES256" } }),
            ),
        ),
        ("object-lock", setup(locked.clone(), locked)),
        (
            "verified",
            with(
                &setup(
                    kms.clone(),
                    json!({ "filter": { "prefix": "deeds/", "tags": { "keep": "yes" } } }),
                ),
                "verification",
                json!({ "enabled": true }),
            ),
        ),
        (
            "verified under a key of somebody else's",
            with(
                &setup(
                    json!({ "existing": true, "enable_versioning": true, "enable_encryption": true, "encryption": named(NEAR) }),
                    json!({ "encryption": named(FAR), "manage_key_policy": true }),
                ),
                "verification",
                json!({ "enabled": true }),
            ),
        ),
        (
            "a role that is left as it is",
            with(
                &setup(json!({}), json!({})),
                "role",
                json!({ "existing_arn": existing_role(HOME), "manage_policy": false }),
            ),
        ),
        (
            "exclusive policies, a boundary and unusual keys",
            with(
                &setup(
                    json!({
                        "exclusive_policy": true,
                        "force_destroy": true,
                        "encryption": { "sse_algorithm": "aws:kms", "key": { "enable_key_rotation": false, "enabled": false } },
                    }),
                    json!({ "require_tls": true, "encryption": { "sse_algorithm": "aws:kms", "key": { "multi_region": true } } }),
                ),
                "role",
                json!({ "permissions_boundary": BOUNDARY }),
            ),
        ),
    ])
}

/// The setup with so many destinations that one inline policy cannot tell of them all.
fn many(mut config: Json) -> Json {
    let backup = config["destinations"]["backup"].clone();
    for number in 0..40 {
        config["destinations"]
            [format!("copy-for-the-readers-of-the-archive-in-oregon-{number:02}")] = backup.clone();
    }
    config
}

/// The world before the setup: keys, a role, and the buckets that the setup finds.
pub async fn world(config: &Json) -> Terraform {
    let terraform = Terraform::new();
    surroundings(&terraform);
    for (pointer, account, region) in [
        ("/source", HOME, NEAR.1),
        ("/destinations/backup", ABROAD, FAR.1),
    ] {
        let side = config.pointer(pointer).unwrap();
        if side["existing"] == json!(true) {
            stands(
                &terraform,
                account,
                region,
                side["bucket"].as_str().unwrap(),
            )
            .await;
        }
    }
    if config["source"]["enable_versioning"] == json!(true) {
        terraform
            .cloud
            .aws
            .state()
            .buckets
            .get_mut(SOURCE)
            .unwrap()
            .versioning = None;
    }
    let mut aws = terraform.cloud.aws.state();
    aws.is_unaudited = true;
    for arn in THEIR_POLICIES.into_iter().chain([BOUNDARY]) {
        let anything = json!({ "Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*" });
        let policy = ManagedPolicy {
            versions: vec![(
                "v1".to_owned(),
                PolicyDocument::parse(&document(&[anything])).unwrap(),
            )],
            tags: BTreeMap::new(),
            serial: 1,
        };
        aws.managed_policies.insert(arn.to_owned(), policy);
    }
    let id = (HOME.to_owned(), "existing".to_owned());
    let role = aws.roles.get_mut(&id).unwrap();
    role.attached.extend(THEIR_POLICIES.map(str::to_owned));
    drop(aws);
    terraform
}

const THEIR_POLICIES: [&str; 2] = [
    "arn:aws:iam::111111111111:policy/theirs",
    "arn:aws:iam::aws:policy/AmazonS3FullAccess",
];

/// What somebody bounds a role by that nobody configured. A refresh looks at it, and says nothing where it may not.
const BOUNDARY_BY_HAND: &str = "arn:aws:iam::111111111111:policy/Theirs";

/// A policy that bounds a role.
const BOUNDARY: &str = "arn:aws:iam::111111111111:policy/Boundary";

pub fn is_theirs(policy_arn: &str) -> bool {
    policy_arn == BOUNDARY || THEIR_POLICIES.contains(&policy_arn)
}

fn is_ours(tags: &BTreeMap<String, String>) -> bool {
    tags.get(OWNER_TAG).map(String::as_str) == Some(OWNER)
}

/// What somebody changes by hand, one after the other.
const CHANGES: [fn(&mut State); 4] = [settings_change, things_go, keys_end, abac];

fn our_buckets(aws: &mut State) -> impl Iterator<Item = &mut Bucket> {
    aws.buckets
        .values_mut()
        .filter(|bucket| is_ours(&bucket.tags))
}

fn settings_change(aws: &mut State) {
    for (name, bucket) in &mut aws.buckets {
        if !is_ours(&bucket.tags) {
            continue;
        }
        bucket.ownership = "ObjectWriter".to_owned();
        bucket.public_access_block = None;
        bucket.tags.insert("by".to_owned(), "hand".to_owned());
        bucket.encryption.bucket_key_enabled = !bucket.encryption.bucket_key_enabled;
        bucket.encryption.sse_algorithm = "AES256".to_owned();
        bucket.encryption.kms_key = None;
        let rule = LifecycleRule {
            enabled: true,
            expiration: Some(Expiration::At(Moment::Days(1))),
            ..LifecycleRule::default()
        };
        let lifecycle = bucket.lifecycle.get_or_insert_default();
        lifecycle.rules.insert("by-hand".to_owned(), rule);
        if bucket.object_lock.is_none() {
            bucket.versioning = Some("Suspended".to_owned());
        }
        let statement = json!({ "Effect": "Allow", "Principal": { "AWS": THIRD }, "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{name}/*") });
        bucket.policy = Some(PolicyDocument::parse(&document(&[statement])).unwrap());
    }
    for key in aws.keys.values_mut().filter(|key| is_ours(&key.tags)) {
        key.description = "?".to_owned();
        key.rotation = match key.rotation {
            Some(_) => None,
            None => Some(365),
        };
        key.tags.insert("by".to_owned(), "hand".to_owned());
        key.tags.remove("team");
        key.policy.statements.truncate(1);
        let theirs = json!({ "Effect": "Allow", "Principal": { "AWS": THIRD }, "Action": "kms:Decrypt", "Resource": "*" });
        let theirs = PolicyDocument::parse(&document(&[theirs])).unwrap();
        key.policy.statements.extend(theirs.statements);
    }
    for role in aws.roles.values_mut() {
        if is_ours(&role.description.tags) {
            role.description.description = "?".to_owned();
            role.description.trust_policy = r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned();
            let boundary = BOUNDARY_BY_HAND.to_owned();
            role.description.permissions_boundary = Some(boundary);
            role.description
                .tags
                .insert("by".to_owned(), "hand".to_owned());
            role.description.tags.remove("team");
        }
        role.policies.clear();
    }
    for policy in aws.managed_policies.values_mut() {
        if is_ours(&policy.tags) {
            policy.tags.insert("by".to_owned(), "hand".to_owned());
            policy.tags.remove("team");
            for (_, document) in &mut policy.versions {
                document.statements.truncate(1);
            }
        }
    }
}

fn things_go(aws: &mut State) {
    for bucket in aws.buckets.values_mut() {
        bucket.replication = None;
    }
    for bucket in our_buckets(aws) {
        bucket.policy = None;
        bucket.tags.remove("team");
    }
    for key in aws.keys.values_mut().filter(|key| is_ours(&key.tags)) {
        key.state = "PendingDeletion".to_owned();
        key.window_days = Some(30);
    }
    for role in aws
        .roles
        .values_mut()
        .filter(|role| is_ours(&role.description.tags))
    {
        role.description.permissions_boundary = None;
    }
}

fn keys_end(aws: &mut State) {
    aws.aliases.clear();
    aws.keys.retain(|_, key| !is_ours(&key.tags));
    aws.roles.retain(|_, role| !is_ours(&role.description.tags));
}

fn abac(aws: &mut State) {
    for bucket in our_buckets(aws) {
        bucket.abac = Some((CallErrorKind::Invalid, "MethodNotAllowed"));
        bucket.tags.insert("by".to_owned(), "hand".to_owned());
        bucket.tags.remove("team");
    }
    for role in aws
        .roles
        .values_mut()
        .filter(|role| is_ours(&role.description.tags))
    {
        role.attached
            .push("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned());
    }
}

/// The setup with other keys: an update to what it is moves the aliases to new ones.
fn with_other_keys(config: &Json) -> Json {
    let mut other = config.clone();
    let destinations = config["destinations"].as_object().unwrap();
    let destinations = destinations.keys().map(|key| format!("destinations.{key}"));
    for side in std::iter::once("source".to_owned()).chain(destinations) {
        let at = |name: &str| format!("/{}/encryption{name}", side.replace('.', "/"));
        let own = config.pointer(&at(""));
        let encryption = own.unwrap_or(&config["source"]["encryption"]);
        let is_own = encryption["sse_algorithm"] == json!("aws:kms");
        if is_own && encryption.get("kms_key_arn").is_none() {
            let is_multi_region = encryption["key"]["multi_region"] == json!(true);
            other = with(
                &other,
                &format!("{side}.encryption.sse_algorithm"),
                json!("aws:kms"),
            );
            other = with(
                &other,
                &format!("{side}.encryption.key.multi_region"),
                json!(!is_multi_region),
            );
        }
    }
    other
}

/// The calls of a look at the status. Whose a bucket is by its tags it asks of every one, and does without an answer.
async fn looked_at(terraform: &Terraform) -> Vec<Recorded> {
    let config = json!({ "import_id": terraform.at("/import_id") });
    let told = terraform.data("replicated_bucket_status", &config).await;
    assert_eq!(told.unwrap()["bucket"], json!(SOURCE));
    let mut calls = terraform.cloud.record();
    calls.retain(|recorded| recorded.call.name() != "s3:GetBucketTagging");
    calls
}

/// Leads a setup through its life; the calls of all plans, and all calls.
async fn lived(name: &str, config: &Json) -> (Vec<Recorded>, Vec<Recorded>) {
    let mut terraform = world(config).await;
    let (mut plans, mut all) = (Vec::new(), Vec::new());
    terraform.cloud.record();
    terraform.plan(config).await;
    plans.extend(terraform.cloud.record());
    let last = format!("PutBucketReplication {SOURCE}");
    terraform.cloud.refuse(&last);
    let said = terraform.apply(config).await;
    assert!(!said.is_fine(), "{name}");
    assert!(terraform.state.is_null(), "{name}: {said:?}");
    terraform.cloud.recover();
    all.extend(terraform.cloud.record());
    let other = with_other_keys(config);
    if other != *config {
        let said = terraform.apply(&other).await;
        assert_eq!(said.details, Vec::<String>::new(), "{name}");
        terraform.cloud.record();
    }
    terraform.plan(config).await;
    plans.extend(terraform.cloud.record());
    let said = terraform.apply(config).await;
    assert_eq!(said.details, Vec::<String>::new(), "{name}");
    all.extend(terraform.cloud.record());
    plans.extend(looked_at(&terraform).await);
    let long = terraform.cloud.aws.state().managed_policies.len() > THEIR_POLICIES.len() + 1;
    assert_eq!(long, name == "many-destinations");
    for change in CHANGES {
        change(&mut terraform.cloud.aws.state());
        all.extend(terraform.cloud.record());
        terraform.plan(config).await;
        plans.extend(terraform.cloud.record());
        let said = terraform.apply(config).await;
        assert_eq!(said.details, Vec::<String>::new(), "{name}");
    }
    for bucket in our_buckets(&mut terraform.cloud.aws.state()) {
        if config.pointer("/source/force_destroy").is_some() && bucket.account == HOME
            || config
                .pointer("/destinations/backup/force_destroy")
                .is_some()
        {
            bucket.put_object("object");
            bucket.uploads.push(("part".to_owned(), "1".to_owned()));
        }
    }
    let said = terraform.destroy().await;
    assert_eq!(said.details, Vec::<String>::new(), "{name}");
    all.extend(terraform.cloud.record());
    (plans, all)
}

/// The operator's policies of a setup, by account.
async fn policies(config: &Json, access: &str) -> BTreeMap<String, PolicyDocument> {
    let terraform = Terraform::new();
    let (value, ty) = literal(&with(config, "access", json!(access)));
    let told = terraform.call("operator_policy", value, ty).await;
    let told = told.unwrap_or_else(|why| panic!("{why}\n{config}"));
    let Value::Map(documents) = told else {
        panic!("{told:?}");
    };
    let text = |value: &Value| value.to_json(&Type::String).unwrap();
    let parsed = |value| PolicyDocument::parse(text(value).as_str().unwrap()).unwrap();
    documents
        .iter()
        .map(|(account, value)| (account.clone(), parsed(value)))
        .collect()
}

fn refused(asked: &[Asked], policies: &BTreeMap<String, PolicyDocument>) -> BTreeSet<String> {
    let refused = asked.iter().filter(|asked| {
        let document = policies.get(&asked.account);
        let in_vain =
            asked.request.resource == BOUNDARY_BY_HAND && asked.request.action == "iam:GetPolicy";
        !in_vain && document.is_none_or(|document| !asked.is_allowed_by(document))
    });
    refused
        .map(|asked| {
            let (account, request) = (&asked.account, &asked.request);
            let (action, resource) = (&request.action, &request.resource);
            format!("{account}: {action} of {} on {resource}", asked.call)
        })
        .collect()
}

/// Each action of each statement on each resource by itself.
fn single_grants(document: &PolicyDocument) -> Vec<(String, PolicyDocument)> {
    let mut singles = Vec::new();
    for statement in &document.statements {
        for action in statement.actions_named() {
            for resource in statement.resource.iter().flat_map(|all| all.inner()) {
                let mut single = statement.clone();
                single.action = Some(Element::Is(vec![action.clone()]));
                single.resource = Some(Element::Is(vec![resource.clone()]));
                singles.push((action.clone(), PolicyDocument::new(vec![single])));
            }
        }
    }
    singles
}

/// The document without each of its actions, one at a time.
fn one_action_less(document: &PolicyDocument) -> Vec<(String, PolicyDocument)> {
    let statements = document.statements.iter();
    let actions: BTreeSet<String> = statements
        .flat_map(|statement| statement.actions_named())
        .cloned()
        .collect();
    let without = |action: &String| {
        let mut fewer = document.clone();
        for statement in &mut fewer.statements {
            if let Some(Element::Is(granted)) = &mut statement.action {
                granted.retain(|granted| granted != action);
            }
        }
        fewer
    };
    actions
        .into_iter()
        .map(|action| (action.clone(), without(&action)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn every_call_is_allowed_and_every_grant_is_needed() {
    let mut findings = BTreeSet::new();
    for (name, config) in setups() {
        let (plans, mut all) = lived(name, &config).await;
        let mut found = |what: String| findings.insert(format!("{name}: {what}"));
        let read = policies(&config, "read").await;
        for lacking in refused(&asked(&plans), &read) {
            found(format!("a plan may not {lacking}"));
        }
        all.extend(plans);
        let write = policies(&config, "write").await;
        let asked = asked(&all);
        for lacking in refused(&asked, &write) {
            found(format!("an apply may not {lacking}"));
        }
        for (account, document) in &write {
            let mut by_action: BTreeMap<&str, Vec<&Asked>> = BTreeMap::new();
            for asked in asked.iter().filter(|asked| asked.account == *account) {
                let of_action = by_action.entry(&asked.request.action);
                of_action.or_default().push(asked);
            }
            for (action, single) in single_grants(document) {
                let mut asked = by_action.get(action.as_str()).into_iter().flatten();
                if !asked.any(|asked| asked.is_allowed_by(&single)) {
                    found(format!("{account}: nothing takes {single}"));
                }
            }
            for (action, fewer) in one_action_less(document) {
                let mut asked = by_action.get(action.as_str()).into_iter().flatten();
                if asked.all(|asked| asked.is_allowed_by(&fewer)) {
                    found(format!("{account}: nothing is refused without {action}"));
                }
            }
        }
    }
    assert_eq!(findings, BTreeSet::new());
}

#[tokio::test]
async fn a_policy_names_what_it_grants_as_a_person_would() {
    let config = &setups()["cross-account-kms"];
    let mut text = String::new();
    for access in ["read", "write"] {
        for (account, document) in policies(config, access).await {
            text += &format!("{access} {account}\n{}\n", document.pretty());
        }
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn what_access_may_be_is_told() {
    let terraform = Terraform::new();
    let config = with(&setups()["cross-account-kms"], "access", json!("all"));
    let (value, ty) = literal(&config);
    let refused = terraform
        .call("operator_policy", value, ty)
        .await
        .unwrap_err();
    assert_eq!(refused, "access: this is \"write\" or \"read\".");
}
