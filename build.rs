//! Compiles the protocol's definitions without an installed protoc.

fn main() {}
