//! Every variation of replication against the grants that are written for it.
//!
//! For each row of the fact sheet's table of variations the requests that S3 makes are listed here, by hand
//! and apart from the builders. Each must be allowed by whoever has to allow it, and nothing may be granted
//! beyond them: with any action, resource or encryption context taken away, some request must fail.

use std::collections::BTreeMap;

use super::document::{Element, PolicyDocument, Statement};
use super::evaluate::{Decision, Request, evaluate};
use super::{
    DestinationGrant, RoleGrants, SourceGrant, destination_key_statement, destination_statements,
    key_policy, role_policy, source_key_statement, trust_policy,
};
use crate::replication::ids::{AccountId, Arn, BucketName, Partition, Region};
use crate::replication::operation::Input;

const OWNER: &str = "111111111111/acme-archive";
const SOURCE_KEY: &str = "arn:aws:kms:eu-west-1:111111111111:key/source";
const REPLICA_KEY: &str = "arn:aws:kms:us-west-2:222222222222:key/replica";

fn role() -> Arn {
    Arn::parse_role("arn:aws:iam::111111111111:role/replication-acme-archive").unwrap()
}

/// One source and one destination with SSE-S3 and nothing special.
fn plain() -> RoleGrants {
    RoleGrants {
        partition: Partition::parse("aws").unwrap(),
        source: SourceGrant {
            bucket: BucketName::parse("acme-archive").unwrap(),
            region: Region::parse("eu-west-1").unwrap(),
            keys: vec![],
            object_lock: false,
        },
        destinations: vec![DestinationGrant {
            key: "backup".into(),
            bucket: BucketName::parse("acme-archive-backup").unwrap(),
            region: Region::parse("us-west-2").unwrap(),
            replica_keys: vec![],
            plain_object_keys: vec![],
            bucket_key_enabled: false,
            delete_markers: false,
            owner_override: false,
        }],
    }
}

fn with(change: impl FnOnce(&mut RoleGrants)) -> RoleGrants {
    let mut grants = plain();
    change(&mut grants);
    grants
}

fn with_kms(change: impl FnOnce(&mut DestinationGrant)) -> RoleGrants {
    with(|grants| {
        grants.source.keys = vec![Input::Known(SOURCE_KEY.into())];
        grants.destinations[0].replica_keys = vec![Input::Known(REPLICA_KEY.into())];
        change(&mut grants.destinations[0]);
    })
}

/// The variations by name.
fn variations() -> Vec<(&'static str, RoleGrants)> {
    vec![
        ("SSE-S3", plain()),
        ("SSE-KMS or DSSE-KMS without bucket keys", with_kms(|_| {})),
        ("bucket keys", with_kms(|d| d.bucket_key_enabled = true)),
        (
            "plain objects into KMS",
            with_kms(|d| d.plain_object_keys.clone_from(&d.replica_keys)),
        ),
        (
            "plain objects and bucket keys",
            with_kms(|d| {
                d.plain_object_keys.clone_from(&d.replica_keys);
                d.bucket_key_enabled = true;
            }),
        ),
        (
            "plain objects only",
            with_kms(|d| d.plain_object_keys = std::mem::take(&mut d.replica_keys)),
        ),
        (
            "plain objects only and bucket keys",
            with_kms(|d| {
                d.plain_object_keys = std::mem::take(&mut d.replica_keys);
                d.bucket_key_enabled = true;
            }),
        ),
        (
            "owner override",
            with(|g| g.destinations[0].owner_override = true),
        ),
        (
            "delete markers",
            with(|g| g.destinations[0].delete_markers = true),
        ),
        ("Object Lock", with(|g| g.source.object_lock = true)),
        (
            "everything",
            with_kms(|d| {
                d.bucket_key_enabled = true;
                d.delete_markers = true;
                d.owner_override = true;
            }),
        ),
    ]
}

fn request(action: &str, resource: &str) -> Request {
    Request {
        principal: role().to_string(),
        bounded: false,
        action: action.into(),
        resource: resource.into(),
        context: BTreeMap::new(),
    }
}

/// Uses of a key for a bucket's objects: one with a bucket key, one without.
fn key_requests(action: &str, key: &str, region: &str, bucket: &str) -> Vec<Request> {
    [bucket.to_owned(), format!("{bucket}/2026/photo.jpg")]
        .map(|context| {
            let mut request = request(action, key);
            request.context = BTreeMap::from([
                (
                    "kms:ViaService".into(),
                    vec![format!("s3.{region}.amazonaws.com")],
                ),
                ("kms:EncryptionContext:aws:s3:arn".into(), vec![context]),
            ]);
            request
        })
        .into()
}

/// What the role itself must be allowed.
fn role_requests(grants: &RoleGrants) -> Vec<Request> {
    let source = "arn:aws:s3:::acme-archive";
    let source_object = "arn:aws:s3:::acme-archive/2026/photo.jpg";
    let mut requests = vec![
        request("s3:GetReplicationConfiguration", source),
        request("s3:ListBucket", source),
        request("s3:GetObjectVersionForReplication", source_object),
        request("s3:GetObjectVersionAcl", source_object),
        request("s3:GetObjectVersionTagging", source_object),
    ];
    if grants.source.object_lock {
        requests.push(request("s3:GetObjectRetention", source_object));
        requests.push(request("s3:GetObjectLegalHold", source_object));
    }
    requests.extend(source_key_requests(grants));
    let destination = &grants.destinations[0];
    requests.extend(replica_requests(destination));
    requests.extend(replica_key_requests(destination));
    requests
}

fn source_key_requests(grants: &RoleGrants) -> Vec<Request> {
    if grants.source.keys.is_empty() {
        return vec![];
    }
    key_requests(
        "kms:Decrypt",
        SOURCE_KEY,
        "eu-west-1",
        "arn:aws:s3:::acme-archive",
    )
}

/// What is written at the destination: the destination's owner must allow it, too.
fn replica_requests(destination: &DestinationGrant) -> Vec<Request> {
    let replica = "arn:aws:s3:::acme-archive-backup/2026/photo.jpg";
    let mut actions = vec!["s3:ReplicateObject", "s3:ReplicateTags"];
    if destination.delete_markers {
        actions.push("s3:ReplicateDelete");
    }
    if destination.owner_override {
        actions.push("s3:ObjectOwnerOverrideToBucketOwner");
    }
    actions
        .into_iter()
        .map(|action| request(action, replica))
        .collect()
}

/// What is done with the replica's key: the key's owner must allow it, too.
fn replica_key_requests(destination: &DestinationGrant) -> Vec<Request> {
    let encrypts = !destination.replica_keys.is_empty();
    let meets_plain = !destination.plain_object_keys.is_empty();
    if !encrypts && !meets_plain {
        return vec![];
    }
    let mut actions = Vec::new();
    if encrypts {
        actions.push("kms:Encrypt");
    }
    if meets_plain || destination.bucket_key_enabled {
        actions.push("kms:GenerateDataKey");
    }
    if destination.bucket_key_enabled {
        actions.push("kms:Decrypt");
    }
    actions.into_iter().flat_map(replica_key_uses).collect()
}

fn replica_key_uses(action: &str) -> Vec<Request> {
    key_requests(
        action,
        REPLICA_KEY,
        "us-west-2",
        "arn:aws:s3:::acme-archive-backup",
    )
}

fn destination_policy(destination: &DestinationGrant) -> PolicyDocument {
    PolicyDocument::new(destination_statements(OWNER, &role(), destination))
}

fn replica_key_policy(destination: &DestinationGrant) -> PolicyDocument {
    let account = AccountId::parse("222222222222").unwrap();
    let statement = destination_key_statement(OWNER, &role(), destination);
    key_policy(&account, &role().partition, [statement])
}

fn allows(document: &PolicyDocument, request: &Request) -> bool {
    evaluate(&[document], request) == Decision::Allowed
}

#[track_caller]
fn assert_least(name: &str, document: &PolicyDocument, requests: &[Request]) {
    for request in requests {
        assert!(allows(document, request), "{name}: {request:?}");
    }
    for (what, less) in with_one_grant_less(document) {
        let needed = requests.iter().any(|request| !allows(&less, request));
        assert!(needed, "{name}: no request needs {what}");
    }
}

/// The document again and again, each time without one action, resource or value of a condition.
fn with_one_grant_less(document: &PolicyDocument) -> Vec<(String, PolicyDocument)> {
    let mut all = Vec::new();
    for (index, statement) in document.statements.iter().enumerate() {
        let mut push = |what: String, change: &dyn Fn(&mut Statement)| {
            let mut less = document.clone();
            change(&mut less.statements[index]);
            all.push((format!("{what} in {:?}", statement.sid), less));
        };
        if let Some(Element::Is(actions)) = &statement.action {
            for (i, action) in actions.iter().enumerate() {
                push(action.clone(), &|s| {
                    s.action = s.action.as_ref().map(|e| e.map(|all| without(all, i)));
                });
            }
        }
        if let Some(Element::Is(resources)) = &statement.resource {
            for (i, resource) in resources.iter().enumerate() {
                push(resource.to_string(), &|s| {
                    s.resource = s.resource.as_ref().map(|e| e.map(|all| without(all, i)));
                });
            }
        }
        for (operator, keys) in &statement.condition {
            for (key, values) in keys {
                for (i, value) in values.iter().enumerate() {
                    push(value.clone(), &|s| {
                        let values = s.condition.get_mut(operator).unwrap().get_mut(key).unwrap();
                        values.remove(i);
                    });
                }
            }
        }
    }
    all
}

fn without<T: Clone>(all: &[T], index: usize) -> Vec<T> {
    let mut less = all.to_vec();
    less.remove(index);
    less
}

#[test]
fn the_role_may_do_what_each_variation_needs_and_no_more() {
    for (name, grants) in variations() {
        assert_least(name, &role_policy(&grants), &role_requests(&grants));
    }
}

#[test]
fn a_destination_in_another_account_allows_what_each_variation_needs_and_no_more() {
    for (name, grants) in variations() {
        let destination = &grants.destinations[0];
        let mut requests = replica_requests(destination);
        // On the bucket itself AWS asks for two rights that the role's own policy does not name.
        for action in ["s3:GetBucketVersioning", "s3:ListBucket"] {
            requests.push(request(action, "arn:aws:s3:::acme-archive-backup"));
        }
        assert_least(name, &destination_policy(destination), &requests);
    }
}

#[test]
fn a_key_in_another_account_allows_what_each_variation_needs_and_no_more() {
    for (name, grants) in variations() {
        let destination = &grants.destinations[0];
        if destination.replica_keys.is_empty() {
            continue;
        }
        let mut requests = replica_key_requests(destination);
        // AWS has generating data keys among the minimum rights on every key of another account.
        requests.extend(replica_key_uses("kms:GenerateDataKey"));
        // The account's own administrators, who would be locked out without the first statement.
        let mut administrator = request("kms:PutKeyPolicy", REPLICA_KEY);
        administrator.principal = "arn:aws:iam::222222222222:role/Deploy".into();
        requests.push(administrator);
        assert_least(name, &replica_key_policy(destination), &requests);
    }
}

#[test]
fn a_source_key_of_a_third_account_allows_decryption_and_no_more() {
    let grants = with_kms(|_| {});
    let statement = source_key_statement(OWNER, None, &role(), &grants.source);
    let document = PolicyDocument::new(vec![statement]);
    assert_least("source key", &document, &source_key_requests(&grants));
}

#[test]
fn s3_and_nobody_else_may_assume_the_role() {
    let mut assume = request("sts:AssumeRole", &role().to_string());
    assert!(!allows(&trust_policy(), &assume));
    assume.principal = "batchoperations.s3.amazonaws.com".into();
    assert!(!allows(&trust_policy(), &assume));
    assume.principal = "s3.amazonaws.com".into();
    assert_least("trust", &trust_policy(), &[assume]);
}

#[test]
fn other_roles_are_not_let_in() {
    let grants = with_kms(|d| d.bucket_key_enabled = true);
    let destination = &grants.destinations[0];
    let requests = [
        replica_requests(destination),
        replica_key_requests(destination),
    ]
    .concat();
    for mut request in requests {
        request.principal = "arn:aws:iam::111111111111:role/other".into();
        assert!(
            !allows(&destination_policy(destination), &request),
            "{request:?}"
        );
        assert!(
            !allows(&replica_key_policy(destination), &request),
            "{request:?}"
        );
    }
}

#[test]
fn keys_serve_only_s3_and_only_for_these_buckets() {
    let grants = with_kms(|d| d.bucket_key_enabled = true);
    let role_policy = role_policy(&grants);
    let key_policy = replica_key_policy(&grants.destinations[0]);
    let requests = [
        source_key_requests(&grants),
        replica_key_requests(&grants.destinations[0]),
    ];
    for request in requests.concat() {
        let changes: [(&str, Option<&str>); 5] = [
            ("kms:ViaService", None),
            ("kms:ViaService", Some("ec2.us-west-2.amazonaws.com")),
            ("kms:ViaService", Some("s3.ap-south-1.amazonaws.com")),
            ("kms:EncryptionContext:aws:s3:arn", None),
            (
                "kms:EncryptionContext:aws:s3:arn",
                Some("arn:aws:s3:::acme-archive-other/key"),
            ),
        ];
        for (key, value) in changes {
            let mut changed = request.clone();
            let values = value.map(str::to_owned).into_iter().collect();
            changed.context.insert(key.into(), values);
            assert!(!allows(&role_policy, &changed), "{changed:?}");
            assert!(!allows(&key_policy, &changed), "{changed:?}");
        }
    }
}
