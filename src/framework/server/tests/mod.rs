//! The server against a provider that answers as each test tells it to.

mod apply;
mod others;
mod plan;
mod properties;

use std::sync::Arc;

use async_trait::async_trait;
use futures::executor::block_on;
use tokio_util::sync::CancellationToken;

use super::Server;
use crate::framework::contract::proposed_new_state;
use crate::framework::diagnostics::{Diagnostics, Severity};
use crate::framework::provider::*;
use crate::framework::schema::{Attribute, Schema, Setter};
use crate::framework::value::{Type, Value};

type Answer<Request, Response> = Box<dyn Fn(Request) -> Response + Send + Sync>;

/// A resource that does what a test says; unless told otherwise it agrees with everything.
struct Scripted {
    schema: Schema,
    identity: bool,
    read: Answer<ReadRequest, ReadResponse>,
    plan: Answer<PlanRequest, PlanResponse>,
    apply: Answer<ApplyRequest, ApplyResponse>,
    import: Answer<ImportRequest, ImportResponse>,
}

impl Scripted {
    fn new(schema: Schema) -> Self {
        Self {
            schema,
            identity: false,
            read: Box::new(|request| ReadResponse {
                new_state: request.current_state,
                private: request.private,
                identity: request.identity,
                diagnostics: Diagnostics::new(),
                deferred: None,
            }),
            plan: Box::new(agree),
            apply: Box::new(as_planned),
            import: Box::new(|_| ImportResponse::default()),
        }
    }

    fn serve(self) -> Server {
        Server::new(Arc::new(OneResource(Arc::new(self))))
    }
}

fn agree(request: PlanRequest) -> PlanResponse {
    PlanResponse {
        planned_state: request.proposed_new_state,
        requires_replace: Vec::new(),
        planned_private: request.prior_private,
        planned_identity: request.prior_identity,
        diagnostics: Diagnostics::new(),
        deferred: None,
    }
}

fn as_planned(request: ApplyRequest) -> ApplyResponse {
    ApplyResponse {
        new_state: request.planned_state,
        private: request.planned_private,
        identity: request.planned_identity,
        diagnostics: Diagnostics::new(),
    }
}

#[async_trait]
impl Resource for Scripted {
    fn type_name(&self) -> &str {
        "test_thing"
    }
    fn schema(&self) -> Schema {
        self.schema.clone()
    }
    fn identity_schema(&self) -> Option<IdentitySchema> {
        self.identity.then(|| IdentitySchema {
            version: 0,
            attributes: ["name", "region"]
                .map(|name| IdentityAttribute {
                    name: name.to_owned(),
                    ty: Type::String,
                    required_for_import: name == "name",
                    description: String::new(),
                })
                .into(),
        })
    }
    async fn read(&self, request: ReadRequest) -> ReadResponse {
        (self.read)(request)
    }
    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        (self.plan)(request)
    }
    async fn create(&self, request: ApplyRequest) -> ApplyResponse {
        (self.apply)(request)
    }
    async fn update(&self, request: ApplyRequest) -> ApplyResponse {
        (self.apply)(request)
    }
    async fn delete(&self, request: ApplyRequest) -> ApplyResponse {
        (self.apply)(request)
    }
    async fn import(&self, request: ImportRequest) -> ImportResponse {
        (self.import)(request)
    }
    fn upgrade_state(
        &self,
        version: i64,
        mut state: serde_json::Value,
    ) -> Result<serde_json::Value, String> {
        if version != 0 {
            return Err(format!("no version {version} was ever released"));
        }
        state["name"] = state["old_name"].take();
        Ok(state)
    }
}

struct OneResource(Arc<Scripted>);

#[async_trait]
impl Provider for OneResource {
    fn version(&self) -> &str {
        "1.2.3"
    }
    fn schema(&self) -> Schema {
        Schema::default()
    }
    async fn validate(&self, _: &Value) -> Diagnostics {
        Diagnostics::new()
    }
    async fn configure(&self, _: ConfigureRequest) -> Diagnostics {
        panic!("no credentials")
    }
    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::clone(&self.0) as Arc<dyn Resource>]
    }
    fn functions(&self) -> Vec<Arc<dyn Function>> {
        vec![Arc::new(others::Shout)]
    }
    fn actions(&self) -> Vec<Arc<dyn Action>> {
        vec![Arc::new(others::Countdown)]
    }
    fn list_resources(&self) -> Vec<Arc<dyn ListResource>> {
        if self.0.identity {
            vec![Arc::new(others::Things)]
        } else {
            Vec::new()
        }
    }
}

/// A name, an ID that the provider gives, a mode with a default, and a secret.
fn thing_schema() -> Schema {
    let mut schema = Schema::new(
        "",
        vec![
            Attribute::string("name", Setter::Required, "")
                .plan(crate::framework::plan_modifiers::requires_replace()),
            Attribute::string("id", Setter::Computed, "")
                .plan(crate::framework::plan_modifiers::use_state_for_unknown()),
            Attribute::string("etag", Setter::Computed, ""),
            Attribute::string("mode", Setter::OptionalComputed, "")
                .default(Value::string("fast"))
                .validate(crate::framework::validators::one_of(&["fast", "slow"])),
            Attribute::string("secret", Setter::Optional, "").write_only(),
        ],
    );
    schema.version = 1;
    schema
}

/// A thing; what is not given is null.
fn thing<const N: usize>(values: [(&str, Value); N]) -> Value {
    let Value::Object(mut all) = thing_schema().empty() else {
        panic!("a schema is an object");
    };
    all.extend(values.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(all)
}

fn text(text: &str) -> Value {
    Value::string(text)
}

fn plan_request(schema: &Schema, prior: &Value, config: &Value) -> PlanRequest {
    PlanRequest {
        prior_state: prior.clone(),
        proposed_new_state: proposed_new_state(schema, prior, config),
        config: config.clone(),
        prior_private: b"private".to_vec(),
        prior_identity: Value::Null,
        client: ClientCapabilities::default(),
        stop: CancellationToken::new(),
    }
}

fn apply_request(prior: Value, planned: Value, config: Value) -> ApplyRequest {
    ApplyRequest {
        prior_state: prior,
        planned_state: planned,
        config,
        planned_private: b"private".to_vec(),
        planned_identity: Value::Null,
        stop: CancellationToken::new(),
    }
}

fn read_request(state: Value) -> ReadRequest {
    ReadRequest {
        current_state: state,
        private: b"private".to_vec(),
        identity: Value::Null,
        client: ClientCapabilities::default(),
        stop: CancellationToken::new(),
    }
}

fn errors(diagnostics: &Diagnostics) -> Vec<String> {
    diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .map(|d| d.summary.clone())
        .collect()
}

fn identity(name: &str, region: Value) -> Value {
    Value::object([("name", text(name)), ("region", region)])
}
