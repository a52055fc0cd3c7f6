//! What Terraform's core does with a provider: one resource, its state, and the rules.
//!
//! [`Terraform::apply`] refreshes, validates, plans, plans again with what is known by then, and applies. Plans and
//! results that Terraform would call a bug in the provider panic here.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use futures::StreamExt as _;
use serde_json::Value as Json;
use terraform_provider_replicated::framework::contract::{
    assert_object_compatible, assert_plan_valid, assert_replace_paths, proposed_new_state,
};
use terraform_provider_replicated::framework::diagnostics::{Diagnostics, Severity};
use terraform_provider_replicated::framework::provider::{
    ApplyRequest, ApplyResponse, ClientCapabilities, DataReadRequest, ImportRequest, ListRequest,
    MoveRequest, PlanRequest, PlanResponse, ReadRequest,
};
use terraform_provider_replicated::framework::schema::Schema;
use terraform_provider_replicated::framework::server::Server;
use terraform_provider_replicated::framework::value::{Type, Value};
use terraform_provider_replicated::provider::ReplicatedProvider;
use terraform_provider_replicated::provider::settings::{Session, Settings};
use terraform_provider_replicated::replication::ids::Region;

use crate::configs::value;
use crate::unreliable::UnreliableCloud;

/// What the ids of keys begin with that are not ours.
pub const SOMEBODYS_KEY: &str = "key/00000000-0000-4000-8000-";
const TYPE: &str = "replicated_bucket";

/// One resource under one client.
pub struct Terraform {
    pub cloud: Arc<UnreliableCloud>,
    /// What the provider block says.
    pub settings: Settings,
    /// The stored object; null when there is none.
    pub state: Value,
    /// Its private state.
    pub private: Vec<u8>,
    /// Its identity; null where the client knows none.
    pub identity: Value,
    /// Whether the client knows identities, as Terraform does from 1.12 on.
    pub knows_identities: bool,
    /// Whether the stored object is to be replaced, because its create failed.
    pub tainted: bool,
    /// Whether a replacement makes the new object first.
    pub create_before_destroy: bool,
    /// Whether a plan replaces what it need not (`-replace`).
    pub replacing: bool,
    /// Whether a plan looks at the real thing first.
    pub refreshing: bool,
    /// Whether every plan is made twice, and must be the same both times.
    pub planning_twice: bool,
    /// Keys that deleted resources said they would leave, because their buckets stay.
    pub keys_left: BTreeSet<String>,
    /// The process that serves several resources of one run; without it each walk starts one.
    pub process: Option<Arc<Server>>,
}

/// What a person sees of a plan, and what Terraform stores of it.
#[derive(Debug, Clone)]
pub struct Plan {
    pub planned: Value,
    pub private: Vec<u8>,
    pub identity: Value,
    /// Paths that replace.
    pub replaced_by: Vec<String>,
    pub is_empty: bool,
    pub said: Said,
}

/// What a query tells of one bucket.
#[derive(Debug)]
pub struct Listed {
    pub name: String,
    pub identity: Json,
    pub object: Option<Value>,
    pub said: Said,
}

/// Diagnostics as `path: summary`.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Said {
    pub errors: Vec<String>,
    /// The errors' whole texts.
    pub details: Vec<String>,
    pub warnings: Vec<String>,
    /// The warnings' whole texts.
    pub warning_details: Vec<String>,
}

impl Said {
    fn of(diagnostics: &Diagnostics) -> Self {
        let mut said = Self::default();
        for diagnostic in diagnostics.iter() {
            let summary = &diagnostic.summary;
            let line = match &diagnostic.path {
                Some(path) => format!("{path}: {summary}"),
                None => summary.clone(),
            };
            assert!(
                !diagnostic.detail.contains("bug in the provider"),
                "{line}: {}",
                diagnostic.detail
            );
            match diagnostic.severity {
                Severity::Error => {
                    said.errors.push(line);
                    said.details.push(diagnostic.detail.clone());
                }
                Severity::Warning => {
                    said.warnings.push(line);
                    said.warning_details.push(diagnostic.detail.clone());
                }
            }
        }
        said
    }

    fn extend(&mut self, other: Self) {
        self.errors.extend(other.errors);
        self.details.extend(other.details);
        self.warnings.extend(other.warnings);
        self.warning_details.extend(other.warning_details);
    }

    pub fn is_fine(&self) -> bool {
        self.errors.is_empty()
    }
}

impl Terraform {
    pub fn new() -> Self {
        Self::over(UnreliableCloud::new())
    }

    /// Another state over the same AWS.
    pub fn over(cloud: Arc<UnreliableCloud>) -> Self {
        Self {
            cloud,
            settings: Settings {
                region: Some(Region::parse("eu-west-1").unwrap()),
                ..Settings::default()
            },
            state: Value::Null,
            private: Vec::new(),
            identity: Value::Null,
            knows_identities: true,
            tainted: false,
            create_before_destroy: false,
            replacing: false,
            refreshing: true,
            planning_twice: true,
            keys_left: BTreeSet::new(),
            process: None,
        }
    }

    /// The process of the provider.
    pub fn server(&self) -> Arc<Server> {
        if let Some(process) = &self.process {
            return process.clone();
        }
        let session = Session::new(self.settings.clone(), self.cloud.clone(), Arc::default());
        let server = Server::new(Arc::new(ReplicatedProvider::with_session(session)));
        self.cloud.trap.begins(server.stop_token());
        Arc::new(server)
    }

    /// Calls a function of the provider with one value of a type.
    pub async fn call(&self, function: &str, value: Value, ty: Type) -> Result<Value, String> {
        let argument = Value::Dynamic(Box::new((ty, value)));
        let called = self.server().call_function(function, vec![argument]).await;
        called.map_err(|error| error.text)
    }

    /// Reads a data source.
    pub async fn data(&self, name: &str, config: &Json) -> Result<Json, Said> {
        let server = self.server();
        let ty = server.schemas().data_sources[name].schema.block.ty();
        let request = DataReadRequest {
            config: value(config, &ty),
            client: ClientCapabilities::default(),
            stop: server.stop_token(),
        };
        let response = server.read_data_source(name, request).await;
        let said = Said::of(&response.diagnostics);
        if !said.is_fine() {
            return Err(said);
        }
        assert!(response.state.is_wholly_known());
        Ok(response.state.to_json(&ty).unwrap())
    }

    /// Checks the configuration of a data source.
    pub async fn validate_data(&self, name: &str, config: &Json) -> Said {
        let server = self.server();
        let config = value(
            config,
            &server.schemas().data_sources[name].schema.block.ty(),
        );
        Said::of(&server.validate_data_source_config(name, &config).await)
    }

    /// The type of the stored object.
    pub fn ty(&self) -> Type {
        self.schema().block.ty()
    }

    /// The type of its identity.
    pub fn identity_ty(&self) -> Type {
        self.server().schemas().resources[TYPE].identity_ty()
    }

    /// Reads a state that was stored by an earlier version of the provider.
    pub async fn upgrade_state(&self, version: i64, stored: Json) -> Result<Value, Said> {
        let upgraded = self.server();
        let upgraded = upgraded.upgrade_resource_state(TYPE, version, stored);
        upgraded.await.map_err(|said| Said::of(&said))
    }

    /// Reads an identity that was stored by an earlier version of the provider.
    pub async fn upgrade_identity(&self, version: i64, stored: Json) -> Result<Value, Said> {
        let upgraded = self.server();
        let upgraded = upgraded.upgrade_resource_identity(TYPE, version, stored);
        upgraded.await.map_err(|said| Said::of(&said))
    }

    fn schema(&self) -> &'static Schema {
        static SCHEMA: OnceLock<Schema> = OnceLock::new();
        let worked_out = || self.server().schemas().resources[TYPE].entry.schema.clone();
        SCHEMA.get_or_init(worked_out)
    }

    pub fn config(&self, config: &Json) -> Value {
        value(config, &self.schema().block.ty())
    }

    /// The stored object as JSON.
    pub fn shown(&self) -> Json {
        self.state.to_json(&self.schema().block.ty()).unwrap()
    }

    /// One value of the stored object; `path` is a JSON pointer.
    pub fn at(&self, path: &str) -> Json {
        self.shown().pointer(path).cloned().unwrap_or(Json::Null)
    }

    /// Looks at the real thing; the new state stands only when there are no errors.
    pub async fn refresh(&mut self) -> Said {
        self.refresh_by(&self.server()).await
    }

    async fn refresh_by(&mut self, server: &Server) -> Said {
        if self.state.is_null() {
            return Said::default();
        }
        let request = ReadRequest {
            current_state: self.state.clone(),
            private: self.private.clone(),
            identity: self.identity.clone(),
            client: ClientCapabilities::default(),
            stop: server.stop_token(),
        };
        let response = server.read_resource(TYPE, request).await;
        let said = Said::of(&response.diagnostics);
        assert!(response.new_state.is_wholly_known());
        if said.is_fine() {
            self.state = response.new_state;
            self.private = response.private;
            self.identify(response.identity);
        }
        said
    }

    /// Stores the identity of the stored object, which has one from its first day on and none after its last.
    fn identify(&mut self, identity: Value) {
        assert!(identity.is_wholly_known());
        assert!(self.state.is_null() || !identity.is_null());
        self.identity = match self.state.is_null() || !self.knows_identities {
            true => Value::Null,
            false => identity,
        };
    }

    pub async fn validate(&self, config: &Json) -> Said {
        self.validate_by(&self.server(), config).await
    }

    async fn validate_by(&self, server: &Server, config: &Json) -> Said {
        let config = self.config(config);
        let diagnostics = server
            .validate_resource_config(TYPE, &config, ClientCapabilities::default())
            .await;
        Said::of(&diagnostics)
    }

    /// `terraform plan`: what a person sees. One process looks at the real thing and plans.
    pub async fn plan(&mut self, config: &Json) -> Plan {
        let server = self.server();
        let said = if self.refreshing {
            self.refresh_by(&server).await
        } else {
            Said::default()
        };
        let mut plan = self.plan_by(&server, config).await;
        plan.said.errors.splice(0..0, said.errors);
        plan.said.warnings.splice(0..0, said.warnings);
        let details = &mut plan.said.warning_details;
        details.splice(0..0, said.warning_details);
        plan
    }

    /// A plan without a look at the real thing.
    pub async fn plan_only(&self, config: &Json) -> Plan {
        self.plan_by(&self.server(), config).await
    }

    async fn plan_by(&self, server: &Server, config: &Json) -> Plan {
        let said = self.validate_by(server, config).await;
        if !said.is_fine() {
            return Plan {
                planned: Value::Null,
                private: Vec::new(),
                identity: Value::Null,
                replaced_by: Vec::new(),
                is_empty: false,
                said,
            };
        }
        let config = self.config(config);
        let (prior, private, identity) = if self.tainted {
            (Value::Null, Vec::new(), Value::Null)
        } else {
            let identity = self.identity.clone();
            (self.state.clone(), self.private.clone(), identity)
        };
        let ask = async || self.ask(server, &prior, &private, &identity, &config).await;
        let first = ask().await;
        let mut said = said;
        said.extend(Said::of(&first.diagnostics));
        let mut replaced_by: Vec<String> = first
            .requires_replace
            .iter()
            .map(ToString::to_string)
            .collect();
        if self.replacing && !prior.is_null() {
            replaced_by.push("-replace".to_owned());
        }
        let mut plan = Plan {
            is_empty: first.planned_state.same(&prior),
            planned: first.planned_state,
            private: first.planned_private,
            identity: first.planned_identity,
            replaced_by,
            said,
        };
        if plan.said.is_fine() && self.planning_twice {
            let again = ask().await;
            assert!(again.planned_state.same(&plan.planned), "two plans differ");
        }
        if plan.said.is_fine() && !plan.replaced_by.is_empty() {
            let second = self
                .ask(server, &Value::Null, &plan.private, &Value::Null, &config)
                .await;
            plan.said
                .errors
                .extend(Said::of(&second.diagnostics).errors);
            plan.planned = second.planned_state;
            plan.private = second.planned_private;
        }
        plan
    }

    async fn ask(
        &self,
        server: &Server,
        prior: &Value,
        private: &[u8],
        identity: &Value,
        config: &Value,
    ) -> PlanResponse {
        let schema = &server.schemas().resources[TYPE].entry.schema;
        let request = PlanRequest {
            prior_state: prior.clone(),
            proposed_new_state: proposed_new_state(schema, prior, config),
            config: config.clone(),
            prior_private: private.to_vec(),
            prior_identity: identity.clone(),
            client: ClientCapabilities::default(),
            stop: server.stop_token(),
        };
        let response = server.plan_resource_change(TYPE, request).await;
        if !response.diagnostics.has_error() {
            let planned = &response.planned_state;
            let mut findings = assert_plan_valid(schema, prior, config, planned);
            findings.extend(assert_replace_paths(
                schema,
                prior,
                planned,
                &response.requires_replace,
            ));
            let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
            assert_eq!(findings, Vec::<String>::new(), "the plan is invalid");
        }
        response
    }

    /// `terraform apply` of a configuration that is known from the beginning.
    pub async fn apply(&mut self, config: &Json) -> Said {
        self.apply_later(config, config).await
    }

    /// `terraform apply` where the plan saw `first` and the apply knows `last`.
    pub async fn apply_later(&mut self, first: &Json, last: &Json) -> Said {
        let plan = self.plan(first).await;
        if !plan.said.is_fine() {
            return plan.said;
        }
        self.carry_out(plan, last).await
    }

    /// Applies a plan, with what is known by then.
    pub async fn carry_out(&mut self, plan: Plan, config: &Json) -> Said {
        let mut said = plan.said.clone();
        if plan.is_empty && plan.replaced_by.is_empty() && !self.tainted {
            return said;
        }
        let replacing = !plan.replaced_by.is_empty() || self.tainted;
        let old = (
            self.state.clone(),
            self.private.clone(),
            self.identity.clone(),
        );
        if replacing && !self.create_before_destroy && !self.state.is_null() {
            let gone = self.delete(&old.0, plan.private.clone(), &old.2).await;
            said.extend(gone);
            if !said.is_fine() {
                return said;
            }
        }
        if replacing {
            self.state = Value::Null;
            self.private = Vec::new();
            self.identity = Value::Null;
            self.tainted = false;
        }
        let server = self.server();
        let checked = self.validate_by(&server, config).await;
        said.extend(checked);
        if !said.is_fine() {
            return said;
        }
        let config = self.config(config);
        let prior = self.state.clone();
        let second = self
            .ask(&server, &prior, &self.private, &self.identity, &config)
            .await;
        said.extend(Said::of(&second.diagnostics));
        if !said.is_fine() {
            return said;
        }
        assert!(
            second.requires_replace.is_empty(),
            "the apply would replace what the plan did not"
        );
        self.compatible(&plan.planned, &second.planned_state, "final plan");
        if second.planned_state.same(&prior) {
            return said;
        }
        let creating = prior.is_null();
        let request = ApplyRequest {
            prior_state: prior,
            planned_state: second.planned_state.clone(),
            config,
            planned_private: second.planned_private,
            planned_identity: if self.knows_identities {
                second.planned_identity
            } else {
                Value::Null
            },
            stop: server.stop_token(),
        };
        let response = server.apply_resource_change(TYPE, request).await;
        let result = Said::of(&response.diagnostics);
        if result.is_fine() {
            self.compatible(&second.planned_state, &response.new_state, "result");
        }
        self.tainted = creating && !result.is_fine() && !response.new_state.is_null();
        said.extend(result);
        self.keep(response);
        if replacing && self.create_before_destroy && said.is_fine() && !old.0.is_null() {
            let new = (
                self.state.clone(),
                self.private.clone(),
                self.identity.clone(),
            );
            let gone = self.delete_by(&server, &old.0, old.1, &old.2).await;
            said.extend(gone);
            (self.state, self.private, self.identity) = new;
        }
        said
    }

    fn keep(&mut self, response: ApplyResponse) {
        assert!(response.new_state.is_wholly_known());
        if !response.new_state.is_null() || !response.diagnostics.has_error() {
            self.state = response.new_state;
            self.private = response.private;
            self.identify(response.identity);
        }
    }

    fn compatible(&self, planned: &Value, actual: &Value, what: &str) {
        let findings: Vec<String> = assert_object_compatible(self.schema(), planned, actual)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(findings, Vec::<String>::new(), "inconsistent {what}");
    }

    /// `terraform destroy`.
    pub async fn destroy(&mut self) -> Said {
        let mut said = self.refresh().await;
        if !said.is_fine() || self.state.is_null() {
            return said;
        }
        let server = self.server();
        let request = PlanRequest {
            prior_state: self.state.clone(),
            proposed_new_state: Value::Null,
            config: Value::Null,
            prior_private: self.private.clone(),
            prior_identity: self.identity.clone(),
            client: ClientCapabilities::default(),
            stop: server.stop_token(),
        };
        let plan = server.plan_resource_change(TYPE, request).await;
        said.extend(Said::of(&plan.diagnostics));
        if said.is_fine() {
            let state = self.state.clone();
            let identity = plan.planned_identity;
            said.extend(self.delete(&state, plan.planned_private, &identity).await);
        }
        said
    }

    /// `terraform destroy -refresh=false`.
    pub async fn destroy_unseen(&mut self) -> Said {
        let (state, private) = (self.state.clone(), self.private.clone());
        let identity = self.identity.clone();
        self.delete(&state, private, &identity).await
    }

    async fn delete(&mut self, state: &Value, private: Vec<u8>, identity: &Value) -> Said {
        let server = self.server();
        self.delete_by(&server, state, private, identity).await
    }

    async fn delete_by(
        &mut self,
        server: &Server,
        state: &Value,
        private: Vec<u8>,
        identity: &Value,
    ) -> Said {
        let request = ApplyRequest {
            prior_state: state.clone(),
            planned_state: Value::Null,
            config: Value::Null,
            planned_private: private,
            planned_identity: identity.clone(),
            stop: server.stop_token(),
        };
        let response = server.apply_resource_change(TYPE, request).await;
        let said = Said::of(&response.diagnostics);
        self.keep(response);
        let words = said
            .warnings
            .iter()
            .filter_map(|what| what.strip_suffix(" stays"));
        let keys = words.filter_map(|what| what.split("Key ").nth(1));
        self.keys_left.extend(keys.map(str::to_owned));
        if said.is_fine() {
            self.tainted = false;
        }
        said
    }

    /// `terraform import`, with the read that always follows.
    pub async fn import(&mut self, id: &str) -> Said {
        self.import_by(id, Value::Null).await
    }

    /// An `import` block with an identity, of which the rest is null.
    pub async fn import_by_identity(&mut self, identity: &Json) -> Said {
        let identity = value(identity, &self.identity_ty());
        self.import_by("", identity).await
    }

    async fn import_by(&mut self, id: &str, identity: Value) -> Said {
        let server = self.server();
        let request = ImportRequest {
            id: id.to_owned(),
            identity,
            client: ClientCapabilities::default(),
            stop: server.stop_token(),
        };
        let response = server.import_resource_state(TYPE, request).await;
        let mut said = Said::of(&response.diagnostics);
        if !said.is_fine() {
            return said;
        }
        self.state = response.state;
        self.private = response.private;
        self.identify(response.identity);
        said.extend(self.refresh().await);
        if !said.is_fine() {
            // Of an import whose read fails Terraform keeps nothing.
            self.state = Value::Null;
            self.private.clear();
            self.identity = Value::Null;
        }
        said
    }

    /// A `moved` block from another resource type, whose state Terraform has stored; a plan follows.
    pub async fn move_here(&mut self, provider: &str, ty: &str, stored: &Json) -> Said {
        let server = self.server();
        let request = MoveRequest {
            source_provider_address: provider.to_owned(),
            source_type_name: ty.to_owned(),
            source_schema_version: 0,
            source_state: stored["attributes"].clone(),
            source_private: Vec::new(),
            source_identity: stored.get("identity").cloned(),
        };
        let response = server.move_resource_state(TYPE, request).await;
        let said = Said::of(&response.diagnostics);
        if said.is_fine() {
            self.state = response.target_state;
            self.private = response.target_private;
            self.identify(response.target_identity);
        }
        said
    }

    /// The configuration that `-generate-config-out` writes for the stored object.
    pub async fn generated(&self) -> Json {
        let server = self.server();
        let config = server.generate_resource_config(TYPE, &self.state).await;
        config.unwrap().to_json(&self.ty()).unwrap()
    }

    /// What is generated for the stored object is accepted, and nothing is left to do with it.
    pub async fn assert_generated_settles(&mut self) -> Json {
        let generated = self.generated().await;
        self.assert_settled(&generated).await;
        generated
    }

    /// `terraform query` with one `list` block.
    pub async fn list(&self, config: &Json, with_objects: bool, limit: i64) -> Vec<Listed> {
        let server = self.server();
        let ty = &server.schemas().list_resources[TYPE].ty;
        let request = ListRequest {
            config: value(config, ty),
            include_resource_object: with_objects,
            limit,
            stop: server.stop_token(),
        };
        let identity_ty = self.identity_ty();
        let events = server.list_resource(TYPE, request).await;
        let listed = events.map(|event| Listed {
            name: event.display_name,
            identity: event.identity.to_json(&identity_ty).unwrap(),
            object: event.resource_object,
            said: Said::of(&event.diagnostics),
        });
        listed.collect().await
    }

    /// Nothing is left to do: a refresh changes nothing, and the plan is empty.
    pub async fn assert_settled(&mut self, config: &Json) {
        let before = self.shown();
        let plan = self.plan(config).await;
        assert_eq!(plan.said.errors, Vec::<String>::new());
        assert_eq!(self.shown(), before, "a refresh found something");
        assert_eq!(
            differences(&self.state, &plan.planned),
            Vec::<String>::new(),
            "the plan is not empty"
        );
        let disabled = self.disabled_keys();
        let aws = self.cloud.aws.state();
        let mut lacking = aws.audit();
        // A plan warns of the first; what a source used of somebody else's keys is not ours to remember.
        lacking.retain(|what| {
            let warned = what.ends_with("the rule passes over objects under KMS keys");
            let somebodys = what.contains("kms:Decrypt") && what.contains(SOMEBODYS_KEY);
            let meant = disabled
                .iter()
                .any(|arn| what.ends_with(&format!("{arn} cannot be used")));
            // What a replaced resource used, and said that it leaves to the owner of its bucket.
            let left = self.keys_left.iter().any(|key| what.contains(key));
            !warned && !somebodys && !meant && !left
        });
        assert_eq!(lacking, Vec::<String>::new());
    }

    /// Keys that are disabled because the configuration says so; a plan warns of each.
    fn disabled_keys(&self) -> Vec<String> {
        let shown = self.shown();
        let destinations = shown["destinations"].as_object().into_iter().flatten();
        let sides = destinations.map(|(_, side)| side).chain([&shown["source"]]);
        sides
            .filter(|side| side["encryption"]["key"]["enabled"] == Json::Bool(false))
            .filter_map(|side| side["kms_key_arn"].as_str().map(str::to_owned))
            .collect()
    }

    /// Applies, and nothing is left to do.
    pub async fn converge(&mut self, config: &Json) -> Vec<String> {
        let said = self.apply(config).await;
        assert_eq!(said.errors, Vec::<String>::new());
        self.assert_settled(config).await;
        said.warnings
    }
}

/// Where two objects differ, as a plan shows it: `path: old -> new`.
pub fn differences(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", old, new, &mut found);
    found
}

fn compare(path: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) | (Value::Map(a), Value::Map(b)) => {
            let names: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for name in names {
                let null = &Value::Null;
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                compare(
                    &path,
                    a.get(name).unwrap_or(null),
                    b.get(name).unwrap_or(null),
                    found,
                );
            }
        }
        _ if old.same(new) => {}
        _ => found.push(format!("{path}: {} -> {}", short(old), short(new))),
    }
}

fn short(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Unknown => "(known after apply)".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(on) => on.to_string(),
        Value::Number(number) => number.to_string(),
        Value::List(items) | Value::Set(items) => {
            let items: Vec<String> = items.iter().map(short).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) | Value::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| format!("{name} = {}", short(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Dynamic(_) => "(of any type)".to_owned(),
    }
}
