//! The policy document as a value: statements, elements, and keys that are still to be made.
//!
//! The model keeps all that a foreign document says, so that it can be written back. It keeps the order of
//! statements and lists, and drops only spelling that AWS does not tell apart: a list of one and the string
//! alone, a condition's `true` and `"true"`. The JSON form is in `json.rs`.

use std::collections::BTreeMap;

use crate::replication::component::ComponentId;
use crate::replication::operation::Input;

/// The version of every document that we write.
pub(super) const CURRENT_VERSION: &str = "2012-10-17";

/// The version that AWS assumes where a document names none.
pub(super) const OLDEST_VERSION: &str = "2008-10-17";

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDocument {
    /// `Version`; a document that was read without one has `2008-10-17`, as AWS assumes.
    pub version: String,
    /// `Id`, a label.
    pub id: Option<String>,
    /// The statements in the order in which they are written.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Statement {
    /// `Sid`, the statement's name; ours all have one in documents that others write to as well.
    pub sid: Option<String>,
    /// `Effect`.
    pub effect: Effect,
    /// `Principal` or `NotPrincipal`; identity policies have neither.
    pub principal: Option<Element<Principals>>,
    /// `Action` or `NotAction`; KMS accepts a statement without either, which does nothing.
    pub action: Option<Element<Vec<String>>>,
    /// `Resource` or `NotResource`; trust policies have neither.
    pub resource: Option<Element<Vec<Input<String>>>>,
    /// `Condition`.
    pub condition: Condition,
    /// Members that this model does not know, kept as they were read.
    pub other: BTreeMap<String, serde_json::Value>,
}

/// What a statement does when it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, whatever else allows.
    Deny,
}

/// An element that also exists as its opposite: `Action` and `NotAction`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Element<T> {
    /// The statement applies to these.
    Is(T),
    /// The statement applies to everything but these.
    Not(T),
}

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principals {
    /// `"*"`.
    Everyone,
    /// Principals by kind: `AWS`, `Service`, `Federated`, `CanonicalUser`.
    Of(BTreeMap<String, Vec<String>>),
}

/// Values by operator and condition key; all of it must hold. Booleans and numbers are kept as text.
pub type Condition = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// Why a document cannot be written out yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// It names something that this component has still to become.
    #[error("the policy names {0}, which is not made yet")]
    Component(ComponentId),
}

impl PolicyDocument {
    /// A document of the current version.
    pub fn new(statements: Vec<Statement>) -> Self {
        Self {
            version: CURRENT_VERSION.to_owned(),
            id: None,
            statements,
        }
    }

    /// The same document with outputs of components filled in, as far as `output` knows them.
    pub fn resolve(&self, output: &dyn Fn(&ComponentId) -> Option<String>) -> Self {
        let mut resolved = self.clone();
        for resource in resolved.resources_mut() {
            if let Input::OutputOf(component) = resource
                && let Some(value) = output(component)
            {
                *resource = Input::Known(value);
            }
        }
        resolved
    }

    /// Whether every value is known, so that [`render`](Self::render) succeeds.
    pub fn is_resolved(&self) -> bool {
        self.inputs().iter().all(|input| input.known().is_some())
    }

    /// Whether it is of the version before policy variables.
    pub fn is_older(&self) -> bool {
        self.version == OLDEST_VERSION
    }

    /// Whether a statement has what reads as a policy variable in a document of the current version.
    pub fn has_variables(&self) -> bool {
        self.statements.iter().any(Statement::has_variable)
    }

    /// Every resource that a statement names.
    pub fn inputs(&self) -> Vec<&Input<String>> {
        self.statements
            .iter()
            .filter_map(|statement| statement.resource.as_ref())
            .flat_map(|resources| resources.inner())
            .collect()
    }

    /// All resources of all statements.
    pub(super) fn resources_mut(&mut self) -> impl Iterator<Item = &mut Input<String>> {
        let lists = self
            .statements
            .iter_mut()
            .filter_map(|s| s.resource.as_mut());
        lists.flat_map(|resources| match resources {
            Element::Is(list) | Element::Not(list) => list.iter_mut(),
        })
    }
}

/// A document of the current version without statements.
impl Default for PolicyDocument {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Statement {
    /// The `Sid`; one that is written and empty names nothing.
    pub fn name(&self) -> Option<&str> {
        self.sid.as_deref().filter(|sid| !sid.is_empty())
    }

    /// Whether it grants something to one of these ARNs by name.
    pub fn names_any(&self, arns: &[&str]) -> bool {
        let Some(Element::Is(Principals::Of(kinds))) = &self.principal else {
            return false;
        };
        let mut named = kinds.get("AWS").into_iter().flatten();
        named.any(|id| arns.contains(&id.as_str()))
    }

    /// The resources that it names, as far as they are known.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        let lists = self.resource.iter().flat_map(Element::inner);
        lists.filter_map(|input| input.known().map(String::as_str))
    }

    /// The actions that it names.
    pub fn actions_named(&self) -> &[String] {
        match &self.action {
            Some(Element::Is(actions)) => actions,
            _ => &[],
        }
    }

    /// Whether it has what reads as a policy variable in a document of the current version.
    pub fn has_variable(&self) -> bool {
        let mut values = self.condition.values().flat_map(BTreeMap::values).flatten();
        self.resources().any(is_variable) || values.any(|value| is_variable(value))
    }
}

/// Whether a text has a policy variable.
pub(super) fn is_variable(text: &str) -> bool {
    text.contains("${")
}

impl<T> Element<T> {
    /// What is named, whichever way it counts.
    pub fn inner(&self) -> &T {
        match self {
            Self::Is(inner) | Self::Not(inner) => inner,
        }
    }

    /// The same element of something else.
    pub(super) fn map<'a, U>(&'a self, change: impl FnOnce(&'a T) -> U) -> Element<U> {
        match self {
            Self::Is(inner) => Element::Is(change(inner)),
            Self::Not(inner) => Element::Not(change(inner)),
        }
    }
}

/// How the builders write statements.
impl Statement {
    /// A statement that allows nothing yet.
    pub(super) fn allow(sid: impl Into<String>) -> Self {
        Self {
            sid: Some(sid.into()),
            effect: Effect::Allow,
            principal: None,
            action: None,
            resource: None,
            condition: Condition::new(),
            other: BTreeMap::new(),
        }
    }

    /// Sets one principal, such as `AWS` and a role's ARN.
    pub(super) fn principal(mut self, kind: &str, id: impl Into<String>) -> Self {
        let principals = BTreeMap::from([(kind.to_owned(), vec![id.into()])]);
        self.principal = Some(Element::Is(Principals::Of(principals)));
        self
    }

    /// Sets the actions.
    pub(super) fn actions(mut self, actions: &[&str]) -> Self {
        self.action = Some(Element::Is(
            actions.iter().map(ToString::to_string).collect(),
        ));
        self
    }

    /// Sets the resources.
    pub(super) fn on(mut self, resources: impl IntoIterator<Item = Input<String>>) -> Self {
        self.resource = Some(Element::Is(resources.into_iter().collect()));
        self
    }

    /// Sets one resource that is known.
    pub(super) fn resource(self, resource: impl Into<String>) -> Self {
        self.on([Input::Known(resource.into())])
    }

    /// Adds a condition.
    pub(super) fn when(
        mut self,
        operator: &str,
        key: &str,
        values: impl IntoIterator<Item = String>,
    ) -> Self {
        self.condition
            .entry(operator.to_owned())
            .or_default()
            .insert(key.to_owned(), values.into_iter().collect());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::component::{Part, Side};

    fn key_component() -> ComponentId {
        ComponentId::Of(Side::Source, Part::Key)
    }

    fn naming(resource: Input<String>) -> PolicyDocument {
        PolicyDocument::new(vec![
            Statement::allow("Decrypt")
                .actions(&["kms:Decrypt"])
                .on([resource]),
        ])
    }

    #[test]
    fn resolving_fills_in_what_a_component_answered() {
        let document = naming(Input::OutputOf(key_component()));
        assert!(!document.is_resolved());
        let resolved = document
            .resolve(&|component| (*component == key_component()).then(|| "arn:key".to_owned()));
        assert_eq!(resolved, naming(Input::Known("arn:key".into())));
        assert!(resolved.is_resolved());
    }

    #[test]
    fn resolving_leaves_what_nobody_knows() {
        let document = naming(Input::OutputOf(key_component()));
        assert_eq!(document.resolve(&|_| None), document);
        assert!(!document.is_resolved());
    }
}
