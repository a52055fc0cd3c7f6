//! `MoveResourceState`: the state of another resource type becomes one of ours.

use super::Server;
use super::answer::{bug, known, settled};
use super::guard::guarded;
use super::identity::{self, Stage};
use crate::framework::provider::{MoveRequest, MoveResponse};
use crate::framework::value::Value;

impl Server {
    /// Takes over the state of another resource type.
    pub async fn move_resource_state(&self, type_name: &str, request: MoveRequest) -> MoveResponse {
        let resource = match self.resource(type_name) {
            Ok(resource) => resource,
            Err(diagnostics) => {
                return MoveResponse {
                    diagnostics,
                    ..MoveResponse::default()
                };
            }
        };
        let entry = &resource.entry;
        let operation = format!("move an object to {type_name}");
        let mut response = guarded(&operation, entry.item.move_state(request))
            .await
            .unwrap_or_else(|diagnostics| MoveResponse {
                diagnostics,
                ..MoveResponse::default()
            });
        let diagnostics = &mut response.diagnostics;
        let state = std::mem::replace(&mut response.target_state, Value::Null);
        match settled(&entry.schema, &entry.ty, state) {
            Ok(state) => response.target_state = known(state, "a move", diagnostics),
            Err(error) => bug(
                diagnostics,
                "The provider returned an invalid state",
                format!("After a move the state does not fit the schema: {error}."),
            ),
        }
        if response.target_state.is_null() && !diagnostics.has_error() {
            bug(
                diagnostics,
                "The provider returned no state",
                "After a move the state cannot be null.",
            );
        }
        let identity = std::mem::replace(&mut response.target_identity, Value::Null);
        response.target_identity = identity::checked(
            resource,
            &Value::Null,
            identity,
            Stage::Settled,
            diagnostics,
        );
        response
    }
}
