//! Random schemas, and configurations and states that fit them.
//!
//! Left out on purpose are sets whose elements have optional attributes that are computed, too: there two
//! configured elements can become one planned element, which Terraform refuses and no provider can avoid.

use proptest::prelude::*;

use super::value_of;
use crate::framework::schema::{
    Attribute, AttributeType, Block, BlockNesting, NestedBlock, Nesting, Schema, Setter, Shape,
};
use crate::framework::value::{Type, Value};

/// What surrounds an attribute.
#[derive(Clone, Copy)]
struct Surroundings {
    depth: u32,
    in_set: bool,
    computed: bool,
}

/// A valid schema.
pub(crate) fn any_schema() -> impl Strategy<Value = Schema> {
    let around = Surroundings {
        depth: 2,
        in_set: false,
        computed: false,
    };
    any_block(around).prop_map(|block| Schema { version: 1, block })
}

fn any_block(around: Surroundings) -> BoxedStrategy<Block> {
    let blocks = if around.depth == 0 {
        Just(Vec::new()).boxed()
    } else {
        prop::collection::vec(any_nesting(), 0..2)
            .prop_flat_map(move |nestings| {
                (0..)
                    .zip(nestings)
                    .map(|(number, nesting)| any_nested_block(number, nesting, around))
                    .collect::<Vec<_>>()
            })
            .boxed()
    };
    (any_attributes(around), blocks)
        .prop_map(|(attributes, blocks)| Block {
            attributes,
            blocks,
            ..Block::default()
        })
        .boxed()
}

fn any_nesting() -> impl Strategy<Value = BlockNesting> {
    prop_oneof![
        Just(BlockNesting::Single),
        Just(BlockNesting::Group),
        Just(BlockNesting::List),
        Just(BlockNesting::Set),
        Just(BlockNesting::Map),
    ]
}

fn any_nested_block(
    number: u32,
    nesting: BlockNesting,
    around: Surroundings,
) -> BoxedStrategy<NestedBlock> {
    let inside = Surroundings {
        depth: around.depth - 1,
        in_set: around.in_set || nesting == BlockNesting::Set,
        ..around
    };
    any_block(inside)
        .prop_map(move |block| NestedBlock {
            name: format!("block_{number}"),
            nesting,
            block,
            min_items: 0,
            max_items: 0,
        })
        .boxed()
}

fn any_attributes(around: Surroundings) -> BoxedStrategy<Vec<Attribute>> {
    (1..4_u32)
        .prop_flat_map(move |count| {
            (0..count)
                .map(|number| any_attribute(format!("attribute_{number}"), around))
                .collect::<Vec<_>>()
        })
        .boxed()
}

fn any_attribute(name: String, around: Surroundings) -> BoxedStrategy<Attribute> {
    let setter = match around {
        Surroundings { computed: true, .. } => Just(Setter::Computed).boxed(),
        Surroundings { in_set: true, .. } => prop_oneof![
            Just(Setter::Required),
            Just(Setter::Optional),
            Just(Setter::Computed)
        ]
        .boxed(),
        _ => prop_oneof![
            Just(Setter::Required),
            Just(Setter::Optional),
            Just(Setter::OptionalComputed),
            Just(Setter::Computed)
        ]
        .boxed(),
    };
    setter
        .prop_flat_map(move |setter| {
            if around.depth == 0 {
                plain_attribute(name.clone(), setter, around)
            } else {
                prop_oneof![
                    plain_attribute(name.clone(), setter, around),
                    nested_attribute(name.clone(), setter, around),
                ]
                .boxed()
            }
        })
        .boxed()
}

fn plain_attribute(name: String, setter: Setter, around: Surroundings) -> BoxedStrategy<Attribute> {
    let ty = prop_oneof![
        3 => Just(Type::String),
        1 => Just(Type::Number),
        1 => Just(Type::list(Type::String)),
        1 => Just(Type::set(Type::String)),
        1 => Just(Type::map(Type::Bool)),
    ];
    (ty, any::<bool>())
        .prop_map(move |(ty, extra)| {
            let attribute = Attribute::new(&name, ty.clone(), setter, "");
            match setter {
                Setter::OptionalComputed if extra && ty == Type::String => {
                    attribute.default(Value::string("default"))
                }
                Setter::Optional if extra && !around.in_set => attribute.write_only(),
                _ => attribute,
            }
        })
        .boxed()
}

fn nested_attribute(
    name: String,
    setter: Setter,
    around: Surroundings,
) -> BoxedStrategy<Attribute> {
    prop_oneof![
        Just(Nesting::Single),
        Just(Nesting::List),
        Just(Nesting::Set),
        Just(Nesting::Map),
    ]
    .prop_flat_map(move |nesting| {
        let inside = Surroundings {
            depth: around.depth - 1,
            in_set: around.in_set || nesting == Nesting::Set,
            computed: setter == Setter::Computed,
        };
        let name = name.clone();
        any_attributes(inside)
            .prop_map(move |attributes| Attribute::nested(&name, nesting, attributes, setter, ""))
    })
    .boxed()
}

/// A configuration; values of attributes and whole collections may be unknown.
pub(crate) fn config_of(schema: &Schema) -> BoxedStrategy<Value> {
    object(&schema.block.attributes, &schema.block.blocks, Kind::Config)
}

/// A state as it could be stored.
pub(crate) fn state_of(schema: &Schema) -> BoxedStrategy<Value> {
    object(&schema.block.attributes, &schema.block.blocks, Kind::State)
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Config,
    State,
}

fn object(attributes: &[Attribute], blocks: &[NestedBlock], kind: Kind) -> BoxedStrategy<Value> {
    let attributes = attributes
        .iter()
        .map(|a| (Just(a.name.clone()), attribute(a, kind)));
    let blocks = blocks
        .iter()
        .map(|b| (Just(b.name.clone()), nested_block(b, kind)));
    attributes
        .chain(blocks)
        .collect::<Vec<_>>()
        .prop_map(Value::object)
        .boxed()
}

fn attribute(attribute: &Attribute, kind: Kind) -> BoxedStrategy<Value> {
    let absent = match kind {
        Kind::Config => attribute.setter == Setter::Computed,
        Kind::State => attribute.write_only,
    };
    if absent {
        return Just(Value::Null).boxed();
    }
    let known = match &attribute.ty {
        AttributeType::Plain(ty) => value_of(ty, kind == Kind::Config)
            .prop_filter("a value, known as a whole", |v| {
                !v.is_null() && !v.is_unknown()
            })
            .boxed(),
        AttributeType::Nested(nesting, attributes) => {
            let element = object(attributes, &[], kind);
            match nesting {
                Nesting::Single => element,
                Nesting::List => list_of(element),
                Nesting::Set => set_of(element),
                Nesting::Map => map_of(element),
            }
        }
    };
    let null = u32::from(attribute.setter != Setter::Required) * 2;
    let unknown = u32::from(kind == Kind::Config);
    prop_oneof![
        6 => known,
        null => Just(Value::Null),
        unknown => Just(Value::Unknown),
    ]
    .boxed()
}

fn nested_block(nested: &NestedBlock, kind: Kind) -> BoxedStrategy<Value> {
    let element = object(&nested.block.attributes, &nested.block.blocks, kind);
    match nested.nesting {
        BlockNesting::Single => prop_oneof![element, Just(Value::Null)].boxed(),
        BlockNesting::Group => element,
        BlockNesting::List => list_of(element),
        BlockNesting::Set => set_of(element),
        BlockNesting::Map => map_of(element),
    }
}

fn list_of(element: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop::collection::vec(element, 0..3)
        .prop_map(Value::List)
        .boxed()
}

fn set_of(element: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop::collection::vec(element, 0..3)
        .prop_map(Value::set)
        .boxed()
}

fn map_of(element: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop::collection::btree_map("[a-c]", element, 0..3)
        .prop_map(Value::Map)
        .boxed()
}

/// A planned state with something known in place of everything unknown, as a provider fills it in: what it
/// does not compute it leaves null.
pub(crate) fn filled_state(schema: &Schema, planned: Value) -> Value {
    filled(Shape::of(&schema.block), planned, &Attribute::computed)
}

/// A configuration with something known in place of everything unknown: in an object that was unknown,
/// only what is required is written.
pub(crate) fn filled_config(schema: &Schema, config: Value) -> Value {
    filled(Shape::of(&schema.block), config, &|attribute| {
        attribute.setter == Setter::Required
    })
}

/// Fills in what is unknown; `present` tells which attributes of an unknown object are there.
fn filled(shape: Shape<'_>, value: Value, present: &dyn Fn(&Attribute) -> bool) -> Value {
    let Value::Object(mut values) = value else {
        return value;
    };
    for attribute in shape.attributes {
        if let Some(value) = values.remove(&attribute.name) {
            let value = filled_attribute(attribute, value, present);
            values.insert(attribute.name.clone(), value);
        }
    }
    for nested in shape.blocks {
        if let Some(value) = values.remove(&nested.name) {
            let inside = |value| filled(Shape::of(&nested.block), value, present);
            values.insert(nested.name.clone(), each(value, &inside));
        }
    }
    Value::Object(values)
}

fn filled_attribute(
    attribute: &Attribute,
    value: Value,
    present: &dyn Fn(&Attribute) -> bool,
) -> Value {
    match (&attribute.ty, value) {
        (AttributeType::Plain(ty), value) => filled_plain(ty, value),
        (AttributeType::Nested(Nesting::Single, attributes), Value::Unknown) => {
            let values = attributes.iter().map(|inner| {
                let value = if present(inner) {
                    filled_attribute(inner, Value::Unknown, present)
                } else {
                    Value::Null
                };
                (inner.name.as_str(), value)
            });
            Value::object(values)
        }
        (AttributeType::Nested(Nesting::List, _), Value::Unknown) => Value::List(Vec::new()),
        (AttributeType::Nested(Nesting::Set, _), Value::Unknown) => Value::set([]),
        (AttributeType::Nested(Nesting::Map, _), Value::Unknown) => Value::map::<&str>([]),
        (AttributeType::Nested(_, attributes), value) => each(value, &|value| {
            filled(Shape::nested(attributes), value, present)
        }),
    }
}

fn filled_plain(ty: &Type, value: Value) -> Value {
    match (ty, value) {
        (Type::String, Value::Unknown) => Value::string("filled"),
        (Type::Number, Value::Unknown) => Value::number(7),
        (Type::Bool, Value::Unknown) => Value::Bool(true),
        (Type::List(_), Value::Unknown) => Value::List(Vec::new()),
        (Type::Set(_), Value::Unknown) => Value::set([]),
        (Type::Map(_), Value::Unknown) => Value::map::<&str>([]),
        (Type::List(element) | Type::Set(element) | Type::Map(element), value) => {
            each(value, &|value| filled_plain(element, value))
        }
        (_, value) => value,
    }
}

/// Each element of a collection changed; anything else changed itself.
fn each(value: Value, change: &dyn Fn(Value) -> Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.into_iter().map(change).collect()),
        Value::Set(items) => Value::set(items.into_iter().map(change)),
        Value::Map(entries) => Value::map(entries.into_iter().map(|(key, v)| (key, change(v)))),
        single => change(single),
    }
}
