//! The check of the provider's own region and credentials, before anything else.

use super::config::ProviderConfig;
use super::regions;
use super::replicated_bucket::report;
use super::settings::Session;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::AttributePath;

/// The provider's region must be known, its credentials must work, and its guards must hold.
pub(super) async fn check(
    config: &ProviderConfig,
    session: &Session,
    diagnostics: &mut Diagnostics,
) {
    let settings = &session.settings;
    let Some(region) = &settings.region else {
        return;
    };
    if !settings.skip_region_validation
        && let Err(why) = regions::check_known(region)
    {
        let path = AttributePath::root("region");
        let from = "The region is the one written in the provider block, in AWS_REGION or AWS_DEFAULT_REGION, or the profile's.";
        diagnostics.error_at(path, regions::UNKNOWN, format!("{why} {from}"));
        return;
    }
    if !config.checks_credentials() {
        return;
    }
    match session.cloud.enter(&settings.own_way_in, region).await {
        Err(error) => report::own_credentials(config.credentials_path(), &error, diagnostics),
        Ok(identity) => {
            if let Err(why) = session.guard(identity.account.as_str()) {
                let guard = match settings.allowed_account_ids.is_empty() {
                    true => "forbidden_account_ids",
                    false => "allowed_account_ids",
                };
                let path = AttributePath::root(guard);
                diagnostics.error_at(path, "The account is not allowed", why);
            }
        }
    }
}
