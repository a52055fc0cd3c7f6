//! The functions: the documents that replication needs, from an object of the resource's shape, without credentials.
//!
//! They are for teams whose roles and policies live elsewhere, and for checks.

use std::sync::Arc;

use super::replicated_bucket::documents::{ByDestination, Documents};
use crate::framework::provider::{Function, FunctionError, FunctionSignature, Parameter};
use crate::framework::value::{Type, Value};

/// Every function.
pub(super) fn all() -> Vec<Arc<dyn Function>> {
    FUNCTIONS
        .iter()
        .map(|function| Arc::new(function) as Arc<dyn Function>)
        .collect()
}

/// A function that tells documents of a setup.
struct DocumentFunction {
    name: &'static str,
    summary: &'static str,
    description: &'static str,
    documents: Told,
}

/// What is told of a setup.
enum Told {
    /// One document.
    One(fn(&Documents) -> Result<String, String>),
    /// A document for each destination, by its key; null where it needs none.
    EachDestination(fn(&Documents) -> Result<ByDestination, String>),
}

const FUNCTIONS: &[DocumentFunction] = &[
    DocumentFunction {
        name: "role_policy",
        summary: "The policy of the replication role, as JSON",
        description: "What the replication role may do: every grant that S3 needs for the rules of this setup, and nothing more.",
        documents: Told::One(Documents::role_policy),
    },
    DocumentFunction {
        name: "trust_policy",
        summary: "The trust policy of the replication role, as JSON",
        description: "Who may assume the replication role: S3, and nobody else.",
        documents: Told::One(Documents::trust_policy),
    },
    DocumentFunction {
        name: "destination_bucket_policy",
        summary: "What the destinations' bucket policies have to hold, as JSON by destination",
        description: "The statements that each destination's bucket policy needs, by the destination's key; null where it needs none, as in the source's own account.",
        documents: Told::EachDestination(Documents::destination_bucket_policies),
    },
    DocumentFunction {
        name: "destination_key_policy",
        summary: "What the policies of the destinations' keys have to hold, as JSON by destination",
        description: "The statements that the policy of each destination's key needs, by the destination's key; for a key that the resource makes its whole policy, and null where nothing is needed.",
        documents: Told::EachDestination(Documents::destination_key_policies),
    },
];

impl Function for &'static DocumentFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> FunctionSignature {
        FunctionSignature {
            parameters: vec![Parameter {
                name: "setup".to_owned(),
                ty: Type::Dynamic,
                allow_null: false,
                allow_unknown: false,
                description: "A `replicated_bucket`, or an object with its attributes `source`, `destinations` and, where it is not the default, `role`. In an object `source` writes its `region` and its `account_id`, because nobody asks AWS.".to_owned(),
            }],
            variadic: None,
            result: match self.documents {
                Told::One(_) => Type::String,
                Told::EachDestination(_) => Type::map(Type::String),
            },
            summary: self.summary.to_owned(),
            description: self.description.to_owned(),
        }
    }

    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError> {
        let failed = |text| FunctionError {
            text,
            argument: Some(0),
        };
        let setup = match arguments.into_iter().next() {
            Some(Value::Dynamic(typed)) => typed.1,
            other => other.unwrap_or(Value::Null),
        };
        let documents = Documents::of(setup).map_err(failed)?;
        match self.documents {
            Told::One(document) => document(&documents).map(Value::string),
            Told::EachDestination(each) => each(&documents).map(|documents| {
                Value::map(
                    documents
                        .into_iter()
                        .map(|(key, document)| (key, document.map_or(Value::Null, Value::string))),
                )
            }),
        }
        .map_err(failed)
    }
}
