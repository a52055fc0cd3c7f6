//! `CallFunction`: argument checks, the call, the check of the result.

use super::Server;
use super::guard::BUG;
use crate::framework::crash;
use crate::framework::provider::{FunctionError, FunctionSignature, Parameter};
use crate::framework::value::Value;

impl Server {
    /// Calls a function; arguments come by position, variadic ones at the end.
    pub async fn call_function(
        &self,
        name: &str,
        arguments: Vec<Value>,
    ) -> Result<Value, FunctionError> {
        let function = self.schemas.functions.get(name).ok_or_else(|| {
            failure(format!(
                "This version of the provider has no function {name:?}."
            ))
        })?;
        let call = || {
            let signature = function.signature();
            match accepted(&signature, arguments)? {
                None => Ok(Value::Unknown),
                Some(arguments) => function
                    .call(arguments)?
                    .into_type(&signature.result)
                    .map_err(|error| {
                        failure(format!(
                            "The result of {name} has the wrong type: {error}. {BUG}"
                        ))
                    }),
            }
        };
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).unwrap_or_else(|panic| {
            let operation = format!("call the function {name}");
            Err(failure(crash::report(&operation, panic.as_ref())))
        })
    }
}

/// The arguments in the form of their parameters; none when an unknown one makes the result unknown.
fn accepted(
    signature: &FunctionSignature,
    arguments: Vec<Value>,
) -> Result<Option<Vec<Value>>, FunctionError> {
    let fixed = signature.parameters.len();
    let enough = arguments.len() >= fixed;
    if !enough || (arguments.len() > fixed && signature.variadic.is_none()) {
        return Err(failure(format!(
            "The function takes {fixed} arguments{}, but was given {}.",
            if signature.variadic.is_some() {
                " or more"
            } else {
                ""
            },
            arguments.len()
        )));
    }
    let mut unknown = false;
    let mut taken = Vec::new();
    let parameters = signature
        .parameters
        .iter()
        .chain(signature.variadic.iter().cycle());
    for ((position, argument), parameter) in (0..).zip(arguments).zip(parameters) {
        let argument = argument_for(parameter, argument).map_err(|text| FunctionError {
            text,
            argument: Some(position),
        })?;
        unknown |= !parameter.allow_unknown && !argument.is_wholly_known();
        taken.push(argument);
    }
    Ok((!unknown).then_some(taken))
}

fn argument_for(parameter: &Parameter, argument: Value) -> Result<Value, String> {
    if argument.is_null() && !parameter.allow_null {
        return Err(format!("{} must not be null.", parameter.name));
    }
    argument
        .into_type(&parameter.ty)
        .map_err(|error| format!("{} has the wrong type: {error}.", parameter.name))
}

fn failure(text: String) -> FunctionError {
    FunctionError {
        text,
        argument: None,
    }
}
