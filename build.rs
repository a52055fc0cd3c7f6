//! Compiles the protocol's definitions without an installed protoc.

use std::error::Error;

const DEFINITIONS: [&str; 3] = [
    "proto/tfplugin6.proto",
    "proto/plugin.proto",
    "proto/health.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    for definition in DEFINITIONS {
        println!("cargo::rerun-if-changed={definition}");
    }
    let files = protox::compile(DEFINITIONS, ["proto"])?;
    // The clients are for the tests, which speak to the server as Terraform does.
    tonic_prost_build::configure()
        .build_server(true)
        .build_client(true)
        .compile_fds(files)?;
    Ok(())
}
