//! The command line of an action: its attributes and those of the provider block, each a flag.
//!
//! `--created-after=...`, `-created-after ...` and `--created_after ...` are the same flag. A list takes one item for
//! each time that its flag stands; a switch stands alone or takes `=false`. Secrets are no flags, because every
//! process of the machine may read a command line: they come from the environment.

use std::fmt::Write;

use super::ActionCommand;
use crate::framework::schema::{Attribute, Block, Setter};
use crate::framework::value::{Number, Type, Value};

/// What may stand behind a sub-command.
pub(super) struct Flags<'a> {
    pub(super) action: &'a Block,
    pub(super) provider: &'a Block,
    pub(super) command: ActionCommand,
}

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The configurations of the action and of the provider.
    Run {
        action: Value,
        provider: Value,
    },
    Help,
}

impl Flags<'_> {
    /// Reads a command line.
    pub(super) fn parse(&self, arguments: &[String]) -> Result<Asked, String> {
        let (mut action, mut provider) = (self.action.empty(), self.provider.empty());
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let Some(flag) = argument.strip_prefix('-').filter(|_| argument != "-") else {
                let operand = self.command.operand;
                if !action.attribute(operand).is_null() {
                    return Err(format!("Unknown argument: {argument}"));
                }
                set(&mut action, operand, Value::string(argument.as_str()));
                continue;
            };
            let flag = flag.strip_prefix('-').unwrap_or(flag);
            if matches!(flag, "help" | "h") {
                return Ok(Asked::Help);
            }
            let (name, inline) = match flag.split_once('=') {
                Some((name, text)) => (name, Some(text)),
                None => (flag, None),
            };
            let name = name.replace('-', "_");
            let (attribute, config) = match self.find(&name) {
                Some((attribute, true)) => (attribute, &mut action),
                Some((attribute, false)) => (attribute, &mut provider),
                None => return Err(format!("Unknown flag: {argument}")),
            };
            let text = match (inline, attribute.ty()) {
                (Some(text), _) => text,
                (None, Type::Bool) => "true",
                (None, _) => arguments
                    .next()
                    .ok_or_else(|| format!("The flag {argument} needs a value."))?,
            };
            let earlier = config.attribute(&name).clone();
            let value = read(&attribute.ty(), text, earlier)
                .map_err(|why| format!("The flag --{} is {why}.", name.replace('_', "-")))?;
            set(config, &name, value);
        }
        let missing = |attribute: &&Attribute| {
            attribute.setter == Setter::Required && action.attribute(&attribute.name).is_null()
        };
        match self.action.attributes.iter().find(missing) {
            Some(attribute) if attribute.name == self.command.operand => {
                Err(format!("The {} is missing.", words(&attribute.name)))
            }
            Some(attribute) => Err(format!("The flag {} is missing.", spelled(attribute))),
            None => Ok(Asked::Run { action, provider }),
        }
    }

    /// The attribute of a flag, and whether it is the action's.
    fn find(&self, name: &str) -> Option<(&Attribute, bool)> {
        let of = |block: &'_ Block| block.attributes.iter().position(|a| a.name == name);
        let own = of(self.action).and_then(|at| self.action.attributes.get(at));
        let found = match own {
            Some(attribute) => Some((attribute, true)),
            None => of(self.provider)
                .and_then(|at| self.provider.attributes.get(at))
                .map(|attribute| (attribute, false)),
        };
        found.filter(|(attribute, _)| is_flag(attribute))
    }

    /// What may be written, with what it means.
    pub(super) fn usage(&self, program: &str) -> String {
        let operand = self.command.operand;
        let mut text = format!(
            "Usage: terraform-provider-{program} {} {} [FLAGS]\n\n{}\n",
            self.command.name,
            operand.to_uppercase(),
            self.action.description
        );
        let mut list = |title: &str, block: &Block, with_description: bool| {
            // Writing to a string cannot fail.
            let _infallible = writeln!(text, "\n{title}");
            let attributes = block.attributes.iter().filter(|a| is_flag(a));
            for attribute in attributes.filter(|a| a.name != operand) {
                let _infallible = match with_description {
                    true => writeln!(
                        text,
                        "  {}\n      {}",
                        spelled(attribute),
                        attribute.description
                    ),
                    false => writeln!(text, "  {}", spelled(attribute)),
                };
            }
        };
        list("Flags:", self.action, true);
        list(
            "Flags with the meaning of the provider block's arguments:",
            self.provider,
            false,
        );
        text
    }
}

/// Whether an attribute can be written on a command line.
fn is_flag(attribute: &Attribute) -> bool {
    let fits = match attribute.ty() {
        Type::String | Type::Number | Type::Bool => true,
        Type::List(item) | Type::Set(item) => *item == Type::String,
        _ => false,
    };
    fits && attribute.configurable() && !attribute.sensitive
}

/// A flag as the usage text writes it.
fn spelled(attribute: &Attribute) -> String {
    let name = attribute.name.replace('_', "-");
    match attribute.ty() {
        Type::Bool => format!("--{name}"),
        Type::Number => format!("--{name}=NUMBER"),
        Type::List(_) | Type::Set(_) => format!("--{name}=TEXT (once for each)"),
        _ => format!("--{name}=TEXT"),
    }
}

fn words(name: &str) -> String {
    name.replace('_', " ").replace("id", "ID")
}

/// A value of a type; `earlier` is what the same flag said before.
fn read(ty: &Type, text: &str, earlier: Value) -> Result<Value, String> {
    match (ty, earlier) {
        (Type::List(_), Value::Null) => Ok(Value::List(vec![Value::string(text)])),
        (Type::Set(_), Value::Null) => Ok(Value::set([Value::string(text)])),
        (Type::List(_), Value::List(mut items)) => {
            items.push(Value::string(text));
            Ok(Value::List(items))
        }
        (Type::Set(_), Value::Set(mut items)) => {
            items.push(Value::string(text));
            Ok(Value::set(items))
        }
        (_, earlier) if !earlier.is_null() => Err("written twice".to_owned()),
        (Type::Bool, _) => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err("a switch: leave its value out, or write true or false".to_owned()),
        },
        (Type::Number, _) => text
            .parse::<Number>()
            .map(Value::Number)
            .map_err(|_| "a number".to_owned()),
        _ => Ok(Value::string(text)),
    }
}

fn set(config: &mut Value, name: &str, value: Value) {
    if let Value::Object(attributes) = config {
        attributes.insert(name.to_owned(), value);
    }
}
