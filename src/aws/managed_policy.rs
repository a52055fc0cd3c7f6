//! IAM's calls about customer managed policies, each a function named as the API operation.

use aws_sdk_iam::operation::create_policy::CreatePolicyError;
use aws_sdk_iam::operation::create_policy_version::CreatePolicyVersionError;

use super::call::{At, Call};
use super::iam::{decoded, tags_to_sdk};
use super::retry::OnlyIfNotCarriedOut;
use crate::execution::cloud::CallError;
use crate::replication::operation::{
    Answer, ManagedPolicyDescription, ManagedPolicyOperation as O, Output, Tags,
};
use crate::replication::policy::PolicyDocument;

pub(super) async fn get_policy(at: &At<'_>, policy_arn: &str) -> Result<Answer, CallError> {
    let call = at.read("iam:GetPolicy", policy_arn);
    let request = at.clients.iam.get_policy().policy_arn(policy_arn);
    let output = call.run(request.send()).await?;
    let found = output.policy.ok_or_else(|| call.incomplete("the policy"))?;
    let tags = found.tags.unwrap_or_default().into_iter();
    Ok(Answer::ManagedPolicy(ManagedPolicyDescription {
        default_version: found.default_version_id.unwrap_or_default(),
        tags: tags.map(|tag| (tag.key, tag.value)).collect(),
    }))
}

pub(super) async fn get_policy_version(
    at: &At<'_>,
    policy_arn: &str,
    version: &str,
) -> Result<Answer, CallError> {
    let call = at.read("iam:GetPolicyVersion", policy_arn);
    let request = at.clients.iam.get_policy_version().policy_arn(policy_arn);
    let output = call.run(request.version_id(version).send()).await?;
    let document = output.policy_version.and_then(|found| found.document);
    let document = document.ok_or_else(|| call.incomplete("the document"))?;
    Ok(Answer::Text(decoded(&call, &document)?))
}

pub(super) async fn list_policy_versions(
    at: &At<'_>,
    policy_arn: &str,
) -> Result<Answer, CallError> {
    let mut versions = Vec::new();
    let mut marker = None;
    loop {
        let request = at.clients.iam.list_policy_versions().policy_arn(policy_arn);
        let page = at
            .read("iam:ListPolicyVersions", policy_arn)
            .run(request.set_marker(marker).send())
            .await?;
        let more = page.versions.unwrap_or_default().into_iter();
        versions.extend(more.filter_map(|version| version.version_id));
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            return Ok(Answer::Names(versions));
        }
    }
}

/// Makes one write.
pub(super) async fn perform(at: &At<'_>, operation: &O) -> Result<Output, CallError> {
    match operation {
        O::Create {
            policy_arn,
            path,
            document,
            tags,
        } => create_policy(at, policy_arn, path, document, tags).await,
        O::CreateVersion {
            policy_arn,
            document,
        } => create_policy_version(at, policy_arn, document).await,
        O::DeleteVersion {
            policy_arn,
            version,
        } => delete_policy_version(at, policy_arn, version).await,
        O::Delete { policy_arn } => delete_policy(at, policy_arn).await,
        O::Attach { role, policy_arn } => attach_role_policy(at, role, policy_arn).await,
        O::Tag { policy_arn, tags } => tag_policy(at, policy_arn, tags).await,
        O::Untag {
            policy_arn,
            tag_keys,
        } => untag_policy(at, policy_arn, tag_keys).await,
    }
}

async fn create_policy(
    at: &At<'_>,
    policy_arn: &str,
    path: &str,
    document: &PolicyDocument,
    tags: &Tags,
) -> Result<Output, CallError> {
    let call = at.once("iam:CreatePolicy", policy_arn);
    let name = policy_arn.rsplit('/').next().unwrap_or_default();
    let request = at
        .clients
        .iam
        .create_policy()
        .policy_name(name)
        .path(path)
        .policy_document(rendered(&call, document)?)
        .set_tags(Some(tags_to_sdk(&call, tags)?).filter(|tags| !tags.is_empty()))
        .customize()
        .config_override(
            aws_sdk_iam::config::Builder::new()
                .retry_classifier(OnlyIfNotCarriedOut::<CreatePolicyError>::new()),
        );
    call.run(request.send()).await?;
    Ok(Output::Done)
}

/// Sent twice it would make two versions of the five that a policy may have.
async fn create_policy_version(
    at: &At<'_>,
    policy_arn: &str,
    document: &PolicyDocument,
) -> Result<Output, CallError> {
    let call = at.once("iam:CreatePolicyVersion", policy_arn);
    let request = at
        .clients
        .iam
        .create_policy_version()
        .policy_arn(policy_arn)
        .policy_document(rendered(&call, document)?)
        .set_as_default(true)
        .customize()
        .config_override(
            aws_sdk_iam::config::Builder::new()
                .retry_classifier(OnlyIfNotCarriedOut::<CreatePolicyVersionError>::new()),
        );
    call.run(request.send()).await?;
    Ok(Output::Done)
}

async fn delete_policy_version(
    at: &At<'_>,
    policy_arn: &str,
    version: &str,
) -> Result<Output, CallError> {
    let request = at.clients.iam.delete_policy_version();
    at.write("iam:DeletePolicyVersion", policy_arn)
        .run(request.policy_arn(policy_arn).version_id(version).send())
        .await?;
    Ok(Output::Done)
}

async fn delete_policy(at: &At<'_>, policy_arn: &str) -> Result<Output, CallError> {
    at.write("iam:DeletePolicy", policy_arn)
        .run(at.clients.iam.delete_policy().policy_arn(policy_arn).send())
        .await?;
    Ok(Output::Done)
}

async fn attach_role_policy(
    at: &At<'_>,
    role: &str,
    policy_arn: &str,
) -> Result<Output, CallError> {
    let request = at.clients.iam.attach_role_policy().role_name(role);
    at.write("iam:AttachRolePolicy", policy_arn)
        .run(request.policy_arn(policy_arn).send())
        .await?;
    Ok(Output::Done)
}

async fn tag_policy(at: &At<'_>, policy_arn: &str, tags: &Tags) -> Result<Output, CallError> {
    let call = at.write("iam:TagPolicy", policy_arn);
    let tags = tags_to_sdk(&call, tags)?;
    let request = at.clients.iam.tag_policy().policy_arn(policy_arn);
    call.run(request.set_tags(Some(tags)).send()).await?;
    Ok(Output::Done)
}

async fn untag_policy(
    at: &At<'_>,
    policy_arn: &str,
    tag_keys: &[String],
) -> Result<Output, CallError> {
    let request = at.clients.iam.untag_policy().policy_arn(policy_arn);
    at.write("iam:UntagPolicy", policy_arn)
        .run(request.set_tag_keys(Some(tag_keys.to_vec())).send())
        .await?;
    Ok(Output::Done)
}

fn rendered(call: &Call<'_>, document: &PolicyDocument) -> Result<String, CallError> {
    document
        .render()
        .map_err(|unresolved| call.invalid(unresolved.to_string()))
}
