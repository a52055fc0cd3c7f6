//! What happens between the wire and the provider's traits: one file per RPC.
//!
//! Requests and responses are the traits' own structs with values in them; the plugin layer decodes and
//! encodes bytes with the types that [`Server::schemas`] tells.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::BoxStream;
use tokio_util::sync::CancellationToken;

use super::diagnostics::Diagnostics;
use super::provider::*;
use super::schema::Schema;
use super::value::{Type, Value};

/// A provider behind the protocol's operations.
pub struct Server {
    provider: Arc<dyn Provider>,
    schemas: Schemas,
    stop: CancellationToken,
}

/// Everything that the provider offers, worked out once.
pub struct Schemas {
    /// The provider block.
    pub provider: Schema,
    /// By type name.
    pub resources: BTreeMap<String, ResourceEntry>,
    /// By type name.
    pub data_sources: BTreeMap<String, Entry<dyn DataSource>>,
    /// By type name.
    pub list_resources: BTreeMap<String, Entry<dyn ListResource>>,
    /// By type name.
    pub actions: BTreeMap<String, Entry<dyn Action>>,
    /// By name.
    pub functions: BTreeMap<String, Arc<dyn Function>>,
}

/// Something with a schema.
pub struct Entry<T: ?Sized> {
    /// The implementation.
    pub item: Arc<T>,
    /// Its schema.
    pub schema: Schema,
    /// The type implied by the schema.
    pub ty: Type,
}

/// A managed resource.
pub struct ResourceEntry {
    /// The resource with its schema.
    pub entry: Entry<dyn Resource>,
    /// The identity's schema.
    pub identity: Option<IdentitySchema>,
}

// SIGNATURES to be implemented in one file per RPC, each `impl Server { pub async fn ... }`:
//   new(provider: Arc<dyn Provider>) -> Self
//   schemas(&self) -> &Schemas
//   stop(&self)  cancels;  stop_token(&self) -> CancellationToken
//   validate_provider_config(&self, config: &Value) -> Diagnostics
//   configure_provider(&self, request: ConfigureRequest) -> Diagnostics
//   validate_resource_config(&self, type_name: &str, config: &Value, client: ClientCapabilities) -> Diagnostics
//   validate_data_source_config / validate_action_config / validate_list_resource_config(&self, type_name: &str, config: &Value) -> Diagnostics
//   upgrade_resource_state(&self, type_name: &str, version: i64, json: serde_json::Value) -> Result<Value, Diagnostics>
//   upgrade_resource_identity(&self, type_name: &str, version: i64, json: serde_json::Value) -> Result<Value, Diagnostics>
//   read_resource(&self, type_name: &str, request: ReadRequest) -> ReadResponse
//   plan_resource_change(&self, type_name: &str, request: PlanRequest) -> PlanResponse
//   apply_resource_change(&self, type_name: &str, request: ApplyRequest) -> ApplyResponse
//   import_resource_state(&self, type_name: &str, request: ImportRequest) -> ImportResponse
//   move_resource_state(&self, type_name: &str, request: MoveRequest) -> MoveResponse
//   generate_resource_config(&self, type_name: &str, state: &Value) -> Result<Value, Diagnostics>
//   read_data_source(&self, type_name: &str, request: DataReadRequest) -> DataReadResponse
//   call_function(&self, name: &str, arguments: Vec<Value>) -> Result<Value, FunctionError>
//   plan_action(&self, type_name: &str, config: &Value, client: ClientCapabilities) -> Diagnostics
//   invoke_action(&self, type_name: &str, config: Value) -> BoxStream<'static, ActionEvent>
//   list_resource(&self, type_name: &str, request: ListRequest) -> BoxStream<'static, ListEvent>
// An unknown type name is an error diagnostic, never a panic.
impl Server {
    /// Wraps a provider and works out its schemas once.
    pub fn new(provider: Arc<dyn Provider>) -> Self {
        let schemas = Schemas {
            provider: provider.schema(),
            resources: BTreeMap::new(),
            data_sources: BTreeMap::new(),
            list_resources: BTreeMap::new(),
            actions: BTreeMap::new(),
            functions: BTreeMap::new(),
        };
        Self {
            provider,
            schemas,
            stop: CancellationToken::new(),
        }
    }
    /// Everything that the provider offers.
    pub fn schemas(&self) -> &Schemas {
        &self.schemas
    }
    /// Cancelled by [`Server::stop`]; requests carry it as their `stop`.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }
    /// `StopProvider`: returns at once.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}
