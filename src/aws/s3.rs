//! S3's calls, each a function named as the API operation.
//!
//! Every call but `CreateBucket`, which has no such parameter, carries the account that must own the bucket,
//! so that a name which somebody else has taken over is never written to.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::operation::create_bucket::CreateBucketError;
use aws_sdk_s3::operation::get_bucket_versioning::GetBucketVersioningOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    BlockedEncryptionTypes, BucketLocationConstraint, BucketNamespace, BucketVersioningStatus,
    CreateBucketConfiguration, Delete, EncodingType, EncryptionType, ObjectIdentifier,
    ObjectOwnership, OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
};
use percent_encoding::percent_decode_str;

use super::call::{At, Call};
use super::error::{call_error, is_wrong_region, may_pass, redirected_to};
use super::replication_configuration as replication;
use super::retry::OnlyIfNotCarriedOut;
use crate::execution::cloud::{CallError, CallErrorKind};
use crate::replication::ids::BucketName;
use crate::replication::operation::{
    Answer, BucketEncryption, Input, ObjectVersion, Output, PageMarker, PublicAccessBlock,
    ReplicationConfiguration, Tags, Undeleted,
};

/// The region that has no location constraint.
const US_EAST_1: &str = "us-east-1";

/// Answers with the bucket's region also where S3 only says that it is elsewhere: whoever looks for a bucket
/// then asks again there, and only that answer says whose it is.
pub(super) async fn head_bucket(at: &At<'_>, bucket: &str) -> Result<Answer, CallError> {
    let call = at.read("s3:HeadBucket", bucket);
    let request = at
        .clients
        .s3
        .head_bucket()
        .bucket(bucket)
        .expected_bucket_owner(at.account());
    let region = call
        .run_with(
            async {
                let output = request.send().await?;
                Ok(output.bucket_region)
            },
            |call, error| {
                let elsewhere = error.raw_response().and_then(|response| {
                    let status = response.status().as_u16();
                    // An answer to HEAD has no body, hence no code; 400 is how it says "other region".
                    let moved = is_wrong_region(None, status) || status == 400;
                    redirected_to(response).filter(|region| moved && region != at.region().as_str())
                });
                if elsewhere.is_some() {
                    return Ok(elsewhere);
                }
                let mut error = call_error(call, &error);
                match error.kind {
                    CallErrorKind::NotFound => error.code = Some("NoSuchBucket".to_owned()),
                    CallErrorKind::AccessDenied => {
                        error.message =
                            "a bucket of that name is there, but it belongs to another \
                                         account, or s3:ListBucket is not allowed"
                                .to_owned();
                    }
                    _ => {}
                }
                Err(error)
            },
        )
        .await?;
    Ok(Answer::BucketRegion(
        region.unwrap_or_else(|| at.region().to_string()),
    ))
}

/// Only the buckets of the region that is asked; S3 answers with pages, and with regions, to who asks for few at a time.
pub(super) async fn list_buckets(at: &At<'_>, prefix: &str) -> Result<Answer, CallError> {
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let request = at.clients.s3.list_buckets().max_buckets(1000);
        let request = request
            .bucket_region(at.region().as_str())
            .set_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
            .set_continuation_token(token);
        let page = at
            .read("s3:ListBuckets", "all buckets")
            .run(request.send())
            .await?;
        let here = |region: &Option<String>| {
            let region = region.as_deref();
            region.is_none_or(|region| region == at.region().as_str())
        };
        let buckets = page.buckets.unwrap_or_default().into_iter();
        let buckets = buckets.filter(|bucket| here(&bucket.bucket_region));
        names.extend(buckets.filter_map(|bucket| bucket.name));
        token = page.continuation_token.filter(|token| !token.is_empty());
        if token.is_none() {
            names.retain(|name| name.starts_with(prefix));
            return Ok(Answer::Names(names));
        }
    }
}

pub(super) async fn get_bucket_versioning(at: &At<'_>, bucket: &str) -> Result<Answer, CallError> {
    let status = versioning(at, bucket).await?.status;
    Ok(told(status.as_ref().map(|status| status.as_str())))
}

pub(super) async fn get_bucket_mfa_delete(at: &At<'_>, bucket: &str) -> Result<Answer, CallError> {
    let status = versioning(at, bucket).await?.mfa_delete;
    Ok(told(status.as_ref().map(|status| status.as_str())))
}

/// What one call tells of versioning and of MFA Delete.
async fn versioning(at: &At<'_>, bucket: &str) -> Result<GetBucketVersioningOutput, CallError> {
    let request = at.clients.s3.get_bucket_versioning().bucket(bucket);
    let call = at.read("s3:GetBucketVersioning", bucket);
    call.run(request.expected_bucket_owner(at.account()).send())
        .await
}

/// A status that S3 leaves out of its answer until it is first set.
fn told(status: Option<&str>) -> Answer {
    Answer::Text(status.unwrap_or_default().to_owned())
}

pub(super) async fn get_bucket_encryption(at: &At<'_>, bucket: &str) -> Result<Answer, CallError> {
    let call = at.read("s3:GetBucketEncryption", bucket);
    let request = at.clients.s3.get_bucket_encryption().bucket(bucket);
    let output = call
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    let rule = output
        .server_side_encryption_configuration
        .and_then(|configuration| configuration.rules.into_iter().next())
        .ok_or_else(|| call.incomplete("an encryption rule"))?;
    Ok(Answer::Encryption(encryption_from_sdk(rule)))
}

pub(super) async fn get_public_access_block(
    at: &At<'_>,
    bucket: &str,
) -> Result<Answer, CallError> {
    let call = at.read("s3:GetPublicAccessBlock", bucket);
    let request = at.clients.s3.get_public_access_block().bucket(bucket);
    let output = call
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    let block = output
        .public_access_block_configuration
        .ok_or_else(|| call.incomplete("the configuration"))?;
    Ok(Answer::PublicAccessBlock(PublicAccessBlock {
        block_public_acls: block.block_public_acls.unwrap_or_default(),
        block_public_policy: block.block_public_policy.unwrap_or_default(),
        ignore_public_acls: block.ignore_public_acls.unwrap_or_default(),
        restrict_public_buckets: block.restrict_public_buckets.unwrap_or_default(),
    }))
}

pub(super) async fn get_bucket_ownership_controls(
    at: &At<'_>,
    bucket: &str,
) -> Result<Answer, CallError> {
    let call = at.read("s3:GetBucketOwnershipControls", bucket);
    let request = at.clients.s3.get_bucket_ownership_controls().bucket(bucket);
    let output = call
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    let rule = output
        .ownership_controls
        .and_then(|controls| controls.rules.into_iter().next())
        .ok_or_else(|| call.incomplete("an ownership rule"))?;
    Ok(Answer::Text(rule.object_ownership.as_str().to_owned()))
}

pub(super) async fn get_bucket_acl(at: &At<'_>, bucket: &str) -> Result<Answer, CallError> {
    let request = at.clients.s3.get_bucket_acl().bucket(bucket);
    let output = at
        .read("s3:GetBucketAcl", bucket)
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    let owner = output.owner.and_then(|owner| owner.id);
    let others = output.grants.into_iter().flatten().filter_map(|grant| {
        let grantee = grant.grantee?;
        if grantee.id.is_some() && grantee.id == owner {
            return None;
        }
        let who = grantee.uri.or(grantee.email_address).or(grantee.id)?;
        let what = grant.permission?;
        Some(format!("{} for {who}", what.as_str()))
    });
    Ok(Answer::Names(others.collect()))
}

pub(super) async fn get_bucket_tagging(at: &At<'_>, bucket: &str) -> Result<Answer, CallError> {
    let request = at.clients.s3.get_bucket_tagging().bucket(bucket);
    let output = at
        .read("s3:GetBucketTagging", bucket)
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    let tags = output.tag_set.into_iter().map(|tag| (tag.key, tag.value));
    Ok(Answer::Tags(tags.collect()))
}

pub(super) async fn get_bucket_abac(at: &At<'_>, bucket: &str) -> Result<Answer, CallError> {
    let request = at.clients.s3.get_bucket_abac().bucket(bucket);
    let call = at.read("s3:GetBucketAbac", bucket);
    let output = call
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    let status = output.abac_status.and_then(|abac| abac.status);
    let status = status.ok_or_else(|| call.incomplete("the status"))?;
    Ok(Answer::Text(status.as_str().to_owned()))
}

pub(super) async fn get_bucket_policy(at: &At<'_>, bucket: &str) -> Result<Answer, CallError> {
    let request = at.clients.s3.get_bucket_policy().bucket(bucket);
    let output = at
        .read("s3:GetBucketPolicy", bucket)
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    Ok(Answer::Text(output.policy.unwrap_or_default()))
}

pub(super) async fn get_bucket_replication(at: &At<'_>, bucket: &str) -> Result<Answer, CallError> {
    let call = at.read("s3:GetBucketReplication", bucket);
    let request = at.clients.s3.get_bucket_replication().bucket(bucket);
    let output = call
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    let configuration = output
        .replication_configuration
        .ok_or_else(|| call.incomplete("the configuration"))?;
    Ok(Answer::Replication(replication::from_sdk(configuration)))
}

pub(super) async fn list_object_versions(
    at: &At<'_>,
    bucket: &str,
    prefix: &str,
    max_keys: i32,
    after: Option<&PageMarker>,
) -> Result<Answer, CallError> {
    let request = at
        .clients
        .s3
        .list_object_versions()
        .bucket(bucket)
        .set_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
        .max_keys(max_keys)
        .set_key_marker(after.map(|marker| marker.key.clone()))
        .set_version_id_marker(after.and_then(|marker| marker.version_id.clone()))
        // XML cannot carry every character that a key may have.
        .encoding_type(EncodingType::Url);
    let output = at
        .read("s3:ListObjectVersions", bucket)
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    let encoding = output.encoding_type.as_ref();
    let one =
        |key: Option<String>, version_id: Option<String>, delete_marker, came: Option<DateTime>| {
            ObjectVersion {
                key: decoded(key, encoding),
                version_id: version_id.unwrap_or_default(),
                delete_marker,
                last_modified: came.map(|came| came.secs()),
            }
        };
    let more = output.is_truncated.unwrap_or_default();
    let next = match output.next_key_marker {
        Some(key) if more => Some(PageMarker {
            key: decoded(Some(key), encoding),
            version_id: output.next_version_id_marker,
        }),
        // What is taken for everything may be deleted.
        None if more => {
            let call = at.read("s3:ListObjectVersions", bucket);
            return Err(call.incomplete("where the next page begins"));
        }
        _ => None,
    };
    let versions = output.versions.unwrap_or_default().into_iter();
    let markers = output.delete_markers.unwrap_or_default().into_iter();
    Ok(Answer::Versions {
        versions: versions
            .map(|version| {
                one(
                    version.key,
                    version.version_id,
                    false,
                    version.last_modified,
                )
            })
            .chain(
                markers
                    .map(|marker| one(marker.key, marker.version_id, true, marker.last_modified)),
            )
            .collect(),
        next,
    })
}

pub(super) async fn list_multipart_uploads(at: &At<'_>, bucket: &str) -> Result<Answer, CallError> {
    let request = at
        .clients
        .s3
        .list_multipart_uploads()
        .bucket(bucket)
        .encoding_type(EncodingType::Url);
    let output = at
        .read("s3:ListMultipartUploads", bucket)
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    let encoding = output.encoding_type.as_ref();
    let uploads = output.uploads.unwrap_or_default().into_iter();
    Ok(Answer::Uploads(
        uploads
            .map(|upload| {
                (
                    decoded(upload.key, encoding),
                    upload.upload_id.unwrap_or_default(),
                )
            })
            .collect(),
    ))
}

pub(super) async fn create_bucket(
    at: &At<'_>,
    bucket: &str,
    object_ownership: &str,
    object_lock: bool,
    tags: &Tags,
) -> Result<Output, CallError> {
    let call = at.once("s3:CreateBucket", bucket);
    let constraint = Some(at.region().as_str())
        .filter(|region| *region != US_EAST_1)
        .map(BucketLocationConstraint::from);
    let tags = Some(tags_to_sdk(&call, tags)?).filter(|tags| !tags.is_empty());
    let named = BucketName::parse(bucket).ok();
    let is_regional = named.is_some_and(|name| name.regional_namespace().is_some());
    let configuration = (constraint.is_some() || tags.is_some()).then(|| {
        CreateBucketConfiguration::builder()
            .set_location_constraint(constraint)
            .set_tags(tags)
            .build()
    });
    let request = at
        .clients
        .s3
        .create_bucket()
        .bucket(bucket)
        .object_ownership(ObjectOwnership::from(object_ownership))
        .set_object_lock_enabled_for_bucket(object_lock.then_some(true))
        .set_bucket_namespace(is_regional.then_some(BucketNamespace::AccountRegional))
        .set_create_bucket_configuration(configuration)
        .customize()
        .config_override(
            aws_sdk_s3::config::Builder::new()
                .retry_classifier(OnlyIfNotCarriedOut::<CreateBucketError>::new()),
        );
    call.run(request.send()).await?;
    Ok(Output::Done)
}

pub(super) async fn delete_bucket(at: &At<'_>, bucket: &str) -> Result<Output, CallError> {
    let request = at.clients.s3.delete_bucket().bucket(bucket);
    at.write("s3:DeleteBucket", bucket)
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    Ok(Output::Done)
}

/// Always `Enabled`: nothing here ever suspends versioning.
pub(super) async fn put_bucket_versioning(at: &At<'_>, bucket: &str) -> Result<Output, CallError> {
    let enabled = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    let request = at.clients.s3.put_bucket_versioning().bucket(bucket);
    at.write("s3:PutBucketVersioning", bucket)
        .run(
            request
                .expected_bucket_owner(at.account())
                .versioning_configuration(enabled)
                .send(),
        )
        .await?;
    Ok(Output::Done)
}

pub(super) async fn put_bucket_encryption(
    at: &At<'_>,
    bucket: &str,
    encryption: &BucketEncryption,
) -> Result<Output, CallError> {
    let call = at.write("s3:PutBucketEncryption", bucket);
    let key = match &encryption.kms_key {
        Some(key) => Some(at.key(call.name, key)?),
        None => None,
    };
    let configuration =
        encryption_to_sdk(encryption, key).map_err(|error| refused(&call, &error))?;
    let request = at.clients.s3.put_bucket_encryption().bucket(bucket);
    call.run(
        request
            .expected_bucket_owner(at.account())
            .server_side_encryption_configuration(configuration)
            .send(),
    )
    .await?;
    Ok(Output::Done)
}

pub(super) async fn put_public_access_block(
    at: &At<'_>,
    bucket: &str,
    block: PublicAccessBlock,
) -> Result<Output, CallError> {
    let configuration = PublicAccessBlockConfiguration::builder()
        .block_public_acls(block.block_public_acls)
        .block_public_policy(block.block_public_policy)
        .ignore_public_acls(block.ignore_public_acls)
        .restrict_public_buckets(block.restrict_public_buckets)
        .build();
    let request = at.clients.s3.put_public_access_block().bucket(bucket);
    at.write("s3:PutPublicAccessBlock", bucket)
        .run(
            request
                .expected_bucket_owner(at.account())
                .public_access_block_configuration(configuration)
                .send(),
        )
        .await?;
    Ok(Output::Done)
}

pub(super) async fn put_bucket_ownership_controls(
    at: &At<'_>,
    bucket: &str,
    object_ownership: &str,
) -> Result<Output, CallError> {
    let call = at.write("s3:PutBucketOwnershipControls", bucket);
    let controls = OwnershipControlsRule::builder()
        .object_ownership(ObjectOwnership::from(object_ownership))
        .build()
        .and_then(|rule| OwnershipControls::builder().rules(rule).build())
        .map_err(|error| refused(&call, &error))?;
    let request = at.clients.s3.put_bucket_ownership_controls().bucket(bucket);
    call.run(
        request
            .expected_bucket_owner(at.account())
            .ownership_controls(controls)
            .send(),
    )
    .await?;
    Ok(Output::Done)
}

pub(super) async fn put_bucket_tagging(
    at: &At<'_>,
    bucket: &str,
    tags: &Tags,
) -> Result<Output, CallError> {
    let call = at.write("s3:PutBucketTagging", bucket);
    let tagging = Tagging::builder()
        .set_tag_set(Some(tags_to_sdk(&call, tags)?))
        .build()
        .map_err(|error| refused(&call, &error))?;
    let request = at.clients.s3.put_bucket_tagging().bucket(bucket);
    call.run(
        request
            .expected_bucket_owner(at.account())
            .tagging(tagging)
            .send(),
    )
    .await?;
    Ok(Output::Done)
}

pub(super) async fn put_bucket_policy(
    at: &At<'_>,
    bucket: &str,
    policy: &str,
) -> Result<Output, CallError> {
    let request = at.clients.s3.put_bucket_policy().bucket(bucket);
    at.write("s3:PutBucketPolicy", bucket)
        .run(
            request
                .expected_bucket_owner(at.account())
                .policy(policy)
                .send(),
        )
        .await?;
    Ok(Output::Done)
}

pub(super) async fn delete_bucket_policy(at: &At<'_>, bucket: &str) -> Result<Output, CallError> {
    let request = at.clients.s3.delete_bucket_policy().bucket(bucket);
    at.write("s3:DeleteBucketPolicy", bucket)
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn put_bucket_replication(
    at: &At<'_>,
    bucket: &str,
    configuration: &ReplicationConfiguration,
) -> Result<Output, CallError> {
    let call = at.write("s3:PutBucketReplication", bucket);
    let configuration =
        replication::to_sdk(configuration).map_err(|error| call.invalid(error.to_string()))?;
    let request = at.clients.s3.put_bucket_replication().bucket(bucket);
    call.run(
        request
            .expected_bucket_owner(at.account())
            .replication_configuration(configuration)
            .send(),
    )
    .await?;
    Ok(Output::Done)
}

pub(super) async fn delete_bucket_replication(
    at: &At<'_>,
    bucket: &str,
) -> Result<Output, CallError> {
    let request = at.clients.s3.delete_bucket_replication().bucket(bucket);
    at.write("s3:DeleteBucketReplication", bucket)
        .run(request.expected_bucket_owner(at.account()).send())
        .await?;
    Ok(Output::Done)
}

/// What could not be deleted is an answer, not an error: the rest is gone.
pub(super) async fn delete_objects(
    at: &At<'_>,
    bucket: &str,
    versions: &[ObjectVersion],
    bypass_governance_retention: bool,
) -> Result<Output, CallError> {
    let call = at.write("s3:DeleteObjects", bucket);
    let objects = versions
        .iter()
        .map(|version| {
            ObjectIdentifier::builder()
                .key(&version.key)
                .version_id(&version.version_id)
                .build()
        })
        .collect::<Result<Vec<_>, BuildError>>();
    let delete = objects
        .and_then(|objects| {
            Delete::builder()
                .set_objects(Some(objects))
                .quiet(true)
                .build()
        })
        .map_err(|error| refused(&call, &error))?;
    let request = at.clients.s3.delete_objects().bucket(bucket);
    let output = call
        .run(
            request
                .expected_bucket_owner(at.account())
                // Asked for without need, it would need a permission that is better not given.
                .set_bypass_governance_retention(bypass_governance_retention.then_some(true))
                .delete(delete)
                .send(),
        )
        .await?;
    // What is gone already is what was wanted.
    let mut errors = output.errors.unwrap_or_default();
    errors.retain(|error| error.code() != Some("NoSuchVersion"));
    let left = errors.into_iter().map(|error| {
        let code = error.code.unwrap_or_default();
        let message = error.message.unwrap_or_default();
        Undeleted {
            key: error.key.unwrap_or_default(),
            version_id: error.version_id.unwrap_or_default(),
            passing: may_pass(&code),
            why: format!("{code}: {message}"),
        }
    });
    Ok(Output::NotDeleted(left.collect()))
}

pub(super) async fn abort_multipart_upload(
    at: &At<'_>,
    bucket: &str,
    key: &str,
    upload_id: &str,
) -> Result<Output, CallError> {
    let request = at.clients.s3.abort_multipart_upload().bucket(bucket);
    at.write("s3:AbortMultipartUpload", bucket)
        .run(
            request
                .expected_bucket_owner(at.account())
                .key(key)
                .upload_id(upload_id)
                .send(),
        )
        .await?;
    Ok(Output::Done)
}

/// A value that the SDK refuses to build.
fn refused(call: &Call<'_>, error: &BuildError) -> CallError {
    call.invalid(error.to_string())
}

fn tags_to_sdk(call: &Call<'_>, tags: &Tags) -> Result<Vec<Tag>, CallError> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| refused(call, &error))
}

/// A key as it is, whether or not S3 encoded it. In S3's encoding a space is a plus.
fn decoded(key: Option<String>, encoding: Option<&EncodingType>) -> String {
    let key = key.unwrap_or_default();
    match encoding {
        Some(EncodingType::Url) => percent_decode_str(&key.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned(),
        _ => key,
    }
}

fn encryption_to_sdk(
    encryption: &BucketEncryption,
    key: Option<&str>,
) -> Result<ServerSideEncryptionConfiguration, BuildError> {
    let default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::from(
            encryption.sse_algorithm.as_str(),
        ))
        .set_kms_master_key_id(key.map(str::to_owned))
        .build()?;
    let blocked = (!encryption.blocked_encryption_types.is_empty()).then(|| {
        let types = encryption.blocked_encryption_types.iter();
        BlockedEncryptionTypes::builder()
            .set_encryption_type(Some(
                types.map(|t| EncryptionType::from(t.as_str())).collect(),
            ))
            .build()
    });
    ServerSideEncryptionConfiguration::builder()
        .rules(
            ServerSideEncryptionRule::builder()
                .apply_server_side_encryption_by_default(default)
                .bucket_key_enabled(encryption.bucket_key_enabled)
                .set_blocked_encryption_types(blocked)
                .build(),
        )
        .build()
}

fn encryption_from_sdk(rule: ServerSideEncryptionRule) -> BucketEncryption {
    let default = rule.apply_server_side_encryption_by_default;
    let types = rule
        .blocked_encryption_types
        .and_then(|blocked| blocked.encryption_type)
        .unwrap_or_default();
    BucketEncryption {
        sse_algorithm: default
            .as_ref()
            .map(|default| default.sse_algorithm.as_str().to_owned())
            .unwrap_or_default(),
        kms_key: default
            .and_then(|default| default.kms_master_key_id)
            .map(Input::Known),
        bucket_key_enabled: rule.bucket_key_enabled.unwrap_or_default(),
        blocked_encryption_types: types.iter().map(|t| t.as_str().to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_encryption_survives_the_way_there_and_back() {
        for encryption in [
            BucketEncryption {
                sse_algorithm: "AES256".to_owned(),
                kms_key: None,
                bucket_key_enabled: false,
                blocked_encryption_types: Vec::new(),
            },
            BucketEncryption {
                sse_algorithm: "aws:kms:dsse".to_owned(),
                kms_key: Some(Input::Known("arn:aws:kms:eu-west-1:1:key/k".to_owned())),
                bucket_key_enabled: true,
                blocked_encryption_types: vec!["SSE-C".to_owned()],
            },
        ] {
            let key = encryption.kms_key.as_ref().and_then(Input::known);
            let sent = encryption_to_sdk(&encryption, key.map(String::as_str)).unwrap();
            let rule = sent.rules.into_iter().next().unwrap();
            assert_eq!(encryption_from_sdk(rule), encryption);
        }
    }

    #[test]
    fn keys_are_decoded_only_where_they_were_encoded() {
        let url = EncodingType::Url;
        let key = Some("a+b%2Bc%2F%01".to_owned());
        assert_eq!(decoded(key.clone(), Some(&url)), "a b+c/\u{1}");
        assert_eq!(decoded(key, None), "a+b%2Bc%2F%01");
    }
}
