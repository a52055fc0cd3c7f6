//! A client that takes a deferral for an answer gets one from the built program, where its provider's configuration is
//! known only after apply. No released Terraform is such a client yet.

use std::sync::Arc;

use terraform_provider_replicated::framework::server::Server;
use terraform_provider_replicated::framework::value::{Type, Value};
use terraform_provider_replicated::plugin::generated::tfplugin6 as wire;
use terraform_provider_replicated::plugin::generated::tfplugin6::provider_client::ProviderClient;
use terraform_provider_replicated::provider::ReplicatedProvider;
use tonic::transport::Channel;

use crate::client::{decoded, encoded, summaries};
use crate::process::Served;

const BUCKET: &str = "replicated_bucket";

/// What a client is that allows deferrals, or does not.
fn client(deferral_allowed: bool) -> Option<wire::ClientCapabilities> {
    Some(wire::ClientCapabilities {
        deferral_allowed,
        ..Default::default()
    })
}

/// An object of which these attributes are unknown and the others null.
fn unknown(empty: &Value, names: &[&str]) -> Value {
    let Value::Object(mut attributes) = empty.clone() else {
        panic!("a schema is an object");
    };
    for name in names {
        let attribute = attributes.get_mut(*name);
        *attribute.expect("an attribute of the schema") = Value::Unknown;
    }
    Value::Object(attributes)
}

struct Deferring {
    schemas: Server,
    provider: ProviderClient<Channel>,
    _served: Served,
}

impl Deferring {
    /// The program, configured with a region that is not known yet.
    async fn start() -> Self {
        let schemas = Server::new(Arc::new(ReplicatedProvider::new()));
        let served = Served::start();
        let mut provider = ProviderClient::new(served.connect().await);
        let schema = &schemas.schemas().provider;
        let config = unknown(&schema.empty(), &["region"]);
        let request = wire::configure_provider::Request {
            terraform_version: "1.16.0".to_owned(),
            config: encoded(&config, &schema.block.ty()),
            client_capabilities: client(true),
        };
        let configured = provider.configure_provider(request).await;
        let said = configured.expect("answered").into_inner().diagnostics;
        assert_eq!(summaries(&said), Vec::<&str>::new());
        Self {
            schemas,
            provider,
            _served: served,
        }
    }

    fn ty(&self) -> Type {
        let bucket = &self.schemas.schemas().resources[BUCKET];
        bucket.entry.schema.block.ty()
    }

    /// Plans a bucket of which nothing is known.
    async fn plan(&mut self, deferral_allowed: bool) -> wire::plan_resource_change::Response {
        let ty = self.ty();
        let bucket = &self.schemas.schemas().resources[BUCKET];
        let empty = bucket.entry.schema.empty();
        let config = unknown(&empty, &["source", "destinations"]);
        let request = wire::plan_resource_change::Request {
            type_name: BUCKET.to_owned(),
            prior_state: encoded(&Value::Null, &ty),
            proposed_new_state: encoded(&config, &ty),
            config: encoded(&config, &ty),
            client_capabilities: client(deferral_allowed),
            ..Default::default()
        };
        let planned = self.provider.plan_resource_change(request).await;
        planned.expect("answered").into_inner()
    }
}

fn put_off() -> Option<wire::Deferred> {
    Some(wire::Deferred {
        reason: wire::deferred::Reason::ProviderConfigUnknown.into(),
    })
}

#[tokio::test]
async fn a_plan_is_put_off_and_tells_what_it_knows() {
    let mut deferring = Deferring::start().await;
    let planned = deferring.plan(true).await;
    assert_eq!(summaries(&planned.diagnostics), Vec::<&str>::new());
    assert_eq!(planned.deferred, put_off());
    let planned = decoded(planned.planned_state.as_ref(), &deferring.ty());
    assert!(planned.attribute("source").is_unknown());
    assert!(planned.attribute("arn").is_unknown());
    assert!(planned.attribute("timeouts").is_null());
}

#[tokio::test]
async fn a_plan_is_not_put_off_for_a_client_that_does_not_allow_it() {
    let mut deferring = Deferring::start().await;
    let planned = deferring.plan(false).await;
    assert_eq!(summaries(&planned.diagnostics), Vec::<&str>::new());
    assert_eq!(planned.deferred, None);
}

#[tokio::test]
async fn an_import_is_put_off_and_imports_nothing_that_is_known() {
    let mut deferring = Deferring::start().await;
    let request = wire::import_resource_state::Request {
        type_name: BUCKET.to_owned(),
        id: "acme-archive".to_owned(),
        client_capabilities: client(true),
        ..Default::default()
    };
    let imported = deferring.provider.import_resource_state(request).await;
    let imported = imported.expect("answered").into_inner();
    assert_eq!(summaries(&imported.diagnostics), Vec::<&str>::new());
    assert_eq!(imported.deferred, put_off());
    let [object] = imported.imported_resources.as_slice() else {
        panic!("{imported:?}");
    };
    assert_eq!(decoded(object.state.as_ref(), &deferring.ty()), Value::Null);
}
