//! The resource `replicated_bucket`: Terraform on one side, the pure middle on the other.
//!
//! [`schema`] and [`model`] say what a practitioner writes, and `validate` what of it cannot be. [`values`] leads to the
//! domain and back, [`attributes`] are those with much to say of themselves. The operations stand in files and folders
//! of their own: `plan` with its `preflight`, `apply`, `destroy`, `read`, `import`. All of them are thin: they fetch,
//! call the middle, run its steps, and report. `upgrade` reads what earlier versions stored.

mod abandoned;
mod aftermath;
mod apply;
pub mod attributes;
mod default_key;
mod destroy;
pub mod documents;
mod generate;
mod identity;
mod import;
pub mod list;
pub mod model;
mod moved;
mod paths;
mod plan;
mod preflight;
mod private;
mod read;
pub(in crate::provider) mod report;
pub(crate) mod retired_keys;
pub(crate) mod role_policies;
pub mod schema;
pub(in crate::provider) mod status;
mod theirs;
mod upgrade;
mod validate;
pub mod values;
pub(in crate::provider) mod verification;

use std::sync::Arc;

use async_trait::async_trait;

use self::model::BucketModel;
use self::private::Private;
use super::settings::Shared;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, FromValue, ToValue};
use crate::framework::provider::{
    ApplyRequest, ApplyResponse, IdentitySchema, ImportRequest, ImportResponse, MoveRequest,
    MoveResponse, PlanRequest, PlanResponse, ReadRequest, ReadResponse, Resource,
};
use crate::framework::schema::Schema;
use crate::framework::value::Value;

/// The resource's type name.
pub const TYPE_NAME: &str = "replicated_bucket";

/// The resource.
pub struct ReplicatedBucket {
    shared: Arc<Shared>,
}

impl ReplicatedBucket {
    /// A resource that uses the process's session.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

#[async_trait]
impl Resource for ReplicatedBucket {
    fn type_name(&self) -> &str {
        TYPE_NAME
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn identity_schema(&self) -> Option<IdentitySchema> {
        Some(identity::schema())
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        if let Some(Attr::Known(config)) = decode::<BucketModel>(config, &mut diagnostics) {
            diagnostics.extend(validate::validate(&config));
        }
        diagnostics
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        let mut response = self.refresh(request).await;
        if let Some(why) = identity::misfit(&response.identity, &response.new_state) {
            response.diagnostics.error(
                "The identity does not fit the state",
                format!("{why}. An identity never changes, so the state was edited by hand, or is mixed up with another one. Restore it from a backup; or remove the resource with `terraform state rm` and import the bucket. Nothing was changed."),
            );
        } else {
            response.identity = identity::of(&response.new_state);
        }
        response
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        let is_new = request.prior_state.is_null();
        let mut response = self.plan_change(request).await;
        let settled = !is_new && response.requires_replace.is_empty();
        if !settled || response.planned_identity.is_null() {
            let planned = identity::of(&response.planned_state);
            // Terraform cannot show a new object of whose identity a part is unknown ("value is not known").
            let untold = is_new && !planned.is_wholly_known();
            response.planned_identity = if untold { Value::Null } else { planned };
        }
        response
    }

    async fn create(&self, request: ApplyRequest) -> ApplyResponse {
        identified(self.apply_create(request).await)
    }

    async fn update(&self, request: ApplyRequest) -> ApplyResponse {
        identified(self.apply_update(request).await)
    }

    async fn delete(&self, request: ApplyRequest) -> ApplyResponse {
        identified(self.apply_delete(request).await)
    }

    async fn import(&self, request: ImportRequest) -> ImportResponse {
        self.import_state(request).await
    }

    fn generate_config(&self, config: Value) -> Value {
        match BucketModel::from_known(&config) {
            Ok(model) => generate::configuration(model),
            Err(_) => config,
        }
    }

    async fn move_state(&self, request: MoveRequest) -> MoveResponse {
        moved::move_state(&request)
    }

    fn upgrade_state(
        &self,
        version: i64,
        state: serde_json::Value,
    ) -> Result<serde_json::Value, String> {
        upgrade::STATE.upgrade(version, state)
    }

    fn upgrade_identity(
        &self,
        version: i64,
        identity: serde_json::Value,
    ) -> Result<serde_json::Value, String> {
        upgrade::IDENTITY.upgrade(version, identity)
    }
}

/// The answer with the identity of what is there now.
fn identified(response: ApplyResponse) -> ApplyResponse {
    ApplyResponse {
        identity: identity::of(&response.new_state),
        ..response
    }
}

/// Reads a model; a value that does not fit is a bug of ours and is reported as one.
fn decode<T: FromValue>(value: &Value, diagnostics: &mut Diagnostics) -> Option<Attr<T>> {
    match Attr::from_value(value) {
        Ok(model) => Some(model),
        Err(error) => {
            diagnostics.error(
                "The value does not fit the schema",
                format!("{error}. This is a bug in the provider; please report it."),
            );
            None
        }
    }
}

/// Writes a model.
fn encode(model: &BucketModel) -> Value {
    model.to_known()
}

/// The settings that an import found, as they are remembered.
fn kept_model(private: &Private) -> Option<BucketModel> {
    let json = private.kept.as_ref()?;
    let ty = schema::schema().block.ty();
    let value = Value::from_stored_json(json, &ty).ok()?;
    BucketModel::from_known(&value).ok()
}
