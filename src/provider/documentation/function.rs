//! The page of a function.

use crate::framework::provider::FunctionSignature;
use crate::framework::value::Type;

/// A function's page: what it tells, an example, its signature and its arguments.
pub(super) fn page(name: &str, signature: &FunctionSignature, example: &str) -> String {
    let FunctionSignature {
        summary,
        description,
        ..
    } = signature;
    let parameters: Vec<String> = signature
        .parameters
        .iter()
        .map(|parameter| format!("{} {}", parameter.name, told(&parameter.ty)))
        .collect();
    let arguments: Vec<String> = (1..)
        .zip(&signature.parameters)
        .map(|(number, parameter)| {
            format!(
                "{number}. `{}` ({}) {}",
                parameter.name,
                told(&parameter.ty),
                parameter.description
            )
        })
        .collect();
    [
        format!(
            "---\npage_title: \"{name} Function - replicated\"\nsubcategory: \"\"\ndescription: |-\n  {summary}\n---"
        ),
        format!("# function: {name}"),
        description.clone(),
        format!("## Example Usage\n\n```terraform\n{example}\n```"),
        format!(
            "## Signature\n\n```text\n{name}({}) {}\n```",
            parameters.join(", "),
            told(&signature.result)
        ),
        format!("## Arguments\n\n{}\n", arguments.join("\n")),
    ]
    .join("\n\n")
}

/// A type as the Terraform language writes it.
fn told(ty: &Type) -> String {
    match ty {
        Type::String => "string".to_owned(),
        Type::Number => "number".to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::Dynamic => "dynamic".to_owned(),
        Type::List(element) => format!("list of {}", told(element)),
        Type::Set(element) => format!("set of {}", told(element)),
        Type::Map(element) => format!("map of {}", told(element)),
        Type::Object(_) => "object".to_owned(),
        Type::Tuple(_) => "tuple".to_owned(),
    }
}
