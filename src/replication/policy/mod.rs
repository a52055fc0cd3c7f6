//! Policy documents: built, parsed, compared by meaning and merged by Sid.

use super::operation::Input;

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyDocument {
    /// The statements in the order in which they are written.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// `Sid`.
    pub sid: String,
    /// Resources; keys may still have to be made.
    pub resources: Vec<Input<String>>,
}

impl PolicyDocument {
    /// The document as JSON, once every key that it names is made.
    pub fn render(&self) -> Result<String, String> {
        let statements = self
            .statements
            .iter()
            .map(|statement| {
                let resources = statement
                    .resources
                    .iter()
                    .map(|resource| match resource {
                        Input::Known(arn) => Ok(arn.clone()),
                        _ => Err(format!("{}: {resource} is not known yet", statement.sid)),
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(serde_json::json!({ "Sid": statement.sid, "Resource": resources }))
            })
            .collect::<Result<Vec<_>, String>>()?;
        Ok(serde_json::json!({ "Version": "2012-10-17", "Statement": statements }).to_string())
    }
}
