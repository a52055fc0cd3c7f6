//! Configurations that nobody thought of, with unknown values anywhere.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value as Json, json};
use terraform_provider_replicated::replication::operation::RoleDescription;
use terraform_provider_replicated::replication::policy::{PolicyDocument, Statement};
use tokio::time::Instant;

use crate::configs::{ABROAD, HOME, THIRD, UNKNOWN, deploy, policy, with};
use crate::existing::stands;
use crate::fake::{Key, Role};
use crate::terraform::{SOMEBODYS_KEY, Terraform};

/// Where destinations live: account and region. What is the provider's own may be left out.
const PLACES: [(&str, &str); 4] = [
    (HOME, "eu-west-1"),
    (ABROAD, "us-west-2"),
    (THIRD, "eu-west-1"),
    (HOME, "us-east-1"),
];

/// The role of somebody else's in each account.
pub fn existing_role(account: &str) -> String {
    format!("arn:aws:iam::{account}:role/service/Existing")
}

/// A key of somebody else's in an account and region.
pub fn existing_key((account, region): (&str, &str), number: usize) -> String {
    format!("arn:aws:kms:{region}:{account}:{SOMEBODYS_KEY}00000000000{number}")
}

/// What stands around: keys and a role that the configurations may name.
pub fn surroundings(terraform: &Terraform) {
    let mut aws = terraform.cloud.aws.state();
    let anyone = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}]}"#;
    for place in PLACES {
        let mut policy = PolicyDocument::parse(anyone).unwrap();
        policy.statements.extend(root_statement(place.0));
        for number in 0..2 {
            let key = Key {
                description: "somebody's".to_owned(),
                state: "Enabled".to_owned(),
                multi_region: false,
                policy: policy.clone(),
                rotation: None,
                tags: BTreeMap::new(),
                window_days: None,
                since: Instant::now(),
            };
            aws.keys.insert(existing_key(place, number), key);
        }
    }
    for account in [HOME, ABROAD, THIRD] {
        let role = existing_role_of(account);
        aws.roles
            .insert((account.to_owned(), "existing".to_owned()), role);
    }
}

/// A role of somebody else's.
fn existing_role_of(account: &str) -> Role {
    Role {
        description: RoleDescription {
            arn: existing_role(account),
            unique_id: format!("AROAEXISTING{account}"),
            path: "/service/".to_owned(),
            description: "somebody's".to_owned(),
            permissions_boundary: None,
            trust_policy: r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:AssumeRole"}}"#.to_owned(),
            tags: BTreeMap::new(),
            created: None,
        },
        policies: BTreeMap::new(),
        attached: Vec::new(),
        since: Instant::now(),
        lost_policy: None,
    }
}

/// What gives a key to its account.
fn root_statement(account: &str) -> Vec<Statement> {
    let text = format!(
        r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":"kms:*","Resource":"*"}}}}"#
    );
    PolicyDocument::parse(&text).unwrap().statements
}

/// An object whose members are each written or not.
fn object(members: Vec<(&'static str, BoxedStrategy<Json>)>) -> BoxedStrategy<Json> {
    let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let values: Vec<_> = members
        .into_iter()
        .map(|(_, value)| proptest::option::weighted(0.4, value))
        .collect();
    values
        .prop_map(move |values| {
            let written = names.iter().zip(values);
            Json::Object(
                written
                    .filter_map(|(name, value)| Some(((*name).to_owned(), value?)))
                    .collect(),
            )
        })
        .boxed()
}

/// Null when it says nothing, because an object that is written and says nothing is refused.
fn meant(strategy: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    let silent = |json: &Json| {
        json.as_object()
            .is_some_and(|o| o.values().all(Json::is_null))
    };
    strategy
        .prop_map(move |json| if silent(&json) { Json::Null } else { json })
        .boxed()
}

fn of<const N: usize>(values: [Json; N]) -> BoxedStrategy<Json> {
    select(values.to_vec()).boxed()
}

fn switch() -> BoxedStrategy<Json> {
    of([json!(true), json!(false), Json::Null])
}

fn tags() -> BoxedStrategy<Json> {
    of([
        Json::Null,
        json!({}),
        json!({ "team": "archive" }),
        json!({ "team": "storage", "cost": "7" }),
    ])
}

fn key(alias: String) -> BoxedStrategy<Json> {
    meant(object(vec![
        ("alias", of([Json::Null, json!(alias)])),
        ("description", of([json!("Ours"), json!("Theirs")])),
        ("deletion_window_in_days", of([json!(7), json!(30)])),
        ("enable_key_rotation", switch()),
        ("rotation_period_in_days", of([json!(90), json!(400)])),
        ("multi_region", switch()),
        ("enabled", switch()),
        ("policy", policies("*")),
        ("tags", tags()),
    ]))
}

fn encryption(place: (&'static str, &'static str), name: &str) -> BoxedStrategy<Json> {
    let own = key(format!("alias/own-{name}"));
    let own_key = (own, switch()).prop_map(|(key, bucket_key)| {
        json!({ "sse_algorithm": "aws:kms", "key": key, "kms_key_arn": null, "bucket_key_enabled": bucket_key })
    });
    let own = key(format!("alias/own-{name}"));
    let blocked = of([json!(["SSE-C"]), json!(["NONE"]), Json::Null]);
    let two_layers = (own, blocked).prop_map(|(key, blocked)| {
        json!({ "sse_algorithm": "aws:kms:dsse", "key": key, "kms_key_arn": null, "blocked_encryption_types": blocked })
    });
    prop_oneof![
        Just(Json::Null),
        Just(json!({ "sse_algorithm": "AES256", "key": null, "kms_key_arn": null })),
        own_key,
        two_layers,
        (0..2_usize, any::<bool>()).prop_map(move |(number, told)| json!({
            "kms_key_arn": existing_key(place, number),
            "key": null,
            "sse_algorithm": if told { json!("aws:kms") } else { Json::Null },
        })),
    ]
    .boxed()
}

fn side(
    place: (&'static str, &'static str),
    name: &str,
) -> Vec<(&'static str, BoxedStrategy<Json>)> {
    let block = [
        "block_public_acls",
        "block_public_policy",
        "ignore_public_acls",
        "restrict_public_buckets",
    ];
    vec![
        ("account_id", of([json!(place.0), Json::Null])),
        ("force_destroy", switch()),
        ("encryption", encryption(place, name)),
        (
            "public_access_block",
            meant(object(block.map(|name| (name, switch())).to_vec())),
        ),
        (
            "object_ownership",
            of([json!("BucketOwnerPreferred"), json!("BucketOwnerEnforced")]),
        ),
        ("policy", policies(&format!("arn:aws:s3:::{name}/*"))),
        ("require_tls", switch()),
        ("exclusive_policy", switch()),
        ("lifecycle_rules", lifecycle_rules()),
        ("manage_key_policy", switch()),
        ("tags", tags()),
    ]
}

fn lifecycle_rules() -> BoxedStrategy<Json> {
    let narrowed = object(vec![
        ("enabled", switch()),
        ("tags", of([Json::Null, json!({ "kind": "log" })])),
        (
            "expiration",
            of([json!({ "days": 365 }), json!({ "days": 400 })]),
        ),
        (
            "transitions",
            of([
                json!([{ "days": 30, "storage_class": "STANDARD_IA" }]),
                json!([{ "days": 90, "storage_class": "GLACIER" }, { "days": 30, "storage_class": "STANDARD_IA" }]),
            ]),
        ),
    ])
    .prop_map(|mut rule| {
        rule["prefix"] = json!("logs/");
        rule["noncurrent_version_expiration"] = json!({ "noncurrent_days": 21 });
        rule
    });
    let everywhere = of([
        json!({ "abort_incomplete_multipart_upload_days": 7 }),
        json!({ "expiration": { "expired_object_delete_marker": true }, "whole_bucket": true }),
        json!({ "expiration": { "date": "2040-01-31T00:00:00Z" }, "whole_bucket": true }),
    ]);
    prop_oneof![
        Just(json!({})),
        narrowed.prop_map(|rule| json!({ "logs": rule })),
        everywhere.prop_map(|rule| json!({ "all": rule })),
    ]
    .boxed()
}

/// The policy of a key can be managed only where there is a key of somebody else's.
fn only_with_existing_key(mut side: Json) -> Json {
    if side
        .pointer("/encryption/kms_key_arn")
        .is_none_or(Json::is_null)
    {
        side.as_object_mut().unwrap().remove("manage_key_policy");
    }
    side
}

fn policies(resource: &str) -> BoxedStrategy<Json> {
    of([
        policy("s3:GetObject", resource),
        policy("kms:DescribeKey", resource),
        Json::Null,
    ])
}

fn destination(letter: char, place: usize, named: bool) -> BoxedStrategy<Json> {
    let name = if named {
        format!("acme-p{place}")
    } else {
        format!("acme-archive-{letter}")
    };
    let at = PLACES[if named { place } else { letter as usize % 4 }];
    let mut members = side(at, &name);
    let letter = letter as i64;
    members.extend([
        ("enabled", switch()),
        ("priority", of([json!(letter), Json::Null])),
        ("rules", rules(letter, at)),
    ]);
    members.extend(of_a_rule());
    let role_back = role(at.0, &format!("copier-{name}"));
    (
        object(members).prop_map(only_with_existing_key),
        any::<bool>(),
        any::<bool>(),
        proptest::option::weighted(0.3, role_back),
    )
        .prop_map(move |(written, told, begins, two_way)| {
            let mut written = written.as_object().cloned().unwrap_or_default();
            if let Some(role) = two_way {
                written.insert("two_way".to_owned(), json!(true));
                written.insert("two_way_role".to_owned(), role);
            }
            // A policy names its bucket.
            let begins = begins && !written.contains_key("policy");
            if named {
                let attribute = if begins { "bucket_prefix" } else { "bucket" };
                written.insert(attribute.to_owned(), json!(name));
            }
            if told || at.1 != "eu-west-1" {
                written.insert("region".to_owned(), json!(at.1));
            }
            if at.0 != HOME {
                written.insert("assume_role".to_owned(), deploy(at.0));
            }
            if told {
                // Written, so that it may be unknown.
                written.insert("existing".to_owned(), json!(false));
            }
            reconciled(&mut written);
            Json::Object(written)
        })
        .boxed()
}

/// What a destination and each of its rules may say.
fn of_a_rule() -> Vec<(&'static str, BoxedStrategy<Json>)> {
    vec![
        (
            "storage_class",
            of([json!("STANDARD_IA"), json!("GLACIER")]),
        ),
        (
            "filter",
            of([
                json!({ "prefix": "" }),
                json!({ "prefix": "logs/" }),
                json!({ "prefix": "data/", "tags": { "keep": "yes" } }),
                json!({ "tags": { "keep": "yes", "why": "law" } }),
            ]),
        ),
        ("delete_marker_replication", switch()),
        ("replica_modification_sync", switch()),
        ("replication_time_control", switch()),
        ("metrics", of([json!(true), Json::Null])),
        ("owner_override", switch()),
        (
            "replicate_encrypted_objects",
            of([json!(false), Json::Null]),
        ),
    ]
}

fn rules(number: i64, at: (&'static str, &'static str)) -> BoxedStrategy<Json> {
    let rule = |name: &'static str, place: i64| {
        let mut members = vec![
            (
                "id",
                of([json!(format!("own-{number}-{name}")), Json::Null]),
            ),
            ("enabled", switch()),
            ("priority", of([json!(number * 10 + place), Json::Null])),
            (
                "replica_kms_key_arn",
                of([json!(existing_key(at, 0)), Json::Null]),
            ),
        ];
        members.extend(of_a_rule());
        let speaking = object(members).prop_map(|mut rule| {
            rule["enabled"] = rule.get("enabled").cloned().unwrap_or(json!(true));
            if rule.as_object().unwrap().values().all(Json::is_null) {
                rule["enabled"] = json!(true);
            }
            rule
        });
        (name, speaking.boxed())
    };
    let named = object(vec![rule("default", 1), rule("logs", 2), rule("rest", 3)]);
    let none = |json: &Json| json.as_object().is_some_and(Map::is_empty);
    named
        .prop_map(move |rules| if none(&rules) { Json::Null } else { rules })
        .boxed()
}

/// Takes out of a destination what its rules cannot say together.
fn reconciled(destination: &mut Map<String, Json>) {
    let own = destination.clone();
    let Some(rules) = destination.get_mut("rules").and_then(Json::as_object_mut) else {
        reconcile(destination, &own);
        return;
    };
    for rule in rules.values_mut().filter_map(Json::as_object_mut) {
        reconcile(rule, &own);
    }
    destination.insert("priority".to_owned(), Json::Null);
}

fn reconcile(rule: &mut Map<String, Json>, own: &Map<String, Json>) {
    let said = |name: &str| {
        let written = rule.get(name).filter(|value| !value.is_null());
        written
            .or_else(|| own.get(name))
            .cloned()
            .unwrap_or_default()
    };
    if said("delete_marker_replication") == json!(true) && said("filter")["tags"].is_object() {
        rule.insert("delete_marker_replication".to_owned(), json!(false));
    }
    if rule.get("replica_kms_key_arn").is_some_and(Json::is_string) {
        rule.insert("replicate_encrypted_objects".to_owned(), json!(true));
    }
}

/// A destination whose bucket is somebody else's; one of them is out of reach.
fn theirs(letter: char) -> BoxedStrategy<Json> {
    let at = PLACES[letter as usize % 4];
    let number = letter as i64;
    let out_of_reach = letter == 'a';
    let key = (0..2_usize).prop_map(move |number| json!({ "sse_algorithm": "aws:kms", "kms_key_arn": existing_key(at, number) }));
    let mut members = vec![
        ("enabled", switch()),
        ("priority", of([json!(number), Json::Null])),
        ("rules", rules(number, at)),
    ];
    members.extend(of_a_rule());
    if out_of_reach {
        members.push(("encryption", key.boxed()));
    } else {
        members.extend([
            ("account_id", of([json!(at.0), Json::Null])),
            ("encryption", encryption(at, &their_bucket(letter))),
            ("enable_versioning", switch()),
            ("manage_bucket_policy", of([json!(true), Json::Null])),
            ("manage_key_policy", switch()),
        ]);
    }
    let role_back = role(at.0, &format!("copier-{letter}"));
    let two_way = proptest::option::weighted(0.3, role_back);
    (object(members).prop_map(only_with_existing_key), two_way)
        .prop_map(move |(written, two_way)| {
            let mut written = written.as_object().cloned().unwrap_or_default();
            let mut put = |name: &str, value: Json| written.insert(name.to_owned(), value);
            put("bucket", json!(their_bucket(letter)));
            put("existing", json!(true));
            put("region", json!(at.1));
            if out_of_reach {
                put("reachable", json!(false));
                put("account_id", json!(at.0));
            } else {
                if at.0 != HOME {
                    put("assume_role", deploy(at.0));
                }
                if let Some(role) = two_way {
                    put("two_way", json!(true));
                    put("two_way_role", role);
                }
            }
            reconciled(&mut written);
            Json::Object(written)
        })
        .boxed()
}

/// A bucket of somebody else's.
fn their_bucket(letter: char) -> String {
    format!("their-{letter}")
}

/// A source that is somebody else's.
fn their_source() -> BoxedStrategy<Json> {
    let written = encryption(PLACES[0], "acme-archive").prop_map(|encryption| match encryption {
        Json::Null => json!({}),
        encryption => json!({ "encryption": encryption, "enable_encryption": true }),
    });
    let told = Just(json!({ "encryption": { "sse_algorithm": "AES256" } }));
    let silent = of([json!({}), json!({ "enable_versioning": true })]);
    prop_oneof![3 => written, 1 => told, 1 => silent]
        .prop_map(|mut source| {
            source["bucket"] = json!("acme-archive");
            source["existing"] = json!(true);
            source
        })
        .boxed()
}

fn destinations() -> BoxedStrategy<Json> {
    let permuted = Just(vec![0_usize, 1, 2, 3]).prop_shuffle();
    (
        permuted,
        proptest::collection::vec(proptest::option::of(0..3_u8), 4),
    )
        .prop_filter("at least one destination", |(_, given)| {
            given.iter().any(Option::is_some)
        })
        .prop_flat_map(|(places, given)| {
            let chosen: Vec<_> = ['a', 'b', 'c', 'd']
                .into_iter()
                .zip(places)
                .zip(given)
                .filter_map(|((letter, place), kind)| {
                    let one = match kind? {
                        2 => theirs(letter),
                        kind => destination(letter, place, kind == 1),
                    };
                    Some(one.prop_map(move |json| (letter.to_string(), json)))
                })
                .collect();
            chosen.prop_map(|all| Json::Object(all.into_iter().collect::<Map<_, _>>()))
        })
        .boxed()
}

/// A role of an account; `name` is what one is called that stands elsewhere.
fn role(account: &str, name: &str) -> BoxedStrategy<Json> {
    let own = meant(object(vec![
        ("path", of([json!("/"), Json::Null])),
        ("description", of([json!("Copies"), json!("Replicates")])),
        (
            "permissions_boundary",
            of([json!(format!("arn:aws:iam::{account}:policy/Boundary"))]),
        ),
        ("tags", tags()),
    ]));
    // A role cannot move under its name.
    let elsewhere = json!({ "name": name, "path": "/replication/" });
    prop_oneof![
        3 => Just(Json::Null),
        4 => own,
        1 => Just(elsewhere),
        1 => Just(json!({ "name_prefix": "copier-" })),
        1 => Just(json!({ "existing_arn": existing_role(account), "name": null, "description": null })),
    ]
    .boxed()
}

/// Configurations of one source, which is ours or somebody else's.
fn configs() -> BoxedStrategy<Vec<Json>> {
    let ours = object(side(PLACES[0], "acme-archive")).prop_map(|source| {
        let mut source = only_with_existing_key(source);
        source["bucket"] = json!("acme-archive");
        source
    });
    prop_oneof![
        2 => proptest::collection::vec(config(ours.boxed()), 1..4),
        1 => proptest::collection::vec(config(their_source()), 1..4),
    ]
    .boxed()
}

fn config(source: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    let timeouts = of([Json::Null, json!({ "create": "1h", "read": "30m" })]);
    let verification = of([
        Json::Null,
        json!({ "enabled": false }),
        json!({ "enabled": true }),
        json!({ "key_prefix": "canaries/", "timeout": "10m" }),
    ]);
    let whole = (
        source,
        destinations(),
        role(HOME, "copier"),
        tags(),
        timeouts,
        verification,
    );
    whole
        .prop_map(
            |(source, destinations, role, tags, timeouts, verification)| {
                let config = json!({
                    "source": source,
                    "destinations": destinations,
                    "role": role,
                    "tags": tags,
                    "timeouts": timeouts,
                });
                match objects_can_cross(&config) {
                    true => with(&config, "verification", verification),
                    false => config,
                }
            },
        )
        .boxed()
}

/// Whether no key is meant to be disabled, and every account is entered: else a canary fails, as it should.
fn objects_can_cross(config: &Json) -> bool {
    let destinations = config["destinations"].as_object().into_iter().flatten();
    let mut sides = destinations
        .map(|(_, side)| side)
        .chain([&config["source"]]);
    sides.all(|side| {
        side["reachable"] != json!(false) && side["encryption"]["key"]["enabled"] != json!(false)
    })
}

/// What the owner of a bucket out of reach wrote into its policy, because nobody else can.
fn policy_for(account: &str, bucket: &str) -> PolicyDocument {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":"s3:*","Resource":["arn:aws:s3:::{bucket}","arn:aws:s3:::{bucket}/*"]}}}}"#
    );
    PolicyDocument::parse(&text).unwrap()
}

/// What the configurations of a source may name: buckets, keys and roles of others.
async fn world_of(config: &Json) -> Terraform {
    let terraform = Terraform::new();
    surroundings(&terraform);
    if config["source"]["existing"] == json!(true) {
        stands(&terraform, HOME, "eu-west-1", "acme-archive").await;
    }
    for letter in ['a', 'b', 'c', 'd'] {
        let (account, region) = PLACES[letter as usize % 4];
        stands(&terraform, account, region, &their_bucket(letter)).await;
    }
    let anything = policy_for(HOME, &their_bucket('a'));
    let mut aws = terraform.cloud.aws.state();
    aws.buckets.get_mut("their-a").unwrap().policy = Some(anything);
    drop(aws);
    terraform
}

/// The configuration without what AWS does not tell an import: the key of a destination whose rules have other IDs
/// than ours, which keys writers use beside the bucket's own, and how replicas arrive in buckets of others.
fn told_by_aws(config: &Json) -> Json {
    let mut config = config.clone();
    let destinations = config["destinations"].as_object_mut().unwrap();
    destinations.retain(|_, side| side["existing"] != json!(true));
    let forget = |side: &mut Json| {
        if let Some(encryption) = side["encryption"].as_object_mut() {
            encryption.remove("additional_kms_key_arns");
            if encryption.values().all(Json::is_null) {
                side["encryption"] = Json::Null;
            }
        }
        let rules = side.get_mut("rules").and_then(Json::as_object_mut);
        for (_, rule) in rules.into_iter().flatten() {
            rule.as_object_mut().unwrap().remove("id");
        }
    };
    forget(&mut config["source"]);
    for (_, destination) in config["destinations"].as_object_mut().unwrap() {
        forget(destination);
    }
    config
}

/// Every bucket, without what only the AWS in memory remembers.
fn as_their_owners_see_them(terraform: &Terraform) -> String {
    let mut buckets = terraform.cloud.aws.state().buckets.clone();
    for bucket in buckets.values_mut() {
        bucket.versioned = None;
        bucket.replication_before = None;
        bucket.policy_before = None;
        bucket.keys_used.clear();
        bucket.objects.clear();
        bucket.put = 0;
    }
    format!("{buckets:#?}")
}

/// The configuration with some of its values unknown.
fn veiled(config: &Json, picks: &[Index]) -> Json {
    let mut places = Vec::new();
    pointers(config, String::new(), &mut places);
    let mut veiled = config.clone();
    for pick in picks {
        let place: &String = pick.get(&places);
        if let Some(place) = veiled.pointer_mut(place) {
            *place = json!(UNKNOWN);
        }
    }
    veiled
}

fn pointers(json: &Json, at: String, found: &mut Vec<String>) {
    for (name, value) in json.as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        pointers(value, at.clone(), found);
        found.push(at);
    }
}

fn run<F: Future<Output = ()>>(future: F) {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_planned_with_unknown_values_is_applied_as_planned_and_then_plans_empty(
        configs in configs(),
        picks in proptest::collection::vec(proptest::collection::vec(any::<Index>(), 0..5), 4),
    ) {
        run(async {
            let mut terraform = world_of(&configs[0]).await;
            let before = as_their_owners_see_them(&terraform);
            for (config, picks) in configs.iter().zip(&picks) {
                let said = terraform.apply_later(&veiled(config, picks), config).await;
                assert_eq!(said.errors, Vec::<String>::new());
                terraform.assert_settled(config).await;
            }
            let said = terraform.destroy().await;
            assert_eq!(said.errors, Vec::<String>::new());
            assert_eq!(as_their_owners_see_them(&terraform), before);
            let aws = terraform.cloud.aws.state();
            assert_eq!(aws.roles.len(), 3);
            let mut ungranted = aws.ungranted.clone();
            ungranted.retain(|what| {
                let kept_out = what.contains("passes over objects under KMS keys");
                let somebodys = what.contains("kms:Decrypt") && what.contains(SOMEBODYS_KEY);
                // `enabled = false` of a key is meant; one that is disabled otherwise shows as not settled.
                let disabled = what.contains(" cannot be used ");
                let left = terraform.keys_left.iter().any(|key| what.contains(key));
                !(kept_out || somebodys || disabled || left)
            });
            assert_eq!(ungranted, Vec::<String>::new());
        });
    }

    #[test]
    fn what_is_generated_for_an_import_of_anything_is_accepted_and_plans_empty(
        configs in configs(),
    ) {
        let config = &told_by_aws(&configs[0]);
        prop_assume!(config["source"]["existing"] != json!(true));
        prop_assume!(config["destinations"] != json!({}));
        run(async {
            let mut first = world_of(config).await;
            for account in [ABROAD, THIRD] {
                let (account, way_in) = crate::updates::account(account);
                first.settings.accounts.insert(account, way_in);
            }
            let said = first.apply(config).await;
            assert_eq!(said.errors, Vec::<String>::new());
            let mut second = Terraform::over(first.cloud.clone());
            second.settings = first.settings.clone();
            let id = first.at("/import_id");
            let said = second.import(id.as_str().unwrap()).await;
            assert_eq!(said.errors, Vec::<String>::new());
            let generated = second.generated().await;
            let plan = second.plan(&generated).await;
            assert_eq!(plan.said.errors, Vec::<String>::new());
            let differences = crate::terraform::differences(&second.state, &plan.planned);
            assert_eq!(differences, Vec::<String>::new());
        });
    }
}
