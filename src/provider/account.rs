//! The data source `replicated_account`: the way in of its own provider configuration, to be handed to a resource
//! of another one.

use std::sync::Arc;

use async_trait::async_trait;

use super::assume_role;
use super::settings::{EnterError, Session, Shared};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, ToValue};
use crate::framework::provider::{DataReadRequest, DataReadResponse, DataSource};
use crate::framework::schema::{Attribute, AttributeType, Block, Nesting, Schema, Setter};
use crate::model;
use crate::provider::assume_role::AssumeRoleModel;

model! {
    /// `data.replicated_account`.
    AccountDataModel {
        /// The account.
        account_id: String,
        /// Its partition.
        partition: String,
        /// The provider's region.
        region: String,
        /// What a destination merges in.
        location: LocationModel,
    }
}

model! {
    /// `location`.
    LocationModel {
        /// The account.
        account_id: String,
        /// The region.
        region: String,
        /// The profile.
        profile: String,
        /// The role.
        assume_role: AssumeRoleModel,
    }
}

/// The data source.
pub struct AccountDataSource {
    shared: Arc<Shared>,
}

impl AccountDataSource {
    /// A data source that uses the process's session.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

#[async_trait]
impl DataSource for AccountDataSource {
    fn type_name(&self) -> &str {
        "replicated_account"
    }

    fn schema(&self) -> Schema {
        let computed =
            |name: &str, description: &str| Attribute::string(name, Setter::Computed, description);
        Schema {
            version: 0,
            block: Block {
                attributes: vec![
                    computed("account_id", "Account that the provider's credentials belong to."),
                    computed("partition", "Partition of that account, such as `aws`."),
                    computed("region", "The provider's region."),
                    Attribute::nested(
                        "location",
                        Nesting::Single,
                        vec![
                            computed("account_id", "The account."),
                            computed("region", "The region."),
                            computed("profile", "The provider's profile, where it has one."),
                            Attribute::nested(
                                "assume_role",
                                Nesting::Single,
                                all_computed(assume_role::attributes()),
                                Setter::Computed,
                                "The provider's role, where it assumes one.",
                            ),
                        ],
                        Setter::Computed,
                        "How this provider configuration gets into its account: exactly what a destination of another one needs, as in `merge(data.replicated_account.dr.location, { bucket = \"...\" })`. It never holds a secret.",
                    ),
                ],
                description: "The account behind a provider configuration, and the way into it. A team with provider aliases hands it to the one resource that spans them.".to_owned(),
                ..Block::default()
            },
        }
    }

    async fn read(&self, request: DataReadRequest) -> DataReadResponse {
        let (session, mut response) = match self.shared.begin_data(&request.client) {
            Ok(begun) => begun,
            Err(response) => return response,
        };
        if let Some(model) = account(&session, &mut response.diagnostics).await {
            response.state = model.to_known();
        }
        response
    }
}

async fn account(session: &Session, diagnostics: &mut Diagnostics) -> Option<AccountDataModel> {
    let settings = &session.settings;
    let Some(region) = settings.region.clone() else {
        diagnostics.error(
            "No region",
            "The provider has no region: write `region` in its block, or set AWS_REGION.",
        );
        return None;
    };
    let identity = match session.enter(&settings.own_way_in, &region, None).await {
        Ok(identity) => identity,
        Err(EnterError::Untold) => {
            diagnostics.error(
                "The account is not told",
                "The provider configuration of this data source has skip_requesting_account_id, so nobody asks AWS for its account, which is all that this data source is for. Take the argument off.",
            );
            return None;
        }
        Err(EnterError::Guard(text)) => {
            diagnostics.error("The account is not allowed", text);
            return None;
        }
        Err(EnterError::Call(error)) => {
            diagnostics.error("Cannot enter the account", format!("{error}."));
            return None;
        }
    };
    if let Some(what) = settings.not_shareable {
        diagnostics.error(
            "This way in cannot be handed over",
            format!(
                "A location says at most a profile and one role. The provider configuration of this data source has {what}, which no location can express. Write an `account` block for {} in the provider of the resource instead.",
                identity.account
            ),
        );
        return None;
    }
    let profile = Attr::from_option(settings.profile.clone());
    Some(AccountDataModel {
        account_id: Attr::Known(identity.account.to_string()),
        partition: Attr::Known(identity.partition.to_string()),
        region: Attr::Known(region.to_string()),
        location: Attr::Known(LocationModel {
            account_id: Attr::Known(identity.account.to_string()),
            region: Attr::Known(region.to_string()),
            profile,
            assume_role: settings
                .own_way_in
                .assume_role
                .first()
                .map_or(Attr::Null, |role| Attr::Known(assume_role::flatten(role))),
        }),
    })
}

/// The same attributes, set by the provider alone.
fn all_computed(attributes: Vec<Attribute>) -> Vec<Attribute> {
    attributes
        .into_iter()
        .map(|mut attribute| {
            attribute.setter = Setter::Computed;
            attribute.validators.clear();
            if let AttributeType::Nested(_, children) = &mut attribute.ty {
                *children = all_computed(std::mem::take(children));
            }
            attribute
        })
        .collect()
}
