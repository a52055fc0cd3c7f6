//! Calls about the provider itself.

use std::sync::Arc;

use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::ConfigureRequest;
use crate::framework::server::Server;
use crate::framework::value::Value;

use super::super::from_proto;
use super::super::generated::tfplugin6 as wire;
use super::super::to_proto::{diagnostics, schema};

pub(in crate::plugin) async fn get_metadata(
    server: Arc<Server>,
    _: wire::get_metadata::Request,
) -> Result<wire::get_metadata::Response, Diagnostics> {
    use wire::get_metadata::{
        ActionMetadata, DataSourceMetadata, FunctionMetadata, ListResourceMetadata,
        ResourceMetadata, Response,
    };
    let schemas = server.schemas();
    Ok(Response {
        server_capabilities: Some(schema::capabilities()),
        data_sources: names(schemas.data_sources.keys(), |type_name| {
            DataSourceMetadata { type_name }
        }),
        resources: names(schemas.resources.keys(), |type_name| ResourceMetadata {
            type_name,
        }),
        functions: names(schemas.functions.keys(), |name| FunctionMetadata { name }),
        list_resources: names(schemas.list_resources.keys(), |type_name| {
            ListResourceMetadata { type_name }
        }),
        actions: names(schemas.actions.keys(), |type_name| ActionMetadata {
            type_name,
        }),
        ..Response::default()
    })
}

fn names<'a, T>(keys: impl Iterator<Item = &'a String>, entry: impl Fn(String) -> T) -> Vec<T> {
    keys.cloned().map(entry).collect()
}

pub(in crate::plugin) async fn get_provider_schema(
    server: Arc<Server>,
    _: wire::get_provider_schema::Request,
) -> Result<wire::get_provider_schema::Response, Diagnostics> {
    let schemas = server.schemas();
    let resources = schemas.resources.iter();
    let data_sources = schemas.data_sources.iter();
    let list_resources = schemas.list_resources.iter();
    let actions = schemas.actions.iter();
    let functions = schemas.functions.iter();
    Ok(wire::get_provider_schema::Response {
        provider: Some(schema::schema(&schemas.provider)),
        server_capabilities: Some(schema::capabilities()),
        resource_schemas: resources
            .map(|(name, resource)| (name.clone(), schema::schema(&resource.entry.schema)))
            .collect(),
        data_source_schemas: data_sources
            .map(|(name, entry)| (name.clone(), schema::schema(&entry.schema)))
            .collect(),
        list_resource_schemas: list_resources
            .map(|(name, entry)| (name.clone(), schema::schema(&entry.schema)))
            .collect(),
        action_schemas: actions
            .map(|(name, entry)| (name.clone(), schema::action(&entry.schema)))
            .collect(),
        functions: functions
            .map(|(name, function)| (name.clone(), schema::function(&function.signature())))
            .collect(),
        ..Default::default()
    })
}

pub(in crate::plugin) async fn get_resource_identity_schemas(
    server: Arc<Server>,
    _: wire::get_resource_identity_schemas::Request,
) -> Result<wire::get_resource_identity_schemas::Response, Diagnostics> {
    let identities = server
        .schemas()
        .resources
        .iter()
        .filter_map(|(name, resource)| {
            let identity = resource.identity.as_ref()?;
            Some((name.clone(), schema::identity(identity)))
        });
    Ok(wire::get_resource_identity_schemas::Response {
        identity_schemas: identities.collect(),
        diagnostics: Vec::new(),
    })
}

pub(in crate::plugin) async fn validate_provider_config(
    server: Arc<Server>,
    request: wire::validate_provider_config::Request,
) -> Result<wire::validate_provider_config::Response, Diagnostics> {
    let config = config(&server, request.config.as_ref())?;
    let said = server.validate_provider_config(&config).await;
    Ok(wire::validate_provider_config::Response {
        diagnostics: diagnostics(&said),
    })
}

pub(in crate::plugin) async fn configure_provider(
    server: Arc<Server>,
    request: wire::configure_provider::Request,
) -> Result<wire::configure_provider::Response, Diagnostics> {
    let config = config(&server, request.config.as_ref())?;
    let configure = ConfigureRequest {
        terraform_version: request.terraform_version,
        config,
        client: from_proto::client(request.client_capabilities.as_ref()),
    };
    let said = server.configure_provider(configure).await;
    Ok(wire::configure_provider::Response {
        diagnostics: diagnostics(&said),
    })
}

pub(in crate::plugin) async fn stop_provider(
    server: Arc<Server>,
    _: wire::stop_provider::Request,
) -> Result<wire::stop_provider::Response, Diagnostics> {
    server.stop();
    Ok(wire::stop_provider::Response::default())
}

fn config(server: &Server, encoded: Option<&wire::DynamicValue>) -> Result<Value, Diagnostics> {
    let ty = server.schemas().provider.block.ty();
    from_proto::value(encoded, &ty, "configuration", "the provider")
}
