//! The API operation's name of an HTTP request, and who signed it for what.

use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;

/// The credential scope of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The access key.
    pub access_key: String,
    /// The region that it was signed for.
    pub region: String,
    /// The service, as in IAM's action names.
    pub service: String,
}

/// Name of the API operation: KMS tells it in a header, IAM and STS in the body, S3 and S3 Control by method,
/// path and query.
pub fn operation_name(head: &Parts, body: &[u8]) -> String {
    let target = head
        .headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok());
    if let Some(target) = target {
        let name = target.rsplit_once('.').map_or(target, |(_, name)| name);
        return name.to_owned();
    }
    let form = head.headers.get("content-type").is_some_and(|value| {
        value
            .as_bytes()
            .starts_with(b"application/x-www-form-urlencoded")
    });
    if form {
        let body = String::from_utf8_lossy(body);
        let action = body
            .split('&')
            .find_map(|pair| pair.strip_prefix("Action="));
        return action.unwrap_or("Unknown").to_owned();
    }
    let copy = head.headers.contains_key("x-amz-copy-source");
    s3_operation(
        head.method.as_str(),
        head.uri.path(),
        head.uri.query().unwrap_or_default(),
        copy,
    )
}

/// The credential scope in an `Authorization` header.
pub fn scope(authorization: &str) -> Option<Scope> {
    let (_, credential) = authorization.split_once("Credential=")?;
    let mut parts = credential.split(',').next()?.split('/');
    let access_key = parts.next()?.to_owned();
    let _date = parts.next()?;
    Some(Scope {
        access_key,
        region: parts.next()?.to_owned(),
        service: parts.next()?.to_owned(),
    })
}

fn s3_operation(method: &str, path: &str, query: &str, copy: bool) -> String {
    if path.starts_with("/v20180820/tags/") {
        let of_control = match method {
            "GET" => "ListTagsForResource",
            "DELETE" => "UntagResource",
            _ => "TagResource",
        };
        return of_control.to_owned();
    }
    let mut segments = path.trim_start_matches('/').splitn(2, '/');
    let bucket = segments.next().unwrap_or_default();
    let key = segments.next().unwrap_or_default();
    let names: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("x-id="))
        .map(|pair| pair.split('=').next().unwrap_or(pair))
        .map(|name| percent_decode_str(name).decode_utf8_lossy())
        .collect();
    let asks = |name: &str| names.iter().any(|asked| asked == name);
    if bucket.is_empty() {
        return "ListBuckets".to_owned();
    }
    let verb = match method {
        "GET" => "Get",
        "PUT" => "Put",
        "DELETE" => "Delete",
        "HEAD" => "Head",
        _ => "Post",
    };
    if key.is_empty() {
        bucket_operation(verb, asks)
    } else {
        object_operation(verb, copy, asks)
    }
}

/// What follows the verb in the name of a bucket's sub-resource.
const BUCKET_SETTINGS: [(&str, &str); 21] = [
    ("abac", "BucketAbac"),
    ("accelerate", "BucketAccelerateConfiguration"),
    ("acl", "BucketAcl"),
    ("analytics", "BucketAnalyticsConfiguration"),
    ("cors", "BucketCors"),
    ("encryption", "BucketEncryption"),
    (
        "intelligent-tiering",
        "BucketIntelligentTieringConfiguration",
    ),
    ("inventory", "BucketInventoryConfiguration"),
    ("location", "BucketLocation"),
    ("logging", "BucketLogging"),
    ("metrics", "BucketMetricsConfiguration"),
    ("notification", "BucketNotificationConfiguration"),
    ("object-lock", "ObjectLockConfiguration"),
    ("ownershipControls", "BucketOwnershipControls"),
    ("policy", "BucketPolicy"),
    ("policyStatus", "BucketPolicyStatus"),
    ("publicAccessBlock", "PublicAccessBlock"),
    ("replication", "BucketReplication"),
    ("requestPayment", "BucketRequestPayment"),
    ("tagging", "BucketTagging"),
    ("versioning", "BucketVersioning"),
];

fn bucket_operation(verb: &str, asks: impl Fn(&str) -> bool) -> String {
    let setting = BUCKET_SETTINGS.iter().find(|(name, _)| asks(name));
    match (verb, setting) {
        (verb, Some((_, setting))) => return format!("{verb}{setting}"),
        ("Delete", None) if asks("lifecycle") => "DeleteBucketLifecycle",
        (verb, None) if asks("lifecycle") => {
            return format!("{verb}BucketLifecycleConfiguration");
        }
        ("Put", None) => "CreateBucket",
        ("Delete", None) => "DeleteBucket",
        ("Head", None) => "HeadBucket",
        ("Post", None) => "DeleteObjects",
        (_, None) if asks("versions") => "ListObjectVersions",
        (_, None) if asks("uploads") => "ListMultipartUploads",
        (_, None) if asks("list-type") => "ListObjectsV2",
        _ => "ListObjects",
    }
    .to_owned()
}

fn object_operation(verb: &str, copy: bool, asks: impl Fn(&str) -> bool) -> String {
    const SETTINGS: [(&str, &str); 6] = [
        ("acl", "ObjectAcl"),
        ("attributes", "ObjectAttributes"),
        ("legal-hold", "ObjectLegalHold"),
        ("retention", "ObjectRetention"),
        ("tagging", "ObjectTagging"),
        ("torrent", "ObjectTorrent"),
    ];
    let setting = SETTINGS.iter().find(|(name, _)| asks(name));
    match (verb, setting) {
        (verb, Some((_, setting))) => return format!("{verb}{setting}"),
        ("Post", None) if asks("uploads") => "CreateMultipartUpload",
        ("Post", None) if asks("uploadId") => "CompleteMultipartUpload",
        ("Put", None) if asks("uploadId") && copy => "UploadPartCopy",
        ("Put", None) if asks("uploadId") => "UploadPart",
        ("Get", None) if asks("uploadId") => "ListParts",
        ("Delete", None) if asks("uploadId") => "AbortMultipartUpload",
        ("Put", None) if copy => "CopyObject",
        (verb, None) => return format!("{verb}Object"),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_operations_are_named_by_method_path_and_query() {
        let cases = [
            ("GET", "/", "", "ListBuckets"),
            ("PUT", "/b", "", "CreateBucket"),
            ("PUT", "/b/", "", "CreateBucket"),
            ("DELETE", "/b/", "", "DeleteBucket"),
            ("HEAD", "/b/", "", "HeadBucket"),
            ("POST", "/b/", "delete", "DeleteObjects"),
            ("GET", "/b/", "list-type=2&prefix=policy", "ListObjectsV2"),
            ("GET", "/b/", "versions&prefix=a%2Fb", "ListObjectVersions"),
            ("GET", "/b/", "uploads", "ListMultipartUploads"),
            ("PUT", "/b/", "replication", "PutBucketReplication"),
            ("DELETE", "/b/", "policy", "DeleteBucketPolicy"),
            ("GET", "/b/", "publicAccessBlock", "GetPublicAccessBlock"),
            ("GET", "/b/", "lifecycle", "GetBucketLifecycleConfiguration"),
            ("DELETE", "/b/", "lifecycle", "DeleteBucketLifecycle"),
            ("PUT", "/b/", "object-lock", "PutObjectLockConfiguration"),
            ("PUT", "/b/a%2Fb", "x-id=PutObject", "PutObject"),
            ("HEAD", "/b/k", "versionId=1", "HeadObject"),
            ("GET", "/b/k", "tagging", "GetObjectTagging"),
            ("POST", "/b/k", "uploads", "CreateMultipartUpload"),
            ("DELETE", "/b/k", "uploadId=1", "AbortMultipartUpload"),
            ("POST", "/v20180820/tags/arn%3Ab", "", "TagResource"),
            (
                "DELETE",
                "/v20180820/tags/arn%3Ab",
                "tagKeys=a",
                "UntagResource",
            ),
        ];
        for (method, path, query, name) in cases {
            assert_eq!(
                s3_operation(method, path, query, false),
                name,
                "{method} {path}?{query}"
            );
        }
        assert_eq!(s3_operation("PUT", "/b/k", "", true), "CopyObject");
    }

    #[test]
    fn the_scope_of_a_signature_names_key_region_and_service() {
        let header = "AWS4-HMAC-SHA256 Credential=ASIAX/20261121/us-west-2/kms/aws4_request, \
                      SignedHeaders=host, Signature=00";
        assert_eq!(
            scope(header),
            Some(Scope {
                access_key: "ASIAX".to_owned(),
                region: "us-west-2".to_owned(),
                service: "kms".to_owned(),
            })
        );
        assert_eq!(scope("Bearer x"), None);
    }
}
