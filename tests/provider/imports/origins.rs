//! Setups as others leave them: what stands at AWS, and the configuration that a user writes for it.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::{
    BucketEncryption, Input, ReplicationConfiguration, ReplicationRule, RoleDescription,
    RuleFilter, Tags,
};
use terraform_provider_replicated::replication::policy::PolicyDocument;
use tokio::time::Instant;

use crate::configs::{ABROAD, HOME, kms_abroad, with, without};
use crate::existing::stands;
use crate::fake::{ManagedPolicy, Role};
use crate::random::{existing_key, surroundings};
use crate::terraform::Terraform;

const SOURCE: &str = "acme-archive";
const BACKUP: &str = "acme-archive-backup";

/// A bucket alone.
pub const UNREPLICATED: &str = "a bucket that does not replicate";

/// Who left a setup.
pub const ORIGINS: [&str; 11] = [
    "this provider",
    "the console",
    "hashicorp/aws, as its documentation has it",
    "hashicorp/aws, under keys of its own",
    "CloudFormation",
    "a rule of the first version",
    "several destinations",
    "several sources into one bucket",
    "another owner's destination",
    "an account that lets nobody in",
    UNREPLICATED,
];

/// A setup, and its configuration where `account` blocks tell the ways.
pub async fn origin(name: &str) -> (Terraform, Json) {
    let mut terraform = Terraform::new();
    surroundings(&terraform);
    let (account, way_in) = crate::updates::account(ABROAD);
    terraform.settings.accounts.insert(account, way_in);
    let config = match name {
        "this provider" => ours(&mut terraform).await,
        "the console" => by_hand(&terraform).await,
        "hashicorp/aws, as its documentation has it" => documented(&terraform).await,
        "hashicorp/aws, under keys of its own" => under_keys(&terraform).await,
        "CloudFormation" => stack(&terraform).await,
        "a rule of the first version" => first_version(&terraform).await,
        "several destinations" => several_destinations(&terraform).await,
        "several sources into one bucket" => many_to_one(&terraform).await,
        "another owner's destination" => of_another_owner(&terraform).await,
        "an account that lets nobody in" => shut(&terraform).await,
        UNREPLICATED => unreplicated(&terraform).await,
        _ => panic!("no origin {name}"),
    };
    terraform.cloud.aws.state().writes.clear();
    (terraform, config)
}

async fn ours(terraform: &mut Terraform) -> Json {
    let config = with(
        &without(&kms_abroad(), "destinations.backup.assume_role"),
        "destinations.backup.account_id",
        json!(ABROAD),
    );
    terraform.converge(&config).await;
    config
}

/// Path, name, policy and Sids as the console makes them and AWS's documentation has them; KMS on both sides.
async fn by_hand(terraform: &Terraform) -> Json {
    let name = format!("s3crr_role_for_{SOURCE}");
    let made = Setup {
        path: "/service-role/",
        role: &name,
        attached: true,
        sids: ["Set-permissions-for-objects", "Set permissions on bucket"],
        keys: true,
        rule: ReplicationRule {
            id: "copy everything".to_owned(),
            ..rule("", BACKUP)
        },
    };
    made.stand(terraform).await;
    let mut config = made.config();
    config["role"] = json!({ "name": name, "path": "/service-role/" });
    config
}

/// As in the documentation of `aws_s3_bucket_replication_configuration`: one account, a prefix, no bucket policy.
async fn documented(terraform: &Terraform) -> Json {
    let to = "acme-archive-copy";
    bucket(terraform, HOME, "eu-west-1", SOURCE).await;
    bucket(terraform, HOME, "us-east-1", to).await;
    let role = role(terraform, "/", "tf-iam-role-replication-12345");
    let policy = role_policy(SOURCE, &[to], &[], &[]);
    attach(
        terraform,
        &role,
        "tf-iam-role-policy-replication-12345",
        policy,
    );
    let rule = ReplicationRule {
        id: "examplerule".to_owned(),
        account: None,
        filter: filter("example"),
        storage_class: Some("STANDARD".to_owned()),
        ..rule("", to)
    };
    replicate(terraform, SOURCE, &role, vec![rule]);
    json!({
        "source": { "bucket": SOURCE },
        "destinations": { "copy": {
            "bucket": to,
            "region": "us-east-1",
            "filter": { "prefix": "example" },
            "storage_class": "STANDARD",
        } },
        "role": { "name": "tf-iam-role-replication-12345" },
    })
}

async fn under_keys(terraform: &Terraform) -> Json {
    let made = Setup {
        path: "/",
        role: "tf-replication",
        attached: true,
        sids: ["Replicate", "Versioning"],
        keys: true,
        rule: ReplicationRule {
            id: "tf-20240101000000000000000001".to_owned(),
            delete_marker_replication: Some(true),
            storage_class: Some("STANDARD_IA".to_owned()),
            ..rule("", BACKUP)
        },
    };
    made.stand(terraform).await;
    let mut config = made.config();
    config["role"] = json!({ "name": "tf-replication" });
    config["destinations"]["backup"]["storage_class"] = json!("STANDARD_IA");
    config["destinations"]["backup"]["delete_marker_replication"] = json!(true);
    config
}

/// Generated names, an inline policy, and tags that nobody else may write.
async fn stack(terraform: &Terraform) -> Json {
    let name = "archive-ReplicationRole-1A2B3C4D5E6F";
    let made = Setup {
        path: "/",
        role: name,
        attached: false,
        sids: ["AllowReplication", "AllowVersioning"],
        keys: false,
        rule: ReplicationRule {
            id: "NWQ2ZGI3ZjEtOGE0Zi00".to_owned(),
            ..rule("", BACKUP)
        },
    };
    made.stand(terraform).await;
    let tags: Tags = [
        ("aws:cloudformation:stack-name", "archive"),
        ("aws:cloudformation:logical-id", "Bucket"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    let mut aws = terraform.cloud.aws.state();
    for bucket in [SOURCE, BACKUP] {
        aws.buckets.get_mut(bucket).unwrap().tags = tags.clone();
    }
    let mut config = made.config();
    config["role"] = json!({ "name": name });
    config
}

/// From the years when a rule was a prefix, and S3 replicated delete markers unasked.
async fn first_version(terraform: &Terraform) -> Json {
    let made = Setup {
        path: "/",
        role: "crr",
        attached: false,
        sids: ["Objects", "Bucket"],
        keys: false,
        rule: ReplicationRule {
            id: "old".to_owned(),
            priority: None,
            filter: None,
            v1_prefix: Some("logs/".to_owned()),
            delete_marker_replication: None,
            ..rule("", BACKUP)
        },
    };
    made.stand(terraform).await;
    let mut config = made.config();
    config["role"] = json!({ "name": "crr" });
    config["destinations"]["backup"]["filter"] = json!({ "prefix": "logs/" });
    config["destinations"]["backup"]["delete_marker_replication"] = json!(true);
    config
}

async fn several_destinations(terraform: &Terraform) -> Json {
    let far = ["acme-archive-us-east-1", "acme-archive-us-west-2"];
    bucket(terraform, HOME, "eu-west-1", SOURCE).await;
    bucket(terraform, HOME, "us-east-1", far[0]).await;
    bucket(terraform, HOME, "us-west-2", far[1]).await;
    let role = role(terraform, "/", "fan-out");
    inline(
        terraform,
        "fan-out",
        role_policy(SOURCE, &far, &["s3:ReplicateDelete"], &[]),
    );
    let rules = far
        .iter()
        .zip([3, 7])
        .map(|(to, priority)| ReplicationRule {
            id: format!("to {to}"),
            priority: Some(priority),
            ..rule("", to)
        });
    replicate(terraform, SOURCE, &role, rules.collect());
    json!({
        "source": { "bucket": SOURCE },
        "destinations": {
            "us-east-1": { "region": "us-east-1" },
            "us-west-2": { "region": "us-west-2" },
        },
        "role": { "name": "fan-out" },
    })
}

/// The log archive of a company, of which this source is one of two.
async fn many_to_one(terraform: &Terraform) -> Json {
    let made = plain_setup();
    made.stand(terraform).await;
    role(terraform, "/", "another");
    let mut aws = terraform.cloud.aws.state();
    let policy = &mut aws.buckets.get_mut(BACKUP).unwrap().policy;
    let theirs = format!(
        r#"{{"Statement":{{"Sid":"Another","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{HOME}:role/another"}},"Action":"s3:Replicate*","Resource":"arn:aws:s3:::{BACKUP}/*"}}}}"#
    );
    let statements = PolicyDocument::parse(&theirs).unwrap().statements;
    policy.as_mut().unwrap().statements.extend(statements);
    let mut config = made.config();
    config["role"] = json!({ "name": "crr" });
    config["destinations"]["backup"]["existing"] = json!(true);
    config
}

async fn of_another_owner(terraform: &Terraform) -> Json {
    let made = plain_setup();
    made.stand(terraform).await;
    let mut aws = terraform.cloud.aws.state();
    let tags = &mut aws.buckets.get_mut(BACKUP).unwrap().tags;
    tags.insert("replicated:owner".to_owned(), format!("{ABROAD}/theirs"));
    let mut config = made.config();
    config["role"] = json!({ "name": "crr" });
    config["destinations"]["backup"]["existing"] = json!(true);
    config
}

async fn shut(terraform: &Terraform) -> Json {
    let made = plain_setup();
    made.stand(terraform).await;
    terraform.cloud.close(ABROAD);
    let mut config = made.config();
    config["role"] = json!({ "name": "crr" });
    let backup = &mut config["destinations"]["backup"];
    backup["existing"] = json!(true);
    backup["reachable"] = json!(false);
    config
}

async fn unreplicated(terraform: &Terraform) -> Json {
    bucket(terraform, HOME, "eu-west-1", SOURCE).await;
    json!({
        "source": { "bucket": SOURCE },
        "destinations": { "backup": { "region": "us-west-2", "account_id": ABROAD } },
    })
}

fn plain_setup() -> Setup<'static> {
    Setup {
        path: "/",
        role: "crr",
        attached: false,
        sids: ["Objects", "Bucket"],
        keys: false,
        rule: ReplicationRule {
            id: "all".to_owned(),
            ..rule("", BACKUP)
        },
    }
}

/// One source at home, one destination abroad.
struct Setup<'a> {
    path: &'a str,
    role: &'a str,
    /// Whether the role's policy is a managed one.
    attached: bool,
    /// The names of the statements in the destination's policy.
    sids: [&'a str; 2],
    /// Whether both sides are under keys of their owners.
    keys: bool,
    rule: ReplicationRule,
}

impl Setup<'_> {
    async fn stand(&self, terraform: &Terraform) {
        bucket(terraform, HOME, "eu-west-1", SOURCE).await;
        bucket(terraform, ABROAD, "us-west-2", BACKUP).await;
        let role = role(terraform, self.path, self.role);
        let near = existing_key((HOME, "eu-west-1"), 0);
        let far = existing_key((ABROAD, "us-west-2"), 0);
        let keys: &[(&str, &[&String], &str)] = &[
            ("kms:Decrypt", &[&near], "eu-west-1"),
            ("kms:Encrypt", &[&far], "us-west-2"),
        ];
        let more = ["s3:ReplicateDelete", "s3:ObjectOwnerOverrideToBucketOwner"];
        let keys = if self.keys { keys } else { &[] };
        let policy = role_policy(SOURCE, &[BACKUP], &more, keys);
        if self.attached {
            attach(terraform, &role, "s3crr_for_acme-archive_1a2b3c", policy);
        } else {
            inline(terraform, self.role, policy);
        }
        let mut rule = self.rule.clone();
        if self.keys {
            rule.sse_kms_encrypted_objects = Some(true);
            rule.replica_kms_key = Some(Input::Known(far.clone()));
            encrypt(terraform, SOURCE, &near);
            encrypt(terraform, BACKUP, &far);
        }
        let [objects, versions] = self.sids;
        let text = json!({
            "Version": "2012-10-17",
            "Id": "PolicyForDestinationBucket",
            "Statement": [
                {
                    "Sid": objects,
                    "Effect": "Allow",
                    "Principal": { "AWS": role },
                    "Action": ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
                    "Resource": format!("arn:aws:s3:::{BACKUP}/*"),
                },
                {
                    "Sid": versions,
                    "Effect": "Allow",
                    "Principal": { "AWS": role },
                    "Action": ["s3:List*", "s3:GetBucketVersioning", "s3:PutBucketVersioning"],
                    "Resource": format!("arn:aws:s3:::{BACKUP}"),
                },
            ],
        });
        let policy = PolicyDocument::parse(&text.to_string()).unwrap();
        let mut aws = terraform.cloud.aws.state();
        aws.buckets.get_mut(BACKUP).unwrap().policy = Some(policy);
        drop(aws);
        replicate(terraform, SOURCE, &role, vec![rule]);
    }

    fn config(&self) -> Json {
        let mut config = json!({
            "source": { "bucket": SOURCE },
            "destinations": { "backup": {
                "bucket": BACKUP,
                "region": "us-west-2",
                "account_id": ABROAD,
            } },
        });
        if self.keys {
            let key = |place| json!({ "sse_algorithm": "aws:kms", "kms_key_arn": existing_key(place, 0) });
            config["source"]["encryption"] = key((HOME, "eu-west-1"));
            config["destinations"]["backup"]["encryption"] = key((ABROAD, "us-west-2"));
        }
        config
    }
}

fn filter(prefix: &str) -> Option<RuleFilter> {
    Some(RuleFilter {
        prefix: Some(prefix.to_owned()),
        tags: Tags::new(),
    })
}

/// A rule for the whole bucket, as the console writes it.
fn rule(id: &str, to: &str) -> ReplicationRule {
    ReplicationRule {
        id: id.to_owned(),
        priority: Some(0),
        enabled: true,
        filter: filter(""),
        v1_prefix: None,
        delete_marker_replication: Some(false),
        sse_kms_encrypted_objects: None,
        replica_modifications: None,
        bucket_arn: format!("arn:aws:s3:::{to}"),
        account: Some(if to == BACKUP { ABROAD } else { HOME }.to_owned()),
        storage_class: None,
        owner_override: false,
        replica_kms_key: None,
        replication_time: None,
        metrics: None,
    }
}

/// A bucket as it is made today, with versioning and an object.
async fn bucket(terraform: &Terraform, account: &str, region: &str, name: &str) {
    stands(terraform, account, region, name).await;
    let mut aws = terraform.cloud.aws.state();
    let bucket = aws.buckets.get_mut(name).unwrap();
    bucket.tags.clear();
    bucket.ownership = "BucketOwnerEnforced".to_owned();
}

fn encrypt(terraform: &Terraform, name: &str, key: &str) {
    let mut aws = terraform.cloud.aws.state();
    let bucket = aws.buckets.get_mut(name).unwrap();
    bucket.keys_used.push(key.to_owned());
    bucket.encryption = BucketEncryption {
        sse_algorithm: "aws:kms".to_owned(),
        kms_key: Some(Input::Known(key.to_owned())),
        bucket_key_enabled: true,
        blocked_encryption_types: Vec::new(),
    };
}

/// A role that S3 may assume; its ARN.
fn role(terraform: &Terraform, path: &str, name: &str) -> String {
    let arn = format!("arn:aws:iam::{HOME}:role{path}{name}");
    let role = Role {
        description: RoleDescription {
            arn: arn.clone(),
            unique_id: format!("AROA{}", name.to_uppercase()),
            path: path.to_owned(),
            description: String::new(),
            permissions_boundary: None,
            trust_policy: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#.to_owned(),
            tags: Tags::new(),
            created: None,
        },
        policies: BTreeMap::new(),
        attached: Vec::new(),
        since: Instant::now(),
        lost_policy: None,
    };
    let mut aws = terraform.cloud.aws.state();
    aws.roles
        .insert((HOME.to_owned(), name.to_lowercase()), role);
    arn
}

fn inline(terraform: &Terraform, role: &str, policy: PolicyDocument) {
    let mut aws = terraform.cloud.aws.state();
    let role = aws
        .roles
        .get_mut(&(HOME.to_owned(), role.to_lowercase()))
        .unwrap();
    role.policies.insert("AllowReplication".to_owned(), policy);
}

fn attach(terraform: &Terraform, role: &str, name: &str, policy: PolicyDocument) {
    let arn = format!("arn:aws:iam::{HOME}:policy/service-role/{name}");
    let mut aws = terraform.cloud.aws.state();
    let managed = ManagedPolicy {
        versions: vec![("v1".to_owned(), policy)],
        tags: Tags::new(),
        serial: 1,
    };
    aws.managed_policies.insert(arn.clone(), managed);
    let role = aws.roles.values_mut().find(|r| r.description.arn == role);
    role.unwrap().attached.push(arn);
}

fn replicate(terraform: &Terraform, source: &str, role: &str, rules: Vec<ReplicationRule>) {
    let mut aws = terraform.cloud.aws.state();
    aws.buckets.get_mut(source).unwrap().replication = Some(ReplicationConfiguration {
        role: role.to_owned(),
        rules,
    });
}

/// The policy of AWS's documentation, with further actions on the replicas and statements for keys.
fn role_policy(
    source: &str,
    to: &[&str],
    more: &[&str],
    keys: &[(&str, &[&String], &str)],
) -> PolicyDocument {
    let replicas: Vec<String> = to.iter().map(|to| format!("arn:aws:s3:::{to}/*")).collect();
    let mut actions = vec!["s3:ReplicateObject", "s3:ReplicateTags"];
    actions.extend(more);
    let mut statements = vec![
        json!({
            "Effect": "Allow",
            "Action": ["s3:GetReplicationConfiguration", "s3:ListBucket"],
            "Resource": format!("arn:aws:s3:::{source}"),
        }),
        json!({
            "Effect": "Allow",
            "Action": [
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionTagging",
            ],
            "Resource": format!("arn:aws:s3:::{source}/*"),
        }),
        json!({ "Effect": "Allow", "Action": actions, "Resource": replicas }),
    ];
    statements.extend(keys.iter().map(|(action, arns, region)| {
        json!({
            "Effect": "Allow",
            "Action": action,
            "Resource": arns,
            "Condition": { "StringLike": { "kms:ViaService": format!("s3.{region}.amazonaws.com") } },
        })
    }));
    PolicyDocument::parse(&crate::configs::document(&statements)).unwrap()
}
