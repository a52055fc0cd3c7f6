//! The classics, each by name: nesting, lengths, numbers, broken UTF-8 and repetitions, at every parser that they reach.

use std::sync::Arc;

use prost::Message as _;
use serde_json::json;
use terraform_provider_replicated::framework::value::{Type, Value};
use terraform_provider_replicated::plugin::generated::tfplugin6 as wire;
use terraform_provider_replicated::provider::ReplicatedProvider;
use terraform_provider_replicated::replication::policy::PolicyDocument;

use super::in_process::{Answer, InProcess};

const TYPE: &str = "replicated_bucket";
/// Deeper than any stack.
const DEEP: usize = 1_000_000;
/// The status of a message that gRPC cannot read.
const INTERNAL: &str = "13";

fn service() -> InProcess {
    InProcess::of(Arc::new(ReplicatedProvider::new()))
}

fn refused(bytes: &[u8], ty: &Type) -> String {
    Value::from_msgpack(bytes, ty).unwrap_err().to_string()
}

/// A read whose state is in these bytes.
async fn read(msgpack: &[u8], json: &[u8]) -> Answer {
    let state = wire::DynamicValue {
        msgpack: msgpack.to_vec(),
        json: json.to_vec(),
    };
    let request = wire::read_resource::Request {
        type_name: TYPE.to_owned(),
        current_state: Some(state),
        private: b"kept".to_vec(),
        ..Default::default()
    };
    let answer = service()
        .call("ReadResource", &request.encode_to_vec())
        .await;
    assert_eq!(answer.status, "0");
    // What was there is handed back.
    assert!(answer.says("kept"));
    answer
}

async fn upgrade(json: &[u8]) -> Answer {
    let raw_state = wire::RawState {
        json: json.to_vec(),
        ..Default::default()
    };
    let request = wire::upgrade_resource_state::Request {
        type_name: TYPE.to_owned(),
        version: 1,
        raw_state: Some(raw_state),
    };
    let answer = service()
        .call("UpgradeResourceState", &request.encode_to_vec())
        .await;
    assert_eq!(answer.status, "0");
    answer
}

#[tokio::test]
async fn nesting_without_end_in_messagepack_is_refused() {
    let nested = b"\x92\xc4\x12[\"list\",\"dynamic\"]\x91".repeat(DEEP / 10);
    assert!(refused(&nested, &Type::Dynamic).ends_with("the value is nested too deeply"));
    assert!(
        refused(&b"\x91".repeat(DEEP), &Type::list(Type::String)).contains("expected a string")
    );
    assert!(
        read(&b"\x81".repeat(DEEP), b"")
            .await
            .says("Unreadable request")
    );
}

#[tokio::test]
async fn nesting_without_end_in_json_is_refused() {
    for bracket in ["[", "{\"a\":"] {
        let nested = bracket.repeat(DEEP);
        assert!(
            upgrade(nested.as_bytes())
                .await
                .says("recursion limit exceeded")
        );
        assert!(
            read(b"", nested.as_bytes())
                .await
                .says("recursion limit exceeded")
        );
        let why = PolicyDocument::parse(&nested).unwrap_err().to_string();
        assert!(why.contains("recursion limit exceeded"), "{why}");
    }
}

#[test]
fn nesting_without_end_in_a_type_is_refused() {
    let nested = "[\"list\",".repeat(30_000);
    let mut bytes = vec![0x92, 0xc6];
    bytes.extend(u32::try_from(nested.len()).unwrap().to_be_bytes());
    bytes.extend(nested.as_bytes());
    assert_eq!(
        refused(&bytes, &Type::Dynamic),
        "the type of the value is not JSON"
    );
}

#[tokio::test]
async fn lengths_beyond_what_was_sent_are_refused_before_memory_is_reserved() {
    let texts = Type::list(Type::String);
    let by_key = Type::map(Type::String);
    for (bytes, ty) in [
        (&b"\xdb\xff\xff\xff\xffabc"[..], &Type::String),
        (b"\xc6\xff\xff\xff\xffabc", &Type::String),
        (b"\xdd\xff\xff\xff\xff\xa1a", &texts),
        (b"\xdf\xff\xff\xff\xff\xa1a\xa1b", &by_key),
        (b"\xc9\xff\xff\xff\xff\x0c", &Type::Number),
    ] {
        assert_eq!(refused(bytes, ty), "the value ends too early", "{bytes:x?}");
    }
    // A part of the message, and the message itself.
    let part = service()
        .call("ReadResource", b"\x12\xff\xff\xff\xff\x0fabc")
        .await;
    assert_eq!(part.status, INTERNAL);
    let whole = service()
        .call_framed("ReadResource", u32::MAX, b"abc")
        .await;
    assert_ne!(whole.status, "0");
}

#[tokio::test]
async fn numbers_without_end_are_refused_where_a_number_is_read() {
    for number in [
        "1e999999999",
        "-1e-999999999",
        &"9".repeat(100_000),
        "1e99999999999999999999999999",
    ] {
        let mut bytes = vec![0xdb];
        bytes.extend(u32::try_from(number.len()).unwrap().to_be_bytes());
        bytes.extend(number.as_bytes());
        assert!(
            refused(&bytes, &Type::Number).contains("out of range"),
            "{number:.40}"
        );
        let json = serde_json::from_str(number).unwrap();
        let why = Value::from_json(&json, &Type::Number)
            .unwrap_err()
            .to_string();
        assert!(why.contains("out of range"), "{why}");
        let policy = format!(
            r#"{{"Statement":{{"Effect":"Allow","Condition":{{"NumericEquals":{{"a":{number}}}}}}}}}"#
        );
        PolicyDocument::parse(&policy).unwrap();
    }
    for number in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        let mut bytes = vec![0xcb];
        bytes.extend(number.to_be_bytes());
        assert!(
            refused(&bytes, &Type::Number).contains("infinite"),
            "{number}"
        );
    }
}

#[tokio::test]
async fn text_that_is_not_utf_8_is_refused() {
    const NOT_UTF_8: [&[u8]; 4] = [
        b"\xa2\xc3\x28",
        b"\xa3\xed\xa0\x80",
        b"\xa1\xff",
        b"\xa4\xf4\x90\x80\x80",
    ];
    for bytes in NOT_UTF_8 {
        assert_eq!(refused(bytes, &Type::String), "the text is not UTF-8");
        let keyed = [b"\x81", bytes, b"\xa1a"].concat();
        assert_eq!(
            refused(&keyed, &Type::map(Type::String)),
            "the text is not UTF-8"
        );
        let named = [b"\x0a", bytes].concat();
        let answer = service().call("ReadResource", &named).await;
        assert_eq!(answer.status, INTERNAL, "{bytes:x?}");
    }
    assert!(upgrade(b"{\"id\":\"\xff\"}").await.says("is not JSON"));
    assert!(upgrade(b"{\"id\":\"\\ud800\"}").await.says("is not JSON"));
}

#[tokio::test]
async fn what_stands_twice_is_refused_where_it_could_mean_two_things() {
    assert_eq!(
        refused(b"\x82\xa1a\xa1x\xa1a\xa1y", &Type::map(Type::String)),
        "a key stands twice in the map"
    );
    let object = Type::object([("a", Type::String), ("b", Type::String)]);
    assert_eq!(
        refused(b"\x82\xa1a\xa1x\xa1a\xa1y", &object),
        "an attribute stands twice in the object"
    );
    // The same letter in two spellings of Unicode.
    let composed = b"\x82\xa2\xc3\xa9\xa1x\xa3e\xcc\x81\xa1y";
    assert_eq!(
        refused(composed, &Type::map(Type::String)),
        "a key stands twice in the map"
    );
    let why = PolicyDocument::parse(r#"{"Statement":[],"Statement":[]}"#).unwrap_err();
    assert!(
        why.to_string().contains("\"Statement\" stands twice"),
        "{why}"
    );
}

/// As Terraform's own reader of JSON has it, so that both understand a state file alike.
#[test]
fn of_a_member_that_stands_twice_in_a_state_the_last_counts() {
    let stored = serde_json::from_str(r#"{"a":"first","a":"last"}"#).unwrap();
    let read = Value::from_json(&stored, &Type::object([("a", Type::String)])).unwrap();
    assert_eq!(read.attribute("a").as_str(), Some("last"));
    assert_eq!(stored, json!({ "a": "last" }));
}
