//! Documents with one grant too few or one too many: each is named.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::*;

const ROLE: &str = "arn:aws:iam::111111111111:role/service-role/replication";
const SOURCE_KEY: &str = "arn:aws:kms:ap-southeast-2:111111111111:key/source";
const REPLICA_KEY: &str = "arn:aws:kms:us-west-2:222222222222:key/replica";

/// What is done to a picture in which everything is right.
type Change = fn(&mut Picture);

fn conditions(region: &str, bucket: &str) -> Value {
    json!({
        "StringEquals": { "kms:ViaService": format!("s3.{region}.amazonaws.com") },
        "StringLike": { "kms:EncryptionContext:aws:s3:arn": [
            format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*"),
        ] },
    })
}

fn statement(sid: &str, actions: &[&str], resource: &str) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource })
}

fn for_role(mut statement: Value) -> Value {
    statement["Principal"] = json!({ "AWS": ROLE });
    statement
}

fn under(mut statement: Value, conditions: Value) -> Value {
    statement["Condition"] = conditions;
    statement
}

fn key(account: &str, region: &str, component: &str, statements: &[Value]) -> Key {
    let root = json!({
        "Sid": "EnableIAMUserPermissions",
        "Effect": "Allow",
        "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
        "Action": "kms:*",
        "Resource": "*",
    });
    let statements: Vec<&Value> = std::iter::once(&root).chain(statements).collect();
    Key {
        account: account.to_owned(),
        region: region.to_owned(),
        enabled: true,
        policy: json!({ "Statement": statements }),
        owner: Some("111111111111/archive".to_owned()),
        component: Some(component.to_owned()),
    }
}

fn bucket(account: &str, region: &str, name: &str, key: &str) -> Bucket {
    Bucket {
        arn: format!("arn:aws:s3:::{name}"),
        account: account.to_owned(),
        region: region.to_owned(),
        policy: Value::Null,
        versioned: true,
        object_lock: false,
        owner_enforced: false,
        encryption: Encryption {
            kms: true,
            key: Some(key.to_owned()),
            bucket_key: true,
        },
        object_keys: BTreeSet::new(),
        plain_objects: false,
        replication: None,
    }
}

/// Across accounts and regions under KMS, with delete markers, owner override and Object Lock: everything that
/// S3 ever asks for.
fn everything() -> Picture {
    let replicate = [
        "s3:ReplicateObject",
        "s3:ReplicateTags",
        "s3:ReplicateDelete",
        "s3:ObjectOwnerOverrideToBucketOwner",
    ];
    let read = [
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging",
        "s3:GetObjectRetention",
        "s3:GetObjectLegalHold",
    ];
    let encrypt = ["kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"];
    let at_source = conditions("ap-southeast-2", "archive");
    let at_copy = conditions("us-west-2", "copy");
    let read_bucket = ["s3:GetReplicationConfiguration", "s3:ListBucket"];
    let role = Role {
        account: "111111111111".to_owned(),
        ours: true,
        trust: json!({ "Statement": {
            "Sid": "AssumedByS3",
            "Effect": "Allow",
            "Principal": { "Service": "s3.amazonaws.com" },
            "Action": "sts:AssumeRole",
        } }),
        policies: BTreeMap::from([(
            "replication".to_owned(),
            json!({ "Statement": [
            statement("ReadBucket", &read_bucket, "arn:aws:s3:::archive"),
            statement("Read", &read, "arn:aws:s3:::archive/*"),
            statement("Write", &replicate, "arn:aws:s3:::copy/*"),
            under(statement("Decrypt", &["kms:Decrypt"], SOURCE_KEY), at_source),
            under(statement("Encrypt", &encrypt, REPLICA_KEY), at_copy.clone()),
        ] }),
        )]),
    };
    let mut archive = bucket("111111111111", "ap-southeast-2", "archive", SOURCE_KEY);
    archive.object_lock = true;
    archive.replication = Some(Replication {
        role: ROLE.to_owned(),
        rules: vec![Rule {
            id: "replicated-copy".to_owned(),
            prefix: String::new(),
            kms_objects: true,
            delete_markers: true,
            bucket: "copy".to_owned(),
            account: Some("222222222222".to_owned()),
            owner_override: true,
            replica_key: Some(REPLICA_KEY.to_owned()),
        }],
    });
    let mut copy = bucket("222222222222", "us-west-2", "copy", REPLICA_KEY);
    copy.object_lock = true;
    let look = ["s3:GetBucketVersioning", "s3:ListBucket"];
    copy.policy = json!({ "Statement": [
        for_role(statement("ReplicatedObjects", &replicate, "arn:aws:s3:::copy/*")),
        for_role(statement("ReplicatedBucket", &look, "arn:aws:s3:::copy")),
    ] });
    let replica = under(for_role(statement("ReplicatedKey", &encrypt, "*")), at_copy);
    Picture {
        buckets: BTreeMap::from([("archive".to_owned(), archive), ("copy".to_owned(), copy)]),
        roles: BTreeMap::from([(ROLE.to_owned(), role)]),
        keys: BTreeMap::from([
            (
                SOURCE_KEY.to_owned(),
                key("111111111111", "ap-southeast-2", "source/key", &[]),
            ),
            (
                REPLICA_KEY.to_owned(),
                key(
                    "222222222222",
                    "us-west-2",
                    "destination/copy/key",
                    &[replica],
                ),
            ),
        ]),
    }
}

fn archive(picture: &mut Picture) -> &mut Bucket {
    picture.buckets.get_mut("archive").unwrap()
}

fn copy(picture: &mut Picture) -> &mut Bucket {
    picture.buckets.get_mut("copy").unwrap()
}

fn rule(picture: &mut Picture) -> &mut Rule {
    &mut archive(picture).replication.as_mut().unwrap().rules[0]
}

fn grants_of_role(picture: &mut Picture) -> &mut Value {
    let role = picture.roles.get_mut(ROLE).unwrap();
    role.policies.get_mut("replication").unwrap()
}

fn policy_of(key: &str) -> impl Fn(&mut Picture) -> &mut Value {
    move |picture| &mut picture.keys.get_mut(key).unwrap().policy
}

/// Every document with grants of ours, and its name in findings.
type Place = (&'static str, Box<dyn Fn(&mut Picture) -> &mut Value>);

fn documents() -> Vec<Place> {
    vec![
        (
            "the trust of",
            Box::new(|p| &mut p.roles.get_mut(ROLE).unwrap().trust),
        ),
        ("polic", Box::new(grants_of_role)),
        (
            "the policy of bucket copy",
            Box::new(|p| &mut copy(p).policy),
        ),
        ("key/replica", Box::new(policy_of(REPLICA_KEY))),
    ]
}

fn findings(picture: &Picture) -> Vec<String> {
    evaluate(picture).unwrap().findings()
}

#[test]
fn everything_that_s3_asks_for_is_allowed_and_nothing_more() {
    let evaluation = evaluate(&everything()).unwrap();
    assert_eq!(evaluation.findings(), Vec::<String>::new());
    // Two on the source, five on its objects, four and two at the copy, the role, and four on keys, each for the
    // bucket and for its objects.
    assert_eq!(
        evaluation.summary(),
        "requests allowed 22, excess grants none"
    );
}

#[test]
fn each_grant_that_is_missing_is_named_with_its_document() {
    let mut taken = 0;
    for (name, document) in documents() {
        let whole = document(&mut everything()).clone();
        let statements = documents::statements(&whole).len();
        for at in 0..statements {
            let statement = documents::statements(&whole)[at].clone();
            if statement["Sid"] == "EnableIAMUserPermissions" {
                continue;
            }
            for action in documents::grants(&json!({ "Statement": statement })) {
                let mut picture = everything();
                let found = document(&mut picture);
                if found["Statement"].is_object() {
                    found["Statement"] = json!([found["Statement"]]);
                }
                let actions = &mut found["Statement"][at]["Action"];
                let kept: Vec<Value> = match actions.take() {
                    Value::Array(all) => all.into_iter().filter(|a| a != action.action).collect(),
                    _ => Vec::new(),
                };
                *actions = kept.into();
                let findings = findings(&picture);
                assert!(
                    !findings.is_empty(),
                    "{name} can do without {}",
                    action.action
                );
                for finding in findings {
                    assert!(
                        finding.contains(action.action),
                        "{} {finding}",
                        action.action
                    );
                    assert!(finding.contains(name), "{name}: {finding}");
                    assert!(finding.contains("does not allow it"), "{finding}");
                }
                taken += 1;
            }
        }
    }
    // The trust, fifteen of the role, six of the bucket and three of the key.
    assert_eq!(taken, 25);
}

#[test]
fn each_grant_that_nobody_asks_for_is_named_with_its_document() {
    for (name, document) in documents() {
        for (element, value) in [
            ("Action", json!("s3:PutBucketVersioning")),
            ("Action", json!("s3:*")),
            ("Action", json!("*")),
            ("Resource", json!("arn:aws:s3:::somebody-elses/*")),
            (
                "Principal",
                json!({ "AWS": "arn:aws:iam::111111111111:root" }),
            ),
            ("Principal", json!("*")),
        ] {
            if element == "Principal" && name == "polic"
                || element == "Resource" && name == "the trust of"
            {
                continue;
            }
            let mut picture = everything();
            let found = document(&mut picture);
            if found["Statement"].is_object() {
                found["Statement"] = json!([found["Statement"]]);
            }
            let statements = found["Statement"].as_array_mut().unwrap();
            let mut more = statements.last().unwrap().clone();
            more[element] = value.clone();
            more["Sid"] = json!("ReplicatedMore");
            statements.push(more);
            let excess = evaluate(&picture).unwrap().excess;
            assert!(!excess.is_empty(), "{name}: {element} {value}");
            for finding in excess {
                assert!(
                    finding.contains(name) && finding.contains("ReplicatedMore"),
                    "{finding}"
                );
            }
        }
    }
}

#[test]
fn a_role_of_ours_has_nothing_but_our_policies() {
    let theirs = json!({ "Statement": statement("Theirs", &["s3:GetObject"], "*") });
    for (ours, expected) in [(true, 1), (false, 0)] {
        let mut picture = everything();
        let role = picture.roles.get_mut(ROLE).unwrap();
        role.ours = ours;
        let name = "arn:aws:iam::111111111111:policy/theirs".to_owned();
        role.policies.insert(name, theirs.clone());
        let excess = evaluate(&picture).unwrap().excess;
        assert_eq!(excess.len(), expected, "{excess:#?}");
    }
}

#[test]
fn a_grant_that_lost_its_reason_is_excess() {
    let cases: [(Change, &[&str]); 6] = [
        (|p| rule(p).delete_markers = false, &["s3:ReplicateDelete"]),
        (
            |p| rule(p).owner_override = false,
            &["s3:ObjectOwnerOverrideToBucketOwner"],
        ),
        (
            |p| archive(p).object_lock = false,
            &["s3:GetObjectRetention", "s3:GetObjectLegalHold"],
        ),
        (
            |p| {
                archive(p).encryption.bucket_key = false;
                copy(p).encryption.bucket_key = false;
            },
            &["kms:Decrypt", "kms:GenerateDataKey"],
        ),
        (
            |p| {
                rule(p).kms_objects = false;
                rule(p).replica_key = None;
            },
            &["kms:"],
        ),
        (
            |p| {
                let key = p.keys.remove(SOURCE_KEY).unwrap();
                let other = "arn:aws:kms:ap-southeast-2:111111111111:key/other";
                p.keys.insert(other.to_owned(), key);
                archive(p).encryption.key = Some(other.to_owned());
            },
            &["kms:Decrypt"],
        ),
    ];
    for (change, expected) in cases {
        let mut picture = everything();
        change(&mut picture);
        let excess = evaluate(&picture).unwrap().excess;
        assert!(!excess.is_empty(), "{expected:?}");
        for action in expected {
            assert!(
                excess.iter().any(|line| line.contains(action)),
                "{action}: {excess:#?}"
            );
        }
        for line in excess {
            assert!(
                expected.iter().any(|action| line.contains(action)),
                "{line}"
            );
        }
    }
}

#[test]
fn a_grant_on_a_key_that_holds_outside_s3_is_excess() {
    for condition in ["StringEquals", "StringLike"] {
        for (name, document) in documents().into_iter().skip(1) {
            let mut picture = everything();
            let found = document(&mut picture);
            let statement = found["Statement"]
                .as_array_mut()
                .unwrap()
                .last_mut()
                .unwrap();
            if statement["Condition"].is_null() {
                continue;
            }
            statement["Condition"]
                .as_object_mut()
                .unwrap()
                .remove(condition);
            let excess = evaluate(&picture).unwrap().excess;
            let told = excess
                .iter()
                .filter(|line| line.contains(name) && line.contains("holds for more"));
            assert_eq!(told.count(), excess.len(), "{excess:#?}");
            assert!(!excess.is_empty(), "{name} without {condition}");
        }
    }
}

#[test]
fn a_deny_anywhere_stands_above_every_grant() {
    let deny = json!({
        "Sid": "DenyPlainHttpAndOthers",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:ReplicateTags", "kms:Encrypt"],
        "Resource": "*",
    });
    for (_, document) in documents().into_iter().skip(1) {
        let mut picture = everything();
        let statements = &mut document(&mut picture)["Statement"];
        let mut deny = deny.clone();
        if statements[0]["Principal"].is_null() {
            deny["Principal"].take();
        }
        statements.as_array_mut().unwrap().push(deny);
        let findings = findings(&picture);
        assert!(!findings.is_empty());
        for finding in findings {
            assert!(
                finding.contains("denies it by statement \"DenyPlainHttpAndOthers\""),
                "{finding}"
            );
        }
    }
}

#[test]
fn a_deny_of_plain_http_stops_nothing() {
    let mut picture = everything();
    copy(&mut picture).policy["Statement"]
        .as_array_mut()
        .unwrap()
        .push(json!({
            "Sid": "DenyPlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": ["arn:aws:s3:::copy", "arn:aws:s3:::copy/*"],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }));
    assert_eq!(findings(&picture), Vec::<String>::new());
}

#[test]
fn the_account_of_a_key_decides_by_iam_only_within_itself() {
    // The replica's key is given to the role's account instead of to the role: enough, but more than is asked.
    let mut picture = everything();
    let policy = &mut picture.keys.get_mut(REPLICA_KEY).unwrap().policy;
    policy["Statement"][1]["Principal"] = json!({ "AWS": "arn:aws:iam::111111111111:root" });
    let evaluation = evaluate(&picture).unwrap();
    assert!(
        evaluation
            .answers
            .iter()
            .all(|answer| answer.missing.is_empty())
    );
    assert_eq!(evaluation.excess.len(), 3, "{:#?}", evaluation.excess);

    // The source's key without the statement of its account: IAM alone is not enough any more.
    let mut picture = everything();
    policy_of(SOURCE_KEY)(&mut picture)["Statement"] = json!([]);
    let findings = findings(&picture);
    assert_eq!(findings.len(), 2, "{findings:#?}");
    assert!(findings[0].contains(
        "the policy of arn:aws:kms:ap-southeast-2:111111111111:key/source does not allow it"
    ));
}

#[test]
fn in_one_account_the_role_is_enough_and_more_is_excess() {
    let mut picture = everything();
    copy(&mut picture).account = "111111111111".to_owned();
    rule(&mut picture).account = Some("111111111111".to_owned());
    let all = evaluate(&picture).unwrap();
    assert!(
        all.answers.iter().all(|answer| answer.missing.is_empty()),
        "{all}"
    );
    assert_eq!(all.excess.len(), 6, "{:#?}", all.excess);
    copy(&mut picture).policy = Value::Null;
    assert_eq!(findings(&picture), Vec::<String>::new());
}

#[test]
fn keys_that_objects_are_under_and_keys_of_before_are_needed_as_well() {
    let others = ["foreign", "retired"].map(|id| SOURCE_KEY.replace("/source", &format!("/{id}")));
    for (at, owner) in [None, Some("111111111111/archive".to_owned())]
        .into_iter()
        .enumerate()
    {
        let mut picture = everything();
        let mut other = key("111111111111", "ap-southeast-2", "source/key", &[]);
        other.owner = owner.clone();
        picture.keys.insert(others[at].clone(), other);
        if owner.is_none() {
            archive(&mut picture).object_keys.insert(others[at].clone());
        }
        let findings = findings(&picture);
        assert_eq!(findings.len(), 2, "{findings:#?}");
        for finding in findings {
            assert!(
                finding.contains("kms:Decrypt") && finding.contains(&others[at]),
                "{finding}"
            );
        }
    }
}

#[test]
fn a_state_in_which_nothing_replicates_is_named() {
    let cases: [(Change, &str); 6] = [
        (
            |p| archive(p).versioned = false,
            "bucket archive is not versioned",
        ),
        (
            |p| copy(p).versioned = false,
            "bucket copy is not versioned",
        ),
        (
            |p| copy(p).object_lock = false,
            "bucket copy has no Object Lock",
        ),
        (|p| rule(p).account = None, "says that it belongs to None"),
        (
            |p| p.keys.get_mut(REPLICA_KEY).unwrap().enabled = false,
            "it is disabled or not in us-west-2",
        ),
        (
            |p| p.keys.get_mut(REPLICA_KEY).unwrap().region.push('0'),
            "it is disabled or not in us-west-2",
        ),
    ];
    for (change, expected) in cases {
        let mut picture = everything();
        change(&mut picture);
        let findings = findings(&picture);
        assert_eq!(findings.len(), 1, "{expected}: {findings:#?}");
        assert!(findings[0].contains(expected), "{}", findings[0]);
    }
}

#[test]
fn what_is_not_there_at_all_is_an_error() {
    for gone in ["copy", ROLE, REPLICA_KEY] {
        let mut picture = everything();
        picture.buckets.remove(gone);
        picture.roles.remove(gone);
        picture.keys.remove(gone);
        let error = evaluate(&picture).unwrap_err().to_string();
        assert!(
            error.starts_with("there is no ") && error.contains(gone),
            "{error}"
        );
    }
}

#[test]
fn the_table_says_of_each_request_what_it_lacks() {
    let mut picture = everything();
    copy(&mut picture).policy = Value::Null;
    let evaluation = evaluate(&picture).unwrap();
    let table = evaluation.to_string();
    assert!(table.contains(
        "  allowed  sts:AssumeRole on arn:aws:iam::111111111111:role/service-role/replication\n"
    ));
    assert!(table.contains(
        "  missing  s3:ReplicateObject on arn:aws:s3:::copy/letter.txt\n             \
         the policy of bucket copy does not allow it\n"
    ));
    assert_eq!(
        evaluation.summary(),
        "requests allowed 16 of 22, excess grants none"
    );
}
