//! Validation, upgrade, import, configuration of an imported object, functions, actions and lists.

use futures::stream::{self, BoxStream, StreamExt};
use serde_json::json;

use super::*;

/// Turns text to capitals; panics at a question.
pub(super) struct Shout;

impl Function for Shout {
    fn name(&self) -> &str {
        "shout"
    }
    fn signature(&self) -> FunctionSignature {
        let parameter = |name: &str| Parameter {
            name: name.to_owned(),
            ty: Type::String,
            allow_null: false,
            allow_unknown: false,
            description: String::new(),
        };
        FunctionSignature {
            parameters: vec![parameter("text")],
            variadic: Some(parameter("more")),
            result: Type::String,
            summary: String::new(),
            description: String::new(),
        }
    }
    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError> {
        let words: Vec<_> = arguments.iter().filter_map(Value::as_str).collect();
        assert!(!words.contains(&"why?"), "questions are not answered");
        Ok(Value::string(words.join(" ").to_uppercase()))
    }
}

/// Ends as its configuration says.
pub(super) struct Countdown;

#[async_trait]
impl Action for Countdown {
    fn type_name(&self) -> &str {
        "test_countdown"
    }
    fn schema(&self) -> Schema {
        Schema::new("", vec![Attribute::string("end", Setter::Optional, "")])
    }
    async fn invoke(
        &self,
        config: Value,
        _stop: CancellationToken,
    ) -> BoxStream<'static, ActionEvent> {
        let progress = || ActionEvent::Progress("one".to_owned());
        let end = || ActionEvent::Completed(Diagnostics::new());
        match config.attribute("end").as_str() {
            Some("twice") => stream::iter([progress(), end(), progress(), end()]).boxed(),
            Some("never") => stream::iter([progress()]).boxed(),
            Some("panic") => stream::iter([0, 1])
                .map(move |number| {
                    assert!(number == 0, "stuck");
                    progress()
                })
                .boxed(),
            _ => panic!("no way to end"),
        }
    }
}

/// Lists three things, after a word about what is none; the configuration makes the second one fail.
pub(super) struct Things;

#[async_trait]
impl ListResource for Things {
    fn type_name(&self) -> &str {
        "test_thing"
    }
    fn schema(&self) -> Schema {
        Schema::new("", vec![Attribute::bool("fail", Setter::Optional, "")])
    }
    async fn list(&self, request: ListRequest) -> BoxStream<'static, ListEvent> {
        let fail = request.config.attribute("fail") == &Value::Bool(true);
        stream::iter(["-", "a", "b", "c"])
            .map(move |name| {
                let mut diagnostics = Diagnostics::new();
                if fail && name == "b" {
                    diagnostics.error("AccessDenied", "No.");
                }
                let is_none = name == "-";
                if is_none {
                    diagnostics.warning("Hidden", "It cannot be looked at.");
                }
                ListEvent {
                    identity: match is_none {
                        true => Value::Null,
                        false => identity(name, Value::Null),
                    },
                    display_name: name.to_owned(),
                    resource_object: Some(thing([("name", text(name))])),
                    diagnostics,
                }
            })
            .boxed()
    }
}

fn server() -> Server {
    let mut resource = Scripted::new(thing_schema());
    resource.identity = true;
    resource.serve()
}

#[test]
fn validators_run_on_known_values_only() {
    let validate = |mode: Value| {
        let config = thing([("name", text("a")), ("mode", mode)]);
        let client = ClientCapabilities::default();
        block_on(server().validate_resource_config("test_thing", &config, client))
    };
    assert_eq!(errors(&validate(text("wild"))), ["Invalid attribute value"]);
    for fine in [text("slow"), Value::Null, Value::Unknown] {
        assert!(validate(fine).is_empty());
    }
}

#[test]
fn write_only_values_need_a_client_that_knows_them() {
    let config = thing([("name", text("a")), ("secret", text("s"))]);
    let validate = |allowed| {
        let client = ClientCapabilities {
            write_only_attributes_allowed: allowed,
            ..ClientCapabilities::default()
        };
        block_on(server().validate_resource_config("test_thing", &config, client))
    };
    assert!(validate(true).is_empty());
    assert_eq!(validate(false).iter().count(), 1);
}

#[test]
fn a_panic_while_configuring_is_an_error() {
    let request = ConfigureRequest {
        terraform_version: "1.11.4".to_owned(),
        config: Value::object::<&str>([]),
        client: ClientCapabilities::default(),
    };
    let diagnostics = block_on(server().configure_provider(request));
    assert_eq!(errors(&diagnostics), ["The provider crashed"]);
}

#[test]
fn state_of_every_version_is_read() {
    let upgrade =
        |version, json| block_on(server().upgrade_resource_state("test_thing", version, json));
    let expected = thing([("name", text("a"))]);
    assert_eq!(
        upgrade(1, json!({"name": "a", "gone": 1})),
        Ok(expected.clone())
    );
    assert_eq!(upgrade(0, json!({"old_name": "a"})), Ok(expected));
    for (version, json, error) in [
        (2, json!({}), "The stored state is newer than the provider"),
        (-1, json!({}), "The stored state cannot be upgraded"),
        (1, json!({"name": []}), "The stored state cannot be read"),
    ] {
        assert_eq!(errors(&upgrade(version, json).unwrap_err()), [error]);
    }
}

#[test]
fn an_identity_is_read_by_its_own_version() {
    let read = block_on(server().upgrade_resource_identity("test_thing", 0, json!({"name": "a"})));
    assert_eq!(read, Ok(identity("a", Value::Null)));
}

#[test]
fn an_import_by_identity_needs_one_and_an_import_by_id_a_state() {
    let import = |id: &str| {
        let request = ImportRequest {
            id: id.to_owned(),
            identity: if id.is_empty() {
                identity("a", Value::Null)
            } else {
                Value::Null
            },
            client: ClientCapabilities::default(),
            stop: CancellationToken::new(),
        };
        block_on(server().import_resource_state("test_thing", request))
    };
    assert_eq!(
        errors(&import("").diagnostics),
        ["The provider returned no identity"]
    );
    assert_eq!(
        errors(&import("a").diagnostics),
        ["The provider returned no state"]
    );
}

#[test]
fn a_generated_configuration_has_only_what_a_person_would_write() {
    let state = thing([
        ("name", text("a")),
        ("id", text("id-1")),
        ("etag", text("e")),
        ("mode", text("")),
    ]);
    let config = block_on(server().generate_resource_config("test_thing", &state)).unwrap();
    assert_eq!(config, thing([("name", text("a"))]));
}

#[test]
fn functions_check_their_arguments() {
    let shout = |arguments: Vec<Value>| block_on(server().call_function("shout", arguments));
    assert_eq!(shout(vec![text("a"), text("b")]), Ok(text("A B")));
    assert_eq!(shout(vec![text("a"), Value::Unknown]), Ok(Value::Unknown));
    assert_eq!(
        shout(vec![text("a"), Value::Null]).unwrap_err().argument,
        Some(1)
    );
    assert_eq!(
        shout(vec![Value::Bool(true)]).unwrap_err().argument,
        Some(0)
    );
    assert!(
        shout(vec![])
            .unwrap_err()
            .text
            .contains("takes 1 arguments or more")
    );
    assert!(
        shout(vec![text("why?")])
            .unwrap_err()
            .text
            .contains("panicked")
    );
}

fn run_action(end: &str) -> Vec<ActionEvent> {
    let config = Value::object([("end", text(end))]);
    block_on(async {
        server()
            .invoke_action("test_countdown", config)
            .await
            .collect()
            .await
    })
}

#[test]
fn an_action_ends_exactly_once() {
    for (end, has_error) in [("twice", false), ("never", false), ("panic", true)] {
        let events = run_action(end);
        let [
            ActionEvent::Progress(_),
            ActionEvent::Completed(diagnostics),
        ] = events.as_slice()
        else {
            panic!("{end}: {events:?}");
        };
        assert_eq!(diagnostics.has_error(), has_error, "{end}");
    }
    let [ActionEvent::Completed(diagnostics)] = &run_action("at once")[..] else {
        panic!("an action that does not start ends at once");
    };
    assert_eq!(errors(diagnostics), ["The provider crashed"]);
}

fn list(limit: i64, with_object: bool, fail: bool) -> Vec<ListEvent> {
    let request = ListRequest {
        config: Value::object([("fail", Value::Bool(fail))]),
        include_resource_object: with_object,
        limit,
        stop: CancellationToken::new(),
    };
    block_on(async {
        server()
            .list_resource("test_thing", request)
            .await
            .collect()
            .await
    })
}

#[test]
fn a_listing_stops_at_its_limit_or_at_an_error() {
    let names = |events: Vec<ListEvent>| {
        events
            .into_iter()
            .map(|event| event.display_name)
            .collect::<String>()
    };
    assert_eq!(names(list(100, false, false)), "-abc");
    // What is no object does not count.
    assert_eq!(names(list(1, false, false)), "-a");
    assert_eq!(names(list(0, false, false)), "");
    assert_eq!(names(list(100, false, true)), "-ab");
}

#[test]
fn a_listing_carries_objects_only_when_asked() {
    assert!(list(1, false, false)[1].resource_object.is_none());
    let objects = list(1, true, false);
    assert_eq!(
        objects[1].resource_object,
        Some(thing([("name", text("a"))]))
    );
}
