//! Schemas: what a practitioner may write, and how each attribute behaves.
//!
//! A schema is plain data built with the small constructors below. Its order of attributes is the order
//! of the documentation. [`Block::ty`] and [`Attribute::ty`] give the implied type.

mod check;
mod literal;
mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::diagnostics::Diagnostics;
use super::value::{AttributePath, Type, Value};

pub use self::check::{check_function, check_identity_schema, check_resource_schema, check_schema};
pub use self::literal::{Misfit, complete};
pub use self::walk::walk_config;
pub(crate) use self::walk::{
    Shape, elements_of, entry_at, item_at, pair, traverse, traverse_attributes,
};

/// The schema of a provider, resource, data source, list resource or action.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// Version of the stored state; see state upgrade.
    pub version: i64,
    /// The root block.
    pub block: Block,
}

/// A block: attributes and nested blocks.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// The attributes, in the order of the documentation.
    pub attributes: Vec<Attribute>,
    /// The nested blocks.
    pub blocks: Vec<NestedBlock>,
    /// Markdown.
    pub description: String,
    /// Why not to use it any more; `None` while it is in use.
    pub deprecation: Option<String>,
}

/// A nested block type.
#[derive(Debug, Clone)]
pub struct NestedBlock {
    /// The block's type name.
    pub name: String,
    /// How often it may stand, and what it becomes.
    pub nesting: BlockNesting,
    /// Its contents.
    pub block: Block,
    /// Fewest blocks.
    pub min_items: i64,
    /// Most blocks; 0 is no limit.
    pub max_items: i64,
}

/// How nested blocks are collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockNesting {
    /// At most one, null when absent.
    Single,
    /// In order.
    List,
    /// Without order.
    Set,
    /// By label.
    Map,
    /// Exactly one, never null.
    Group,
}

/// How nested attributes are collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// One object.
    Single,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// A map of objects.
    Map,
}

/// What an attribute holds.
#[derive(Debug, Clone)]
pub enum AttributeType {
    /// A value of a type.
    Plain(Type),
    /// Objects with attributes of their own.
    Nested(Nesting, Vec<Attribute>),
}

/// Who sets an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setter {
    /// The practitioner must.
    Required,
    /// The practitioner may.
    Optional,
    /// The practitioner may; else the provider does.
    OptionalComputed,
    /// Only the provider.
    Computed,
}

/// One attribute.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Its name: `[a-z0-9_]+`.
    pub name: String,
    /// What it holds.
    pub ty: AttributeType,
    /// Who sets it.
    pub setter: Setter,
    /// Masked by Terraform's UI.
    pub sensitive: bool,
    /// Never stored; null everywhere but in the configuration.
    pub write_only: bool,
    /// Markdown; one helpful sentence.
    pub description: String,
    /// Why not to use it any more.
    pub deprecation: Option<String>,
    /// Planned when the configuration leaves it out; only for [`Setter::OptionalComputed`].
    pub default: Option<Value>,
    /// Checks of configured values, run when the value is known.
    pub validators: Vec<Arc<dyn Validator>>,
    /// Adjust the planned value.
    pub plan_modifiers: Vec<Arc<dyn PlanModifier>>,
}

/// Checks one configured, known, non-null value.
pub trait Validator: std::fmt::Debug + Send + Sync {
    /// Adds what is wrong, at `path`.
    fn validate(&self, path: &AttributePath, value: &Value, diagnostics: &mut Diagnostics);
}

/// What a plan modifier sees and may change.
#[derive(Debug)]
pub struct PlanModification<'a> {
    /// Where.
    pub path: &'a AttributePath,
    /// The configured value.
    pub config: &'a Value,
    /// The prior value; null on create.
    pub prior: &'a Value,
    /// Whether the resource is being created.
    pub creating: bool,
    /// The planned value, to be changed in place.
    pub planned: &'a mut Value,
    /// Set when a change of this attribute replaces the resource.
    pub requires_replace: bool,
}

/// Adjusts the planned value of an attribute.
pub trait PlanModifier: std::fmt::Debug + Send + Sync {
    /// Changes `planned` or asks for replacement.
    fn modify(&self, modification: &mut PlanModification<'_>);
}

impl Schema {
    /// A first version with these attributes and no blocks.
    pub fn new(description: &str, attributes: Vec<Attribute>) -> Self {
        Self {
            version: 0,
            block: Block {
                attributes,
                description: description.to_owned(),
                ..Block::default()
            },
        }
    }

    /// An object of the schema with nothing in it: attributes null, collections of blocks empty.
    pub fn empty(&self) -> Value {
        self.block.empty()
    }
}

impl Block {
    /// The implied type: one attribute for each attribute and each type of nested block.
    pub fn ty(&self) -> Type {
        let attributes = self.attributes.iter().map(|a| (a.name.clone(), a.ty()));
        let blocks = self.blocks.iter().map(|b| (b.name.clone(), b.ty()));
        Type::Object(attributes.chain(blocks).collect())
    }

    /// An object of the block with nothing in it: attributes null, collections of blocks empty.
    pub fn empty(&self) -> Value {
        let attributes = self
            .attributes
            .iter()
            .map(|a| (a.name.clone(), Value::Null));
        let blocks = self.blocks.iter().map(|b| (b.name.clone(), b.empty()));
        Value::Object(attributes.chain(blocks).collect())
    }
}

impl NestedBlock {
    /// The implied type.
    pub fn ty(&self) -> Type {
        let object = self.block.ty();
        match self.nesting {
            BlockNesting::Single | BlockNesting::Group => object,
            BlockNesting::List => Type::list(object),
            BlockNesting::Set => Type::set(object),
            BlockNesting::Map => Type::map(object),
        }
    }

    /// What stands for no block: null only for a single one.
    pub fn empty(&self) -> Value {
        match self.nesting {
            BlockNesting::Single => Value::Null,
            BlockNesting::Group => self.block.empty(),
            BlockNesting::List => Value::List(Vec::new()),
            BlockNesting::Set => Value::Set(Vec::new()),
            BlockNesting::Map => Value::Map(BTreeMap::new()),
        }
    }
}

impl Attribute {
    /// An attribute of a plain type.
    pub fn new(name: &str, ty: Type, setter: Setter, description: &str) -> Self {
        Self::with_type(name, AttributeType::Plain(ty), setter, description)
    }

    /// A text attribute.
    pub fn string(name: &str, setter: Setter, description: &str) -> Self {
        Self::new(name, Type::String, setter, description)
    }

    /// A truth value.
    pub fn bool(name: &str, setter: Setter, description: &str) -> Self {
        Self::new(name, Type::Bool, setter, description)
    }

    /// A number.
    pub fn number(name: &str, setter: Setter, description: &str) -> Self {
        Self::new(name, Type::Number, setter, description)
    }

    /// A map of text.
    pub fn string_map(name: &str, setter: Setter, description: &str) -> Self {
        Self::new(name, Type::Map(Box::new(Type::String)), setter, description)
    }

    /// An attribute with attributes of its own.
    pub fn nested(
        name: &str,
        nesting: Nesting,
        attributes: Vec<Attribute>,
        setter: Setter,
        description: &str,
    ) -> Self {
        Self::with_type(
            name,
            AttributeType::Nested(nesting, attributes),
            setter,
            description,
        )
    }

    fn with_type(name: &str, ty: AttributeType, setter: Setter, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            ty,
            setter,
            sensitive: false,
            write_only: false,
            description: description.to_owned(),
            deprecation: None,
            default: None,
            validators: Vec::new(),
            plan_modifiers: Vec::new(),
        }
    }

    /// Masks the value in Terraform's UI.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Keeps the value out of plan and state: it reaches the provider only in the configuration.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// Warns who sets it; the reason says what to use instead.
    #[must_use]
    pub fn deprecated(mut self, reason: &str) -> Self {
        self.deprecation = Some(reason.to_owned());
        self
    }

    /// Plans this value when the configuration leaves the attribute out.
    #[must_use]
    pub fn default(mut self, value: Value) -> Self {
        self.default = Some(value);
        self
    }

    /// Checks configured values.
    #[must_use]
    pub fn validate(mut self, validator: impl Validator + 'static) -> Self {
        self.validators.push(Arc::new(validator));
        self
    }

    /// Adjusts planned values.
    #[must_use]
    pub fn plan(mut self, modifier: impl PlanModifier + 'static) -> Self {
        self.plan_modifiers.push(Arc::new(modifier));
        self
    }

    /// The implied type.
    pub fn ty(&self) -> Type {
        match &self.ty {
            AttributeType::Plain(ty) => ty.clone(),
            AttributeType::Nested(nesting, attributes) => {
                let object = Box::new(object_type(attributes));
                match nesting {
                    Nesting::Single => *object,
                    Nesting::List => Type::List(object),
                    Nesting::Set => Type::Set(object),
                    Nesting::Map => Type::Map(object),
                }
            }
        }
    }

    /// Whether the practitioner may leave it to the provider.
    pub fn computed(&self) -> bool {
        matches!(self.setter, Setter::Computed | Setter::OptionalComputed)
    }

    /// Whether the practitioner may write it.
    pub fn configurable(&self) -> bool {
        self.setter != Setter::Computed
    }
}

/// The object type of a list of attributes.
pub fn object_type(attributes: &[Attribute]) -> Type {
    Type::Object(
        attributes
            .iter()
            .map(|a| (a.name.clone(), a.ty()))
            .collect::<BTreeMap<_, _>>(),
    )
}
