//! The functions: the documents that replication needs, from an object of the resource's shape, without credentials.
//!
//! They are for teams whose roles and policies live elsewhere, and for checks.

use std::sync::Arc;

use super::replicated_bucket::documents::{ByAccount, ByDestination, Documents};
use crate::framework::provider::{Function, FunctionError, FunctionSignature, Parameter};
use crate::framework::value::{Type, Value};
use crate::replication::operation::permissions::Access;

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
    /// A document for each account, for what the setup's `access` says.
    EachAccount(fn(&Documents, Access) -> Result<ByAccount, String>),
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
    DocumentFunction {
        name: "operator_policy",
        summary: "What whoever runs Terraform has to be allowed, as JSON by account",
        description: "The policy of the user or role that plans and applies this setup, by account id: each action that the provider's calls take, on the buckets, roles and keys of this setup, and none with a wildcard. With `access = \"read\"` it is what a plan takes, else what an apply and a destroy take as well. [What the operator needs](../guides/operator-permissions.md) lists each call with its actions. What a setup had before and has no more is not in it: keep the policy of before until that apply is done.",
        documents: Told::EachAccount(Documents::operator_policies),
    },
];

impl DocumentFunction {
    /// What its argument may be.
    fn parameter(&self) -> String {
        let access = match self.documents {
            Told::EachAccount(_) => {
                " Beside these, `access` is `\"write\"` (the default) or `\"read\"`."
            }
            _ => "",
        };
        format!(
            "A `replicated_bucket`, or an object with its attributes `source`, `destinations` and, where it is not the default, `role`. In an object `source` writes its `region` and its `account_id`, because nobody asks AWS.{access}"
        )
    }
}

/// Takes `access` out of a setup, of which it is no attribute.
fn take_access(setup: &mut Value) -> Result<Access, String> {
    let given = match setup {
        Value::Object(attributes) | Value::Map(attributes) => attributes.remove("access"),
        _ => None,
    };
    let given = match given {
        Some(Value::Dynamic(typed)) => typed.1,
        other => other.unwrap_or(Value::Null),
    };
    match given {
        Value::Null => Ok(Access::Write),
        Value::String(access) if access == "write" => Ok(Access::Write),
        Value::String(access) if access == "read" => Ok(Access::Read),
        _ => Err("access: this is \"write\" or \"read\".".to_owned()),
    }
}

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
                description: self.parameter(),
            }],
            variadic: None,
            result: match self.documents {
                Told::One(_) => Type::String,
                Told::EachDestination(_) | Told::EachAccount(_) => Type::map(Type::String),
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
        let mut setup = match arguments.into_iter().next() {
            Some(Value::Dynamic(typed)) => typed.1,
            other => other.unwrap_or(Value::Null),
        };
        let access = match self.documents {
            Told::EachAccount(_) => take_access(&mut setup).map_err(failed)?,
            _ => Access::Read,
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
            Told::EachAccount(each) => each(&documents, access).map(|documents| {
                let documents = documents.into_iter();
                Value::map(documents.map(|(account, text)| (account, Value::string(text))))
            }),
        }
        .map_err(failed)
    }
}
