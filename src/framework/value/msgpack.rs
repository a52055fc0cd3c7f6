//! The MessagePack form of values, as Terraform sends and expects it.
//!
//! Reading trusts nothing: lengths are checked against what is left, nesting is bounded, and a value of
//! the wrong shape is an error with its place. Extensions are unknown values; their refinements are
//! skipped. Writing keeps numbers exact: an integer, a float where that is the very number, else text.

use std::collections::BTreeMap;

use rmp::Marker;

use super::{AttributePath, CodecError, MAX_DEPTH, Number, PathStep, Type, Value, normalised};

impl Value {
    /// Reads a value of a type.
    pub fn from_msgpack(bytes: &[u8], ty: &Type) -> Result<Self, CodecError> {
        let mut reader = Reader {
            rest: bytes,
            path: AttributePath::default(),
            depth: 0,
        };
        let value = reader.value(ty)?;
        if reader.rest.is_empty() {
            Ok(value)
        } else {
            Err(reader.error("there are bytes after the end of the value"))
        }
    }

    /// Writes a value of a type.
    pub fn to_msgpack(&self, ty: &Type) -> Result<Vec<u8>, CodecError> {
        let value = self.clone().into_type(ty)?;
        let mut bytes = Vec::new();
        write(&mut bytes, &value)?;
        Ok(bytes)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    path: AttributePath,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, ty: &Type) -> Result<Value, CodecError> {
        if self.depth > MAX_DEPTH {
            return Err(self.error("the value is nested too deeply"));
        }
        self.depth += 1;
        let value = self.value_of(ty);
        self.depth -= 1;
        value
    }

    fn value_of(&mut self, ty: &Type) -> Result<Value, CodecError> {
        let marker = Marker::from_u8(self.byte()?);
        match marker {
            Marker::Null => return Ok(Value::Null),
            Marker::FixExt1 => return self.skip_extension(1),
            Marker::FixExt2 => return self.skip_extension(2),
            Marker::FixExt4 => return self.skip_extension(4),
            Marker::FixExt8 => return self.skip_extension(8),
            Marker::FixExt16 => return self.skip_extension(16),
            Marker::Ext8 => {
                let length = self.length(1)?;
                return self.skip_extension(length);
            }
            Marker::Ext16 => {
                let length = self.length(2)?;
                return self.skip_extension(length);
            }
            Marker::Ext32 => {
                let length = self.length(4)?;
                return self.skip_extension(length);
            }
            _ => {}
        }
        match ty {
            Type::String => self.text(marker, ty).map(Value::String),
            Type::Number => self.number(marker).map(Value::Number),
            Type::Bool => match marker {
                Marker::True => Ok(Value::Bool(true)),
                Marker::False => Ok(Value::Bool(false)),
                other => Err(self.unexpected(ty, other)),
            },
            Type::Dynamic => self.dynamic(marker),
            Type::List(element) => self.items(marker, ty, element).map(Value::List),
            Type::Set(element) => self.set(marker, ty, element),
            Type::Tuple(elements) => self.tuple(marker, ty, elements),
            Type::Map(element) => self.map(marker, ty, element),
            Type::Object(attributes) => self.object(marker, ty, attributes),
        }
    }

    fn number(&mut self, marker: Marker) -> Result<Number, CodecError> {
        match marker {
            Marker::FixPos(n) => Ok(i64::from(n).into()),
            Marker::FixNeg(n) => Ok(i64::from(n).into()),
            Marker::U8 => Ok(u64::from(u8::from_be_bytes(self.array()?)).into()),
            Marker::U16 => Ok(u64::from(u16::from_be_bytes(self.array()?)).into()),
            Marker::U32 => Ok(u64::from(u32::from_be_bytes(self.array()?)).into()),
            Marker::U64 => Ok(u64::from_be_bytes(self.array()?).into()),
            Marker::I8 => Ok(i64::from(i8::from_be_bytes(self.array()?)).into()),
            Marker::I16 => Ok(i64::from(i16::from_be_bytes(self.array()?)).into()),
            Marker::I32 => Ok(i64::from(i32::from_be_bytes(self.array()?)).into()),
            Marker::I64 => Ok(i64::from_be_bytes(self.array()?).into()),
            Marker::F32 => {
                let float = f32::from_be_bytes(self.array()?);
                Number::from_f64(f64::from(float)).map_err(|e| self.error(e))
            }
            Marker::F64 => {
                let float = f64::from_be_bytes(self.array()?);
                Number::from_f64(float).map_err(|e| self.error(e))
            }
            marker => {
                let text = self.text(marker, &Type::Number)?;
                text.parse().map_err(|e: CodecError| self.error(e))
            }
        }
    }

    fn text(&mut self, marker: Marker, wanted: &Type) -> Result<String, CodecError> {
        let bytes = self.string_bytes(marker, wanted)?;
        let text = str::from_utf8(bytes).map_err(|_| self.error("the text is not UTF-8"))?;
        Ok(normalised(text.to_owned()))
    }

    /// The bytes of a string, or of a binary string, which some writers use for text.
    fn string_bytes(&mut self, marker: Marker, wanted: &Type) -> Result<&'a [u8], CodecError> {
        let length = match marker {
            Marker::FixStr(length) => usize::from(length),
            Marker::Str8 | Marker::Bin8 => self.length(1)?,
            Marker::Str16 | Marker::Bin16 => self.length(2)?,
            Marker::Str32 | Marker::Bin32 => self.length(4)?,
            other => return Err(self.unexpected(wanted, other)),
        };
        self.take(length)
    }

    fn dynamic(&mut self, marker: Marker) -> Result<Value, CodecError> {
        if self.array_length(marker, &Type::Dynamic)? != 2 {
            return Err(self.error("expected a type and a value"));
        }
        let marker = Marker::from_u8(self.byte()?);
        let json = self.string_bytes(marker, &Type::Dynamic)?;
        let ty = serde_json::from_slice(json)
            .map_err(|_| self.error("the type of the value is not JSON"))
            .and_then(|json| Type::from_json(&json).map_err(|e| self.error(e)))?;
        let value = self.value(&ty)?;
        Ok(Value::Dynamic(Box::new((ty, value))))
    }

    fn items(
        &mut self,
        marker: Marker,
        ty: &Type,
        element: &Type,
    ) -> Result<Vec<Value>, CodecError> {
        let length = self.array_length(marker, ty)?;
        (0..)
            .take(length)
            .map(|index| self.at(PathStep::Index(index), |reader| reader.value(element)))
            .collect()
    }

    fn set(&mut self, marker: Marker, ty: &Type, element: &Type) -> Result<Value, CodecError> {
        let length = self.array_length(marker, ty)?;
        (0..length)
            .map(|_| self.value(element))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::set)
    }

    fn tuple(&mut self, marker: Marker, ty: &Type, elements: &[Type]) -> Result<Value, CodecError> {
        let length = self.array_length(marker, ty)?;
        if length != elements.len() {
            let message = format!("expected a tuple of {}, found {length}", elements.len());
            return Err(self.error(message));
        }
        (0..)
            .zip(elements)
            .map(|(index, element)| self.at(PathStep::Index(index), |reader| reader.value(element)))
            .collect::<Result<_, _>>()
            .map(Value::List)
    }

    fn map(&mut self, marker: Marker, ty: &Type, element: &Type) -> Result<Value, CodecError> {
        let length = self.map_length(marker, ty)?;
        let mut entries = BTreeMap::new();
        for _ in 0..length {
            let key = self.key()?;
            let step = PathStep::Key(key.clone());
            let value = self.at(step, |reader| reader.value(element))?;
            if entries.insert(key, value).is_some() {
                return Err(self.error("a key stands twice in the map"));
            }
        }
        Ok(Value::Map(entries))
    }

    fn object(
        &mut self,
        marker: Marker,
        ty: &Type,
        types: &BTreeMap<String, Type>,
    ) -> Result<Value, CodecError> {
        let length = self.map_length(marker, ty)?;
        if length != types.len() {
            let message = format!(
                "expected an object of {} attributes, found {length}",
                types.len()
            );
            return Err(self.error(message));
        }
        let mut attributes = BTreeMap::new();
        for _ in 0..length {
            let name = self.key()?;
            let step = PathStep::Attribute(name.clone());
            let value = self.at(step, |reader| match types.get(&name) {
                Some(ty) => reader.value(ty),
                None => Err(reader.error("the type has no such attribute")),
            })?;
            if attributes.insert(name, value).is_some() {
                return Err(self.error("an attribute stands twice in the object"));
            }
        }
        Ok(Value::Object(attributes))
    }

    fn key(&mut self) -> Result<String, CodecError> {
        let marker = Marker::from_u8(self.byte()?);
        self.text(marker, &Type::String)
    }

    fn array_length(&mut self, marker: Marker, wanted: &Type) -> Result<usize, CodecError> {
        match marker {
            Marker::FixArray(length) => Ok(usize::from(length)),
            Marker::Array16 => self.length(2),
            Marker::Array32 => self.length(4),
            other => Err(self.unexpected(wanted, other)),
        }
        .and_then(|length| self.plausible(length, 1))
    }

    fn map_length(&mut self, marker: Marker, wanted: &Type) -> Result<usize, CodecError> {
        match marker {
            Marker::FixMap(length) => Ok(usize::from(length)),
            Marker::Map16 => self.length(2),
            Marker::Map32 => self.length(4),
            other => Err(self.unexpected(wanted, other)),
        }
        .and_then(|length| self.plausible(length, 2))
    }

    /// Refuses a count of elements for which there are not even enough bytes, so that no memory is
    /// reserved on the word of the sender.
    fn plausible(&self, count: usize, bytes_each: usize) -> Result<usize, CodecError> {
        if count.saturating_mul(bytes_each) <= self.rest.len() {
            Ok(count)
        } else {
            Err(self.error("the value ends too early"))
        }
    }

    /// A length of one, two or four bytes.
    fn length(&mut self, width: usize) -> Result<usize, CodecError> {
        let bytes = self.take(width)?;
        Ok(bytes
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte)))
    }

    fn skip_extension(&mut self, length: usize) -> Result<Value, CodecError> {
        let _kind = self.byte()?;
        self.take(length)?;
        Ok(Value::Unknown)
    }

    fn byte(&mut self) -> Result<u8, CodecError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| self.error("the value ends too early"))?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], CodecError> {
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| self.error("the value ends too early"))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn at<T>(
        &mut self,
        step: PathStep,
        read: impl FnOnce(&mut Self) -> Result<T, CodecError>,
    ) -> Result<T, CodecError> {
        self.path.0.push(step);
        let result = read(self);
        self.path.0.pop();
        result
    }

    fn error(&self, message: impl std::fmt::Display) -> CodecError {
        CodecError::at(&self.path, message)
    }

    fn unexpected(&self, wanted: &Type, found: Marker) -> CodecError {
        self.error(format!(
            "expected {}, found {}",
            wanted.noun(),
            marker_noun(found)
        ))
    }
}

fn marker_noun(marker: Marker) -> &'static str {
    match marker {
        Marker::Null => "null",
        Marker::True | Marker::False => "a bool",
        Marker::FixPos(_)
        | Marker::FixNeg(_)
        | Marker::U8
        | Marker::U16
        | Marker::U32
        | Marker::U64
        | Marker::I8
        | Marker::I16
        | Marker::I32
        | Marker::I64
        | Marker::F32
        | Marker::F64 => "a number",
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => "a string",
        Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => "bytes",
        Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => "an array",
        Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => "a map",
        _ => "something else",
    }
}

/// Writes a value that has the shape of its type already.
fn write(out: &mut Vec<u8>, value: &Value) -> Result<(), CodecError> {
    use rmp::encode;
    match value {
        Value::Null => encode::write_nil(out).map_err(no_room),
        Value::Unknown => {
            out.extend([Marker::FixExt1.to_u8(), 0, 0]);
            Ok(())
        }
        Value::String(text) => encode::write_str(out, text).map_err(no_room),
        Value::Number(number) => write_number(out, number),
        Value::Bool(truth) => encode::write_bool(out, *truth).map_err(no_room),
        Value::List(items) | Value::Set(items) => {
            encode::write_array_len(out, length(items.len())?).map_err(no_room)?;
            items.iter().try_for_each(|item| write(out, item))
        }
        Value::Map(entries) | Value::Object(entries) => {
            encode::write_map_len(out, length(entries.len())?).map_err(no_room)?;
            entries.iter().try_for_each(|(key, value)| {
                encode::write_str(out, key).map_err(no_room)?;
                write(out, value)
            })
        }
        Value::Dynamic(typed) => {
            encode::write_array_len(out, 2).map_err(no_room)?;
            encode::write_bin(out, typed.0.to_json().to_string().as_bytes()).map_err(no_room)?;
            write(out, &typed.1)
        }
    }
}

fn write_number(out: &mut Vec<u8>, number: &Number) -> Result<(), CodecError> {
    use rmp::encode;
    if let Some(whole) = number.to_i64() {
        encode::write_sint(out, whole).map(drop).map_err(no_room)
    } else if let Some(float) = number.to_exact_f64().filter(|float| float.fract() != 0.0) {
        encode::write_f64(out, float).map_err(no_room)
    } else {
        encode::write_str(out, &number.to_string()).map_err(no_room)
    }
}

fn length(length: usize) -> Result<u32, CodecError> {
    u32::try_from(length).map_err(no_room)
}

fn no_room(error: impl std::fmt::Display) -> CodecError {
    CodecError(format!("the value cannot be encoded: {error}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        text.split_whitespace()
            .map(|byte| u8::from_str_radix(byte, 16).unwrap())
            .collect()
    }

    fn read(bytes: &str, ty: &Type) -> Result<Value, CodecError> {
        Value::from_msgpack(&hex(bytes), ty)
    }

    fn number(text: &str) -> Value {
        Value::Number(text.parse().unwrap())
    }

    #[test]
    fn numbers_of_every_width_are_read() {
        for (bytes, text) in [
            ("05", "5"),
            ("ff", "-1"),
            ("cc ff", "255"),
            ("cd 01 00", "256"),
            ("ce 00 01 00 00", "65536"),
            ("cf ff ff ff ff ff ff ff ff", "18446744073709551615"),
            ("d0 80", "-128"),
            ("d1 ff 00", "-256"),
            ("d2 ff ff ff ff", "-1"),
            ("d3 80 00 00 00 00 00 00 00", "-9223372036854775808"),
            ("ca 3f 00 00 00", "0.5"),
            ("cb 3f b9 99 99 99 99 99 9a", "0.1"),
            ("cb 43 f0 00 00 00 00 00 00", "18446744073709551616"),
            ("a3 31 65 33", "1000"),
            ("a3 31 2e 30", "1"),
        ] {
            assert_eq!(read(bytes, &Type::Number).unwrap(), number(text), "{bytes}");
        }
    }

    #[test]
    fn numbers_are_written_in_the_form_that_keeps_them_exact() {
        for (text, bytes) in [
            ("5", "05"),
            ("-1", "ff"),
            ("1000", "cd 03 e8"),
            ("0.5", "cb 3f e0 00 00 00 00 00 00"),
            ("0.1", "a3 30 2e 31"),
            (
                "18446744073709551615",
                "b4 31 38 34 34 36 37 34 34 30 37 33 37 30 39 35 35 31 36 31 35",
            ),
        ] {
            assert_eq!(
                number(text).to_msgpack(&Type::Number).unwrap(),
                hex(bytes),
                "{text}"
            );
        }
    }

    #[test]
    fn infinite_numbers_are_refused() {
        assert!(read("cb 7f f0 00 00 00 00 00 00", &Type::Number).is_err());
        assert!(read("cb 7f f8 00 00 00 00 00 00", &Type::Number).is_err());
    }

    #[test]
    fn unknown_values_are_read_with_any_refinement() {
        for bytes in [
            "d4 00 00",
            "c7 03 0c 81 01 c2",
            "c7 09 0c 82 01 c2 02 a4 61 6d 69 2d",
            "d5 0c 80 00",
        ] {
            assert_eq!(
                read(bytes, &Type::String).unwrap(),
                Value::Unknown,
                "{bytes}"
            );
            assert_eq!(
                read(bytes, &Type::list(Type::Bool)).unwrap(),
                Value::Unknown
            );
        }
        assert_eq!(
            Value::Unknown.to_msgpack(&Type::String).unwrap(),
            hex("d4 00 00")
        );
    }

    #[test]
    fn dynamic_values_bring_their_type() {
        let unknown = read("92 c4 08 22 73 74 72 69 6e 67 22 d4 00 00", &Type::Dynamic).unwrap();
        assert_eq!(
            unknown,
            Value::Dynamic(Box::new((Type::String, Value::Unknown)))
        );
        assert!(unknown.is_unknown());
        assert_eq!(
            unknown.to_msgpack(&Type::Dynamic).unwrap(),
            hex("92 c4 08 22 73 74 72 69 6e 67 22 d4 00 00")
        );
        assert_eq!(read("c0", &Type::Dynamic).unwrap(), Value::Null);
    }

    #[test]
    fn text_becomes_nfc_and_may_be_binary() {
        assert_eq!(
            read("a3 65 cc 81", &Type::String).unwrap(),
            Value::string("\u{e9}")
        );
        assert_eq!(read("c4 01 61", &Type::String).unwrap(), Value::string("a"));
        assert!(read("a1 ff", &Type::String).is_err());
    }

    #[test]
    fn duplicates_in_sets_collapse() {
        assert_eq!(
            read("93 02 01 02", &Type::set(Type::Number)).unwrap(),
            Value::set([Value::number(1), Value::number(2)])
        );
    }

    #[test]
    fn wrong_shapes_are_refused_with_their_place() {
        let ty = Type::object([("a", Type::list(Type::map(Type::Bool)))]);
        for (bytes, message) in [
            (
                "81 a1 61 91 81 a1 6b 05",
                "a[0][\"k\"]: expected a bool, found a number",
            ),
            ("81 a1 62 c0", "b: the type has no such attribute"),
            ("80", "expected an object of 1 attributes, found 0"),
            ("81 a1 61 91", "a: the value ends too early"),
            (
                "81 a1 61 c0 c0",
                "there are bytes after the end of the value",
            ),
            ("", "the value ends too early"),
            (
                "81 a1 61 91 82 a1 6b c2 a1 6b c3",
                "a[0]: a key stands twice in the map",
            ),
        ] {
            assert_eq!(read(bytes, &ty).unwrap_err().0, message, "{bytes}");
        }
    }

    #[test]
    fn hostile_lengths_are_refused_without_reserving_memory() {
        for bytes in [
            "dd ff ff ff ff",
            "df ff ff ff ff",
            "db ff ff ff ff",
            "c9 ff ff ff ff 00",
        ] {
            for ty in [
                Type::String,
                Type::list(Type::String),
                Type::set(Type::String),
                Type::map(Type::String),
            ] {
                assert!(read(bytes, &ty).is_err(), "{bytes}");
            }
        }
    }

    #[test]
    fn endless_nesting_is_refused() {
        let mut bytes = Vec::new();
        for _ in 0..100_000 {
            bytes.extend(hex("92 c4 09 22 64 79 6e 61 6d 69 63 22"));
        }
        assert!(Value::from_msgpack(&bytes, &Type::Dynamic).is_err());
    }

    #[test]
    fn values_of_another_type_are_not_written() {
        let error = Value::string("a").to_msgpack(&Type::Bool).unwrap_err();
        assert_eq!(error.0, "expected a bool, found a string");
    }

    proptest! {
        #[test]
        fn any_value_comes_back_as_it_was((ty, value) in crate::framework::testing::typed_value()) {
            let bytes = value.to_msgpack(&ty).unwrap();
            let back = Value::from_msgpack(&bytes, &ty).unwrap();
            prop_assert!(back.same(&value), "{back:?} is not {value:?}");
        }

        #[test]
        fn no_bytes_make_the_reader_panic(
            (ty, _) in crate::framework::testing::typed_value(),
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let _ = Value::from_msgpack(&bytes, &ty);
        }

        #[test]
        fn damaged_values_never_make_the_reader_panic(
            (ty, value) in crate::framework::testing::typed_value(),
            at in any::<proptest::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut bytes = value.to_msgpack(&ty).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(read) = Value::from_msgpack(&bytes, &ty) {
                prop_assert!(read.conforms(&ty).is_ok());
            }
        }
    }
}
