//! Calls about functions. Their errors are a message of their own instead of diagnostics.

use std::sync::Arc;

use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::{FunctionSignature, Parameter};
use crate::framework::server::Server;
use crate::framework::value::Value;

use super::super::generated::tfplugin6 as wire;
use super::super::to_proto::schema;
use super::super::{from_proto, to_proto};

pub(in crate::plugin) async fn get_functions(
    server: Arc<Server>,
    _: wire::get_functions::Request,
) -> Result<wire::get_functions::Response, Diagnostics> {
    let functions = server.schemas().functions.iter();
    Ok(wire::get_functions::Response {
        functions: functions
            .map(|(name, function)| (name.clone(), schema::function(&function.signature())))
            .collect(),
        diagnostics: Vec::new(),
    })
}

pub(in crate::plugin) async fn call_function(
    server: Arc<Server>,
    request: wire::call_function::Request,
) -> Result<wire::call_function::Response, Diagnostics> {
    let name = &request.name;
    let function = super::find(&server.schemas().functions, "function", name)?;
    let signature = function.signature();
    let arguments = arguments(name, &signature, &request.arguments)?;
    Ok(match server.call_function(name, arguments).await {
        Ok(result) => wire::call_function::Response {
            result: to_proto::value(&result, &signature.result, "result", name)?,
            error: None,
        },
        Err(error) => wire::call_function::Response {
            result: None,
            error: Some(to_proto::function_error(error)),
        },
    })
}

/// Reads arguments by position; those past the parameters belong to the variadic one.
fn arguments(
    name: &str,
    signature: &FunctionSignature,
    encoded: &[wire::DynamicValue],
) -> Result<Vec<Value>, Diagnostics> {
    let fewest = signature.parameters.len();
    if encoded.len() < fewest || (encoded.len() > fewest && signature.variadic.is_none()) {
        return Err(from_proto::error(
            "Wrong number of arguments",
            format!(
                "{name} takes {fewest} arguments and was given {}.",
                encoded.len()
            ),
        ));
    }
    let rest = signature.variadic.iter().cycle();
    let parameters = signature.parameters.iter().chain(rest);
    encoded
        .iter()
        .zip(parameters)
        .map(|(encoded, parameter): (_, &Parameter)| {
            let what = format!("argument {:?}", parameter.name);
            from_proto::value(Some(encoded), &parameter.ty, &what, name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::value::Type;

    fn signature(variadic: bool) -> FunctionSignature {
        let parameter = |name: &str, ty| Parameter {
            name: name.into(),
            ty,
            allow_null: false,
            allow_unknown: false,
            description: String::new(),
        };
        FunctionSignature {
            parameters: vec![parameter("first", Type::String)],
            variadic: variadic.then(|| parameter("rest", Type::Bool)),
            result: Type::String,
            summary: String::new(),
            description: String::new(),
        }
    }

    fn encoded(msgpack: &[u8]) -> wire::DynamicValue {
        wire::DynamicValue {
            msgpack: msgpack.to_vec(),
            json: Vec::new(),
        }
    }

    #[test]
    fn arguments_past_the_parameters_have_the_variadic_type() {
        let sent = [encoded(b"\xa1x"), encoded(&[0xc3]), encoded(&[0xc2])];
        let read = arguments("f", &signature(true), &sent).expect("they fit");
        assert_eq!(
            read,
            [
                Value::String("x".into()),
                Value::Bool(true),
                Value::Bool(false)
            ]
        );
    }

    #[test]
    fn too_few_or_too_many_arguments_are_refused() {
        for sent in [vec![], vec![encoded(b"\xa1x"), encoded(&[0xc3])]] {
            let error = arguments("f", &signature(false), &sent).expect_err("one is wanted");
            assert!(error.has_error());
        }
    }

    #[test]
    fn an_argument_of_the_wrong_type_is_named() {
        let error = arguments("f", &signature(false), &[encoded(&[0xc3])]).expect_err("a bool");
        let detail = &error.iter().next().expect("an error").detail;
        assert!(detail.contains("argument \"first\""), "{detail}");
    }
}
