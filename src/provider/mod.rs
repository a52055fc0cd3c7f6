//! Composition: the provider `replicated`, made of the framework, the pure middle, the execution and the edge.

mod abandoned;
pub mod account;
mod assume_role;
mod checks;
pub mod config;
pub mod documentation;
mod duration;
mod functions;
pub mod mistyped;
mod own_credentials;
mod regions;
pub mod replicated_bucket;
pub mod replicated_bucket_backfill;
pub mod replicated_bucket_status;
pub mod replicated_bucket_verify;
mod replicated_policies;
pub mod settings;
mod spelling;

use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use self::account::AccountDataSource;
use self::config::{Environment, ProviderConfig, ProviderModel};
use self::replicated_bucket::ReplicatedBucket;
use self::replicated_bucket::list::ReplicatedBuckets;
use self::replicated_bucket_backfill::BackfillAction;
use self::replicated_bucket_status::StatusDataSource;
use self::replicated_bucket_verify::VerifyAction;
use self::replicated_policies::PoliciesDataSource;
use self::settings::{Session, Shared};
use crate::aws::AwsCloud;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::provider::{
    Action, ConfigureRequest, DataSource, Function, ListResource, Provider, Resource,
};
use crate::framework::schema::Schema;
use crate::framework::value::Value;

/// The provider's source address.
pub const ADDRESS: &str = "registry.terraform.io/replicated-bucket/replicated";

/// The provider.
#[derive(Default)]
pub struct ReplicatedProvider {
    shared: Arc<Shared>,
}

impl ReplicatedProvider {
    /// A provider that is not configured yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A provider with a session of its own, over whatever cloud that has; what it is configured with does not
    /// count until the next `configure`.
    pub fn with_session(session: Session) -> Self {
        let provider = Self::default();
        provider.shared.configure(Some(session));
        provider
    }
}

#[async_trait]
impl Provider for ReplicatedProvider {
    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn schema(&self) -> Schema {
        config::schema()
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        if let Some(config) = decode(config, &mut diagnostics) {
            config.check(&mut diagnostics);
        }
        diagnostics
    }

    async fn configure(&self, request: ConfigureRequest) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        let Some(config) = decode(&request.config, &mut diagnostics) else {
            return diagnostics;
        };
        config.check(&mut diagnostics);
        if diagnostics.has_error() {
            return diagnostics;
        }
        // A part of it would be no less misleading: tags that look removed, another account.
        if !request.config.is_wholly_known() {
            self.shared.configure(None);
            return diagnostics;
        }
        let user_agent = format!(
            "terraform-provider-replicated/{} (+terraform/{})",
            self.version(),
            request.terraform_version
        );
        match AwsCloud::new(config.cloud_config(session_name(), user_agent)) {
            Ok(cloud) => {
                let settings = config.settings(cloud.default_region().await, cloud.own_way_in());
                let locks = self.shared.locks.clone();
                let session = Session::new(settings, Arc::new(cloud), locks);
                own_credentials::check(&config, &session, &mut diagnostics).await;
                self.shared.configure(Some(session));
            }
            Err(error) => {
                diagnostics.error("The provider cannot be configured", format!("{error}."))
            }
        }
        diagnostics
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(ReplicatedBucket::new(self.shared.clone()))]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        vec![
            Arc::new(AccountDataSource::new(self.shared.clone())),
            Arc::new(PoliciesDataSource::new(self.shared.clone())),
            Arc::new(StatusDataSource::new(self.shared.clone())),
        ]
    }

    fn actions(&self) -> Vec<Arc<dyn Action>> {
        vec![
            Arc::new(BackfillAction::new(self.shared.clone())),
            Arc::new(VerifyAction::new(self.shared.clone())),
        ]
    }

    fn list_resources(&self) -> Vec<Arc<dyn ListResource>> {
        vec![Arc::new(ReplicatedBuckets::new(self.shared.clone()))]
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        functions::all()
    }
}

fn decode(config: &Value, diagnostics: &mut Diagnostics) -> Option<ProviderConfig> {
    let model = match Attr::from_value(config) {
        Ok(Attr::Known(model)) => model,
        Ok(_) => ProviderModel::default(),
        Err(error) => {
            diagnostics.error(
                "The provider block does not fit the schema",
                format!("{error}. This is a bug in the provider; please report it."),
            );
            return None;
        }
    };
    Some(ProviderConfig::new(model, Environment::of_process()))
}

/// One name for every session of this run, in every account, so that CloudTrail can be joined.
///
/// Terraform starts a process for each walk and alias; what they share is their parent, Terraform itself.
fn session_name() -> String {
    let run = format!(
        "{} {}",
        parent_process(),
        time::OffsetDateTime::now_utc().date()
    );
    let digest = Sha256::digest(run.as_bytes());
    let hex: String = digest
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("terraform-replicated-{hex}")
}

#[cfg(unix)]
fn parent_process() -> u32 {
    std::os::unix::process::parent_id()
}

#[cfg(not(unix))]
fn parent_process() -> u32 {
    std::process::id()
}
