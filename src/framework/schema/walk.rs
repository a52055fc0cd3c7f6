//! Going through values along a schema, at any depth.

use crate::framework::schema::{Attribute, AttributeType, Block, NestedBlock};
use crate::framework::value::{AttributePath, NULL, UNKNOWN, Value};

/// Visits every attribute of a configuration with its value, outer ones first: those of nested
/// attributes and blocks, too, once for each element. The elements of a set have no path of their own;
/// their attributes are visited at the path of the set.
pub fn walk_config(
    block: &Block,
    config: &Value,
    visit: &mut dyn FnMut(&Attribute, &AttributePath, &Value),
) {
    walk_object(Shape::of(block), &AttributePath::default(), config, visit);
}

fn walk_object(
    shape: Shape<'_>,
    path: &AttributePath,
    object: &Value,
    visit: &mut dyn FnMut(&Attribute, &AttributePath, &Value),
) {
    let Value::Object(values) = object else {
        return;
    };
    for attribute in shape.attributes {
        let value = values.get(&attribute.name).unwrap_or(&NULL);
        let here = shape.path(path, &attribute.name);
        visit(attribute, &here, value);
        if let AttributeType::Nested(_, attributes) = &attribute.ty {
            walk_elements(Shape::nested(attributes), &here, value, visit);
        }
    }
    for nested in shape.blocks {
        let value = values.get(&nested.name).unwrap_or(&NULL);
        let here = shape.path(path, &nested.name);
        walk_elements(Shape::of(&nested.block), &here, value, visit);
    }
}

fn walk_elements(
    shape: Shape<'_>,
    path: &AttributePath,
    value: &Value,
    visit: &mut dyn FnMut(&Attribute, &AttributePath, &Value),
) {
    match value {
        Value::List(items) => (0..)
            .zip(items)
            .for_each(|(index, item)| walk_object(shape, &path.index(index), item, visit)),
        Value::Map(entries) => entries
            .iter()
            .for_each(|(key, item)| walk_object(shape, &path.key(key), item, visit)),
        Value::Set(elements) => elements
            .iter()
            .for_each(|item| walk_object(shape.in_set(), path, item, visit)),
        single => walk_object(shape, path, single, visit),
    }
}

/// What an object holds: the contents of a block, or of a nested attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<'a> {
    pub(crate) attributes: &'a [Attribute],
    pub(crate) blocks: &'a [NestedBlock],
    /// Inside a set nothing has a path of its own.
    in_set: bool,
}

impl<'a> Shape<'a> {
    pub(crate) fn of(block: &'a Block) -> Self {
        Self {
            attributes: &block.attributes,
            blocks: &block.blocks,
            in_set: false,
        }
    }

    pub(crate) fn nested(attributes: &'a [Attribute]) -> Self {
        Self {
            attributes,
            blocks: &[],
            in_set: false,
        }
    }

    fn in_set(self) -> Self {
        Self {
            in_set: true,
            ..self
        }
    }

    fn path(self, path: &AttributePath, name: &str) -> AttributePath {
        if self.in_set {
            path.clone()
        } else {
            path.attribute(name)
        }
    }

    /// Whether `element` can come from `config`: it differs only in computed attributes that the
    /// configuration leaves out.
    pub(crate) fn comes_from(self, config: &Value, element: &Value) -> bool {
        if !matches!((config, element), (Value::Object(_), Value::Object(_))) {
            return config.same(element);
        }
        let attributes = self.attributes.iter().all(|attribute| {
            let written = config.attribute(&attribute.name);
            let there = element.attribute(&attribute.name);
            match &attribute.ty {
                _ if written.is_null() && attribute.computed() => true,
                AttributeType::Plain(_) => written.same(there),
                AttributeType::Nested(_, attributes) => {
                    Shape::nested(attributes).all_come_from(written, there)
                }
            }
        });
        attributes
            && self.blocks.iter().all(|nested| {
                Shape::of(&nested.block).all_come_from(
                    config.attribute(&nested.name),
                    element.attribute(&nested.name),
                )
            })
    }

    fn all_come_from(self, config: &Value, value: &Value) -> bool {
        match (config, value) {
            (Value::List(a), Value::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.comes_from(a, b))
            }
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .zip(b)
                        .all(|((ka, a), (kb, b))| ka == kb && self.comes_from(a, b))
            }
            (Value::Set(a), Value::Set(b)) => {
                a.len() == b.len() && pair(self, a, b).iter().all(Option::is_some)
            }
            (a, b) => self.comes_from(a, b),
        }
    }
}

/// For each element of a configured set, the position of the element of another set that comes from it.
/// Equal elements find each other first; then the first free one that differs only in what is computed.
pub(crate) fn pair(shape: Shape<'_>, config: &[Value], others: &[Value]) -> Vec<Option<usize>> {
    let mut free: Vec<bool> = vec![true; others.len()];
    let mut take = |fits: &dyn Fn(&Value) -> bool| {
        let found = (0..others.len()).find(|&at| free[at] && fits(&others[at]))?;
        free[found] = false;
        Some(found)
    };
    let mut pairs: Vec<Option<usize>> = config
        .iter()
        .map(|element| take(&|other| element.same(other)))
        .collect();
    for (element, found) in config.iter().zip(&mut pairs) {
        if found.is_none() {
            *found = take(&|other| shape.comes_from(element, other));
        }
    }
    pairs
}

/// What a traversal does at an attribute: it gets the attribute, its path, the configured and the prior
/// value, and may change the planned one. It answers whether to go on into nested attributes.
pub(crate) type Visit<'v> =
    dyn FnMut(&Attribute, &AttributePath, &Value, &Value, &mut Value) -> bool + 'v;

/// Goes through a planned object, outer attributes first, each beside its configured and prior value.
/// Elements of lists are matched by position, of maps by key, of sets by [`pair`].
pub(crate) fn traverse(
    block: &Block,
    config: &Value,
    prior: &Value,
    planned: &mut Value,
    visit: &mut Visit<'_>,
) {
    let path = AttributePath::default();
    traverse_object(Shape::of(block), &path, config, prior, planned, visit);
}

/// The same for the value of a nested attribute.
pub(crate) fn traverse_attributes(
    attributes: &[Attribute],
    config: &Value,
    prior: &Value,
    planned: &mut Value,
    visit: &mut Visit<'_>,
) {
    let path = AttributePath::default();
    traverse_elements(
        Shape::nested(attributes),
        &path,
        config,
        prior,
        planned,
        visit,
    );
}

fn traverse_object(
    shape: Shape<'_>,
    path: &AttributePath,
    config: &Value,
    prior: &Value,
    planned: &mut Value,
    visit: &mut Visit<'_>,
) {
    let Value::Object(values) = planned else {
        return;
    };
    for attribute in shape.attributes {
        let Some(value) = values.get_mut(&attribute.name) else {
            continue;
        };
        let here = shape.path(path, &attribute.name);
        let config = config.attribute(&attribute.name);
        let prior = prior.attribute(&attribute.name);
        if visit(attribute, &here, config, prior, value)
            && let AttributeType::Nested(_, attributes) = &attribute.ty
        {
            traverse_elements(
                Shape::nested(attributes),
                &here,
                config,
                prior,
                value,
                visit,
            );
        }
    }
    for nested in shape.blocks {
        let Some(value) = values.get_mut(&nested.name) else {
            continue;
        };
        let here = shape.path(path, &nested.name);
        let config = config.attribute(&nested.name);
        let prior = prior.attribute(&nested.name);
        traverse_elements(Shape::of(&nested.block), &here, config, prior, value, visit);
    }
}

fn traverse_elements(
    shape: Shape<'_>,
    path: &AttributePath,
    config: &Value,
    prior: &Value,
    planned: &mut Value,
    visit: &mut Visit<'_>,
) {
    match planned {
        Value::List(items) => {
            for (position, item) in items.iter_mut().enumerate() {
                let here = path.index(i64::try_from(position).unwrap_or(i64::MAX));
                let config = item_at(config, position);
                let prior = item_at(prior, position);
                traverse_object(shape, &here, config, prior, item, visit);
            }
        }
        Value::Map(entries) => {
            for (key, item) in entries {
                let here = path.key(key);
                let config = entry_at(config, key);
                let prior = entry_at(prior, key);
                traverse_object(shape, &here, config, prior, item, visit);
            }
        }
        Value::Set(elements) => {
            let configured = elements_of(config);
            let priors = elements_of(prior);
            let planned_at = pair(shape, configured, elements);
            let prior_at = pair(shape, configured, priors);
            for (position, element) in elements.iter_mut().enumerate() {
                let from = planned_at.iter().position(|at| *at == Some(position));
                let config = from.map_or(&NULL, |from| &configured[from]);
                let prior = from.and_then(|from| prior_at[from]);
                let prior = prior.map_or(&NULL, |at| &priors[at]);
                traverse_object(shape.in_set(), path, config, prior, element, visit);
            }
            *planned = Value::set(std::mem::take(elements));
        }
        single => traverse_object(shape, path, config, prior, single, visit),
    }
}

/// The element of a list at a position: null beyond its end, unknown inside something unknown.
pub(crate) fn item_at(list: &Value, position: usize) -> &Value {
    match list {
        Value::List(items) => items.get(position).unwrap_or(&NULL),
        Value::Unknown => &UNKNOWN,
        _ => &NULL,
    }
}

/// The element of a map under a key: null where there is none, unknown inside something unknown.
pub(crate) fn entry_at<'a>(map: &'a Value, key: &str) -> &'a Value {
    match map {
        Value::Map(entries) => entries.get(key).unwrap_or(&NULL),
        Value::Unknown => &UNKNOWN,
        _ => &NULL,
    }
}

/// The elements of a known set.
pub(crate) fn elements_of(set: &Value) -> &[Value] {
    match set {
        Value::Set(elements) => elements,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::schema::{Nesting, Schema, Setter};

    /// A set of rules, each with a key and a note that the provider may choose.
    fn schema() -> Schema {
        let inner = vec![
            Attribute::string("key", Setter::Optional, ""),
            Attribute::string("note", Setter::OptionalComputed, ""),
        ];
        let rules = Attribute::nested("rules", Nesting::Set, inner, Setter::Optional, "");
        Schema::new("", vec![rules])
    }

    fn rule(key: &str, note: Value) -> Value {
        Value::object([("key", Value::string(key)), ("note", note)])
    }

    fn rules<const N: usize>(rules: [Value; N]) -> Value {
        Value::object([("rules", Value::set(rules))])
    }

    #[test]
    fn equal_elements_of_sets_find_each_other_first() {
        let AttributeType::Nested(_, attributes) = &schema().block.attributes[0].ty else {
            panic!("rules are nested");
        };
        let config = [rule("a", Value::Null), rule("a", Value::string("mine"))];
        let others = [
            rule("b", Value::Null),
            rule("a", Value::string("mine")),
            rule("a", Value::string("chosen")),
        ];
        assert_eq!(
            pair(Shape::nested(attributes), &config, &others),
            [Some(2), Some(1)]
        );
    }

    #[test]
    fn a_changed_set_is_in_order_again() {
        let config = rules([rule("a", Value::Null), rule("b", Value::Null)]);
        let mut planned = config.clone();
        let schema = schema();
        traverse(
            &schema.block,
            &config,
            &NULL,
            &mut planned,
            &mut |attribute, _, config, _, planned| {
                if attribute.name == "key" {
                    // Turns the order around.
                    *planned = Value::string(if config.as_str() == Some("a") {
                        "y"
                    } else {
                        "x"
                    });
                }
                true
            },
        );
        let expected = rules([rule("x", Value::Null), rule("y", Value::Null)]);
        assert_eq!(planned, expected);
    }

    #[test]
    fn attributes_in_a_set_are_visited_at_the_path_of_the_set() {
        let mut visited = Vec::new();
        let config = rules([rule("a", Value::Null), rule("b", Value::Null)]);
        walk_config(&schema().block, &config, &mut |attribute, path, _| {
            visited.push(format!("{path} {}", attribute.name));
        });
        assert_eq!(
            visited,
            [
                "rules rules",
                "rules key",
                "rules note",
                "rules key",
                "rules note"
            ]
        );
    }
}
