//! Calls about list resources.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::BoxStream;

use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::{IdentitySchema, ListEvent, ListRequest};
use crate::framework::server::Server;
use crate::framework::value::Type;

use super::super::generated::tfplugin6 as wire;
use super::super::to_proto::failure::FailedEvent;
use super::super::{from_proto, to_proto};

pub(in crate::plugin) async fn validate_list_resource_config(
    server: Arc<Server>,
    request: wire::validate_list_resource_config::Request,
) -> Result<wire::validate_list_resource_config::Response, Diagnostics> {
    let name = &request.type_name;
    let ty = &super::find(&server.schemas().list_resources, "list resource", name)?.ty;
    let config = from_proto::value(request.config.as_ref(), ty, "configuration", name)?;
    let said = server.validate_list_resource_config(name, &config).await;
    Ok(wire::validate_list_resource_config::Response {
        diagnostics: to_proto::diagnostics(&said),
    })
}

pub(in crate::plugin) async fn list_resource(
    server: Arc<Server>,
    request: wire::list_resource::Request,
) -> Result<BoxStream<'static, wire::list_resource::Event>, Diagnostics> {
    let name = request.type_name;
    let listed = super::find(&server.schemas().list_resources, "list resource", &name)?;
    let resource = super::find(&server.schemas().resources, "resource type", &name)?;
    let (ty, identity) = (resource.entry.ty.clone(), resource.identity.clone());
    let list = ListRequest {
        config: from_proto::value(request.config.as_ref(), &listed.ty, "configuration", &name)?,
        include_resource_object: request.include_resource_object,
        limit: request.limit,
        stop: server.stop_token(),
    };
    let events = server.list_resource(&name, list).await;
    Ok(events
        .map(move |found| {
            event(found, &ty, identity.as_ref(), &name)
                .unwrap_or_else(|why| wire::list_resource::Event::failed(&why))
        })
        .boxed())
}

fn event(
    found: ListEvent,
    ty: &Type,
    identity: Option<&IdentitySchema>,
    name: &str,
) -> Result<wire::list_resource::Event, Diagnostics> {
    to_proto::response(found.diagnostics, |diagnostic| {
        let resource_object = match &found.resource_object {
            Some(object) => to_proto::value(object, ty, "resource object", name)?,
            None => None,
        };
        Ok(wire::list_resource::Event {
            identity: to_proto::identity(&found.identity, identity, name)?,
            display_name: found.display_name,
            resource_object,
            diagnostic,
        })
    })
}
