//! The JSON form of types and of stored values.

use super::{CodecError, Type, Value};

impl Type {
    /// Reads a type from its JSON.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, CodecError> {
        let _ = json;
        Err(CodecError("not written yet".into()))
    }

    /// The type's JSON.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

impl Value {
    /// Reads a stored value of a type; unknown attributes are errors, missing ones null.
    pub fn from_json(json: &serde_json::Value, ty: &Type) -> Result<Self, CodecError> {
        let _ = (json, ty);
        Err(CodecError("not written yet".into()))
    }

    /// The value's JSON; unknown values have none.
    pub fn to_json(&self, ty: &Type) -> Result<serde_json::Value, CodecError> {
        let _ = ty;
        Err(CodecError("not written yet".into()))
    }
}
