//! STS: who we are, and becoming somebody else. Used by sessions only.
//!
//! Each request is given the credentials that sign it, because a session knows them already.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;
use aws_sdk_sts::error::BuildError;
use aws_sdk_sts::types::{AssumedRoleUser, PolicyDescriptorType, Tag};

use super::call::Call;
use super::config::Secret;
use super::retry::Effect;
use crate::execution::cloud::{CallError, CallErrorKind, Identity};
use crate::replication::ids::{AccountId, Arn, AssumeRole, InvalidId, Region, WebIdentity};

/// A session just begun: its credentials, and who they make us.
pub(super) struct BegunSession {
    pub(super) credentials: Credentials,
    pub(super) identity: Identity,
}

pub(super) async fn get_caller_identity(
    client: &Client,
    region: &Region,
    signer: &Credentials,
) -> Result<Identity, CallError> {
    let call = call("sts:GetCallerIdentity", "the caller", region);
    let output = call
        .run(
            client
                .get_caller_identity()
                .customize()
                .config_override(signed_by(signer))
                .send(),
        )
        .await?;
    let arn = output.arn().ok_or_else(|| call.incomplete("an ARN"))?;
    identity(arn).map_err(|why| call.incomplete(&format!("a usable ARN ({why})")))
}

pub(super) async fn assume_role(
    client: &Client,
    region: &Region,
    signer: &Credentials,
    role: &AssumeRole,
    session_name: &str,
) -> Result<BegunSession, CallError> {
    let call = call("sts:AssumeRole", &role.role_arn, region);
    let tags = role
        .tags
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<Vec<_>, BuildError>>()
        .map_err(|error| call.invalid(error.to_string()))?;
    let output = call
        .run(
            client
                .assume_role()
                .role_arn(&role.role_arn)
                .role_session_name(session_name)
                .set_external_id(role.external_id.clone())
                .set_duration_seconds(role.duration_seconds)
                .set_policy(role.policy.clone())
                .set_policy_arns(policy_arns(&role.policy_arns))
                .set_source_identity(role.source_identity.clone())
                .set_tags(none_if_empty(tags))
                .set_transitive_tag_keys(none_if_empty(role.transitive_tag_keys.clone()))
                .customize()
                .config_override(signed_by(signer))
                .send(),
        )
        .await?;
    begun(&call, output.credentials, output.assumed_role_user)
}

pub(super) async fn assume_role_with_web_identity(
    client: &Client,
    region: &Region,
    web: &WebIdentity,
    token: Option<&Secret>,
    session_name: &str,
) -> Result<BegunSession, CallError> {
    let call = call("sts:AssumeRoleWithWebIdentity", &web.role_arn, region);
    let token = match (&web.token_file, token) {
        (Some(path), _) => tokio::fs::read_to_string(path)
            .await
            .map(|text| text.trim().to_owned())
            .map_err(|error| {
                call.error(
                    CallErrorKind::Credentials,
                    format!("the token file {path} cannot be read: {error}"),
                )
            })?,
        (None, Some(secret)) => secret.reveal().to_owned(),
        (None, None) => {
            return Err(call.error(
                CallErrorKind::Credentials,
                "the provider's configuration holds no web identity token for this role".to_owned(),
            ));
        }
    };
    let output = call
        .run(
            client
                .assume_role_with_web_identity()
                .role_arn(&web.role_arn)
                .role_session_name(session_name)
                .web_identity_token(token)
                .set_duration_seconds(web.duration_seconds)
                .set_policy(web.policy.clone())
                .set_policy_arns(policy_arns(&web.policy_arns))
                .send(),
        )
        .await?;
    begun(&call, output.credentials, output.assumed_role_user)
}

fn call<'a>(name: &'static str, subject: &'a str, region: &'a Region) -> Call<'a> {
    Call {
        name,
        subject,
        account: None,
        region,
        // A session that nobody uses does no harm.
        effect: Effect::Read,
    }
}

fn signed_by(credentials: &Credentials) -> Builder {
    Builder::new().credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
}

fn begun(
    call: &Call<'_>,
    credentials: Option<aws_sdk_sts::types::Credentials>,
    user: Option<AssumedRoleUser>,
) -> Result<BegunSession, CallError> {
    let given = credentials.ok_or_else(|| call.incomplete("credentials"))?;
    let user = user.ok_or_else(|| call.incomplete("the assumed role"))?;
    let end = SystemTime::try_from(given.expiration)
        .map_err(|_| call.incomplete("a usable expiration date"))?;
    Ok(BegunSession {
        identity: identity(user.arn())
            .map_err(|why| call.incomplete(&format!("a usable ARN ({why})")))?,
        credentials: Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            Some(end),
            call.name,
        ),
    })
}

fn identity(arn: &str) -> Result<Identity, InvalidId> {
    let parts = Arn::parse(arn)?;
    Ok(Identity {
        account: AccountId::parse(&parts.account)?,
        partition: parts.partition,
        arn: arn.to_owned(),
    })
}

fn policy_arns(arns: &[String]) -> Option<Vec<PolicyDescriptorType>> {
    none_if_empty(
        arns.iter()
            .map(|arn| PolicyDescriptorType::builder().arn(arn).build())
            .collect(),
    )
}

fn none_if_empty<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assumed_roles_arn_tells_account_and_partition() {
        let arn = "arn:aws-cn:sts::222222222222:assumed-role/Deploy/terraform-replicated";
        let identity = identity(arn).unwrap();
        assert_eq!(identity.account.as_str(), "222222222222");
        assert_eq!(identity.partition.as_str(), "aws-cn");
        assert_eq!(identity.arn, arn);
    }
}
