//! Calls about actions.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::BoxStream;

use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::ActionEvent;
use crate::framework::server::Server;
use crate::framework::value::Value;

use super::super::generated::tfplugin6 as wire;
use super::super::{from_proto, to_proto};

/// Reads an action's configuration.
fn config(
    server: &Server,
    name: &str,
    encoded: Option<&wire::DynamicValue>,
) -> Result<Value, Diagnostics> {
    let ty = &super::find(&server.schemas().actions, "action", name)?.ty;
    from_proto::value(encoded, ty, "configuration", name)
}

pub(in crate::plugin) async fn validate_action_config(
    server: Arc<Server>,
    request: wire::validate_action_config::Request,
) -> Result<wire::validate_action_config::Response, Diagnostics> {
    let config = config(&server, &request.type_name, request.config.as_ref())?;
    let said = server
        .validate_action_config(&request.type_name, &config)
        .await;
    Ok(wire::validate_action_config::Response {
        diagnostics: to_proto::diagnostics(&said),
    })
}

pub(in crate::plugin) async fn plan_action(
    server: Arc<Server>,
    request: wire::plan_action::Request,
) -> Result<wire::plan_action::Response, Diagnostics> {
    let config = config(&server, &request.action_type, request.config.as_ref())?;
    let client = from_proto::client(request.client_capabilities.as_ref());
    let said = server
        .plan_action(&request.action_type, &config, client)
        .await;
    Ok(wire::plan_action::Response {
        diagnostics: to_proto::diagnostics(&said),
        deferred: None,
    })
}

pub(in crate::plugin) async fn invoke_action(
    server: Arc<Server>,
    request: wire::invoke_action::Request,
) -> Result<BoxStream<'static, wire::invoke_action::Event>, Diagnostics> {
    let config = config(&server, &request.action_type, request.config.as_ref())?;
    let events = server.invoke_action(&request.action_type, config).await;
    let stop = server.stop_token();
    // Terraform 1.15 ends its reading at the first line of progress after it has asked to stop, and panics at the next
    // event. So nothing comes then but the end, which it reads and shows.
    let heard = events.filter(move |event| {
        let is_end = matches!(event, ActionEvent::Completed(_));
        std::future::ready(is_end || !stop.is_cancelled())
    });
    Ok(heard.map(event).boxed())
}

fn event(event: ActionEvent) -> wire::invoke_action::Event {
    use wire::invoke_action::event::{Completed, Progress, Type};
    let event = match event {
        ActionEvent::Progress(message) | ActionEvent::Advance { message, .. } => {
            Type::Progress(Progress { message })
        }
        ActionEvent::Completed(said) => Type::Completed(Completed {
            diagnostics: to_proto::diagnostics(&said),
        }),
    };
    wire::invoke_action::Event {
        r#type: Some(event),
    }
}
