//! Calls about data sources.

use std::sync::Arc;

use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::DataReadRequest;
use crate::framework::server::Server;
use crate::framework::value::Type;

use super::super::generated::tfplugin6 as wire;
use super::super::{from_proto, to_proto};

fn find_ty<'a>(server: &'a Server, name: &str) -> Result<&'a Type, Diagnostics> {
    Ok(&super::find(&server.schemas().data_sources, "data source", name)?.ty)
}

pub(in crate::plugin) async fn validate_data_resource_config(
    server: Arc<Server>,
    request: wire::validate_data_resource_config::Request,
) -> Result<wire::validate_data_resource_config::Response, Diagnostics> {
    let name = &request.type_name;
    let ty = find_ty(&server, name)?;
    let config = from_proto::value(request.config.as_ref(), ty, "configuration", name)?;
    let said = server.validate_data_source_config(name, &config).await;
    Ok(wire::validate_data_resource_config::Response {
        diagnostics: to_proto::diagnostics(&said),
    })
}

pub(in crate::plugin) async fn read_data_source(
    server: Arc<Server>,
    request: wire::read_data_source::Request,
) -> Result<wire::read_data_source::Response, Diagnostics> {
    let name = &request.type_name;
    let ty = find_ty(&server, name)?;
    let read = DataReadRequest {
        config: from_proto::value(request.config.as_ref(), ty, "configuration", name)?,
        client: from_proto::client(request.client_capabilities.as_ref()),
        stop: server.stop_token(),
    };
    let answer = server.read_data_source(name, read).await;
    to_proto::response(answer.diagnostics, |diagnostics| {
        Ok(wire::read_data_source::Response {
            state: to_proto::value(&answer.state, ty, "state", name)?,
            diagnostics,
            deferred: to_proto::deferred(answer.deferred),
        })
    })
}
