//! `ValidateResourceConfig` and its kin: the attributes' validators, then the checks across attributes.
//!
//! What Terraform checks itself (required attributes, types, counts of blocks) is not repeated here.

use super::guard::{guarded, guarded_sync};
use super::{Server, found};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::ClientCapabilities;
use crate::framework::schema::{Block, walk_config};
use crate::framework::value::Value;

impl Server {
    /// Checks a resource's configuration; values may be unknown.
    pub async fn validate_resource_config(
        &self,
        type_name: &str,
        config: &Value,
        client: ClientCapabilities,
    ) -> Diagnostics {
        let entry = match self.resource(type_name) {
            Ok(resource) => &resource.entry,
            Err(diagnostics) => return diagnostics,
        };
        let mut diagnostics = Diagnostics::new();
        if !client.write_only_attributes_allowed {
            refuse_write_only(&entry.schema.block, config, &mut diagnostics);
        }
        let validate = entry.item.validate(config);
        diagnostics.extend(checked(&entry.schema.block, config, validate).await);
        diagnostics
    }

    /// Checks a data source's configuration; values may be unknown.
    pub async fn validate_data_source_config(
        &self,
        type_name: &str,
        config: &Value,
    ) -> Diagnostics {
        match self.data_source(type_name) {
            Ok(entry) => checked(&entry.schema.block, config, entry.item.validate(config)).await,
            Err(diagnostics) => diagnostics,
        }
    }

    /// Checks an action's configuration; values may be unknown.
    pub async fn validate_action_config(&self, type_name: &str, config: &Value) -> Diagnostics {
        match self.action(type_name) {
            Ok(entry) => checked(&entry.schema.block, config, entry.item.validate(config)).await,
            Err(diagnostics) => diagnostics,
        }
    }

    /// Checks the configuration of a list resource; values may be unknown.
    pub async fn validate_list_resource_config(
        &self,
        type_name: &str,
        config: &Value,
    ) -> Diagnostics {
        match found(&self.schemas.list_resources, "list resource", type_name) {
            Ok(entry) => checked(&entry.schema.block, config, entry.item.validate(config)).await,
            Err(diagnostics) => diagnostics,
        }
    }
}

/// Runs every validator on the configured values that are known.
pub(super) fn run_validators(block: &Block, config: &Value) -> Diagnostics {
    guarded_sync("validate the configuration", || {
        let mut diagnostics = Diagnostics::new();
        walk_config(block, config, &mut |attribute, path, value| {
            if !value.is_null() && !value.is_unknown() {
                for validator in &attribute.validators {
                    validator.validate(path, value, &mut diagnostics);
                }
            }
        });
        diagnostics
    })
    .unwrap_or_else(|panic| panic)
}

/// The validators' findings and those of the item itself.
async fn checked(
    block: &Block,
    config: &Value,
    validate: impl Future<Output = Diagnostics>,
) -> Diagnostics {
    let mut diagnostics = run_validators(block, config);
    match guarded("validate the configuration", validate).await {
        Ok(found) | Err(found) => diagnostics.extend(found),
    }
    diagnostics
}

fn refuse_write_only(block: &Block, config: &Value, diagnostics: &mut Diagnostics) {
    walk_config(block, config, &mut |attribute, path, value| {
        if attribute.write_only && !value.is_null() {
            diagnostics.error_at(
                path.clone(),
                "Write-only attribute is not supported by this client",
                format!(
                    "{path} is write-only: it must never be stored. This version of Terraform or OpenTofu would store it; use Terraform 1.11 or OpenTofu 1.11, or later."
                ),
            );
        }
    });
}
