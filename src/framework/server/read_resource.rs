//! `ReadResource`: the provider looks at the real thing.

use super::answer::{bug, known, settled};
use super::guard::guarded;
use super::identity::{self, Stage};
use super::{ResourceEntry, Server};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::{ReadRequest, ReadResponse};
use crate::framework::value::Value;

impl Server {
    /// Reads a resource. Whatever goes wrong, the answer carries at least what Terraform knew before.
    pub async fn read_resource(&self, type_name: &str, request: ReadRequest) -> ReadResponse {
        let before = Before {
            state: request.current_state.clone(),
            private: request.private.clone(),
            identity: request.identity.clone(),
        };
        let resource = match self.resource(type_name) {
            Ok(resource) => resource,
            Err(diagnostics) => return before.with(diagnostics),
        };
        let deferral_allowed = request.client.deferral_allowed;
        let operation = format!("read {type_name}");
        let mut response = match guarded(&operation, resource.entry.item.read(request)).await {
            Ok(response) => response,
            Err(diagnostics) => return before.with(diagnostics),
        };
        if response.deferred.is_some() && !deferral_allowed {
            refuse_deferral(&mut response.diagnostics);
            response.deferred = None;
        }
        checked(resource, &before, response)
    }
}

/// What Terraform had before the read.
struct Before {
    state: Value,
    private: Vec<u8>,
    identity: Value,
}

impl Before {
    fn with(self, diagnostics: Diagnostics) -> ReadResponse {
        ReadResponse {
            new_state: self.state,
            private: self.private,
            identity: self.identity,
            diagnostics,
            deferred: None,
        }
    }
}

fn checked(resource: &ResourceEntry, before: &Before, response: ReadResponse) -> ReadResponse {
    let mut diagnostics = response.diagnostics;
    let entry = &resource.entry;
    let new_state = match settled(&entry.schema, &entry.ty, response.new_state) {
        Ok(state) => known(state, "a read", &mut diagnostics),
        Err(error) => {
            bug(
                &mut diagnostics,
                "The provider returned an invalid state",
                format!("After a read the state does not fit the schema: {error}."),
            );
            before.state.clone()
        }
    };
    let identity = identity::checked(
        resource,
        &before.identity,
        response.identity,
        Stage::Settled,
        &mut diagnostics,
    );
    ReadResponse {
        new_state,
        private: response.private,
        identity,
        diagnostics,
        deferred: response.deferred,
    }
}

/// The error for an answer that was put off without leave.
pub(super) fn refuse_deferral(diagnostics: &mut Diagnostics) {
    bug(
        diagnostics,
        "The provider deferred without leave",
        "This client of the provider does not allow an answer to be put off.",
    );
}
