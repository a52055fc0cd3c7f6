//! A provider whose own configuration is not known yet.

use std::sync::Arc;

use serde_json::json;
use terraform_provider_replicated::framework::contract::proposed_new_state;
use terraform_provider_replicated::framework::provider::{
    ClientCapabilities, ConfigureRequest, DataReadRequest, DeferredReason, ImportRequest,
    PlanRequest, PlanResponse, ReadRequest,
};
use terraform_provider_replicated::framework::server::Server;
use terraform_provider_replicated::framework::value::Value;
use terraform_provider_replicated::provider::ReplicatedProvider;

use crate::configs::{kms_abroad, value, with};
use crate::terraform::Terraform;

const TYPE: &str = "replicated_bucket";
const ACCOUNT: &str = "replicated_account";

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
    plan_for(server, prior, config, ClientCapabilities::default()).await
}

async fn plan_for(
    server: &Server,
    prior: &Value,
    config: &serde_json::Value,
    client: ClientCapabilities,
) -> PlanResponse {
    let schema = &server.schemas().resources[TYPE].entry.schema;
    let config = value(config, &schema.block.ty());
    let request = PlanRequest {
        prior_state: prior.clone(),
        proposed_new_state: proposed_new_state(schema, prior, &config),
        config,
        prior_private: PRIVATE.to_vec(),
        prior_identity: Value::Null,
        client,
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

/// Of a client that takes a deferral for an answer.
const PATIENT: ClientCapabilities = ClientCapabilities {
    deferral_allowed: true,
    write_only_attributes_allowed: false,
};

fn import(server: &Server, client: ClientCapabilities) -> ImportRequest {
    ImportRequest {
        id: "acme-archive".to_owned(),
        identity: Value::Null,
        client,
        stop: server.stop_token(),
    }
}

fn account(server: &Server, client: ClientCapabilities) -> DataReadRequest {
    let schema = &server.schemas().data_sources[ACCOUNT].schema;
    DataReadRequest {
        config: schema.empty(),
        client,
        stop: server.stop_token(),
    }
}

#[tokio::test(start_paused = true)]
async fn what_asks_aws_is_put_off_where_the_client_allows_it() {
    let put_off = Some(DeferredReason::ProviderConfigUnknown);
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let server = server().await;
    for prior in [&Value::Null, &terraform.state] {
        let plan = plan_for(&server, prior, &kms_abroad(), PATIENT).await;
        assert!(plan.diagnostics.is_empty(), "{:?}", plan.diagnostics);
        assert_eq!(plan.deferred, put_off);
        let source = plan.planned_state.attribute("source");
        assert_eq!(source.attribute("bucket").as_str(), Some("acme-archive"));
    }
    let read = ReadRequest {
        current_state: terraform.state.clone(),
        private: PRIVATE.to_vec(),
        identity: Value::Null,
        client: PATIENT,
        stop: server.stop_token(),
    };
    let read = server.read_resource(TYPE, read).await;
    assert!(read.diagnostics.is_empty());
    assert_eq!(read.deferred, put_off);
    assert_eq!(read.new_state, terraform.state);

    let import = server.import_resource_state(TYPE, import(&server, PATIENT));
    let import = import.await;
    assert!(import.diagnostics.is_empty());
    assert_eq!(import.deferred, put_off);

    let account = server.read_data_source(ACCOUNT, account(&server, PATIENT));
    let account = account.await;
    assert!(account.diagnostics.is_empty());
    assert_eq!(account.deferred, put_off);
    assert!(account.state.is_unknown());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_put_off_says_what_is_missing() {
    let server = server().await;
    let impatient = ClientCapabilities::default();
    let import = server.import_resource_state(TYPE, import(&server, impatient));
    let account = server.read_data_source(ACCOUNT, account(&server, impatient));
    for said in [import.await.diagnostics, account.await.diagnostics] {
        let said: Vec<_> = said.iter().collect();
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0].summary, "The provider is not configured");
        let detail = &said[0].detail;
        assert!(detail.contains("known only after apply"), "{detail}");
    }
}
