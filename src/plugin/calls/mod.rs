//! One function per call of the protocol: read the request, ask the framework, write the answer.
//!
//! An `Err` is an error diagnostic; [`super::service`] turns it into the call's answer.

pub(super) mod action;
pub(super) mod data_source;
pub(super) mod function;
pub(super) mod list_resource;
pub(super) mod provider;
pub(super) mod resource;

use std::collections::BTreeMap;

use crate::framework::diagnostics::Diagnostics;

use super::from_proto::error;

/// Looks up what a request is about; its schema is needed to read the rest.
fn find<'a, T>(
    offered: &'a BTreeMap<String, T>,
    kind: &str,
    name: &str,
) -> Result<&'a T, Diagnostics> {
    tracing::Span::current().record("tf_resource_type", name);
    offered.get(name).ok_or_else(|| {
        error(
            &format!("Unknown {kind}"),
            format!("This version of the provider has no {kind} named {name:?}."),
        )
    })
}
