//! `UpgradeResourceState` and `UpgradeResourceIdentity`: stored JSON becomes a value of today's schema.
//!
//! Terraform calls the first for every stored object, also when nothing changed; so the common case is
//! a plain decoding.

use serde_json::Value as Json;

use super::answer::settled;
use super::guard::guarded_sync;
use super::{ResourceEntry, Server};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::Value;

impl Server {
    /// Reads the stored state of any schema version up to the current one.
    pub async fn upgrade_resource_state(
        &self,
        type_name: &str,
        version: i64,
        json: Json,
    ) -> Result<Value, Diagnostics> {
        let resource = self.resource(type_name)?;
        let entry = &resource.entry;
        let stored = Stored {
            what: "state",
            type_name,
            version,
            current: entry.schema.version,
            running: self.provider.version(),
        };
        let json = stored.upgraded(resource, json)?;
        Value::from_stored_json(&json, &entry.ty)
            .and_then(|value| settled(&entry.schema, &entry.ty, value))
            .map_err(|error| stored.unreadable(&error.to_string()))
    }

    /// Reads the stored identity of any version up to the current one; null stays null.
    pub async fn upgrade_resource_identity(
        &self,
        type_name: &str,
        version: i64,
        json: Json,
    ) -> Result<Value, Diagnostics> {
        let resource = self.resource(type_name)?;
        let Some(identity) = &resource.identity else {
            let mut diagnostics = Diagnostics::new();
            diagnostics.error(
                "The resource has no identity",
                format!("An identity is stored for {type_name}, but this version of the provider gives it none."),
            );
            return Err(diagnostics);
        };
        if json.is_null() {
            return Ok(Value::Null);
        }
        let stored = Stored {
            what: "identity",
            type_name,
            version,
            current: identity.version,
            running: self.provider.version(),
        };
        let json = stored.upgraded(resource, json)?;
        Value::from_stored_json(&json, &identity.ty())
            .map_err(|error| stored.unreadable(&error.to_string()))
    }
}

/// Something stored, for its messages.
struct Stored<'a> {
    what: &'static str,
    type_name: &'a str,
    version: i64,
    current: i64,
    /// The version of the provider that runs.
    running: &'a str,
}

impl Stored<'_> {
    /// The JSON in the form of the current version.
    fn upgraded(&self, resource: &ResourceEntry, json: Json) -> Result<Json, Diagnostics> {
        let Self {
            what,
            type_name,
            version,
            current,
            running,
        } = self;
        if version > current {
            // A type's name begins with its provider's.
            let provider = type_name.split('_').next().unwrap_or_default();
            let mut diagnostics = Diagnostics::new();
            diagnostics.error(
                format!("The stored {what} is newer than the provider"),
                format!(
                    "The {what} of {type_name} has version {version}; version {running} of the provider {provider:?} knows versions up to {current}. Use the version of {provider:?} that wrote it, or a newer one. Nothing was changed."
                ),
            );
            return Err(diagnostics);
        }
        if version == current {
            return Ok(json);
        }
        let item = &resource.entry.item;
        guarded_sync(&format!("upgrade the {what} of {type_name}"), || {
            if *what == "state" {
                item.upgrade_state(*version, json)
            } else {
                item.upgrade_identity(*version, json)
            }
        })?
        .map_err(|reason| {
            let mut diagnostics = Diagnostics::new();
            diagnostics.error(
                format!("The stored {what} cannot be upgraded"),
                format!("The {what} of {type_name} has version {version}; the current one is {current}. {reason}"),
            );
            diagnostics
        })
    }

    /// The error tells where.
    fn unreadable(&self, error: &str) -> Diagnostics {
        let Self {
            what,
            type_name,
            version,
            ..
        } = self;
        let mut diagnostics = Diagnostics::new();
        diagnostics.error(
            format!("The stored {what} cannot be read"),
            format!("The {what} of {type_name} does not fit version {version} of its schema: {error}. Was it edited by hand, or is it damaged? Restore it from a backup; or remove the resource with `terraform state rm` and import it. Nothing was changed."),
        );
        diagnostics
    }
}
