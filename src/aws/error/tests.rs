//! Every code that is mapped has a case here; so have the failures that come without one.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;

use super::*;
use crate::execution::cloud::CallErrorKind as K;
use crate::replication::ids::{AccountId, Region};

/// Calls `check` with a call of the given effect.
fn with_call<T>(effect: Effect, check: impl FnOnce(&Call<'_>) -> T) -> T {
    let account = AccountId::parse("111111111111").unwrap();
    let region = Region::parse("eu-west-1").unwrap();
    check(&Call {
        name: "s3:PutBucketPolicy",
        subject: "acme-archive",
        account: Some(&account),
        region: &region,
        effect,
    })
}

fn response(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> HttpResponse {
    let mut response = HttpResponse::new(
        StatusCode::try_from(status).unwrap(),
        SdkBody::from(body.to_owned()),
    );
    for (name, value) in headers {
        response.headers_mut().insert(*name, *value);
    }
    response
}

fn answered(
    effect: Effect,
    status: u16,
    code: &str,
    message: &str,
    headers: &[(&'static str, &'static str)],
) -> CallError {
    let metadata = ErrorMetadata::builder().code(code).message(message).build();
    let error = SdkError::service_error(metadata, response(status, headers, ""));
    with_call(effect, |call| call_error(call, &error))
}

fn kind(effect: Effect, status: u16, code: &str, message: &str) -> K {
    answered(effect, status, code, message, &[]).kind
}

#[test]
fn each_code_has_its_kind() {
    let cases: &[(u16, &str, K)] = &[
        (404, "NoSuchBucket", K::NotFound),
        (404, "NoSuchBucketPolicy", K::NotFound),
        (404, "NoSuchEntity", K::NotFound),
        (404, "NoSuchEntityException", K::NotFound),
        (404, "NoSuchKey", K::NotFound),
        (404, "NoSuchPublicAccessBlockConfiguration", K::NotFound),
        (404, "NoSuchTagSet", K::NotFound),
        (404, "NoSuchUpload", K::NotFound),
        (404, "NoSuchVersion", K::NotFound),
        (404, "NotFound", K::NotFound),
        (400, "NotFoundException", K::NotFound),
        (404, "OwnershipControlsNotFoundError", K::NotFound),
        (404, "ReplicationConfigurationNotFoundError", K::NotFound),
        (
            404,
            "ServerSideEncryptionConfigurationNotFoundError",
            K::NotFound,
        ),
        (400, "AlreadyExistsException", K::AlreadyExists),
        (409, "BucketAlreadyExists", K::AlreadyExists),
        (409, "BucketAlreadyOwnedByYou", K::AlreadyExists),
        (409, "EntityAlreadyExists", K::AlreadyExists),
        (409, "EntityAlreadyExistsException", K::AlreadyExists),
        (403, "AccessDenied", K::AccessDenied),
        (400, "AccessDeniedException", K::AccessDenied),
        (403, "AllAccessDisabled", K::AccessDenied),
        (403, "AuthorizationError", K::AccessDenied),
        (403, "UnauthorizedOperation", K::AccessDenied),
        (403, "AuthFailure", K::Credentials),
        (400, "ExpiredToken", K::Credentials),
        (400, "ExpiredTokenException", K::Credentials),
        (400, "IncompleteSignature", K::Credentials),
        (400, "IncompleteSignatureException", K::Credentials),
        (403, "InvalidAccessKeyId", K::Credentials),
        (403, "InvalidClientTokenId", K::Credentials),
        (400, "InvalidSignatureException", K::Credentials),
        (400, "InvalidToken", K::Credentials),
        (403, "MissingAuthenticationToken", K::Credentials),
        (400, "MissingAuthenticationTokenException", K::Credentials),
        (403, "OptInRequired", K::Credentials),
        (400, "RequestExpired", K::Credentials),
        (403, "RequestTimeTooSkewed", K::Credentials),
        (403, "SignatureDoesNotMatch", K::Credentials),
        (400, "TokenRefreshRequired", K::Credentials),
        (400, "UnrecognizedClientException", K::Credentials),
        (307, "TemporaryRedirect", K::NotReady),
        (409, "ConcurrentModification", K::Conflict),
        (409, "ConcurrentModificationException", K::Conflict),
        (409, "ConditionalRequestConflict", K::Conflict),
        (400, "ConflictException", K::Conflict),
        (409, "DeleteConflict", K::InvalidState),
        (409, "DeleteConflictException", K::InvalidState),
        (409, "OperationAborted", K::Conflict),
        (409, "BucketNotEmpty", K::InvalidState),
        (400, "DisabledException", K::InvalidState),
        (409, "EntityTemporarilyUnmodifiable", K::InvalidState),
        (
            409,
            "EntityTemporarilyUnmodifiableException",
            K::InvalidState,
        ),
        (409, "InvalidBucketState", K::InvalidState),
        (403, "InvalidObjectState", K::InvalidState),
        (400, "KMSInvalidStateException", K::InvalidState),
        (400, "UnmodifiableEntity", K::InvalidState),
        (400, "UnmodifiableEntityException", K::InvalidState),
        (400, "RequestTimeout", K::Transport),
        (503, "RequestLimitExceeded", K::Throttled),
        (429, "RequestThrottled", K::Throttled),
        (400, "RequestThrottledException", K::Throttled),
        (503, "SlowDown", K::Throttled),
        (400, "Throttling", K::Throttled),
        (400, "ThrottlingException", K::Throttled),
        (400, "ThrottledException", K::Throttled),
        (429, "TooManyRequestsException", K::Throttled),
        (400, "MalformedXML", K::Invalid),
        (400, "InvalidArgument", K::Invalid),
        (400, "LimitExceededException", K::Invalid),
        (409, "LimitExceeded", K::Invalid),
    ];
    for (status, code, expected) in cases {
        for effect in [Effect::Read, Effect::Repeatable, Effect::Once] {
            assert_eq!(kind(effect, *status, code, ""), *expected, "{code}");
        }
    }
}

#[test]
fn what_will_work_soon_is_told_from_what_never_will_by_its_message() {
    let cases = [
        (
            "MalformedPolicy",
            "Invalid principal in policy",
            K::NotReady,
        ),
        ("MalformedPolicy", "Policy has invalid resource", K::Invalid),
        (
            "MalformedPolicyDocument",
            "Invalid principal in policy: \"AWS\":\"x\"",
            K::NotReady,
        ),
        (
            "MalformedPolicyDocument",
            "Syntax errors in policy.",
            K::Invalid,
        ),
        (
            "MalformedPolicyDocumentException",
            "Policy contains a statement with one or more invalid principals.",
            K::NotReady,
        ),
        (
            "MalformedPolicyDocumentException",
            "The new key policy will not allow you to update the key policy in the future.",
            K::Invalid,
        ),
        (
            "InvalidRequest",
            "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
            K::NotReady,
        ),
        (
            "InvalidRequest",
            "Destination bucket must have versioning enabled.",
            K::NotReady,
        ),
        (
            "InvalidRequest",
            "Destination bucket must exist.",
            K::NotReady,
        ),
        ("InvalidRequest", "Found duplicate priority 1.", K::Invalid),
        (
            "BadRequestException",
            "The source bucket has no replication configuration",
            K::NotReady,
        ),
        ("BadRequestException", "Request invalid", K::Invalid),
    ];
    for (code, message, expected) in cases {
        assert_eq!(
            kind(Effect::Repeatable, 400, code, message),
            expected,
            "{message}"
        );
    }
}

#[test]
fn an_answer_without_a_code_is_judged_by_its_status() {
    for (status, expected) in [
        (400, K::Invalid),
        (403, K::AccessDenied),
        (404, K::NotFound),
        (409, K::Conflict),
        (429, K::Throttled),
    ] {
        assert_eq!(
            kind(Effect::Repeatable, status, "", ""),
            expected,
            "{status}"
        );
    }
}

#[test]
fn a_failure_inside_aws_leaves_a_write_in_doubt_but_not_a_read() {
    for code in [
        "InternalError",
        "KMSInternalException",
        "DependencyTimeoutException",
        "ServiceUnavailable",
        "",
    ] {
        assert_eq!(kind(Effect::Read, 500, code, ""), K::Transport);
        assert_eq!(kind(Effect::Repeatable, 500, code, ""), K::Ambiguous);
        assert_eq!(kind(Effect::Once, 500, code, ""), K::Ambiguous);
    }
}

#[test]
fn an_error_says_where_what_and_under_which_request_id() {
    let error = answered(
        Effect::Repeatable,
        403,
        "AccessDenied",
        "User is not authorized",
        &[("x-amz-request-id", "REQ1")],
    );
    assert_eq!(
        error.to_string(),
        "s3:PutBucketPolicy on acme-archive in account 111111111111, region eu-west-1: \
         AccessDenied: User is not authorized (request id REQ1)"
    );
}

#[test]
fn a_redirect_names_the_buckets_own_region() {
    let error = answered(
        Effect::Repeatable,
        301,
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint.",
        &[("x-amz-bucket-region", "us-west-2")],
    );
    assert_eq!(error.kind, K::Invalid);
    assert_eq!(
        error.message,
        "the bucket is in region us-west-2, and was looked for in eu-west-1"
    );
}

#[test]
fn a_malformed_authorization_names_the_buckets_own_region_from_the_body() {
    let body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>us-west-2</Region></Error>";
    let metadata = ErrorMetadata::builder()
        .code("AuthorizationHeaderMalformed")
        .build();
    let error = SdkError::service_error(metadata, response(400, &[], body));
    let error = with_call(Effect::Read, |call| call_error(call, &error));
    assert_eq!(error.kind, K::Invalid);
    assert!(error.message.contains("us-west-2"), "{}", error.message);
}

#[test]
fn the_canonical_request_with_its_token_is_cut_off() {
    let error = answered(
        Effect::Read,
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided.\n\n\
         The Canonical String for this request should have been\n'POST\n/\nx-amz-security-token:HIDDEN'",
        &[],
    );
    assert!(error.message.starts_with("The request signature"));
    assert!(!error.message.contains("HIDDEN"), "{}", error.message);
}

#[test]
fn a_lost_connection_leaves_a_write_in_doubt() {
    let reset = || {
        let source = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        SdkError::<ErrorMetadata, HttpResponse>::dispatch_failure(ConnectorError::io(source.into()))
    };
    let kind = |effect| with_call(effect, |call| call_error(call, &reset()).kind);
    assert_eq!(kind(Effect::Read), K::Transport);
    assert_eq!(kind(Effect::Repeatable), K::Ambiguous);
    assert_eq!(kind(Effect::Once), K::Ambiguous);
}

#[test]
fn a_time_out_leaves_a_write_in_doubt() {
    let error = SdkError::<ErrorMetadata, HttpResponse>::timeout_error("took too long");
    let kind = |effect| with_call(effect, |call| call_error(call, &error).kind);
    assert_eq!(kind(Effect::Read), K::Transport);
    assert_eq!(kind(Effect::Once), K::Ambiguous);
}

#[test]
fn an_answer_that_cannot_be_read_leaves_a_write_in_doubt() {
    let error = SdkError::<ErrorMetadata, HttpResponse>::response_error(
        "unexpected end of document",
        response(200, &[("x-amzn-requestid", "REQ2")], "<Half"),
    );
    let error = with_call(Effect::Once, |call| call_error(call, &error));
    assert_eq!(error.kind, K::Ambiguous);
    assert_eq!(error.request_id.as_deref(), Some("REQ2"));
    assert!(error.message.contains("unexpected end of document"));
}

#[test]
fn missing_credentials_keep_the_error_of_the_session() {
    let session = with_call(Effect::Read, |call| {
        call.error(K::Credentials, "the role cannot be assumed".to_owned())
    });
    let error = SdkError::<ErrorMetadata, HttpResponse>::construction_failure(session.clone());
    let error = with_call(Effect::Once, |call| call_error(call, &error));
    assert_eq!(error, session);
}
