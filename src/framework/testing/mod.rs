//! Random types, values, schemas and configurations for property tests.

mod schemas;
mod values;

pub(crate) use self::schemas::{any_schema, config_of, filled_config, filled_state, state_of};
pub(crate) use self::values::{typed_value, value_of};
