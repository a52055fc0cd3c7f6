//! `GenerateResourceConfig`: a configuration that would describe an imported object.

use super::Server;
use super::answer::{bug, settled};
use super::guard::guarded_sync;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::schema::{Attribute, Setter, traverse};
use crate::framework::value::{NULL, Type, Value};

impl Server {
    /// A configuration for an object: its state without what nobody may, need or should write.
    pub async fn generate_resource_config(
        &self,
        type_name: &str,
        state: &Value,
    ) -> Result<Value, Diagnostics> {
        let entry = &self.resource(type_name)?.entry;
        let mut config = state.clone();
        traverse(
            &entry.schema.block,
            &NULL,
            &NULL,
            &mut config,
            &mut |attribute, path, _, _, value| {
                let is_top_level_id = attribute.name == "id"
                    && path.0.len() == 1
                    && attribute.setter == Setter::OptionalComputed;
                if is_top_level_id || !worth_writing(attribute, value) {
                    *value = Value::Null;
                }
                true
            },
        );
        let operation = format!("generate a configuration of {type_name}");
        let config = guarded_sync(&operation, || entry.item.generate_config(config))?;
        settled(&entry.schema, &entry.ty, config).map_err(|error| {
            let mut diagnostics = Diagnostics::new();
            bug(
                &mut diagnostics,
                "The provider generated an invalid configuration",
                format!("It does not fit the schema: {error}."),
            );
            diagnostics
        })
    }
}

/// Whether a practitioner would write the attribute with this value.
fn worth_writing(attribute: &Attribute, value: &Value) -> bool {
    let empty_text = attribute.ty() == Type::String && value.as_str() == Some("");
    let required = attribute.setter == Setter::Required;
    attribute.configurable()
        && !attribute.write_only
        && (required || (attribute.deprecation.is_none() && !empty_text))
}
