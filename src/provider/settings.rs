//! The configured provider: its settings, its way into AWS, and what all resources of the process share.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::abandoned::WithoutAbandoned;
use crate::execution::DocumentLocks;
use crate::execution::cloud::{CallError, Cloud, Identity};
use crate::execution::deadline::Deadline;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::FromValue;
use crate::framework::provider::{ClientCapabilities, DataReadResponse, DeferredReason};
use crate::framework::value::Value;
use crate::replication::ids::{AccountId, Region, WayIn};
use crate::replication::ignored_tags::IgnoredTags;
use crate::replication::operation::Tags;

/// What a provider block says beside access to AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The region that a bucket gets when nothing else says one.
    pub region: Option<Region>,
    /// The provider's own credentials, with its chain of roles.
    pub own_way_in: WayIn,
    /// Ways into other accounts, by account id (`account` blocks).
    pub accounts: BTreeMap<String, WayIn>,
    /// Accounts that are gone (`account` blocks with `abandoned`).
    pub abandoned: BTreeSet<AccountId>,
    /// Tags on everything.
    pub default_tags: Tags,
    /// Tags that somebody else keeps on what is ours.
    pub ignored_tags: IgnoredTags,
    /// The only accounts that the provider's own credentials may lead to; empty allows all.
    pub allowed_account_ids: Vec<String>,
    /// Accounts that the provider's own credentials may not lead to.
    pub forbidden_account_ids: Vec<String>,
    /// The profile that the provider block names.
    pub profile: Option<String>,
    /// Whether nobody asks AWS whose the base credentials are; who relies on them tells the account.
    pub skip_requesting_account_id: bool,
    /// Whether regions that this version does not know are taken as they are.
    pub skip_region_validation: bool,
    /// What of the provider's own way in no location can express, in words that follow "has".
    pub not_shareable: Option<&'static str>,
}

/// A configured provider.
pub struct Session {
    /// Its settings.
    pub settings: Settings,
    /// AWS.
    pub cloud: Arc<dyn Cloud>,
    /// Locks of shared policy documents.
    pub locks: Arc<DocumentLocks>,
}

/// Why somewhere could not be entered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnterError {
    /// AWS refused, or was not reached.
    #[error("{0}")]
    Call(#[from] CallError),
    /// The account guard of the provider block.
    #[error("{0}")]
    Guard(String),
    /// `skip_requesting_account_id`, and nobody tells the account.
    #[error("the account is neither told nor may it be asked for")]
    Untold,
}

impl Session {
    /// A session over a cloud, in which abandoned accounts are empty.
    pub fn new(settings: Settings, cloud: Arc<dyn Cloud>, locks: Arc<DocumentLocks>) -> Self {
        let accounts = settings.abandoned.clone();
        let cloud = match accounts.is_empty() {
            true => cloud,
            false => Arc::new(WithoutAbandoned { cloud, accounts }),
        };
        Self {
            settings,
            cloud,
            locks,
        }
    }

    /// The same session, in which no answer is waited for beyond a moment.
    pub(crate) fn until(&self, deadline: &Deadline) -> Self {
        Self {
            settings: self.settings.clone(),
            cloud: deadline.bound(self.cloud.clone()),
            locks: self.locks.clone(),
        }
    }

    /// Enters an account and tells whose it is; the provider's guards hold for its own credentials. `told` is the
    /// account that the configuration or the state names.
    pub async fn enter(
        &self,
        way_in: &WayIn,
        region: &Region,
        told: Option<&str>,
    ) -> Result<Identity, EnterError> {
        let guarded = !self.settings.allowed_account_ids.is_empty()
            || !self.settings.forbidden_account_ids.is_empty();
        if guarded {
            let own = self.cloud.enter(&self.settings.own_way_in, region).await?;
            self.guard(own.account.as_str())
                .map_err(EnterError::Guard)?;
        }
        // An assumed role tells itself whose it is.
        let is_role = !way_in.assume_role.is_empty() || way_in.web_identity.is_some();
        if self.settings.skip_requesting_account_id && !is_role {
            let told = told.and_then(|id| AccountId::parse(id).ok());
            return Ok(Identity {
                account: told.ok_or(EnterError::Untold)?,
                partition: region.partition(),
                arn: "whose account nobody asks for".to_owned(),
            });
        }
        Ok(self.cloud.enter(way_in, region).await?)
    }

    /// Whether the provider's own credentials may belong to an account.
    pub(super) fn guard(&self, account: &str) -> Result<(), String> {
        let settings = &self.settings;
        let listed = |list: &[String]| list.iter().any(|id| id == account);
        if !settings.allowed_account_ids.is_empty() && !listed(&settings.allowed_account_ids) {
            return Err(format!(
                "The provider's credentials belong to account {account}, which is not among its allowed_account_ids ({}). Use other credentials, or correct the list.",
                settings.allowed_account_ids.join(", ")
            ));
        }
        if listed(&settings.forbidden_account_ids) {
            return Err(format!(
                "The provider's credentials belong to account {account}, which forbidden_account_ids names. Use other credentials, or correct the list."
            ));
        }
        Ok(())
    }
}

/// The provider's configuration as the process has it now.
#[derive(Clone, Default)]
enum Configuration {
    /// Not configured (validate, functions).
    #[default]
    None,
    /// Configured with values that are not known yet.
    Unknown,
    /// Ready.
    Ready(Arc<Session>),
}

/// What every resource of the process shares.
#[derive(Default)]
pub struct Shared {
    configuration: RwLock<Configuration>,
    /// Locks outlive a change of configuration: in debug mode one process serves every alias.
    pub(crate) locks: Arc<DocumentLocks>,
    remainders: Mutex<BTreeSet<String>>,
    in_state: Mutex<BTreeSet<String>>,
    made: Mutex<BTreeSet<String>>,
    claimed: Mutex<BTreeSet<String>>,
}

/// Why there is no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSession {
    /// The provider was not configured.
    Unconfigured,
    /// Its configuration has values that are known only after apply.
    Unknown,
}

impl NoSession {
    /// Says that AWS cannot be asked.
    pub(crate) fn tell(self, diagnostics: &mut Diagnostics) {
        let detail = match self {
            Self::Unknown => {
                "What its configuration says is known only after apply, and this asks AWS before. Write those values out, or apply what they come from first, with `terraform apply -target=<resource>`. Nothing was changed."
            }
            Self::Unconfigured => {
                "Terraform asked for this before it configured the provider. This is a bug; please report it."
            }
        };
        diagnostics.error("The provider is not configured", detail);
    }
}

impl Shared {
    /// Takes a configuration; the last one counts.
    pub(crate) fn configure(&self, session: Option<Session>) {
        let configuration = session.map_or(Configuration::Unknown, |session| {
            Configuration::Ready(Arc::new(session))
        });
        *self
            .configuration
            .write()
            .unwrap_or_else(PoisonError::into_inner) = configuration;
        // In debug mode one process serves one command after the other, and every alias: then the last one counts.
        owners(&self.in_state).clear();
        owners(&self.made).clear();
        owners(&self.claimed).clear();
    }

    /// Remembers that what a failed create of this owner left is in a state. Terraform taints it and plans it as
    /// something new, without a word of the state, so that plan would take its own parts for somebody else's.
    pub(crate) fn remember_remainder(&self, owner: String) {
        owners(&self.remainders).insert(owner);
    }

    /// Forgets it, once it is gone.
    pub(crate) fn forget_remainder(&self, owner: &str) {
        owners(&self.remainders).remove(owner);
    }

    /// Whether what a failed create of this owner left is in a state.
    pub(crate) fn is_remainder(&self, owner: &str) -> bool {
        owners(&self.remainders).contains(owner)
    }

    /// Remembers that a refresh found what this owner has in a state. Terraform plans what is tainted as something new,
    /// without a word of the state.
    pub(crate) fn remember_in_state(&self, owner: String) {
        owners(&self.in_state).insert(owner);
    }

    /// Takes an owner for one create of this run; false when another create has it already. Both would find nothing,
    /// make the same things, and from then on change and delete what the other one has.
    pub(crate) fn claim(&self, owner: String) -> bool {
        owners(&self.claimed).insert(owner)
    }

    /// Lets it go again, when that create left nothing.
    pub(crate) fn release(&self, owner: &str) {
        owners(&self.claimed).remove(owner);
    }

    /// Remembers that this run made what this owner has.
    pub(crate) fn remember_made(&self, owner: String) {
        owners(&self.made).insert(owner);
    }

    /// Whether this run made what this owner has.
    pub(crate) fn is_made(&self, owner: &str) -> bool {
        owners(&self.made).contains(owner)
    }

    /// Whether a refresh of this run found what this owner has in a state.
    pub(crate) fn is_in_state(&self, owner: &str) -> bool {
        owners(&self.in_state).contains(owner)
    }

    /// Why an answer to this client is put off: the provider's own configuration is not known yet, and the client
    /// takes that for an answer.
    pub(crate) fn deferral(&self, client: &ClientCapabilities) -> Option<DeferredReason> {
        let unknown = self.session().err() == Some(NoSession::Unknown);
        (unknown && client.deferral_allowed).then_some(DeferredReason::ProviderConfigUnknown)
    }

    /// How reading a data source begins: the session, and an answer that is empty so far; or the answer that puts the
    /// reading off or refuses it.
    pub(crate) fn begin_data(
        &self,
        client: &ClientCapabilities,
    ) -> Result<(Arc<Session>, DataReadResponse), DataReadResponse> {
        let mut response = DataReadResponse {
            state: Value::Null,
            diagnostics: Diagnostics::new(),
            deferred: self.deferral(client),
        };
        if response.deferred.is_some() {
            response.state = Value::Unknown;
            return Err(response);
        }
        match self.session_or_tell(&mut response.diagnostics) {
            Some(session) => Ok((session, response)),
            None => Err(response),
        }
    }

    /// How an action begins: the session, and what its configuration says.
    pub(crate) fn begin_action<M: FromValue>(
        &self,
        config: &Value,
        diagnostics: &mut Diagnostics,
    ) -> Option<(Arc<Session>, M)> {
        let session = self.session_or_tell(diagnostics)?;
        Some((session, fitting(M::from_known(config), diagnostics)?))
    }

    /// The session, or a word of why there is none.
    pub(crate) fn session_or_tell(&self, diagnostics: &mut Diagnostics) -> Option<Arc<Session>> {
        self.session().map_err(|why| why.tell(diagnostics)).ok()
    }

    /// The session, where there is one.
    pub(crate) fn session(&self) -> Result<Arc<Session>, NoSession> {
        let configuration = self
            .configuration
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match configuration {
            Configuration::Ready(session) => Ok(session),
            Configuration::Unknown => Err(NoSession::Unknown),
            Configuration::None => Err(NoSession::Unconfigured),
        }
    }
}

/// What a configuration says, or a word of why that cannot be told.
pub(crate) fn fitting<M, E: fmt::Display>(
    model: Result<M, E>,
    diagnostics: &mut Diagnostics,
) -> Option<M> {
    let tell = |why: E| {
        diagnostics.error("The configuration does not fit the schema", why.to_string());
    };
    model.map_err(tell).ok()
}

fn owners(of: &Mutex<BTreeSet<String>>) -> MutexGuard<'_, BTreeSet<String>> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
