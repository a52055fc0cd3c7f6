//! Random types and values.

use proptest::prelude::*;

use crate::framework::value::{Number, Type, Value};

/// A type of bounded depth.
pub(crate) fn any_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        Just(Type::String),
        Just(Type::Number),
        Just(Type::Bool),
        Just(Type::Dynamic)
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            prop::collection::btree_map("[a-c]", inner.clone(), 0..3).prop_map(Type::Object),
            prop::collection::vec(inner, 0..3).prop_map(Type::Tuple),
        ]
    })
}

/// A type with a value of it; nulls and unknowns may be anywhere.
pub(crate) fn typed_value() -> impl Strategy<Value = (Type, Value)> {
    any_type().prop_flat_map(|ty| {
        let value = value_of(&ty, true);
        (Just(ty), value)
    })
}

/// A value of a type.
pub(crate) fn value_of(ty: &Type, with_unknown: bool) -> BoxedStrategy<Value> {
    let known: BoxedStrategy<Value> = match ty {
        Type::String => prop_oneof!["[a-c]{0,2}", "\\PC{0,4}"]
            .prop_map(Value::string)
            .boxed(),
        Type::Number => any_number().prop_map(Value::Number).boxed(),
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Dynamic => prop_oneof![Just(Type::String), Just(Type::list(Type::Number))]
            .prop_flat_map(move |ty| {
                value_of(&ty, with_unknown)
                    .prop_map(move |value| Value::Dynamic(Box::new((ty.clone(), value))))
            })
            .boxed(),
        Type::List(element) => prop::collection::vec(value_of(element, with_unknown), 0..3)
            .prop_map(Value::List)
            .boxed(),
        Type::Set(element) => prop::collection::vec(value_of(element, with_unknown), 0..3)
            .prop_map(Value::set)
            .boxed(),
        Type::Map(element) => {
            prop::collection::btree_map("[a-c]", value_of(element, with_unknown), 0..3)
                .prop_map(Value::Map)
                .boxed()
        }
        Type::Object(attributes) => attributes
            .iter()
            .map(|(name, ty)| (Just(name.clone()), value_of(ty, with_unknown)))
            .collect::<Vec<_>>()
            .prop_map(Value::object)
            .boxed(),
        Type::Tuple(elements) => elements
            .iter()
            .map(|ty| value_of(ty, with_unknown))
            .collect::<Vec<_>>()
            .prop_map(Value::List)
            .boxed(),
    };
    prop_oneof![
        8 => known,
        1 => Just(Value::Null),
        u32::from(with_unknown) => Just(if with_unknown { Value::Unknown } else { Value::Null }),
    ]
    .boxed()
}

fn any_number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        (-3_i64..3).prop_map(Number::from),
        "-?[0-9]{1,30}(\\.[0-9]{1,20})?".prop_map(|text| text.parse().unwrap()),
        "[0-9]\\.(5|25|125)".prop_map(|text| text.parse().unwrap()),
    ]
}
