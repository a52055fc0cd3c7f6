//! The MessagePack form of values, as Terraform sends and expects it.

use super::{CodecError, Type, Value};

impl Value {
    /// Reads a value of a type.
    pub fn from_msgpack(bytes: &[u8], ty: &Type) -> Result<Self, CodecError> {
        let _ = (bytes, ty);
        Err(CodecError("not written yet".into()))
    }

    /// Writes a value of a type.
    pub fn to_msgpack(&self, ty: &Type) -> Result<Vec<u8>, CodecError> {
        let _ = ty;
        Err(CodecError("not written yet".into()))
    }
}
