//! The data source `replicated_policies`: the documents of a setup, for teams whose roles and policies live elsewhere.
//!
//! It takes what the resource takes, and writes nothing. Unlike the functions it asks AWS: whose accounts the
//! locations lead to, what buckets have that are there already, and which keys the resource has made.

use std::sync::Arc;

use async_trait::async_trait;

use super::replicated_bucket::documents::{ByDestination, Documents, checked, config_of};
use super::replicated_bucket::schema::schema as resource_schema;
use super::settings::{Shared, fitting};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::{DataReadRequest, DataReadResponse, DataSource};
use crate::framework::schema::{Attribute, AttributeType, Block, Schema, Setter};
use crate::framework::value::Value;

/// What the resource takes and the data source, too.
const TAKEN: [&str; 3] = ["source", "destinations", "role"];

/// The data source.
pub(super) struct PoliciesDataSource {
    shared: Arc<Shared>,
}

impl PoliciesDataSource {
    /// A data source that uses the process's session.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

#[async_trait]
impl DataSource for PoliciesDataSource {
    fn type_name(&self) -> &str {
        "replicated_policies"
    }

    fn schema(&self) -> Schema {
        let resource = resource_schema().block.attributes;
        let taken = resource
            .into_iter()
            .filter(|attribute| TAKEN.contains(&attribute.name.as_str()));
        let mut attributes = written(taken.collect());
        let document =
            |name: &str, description: &str| Attribute::string(name, Setter::Computed, description);
        let documents = |name: &str, description: &str| {
            Attribute::string_map(name, Setter::Computed, description)
        };
        attributes.extend([
            document(
                "role_policy",
                "What the replication role may do, as JSON: every grant that S3 needs for the rules of this setup, and nothing more.",
            ),
            document(
                "trust_policy",
                "Who may assume the replication role, as JSON: S3, and nobody else.",
            ),
            documents(
                "destination_bucket_policy",
                "The statements that each destination's bucket policy needs, as JSON by the destination's key; null where it needs none, as in the source's own account.",
            ),
            documents(
                "destination_key_policy",
                "The statements that the policy of each destination's key needs, as JSON by the destination's key; for a key that the resource makes its whole policy, and null where nothing is needed.",
            ),
        ]);
        Schema {
            version: 0,
            block: Block {
                attributes,
                description: "The policies that a replication needs, for teams whose IAM lives elsewhere. It takes `source`, `destinations` and `role` as the resource `replicated_bucket` does and writes nothing; accounts, partitions and what existing buckets have are looked up. A key that the resource has still to make has no ARN that a policy could name: write `kms_key_arn`, or read this after the resource.".to_owned(),
                ..Block::default()
            },
        }
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        match fitting(config_of(setup(config)), &mut diagnostics) {
            Some(model) => checked(&model),
            None => diagnostics,
        }
    }

    async fn read(&self, request: DataReadRequest) -> DataReadResponse {
        let (session, mut response) = match self.shared.begin_data(&request.client) {
            Ok(begun) => begun,
            Err(response) => return response,
        };
        let model = config_of(setup(&request.config));
        let Some(model) = fitting(model, &mut response.diagnostics) else {
            return response;
        };
        let documents = Documents::look(&session, &model, &mut response.diagnostics).await;
        let Some(documents) = documents else {
            return response;
        };
        match told(&request.config, &documents) {
            Ok(state) => response.state = state,
            Err(why) => response
                .diagnostics
                .error("The policies cannot be written yet", why),
        }
        response
    }
}

/// The attributes that a practitioner may write, left as they are written.
fn written(attributes: Vec<Attribute>) -> Vec<Attribute> {
    let attributes = attributes.into_iter().filter(Attribute::configurable);
    attributes
        .map(|mut attribute| {
            if attribute.setter == Setter::OptionalComputed {
                attribute.setter = Setter::Optional;
            }
            if let AttributeType::Nested(_, children) = &mut attribute.ty {
                *children = written(std::mem::take(children));
            }
            attribute
        })
        .collect()
}

/// What of a configuration the resource takes.
fn setup(config: &Value) -> Value {
    let Value::Object(attributes) = config else {
        return config.clone();
    };
    let taken = attributes
        .iter()
        .filter(|(name, _)| TAKEN.contains(&name.as_str()));
    Value::object(taken.map(|(name, value)| (name.clone(), value.clone())))
}

/// The configuration with the documents.
fn told(config: &Value, documents: &Documents) -> Result<Value, String> {
    let Value::Object(mut attributes) = config.clone() else {
        return Ok(Value::Null);
    };
    let by_destination = |documents: ByDestination| {
        let documents = documents.into_iter();
        Value::map(documents.map(|(key, text)| (key, text.map_or(Value::Null, Value::string))))
    };
    attributes.extend([
        (
            "role_policy".to_owned(),
            Value::string(documents.role_policy()?),
        ),
        (
            "trust_policy".to_owned(),
            Value::string(documents.trust_policy()?),
        ),
        (
            "destination_bucket_policy".to_owned(),
            by_destination(documents.destination_bucket_policies()?),
        ),
        (
            "destination_key_policy".to_owned(),
            by_destination(documents.destination_key_policies()?),
        ),
    ]);
    Ok(Value::Object(attributes))
}
