//! Every call of the protocol, asked as Terraform asks it.

use futures::TryStreamExt;
use serde_json::json;
use terraform_provider_replicated::framework::value::{Type, Value};
use terraform_provider_replicated::plugin::generated::tfplugin6 as wire;
use tonic::Code;

use crate::client::{Running, decoded, encoded, encoded_identity, garbage, summaries};
use crate::provider::{
    LOOKUP, MEETS, PANICS, POKE, SHOUT, THING, config, config_type, identity, identity_type, thing,
    thing_config, thing_type,
};

/// The request that creates a thing.
pub(crate) fn create(name: &str) -> wire::apply_resource_change::Request {
    let planned = Value::object([("id", Value::Unknown), ("name", Value::string(name))]);
    wire::apply_resource_change::Request {
        type_name: THING.into(),
        prior_state: encoded(&Value::Null, &thing_type()),
        planned_state: encoded(&planned, &thing_type()),
        config: encoded(&thing_config(name), &thing_type()),
        planned_private: b"planned".to_vec(),
        ..Default::default()
    }
}

fn read(name: &str) -> wire::read_resource::Request {
    wire::read_resource::Request {
        type_name: THING.into(),
        current_state: encoded(&thing(name), &thing_type()),
        private: b"kept".to_vec(),
        current_identity: encoded_identity(&identity(name), &identity_type()),
        ..Default::default()
    }
}

fn raw(json: serde_json::Value) -> Option<wire::RawState> {
    Some(wire::RawState {
        json: json.to_string().into_bytes(),
        ..Default::default()
    })
}

#[tokio::test]
async fn everything_on_offer_is_in_the_schema() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;
    let request = wire::get_provider_schema::Request {};
    let schema = client
        .get_provider_schema(request)
        .await
        .unwrap()
        .into_inner();
    assert!(schema.diagnostics.is_empty());
    assert!(schema.provider.expect("a schema").block.is_some());
    assert!(schema.resource_schemas[THING].block.is_some());
    assert!(schema.data_source_schemas[LOOKUP].block.is_some());
    assert!(schema.list_resource_schemas[THING].block.is_some());
    let action = schema.action_schemas[POKE].schema.as_ref();
    assert!(action.expect("a schema").block.is_some());
    let result = schema.functions[SHOUT].r#return.as_ref();
    assert_eq!(result.expect("a result").r#type, b"\"string\"");
    let capabilities = schema.server_capabilities.expect("capabilities");
    assert!(capabilities.plan_destroy && capabilities.get_provider_schema_optional);

    let request = wire::get_metadata::Request {};
    let metadata = client.get_metadata(request).await.unwrap().into_inner();
    assert_eq!(metadata.server_capabilities, Some(capabilities));
    assert_eq!(metadata.resources[0].type_name, THING);
    assert_eq!(metadata.data_sources[0].type_name, LOOKUP);
    assert_eq!(metadata.list_resources[0].type_name, THING);
    assert_eq!(metadata.actions[0].type_name, POKE);
    assert_eq!(metadata.functions[0].name, SHOUT);

    let request = wire::get_functions::Request {};
    let functions = client.get_functions(request).await.unwrap().into_inner();
    assert_eq!(functions.functions, schema.functions);

    let request = wire::get_resource_identity_schemas::Request {};
    let identities = client
        .get_resource_identity_schemas(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        identities.identity_schemas[THING].identity_attributes[0].name,
        "id"
    );
}

#[tokio::test]
async fn every_validation_tells_its_verdict_at_the_attribute() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;
    for (name, expected) in [("good", &[][..]), ("bad one", &["Bad name"])] {
        let config = || encoded(&config(name), &config_type());
        let provider = wire::validate_provider_config::Request { config: config() };
        let resource = wire::validate_resource_config::Request {
            type_name: THING.into(),
            config: encoded(&thing_config(name), &thing_type()),
            client_capabilities: None,
        };
        let data_source = wire::validate_data_resource_config::Request {
            type_name: LOOKUP.into(),
            config: config(),
        };
        let list = wire::validate_list_resource_config::Request {
            type_name: THING.into(),
            config: config(),
            ..Default::default()
        };
        let action = wire::validate_action_config::Request {
            type_name: POKE.into(),
            config: config(),
        };
        let answers = [
            client
                .validate_provider_config(provider)
                .await
                .unwrap()
                .into_inner()
                .diagnostics,
            client
                .validate_resource_config(resource)
                .await
                .unwrap()
                .into_inner()
                .diagnostics,
            client
                .validate_data_resource_config(data_source)
                .await
                .unwrap()
                .into_inner()
                .diagnostics,
            client
                .validate_list_resource_config(list)
                .await
                .unwrap()
                .into_inner()
                .diagnostics,
            client
                .validate_action_config(action)
                .await
                .unwrap()
                .into_inner()
                .diagnostics,
        ];
        for (which, diagnostics) in answers.iter().enumerate() {
            assert_eq!(summaries(diagnostics), expected, "{name}, answer {which}");
            assert!(diagnostics.iter().all(|d| d.attribute.is_some()));
        }
    }
}

#[tokio::test]
async fn the_provider_is_configured_with_terraforms_version() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;
    let request = wire::configure_provider::Request {
        terraform_version: "1.15.0".into(),
        config: encoded(&config("x"), &config_type()),
        client_capabilities: None,
    };
    let answer = client
        .configure_provider(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.diagnostics[0].detail, "by 1.15.0");
}

#[tokio::test]
async fn a_thing_is_planned_created_read_updated_and_deleted() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;
    let plan = wire::plan_resource_change::Request {
        type_name: THING.into(),
        prior_state: encoded(&Value::Null, &thing_type()),
        proposed_new_state: encoded(&thing_config("a"), &thing_type()),
        config: encoded(&thing_config("a"), &thing_type()),
        ..Default::default()
    };
    let planned = client
        .plan_resource_change(plan)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(summaries(&planned.diagnostics), [""; 0]);
    assert_eq!(
        *decoded(planned.planned_state.as_ref(), &thing_type()).attribute("id"),
        Value::Unknown
    );
    assert_eq!(planned.planned_private, b"planned");

    let created = client
        .apply_resource_change(create("a"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(summaries(&created.diagnostics), [""; 0]);
    assert_eq!(
        decoded(created.new_state.as_ref(), &thing_type()),
        thing("a")
    );
    assert_eq!(created.private, b"created");
    let identity_data = created.new_identity.expect("an identity").identity_data;
    assert_eq!(
        decoded(identity_data.as_ref(), &identity_type()),
        identity("a")
    );

    let seen = client.read_resource(read("a")).await.unwrap().into_inner();
    assert_eq!(decoded(seen.new_state.as_ref(), &thing_type()), thing("a"));
    assert_eq!(seen.private, b"kept");
    assert!(seen.new_identity.is_some());

    let delete = wire::apply_resource_change::Request {
        type_name: THING.into(),
        prior_state: encoded(&thing("a"), &thing_type()),
        planned_state: encoded(&Value::Null, &thing_type()),
        config: encoded(&Value::Null, &thing_type()),
        ..Default::default()
    };
    let deleted = client
        .apply_resource_change(delete)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(summaries(&deleted.diagnostics), [""; 0]);
    assert_eq!(
        decoded(deleted.new_state.as_ref(), &thing_type()),
        Value::Null
    );
}

#[tokio::test]
async fn a_change_that_replaces_names_the_attribute() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;
    let proposed = Value::object([("id", Value::string("id-a")), ("name", Value::string("b"))]);
    let plan = wire::plan_resource_change::Request {
        type_name: THING.into(),
        prior_state: encoded(&thing("a"), &thing_type()),
        proposed_new_state: encoded(&proposed, &thing_type()),
        config: encoded(&thing_config("b"), &thing_type()),
        ..Default::default()
    };
    let planned = client
        .plan_resource_change(plan)
        .await
        .unwrap()
        .into_inner();
    let steps = &planned.requires_replace[0].steps;
    assert_eq!(
        steps[0].selector,
        Some(wire::attribute_path::step::Selector::AttributeName(
            "name".into()
        ))
    );
}

#[tokio::test]
async fn stored_objects_are_upgraded_imported_moved_and_written_as_configuration() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;

    let upgrade = wire::upgrade_resource_state::Request {
        type_name: THING.into(),
        version: 0,
        raw_state: raw(json!({ "id": "id-a", "name": "a" })),
    };
    let upgraded = client
        .upgrade_resource_state(upgrade)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        decoded(upgraded.upgraded_state.as_ref(), &thing_type()),
        thing("a")
    );

    let upgrade = wire::upgrade_resource_identity::Request {
        type_name: THING.into(),
        version: 0,
        raw_identity: raw(json!({ "id": "id-a" })),
    };
    let upgraded = client
        .upgrade_resource_identity(upgrade)
        .await
        .unwrap()
        .into_inner();
    let data = upgraded
        .upgraded_identity
        .expect("an identity")
        .identity_data;
    assert_eq!(decoded(data.as_ref(), &identity_type()), identity("a"));

    // An object that a client without identities stored has none.
    for raw_identity in [
        None,
        Some(wire::RawState::default()),
        raw(serde_json::Value::Null),
    ] {
        let upgrade = wire::upgrade_resource_identity::Request {
            type_name: THING.into(),
            version: 0,
            raw_identity,
        };
        let answer = client.upgrade_resource_identity(upgrade).await.unwrap();
        let answer = answer.into_inner();
        assert_eq!(answer.upgraded_identity, None, "{answer:?}");
        assert_eq!(summaries(&answer.diagnostics), [""; 0]);
    }

    let import = wire::import_resource_state::Request {
        type_name: THING.into(),
        id: "a".into(),
        ..Default::default()
    };
    let imported = client
        .import_resource_state(import)
        .await
        .unwrap()
        .into_inner();
    let [object] = imported.imported_resources.as_slice() else {
        panic!("not one object: {imported:?}");
    };
    assert_eq!(object.type_name, THING);
    assert_eq!(decoded(object.state.as_ref(), &thing_type()), thing("a"));

    let moved = wire::move_resource_state::Request {
        source_provider_address: "example.com/acme/other".into(),
        source_type_name: "other_thing".into(),
        source_state: raw(json!({ "label": "a" })),
        target_type_name: THING.into(),
        ..Default::default()
    };
    let moved = client
        .move_resource_state(moved)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(summaries(&moved.diagnostics), [""; 0]);
    assert_eq!(
        decoded(moved.target_state.as_ref(), &thing_type()),
        thing("a")
    );

    let generate = wire::generate_resource_config::Request {
        type_name: THING.into(),
        state: encoded(&thing("a"), &thing_type()),
    };
    let generated = client
        .generate_resource_config(generate)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        decoded(generated.config.as_ref(), &thing_type()),
        thing_config("a")
    );
}

#[tokio::test]
async fn a_state_that_is_no_json_is_told() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;
    let old = std::collections::HashMap::from([("id".to_owned(), "a".to_owned())]);
    for (raw_state, why) in [
        (None, "it is empty"),
        (
            Some(wire::RawState {
                json: b"{".to_vec(),
                ..Default::default()
            }),
            "it is not JSON",
        ),
        (
            Some(wire::RawState {
                flatmap: old,
                ..Default::default()
            }),
            "it was written by Terraform 0.11 or older. Apply once with Terraform 0.12 first",
        ),
    ] {
        let upgrade = wire::upgrade_resource_state::Request {
            type_name: THING.into(),
            version: 0,
            raw_state,
        };
        let answer = client
            .upgrade_resource_state(upgrade)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(summaries(&answer.diagnostics), ["Unreadable state"]);
        assert!(answer.diagnostics[0].detail.contains(why), "{answer:?}");
    }
}

#[tokio::test]
async fn functions_answer_with_a_result_or_the_argument_at_fault() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;
    let call = |text: &str| wire::call_function::Request {
        name: SHOUT.into(),
        arguments: encoded(&Value::string(text), &Type::String)
            .into_iter()
            .collect(),
    };
    let shouted = client
        .call_function(call("hey"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        decoded(shouted.result.as_ref(), &Type::String),
        Value::string("HEY")
    );
    let refused = client.call_function(call("")).await.unwrap().into_inner();
    let error = refused.error.expect("an error");
    assert_eq!(
        (error.text.as_str(), error.function_argument),
        ("nothing to shout", Some(0))
    );
    let unknown = wire::call_function::Request {
        name: "whisper".into(),
        arguments: vec![],
    };
    let unknown = client.call_function(unknown).await.unwrap().into_inner();
    assert!(
        unknown
            .error
            .expect("an error")
            .text
            .contains("\"whisper\"")
    );
}

#[tokio::test]
async fn actions_tell_their_progress_and_complete() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;
    let plan = wire::plan_action::Request {
        action_type: POKE.into(),
        config: encoded(&config("a"), &config_type()),
        client_capabilities: None,
    };
    let planned = client.plan_action(plan).await.unwrap().into_inner();
    assert!(planned.diagnostics.is_empty());

    for (name, errors) in [("a", 0), (PANICS, 1)] {
        let invoke = wire::invoke_action::Request {
            action_type: POKE.into(),
            config: encoded(&config(name), &config_type()),
            client_capabilities: None,
        };
        let events = client.invoke_action(invoke).await.unwrap().into_inner();
        let events: Vec<_> = events.try_collect().await.expect("a clean end");
        use wire::invoke_action::event::Type;
        let [first, last] = events.as_slice() else {
            panic!("not two events: {events:?}");
        };
        assert!(matches!(&first.r#type, Some(Type::Progress(p)) if p.message.contains(name)));
        let Some(Type::Completed(completed)) = &last.r#type else {
            panic!("not completed: {last:?}");
        };
        assert_eq!(completed.diagnostics.len(), errors, "{name}");
    }
}

#[tokio::test]
async fn objects_are_listed_with_their_identities() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;
    for include_resource_object in [false, true] {
        let list = wire::list_resource::Request {
            type_name: THING.into(),
            config: encoded(&config("x"), &config_type()),
            include_resource_object,
            limit: 100,
        };
        let events = client.list_resource(list).await.unwrap().into_inner();
        let events: Vec<_> = events.try_collect().await.expect("a clean end");
        let names: Vec<_> = events.iter().map(|e| e.display_name.as_str()).collect();
        assert_eq!(names, ["one", "two"]);
        assert!(events.iter().all(|e| e.identity.is_some()));
        assert!(
            events
                .iter()
                .all(|e| e.resource_object.is_some() == include_resource_object)
        );
    }
}

#[tokio::test]
async fn data_sources_are_read_at_the_same_time() {
    let plugin = Running::start().await;
    let client = plugin.client().await;
    let read = || {
        let mut client = client.clone();
        let request = wire::read_data_source::Request {
            type_name: LOOKUP.into(),
            config: encoded(&config(MEETS), &config_type()),
            ..Default::default()
        };
        async move { client.read_data_source(request).await }
    };
    // Each waits for the other: one after the other they would never end.
    let (one, two) = tokio::join!(read(), read());
    for answer in [one, two] {
        let state = answer.unwrap().into_inner().state;
        assert_eq!(decoded(state.as_ref(), &config_type()), config(MEETS));
    }
}

#[tokio::test]
async fn unreadable_values_are_diagnostics_and_what_was_there_is_kept() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;

    let request = wire::read_resource::Request {
        current_state: garbage(),
        ..read("a")
    };
    let seen = client.read_resource(request).await.unwrap().into_inner();
    assert_eq!(summaries(&seen.diagnostics), ["Unreadable request"]);
    assert_eq!(seen.new_state, garbage());
    assert_eq!(seen.private, b"kept");
    assert_eq!(seen.new_identity, read("a").current_identity);

    let request = wire::apply_resource_change::Request {
        prior_state: garbage(),
        ..create("a")
    };
    let applied = client
        .apply_resource_change(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(summaries(&applied.diagnostics), ["Unreadable request"]);
    assert_eq!(applied.new_state, garbage());
    assert_eq!(applied.private, b"planned");

    let request = wire::plan_resource_change::Request {
        type_name: THING.into(),
        config: garbage(),
        ..Default::default()
    };
    let planned = client
        .plan_resource_change(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(summaries(&planned.diagnostics), ["Unreadable request"]);

    let request = wire::validate_provider_config::Request { config: garbage() };
    let validated = client
        .validate_provider_config(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(summaries(&validated.diagnostics), ["Unreadable request"]);

    let request = wire::read_data_source::Request {
        type_name: LOOKUP.into(),
        config: garbage(),
        ..Default::default()
    };
    let seen = client.read_data_source(request).await.unwrap().into_inner();
    assert_eq!(summaries(&seen.diagnostics), ["Unreadable request"]);

    let request = wire::call_function::Request {
        name: SHOUT.into(),
        arguments: garbage().into_iter().collect(),
    };
    let called = client.call_function(request).await.unwrap().into_inner();
    assert!(
        called
            .error
            .expect("an error")
            .text
            .starts_with("Unreadable request")
    );

    let request = wire::list_resource::Request {
        type_name: THING.into(),
        config: garbage(),
        ..Default::default()
    };
    let events = client.list_resource(request).await.unwrap().into_inner();
    let events: Vec<_> = events.try_collect().await.expect("a clean end");
    assert_eq!(summaries(&events[0].diagnostic), ["Unreadable request"]);
}

#[tokio::test]
async fn unknown_types_are_diagnostics_and_what_was_there_is_kept() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;
    let request = wire::read_resource::Request {
        type_name: "test_gone".into(),
        ..read("a")
    };
    let seen = client.read_resource(request).await.unwrap().into_inner();
    assert_eq!(summaries(&seen.diagnostics), ["Unknown resource type"]);
    assert_eq!(decoded(seen.new_state.as_ref(), &thing_type()), thing("a"));
}

#[tokio::test]
async fn a_panic_is_a_diagnostic_and_the_plugin_lives_on() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;
    let seen = client
        .read_resource(read(PANICS))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(summaries(&seen.diagnostics), ["The provider crashed"]);
    let report = &seen.diagnostics[0].detail;
    assert!(report.contains("operation: read test_thing"), "{report}");
    // The panic's own message repeats the name.
    assert!(!report.contains("\"panics\""), "{report}");
    assert_eq!(
        decoded(seen.new_state.as_ref(), &thing_type()),
        thing(PANICS)
    );
    assert_eq!(seen.private, b"kept");
    let created = client
        .apply_resource_change(create(PANICS))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(summaries(&created.diagnostics), ["The provider crashed"]);
    let created = client
        .apply_resource_change(create("a"))
        .await
        .unwrap()
        .into_inner();
    assert!(created.diagnostics.is_empty());
}

#[tokio::test]
async fn large_states_pass_in_both_directions() {
    let plugin = Running::start().await;
    // tonic's own limits are 4 MiB.
    let size = 20 * 1024 * 1024;
    let mut client = plugin.client().await.max_decoding_message_size(4 * size);
    let name = "x".repeat(size);
    let seen = client
        .read_resource(read(&name))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        decoded(seen.new_state.as_ref(), &thing_type()),
        thing(&name)
    );
}

#[tokio::test]
async fn what_is_not_offered_is_unimplemented() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;
    let chunk = wire::write_state_bytes::RequestChunk::default();
    let chunks = futures::stream::iter([chunk]);
    let codes = [
        client
            .validate_ephemeral_resource_config(
                wire::validate_ephemeral_resource_config::Request::default(),
            )
            .await
            .map(drop),
        client
            .open_ephemeral_resource(wire::open_ephemeral_resource::Request::default())
            .await
            .map(drop),
        client
            .renew_ephemeral_resource(wire::renew_ephemeral_resource::Request::default())
            .await
            .map(drop),
        client
            .close_ephemeral_resource(wire::close_ephemeral_resource::Request::default())
            .await
            .map(drop),
        client
            .validate_state_store_config(wire::validate_state_store::Request::default())
            .await
            .map(drop),
        client
            .configure_state_store(wire::configure_state_store::Request::default())
            .await
            .map(drop),
        client
            .read_state_bytes(wire::read_state_bytes::Request::default())
            .await
            .map(drop),
        client.write_state_bytes(chunks).await.map(drop),
        client
            .lock_state(wire::lock_state::Request::default())
            .await
            .map(drop),
        client
            .unlock_state(wire::unlock_state::Request::default())
            .await
            .map(drop),
        client
            .get_states(wire::get_states::Request::default())
            .await
            .map(drop),
        client
            .delete_state(wire::delete_state::Request::default())
            .await
            .map(drop),
    ]
    .map(|answer| answer.expect_err("not offered").code());
    assert_eq!(codes, [Code::Unimplemented; 12]);
}

#[tokio::test]
async fn many_calls_at_once_all_get_their_own_answer() {
    let plugin = Running::start().await;
    let client = plugin.client().await;
    let calls = (0..200).map(|number| {
        let mut client = client.clone();
        async move {
            let name = format!("thing-{number}");
            let created = client
                .apply_resource_change(create(&name))
                .await
                .unwrap()
                .into_inner();
            (name, decoded(created.new_state.as_ref(), &thing_type()))
        }
    });
    for (name, state) in futures::future::join_all(calls).await {
        assert_eq!(state, thing(&name));
    }
}
