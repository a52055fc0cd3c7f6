//! A provider with one of everything. A thing's name says how it behaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use terraform_provider_replicated::framework::diagnostics::Diagnostics;
use terraform_provider_replicated::framework::provider::{
    Action, ActionEvent, ApplyRequest, ApplyResponse, ConfigureRequest, DataReadRequest,
    DataReadResponse, DataSource, Function, FunctionError, FunctionSignature, IdentityAttribute,
    IdentitySchema, ImportRequest, ImportResponse, ListEvent, ListRequest, ListResource,
    MoveRequest, MoveResponse, Parameter, PlanRequest, PlanResponse, Provider, ReadRequest,
    ReadResponse, Resource,
};
use terraform_provider_replicated::framework::schema::{Attribute, Schema, Setter};
use terraform_provider_replicated::framework::told::told;
use terraform_provider_replicated::framework::value::{AttributePath, Type, Value};
use tokio::sync::{Barrier, Notify};
use tokio_util::sync::CancellationToken;

/// The resource type, and the list resource of it.
pub(crate) const THING: &str = "test_thing";
/// The data source.
pub(crate) const LOOKUP: &str = "test_lookup";
/// The action.
pub(crate) const POKE: &str = "test_poke";
/// The function.
pub(crate) const SHOUT: &str = "shout";

/// A name whose create and read panic.
pub(crate) const PANICS: &str = "panics";
/// A name whose create and poke wait until Terraform stops the provider.
pub(crate) const WAITS: &str = "waits";
/// A name whose data source waits until two reads are under way.
pub(crate) const MEETS: &str = "meets";

pub(crate) struct TestProvider {
    meeting: Arc<Barrier>,
    witness: Arc<Witness>,
}

/// What is seen of creates.
#[derive(Default)]
pub(crate) struct Witness {
    /// Told when a create that waits has begun.
    pub(crate) waiting: Notify,
    /// How many creates and pokes that wait have come to their end.
    pub(crate) finished: AtomicUsize,
}

impl TestProvider {
    pub(crate) fn seen_by(witness: &Arc<Witness>) -> Arc<dyn Provider> {
        Arc::new(Self {
            meeting: Arc::new(Barrier::new(2)),
            witness: Arc::clone(witness),
        })
    }
}

/// The type of a thing and of everything else that has a schema.
pub(crate) fn thing_type() -> Type {
    Type::object([("id", Type::String), ("name", Type::String)])
}

pub(crate) fn config_type() -> Type {
    Type::object([("name", Type::String)])
}

pub(crate) fn identity_type() -> Type {
    Type::object([("id", Type::String)])
}

/// A thing; its ID is derived from its name.
pub(crate) fn thing(name: &str) -> Value {
    Value::object([
        ("id", Value::string(format!("id-{name}"))),
        ("name", Value::string(name)),
    ])
}

/// A thing as configured.
pub(crate) fn thing_config(name: &str) -> Value {
    Value::object([("id", Value::Null), ("name", Value::string(name))])
}

pub(crate) fn config(name: &str) -> Value {
    Value::object([("name", Value::string(name))])
}

pub(crate) fn identity(name: &str) -> Value {
    Value::object([("id", Value::string(format!("id-{name}")))])
}

fn name_of(value: &Value) -> String {
    value
        .attribute("name")
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn thing_schema() -> Schema {
    Schema::new(
        "A thing.",
        vec![
            Attribute::string("id", Setter::Computed, "Its ID."),
            Attribute::string("name", Setter::Required, "Its name."),
        ],
    )
}

fn config_schema() -> Schema {
    Schema::new(
        "A configuration.",
        vec![Attribute::string("name", Setter::Optional, "A name.")],
    )
}

/// Reports names that start with `bad`, at the attribute.
fn judge(value: &Value) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    if name_of(value).starts_with("bad") {
        diagnostics.error_at(AttributePath::root("name"), "Bad name", "This name is bad.");
    }
    diagnostics
}

#[async_trait]
impl Provider for TestProvider {
    fn version(&self) -> &str {
        "1.0.0"
    }

    fn schema(&self) -> Schema {
        config_schema()
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        judge(config)
    }

    async fn configure(&self, request: ConfigureRequest) -> Diagnostics {
        let mut diagnostics = judge(&request.config);
        diagnostics.warning("Configured", format!("by {}", request.terraform_version));
        diagnostics
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(Thing(Arc::clone(&self.witness)))]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        vec![Arc::new(Lookup(Arc::clone(&self.meeting)))]
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        vec![Arc::new(Shout)]
    }

    fn actions(&self) -> Vec<Arc<dyn Action>> {
        vec![Arc::new(Poke(Arc::clone(&self.witness)))]
    }

    fn list_resources(&self) -> Vec<Arc<dyn ListResource>> {
        vec![Arc::new(Things)]
    }
}

struct Thing(Arc<Witness>);

#[async_trait]
impl Resource for Thing {
    fn type_name(&self) -> &str {
        THING
    }

    fn schema(&self) -> Schema {
        thing_schema()
    }

    fn identity_schema(&self) -> Option<IdentitySchema> {
        Some(IdentitySchema {
            version: 0,
            attributes: vec![IdentityAttribute {
                name: "id".into(),
                ty: Type::String,
                required_for_import: true,
                description: "Its ID.".into(),
            }],
        })
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        judge(config)
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        let name = name_of(&request.current_state);
        assert_ne!(name, PANICS, "this read panics");
        ReadResponse {
            new_state: request.current_state,
            private: request.private,
            identity: identity(&name),
            diagnostics: Diagnostics::new(),
            deferred: None,
        }
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        PlanResponse {
            planned_state: request.proposed_new_state,
            requires_replace: vec![AttributePath::root("name")],
            planned_private: b"planned".to_vec(),
            planned_identity: request.prior_identity,
            diagnostics: Diagnostics::new(),
            deferred: None,
        }
    }

    async fn create(&self, request: ApplyRequest) -> ApplyResponse {
        let name = name_of(&request.planned_state);
        assert_ne!(name, PANICS, "this create panics");
        let mut diagnostics = Diagnostics::new();
        if name == WAITS {
            self.0.waiting.notify_one();
            request.stop.cancelled().await;
            self.0.finished.fetch_add(1, Ordering::SeqCst);
            diagnostics.error("Stopped", "Terraform asked to stop.");
        }
        ApplyResponse {
            new_state: thing(&name),
            private: b"created".to_vec(),
            identity: identity(&name),
            diagnostics,
        }
    }

    async fn update(&self, request: ApplyRequest) -> ApplyResponse {
        self.create(request).await
    }

    async fn delete(&self, request: ApplyRequest) -> ApplyResponse {
        ApplyResponse {
            new_state: Value::Null,
            private: Vec::new(),
            identity: request.planned_identity,
            diagnostics: Diagnostics::new(),
        }
    }

    async fn import(&self, request: ImportRequest) -> ImportResponse {
        ImportResponse {
            state: thing(&request.id),
            identity: identity(&request.id),
            ..ImportResponse::default()
        }
    }

    async fn move_state(&self, request: MoveRequest) -> MoveResponse {
        let name = request.source_state["label"].as_str().unwrap_or_default();
        MoveResponse {
            target_state: thing(name),
            target_identity: identity(name),
            ..MoveResponse::default()
        }
    }
}

struct Lookup(Arc<Barrier>);

#[async_trait]
impl DataSource for Lookup {
    fn type_name(&self) -> &str {
        LOOKUP
    }

    fn schema(&self) -> Schema {
        config_schema()
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        judge(config)
    }

    async fn read(&self, request: DataReadRequest) -> DataReadResponse {
        if name_of(&request.config) == MEETS {
            self.0.wait().await;
        }
        DataReadResponse {
            state: request.config,
            diagnostics: Diagnostics::new(),
            deferred: None,
        }
    }
}

struct Shout;

impl Function for Shout {
    fn name(&self) -> &str {
        SHOUT
    }

    fn signature(&self) -> FunctionSignature {
        FunctionSignature {
            parameters: vec![Parameter {
                name: "text".into(),
                ty: Type::String,
                allow_null: false,
                allow_unknown: false,
                description: "What to shout.".into(),
            }],
            variadic: None,
            result: Type::String,
            summary: "Shouts.".into(),
            description: "Shouts a text.".into(),
        }
    }

    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError> {
        match arguments.first().and_then(Value::as_str) {
            Some("") | None => Err(FunctionError {
                text: "nothing to shout".into(),
                argument: Some(0),
            }),
            Some(text) => Ok(Value::string(text.to_uppercase())),
        }
    }
}

struct Poke(Arc<Witness>);

#[async_trait]
impl Action for Poke {
    fn type_name(&self) -> &str {
        POKE
    }

    fn schema(&self) -> Schema {
        config_schema()
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        judge(config)
    }

    async fn invoke(
        &self,
        config: Value,
        stop: CancellationToken,
    ) -> BoxStream<'static, ActionEvent> {
        let name = name_of(&config);
        if name == WAITS {
            let witness = Arc::clone(&self.0);
            return told(|teller| async move {
                teller.say("begun");
                stop.cancelled().await;
                teller.say("ending");
                tokio::task::yield_now().await;
                witness.finished.fetch_add(1, Ordering::SeqCst);
                Diagnostics::new()
            });
        }
        let first = stream::iter([ActionEvent::Progress(format!("poking {name}"))]);
        let second = stream::once(async move {
            assert_ne!(name, PANICS, "this action panics");
            ActionEvent::Completed(Diagnostics::new())
        });
        first.chain(second).boxed()
    }
}

struct Things;

#[async_trait]
impl ListResource for Things {
    fn type_name(&self) -> &str {
        THING
    }

    fn schema(&self) -> Schema {
        config_schema()
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        judge(config)
    }

    async fn list(&self, request: ListRequest) -> BoxStream<'static, ListEvent> {
        let names = ["one", "two"].into_iter();
        stream::iter(names.map(move |name| ListEvent {
            identity: identity(name),
            display_name: name.to_owned(),
            resource_object: request.include_resource_object.then(|| thing(name)),
            diagnostics: Diagnostics::new(),
        }))
        .boxed()
    }
}
