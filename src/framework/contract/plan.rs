//! What a plan may say, given the configuration and the prior state.

use super::{Finding, Findings};
use crate::framework::schema::{
    Attribute, AttributeType, Block, BlockNesting, NestedBlock, Schema, elements_of, entry_at,
    item_at, walk_config,
};
use crate::framework::value::{AttributePath, Value};

/// Checks a planned state. The prior state is null for a new object; config and planned state are null
/// for one to be destroyed.
pub fn assert_plan_valid(
    schema: &Schema,
    prior: &Value,
    config: &Value,
    planned: &Value,
) -> Vec<Finding> {
    let mut check = Check::default();
    let root = AttributePath::default();
    if let Err(error) = planned.conforms(&schema.block.ty()) {
        check
            .findings
            .add(&root, format!("the plan does not fit the schema: {error}"));
        return check.findings.0;
    }
    check.block(&root, &schema.block, prior, config, planned);
    check.findings.0
}

/// Checks the paths whose change replaces the object: each names something in the prior or the planned
/// state that changes, or something write-only.
pub fn assert_replace_paths(
    schema: &Schema,
    prior: &Value,
    planned: &Value,
    paths: &[AttributePath],
) -> Vec<Finding> {
    let mut findings = Findings::default();
    for path in paths {
        let (before, after) = (prior.get(path), planned.get(path));
        if path.0.is_empty() || (before.is_none() && after.is_none()) {
            findings.add(
                path,
                "the path is in neither the prior nor the planned state",
            );
        } else if !changes(before, after) && !is_write_only(schema, planned, path) {
            findings.add(path, "nothing changes here that could replace the object");
        }
    }
    findings.0
}

/// Whether two values are not known to be the same.
pub(crate) fn changes(before: Option<&Value>, after: Option<&Value>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => {
            !before.same(after) || !before.is_wholly_known() || !after.is_wholly_known()
        }
        (before, after) => before.is_some() || after.is_some(),
    }
}

/// Whether a path is that of a write-only attribute.
pub(crate) fn is_write_only(schema: &Schema, value: &Value, path: &AttributePath) -> bool {
    let mut found = false;
    walk_config(&schema.block, value, &mut |attribute, here, _| {
        found |= attribute.write_only && here == path;
    });
    found
}

#[derive(Default)]
struct Check {
    findings: Findings,
}

impl Check {
    fn block(
        &mut self,
        path: &AttributePath,
        block: &Block,
        prior: &Value,
        config: &Value,
        planned: &Value,
    ) {
        if !self.same_presence(path, config, planned) {
            return;
        }
        self.attributes(path, &block.attributes, prior, config, planned);
        for nested in &block.blocks {
            let name = &nested.name;
            self.nested_block(
                &path.attribute(name),
                nested,
                prior.attribute(name),
                config.attribute(name),
                planned.attribute(name),
            );
        }
    }

    /// Whether there is an object to look into; a finding where only one side has it.
    fn same_presence(&mut self, path: &AttributePath, config: &Value, planned: &Value) -> bool {
        match (config.is_null(), planned.is_null()) {
            (true, true) => false,
            (true, false) => {
                self.findings
                    .add(path, "planned, but not in the configuration");
                false
            }
            (false, true) => {
                self.findings
                    .add(path, "in the configuration, but planned as absent");
                false
            }
            (false, false) => true,
        }
    }

    fn attributes(
        &mut self,
        path: &AttributePath,
        attributes: &[Attribute],
        prior: &Value,
        config: &Value,
        planned: &Value,
    ) {
        for attribute in attributes {
            let name = &attribute.name;
            self.attribute(
                &path.attribute(name),
                attribute,
                prior.attribute(name),
                config.attribute(name),
                planned.attribute(name),
            );
        }
    }

    fn attribute(
        &mut self,
        path: &AttributePath,
        attribute: &Attribute,
        prior: &Value,
        config: &Value,
        planned: &Value,
    ) {
        if attribute.write_only {
            if !planned.is_null() {
                self.findings.add(path, "a write-only value is in the plan");
            }
            return;
        }
        if planned.same(config) {
            return;
        }
        if planned.same(prior) && !prior.is_null() && !config.is_null() {
            return;
        }
        if attribute.computed() && (!attribute.configurable() || config.is_null()) {
            return;
        }
        if config.is_null() {
            self.findings.add(
                path,
                "planned, but neither configured nor computed by the provider",
            );
            return;
        }
        match &attribute.ty {
            AttributeType::Nested(_, attributes) => {
                self.nested(path, attributes, prior, config, planned);
            }
            AttributeType::Plain(_) => self.findings.add(
                path,
                "the plan is neither the configured nor the prior value",
            ),
        }
    }

    /// A nested attribute with a configured value.
    fn nested(
        &mut self,
        path: &AttributePath,
        attributes: &[Attribute],
        prior: &Value,
        config: &Value,
        planned: &Value,
    ) {
        if config.is_unknown() {
            self.findings
                .add(path, "unknown in the configuration, but planned as known");
            return;
        }
        if planned.is_unknown() {
            self.findings
                .add(path, "configured, but planned as unknown");
            return;
        }
        if !self.same_presence(path, config, planned) {
            return;
        }
        self.elements(path, config, planned, &mut |check, here, at| {
            let (prior, config, planned) = (at.of(prior), at.of(config), at.of(planned));
            // An element that is unknown as a whole stays so.
            if config.is_unknown() || planned.is_unknown() {
                if !planned.same(config) && !planned.same(prior) {
                    check
                        .findings
                        .add(here, "known and unknown do not match the configuration");
                }
            } else if check.same_presence(here, config, planned) {
                check.attributes(here, attributes, prior, config, planned);
            }
        });
    }

    fn nested_block(
        &mut self,
        path: &AttributePath,
        nested: &NestedBlock,
        prior: &Value,
        config: &Value,
        planned: &Value,
    ) {
        if planned.same(config) {
            return;
        }
        if config.is_unknown() || planned.is_unknown() {
            self.findings
                .add(path, "known and unknown do not match the configuration");
            return;
        }
        let collection = !matches!(nested.nesting, BlockNesting::Single | BlockNesting::Group);
        if collection && planned.is_null() {
            self.findings
                .add(path, "a collection of blocks is planned as null");
            return;
        }
        self.elements(path, config, planned, &mut |check, here, at| {
            check.block(
                here,
                &nested.block,
                at.of(prior),
                at.of(config),
                at.of(planned),
            );
        });
    }

    /// Checks the number and keys of elements and visits each. The elements of a set cannot be told
    /// apart, so they are trusted.
    fn elements(
        &mut self,
        path: &AttributePath,
        config: &Value,
        planned: &Value,
        visit: &mut dyn FnMut(&mut Self, &AttributePath, At<'_>),
    ) {
        match (config, planned) {
            (Value::List(configured), Value::List(items)) => {
                if configured.len() != items.len() {
                    self.findings.add(
                        path,
                        format!(
                            "{} elements configured, {} planned",
                            configured.len(),
                            items.len()
                        ),
                    );
                    return;
                }
                for at in 0..items.len() {
                    let here = path.index(i64::try_from(at).unwrap_or(i64::MAX));
                    visit(self, &here, At::Position(at));
                }
            }
            (Value::Map(configured), Value::Map(entries)) => {
                for key in configured.keys().filter(|key| !entries.contains_key(*key)) {
                    self.findings
                        .add(&path.key(key), "configured, but not planned");
                }
                for key in entries.keys() {
                    if configured.contains_key(key) {
                        visit(self, &path.key(key), At::Key(key));
                    } else {
                        self.findings
                            .add(&path.key(key), "planned, but not configured");
                    }
                }
            }
            (Value::Set(_), Value::Set(_)) => {
                let (configured, elements) = (elements_of(config), elements_of(planned));
                let open = configured.iter().any(|element| !element.is_wholly_known());
                if configured.len() != elements.len() && !open {
                    self.findings.add(
                        path,
                        format!(
                            "{} elements configured, {} planned",
                            configured.len(),
                            elements.len()
                        ),
                    );
                }
                if elements.iter().any(Value::is_unknown)
                    && !configured.iter().any(Value::is_unknown)
                {
                    self.findings.add(path, "an element is planned as unknown");
                }
            }
            _ => visit(self, path, At::Itself),
        }
    }
}

/// Which element of a collection.
#[derive(Clone, Copy)]
enum At<'a> {
    Itself,
    Position(usize),
    Key(&'a str),
}

impl At<'_> {
    fn of(self, collection: &Value) -> &Value {
        match self {
            Self::Itself => collection,
            Self::Position(position) => item_at(collection, position),
            Self::Key(key) => entry_at(collection, key),
        }
    }
}
