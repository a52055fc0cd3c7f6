//! What a provider author implements: [`Provider`], [`Resource`], [`DataSource`], [`Function`],
//! [`Action`] and [`ListResource`].
//!
//! Requests and responses are structs of values, so a later field of the protocol is a field here and no
//! change of any signature. Every method has a default for what is optional in the protocol; what a
//! provider offers is told by what it returns from [`Provider`].

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use tokio_util::sync::CancellationToken;

use super::diagnostics::Diagnostics;
use super::schema::{Attribute, Schema};
use super::value::{AttributePath, Type, Value};

/// A provider: its configuration, and what it offers.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The provider's version, for logs.
    fn version(&self) -> &str;
    /// The schema of the provider block.
    fn schema(&self) -> Schema;
    /// Checks the provider block; values may be unknown.
    async fn validate(&self, config: &Value) -> Diagnostics;
    /// Takes the provider block; values may be unknown during plan. The last call wins.
    async fn configure(&self, request: ConfigureRequest) -> Diagnostics;
    /// The managed resources.
    fn resources(&self) -> Vec<Arc<dyn Resource>>;
    /// The data sources.
    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        Vec::new()
    }
    /// The functions.
    fn functions(&self) -> Vec<Arc<dyn Function>> {
        Vec::new()
    }
    /// The actions.
    fn actions(&self) -> Vec<Arc<dyn Action>> {
        Vec::new()
    }
    /// The list resources; each has the type name of a managed resource with an identity.
    fn list_resources(&self) -> Vec<Arc<dyn ListResource>> {
        Vec::new()
    }
}

/// Request of `ConfigureProvider`.
#[derive(Debug, Clone)]
pub struct ConfigureRequest {
    /// Terraform's version.
    pub terraform_version: String,
    /// The provider block.
    pub config: Value,
    /// What the client can do.
    pub client: ClientCapabilities,
}

/// What the client said that it can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClientCapabilities {
    /// A response may be deferred.
    pub deferral_allowed: bool,
    /// The client knows write-only attributes.
    pub write_only_attributes_allowed: bool,
}

/// Why an answer is put off to a later run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeferredReason {
    /// The resource's configuration is not known yet.
    ResourceConfigUnknown,
    /// The provider's configuration is not known yet.
    ProviderConfigUnknown,
    /// Something that it needs is not there yet.
    AbsentPrerequisite,
}

/// A managed resource.
#[async_trait]
pub trait Resource: Send + Sync {
    /// The type name, such as `replicated_bucket`.
    fn type_name(&self) -> &str;
    /// The schema.
    fn schema(&self) -> Schema;
    /// The identity's schema, for resources that have one.
    fn identity_schema(&self) -> Option<IdentitySchema> {
        None
    }
    /// Checks across attributes; values may be unknown. Single values are checked by validators.
    async fn validate(&self, config: &Value) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }
    /// Looks at the real thing.
    async fn read(&self, request: ReadRequest) -> ReadResponse;
    /// Plans. `proposed_new_state` went through defaults and plan modifiers already; the answer is final.
    async fn plan(&self, request: PlanRequest) -> PlanResponse;
    /// Makes it (prior state is null).
    async fn create(&self, request: ApplyRequest) -> ApplyResponse;
    /// Changes it.
    async fn update(&self, request: ApplyRequest) -> ApplyResponse;
    /// Takes it down (planned state is null). On success the new state is null.
    async fn delete(&self, request: ApplyRequest) -> ApplyResponse;
    /// Finds it by ID or identity; a read follows.
    async fn import(&self, request: ImportRequest) -> ImportResponse {
        let _ = request;
        let mut response = ImportResponse::default();
        response.diagnostics.error(
            "Import is not supported",
            format!("{} cannot be imported.", self.type_name()),
        );
        response
    }
    /// The configuration that describes an imported object. `config` is its state without what nobody may write and
    /// without empty strings; what is left to do is to write one of each pair of alternatives.
    fn generate_config(&self, config: Value) -> Value {
        config
    }
    /// Brings the JSON of an older schema version to the current one. Called only for older versions.
    fn upgrade_state(
        &self,
        version: i64,
        state: serde_json::Value,
    ) -> Result<serde_json::Value, String> {
        let _ = state;
        Err(format!(
            "the state has schema version {version}, which this version of the provider cannot read"
        ))
    }
    /// Brings the JSON of an older identity version to the current one.
    fn upgrade_identity(
        &self,
        version: i64,
        identity: serde_json::Value,
    ) -> Result<serde_json::Value, String> {
        let _ = identity;
        Err(format!(
            "the identity has version {version}, which this version of the provider cannot read"
        ))
    }
    /// Takes over the state of another resource type (`moved` blocks).
    async fn move_state(&self, request: MoveRequest) -> MoveResponse {
        let mut response = MoveResponse::default();
        response.diagnostics.error(
            "Move is not supported",
            format!(
                "{} cannot take over the state of {} from {}.",
                self.type_name(),
                request.source_type_name,
                request.source_provider_address
            ),
        );
        response
    }
}

/// An identity: flat, versioned.
#[derive(Debug, Clone)]
pub struct IdentitySchema {
    /// Its version.
    pub version: i64,
    /// Its attributes.
    pub attributes: Vec<IdentityAttribute>,
}

/// One attribute of an identity.
#[derive(Debug, Clone)]
pub struct IdentityAttribute {
    /// Its name.
    pub name: String,
    /// Its type: primitive, or a list of primitives.
    pub ty: Type,
    /// Whether an import must give it; else it may.
    pub required_for_import: bool,
    /// Markdown.
    pub description: String,
}

impl IdentitySchema {
    /// The implied type.
    pub fn ty(&self) -> Type {
        Type::Object(
            self.attributes
                .iter()
                .map(|a| (a.name.clone(), a.ty.clone()))
                .collect(),
        )
    }
}

/// Request of `ReadResource`.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// The state.
    pub current_state: Value,
    /// Private state.
    pub private: Vec<u8>,
    /// Identity, null when none is stored.
    pub identity: Value,
    /// What the client can do.
    pub client: ClientCapabilities,
    /// Set when Terraform asks to stop.
    pub stop: CancellationToken,
}

/// Response of `ReadResource`.
#[derive(Debug, Clone)]
pub struct ReadResponse {
    /// Null when the thing is gone.
    pub new_state: Value,
    /// Private state; must be echoed.
    pub private: Vec<u8>,
    /// Identity; must be echoed.
    pub identity: Value,
    /// Messages.
    pub diagnostics: Diagnostics,
    /// Put off, where the client allows it.
    pub deferred: Option<DeferredReason>,
}

/// Request of `PlanResourceChange`.
#[derive(Debug, Clone)]
pub struct PlanRequest {
    /// Null on create.
    pub prior_state: Value,
    /// Null on destroy; else after defaults and plan modifiers.
    pub proposed_new_state: Value,
    /// Null on destroy.
    pub config: Value,
    /// Private state.
    pub prior_private: Vec<u8>,
    /// Identity, null when none.
    pub prior_identity: Value,
    /// What the client can do.
    pub client: ClientCapabilities,
    /// Set when Terraform asks to stop.
    pub stop: CancellationToken,
}

/// Response of `PlanResourceChange`.
#[derive(Debug, Clone)]
pub struct PlanResponse {
    /// Null on destroy.
    pub planned_state: Value,
    /// Attributes whose change replaces the resource.
    pub requires_replace: Vec<AttributePath>,
    /// Handed to apply.
    pub planned_private: Vec<u8>,
    /// Identity; unknown on create is allowed.
    pub planned_identity: Value,
    /// Messages.
    pub diagnostics: Diagnostics,
    /// Put off, where the client allows it.
    pub deferred: Option<DeferredReason>,
}

/// Request of `ApplyResourceChange`.
#[derive(Debug, Clone)]
pub struct ApplyRequest {
    /// Null on create.
    pub prior_state: Value,
    /// Null on delete.
    pub planned_state: Value,
    /// Null on delete.
    pub config: Value,
    /// From the plan.
    pub planned_private: Vec<u8>,
    /// From the plan.
    pub planned_identity: Value,
    /// Set when Terraform asks to stop.
    pub stop: CancellationToken,
}

/// Response of `ApplyResourceChange`: what is true now, also after an error.
#[derive(Debug, Clone)]
pub struct ApplyResponse {
    /// What is true now; null when nothing is there.
    pub new_state: Value,
    /// Private state, also with errors.
    pub private: Vec<u8>,
    /// Identity, also with errors.
    pub identity: Value,
    /// Messages.
    pub diagnostics: Diagnostics,
}

/// Request of `ImportResourceState`.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// The ID; empty when imported by identity.
    pub id: String,
    /// The identity; null when imported by ID.
    pub identity: Value,
    /// What the client can do.
    pub client: ClientCapabilities,
    /// Set when Terraform asks to stop.
    pub stop: CancellationToken,
}

/// Response of `ImportResourceState`.
#[derive(Debug, Clone)]
pub struct ImportResponse {
    /// State with at least the attributes by which a read finds it.
    pub state: Value,
    /// Private state.
    pub private: Vec<u8>,
    /// Identity.
    pub identity: Value,
    /// Messages.
    pub diagnostics: Diagnostics,
    /// Put off, where the client allows it.
    pub deferred: Option<DeferredReason>,
}

impl Default for ImportResponse {
    fn default() -> Self {
        Self {
            state: Value::Null,
            private: Vec::new(),
            identity: Value::Null,
            diagnostics: Diagnostics::new(),
            deferred: None,
        }
    }
}

/// Request of `MoveResourceState`.
#[derive(Debug, Clone)]
pub struct MoveRequest {
    /// Full source address of the other provider.
    pub source_provider_address: String,
    /// The other resource type.
    pub source_type_name: String,
    /// The other schema version.
    pub source_schema_version: i64,
    /// The other state, as stored.
    pub source_state: serde_json::Value,
    /// The other private state.
    pub source_private: Vec<u8>,
    /// The other identity, where stored.
    pub source_identity: Option<serde_json::Value>,
}

/// Response of `MoveResourceState`.
#[derive(Debug, Clone)]
pub struct MoveResponse {
    /// State in this resource's schema.
    pub target_state: Value,
    /// Private state.
    pub target_private: Vec<u8>,
    /// Identity.
    pub target_identity: Value,
    /// Messages.
    pub diagnostics: Diagnostics,
}

impl Default for MoveResponse {
    fn default() -> Self {
        Self {
            target_state: Value::Null,
            target_private: Vec::new(),
            target_identity: Value::Null,
            diagnostics: Diagnostics::new(),
        }
    }
}

/// A data source.
#[async_trait]
pub trait DataSource: Send + Sync {
    /// The type name.
    fn type_name(&self) -> &str;
    /// The schema.
    fn schema(&self) -> Schema;
    /// Checks across attributes; values may be unknown.
    async fn validate(&self, config: &Value) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }
    /// Reads; the configuration is wholly known.
    async fn read(&self, request: DataReadRequest) -> DataReadResponse;
}

/// Request of `ReadDataSource`.
#[derive(Debug, Clone)]
pub struct DataReadRequest {
    /// The configuration.
    pub config: Value,
    /// What the client can do.
    pub client: ClientCapabilities,
    /// Set when Terraform asks to stop.
    pub stop: CancellationToken,
}

/// Response of `ReadDataSource`.
#[derive(Debug, Clone)]
pub struct DataReadResponse {
    /// Never null without an error.
    pub state: Value,
    /// Messages.
    pub diagnostics: Diagnostics,
    /// Put off, where the client allows it.
    pub deferred: Option<DeferredReason>,
}

/// A pure, deterministic function.
pub trait Function: Send + Sync {
    /// The name behind `provider::<provider>::`.
    fn name(&self) -> &str;
    /// Parameters, result and documentation.
    fn signature(&self) -> FunctionSignature;
    /// Computes; arguments arrive by position, variadic ones at the end.
    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError>;
}

/// A function's signature.
#[derive(Debug, Clone)]
pub struct FunctionSignature {
    /// Parameters by position.
    pub parameters: Vec<Parameter>,
    /// A parameter that takes the rest.
    pub variadic: Option<Parameter>,
    /// The result's type.
    pub result: Type,
    /// One line.
    pub summary: String,
    /// Markdown.
    pub description: String,
}

/// One parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// A valid identifier.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Whether null may be passed.
    pub allow_null: bool,
    /// Whether unknown values may be passed.
    pub allow_unknown: bool,
    /// Markdown.
    pub description: String,
}

/// Why a function has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// The message.
    pub text: String,
    /// The argument at fault, from 0.
    pub argument: Option<i64>,
}

/// An action (Terraform 1.14+).
#[async_trait]
pub trait Action: Send + Sync {
    /// The type name.
    fn type_name(&self) -> &str;
    /// The schema.
    fn schema(&self) -> Schema;
    /// Checks across attributes; values may be unknown.
    async fn validate(&self, config: &Value) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }
    /// Checks at plan; values may be unknown.
    async fn plan(&self, config: &Value, client: ClientCapabilities) -> Diagnostics {
        let _ = (config, client);
        Diagnostics::new()
    }
    /// Acts. The stream ends with exactly one [`ActionEvent::Completed`]; the framework adds it if missing.
    async fn invoke(
        &self,
        config: Value,
        stop: CancellationToken,
    ) -> BoxStream<'static, ActionEvent>;
}

/// What an action tells while it runs.
#[derive(Debug, Clone)]
pub enum ActionEvent {
    /// A line of progress.
    Progress(String),
    /// A line of progress, with how much of how much is done.
    Advance {
        /// The line, which is whole without the numbers below.
        message: String,
        /// So much is done.
        done: u64,
        /// So much there is.
        total: u64,
    },
    /// The end, with what went wrong.
    Completed(Diagnostics),
}

/// A list resource (`terraform query`, 1.14+).
#[async_trait]
pub trait ListResource: Send + Sync {
    /// The type name of the managed resource that it lists.
    fn type_name(&self) -> &str;
    /// The schema of the `config` block.
    fn schema(&self) -> Schema;
    /// Checks across attributes; values may be unknown.
    async fn validate(&self, config: &Value) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }
    /// Lists. Stop when the stream is dropped.
    async fn list(&self, request: ListRequest) -> BoxStream<'static, ListEvent>;
}

/// Request of `ListResource`.
#[derive(Debug, Clone)]
pub struct ListRequest {
    /// The `config` block.
    pub config: Value,
    /// Whether full objects are wanted.
    pub include_resource_object: bool,
    /// At most so many.
    pub limit: i64,
    /// Set when Terraform asks to stop.
    pub stop: CancellationToken,
}

/// One object found.
#[derive(Debug, Clone)]
pub struct ListEvent {
    /// Its identity.
    pub identity: Value,
    /// Its name for people.
    pub display_name: String,
    /// The full object, where asked for.
    pub resource_object: Option<Value>,
    /// Messages; an error ends the listing.
    pub diagnostics: Diagnostics,
}

/// Attributes by name, for lookups in documentation and checks.
pub fn attributes_by_name(attributes: &[Attribute]) -> BTreeMap<&str, &Attribute> {
    attributes.iter().map(|a| (a.name.as_str(), a)).collect()
}
