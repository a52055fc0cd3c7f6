//! The answers to calls that failed before the provider had an answer: an unreadable request, an answer that
//! does not fit the schema, a panic.
//!
//! Terraform stores what a read or an apply answers, also next to an error. So these answers hand back the
//! state, private state and identity that the request brought, byte for byte, and nothing is lost.

use crate::framework::diagnostics::Diagnostics;

use super::super::generated::tfplugin6 as wire;
use super::diagnostics;

/// An answer made from nothing but the request and what went wrong.
pub(in crate::plugin) trait FailedAnswer<Request>: Sized {
    /// Makes the answer.
    fn failed(request: Request, why: &Diagnostics) -> Self;
}

/// The last message of a stream that failed.
pub(in crate::plugin) trait FailedEvent {
    /// Makes the message.
    fn failed(why: &Diagnostics) -> Self;
}

impl FailedAnswer<wire::read_resource::Request> for wire::read_resource::Response {
    fn failed(request: wire::read_resource::Request, why: &Diagnostics) -> Self {
        Self {
            new_state: request.current_state,
            diagnostics: diagnostics(why),
            private: request.private,
            deferred: None,
            new_identity: request.current_identity,
        }
    }
}

impl FailedAnswer<wire::plan_resource_change::Request> for wire::plan_resource_change::Response {
    fn failed(request: wire::plan_resource_change::Request, why: &Diagnostics) -> Self {
        Self {
            planned_state: request.prior_state,
            planned_private: request.prior_private,
            planned_identity: request.prior_identity,
            diagnostics: diagnostics(why),
            ..Self::default()
        }
    }
}

impl FailedAnswer<wire::apply_resource_change::Request> for wire::apply_resource_change::Response {
    fn failed(request: wire::apply_resource_change::Request, why: &Diagnostics) -> Self {
        // A create has no state yet, and its planned identity may hold unknown values.
        let existed = request
            .prior_state
            .as_ref()
            .is_some_and(|state| !is_null(state));
        Self {
            new_state: request.prior_state,
            private: request.planned_private,
            diagnostics: diagnostics(why),
            legacy_type_system: false,
            new_identity: request.planned_identity.filter(|_| existed),
        }
    }
}

impl FailedAnswer<wire::call_function::Request> for wire::call_function::Response {
    fn failed(_: wire::call_function::Request, why: &Diagnostics) -> Self {
        let texts: Vec<String> = why
            .iter()
            .map(|d| format!("{}: {}", d.summary, d.detail))
            .collect();
        Self {
            result: None,
            error: Some(wire::FunctionError {
                text: texts.join("\n"),
                function_argument: None,
            }),
        }
    }
}

impl FailedAnswer<wire::stop_provider::Request> for wire::stop_provider::Response {
    fn failed(_: wire::stop_provider::Request, why: &Diagnostics) -> Self {
        let texts: Vec<&str> = why.iter().map(|d| d.detail.as_str()).collect();
        Self {
            error: texts.join("\n"),
        }
    }
}

/// Answers that keep nothing: diagnostics alone.
macro_rules! diagnostics_alone {
    ($($rpc:ident),* $(,)?) => {
        $(impl FailedAnswer<wire::$rpc::Request> for wire::$rpc::Response {
            fn failed(_: wire::$rpc::Request, why: &Diagnostics) -> Self {
                let mut answer = Self::default();
                answer.diagnostics = diagnostics(why);
                answer
            }
        })*
    };
}

diagnostics_alone!(
    configure_provider,
    generate_resource_config,
    get_functions,
    get_metadata,
    get_provider_schema,
    get_resource_identity_schemas,
    import_resource_state,
    move_resource_state,
    plan_action,
    read_data_source,
    upgrade_resource_identity,
    upgrade_resource_state,
    validate_action_config,
    validate_data_resource_config,
    validate_list_resource_config,
    validate_provider_config,
    validate_resource_config,
);

impl FailedEvent for wire::list_resource::Event {
    fn failed(why: &Diagnostics) -> Self {
        Self {
            diagnostic: diagnostics(why),
            ..Self::default()
        }
    }
}

impl FailedEvent for wire::invoke_action::Event {
    fn failed(why: &Diagnostics) -> Self {
        use wire::invoke_action::event::{Completed, Type};
        Self {
            r#type: Some(Type::Completed(Completed {
                diagnostics: diagnostics(why),
            })),
        }
    }
}

/// Whether bytes are null in either encoding, or no value at all.
fn is_null(value: &wire::DynamicValue) -> bool {
    const MSGPACK_NULL: &[u8] = &[0xc0];
    match (value.msgpack.as_slice(), value.json.as_slice()) {
        ([], json) => json.is_empty() || json == b"null",
        (msgpack, _) => msgpack == MSGPACK_NULL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why() -> Diagnostics {
        let mut why = Diagnostics::new();
        why.error("Broken", "it broke");
        why
    }

    fn bytes(msgpack: &[u8]) -> Option<wire::DynamicValue> {
        Some(wire::DynamicValue {
            msgpack: msgpack.to_vec(),
            json: Vec::new(),
        })
    }

    fn identity() -> Option<wire::ResourceIdentityData> {
        Some(wire::ResourceIdentityData {
            identity_data: bytes(b"identity"),
        })
    }

    #[test]
    fn a_failed_read_hands_back_all_that_it_got() {
        let request = wire::read_resource::Request {
            current_state: bytes(b"state"),
            private: b"private".to_vec(),
            current_identity: identity(),
            ..Default::default()
        };
        let answer = wire::read_resource::Response::failed(request, &why());
        assert_eq!(answer.new_state, bytes(b"state"));
        assert_eq!(answer.private, b"private");
        assert_eq!(answer.new_identity, identity());
        assert_eq!(answer.diagnostics.len(), 1);
    }

    #[test]
    fn a_failed_update_keeps_the_prior_state() {
        let request = wire::apply_resource_change::Request {
            prior_state: bytes(b"prior"),
            planned_state: bytes(b"planned"),
            planned_private: b"private".to_vec(),
            planned_identity: identity(),
            ..Default::default()
        };
        let answer = wire::apply_resource_change::Response::failed(request, &why());
        assert_eq!(answer.new_state, bytes(b"prior"));
        assert_eq!(answer.private, b"private");
        assert_eq!(answer.new_identity, identity());
    }

    #[test]
    fn a_failed_create_answers_null_without_an_identity() {
        let request = wire::apply_resource_change::Request {
            prior_state: bytes(&[0xc0]),
            planned_state: bytes(b"planned"),
            planned_identity: identity(),
            ..Default::default()
        };
        let answer = wire::apply_resource_change::Response::failed(request, &why());
        assert_eq!(answer.new_state, bytes(&[0xc0]));
        assert_eq!(answer.new_identity, None);
    }

    #[test]
    fn a_failed_function_says_why_in_its_own_way() {
        let answer = wire::call_function::Response::failed(Default::default(), &why());
        let error = answer.error.expect("an error");
        assert_eq!(error.text, "Broken: it broke");
    }

    #[test]
    fn a_failed_action_is_completed() {
        let event = wire::invoke_action::Event::failed(&why());
        assert!(matches!(
            event.r#type,
            Some(wire::invoke_action::event::Type::Completed(_))
        ));
    }
}
