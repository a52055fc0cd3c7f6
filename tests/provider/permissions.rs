//! Broken documents: each is named at plan, before anything is made, with what it refuses to whom and where. The setups
//! of the examples, which are right, raise no alarm.

use serde_json::{Value as Json, json};
use support::closing::say;
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::configs::{ABROAD, HOME, document, kms_abroad, two_destinations, with};
use crate::existing::{self, TARGET};
use crate::fake::{ManagedPolicy, State};
use crate::operator_policy::{EXAMPLES, setups, world};
use crate::random::{existing_key, existing_role, surroundings};
use crate::terraform::Terraform;

const BACKUP: &str = "acme-archive-backup";
const BOUNDARY: &str = "arn:aws:iam::111111111111:policy/Boundary";
const FAR: (&str, &str) = (ABROAD, "us-west-2");

/// A document that keeps objects from crossing.
struct Broken {
    what: &'static str,
    config: fn() -> Json,
    /// What its owner wrote.
    there: fn(&mut State),
    /// The error or warning that tells of it.
    told: &'static str,
    is_error: bool,
    /// What the detail names: the request, the document, its account and the statement to add.
    names: &'static [&'static str],
}

fn parsed(statements: &[Json]) -> PolicyDocument {
    PolicyDocument::parse(&document(statements)).unwrap()
}

fn deny(action: &str, resource: &str, condition: Json) -> Json {
    json!({ "Sid": "No", "Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource, "Condition": condition })
}

fn root(account: &str) -> Json {
    json!({ "Effect": "Allow", "Principal": { "AWS": account }, "Action": "kms:*", "Resource": "*" })
}

fn nothing(_: &mut State) {}

fn by_their_role() -> Json {
    with(
        &kms_abroad(),
        "role",
        json!({ "existing_arn": existing_role(HOME) }),
    )
}

fn under_their_key() -> Json {
    with(
        &kms_abroad(),
        "destinations.backup.encryption",
        json!({ "kms_key_arn": existing_key(FAR, 0) }),
    )
}

fn bounded() -> Json {
    with(
        &kms_abroad(),
        "role",
        json!({ "permissions_boundary": BOUNDARY }),
    )
}

fn bound_by(aws: &mut State, statements: &[Json]) {
    let policy = ManagedPolicy {
        versions: vec![("v1".to_owned(), parsed(statements))],
        tags: [].into(),
        serial: 1,
    };
    aws.managed_policies.insert(BOUNDARY.to_owned(), policy);
}

fn their_role(aws: &mut State) -> &mut crate::fake::Role {
    let id = (HOME.to_owned(), "existing".to_owned());
    let role = aws.roles.get_mut(&id).unwrap();
    role.description.trust_policy = document(&[json!({
        "Effect": "Allow",
        "Principal": { "Service": "s3.amazonaws.com" },
        "Action": "sts:AssumeRole",
    })]);
    role
}

const BROKEN: [Broken; 14] = [
    Broken {
        what: "the user's own statement denies what arrives",
        config: || {
            let policy = deny(
                "s3:Replicate*",
                "arn:aws:s3:::acme-archive-backup/*",
                json!({}),
            );
            with(
                &kms_abroad(),
                "destinations.backup.policy",
                json!(document(&[policy])),
            )
        },
        there: nothing,
        told: "destinations[\"backup\"].policy: A policy denies replication",
        is_error: true,
        names: &[
            "Statement No in the policy of bucket acme-archive-backup (destination/backup, account 222222222222) denies s3:ReplicateObject, s3:ReplicateTags to arn:aws:iam::111111111111:role/replication-acme-archive",
            "objects of rule replicated-backup",
            "\"aws:PrincipalArn\": \"arn:aws:iam::111111111111:role/replication-acme-archive\"",
        ],
    },
    Broken {
        what: "the user's own statement denies a key that is still to be made",
        config: || {
            let policy = document(&[deny("kms:Encrypt", "*", json!({}))]);
            let key = json!({ "key": { "policy": policy } });
            with(&kms_abroad(), "destinations.backup.encryption", key)
        },
        there: nothing,
        told: "destinations[\"backup\"].encryption.key.policy: A policy denies replication",
        is_error: true,
        names: &[
            "denies kms:Encrypt",
            "(destination/backup, account 222222222222)",
        ],
    },
    Broken {
        what: "the user's own statement takes the place of the account's",
        config: || {
            let policy = document(&[
                json!({ "Sid": "EnableIAMUserPermissions", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111111111111:role/Deploy" }, "Action": "kms:*", "Resource": "*" }),
            ]);
            let encryption = json!({ "sse_algorithm": "aws:kms", "key": { "policy": policy } });
            with(&kms_abroad(), "source.encryption", encryption)
        },
        there: nothing,
        told: "source.encryption.key.policy: A policy does not allow replication",
        is_error: true,
        names: &[
            "(source, account 111111111111) does not allow kms:Decrypt",
            "\"kms:ViaService\"",
        ],
    },
    Broken {
        what: "a boundary without the keys",
        config: bounded,
        there: |aws| {
            let s3 = json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" });
            bound_by(aws, &[s3]);
        },
        told: "role.permissions_boundary: The permissions boundary refuses replication",
        is_error: false,
        names: &[
            "The permissions boundary arn:aws:iam::111111111111:policy/Boundary (source, account 111111111111) does not allow kms:Decrypt, kms:Encrypt",
        ],
    },
    Broken {
        what: "a boundary that denies what leaves the organisation's regions",
        config: bounded,
        there: |aws| {
            let all = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
            let no = json!({ "Sid": "No", "Effect": "Deny", "Action": "s3:ReplicateObject", "Resource": "*" });
            bound_by(aws, &[all, no]);
        },
        told: "role.permissions_boundary: A policy denies replication",
        is_error: false,
        names: &[
            "Statement No in the permissions boundary",
            "denies s3:ReplicateObject",
        ],
    },
    Broken {
        what: "an existing role that S3 may not assume",
        config: by_their_role,
        there: |aws| {
            let trust = &mut their_role(aws).description.trust_policy;
            *trust = trust.replace("s3.", "ec2.");
        },
        told: "role.existing_arn: The role's trust policy must let S3 in",
        is_error: false,
        names: &[
            "does not allow sts:AssumeRole to S3",
            "\"Service\": \"s3.amazonaws.com\"",
        ],
    },
    Broken {
        what: "an existing role with a policy that denies",
        config: by_their_role,
        there: |aws| {
            let no = json!({ "Sid": "No", "Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::acme-archive/*" });
            their_role(aws)
                .policies
                .insert("guard".to_owned(), parsed(&[no]));
        },
        told: "role.existing_arn: A policy denies replication",
        is_error: false,
        names: &[
            "Statement No in the policies of role",
            "denies s3:GetObjectVersionForReplication",
        ],
    },
    Broken {
        what: "an existing role with a boundary of its own",
        config: by_their_role,
        there: |aws| {
            their_role(aws).description.permissions_boundary = Some(BOUNDARY.to_owned());
            let kms = json!({ "Effect": "Allow", "Action": "kms:*", "Resource": "*" });
            bound_by(aws, &[kms]);
        },
        told: "role.existing_arn: The permissions boundary refuses replication",
        is_error: false,
        names: &["does not allow s3:GetReplicationConfiguration"],
    },
    Broken {
        what: "an existing role that is left to its owner and grants nothing",
        config: || with(&by_their_role(), "role.manage_policy", json!(false)),
        there: |aws| {
            their_role(aws);
        },
        told: "role.existing_arn: The existing role must grant this",
        is_error: false,
        names: &["s3:ReplicateObject"],
    },
    Broken {
        what: "an existing bucket that wants an endpoint",
        config: existing::config,
        there: |aws| {
            let objects = format!("arn:aws:s3:::{TARGET}/*");
            let condition = json!({ "StringNotEquals": { "aws:SourceVpce": "vpce-1" } });
            let policy = existing::bucket(aws, TARGET).policy.as_mut().unwrap();
            let no = parsed(&[deny("s3:*", &objects, condition)]);
            policy.statements.extend(no.statements);
        },
        told: "destinations[\"archive\"]: A policy denies replication",
        is_error: false,
        names: &["the policy of bucket their-target (destination/archive, account 222222222222)"],
    },
    Broken {
        what: "an existing bucket whose policy is left to its owner",
        config: || {
            let left = json!(false);
            with(
                &existing::config(),
                "destinations.archive.manage_bucket_policy",
                left,
            )
        },
        there: nothing,
        told: "destinations[\"archive\"].manage_bucket_policy: The policy of bucket their-target does not let the role in",
        is_error: true,
        names: &["s3:ReplicateObject"],
    },
    Broken {
        what: "an existing key that lets nobody in",
        config: under_their_key,
        there: |aws| {
            let key = aws.keys.get_mut(&existing_key(FAR, 0)).unwrap();
            key.policy = parsed(&[root(ABROAD)]);
        },
        told: "destinations[\"backup\"].encryption.kms_key_arn: The key's policy must let the role in",
        is_error: false,
        names: &["kms:Encrypt", "kms:ViaService"],
    },
    Broken {
        what: "an existing key that denies S3's use",
        config: under_their_key,
        there: |aws| {
            let via = json!({ "StringLike": { "kms:ViaService": "s3.*.amazonaws.com" } });
            let key = aws.keys.get_mut(&existing_key(FAR, 0)).unwrap();
            let no = parsed(&[deny("kms:Encrypt", "*", via)]);
            key.policy.statements.extend(no.statements);
        },
        told: "destinations[\"backup\"].encryption.kms_key_arn: A policy denies replication",
        is_error: false,
        names: &["Statement No in the policy of key", "denies kms:Encrypt"],
    },
    Broken {
        what: "a key of the same account that is not left to it",
        config: || {
            let near = json!({ "kms_key_arn": existing_key((HOME, "eu-west-1"), 0) });
            with(&kms_abroad(), "source.encryption", near)
        },
        there: |aws| {
            let key = existing_key((HOME, "eu-west-1"), 0);
            let key = aws.keys.get_mut(&key).unwrap();
            key.policy = parsed(&[root("arn:aws:iam::111111111111:role/Admin")]);
        },
        told: "source.encryption.kms_key_arn: A policy does not allow replication",
        is_error: false,
        names: &[
            "does not allow kms:Decrypt",
            "(source, account 111111111111)",
        ],
    },
];

/// The world in which one is looked at.
async fn broken(broken: &Broken) -> Terraform {
    let terraform = existing::world().await;
    (broken.there)(&mut terraform.cloud.aws.state());
    terraform
}

#[tokio::test(start_paused = true)]
async fn each_broken_document_is_named_at_plan_and_no_good_setup_raises_an_alarm() {
    for case in &BROKEN {
        let terraform = broken(case).await;
        let plan = terraform.plan_only(&(case.config)()).await;
        let said = plan.said;
        let (lines, details) = match case.is_error {
            true => (&said.errors, &said.details),
            false => (&said.warnings, &said.warning_details),
        };
        let at = lines.iter().position(|line| line == case.told);
        let at = at.unwrap_or_else(|| panic!("{}: {said:?}", case.what));
        for name in case.names {
            assert!(
                details[at].contains(name),
                "{}: {name}\n{}",
                case.what,
                details[at]
            );
        }
        assert_eq!(terraform.cloud.aws.state().writes, Vec::<String>::new());
    }
    let mut looked_at = 0;
    for (name, config) in setups() {
        if EXAMPLES.contains(&name) {
            let mut terraform = world(&config).await;
            assert_eq!(
                alarms(&mut terraform, &config).await,
                Vec::<String>::new(),
                "{name}"
            );
            looked_at += 1;
        }
    }
    say(&format!(
        "permissions: broken documents named at plan {} of {}, false alarms in {looked_at} good setups none",
        BROKEN.len(),
        BROKEN.len(),
    ));
    assert_eq!(looked_at, 8);
}

/// Whatever is told of policies, before a setup is made and when it is there.
async fn alarms(terraform: &mut Terraform, config: &Json) -> Vec<String> {
    let mut told = terraform.plan(config).await.said;
    let applied = terraform.apply(config).await;
    assert_eq!(applied.errors, Vec::<String>::new());
    let there = terraform.plan(config).await.said;
    told.warnings.extend(there.warnings);
    let mut all = [told.errors, there.errors, told.warnings].concat();
    all.retain(|line| {
        ["polic", "boundary", "role must"]
            .iter()
            .any(|word| line.contains(word))
    });
    all
}

#[tokio::test(start_paused = true)]
async fn what_the_state_has_is_told_by_each_refresh_and_refuses_no_other_change() {
    let mut terraform = Terraform::new();
    surroundings(&terraform);
    bound_by(
        &mut terraform.cloud.aws.state(),
        &[json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" })],
    );
    let said = terraform.apply(&bounded()).await;
    assert_eq!(said.errors, Vec::<String>::new());
    let told = ["role.permissions_boundary: The permissions boundary refuses replication"];
    for config in [
        bounded(),
        with(&bounded(), "tags", json!({ "team": "archive" })),
    ] {
        let plan = terraform.plan(&config).await;
        assert_eq!(
            (plan.said.errors, plan.said.warnings),
            (vec![], told.map(str::to_owned).to_vec())
        );
    }
    // Its owner adds what is told.
    let more = json!({ "Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*" });
    bound_by(&mut terraform.cloud.aws.state(), &[more]);
    let plan = terraform.plan(&bounded()).await;
    assert_eq!(plan.said.warnings, Vec::<String>::new());
    assert!(plan.is_empty);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_refused_for_what_it_asks_more_than_before() {
    let no = deny(
        "s3:ReplicateDelete",
        &format!("arn:aws:s3:::{BACKUP}/*"),
        json!({}),
    );
    let config = with(
        &kms_abroad(),
        "destinations.backup.policy",
        json!(document(&[no])),
    );
    let mut terraform = Terraform::new();
    terraform.converge(&config).await;
    let more = with(
        &config,
        "destinations.backup.delete_marker_replication",
        json!(true),
    );
    let plan = terraform.plan(&more).await;
    assert_eq!(
        plan.said.errors,
        ["destinations[\"backup\"].policy: A policy denies replication"]
    );
}

/// What a plan says of policies where the destination's has this statement.
async fn told_of(statement: Json) -> (Vec<String>, Vec<String>) {
    let policy = json!(document(&[statement]));
    let config = with(&kms_abroad(), "destinations.backup.policy", policy);
    let said = Terraform::new().plan(&config).await.said;
    (said.errors, said.warnings)
}

#[tokio::test(start_paused = true)]
async fn what_is_often_denied_to_others_is_no_alarm() {
    let objects = format!("arn:aws:s3:::{BACKUP}/*");
    for condition in [
        json!({ "NumericLessThan": { "s3:TlsVersion": "1.2" } }),
        json!({ "Bool": { "aws:SecureTransport": "false" } }),
        json!({ "StringNotEquals": { "aws:PrincipalOrgID": "o-archive" } }),
        json!({ "StringNotEquals": { "aws:RequestedRegion": "us-west-2" } }),
        json!({ "StringNotEquals": { "aws:ResourceAccount": ABROAD } }),
        json!({
            "Null": { "aws:SourceAccount": "false" },
            "Bool": { "aws:PrincipalIsAWSService": "true" },
            "StringNotEquals": { "aws:SourceAccount": ABROAD },
        }),
    ] {
        let told = told_of(deny("s3:*", &objects, condition.clone())).await;
        assert_eq!(told, (vec![], vec![]), "{condition}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_stops_some_objects_only_is_a_warning() {
    let objects = format!("arn:aws:s3:::{BACKUP}/*");
    let mut elsewhere = deny("s3:Replicate*", &objects, json!({}));
    elsewhere.as_object_mut().unwrap().remove("Resource");
    elsewhere["NotResource"] = json!(format!("arn:aws:s3:::{BACKUP}/incoming/*"));
    let some = |part: &str| deny("s3:Replicate*", &format!("arn:aws:s3:::{part}"), json!({}));
    for statement in [
        deny("s3:ReplicateTags", &objects, json!({})),
        elsewhere,
        some("acme-archive-backup/legal/*"),
        some("acme-archive-backup/*.tmp"),
    ] {
        let (errors, warnings) = told_of(statement.clone()).await;
        assert_eq!(errors, Vec::<String>::new(), "{statement}");
        assert_eq!(
            warnings,
            ["destinations[\"backup\"].policy: A policy may deny replication"],
            "{statement}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_is_held_against_what_others_denied_meanwhile() {
    let bucket = |aws: &mut State, name: &str| {
        let no = deny(
            "s3:ReplicateDelete",
            &format!("arn:aws:s3:::{name}/*"),
            json!({}),
        );
        let policy = &mut aws.buckets.get_mut(name).unwrap().policy;
        let policy = policy.get_or_insert_with(|| parsed(&[]));
        policy.statements.extend(parsed(&[no]).statements);
    };
    let role = |aws: &mut State| {
        let no = json!({ "Sid": "No", "Effect": "Deny", "Action": "s3:ReplicateDelete", "Resource": "*" });
        let id = (HOME.to_owned(), "replication-acme-archive".to_owned());
        let policies = &mut aws.roles.get_mut(&id).unwrap().policies;
        policies.insert("theirs".to_owned(), parsed(&[no]));
    };
    type Meanwhile<'a> = &'a dyn Fn(&mut State);
    let denials: [(&str, Meanwhile<'_>, &str); 3] = [
        (
            "backup",
            &|aws| bucket(aws, BACKUP),
            "destinations[\"backup\"]",
        ),
        (
            "near",
            &|aws| bucket(aws, "acme-archive-near"),
            "destinations[\"near\"]",
        ),
        ("near", &role, "role"),
    ];
    for (destination, meanwhile, place) in denials {
        let mut terraform = Terraform::new();
        terraform.converge(&two_destinations()).await;
        meanwhile(&mut terraform.cloud.aws.state());
        let more = format!("destinations.{destination}.delete_marker_replication");
        let more = with(&two_destinations(), &more, json!(true));
        let mut said = terraform.plan(&more).await.said;
        said.warnings.retain(|line| line.contains("denies"));
        assert_eq!(
            said.warnings,
            [format!("{place}: A policy denies replication")]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_is_denied_beside_another_is_told_and_so_is_a_doubt_that_becomes_certain() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    {
        let mut aws = terraform.cloud.aws.state();
        let objects = format!("arn:aws:s3:::{BACKUP}/legal/*");
        let no = parsed(&[deny("s3:ReplicateObject", &objects, json!({}))]);
        let policy = aws.buckets.get_mut(BACKUP).unwrap().policy.as_mut();
        policy.unwrap().statements.extend(no.statements);
    }
    let told = |how: &str| format!("destinations[\"backup\"]: A policy {how} replication");
    let plan = terraform.plan(&kms_abroad()).await;
    assert_eq!(plan.said.warnings, [told("may deny")]);

    let rules = json!({
        "rest": { "priority": 1 },
        "legal": { "priority": 2, "filter": { "prefix": "legal/" } },
    });
    let more = with(&kms_abroad(), "destinations.backup.rules", rules);
    let plan = terraform.plan(&more).await;
    assert_eq!(plan.said.warnings, [told("may deny"), told("denies")]);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_is_told_nothing_of() {
    // Nobody wrote the boundary yet: another resource of the same apply may.
    let plan = Terraform::new().plan(&bounded()).await;
    assert_eq!((plan.said.errors, plan.said.warnings), (vec![], vec![]));
}

/// The same statement under another Sid.
fn named(sid: &str, mut statement: Json) -> Json {
    statement["Sid"] = json!(sid);
    statement
}

fn no_replicas() -> Json {
    deny(
        "s3:ReplicateObject",
        &format!("arn:aws:s3:::{BACKUP}/*"),
        json!({}),
    )
}

#[tokio::test(start_paused = true)]
async fn the_users_own_denial_is_refused_beside_that_of_another() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    {
        let mut aws = terraform.cloud.aws.state();
        let policy = aws.buckets.get_mut(BACKUP).unwrap().policy.as_mut();
        let theirs = parsed(&[named("Theirs", no_replicas())]);
        policy.unwrap().statements.extend(theirs.statements);
    }
    let policy = json!(document(&[named("Own", no_replicas())]));
    let config = with(&kms_abroad(), "destinations.backup.policy", policy);
    let said = terraform.plan(&config).await.said;
    assert_eq!(
        said.errors,
        ["destinations[\"backup\"].policy: A policy denies replication"]
    );
    assert!(said.details[0].contains("Statement Own"), "{said:?}");
    assert_eq!(
        said.warnings,
        ["destinations[\"backup\"]: A policy denies replication"]
    );
    let told = &said.warning_details[0];
    assert!(told.contains("Statement Theirs"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn whom_not_principal_leaves_out_in_part_is_no_alarm() {
    let role = "arn:aws:iam::111111111111:role/replication-acme-archive";
    for (listed, is_denied) in [
        (json!([role, HOME]), false),
        (json!([role]), false),
        (json!("arn:aws:iam::111111111111:role/Admin"), true),
    ] {
        let mut statement = no_replicas();
        statement.as_object_mut().unwrap().remove("Principal");
        statement["NotPrincipal"] = json!({ "AWS": listed });
        let (errors, warnings) = told_of(statement).await;
        assert_eq!(!errors.is_empty(), is_denied, "{listed}: {errors:?}");
        assert_eq!(warnings, Vec::<String>::new(), "{listed}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_not_principal_leaves_out_what_a_boundary_bounds() {
    let role = "arn:aws:iam::111111111111:role/replication-acme-archive";
    let session = "arn:aws:sts::111111111111:assumed-role/replication-acme-archive/s3-replication";
    let mut statement = no_replicas();
    statement.as_object_mut().unwrap().remove("Principal");
    statement["NotPrincipal"] = json!({ "AWS": [role, session, HOME] });
    let policy = json!(document(&[statement]));
    for (config, expected) in [(kms_abroad(), 0), (bounded(), 1)] {
        let terraform = Terraform::new();
        let all = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
        bound_by(&mut terraform.cloud.aws.state(), &[all]);
        let config = with(&config, "destinations.backup.policy", policy.clone());
        let said = terraform.plan_only(&config).await.said;
        assert_eq!(said.errors.len(), expected, "{said:?}");
    }
}
