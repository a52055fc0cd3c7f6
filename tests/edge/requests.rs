//! What requests carry, and how answers are read.

use terraform_provider_replicated::aws::AwsCloud;
use terraform_provider_replicated::execution::cloud::{CallErrorKind, Cloud};
use terraform_provider_replicated::replication::operation::{
    Answer, ObjectVersion, Operation, Output, PageMarker, Query,
};

use crate::server::{Reply, Server};
use crate::setting::{
    ACCOUNT, BUCKET, at, cloud, config, create_bucket, s3_operations, s3_queries,
};

fn head_bucket() -> Query {
    Query::HeadBucket {
        bucket: BUCKET.to_owned(),
    }
}

#[tokio::test]
async fn every_call_to_a_bucket_names_the_account_that_must_own_it() {
    let server = Server::start(|_, _| Reply::s3_error(404, "NoSuchBucket")).await;
    let cloud = cloud(&server.url);
    let (queries, operations) = (s3_queries(), s3_operations());
    for query in &queries {
        let error = cloud.query(&at("eu-west-1"), query).await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::NotFound, "{error}");
        assert_eq!(error.code.as_deref(), Some("NoSuchBucket"), "{error}");
    }
    for operation in &operations {
        let error = cloud
            .perform(&at("eu-west-1"), operation)
            .await
            .unwrap_err();
        assert_eq!(error.code.as_deref(), Some("NoSuchBucket"), "{error}");
    }
    let received = server.received();
    assert_eq!(received.len(), queries.len() + operations.len());
    for request in received {
        let owner = request.header("x-amz-expected-bucket-owner");
        assert_eq!(owner, ACCOUNT, "{}", request.operation);
    }
}

#[tokio::test]
async fn a_missing_setting_is_told_from_a_missing_bucket_by_its_code() {
    for (query, code) in s3_queries().into_iter().skip(2).zip([
        "ServerSideEncryptionConfigurationNotFoundError",
        "NoSuchPublicAccessBlockConfiguration",
        "OwnershipControlsNotFoundError",
        "NoSuchTagSet",
        "NoSuchBucketPolicy",
        "ReplicationConfigurationNotFoundError",
    ]) {
        let server = Server::start(move |_, _| Reply::s3_error(404, code)).await;
        let error = cloud(&server.url)
            .query(&at("eu-west-1"), &query)
            .await
            .unwrap_err();
        assert_eq!(error.kind, CallErrorKind::NotFound);
        assert_eq!(error.code.as_deref(), Some(code));
    }
}

#[tokio::test]
async fn mfa_delete_is_read_beside_versioning() {
    for (shown, expected) in [("<MfaDelete>Enabled</MfaDelete>", "Enabled"), ("", "")] {
        let text = format!(
            r#"<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Suspended</Status>{shown}</VersioningConfiguration>"#
        );
        let server = Server::start(move |_, _| Reply::Answer(200, Vec::new(), text.clone())).await;
        let query = Query::GetBucketMfaDelete {
            bucket: BUCKET.to_owned(),
        };
        let answer = cloud(&server.url).query(&at("eu-west-1"), &query).await;
        assert_eq!(answer.unwrap(), Answer::Text(expected.to_owned()));
    }
}

#[tokio::test]
async fn a_head_that_finds_nothing_says_no_such_bucket() {
    let server = Server::start(|_, _| Reply::Answer(404, Vec::new(), String::new())).await;
    let error = cloud(&server.url)
        .query(&at("eu-west-1"), &head_bucket())
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::NotFound);
    assert_eq!(error.code.as_deref(), Some("NoSuchBucket"));
}

#[tokio::test]
async fn a_head_that_is_redirected_answers_with_the_buckets_region() {
    for status in [301, 400] {
        let server = Server::start(move |_, _| {
            let region = ("x-amz-bucket-region", "us-west-2".to_owned());
            Reply::Answer(status, vec![region], String::new())
        })
        .await;
        let answer = cloud(&server.url)
            .query(&at("eu-west-1"), &head_bucket())
            .await;
        assert_eq!(answer, Ok(Answer::BucketRegion("us-west-2".to_owned())));
    }
}

#[tokio::test]
async fn a_bucket_of_somebody_else_is_denied_and_never_absent() {
    let server = Server::start(|_, _| {
        let region = ("x-amz-bucket-region", "eu-west-1".to_owned());
        Reply::Answer(403, vec![region], String::new())
    })
    .await;
    let error = cloud(&server.url)
        .query(&at("eu-west-1"), &head_bucket())
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::AccessDenied, "{error}");
}

#[tokio::test]
async fn each_request_is_signed_for_the_region_of_its_location() {
    let server = Server::start(|_, _| Reply::ok("{}")).await;
    let cloud = cloud(&server.url);
    for code in ["us-west-2", "eu-central-1"] {
        cloud
            .query(
                &at(code),
                &Query::GetBucketPolicy {
                    bucket: BUCKET.to_owned(),
                },
            )
            .await
            .unwrap();
        cloud.query(&at(code), &Query::ListKeys).await.unwrap();
    }
    let scopes: Vec<String> = server
        .received()
        .iter()
        .map(|request| request.scope()[2..4].join(" "))
        .collect();
    assert_eq!(
        scopes,
        [
            "us-west-2 s3",
            "us-west-2 kms",
            "eu-central-1 s3",
            "eu-central-1 kms"
        ]
    );
}

#[tokio::test]
async fn a_bucket_is_made_with_its_tags_and_a_location_only_outside_us_east_1() {
    let server = Server::start(|_, _| Reply::ok("")).await;
    let cloud = cloud(&server.url);
    for code in ["us-east-1", "eu-west-1"] {
        cloud
            .perform(&at(code), &create_bucket(BUCKET))
            .await
            .unwrap();
    }
    let received = server.received();
    for request in &received {
        assert_eq!(
            request.header("x-amz-object-ownership"),
            "BucketOwnerEnforced"
        );
        assert!(
            request.body.contains("<Key>replicated:owner</Key>"),
            "{}",
            request.body
        );
    }
    assert!(!received[0].body.contains("LocationConstraint"));
    assert!(
        received[1]
            .body
            .contains("<LocationConstraint>eu-west-1</LocationConstraint>")
    );
}

#[tokio::test]
async fn lists_are_read_to_their_last_page() {
    let server = Server::start(|received, _| {
        let (page, more) = match received.body.contains("next") {
            false => ("a", r#","Truncated":true,"NextMarker":"next""#),
            true => ("b", r#","Truncated":false"#),
        };
        match received.operation.as_str() {
            "ListKeys" => Reply::ok(&format!(r#"{{"Keys":[{{"KeyId":"{page}"}}]{more}}}"#)),
            "ListAliases" => {
                Reply::ok(&format!(r#"{{"Aliases":[{{"AliasName":"{page}"}}]{more}}}"#))
            }
            "ListRolePolicies" | "ListAttachedRolePolicies" => {
                let (page, more) = match received.body.contains("Marker") {
                    false => ("a", "<IsTruncated>true</IsTruncated><Marker>m</Marker>"),
                    true => ("b", "<IsTruncated>false</IsTruncated>"),
                };
                Reply::ok(&format!(
                    "<{0}Response><{0}Result><PolicyNames><member>{page}</member></PolicyNames>\
                     <AttachedPolicies><member><PolicyArn>{page}</PolicyArn></member></AttachedPolicies>\
                     {more}</{0}Result></{0}Response>",
                    received.operation
                ))
            }
            other => panic!("unexpected {other}"),
        }
    })
    .await;
    let cloud = cloud(&server.url);
    let role = || "replication".to_owned();
    for query in [
        Query::ListKeys,
        Query::ListAliases {
            key: "k".to_owned(),
        },
        Query::ListRolePolicies { role: role() },
        Query::ListAttachedRolePolicies { role: role() },
    ] {
        let answer = cloud.query(&at("eu-west-1"), &query).await;
        let names = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(answer, Ok(Answer::Names(names)), "{query:?}");
    }
}

#[tokio::test]
async fn buckets_are_listed_by_pages_of_one_region() {
    let server = Server::start(|received, _| {
        let (buckets, more) = match received.operation.contains("continuation-token") {
            false => (
                [("acme-a", "eu-west-1"), ("acme-b", "us-west-2")],
                "<ContinuationToken>t</ContinuationToken>",
            ),
            true => ([("acme-c", "eu-west-1"), ("other", "eu-west-1")], ""),
        };
        let buckets = buckets.map(|(name, region)| {
            format!("<Bucket><Name>{name}</Name><BucketRegion>{region}</BucketRegion></Bucket>")
        });
        let buckets = buckets.concat();
        Reply::ok(&format!(
            "<ListAllMyBucketsResult><Buckets>{buckets}</Buckets>{more}</ListAllMyBucketsResult>"
        ))
    })
    .await;
    let cloud = cloud(&server.url);
    let list = |prefix: &str| Query::ListBuckets {
        prefix: prefix.to_owned(),
    };
    let answer = cloud.query(&at("eu-west-1"), &list("acme-")).await;
    let names = vec!["acme-a".to_owned(), "acme-c".to_owned()];
    assert_eq!(answer, Ok(Answer::Names(names)));
    cloud.query(&at("eu-west-1"), &list("")).await.unwrap();
    let paths: Vec<String> = server
        .received()
        .into_iter()
        .map(|received| received.operation)
        .collect();
    let page = "GET /?max-buckets=1000&prefix=acme-&bucket-region=eu-west-1&x-id=ListBuckets";
    let parameters = |path: &str| {
        let (_, query) = path.split_once('?').unwrap();
        let mut parameters: Vec<String> = query.split('&').map(str::to_owned).collect();
        parameters.sort();
        parameters
    };
    assert_eq!(parameters(&paths[0]), parameters(page));
    let next = format!("{page}&continuation-token=t");
    assert_eq!(parameters(&paths[1]), parameters(&next));
    assert!(!paths[2].contains("prefix"), "{}", paths[2]);
}

#[tokio::test]
async fn the_user_agent_ends_with_our_words() {
    let server = Server::start(|_, _| Reply::ok("{}")).await;
    let mut config = config(&server.url);
    config.user_agent = Some("terraform-provider-replicated/0.1.0 (+https://x)".to_owned());
    AwsCloud::new(config)
        .unwrap()
        .query(&at("eu-west-1"), &Query::ListKeys)
        .await
        .unwrap();
    let request = server.received().remove(0);
    let agent = request.header("user-agent");
    assert!(agent.starts_with("aws-sdk-rust"), "{agent}");
    assert!(
        agent.ends_with("terraform-provider-replicated/0.1.0 (+https://x)"),
        "{agent}"
    );
}

#[tokio::test]
async fn an_acl_tells_whom_else_it_grants_something() {
    let body = r#"<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>abc</ID></Owner><AccessControlList>
<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>abc</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>
<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant>
</AccessControlList></AccessControlPolicy>"#;
    let server = Server::start(move |_, _| Reply::Answer(200, Vec::new(), body.to_owned())).await;
    let query = Query::GetBucketAcl {
        bucket: BUCKET.to_owned(),
    };
    let answer = cloud(&server.url).query(&at("eu-west-1"), &query).await;
    let everyone = "READ for http://acs.amazonaws.com/groups/global/AllUsers";
    assert_eq!(answer, Ok(Answer::Names(vec![everyone.to_owned()])));
}

#[tokio::test]
async fn a_bucket_of_a_regional_namespace_is_created_in_it() {
    let server = Server::start(|_, _| Reply::ok("")).await;
    let cloud = cloud(&server.url);
    for name in ["acme-111111111111-eu-west-1-an", BUCKET] {
        let create = create_bucket(name);
        cloud.perform(&at("eu-west-1"), &create).await.unwrap();
    }
    let received = server.received();
    let namespaces = received
        .iter()
        .map(|request| request.header("x-amz-bucket-namespace"));
    let namespaces: Vec<_> = namespaces.collect();
    assert_eq!(namespaces, ["account-regional", ""]);
}

#[tokio::test]
async fn versions_are_listed_behind_the_page_before() {
    let server = Server::start(|_, _| {
        Reply::ok("<ListVersionsResult><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType><NextKeyMarker>a+b%2Bc</NextKeyMarker><NextVersionIdMarker>2</NextVersionIdMarker><Version><Key>a+b%2Bc</Key><VersionId>2</VersionId></Version></ListVersionsResult>")
    })
    .await;
    let marker = |version_id: &str| PageMarker {
        key: "a b+c".to_owned(),
        version_id: Some(version_id.to_owned()),
    };
    let query = Query::ListObjectVersions {
        bucket: BUCKET.to_owned(),
        prefix: String::new(),
        max_keys: 1,
        after: Some(marker("1")),
    };
    let answer = cloud(&server.url).query(&at("eu-west-1"), &query).await;
    let Ok(Answer::Versions { versions, next }) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!((versions.len(), next), (1, Some(marker("2"))));
    let path = server.received()[0].operation.clone();
    assert!(
        path.contains("key-marker=a%20b%2Bc") && path.contains("version-id-marker=1"),
        "{path}"
    );
}

#[tokio::test]
async fn of_what_could_not_be_deleted_it_is_told_whether_that_may_pass() {
    let server = Server::start(|_, _| {
        let errors = ["AccessDenied", "InternalError", "SlowDown", "NoSuchVersion"].map(|code| {
            format!("<Error><Key>of {code}</Key><VersionId>1</VersionId><Code>{code}</Code><Message>m</Message></Error>")
        });
        Reply::ok(&format!("<DeleteResult>{}</DeleteResult>", errors.concat()))
    })
    .await;
    let operation = Operation::DeleteObjects {
        bucket: BUCKET.to_owned(),
        versions: vec![ObjectVersion {
            key: "k".to_owned(),
            version_id: "1".to_owned(),
            delete_marker: false,
            last_modified: None,
        }],
        bypass_governance_retention: false,
    };
    let answer = cloud(&server.url)
        .perform(&at("eu-west-1"), &operation)
        .await;
    let Ok(Output::NotDeleted(left)) = answer else {
        panic!("{answer:?}");
    };
    let told: Vec<(String, bool)> = left.iter().map(|l| (l.to_string(), l.passing)).collect();
    let of = |code: &str, passing| (format!("of {code} (version 1): {code}: m"), passing);
    assert_eq!(
        told,
        [
            of("AccessDenied", false),
            of("InternalError", true),
            of("SlowDown", true)
        ]
    );
}
