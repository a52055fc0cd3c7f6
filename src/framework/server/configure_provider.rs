//! `ValidateProviderConfig` and `ConfigureProvider`.

use super::Server;
use super::guard::guarded;
use super::validate_config::run_validators;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::ConfigureRequest;
use crate::framework::value::Value;

impl Server {
    /// Checks the provider block; values may be unknown.
    pub async fn validate_provider_config(&self, config: &Value) -> Diagnostics {
        let mut diagnostics = run_validators(&self.schemas.provider.block, config);
        match guarded("validate its configuration", self.provider.validate(config)).await {
            Ok(found) | Err(found) => diagnostics.extend(found),
        }
        diagnostics
    }

    /// Hands the provider block to the provider.
    pub async fn configure_provider(&self, request: ConfigureRequest) -> Diagnostics {
        match guarded("configure itself", self.provider.configure(request)).await {
            Ok(found) | Err(found) => found,
        }
    }
}
