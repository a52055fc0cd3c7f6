//! `ImportResourceState`: by ID or by identity. A read follows, so that a stub is enough.

use super::Server;
use super::answer::{bug, known, settled};
use super::guard::guarded;
use super::identity::{self, Stage};
use super::read_resource::refuse_deferral;
use crate::framework::provider::{ImportRequest, ImportResponse};
use crate::framework::value::Value;

impl Server {
    /// Finds an object by its ID or identity.
    pub async fn import_resource_state(
        &self,
        type_name: &str,
        request: ImportRequest,
    ) -> ImportResponse {
        let resource = match self.resource(type_name) {
            Ok(resource) => resource,
            Err(diagnostics) => {
                return ImportResponse {
                    diagnostics,
                    ..ImportResponse::default()
                };
            }
        };
        let entry = &resource.entry;
        let by_identity = request.id.is_empty();
        let given = request.identity.clone();
        let deferral_allowed = request.client.deferral_allowed;
        let operation = format!("import {type_name}");
        let mut response = guarded(&operation, entry.item.import(request))
            .await
            .unwrap_or_else(|diagnostics| ImportResponse {
                diagnostics,
                ..ImportResponse::default()
            });
        let diagnostics = &mut response.diagnostics;
        if response.deferred.is_some() && !deferral_allowed {
            refuse_deferral(diagnostics);
            response.deferred = None;
        }
        let state = std::mem::replace(&mut response.state, Value::Null);
        match settled(&entry.schema, &entry.ty, state) {
            Ok(state) => response.state = known(state, "an import", diagnostics),
            Err(error) => bug(
                diagnostics,
                "The provider returned an invalid state",
                format!("After an import the state does not fit the schema: {error}."),
            ),
        }
        let settles = !diagnostics.has_error() && response.deferred.is_none();
        let identity = std::mem::replace(&mut response.identity, Value::Null);
        let identified = !identity.is_null();
        let identity = identity::checked(resource, &given, identity, Stage::Settled, diagnostics);
        if settles && by_identity && !identified {
            bug(
                diagnostics,
                "The provider returned no identity",
                "After an import by identity the object has to have one.",
            );
        } else if settles && !by_identity && response.state.is_null() {
            bug(
                diagnostics,
                "The provider returned no state",
                "After an import by ID the state cannot be null.",
            );
        }
        response.identity = identity;
        response
    }
}
