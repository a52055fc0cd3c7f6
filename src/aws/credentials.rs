//! Sessions: credentials with the account that they lead to.
//!
//! Flow: [`Session::current`] answers from memory until five minutes before the credentials end, then asks
//! again; tasks that come meanwhile wait for that one answer. Guarantees: however many tasks begin at once,
//! one `AssumeRole` is sent; a session whose credentials AWS refused is asked for anew by the next call.
//! Errors: whatever keeps us from having credentials has kind `Credentials`, unless it is the network's fault.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as ProvideCredentialsFuture;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokio::sync::{Mutex, OnceCell};

use super::call::Call;
use super::config::Secret;
use super::error::{chain, without_canonical_request};
use super::retry::Effect;
use super::sts;
use crate::execution::cloud::{CallError, CallErrorKind, Identity};
use crate::replication::ids::{AssumeRole, Region, WebIdentity};

/// How long before their end credentials are renewed.
const RENEW_BEFORE_END: Duration = Duration::from_secs(5 * 60);

/// One way of being somebody, shared by every client that signs with it.
#[derive(Debug)]
pub(super) struct Session {
    origin: Origin,
    /// Signs nothing by itself: each request is given the credentials that it is signed with.
    sts: aws_sdk_sts::Client,
    region: Region,
    /// The lock is held while credentials are being fetched: that is what makes it one request.
    held: Mutex<Option<Credentials>>,
    identity: OnceCell<Identity>,
}

/// Where a session's credentials come from.
#[derive(Debug)]
pub(super) enum Origin {
    /// Keys, environment, profile, container or instance.
    Base {
        provider: Option<SharedCredentialsProvider>,
        /// The profile that was asked for, for messages.
        profile: Option<String>,
    },
    /// A role that another session assumes.
    Role {
        from: Arc<Session>,
        role: AssumeRole,
        session_name: String,
    },
    /// A role that a web identity assumes, without any other credentials.
    WebIdentity {
        identity: WebIdentity,
        /// The token, where no file holds it.
        token: Option<Secret>,
        session_name: String,
    },
}

impl Session {
    /// A session that has not begun.
    pub(super) fn new(origin: Origin, sts: aws_sdk_sts::Client, region: Region) -> Self {
        Self {
            origin,
            sts,
            region,
            held: Mutex::new(None),
            identity: OnceCell::new(),
        }
    }

    /// Credentials that last for at least five minutes.
    pub(super) async fn current(&self) -> Result<Credentials, CallError> {
        let mut held = self.held.lock().await;
        if let Some(credentials) = held.as_ref().filter(|c| is_fresh(c, SystemTime::now())) {
            return Ok(credentials.clone());
        }
        let credentials = self.fetch().await.map_err(as_credentials_error)?;
        *held = Some(credentials.clone());
        Ok(credentials)
    }

    /// Who we are. A role's session says so itself; otherwise STS is asked, once.
    pub(super) async fn identity(&self) -> Result<Identity, CallError> {
        let signer = self.current().await?;
        let identity = self
            .identity
            .get_or_try_init(|| sts::get_caller_identity(&self.sts, &self.region, &signer))
            .await
            .cloned()
            .map_err(as_credentials_error);
        self.forget_if_refused(&signer, identity).await
    }

    /// Lets credentials go that AWS has just refused, and passes the result on. Those that another task has
    /// fetched meanwhile are kept.
    pub(super) async fn forget_if_refused<T>(
        &self,
        used: &Credentials,
        result: Result<T, CallError>,
    ) -> Result<T, CallError> {
        if matches!(&result, Err(error) if error.kind == CallErrorKind::Credentials) {
            let mut held = self.held.lock().await;
            held.take_if(|held| held.session_token() == used.session_token());
        }
        result
    }

    async fn fetch(&self) -> Result<Credentials, CallError> {
        let session = match &self.origin {
            Origin::Base { provider, profile } => {
                return self.fetch_base(provider.as_ref(), profile.as_deref()).await;
            }
            Origin::Role {
                from,
                role,
                session_name,
            } => {
                // Boxed, because a chain of roles is a chain of sessions.
                let signer = Box::pin(from.current()).await?;
                let assumed =
                    sts::assume_role(&self.sts, &self.region, &signer, role, session_name).await;
                from.forget_if_refused(&signer, assumed).await?
            }
            Origin::WebIdentity {
                identity,
                token,
                session_name,
            } => {
                let (sts, token) = (&self.sts, token.as_ref());
                sts::assume_role_with_web_identity(sts, &self.region, identity, token, session_name)
                    .await?
            }
        };
        // Only the first session's name is kept: a later one differs in nothing that matters.
        let _ = self.identity.set(session.identity);
        Ok(session.credentials)
    }

    async fn fetch_base(
        &self,
        provider: Option<&SharedCredentialsProvider>,
        profile: Option<&str>,
    ) -> Result<Credentials, CallError> {
        let subject = match profile {
            Some(profile) => format!("profile \"{profile}\""),
            None => "the provider's own credentials".to_owned(),
        };
        let call = Call {
            name: "credentials",
            subject: &subject,
            account: None,
            region: &self.region,
            effect: Effect::Read,
        };
        let provided = match provider {
            Some(provider) => provider.provide_credentials().await,
            None => Err(CredentialsError::not_loaded_no_source()),
        };
        provided.map_err(|error| {
            let kind = match &error {
                CredentialsError::ProviderTimedOut(_) => CallErrorKind::Transport,
                _ => CallErrorKind::Credentials,
            };
            let cause = chain(&error);
            let cause = without_canonical_request(&cause);
            let message = match (&error, profile) {
                (CredentialsError::CredentialsNotLoaded(_), Some(_)) => {
                    "the shared files have no such profile, or no credentials in it".to_owned()
                }
                (CredentialsError::CredentialsNotLoaded(_), None) => {
                    "none are given by the provider's configuration, the environment, the shared \
                     files, or the metadata of a container or instance"
                        .to_owned()
                }
                _ => cause.to_owned(),
            };
            call.error(kind, message)
        })
    }
}

/// Whether credentials will do for a while yet.
fn is_fresh(credentials: &Credentials, now: SystemTime) -> bool {
    credentials
        .expiry()
        .is_none_or(|end| end > now + RENEW_BEFORE_END)
}

/// Whoever wanted to read a bucket and could not even enter the account must not take that for a denied read.
fn as_credentials_error(mut error: CallError) -> CallError {
    error.kind = match error.kind {
        kind @ (CallErrorKind::Transport | CallErrorKind::Throttled | CallErrorKind::Cancelled) => {
            kind
        }
        _ => CallErrorKind::Credentials,
    };
    error
}

/// A session as the SDK's clients want it.
pub(super) struct SessionCredentials(pub(super) Arc<Session>);

impl fmt::Debug for SessionCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionCredentials")
    }
}

impl ProvideCredentials for SessionCredentials {
    fn provide_credentials<'a>(&'a self) -> ProvideCredentialsFuture<'a>
    where
        Self: 'a,
    {
        ProvideCredentialsFuture::new(async {
            // The error travels through the SDK whole and is found again when its failure is read.
            self.0
                .current()
                .await
                .map_err(CredentialsError::provider_error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending_at(end: Option<SystemTime>) -> Credentials {
        Credentials::new("AKID", "secret", None, end, "test")
    }

    #[test]
    fn credentials_are_renewed_five_minutes_before_they_end() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let lasting = |seconds| ending_at(Some(now + Duration::from_secs(seconds)));
        assert!(is_fresh(&lasting(301), now));
        assert!(!is_fresh(&lasting(300), now));
        assert!(!is_fresh(&lasting(0), now));
        assert!(is_fresh(&ending_at(None), now));
    }
}
