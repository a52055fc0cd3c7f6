//! The user's own statements in the policies of buckets and keys, and the switches about policies.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::policy::{PolicyDocument, Statement};

use crate::configs::{ABROAD, THIRD, UNKNOWN, deploy, document, kms_abroad, policy, with, without};
use crate::fake::{Bucket, Key, State};
use crate::random::surroundings;
use crate::terraform::{SOMEBODYS_KEY, Terraform, differences};

const SOURCE: &str = "acme-archive";
const BACKUP: &str = "acme-archive-backup";
const BACKUP_ARN: &str = "arn:aws:s3:::acme-archive-backup";

fn bucket<'a>(aws: &'a mut State, name: &str) -> &'a mut Bucket {
    aws.buckets.get_mut(name).unwrap()
}

fn key<'a>(aws: &'a mut State, bucket: &str) -> &'a mut Key {
    let mut keys = aws.keys.values_mut();
    keys.find(|key| key.description.ends_with(&format!(" {bucket}")))
        .unwrap()
}

fn statement(sid: &str, action: &str, resource: &str) -> Json {
    json!({ "Sid": sid, "Effect": "Allow", "Principal": { "AWS": THIRD }, "Action": action, "Resource": resource })
}

fn parsed(statements: &[Json]) -> Vec<Statement> {
    PolicyDocument::parse(&document(statements))
        .unwrap()
        .statements
}

/// Sids of a document, ours without their hashes.
fn sids(document: &PolicyDocument) -> Vec<String> {
    let statements = document.statements.iter();
    statements
        .map(|s| match s.name() {
            Some(sid) if sid.starts_with("Replicated") => sid[..sid.len() - 14].to_owned(),
            sid => sid.unwrap_or("(none)").to_owned(),
        })
        .collect()
}

fn bucket_sids(terraform: &Terraform, name: &str) -> Vec<String> {
    let aws = terraform.cloud.aws.state();
    aws.buckets[name]
        .policy
        .as_ref()
        .map_or_else(Vec::new, sids)
}

fn backup_policy(policy: impl Into<Json>) -> Json {
    with(&kms_abroad(), "destinations.backup.policy", policy.into())
}

async fn shown(terraform: &mut Terraform, config: &Json) -> Vec<String> {
    let plan = terraform.plan(config).await;
    assert_eq!(plan.said.errors, Vec::<String>::new());
    differences(&terraform.state, &plan.planned)
}

#[tokio::test(start_paused = true)]
async fn the_users_statements_stand_beside_ours_and_beside_those_of_others() {
    let mut terraform = Terraform::new();
    let first = document(&[
        statement("Mine", "s3:GetObject", &format!("{BACKUP_ARN}/*")),
        statement("Too", "s3:ListBucket", BACKUP_ARN),
    ]);
    terraform.converge(&backup_policy(first)).await;
    assert_eq!(
        bucket_sids(&terraform, BACKUP),
        ["ReplicatedObjects", "ReplicatedBucket", "Mine", "Too"]
    );
    {
        let theirs = parsed(&[statement("Theirs", "s3:GetBucketTagging", BACKUP_ARN)]);
        let mut aws = terraform.cloud.aws.state();
        let policy = bucket(&mut aws, BACKUP).policy.as_mut().unwrap();
        policy.statements.extend(theirs);
    }
    let second = document(&[statement("Too", "s3:ListBucketVersions", BACKUP_ARN)]);
    terraform.converge(&backup_policy(second)).await;
    assert_eq!(
        bucket_sids(&terraform, BACKUP),
        ["ReplicatedObjects", "ReplicatedBucket", "Too", "Theirs"]
    );
    terraform.converge(&kms_abroad()).await;
    assert_eq!(
        bucket_sids(&terraform, BACKUP),
        ["ReplicatedObjects", "ReplicatedBucket", "Theirs"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_has_a_policy_only_as_long_as_something_is_written() {
    let mut terraform = Terraform::new();
    let config = with(
        &kms_abroad(),
        "source.policy",
        policy("s3:ListBucket", "arn:aws:s3:::acme-archive"),
    );
    terraform.converge(&config).await;
    assert_eq!(bucket_sids(&terraform, SOURCE), ["Mine"]);
    let written = terraform.at("/source/policy_json");
    assert!(written.as_str().unwrap().contains("Mine"), "{written}");
    terraform.converge(&kms_abroad()).await;
    assert!(terraform.cloud.aws.state().buckets[SOURCE].policy.is_none());
    assert_eq!(terraform.at("/source/policy_json"), Json::Null);
}

#[tokio::test(start_paused = true)]
async fn another_spelling_is_no_change_and_the_first_one_stays() {
    let mut terraform = Terraform::new();
    let text = document(&[statement("Mine", "s3:ListBucket", BACKUP_ARN)]);
    terraform.converge(&backup_policy(text.clone())).await;
    let root = format!("arn:aws:iam::{THIRD}:root");
    let respelled = json!({ "Statement": { "Resource": [BACKUP_ARN], "Action": ["s3:listbucket"],
        "Principal": { "AWS": [root] }, "Effect": "Allow", "Sid": "Mine" }, "Version": "2012-10-17" });
    let respelled = format!("{respelled:#}");
    terraform.assert_settled(&backup_policy(respelled)).await;
    assert_eq!(terraform.at("/destinations/backup/policy"), json!(text));
}

#[tokio::test(start_paused = true)]
async fn a_statement_changed_by_hand_shows_at_the_policy_and_is_mended() {
    let mut terraform = Terraform::new();
    let config = backup_policy(document(&[
        statement("Mine", "s3:GetObject", &format!("{BACKUP_ARN}/*")),
        statement("Too", "s3:ListBucket", BACKUP_ARN),
    ]));
    let changes: [fn(&mut Vec<Statement>); 3] = [
        |statements| statements.retain(|s| s.name() != Some("Mine")),
        |statements| {
            let mut changed = statements.iter_mut().filter(|s| s.name() == Some("Mine"));
            changed.next().unwrap().effect =
                terraform_provider_replicated::replication::policy::Effect::Deny;
        },
        |statements| statements.retain(|s| !["Mine", "Too"].map(Some).contains(&s.name())),
    ];
    for change in changes {
        terraform.converge(&config).await;
        {
            let mut aws = terraform.cloud.aws.state();
            change(&mut bucket(&mut aws, BACKUP).policy.as_mut().unwrap().statements);
        }
        let shown = shown(&mut terraform, &config).await;
        assert_eq!(shown.len(), 1, "{shown:#?}");
        assert!(
            shown[0].starts_with("destinations.backup.policy: "),
            "{shown:#?}"
        );
        terraform.converge(&config).await;
        assert_eq!(
            bucket_sids(&terraform, BACKUP)
                .iter()
                .filter(|sid| !sid.starts_with("Replicated"))
                .count(),
            2
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_not_known_yet_is_written_as_it_turns_out() {
    let mut terraform = Terraform::new();
    let unknown = with(
        &with(&backup_policy(UNKNOWN), "source.policy", json!(UNKNOWN)),
        "source.encryption.key.policy",
        json!(UNKNOWN),
    );
    let known = with(
        &unknown,
        "destinations.backup.policy",
        policy("s3:ListBucket", BACKUP_ARN),
    );
    let known = with(&known, "source.policy", Json::Null);
    let known = with(
        &known,
        "source.encryption.key.policy",
        policy("kms:DescribeKey", "*"),
    );
    let said = terraform.apply_later(&unknown, &known).await;
    assert_eq!(said.errors, Vec::<String>::new());
    terraform.assert_settled(&known).await;
    assert_eq!(bucket_sids(&terraform, SOURCE), Vec::<String>::new());
    assert!(bucket_sids(&terraform, BACKUP).contains(&"Mine".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn plain_http_is_denied_on_request_and_its_loss_shows() {
    let mut terraform = Terraform::new();
    let config = with(&kms_abroad(), "source.require_tls", json!(true));
    let config = with(&config, "destinations.backup.require_tls", json!(true));
    terraform.converge(&config).await;
    assert_eq!(bucket_sids(&terraform, SOURCE), ["ReplicatedRequireTls"]);
    terraform
        .cloud
        .aws
        .state()
        .buckets
        .get_mut(SOURCE)
        .unwrap()
        .policy = None;
    let shown = shown(&mut terraform, &config).await;
    assert!(
        shown.contains(&"source.require_tls: false -> true".to_owned()),
        "{shown:#?}"
    );
    terraform.converge(&config).await;
    let off = with(&config, "source.require_tls", json!(false));
    terraform
        .converge(&without(&off, "destinations.backup.require_tls"))
        .await;
    assert!(terraform.cloud.aws.state().buckets[SOURCE].policy.is_none());
    assert_eq!(
        bucket_sids(&terraform, BACKUP),
        ["ReplicatedObjects", "ReplicatedBucket"]
    );
}

#[tokio::test(start_paused = true)]
async fn with_exclusive_policies_what_others_wrote_is_drift_and_goes() {
    let mut terraform = Terraform::new();
    let mine = document(&[statement("Mine", "s3:ListBucket", BACKUP_ARN)]);
    let config = with(
        &backup_policy(mine),
        "destinations.backup.exclusive_policy",
        json!(true),
    );
    terraform.converge(&config).await;
    {
        let mut aws = terraform.cloud.aws.state();
        let theirs = parsed(&[statement("Theirs", "s3:GetBucketTagging", BACKUP_ARN)]);
        bucket(&mut aws, BACKUP)
            .policy
            .as_mut()
            .unwrap()
            .statements
            .extend(theirs);
        let theirs = parsed(&[statement("Theirs", "kms:Decrypt", "*")]);
        key(&mut aws, BACKUP).policy.statements.extend(theirs);
    }
    let shown = shown(&mut terraform, &config).await;
    assert_eq!(shown.len(), 2, "{shown:#?}");
    for part in ["bucket_policy", "key"] {
        let told = shown.iter().any(|line| {
            line.starts_with(&format!("components.destination/backup/{part}: "))
                && line.contains("(foreign statements: Theirs)")
        });
        assert!(told, "{shown:#?}");
    }
    terraform.converge(&config).await;
    assert_eq!(
        bucket_sids(&terraform, BACKUP),
        ["ReplicatedObjects", "ReplicatedBucket", "Mine"]
    );
    let of_key = sids(&key(&mut terraform.cloud.aws.state(), BACKUP).policy);
    assert_eq!(of_key, ["EnableIAMUserPermissions", "ReplicatedReplicaKey"]);
}

#[tokio::test(start_paused = true)]
async fn statements_in_a_key_of_ours_come_and_change_and_go_and_let_the_key_go() {
    let mut terraform = Terraform::new();
    let keyed = |policy: Json| {
        with(
            &kms_abroad(),
            "destinations.backup.encryption.key.policy",
            policy,
        )
    };
    let of_key =
        |terraform: &Terraform| sids(&key(&mut terraform.cloud.aws.state(), BACKUP).policy);
    let config = keyed(policy("kms:DescribeKey", "*"));
    terraform.converge(&config).await;
    let base = ["EnableIAMUserPermissions", "ReplicatedReplicaKey"];
    assert_eq!(of_key(&terraform), [base[0], base[1], "Mine"]);
    key(&mut terraform.cloud.aws.state(), BACKUP)
        .policy
        .statements
        .pop();
    let shown = shown(&mut terraform, &config).await;
    assert_eq!(shown.len(), 1, "{shown:#?}");
    assert!(
        shown[0].starts_with("destinations.backup.encryption.key.policy: null -> "),
        "{shown:#?}"
    );
    terraform.converge(&config).await;
    terraform
        .converge(&keyed(json!(document(&[statement(
            "Other",
            "kms:DescribeKey",
            "*"
        )]))))
        .await;
    assert_eq!(of_key(&terraform), [base[0], base[1], "Other"]);
    terraform.converge(&kms_abroad()).await;
    assert_eq!(of_key(&terraform), base);
    terraform.converge(&config).await;
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    let aws = terraform.cloud.aws.state();
    assert!(aws.keys.values().all(|key| key.state == "PendingDeletion"));
}

#[tokio::test(start_paused = true)]
async fn what_a_destroy_retains_keeps_the_users_statements_and_is_taken_back() {
    let mut terraform = Terraform::new();
    let config = backup_policy(policy("s3:ListBucket", BACKUP_ARN));
    let config = with(
        &config,
        "destinations.backup.retain_on_destroy",
        json!(true),
    );
    let config = with(&config, "destinations.backup.require_tls", json!(true));
    let config = with(
        &config,
        "destinations.backup.encryption.key.policy",
        policy("kms:DescribeKey", "*"),
    );
    terraform.converge(&config).await;
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert_eq!(bucket_sids(&terraform, BACKUP), ["Mine"]);
    let of_key = sids(&key(&mut terraform.cloud.aws.state(), BACKUP).policy);
    assert_eq!(of_key, ["EnableIAMUserPermissions", "Mine"]);
    terraform.converge(&config).await;
    assert_eq!(
        bucket_sids(&terraform, BACKUP),
        [
            "Mine",
            "ReplicatedObjects",
            "ReplicatedBucket",
            "ReplicatedRequireTls"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_import_takes_the_switch_over_and_nobodys_statements() {
    let mut first = Terraform::new();
    let config = backup_policy(policy("s3:ListBucket", BACKUP_ARN));
    let config = with(&config, "destinations.backup.require_tls", json!(true));
    first.converge(&config).await;
    let mut second = Terraform::over(first.cloud.clone());
    let id = first.at("/import_id");
    let said = second.import(id.as_str().unwrap()).await;
    assert_eq!(said.errors, Vec::<String>::new());
    assert_eq!(second.at("/destinations/backup/policy"), Json::Null);
    second
        .assert_settled(&without(&config, "destinations.backup.policy"))
        .await;
    assert!(bucket_sids(&second, BACKUP).contains(&"Mine".to_owned()));
    let writes = second.cloud.aws.state().writes.len();
    second.converge(&config).await;
    assert_eq!(
        second.cloud.aws.state().writes.len(),
        writes,
        "the statement was there"
    );
}

/// What a plan says of a policy on the backup.
async fn refusal(text: impl Into<String>) -> Vec<String> {
    let config = backup_policy(text.into());
    let said = Terraform::new().plan(&config).await.said;
    let at = |line: String| {
        line.strip_prefix("destinations[\"backup\"].policy: ")
            .map(str::to_owned)
    };
    let warnings = said
        .warnings
        .into_iter()
        .filter_map(at)
        .map(|line| format!("warning: {line}"));
    said.errors
        .into_iter()
        .filter_map(at)
        .chain(warnings)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_in_a_buckets_policy_is_refused_at_the_attribute() {
    let objects = format!("{BACKUP_ARN}/*");
    let ours = "ReplicatedObjects4feed7a11e2817";
    let with_member = |name: &str, value: Json| {
        let mut one = statement("Mine", "s3:GetObject", &objects);
        one.as_object_mut().unwrap().insert(name.to_owned(), value);
        document(&[one])
    };
    let lacking = |name: &str| {
        let mut one = statement("Mine", "s3:GetObject", &objects);
        one.as_object_mut().unwrap().remove(name);
        document(&[one])
    };
    let long = "x".repeat(20 * 1024);
    let cases = [
        ("not json".to_owned(), "This is no policy"),
        ("{}".to_owned(), "This is no policy"),
        (document(&[]), "The policy has no statement"),
        (document(&[statement(ours, "s3:GetObject", &objects)]), "The Sid is one of this provider's"),
        (
            document(&[statement("A", "s3:GetObject", &objects), statement("A", "s3:ListBucket", BACKUP_ARN)]),
            "One Sid for two statements",
        ),
        (lacking("Principal"), "The statement is not complete"),
        (lacking("Action"), "The statement is not complete"),
        (lacking("Resource"), "The statement is not complete"),
        (with_member("Condtion", json!({})), "A policy has no such element"),
        (with_member("Principal", json!("*")), "The policy is public"),
        (with_member("Resource", json!("*")), "The policy is about another resource"),
        (with_member("Resource", json!("arn:aws:s3:::acme-archive-backup2/*")), "The policy is about another resource"),
        (with_member("Resource", json!("arn:aws-cn:s3:::acme-archive-backup/*")), "The policy is about another resource"),
        (with_member("Sid", json!(long)), "The policy is too long"),
        (
            json!({ "Id": "Mine", "Version": "2012-10-17", "Statement": [statement("A", "s3:ListBucket", BACKUP_ARN)] }).to_string(),
            "A shared policy has no Id of yours",
        ),
        (
            json!({ "Statement": [statement("A", "s3:GetObject", &format!("{BACKUP_ARN}/${{aws:username}}/*"))] }).to_string(),
            "Policy variables need the current version",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(&text).await, [expected], "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_would_lock_us_out_is_refused_and_one_that_may_is_warned_of() {
    let deny = |principal: Json, action: &str, condition: Json| {
        document(&[
            json!({ "Sid": "Guard", "Effect": "Deny", "Principal": principal, "Action": action,
            "Resource": [BACKUP_ARN, format!("{BACKUP_ARN}/*")], "Condition": condition }),
        ])
    };
    let caller = "arn:aws:iam::222222222222:role/Deploy";
    let but_for = |arn: &str| json!({ "ArnNotLike": { "aws:PrincipalArn": arn } });
    let locked = vec!["The policy would lock Terraform out".to_owned()];
    let perhaps = vec!["warning: The policy may lock Terraform out".to_owned()];
    let cases = [
        (deny(json!("*"), "s3:*", json!({})), locked.clone()),
        (
            deny(json!({ "AWS": caller }), "s3:PutBucketPolicy", json!({})),
            locked.clone(),
        ),
        (deny(json!("*"), "s3:Get*", json!({})), locked.clone()),
        (
            deny(
                json!("*"),
                "s3:*",
                but_for("arn:aws:iam::222222222222:role/Admin"),
            ),
            locked,
        ),
        (deny(json!("*"), "s3:*", but_for(caller)), vec![]),
        (deny(json!("*"), "s3:DeleteObject", json!({})), vec![]),
        (
            deny(
                json!("*"),
                "s3:*",
                json!({ "Bool": { "aws:SecureTransport": "false" } }),
            ),
            vec![],
        ),
        (
            deny(
                json!("*"),
                "s3:*",
                json!({ "NotIpAddress": { "aws:SourceIp": "10.0.0.0/8" } }),
            ),
            perhaps,
        ),
    ];
    for (text, expected) in cases {
        // Whether replication is denied as well is another question.
        let mut told = refusal(&text).await;
        told.retain(|line| line.contains("lock Terraform out"));
        assert_eq!(told, expected, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_keys_policy_is_about_the_key_and_locks_nobody_out() {
    let said = async |policy: Json| {
        let config = with(&kms_abroad(), "source.encryption.key.policy", policy);
        Terraform::new().plan(&config).await.said.errors
    };
    let at = "source.encryption.key.policy";
    assert_eq!(
        said(policy(
            "kms:Decrypt",
            "arn:aws:kms:eu-west-1:111111111111:key/a"
        ))
        .await,
        [format!("{at}: A key's policy is about this key")]
    );
    let everyone = json!({ "Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "kms:Put*", "Resource": "*" });
    assert_eq!(
        said(json!(document(&[everyone]))).await,
        [format!("{at}: The policy would lock Terraform out")]
    );
}

/// The ARN of somebody else's key, which the surroundings have.
fn existing_key(account: &str, region: &str) -> String {
    format!("arn:aws:kms:{region}:{account}:{SOMEBODYS_KEY}000000000000")
}

/// Sids in the policy of somebody else's key.
fn key_sids(terraform: &Terraform, arn: &str) -> Vec<String> {
    sids(&terraform.cloud.aws.state().keys[arn].policy)
}

const OTHERS: [&str; 2] = ["(none)", "(none)"];

fn with_others(ours: &[&str]) -> Vec<String> {
    OTHERS.iter().chain(ours).map(ToString::to_string).collect()
}

#[tokio::test(start_paused = true)]
async fn our_statement_comes_into_the_policy_of_an_existing_key_and_leaves_it_again() {
    let mut terraform = Terraform::new();
    surroundings(&terraform);
    let arn = existing_key(ABROAD, "us-west-2");
    let config = with(
        &kms_abroad(),
        "destinations.backup.encryption",
        json!({ "kms_key_arn": arn }),
    );
    let managed = with(
        &config,
        "destinations.backup.manage_key_policy",
        json!(true),
    );
    terraform.converge(&managed).await;
    assert_eq!(
        key_sids(&terraform, &arn),
        with_others(&["ReplicatedReplicaKey"])
    );
    assert_eq!(
        terraform.at("/components/destination~1backup~1key"),
        json!(arn)
    );
    terraform
        .cloud
        .aws
        .state()
        .keys
        .get_mut(&arn)
        .unwrap()
        .policy
        .statements
        .pop();
    let shown = shown(&mut terraform, &managed).await;
    assert_eq!(
        shown,
        [format!(
            "components.destination/backup/key: {arn} (statements missing) -> {arn}"
        )]
    );
    terraform.converge(&managed).await;
    assert_eq!(
        key_sids(&terraform, &arn),
        with_others(&["ReplicatedReplicaKey"])
    );
    terraform.converge(&config).await;
    assert_eq!(key_sids(&terraform, &arn), OTHERS);
    terraform.converge(&managed).await;
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert_eq!(key_sids(&terraform, &arn), OTHERS);
}

#[tokio::test(start_paused = true)]
async fn two_destinations_under_one_key_have_their_statements_side_by_side() {
    let mut terraform = Terraform::new();
    surroundings(&terraform);
    let arn = existing_key(ABROAD, "us-west-2");
    let far = json!({ "region": "us-west-2", "assume_role": deploy(ABROAD),
        "encryption": { "kms_key_arn": arn }, "manage_key_policy": true });
    let one = with(&kms_abroad(), "destinations", json!({ "one": far }));
    let two = with(&one, "destinations.two", far.clone());
    terraform.converge(&two).await;
    let ours = ["ReplicatedReplicaKey", "ReplicatedReplicaKey"];
    assert_eq!(key_sids(&terraform, &arn), with_others(&ours));
    terraform.converge(&one).await;
    assert_eq!(key_sids(&terraform, &arn), with_others(&ours[..1]));
    assert_eq!(terraform.cloud.aws.state().ungranted, Vec::<String>::new());
    let elsewhere = with(
        &one,
        "destinations.one.encryption",
        json!({ "sse_algorithm": "aws:kms" }),
    );
    terraform
        .converge(&without(&elsewhere, "destinations.one.manage_key_policy"))
        .await;
    assert_eq!(key_sids(&terraform, &arn), OTHERS);
    assert_eq!(terraform.cloud.aws.state().ungranted, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_gone_or_about_to_go_holds_no_destroy_up() {
    for pending in [true, false] {
        let mut terraform = Terraform::new();
        surroundings(&terraform);
        let arn = existing_key(ABROAD, "us-west-2");
        let config = with(
            &kms_abroad(),
            "destinations.backup.encryption",
            json!({ "kms_key_arn": arn }),
        );
        let config = with(
            &config,
            "destinations.backup.manage_key_policy",
            json!(true),
        );
        terraform.converge(&config).await;
        {
            let mut aws = terraform.cloud.aws.state();
            aws.keys.get_mut(&arn).unwrap().state = "PendingDeletion".to_owned();
            if !pending {
                aws.keys.remove(&arn);
            }
        }
        assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_sources_key_in_a_third_account_lets_the_role_decrypt() {
    let arn = format!("arn:aws:kms:eu-west-1:{THIRD}:{SOMEBODYS_KEY}000000000000");
    let config = with(
        &kms_abroad(),
        "source.encryption",
        json!({ "kms_key_arn": arn }),
    );
    let managed = with(&config, "source.manage_key_policy", json!(true));
    let mut terraform = Terraform::new();
    surroundings(&terraform);
    // Nobody told the way into that account.
    let plan = terraform.plan(&managed).await;
    assert_eq!(
        plan.said.errors,
        ["source.manage_key_policy: The key's account cannot be entered"]
    );
    let plan = terraform.plan(&config).await;
    assert_eq!(
        plan.said.warnings,
        ["source.encryption.kms_key_arn: The key's policy must let the role in"]
    );
    let (account, way_in) = crate::updates::account(THIRD);
    terraform.settings.accounts.insert(account, way_in);
    terraform.converge(&managed).await;
    assert_eq!(
        key_sids(&terraform, &arn),
        with_others(&["ReplicatedSourceKey"])
    );
    let document = terraform.at("/source/kms_key_policy_json");
    assert!(
        document.as_str().unwrap().contains("kms:Decrypt"),
        "{document}"
    );
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert_eq!(key_sids(&terraform, &arn), OTHERS);
}

fn deny(sid: &str, action: &str, resource: &str, condition: Json) -> Json {
    json!({ "Sid": sid, "Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource,
        "Condition": condition })
}

#[tokio::test(start_paused = true)]
async fn a_deny_that_hits_replication_is_warned_of_wherever_it_stands() {
    let objects = format!("{BACKUP_ARN}/*");
    let private = format!("{BACKUP_ARN}/private/*");
    let role = "arn:aws:iam::111111111111:role/replication-acme-archive";
    let denies = vec!["destinations[\"backup\"]: A policy denies replication".to_owned()];
    let may_deny = vec!["destinations[\"backup\"]: A policy may deny replication".to_owned()];
    let cases = [
        (
            deny("No", "s3:Replicate*", &objects, json!({})),
            denies.clone(),
        ),
        (
            deny(
                "No",
                "s3:*",
                &objects,
                json!({ "StringNotEquals": { "aws:SourceVpce": "vpce-1" } }),
            ),
            denies,
        ),
        (
            deny(
                "No",
                "s3:*",
                &objects,
                json!({ "NotIpAddress": { "aws:SourceIp": "192.0.2.0/24" } }),
            ),
            may_deny.clone(),
        ),
        (
            deny(
                "No",
                "s3:*",
                &objects,
                json!({ "ArnNotEquals": { "aws:PrincipalArn": role } }),
            ),
            vec![],
        ),
        (
            deny(
                "No",
                "s3:*",
                &objects,
                json!({ "Bool": { "aws:SecureTransport": "false" } }),
            ),
            vec![],
        ),
        (deny("No", "s3:PutObject", &objects, json!({})), vec![]),
        (
            deny("No", "s3:ReplicateObject", &private, json!({})),
            may_deny,
        ),
    ];
    for (statement, expected) in cases {
        // By somebody else, in what is there.
        let mut terraform = Terraform::new();
        terraform.converge(&kms_abroad()).await;
        {
            let mut aws = terraform.cloud.aws.state();
            let theirs = parsed(std::slice::from_ref(&statement));
            bucket(&mut aws, BACKUP)
                .policy
                .as_mut()
                .unwrap()
                .statements
                .extend(theirs);
        }
        let plan = terraform.plan(&kms_abroad()).await;
        assert_eq!(plan.said.warnings, expected, "{statement}");
        assert!(plan.is_empty);
        // By the user, before it is there. What may lock out or not is another question.
        let mut config = backup_policy(document(std::slice::from_ref(&statement)));
        config["destinations"]["backup"]["force_destroy"] = json!(true);
        let plan = Terraform::new().plan(&config).await;
        let mut warnings = plan.said.warnings;
        warnings.retain(|warning| !warning.contains("lock Terraform out"));
        // There it is the user's own to mend.
        let at_its_attribute = |told: &String| told.replace("]: ", "].policy: ");
        let expected: Vec<String> = expected.iter().map(at_its_attribute).collect();
        let (certain, open) = expected
            .into_iter()
            .partition(|told| told.ends_with("A policy denies replication"));
        let certain: Vec<String> = certain;
        let open: Vec<String> = open;
        assert_eq!((plan.said.errors, warnings), (certain, open), "{statement}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deny_in_a_keys_policy_is_warned_of_at_the_encryption() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    {
        let mut aws = terraform.cloud.aws.state();
        let via = json!({ "StringEquals": { "kms:ViaService": "s3.us-west-2.amazonaws.com" } });
        let theirs = parsed(&[deny("No", "kms:Encrypt", "*", via)]);
        key(&mut aws, BACKUP).policy.statements.extend(theirs);
        let theirs = parsed(&[deny("No", "kms:Decrypt", "*", json!({}))]);
        key(&mut aws, SOURCE).policy.statements.extend(theirs);
    }
    let plan = terraform.plan(&kms_abroad()).await;
    assert_eq!(
        plan.said.warnings,
        [
            "source.encryption: A policy denies replication",
            "destinations[\"backup\"].encryption: A policy denies replication"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn further_policies_on_our_role_are_warned_of_and_go_with_it() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    {
        let mut aws = terraform.cloud.aws.state();
        let role = aws.roles.values_mut().next().unwrap();
        role.policies
            .insert("by-hand".to_owned(), PolicyDocument::default());
        role.attached
            .push("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
    }
    let plan = terraform.plan(&kms_abroad()).await;
    assert_eq!(plan.said.warnings, ["role: The role has further policies"]);
    assert!(plan.is_empty);
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert!(terraform.cloud.aws.state().roles.is_empty());
}
