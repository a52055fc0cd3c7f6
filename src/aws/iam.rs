//! IAM's calls, each a function named as the API operation. Documents come percent-encoded and leave plain.

use aws_sdk_iam::error::BuildError;
use aws_sdk_iam::operation::create_role::CreateRoleError;
use aws_sdk_iam::types::Tag;
use aws_smithy_types::date_time::Format;
use percent_encoding::percent_decode_str;

use super::call::{At, Call};
use super::retry::OnlyIfNotCarriedOut;
use crate::execution::cloud::CallError;
use crate::replication::operation::{Answer, Output, RoleDescription, Tags};
use crate::replication::policy::PolicyDocument;

pub(super) async fn get_role(at: &At<'_>, role: &str) -> Result<Answer, CallError> {
    let call = at.read("iam:GetRole", role);
    let output = call
        .run(at.clients.iam.get_role().role_name(role).send())
        .await?;
    let found = output.role.ok_or_else(|| call.incomplete("the role"))?;
    let tags = found.tags.unwrap_or_default().into_iter();
    Ok(Answer::Role(RoleDescription {
        arn: found.arn,
        unique_id: found.role_id,
        path: found.path,
        description: found.description.unwrap_or_default(),
        trust_policy: decoded(
            &call,
            &found.assume_role_policy_document.unwrap_or_default(),
        )?,
        permissions_boundary: found
            .permissions_boundary
            .and_then(|boundary| boundary.permissions_boundary_arn),
        tags: tags.map(|tag| (tag.key, tag.value)).collect(),
        created: found.create_date.fmt(Format::DateTime).ok(),
    }))
}

pub(super) async fn list_role_policies(at: &At<'_>, role: &str) -> Result<Answer, CallError> {
    let mut names = Vec::new();
    let mut marker = None;
    loop {
        let request = at.clients.iam.list_role_policies().role_name(role);
        let page = at
            .read("iam:ListRolePolicies", role)
            .run(request.set_marker(marker).send())
            .await?;
        names.extend(page.policy_names);
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            return Ok(Answer::Names(names));
        }
    }
}

pub(super) async fn list_attached_role_policies(
    at: &At<'_>,
    role: &str,
) -> Result<Answer, CallError> {
    let mut arns = Vec::new();
    let mut marker = None;
    loop {
        let request = at.clients.iam.list_attached_role_policies().role_name(role);
        let page = at
            .read("iam:ListAttachedRolePolicies", role)
            .run(request.set_marker(marker).send())
            .await?;
        let more = page.attached_policies.unwrap_or_default().into_iter();
        arns.extend(more.filter_map(|policy| policy.policy_arn));
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            return Ok(Answer::Names(arns));
        }
    }
}

pub(super) async fn get_role_policy(
    at: &At<'_>,
    role: &str,
    policy: &str,
) -> Result<Answer, CallError> {
    let call = at.read("iam:GetRolePolicy", role);
    let request = at.clients.iam.get_role_policy().role_name(role);
    let output = call.run(request.policy_name(policy).send()).await?;
    Ok(Answer::Text(decoded(&call, &output.policy_document)?))
}

pub(super) async fn create_role(
    at: &At<'_>,
    role: &str,
    path: &str,
    description: &str,
    permissions_boundary: Option<&str>,
    trust_policy: &str,
    tags: &Tags,
) -> Result<Output, CallError> {
    let call = at.once("iam:CreateRole", role);
    let request = at
        .clients
        .iam
        .create_role()
        .role_name(role)
        .path(path)
        .set_description(Some(description.to_owned()).filter(|text| !text.is_empty()))
        .set_permissions_boundary(permissions_boundary.map(str::to_owned))
        .assume_role_policy_document(trust_policy)
        .set_tags(Some(tags_to_sdk(&call, tags)?).filter(|tags| !tags.is_empty()))
        .customize()
        .config_override(
            aws_sdk_iam::config::Builder::new()
                .retry_classifier(OnlyIfNotCarriedOut::<CreateRoleError>::new()),
        );
    let output = call.run(request.send()).await?;
    let made = output.role.ok_or_else(|| call.incomplete("the role"))?;
    Ok(Output::Role {
        arn: made.arn,
        unique_id: made.role_id,
    })
}

pub(super) async fn delete_role(at: &At<'_>, role: &str) -> Result<Output, CallError> {
    at.write("iam:DeleteRole", role)
        .run(at.clients.iam.delete_role().role_name(role).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn update_role(
    at: &At<'_>,
    role: &str,
    description: &str,
) -> Result<Output, CallError> {
    let request = at.clients.iam.update_role().role_name(role);
    at.write("iam:UpdateRole", role)
        .run(request.description(description).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn update_assume_role_policy(
    at: &At<'_>,
    role: &str,
    trust_policy: &str,
) -> Result<Output, CallError> {
    let request = at.clients.iam.update_assume_role_policy().role_name(role);
    at.write("iam:UpdateAssumeRolePolicy", role)
        .run(request.policy_document(trust_policy).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn put_role_permissions_boundary(
    at: &At<'_>,
    role: &str,
    boundary: &str,
) -> Result<Output, CallError> {
    let request = at.clients.iam.put_role_permissions_boundary();
    at.write("iam:PutRolePermissionsBoundary", role)
        .run(
            request
                .role_name(role)
                .permissions_boundary(boundary)
                .send(),
        )
        .await?;
    Ok(Output::Done)
}

pub(super) async fn delete_role_permissions_boundary(
    at: &At<'_>,
    role: &str,
) -> Result<Output, CallError> {
    let request = at.clients.iam.delete_role_permissions_boundary();
    at.write("iam:DeleteRolePermissionsBoundary", role)
        .run(request.role_name(role).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn put_role_policy(
    at: &At<'_>,
    role: &str,
    policy: &str,
    document: &PolicyDocument,
) -> Result<Output, CallError> {
    let call = at.write("iam:PutRolePolicy", role);
    let document = document
        .render()
        .map_err(|unresolved| call.invalid(unresolved.to_string()))?;
    let request = at.clients.iam.put_role_policy().role_name(role);
    call.run(request.policy_name(policy).policy_document(document).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn delete_role_policy(
    at: &At<'_>,
    role: &str,
    policy: &str,
) -> Result<Output, CallError> {
    let request = at.clients.iam.delete_role_policy().role_name(role);
    at.write("iam:DeleteRolePolicy", role)
        .run(request.policy_name(policy).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn detach_role_policy(
    at: &At<'_>,
    role: &str,
    policy_arn: &str,
) -> Result<Output, CallError> {
    let request = at.clients.iam.detach_role_policy().role_name(role);
    at.write("iam:DetachRolePolicy", role)
        .run(request.policy_arn(policy_arn).send())
        .await?;
    Ok(Output::Done)
}

pub(super) async fn tag_role(at: &At<'_>, role: &str, tags: &Tags) -> Result<Output, CallError> {
    let call = at.write("iam:TagRole", role);
    let tags = tags_to_sdk(&call, tags)?;
    let request = at.clients.iam.tag_role().role_name(role);
    call.run(request.set_tags(Some(tags)).send()).await?;
    Ok(Output::Done)
}

pub(super) async fn untag_role(
    at: &At<'_>,
    role: &str,
    tag_keys: &[String],
) -> Result<Output, CallError> {
    let request = at.clients.iam.untag_role().role_name(role);
    at.write("iam:UntagRole", role)
        .run(request.set_tag_keys(Some(tag_keys.to_vec())).send())
        .await?;
    Ok(Output::Done)
}

pub(super) fn decoded(call: &Call<'_>, document: &str) -> Result<String, CallError> {
    percent_decode_str(document)
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| call.incomplete("a document in UTF-8"))
}

pub(super) fn tags_to_sdk(call: &Call<'_>, tags: &Tags) -> Result<Vec<Tag>, CallError> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<Vec<_>, BuildError>>()
        .map_err(|error| call.invalid(error.to_string()))
}
