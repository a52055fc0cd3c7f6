//! The plugin's executable.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use terraform_provider_replicated::framework::diagnostics::Diagnostics;
use terraform_provider_replicated::framework::provider::{ConfigureRequest, Provider, Resource};
use terraform_provider_replicated::framework::schema::Schema;
use terraform_provider_replicated::framework::value::Value;
use terraform_provider_replicated::plugin::{Identity, Program};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn main() -> ExitCode {
    terraform_provider_replicated::plugin::run(&Program {
        identity: Identity {
            address: "registry.terraform.io/replicated/replicated",
            version: VERSION,
        },
        provider: || Arc::new(Replicated),
        commands: &[],
    })
}

/// The provider before its first resource.
struct Replicated;

#[async_trait]
impl Provider for Replicated {
    fn version(&self) -> &str {
        VERSION
    }

    fn schema(&self) -> Schema {
        Schema::default()
    }

    async fn validate(&self, _: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn configure(&self, _: ConfigureRequest) -> Diagnostics {
        Diagnostics::new()
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        Vec::new()
    }
}
