//! A provider framework: values, schemas, diagnostics, the plan pipeline, and the traits that a provider
//! implements. Reusable: it knows neither gRPC nor AWS.

pub mod contract;
pub mod crash;
pub mod diagnostics;
pub mod ignored;
pub mod model;
pub mod plan_modifiers;
mod proposed;
pub mod provider;
pub mod schema;
pub mod server;
#[cfg(test)]
mod testing;
pub mod told;
pub mod upgrade;
pub mod validators;
pub mod value;
