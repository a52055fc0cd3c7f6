//! The AWS edge: the only user of the AWS SDK.
//!
//! [`AwsCloud`] carries out the queries and operations of the pure middle. Each becomes one call, in a thin
//! function named as the API operation. Deliberately absent: any order between calls, any waiting for AWS
//! to catch up, any judgement about what an answer means for replication. What is here is what a call needs:
//! credentials, a client for the right region, retries that never carry out a create twice, and errors whose
//! kind can be trusted.

mod batch_jobs;
mod call;
mod clients;
mod cloud_watch;
pub mod config;
mod credentials;
mod environment;
mod error;
mod http;
mod iam;
mod kms;
mod lifecycle;
mod managed_policy;
mod notification;
mod object;
mod object_lock;
mod once_map;
mod replication_configuration;
mod retry;
mod s3;
mod s3_control;
mod sts;
mod unreachable;

use async_trait::async_trait;

use self::call::At;
use self::clients::ClientSets;
pub use self::config::{CloudConfig, ConfigError, Endpoints, Secret};
pub use self::retry::RetryMode;
use crate::execution::cloud::{CallError, Cloud, Identity};
use crate::replication::ids::{Location, Region, WayIn};
use crate::replication::operation::{Answer, Operation, Output, Query};

/// AWS, as configured by one provider block. Cheap to share; every cache in it is filled on first use.
#[derive(Debug)]
pub struct AwsCloud {
    sets: ClientSets,
}

impl AwsCloud {
    /// Prepares a cloud without any call. Fails where the configuration contradicts itself.
    pub fn new(config: CloudConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            sets: ClientSets::new(config)?,
        })
    }

    /// The provider's region: its own, else `AWS_REGION`, `AWS_DEFAULT_REGION`, else the profile's.
    pub async fn default_region(&self) -> Option<Region> {
        self.sets.default_region().await
    }

    /// The provider's own credentials as a way in: its base credentials, then its own `assume_role` chain.
    ///
    /// A [`WayIn`] is always a fresh start; `WayIn::default()` is the base credentials alone.
    pub fn own_way_in(&self) -> WayIn {
        self.sets.own_way_in()
    }
}

#[async_trait]
impl Cloud for AwsCloud {
    async fn enter(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError> {
        let clients = self.sets.get(way_in, region).await;
        clients.session.identity().await
    }

    async fn query(&self, location: &Location, query: &Query) -> Result<Answer, CallError> {
        let clients = self.sets.get(&location.way_in, &location.region).await;
        // Credentials come first, so that no time limit of the call itself is spent on them, and so that
        // their failure is reported as the STS call that it is.
        let credentials = clients.session.current().await?;
        let at = At::new(location, &clients);
        let answer = match query {
            Query::HeadBucket { bucket } => s3::head_bucket(&at, bucket).await,
            Query::ListBuckets { prefix } => s3::list_buckets(&at, prefix).await,
            Query::GetBucketVersioning { bucket } => s3::get_bucket_versioning(&at, bucket).await,
            Query::GetBucketMfaDelete { bucket } => s3::get_bucket_mfa_delete(&at, bucket).await,
            Query::GetBucketEncryption { bucket } => s3::get_bucket_encryption(&at, bucket).await,
            Query::GetPublicAccessBlock { bucket } => {
                s3::get_public_access_block(&at, bucket).await
            }
            Query::GetBucketOwnershipControls { bucket } => {
                s3::get_bucket_ownership_controls(&at, bucket).await
            }
            Query::GetBucketAcl { bucket } => s3::get_bucket_acl(&at, bucket).await,
            Query::GetBucketLifecycleConfiguration { bucket } => {
                lifecycle::get_bucket_lifecycle_configuration(&at, bucket).await
            }
            Query::GetObjectLockConfiguration { bucket } => {
                object_lock::get_object_lock_configuration(&at, bucket).await
            }
            Query::GetObjectRetention { bucket, version } => {
                object_lock::get_object_retention(&at, bucket, version).await
            }
            Query::GetObjectLegalHold { bucket, version } => {
                object_lock::get_object_legal_hold(&at, bucket, version).await
            }
            Query::GetBucketTagging { bucket } => s3::get_bucket_tagging(&at, bucket).await,
            Query::GetBucketAbac { bucket } => s3::get_bucket_abac(&at, bucket).await,
            Query::GetBucketPolicy { bucket } => s3::get_bucket_policy(&at, bucket).await,
            Query::GetBucketReplication { bucket } => s3::get_bucket_replication(&at, bucket).await,
            Query::ListObjectVersions {
                bucket,
                prefix,
                max_keys,
                after,
            } => s3::list_object_versions(&at, bucket, prefix, *max_keys, after.as_ref()).await,
            Query::ListMultipartUploads { bucket } => s3::list_multipart_uploads(&at, bucket).await,
            Query::HeadObject { bucket, key } => object::head_object(&at, bucket, key).await,
            Query::GetObject { bucket, key } => object::get_object(&at, bucket, key).await,
            Query::DescribeJob { job_id } => batch_jobs::describe_job(&at, job_id).await,
            Query::ListJobs => batch_jobs::list_jobs(&at).await,
            Query::GetBucketNotificationConfiguration { bucket } => {
                notification::get_bucket_notification_configuration(&at, bucket).await
            }
            Query::GetObjectTagging { bucket, key } => {
                object::get_object_tagging(&at, bucket, key).await
            }
            Query::GetObjectAcl { bucket, key } => object::get_object_acl(&at, bucket, key).await,
            Query::GetMetricData {
                rule,
                metrics,
                from,
                until,
            } => cloud_watch::get_metric_data(&at, rule, metrics, *from, *until).await,
            Query::DescribeKey { key } => kms::describe_key(&at, key).await,
            Query::GetKeyPolicy { key } => kms::get_key_policy(&at, key).await,
            Query::GetKeyRotationStatus { key } => kms::get_key_rotation_status(&at, key).await,
            Query::ListKeyTags { key } => kms::list_resource_tags(&at, key).await,
            Query::ListAliases { key } => kms::list_aliases(&at, key).await,
            Query::ListKeys => kms::list_keys(&at).await,
            Query::GetRole { role } => iam::get_role(&at, role).await,
            Query::ListRolePolicies { role } => iam::list_role_policies(&at, role).await,
            Query::ListAttachedRolePolicies { role } => {
                iam::list_attached_role_policies(&at, role).await
            }
            Query::GetRolePolicy { role, policy } => iam::get_role_policy(&at, role, policy).await,
            Query::GetPolicy { policy_arn } => managed_policy::get_policy(&at, policy_arn).await,
            Query::GetPolicyVersion {
                policy_arn,
                version,
            } => managed_policy::get_policy_version(&at, policy_arn, version).await,
            Query::ListPolicyVersions { policy_arn } => {
                managed_policy::list_policy_versions(&at, policy_arn).await
            }
        };
        clients
            .session
            .forget_if_refused(&credentials, answer)
            .await
    }

    async fn perform(
        &self,
        location: &Location,
        operation: &Operation,
    ) -> Result<Output, CallError> {
        let clients = self.sets.get(&location.way_in, &location.region).await;
        let credentials = clients.session.current().await?;
        let at = At::new(location, &clients);
        let output = perform(&at, operation).await;
        clients
            .session
            .forget_if_refused(&credentials, output)
            .await
    }
}

/// One arm for each operation.
async fn perform(at: &At<'_>, operation: &Operation) -> Result<Output, CallError> {
    use Operation as O;
    match operation {
        O::CreateBucket {
            bucket,
            object_ownership,
            object_lock,
            tags,
        } => s3::create_bucket(at, bucket, object_ownership, *object_lock, tags).await,
        O::DeleteBucket { bucket } => s3::delete_bucket(at, bucket).await,
        O::EnableBucketVersioning { bucket } => s3::put_bucket_versioning(at, bucket).await,
        O::PutBucketEncryption { bucket, encryption } => {
            s3::put_bucket_encryption(at, bucket, encryption).await
        }
        O::PutPublicAccessBlock { bucket, block } => {
            s3::put_public_access_block(at, bucket, *block).await
        }
        O::PutBucketOwnershipControls {
            bucket,
            object_ownership,
        } => s3::put_bucket_ownership_controls(at, bucket, object_ownership).await,
        O::PutBucketLifecycleConfiguration { bucket, lifecycle } => {
            lifecycle::put_bucket_lifecycle_configuration(at, bucket, lifecycle).await
        }
        O::PutObjectLockConfiguration {
            bucket,
            object_lock,
        } => object_lock::put_object_lock_configuration(at, bucket, object_lock).await,
        O::DeleteBucketLifecycle { bucket } => lifecycle::delete_bucket_lifecycle(at, bucket).await,
        O::PutBucketTagging { bucket, tags } => s3::put_bucket_tagging(at, bucket, tags).await,
        O::TagBucket { bucket, tags } => s3_control::tag_resource(at, bucket, tags).await,
        O::UntagBucket { bucket, tag_keys } => {
            s3_control::untag_resource(at, bucket, tag_keys).await
        }
        O::PutBucketPolicy { bucket, policy } => s3::put_bucket_policy(at, bucket, policy).await,
        O::DeleteBucketPolicy { bucket } => s3::delete_bucket_policy(at, bucket).await,
        O::PutBucketReplication {
            bucket,
            configuration,
        } => s3::put_bucket_replication(at, bucket, configuration).await,
        O::DeleteBucketReplication { bucket } => s3::delete_bucket_replication(at, bucket).await,
        O::PutObject { bucket, object } => object::put_object(at, bucket, object).await,
        O::DeleteObjects {
            bucket,
            versions,
            bypass_governance_retention,
        } => s3::delete_objects(at, bucket, versions, *bypass_governance_retention).await,
        O::AbortMultipartUpload {
            bucket,
            key,
            upload_id,
        } => s3::abort_multipart_upload(at, bucket, key, upload_id).await,
        O::CreateKey {
            description,
            multi_region,
            policy,
            tags,
        } => kms::create_key(at, description, *multi_region, policy, tags).await,
        O::PutKeyPolicy { key, policy } => kms::put_key_policy(at, key, policy).await,
        O::UpdateKeyDescription { key, description } => {
            kms::update_key_description(at, key, description).await
        }
        O::EnableKeyRotation { key, period_days } => {
            kms::enable_key_rotation(at, key, *period_days).await
        }
        O::DisableKeyRotation { key } => kms::disable_key_rotation(at, key).await,
        O::EnableKey { key } => kms::enable_key(at, key).await,
        O::DisableKey { key } => kms::disable_key(at, key).await,
        O::TagKey { key, tags } => kms::tag_resource(at, key, tags).await,
        O::UntagKey { key, tag_keys } => kms::untag_resource(at, key, tag_keys).await,
        O::CreateAlias { alias, key } => kms::create_alias(at, alias, key).await,
        O::UpdateAlias { alias, key } => kms::update_alias(at, alias, key).await,
        O::DeleteAlias { alias } => kms::delete_alias(at, alias).await,
        O::ScheduleKeyDeletion { key, window_days } => {
            kms::schedule_key_deletion(at, key, *window_days).await
        }
        O::CancelKeyDeletion { key } => kms::cancel_key_deletion(at, key).await,
        O::CreateRole {
            role,
            path,
            description,
            permissions_boundary,
            trust_policy,
            tags,
        } => {
            let boundary = permissions_boundary.as_deref();
            iam::create_role(at, role, path, description, boundary, trust_policy, tags).await
        }
        O::DeleteRole { role } => iam::delete_role(at, role).await,
        O::UpdateRole { role, description } => iam::update_role(at, role, description).await,
        O::UpdateAssumeRolePolicy { role, trust_policy } => {
            iam::update_assume_role_policy(at, role, trust_policy).await
        }
        O::PutRolePermissionsBoundary { role, boundary } => {
            iam::put_role_permissions_boundary(at, role, boundary).await
        }
        O::DeleteRolePermissionsBoundary { role } => {
            iam::delete_role_permissions_boundary(at, role).await
        }
        O::PutRolePolicy {
            role,
            policy,
            document,
        } => iam::put_role_policy(at, role, policy, document).await,
        O::DeleteRolePolicy { role, policy } => iam::delete_role_policy(at, role, policy).await,
        O::DetachRolePolicy { role, policy_arn } => {
            iam::detach_role_policy(at, role, policy_arn).await
        }
        O::ManagedPolicy(operation) => managed_policy::perform(at, operation).await,
        O::BatchJob(operation) => batch_jobs::perform(at, operation).await,
        O::TagRole { role, tags } => iam::tag_role(at, role, tags).await,
        O::UntagRole { role, tag_keys } => iam::untag_role(at, role, tag_keys).await,
    }
}
