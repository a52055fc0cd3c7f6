//! What becomes of valid input on a bad day.

use std::collections::BTreeMap;

use terraform_provider_replicated::framework::value::{Number, Type, Value};

use support::dice::Dice;

/// Bytes that mean much: MessagePack's markers with lengths that cannot be, JSON's and protobuf's marks.
const TOKENS: [&[u8]; 24] = [
    b"\xc0",
    b"\xc1",
    b"\xd4\x00\x00",
    b"\xc7\xff\x0c",
    b"\xc9\xff\xff\xff\xff\x0c",
    b"\xdb\xff\xff\xff\xff",
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xdd\x00\x00\x00\x05",
    b"\x92\xc4\x08\"string\"\xa1a",
    b"\x92\xc4\x09\"dynamic\"",
    b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
    b"\xcb\xff\xf8\x00\x00\x00\x00\x00\x00",
    b"\xa31e9",
    b"\xa2\xc3\x28",
    b"\xf0\x9f\x98",
    b"\x00",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x80",
    b"\x90",
    b"{\"a\":",
    b"[[[[[[[[",
    b"\"\\ud800\"",
    b"null",
];

/// Parts of texts that mean something somewhere.
const WORDS: [&str; 44] = [
    "",
    "*",
    ":",
    "/",
    ",",
    "@",
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    "?",
    "${",
    "}",
    "\0",
    "\n",
    "é",
    "e\u{301}",
    "😀",
    "\u{202e}",
    "-",
    ".",
    "..",
    "0",
    "-1",
    "1e4095",
    "1e999999999",
    "9223372036854775808",
    "true",
    "null",
    "arn:aws:iam::111111111111:role/",
    "arn:aws:s3:::",
    "arn:aws:kms:eu-west-1:222222222222:key/",
    "alias/",
    "111111111111",
    "eu-west-1",
    "acme-archive",
    "replicated:owner",
    "aws:",
    "xn--",
    "$serde_json::private::Number",
    "\"Statement\":",
    "\\u0000",
];

/// Numbers at which something ends.
const NUMBERS: [&str; 14] = [
    "0",
    "-0",
    "1",
    "-1",
    "0.5",
    "2147483647",
    "2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "1e4000",
    "1e-4000",
    "0.10000000000000000555",
];

/// Changes bytes a few times.
pub fn bytes(dice: &mut Dice, valid: &[u8]) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for _ in 0..=dice.below(3) {
        let range = dice.range(bytes.len());
        match dice.below(8) {
            0 => drop(bytes.drain(range)),
            1 => {
                let part = bytes[range.clone()].to_vec();
                bytes.splice(range.start..range.start, part);
            }
            2 => bytes.truncate(range.start),
            3 => {
                let token = dice.one_of(&TOKENS);
                bytes.splice(range, token.iter().copied());
            }
            4 => {
                let token = dice.one_of(&TOKENS);
                bytes.splice(range.start..range.start, token.iter().copied());
            }
            5 => {
                let part = bytes[range.clone()].to_vec();
                let times = dice.below(300);
                bytes.splice(range, part.repeat(times));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(range.start) {
                    *byte = if dice.once_in(2) {
                        dice.byte()
                    } else {
                        *byte ^ (1 << dice.below(8))
                    };
                }
            }
        }
    }
    bytes
}

/// Changes a text a few times; it stays UTF-8.
pub fn text(dice: &mut Dice, valid: &str) -> String {
    let mut letters: Vec<char> = valid.chars().collect();
    for _ in 0..=dice.below(3) {
        let range = dice.range(letters.len());
        match dice.below(6) {
            0 => drop(letters.drain(range)),
            1 => {
                let part = letters[range.clone()].to_vec();
                letters.splice(range.start..range.start, part);
            }
            2 => letters.truncate(range.start),
            3 => {
                let part = letters[range.clone()].to_vec();
                let times = dice.below(200);
                letters.splice(range, part.repeat(times));
            }
            4 => drop(letters.splice(range, dice.one_of(&WORDS).chars())),
            _ => drop(letters.splice(range.start..range.start, dice.one_of(&WORDS).chars())),
        }
    }
    letters.into_iter().collect()
}

/// Changes a value a few times; it stays one of its type.
pub fn value(dice: &mut Dice, valid: &Value, ty: &Type) -> Value {
    let mut value = valid.clone();
    for _ in 0..=dice.below(3) {
        let parts = parts_of(&value);
        change_part(dice, &mut value, ty, &mut (parts, 0));
    }
    value
}

fn parts_of(value: &Value) -> usize {
    let mut parts = 0;
    value.walk(&mut |_, _| parts += 1);
    parts
}

/// Goes through all parts, and changes about one of them.
fn change_part(dice: &mut Dice, value: &mut Value, ty: &Type, progress: &mut (usize, usize)) {
    if dice.below(progress.0) == 0 {
        *value = changed(dice, value, ty);
        return;
    }
    progress.1 += 1;
    match (value, ty) {
        (Value::Object(attributes), Type::Object(types)) => {
            for (name, value) in attributes {
                change_part(dice, value, &types[name], progress);
            }
        }
        (Value::Map(entries), Type::Map(element)) => {
            for value in entries.values_mut() {
                change_part(dice, value, element, progress);
            }
        }
        (Value::List(items) | Value::Set(items), Type::List(element) | Type::Set(element)) => {
            for value in items {
                change_part(dice, value, element, progress);
            }
        }
        (Value::List(items), Type::Tuple(types)) => {
            for (value, ty) in items.iter_mut().zip(types) {
                change_part(dice, value, ty, progress);
            }
        }
        (Value::Dynamic(typed), Type::Dynamic) => {
            let (ty, value) = &mut **typed;
            change_part(dice, value, &ty.clone(), progress);
        }
        _ => {}
    }
}

fn changed(dice: &mut Dice, value: &Value, ty: &Type) -> Value {
    match dice.below(8) {
        0 => return Value::Null,
        1 => return Value::Unknown,
        2 => return any(dice, ty, 3),
        _ => {}
    }
    match value {
        Value::String(valid) => Value::string(text(dice, valid)),
        Value::Bool(truth) => Value::Bool(!truth),
        Value::List(items) if !matches!(ty, Type::Tuple(_)) => Value::List(rearranged(dice, items)),
        Value::Set(items) => Value::set(rearranged(dice, items)),
        Value::Map(entries) => {
            let mut entries = entries.clone();
            let keys: Vec<String> = entries.keys().cloned().collect();
            if !keys.is_empty() {
                let key = dice.one_of(&keys).clone();
                let value = entries[&key].clone();
                if dice.once_in(2) {
                    entries.remove(&key);
                }
                entries.insert(text(dice, &key), value);
            }
            Value::map(entries.into_iter().map(|(key, value)| {
                let Value::String(key) = Value::string(key) else {
                    unreachable!("a text is a text");
                };
                (key, value)
            }))
        }
        _ => any(dice, ty, 2),
    }
}

fn rearranged(dice: &mut Dice, items: &[Value]) -> Vec<Value> {
    let mut items = items.to_vec();
    let range = dice.range(items.len());
    if dice.once_in(2) {
        items.drain(range);
    } else {
        let part = items[range.clone()].to_vec();
        items.splice(range.start..range.start, part);
    }
    items
}

/// A value of a type, as deep as told.
pub fn any(dice: &mut Dice, ty: &Type, depth: usize) -> Value {
    if depth == 0 || dice.once_in(8) {
        return if dice.once_in(3) {
            Value::Unknown
        } else {
            Value::Null
        };
    }
    let few = |dice: &mut Dice| dice.below(4);
    match ty {
        Type::String => Value::string(
            (0..few(dice))
                .map(|_| *dice.one_of(&WORDS))
                .collect::<String>(),
        ),
        Type::Number => Value::Number(number(dice)),
        Type::Bool => Value::Bool(dice.once_in(2)),
        Type::Dynamic => {
            let ty = any_type(dice, depth - 1);
            let value = any(dice, &ty, depth - 1);
            Value::Dynamic(Box::new((ty, value)))
        }
        Type::List(element) => Value::List(
            (0..few(dice))
                .map(|_| any(dice, element, depth - 1))
                .collect(),
        ),
        Type::Set(element) => {
            let items: Vec<Value> = (0..few(dice))
                .map(|_| any(dice, element, depth - 1))
                .collect();
            Value::set(items)
        }
        Type::Map(element) => {
            let entries: BTreeMap<String, Value> = (0..few(dice))
                .map(|_| {
                    (
                        (*dice.one_of(&["a", "b", "backup", "é", ""])).to_owned(),
                        any(dice, element, depth - 1),
                    )
                })
                .collect();
            Value::Map(entries)
        }
        Type::Object(types) => Value::object(
            types
                .iter()
                .map(|(name, ty)| (name.clone(), any(dice, ty, depth - 1))),
        ),
        Type::Tuple(types) => {
            Value::List(types.iter().map(|ty| any(dice, ty, depth - 1)).collect())
        }
    }
}

/// A number, most often a small one or one at which something ends.
pub fn number(dice: &mut Dice) -> Number {
    match dice.below(3) {
        0 => dice.number().into(),
        _ => dice.one_of(&NUMBERS).parse().unwrap(),
    }
}

/// A type, as deep as told.
pub fn any_type(dice: &mut Dice, depth: usize) -> Type {
    let leaves = [Type::String, Type::Number, Type::Bool, Type::Dynamic];
    if depth == 0 {
        return dice.one_of(&leaves).clone();
    }
    let inner = depth - 1;
    let few = dice.below(3);
    match dice.below(8) {
        0 => Type::list(any_type(dice, inner)),
        1 => Type::set(any_type(dice, inner)),
        2 => Type::map(any_type(dice, inner)),
        3 => Type::Tuple((0..few).map(|_| any_type(dice, inner)).collect()),
        4 | 5 => Type::Object(
            ["a", "b", "c"][..few]
                .iter()
                .map(|name| ((*name).to_owned(), any_type(dice, inner)))
                .collect(),
        ),
        _ => dice.one_of(&leaves).clone(),
    }
}
