//! What the policies in and at a role say.

use futures::future::join_all;

use crate::execution::cloud::{CallError, CallErrorKind};
use crate::provider::settings::Session;
use crate::replication::ids::Location;
use crate::replication::observed::FurtherPolicies;
use crate::replication::operation::{Answer, Query};
use crate::replication::policy::PolicyDocument;

/// Reads the inline policies of these names, and the managed ones of these ARNs. What has just gone is left out.
pub(crate) async fn read(
    session: &Session,
    at: &Location,
    role: &str,
    inline: impl Iterator<Item = &String>,
    attached: impl Iterator<Item = &String>,
) -> FurtherPolicies {
    let inline = inline.map(|name| Query::GetRolePolicy {
        role: role.to_owned(),
        policy: name.clone(),
    });
    let inline = join_all(inline.map(|query| text(session, at, query)));
    let attached = join_all(attached.map(|arn| managed(session, at, arn)));
    let (inline, attached) = futures::join!(inline, attached);
    let mut policies = FurtherPolicies::default();
    for answer in inline.into_iter().chain(attached) {
        match answer.map(|text| text.map(|text| PolicyDocument::parse(&text))) {
            Ok(Some(Ok(document))) => policies.documents.push(document),
            Ok(Some(Err(error))) => policies.unread.push(error.to_string()),
            Ok(None) => {}
            Err(error) => policies.unread.push(error.to_string()),
        }
    }
    policies
}

/// A document, or nothing where it has just gone.
async fn text(session: &Session, at: &Location, query: Query) -> Result<Option<String>, CallError> {
    match session.cloud.query(at, &query).await {
        Ok(Answer::Text(text)) => Ok(Some(text)),
        Ok(_) => Ok(None),
        Err(error) if error.kind == CallErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The document of a managed policy.
pub(crate) async fn managed(
    session: &Session,
    at: &Location,
    arn: &str,
) -> Result<Option<String>, CallError> {
    let query = Query::GetPolicy {
        policy_arn: arn.to_owned(),
    };
    let version = match session.cloud.query(at, &query).await {
        Ok(Answer::ManagedPolicy(policy)) => policy.default_version,
        Ok(_) => return Ok(None),
        Err(error) if error.kind == CallErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let query = Query::GetPolicyVersion {
        policy_arn: arn.to_owned(),
        version,
    };
    text(session, at, query).await
}
