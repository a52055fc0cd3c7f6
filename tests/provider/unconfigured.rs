//! A provider whose own configuration is not known yet.

use std::sync::Arc;

use serde_json::json;
use terraform_provider_replicated::framework::contract::proposed_new_state;
use terraform_provider_replicated::framework::provider::{
    ClientCapabilities, ConfigureRequest, PlanRequest, PlanResponse, ReadRequest,
};
use terraform_provider_replicated::framework::server::Server;
use terraform_provider_replicated::framework::value::Value;
use terraform_provider_replicated::provider::ReplicatedProvider;

use crate::configs::{kms_abroad, value, with};
use crate::terraform::Terraform;

const TYPE: &str = "replicated_bucket";

/// Spelled as the provider does not, so that it is seen to be kept as it is.
const PRIVATE: &[u8] = br#"{ "version" : 1 }"#;

async fn server() -> Server {
    let server = Server::new(Arc::new(ReplicatedProvider::new()));
    let mut config = server.schemas().provider.empty();
    let Value::Object(attributes) = &mut config else {
        panic!("a schema is an object");
    };
    attributes.insert("region".to_owned(), Value::Unknown);
    let request = ConfigureRequest {
        terraform_version: "1.15.0".to_owned(),
        config,
        client: ClientCapabilities::default(),
    };
    assert!(server.configure_provider(request).await.is_empty());
    server
}

async fn plan(server: &Server, prior: &Value, config: &serde_json::Value) -> PlanResponse {
    let schema = &server.schemas().resources[TYPE].entry.schema;
    let config = value(config, &schema.block.ty());
    let request = PlanRequest {
        prior_state: prior.clone(),
        proposed_new_state: proposed_new_state(schema, prior, &config),
        config,
        prior_private: PRIVATE.to_vec(),
        prior_identity: Value::Null,
        client: ClientCapabilities::default(),
        stop: server.stop_token(),
    };
    server.plan_resource_change(TYPE, request).await
}

#[tokio::test(start_paused = true)]
async fn a_create_plans_and_its_account_is_known_after_apply() {
    let server = server().await;
    let plan = plan(&server, &Value::Null, &kms_abroad()).await;
    assert!(plan.diagnostics.is_empty(), "{:?}", plan.diagnostics);
    let source = plan.planned_state.attribute("source");
    assert!(source.attribute("account_id").is_unknown());
    assert!(source.attribute("region").is_unknown());
    let backup = plan.planned_state.attribute("destinations");
    let Value::Map(destinations) = backup else {
        panic!("{backup:?}");
    };
    let region = destinations["backup"].attribute("region");
    assert_eq!(region.as_str(), Some("us-west-2"));
}

#[tokio::test(start_paused = true)]
async fn what_is_there_reads_as_it_is_and_plans_empty() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let server = server().await;
    let request = ReadRequest {
        current_state: terraform.state.clone(),
        private: terraform.private.clone(),
        identity: Value::Null,
        client: ClientCapabilities::default(),
        stop: server.stop_token(),
    };
    let read = server.read_resource(TYPE, request).await;
    assert!(read.diagnostics.is_empty());
    assert_eq!(read.new_state, terraform.state);
    assert_eq!(read.private, terraform.private);
    let unchanged = plan(&server, &terraform.state, &kms_abroad()).await;
    assert!(unchanged.planned_state.same(&terraform.state));
    assert_eq!(unchanged.planned_private, PRIVATE);
    let colder = with(
        &kms_abroad(),
        "destinations.backup.storage_class",
        json!("GLACIER"),
    );
    let changed = plan(&server, &terraform.state, &colder).await;
    assert!(changed.diagnostics.is_empty());
    assert!(!changed.planned_state.same(&terraform.state));
}
