//! What people do, with AWS's own SDK.

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, ExpirationStatus, LifecycleExpiration,
    LifecycleRule, LifecycleRuleFilter, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration, ReplicationConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    StorageClass, Tag, Tagging, VersioningConfiguration,
};
use serde_json::{Value, json};
use support::Outcome;

use crate::setup::Setup;

/// The key of the source.
async fn source_key(setup: &Setup) -> Outcome<String> {
    let state = setup.state().await?;
    let key = state["source"]["kms_key_arn"].as_str();
    Ok(key.ok_or("no key")?.to_owned())
}

/// The key of the destination.
async fn backup_key(setup: &Setup) -> Outcome<String> {
    let state = setup.state().await?;
    let key = state["destinations"]["backup"]["kms_key_arn"].as_str();
    Ok(key.ok_or("no key")?.to_owned())
}

fn alias_of(bucket: &str) -> String {
    format!("alias/{bucket}")
}

pub(super) async fn suspend_versioning(setup: &Setup) -> Outcome {
    let suspended = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Suspended)
        .build();
    let put = setup.at_destination().s3.put_bucket_versioning();
    put.bucket(setup.replica_bucket())
        .versioning_configuration(suspended)
        .send()
        .await?;
    Ok(())
}

pub(super) async fn let_public_acls_in(setup: &Setup) -> Outcome {
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(false)
        .block_public_policy(true)
        .ignore_public_acls(true)
        .restrict_public_buckets(true)
        .build();
    let put = setup.at_source().s3.put_public_access_block();
    put.bucket(&setup.bucket)
        .public_access_block_configuration(block)
        .send()
        .await?;
    Ok(())
}

pub(super) async fn own_objects_otherwise(setup: &Setup) -> Outcome {
    let rule = OwnershipControlsRule::builder()
        .object_ownership(ObjectOwnership::ObjectWriter)
        .build()?;
    let controls = OwnershipControls::builder().rules(rule).build()?;
    let put = setup.at_source().s3.put_bucket_ownership_controls();
    put.bucket(&setup.bucket)
        .ownership_controls(controls)
        .send()
        .await?;
    Ok(())
}

pub(super) async fn tag_a_bucket(setup: &Setup) -> Outcome {
    let s3 = setup.at_destination().s3;
    let bucket = setup.replica_bucket();
    let there = s3.get_bucket_tagging().bucket(&bucket).send().await?;
    let by_hand = Tag::builder().key("by").value("hand").build()?;
    let tagging = Tagging::builder()
        .set_tag_set(Some(there.tag_set().to_vec()))
        .tag_set(by_hand)
        .build()?;
    let put = s3.put_bucket_tagging().bucket(bucket);
    put.tagging(tagging).send().await?;
    Ok(())
}

pub(super) async fn encrypt_otherwise(setup: &Setup) -> Outcome {
    let default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::Aes256)
        .build()?;
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .build();
    let configuration = ServerSideEncryptionConfiguration::builder()
        .rules(rule)
        .build()?;
    let put = setup.at_destination().s3.put_bucket_encryption();
    put.bucket(setup.replica_bucket())
        .server_side_encryption_configuration(configuration)
        .send()
        .await?;
    Ok(())
}

/// One rule in the place of ours.
pub(super) async fn expire_everything(setup: &Setup) -> Outcome {
    let rule = LifecycleRule::builder()
        .id("by-hand")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .expiration(LifecycleExpiration::builder().days(1).build())
        .build()?;
    let configuration = BucketLifecycleConfiguration::builder()
        .rules(rule)
        .build()?;
    let s3 = setup.at_destination().s3;
    let put = s3.put_bucket_lifecycle_configuration();
    put.bucket(setup.replica_bucket())
        .lifecycle_configuration(configuration)
        .send()
        .await?;
    Ok(())
}

pub(super) async fn change_the_rule(setup: &Setup) -> Outcome {
    let s3 = setup.at_source().s3;
    let there = s3
        .get_bucket_replication()
        .bucket(&setup.bucket)
        .send()
        .await?;
    let there = there.replication_configuration().ok_or("no rules")?;
    let mut configuration: ReplicationConfiguration = there.clone();
    for rule in &mut configuration.rules {
        let destination = rule.destination.as_mut().ok_or("no destination")?;
        destination.storage_class = Some(StorageClass::Glacier);
    }
    let put = s3.put_bucket_replication().bucket(&setup.bucket);
    put.replication_configuration(configuration).send().await?;
    Ok(())
}

/// The statements of a policy.
fn statements(policy: &mut Value) -> Outcome<&mut Vec<Value>> {
    let statements = policy["Statement"].as_array_mut();
    Ok(statements.ok_or("no list of statements")?)
}

fn is_named(statement: &Value, sid: &str) -> bool {
    let name = statement["Sid"].as_str();
    name.is_some_and(|name| name.starts_with(sid))
}

pub(super) async fn change_our_statement(setup: &Setup) -> Outcome {
    let at = setup.at_destination();
    let bucket = setup.replica_bucket();
    let mut policy = at.bucket_policy(&bucket).await?;
    for statement in statements(&mut policy)? {
        if is_named(statement, "ReplicatedObjects") {
            statement["Action"] = json!("s3:ReplicateObject");
        }
    }
    at.put_bucket_policy(&bucket, &policy).await
}

pub(super) async fn withdraw_the_policy(setup: &Setup) -> Outcome {
    let delete = setup.at_source().s3.delete_bucket_policy();
    delete.bucket(&setup.bucket).send().await?;
    Ok(())
}

pub(super) async fn stop_rotation(setup: &Setup) -> Outcome {
    let key = source_key(setup).await?;
    let disable = setup.at_source().kms.disable_key_rotation();
    disable.key_id(key).send().await?;
    Ok(())
}

pub(super) async fn describe_a_key(setup: &Setup) -> Outcome {
    let key = backup_key(setup).await?;
    let update = setup.at_destination().kms.update_key_description();
    update.key_id(key).description("by hand").send().await?;
    Ok(())
}

pub(super) async fn tag_a_key(setup: &Setup) -> Outcome {
    let tag = aws_sdk_kms::types::Tag::builder()
        .tag_key("by")
        .tag_value("hand")
        .build()?;
    let key = source_key(setup).await?;
    let put = setup.at_source().kms.tag_resource();
    put.key_id(key).tags(tag).send().await?;
    Ok(())
}

/// Takes our statement out of the policy of the destination's key.
pub(super) async fn close_a_key(setup: &Setup) -> Outcome {
    let at = setup.at_destination();
    let key = backup_key(setup).await?;
    let mut policy = at.key_policy(&key).await?;
    statements(&mut policy)?.retain(|statement| !is_named(statement, "Replicated"));
    at.put_key_policy(&key, &policy).await
}

pub(super) async fn delete_the_alias_of_the_source(setup: &Setup) -> Outcome {
    let delete = setup.at_source().kms.delete_alias();
    let alias = alias_of(&setup.bucket);
    delete.alias_name(alias).send().await?;
    Ok(())
}

pub(super) async fn describe_the_role(setup: &Setup) -> Outcome {
    let update = setup.at_source().iam.update_role();
    update
        .role_name(setup.role_name())
        .description("by hand")
        .send()
        .await?;
    Ok(())
}

pub(super) async fn tag_the_role(setup: &Setup) -> Outcome {
    let tag = aws_sdk_iam::types::Tag::builder()
        .key("by")
        .value("hand")
        .build()?;
    let put = setup.at_source().iam.tag_role();
    put.role_name(setup.role_name()).tags(tag).send().await?;
    Ok(())
}

const TRUST_EC2: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

pub(super) async fn trust_somebody_else(setup: &Setup) -> Outcome {
    let update = setup.at_source().iam.update_assume_role_policy();
    update
        .role_name(setup.role_name())
        .policy_document(TRUST_EC2)
        .send()
        .await?;
    Ok(())
}

pub(super) async fn empty_the_grants(setup: &Setup) -> Outcome {
    let delete = setup.at_source().iam.delete_role_policy();
    delete
        .role_name(setup.role_name())
        .policy_name("replication")
        .send()
        .await?;
    Ok(())
}

pub(super) async fn delete_the_role(setup: &Setup) -> Outcome {
    empty_the_grants(setup).await?;
    let delete = setup.at_source().iam.delete_role();
    delete.role_name(setup.role_name()).send().await?;
    Ok(())
}

pub(super) async fn delete_the_rules(setup: &Setup) -> Outcome {
    let delete = setup.at_source().s3.delete_bucket_replication();
    delete.bucket(&setup.bucket).send().await?;
    Ok(())
}

pub(super) async fn delete_an_alias(setup: &Setup) -> Outcome {
    let delete = setup.at_destination().kms.delete_alias();
    let alias = alias_of(&setup.replica_bucket());
    delete.alias_name(alias).send().await?;
    Ok(())
}

pub(super) async fn delete_a_key(setup: &Setup) -> Outcome {
    let key = source_key(setup).await?;
    let delete = setup.at_source().kms.schedule_key_deletion();
    delete.key_id(key).pending_window_in_days(7).send().await?;
    Ok(())
}

pub(super) async fn delete_the_public_access_block(setup: &Setup) -> Outcome {
    let delete = setup.at_source().s3.delete_public_access_block();
    delete.bucket(&setup.bucket).send().await?;
    Ok(())
}

pub(super) async fn delete_all_tags(setup: &Setup) -> Outcome {
    let delete = setup.at_source().s3.delete_bucket_tagging();
    delete.bucket(&setup.bucket).send().await?;
    Ok(())
}

pub(super) async fn delete_the_destination(setup: &Setup) -> Outcome {
    let delete = setup.at_destination().s3.delete_bucket();
    delete.bucket(setup.replica_bucket()).send().await?;
    Ok(())
}

/// The same role once more, under another id; tells the id of the one that is gone.
pub(super) async fn make_the_role_again(setup: &Setup) -> Outcome<String> {
    let at = setup.at_source();
    let name = setup.role_name();
    let found = at.iam.get_role().role_name(&name).send().await?;
    let before = found.role().ok_or("no role")?.clone();
    let trust = before.assume_role_policy_document().unwrap_or_default();
    let trust = percent_encoding::percent_decode_str(trust).decode_utf8()?;
    let grants = at.role_policy(&name, "replication").await?;
    delete_the_role(setup).await?;
    at.iam
        .create_role()
        .role_name(&name)
        .set_description(before.description().map(str::to_owned))
        .assume_role_policy_document(trust)
        .set_tags(Some(before.tags().to_vec()))
        .send()
        .await?;
    at.iam
        .put_role_policy()
        .role_name(&name)
        .policy_name("replication")
        .policy_document(grants.to_string())
        .send()
        .await?;
    Ok(before.role_id().to_owned())
}

/// Another order, lists for strings and strings for lists, an account by its root, a label, and a statement of
/// somebody else's.
pub(super) fn spell_otherwise(policy: &mut Value) {
    let Some(statements) = policy["Statement"].as_array_mut() else {
        return;
    };
    for statement in statements.iter_mut() {
        for element in ["Action", "Resource"] {
            match &mut statement[element] {
                Value::Array(list) => list.reverse(),
                single => *single = json!([single.take()]),
            }
        }
        if let Value::String(whom) = &mut statement["Principal"]["AWS"] {
            if !whom.starts_with("arn:") {
                *whom = format!("arn:aws:iam::{whom}:root");
            }
            statement["Principal"]["AWS"] = json!([statement["Principal"]["AWS"]]);
        }
    }
    statements.reverse();
    let resource = statements[0]["Resource"][0].clone();
    statements.insert(
        0,
        json!({
            "Sid": "Theirs",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutBucketWebsite",
            "Resource": resource.as_str().unwrap_or_default().trim_end_matches("/*"),
        }),
    );
    policy["Id"] = json!("theirs");
}
