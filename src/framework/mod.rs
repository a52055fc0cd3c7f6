//! A provider framework: values, schemas, diagnostics, the plan pipeline, and the traits that a provider
//! implements. Reusable: it knows neither gRPC nor AWS.

pub mod diagnostics;
pub mod model;
pub mod provider;
pub mod schema;
pub mod server;
pub mod value;
