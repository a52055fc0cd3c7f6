//! Whole messages to the provider's service: every call, with every part of it damaged.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use prost::Message;
use serde_json::json;
use terraform_provider_replicated::framework::contract::proposed_new_state;
use terraform_provider_replicated::framework::diagnostics::Diagnostics;
use terraform_provider_replicated::framework::provider::{
    Action, ConfigureRequest, DataSource, Function, ListResource, Provider, Resource,
};
use terraform_provider_replicated::framework::schema::Schema;
use terraform_provider_replicated::framework::server::Server;
use terraform_provider_replicated::framework::value::{Type, Value};
use terraform_provider_replicated::plugin::generated::tfplugin6 as wire;
use terraform_provider_replicated::provider::ReplicatedProvider;
use terraform_provider_replicated::provider::settings::Session;
use tokio::runtime::Runtime;

use super::damage;
use super::in_process::InProcess;
use crate::configs::{kms_abroad, value};
use crate::fake::State;
use crate::terraform::Terraform;
use crate::unreliable::UnreliableCloud;
use support::dice::Dice;

const TYPE: &str = "replicated_bucket";
const OTHERS: [&str; 4] = [
    include_str!("../../support/states/aws_5_bucket.json"),
    include_str!("../../support/states/aws_5_bucket_replication_configuration.json"),
    include_str!("../../support/states/aws_6_bucket.json"),
    include_str!("../../support/states/aws_6_bucket_replication_configuration.json"),
];

/// A setup that is there, and what Terraform knows of it.
struct World {
    runtime: Runtime,
    aws: State,
    terraform: Terraform,
    schema: Schema,
    ty: Type,
    identity_ty: Type,
    other_types: BTreeMap<String, Type>,
    /// The actions, each with a configuration that does something.
    actions: Vec<(String, Type, Value)>,
    provider_ty: Type,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let mut terraform = Terraform::new();
        runtime.block_on(terraform.converge(&kms_abroad()));
        let server = Server::new(Arc::new(ReplicatedProvider::new()));
        let schemas = server.schemas();
        let data_sources = schemas.data_sources.iter();
        let mut other_types: BTreeMap<String, Type> = data_sources
            .map(|(name, entry)| (name.clone(), entry.ty.clone()))
            .collect();
        other_types.insert("list".to_owned(), schemas.list_resources[TYPE].ty.clone());
        let action = json!({ "import_id": terraform.at("/import_id") });
        let actions = schemas.actions.iter().map(|(name, entry)| {
            let ty = entry.schema.block.ty();
            (name.clone(), ty.clone(), value(&action, &ty))
        });
        let actions = actions.collect();
        let aws = terraform.cloud.aws.state().clone();
        Self {
            actions,
            aws,
            schema: schemas.resources[TYPE].entry.schema.clone(),
            ty: terraform.ty(),
            identity_ty: terraform.identity_ty(),
            provider_ty: schemas.provider.block.ty(),
            other_types,
            terraform,
            runtime,
        }
    }

    /// A provider over an AWS in which the setup is as it was.
    fn configured(&self) -> InProcess {
        let cloud = UnreliableCloud::holding(self.aws.clone());
        let session = Session::new(self.terraform.settings.clone(), cloud, Arc::default());
        InProcess::of(Arc::new(Offline(ReplicatedProvider::with_session(session))))
    }

    /// Sends a message, whole or damaged, whose answer has to be one that Terraform can read.
    fn send(&self, dice: &mut Dice, service: &InProcess, rpc: &str, message: &impl Message) {
        let message = message.encode_to_vec();
        if dice.once_in(4) {
            let message = damage::bytes(dice, &message);
            let answer = self.runtime.block_on(service.call(rpc, &message));
            // Bytes that are no message of this call are refused by gRPC (13) before anybody acts upon them.
            assert!(
                ["0", "13"].contains(&answer.status.as_str()),
                "{rpc}: {}",
                answer.status
            );
        } else {
            let answer = self.runtime.block_on(service.call(rpc, &message));
            assert_eq!(answer.status, "0", "{rpc}");
        }
    }
}

/// The provider, which never leaves for the real AWS: a configuration is read and checked, and that is all.
struct Offline(ReplicatedProvider);

#[async_trait]
impl Provider for Offline {
    fn version(&self) -> &str {
        self.0.version()
    }

    fn schema(&self) -> Schema {
        self.0.schema()
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        self.0.validate(config).await
    }

    async fn configure(&self, request: ConfigureRequest) -> Diagnostics {
        self.0.validate(&request.config).await
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        self.0.resources()
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        self.0.data_sources()
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        self.0.functions()
    }

    fn actions(&self) -> Vec<Arc<dyn Action>> {
        self.0.actions()
    }

    fn list_resources(&self) -> Vec<Arc<dyn ListResource>> {
        self.0.list_resources()
    }
}

pub fn without_configuration() -> impl FnMut(&mut Dice) {
    let world = World::new();
    let service = InProcess::of(Arc::new(Offline(ReplicatedProvider::new())));
    move |dice| any_message(&world, &service, dice)
}

pub fn configured() -> impl FnMut(&mut Dice) {
    let world = World::new();
    move |dice| any_message(&world, &world.configured(), dice)
}

pub fn import_ids() -> impl FnMut(&mut Dice) {
    const VALID: [&str; 4] = [
        "acme-archive",
        "acme-archive@eu-west-1",
        "111111111111/acme-archive@eu-west-1,arn:aws:iam::222222222222:role/Deploy",
        "acme-archive,arn:aws:iam::222222222222:role/a,b,arn:aws:iam::333333333333:role/c",
    ];
    let world = World::new();
    let service = world.configured();
    move |dice| {
        let valid = dice.one_of(&VALID);
        let request = wire::import_resource_state::Request {
            type_name: TYPE.to_owned(),
            id: damage::text(dice, valid),
            client_capabilities: client(dice),
            identity: dice.once_in(4).then(|| identity(&world, dice)).flatten(),
        };
        world.send(dice, &service, "ImportResourceState", &request);
    }
}

pub fn private_states() -> impl FnMut(&mut Dice) {
    let world = World::new();
    let service = world.configured();
    move |dice| {
        let request = wire::read_resource::Request {
            type_name: TYPE.to_owned(),
            current_state: encoded(&world.terraform.state, &world.ty),
            private: damage::bytes(dice, &world.terraform.private),
            ..Default::default()
        };
        world.send(dice, &service, "ReadResource", &request);
    }
}

pub fn stored_states() -> impl FnMut(&mut Dice) {
    let world = World::new();
    let service = world.configured();
    let stored = world.terraform.shown().to_string();
    move |dice| {
        if dice.once_in(3) {
            let request = moved(dice);
            world.send(dice, &service, "MoveResourceState", &request);
            return;
        }
        let request = wire::upgrade_resource_state::Request {
            type_name: TYPE.to_owned(),
            version: dice.below(3) as i64,
            raw_state: raw(damage::bytes(dice, stored.as_bytes())),
        };
        world.send(dice, &service, "UpgradeResourceState", &request);
    }
}

/// One of all calls.
fn any_message(world: &World, service: &InProcess, dice: &mut Dice) {
    let type_name = name(dice, TYPE);
    let ty = &world.ty;
    let state = &world.terraform.state;
    let config = &world.terraform.config(&kms_abroad());
    match dice.below(17) {
        0 => {
            let mut config = world.schema_of_provider();
            config = damage::value(dice, &config, &world.provider_ty);
            let config = sent(dice, &config, &world.provider_ty);
            let request = wire::configure_provider::Request {
                terraform_version: name(dice, "1.15.0"),
                config: config.clone(),
                client_capabilities: client(dice),
            };
            world.send(dice, service, "ConfigureProvider", &request);
            let request = wire::validate_provider_config::Request { config };
            world.send(dice, service, "ValidateProviderConfig", &request);
        }
        1 => {
            let config = sent(dice, config, ty);
            let request = wire::validate_resource_config::Request {
                type_name,
                config,
                client_capabilities: client(dice),
            };
            world.send(dice, service, "ValidateResourceConfig", &request);
        }
        2 => {
            let stored = world.terraform.shown().to_string();
            let request = wire::upgrade_resource_state::Request {
                type_name,
                version: dice.number(),
                raw_state: raw(damage::bytes(dice, stored.as_bytes())),
            };
            world.send(dice, service, "UpgradeResourceState", &request);
        }
        3 => {
            let stored = world
                .terraform
                .identity
                .to_json(&world.identity_ty)
                .unwrap()
                .to_string();
            let request = wire::upgrade_resource_identity::Request {
                type_name,
                version: dice.number(),
                raw_identity: raw(damage::bytes(dice, stored.as_bytes())),
            };
            world.send(dice, service, "UpgradeResourceIdentity", &request);
        }
        4 => {
            let request = wire::read_resource::Request {
                type_name,
                current_state: sent(dice, state, ty),
                private: private(world, dice),
                current_identity: identity(world, dice),
                client_capabilities: client(dice),
                ..Default::default()
            };
            world.send(dice, service, "ReadResource", &request);
        }
        5..=7 => {
            let prior = if dice.once_in(2) { &Value::Null } else { state };
            let config = damage::value(dice, config, ty);
            let proposed = proposed_new_state(&world.schema, prior, &config);
            let request = wire::plan_resource_change::Request {
                type_name,
                prior_state: sent(dice, prior, ty),
                proposed_new_state: sent(dice, &proposed, ty),
                config: sent(dice, &config, ty),
                prior_private: private(world, dice),
                prior_identity: identity(world, dice),
                client_capabilities: client(dice),
                ..Default::default()
            };
            world.send(dice, service, "PlanResourceChange", &request);
        }
        8 | 9 => {
            let prior = if dice.once_in(2) { &Value::Null } else { state };
            let planned = if dice.once_in(3) { &Value::Null } else { state };
            let request = wire::apply_resource_change::Request {
                type_name,
                prior_state: sent(dice, prior, ty),
                planned_state: sent(dice, planned, ty),
                config: sent(dice, config, ty),
                planned_private: private(world, dice),
                planned_identity: identity(world, dice),
                ..Default::default()
            };
            world.send(dice, service, "ApplyResourceChange", &request);
        }
        10 => {
            let request = moved(dice);
            world.send(dice, service, "MoveResourceState", &request);
        }
        11 => {
            let request = wire::generate_resource_config::Request {
                type_name,
                state: sent(dice, state, ty),
            };
            world.send(dice, service, "GenerateResourceConfig", &request);
        }
        12 => {
            let names: Vec<&String> = world.other_types.keys().collect();
            let of = (*dice.one_of(&names)).clone();
            let ty = &world.other_types[&of];
            let config = damage::any(dice, ty, 5);
            let config = sent(dice, &config, ty);
            if of == "list" {
                let request = wire::list_resource::Request {
                    type_name: type_name.clone(),
                    config: config.clone(),
                    include_resource_object: dice.once_in(2),
                    limit: dice.number(),
                };
                world.send(dice, service, "ListResource", &request);
                let request = wire::validate_list_resource_config::Request {
                    type_name,
                    config,
                    ..Default::default()
                };
                world.send(dice, service, "ValidateListResourceConfig", &request);
                return;
            }
            let request = wire::read_data_source::Request {
                type_name: name(dice, &of),
                config: config.clone(),
                client_capabilities: client(dice),
                ..Default::default()
            };
            world.send(dice, service, "ReadDataSource", &request);
            let request = wire::validate_data_resource_config::Request {
                type_name: of,
                config,
            };
            world.send(dice, service, "ValidateDataResourceConfig", &request);
        }
        13 | 14 => {
            const FUNCTIONS: [&str; 6] = [
                "role_policy",
                "trust_policy",
                "destination_bucket_policy",
                "destination_key_policy",
                "operator_policy",
                "none",
            ];
            let object = if dice.once_in(2) { state } else { config };
            let argument = Value::Dynamic(Box::new((ty.clone(), damage::value(dice, object, ty))));
            let arguments = (0..dice.below(3))
                .filter_map(|_| sent(dice, &argument, &Type::Dynamic))
                .collect();
            let request = wire::call_function::Request {
                name: (*dice.one_of(&FUNCTIONS)).to_owned(),
                arguments,
            };
            world.send(dice, service, "CallFunction", &request);
        }
        15 => {
            let (of, ty, config) = dice.one_of(&world.actions).clone();
            let config = sent(dice, &config, &ty);
            any_action(world, service, dice, &of, &config);
        }
        _ => {
            for rpc in [
                "GetMetadata",
                "GetProviderSchema",
                "GetResourceIdentitySchemas",
                "GetFunctions",
            ] {
                // None of their requests has a field.
                let unknown = wire::plan_action::Request {
                    action_type: name(dice, TYPE),
                    ..Default::default()
                };
                if dice.once_in(4) {
                    world.send(dice, service, rpc, &unknown);
                }
            }
        }
    }
}

#[test]
fn whole_messages_reach_the_actions() {
    let world = World::new();
    for (name, told) in [
        ("replicated_bucket_backfill", "was created"),
        ("replicated_bucket_verify", "was written"),
    ] {
        let of_this = |(of, ..): &&(String, Type, Value)| of == name;
        let (of, ty, config) = world.actions.iter().find(of_this).unwrap();
        let request = wire::invoke_action::Request {
            action_type: of.clone(),
            config: encoded(config, ty),
            ..Default::default()
        };
        let service = world.configured();
        let request = request.encode_to_vec();
        let answer = world
            .runtime
            .block_on(service.call("InvokeAction", &request));
        assert!(answer.says(told), "{name}");
    }
}

/// An action is checked, planned and invoked, each with this.
fn any_action(
    world: &World,
    service: &InProcess,
    dice: &mut Dice,
    of: &str,
    config: &Option<wire::DynamicValue>,
) {
    let request = wire::validate_action_config::Request {
        type_name: name(dice, of),
        config: config.clone(),
    };
    world.send(dice, service, "ValidateActionConfig", &request);
    let request = wire::plan_action::Request {
        action_type: name(dice, of),
        config: config.clone(),
        client_capabilities: client(dice),
    };
    world.send(dice, service, "PlanAction", &request);
    let request = wire::invoke_action::Request {
        action_type: name(dice, of),
        config: config.clone(),
        ..Default::default()
    };
    world.send(dice, service, "InvokeAction", &request);
}

impl World {
    /// A provider block with something at every place.
    fn schema_of_provider(&self) -> Value {
        let config = json!({
            "region": "eu-west-1",
            "access_key": "AKIAFUZZFUZZFUZZFUZZ",
            "secret_key": "secret",
            "allowed_account_ids": ["111111111111"],
            "default_tags": [{ "tags": { "team": "archive" } }],
            "assume_role": [{ "role_arn": "arn:aws:iam::111111111111:role/Deploy", "duration": "1h" }],
        });
        value(&config, &self.provider_ty)
    }
}

/// A value as Terraform sends it: as it is, damaged within its type, damaged as bytes, as JSON, or not at all.
fn sent(dice: &mut Dice, valid: &Value, ty: &Type) -> Option<wire::DynamicValue> {
    if dice.once_in(2) {
        return encoded(valid, ty);
    }
    let value = if valid.is_null() {
        damage::any(dice, ty, 5)
    } else {
        damage::value(dice, valid, ty)
    };
    match dice.below(8) {
        0 => None,
        1 => {
            let json = value
                .with_unknown_as_null()
                .to_json(ty)
                .unwrap()
                .to_string();
            Some(wire::DynamicValue {
                msgpack: Vec::new(),
                json: damage::bytes(dice, json.as_bytes()),
            })
        }
        2 => {
            let bytes = value.to_msgpack(ty).unwrap();
            Some(wire::DynamicValue {
                msgpack: damage::bytes(dice, &bytes),
                json: Vec::new(),
            })
        }
        _ => encoded(&value, ty),
    }
}

fn encoded(value: &Value, ty: &Type) -> Option<wire::DynamicValue> {
    Some(wire::DynamicValue {
        msgpack: value.to_msgpack(ty).unwrap(),
        json: Vec::new(),
    })
}

fn identity(world: &World, dice: &mut Dice) -> Option<wire::ResourceIdentityData> {
    let identity_data = sent(dice, &world.terraform.identity, &world.identity_ty);
    dice.once_in(2)
        .then_some(wire::ResourceIdentityData { identity_data })
}

fn private(world: &World, dice: &mut Dice) -> Vec<u8> {
    match dice.once_in(3) {
        true => damage::bytes(dice, &world.terraform.private),
        false => world.terraform.private.clone(),
    }
}

fn raw(json: Vec<u8>) -> Option<wire::RawState> {
    Some(wire::RawState {
        json,
        ..Default::default()
    })
}

fn client(dice: &mut Dice) -> Option<wire::ClientCapabilities> {
    let client = wire::ClientCapabilities {
        deferral_allowed: dice.once_in(2),
        write_only_attributes_allowed: dice.once_in(2),
        ..Default::default()
    };
    dice.once_in(2).then_some(client)
}

fn name(dice: &mut Dice, valid: &str) -> String {
    if dice.once_in(16) {
        damage::text(dice, valid)
    } else {
        valid.to_owned()
    }
}

/// A state of another provider's, from which a resource is moved.
fn moved(dice: &mut Dice) -> wire::move_resource_state::Request {
    let stored: serde_json::Value = {
        let text: &&str = dice.one_of(&OTHERS);
        serde_json::from_str(text).unwrap()
    };
    let source = stored["type"].as_str().unwrap();
    let attributes = stored["attributes"].to_string();
    let identity = stored["identity"].to_string();
    wire::move_resource_state::Request {
        source_provider_address: name(dice, "registry.terraform.io/hashicorp/aws"),
        source_type_name: name(dice, source),
        source_schema_version: dice.number(),
        source_state: raw(damage::bytes(dice, attributes.as_bytes())),
        target_type_name: name(dice, TYPE),
        source_private: damage::bytes(dice, b"{\"a\":1}"),
        source_identity: raw(damage::bytes(dice, identity.as_bytes())).filter(|_| dice.once_in(2)),
        source_identity_schema_version: dice.number(),
    }
}
