//! Accounts that an import cannot enter. A destination in one is somebody else's, of which its rules tell enough.

use super::custody::{arrival_key, arriving_under, leave};
use super::rule::{self, Arriving};
use super::{Importer, Intent, Setup};
use crate::execution::cloud::CallErrorKind;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::SideModel;
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::replicated_bucket::report;
use crate::provider::replicated_bucket::values::flatten::imported_encryption;
use crate::provider::settings::EnterError;
use crate::replication::component::Side;
use crate::replication::ids::{AccountId, Arn, Region};
use crate::replication::observed::{ObservedBucket, Presence};
use crate::replication::operation::{Answer, Query};

/// Why an account was not entered.
pub(super) enum Shut {
    /// It lets nobody in, or nobody could be asked.
    Refused(EnterError),
    /// The credentials at hand lead somewhere else.
    LeadsElsewhere { wanted: String, account: AccountId },
}

impl Shut {
    /// Whether trying again would come to the same.
    pub(super) fn is_for_good(&self) -> bool {
        match self {
            Self::Refused(EnterError::Call(error)) => error.kind == CallErrorKind::AccessDenied,
            Self::Refused(_) => false,
            Self::LeadsElsewhere { .. } => true,
        }
    }

    pub(super) fn report(&self, this: &Side, side: &SideModel, diagnostics: &mut Diagnostics) {
        match self {
            Self::Refused(error) => report::enter_error(this, side, error, diagnostics),
            Self::LeadsElsewhere { wanted, account } => diagnostics.error(
                format!("No way into account {wanted}"),
                format!("{this} is in account {wanted}, but the credentials at hand lead to {account}. Append `,<role ARN>` of a role in {wanted} to the import ID, or write an `account` block for it in the provider. Nothing was imported."),
            ),
        }
    }

    fn told(&self) -> String {
        match self {
            Self::Refused(error) => error.to_string(),
            Self::LeadsElsewhere { account, .. } => {
                format!("the credentials at hand lead to {account}")
            }
        }
    }
}

impl Importer<'_> {
    /// A destination in such an account: in it nothing is looked at or written.
    pub(super) async fn left_alone(
        &self,
        setup: &Setup,
        arriving: &Arriving<'_>,
        mut side: SideModel,
        shut: &Shut,
        diagnostics: &mut Diagnostics,
    ) -> Option<SideModel> {
        let this = Side::Destination(arriving.key.clone());
        let key = arrival_key(&arriving.rules, None);
        let region = self.region_from_outside(setup, arriving.bucket, key, diagnostics);
        side.region = Attr::Known(region.await?.to_string());
        leave(&mut side);
        side.bucket = Attr::Known(arriving.bucket.to_owned());
        side.reachable = Attr::Known(false);
        side.manage_bucket_policy = Attr::Known(false);
        side.two_way = Attr::Known(false);
        // A role that leads nowhere is no way in.
        side.assume_role = Attr::Null;
        let seen = ObservedBucket {
            encryption: key.map_or(Presence::Unasked, |key| {
                Presence::Present(arriving_under(key))
            }),
            ..ObservedBucket::default()
        };
        side.encryption = Attr::Known(imported_encryption(&seen, None));
        rule::fill(&mut side, arriving, key);
        let account = side.account_id.known().cloned().unwrap_or_default();
        let summary = format!("Account {account} cannot be entered");
        if self.intent == Intent::Status {
            diagnostics.warning(
                summary,
                format!("{this} is bucket {} in account {account}, and there is no way in: {}. What it has is not looked at. Where there is a way in, append `,<role ARN>` of a role in {account} to `import_id`, or write an `account` block for it in the provider.", arriving.bucket, shut.told()),
            );
            return Some(side);
        }
        diagnostics.warning_at(
            side_path(&this),
            summary,
            format!("{this} is bucket {} in account {account}, and an import finds no way in: {}. It is imported with existing = true and reachable = false: nothing is looked at or written there, and what its owner must grant is in required_bucket_policy_json and required_key_policy_json. Where there is a way in, append `,<role ARN>` of a role in {account} to the import ID, or write an `account` block for it in the provider, and import again.", arriving.bucket, shut.told()),
        );
        Some(side)
    }

    /// The region of a bucket in an account that cannot be entered: S3 tells everybody that a bucket is elsewhere, and
    /// where. One that is not elsewhere is where it was asked for.
    async fn region_from_outside(
        &self,
        setup: &Setup,
        bucket: &str,
        key: Option<&String>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Region> {
        let of_key = key.and_then(|key| Arn::parse_key(key).ok());
        if let Some(Ok(region)) = of_key.map(|arn| Region::parse(&arn.region)) {
            // A replica's key is in its bucket's region.
            return Some(region);
        }
        let query = Query::HeadBucket {
            bucket: bucket.to_owned(),
        };
        let asked = &setup.source;
        match self.session.cloud.query(asked, &query).await {
            Ok(Answer::BucketRegion(region)) => {
                Some(Region::parse(&region).unwrap_or_else(|_| asked.region.clone()))
            }
            Ok(_) => Some(asked.region.clone()),
            Err(error) if error.kind == CallErrorKind::AccessDenied => Some(asked.region.clone()),
            Err(error) => {
                report::read_errors(&[error], diagnostics);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::cloud::CallError;

    const ABROAD: &str = "222222222222";

    fn refused(kind: CallErrorKind) -> Shut {
        Shut::Refused(EnterError::Call(CallError {
            kind,
            call: "sts:AssumeRole".to_owned(),
            subject: "arn:aws:iam::222222222222:role/Deploy".to_owned(),
            account: None,
            region: None,
            code: None,
            message: "no way in".to_owned(),
            request_id: None,
        }))
    }

    fn led_elsewhere() -> Shut {
        Shut::LeadsElsewhere {
            wanted: ABROAD.to_owned(),
            account: AccountId::parse("111111111111").unwrap(),
        }
    }

    /// Path, summary and detail of what is said.
    fn said(shut: &Shut) -> Vec<(String, String, String)> {
        let mut diagnostics = Diagnostics::new();
        let this = Side::Destination("backup".to_owned());
        shut.report(&this, &SideModel::default(), &mut diagnostics);
        let said = diagnostics.iter().map(|d| {
            let path = d.path.as_ref().map(ToString::to_string).unwrap_or_default();
            (path, d.summary.clone(), d.detail.clone())
        });
        said.collect()
    }

    #[test]
    fn only_an_account_that_lets_nobody_in_is_shut_for_good() {
        use CallErrorKind::{
            AccessDenied, Ambiguous, Cancelled, Credentials, Throttled, TimedOut, Transport,
        };
        assert!(refused(AccessDenied).is_for_good());
        assert!(led_elsewhere().is_for_good());
        for kind in [
            Ambiguous,
            Cancelled,
            Credentials,
            Throttled,
            TimedOut,
            Transport,
        ] {
            assert!(!refused(kind).is_for_good(), "{kind:?}");
        }
        let guard = Shut::Refused(EnterError::Guard("not allowed".to_owned()));
        assert!(!guard.is_for_good());
        assert!(!Shut::Refused(EnterError::Untold).is_for_good());
    }

    #[test]
    fn credentials_that_lead_elsewhere_are_told_with_both_ways_out() {
        let [(_, summary, detail)] = &said(&led_elsewhere())[..] else {
            panic!("one error is expected");
        };
        assert_eq!(summary, "No way into account 222222222222");
        for words in ["111111111111", "`,<role ARN>`", "`account` block"] {
            assert!(detail.contains(words), "{words}: {detail}");
        }
        assert_eq!(
            led_elsewhere().told(),
            "the credentials at hand lead to 111111111111"
        );
    }

    #[test]
    fn a_refusal_is_told_at_its_side_in_the_words_of_whoever_refused() {
        let refused = refused(CallErrorKind::Throttled);
        assert!(refused.told().contains("no way in"), "{}", refused.told());
        let [(path, _, detail)] = &said(&refused)[..] else {
            panic!("one error is expected");
        };
        assert_eq!(path, "destinations[\"backup\"]");
        assert!(detail.contains("no way in"), "{detail}");
    }
}
