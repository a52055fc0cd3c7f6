//! From the SDK's errors to ours. Only here are AWS's codes, and a few of its messages, looked at.
//!
//! A code decides the kind wherever it can. Messages are looked at only where AWS uses one code both for
//! what will never work and for what works a few seconds later.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::call::Call;
use super::retry::{Effect, is_turned_away, is_unsent};
use crate::execution::cloud::{CallError, CallErrorKind};

/// What a failed call means to us.
pub(super) fn call_error<E>(call: &Call<'_>, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    if let SdkError::ServiceError(service) = error {
        return service_error(call, service.err(), service.raw());
    }
    if let Some(credentials) = find::<CallError>(error) {
        return credentials.clone();
    }
    let kind = match error {
        SdkError::ConstructionFailure(_) => CallErrorKind::Invalid,
        _ if is_unsent(error) => CallErrorKind::Transport,
        SdkError::DispatchFailure(failure) if failure.is_user() => CallErrorKind::Invalid,
        _ => uncertain(call.effect),
    };
    let mut error_of_ours = call.error(kind, chain(error));
    error_of_ours.request_id = error.raw_response().and_then(request_id);
    error_of_ours
}

fn service_error<E>(call: &Call<'_>, error: &E, response: &HttpResponse) -> CallError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let status = response.status().as_u16();
    let code = error.code().filter(|code| !code.is_empty());
    // An answer to HEAD has no body that says so.
    let code = code.or((status == 301).then_some("PermanentRedirect"));
    let message = error.message().unwrap_or_default().trim();
    let kind = kind_of(code, message, status, call.effect);
    let message = match (message, redirected_to(response)) {
        (_, Some(region)) if is_wrong_region(code, status) => format!(
            "the bucket is in region {region}, and was looked for in {}",
            call.region
        ),
        ("", _) if response.status().is_success() => {
            format!("AWS's answer cannot be read: {}", chain(error))
        }
        ("", _) => format!("HTTP status {status} without a message"),
        // It stands in a sentence of ours, which has its own end.
        (message, _) => without_canonical_request(message)
            .trim_end_matches('.')
            .to_owned(),
    };
    CallError {
        code: code.map(str::to_owned),
        request_id: request_id(response),
        ..call.error(kind, message)
    }
}

/// The kind of a failure that AWS itself reports.
fn kind_of(code: Option<&str>, message: &str, status: u16, effect: Effect) -> CallErrorKind {
    use CallErrorKind as K;
    let says = |fragment: &str| {
        message
            .to_ascii_lowercase()
            .contains(&fragment.to_ascii_lowercase())
    };
    match code.unwrap_or_default() {
        "NoSuchBucket"
        | "NoSuchBucketPolicy"
        | "NoSuchEntity"
        | "NoSuchEntityException"
        | "NoSuchKey"
        | "NoSuchLifecycleConfiguration"
        | "NoSuchObjectLockConfiguration"
        | "NoSuchPublicAccessBlockConfiguration"
        | "NoSuchResource"
        | "NoSuchTagSet"
        | "NoSuchUpload"
        | "NoSuchVersion"
        | "NotFound"
        | "NotFoundException"
        | "ObjectLockConfigurationNotFoundError"
        | "OwnershipControlsNotFoundError"
        | "ReplicationConfigurationNotFoundError"
        | "ServerSideEncryptionConfigurationNotFoundError" => K::NotFound,

        "AlreadyExistsException"
        | "BucketAlreadyExists"
        | "BucketAlreadyOwnedByYou"
        | "EntityAlreadyExists"
        | "EntityAlreadyExistsException" => K::AlreadyExists,

        "AccessDenied"
        | "AccessDeniedException"
        | "AllAccessDisabled"
        | "AuthorizationError"
        | "UnauthorizedOperation" => K::AccessDenied,

        "AuthFailure"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "InvalidToken"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "OptInRequired"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "SignatureDoesNotMatch"
        | "TokenRefreshRequired"
        | "UnrecognizedClientException" => K::Credentials,

        // Policies are stored with the principals' ids, so a role made a moment ago is not seen yet.
        "MalformedPolicy" | "MalformedPolicyDocument" | "MalformedPolicyDocumentException"
            if says("invalid principal") =>
        {
            K::NotReady
        }
        "InvalidRequest"
            if says("Versioning must be 'Enabled'")
                || says("Destination bucket must have versioning enabled.")
                || says("Destination bucket must exist.") =>
        {
            K::NotReady
        }
        // Of S3 Batch Operations, about rules that were written a moment ago.
        "BadRequestException" if says("replication configuration") => K::NotReady,
        // A bucket that is so young that its name does not lead to its region yet.
        "TemporaryRedirect" => K::NotReady,

        "ConcurrentModification"
        | "ConcurrentModificationException"
        | "ConditionalRequestConflict"
        | "ConflictException"
        | "OperationAborted" => K::Conflict,

        "BucketNotEmpty"
        | "DeleteConflict"
        | "DeleteConflictException"
        | "DisabledException"
        | "EntityTemporarilyUnmodifiable"
        | "EntityTemporarilyUnmodifiableException"
        | "InvalidBucketState"
        | "InvalidObjectState"
        | "KMSInvalidStateException"
        | "UnmodifiableEntity"
        | "UnmodifiableEntityException" => K::InvalidState,

        // Quotas: to wait does not help.
        "LimitExceeded" | "LimitExceededException" => K::Invalid,

        // The request was not read to its end, so it was not carried out either.
        "RequestTimeout" => K::Transport,
        code if is_turned_away(code) => K::Throttled,

        _ => match status {
            403 => K::AccessDenied,
            404 => K::NotFound,
            409 => K::Conflict,
            429 => K::Throttled,
            // A success that cannot be read: the SDK reports it as an error of the service.
            200..300 | 500.. => uncertain(effect),
            _ => K::Invalid,
        },
    }
}

/// Whether what AWS says of one object of a request may be another thing in a moment.
pub(super) fn may_pass(code: &str) -> bool {
    let passing = ["InternalError", "OperationAborted", "RequestTimeout"];
    is_turned_away(code) || passing.contains(&code)
}

/// The kind of a failure after which nobody knows whether the request was carried out.
pub(super) fn uncertain(effect: Effect) -> CallErrorKind {
    match effect {
        // A read that is lost has done nothing.
        Effect::Read => CallErrorKind::Transport,
        Effect::Repeatable | Effect::Once => CallErrorKind::Ambiguous,
    }
}

/// Whether S3 says that the bucket is elsewhere.
pub(super) fn is_wrong_region(code: Option<&str>, status: u16) -> bool {
    status == 301
        || matches!(
            code,
            Some(
                "PermanentRedirect"
                    | "AuthorizationHeaderMalformed"
                    | "IllegalLocationConstraintException"
            )
        )
}

/// The region of the bucket, where an answer of S3 tells it.
pub(super) fn redirected_to(response: &HttpResponse) -> Option<String> {
    if let Some(region) = response.headers().get("x-amz-bucket-region") {
        return Some(region.to_owned());
    }
    let body = std::str::from_utf8(response.body().bytes()?).ok()?;
    let (_, rest) = body.split_once("<Region>")?;
    let (region, _) = rest.split_once("</Region>")?;
    Some(region.to_owned())
}

fn request_id(response: &HttpResponse) -> Option<String> {
    ["x-amzn-requestid", "x-amz-request-id"]
        .into_iter()
        .find_map(|name| response.headers().get(name))
        .map(str::to_owned)
}

/// The message without the canonical request that AWS appends when signatures differ: it repeats every
/// signed header, the session token too.
pub(super) fn without_canonical_request(message: &str) -> &str {
    let end = message
        .find("The Canonical String")
        .or_else(|| message.find("The String-to-Sign"))
        .unwrap_or(message.len());
    message.get(..end).unwrap_or(message).trim_end()
}

/// An error with its causes, each said once.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}

/// The first error of a type among an error and its causes.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests;
