//! From the framework's values to the wire's messages.

pub(super) mod failure;
pub(super) mod schema;

use crate::framework::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::framework::provider::{DeferredReason, FunctionError, IdentitySchema};
use crate::framework::value::{AttributePath, PathStep, Type, Value};

use super::from_proto::error;
use super::generated::tfplugin6 as wire;
use super::generated::tfplugin6::attribute_path::{Step, step::Selector};

/// Builds a response that has diagnostics. When one of its values cannot be written, what was said so far is
/// not lost.
pub(super) fn response<T>(
    said: Diagnostics,
    build: impl FnOnce(Vec<wire::Diagnostic>) -> Result<T, Diagnostics>,
) -> Result<T, Diagnostics> {
    build(diagnostics(&said)).map_err(|more| {
        let mut all = said;
        all.extend(more);
        all
    })
}

/// Writes a value of a type. `what` of `owner` it is goes into the error's text.
pub(super) fn value(
    value: &Value,
    ty: &Type,
    what: &str,
    owner: &str,
) -> Result<Option<wire::DynamicValue>, Diagnostics> {
    match value.to_msgpack(ty) {
        Ok(msgpack) => Ok(Some(wire::DynamicValue {
            msgpack,
            json: Vec::new(),
        })),
        Err(why) => Err(error(
            "Unwritable answer",
            format!(
                "The {what} of {owner} that the provider made does not fit its schema: {why}. \
                 Please report this fault to the provider's developers."
            ),
        )),
    }
}

/// Writes an identity; a null one, or one of a resource that has none, is left out.
pub(super) fn identity(
    identity: &Value,
    schema: Option<&IdentitySchema>,
    owner: &str,
) -> Result<Option<wire::ResourceIdentityData>, Diagnostics> {
    match schema {
        Some(schema) if *identity != Value::Null => Ok(Some(wire::ResourceIdentityData {
            identity_data: value(identity, &schema.ty(), "identity", owner)?,
        })),
        _ => Ok(None),
    }
}

/// Writes messages, in order.
pub(super) fn diagnostics(diagnostics: &Diagnostics) -> Vec<wire::Diagnostic> {
    diagnostics.iter().map(diagnostic).collect()
}

fn diagnostic(diagnostic: &Diagnostic) -> wire::Diagnostic {
    use wire::diagnostic::Severity as Wire;
    let severity = match diagnostic.severity {
        Severity::Error => Wire::Error,
        Severity::Warning => Wire::Warning,
    };
    // Terraform finds a place in the configuration only by a path that starts with an attribute.
    let attribute = diagnostic
        .path
        .as_ref()
        .filter(|path| matches!(path.0.first(), Some(PathStep::Attribute(_))));
    wire::Diagnostic {
        severity: severity.into(),
        summary: diagnostic.summary.clone(),
        detail: diagnostic.detail.clone(),
        attribute: attribute.map(path),
    }
}

/// Writes a path.
pub(super) fn path(path: &AttributePath) -> wire::AttributePath {
    let steps = path.0.iter().map(|step| Step {
        selector: Some(match step {
            PathStep::Attribute(name) => Selector::AttributeName(name.clone()),
            PathStep::Key(key) => Selector::ElementKeyString(key.clone()),
            PathStep::Index(index) => Selector::ElementKeyInt(*index),
        }),
    });
    wire::AttributePath {
        steps: steps.collect(),
    }
}

/// Writes why an answer is put off.
pub(super) fn deferred(reason: Option<DeferredReason>) -> Option<wire::Deferred> {
    use wire::deferred::Reason as Wire;
    let reason = match reason? {
        DeferredReason::ResourceConfigUnknown => Wire::ResourceConfigUnknown,
        DeferredReason::ProviderConfigUnknown => Wire::ProviderConfigUnknown,
        DeferredReason::AbsentPrerequisite => Wire::AbsentPrereq,
    };
    Some(wire::Deferred {
        reason: reason.into(),
    })
}

/// Writes why a function has no result.
pub(super) fn function_error(error: FunctionError) -> wire::FunctionError {
    wire::FunctionError {
        text: error.text,
        function_argument: error.argument,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_keeps_its_kinds_of_steps() {
        let written = path(
            &AttributePath::root("destinations")
                .key("eu")
                .attribute("tags")
                .index(2),
        );
        let selectors: Vec<_> = written
            .steps
            .into_iter()
            .filter_map(|s| s.selector)
            .collect();
        assert_eq!(
            selectors,
            [
                Selector::AttributeName("destinations".into()),
                Selector::ElementKeyString("eu".into()),
                Selector::AttributeName("tags".into()),
                Selector::ElementKeyInt(2),
            ]
        );
    }

    #[test]
    fn only_paths_that_terraform_can_place_are_sent() {
        let mut said = Diagnostics::new();
        said.error_at(AttributePath::root("bucket"), "a", "");
        said.error_at(AttributePath::default(), "b", "");
        said.warning_at(AttributePath::default().index(0), "c", "");
        let written = diagnostics(&said);
        let placed: Vec<bool> = written.iter().map(|d| d.attribute.is_some()).collect();
        assert_eq!(placed, [true, false, false]);
        let severities: Vec<i32> = written.iter().map(|d| d.severity).collect();
        assert_eq!(severities, [1, 1, 2]);
    }

    #[test]
    fn what_was_said_survives_a_value_that_cannot_be_written() {
        let mut said = Diagnostics::new();
        said.warning("First", "it happened");
        let both = response::<()>(said, |_| Err(error("Second", "it does not fit".into())));
        let summaries: Vec<String> = both
            .expect_err("the second")
            .into_iter()
            .map(|d| d.summary)
            .collect();
        assert_eq!(summaries, ["First", "Second"]);
    }
}
