//! How AWS keeps principals: it stores a role's unique id and shows its ARN, as long as the role exists.

use terraform_provider_replicated::execution::cloud::CallErrorKind as Kind;
use terraform_provider_replicated::replication::ids::{AccountId, Arn};
use terraform_provider_replicated::replication::policy::{Element, PolicyDocument, Principals};

use super::delays::shows;
use super::{Refused, State, refuse};

impl State {
    /// The document as it is kept; refused where it names a role that is not there (or does not show yet).
    pub(super) fn stored(&self, mut document: PolicyDocument) -> Result<PolicyDocument, Refused> {
        for id in principals(&mut document) {
            if id == "*" || AccountId::parse(id).is_ok() || id.ends_with(":root") {
                continue;
            }
            let role = self.role_by_arn(id).filter(|role| {
                Arn::parse_role(id).is_ok() && shows(role.since, self.delays.principals)
            });
            match role {
                Some(role) => *id = role.description.unique_id.clone(),
                None => {
                    let message = format!("Invalid principal in policy: {id}");
                    return refuse(Kind::NotReady, "MalformedPolicy", message);
                }
            }
        }
        Ok(document)
    }

    /// The document as it is shown: a role that is gone shows as its bare id.
    pub(crate) fn shown(&self, document: &PolicyDocument) -> PolicyDocument {
        let mut document = document.clone();
        for id in principals(&mut document) {
            let mut roles = self.roles.values();
            if let Some(role) = roles.find(|r| r.description.unique_id == *id) {
                *id = role.description.arn.clone();
            }
        }
        document
    }
}

fn principals(document: &mut PolicyDocument) -> impl Iterator<Item = &mut String> {
    document
        .statements
        .iter_mut()
        .filter_map(|statement| match &mut statement.principal {
            Some(Element::Is(Principals::Of(kinds)) | Element::Not(Principals::Of(kinds))) => {
                kinds.get_mut("AWS")
            }
            _ => None,
        })
        .flatten()
}
