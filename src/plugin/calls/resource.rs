//! Calls about managed resources.

use std::sync::Arc;

use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::{
    ApplyRequest, ImportRequest, MoveRequest, PlanRequest, ReadRequest,
};
use crate::framework::server::{ResourceEntry, Server};

use super::super::generated::tfplugin6 as wire;
use super::super::{from_proto, to_proto};

fn find<'a>(server: &'a Server, name: &str) -> Result<&'a ResourceEntry, Diagnostics> {
    super::find(&server.schemas().resources, "resource type", name)
}

pub(in crate::plugin) async fn validate_resource_config(
    server: Arc<Server>,
    request: wire::validate_resource_config::Request,
) -> Result<wire::validate_resource_config::Response, Diagnostics> {
    let name = &request.type_name;
    let ty = &find(&server, name)?.entry.ty;
    let config = from_proto::value(request.config.as_ref(), ty, "configuration", name)?;
    let client = from_proto::client(request.client_capabilities.as_ref());
    let said = server.validate_resource_config(name, &config, client).await;
    Ok(wire::validate_resource_config::Response {
        diagnostics: to_proto::diagnostics(&said),
    })
}

pub(in crate::plugin) async fn upgrade_resource_state(
    server: Arc<Server>,
    request: wire::upgrade_resource_state::Request,
) -> Result<wire::upgrade_resource_state::Response, Diagnostics> {
    let name = &request.type_name;
    let ty = &find(&server, name)?.entry.ty;
    let raw = from_proto::raw_state(request.raw_state.as_ref(), "state", name)?;
    let state = server
        .upgrade_resource_state(name, request.version, raw)
        .await?;
    Ok(wire::upgrade_resource_state::Response {
        upgraded_state: to_proto::value(&state, ty, "upgraded state", name)?,
        diagnostics: Vec::new(),
    })
}

pub(in crate::plugin) async fn upgrade_resource_identity(
    server: Arc<Server>,
    request: wire::upgrade_resource_identity::Request,
) -> Result<wire::upgrade_resource_identity::Response, Diagnostics> {
    let name = &request.type_name;
    let schema = find(&server, name)?.identity.as_ref();
    // Terraform asks this, too, of an object that a client without identities stored: it has none.
    let none = |raw: &wire::RawState| raw.json.is_empty() && raw.flatmap.is_empty();
    let raw = match &request.raw_identity {
        Some(raw) if !none(raw) => from_proto::raw_state(Some(raw), "identity", name)?,
        _ => serde_json::Value::Null,
    };
    let identity = server
        .upgrade_resource_identity(name, request.version, raw)
        .await?;
    Ok(wire::upgrade_resource_identity::Response {
        upgraded_identity: to_proto::identity(&identity, schema, name)?,
        diagnostics: Vec::new(),
    })
}

pub(in crate::plugin) async fn read_resource(
    server: Arc<Server>,
    request: wire::read_resource::Request,
) -> Result<wire::read_resource::Response, Diagnostics> {
    let name = &request.type_name;
    let resource = find(&server, name)?;
    let (ty, identity) = (&resource.entry.ty, resource.identity.as_ref());
    let read = ReadRequest {
        current_state: from_proto::value(request.current_state.as_ref(), ty, "state", name)?,
        private: request.private,
        identity: from_proto::identity(request.current_identity.as_ref(), identity, name)?,
        client: from_proto::client(request.client_capabilities.as_ref()),
        stop: server.stop_token(),
    };
    let answer = server.read_resource(name, read).await;
    to_proto::response(answer.diagnostics, |diagnostics| {
        Ok(wire::read_resource::Response {
            new_state: to_proto::value(&answer.new_state, ty, "state", name)?,
            diagnostics,
            private: answer.private,
            deferred: to_proto::deferred(answer.deferred),
            new_identity: to_proto::identity(&answer.identity, identity, name)?,
        })
    })
}

pub(in crate::plugin) async fn plan_resource_change(
    server: Arc<Server>,
    request: wire::plan_resource_change::Request,
) -> Result<wire::plan_resource_change::Response, Diagnostics> {
    let name = &request.type_name;
    let resource = find(&server, name)?;
    let (ty, identity) = (&resource.entry.ty, resource.identity.as_ref());
    let plan = PlanRequest {
        prior_state: from_proto::value(request.prior_state.as_ref(), ty, "prior state", name)?,
        proposed_new_state: from_proto::value(
            request.proposed_new_state.as_ref(),
            ty,
            "proposed new state",
            name,
        )?,
        config: from_proto::value(request.config.as_ref(), ty, "configuration", name)?,
        prior_private: request.prior_private,
        prior_identity: from_proto::identity(request.prior_identity.as_ref(), identity, name)?,
        client: from_proto::client(request.client_capabilities.as_ref()),
        stop: server.stop_token(),
    };
    let answer = server.plan_resource_change(name, plan).await;
    to_proto::response(answer.diagnostics, |diagnostics| {
        Ok(wire::plan_resource_change::Response {
            planned_state: to_proto::value(&answer.planned_state, ty, "planned state", name)?,
            requires_replace: answer.requires_replace.iter().map(to_proto::path).collect(),
            planned_private: answer.planned_private,
            diagnostics,
            legacy_type_system: false,
            deferred: to_proto::deferred(answer.deferred),
            planned_identity: to_proto::identity(&answer.planned_identity, identity, name)?,
        })
    })
}

pub(in crate::plugin) async fn apply_resource_change(
    server: Arc<Server>,
    request: wire::apply_resource_change::Request,
) -> Result<wire::apply_resource_change::Response, Diagnostics> {
    let name = &request.type_name;
    let resource = find(&server, name)?;
    let (ty, identity) = (&resource.entry.ty, resource.identity.as_ref());
    let apply = ApplyRequest {
        prior_state: from_proto::value(request.prior_state.as_ref(), ty, "prior state", name)?,
        planned_state: from_proto::value(
            request.planned_state.as_ref(),
            ty,
            "planned state",
            name,
        )?,
        config: from_proto::value(request.config.as_ref(), ty, "configuration", name)?,
        planned_private: request.planned_private,
        planned_identity: from_proto::identity(request.planned_identity.as_ref(), identity, name)?,
        stop: server.stop_token(),
    };
    let answer = server.apply_resource_change(name, apply).await;
    to_proto::response(answer.diagnostics, |diagnostics| {
        Ok(wire::apply_resource_change::Response {
            new_state: to_proto::value(&answer.new_state, ty, "new state", name)?,
            private: answer.private,
            diagnostics,
            legacy_type_system: false,
            new_identity: to_proto::identity(&answer.identity, identity, name)?,
        })
    })
}

pub(in crate::plugin) async fn import_resource_state(
    server: Arc<Server>,
    request: wire::import_resource_state::Request,
) -> Result<wire::import_resource_state::Response, Diagnostics> {
    use wire::import_resource_state::{ImportedResource, Response};
    let name = &request.type_name;
    let resource = find(&server, name)?;
    let (ty, identity) = (&resource.entry.ty, resource.identity.as_ref());
    let import = ImportRequest {
        id: request.id,
        identity: from_proto::identity(request.identity.as_ref(), identity, name)?,
        client: from_proto::client(request.client_capabilities.as_ref()),
        stop: server.stop_token(),
    };
    let answer = server.import_resource_state(name, import).await;
    // Next to an error there is nothing to import.
    let found = !answer.diagnostics.has_error();
    to_proto::response(answer.diagnostics, |diagnostics| {
        let imported = ImportedResource {
            type_name: name.clone(),
            state: to_proto::value(&answer.state, ty, "imported state", name)?,
            private: answer.private,
            identity: to_proto::identity(&answer.identity, identity, name)?,
        };
        Ok(Response {
            imported_resources: found.then_some(imported).into_iter().collect(),
            diagnostics,
            deferred: to_proto::deferred(answer.deferred),
        })
    })
}

pub(in crate::plugin) async fn move_resource_state(
    server: Arc<Server>,
    request: wire::move_resource_state::Request,
) -> Result<wire::move_resource_state::Response, Diagnostics> {
    let name = &request.target_type_name;
    let source = &request.source_type_name;
    let resource = find(&server, name)?;
    let (ty, identity) = (&resource.entry.ty, resource.identity.as_ref());
    let source_identity = request
        .source_identity
        .as_ref()
        .map(|raw| from_proto::raw_state(Some(raw), "identity", source))
        .transpose()?;
    let moved = MoveRequest {
        source_state: from_proto::raw_state(request.source_state.as_ref(), "state", source)?,
        source_identity,
        source_provider_address: request.source_provider_address,
        source_type_name: request.source_type_name,
        source_schema_version: request.source_schema_version,
        source_private: request.source_private,
    };
    let answer = server.move_resource_state(name, moved).await;
    to_proto::response(answer.diagnostics, |diagnostics| {
        Ok(wire::move_resource_state::Response {
            target_state: to_proto::value(&answer.target_state, ty, "moved state", name)?,
            diagnostics,
            target_private: answer.target_private,
            target_identity: to_proto::identity(&answer.target_identity, identity, name)?,
        })
    })
}

pub(in crate::plugin) async fn generate_resource_config(
    server: Arc<Server>,
    request: wire::generate_resource_config::Request,
) -> Result<wire::generate_resource_config::Response, Diagnostics> {
    let name = &request.type_name;
    let ty = &find(&server, name)?.entry.ty;
    let state = from_proto::value(request.state.as_ref(), ty, "state", name)?;
    let config = server.generate_resource_config(name, &state).await?;
    Ok(wire::generate_resource_config::Response {
        config: to_proto::value(&config, ty, "configuration", name)?,
        diagnostics: Vec::new(),
    })
}
