//! Applying and reading.

use super::*;

fn stored() -> Value {
    thing([
        ("name", text("a")),
        ("id", text("id-1")),
        ("mode", text("fast")),
    ])
}

fn planned() -> Value {
    thing([
        ("name", text("a")),
        ("id", Value::Unknown),
        ("mode", text("fast")),
    ])
}

fn apply(
    answer: impl Fn(ApplyRequest) -> ApplyResponse + Send + Sync + 'static,
    request: ApplyRequest,
) -> ApplyResponse {
    let mut resource = Scripted::new(thing_schema());
    resource.apply = Box::new(answer);
    block_on(
        resource
            .serve()
            .apply_resource_change("test_thing", request),
    )
}

fn create() -> ApplyRequest {
    apply_request(Value::Null, planned(), thing([("name", text("a"))]))
}

fn delete() -> ApplyRequest {
    apply_request(stored(), Value::Null, Value::Null)
}

#[test]
fn a_created_object_keeps_its_state_without_write_only_values() {
    let response = apply(
        |request| ApplyResponse {
            new_state: thing([
                ("name", text("a")),
                ("id", text("id-1")),
                ("mode", text("fast")),
                ("secret", text("s")),
            ]),
            ..as_planned(request)
        },
        create(),
    );
    assert_eq!(response.new_state, stored());
    assert_eq!(response.private, b"private");
    assert!(
        response.diagnostics.is_empty(),
        "{:?}",
        response.diagnostics
    );
}

#[test]
fn a_value_that_stays_unknown_is_an_error_and_saved_as_null() {
    let response = apply(as_planned, create());
    assert_eq!(
        errors(&response.diagnostics),
        ["The provider returned unknown values"]
    );
    assert_eq!(
        response.new_state,
        thing([("name", text("a")), ("mode", text("fast"))])
    );
}

#[test]
fn a_result_other_than_planned_is_an_error_and_saved_as_it_is() {
    let changed = thing([
        ("name", text("b")),
        ("id", text("id-1")),
        ("mode", text("fast")),
    ]);
    let result = changed.clone();
    let response = apply(
        move |request| ApplyResponse {
            new_state: result.clone(),
            ..as_planned(request)
        },
        create(),
    );
    assert_eq!(
        errors(&response.diagnostics),
        ["The provider's result is not what it planned"]
    );
    assert_eq!(response.new_state, changed);
}

#[test]
fn a_partial_result_beside_an_error_is_saved_without_further_complaint() {
    let partial = thing([("name", text("a"))]);
    let result = partial.clone();
    let response = apply(
        move |request| {
            let mut response = as_planned(request);
            response.new_state = result.clone();
            response.diagnostics.error("AccessDenied", "No.");
            response
        },
        create(),
    );
    assert_eq!(errors(&response.diagnostics), ["AccessDenied"]);
    assert_eq!(response.new_state, partial);
}

#[test]
fn a_created_object_is_not_forgotten_when_its_state_is_unusable() {
    for result in [Value::Null, Value::Bool(true)] {
        let response = apply(
            move |request| ApplyResponse {
                new_state: result.clone(),
                ..as_planned(request)
            },
            create(),
        );
        assert!(response.diagnostics.has_error());
        assert_eq!(
            response.new_state,
            thing([("name", text("a")), ("mode", text("fast"))])
        );
    }
}

#[test]
fn a_deleted_object_has_no_state() {
    let response = apply(as_planned, delete());
    assert_eq!(response.new_state, Value::Null);
    assert!(response.diagnostics.is_empty());
}

#[test]
fn a_delete_that_leaves_something_must_say_why() {
    let response = apply(
        |request| ApplyResponse {
            new_state: request.prior_state.clone(),
            ..as_planned(request)
        },
        delete(),
    );
    assert_eq!(
        errors(&response.diagnostics),
        ["The provider did not delete the object"]
    );
    assert_eq!(response.new_state, stored());
}

#[test]
fn a_panic_while_applying_keeps_state_and_private_state() {
    let response = apply(|_| panic!("broken"), delete());
    assert_eq!(errors(&response.diagnostics), ["The provider crashed"]);
    assert_eq!(response.new_state, stored());
    assert_eq!(response.private, b"private");
}

#[test]
fn an_unknown_resource_type_loses_nothing_either() {
    let server = Scripted::new(thing_schema()).serve();
    let response = block_on(server.apply_resource_change("test_other", delete()));
    assert_eq!(errors(&response.diagnostics), ["Unknown resource type"]);
    assert_eq!(response.new_state, stored());
}

fn read(
    answer: impl Fn(ReadRequest) -> ReadResponse + Send + Sync + 'static,
    request: ReadRequest,
) -> ReadResponse {
    let mut resource = Scripted::new(thing_schema());
    resource.identity = true;
    resource.read = Box::new(answer);
    block_on(resource.serve().read_resource("test_thing", request))
}

fn seen(request: ReadRequest) -> ReadResponse {
    ReadResponse {
        new_state: request.current_state,
        private: request.private,
        identity: request.identity,
        diagnostics: Diagnostics::new(),
        deferred: None,
    }
}

#[test]
fn a_read_that_panics_or_returns_nonsense_keeps_what_terraform_had() {
    let panicked = read(|_| panic!("broken"), read_request(stored()));
    let nonsense = read(
        |request| ReadResponse {
            new_state: Value::object([("name", Value::Bool(true))]),
            ..seen(request)
        },
        read_request(stored()),
    );
    for response in [panicked, nonsense] {
        assert!(response.diagnostics.has_error());
        assert_eq!(response.new_state, stored());
        assert_eq!(response.private, b"private");
    }
}

#[test]
fn an_object_that_is_gone_reads_as_null() {
    let response = read(
        |request| ReadResponse {
            new_state: Value::Null,
            ..seen(request)
        },
        read_request(stored()),
    );
    assert_eq!(response.new_state, Value::Null);
    assert!(response.diagnostics.is_empty());
}

#[test]
fn a_read_may_complete_an_identity_but_not_change_it() {
    let read_identity = |now: Value| {
        let mut request = read_request(stored());
        request.identity = identity("a", Value::Null);
        read(
            move |request| ReadResponse {
                identity: now.clone(),
                ..seen(request)
            },
            request,
        )
    };
    let completed = read_identity(identity("a", text("x")));
    assert_eq!(completed.identity, identity("a", text("x")));
    assert!(completed.diagnostics.is_empty());
    let left_out = read_identity(Value::Null);
    assert_eq!(left_out.identity, identity("a", Value::Null));
    let changed = read_identity(identity("b", text("x")));
    assert_eq!(changed.identity, identity("a", Value::Null));
    assert_eq!(
        errors(&changed.diagnostics),
        ["The provider changed the identity of an object"]
    );
}
