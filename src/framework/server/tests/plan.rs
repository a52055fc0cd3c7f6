//! Planning.

use super::*;
use crate::framework::schema::Nesting;
use crate::framework::value::AttributePath;

fn plan(prior: &Value, config: &Value) -> PlanResponse {
    let schema = thing_schema();
    let server = Scripted::new(schema.clone()).serve();
    block_on(server.plan_resource_change("test_thing", plan_request(&schema, prior, config)))
}

fn stored() -> Value {
    thing([
        ("name", text("a")),
        ("id", text("id-1")),
        ("etag", text("e1")),
        ("mode", text("fast")),
    ])
}

#[test]
fn a_new_object_has_defaults_and_unknown_computed_values() {
    let config = thing([("name", text("a")), ("secret", text("s"))]);
    let response = plan(&Value::Null, &config);
    let expected = thing([
        ("name", text("a")),
        ("id", Value::Unknown),
        ("etag", Value::Unknown),
        ("mode", text("fast")),
    ]);
    assert_eq!(response.planned_state, expected);
    assert!(
        response.diagnostics.is_empty(),
        "{:?}",
        response.diagnostics
    );
    assert_eq!(response.planned_private, b"private");
}

#[test]
fn nothing_changes_when_the_configuration_is_what_is_there() {
    let response = plan(&stored(), &thing([("name", text("a"))]));
    assert_eq!(response.planned_state, stored());
    assert!(response.requires_replace.is_empty());
}

#[test]
fn a_change_makes_computed_values_unknown_but_for_those_that_never_change() {
    let config = thing([("name", text("a")), ("mode", text("slow"))]);
    let response = plan(&stored(), &config);
    let expected = thing([
        ("name", text("a")),
        ("id", text("id-1")),
        ("etag", Value::Unknown),
        ("mode", text("slow")),
    ]);
    assert_eq!(response.planned_state, expected);
    assert!(response.requires_replace.is_empty());
}

#[test]
fn a_change_that_needs_a_new_object_is_told_by_its_path() {
    let response = plan(&stored(), &thing([("name", text("b"))]));
    assert_eq!(response.requires_replace, [AttributePath::root("name")]);
}

#[test]
fn an_unknown_configured_value_is_planned_unknown_in_spite_of_the_default() {
    let config = thing([("name", text("a")), ("mode", Value::Unknown)]);
    let planned = plan(&stored(), &config).planned_state;
    assert_eq!(planned.attribute("mode"), &Value::Unknown);
}

#[test]
fn the_resource_has_the_final_word() {
    let schema = thing_schema();
    let mut resource = Scripted::new(schema.clone());
    resource.plan = Box::new(|request| {
        let mut response = agree(request);
        let etag = AttributePath::root("etag");
        response.planned_state.set_at(&etag, text("e2")).unwrap();
        response.requires_replace = vec![etag, AttributePath::root("mode")];
        response
    });
    let config = thing([("name", text("b"))]);
    let request = plan_request(&schema, &stored(), &config);
    let response = block_on(resource.serve().plan_resource_change("test_thing", request));
    assert_eq!(response.planned_state.attribute("etag"), &text("e2"));
    // The mode does not change, so it cannot be a reason to replace.
    assert_eq!(
        response.requires_replace,
        [AttributePath::root("name"), AttributePath::root("etag")]
    );
    assert!(
        response.diagnostics.is_empty(),
        "{:?}",
        response.diagnostics
    );
}

#[test]
fn a_plan_that_terraform_would_refuse_is_an_error_of_the_provider() {
    let schema = thing_schema();
    let mut resource = Scripted::new(schema.clone());
    resource.plan = Box::new(|request| {
        let mut response = agree(request);
        let name = AttributePath::root("name");
        response.planned_state.set_at(&name, text("other")).unwrap();
        response
    });
    let request = plan_request(&schema, &Value::Null, &thing([("name", text("a"))]));
    let response = block_on(resource.serve().plan_resource_change("test_thing", request));
    assert_eq!(
        errors(&response.diagnostics),
        ["The provider returned an invalid plan"]
    );
}

#[test]
fn destroying_plans_null_and_asks_the_resource() {
    let schema = thing_schema();
    let mut resource = Scripted::new(schema.clone());
    resource.plan = Box::new(|request| {
        let mut response = agree(request);
        response.diagnostics.warning("Farewell", "It goes.");
        response
    });
    let request = plan_request(&schema, &stored(), &Value::Null);
    let response = block_on(resource.serve().plan_resource_change("test_thing", request));
    assert_eq!(response.planned_state, Value::Null);
    assert_eq!(response.diagnostics.iter().count(), 1);
}

#[test]
fn a_destroy_that_plans_an_object_is_an_error() {
    let schema = thing_schema();
    let mut resource = Scripted::new(schema.clone());
    resource.plan = Box::new(|request| PlanResponse {
        planned_state: request.prior_state.clone(),
        ..agree(request)
    });
    let request = plan_request(&schema, &stored(), &Value::Null);
    let response = block_on(resource.serve().plan_resource_change("test_thing", request));
    assert_eq!(
        errors(&response.diagnostics),
        ["The provider planned a destroyed object"]
    );
}

#[test]
fn a_panic_is_an_error_and_loses_nothing() {
    let schema = thing_schema();
    let mut resource = Scripted::new(schema.clone());
    resource.plan = Box::new(|_| panic!("out of luck"));
    let request = plan_request(&schema, &stored(), &thing([("name", text("b"))]));
    let response = block_on(resource.serve().plan_resource_change("test_thing", request));
    assert_eq!(errors(&response.diagnostics), ["The provider crashed"]);
    let detail = response.diagnostics.iter().map(|d| d.detail.clone());
    assert!(detail.collect::<String>().contains("out of luck"));
    assert_eq!(response.planned_state, stored());
    assert_eq!(response.planned_private, b"private");
}

#[test]
fn a_deferral_without_leave_is_an_error() {
    let schema = thing_schema();
    let mut resource = Scripted::new(schema.clone());
    resource.plan = Box::new(|request| PlanResponse {
        deferred: Some(DeferredReason::AbsentPrerequisite),
        ..agree(request)
    });
    let request = plan_request(&schema, &Value::Null, &thing([("name", text("a"))]));
    let response = block_on(resource.serve().plan_resource_change("test_thing", request));
    assert_eq!(
        errors(&response.diagnostics),
        ["The provider deferred without leave"]
    );
    assert_eq!(response.deferred, None);
}

#[test]
fn an_identity_changes_only_with_a_new_object() {
    let schema = thing_schema();
    let plan_with = |config: Value| {
        let mut resource = Scripted::new(schema.clone());
        resource.identity = true;
        resource.plan = Box::new(|request| PlanResponse {
            planned_identity: identity("b", Value::Null),
            ..agree(request)
        });
        let mut request = plan_request(&schema, &stored(), &config);
        request.prior_identity = identity("a", Value::Null);
        block_on(resource.serve().plan_resource_change("test_thing", request))
    };
    let update = plan_with(thing([("name", text("a")), ("mode", text("slow"))]));
    assert_eq!(
        errors(&update.diagnostics),
        ["The provider changed the identity of an object"]
    );
    assert_eq!(update.planned_identity, identity("a", Value::Null));
    let replacement = plan_with(thing([("name", text("b"))]));
    assert!(replacement.diagnostics.is_empty());
    assert_eq!(replacement.planned_identity, identity("b", Value::Null));
}

#[test]
fn what_the_provider_may_choose_is_open_again_once_anything_changes() {
    let schema = Schema::new(
        "",
        vec![
            Attribute::string("name", Setter::Required, ""),
            Attribute::string("zone", Setter::OptionalComputed, ""),
        ],
    );
    let object = |name: &str, zone| Value::object([("name", text(name)), ("zone", zone)]);
    let server = Scripted::new(schema.clone()).serve();
    let prior = object("a", text("z"));
    let planned = |config: Value| {
        let request = plan_request(&schema, &prior, &config);
        block_on(server.plan_resource_change("test_thing", request)).planned_state
    };
    assert_eq!(planned(object("a", Value::Null)), prior);
    assert_eq!(
        planned(object("b", Value::Null)),
        object("b", Value::Unknown)
    );
    assert_eq!(planned(object("b", text("y"))), object("b", text("y")));
}

/// Rules by key, with a default and a computed part each, and a default for the whole of another.
fn nested_schema() -> Schema {
    let rule = || {
        vec![
            Attribute::string("prefix", Setter::Optional, ""),
            Attribute::bool("on", Setter::OptionalComputed, "").default(Value::Bool(true)),
            Attribute::string("id", Setter::Computed, "")
                .plan(crate::framework::plan_modifiers::use_state_for_unknown()),
        ]
    };
    let whole = Value::object([
        ("prefix", text("p")),
        ("on", Value::Null),
        ("id", Value::Null),
    ]);
    Schema::new(
        "",
        vec![
            Attribute::nested("rules", Nesting::Map, rule(), Setter::Required, ""),
            Attribute::nested(
                "main",
                Nesting::Single,
                rule(),
                Setter::OptionalComputed,
                "",
            )
            .default(whole),
        ],
    )
}

fn rule(prefix: Value, on: Value, id: Value) -> Value {
    Value::object([("prefix", prefix), ("on", on), ("id", id)])
}

#[test]
fn defaults_and_modifiers_reach_into_nested_attributes() {
    let schema = nested_schema();
    let server = Scripted::new(schema.clone()).serve();
    let prior = Value::object([
        (
            "rules",
            Value::map([("a", rule(Value::Null, Value::Bool(true), text("id-a")))]),
        ),
        ("main", rule(text("p"), Value::Bool(true), text("id-m"))),
    ]);
    let config = Value::object([
        (
            "rules",
            Value::map([
                ("a", rule(text("x"), Value::Null, Value::Null)),
                ("b", rule(Value::Null, Value::Bool(false), Value::Null)),
            ]),
        ),
        ("main", Value::Null),
    ]);
    let request = plan_request(&schema, &prior, &config);
    let response = block_on(server.plan_resource_change("test_thing", request));
    let expected = Value::object([
        (
            "rules",
            Value::map([
                ("a", rule(text("x"), Value::Bool(true), text("id-a"))),
                ("b", rule(Value::Null, Value::Bool(false), Value::Unknown)),
            ]),
        ),
        // The default of the whole, with the defaults that it leaves out and the ID that it had.
        ("main", rule(text("p"), Value::Bool(true), text("id-m"))),
    ]);
    assert_eq!(response.planned_state, expected);
    assert!(
        response.diagnostics.is_empty(),
        "{:?}",
        response.diagnostics
    );
}
