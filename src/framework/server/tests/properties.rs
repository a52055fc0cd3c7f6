//! Whatever the schema, the configuration and the prior state: what the server plans and returns for a
//! resource that agrees with everything, Terraform accepts.

use proptest::prelude::*;

use super::*;
use crate::framework::contract::{
    assert_object_compatible, assert_plan_valid, assert_replace_paths,
};
use crate::framework::schema::check_schema;
use crate::framework::testing::{any_schema, config_of, filled_config, filled_state, state_of};

/// A schema, a prior state or null, and a configuration.
fn any_change() -> impl Strategy<Value = (Schema, Value, Value)> {
    any_schema().prop_flat_map(|schema| {
        let prior = prop_oneof![Just(Value::Null), state_of(&schema)];
        let config = config_of(&schema);
        (Just(schema), prior, config)
    })
}

fn plan(server: &Server, schema: &Schema, prior: &Value, config: &Value) -> PlanResponse {
    block_on(server.plan_resource_change("test_thing", plan_request(schema, prior, config)))
}

fn no_findings<T: std::fmt::Debug>(findings: &[T]) -> Result<(), TestCaseError> {
    prop_assert!(findings.is_empty(), "{findings:#?}");
    Ok(())
}

proptest! {
    #[test]
    fn every_plan_and_every_result_is_accepted((schema, prior, config) in any_change()) {
        prop_assert_eq!(check_schema(&schema), Vec::<String>::new());
        let mut resource = Scripted::new(schema.clone());
        let inner = schema.clone();
        resource.apply = Box::new(move |request| ApplyResponse {
            new_state: filled_state(&inner, request.planned_state.clone()),
            ..as_planned(request)
        });
        let server = resource.serve();

        let first = plan(&server, &schema, &prior, &config);
        prop_assert!(first.diagnostics.is_empty(), "{:#?}", first.diagnostics);
        no_findings(&assert_plan_valid(&schema, &prior, &config, &first.planned_state))?;
        no_findings(&assert_replace_paths(
            &schema, &prior, &first.planned_state, &first.requires_replace,
        ))?;
        prop_assert_eq!(
            &plan(&server, &schema, &prior, &config).planned_state,
            &first.planned_state,
            "a second plan differs"
        );

        // In the apply phase everything configured is known, and Terraform plans again.
        let config = filled_config(&schema, config);
        let last = plan(&server, &schema, &prior, &config);
        prop_assert!(last.diagnostics.is_empty(), "{:#?}", last.diagnostics);
        no_findings(&assert_object_compatible(&schema, &first.planned_state, &last.planned_state))?;

        let request = apply_request(prior, last.planned_state.clone(), config);
        let applied = block_on(server.apply_resource_change("test_thing", request));
        prop_assert!(applied.diagnostics.is_empty(), "{:#?}", applied.diagnostics);
        prop_assert!(applied.new_state.is_wholly_known());
        no_findings(&assert_object_compatible(&schema, &last.planned_state, &applied.new_state))?;

        // What is stored comes back the same.
        let ty = schema.block.ty();
        let json = applied.new_state.to_json(&ty).unwrap();
        let back = block_on(server.upgrade_resource_state("test_thing", schema.version, json));
        prop_assert!(back.unwrap().same(&applied.new_state));
    }

    #[test]
    fn what_was_applied_plans_empty((schema, _, config) in any_change()) {
        let server = Scripted::new(schema.clone()).serve();
        let config = filled_config(&schema, config);
        let created = plan(&server, &schema, &Value::Null, &config).planned_state;
        let stored = filled_state(&schema, created);
        let again = plan(&server, &schema, &stored, &config);
        prop_assert!(
            again.planned_state.same(&stored),
            "{:#?}\nis not\n{:#?}", again.planned_state, stored
        );
    }
}
