//! What S3 is refused, as the product tells it, against the evaluator of the test support, which shares no code with it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use support::evaluator::{Evaluation, evaluate};
use terraform_provider_replicated::execution::observe::Purpose;
use terraform_provider_replicated::replication::component::Side;
use terraform_provider_replicated::replication::ids::Partition;
use terraform_provider_replicated::replication::observed::{FurtherPolicies, Observed};
use terraform_provider_replicated::replication::operation::{Input, ObjectLock};
use terraform_provider_replicated::replication::permission::{Document, Refusal, Why, refusals};
use terraform_provider_replicated::replication::policy::{Element, PolicyDocument, Statement};
use terraform_provider_replicated::replication::spec::Spec;

use crate::fake::{FakeCloud, HOME, State};
use crate::scenario::{
    ABROAD, FIRST, backup, bucket, create, destination, kms_abroad, location, look, plain_at_home,
    rule_of, settings, spec, two_way_abroad, with_key,
};
use crate::seen::picture;

const ROLE: &str = "arn:aws:iam::111111111111:role/replication-acme-archive";

/// Across accounts under KMS with everything that S3 ever asks for.
fn everything() -> Spec {
    let mut spec = two_way_abroad();
    settings(&mut spec.source).object_ownership = "BucketOwnerPreferred".to_owned();
    settings(&mut spec.source).object_lock = Some(ObjectLock::default());
    let backup = backup(&mut spec);
    settings(&mut backup.bucket).object_ownership = "BucketOwnerPreferred".to_owned();
    settings(&mut backup.bucket).object_lock = Some(ObjectLock::default());
    let rule = rule_of(backup);
    rule.owner_override = true;
    rule.filter.prefix = Some("logs/".to_owned());
    spec
}

/// Across accounts without keys.
fn plain_abroad() -> Spec {
    let plain = |name: &str, account: &str, region: &str| bucket(name, location(account, region));
    let backup = plain("acme-archive-backup", ABROAD, "us-west-2");
    spec(
        plain("acme-archive", HOME, "ap-southeast-2"),
        vec![("backup", destination("backup", 0, backup))],
    )
}

/// What is there, with the policies of others in and at roles.
async fn seen(cloud: &FakeCloud, spec: &Spec) -> Observed {
    let mut observed = look(cloud, spec, Purpose::Refresh, true).await;
    let aws = cloud.state();
    for direction in spec.directions() {
        let role = direction.role_arn().to_string();
        let role = aws.roles.values().find(|r| r.description.arn == role);
        let inline = role.into_iter().flat_map(|role| &role.policies);
        let further = inline.filter(|(name, _)| **name != direction.role_policy_name());
        let policies = FurtherPolicies {
            documents: further.map(|(_, document)| document.clone()).collect(),
            unread: Vec::new(),
        };
        observed
            .theirs
            .role_policies
            .insert(direction.from, policies);
    }
    observed
}

/// One line for each refusal: what, on what, and by which document how.
fn told(refusals: &[Refusal]) -> BTreeSet<String> {
    let line = |refusal: &Refusal| {
        let role = &refusal.role;
        let document = match &refusal.document {
            Document::Trust => format!("the trust of {role}"),
            Document::RolePolicies => format!("the policy of {role}"),
            Document::BucketPolicy(bucket) => format!("the policy of bucket {bucket}"),
            Document::Key(arn) => format!("the policy of {arn}"),
            Document::Boundary(arn) => format!("the boundary {arn}"),
        };
        let how = match refusal.why {
            Why::Denied(_) => "denies",
            Why::NotAllowed => "does not allow",
            Why::KeyState(_) => "state",
            Why::NoRole => "no role",
        };
        format!(
            "{}: {document} {how}",
            of(&refusal.action, &refusal.resource)
        )
    };
    refusals.iter().map(line).collect()
}

/// The same of the other evaluator.
fn expected(evaluation: &Evaluation) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for answer in &evaluation.answers {
        for missing in &answer.missing {
            let missing = match missing.split_once(" denies it") {
                Some((document, _)) => format!("{document} denies"),
                None => missing.replace(" does not allow it", " does not allow"),
            };
            lines.insert(format!("{}: {missing}", asked(&answer.request)));
        }
    }
    lines
}

fn asked(request: &str) -> String {
    let mut words = request.split(" on ");
    let action = words.next().unwrap();
    let resource = words.next().unwrap().split(' ').next().unwrap();
    of(action, resource)
}

/// Objects by their bucket alone.
fn of(action: &str, resource: &str) -> String {
    match resource.split_once('/') {
        Some((bucket, _)) if bucket.contains(":s3:::") => format!("{action} on {bucket}/"),
        _ => format!("{action} on {resource}"),
    }
}

/// Both look, and say the same.
async fn agreed(cloud: &FakeCloud, spec: &Spec) -> Vec<Refusal> {
    let found = refusals(spec, &seen(cloud, spec).await);
    let evaluation = evaluate(&picture(&cloud.state())).unwrap();
    let answered: BTreeSet<String> = evaluation
        .answers
        .iter()
        .map(|a| asked(&a.request))
        .collect();
    let expected = expected(&evaluation);
    // The other one asks for one object of each rule, and a Deny of some objects may pass that over.
    let mut of_some = found.clone();
    of_some.retain(may_deny_some);
    let (told, of_some) = (told(&found), told(&of_some));
    let missed: Vec<&String> = expected.difference(&told).collect();
    let more: Vec<&String> = told
        .difference(&expected)
        .filter(|line| answered.contains(line.split(": the ").next().unwrap()))
        .filter(|line| !of_some.contains(*line))
        .collect();
    assert_eq!((missed, more), (vec![], vec![]));
    for refusal in &found {
        let is_answered = answered.contains(&of(&refusal.action, &refusal.resource));
        assert!(is_answered || !refusal.certain, "{refusal}");
    }
    found
}

/// Whether it is a doubt by a Deny that names some of a bucket's objects.
fn may_deny_some(refusal: &Refusal) -> bool {
    let Why::Denied(statement) = &refusal.why else {
        return false;
    };
    let Some(Element::Is(resources)) = &statement.resource else {
        return false;
    };
    let mut patterns = resources.iter().filter_map(Input::known);
    !refusal.certain && patterns.any(|pattern| pattern.contains("/logs/"))
}

fn parsed(statements: &[Json]) -> Vec<Statement> {
    let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    PolicyDocument::parse(&text).unwrap().statements
}

/// Every document of one kind.
fn documents<'a>(aws: &'a mut State, kind: &str) -> Vec<&'a mut PolicyDocument> {
    match kind {
        "bucket" => {
            let buckets = aws.buckets.values_mut();
            buckets.map(|b| b.policy.get_or_insert_default()).collect()
        }
        "key" => aws.keys.values_mut().map(|key| &mut key.policy).collect(),
        _ => {
            let roles = aws.roles.values_mut();
            roles.flat_map(|role| role.policies.values_mut()).collect()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_made_is_refused_nothing() {
    for spec in [
        kms_abroad(),
        two_way_abroad(),
        plain_at_home(),
        everything(),
    ] {
        let cloud = FakeCloud::new();
        let spec = create(&cloud, &spec, FIRST).await.unwrap();
        assert_eq!(agreed(&cloud, &spec).await, []);
    }
}

#[tokio::test(start_paused = true)]
async fn each_statement_that_is_taken_away_is_missed_in_its_document_alone() {
    let original = FakeCloud::new();
    let spec = create(&original, &everything(), FIRST).await.unwrap();
    let mut missed = 0;
    for kind in ["bucket", "key", "role"] {
        for number in 0..4 {
            for at in 0..6 {
                let cloud = FakeCloud::holding(original.state().clone());
                cloud.state().is_unaudited = true;
                {
                    let mut aws = cloud.state();
                    let mut all = documents(&mut aws, kind);
                    let Some(document) = all.get_mut(number) else {
                        continue;
                    };
                    if at >= document.statements.len() {
                        continue;
                    }
                    document.statements.remove(at);
                }
                let found = agreed(&cloud, &spec).await;
                let mut documents: Vec<_> = found.iter().map(|r| &r.document).collect();
                documents.dedup();
                assert_eq!(documents.len(), 1, "{kind} {number} {at}: {found:?}");
                missed += 1;
            }
        }
    }
    assert!(missed > 15, "{missed}");
}

fn actions() -> impl Strategy<Value = Json> {
    let one = prop::sample::select(vec![
        "*",
        "s3:*",
        "s3:Replicate*",
        "s3:ReplicateDelete",
        "s3:GetObject*",
        "s3:GetObjectVersion",
        "s3:GetObjectVersionForReplication",
        "s3:ListBucket",
        "kms:*",
        "kms:Decrypt",
        "kms:Encrypt",
        "KMS:GenerateDataKey*",
    ]);
    prop::collection::vec(one, 1..3).prop_map(|actions| json!(actions))
}

fn resources() -> impl Strategy<Value = Json> {
    let one = prop::sample::select(vec![
        "*",
        "arn:aws:s3:::acme-archive",
        "arn:aws:s3:::acme-archive/*",
        "arn:aws:s3:::acme-archive/logs/*",
        "arn:aws:s3:::acme-archive/logs/2026/*",
        "arn:aws:s3:::acme-archive-backup",
        "arn:aws:s3:::acme-archive-backup/*",
        "arn:aws:s3:::acme-*/*",
        "arn:aws:kms:*:222222222222:key/*",
    ]);
    prop::collection::vec(one, 1..3).prop_map(|resources| json!(resources))
}

fn principals() -> impl Strategy<Value = Json> {
    prop::sample::select(vec![
        json!("*"),
        json!({ "AWS": "*" }),
        json!({ "AWS": ROLE }),
        json!({ "AWS": HOME }),
        json!({ "AWS": format!("arn:aws:iam::{ABROAD}:root") }),
        json!({ "AWS": [HOME, ROLE] }),
        json!({ "Service": "s3.amazonaws.com" }),
    ])
}

fn conditions() -> impl Strategy<Value = Json> {
    prop::sample::select(vec![
        json!({}),
        json!({}),
        json!({ "Bool": { "aws:SecureTransport": "false" } }),
        json!({ "Bool": { "aws:SecureTransport": true } }),
        json!({ "ArnLike": { "aws:PrincipalArn": ROLE } }),
        json!({ "ArnNotLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/replication-*" } }),
        json!({ "StringNotEquals": { "aws:principalarn": ROLE } }),
        json!({ "StringEquals": { "kms:ViaService": "s3.us-west-2.amazonaws.com" } }),
        json!({ "StringNotEquals": { "kms:ViaService": "s3.us-west-2.amazonaws.com" } }),
        json!({ "StringEqualsIfExists": { "kms:ViaService": "s3.ap-southeast-2.amazonaws.com" } }),
        json!({ "Null": { "kms:ViaService": "true" } }),
        json!({ "StringLike": { "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::acme-archive/*" } }),
        json!({ "StringEquals": { "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::acme-archive-backup" } }),
        json!({ "StringEquals": { "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::acme-archive-backup/*" } }),
    ])
}

prop_compose! {
    fn any_statement()(
        deny in any::<bool>(),
        principal in principals(),
        actions in actions(),
        resources in resources(),
        condition in conditions(),
        negated in 0..8_u8,
    ) -> Json {
        let mut statement = json!({
            "Effect": if deny { "Deny" } else { "Allow" },
            "Principal": principal,
            "Condition": condition,
        });
        statement[if negated == 0 { "NotAction" } else { "Action" }] = actions;
        statement[if negated == 1 { "NotResource" } else { "Resource" }] = resources;
        statement
    }
}

/// A document, what is taken out of it, and what comes into it.
type Damage = (&'static str, usize, Option<usize>, Option<Json>);

fn damage() -> impl Strategy<Value = Damage> {
    (
        prop::sample::select(vec!["bucket", "key", "role", "further"]),
        0..4_usize,
        prop::option::of(0..6_usize),
        prop::option::of(any_statement()),
    )
}

fn damaged(aws: &mut State, (kind, number, out, into): Damage) {
    if kind == "further" {
        let role = aws.roles.values_mut().next().unwrap();
        role.policies
            .insert("by-hand".to_owned(), PolicyDocument::default());
    }
    let mut all = documents(aws, kind);
    let number = number % all.len().max(1);
    // Where there is no key, none is damaged.
    let Some(document) = all.get_mut(number) else {
        return;
    };
    if let Some(at) = out.filter(|at| *at < document.statements.len()) {
        document.statements.remove(at);
    }
    let of_a_role = !matches!(kind, "bucket" | "key");
    for mut statement in parsed(into.as_slice()) {
        if of_a_role {
            statement.principal = None;
        }
        document.statements.push(statement);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn what_one_evaluator_refuses_the_other_refuses(
        damages in prop::collection::vec(damage(), 1..4),
        which in 0..4_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let cloud = FakeCloud::new();
            let spec = [everything(), kms_abroad(), two_way_abroad(), plain_abroad()][which].clone();
            let spec = create(&cloud, &spec, FIRST).await.unwrap();
            cloud.state().is_unaudited = true;
            for damage in damages {
                damaged(&mut cloud.state(), damage);
            }
            agreed(&cloud, &spec).await;
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_all_that_a_person_needs() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let key = {
        let mut aws = cloud.state();
        let (arn, key) = aws
            .keys
            .iter_mut()
            .find(|(arn, _)| arn.contains(ABROAD))
            .unwrap();
        for statement in &mut key.policy.statements {
            if statement.name() != Some("EnableIAMUserPermissions") {
                statement.sid = Some("Theirs".to_owned());
            }
        }
        let denies = json!({ "Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*" });
        key.policy.statements.extend(parsed(&[denies]));
        arn.clone()
    };
    let found = agreed(&cloud, &spec).await;
    let [refusal] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        refusal.to_string(),
        format!(
            "rule replicated-backup: kms:Encrypt on {key} by {ROLE} is refused: key {key} (destination/backup, account {ABROAD}) denies it by statement No"
        )
    );
    assert!(refusal.concerns("replicated-backup") && !refusal.concerns("other"));
    assert_eq!(refusal.side, Side::Destination("backup".to_owned()));
    // What the statement has to say lets the role in.
    let exempting = refusal.statement().unwrap();
    {
        let mut aws = cloud.state();
        let statements = &mut aws.keys.get_mut(&key).unwrap().policy.statements;
        *statements.last_mut().unwrap() = exempting;
    }
    assert_eq!(agreed(&cloud, &spec).await, []);
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_added_is_enough_whatever_was_taken_away() {
    let original = FakeCloud::new();
    let spec = create(&original, &everything(), FIRST).await.unwrap();
    for kind in ["bucket", "key", "role"] {
        let cloud = FakeCloud::holding(original.state().clone());
        for document in documents(&mut cloud.state(), kind) {
            document
                .statements
                .retain(|s| kind == "key" && s.name() == Some("EnableIAMUserPermissions"));
        }
        let found = agreed(&cloud, &spec).await;
        assert!(!found.is_empty(), "{kind}");
        {
            let mut aws = cloud.state();
            for refusal in &found {
                let added = refusal.statement().unwrap();
                match &refusal.document {
                    Document::BucketPolicy(name) => {
                        let policy = &mut aws.buckets.get_mut(name).unwrap().policy;
                        policy.get_or_insert_default().statements.push(added);
                    }
                    Document::Key(arn) => {
                        aws.keys.get_mut(arn).unwrap().policy.statements.push(added);
                    }
                    _ => {
                        let mut roles = aws.roles.values_mut();
                        let role = roles.find(|r| r.description.arn == refusal.role);
                        let mut policies = role.unwrap().policies.values_mut();
                        policies.next().unwrap().statements.push(added);
                    }
                }
            }
        }
        assert_eq!(agreed(&cloud, &spec).await, [], "{kind}");
    }
}

/// Exchanges one action in the policies of all roles.
fn exchange(cloud: &FakeCloud, action: &str, by: &str) {
    for document in documents(&mut cloud.state(), "role") {
        for statement in &mut document.statements {
            if let Some(Element::Is(actions)) = &mut statement.action {
                for granted in actions.iter_mut().filter(|granted| *granted == action) {
                    by.clone_into(granted);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn objects_under_no_key_may_be_read_as_any_version() {
    let (read, plain) = ("s3:GetObjectVersionForReplication", "s3:GetObjectVersion");
    let mut with_writers = plain_abroad();
    let writers = &mut with_writers.source.encryption.additional_keys;
    writers.push(format!("arn:aws:kms:ap-southeast-2:{HOME}:key/writers"));
    for (wanted, doubts) in [
        (plain_abroad(), vec![]),
        (kms_abroad(), vec![true]),
        // Some objects may be under the key of a writer.
        (with_writers.clone(), vec![false]),
    ] {
        let cloud = FakeCloud::new();
        let has_writers = wanted == with_writers;
        let made = if has_writers {
            plain_abroad()
        } else {
            wanted.clone()
        };
        let made = create(&cloud, &made, FIRST).await.unwrap();
        let spec = if has_writers { wanted } else { made };
        exchange(&cloud, read, plain);
        let found = refusals(&spec, &seen(&cloud, &spec).await);
        let of_reads = found.iter().filter(|refusal| refusal.action == read);
        let certain: Vec<bool> = of_reads.map(|refusal| refusal.certain).collect();
        assert_eq!(certain, doubts);
        exchange(&cloud, plain, "s3:GetObject");
        let found = refusals(&spec, &seen(&cloud, &spec).await);
        let refused = found
            .iter()
            .any(|refusal| refusal.action == read && refusal.certain);
        assert!(refused);
    }
}

/// Adds a statement to the policy of the only key abroad, or in the only account.
fn say_of_keys(cloud: &FakeCloud, statements: &[Json]) {
    for key in cloud.state().keys.values_mut() {
        key.policy.statements.extend(parsed(statements));
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_of_a_service_that_nobody_documents_decides_nothing() {
    let no = |condition: Json| json!({ "Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*", "Condition": condition });
    let elsewhere = no(json!({ "StringNotLike": { "kms:ViaService": "s3.*.amazonaws.com" } }));
    let wherever = no(json!({ "Null": { "kms:EncryptionContext:aws:s3:arn": "false" } }));
    let spec_in = |region: &str| {
        let home = location(HOME, region);
        let backup = with_key(bucket("acme-archive-backup", home.clone()));
        let source = with_key(bucket("acme-archive", home));
        spec(source, vec![("backup", destination("backup", 0, backup))])
    };
    for (region, statement, expected) in [
        ("us-west-2", &elsewhere, vec![]),
        ("us-west-2", &wherever, vec![true]),
        ("cn-north-1", &elsewhere, vec![false]),
        ("cn-north-1", &wherever, vec![true]),
        ("eusc-de-east-1", &elsewhere, vec![false]),
    ] {
        let mut wanted = spec_in(region);
        let cloud = FakeCloud::new();
        let made = create(&cloud, &wanted, FIRST).await.unwrap();
        say_of_keys(&cloud, std::slice::from_ref(statement));
        let observed = seen(&cloud, &made).await;
        wanted.clone_from(&made);
        let partition = wanted.source.location.region.partition();
        wanted.source.location.partition = partition.clone();
        backup(&mut wanted).bucket.location.partition = partition;
        let found = refusals(&wanted, &observed);
        let denied = found.iter().filter(|r| matches!(r.why, Why::Denied(_)));
        let certain: Vec<bool> = denied.map(|refusal| refusal.certain).collect();
        assert_eq!(certain, expected, "{region} {statement}");
    }
}

#[tokio::test(start_paused = true)]
async fn s3_may_have_another_name_in_a_trust_policy_where_nobody_documents_it() {
    for (partition, service, refused) in [
        ("aws", "s3.amazonaws.com.cn", true),
        ("aws-cn", "s3.amazonaws.com.cn", false),
        ("aws-cn", "ec2.amazonaws.com.cn", true),
    ] {
        let cloud = FakeCloud::new();
        let mut spec = create(&cloud, &plain_at_home(), FIRST).await.unwrap();
        for role in cloud.state().roles.values_mut() {
            let trust = &mut role.description.trust_policy;
            *trust = trust.replace("s3.amazonaws.com", service);
        }
        let observed = seen(&cloud, &spec).await;
        spec.source.location.partition = Partition::parse(partition).unwrap();
        let found = refusals(&spec, &observed);
        let told = found
            .iter()
            .any(|r| r.document == Document::Trust && r.certain);
        assert_eq!(told, refused, "{partition} {service}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_statement_that_denies_is_a_refusal_of_its_own() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let no = |sid: &str| json!({ "Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*" });
    say_of_keys(&cloud, &[no("First"), no("Second")]);
    let found = agreed(&cloud, &spec).await;
    let named = found.iter().map(|refusal| match &refusal.why {
        Why::Denied(statement) => statement.name().unwrap(),
        why => panic!("{why:?}"),
    });
    let named: Vec<&str> = named.collect();
    assert_eq!(named, ["First", "Second"]);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_rules_are_one_refusal_that_names_each_of_them() {
    let cloud = FakeCloud::new();
    let mut spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let to = backup(&mut spec);
    let one = rule_of(to).clone();
    to.rules = (0..1000)
        .map(|number| {
            let mut rule = one.clone();
            rule.id = format!("rule-{number:04}");
            rule.priority = number;
            rule.filter.prefix = Some(format!("{number:04}/"));
            (format!("{number:04}"), rule)
        })
        .collect();
    exchange(&cloud, "s3:ReplicateObject", "s3:PutObject");
    let found = refusals(&spec, &seen(&cloud, &spec).await);
    let [refusal] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(refusal.action, "s3:ReplicateObject");
    let ids: Vec<String> = (0..1000)
        .map(|number| format!("rule-{number:04}"))
        .collect();
    assert_eq!(refusal.rules, ids);
}
