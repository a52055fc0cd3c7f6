//! Composition: the provider `replicated`, made of the framework, the pure middle, the execution and the edge.

pub mod account;
mod checks;
pub mod config;
pub mod documentation;
mod duration;
pub mod mistyped;
mod regions;
pub mod replicated_bucket;
pub mod settings;

use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use self::account::AccountDataSource;
use self::config::ProviderModel;
use self::replicated_bucket::ReplicatedBucket;
use self::settings::{Session, Shared};
use crate::aws::AwsCloud;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::provider::{ConfigureRequest, DataSource, Provider, Resource};
use crate::framework::schema::Schema;
use crate::framework::value::{AttributePath, Value};

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
        if let Some(model) = decode(config, &mut diagnostics) {
            check(&model, &mut diagnostics);
        }
        diagnostics
    }

    async fn configure(&self, request: ConfigureRequest) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        let Some(model) = decode(&request.config, &mut diagnostics) else {
            return diagnostics;
        };
        check(&model, &mut diagnostics);
        if diagnostics.has_error() {
            return diagnostics;
        }
        if model.has_unknown() {
            self.shared.configure(None);
            return diagnostics;
        }
        let user_agent = format!(
            "terraform-provider-replicated/{} (+terraform/{})",
            self.version(),
            request.terraform_version
        );
        match AwsCloud::new(model.cloud_config(session_name(), user_agent)) {
            Ok(cloud) => {
                let settings = model.settings(cloud.default_region().await, cloud.own_way_in());
                self.shared.configure(Some(Session {
                    settings,
                    cloud: Arc::new(cloud),
                    locks: self.shared.locks.clone(),
                }));
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
        vec![Arc::new(AccountDataSource::new(self.shared.clone()))]
    }
}

fn decode(config: &Value, diagnostics: &mut Diagnostics) -> Option<ProviderModel> {
    match Attr::from_value(config) {
        Ok(Attr::Known(model)) => Some(model),
        Ok(_) => Some(ProviderModel::default()),
        Err(error) => {
            diagnostics.error(
                "The provider block does not fit the schema",
                format!("{error}. This is a bug in the provider; please report it."),
            );
            None
        }
    }
}

fn check(model: &ProviderModel, diagnostics: &mut Diagnostics) {
    if !model.allowed_account_ids.is_null() && !model.forbidden_account_ids.is_null() {
        diagnostics.error_at(
            AttributePath::root("forbidden_account_ids"),
            "Two account guards",
            "`allowed_account_ids` and `forbidden_account_ids` exclude each other; write one of them.",
        );
    }
    let mut seen: Vec<&String> = Vec::new();
    let blocks = model
        .account
        .known()
        .into_iter()
        .flatten()
        .filter_map(Attr::known);
    for (index, block) in (0..).zip(blocks) {
        let path = AttributePath::root("account").index(index);
        if let Some(id) = block.account_id.known() {
            if seen.contains(&id) {
                diagnostics.error_at(
                    path.attribute("account_id"),
                    "One account twice",
                    format!(
                        "There is an `account` block for {id} already; one block tells the way in."
                    ),
                );
            }
            seen.push(id);
        }
        let roles = block.assume_role.known().map_or(0, Vec::len);
        if block.profile.is_null() && roles == 0 && !block.assume_role.is_unknown() {
            diagnostics.error_at(
                path,
                "No way in",
                "An `account` block says how to get into the account: write a `profile`, an `assume_role` block, or both.",
            );
        }
    }
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
