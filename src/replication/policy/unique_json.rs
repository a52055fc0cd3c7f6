//! JSON in which no object names a member twice.
//!
//! A condition written twice in a policy is a common slip. Parsers usually keep the last one without a word,
//! which here would widen a grant; so the repetition is an error.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Reads a text as JSON. It is read twice: once for its members' names, once as it stands, so that numbers
/// stay as they were written.
pub(super) fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str::<Unique>(text)?;
    serde_json::from_str(text)
}

/// The member as which the JSON library hands over a number, alone in an object.
const NUMBER: &str = "$serde_json::private::Number";

/// JSON of which nothing is kept but that its names are unique.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Unique, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, Unique)) = access.next_entry::<String, Unique>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format!(
                    "the member {name:?} stands twice"
                )));
            }
            names.insert(name);
        }
        // Beside others it is no number. First among them it would be taken for one, and a text that is written
        // again could not be read any more.
        if names.len() > 1 && names.contains(NUMBER) {
            return Err(A::Error::custom(format!(
                "no member may be called {NUMBER:?}"
            )));
        }
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Unique, A::Error> {
        while let Some(Unique) = access.next_element()? {}
        Ok(Unique)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_unit<E: Error>(self) -> Result<Unique, E> {
        Ok(Unique)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_as_it_stands() {
        let text =
            r#"{"a":[null,true,-1,1,0.5,1e+400,12345678901234567890123,"x",{}],"b":{"a":[]}}"#;
        assert_eq!(parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn the_librarys_own_name_for_numbers_is_no_name_for_a_member() {
        for text in [
            r#"{"$serde_json::private::Number":"x","a":1}"#,
            r#"{"a":1,"$serde_json::private::Number":"5"}"#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_member_that_stands_twice_is_refused_at_any_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"c":2,"a":3}}]"#] {
            let error = parse(text).unwrap_err().to_string();
            assert!(
                error.starts_with("the member \"a\" stands twice at line 1"),
                "{error}"
            );
        }
    }
}
