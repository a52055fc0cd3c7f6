//! What Terraform refuses when it loads a schema, and what would fail later and more obscurely.

use std::collections::BTreeSet;

use super::{Attribute, AttributeType, Block, BlockNesting, NestedBlock, Nesting, Schema, Setter};
use crate::framework::provider::{FunctionSignature, IdentitySchema};
use crate::framework::value::{AttributePath, Type};

/// The faults of a schema, each with its place; empty for a valid one.
pub fn check_schema(schema: &Schema) -> Vec<String> {
    let mut check = Check { faults: Vec::new() };
    if schema.version < 0 {
        check.faults.push("the version is negative".to_owned());
    }
    check.block(&AttributePath::default(), &schema.block, false);
    check.faults
}

/// The faults of the schema of a resource or data source, whose root names must not be those that
/// Terraform gives a meaning of its own.
pub fn check_resource_schema(schema: &Schema) -> Vec<String> {
    const RESERVED: [&str; 7] = [
        "connection",
        "count",
        "depends_on",
        "for_each",
        "lifecycle",
        "provider",
        "provisioner",
    ];
    let attributes = schema.block.attributes.iter().map(|a| &a.name);
    let blocks = schema.block.blocks.iter().map(|b| &b.name);
    let reserved = attributes
        .chain(blocks)
        .filter(|name| RESERVED.contains(&name.as_str()))
        .map(|name| format!("{name}: the name has a meaning of its own in every resource"));
    let mut faults = check_schema(schema);
    faults.extend(reserved);
    faults
}

/// The faults of a function's signature; empty for a valid one.
pub fn check_function(name: &str, signature: &FunctionSignature) -> Vec<String> {
    let mut check = Check { faults: Vec::new() };
    let path = AttributePath::default();
    check.name(&path, name, &mut BTreeSet::new());
    let mut names = BTreeSet::new();
    for parameter in signature.parameters.iter().chain(&signature.variadic) {
        let here = AttributePath::root(&parameter.name);
        check.name(&here, &parameter.name, &mut names);
    }
    check.faults
}

/// The faults of an identity schema; empty for a valid one.
pub fn check_identity_schema(identity: &IdentitySchema) -> Vec<String> {
    let mut check = Check { faults: Vec::new() };
    if identity.version < 0 {
        check.faults.push("the version is negative".to_owned());
    }
    let mut names = BTreeSet::new();
    for attribute in &identity.attributes {
        let path = AttributePath::root(&attribute.name);
        check.name(&path, &attribute.name, &mut names);
        let element = match &attribute.ty {
            Type::List(element) => element,
            simple => simple,
        };
        if !matches!(element, Type::String | Type::Number | Type::Bool) {
            check.fault(
                &path,
                "an identity holds only simple values and lists of them",
            );
        }
    }
    check.faults
}

struct Check {
    faults: Vec<String>,
}

impl Check {
    fn fault(&mut self, path: &AttributePath, fault: &str) {
        self.faults.push(format!("{path}: {fault}"));
    }

    fn name<'a>(&mut self, path: &AttributePath, name: &'a str, names: &mut BTreeSet<&'a str>) {
        let valid = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if name.is_empty() || !valid {
            self.fault(path, "a name consists of a-z, 0-9 and _");
        }
        if !names.insert(name) {
            self.fault(path, "the name is used twice");
        }
    }

    fn block(&mut self, path: &AttributePath, block: &Block, in_set: bool) {
        let mut names = BTreeSet::new();
        for attribute in &block.attributes {
            let here = path.attribute(&attribute.name);
            self.name(&here, &attribute.name, &mut names);
            self.attribute(&here, attribute, in_set);
        }
        for nested in &block.blocks {
            let here = path.attribute(&nested.name);
            self.name(&here, &nested.name, &mut names);
            self.nested_block(&here, nested, in_set);
        }
    }

    fn nested_block(&mut self, path: &AttributePath, nested: &NestedBlock, in_set: bool) {
        let (min, max) = (nested.min_items, nested.max_items);
        match nested.nesting {
            BlockNesting::Single if min != max || !(0..=1).contains(&min) => {
                self.fault(path, "a single block has both bounds 0, or both 1");
            }
            BlockNesting::Group | BlockNesting::Map if (min, max) != (0, 0) => {
                self.fault(path, "a group or map of blocks has no bounds");
            }
            BlockNesting::List | BlockNesting::Set if min < 0 || max < 0 => {
                self.fault(path, "a bound is negative");
            }
            BlockNesting::List | BlockNesting::Set if max != 0 && min > max => {
                self.fault(path, "the lower bound is above the upper one");
            }
            _ => {}
        }
        let collection = !matches!(nested.nesting, BlockNesting::Single | BlockNesting::Group);
        if collection && nested.block.ty().has_dynamic() {
            self.fault(
                path,
                "a dynamic value inside a collection of blocks has no type of its own; use a dynamic attribute for the whole",
            );
        }
        self.block(
            path,
            &nested.block,
            in_set || nested.nesting == BlockNesting::Set,
        );
    }

    fn attribute(&mut self, path: &AttributePath, attribute: &Attribute, in_set: bool) {
        if attribute.write_only {
            if attribute.computed() {
                self.fault(path, "a write-only attribute cannot be computed");
            }
            if in_set {
                self.fault(path, "a set cannot hold write-only attributes");
            }
        }
        if let Some(default) = &attribute.default {
            if attribute.setter != Setter::OptionalComputed {
                self.fault(
                    path,
                    "only an optional and computed attribute has a default",
                );
            }
            if default.is_null() || !default.is_wholly_known() {
                self.fault(path, "the default is null or unknown");
            }
            if let Err(error) = default.conforms(&attribute.ty()) {
                self.fault(path, &format!("the default does not fit the type: {error}"));
            }
        }
        if attribute.setter == Setter::Computed && !attribute.validators.is_empty() {
            self.fault(path, "nobody configures it, so its validators never run");
        }
        match &attribute.ty {
            AttributeType::Plain(ty) => {
                if dynamic_in_collection(ty) {
                    self.fault(path, "a collection of dynamic values has no element type");
                }
            }
            AttributeType::Nested(nesting, attributes) => {
                self.nested_attributes(path, attribute, *nesting, attributes, in_set);
            }
        }
    }

    fn nested_attributes(
        &mut self,
        path: &AttributePath,
        parent: &Attribute,
        nesting: Nesting,
        attributes: &[Attribute],
        in_set: bool,
    ) {
        if nesting != Nesting::Single && attributes.iter().any(|a| a.ty().has_dynamic()) {
            self.fault(path, "a collection of dynamic values has no element type");
        }
        let mut names = BTreeSet::new();
        for attribute in attributes {
            let here = path.attribute(&attribute.name);
            self.name(&here, &attribute.name, &mut names);
            if parent.write_only && !attribute.write_only {
                self.fault(
                    &here,
                    "everything inside a write-only attribute is write-only",
                );
            }
            if parent.setter == Setter::Computed && attribute.setter == Setter::Required {
                self.fault(&here, "nothing inside a computed attribute can be required");
            }
            self.attribute(&here, attribute, in_set || nesting == Nesting::Set);
        }
    }
}

fn dynamic_in_collection(ty: &Type) -> bool {
    match ty {
        Type::List(element) | Type::Set(element) | Type::Map(element) => element.has_dynamic(),
        Type::Object(attributes) => attributes.values().any(dynamic_in_collection),
        Type::Tuple(elements) => elements.iter().any(dynamic_in_collection),
        Type::String | Type::Number | Type::Bool | Type::Dynamic => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::provider::{IdentityAttribute, Parameter};
    use crate::framework::value::Value;

    fn faults(attribute: Attribute) -> Vec<String> {
        check_schema(&Schema::new("", vec![attribute]))
    }

    #[test]
    fn a_plain_schema_has_no_faults() {
        let nested = Attribute::nested(
            "rules",
            Nesting::Map,
            vec![
                Attribute::string("id", Setter::Required, ""),
                Attribute::bool("on", Setter::OptionalComputed, "").default(Value::Bool(true)),
            ],
            Setter::Optional,
            "",
        );
        assert_eq!(faults(nested), Vec::<String>::new());
    }

    #[test]
    fn faults_are_named_with_their_place() {
        let set_of_secrets = Attribute::nested(
            "keys",
            Nesting::Set,
            vec![Attribute::string("secret", Setter::Optional, "").write_only()],
            Setter::Optional,
            "",
        );
        let collection = Type::list(Type::Dynamic);
        for (attribute, fault) in [
            (
                Attribute::string("Name", Setter::Optional, ""),
                "Name: a name consists of a-z, 0-9 and _",
            ),
            (
                set_of_secrets,
                "keys.secret: a set cannot hold write-only attributes",
            ),
            (
                Attribute::string("s", Setter::Optional, "").default(Value::string("a")),
                "s: only an optional and computed attribute has a default",
            ),
            (
                Attribute::string("s", Setter::OptionalComputed, "").default(Value::Bool(true)),
                "s: the default does not fit the type: expected a string, found a bool",
            ),
            (
                Attribute::string("s", Setter::Computed, "").write_only(),
                "s: a write-only attribute cannot be computed",
            ),
            (
                Attribute::new("l", collection, Setter::Optional, ""),
                "l: a collection of dynamic values has no element type",
            ),
        ] {
            assert_eq!(faults(attribute), [fault]);
        }
    }

    #[test]
    fn names_with_a_meaning_in_every_resource_are_refused() {
        let schema = Schema::new("", vec![Attribute::string("count", Setter::Optional, "")]);
        assert_eq!(
            check_resource_schema(&schema),
            ["count: the name has a meaning of its own in every resource"]
        );
        assert_eq!(check_schema(&schema), Vec::<String>::new());
    }

    #[test]
    fn identities_and_functions_are_flat_and_named_once() {
        let identity = IdentitySchema {
            version: 0,
            attributes: [Type::list(Type::String), Type::map(Type::String)]
                .map(|ty| IdentityAttribute {
                    name: "a".to_owned(),
                    ty,
                    required_for_import: true,
                    description: String::new(),
                })
                .into(),
        };
        assert_eq!(
            check_identity_schema(&identity),
            [
                "a: the name is used twice",
                "a: an identity holds only simple values and lists of them"
            ]
        );
        let parameter = Parameter {
            name: "a-b".to_owned(),
            ty: Type::String,
            allow_null: false,
            allow_unknown: false,
            description: String::new(),
        };
        let signature = FunctionSignature {
            parameters: vec![parameter],
            variadic: None,
            result: Type::String,
            summary: String::new(),
            description: String::new(),
        };
        assert_eq!(
            check_function("f", &signature),
            ["a-b: a name consists of a-z, 0-9 and _"]
        );
    }

    #[test]
    fn names_are_used_once_for_attributes_and_blocks_together() {
        let mut schema = Schema::new("", vec![Attribute::string("a", Setter::Optional, "")]);
        schema.block.blocks.push(NestedBlock {
            name: "a".to_owned(),
            nesting: BlockNesting::List,
            block: Block::default(),
            min_items: 2,
            max_items: 1,
        });
        assert_eq!(
            check_schema(&schema),
            [
                "a: the name is used twice",
                "a: the lower bound is above the upper one"
            ]
        );
    }
}
