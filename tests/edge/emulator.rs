//! Every query and every operation once against an emulated AWS: the requests are understood there, and its
//! answers are understood here.

use std::collections::BTreeSet;
use std::sync::Arc;

use support::emulator::{Account, Emulator, unique_name};
use terraform_provider_replicated::aws::{AwsCloud, CloudConfig, Secret};
use terraform_provider_replicated::execution::cloud::{CallErrorKind, Cloud};
use terraform_provider_replicated::replication::ids::{AccountId, AssumeRole, Location, WayIn};
use terraform_provider_replicated::replication::operation::{
    Answer, BucketEncryption, Input, ObjectVersion, Operation, Output, PublicAccessBlock, Query,
    ReplicationConfiguration, Tags,
};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::setting::{
    TRUST, config, create_bucket, create_key, create_role, full_rule, region, tags,
};

/// A cloud of one account's root user, and a location in another account that is entered by its role.
pub(crate) struct Emulated {
    pub(crate) cloud: AwsCloud,
    account: Account,
    pub(crate) here: Location,
}

impl Emulated {
    pub(crate) async fn new(code: &str) -> Self {
        let emulator = Emulator::shared().unwrap();
        let (home, account) = (emulator.new_account(), emulator.new_account());
        let role_arn = account.create_deploy_role(&home).await.unwrap();
        let cloud = AwsCloud::new(CloudConfig {
            access_key: Some(home.id().to_owned()),
            secret_key: Some(Secret::new("test")),
            ..config(&format!("http://{}", emulator.address()))
        })
        .unwrap();
        let way_in = WayIn {
            profile: None,
            web_identity: None,
            assume_role: vec![AssumeRole {
                role_arn,
                ..AssumeRole::default()
            }],
        };
        let identity = cloud.enter(&way_in, &region(code)).await.unwrap();
        assert_eq!(identity.account.as_str(), account.id());
        let here = Location {
            account: AccountId::parse(account.id()).unwrap(),
            region: region(code),
            partition: identity.partition,
            way_in: Arc::new(way_in),
        };
        Self {
            cloud,
            account,
            here,
        }
    }

    pub(crate) async fn see(&self, query: Query) -> Answer {
        match self.cloud.query(&self.here, &query).await {
            Ok(answer) => answer,
            Err(error) => panic!("{query:?}: {error}"),
        }
    }

    pub(crate) async fn absent(&self, query: Query, code: &str) {
        let error = self.cloud.query(&self.here, &query).await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::NotFound, "{error}");
        assert_eq!(error.code.as_deref(), Some(code), "{error}");
    }

    pub(crate) async fn write(&self, operation: Operation) -> Output {
        match self.cloud.perform(&self.here, &operation).await {
            Ok(output) => output,
            Err(error) => panic!("{operation:?}: {error}"),
        }
    }

    pub(crate) async fn done(&self, operation: Operation) {
        assert_eq!(self.write(operation).await, Output::Done);
    }

    pub(crate) async fn key(&self) -> String {
        let mut operation = create_key();
        if let Operation::CreateKey { policy, .. } = &mut operation {
            *policy = self.key_policy("Root");
        }
        match self.write(operation).await {
            Output::Text(arn) => arn,
            other => panic!("CreateKey answers {other:?}"),
        }
    }
}

impl Emulated {
    /// A key policy that leaves the account in charge.
    fn key_policy(&self, sid: &str) -> String {
        let root = format!("arn:aws:iam::{}:root", self.account.id());
        serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": sid,
                "Effect": "Allow",
                "Principal": { "AWS": root },
                "Action": "kms:*",
                "Resource": "*",
            }],
        })
        .to_string()
    }
}

fn text(text: &str) -> Answer {
    Answer::Text(text.to_owned())
}

#[tokio::test]
async fn a_bucket_is_made_set_up_read_and_deleted() {
    let aws = Emulated::new("eu-west-1").await;
    let bucket = unique_name("edge");
    let b = || bucket.clone();
    aws.absent(Query::HeadBucket { bucket: b() }, "NoSuchBucket")
        .await;
    aws.absent(Query::GetBucketVersioning { bucket: b() }, "NoSuchBucket")
        .await;
    aws.done(create_bucket(&bucket)).await;
    assert_eq!(
        aws.see(Query::HeadBucket { bucket: b() }).await,
        Answer::BucketRegion("eu-west-1".to_owned())
    );
    let list = |prefix: String| aws.see(Query::ListBuckets { prefix });
    assert_eq!(list(b()).await, Answer::Names(vec![b()]));
    assert_eq!(list(format!("{bucket}-")).await, Answer::Names(Vec::new()));
    assert_eq!(
        aws.see(Query::GetBucketTagging { bucket: b() }).await,
        Answer::Tags(tags())
    );
    assert_eq!(
        aws.see(Query::GetBucketOwnershipControls { bucket: b() })
            .await,
        text("BucketOwnerEnforced")
    );
    aws.absent(Query::GetBucketPolicy { bucket: b() }, "NoSuchBucketPolicy")
        .await;
    aws.absent(
        Query::GetBucketReplication { bucket: b() },
        "ReplicationConfigurationNotFoundError",
    )
    .await;

    assert_eq!(
        aws.see(Query::GetBucketVersioning { bucket: b() }).await,
        text("")
    );
    aws.done(Operation::EnableBucketVersioning { bucket: b() })
        .await;
    assert_eq!(
        aws.see(Query::GetBucketVersioning { bucket: b() }).await,
        text("Enabled")
    );

    let encryption = BucketEncryption {
        sse_algorithm: "aws:kms".to_owned(),
        kms_key: Some(Input::Known(aws.key().await)),
        bucket_key_enabled: true,
        blocked_encryption_types: vec!["SSE-C".to_owned()],
    };
    aws.done(Operation::PutBucketEncryption {
        bucket: b(),
        encryption: encryption.clone(),
    })
    .await;
    assert_eq!(
        aws.see(Query::GetBucketEncryption { bucket: b() }).await,
        Answer::Encryption(encryption)
    );

    let block = PublicAccessBlock {
        block_public_acls: true,
        block_public_policy: false,
        ignore_public_acls: true,
        restrict_public_buckets: false,
    };
    aws.done(Operation::PutPublicAccessBlock { bucket: b(), block })
        .await;
    assert_eq!(
        aws.see(Query::GetPublicAccessBlock { bucket: b() }).await,
        Answer::PublicAccessBlock(block)
    );

    aws.done(Operation::PutBucketOwnershipControls {
        bucket: b(),
        object_ownership: "BucketOwnerPreferred".to_owned(),
    })
    .await;
    assert_eq!(
        aws.see(Query::GetBucketOwnershipControls { bucket: b() })
            .await,
        text("BucketOwnerPreferred")
    );

    let more = Tags::from([("team".to_owned(), "storage & more".to_owned())]);
    aws.done(Operation::PutBucketTagging {
        bucket: b(),
        tags: more.clone(),
    })
    .await;
    assert_eq!(
        aws.see(Query::GetBucketTagging { bucket: b() }).await,
        Answer::Tags(more)
    );

    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"S","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{}:root"}},"Action":"s3:ReplicateObject","Resource":"arn:aws:s3:::{bucket}/*"}}]}}"#,
        aws.account.id()
    );
    aws.done(Operation::PutBucketPolicy {
        bucket: b(),
        policy: policy.clone(),
    })
    .await;
    assert_eq!(
        aws.see(Query::GetBucketPolicy { bucket: b() }).await,
        text(&policy)
    );
    aws.done(Operation::DeleteBucketPolicy { bucket: b() })
        .await;
    aws.absent(Query::GetBucketPolicy { bucket: b() }, "NoSuchBucketPolicy")
        .await;

    aws.done(Operation::DeleteBucket { bucket: b() }).await;
    aws.absent(Query::GetBucketTagging { bucket: b() }, "NoSuchBucket")
        .await;
}

#[tokio::test]
async fn a_replication_configuration_reads_back_as_it_was_put() {
    let aws = Emulated::new("us-east-1").await;
    let (source, destination) = (unique_name("edge"), unique_name("edge"));
    for bucket in [&source, &destination] {
        aws.done(create_bucket(bucket)).await;
        aws.done(Operation::EnableBucketVersioning {
            bucket: bucket.clone(),
        })
        .await;
    }
    let mut plain = full_rule(
        format!("arn:aws:s3:::{destination}"),
        aws.account.id(),
        &aws.key().await,
    );
    let full = plain.clone();
    plain.id = "whole-bucket".to_owned();
    plain.priority = Some(2);
    plain.filter = Some(Default::default());
    plain.sse_kms_encrypted_objects = None;
    plain.replica_modifications = None;
    plain.replica_kms_key = None;
    plain.replication_time = None;
    plain.metrics = Some((true, None));
    plain.owner_override = false;
    plain.storage_class = None;
    let configuration = ReplicationConfiguration {
        role: format!("arn:aws:iam::{}:role/replication", aws.account.id()),
        rules: vec![full, plain],
    };
    aws.done(Operation::PutBucketReplication {
        bucket: source.clone(),
        configuration: configuration.clone(),
    })
    .await;
    let read = || Query::GetBucketReplication {
        bucket: source.clone(),
    };
    assert_eq!(aws.see(read()).await, Answer::Replication(configuration));
    aws.done(Operation::DeleteBucketReplication {
        bucket: source.clone(),
    })
    .await;
    aws.absent(read(), "ReplicationConfigurationNotFoundError")
        .await;
}

#[tokio::test]
async fn versions_markers_and_uploads_are_listed_and_removed() {
    let aws = Emulated::new("eu-west-1").await;
    let bucket = unique_name("edge");
    let b = || bucket.clone();
    aws.done(create_bucket(&bucket)).await;
    aws.done(Operation::EnableBucketVersioning { bucket: b() })
        .await;
    let s3 = aws.account.clients("eu-west-1").s3;
    let key = "a b+c/ü&<.txt";
    s3.put_object()
        .bucket(&bucket)
        .key(key)
        .send()
        .await
        .unwrap();
    s3.delete_object()
        .bucket(&bucket)
        .key(key)
        .send()
        .await
        .unwrap();
    s3.create_multipart_upload()
        .bucket(&bucket)
        .key(key)
        .send()
        .await
        .unwrap();

    let error = aws
        .cloud
        .perform(&aws.here, &Operation::DeleteBucket { bucket: b() })
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::InvalidState, "{error}");

    let uploads = match aws.see(Query::ListMultipartUploads { bucket: b() }).await {
        Answer::Uploads(uploads) => uploads,
        other => panic!("{other:?}"),
    };
    assert_eq!(uploads.len(), 1);
    let (upload_key, upload_id) = uploads[0].clone();
    assert_eq!(upload_key, key);
    aws.done(Operation::AbortMultipartUpload {
        bucket: b(),
        key: upload_key,
        upload_id,
    })
    .await;
    assert_eq!(
        aws.see(Query::ListMultipartUploads { bucket: b() }).await,
        Answer::Uploads(Vec::new())
    );

    let list = async |max_keys, after| {
        let query = Query::ListObjectVersions {
            bucket: b(),
            prefix: String::new(),
            max_keys,
            after,
        };
        match aws.see(query).await {
            Answer::Versions { versions, next } => (versions, next),
            other => panic!("{other:?}"),
        }
    };
    let (versions, next) = list(1000, None).await;
    assert_eq!(next, None);
    // Page by page there are the same versions.
    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let (page, next) = list(1, after).await;
        assert_eq!(page.len(), 1);
        paged.extend(page);
        after = next;
        if after.is_none() {
            break;
        }
    }
    let ids = |versions: &[ObjectVersion]| -> BTreeSet<String> {
        let ids = versions.iter().map(|version| version.version_id.clone());
        ids.collect()
    };
    assert_eq!((paged.len(), ids(&paged)), (versions.len(), ids(&versions)));
    assert!(
        versions.iter().all(|version| version.key == key),
        "{versions:?}"
    );
    let markers = versions
        .iter()
        .filter(|version| version.delete_marker)
        .count();
    assert_eq!((versions.len(), markers), (2, 1));
    let left = aws
        .write(Operation::DeleteObjects {
            bucket: b(),
            versions,
            bypass_governance_retention: false,
        })
        .await;
    assert_eq!(left, Output::NotDeleted(Vec::new()));
    aws.done(Operation::DeleteBucket { bucket: b() }).await;
}

#[tokio::test]
async fn a_key_lives_through_all_that_can_happen_to_it() {
    let aws = Emulated::new("eu-west-1").await;
    let arn = aws.key().await;
    let key = || Input::Known(arn.clone());
    let describe = || Query::DescribeKey { key: arn.clone() };
    let described = async || match aws.see(describe()).await {
        Answer::Key(key) => key,
        other => panic!("{other:?}"),
    };
    let new = described().await;
    assert_eq!(
        (new.arn.as_str(), new.state.as_str()),
        (arn.as_str(), "Enabled")
    );
    assert_eq!(
        (new.key_spec.as_str(), new.key_usage.as_str()),
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    );
    assert_eq!(
        (new.manager.as_str(), new.multi_region),
        ("CUSTOMER", false)
    );
    assert!(new.created.is_some_and(|date| date.ends_with('Z')));
    aws.absent(
        Query::DescribeKey {
            key: "alias/nowhere".to_owned(),
        },
        "NotFoundException",
    )
    .await;

    aws.done(Operation::UpdateKeyDescription {
        key: key(),
        description: "New".to_owned(),
    })
    .await;
    assert_eq!(described().await.description, "New");

    let policy = aws.key_policy("Other");
    aws.done(Operation::PutKeyPolicy {
        key: key(),
        policy: policy.clone(),
    })
    .await;
    assert_eq!(
        aws.see(Query::GetKeyPolicy { key: arn.clone() }).await,
        text(&policy)
    );

    let rotation = || Query::GetKeyRotationStatus { key: arn.clone() };
    aws.done(Operation::EnableKeyRotation {
        key: key(),
        period_days: Some(200),
    })
    .await;
    assert_eq!(
        aws.see(rotation()).await,
        Answer::Rotation {
            enabled: true,
            period_days: Some(200)
        }
    );
    aws.done(Operation::DisableKeyRotation { key: key() }).await;
    assert!(matches!(
        aws.see(rotation()).await,
        Answer::Rotation { enabled: false, .. }
    ));

    aws.done(Operation::DisableKey { key: key() }).await;
    assert_eq!(described().await.state, "Disabled");
    aws.done(Operation::EnableKey { key: key() }).await;

    let more = Tags::from([("team".to_owned(), "storage".to_owned())]);
    aws.done(Operation::TagKey {
        key: key(),
        tags: more.clone(),
    })
    .await;
    aws.done(Operation::UntagKey {
        key: key(),
        tag_keys: tags().into_keys().collect(),
    })
    .await;
    assert_eq!(
        aws.see(Query::ListKeyTags { key: arn.clone() }).await,
        Answer::Tags(more)
    );

    let alias = format!("alias/{}", unique_name("edge"));
    let aliases = || Query::ListAliases { key: arn.clone() };
    aws.done(Operation::CreateAlias {
        alias: alias.clone(),
        key: key(),
    })
    .await;
    assert_eq!(aws.see(aliases()).await, Answer::Names(vec![alias.clone()]));
    let again = Operation::CreateAlias {
        alias: alias.clone(),
        key: key(),
    };
    let error = aws.cloud.perform(&aws.here, &again).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::AlreadyExists, "{error}");
    let other = aws.key().await;
    aws.done(Operation::UpdateAlias {
        alias: alias.clone(),
        key: Input::Known(other),
    })
    .await;
    assert_eq!(aws.see(aliases()).await, Answer::Names(Vec::new()));
    aws.done(Operation::DeleteAlias { alias }).await;

    let id = arn.rsplit('/').next().unwrap().to_owned();
    let Answer::Names(ids) = aws.see(Query::ListKeys).await else {
        panic!("not a list of keys");
    };
    assert!(ids.contains(&id), "{ids:?}");

    aws.done(Operation::ScheduleKeyDeletion {
        key: key(),
        window_days: 7,
    })
    .await;
    let ending = described().await;
    assert_eq!(ending.state, "PendingDeletion");
    assert!(ending.deletion_date.is_some());
    aws.done(Operation::CancelKeyDeletion { key: key() }).await;
    assert_eq!(described().await.state, "Disabled");
}

#[tokio::test]
async fn a_role_lives_through_all_that_can_happen_to_it() {
    let aws = Emulated::new("eu-west-1").await;
    let name = || "replication".to_owned();
    let described = async || match aws.see(Query::GetRole { role: name() }).await {
        Answer::Role(role) => role,
        other => panic!("{other:?}"),
    };
    aws.absent(Query::GetRole { role: name() }, "NoSuchEntity")
        .await;
    let made = aws.write(create_role("replication")).await;
    let role = described().await;
    assert_eq!(
        made,
        Output::Role {
            arn: role.arn.clone(),
            unique_id: role.unique_id.clone()
        }
    );
    assert_eq!(role.trust_policy, TRUST);
    assert_eq!(
        (role.path.as_str(), role.description.as_str()),
        ("/", "Replicates acme-archive")
    );
    assert_eq!(role.tags, tags());
    let error = aws
        .cloud
        .perform(&aws.here, &create_role("replication"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::AlreadyExists, "{error}");

    aws.done(Operation::UpdateRole {
        role: name(),
        description: "New".to_owned(),
    })
    .await;
    let trust = TRUST.replace("s3.amazonaws.com", "batchoperations.s3.amazonaws.com");
    aws.done(Operation::UpdateAssumeRolePolicy {
        role: name(),
        trust_policy: trust.clone(),
    })
    .await;
    let more = Tags::from([("team".to_owned(), "storage".to_owned())]);
    aws.done(Operation::TagRole {
        role: name(),
        tags: more.clone(),
    })
    .await;
    aws.done(Operation::UntagRole {
        role: name(),
        tag_keys: tags().into_keys().collect(),
    })
    .await;
    let role = described().await;
    assert_eq!(
        (role.description.as_str(), role.trust_policy),
        ("New", trust)
    );
    assert_eq!(role.tags, more);

    // A policy of our own to be boundary and attached policy; the edge itself makes none.
    let iam = aws.account.clients("us-east-1").iam;
    let managed = iam
        .create_policy()
        .policy_name("managed")
        .policy_document(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#)
        .send()
        .await
        .unwrap();
    let managed = managed.policy.and_then(|policy| policy.arn).unwrap();
    aws.done(Operation::PutRolePermissionsBoundary {
        role: name(),
        boundary: managed.clone(),
    })
    .await;
    assert_eq!(
        described().await.permissions_boundary.as_deref(),
        Some(managed.as_str())
    );
    aws.done(Operation::DeleteRolePermissionsBoundary { role: name() })
        .await;
    assert_eq!(described().await.permissions_boundary, None);

    let attached = || Query::ListAttachedRolePolicies { role: name() };
    iam.attach_role_policy()
        .role_name(name())
        .policy_arn(&managed)
        .send()
        .await
        .unwrap();
    assert_eq!(
        aws.see(attached()).await,
        Answer::Names(vec![managed.clone()])
    );
    aws.done(Operation::DetachRolePolicy {
        role: name(),
        policy_arn: managed,
    })
    .await;
    assert_eq!(aws.see(attached()).await, Answer::Names(Vec::new()));

    let document = PolicyDocument::parse(
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":"s3:GetObjectVersionForReplication","Resource":"arn:aws:s3:::acme/*"}]}"#,
    )
    .unwrap();
    let inline = "replication".to_owned();
    aws.done(Operation::PutRolePolicy {
        role: name(),
        policy: inline.clone(),
        document: document.clone(),
    })
    .await;
    assert_eq!(
        aws.see(Query::ListRolePolicies { role: name() }).await,
        Answer::Names(vec![inline.clone()])
    );
    let read = Query::GetRolePolicy {
        role: name(),
        policy: inline.clone(),
    };
    assert_eq!(aws.see(read).await, text(&document.render().unwrap()));
    let error = aws
        .cloud
        .perform(&aws.here, &Operation::DeleteRole { role: name() })
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::InvalidState, "{error}");
    aws.done(Operation::DeleteRolePolicy {
        role: name(),
        policy: inline,
    })
    .await;
    aws.done(Operation::DeleteRole { role: name() }).await;
    aws.absent(Query::GetRole { role: name() }, "NoSuchEntity")
        .await;
}
