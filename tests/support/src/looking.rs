//! What there is in an account, as tests ask for it: documents as JSON, rules, keys, objects.

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ReplicationRule;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::Outcome;
use crate::emulator::Clients;

impl Clients {
    /// Puts a small object.
    pub async fn put_text(&self, bucket: &str, key: &str, text: &str) -> Outcome {
        let body = ByteStream::from(text.as_bytes().to_vec());
        let put = self.s3.put_object().bucket(bucket).key(key).body(body);
        put.send().await?;
        Ok(())
    }

    /// An object's text.
    pub async fn text(&self, bucket: &str, key: &str) -> Outcome<String> {
        let got = self.s3.get_object().bucket(bucket).key(key).send().await?;
        Ok(String::from_utf8(
            got.body.collect().await?.into_bytes().into(),
        )?)
    }

    /// An object's replication status; empty where it has none.
    pub async fn replication_status(&self, bucket: &str, key: &str) -> Outcome<String> {
        let head = self.s3.head_object().bucket(bucket).key(key).send().await?;
        Ok(head
            .replication_status()
            .map_or_else(String::new, |status| status.as_str().to_owned()))
    }

    /// Deletes every version and delete marker in a bucket, also what is retained under governance.
    pub async fn empty_bucket(&self, bucket: &str) -> Outcome {
        let listed = self.s3.list_object_versions().bucket(bucket).send().await?;
        let versions = listed.versions().iter().map(|v| (v.key(), v.version_id()));
        let markers = listed.delete_markers().iter();
        for (key, version) in versions.chain(markers.map(|m| (m.key(), m.version_id()))) {
            let delete = self.s3.delete_object().bucket(bucket);
            delete
                .set_key(key.map(str::to_owned))
                .set_version_id(version.map(str::to_owned))
                .bypass_governance_retention(true)
                .send()
                .await?;
        }
        Ok(())
    }

    /// Whether there is such a bucket.
    pub async fn has_bucket(&self, bucket: &str) -> Outcome<bool> {
        let listed = self.s3.list_buckets().send().await?;
        Ok(listed.buckets().iter().any(|b| b.name() == Some(bucket)))
    }

    /// A bucket's policy; null where it has none.
    pub async fn bucket_policy(&self, bucket: &str) -> Outcome<Value> {
        match self.s3.get_bucket_policy().bucket(bucket).send().await {
            Ok(answer) => document(answer.policy()),
            Err(error) if error.code() == Some("NoSuchBucketPolicy") => Ok(Value::Null),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a bucket's policy.
    pub async fn put_bucket_policy(&self, bucket: &str, policy: &Value) -> Outcome {
        let put = self.s3.put_bucket_policy().bucket(bucket);
        put.policy(policy.to_string()).send().await?;
        Ok(())
    }

    /// A bucket's replication rules; none where it has no replication configuration.
    pub async fn rules(&self, bucket: &str) -> Outcome<Vec<ReplicationRule>> {
        match self.s3.get_bucket_replication().bucket(bucket).send().await {
            Ok(answer) => Ok(answer
                .replication_configuration()
                .map_or_else(Vec::new, |found| found.rules().to_vec())),
            Err(error) if error.code() == Some("ReplicationConfigurationNotFoundError") => {
                Ok(Vec::new())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Algorithm and key of a bucket's default encryption, and whether it uses bucket keys.
    pub async fn encryption(&self, bucket: &str) -> Outcome<(String, Option<String>, bool)> {
        let answer = self
            .s3
            .get_bucket_encryption()
            .bucket(bucket)
            .send()
            .await?;
        let rule = answer
            .server_side_encryption_configuration()
            .and_then(|found| found.rules().first())
            .ok_or("no encryption rule")?;
        let default = rule
            .apply_server_side_encryption_by_default()
            .ok_or("no default encryption")?;
        Ok((
            default.sse_algorithm().as_str().to_owned(),
            default.kms_master_key_id().map(str::to_owned),
            rule.bucket_key_enabled() == Some(true),
        ))
    }

    /// Makes a key with the policy that KMS gives one, and tells its ARN.
    pub async fn create_key(&self) -> Outcome<String> {
        let created = self.kms.create_key().send().await?;
        let arn = created.key_metadata().and_then(|key| key.arn());
        Ok(arn.ok_or("a key without an ARN")?.to_owned())
    }

    /// A key's policy.
    pub async fn key_policy(&self, key: &str) -> Outcome<Value> {
        let answer = self.kms.get_key_policy().key_id(key).send().await?;
        document(answer.policy())
    }

    /// Writes a key's policy.
    pub async fn put_key_policy(&self, key: &str, policy: &Value) -> Outcome {
        let put = self.kms.put_key_policy().key_id(key);
        put.policy(policy.to_string()).send().await?;
        Ok(())
    }

    /// A key's state, such as `Enabled` or `PendingDeletion`.
    pub async fn key_state(&self, key: &str) -> Outcome<String> {
        let answer = self.kms.describe_key().key_id(key).send().await?;
        let state = answer.key_metadata().and_then(|key| key.key_state());
        Ok(state.ok_or("a key without a state")?.as_str().to_owned())
    }

    /// The value of one tag of a key.
    pub async fn key_tag(&self, key: &str, tag: &str) -> Outcome<Option<String>> {
        let listed = self.kms.list_resource_tags().key_id(key).send().await?;
        let found = listed.tags().iter().find(|found| found.tag_key() == tag);
        Ok(found.map(|found| found.tag_value().to_owned()))
    }

    /// Names of the aliases of a key.
    pub async fn aliases(&self, key: &str) -> Outcome<Vec<String>> {
        let listed = self.kms.list_aliases().key_id(key).send().await?;
        let names = listed.aliases().iter().filter_map(|a| a.alias_name());
        Ok(names.map(str::to_owned).collect())
    }

    /// An inline policy of a role.
    pub async fn role_policy(&self, role: &str, policy: &str) -> Outcome<Value> {
        let get = self.iam.get_role_policy().role_name(role);
        let answer = get.policy_name(policy).send().await?;
        let text = percent_decode_str(answer.policy_document()).decode_utf8()?;
        document(Some(&text))
    }

    /// Names of a role's inline policies, sorted.
    pub async fn role_policies(&self, role: &str) -> Outcome<Vec<String>> {
        let listed = self.iam.list_role_policies().role_name(role).send().await?;
        let mut names = listed.policy_names().to_vec();
        names.sort();
        Ok(names)
    }
}

fn document(text: Option<&str>) -> Outcome<Value> {
    Ok(serde_json::from_str(text.ok_or("no document")?)?)
}
