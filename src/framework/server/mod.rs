//! What happens between the wire and the provider's traits: one file per RPC.
//!
//! Requests and responses are the traits' own structs with values in them; the plugin layer decodes and
//! encodes bytes with the types that [`Server::schemas`] tells. No call panics and none loses what
//! Terraform knew: a panic in the provider becomes a diagnostic, and the answer to it still carries the
//! prior state, private state and identity. In debug builds every answer is also held against
//! Terraform's own rules ([`super::contract`]). There is no wire format and no transport here.

mod answer;
mod apply_resource_change;
mod call_function;
mod configure_provider;
mod generate_resource_config;
mod guard;
mod identity;
mod import_resource_state;
mod invoke_action;
mod list_resource;
mod move_resource_state;
mod plan_resource_change;
mod read_data_source;
mod read_resource;
#[cfg(test)]
mod tests;
mod upgrade_resource_state;
mod validate_config;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::diagnostics::Diagnostics;
use super::provider::{
    Action, DataSource, Function, IdentitySchema, ListResource, Provider, Resource,
};
use super::schema::{
    Schema, check_function, check_identity_schema, check_resource_schema, check_schema,
};
use super::value::Type;

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

impl<T: ?Sized> Entry<T> {
    fn new(item: Arc<T>, schema: Schema) -> Self {
        let ty = schema.block.ty();
        Self { item, schema, ty }
    }
}

impl ResourceEntry {
    /// The type of the identity; an object without attributes for a resource that has none.
    pub fn identity_ty(&self) -> Type {
        self.identity
            .as_ref()
            .map_or_else(|| Type::Object(BTreeMap::new()), IdentitySchema::ty)
    }
}

impl Server {
    /// Wraps a provider and works out its schemas once.
    pub fn new(provider: Arc<dyn Provider>) -> Self {
        let schemas = Schemas::of(provider.as_ref());
        debug_assert_eq!(
            schemas.check(),
            Vec::<String>::new(),
            "the schemas are invalid"
        );
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

    /// The provider's version, for logs.
    pub fn version(&self) -> &str {
        self.provider.version()
    }

    /// Cancelled by [`Server::stop`]; requests carry it as their `stop`.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// `StopProvider`: returns at once.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    fn resource(&self, type_name: &str) -> Result<&ResourceEntry, Diagnostics> {
        found(&self.schemas.resources, "resource type", type_name)
    }

    fn data_source(&self, type_name: &str) -> Result<&Entry<dyn DataSource>, Diagnostics> {
        found(&self.schemas.data_sources, "data source", type_name)
    }

    fn action(&self, type_name: &str) -> Result<&Entry<dyn Action>, Diagnostics> {
        found(&self.schemas.actions, "action", type_name)
    }
}

impl Schemas {
    fn of(provider: &dyn Provider) -> Self {
        let resources = provider.resources().into_iter().map(|item| {
            let name = item.type_name().to_owned();
            let identity = item.identity_schema();
            let schema = item.schema();
            let entry = Entry::new(item, schema);
            (name, ResourceEntry { entry, identity })
        });
        let data_sources = provider.data_sources().into_iter().map(|item| {
            let schema = item.schema();
            (item.type_name().to_owned(), Entry::new(item, schema))
        });
        let list_resources = provider.list_resources().into_iter().map(|item| {
            let schema = item.schema();
            (item.type_name().to_owned(), Entry::new(item, schema))
        });
        let actions = provider.actions().into_iter().map(|item| {
            let schema = item.schema();
            (item.type_name().to_owned(), Entry::new(item, schema))
        });
        let functions = provider
            .functions()
            .into_iter()
            .map(|item| (item.name().to_owned(), item));
        Self {
            provider: provider.schema(),
            resources: resources.collect(),
            data_sources: data_sources.collect(),
            list_resources: list_resources.collect(),
            actions: actions.collect(),
            functions: functions.collect(),
        }
    }

    /// What Terraform would refuse when it loads the schemas; empty for a correct provider.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut note = |place: String, findings: Vec<String>| {
            wrong.extend(findings.into_iter().map(|f| format!("{place}: {f}")));
        };
        note("provider".to_owned(), check_schema(&self.provider));
        for (name, resource) in &self.resources {
            note(
                format!("resource {name}"),
                check_resource_schema(&resource.entry.schema),
            );
            if let Some(identity) = &resource.identity {
                note(
                    format!("identity of {name}"),
                    check_identity_schema(identity),
                );
            }
        }
        for (name, data_source) in &self.data_sources {
            note(
                format!("data source {name}"),
                check_resource_schema(&data_source.schema),
            );
        }
        for (name, function) in &self.functions {
            note(
                format!("function {name}"),
                check_function(name, &function.signature()),
            );
        }
        for (name, action) in &self.actions {
            note(format!("action {name}"), check_schema(&action.schema));
        }
        for (name, list) in &self.list_resources {
            note(format!("list resource {name}"), check_schema(&list.schema));
            let listed = self.resources.get(name);
            if listed.is_none_or(|resource| resource.identity.is_none()) {
                note(
                    format!("list resource {name}"),
                    vec!["there is no resource with an identity of this name".to_owned()],
                );
            }
        }
        wrong
    }
}

fn found<'a, T>(
    entries: &'a BTreeMap<String, T>,
    kind: &str,
    name: &str,
) -> Result<&'a T, Diagnostics> {
    entries.get(name).ok_or_else(|| {
        let mut diagnostics = Diagnostics::new();
        diagnostics.error(
            format!("Unknown {kind}"),
            format!("This version of the provider has no {kind} {name:?}."),
        );
        diagnostics
    })
}
