//! Setups as others leave them, made with AWS's own SDK: buckets with an object in them, roles, policies, keys, rules.

use aws_sdk_s3::types::{
    AccessControlTranslation, BucketLocationConstraint, BucketVersioningStatus,
    CreateBucketConfiguration, DeleteMarkerReplication, DeleteMarkerReplicationStatus, Destination,
    EncryptionConfiguration, Metrics, MetricsStatus, OwnerOverride, ReplicationConfiguration,
    ReplicationRule, ReplicationRuleFilter, ReplicationRuleStatus, ReplicationTime,
    ReplicationTimeStatus, ReplicationTimeValue, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    SourceSelectionCriteria, SseKmsEncryptedObjects, SseKmsEncryptedObjectsStatus, StorageClass,
    VersioningConfiguration,
};
use serde_json::{Value, json};
use support::Outcome;
use support::emulator::{Clients, unique_name};

use crate::setup::{DESTINATION_REGION, SOURCE_REGION, Setup};

/// What somebody left.
pub(super) struct Origin {
    /// What the resource is called in the configuration.
    pub(super) name: &'static str,
    pub(super) bucket: String,
    /// Where objects arrive, and in whose account.
    pub(super) backup: String,
    pub(super) is_abroad: bool,
    /// A name that a rule is about.
    pub(super) key: &'static str,
    /// The body of the resource as a person writes it.
    pub(super) body: String,
    /// The paths at which a plan shows what has to change.
    pub(super) changes: &'static [&'static str],
    /// The same with what Terraform generates; none for what it cannot describe.
    pub(super) is_generated: bool,
}

/// Every origin, in the two accounts of a setup.
pub(super) async fn all(setup: &Setup) -> Outcome<Vec<Origin>> {
    Ok(vec![
        console(setup).await?,
        documented(setup).await?,
        module(setup).await?,
        stack(setup).await?,
        without_grants_on_keys(setup).await?,
        alone(setup).await?,
    ])
}

/// What a role of ours gets, whatever else it has.
const GRANTS: &str = "components.role/policy";

/// KMS on both sides into another account: the role below `/service-role/`, a managed policy at it, and the statements
/// of AWS's documentation in the destination's policies. The source was under another key before.
async fn console(setup: &Setup) -> Outcome<Origin> {
    let (home, away) = (setup.at_source(), setup.at_destination());
    let (bucket, backup) = pair(setup, "console", &away).await?;
    let [before, near] = [home.create_key().await?, home.create_key().await?];
    let far = away.create_key().await?;
    let put = home.s3.put_object().bucket(&bucket).key("old.txt");
    put.server_side_encryption(ServerSideEncryption::AwsKms)
        .ssekms_key_id(&before)
        .body(b"Long ago".to_vec().into())
        .send()
        .await?;
    encrypt(&home, &bucket, &near).await?;
    encrypt(&away, &backup, &far).await?;
    let via = |region: &str, bucket: &str| {
        json!({ "StringLike": {
            "kms:ViaService": format!("s3.{region}.amazonaws.com"),
            "kms:EncryptionContext:aws:s3:arn": [objects(bucket)],
        } })
    };
    let policy = document(&[
        json!({
            "Effect": "Allow",
            "Action": [
                "s3:ListBucket",
                "s3:GetReplicationConfiguration",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionTagging",
                "s3:GetObjectRetention",
                "s3:GetObjectLegalHold",
            ],
            "Resource": [arn(&bucket), objects(&bucket), arn(&backup), objects(&backup)],
        }),
        json!({
            "Effect": "Allow",
            "Action": [
                "s3:ReplicateObject",
                "s3:ReplicateDelete",
                "s3:ReplicateTags",
                "s3:ObjectOwnerOverrideToBucketOwner",
            ],
            "Resource": [objects(&bucket), objects(&backup)],
        }),
        json!({
            "Effect": "Allow",
            "Action": ["kms:Decrypt"],
            "Resource": [near, before],
            "Condition": via(SOURCE_REGION, &bucket),
        }),
        json!({
            "Effect": "Allow",
            "Action": ["kms:Encrypt"],
            "Resource": [far],
            "Condition": via(DESTINATION_REGION, &backup),
        }),
    ]);
    let name = format!("s3crr_role_for_{bucket}");
    let role = role(&home, "/service-role/", &name).await?;
    attach(&home, &name, &format!("s3crr_for_{bucket}_1a2b3c"), &policy).await?;
    away.put_bucket_policy(
        &backup,
        &document(&[
            json!({
                "Sid": "Set-permissions-for-objects",
                "Effect": "Allow",
                "Principal": { "AWS": role },
                "Action": ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
                "Resource": objects(&backup),
            }),
            json!({
                "Sid": "Set permissions on bucket",
                "Effect": "Allow",
                "Principal": { "AWS": role },
                "Action": ["s3:List*", "s3:GetBucketVersioning", "s3:PutBucketVersioning"],
                "Resource": arn(&backup),
            }),
        ]),
    )
    .await?;
    let mut key_policy = away.key_policy(&far).await?;
    let statements = key_policy["Statement"].as_array_mut();
    statements.ok_or("no statements")?.push(json!({
        "Sid": "AllowS3ReplicationSourceRoleToUseTheKey",
        "Effect": "Allow",
        "Principal": { "AWS": role },
        "Action": ["kms:GenerateDataKey", "kms:Encrypt", "kms:Decrypt"],
        "Resource": "*",
    }));
    away.put_key_policy(&far, &key_policy).await?;
    let rule = Rule {
        account: Some(setup.destination.id()),
        replica_key: Some(&far),
        ..Rule::new("copy everything", &backup)
    };
    replicate(&home, &bucket, &role, &[rule]).await?;
    let account = setup.destination.id();
    Ok(Origin {
        name: "console",
        body: format!(
            r#"
  source = {{
    bucket     = "{bucket}"
    encryption = {{ sse_algorithm = "aws:kms", kms_key_arn = "{near}" }}
  }}
  destinations = {{
    backup = {{
      bucket     = "{backup}"
      account_id = "{account}"
      region     = "{DESTINATION_REGION}"
      encryption = {{ sse_algorithm = "aws:kms", kms_key_arn = "{far}" }}
    }}
  }}
"#
        ),
        bucket,
        backup,
        is_abroad: true,
        key: "after.txt",
        changes: &[GRANTS],
        is_generated: true,
    })
}

/// As the documentation of `aws_s3_bucket_replication_configuration` has it: one account and a prefix.
async fn documented(setup: &Setup) -> Outcome<Origin> {
    let home = setup.at_source();
    let (bucket, backup) = pair(setup, "documented", &at_home(setup)).await?;
    let name = format!("tf-iam-role-replication-{bucket}");
    let role = role(&home, "/", &name).await?;
    let policy = documented_policy(&bucket, &backup);
    let policy_name = format!("tf-iam-role-policy-replication-{bucket}");
    attach(&home, &name, &policy_name, &policy).await?;
    let rule = Rule {
        prefix: "example",
        class: Some(StorageClass::Standard),
        ..Rule::new("examplerule", &backup)
    };
    replicate(&home, &bucket, &role, &[rule]).await?;
    Ok(Origin {
        name: "documented",
        body: format!(
            r#"
  source       = {{ bucket = "{bucket}" }}
  destinations = {{ backup = {{ region = "{DESTINATION_REGION}" }} }}
"#
        ),
        bucket,
        backup,
        is_abroad: false,
        key: "example/after.txt",
        // The rule does not say whose the destination is.
        changes: &[GRANTS, "components.source/replication"],
        is_generated: true,
    })
}

/// As in the example of the bucket module that is copied most: several rules to one bucket, and all that they may say.
async fn module(setup: &Setup) -> Outcome<Origin> {
    let (home, away) = (setup.at_source(), at_home(setup));
    let (bucket, backup) = pair(setup, "module", &away).await?;
    let [near, far] = [home.create_key().await?, away.create_key().await?];
    encrypt(&home, &bucket, &near).await?;
    encrypt(&away, &backup, &far).await?;
    let name = format!("s3-bucket-replication-{bucket}");
    let role = role(&home, "/", &name).await?;
    let mut policy = documented_policy(&bucket, &backup);
    let statements = policy["Statement"].as_array_mut();
    statements.ok_or("no statements")?.push(json!({
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
        "Resource": [near, far],
    }));
    attach(&home, &name, &name, &policy).await?;
    let rules = [
        Rule {
            priority: 10,
            prefix: "one",
            markers: true,
            account: Some(setup.source.id()),
            class: Some(StorageClass::Standard),
            replica_key: Some(&far),
            owner_override: true,
            timed: true,
            ..Rule::new("something-with-kms-and-filter", &backup)
        },
        Rule {
            priority: 20,
            prefix: "two",
            account: Some(setup.source.id()),
            class: Some(StorageClass::Standard),
            replica_key: Some(&far),
            ..Rule::new("something-with-filter", &backup)
        },
    ];
    replicate(&home, &bucket, &role, &rules).await?;
    Ok(Origin {
        name: "module",
        body: format!(
            r#"
  source = {{
    bucket     = "{bucket}"
    encryption = {{ kms_key_arn = "{near}" }}
  }}
  destinations = {{
    backup = {{
      region     = "{DESTINATION_REGION}"
      encryption = {{ kms_key_arn = "{far}" }}
    }}
  }}
"#
        ),
        bucket,
        backup,
        is_abroad: false,
        key: "one/after.txt",
        changes: &[GRANTS],
        is_generated: true,
    })
}

/// Names that CloudFormation makes up, and the policy inside the role.
async fn stack(setup: &Setup) -> Outcome<Origin> {
    let (home, away) = (setup.at_source(), at_home(setup));
    let bucket = unique_name("archive-sourcebucket");
    let backup = unique_name("archive-replicabucket");
    create(&home, SOURCE_REGION, &bucket).await?;
    create(&away, DESTINATION_REGION, &backup).await?;
    let name = format!("{}-1A2B3C4D5E6F", unique_name("archive-Role"));
    let role = role(&home, "/", &name).await?;
    let policy = documented_policy(&bucket, &backup);
    let put = home.iam.put_role_policy().role_name(&name);
    put.policy_name("ReplicationPolicy")
        .policy_document(policy.to_string())
        .send()
        .await?;
    let rule = Rule {
        account: Some(setup.source.id()),
        ..Rule::new("NWQ2ZGI3ZjEtOGE0Zi00", &backup)
    };
    replicate(&home, &bucket, &role, &[rule]).await?;
    Ok(Origin {
        name: "stack",
        body: format!(
            r#"
  source       = {{ bucket = "{bucket}" }}
  destinations = {{ {backup} = {{ bucket = "{backup}", region = "{DESTINATION_REGION}" }} }}
"#
        ),
        bucket,
        backup,
        is_abroad: false,
        key: "after.txt",
        changes: &[GRANTS],
        is_generated: true,
    })
}

/// The setup of many a page: the rule asks for objects under KMS, and nobody grants the role a key.
async fn without_grants_on_keys(setup: &Setup) -> Outcome<Origin> {
    let (home, away) = (setup.at_source(), at_home(setup));
    let (bucket, backup) = pair(setup, "broken", &away).await?;
    let [near, far] = [home.create_key().await?, away.create_key().await?];
    // The bucket names its key by the id alone.
    encrypt(&home, &bucket, near.rsplit('/').next().unwrap_or_default()).await?;
    encrypt(&away, &backup, &far).await?;
    let name = format!("replication-of-{bucket}");
    let role = role(&home, "/", &name).await?;
    let mut policy = documented_policy(&bucket, &backup);
    let statements = policy["Statement"].as_array_mut();
    statements.ok_or("no statements")?.push(json!({
        "Sid": "Alarm",
        "Effect": "Allow",
        "Action": "sns:Publish",
        "Resource": "*",
    }));
    // It is called as ours is.
    let put = home.iam.put_role_policy().role_name(&name);
    put.policy_name("replication")
        .policy_document(policy.to_string())
        .send()
        .await?;
    let rule = Rule {
        account: Some(setup.source.id()),
        replica_key: Some(&far),
        ..Rule::new("everything", &backup)
    };
    replicate(&home, &bucket, &role, &[rule]).await?;
    Ok(Origin {
        name: "broken",
        body: format!(
            r#"
  source       = {{ bucket = "{bucket}", encryption = {{ kms_key_arn = "{near}" }} }}
  destinations = {{ backup = {{ region = "{DESTINATION_REGION}", encryption = {{ kms_key_arn = "{far}" }} }} }}
"#
        ),
        bucket,
        backup,
        is_abroad: false,
        key: "after.txt",
        changes: &[GRANTS],
        is_generated: true,
    })
}

/// A bucket that replicates nowhere.
async fn alone(setup: &Setup) -> Outcome<Origin> {
    let bucket = unique_name("alone");
    create(&setup.at_source(), SOURCE_REGION, &bucket).await?;
    let backup = format!("{bucket}-backup");
    let account = setup.destination.id();
    Ok(Origin {
        name: "alone",
        body: format!(
            r#"
  source       = {{ bucket = "{bucket}" }}
  destinations = {{ backup = {{ account_id = "{account}", region = "{DESTINATION_REGION}" }} }}
"#
        ),
        bucket,
        backup,
        is_abroad: true,
        key: "after.txt",
        changes: &[
            "components.destination/backup/bucket",
            "components.destination/backup/bucket_policy",
            "components.role",
            GRANTS,
            "components.source/replication",
            "destinations.backup",
            "role.policy_json",
            "role.unique_id",
        ],
        is_generated: false,
    })
}

/// The destination's region in the source's account.
pub(super) fn at_home(setup: &Setup) -> Clients {
    setup.source.clients(DESTINATION_REGION)
}

/// A source and where it is copied to, each with an object.
async fn pair(setup: &Setup, name: &str, there: &Clients) -> Outcome<(String, String)> {
    let bucket = unique_name(name);
    let backup = format!("{bucket}-backup");
    create(&setup.at_source(), SOURCE_REGION, &bucket).await?;
    create(there, DESTINATION_REGION, &backup).await?;
    Ok((bucket, backup))
}

/// A bucket with versioning and an object.
async fn create(clients: &Clients, region: &str, bucket: &str) -> Outcome {
    let location = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(region));
    let create = clients.s3.create_bucket().bucket(bucket);
    create
        .create_bucket_configuration(location.build())
        .send()
        .await?;
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
    let put = clients.s3.put_bucket_versioning().bucket(bucket);
    put.versioning_configuration(enabled.build()).send().await?;
    clients.put_text(bucket, "before.txt", "Long ago").await
}

async fn encrypt(clients: &Clients, bucket: &str, key: &str) -> Outcome {
    let default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::AwsKms)
        .kms_master_key_id(key)
        .build()?;
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .bucket_key_enabled(true);
    let configuration = ServerSideEncryptionConfiguration::builder().rules(rule.build());
    let put = clients.s3.put_bucket_encryption().bucket(bucket);
    put.server_side_encryption_configuration(configuration.build()?)
        .send()
        .await?;
    Ok(())
}

/// A role that S3 may assume; its ARN.
async fn role(clients: &Clients, path: &str, name: &str) -> Outcome<String> {
    let trust = document(&[json!({
        "Effect": "Allow",
        "Principal": { "Service": "s3.amazonaws.com" },
        "Action": "sts:AssumeRole",
    })]);
    let create = clients.iam.create_role().role_name(name).path(path);
    let made = create.assume_role_policy_document(trust.to_string());
    let made = made.send().await?;
    Ok(made.role().ok_or("no role")?.arn().to_owned())
}

/// A managed policy at a role.
async fn attach(clients: &Clients, role: &str, name: &str, policy: &Value) -> Outcome {
    let create = clients.iam.create_policy().policy_name(name);
    let made = create.policy_document(policy.to_string()).send().await?;
    let arn = made.policy().and_then(|policy| policy.arn());
    let attach = clients.iam.attach_role_policy().role_name(role);
    attach.policy_arn(arn.ok_or("no policy")?).send().await?;
    Ok(())
}

/// The role's policy as it is copied everywhere, without a word of keys.
fn documented_policy(bucket: &str, backup: &str) -> Value {
    document(&[
        json!({
            "Effect": "Allow",
            "Action": ["s3:GetReplicationConfiguration", "s3:ListBucket"],
            "Resource": [arn(bucket)],
        }),
        json!({
            "Effect": "Allow",
            "Action": [
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionTagging",
            ],
            "Resource": [objects(bucket)],
        }),
        json!({
            "Effect": "Allow",
            "Action": ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
            "Resource": [objects(backup)],
        }),
    ])
}

fn document(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

fn objects(bucket: &str) -> String {
    format!("{}/*", arn(bucket))
}

/// What a rule says.
struct Rule<'a> {
    id: &'a str,
    to: &'a str,
    priority: i32,
    prefix: &'a str,
    markers: bool,
    account: Option<&'a str>,
    class: Option<StorageClass>,
    replica_key: Option<&'a str>,
    owner_override: bool,
    /// Whether it has Replication Time Control.
    timed: bool,
}

impl<'a> Rule<'a> {
    /// A rule for the whole bucket.
    fn new(id: &'a str, to: &'a str) -> Self {
        Self {
            id,
            to,
            priority: 0,
            prefix: "",
            markers: false,
            account: None,
            class: None,
            replica_key: None,
            owner_override: false,
            timed: false,
        }
    }

    fn built(&self) -> Outcome<ReplicationRule> {
        let markers = DeleteMarkerReplication::builder().status(match self.markers {
            true => DeleteMarkerReplicationStatus::Enabled,
            false => DeleteMarkerReplicationStatus::Disabled,
        });
        let mut destination = Destination::builder()
            .bucket(arn(self.to))
            .set_account(self.account.map(str::to_owned))
            .set_storage_class(self.class.clone());
        if self.owner_override {
            let owner = AccessControlTranslation::builder().owner(OwnerOverride::Destination);
            destination = destination.access_control_translation(owner.build()?);
        }
        if self.timed {
            let minutes = ReplicationTimeValue::builder().minutes(15).build();
            let time = ReplicationTime::builder()
                .status(ReplicationTimeStatus::Enabled)
                .time(minutes.clone());
            let metrics = Metrics::builder()
                .status(MetricsStatus::Enabled)
                .event_threshold(minutes);
            destination = destination
                .replication_time(time.build()?)
                .metrics(metrics.build()?);
        }
        let mut rule = ReplicationRule::builder();
        if let Some(key) = self.replica_key {
            let key = EncryptionConfiguration::builder().replica_kms_key_id(key);
            destination = destination.encryption_configuration(key.build());
            let encrypted =
                SseKmsEncryptedObjects::builder().status(SseKmsEncryptedObjectsStatus::Enabled);
            let chosen =
                SourceSelectionCriteria::builder().sse_kms_encrypted_objects(encrypted.build()?);
            rule = rule.source_selection_criteria(chosen.build());
        }
        let filter = ReplicationRuleFilter::builder().prefix(self.prefix);
        Ok(rule
            .id(self.id)
            .priority(self.priority)
            .status(ReplicationRuleStatus::Enabled)
            .filter(filter.build())
            .delete_marker_replication(markers.build())
            .destination(destination.build()?)
            .build()?)
    }
}

async fn replicate(clients: &Clients, bucket: &str, role: &str, rules: &[Rule<'_>]) -> Outcome {
    let rules: Vec<ReplicationRule> = rules.iter().map(Rule::built).collect::<Outcome<_>>()?;
    let configuration = ReplicationConfiguration::builder()
        .role(role)
        .set_rules(Some(rules));
    let put = clients.s3.put_bucket_replication().bucket(bucket);
    put.replication_configuration(configuration.build()?)
        .send()
        .await?;
    Ok(())
}
