//! What a verification asks of S3: an object is put with its tags and metadata, looked at, and listed by its prefix.

use std::collections::BTreeMap;

use terraform_provider_replicated::execution::cloud::{CallErrorKind, Cloud};
use terraform_provider_replicated::replication::operation::{
    Answer, NewObject, Notification, Operation, Output, Query,
};

use crate::server::{Reply, Server};
use crate::setting::{ACCOUNT, BUCKET, at, cloud};

fn canary() -> NewObject {
    NewObject {
        key: "deeds/.replicated-verification/canary-1".to_owned(),
        content: "tweet".to_owned(),
        tags: BTreeMap::from([
            ("keep me".to_owned(), "a&b=c".to_owned()),
            ("x".to_owned(), String::new()),
        ]),
        metadata: BTreeMap::from([("replicated-canary".to_owned(), "1/acme".to_owned())]),
        sse_algorithm: Some("AES256".to_owned()),
    }
}

fn put(object: NewObject) -> Operation {
    Operation::PutObject {
        bucket: BUCKET.to_owned(),
        object,
    }
}

#[tokio::test]
async fn an_object_is_put_with_its_tags_metadata_and_encryption() {
    let server = Server::start(|_, _| Reply::ok("")).await;
    let cloud = cloud(&server.url);
    let done = cloud.perform(&at("eu-west-1"), &put(canary())).await;
    assert_eq!(done, Ok(Output::Done));
    let request = server.received().remove(0);
    let path = format!("PUT /{BUCKET}/deeds/.replicated-verification/canary-1");
    assert!(request.operation.starts_with(&path), "{request:?}");
    assert_eq!(request.header("x-amz-tagging"), "keep%20me=a%26b%3Dc&x=");
    assert_eq!(request.header("x-amz-meta-replicated-canary"), "1/acme");
    assert_eq!(request.header("x-amz-server-side-encryption"), "AES256");
    assert_eq!(request.header("x-amz-expected-bucket-owner"), ACCOUNT);
    assert!(request.body.contains("tweet"), "{request:?}");
    let plain = NewObject {
        tags: BTreeMap::new(),
        sse_algorithm: None,
        ..canary()
    };
    cloud.perform(&at("eu-west-1"), &put(plain)).await.unwrap();
    let request = server.received().remove(1);
    assert_eq!(request.header("x-amz-tagging"), "");
    assert_eq!(request.header("x-amz-server-side-encryption"), "");
}

#[tokio::test]
async fn an_object_that_nobody_may_put_is_refused() {
    let server = Server::start(|_, _| {
        let body = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        Reply::Answer(403, Vec::new(), body.to_owned())
    })
    .await;
    let refused = cloud(&server.url)
        .perform(&at("eu-west-1"), &put(canary()))
        .await
        .unwrap_err();
    assert_eq!(refused.kind, CallErrorKind::AccessDenied);
    assert_eq!(
        (refused.call.as_str(), refused.subject.as_str()),
        ("s3:PutObject", BUCKET)
    );
}

#[tokio::test]
async fn a_replica_tells_its_class_and_metadata() {
    let server = Server::start(|_, _| {
        let headers = vec![
            ("x-amz-replication-status", "REPLICA".to_owned()),
            ("x-amz-storage-class", "STANDARD_IA".to_owned()),
            ("x-amz-meta-replicated-canary", "1/acme".to_owned()),
        ];
        Reply::Answer(200, headers, String::new())
    })
    .await;
    let query = Query::HeadObject {
        bucket: BUCKET.to_owned(),
        key: "k".to_owned(),
    };
    let answer = cloud(&server.url).query(&at("eu-west-1"), &query).await;
    let Ok(Answer::Object(object)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(object.storage_class.as_deref(), Some("STANDARD_IA"));
    assert_eq!(object.replication_status.as_deref(), Some("REPLICA"));
    assert_eq!(object.metadata, canary().metadata);
}

#[tokio::test]
async fn an_object_tells_its_tags_and_its_owner() {
    let server = Server::start(|received, earlier| match earlier {
        _ if received.operation.contains("tagging") => Reply::ok("<Tagging><TagSet><Tag><Key>keep</Key><Value>yes</Value></Tag></TagSet></Tagging>"),
        0 => Reply::ok("<AccessControlPolicy><Owner><ID>0af</ID></Owner><AccessControlList/></AccessControlPolicy>"),
        _ => Reply::ok("<AccessControlPolicy><AccessControlList/></AccessControlPolicy>"),
    })
    .await;
    let cloud = cloud(&server.url);
    let (bucket, key) = (BUCKET.to_owned(), "k".to_owned());
    let tagging = Query::GetObjectTagging {
        bucket: bucket.clone(),
        key: key.clone(),
    };
    let acl = Query::GetObjectAcl { bucket, key };
    let tags = BTreeMap::from([("keep".to_owned(), "yes".to_owned())]);
    let ask = async |query| cloud.query(&at("eu-west-1"), query).await;
    assert_eq!(ask(&tagging).await, Ok(Answer::Tags(tags)));
    assert_eq!(ask(&acl).await, Ok(Answer::Text("0af".to_owned())));
    let lacking = ask(&acl).await.unwrap_err();
    assert!(lacking.message.contains("owner"), "{lacking}");
    for (request, asked) in server.received().iter().zip(["tagging", "acl", "acl"]) {
        assert!(request.operation.contains(asked), "{request:?}");
        assert_eq!(request.header("x-amz-expected-bucket-owner"), ACCOUNT);
    }
}

#[tokio::test]
async fn everybody_whom_a_bucket_tells_of_its_objects_is_named_with_what_they_are_told_of() {
    let server = Server::start(|_, earlier| match earlier {
        0 => Reply::ok("<NotificationConfiguration><TopicConfiguration><Topic>arn:t</Topic><Event>s3:ObjectCreated:*</Event><Event>s3:ObjectRemoved:Delete</Event><Filter><S3Key><FilterRule><Name>Prefix</Name><Value>deeds/</Value></FilterRule><FilterRule><Name>Suffix</Name><Value>.jpg</Value></FilterRule></S3Key></Filter></TopicConfiguration><QueueConfiguration><Queue>arn:q</Queue><Event>s3:ObjectRemoved:*</Event></QueueConfiguration><CloudFunctionConfiguration><CloudFunction>arn:f</CloudFunction><Event>s3:ObjectCreated:*</Event></CloudFunctionConfiguration><EventBridgeConfiguration/></NotificationConfiguration>"),
        _ => Reply::ok("<NotificationConfiguration/>"),
    })
    .await;
    let cloud = cloud(&server.url);
    let query = Query::GetBucketNotificationConfiguration {
        bucket: BUCKET.to_owned(),
    };
    let told = |target: &str, events: &[&str]| Notification {
        target: target.to_owned(),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        ..Notification::default()
    };
    let all = vec![
        Notification {
            prefix: "deeds/".to_owned(),
            suffix: ".jpg".to_owned(),
            ..told("arn:t", &["s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"])
        },
        told("arn:q", &["s3:ObjectRemoved:*"]),
        told("arn:f", &["s3:ObjectCreated:*"]),
        told("Amazon EventBridge", &[]),
    ];
    let ask = async || cloud.query(&at("eu-west-1"), &query).await;
    assert_eq!(ask().await, Ok(Answer::Notifications(all)));
    assert_eq!(ask().await, Ok(Answer::Notifications(Vec::new())));
}

#[tokio::test]
async fn versions_are_listed_under_a_prefix_where_there_is_one() {
    let server = Server::start(|_, _| Reply::ok("<ListVersionsResult/>")).await;
    let cloud = cloud(&server.url);
    for prefix in ["deeds/", ""] {
        let query = Query::ListObjectVersions {
            bucket: BUCKET.to_owned(),
            prefix: prefix.to_owned(),
            max_keys: 1000,
            after: None,
        };
        cloud.query(&at("eu-west-1"), &query).await.unwrap();
    }
    let asked = server.received();
    assert!(asked[0].operation.contains("prefix=deeds%2F"), "{asked:?}");
    assert!(!asked[1].operation.contains("prefix"), "{asked:?}");
}
