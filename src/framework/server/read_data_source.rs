//! `ReadDataSource`.

use super::Server;
use super::answer::{bug, known, settled};
use super::guard::guarded;
use super::read_resource::refuse_deferral;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::{DataReadRequest, DataReadResponse};
use crate::framework::value::Value;

impl Server {
    /// Reads a data source; the configuration is wholly known.
    pub async fn read_data_source(
        &self,
        type_name: &str,
        request: DataReadRequest,
    ) -> DataReadResponse {
        let entry = match self.data_source(type_name) {
            Ok(entry) => entry,
            Err(diagnostics) => return nothing(diagnostics),
        };
        let deferral_allowed = request.client.deferral_allowed;
        let operation = format!("read the data source {type_name}");
        let mut response = guarded(&operation, entry.item.read(request))
            .await
            .unwrap_or_else(nothing);
        let diagnostics = &mut response.diagnostics;
        if response.deferred.is_some() && !deferral_allowed {
            refuse_deferral(diagnostics);
            response.deferred = None;
        }
        let deferred = response.deferred.is_some();
        let state = std::mem::replace(&mut response.state, Value::Null);
        match settled(&entry.schema, &entry.ty, state) {
            // What is put off may leave unknown what it does not know yet.
            Ok(state) if deferred => response.state = state,
            Ok(state) => response.state = known(state, "a read", diagnostics),
            Err(error) => bug(
                diagnostics,
                "The provider returned an invalid object",
                format!("The object does not fit the schema of {type_name}: {error}."),
            ),
        }
        if response.state.is_null() && !deferred && !diagnostics.has_error() {
            bug(
                diagnostics,
                "The provider returned no object",
                "A data source that finds nothing has to say so by an error.",
            );
        }
        response
    }
}

fn nothing(diagnostics: Diagnostics) -> DataReadResponse {
    DataReadResponse {
        state: Value::Null,
        diagnostics,
        deferred: None,
    }
}
