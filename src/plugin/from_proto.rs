//! From the wire's messages to the framework's values.
//!
//! Whatever does not fit becomes an error diagnostic: a gRPC error would tell the practitioner nothing, and
//! during an apply it would lose what was made.

use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::{ClientCapabilities, IdentitySchema};
use crate::framework::value::{Type, Value};

use super::generated::tfplugin6 as wire;

/// Reads a value of a type. `what` of `owner` it is goes into the error's text.
pub(super) fn value(
    encoded: Option<&wire::DynamicValue>,
    ty: &Type,
    what: &str,
    owner: &str,
) -> Result<Value, Diagnostics> {
    let Some(encoded) = encoded else {
        return Ok(Value::Null);
    };
    let decoded = if !encoded.msgpack.is_empty() {
        Value::from_msgpack(&encoded.msgpack, ty).map_err(|error| error.to_string())
    } else if !encoded.json.is_empty() {
        serde_json::from_slice(&encoded.json)
            .map_err(|error| error.to_string())
            .and_then(|json| Value::from_json(&json, ty).map_err(|error| error.to_string()))
    } else {
        Ok(Value::Null)
    };
    decoded.map_err(|why| {
        error(
            "Unreadable request",
            format!(
                "The {what} of {owner} that Terraform sent does not fit the provider's schema: {why}. \
                 Nothing was changed. Please report this fault to the provider's developers."
            ),
        )
    })
}

/// Reads an identity; null for a resource that has none.
pub(super) fn identity(
    encoded: Option<&wire::ResourceIdentityData>,
    schema: Option<&IdentitySchema>,
    owner: &str,
) -> Result<Value, Diagnostics> {
    match (encoded.and_then(|data| data.identity_data.as_ref()), schema) {
        (encoded @ Some(_), Some(schema)) => value(encoded, &schema.ty(), "identity", owner),
        _ => Ok(Value::Null),
    }
}

/// Reads a value as it stands in a state file; its schema may be any older one.
pub(super) fn raw_state(
    raw: Option<&wire::RawState>,
    what: &str,
    owner: &str,
) -> Result<serde_json::Value, Diagnostics> {
    let why = match raw {
        Some(raw) if !raw.json.is_empty() => match serde_json::from_slice(&raw.json) {
            Ok(json) => return Ok(json),
            Err(fault) => format!("it is not JSON: {fault}"),
        },
        Some(raw) if !raw.flatmap.is_empty() => {
            "it was written by Terraform 0.11 or older. Apply once with Terraform 0.12 first"
                .to_owned()
        }
        _ => "it is empty".to_owned(),
    };
    Err(error(
        "Unreadable state",
        format!("The stored {what} of {owner} cannot be read: {why}."),
    ))
}

/// What the client can do; a client that says nothing can do nothing special.
pub(super) fn client(capabilities: Option<&wire::ClientCapabilities>) -> ClientCapabilities {
    capabilities.map_or_else(ClientCapabilities::default, |client| ClientCapabilities {
        deferral_allowed: client.deferral_allowed,
        write_only_attributes_allowed: client.write_only_attributes_allowed,
    })
}

/// One error and nothing else.
pub(super) fn error(summary: &str, detail: String) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    diagnostics.error(summary, detail);
    diagnostics
}
