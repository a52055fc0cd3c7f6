//! What the tests of the edge share: locations, configurations, canned answers, one of each call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use terraform_provider_replicated::aws::{AwsCloud, CloudConfig, Endpoints, Secret};
use terraform_provider_replicated::replication::ids::{
    AccountId, AssumeRole, Location, Partition, Region, WayIn,
};
use terraform_provider_replicated::replication::operation::{
    BucketEncryption, Input, LifecycleConfiguration, LifecycleRule, ObjectLock, ObjectVersion,
    Operation, PublicAccessBlock, Query, ReplicationConfiguration, ReplicationRule, RuleFilter,
    Tags,
};

/// The account of most tests.
pub(crate) const ACCOUNT: &str = "111111111111";
/// The bucket of most tests.
pub(crate) const BUCKET: &str = "acme-archive";
/// A key's ARN.
pub(crate) const KEY: &str = "arn:aws:kms:eu-west-1:111111111111:key/1234abcd";

/// A region.
pub(crate) fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

/// A location that is entered with the base credentials.
pub(crate) fn at(code: &str) -> Location {
    through(code, WayIn::default())
}

/// A location that is entered through a way in.
pub(crate) fn through(code: &str, way_in: WayIn) -> Location {
    Location {
        account: AccountId::parse(ACCOUNT).unwrap(),
        region: region(code),
        partition: Partition::parse("aws").unwrap(),
        way_in: Arc::new(way_in),
    }
}

/// A way in through roles of these names.
pub(crate) fn roles(names: &[&str]) -> WayIn {
    WayIn {
        profile: None,
        web_identity: None,
        assume_role: names
            .iter()
            .map(|name| AssumeRole {
                role_arn: format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
                ..AssumeRole::default()
            })
            .collect(),
    }
}

/// A configuration with keys, all endpoints at one address, and pauses that nobody notices.
pub(crate) fn config(url: &str) -> CloudConfig {
    let url = Some(url.to_owned());
    CloudConfig {
        region: Some(region("eu-west-1")),
        access_key: Some("AKIDBASE".to_owned()),
        secret_key: Some(Secret::new("base-secret")),
        session_name: "terraform-replicated-0123abcd".to_owned(),
        endpoints: Endpoints {
            s3: url.clone(),
            s3control: url.clone(),
            kms: url.clone(),
            iam: url.clone(),
            sts: url.clone(),
            cloudwatch: url,
        },
        s3_use_path_style: true,
        // A proxy of the machine must not see what is meant for loopback.
        https_proxy: Some(Secret::new("")),
        initial_backoff: Duration::from_micros(100),
        ..CloudConfig::default()
    }
}

/// A cloud with that configuration.
pub(crate) fn cloud(url: &str) -> AwsCloud {
    AwsCloud::new(config(url)).unwrap()
}

/// STS's answer to `AssumeRole`: the access key tells the role.
pub(crate) fn assumed(role: &str, ends: &str) -> String {
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
         <AssumedRoleUser><AssumedRoleId>AROA1:s</AssumedRoleId>\
         <Arn>arn:aws:sts::{ACCOUNT}:assumed-role/{role}/s</Arn></AssumedRoleUser>\
         <Credentials><AccessKeyId>AKID{role}</AccessKeyId><SecretAccessKey>hidden-secret</SecretAccessKey>\
         <SessionToken>hidden-token-{role}</SessionToken><Expiration>{ends}</Expiration></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>"
    )
}

/// A tag set.
pub(crate) fn tags() -> Tags {
    BTreeMap::from([(
        "replicated:owner".to_owned(),
        "111111111111/acme".to_owned(),
    )])
}

/// `CreateKey`.
pub(crate) fn create_key() -> Operation {
    Operation::CreateKey {
        description: "Key of acme-archive".to_owned(),
        multi_region: false,
        policy: "{}".to_owned(),
        tags: tags(),
    }
}

/// `CreateBucket`.
pub(crate) fn create_bucket(bucket: &str) -> Operation {
    Operation::CreateBucket {
        bucket: bucket.to_owned(),
        object_ownership: "BucketOwnerEnforced".to_owned(),
        object_lock: false,
        tags: tags(),
    }
}

/// `CreateRole`.
pub(crate) fn create_role(role: &str) -> Operation {
    Operation::CreateRole {
        role: role.to_owned(),
        path: "/".to_owned(),
        description: "Replicates acme-archive".to_owned(),
        permissions_boundary: None,
        trust_policy: TRUST.to_owned(),
        tags: tags(),
    }
}

/// A trust policy with characters that IAM encodes.
pub(crate) const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// `PutKeyPolicy`.
pub(crate) fn put_key_policy() -> Operation {
    Operation::PutKeyPolicy {
        key: Input::Known(KEY.to_owned()),
        policy: "{}".to_owned(),
    }
}

/// A replication rule with every field.
pub(crate) fn full_rule(bucket_arn: String, account: &str, key: &str) -> ReplicationRule {
    ReplicationRule {
        id: "backup-default".to_owned(),
        priority: Some(1),
        enabled: true,
        filter: Some(RuleFilter {
            prefix: Some("logs/".to_owned()),
            tags: tags(),
        }),
        v1_prefix: None,
        delete_marker_replication: Some(false),
        sse_kms_encrypted_objects: Some(true),
        replica_modifications: Some(true),
        bucket_arn,
        account: Some(account.to_owned()),
        storage_class: Some("STANDARD_IA".to_owned()),
        owner_override: true,
        replica_kms_key: Some(Input::Known(key.to_owned())),
        replication_time: Some((true, 15)),
        metrics: Some((true, Some(15))),
    }
}

/// Every query of S3.
pub(crate) fn s3_queries() -> Vec<Query> {
    let bucket = BUCKET.to_owned();
    vec![
        Query::HeadBucket {
            bucket: bucket.clone(),
        },
        Query::GetBucketVersioning {
            bucket: bucket.clone(),
        },
        Query::GetBucketEncryption {
            bucket: bucket.clone(),
        },
        Query::GetPublicAccessBlock {
            bucket: bucket.clone(),
        },
        Query::GetBucketOwnershipControls {
            bucket: bucket.clone(),
        },
        Query::GetObjectLockConfiguration {
            bucket: bucket.clone(),
        },
        Query::GetBucketLifecycleConfiguration {
            bucket: bucket.clone(),
        },
        Query::GetBucketTagging {
            bucket: bucket.clone(),
        },
        Query::GetBucketPolicy {
            bucket: bucket.clone(),
        },
        Query::GetBucketReplication {
            bucket: bucket.clone(),
        },
        Query::GetBucketAcl {
            bucket: bucket.clone(),
        },
        Query::GetBucketMfaDelete {
            bucket: bucket.clone(),
        },
        Query::GetBucketAbac {
            bucket: bucket.clone(),
        },
        Query::ListObjectVersions {
            bucket: bucket.clone(),
            prefix: String::new(),
            max_keys: 1000,
            after: None,
        },
        Query::ListMultipartUploads { bucket },
    ]
}

/// Every operation of S3 on a bucket that is there.
pub(crate) fn s3_operations() -> Vec<Operation> {
    let bucket = BUCKET.to_owned();
    vec![
        Operation::EnableBucketVersioning {
            bucket: bucket.clone(),
        },
        Operation::PutBucketEncryption {
            bucket: bucket.clone(),
            encryption: BucketEncryption {
                sse_algorithm: "aws:kms".to_owned(),
                kms_key: Some(Input::Known(KEY.to_owned())),
                bucket_key_enabled: true,
                blocked_encryption_types: Vec::new(),
            },
        },
        Operation::PutPublicAccessBlock {
            bucket: bucket.clone(),
            block: PublicAccessBlock {
                block_public_acls: true,
                block_public_policy: true,
                ignore_public_acls: true,
                restrict_public_buckets: true,
            },
        },
        Operation::PutBucketOwnershipControls {
            bucket: bucket.clone(),
            object_ownership: "BucketOwnerEnforced".to_owned(),
        },
        Operation::PutBucketLifecycleConfiguration {
            bucket: bucket.clone(),
            lifecycle: LifecycleConfiguration {
                rules: BTreeMap::from([("old".to_owned(), LifecycleRule::default())]),
                ..LifecycleConfiguration::default()
            },
        },
        Operation::PutObjectLockConfiguration {
            bucket: bucket.clone(),
            object_lock: ObjectLock::default(),
        },
        Operation::DeleteBucketLifecycle {
            bucket: bucket.clone(),
        },
        Operation::PutBucketTagging {
            bucket: bucket.clone(),
            tags: tags(),
        },
        Operation::PutBucketPolicy {
            bucket: bucket.clone(),
            policy: "{}".to_owned(),
        },
        Operation::DeleteBucketPolicy {
            bucket: bucket.clone(),
        },
        Operation::PutBucketReplication {
            bucket: bucket.clone(),
            configuration: ReplicationConfiguration {
                role: format!("arn:aws:iam::{ACCOUNT}:role/replication"),
                rules: vec![full_rule(
                    "arn:aws:s3:::acme-backup".to_owned(),
                    "222222222222",
                    KEY,
                )],
            },
        },
        Operation::DeleteBucketReplication {
            bucket: bucket.clone(),
        },
        Operation::DeleteObjects {
            bucket: bucket.clone(),
            versions: vec![ObjectVersion {
                key: "a".to_owned(),
                version_id: "v".to_owned(),
                delete_marker: false,
                last_modified: None,
            }],
            bypass_governance_retention: false,
        },
        Operation::AbortMultipartUpload {
            bucket: bucket.clone(),
            key: "a".to_owned(),
            upload_id: "u".to_owned(),
        },
        Operation::DeleteBucket { bucket },
    ]
}
